//! The official Rust SDK, as an application uses it, against the server over a socket.
#![cfg(feature = "aws")]

mod support;

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata as _;
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::operation::put_record::PutRecordError;
use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    ConsumerStatus, PutRecordsRequestEntry, Record, ScalingType, ShardIteratorType,
    StartingPosition, StreamStatus, SubscribeToShardEvent, SubscribeToShardEventStream,
};
use streamgauge::kinesis::Limits;
use support::{run, serve, wait};

const SHARD: &str = "shardId-000000000000";

async fn create(client: &Client, stream: &str, shards: i32) -> String {
    let call = client.create_stream().stream_name(stream);
    call.shard_count(shards).send().await.expect("created");
    active(client, stream).await
}

/// The stream's ARN, once it is ACTIVE.
async fn active(client: &Client, stream: &str) -> String {
    loop {
        let call = client.describe_stream_summary().stream_name(stream);
        let summary = call.send().await.expect("described");
        let summary = summary.stream_description_summary().expect("a summary");
        if *summary.stream_status() == StreamStatus::Active {
            return summary.stream_arn().to_owned();
        }
        wait(Duration::from_millis(20)).await;
    }
}

async fn put(client: &Client, stream: &str, key: &str, data: &[u8]) -> (String, String) {
    let call = client.put_record().stream_name(stream).partition_key(key);
    let answer = call.data(Blob::new(data)).send().await.expect("stored");
    (
        answer.shard_id().to_owned(),
        answer.sequence_number().to_owned(),
    )
}

async fn page(client: &Client, stream: &str, shard: &str) -> GetRecordsOutput {
    let call = client.get_shard_iterator().stream_name(stream);
    let call = call
        .shard_id(shard)
        .shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = call.send().await.expect("an iterator").shard_iterator;
    let call = client.get_records().set_shard_iterator(iterator);
    call.send().await.expect("a page")
}

fn data(records: &[Record]) -> Vec<&[u8]> {
    records
        .iter()
        .map(|record| record.data().as_ref())
        .collect()
}

#[test]
fn a_record_comes_back_as_it_was_put() {
    run(async {
        let (server, client) = serve(Limits::off()).await;
        let arn = create(&client, "orders", 2).await;
        assert!(arn.ends_with(":stream/orders"), "{arn}");
        let bytes: Vec<u8> = (0..=255).collect();
        let (shard, number) = put(&client, "orders", "ключ", &bytes).await;
        let page = page(&client, "orders", &shard).await;
        let [record] = page.records() else {
            panic!("{} records", page.records().len());
        };
        assert_eq!(record.data().as_ref(), bytes);
        assert_eq!(record.partition_key(), Some("ключ"));
        assert_eq!(record.sequence_number(), number);
        assert!(record.approximate_arrival_timestamp().is_some());
        assert_eq!(record.encryption_type(), None);
        assert_eq!(page.millis_behind_latest(), Some(0));
        let listed = client.list_streams().send().await.expect("listed");
        assert_eq!(listed.stream_names(), ["orders"]);
        let call = client.delete_stream().stream_name("orders");
        call.send().await.expect("deleted");
        server.stop().await;
    });
}

#[test]
fn a_batch_answers_record_by_record_and_is_not_sent_again_by_the_sdk() {
    run(async {
        let (server, client) = serve(Limits::aws()).await;
        create(&client, "orders", 1).await;
        let entry = |number: usize| {
            let entry = PutRecordsRequestEntry::builder().partition_key(format!("key-{number}"));
            entry.data(Blob::new([7u8; 10])).build().expect("an entry")
        };
        let (mut stored, mut refused) = (0, 0);
        // The bucket holds a second's worth: 3,000 records in much less than two are too many.
        for _ in 0..6 {
            let call = client.put_records().stream_name("orders");
            let call = call.set_records(Some((0..500).map(entry).collect()));
            let answer = call.send().await.expect("200 even when all are refused");
            let failed = answer.records().iter().filter(|r| r.error_code().is_some());
            assert_eq!(answer.failed_record_count(), Some(failed.count() as i32));
            for result in answer.records() {
                if let Some(code) = result.error_code() {
                    assert_eq!(code, "ProvisionedThroughputExceededException");
                    let message = result.error_message().expect("a message");
                    assert!(message.starts_with("Rate exceeded for shard"), "{message}");
                    refused += 1;
                } else {
                    assert_eq!(result.shard_id(), Some(SHARD));
                    stored += 1;
                }
            }
        }
        assert!(stored >= 1_000 && refused > 0, "{stored} {refused}");
        let read = page(&client, "orders", SHARD).await;
        assert_eq!(read.records().len(), stored);
        server.stop().await;
    });
}

