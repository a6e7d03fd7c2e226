//! What the service does not have: health, metrics, the switch; and what both have: HTTP/2, regions.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use streamgauge::base::Clock;
use tokio::net::TcpStream;

use crate::support::{AUTHORIZATION, JSON, run, settings, start};

#[test]
fn health_and_metrics_are_pages() {
    run(async {
        let server = start(settings()).await;
        assert_eq!(server.send("GET", "/health", &[], "").await.text(), "ok\n");
        server.done("ListStreams", "{}").await;
        server.call("DescribeStream", r#"{"StreamName":"x"}"#).await;
        let page = server.send("GET", "/metrics", &[], "").await.text();
        for line in [
            r#"streamgauge_requests_total{operation="ListStreams",code="ok"} 1"#,
            r#"streamgauge_requests_total{operation="DescribeStream",code="ResourceNotFoundException"} 1"#,
            r#"streamgauge_stored_bytes{account="000000000000",region="us-east-1"} 0"#,
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
        server.stop().await;
    });
}

#[test]
fn the_switch_stalls_the_server_and_throttles_a_stream() {
    run(async {
        let server = start(settings()).await;
        let clock = Clock::real();
        server
            .done("CreateStream", r#"{"StreamName":"s","ShardCount":1}"#)
            .await;
        let stall = server
            .send("POST", "/_admin/stall", &[], r#"{"for":"400ms"}"#)
            .await;
        assert_eq!(stall.status, 200, "{}", stall.text());
        let begun = clock.now();
        server.done("ListStreams", "{}").await;
        assert!(clock.now().since(begun) > Duration::from_millis(300));
        let body = r#"{"stream":"s","for":"1m","share":1.0}"#;
        let storm = server.send("POST", "/_admin/throttle", &[], body).await;
        assert_eq!(storm.status, 200, "{}", storm.text());
        let put = r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#;
        let refused = server.call("PutRecord", put).await;
        assert!(
            refused
                .text()
                .contains("ProvisionedThroughputExceededException")
        );
        let bad = server
            .send("POST", "/_admin/stall", &[], r#"{"for":"often"}"#)
            .await;
        assert_eq!(bad.status, 400);
        server.stop().await;
    });
}

#[test]
fn one_port_speaks_http_2_without_being_told() {
    run(async {
        let server = start(settings()).await;
        let stream = TcpStream::connect(server.address)
            .await
            .expect("it listens");
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("a connection");
        let connection = tokio::spawn(connection);
        let request = Request::post(format!("http://{}/", server.address))
            .header("content-type", JSON)
            .header("x-amz-target", "Kinesis_20131202.ListStreams")
            .header("authorization", AUTHORIZATION)
            .header("x-amz-date", "20260101T000000Z")
            .body(Full::new(Bytes::from_static(b"{}")))
            .expect("a request");
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.expect("a body");
        assert!(body.to_bytes().starts_with(b"{\"StreamNames\":[]"));
        drop(sender);
        let _ = connection.await;
        server.stop().await;
    });
}
