//! Producers as real clients are: packing, limits per shard, retries and presets, in simulated runs whose outcome can be
//! reckoned.

mod support;

use std::path::Path;

use serde_json::Value;
use streamgauge::measure::LatencyKind;
use support::folder::{self, intervals};
use support::{Run, shipped, simulate, streamgauge};
use tempfile::TempDir;

fn out() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// A scenario of one producer and a reader.
fn scenario(out: &Path, shards: u32, rate: u32, producer: &str, more: &str) -> String {
    let text = format!(
        r#"
        schema = 1
        name = "producer"
        [time]
        warm_up = "0s"
        measure = "30s"
        drain = "60s"
        [streams.orders]
        shards = {shards}
        [producers.web]
        arrival = {{ kind = "constant", rate = "{rate}/s" }}
        keys = {{ kind = "uniform", population = 5_000 }}
        size = {{ kind = "fixed", bytes = "100B" }}
        {producer}
        [consumers.billing]
        kind = "polling"
        {more}
        "#
    );
    let file = out.join("producer.toml");
    std::fs::write(&file, text).expect("there is room for a scenario");
    file.display().to_string()
}

/// Runs it simulated; whatever it does, its account must hold.
fn run(out: &Path, scenario: &str) -> Run {
    let run = simulate(out, scenario, &[]);
    folder::agrees_with_itself(&run);
    let ledger = &run.report.ledger.consumers["billing"].total;
    assert_eq!(
        (
            ledger.lost,
            ledger.out_of_order,
            ledger.corrupt,
            ledger.foreign
        ),
        (0, 0, 0, 0)
    );
    assert_eq!(ledger.stored_twice_unexplained, 0);
    run
}

#[test]
fn small_records_that_a_shard_refuses_one_by_one_fit_when_they_are_packed() {
    let out = out();
    let [packed, plain] = [
        simulate(out.path(), &shipped("packed-records"), &[]),
        simulate(
            out.path(),
            &shipped("packed-records"),
            &["--set", "producers.web.send.aggregate=off"],
        ),
    ];
    for run in [&packed, &plain] {
        folder::agrees_with_itself(run);
    }
    assert_eq!(packed.ended.code, Some(0), "{}", packed.ended.stdout);
    assert_eq!(plain.ended.code, Some(1), "{}", plain.ended.stdout);
    let ledger = &packed.report.ledger.producers["web"].total;
    assert_eq!(
        (ledger.acked, ledger.attempts),
        (ledger.intended, ledger.intended)
    );
    assert_eq!(ledger.kinesis_records.rejected, 0);
    // Each of some 12 s x 10 holds what came in 100 ms.
    assert!(
        (110..=130).contains(&ledger.kinesis_records.acked),
        "{ledger:#?}"
    );
    let read = &packed.report.consumers["billing"];
    assert_eq!(read.kinesis_records, ledger.kinesis_records.acked);
    assert_eq!(read.deliveries, ledger.acked);
    // Two or three units of 25,000 bytes for some 400 records, each of which would be one by itself.
    let units = ledger.acked_put_units as f64 / ledger.kinesis_records.acked as f64;
    assert!((1.9..3.0).contains(&units), "{ledger:#?}");
    let share = plain.report.ledger.producers["web"].total.accepted_share();
    assert!((0.2..0.45).contains(&share), "{share}");
}

#[test]
fn packed_records_that_a_split_puts_into_the_wrong_shard_are_sent_again_and_known_to_be_stored_twice()
 {
    let out = out();
    let split = "[events.split]\nat = \"measure+5s\"\ndo = \"split-shard\"\nshard = \"hottest\"";
    let send = "send = { preset = \"kpl\" }";
    let run = run(out.path(), &scenario(out.path(), 1, 2_000, send, split));
    let ledger = &run.report.ledger.producers["web"].total;
    assert_eq!(ledger.acked, ledger.intended);
    // What was packed for the parent when it was split: records of at most 100 ms, about half of them in the wrong child.
    assert!(
        (1..=400).contains(&ledger.misplaced_attempts),
        "{ledger:#?}"
    );
    assert_eq!(ledger.attempts, ledger.intended + ledger.misplaced_attempts);
    let read = &run.report.ledger.consumers["billing"].total;
    assert_eq!(read.stored_twice_explained, ledger.misplaced_attempts);
    assert_eq!(read.delivered, read.acked);
}

