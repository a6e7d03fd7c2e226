//! What a full screen shows of a run at one time.

use std::time::Duration;

use super::{Course, Phase, ShardLoad, Totals, shard_loads};
use crate::measure::live::Picture;
use crate::measure::{LatencyKind, LatencySummary, PartId, ProducerLedger};
use crate::report::figure::Unit;
use crate::scenario::model::Slo;

/// A run at one time.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    /// The scenario.
    pub name: String,
    /// What kind of numbers these are and where they come from: `measured on the embedded engine`.
    pub provenance: String,
    /// What the run is doing.
    pub phase: Phase,
    /// How long until the phase ends at most; nothing in virtual time.
    pub left: Option<Duration>,
    /// How much of warm-up and measurement is over, 0 to 1; nothing before.
    pub done: Option<f64>,
    /// The totals.
    pub totals: Totals,
    /// Records acknowledged and not delivered to every consumer yet; an upper bound where there are several streams.
    pub unread: u64,
    /// Per second over the last second or so.
    pub rates: Rates,
    /// What has to hold, as far as can be said.
    pub slo: Vec<SloSoFar>,
    /// By part and kind, warm-up included.
    pub latencies: Vec<LatencyRow>,
    /// The shards that are written to.
    pub shards: Vec<ShardLoad>,
    /// The events in order of their planned times.
    pub events: Vec<EventRow>,
    /// Whether somebody asked for its end.
    pub ending: bool,
}

/// Rates per second.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rates {
    /// Records released by the schedules.
    pub offered: f64,
    /// Records acknowledged.
    pub acked: f64,
    /// Records delivered.
    pub delivered: f64,
    /// Attempts refused by a limit.
    pub refused: f64,
}

impl Rates {
    /// What happened between two times, `seconds` apart.
    pub fn between(before: &Totals, now: &Totals, seconds: f64) -> Self {
        let per_s = |before: u64, now: u64| {
            if seconds > 0.0 {
                now.saturating_sub(before) as f64 / seconds
            } else {
                0.0
            }
        };
        Self {
            offered: per_s(before.released, now.released),
            acked: per_s(before.acked, now.acked),
            delivered: per_s(before.delivered, now.delivered),
            refused: per_s(before.refused, now.refused),
        }
    }
}

/// A bound and how it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SloSoFar {
    /// Its name.
    pub name: String,
    /// Whether it would be met if this were the end; nothing where only the end tells.
    pub met: Option<bool>,
    /// The figure and the bound as a person reads them.
    pub text: String,
}

/// A latency so far.
#[derive(Clone, PartialEq, Debug)]
pub struct LatencyRow {
    /// Whose it is.
    pub of: String,
    /// Which.
    pub kind: LatencyKind,
    /// The figures.
    pub summary: LatencySummary,
}

/// An event and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventRow {
    /// When it is due, from the start of the load.
    pub at: Duration,
    /// Its name.
    pub name: String,
    /// `planned`, `began`, `done`, `failed`.
    pub state: &'static str,
    /// To what, or why not.
    pub detail: String,
}

impl View {
    /// The view of a run `elapsed` after the start of its load, by its own clock; `consumers` are to be given each record.
    pub fn of(
        course: &Course,
        elapsed: Option<Duration>,
        totals: Totals,
        rates: Rates,
        consumers: u64,
        picture: &Picture,
    ) -> Self {
        let (phase, left) = course.phase(elapsed);
        let load_s = course.time.load().as_secs_f64();
        let done = elapsed.map(|elapsed| (elapsed.as_secs_f64() / load_s).clamp(0.0, 1.0));
        let latencies = picture.latencies.iter().map(|((part, kind), histogram)| {
            let (_, of) = course.part(*part);
            LatencyRow {
                of,
                kind: *kind,
                summary: histogram.summary(),
            }
        });
        let events = course.events.iter().map(|(name, at)| {
            let note = picture.events.iter().rfind(|note| note.name == *name);
            EventRow {
                at: *at,
                name: name.clone(),
                state: note.map_or("planned", |note| note.state),
                detail: note.map(|note| note.detail.clone()).unwrap_or_default(),
            }
        });
        Self {
            name: course.name.clone(),
            provenance: provenance(course),
            phase,
            left,
            done,
            totals,
            unread: (totals.acked * consumers).saturating_sub(totals.delivered),
            rates,
            slo: course
                .slo
                .iter()
                .map(|slo| so_far(course, slo, picture))
                .collect(),
            latencies: latencies.collect(),
            shards: shard_loads(course, picture),
            events: events.collect(),
            ending: false,
        }
    }
}

