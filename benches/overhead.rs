//! What a record costs the generator, in nanoseconds of processor time: step by step, and the whole way into a target that
//! stores nothing.
//!
//! One thread, records of 1 KiB in requests of 500, keys of 10,000. No time is asserted: only that every record that was
//! made was handed over and settled once. `cargo bench --bench overhead` prints the table; without `--bench` it is a test,
//! and small.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use streamgauge::base::{Clock, Timestamp, rng};
use streamgauge::host::{Host, Settings};
use streamgauge::kinesis::operation::{ShardDescription, Stored};
use streamgauge::kinesis::{Delays, HashKeyRange, Limits, PutBatch, SequenceNumber, ShardId};
use streamgauge::measure::progress::Progress;
use streamgauge::measure::tips::Tips;
use streamgauge::measure::{
    Integrity, IntervalClock, IntervalSink, LatencyHistogram, PartId, Phase, Recorder, Resolution,
    WorkerKey,
};
use streamgauge::producer::{Router, Worker, WorkerContext};
use streamgauge::scenario::model::{Producer, StampPlace};
use streamgauge::scenario::{Scenario, Source, load};
use streamgauge::target::{Script, Scripted, Target};
use streamgauge::workload::{
    KeyGenerator, KeyHashes, Own, RecordPlan, RecordSource, SizeGenerator, Stamp, payload_pool,
    schedule,
};
use tokio::sync::watch;

const SEED: u64 = 7;
const KEY: WorkerKey = WorkerKey {
    producer: 0,
    worker: 0,
};
const BATCH: usize = 500;

fn first_shard() -> ShardId {
    ShardId::new(0).expect("the first shard")
}

fn scenario(arrival: &str, api: &str, load_ms: u64) -> Scenario {
    let text = format!(
        r#"
schema = 1
name = "overhead"
time = {{ warm_up = "0s", measure = "{load_ms}ms", drain = "5s" }}
[streams.orders]
shards = 1
[producers.web]
arrival = {arrival}
keys = {{ kind = "uniform", population = 10_000 }}
size = {{ kind = "fixed", bytes = "1KiB" }}
send = {{ api = "{api}", linger = "1ms" }}
"#
    );
    let source = Source {
        path: "overhead.toml".to_owned(),
        text,
    };
    let loaded = load(&source, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    loaded.scenario
}

/// Processor time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn cpu_since(before: Duration) -> Duration {
    cpu().saturating_sub(before)
}

/// Runs `work`, which treats as many records as it says, and prints what one cost.
fn step(name: &str, work: impl FnOnce() -> u64) -> f64 {
    let before = cpu();
    let records = work();
    let ns = cpu_since(before).as_nanos() as f64 / records as f64;
    println!("overhead/{name}: {ns:.1} ns");
    ns
}

fn plans(producer: &Producer, records: u64) -> (RecordSource, Vec<RecordPlan>) {
    let mut source = RecordSource::with_pool(SEED, producer, 0, payload_pool(SEED, producer));
    let plans = (0..records).map(|_| source.next()).collect();
    (source, plans)
}

fn render(source: &RecordSource, plans: &[RecordPlan]) -> u64 {
    let mut batch = PutBatch::new();
    for plans in plans.chunks(BATCH) {
        batch.clear();
        for plan in plans {
            let stamp = Stamp {
                run: 1,
                producer: 0,
                worker: 0,
                sequence: plan.sequence,
                lane_sequence: 0,
                intended: Timestamp::from_secs(1),
            };
            source.render(plan, &stamp, &mut batch);
        }
        assert_eq!(batch.len(), plans.len());
        black_box(&batch);
    }
    plans.len() as u64
}

