//! A long run takes the memory of a short one, and what its results folder says of each interval.

#[path = "../support/mod.rs"]
mod support;

use std::path::Path;

use support::{Ended, pause, program};

/// Steady after a minute: the engine's memory is full by then, the reader keeps up, and keys come again.
const SCENARIO: &str = r#"schema = 1
name = "soak"
time = { warm_up = "0s", measure = "1m" }

[streams.orders]
shards = 4

[engine]
max_memory = "24MiB"

[producers.web]
workers = 2
arrival = { kind = "poisson", rate = "160/s" }
keys = { kind = "zipf", population = 100_000, exponent = 1.0 }
size = { kind = "log-normal", median = "4KiB", sigma = 0.5, max = "100KiB" }

[consumers.billing]
kind = "polling"
interval = "1s"
"#;

/// What the counters of an hour's intervals may take, 3,600 of a second each with four shards; their latencies wait on the
/// disk.
const INTERVALS_KIB: u64 = 6 << 10;

/// The most memory that a simulation had, in KiB, and what it printed.
fn peak_kib(folder: &Path, measure: &str) -> (u64, Ended) {
    let scenario = folder.join("soak.toml");
    std::fs::write(&scenario, SCENARIO).expect("there is room");
    let mut child = program()
        .arg("simulate")
        .arg(&scenario)
        .args([
            "--quiet",
            "--set",
            &format!("time.measure={measure}"),
            "--out",
        ])
        .arg(folder.join("results"))
        .spawn()
        .expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("it is a child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        pause(std::time::Duration::from_millis(5));
    }
    let ended = Ended::of(child.wait_with_output().expect("it ended"));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    (peak, ended)
}

#[cfg(target_os = "linux")]
#[test]
fn an_hour_takes_the_memory_of_two_minutes_and_its_intervals() {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let (short, _) = peak_kib(folder.path(), "2m");
    let (long, ended) = peak_kib(folder.path(), "1h");
    println!("peak after 2 minutes {short} KiB, after an hour {long} KiB");
    let report = support::report_in(&ended.folder());
    let ledger = &report.ledger.producers["web"].total;
    assert!(ledger.acked > 500_000, "{ledger:?}");
    assert_eq!(report.ledger.consumers["billing"].total.lost, 0);
    assert!(
        long <= short + INTERVALS_KIB,
        "{short} KiB became {long} KiB"
    );
}