fn provenance(course: &Course) -> String {
    let basis = course.world.basis().as_str();
    let world = course.world.as_str();
    format!("{basis}, {world}")
}

fn so_far(course: &Course, slo: &Slo, picture: &Picture) -> SloSoFar {
    let unit = Unit::of(&slo.metric);
    let bounds = [(">=", slo.min), ("<=", slo.max)];
    let bounds: Vec<_> = bounds
        .into_iter()
        .filter_map(|(sign, bound)| Some(format!("{sign} {}", unit.show(bound?))))
        .collect();
    let bounds = bounds.join(", ");
    let value = figure(course, &slo.metric, picture);
    SloSoFar {
        name: slo.name.clone(),
        met: value.map(|value| {
            slo.min.is_none_or(|min| value >= min) && slo.max.is_none_or(|max| value <= max)
        }),
        text: value.map_or_else(
            || format!("told at the end, {bounds}"),
            |value| format!("{}, {bounds}", unit.show(value)),
        ),
    }
}

/// A figure as far as it is known before the end, warm-up included; nothing where it is not.
fn figure(course: &Course, metric: &str, picture: &Picture) -> Option<f64> {
    let (table, rest) = metric.split_once('.')?;
    let numbered = |names: &[String]| {
        let names = names.iter().zip(0u16..);
        // Names may hold dots: the longest that fits is meant.
        names
            .filter_map(|(name, number)| {
                Some((
                    name.len(),
                    number,
                    rest.strip_prefix(name.as_str())?.strip_prefix('.')?,
                ))
            })
            .max()
    };
    let (part, figure) = match table {
        "producers" => {
            let (_, number, figure) = numbered(&course.producers)?;
            if let Some(ledger) = picture.ledgers.get(&number)
                && let Some(value) = of_ledger(ledger, figure)
            {
                return Some(value);
            }
            (PartId::Producer(number), figure)
        }
        "consumers" => {
            let (_, number, figure) = numbered(&course.consumers)?;
            (PartId::Consumer(number), figure)
        }
        "calls" => {
            let (_, number, figure) = numbered(&course.calls)?;
            (PartId::Call(number), figure)
        }
        _ => return None,
    };
    let (latency, statistic) = figure.split_once('.')?;
    let kind = LatencyKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == latency)?;
    let histogram = picture.latencies.get(&(part, kind))?;
    of_latency(&histogram.summary(), statistic)
}

fn of_ledger(ledger: &ProducerLedger, figure: &str) -> Option<f64> {
    let count = match figure {
        "intended" => ledger.intended,
        "acked" => ledger.acked,
        "throttled" => ledger.throttled,
        "failed" => ledger.failed,
        "unknown" => ledger.unknown,
        "not_sent" => ledger.not_sent,
        "rejected_attempts" => ledger.rejected_attempts,
        "accepted_share" => {
            // Of those whose outcome is known: what is under way is neither.
            let others = ledger.throttled + ledger.failed + ledger.unknown + ledger.not_sent;
            let settled = ledger.acked + others;
            return (settled > 0).then(|| ledger.acked as f64 / settled as f64);
        }
        _ => return None,
    };
    Some(count as f64)
}

fn of_latency(summary: &LatencySummary, statistic: &str) -> Option<f64> {
    if summary.count == 0 {
        return None;
    }
    let value = match statistic {
        "min" => summary.min_us as f64,
        "mean" => summary.mean_us,
        "p50" => summary.p50_us as f64,
        "p90" => summary.p90_us as f64,
        "p99" => summary.p99_us as f64,
        "p999" => summary.p999_us as f64,
        "p9999" => summary.p9999_us as f64,
        "max" => summary.max_us as f64,
        _ => return None,
    };
    Some(value)
}

