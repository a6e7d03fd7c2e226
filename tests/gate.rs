//! `compare` and `gate` as a script sees them: exit codes, files, refusals, engines that are started and ended.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use streamgauge::study::gate::{GateResult, GateVerdict, order};
use support::turn::Turn;
use support::{Ended, pause, program, shipped, signal, streamgauge, wait_for};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// Simulates first-run with seeds 1 to `runs`, each put taking `put`.
fn simulated(out: &Path, runs: u32, put: &str, more: &[&str]) {
    simulated_from(1, out, runs, put, more);
}

/// The same from another first seed.
fn simulated_from(seed: u32, out: &Path, runs: u32, put: &str, more: &[&str]) {
    let seed = seed.to_string();
    let runs = runs.to_string();
    let latency = format!("engine.latency={{ put_records = \"{put}\" }}");
    let scenario = shipped("first-run");
    let fixed = [
        "simulate",
        &scenario,
        "--quiet",
        "--seed",
        &seed,
        "--repeat",
        &runs,
        "--set",
        &latency,
        "--out",
        text(out),
    ];
    let ended = streamgauge([&fixed, more].concat());
    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
}

fn compare(base: &Path, new: &Path, more: &[&str]) -> Ended {
    streamgauge([&["compare", text(base), text(new)], more].concat())
}

/// The results folders in `out`.
fn folders(out: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(out)
        .expect("it was made")
        .map(|entry| entry.expect("an entry"));
    let mut folders: Vec<_> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
}

#[test]
fn repeats_of_two_sides_are_compared_by_seed_and_shown_in_every_form() {
    let place = folder();
    let (base, new) = (place.path().join("base"), place.path().join("new"));
    let page = place.path().join("compare.html");
    simulated(&base, 8, "20ms", &[]);
    simulated(&new, 8, "24ms", &[]);
    let slower = compare(&base, &new, &["--html", text(&page)]);
    assert_eq!(slower.code, Some(1), "{slower:?}");
    assert!(
        slower.stdout.starts_with("Comparison: REGRESSION\n"),
        "{}",
        slower.stdout
    );
    assert!(
        slower.stdout.contains("8 pairs by seed"),
        "{}",
        slower.stdout
    );
    assert!(
        slower.stdout.ends_with("Verdict: regression\n"),
        "{}",
        slower.stdout
    );
    let page = fs::read_to_string(page).expect("the page was written");
    assert!(page.contains("<polyline class=\"new\""), "{page}");

    let json = compare(&base, &new, &["--json"]);
    let json: Value = serde_json::from_str(&json.stdout).expect("JSON");
    let metrics = json["metrics"].as_array().expect("metrics");
    let service = metrics
        .iter()
        .find(|row| row["metric"] == "producers.web.service_time.p50");
    let service = service.expect("it is measured");
    let ratio = service["ratio"].as_f64().expect("a ratio");
    assert!((ratio - 1.2).abs() < 0.01, "{service}");
    assert_eq!(service["verdict"], "regression");
    assert_eq!(json["basis"], "simulated");

    let markdown = compare(&base, &new, &["--markdown"]);
    assert!(
        markdown.stdout.starts_with("### ❌ first-run: regression"),
        "{}",
        markdown.stdout
    );
    assert_eq!(compare(&base, &base, &[]).code, Some(0));
    assert_eq!(compare(&new, &base, &["--min-effect", "30"]).code, Some(0));
    assert_eq!(compare(&base, &new, &["--min-effect", "30%"]).code, Some(0));
}

