//! Fan-out consumers of streams that stay: allowed, tagged, noted, and taken away.

use std::process::Child;

use super::world::World;

/// As a scenario must be to write to `orders`, which is there, and to be pushed from it.
const EXISTING: [&str; 6] = [
    "--set",
    "streams.orders.existing=true",
    "--set",
    "producers.web.payload={ kind = \"random\", stamp = \"none\" }",
    "--set",
    "consumers.billing={ kind = \"fan-out\" }",
];

/// Starts a run on `orders` and waits until its consumer is registered; gives the consumer's ARN too.
fn started(world: &World) -> (Child, String) {
    world.create("orders", &[]);
    let arn = World::arn("orders");
    let child = world.start_with(&[&EXISTING[..], &["--allow-write", &arn]].concat());
    let (name, arn) = world
        .consumers("orders")
        .pop()
        .expect("records come after it");
    assert!(name.starts_with("streamgauge-"), "{name}");
    (child, arn)
}

#[test]
fn a_consumer_of_an_existing_stream_needs_no_permit_and_goes_with_its_run() {
    let world = World::new();
    world.create("orders", &[]);
    let arn = World::arn("orders");
    let ended = world.run(&[&EXISTING[..], &["--allow-write", &arn]].concat());
    assert!(
        matches!(ended.code, Some(0 | 3)),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    assert!(
        ended.stderr.contains("consumer arn:aws:kinesis"),
        "{}",
        ended.stderr
    );
    let report = world.result("report.json");
    assert_eq!(report["consumers"]["billing"]["kind"], "fan-out");
    assert_eq!(report["consumers"]["billing"]["deliveries"], 200);
    let lines = report["aws"]["cost"]["lines"].as_array().expect("lines");
    let items: Vec<_> = lines.iter().map(|line| line["item"].as_str()).collect();
    assert!(items.contains(&Some("consumer-shard-hours")), "{items:?}");
    let resources = world.result("resources.json");
    assert_eq!(resources["consumers"][0]["state"], "deleted");
    assert_eq!(resources["streams"].as_array().map(Vec::len), Some(0));
    assert!(world.consumers("orders").is_empty());
    assert_eq!(world.streams(), ["orders"]);
}

#[test]
fn an_interrupted_run_takes_its_consumer_with_it() {
    use rustix::process::{Pid, Signal, kill_process};

    let world = World::new();
    let (child, _) = started(&world);
    kill_process(Pid::from_child(&child), Signal::INT).expect("the child is ours");
    let output = child.wait_with_output().expect("it has ended");
    assert_eq!(output.status.code(), Some(130));
    assert!(world.consumers("orders").is_empty());
}

#[test]
fn a_killed_run_leaves_a_tagged_consumer_that_sweep_finds_and_removes() {
    let world = World::new();
    let (mut child, arn) = started(&world);
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    let resources = world.result("resources.json");
    let run = resources["run"].as_str().expect("the run has a number");
    assert_eq!(resources["consumers"][0]["arn"], arn);
    assert_eq!(resources["consumers"][0]["state"], "created");
    assert_eq!(world.consumer_tags(&arn)["streamgauge.run"], run);
    // Its time is not over.
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(world.consumers("orders").len(), 1);
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--run", run, "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let line = format!("consumer streamgauge-{run}-billing of orders: deleted (its run was named)");
    assert!(ended.stdout.contains(&line), "{}", ended.stdout);
    assert!(world.consumers("orders").is_empty());
    assert_eq!(world.streams(), ["orders"]);
}
