//! The two codecs of the service and the way through them.

use bytes::Bytes;

use super::error::WireError;
use super::shapes::{Operation, Shape};
use super::value::Value;
use super::{cbor, json};

/// How deep a body may nest; the core operations need 5.
pub(super) const DEPTH_MAX: usize = 128;

/// How bodies are written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Codec {
    /// JSON 1.1: the protocol of the service model.
    Json,
    /// The undeclared older variant that Java SDKs use by default.
    Cbor,
}

impl Codec {
    /// The value of `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/x-amz-json-1.1",
            Self::Cbor => "application/x-amz-cbor-1.1",
        }
    }

    /// The codec of a request's `Content-Type`; parameters such as a charset are ignored.
    pub fn from_content_type(value: &str) -> Option<Self> {
        let kind = value.split(';').next().unwrap_or_default().trim();
        [Self::Json, Self::Cbor]
            .into_iter()
            .find(|codec| kind.eq_ignore_ascii_case(codec.content_type()))
    }
}

/// Reads a request's body. Unknown members are dropped, `null` is absent.
///
/// # Errors
/// SerializationException: without a message if the body is not parseable, not an object or nested deeper than 128;
/// with the service's text for the first value, in the order of the body, of a wrong type.
pub fn decode(codec: Codec, operation: &Operation, body: &[u8]) -> Result<Value, WireError> {
    decode_shape(codec, operation.input, body)
}

/// Reads an answer's body: what a client does, and how what is written is tested.
///
/// # Errors
/// As [`decode`].
pub fn decode_output(codec: Codec, operation: &Operation, body: &[u8]) -> Result<Value, WireError> {
    decode_shape(codec, operation.output, body)
}

/// Reads a body of the given shape, as [`decode`] does.
pub(super) fn decode_shape(
    codec: Codec,
    shape: &'static Shape,
    body: &[u8],
) -> Result<Value, WireError> {
    let (value, error) = match codec {
        Codec::Json => json::read(body, Some(shape)),
        Codec::Cbor => cbor::read(body, Some(shape)),
    }
    .ok_or_else(WireError::unparseable)?;
    match error {
        None => Ok(value),
        Some(message) => Err(WireError::conversion(message)),
    }
}

/// Whether a body is an object in this codec: what is checked before the operation is known.
pub fn is_object(codec: Codec, body: &[u8]) -> bool {
    match codec {
        Codec::Json => json::read(body, None).is_some(),
        Codec::Cbor => cbor::read(body, None).is_some(),
    }
}

/// Writes an answer's body; empty for operations without output.
pub fn encode(codec: Codec, operation: &Operation, output: &Value) -> Bytes {
    if !operation.has_output() {
        return Bytes::new();
    }
    encode_value(codec, output)
}

/// Writes a request's body: what a client does.
pub fn encode_input(codec: Codec, input: &Value) -> Bytes {
    encode_value(codec, input)
}

/// Writes any value.
pub(super) fn encode_value(codec: Codec, value: &Value) -> Bytes {
    let mut out = Vec::new();
    match codec {
        Codec::Json => json::write(&mut out, value),
        Codec::Cbor => cbor::write(&mut out, value),
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_known_in_any_case_and_with_parameters() {
        let known = Codec::from_content_type;
        assert_eq!(known("application/x-amz-json-1.1"), Some(Codec::Json));
        assert_eq!(
            known("Application/X-Amz-Cbor-1.1; charset=utf-8"),
            Some(Codec::Cbor)
        );
        assert_eq!(known("application/json"), None);
        assert_eq!(known(""), None);
    }
}
