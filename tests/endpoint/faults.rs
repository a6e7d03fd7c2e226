//! Servers that go away, answer late or hang up: every record still has its outcome.

use std::time::Duration;

use streamgauge::report::EventStatus;

use rustix::process::Signal;

use crate::faulty::{Fault, Faulty};
use crate::place::{Manner, Serve, Wanted, before, folder, results, run, run_by, scenario, start};
use crate::runs::has_stream;
use crate::support::folder::agrees_with_itself;
use crate::support::{Ended, open_folder, pause, signal, wait_for};

#[test]
fn a_server_that_is_killed_in_mid_run_leaves_whole_results_and_exit_code_4() {
    let (files, mut serve) = (folder(), Serve::start());
    let wanted = Wanted {
        measure: "3s",
        producer: "retry = { kind = \"full-jitter\", attempts = 2, base = \"10ms\", cap = \"20ms\" }",
        ..Wanted::default()
    };
    let child = start(files.path(), &scenario(files.path(), wanted), &serve.url);
    open_folder(&files.path().join("results"));
    pause(Duration::from_millis(1_500));
    serve.kill();
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(4), "{ended:?}");
    let there = results(ended);
    let sent = &there.report.ledger.producers["web"].total;
    assert_eq!(sent.intended, 660);
    assert!(
        sent.acked > 0 && sent.failed > 0 && sent.balances(),
        "{sent:?}"
    );
    let target = there.report.target.as_ref().expect("it is told");
    assert!(target.unreachable.is_some() && target.left_behind.contains_key("orders"));
    assert!(there.ended.stdout.contains("not reachable at the end"));
    agrees_with_itself(&there);
}

#[test]
fn a_record_whose_answer_is_later_than_the_timeout_is_unknown_and_still_delivered() {
    let (files, serve) = (folder(), Serve::start());
    let wanted = Wanted {
        producer: "send = { timeout = \"200ms\" }\nretry = { kind = \"none\" }",
        more: "[events.stall]\nat = \"measure+300ms\"\ndo = \"stall\"\nduration = \"800ms\"\n",
        ..Wanted::default()
    };
    let there = results(run(
        files.path(),
        &scenario(files.path(), wanted),
        &serve.url,
    ));
    assert_eq!(
        there.report.events[0].status,
        EventStatus::Done,
        "{:?}",
        there.report.events
    );
    let sent = &there.report.ledger.producers["web"].total;
    assert!(sent.unknown > 0 && sent.balances(), "{sent:?}");
    assert_eq!(
        (sent.failed, sent.throttled, sent.acked + sent.unknown),
        (0, 0, 360),
        "{sent:?}"
    );
    let read = &there.report.ledger.consumers["billing"].total;
    assert_eq!(read.lost, 0, "{read:?}");
    assert_eq!(read.delivered, read.acked, "{read:?}");
    agrees_with_itself(&there);
}

#[test]
fn connections_that_are_closed_under_way_cost_no_record_and_explain_every_second_copy() {
    let (files, serve) = (folder(), Serve::start());
    let wanted = Wanted {
        rate: "600/s",
        producer: "send = { linger = \"2ms\" }\nretry = { kind = \"full-jitter\", attempts = 8, base = \"5ms\", cap = \"50ms\" }",
        ..Wanted::default()
    };
    for client in ["sdk", "lean"] {
        let url = before(&serve.url, Manner::Closes(Duration::from_millis(10)));
        let path = scenario(files.path(), wanted);
        let there = results(run_by(client, files.path(), &path, &url));
        let sent = &there.report.ledger.producers["web"].total;
        assert_eq!((sent.intended, sent.acked), (1_080, 1_080), "{sent:?}");
        assert!(sent.unknown_attempts > 0, "{sent:?}");
        let read = &there.report.ledger.consumers["billing"].total;
        assert_eq!((read.lost, read.delivered), (0, 1_080), "{read:?}");
        assert_eq!(read.stored_twice_unexplained, 0, "{read:?}");
        agrees_with_itself(&there);
    }
}

#[test]
fn a_creation_that_an_interrupt_overtook_leaves_no_stream() {
    let (files, serve) = (folder(), Serve::start());
    let faulty = Faulty::before(&serve.url, |call| match call.operation {
        "CreateStream" => Fault::Late(Duration::from_secs(2)),
        _ => Fault::None,
    });
    let path = scenario(files.path(), Wanted::default());
    let child = start(files.path(), &path, &faulty.url);
    wait_for("the creation", || {
        faulty.bodies("CreateStream").pop().map(drop)
    });
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(faulty.bodies("DeleteStream").len() > 1);
    assert!(!has_stream(&serve.url));
}

#[test]
fn a_stream_of_the_run_is_deleted_when_its_retention_is_refused_because_it_is_in_use() {
    let (files, serve) = (folder(), Serve::start());
    let faulty = Faulty::before(&serve.url, |call| match call.operation {
        "IncreaseStreamRetentionPeriod" => Fault::Refused("ResourceInUseException"),
        _ => Fault::None,
    });
    let path = scenario(files.path(), Wanted::default());
    let text = std::fs::read_to_string(&path).expect("it was written");
    let text = text.replace("shards = 2", "shards = 2\nretention = \"48h\"");
    std::fs::write(&path, text).expect("it is there");
    let ended = run(files.path(), &path, &faulty.url);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("ResourceInUse"), "{}", ended.stderr);
    assert!(!has_stream(&serve.url));
}
