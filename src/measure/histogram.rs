//! Latencies: HdrHistogram with 3 significant digits from 1 us to 1 h.
//!
//! Percentiles are never averaged: histograms are merged, which is exact, and percentiles read from the result.

use std::fmt;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2Serializer};

/// The highest latency that is told apart, in microseconds: one hour. Longer ones are clipped to it and counted.
pub const LATENCY_US_MAX: u64 = 3_600_000_000;

const SIGNIFICANT_DIGITS: u8 = 3;

/// What a latency is the time between. The stamps: intended, ready (released by the pacer),
/// send, ack, arrival (the service's), delivery.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum LatencyKind {
    /// Ready minus intended: the instrument's own delay.
    Lateness,
    /// Send minus ready: waiting for a slot, for companions, for the linger time.
    BatchWait,
    /// Ack minus send, of each attempt.
    ServiceTime,
    /// Ack minus intended, of records that were acked.
    ResponseTime,
    /// Last answer minus intended, of records that were given up.
    TimeToGiveUp,
    /// Delivery minus arrival. Arrival is the service's clock: the two clocks are mixed.
    DeliveryDelay,
    /// Delivery minus intended, of first deliveries.
    EndToEnd,
    /// From the answer of a call that began a change of a stream to the look that saw it done.
    TransitionTime,
    /// How far an answer was behind the tip of its shard, as the service says it, to the millisecond; of each answer from a
    /// stream that others write.
    Lag,
}

impl LatencyKind {
    /// Every kind, in the order reports list them.
    pub const ALL: [Self; 9] = [
        Self::Lateness,
        Self::BatchWait,
        Self::ServiceTime,
        Self::ResponseTime,
        Self::TimeToGiveUp,
        Self::DeliveryDelay,
        Self::EndToEnd,
        Self::TransitionTime,
        Self::Lag,
    ];

    /// The kind as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lateness => "lateness",
            Self::BatchWait => "batch_wait",
            Self::ServiceTime => "service_time",
            Self::ResponseTime => "response_time",
            Self::TimeToGiveUp => "time_to_give_up",
            Self::DeliveryDelay => "delivery_delay",
            Self::EndToEnd => "end_to_end",
            Self::TransitionTime => "transition_time",
            Self::Lag => "lag",
        }
    }
}

