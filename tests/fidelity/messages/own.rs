//! Texts that are this project's, over a socket.

use std::time::Duration;

use streamgauge::kinesis::delays::{Delay, DelayName};
use streamgauge::kinesis::quotas::{CapName, RateLimit, RateName};

use super::{
    ACCOUNT_RATE, ARN, AUTO_REFUSED, BAD_POLICY, CLOSED_SPLIT, CONSUMER_SELECTOR,
    CONSUMERS_CREATING, CONSUMERS_MOST, COUNT_REFUSED, COUNT_REQUIRED, ENCRYPTION, FILTER_SHARD,
    FILTER_TAKES, FILTER_TIME, FIRST, ITERATOR_OF_OTHER, NO_CONSUMER, NO_POLICY, ON_DEMAND_QUOTA,
    OTHER_ACCOUNT, OTHER_REGION, PROVISIONED, REGIONS, TAGS_MOST, TOKEN, TOKEN_AND_OTHER,
    TWO_CONSUMERS, WARM_COMMITMENT, WARM_KEPT, WARM_REFUSED, is,
};
use crate::support::{run, settings, start};

#[test]
fn texts_of_this_project_have_the_documented_code() {
    run(async {
        let mut settings = settings();
        settings
            .limits
            .set_cap(CapName::ConsumersPerStream, Some(1));
        let server = start(settings).await;
        for name in ["s", "t"] {
            let create = format!(r#"{{"StreamName":"{name}","ShardCount":2}}"#);
            server.done("CreateStream", &create).await;
        }
        let register = |name| format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"{name}"}}"#);
        server.done("RegisterStreamConsumer", &register("c")).await;
        let second = server.call("RegisterStreamConsumer", &register("d")).await;
        is(&second, &CONSUMERS_MOST, &[("L", "1")]);
        let body =
            format!(r#"{{"StreamName":"t","ShardId":"{FIRST}","ShardIteratorType":"LATEST"}}"#);
        let found = server.done("GetShardIterator", &body).await;
        let iterator = found.str("ShardIterator").expect("an iterator");
        let read = format!(r#"{{"ShardIterator":"{iterator}","StreamARN":"{ARN}"}}"#);
        let read = server.call("GetRecords", &read).await;
        is(&read, &ITERATOR_OF_OTHER, &[("T", ARN)]);
        let none = r#"{"NextToken":"none"}"#;
        is(&server.call("ListShards", none).await, &TOKEN, &[]);
        let encrypt = r#"{"StreamName":"s","EncryptionType":"NONE","KeyId":"k"}"#;
        let encrypt = server.call("StartStreamEncryption", encrypt).await;
        is(&encrypt, &ENCRYPTION, &[]);
        server.stop().await;
    });
}

#[test]
fn consumers_in_creation_have_a_most_of_their_own() {
    run(async {
        let mut settings = settings();
        settings
            .limits
            .set_cap(CapName::ConsumersInCreation, Some(1));
        let delay = Delay::Constant(Duration::from_millis(400));
        settings.delays.set(DelayName::Control, delay);
        let server = start(settings).await;
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        server.done("CreateStream", create).await;
        let register = |name| format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"{name}"}}"#);
        let (c, d) = (register("c"), register("d"));
        let (first, second) = tokio::join!(
            server.call("RegisterStreamConsumer", &c),
            server.call("RegisterStreamConsumer", &d)
        );
        // Whichever came first is in creation when the other comes.
        let refused = if first.status == 200 { second } else { first };
        is(&refused, &CONSUMERS_CREATING, &[("L", "1")]);
        server.stop().await;
    });
}

#[test]
fn more_regions_with_streams_than_a_server_keeps_are_refused() {
    run(async {
        let server = start(settings()).await;
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        for number in 0..256 {
            let made = server
                .call_as(&format!("{number:012}"), "CreateStream", create)
                .await;
            assert_eq!(made.status, 200, "{}", made.text());
        }
        let refused = server.call_as("111122223333", "ListStreams", "{}").await;
        is(&refused, &REGIONS, &[]);
        server.stop().await;
    });
}

