//! What happened to every record of a run, and what a host writes that saw a part of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::consumer::ConsumerReport;
use streamgauge::kinesis::operation::{ShardDescription, Stored};
use streamgauge::kinesis::sequence::SequenceParts;
use streamgauge::kinesis::{Cause, HashKeyRange, SequenceNumber, ShardId};
use streamgauge::measure::Outcome as End;
use streamgauge::measure::integrity::{Integrity, WorkerKey, write_book};
use streamgauge::measure::ledger::NotSentCause;
use streamgauge::measure::waits::Waits;
use streamgauge::measure::{
    Basis, Collector, Delivery, IntervalClock, IntervalSink, LatencyKind, PartId, Phase,
    ProducerLedger, Recorder, Resolution, ThrottleTable,
};
use streamgauge::report::build::{self, Inputs};
use streamgauge::report::results::{self, Results};
use streamgauge::report::{Folder, World, worker};
use streamgauge::run::{
    CallsOutcomes, ConsumerOutcome, HostOutcome, Outcome, ProducerOutcome, StreamOutcome,
    TargetOutcome,
};
use streamgauge::scenario::{Loaded, Source, load};
use streamgauge::workload::{Own, Portion};

/// The run's number in stamps.
pub(crate) const RUN: u32 = 0x0bad_cafe;

/// When warm-up begins.
pub(crate) const START: Timestamp = Timestamp::from_secs(1_795_435_200);

