//! From what a run saw to the document of it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp as Utc;

use super::aftermath::{self, Aftermath};
use super::calls::CallsSummary;
use super::document::{
    ByPhase, ConsumerSummary, Document, Environment, EvenPart, EventRow, EventStatus, Instrument,
    Latency, Ledger, ProducerSummary, SCHEMA_VERSION, ScenarioInfo, ShardRow, StreamBalance,
    TargetFinding, TargetSummary, ThrottlingRow, WorkerPart, World, per_s,
};
use super::interval_view::IntervalView;
use super::results::Latencies;
use super::series::{self, ShardLimits, Sources};
use crate::base::Timestamp;
use crate::kinesis::Limits;
use crate::kinesis::operation::ShardDescription;
use crate::kinesis::quotas::RateName;
use crate::measure::verdict::{CALL_LATENESS_TOLERATED_US, LATENESS_TOLERATED_US};
use crate::measure::waits::Waits;
use crate::measure::{
    CallLedger, ConsumerLedger, Facts, HoldFacts, LatencyHistogram, LatencyKind, LatencySummary,
    LoadSpan, Phase, ProducerLedger, RecorderTotals, RecordingFacts, ShardCounters, ShardTotals,
    SlotFacts, ThrottleTable, even_parts, judge,
};
use crate::run::environment::CpuShares;
use crate::run::{self, CallsOutcome, ConsumerOutcome, Outcome, ProducerOutcome, StreamOutcome};
use crate::scenario::Scenario;
use crate::scenario::created::run_id;
use crate::scenario::model::Arrival;

/// What a document is made of.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// What was run.
    pub scenario: &'a Scenario,
    /// Its file as it was run.
    pub text: &'a str,
    /// Where.
    pub world: World,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// The host; not given for simulated runs.
    pub environment: Option<Environment>,
    /// What the target outside of this process is called; not given where the engine is in it.
    pub target: Option<Called>,
}

/// How a target is called, in both senses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    /// Its name on the command line.
    pub name: String,
    /// Its URL, if it is not a region's own.
    pub url: Option<String>,
    /// The client.
    pub client: &'static str,
}

/// The client that loads of API calls go by where the command line chose the SDK, which cannot say everything that they do.
const CALLS_CLIENT: &str = "lean";
const SDK: &str = "sdk";

fn target(called: &Called, outcome: &Outcome) -> TargetSummary {
    let seen = &outcome.target;
    let has_others = !outcome.producers.is_empty() || !outcome.consumers.is_empty();
    let of_calls =
        (!outcome.calls.loads.is_empty() && called.client == SDK).then_some(CALLS_CLIENT);
    let (client, calls_client) = match of_calls {
        Some(its) if !has_others => (its, None),
        its => (called.client, its),
    };
    TargetSummary {
        name: called.name.clone(),
        url: called.url.clone(),
        client: client.to_owned(),
        calls_client: calls_client.map(str::to_owned),
        engine: "not applicable".to_owned(),
        findings: seen
            .findings
            .iter()
            .map(|finding| TargetFinding {
                text: finding.text.clone(),
                count: finding.count,
            })
            .collect(),
        unreachable: seen.unreachable.clone(),
        left_behind: seen
            .left_behind
            .iter()
            .map(|(stream, reason)| (stream.to_string(), reason.clone()))
            .collect(),
    }
}

