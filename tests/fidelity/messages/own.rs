//! Texts that are this project's, over a socket.

use std::time::Duration;

use streamgauge::kinesis::delays::{Delay, DelayName};
use streamgauge::kinesis::quotas::CapName;

use super::{
    ARN, CONSUMERS_CREATING, CONSUMERS_MOST, ENCRYPTION, FIRST, ITERATOR_OF_OTHER, REGIONS, TOKEN,
    TOKEN_AND_TIME, is,
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
        let page = server
            .done("ListShards", r#"{"StreamName":"s","MaxResults":1}"#)
            .await;
        let token = page.str("NextToken").expect("more");
        let both = format!(r#"{{"NextToken":"{token}","StreamCreationTimestamp":1}}"#);
        is(
            &server.call("ListShards", &both).await,
            &TOKEN_AND_TIME,
            &[],
        );
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
