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

#[test]
fn packed_records_are_billed_by_the_kinesis_records_that_the_service_counts() {
    let world = World::new();
    let ended = world.run(&[
        "--set",
        "streams.orders={ mode = \"on-demand\" }",
        "--set",
        "producers.web.arrival={ kind = \"constant\", rate = \"4000/s\" }",
        "--set",
        "producers.web.size={ kind = \"fixed\", bytes = \"60B\" }",
        "--set",
        "producers.web.send={ preset = \"kpl\" }",
        "--set",
        "consumers.billing={ kind = \"fan-out\" }",
    ]);
    let report = world.result("report.json");
    let total = &report["ledger"]["producers"]["web"]["total"];
    let kinesis = |column: &str| {
        let count = total["kinesis_records"][column].as_f64();
        count.expect("a count")
    };
    let packed = kinesis("acked") * 10.0;
    assert!(
        packed < total["acked"].as_f64().expect("a count"),
        "{}",
        ended.stderr
    );
    let quantity = |bill: &str, item: &str| {
        let lines = report["aws"][bill]["lines"].as_array().expect("lines");
        let line = lines.iter().find(|line| line["item"] == item);
        let quantity = line.and_then(|line| line["quantity"].as_f64());
        quantity.expect("it is billed") * 1e9
    };
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6 * b;
    if kinesis("unknown") == 0.0 {
        let rounded = kinesis("acked_kilobytes") * 1e3;
        assert!(near(quantity("cost", "GB in"), rounded), "{report}");
        let bytes = kinesis("acked_bytes");
        assert!(near(quantity("cost", "GB by fan-out"), bytes), "{report}");
    }
    // What was told before is the most, and not what 4,000 records of a kilobyte each would come to.
    for item in ["GB in", "GB by fan-out"] {
        let (told, billed) = (quantity("estimate", item), quantity("cost", item));
        assert!(told >= billed && told < 1e6, "{item}: {told}, {billed}");
    }
}
