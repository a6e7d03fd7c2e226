//! How far the samples of a latency stand for all that should have one.
//!
//! A record that was never delivered has no end-to-end latency, and the longer a target keeps records back the better the
//! percentiles of the others look. So what has no sample counts as later than every sample.

use crate::measure::{LatencyKind, LatencySummary};
use crate::report::document::Document;
use crate::report::figure::{kind_named, named};

/// The latency that a figure is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampled<'a> {
    summary: &'a LatencySummary,
    /// The share of samples at or below the figure, 0 to 1; 1 for a mean, which every sample moves.
    quantile: f64,
    /// Records, attempts or calls of the window that should have a sample and have none.
    pub(super) without: u64,
}

/// The statistics by the share of samples at or below them.
const QUANTILES: [(&str, f64); 8] = [
    ("min", 0.0),
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p999", 0.999),
    ("p9999", 0.9999),
    ("max", 1.0),
    ("mean", 1.0),
];

impl<'a> Sampled<'a> {
    /// The latency of the figure at `metric`, if that is of one and has samples.
    pub(super) fn of(document: &'a Document, metric: &str) -> Option<Self> {
        let (table, rest) = metric.split_once('.')?;
        let latency = &document.latency;
        let (kinds, column, without): (_, _, u64) = match table {
            "producers" => {
                let (name, column) = named(&latency.producers, rest)?;
                let ledger = &document.ledger.producers.get(name)?.measure;
                let without = match kind(column)? {
                    LatencyKind::ResponseTime => ledger.unknown,
                    LatencyKind::ServiceTime => ledger.unknown_attempts,
                    _ => 0,
                };
                (&latency.producers[name], column, without)
            }
            "consumers" => {
                let (name, column) = named(&latency.consumers, rest)?;
                let ledger = document.ledger.consumers.get(name);
                let without = match kind(column)? {
                    LatencyKind::EndToEnd | LatencyKind::DeliveryDelay => {
                        ledger.map_or(0, |ledger| {
                            let window = &ledger.measure;
                            window.lost + window.trimmed_unread + window.unread
                        })
                    }
                    _ => 0,
                };
                (&latency.consumers[name], column, without)
            }
            "calls" => {
                let (name, rest) = named(&document.calls, rest)?;
                let operations = &document.calls[name].operations;
                let (call, column) = named(operations, rest)?;
                let without = match kind(column)? {
                    LatencyKind::ResponseTime | LatencyKind::ServiceTime => {
                        operations[call].ledger.measure.unknown
                    }
                    _ => 0,
                };
                (&operations[call].latency, column, without)
            }
            _ => return None,
        };
        let statistic = column.split_once('.')?.1;
        let (_, quantile) = QUANTILES.into_iter().find(|(name, _)| *name == statistic)?;
        let summary = kinds.get(&kind(column)?).filter(|it| it.count > 0)?;
        Some(Self {
            summary,
            quantile,
            without,
        })
    }

    /// How many should have a sample.
    pub(super) fn all(&self) -> u64 {
        self.summary.count + self.without
    }

    /// What the figure is at most, in microseconds, if those without a sample took longer than all others: a statistic of the
    /// report that lies at or above its rank. `None` where that rank is one of theirs: then nobody knows.
    pub(super) fn at_most_us(&self) -> Option<f64> {
        let share = self.quantile * self.all() as f64 / self.summary.count as f64;
        let statistics = [
            (0.0, self.summary.min_us),
            (0.5, self.summary.p50_us),
            (0.9, self.summary.p90_us),
            (0.99, self.summary.p99_us),
            (0.999, self.summary.p999_us),
            (0.9999, self.summary.p9999_us),
            (1.0, self.summary.max_us),
        ];
        let above = statistics.into_iter().find(|(at, _)| share <= *at + 1e-12);
        above.map(|(_, us)| us as f64)
    }

    /// Whether the figure is one of the samples below zero, which clocks that disagree make and which count as zero.
    pub(super) fn is_negative(&self) -> bool {
        self.summary.negative > 0
            && self.quantile * self.summary.count as f64 <= self.summary.negative as f64
    }

