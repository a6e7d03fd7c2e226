//! A scenario without producers at a server that another process writes to.

use std::path::{Path, PathBuf};

use crate::place::{Serve, folder, results, run};
use crate::support::program;
use crate::writer;

fn scenario(folder: &Path, slo: &str) -> PathBuf {
    let text = format!(
        r#"schema = 1
name = "watch"
question = "How far behind is a reader of theirs?"
time = {{ warm_up = "500ms", measure = "3s", drain = "10s" }}

[streams.theirs]
shards = 2
existing = true

[consumers.audit]
kind = "polling"
interval = "250ms"

{slo}
"#
    );
    let path = folder.join("watch.toml");
    std::fs::write(&path, text).expect("the folder is there");
    path
}

const HELD: &str = r#"[slo.fresh]
metric = "consumers.audit.delivery_delay.p99"
max = "5s"
[slo.near]
metric = "consumers.audit.lag.p99"
max = "5s"
"#;

#[test]
fn a_live_stream_is_watched_without_being_written() {
    let (files, serve) = (folder(), Serve::start());
    writer::make_stream(&serve.url, 2);
    // What is there before is not what is watched.
    let before = writer::end(writer::start(files.path(), &serve.url, 1));
    let writing = writer::start(files.path(), &serve.url, 8);
    let path = scenario(files.path(), HELD);
    let ran = results(run(files.path(), &path, &serve.url));
    writer::end(writing);
    assert!(before.stdout.contains("Results"), "{before:?}");
    assert_eq!(ran.ended.code, Some(0), "{}", ran.ended.stdout);
    let consumer = &ran.report.consumers["audit"];
    let watched = consumer.watched.as_ref().expect("others write it");
    assert!(consumer.caught_up && ran.report.ledger.consumers.is_empty());
    // A Poisson process of 400/s for 3 s, some of it before the writer began.
    assert!((700..=1_400).contains(&watched.records), "{watched:?}");
    let [hot, ..] = &watched.hot_keys[..] else {
        panic!("{watched:?}")
    };
    assert_eq!((hot.key.as_str(), hot.error_records), ("customer-0", 0));
    assert!((hot.share - 0.3333).abs() < 0.08, "{hot:?}");
    let mut of_shards = watched.shards.iter().map(|shard| shard.records);
    assert_eq!(of_shards.by_ref().sum::<u64>(), watched.records);
    let balance = &ran.report.balance["theirs"].records;
    assert_eq!(balance.hottest, Some(hot.shard));
    for said in [
        "integrity is not measured",
        "Hot keys",
        "records/s of others",
        "lag",
    ] {
        assert!(
            ran.ended.stdout.contains(said),
            "{said}: {}",
            ran.ended.stdout
        );
    }
    let delays = &ran.report.latency.consumers["audit"];
    let kind = streamgauge::measure::LatencyKind::DeliveryDelay;
    assert_eq!(delays[&kind].count, watched.records);
}

#[test]
fn an_slo_of_a_watched_stream_is_missed_and_keys_are_redacted_on_request() {
    let (files, serve) = (folder(), Serve::start());
    writer::make_stream(&serve.url, 2);
    let writing = writer::start(files.path(), &serve.url, 7);
    let path = scenario(files.path(), &HELD.replace("\"5s\"", "\"1us\""));
    let output = program()
        .arg("run")
        .arg(&path)
        .args(["--redact", "--target", &serve.url, "--out"])
        .arg(files.path().join("results"))
        .output()
        .expect("the program starts");
    let ran = results(crate::support::Ended::of(output));
    writer::end(writing);
    assert_eq!(ran.ended.code, Some(1), "{}", ran.ended.stdout);
    let watched = ran.report.consumers["audit"]
        .watched
        .as_ref()
        .expect("others write it");
    assert!(!watched.hot_keys.is_empty());
    let is_hash = |key: &str| key.len() == 10 && key.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(
        watched.hot_keys.iter().all(|key| is_hash(&key.key)),
        "{watched:?}"
    );
    assert!(
        !ran.ended.stdout.contains("customer-"),
        "{}",
        ran.ended.stdout
    );
}

#[test]
fn watching_needs_somebody_who_writes() {
    let files = folder();
    let path = scenario(files.path(), "");
    let text = std::fs::read_to_string(&path).expect("it was written");
    std::fs::write(&path, text.replace("existing = true", "")).expect("it is there");
    for command in ["check", "simulate"] {
        let output = program()
            .arg(command)
            .arg(&path)
            .output()
            .expect("it starts");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains("nobody writes what `consumers.audit` would read"),
            "{told}"
        );
    }
}
