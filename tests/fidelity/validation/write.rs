//! Requests as a client writes them; apart from the library's own writers, which only write answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use streamgauge::wire::{Codec, Value};

pub(super) fn body(codec: Codec, value: &Value) -> Vec<u8> {
    match codec {
        Codec::Json => json(value).to_string().into_bytes(),
        Codec::Cbor => {
            let mut out = minicbor::Encoder::new(Vec::new());
            cbor(&mut out, value).expect("writing to memory does not fail");
            out.into_writer()
        }
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Bool(value) => (*value).into(),
        Value::Blob(bytes) => STANDARD.encode(bytes).into(),
        Value::Timestamp(time) => (time.as_millis() as f64 / 1_000.0).into(),
        Value::List(values) => values.iter().map(json).collect(),
        Value::Structure(members) => members
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json(value)))
            .collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect(),
    }
}

type Out = minicbor::Encoder<Vec<u8>>;

fn cbor(
    out: &mut Out,
    value: &Value,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    match value {
        Value::Null => out.null()?,
        Value::String(text) => out.str(text)?,
        Value::Integer(number) => out.i64(*number)?,
        Value::Double(number) => out.f64(*number)?,
        Value::Bool(value) => out.bool(*value)?,
        Value::Blob(bytes) => out.bytes(bytes)?,
        Value::Timestamp(time) => out
            .tag(minicbor::data::Tag::new(1))?
            .u64(time.as_millis())?,
        Value::List(values) => {
            out.array(values.len() as u64)?;
            for value in values {
                cbor(out, value)?;
            }
            return Ok(());
        }
        Value::Structure(members) => {
            out.map(members.len() as u64)?;
            for (name, value) in members {
                out.str(name)?;
                cbor(out, value)?;
            }
            return Ok(());
        }
        Value::Map(entries) => {
            out.map(entries.len() as u64)?;
            for (key, value) in entries {
                out.str(key)?;
                cbor(out, value)?;
            }
            return Ok(());
        }
    };
    Ok(())
}