/// The document of a run, with its verdict, SLOs and answer.
pub fn document(inputs: &Inputs<'_>) -> Document {
    let Inputs {
        scenario, outcome, ..
    } = inputs;
    let measure_s = outcome.measure.as_secs_f64();
    let shards = shards(outcome);
    let producers = outcome.producers.iter().map(|(name, producer)| {
        let ledger = &producer.ledgers[Phase::Measure as usize];
        let mut summary = ProducerSummary::of(
            producer.stream.as_str(),
            producer.workers,
            ledger,
            measure_s,
        );
        summary.slot_waits = producer.slot_waits.any();
        summary.rate_limit_waits = producer.rate_limit_waits.any();
        summary.order_waits = producer.order_waits.any();
        summary.last_failure.clone_from(&producer.last_failure);
        (name.clone(), summary)
    });
    let consumers = outcome
        .consumers
        .iter()
        .map(|(name, consumer)| (name.clone(), consumed(consumer, measure_s)));
    let mut document = Document {
        schema_version: SCHEMA_VERSION,
        verdict: judge(&facts(scenario, outcome)),
        slo: Vec::new(),
        answer: String::new(),
        scenario: ScenarioInfo {
            name: scenario.name.clone(),
            question: scenario.question.clone(),
            text: inputs.text.to_owned(),
        },
        seed: scenario.seed,
        world: inputs.world,
        basis: inputs.world.basis(),
        ledger: ledger(outcome),
        latency: latency(outcome),
        throttling: throttling(outcome),
        refusals_outlived: refusals_outlived(scenario, inputs.world, outcome),
        balance: balances(&shards, outcome),
        producers: producers.collect(),
        consumers: consumers.collect(),
        calls: outcome
            .calls
            .loads
            .iter()
            .map(|(name, load)| (name.clone(), CallsSummary::of(load, measure_s)))
            .collect(),
        shards,
        events: outcome
            .events
            .iter()
            .map(|event| event_row(outcome, event))
            .collect(),
        timeline: None,
        heat: BTreeMap::new(),
        minutes: BTreeMap::new(),
        forecast: BTreeMap::new(),
        instrument: instrument(outcome),
        target: inputs.target.as_ref().map(|called| target(called, outcome)),
        environment: inputs.environment.clone(),
        aws: None,
        worker: outcome.host.as_ref().map(|host| WorkerPart {
            worker: host.portion.index() + 1,
            of: host.portion.of(),
            run: run_id(host.run),
        }),
        workers: Vec::new(),
    };
    let sources = Sources {
        view: &interval_view(scenario, outcome),
        start: outcome.start,
        limits: shard_limits(scenario, inputs.world, outcome),
    };
    series::add(&mut document, &sources);
    // What must hold is held against the whole, not against a part of it.
    let slos = scenario.slo.values();
    document.conclude(slos.filter(|_| outcome.host.is_none()));
    document
}

/// The intervals of a run with their names: the scenario's, whichever of them had a part on this host.
pub fn interval_view<'a>(scenario: &'a Scenario, outcome: &'a Outcome) -> IntervalView<'a> {
    IntervalView {
        clock: outcome.clock,
        streams: outcome
            .streams
            .iter()
            .map(|(name, stream)| (name.as_str(), &stream.intervals))
            // Those of calls belong to no shard, and so to no stream.
            .chain([("", &outcome.calls.intervals)])
            .collect(),
        producers: scenario.producers.keys().map(String::as_str).collect(),
        consumers: scenario.consumers.keys().map(String::as_str).collect(),
        calls: outcome.calls.names.iter().map(String::as_str).collect(),
    }
}

/// The latencies of the measurement window with the names of their parts: `producers.web`.
pub fn latencies(outcome: &Outcome) -> Latencies {
    let parts = parts(outcome).flat_map(|(table, name, totals)| {
        let named = move |kind: &LatencyKind| (format!("{table}.{name}"), *kind);
        totals
            .latencies
            .iter()
            .map(move |(kind, histogram)| (named(kind), histogram.clone()))
    });
    parts.collect()
}

fn parts(outcome: &Outcome) -> impl Iterator<Item = (&'static str, &str, &RecorderTotals)> {
    let producers = outcome
        .producers
        .iter()
        .map(|(name, part)| ("producers", name.as_str(), &part.totals));
    let consumers = outcome
        .consumers
        .iter()
        .map(|(name, part)| ("consumers", name.as_str(), &part.report.totals));
    let calls = outcome.calls.loads.values();
    let calls = calls.flat_map(|load| &load.report.calls);
    let calls = outcome.calls.names.iter().zip(calls);
    let calls = calls.map(|(name, call)| ("calls", name.as_str(), &call.totals));
    producers.chain(consumers).chain(calls)
}

/// The measurement window's latencies of one kind of all calls of a load.
fn of_load(load: &CallsOutcome, kind: LatencyKind) -> LatencyHistogram {
    let mut merged = LatencyHistogram::new();
    for call in &load.report.calls {
        if let Some(histogram) = call.totals.latencies.get(&kind) {
            merged.merge(histogram);
        }
    }
    merged
}

