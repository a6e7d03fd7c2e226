//! Fan-out consumers beside polling ones: the same records by both, here and over the wire.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use streamgauge::kinesis::operation::CreateStream;
use streamgauge::report::{ConsumerSummary, EventStatus};
use streamgauge::target::Target;

use crate::place::{Serve, folder, results, run, start, with_client};
use crate::support::folder::agrees_with_itself;
use crate::support::{Ended, Run, signal, wait_for};

/// Records by both kinds of consumers while a shard is split and two are merged.
const RESHARDED: &str = r#"schema = 1
name = "both"

[time]
warm_up = "0s"
measure = "10s"
drain = "30s"

[streams.orders]
shards = 2

[engine]
limits = "off"

[producers.web]
workers = 2
arrival = { kind = "constant", rate = "10000/s" }
keys = { kind = "uniform", population = 1_000 }
size = { kind = "fixed", bytes = "100B" }

[consumers.poll]
kind = "polling"
interval = "100ms"

[consumers.push]
kind = "fan-out"

[consumers.tail]
kind = "fan-out"
start = "latest"
consumer_name = "tail"

[events.split]
at = "measure+3s"
do = "split-shard"
shard = "shardId-000000000000"

[events.merge]
at = "measure+6s"
do = "merge-shards"
shard = "shardId-000000000002"
"#;

/// A few records for longer than a subscription lasts.
const LONG: &str = r#"schema = 1
name = "long"

[time]
warm_up = "0s"
measure = "12s"
drain = "10s"

[streams.orders]
shards = 2

[engine]
limits = { subscription_seconds = 2 }

[producers.web]
arrival = { kind = "constant", rate = "100/s" }
keys = { kind = "uniform", population = 1_000 }
size = { kind = "fixed", bytes = "100B" }

[consumers.push]
kind = "fan-out"
"#;

fn written(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("scenario.toml");
    std::fs::write(&path, text).expect("the folder is there");
    path
}

/// Every record came to this consumer once and in order.
fn has_all(run: &Run, consumer: &str, records: u64) {
    let ledger = &run.report.ledger.consumers[consumer].total;
    assert_eq!(
        (ledger.acked, ledger.delivered),
        (records, records),
        "{consumer}: {ledger:?}"
    );
    let wrong = [
        ledger.lost,
        ledger.redelivered,
        ledger.out_of_order,
        ledger.corrupt,
        ledger.foreign,
        ledger.unread,
    ];
    assert_eq!(wrong, [0; 6], "{consumer}: {ledger:?}");
}

fn summary<'a>(run: &'a Run, consumer: &str) -> &'a ConsumerSummary {
    &run.report.consumers[consumer]
}

/// 100,000 records to both kinds of consumers over a split and a merge.
fn both_kinds_are_given_every_record(target: &str) {
    let files = folder();
    let ran = results(run(files.path(), &written(files.path(), RESHARDED), target));
    let sent = &ran.report.ledger.producers["web"].total;
    assert_eq!(sent.acked, 100_000, "{sent:?}");
    let mut events = ran.report.events.iter();
    assert!(events.all(|event| event.status == EventStatus::Done));
    assert_eq!(ran.report.shards.len(), 5);
    for consumer in ["poll", "push", "tail"] {
        has_all(&ran, consumer, 100_000);
    }
    // One call for each shard there was, and none was refused.
    assert_eq!(summary(&ran, "push").calls, 5);
    assert!(summary(&ran, "push").events > Some(100));
    assert_eq!(summary(&ran, "push").last_failure, None);
    assert_eq!(summary(&ran, "poll").events, None);
    agrees_with_itself(&ran);
}

#[test]
fn both_kinds_are_given_every_record_over_a_split_and_a_merge_embedded_and_simulated() {
    both_kinds_are_given_every_record("embedded");
    both_kinds_are_given_every_record("simulated");
}

#[test]
fn both_kinds_are_given_every_record_over_a_split_and_a_merge_over_the_wire() {
    let serve = Serve::start_with("127.0.0.1:0", &["--limits", "off"], None);
    both_kinds_are_given_every_record(&serve.url);
    assert_eq!(consumers(&serve.url), None, "the stream went with them");
}

