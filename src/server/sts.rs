//! GetCallerIdentity, the one operation of AWS STS that is served: guards and tools ask it before they do anything.
//!
//! Source: the STS API reference (query protocol, version 2011-06-15). Any other action is unknown here.

use std::fmt::Write as _;

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use sha2::{Digest as _, Sha256};

use super::answer::{Answer, Ids};
use super::caller::Caller;
use crate::wire::WireError;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const VERSION: &str = "2011-06-15";
const GET_CALLER_IDENTITY: &str = "GetCallerIdentity";
const FORM: &str = "application/x-www-form-urlencoded";

/// An action of the query protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Action<'a> {
    name: &'a str,
    version: &'a str,
}

/// The action that a request names as the query protocol does: in a form, or in the query of a GET. Kinesis has none.
pub(super) fn asked<'a>(parts: &'a Parts, body: &'a [u8]) -> Option<Action<'a>> {
    let content_type = parts.headers.get(CONTENT_TYPE);
    let kind = content_type.and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    let text = match parts.method {
        Method::GET => parts.uri.query()?,
        Method::POST if kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(FORM)) => {
            std::str::from_utf8(body).ok()?
        }
        _ => return None,
    };
    let find = |name: &str| {
        let mut pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, v)| v)
    };
    let action = Action {
        name: find("Action")?,
        version: find("Version").unwrap_or("NO_VERSION_SPECIFIED"),
    };
    // A GET that asks anything else is Kinesis' to refuse.
    (parts.method == Method::POST || action.name == GET_CALLER_IDENTITY).then_some(action)
}

/// Answers an action.
pub(super) fn answer(
    action: Action<'_>,
    ids: &Ids,
    caller: impl FnOnce() -> Result<Caller, WireError>,
) -> Answer {
    if action.name != GET_CALLER_IDENTITY || action.version != VERSION {
        let text = format!(
            "Could not find operation {} for version {}",
            escaped(action.name),
            escaped(action.version)
        );
        return refused(StatusCode::BAD_REQUEST, "InvalidAction", &text, ids);
    }
    match caller() {
        Ok(caller) => identity(&caller, ids),
        Err(error) => {
            let (status, code) = code_of(&error.code);
            let text = escaped(error.message.as_deref().unwrap_or_default());
            refused(status, code, &text, ids)
        }
    }
}

fn identity(caller: &Caller, ids: &Ids) -> Answer {
    let account = &caller.account;
    // The account itself has its number for an id; users' ids are 21 characters that begin with AIDA (IAM user guide).
    let (arn, id) = match &caller.user {
        None => (format!("arn:aws:iam::{account}:root"), account.clone()),
        Some(user) => (
            format!("arn:aws:iam::{account}:user/{}", escaped(user)),
            user_id(account, user),
        ),
    };
    let request = ids.request();
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\">\n  <GetCallerIdentityResult>\n    <Arn>{arn}</Arn>\n    \
         <UserId>{id}</UserId>\n    <Account>{account}</Account>\n  </GetCallerIdentityResult>\n  \
         <ResponseMetadata>\n    <RequestId>{request}</RequestId>\n  </ResponseMetadata>\n\
         </GetCallerIdentityResponse>\n"
    );
    Answer::plain(StatusCode::OK, Some("text/xml"), body)
}

/// The same user has the same id.
fn user_id(account: &str, user: &str) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = Sha256::digest(format!("{account}/{user}"));
    let digits = hash.iter().take(17);
    let digits = digits.map(|byte| char::from(DIGITS[usize::from(byte % 32)]));
    "AIDA".chars().chain(digits).collect()
}

/// What STS calls the errors that all of AWS's services share (STS API reference, "Common errors").
fn code_of(code: &str) -> (StatusCode, &str) {
    match code {
        "UnrecognizedClientException" => (StatusCode::FORBIDDEN, "InvalidClientTokenId"),
        "ExpiredTokenException" => (StatusCode::FORBIDDEN, "ExpiredToken"),
        "InvalidSignatureException" => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
        "MissingAuthenticationTokenException" => {
            (StatusCode::FORBIDDEN, "MissingAuthenticationToken")
        }
        "IncompleteSignatureException" => (StatusCode::BAD_REQUEST, "IncompleteSignature"),
        other => (StatusCode::BAD_REQUEST, other),
    }
}

fn refused(status: StatusCode, code: &str, text: &str, ids: &Ids) -> Answer {
    let request = ids.request();
    let body = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>{code}</Code>\n    \
         <Message>{text}</Message>\n  </Error>\n  <RequestId>{request}</RequestId>\n</ErrorResponse>\n"
    );
    Answer {
        code: code.to_owned().into(),
        ..Answer::plain(status, Some("text/xml"), body)
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '"' | '\'' => {
                // Writing to memory does not fail.
                let _ = write!(out, "&#{};", u32::from(c));
            }
            // XML 1.0 has no other control characters.
            c if c.is_control() && !c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_one_id_of_the_services_form() {
        let id = user_id("111122223333", "ann");
        assert_eq!((id.len(), &id[..4]), (21, "AIDA"));
        assert_eq!(id, user_id("111122223333", "ann"));
        assert_ne!(id, user_id("444455556666", "ann"));
    }

    #[test]
    fn what_is_echoed_is_no_xml() {
        assert_eq!(escaped("<a>&\u{1}b"), "&#60;a&#62;&#38;b");
    }
}
