//! Signing: one POST after the other with the key of a day.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::signature::{push_hex, signing_key};
use crate::base::Timestamp;

/// The headers that are signed, in the order that they are signed in.
const SIGNED: &str = "content-type;host;x-amz-date;x-amz-target";
/// The same with a session's token.
const SIGNED_WITH_TOKEN: &str = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";

const DAY_S: u64 = 86_400;

/// A request with a body to a service that is told its operation by `X-Amz-Target`.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    /// The path: `/` and unreserved characters alone.
    pub path: &'a str,
    /// Content-Type.
    pub content_type: &'a str,
    /// Host, with its port where that is not the scheme's own.
    pub host: &'a str,
    /// X-Amz-Target.
    pub target: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// Signs the requests of one day, with one secret, to one service of one region. Deriving it costs eight times what
/// signing with it does.
#[derive(Clone)]
pub struct DayKey {
    mac: Hmac<Sha256>,
    /// Days since the epoch.
    day: u64,
    /// The day as `YYYYMMDD`.
    date: String,
    /// `<date>/<region>/<service>/aws4_request`.
    scope: String,
    access_key_id: String,
    token: Option<String>,
}

/// Without what a log must not hold.
impl std::fmt::Debug for DayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DayKey")
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl DayKey {
    /// The key of the day of `now`.
    ///
    /// # Panics
    /// Never: HMAC takes keys of every length.
    pub fn new(
        (access_key_id, secret, token): (&str, &str, Option<&str>),
        (region, service): (&str, &str),
        now: Timestamp,
    ) -> Self {
        let day = now.as_secs() / DAY_S;
        let midnight = i64::try_from(day * DAY_S)
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        let date = midnight.unwrap_or_default().strftime("%Y%m%d").to_string();
        let key = signing_key(secret, &date, region, service);
        Self {
            mac: Hmac::new_from_slice(&key).expect("HMAC takes keys of every length (RFC 2104)"),
            day,
            scope: format!("{date}/{region}/{service}/aws4_request"),
            date,
            access_key_id: access_key_id.to_owned(),
            token: token.map(str::to_owned),
        }
    }

    /// Whether it is the key of this time's day.
    pub const fn is_for(&self, now: Timestamp) -> bool {
        now.as_secs() / DAY_S == self.day
    }

    /// The session's token, which goes into `X-Amz-Security-Token`.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// `X-Amz-Date` and `Authorization` of a request that is sent at `now`, a time of this key's day.
    pub fn sign(&self, post: &Post<'_>, now: Timestamp) -> (String, String) {
        let date = self.date_at(now);
        let signed = if self.token.is_some() {
            SIGNED_WITH_TOKEN
        } else {
            SIGNED
        };
        let mut text = String::with_capacity(512);
        let header = |text: &mut String, name: &str, value: &str| {
            text.push_str(name);
            text.push(':');
            text.push_str(value);
            text.push('\n');
        };
        text.push_str("POST\n");
        text.push_str(post.path);
        text.push_str("\n\n");
        header(&mut text, "content-type", post.content_type);
        header(&mut text, "host", post.host);
        header(&mut text, "x-amz-date", &date);
        if let Some(token) = &self.token {
            header(&mut text, "x-amz-security-token", token);
        }
        header(&mut text, "x-amz-target", post.target);
        text.push('\n');
        text.push_str(signed);
        text.push('\n');
        push_hex(&Sha256::digest(post.body), &mut text);
        let hash = Sha256::digest(&text);
        text.clear();
        text.push_str("AWS4-HMAC-SHA256\n");
        text.push_str(&date);
        text.push('\n');
        text.push_str(&self.scope);
        text.push('\n');
        push_hex(&hash, &mut text);
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        text.clear();
        text.push_str("AWS4-HMAC-SHA256 Credential=");
        text.push_str(&self.access_key_id);
        text.push('/');
        text.push_str(&self.scope);
        text.push_str(", SignedHeaders=");
        text.push_str(signed);
        text.push_str(", Signature=");
        push_hex(&mac.finalize().into_bytes(), &mut text);
        (date, text)
    }

    /// `YYYYMMDDTHHMMSSZ`.
    fn date_at(&self, now: Timestamp) -> String {
        let second = now.as_secs() % DAY_S;
        let mut text = String::with_capacity(16);
        text.push_str(&self.date);
        text.push('T');
        for part in [second / 3_600, second / 60 % 60, second % 60] {
            text.push(char::from(b'0' + (part / 10) as u8));
            text.push(char::from(b'0' + (part % 10) as u8));
        }
        text.push('Z');
        text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::sigv4::{Request, authorization, verify};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn headers<'a>(
        post: &Post<'a>,
        key: &'a DayKey,
        signed: &'a (String, String),
    ) -> Vec<(&'a str, &'a str)> {
        let mut headers = vec![
            ("content-type", post.content_type),
            ("host", post.host),
            ("x-amz-target", post.target),
            ("x-amz-date", signed.0.as_str()),
            ("authorization", signed.1.as_str()),
        ];
        headers.extend(key.token().map(|token| ("x-amz-security-token", token)));
        headers
    }

    #[test]
    fn a_key_is_for_its_day_alone() {
        let key = DayKey::new(
            ("AK", SECRET, None),
            ("us-east-1", "kinesis"),
            Timestamp::from_secs(1_440_938_160),
        );
        assert_eq!(
            key.date_at(Timestamp::from_secs(1_440_938_160)),
            "20150830T123600Z"
        );
        assert!(key.is_for(Timestamp::from_secs(1_440_979_199)));
        assert!(!key.is_for(Timestamp::from_secs(1_440_979_200)));
        assert!(!format!("{key:?}").contains(SECRET));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(
            seconds in 0..4_000_000_000u64,
            body in proptest::collection::vec(any::<u8>(), 0..200),
            token in proptest::option::of("[A-Za-z0-9+/=]{1,40}"),
        ) {
            let now = Timestamp::from_secs(seconds);
            let key = DayKey::new(("AK", SECRET, token.as_deref()), ("eu-west-1", "kinesis"), now);
            let post = Post {
                path: "/",
                content_type: "application/x-amz-json-1.1",
                host: "127.0.0.1:4567",
                target: "Kinesis_20131202.PutRecord",
                body: &body,
            };
            let signed = key.sign(&post, now);
            let headers = headers(&post, &key, &signed);
            let request = Request { method: "POST", path: "/", query: "", headers: &headers, body: &body };
            let parts = authorization(&request).unwrap();
            prop_assert_eq!(verify(SECRET, &request, &parts), Ok(()));
        }
    }

    proptest! {
        #[test]
        fn the_sdks_own_signer_makes_the_same_signature(
            seconds in 0..4_000_000_000u64,
            body in proptest::collection::vec(any::<u8>(), 0..200),
            token in proptest::option::of("[A-Za-z0-9+/=]{1,40}"),
        ) {
            use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
            use aws_sigv4::sign::v4;
            let now = Timestamp::from_secs(seconds);
            let key = DayKey::new(("AK", SECRET, token.as_deref()), ("eu-west-1", "kinesis"), now);
            let post = Post {
                path: "/",
                content_type: "application/x-amz-cbor-1.1",
                host: "kinesis.eu-west-1.amazonaws.com",
                target: "Kinesis_20131202.PutRecords",
                body: &body,
            };
            let ours = key.sign(&post, now);
            let identity = aws_credential_types::Credentials::new("AK", SECRET, token, None, "test").into();
            let parameters = v4::SigningParams::builder()
                .identity(&identity)
                .region("eu-west-1")
                .name("kinesis")
                .time(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds))
                .settings(SigningSettings::default())
                .build()
                .unwrap()
                .into();
            let headers = [("content-type", post.content_type), ("x-amz-target", post.target)];
            let request = SignableRequest::new(
                "POST",
                "https://kinesis.eu-west-1.amazonaws.com/",
                headers.into_iter(),
                SignableBody::Bytes(&body),
            );
            let (instructions, _) = sign(request.unwrap(), &parameters).unwrap().into_parts();
            let theirs = |name: &str| {
                instructions.headers().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
            };
            prop_assert_eq!(theirs("authorization"), Some(ours.1));
            prop_assert_eq!(theirs("x-amz-date"), Some(ours.0));
        }
    }
}