/// The ledgers of all calls, by phase.
fn call_ledgers(outcome: &Outcome) -> impl Iterator<Item = [CallLedger; 2]> {
    let calls = outcome.calls.loads.values();
    calls.flat_map(|load| load.report.calls.iter().map(|call| call.ledgers))
}

/// What the run knows about itself.
fn facts(scenario: &Scenario, outcome: &Outcome) -> Facts {
    let all = |kind: LatencyKind| {
        let mut merged = LatencyHistogram::new();
        for (_, _, totals) in parts(outcome) {
            totals
                .latencies
                .get(&kind)
                .into_iter()
                .for_each(|histogram| merged.merge(histogram));
        }
        merged
    };
    let (response, end_to_end) = (all(LatencyKind::ResponseTime), all(LatencyKind::EndToEnd));
    let delivery_delay = all(LatencyKind::DeliveryDelay);
    let measured = || {
        outcome
            .producers
            .values()
            .map(|producer| &producer.ledgers[Phase::Measure as usize])
    };
    let measured_calls = || call_ledgers(outcome).map(|ledgers| ledgers[Phase::Measure as usize]);
    let consumer_ledgers = || {
        outcome
            .consumers
            .values()
            .filter_map(|consumer| consumer.ledger.as_ref())
    };
    // A producer without a rate is never late; what it intends follows from what was answered.
    let paced = |name: &String| {
        scenario
            .producers
            .get(name)
            .is_some_and(|p| !matches!(p.arrival, Arrival::Closed { .. }))
    };
    let paced_loads = || {
        outcome.calls.loads.iter().filter_map(|(name, load)| {
            let arrival = scenario.calls.get(name)?.arrival.as_ref();
            let paced = !matches!(arrival, Some(Arrival::Closed { .. }));
            paced.then_some(load)
        })
    };
    let pacer_gap = outcome
        .producers
        .iter()
        .filter(|(name, _)| paced(name))
        .map(|(_, producer)| producer.longest_gap)
        .chain(paced_loads().map(|load| load.report.longest_gap))
        .chain(outcome.heartbeat_gap)
        .max()
        .unwrap_or_default();
    // Judged by itself: many punctual records of one producer must not hide the late ones of another.
    let latest = outcome
        .producers
        .iter()
        .filter(|(name, _)| paced(name))
        .map(|(_, producer)| {
            let p99_us = |kind| {
                let histogram = producer.totals.latencies.get(&kind);
                histogram.map_or(0, |histogram| histogram.quantile_us(0.99))
            };
            Late {
                lateness_us: p99_us(LatencyKind::Lateness),
                response_us: p99_us(LatencyKind::ResponseTime),
                tolerated_us: LATENESS_TOLERATED_US,
            }
        })
        .chain(paced_loads().map(|load| {
            let p99_us = |kind| of_load(load, kind).quantile_us(0.99);
            Late {
                lateness_us: p99_us(LatencyKind::Lateness),
                response_us: p99_us(LatencyKind::ResponseTime),
                tolerated_us: CALL_LATENESS_TOLERATED_US,
            }
        }))
        .filter(|late| late.response_us > 0)
        .max_by(Late::by_weight);
    let unpaced_response_us = (!response.is_empty()).then(|| response.quantile_us(0.99));
    let host = outcome.host.as_ref();
    let histograms = || parts(outcome).flat_map(|(_, _, totals)| totals.latencies.values());
    Facts {
        pacer_gap_us_max: pacer_gap.as_micros() as u64,
        lateness_p99_us: latest.map_or(0, |late| late.lateness_us),
        response_p99_us: latest.map(|late| late.response_us).or(unpaced_response_us),
        lateness_tolerated_us: latest.map_or(LATENESS_TOLERATED_US, |late| late.tolerated_us),
        intended: measured()
            .map(|ledger| ledger.intended)
            .chain(measured_calls().map(|ledger| ledger.intended))
            .sum(),
        dropped: measured()
            .map(|ledger| ledger.not_sent_by_cause)
            .chain(measured_calls().map(|ledger| ledger.not_sent_by_cause))
            .map(|causes| causes.queue_full + causes.behind)
            .sum(),
        latency_samples: histograms().map(LatencyHistogram::count).sum(),
        clipped: histograms().map(LatencyHistogram::clipped).sum(),
        end_to_end_samples: end_to_end.count(),
        end_to_end_negative: end_to_end.negative(),
        delivery_delay_samples: delivery_delay.count(),
        delivery_delay_negative: delivery_delay.negative(),
        arrival_early_ms: arrival_early_ms(outcome),
        unread: consumer_ledgers().map(|(_, total)| total.unread).sum(),
        unseen_share: unseen_share(outcome),
        cpu_steal_share: cpu(outcome).map(|cpu| cpu.stolen),
        host_cpu_share: cpu(outcome).map(|cpu| cpu.busy),
        process_cpu_share: outcome.own_use.and_then(|own| own.process_cpu),
        sender_wait_share: outcome.own_use.and_then(|own| own.sender_wait),
        major_faults: outcome.own_use.and_then(|own| own.major_faults),
        clock_step_ns: outcome.own_use.map(|own| own.clock.step_ns),
        clock_read_ns: outcome.own_use.map(|own| own.clock.read_ns),
        slots: slots(scenario, outcome),
        rate_limit: hold(scenario, outcome, |producer| producer.rate_limit_waits),
        order: hold(scenario, outcome, |producer| producer.order_waits),
        recording: scenario
            .short_recordings()
            .into_iter()
            .map(|(player, ends)| RecordingFacts {
                player,
                ends_s: ends.as_secs_f64(),
                load_s: scenario.time.load().as_secs_f64(),
            })
            .max_by(|a, b| a.silent_share().total_cmp(&b.silent_share())),
        workers_not_done: host.map_or_else(Vec::new, |host| host.not_done.clone()),
        stream_taken: host.is_some_and(|host| host.stream_taken && !outcome.interrupted),
        clock_unbounded: host.is_some_and(|host| {
            host.portion.of() > 1 && host.clock_offset_ns.is_none() && !outcome.interrupted
        }),
        cut_off_share: cut_off_share(scenario, outcome),
        trimmed_unread: consumer_ledgers()
            .map(|(_, total)| total.trimmed_unread)
            .sum(),
        flawed_shard_lists: outcome
            .streams
            .values()
            .filter(|stream| stream.has_flawed_list())
            .count() as u64,
        misplaced: consumer_ledgers().map(|(_, total)| total.misplaced).sum(),
        events_after_drain: outcome
            .events
            .iter()
            .filter(|event| {
                event.status == run::EventStatus::Skipped
                    && !outcome.interrupted
                    && !did_not_happen(outcome, event)
            })
            .count() as u64,
        failed_events: outcome
            .events
            .iter()
            .filter(|event| did_not_happen(outcome, event))
            .count() as u64,
        ledgers_balance: outcome
            .producers
            .values()
            .flat_map(|p| &p.ledgers)
            .all(ProducerLedger::balances)
            && consumer_ledgers().all(|(phases, total)| {
                total.balances() && phases.values().all(ConsumerLedger::balances)
            })
            && acked_agree(outcome)
            && call_ledgers(outcome)
                .flatten()
                .all(|ledger| ledger.balances()),
    }
}

