//! Services that answer late, not at all, or with a refusal: nothing is left behind unnoticed.

use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::faulty::{Fault, Faulty};
use super::world::World;

/// A world whose Kinesis and STS are reached through a faulty server.
fn behind(rule: impl Fn(&str, u32) -> Fault + Send + Sync + 'static) -> (World, Faulty) {
    let world = World::new();
    let faulty = Faulty::before(&world.url, move |call| rule(call.operation, call.before));
    world.targets(&faulty.url);
    (world, faulty)
}

fn interrupt(child: Child) -> (Option<i32>, String) {
    kill_process(Pid::from_child(&child), Signal::INT).expect("the child is ours");
    let output = child.wait_with_output().expect("it has ended");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), stderr)
}

fn is(operation: &str, wanted: &str, fault: Fault) -> Fault {
    if operation == wanted {
        fault
    } else {
        Fault::None
    }
}

#[test]
fn a_creation_that_its_deletion_overtook_is_watched_for_until_its_stream_is_gone() {
    let late = Fault::Late(Duration::from_secs(2));
    let (world, faulty) = behind(move |operation, _| is(operation, "CreateStream", late));
    let mut program = world.program(&["run", "rehearsal.toml", "--quiet", "--target", "mine"]);
    let child = program.spawn().expect("the program starts");
    world.wait_for("the creation", || {
        faulty.bodies("CreateStream").pop().map(drop)
    });
    let (code, stderr) = interrupt(child);
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("nobody said whether"), "{stderr}");
    // It was asked for more than once, and hit what the first time was not there.
    assert!(faulty.bodies("DeleteStream").len() > 1);
    assert!(world.streams().is_empty(), "{stderr}");
    assert!(world.results().is_empty());
}

#[test]
fn a_creation_that_may_still_come_keeps_its_folder_when_nobody_can_say() {
    // The service takes the creation and then is not there for anybody.
    let (world, faulty) = behind(|operation, _| match operation {
        "CreateStream" => Fault::Silent,
        "DeleteStream" => Fault::Refused("AccessDeniedException"),
        _ => Fault::None,
    });
    let mut program = world.program(&["run", "rehearsal.toml", "--quiet", "--target", "mine"]);
    let child = program.spawn().expect("the program starts");
    world.wait_for("the creation", || {
        faulty.bodies("CreateStream").pop().map(drop)
    });
    let (_, stderr) = interrupt(child);
    assert!(stderr.contains("streamgauge sweep"), "{stderr}");
    let resources = world.result("resources.json");
    assert_eq!(resources["streams"][0]["state"], "creating");
}

#[test]
fn connections_that_break_at_a_deletion_leave_no_stream() {
    for fault in [
        Fault::Broken,
        Fault::Lost,
        Fault::Refused("InternalFailure"),
    ] {
        let (world, faulty) = behind(move |operation, before| {
            if before < 4 {
                is(operation, "DeleteStream", fault)
            } else {
                Fault::None
            }
        });
        let ended = world.run(&[]);
        assert!(!ended.stderr.contains("error"), "{}", ended.stderr);
        assert!(world.streams().is_empty(), "{}", ended.stderr);
        assert!(faulty.bodies("DeleteStream").len() > 1);
        assert_eq!(
            world.result("resources.json")["streams"][0]["state"],
            "deleted"
        );
    }
}

#[test]
fn a_creation_that_a_quota_refuses_is_asked_for_a_few_times_and_leaves_nothing_to_watch() {
    let refused = Fault::Refused("LimitExceededException");
    let (world, faulty) = behind(move |operation, _| is(operation, "CreateStream", refused));
    let ended = world.run(&[]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("LimitExceeded"), "{}", ended.stderr);
    assert_eq!(faulty.bodies("CreateStream").len(), 5);
    assert!(faulty.bodies("DeleteStream").is_empty());
    assert!(world.results().is_empty());
}

#[test]
fn a_set_up_call_that_nobody_answers_ends_the_run_and_its_stream() {
    let (world, _faulty) =
        behind(|operation, _| is(operation, "DescribeStreamSummary", Fault::Silent));
    let ended = world.run(&[]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("nothing came within 30 s"),
        "{}",
        ended.stderr
    );
    assert!(world.streams().is_empty());
}

#[test]
fn sweep_keeps_a_stream_whose_tags_it_may_not_read_and_goes_on() {
    let world = World::new();
    let faulty = Faulty::before(&world.url, |call| {
        if call.operation == "ListTagsForStream" && call.body.contains("streamgauge-other-1") {
            Fault::Refused("AccessDeniedException")
        } else {
            Fault::None
        }
    });
    world.targets(&faulty.url);
    let tags = [
        ("streamgauge.run", "0000000a"),
        ("streamgauge.expires", "20200101T000000Z"),
    ];
    world.create("streamgauge-other-1", &tags);
    world.create("streamgauge-x-0000000a", &tags);
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--yes"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stdout
            .contains("streamgauge-other-1: kept (its tags cannot be read"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("1 deleted"), "{}", ended.stdout);
    assert_eq!(world.streams(), ["streamgauge-other-1"]);
}

#[test]
fn sweep_reads_the_tags_again_before_it_deletes() {
    let world = World::new();
    // Between the two looks the stream became one that cannot be told.
    let faulty = Faulty::before(&world.url, |call| {
        if call.operation == "ListTagsForStream" && call.before > 0 {
            Fault::Refused("AccessDeniedException")
        } else {
            Fault::None
        }
    });
    world.targets(&faulty.url);
    let tags = [
        ("streamgauge.run", "0000000a"),
        ("streamgauge.expires", "20200101T000000Z"),
    ];
    world.create("streamgauge-x-0000000a", &tags);
    let ended = world.streamgauge(&["sweep", "--target", "mine", "--yes"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert!(ended.stdout.contains("1 failed"), "{}", ended.stdout);
    assert_eq!(world.streams(), ["streamgauge-x-0000000a"]);
}
