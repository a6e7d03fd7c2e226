//! PutRecord and PutRecords.

use std::time::Duration;

use super::account::Account;
use super::refuse::{absent, failure, invalid, validation};
use super::shard::{PutContext, PutRefusal};
use super::stream::Stream;
use crate::base::Timestamp;
use crate::kinesis::error::EntryError;
use crate::kinesis::operation::{PutResult, Stored};
use crate::kinesis::quotas::CapName;
use crate::kinesis::record::PutEntry;
use crate::kinesis::{Cause, ErrorCode, HashKey, KinesisError, PutBatch, SequenceNumber, ShardId};

/// The longest partition key in characters (service model, `PartitionKey`).
const KEY_CHARS_MAX: usize = 256;

/// Why one record was not stored.
enum Refused {
    Throttled(ShardId, Cause),
    Ordering,
    Failure,
    Gone,
}

impl Account {
    /// PutRecord. Readers see the record `visible_after` after `now`, but no sooner than those before it in its shard; a
    /// shard keeps to one such delay for 200 ms and takes the next one that is then given. `after` is SequenceNumberForOrdering.
    ///
    /// # Errors
    /// `ResourceNotFound`, `Validation` (key or record size), `InvalidArgument` (`after`), and
    /// `ProvisionedThroughputExceeded` with the cause `WriteRecords`, `WriteBytes` or `Injected`.
    pub fn put_record(
        &self,
        now: Timestamp,
        visible_after: Duration,
        stream: &str,
        entry: &PutEntry<'_>,
        after: Option<SequenceNumber>,
    ) -> Result<Stored, KinesisError> {
        let table = self.table_for(now, stream);
        let found = table.get(stream).filter(|found| found.takes_records());
        let found = found.ok_or_else(|| self.refuse(stream).no_stream())?;
        check_entry(entry, found, String::new)?;
        let context = PutContext {
            now,
            visible_after,
            horizon: found.horizon(now),
            after,
            youngest_s: youngest_s(found, after),
        };
        let result = self.store(found, &context, entry);
        self.keep_memory_limit(now);
        result.map_err(|refused| match refused {
            Refused::Throttled(shard, cause) => self.refuse(stream).write_throttled(shard, cause),
            Refused::Ordering => {
                let number = after.unwrap_or_default();
                self.refuse(stream).ordering(number)
            }
            Refused::Failure => failure(),
            Refused::Gone => self.refuse(stream).no_stream(),
        })
    }

    /// Whether records can be put to a stream: what a put looks at before it looks at its records.
    ///
    /// # Errors
    /// `ResourceNotFound` unless there is such a stream that takes records.
    pub fn check_takes_records(&self, now: Timestamp, stream: &str) -> Result<(), KinesisError> {
        let table = self.table_for(now, stream);
        let found = table.get(stream).filter(|found| found.takes_records());
        let found = found.ok_or_else(|| self.refuse(stream).no_stream());
        found.map(|_| ())
    }