/// How far the median delivery delay of a consumer is above its median end-to-end latency, of the one where that is most.
fn arrival_early_ms(outcome: &Outcome) -> Option<f64> {
    let early = outcome.consumers.values().filter_map(|consumer| {
        let median_us = |kind| {
            let histogram = consumer.report.totals.latencies.get(&kind)?;
            (!histogram.is_empty()).then(|| histogram.quantile_us(0.5) as f64)
        };
        let (delay, whole) = (
            median_us(LatencyKind::DeliveryDelay)?,
            median_us(LatencyKind::EndToEnd)?,
        );
        // Two steps of a histogram of three digits.
        Some((delay - whole * 1.002) / 1e3)
    });
    early.max_by(f64::total_cmp)
}

/// The last part of the measurement window whose arrivals a reader of others' records did not come to, as a share of it.
fn unseen_share(outcome: &Outcome) -> f64 {
    let end = outcome.start.plus(outcome.warm_up).plus(outcome.measure);
    let seen = outcome.consumers.values().filter_map(|it| it.seen_until);
    let unseen = seen.map(|until| end.signed_nanos_since(until).max(0) as f64);
    let unseen_s = unseen.fold(0.0, f64::max) / 1e9;
    let measure_s = outcome.measure.as_secs_f64();
    if measure_s > 0.0 {
        (unseen_s / measure_s).min(1.0)
    } else {
        0.0
    }
}

