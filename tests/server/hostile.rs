//! Clients that mean no good: each is got rid of, and others are served meanwhile.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use streamgauge::base::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{AUTHORIZATION, JSON, Served, run, settings, start};

async fn others_are_served(server: &Served) {
    let clock = Clock::real();
    let begun = clock.now();
    server.done("ListStreams", "{}").await;
    assert!(clock.now().since(begun) < Duration::from_secs(1));
}

/// Sends `first`, then `more` again and again; gives how long the server stood it.
async fn pester(server: &Served, first: &[u8], more: &[u8], pause: Duration) -> Duration {
    let clock = Clock::real();
    let begun = clock.now();
    let stream = TcpStream::connect(server.address)
        .await
        .expect("it listens");
    let (mut reader, mut writer) = stream.into_split();
    let write = async {
        let mut failed = writer.write_all(first).await.is_err();
        while !failed {
            clock.sleep(pause).await;
            failed = writer.write_all(more).await.is_err();
        }
    };
    let read = async {
        let mut answer = Vec::new();
        let _ = reader.read_to_end(&mut answer).await;
    };
    tokio::select! {
        () = write => {}
        () = read => {}
        () = others_pause(server, &clock) => panic!("the server never gave up"),
    }
    clock.now().since(begun)
}

/// Serves others for ten seconds.
async fn others_pause(server: &Served, clock: &Clock) {
    for _ in 0..20 {
        others_are_served(server).await;
        clock.sleep(Duration::from_millis(500)).await;
    }
}

#[test]
fn random_bytes_are_answered_or_cut_off() {
    run(async {
        let server = start(settings()).await;
        let mut state = 7u64;
        for _ in 0..50 {
            let bytes: Vec<u8> = (0..300)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            let mut stream = TcpStream::connect(server.address)
                .await
                .expect("it listens");
            stream.write_all(&bytes).await.expect("it is taken");
            let _ = stream.shutdown().await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
        }
        others_are_served(&server).await;
        server.stop().await;
    });
}

#[test]
fn endless_headers_end_soon() {
    run(async {
        let server = start(settings()).await;
        let line = format!("x-filler: {}\r\n", "x".repeat(4_000)).into_bytes();
        let stood = pester(
            &server,
            b"POST / HTTP/1.1\r\nhost: x\r\n",
            &line,
            Duration::from_micros(100),
        )
        .await;
        assert!(stood < Duration::from_secs(5), "{stood:?}");
        server.stop().await;
    });
}

#[test]
fn a_byte_at_a_time_of_headers_or_body_is_waited_for_no_longer_than_patience() {
    run(async {
        let server = start(settings()).await;
        let head = b"POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: Kinesis_20131202.ListStreams\r\n\
                     content-type: application/x-amz-json-1.1\r\ncontent-length: 1000000\r\n\r\n";
        for first in [&b"P"[..], b"POST / HTTP/1.1\r\nx: ", head] {
            let stood = pester(&server, first, b"x", Duration::from_millis(300)).await;
            assert!(stood < Duration::from_secs(6), "{stood:?}");
        }
        server.stop().await;
    });
}

#[test]
fn connections_beyond_the_bound_wait_and_do_not_break_those_that_are_there() {
    run(async {
        let mut settings = settings();
        settings.connections_max = 4;
        let server = start(settings).await;
        let mut idle = Vec::new();
        for _ in 0..4 {
            idle.push(
                TcpStream::connect(server.address)
                    .await
                    .expect("it listens"),
            );
        }
        // The idle ones are given up in the end, and this one is served.
        server.done("ListStreams", "{}").await;
        server.stop().await;
    });
}

/// Fills a stream with ten megabytes; gives a request that reads them all.
async fn long_answer(server: &Served) -> String {
    let create = r#"{"StreamName":"big","ShardCount":1}"#;
    server.done("CreateStream", create).await;
    let data = "A".repeat(1 << 20);
    let put = format!(r#"{{"StreamName":"big","PartitionKey":"k","Data":"{data}"}}"#);
    for _ in 0..13 {
        server.done("PutRecord", &put).await;
    }
    let body = r#"{"StreamName":"big","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"}"#;
    let found = server.done("GetShardIterator", body).await;
    let iterator = found.str("ShardIterator").expect("an iterator");
    format!(r#"{{"ShardIterator":"{iterator}"}}"#)
}

#[test]
fn an_answer_that_nobody_reads_is_given_up() {
    run(async {
        let server = start(settings()).await;
        let body = long_answer(&server).await;
        let headers = [
            ("content-type", JSON),
            ("x-amz-target", "Kinesis_20131202.GetRecords"),
            ("authorization", AUTHORIZATION),
            ("x-amz-date", "x"),
        ];
        let answer = server.open("POST", "/", &headers, body).await;
        assert_eq!(answer.status(), 200);
        // Several times the server's patience.
        others_pause(&server, &Clock::real()).await;
        let rest = answer.into_body().collect().await;
        assert!(rest.is_err(), "the rest of the answer was kept");
        server.stop().await;
    });
}

#[test]
fn an_http_2_client_that_only_answers_pings_is_given_up() {
    run(async {
        let server = start(settings()).await;
        let body = long_answer(&server).await;
        let stream = TcpStream::connect(server.address)
            .await
            .expect("it listens");
        let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(1)
            .handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        let connection = tokio::spawn(connection);
        let request = hyper::Request::post(format!("http://{}/", server.address))
            .header("content-type", JSON)
            .header("x-amz-target", "Kinesis_20131202.GetRecords")
            .header("authorization", AUTHORIZATION)
            .header("x-amz-date", "x")
            .body(Full::new(Bytes::from(body)))
            .expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        // The connection ends although this side is alive and wants nothing to end.
        let ended = connection.await.expect("it does not panic");
        assert!(ended.is_err() || sender.is_closed());
        drop(answer);
        server.stop().await;
    });
}

#[test]
fn an_http_2_client_that_asks_nothing_is_given_up_and_one_that_asks_or_listens_is_not() {
    run(async {
        let server = start(settings()).await;
        let connect = async || {
            let stream = TcpStream::connect(server.address)
                .await
                .expect("it listens");
            http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .expect("a connection")
        };
        let clock = Clock::real();
        let begun = clock.now();
        // Its library answers the server's pings.
        let (silent, connection) = connect().await;
        let silent_ended = tokio::spawn(connection);
        let (mut busy, connection) = connect().await;
        let busy_ended = tokio::spawn(connection);
        while !silent_ended.is_finished() {
            let request = hyper::Request::post(format!("http://{}/", server.address))
                .header("content-type", JSON)
                .header("x-amz-target", "Kinesis_20131202.ListStreams")
                .header("authorization", AUTHORIZATION)
                .header("x-amz-date", "x")
                .body(Full::new(Bytes::from_static(b"{}")))
                .expect("a request");
            let answer = busy.send_request(request).await.expect("an answer");
            assert_eq!(answer.status(), 200);
            clock.sleep(Duration::from_millis(100)).await;
        }
        assert!(silent.is_closed());
        let stood = clock.now().since(begun);
        let patience = settings().patience;
        assert!(stood >= patience, "{stood:?}");
        assert!(stood < 3 * patience + Duration::from_secs(1), "{stood:?}");
        assert!(!busy_ended.is_finished());
        drop(busy);
        server.stop().await;
    });
}
