//! Figures by path: `consumers.billing.end_to_end.p99`.
//!
//! | path | figure | covers |
//! |---|---|---|
//! | `producers.NAME.KIND.STATISTIC` | a latency in microseconds | measurement window |
//! | `consumers.NAME.KIND.STATISTIC` | a latency in microseconds | measurement window |
//! | `producers.NAME.COLUMN` | `accepted_share`, a rate, or a column of the ledger | measurement window |
//! | `consumers.NAME.COLUMN` | a rate, or a column of the ledger | rates: measurement window; ledger: whole run |
//! | `calls.NAME.COLUMN` | `throttled_share`, a rate, or a column of the ledger of all its calls | measurement window |
//! | `calls.NAME.CALL.COLUMN` | the same of one call, such as `ListShards:missing-stream` | measurement window |
//! | `calls.NAME.CALL.KIND.STATISTIC` | a latency in microseconds | measurement window |
//!
//! A consumer's ledger counts over the whole run because integrity does: a record lost in warm-up is lost, and a
//! corrupt delivery has no phase.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::units::HumanCount;
use crate::measure::{CallLedger, LatencyKind, LatencySummary};
use crate::report::document::Document;
use crate::report::text::{Percent, Plain, micros};

/// What a figure is a number of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds.
    Us,
    /// A part of 1.
    Share,
    /// So many per second.
    PerS,
    /// A plain number.
    Count,
}

impl Unit {
    /// The unit of the figure at `path`.
    pub fn of(path: &str) -> Self {
        let (before, last) = path.rsplit_once('.').unwrap_or(("", path));
        let second_last = before.rsplit('.').next().unwrap_or_default();
        // `producers.lateness.acked`: a producer may have a kind's name.
        let is_latency = kind_named(second_last).is_some() && before.matches('.').count() >= 2;
        if is_latency {
            Self::Us
        } else if last.ends_with("_share") {
            Self::Share
        } else if last.ends_with("_per_s") {
            Self::PerS
        } else {
            Self::Count
        }
    }

    /// A figure of this unit as a person reads it.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Us => micros(value),
            Self::Share => Percent(value).to_string(),
            Self::PerS => format!("{}/s", Plain(value)),
            Self::Count => Plain(value).to_string(),
        }
    }
}

impl Unit {
    /// The same with so many digits after the point, for figures that [`show`](Self::show) cannot tell apart.
    pub fn show_to(self, value: f64, digits: usize) -> String {
        let fixed = |value: f64| {
            let text = format!("{value:.digits$}");
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let whole = whole
                .parse()
                .map_or_else(|_| whole.to_owned(), |whole| HumanCount(whole).to_string());
            format!("{whole}.{fraction}")
        };
        match self {
            Self::Us if value >= 1e6 => format!("{} s", fixed(value / 1e6)),
            Self::Us if value >= 1e3 => format!("{} ms", fixed(value / 1e3)),
            Self::Us => format!("{} us", fixed(value)),
            Self::Share => format!("{} %", fixed(value * 100.0)),
            Self::PerS => format!("{}/s", fixed(value)),
            Self::Count => fixed(value),
        }
    }
}

/// The figure at `path`; `None` when there is no such figure, or nothing was counted that it could be of.
pub fn figure(document: &Document, path: &str) -> Option<f64> {
    let (table, rest) = path.split_once('.')?;
    match table {
        "producers" => {
            let (name, column) = named(&document.producers, rest)?;
            latency(document.latency.producers.get(name), column).or_else(|| {
                let ledger = &document.ledger.producers.get(name)?.measure;
                if column == "accepted_share" {
                    return (ledger.intended > 0).then(|| ledger.accepted_share());
                }
                number(ledger, column).or_else(|| number(&document.producers[name], column))
            })
        }
        "consumers" => {
            let (name, column) = named(&document.consumers, rest)?;
            latency(document.latency.consumers.get(name), column).or_else(|| {
                let ledger = document
                    .ledger
                    .consumers
                    .get(name)
                    .map(|ledger| &ledger.total);
                ledger
                    .filter(|ledger| ledger.acked > 0 || ledger.deliveries > 0)
                    .and_then(|ledger| number(ledger, column))
                    .or_else(|| number(&document.consumers[name], column))
            })
        }
        "calls" => {
            let (name, column) = named(&document.calls, rest)?;
            let load = &document.calls[name];
            if let Some((call, column)) = named(&load.operations, column) {
                let call = &load.operations[call];
                return latency(Some(&call.latency), column)
                    .or_else(|| of_calls(&call.ledger.measure, column));
            }
            of_calls(&load.ledger.measure, column).or_else(|| number(load, column))
        }
        _ => None,
    }
}

