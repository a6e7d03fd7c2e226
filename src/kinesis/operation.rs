//! What operations ask and answer. Members are named as in the service model; those of later operations come with them.

use std::time::Duration;

pub use super::configuration::{
    AccountLimits, Commitment, CommitmentStatus, Encryption, EncryptionType, EnhancedMonitoring,
    RecordDistribution, ShardMetric, StreamConfiguration, StreamMode, StreamOptions, TagPage, Tags,
    WarmThroughput,
};
pub use super::consumer::{
    ConsumerDescription, ConsumerSelector, ConsumerStatus, End, SubscriptionEvent, SubscriptionId,
    SubscriptionPoll,
};
use super::error::EntryError;
use super::hash_key::{HashKey, HashKeyRange};
use super::names::{ShardId, StreamName};
use super::record::RecordBatch;
use super::sequence::SequenceNumber;
use crate::base::Timestamp;

/// The two operations that put.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PutApi {
    /// One record a call.
    PutRecord,
    /// Up to 500 records a call.
    PutRecords,
}

impl PutApi {
    /// The operation as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PutRecord => "PutRecord",
            Self::PutRecords => "PutRecords",
        }
    }
}

/// Where a stored record went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stored {
    /// The shard.
    pub shard: ShardId,
    /// The record's sequence number.
    pub sequence_number: SequenceNumber,
}

/// The result of one record of a PutRecords call; result `i` belongs to record `i`.
pub type PutResult = Result<Stored, EntryError>;

/// CreateStream with its options.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewStream {
    /// The stream's name.
    pub name: StreamName,
    /// Everything else.
    pub options: StreamOptions,
}

impl From<&CreateStream> for NewStream {
    fn from(request: &CreateStream) -> Self {
        Self {
            name: request.stream.clone(),
            options: StreamOptions {
                shards: Some(request.shards),
                max_record_bytes: Some(request.max_record_bytes),
                ..StreamOptions::default()
            },
        }
    }
}

/// CreateStream of a provisioned stream without any of the [`StreamOptions`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreateStream {
    /// The stream's name.
    pub stream: StreamName,
    /// How many shards it begins with, at least 1.
    pub shards: u32,
    /// The largest record in bytes, data and key: 1 MiB to 10 MiB.
    pub max_record_bytes: u64,
}

/// A stream's status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the service's own names")]
pub enum StreamStatus {
    Creating,
    Active,
    Updating,
    Deleting,
}

impl StreamStatus {
    /// The status as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

/// One shard as DescribeStream and ListShards show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardDescription {
    /// The shard.
    pub shard: ShardId,
    /// ParentShardId.
    pub parent: Option<ShardId>,
    /// AdjacentParentShardId, of a merge's child.
    pub adjacent_parent: Option<ShardId>,
    /// The hash keys it takes or took.
    pub hash_key_range: HashKeyRange,
    /// StartingSequenceNumber.
    pub starting_sequence_number: SequenceNumber,
    /// EndingSequenceNumber; a closed shard has one, an open one has none.
    pub ending_sequence_number: Option<SequenceNumber>,
}

impl ShardDescription {
    /// Whether the shard takes records.
    pub const fn is_open(&self) -> bool {
        self.ending_sequence_number.is_none()
    }
}

/// DescribeStream's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamDescription {
    /// The stream's name.
    pub stream: StreamName,
    /// The stream's ARN.
    pub arn: String,
    /// Its status.
    pub status: StreamStatus,
    /// Its shards in order of their numbers; empty while CREATING.
    pub shards: Vec<ShardDescription>,
    /// Whether more shards follow the last one.
    pub has_more_shards: bool,
    /// How long records are kept.
    pub retention: Duration,
    /// When the stream was created.
    pub created: Timestamp,
    /// How it is set up.
    pub configuration: StreamConfiguration,
}

