//! Values made by the shape table: what is written is read back, in both codecs alike, and fast paths agree with slow
//! ones.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::Union;

use crate::base::Timestamp;
use crate::kinesis::PutBatch;
use crate::wire::codec::{decode_shape, encode_value};
use crate::wire::pattern::Pattern;
use crate::wire::{
    Codec, OPERATIONS, Operation, Shape, Value, decode, encode, get_records_fast, is_object,
    operation, put_record_fast, put_records_fast, validate,
};

const CODECS: [Codec; 2] = [Codec::Json, Codec::Cbor];

fn text_of(pattern: Option<Pattern>, one_of: &'static [&'static str]) -> BoxedStrategy<String> {
    if !one_of.is_empty() {
        return proptest::sample::select(one_of)
            .prop_map(str::to_owned)
            .boxed();
    }
    let expression = match pattern {
        None => "\\PC{1,12}",
        Some(Pattern::Name) => "[a-zA-Z0-9_.-]{1,12}",
        Some(Pattern::StreamArn) => "arn:aws:kinesis:us-east-1:[0-9]{12}:stream/[a-z]{1,9}",
        Some(Pattern::ResourceArn) => "arn:aws:kinesis:us-east-1:[0-9]{12}:queue/[a-z]{1,9}",
        Some(Pattern::ConsumerArn) => {
            "arn:aws:kinesis:r:[0-9]{12}:stream/[a-z]{1,9}/consumer/[a-z]{1,9}:[0-9]{1,10}"
        }
        Some(Pattern::StreamId) => "[a-z0-9]{20}-[a-z0-9]{3}",
        Some(Pattern::HashKey) => "0|[1-9][0-9]{0,37}",
        Some(Pattern::SequenceNumber) => "0|[1-9][0-9]{0,60}",
    };
    expression.boxed()
}

/// Valid values of a shape; optional members come and go.
fn value_of(shape: &'static Shape) -> BoxedStrategy<Value> {
    match *shape {
        Shape::Structure { members, .. } => members
            .iter()
            .map(|member| {
                let value = value_of(member.shape).prop_map(Some);
                let value = if member.required {
                    value.boxed()
                } else {
                    prop_oneof![Just(None), value].boxed()
                };
                value.prop_map(|value| (member.name, value)).boxed()
            })
            .collect::<Vec<_>>()
            .prop_map(|members| {
                let some = |(name, value): (_, Option<_>)| Some((name, value?));
                Value::Structure(members.into_iter().filter_map(some).collect())
            })
            .boxed(),
        Shape::List { member, min, .. } => {
            proptest::collection::vec(value_of(member), min..min + 3)
                .prop_map(Value::List)
                .boxed()
        }
        Shape::Map { value, min, .. } => {
            proptest::collection::btree_map("\\PC{1,12}", value_of(value), min..min + 3)
                .prop_map(|map| Value::Map(map.into_iter().collect()))
                .boxed()
        }
        Shape::String {
            pattern, one_of, ..
        } => text_of(pattern, one_of).prop_map(Value::String).boxed(),
        Shape::Integer { min, max } => (min..=max).prop_map(Value::from).boxed(),
        Shape::Long => any::<i64>().prop_map(Value::from).boxed(),
        Shape::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Shape::Timestamp => (0..4_000_000_000_000u64)
            .prop_map(|millis| Value::from(Timestamp::from_millis(millis)))
            .boxed(),
        Shape::Blob { .. } => proptest::collection::vec(any::<u8>(), 0..40)
            .prop_map(|bytes| Value::from(Bytes::from(bytes)))
            .boxed(),
    }
}

fn operations() -> Union<BoxedStrategy<(&'static Operation, Value, Value)>> {
    Union::new(OPERATIONS.iter().map(|known| {
        let operation = operation(known.name).unwrap();
        (value_of(operation.input), value_of(operation.output))
            .prop_map(move |(input, output)| (operation, input, output))
            .boxed()
    }))
}

fn bodies() -> BoxedStrategy<Vec<u8>> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"Records\"",
        "\"Data\"",
        "\"YQ==\"",
        "\"PartitionKey\"",
        "\"k\"",
        "1",
        "-",
        "1e9",
        "null",
        "\"StreamName\"",
        "\"ShardIterator\"",
        "\"Limit\"",
        "\"",
        "\\u0041",
        "\u{e9}",
        "true",
    ];
    let heads = [
        &b"\xbf"[..],
        b"\xff",
        b"\xa1",
        b"\x9f",
        b"\x81",
        b"\x67Records",
        b"\x64Data",
        b"\x41a",
        b"\x6cPartitionKey",
        b"\x61k",
        b"\x01",
        b"\xf6",
        b"\xf7",
        b"\xc1",
        b"\xfb",
        b"\x5b\xff",
        b"\x7f",
        b"\x6aStreamName",
        b"\xf9\x7e",
        b"\x6dShardIterator",
        b"\x65Limit",
        b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xfc",
    ];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..24)
            .prop_map(|words| words.concat().into_bytes()),
        proptest::collection::vec(proptest::sample::select(heads.to_vec()), 0..24)
            .prop_map(|heads| heads.concat()),
    ]
    .boxed()
}

/// What the slow path makes of a put, as the fast one gives it: name, ARN, dry run and records.
type Put = (
    Option<String>,
    Option<String>,
    bool,
    Vec<(String, Vec<u8>, Option<String>)>,
);

