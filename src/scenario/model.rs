//! A scenario as the run needs it: every value checked, in one unit, with its default filled in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use super::curve::{Curve, Point, Spacing};
pub use super::json_template::{
    JsonTemplate, Piece, Range, TIME_BYTES, TemplateError, escape, escaped_bytes,
};
pub use super::key_table::KeyTable;
pub use super::payload_file::PayloadFile;
use crate::base::Timestamp;
use crate::kinesis::api::ApiCall;
pub use crate::kinesis::operation::{PutApi, StreamMode};
use crate::kinesis::quotas::Limits;
use crate::kinesis::{ConsumerName, Delays, HashKey, ShardId, StreamName};

/// A checked scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name; part of the results folder's.
    pub name: String,
    /// The question that it answers.
    pub question: String,
    /// What all its random numbers come from.
    pub seed: u64,
    /// How long its phases last.
    pub time: Time,
    /// The streams by name; none only where every load is a script.
    pub streams: BTreeMap<String, Stream>,
    /// The embedded engine's settings.
    pub engine: Engine,
    /// The producers by name.
    pub producers: BTreeMap<String, Producer>,
    /// The consumers by name.
    pub consumers: BTreeMap<String, Consumer>,
    /// The loads of API calls by name.
    pub calls: BTreeMap<String, Calls>,
    /// What happens meanwhile, by name.
    pub events: BTreeMap<String, Event>,
    /// What must hold, by name.
    pub slo: BTreeMap<String, Slo>,
}

impl Scenario {
    /// Whether a run of it makes streams.
    pub fn creates_streams(&self) -> bool {
        let mut calls = self.calls.values();
        self.streams.values().any(|stream| !stream.existing)
            || calls.any(|calls| calls.stream().is_none())
    }

    /// Who plays a recording that ends before the load does (`producers.web`), and when that is, from the load's start.
    pub fn short_recordings(&self) -> Vec<(String, Duration)> {
        let producers = self.producers.values();
        let producers =
            producers.map(|its| (format!("producers.{}", its.name), Some(&its.arrival)));
        let calls = self.calls.values();
        let calls = calls.map(|its| (format!("calls.{}", its.name), its.arrival.as_ref()));
        let ends = producers.chain(calls).filter_map(|(player, arrival)| {
            let ends = arrival?.recording_ends()?;
            (ends < self.time.load()).then_some((player, ends))
        });
        ends.collect()
    }
}

/// The phases of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Time {
    /// Before the measurement window; may be zero.
    pub warm_up: Duration,
    /// The measurement window, above zero.
    pub measure: Duration,
    /// At most this long for readers to reach the last acknowledged record.
    pub drain: Duration,
}

impl Time {
    /// How long records are sent: warm-up and measurement window.
    pub fn load(&self) -> Duration {
        self.warm_up + self.measure
    }
}

/// A stream of the scenario.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Its name, as the scenario's table and as the service know it.
    pub name: StreamName,
    /// Who decides how many shards it has.
    pub mode: StreamMode,
    /// Shards at the start, at least 1; of an existing stream, those that forecasts assume.
    pub shards: u32,
    /// How long records are kept, 24 h to 8760 h.
    pub retention: Duration,
    /// The largest record, data and key, 1 MiB to 10 MiB.
    pub max_record_bytes: u64,
    /// Whether it is there before the run and stays after it.
    pub existing: bool,
}

/// The embedded engine's settings.
#[derive(Clone, Debug)]
pub struct Engine {
    /// The limits in force.
    pub limits: Limits,
    /// How long the service takes.
    pub delays: Delays,
    /// The most memory that stored records may take; beyond it the oldest go.
    pub max_memory_bytes: u64,
}

/// A group of producer workers that share a schedule.
#[derive(Clone, Debug)]
pub struct Producer {
    /// Its name.
    pub name: String,
    /// The stream it writes to.
    pub stream: StreamName,
    /// How many workers divide the schedule, at least 1.
    pub workers: u32,
    /// When records are meant to be sent.
    pub arrival: Arrival,
    /// Their partition keys.
    pub keys: Keys,
    /// How large their data is, in bytes with the stamp.
    pub size: Size,
    /// What the data is.
    pub payload: Payload,
    /// How they are batched and sent.
    pub send: Send,
    /// What happens to refused ones.
    pub retry: Retry,
}

