//! The engine with a clock: sleeps out modelled delays, wakes waiters, lets due transitions happen.
//!
//! Invariant: the engine is only ever called with this host's `now`, and no delay is slept while the engine works.

mod delay;
mod fault;
mod registered;
mod stall;
mod subscription;
mod waiters;

use std::time::Duration;

use crate::base::{Clock, Timestamp};
pub use fault::Fault;

pub use crate::engine::{Account, DryRun, Settings, Storm};
use crate::kinesis::delays::DelayName;
use crate::kinesis::error::EntryError;
use crate::kinesis::operation::{
    CreateStream, IteratorPosition, MergeShards, NewStream, PutResult, RecordPage,
    ShardCountUpdate, ShardDescription, ShardFilter, SplitShard, StreamStatus, StreamSummary,
};
use crate::kinesis::{Delays, ErrorCode, KinesisError, PutBatch, SequenceNumber, ShardId};
use delay::DelaySource;
use fault::Faults;
use stall::Stall;
pub use subscription::Subscription;
use waiters::Waiters;

/// One account of the local Kinesis, alive on a clock.
#[derive(Debug)]
pub struct Host {
    account: Account,
    clock: Clock,
    delays: DelaySource,
    stall: Stall,
    waiters: Waiters,
    failures: Faults,
    losses: Faults,
}

impl Host {
    /// A host without streams. `seed` is what modelled delays are drawn from.
    pub fn new(settings: Settings, delays: Delays, clock: Clock, seed: u64) -> Self {
        Self {
            account: Account::new(settings),
            clock,
            delays: DelaySource::new(delays, seed),
            stall: Stall::default(),
            waiters: Waiters::default(),
            failures: Faults::new("fail"),
            losses: Faults::new("lose"),
        }
    }

    /// The clock that the host lives on.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The engine, for what needs no time to pass: its settings and its memory.
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// PutRecord of the batch's first record: its refusal is the call's error.
    ///
    /// # Errors
    /// As the service answers; a batch without a record is a ValidationException.
    pub async fn put_record(
        &self,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<(), KinesisError> {
        self.put_record_after(stream, batch, None, results).await
    }

    /// As [`Self::put_record`], with SequenceNumberForOrdering.
    ///
    /// # Errors
    /// As the service answers; a batch without a record is a ValidationException.
    pub async fn put_record_after(
        &self,
        stream: &str,
        batch: &PutBatch,
        ordering: Option<SequenceNumber>,
        results: &mut Vec<PutResult>,
    ) -> Result<(), KinesisError> {
        results.clear();
        if batch.is_empty() {
            return Err(KinesisError::new(
                ErrorCode::Validation,
                "there is no record to put",
            ));
        }
        let after = self.arrive(DelayName::PutRecord).await;
        let visible_after = self.delays.draw(DelayName::Propagation);
        let now = self.clock.now();
        let call = DryRun::PutRecord {
            stream,
            entry: &batch.entry(0),
            after: ordering,
        };
        if self.failures.any() && self.passes(now, call) && self.failures.hits(now, stream) {
            self.leave(after).await;
            return Err(internal_failure());
        }
        let answer = self
            .account
            .put_record(now, visible_after, stream, &batch.entry(0), ordering);
        let answer = answer.map(|stored| results.push(Ok(stored)));
        self.wake_touched(stream, results);
        self.leave(after).await;
        answer
    }

    /// PutRecords of the whole batch.
    ///
    /// # Errors
    /// As the service answers when it refuses the call as a whole.
    pub async fn put_records(
        &self,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<(), KinesisError> {
        let after = self.arrive(DelayName::PutRecords).await;
        let visible_after = self.delays.draw(DelayName::Propagation);
        let now = self.clock.now();
        let answer =
            if self.failures.any() && self.passes(now, DryRun::PutRecords { stream, batch }) {
                self.put_survivors(now, visible_after, stream, batch, results)
            } else {
                self.account
                    .put_records(now, visible_after, stream, batch, results)
            };
        self.wake_touched(stream, results);
        self.leave(after).await;
        answer
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
        let after = self.arrive(DelayName::GetRecords).await;
        let now = self.clock.now();
        let answer = if self.failures.any()
            && let Some(stream) = self.account.iterator_stream(iterator)
            && self.failures.hits(now, &stream)
        {
            Err(internal_failure())
        } else {
            self.account.get_records(now, iterator, limit)
        };
        self.leave(after).await;
        answer
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
        let after = self.arrive(DelayName::GetShardIterator).await;
        let answer = self
            .account
            .get_shard_iterator(self.clock.now(), stream, shard, position);
        self.leave(after).await;
        answer
    }

    /// How often a stream's `shard` was written so far, more or less; to be noted before a reader looks for records.
    pub fn writes(&self, stream: &str, shard: ShardId) -> u64 {
        self.waiters.count(stream, shard)
    }

    /// Waits until a record may have been stored in a stream's `shard` since `noted` writes, the stream may have changed,
    /// or `deadline` has passed.
    pub async fn wait_for_records(
        &self,
        stream: &str,
        shard: ShardId,
        noted: u64,
        deadline: Timestamp,
    ) {
        // A transition that is due changes shards without anybody's call.
        let deadline = self
            .account
            .next_due()
            .map_or(deadline, |due| due.min(deadline));
        self.waiters
            .wait(stream, shard, noted, &self.clock, deadline)
            .await;
    }

    /// CreateStream.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn create_stream(&self, request: &CreateStream) -> Result<(), KinesisError> {
        self.create_stream_with(&NewStream::from(request)).await
    }

    /// CreateStream with all its options.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn create_stream_with(&self, new: &NewStream) -> Result<(), KinesisError> {
        let takes = self.delays.draw(DelayName::CreateStream);
        self.control(|account, now| account.create_stream_with(now, takes, &new.name, &new.options))
            .await
    }

