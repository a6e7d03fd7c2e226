//! In its steady state the instrument allocates nothing for a record: not to draw it, to send it, to store it, to read it
//! back or to account for it. What is allocated is allocated per request, per page, per interval and per 65,536 records.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use streamgauge::base::{Clock, Timestamp, clock};
use streamgauge::host::{Host, Settings};
use streamgauge::measure::progress::Progress;
use streamgauge::run::{Controls, Outcome, Session};
use streamgauge::scenario::{Source, load};
use streamgauge::target::Target;
use tokio::sync::watch;

/// Counts what every thread asks for.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe to write; this one hands everything on to the system's"
)]
// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the memory came from `System`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the memory came from `System`.
        unsafe { System.realloc(memory, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Records a second.
const RATE: u64 = 100_000;

/// Seconds after which everything has been seen once: shards, kinds of latency, both open intervals, full queues.
const WARM_S: u64 = 3;

/// Seconds that are looked at.
const STEADY_S: u64 = 4;

fn outcome_of(seconds: u64, send: &str, consumers: &str) -> Outcome {
    let text = format!(
        r#"
schema = 1
name = "allocations"
time = {{ warm_up = "1s", measure = "{measured}s", drain = "5s" }}
[streams.orders]
shards = 4
[engine]
limits = "off"
max_memory = "64MiB"
[producers.web]
arrival = {{ kind = "poisson", rate = "{RATE}/s" }}
keys = {{ kind = "uniform", population = 10_000 }}
size = {{ kind = "fixed", bytes = "1KiB" }}
send = {send}
{consumers}
"#,
        measured = seconds - 1,
    );
    let source = Source {
        path: "allocations.toml".to_owned(),
        text,
    };
    let loaded = load(&source, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let scenario = loaded.scenario;
    let runtime = clock::virtual_runtime().expect("a runtime without sockets");
    runtime.block_on(async {
        let clock = Clock::virtual_from(Timestamp::from_secs(1_735_689_600));
        let settings = Settings {
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            limits: scenario.engine.limits.clone(),
            max_memory_bytes: scenario.engine.max_memory_bytes,
        };
        let host = Host::new(settings, scenario.engine.delays.clone(), clock, 1);
        let session = Session {
            scenario: scenario.clone(),
            run: 1,
            clock,
            trace: None,
            hosts: None,
            target: Target::Embedded(Arc::new(host)),
        };
        let (_cancel, cancel) = watch::channel(false);
        let (started, _begun) = watch::channel(None);
        let controls = Controls {
            cancel,
            progress: Arc::new(Progress::default()),
            started: Arc::new(started),
        };
        Box::pin(session.run(controls))
            .await
            .unwrap_or_else(|problem| panic!("{problem}"))
    })
}

/// Records acknowledged and allocations made by a run of so many seconds.
fn count(seconds: u64, send: &str, consumers: &str) -> (u64, u64) {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let outcome = outcome_of(seconds, send, consumers);
    let made = ALLOCATIONS.load(Ordering::Relaxed) - before;
    let ledgers = outcome.producers["web"].ledgers;
    let acked = ledgers.iter().map(|ledger| ledger.acked).sum();
    let delivered: u64 = outcome
        .consumers
        .values()
        .map(|consumer| consumer.report.deliveries)
        .sum();
    assert_eq!(delivered, acked * outcome.consumers.len() as u64);
    (acked, made)
}

/// Allocations per further record, once a run is warm.
fn per_record(what: &str, send: &str, consumers: &str) -> f64 {
    let (warm, warm_made) = count(WARM_S, send, consumers);
    let (whole, made) = count(WARM_S + STEADY_S, send, consumers);
    let (records, allocations) = (whole - warm, made - warm_made);
    let per_record = allocations as f64 / records as f64;
    println!("{what}: {allocations} allocations for {records} records, {per_record:.4} per record");
    per_record
}

// One test: the count is of the whole process.
#[test]
fn a_record_more_costs_no_allocation_on_the_embedded_path() {
    let consumer = "[consumers.billing]\nkind = \"polling\"\ninterval = \"250ms\"";
    let batches =
        r#"{ api = "put-records", max_records = 500, linger = "1s", max_in_flight = 32 }"#;
    let single = r#"{ api = "put-record", max_in_flight = 32 }"#;
    let sent = per_record("sent in requests of 500", batches, "");
    let alone = per_record("sent one by one", single, "");
    let read = per_record("sent in requests of 500 and read", batches, consumer);
    assert!(sent < 0.01, "{sent}");
    assert!(alone < 0.01, "{alone}");
    // A page, and the records of each block of 1,024 that are read last, cost some: one in fifty records at most.
    assert!(read < 0.02, "{read}");
}