/// Two producers with two workers each, one of them bound to whole workers, and two consumers of one stream.
pub(crate) fn scenario() -> Loaded {
    let text = r#"
schema = 1
name = "several"
seed = 5
time = { warm_up = "1s", measure = "3s", drain = "5s" }

[streams.orders]
shards = 3

[producers.app]
keys = { kind = "uniform", population = 100 }
size = { kind = "fixed", bytes = "100B" }
workers = 2
arrival = { kind = "poisson", rate = "1000/s" }
send = { ordering = "per-key" }

[producers.web]
keys = { kind = "uniform", population = 100 }
size = { kind = "fixed", bytes = "100B" }
workers = 2
arrival = { kind = "poisson", rate = "1000/s" }

[consumers.audit]
kind = "polling"

[consumers.billing]
kind = "polling"

[slo]
fresh = { metric = "consumers.billing.end_to_end.p50", max = "10s" }
kept = { metric = "consumers.audit.lost", max = 1_000_000 }
"#;
    let source = Source {
        path: "several.toml".to_owned(),
        text: text.to_owned(),
    };
    load(&source, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Numbers that look random and repeat.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

/// Everything that happened to one record.
#[derive(Clone, Debug)]
struct Fate {
    producer: u16,
    worker: u16,
    sequence: u64,
    intended: Timestamp,
    /// How late it was released, sent and answered, each after the one before.
    waits_us: [u64; 3],
    shard: ShardId,
    number: SequenceNumber,
    refused: u64,
    outcome: End,
    unknown_attempt: bool,
    bytes: u64,
    /// By consumer: how long after the answer each delivery came, in microseconds; below zero where clocks differ.
    given_us: [Vec<i64>; 2],
}

/// The fates of all records of a run, in the order of their intended times.
fn fates() -> Vec<Fate> {
    let mut draws = Draws(0x9e37_79b9_7f4a_7c15);
    let mut fates = Vec::new();
    for (producer, worker) in [(0u16, 0u16), (0, 1), (1, 0), (1, 1)] {
        let mut at_us = u64::from(worker) * 137;
        for sequence in 0..2_000u64 {
            at_us += draws.below(4_000);
            let shard = ShardId::new(draws.below(3) as u32).expect("a small number");
            let parts = SequenceParts {
                shard_created_s: START.as_secs() - 100,
                shard,
                counter: sequence * 4 + u64::from(producer) * 2 + u64::from(worker),
                time_s: START.as_secs() + at_us / 1_000_000,
            };
            let outcome = match draws.below(20) {
                0 => End::Throttled,
                1 => End::Unknown,
                2 => End::NotSent(NotSentCause::TimeUp),
                3 => End::Failed,
                _ => End::Acked,
            };
            let stored = matches!(outcome, End::Acked | End::Unknown);
            let mut deliveries = || -> Vec<i64> {
                let times = if stored {
                    [0, 2].get(draws.below(30) as usize).copied().unwrap_or(1)
                } else {
                    0
                };
                (0..times)
                    .map(|_| draws.below(900_000) as i64 - 300)
                    .collect()
            };
            let given_us = [deliveries(), deliveries()];
            fates.push(Fate {
                producer,
                worker,
                sequence,
                intended: START.plus(Duration::from_micros(at_us)),
                waits_us: [draws.below(900), draws.below(60_000), draws.below(40_000)],
                shard,
                number: parts.encode(),
                refused: draws.below(3),
                outcome,
                unknown_attempt: draws.below(9) == 0,
                bytes: 40 + draws.below(2_000),
                given_us,
            });
        }
    }
    fates.sort_by_key(|fate| (fate.intended, fate.producer, fate.worker));
    fates
}

fn phase(intended: Timestamp) -> Phase {
    if intended < START.plus(Duration::from_secs(1)) {
        Phase::WarmUp
    } else {
        Phase::Measure
    }
}

/// One host's instruments.
struct Saw {
    recorders: [Recorder; 2],
    ledgers: [[ProducerLedger; 2]; 2],
    throttles: [ThrottleTable; 2],
    integrity: Integrity,
    readers: Vec<(usize, Recorder, u64)>,
}

impl Saw {
    /// A producer's side of a record's fate.
    fn sent(&mut self, fate: &Fate) {
        let producer = usize::from(fate.producer);
        let phase = phase(fate.intended);
        let ledger = &mut self.ledgers[producer][phase as usize];
        let recorder = &mut self.recorders[producer];
        let ready = fate.intended.plus(Duration::from_micros(fate.waits_us[0]));
        let send = ready.plus(Duration::from_micros(fate.waits_us[1]));
        let ack = send.plus(Duration::from_micros(fate.waits_us[2]));
        ledger.intend(1);
        let attempts = match fate.outcome {
            End::NotSent(_) => 0,
            _ => 1 + fate.refused as u32,
        };
        ledger.add(fate.outcome, attempts);
        let mut latency = |at, kind, nanos| recorder.latency(at, phase, kind, nanos);
        latency(
            ready,
            LatencyKind::Lateness,
            ready.signed_nanos_since(fate.intended),
        );
        if attempts > 0 {
            latency(send, LatencyKind::BatchWait, send.signed_nanos_since(ready));
            latency(ack, LatencyKind::ServiceTime, ack.signed_nanos_since(send));
        }
        let response = ack.signed_nanos_since(fate.intended);
        if fate.outcome == End::Acked {
            latency(ack, LatencyKind::ResponseTime, response);
        } else if attempts > 0 {
            latency(ack, LatencyKind::TimeToGiveUp, response);
        }
        let counters = recorder.shard(ready, fate.shard);
        counters.offered += 1;
        counters.offered_bytes += fate.bytes;
        let counters = recorder.shard(ack, fate.shard);
        counters.sent += u64::from(attempts);
        if fate.outcome == End::Acked {
            counters.acked += 1;
            counters.acked_bytes += fate.bytes;
            counters.saw_response_us(response as u64 / 1_000);
            ledger.acked_bytes += fate.bytes;
        }
        if attempts > 1 {
            let refused = u64::from(attempts) - 1;
            counters.refuse(Cause::WriteBytes, refused, fate.bytes);
            ledger.rejected_attempts += refused;
            if phase == Phase::Measure {
                let shard = Some(fate.shard);
                let table = &mut self.throttles[producer];
                table.add(
                    "PutRecords",
                    shard,
                    Cause::WriteBytes,
                    Basis::Inferred,
                    refused,
                );
            }
        }
        self.resolve(fate, true);
    }

    fn resolve(&self, fate: &Fate, own: bool) {
        let acked = own && fate.outcome == End::Acked;
        let resolution = Resolution {
            sequence: fate.sequence,
            phase: phase(fate.intended),
            acked: acked.then_some(Stored {
                shard: fate.shard,
                sequence_number: fate.number,
            }),
            any_unknown_attempt: own && fate.unknown_attempt,
            retried: false,
        };
        let key = WorkerKey {
            producer: fate.producer,
            worker: fate.worker,
        };
        self.integrity.resolve(key, &[resolution]);
    }

    /// The consumers' side.
    fn read(&mut self, fate: &Fate) {
        let waits: u64 = fate.waits_us.iter().sum();
        let arrival = fate.intended.plus(Duration::from_micros(waits));
        let phase = phase(fate.intended);
        let mut classes = Vec::new();
        for (account, (consumer, recorder, deliveries)) in self.readers.iter_mut().enumerate() {
            for (again, &after_us) in fate.given_us[*consumer].iter().enumerate() {
                let at = arrival.as_nanos().saturating_add_signed(after_us * 1_000);
                let at = Timestamp::from_nanos(at);
                let delivery = Delivery {
                    key: WorkerKey {
                        producer: fate.producer,
                        worker: fate.worker,
                    },
                    sequence: fate.sequence,
                    lane: (fate.sequence % 7) as u16,
                    lane_sequence: fate.sequence as u32,
                    shard: fate.shard,
                    sequence_number: fate.number,
                    sub_sequence: 0,
                    phase,
                };
                self.integrity.deliver(account, &[delivery], &mut classes);
                self.integrity.position(account, fate.shard, fate.number);
                let delay = at.signed_nanos_since(arrival);
                recorder.latency(at, phase, LatencyKind::DeliveryDelay, delay);
                if again == 0 {
                    let whole = at.signed_nanos_since(fate.intended);
                    recorder.latency(at, phase, LatencyKind::EndToEnd, whole);
                }
                let counters = recorder.shard(at, fate.shard);
                counters.delivered += 1;
                counters.delivered_bytes += fate.bytes;
                counters.saw_lag_ms(delay.unsigned_abs() / 1_000_000);
                *deliveries += 1;
            }
        }
    }
}

/// What a host comes to that has this part of the run; nothing said of hosts where it is all of it.
pub(crate) fn outcome(loaded: &Loaded, portion: Option<Portion>) -> Outcome {
    let part = portion.unwrap_or(Portion::WHOLE);
    let names = ["audit", "billing"];
    let read: Vec<_> = (0..2).filter(|&number| part.reads(number as u32)).collect();
    let keys: Vec<_> = (0..4u16)
        .map(|number| WorkerKey {
            producer: number / 2,
            worker: number % 2,
        })
        .collect();
    let (sink, source) = IntervalSink::channel();
    let clock = IntervalClock::new(START, Duration::from_secs(1));
    let recorder = |part| Recorder::new(part, clock, sink.clone());
    let mut saw = Saw {
        recorders: [0, 1].map(|number| recorder(PartId::Producer(number))),
        ledgers: Default::default(),
        throttles: Default::default(),
        integrity: Integrity::new(RUN, &keys, read.len()).keeping_places(),
        readers: read
            .iter()
            .map(|&number| (number, recorder(PartId::Consumer(number as u16)), 0))
            .collect(),
    };
    let producers: Vec<_> = loaded.scenario.producers.values().collect();
    for fate in fates() {
        let producer = producers[usize::from(fate.producer)];
        let own = part.own(producer, u32::from(fate.worker));
        if own.is_some_and(|own| own.has(fate.sequence)) {
            saw.sent(&fate);
        } else if own.is_some_and(|own| own != Own::ALL) {
            saw.resolve(&fate, false);
        }
        saw.read(&fate);
    }
    let Saw {
        recorders,
        ledgers,
        throttles,
        integrity,
        readers,
    } = saw;
    let stream = producers[0].stream.clone();
    let produced = producers.iter().zip(
        recorders
            .into_iter()
            .zip(ledgers.into_iter().zip(throttles)),
    );
    let produced = produced.map(|(producer, (recorder, (ledgers, throttles)))| {
        let outcome = ProducerOutcome {
            stream: stream.clone(),
            workers: producer.workers,
            ledgers,
            totals: recorder.finish(),
            throttles,
            slot_waits: Waits::default(),
            rate_limit_waits: Waits::default(),
            order_waits: Waits::default(),
            longest_gap: Duration::from_micros(900),
            max_in_flight: 3,
            max_queued: 9,
            last_failure: None,
        };
        (producer.name.clone(), outcome)
    });
    let produced = produced.collect();
    let consumed = readers.into_iter().enumerate();
    let consumed: BTreeMap<_, _> = consumed
        .map(|(account, (number, recorder, deliveries))| {
            let outcome = ConsumerOutcome {
                stream: stream.clone(),
                kind: "polling",
                report: ConsumerReport {
                    totals: recorder.finish(),
                    throttles: ThrottleTable::new(),
                    calls: deliveries / 3,
                    events: None,
                    deliveries,
                    kinesis_records: deliveries,
                    last_failure: None,
                    watched: None,
                    at_tip: BTreeMap::new(),
                },
                covered_from: None,
                ledger: Some(integrity.finish(account, None)),
                seen_until: None,
                caught_up: true,
            };
            (names[number].to_owned(), outcome)
        })
        .collect();
    let mut intervals = Collector::new();
    source.arrived().for_each(|delta| intervals.add(delta));
    let shards: Vec<_> = HashKeyRange::initial(3)
        .into_iter()
        .zip(0..)
        .map(|(hash_key_range, number)| ShardDescription {
            shard: ShardId::new(number).expect("a small number"),
            parent: None,
            adjacent_parent: None,
            hash_key_range,
            starting_sequence_number: SequenceNumber::default(),
            ending_sequence_number: None,
        })
        .collect();
    Outcome {
        start: START,
        warm_up: Duration::from_secs(1),
        measure: Duration::from_secs(3),
        drain: Duration::from_secs(2),
        interrupted: false,
        clock,
        producers: produced,
        consumers: consumed,
        streams: BTreeMap::from([(
            stream,
            StreamOutcome {
                before: shards.clone(),
                after: shards,
                intervals,
                integrity: Arc::new(integrity),
                tips: Arc::default(),
                history: BTreeMap::new(),
            },
        )]),
        events: Vec::new(),
        heartbeat_gap: None,
        own_use: None,
        calls: CallsOutcomes::default(),
        target: TargetOutcome::default(),
        host: portion.map(|portion| HostOutcome {
            portion,
            run: RUN,
            clock_offset_ns: Some((-500_000, 1_500_000 + i64::from(portion.index()) * 1_000_000)),
            not_done: Vec::new(),
            stream_taken: false,
        }),
    }
}

/// Writes a host's results folder into `out`; gives its path.
pub(crate) fn written(out: &Path, loaded: &Loaded, outcome: &Outcome) -> PathBuf {
    let document = build::document(&Inputs {
        scenario: &loaded.scenario,
        text: &loaded.text,
        world: World::Endpoint,
        outcome,
        environment: None,
        target: None,
    });
    let scenario = &loaded.scenario;
    let names = results::file_names(
        scenario.producers.keys().map(String::as_str),
        scenario.consumers.keys().map(String::as_str),
    );
    let names = names.iter().map(String::as_str);
    let folder = Folder::open(out, START, "several", names).expect("there is room");
    let latencies = build::latencies(outcome);
    let results = Results {
        document: &document,
        intervals: build::interval_view(scenario, outcome),
        latencies: &latencies,
        command: "streamgauge run several.toml",
    };
    assert!(results.save(&folder).is_empty());
    assert!(worker::save(&folder, scenario, outcome, &latencies).is_empty());
    let accounts = outcome.streams.iter();
    let accounts = accounts.map(|(name, stream)| (name.as_str(), stream.integrity.snapshot()));
    folder
        .write(results::INTEGRITY, |out| write_book(out, accounts))
        .expect("there is room");
    folder.finish().expect("there is room")
}

/// The folders of all hosts of a run.
pub(crate) fn parts(out: &Path, loaded: &Loaded, of: u32) -> Vec<PathBuf> {
    let hosts = (0..of).filter_map(|index| Portion::new(index, of));
    let written = hosts.map(|portion| written(out, loaded, &outcome(loaded, Some(portion))));
    written.collect()
}
