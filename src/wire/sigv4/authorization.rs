//! Who signed what: the parts of an `Authorization` header or of a signed query.

use std::borrow::Cow;

use super::Request;
use crate::wire::WireError;

/// Where a request carries its signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// The `Authorization` header.
    Header,
    /// `X-Amz-Signature` and its companions in the query.
    Query,
}

/// The parts of a signature. Those of a header are the request's own text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authorization<'a> {
    /// Header or query.
    pub placement: Placement,
    /// The key whose secret signed.
    pub access_key_id: Cow<'a, str>,
    /// Date, region, service and `aws4_request`, joined by slashes.
    pub scope: Cow<'a, str>,
    /// Names in lower case, joined by semicolons.
    pub signed_headers: Cow<'a, str>,
    /// 64 hexadecimal digits.
    pub signature: Cow<'a, str>,
    /// When it was signed: `20150830T123600Z`, or what a `Date` header says.
    pub date: Cow<'a, str>,
    /// `X-Amz-Security-Token`: of temporary credentials.
    pub security_token: Option<Cow<'a, str>>,
}

impl Authorization<'_> {
    /// Date, region and service of the scope; absent parts are empty.
    pub fn scope_parts(&self) -> [&str; 3] {
        let mut parts = self.scope.split('/');
        [(); 3].map(|()| parts.next().unwrap_or_default())
    }
}

/// Finds and takes apart a request's signature.
///
/// # Errors
/// In the service's order: InvalidSignatureException if header and query both carry one,
/// MissingAuthenticationTokenException if neither does, IncompleteSignatureException with the names of what is missing.
pub fn authorization<'a>(request: &Request<'a>) -> Result<Authorization<'a>, WireError> {
    let header = request.header("Authorization");
    let query = request.pairs().any(|(name, _)| name == "X-Amz-Algorithm");
    match (header, query) {
        (Some(_), true) => Err(WireError::new(
            "InvalidSignatureException",
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        )),
        (None, false) => Err(WireError::new(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )),
        (Some(header), false) => from_header(request, header),
        (None, true) => from_query(request),
    }
}

fn incomplete(message: String) -> WireError {
    WireError::new("IncompleteSignatureException", message)
}

fn from_header<'a>(request: &Request<'a>, header: &'a str) -> Result<Authorization<'a>, WireError> {
    let [mut credential, mut signature, mut signed] = [None; 3];
    // Every request comes this way: once through the text.
    for part in header.split([',', ' ']) {
        let place = match part.split_once('=') {
            Some(("Credential", value)) => Some((&mut credential, value)),
            Some(("Signature", value)) => Some((&mut signature, value)),
            Some(("SignedHeaders", value)) => Some((&mut signed, value)),
            _ => None,
        };
        if let Some((place @ None, value)) = place
            && !value.is_empty()
        {
            *place = Some(value);
        }
    }
    let date = request.header("X-Amz-Date").or(request.header("Date"));
    let mut missing = String::new();
    for (name, value) in [
        ("Credential", credential),
        ("Signature", signature),
        ("SignedHeaders", signed),
    ] {
        if value.is_none() {
            for part in ["Authorization header requires '", name, "' parameter. "] {
                missing.push_str(part);
            }
        }
    }
    if date.is_none() {
        missing +=
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    }
    match (credential, signature, signed, date) {
        (Some(credential), Some(signature), Some(signed), Some(date)) => {
            let (key, scope) = credential.split_once('/').unwrap_or((credential, ""));
            Ok(Authorization {
                placement: Placement::Header,
                access_key_id: key.into(),
                scope: scope.into(),
                signed_headers: signed.into(),
                signature: signature.into(),
                date: date.into(),
                security_token: request.header("X-Amz-Security-Token").map(Cow::from),
            })
        }
        _ => Err(incomplete(format!("{missing}Authorization={header}"))),
    }
}

