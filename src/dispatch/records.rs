//! Records put and read by trees. The server reads ordinary requests without them; what it and [`super::call`] make of
//! a tree is the same.

use crate::host::{DryRun, Host};
use crate::kinesis::operation::{ChildShard, EncryptionType, PutResult, RecordPage};
use crate::kinesis::record::PutEntry;
use crate::kinesis::{KinesisError, PutBatch, SequenceNumber};
use crate::wire::Value;

use super::select::{self, invalid};

fn push(batch: &mut PutBatch, entry: &Value) -> Result<(), KinesisError> {
    let data = entry.get("Data").and_then(Value::as_blob);
    batch.push(PutEntry {
        partition_key: entry.str("PartitionKey").unwrap_or_default(),
        data: data.map(|data| &data[..]).unwrap_or_default(),
        explicit_hash_key: select::explicit_hash_key(entry.str("ExplicitHashKey"))?,
    });
    Ok(())
}

/// What is told of a put whose records are wrong: that of its stream first, if that takes none (kinesalite).
fn after_stream(host: &Host, input: &Value, error: KinesisError) -> KinesisError {
    let stream = select::stream(host.account(), input);
    let now = host.clock().now();
    let found = stream.and_then(|stream| host.account().check_takes_records(now, &stream));
    found.err().unwrap_or(error)
}

/// The record of a PutRecord, as the only one of `batch`, and its SequenceNumberForOrdering.
///
/// # Errors
/// InvalidArgument for a hash key out of range and for what is no sequence number; before these, those of the stream.
pub(crate) fn read_one(
    host: &Host,
    input: &Value,
    batch: &mut PutBatch,
) -> Result<Option<SequenceNumber>, KinesisError> {
    batch.clear();
    push(batch, input)
        .and_then(|()| ordering(host, input))
        .map_err(|error| after_stream(host, input, error))
}

/// The records of a PutRecords, as those of `batch`.
///
/// # Errors
/// InvalidArgument for a hash key out of range; before it, those of the stream.
pub(crate) fn read_many(
    host: &Host,
    input: &Value,
    batch: &mut PutBatch,
) -> Result<(), KinesisError> {
    batch.clear();
    let mut entries = input.list("Records").iter();
    entries
        .try_for_each(|entry| push(batch, entry))
        .map_err(|error| after_stream(host, input, error))
}

/// SequenceNumberForOrdering of a PutRecord.
fn ordering(host: &Host, input: &Value) -> Result<Option<SequenceNumber>, KinesisError> {
    let Some(text) = input.str("SequenceNumberForOrdering") else {
        return Ok(None);
    };
    if let Ok(number) = text.parse() {
        return Ok(Some(number));
    }
    let stream = select::stream(host.account(), input)?;
    let account = &host.account().settings().account_id;
    Err(invalid(format!(
        "ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {stream} under account {account} is invalid."
    )))
}

/// The iterator of a GetRecords, which must be of the stream that the input names, if it names one.
///
/// # Errors
/// InvalidArgument where it is not.
pub(crate) fn iterator<'a>(host: &Host, input: &'a Value) -> Result<&'a str, KinesisError> {
    let iterator = input.str("ShardIterator").unwrap_or_default();
    if let Some(arn) = input.str("StreamARN") {
        let stream = select::stream_of(host.account(), None, Some(arn))?;
        let led = host.account().iterator_stream(iterator);
        if led.is_some_and(|led| led != *stream) {
            // That it is refused is a fact of the service's checks; code and text are unverified.
            return Err(invalid(format!(
                "The ShardIterator is not of the stream {arn}."
            )));
        }
    }
    Ok(iterator)
}

/// Limit of a GetRecords.
pub(crate) fn limit(input: &Value) -> Option<u32> {
    let limit = input.i64("Limit");
    limit.and_then(|limit| u32::try_from(limit).ok())
}

