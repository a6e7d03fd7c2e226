//! Targets that say what is not so: nothing of it gets past the instrument in silence.

use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use streamgauge::base::Clock;
use streamgauge::measure::{LatencyKind, Status};
use tempfile::TempDir;

use crate::faulty::{Call, Fault, Faulty};
use crate::place::{Serve, Wanted, folder, results, run, run_by, scenario, start};
use crate::runs::has_stream;
use crate::support::folder::agrees_with_itself;
use crate::support::{Ended, Run, pause, report_in, signal, simulate, wait_for};

/// What makes another answer of the asked and the answered body.
type Change = fn(&str, &str) -> String;

/// From the first call of the small run, which sends for 1.8 s, to those that end it without an answer.
const UNANSWERED_AFTER: Duration = Duration::from_millis(1_500);

/// Makes the small run by `client` at a server whose calls this spoils; the server and the files are there as long as what
/// comes with it.
fn spoiled(
    client: &str,
    wanted: Wanted,
    rule: impl Fn(&Call<'_>) -> Fault + Send + Sync + 'static,
) -> (Ended, (Serve, TempDir)) {
    let (files, serve) = (folder(), Serve::start());
    let faulty = Faulty::before(&serve.url, rule);
    let path = scenario(files.path(), wanted);
    let ended = run_by(client, files.path(), &path, &faulty.url);
    (ended, (serve, files))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("the server speaks JSON")
}

/// The status of the verdict's reason with this code.
fn reason(run: &Run, code: &str) -> Option<Status> {
    let reasons = &run.report.verdict.reasons;
    let found = reasons.iter().find(|reason| reason.code == code);
    found.map(|reason| reason.status)
}

/// How often the target was found to show this.
fn found(run: &Run, what: &str) -> u64 {
    let target = run.report.target.as_ref().expect("it is an endpoint");
    let findings = target.findings.iter();
    let findings = findings.filter(|finding| finding.text.contains(what));
    findings.map(|finding| finding.count).sum()
}

/// Acknowledged records of the window, as the shards' rows have them.
fn acked_in_shards(run: &Run) -> u64 {
    run.report.shards.iter().map(|row| row.totals.acked).sum()
}

#[test]
fn a_second_ctrl_c_while_streams_are_deleted_leaves_whole_results_that_say_what_is_left() {
    let (files, serve) = (folder(), Serve::start());
    let faulty = Faulty::before(&serve.url, |call| match call.operation {
        "DeleteStream" => Fault::Late(Duration::from_secs(20)),
        _ => Fault::None,
    });
    let path = scenario(files.path(), Wanted::default());
    let child = start(files.path(), &path, &faulty.url);
    wait_for("the deletion", || {
        faulty.bodies("DeleteStream").pop().map(drop)
    });
    let clock = Clock::real();
    let asked = clock.now();
    signal(&child, Signal::INT);
    // Two signals at once are one.
    pause(Duration::from_millis(300));
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert!(
        clock.now().since(asked) < Duration::from_secs(8),
        "{ended:?}"
    );
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(
        ended.stderr.contains("stream `orders` is left behind"),
        "{}",
        ended.stderr
    );
    let latest = files.path().join("results/latest");
    let report = report_in(&latest);
    assert_eq!(report.ledger.producers["web"].total.acked, 360);
    assert_eq!(report.ledger.consumers["billing"].total.delivered, 360);
    let target = report.target.as_ref().expect("it is told");
    let left = &target.left_behind["orders"];
    assert!(left.contains("still to be deleted"), "{left}");
    for file in std::fs::read_dir(&latest).expect("it is a folder") {
        let file = file.expect("it can be read");
        let length = file.metadata().expect("it is there").len();
        assert!(length > 0, "{:?}", file.path());
    }
}

#[test]
fn results_that_were_written_before_the_deletion_say_in_the_end_what_became_of_it() {
    let (files, serve) = (folder(), Serve::start());
    let path = scenario(files.path(), Wanted::default());
    let there = results(run(files.path(), &path, &serve.url));
    let target = there.report.target.as_ref().expect("it is told");
    assert!(target.left_behind.is_empty() && target.findings.is_empty());
    assert!(!has_stream(&serve.url));
    agrees_with_itself(&there);
}

#[test]
fn a_stored_record_whose_answer_names_no_error_is_unknown_to_either_client() {
    for client in ["sdk", "lean"] {
        let wanted = Wanted {
            producer: "retry = { kind = \"none\" }",
            ..Wanted::default()
        };
        let (clock, began) = (Clock::real(), OnceLock::new());
        let (ended, _there) = spoiled(client, wanted, move |call| match call.operation {
            // Also all of the last ones: when they end, no acknowledged record is left to wait for.
            "PutRecords"
                if clock.now().since(*began.get_or_init(|| clock.now())) > UNANSWERED_AFTER
                    || call.before % 4 == 3 =>
            {
                Fault::Replaced("403 Forbidden", "<html>Forbidden by proxy")
            }
            _ => Fault::None,
        });
        let there = results(ended);
        let sent = &there.report.ledger.producers["web"].total;
        assert!(sent.unknown > 0 && sent.balances(), "{client}: {sent:?}");
        assert_eq!((sent.failed, sent.acked + sent.unknown), (0, 360));
        let read = &there.report.ledger.consumers["billing"].total;
        assert_eq!(read.delivered_unacked, sent.unknown, "{client}: {read:?}");
    }
}

#[test]
fn a_list_of_shards_that_leaves_one_out_is_found_and_degrades_the_measurement() {
    let wanted = Wanted {
        measure: "700ms",
        ..Wanted::default()
    };
    let (ended, _there) = spoiled("sdk", wanted, |call| match call.operation {
        "ListShards" => Fault::Changed(|_, answer| {
            let mut answer = parsed(answer);
            let shards = answer["Shards"].as_array_mut().expect("a list");
            shards.truncate(1);
            answer.to_string()
        }),
        _ => Fault::None,
    });
    let there = results(ended);
    assert_eq!(reason(&there, "shard_list"), Some(Status::Degraded));
    assert!(found(&there, "no shard has hash key 17014118346") > 0);
}

#[test]
fn a_list_of_shards_that_nobody_can_read_by_ends_the_run_before_the_load() {
    let rows: [(&str, &str, Change); 4] = [
        ("none", "no open shard", |_, answer| {
            let mut answer = parsed(answer);
            answer["Shards"] = json!([]);
            answer.to_string()
        }),
        ("circle", "circle", |_, answer| {
            let mut answer = parsed(answer);
            let ids = [0, 1].map(|at| answer["Shards"][at]["ShardId"].clone());
            let [one, two] = ids;
            answer["Shards"][0]["ParentShardId"] = two;
            answer["Shards"][1]["ParentShardId"] = one;
            answer.to_string()
        }),
        ("the same token", "no end", |_, answer| {
            let mut answer = parsed(answer);
            answer["NextToken"] = json!("again");
            answer.to_string()
        }),
        ("another token each time", "no end", |asked, answer| {
            let before = parsed(asked)["NextToken"].as_str().map_or(0, str::len);
            let shards = parsed(answer).get("Shards").cloned().unwrap_or(json!([]));
            json!({"Shards": shards, "NextToken": "x".repeat(before + 1)}).to_string()
        }),
    ];
    for (what, told, change) in rows {
        let (ended, (serve, _files)) =
            spoiled("sdk", Wanted::default(), move |call| match call.operation {
                "ListShards" => Fault::Changed(change),
                _ => Fault::None,
            });
        assert_eq!(ended.code, Some(4), "{what}: {ended:?}");
        assert!(ended.stderr.contains(told), "{what}: {}", ended.stderr);
        assert!(!has_stream(&serve.url), "{what}");
    }
}

#[test]
fn a_page_that_comes_again_adds_no_delivery_delays() {
    let (ended, _there) = spoiled("lean", Wanted::default(), |call| match call.operation {
        "GetRecords" if call.before % 3 == 2 => Fault::Changed(|asked, answer| {
            let mut answer = parsed(answer);
            answer["NextShardIterator"] = parsed(asked)["ShardIterator"].clone();
            answer.to_string()
        }),
        _ => Fault::None,
    });
    let there = results(ended);
    let read = &there.report.ledger.consumers["billing"].total;
    assert!(read.redelivered > 0, "{read:?}");
    let latencies = &there.report.latency.consumers["billing"];
    let window = &there.report.ledger.consumers["billing"].measure;
    for kind in [LatencyKind::DeliveryDelay, LatencyKind::EndToEnd] {
        assert_eq!(latencies[&kind].count, window.delivered, "{kind:?}");
    }
}

#[test]
fn acknowledgements_of_the_wrong_shard_are_found_and_count_where_the_records_were_offered() {
    let (ended, _there) = spoiled("lean", Wanted::default(), |call| match call.operation {
        "PutRecords" => Fault::Changed(|_, answer| {
            let (zero, one) = ("shardId-000000000000", "shardId-000000000001");
            let answer = answer.replace(zero, "another").replace(one, zero);
            answer.replace("another", one)
        }),
        _ => Fault::None,
    });
    let there = results(ended);
    let sent = &there.report.ledger.producers["web"];
    let read = &there.report.ledger.consumers["billing"].total;
    assert!(read.misplaced > 0 && read.balances(), "{read:?}");
    assert_eq!(read.delivered, 360, "{read:?}");
    assert_eq!(reason(&there, "misplaced"), Some(Status::Degraded));
    assert_eq!(found(&there, "from another place"), read.misplaced);
    assert_eq!(found(&there, "hash keys"), sent.total.acked);
    let told = "delivered from ANOTHER PLACE than the acknowledgement named";
    assert!(there.ended.stdout.contains(told), "{}", there.ended.stdout);
    agrees_with_itself(&there);
}

#[test]
fn acknowledgements_of_a_shard_that_is_not_there_are_found_and_count_where_it_was_offered() {
    let (ended, _there) = spoiled("sdk", Wanted::default(), |call| match call.operation {
        "PutRecords" => Fault::Changed(|_, answer| {
            answer.replace("shardId-000000000000", "shardId-000000000077")
        }),
        _ => Fault::None,
    });
    let there = results(ended);
    let sent = &there.report.ledger.producers["web"];
    assert!(
        found(
            &there,
            "shard that the stream does not have: `shardId-000000000077`"
        ) > 100
    );
    // The first ones might have been of a shard that was new; the window's intervals hold what came in them.
    let (counted, acked) = (acked_in_shards(&there), sent.measure.acked);
    assert!(
        counted * 10 > acked * 9 && counted * 10 < acked * 11,
        "{counted} of {sent:?}"
    );
}

#[test]
fn the_drain_waits_for_records_that_are_stored_after_their_acknowledgement() {
    let wanted = Wanted {
        measure: "900ms",
        ..Wanted::default()
    };
    let (ended, _there) = spoiled("lean", wanted, |call| match call.operation {
        // Far in front of what is stored, so that the reader's position passes it at once.
        "PutRecords" => Fault::Ahead(Duration::from_millis(1_500), |asked| {
            let asked = parsed(asked);
            let records = asked["Records"].as_array().expect("a list");
            let result = json!({"ShardId": "shardId-000000000000", "SequenceNumber": "7"});
            let results = vec![result; records.len()];
            json!({"FailedRecordCount": 0, "Records": results}).to_string()
        }),
        _ => Fault::None,
    });
    let there = results(ended);
    let sent = &there.report.ledger.producers["web"].total;
    let read = &there.report.ledger.consumers["billing"].total;
    assert_eq!((sent.acked, read.delivered, read.lost), (240, 240, 0));
    assert_eq!(read.misplaced, 240, "{read:?}");
    assert!(
        there.report.instrument.drain_s < 5.0,
        "it did not have to last"
    );
}

#[test]
fn an_event_of_a_drain_that_was_over_before_is_told_beside_the_verdict() {
    let files = folder();
    let wanted = Wanted {
        more: "[events.late]\nat = \"drain+5s\"\ndo = \"stall\"\nduration = \"100ms\"\n",
        ..Wanted::default()
    };
    let path = scenario(files.path(), wanted);
    let path = path.to_str().expect("temporary folders have plain names");
    let there = simulate(&files.path().join("results"), path, &[]);
    assert_eq!(there.ended.code, Some(0), "{:?}", there.ended);
    assert_eq!(there.report.verdict.status, Status::Valid);
    assert_eq!(reason(&there, "events_after_drain"), Some(Status::Valid));
}
