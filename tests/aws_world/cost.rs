//! What a run may cost.

use super::world::World;

#[test]
fn a_run_that_may_cost_more_than_its_cap_is_refused_before_anything_is_created() {
    let world = World::new();
    // One shard owes an hour: 0.015 USD, three times where there is no list.
    let ended = world.run(&["--max-cost", "0.0449"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("--max-cost"), "{}", ended.stderr);
    assert!(ended.stderr.contains("list of 20"), "{}", ended.stderr);
    assert!(world.streams().is_empty() && world.results().is_empty());
    // 70,000 shards would cost a thousand dollars: nobody has to say a cap to be asked.
    let ended = world.run(&["--set", "streams.orders.shards=70000"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("5.00 USD"), "{}", ended.stderr);
}

#[test]
fn a_run_whose_counts_reach_the_cap_stops_with_complete_results() {
    // Without limits the closed loop stores far more than the shards of the estimate would take.
    let world = World::with(&["--credentials", "keys", "--limits", "off"]);
    let ended = world.run(&[
        "--set",
        "time.measure=40s",
        "--set",
        "producers.web.arrival={ kind = \"closed\", outstanding = 1000 }",
        "--max-cost",
        "0.0468",
    ]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let report = world.result("report.json");
    assert_eq!(report["aws"]["stopped_by_max_cost"], true);
    assert_eq!(report["instrument"]["interrupted"], true);
    let measured = report["instrument"]["measure_s"].as_f64();
    assert!(
        measured.is_some_and(|seconds| seconds < 40.0),
        "{measured:?}"
    );
    let cost = report["aws"]["cost"]["usd"].as_f64();
    assert!(cost.is_some_and(|usd| usd >= 0.0468), "{cost:?}");
    let total = &report["ledger"]["producers"]["web"]["total"];
    let of = |column: &str| total[column].as_u64().expect("a count");
    assert_eq!(
        of("intended"),
        of("not_sent") + of("acked") + of("throttled") + of("failed") + of("unknown")
    );
    assert!(of("acked") > 40_000, "{total}");
    assert!(
        ended.stdout.contains("had reached that"),
        "{}",
        ended.stdout
    );
    assert!(world.streams().is_empty());
}

#[test]
fn a_run_on_a_stream_of_its_own_in_on_demand_mode_is_billed_by_the_gigabyte() {
    let world = World::new();
    let ended = world.run(&["--set", "streams.orders={ mode = \"on-demand\" }"]);
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.stderr);
    let report = world.result("report.json");
    assert_eq!(report["shards"].as_array().map(Vec::len), Some(4));
    for bill in ["estimate", "cost"] {
        let lines = report["aws"][bill]["lines"].as_array().expect("lines");
        let items: Vec<_> = lines.iter().map(|line| line["item"].as_str()).collect();
        let wanted = [Some("stream-hours"), Some("GB in"), Some("GB out")];
        assert_eq!(items, wanted, "{bill}");
    }
    assert!(world.streams().is_empty());
}