    /// DeleteStream.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn delete_stream(&self, stream: &str) -> Result<(), KinesisError> {
        let takes = self.delays.draw(DelayName::DeleteStream);
        self.control(|account, now| account.delete_stream(now, takes, stream))
            .await
    }

    /// IncreaseStreamRetentionPeriod.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn increase_retention(&self, stream: &str, hours: u32) -> Result<(), KinesisError> {
        self.control(|account, now| account.increase_retention(now, stream, i64::from(hours)))
            .await
    }

    /// DescribeStreamSummary.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn describe_stream_summary(
        &self,
        stream: &str,
    ) -> Result<StreamSummary, KinesisError> {
        self.look(|account, now| account.describe_stream_summary(now, stream))
            .await
    }

    /// ListShards, one page.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn list_shards(
        &self,
        stream: &str,
        filter: ShardFilter,
        exclusive_start: Option<ShardId>,
    ) -> Result<(Vec<ShardDescription>, bool), KinesisError> {
        self.look(|account, now| account.list_shards(now, stream, filter, None, exclusive_start))
            .await
    }

    /// SplitShard.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn split_shard(&self, stream: &str, request: SplitShard) -> Result<(), KinesisError> {
        let takes = self.delays.draw(DelayName::Reshard);
        self.control(|account, now| account.split_shard(now, takes, stream, request))
            .await
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
        let takes = self.delays.draw(DelayName::Reshard);
        self.control(|account, now| account.merge_shards(now, takes, stream, request))
            .await
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
        let takes = self.delays.draw(DelayName::UpdateShardCount);
        self.control(|account, now| account.update_shard_count(now, takes, stream, target))
            .await
    }

    /// Waits until the stream is ACTIVE: from one due transition to the next, asking once after each.
    ///
    /// # Errors
    /// As DescribeStreamSummary answers.
    pub async fn wait_active(&self, stream: &str) -> Result<StreamSummary, KinesisError> {
        loop {
            let summary = self.describe_stream_summary(stream).await?;
            if summary.status == StreamStatus::Active {
                return Ok(summary);
            }
            let due = self
                .account
                .next_due()
                .unwrap_or_else(|| self.clock.now().plus(Duration::from_secs(1)));
            self.clock.sleep_until(due).await;
            self.account.apply_due(self.clock.now());
            self.waiters.wake_all();
        }
    }

    /// Answers nothing until `until`; calls that come meanwhile are carried out then.
    pub fn stall_until(&self, until: Timestamp) {
        self.stall.extend(until);
    }

    /// Ends a stall: what waits is carried out now.
    pub fn lift_stall(&self) {
        self.stall.lift();
    }

    /// Whether calls that come now wait for the end of a stall.
    pub fn is_stalled(&self) -> bool {
        self.stall.lasts(&self.clock)
    }

    /// Whether a new host would be as good: it has no stream, no commitment, no stall and no fault.
    pub fn is_blank(&self) -> bool {
        let faulty = self.failures.any() || self.losses.any();
        !faulty && !self.is_stalled() && self.account.is_blank()
    }

    /// Refuses a share of the records put for a while.
    ///
    /// # Errors
    /// When the stream or shard does not exist.
    pub fn throttle(&self, stream: &str, storm: Storm) -> Result<(), KinesisError> {
        self.account.throttle(stream, storm)
    }

    /// Lets a share of PutRecord and GetRecords calls and of PutRecords' records fail with InternalFailure: nothing of
    /// them is stored.
    pub fn fail(&self, fault: Fault) {
        self.failures.set(fault);
    }

    /// Lets the answers to a share of PutRecord and PutRecords calls be lost: what they put is stored.
    pub fn lose_acknowledgements(&self, fault: Fault) {
        self.losses.set(fault);
    }

    /// Draws whether the answer to a put is to be lost on its way; to be asked once for each that was carried out.
    pub fn loses_acknowledgement(&self, stream: &str) -> bool {
        self.losses.hits(self.clock.now(), stream)
    }

    /// Whether nothing is wrong with a call itself: what is wrong is told, whatever failures are asked for.
    fn passes(&self, now: Timestamp, call: DryRun<'_>) -> bool {
        self.account.dry_run(now, call).code == ErrorCode::DryRunOperation
    }

    /// PutRecords of what no failure hits; the results are of the whole batch.
    fn put_survivors(
        &self,
        now: Timestamp,
        visible_after: Duration,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<(), KinesisError> {
        let mut rest = PutBatch::new();
        let hit: Vec<bool> = batch
            .iter()
            .map(|entry| {
                let hit = self.failures.hits(now, stream);
                if !hit {
                    rest.push(entry);
                }
                hit
            })
            .collect();
        let mut stored = Vec::new();
        if !rest.is_empty() {
            self.account
                .put_records(now, visible_after, stream, &rest, &mut stored)?;
        }
        let mut stored = stored.into_iter();
        let failed = EntryError {
            code: ErrorCode::InternalFailure,
            cause: None,
            shard: None,
        };
        results.clear();
        results.extend(hit.into_iter().map(|hit| {
            let stored = if hit { None } else { stored.next() };
            stored.unwrap_or(Err(failed))
        }));
        Ok(())
    }

    /// Lets the first half of a call's delay and a stall pass; gives the other half.
    async fn arrive(&self, call: DelayName) -> Duration {
        let delay = self.delays.draw(call);
        if !delay.is_zero() {
            self.clock.sleep(delay / 2).await;
        }
        self.stall.pass(&self.clock).await;
        delay.saturating_sub(delay / 2)
    }

    /// Lets the other half pass. A target that stalls meanwhile does not answer before it is over.
    async fn leave(&self, after: Duration) {
        if !after.is_zero() {
            self.clock.sleep(after).await;
            self.stall.pass(&self.clock).await;
        }
    }

    /// How long a transition that begins now takes.
    pub fn takes(&self, transition: DelayName) -> Duration {
        self.delays.draw(transition)
    }

    /// Any call that changes no shards, with the delay of its kind.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn call<T>(
        &self,
        kind: DelayName,
        operation: impl FnOnce(&Account, Timestamp) -> Result<T, KinesisError>,
    ) -> Result<T, KinesisError> {
        let after = self.arrive(kind).await;
        let answer = operation(&self.account, self.clock.now());
        self.leave(after).await;
        answer
    }

    /// Ends the changes that are due and lets whoever waits look again; nothing happens when none is.
    pub fn settle(&self) {
        let now = self.clock.now();
        if self.account.next_due().is_some_and(|due| due <= now) {
            self.account.apply_due(now);
            self.waiters.wake_all();
        }
    }

    /// A control call that changes nothing.
    async fn look<T>(
        &self,
        operation: impl FnOnce(&Account, Timestamp) -> Result<T, KinesisError>,
    ) -> Result<T, KinesisError> {
        self.call(DelayName::Control, operation).await
    }

    /// A control call that may change shards: whoever waits looks again.
    ///
    /// # Errors
    /// Those of the operation.
    pub async fn control<T>(
        &self,
        operation: impl FnOnce(&Account, Timestamp) -> Result<T, KinesisError>,
    ) -> Result<T, KinesisError> {
        let after = self.arrive(DelayName::Control).await;
        let answer = operation(&self.account, self.clock.now());
        self.waiters.wake_all();
        self.leave(after).await;
        answer
    }

    fn wake_touched(&self, stream: &str, results: &[PutResult]) {
        let stored = results.iter().filter_map(|result| result.as_ref().ok());
        self.waiters.wake(stream, stored.map(|stored| stored.shard));
    }
}

fn internal_failure() -> KinesisError {
    KinesisError::new(ErrorCode::InternalFailure, "Internal Service Failure")
}
