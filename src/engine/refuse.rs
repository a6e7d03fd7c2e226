//! The texts of refusals: clients match on them, so each is the service's own where it is known (kinesalite's tests
//! against the service, and logs in public issues); the others say `unverified`.

use jiff::tz::TimeZone;

use crate::base::Timestamp;
use crate::kinesis::quotas::STREAM_SHARDS_MAX;
use crate::kinesis::{
    Cause, ErrorCode, HashKey, HashKeyRange, KinesisError, SequenceNumber, ShardId,
};

/// Names the account in messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refuse<'a> {
    pub(super) account: &'a str,
    pub(super) stream: &'a str,
}

impl Refuse<'_> {
    pub(super) fn no_stream(self) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceNotFound,
            format!("Stream {stream} under account {account} not found."),
        )
    }

    /// GetShardIterator and GetRecords call a missing stream a missing shard.
    pub(super) fn no_shard_to_read(self, shard: ShardId) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceNotFound,
            format!("Shard {shard} in stream {stream} under account {account} does not exist"),
        )
    }

    /// The other operations' text for a missing shard.
    pub(super) fn no_shard(self, shard: ShardId) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceNotFound,
            format!("Could not find shard {shard} in stream {stream} under account {account}."),
        )
    }

    pub(super) fn exists(self) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceInUse,
            format!("Stream {stream} under account {account} already exists."),
        )
    }

    pub(super) fn not_active(self, status: &str) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceInUse,
            format!(
                "Stream {stream} under account {account} not ACTIVE, instead in state {status}"
            ),
        )
    }

    /// As issues of aws-nuke (497), terraform-provider-aws (8420) and cloud-custodian (7260) quote it.
    pub(super) fn has_consumers(self) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceInUse,
            format!(
                "DeleteStream can't delete {account}:{stream} because there are consumers associated with this data \
                 stream. To delete {account}:{stream} anyway, set the EnforceConsumerDeletion parameter to true to \
                 force the deletion of all the consumers that are associated with it."
            ),
        )
    }

    /// Unverified text.
    pub(super) fn no_consumer(self, consumer: &str) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceNotFound,
            format!("Consumer {consumer} under stream {stream} under account {account} not found."),
        )
    }

    /// As kinesis-hot-shard-advisor issue 37 quotes it.
    pub(super) fn consumer_not_active(self, consumer: &str, created_s: u64) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceInUse,
            format!(
                "Consumer {consumer} with creation timestamp {created_s} under stream: {stream} , account {account} \
                 is not in ACTIVE status."
            ),
        )
    }

    /// As KCL issue 391 quotes it.
    pub(super) fn subscribed(self, shard: ShardId, consumer: &str) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::new(
            ErrorCode::ResourceInUse,
            format!(
                "Another active subscription exists for this consumer: {account}:{stream}:{shard}:{consumer}"
            ),
        )
    }

    /// As maxwell issue 548 and the API reference quote it. That puts kept this form when reads got another is unverified.
    pub(super) fn write_throttled(self, shard: ShardId, cause: Cause) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::throttled(
            ErrorCode::ProvisionedThroughputExceeded,
            cause,
            format!("Rate exceeded for shard {shard} in stream {stream} under account {account}."),
        )
    }

    /// The newer form that GetRecords has answered since 2023 (risingwave issue 7453, KCL issue 1521);
    /// that GetShardIterator answers it too is unverified.
    pub(super) fn read_throttled(self, shard: ShardId, cause: Cause) -> KinesisError {
        let Self { account, stream } = self;
        KinesisError::throttled(
            ErrorCode::ProvisionedThroughputExceeded,
            cause,
            format!("Rate exceeded for Shard - {account}/{stream}/{shard}"),
        )
    }

    pub(super) fn call_rate(self, cause: Cause) -> KinesisError {
        let Self { account, stream } = self;
        let message = if stream.is_empty() {
            // ListStreams names no stream; its text is unverified.
            format!("Rate exceeded for account {account}.")
        } else {
            format!("Rate exceeded for stream {stream} under account {account}.")
        };
        KinesisError::throttled(ErrorCode::LimitExceeded, cause, message)
    }

    pub(super) fn shard_quota(
        self,
        region: &str,
        current: u64,
        limit: u64,
        more: u64,
    ) -> KinesisError {
        let account = self.account;
        quota(format!(
            "This request would exceed the shard limit for the account {account} in {region}. Current shard count \
             for the account: {current}. Limit: {limit}. Number of additional shards that would have resulted from \
             this request: {more}. Refer to the AWS Service Limits page \
             (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
             request higher limits."
        ))
    }

    pub(super) fn ordering(self, number: SequenceNumber) -> KinesisError {
        let Self { account, stream } = self;
        invalid(format!(
            "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {stream} under account {account} is \
             invalid."
        ))
    }

    pub(super) fn foreign_sequence_number(
        self,
        number: SequenceNumber,
        shard: ShardId,
    ) -> KinesisError {
        let Self { account, stream } = self;
        invalid(format!(
            "StartingSequenceNumber {number} used in GetShardIterator on shard {shard} in stream {stream} under \
             account {account} is invalid because it did not come from this stream."
        ))
    }

    pub(super) fn bad_sequence_number(
        self,
        number: SequenceNumber,
        shard: ShardId,
    ) -> KinesisError {
        let Self { account, stream } = self;
        invalid(format!(
            "StartingSequenceNumber {number} used in GetShardIterator on shard {shard} in stream {stream} under \
             account {account} is invalid."
        ))
    }

    pub(super) fn split_key(
        self,
        key: HashKey,
        shard: ShardId,
        range: HashKeyRange,
    ) -> KinesisError {
        let Self { account, stream } = self;
        let HashKeyRange { start, end } = range;
        invalid(format!(
            "NewStartingHashKey {key} used in SplitShard() on shard {shard} in stream {stream} under account \
             {account} is not both greater than one plus the shard's StartingHashKey {start} and less than the \
             shard's EndingHashKey {end}."
        ))
    }

    /// Unverified: the code and the text are this project's.
    pub(super) fn closed_shard(self, shard: ShardId) -> KinesisError {
        let Self { account, stream } = self;
        invalid(format!(
            "Shard {shard} in stream {stream} under account {account} is closed and not eligible for splitting"
        ))
    }

    pub(super) fn not_mergeable(self, first: ShardId, second: ShardId) -> KinesisError {
        let Self { account, stream } = self;
        invalid(format!(
            "Shards {first} and {second} in stream {stream} under account {account} are not an adjacent pair of \
             shards eligible for merging"
        ))
    }

    pub(super) fn retention_below_existing(self, hours: i64, existing: i64) -> KinesisError {
        let stream = self.stream;
        invalid(format!(
            "Requested retention period ({hours} hours) for stream {stream} can not be shorter than existing \
             retention period ({existing} hours). Use DecreaseRetentionPeriod API."
        ))
    }

    pub(super) fn retention_above_existing(self, hours: i64, existing: i64) -> KinesisError {
        let stream = self.stream;
        invalid(format!(
            "Requested retention period ({hours} hours) for stream {stream} can not be longer than existing \
             retention period ({existing} hours). Use IncreaseRetentionPeriod API."
        ))
    }
}

