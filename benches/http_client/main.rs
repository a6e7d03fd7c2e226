//! What a call costs the client in CPU time, by the SDK and by the lean client in each dialect, against our server in
//! another process. Goals of the lean client: 25 us for a PutRecord of 100 B, 320 us for a PutRecords of 500 x 100 B.
//!
//! `cargo bench --bench http_client` measures each client twice, there and back again in their order, on one thread; then
//! puts a million records by each and reads them back, which must give the same account. Without `--bench` (in `cargo
//! test`) the same is done with little.

mod account;
mod server;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rustix::time::{ClockId, clock_gettime};
use streamgauge::kinesis::PutBatch;
use streamgauge::kinesis::operation::{CreateStream, PutApi};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::scenario::targets::TargetSpec;
use streamgauge::target::lean::{Dialect, Lean, Protocol};
use streamgauge::target::{Target, sdk};
use streamgauge::wire::Codec;

use server::Server;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The stream that costs are measured on, and its shards.
const STREAM: &str = "writes";
const SHARDS: u32 = 32;

/// One kind of call.
struct Case {
    name: &'static str,
    api: PutApi,
    records: usize,
    /// Calls under way at a time.
    in_flight: usize,
    calls: usize,
}

const CASES: [Case; 3] = [
    Case {
        name: "PutRecord 100 B",
        api: PutApi::PutRecord,
        records: 1,
        in_flight: 64,
        calls: 64_000,
    },
    Case {
        name: "PutRecord 100 B, one by one",
        api: PutApi::PutRecord,
        records: 1,
        in_flight: 1,
        calls: 8_000,
    },
    Case {
        name: "PutRecords 500 x 100 B",
        api: PutApi::PutRecords,
        records: 500,
        in_flight: 8,
        calls: 3_200,
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_small = !arguments.iter().any(|argument| argument == "--bench");
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let clients = clients(&server.url).await;
        make(&clients[0].1, STREAM).await;
        for case in &CASES {
            if wanted.iter().all(|word| case.name.contains(word.as_str())) {
                measure(case, &clients, is_small).await;
            }
        }
        let batches = if is_small { 4 } else { 2_000 };
        account::compare(&clients, batches).await;
    });
}

/// Every client of a place, by its name on the command line.
async fn clients(url: &str) -> Vec<(&'static str, Target)> {
    let spec = TargetSpec::endpoint(url).expect("a URL");
    let sdk = Arc::new(sdk::connect(&spec).await.expect("no account is needed"));
    let mut clients = vec![("sdk", Target::Sdk(Arc::clone(&sdk)))];
    for (name, codec, protocol) in [
        ("lean", Codec::Json, Protocol::Http1),
        ("lean-cbor", Codec::Cbor, Protocol::Http1),
        ("lean-h2", Codec::Json, Protocol::Http2),
        ("lean-cbor-h2", Codec::Cbor, Protocol::Http2),
    ] {
        let lean = Lean::connect(Arc::clone(&sdk), Dialect { codec, protocol }).await;
        let lean = lean.expect("no account is needed");
        clients.push((name, Target::Lean(Arc::new(lean))));
    }
    clients
}

/// Makes a stream.
async fn make(target: &Target, stream: &str) {
    let request = CreateStream {
        stream: stream.parse().expect("a name"),
        shards: SHARDS,
        max_record_bytes: 1 << 20,
    };
    let made = target.create_stream(&request, 24).await;
    made.expect("it is made");
}

/// There and back again: what drifts on the machine meets all alike.
async fn measure(case: &Case, clients: &[(&'static str, Target)], is_small: bool) {
    let calls = if is_small { case.in_flight } else { case.calls };
    let mut cpu_us = vec![0.0; clients.len()];
    let (there, back) = (0..clients.len(), (0..clients.len()).rev());
    for index in there.chain(back) {
        let target = &clients[index].1;
        drive(case, target, case.in_flight).await;
        let before = cpu();
        drive(case, target, calls).await;
        cpu_us[index] += cpu().saturating_sub(before).as_secs_f64() * 1e6 / calls as f64 / 2.0;
    }
    for ((name, _), cpu_us) in clients.iter().zip(cpu_us) {
        println!(
            "{:<30} {name:<14} {cpu_us:>8.1} us of CPU a call",
            case.name
        );
    }
}

/// Makes so many calls, each of which must succeed.
async fn drive(case: &Case, target: &Target, calls: usize) {
    let worker = async |worker: usize| {
        let batch = batch(case.records, worker);
        let mut results = Vec::new();
        for _ in 0..calls / case.in_flight {
            let put = target.put(case.api, STREAM, &batch, &mut results).await;
            put.expect("it is answered");
            assert!(results.len() == case.records && results.iter().all(Result::is_ok));
        }
    };
    join_all((0..case.in_flight).map(worker)).await;
}

/// Records of 100 B under keys of their own.
fn batch(records: usize, number: usize) -> PutBatch {
    let mut batch = PutBatch::new();
    for record in 0..records {
        batch.push(PutEntry {
            partition_key: &format!("key-{}", number * records + record),
            data: &[record as u8; 100],
            explicit_hash_key: None,
        });
    }
    batch
}

/// CPU time that all threads of this process have taken.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
