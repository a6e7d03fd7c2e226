//! The service's first checks, before it knows what is asked: in its order and with its bodies.
//!
//! Source: kinesalite's tests, run against the service about 2019. Row numbers are those of its order.

use hyper::header::HeaderMap;
use hyper::{Method, StatusCode};

use super::answer::Answer;
use crate::wire::{Codec, Operation, UNIMPLEMENTED_FAMILIES, WireError, is_object, operation};

/// What stands before the operation's name.
const TARGET_PREFIX: &str = "Kinesis_20131202.";
/// A type that is understood and never served.
const PLAIN_JSON: &str = "application/json";

const NO_OPERATION_XML: &str = "<AccessDeniedException>\n  <Message>Unable to determine service/operation name to be \
                                authorized</Message>\n</AccessDeniedException>\n";
const PLAIN_JSON_ANSWER: &str =
    r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;

/// A request that names an operation and a codec.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) operation: &'static Operation,
    pub(super) codec: Codec,
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Row 1: the one method is POST. It needs no body.
pub(super) fn check_method(method: &Method) -> Result<(), Answer> {
    if method == Method::POST {
        Ok(())
    } else {
        Err(no_operation())
    }
}

fn no_operation() -> Answer {
    Answer::plain(StatusCode::FORBIDDEN, None, NO_OPERATION_XML)
}

/// Rows 2 to 6. Whether a known operation's body can be parsed is left to who decodes it, so that it is read once; with
/// an unknown one it is looked at here.
pub(super) fn check(headers: &HeaderMap, body: &[u8]) -> Result<Call, Answer> {
    let target = text(headers, "x-amz-target");
    let name = target.strip_prefix(TARGET_PREFIX).unwrap_or_default();
    let known = operation(name);
    let content_type = text(headers, "content-type");
    let codec = Codec::from_content_type(content_type);
    let plain = content_type
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(PLAIN_JSON));
    let is_named = known.is_some() || UNIMPLEMENTED_FAMILIES.contains(&name);
    if body.is_empty() {
        let error = if is_named {
            WireError::unparseable()
        } else {
            WireError::bare("UnknownOperationException")
        };
        return Err(Answer::error(codec.unwrap_or(Codec::Cbor), &error));
    }
    let Some(codec) = codec.or(plain.then_some(Codec::Json)) else {
        let mut parts = target.split('.');
        let parses = parts.next().is_some_and(|part| !part.is_empty())
            && parts.next().is_some_and(|part| !part.is_empty());
        return Err(if parses {
            Answer::plain(
                StatusCode::NOT_FOUND,
                None,
                "<UnknownOperationException/>\n",
            )
        } else {
            no_operation()
        });
    };
    let refuse = |error: &WireError| {
        let content_type = if plain {
            PLAIN_JSON
        } else {
            codec.content_type()
        };
        Err(Answer::error_as(codec, content_type, error))
    };
    if let (Some(operation), false) = (known, plain) {
        return Ok(Call { operation, codec });
    }
    if !is_object(codec, body) {
        return refuse(&WireError::unparseable());
    }
    if plain {
        return Err(Answer::plain(
            StatusCode::NOT_FOUND,
            Some(PLAIN_JSON),
            PLAIN_JSON_ANSWER,
        ));
    }
    if is_named {
        // Ours, not the service's: it would carry this out.
        return refuse(&WireError::new(
            "UnsupportedOperationException",
            format!("streamgauge does not implement {name}."),
        ));
    }
    refuse(&WireError::bare("UnknownOperationException"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn headers(content_type: &'static str, target: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(content_type));
        headers.insert("x-amz-target", HeaderValue::from_static(target));
        headers
    }

    #[test]
    fn a_known_operation_passes_in_both_codecs_and_others_do_not() {
        for (kind, codec) in [
            ("application/x-amz-json-1.1", Codec::Json),
            ("application/x-amz-cbor-1.1", Codec::Cbor),
        ] {
            let call = check(&headers(kind, "Kinesis_20131202.ListStreams"), b"{}").ok();
            assert_eq!(
                call.map(|call| (call.operation.name, call.codec)),
                Some(("ListStreams", codec))
            );
        }
        let code = |kind, target| {
            check(&headers(kind, target), b"{}")
                .err()
                .map(|answer| answer.code)
        };
        let json = "application/x-amz-json-1.1";
        assert_eq!(
            code(json, "Kinesis_20131202.ListStream").as_deref(),
            Some("UnknownOperationException")
        );
        assert_eq!(
            code(json, "Kinesis_20131202.CreateQueue").as_deref(),
            Some("UnsupportedOperationException")
        );
        assert_eq!(
            code("text/plain", "Kinesis_20131202.ListStreams").as_deref(),
            Some("404")
        );
        assert_eq!(code("text/plain", "").as_deref(), Some("403"));
    }
}
