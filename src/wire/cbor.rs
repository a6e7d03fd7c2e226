//! CBOR bodies (RFC 8949, with the service's own meaning of tag 1): reading by shape, writing.
//!
//! Timestamps are tag 1 and an integer of *milliseconds*, both ways (captured: floci issue 2368, aws-sdk-java-v2
//! issue 4661), where the RFC has seconds. Blobs are byte strings. What the Java SDKs send has indefinite lengths.

use std::borrow::Cow;

use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

use super::codec::{Codec, DEPTH_MAX};
use super::convert::{self, START_OF_LIST, START_OF_STRUCTURE, Scalar};
use super::json::put_entry;
use super::shapes::Shape;
use super::value::Value;
use crate::base::Timestamp;

/// Major types, as they stand in the top three bits of a head.
pub(super) const UNSIGNED: u8 = 0x00;
const NEGATIVE: u8 = 0x20;
const BYTES: u8 = 0x40;
const TEXT: u8 = 0x60;
pub(super) const ARRAY: u8 = 0x80;
pub(super) const MAP: u8 = 0xa0;
/// Tag 1 in one byte.
const EPOCH_TIME: u8 = 0xc1;

/// Reads a map; as [`super::json::read`] does.
pub(super) fn read(body: &[u8], shape: Option<&'static Shape>) -> Option<(Value, Option<String>)> {
    let mut reader = Reader {
        decoder: Decoder::new(body),
        error: None,
    };
    if !matches!(reader.decoder.datatype().ok()?, Type::Map | Type::MapIndef) {
        return None;
    }
    let value = reader.value(shape, DEPTH_MAX).ok()?;
    (reader.decoder.position() == body.len()).then_some((value, reader.error))
}

struct Reader<'b> {
    decoder: Decoder<'b>,
    /// The text of the first conversion that failed.
    error: Option<String>,
}

impl<'b> Reader<'b> {
    fn fail(&mut self, text: impl Into<String>) {
        self.error.get_or_insert(text.into());
    }

    fn scalar(&mut self, shape: Option<&Shape>, found: Scalar<'_>) -> Value {
        let Some(shape) = shape else {
            return Value::Null;
        };
        convert::scalar(Codec::Cbor, shape, found).unwrap_or_else(|text| {
            self.fail(text);
            Value::Null
        })
    }

    fn value(&mut self, shape: Option<&'static Shape>, depth: usize) -> Result<Value, Error> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| Error::message("nested too deep"))?;
        // After an error nothing is kept any more.
        let shape = shape.filter(|_| self.error.is_none());
        let found = match self.decoder.datatype()? {
            Type::Null => {
                self.decoder.null()?;
                return Ok(Value::Null);
            }
            Type::Undefined => {
                self.decoder.undefined()?;
                return Ok(Value::Null);
            }
            Type::Tag => {
                self.decoder.tag()?;
                return self.value(shape, depth);
            }
            Type::Array | Type::ArrayIndef => return self.list(shape, depth),
            Type::Map | Type::MapIndef => return self.map(shape, depth),
            Type::Bool => Scalar::Bool(self.decoder.bool()?),
            Type::F16 => Scalar::Float(self.decoder.f16()?.into()),
            Type::F32 => Scalar::Float(self.decoder.f32()?.into()),
            Type::F64 => Scalar::Float(self.decoder.f64()?),
            Type::String | Type::StringIndef => Scalar::Text(self.text()?),
            Type::Bytes => Scalar::Bytes(self.decoder.bytes()?.into()),
            Type::BytesIndef => {
                let parts: Vec<&[u8]> = self.decoder.bytes_iter()?.collect::<Result<_, _>>()?;
                Scalar::Bytes(parts.concat().into())
            }
            _ => {
                let number = i128::from(self.decoder.int()?);
                let clamped = number.clamp(i64::MIN.into(), i64::MAX.into());
                Scalar::Integer(clamped as i64)
            }
        };
        Ok(self.scalar(shape, found))
    }