#[test]
fn a_closed_shard_ends_with_its_children_and_without_an_iterator() {
    run(async {
        let (server, client) = serve(Limits::off()).await;
        create(&client, "orders", 1).await;
        put(&client, "orders", "a", b"before").await;
        let call = client.split_shard().stream_name("orders");
        let call = call
            .shard_to_split(SHARD)
            .new_starting_hash_key((1u128 << 127).to_string());
        call.send().await.expect("split");
        active(&client, "orders").await;
        let mut last = page(&client, "orders", SHARD).await;
        assert_eq!(data(last.records()), [b"before"]);
        while let Some(next) = last.next_shard_iterator() {
            let call = client.get_records().shard_iterator(next);
            last = call.send().await.expect("a page");
        }
        let children: Vec<_> = last
            .child_shards()
            .iter()
            .map(aws_sdk_kinesis::types::ChildShard::shard_id)
            .collect();
        let (left, right) = ("shardId-000000000001", "shardId-000000000002");
        assert_eq!(children, [left, right]);
        assert_eq!(last.child_shards()[0].parent_shards(), [SHARD]);
        let call = client.merge_shards().stream_name("orders");
        let call = call.shard_to_merge(left).adjacent_shard_to_merge(right);
        call.send().await.expect("merged");
        active(&client, "orders").await;
        let (shard, _) = put(&client, "orders", "a", b"after").await;
        assert_eq!(shard, "shardId-000000000003");
        let call = client.update_shard_count().stream_name("orders");
        let call = call
            .target_shard_count(2)
            .scaling_type(ScalingType::UniformScaling);
        let answer = call.send().await.expect("scaled");
        assert_eq!(answer.current_shard_count(), Some(1));
        server.stop().await;
    });
}

/// The consumer's ARN, once it is ACTIVE.
async fn register(client: &Client, stream_arn: &str, name: &str) -> String {
    let call = client.register_stream_consumer().stream_arn(stream_arn);
    let answer = call.consumer_name(name).send().await.expect("registered");
    let arn = answer
        .consumer()
        .expect("a consumer")
        .consumer_arn()
        .to_owned();
    loop {
        let call = client.describe_stream_consumer().consumer_arn(&arn);
        let answer = call.send().await.expect("described");
        let consumer = answer.consumer_description().expect("a consumer");
        if *consumer.consumer_status() == ConsumerStatus::Active {
            return arn;
        }
        wait(Duration::from_millis(20)).await;
    }
}

async fn subscribe(client: &Client, consumer: &str) -> SubscribeToShardOutput {
    let position = StartingPosition::builder().r#type(ShardIteratorType::TrimHorizon);
    let call = client.subscribe_to_shard().consumer_arn(consumer);
    let call = call
        .shard_id(SHARD)
        .starting_position(position.build().expect("a position"));
    call.send().await.expect("subscribed")
}

