//! The same scenario here and there, with the same accounts.

use rustix::process::Signal;
use streamgauge::kinesis::operation::{CreateStream, PutApi};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{Cause, PutBatch};
use streamgauge::measure::Basis;
use streamgauge::report::{EventStatus, FigureBasis, World};
use streamgauge::target::Target;

use crate::place::{
    Manner, Serve, Wanted, before, folder, results, run, run_by, said_yes, scenario, start,
    with_client,
};
use crate::support::folder::agrees_with_itself;
use crate::support::{Ended, Run, open_folder, pause, program, signal};

fn accounts(run: &Run) -> [u64; 5] {
    let sent = &run.report.ledger.producers["web"].total;
    let read = &run.report.ledger.consumers["billing"].total;
    [
        sent.intended,
        sent.acked,
        read.delivered,
        read.lost,
        read.redelivered,
    ]
}

/// Whether the endpoint has the stream that runs of these tests make.
pub(crate) fn has_stream(url: &str) -> bool {
    with_client(url, async |client| {
        let target = Target::Sdk(client.into());
        target
            .find_stream("orders")
            .await
            .expect("it answers")
            .is_some()
    })
}

#[test]
fn one_seed_gives_the_same_ledgers_embedded_and_at_an_endpoint_as_often_as_it_is_run() {
    let (files, serve) = (folder(), Serve::start());
    let scenario = scenario(files.path(), Wanted::default());
    let embedded = results(run(files.path(), &scenario, "embedded"));
    assert!(embedded.report.target.is_none());
    for client in ["sdk", "lean", "lean-cbor-h2"] {
        // A second run finds no stream of the first.
        let there = results(run_by(client, files.path(), &scenario, &serve.url));
        assert_eq!(there.ended.stderr, "");
        assert!(said_yes(&there), "{}", there.ended.stdout);
        assert_eq!(accounts(&there), accounts(&embedded));
        assert_eq!(accounts(&there)[..3], [360, 360, 360]);
        assert_eq!(
            (there.report.world, there.report.basis),
            (World::Endpoint, FigureBasis::Measured)
        );
        let target = there.report.target.as_ref().expect("it is told");
        assert_eq!(target.url.as_deref(), Some(serve.url.as_str()));
        assert_eq!(
            (target.client.as_str(), target.engine.as_str()),
            (client, "not applicable")
        );
        assert_eq!((target.findings.len(), target.left_behind.len()), (0, 0));
        agrees_with_itself(&there);
    }
    assert!(!has_stream(&serve.url));
}

#[test]
fn the_cause_of_a_refusal_is_inferred_from_what_was_asked_of_the_shard() {
    let (files, serve) = (folder(), Serve::start());
    let wanted = Wanted {
        shards: 1,
        rate: "2500/s",
        measure: "2s",
        producer: "retry = { kind = \"none\" }",
        ..Wanted::default()
    };
    let there = results(run(
        files.path(),
        &scenario(files.path(), wanted),
        &serve.url,
    ));
    let sent = &there.report.ledger.producers["web"].total;
    assert!(sent.throttled > 1_000 && sent.balances(), "{sent:?}");
    assert_eq!((sent.failed, sent.unknown), (0, 0));
    let rows = &there.report.throttling;
    assert!(
        rows.iter().all(|row| row.row.basis == Basis::Inferred),
        "{rows:?}"
    );
    let by_records = rows
        .iter()
        .filter(|row| row.row.cause == Cause::WriteRecords);
    let by_records: u64 = by_records.map(|row| row.row.attempts).sum();
    let all: u64 = rows.iter().map(|row| row.row.attempts).sum();
    assert!(by_records * 10 >= all * 9, "{rows:?}");
    agrees_with_itself(&there);
}

