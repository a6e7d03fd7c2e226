//! PutRecord and PutRecords.

use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_smithy_types::Blob;

use super::Sdk;
use super::delivery::stamped;
use super::error::call_error;
use crate::base::Timestamp;
use crate::kinesis::PutBatch;
use crate::kinesis::operation::{PutApi, PutResult};
use crate::target::CallError;
use crate::target::judge::unreadable_put;

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
        let stored = self
            .judge
            .stored(stream, answer.shard_id(), answer.sequence_number());
        results.push(Ok(stored.ok_or_else(unreadable_put)?));
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
        self.judge.check_results(answers.len(), batch.len())?;
        let refused = answers.iter().filter(|entry| entry.error_code().is_some());
        let told = answer.failed_record_count().map(i64::from);
        self.judge.check_failed(told, refused.count());
        for entry in answers {
            let result = self.judge.result(
                stream,
                (entry.shard_id(), entry.sequence_number()),
                (entry.error_code(), entry.error_message()),
            );
            let Some(result) = result else {
                // Of a batch that is stored in part nobody could say which part.
                results.clear();
                return Err(unreadable_put());
            };
            results.push(result);
        }
        Ok(at)
    }
}
