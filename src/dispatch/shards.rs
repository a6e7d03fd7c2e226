//! Shards: listed, split, merged, counted, read from.

use super::select::{self, invalid};
use super::show::{self, read_u32};
use super::{Call, token};
use crate::base::Timestamp;
use crate::host::DryRun;
use crate::kinesis::delays::DelayName;
use crate::kinesis::operation::{MergeShards, ShardFilter, SplitShard};
use crate::kinesis::{HashKey, KinesisError};
use crate::wire::Value;

pub(super) fn iterator(call: &Call<'_>) -> Result<Value, KinesisError> {
    let (account, input) = (call.account, call.input);
    let stream = select::stream(account, input)?;
    let shard = select::shard(account, &stream, input.str("ShardId"))?;
    let position = select::position(
        account,
        &stream,
        shard,
        input.str("ShardIteratorType").unwrap_or_default(),
        input.str("StartingSequenceNumber"),
        input.timestamp("Timestamp"),
    );
    // Stream and shard come before what is said of the position (kinesalite).
    let position = position.map_err(|error| {
        let found = account.check_readable(call.now, &stream, shard);
        found.err().unwrap_or(error)
    })?;
    if input.is_true("DryRun") {
        let stream = &stream;
        let dry = DryRun::GetShardIterator {
            stream,
            shard,
            position,
        };
        return Err(account.dry_run(call.now, dry));
    }
    let iterator = account.get_shard_iterator(call.now, &stream, shard, position)?;
    Ok(Value::structure().with("ShardIterator", iterator))
}

/// A filter as texts, so that a token can carry it: its type, its shard, its time in milliseconds.
fn filter(
    call: &Call<'_>,
    stream: &str,
    [kind, shard, time]: [&str; 3],
) -> Result<ShardFilter, KinesisError> {
    let time = || {
        let ms = time.parse::<u64>().ok();
        let ms = ms.ok_or_else(|| invalid("The ShardFilter needs a Timestamp."))?;
        // However far off, it is a time.
        Ok::<_, KinesisError>(Timestamp::from_millis(ms.min((1 << 43) - 1)))
    };
    Ok(match kind {
        "AFTER_SHARD_ID" if shard.is_empty() => {
            return Err(invalid("The ShardFilter needs a ShardId."));
        }
        "AFTER_SHARD_ID" => {
            ShardFilter::AfterShardId(select::shard(call.account, stream, Some(shard))?)
        }
        "AT_TRIM_HORIZON" => ShardFilter::AtTrimHorizon,
        "AT_LATEST" => ShardFilter::AtLatest,
        "AT_TIMESTAMP" => ShardFilter::AtTimestamp(time()?),
        "FROM_TIMESTAMP" => ShardFilter::FromTimestamp(time()?),
        _ => ShardFilter::FromTrimHorizon,
    })
}

/// Members of a filter that its type does not take are refused (API reference of ShardFilter); the text is unverified.
fn check_filter(filter: &Value) -> Result<(), KinesisError> {
    let kind = filter.str("Type").unwrap_or_default();
    let taken = match kind {
        "AFTER_SHARD_ID" => "ShardId",
        "AT_TIMESTAMP" | "FROM_TIMESTAMP" => "Timestamp",
        _ => "",
    };
    let others = ["ShardId", "Timestamp"].into_iter();
    match others
        .into_iter()
        .find(|&name| name != taken && filter.get(name).is_some())
    {
        Some(name) => Err(invalid(format!(
            "A ShardFilter of type {kind} takes no {name}."
        ))),
        None => Ok(()),
    }
}

/// What the first page of a list says of all its pages.
const FIRST_PAGE: [&str; 3] = [
    "ExclusiveStartShardId",
    "StreamCreationTimestamp",
    "ShardFilter",
];

