//! Clock, seeds and units: what everything else stands on.
//!
//! Invariant: nothing outside this module reads a clock, sleeps, or makes a random number generator.

pub mod clock;
pub mod exposition;
pub mod rng;
pub mod units;

pub use clock::{Clock, Timestamp};
