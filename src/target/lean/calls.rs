//! The calls that a run measures.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Method;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};

use super::Lean;
use super::answer::{Answer, Asked};
use super::signer::Signed;
use crate::base::Timestamp;
use crate::kinesis::operation::{ChildShard, IteratorPosition, PutApi, PutResult, RecordPage};
use crate::kinesis::record::OwnedRecord;
use crate::kinesis::{PutBatch, RecordBatch, ShardId};
use crate::target::judge::{Judge, unreadable_put};
use crate::target::{CallError, Called, Fetched};
use crate::wire::fast::reply::{
    ChildReply, PutReply, RecordReply, read_iterator, read_page, read_put_record, read_put_records,
};
use crate::wire::fast::request::{write_get_records, write_get_shard_iterator, write_put};
use crate::wire::sigv4::Post;
use crate::wire::{self, Value, decode_output, encode_input};

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Who calls.
const AGENT: &str = concat!("streamgauge/", env!("CARGO_PKG_VERSION"));

impl Lean {
    pub(in crate::target) async fn put(
        &self,
        api: PutApi,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<Timestamp, CallError> {
        results.clear();
        if batch.is_empty() {
            return Err(CallError::Unsent("there is no record to put".to_owned()));
        }
        let target = match api {
            PutApi::PutRecord => "Kinesis_20131202.PutRecord",
            PutApi::PutRecords => "Kinesis_20131202.PutRecords",
        };
        let body = write_put(self.codec, api, self.sdk.service_name(stream), batch);
        let answer = self.call(target, body).await?;
        let read = match api {
            PutApi::PutRecord => self.read_one(stream, &answer, results),
            PutApi::PutRecords => self.read_many(stream, &answer, batch.len(), results),
        };
        if read.is_err() {
            // Of a batch that is stored in part nobody could say which part.
            results.clear();
        }
        read.map(|()| answer.at)
    }

    fn read_one(
        &self,
        stream: &str,
        answer: &Answer,
        results: &mut Vec<PutResult>,
    ) -> Result<(), CallError> {
        let mut stored = None;
        let read = read_put_record(self.codec, &answer.body, |reply: PutReply<'_>| {
            let shard = reply.shard_id.unwrap_or_default();
            let number = reply.sequence_number.unwrap_or_default();
            stored = self.judge().stored(stream, shard, number);
        });
        read.ok_or_else(unparseable)?;
        results.push(Ok(stored.ok_or_else(unreadable_put)?));
        Ok(())
    }

