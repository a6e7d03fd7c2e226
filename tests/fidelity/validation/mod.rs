//! Requests made from the shape table, sent to a server in both codecs: broken ones are told what the service tells, and
//! every answer is alike.

mod alike;
mod breaks;
mod write;

use std::collections::BTreeSet;

use streamgauge::wire::{Codec, OPERATIONS, Shape, Value};

use crate::support::{AUTHORIZATION, Reply, Served, run, settings, start};
use breaks::{Break, breaks, ruined, valid};

const CODECS: [Codec; 2] = [Codec::Json, Codec::Cbor];

async fn send(server: &Served, codec: Codec, name: &str, input: &Value) -> Reply {
    let target = format!("Kinesis_20131202.{name}");
    let headers = [
        ("content-type", codec.content_type()),
        ("x-amz-target", target.as_str()),
        ("authorization", AUTHORIZATION),
        ("x-amz-date", "20260101T000000Z"),
    ];
    let body = write::body(codec, input);
    server.send("POST", "/", &headers, body).await
}

/// An error's members in either codec, those of other answers left out.
fn error_of(codec: Codec, body: &[u8]) -> (String, String) {
    let (mut code, mut text) = (String::new(), String::new());
    let mut note = |name: &str, value: &str| match name {
        "__type" => value.clone_into(&mut code),
        "message" => value.clone_into(&mut text),
        other => panic!("an error holds `{other}`"),
    };
    match codec {
        Codec::Json => {
            let members: serde_json::Map<_, _> = serde_json::from_slice(body).expect("an error");
            for (name, value) in &members {
                note(name, value.as_str().expect("text"));
            }
        }
        Codec::Cbor => {
            let mut decoder = minicbor::Decoder::new(body);
            for _ in 0..decoder.map().expect("a map").expect("of known length") {
                let name = decoder.str().expect("a name");
                note(name, decoder.str().expect("text"));
            }
        }
    }
    (code, text)
}

/// What a ValidationException tells, after its head was held against how much it tells.
fn errors_of(codec: Codec, reply: &Reply) -> BTreeSet<String> {
    let (code, text) = error_of(codec, &reply.body);
    assert_eq!(
        (reply.status, code.as_str()),
        (400, "ValidationException"),
        "{text}"
    );
    let (head, errors) = text.split_once(" detected: ").expect("a head");
    // Values may hold anything but the words before the next error.
    let errors: Vec<_> = errors
        .replace("; Value ", "\u{0}Value ")
        .split('\u{0}')
        .map(without_identity)
        .collect();
    let plural = if errors.len() == 1 { "" } else { "s" };
    assert_eq!(head, format!("{} validation error{plural}", errors.len()));
    errors.into_iter().collect()
}

/// Java shows an object's identity, which is nobody's to know.
fn without_identity(error: &str) -> String {
    let marks = regex::Regex::new("PutRecordsRequestEntry@[0-9a-f]+").expect("an expression");
    marks
        .replace_all(error, "PutRecordsRequestEntry@")
        .into_owned()
}

fn inputs() -> impl Iterator<Item = (&'static str, &'static Shape)> {
    OPERATIONS.iter().map(|known| (known.name, known.input))
}

#[test]
fn every_constraint_of_every_operation_is_told_with_its_path_and_text() {
    run(async {
        let server = start(settings()).await;
        let mut tried = 0;
        for (name, shape) in inputs() {
            for Break { input, errors } in breaks(shape) {
                let expected: BTreeSet<_> = errors.into_iter().collect();
                for codec in CODECS {
                    let reply = send(&server, codec, name, &input).await;
                    assert_eq!(errors_of(codec, &reply), expected, "{name} in {codec:?}");
                }
                tried += 1;
            }
        }
        assert!(tried > 400, "{tried}: the walk must reach the whole table");
        server.stop().await;
    });
}

#[test]
fn at_most_ten_errors_are_told_whatever_is_wrong() {
    run(async {
        let server = start(settings()).await;
        let mut full = 0;
        for (name, shape) in inputs() {
            let (input, errors) = ruined(shape);
            let all: BTreeSet<_> = errors.iter().cloned().collect();
            if all.is_empty() {
                continue;
            }
            for codec in CODECS {
                let told = errors_of(codec, &send(&server, codec, name, &input).await);
                assert_eq!(told.len(), errors.len().min(10), "{name} in {codec:?}");
                assert!(told.is_subset(&all), "{name}: {told:?} of {all:?}");
            }
            full += usize::from(errors.len() > 10);
        }
        assert!(full > 0, "some operation has more than ten constraints");
        server.stop().await;
    });
}

#[test]
fn a_request_with_every_member_passes_the_constraints_of_every_operation() {
    run(async {
        let server = start(settings()).await;
        for (name, shape) in inputs() {
            for codec in CODECS {
                let reply = send(&server, codec, name, &valid(shape)).await;
                let text = reply.text();
                for code in ["ValidationException", "SerializationException"] {
                    assert!(!text.contains(code), "{name}: {text}");
                }
            }
        }
        server.stop().await;
    });
}
