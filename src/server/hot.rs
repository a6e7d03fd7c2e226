//! Puts and reads: without a tree where the request is ordinary, with one where it is not.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::answer::{Answer, Refusal};
use crate::dispatch::{records, select};
use crate::host::{DryRun, Host};
use crate::kinesis::operation::{EncryptionType, PutResult};
use crate::kinesis::{KinesisError, PutBatch, SequenceNumber};
use crate::wire::{
    Codec, PutHead, Value, decode_output, encode, encode_get_records, encode_put_record,
    encode_put_records, get_records_fast, operation, put_record_fast, put_records_fast,
};

/// Batches that are kept for the next request.
const SCRATCH_MAX: usize = 64;
/// Larger ones are not.
const SCRATCH_BYTES_MAX: u64 = 1 << 20;

/// What a put works in.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    pub(super) batch: PutBatch,
    results: Vec<PutResult>,
}

/// Memory that puts use again.
#[derive(Debug, Default)]
pub(super) struct Scratches(Mutex<Vec<Scratch>>);

impl Scratches {
    fn take(&self) -> Scratch {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pop().unwrap_or_default()
    }

    fn give(&self, scratch: Scratch) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < SCRATCH_MAX && scratch.batch.billed_bytes() <= SCRATCH_BYTES_MAX {
            kept.push(scratch);
        }
    }
}

/// One of the three hot operations, taken in.
pub(super) enum Hot {
    PutRecord(PutHead, Option<SequenceNumber>, Scratch),
    PutRecords(PutHead, Scratch),
    GetRecords {
        iterator: String,
        limit: Option<u32>,
        dry_run: bool,
    },
}

impl Hot {
    /// The stream that it names.
    pub(super) fn stream(&self, host: &Host) -> Option<String> {
        match self {
            Self::PutRecord(head, ..) | Self::PutRecords(head, _) => {
                head.stream_name.clone().or_else(|| head.stream_arn.clone())
            }
            Self::GetRecords { iterator, .. } => host.account().iterator_stream(iterator),
        }
    }
}

/// Reads an ordinary put or read; `None` sends the request on the slow way.
pub(super) fn read(
    scratches: &Scratches,
    operation: &str,
    codec: Codec,
    body: &[u8],
) -> Option<Hot> {
    match operation {
        "GetRecords" => get_records_fast(codec, body).map(|(iterator, limit)| Hot::GetRecords {
            iterator,
            limit,
            dry_run: false,
        }),
        "PutRecord" | "PutRecords" => {
            let mut scratch = scratches.take();
            let one = operation == "PutRecord";
            let head = if one {
                put_record_fast(codec, body, &mut scratch.batch)
            } else {
                put_records_fast(codec, body, &mut scratch.batch)
            };
            let Some(head) = head else {
                scratches.give(scratch);
                return None;
            };
            Some(if one {
                Hot::PutRecord(head, None, scratch)
            } else {
                Hot::PutRecords(head, scratch)
            })
        }
        _ => None,
    }
}

/// The same from a tree that passed the validator; `None` for other operations.
pub(super) fn read_tree(
    scratches: &Scratches,
    host: &Host,
    operation: &str,
    input: &Value,
) -> Result<Option<Hot>, Refusal> {
    let refuse = |error: KinesisError| Refusal::from(&error);
    let head = || PutHead {
        stream_name: input.str("StreamName").map(str::to_owned),
        stream_arn: input.str("StreamARN").map(str::to_owned),
        dry_run: input.is_true("DryRun"),
    };
    match operation {
        "GetRecords" => Ok(Some(Hot::GetRecords {
            iterator: records::iterator(host, input).map_err(refuse)?.to_owned(),
            limit: records::limit(input),
            dry_run: input.is_true("DryRun"),
        })),
        "PutRecord" => {
            let mut scratch = scratches.take();
            let ordering = records::read_one(host, input, &mut scratch.batch).map_err(refuse)?;
            Ok(Some(Hot::PutRecord(head(), ordering, scratch)))
        }
        "PutRecords" => {
            let mut scratch = scratches.take();
            records::read_many(host, input, &mut scratch.batch).map_err(refuse)?;
            Ok(Some(Hot::PutRecords(head(), scratch)))
        }
        _ => Ok(None),
    }
}

