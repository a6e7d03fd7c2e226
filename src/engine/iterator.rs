//! Shard iterators: opaque to clients, self-contained for the engine.
//!
//! The content is free (the service's looks encrypted); what clients rely on is that a token is at most 512 characters,
//! may be used many times, and that no two are alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::base::Timestamp;
use crate::kinesis::ShardId;
use crate::kinesis::names::STREAM_NAME_CHARS_MAX;

/// The longest token in characters (service model, `ShardIterator`).
const TOKEN_CHARS_MAX: usize = 512;

/// Bytes before the stream's name: version 1, incarnation 8, shard 4, position 8, issued 8, nonce 8.
const FIXED_BYTES: usize = 37;
const CHECKSUM_BYTES: usize = 4;
const RAW_BYTES_MAX: usize = FIXED_BYTES + STREAM_NAME_CHARS_MAX + CHECKSUM_BYTES;
const VERSION: u8 = 1;

/// What a token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token<'a> {
    pub(super) stream: &'a str,
    /// Which of the streams that have had this name.
    pub(super) incarnation: u64,
    pub(super) shard: ShardId,
    /// The counter of the next record to read.
    pub(super) position: u64,
    pub(super) issued: Timestamp,
    /// Makes it differ from every other token of the shard.
    pub(super) nonce: u64,
}

/// Memory that a token is decoded into.
pub(super) type Scratch = [u8; TOKEN_CHARS_MAX];

impl<'a> Token<'a> {
    pub(super) fn encode(&self) -> String {
        let mut raw = [0u8; RAW_BYTES_MAX];
        raw[0] = VERSION;
        raw[1..9].copy_from_slice(&self.incarnation.to_be_bytes());
        raw[9..13].copy_from_slice(&self.shard.number().to_be_bytes());
        raw[13..21].copy_from_slice(&self.position.to_be_bytes());
        raw[21..29].copy_from_slice(&self.issued.as_nanos().to_be_bytes());
        raw[29..37].copy_from_slice(&self.nonce.to_be_bytes());
        let end = FIXED_BYTES + self.stream.len();
        raw[FIXED_BYTES..end].copy_from_slice(self.stream.as_bytes());
        let checksum = crc32fast::hash(&raw[..end]);
        raw[end..end + CHECKSUM_BYTES].copy_from_slice(&checksum.to_be_bytes());
        STANDARD.encode(&raw[..end + CHECKSUM_BYTES])
    }

    /// Reads a token; `None` if the engine did not make it.
    pub(super) fn decode(text: &str, scratch: &'a mut Scratch) -> Option<Self> {
        if text.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let length = STANDARD.decode_slice(text, scratch).ok()?;
        let (body, checksum) = scratch[..length].split_last_chunk::<CHECKSUM_BYTES>()?;
        if crc32fast::hash(body) != u32::from_be_bytes(*checksum) {
            return None;
        }
        let (fixed, stream) = body.split_first_chunk::<FIXED_BYTES>()?;
        let number = |at: usize| fixed[at..].first_chunk().map(|b| u64::from_be_bytes(*b));
        if fixed[0] != VERSION {
            return None;
        }
        Some(Self {
            stream: std::str::from_utf8(stream).ok()?,
            incarnation: number(1)?,
            shard: ShardId::new(u32::from_be_bytes(*fixed[9..].first_chunk()?))?,
            position: number(13)?,
            issued: Timestamp::from_nanos(number(21)?),
            nonce: number(29)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(stream: &str) -> Token<'_> {
        Token {
            stream,
            incarnation: 3,
            shard: ShardId::new(17).unwrap(),
            position: 12_345,
            issued: Timestamp::from_secs(1_700_000_000),
            nonce: 9,
        }
    }

    #[test]
    fn the_longest_stream_name_still_gives_a_token_of_at_most_512_characters() {
        let name = "n".repeat(128);
        let text = token(&name).encode();
        assert!(text.len() <= 512, "{}", text.len());
        assert_eq!(Token::decode(&text, &mut [0; 512]), Some(token(&name)));
    }

    proptest! {
        #[test]
        fn a_changed_token_is_refused(at in 0usize..60, letter in "[a-zA-Z0-9+/]") {
            let text = token("orders").encode();
            let mut changed = text.clone();
            changed.replace_range(at..=at, &letter);
            if changed != text {
                prop_assert!(Token::decode(&changed, &mut [0; 512]).is_none());
            }
        }

        #[test]
        fn any_text_is_refused_without_a_panic(text in "\\PC{0,600}", letters in "[a-zA-Z0-9+/]{0,600}") {
            prop_assert!(Token::decode(&text, &mut [0; 512]).is_none());
            prop_assert!(Token::decode(&letters, &mut [0; 512]).is_none());
        }
    }
}
