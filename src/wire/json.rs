//! JSON bodies: reading by shape, writing.

use std::cell::RefCell;
use std::fmt;
use std::io::Write as _;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::blob;
use super::codec::Codec;
use super::convert::{self, START_OF_LIST, START_OF_STRUCTURE, Scalar};
use super::shapes::{Member, Shape};
use super::value::Value;
use crate::base::Timestamp;

/// Reads an object; with no shape, only whether it is one. `None` if it is not parseable or nested deeper than 128
/// (serde_json's limit). The text is that of the first value of a wrong type; what follows it is still parsed, since a
/// body that is not JSON has precedence.
pub(super) fn read(body: &[u8], shape: Option<&'static Shape>) -> Option<(Value, Option<String>)> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let error = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let node = Node {
        shape,
        error: &error,
    };
    let value = node.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    Some((value, error.into_inner()))
}

/// One value of the body: of a shape, or to be passed over.
#[derive(Clone, Copy)]
struct Node<'s> {
    shape: Option<&'static Shape>,
    error: &'s RefCell<Option<String>>,
}

impl Node<'_> {
    fn child(self, shape: Option<&'static Shape>) -> Self {
        // After an error nothing is kept any more.
        let shape = shape.filter(|_| self.error.borrow().is_none());
        Self { shape, ..self }
    }

    fn fail(self, text: impl Into<String>) {
        self.error.borrow_mut().get_or_insert(text.into());
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "what a visitor's methods give back"
    )]
    fn scalar<E>(self, found: Scalar<'_>) -> Result<Value, E> {
        let Some(shape) = self.shape else {
            return Ok(Value::Null);
        };
        Ok(
            convert::scalar(Codec::Json, shape, found).unwrap_or_else(|text| {
                self.fail(text);
                Value::Null
            }),
        )
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        // Also for what is passed over: serde_json's own way of ignoring has no limit of depth.
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        self.scalar(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        self.scalar(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        self.scalar(Scalar::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        self.scalar(Scalar::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        self.scalar(Scalar::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let member = match self.shape {
            Some(Shape::List { member, .. }) => Some(*member),
            Some(_) => {
                self.fail(START_OF_LIST);
                None
            }
            None => None,
        };
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(self.child(member))? {
            if member.is_some() {
                values.push(value);
            }
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        match self.shape {
            Some(Shape::Structure { members, .. }) => {
                let mut structure = Value::structure();
                while let Some(member) = entries.next_key_seed(Key { members })? {
                    let value = entries.next_value_seed(self.child(member.map(|m| m.shape)))?;
                    if let Some(member) = member {
                        structure.set(member.name, value);
                    }
                }
                Ok(structure)
            }
            Some(Shape::Map { value: shape, .. }) => {
                let mut map: Vec<(String, Value)> = Vec::new();
                while let Some(key) = entries.next_key::<String>()? {
                    let value = entries.next_value_seed(self.child(Some(shape)))?;
                    put_entry(&mut map, key, value);
                }
                Ok(Value::Map(map))
            }
            shape => {
                if shape.is_some() {
                    self.fail(START_OF_STRUCTURE);
                }
                let nothing = Key { members: &[] };
                while entries.next_key_seed(nothing)?.is_some() {
                    entries.next_value_seed(self.child(None))?;
                }
                Ok(Value::structure())
            }
        }
    }
}

/// As many entries as a map may have and more are looked through for an earlier one of the same key; a hostile map of a
/// million keys must not take a million times a million steps, and is refused by its size anyway.
const DISTINCT_ENTRIES: usize = 1_000;

/// The last entry of a key counts; `null` is absent.
pub(super) fn put_entry(map: &mut Vec<(String, Value)>, key: String, value: Value) {
    if map.len() <= DISTINCT_ENTRIES {
        map.retain(|(known, _)| *known != key);
    }
    if value != Value::Null {
        map.push((key, value));
    }
}

/// A structure's key: one of its members, or one to be passed over.
#[derive(Clone, Copy)]
struct Key {
    members: &'static [Member],
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static Member>;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<&'static Member>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.members.iter().find(|member| member.name == name))
    }
}

/// Appends a value.
pub(super) fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => write_string(out, text),
        Value::Integer(number) => {
            out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
        }
        Value::Double(number) if number.is_finite() => {
            // Writing to memory does not fail.
            let _ = write!(out, "{number}");
        }
        // JSON has no numbers that are infinite or none.
        Value::Null | Value::Double(_) => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Blob(bytes) => {
            out.push(b'"');
            blob::encode_into(bytes, out);
            out.push(b'"');
        }
        Value::Timestamp(time) => write_timestamp(out, *time),
        Value::List(values) => {
            out.push(b'[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(out, value);
            }
            out.push(b']');
        }
        Value::Structure(members) => {
            let members = members.iter().map(|(name, value)| (*name, value));
            write_object(out, members);
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.as_str(), value));
            write_object(out, entries);
        }
    }
}

fn write_object<'a>(out: &mut Vec<u8>, members: impl Iterator<Item = (&'a str, &'a Value)>) {
    out.push(b'{');
    for (index, (name, value)) in members.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write(out, value);
    }
    out.push(b'}');
}

/// Appends seconds with three decimals: `1506440188.749`.
pub(super) fn write_timestamp(out: &mut Vec<u8>, time: Timestamp) {
    let millis = time.as_millis();
    let fraction = millis % 1_000;
    out.extend_from_slice(itoa::Buffer::new().format(millis / 1_000).as_bytes());
    out.push(b'.');
    for digit in [fraction / 100, fraction / 10 % 10, fraction % 10] {
        out.push(b'0' + digit as u8);
    }
}

/// Appends a string in quotes.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    // Without an early end, so that many bytes are looked at in one step.
    let special = |c: u8| c < 0x20 || c == b'"' || c == b'\\';
    if text.bytes().fold(false, |found, c| found | special(c)) {
        // Text into memory: nothing here can fail.
        let _ = serde_json::to_writer(out, text);
    } else {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    }
}
