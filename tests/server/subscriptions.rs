//! SubscribeToShard as an event stream.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use streamgauge::base::Clock;
use streamgauge::kinesis::delays::{Delay, DelayName};
use streamgauge::wire::event_stream::{Frame, read_frame};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::{AUTHORIZATION, JSON, Served, run, settings, start};

pub(crate) struct Events {
    body: Incoming,
    bytes: Vec<u8>,
}

impl Events {
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, length)) = read_frame(&self.bytes).expect("frames") {
                self.bytes.drain(..length);
                return Some(frame);
            }
            let more: Bytes = self.body.frame().await?.ok()?.into_data().ok()?;
            self.bytes.extend_from_slice(&more);
        }
    }
}

async fn consumer(server: &Served) -> String {
    server
        .done("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#)
        .await;
    let register =
        r#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/s","ConsumerName":"c"}"#;
    let made = server.done("RegisterStreamConsumer", register).await;
    let made = made.get("Consumer").expect("a consumer").clone();
    made.str("ConsumerARN").expect("an ARN").to_owned()
}

pub(crate) async fn subscribe(server: &Served, arn: &str) -> Events {
    let headers = [
        ("content-type", JSON),
        ("x-amz-target", "Kinesis_20131202.SubscribeToShard"),
        ("authorization", AUTHORIZATION),
        ("x-amz-date", "20260101T000000Z"),
    ];
    let body = format!(
        r#"{{"ConsumerARN":"{arn}","ShardId":"shardId-000000000000","StartingPosition":{{"Type":"TRIM_HORIZON"}}}}"#
    );
    let response = server.open("POST", "/", &headers, body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        response.headers()["content-type"],
        "application/vnd.amazon.eventstream"
    );
    Events {
        body: response.into_body(),
        bytes: Vec::new(),
    }
}

const PUT: &str = r#"{"StreamName":"s","PartitionKey":"k","Data":"YQ=="}"#;

#[test]
fn the_first_frame_comes_at_once_and_a_record_when_it_is_put() {
    run(async {
        let server = start(settings()).await;
        let arn = consumer(&server).await;
        let mut events = subscribe(&server, &arn).await;
        let first = events.next().await.expect("a frame");
        assert_eq!(first.header(":event-type"), Some("initial-response"));
        let clock = Clock::real();
        let put = async {
            clock.sleep(Duration::from_millis(200)).await;
            server.done("PutRecord", PUT).await;
            clock.now()
        };
        let read = async {
            loop {
                let event = events.next().await.expect("an event");
                assert_eq!(event.header(":event-type"), Some("SubscribeToShardEvent"));
                let text = String::from_utf8_lossy(&event.payload).into_owned();
                if text.contains(r#""Data":"YQ==""#) {
                    return clock.now();
                }
            }
        };
        let (put_at, read_at) = tokio::join!(put, read);
        assert!(read_at.since(put_at) < Duration::from_millis(500));
        server.stop().await;
    });
}

#[test]
fn a_deregistered_consumer_is_told_in_the_stream() {
    run(async {
        let server = start(settings()).await;
        let arn = consumer(&server).await;
        let mut events = subscribe(&server, &arn).await;
        events.next().await.expect("a frame");
        let body = format!(r#"{{"ConsumerARN":"{arn}"}}"#);
        server.done("DeregisterStreamConsumer", &body).await;
        let mut last = None;
        while let Some(frame) = events.next().await {
            last = Some(frame);
        }
        let last = last.expect("an exception");
        assert_eq!(last.header(":message-type"), Some("exception"));
        assert_eq!(
            last.header(":exception-type"),
            Some("ResourceNotFoundException")
        );
        let text = String::from_utf8_lossy(&last.payload).into_owned();
        assert!(text.contains("was deregistered."), "{text}");
        server.stop().await;
    });
}

#[test]
fn a_deleted_stream_is_told_in_the_stream() {
    run(async {
        let server = start(settings()).await;
        let arn = consumer(&server).await;
        let mut events = subscribe(&server, &arn).await;
        events.next().await.expect("a frame");
        let body = r#"{"StreamName":"s","EnforceConsumerDeletion":true}"#;
        server.done("DeleteStream", body).await;
        let mut last = None;
        while let Some(frame) = events.next().await {
            last = Some(frame);
        }
        let last = last.expect("an exception");
        assert_eq!(
            last.header(":exception-type"),
            Some("ResourceNotFoundException")
        );
        let text = String::from_utf8_lossy(&last.payload).into_owned();
        assert!(
            text.contains("The stream of this subscription was deleted."),
            "{text}"
        );
        server.stop().await;
    });
}

#[test]
fn the_end_of_the_server_ends_subscriptions_at_once() {
    run(async {
        let server = start(settings()).await;
        let arn = consumer(&server).await;
        let mut events = subscribe(&server, &arn).await;
        events.next().await.expect("a frame");
        let clock = Clock::real();
        let begun = clock.now();
        let read = async { while events.next().await.is_some() {} };
        tokio::join!(server.stop(), read);
        assert!(clock.now().since(begun) < Duration::from_secs(3));
    });
}

#[test]
fn a_reader_that_does_not_read_holds_up_nobody() {
    run(async {
        let server = start(settings()).await;
        let arn = consumer(&server).await;
        let events = subscribe(&server, &arn).await;
        let data = "A".repeat(1 << 20);
        let body = format!(r#"{{"StreamName":"s","PartitionKey":"k","Data":"{data}"}}"#);
        for _ in 0..30 {
            server.done("PutRecord", &body).await;
        }
        drop(events);
        server.done("ListStreams", "{}").await;
        server.stop().await;
    });
}

/// How many subscriptions the server has open.
async fn open(server: &Served) -> String {
    let page = server.send("GET", "/metrics", &[], "").await.text();
    let line = page
        .lines()
        .find(|line| line.starts_with("streamgauge_open_subscriptions{"));
    let (_, count) = line
        .and_then(|line| line.rsplit_once(' '))
        .expect("a count");
    count.to_owned()
}

#[test]
fn a_subscription_whose_client_leaves_before_its_answer_is_closed() {
    run(async {
        let mut settings = settings();
        let delay = Delay::Constant(Duration::from_secs(1));
        settings.delays.set(DelayName::GetShardIterator, delay);
        let server = start(settings).await;
        let arn = consumer(&server).await;
        let body = format!(
            r#"{{"ConsumerARN":"{arn}","ShardId":"shardId-000000000000","StartingPosition":{{"Type":"LATEST"}}}}"#
        );
        let head = format!(
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: {JSON}\r\nx-amz-target: \
             Kinesis_20131202.SubscribeToShard\r\nauthorization: {AUTHORIZATION}\r\nx-amz-date: x\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(server.address)
            .await
            .expect("it listens");
        stream
            .write_all(head.as_bytes())
            .await
            .expect("it is taken");
        let clock = Clock::real();
        // It is carried out in the middle of the delay, and answered at its end.
        while open(&server).await != "1" {
            clock.sleep(Duration::from_millis(10)).await;
        }
        drop(stream);
        while open(&server).await != "0" {
            clock.sleep(Duration::from_millis(10)).await;
        }
        server.stop().await;
    });
}