/// When records are meant to be sent; rates are of the whole producer.
#[derive(Clone, PartialEq, Debug)]
pub enum Arrival {
    /// Evenly spaced, shifted in phase from worker to worker.
    Constant {
        /// Records per second, above zero.
        rate: f64,
    },
    /// A Poisson process.
    Poisson {
        /// Records per second on average, above zero.
        rate: f64,
    },
    /// A rate that changes over time.
    Varying {
        /// The rate.
        curve: Curve,
        /// How records are spaced.
        spacing: Spacing,
    },
    /// At recorded times; worker `w` of `n` has the records `w`, `w + n`, and so on.
    Trace {
        /// From the start, never falling, in nanoseconds.
        times_ns: Arc<[u64]>,
        /// How much faster than recorded, above zero.
        speed_up: f64,
    },
    /// As fast as records are acknowledged, with so many records outstanding in each worker.
    Closed {
        /// Records outstanding per worker, at least 1.
        outstanding: u32,
    },
}

impl Arrival {
    /// When the last record of a recording comes, from the start of the load; `None` where nothing is played.
    pub fn recording_ends(&self) -> Option<Duration> {
        match self {
            Self::Trace { times_ns, speed_up } => {
                let last_ns = times_ns.last().map_or(0.0, |&last| last as f64);
                Some(Duration::from_nanos((last_ns / speed_up) as u64))
            }
            _ => None,
        }
    }
}

/// Which partition keys records have. Every key is a number, shown by a [`Keys::format`].
#[derive(Clone, PartialEq, Debug)]
pub struct Keys {
    /// Which numbers are drawn.
    pub choice: KeyChoice,
    /// What stands before and after the decimal number: `key-` and nothing by default.
    pub format: (String, String),
}

/// Which key numbers are drawn.
#[derive(Clone, PartialEq, Debug)]
pub enum KeyChoice {
    /// Each of `population` keys is as likely.
    Uniform {
        /// How many keys, at least 1.
        population: u64,
    },
    /// Key `k` (from 0) has a share proportional to `1 / (k + 1)^exponent`.
    Zipf {
        /// How many keys, at least 1.
        population: u64,
        /// Above zero.
        exponent: f64,
    },
    /// `hot_keys` keys share `hot_share` of the records evenly; the other keys share the rest.
    HotSet {
        /// The first keys of the population, at least 1.
        hot_keys: u64,
        /// 0 to 1.
        hot_share: f64,
        /// All keys, above `hot_keys`.
        population: u64,
    },
    /// 0, 1, 2, ... up to `population`, then from 0 again; workers take turns.
    Sequential {
        /// How many keys, at least 1.
        population: u64,
    },
    /// One key.
    Single,
    /// Never the same key twice in a run.
    Unique,
    /// Key `k` has the normal distribution's share of `k..k + 1`, cut to the population.
    Normal {
        /// How many keys, at least 1.
        population: u64,
        /// The middle, within the population.
        mean: f64,
        /// The standard deviation in keys, above zero and at most the population.
        sd: f64,
    },
    /// Key `k` has a share proportional to `exp(-k / mean)`.
    Exponential {
        /// How many keys, at least 1.
        population: u64,
        /// The mean number of an uncut law, above zero.
        mean: f64,
    },
    /// New keys come all the time, and the newest are the heaviest: a Zipf law over the last `population` keys of a worker.
    Latest {
        /// How many of the newest keys, at least 1.
        population: u64,
        /// Above zero.
        exponent: f64,
        /// The share of the records that have a new key, 0 to 1.
        new_share: f64,
    },
    /// Written keys; the format is not used.
    Listed(Arc<KeyTable>),
    /// Others by their shares; the format is not used.
    Mix(Vec<(f64, Keys)>),
    /// Each key spread over `salt` keys: `-0` to `-<salt - 1>` after its text.
    Salted {
        /// How many, at least 2.
        salt: u64,
        /// Of these keys, none of them mixed, unique, latest or salted.
        of: Box<KeyChoice>,
    },
}

/// How large records are, in bytes.
#[derive(Clone, PartialEq, Debug)]
pub enum Size {
    /// All the same.
    Fixed {
        /// Bytes.
        bytes: u64,
    },
    /// Each size from `min` to `max` is as likely.
    Uniform {
        /// The least.
        min: u64,
        /// The most, not below `min`.
        max: u64,
    },
    /// Normal, cut at both ends.
    Normal {
        /// The mean of the uncut distribution.
        mean: u64,
        /// Its standard deviation in bytes, above zero.
        sigma: f64,
        /// Smaller draws become this.
        min: u64,
        /// Larger draws become this.
        max: u64,
    },
    /// Log-normal, cut at both ends.
    LogNormal {
        /// The median.
        median: u64,
        /// The standard deviation of the logarithm, above zero.
        sigma: f64,
        /// Smaller draws become this.
        min: u64,
        /// Larger draws become this.
        max: u64,
    },
    /// By quantiles, straight between them.
    Quantiles {
        /// Quantiles that rise from 0 to 1, and their sizes, which never fall.
        points: Arc<[(f64, u64)]>,
    },
    /// What each payload takes: that of a template, or of a line of a file.
    Natural {
        /// No payload is smaller.
        min: u64,
        /// No payload is larger.
        max: u64,
    },
    /// Recorded sizes; worker `w` of `n` has the records `w`, `w + n`, and so on, from the first again at the end.
    Trace {
        /// Bytes, at least one record's.
        sizes: Arc<[u32]>,
    },
}

