//! The lean client in every dialect, over real sockets.

use std::sync::Arc;

use streamgauge::kinesis::operation::{CreateStream, IteratorPosition, PutApi, ShardFilter};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{ErrorCode, PutBatch, ShardId};
use streamgauge::report::EventStatus;
use streamgauge::target::lean::Protocol;
use streamgauge::target::{CallError, Target};
use streamgauge::wire::Codec;

use crate::place::{Serve, Wanted, folder, lean, results, run_by, scenario, with_client};
use crate::support::folder::agrees_with_itself;
use crate::support::{Ended, program};

const DIALECTS: [(Codec, Protocol); 4] = [
    (Codec::Json, Protocol::Http1),
    (Codec::Cbor, Protocol::Http1),
    (Codec::Json, Protocol::Http2),
    (Codec::Cbor, Protocol::Http2),
];

async fn make_orders(target: &Target) {
    let request = CreateStream {
        stream: "orders".parse().expect("a name"),
        shards: 1,
        max_record_bytes: 1 << 20,
    };
    target
        .create_stream(&request, 24)
        .await
        .expect("it is made");
}

fn batch(keys: &[&str]) -> PutBatch {
    let mut batch = PutBatch::new();
    for (index, key) in keys.iter().enumerate() {
        batch.push(PutEntry {
            partition_key: key,
            data: &[index as u8; 100],
            explicit_hash_key: None,
        });
    }
    batch
}

#[test]
fn what_is_put_in_any_dialect_is_read_in_every_dialect_as_by_the_sdk() {
    let serve = Serve::start();
    with_client(&serve.url, async |sdk| {
        let sdk = Arc::new(sdk);
        let mut targets = vec![Target::Sdk(Arc::clone(&sdk))];
        for (codec, protocol) in DIALECTS {
            targets.push(lean(&sdk, codec, protocol).await);
        }
        make_orders(&targets[0]).await;
        let mut numbers = Vec::new();
        for target in &targets {
            let mut results = Vec::new();
            for (api, keys) in [
                (PutApi::PutRecords, ["a", "\"b\\\u{fc}"].as_slice()),
                (PutApi::PutRecord, &["c"]),
            ] {
                let batch = batch(keys);
                let put = target.put(api, "orders", &batch, &mut results);
                put.await.expect("it is stored");
                assert_eq!(results.len(), keys.len());
                let stored = results.iter().map(|result| result.expect("stored"));
                numbers.extend(stored.map(|stored| stored.sequence_number));
            }
        }
        let shard = ShardId::new(0).expect("the first");
        let mut pages = Vec::new();
        for target in &targets {
            let position = IteratorPosition::AtSequenceNumber(numbers[1]);
            let iterator = target.get_shard_iterator("orders", shard, position).await;
            let iterator = iterator.expect("an iterator");
            let fetched = target.get_records("orders", &iterator, Some(1_000)).await;
            let page = fetched.expect("a page").page;
            let read: Vec<_> = page.records.iter().map(|r| r.sequence_number).collect();
            assert_eq!(read, numbers[1..]);
            pages.push(
                page.records
                    .to_owned_records()
                    .into_iter()
                    .map(|record| {
                        // The SDK keeps what a double's last bits add to a millisecond.
                        let arrival = record.arrival.as_micros().div_ceil(10);
                        (record.partition_key, record.data, arrival)
                    })
                    .collect::<Vec<_>>(),
            );
        }
        assert!(pages.iter().all(|page| *page == pages[0]), "{pages:?}");
        assert_eq!(targets[0].findings(), []);
    });
}

#[test]
fn refusals_are_told_alike_in_every_dialect() {
    let serve = Serve::start();
    with_client(&serve.url, async |sdk| {
        let sdk = Arc::new(sdk);
        let (batch, mut results) = (batch(&["a"]), Vec::new());
        let mut refusals = Vec::new();
        for (codec, protocol) in DIALECTS {
            let target = lean(&sdk, codec, protocol).await;
            let put = target.put(PutApi::PutRecord, "nobody", &batch, &mut results);
            refusals.push(put.await.expect_err("there is no such stream"));
        }
        let by_sdk = Target::Sdk(sdk);
        let put = by_sdk.put(PutApi::PutRecord, "nobody", &batch, &mut results);
        let by_sdk = put.await.expect_err("there is no such stream");
        assert_eq!(by_sdk.code(), Some(ErrorCode::ResourceNotFound));
        assert!(
            refusals.iter().all(|refusal| *refusal == by_sdk),
            "{refusals:?}"
        );
    });
}

