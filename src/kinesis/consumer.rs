//! Registered consumers and what they are given.

use super::arn::{ConsumerArn, StreamArn};
use super::error::{ErrorCode, KinesisError};
use super::names::ConsumerName;
use super::operation::{ChildShard, Encrypted};
use super::record::RecordBatch;
use super::sequence::SequenceNumber;
use crate::base::Timestamp;

/// A consumer's status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the service's own names")]
pub enum ConsumerStatus {
    Creating,
    Active,
    Deleting,
}

impl ConsumerStatus {
    /// The status as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Deleting => "DELETING",
        }
    }
}

/// A consumer as RegisterStreamConsumer, DescribeStreamConsumer and ListStreamConsumers show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerDescription {
    /// ConsumerARN, which holds its name and its stream's ARN.
    pub arn: ConsumerArn,
    /// ConsumerStatus.
    pub status: ConsumerStatus,
    /// ConsumerCreationTimestamp, whole seconds as in the ARN.
    pub created: Timestamp,
}

/// How a call names a consumer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConsumerSelector<'a> {
    /// By its stream's name and its own.
    Name {
        /// The stream.
        stream: &'a str,
        /// The consumer.
        consumer: &'a str,
    },
    /// By its ARN.
    Arn(&'a ConsumerArn),
}

impl<'a> ConsumerSelector<'a> {
    /// The consumer that a call's members mean. All three may be given if they agree (API reference,
    /// DeregisterStreamConsumer); the texts of the refusals are unverified.
    ///
    /// # Errors
    /// `InvalidArgument` for too few members, or for some that disagree.
    pub fn of(
        stream: Option<&'a StreamArn>,
        consumer: Option<&'a ConsumerName>,
        arn: Option<&'a ConsumerArn>,
    ) -> Result<Self, KinesisError> {
        let refuse = |text: &str| Err(KinesisError::new(ErrorCode::InvalidArgument, text));
        match (stream, consumer, arn) {
            (stream, consumer, Some(arn)) => {
                let agrees = stream.is_none_or(|stream| *stream == arn.stream)
                    && consumer.is_none_or(|consumer| *consumer == arn.consumer);
                if agrees {
                    Ok(Self::Arn(arn))
                } else {
                    refuse("StreamARN, ConsumerName and ConsumerARN do not name the same consumer.")
                }
            }
            (Some(stream), Some(consumer), None) => Ok(Self::Name {
                stream: stream.stream.as_str(),
                consumer: consumer.as_str(),
            }),
            _ => {
                refuse("Either ConsumerARN or both StreamARN and ConsumerName should be provided.")
            }
        }
    }
}

/// One subscription, for as long as it lasts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SubscriptionId(pub(crate) u64);

/// SubscribeToShardEvent.
#[derive(Clone, Debug)]
pub struct SubscriptionEvent {
    /// The records, possibly none.
    pub records: RecordBatch,
    /// Which of them have an EncryptionType.
    pub encrypted: Encrypted,
    /// ContinuationSequenceNumber; absent exactly at the shard's end.
    pub continuation: Option<SequenceNumber>,
    /// How far the position is behind the tip.
    pub millis_behind_latest: u64,
    /// Given at the end of a closed shard.
    pub child_shards: Vec<ChildShard>,
    /// Not a member of the service's event: the last record that was trimmed before it was reached, where there is one.
    pub trimmed_to: Option<SequenceNumber>,
}

/// Why a subscription is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// It lasted as long as subscriptions may.
    Expired,
    /// The shard is closed and was read to its end.
    ShardEnd,
    /// The consumer subscribed to the shard again.
    TakenOver,
    /// The consumer was deregistered.
    ConsumerDeleted,
    /// The stream was deleted.
    StreamDeleted,
    /// It was over before this poll.
    Closed,
}

/// What a poll of a subscription finds.
#[derive(Clone, Debug)]
pub struct SubscriptionPoll {
    /// What to send.
    pub event: Option<SubscriptionEvent>,
    /// When to poll again at the latest; records may be there sooner. None once it is over.
    pub next_poll: Option<Timestamp>,
    /// Whether it is over. An event that comes with it is to be sent first.
    pub ended: Option<End>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_is_named_by_its_arn_or_by_stream_and_name_and_all_must_agree() {
        let arn: ConsumerArn = "arn:aws:kinesis:us-east-1:123456789012:stream/a/consumer/c:1"
            .parse()
            .unwrap();
        let other: ConsumerName = "d".parse().unwrap();
        let (stream, name) = (&arn.stream, &arn.consumer);
        assert_eq!(
            ConsumerSelector::of(Some(stream), Some(name), Some(&arn)),
            Ok(ConsumerSelector::Arn(&arn))
        );
        assert_eq!(
            ConsumerSelector::of(Some(stream), Some(name), None),
            Ok(ConsumerSelector::Name {
                stream: "a",
                consumer: "c"
            })
        );
        assert!(ConsumerSelector::of(None, Some(&other), Some(&arn)).is_err());
        assert!(ConsumerSelector::of(Some(stream), None, None).is_err());
    }
}
