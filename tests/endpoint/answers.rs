//! What one attempt comes to, by what the server does with it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use streamgauge::kinesis::operation::{IteratorPosition, PutApi, PutResult};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{ErrorCode, PutBatch, ShardId};
use streamgauge::target::{CallError, Finding, Target};

use streamgauge::target::lean::Protocol;
use streamgauge::wire::Codec;

use crate::place::{lean, with_client, with_each_target};

/// A server that answers every request with these bytes and then hangs up. Gives its URL.
fn answering(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else {
                return;
            };
            let (mut request, mut piece) = (Vec::new(), [0; 8_192]);
            while !whole(&request) {
                match connection.read(&mut piece) {
                    Ok(read) if read > 0 => request.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0);
    body.len() >= length
}

/// One PutRecords call of two records by either client: what it came to, and what was found. Each must say the same.
fn put(url: &str) -> (Result<Vec<PutResult>, CallError>, Vec<Finding>) {
    let ended = std::sync::Mutex::new(Vec::new());
    with_client(url, async |client| {
        let client = std::sync::Arc::new(client);
        let lean = lean(&client, Codec::Json, Protocol::Http1).await;
        for target in [lean, Target::Sdk(client)] {
            let (mut batch, mut results) = (PutBatch::new(), Vec::new());
            for key in ["a", "b"] {
                batch.push(PutEntry {
                    partition_key: key,
                    data: b"data",
                    explicit_hash_key: None,
                });
            }
            let answer = target
                .put(PutApi::PutRecords, "orders", &batch, &mut results)
                .await;
            let mut ended = ended.lock().expect("nobody panicked");
            ended.push((answer.map(|_| results), target.findings()));
        }
    });
    let mut ended = ended.into_inner().expect("nobody panicked");
    let (by_sdk, all_findings) = ended.pop().expect("two clients");
    let (by_lean, findings) = ended.pop().expect("two clients");
    match (&by_sdk, &by_lean) {
        (Err(CallError::Unsent(_)), Err(CallError::Unsent(_)))
        | (Err(CallError::Unanswered(_)), Err(CallError::Unanswered(_))) => {}
        (by_sdk, by_lean) => assert_eq!(by_sdk, by_lean),
    }
    // Both note into one list: the second call finds what the first did.
    let twice = findings.iter().map(|finding| Finding {
        count: finding.count * 2,
        ..finding.clone()
    });
    assert_eq!(all_findings, twice.collect::<Vec<_>>());
    (by_lean, findings)
}

fn json(status: &str, body: &str) -> &'static str {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    Box::leak(text.into_boxed_str())
}

#[test]
fn a_page_that_does_not_say_how_far_behind_it_is_is_not_taken_for_the_tip() {
    let body = r#"{"Records":[],"NextShardIterator":"next"}"#;
    let url = answering(json("200 OK", body));
    with_client(&url, async |client| {
        let target = Target::Sdk(client.into());
        let page = target.get_records("orders", "this", None).await;
        assert_eq!(page.expect("a page").behind_ms, None);
        let found = target.findings();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].text.contains("MillisBehindLatest"), "{found:?}");
    });
}

#[test]
fn a_page_that_says_that_it_is_behind_by_what_cannot_be_is_not_taken_for_the_tip() {
    for behind in ["-5", "9223372036854775807"] {
        let body =
            format!(r#"{{"Records":[],"NextShardIterator":"next","MillisBehindLatest":{behind}}}"#);
        with_each_target(&answering(json("200 OK", &body)), async |target| {
            let page = target.get_records("orders", "this", None).await;
            assert_eq!(page.expect("a page").behind_ms, None);
            let found = target.findings();
            assert!(found[0].text.contains(behind), "{found:?}");
        });
    }
}

#[test]
fn a_connection_that_is_refused_sent_nothing() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", free.local_addr().expect("it is bound"));
    drop(free);
    assert!(matches!(put(&url).0, Err(CallError::Unsent(_))));
}

