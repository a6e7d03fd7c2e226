//! `[producers.NAME]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arrival::Arrival;
use super::keys::Keys;
use super::payload::Payload;
use crate::scenario::defaults;
use crate::scenario::quantity::{BytesText, DurationText};
use crate::scenario::tables::OffWord;

/// A group of workers that write on one schedule.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Producer {
    /// The stream it writes to; the only one if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) stream: Option<String>,
    /// How many workers divide the schedule.
    #[serde(default = "defaults::workers")]
    #[schemars(range(min = 1, max = 65_535))]
    pub(in crate::scenario) workers: u32,
    /// When records are meant to be sent; rates are of the whole producer.
    pub(in crate::scenario) arrival: Arrival,
    /// Which partition keys records have.
    pub(in crate::scenario) keys: Keys,
    /// How large the records' data is, stamp included, key not. JSON and lines of a file have a size by themselves and
    /// need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) size: Option<Size>,
    /// What records hold.
    #[serde(default)]
    pub(in crate::scenario) payload: Payload,
    /// How records are batched and sent.
    #[serde(default)]
    pub(in crate::scenario) send: Send,
    /// What happens to refused records.
    #[serde(default = "defaults::retry")]
    pub(in crate::scenario) retry: Retry,
}

/// How large records are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::scenario) enum Size {
    /// All the same.
    Fixed {
        /// The size.
        bytes: BytesText,
    },
    /// Each size from `min` to `max` is as likely.
    Uniform {
        /// The least.
        min: BytesText,
        /// The most.
        max: BytesText,
    },
    /// Normal, cut at both ends.
    Normal {
        /// The mean, before it is cut.
        mean: BytesText,
        /// The standard deviation, above zero.
        sigma: BytesText,
        /// Smaller draws become this; the stamp's or template's least if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<BytesText>,
        /// Larger draws become this; six standard deviations above the mean if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<BytesText>,
    },
    /// Log-normal, cut at both ends.
    LogNormal {
        /// The median.
        median: BytesText,
        /// The standard deviation of the logarithm.
        #[schemars(extend("exclusiveMinimum" = 0))]
        sigma: f64,
        /// Smaller draws become this; the stamp's or template's least if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<BytesText>,
        /// Larger draws become this.
        max: BytesText,
    },
    /// By quantiles, straight between them.
    Quantiles {
        /// From quantile 0 to 1; quantiles rise, and sizes do not fall.
        #[schemars(length(min = 2, max = 10_000))]
        points: Vec<QuantilePoint>,
    },
    /// What the payload takes by itself: JSON as its template comes out, or a line of a file.
    Natural {},
    /// The sizes of a recording, in its order, then from the first again.
    Trace {
        /// A table with a column `size` in bytes, or what `capture` wrote; relative to the scenario.
        file: String,
    },
}

/// A quantile and the size there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct QuantilePoint {
    /// The share of the records that are not larger.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(in crate::scenario) quantile: f64,
    /// The size.
    pub(in crate::scenario) size: BytesText,
}

/// How records are batched and sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Send {
    /// A real client's way to send: batching, limits, aggregation, time-outs and retries. Fields that are given override
    /// single values; `check` shows what it comes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) preset: Option<Preset>,
    /// Which operation.
    #[serde(default = "defaults::api")]
    pub(in crate::scenario) api: PutApi,
    /// The most records of one request; 500, or 1 for put-record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 500))]
    pub(in crate::scenario) max_records: Option<u32>,
    /// The most bytes of data and keys of one request, up to 10 MiB.
    #[serde(default = "defaults::max_bytes")]
    pub(in crate::scenario) max_bytes: BytesText,
    /// How long a batch waits to fill, from its first record.
    #[serde(default = "defaults::linger")]
    pub(in crate::scenario) linger: DurationText,
    /// The most requests under way per worker.
    #[serde(default = "defaults::max_in_flight")]
    #[schemars(range(min = 1, max = 10_000))]
    pub(in crate::scenario) max_in_flight: u32,
    /// When an attempt without an answer is given up as unknown, above zero.
    #[serde(default = "defaults::timeout")]
    pub(in crate::scenario) timeout: DurationText,
    /// Whether records of one lane wait for each other.
    #[serde(default = "defaults::ordering")]
    pub(in crate::scenario) ordering: Ordering,
    /// The most records that wait in a worker for a request; more become `not_sent`.
    #[serde(default = "defaults::max_queued")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(in crate::scenario) max_queued: u32,
    /// The most that each worker sends to one shard; what is beyond waits.
    #[serde(default = "defaults::rate_limit")]
    pub(in crate::scenario) rate_limit: RateLimitSetting,
    /// Packs records of one shard into one Kinesis record, as the KPL does.
    #[serde(default = "defaults::aggregate")]
    pub(in crate::scenario) aggregate: AggregateSetting,
}

impl Default for Send {
    fn default() -> Self {
        Self {
            preset: None,
            api: defaults::api(),
            max_records: None,
            max_bytes: defaults::max_bytes(),
            linger: defaults::linger(),
            max_in_flight: defaults::max_in_flight(),
            timeout: defaults::timeout(),
            ordering: defaults::ordering(),
            max_queued: defaults::max_queued(),
            rate_limit: defaults::rate_limit(),
            aggregate: defaults::aggregate(),
        }
    }
}

