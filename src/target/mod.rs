//! Anything that speaks Kinesis, behind one closed set of calls.
//!
//! Invariant: one call is one attempt. Nothing here retries, batches or times out; that is the producer's and the
//! consumer's, where it is counted. Only the calls that set a run up wait for their turn, and over the network for no
//! longer than half a minute each.

#![cfg_attr(
    not(feature = "aws"),
    expect(
        clippy::unused_async,
        clippy::infallible_destructuring_match,
        reason = "with the feature there is a second kind of target, which answers over the network"
    )
)]

mod call;
mod control;
mod error;
#[cfg(feature = "aws")]
mod findings;
#[cfg(feature = "aws")]
mod judge;
#[cfg(feature = "aws")]
pub mod lean;
#[cfg(feature = "aws")]
mod names;
mod patience;
mod registered;
pub mod scripted;
#[cfg(feature = "aws")]
pub mod sdk;
mod subscription;

use std::sync::Arc;

use crate::base::{Clock, Timestamp};
use crate::host::{Host, Storm};
use crate::kinesis::operation::{IteratorPosition, PutApi, PutResult, RecordPage};
use crate::kinesis::{KinesisError, PutBatch, ShardId};
pub use call::Called;
pub use control::{Existence, StreamState, flaw_of};
pub use error::CallError;
#[cfg(feature = "aws")]
pub use lean::Lean;
pub(crate) use patience::within;
use patience::{patiently, patiently_creating};
pub use registered::ACTIVE_WITHIN as CONSUMER_ACTIVE_WITHIN;
pub use scripted::{Script, Scripted};
#[cfg(feature = "aws")]
pub use sdk::Sdk;
pub use subscription::{Pushed, Subscription};

/// Where a run sends its records. Copies are the same target.
#[derive(Clone, Debug)]
pub enum Target {
    /// The engine in this process.
    Embedded(Arc<Host>),
    /// The engine behind faults that are known to the record: what tests hold a run's accounts against.
    Scripted(Arc<Scripted>),
    /// An endpoint or AWS, by the official SDK.
    #[cfg(feature = "aws")]
    Sdk(Arc<Sdk>),
    /// An endpoint or AWS, by a client made for measuring.
    #[cfg(feature = "aws")]
    Lean(Arc<Lean>),
}

/// Something in a target's answers that Kinesis would not say, and how often it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What, with the first such answer in words.
    pub text: String,
    /// How many times.
    pub count: u64,
}

/// GetRecords' answer and when it came.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The answer.
    pub page: RecordPage,
    /// When it was complete, before anything in it was looked at.
    pub at: Timestamp,
    /// How far behind the tip it was, where the answer says so: some engines leave that out.
    pub behind_ms: Option<u64>,
}

