//! The program under siege: hostile clients of every kind at once, while a good one is served without an error and the
//! server's memory stays below its bound. Figures are printed: `cargo test --test siege -- --nocapture`.

mod attackers;
#[path = "../server/program.rs"]
#[expect(dead_code, reason = "the server's own tests use the rest")]
mod program;
#[path = "../server/support.rs"]
#[expect(dead_code, reason = "the server's own tests use the rest")]
mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use streamgauge::base::Clock;
use tokio::net::TcpStream;

use attackers::Siege;
use program::Program;
use support::Served;

const MIB: u64 = 1 << 20;
/// What the server promises: records, bodies, answers, and for each connection what its buffers take.
const RECORDS: u64 = 64 * MIB;
const BODIES: u64 = 256 * MIB;
const ANSWERS: u64 = 256 * MIB;
const PER_CONNECTION: u64 = 16 << 10;
/// The program, its threads, what the allocator keeps, and answers while they are written.
const BASE: u64 = 192 * MIB;

const IDLE_WANTED: usize = 10_000;
/// Files that the test needs beside the idle connections.
const OTHER_FILES: u64 = 1_000;

fn idle_possible() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = files.map_or(IDLE_WANTED, |files| {
        files.saturating_sub(OTHER_FILES) as usize
    });
    files.min(IDLE_WANTED)
}

async fn idle(address: SocketAddr) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..idle_possible() {
        match TcpStream::connect(address).await {
            Ok(stream) => open.push(stream),
            Err(_) => break,
        }
    }
    open
}

