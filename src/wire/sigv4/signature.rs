//! The signature itself.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::authorization::decode_percent;
use super::{Authorization, Placement, Request};
use crate::wire::WireError;

/// The text whose hash is signed.
pub fn canonical_request(request: &Request<'_>, authorization: &Authorization<'_>) -> String {
    let path = if request.path.is_empty() {
        "/"
    } else {
        request.path
    };
    let mut pairs: Vec<_> = request
        .pairs()
        .filter(|(name, _)| {
            authorization.placement == Placement::Header || *name != "X-Amz-Signature"
        })
        .map(|(name, value)| (encode_percent(name), encode_percent(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut text = format!("{}\n{path}\n{}\n", request.method, pairs.join("&"));
    for name in authorization.signed_headers.split(';') {
        let values: Vec<_> = request
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        // Writing to memory does not fail.
        let _ = writeln!(text, "{}:{}", name.to_ascii_lowercase(), values.join(","));
    }
    // A client may leave its body out, and says so; any other hash that it claims is not believed.
    let payload = match request.header("X-Amz-Content-Sha256") {
        Some(unsigned @ "UNSIGNED-PAYLOAD") => unsigned.to_owned(),
        _ => hex(&Sha256::digest(request.body)),
    };
    let _ = write!(text, "\n{}\n{payload}", authorization.signed_headers);
    text
}

/// The text that is signed.
pub fn string_to_sign(canonical_request: &str, authorization: &Authorization<'_>) -> String {
    let hash = hex(&Sha256::digest(canonical_request));
    let Authorization { date, scope, .. } = authorization;
    format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}")
}

/// The signature of `string_to_sign` with `secret`: 64 hexadecimal digits.
pub fn signature(secret: &str, string_to_sign: &str, authorization: &Authorization<'_>) -> String {
    let [date, region, service] = authorization.scope_parts();
    hex(&hmac(
        &signing_key(secret, date, region, service),
        string_to_sign,
    ))
}

/// The key that a day's requests to one region's service are signed with.
pub(super) fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let key = hmac(format!("AWS4{secret}").as_bytes(), date);
    [region, service, "aws4_request"]
        .iter()
        .fold(key, |key, part| hmac(&key, part))
}

/// Checks a request's signature against the secret of its key, and that it covers what it must: the host and every
/// `x-amz-` header, on the day and in the form of its scope. Whether the date is recent is for who has a clock.
///
/// # Errors
/// InvalidSignatureException. The texts are those common to AWS's services; unverified for this one.
pub fn verify(
    secret: &str,
    request: &Request<'_>,
    authorization: &Authorization<'_>,
) -> Result<(), WireError> {
    check_cover(request, authorization)?;
    check_scope(authorization)?;
    let to_sign = string_to_sign(&canonical_request(request, authorization), authorization);
    let expected = signature(secret, &to_sign, authorization);
    if is_same(expected.as_bytes(), authorization.signature.as_bytes()) {
        return Ok(());
    }
    Err(WireError::new(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details.",
    ))
}

fn invalid(text: impl Into<String>) -> WireError {
    WireError::new("InvalidSignatureException", text)
}

/// Who sees a request on its way must not be able to send its signature with another operation ("Create a signed AWS API
/// request", IAM user guide: the host header and any `x-amz-*` header are signed).
fn check_cover(request: &Request<'_>, authorization: &Authorization<'_>) -> Result<(), WireError> {
    let is_signed = |name: &str| {
        let mut signed = authorization.signed_headers.split(';');
        signed.any(|known| known.eq_ignore_ascii_case(name))
    };
    if !is_signed("host") && !is_signed(":authority") {
        let text = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
        return Err(invalid(text));
    }
    let names = request.headers.iter().map(|(name, _)| *name);
    let must = |name: &str| {
        let start = name.get(.."x-amz-".len());
        start.is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
    };
    match names
        .into_iter()
        .find(|name| must(name) && !is_signed(name))
    {
        None => Ok(()),
        Some(name) => Err(invalid(format!(
            "'{}' must be a 'SignedHeader' in the AWS Authorization.",
            name.to_ascii_lowercase()
        ))),
    }
}

fn check_scope(authorization: &Authorization<'_>) -> Result<(), WireError> {
    let parts: Vec<_> = authorization.scope.split('/').collect();
    let [day, _, _, end] = parts.as_slice() else {
        let key = &authorization.access_key_id;
        let text = format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
             '{key}/{}'",
            authorization.scope
        );
        return Err(invalid(text));
    };
    if *end != "aws4_request" {
        let text = format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{end}'."
        );
        return Err(invalid(text));
    }
    let date = &authorization.date;
    match day_of(date) {
        Some(signed) if signed == *day => Ok(()),
        signed => Err(invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{day}' != '{}', \
             from '{date}'.",
            signed.unwrap_or_default()
        ))),
    }
}

/// The day of `20150830T123600Z` or of a `Date` header, as scopes have it.
fn day_of(date: &str) -> Option<String> {
    if let Some((day, _)) = date.split_once('T')
        && day.len() == 8
        && day.bytes().all(|c| c.is_ascii_digit())
    {
        return Some(day.to_owned());
    }
    let time = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(time.timestamp().strftime("%Y%m%d").to_string())
}

/// Compares in a time that does not tell where the difference is.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b));
    a.len() == b.len() && std::hint::black_box(difference) == 0
}

fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length (RFC 2104)");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(bytes, &mut text);
    text
}

