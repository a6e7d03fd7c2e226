//! From an operation's input as a tree to the engine's call and back: what the server does for its clients, and what a
//! load of API calls does to the engine in this process.
//!
//! [`dispatch`] carries out everything that is not a put, a read or a subscription, for which the server has faster ways;
//! [`call`] checks an input first and carries out puts and reads too.
//!
//! Invariant: a handler gets an input that the validator passed; what it looks up there by name is in the shape table.

pub(crate) mod records;
pub(crate) mod select;

mod account;
mod consumers;
mod settings;
mod shards;
mod show;
mod streams;
mod tags;
mod token;

use crate::base::Timestamp;
use crate::host::{Account, Host};
use crate::kinesis::KinesisError;
use crate::kinesis::delays::DelayName;
use crate::wire::{Value, WireError, operation, validate};

/// One call on its way to the engine.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    host: &'a Host,
    account: &'a Account,
    now: Timestamp,
    input: &'a Value,
}

type Handler = fn(&Call<'_>) -> Result<Value, KinesisError>;

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Changes nothing that a waiting reader would see.
    Look,
    /// May change shards.
    Change,
}

use Kind::{Change, Look};

/// Every operation that is served here, by name.
const TABLE: [(&str, Kind, Handler); 36] = [
    ("AddTagsToStream", Look, tags::add),
    ("CreateStream", Change, streams::create),
    (
        "DecreaseStreamRetentionPeriod",
        Change,
        settings::decrease_retention,
    ),
    ("DeleteResourcePolicy", Look, account::delete_policy),
    ("DeleteStream", Change, streams::delete),
    ("DeregisterStreamConsumer", Change, consumers::deregister),
    ("DescribeAccountSettings", Look, account::describe_settings),
    ("DescribeLimits", Look, account::describe_limits),
    ("DescribeStream", Look, streams::describe),
    ("DescribeStreamConsumer", Look, consumers::describe),
    ("DescribeStreamSummary", Look, streams::summary),
    (
        "DisableEnhancedMonitoring",
        Look,
        settings::disable_monitoring,
    ),
    (
        "EnableEnhancedMonitoring",
        Look,
        settings::enable_monitoring,
    ),
    ("GetResourcePolicy", Look, account::get_policy),
    ("GetShardIterator", Look, shards::iterator),
    (
        "IncreaseStreamRetentionPeriod",
        Change,
        settings::increase_retention,
    ),
    ("ListShards", Look, shards::list),
    ("ListStreamConsumers", Look, consumers::list),
    ("ListStreams", Look, streams::list),
    ("ListTagsForResource", Look, tags::list_resource),
    ("ListTagsForStream", Look, tags::list),
    ("MergeShards", Change, shards::merge),
    ("PutResourcePolicy", Look, account::put_policy),
    ("RegisterStreamConsumer", Look, consumers::register),
    ("RemoveTagsFromStream", Look, tags::remove),
    ("SplitShard", Change, shards::split),
    ("StartStreamEncryption", Change, settings::start_encryption),
    ("StopStreamEncryption", Change, settings::stop_encryption),
    ("TagResource", Look, tags::tag_resource),
    ("UntagResource", Look, tags::untag_resource),
    ("UpdateAccountSettings", Look, account::update_settings),
    ("UpdateMaxRecordSize", Look, settings::max_record_size),
    ("UpdateShardCount", Change, shards::update_count),
    ("UpdateStreamMode", Change, settings::mode),
    (
        "UpdateStreamRecordDistributionStrategy",
        Look,
        settings::distribution,
    ),
    (
        "UpdateStreamWarmThroughput",
        Change,
        settings::warm_throughput,
    ),
];

/// Carries an operation out; `None` if it is not one of these.
pub async fn dispatch(
    host: &Host,
    operation: &str,
    input: &Value,
) -> Option<Result<Value, KinesisError>> {
    let found = TABLE.binary_search_by(|(name, ..)| (*name).cmp(operation));
    let (name, kind, handler) = TABLE[found.ok()?];
    let run = |account: &Account, now| {
        handler(&Call {
            host,
            account,
            now,
            input,
        })
    };
    Some(match kind {
        Look if name == "GetShardIterator" => host.call(DelayName::GetShardIterator, run).await,
        Look => host.call(DelayName::Control, run).await,
        Change => host.control(run).await,
    })
}

/// Why a [`call`] has no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The service's front door: there is no such operation, or the input is not one of it.
    Malformed(WireError),
    /// The engine.
    Engine(KinesisError),
}

impl From<KinesisError> for Refused {
    fn from(error: KinesisError) -> Self {
        Self::Engine(error)
    }
}

/// Checks an input as the service does, and carries the operation out: any of the core ones but SubscribeToShard, whose
/// answer is no tree.
///
/// # Errors
/// As the service answers.
pub async fn call(host: &Host, name: &str, input: &Value) -> Result<Value, Refused> {
    let unknown = || Refused::Malformed(WireError::bare("UnknownOperationException"));
    let operation = operation(name).ok_or_else(unknown)?;
    validate(operation, input).map_err(Refused::Malformed)?;
    if let Some(answer) = records::call(host, name, input).await {
        return Ok(answer?);
    }
    match dispatch(host, name, input).await {
        Some(answer) => Ok(answer?),
        None => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OPERATIONS;

    #[test]
    fn every_operation_of_the_shape_table_is_served_here_or_on_its_own_way() {
        assert!(TABLE.is_sorted_by_key(|(name, ..)| *name));
        let own = ["GetRecords", "PutRecord", "PutRecords", "SubscribeToShard"];
        for operation in &OPERATIONS {
            let here = TABLE.iter().any(|(name, ..)| *name == operation.name);
            assert_ne!(here, own.contains(&operation.name), "{}", operation.name);
        }
    }
}
