//! `run.hlog`: every latency histogram of every interval, as an HdrHistogram interval log that its tools read.
//!
//! Values are microseconds. Intervals hold warm-up and drain too; the comment at the head says when the measurement
//! window is. Adding up the intervals of a tag is exact.

use std::io::{self, Write};
use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, IntervalLogWriterError, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializeError, V2DeflateSerializer};

use crate::base::Timestamp;
use crate::report::interval_view::IntervalView;
use crate::report::results::Latencies;

/// Writes the log: base time, then a line per interval and tag such as `producers.web.response_time`. `comments` go to
/// the head.
///
/// # Errors
/// What `out` answers.
pub fn write(out: &mut dyn Write, view: &IntervalView<'_>, comments: &[String]) -> io::Result<()> {
    let mut out = out;
    let mut serializer = V2DeflateSerializer::new();
    let base = UNIX_EPOCH + view.clock.start().since(Timestamp::ZERO);
    let mut builder = IntervalLogWriterBuilder::new();
    for comment in comments {
        builder.add_comment(comment);
    }
    let mut log = builder
        .add_comment("values in microseconds")
        .with_start_time(base)
        .with_base_time(base)
        .begin_log_with(&mut out, &mut serializer)?;
    for (_, interval) in view.rows() {
        let start = view
            .clock
            .begin_of(interval.index)
            .since(view.clock.start());
        for ((part, kind), packed) in interval.latencies()? {
            let tag = tag_safe(&format!("{}.{kind}", view.part(part)));
            let histogram = packed.unpack();
            log.write_histogram(
                histogram.inner(),
                start,
                view.clock.length(),
                Tag::new(&tag),
            )
            .map_err(written)?;
        }
    }
    Ok(())
}

/// Writes the latencies of the measurement window, which lasts from `from` after `start` for `length`: a line per part and
/// kind.
///
/// # Errors
/// What `out` answers.
pub fn write_window(
    out: &mut dyn Write,
    start: Timestamp,
    (from, length): (Duration, Duration),
    latencies: &Latencies,
) -> io::Result<()> {
    let mut out = out;
    let mut serializer = V2DeflateSerializer::new();
    let base = UNIX_EPOCH + start.since(Timestamp::ZERO);
    let mut builder = IntervalLogWriterBuilder::new();
    let mut log = builder
        .add_comment("the measurement window as a whole, values in microseconds")
        .with_start_time(base)
        .with_base_time(base)
        .begin_log_with(&mut out, &mut serializer)?;
    for ((part, kind), histogram) in latencies {
        let tag = tag_safe(&format!("{part}.{kind}"));
        log.write_histogram(histogram.inner(), from, length, Tag::new(&tag))
            .map_err(written)?;
    }
    Ok(())
}

fn written(error: IntervalLogWriterError<V2DeflateSerializeError>) -> io::Error {
    match error {
        IntervalLogWriterError::IoError(error) => error,
        IntervalLogWriterError::SerializeError(error) => io::Error::other(error),
    }
}

/// One line of a log.
#[derive(Clone, PartialEq, Debug)]
pub struct Logged {
    /// The metric: `producers.web.response_time`.
    pub tag: String,
    /// When the interval begins, from the log's base time.
    pub start: Duration,
    /// What was counted, in microseconds.
    pub histogram: Histogram<u64>,
}

/// Reads what [`write()`] or [`write_window`] wrote.
///
/// # Errors
/// What is wrong with the log, as a sentence's end.
pub fn read(log: &[u8]) -> Result<Vec<Logged>, String> {
    let mut lines = Vec::new();
    for entry in IntervalLogIterator::new(log) {
        let entry = entry.map_err(|error| format!("it is no interval log ({error:?})"))?;
        let LogEntry::Interval(interval) = entry else {
            continue;
        };
        let tag = interval.tag().ok_or("an interval has no tag")?;
        let bytes = BASE64_STANDARD.decode(interval.encoded_histogram());
        let bytes = bytes.map_err(|_| "a histogram is no base64")?;
        let histogram = Deserializer::new().deserialize(&mut &*bytes);
        lines.push(Logged {
            tag: tag.as_str().to_owned(),
            start: interval.start_timestamp(),
            histogram: histogram.map_err(|_| "a histogram is damaged")?,
        });
    }
    Ok(lines)
}

/// The format has no way to write a comma, a space or a line end in a tag.
fn tag_safe(tag: &str) -> String {
    tag.replace(
        |c: char| c == ',' || c.is_whitespace() || c.is_control(),
        "_",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::measure::{Interval, IntervalClock, LatencyHistogram, LatencyKind, PartId};

    fn histogram(micros: impl IntoIterator<Item = i64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for value in micros {
            histogram.record_nanos(value * 1_000);
        }
        histogram
    }

    #[test]
    fn the_log_reads_back_to_the_bit_with_a_tag_per_metric() {
        let histograms = [
            (
                0,
                PartId::Producer(0),
                LatencyKind::ResponseTime,
                histogram(1..=5_000),
            ),
            (
                0,
                PartId::Consumer(0),
                LatencyKind::EndToEnd,
                histogram([3_600_000_000]),
            ),
            (
                2,
                PartId::Producer(0),
                LatencyKind::ResponseTime,
                histogram([7, 7, 7]),
            ),
        ];
        let mut intervals = BTreeMap::<u64, Interval>::new();
        for (index, part, kind, histogram) in &histograms {
            let latencies = &mut intervals.entry(*index).or_default().latencies;
            latencies.insert((*part, *kind), histogram.pack());
        }
        let start = Timestamp::from_millis(1_769_903_999_250);
        let intervals = crate::measure::Collector::from(intervals);
        let view = IntervalView {
            clock: IntervalClock::new(start, Duration::from_secs(10)),
            streams: vec![("orders", &intervals)],
            producers: vec!["web shop"],
            consumers: vec!["billing"],
            calls: vec![],
        };
        let mut log = Vec::new();
        write(&mut log, &view, &["seed 7\nof two lines".to_owned()]).unwrap();
        let logged = super::read(&log).unwrap();
        assert_eq!(logged.len(), 3);
        assert_eq!(logged[1].start, Duration::ZERO);
        assert_eq!(logged[2].histogram, *histograms[2].3.inner());
        assert!(super::read(b"what else\n").is_err());

        let mut read = Vec::new();
        let mut base = None;
        for entry in IntervalLogIterator::new(&log) {
            match entry.unwrap() {
                LogEntry::BaseTime(time) => base = Some(time),
                LogEntry::StartTime(_) => {}
                LogEntry::Interval(interval) => {
                    let bytes = BASE64_STANDARD
                        .decode(interval.encoded_histogram())
                        .unwrap();
                    let histogram = Deserializer::new()
                        .deserialize::<u64, _>(&mut &*bytes)
                        .unwrap();
                    read.push((
                        interval.tag().unwrap().as_str().to_owned(),
                        interval.start_timestamp(),
                        interval.duration(),
                        histogram,
                    ));
                }
            }
        }
        assert_eq!(base, Some(Duration::from_millis(1_769_903_999_250)));
        let expected: Vec<_> = histograms
            .iter()
            .map(|(index, part, kind, histogram)| {
                let name = match part {
                    PartId::Producer(_) => "producers.web_shop",
                    PartId::Consumer(_) => "consumers.billing",
                    PartId::Call(_) => "calls",
                };
                (
                    format!("{name}.{kind}"),
                    Duration::from_secs(index * 10),
                    Duration::from_secs(10),
                    histogram.inner().clone(),
                )
            })
            .collect();
        assert_eq!(read, expected);
    }
}
