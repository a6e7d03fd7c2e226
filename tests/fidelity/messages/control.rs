//! Texts of the control plane, over a socket.

use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::kinesis::delays::{Delay, DelayName};
use streamgauge::kinesis::operation::{IteratorPosition, StreamOptions, Tags};
use streamgauge::kinesis::quotas::{CapName, RateLimit, RateName};
use streamgauge::kinesis::{Limits, ShardId};
use streamgauge::server::ServerSettings;

use super::{
    ARN, CALL_RATE, CONSUMER_EXISTS, CONSUMER_NOT_ACTIVE, CREATING_QUOTA, DRY_RUN, ELEVENTH_UPDATE,
    EXISTS, FIRST, HAS_CONSUMERS, LIST_BOTH, LIST_NEITHER, MERGE, NO_SELECTOR, NO_SHARD, NO_STREAM,
    NOT_ACTIVE, ON_DEMAND, RECORD_TOO_LARGE, RETENTION_LONGER, RETENTION_MAX, RETENTION_MIN,
    RETENTION_SHORTER, SCALE_DOWN, SCALE_MOST, SCALE_UP, SHARD_QUOTA, SPLIT, SUBSCRIBED,
    TAG_CHARACTERS, TWO_STREAMS, engine, filled, is,
};
use crate::support::{Served, run, settings, start};

const ONE: &str = r#"{"StreamName":"s","ShardCount":1}"#;
const TWO: &str = r#"{"StreamName":"s","ShardCount":2}"#;
const SECOND: &str = "shardId-000000000001";
const HOUR: Delay = Delay::Constant(Duration::from_hours(1));

/// A server with stream `s` of two shards.
async fn with_stream(settings: ServerSettings) -> Served {
    let server = start(settings).await;
    server.done("CreateStream", TWO).await;
    server
}

async fn register(server: &Served) -> String {
    let body = format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"c"}}"#);
    let made = server.done("RegisterStreamConsumer", &body).await;
    let consumer = made.get("Consumer").expect("a consumer");
    consumer.str("ConsumerARN").expect("an ARN").to_owned()
}

fn subscribe(arn: &str) -> String {
    format!(
        r#"{{"ConsumerARN":"{arn}","ShardId":"{FIRST}","StartingPosition":{{"Type":"LATEST"}}}}"#
    )
}