impl Size {
    /// The largest size that can be drawn.
    pub fn max_bytes(&self) -> u64 {
        match self {
            Self::Fixed { bytes } => *bytes,
            Self::Uniform { max, .. }
            | Self::Normal { max, .. }
            | Self::LogNormal { max, .. }
            | Self::Natural { max, .. } => *max,
            Self::Trace { sizes } => sizes.iter().copied().max().unwrap_or(0).into(),
            Self::Quantiles { points } => points.last().map_or(0, |(_, size)| *size),
        }
    }

    /// The smallest size that can be drawn.
    pub fn min_bytes(&self) -> u64 {
        match self {
            Self::Fixed { bytes } => *bytes,
            Self::Uniform { min, .. }
            | Self::Normal { min, .. }
            | Self::LogNormal { min, .. }
            | Self::Natural { min, .. } => *min,
            Self::Trace { sizes } => sizes.iter().copied().min().unwrap_or(0).into(),
            Self::Quantiles { points } => points.first().map_or(0, |(_, size)| *size),
        }
    }
}

/// What records hold besides the stamp.
#[derive(Clone, PartialEq, Debug)]
pub struct Payload {
    /// The bytes.
    pub kind: PayloadKind,
    /// Where the stamp stands.
    pub stamp: StampPlace,
}

/// The bytes of a payload.
#[derive(Clone, PartialEq, Debug)]
pub enum PayloadKind {
    /// Random bytes, which do not compress.
    Random,
    /// Zeros.
    Zeros,
    /// Bytes that gzip and zstd make so many times smaller.
    Compressible {
        /// Of the bytes after the stamp, 1 or more.
        ratio: f64,
    },
    /// JSON objects, padded where sizes are drawn.
    Json(Arc<JsonTemplate>),
    /// Pieces of a file, which has a byte at least.
    Cuts(PayloadFile),
    /// Lines of a file, which has one at least.
    Lines {
        /// The file.
        file: PayloadFile,
        /// In its order, then from the first line again, workers taking turns; else each line is as likely.
        in_order: bool,
    },
}

impl PayloadKind {
    /// Payloads are never to be made smaller than this: below it a byte is too large a part of the 2 % within which both
    /// gzip and zstd meet the ratio.
    pub const LEAST_COMPRESSED_BYTES: u64 = 128;
    /// The smallest record whose ratio is promised.
    pub const LEAST_RATIO_RECORD_BYTES: u64 = 1_024;
}

/// Where a record's stamp stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StampPlace {
    /// The first 36 bytes.
    Prefix,
    /// The last member of a JSON object.
    JsonField,
    /// Nowhere: integrity and end-to-end latency are not measured.
    None,
}

/// How records are batched and sent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Send {
    /// Which operation.
    pub api: PutApi,
    /// The most records of one request, 1 to 500; 1 for PutRecord.
    pub max_records: u32,
    /// The most bytes of data and keys of one request.
    pub max_bytes: u64,
    /// How long a batch waits to fill, from its first record.
    pub linger: Duration,
    /// The most requests under way per worker, at least 1.
    pub max_in_flight: u32,
    /// When an attempt without an answer is given up as unknown.
    pub timeout: Duration,
    /// Whether records of one lane wait for each other.
    pub ordering: Ordering,
    /// The most records that wait in a worker for a request, at least 1; more become `not_sent`.
    pub max_queued: u32,
    /// The most that each worker sends to one shard.
    pub rate_limit: Option<RateLimit>,
    /// Whether and how records of one shard are packed into one.
    pub aggregate: Option<Aggregate>,
}

/// The most that a worker sends to one shard, as the service counts: Kinesis records and their bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RateLimit {
    /// Records a second, above zero; infinite for no limit.
    pub records_per_s: f64,
    /// Bytes of data and keys a second, above zero; infinite for no limit.
    pub bytes_per_s: f64,
}

