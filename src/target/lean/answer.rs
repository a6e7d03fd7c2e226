//! An HTTP answer, and what it means before its body is read.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Response};

use crate::base::{Clock, Timestamp};
use crate::target::CallError;
use crate::target::judge::answered;
use crate::wire::Codec;
use crate::wire::fast::reply::{bare_code, read_error};

/// A request of this client.
pub(super) type Asked = Request<Full<Bytes>>;

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    /// The codec that it says it is written in.
    codec: Option<Codec>,
    /// `x-amzn-errortype`.
    error_type: Option<String>,
    pub(super) body: Bytes,
    /// When its last byte came.
    pub(super) at: Timestamp,
}

impl Answer {
    /// Waits for the rest of an answer.
    pub(super) async fn whole(response: Response<Incoming>, clock: Clock) -> hyper::Result<Self> {
        let (head, body) = response.into_parts();
        let header = |name: &str| head.headers.get(name)?.to_str().ok();
        let codec = header(CONTENT_TYPE.as_str()).and_then(Codec::from_content_type);
        let error_type = header("x-amzn-errortype").map(|kind| bare_code(kind).to_owned());
        let body = body.collect().await?.to_bytes();
        Ok(Self {
            status: head.status.as_u16(),
            codec,
            error_type,
            body,
            at: clock.now(),
        })
    }

    /// The answer, if it is one of success.
    pub(super) fn success(self, asked_in: Codec) -> Result<Self, CallError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        // Some engines answer errors in JSON whatever they are asked in.
        let codec = self.codec.unwrap_or(asked_in);
        let (code, message) = read_error(codec, &self.body).unwrap_or_default();
        let code = self.error_type.or(code);
        let meaning = answered(self.status, code.as_deref(), message.as_deref());
        Err(meaning.unwrap_or_else(|| {
            CallError::Unanswered(format!(
                "HTTP {}, and the answer names no error",
                self.status
            ))
        }))
    }
}

/// How a request ended that was given to a connection.
#[derive(Debug)]
pub(super) enum Ended {
    /// There is an answer.
    Answered(Answer),
    /// The connection was closed before anything was sent: the request is as good as new.
    NotSent(Box<Asked>),
    /// It may have left.
    Lost(CallError),
}

impl Ended {
    /// That of a connection which was reset on purpose.
    pub(super) fn reset() -> Self {
        Self::Lost(CallError::Unanswered(
            "the connection was reset on purpose".to_owned(),
        ))
    }

    /// That of a connection which broke.
    pub(super) fn broken(error: &hyper::Error) -> Self {
        Self::Lost(CallError::Unanswered(crate::target::judge::chain(error)))
    }
}
