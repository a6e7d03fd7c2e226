//! Whether what had to hold did.

use serde::{Deserialize, Serialize};

use crate::report::document::{Document, FigureBasis};
use crate::report::figure::{Unit, figure};
use crate::report::sampled::{Sampled, uncounted};
use crate::scenario::model::Slo;

/// One bound and what came of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SloResult {
    /// Its name in the scenario.
    pub name: String,
    /// The figure's path; see [`mod@crate::report::figure`].
    pub metric: String,
    /// The unit of the bounds and the value.
    pub unit: Unit,
    /// The highest value that meets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The lowest value that meets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The figure; `None` without data.
    pub value: Option<f64>,
    /// Records or calls that the figure should count and cannot: never delivered, answered or read. A latency counts them as
    /// longer than any that was measured.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub without: u64,
    /// Whether it was met.
    pub status: SloStatus,
    /// What kind of number the value is.
    pub basis: FigureBasis,
}

/// What came of a bound.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SloStatus {
    /// The value is within the bounds.
    Met,
    /// It is not.
    Missed,
    /// What was counted meets it, and what could not be counted decides. Counts as missed.
    Unknown,
    /// There is no such figure, or it has no samples. Counts as missed: a promise that nobody looked at is not kept.
    NoData,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl SloStatus {
    /// As a person reads it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Unknown => "UNKNOWN",
            Self::NoData => "NO DATA",
        }
    }
}

impl SloResult {
    /// Whether it was not met, for want of data or otherwise.
    pub fn is_missed(&self) -> bool {
        self.status != SloStatus::Met
    }

    /// The bounds as a person reads them: `<= 1.00 s`.
    pub fn bound(&self) -> String {
        let show =
            |sign, bound: Option<f64>| bound.map(|bound| format!("{sign} {}", self.show(bound)));
        let bounds: Vec<_> = [show(">=", self.min), show("<=", self.max)]
            .into_iter()
            .flatten()
            .collect();
        bounds.join(", ")
    }

    /// The value as a person reads it; `-` without data.
    pub fn shown_value(&self) -> String {
        self.value
            .map_or_else(|| "-".to_owned(), |value| self.show(value))
    }

    /// A value or a bound, with as many digits as tell a value from the bound that it misses.
    pub fn show(&self, figure: f64) -> String {
        match self.digits() {
            None => self.unit.show(figure),
            Some(digits) => self.unit.show_to(figure, digits),
        }
    }

    /// How many digits after the point that takes; `None` where the usual ones do.
    fn digits(&self) -> Option<usize> {
        let value = self.value?;
        let missed_min = self.min.filter(|min| value < *min);
        let missed = missed_min.or_else(|| self.max.filter(|max| value > *max))?;
        if self.unit.show(value) != self.unit.show(missed) {
            return None;
        }
        (1..=DIGITS_MAX)
            .find(|&digits| self.unit.show_to(value, digits) != self.unit.show_to(missed, digits))
    }
}

/// A double has no more digits to show.
const DIGITS_MAX: usize = 17;