/// What stands behind a target. Calls of the SDK are boxed: their futures have tens of KiB, which every attempt at the
/// engine in this process would carry along; beside a request over the network an allocation is nothing.
enum Behind<'a> {
    Host(&'a Host),
    #[cfg(feature = "aws")]
    Sdk(&'a Sdk),
}

impl Target {
    /// One PutRecord or PutRecords attempt. `results[i]` belongs to record `i`; an error is about all of them. Gives the
    /// time when the answer was complete, before anything in it was decoded: what the client does then is not the
    /// service's. A future that is dropped before it ends leaves the attempt unknown.
    ///
    /// # Errors
    /// When the service refuses the call as a whole, or does not answer it.
    pub async fn put(
        &self,
        api: PutApi,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<Timestamp, CallError> {
        match self {
            Self::Embedded(host) => put_to_host(host, api, stream, batch, results).await?,
            Self::Scripted(scripted) => scripted.put(api, stream, batch, results).await?,
            #[cfg(feature = "aws")]
            Self::Sdk(sdk) => return Box::pin(sdk.put(api, stream, batch, results)).await,
            #[cfg(feature = "aws")]
            Self::Lean(lean) => return lean.put(api, stream, batch, results).await,
        }
        Ok(self.clock().now())
    }

    /// GetRecords from an iterator of `stream`.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn get_records(
        &self,
        stream: &str,
        iterator: &str,
        limit: Option<u32>,
    ) -> Result<Fetched, CallError> {
        let page = match self {
            Self::Embedded(host) => host.get_records(iterator, limit).await?,
            Self::Scripted(scripted) => scripted.get_records(iterator, limit).await?,
            #[cfg(feature = "aws")]
            Self::Sdk(sdk) => return Box::pin(sdk.get_records(stream, iterator, limit)).await,
            #[cfg(feature = "aws")]
            Self::Lean(lean) => return lean.get_records(stream, iterator, limit).await,
        };
        // Only a client that answers over the network needs the name.
        let _ = stream;
        Ok(Fetched {
            behind_ms: Some(page.millis_behind_latest),
            page,
            at: self.clock().now(),
        })
    }

    /// GetShardIterator.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn get_shard_iterator(
        &self,
        stream: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<String, CallError> {
        #[cfg(feature = "aws")]
        if let Self::Lean(lean) = self {
            return lean.get_shard_iterator(stream, shard, position).await;
        }
        match self.behind() {
            Behind::Host(host) => Ok(host.get_shard_iterator(stream, shard, position).await?),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => {
                let call = Box::pin(sdk.get_shard_iterator(stream, shard, position));
                within(sdk::PATIENCE, sdk.clock(), call).await
            }
        }
    }

    /// GetShardIterator for a reader that is being set up: waits for its turn.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn first_iterator(
        &self,
        stream: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<String, CallError> {
        patiently(self.clock(), || {
            self.get_shard_iterator(stream, shard, position)
        })
        .await
    }

    /// How often a stream's `shard` was written so far, to be noted before a reader looks for records. Always 0 where
    /// only the service knows.
    pub fn writes(&self, stream: &str, shard: ShardId) -> u64 {
        self.host().map_or(0, |host| host.writes(stream, shard))
    }

    /// Waits until a stream's `shard` may have new records since `noted` writes, or until `deadline`; for readers that poll without
    /// an interval. Over the network nobody tells: see [`Self::wakes_readers`].
    pub async fn wait_for_records(
        &self,
        stream: &str,
        shard: ShardId,
        noted: u64,
        deadline: Timestamp,
    ) {
        match self.host() {
            Some(host) => host.wait_for_records(stream, shard, noted, deadline).await,
            None => self.clock().sleep_until(deadline).await,
        }
    }

    /// Whether [`Self::wait_for_records`] ends with the next write. Otherwise a reader has to ask, and a shard takes 5
    /// calls a second.
    pub fn wakes_readers(&self) -> bool {
        self.host().is_some()
    }

    /// Whether refusals come with the limit that refused. AWS's texts name none.
    pub fn tells_causes(&self) -> bool {
        self.host().is_some()
    }

    /// Makes the target answer nothing until `until`.
    ///
    /// # Errors
    /// When the target has no such switch, or it cannot be reached.
    pub async fn stall_until(&self, until: Timestamp) -> Result<(), CallError> {
        match self.behind() {
            Behind::Host(host) => host.stall_until(until),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.stall(until.since(self.clock().now()))).await?,
        }
        Ok(())
    }

    /// Ends a stall.
    ///
    /// # Errors
    /// When the target has no such switch, or it cannot be reached.
    pub async fn lift_stall(&self) -> Result<(), CallError> {
        match self.behind() {
            Behind::Host(host) => host.lift_stall(),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.stall(std::time::Duration::ZERO)).await?,
        }
        Ok(())
    }

    /// Makes the target refuse a share of the records put.
    ///
    /// # Errors
    /// When the stream or shard does not exist, the target has no such switch, or it cannot be reached.
    pub async fn throttle(&self, stream: &str, storm: Storm) -> Result<(), CallError> {
        match self.behind() {
            Behind::Host(host) => Ok(host.throttle(stream, storm)?),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.storm(stream, storm)).await,
        }
    }

    /// Breaks every connection to the target, those with a call under way too; whether it could. Only a [`Lean`] client's
    /// connections are in reach.
    pub fn reset_connections(&self) -> bool {
        match self {
            #[cfg(feature = "aws")]
            Self::Lean(lean) => {
                lean.reset_connections();
                true
            }
            _ => false,
        }
    }

    /// Whether [`Self::reset_connections`] can break its connections.
    pub const fn can_reset_connections(&self) -> bool {
        match self {
            #[cfg(feature = "aws")]
            Self::Lean(_) => true,
            _ => false,
        }
    }

    /// Whether it has the switch for stalls and throttle storms. Over the network that is asked once.
    pub async fn has_switch(&self) -> bool {
        match self.behind() {
            Behind::Host(_) => true,
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.has_switch()).await,
        }
    }

    /// Notes that a closed shard ended without its children, which the list of shards has.
    pub fn note_unnamed_children(&self) {
        match self.behind() {
            Behind::Host(_) => {}
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => sdk.note_unnamed_children(),
        }
    }

    /// Notes `count` answers that show `what`, none of the engine in this process: nobody need be told of that.
    pub fn note(&self, what: &'static str, example: &str, count: u64) {
        match self.behind() {
            Behind::Host(_) => {
                let _ = (what, example, count);
            }
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => sdk.judge().note_many(what, example, count),
        }
    }

    /// What its answers held that Kinesis would not say.
    pub fn findings(&self) -> Vec<Finding> {
        match self.behind() {
            Behind::Host(_) => Vec::new(),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => sdk.findings(),
        }
    }

    /// The clock that its answers are stamped with; a run must use the same.
    pub fn clock(&self) -> Clock {
        match self.behind() {
            Behind::Host(host) => host.clock(),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => sdk.clock(),
        }
    }

    /// The engine in this process that stands behind this target, if one does.
    pub fn host(&self) -> Option<&Host> {
        match self.behind() {
            Behind::Host(host) => Some(host),
            #[cfg(feature = "aws")]
            Behind::Sdk(_) => None,
        }
    }

    fn behind(&self) -> Behind<'_> {
        match self {
            Self::Embedded(host) => Behind::Host(host),
            Self::Scripted(scripted) => Behind::Host(scripted.host()),
            #[cfg(feature = "aws")]
            Self::Sdk(sdk) => Behind::Sdk(sdk),
            // What is not measured goes the SDK's way.
            #[cfg(feature = "aws")]
            Self::Lean(lean) => Behind::Sdk(lean.sdk()),
        }
    }
}

async fn put_to_host(
    host: &Host,
    api: PutApi,
    stream: &str,
    batch: &PutBatch,
    results: &mut Vec<PutResult>,
) -> Result<(), KinesisError> {
    match api {
        PutApi::PutRecord => host.put_record(stream, batch, results).await,
        PutApi::PutRecords => host.put_records(stream, batch, results).await,
    }
}