#[test]
fn a_limit_of_the_client_holds_records_back_as_a_batch_does_and_none_is_late() {
    let out = out();
    let send = "send = { rate_limit = { share = 0.5 } }";
    let run = run(out.path(), &scenario(out.path(), 1, 600, send, ""));
    let ledger = &run.report.ledger.producers["web"].total;
    assert_eq!(
        (ledger.acked, ledger.rejected_attempts),
        (ledger.intended, 0)
    );
    for row in intervals(&run) {
        let sent: u64 = row["sent"].parse().expect("a number");
        assert!(sent <= 515, "{row:?}");
    }
    let latency = &run.report.latency.producers["web"];
    // 100 of each second's 600 wait: 3,000 after 30 s, which takes 6 s more.
    let wait_s = latency[&LatencyKind::BatchWait].max_us as f64 / 1e6;
    assert!((5.8..6.2).contains(&wait_s), "{wait_s}");
    assert!(latency[&LatencyKind::Lateness].max_us < 1_000);
    let waits = run.report.producers["web"].rate_limit_waits;
    let waits = waits.expect("records were held back");
    // What is left of the wait is lingering.
    let after_s = wait_s - waits.max_us as f64 / 1e6;
    assert!((0.0..0.1).contains(&after_s), "{waits:?} {wait_s}");
    assert!(held_back(&run, "rate_limit", "`send.rate_limit`") > 0.9);
}

/// The share of its records that `web` held back, which the answer and a reason of this code must tell.
fn held_back(run: &Run, code: &str, setting: &str) -> f64 {
    let reasons = &run.report.verdict.reasons;
    let reason = reasons.iter().find(|reason| reason.code == code);
    let reason = reason.unwrap_or_else(|| panic!("no {code} in {reasons:?}"));
    assert!(
        reason.text.contains("producer `web` is the bottleneck"),
        "{}",
        reason.text
    );
    let answer = &run.report.answer;
    let share = answer
        .split_once("producer `web` held ")
        .and_then(|(_, rest)| {
            let (share, rest) = rest.split_once(" %")?;
            assert!(rest.contains(setting), "{answer}");
            share.parse::<f64>().ok()
        });
    share.unwrap_or_else(|| panic!("{answer}")) / 100.0
}

/// One key, 200 times a second, each put answered after 10 ms: every second record finds its key taken, and in 30 s the
/// backlog grows to half of the load.
#[test]
fn a_key_that_comes_faster_than_its_puts_are_answered_is_told_before_and_after() {
    let out = out();
    let more = "send = { api = \"put-record\", ordering = \"per-key\" }";
    let engine = "[engine.latency]\nbase = \"none\"\nput_record = \"10ms\"";
    let text = scenario(out.path(), 1, 200, more, engine);
    let single = std::fs::read_to_string(&text).expect("the scenario is there");
    let single = single.replace("\"uniform\", population = 5_000", "\"single\"");
    std::fs::write(&text, single).expect("there is room for a scenario");
    let checked = streamgauge(["check", &text]).stdout;
    assert!(
        checked.contains("200.0 times/s to each worker and keeps up while a put is answered within 5.0 ms: with about 10.0 ms"),
        "{checked}"
    );
    let run = run(out.path(), &text);
    let waits = run.report.producers["web"].order_waits;
    assert!(
        waits.is_some_and(|waits| waits.max_us > 10_000_000),
        "{waits:?}"
    );
    assert!(held_back(&run, "order", "`send.ordering`") > 0.9);
}

#[test]
fn check_says_that_a_limit_of_the_clients_will_hold_records_back() {
    let out = out();
    let send = "send = { rate_limit = { share = 0.5 } }";
    let checked = streamgauge(["check", &scenario(out.path(), 1, 600, send, "")]).stdout;
    assert!(
        checked.contains("most for shard 0 (120.0 % of the limit)"),
        "{checked}"
    );
    let checked = streamgauge(["check", &scenario(out.path(), 1, 400, send, "")]).stdout;
    assert!(!checked.contains("holds records back itself"), "{checked}");
}

#[test]
fn what_waits_longer_than_records_may_is_not_sent() {
    let out = out();
    let more = "send = { rate_limit = { records_per_s = 100 } }\n\
                retry = { kind = \"fixed\", base = \"10ms\", ttl = \"2s\" }";
    let run = run(out.path(), &scenario(out.path(), 1, 150, more, ""));
    let ledger = &run.report.ledger.producers["web"].total;
    let expired = ledger.not_sent_by_cause.expired;
    assert_eq!(ledger.acked + expired, ledger.intended, "{ledger:#?}");
    // A third of the load, but for the 2 s that may wait.
    assert!((1_250..=1_350).contains(&expired), "{expired}");
    let waited = run.report.latency.producers["web"][&LatencyKind::BatchWait].max_us;
    assert!(waited < 2_100_000, "{waited}");
}

