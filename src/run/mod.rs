//! One run: its phases, its events, and what came of it.
//!
//! Invariant: a run that began ends with an [`Outcome`], also when it is interrupted, and leaves no stream behind that it
//! made: what could not be deleted is named.

pub mod calibrate;
mod clock_probe;
mod created;
pub mod environment;
#[cfg(feature = "aws")]
pub mod guard;
mod heartbeat;
mod hosts;
mod loads;
mod measured;
mod outcome;
pub mod own_use;
#[cfg(feature = "aws")]
pub mod owned;
mod parts;
mod reach;
mod registration;
mod session;
mod streams;
#[cfg(feature = "aws")]
pub mod sweep;
mod threads;
mod timeline;

pub use crate::consumer::VISIBLE_AFTER;
pub use hosts::{HostOutcome, Hosts};
pub use loads::{CallsOutcome, CallsOutcomes};
pub use measured::Measured;
pub use outcome::{
    ConsumerOutcome, EventOutcome, EventStatus, Outcome, ProducerOutcome, StreamOutcome,
    TargetOutcome,
};
pub use reach::reach;
pub use session::{Controls, RunError, Session};