    /// How many samples it takes until the figure is another than the highest one, if there are fewer.
    pub(super) fn wants(&self) -> Option<u64> {
        if self.quantile >= 1.0 {
            return None;
        }
        let least = (1.0 / (1.0 - self.quantile)).round() as u64;
        (self.all() < least).then_some(least)
    }
}

/// What might belong to the count at `metric` and nobody knows: records that were not read for the lost ones, calls without an
/// answer for those that were not answered as they should be.
pub(super) fn uncounted(document: &Document, metric: &str) -> u64 {
    let Some((table, rest)) = metric.split_once('.') else {
        return 0;
    };
    match table {
        "consumers" => match named(&document.consumers, rest) {
            Some((name, "lost")) => document.ledger.consumers.get(name).map_or(0, |ledger| {
                ledger.total.unread + ledger.total.trimmed_unread
            }),
            _ => 0,
        },
        "calls" => match named(&document.calls, rest) {
            Some((name, "unexpected")) => document.calls[name].ledger.measure.unknown,
            Some((name, rest)) => match named(&document.calls[name].operations, rest) {
                Some((call, "unexpected")) => {
                    let operations = &document.calls[name].operations;
                    operations[call].ledger.measure.unknown
                }
                _ => 0,
            },
            None => 0,
        },
        _ => 0,
    }
}

fn kind(column: &str) -> Option<LatencyKind> {
    kind_named(column.split_once('.')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn sampled(change: impl FnOnce(&mut Document), metric: &str) -> (Option<f64>, u64) {
        let mut document = sample::document();
        change(&mut document);
        let sampled = Sampled::of(&document, metric).unwrap();
        (sampled.at_most_us(), sampled.without)
    }

    fn unread(count: u64) -> impl FnOnce(&mut Document) {
        move |document| {
            let billing = document.ledger.consumers.get_mut("billing").unwrap();
            billing.measure.lost = 0;
            billing.measure.trimmed_unread = 0;
            billing.measure.unread = count;
            let latency = document.latency.consumers.get_mut("billing").unwrap();
            latency.get_mut(&LatencyKind::EndToEnd).unwrap().count = 1_000;
        }
    }

    #[test]
    fn records_that_never_came_move_a_percentile_up_until_nobody_knows_it() {
        let end_to_end = sample::document().latency.consumers["billing"][&LatencyKind::EndToEnd];
        let of = |count, statistic: &str| {
            sampled(
                unread(count),
                &format!("consumers.billing.end_to_end.{statistic}"),
            )
            .0
        };
        assert_eq!(of(0, "p99"), Some(end_to_end.p99_us as f64));
        // 99 % of 1,005 is 99.495 % of 1,000.
        assert_eq!(of(5, "p99"), Some(end_to_end.p999_us as f64));
        assert_eq!(of(11, "p99"), None);
        assert_eq!(of(11, "p50"), Some(end_to_end.p90_us as f64));
        assert_eq!(of(1_001, "p50"), None);
        assert_eq!(of(1, "max"), None);
        assert_eq!(of(1_001, "min"), Some(end_to_end.min_us as f64));
        assert_eq!(of(1, "mean"), None);
    }

    #[test]
    fn what_was_never_answered_has_no_response_time() {
        let unknown = |document: &mut Document| {
            let web = document.ledger.producers.get_mut("web").unwrap();
            web.measure.unknown = 7;
        };
        assert_eq!(sampled(unknown, "producers.web.response_time.p50").1, 7);
        assert_eq!(sampled(unknown, "producers.web.lateness.p50").1, 0);
    }

    #[test]
    fn a_percentile_wants_one_sample_beyond_it() {
        let mut document = sample::document();
        let web = document.ledger.producers.get_mut("web").unwrap();
        web.measure.unknown = 0;
        let mut wants = |count, statistic: &str| {
            let web = document.latency.producers.get_mut("web").unwrap();
            web.get_mut(&LatencyKind::ResponseTime).unwrap().count = count;
            let metric = format!("producers.web.response_time.{statistic}");
            Sampled::of(&document, &metric).unwrap().wants()
        };
        assert_eq!(wants(99, "p99"), Some(100));
        assert_eq!(wants(100, "p99"), None);
        assert_eq!(wants(999, "p999"), Some(1_000));
        assert_eq!(wants(1, "p50"), Some(2));
        assert_eq!(wants(1, "max"), None);
    }
}
