//! What needs no statistics: ledgers, order, errors. One lost record is one too many.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::run::Run;
use crate::report::Document;

/// A count of both sides that was held against a rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Check {
    /// What was counted: `consumers.billing.lost`, `calls.admin.ListShards.unexpected.InternalFailure`.
    pub count: String,
    /// Over all runs of base.
    pub base: u64,
    /// Over all runs of new.
    pub new: u64,
    /// Whether new may be so.
    pub holds: bool,
    /// Whether one run is enough to tell: a fault of the target or a wrong answer. Otherwise a busy host may be the cause.
    pub strict: bool,
}

/// How new is judged by base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rule {
    /// A fault of the target: never more than base has.
    NoMore,
    /// A wrong answer: none where base has none.
    NoneIfNone,
    /// Depends on timing, and a busy host may be the cause: where base has none, not in every run of new, nor in
    /// [`OFTEN_RUNS`] of them.
    NotOften,
}

/// Were it as likely on both sides, so many runs of new alone would have it in 1 of 64 comparisons.
const OFTEN_RUNS: usize = 6;

/// A count over the runs of a side.
#[derive(Clone, Copy, Debug)]
struct Sum {
    rule: Rule,
    count: u64,
    /// Runs that have any.
    runs: usize,
    /// Whether it is listed at zero too.
    always: bool,
}

/// All counts that are not zero on both sides, and the zeros that every comparison is asked for.
pub fn checks(base: &[&Run], new: &[&Run]) -> Vec<Check> {
    let sum = |runs: &[&Run]| {
        let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
        for run in runs {
            for (name, rule, count, always) in counts(&run.document) {
                let none = Sum {
                    rule,
                    count: 0,
                    runs: 0,
                    always,
                };
                let sum = sums.entry(name).or_insert(none);
                sum.count += count;
                sum.runs += usize::from(count > 0);
            }
        }
        sums
    };
    let often = OFTEN_RUNS.min(new.len());
    let (base, new) = (sum(base), sum(new));
    let names: BTreeSet<_> = base.keys().chain(new.keys()).collect();
    let checks = names.into_iter().filter_map(|name| {
        let (of_base, of_new) = (base.get(name), new.get(name));
        let any = of_base.or(of_new)?;
        let count = |sum: Option<&Sum>| sum.map_or(0, |sum| sum.count);
        let runs = of_new.map_or(0, |sum| sum.runs);
        let (base, new) = (count(of_base), count(of_new));
        (any.always || base > 0 || new > 0).then(|| Check {
            count: name.clone(),
            base,
            new,
            holds: match any.rule {
                Rule::NoMore => new <= base,
                Rule::NoneIfNone => new == 0 || base > 0,
                Rule::NotOften => base > 0 || runs < often,
            },
            strict: any.rule != Rule::NotOften,
        })
    });
    checks.collect()
}