#[test]
fn a_token_stands_alone_and_a_filter_takes_the_members_of_its_type() {
    run(async {
        let server = start(settings()).await;
        let create = r#"{"StreamName":"s","ShardCount":2}"#;
        server.done("CreateStream", create).await;
        let page = server
            .done("ListShards", r#"{"StreamName":"s","MaxResults":1}"#)
            .await;
        let token = page.str("NextToken").expect("more");
        for (member, value) in [
            ("ExclusiveStartShardId", r#""shardId-0""#),
            ("StreamCreationTimestamp", "1"),
            ("ShardFilter", r#"{"Type":"AT_LATEST"}"#),
        ] {
            let both = format!(r#"{{"NextToken":"{token}","{member}":{value}}}"#);
            let refused = server.call("ListShards", &both).await;
            is(&refused, &TOKEN_AND_OTHER, &[("M", member)]);
        }
        let more = format!(r#"{{"NextToken":"{token}","MaxResults":5}}"#);
        let page = server.done("ListShards", &more).await;
        assert_eq!(page.list("Shards").len(), 1);

        for name in ["c", "d"] {
            let register = format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"{name}"}}"#);
            server.done("RegisterStreamConsumer", &register).await;
        }
        let first = format!(r#"{{"StreamARN":"{ARN}","MaxResults":1}}"#);
        let page = server.done("ListStreamConsumers", &first).await;
        let token = page.str("NextToken").expect("more");
        let both =
            format!(r#"{{"StreamARN":"{ARN}","NextToken":"{token}","StreamCreationTimestamp":1}}"#);
        let refused = server.call("ListStreamConsumers", &both).await;
        let member = [("M", "StreamCreationTimestamp")];
        is(&refused, &TOKEN_AND_OTHER, &member);

        let filtered = |filter: &str| format!(r#"{{"StreamName":"s","ShardFilter":{filter}}}"#);
        for (kind, message) in [
            ("AFTER_SHARD_ID", &FILTER_SHARD),
            ("AT_TIMESTAMP", &FILTER_TIME),
            ("FROM_TIMESTAMP", &FILTER_TIME),
        ] {
            let filter = filtered(&format!(r#"{{"Type":"{kind}"}}"#));
            let refused = server.call("ListShards", &filter).await;
            is(&refused, message, &[]);
        }
        for (kind, member, value) in [
            ("AT_LATEST", "ShardId", r#""zzz""#),
            ("AT_TRIM_HORIZON", "Timestamp", "5"),
            ("AFTER_SHARD_ID", "Timestamp", "5"),
            ("AT_TIMESTAMP", "ShardId", r#""0""#),
        ] {
            let filter = filtered(&format!(r#"{{"Type":"{kind}","{member}":{value}}}"#));
            let refused = server.call("ListShards", &filter).await;
            is(&refused, &FILTER_TAKES, &[("T", kind), ("M", member)]);
        }
        for good in [
            r#"{"Type":"AFTER_SHARD_ID","ShardId":"0"}"#,
            r#"{"Type":"FROM_TIMESTAMP","Timestamp":5}"#,
            r#"{"Type":"AT_LATEST"}"#,
        ] {
            server.done("ListShards", &filtered(good)).await;
        }
        server.stop().await;
    });
}

#[test]
fn list_streams_above_its_rate_names_the_account() {
    run(async {
        let mut settings = settings();
        let one = RateLimit {
            per_s: 1,
            capacity: 1,
        };
        settings.limits.set_rate(RateName::ListStreams, Some(one));
        let server = start(settings).await;
        server.done("ListStreams", "{}").await;
        let refused = server.call("ListStreams", "{}").await;
        is(&refused, &ACCOUNT_RATE, &[]);
        server.stop().await;
    });
}

#[test]
fn what_a_streams_mode_or_state_does_not_allow_is_told() {
    run(async {
        let mut settings = settings();
        settings.limits.set_cap(CapName::OnDemandStreams, Some(1));
        let server = start(settings).await;
        let provisioned = r#""StreamModeDetails":{"StreamMode":"PROVISIONED"}"#;
        let on_demand = r#""StreamModeDetails":{"StreamMode":"ON_DEMAND"}"#;
        for (members, message) in [
            (provisioned.to_owned(), &COUNT_REQUIRED),
            (format!(r#"{on_demand},"ShardCount":1"#), &COUNT_REFUSED),
            (
                r#""ShardCount":1,"RecordDistributionStrategy":"AUTO""#.to_owned(),
                &AUTO_REFUSED,
            ),
            (
                r#""ShardCount":1,"WarmThroughputMiBps":1"#.to_owned(),
                &WARM_REFUSED,
            ),
            (
                format!(r#"{on_demand},"WarmThroughputMiBps":1"#),
                &WARM_COMMITMENT,
            ),
        ] {
            let create = format!(r#"{{"StreamName":"s",{members}}}"#);
            is(&server.call("CreateStream", &create).await, message, &[]);
        }
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        server.done("CreateStream", create).await;
        let split = r#"{"StreamName":"s","ShardToSplit":"0","NewStartingHashKey":"5"}"#;
        server.done("SplitShard", split).await;
        let again = server.call("SplitShard", split).await;
        is(&again, &CLOSED_SPLIT, &[("H", FIRST)]);
        let warm = r#"{"StreamName":"s","WarmThroughputMiBps":1}"#;
        let refused = server.call("UpdateStreamWarmThroughput", warm).await;
        is(&refused, &PROVISIONED, &[]);
        server.done("DeleteStream", r#"{"StreamName":"s"}"#).await;
        server.done("CreateStream", r#"{"StreamName":"s"}"#).await;
        let second = server.call("CreateStream", r#"{"StreamName":"t"}"#).await;
        is(&second, &ON_DEMAND_QUOTA, &[("L", "1")]);
        let commitment =
            |status| format!(r#"{{"MinimumThroughputBillingCommitment":{{"Status":"{status}"}}}}"#);
        server
            .done("UpdateAccountSettings", &commitment("ENABLED"))
            .await;
        server.done("UpdateStreamWarmThroughput", warm).await;
        let refused = server
            .call("UpdateAccountSettings", &commitment("DISABLED"))
            .await;
        is(&refused, &WARM_KEPT, &[]);
        server.stop().await;
    });
}

#[test]
fn resources_and_consumers_that_are_not_there_are_told() {
    run(async {
        let server = start(settings()).await;
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        server.done("CreateStream", create).await;
        let consumer = format!(r#"{{"StreamARN":"{ARN}","ConsumerName":"c"}}"#);
        let missing = server.call("DescribeStreamConsumer", &consumer).await;
        is(&missing, &NO_CONSUMER, &[("N", "c")]);
        let half = format!(r#"{{"StreamARN":"{ARN}"}}"#);
        let refused = server.call("DescribeStreamConsumer", &half).await;
        is(&refused, &CONSUMER_SELECTOR, &[]);
        let two = format!(
            r#"{{"StreamARN":"{ARN}","ConsumerName":"c","ConsumerARN":"{ARN}/consumer/d:1"}}"#
        );
        let refused = server.call("DescribeStreamConsumer", &two).await;
        is(&refused, &TWO_CONSUMERS, &[]);
        let policy = format!(r#"{{"ResourceARN":"{ARN}"}}"#);
        let missing = server.call("GetResourcePolicy", &policy).await;
        is(&missing, &NO_POLICY, &[("ARN", ARN)]);
        let bad = format!(r#"{{"ResourceARN":"{ARN}","Policy":"none"}}"#);
        let refused = server.call("PutResourcePolicy", &bad).await;
        is(&refused, &BAD_POLICY, &[]);
        for (arn, message) in [
            (
                "arn:aws:kinesis:us-east-1:111122223333:stream/s",
                &OTHER_ACCOUNT,
            ),
            (
                "arn:aws:kinesis:eu-west-1:000000000000:stream/s",
                &OTHER_REGION,
            ),
        ] {
            let body = format!(r#"{{"StreamARN":"{arn}"}}"#);
            let refused = server.call("DescribeStream", &body).await;
            is(&refused, message, &[("ARN", arn)]);
        }
        server.stop().await;
    });
}

#[test]
fn a_stream_with_the_most_tags_is_told_how_many_it_may_have() {
    run(async {
        let mut settings = settings();
        settings.limits.set_cap(CapName::TagsPerResource, Some(1));
        let server = start(settings).await;
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        server.done("CreateStream", create).await;
        let tags = r#"{"StreamName":"s","Tags":{"a":"1","b":"2"}}"#;
        let refused = server.call("AddTagsToStream", tags).await;
        is(&refused, &TAGS_MOST, &[("L", "1")]);
        server.stop().await;
    });
}