fn from_query<'a>(request: &Request<'a>) -> Result<Authorization<'a>, WireError> {
    let find = |name: &str| {
        let mut pairs = request.pairs();
        let found = pairs.find(|(known, value)| *known == name && !value.is_empty());
        found.map(|(_, value)| decode_percent(value))
    };
    let names = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-SignedHeaders",
        "X-Amz-Date",
    ];
    let values = names.map(find);
    let mut missing = String::new();
    for (name, value) in names.iter().zip(&values) {
        if value.is_none() {
            for part in ["AWS query-string parameters must include '", name, "'. "] {
                missing.push_str(part);
            }
        }
    }
    match values {
        [
            Some(_),
            Some(credential),
            Some(signature),
            Some(signed_headers),
            Some(date),
        ] => {
            let (key, scope) = credential.split_once('/').unwrap_or((&credential, ""));
            Ok(Authorization {
                placement: Placement::Query,
                access_key_id: key.to_owned().into(),
                scope: scope.to_owned().into(),
                signed_headers: signed_headers.into(),
                signature: signature.into(),
                date: date.into(),
                security_token: find("X-Amz-Security-Token").map(Cow::from),
            })
        }
        _ => Err(incomplete(format!(
            "{missing}Re-examine the query-string parameters."
        ))),
    }
}

/// Undoes percent-encoding; what is not a valid escape stays, what is not UTF-8 is replaced.
pub(super) fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = tail.first_chunk::<2>().filter(|_| byte == b'%');
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let value = escape.and_then(|&[high, low]| Some(digit(high)? * 16 + digit(low)?));
        if let Some(value) = value {
            bytes.push(value as u8);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request<'a>(query: &'a str, headers: &'a [(&'a str, &'a str)]) -> Request<'a> {
        Request {
            method: "POST",
            path: "/",
            query,
            headers,
            body: b"{}",
        }
    }

    fn refusal(query: &str, headers: &[(&str, &str)]) -> (String, String) {
        let error = authorization(&request(query, headers)).unwrap_err();
        assert_eq!(error.status, 400);
        (error.code.into_owned(), error.message.unwrap())
    }

    #[test]
    fn both_places_and_neither_have_their_own_errors() {
        assert_eq!(
            refusal("X-Amz-Algorithm=x", &[("authorization", "y")]),
            (
                "InvalidSignatureException".to_owned(),
                "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.".to_owned()
            )
        );
        assert_eq!(
            refusal("", &[]),
            (
                "MissingAuthenticationTokenException".to_owned(),
                "Missing Authentication Token".to_owned()
            )
        );
    }

    #[test]
    fn an_incomplete_header_is_told_everything_that_is_missing() {
        assert_eq!(
            refusal("", &[("Authorization", "AWS4-HMAC-SHA256 Signature=b")]),
            (
                "IncompleteSignatureException".to_owned(),
                "Authorization header requires 'Credential' parameter. \
                 Authorization header requires 'SignedHeaders' parameter. \
                 Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
                 Authorization=AWS4-HMAC-SHA256 Signature=b"
                    .to_owned()
            )
        );
    }

    #[test]
    fn an_incomplete_query_is_told_everything_that_is_missing() {
        assert_eq!(
            refusal(
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=d&X-Amz-Signature=",
                &[]
            ),
            (
                "IncompleteSignatureException".to_owned(),
                "AWS query-string parameters must include 'X-Amz-Credential'. \
                 AWS query-string parameters must include 'X-Amz-Signature'. \
                 AWS query-string parameters must include 'X-Amz-SignedHeaders'. \
                 Re-examine the query-string parameters."
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_complete_header_is_taken_apart() {
        let headers = [
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/kinesis/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=abc",
            ),
            ("x-amz-date", "20150830T123600Z"),
        ];
        let parts = authorization(&request("", &headers)).unwrap();
        assert_eq!(parts.access_key_id, "AKID");
        assert_eq!(parts.scope_parts(), ["20150830", "us-east-1", "kinesis"]);
        assert_eq!(parts.signed_headers, "host;x-amz-date");
        assert_eq!((&*parts.signature, parts.security_token), ("abc", None));
    }

    #[test]
    fn of_a_part_that_is_named_twice_the_first_with_a_value_counts() {
        let headers = [
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=,Credential=A/b,Credential=C/d Signature=x=y,SignedHeaders=host",
            ),
            ("Date", "now"),
        ];
        let parts = authorization(&request("", &headers)).unwrap();
        let read = [
            parts.access_key_id,
            parts.scope,
            parts.signature,
            parts.signed_headers,
        ];
        assert_eq!(read, ["A", "b", "x=y", "host"]);
    }

    proptest! {
        #[test]
        fn no_header_and_no_query_make_it_panic(query in "\\PC{0,60}", header in "\\PC{0,60}") {
            let _ = authorization(&request(&query, &[]));
            let _ = authorization(&request("", &[("Authorization", &header), ("Date", "x")]));
            decode_percent(&query);
        }
    }
}