    /// PutRecords: `results` is cleared and filled with one result per record, in request order. Records are admitted one
    /// by one; a refused one takes no part of a limit.
    ///
    /// # Errors
    /// Errors of the whole call: `ResourceNotFound`, `Validation` (counts and sizes), `InvalidArgument` (the batch's
    /// size). Throttling is in the results, and the call succeeds even if every record was refused.
    pub fn put_records(
        &self,
        now: Timestamp,
        visible_after: Duration,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<(), KinesisError> {
        results.clear();
        self.check_batch(batch)?;
        let table = self.table_for(now, stream);
        let found = table.get(stream).filter(|found| found.takes_records());
        let found = found.ok_or_else(|| self.refuse(stream).no_stream())?;
        self.check_batch_bytes(batch)?;
        for (index, entry) in batch.iter().enumerate() {
            let path = || format!("records.{}.member.", index + 1);
            check_entry(&entry, found, path)?;
        }
        let context = PutContext {
            now,
            visible_after,
            horizon: found.horizon(now),
            after: None,
            youngest_s: 0,
        };
        results.reserve(batch.len());
        for entry in batch.iter() {
            let result = self.store(found, &context, &entry);
            results.push(result.map_err(|refused| entry_error(&refused)));
            self.keep_memory_limit(now);
        }
        Ok(())
    }

    pub(super) fn check_batch(&self, batch: &PutBatch) -> Result<(), KinesisError> {
        let count = batch.len() as u64;
        if count == 0 {
            let constraint = "Member must have length greater than or equal to 1";
            return Err(validation("[]", "records", constraint));
        }
        if let Some(most) = self.limits().cap(CapName::PutRecordsRecords)
            && count > most
        {
            // The service prints every entry here; their text is of no use to anyone.
            let constraint = format!("Member must have length less than or equal to {most}");
            return Err(validation(
                format!("[{count} entries]"),
                "records",
                &constraint,
            ));
        }
        Ok(())
    }

    /// That the stream is looked for first is unverified: it is so for what kinesalite checks.
    pub(super) fn check_batch_bytes(&self, batch: &PutBatch) -> Result<(), KinesisError> {
        if let Some(most) = self.limits().cap(CapName::PutRecordsBytes)
            && batch.billed_bytes() > most
        {
            // Seen with 5 MB before October 2025; that the number follows the limit is unverified.
            return Err(invalid(format!(
                "Records size exceeds {} MB limit",
                most >> 20
            )));
        }
        Ok(())
    }

    fn store(
        &self,
        stream: &Stream,
        context: &PutContext,
        entry: &PutEntry<'_>,
    ) -> Result<Stored, Refused> {
        let key = if stream.spreads() {
            stream.next_spread()
        } else {
            place_of(entry)
        };
        loop {
            let map = stream.map();
            let shard = map.route(key);
            match shard.put(&self.pool, context, entry) {
                Ok(stored) => return Ok(stored),
                // Whoever finds a shard closed finds the new map: it is published before the parents' locks open.
                Err(PutRefusal::Closed) => {}
                Err(PutRefusal::Gone) => return Err(Refused::Gone),
                Err(PutRefusal::Ordering) => return Err(Refused::Ordering),
                Err(PutRefusal::Failure) => return Err(Refused::Failure),
                Err(PutRefusal::Throttled(cause)) => {
                    return Err(Refused::Throttled(shard.id(), cause));
                }
            }
        }
    }
}

/// For SequenceNumberForOrdering: shards that were made one after another in one second carry seconds to come, and so do
/// the numbers of their records.
pub(super) fn youngest_s(stream: &Stream, after: Option<SequenceNumber>) -> u64 {
    after.map_or(0, |_| stream.map().latest_s())
}

/// The hash key that a record is placed by; under AUTO neither of its keys counts (service model).
pub(super) fn place_of(entry: &PutEntry<'_>) -> HashKey {
    entry
        .explicit_hash_key
        .unwrap_or_else(|| HashKey::of_partition_key(entry.partition_key))
}

fn entry_error(refused: &Refused) -> EntryError {
    match *refused {
        Refused::Throttled(shard, cause) => EntryError {
            code: ErrorCode::ProvisionedThroughputExceeded,
            cause: Some(cause),
            shard: Some(shard),
        },
        Refused::Ordering | Refused::Failure | Refused::Gone => EntryError {
            code: ErrorCode::InternalFailure,
            cause: None,
            shard: None,
        },
    }
}

/// Checks a record's key and size. A key may be left out, that is empty, where it does not decide: an empty one cannot be
/// given. `path` leads to the record in a message.
pub(super) fn check_entry(
    entry: &PutEntry<'_>,
    stream: &Stream,
    path: impl Fn() -> String,
) -> Result<(), KinesisError> {
    let (key, max_record_bytes) = (entry.partition_key, stream.max_record_bytes());
    if key.is_empty() && !stream.spreads() {
        return Err(absent(&format!("{}partitionKey", path())));
    }
    if key.len() > KEY_CHARS_MAX && key.chars().count() > KEY_CHARS_MAX {
        let constraint = "Member must have length less than or equal to 256";
        let path = format!("{}partitionKey", path());
        return Err(validation(key, &path, constraint));
    }
    if entry.billed_bytes() > max_record_bytes {
        // The text of before October 2025, when 1 MiB was the model's own limit; unverified for a stream's setting.
        let length = entry.data.len();
        return Err(validation(
            format!("java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]"),
            &format!("{}data", path()),
            &format!("Member must have length less than or equal to {max_record_bytes}"),
        ));
    }
    Ok(())
}