/// Carries a put or a read out; `None` if the operation is neither.
pub(super) async fn call(
    host: &Host,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, KinesisError>> {
    match operation {
        "PutRecord" => Some(put_one(host, input).await),
        "PutRecords" => Some(put_many(host, input).await),
        "GetRecords" => Some(get(host, input).await),
        _ => None,
    }
}

/// Whatever a dry run comes to is an error.
fn dry(host: &Host, call: DryRun<'_>) -> Result<Value, KinesisError> {
    Err(host.account().dry_run(host.clock().now(), call))
}

async fn put_one(host: &Host, input: &Value) -> Result<Value, KinesisError> {
    let stream = &*select::stream(host.account(), input)?;
    let (mut batch, mut results) = (PutBatch::new(), Vec::new());
    let after = read_one(host, input, &mut batch)?;
    if input.is_true("DryRun") {
        let entry = &batch.entry(0);
        return dry(
            host,
            DryRun::PutRecord {
                stream,
                entry,
                after,
            },
        );
    }
    host.put_record_after(stream, &batch, after, &mut results)
        .await?;
    let stored = results
        .first()
        .map(|result| put_result(host, stream, result));
    let encryption = encryption(host, stream);
    Ok(stored
        .unwrap_or(Value::structure())
        .with_some("EncryptionType", encryption))
}

async fn put_many(host: &Host, input: &Value) -> Result<Value, KinesisError> {
    let stream = &*select::stream(host.account(), input)?;
    let (mut batch, mut results) = (PutBatch::new(), Vec::new());
    read_many(host, input, &mut batch)?;
    if input.is_true("DryRun") {
        let batch = &batch;
        return dry(host, DryRun::PutRecords { stream, batch });
    }
    host.put_records(stream, &batch, &mut results).await?;
    let refused = results.iter().filter(|result| result.is_err()).count();
    let records: Value = results
        .iter()
        .map(|result| put_result(host, stream, result))
        .collect();
    Ok(Value::structure()
        .with("FailedRecordCount", refused as u64)
        .with("Records", records)
        .with_some("EncryptionType", encryption(host, stream)))
}

fn put_result(host: &Host, stream: &str, result: &PutResult) -> Value {
    match result {
        Ok(stored) => Value::structure()
            .with("ShardId", stored.shard.to_string())
            .with("SequenceNumber", stored.sequence_number.to_string()),
        Err(error) => {
            let account = &host.account().settings().account_id;
            Value::structure()
                .with("ErrorCode", error.code.as_str())
                .with("ErrorMessage", error.message(stream, account))
        }
    }
}

/// EncryptionType where there is any: answers leave `NONE` out.
fn encryption(host: &Host, stream: &str) -> Option<&'static str> {
    match host.account().encryption_type(stream) {
        EncryptionType::None => None,
        kind @ EncryptionType::Kms => Some(kind.as_str()),
    }
}

async fn get(host: &Host, input: &Value) -> Result<Value, KinesisError> {
    let (iterator, limit) = (iterator(host, input)?, limit(input));
    if input.is_true("DryRun") {
        return dry(host, DryRun::GetRecords { iterator, limit });
    }
    Ok(page(&host.get_records(iterator, limit).await?))
}

fn page(page: &RecordPage) -> Value {
    let kms = EncryptionType::Kms.as_str();
    let records: Value = page
        .records
        .iter()
        .enumerate()
        .map(|(index, record)| {
            let key = Some(record.partition_key).filter(|key| !key.is_empty());
            let encrypted = page.encrypted.holds(index);
            Value::structure()
                .with("SequenceNumber", record.sequence_number.to_string())
                .with("ApproximateArrivalTimestamp", record.arrival)
                .with("Data", bytes::Bytes::copy_from_slice(record.data))
                .with_some("PartitionKey", key)
                .with_some("EncryptionType", encrypted.then_some(kms))
        })
        .collect();
    let children: Value = page.child_shards.iter().map(child).collect();
    let has_children = !page.child_shards.is_empty();
    Value::structure()
        .with("Records", records)
        .with_some("NextShardIterator", page.next_iterator.clone())
        .with("MillisBehindLatest", page.millis_behind_latest)
        .with_some("ChildShards", has_children.then_some(children))
}

fn child(child: &ChildShard) -> Value {
    let parents: Value = child
        .parents
        .iter()
        .map(|parent| parent.to_string().into())
        .collect();
    let range = Value::structure()
        .with("StartingHashKey", child.hash_key_range.start.to_string())
        .with("EndingHashKey", child.hash_key_range.end.to_string());
    Value::structure()
        .with("ShardId", child.shard.to_string())
        .with("ParentShards", parents)
        .with("HashKeyRange", range)
}
