//! Error answers as they stand on the wire.

use std::borrow::Cow;

use bytes::Bytes;

use super::codec::Codec;
use super::{cbor, json};
use crate::kinesis::{ErrorCode, KinesisError};

/// An error answer: status, code and text.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {}", message.as_deref().unwrap_or("no message"))]
pub struct WireError {
    /// The HTTP status: 400, or 500 for failures of the service itself.
    pub status: u16,
    /// `__type`: the short name.
    pub code: Cow<'static, str>,
    /// The text; `None` leaves the member out.
    pub message: Option<String>,
    /// Whether the member is called `Message`: only so where a value could not be converted (kinesalite's tests).
    pub capital_message: bool,
}

impl WireError {
    /// A client's fault with a text.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..Self::bare(code)
        }
    }

    /// A client's fault without a text, such as UnknownOperationException.
    pub fn bare(code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status: 400,
            code: code.into(),
            message: None,
            capital_message: false,
        }
    }

    /// The body is not parseable or not an object.
    pub fn unparseable() -> Self {
        Self::bare("SerializationException")
    }

    /// Whether this is [`Self::unparseable`], which is answered before authorization is looked at; conversion errors
    /// come after it (kinesalite's order of checks).
    pub fn is_unparseable(&self) -> bool {
        self.code == "SerializationException" && self.message.is_none()
    }

    /// A value has the wrong type.
    pub(super) fn conversion(message: String) -> Self {
        Self {
            capital_message: true,
            ..Self::new("SerializationException", message)
        }
    }
}

impl From<&KinesisError> for WireError {
    fn from(error: &KinesisError) -> Self {
        match error.code {
            // The body holds the type alone (kinesalite's tests against the service).
            ErrorCode::InternalFailure => Self {
                status: 500,
                ..Self::bare(error.code.as_str())
            },
            code => Self::new(code.as_str(), error.message.clone()),
        }
    }
}

/// The body of an error answer.
pub fn encode_error(codec: Codec, error: &WireError) -> Bytes {
    let name = if error.capital_message {
        "Message"
    } else {
        "message"
    };
    let mut members = vec![("__type", error.code.as_ref())];
    members.extend(error.message.as_deref().map(|message| (name, message)));
    let mut out = Vec::new();
    match codec {
        Codec::Json => {
            for (index, (name, text)) in members.iter().enumerate() {
                out.push(if index == 0 { b'{' } else { b',' });
                json::write_string(&mut out, name);
                out.push(b':');
                json::write_string(&mut out, text);
            }
            out.push(b'}');
        }
        Codec::Cbor => {
            cbor::write_head(&mut out, cbor::MAP, members.len() as u64);
            for (name, text) in members {
                cbor::write_string(&mut out, name);
                cbor::write_string(&mut out, text);
            }
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(error: &WireError) -> String {
        String::from_utf8(encode_error(Codec::Json, error).to_vec()).unwrap()
    }

    #[test]
    fn the_message_is_lower_case_but_for_conversion_errors_and_absent_for_internal_failures() {
        let refused = KinesisError::new(ErrorCode::ResourceNotFound, "Stream \"x\" not found.");
        assert_eq!(
            json(&(&refused).into()),
            r#"{"__type":"ResourceNotFoundException","message":"Stream \"x\" not found."}"#
        );
        let conversion = WireError::conversion("Expected null".to_owned());
        assert_eq!(
            json(&conversion),
            r#"{"__type":"SerializationException","Message":"Expected null"}"#
        );
        let internal = WireError::from(&KinesisError::new(ErrorCode::InternalFailure, "x"));
        assert_eq!(internal.status, 500);
        assert_eq!(json(&internal), r#"{"__type":"InternalFailure"}"#);
        assert!(WireError::unparseable().is_unparseable() && !conversion.is_unparseable());
    }

    #[test]
    fn cbor_errors_hold_the_same_two_members() {
        let body = encode_error(Codec::Cbor, &WireError::new("A", "b"));
        assert_eq!(&body[..], b"\xa2\x66__type\x61A\x67message\x61b");
    }
}