#[test]
fn a_missing_stream_is_named_with_its_account() {
    run(async {
        let server = start(settings()).await;
        for (name, body) in [
            ("DescribeStream", r#"{"StreamName":"s"}"#),
            (
                "DescribeStreamSummary",
                r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s"}"#,
            ),
            ("DeleteStream", r#"{"StreamName":"s"}"#),
            ("ListShards", r#"{"StreamName":"s"}"#),
            (
                "PutRecord",
                r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#,
            ),
            (
                "PutRecords",
                r#"{"StreamName":"s","Records":[{"PartitionKey":"k","Data":""}]}"#,
            ),
            ("ListTagsForStream", r#"{"StreamName":"s"}"#),
            (
                "SplitShard",
                r#"{"StreamName":"s","ShardToSplit":"0","NewStartingHashKey":"5"}"#,
            ),
        ] {
            is(&server.call(name, body).await, &NO_STREAM, &[]);
        }
        server.stop().await;
    });
}

#[test]
fn a_shard_that_cannot_be_found_is_named_as_it_was_written() {
    run(async {
        let server = with_stream(settings()).await;
        for (name, body, shard) in [
            (
                "SplitShard",
                r#"{"StreamName":"s","ShardToSplit":"shard-7","NewStartingHashKey":"5"}"#,
                "shardId-000000000007",
            ),
            (
                "MergeShards",
                r#"{"StreamName":"s","ShardToMerge":"0","AdjacentShardToMerge":"9"}"#,
                "shardId-000000000009",
            ),
            (
                "SplitShard",
                r#"{"StreamName":"s","ShardToSplit":"x","NewStartingHashKey":"5"}"#,
                "x",
            ),
            (
                "GetShardIterator",
                r#"{"StreamName":"s","ShardId":"shardId-2147483648","ShardIteratorType":"LATEST"}"#,
                "shardId-2147483648",
            ),
            (
                "DescribeStream",
                r#"{"StreamName":"s","ExclusiveStartShardId":"x-y"}"#,
                "x-y",
            ),
            (
                "ListShards",
                r#"{"StreamName":"s","ExclusiveStartShardId":"x"}"#,
                "x",
            ),
        ] {
            is(&server.call(name, body).await, &NO_SHARD, &[("H", shard)]);
        }
        server.stop().await;
    });
}

#[test]
fn a_stream_is_made_once() {
    run(async {
        let server = with_stream(settings()).await;
        is(&server.call("CreateStream", ONE).await, &EXISTS, &[]);
        server.stop().await;
    });
}

#[test]
fn a_stream_that_is_not_active_says_its_state() {
    run(async {
        let mut settings = settings();
        settings.delays.set(DelayName::Reshard, HOUR);
        settings.delays.set(DelayName::DeleteStream, HOUR);
        let server = with_stream(settings).await;
        let merge = r#"{"StreamName":"s","ShardToMerge":"0","AdjacentShardToMerge":"shardId-000000000001"}"#;
        server.done("MergeShards", merge).await;
        let again = server.call("MergeShards", merge).await;
        is(&again, &NOT_ACTIVE, &[("STATE", "UPDATING")]);
        server.done("DeleteStream", r#"{"StreamName":"s"}"#).await;
        let again = server.call("MergeShards", merge).await;
        is(&again, &NOT_ACTIVE, &[("STATE", "DELETING")]);
        server.stop().await;
    });
}

#[test]
fn the_shard_quota_says_what_there_is_and_what_was_asked() {
    run(async {
        let mut settings = settings();
        settings.limits.set_cap(CapName::Shards, Some(3));
        let server = with_stream(settings).await;
        let more = server
            .call("CreateStream", r#"{"StreamName":"t","ShardCount":2}"#)
            .await;
        let numbers = [("C", "2"), ("L", "3"), ("N", "2")];
        is(&more, &SHARD_QUOTA, &numbers);
        server.stop().await;
    });
}

#[test]
fn the_quota_of_streams_in_creation_has_its_text() {
    run(async {
        let mut settings = settings();
        settings.limits.set_cap(CapName::StreamsInCreation, Some(5));
        settings.delays.set(DelayName::CreateStream, HOUR);
        let server = start(settings).await;
        for name in ["a", "b", "c", "d", "e"] {
            let body = format!(r#"{{"StreamName":"{name}","ShardCount":1}}"#);
            server.done("CreateStream", &body).await;
        }
        let sixth = server.call("CreateStream", ONE).await;
        is(&sixth, &CREATING_QUOTA, &[("L", "5")]);
        server.stop().await;
    });
}

#[test]
fn a_control_call_above_its_rate_names_the_stream() {
    run(async {
        let mut settings = settings();
        let once = RateLimit {
            per_s: 1,
            capacity: 1,
        };
        settings
            .limits
            .set_rate(RateName::EnableEnhancedMonitoring, Some(once));
        let server = with_stream(settings).await;
        let body = r#"{"StreamName":"s","ShardLevelMetrics":["ALL"]}"#;
        server.done("EnableEnhancedMonitoring", body).await;
        let second = server.call("EnableEnhancedMonitoring", body).await;
        is(&second, &CALL_RATE, &[]);
        server.stop().await;
    });
}

fn update(target: u32) -> String {
    format!(r#"{{"StreamName":"s","TargetShardCount":{target},"ScalingType":"UNIFORM_SCALING"}}"#)
}

#[test]
fn a_shard_count_is_at_most_doubled_or_halved_and_has_a_most() {
    run(async {
        let mut settings = settings();
        let caps = [
            (CapName::UpdateShardCountFactor, 2),
            (CapName::ShardsPerStream, 10),
            (CapName::UpdateShardCountsPerDay, 10),
        ];
        for (name, most) in caps {
            settings.limits.set_cap(name, Some(most));
        }
        let server = with_stream(settings).await;
        let up = server.call("UpdateShardCount", &update(6)).await;
        is(&up, &SCALE_UP, &[("C", "2"), ("T", "6")]);
        server.done("UpdateShardCount", &update(4)).await;
        let down = server.call("UpdateShardCount", &update(1)).await;
        is(&down, &SCALE_DOWN, &[("C", "4"), ("T", "1")]);
        let most = server.call("UpdateShardCount", &update(11)).await;
        is(&most, &SCALE_MOST, &[("C", "4"), ("T", "11"), ("L", "10")]);
        server.stop().await;
    });
}

#[test]
fn a_split_names_the_key_that_was_asked_for_and_the_bounds() {
    run(async {
        let server = with_stream(settings()).await;
        let end = (u128::MAX / 2).to_string();
        let above = "9".repeat(39);
        for key in ["0", "1", &end, &above] {
            let body = format!(
                r#"{{"StreamName":"s","ShardToSplit":"{FIRST}","NewStartingHashKey":"{key}"}}"#
            );
            let values = [("V", key), ("H", FIRST), ("X", "0"), ("Y", end.as_str())];
            is(&server.call("SplitShard", &body).await, &SPLIT, &values);
        }
        server.stop().await;
    });
}

#[test]
fn shards_that_are_not_neighbours_in_order_are_not_merged() {
    run(async {
        let server = with_stream(settings()).await;
        for (left, right) in [(SECOND, FIRST), (FIRST, FIRST)] {
            let body = format!(
                r#"{{"StreamName":"s","ShardToMerge":"{left}","AdjacentShardToMerge":"{right}"}}"#
            );
            let values = [("H", left), ("H2", right)];
            is(&server.call("MergeShards", &body).await, &MERGE, &values);
        }
        server.stop().await;
    });
}

#[test]
fn retention_is_changed_in_the_direction_of_the_call_or_left_as_it_is() {
    run(async {
        let server = with_stream(settings()).await;
        let body = |hours: u32| format!(r#"{{"StreamName":"s","RetentionPeriodHours":{hours}}}"#);
        let (more, less) = (
            "IncreaseStreamRetentionPeriod",
            "DecreaseStreamRetentionPeriod",
        );
        let short = server.call(less, &body(23)).await;
        is(&short, &RETENTION_MIN, &[("N", "23")]);
        server.done(more, &body(25)).await;
        server.done(more, &body(25)).await;
        server.done(less, &body(25)).await;
        let values = [("N", "24"), ("O", "25")];
        is(
            &server.call(more, &body(24)).await,
            &RETENTION_SHORTER,
            &values,
        );
        let values = [("N", "26"), ("O", "25")];
        is(
            &server.call(less, &body(26)).await,
            &RETENTION_LONGER,
            &values,
        );
        server.stop().await;
    });
}

#[test]
fn shards_are_listed_by_stream_or_by_token_and_not_by_both() {
    run(async {
        let server = with_stream(settings()).await;
        is(&server.call("ListShards", "{}").await, &LIST_NEITHER, &[]);
        let page = server
            .done("ListShards", r#"{"StreamName":"s","MaxResults":1}"#)
            .await;
        let token = page.str("NextToken").expect("a second page").to_owned();
        let both = format!(r#"{{"StreamName":"s","NextToken":"{token}"}}"#);
        is(&server.call("ListShards", &both).await, &LIST_BOTH, &[]);
        let rest = server
            .done("ListShards", &format!(r#"{{"NextToken":"{token}"}}"#))
            .await;
        assert_eq!(rest.list("Shards").len(), 1);
        server.stop().await;
    });
}

#[test]
fn tags_have_letters_digits_and_a_few_signs() {
    run(async {
        let server = with_stream(settings()).await;
        server
            .done(
                "AddTagsToStream",
                r#"{"StreamName":"s","Tags":{"é 1_./=+-%@":"漢"}}"#,
            )
            .await;
        for tags in [r#"{"a;":"1"}"#, r#"{"a":"1&"}"#] {
            let body = format!(r#"{{"StreamName":"s","Tags":{tags}}}"#);
            let refused = server.call("AddTagsToStream", &body).await;
            is(&refused, &TAG_CHARACTERS, &[]);
        }
        server.stop().await;
    });
}

#[test]
fn a_consumer_in_creation_cannot_subscribe_yet() {
    let account = engine(Limits::aws());
    let now = Timestamp::from_secs(1_731_291_806);
    let (create, takes) = (Duration::ZERO, Duration::from_secs(9));
    let (stream, consumer) = ("s".parse(), "c".parse().expect("a name"));
    account
        .create_stream_with(
            now,
            create,
            &stream.expect("a name"),
            &StreamOptions::default(),
        )
        .expect("it is new");
    let made = account
        .register_stream_consumer(now, takes, "s", &consumer, &Tags::new())
        .expect("it is new");
    let shard = ShardId::new(0).expect("a small number");
    let error = account
        .subscribe_to_shard(now, &made.arn.to_string(), shard, IteratorPosition::Latest)
        .expect_err("it is CREATING");
    assert_eq!(error.code.as_str(), CONSUMER_NOT_ACTIVE.code);
    let values = [("N", "c"), ("T", "1731291806")];
    assert_eq!(error.message, filled(&CONSUMER_NOT_ACTIVE, &values));
}

#[test]
fn a_second_subscription_within_5_s_has_its_text() {
    run(async {
        let server = with_stream(settings()).await;
        let arn = register(&server).await;
        let headers = [
            ("content-type", crate::support::JSON),
            ("x-amz-target", "Kinesis_20131202.SubscribeToShard"),
            ("authorization", crate::support::AUTHORIZATION),
            ("x-amz-date", "20260101T000000Z"),
        ];
        let first = server.open("POST", "/", &headers, subscribe(&arn)).await;
        assert_eq!(first.status(), 200);
        let second = server.call("SubscribeToShard", &subscribe(&arn)).await;
        is(&second, &SUBSCRIBED, &[("H", FIRST), ("N", "c")]);
        drop(first);
        server.stop().await;
    });
}

#[test]
fn a_stream_with_consumers_says_how_it_is_deleted() {
    run(async {
        let server = with_stream(settings()).await;
        register(&server).await;
        let refused = server.call("DeleteStream", r#"{"StreamName":"s"}"#).await;
        is(&refused, &HAS_CONSUMERS, &[]);
        let enforced = r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#;
        server.done("DeleteStream", enforced).await;
        server.stop().await;
    });
}

#[test]
fn texts_that_nobody_has_published_have_the_documented_code() {
    run(async {
        let mut settings = settings();
        settings
            .limits
            .set_cap(CapName::UpdateShardCountsPerDay, Some(10));
        let server = with_stream(settings).await;
        register(&server).await;
        let again = format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"c"}}"#);
        let again = server.call("RegisterStreamConsumer", &again).await;
        is(&again, &CONSUMER_EXISTS, &[("N", "c")]);
        for _ in 0..10 {
            server.done("UpdateShardCount", &update(2)).await;
        }
        let eleventh = server.call("UpdateShardCount", &update(2)).await;
        is(&eleventh, &ELEVENTH_UPDATE, &[]);
        let long = r#"{"StreamName":"s","RetentionPeriodHours":8761}"#;
        let long = server.call("IncreaseStreamRetentionPeriod", long).await;
        is(&long, &RETENTION_MAX, &[("N", "8761")]);
        let data = "A".repeat((1 << 20) / 3 * 4 + 8);
        let large = format!(r#"{{"StreamName":"s","PartitionKey":"k","Data":"{data}"}}"#);
        let large = server.call("PutRecord", &large).await;
        let values = [("N", "1048581"), ("L", "1048576")];
        is(&large, &RECORD_TOO_LARGE, &values);
        let neither = server.call("DescribeStream", "{}").await;
        is(&neither, &NO_SELECTOR, &[]);
        let two = format!(r#"{{"StreamName":"t","StreamARN":"{ARN}"}}"#);
        is(
            &server.call("DescribeStream", &two).await,
            &TWO_STREAMS,
            &[],
        );
        let dry = r#"{"StreamName":"s","PartitionKey":"k","Data":"","DryRun":true}"#;
        is(&server.call("PutRecord", dry).await, &DRY_RUN, &[]);
        server
            .done("CreateStream", r#"{"StreamName":"on-demand"}"#)
            .await;
        for (name, body) in [
            (
                "SplitShard",
                r#"{"StreamName":"on-demand","ShardToSplit":"0","NewStartingHashKey":"5"}"#,
            ),
            (
                "MergeShards",
                r#"{"StreamName":"on-demand","ShardToMerge":"0","AdjacentShardToMerge":"1"}"#,
            ),
            (
                "UpdateShardCount",
                r#"{"StreamName":"on-demand","TargetShardCount":8,"ScalingType":"UNIFORM_SCALING"}"#,
            ),
        ] {
            is(&server.call(name, body).await, &ON_DEMAND, &[]);
        }
        server.stop().await;
    });
}