/// Appends bytes as hexadecimal digits. By a table: the general writer costs more than the signature's own hashes.
pub(super) fn push_hex(bytes: &[u8], text: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Percent-encodes as the signature wants it, whatever the client's own encoding left out.
fn encode_percent(sent: &str) -> String {
    let mut text = String::with_capacity(sent.len());
    for byte in decode_percent(sent).bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(byte.into());
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::sigv4::authorization;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// AWS's worked example of IAM's ListUsers ("Examples of the complete Signature Version 4 signing process").
    const LIST_USERS: &[(&str, &str)] = &[
        ("Host", "iam.amazonaws.com"),
        (
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf-8",
        ),
        ("X-Amz-Date", "20150830T123600Z"),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ];

    fn list_users() -> Request<'static> {
        Request {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            headers: LIST_USERS,
            body: b"",
        }
    }

    #[test]
    fn the_published_example_has_its_published_hash_and_signature() {
        let request = list_users();
        let parts = authorization(&request).unwrap();
        let canonical = canonical_request(&request, &parts);
        assert_eq!(
            hex(&Sha256::digest(&canonical)),
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
        );
        assert_eq!(verify(SECRET, &request, &parts), Ok(()));
    }

    #[test]
    fn another_secret_body_header_or_query_is_refused() {
        let request = list_users();
        let parts = authorization(&request).unwrap();
        let refused = |secret, request: &Request<'_>| {
            let error = verify(secret, request, &parts).unwrap_err();
            assert_eq!(error.code, "InvalidSignatureException");
        };
        refused("other", &request);
        refused(
            SECRET,
            &Request {
                body: b"x",
                ..request
            },
        );
        refused(
            SECRET,
            &Request {
                query: "Action=ListUsers",
                ..request
            },
        );
        let mut headers = LIST_USERS.to_vec();
        headers[0].1 = "elsewhere";
        refused(
            SECRET,
            &Request {
                headers: &headers,
                ..request
            },
        );
        let short = Authorization {
            signature: "".into(),
            ..parts.clone()
        };
        assert!(verify(SECRET, &request, &short).is_err());
    }

    /// Signs a request anew, whatever its scope and signed headers leave out.
    fn signed<'a>(request: &Request<'_>, parts: &Authorization<'a>) -> Authorization<'a> {
        let to_sign = string_to_sign(&canonical_request(request, parts), parts);
        Authorization {
            signature: signature(SECRET, &to_sign, parts).into(),
            ..parts.clone()
        }
    }

    #[test]
    fn a_signature_covers_the_host_all_headers_of_the_service_and_the_day() {
        let mut headers = LIST_USERS.to_vec();
        headers.push(("X-Amz-Target", "Kinesis_20131202.DeleteStream"));
        let request = Request {
            headers: &headers,
            ..list_users()
        };
        let all = "content-type;host;x-amz-date;x-amz-target";
        let parts = Authorization {
            signed_headers: all.into(),
            ..authorization(&request).unwrap()
        };
        assert_eq!(verify(SECRET, &request, &signed(&request, &parts)), Ok(()));
        for (scope, names, says) in [
            (
                &*parts.scope,
                "content-type;host;x-amz-date",
                "'x-amz-target' must be",
            ),
            (
                &*parts.scope,
                "content-type;x-amz-date;x-amz-target",
                "'Host' or",
            ),
            (
                "20150829/us-east-1/iam/aws4_request",
                all,
                "'20150829' != '20150830'",
            ),
            ("20150830/us-east-1/iam/aws4", all, "not 'aws4'"),
            ("20150830/us-east-1/iam", all, "exactly 5"),
        ] {
            let parts = Authorization {
                scope: scope.into(),
                signed_headers: names.into(),
                ..parts.clone()
            };
            let error = verify(SECRET, &request, &signed(&request, &parts)).unwrap_err();
            assert_eq!(error.code, "InvalidSignatureException");
            let text = error.message.unwrap_or_default();
            assert!(text.contains(says), "{text}");
        }
        assert_eq!(
            day_of("Sun, 30 Aug 2015 12:36:00 GMT").as_deref(),
            Some("20150830")
        );
        assert_eq!(day_of("yesterday"), None);
    }

    #[test]
    fn a_query_that_botocore_signed_is_accepted_and_a_changed_one_is_not() {
        // botocore 1.43.11, `SigV4QueryAuth`, with the same example key and a session token.
        let query = concat!(
            "Limit=1&X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "&X-Amz-Credential=AKIDEXAMPLE%2F20261123%2Fus-east-1%2Fkinesis%2Faws4_request",
            "&X-Amz-Date=20261123T010203Z&X-Amz-Expires=3600",
            "&X-Amz-SignedHeaders=content-type%3Bhost%3Bx-amz-target&X-Amz-Security-Token=tok%2Fen%2B%3D",
            "&X-Amz-Signature=3f52c3210154e2d93af8d0af114f6e9490c6a5abf31f5b23c8c8a674ee9d45ea",
        );
        let request = Request {
            method: "POST",
            path: "/",
            query,
            headers: &[
                ("host", "127.0.0.1:4567"),
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "Kinesis_20131202.ListStreams"),
            ],
            body: b"",
        };
        let parts = authorization(&request).unwrap();
        assert_eq!(parts.security_token.as_deref(), Some("tok/en+="));
        assert_eq!(verify(SECRET, &request, &parts), Ok(()));
        let query = query.replace("Limit=1", "Limit=2");
        let changed = Request {
            query: &query,
            ..request
        };
        assert!(verify(SECRET, &changed, &parts).is_err());
    }
}
