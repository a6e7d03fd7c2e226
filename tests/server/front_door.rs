//! The service's first checks, row by row in its order.

use crate::support::{AUTHORIZATION, CBOR, JSON, Reply, run, settings, start};

const TARGET: (&str, &str) = ("x-amz-target", "Kinesis_20131202.ListStreams");
const AUTH: (&str, &str) = ("authorization", AUTHORIZATION);
const DATE: (&str, &str) = ("x-amz-date", "20260101T000000Z");
const XML: &str = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be \
                   authorized</Message>\n</AccessDeniedException>\n";

/// Method, path, headers and body.
type Asked<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

/// Sends each request and hands the answers over.
fn ask(requests: &[Asked<'_>], check: impl Fn(usize, &Reply)) {
    run(async {
        let server = start(settings()).await;
        for (index, (method, path, headers, body)) in requests.iter().enumerate() {
            let reply = server.send(method, path, headers, (*body).to_owned()).await;
            assert_eq!(reply.header("x-amzn-requestid").len(), 36);
            assert_eq!(reply.header("x-amz-id-2").len(), 96);
            assert!(!reply.header("date").is_empty());
            assert_eq!(reply.header("content-length"), reply.body.len().to_string());
            check(index, &reply);
        }
        server.stop().await;
    });
}

fn is(reply: &Reply, status: u16, content_type: &str, body: &str) {
    assert_eq!(
        (
            reply.status,
            reply.header("content-type"),
            reply.text().as_str()
        ),
        (status, content_type, body)
    );
}

#[test]
fn row_1_a_method_other_than_post_is_refused_in_xml() {
    ask(
        &[
            ("GET", "/", &[("content-type", JSON), TARGET], ""),
            ("PUT", "/", &[("content-type", JSON), TARGET], "{}"),
            ("DELETE", "/x", &[], ""),
        ],
        |_, reply| is(reply, 403, "", XML),
    );
}

#[test]
fn row_2_an_empty_body_is_refused_in_cbor_unless_the_type_was_json() {
    let unknown = ("x-amz-target", "Kinesis_20131202.Nothing");
    ask(
        &[
            ("POST", "/", &[("content-type", JSON), TARGET], ""),
            ("POST", "/", &[("content-type", JSON), unknown], ""),
            ("POST", "/", &[TARGET], ""),
            ("POST", "/", &[("content-type", "text/plain")], ""),
        ],
        |index, reply| match index {
            0 => is(reply, 400, JSON, r#"{"__type":"SerializationException"}"#),
            1 => is(
                reply,
                400,
                JSON,
                r#"{"__type":"UnknownOperationException"}"#,
            ),
            2 => {
                assert_eq!((reply.status, reply.header("content-type")), (400, CBOR));
                assert_eq!(&reply.body[..], b"\xa1\x66__type\x76SerializationException");
            }
            _ => {
                assert_eq!((reply.status, reply.header("content-type")), (400, CBOR));
                assert_eq!(
                    &reply.body[..],
                    b"\xa1\x66__type\x78\x19UnknownOperationException"
                );
            }
        },
    );
}

#[test]
fn row_3_an_unknown_content_type_is_answered_in_xml() {
    ask(
        &[
            ("POST", "/", &[("content-type", "text/plain"), TARGET], "{}"),
            ("POST", "/", &[("content-type", "text/plain")], "{}"),
            ("POST", "/", &[("x-amz-target", "nonsense")], "{}"),
        ],
        |index, reply| match index {
            0 => is(reply, 404, "", "<UnknownOperationException/>\n"),
            _ => is(reply, 403, "", XML),
        },
    );
}

#[test]
fn row_4_a_body_that_is_no_object_is_refused_before_anything_is_said_about_who_asks() {
    let plain = ("content-type", "application/json");
    ask(
        &[
            ("POST", "/", &[("content-type", JSON), TARGET], "nonsense"),
            ("POST", "/", &[("content-type", JSON), TARGET], "[]"),
            ("POST", "/", &[("content-type", JSON)], "7"),
            ("POST", "/", &[plain], "nonsense"),
        ],
        |index, reply| {
            let content_type = if index == 3 { plain.1 } else { JSON };
            is(
                reply,
                400,
                content_type,
                r#"{"__type":"SerializationException"}"#,
            );
        },
    );
}

#[test]
fn row_5_plain_json_is_no_protocol_of_the_service() {
    ask(
        &[(
            "POST",
            "/",
            &[("content-type", "application/json"), TARGET],
            "{}",
        )],
        |_, reply| {
            is(
                reply,
                404,
                "application/json",
                r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#,
            );
        },
    );
}

#[test]
fn row_6_an_unknown_operation_is_refused_without_a_text() {
    let unknown = ("x-amz-target", "Kinesis_20131202.Nothing");
    let other = ("x-amz-target", "DynamoDB_20120810.ListTables");
    ask(
        &[
            ("POST", "/", &[("content-type", JSON), unknown], "{}"),
            ("POST", "/", &[("content-type", JSON), other], "{}"),
            ("POST", "/", &[("content-type", JSON)], "{}"),
        ],
        |_, reply| {
            is(
                reply,
                400,
                JSON,
                r#"{"__type":"UnknownOperationException"}"#,
            );
        },
    );
}

#[test]
fn row_7_a_signature_stands_in_one_place() {
    ask(
        &[(
            "POST",
            "/?X-Amz-Algorithm=AWS4-HMAC-SHA256",
            &[("content-type", JSON), TARGET, AUTH, DATE],
            "{}",
        )],
        |_, reply| {
            is(
                reply,
                400,
                JSON,
                r#"{"__type":"InvalidSignatureException","message":"Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."}"#,
            );
        },
    );
}

#[test]
fn row_8_a_request_without_a_signature_is_refused() {
    ask(
        &[("POST", "/", &[("content-type", JSON), TARGET], "{}")],
        |_, reply| {
            is(
                reply,
                400,
                JSON,
                r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#,
            );
        },
    );
}

#[test]
fn row_9_a_header_is_told_everything_that_it_lacks() {
    ask(
        &[(
            "POST",
            "/",
            &[
                ("content-type", JSON),
                TARGET,
                ("authorization", "AWS4-HMAC-SHA256 Credential=x"),
            ],
            "{}",
        )],
        |_, reply| {
            is(
                reply,
                400,
                JSON,
                r#"{"__type":"IncompleteSignatureException","message":"Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256 Credential=x"}"#,
            );
        },
    );
}

#[test]
fn row_10_a_query_is_told_everything_that_it_lacks() {
    ask(
        &[(
            "POST",
            "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x",
            &[("content-type", JSON), TARGET],
            "{}",
        )],
        |_, reply| {
            is(
                reply,
                400,
                JSON,
                r#"{"__type":"IncompleteSignatureException","message":"AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."}"#,
            );
        },
    );
}

#[test]
fn rows_12_and_13_types_and_constraints_come_after_who_asks() {
    let target = ("x-amz-target", "Kinesis_20131202.DescribeStream");
    let wrong_type = r#"{"StreamName":7}"#;
    let wrong_value = r#"{"StreamName":""}"#;
    ask(
        &[
            ("POST", "/", &[("content-type", JSON), target], wrong_type),
            (
                "POST",
                "/",
                &[("content-type", JSON), target, AUTH, DATE],
                wrong_type,
            ),
            (
                "POST",
                "/",
                &[("content-type", JSON), target, AUTH, DATE],
                wrong_value,
            ),
        ],
        |index, reply| match index {
            0 => assert!(reply.text().contains("MissingAuthenticationToken")),
            1 => is(
                reply,
                400,
                JSON,
                r#"{"__type":"SerializationException","Message":"class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"}"#,
            ),
            _ => {
                let text = reply.text();
                assert!(text.contains("ValidationException"), "{text}");
                assert!(text.contains("2 validation errors detected"), "{text}");
            }
        },
    );
}

#[test]
fn row_14_what_is_well_formed_and_wrong_is_the_operations_own_error() {
    run(async {
        let server = start(settings()).await;
        let reply = server
            .call("DescribeStream", r#"{"StreamName":"missing"}"#)
            .await;
        is(
            &reply,
            400,
            JSON,
            r#"{"__type":"ResourceNotFoundException","message":"Stream missing under account 000000000000 not found."}"#,
        );
        let neither = server.call("DescribeStream", "{}").await;
        assert!(neither.text().contains("InvalidArgumentException"));
        server.stop().await;
    });
}

#[test]
fn a_body_that_is_too_big_is_413_and_one_of_ten_mebibytes_of_data_is_not() {
    run(async {
        let server = start(settings()).await;
        let create = r#"{"StreamName":"big","ShardCount":1,"MaxRecordSizeInKiB":10240}"#;
        server.done("CreateStream", create).await;
        let data = "A".repeat((10 << 20) / 3 * 4);
        let body = format!(r#"{{"StreamName":"big","PartitionKey":"k","Data":"{data}"}}"#);
        assert_eq!(server.call("PutRecord", &body).await.status, 200);
        let body = format!(r#"{{"StreamName":"{}"}}"#, "x".repeat(15 << 20));
        assert_eq!(server.call("DescribeStream", &body).await.status, 413);
        server.stop().await;
    });
}

#[test]
fn browsers_are_told_that_they_may() {
    let origin = ("origin", "http://example.com");
    let asks = ("access-control-request-headers", "x-amz-target");
    run(async {
        let server = start(settings()).await;
        let reply = server.send("OPTIONS", "/", &[origin, asks], "").await;
        assert_eq!((reply.status, reply.body.len()), (200, 0));
        assert_eq!(reply.header("access-control-max-age"), "172800");
        assert_eq!(reply.header("access-control-allow-headers"), "x-amz-target");
        let reply = server.send("POST", "/", &[origin], "{}").await;
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(
            reply
                .header("access-control-expose-headers")
                .contains("x-amzn-RequestId")
        );
        server.stop().await;
    });
}

#[test]
fn operations_of_the_service_that_are_not_there_say_so() {
    run(async {
        let server = start(settings()).await;
        let reply = server.call("CreateQueue", "{}").await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("does not implement CreateQueue"));
        server.stop().await;
    });
}