/// A good client: puts, reads and asks, and wants every answer to be right.
async fn good_rounds(server: &Served, rounds: usize) -> Duration {
    let clock = Clock::real();
    let mut longest = Duration::ZERO;
    let body =
        r#"{"StreamName":"good","ShardId":"shardId-000000000000","ShardIteratorType":"LATEST"}"#;
    let found = server.done("GetShardIterator", body).await;
    let mut iterator = found.str("ShardIterator").expect("an iterator").to_owned();
    for round in 0..rounds {
        let begun = clock.now();
        let data = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("{round:>2000}"),
        );
        let put = format!(r#"{{"StreamName":"good","PartitionKey":"k","Data":"{data}"}}"#);
        server.done("PutRecord", &put).await;
        let page = server
            .done(
                "GetRecords",
                &format!(r#"{{"ShardIterator":"{iterator}"}}"#),
            )
            .await;
        assert_eq!(page.list("Records").len(), 1, "its record is there at once");
        page.str("NextShardIterator")
            .expect("an open shard")
            .clone_into(&mut iterator);
        server
            .done("DescribeStreamSummary", r#"{"StreamName":"good"}"#)
            .await;
        longest = longest.max(clock.now().since(begun));
    }
    longest
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(test);
}

fn shown(bytes: u64) -> String {
    format!("{} MiB", bytes / MIB)
}

#[test]
fn under_siege_a_good_client_is_served_and_memory_stays_below_its_bound() {
    run(async {
        let memory = RECORDS.to_string();
        let program = Program::start(&[
            "--limits",
            "off",
            "--max-memory",
            &format!("{memory}B"),
            "--log",
            "off",
        ])
        .await;
        let server = program.served();
        for name in ["good", "big"] {
            let create = format!(r#"{{"StreamName":"{name}","ShardCount":1}}"#);
            server.done("CreateStream", &create).await;
        }
        println!("at the start: {}", shown(program.memory("VmRSS")));

        let before = program.memory("VmRSS");
        let idle = idle(program.address()).await;
        good_rounds(&server, 1).await;
        let per_connection = (program.memory("VmRSS") - before) / idle.len().max(1) as u64;
        println!(
            "idle connections: {} of {IDLE_WANTED}, {per_connection} bytes of memory each",
            idle.len()
        );
        assert!(idle.len() >= idle_possible().min(500));

        let siege = Siege::begin(program.address()).await;
        let longest = good_rounds(&server, 20).await;
        // The attacks go on until each of them was made.
        let clock = Clock::real();
        while siege.missing().is_some() {
            good_rounds(&server, 5).await;
            clock.sleep(Duration::from_millis(100)).await;
        }
        println!("{}", siege.figures());
        println!("the good client's longest round of three calls: {longest:?}");
        drop(siege);
        good_rounds(&server, 1).await;

        let peak = program.memory("VmHWM");
        let bound = BASE + RECORDS + BODIES + ANSWERS + PER_CONNECTION * idle.len() as u64;
        println!(
            "memory: peak {}, after {}, bound {}",
            shown(peak),
            shown(program.memory("VmRSS")),
            shown(bound)
        );
        assert!(peak < bound, "{} of {}", shown(peak), shown(bound));
    });
}

#[test]
fn many_accounts_hold_no_more_together_than_one_may_and_a_small_one_keeps_its_records() {
    const ACCOUNTS: u64 = 40;
    const PUTS: u64 = 12;
    const HANDS: u64 = 4;
    run(async {
        let memory = format!("{RECORDS}B");
        let arguments = ["--limits", "off", "--max-memory", &memory, "--log", "off"];
        let program = Program::start(&arguments).await;
        let server = program.served();
        let create = r#"{"StreamName":"good","ShardCount":1}"#;
        server.done("CreateStream", create).await;
        let mut hands = Vec::new();
        for hand in 0..HANDS {
            let server = Served::at(program.address());
            hands.push(tokio::spawn(async move {
                let data = "A".repeat(1 << 20);
                let put = format!(r#"{{"StreamName":"big","PartitionKey":"k","Data":"{data}"}}"#);
                for number in (hand..ACCOUNTS).step_by(HANDS as usize) {
                    let account = format!("1{number:011}");
                    let create = r#"{"StreamName":"big","ShardCount":1}"#;
                    let made = server.call_as(&account, "CreateStream", create).await;
                    assert_eq!(made.status, 200, "{}", made.text());
                    for _ in 0..PUTS {
                        let done = server.call_as(&account, "PutRecord", &put).await;
                        assert_eq!(done.status, 200, "{}", done.text());
                    }
                }
            }));
        }
        let rounds = 20;
        good_rounds(&server, rounds).await;
        for hand in hands {
            hand.await.expect("it does not panic");
        }
        let body = r#"{"StreamName":"good","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"}"#;
        let found = server.done("GetShardIterator", body).await;
        let iterator = found.str("ShardIterator").expect("an iterator");
        let read = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
        let page = server.done("GetRecords", &read).await;
        assert_eq!(page.list("Records").len(), rounds);
        let page = server.send("GET", "/metrics", &[], "").await.text();
        let held = page
            .lines()
            .filter(|line| line.starts_with("streamgauge_stored_bytes{"))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
        let held: u64 = held.sum();
        let peak = program.memory("VmHWM");
        println!(
            "put by {ACCOUNTS} accounts: {}, held: {}, memory's peak: {}",
            shown(ACCOUNTS * PUTS * MIB * 3 / 4),
            shown(held),
            shown(peak)
        );
        assert!(held <= RECORDS, "{}", shown(held));
        assert!(peak < BASE + RECORDS, "{}", shown(peak));
    });
}

#[test]
fn garbage_on_the_encrypted_port_costs_little_and_harms_nobody() {
    run(async {
        let program = Program::start(&["--tls", "self-signed", "--log", "off"]).await;
        let before = program.memory("VmHWM");
        let count = Arc::new(AtomicU64::new(0));
        let mut hands = Vec::new();
        for seed in 0..8 {
            let (address, count) = (program.address(), Arc::clone(&count));
            hands.push(tokio::spawn(async move {
                for round in 0..200 {
                    attackers::garbage_once(address, seed * 1_000 + round, b"\x16\x03\x01").await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        // Who shakes no hands at all.
        let mut silent = Vec::new();
        for _ in 0..500 {
            silent.push(
                TcpStream::connect(program.address())
                    .await
                    .expect("it listens"),
            );
        }
        for hand in hands {
            hand.await.expect("it does not panic");
        }
        let grown = program.memory("VmHWM") - before;
        println!(
            "garbage handshakes: {}, silent ones: {}, memory grew by {}",
            count.load(Ordering::Relaxed),
            silent.len(),
            shown(grown)
        );
        assert!(grown < 128 * MIB, "{}", shown(grown));
    });
}
