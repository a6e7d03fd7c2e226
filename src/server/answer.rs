//! Outcomes as HTTP: status, headers, body.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

use super::connection::Cut;
use super::untaken::Untaken;
use crate::base::Timestamp;
use crate::kinesis::KinesisError;
use crate::wire::{Codec, WireError, encode_error};

/// A body as the library takes it.
pub(super) type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, Infallible>>;

/// What is answered.
pub(super) enum Content {
    Whole(Bytes),
    /// Nothing: the connection is cut.
    Lost,
    /// It comes bit by bit.
    Stream(UnsyncBoxBody<Bytes, Infallible>),
}

/// What a request is answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: Option<&'static str>,
    /// What metrics count it as: the error's code or `ok`.
    pub(super) code: Cow<'static, str>,
    pub(super) content: Content,
}

/// What was wrong with a call: from the formats or from the engine.
pub(super) type Refusal = WireError;

impl Answer {
    /// 200 with a body in a codec. Without output there is no body (kinesalite's tests against the service).
    pub(super) fn ok(codec: Codec, body: Bytes) -> Self {
        Self::plain(StatusCode::OK, Some(codec.content_type()), body)
    }

    /// An error in a codec.
    pub(super) fn error(codec: Codec, error: &WireError) -> Self {
        Self::error_as(codec, codec.content_type(), error)
    }

    /// An error whose content type is not the codec's own.
    pub(super) fn error_as(codec: Codec, content_type: &'static str, error: &WireError) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = encode_error(codec, error);
        Self {
            code: error.code.clone(),
            ..Self::plain(status, Some(content_type), body)
        }
    }

    /// An engine's refusal in a codec.
    pub(super) fn refused(codec: Codec, error: &KinesisError) -> Self {
        Self::error(codec, &WireError::from(error))
    }

    /// What was done and is not told.
    pub(super) fn lost() -> Self {
        Self {
            code: "lost".into(),
            content: Content::Lost,
            ..Self::plain(StatusCode::OK, None, "")
        }
    }

    /// Any whole body.
    pub(super) fn plain(
        status: StatusCode,
        content_type: Option<&'static str>,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            status,
            content_type,
            code: if status == StatusCode::OK {
                "ok".into()
            } else {
                status.as_str().to_owned().into()
            },
            content: Content::Whole(body.into()),
        }
    }

    /// The same answer, counted until the client has taken it; where there is no room for it, a refusal that clients
    /// try again after.
    pub(super) fn counted(mut self, untaken: &Arc<Untaken>, now: Timestamp) -> Self {
        if let Content::Whole(bytes) = self.content {
            let Some(bytes) = untaken.count(now, bytes) else {
                return Self::plain(StatusCode::SERVICE_UNAVAILABLE, None, "");
            };
            self.content = Content::Whole(bytes);
        }
        self
    }

    /// The answer as HTTP, with the headers that every answer of the service has. `Date` and `Content-Length` come from
    /// the HTTP library.
    ///
    /// # Errors
    /// When there is to be no answer.
    pub(super) fn into_response(
        self,
        ids: Ids,
        request: &HeaderMap,
    ) -> Result<Response<Body>, Cut> {
        let mut response = Response::new(match self.content {
            Content::Lost => return Err(Cut),
            Content::Whole(bytes) => Either::Left(Full::new(bytes)),
            Content::Stream(body) => Either::Right(body),
        });
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("x-amzn-requestid"), ids.request);
        headers.insert(HeaderName::from_static("x-amz-id-2"), ids.extended);
        if let Some(content_type) = self.content_type {
            headers.insert(
                hyper::header::CONTENT_TYPE,
                HeaderValue::from_static(content_type),
            );
        }
        allow_origin(headers, request);
        Ok(response)
    }
}

/// What browsers are told (kinesalite's tests against the service).
fn allow_origin(headers: &mut HeaderMap, request: &HeaderMap) {
    if !request.contains_key("origin") {
        return;
    }
    headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    headers.insert(
        "access-control-expose-headers",
        HeaderValue::from_static(
            "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date",
        ),
    );
}

/// OPTIONS: the browser's question before it asks.
pub(super) fn preflight(request: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::default()));
    let headers = response.headers_mut();
    headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
    headers.insert("access-control-max-age", HeaderValue::from_static("172800"));
    for (asked, allowed) in [
        (
            "access-control-request-headers",
            "access-control-allow-headers",
        ),
        (
            "access-control-request-method",
            "access-control-allow-methods",
        ),
    ] {
        if let Some(value) = request.get(asked) {
            headers.insert(allowed, value.clone());
        }
    }
    response
}

/// A request's ids, as headers.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    request: HeaderValue,
    extended: HeaderValue,
}

impl Ids {
    /// The request id.
    pub(super) fn request(&self) -> &str {
        self.request.to_str().unwrap_or_default()
    }
}

/// Where request ids come from: a UUID and 72 bytes in base64, as captured from the service.
#[derive(Debug)]
pub(super) struct RequestIds {
    seed: u64,
    count: AtomicU64,
}

impl RequestIds {
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            seed,
            count: AtomicU64::new(0),
        }
    }

    /// The next request's.
    pub(super) fn next(&self) -> Ids {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // Odd and far apart, so that neighbouring counts give unlike ids.
        let seed = self.seed ^ count.wrapping_mul(0x9e6c_63d0_876a_68eb);
        let mut random = SplitMix64::seed_from_u64(seed);
        let mut bytes = [0u8; 72];
        random.fill_bytes(&mut bytes);
        let extended = base64::engine::general_purpose::STANDARD.encode(bytes);
        let (high, low) = (random.next_u64(), random.next_u64());
        let header = |text: &[u8]| {
            HeaderValue::from_bytes(text).unwrap_or_else(|_| HeaderValue::from_static(""))
        };
        Ids {
            request: header(&uuid(high, low)),
            extended: header(extended.as_bytes()),
        }
    }
}

/// A random UUID (RFC 9562, version 4) of these bits. By hand: every answer has one, and formatting it took longer than the
/// answer's body.
fn uuid(high: u64, low: u64) -> [u8; 36] {
    let version = (high & !0xf000) | 0x4000;
    let variant = (low & !(0b11 << 62)) | (0b10 << 62);
    let digits = u128::from(version) << 64 | u128::from(variant);
    let mut text = [b'-'; 36];
    let places = (0..36).filter(|place| ![8, 13, 18, 23].contains(place));
    for (place, digit) in places.zip((0..32).rev()) {
        text[place] = b"0123456789abcdef"[(digits >> (digit * 4)) as usize & 0xf];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_has_all_bits_but_those_of_version_and_variant() {
        let text = |high, low| String::from_utf8(uuid(high, low).to_vec()).unwrap();
        assert_eq!(text(0, 0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(
            text(u64::MAX, u64::MAX),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(
            text(0x0123_4567_89ab_cdef, 0x0123_4567_89ab_cdef),
            "01234567-89ab-4def-8123-456789abcdef"
        );
    }

    #[test]
    fn ids_have_the_services_form_and_never_repeat() {
        let ids = RequestIds::new(7);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1_000 {
            let Ids { request, extended } = ids.next();
            let id = request.to_str().unwrap().to_owned();
            assert_eq!(
                id.split('-').map(str::len).collect::<Vec<_>>(),
                [8, 4, 4, 4, 12]
            );
            assert_eq!(&id[14..15], "4");
            assert!("89ab".contains(&id[19..20]));
            assert_eq!(extended.len(), 96);
            assert!(seen.insert(id));
        }
    }
}