/// One stream as ListStreams' StreamSummaries show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamListing {
    /// The stream's name.
    pub stream: StreamName,
    /// The stream's ARN.
    pub arn: String,
    /// Its status.
    pub status: StreamStatus,
    /// Its mode.
    pub mode: StreamMode,
    /// When the stream was created.
    pub created: Timestamp,
}

/// DescribeStreamSummary's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamSummary {
    /// The stream's name.
    pub stream: StreamName,
    /// The stream's ARN.
    pub arn: String,
    /// Its status.
    pub status: StreamStatus,
    /// How long records are kept.
    pub retention: Duration,
    /// When the stream was created.
    pub created: Timestamp,
    /// How many of its shards take records.
    pub open_shards: u32,
    /// The largest record in bytes.
    pub max_record_bytes: u64,
    /// ConsumerCount: registered consumers, those in CREATING and DELETING included.
    pub consumers: u32,
    /// How it is set up.
    pub configuration: StreamConfiguration,
}

/// ListShards' filter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ShardFilter {
    /// Every shard with records inside retention, and every open one.
    #[default]
    FromTrimHorizon,
    /// Shards with a number above this one.
    AfterShardId(ShardId),
    /// Shards that were open at the trim horizon.
    AtTrimHorizon,
    /// Shards that are open now.
    AtLatest,
    /// Shards that were open at this time.
    AtTimestamp(Timestamp),
    /// Shards that ended at this time or later, and every open one.
    FromTimestamp(Timestamp),
}

/// Where a reader wants to begin in a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IteratorPosition {
    /// The oldest record that is kept.
    TrimHorizon,
    /// After the newest record at the time of the call.
    Latest,
    /// At this record.
    AtSequenceNumber(SequenceNumber),
    /// Right after this record.
    AfterSequenceNumber(SequenceNumber),
    /// The first record that arrived at this time or later.
    AtTimestamp(Timestamp),
}

/// One shard that continues a closed one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChildShard {
    /// The child.
    pub shard: ShardId,
    /// All its parents: one after a split, two after a merge.
    pub parents: Vec<ShardId>,
    /// The hash keys it takes.
    pub hash_key_range: HashKeyRange,
}

/// GetRecords' answer.
#[derive(Clone, Debug, Default)]
pub struct RecordPage {
    /// The records, possibly none.
    pub records: RecordBatch,
    /// NextShardIterator; absent exactly when `child_shards` is not empty.
    pub next_iterator: Option<String>,
    /// How far the position is behind the tip.
    pub millis_behind_latest: u64,
    /// Given at the end of a closed shard, with each child's parents.
    pub child_shards: Vec<ChildShard>,
    /// Not a member of the service's answer: the last record that was trimmed although this iterator had not reached
    /// it, where there is one. Everything from the iterator's position up to it was trimmed unread.
    pub trimmed_to: Option<SequenceNumber>,
    /// Which of the records have an EncryptionType: those that were stored while the stream was encrypted.
    pub encrypted: Encrypted,
}

/// Which records of a page or an event were encrypted when they were stored: ranges of their places in it, in order and
/// apart. On the wire the others carry no EncryptionType.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Encrypted(pub Vec<std::ops::Range<usize>>);

impl Encrypted {
    /// Whether the record at `index` is one of them.
    pub fn holds(&self, index: usize) -> bool {
        self.0.iter().any(|range| range.contains(&index))
    }
}

/// UpdateShardCount's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShardCountUpdate {
    /// Open shards before.
    pub current: u32,
    /// Open shards when it is done.
    pub target: u32,
}

/// SplitShard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SplitShard {
    /// ShardToSplit.
    pub shard: ShardId,
    /// Where the second child begins.
    pub new_starting_hash_key: HashKey,
}

/// MergeShards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MergeShards {
    /// ShardToMerge: the one with the lower hash keys.
    pub shard: ShardId,
    /// AdjacentShardToMerge.
    pub adjacent: ShardId,
}
