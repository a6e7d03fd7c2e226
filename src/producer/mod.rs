//! Sending on schedule: the pacer, the batches, the attempts and their retries.
//!
//! Invariant: every record that the schedule meant to send ends in exactly one outcome, and its times are counted from
//! the time it was meant to be sent.

mod call;
mod lanes;
mod observe;
mod pacer;
mod queue;
mod retry;
mod router;
mod worker;

pub use pacer::Pacer;
pub use router::{Route, Router, Seen};
pub use worker::{Worker, WorkerContext, WorkerReport};