    fn read_many(
        &self,
        stream: &str,
        answer: &Answer,
        records: usize,
        results: &mut Vec<PutResult>,
    ) -> Result<(), CallError> {
        let judge = self.judge();
        let (mut came, mut refused, mut readable) = (0, 0, true);
        let told = read_put_records(self.codec, &answer.body, |reply: PutReply<'_>| {
            came += 1;
            refused += usize::from(reply.error_code.is_some());
            let result = judge.result(
                stream,
                (reply.shard_id, reply.sequence_number),
                (reply.error_code, reply.error_message),
            );
            readable &= result.is_some();
            results.extend(result);
        });
        let told = told.ok_or_else(unparseable)?;
        judge.check_results(came, records)?;
        judge.check_failed(told.failed, refused);
        if readable {
            Ok(())
        } else {
            Err(unreadable_put())
        }
    }

    pub(in crate::target) async fn get_shard_iterator(
        &self,
        stream: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<String, CallError> {
        let name = self.sdk.service_name(stream);
        let shard = self.judge().shard_name(stream, shard);
        let body = write_get_shard_iterator(self.codec, name, &shard, position);
        let answer = self.call("Kinesis_20131202.GetShardIterator", body).await?;
        read_iterator(self.codec, &answer.body).ok_or_else(|| {
            CallError::Unanswered("GetShardIterator answered without an iterator".to_owned())
        })
    }

    pub(in crate::target) async fn get_records(
        &self,
        stream: &str,
        iterator: &str,
        limit: Option<u32>,
    ) -> Result<Fetched, CallError> {
        let body = write_get_records(self.codec, iterator, limit);
        let answer = self.call("Kinesis_20131202.GetRecords", body).await?;
        let page = read_page(self.codec, &answer.body).ok_or_else(unparseable)?;
        let (judge, data) = (self.judge(), page.data);
        let records = page.records.into_iter();
        let records: Option<Vec<_>> = records.map(|reply| record(judge, reply, &data)).collect();
        let children = page.children.iter();
        let children = children.map(|reply| child(judge, stream, reply)).collect();
        let (Some(records), Some(child_shards)) = (records, children) else {
            return Err(CallError::Unanswered(
                "GetRecords answered in a way that cannot be read (see the findings)".to_owned(),
            ));
        };
        // The service gives no iterator at the end of a closed shard; some engines give an empty one.
        let next_iterator = page.next_iterator.filter(|next| !next.is_empty());
        let behind_ms = judge.behind_ms(page.millis_behind_latest);
        Ok(Fetched {
            page: RecordPage {
                records: RecordBatch::Owned(records),
                next_iterator,
                millis_behind_latest: behind_ms.unwrap_or_default(),
                child_shards,
                ..RecordPage::default()
            },
            at: answer.at,
            behind_ms,
        })
    }

    fn judge(&self) -> &Judge {
        self.sdk.judge()
    }

    /// Any operation. Streams are named as the service names them.
    pub(in crate::target) async fn any(
        &self,
        operation: &'static str,
        input: &Value,
    ) -> Result<Called, CallError> {
        let shape = wire::operation(operation)
            .ok_or_else(|| CallError::Unsent(format!("there is no operation `{operation}`")))?;
        let name = format!("Kinesis_20131202.{operation}");
        let header = HeaderValue::try_from(&name)
            .map_err(|_| CallError::Unsent(format!("`{name}` does not fit into a header")))?;
        let body = encode_input(self.codec, input).into();
        let Answer { body, at, .. } = self.call_as((header, &name), body).await?;
        let output = if shape.has_output() {
            decode_output(self.codec, shape, &body).map_err(|_| unparseable())?
        } else {
            Value::structure()
        };
        Ok(Called { output, at })
    }

    /// Makes a call; its answer is one of success.
    async fn call(&self, target: &'static str, body: Vec<u8>) -> Result<Answer, CallError> {
        let header = HeaderValue::from_static(target);
        self.call_as((header, target), body).await
    }

    async fn call_as(
        &self,
        (header, target): (HeaderValue, &str),
        body: Vec<u8>,
    ) -> Result<Answer, CallError> {
        let post = Post {
            path: &self.endpoint.path,
            content_type: self.codec.content_type(),
            host: &self.endpoint.authority,
            target,
            body: &body,
        };
        let signed = self.signer.sign(&post).await?;
        let request = self.request(header, signed, body);
        self.pool.exchange(request).await?.success(self.codec)
    }

    fn request(&self, target: HeaderValue, signed: Signed, body: Vec<u8>) -> Asked {
        let mut request = Asked::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.uri.clone();
        let headers = request.headers_mut();
        headers.reserve(7);
        if let Some(host) = &self.endpoint.host_header {
            headers.insert(HOST, host.clone());
        }
        let content_type = HeaderValue::from_static(self.codec.content_type());
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(TARGET, target);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(DATE, signed.date);
        headers.insert(AUTHORIZATION, signed.authorization);
        if let Some(token) = signed.token {
            headers.insert(TOKEN, token);
        }
        request
    }
}

fn unparseable() -> CallError {
    CallError::Unanswered("the answer's body is not what the operation answers".to_owned())
}

fn record(judge: &Judge, reply: RecordReply, data: &Bytes) -> Option<OwnedRecord> {
    if reply.arrival.is_none() {
        judge.note("a record without ApproximateArrivalTimestamp", "");
    }
    Some(OwnedRecord {
        sequence_number: match reply.sequence_number {
            Ok(number) => number,
            Err(text) => judge.sequence_number(&text)?,
        },
        arrival: reply.arrival.unwrap_or(Timestamp::ZERO),
        partition_key: reply.partition_key,
        data: data.slice(reply.data),
    })
}

fn child(judge: &Judge, stream: &str, reply: &ChildReply) -> Option<ChildShard> {
    let range = reply.hash_key_range.as_ref();
    let ends = range.map(|range| (&*range.starting_hash_key, &*range.ending_hash_key));
    let parents = reply.parent_shards.iter();
    let parents = parents.map(|parent| judge.shard(stream, parent));
    Some(ChildShard {
        shard: judge.shard(stream, &reply.shard_id)?,
        parents: parents.collect::<Option<_>>()?,
        hash_key_range: judge.range(ends)?,
    })
}
