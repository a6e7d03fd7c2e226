//! Runs of kind `aws`, rehearsed against `serve`, which plays the account, STS and Kinesis: what the guard refuses, what is
//! left behind, and what `sweep` takes away.

#![cfg(feature = "aws")]

mod calls;
mod cost;
mod existing;
mod fan_out;
mod faults;
#[path = "../support/faulty.rs"]
mod faulty;
mod guard;
mod hosts;
mod leftovers;
mod world;
