//! The switches: failures, lost answers, and where they are described.

use hyper_util::rt::{TokioExecutor, TokioIo};
use streamgauge::base::Clock;
use streamgauge::server::Credentials;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{AUTHORIZATION, JSON, Served, Signer, run, settings, start};

const PUT: &str = r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#;

async fn with_stream() -> Served {
    let server = start(settings()).await;
    let create = r#"{"StreamName":"s","ShardCount":1}"#;
    server.done("CreateStream", create).await;
    server
}

async fn switch(server: &Served, name: &str, body: &str) {
    let reply = server
        .send("POST", &format!("/_admin/{name}"), &[], body.to_owned())
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text());
}

async fn iterator(server: &Served) -> String {
    let body =
        r#"{"StreamName":"s","ShardId":"shardId-000000000000","ShardIteratorType":"TRIM_HORIZON"}"#;
    let found = server.done("GetShardIterator", body).await;
    found.str("ShardIterator").expect("an iterator").to_owned()
}

/// How many records the stream holds.
async fn stored(server: &Served) -> usize {
    let body = format!(r#"{{"ShardIterator":"{}"}}"#, iterator(server).await);
    server.done("GetRecords", &body).await.list("Records").len()
}

/// Which of 40 puts, one after another, fail.
async fn failures(server: &Served) -> Vec<bool> {
    let mut failed = Vec::new();
    for _ in 0..40 {
        let reply = server.call("PutRecord", PUT).await;
        if reply.status != 200 {
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (500, r#"{"__type":"InternalFailure"}"#)
            );
        }
        failed.push(reply.status != 200);
    }
    failed
}

#[test]
fn a_share_of_puts_fails_and_is_not_stored_and_a_seed_repeats_which() {
    run(async {
        let mut runs = Vec::new();
        for _ in 0..2 {
            let server = with_stream().await;
            switch(
                &server,
                "internal-failures",
                r#"{"for":"1m","share":0.5,"seed":7}"#,
            )
            .await;
            let failed = failures(&server).await;
            let count = failed.iter().filter(|&&failed| failed).count();
            assert!((1..40).contains(&count));
            switch(&server, "internal-failures", r#"{"for":"0s","share":0.5}"#).await;
            assert_eq!(stored(&server).await, 40 - count);
            runs.push(failed);
            server.stop().await;
        }
        assert_eq!(runs[0], runs[1]);
    });
}

#[test]
fn entries_of_a_batch_fail_one_by_one_and_reads_as_a_whole() {
    run(async {
        let server = with_stream().await;
        let iterator = iterator(&server).await;
        let body = r#"{"stream":"s","for":"1m","share":0.5,"seed":3}"#;
        switch(&server, "internal-failures", body).await;
        let entry = r#"{"PartitionKey":"k","Data":""}"#;
        let body = format!(
            r#"{{"StreamName":"s","Records":[{}]}}"#,
            [entry; 100].join(",")
        );
        let put = server.done("PutRecords", &body).await;
        let failed = put.i64("FailedRecordCount").expect("a count");
        assert!((20..80).contains(&failed), "{failed}");
        let with_code = put
            .list("Records")
            .iter()
            .filter(|r| r.str("ErrorCode").is_some());
        for record in with_code.clone() {
            assert_eq!(record.str("ErrorCode"), Some("InternalFailure"));
            assert_eq!(record.str("ErrorMessage"), Some("Internal Service Failure"));
        }
        assert_eq!(with_code.count() as i64, failed);
        switch(
            &server,
            "internal-failures",
            r#"{"stream":"s","for":"1m","share":1.0}"#,
        )
        .await;
        let read = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
        assert_eq!(server.call("GetRecords", &read).await.status, 500);
        switch(
            &server,
            "internal-failures",
            r#"{"stream":"other","for":"1m","share":1.0}"#,
        )
        .await;
        assert_eq!(stored(&server).await as i64, 100 - failed);
        server.stop().await;
    });
}

#[test]
fn a_lost_answer_leaves_its_record_behind_and_closes_the_connection() {
    run(async {
        let server = with_stream().await;
        switch(
            &server,
            "lose-acknowledgements",
            r#"{"stream":"s","for":"1m","share":1.0}"#,
        )
        .await;
        let mut stream = TcpStream::connect(server.address)
            .await
            .expect("it listens");
        let head = format!(
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: {JSON}\r\nx-amz-target: Kinesis_20131202.PutRecord\r\n\
             authorization: {AUTHORIZATION}\r\nx-amz-date: x\r\ncontent-length: {}\r\n\r\n{PUT}",
            PUT.len()
        );
        stream
            .write_all(head.as_bytes())
            .await
            .expect("it is taken");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(answer, b"");
        assert_eq!(stored(&server).await, 1);
        // Over HTTP/2 the connection lives on for the others.
        let stream = TcpStream::connect(server.address)
            .await
            .expect("it listens");
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .expect("a connection");
        tokio::spawn(connection);
        let request = |operation: &str, body: &'static str| {
            hyper::Request::post(format!("http://{}/", server.address))
                .header("content-type", JSON)
                .header("x-amz-target", format!("Kinesis_20131202.{operation}"))
                .header("authorization", AUTHORIZATION)
                .header("x-amz-date", "x")
                .body(http_body_util::Full::new(bytes::Bytes::from_static(
                    body.as_bytes(),
                )))
                .expect("a request")
        };
        assert!(
            sender
                .send_request(request("PutRecord", PUT))
                .await
                .is_err()
        );
        let listed = sender.send_request(request("ListStreams", "{}")).await;
        assert_eq!(listed.expect("an answer").status(), 200);
        assert_eq!(stored(&server).await, 2);
        drop(sender);
        server.stop().await;
    });
}

#[test]
fn switches_are_of_one_account_and_region_and_described_in_one_place() {
    run(async {
        let server = with_stream().await;
        let page = server.send("GET", "/_admin", &[], "").await.text();
        for name in [
            "stall",
            "throttle",
            "internal-failures",
            "lose-acknowledgements",
        ] {
            assert!(page.contains(&format!("POST /_admin/{name} ")), "{page}");
        }
        let all = r#"{"for":"1m","share":1.0}"#;
        let other = "internal-failures?region=us-east-1&account=111122223333";
        server.call_as("111122223333", "ListStreams", "{}").await;
        switch(&server, other, all).await;
        assert_eq!(server.call("PutRecord", PUT).await.status, 200);
        switch(&server, "internal-failures?account=000000000000", all).await;
        assert_eq!(server.call("PutRecord", PUT).await.status, 500);
        for bad in [
            r#"{"for":"1m","share":2.0}"#,
            r#"{"share":1.0}"#,
            r#"{"for":"2h","share":1.0}"#,
        ] {
            let reply = server
                .send("POST", "/_admin/internal-failures", &[], bad)
                .await;
            assert_eq!(reply.status, 400, "{bad}");
        }
        server.stop().await;
    });
}

#[test]
fn with_credentials_only_a_key_of_the_account_sets_its_switches() {
    run(async {
        let mut settings = settings();
        let file = "[ann]\naws_access_key_id = AKIDA\naws_secret_access_key = a\naws_account_id = 111122223333\n";
        settings.credentials = Some(Credentials::parse(file).expect("a credentials file"));
        let server = start(settings).await;
        let signer = Signer {
            key: "AKIDA",
            secret: "a",
            token: None,
            service: "kinesis",
            now_s: Clock::real().now().as_secs(),
        };
        let list = [
            ("content-type", JSON),
            ("x-amz-target", "Kinesis_20131202.ListStreams"),
        ];
        assert_eq!(server.signed(signer, &list, "{}").await.status, 200);
        let stall = r#"{"for":"10m"}"#;
        let unsigned = server.send("POST", "/_admin/stall", &[], stall).await;
        assert_eq!(unsigned.status, 403, "{}", unsigned.text());
        for (target, signer, status) in [
            (
                "/_admin/stall",
                Signer {
                    secret: "b",
                    ..signer
                },
                403,
            ),
            (
                "/_admin/stall",
                Signer {
                    service: "sts",
                    ..signer
                },
                403,
            ),
            ("/_admin/stall?account=444455556666", signer, 403),
            (
                "/_admin/stall?account=111122223333&region=eu-west-1",
                signer,
                200,
            ),
        ] {
            let reply = server.signed_at(target, signer, &[], stall).await;
            assert_eq!(reply.status, status, "{target}: {}", reply.text());
        }
        let mine = "/health?account=111122223333&region=eu-west-1";
        assert_eq!(server.send("GET", mine, &[], "").await.status, 503);
        server.stop().await;
    });
}

#[test]
fn a_web_page_sets_no_switch() {
    run(async {
        let server = start(settings()).await;
        for name in [
            "stall",
            "throttle",
            "internal-failures",
            "lose-acknowledgements",
        ] {
            let page = ("origin", "https://elsewhere.example");
            let kind = ("content-type", "text/plain");
            let body = r#"{"stream":"s","for":"1m","share":1.0}"#;
            let path = format!("/_admin/{name}");
            let reply = server.send("POST", &path, &[page, kind], body).await;
            assert_eq!(reply.status, 403, "{}", reply.text());
        }
        server.done("ListStreams", "{}").await;
        server.stop().await;
    });
}

#[test]
fn switches_of_accounts_that_nobody_used_take_no_place_from_others() {
    run(async {
        let server = start(settings()).await;
        let stall = r#"{"for":"1m"}"#;
        for number in 0..300 {
            let path = format!("/_admin/stall?account={number:012}&region=eu-west-1");
            let reply = server.send("POST", &path, &[], stall).await;
            assert_eq!(reply.status, 400, "{}", reply.text());
            let path = format!("/_admin/nothing?account={number:012}");
            assert_eq!(server.send("POST", &path, &[], "{}").await.status, 404);
        }
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        let made = server.call_as("111122223333", "CreateStream", create).await;
        assert_eq!(made.status, 200, "{}", made.text());
        // Whoever only asks makes room again for the next.
        for number in 0..300 {
            let listed = server
                .call_as(&format!("{number:012}"), "ListStreams", "{}")
                .await;
            assert_eq!(listed.status, 200, "{}", listed.text());
        }
        let found = server.call_as("111122223333", "ListStreams", "{}").await;
        assert!(found.text().contains(r#"["s"]"#), "{}", found.text());
        server.stop().await;
    });
}

#[test]
fn what_is_wrong_with_a_put_is_told_whatever_failures_are_asked_for() {
    run(async {
        let server = with_stream().await;
        let all = r#"{"for":"1m","share":1.0}"#;
        switch(&server, "internal-failures", all).await;
        let long = "k".repeat(300);
        let entry = |key: &str| format!(r#"{{"PartitionKey":"{key}","Data":""}}"#);
        let batch = |stream: &str, records: &[String]| {
            let records = records.join(",");
            format!(r#"{{"StreamName":"{stream}","Records":[{records}]}}"#)
        };
        let missing = "ResourceNotFoundException";
        let many = vec![entry("k"); 501];
        for (operation, body, code) in [
            ("PutRecord", PUT.replace(r#""s""#, r#""none""#), missing),
            ("PutRecord", PUT.to_owned(), "InternalFailure"),
            ("PutRecords", batch("none", &[entry("k")]), missing),
            (
                "PutRecords",
                batch("s", &[entry(&long)]),
                "ValidationException",
            ),
            ("PutRecords", batch("s", &many), "ValidationException"),
        ] {
            let reply = server.call(operation, &body).await;
            assert!(reply.text().contains(code), "{operation}: {}", reply.text());
        }
        let put = server.done("PutRecords", &batch("s", &[entry("k")])).await;
        assert_eq!(put.i64("FailedRecordCount"), Some(1));
        server.stop().await;
    });
}
