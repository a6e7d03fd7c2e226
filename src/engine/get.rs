//! GetShardIterator and GetRecords.

use std::sync::Arc;

use super::account::Account;
use super::iterator::{Scratch, Token};
use super::refuse::{expired_iterator, failure, invalid, page_limit};
use super::shard::{Counting, Place, PositionRefusal, ReadRefusal};
use super::stream::Stream;
use crate::base::Timestamp;
use crate::kinesis::operation::{IteratorPosition, RecordPage, StreamStatus};
use crate::kinesis::quotas::CapName;
use crate::kinesis::record::{FrameBatch, RecordBatch};
use crate::kinesis::{Cause, KinesisError, ShardId};

/// The most records of one answer, and what is asked for by default (service model, GetRecords).
const PAGE_RECORDS: u32 = 10_000;

impl Account {
    /// GetShardIterator. It answers for closed shards too, whatever the position.
    ///
    /// # Errors
    /// `ResourceNotFound` when there is no such stream or shard, or the stream is CREATING; `InvalidArgument` for a
    /// sequence number of another shard or stream and for a time after `now`; `InternalFailure` for the shard's sequence
    /// number of the oldest version; `ProvisionedThroughputExceeded` with the cause `ReadCalls`.
    pub fn get_shard_iterator(
        &self,
        now: Timestamp,
        stream: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<String, KinesisError> {
        let found = self.readable(now, stream, shard)?;
        let place = self.locate(now, &found, shard, position, Counting::Take)?;
        Ok(token(&found, shard, now, place))
    }

    /// The stream of a shard that a reader names.
    pub(super) fn readable(
        &self,
        now: Timestamp,
        stream: &str,
        shard: ShardId,
    ) -> Result<Arc<Stream>, KinesisError> {
        let missing = || self.refuse(stream).no_shard_to_read(shard);
        let table = self.table_for(now, stream);
        let found = table.get(stream).ok_or_else(missing)?;
        if found.status() == StreamStatus::Creating {
            return Err(missing());
        }
        Ok(Arc::clone(found))
    }

    /// Whether a reader finds the shard: what GetShardIterator looks at before it looks at the position.
    ///
    /// # Errors
    /// `ResourceNotFound` when there is no such stream or shard, or the stream is CREATING.
    pub fn check_readable(
        &self,
        now: Timestamp,
        stream: &str,
        shard: ShardId,
    ) -> Result<(), KinesisError> {
        let found = self.readable(now, stream, shard)?;
        let horizon = found.horizon(now);
        let map = found.map();
        let listed = map.get(shard).and_then(|shard| shard.describe(horizon));
        let missing = || self.refuse(stream).no_shard_to_read(shard);
        listed.map(|_| ()).ok_or_else(missing)
    }

    /// Where a reader begins.
    pub(super) fn locate(
        &self,
        now: Timestamp,
        found: &Stream,
        shard: ShardId,
        position: IteratorPosition,
        counting: Counting,
    ) -> Result<Place, KinesisError> {
        let refuse = self.refuse(found.name.as_str());
        let missing = || refuse.no_shard_to_read(shard);
        let horizon = found.horizon(now);
        let map = found.map();
        let source = map.get(shard).ok_or_else(missing)?;
        if source.describe(horizon).is_none() {
            return Err(missing());
        }
        if let IteratorPosition::AtTimestamp(time) = position
            && time.as_millis() > now.as_millis()
        {
            return Err(invalid(format!(
                "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                 timestampInMillis: {}, currentTimestampInMillis: {}",
                time.as_millis(),
                now.as_millis()
            )));
        }
        source
            .place(&self.pool, now, horizon, position, counting)
            .map_err(|refusal| match refusal {
                PositionRefusal::OtherShard(other) => invalid(format!(
                    "Invalid StartingSequenceNumber. It encodes {other}, while it was used in a call to a shard with \
                     {shard}"
                )),
                PositionRefusal::Foreign(number) => refuse.foreign_sequence_number(number, shard),
                // Kinesalite's tests against the service.
                PositionRefusal::Failure => failure(),
                PositionRefusal::Undecodable(number) => refuse.bad_sequence_number(number, shard),
                PositionRefusal::Gone => missing(),
                PositionRefusal::Throttled => refuse.read_throttled(shard, Cause::ReadCalls),
            })
    }

    /// GetRecords. `limit` is 1 to 10,000, by default 10,000. The answer's records are views of the shard's own memory.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no iterator, `ExpiredIterator` for one that is too old, `ResourceNotFound` when its
    /// stream or shard is gone, `InternalFailure` when another stream has its stream's name now (kinesalite),
    /// `Validation` for a limit out of range, `ProvisionedThroughputExceeded` with the cause `ReadCalls` or `ReadBytes`.
    pub fn get_records(
        &self,
        now: Timestamp,
        iterator: &str,
        limit: Option<u32>,
    ) -> Result<RecordPage, KinesisError> {
        let limit = page_limit(limit, "limit", PAGE_RECORDS)? as u64;
        let records_max = self.limits().cap(CapName::GetRecordsRecords);
        let bytes_max = self.limits().cap(CapName::GetRecordsBytes);
        let mut scratch = [0; 512];
        let asked = self.asked(now, iterator, &mut scratch)?;
        let refuse = self.refuse(asked.stream);
        let missing = || refuse.no_shard_to_read(asked.shard);
        let table = self.table_for(now, asked.stream);
        let found = table.get(asked.stream).ok_or_else(missing)?;
        let map = found.map();
        // A stream made again under the name may have fewer shards (kinesalite's tests against the service).
        let shard = map.get(asked.shard).ok_or_else(missing)?;
        check_incarnation(found, &asked)?;
        let read = shard
            .read(
                &self.pool,
                now,
                found.horizon(now),
                asked.position,
                limit.min(records_max.unwrap_or(u64::MAX)),
                bytes_max.unwrap_or(u64::MAX),
            )
            .map_err(|refusal| match refusal {
                ReadRefusal::Gone => missing(),
                ReadRefusal::Throttled(cause) => refuse.read_throttled(asked.shard, cause),
            })?;
        let next_iterator = read
            .children
            .is_empty()
            .then(|| token(found, asked.shard, now, read.next));
        Ok(RecordPage {
            records: RecordBatch::Frames(FrameBatch {
                shard: asked.shard,
                shard_created_s: shard.birth.created_s,
                chunks: read.views,
                count: read.count as usize,
            }),
            next_iterator,
            millis_behind_latest: read.millis_behind,
            child_shards: read.children,
            trimmed_to: read.trimmed_to,
            encrypted: read.encrypted,
        })
    }

    /// GetRecords' checks without the read: its refusal, if it would be refused.
    pub(super) fn would_get_records(
        &self,
        now: Timestamp,
        iterator: &str,
        limit: Option<u32>,
    ) -> Result<(), KinesisError> {
        page_limit(limit, "limit", PAGE_RECORDS)?;
        let mut scratch = [0; 512];
        let asked = self.asked(now, iterator, &mut scratch)?;
        let refuse = self.refuse(asked.stream);
        let missing = || refuse.no_shard_to_read(asked.shard);
        let table = self.table_for(now, asked.stream);
        let found = table.get(asked.stream).ok_or_else(missing)?;
        let map = found.map();
        // A stream made again under the name may have fewer shards (kinesalite's tests against the service).
        let shard = map.get(asked.shard).ok_or_else(missing)?;
        check_incarnation(found, &asked)?;
        shard.would_read(now).map_err(|refusal| match refusal {
            ReadRefusal::Gone => missing(),
            ReadRefusal::Throttled(cause) => refuse.read_throttled(asked.shard, cause),
        })
    }

    /// The name of the stream that an iterator leads to; `None` for what is no iterator.
    pub fn iterator_stream(&self, iterator: &str) -> Option<String> {
        let mut scratch = [0; 512];
        let token = Token::decode(iterator, &mut scratch)?;
        Some(token.stream.to_owned())
    }

    fn asked<'a>(
        &self,
        now: Timestamp,
        iterator: &str,
        scratch: &'a mut Scratch,
    ) -> Result<Token<'a>, KinesisError> {
        let asked =
            Token::decode(iterator, scratch).ok_or_else(|| invalid("Invalid ShardIterator."))?;
        if let Some(life_s) = self.limits().cap(CapName::IteratorLifeSeconds) {
            let life_ms = life_s.saturating_mul(1_000);
            if now.since(asked.issued).as_millis() > u128::from(life_ms) {
                return Err(expired_iterator(asked.issued, now, life_ms));
            }
        }
        Ok(asked)
    }
}

fn check_incarnation(stream: &Stream, asked: &Token<'_>) -> Result<(), KinesisError> {
    if stream.incarnation == asked.incarnation {
        return Ok(());
    }
    Err(failure())
}

fn token(stream: &Stream, shard: ShardId, now: Timestamp, place: Place) -> String {
    Token {
        stream: stream.name.as_str(),
        incarnation: stream.incarnation,
        shard,
        position: place.position,
        issued: now,
        nonce: place.nonce,
    }
    .encode()
}