#[test]
fn sdks_leave_records_refused_within_an_answered_call_to_the_application() {
    let out = out();
    let send = "send = { preset = \"boto3\" }";
    let run = run(out.path(), &scenario(out.path(), 1, 1_500, send, ""));
    let ledger = &run.report.ledger.producers["web"].total;
    assert_eq!(
        (ledger.attempts, ledger.accepted_after_retry),
        (ledger.intended, 0)
    );
    assert!(ledger.throttled > 0);
    assert_eq!(ledger.throttled, ledger.rejected_attempts);
    assert_eq!(run.report.producers["web"].amplification, Some(1.0));
}

/// A storm of 3 s refuses 900 records/s; each is tried again every 100 ms. After it 2,700 wait, 1,000 of which the shard
/// has saved up for; the other 1,700 take turns for the 100 records/s that the shard accepts beyond the load.
#[test]
fn refusals_outlive_a_storm_until_what_it_held_back_has_passed() {
    let out = out();
    let more = "send = { linger = \"1ms\" }\n\
                retry = { kind = \"fixed\", base = \"100ms\", attempts = 1000 }";
    let storm = "[events.storm]\nat = \"measure+5s\"\ndo = \"throttle-storm\"\nduration = \"3s\"";
    let run = run(out.path(), &scenario(out.path(), 1, 900, more, storm));
    let ledger = &run.report.ledger.producers["web"].total;
    assert_eq!(ledger.acked, ledger.intended);
    let rows = &run.report.refusals_outlived;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(
        (rows[0].cause.as_str(), &rows[0].shards[..]),
        ("storm", &[0][..])
    );
    assert!((rows[0].until_s - 8.0).abs() < 0.01, "{rows:?}");
    assert!((16.0..17.2).contains(&rows[0].outlived_s), "{rows:?}");
    let amplification = run.report.producers["web"]
        .amplification
        .expect("records were meant");
    assert!((amplification - ledger.attempts as f64 / ledger.intended as f64).abs() < 1e-12);
    assert!(amplification > 4.0, "{amplification}");
}

#[test]
fn check_prints_what_a_preset_comes_to_with_the_source_of_each_value() {
    let out = out();
    let send =
        "send = { preset = \"kpl\", timeout = \"2s\" }\nretry = { kind = \"fixed\", ttl = \"9s\" }";
    let scenario = scenario(out.path(), 1, 10, send, "");
    let ended = streamgauge(["check", "--json", &scenario]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let document: Value = serde_json::from_str(&ended.stdout).expect("it prints JSON");
    let settings = document[0]["settings"].as_array().expect("settings");
    let setting = |path: &str| {
        let path = format!("producers.web.{path}");
        let found = settings.iter().find(|setting| setting["path"] == *path);
        let found = found.unwrap_or_else(|| panic!("no setting {path}"));
        let word = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        (word("value"), word("preset"))
    };
    let given = |path: &str, value: &str| assert_eq!(setting(path), (value.into(), String::new()));
    given("send.timeout", "2s");
    given("retry.ttl", "9s");
    let preset = |path: &str, value: &str, source: &str| {
        let (found, from) = setting(path);
        assert_eq!(found, value);
        assert!(from.starts_with("kpl: ") && from.contains(source), "{from}");
    };
    preset("send.max_in_flight", "24", "MaxConnections");
    preset("send.aggregate.max_bytes", "51200B", "AggregationMaxSize");
    preset("send.rate_limit.share", "1.5", "RateLimit");
    preset("retry.base", "0s", "RecordTtl");
    let (value, from) = setting("send.max_queued");
    assert_eq!((value.as_str(), from.as_str()), ("100000", ""));
    let text = streamgauge(["check", &scenario]).stdout;
    assert!(text.contains("MaxConnections"), "{text}");
}

#[test]
fn per_key_ordering_keeps_its_promise_when_records_are_packed_and_refused() {
    let out = out();
    let more = "send = { aggregate = { linger = \"20ms\" }, ordering = \"per-key\" }\n\
                retry = { kind = \"decorrelated\", base = \"20ms\", cap = \"200ms\", attempts = 1000 }";
    let storm = "[events.storm]\nat = \"measure+5s\"\ndo = \"throttle-storm\"\nduration = \"1s\"\nshare = 0.5";
    let run = run(out.path(), &scenario(out.path(), 2, 500, more, storm));
    let ledger = &run.report.ledger.producers["web"].total;
    assert_eq!(ledger.acked, ledger.intended);
    assert!(ledger.rejected_attempts > 0);
    assert_eq!(
        run.report.ledger.consumers["billing"].total.key_inversions,
        0
    );
}
