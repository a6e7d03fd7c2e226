//! What the targets for bodies share: requests written as clients write them, and the properties of decoding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use streamgauge::kinesis::PutBatch;
use streamgauge::wire::{
    Codec, OPERATIONS, Operation, Value, WireError, decode, get_records_fast, is_object, operation,
    put_record_fast, put_records_fast, validate,
};

/// Takes a body in one codec apart and holds everything that the decoders promise against it. The first byte chooses the
/// operation.
///
/// # Panics
/// When a promise is broken.
pub fn check_body(codec: Codec, bytes: &[u8]) {
    let Some((&choice, body)) = bytes.split_first() else {
        return;
    };
    let name = OPERATIONS[usize::from(choice) % OPERATIONS.len()].name;
    let operation = operation(name).expect("it stands in the table");
    match decode(codec, operation, body) {
        Ok(value) => {
            assert!(is_object(codec, body), "what was decoded is an object");
            let bound = 64 * body.len() + 1_024;
            assert!(weight(&value) <= bound, "{} bytes", weight(&value));
            check_value(operation, &value);
        }
        Err(error) => check_error(&error, body.len()),
    }
    check_fast(codec, body);
}

/// A text answers a body, and does not outgrow it.
fn check_error(error: &WireError, length: usize) {
    assert_eq!(error.status, 400);
    let text = error.message.as_deref().unwrap_or_default();
    assert!(text.len() <= 8 * length + 1_024, "{} bytes", text.len());
}

/// Written in either codec a value reads back, and is found valid or not alike.
fn check_value(operation: &Operation, value: &Value) {
    let verdict = validate(operation, value);
    if let Err(error) = &verdict {
        let text = error.message.as_deref().unwrap_or_default();
        // Ten errors may each show 2,000 elements, or one text.
        let bound = 10 * (2_000 * 128 + 4 * weight(value)) + 4_096;
        assert!(text.len() <= bound, "{} bytes", text.len());
    }
    for codec in [Codec::Json, Codec::Cbor] {
        let body = write(codec, value);
        let again = decode(codec, operation, &body);
        assert_eq!(again.as_ref(), Ok(value), "written in {codec:?}");
        assert_eq!(validate(operation, value), verdict);
    }
}

/// What a fast path takes, the slow one takes too and finds valid and the same.
fn check_fast(codec: Codec, body: &[u8]) {
    for name in ["PutRecord", "PutRecords"] {
        let mut batch = PutBatch::new();
        let head = match name {
            "PutRecord" => put_record_fast(codec, body, &mut batch),
            _ => put_records_fast(codec, body, &mut batch),
        };
        let Some(head) = head else { continue };
        let input = slow(codec, name, body);
        assert_eq!(head.stream_name.as_deref(), input.str("StreamName"));
        assert_eq!(head.stream_arn.as_deref(), input.str("StreamARN"));
        assert_eq!(head.dry_run, input.is_true("DryRun"));
        let one = [input.clone()];
        let records = match name {
            "PutRecord" => &one[..],
            _ => input.list("Records"),
        };
        assert_eq!(batch.len(), records.len());
        for (fast, slow) in batch.iter().zip(records) {
            assert_eq!(Some(fast.partition_key), slow.str("PartitionKey"));
            let data = slow.get("Data").and_then(Value::as_blob);
            assert_eq!(Some(fast.data), data.map(|data| &data[..]));
            let key = fast.explicit_hash_key.map(|key| key.to_string());
            assert_eq!(key.as_deref(), slow.str("ExplicitHashKey"));
        }
    }
    if let Some((iterator, limit)) = get_records_fast(codec, body) {
        let input = slow(codec, "GetRecords", body);
        assert_eq!(Some(iterator.as_str()), input.str("ShardIterator"));
        assert_eq!(limit.map(i64::from), input.i64("Limit"));
    }
}

fn slow(codec: Codec, name: &str, body: &[u8]) -> Value {
    let operation = operation(name).expect("it stands in the table");
    let input = decode(codec, operation, body).expect("the slow path takes it too");
    assert_eq!(validate(operation, &input), Ok(()));
    input
}

/// Bytes that a value keeps, roughly.
fn weight(value: &Value) -> usize {
    let own = size_of::<Value>();
    own + match value {
        Value::String(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::List(values) => values.iter().map(weight).sum(),
        Value::Structure(members) => members.iter().map(|(_, value)| own + weight(value)).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| key.len() + weight(value))
            .sum(),
        _ => 0,
    }
}

/// A request's body.
pub fn write(codec: Codec, value: &Value) -> Vec<u8> {
    match codec {
        Codec::Json => {
            let mut out = String::new();
            json(&mut out, value);
            out.into_bytes()
        }
        Codec::Cbor => {
            let mut out = minicbor::Encoder::new(Vec::new());
            cbor(&mut out, value).expect("writing to memory does not fail");
            out.into_writer()
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Member after member, so that a map keeps keys that stand twice.
fn object<'a>(out: &mut String, members: impl Iterator<Item = (&'a str, &'a Value)>) {
    let mut before = '{';
    for (name, value) in members {
        out.push(before);
        out.push_str(&quoted(name));
        out.push(':');
        json(out, value);
        before = ',';
    }
    out.push_str(if before == '{' { "{}" } else { "}" });
}

fn json(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::String(text) => out.push_str(&quoted(text)),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Double(number) => out.push_str(&number.to_string()),
        Value::Bool(value) => out.push_str(&value.to_string()),
        Value::Blob(bytes) => out.push_str(&quoted(&STANDARD.encode(bytes))),
        Value::Timestamp(time) => {
            let millis = time.as_millis();
            out.push_str(&format!("{}.{:03}", millis / 1_000, millis % 1_000));
        }
        Value::List(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                json(out, value);
            }
            out.push(']');
        }
        Value::Structure(members) => object(out, members.iter().map(|(name, v)| (*name, v))),
        Value::Map(entries) => object(out, entries.iter().map(|(key, v)| (key.as_str(), v))),
    }
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn cbor(out: &mut minicbor::Encoder<Vec<u8>>, value: &Value) -> Written {
    match value {
        Value::Null => out.null().map(|_| ()),
        Value::String(text) => out.str(text).map(|_| ()),
        Value::Integer(number) => out.i64(*number).map(|_| ()),
        Value::Double(number) => out.f64(*number).map(|_| ()),
        Value::Bool(value) => out.bool(*value).map(|_| ()),
        Value::Blob(bytes) => out.bytes(bytes).map(|_| ()),
        Value::Timestamp(time) => {
            let tagged = out.tag(minicbor::data::Tag::new(1))?;
            tagged.u64(time.as_millis()).map(|_| ())
        }
        Value::List(values) => {
            out.array(values.len() as u64)?;
            values.iter().try_for_each(|value| cbor(out, value))
        }
        Value::Structure(members) => {
            out.map(members.len() as u64)?;
            members.iter().try_for_each(|(name, value)| {
                out.str(name)?;
                cbor(out, value)
            })
        }
        Value::Map(entries) => {
            out.map(entries.len() as u64)?;
            entries.iter().try_for_each(|(key, value)| {
                out.str(key)?;
                cbor(out, value)
            })
        }
    }
}
