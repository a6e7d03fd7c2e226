//! How a stream and an account are set up, beside their shards and records.

use std::collections::BTreeMap;

use crate::base::Timestamp;

/// Tags by key: 1 to 128 characters, values 0 to 256.
pub type Tags = BTreeMap<String, String>;

/// Who decides how many shards a stream has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum StreamMode {
    /// Its owner.
    #[default]
    Provisioned,
    /// The service, by its load.
    OnDemand,
}

impl StreamMode {
    /// The mode as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioned => "PROVISIONED",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}

/// Whether records are encrypted where they are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EncryptionType {
    /// They are not.
    #[default]
    None,
    /// With a key of the key service.
    Kms,
}

impl EncryptionType {
    /// The type as the service writes it. Answers about records leave `NONE` out.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Kms => "KMS",
        }
    }
}

/// A stream's encryption. The engine keeps the books and encrypts nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Encryption {
    /// KeyId, while records are encrypted.
    pub key_id: Option<String>,
}

impl Encryption {
    /// EncryptionType.
    pub const fn kind(&self) -> EncryptionType {
        match self.key_id {
            Some(_) => EncryptionType::Kms,
            None => EncryptionType::None,
        }
    }
}

/// A shard-level metric.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "the service's own names")]
pub enum ShardMetric {
    IncomingBytes,
    IncomingRecords,
    OutgoingBytes,
    OutgoingRecords,
    WriteProvisionedThroughputExceeded,
    ReadProvisionedThroughputExceeded,
    IteratorAgeMilliseconds,
}

impl ShardMetric {
    /// Every metric: what `ALL` stands for.
    pub const ALL: [Self; 7] = [
        Self::IncomingBytes,
        Self::IncomingRecords,
        Self::OutgoingBytes,
        Self::OutgoingRecords,
        Self::WriteProvisionedThroughputExceeded,
        Self::ReadProvisionedThroughputExceeded,
        Self::IteratorAgeMilliseconds,
    ];

    /// The metric as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IncomingBytes => "IncomingBytes",
            Self::IncomingRecords => "IncomingRecords",
            Self::OutgoingBytes => "OutgoingBytes",
            Self::OutgoingRecords => "OutgoingRecords",
            Self::WriteProvisionedThroughputExceeded => "WriteProvisionedThroughputExceeded",
            Self::ReadProvisionedThroughputExceeded => "ReadProvisionedThroughputExceeded",
            Self::IteratorAgeMilliseconds => "IteratorAgeMilliseconds",
        }
    }
}

/// What EnableEnhancedMonitoring and DisableEnhancedMonitoring answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnhancedMonitoring {
    /// CurrentShardLevelMetrics: before the call.
    pub current: Vec<ShardMetric>,
    /// DesiredShardLevelMetrics: after it.
    pub desired: Vec<ShardMetric>,
}

/// How an on-demand stream chooses a record's shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RecordDistribution {
    /// By the hash of its partition key.
    #[default]
    UserPartitionKey,
    /// Evenly, whatever its key, which may be left out.
    Auto,
}

impl RecordDistribution {
    /// The strategy as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserPartitionKey => "USER_PARTITION_KEY",
            Self::Auto => "AUTO",
        }
    }
}

/// Capacity that an on-demand stream holds ready, in MiB/s written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WarmThroughput {
    /// TargetMiBps: what was asked for.
    pub target_mib_per_s: u32,
    /// CurrentMiBps: what is there.
    pub current_mib_per_s: u32,
}

/// CreateStream's members beside the name. The default is an on-demand stream: neither a shard count nor a mode.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StreamOptions {
    /// ShardCount, at least 1. Given without a mode it means a provisioned stream.
    pub shards: Option<u32>,
    /// StreamModeDetails.
    pub mode: Option<StreamMode>,
    /// Tags.
    pub tags: Tags,
    /// WarmThroughputMiBps.
    pub warm_mib_per_s: Option<u32>,
    /// The largest record in bytes, data and key: 1 MiB (the default) to 10 MiB.
    pub max_record_bytes: Option<u64>,
    /// RecordDistributionStrategy.
    pub distribution: Option<RecordDistribution>,
}

/// How a stream is set up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StreamConfiguration {
    /// Its mode.
    pub mode: StreamMode,
    /// Its encryption.
    pub encryption: Encryption,
    /// Its shard-level metrics.
    pub metrics: Vec<ShardMetric>,
    /// RecordDistributionStrategy; on-demand streams have one.
    pub distribution: Option<RecordDistribution>,
    /// WarmThroughput, where it was asked for.
    pub warm_throughput: Option<WarmThroughput>,
    /// The largest record in bytes.
    pub max_record_bytes: u64,
}

/// ListTagsForStream's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagPage {
    /// Tags in order of their keys.
    pub tags: Vec<(String, String)>,
    /// HasMoreTags.
    pub has_more: bool,
}

/// DescribeLimits' answer. ChannelCount and its limit are not modelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountLimits {
    /// ShardLimit; 2^31 - 1 stands for none.
    pub shard_limit: u32,
    /// OpenShardCount: of provisioned streams, as they count against the limit.
    pub open_shards: u32,
    /// OnDemandStreamCount.
    pub on_demand_streams: u32,
    /// OnDemandStreamCountLimit; 2^31 - 1 stands for none.
    pub on_demand_stream_limit: u32,
}

/// Where an account's throughput commitment (on-demand Advantage) stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CommitmentStatus {
    /// In force.
    Enabled,
    /// Not in force.
    #[default]
    Disabled,
    /// Given up, and in force until it may end.
    EnabledUntilEarliestAllowedEnd,
}

impl CommitmentStatus {
    /// The status as the service writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Disabled => "DISABLED",
            Self::EnabledUntilEarliestAllowedEnd => "ENABLED_UNTIL_EARLIEST_ALLOWED_END",
        }
    }
}

/// MinimumThroughputBillingCommitment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Commitment {
    /// Status.
    pub status: CommitmentStatus,
    /// StartedAt.
    pub started: Option<Timestamp>,
    /// EndedAt.
    pub ended: Option<Timestamp>,
    /// EarliestAllowedEndAt.
    pub earliest_end: Option<Timestamp>,
}
