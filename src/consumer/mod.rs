//! Reading back, and measuring what comes.
//!
//! Invariant: a shard is read only after all its parents were read to their end, and the delivery time is taken once per
//! answer, before anything in it is looked at.

mod delivery;
mod polling;
mod shard_walk;

pub use delivery::ConsumerReport;
pub use polling::{ConsumerContext, Polling, Prepared, VISIBLE_AFTER};