/// Holds the document's figures against `slo`. Bounds are inclusive.
pub fn evaluate(document: &Document, slo: &Slo) -> SloResult {
    let value = figure(document, &slo.metric);
    let within = |value: f64| {
        slo.max.is_none_or(|max| value <= max) && slo.min.is_none_or(|min| value >= min)
    };
    let sampled = Sampled::of(document, &slo.metric);
    let uncounted = uncounted(document, &slo.metric);
    let undecided = |value: f64| {
        let below = |at_most: f64| slo.max.is_none_or(|max| at_most <= max);
        match sampled {
            Some(sampled) => {
                sampled.is_negative()
                    || !(sampled.without == 0 || sampled.at_most_us().is_some_and(below))
            }
            None => !below(value + uncounted as f64),
        }
    };
    SloResult {
        name: slo.name.clone(),
        metric: slo.metric.clone(),
        unit: Unit::of(&slo.metric),
        max: slo.max,
        min: slo.min,
        value,
        status: match value {
            None => SloStatus::NoData,
            Some(value) if !within(value) => SloStatus::Missed,
            Some(value) if undecided(value) => SloStatus::Unknown,
            Some(_) => SloStatus::Met,
        },
        without: sampled.map_or(uncounted, |sampled| sampled.without),
        basis: document.basis,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn status(metric: &str, min: Option<f64>, max: Option<f64>) -> (SloStatus, String) {
        let slo = Slo {
            name: "s".into(),
            metric: metric.into(),
            max,
            min,
        };
        let result = evaluate(&sample::document(), &slo);
        assert_eq!(result.is_missed(), result.status != SloStatus::Met);
        (result.status, result.bound())
    }

    #[test]
    fn bounds_are_inclusive_and_both_of_them_hold() {
        use SloStatus::{Met, Missed};
        let redelivered = "consumers.billing.redelivered";
        for (min, max, expected) in [
            (None, Some(3.0), Met),
            (None, Some(2.0), Missed),
            (Some(3.0), None, Met),
            (Some(4.0), None, Missed),
            (Some(1.0), Some(5.0), Met),
            (Some(1.0), Some(2.0), Missed),
        ] {
            assert_eq!(status(redelivered, min, max).0, expected, "{min:?} {max:?}");
        }
    }

    #[test]
    fn what_could_not_be_counted_decides_where_what_was_counted_holds() {
        use SloStatus::{Met, Missed, Unknown};
        let of = |metric: &str, max, change: fn(&mut Document)| {
            let mut document = sample::document();
            let billing = document.ledger.consumers.get_mut("billing").unwrap();
            (billing.measure.lost, billing.measure.unread) = (0, 0);
            (billing.total.lost, billing.total.unread) = (0, 0);
            change(&mut document);
            let slo = Slo {
                name: "s".into(),
                metric: metric.into(),
                max: Some(max),
                min: None,
            };
            let result = evaluate(&document, &slo);
            assert_eq!(result.is_missed(), result.status != Met);
            result.status
        };
        let all_unread = |document: &mut Document| {
            let billing = document.ledger.consumers.get_mut("billing").unwrap();
            billing.measure.unread = 1_000_000;
            billing.total.unread = 1_000_000;
        };
        let p99 = "consumers.billing.end_to_end.p99";
        assert_eq!(of(p99, 1e9, |_| ()), Met);
        assert_eq!(of(p99, 1e9, all_unread), Unknown);
        assert_eq!(of(p99, 1.0, all_unread), Missed);
        assert_eq!(of("consumers.billing.lost", 0.0, |_| ()), Met);
        assert_eq!(of("consumers.billing.lost", 0.0, all_unread), Unknown);
        assert_eq!(of("consumers.billing.lost", 2e6, all_unread), Met);
        assert_eq!(
            of(p99, 1e9, |document| {
                let billing = document.latency.consumers.get_mut("billing").unwrap();
                let summary = billing
                    .get_mut(&crate::measure::LatencyKind::EndToEnd)
                    .unwrap();
                summary.negative = summary.count;
            }),
            Unknown
        );
    }

    #[test]
    fn an_slo_without_data_is_missed_and_says_so() {
        let (status, _) = status("consumers.audit.lost", None, Some(0.0));
        assert_eq!(status, SloStatus::NoData);
    }

    #[test]
    fn a_missed_bound_and_its_value_never_read_alike() {
        let shown = |metric: &str, min, max, value| {
            let status = SloStatus::Missed;
            let slo = SloResult {
                name: "s".into(),
                metric: metric.into(),
                unit: Unit::of(metric),
                max,
                min,
                value: Some(value),
                without: 0,
                status,
                basis: FigureBasis::Measured,
            };
            (slo.shown_value(), slo.bound())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let share = "producers.web.accepted_share";
        for (value, shown_as) in [
            (0.978_19, pair("97.8 %", ">= 98.0 %")),
            (0.979_999, pair("97.9999 %", ">= 98.0000 %")),
            (0.97, pair("97 %", ">= 98 %")),
        ] {
            assert_eq!(shown(share, Some(0.98), None, value), shown_as);
        }
        let p99 = "consumers.billing.end_to_end.p99";
        assert_eq!(
            shown(p99, None, Some(1e6), 1_001_200.0),
            pair("1.001 s", "<= 1.000 s")
        );
        let rate = "producers.web.acked_records_per_s";
        assert_eq!(
            shown(rate, Some(2_400.0), None, 2_399.96),
            pair("2,399.96/s", ">= 2,400.00/s")
        );
    }

    #[test]
    fn bounds_are_shown_in_the_unit_of_their_figure() {
        let bound = |metric, min, max| status(metric, min, max).1;
        assert_eq!(
            bound("consumers.billing.end_to_end.p99", None, Some(1e6)),
            "<= 1.00 s"
        );
        assert_eq!(
            bound("producers.web.accepted_share", Some(0.999), None),
            ">= 99.9 %"
        );
        assert_eq!(
            bound("consumers.billing.lost", Some(0.0), Some(12_000.0)),
            ">= 0, <= 12,000"
        );
    }
}