/// What the service fails on.
pub(super) fn failure() -> KinesisError {
    KinesisError::new(ErrorCode::InternalFailure, "Internal Service Failure")
}

/// An InvalidArgumentException.
pub(super) fn invalid(message: impl Into<String>) -> KinesisError {
    KinesisError::new(ErrorCode::InvalidArgument, message)
}

/// A refusal by a quota.
pub(super) fn quota(message: impl Into<String>) -> KinesisError {
    KinesisError::throttled(ErrorCode::LimitExceeded, Cause::AccountQuota, message)
}

/// Refuses more shards of a stream than this server makes, whatever the limits are. The service has no such bound.
pub(super) fn check_ceiling(shards: u64) -> Result<(), KinesisError> {
    if shards <= u64::from(STREAM_SHARDS_MAX) {
        return Ok(());
    }
    Err(quota(format!(
        "This server makes at most {STREAM_SHARDS_MAX} shards of a stream. Asked for: {shards}."
    )))
}

/// A ValidationException for one member.
pub(super) fn validation(
    value: impl std::fmt::Display,
    path: &str,
    constraint: &str,
) -> KinesisError {
    unsatisfied(format_args!("'{value}'"), path, constraint)
}

/// A ValidationException for a member that is not there.
pub(super) fn absent(path: &str) -> KinesisError {
    unsatisfied(format_args!("null"), path, "Member must not be null")
}

fn unsatisfied(value: std::fmt::Arguments<'_>, path: &str, constraint: &str) -> KinesisError {
    KinesisError::new(
        ErrorCode::Validation,
        format!(
            "1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {constraint}"
        ),
    )
}

/// Checks an optional page limit, 1 to 10,000 in every operation (service model), and applies the operation's cap.
pub(super) fn page_limit(limit: Option<u32>, path: &str, cap: u32) -> Result<usize, KinesisError> {
    let limit = limit.unwrap_or(cap);
    if limit == 0 {
        let constraint = "Member must have value greater than or equal to 1";
        return Err(validation(limit, path, constraint));
    }
    if limit > 10_000 {
        let constraint = "Member must have value less than or equal to 10000";
        return Err(validation(limit, path, constraint));
    }
    Ok(limit.min(cap) as usize)
}

pub(super) fn expired_iterator(created: Timestamp, now: Timestamp, life_ms: u64) -> KinesisError {
    KinesisError::new(
        ErrorCode::ExpiredIterator,
        format!(
            "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the \
             future than the tolerated delay of {life_ms} milliseconds.",
            date(created),
            date(now)
        ),
    )
}

/// `Wed Mar 04 01:02:40 UTC 2020`
fn date(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.as_secs() as i64).map_or_else(
        |_| format!("{time:?}"),
        |instant| {
            let zoned = instant.to_zoned(TimeZone::UTC);
            zoned.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_iterator_names_both_times_as_the_service_does() {
        let created = Timestamp::from_secs(1_583_283_760);
        let now = Timestamp::from_secs(1_583_284_230);
        assert_eq!(
            expired_iterator(created, now, 300_000).message,
            "Iterator expired. The iterator was created at time Wed Mar 04 01:02:40 UTC 2020 while right now it is \
             Wed Mar 04 01:10:30 UTC 2020 which is further in the future than the tolerated delay of 300000 \
             milliseconds."
        );
    }
}