#[test]
fn one_run_of_each_side_is_shown_and_not_judged() {
    let place = folder();
    let (base, new) = (place.path().join("base"), place.path().join("new"));
    simulated(&base, 1, "20ms", &[]);
    simulated(&new, 1, "40ms", &[]);
    let report = folders(&new)[0].join("report.json");
    let ended = compare(&folders(&base)[0], &report, &[]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended.stdout.contains("not judged") && ended.stdout.contains("--repeat"),
        "{}",
        ended.stdout
    );
    // The exact checks need one run only.
    let text_of = fs::read_to_string(&report).expect("the report");
    let mut document: Value = serde_json::from_str(&text_of).expect("JSON");
    let total = &mut document["ledger"]["consumers"]["billing"]["total"];
    total["lost"] = 1.into();
    total["delivered"] = (total["delivered"].as_u64().expect("a count") - 1).into();
    total["deliveries"] = (total["deliveries"].as_u64().expect("a count") - 1).into();
    fs::write(&report, document.to_string()).expect("it is ours");
    let ended = compare(&base, &new, &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("`consumers.billing.lost` is 1, where base has 0"),
        "{}",
        ended.stdout
    );
}

#[test]
fn what_must_not_be_compared_is_refused_with_the_reason() {
    let place = folder();
    let base = place.path().join("base");
    simulated(&base, 1, "20ms", &[]);
    let other = place.path().join("other");
    simulated(
        &other,
        1,
        "20ms",
        &["--set", "producers.web.arrival.rate=900/s"],
    );
    let ended = compare(&base, &other, &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains(
            "the scenario's `producers.web.arrival.rate` differs (\"1000/s\", and \"900/s\")"
        ),
        "{}",
        ended.stderr
    );
    let void = place.path().join("void");
    simulated(&void, 1, "20ms", &[]);
    let report = folders(&void)[0].join("report.json");
    let mut document: Value =
        serde_json::from_str(&fs::read_to_string(&report).expect("the report")).expect("JSON");
    document["verdict"] = serde_json::json!({
        "status": "VOID",
        "reasons": [{ "status": "VOID", "code": "pacer_gap", "text": "the pacer was away for 500 ms" }],
    });
    fs::write(&report, document.to_string()).expect("it is ours");
    for (left, right) in [(&base, &void), (&void, &base)] {
        let ended = compare(left, right, &[]);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains("away for 500 ms"), "{}", ended.stderr);
    }
    document["world"] = "embedded".into();
    document["verdict"] = serde_json::json!({ "status": "VALID", "reasons": [] });
    fs::write(&report, document.to_string()).expect("it is ours");
    let ended = compare(&base, &void, &[]);
    assert!(
        ended.code == Some(2) && ended.stderr.contains("the world differs"),
        "{ended:?}"
    );

    let empty = place.path().join("empty");
    fs::create_dir(&empty).expect("a folder");
    let ended = compare(&base, &empty, &[]);
    assert!(
        ended.code == Some(2) && ended.stderr.contains("report.json"),
        "{ended:?}"
    );
    let two = place.path().join("two");
    simulated_from(50, &two, 3, "20ms", &[]);
    let ended = compare(&base, &two, &[]);
    assert!(
        ended.code == Some(2) && ended.stderr.contains("failed to pair 1 runs"),
        "{ended:?}"
    );
}

const SCENARIO: &str = r#"
schema = 1
name = "small"
question = "Is the new engine slower?"
[time]
warm_up = "100ms"
measure = "500ms"
drain = "2s"
[streams.orders]
shards = 1
[producers.web]
arrival = { kind = "constant", rate = "200/s" }
keys = { kind = "uniform", population = 1_000 }
size = { kind = "fixed", bytes = "200B" }
send = { api = "put-record" }
[consumers.billing]
kind = "polling"
interval = "100ms"
"#;

/// A small scenario and a file of delays, in a folder of their own.
fn workplace(put: &str) -> (TempDir, PathBuf, PathBuf) {
    let place = folder();
    let (scenario, delays) = (
        place.path().join("small.toml"),
        place.path().join("delays.toml"),
    );
    fs::write(&scenario, SCENARIO).expect("there is room");
    fs::write(&delays, format!("put_record = \"{put}\"\n")).expect("there is room");
    (place, scenario, delays)
}

/// The command of an engine with more arguments.
fn serve(more: &str) -> String {
    format!(
        "'{}' serve --listen {{addr}} {more}",
        env!("CARGO_BIN_EXE_streamgauge")
    )
}