/// Name, rule, count, and whether it is listed at zero too.
fn counts(document: &Document) -> Vec<(String, Rule, u64, bool)> {
    use Rule::{NoMore, NoneIfNone, NotOften};
    let mut counts = Vec::new();
    for (name, ledger) in &document.ledger.producers {
        let total = &ledger.total;
        for (column, count) in [
            ("throttled", total.throttled),
            ("failed", total.failed),
            ("unknown", total.unknown),
            ("failed_attempts", total.failed_attempts),
            ("unknown_attempts", total.unknown_attempts),
            ("not_sent", total.not_sent),
        ] {
            counts.push((
                format!("producers.{name}.{column}"),
                NoneIfNone,
                count,
                false,
            ));
        }
        let off = u64::from(!total.balances());
        counts.push((format!("producers.{name}.ledger_off"), NoMore, off, false));
    }
    for (name, ledger) in &document.ledger.consumers {
        let total = &ledger.total;
        for (column, count) in [
            ("lost", total.lost),
            ("corrupt", total.corrupt),
            ("out_of_order", total.out_of_order),
            ("stored_twice_unexplained", total.stored_twice_unexplained),
            ("misplaced", total.misplaced),
        ] {
            counts.push((format!("consumers.{name}.{column}"), NoMore, count, true));
        }
        for (column, count) in [
            ("trimmed_unread", total.trimmed_unread),
            ("unread", total.unread),
        ] {
            counts.push((format!("consumers.{name}.{column}"), NotOften, count, false));
        }
        let off = u64::from(!total.balances());
        counts.push((format!("consumers.{name}.ledger_off"), NoMore, off, false));
    }
    for (name, load) in &document.calls {
        for (call, summary) in &load.operations {
            let total = &summary.ledger.total;
            for (code, count) in &summary.unexpected_by_code {
                let name = format!("calls.{name}.{call}.unexpected.{code}");
                counts.push((name, NoneIfNone, *count, false));
            }
            let throttled = format!("calls.{name}.{call}.throttled");
            counts.push((throttled, NotOften, total.throttled, false));
            let unknown = format!("calls.{name}.{call}.unknown");
            counts.push((unknown, NotOften, total.unknown, false));
        }
    }
    if let Some(target) = &document.target {
        let gone = u64::from(target.unreachable.is_some());
        counts.push(("target.unreachable".to_owned(), NoMore, gone, false));
        for finding in &target.findings {
            counts.push((
                format!("target.findings: {}", finding.text),
                NoneIfNone,
                finding.count,
                false,
            ));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn run(change: impl FnOnce(&mut Document)) -> Run {
        let mut document = sample::document();
        change(&mut document);
        Run {
            path: "r".to_owned(),
            document,
            server: None,
        }
    }

    fn failed(base: &Run, new: &Run) -> Vec<String> {
        let checks = checks(&[base], &[new]);
        let failed = checks.into_iter().filter(|check| !check.holds);
        failed.map(|check| check.count).collect()
    }

    #[test]
    fn a_fault_of_the_target_fails_if_new_has_one_more() {
        let base = run(|_| ());
        assert_eq!(failed(&base, &base), Vec::<String>::new());
        let new = run(|document| {
            let billing = document.ledger.consumers.get_mut("billing").unwrap();
            billing.total.out_of_order += 1;
        });
        assert_eq!(failed(&base, &new), ["consumers.billing.out_of_order"]);
        assert_eq!(failed(&new, &base), Vec::<String>::new());
    }

    #[test]
    fn what_depends_on_timing_fails_where_base_has_none_and_new_has_it_again_and_again() {
        let unread = |unread| {
            run(move |document| {
                let billing = document.ledger.consumers.get_mut("billing").unwrap();
                billing.total.acked = billing.total.acked - billing.total.unread + unread;
                billing.total.unread = unread;
            })
        };
        assert_eq!(failed(&unread(3), &unread(9)), Vec::<String>::new());
        assert_eq!(failed(&unread(0), &unread(1)), ["consumers.billing.unread"]);
        let (none, some) = (unread(0), unread(1));
        let held = |runs_with_some: usize| {
            let new: Vec<_> = (0..16)
                .map(|run| if run < runs_with_some { &some } else { &none })
                .collect();
            checks(&[&none; 16], &new).iter().all(|check| check.holds)
        };
        assert!(held(5) && !held(6));
    }

    #[test]
    fn faults_are_listed_at_zero_and_a_ledger_that_does_not_add_up_is_told() {
        let base = run(|_| ());
        let listed = checks(&[&base], &[&base]);
        assert!(
            listed
                .iter()
                .any(|check| check.count == "consumers.billing.lost")
        );
        let new = run(|document| {
            document
                .ledger
                .producers
                .get_mut("web")
                .unwrap()
                .total
                .intended += 1;
        });
        assert_eq!(failed(&base, &new), ["producers.web.ledger_off"]);
    }
}
