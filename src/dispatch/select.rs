//! What a request names: streams by name or ARN, shards, sequence numbers, positions.

use super::Call;
use crate::host::Account;
use crate::kinesis::arn::{ConsumerArn, StreamArn};
use crate::kinesis::operation::IteratorPosition;
use crate::kinesis::{ErrorCode, HashKey, KinesisError, SequenceNumber, ShardId, StreamName};
use crate::wire::Value;

pub(crate) fn invalid(text: impl Into<String>) -> KinesisError {
    KinesisError::new(ErrorCode::InvalidArgument, text)
}

/// The stream that StreamName, StreamARN or both name. That none is an error is the service's; its texts for none and
/// for two that differ are unverified.
pub(crate) fn stream_of<'a>(
    account: &Account,
    name: Option<&'a str>,
    arn: Option<&'a str>,
) -> Result<std::borrow::Cow<'a, str>, KinesisError> {
    let Some(arn) = arn else {
        return name
            .map(Into::into)
            .ok_or_else(|| invalid("Either StreamName or StreamARN should be provided."));
    };
    let arn: StreamArn = arn.parse()?;
    let settings = account.settings();
    arn.check(&settings.account_id, &settings.region)?;
    if name.is_some_and(|name| name != arn.stream.as_str()) {
        return Err(invalid(
            "StreamName and StreamARN do not name the same stream.",
        ));
    }
    Ok(arn.stream.as_str().to_owned().into())
}

/// The stream that an input names.
pub(crate) fn stream<'a>(
    account: &Account,
    input: &'a Value,
) -> Result<std::borrow::Cow<'a, str>, KinesisError> {
    stream_of(account, input.str("StreamName"), input.str("StreamARN"))
}

/// The stream that the first page of a list names; StreamCreationTimestamp must be its own.
pub(super) fn listed<'a>(call: &Call<'a>) -> Result<std::borrow::Cow<'a, str>, KinesisError> {
    let stream = stream(call.account, call.input)?;
    if let Some(created) = call.input.timestamp("StreamCreationTimestamp") {
        call.account.check_created(call.now, &stream, created)?;
    }
    Ok(stream)
}

/// The stream's ARN, for answers.
pub(super) fn arn(account: &Account, stream: &str) -> Result<String, KinesisError> {
    let settings = account.settings();
    let name: StreamName = stream
        .parse()
        .map_err(|error| invalid(format!("{error}")))?;
    Ok(StreamArn::new(&settings.region, &settings.account_id, name).to_string())
}

/// A shard's id; what is none names no shard of the stream.
pub(crate) fn shard(
    account: &Account,
    stream: &str,
    text: Option<&str>,
) -> Result<ShardId, KinesisError> {
    let text = text.unwrap_or_default();
    text.parse().map_err(|_| {
        let account = &account.settings().account_id;
        KinesisError::new(
            ErrorCode::ResourceNotFound,
            format!("Could not find shard {text} in stream {stream} under account {account}."),
        )
    })
}

/// A shard's id that may be absent.
pub(super) fn maybe_shard(
    account: &Account,
    stream: &str,
    text: Option<&str>,
) -> Result<Option<ShardId>, KinesisError> {
    text.map(|text| shard(account, stream, Some(text)))
        .transpose()
}

/// The name, ARN or both of a consumer, taken apart.
pub(super) fn consumer_arn(text: Option<&str>) -> Result<Option<ConsumerArn>, KinesisError> {
    Ok(text.map(str::parse).transpose()?)
}

/// An explicit hash key: 39 digits may be above 2^128 - 1.
pub(crate) fn explicit_hash_key(text: Option<&str>) -> Result<Option<HashKey>, KinesisError> {
    text.map(|text| {
        text.parse().map_err(|_| {
            invalid(format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was \
                 {text}"
            ))
        })
    })
    .transpose()
}

/// Where a reader begins. `number` and `time` are what was given with `kind`.
pub(crate) fn position(
    account: &Account,
    stream: &str,
    shard: ShardId,
    kind: &str,
    number: Option<&str>,
    time: Option<crate::base::Timestamp>,
) -> Result<IteratorPosition, KinesisError> {
    let both = |tail: &str| {
        invalid(format!(
            "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
             TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and {tail}"
        ))
    };
    let sequence = || -> Result<SequenceNumber, KinesisError> {
        let text = number.ok_or_else(|| both("no StartingSequenceNumber."))?;
        text.parse().map_err(|_| {
            let account = &account.settings().account_id;
            invalid(format!(
                "StartingSequenceNumber {text} used in GetShardIterator on shard {shard} in stream {stream} under \
                 account {account} is invalid."
            ))
        })
    };
    match kind {
        "AT_SEQUENCE_NUMBER" => Ok(IteratorPosition::AtSequenceNumber(sequence()?)),
        "AFTER_SEQUENCE_NUMBER" => Ok(IteratorPosition::AfterSequenceNumber(sequence()?)),
        _ if number.is_some() => Err(both("also a StartingSequenceNumber.")),
        "AT_TIMESTAMP" => time.map(IteratorPosition::AtTimestamp).ok_or_else(|| {
            invalid(
                "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no \
                 timestamp parameter.",
            )
        }),
        "LATEST" => Ok(IteratorPosition::Latest),
        _ => Ok(IteratorPosition::TrimHorizon),
    }
}