/// The gate's results folder and what is in its file.
fn result(out: &Path) -> (PathBuf, GateResult) {
    let path = folders(out).pop().expect("a results folder");
    let bytes = fs::read(path.join("gate.json")).expect("gate.json was written");
    let result = serde_json::from_slice(&bytes).unwrap_or_else(|problem| panic!("{problem}"));
    (path, result)
}

/// A gate on a machine of its own; made again where the host was too busy to measure on.
fn gate(scenario: &Path, out: &Path, more: &[&str]) -> Ended {
    let mut tries = 0;
    loop {
        let turn = Turn::alone();
        let fixed = ["gate", text(scenario), "--out", text(out)];
        let ended = program()
            .args([&fixed, more].concat())
            .output()
            .expect("the program starts");
        drop(turn);
        let ended = Ended::of(ended);
        tries += 1;
        if !(ended.code == Some(3) && ended.stdout.contains("were VOID")) || tries == 3 {
            return ended;
        }
    }
}

#[test]
fn a_slower_engine_is_stopped_an_accepted_one_passes_and_all_is_written() {
    let (place, scenario, delays) = workplace("60ms");
    let out = place.path().join("results");
    // Slow enough for a busy host's own delays to be the smaller part.
    let quick = place.path().join("quick.toml");
    fs::write(&quick, "put_record = \"20ms\"\n").expect("there is room");
    let (base, new) = (
        serve(&format!("--latency {}", quick.display())),
        serve(&format!("--latency {}", delays.display())),
    );
    let metric = "producers.web.service_time.p50";
    let fixed = [
        "--base-cmd",
        &base,
        "--new-cmd",
        &new,
        "--budget",
        "60s",
        "--metric",
        metric,
    ];
    let ended = gate(&scenario, &out, &fixed);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stdout.starts_with("Gate: REGRESSION\n"),
        "{}",
        ended.stdout
    );
    for planned in [
        "looks at 8\n",
        "Time: at most 5 s a pair",
        "Detectable: ",
        "pair 8 of at most 8",
    ] {
        assert!(
            ended.stderr.contains(planned),
            "`{planned}`: {}",
            ended.stderr
        );
    }
    let (path, kept) = result(&out);
    assert_eq!(
        (kept.verdict, kept.accepted),
        (GateVerdict::Regression, None)
    );
    let comparison = kept.comparison.expect("pairs were made");
    assert_eq!(comparison.pairs, 8);
    let first = &comparison.metrics[0];
    assert!(first.metric == metric && first.ratio > 2.0, "{first:?}");
    let cpu = comparison
        .metrics
        .iter()
        .find(|row| row.metric == "server.cpu_us_per_operation");
    assert!(cpu.is_some_and(|row| row.base > 0.0), "{cpu:?}");
    let memory = comparison
        .metrics
        .iter()
        .find(|row| row.metric == "server.memory_bytes_max");
    assert!(memory.is_some_and(|row| row.base > 1e6), "{memory:?}");
    // In turns: the order of their starts is that of the plan.
    let runs = comparison.base.iter().zip(&comparison.new).zip(0..);
    for ((base, new), pair) in runs {
        let base_first = order(pair)[0] == streamgauge::study::gate::Side::Base;
        assert_eq!(base.started < new.started, base_first, "pair {pair}");
        assert_eq!(base.seed, new.seed);
    }
    for file in [
        "summary.md",
        "compare.html",
        "command.txt",
        "scenario.toml",
        "engine-new.log",
    ] {
        assert!(
            path.join(file).metadata().is_ok_and(|file| file.len() > 0),
            "{file}"
        );
    }
    // What is kept can be compared again.
    let again = compare(&path.join("base"), &path.join("new"), &["--metric", metric]);
    assert_eq!(again.code, Some(1), "{again:?}");

    let accept = [&fixed[..], &["--accept", "slower on purpose", "--quiet"]].concat();
    let ended = gate(&scenario, &out, &accept);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (path, kept) = result(&out);
    assert_eq!(kept.verdict, GateVerdict::Regression);
    assert_eq!(kept.accepted.as_deref(), Some("slower on purpose"));
    let summary = fs::read_to_string(path.join("summary.md")).expect("the summary");
    assert!(
        summary.contains("**Accepted**: slower on purpose"),
        "{summary}"
    );
}

