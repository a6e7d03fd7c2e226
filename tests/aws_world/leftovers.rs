//! What runs leave behind, and what `sweep` does with it.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use streamgauge::run::guard::Pins;
use streamgauge::run::owned::{Label, Owned};
use streamgauge::scenario::created::new_stream;
use streamgauge::scenario::targets::TargetSpec;
use streamgauge::scenario::{Source, load};
use streamgauge::target::sdk::connect;

use super::world::{ACCOUNT, REGION, World};

const PAST: &str = "20200101T000000Z";
const FUTURE: &str = "29990101T000000Z";

#[test]
fn a_killed_run_leaves_a_tagged_stream_that_sweep_finds_and_removes() {
    let world = World::new();
    let mut child = world.start();
    child.kill().expect("it is killed");
    child.wait().expect("it has ended");
    let left = world.streams();
    let resources = world.result("resources.json");
    let run = resources["run"].as_str().expect("the run has a number");
    let name = format!("streamgauge-rehearsal-{run}");
    assert_eq!(left, [name.as_str()]);
    assert_eq!(resources["streams"][0]["name"], name);
    assert_eq!(resources["streams"][0]["state"], "created");
    let tags = world.tags(&name);
    assert_eq!(tags["streamgauge.run"], run);
    assert_eq!(tags["streamgauge.owner"], format!("{ACCOUNT}/user/tester"));
    assert!(tags["streamgauge.expires"].ends_with('Z'), "{tags:?}");

    // Its time is not over: it might be somebody's run that goes on.
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.contains(&format!("--run {run}")),
        "{}",
        ended.stdout
    );
    assert_eq!(world.streams(), [name.as_str()]);
    // Nobody is there to agree.
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--run", run]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let dry = world.streamgauge(&["sweep", "--target", "mine", "--run", run, "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stdout.contains("1 to be deleted"), "{}", dry.stdout);
    assert_eq!(world.streams(), [name.as_str()]);

    let ended = world.streamgauge(&["sweep", "--target", "mine", "--run", run, "--yes", "--json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let told: Value = serde_json::from_str(&ended.stdout).expect("it is JSON");
    assert_eq!(told["streams"][0]["action"], "deleted");
    assert_eq!(told["account"], ACCOUNT);
    assert!(world.streams().is_empty());
}

#[test]
fn sweep_touches_neither_untagged_streams_nor_those_of_runs_that_may_go_on() {
    let world = World::new();
    let of = |run, expires| [("streamgauge.run", run), ("streamgauge.expires", expires)];
    world.create("orders", &of("0000000a", PAST));
    world.create("streamgauge-untagged", &[]);
    world.create("streamgauge-x-0000000b", &of("0000000b", FUTURE));
    world.create("streamgauge-x-0000000c", &of("0000000c", PAST));
    world.create("streamgauge-x-0000000d", &[("streamgauge.run", "0000000d")]);
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--expired", "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stdout
            .contains("1 deleted, 0 to be deleted, 3 kept, 0 failed"),
        "{}",
        ended.stdout
    );
    let kept = [
        "orders",
        "streamgauge-untagged",
        "streamgauge-x-0000000b",
        "streamgauge-x-0000000d",
    ];
    assert_eq!(world.streams(), kept);
    // A run that was named goes alone.
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--run", "0000000b", "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        world.streams(),
        ["orders", "streamgauge-untagged", "streamgauge-x-0000000d"]
    );
}

/// Whether the tests were begun under `nohup` or the like, which what they start inherits: it goes on then, as it should.
fn hang_ups_are_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1)
}

#[test]
fn an_interrupted_run_takes_its_stream_with_it() {
    let hang_up = (!hang_ups_are_ignored()).then_some(Signal::HUP);
    for signal in [Signal::INT, Signal::TERM].into_iter().chain(hang_up) {
        let world = World::new();
        let child = world.start();
        kill_process(Pid::from_child(&child), signal).expect("the child is ours");
        let output = child.wait_with_output().expect("it has ended");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        assert!(world.streams().is_empty(), "{stderr}");
        assert_eq!(
            world.result("resources.json")["streams"][0]["state"],
            "deleted"
        );
        assert_eq!(
            world.result("report.json")["instrument"]["interrupted"],
            true
        );
    }
}

/// The way of panics: nobody calls `delete`, and the value is dropped while the thread unwinds.
#[test]
fn streams_of_a_run_that_panics_are_deleted() {
    // Whatever this process has for credentials is taken.
    let world = World::with(&[]);
    let folder = world.path().to_owned();
    let spec = TargetSpec {
        region: Some(REGION.to_owned()),
        ..TargetSpec::endpoint(&world.url).expect("it is a URL")
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let sdk = Arc::new(runtime.block_on(connect(&spec)).expect("it connects"));
    let text = std::fs::read_to_string(folder.join("rehearsal.toml")).expect("the scenario");
    let path = "rehearsal.toml".to_owned();
    let scenario = load(&Source { path, text }, &[])
        .expect("it is valid")
        .scenario;
    let label = Label {
        run: "0000000e".to_owned(),
        scenario: "rehearsal".to_owned(),
        target: "mine".to_owned(),
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        owner: format!("arn:aws:iam::{ACCOUNT}:root"),
        expires: FUTURE.to_owned(),
    };
    let pins = Pins {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
    };
    let name = "streamgauge-panic".parse().expect("a name");
    let (wanted, hours) = new_stream(&scenario.streams["orders"], &name);
    let mut owned = Owned::new(Arc::clone(&sdk), &folder, label);
    let caught = catch_unwind(AssertUnwindSafe(move || {
        runtime.block_on(async {
            owned
                .create(&wanted, hours, &pins)
                .await
                .expect("it is made");
            assert_eq!(owned.arns().len(), 1);
            panic!("as a defect would");
        });
    }));
    assert!(caught.is_err());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let names = runtime.block_on(sdk.names_with("streamgauge-"));
    assert_eq!(names, Ok(Vec::new()));
    let text = std::fs::read(folder.join("resources.json")).expect("it was written");
    let resources: BTreeMap<String, Value> = serde_json::from_slice(&text).expect("it is JSON");
    assert_eq!(resources["streams"][0]["state"], "deleted");
}
