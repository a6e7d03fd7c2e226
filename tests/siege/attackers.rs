//! Hostile clients, one function each. They go on until the siege is over.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use streamgauge::base::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::{AUTHORIZATION, CBOR, JSON, Served};

/// Attacks by name, and how often each must have been made.
const ATTACKS: [(&str, u64); 9] = [
    ("bytes sent one a second", 50),
    ("subscriptions that nobody reads", 3),
    ("megabytes of records put meanwhile", 100),
    ("answers of 1 MiB or more that nobody reads", 100),
    ("HTTP/2 answers that nobody takes", 100),
    ("endless bodies", 20),
    ("endless headers", 20),
    ("bodies nested a million deep", 20),
    ("connections of random bytes", 100),
];

/// All attacks at once. They end with the value.
pub(crate) struct Siege {
    counts: Arc<[AtomicU64; ATTACKS.len()]>,
    attacks: JoinSet<()>,
}

impl Siege {
    pub(crate) async fn begin(address: SocketAddr) -> Self {
        let server = Served::at(address);
        let arns = subscribers(&server).await;
        // What the unread answers are of.
        for _ in 0..10 {
            feed_once(&server).await;
        }
        let counts: Arc<[AtomicU64; ATTACKS.len()]> = Arc::default();
        let mut attacks = JoinSet::new();
        let mut attack = |index: usize, hands: usize, attack: fn(SocketAddr, Hand) -> Attack| {
            for number in 0..hands {
                let counts = Arc::clone(&counts);
                let hand = Hand {
                    counts,
                    index,
                    number: number as u64,
                };
                attacks.spawn(attack(address, hand));
            }
        };
        attack(0, 50, |a, h| Box::pin(trickle(a, h)));
        attack(2, 1, |a, h| Box::pin(feed(a, h)));
        attack(3, 40, |a, h| Box::pin(read_nothing(a, h)));
        attack(4, 2, |a, h| Box::pin(take_nothing(a, h)));
        attack(5, 24, |a, h| Box::pin(endless_body(a, h)));
        attack(6, 4, |a, h| Box::pin(endless_headers(a, h)));
        attack(7, 2, |a, h| Box::pin(nested(a, h)));
        attack(8, 4, |a, h| Box::pin(random(a, h)));
        for arn in arns {
            let hand = Hand {
                counts: Arc::clone(&counts),
                index: 1,
                number: 0,
            };
            attacks.spawn(subscribe_and_sleep(address, hand, arn));
        }
        Self { counts, attacks }
    }

    /// An attack that was not made often enough yet.
    pub(crate) fn missing(&self) -> Option<String> {
        let mut all = ATTACKS.iter().zip(self.counts.iter());
        let (name, count, least) = all.find_map(|((name, least), count)| {
            let count = count.load(Ordering::Relaxed);
            (count < *least).then_some((name, count, least))
        })?;
        Some(format!("{name}: {count} of {least}"))
    }

    pub(crate) fn figures(&self) -> String {
        let lines = ATTACKS.iter().zip(self.counts.iter());
        let lines =
            lines.map(|((name, _), count)| format!("{name}: {}", count.load(Ordering::Relaxed)));
        let hands = self.attacks.len();
        format!(
            "{hands} attackers; {}",
            lines.collect::<Vec<_>>().join("; ")
        )
    }
}

type Attack = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// One attacker: what it attacks with, and its number among those.
struct Hand {
    counts: Arc<[AtomicU64; ATTACKS.len()]>,
    index: usize,
    number: u64,
}

impl Hand {
    fn done(&self, times: u64) {
        self.counts[self.index].fetch_add(times, Ordering::Relaxed);
    }
}

/// A connection; the server may have none left for a moment.
async fn connect(address: SocketAddr) -> TcpStream {
    loop {
        if let Ok(stream) = TcpStream::connect(address).await {
            return stream;
        }
        pause(10).await;
    }
}

async fn pause(ms: u64) {
    Clock::real().sleep(Duration::from_millis(ms)).await;
}

fn head(operation: &str, kind: &str, length: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\nx-amz-target: Kinesis_20131202.{operation}\r\n\
         authorization: {AUTHORIZATION}\r\nx-amz-date: x\r\n{length}\r\n\r\n"
    )
}

fn whole(operation: &str, body: &str) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    format!("{}{body}", head(operation, JSON, &length)).into_bytes()
}

/// Keeps a connection open and takes nothing from it.
async fn hold(stream: &TcpStream) {
    // It ends when the server cuts it off.
    while stream.peek(&mut [0; 1]).await.is_ok_and(|count| count > 0) {
        pause(200).await;
        let closed = stream.ready(tokio::io::Interest::ERROR | tokio::io::Interest::WRITABLE);
        if closed
            .await
            .map_or(true, |ready| ready.is_write_closed() || ready.is_error())
        {
            return;
        }
    }
}

async fn trickle(address: SocketAddr, hand: Hand) {
    loop {
        let mut stream = connect(address).await;
        let text = head("ListStreams", JSON, "content-length: 1000000");
        for byte in text.bytes().chain(std::iter::repeat(b' ')) {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            hand.done(1);
            pause(1_000).await;
        }
    }
}

async fn iterator(server: &Served) -> String {
    let body = r#"{"StreamName":"big","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"}"#;
    let found = server.done("GetShardIterator", body).await;
    found.str("ShardIterator").expect("an iterator").to_owned()
}