impl fmt::Display for LatencyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A histogram of latencies that never refuses a value: what it cannot hold it clips and counts.
#[derive(Clone, PartialEq, Debug)]
pub struct LatencyHistogram {
    /// Microseconds.
    inner: Histogram<u64>,
    negative: u64,
    clipped: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl LatencyHistogram {
    /// An empty histogram; about 190 KiB.
    #[expect(
        clippy::missing_panics_doc,
        reason = "the bounds are constants that the library accepts"
    )]
    pub fn new() -> Self {
        Self {
            inner: Histogram::new_with_bounds(1, LATENCY_US_MAX, SIGNIFICANT_DIGITS)
                .expect("the bounds are constants that the library accepts"),
            negative: 0,
            clipped: 0,
        }
    }

    /// The histogram of what a log holds, in microseconds, with the counts that a log has no place for; nothing when the log
    /// has values that are not told apart here.
    pub fn restored(logged: &Histogram<u64>, negative: u64, clipped: u64) -> Option<Self> {
        let mut histogram = Self::new();
        histogram.inner.add(logged).ok()?;
        Some(Self {
            negative,
            clipped,
            ..histogram
        })
    }

    /// Counts a latency in nanoseconds, rounded to the nearest microsecond. Negative ones (clocks that disagree) count
    /// as 0 us and as [`Self::negative`]; those above an hour count as an hour and as [`Self::clipped`].
    #[inline]
    pub fn record_nanos(&mut self, nanos: i64) {
        let mut micros = if let Ok(nanos) = u64::try_from(nanos) {
            (nanos + 500) / 1_000
        } else {
            self.negative += 1;
            0
        };
        if micros > LATENCY_US_MAX {
            self.clipped += 1;
            micros = LATENCY_US_MAX;
        }
        // Saturating never happens after the clip above: it is the form that cannot fail.
        self.inner.saturating_record(micros);
    }

    /// Adds what `other` counted; exact.
    #[expect(
        clippy::missing_panics_doc,
        reason = "all histograms have the same bounds"
    )]
    pub fn merge(&mut self, other: &Self) {
        self.inner
            .add(&other.inner)
            .expect("both have the same bounds");
        self.negative += other.negative;
        self.clipped += other.clipped;
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.inner.reset();
        self.negative = 0;
        self.clipped = 0;
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.inner.len()
    }

    /// How many values were below zero.
    pub const fn negative(&self) -> u64 {
        self.negative
    }

    /// How many values were above an hour.
    pub const fn clipped(&self) -> u64 {
        self.clipped
    }

    /// The histogram in microseconds, for export.
    pub const fn inner(&self) -> &Histogram<u64> {
        &self.inner
    }

    /// The value in microseconds at or below which `quantile` (0 to 1) of the recorded values lie; 0 when empty.
    pub fn quantile_us(&self, quantile: f64) -> u64 {
        self.inner.value_at_quantile(quantile)
    }

    /// The figures that reports show; all zero when empty.
    pub fn summary(&self) -> LatencySummary {
        if self.is_empty() {
            return LatencySummary::default();
        }
        LatencySummary {
            count: self.inner.len(),
            min_us: self.inner.min(),
            mean_us: self.inner.mean(),
            p50_us: self.quantile_us(0.5),
            p90_us: self.quantile_us(0.9),
            p99_us: self.quantile_us(0.99),
            p999_us: self.quantile_us(0.999),
            p9999_us: self.quantile_us(0.9999),
            max_us: self.inner.max(),
            negative: self.negative,
            clipped: self.clipped,
        }
    }

    /// The same content in a few KiB; see [`PackedHistogram`].
    #[expect(
        clippy::missing_panics_doc,
        reason = "memory takes a histogram of known bounds"
    )]
    pub fn pack(&self) -> PackedHistogram {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.inner, &mut bytes)
            .expect("a histogram of known bounds goes into memory");
        PackedHistogram {
            bytes: bytes.into_boxed_slice(),
            negative: self.negative,
            clipped: self.clipped,
        }
    }
}

/// A histogram at rest: HdrHistogram's V2 encoding, which takes a hundredth of the memory and loses nothing. There is one
/// per interval, part and kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PackedHistogram {
    bytes: Box<[u8]>,
    negative: u64,
    clipped: u64,
}

impl PackedHistogram {
    /// The histogram again, ready to record.
    #[expect(clippy::missing_panics_doc, reason = "only `pack` makes the bytes")]
    pub fn unpack(&self) -> LatencyHistogram {
        let inner = Deserializer::new()
            .deserialize(&mut &*self.bytes)
            .expect("only `pack` makes these bytes");
        LatencyHistogram {
            inner,
            negative: self.negative,
            clipped: self.clipped,
        }
    }

    /// Adds what `other` counted; exact.
    pub fn merge(&mut self, other: &Self) {
        let mut sum = self.unpack();
        sum.merge(&other.unpack());
        *self = sum.pack();
    }

    /// What it consists of: the encoding, how many latencies were negative, how many clipped.
    pub(super) fn parts(&self) -> (&[u8], u64, u64) {
        (&self.bytes, self.negative, self.clipped)
    }

    /// The histogram that [`Self::parts`] took apart.
    pub(super) fn of_parts(bytes: &[u8], negative: u64, clipped: u64) -> Self {
        Self {
            bytes: bytes.into(),
            negative,
            clipped,
        }
    }

    /// How much memory it takes, in bytes.
    pub const fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }
}

