//! A target that answers nothing for 500 ms of 10 s: the measurement is valid, and the stall is in it.

use streamgauge::measure::{LatencyKind, Status};
use streamgauge::scenario::Loaded;

use crate::world::{Ran, alone, beside, run_for_real, scenario, simulate};

/// How often a run in real time is made again when it says itself that the host disturbed it.
const TRIES: usize = 6;

fn stalled() -> Loaded {
    scenario(
        r#"{ warm_up = "1s", measure = "10s", drain = "10s" }"#,
        2,
        r#"
arrival = { kind = "constant", rate = "1000/s" }
keys = { kind = "uniform", population = 10_000 }
size = { kind = "fixed", bytes = "100B" }
send = { api = "put-records", linger = "0ms", max_in_flight = 1_000 }
"#,
        "250ms",
        "[events.stall]\nat = \"measure+4s\"\ndo = \"stall\"\nduration = \"500ms\"",
    )
}

/// 5 % of the records are hit and wait uniformly up to 500 ms: a fifth of them, the slowest 1 % of all, 400 ms and more.
fn assert_seen(ran: &Ran) {
    let p99_ms = ran.latency(LatencyKind::ResponseTime).quantile_us(0.99) as f64 / 1e3;
    assert!((360.0..=440.0).contains(&p99_ms), "{p99_ms} ms");
    let (produced, consumed) = (ran.produced(), ran.consumed());
    assert_eq!((produced.intended, produced.acked), (11_000, 11_000));
    assert_eq!((consumed.delivered, consumed.lost), (11_000, 0));
}

#[test]
fn in_virtual_time_a_stalled_target_is_valid_and_in_the_99th_percentile() {
    let _host = beside();
    let ran = simulate(&stalled(), None, None);
    assert_eq!(
        ran.document.verdict.status,
        Status::Valid,
        "{:?}",
        ran.doubts()
    );
    assert_seen(&ran);
}

#[test]
fn in_real_time_a_stalled_target_is_valid_and_in_the_99th_percentile() {
    let _host = alone();
    let mut disturbed = Vec::new();
    while disturbed.len() < TRIES {
        let ran = run_for_real(&stalled());
        let doubts = ran.doubts();
        let of_the_host = ["pacer_gap", "lateness", "host_cpu", "cpu_steal"];
        if doubts.is_empty() {
            assert_eq!(ran.document.verdict.status, Status::Valid);
            assert_seen(&ran);
            return;
        }
        assert!(
            doubts.iter().all(|doubt| of_the_host.contains(doubt)),
            "{:?}",
            ran.document.verdict
        );
        disturbed.push(ran.document.verdict.reasons);
    }
    panic!("this host let no run of {TRIES} be: {disturbed:?}");
}