#[cfg(test)]
pub(in crate::report) mod tests {
    use super::*;
    use crate::kinesis::ShardId;
    use crate::measure::integrity::WorkerKey;
    use crate::measure::interval::IntervalDelta;
    use crate::measure::live::{EventNote, Live};
    use crate::measure::{LatencyHistogram, ShardCounters};
    use crate::report::live::tests::course;

    /// Seven seconds into the run of [`course`]: a hot shard, refusals, an event that is over.
    pub(in crate::report) fn view() -> View {
        let live = Live::default();
        let ledger = ProducerLedger {
            intended: 7_000,
            acked: 6_300,
            throttled: 400,
            rejected_attempts: 900,
            ..ProducerLedger::default()
        };
        let worker = WorkerKey {
            producer: 1,
            worker: 0,
        };
        live.tell_ledger(worker, ledger);
        let evenly = |step_us: i64| {
            let mut histogram = LatencyHistogram::new();
            (1..=1_000).for_each(|n| histogram.record_nanos(n * step_us * 1_000));
            histogram.pack()
        };
        let counters = |acked| ShardCounters {
            offered: acked,
            acked,
            acked_bytes: acked * 200,
            ..ShardCounters::default()
        };
        let shard = |number| ShardId::new(number).unwrap();
        let mut hot = counters(980);
        hot.refuse(crate::kinesis::Cause::WriteRecords, 130, 26_000);
        live.tell_interval(
            "orders",
            &IntervalDelta {
                part: PartId::Producer(1),
                index: 6,
                shards: vec![(shard(0), counters(120)), (shard(1), hot)],
                latencies: vec![
                    (LatencyKind::Lateness, evenly(1)),
                    (LatencyKind::ResponseTime, evenly(50)),
                ],
            },
        );
        live.tell_interval(
            "orders",
            &IntervalDelta {
                part: PartId::Consumer(0),
                index: 6,
                shards: vec![],
                latencies: vec![(LatencyKind::EndToEnd, evenly(2_000))],
            },
        );
        live.tell_event(EventNote {
            name: "split".into(),
            state: "began",
            detail: String::new(),
        });
        live.tell_event(EventNote {
            name: "split".into(),
            state: "done",
            detail: "shardId-000000000001 split into 2 and 3".into(),
        });
        let mut picture = Picture::default();
        picture.refresh(&live);
        let totals = Totals {
            released: 7_000,
            acked: 6_300,
            refused: 900,
            not_sent: 0,
            delivered: 6_100,
            calls: 0,
        };
        let before = Totals {
            released: 5_900,
            acked: 5_300,
            refused: 770,
            not_sent: 0,
            delivered: 5_150,
            calls: 0,
        };
        let rates = Rates::between(&before, &totals, 1.0);
        let elapsed = Some(Duration::from_secs(7));
        View::of(&course(), elapsed, totals, rates, 1, &picture)
    }

    #[test]
    fn a_bound_stands_as_its_figure_does_and_one_that_only_the_end_tells_says_so() {
        let view = view();
        let told: Vec<_> = view
            .slo
            .iter()
            .map(|slo| (slo.name.as_str(), slo.met, slo.text.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("accepted", Some(false), "94 %, >= 99.9 %"),
                ("fresh", Some(false), "1.98 s, <= 1.00 s"),
                ("nothing_lost", None, "told at the end, <= 0"),
            ]
        );
        assert_eq!((view.unread, view.phase), (200, Phase::Measuring));
        assert_eq!(view.left, Some(Duration::from_secs(5)));
        assert!((view.done.unwrap() - 7.0 / 12.0).abs() < 1e-9);
    }

    #[test]
    fn an_event_is_planned_until_the_run_tells_of_it() {
        let view = view();
        let states: Vec<_> = view.events.iter().map(|event| event.state).collect();
        assert_eq!(states, ["done", "planned"]);
        assert!(view.events[0].detail.contains("split into"));
    }

    #[test]
    fn no_time_between_two_looks_is_no_rate() {
        assert_eq!(
            Rates::between(&Totals::default(), &Totals::default(), 0.0),
            Rates::default()
        );
    }
}
