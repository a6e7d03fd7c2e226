//! A seed gives the same bytes; another seed gives others; and what a simulation says, a real run confirms.

mod support;

use std::path::Path;

use serde_json::Value;
use streamgauge::measure::Status;
use support::folder::{self, names};
use support::{Run, report_in, run_real, shipped, simulate, streamgauge};
use tempfile::TempDir;

fn out() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|problem| panic!("{name}: {problem}"))
}

/// Every file is the same to the byte, but for the command line, which holds the place of the results.
fn same_bytes(one: &Path, other: &Path) {
    let files = names(one);
    assert_eq!(files, names(other));
    assert!(files.len() >= 10, "{files:?}");
    for name in files.iter().filter(|name| *name != "command.txt") {
        assert!(read(one, name) == read(other, name), "{name} differs");
    }
}

fn a_seed_repeats(scenario: &str, more: &[&str]) {
    let (first, second, third) = (out(), out(), out());
    let run = simulate(first.path(), scenario, more);
    folder::agrees_with_itself(&run);
    assert!(run.report.environment.is_none(), "nothing of the host");
    let again = simulate(second.path(), scenario, more);
    same_bytes(&run.folder, &again.folder);
    let seed = (run.report.seed + 1).to_string();
    let other = simulate(third.path(), scenario, &[more, &["--seed", &seed]].concat());
    assert_eq!(other.report.seed, run.report.seed + 1);
    for name in ["report.json", "run.hlog", "intervals.csv", "integrity.bin"] {
        assert!(
            read(&run.folder, name) != read(&other.folder, name),
            "{name} does not depend on the seed"
        );
    }
}

#[test]
fn a_seed_repeats_hot_key_to_the_byte() {
    a_seed_repeats(&shipped("hot-key"), &[]);
}

#[test]
fn a_seed_repeats_throttle_edge_to_the_byte() {
    a_seed_repeats(&shipped("throttle-edge"), &[]);
}

#[test]
fn a_seed_repeats_a_reshard_under_load_to_the_byte() {
    a_seed_repeats(&shipped("reshard-under-load"), &[]);
}

#[test]
fn a_seed_repeats_fan_out_beside_polling_to_the_byte() {
    a_seed_repeats(&shipped("fan-out"), &[]);
    // Subscriptions that end and begin again, and shards that do.
    let pushed = [
        "--set",
        "consumers.billing={ kind = \"fan-out\" }",
        "--set",
        "engine.limits={ subscription_seconds = 3 }",
        "--set",
        "engine.latency={ fan_out = { p50 = \"5ms\", p99 = \"30ms\" } }",
    ];
    a_seed_repeats(&shipped("reshard-under-load"), &pushed);
}

#[test]
fn a_seed_repeats_modelled_delays_to_the_byte() {
    let modelled = ["--set", "engine.latency=modelled"];
    a_seed_repeats(&shipped("hot-key"), &modelled);
    a_seed_repeats(&shipped("first-run"), &modelled);
}

#[test]
fn modelled_delays_are_in_the_latencies_and_in_nothing_else() {
    let (plain, modelled) = (out(), out());
    let without = simulate(plain.path(), &shipped("first-run"), &[]).report;
    let with = simulate(
        modelled.path(),
        &shipped("first-run"),
        &["--set", "engine.latency=modelled"],
    );
    let with = with.report;
    assert_eq!(
        with.ledger.producers["web"].total,
        without.ledger.producers["web"].total
    );
    let service = |report: &streamgauge::report::Document| {
        report.latency.producers["web"][&streamgauge::measure::LatencyKind::ServiceTime].p50_us
    };
    assert_eq!(service(&without), 0);
    assert!(service(&with) > 1_000, "{} us", service(&with));
}