/// What a report shows of a histogram. Times are microseconds, exact to 3 significant digits.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct LatencySummary {
    /// How many values were recorded.
    pub count: u64,
    /// The lowest.
    pub min_us: u64,
    /// The arithmetic mean.
    pub mean_us: f64,
    /// The median.
    pub p50_us: u64,
    /// 90 % are at or below.
    pub p90_us: u64,
    /// 99 % are at or below.
    pub p99_us: u64,
    /// 99.9 % are at or below.
    pub p999_us: u64,
    /// 99.99 % are at or below.
    pub p9999_us: u64,
    /// The highest.
    pub max_us: u64,
    /// Values below zero, counted as 0 us.
    #[serde(default)]
    pub negative: u64,
    /// Values above an hour, counted as an hour.
    #[serde(default)]
    pub clipped: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn histogram(values: &[i64]) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for &value in values {
            histogram.record_nanos(value);
        }
        histogram
    }

    #[test]
    fn a_uniform_millisecond_scale_gives_its_percentiles_to_three_digits() {
        let mut histogram = LatencyHistogram::new();
        for micros in 1..=100_000i64 {
            histogram.record_nanos(micros * 1_000);
        }
        let summary = histogram.summary();
        assert_eq!(summary.count, 100_000);
        assert_eq!(summary.min_us, 1);
        for (value, exact) in [
            (summary.p50_us, 50_000.0),
            (summary.p90_us, 90_000.0),
            (summary.p99_us, 99_000.0),
            (summary.p999_us, 99_900.0),
            (summary.p9999_us, 99_990.0),
            (summary.max_us, 100_000.0),
        ] {
            assert!(
                (value as f64 - exact).abs() <= exact * 1e-3,
                "{value} {exact}"
            );
        }
        assert!((summary.mean_us - 50_000.5).abs() < 50.0);
    }

    #[test]
    fn kinds_are_numbered_as_they_are_listed_and_written_by_one_name() {
        for (kind, number) in LatencyKind::ALL.into_iter().zip(0..) {
            assert_eq!(kind as usize, number);
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(text.trim_matches('"'), kind.as_str());
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_microsecond() {
        let summary = histogram(&[1_499, 1_500, 499]).summary();
        assert_eq!((summary.min_us, summary.max_us), (0, 2));
        assert_eq!(summary.p50_us, 1);
    }

    #[test]
    fn negative_and_endless_latencies_are_kept_and_counted() {
        let histogram = histogram(&[-1, i64::MIN, i64::MAX, 3_600_000_000_000, 5_000]);
        assert_eq!(histogram.negative(), 2);
        assert_eq!(histogram.clipped(), 1);
        assert_eq!(histogram.count(), 5);
        let summary = histogram.summary();
        assert_eq!(summary.min_us, 0);
        assert_eq!(
            summary.max_us,
            histogram.inner().highest_equivalent(LATENCY_US_MAX)
        );
    }

    #[test]
    fn a_restored_histogram_is_the_one_that_was_logged() {
        let original = histogram(&[-1, 5_000, 7_000_000, i64::MAX, 3_599_999_999_000]);
        let restored = LatencyHistogram::restored(original.inner(), 1, 1).unwrap();
        assert_eq!(restored, original);
        assert_eq!(restored.pack(), original.pack());
        let mut wider = Histogram::new_with_bounds(1, LATENCY_US_MAX * 4, 3).unwrap();
        wider.record(LATENCY_US_MAX * 3).unwrap();
        assert!(LatencyHistogram::restored(&wider, 0, 0).is_none());
    }

    #[test]
    fn clearing_leaves_nothing_behind() {
        let mut histogram = histogram(&[-5, 1_000, i64::MAX]);
        histogram.clear();
        assert!(histogram.is_empty());
        assert_eq!(histogram, LatencyHistogram::new());
        assert_eq!(histogram.summary(), LatencySummary::default());
    }

    proptest! {
        #[test]
        fn merging_is_what_one_histogram_would_have_counted(
            left in prop::collection::vec(-1_000i64..5_000_000_000_000, 0..200),
            right in prop::collection::vec(0i64..50_000_000, 0..200),
        ) {
            let mut merged = histogram(&left);
            merged.merge(&histogram(&right));
            let both: Vec<i64> = left.iter().chain(&right).copied().collect();
            prop_assert_eq!(&merged, &histogram(&both));
            let mut packed = histogram(&left).pack();
            packed.merge(&histogram(&right).pack());
            prop_assert_eq!(packed.unpack().summary(), merged.summary());
            prop_assert_eq!(packed, merged.pack());
        }
    }
}
