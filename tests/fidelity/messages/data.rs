//! Texts of puts and reads, over a socket.

use std::time::Duration;

use streamgauge::base::{Clock, Timestamp};
use streamgauge::kinesis::operation::{CreateStream, IteratorPosition};
use streamgauge::kinesis::quotas::{RateLimit, RateName};
use streamgauge::kinesis::{Limits, SequenceNumber, ShardId};
use streamgauge::wire::Value;

use super::{
    ALSO_STARTING_NUMBER, ARN, BAD_NUMBER, BATCH, FIRST, FUTURE_TIMESTAMP, HASH_KEY, ITERATOR,
    ITERATOR_EXPIRED, NO_SHARD_TO_READ, NO_STARTING_NUMBER, NO_TIMESTAMP, NUMBER_OF_OTHER_SHARD,
    NUMBER_OF_OTHER_STREAM, ORDERING, READ_RATE, WRITE_RATE, engine, filled, is, said,
};
use crate::support::{AUTHORIZATION, CBOR, Served, run, settings, start};

const PUT: &str = r#"{"StreamName":"s","PartitionKey":"k","Data":"YQ=="}"#;
const ONCE: RateLimit = RateLimit {
    per_s: 1,
    capacity: 1,
};

/// A server with stream `s` of one shard under these limits.
async fn with_stream(limits: Limits, shards: u32) -> Served {
    let mut settings = settings();
    settings.limits = limits;
    let server = start(settings).await;
    let body = format!(r#"{{"StreamName":"s","ShardCount":{shards}}}"#);
    server.done("CreateStream", &body).await;
    server
}

fn limited(name: RateName) -> Limits {
    let mut limits = Limits::off();
    limits.set_rate(name, Some(ONCE));
    limits
}

async fn iterator(server: &Served, shard: &str) -> String {
    let body =
        format!(r#"{{"StreamName":"s","ShardId":"{shard}","ShardIteratorType":"TRIM_HORIZON"}}"#);
    let got = server.done("GetShardIterator", &body).await;
    got.str("ShardIterator").expect("an iterator").to_owned()
}

/// Asks for an iterator of the first shard with further members.
fn from(members: &str) -> String {
    format!(r#"{{"StreamName":"s","ShardId":"{FIRST}",{members}}}"#)
}

#[test]
fn readers_are_told_of_a_missing_shard_even_when_the_stream_is_missing() {
    run(async {
        let server = with_stream(Limits::off(), 1).await;
        let other = r#"{"StreamName":"s","ShardId":"x-5","ShardIteratorType":"LATEST"}"#;
        let missing = [("H", "shardId-000000000005")];
        let reply = server.call("GetShardIterator", other).await;
        is(&reply, &NO_SHARD_TO_READ, &missing);
        let kept = iterator(&server, FIRST).await;
        server.done("DeleteStream", r#"{"StreamName":"s"}"#).await;
        let reply = server.call("GetShardIterator", other).await;
        is(&reply, &NO_SHARD_TO_READ, &missing);
        let read = format!(r#"{{"ShardIterator":"{kept}"}}"#);
        let reply = server.call("GetRecords", &read).await;
        is(&reply, &NO_SHARD_TO_READ, &[("H", FIRST)]);
        server.stop().await;
    });
}

#[test]
fn a_throttled_put_names_its_shard_alone_and_inside_a_batch() {
    run(async {
        let server = with_stream(limited(RateName::WriteRecords), 1).await;
        server.done("PutRecord", PUT).await;
        let refused = server.call("PutRecord", PUT).await;
        is(&refused, &WRITE_RATE, &[("H", FIRST)]);
        let records = r#"{"PartitionKey":"k","Data":"YQ=="},"#.repeat(3);
        let batch = format!(
            r#"{{"StreamName":"s","Records":[{}]}}"#,
            records.trim_end_matches(',')
        );
        let answer = server.done("PutRecords", &batch).await;
        let last = answer.list("Records").last().expect("three results");
        assert_eq!(last.str("ErrorCode"), Some(WRITE_RATE.code));
        let text = filled(&WRITE_RATE, &[("H", FIRST)]);
        assert_eq!(last.str("ErrorMessage"), Some(text.as_str()));
        server.stop().await;
    });
}

#[test]
fn a_throttled_read_names_account_stream_and_shard() {
    run(async {
        let server = with_stream(limited(RateName::ReadCalls), 1).await;
        let body = format!(
            r#"{{"ShardIterator":"{}"}}"#,
            iterator(&server, FIRST).await
        );
        server.done("GetRecords", &body).await;
        let refused = server.call("GetRecords", &body).await;
        is(&refused, &READ_RATE, &[("H", FIRST)]);
        server.stop().await;
    });
}

#[test]
fn an_explicit_hash_key_above_2_to_the_128_fails_the_whole_call() {
    run(async {
        let server = with_stream(Limits::off(), 1).await;
        let key = "340282366920938463463374607431768211456";
        let record = format!(r#"{{"PartitionKey":"k","Data":"","ExplicitHashKey":"{key}"}}"#);
        let one = format!(
            r#"{{"StreamName":"s",{}"#,
            record.strip_prefix('{').expect("a brace")
        );
        let refused = server.call("PutRecord", &one).await;
        is(&refused, &HASH_KEY, &[("V", key)]);
        let batch = format!(
            r#"{{"StreamName":"s","Records":[{{"PartitionKey":"k","Data":""}},{record}]}}"#
        );
        let refused = server.call("PutRecords", &batch).await;
        is(&refused, &HASH_KEY, &[("V", key)]);
        let read = format!(
            r#"{{"ShardIterator":"{}"}}"#,
            iterator(&server, FIRST).await
        );
        let page = server.done("GetRecords", &read).await;
        assert_eq!(page.list("Records"), []);
        server.stop().await;
    });
}

#[test]
fn a_sequence_number_for_ordering_that_is_none_or_of_the_future_is_named() {
    run(async {
        let server = with_stream(Limits::off(), 1).await;
        let stored = server.done("PutRecord", PUT).await;
        let number = stored.str("SequenceNumber").expect("a number");
        let number: SequenceNumber = number.parse().expect("a number");
        let mut parts = number.decode().expect("its parts");
        parts.time_s += 3_600;
        let future = parts.encode().to_string();
        for number in [&"1".repeat(50), &future, &"9".repeat(129)] {
            for stream in [
                r#""StreamName":"s""#.to_owned(),
                format!(r#""StreamARN":"{ARN}""#),
            ] {
                let body = format!(
                    r#"{{{stream},"PartitionKey":"k","Data":"","SequenceNumberForOrdering":"{number}"}}"#
                );
                let refused = server.call("PutRecord", &body).await;
                is(&refused, &ORDERING, &[("V", number)]);
            }
        }
        server.stop().await;
    });
}

#[test]
fn a_batch_above_10_mib_is_too_large() {
    run(async {
        let server = with_stream(Limits::off(), 1).await;
        let mut out = minicbor::Encoder::new(Vec::new());
        let data = vec![7; 1_000_000];
        out.map(2).expect("memory");
        out.str("StreamName").expect("memory");
        out.str("s").expect("memory");
        out.str("Records").expect("memory");
        out.array(11).expect("memory");
        for _ in 0..11 {
            out.map(2).expect("memory");
            out.str("PartitionKey").expect("memory");
            out.str("k").expect("memory");
            out.str("Data").expect("memory");
            out.bytes(&data).expect("memory");
        }
        let headers = [
            ("content-type", CBOR),
            ("x-amz-target", "Kinesis_20131202.PutRecords"),
            ("authorization", AUTHORIZATION),
            ("x-amz-date", "20260101T000000Z"),
        ];
        let refused = server.send("POST", "/", &headers, out.into_writer()).await;
        assert_eq!(refused.status, 400);
        let text = filled(&BATCH, &[("L", "10")]);
        assert!(refused.text().contains(&text), "{}", refused.text());
        assert!(refused.text().contains(BATCH.code), "{}", refused.text());
        server.stop().await;
    });
}

#[test]
fn what_is_no_iterator_is_refused() {
    run(async {
        let server = with_stream(Limits::off(), 1).await;
        let good = iterator(&server, FIRST).await;
        let mut tampered = good.clone();
        let first = if good.starts_with('B') { "C" } else { "B" };
        tampered.replace_range(0..1, first);
        for iterator in ["garbage", &tampered, &good[..good.len() - 4]] {
            let body = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
            is(&server.call("GetRecords", &body).await, &ITERATOR, &[]);
        }
        server.stop().await;
    });
}

#[test]
fn an_expired_iterator_says_when_it_was_made_and_what_time_it_is() {
    let account = engine(Limits::aws());
    let request = CreateStream {
        stream: "s".parse().expect("a name"),
        shards: 1,
        max_record_bytes: 1 << 20,
    };
    // The two times of the issue that shows the text.
    let (made, now) = (
        Timestamp::from_secs(1_583_283_760),
        Timestamp::from_secs(1_583_284_230),
    );
    account
        .create_stream(made, Duration::ZERO, &request)
        .expect("it is new");
    let shard = ShardId::new(0).expect("a small number");
    let iterator = account
        .get_shard_iterator(made, "s", shard, IteratorPosition::Latest)
        .expect("it is there");
    let error = account
        .get_records(now, &iterator, None)
        .expect_err("expired");
    assert_eq!(error.code.as_str(), ITERATOR_EXPIRED.code);
    let values = [
        ("T", "Wed Mar 04 01:02:40 UTC 2020"),
        ("N", "Wed Mar 04 01:10:30 UTC 2020"),
        ("D", "300000"),
    ];
    assert_eq!(error.message, filled(&ITERATOR_EXPIRED, &values));
}

#[test]
fn an_iterator_type_and_its_sequence_number_go_together() {
    run(async {
        let server = with_stream(Limits::off(), 1).await;
        for kind in ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"] {
            let body = from(&format!(r#""ShardIteratorType":"{kind}""#));
            let refused = server.call("GetShardIterator", &body).await;
            is(&refused, &NO_STARTING_NUMBER, &[("T", kind)]);
        }
        for kind in ["LATEST", "TRIM_HORIZON"] {
            let members = format!(r#""ShardIteratorType":"{kind}","StartingSequenceNumber":"5""#);
            let refused = server.call("GetShardIterator", &from(&members)).await;
            is(&refused, &ALSO_STARTING_NUMBER, &[("T", kind)]);
        }
        server.stop().await;
    });
}

#[test]
fn a_position_in_time_has_a_time_that_is_not_to_come() {
    run(async {
        let server = with_stream(Limits::off(), 1).await;
        let none = from(r#""ShardIteratorType":"AT_TIMESTAMP""#);
        let refused = server.call("GetShardIterator", &none).await;
        is(&refused, &NO_TIMESTAMP, &[]);
        let time = Clock::real().now().as_secs() + 3_600;
        let future = from(&format!(
            r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":{time}"#
        ));
        let refused = server.call("GetShardIterator", &future).await;
        let (_, text) = said(&refused);
        // What time the server thought it was stands at the end.
        let now = text.rsplit(' ').next().expect("a time");
        let off = time * 1_000 - now.parse::<u64>().expect("milliseconds");
        assert!((3_500_000..=3_601_000).contains(&off), "{text}");
        let asked = (time * 1_000).to_string();
        is(&refused, &FUTURE_TIMESTAMP, &[("X", &asked), ("Y", now)]);
        server.stop().await;
    });
}

#[test]
fn a_starting_sequence_number_is_of_the_shard_and_of_the_stream() {
    run(async {
        let server = with_stream(Limits::off(), 2).await;
        let number = |stored: &Value| {
            let text = stored.str("SequenceNumber").expect("a number");
            text.parse::<SequenceNumber>().expect("a number")
        };
        let put = |key: u128| {
            format!(
                r#"{{"StreamName":"s","PartitionKey":"k","Data":"","ExplicitHashKey":"{key}"}}"#
            )
        };
        let second = number(&server.done("PutRecord", &put(u128::MAX)).await);
        let first = number(&server.done("PutRecord", &put(0)).await);
        let ask = |number: &str| {
            from(&format!(
                r#""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"{number}""#
            ))
        };
        server
            .done("GetShardIterator", &ask(&first.to_string()))
            .await;
        let refused = server
            .call("GetShardIterator", &ask(&second.to_string()))
            .await;
        let values = [("X", "shardId-000000000001"), ("H", FIRST)];
        is(&refused, &NUMBER_OF_OTHER_SHARD, &values);
        let mut foreign = first.decode().expect("its parts");
        foreign.shard_created_s -= 500;
        let foreign = foreign.encode().to_string();
        let refused = server.call("GetShardIterator", &ask(&foreign)).await;
        let values = [("V", foreign.as_str()), ("H", FIRST)];
        is(&refused, &NUMBER_OF_OTHER_STREAM, &values);
        for bad in [&"1".repeat(50), &"9".repeat(129)] {
            let refused = server.call("GetShardIterator", &ask(bad)).await;
            is(&refused, &BAD_NUMBER, &[("V", bad), ("H", FIRST)]);
        }
        server.stop().await;
    });
}

#[test]
fn a_starting_sequence_number_of_any_version_is_told_whose_it_is_first() {
    run(async {
        let server = with_stream(Limits::off(), 2).await;
        let ask = |number: &str| {
            from(&format!(
                r#""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"{number}""#
            ))
        };
        // Kinesalite's cases and the ends of version 0, which is below 2^129.
        for (number, shard) in [
            ("5", "shardId-000000000005"),
            (
                "49039857307708443467467104868809893875799651944235008002",
                "shardId--02147483648",
            ),
        ] {
            let refused = server.call("GetShardIterator", &ask(number)).await;
            is(
                &refused,
                &NUMBER_OF_OTHER_SHARD,
                &[("X", shard), ("H", FIRST)],
            );
        }
        for number in [
            "26227199374822427428162556223570313216",
            "680564733841876926926749214863536422911",
            "680564733841876926926749214863536422912",
            "49039857307708443467467104868809893875799651909875269635",
        ] {
            let refused = server.call("GetShardIterator", &ask(number)).await;
            is(&refused, &BAD_NUMBER, &[("V", number), ("H", FIRST)]);
        }
        let first_version = "49039857307708443467467104868809893875799651909875269633";
        let refused = server.call("GetShardIterator", &ask(first_version)).await;
        let values = [("V", first_version), ("H", FIRST)];
        is(&refused, &NUMBER_OF_OTHER_STREAM, &values);
        for number in ["0", "26227199374821822965252748908982894592"] {
            let refused = server.call("GetShardIterator", &ask(number)).await;
            assert_eq!(refused.status, 500, "{number}");
            assert_eq!(refused.text(), r#"{"__type":"InternalFailure"}"#);
        }
        server.stop().await;
    });
}