/// A real run refuses the share of attempts, and accepts the share of records, that the simulation foretold.
fn a_real_run_confirms_the_simulation(scenario: &str, more: &[&str]) {
    let (real_out, simulated_out) = (out(), out());
    let simulated = simulate(simulated_out.path(), scenario, more);
    let share = simulated.rejected_share();
    assert!(share > 0.02, "nothing to compare: {share}");
    let accepted = |run: &Run| run.report.producers["web"].accepted_share;
    let foretold = accepted(&simulated);
    let whole = |run: &Run| run.report.ledger.producers["web"].total.accepted_share();
    run_real(
        real_out.path(),
        scenario,
        more,
        |run| {
            folder::ledgers_balance(run);
            // The schedule and the keys come from the seed, whatever the world.
            let intended = |run: &Run| run.report.ledger.producers["web"].total.intended;
            assert_eq!(intended(run), intended(&simulated));
        },
        |run| {
            // Retries that a busy host sends late meet another moment of the shard.
            let apart = if run.disturbed() { 0.03 } else { 0.01 };
            for (what, real, virtual_) in [
                ("rejected attempts", run.rejected_share(), share),
                ("accepted in the window", accepted(run), foretold),
                ("accepted in the whole run", whole(run), whole(&simulated)),
            ] {
                assert!(
                    (real - virtual_).abs() <= apart,
                    "{what}: {real} in real time, {virtual_} simulated"
                );
            }
        },
    );
}

#[test]
fn a_real_run_confirms_the_simulated_refusals_of_hot_key() {
    a_real_run_confirms_the_simulation(&shipped("hot-key"), &[]);
}

#[test]
fn a_real_run_confirms_the_simulated_refusals_of_throttle_edge() {
    a_real_run_confirms_the_simulation(&shipped("throttle-edge"), &[]);
}

#[test]
fn a_real_run_confirms_the_simulated_refusals_by_bytes() {
    // 1.37 MiB/s for a shard that takes 1 MiB/s, at less than its 1,000 records/s.
    let more = [
        "--set",
        "streams.orders.shards=1",
        "--set",
        "producers.web.arrival.rate=700/s",
        "--set",
        "producers.web.size={ kind = \"fixed\", bytes = \"2KiB\" }",
        "--set",
        "time.measure=8s",
    ];
    let out = out();
    let run = simulate(out.path(), &shipped("first-run"), &more);
    assert!(!run.report.throttling.is_empty());
    for row in &run.report.throttling {
        assert_eq!(row.row.cause, streamgauge::kinesis::Cause::WriteBytes);
    }
    a_real_run_confirms_the_simulation(&shipped("first-run"), &more);
}

#[test]
fn repetitions_take_the_seeds_that_follow_and_are_the_runs_of_those_seeds() {
    let (together, apart) = (out(), out());
    let scenario = shipped("hot-key");
    let path = |out: &TempDir| out.path().display().to_string();
    let ended = streamgauge([
        "simulate",
        &scenario,
        "--repeat",
        "2",
        "--seed",
        "40",
        "--out",
        &path(&together),
    ]);
    let folders: Vec<_> = ended
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("Results: "))
        .map(Path::new)
        .collect();
    assert_eq!(folders.len(), 2, "{}", ended.stdout);
    for (folder, seed) in folders.into_iter().zip([40, 41]) {
        assert_eq!(report_in(folder).seed, seed);
        let one = simulate(apart.path(), &scenario, &["--seed", &seed.to_string()]);
        same_bytes(folder, &one.folder);
    }
}

#[test]
fn the_scenario_in_a_results_folder_repeats_its_run() {
    let (first, second) = (out(), out());
    let changed = ["--set", "producers.web.arrival.rate=900/s", "--repeat", "2"];
    let run = simulate(first.path(), &shipped("first-run"), &changed);
    let kept = run.folder.join("scenario.toml");
    let again = simulate(second.path(), kept.to_str().expect("a plain name"), &[]);
    same_bytes(&run.folder, &again.folder);
}