fn cpu(outcome: &Outcome) -> Option<CpuShares> {
    outcome.own_use.and_then(|own| own.cpu)
}

/// How late a producer or load with a schedule was: 99th percentiles.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "a unit ends each name")]
struct Late {
    lateness_us: u64,
    response_us: u64,
    /// Up to this its lateness does not count.
    tolerated_us: u64,
}

impl Late {
    /// What is late beyond what is tolerated weighs more than what is not; then by the share of the response time.
    fn by_weight(&self, other: &Self) -> Ordering {
        let counts = |late: &Self| late.lateness_us > late.tolerated_us;
        let cross = |a: &Self, b: &Self| u128::from(a.lateness_us) * u128::from(b.response_us);
        let shares = cross(self, other).cmp(&cross(other, self));
        counts(self).cmp(&counts(other)).then(shares)
    }
}

/// The producer, or load of calls, of which most waited for a request slot. Only those with a schedule: another waits for slots
/// by its nature.
fn slots(scenario: &Scenario, outcome: &Outcome) -> Option<SlotFacts> {
    let producer = hold(scenario, outcome, |producer| producer.slot_waits).and_then(|hold| {
        Some(SlotFacts {
            max_in_flight: scenario.producers.get(&hold.producer)?.send.max_in_flight,
            whose: format!("producer `{}`", hold.producer),
            records_share: hold.records_share,
            response_share: hold.response_share,
        })
    });
    let loads = outcome.calls.loads.iter().filter_map(|(name, load)| {
        let settings = scenario.calls.get(name)?;
        let waits = load.report.slot_waits.any()?;
        if matches!(settings.arrival, Some(Arrival::Closed { .. })) {
            return None;
        }
        let ledgers = load.report.calls.iter().map(|call| call.ledgers);
        let intended: u64 = ledgers.map(|of| of[Phase::Measure as usize].intended).sum();
        let response = of_load(load, LatencyKind::ResponseTime);
        let response_us = response.summary().mean_us * response.count() as f64;
        Some(SlotFacts {
            whose: format!("load `{name}`"),
            max_in_flight: settings.max_in_flight,
            records_share: (waits.records as f64 / intended.max(1) as f64).min(1.0),
            response_share: waits.total_us as f64 / response_us.max(1.0),
        })
    });
    let all = producer.into_iter().chain(loads);
    all.max_by(|a, b| a.records_share.total_cmp(&b.records_share))
}

/// The producer with a schedule of whose records a bound held most back. One without a schedule waits by its nature.
fn hold(
    scenario: &Scenario,
    outcome: &Outcome,
    waits: fn(&ProducerOutcome) -> Waits,
) -> Option<HoldFacts> {
    let found = outcome.producers.iter().filter_map(|(name, producer)| {
        let settings = scenario.producers.get(name)?;
        let waits = waits(producer).any()?;
        let intended = producer.ledgers[Phase::Measure as usize].intended;
        if matches!(settings.arrival, Arrival::Closed { .. }) {
            return None;
        }
        // Of records of which none was acked the wait is everything.
        let response = producer.totals.latencies.get(&LatencyKind::ResponseTime);
        let response_us = response.map_or(0.0, |all| all.summary().mean_us * all.count() as f64);
        Some(HoldFacts {
            producer: name.clone(),
            // A record that is tried again may wait more than once.
            records_share: (waits.records as f64 / intended.max(1) as f64).min(1.0),
            response_share: waits.total_us as f64 / response_us.max(1.0),
        })
    });
    found.max_by(|a, b| a.records_share.total_cmp(&b.records_share))
}

/// Whether the answer lacks an event: one that was refused, or that was to happen under load and did not.
fn did_not_happen(outcome: &Outcome, event: &run::EventOutcome) -> bool {
    match event.status {
        run::EventStatus::Done | run::EventStatus::Unsupported => false,
        run::EventStatus::Failed => !outcome.interrupted || event.ended.is_some(),
        run::EventStatus::Skipped => {
            !outcome.interrupted && event.planned < outcome.warm_up + outcome.measure
        }
    }
}