/// The next event that brings records or the end of the shard.
async fn event(subscription: &mut SubscribeToShardOutput) -> Option<SubscribeToShardEvent> {
    loop {
        match subscription
            .event_stream
            .recv()
            .await
            .expect("no exception")?
        {
            SubscribeToShardEventStream::SubscribeToShardEvent(event)
                if event.records().is_empty() && event.child_shards().is_empty() => {}
            SubscribeToShardEventStream::SubscribeToShardEvent(event) => return Some(event),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_subscription_brings_records_as_they_arrive_and_ends_with_its_shard() {
    run(async {
        let (server, client) = serve(Limits::off()).await;
        let stream = create(&client, "orders", 1).await;
        let consumer = register(&client, &stream, "billing").await;
        let mut subscription = subscribe(&client, &consumer).await;
        for data in [b"one", b"two"] {
            let (_, number) = put(&client, "orders", "a", data).await;
            let event = event(&mut subscription).await.expect("an event");
            let [record] = event.records() else {
                panic!("{} records", event.records().len());
            };
            assert_eq!(record.data().as_ref(), data);
            assert_eq!(event.continuation_sequence_number(), number);
        }
        let call = client.split_shard().stream_name("orders");
        let call = call
            .shard_to_split(SHARD)
            .new_starting_hash_key((1u128 << 127).to_string());
        call.send().await.expect("split");
        let last = event(&mut subscription).await.expect("the end is told");
        assert_eq!(last.child_shards().len(), 2);
        // The SDK shows a member that is left out as empty text.
        assert_eq!(last.continuation_sequence_number(), "");
        assert!(event(&mut subscription).await.is_none());
        server.stop().await;
    });
}

#[test]
fn a_second_subscription_within_five_seconds_is_refused() {
    run(async {
        let (server, client) = serve(Limits::off()).await;
        let stream = create(&client, "orders", 1).await;
        let consumer = register(&client, &stream, "billing").await;
        let first = subscribe(&client, &consumer).await;
        let position = StartingPosition::builder().r#type(ShardIteratorType::Latest);
        let call = client.subscribe_to_shard().consumer_arn(&consumer);
        let call = call
            .shard_id(SHARD)
            .starting_position(position.build().expect("a position"));
        let error = call.send().await.expect_err("it is refused");
        let error = error.into_service_error();
        assert!(error.is_resource_in_use_exception(), "{error:?}");
        let message = error.message().unwrap_or_default();
        assert!(
            message.starts_with("Another active subscription exists for this consumer"),
            "{message}"
        );
        drop(first);
        server.stop().await;
    });
}

#[test]
fn refusals_are_the_errors_of_the_model() {
    run(async {
        let (server, client) = serve(Limits::aws()).await;
        let call = client.put_record().stream_name("none").partition_key("a");
        let error = call.data(Blob::new([1u8])).send().await;
        let error = error.expect_err("no stream").into_service_error();
        assert!(error.is_resource_not_found_exception(), "{error:?}");
        assert_eq!(
            error.message(),
            Some("Stream none under account 000000000000 not found.")
        );
        assert!(error.meta().extra("aws_request_id").is_some());

        create(&client, "orders", 1).await;
        let call = client.create_stream().stream_name("orders").shard_count(1);
        let error = call
            .send()
            .await
            .expect_err("it exists")
            .into_service_error();
        assert!(error.is_resource_in_use_exception(), "{error:?}");

        let call = client.get_records().shard_iterator("none");
        let error = call.send().await.expect_err("no iterator");
        let error = error.into_service_error();
        assert!(error.is_invalid_argument_exception(), "{error:?}");
        assert_eq!(error.message(), Some("Invalid ShardIterator."));

        let call = client.put_record().stream_name("orders");
        let call = call.partition_key("k".repeat(257));
        let error = call.data(Blob::new([1u8])).send().await;
        let error = error.expect_err("too long a key").into_service_error();
        assert_eq!(error.code(), Some("ValidationException"), "{error:?}");

        let call = || {
            let call = client.put_record().stream_name("orders").partition_key("a");
            call.data(Blob::new(vec![1u8; 1_000_000])).send()
        };
        let mut refused = None;
        for _ in 0..20 {
            refused = refused.or(call().await.err());
        }
        let refused = refused.expect("20 MB in a moment").into_service_error();
        assert!(
            matches!(
                refused,
                PutRecordError::ProvisionedThroughputExceededException(_)
            ),
            "{refused:?}"
        );
        server.stop().await;
    });
}

#[test]
fn pages_of_a_listing_are_followed_to_their_end() {
    run(async {
        let (server, client) = serve(Limits::off()).await;
        for number in 0..7 {
            create(&client, &format!("stream-{number}"), 1).await;
        }
        let mut pages = client.list_streams().limit(3).into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            names.extend(page.expect("a page").stream_names);
        }
        let wanted: Vec<_> = (0..7).map(|number| format!("stream-{number}")).collect();
        assert_eq!(names, wanted);
        server.stop().await;
    });
}
