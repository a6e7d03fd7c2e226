//! `run --metrics`: scraped while the run goes on, over a real socket.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Child;

use rustix::process::Signal;
use support::turn::Turn;
use support::{Ended, program, report_in, shipped, signal, streamgauge, wait_for};
use tempfile::TempDir;

fn out() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// A run that serves its metrics, and where.
fn begun(out: &TempDir, more: &[&str]) -> (Child, SocketAddr) {
    let mut child = program()
        .args(["run", &shipped("throttle-edge"), "--metrics", "127.0.0.1:0"])
        .args(["--set", "time.measure=1m", "--out"])
        .arg(out.path())
        .args(more)
        .spawn()
        .expect("the program starts");
    let errors = child.stderr.as_mut().expect("a pipe");
    let mut line = String::new();
    BufReader::new(errors).read_line(&mut line).expect("text");
    let address = line
        .strip_prefix("Metrics: http://")
        .and_then(|rest| rest.strip_suffix("/metrics\n"))
        .unwrap_or_else(|| panic!("no address in {line:?}"));
    (child, address.parse().expect("an address"))
}

/// The status line and the rest of an answer.
fn ask(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("{request} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let (status, rest) = answer.split_once("\r\n").expect("a status line");
    (status.to_owned(), rest.to_owned())
}

/// The value of a sample whose line begins so.
fn value(page: &str, sample: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix(sample))?;
    line.trim().parse().ok()
}

#[test]
fn a_scrape_in_mid_run_finds_counters_that_rise_to_the_reports() {
    let _turn = Turn::alone();
    let out = out();
    let (child, address) = begun(&out, &[]);
    let acked = "streamgauge_records_total{producer=\"web\",outcome=\"acked\"}";
    let used =
        "streamgauge_shard_utilisation_ratio{stream=\"orders\",shard=\"shardId-000000000000\"}";
    let page = wait_for("a shard's figures", || {
        let (status, page) = ask(address, "GET /metrics");
        assert_eq!(status, "HTTP/1.1 200 OK");
        value(&page, used).filter(|used| *used > 0.0).map(|_| page)
    });
    assert!(
        page.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
        "{page}"
    );
    let early = value(&page, acked).expect("a producer's outcome");
    assert!(early > 0.0);
    let elapsed = value(&page, "streamgauge_run_elapsed_seconds").expect("a time");
    assert!((0.5..60.0).contains(&elapsed), "{elapsed}");
    let rose = wait_for("a higher count", || {
        let count = value(&ask(address, "GET /metrics").1, acked)?;
        (count > early).then_some(count)
    });
    // throttle-edge is there to be refused by one limit.
    let page = wait_for("refusals", || {
        let (_, page) = ask(address, "GET /metrics");
        page.contains("cause=\"write-").then_some(page)
    });
    let refused = page
        .lines()
        .find(|line| line.starts_with("streamgauge_shard_refused_attempts_total{"))
        .expect("a row");
    assert!(
        refused.contains("by=\"producer\",name=\"web\""),
        "{refused}"
    );
    assert!(ask(address, "GET /").0.contains("404"));
    assert!(ask(address, "POST /metrics").0.contains("405"));
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let ledger = report_in(&ended.folder()).ledger.producers["web"].total;
    assert!(ledger.acked as f64 >= rose, "{ledger:?}, {rose}");
    assert!(
        TcpStream::connect(address).is_err(),
        "it is gone with the run"
    );
}

#[test]
fn a_silent_client_holds_up_neither_the_run_nor_others() {
    let _turn = Turn::alone();
    let out = out();
    let (child, address) = begun(&out, &["--quiet"]);
    let _silent = TcpStream::connect(address).expect("it listens");
    let (_, page) = ask(address, "GET /metrics");
    assert!(
        page.contains("streamgauge_run_info{scenario=\"throttle-edge\""),
        "{page}"
    );
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
}

#[test]
fn an_address_that_others_reach_or_that_is_taken_is_refused_before_the_run() {
    let out = out();
    let place = out.path().join("results");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address").to_string();
    for (address, code, part) in [
        ("0.0.0.0:0", 2, "--allow-remote"),
        (taken.as_str(), 4, "choose another address"),
        ("somewhere", 2, "invalid socket address"),
    ] {
        let scenario = shipped("first-run");
        let folder = place.to_str().expect("a plain name");
        let ended = streamgauge(["run", &scenario, "--metrics", address, "--out", folder]);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(code), ""),
            "{address}"
        );
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert!(!place.exists(), "nothing was begun");
}