#[test]
fn an_answer_that_does_not_say_what_became_of_the_call_leaves_it_unknown() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        "not HTTP\r\n\r\n",
        json("200 OK", "not JSON"),
        json("200 OK", "{}"),
        json("500 Internal Server Error", ""),
        json("502 Bad Gateway", "<html>"),
        json("403 Forbidden", "<html>Forbidden by proxy"),
        json("404 Not Found", ""),
        json("400 Bad Request", "{}"),
        json("302 Found", ""),
        json(
            "200 OK",
            r#"{"FailedRecordCount":0,"Records":[{"ShardId":"shardId-000000000000","SequenceNumber":"1"}]}"#,
        ),
        json(
            "200 OK",
            r#"{"FailedRecordCount":0,"Records":[{"ShardId":"shardId-000000000000","SequenceNumber":"1"},{"ShardId":"x","SequenceNumber":"2"}]}"#,
        ),
    ] {
        let (outcome, _) = put(&answering(answer));
        assert!(
            matches!(outcome, Err(CallError::Unanswered(_))),
            "{answer}: {outcome:?}"
        );
    }
}

#[test]
fn an_error_of_the_service_is_a_refusal_and_another_is_told_in_its_own_words() {
    let body = r#"{"__type":"ResourceNotFoundException","message":"no such stream"}"#;
    let (refused, _) = put(&answering(json("400 Bad Request", body)));
    assert_eq!(
        refused.unwrap_err().code(),
        Some(ErrorCode::ResourceNotFound)
    );
    let body = r#"{"__type":"InternalFailure","message":"sorry"}"#;
    let (refused, _) = put(&answering(json("500 Internal Server Error", body)));
    assert_eq!(
        refused.unwrap_err().code(),
        Some(ErrorCode::InternalFailure)
    );
    let body = r#"{"__type":"UnrecognizedClientException","message":"who are you"}"#;
    let (foreign, _) = put(&answering(json("400 Bad Request", body)));
    let told = foreign.unwrap_err().to_string();
    assert_eq!(told, "UnrecognizedClientException: who are you");
}

#[test]
fn results_of_single_records_are_read_from_an_answer_of_success() {
    let body = r#"{"FailedRecordCount":1,"Records":[{"ShardId":"shardId-000000000003","SequenceNumber":"7"},
        {"ErrorCode":"ProvisionedThroughputExceededException",
         "ErrorMessage":"Rate exceeded for shard shardId-000000000001 in stream orders under account 1."}]}"#;
    let (results, findings) = put(&answering(json("200 OK", body)));
    let results = results.expect("it is an answer of success");
    let stored = results[0].expect("stored");
    assert_eq!(
        (
            stored.shard.number(),
            stored.sequence_number.to_string().as_str()
        ),
        (3, "7")
    );
    let refused = results[1].expect_err("refused");
    assert!(refused.code.is_throttle() && refused.cause.is_none());
    assert_eq!(refused.shard, ShardId::new(1));
    assert_eq!(findings, []);
}

#[test]
fn odd_names_and_numbers_of_foreign_engines_are_findings_and_no_panics() {
    let body = r#"{"FailedRecordCount":5,"Records":[{"ShardId":"part-3","SequenceNumber":"7"},{"ErrorCode":"Oops","ErrorMessage":""}]}"#;
    let (results, findings) = put(&answering(json("200 OK", body)));
    let results = results.expect("it can be represented");
    assert_eq!(
        results[1].expect_err("refused").code,
        ErrorCode::InternalFailure
    );
    assert_eq!(findings.len(), 3, "{findings:?}");
    let body = r#"{"Records":[{"SequenceNumber":"-1","Data":"","PartitionKey":"a"}]}"#;
    let url = answering(json("200 OK", body));
    with_each_target(&url, async |target| {
        let read = target.get_records("orders", "iterator", None).await;
        assert!(matches!(read, Err(CallError::Unanswered(_))), "{read:?}");
        let shard = ShardId::new(0).expect("the first");
        let position = IteratorPosition::TrimHorizon;
        let none = target.get_shard_iterator("orders", shard, position).await;
        assert!(matches!(none, Err(CallError::Unanswered(_))), "{none:?}");
        let found = target.findings().into_iter();
        let texts: Vec<_> = found.map(|finding| finding.text).collect();
        assert!(texts.iter().any(|text| text.ends_with("`-1`")), "{texts:?}");
    });
}
