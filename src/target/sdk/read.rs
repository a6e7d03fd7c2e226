//! GetShardIterator and GetRecords.

use aws_sdk_kinesis::types::ShardIteratorType;
use aws_sdk_kinesis::types::{ChildShard as SdkChild, HashKeyRange as SdkRange, Record};
use aws_smithy_types::DateTime;
use bytes::Bytes;

use super::Sdk;
use super::delivery::stamped;
use super::error::call_error;
use crate::base::Timestamp;
use crate::kinesis::operation::{ChildShard, IteratorPosition, RecordPage};
use crate::kinesis::record::OwnedRecord;
use crate::kinesis::{RecordBatch, ShardId};
use crate::target::{CallError, Fetched};

impl Sdk {
    pub(in crate::target) async fn get_shard_iterator(
        &self,
        stream: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<String, CallError> {
        let call = self
            .client
            .get_shard_iterator()
            .stream_name(self.service_name(stream))
            .shard_id(self.judge.shard_name(stream, shard));
        let call = match position {
            IteratorPosition::TrimHorizon => {
                call.shard_iterator_type(ShardIteratorType::TrimHorizon)
            }
            IteratorPosition::Latest => call.shard_iterator_type(ShardIteratorType::Latest),
            IteratorPosition::AtSequenceNumber(number) => call
                .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
                .starting_sequence_number(number.to_string()),
            IteratorPosition::AfterSequenceNumber(number) => call
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(number.to_string()),
            IteratorPosition::AtTimestamp(time) => call
                .shard_iterator_type(ShardIteratorType::AtTimestamp)
                .timestamp(
                    DateTime::from_nanos(i128::from(time.as_nanos()))
                        .unwrap_or(DateTime::from_secs(0)),
                ),
        };
        let answer = call.send().await.map_err(call_error)?;
        let iterator = answer.shard_iterator.ok_or_else(|| {
            CallError::Unanswered("GetShardIterator answered without an iterator".to_owned())
        })?;
        Ok(iterator)
    }

    pub(in crate::target) async fn get_records(
        &self,
        stream: &str,
        iterator: &str,
        limit: Option<u32>,
    ) -> Result<Fetched, CallError> {
        let call = self
            .client
            .get_records()
            .shard_iterator(iterator)
            .set_limit(limit.map(|limit| limit as i32));
        let (answer, at) = stamped(self.clock, call.send()).await;
        let answer = answer.map_err(call_error)?;
        let records = answer.records.into_iter().map(|record| self.record(record));
        let records: Option<Vec<_>> = records.collect();
        let children = answer.child_shards.unwrap_or_default();
        let children = children.iter().map(|child| self.child(stream, child));
        let (Some(records), Some(child_shards)) = (records, children.collect()) else {
            return Err(CallError::Unanswered(
                "GetRecords answered in a way that cannot be read (see the findings)".to_owned(),
            ));
        };
        // The service gives no iterator at the end of a closed shard; some engines give an empty one.
        let next_iterator = answer.next_shard_iterator.filter(|next| !next.is_empty());
        let behind_ms = self.judge.behind_ms(answer.millis_behind_latest);
        Ok(Fetched {
            page: RecordPage {
                records: RecordBatch::Owned(records),
                next_iterator,
                millis_behind_latest: behind_ms.unwrap_or_default(),
                child_shards,
                trimmed_to: None,
                ..RecordPage::default()
            },
            at,
            behind_ms,
        })
    }

    /// The children of a shard that ended without naming any: only engines that lack ChildShards do that.
    pub(in crate::target) fn note_unnamed_children(&self) {
        self.judge.note(
            "GetRecords names no ChildShards at the end of a closed shard",
            "",
        );
    }

    pub(super) fn record(&self, record: Record) -> Option<OwnedRecord> {
        if record.approximate_arrival_timestamp.is_none() {
            self.judge
                .note("a record without ApproximateArrivalTimestamp", "");
        }
        let arrival = record.approximate_arrival_timestamp;
        let arrival = arrival.map_or(Timestamp::ZERO, timestamp);
        Some(OwnedRecord {
            sequence_number: self.judge.sequence_number(&record.sequence_number)?,
            arrival,
            partition_key: record.partition_key.unwrap_or_default().into_boxed_str(),
            data: Bytes::from(record.data.into_inner()),
        })
    }

    pub(super) fn child(&self, stream: &str, child: &SdkChild) -> Option<ChildShard> {
        let parents = child.parent_shards().iter();
        let parents = parents.map(|parent| self.judge.shard(stream, parent));
        Some(ChildShard {
            shard: self.judge.shard(stream, child.shard_id())?,
            parents: parents.collect::<Option<_>>()?,
            hash_key_range: self.judge.range(child.hash_key_range().map(ends))?,
        })
    }
}

/// A time of the service; times before 1970 become 1970.
pub(super) fn timestamp(time: DateTime) -> Timestamp {
    let nanos = time.as_nanos().clamp(0, i128::from(u64::MAX));
    Timestamp::from_nanos(nanos as u64)
}

/// The two ends of a range.
pub(super) fn ends(range: &SdkRange) -> (&str, &str) {
    (range.starting_hash_key(), range.ending_hash_key())
}
