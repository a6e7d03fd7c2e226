//! Pairs, looks, and the end.

use super::order::{Side, order};
use super::plan::Plan;
use crate::analyse::compare::{self, Allowed, Comparison, Pairing, Run, Settings};
use crate::analyse::statistics::{SIDE_ALPHA, Verdict};
use crate::measure::Status;
use crate::report::Document;

/// What is told while it goes on.
#[derive(Debug)]
pub enum Told<'a> {
    /// A pair was made: how many there are.
    Pair(u32),
    /// A pair was thrown away and is made again, because one of its runs is no measurement.
    Again {
        /// Which pair, from 1.
        pair: u32,
        /// The side whose run it is.
        side: Side,
        /// Why it is none.
        reason: String,
        /// Where both runs of the pair are, base first.
        paths: [&'a str; 2],
    },
    /// It was looked, and it goes on.
    Look(&'a Comparison),
}

/// How a gate is judged.
#[derive(Clone, PartialEq, Debug)]
pub struct Judging {
    /// The change that does not count.
    pub min_effect: f64,
    /// The metrics that decide in the place of the usual ones.
    pub metrics: Vec<String>,
}

/// How it ended.
#[derive(Debug)]
pub enum Ending<E> {
    /// A look said something, or it was the last.
    Judged,
    /// The runs say nothing of the engines, and why.
    Void(String),
    /// The time that there was is over.
    OutOfTime,
    /// A run could not be made.
    Stopped(E),
}

/// What was made.
#[derive(Debug)]
pub struct Conducted<E> {
    /// How it ended.
    pub ending: Ending<E>,
    /// The pairs, base first.
    pub pairs: Vec<[Run; 2]>,
    /// The comparison of all pairs; none where there are none, or they must not be compared.
    pub comparison: Option<Comparison>,
    /// Why pairs were thrown away.
    pub discarded: Vec<String>,
}

/// The part of attempts that a limit may refuse on both sides before what is measured is the limit.
const CAPPED_SHARE: f64 = 0.01;

/// Of so many pairs, this part may be made again.
const AGAIN_OF: u32 = 4;

/// Makes pairs by the plan and looks at them. `make` makes the run of a side in a pair, counted from 0; `has_time` says
/// before each pair whether it may be begun, for a plan cannot know how long engines take to start and to end.
pub fn conduct<E>(
    plan: &Plan,
    judging: &Judging,
    mut has_time: impl FnMut() -> bool,
    mut make: impl FnMut(u32, Side) -> Result<Run, E>,
    mut told: impl FnMut(&Told<'_>),
) -> Conducted<E> {
    let looks = plan.looks();
    let mut made = Conducted {
        ending: Ending::Judged,
        pairs: Vec::new(),
        comparison: None,
        discarded: Vec::new(),
    };
    let again_max = (looks.last() / AGAIN_OF).max(4);
    let mut pair = 0;
    while pair < looks.last() {
        if !has_time() {
            made.ending = Ending::OutOfTime;
            break;
        }
        let runs = match make_pair(pair, &mut make) {
            Ok(runs) => runs,
            Err(stopped) => {
                made.ending = Ending::Stopped(stopped);
                break;
            }
        };
        if let Some((side, reason)) = void(&runs) {
            told(&Told::Again {
                pair: pair + 1,
                side,
                reason: reason.clone(),
                paths: [&runs[0].path, &runs[1].path],
            });
            made.discarded
                .push(format!("pair {}, {}: {reason}", pair + 1, side.as_str()));
            if made.discarded.len() as u32 > again_max {
                made.ending = Ending::Void(format!(
                    "{} pairs were VOID, the last because of {}: {reason}",
                    made.discarded.len(),
                    side.as_str()
                ));
                break;
            }
            continue;
        }
        made.pairs.push(runs);
        pair += 1;
        told(&Told::Pair(pair));
        if pair == 1
            && let Some(reason) = capped(&made.pairs[0])
        {
            made.ending = Ending::Void(reason);
            break;
        }
        let is_look = looks.pairs().contains(&pair);
        // Between looks nothing is judged, so nothing may be spent.
        let alpha = looks.spend(pair, SIDE_ALPHA);
        let now = match compared(&made.pairs, judging, alpha, made.comparison.as_ref()) {
            Ok(now) => now,
            Err(reason) => {
                made.ending = Ending::Void(reason);
                break;
            }
        };
        let is_over = if is_look {
            let is_over = now.verdict != Verdict::Inconclusive;
            if !is_over && pair < looks.last() {
                told(&Told::Look(&now));
            }
            made.comparison = Some(now);
            is_over
        } else {
            let is_over = now.checks.iter().any(|check| check.strict && !check.holds);
            if is_over {
                made.comparison = Some(now);
            }
            is_over
        };
        if is_over {
            return made;
        }
    }
    // What was stopped between two looks is shown as far as it came; nothing is spent, so nothing is newly decided.
    let is_shown = made
        .comparison
        .as_ref()
        .is_some_and(|shown| shown.pairs as usize == made.pairs.len());
    if !is_shown && let Ok(rest) = compared(&made.pairs, judging, 0.0, made.comparison.as_ref()) {
        made.comparison = Some(rest);
    }
    made
}

fn make_pair<E>(
    pair: u32,
    make: &mut impl FnMut(u32, Side) -> Result<Run, E>,
) -> Result<[Run; 2], E> {
    let [first, second] = order(pair);
    let (a, b) = (make(pair, first)?, make(pair, second)?);
    Ok(match first {
        Side::Base => [a, b],
        Side::New => [b, a],
    })
}

fn compared(
    pairs: &[[Run; 2]],
    judging: &Judging,
    alpha: f64,
    earlier: Option<&Comparison>,
) -> Result<Comparison, String> {
    let settings = Settings {
        min_effect: judging.min_effect,
        // Both sides are measured by this process.
        allowed: Allowed { hosts: true },
        alpha,
        metrics: judging.metrics.clone(),
    };
    compare::compare(Pairing::Seed, pairs, &settings, earlier).map_err(|reasons| {
        let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
        reasons.join("; ")
    })
}

/// The run that is no measurement, and why.
fn void(runs: &[Run; 2]) -> Option<(Side, String)> {
    Side::ALL.into_iter().zip(runs).find_map(|(side, run)| {
        let verdict = &run.document.verdict;
        let reason = verdict
            .reasons
            .iter()
            .find(|reason| reason.status == Status::Void);
        (verdict.status == Status::Void).then(|| {
            let text = reason.map_or_else(
                || "no reason given".to_owned(),
                |reason| reason.text.clone(),
            );
            (side, text)
        })
    })
}

/// Why both sides of a pair measured a limit.
fn capped(runs: &[Run; 2]) -> Option<String> {
    let [base, new] = [0, 1].map(|side| refused_share(&runs[side].document));
    (base > CAPPED_SHARE && new > CAPPED_SHARE).then(|| {
        let percent = crate::report::text::Percent;
        format!(
            "both sides are capped by a limit: it refused {} of base's attempts and {} of new's, so their figures are the \
             limit's; offer less, or start both without limits",
            percent(base),
            percent(new)
        )
    })
}

/// Attempts that a limit refused, of those of the measurement window.
fn refused_share(document: &Document) -> f64 {
    let producers = document.ledger.producers.values();
    let calls = document.calls.values();
    let counts = producers
        .map(|ledger| (ledger.measure.rejected_attempts, ledger.measure.attempts))
        .chain(calls.map(|load| {
            let ledger = &load.ledger.measure;
            (ledger.rejected_attempts, ledger.attempts)
        }));
    let (refused, attempts) = counts.fold((0, 0), |sum, (refused, attempts)| {
        (sum.0 + refused, sum.1 + attempts)
    });
    if attempts == 0 {
        0.0
    } else {
        refused as f64 / attempts as f64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::{LatencyKind, Reason};
    use crate::report::sample;
    use crate::scenario::model::Time;

    fn plan() -> Plan {
        let second = Duration::from_secs(1);
        let time = Time {
            warm_up: second,
            measure: second,
            drain: second,
        };
        Plan::of(time, None, 0.05).unwrap()
    }

    const JUDGING: Judging = Judging {
        min_effect: 0.05,
        metrics: Vec::new(),
    };

    /// A run of the pair whose latencies are `factor` times those of the sample, with a little noise of its own.
    fn run(pair: u32, side: Side, factor: f64) -> Run {
        let mut document = sample::document();
        document.seed = u64::from(pair);
        let web = document.ledger.producers.get_mut("web").unwrap();
        web.measure.rejected_attempts = 0;
        web.measure.acked = web.measure.intended;
        let noise = 1.0 + f64::from((pair * 7 + u32::from(side == Side::New) * 3) % 11) * 0.001;
        for kinds in document
            .latency
            .producers
            .values_mut()
            .chain(document.latency.consumers.values_mut())
        {
            for (kind, summary) in kinds {
                if *kind != LatencyKind::Lateness {
                    for value in [
                        &mut summary.p50_us,
                        &mut summary.p99_us,
                        &mut summary.p999_us,
                    ] {
                        *value = (*value as f64 * factor * noise) as u64;
                    }
                }
            }
        }
        Run {
            path: format!("{pair}/{}", side.as_str()),
            document,
            server: None,
        }
    }

    fn gate(mut make: impl FnMut(u32, Side) -> Run) -> Conducted<()> {
        conduct(
            &plan(),
            &JUDGING,
            || true,
            |pair, side| Ok(make(pair, side)),
            |_| (),
        )
    }

    fn verdict(made: &Conducted<()>) -> (Verdict, usize) {
        (made.comparison.as_ref().unwrap().verdict, made.pairs.len())
    }

    #[test]
    fn equals_are_let_through_at_the_first_look_and_a_slower_side_is_stopped_at_a_later_one() {
        let equal = gate(|pair, side| run(pair, side, 1.0));
        assert_eq!(verdict(&equal), (Verdict::NoRegression, 8));
        let slower = gate(|pair, side| run(pair, side, if side == Side::New { 1.2 } else { 1.0 }));
        assert_eq!(verdict(&slower), (Verdict::Regression, 16));
        let near = gate(|pair, side| run(pair, side, if side == Side::New { 1.05 } else { 1.0 }));
        assert_eq!(verdict(&near), (Verdict::Inconclusive, 32));
    }

    #[test]
    fn runs_are_made_in_turns_and_each_pair_has_base_first() {
        let mut turns = Vec::new();
        let made = gate(|pair, side| {
            turns.push((pair, side));
            run(pair, side, 1.0)
        });
        let expected: Vec<_> = (0..8)
            .flat_map(|pair| order(pair).map(|side| (pair, side)))
            .collect();
        assert_eq!(turns, expected);
        assert!(
            made.pairs
                .iter()
                .all(|[base, new]| base.path.ends_with("base") && new.path.ends_with("new"))
        );
    }

    #[test]
    fn one_lost_record_ends_it_at_once() {
        let made = gate(|pair, side| {
            let mut run = run(pair, side, 1.0);
            if pair == 2 && side == Side::New {
                let billing = run.document.ledger.consumers.get_mut("billing").unwrap();
                billing.total.lost += 1;
                billing.total.acked += 1;
            }
            run
        });
        assert_eq!(verdict(&made), (Verdict::Regression, 3));
        assert!(
            made.comparison
                .unwrap()
                .answer
                .contains("consumers.billing.lost")
        );
    }

    fn void(mut run: Run) -> Run {
        run.document.verdict.status = Status::Void;
        run.document.verdict.reasons.push(Reason {
            status: Status::Void,
            code: "pacer_gap".into(),
            text: "away for 500 ms".into(),
        });
        run
    }

    #[test]
    fn a_pair_with_a_void_run_is_made_again_and_too_many_of_them_void_the_gate() {
        let mut calls = 0;
        let made = gate(|pair, side| {
            calls += 1;
            let run = run(pair, side, 1.0);
            if calls == 3 { void(run) } else { run }
        });
        assert_eq!(verdict(&made), (Verdict::NoRegression, 8));
        assert_eq!(made.discarded.len(), 1);
        assert!(
            made.discarded[0].contains("away for 500 ms"),
            "{:?}",
            made.discarded
        );
        let made = gate(|pair, side| void(run(pair, side, 1.0)));
        assert!(matches!(made.ending, Ending::Void(reason) if reason.contains("9 pairs")));
    }

    #[test]
    fn sides_that_a_limit_caps_are_void_after_one_pair() {
        let made = gate(|pair, side| {
            let mut run = run(pair, side, 1.0);
            let web = run.document.ledger.producers.get_mut("web").unwrap();
            web.measure.rejected_attempts = web.measure.attempts / 10;
            run
        });
        assert_eq!(made.pairs.len(), 1);
        assert!(
            matches!(&made.ending, Ending::Void(reason) if reason.contains("capped by a limit")),
            "{:?}",
            made.ending
        );
    }

    #[test]
    fn no_pair_is_begun_when_the_time_is_over() {
        let mut asked = 0;
        let has_time = || {
            asked += 1;
            asked <= 3
        };
        let make = |pair, side| Ok::<_, ()>(run(pair, side, 1.0));
        let made = conduct(&plan(), &JUDGING, has_time, make, |_| ());
        assert!(matches!(made.ending, Ending::OutOfTime));
        assert_eq!(verdict(&made), (Verdict::Inconclusive, 3));
    }

    #[test]
    fn what_was_made_before_a_stop_is_kept_and_decides_nothing() {
        let make = |pair, side| {
            if pair == 5 {
                Err("interrupted")
            } else {
                Ok(run(pair, side, if side == Side::New { 2.0 } else { 1.0 }))
            }
        };
        let made = conduct(&plan(), &JUDGING, || true, make, |_| ());
        assert!(matches!(made.ending, Ending::Stopped("interrupted")));
        assert_eq!(made.pairs.len(), 5);
        assert_eq!(made.comparison.unwrap().verdict, Verdict::Inconclusive);
    }
}
