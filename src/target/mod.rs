//! Anything that speaks Kinesis, behind one closed set of calls.
//!
//! Invariant: one call is one attempt. Nothing here retries, batches or times out; that is the producer's and the
//! consumer's, where it is counted. Only the calls that set a run up wait for their turn.

mod patience;
pub mod scripted;
#[cfg(feature = "aws")]
pub mod sdk;

use std::sync::Arc;

use crate::base::Timestamp;
use crate::host::{Host, Storm};
use crate::kinesis::operation::{
    CreateStream, IteratorPosition, MergeShards, PutApi, PutResult, RecordPage, ShardCountUpdate,
    ShardDescription, ShardFilter, SplitShard, StreamSummary,
};
use crate::kinesis::{KinesisError, PutBatch, ShardId};
use patience::patiently;
pub use scripted::{Script, Scripted};

/// Where a run sends its records. Copies are the same target.
#[derive(Clone, Debug)]
pub enum Target {
    /// The engine in this process.
    Embedded(Arc<Host>),
    /// The engine behind faults that are known to the record: what tests hold a run's accounts against.
    Scripted(Arc<Scripted>),
}

impl Target {
    /// One PutRecord or PutRecords attempt. `results[i]` belongs to record `i`; an error means that none was stored.
    /// A future that is dropped before it ends leaves the attempt unknown.
    ///
    /// # Errors
    /// As the service answers when it refuses the call as a whole.
    pub async fn put(
        &self,
        api: PutApi,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<(), KinesisError> {
        match self {
            Self::Embedded(host) => put_to_host(host, api, stream, batch, results).await,
            Self::Scripted(scripted) => scripted.put(api, stream, batch, results).await,
        }
    }

    /// GetRecords.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn get_records(
        &self,
        iterator: &str,
        limit: Option<u32>,
    ) -> Result<RecordPage, KinesisError> {
        match self {
            Self::Embedded(host) => host.get_records(iterator, limit).await,
            Self::Scripted(scripted) => scripted.get_records(iterator, limit).await,
        }
    }

    /// GetShardIterator.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn get_shard_iterator(
        &self,
        stream: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<String, KinesisError> {
        self.host()
            .get_shard_iterator(stream, shard, position)
            .await
    }

    /// GetShardIterator for a reader that is being set up: waits for its turn.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn first_iterator(
        &self,
        stream: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<String, KinesisError> {
        patiently(self.host().clock(), || {
            self.host().get_shard_iterator(stream, shard, position)
        })
        .await
    }

    /// How often `shard` was written so far, to be noted before a reader looks for records.
    pub fn writes(&self, shard: ShardId) -> u64 {
        self.host().writes(shard)
    }

    /// Waits until `shard` may have new records since `noted` writes, or until `deadline`; for readers that poll without
    /// an interval.
    pub async fn wait_for_records(&self, shard: ShardId, noted: u64, deadline: Timestamp) {
        self.host().wait_for_records(shard, noted, deadline).await;
    }

    /// CreateStream, with its retention in hours, waited for until ACTIVE.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn create_stream(
        &self,
        request: &CreateStream,
        retention_hours: u32,
    ) -> Result<StreamSummary, KinesisError> {
        let stream = request.stream.as_str();
        let (host, clock) = (self.host(), self.host().clock());
        patiently(clock, || host.create_stream(request)).await?;
        let summary = patiently(clock, || host.wait_active(stream)).await?;
        if retention_hours > 24 {
            patiently(clock, || host.increase_retention(stream, retention_hours)).await?;
        }
        Ok(summary)
    }

    /// Waits until the stream is ACTIVE.
    ///
    /// # Errors
    /// As DescribeStreamSummary answers.
    pub async fn wait_active(&self, stream: &str) -> Result<StreamSummary, KinesisError> {
        patiently(self.host().clock(), || self.host().wait_active(stream)).await
    }

    /// All shards that the filter lets through, page after page.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn list_shards(
        &self,
        stream: &str,
        filter: ShardFilter,
    ) -> Result<Vec<ShardDescription>, KinesisError> {
        let (host, clock) = (self.host(), self.host().clock());
        let (mut shards, mut more) =
            patiently(clock, || host.list_shards(stream, filter, None)).await?;
        while more {
            let after = shards.last().map(|shard| shard.shard);
            let (page, page_has_more) =
                patiently(clock, || host.list_shards(stream, filter, after)).await?;
            more = page_has_more && !page.is_empty();
            shards.extend(page);
        }
        Ok(shards)
    }

    /// SplitShard.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn split_shard(&self, stream: &str, request: SplitShard) -> Result<(), KinesisError> {
        self.host().split_shard(stream, request).await
    }

    /// MergeShards.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn merge_shards(
        &self,
        stream: &str,
        request: MergeShards,
    ) -> Result<(), KinesisError> {
        self.host().merge_shards(stream, request).await
    }

    /// UpdateShardCount.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn update_shard_count(
        &self,
        stream: &str,
        target: u32,
    ) -> Result<ShardCountUpdate, KinesisError> {
        self.host().update_shard_count(stream, target).await
    }

    /// Makes the target answer nothing until `until`.
    pub fn stall_until(&self, until: Timestamp) {
        self.host().stall_until(until);
    }

    /// Ends a stall.
    pub fn lift_stall(&self) {
        self.host().lift_stall();
    }

    /// Makes the target refuse a share of the records put.
    ///
    /// # Errors
    /// When the stream or shard does not exist.
    pub fn throttle(&self, stream: &str, storm: Storm) -> Result<(), KinesisError> {
        self.host().throttle(stream, storm)
    }

    /// The engine in this process that stands behind this target.
    pub fn host(&self) -> &Host {
        match self {
            Self::Embedded(host) => host,
            Self::Scripted(scripted) => scripted.host(),
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