/// Puts a megabyte.
async fn feed_once(server: &Served) {
    let data = "A".repeat(1 << 20);
    let put = format!(r#"{{"StreamName":"big","PartitionKey":"k","Data":"{data}"}}"#);
    server.call("PutRecord", &put).await;
}

async fn feed(address: SocketAddr, hand: Hand) {
    let server = Served::at(address);
    loop {
        feed_once(&server).await;
        hand.done(1);
        pause(5).await;
    }
}

async fn read_nothing(address: SocketAddr, hand: Hand) {
    let server = Served::at(address);
    loop {
        let body = format!(r#"{{"ShardIterator":"{}"}}"#, iterator(&server).await);
        let mut stream = connect(address).await;
        if stream.write_all(&whole("GetRecords", &body)).await.is_ok() {
            // An answer has begun once its first byte is here.
            if stream.peek(&mut [0; 1]).await.is_ok_and(|count| count > 0) {
                hand.done(1);
            }
            hold(&stream).await;
        }
        pause(20).await;
    }
}

async fn take_nothing(address: SocketAddr, hand: Hand) {
    let server = Served::at(address);
    loop {
        let stream = connect(address).await;
        let handshake = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(1)
            .handshake(TokioIo::new(stream))
            .await;
        let Ok((sender, connection)) = handshake else {
            continue;
        };
        let connection = tokio::spawn(connection);
        let body = format!(r#"{{"ShardIterator":"{}"}}"#, iterator(&server).await);
        let mut answers = JoinSet::new();
        for _ in 0..200 {
            let mut sender = sender.clone();
            let request = Request::post(format!("http://{address}/"))
                .header("content-type", JSON)
                .header("x-amz-target", "Kinesis_20131202.GetRecords")
                .header("authorization", AUTHORIZATION)
                .header("x-amz-date", "x")
                .body(Full::new(Bytes::from(body.clone())))
                .expect("a request");
            answers.spawn(async move { sender.send_request(request).await });
        }
        let mut untaken = Vec::new();
        while let Some(answer) = answers.join_next().await {
            if let Ok(Ok(answer)) = answer {
                hand.done(1);
                untaken.push(answer);
            }
        }
        connection.abort();
    }
}

/// Registers consumers of the stream that is fed.
async fn subscribers(server: &Served) -> Vec<String> {
    let mut arns = Vec::new();
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/big";
    for number in 0..3 {
        let body = format!(r#"{{"StreamARN":"{stream}","ConsumerName":"c{number}"}}"#);
        let made = server.done("RegisterStreamConsumer", &body).await;
        let consumer = made.get("Consumer").expect("a consumer");
        arns.push(consumer.str("ConsumerARN").expect("an ARN").to_owned());
    }
    arns
}

async fn subscribe_and_sleep(address: SocketAddr, hand: Hand, arn: String) {
    let body = format!(
        r#"{{"ConsumerARN":"{arn}","ShardId":"shardId-000000000000","StartingPosition":{{"Type":"TRIM_HORIZON"}}}}"#
    );
    loop {
        let mut stream = connect(address).await;
        if stream
            .write_all(&whole("SubscribeToShard", &body))
            .await
            .is_ok()
        {
            if stream.peek(&mut [0; 1]).await.is_ok_and(|count| count > 0) {
                hand.done(1);
            }
            hold(&stream).await;
        }
        pause(1_000).await;
    }
}

async fn endless_body(address: SocketAddr, hand: Hand) {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000)).into_bytes();
    loop {
        let mut stream = connect(address).await;
        let text = head("ListStreams", JSON, "transfer-encoding: chunked");
        let mut open = stream.write_all(text.as_bytes()).await.is_ok();
        while open {
            open = stream.write_all(&chunk).await.is_ok();
            pause(2).await;
        }
        hand.done(1);
    }
}

async fn endless_headers(address: SocketAddr, hand: Hand) {
    let line = format!("x-filler: {}\r\n", "x".repeat(4_000)).into_bytes();
    loop {
        let mut stream = connect(address).await;
        let mut open = stream
            .write_all(b"POST / HTTP/1.1\r\nhost: x\r\n")
            .await
            .is_ok();
        while open {
            open = stream.write_all(&line).await.is_ok();
        }
        hand.done(1);
        pause(20).await;
    }
}

async fn nested(address: SocketAddr, hand: Hand) {
    const DEPTH: usize = 1_000_000;
    loop {
        let json = format!(r#"{{"StreamName":{}"#, "[".repeat(DEPTH)).into_bytes();
        let cbor = [&b"\xa1\x6aStreamName"[..], &vec![0x81; DEPTH]].concat();
        for (kind, body) in [(JSON, json), (CBOR, cbor)] {
            let mut stream = connect(address).await;
            let length = format!("content-length: {}\r\nconnection: close", body.len());
            let text = head("DescribeStream", kind, &length);
            let sent = stream.write_all(text.as_bytes()).await.is_ok()
                && stream.write_all(&body).await.is_ok();
            let mut answer = Vec::new();
            if sent && stream.read_to_end(&mut answer).await.is_ok() {
                assert!(answer.starts_with(b"HTTP/1.1 400"), "it is refused");
                hand.done(1);
            }
        }
        pause(20).await;
    }
}

async fn random(address: SocketAddr, hand: Hand) {
    for seed in hand.number * 1_000_000.. {
        garbage_once(address, seed, b"").await;
        hand.done(1);
        pause(5).await;
    }
}

/// Sends some random bytes after `first`, and waits for the end.
pub(crate) async fn garbage_once(address: SocketAddr, seed: u64, first: &[u8]) {
    let mut state = seed;
    let mut bytes = first.to_vec();
    bytes.extend((0..500).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    }));
    let mut stream = connect(address).await;
    // The server may close before it has read everything.
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
}
