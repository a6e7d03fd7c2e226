//! A recorded stream: which record arrived when, with which key, how large. Never its data, never its key.
//!
//! # The file, version 1
//! A line `streamgauge-trace 1`; a line of JSON, the [`Header`]; blocks; at the end the CRC-32 of everything before it, four
//! bytes, little-endian. Whole numbers are LEB128: seven bits a byte, the lowest first.
//!
//! A block is what one read of one shard brought: the shard's place in the header's list, the number of records, the
//! records. A record is
//! - its key: 0 and a new key, or the number of a known one, from 1 in the order in which they came;
//! - its arrival: milliseconds since the record before it in its shard, of the first since the header's `base_ms`, zigzag;
//! - the bytes of its data.
//!
//! A new key is the top 16 bits of its hash key and 40 bits of a keyed hash of the partition key (HMAC-SHA-256), both
//! big-endian, then its length in bytes. One key has so 4 to 6 bytes a record where keys return, about 12 where none does.
//!
//! What is played: a hash key is the middle of its 16 bits, cut to the range of the shard that had the record.
//!
//! Invariant: bytes that end in the right CRC and do not hold what is written here are refused, not guessed at.

mod format;
mod read;
mod recorder;
mod salt;

pub use format::{Header, MAGIC, ShardHeader};
pub use read::{Trace, TraceError, TraceKey, is_trace, read};
pub use recorder::{BYTES_MAX, Recorded, Recorder};
pub use salt::Salt;
