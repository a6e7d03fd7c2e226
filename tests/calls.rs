//! Loads of API calls: what they count in virtual and in real time, and what wrong ones are told.

mod support;

use std::path::Path;

use streamgauge::measure::{CallLedger, LatencyKind, Status};
use streamgauge::report::{OperationSummary, SloStatus};
use streamgauge::scenario::{Source, check_simulated, load};
use support::{Run, folder, run_real, shipped, simulate};
use tempfile::TempDir;

fn out() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// A scenario with these tables after its stream of two shards.
fn text(tables: &str) -> String {
    format!(
        r#"schema = 1
name = "calls"
question = "What is answered?"

[time]
warm_up = "2s"
measure = "20s"

[streams.orders]
shards = 2

{tables}
"#
    )
}

fn written(folder: &Path, tables: &str) -> String {
    let path = folder.join("calls.toml");
    std::fs::write(&path, text(tables)).expect("the folder is there");
    path.to_str().expect("a plain name").to_owned()
}

fn operation<'a>(run: &'a Run, load: &str, call: &str) -> &'a OperationSummary {
    let operations = &run.report.calls[load].operations;
    operations
        .get(call)
        .unwrap_or_else(|| panic!("no {call} in {operations:#?}"))
}

fn every_call_has_one_ending(run: &Run) {
    for load in run.report.calls.values() {
        let mut sum = CallLedger::default();
        for operation in load.operations.values() {
            assert!(operation.ledger.total.balances(), "{operation:#?}");
            sum.merge(&operation.ledger.total);
        }
        assert_eq!(sum, load.ledger.total);
    }
}

#[test]
fn describe_stream_at_twice_the_accounts_rate_is_refused_for_the_share_that_the_bucket_says() {
    let folder = out();
    let path = written(
        folder.path(),
        "[calls.admin]\narrival = { kind = \"constant\", rate = \"20/s\" }\nmix = { DescribeStream = 1 }\n",
    );
    let run = simulate(folder.path(), &path, &[]);
    every_call_has_one_ending(&run);
    let describe = operation(&run, "admin", "DescribeStream");
    let (total, window) = (describe.ledger.total, describe.ledger.measure);
    // 22 s at 10/s, and the bucket of 10 that was full at the beginning: the window finds it empty.
    assert_eq!((total.intended, window.intended), (440, 400));
    assert!((229..=230).contains(&total.ok), "{total:#?}");
    assert!((199..=201).contains(&window.ok), "{window:#?}");
    assert_eq!(total.ok + total.throttled, 440);
    assert_eq!(total.rejected_attempts, total.throttled);
    let share = run.report.calls["admin"].throttled_share;
    assert!((share - 0.5).abs() < 0.003, "{share}");
    // Refusals are answers too; what they took is no response time.
    assert_eq!(describe.latency[&LatencyKind::ServiceTime].count, 400);
    assert_eq!(
        describe.latency[&LatencyKind::ResponseTime].count,
        window.ok
    );
    assert_eq!(run.report.verdict.status, Status::Valid);
}

const SCRIPT: &str = r#"[engine]
latency = { base = "none", create_stream = "300ms", reshard = "600ms", delete_stream = "200ms" }

[calls.life]
workers = 2
script = [
    { do = "create-stream", shards = 2 },
    { do = "wait" },
    { do = "split-shard" },
    { do = "wait" },
    { do = "merge-shards" },
    { do = "wait" },
    { do = "update-shard-count", target = 3 },
    { do = "wait" },
    { do = "call", operation = "IncreaseStreamRetentionPeriod" },
    { do = "wait" },
    { do = "call", operation = "PutRecord" },
    { do = "call", operation = "GetRecords" },
    { do = "call", operation = "SplitShard:bad-hash-key" },
    { do = "delete-stream" },
    { do = "wait", until = "deleted" },
]
"#;