/// When a packed record is full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Aggregate {
    /// The most records of one Kinesis record, at least 1.
    pub max_records: u32,
    /// The most bytes of data of one; a record that does not fit goes by itself.
    pub max_bytes: u64,
    /// How long it waits to fill, from its first record.
    pub linger: Duration,
}

/// Whether a record waits while an earlier one of its lane is unresolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ordering {
    /// No.
    None,
    /// Yes: at most one record of a lane is under way.
    PerKey,
}

/// What happens to a record that was refused or not answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retry {
    /// How waits grow.
    pub kind: RetryKind,
    /// The most attempts of one record, at least 1.
    pub attempts: u32,
    /// The first wait.
    pub base: Duration,
    /// The longest wait.
    pub cap: Duration,
    /// What is tried again.
    pub of: RetryOf,
    /// A record is not tried again when it is older, from its release.
    pub ttl: Option<Duration>,
}

/// What a client tries again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryOf {
    /// Every record, also those refused within an answered call.
    Record,
    /// Only calls that failed as a whole.
    Call,
}

/// How the wait before attempt `n + 1` comes from `base` and `cap`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryKind {
    /// No second attempt.
    None,
    /// `base` each time.
    Fixed,
    /// `min(cap, base * 2^(n - 1))`.
    Exponential,
    /// Uniform from zero to what `Exponential` gives.
    FullJitter,
    /// Uniform from half of what `Exponential` gives to all of it.
    EqualJitter,
    /// `min(cap, uniform from base to 3 times the last wait)`, the last wait before the first being `base`.
    Decorrelated,
}

/// A group of readers.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name.
    pub name: String,
    /// The stream it reads.
    pub stream: StreamName,
    /// How it reads.
    pub kind: ConsumerKind,
    /// Where it begins.
    pub start: StartPosition,
    /// Bytes per second that it may take of each shard; `None` as much as the shard gives. No setting of the file: the guard
    /// of existing streams on AWS sets it.
    pub max_bytes_per_s: Option<u64>,
}

/// How a consumer reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConsumerKind {
    /// GetRecords in a loop for each shard, children after their parents.
    Polling {
        /// From the start of one call to the start of the next; the next is immediate while the reader is behind and
        /// the interval has passed.
        interval: Duration,
        /// Limit of each call, 1 to 10,000.
        max_records: u32,
        /// The wait after a refused call.
        backoff: Duration,
    },
    /// SubscribeToShard for each shard, children after their parents.
    FanOut {
        /// The name to register under; `None` one of the run's own.
        name: Option<ConsumerName>,
        /// The ARN of a consumer that was registered for this run before it began. No setting of the file: whoever surrounds
        /// a run on AWS sets it.
        registered: Option<String>,
    },
}

impl ConsumerKind {
    /// The kind as scenarios write it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Polling { .. } => "polling",
            Self::FanOut { .. } => "fan-out",
        }
    }

    /// Whether it is an enhanced fan-out consumer, which takes nothing from a shard's other readers.
    pub const fn is_fan_out(&self) -> bool {
        matches!(self, Self::FanOut { .. })
    }
}

/// Where a consumer begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartPosition {
    /// The oldest record.
    TrimHorizon,
    /// After the newest.
    Latest,
    /// The first that arrived at this time or later.
    At(Timestamp),
}

/// A load of API calls.
#[derive(Clone, Debug)]
pub struct Calls {
    /// Its name.
    pub name: String,
    /// How many workers divide the schedule, at least 1.
    pub workers: u32,
    /// When calls are made or scripts begin; `None` for scripts that each worker runs once, from the start of the
    /// measurement window.
    pub arrival: Option<Arrival>,
    /// When a call without an answer is given up as unknown.
    pub timeout: Duration,
    /// The most calls of a mix under way per worker, at least 1.
    pub max_in_flight: u32,
    /// The most calls of a mix that wait in a worker, at least 1; more become `not_sent`.
    pub max_queued: u32,
    /// What is called.
    pub load: CallLoad,
}

/// What a load of API calls calls.
#[derive(Clone, PartialEq, Debug)]
pub enum CallLoad {
    /// Operations on a stream of the scenario, each as often as its weight says.
    Mix {
        /// The stream.
        stream: StreamName,
        /// The calls in the order of their names, with weights above zero.
        calls: Vec<(ApiCall, f64)>,
    },
    /// Steps in their order, on streams of the load's own. The first one makes the stream.
    Script(Vec<Step>),
}