pub(super) fn list(call: &Call<'_>) -> Result<Value, KinesisError> {
    let (account, input) = (call.account, call.input);
    let named = input.str("StreamName").or(input.str("StreamARN")).is_some();
    let parts: [String; 6] = match input.str("NextToken") {
        Some(_) if named => {
            return Err(invalid(
                "NextToken and StreamName cannot be provided together.",
            ));
        }
        Some(text) => {
            token::check_alone(input, &FIRST_PAGE)?;
            let parts = token::read::<6>(call.now, "ListShards", text)?;
            token::check_stream(call, &parts[0], &parts[1])?;
            parts
        }
        None if !named => {
            return Err(invalid(
                "Either NextToken or StreamName should be provided.",
            ));
        }
        None => {
            let filter = input.get("ShardFilter");
            filter.map_or(Ok(()), check_filter)?;
            let member = |name| {
                filter
                    .and_then(|filter| filter.str(name))
                    .unwrap_or_default()
            };
            let time = filter.and_then(|filter| filter.timestamp("Timestamp"));
            let stream = select::listed(call)?.into_owned();
            let incarnation = account.incarnation(call.now, &stream)?.to_string();
            [
                stream,
                incarnation,
                input
                    .str("ExclusiveStartShardId")
                    .unwrap_or_default()
                    .to_owned(),
                member("Type").to_owned(),
                member("ShardId").to_owned(),
                time.map(|time| time.as_millis().to_string())
                    .unwrap_or_default(),
            ]
        }
    };
    let [stream, incarnation, after, kind, shard, time] = &parts;
    let after = Some(after.as_str()).filter(|after| !after.is_empty());
    let after = select::maybe_shard(account, stream, after)?;
    let filter = filter(call, stream, [kind, shard, time])?;
    let limit = read_u32(input, "MaxResults");
    let (found, has_more) = account.list_shards(call.now, stream, filter, limit, after)?;
    let next = found.last().filter(|_| has_more).map(|last| {
        let last = last.shard.to_string();
        let parts = [stream, incarnation, &last, kind, shard, time];
        token::write(call.now, "ListShards", &parts.map(String::as_str))
    });
    let shards: Value = found.iter().map(show::shard).collect();
    Ok(Value::structure()
        .with("Shards", shards)
        .with_some("NextToken", next))
}

pub(super) fn split(call: &Call<'_>) -> Result<Value, KinesisError> {
    let (account, input) = (call.account, call.input);
    let stream = select::stream(account, input)?;
    let key = input.str("NewStartingHashKey").unwrap_or_default();
    let request = SplitShard {
        shard: select::shard(account, &stream, input.str("ShardToSplit"))?,
        // 39 digits above 2^128 - 1 lie in no shard, as the highest key does; the text names what was asked.
        new_starting_hash_key: key.parse().unwrap_or(HashKey::MAX),
    };
    let takes = call.host.takes(DelayName::Reshard);
    let outcome = account.split_shard(call.now, takes, &stream, request);
    outcome.map_err(|mut error| {
        let shown = format!("NewStartingHashKey {} ", request.new_starting_hash_key);
        if let Some(rest) = error.message.strip_prefix(&shown) {
            error.message = format!("NewStartingHashKey {key} {rest}");
        }
        error
    })?;
    Ok(Value::structure())
}

pub(super) fn merge(call: &Call<'_>) -> Result<Value, KinesisError> {
    let (account, input) = (call.account, call.input);
    let stream = select::stream(account, input)?;
    let request = MergeShards {
        shard: select::shard(account, &stream, input.str("ShardToMerge"))?,
        adjacent: select::shard(account, &stream, input.str("AdjacentShardToMerge"))?,
    };
    let takes = call.host.takes(DelayName::Reshard);
    account.merge_shards(call.now, takes, &stream, request)?;
    Ok(Value::structure())
}

pub(super) fn update_count(call: &Call<'_>) -> Result<Value, KinesisError> {
    let (account, input) = (call.account, call.input);
    let stream = select::stream(account, input)?;
    let target = read_u32(input, "TargetShardCount").unwrap_or_default();
    let takes = call.host.takes(DelayName::UpdateShardCount);
    let update = account.update_shard_count(call.now, takes, &stream, target)?;
    Ok(Value::structure()
        .with("StreamName", &*stream)
        .with("CurrentShardCount", update.current)
        .with("TargetShardCount", update.target)
        .with("StreamARN", select::arn(account, &stream)?))
}