/// What both workers' scripts come to, in any world.
fn every_step_was_done_twice(run: &Run) {
    every_call_has_one_ending(run);
    let scripts = run.report.calls["life"].scripts.expect("they are scripts");
    assert_eq!(
        (scripts.begun, scripts.completed, scripts.broken_off),
        (2, 2, 0)
    );
    for (call, operation) in &run.report.calls["life"].operations {
        let ledger = &operation.ledger.total;
        assert_eq!((ledger.intended, ledger.as_expected()), (2, 2), "{call}");
    }
    assert_eq!(run.report.calls["life"].operations.len(), 9);
}

/// How long a reshard takes is known to the look that finds it done; looks are at most 300 ms apart.
fn transitions_take_what_they_take(run: &Run, slack_us: u64) {
    for (call, least_us) in [
        ("CreateStream", 300_000),
        ("SplitShard", 600_000),
        ("MergeShards", 600_000),
        ("DeleteStream", 200_000),
    ] {
        let took = &operation(run, "life", call).latency[&LatencyKind::TransitionTime];
        assert_eq!(took.count, 2, "{call}");
        let range = least_us - 1_000..=least_us + slack_us;
        assert!(range.contains(&took.max_us), "{call}: {took:#?}");
    }
}

#[test]
fn a_script_does_every_step_on_streams_of_its_own_and_times_each_change() {
    let folder = out();
    let path = written(folder.path(), SCRIPT);
    let run = simulate(folder.path(), &path, &[]);
    every_step_was_done_twice(&run);
    transitions_take_what_they_take(&run, 310_000);
    let again = simulate(folder.path(), &path, &[]);
    assert_eq!(again.report, run.report, "a seed gives the same report");
}

#[test]
fn a_script_counts_the_same_in_real_time() {
    let folder = out();
    let path = written(folder.path(), SCRIPT);
    let shorter = ["--set", "time.measure=6s"];
    run_real(
        folder.path(),
        &path,
        &shorter,
        every_step_was_done_twice,
        |run| transitions_take_what_they_take(run, 1_000_000),
    );
}

#[test]
fn a_script_that_leaves_its_stream_is_cleared_and_may_begin_again_at_the_arrivals_times() {
    let folder = out();
    let path = written(
        folder.path(),
        r#"[calls.life]
arrival = { kind = "constant", rate = "0.5/s" }
script = [{ do = "create-stream" }, { do = "wait" }]
"#,
    );
    let run = simulate(folder.path(), &path, &[]);
    every_call_has_one_ending(&run);
    let scripts = run.report.calls["life"].scripts.expect("they are scripts");
    assert_eq!((scripts.begun, scripts.completed), (11, 11));
    // Eleven streams one after the other, and never one too many for the account.
    let create = operation(&run, "life", "CreateStream");
    assert_eq!(create.ledger.total.ok, 11);
}

#[test]
fn cases_are_refused_as_expected_and_an_unexpected_answer_names_its_code() {
    let folder = out();
    let path = written(
        folder.path(),
        r#"[calls.admin]
arrival = { kind = "poisson", rate = "20/s" }
mix = { "ListShards:missing-stream" = 1, "ListShards:bad-argument" = 1, "GetRecords:expired-iterator" = 1, "PutRecord:dry-run" = 1 }

[calls.odd]
script = [{ do = "create-stream" }, { do = "call", operation = "StopStreamEncryption" }, { do = "split-shard" }]

[slo]
as_told = { metric = "calls.admin.unexpected", max = 0 }
late = { metric = "calls.admin.ListShards:missing-stream.response_time.p99", max = "1s" }
odd = { metric = "calls.odd.unexpected", max = 0 }
"#,
    );
    // A stream that is being made can be changed by nobody.
    let run = simulate(
        folder.path(),
        &path,
        &["--set", "engine.latency={ create_stream = \"5s\" }"],
    );
    every_call_has_one_ending(&run);
    let admin = &run.report.calls["admin"].ledger.total;
    assert_eq!((admin.ok, admin.unexpected), (0, 0));
    assert!(admin.expected > 300, "{admin:#?}");
    let stop = operation(&run, "odd", "StopStreamEncryption");
    assert_eq!(stop.unexpected_by_code["ResourceInUseException"], 1);
    assert_eq!(
        operation(&run, "odd", "SplitShard").ledger.total.intended,
        0
    );
    let broken_off = run.report.calls["odd"].scripts.map(|s| s.broken_off);
    assert_eq!(broken_off, Some(1));
    let met: Vec<_> = run.report.slo.iter().map(|slo| slo.status).collect();
    assert_eq!(met, [SloStatus::Met, SloStatus::Met, SloStatus::Missed]);
}

