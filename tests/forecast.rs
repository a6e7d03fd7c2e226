//! What `check` says before a run is what the run does: the share of first attempts that a changing load has refused, held
//! against simulated runs without retries, and what cannot be run.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Ended, shipped, simulate, streamgauge};
use tempfile::TempDir;

fn out() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

const BURST: &str =
    r#"{ kind = "burst", on_rate = "1900/s", off_rate = "10/s", on = "30s", off = "30s" }"#;

/// A producer of one arrival that sends each record once.
fn producer(name: &str, arrival: &str, more: &str) -> String {
    format!(
        r#"
        [producers.{name}]
        arrival = {arrival}
        keys = {{ kind = "zipf", population = 5_000, exponent = 1.0 }}
        size = {{ kind = "fixed", bytes = "300B" }}
        payload = {{ kind = "random", stamp = "none" }}
        retry = {{ kind = "none" }}
        {more}
        "#
    )
}

fn scenario(out: &Path, shards: u32, measure: &str, producers: &str) -> String {
    let text = format!(
        r#"
        schema = 1
        name = "foretold"
        [time]
        warm_up = "0s"
        measure = "{measure}"
        drain = "5s"
        [streams.events]
        shards = {shards}
        {producers}
        "#
    );
    let file = out.join("foretold.toml");
    std::fs::write(&file, text).expect("there is room for a scenario");
    file.display().to_string()
}