#[test]
fn five_minutes_of_a_hot_key_simulate_and_balance() {
    let out = out();
    let more = [
        "--set",
        "time.measure=5m",
        "--set",
        "engine.max_memory=64MiB",
    ];
    let run = simulate(out.path(), &shipped("hot-key"), &more);
    folder::agrees_with_itself(&run);
    assert_eq!(
        run.report.verdict.status,
        Status::Valid,
        "{:?}",
        run.report.verdict
    );
    let ledger = run.report.ledger.producers["web"];
    // 300 s of 2,400/s, Poisson: 720,000 with a standard deviation of 849.
    assert!(
        ledger.measure.intended.abs_diff(720_000) < 4 * 849,
        "{ledger:#?}"
    );
    // One shard at its limit, three with the rest: 1,000 + 2,400 x 0.45 records/s.
    let acked_per_s = run.report.producers["web"].acked_records_per_s;
    assert!((acked_per_s - 2_080.0).abs() < 20.0, "{acked_per_s}");
}

#[test]
fn a_simulated_report_says_so_wherever_it_is_read() {
    let out = out();
    let run = simulate(out.path(), &shipped("first-run"), &[]);
    let report: Value = serde_json::from_slice(&read(&run.folder, "report.json")).expect("JSON");
    assert_eq!(report["world"], "simulated");
    assert_eq!(report["basis"], "simulated");
    assert!(run.ended.stdout.contains("simulated on a virtual clock"));
    let log = String::from_utf8(read(&run.folder, "run.hlog")).expect("text");
    assert!(
        log.lines().next().expect("a head").ends_with("simulated"),
        "{log}"
    );
}

/// A tenth of the service's rate for each shard, so that a load takes few records.
const RAMP: &str = r#"schema = 1
name = "on-demand-ramp"

[time]
warm_up = "0s"
measure = "18m"
drain = "10s"

[streams.orders]
mode = "on-demand"

[engine]
limits = { write_records = { per_s = 100, capacity = 100 } }

[producers.web]
arrival = { kind = "ramp", from = "100/s", to = "280/s", over = "4m", spacing = "constant" }
keys = { kind = "uniform", population = 10_000 }
size = { kind = "fixed", bytes = "100B" }

[consumers.billing]
kind = "polling"
interval = "1s"

[consumers.push]
kind = "fan-out"
"#;

#[test]
fn a_ramp_splits_the_four_shards_of_an_on_demand_stream_within_15_minutes_and_loses_nothing() {
    let out = out();
    let path = out.path().join("ramp.toml");
    std::fs::write(&path, RAMP).expect("the folder is there");
    let run = simulate(out.path(), path.to_str().expect("a plain name"), &[]);
    folder::agrees_with_itself(&run);
    // A shard has a quarter of the load: above half of its 100 records/s from 200 records/s on, after 133 s. The minute
    // that shows it is judged, and the split comes 10 minutes later (`on_demand_split_seconds`).
    let shards = &run.report.shards;
    let born: Vec<_> = shards.iter().filter_map(|row| row.opened_s).collect();
    assert_eq!((shards.len(), born.len()), (12, 8), "{shards:#?}");
    for opened in born {
        assert!(
            (133.0 + 600.0..133.0 + 900.0).contains(&opened),
            "{opened} s"
        );
    }
    assert!(shards.iter().take(4).all(|row| row.closed_s.is_some()));
    assert!(run.report.throttling.is_empty());
    for (name, ledger) in &run.report.ledger.consumers {
        let total = &ledger.total;
        assert_eq!(total.delivered, total.acked, "{name}");
        assert_eq!((total.lost, total.out_of_order), (0, 0), "{name}");
    }
}

