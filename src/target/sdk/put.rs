//! PutRecord and PutRecords.

use aws_sdk_kinesis::types::{PutRecordsRequestEntry, PutRecordsResultEntry};
use aws_smithy_types::Blob;

use super::Sdk;
use super::delivery::stamped;
use super::error::call_error;
use crate::base::Timestamp;
use crate::kinesis::error::EntryError;
use crate::kinesis::operation::{PutApi, PutResult, Stored};
use crate::kinesis::{ErrorCode, PutBatch, SequenceNumber, ShardId};
use crate::target::CallError;

impl Sdk {
    pub(in crate::target) async fn put(
        &self,
        api: PutApi,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<Timestamp, CallError> {
        results.clear();
        match api {
            PutApi::PutRecord => self.put_record(stream, batch, results).await,
            PutApi::PutRecords => self.put_records(stream, batch, results).await,
        }
    }

    async fn put_record(
        &self,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<Timestamp, CallError> {
        if batch.is_empty() {
            return Err(CallError::Unsent("there is no record to put".to_owned()));
        }
        let entry = batch.entry(0);
        let call = self
            .client
            .put_record()
            .stream_name(self.service_name(stream))
            .partition_key(entry.partition_key)
            .data(Blob::new(entry.data))
            .set_explicit_hash_key(entry.explicit_hash_key.map(|key| key.to_string()));
        let (answer, at) = Box::pin(stamped(self.clock, call.send())).await;
        let answer = answer.map_err(call_error)?;
        let stored = self.stored(stream, answer.shard_id(), answer.sequence_number());
        results.push(Ok(stored.ok_or_else(unreadable)?));
        Ok(at)
    }

    async fn put_records(
        &self,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<Timestamp, CallError> {
        let mut entries = Vec::with_capacity(batch.len());
        for entry in batch.iter() {
            let built = PutRecordsRequestEntry::builder()
                .partition_key(entry.partition_key)
                .data(Blob::new(entry.data))
                .set_explicit_hash_key(entry.explicit_hash_key.map(|key| key.to_string()))
                .build();
            entries.push(built.map_err(|error| CallError::Unsent(error.to_string()))?);
        }
        let call = self
            .client
            .put_records()
            .stream_name(self.service_name(stream))
            .set_records(Some(entries));
        let (answer, at) = Box::pin(stamped(self.clock, call.send())).await;
        let answer = answer.map_err(call_error)?;
        let answers = answer.records();
        if answers.len() != batch.len() {
            self.findings.note(
                "PutRecords answered with another number of results than there were records",
                &format!("{} for {}", answers.len(), batch.len()),
            );
            return Err(unreadable());
        }
        let refused = answers.iter().filter(|entry| entry.error_code().is_some());
        let refused = refused.count();
        if answer
            .failed_record_count()
            .is_some_and(|told| i64::from(told) != refused as i64)
        {
            self.findings.note(
                "FailedRecordCount is not the number of refused records",
                &format!("{:?} for {refused}", answer.failed_record_count()),
            );
        }
        for entry in answers {
            let result = self.result(stream, entry).ok_or_else(unreadable);
            match result {
                Ok(result) => results.push(result),
                Err(unreadable) => {
                    // Of a batch that is stored in part nobody could say which part.
                    results.clear();
                    return Err(unreadable);
                }
            }
        }
        Ok(at)
    }

    fn result(&self, stream: &str, entry: &PutRecordsResultEntry) -> Option<PutResult> {
        let Some(code) = entry.error_code() else {
            let (shard, number) = (entry.shard_id(), entry.sequence_number());
            return self
                .stored(
                    stream,
                    shard.unwrap_or_default(),
                    number.unwrap_or_default(),
                )
                .map(Ok);
        };
        let known = ErrorCode::named(code);
        if known.is_none() {
            self.findings.note(
                "a record refused with a code that PutRecords does not have",
                code,
            );
        }
        Some(Err(EntryError {
            code: known.unwrap_or(ErrorCode::InternalFailure),
            cause: None,
            shard: entry.error_message().and_then(shard_in),
        }))
    }

    /// Where a record went; nothing, and a finding, where the answer does not say so in a readable way.
    fn stored(&self, stream: &str, shard: &str, number: &str) -> Option<Stored> {
        Some(Stored {
            shard: self.names.read(stream, shard, &self.findings)?,
            sequence_number: self.sequence_number(number)?,
        })
    }

    pub(super) fn sequence_number(&self, text: &str) -> Option<SequenceNumber> {
        let number = text.parse().ok();
        if number.is_none() {
            self.findings.note(
                "a sequence number that is no decimal number of at most 192 bits",
                text,
            );
        }
        number
    }
}

fn unreadable() -> CallError {
    CallError::Unanswered(
        "the answer does not say where each record went (see the findings)".to_owned(),
    )
}

/// The shard that a refusal names: "Rate exceeded for shard shardId-000000000001 in stream ...", or as reads are refused
/// since 2023, "Rate exceeded for Shard - 123456789012/orders/shardId-000000000001".
fn shard_in(message: &str) -> Option<ShardId> {
    let mut words = message.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("shard"))?;
    let named = words.find(|word| *word != "-")?;
    named.rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_that_refused_is_read_from_the_text() {
        let text = "Rate exceeded for shard shardId-000000000001 in stream orders under account 1.";
        assert_eq!(shard_in(text), ShardId::new(1));
        let text = "Rate exceeded for Shard - 123456789012/orders/shardId-000000000003";
        assert_eq!(shard_in(text), ShardId::new(3));
        assert_eq!(shard_in("Internal Service Failure"), None);
        assert_eq!(shard_in("the shard"), None);
    }
}