/// A real client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub(in crate::scenario) enum Preset {
    /// The Kinesis Producer Library.
    #[serde(rename = "kpl")]
    Kpl,
    /// The AWS SDK for Java 2.x.
    #[serde(rename = "aws-sdk-java-2")]
    AwsSdkJava2,
    /// The AWS SDK for Python.
    #[serde(rename = "boto3")]
    Boto3,
}

/// `send.rate_limit`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::scenario) enum RateLimitSetting {
    /// No limit.
    Off(OffWord),
    /// A limit.
    Limit(RateLimit),
}

/// The most that each worker sends to one shard, as the service counts: Kinesis records and their bytes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct RateLimit {
    /// Of what a shard takes, 1,000 records and 1 MiB a second: 1.5 is the KPL's RateLimit of 150 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(in crate::scenario) share: Option<f64>,
    /// Records a second, instead of the share of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(in crate::scenario) records_per_s: Option<f64>,
    /// Bytes a second, data and keys, instead of the share of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) bytes_per_s: Option<BytesText>,
}

/// `send.aggregate`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::scenario) enum AggregateSetting {
    /// Each record by itself.
    Off(OffWord),
    /// Packed.
    Pack(Aggregate),
}

/// When a packed record is full.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Aggregate {
    /// The most records of one Kinesis record.
    #[serde(default = "defaults::aggregate_max_records")]
    #[schemars(range(min = 1))]
    pub(in crate::scenario) max_records: u32,
    /// The most bytes of one; a larger record goes by itself.
    #[serde(default = "defaults::aggregate_max_bytes")]
    pub(in crate::scenario) max_bytes: BytesText,
    /// How long it waits to fill, from its first record; half as long for records that are sent again.
    #[serde(default = "defaults::aggregate_linger")]
    pub(in crate::scenario) linger: DurationText,
}

/// The two operations that put.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum PutApi {
    /// One record a call.
    PutRecord,
    /// Up to 500 records a call.
    PutRecords,
}

/// Whether a record waits while an earlier one of its lane is unresolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Ordering {
    /// No.
    None,
    /// Yes: at most one record of a lane is under way.
    PerKey,
}

/// What happens to a record that was refused or not answered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::scenario) enum Retry {
    /// No second attempt.
    None {},
    /// The same wait each time.
    Fixed {
        /// The most attempts of one record.
        #[serde(default = "defaults::attempts")]
        #[schemars(range(min = 1, max = 1_000))]
        attempts: u32,
        /// The wait.
        #[serde(default = "defaults::retry_base")]
        base: DurationText,
        /// What is tried again.
        #[serde(default = "defaults::retry_of")]
        of: RetryOf,
        /// A record is not tried again when it is older, from its release; no bound if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<DurationText>,
    },
    /// Waits that double up to a cap.
    Exponential {
        /// The most attempts of one record.
        #[serde(default = "defaults::attempts")]
        #[schemars(range(min = 1, max = 1_000))]
        attempts: u32,
        /// The first wait.
        #[serde(default = "defaults::retry_base")]
        base: DurationText,
        /// The longest wait.
        #[serde(default = "defaults::retry_cap")]
        cap: DurationText,
        /// What is tried again.
        #[serde(default = "defaults::retry_of")]
        of: RetryOf,
        /// A record is not tried again when it is older, from its release; no bound if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<DurationText>,
    },
    /// Uniform from zero to what `exponential` gives.
    FullJitter {
        /// The most attempts of one record.
        #[serde(default = "defaults::attempts")]
        #[schemars(range(min = 1, max = 1_000))]
        attempts: u32,
        /// The first wait, at most.
        #[serde(default = "defaults::retry_base")]
        base: DurationText,
        /// The longest wait.
        #[serde(default = "defaults::retry_cap")]
        cap: DurationText,
        /// What is tried again.
        #[serde(default = "defaults::retry_of")]
        of: RetryOf,
        /// A record is not tried again when it is older, from its release; no bound if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<DurationText>,
    },
    /// Half of what `exponential` gives, and uniform up to the whole.
    EqualJitter {
        /// The most attempts of one record.
        #[serde(default = "defaults::attempts")]
        #[schemars(range(min = 1, max = 1_000))]
        attempts: u32,
        /// The first wait, at most.
        #[serde(default = "defaults::retry_base")]
        base: DurationText,
        /// The longest wait.
        #[serde(default = "defaults::retry_cap")]
        cap: DurationText,
        /// What is tried again.
        #[serde(default = "defaults::retry_of")]
        of: RetryOf,
        /// A record is not tried again when it is older, from its release; no bound if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<DurationText>,
    },
    /// Uniform from the base to three times the last wait, up to a cap.
    Decorrelated {
        /// The most attempts of one record.
        #[serde(default = "defaults::attempts")]
        #[schemars(range(min = 1, max = 1_000))]
        attempts: u32,
        /// The first wait, at least.
        #[serde(default = "defaults::retry_base")]
        base: DurationText,
        /// The longest wait.
        #[serde(default = "defaults::retry_cap")]
        cap: DurationText,
        /// What is tried again.
        #[serde(default = "defaults::retry_of")]
        of: RetryOf,
        /// A record is not tried again when it is older, from its release; no bound if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<DurationText>,
    },
}

/// What a client tries again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum RetryOf {
    /// Every record that may pass later, also those refused within an answered PutRecords call.
    Record,
    /// Calls that failed as a whole, as SDKs do: records refused within an answered call are left to the application,
    /// which gives them up here.
    Call,
}
