//! Two hosts that make one run on AWS.

use std::process::Child;

use streamgauge::base::Clock;

use super::world::World;

fn start(world: &World, which: &str, at: &str, out: &str) -> Child {
    let run = ["run", "rehearsal.toml", "--quiet", "--target", "mine"];
    let part = [
        "--worker",
        which,
        "--start-at",
        at,
        "--run",
        "0badcafe",
        "--out",
        out,
    ];
    let mut program = world.program(&[&run[..], &part[..]].concat());
    program.spawn().expect("the program starts")
}

#[test]
fn two_hosts_share_the_streams_of_the_first_and_their_merged_bill_counts_the_hours_once() {
    let world = World::new();
    let at = jiff::Timestamp::from_second(Clock::real().now().as_secs() as i64 + 8);
    let at = at.expect("a time of today").to_string();
    let parts = [
        start(&world, "1/2", &at, "first"),
        start(&world, "2/2", &at, "second"),
    ];
    for (part, number) in parts.into_iter().zip(1..) {
        let output = part.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr);
        // A busy machine may make it VOID.
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{number}: {told}"
        );
        let arn = World::arn("streamgauge-rehearsal-0badcafe");
        assert!(told.contains(&format!("stream {arn}")), "{number}: {told}");
    }
    assert!(world.streams().is_empty(), "{:?}", world.streams());
    let merged = world.streamgauge(&["merge", "first/latest", "second/latest"]);
    assert!(matches!(merged.code, Some(0 | 1 | 3)), "{}", merged.stderr);
    let report = world.result("report.json");
    let sent = &report["ledger"]["producers"]["web"]["total"];
    let lines = report["aws"]["cost"]["lines"].as_array().expect("a bill");
    let quantity = |item: &str| {
        let line = lines.iter().find(|line| line["item"] == item);
        let quantity = line.and_then(|line| line["quantity"].as_f64());
        // Whole ones, both.
        quantity.expect("it is billed") as u64
    };
    assert_eq!(
        quantity("PUT payload units"),
        sent["acked_put_units"].as_u64().expect("a count")
    );
    let shards = report["shards"].as_array().expect("its shards").len();
    assert_eq!(quantity("shard-hours"), shards as u64);
    let workers = report["workers"].as_array().expect("both");
    let acked: u64 = workers
        .iter()
        .filter_map(|worker| worker["acked"].as_u64())
        .sum();
    assert!(
        workers.len() == 2 && Some(acked) == sent["acked"].as_u64(),
        "{workers:?}"
    );
}