#[test]
fn the_control_plane_scenario_shows_what_its_head_says() {
    let folder = out();
    let run = simulate(folder.path(), &shipped("control-plane"), &[]);
    every_call_has_one_ending(&run);
    let share = run.report.calls["dashboards"].throttled_share;
    assert!((share - 0.5).abs() < 0.01, "{share}");
    let status = |name: &str| {
        let mut slos = run.report.slo.iter();
        slos.find(|slo| slo.name == name).map(|slo| slo.status)
    };
    assert_eq!(status("dashboards_get_through"), Some(SloStatus::Missed));
    for name in [
        "tools_get_through",
        "tools_are_answered",
        "splits_are_quick",
    ] {
        assert_eq!(status(name), Some(SloStatus::Met), "{name}");
    }
    let scripts = run.report.calls["deployments"].scripts;
    assert_eq!(scripts.map(|scripts| scripts.completed), Some(2));
    assert_eq!(run.ended.code, Some(1));
    let tags = folder::log(&run);
    assert!(
        tags.contains_key("calls.dashboards.DescribeStream.response_time"),
        "{:?}",
        tags.keys()
    );
}

#[test]
fn the_control_plane_scenario_shows_the_same_in_real_time() {
    let folder = out();
    let claims = |run: &Run| {
        let share = run.report.calls["dashboards"].throttled_share;
        assert!((share - 0.5).abs() < 0.05, "{share}");
        let scripts = run.report.calls["deployments"].scripts;
        assert_eq!(scripts.map(|scripts| scripts.completed), Some(2));
    };
    let path = shipped("control-plane");
    run_real(folder.path(), &path, &[], every_call_has_one_ending, claims);
}

fn told(tables: &str) -> String {
    let source = Source {
        path: "calls.toml".to_owned(),
        text: text(tables),
    };
    let problems = load(&source, &[]).expect_err("it is wrong");
    problems.to_string()
}