/// The one forecast of a scenario.
fn forecast(scenario: &str) -> Value {
    let ended = streamgauge(["check", "--json", scenario]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let document: Value = serde_json::from_str(&ended.stdout).expect("it prints JSON");
    document[0]["forecast"][0].clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Simulates it, and holds what each shard refused against the forecast. Returns the share of all.
fn is_refused_as_foretold(out: &Path, scenario: &str) -> f64 {
    let said = forecast(scenario);
    let run = simulate(out, scenario, &[]);
    let shards = said["shards"].as_array().expect("a forecast per shard");
    let mut foretold = 0.0;
    for (shard, row) in shards.iter().zip(&run.report.shards) {
        let refused = number(&shard["refused_share"]);
        let found = row.totals.refused as f64 / row.totals.offered as f64;
        assert!(
            (refused - found).abs() < 0.02,
            "{refused} for {found}: {shard}"
        );
        foretold += number(&shard["share"]) * refused;
    }
    let found = run.rejected_share();
    assert!((foretold - found).abs() < 0.015, "{foretold} for {found}");
    found
}

#[test]
fn bursts_are_refused_as_foretold_though_their_mean_is_near_the_limit() {
    let out = out();
    let file = scenario(out.path(), 1, "150s", &producer("web", BURST, ""));
    let found = is_refused_as_foretold(out.path(), &file);
    assert!(found > 0.4, "{found}");
}

#[test]
fn a_sine_is_refused_above_the_limit_and_not_below_it() {
    let out = out();
    let sine = r#"{ kind = "sine", mean = "1500/s", amplitude = 0.9, period = "60s" }"#;
    let file = scenario(out.path(), 2, "180s", &producer("web", sine, ""));
    let found = is_refused_as_foretold(out.path(), &file);
    assert!(found > 0.1, "{found}");
}

#[test]
fn producers_that_peak_in_turns_never_have_the_sum_of_their_peaks() {
    let out = out();
    let sine = |phase: f64| {
        format!(
            r#"{{ kind = "sine", mean = "600/s", amplitude = 1.0, period = "60s", phase = {phase} }}"#
        )
    };
    let two = producer("a", &sine(0.0), "") + &producer("b", &sine(0.5), "");
    let file = scenario(out.path(), 1, "120s", &two);
    let peak = number(&forecast(&file)["peak_records_per_s"]);
    assert!((peak - 1_200.0).abs() < 1.0, "{peak}");
    is_refused_as_foretold(out.path(), &file);
    // In step they are at twice that, and refused for more of the time.
    let two = producer("a", &sine(0.0), "") + &producer("b", &sine(0.0), "");
    let file = scenario(out.path(), 1, "120s", &two);
    let peak = number(&forecast(&file)["peak_records_per_s"]);
    assert!((peak - 2_400.0).abs() < 3.0, "{peak}");
    let found = is_refused_as_foretold(out.path(), &file);
    assert!(found > 0.3, "{found}");
}

#[test]
fn a_week_is_refused_as_its_hours_are() {
    let out = out();
    let hours: Vec<_> = (0..24)
        .map(|hour| {
            if (8..18).contains(&hour) {
                "2.6"
            } else {
                "0.1"
            }
        })
        .collect();
    let day = format!("[{}]", hours.join(", "));
    let week = format!(
        r#"{{ kind = "weekly", rate = "1000/s", speed_up = 1200, grid = [{}] }}"#,
        vec![day; 7].join(", ")
    );
    let file = scenario(out.path(), 2, "504s", &producer("web", &week, ""));
    let mean = number(&forecast(&file)["records_per_s"]);
    assert!(mean < 1_200.0, "{mean}");
    let found = is_refused_as_foretold(out.path(), &file);
    assert!(found > 0.1, "{found}");
    // The grid is a line of the table, not the table's width.
    let said = streamgauge(["check", &file]).stdout;
    let grid = said.lines().find(|line| line.contains(".grid"));
    assert!(grid.is_some_and(|line| line.contains("...")), "{said}");
    assert!(said.lines().all(|line| line.len() <= 180), "{said}");
}

#[test]
fn packed_bursts_are_refused_by_their_bytes() {
    let out = out();
    let burst =
        r#"{ kind = "burst", on_rate = "6000/s", off_rate = "100/s", on = "20s", off = "40s" }"#;
    let packs = "send = { preset = \"kpl\" }";
    let web = producer("web", burst, packs);
    let file = scenario(out.path(), 1, "180s", &web);
    let said = forecast(&file);
    let shard = &said["shards"][0];
    assert!(
        number(&shard["peak_write_records_utilisation"]) < 0.2,
        "{shard}"
    );
    assert!(
        number(&shard["peak_write_bytes_utilisation"]) > 1.5,
        "{shard}"
    );
    assert!(number(&shard["write_bytes_utilisation"]) < 0.8, "{shard}");
    assert!(number(&shard["refused_share"]) > 0.3, "{shard}");
}

#[test]
fn kinesis_records_of_bursts_are_those_that_a_simulation_makes_and_never_hold_a_part_of_a_record() {
    let out = out();
    let burst =
        r#"{ kind = "burst", on_rate = "2000/s", off_rate = "0/s", on = "1s", off = "9s" }"#;
    let steady = r#"{ kind = "constant", rate = "400/s" }"#;
    for (arrival, packs) in [
        (burst, "send = { preset = \"kpl\" }"),
        (
            steady,
            "send = { aggregate = { linger = \"100ms\", max_bytes = \"500B\" } }",
        ),
        (
            steady,
            "send = { aggregate = { linger = \"100ms\", max_bytes = \"1000B\" } }",
        ),
    ] {
        let file = scenario(out.path(), 1, "60s", &producer("web", arrival, packs));
        let shard = &forecast(&file)["shards"][0];
        let said = number(&shard["records_per_s"]) / number(&shard["kinesis_records_per_s"]);
        let run = simulate(out.path(), &file, &[]);
        let made = run.report.producers["web"].records_per_kinesis_record;
        let made = made.unwrap_or(1.0);
        assert!(
            (said / made - 1.0).abs() < 0.1,
            "{said} for {made}: {packs}"
        );
    }
}

fn check(arguments: &[&str]) -> Ended {
    let first_run = shipped("first-run");
    streamgauge([&["check", &first_run], arguments].concat())
}

#[test]
fn more_than_an_account_may_have_is_refused_before_the_run() {
    for (set, told) in [
        (
            "streams.orders.shards=30000",
            "the scenario makes 30000 shards, and the engine's limits let an account have 20000",
        ),
        (
            "engine.limits={ shards = 1 }",
            "the scenario makes 2 shards, and the engine's limits let an account have 1",
        ),
    ] {
        let ended = check(&["--set", set]);
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
        assert!(!ended.stdout.contains("valid\n"), "{}", ended.stdout);
    }
    let raised = check(&[
        "--set",
        "streams.orders.shards=30000",
        "--set",
        "engine.limits={ shards = 30000 }",
    ]);
    assert_eq!(raised.code, Some(0), "{}", raised.stderr);
    // Of an endpoint nobody knows.
    let elsewhere = check(&[
        "--set",
        "streams.orders.shards=30000",
        "--target",
        "http://127.0.0.1:1",
    ]);
    assert_eq!(elsewhere.code, Some(0), "{}", elsewhere.stderr);
    let told = "It makes 30000 shards: whether the account may have them is not known here.";
    assert!(elsewhere.stdout.contains(told), "{}", elsewhere.stdout);
}

#[test]
fn readers_that_call_too_often_are_told_so() {
    let often = check(&["--set", "consumers.billing.interval=100ms"]).stdout;
    assert!(
        often.contains("10 of 5 calls/s taken, 0 left")
            && often.contains("50 % of the calls are refused"),
        "{often}"
    );
    let usual = check(&[]).stdout;
    assert!(!usual.contains("calls are refused"), "{usual}");
    // Nothing that this scenario meets is beyond the engine.
    assert!(!usual.contains("cannot do"), "{usual}");
}

#[test]
fn a_limit_that_is_no_table_is_told_its_two_forms_whatever_it_was() {
    for value in ["\"2000\"", "\"2000/s\"", "2000"] {
        let ended = check(&["--set", &format!("engine.limits={{write_records={value}}}")]);
        assert_eq!(ended.code, Some(2), "{}", ended.stdout);
        for told in [
            "not `off` or a table with `per_s`, `capacity`",
            "write_records = { per_s = 2000, capacity = 2000 }",
        ] {
            assert!(ended.stderr.contains(told), "{}", ended.stderr);
        }
    }
}
