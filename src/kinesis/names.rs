//! Names that exist only when valid.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest stream name, in characters (service model, `StreamName`).
pub const STREAM_NAME_CHARS_MAX: usize = 128;

/// Streams and consumers are named alike.
fn is_name(text: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-');
    (1..=STREAM_NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// A stream's name: 1 to 128 of `[a-zA-Z0-9_.-]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(Arc<str>);

/// Why a text is not a stream name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a stream name: 1 to {STREAM_NAME_CHARS_MAX} letters, digits, `_`, `.` or `-`"
)]
pub struct StreamNameError(String);

impl StreamName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StreamName {
    type Err = StreamNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_name(text) {
            Ok(Self(text.into()))
        } else {
            Err(StreamNameError(text.to_owned()))
        }
    }
}

impl std::borrow::Borrow<str> for StreamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A registered consumer's name: 1 to 128 of `[a-zA-Z0-9_.-]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConsumerName(Box<str>);

/// Why a text is not a consumer name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a consumer name: 1 to {STREAM_NAME_CHARS_MAX} letters, digits, `_`, `.` or `-`"
)]
pub struct ConsumerNameError(String);

impl ConsumerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConsumerName {
    type Err = ConsumerNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_name(text) {
            Ok(Self(text.into()))
        } else {
            Err(ConsumerNameError(text.to_owned()))
        }
    }
}

impl std::borrow::Borrow<str> for ConsumerName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A shard's number within its stream, 0 to 2^31 - 1; shown as `shardId-000000000007`. Never reused in a stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(u32);

/// A text that names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a shard id")]
pub struct ShardIdError(String);

impl ShardId {
    /// The highest shard number (kinesalite's tests against the service: ids are signed 32-bit).
    pub const MAX: Self = Self(i32::MAX as u32);

    /// The shard with this number; `None` above 2^31 - 1.
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MAX.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for ShardId {
    type Err = ShardIdError;

    /// Accepts what the service accepts: `<prefix>-<number>` or a bare number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || ShardIdError(text.to_owned());
        let digits = text.rsplit_once('-').map_or(text, |(_, digits)| digits);
        if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
            return Err(refuse());
        }
        digits.parse().ok().and_then(Self::new).ok_or_else(refuse)
    }
}

impl fmt::Display for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shardId-{:012}", self.0)
    }
}

impl fmt::Debug for ShardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_ids_are_read_with_any_prefix_or_none_and_shown_canonically() {
        for text in ["shardId-000000000007", "x-7", "7", "shardId-7"] {
            assert_eq!(
                text.parse::<ShardId>().unwrap().to_string(),
                "shardId-000000000007"
            );
        }
        for text in ["", "shardId-", "shardId-x", "2147483648", "-"] {
            assert!(text.parse::<ShardId>().is_err(), "{text}");
        }
    }

    #[test]
    fn stream_names_exist_only_when_valid() {
        assert!("orders_1.a-b".parse::<StreamName>().is_ok());
        assert!("".parse::<StreamName>().is_err());
        assert!("a b".parse::<StreamName>().is_err());
        assert!("x".repeat(129).parse::<StreamName>().is_err());
    }
}
