//! What becomes of a value that does not have its member's type: the service's lenience and its texts (kinesalite's
//! tests against production of 2014 to 2020). Both codecs come through here.

use std::borrow::Cow;

use bytes::Bytes;

use super::blob;
use super::codec::Codec;
use super::shapes::Shape;
use super::value::Value;
use crate::base::Timestamp;

pub(super) const START_OF_LIST: &str = "Start of list found where not expected";
pub(super) const START_OF_STRUCTURE: &str = "Start of structure or map found where not expected.";

/// The last millisecond that a [`Timestamp`] holds.
const MILLIS_MAX: u64 = u64::MAX / 1_000_000;

/// A value that is neither list nor structure, as a codec found it.
#[derive(Debug)]
pub(super) enum Scalar<'a> {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl Scalar<'_> {
    /// The Java class that the service names. That of byte strings is unverified.
    fn class(&self) -> &'static str {
        match self {
            Self::Bool(_) => "class java.lang.Boolean",
            Self::Integer(_) | Self::Float(_) => {
                "class com.amazon.coral.value.json.numbers.TruncatingBigNumber"
            }
            Self::Text(_) => "class java.lang.String",
            Self::Bytes(_) => "class java.nio.HeapByteBuffer",
        }
    }
}

/// Makes a shape's value of what was found.
///
/// # Errors
/// The text of a SerializationException.
pub(super) fn scalar(codec: Codec, shape: &Shape, found: Scalar<'_>) -> Result<Value, String> {
    let cannot = |found: &Scalar<'_>, what: &str| {
        let class = found.class();
        Err(format!("{class} can not be converted to {what}"))
    };
    match (shape, found) {
        (Shape::String { .. }, Scalar::Text(text)) => Ok(Value::String(text.into_owned())),
        (Shape::String { .. }, found) => cannot(&found, "an String"),

        (Shape::Integer { .. }, Scalar::Integer(number)) => Ok(Value::Integer(
            number.clamp(i32::MIN.into(), i32::MAX.into()),
        )),
        (Shape::Integer { .. }, Scalar::Float(number)) => {
            Ok(Value::Integer(i64::from(number.floor() as i32)))
        }
        (Shape::Integer { .. }, found) => cannot(&found, "an Integer"),

        (Shape::Long, Scalar::Integer(number)) => Ok(Value::Integer(number)),
        (Shape::Long, Scalar::Float(number)) => Ok(Value::Integer(number.floor() as i64)),
        (Shape::Long, found) => cannot(&found, "an Long"),

        (Shape::Boolean, Scalar::Bool(value)) => Ok(Value::Bool(value)),
        // Unverified: no text for this was captured. It follows those of the other types.
        (Shape::Boolean, found) => cannot(&found, "an Boolean"),

        (Shape::Timestamp, Scalar::Integer(number)) => Ok(timestamp(match codec {
            Codec::Json => number.saturating_mul(1_000),
            Codec::Cbor => number,
        })),
        (Shape::Timestamp, Scalar::Float(number)) => Ok(timestamp(match codec {
            Codec::Json => (number * 1e3).round() as i64,
            Codec::Cbor => number.round() as i64,
        })),
        (Shape::Timestamp, found) => cannot(&found, "milliseconds since epoch"),

        (Shape::Blob { .. }, Scalar::Text(text)) => {
            blob::decode(&text).map(|bytes| Value::Blob(bytes.into()))
        }
        (Shape::Blob { .. }, Scalar::Bytes(bytes)) => {
            Ok(Value::Blob(Bytes::from(bytes.into_owned())))
        }
        (Shape::Blob { .. }, found) => cannot(&found, "a Blob"),

        (Shape::List { .. }, _) => Err("Expected list or null".to_owned()),
        (Shape::Map { .. }, _) => Err("Expected map or null".to_owned()),
        (Shape::Structure { .. }, _) => Err("Expected null".to_owned()),
    }
}

/// Times before the epoch become it, times after 2554 the last one that can be held.
fn timestamp(millis: i64) -> Value {
    let millis = u64::try_from(millis).unwrap_or(0).min(MILLIS_MAX);
    Value::Timestamp(Timestamp::from_millis(millis))
}
