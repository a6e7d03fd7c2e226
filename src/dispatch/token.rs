//! NextToken: where a list goes on, for 300 seconds.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Call;
use super::select::invalid;
use crate::base::Timestamp;
use crate::kinesis::{ErrorCode, KinesisError};
use crate::wire::Value;

/// How long a token is taken (API reference of ListShards).
const LIFE: Duration = Duration::from_mins(5);

/// Parts are separated by a character that no name holds.
const SEPARATOR: char = '\n';

/// Writes a token of any parts.
pub(super) fn write(now: Timestamp, list: &str, parts: &[&str]) -> String {
    let mut text = format!("{list}{SEPARATOR}{}", now.as_millis());
    for part in parts {
        text.push(SEPARATOR);
        text.push_str(part);
    }
    URL_SAFE_NO_PAD.encode(text)
}

/// Reads a token's parts. The text for a token that is none is unverified.
///
/// # Errors
/// InvalidArgument for what is no token of this list, ExpiredNextToken.
pub(super) fn read<const N: usize>(
    now: Timestamp,
    list: &str,
    token: &str,
) -> Result<[String; N], KinesisError> {
    let parse = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let mut parts = text.split(SEPARATOR);
        (parts.next()? == list).then_some(())?;
        let issued = Timestamp::from_millis(parts.next()?.parse().ok().filter(|ms| *ms < 1 << 43)?);
        let parts: Vec<_> = parts.map(str::to_owned).collect();
        Some((issued, parts.try_into().ok()?))
    };
    let (issued, parts) = parse().ok_or_else(|| invalid("Invalid NextToken."))?;
    if now.since(issued) > LIFE {
        return Err(KinesisError::new(
            ErrorCode::ExpiredNextToken,
            "The NextToken is older than 300 seconds.",
        ));
    }
    Ok(parts)
}

/// Checks that a request with a token has none of the members that its first page had. That they exclude each other is
/// in the API reference; the text is unverified, formed after that for NextToken and StreamName.
///
/// # Errors
/// InvalidArgument.
pub(super) fn check_alone(input: &Value, others: &[&str]) -> Result<(), KinesisError> {
    match others.iter().find(|name| input.get(name).is_some()) {
        Some(name) => Err(invalid(format!(
            "NextToken and {name} cannot be provided together."
        ))),
        None => Ok(()),
    }
}

/// Checks that a token's stream is the one that has its name now, by the incarnation that the token holds.
///
/// # Errors
/// ResourceNotFound, as for another StreamCreationTimestamp (unverified).
pub(super) fn check_stream(
    call: &Call<'_>,
    stream: &str,
    incarnation: &str,
) -> Result<(), KinesisError> {
    let account = call.account;
    if account.incarnation(call.now, stream)?.to_string() == incarnation {
        return Ok(());
    }
    Err(account.missing(stream))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_by_its_list_for_300_seconds() {
        let now = Timestamp::from_secs(1_000);
        let token = write(now, "ListShards", &["orders", "7"]);
        let parts = read::<2>(now.plus(LIFE), "ListShards", &token).unwrap();
        assert_eq!(parts, ["orders", "7"]);
        let code = |now, list, token: &str| read::<2>(now, list, token).unwrap_err().code;
        let late = now.plus(LIFE + Duration::from_millis(1));
        let expired = read::<2>(late, "ListShards", &token).unwrap_err();
        assert_eq!(expired.message, "The NextToken is older than 300 seconds.");
        assert_eq!(
            code(late, "ListShards", &token),
            ErrorCode::ExpiredNextToken
        );
        assert_eq!(code(now, "ListStreams", &token), ErrorCode::InvalidArgument);
        assert_eq!(
            code(now, "ListShards", "nonsense"),
            ErrorCode::InvalidArgument
        );
    }
}