/// The share of the measurement window that an interruption cut off.
fn cut_off_share(scenario: &Scenario, outcome: &Outcome) -> f64 {
    let measured = outcome.measure.as_secs_f64() / scenario.time.measure.as_secs_f64();
    if outcome.interrupted {
        (1.0 - measured).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// Whether each consumer's account begins with what the producers of its stream say was acknowledged.
fn acked_agree(outcome: &Outcome) -> bool {
    outcome.consumers.values().all(|consumer| {
        let producers = outcome
            .producers
            .values()
            .filter(|producer| producer.stream == consumer.stream);
        let acked: u64 = producers
            .flat_map(|producer| &producer.ledgers)
            .map(|ledger| ledger.acked)
            .sum();
        consumer
            .ledger
            .as_ref()
            .is_none_or(|(_, total)| total.acked == acked)
    })
}

fn ledger(outcome: &Outcome) -> Ledger {
    let [warm_up, measure] = [Phase::WarmUp as usize, Phase::Measure as usize];
    let producers = outcome.producers.iter().map(|(name, producer)| {
        (
            name.clone(),
            ByPhase::of(producer.ledgers[warm_up], producer.ledgers[measure]),
        )
    });
    let consumers = outcome.consumers.iter().filter_map(|(name, consumer)| {
        let (phases, total) = consumer.ledger.as_ref()?;
        let of = |phase| phases.get(&phase).copied().unwrap_or_default();
        Some((
            name.clone(),
            ByPhase {
                total: *total,
                warm_up: of(Phase::WarmUp),
                measure: of(Phase::Measure),
            },
        ))
    });
    Ledger {
        producers: producers.collect(),
        consumers: consumers.collect(),
    }
}

fn latency(outcome: &Outcome) -> Latency {
    Latency {
        producers: outcome
            .producers
            .iter()
            .map(|(name, part)| (name.clone(), summaries(&part.totals)))
            .collect(),
        consumers: outcome
            .consumers
            .iter()
            .map(|(name, part)| (name.clone(), summaries(&part.report.totals)))
            .collect(),
    }
}

fn summaries(totals: &RecorderTotals) -> BTreeMap<LatencyKind, LatencySummary> {
    totals
        .latencies
        .iter()
        .map(|(kind, histogram)| (*kind, histogram.summary()))
        .collect()
}

fn throttling(outcome: &Outcome) -> Vec<ThrottlingRow> {
    let mut tables: BTreeMap<&str, ThrottleTable> = BTreeMap::new();
    for producer in outcome.producers.values() {
        tables
            .entry(producer.stream.as_str())
            .or_default()
            .merge(&producer.throttles);
    }
    for consumer in outcome.consumers.values() {
        tables
            .entry(consumer.stream.as_str())
            .or_default()
            .merge(&consumer.report.throttles);
    }
    let rows = tables.into_iter().flat_map(|(stream, table)| {
        table.rows().into_iter().map(move |row| ThrottlingRow {
            stream: stream.to_owned(),
            row,
        })
    });
    rows.collect()
}

fn refusals_outlived(scenario: &Scenario, world: World, outcome: &Outcome) -> Vec<Aftermath> {
    if outcome.host.is_some() {
        // What is too much for a shard shows in all hosts' load together.
        return Vec::new();
    }
    let limits = shard_limits(scenario, world, outcome);
    let rows = outcome.streams.iter().flat_map(|(name, stream)| {
        let storms = outcome.events.iter().filter_map(|event| {
            let storm = event.stream == *name && event.action == "throttle-storm";
            Some(aftermath::Cause {
                name: event.name.clone(),
                from: event.started.filter(|_| storm)?,
                until: event.ended?,
            })
        });
        let limits = limits.get(name.as_str()).copied().unwrap_or_default();
        let takes = aftermath::Takes {
            records_per_s: limits.records_per_s.unwrap_or(f64::INFINITY),
            bytes_per_s: limits.bytes_per_s.unwrap_or(f64::INFINITY),
        };
        aftermath::aftermath(
            name.as_str(),
            &stream.intervals,
            outcome.clock,
            outcome.start,
            &storms.collect::<Vec<_>>(),
            takes,
        )
    });
    rows.collect()
}

/// What the shards of each stream take.
fn shard_limits(
    scenario: &Scenario,
    world: World,
    outcome: &Outcome,
) -> BTreeMap<String, ShardLimits> {
    let limits = match world {
        World::Embedded | World::Simulated => scenario.engine.limits.clone(),
        World::Endpoint | World::Aws => Limits::aws(),
    };
    let per_s = |rate| limits.rate(rate).map(|limit| limit.per_s as f64);
    let streams = outcome.streams.keys().map(|name| {
        let mut producers = scenario.producers.values();
        // Records that are packed are fewer to the shard.
        let packs = producers.any(|p| p.stream == *name && p.send.aggregate.is_some());
        let limits = ShardLimits {
            records_per_s: per_s(RateName::WriteRecords).filter(|_| !packs),
            bytes_per_s: per_s(RateName::WriteBytes),
        };
        (name.to_string(), limits)
    });
    streams.collect()
}

fn balances(shards: &[ShardRow], outcome: &Outcome) -> BTreeMap<String, StreamBalance> {
    shards
        .chunk_by(|a, b| a.stream == b.stream)
        .map(|rows| {
            let stream = rows[0].stream.as_str();
            (
                stream.to_owned(),
                StreamBalance::of(rows, is_written(outcome, stream)),
            )
        })
        .collect()
}

/// Whether a producer of the run writes the stream.
fn is_written(outcome: &Outcome, stream: &str) -> bool {
    let mut producers = outcome.producers.values();
    producers.any(|producer| producer.stream.as_str() == stream)
}

fn consumed(consumer: &ConsumerOutcome, measure_s: f64) -> ConsumerSummary {
    let phases = consumer.ledger.as_ref();
    let first = phases.map(|(phases, _)| {
        phases
            .get(&Phase::Measure)
            .map_or(0, |ledger| ledger.delivered + ledger.delivered_unacked)
    });
    ConsumerSummary {
        stream: consumer.stream.to_string(),
        kind: consumer.kind.to_owned(),
        calls: consumer.report.calls,
        events: consumer.report.events,
        deliveries: consumer.report.deliveries,
        kinesis_records: consumer.report.kinesis_records,
        delivered_records_per_s: first.map(|count| per_s(count, measure_s)),
        caught_up: consumer.caught_up,
        last_failure: consumer.report.last_failure.clone(),
        watched: consumer.report.watched.clone(),
    }
}

/// Every shard of every stream with its counts of the measurement window.
fn shards(outcome: &Outcome) -> Vec<ShardRow> {
    let measure_from = outcome.start.plus(outcome.warm_up);
    let first = outcome.clock.index_of(measure_from);
    // An interval that the window only touches at its end belongs to the drain.
    let end = measure_from.plus(outcome.measure);
    let last = outcome
        .clock
        .index_of(Timestamp::from_nanos(end.as_nanos().saturating_sub(1)));
    let mut rows = Vec::new();
    for (name, stream) in &outcome.streams {
        // A run that was interrupted in warm-up has no window, and nothing in it.
        let window = if outcome.measure.is_zero() {
            BTreeMap::new()
        } else {
            stream.intervals.shards_over(first..=last.max(first))
        };
        let run = stream.intervals.shards_over(..);
        let of =
            |counters: &BTreeMap<_, _>, shard| counters.get(&shard).copied().unwrap_or_default();
        let begin = rows.len();
        for shard in &stream.after {
            let id = shard.shard;
            let totals = ShardTotals::of(id, &of(&run, id), &of(&window, id));
            rows.push(shard_row(outcome, name.as_str(), stream, shard, totals));
        }
        let written = is_written(outcome, name.as_str());
        add_even_parts(&mut rows[begin..], outcome, stream, first..=last, written);
    }
    rows
}

/// Notes in the rows of a stream that was resharded in the window, whose intervals are `window`, what would have been even.
fn add_even_parts(
    rows: &mut [ShardRow],
    outcome: &Outcome,
    stream: &StreamOutcome,
    window: std::ops::RangeInclusive<u64>,
    written: bool,
) {
    let (warm_up_s, measure_s) = (outcome.warm_up.as_secs_f64(), outcome.measure.as_secs_f64());
    let open: Vec<_> = rows
        .iter()
        .map(|row| row.open_between(warm_up_s, measure_s))
        .collect();
    let whole = (warm_up_s, warm_up_s + measure_s);
    if open.iter().all(|open| *open == whole) || outcome.measure.is_zero() {
        return;
    }
    let length_s = outcome.clock.length().as_secs_f64();
    let intervals = stream.intervals.rows();
    let intervals = intervals.filter(|interval| window.contains(&interval.index));
    let spans: Vec<_> = intervals
        .map(|interval| {
            let from_s = interval.index as f64 * length_s;
            let span = |load| LoadSpan {
                from_s: from_s.max(warm_up_s),
                until_s: (from_s + length_s).min(warm_up_s + measure_s),
                load,
            };
            let mut all = ShardCounters::default();
            for counters in interval.shards().values() {
                all.merge(counters);
            }
            if written {
                (span(all.window_offered), span(all.window_offered_bytes))
            } else {
                (span(all.delivered), span(all.delivered_bytes))
            }
        })
        .collect();
    let (records, bytes): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
    let (records, bytes) = (even_parts(&records, &open), even_parts(&bytes, &open));
    for (row, (records, bytes)) in rows.iter_mut().zip(records.into_iter().zip(bytes)) {
        row.even = Some(EvenPart { records, bytes });
    }
}

fn shard_row(
    outcome: &Outcome,
    stream_name: &str,
    stream: &StreamOutcome,
    shard: &ShardDescription,
    totals: ShardTotals,
) -> ShardRow {
    let existed = stream.before.iter().any(|old| old.shard == shard.shard);
    let parents = shard
        .parent
        .into_iter()
        .chain(shard.adjacent_parent)
        .filter(|_| !existed);
    let seen = stream.history.get(&shard.shard);
    let in_run = |at: Timestamp| at.signed_nanos_since(outcome.start) as f64 / 1e9;
    ShardRow {
        stream: stream_name.to_owned(),
        totals,
        parents: parents.map(|parent| parent.to_string()).collect(),
        opened_s: seen.filter(|_| !existed).map(|seen| in_run(seen.opened)),
        closed_s: seen.and_then(|seen| seen.closed).map(in_run),
        even: None,
    }
}

fn event_row(outcome: &Outcome, event: &run::EventOutcome) -> EventRow {
    let in_run = |at: Timestamp| at.since(outcome.start).as_secs_f64();
    EventRow {
        name: event.name.clone(),
        action: event.action.to_owned(),
        stream: event.stream.to_string(),
        planned_s: event.planned.as_secs_f64(),
        started_s: event.started.map(in_run),
        ended_s: event.ended.map(in_run),
        status: match event.status {
            run::EventStatus::Done => EventStatus::Done,
            run::EventStatus::Skipped | run::EventStatus::Unsupported => EventStatus::Skipped,
            run::EventStatus::Failed => EventStatus::Failed,
        },
        detail: event.detail.clone(),
        effect: None,
    }
}

fn instrument(outcome: &Outcome) -> Instrument {
    let gaps = outcome
        .producers
        .values()
        .map(|producer| producer.longest_gap);
    let loads = outcome.calls.loads.values();
    let gaps = gaps.chain(loads.map(|load| load.report.longest_gap));
    let gap = gaps.chain(outcome.heartbeat_gap).max().unwrap_or_default();
    let started = Utc::from_nanosecond(i128::from(outcome.start.as_nanos())).unwrap_or_default();
    Instrument {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: started.to_string(),
        warm_up_s: outcome.warm_up.as_secs_f64(),
        measure_s: outcome.measure.as_secs_f64(),
        drain_s: outcome.drain.as_secs_f64(),
        interval_s: outcome.clock.length().as_secs_f64(),
        interrupted: outcome.interrupted,
        pacer_gap_us_max: gap.as_micros() as u64,
        host_cpu_share: cpu(outcome).map(|cpu| cpu.busy),
        cpu_steal_share: cpu(outcome).map(|cpu| cpu.stolen),
        process_cpu_share: outcome.own_use.and_then(|own| own.process_cpu),
        sender_wait_share: outcome.own_use.and_then(|own| own.sender_wait),
        major_page_faults: outcome.own_use.and_then(|own| own.major_faults),
        clock_step_ns: outcome.own_use.map(|own| own.clock.step_ns),
        clock_read_ns: outcome.own_use.map(|own| own.clock.read_ns),
        clock_offset_ms: outcome
            .host
            .as_ref()
            .and_then(|host| host.clock_offset_ns)
            .map(|(low, high)| [low as f64 / 1e6, high as f64 / 1e6]),
        clocks_apart_ms_max: None,
    }
}