    fn text(&mut self) -> Result<Cow<'b, str>, Error> {
        if self.decoder.datatype()? == Type::String {
            return self.decoder.str().map(Cow::Borrowed);
        }
        let parts: Vec<&str> = self.decoder.str_iter()?.collect::<Result<_, _>>()?;
        Ok(parts.concat().into())
    }

    /// Whether one more element follows, of a collection that has `left` to come or an end mark.
    fn more(&mut self, left: &mut Option<u64>) -> Result<bool, Error> {
        more(&mut self.decoder, left)
    }

    fn list(&mut self, shape: Option<&'static Shape>, depth: usize) -> Result<Value, Error> {
        let member = match shape {
            Some(Shape::List { member, .. }) => Some(*member),
            Some(_) => {
                self.fail(START_OF_LIST);
                None
            }
            None => None,
        };
        let mut left = self.decoder.array()?;
        let mut values = Vec::new();
        while self.more(&mut left)? {
            let value = self.value(member, depth)?;
            if member.is_some() {
                values.push(value);
            }
        }
        Ok(Value::List(values))
    }

    fn map(&mut self, shape: Option<&'static Shape>, depth: usize) -> Result<Value, Error> {
        let mut left = self.decoder.map()?;
        match shape {
            Some(Shape::Structure { members, .. }) => {
                let mut structure = Value::structure();
                while self.more(&mut left)? {
                    let name = self.text()?;
                    let member = members.iter().find(|member| member.name == name);
                    let value = self.value(member.map(|m| m.shape), depth)?;
                    if let Some(member) = member {
                        structure.set(member.name, value);
                    }
                }
                Ok(structure)
            }
            Some(Shape::Map { value: shape, .. }) => {
                let mut map = Vec::new();
                while self.more(&mut left)? {
                    let key = self.text()?.into_owned();
                    let value = self.value(Some(shape), depth)?;
                    put_entry(&mut map, key, value);
                }
                Ok(Value::Map(map))
            }
            shape => {
                if shape.is_some() {
                    self.fail(START_OF_STRUCTURE);
                }
                while self.more(&mut left)? {
                    self.text()?;
                    self.value(None, depth)?;
                }
                Ok(Value::structure())
            }
        }
    }
}

/// Whether one more element follows, of a collection that has `left` to come or, for `None`, an end mark.
pub(super) fn more(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, Error> {
    match left {
        Some(0) => Ok(false),
        Some(count) => {
            *count -= 1;
            Ok(true)
        }
        None if decoder.datatype()? == Type::Break => {
            decoder.set_position(decoder.position() + 1);
            Ok(false)
        }
        None => Ok(true),
    }
}

/// Appends a value.
pub(super) fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(0xf6),
        Value::String(text) => write_string(out, text),
        Value::Integer(number) => write_integer(out, *number),
        Value::Double(number) => {
            out.push(0xfb);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Bool(value) => out.push(if *value { 0xf5 } else { 0xf4 }),
        Value::Blob(bytes) => write_bytes(out, bytes),
        Value::Timestamp(time) => write_timestamp(out, *time),
        Value::List(values) => {
            write_head(out, ARRAY, values.len() as u64);
            for value in values {
                write(out, value);
            }
        }
        Value::Structure(members) => {
            write_head(out, MAP, members.len() as u64);
            for (name, value) in members {
                write_string(out, name);
                write(out, value);
            }
        }
        Value::Map(entries) => {
            write_head(out, MAP, entries.len() as u64);
            for (key, value) in entries {
                write_string(out, key);
                write(out, value);
            }
        }
    }
}

/// Appends a head: the major type and its number in the shortest form.
pub(super) fn write_head(out: &mut Vec<u8>, major: u8, number: u64) {
    match number {
        0..24 => out.push(major | number as u8),
        24..0x100 => out.extend_from_slice(&[major | 0x18, number as u8]),
        0x100..0x1_0000 => {
            let [high, low] = (number as u16).to_be_bytes();
            out.extend_from_slice(&[major | 0x19, high, low]);
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(major | 0x1a);
            out.extend_from_slice(&(number as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 0x1b);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Appends an integer.
pub(super) fn write_integer(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        write_head(out, NEGATIVE, !number as u64);
    } else {
        write_head(out, UNSIGNED, number as u64);
    }
}

/// Appends text.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    write_head(out, TEXT, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Appends a byte string.
pub(super) fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_head(out, BYTES, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends tag 1 and milliseconds.
pub(super) fn write_timestamp(out: &mut Vec<u8>, time: Timestamp) {
    out.push(EPOCH_TIME);
    write_head(out, UNSIGNED, time.as_millis());
}
