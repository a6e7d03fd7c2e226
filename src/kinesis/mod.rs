//! The service's words: names, hash keys, sequence numbers, records, operations, errors and quotas.
//!
//! Invariant: plain values only. Nothing here waits, stores or talks to anybody, so that the engine, the wire formats,
//! the clients and the reports can all share it.

pub mod aggregate;
pub mod api;
pub mod arn;
pub mod configuration;
pub mod consumer;
pub mod delays;
pub mod endpoint;
pub mod error;
pub mod hash_key;
pub mod names;
pub mod operation;
pub mod origin;
pub mod quotas;
pub mod record;
pub mod sequence;

pub use delays::Delays;
pub use error::{Cause, ErrorCode, KinesisError};
pub use hash_key::{HashKey, HashKeyRange, RangeFlaw};
pub use names::{ConsumerName, ShardId, StreamName};
pub use quotas::Limits;
pub use record::{PutBatch, RecordBatch, RecordView};
pub use sequence::SequenceNumber;
