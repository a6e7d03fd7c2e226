//! Runs against endpoints: our own server over real sockets, and servers that misbehave.

#![cfg(feature = "aws")]

mod answers;
mod calls;
mod fan_out;
mod faults;
#[path = "../support/faulty.rs"]
mod faulty;
mod hosts;
mod lean;
mod misbehaving;
mod on_demand;
mod place;
mod runs;
#[path = "../support/mod.rs"]
mod support;