fn slow_put(operation: &Operation, input: &Value) -> Put {
    let text = |value: &Value, name: &str| value.str(name).map(str::to_owned);
    let record = |value: &Value| {
        let key = text(value, "PartitionKey").unwrap_or_default();
        let data = value.get("Data").and_then(Value::as_blob).unwrap().to_vec();
        (key, data, text(value, "ExplicitHashKey"))
    };
    let records = match operation.name {
        "PutRecord" => vec![record(input)],
        _ => input.list("Records").iter().map(record).collect(),
    };
    let [name, arn] = ["StreamName", "StreamARN"].map(|name| text(input, name));
    (name, arn, input.is_true("DryRun"), records)
}

fn fast_put(codec: Codec, operation: &Operation, body: &[u8]) -> Option<Put> {
    let mut batch = PutBatch::new();
    let head = match operation.name {
        "PutRecord" => put_record_fast(codec, body, &mut batch),
        _ => put_records_fast(codec, body, &mut batch),
    }?;
    let records = batch
        .iter()
        .map(|entry| {
            let explicit = entry.explicit_hash_key.map(|key| key.to_string());
            (
                entry.partition_key.to_owned(),
                entry.data.to_vec(),
                explicit,
            )
        })
        .collect();
    Some((head.stream_name, head.stream_arn, head.dry_run, records))
}

/// Whether the fast path has no excuse: nothing unusual is in this valid input.
fn is_ordinary(operation: &Operation, input: &Value) -> bool {
    let single = [input.clone()];
    let records = match operation.name {
        "PutRecord" => &single[..],
        _ => input.list("Records"),
    };
    let held_back = ["StreamId", "SequenceNumberForOrdering"];
    let has_key = |record: &Value| record.get("PartitionKey").is_some();
    held_back.iter().all(|name| input.get(name).is_none())
        && records.iter().all(has_key)
        && (operation.name == "PutRecords" || input.get("DryRun").is_none())
}

fn puts() -> Union<BoxedStrategy<(&'static Operation, Value)>> {
    Union::new(["PutRecord", "PutRecords"].map(|name| {
        let operation = operation(name).unwrap();
        value_of(operation.input)
            .prop_map(move |input| (operation, input))
            .boxed()
    }))
}

proptest! {
    #[test]
    fn every_operation_reads_back_what_was_written_in_both_codecs((operation, input, output) in operations()) {
        prop_assert_eq!(validate(operation, &input), Ok(()));
        for codec in CODECS {
            let body = encode_value(codec, &input);
            prop_assert!(is_object(codec, &body));
            prop_assert_eq!(decode(codec, operation, &body), Ok(input.clone()));
            let body = encode(codec, operation, &output);
            if operation.has_output() {
                prop_assert_eq!(decode_shape(codec, operation.output, &body), Ok(output.clone()));
            } else {
                prop_assert!(body.is_empty());
            }
        }
    }

    #[test]
    fn a_value_read_by_another_operations_table_is_refused_alike_in_both_codecs(
        (_, input, _) in operations(),
        other in proptest::sample::select(OPERATIONS.to_vec()),
    ) {
        let [json, cbor] = CODECS.map(|codec| decode(codec, &other, &encode_value(codec, &input)));
        // Times and blobs are numbers and text in JSON, but types of their own in CBOR.
        let differs = |value: &Value| matches!(value, Value::Timestamp(_) | Value::Blob(_));
        let Value::Structure(members) = &input else { unreachable!("inputs are structures") };
        if !members.iter().any(|(_, value)| differs(value)) && input.get("Records").is_none() {
            prop_assert_eq!(&json, &cbor);
        }
        if let Ok(value) = json {
            let _ = validate(&other, &value);
        }
    }

    #[test]
    fn fast_puts_are_what_the_slow_path_makes_of_them((operation, input) in puts()) {
        for codec in CODECS {
            let body = encode_value(codec, &input);
            let fast = fast_put(codec, operation, &body);
            prop_assert_eq!(fast.is_some(), is_ordinary(operation, &input));
            if let Some(fast) = fast {
                prop_assert_eq!(fast, slow_put(operation, &input));
            }
        }
    }

    #[test]
    fn fast_reads_are_what_the_slow_path_makes_of_them(input in value_of(operation("GetRecords").unwrap().input)) {
        let unusual = ["StreamARN", "StreamId", "DryRun"];
        let ordinary = unusual.iter().all(|name| input.get(name).is_none());
        for codec in CODECS {
            let fast = get_records_fast(codec, &encode_value(codec, &input));
            prop_assert_eq!(fast.is_some(), ordinary);
            if let Some((iterator, limit)) = fast {
                prop_assert_eq!(Some(iterator.as_str()), input.str("ShardIterator"));
                prop_assert_eq!(limit.map(i64::from), input.i64("Limit"));
            }
        }
    }

    #[test]
    fn what_a_fast_path_takes_the_slow_path_takes_too(body in bodies(), codec in proptest::sample::select(CODECS.to_vec())) {
        for name in ["PutRecord", "PutRecords"] {
            let operation = operation(name).unwrap();
            if let Some(fast) = fast_put(codec, operation, &body) {
                let input = decode(codec, operation, &body).unwrap();
                prop_assert_eq!(validate(operation, &input), Ok(()));
                prop_assert_eq!(fast, slow_put(operation, &input));
            }
        }
        if let Some((iterator, limit)) = get_records_fast(codec, &body) {
            let operation = operation("GetRecords").unwrap();
            let input = decode(codec, operation, &body).unwrap();
            prop_assert_eq!(validate(operation, &input), Ok(()));
            prop_assert_eq!((Some(iterator.as_str()), limit.map(i64::from)), (input.str("ShardIterator"), input.i64("Limit")));
        }
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(body in bodies(), operation in proptest::sample::select(OPERATIONS.to_vec())) {
        for codec in CODECS {
            if let Ok(value) = decode(codec, &operation, &body) {
                prop_assert!(is_object(codec, &body));
                let _ = validate(&operation, &value);
            }
        }
    }
}