/// A figure of calls, if any was meant to be made.
fn of_calls(ledger: &CallLedger, column: &str) -> Option<f64> {
    (ledger.intended > 0).then_some(())?;
    if column == "throttled_share" {
        return Some(ledger.throttled_share());
    }
    number(ledger, column)
}

/// The name that `rest` begins with and what follows it. Names may hold dots, so the longest that fits is meant.
pub(super) fn named<'a, 'b, T>(
    table: &'a BTreeMap<String, T>,
    rest: &'b str,
) -> Option<(&'a str, &'b str)> {
    table
        .keys()
        .filter_map(|name| {
            let column = rest.strip_prefix(name.as_str())?.strip_prefix('.')?;
            Some((name.as_str(), column))
        })
        .max_by_key(|(name, _)| name.len())
}

pub(super) fn kind_named(name: &str) -> Option<LatencyKind> {
    LatencyKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == name)
}

fn latency(kinds: Option<&BTreeMap<LatencyKind, LatencySummary>>, column: &str) -> Option<f64> {
    let (kind, statistic) = column.split_once('.')?;
    let summary = kinds?.get(&kind_named(kind)?)?;
    (summary.count > 0).then_some(())?;
    number(summary, &format!("{statistic}_us")).or_else(|| number(summary, statistic))
}

/// A member of a ledger or summary by the name that it has in the document. Through serde, so that every number of the
/// document is a figure and none is named twice.
fn number(of: &impl Serialize, member: &str) -> Option<f64> {
    serde_json::to_value(of)
        .ok()
        .as_ref()
        .and_then(|value| value.get(member))
        .and_then(Value::as_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_kind_of_figure_is_found_by_its_path() {
        let document = sample::document();
        let web = document.ledger.producers["web"];
        for (path, expected) in [
            ("producers.web.accepted_share", web.measure.accepted_share()),
            ("producers.web.acked", web.measure.acked as f64),
            ("producers.web.response_time.p99", 99_007.0),
            ("producers.web.response_time.p50", 50_015.0),
            ("producers.web.response_time.count", 1_000.0),
            ("producers.web.offered_records_per_s", 2_400.0),
            ("consumers.billing.end_to_end.max", 412_159.0),
            ("consumers.billing.redelivered", 3.0),
            ("consumers.billing.calls", 200.0),
        ] {
            let value = figure(&document, path).unwrap_or_else(|| panic!("{path}"));
            assert!(
                (value - expected).abs() < 1e-9,
                "{path}: {value}, not {expected}"
            );
        }
    }

    #[test]
    fn a_figure_without_samples_and_a_figure_that_does_not_exist_are_no_figures() {
        let mut document = sample::document();
        for path in [
            "",
            "producers",
            "producers.web",
            "producers.web.",
            "producers.app.acked",
            "producers.web.stream",
            "producers.web.end_to_end.p99",
            "producers.web.response_time.p98",
            // Nothing was given up after an answer, so the kind is there and empty.
            "producers.web.time_to_give_up.p99",
        ] {
            assert_eq!(figure(&document, path), None, "{path}");
        }
        let billing = document.ledger.consumers.get_mut("billing").unwrap();
        *billing = crate::report::ByPhase::default();
        assert_eq!(figure(&document, "consumers.billing.lost"), None);
        let web = document.ledger.producers.get_mut("web").unwrap();
        *web = crate::report::ByPhase::default();
        assert_eq!(figure(&document, "producers.web.accepted_share"), None);
    }

    #[test]
    fn names_may_hold_dots_and_the_names_of_kinds() {
        let mut document = sample::document();
        let web = document.producers["web"].clone();
        let ledger = document.ledger.producers["web"];
        for name in ["web.eu", "lateness"] {
            document.producers.insert(name.to_owned(), web.clone());
            document.ledger.producers.insert(name.to_owned(), ledger);
        }
        let acked = Some(ledger.measure.acked as f64);
        assert_eq!(figure(&document, "producers.web.eu.acked"), acked);
        assert_eq!(figure(&document, "producers.lateness.acked"), acked);
        assert_eq!(Unit::of("producers.lateness.acked"), Unit::Count);
        assert_eq!(Unit::of("producers.lateness.lateness.p99"), Unit::Us);
        assert_eq!(Unit::of("producers.web.accepted_share"), Unit::Share);
    }
}
