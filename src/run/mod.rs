//! One run: its phases, its events, and what came of it.
//!
//! Invariant: a run that began ends with an [`Outcome`], also when it is interrupted.

pub mod environment;
#[cfg(feature = "aws")]
pub mod guard;
mod heartbeat;
mod outcome;
#[cfg(feature = "aws")]
pub mod owned;
mod parts;
mod session;
mod streams;
mod timeline;

pub use outcome::{
    ConsumerOutcome, EventOutcome, EventStatus, Outcome, ProducerOutcome, StreamOutcome,
};
pub use session::{Controls, RunError, Session};