/// Carries a put or a read out.
pub(super) async fn answer(
    scratches: &Scratches,
    host: &Host,
    codec: Codec,
    operation: &str,
    hot: Hot,
) -> Answer {
    let mut out = Vec::new();
    let outcome = match hot {
        Hot::GetRecords {
            iterator,
            limit,
            dry_run: true,
        } => {
            let iterator = &iterator;
            Err(dry(host, DryRun::GetRecords { iterator, limit }))
        }
        Hot::GetRecords {
            iterator, limit, ..
        } => match host.get_records(&iterator, limit).await {
            Ok(page) => {
                encode_get_records(codec, &page, &mut out);
                // Its records say for themselves.
                Ok(EncryptionType::None)
            }
            Err(error) => Err(error),
        },
        Hot::PutRecord(head, ordering, mut scratch) => {
            let outcome = put(host, &head, ordering, operation, &mut scratch).await;
            if let (Ok(_), Some(Ok(stored))) = (&outcome, scratch.results.first()) {
                encode_put_record(codec, stored, &mut out);
            }
            scratches.give(scratch);
            if outcome
                .as_ref()
                .is_ok_and(|stream| host.loses_acknowledgement(stream))
            {
                return Answer::lost();
            }
            outcome.map(|stream| host.account().encryption_type(&stream))
        }
        Hot::PutRecords(head, mut scratch) => {
            let outcome = put(host, &head, None, operation, &mut scratch).await;
            if let Ok(stream) = &outcome {
                let account = &host.account().settings().account_id;
                encode_put_records(codec, &scratch.results, stream, account, &mut out);
            }
            scratches.give(scratch);
            if outcome
                .as_ref()
                .is_ok_and(|stream| host.loses_acknowledgement(stream))
            {
                return Answer::lost();
            }
            outcome.map(|stream| host.account().encryption_type(&stream))
        }
    };
    match outcome {
        Ok(EncryptionType::None) => Answer::ok(codec, out.into()),
        Ok(encryption) => Answer::ok(codec, encrypted(codec, operation, encryption, &out)),
        Err(error) => Answer::refused(codec, &error),
    }
}

/// The answer with EncryptionType beside what was put. Fast answers leave it out.
fn encrypted(codec: Codec, name: &str, encryption: EncryptionType, answer: &[u8]) -> Bytes {
    let plain = || Bytes::copy_from_slice(answer);
    let Some(operation) = operation(name) else {
        return plain();
    };
    let Ok(value) = decode_output(codec, operation, answer) else {
        return plain();
    };
    let value = value.with("EncryptionType", encryption.as_str());
    encode(codec, operation, &value)
}

fn dry(host: &Host, call: DryRun<'_>) -> KinesisError {
    host.account().dry_run(host.clock().now(), call)
}

/// Puts the batch; gives the stream's name.
async fn put<'a>(
    host: &Host,
    head: &'a PutHead,
    ordering: Option<SequenceNumber>,
    operation: &str,
    scratch: &mut Scratch,
) -> Result<std::borrow::Cow<'a, str>, KinesisError> {
    let (name, arn) = (head.stream_name.as_deref(), head.stream_arn.as_deref());
    let stream = select::stream_of(host.account(), name, arn)?;
    let Scratch { batch, results } = scratch;
    let one = operation == "PutRecord";
    if head.dry_run {
        let stream = &*stream;
        return Err(if one && !batch.is_empty() {
            let call = DryRun::PutRecord {
                stream,
                entry: &batch.entry(0),
                after: ordering,
            };
            dry(host, call)
        } else {
            dry(host, DryRun::PutRecords { stream, batch })
        });
    }
    if one {
        host.put_record_after(&stream, batch, ordering, results)
            .await?;
    } else {
        host.put_records(&stream, batch, results).await?;
    }
    Ok(stream)
}