#[test]
fn nothing_is_lost_while_shards_are_split_and_merged_over_the_wire() {
    let (files, serve) = (folder(), Serve::start());
    let wanted = Wanted {
        producer: "send = { ordering = \"per-key\" }",
        measure: "2500ms",
        more: r#"
[events.split]
at = "measure+500ms"
do = "split-shard"
shard = "shardId-000000000000"

[events.merge]
at = "measure+1500ms"
do = "merge-shards"
shard = "shardId-000000000002"
"#,
        ..Wanted::default()
    };
    let there = results(run(
        files.path(),
        &scenario(files.path(), wanted),
        &serve.url,
    ));
    assert!(
        there
            .report
            .events
            .iter()
            .all(|event| event.status == EventStatus::Done)
    );
    let read = &there.report.ledger.consumers["billing"].total;
    assert_eq!((read.acked, read.delivered), (560, 560), "{read:?}");
    assert_eq!(
        (read.lost, read.out_of_order, read.key_inversions),
        (0, 0, 0)
    );
    assert_eq!(there.report.shards.len(), 5);
    assert!(said_yes(&there), "{}", there.ended.stdout);
}

#[test]
fn ctrl_c_gives_whole_results_and_takes_the_streams_away() {
    let (files, serve) = (folder(), Serve::start());
    let wanted = Wanted {
        measure: "60s",
        ..Wanted::default()
    };
    let child = start(files.path(), &scenario(files.path(), wanted), &serve.url);
    open_folder(&files.path().join("results"));
    while !has_stream(&serve.url) {
        pause(std::time::Duration::from_millis(20));
    }
    pause(std::time::Duration::from_secs(1));
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let there = results(ended);
    assert!(there.report.instrument.interrupted);
    agrees_with_itself(&there);
    assert!(!has_stream(&serve.url));
}

#[test]
fn an_endpoint_that_is_not_there_ends_a_run_before_anything_is_written() {
    let files = folder();
    // Nobody listens on a port that was just given back.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", free.local_addr().expect("it is bound"));
    drop(free);
    let ended = run(
        files.path(),
        &scenario(files.path(), Wanted::default()),
        &url,
    );
    assert_eq!(ended.code, Some(4));
    assert!(
        ended.stderr.contains("failed to reach the target"),
        "{}",
        ended.stderr
    );
    assert!(!files.path().join("results").exists());
}

#[test]
fn somebody_elses_stream_is_neither_used_nor_deleted_unless_the_scenario_says_that_it_exists() {
    let (files, serve) = (folder(), Serve::start());
    with_client(&serve.url, async |client| {
        let request = CreateStream {
            stream: "orders".parse().expect("a name"),
            shards: 1,
            max_record_bytes: 1 << 20,
        };
        let target = Target::Sdk(client.into());
        target
            .create_stream(&request, 24)
            .await
            .expect("it is made");
    });
    let refused = run(
        files.path(),
        &scenario(files.path(), Wanted::default()),
        &serve.url,
    );
    assert_eq!(refused.code, Some(4));
    assert!(
        refused.stderr.contains("streams.orders.existing=true"),
        "{}",
        refused.stderr
    );
    assert!(!files.path().join("results").exists());
    let wanted = Wanted {
        producer: "payload = { stamp = \"none\" }",
        measure: "500ms",
        ..Wanted::default()
    };
    let path = scenario(files.path(), wanted);
    let text = std::fs::read_to_string(&path).expect("it was written");
    let text = text.replace("shards = 2", "shards = 2\nexisting = true");
    std::fs::write(&path, text).expect("it is there");
    let used = results(run(files.path(), &path, &serve.url));
    assert!(said_yes(&used), "{}", used.ended.stdout);
    assert_eq!(
        used.report.shards.len(),
        1,
        "as it is, not as the scenario would make it"
    );
    assert!(has_stream(&serve.url));
    let here = run(files.path(), &path, "embedded");
    assert_eq!(here.code, Some(2));
    assert!(
        here.stderr
            .contains("the engine in this process begins empty"),
        "{}",
        here.stderr
    );
}

