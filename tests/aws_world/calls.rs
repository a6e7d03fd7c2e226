//! Loads of API calls on AWS: whose streams they make, and what they may do to those that were there.

use super::world::World;

/// The rehearsal's scenario with a load instead of a producer that stamps.
const SCRIPT: &str = r#"
[calls.life]
workers = 2
script = [{ do = "create-stream" }, { do = "wait" }, { do = "split-shard" }, { do = "wait" }]
"#;

#[test]
fn streams_of_scripts_are_noted_tagged_and_gone_when_the_run_is_over() {
    let world = World::new();
    world.extend(SCRIPT);
    let ended = world.run(&[]);
    assert!(matches!(ended.code, Some(0 | 1 | 3)), "{}", ended.stderr);
    assert!(world.streams().is_empty(), "{:?}", world.streams());
    let resources = world.result("resources.json");
    let run = resources["run"].as_str().expect("the run has a number");
    let streams = resources["streams"].as_array().expect("a list");
    let mut names: Vec<_> = streams.iter().filter_map(|s| s["name"].as_str()).collect();
    names.sort_unstable();
    let stem = format!("streamgauge-rehearsal-{run}");
    assert_eq!(
        names,
        [
            stem.clone(),
            format!("{stem}-life-0-1"),
            format!("{stem}-life-1-1")
        ]
    );
    assert!(streams.iter().all(|stream| stream["state"] == "deleted"));
    let scripts = &world.result("report.json")["calls"]["life"]["scripts"];
    assert_eq!(scripts["begun"], 2);
    assert_eq!(scripts["completed"], 2);
    assert!(
        ended.stderr.contains("shard-hours of scripts"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_killed_script_leaves_a_tagged_stream_that_sweep_removes() {
    let world = World::new();
    // It waits for a state that it has, again and again, and never deletes.
    let steps = "{ do = \"call\", operation = \"ListShards\" }, ".repeat(400);
    world.extend(&format!(
        "[calls.life]\nscript = [{{ do = \"create-stream\" }}, {{ do = \"wait\" }}, {steps}]\n"
    ));
    let arguments = ["run", "rehearsal.toml", "--quiet", "--target", "mine"];
    let longer = ["--set", "time.measure=60s"];
    let mut program = world.program(&[&arguments[..], &longer].concat());
    let mut child = program.spawn().expect("the program starts");
    let name = world.wait_for("the script's stream", || {
        world
            .streams()
            .into_iter()
            .find(|name| name.contains("-life-0-"))
    });
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    let tags = world.tags(&name);
    let run = tags["streamgauge.run"].clone();
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--run", &run, "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(world.streams().is_empty());
}

#[test]
fn calls_that_change_an_existing_stream_are_refused_without_its_permit() {
    let world = World::new();
    world.create("ours", &[]);
    world.extend(
        "[streams.ours]\nshards = 1\nexisting = true\n[calls.admin]\non = \"ours\"\narrival = { kind = \"constant\", rate = \"5/s\" }\nmix = { ListShards = 1, TagResource = 1 }\n",
    );
    let more = [
        "--set",
        "producers.web.stream=orders",
        "--set",
        "consumers.billing.stream=orders",
    ];
    let ended = world.run(&more);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let arn = World::arn("ours");
    assert!(
        ended.stderr.contains(&format!(
            "`calls.admin` calls TagResource on `{arn}`, which was there before: allow it with `--allow-write {arn}`"
        )),
        "{}",
        ended.stderr
    );
    let permitted = [&more[..], &["--allow-write", &arn]].concat();
    let ended = world.run(&permitted);
    assert!(matches!(ended.code, Some(0 | 1 | 3)), "{}", ended.stderr);
    assert_eq!(world.tags("ours")["streamgauge.load"], "1");
    assert_eq!(world.streams(), ["ours"]);
}
