//! Whose signatures are accepted, and who that is: an AWS credentials file.

use std::collections::BTreeMap;

use crate::base::Timestamp;
use crate::wire::WireError;
use crate::wire::sigv4::{self, Authorization};

/// How far a signature's date may be from now (AWS's "Troubleshoot signed requests").
const SKEW_S: u64 = 300;

/// Access keys and their secrets.
#[derive(Clone, Debug, Default)]
pub struct Credentials(BTreeMap<String, Key>);

#[derive(Clone, Default)]
struct Key {
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    expiration: Option<jiff::Timestamp>,
    account: Option<String>,
    /// The section's name.
    name: String,
}

/// Who a key belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Owner<'a> {
    /// The user's name: that of the section.
    pub(super) user: &'a str,
    /// 12 digits; `None` is the server's own account.
    pub(super) account: Option<&'a str>,
}

impl std::fmt::Debug for Key {
    /// Secrets do not reach logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why a credentials file cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A line is neither a section, a comment nor `name = value`.
    #[error("line {0} is not `[profile]` or `name = value`")]
    Line(usize),
    /// A section lacks its key or its secret.
    #[error("`[{0}]` needs `aws_access_key_id` and `aws_secret_access_key`")]
    Incomplete(String),
    /// A time cannot be read.
    #[error("line {0} needs a time such as `2026-01-31T12:00:00Z`")]
    Time(usize),
    /// An account is not 12 digits.
    #[error("line {0} needs an account of 12 digits, such as `111122223333`")]
    Account(usize),
    /// There is no section at all.
    #[error("there is no `[profile]` in it")]
    Empty,
}

impl Credentials {
    /// Reads a file of the AWS command line's form: sections with `aws_access_key_id`, `aws_secret_access_key`, and for
    /// temporary ones `aws_session_token` and `expiration`. `aws_account_id` names the account that a key belongs to.
    ///
    /// # Errors
    /// When a line cannot be understood or a section is not complete.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let mut sections: Vec<(String, Key)> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let (line, number) = (line.trim(), index + 1);
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                let name = name.trim().to_owned();
                let key = Key {
                    name: name.clone(),
                    ..Key::default()
                };
                sections.push((name, key));
                continue;
            }
            let pair = line.split_once('=').zip(sections.last_mut());
            let ((name, value), (_, key)) = pair.ok_or(CredentialsError::Line(number))?;
            let value = value.trim().to_owned();
            match name.trim() {
                "aws_access_key_id" => key.id = Some(value),
                "aws_secret_access_key" => key.secret = Some(value),
                "aws_session_token" => key.token = Some(value),
                "expiration" => {
                    let time = value.parse().map_err(|_| CredentialsError::Time(number))?;
                    key.expiration = Some(time);
                }
                "aws_account_id" if is_account(&value) => key.account = Some(value),
                "aws_account_id" => return Err(CredentialsError::Account(number)),
                // Region, output and the like are the client's.
                _ => {}
            }
        }
        let mut keys = BTreeMap::new();
        for (name, key) in sections {
            match (&key.id, &key.secret) {
                (Some(id), Some(_)) => keys.insert(id.clone(), key),
                _ => return Err(CredentialsError::Incomplete(name)),
            };
        }
        if keys.is_empty() {
            return Err(CredentialsError::Empty);
        }
        Ok(Self(keys))
    }

    /// Who a key belongs to; `None` if nobody knows it.
    pub(super) fn owner(&self, access_key_id: &str) -> Option<Owner<'_>> {
        let key = self.0.get(access_key_id)?;
        Some(Owner {
            user: &key.name,
            account: key.account.as_deref(),
        })
    }

    /// Checks a signature. Codes and texts are those common to AWS's services; unverified for this one.
    pub(super) fn check(
        &self,
        now: Timestamp,
        request: &sigv4::Request<'_>,
        authorization: &Authorization<'_>,
    ) -> Result<(), WireError> {
        let known = self.0.get(&*authorization.access_key_id);
        let key =
            known.filter(|key| key.token.as_deref() == authorization.security_token.as_deref());
        let Some((key, secret)) = key.and_then(|key| Some((key, key.secret.as_deref()?))) else {
            return Err(WireError::new(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ));
        };
        let now_s = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if key.expiration.is_some_and(|time| time.as_second() <= now_s) {
            return Err(WireError::new(
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ));
        }
        sigv4::verify(secret, request, authorization)?;
        let signed = seconds_of(&authorization.date);
        if signed.is_none_or(|signed| signed.abs_diff(now_s) > SKEW_S) {
            return Err(WireError::new(
                "InvalidSignatureException",
                format!(
                    "Signature expired: {} is not within 5 minutes of the time of the server.",
                    authorization.date
                ),
            ));
        }
        Ok(())
    }
}

/// Whether a text is an account: 12 digits.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit())
}

/// Seconds since the epoch of `20150830T123600Z` or of a `Date` header.
fn seconds_of(date: &str) -> Option<i64> {
    let basic = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok();
    if let Some(time) = basic {
        return Some(
            time.to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_second(),
        );
    }
    let zoned = jiff::fmt::rfc2822::parse(date).ok()?;
    Some(zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credentials_file_of_the_command_line_is_read() {
        let text = "# mine\n[default]\naws_access_key_id = AKID\naws_secret_access_key=secret\nregion = x\n\
                    [other]\naws_access_key_id = B\naws_secret_access_key = s\naws_account_id = 111122223333\n";
        let credentials = Credentials::parse(text).unwrap();
        assert_eq!(credentials.0["AKID"].secret.as_deref(), Some("secret"));
        assert!(!format!("{credentials:?}").contains("secret"));
        let owner = |key| credentials.owner(key).map(|o| (o.user, o.account));
        assert_eq!(owner("AKID"), Some(("default", None)));
        assert_eq!(owner("B"), Some(("other", Some("111122223333"))));
        assert_eq!(owner("C"), None);
        for (text, error) in [
            ("", CredentialsError::Empty),
            ("[a]\naws_account_id = 12", CredentialsError::Account(2)),
            ("a = b", CredentialsError::Line(1)),
            ("[a]\nnonsense", CredentialsError::Line(2)),
            (
                "[a]\naws_access_key_id = x",
                CredentialsError::Incomplete("a".to_owned()),
            ),
            ("[a]\nexpiration = soon", CredentialsError::Time(2)),
        ] {
            assert_eq!(Credentials::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn dates_of_both_forms_are_read() {
        assert_eq!(seconds_of("20150830T123600Z"), Some(1_440_938_160));
        assert_eq!(
            seconds_of("Sun, 30 Aug 2015 12:36:00 GMT"),
            Some(1_440_938_160)
        );
        assert_eq!(seconds_of("yesterday"), None);
    }
}