fn nothing_is_lost_between_subscriptions(target: &str) {
    let files = folder();
    let ran = results(run(files.path(), &written(files.path(), LONG), target));
    has_all(&ran, "push", 1_200);
    // From 0 to 2 s, from 5 to 7 s and from 10 s on, twice: five seconds pass from call to call.
    let push = summary(&ran, "push");
    assert!((6..=8).contains(&push.calls), "{push:?}");
    assert!(
        ran.report.throttling.is_empty(),
        "{:?}",
        ran.report.throttling
    );
    assert_eq!(push.last_failure, None);
}

#[test]
fn a_subscription_that_ends_is_followed_by_one_that_loses_nothing() {
    for target in ["simulated", "embedded"] {
        nothing_is_lost_between_subscriptions(target);
    }
    let files = folder();
    let limits = files.path().join("limits.toml");
    std::fs::write(&limits, "subscription_seconds = 2\n").expect("the folder is there");
    let serve = Serve::start_with("127.0.0.1:0", &["--limits"], Some(&limits));
    nothing_is_lost_between_subscriptions(&serve.url);
}

/// The names of the consumers of `orders`; nothing if there is no such stream.
fn consumers(url: &str) -> Option<Vec<String>> {
    with_client(url, async |client| {
        let listed = client.consumers_with("orders", "").await;
        let listed = listed.map(|found| found.into_iter().map(|(name, _)| name.to_string()));
        match listed {
            Ok(names) => Some(names.collect()),
            Err(gone) if gone.is_not_found() => None,
            Err(problem) => panic!("{problem}"),
        }
    })
}

#[test]
fn ctrl_c_deregisters_the_consumer_of_a_stream_that_stays() {
    let (files, serve) = (folder(), Serve::start());
    with_client(&serve.url, async |client| {
        let request = CreateStream {
            stream: "orders".parse().expect("a name"),
            shards: 1,
            max_record_bytes: 1 << 20,
        };
        let made = Target::Sdk(client.into());
        let made = made.create_stream(&request, 24).await;
        made.expect("it is made");
    });
    let text = LONG
        .replace("shards = 2", "shards = 1\nexisting = true")
        .replace("12s", "60s")
        .replace(
            "[consumers.push]",
            "payload = { stamp = \"none\" }\n\n[consumers.push]",
        );
    let child = start(files.path(), &written(files.path(), &text), &serve.url);
    let names = wait_for("the consumer", || {
        consumers(&serve.url).filter(|names| !names.is_empty())
    });
    assert!(
        names[0].starts_with("streamgauge-") && names[0].ends_with("-push"),
        "{names:?}"
    );
    crate::support::pause(Duration::from_secs(1));
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let there = results(ended);
    assert!(summary(&there, "push").deliveries > 0);
    assert_eq!(consumers(&serve.url), Some(Vec::new()));
}

#[test]
fn a_consumer_of_somebody_else_is_neither_used_nor_deregistered() {
    let (files, serve) = (folder(), Serve::start());
    with_client(&serve.url, async |client| {
        let request = CreateStream {
            stream: "orders".parse().expect("a name"),
            shards: 1,
            max_record_bytes: 1 << 20,
        };
        let target = Target::Sdk(client.into());
        let made = target.create_stream(&request, 24).await;
        made.expect("it is made");
        let name = "billing".parse().expect("a name");
        let made = target.register_consumer("orders", &name).await;
        made.expect("it is registered");
    });
    let text = LONG
        .replace("shards = 2", "shards = 1\nexisting = true")
        .replace(
            "[consumers.push]",
            "payload = { stamp = \"none\" }\n\n[consumers.push]\nconsumer_name = \"billing\"",
        );
    let refused = run(files.path(), &written(files.path(), &text), &serve.url);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(
        refused.stderr.contains("already exists"),
        "{}",
        refused.stderr
    );
    assert_eq!(consumers(&serve.url), Some(vec!["billing".to_owned()]));
}
