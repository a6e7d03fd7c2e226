//! DryRun: the data plane's checks without their effects.

use std::time::Duration;

use super::account::Account;
use super::put::{check_entry, place_of, youngest_s};
use super::refuse::failure;
use super::shard::{Counting, PutContext, PutRefusal};
use crate::base::Timestamp;
use crate::kinesis::operation::IteratorPosition;
use crate::kinesis::record::PutEntry;
use crate::kinesis::{ErrorCode, KinesisError, PutBatch, SequenceNumber, ShardId};

/// A call with DryRun.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the operations and their arguments")]
pub enum DryRun<'a> {
    PutRecord {
        stream: &'a str,
        entry: &'a PutEntry<'a>,
        after: Option<SequenceNumber>,
    },
    PutRecords {
        stream: &'a str,
        batch: &'a PutBatch,
    },
    GetRecords {
        iterator: &'a str,
        limit: Option<u32>,
    },
    GetShardIterator {
        stream: &'a str,
        shard: ShardId,
        position: IteratorPosition,
    },
    SubscribeToShard {
        consumer_arn: &'a str,
        shard: ShardId,
        position: IteratorPosition,
    },
}

impl Account {
    /// What a call with DryRun answers: the refusal that it would meet without, or `DryRunOperation`. Rates are looked at
    /// and not counted; which checks the service makes, and its text, are unverified.
    pub fn dry_run(&self, now: Timestamp, call: DryRun<'_>) -> KinesisError {
        let outcome = match call {
            DryRun::PutRecord {
                stream,
                entry,
                after,
            } => self.would_put(now, stream, entry, after),
            DryRun::PutRecords { stream, batch } => self.would_put_all(now, stream, batch),
            DryRun::GetRecords { iterator, limit } => self.would_get_records(now, iterator, limit),
            DryRun::GetShardIterator {
                stream,
                shard,
                position,
            } => self.readable(now, stream, shard).and_then(|found| {
                self.locate(now, &found, shard, position, Counting::Check)
                    .map(|_| ())
            }),
            DryRun::SubscribeToShard {
                consumer_arn,
                shard,
                position,
            } => self
                .subscribe(now, consumer_arn, shard, position, Counting::Check)
                .map(|_| ()),
        };
        outcome.err().unwrap_or_else(|| {
            KinesisError::new(
                ErrorCode::DryRunOperation,
                "Request would have succeeded, but DryRun flag is set.",
            )
        })
    }

    fn would_put(
        &self,
        now: Timestamp,
        stream: &str,
        entry: &PutEntry<'_>,
        after: Option<SequenceNumber>,
    ) -> Result<(), KinesisError> {
        let refuse = self.refuse(stream);
        let table = self.table_for(now, stream);
        let found = table.get(stream).filter(|found| found.takes_records());
        let found = found.ok_or_else(|| refuse.no_stream())?;
        check_entry(entry, found, String::new)?;
        let context = PutContext {
            now,
            visible_after: Duration::ZERO,
            horizon: found.horizon(now),
            after,
            youngest_s: youngest_s(found, after),
        };
        let map = found.map();
        let shard = map.route(if found.spreads() {
            found.peek_spread()
        } else {
            place_of(entry)
        });
        match shard.would_take(&context, entry.billed_bytes()) {
            Ok(()) | Err(PutRefusal::Closed) => Ok(()),
            Err(PutRefusal::Gone) => Err(refuse.no_stream()),
            Err(PutRefusal::Ordering) => Err(refuse.ordering(after.unwrap_or_default())),
            Err(PutRefusal::Failure) => Err(failure()),
            Err(PutRefusal::Throttled(cause)) => Err(refuse.write_throttled(shard.id(), cause)),
        }
    }

    /// Throttling is in PutRecords' results, which a dry run has none of.
    fn would_put_all(
        &self,
        now: Timestamp,
        stream: &str,
        batch: &PutBatch,
    ) -> Result<(), KinesisError> {
        self.check_batch(batch)?;
        let table = self.table_for(now, stream);
        let found = table.get(stream).filter(|found| found.takes_records());
        let found = found.ok_or_else(|| self.refuse(stream).no_stream())?;
        self.check_batch_bytes(batch)?;
        for (index, entry) in batch.iter().enumerate() {
            let path = || format!("records.{}.member.", index + 1);
            check_entry(&entry, found, path)?;
        }
        Ok(())
    }
}