/// A step of a script.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Step {
    /// CreateStream.
    CreateStream {
        /// Shards at the start, at least 1.
        shards: u32,
    },
    /// Looks until the stream is in a state.
    Wait(WaitUntil),
    /// SplitShard of the widest shard, in the middle.
    SplitShard,
    /// MergeShards of the two shards with the lowest hash keys.
    MergeShards,
    /// UpdateShardCount.
    UpdateShardCount {
        /// Open shards wanted, at least 1.
        target: u32,
    },
    /// Another operation, or a case.
    Call(ApiCall),
    /// DeleteStream.
    DeleteStream,
}

/// A state that a script waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitUntil {
    /// The stream is ACTIVE.
    Active,
    /// The stream is gone.
    Deleted,
}

impl Calls {
    /// The stream of the scenario that it is about; `None` for scripts.
    pub const fn stream(&self) -> Option<&StreamName> {
        match &self.load {
            CallLoad::Mix { stream, .. } => Some(stream),
            CallLoad::Script(_) => None,
        }
    }

    /// The calls that it makes, each once: those of a mix, or of a script's steps in their order.
    pub fn calls(&self) -> Vec<ApiCall> {
        let steps = match &self.load {
            CallLoad::Mix { calls, .. } => return calls.iter().map(|(call, _)| *call).collect(),
            CallLoad::Script(steps) => steps,
        };
        let mut calls: Vec<ApiCall> = Vec::new();
        for call in steps.iter().filter_map(Step::call) {
            if !calls.contains(&call) {
                calls.push(call);
            }
        }
        calls
    }
}

impl Step {
    /// The call that it makes. What a `wait` looks with is not one of the load.
    pub fn call(&self) -> Option<ApiCall> {
        match self {
            Self::CreateStream { .. } => ApiCall::valid("CreateStream"),
            Self::Wait(_) => None,
            Self::SplitShard => ApiCall::valid("SplitShard"),
            Self::MergeShards => ApiCall::valid("MergeShards"),
            Self::UpdateShardCount { .. } => ApiCall::valid("UpdateShardCount"),
            Self::Call(call) => Some(*call),
            Self::DeleteStream => ApiCall::valid("DeleteStream"),
        }
    }
}

/// Something that happens in mid-run.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// After which phase's start, and how long after.
    pub at: EventTime,
    /// The stream that it happens to.
    pub stream: StreamName,
    /// What happens.
    pub action: Action,
    /// Whether a target that cannot do it is no error.
    pub optional: bool,
}

/// When an event happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventTime {
    /// So long after the start of warm-up.
    WarmUp(Duration),
    /// So long after the start of the measurement window.
    Measure(Duration),
    /// So long after the start of the drain.
    Drain(Duration),
}

impl EventTime {
    /// From the start of warm-up.
    pub fn offset(&self, time: &Time) -> Duration {
        match *self {
            Self::WarmUp(after) => after,
            Self::Measure(after) => time.warm_up + after,
            Self::Drain(after) => time.load() + after,
        }
    }
}

/// What an event does.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Action {
    /// SplitShard, in the middle or at a hash key.
    SplitShard {
        /// Which.
        shard: ShardChoice,
        /// Where the second child begins; the middle of the range if not given.
        at: Option<HashKey>,
    },
    /// MergeShards of a shard and its neighbour on the right.
    MergeShards {
        /// The one with the lower hash keys.
        shard: ShardChoice,
    },
    /// UpdateShardCount.
    UpdateShardCount {
        /// Open shards wanted.
        target: u32,
    },
    /// The target answers nothing for a while, then everything.
    Stall {
        /// How long.
        duration: Duration,
    },
    /// The target refuses a share of the records put.
    ThrottleStorm {
        /// How long.
        duration: Duration,
        /// Which shard, or all of them.
        shard: Option<ShardChoice>,
        /// The share that is refused, 0 to 1.
        share: f64,
    },
    /// Every connection to the target is broken.
    ResetConnections,
}

/// Which shard an event means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShardChoice {
    /// The open shard with the most records offered in the last whole second, or the lowest number if none had any.
    Hottest,
    /// The open shard with the fewest.
    Coldest,
    /// The open shard with the widest hash key range, the lowest number of equals.
    Widest,
    /// This one.
    Id(ShardId),
}

/// A bound on one figure of the report.
#[derive(Clone, PartialEq, Debug)]
pub struct Slo {
    /// Its name.
    pub name: String,
    /// Path of the figure, such as `consumers.billing.end_to_end.p99`.
    pub metric: String,
    /// The figure may not be above this: microseconds for latencies, else a plain number.
    pub max: Option<f64>,
    /// The figure may not be below this.
    pub min: Option<f64>,
}