#[test]
fn records_of_others_on_an_existing_stream_are_not_taken_for_damaged_ones_of_ours() {
    let (files, serve) = (folder(), Serve::start());
    with_client(&serve.url, async |client| {
        let request = CreateStream {
            stream: "theirs".parse().expect("a name"),
            shards: 1,
            max_record_bytes: 1 << 20,
        };
        let target = Target::Sdk(client.into());
        let made = target.create_stream(&request, 24).await;
        made.expect("it is made");
        let (mut batch, mut results) = (PutBatch::new(), Vec::new());
        for key in ["a", "b", "c"] {
            batch.push(PutEntry {
                partition_key: key,
                data: b"somebody's own",
                explicit_hash_key: None,
            });
        }
        let put = target.put(PutApi::PutRecords, "theirs", &batch, &mut results);
        put.await.expect("they are stored");
    });
    let wanted = Wanted {
        producer: "stream = \"orders\"",
        measure: "500ms",
        more: r#"
[streams.theirs]
shards = 1
existing = true

[consumers.watch]
kind = "polling"
stream = "theirs"
interval = "100ms"
"#,
        ..Wanted::default()
    };
    let path = scenario(files.path(), wanted);
    let text = std::fs::read_to_string(&path).expect("it was written");
    let text = text.replacen(
        "kind = \"polling\"\n",
        "kind = \"polling\"\nstream = \"orders\"\n",
        1,
    );
    std::fs::write(&path, text).expect("it is there");
    let watched = results(run(files.path(), &path, &serve.url));
    // Nobody knows what others meant to write: there is no account to hold it against.
    assert!(!watched.report.ledger.consumers.contains_key("watch"));
    assert!(watched.report.ledger.consumers.contains_key("billing"));
    assert!(
        !watched.ended.stdout.contains("CORRUPT"),
        "{}",
        watched.ended.stdout
    );
    assert!(said_yes(&watched), "{}", watched.ended.stdout);
}

#[test]
fn a_fault_that_the_endpoint_cannot_do_is_refused_unless_it_is_optional() {
    let (files, serve) = (folder(), Serve::start());
    let url = before(&serve.url, Manner::NoSwitch);
    let stall = "[events.stall]\nat = \"measure+100ms\"\ndo = \"stall\"\nduration = \"100ms\"\n";
    let wanted = Wanted {
        measure: "500ms",
        more: stall,
        ..Wanted::default()
    };
    let path = scenario(files.path(), wanted);
    let refused = run(files.path(), &path, &url);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused
            .stderr
            .contains("no switch for the fault of `events.stall`"),
        "{}",
        refused.stderr
    );
    assert!(!files.path().join("results").exists());
    let text = std::fs::read_to_string(&path).expect("it was written");
    std::fs::write(&path, format!("{text}optional = true\n")).expect("it is there");
    let skipped = results(run(files.path(), &path, &url));
    assert_eq!(skipped.report.events[0].status, EventStatus::Skipped);
    assert!(said_yes(&skipped), "{}", skipped.ended.stdout);
}

#[test]
fn a_target_is_picked_by_its_name_in_the_file_beside_the_scenario() {
    let files = folder();
    let path = scenario(files.path(), Wanted::default());
    let targets = files.path().join("streamgauge.toml");
    let check = |target: &str| {
        let check = program()
            .arg("check")
            .arg(&path)
            .args(["--target", target])
            .output();
        Ended::of(check.expect("the program starts"))
    };
    let unknown = check("local");
    assert_eq!(unknown.code, Some(2));
    assert!(
        unknown.stderr.contains("[targets.NAME]"),
        "{}",
        unknown.stderr
    );
    let text = "[targets.local]\nkind = \"endpoint\"\nurl = \"http://127.0.0.1:1\"\n";
    std::fs::write(&targets, text).expect("the folder is there");
    let known = check("local");
    assert_eq!((known.code, known.stderr.as_str()), (Some(0), ""));
    assert!(
        known
            .stdout
            .contains("What the target `local` (endpoint) cannot do"),
        "{}",
        known.stdout
    );
    // What the scenario does not ask for is not said.
    assert!(!known.stdout.contains("throttle-storm"), "{}", known.stdout);
    assert!(
        known.stdout.contains("the limit behind a refusal"),
        "{}",
        known.stdout
    );
    let near = check("locale");
    assert!(
        near.stderr.contains("did you mean `local`?"),
        "{}",
        near.stderr
    );
    // The name leads to the same place as the URL: nobody is there.
    let ended = run(files.path(), &path, "local");
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    std::fs::write(&targets, text.replace("url", "ulr")).expect("the folder is there");
    let wrong = check("local");
    assert_eq!(wrong.code, Some(2));
    let place = "streamgauge.toml:3:1";
    assert!(
        wrong.stderr.contains(place) && wrong.stderr.contains("did you mean `url`?"),
        "{}",
        wrong.stderr
    );
}
