//! Sending on schedule: the pacer, the batches, the attempts and their retries.
//!
//! A record's way: `pacer`, `lanes` (if keys keep their order), `queue`: `packer` (several into one Kinesis record), `limiter`
//! (so much per shard), the request (`call`), and perhaps the queue again (`retry`).
//!
//! Invariant: every record that the schedule meant to send ends in exactly one outcome, and its times are counted from
//! the time it was meant to be sent.

mod call;
mod entry;
mod lanes;
mod limiter;
mod observe;
mod pacer;
mod packer;
mod queue;
mod retry;
mod router;
mod worker;

pub use pacer::Pacer;
pub use router::{Route, Router, Seen};
pub use worker::{Worker, WorkerContext, WorkerReport};
