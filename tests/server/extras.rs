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
fn health_is_ok_only_while_calls_are_answered() {
    run(async {
        let server = start(settings()).await;
        for (stall, status, text) in [("10m", 503, "stalled\n"), ("0s", 200, "ok\n")] {
            let body = format!(r#"{{"for":"{stall}"}}"#);
            server.send("POST", "/_admin/stall", &[], body).await;
            let health = server.send("GET", "/health", &[], "").await;
            assert_eq!((health.status, health.text().as_str()), (status, text));
        }
        server.stop().await;
    });
}

#[test]
fn health_is_of_the_account_and_region_that_is_asked_for() {
    run(async {
        let server = start(settings()).await;
        server.call_as("111122223333", "ListStreams", "{}").await;
        let stall = "/_admin/stall?account=111122223333";
        let done = server.send("POST", stall, &[], r#"{"for":"10m"}"#).await;
        assert_eq!(done.status, 200, "{}", done.text());
        for (query, status) in [
            ("", 200),
            ("?account=111122223333", 503),
            ("?account=111122223333&region=eu-west-1", 200),
            ("?account=444455556666", 200),
        ] {
            let health = server
                .send("GET", &format!("/health{query}"), &[], "")
                .await;
            assert_eq!(health.status, status, "{query}: {}", health.text());
        }
        server.stop().await;
    });
}

#[test]
fn a_list_that_names_another_creation_time_finds_no_stream() {
    run(async {
        let server = start(settings()).await;
        let create = r#"{"StreamName":"s","ShardCount":3}"#;
        server.done("CreateStream", create).await;
        let summary = server
            .call("DescribeStreamSummary", r#"{"StreamName":"s"}"#)
            .await;
        let json: serde_json::Value = serde_json::from_slice(&summary.body).expect("JSON");
        let summary = &json["StreamDescriptionSummary"];
        let arn = summary["StreamARN"].as_str().expect("an ARN");
        let created = summary["StreamCreationTimestamp"].as_f64().expect("a time");
        for (time, status) in [(created, 200), (created.floor(), 200), (created - 1.0, 400)] {
            let shards = format!(r#"{{"StreamName":"s","StreamCreationTimestamp":{time}}}"#);
            let consumers = format!(r#"{{"StreamARN":"{arn}","StreamCreationTimestamp":{time}}}"#);
            for (operation, body) in [("ListShards", shards), ("ListStreamConsumers", consumers)] {
                let reply = server.call(operation, &body).await;
                assert_eq!(reply.status, status, "{body}: {}", reply.text());
                let missing = reply.text().contains("ResourceNotFoundException");
                assert_eq!(missing, status == 400);
            }
        }
        let page = server
            .done("ListShards", r#"{"StreamName":"s","MaxResults":1}"#)
            .await;
        let token = page.str("NextToken").expect("more");
        let both = format!(r#"{{"NextToken":"{token}","StreamCreationTimestamp":{created}}}"#);
        let refused = server.call("ListShards", &both).await;
        assert!(refused.text().contains("InvalidArgumentException"));
        server.stop().await;
    });
}

#[test]
fn a_read_whose_arn_and_iterator_disagree_is_refused() {
    run(async {
        let server = start(settings()).await;
        for name in ["one", "two"] {
            let create = format!(r#"{{"StreamName":"{name}","ShardCount":1}}"#);
            server.done("CreateStream", &create).await;
        }
        let body = r#"{"StreamName":"one","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"}"#;
        let found = server.done("GetShardIterator", body).await;
        let iterator = found.str("ShardIterator").expect("an iterator");
        for (name, status) in [("one", 200), ("two", 400)] {
            let arn = format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}");
            let body = format!(r#"{{"ShardIterator":"{iterator}","StreamARN":"{arn}"}}"#);
            let reply = server.call("GetRecords", &body).await;
            assert_eq!(reply.status, status, "{}", reply.text());
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