#[test]
fn a_reset_leaves_calls_under_way_unanswered_and_later_ones_untouched() {
    let serve = Serve::start();
    with_client(&serve.url, async |sdk| {
        let sdk = Arc::new(sdk);
        let by_sdk = Target::Sdk(Arc::clone(&sdk));
        make_orders(&by_sdk).await;
        assert!(!by_sdk.reset_connections(), "its connections are its own");
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let target = lean(&sdk, Codec::Json, protocol).await;
            let (batch, mut results) = (batch(&["a"]), Vec::new());
            let put = target.put(PutApi::PutRecord, "orders", &batch, &mut results);
            put.await.expect("it is stored");
            // An idle connection that was reset is no trouble.
            assert!(target.reset_connections());
            let put = target.put(PutApi::PutRecord, "orders", &batch, &mut results);
            put.await.expect("it is stored");
            let clock = target.clock();
            let until = clock.now().plus(std::time::Duration::from_secs(20));
            target.stall_until(until).await.expect("there is a switch");
            let mut more = Vec::new();
            let stalled = target.put(PutApi::PutRecord, "orders", &batch, &mut more);
            let reset = async {
                clock.sleep(std::time::Duration::from_millis(200)).await;
                target.reset_connections()
            };
            let (stalled, _) = tokio::join!(stalled, reset);
            assert!(
                matches!(stalled, Err(CallError::Unanswered(_))),
                "{stalled:?}"
            );
            target.lift_stall().await.expect("there is a switch");
            let put = target.put(PutApi::PutRecord, "orders", &batch, &mut results);
            put.await.expect("it is stored");
        }
        let shards = by_sdk.list_shards("orders", ShardFilter::AtLatest).await;
        assert_eq!(shards.expect("a list").len(), 1);
    });
}

#[test]
fn connections_that_the_server_closed_meanwhile_cost_no_call() {
    let mut serve = Serve::start();
    let address = serve
        .url
        .strip_prefix("http://")
        .expect("plain HTTP")
        .to_owned();
    with_client(&serve.url.clone(), async |sdk| {
        let sdk = Arc::new(sdk);
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let target = lean(&sdk, Codec::Json, protocol).await;
            make_orders(&target).await;
            let (batch, mut results) = (batch(&["a"]), Vec::new());
            let put = target.put(PutApi::PutRecord, "orders", &batch, &mut results);
            put.await.expect("it is stored");
            serve.kill();
            let address = address.clone();
            let another = std::thread::spawn(move || Serve::start_at(&address));
            serve = another.join().expect("it starts");
            // The run's loop sees the end of the old connections.
            target
                .clock()
                .sleep(std::time::Duration::from_millis(50))
                .await;
            let put = target.put(PutApi::PutRecord, "orders", &batch, &mut results);
            let refused = put.await.expect_err("the new server has no streams");
            assert_eq!(
                refused.code(),
                Some(ErrorCode::ResourceNotFound),
                "{refused}"
            );
        }
    });
}

#[test]
fn over_tls_a_run_by_either_version_of_http_has_the_accounts_of_the_scenario() {
    let files = folder();
    let authority = files.path().join("authority.pem");
    let serve = Serve::start_with(
        "127.0.0.1:0",
        &["--tls", "self-signed", "--tls-cert-out"],
        Some(&authority),
    );
    assert!(serve.url.starts_with("https://"), "{}", serve.url);
    let path = scenario(files.path(), Wanted::default());
    for client in ["lean", "lean-h2"] {
        let ended = program()
            .arg("run")
            .arg(&path)
            .args(["--client", client, "--target", &serve.url, "--out"])
            .arg(files.path().join("results"))
            .env("SSL_CERT_FILE", &authority)
            .output();
        let there = results(Ended::of(ended.expect("the program starts")));
        let sent = &there.report.ledger.producers["web"].total;
        let read = &there.report.ledger.consumers["billing"].total;
        assert_eq!((sent.intended, sent.acked), (360, 360), "{sent:?}");
        assert_eq!((read.delivered, read.lost), (360, 0), "{read:?}");
    }
    // Whom nobody vouches for is sent nothing.
    let path = scenario(files.path(), Wanted::default());
    let ended = run_by("lean", files.path(), &path, &serve.url);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
}

#[test]
fn connections_that_the_run_resets_itself_leave_attempts_unknown_and_lose_nothing() {
    let (files, serve) = (folder(), Serve::start());
    let wanted = Wanted {
        producer: "retry = { kind = \"full-jitter\", attempts = 8, base = \"5ms\", cap = \"50ms\" }",
        // The stall makes sure that calls are under way.
        more: "[events.stall]\nat = \"measure+300ms\"\ndo = \"stall\"\nduration = \"600ms\"\n\n[events.cut]\nat = \"measure+600ms\"\ndo = \"reset-connections\"\n",
        ..Wanted::default()
    };
    let path = scenario(files.path(), wanted);
    for client in ["lean", "lean-h2"] {
        let there = results(run_by(client, files.path(), &path, &serve.url));
        let cut = &there.report.events[1];
        assert_eq!(
            (cut.action.as_str(), cut.status),
            ("reset-connections", EventStatus::Done)
        );
        let sent = &there.report.ledger.producers["web"].total;
        assert_eq!((sent.intended, sent.acked), (360, 360), "{sent:?}");
        assert!(sent.unknown_attempts > 0, "{sent:?}");
        let read = &there.report.ledger.consumers["billing"].total;
        assert_eq!((read.lost, read.delivered), (0, 360), "{read:?}");
        assert_eq!(read.stored_twice_unexplained, 0, "{read:?}");
        agrees_with_itself(&there);
    }
    // The SDK keeps its connections to itself, and in this process there are none.
    for target in [serve.url.as_str(), "embedded"] {
        let ended = run_by("sdk", files.path(), &path, target);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(
            ended.stderr.contains("no connections can be broken here"),
            "{}",
            ended.stderr
        );
    }
}