fn steps(records: u64) {
    let paced = scenario(
        r#"{ kind = "poisson", rate = "1000000/s" }"#,
        "put-records",
        1_000,
    );
    let producer = &paced.producers["web"];
    let rng = |purpose| rng::generator(SEED, "producers.web", 0, purpose);

    step("schedule (Poisson)", || {
        let load = Duration::from_secs_f64(records as f64 / 1e6);
        let times = schedule(SEED, producer, 0, load).expect("it has a rate");
        times.map(black_box).count() as u64
    });
    let mut keys = KeyGenerator::new(&producer.keys, 0, 1, rng("keys"));
    let mut hashes = KeyHashes::for_keys(&producer.keys);
    step("key and its place", || {
        for _ in 0..records {
            black_box(hashes.get(keys.next()));
        }
        records
    });
    let mut sizes = SizeGenerator::new(&producer.size, 0, 1, rng("sizes"));
    step("size", || {
        for _ in 0..records {
            black_box(sizes.next());
        }
        records
    });
    let (mut source, plans) = plans(producer, records);
    step("plan (key, place, size, payload's place)", || {
        for _ in 0..records {
            black_box(source.next());
        }
        records
    });
    let mut unstamped = producer.clone();
    unstamped.payload.stamp = StampPlace::None;
    let pool = payload_pool(SEED, &unstamped);
    let bare = RecordSource::with_pool(SEED, &unstamped, 0, pool);
    // Once for the memory: the first touch of it is not the record's.
    render(&source, &plans[..plans.len().min(BATCH)]);
    let plain = step("render 1 KiB into a batch", || render(&bare, &plans));
    let stamped = step("render, stamp and CRC", || render(&source, &plans));
    println!("overhead/of that stamp and CRC: {:.1} ns", stamped - plain);
    let mut histogram = LatencyHistogram::new();
    step("histogram, one latency", || {
        (0..records as i64).for_each(|at| histogram.record_nanos(black_box(at * 37 % 5_000_000)));
        histogram.count()
    });
    let integrity = Integrity::new(1, &[KEY], 0);
    let mut resolutions = Vec::with_capacity(BATCH);
    step("settle in the account", || {
        for from in (0..records).step_by(BATCH) {
            resolutions.clear();
            resolutions.extend((from..records.min(from + BATCH as u64)).map(|sequence| {
                let stored = Stored {
                    shard: first_shard(),
                    sequence_number: SequenceNumber::default(),
                };
                Resolution {
                    sequence,
                    phase: Phase::Measure,
                    acked: Some(stored),
                    any_unknown_attempt: false,
                    retried: false,
                }
            }));
            integrity.resolve(KEY, &resolutions);
        }
        records
    });
    assert_eq!(integrity.snapshot().workers[0].sequences, records);
}

/// A worker sends as fast as it can into a target that stores nothing, on this thread, and prints what a record cost and
/// how many a second that is.
fn whole(api: &str, load_ms: u64) {
    let arrival = r#"{ kind = "closed", outstanding = 16_000 }"#;
    let scenario = scenario(arrival, api, load_ms);
    let producer = &scenario.producers["web"];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let report = runtime.block_on(async {
        let clock = Clock::real();
        let settings = Settings {
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            limits: Limits::off(),
            max_memory_bytes: 1 << 20,
        };
        let host = Host::new(settings, Delays::none(), clock, SEED);
        let script = Script {
            swallow: true,
            ..Script::default()
        };
        let shard = ShardDescription {
            shard: first_shard(),
            parent: None,
            adjacent_parent: None,
            hash_key_range: HashKeyRange::FULL,
            starting_sequence_number: SequenceNumber::default(),
            ending_sequence_number: None,
        };
        let start = clock.now();
        let (_cancel, cancel) = watch::channel(false);
        let context = WorkerContext {
            clock,
            target: Target::Scripted(Arc::new(Scripted::new(host, script, SEED))),
            producer: Arc::new(producer.clone()),
            payload: payload_pool(SEED, producer),
            key: KEY,
            own: Own::ALL,
            run: 1,
            seed: SEED,
            start,
            time: scenario.time,
            router: Arc::new(Router::new(&[shard], start)),
            tips: Arc::new(Tips::default()),
            meters: None,
            integrity: Some(Arc::new(Integrity::new(1, &[KEY], 0))),
            progress: Arc::new(Progress::default()),
            cancel,
            calls: None,
        };
        let (sink, _source) = IntervalSink::channel();
        let intervals = IntervalClock::new(start, Duration::from_secs(1));
        let worker = Worker::new(context, Recorder::new(PartId::Producer(0), intervals, sink));
        let (before, began) = (cpu(), clock.now());
        let report = worker.run().await;
        let (cpu, wall) = (cpu_since(before), clock.now().since(began));
        let acked = report.ledgers[Phase::Measure as usize].acked as f64;
        println!(
            "overhead/whole, {api}: {:.1} ns, {:.2} M records of 1 KiB per second of processor time, {:.2} M per second",
            cpu.as_nanos() as f64 / acked,
            acked / cpu.as_secs_f64() / 1e6,
            acked / wall.as_secs_f64() / 1e6,
        );
        report
    });
    let [warm_up, measure] = report.ledgers;
    assert!(warm_up.balances() && measure.balances());
    assert!(measure.acked > 0);
    assert_eq!(measure.acked, measure.intended);
}

fn main() {
    let is_bench = std::env::args().any(|word| word == "--bench");
    let (records, load_ms, rounds) = if is_bench {
        (2_000_000, 2_000, 3)
    } else {
        (20_000, 100, 1)
    };
    for _ in 0..rounds {
        steps(records);
        whole("put-records", load_ms);
        whole("put-record", load_ms);
    }
}