#[test]
fn an_even_load_stays_even_over_reshards_and_the_shards_add_up_to_the_ledger() {
    const SCENARIO: &str = r#"schema = 1
name = "even"
seed = 3
[time]
warm_up = "2s"
measure = "20s"
drain = "5s"
[streams.s]
shards = 2
[producers.web]
arrival = { kind = "poisson", rate = "900/s" }
keys = { kind = "unique" }
size = { kind = "fixed", bytes = "100B" }
[consumers.c]
kind = "polling"
[events.double]
at = "measure+6s"
do = "update-shard-count"
target = 4
"#;
    let folder = out();
    let file = folder.path().join("even.toml");
    std::fs::write(&file, SCENARIO).unwrap();
    let results = out();
    let run = simulate(results.path(), file.to_str().unwrap(), &[]);
    let report = &run.report;
    assert_eq!(report.shards.len(), 6);
    let window = report.ledger.producers["web"].measure;
    let sum = |of: fn(&streamgauge::measure::ShardTotals) -> u64| {
        report.shards.iter().map(|row| of(&row.totals)).sum::<u64>()
    };
    assert_eq!(sum(|totals| totals.offered), window.intended);
    assert_eq!(sum(|totals| totals.acked), window.acked);
    assert_eq!(sum(|totals| totals.acked_bytes), window.acked_bytes);
    let even: f64 = report
        .shards
        .iter()
        .map(|row| row.even.unwrap().records)
        .sum();
    assert!((even - window.intended as f64).abs() < 1e-6, "{even}");
    // Between 2,700 and 6,000 records a shard: some 2 % of chance each.
    let balance = report.balance["s"].records;
    assert!(balance.coefficient_of_variation < 0.05, "{balance:?}");
    assert!((0.99..1.1).contains(&balance.max_over_mean), "{balance:?}");
    let told = streamgauge(["report", run.folder.to_str().unwrap()]).stdout;
    assert!(told.contains("of the shards open beside it"), "{told}");
}

#[test]
fn a_load_above_twice_the_capacity_is_refused_until_an_on_demand_stream_has_grown() {
    let out = out();
    let path = out.path().join("jump.toml");
    let ramp = "{ kind = \"ramp\", from = \"100/s\", to = \"280/s\", over = \"4m\", spacing = \"constant\" }";
    assert!(RAMP.contains(ramp));
    let jump = RAMP.replace(ramp, "{ kind = \"constant\", rate = \"500/s\" }");
    std::fs::write(&path, jump).expect("the folder is there");
    let run = simulate(out.path(), path.to_str().expect("a plain name"), &[]);
    let rows = folder::intervals(&run);
    let refused_after = |from: f64| {
        let late = rows.iter().filter(|row| {
            let start: f64 = row["interval_start_s"].parse().expect("seconds");
            start >= from
        });
        folder::sum(&late.cloned().collect::<Vec<_>>(), "refused_write_records")
    };
    // 500 records/s are a quarter more than 4 shards take, and 8 take 800.
    assert!(refused_after(0.0) > 10_000);
    assert_eq!(refused_after(900.0), 0);
}

#[test]
fn what_the_engine_gave_up_for_memory_is_trimmed_to_a_subscriber_and_not_lost() {
    let out = out();
    let path = out.path().join("small-memory.toml");
    let text = r#"
        schema = 1
        name = "small-memory"
        [time]
        measure = "20s"
        [engine]
        max_memory = "1MiB"
        [streams.orders]
        shards = 1
        [producers.web]
        arrival = { kind = "constant", rate = "100/s" }
        keys = { kind = "single" }
        size = { kind = "fixed", bytes = "1000B" }
        [consumers.polling]
        kind = "polling"
        interval = "250ms"
        [consumers.pushed]
        kind = "fan-out"
    "#;
    std::fs::write(&path, text).expect("there is room");
    let run = simulate(out.path(), path.to_str().expect("a plain name"), &[]);
    for consumer in ["polling", "pushed"] {
        let read = run.report.ledger.consumers[consumer].total;
        assert!(read.trimmed_unread > 0, "{consumer}: {read:?}");
        assert_eq!((read.lost, read.unread), (0, 0), "{consumer}: {read:?}");
    }
}
