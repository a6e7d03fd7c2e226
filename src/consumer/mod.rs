//! Reading back, and measuring what comes.
//!
//! Invariant: a shard is read only after all its parents were read to their end, and the delivery time is taken once per
//! answer or event, before anything in it is looked at.

mod delivery;
mod fan_out;
mod polling;
mod reader;
mod shard_walk;

pub use delivery::ConsumerReport;
pub use polling::VISIBLE_AFTER;
pub use reader::{ConsumerContext, Prepared};
