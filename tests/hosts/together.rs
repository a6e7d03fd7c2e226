//! Several sessions at one engine on a virtual clock: the records that they store are the single run's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use streamgauge::base::clock::VIRTUAL_EPOCH;
use streamgauge::base::{Clock, Timestamp, clock};
use streamgauge::host::{Host, Settings};
use streamgauge::kinesis::operation::{IteratorPosition, ShardFilter};
use streamgauge::measure::progress::Progress;
use streamgauge::report::merge::merge_folders;
use streamgauge::run::{Controls, Hosts, Outcome, Session};
use streamgauge::scenario::{Loaded, Source, load};
use streamgauge::target::Target;
use streamgauge::workload::{Portion, Stamp};
use tokio::sync::watch;

use crate::saw::{RUN, written};

/// What a record is on the wire, and the intended time in its stamp.
type Stored = (String, Vec<u8>, Timestamp);

fn several(producer: &str, rest: &str) -> Loaded {
    let text = format!(
        r#"
schema = 1
name = "several"
time = {{ warm_up = "500ms", measure = "2s", drain = "3s" }}

[streams.orders]
shards = 3

[engine]
limits = "off"

[producers.web]
workers = 2
keys = {{ kind = "zipf", population = 1_000, exponent = 1.0 }}
size = {{ kind = "log-normal", median = "200B", sigma = 0.6, max = "4KiB" }}
{producer}

[consumers.audit]
kind = "polling"
interval = "200ms"

[consumers.billing]
kind = "polling"
interval = "100ms"

{rest}
"#
    );
    let source = Source {
        path: "several.toml".to_owned(),
        text,
    };
    load(&source, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Runs all hosts of a run at one engine; what it then holds, sorted, and each host's outcome. Host `interrupt.0` is
/// interrupted so long after the start.
fn run(
    loaded: &Loaded,
    of: u32,
    interrupt: Option<(usize, Duration)>,
) -> (Vec<Stored>, Vec<Outcome>) {
    let runtime = clock::virtual_runtime().expect("a runtime without sockets");
    runtime.block_on(async {
        let clock = Clock::virtual_from(VIRTUAL_EPOCH);
        let scenario = &loaded.scenario;
        let settings = Settings {
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            limits: scenario.engine.limits.clone(),
            max_memory_bytes: 1 << 30,
        };
        let host = Arc::new(Host::new(settings, scenario.engine.delays.clone(), clock, scenario.seed));
        let start = clock.now().plus(Duration::from_secs(30));
        let reads = tokio::spawn(read_when_over(Arc::clone(&host), clock, start.plus(Duration::from_millis(5_400))));
        let sessions = (0..of).map(|index| {
            let session = Session {
                scenario: scenario.clone(),
                run: RUN,
                clock,
                target: Target::Embedded(Arc::clone(&host)),
                trace: None,
                hosts: Some(Hosts {
                    portion: Portion::new(index, of).expect("below"),
                    start,
                    meeting: scenario.streams.values().next().map(|stream| stream.name.clone()),
                }),
            };
            let (cancel_sender, cancel) = watch::channel(false);
            let controls = Controls {
                cancel,
                progress: Arc::new(Progress::default()),
                started: Arc::new(watch::channel(None).0),
            };
            let after = interrupt.filter(|(host, _)| *host == index as usize);
            async move {
                let cancels = async {
                    match after {
                        Some((_, after)) => clock.sleep_until(start.plus(after)).await,
                        None => std::future::pending().await,
                    }
                    cancel_sender.send_replace(true);
                    std::future::pending::<()>().await;
                };
                tokio::select! {
                    outcome = Box::pin(session.run(controls)) => outcome.unwrap_or_else(|problem| panic!("{problem}")),
                    () = cancels => unreachable!("it never ends"),
                }
            }
        });
        let outcomes = join_all(sessions).await;
        (reads.await.expect("it ends"), outcomes)
    })
}

/// Everything but probes that `orders` holds shortly before the end of the drain.
async fn read_when_over(host: Arc<Host>, clock: Clock, at: Timestamp) -> Vec<Stored> {
    clock.sleep_until(at).await;
    let (shards, _) = host
        .list_shards("orders", ShardFilter::FromTrimHorizon, None)
        .await
        .expect("it is there");
    let mut stored = Vec::new();
    for shard in shards {
        let first = host
            .get_shard_iterator("orders", shard.shard, IteratorPosition::TrimHorizon)
            .await;
        let mut next = first.ok();
        while let Some(iterator) = next {
            let page = host
                .get_records(&iterator, None)
                .await
                .expect("limits are off");
            for record in &page.records {
                let stamp = Stamp::read(record.data).expect("all are stamped");
                if !stamp.is_probe_of(RUN) {
                    stored.push((
                        record.partition_key.to_owned(),
                        record.data.to_vec(),
                        stamp.intended,
                    ));
                }
            }
            let at_tip = page.records.is_empty() && page.millis_behind_latest == 0;
            next = page.next_iterator.filter(|_| !at_tip);
        }
    }
    stored.sort();
    stored
}

fn folders(out: &Path, loaded: &Loaded, outcomes: &[Outcome]) -> Vec<PathBuf> {
    outcomes
        .iter()
        .map(|outcome| written(out, loaded, outcome))
        .collect()
}

#[test]
fn the_records_of_eight_hosts_are_byte_for_byte_those_of_one_for_every_arrival() {
    for producer in [
        "arrival = { kind = \"constant\", rate = \"900/s\" }",
        "arrival = { kind = \"poisson\", rate = \"900/s\" }",
        "arrival = { kind = \"sine\", mean = \"800/s\", amplitude = 0.8, period = \"1s\" }",
        "arrival = { kind = \"burst\", on_rate = \"3000/s\", off_rate = \"10/s\", on = \"100ms\", off = \"200ms\", modulation = \"markov\" }",
    ] {
        let loaded = several(producer, "");
        let (single, _) = run(&loaded, 1, None);
        assert!(single.len() > 1_000, "{producer}: {}", single.len());
        let (eight, outcomes) = run(&loaded, 8, None);
        assert_eq!(eight.len(), single.len(), "{producer}");
        assert!(eight == single, "{producer}: other bytes");
        let out = tempfile::tempdir().expect("room");
        let merged = merge_folders(&folders(out.path(), &loaded, &outcomes), false);
        let merged = merged.unwrap_or_else(|problem| panic!("failed to {problem}"));
        let document = &merged.document;
        let sent = document.ledger.producers["web"].total;
        assert_eq!([sent.intended, sent.acked], [single.len() as u64; 2]);
        for consumer in ["audit", "billing"] {
            let read = document.ledger.consumers[consumer].total;
            assert!(read.balances());
            assert_eq!(
                [read.acked, read.delivered, read.deliveries],
                [sent.acked; 3],
                "{consumer}"
            );
            assert!(document.consumers[consumer].caught_up);
        }
        assert!(
            document.verdict.reasons.is_empty(),
            "{:?}",
            document.verdict
        );
    }
}

#[test]
fn keys_stay_in_order_where_whole_workers_are_divided() {
    let loaded = several(
        "arrival = { kind = \"poisson\", rate = \"900/s\" }\nsend = { ordering = \"per-key\", linger = \"5ms\" }",
        "",
    );
    let (single, _) = run(&loaded, 1, None);
    let (two, outcomes) = run(&loaded, 2, None);
    assert!(two == single);
    let out = tempfile::tempdir().expect("room");
    let merged = merge_folders(&folders(out.path(), &loaded, &outcomes), false)
        .expect("they belong together");
    for read in merged.document.ledger.consumers.values() {
        assert_eq!(
            (read.total.key_inversions, read.total.delivered),
            (0, single.len() as u64)
        );
    }
}

#[test]
fn a_split_that_the_first_host_makes_is_followed_by_all_and_loses_nothing() {
    let loaded = several(
        "arrival = { kind = \"poisson\", rate = \"900/s\" }",
        "[events.split]\nat = \"measure+300ms\"\ndo = \"split-shard\"\non = \"orders\"\nshard = \"hottest\"\n",
    );
    let (_, outcomes) = run(&loaded, 3, None);
    assert_eq!(
        outcomes
            .iter()
            .map(|outcome| outcome.events.len())
            .collect::<Vec<_>>(),
        [1, 0, 0]
    );
    let out = tempfile::tempdir().expect("room");
    let merged = merge_folders(&folders(out.path(), &loaded, &outcomes), false)
        .expect("they belong together");
    let document = merged.document;
    assert_eq!((document.events.len(), document.shards.len()), (1, 5));
    let sent = document.ledger.producers["web"].total;
    for read in document.ledger.consumers.values() {
        assert_eq!(
            (read.total.lost, read.total.unread, read.total.delivered),
            (0, 0, sent.acked)
        );
        assert_eq!(read.total.out_of_order, 0);
    }
}

#[test]
fn a_host_that_was_interrupted_leaves_a_run_whose_accounts_still_add_up() {
    let loaded = several("arrival = { kind = \"poisson\", rate = \"900/s\" }", "");
    let (stored, outcomes) = run(&loaded, 3, Some((2, Duration::from_millis(1_300))));
    assert!(outcomes[2].interrupted && !outcomes[0].interrupted);
    let out = tempfile::tempdir().expect("room");
    let merged = merge_folders(&folders(out.path(), &loaded, &outcomes), false)
        .expect("they belong together");
    let document = merged.document;
    assert!(document.instrument.interrupted);
    let codes: Vec<_> = document
        .verdict
        .reasons
        .iter()
        .map(|reason| reason.code.as_ref())
        .collect();
    assert_eq!(codes, ["interrupted"]);
    assert!(document.verdict.reasons[0].text.starts_with("worker 3: "));
    let sent = document.ledger.producers["web"].total;
    assert!(sent.balances() && sent.intended < 2_100, "{sent:?}");
    // What was under way is unknown and may be stored.
    assert!(sent.acked <= stored.len() as u64 && stored.len() as u64 <= sent.acked + sent.unknown);
    for read in document.ledger.consumers.values() {
        assert!(read.total.balances(), "{:?}", read.total);
        assert_eq!(
            (read.total.acked, read.total.lost, read.total.unread),
            (sent.acked, 0, 0)
        );
    }
    let account = &merged.accounts["orders"];
    let never: u64 = account
        .workers
        .iter()
        .map(|worker| worker.unresolved.count())
        .sum();
    assert!(never > 100, "{never}");
}

#[test]
fn the_offset_of_a_clock_that_is_right_lies_within_its_bounds() {
    let loaded = several("arrival = { kind = \"constant\", rate = \"100/s\" }", "");
    let (_, outcomes) = run(&loaded, 3, None);
    for outcome in &outcomes {
        let (low, high) = outcome
            .host
            .as_ref()
            .and_then(|host| host.clock_offset_ns)
            .expect("probes came back");
        assert!(
            low <= 0 && 0 <= high && high - low <= 3_000_000,
            "{low} {high}"
        );
    }
    let intended = outcomes.iter().map(|outcome| {
        let [warm_up, measure] = &outcome.producers["web"].ledgers;
        warm_up.intended + measure.intended
    });
    // Two workers of 125 records, each divided by three.
    assert_eq!(intended.collect::<Vec<_>>(), [84, 84, 82]);
}