#[test]
fn a_load_that_cannot_be_made_says_where_and_what_to_write_instead() {
    let mix = |mix: &str| {
        told(&format!(
            "[calls.admin]\narrival = {{ kind = \"constant\", rate = \"1/s\" }}\nmix = {{ {mix} }}\n"
        ))
    };
    let script = |steps: &str| told(&format!("[calls.life]\nscript = [{steps}]\n"));
    let create = "{ do = \"create-stream\" }";
    for (told, expected) in [
        (mix("LstShards = 1"), "did you mean `ListShards`?"),
        (
            mix("\"ListShards:missing-steam\" = 1"),
            "did you mean `missing-stream`?",
        ),
        (
            mix("\"DescribeLimits:missing-stream\" = 1"),
            "it cannot be loaded so that it must be refused",
        ),
        (
            mix("SubscribeToShard = 1"),
            "its answer is a stream of events",
        ),
        (
            mix("SplitShard = 1"),
            "the step `{ do = \"split-shard\" }` of a script",
        ),
        (
            mix("StartStreamEncryption = 1"),
            "the step `{ do = \"call\", operation = \"StartStreamEncryption\" }`",
        ),
        (
            mix("ListShards = 0"),
            "`calls.admin.mix.ListShards` is `0`, not a number above 0",
        ),
        (
            script("{ do = \"split-shard\" }"),
            "a script begins with `do = \"create-stream\"`",
        ),
        (
            script(&format!("{create}, {create}")),
            "a script makes one stream",
        ),
        (
            script(&format!(
                "{create}, {{ do = \"delete-stream\" }}, {{ do = \"split-shard\" }}"
            )),
            "after `delete-stream` a script can only wait",
        ),
        (
            script(&format!(
                "{create}, {{ do = \"wait\", until = \"deleted\" }}"
            )),
            "nobody has deleted the stream",
        ),
        (
            script(&format!("{create}, {{ do = \"splitt-shard\" }}")),
            "did you mean `split-shard`?",
        ),
        (
            told("[calls.admin]\nworkers = 1\n"),
            "needs `mix` or `script`",
        ),
        (
            told("[calls.admin]\nmix = { ListShards = 1 }\n"),
            "needs `arrival`",
        ),
        (told(""), "it needs `producers`, `calls` or `consumers`"),
        (
            told(
                "[calls.a]\narrival = { kind = \"constant\", rate = \"1/s\" }\nmix = { ListShards = 1 }\n[slo]\nx = { metric = \"calls.a.ListShard.response_time.p99\", max = \"1s\" }\n",
            ),
            "did you mean `ListShards`?",
        ),
        (
            told(
                "[calls.a]\narrival = { kind = \"constant\", rate = \"1/s\" }\nmix = { PutRecord = 1 }\n[producers.web]\narrival = { kind = \"constant\", rate = \"1/s\" }\nkeys = { kind = \"single\" }\nsize = { kind = \"fixed\", bytes = \"100B\" }\n",
            ),
            "puts records without a stamp",
        ),
    ] {
        assert!(told.contains(expected), "{expected}:\n{told}");
        assert!(
            told.contains("calls.toml:") || told.contains("-->"),
            "{told}"
        );
    }
}

#[test]
fn a_closed_loop_of_calls_that_take_no_time_cannot_be_simulated() {
    let closed = |mix: &str, latency: &str| {
        let tables = format!(
            "[engine]\nlatency = \"{latency}\"\n[calls.admin]\narrival = {{ kind = \"closed\", outstanding = 2 }}\nmix = {{ {mix} }}\n"
        );
        let source = Source {
            path: "calls.toml".to_owned(),
            text: text(&tables),
        };
        let loaded = load(&source, &[]).unwrap_or_else(|problems| panic!("{problems}"));
        check_simulated(&loaded.scenario).len()
    };
    assert_eq!(closed("ListShards = 1", "none"), 1);
    assert_eq!(closed("ListShards = 1", "modelled"), 0);
    // What the front door refuses takes no time, whatever is modelled.
    assert_eq!(closed("\"ListShards:bad-argument\" = 1", "modelled"), 1);
}

/// 20 calls/s that take 100 ms each, one at a time: half of them find the place taken, ever longer.
#[test]
fn calls_that_wait_for_a_slot_are_told_with_the_load_whose_bound_it_is() {
    let folder = out();
    let tables = r#"
[engine]
limits = "off"
latency = { base = "none", control = "100ms" }

[calls.admin]
arrival = { kind = "constant", rate = "20/s" }
max_in_flight = 1
mix = { ListShards = 1 }
"#;
    let path = written(folder.path(), tables);
    let run = simulate(folder.path(), &path, &[]);
    every_call_has_one_ending(&run);
    let load = &run.report.calls["admin"];
    let waits = load.slot_waits.expect("they waited");
    assert_eq!(waits.records, load.ledger.measure.intended);
    assert!(waits.max_us > 8_000_000, "{waits:?}");
    let reasons = &run.report.verdict.reasons;
    let slots = reasons.iter().find(|reason| reason.code == "slots");
    let slots = slots.expect("the slots are told");
    assert_eq!(slots.status, Status::Degraded);
    assert!(
        slots
            .text
            .contains("`max_in_flight = 1` load `admin` is the bottleneck"),
        "{}",
        slots.text
    );
    let enough = simulate(
        folder.path(),
        &path,
        &["--set", "calls.admin.max_in_flight=4"],
    );
    assert_eq!(enough.report.calls["admin"].slot_waits, None);
    assert!(enough.report.verdict.reasons.is_empty());
}