#[test]
fn engines_with_unlike_limits_and_loads_that_a_limit_caps_are_void() {
    let (place, scenario, _) = workplace("1ms");
    let out = place.path().join("results");
    let (with, without) = (serve("--limits aws"), serve("--limits off"));
    let ended = gate(
        &scenario,
        &out,
        &["--base-cmd", &with, "--new-cmd", &without],
    );
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stdout.contains("unlike limit regimes"),
        "{}",
        ended.stdout
    );
    let (_, kept) = result(&out);
    assert_eq!((kept.verdict, kept.comparison), (GateVerdict::Void, None));

    let more = [
        "--base",
        "embedded",
        "--new",
        "embedded",
        "--set",
        "producers.web.arrival.rate=4000/s",
    ];
    let ended = gate(&scenario, &out, &more);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(
        ended.stdout.contains("capped by a limit"),
        "{}",
        ended.stdout
    );
}

#[test]
fn what_cannot_be_gated_is_told_before_anything_runs() {
    let (place, scenario, _) = workplace("1ms");
    let out = place.path().join("results");
    let told = |more: &[&str], code: i32, words: &str| {
        let fixed = ["gate", text(&scenario), "--out", text(&out)];
        let ended = streamgauge([&fixed, more].concat());
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.contains(words), "`{words}`: {}", ended.stderr);
    };
    told(&["--base", "embedded"], 2, "--new");
    told(
        &["--base", "embedded", "--new", "simulated"],
        2,
        "`simulated`",
    );
    told(
        &["--base", "embedded", "--new", "http://127.0.0.1:9"],
        2,
        "of kind `embedded`",
    );
    told(&["--base-cmd", "engine", "--new", "embedded"], 2, "{addr}");
    told(
        &["--base", "embedded", "--new", "embedded", "--budget", "10s"],
        2,
        "8 pairs of 5 s",
    );
    told(
        &["--base", "embedded", "--new", "embedded", "--accept", " "],
        2,
        "say why",
    );
    assert!(!out.exists(), "nothing is written");
    let broken = format!(
        "'{}' serve --no-such-flag --listen {{addr}}",
        env!("CARGO_BIN_EXE_streamgauge")
    );
    told(
        &["--base-cmd", &broken, "--new-cmd", &broken],
        4,
        "the engine of base ended before it answered",
    );
    let (path, _) = result(&out);
    let log = fs::read_to_string(path.join("engine-base.log")).expect("its log");
    assert!(log.contains("--no-such-flag"), "{log}");
}

/// Processes of this machine whose command line holds `word`.
fn processes(word: &str) -> usize {
    let entries = fs::read_dir("/proc").expect("Linux").flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(word))
        .count()
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_gate_ends_its_engines_and_writes_what_there_is() {
    let (place, scenario, delays) = workplace("1ms");
    let out = place.path().join("results");
    let engine = serve(&format!("--latency {}", delays.display()));
    let _turn = Turn::beside_others();
    let child = program()
        .args([
            "gate",
            text(&scenario),
            "--out",
            text(&out),
            "--base-cmd",
            &engine,
            "--new-cmd",
            &engine,
        ])
        .spawn()
        .expect("the program starts");
    wait_for("a finished run", || {
        let path = folders_if_any(&out).pop()?;
        let runs = folders_if_any(&path.join("base"));
        runs.iter()
            .any(|run| run.join("run.hlog").is_file())
            .then_some(())
    });
    pause(Duration::from_millis(300));
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(
        ended.stdout.contains("inconclusive: interrupted"),
        "{}",
        ended.stdout
    );
    let (_, kept) = result(&out);
    assert!(kept.interrupted && kept.verdict == GateVerdict::Inconclusive);
    // Of the program, gate and engines, only engines were given the file.
    assert_eq!(processes(&format!("--latency\0{}", delays.display())), 0);
}

fn folders_if_any(out: &Path) -> Vec<PathBuf> {
    if out.is_dir() {
        folders(out)
    } else {
        Vec::new()
    }
}
