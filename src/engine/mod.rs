//! The local Kinesis: streams, shards and their records, limits and resharding, as a library of plain calls.
//!
//! Time comes in as an argument, nothing waits, and nothing happens between calls: a change that takes time (creation,
//! resharding, deletion) is made by the first call that finds it due. The way of a record: `put` checks it and asks the
//! stream's `shard_map` for its shard; `shard` admits it by its `meter`s and copies it into its `log`, which is a row of
//! `segment`s from the account's `pool`; `get` gives readers views of them.
//!
//! Invariant: in each shard counters rise by one and arrival times never fall; a record that was acknowledged is given
//! to every reader whose position lies before it, until it is trimmed, and then the reader is told.

mod account;
mod account_settings;
mod configure;
mod consumer;
mod control;
mod describe;
mod dry_run;
mod due;
mod encryption;
mod fault;
mod former;
mod get;
mod iterator;
mod log;
mod meter;
mod monitoring;
mod on_demand;
mod policy;
mod pool;
mod put;
mod rates;
mod refuse;
mod reshard;
mod seals;
mod segment;
mod shard;
mod shard_map;
mod stream;
mod subscribe;
mod subscription;
mod tags;
mod window;

pub use account::{Account, Settings};
pub use dry_run::DryRun;
pub use fault::Storm;
pub use pool::MemoryUse;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex. One that a panicking thread left behind is used as it is: every change under a lock is complete before
/// anything that could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
