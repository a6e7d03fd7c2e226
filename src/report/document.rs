//! The report as a document: everything that a page or a table shows is in it.
//!
//! Member order is field order, maps are sorted by name, and a simulated report holds virtual times and nothing of the
//! host, so that a seed gives the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::waits::Waits;
use crate::measure::{
    Balance, ConsumerLedger, FEW_SAMPLES, LatencyKind, LatencySummary, ProducerLedger, ShardTotals,
    Status, ThrottleRow, Verdict, Watched, few_samples,
};
use crate::report::aftermath::Aftermath;
use crate::report::answer;
use crate::report::aws::AwsRun;
use crate::report::calls::CallsSummary;
use crate::report::forecast::StreamForecast;
use crate::report::sampled::Sampled;
use crate::report::series::{Effect, Heat, Minutes, Timeline};
use crate::report::slo::{self, SloResult};
use crate::scenario::model::Slo;

/// The version of the document's form. A reader accepts this one.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that is known of one run.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// How far the run may be believed, and why not.
    pub verdict: Verdict,
    /// What had to hold, in the order of names; see [`crate::report::slo::evaluate`].
    pub slo: Vec<SloResult>,
    /// What the scenario's question comes to; see [`crate::report::answer::answer`].
    pub answer: String,
    /// What was asked.
    pub scenario: ScenarioInfo,
    /// What all random numbers came from.
    pub seed: u64,
    /// Where it ran.
    pub world: World,
    /// What kind of numbers these are.
    pub basis: FigureBasis,
    /// Where every record ended.
    pub ledger: Ledger,
    /// Latencies of the measurement window.
    pub latency: Latency,
    /// Attempts refused in the measurement window, by stream, API, shard and cause.
    pub throttling: Vec<ThrottlingRow>,
    /// How long refusals went on after what caused them, the longest first; empty where nothing was refused, and where
    /// several hosts made the run, none of which saw a whole load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals_outlived: Vec<Aftermath>,
    /// How evenly the load of the measurement window lay on each stream's shards, by stream.
    pub balance: BTreeMap<String, StreamBalance>,
    /// The producers by name.
    pub producers: BTreeMap<String, ProducerSummary>,
    /// The consumers by name.
    pub consumers: BTreeMap<String, ConsumerSummary>,
    /// The loads of API calls by name; absent where there are none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<String, CallsSummary>,
    /// Every shard that existed during the run, sorted by stream and number.
    pub shards: Vec<ShardRow>,
    /// What happened meanwhile, in order of time.
    pub events: Vec<EventRow>,
    /// Load and latency over time; absent from reports of earlier versions and of runs in which nothing happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// Each stream's shards against their limits over time; absent as above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub heat: BTreeMap<String, Heat>,
    /// Each stream as CloudWatch shows it, minute by minute, beside the truth; absent as above, and where intervals are too
    /// long to see within a minute.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub minutes: BTreeMap<String, Minutes>,
    /// What was foreseen of each stream that the run wrote to; absent where nobody foresaw anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub forecast: BTreeMap<String, StreamForecast>,
    /// What the instrument says of itself.
    pub instrument: Instrument,
    /// The target outside of this process; absent where the engine is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSummary>,
    /// The host and the target; absent from simulated reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// The account, its streams and its bill; only of runs on AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsRun>,
    /// Which part of a run this is, where several hosts made it; its SLOs are judged when the parts are merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerPart>,
    /// The hosts whose parts were merged into this, in order; empty for a run of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workers: Vec<WorkerRow>,
}

/// The name in verdicts of the doubt that a merged run lacks workers.
pub(in crate::report) const MISSING_WORKERS: &str = "missing_workers";

impl Document {
    /// Holds the figures against the scenario's `slos` and draws the answer. The last step of filling a document: all
    /// other members are read.
    pub fn conclude<'a>(&mut self, slos: impl IntoIterator<Item = &'a Slo>) {
        let results = slos.into_iter().map(|slo| slo::evaluate(self, slo));
        self.slo = results.collect();
        self.doubt_few_samples();
        self.answer = answer::answer(self);
    }

    /// Says of each SLO on a percentile that has too few samples to be one.
    fn doubt_few_samples(&mut self) {
        self.verdict
            .reasons
            .retain(|reason| reason.code != FEW_SAMPLES);
        let few = self.slo.iter().filter_map(|slo| {
            let sampled = Sampled::of(self, &slo.metric)?;
            let wanted = sampled.wants()?;
            Some(few_samples(&slo.metric, sampled.all(), wanted))
        });
        let few: Vec<_> = few.collect();
        if !few.is_empty() {
            self.verdict.status = self.verdict.status.max(Status::Degraded);
            self.verdict.reasons.extend(few);
        }
    }

    /// Whether other workers sent records that this report does not count: it is one part of several, or a merge that
    /// lacks some.
    pub fn lacks_workers(&self) -> bool {
        let reasons = &self.verdict.reasons;
        self.worker.is_some() || reasons.iter().any(|reason| reason.code == MISSING_WORKERS)
    }
}

/// Which part of a run a report is of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerPart {
    /// Which worker, from 1.
    pub worker: u32,
    /// How many there are.
    pub of: u32,
    /// The run, in eight hexadecimal digits.
    pub run: String,
}

/// One host of a run whose parts were merged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WorkerRow {
    /// Which worker, from 1.
    pub worker: u32,
    /// How far its part may be believed.
    pub status: Status,
    /// Whether somebody ended it early.
    pub interrupted: bool,
    /// Length of its measurement window, in seconds; reports merged by earlier versions do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure_s: Option<f64>,
    /// Records that its schedule asked for.
    pub intended: u64,
    /// Of those: accepted.
    pub acked: u64,
    /// The consumers that it read for.
    pub reads: Vec<String>,
    /// How long its drain took, in seconds.
    pub drain_s: f64,
    /// The longest time that a pacer was away beyond what it meant to sleep, in microseconds.
    pub pacer_gap_us_max: u64,
    /// As in [`Instrument`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_cpu_share: Option<f64>,
    /// As in [`Instrument`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_steal_share: Option<f64>,
    /// As in [`Instrument`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<[f64; 2]>,
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

/// The scenario that ran.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScenarioInfo {
    /// Its name.
    pub name: String,
    /// Its question; may be empty.
    pub question: String,
    /// The whole file as it was run, with what `--set` and `--variant` changed.
    pub text: String,
}

/// Where a scenario runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum World {
    /// The engine in this process, in real time.
    Embedded,
    /// A Kinesis-compatible HTTP endpoint.
    Endpoint,
    /// Amazon Kinesis.
    Aws,
    /// The engine on a virtual clock.
    Simulated,
}

impl World {
    /// The world as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Endpoint => "endpoint",
            Self::Aws => "aws",
            Self::Simulated => "simulated",
        }
    }

    /// What kind of numbers a run in this world gives.
    pub const fn basis(self) -> FigureBasis {
        match self {
            Self::Embedded | Self::Endpoint | Self::Aws => FigureBasis::Measured,
            Self::Simulated => FigureBasis::Simulated,
        }
    }
}

/// What kind of number a figure is. Shown wherever the figure is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FigureBasis {
    /// Something was timed or counted.
    Measured,
    /// A model of the service's delays gave it.
    Simulated,
    /// Somebody wrote it down.
    Assumed,
}

impl FigureBasis {
    /// The basis as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Simulated => "simulated",
            Self::Assumed => "assumed",
        }
    }
}

/// The ledgers by name of producer and consumer.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Where the records of each producer ended.
    pub producers: BTreeMap<String, ByPhase<ProducerLedger>>,
    /// What each consumer saw of them. A consumer whose records carry no stamp is not here: its integrity is not
    /// measured.
    pub consumers: BTreeMap<String, ByPhase<ConsumerLedger>>,
}

/// Ledgers of the whole run and of the phases that records were meant for.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct ByPhase<L> {
    /// The whole run. Of a consumer it also holds what has no phase, such as corrupt deliveries.
    pub total: L,
    /// Records meant for the time before the measurement window.
    pub warm_up: L,
    /// Records meant for the measurement window.
    pub measure: L,
}

impl ByPhase<ProducerLedger> {
    /// The two phases and their sum.
    pub const fn of(warm_up: ProducerLedger, measure: ProducerLedger) -> Self {
        let mut total = warm_up;
        total.merge(&measure);
        Self {
            total,
            warm_up,
            measure,
        }
    }
}

/// Latency figures by name and kind.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Latency {
    /// Of each producer.
    pub producers: BTreeMap<String, BTreeMap<LatencyKind, LatencySummary>>,
    /// Of each consumer.
    pub consumers: BTreeMap<String, BTreeMap<LatencyKind, LatencySummary>>,
}

/// Refused attempts of one stream, API, shard and cause.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ThrottlingRow {
    /// The stream.
    pub stream: String,
    /// The rest of the row.
    #[serde(flatten)]
    pub row: ThrottleRow,
}

/// How evenly the offered load lay on a stream's shards; of a stream that only others write, what was read of it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StreamBalance {
    /// By records.
    pub records: Balance,
    /// By billed bytes.
    pub bytes: Balance,
}

impl StreamBalance {
    /// The balance over `rows`, all of one stream: of what was offered to its shards, or, where the run did not write it, of
    /// what was read of them.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a ShardRow>, is_written: bool) -> Self {
        let rows: Vec<_> = rows.into_iter().collect();
        let even: Option<Vec<_>> = rows.iter().map(|row| row.even).collect();
        let spread = |load: fn(&ShardTotals) -> u64, part: fn(&EvenPart) -> f64| {
            let loads: Vec<_> = rows
                .iter()
                .map(|row| (row.totals.shard, load(&row.totals)))
                .collect();
            match &even {
                Some(even) => Balance::beside(&loads, &even.iter().map(part).collect::<Vec<_>>()),
                None => Balance::of(&loads),
            }
        };
        if is_written {
            Self {
                records: spread(|shard| shard.offered, |even| even.records),
                bytes: spread(|shard| shard.offered_bytes, |even| even.bytes),
            }
        } else {
            Self {
                records: spread(|shard| shard.delivered, |even| even.records),
                bytes: spread(|shard| shard.delivered_bytes, |even| even.bytes),
            }
        }
    }
}

/// A producer's rates over the measurement window.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ProducerSummary {
    /// The stream it writes to.
    pub stream: String,
    /// Its workers.
    pub workers: u32,
    /// What the schedule asked for.
    pub offered_records_per_s: f64,
    /// Goodput: what was acknowledged.
    pub acked_records_per_s: f64,
    /// The same in billed bytes.
    pub acked_bytes_per_s: f64,
    /// Acked per intended, 0 to 1.
    pub accepted_share: f64,
    /// Records of the measurement window that were due and waited because `max_in_flight` requests were under way; absent
    /// if none did. Lingering is not in it: both are in `batch_wait`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_waits: Option<Waits>,
    /// Records of the measurement window that `send.rate_limit` held back; absent if none was. Part of `batch_wait`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit_waits: Option<Waits>,
    /// Records of the measurement window that waited for the one before them in their lane, as `send.ordering =
    /// "per-key"` has it; absent if none did. Part of `batch_wait`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_waits: Option<Waits>,
    /// Attempts per intended record; 1 when each was sent once. Absent when none was intended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amplification: Option<f64>,
    /// Records per Kinesis record sent; 1 unless records are packed (`send.aggregate`). Absent when none was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_per_kinesis_record: Option<f64>,
    /// The last refusal of a whole request that no limit explains, in the target's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

impl ProducerSummary {
    /// The rates of a producer whose records of the measurement window, `measure_s` seconds long, ended as in `ledger`.
    pub fn of(stream: &str, workers: u32, ledger: &ProducerLedger, measure_s: f64) -> Self {
        Self {
            stream: stream.to_owned(),
            workers,
            offered_records_per_s: per_s(ledger.intended, measure_s),
            acked_records_per_s: per_s(ledger.acked, measure_s),
            acked_bytes_per_s: per_s(ledger.acked_bytes, measure_s),
            accepted_share: ledger.accepted_share(),
            slot_waits: None,
            rate_limit_waits: None,
            order_waits: None,
            amplification: ledger.amplification(),
            records_per_kinesis_record: ledger.records_per_kinesis_record(),
            last_failure: None,
        }
    }
}

/// How a consumer fared.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ConsumerSummary {
    /// The stream it reads.
    pub stream: String,
    /// How it reads: `polling`, `fan-out`.
    pub kind: String,
    /// Reading calls over the whole run, refused ones included; of a fan-out consumer its calls for subscriptions.
    pub calls: u64,
    /// Events that its subscriptions brought over the whole run, those without records included; none of a polling consumer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Everything it was given over the whole run, its own records or not; packed records count one by one.
    pub deliveries: u64,
    /// The Kinesis records that they came in.
    #[serde(default)]
    pub kinesis_records: u64,
    /// First deliveries of records of the measurement window, over its length; `None` where integrity is not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_records_per_s: Option<f64>,
    /// Whether it had reached the last acknowledged record when the run ended.
    pub caught_up: bool,
    /// The last refusal that no limit explains, in the target's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// What it saw of a stream that only others write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<Watched>,
}

/// `count` over `seconds`; 0 where no time passed, because a document holds no infinite numbers.
pub fn per_s(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

/// What a shard would have been offered in the measurement window (or, where the run did not write, read of) if the shards that
/// were open beside one another had taken equal parts at each moment.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct EvenPart {
    /// Records.
    pub records: f64,
    /// Their billed bytes.
    pub bytes: f64,
}

/// One shard. Its counts are of the measurement window.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ShardRow {
    /// The stream.
    pub stream: String,
    /// What it saw.
    #[serde(flatten)]
    pub totals: ShardTotals,
    /// The shard or the two shards that it came from in this run, as the service writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<String>,
    /// When it took the place of its parents, in seconds since the load began; `None` if it was there before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_s: Option<f64>,
    /// When it stopped taking records; `None` if it took them to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_s: Option<f64>,
    /// Its even part, where shards of the stream opened or closed in the measurement window; absent elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub even: Option<EvenPart>,
}

impl ShardRow {
    /// For how many seconds of the measurement window it took records.
    pub fn open_s(&self, instrument: &Instrument) -> f64 {
        let (from, until) = self.open_between(instrument.warm_up_s, instrument.measure_s);
        until - from
    }

    /// When it took records in a window that begins at `warm_up_s` and lasts `measure_s`, in seconds since the load began; the
    /// end is not before the beginning.
    pub fn open_between(&self, warm_up_s: f64, measure_s: f64) -> (f64, f64) {
        let end = warm_up_s + measure_s;
        let from = self.opened_s.unwrap_or(warm_up_s).clamp(warm_up_s, end);
        (from, self.closed_s.unwrap_or(end).clamp(from, end))
    }
}

/// An event of the scenario.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EventRow {
    /// Its name.
    pub name: String,
    /// What it did, as the scenario writes it: `split-shard`.
    pub action: String,
    /// The stream.
    pub stream: String,
    /// When it was due, in seconds since the load began.
    pub planned_s: f64,
    /// When it began; `None` if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_s: Option<f64>,
    /// When it was over; `None` if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_s: Option<f64>,
    /// How it went.
    pub status: EventStatus,
    /// To what, or why not: `shardId-000000000001 into 4 and 5`.
    pub detail: String,
    /// What it did to its stream; absent where it did not happen under load, or nothing came before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// How an event went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventStatus {
    /// It happened.
    Done,
    /// The target cannot do it and it was optional, or the run ended before.
    Skipped,
    /// It was tried and refused.
    Failed,
}

impl EventStatus {
    /// The status as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// What the instrument says of itself. Times are virtual in simulated reports.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Instrument {
    /// The program's version.
    pub version: String,
    /// When the load began: UTC, as RFC 3339 writes it.
    pub started: String,
    /// Length of the warm-up, in seconds.
    pub warm_up_s: f64,
    /// Length of the measurement window, in seconds; shorter than planned when interrupted.
    pub measure_s: f64,
    /// How long the drain took, in seconds.
    pub drain_s: f64,
    /// Length of the intervals of `intervals.csv` and `run.hlog`, in seconds.
    pub interval_s: f64,
    /// Whether somebody ended the run early.
    pub interrupted: bool,
    /// The longest time that a pacer was away beyond what it meant to sleep, in microseconds.
    pub pacer_gap_us_max: u64,
    /// Share of the host's processor time in use, 0 to 1; absent where it cannot be read, and from simulated reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_cpu_share: Option<f64>,
    /// Share of processor time that the hypervisor gave to others, 0 to 1; absent as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_steal_share: Option<f64>,
    /// Share of the host's processor time that this process took, 0 to 1; absent as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_cpu_share: Option<f64>,
    /// The longest that a thread which sends stood ready without a processor, as a share of the measurement window;
    /// absent as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_wait_share: Option<f64>,
    /// Page faults in the measurement window that waited for a disk; absent as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major_page_faults: Option<u64>,
    /// The smallest step of the clock, in nanoseconds; absent as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_step_ns: Option<u64>,
    /// What reading the clock costs, in nanoseconds; absent as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_read_ns: Option<u64>,
    /// The service's clock minus this host's lies between these two, in milliseconds, by probe records; absent for a run of
    /// one host, for merged runs, and where no probe was read back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<[f64; 2]>,
    /// How far the clocks of the merged hosts may be apart at most, in milliseconds: `end_to_end` may be wrong by that much.
    /// Absent for a run of one host, and where a host's offset is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks_apart_ms_max: Option<f64>,
}

/// A target outside of this process. Holds no secret.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TargetSummary {
    /// What the command line called it.
    pub name: String,
    /// Where it is; absent where that is the region's own endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What called it: `sdk`. Of a run with only loads of API calls, what made those.
    pub client: String,
    /// What made its loads of API calls, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_client: Option<String>,
    /// What the scenario's `[engine]` came to: `not applicable`.
    pub engine: String,
    /// What its answers held that Kinesis would not say.
    pub findings: Vec<TargetFinding>,
    /// Why it could not be reached when the load was over; absent when it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<String>,
    /// Streams of the run that could not be deleted, each with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_behind: BTreeMap<String, String>,
}

/// Something in a target's answers that Kinesis would not say.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TargetFinding {
    /// What, with the first such answer.
    pub text: String,
    /// How many times.
    pub count: u64,
}

/// The host and the target.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Environment {
    /// The target as the command line names it.
    pub target: String,
    /// The operating system and its version.
    pub os: String,
    /// The processor's model.
    pub cpu_model: String,
    /// Processors that the process may use.
    pub cpus: u32,
    /// Memory of the host, in bytes.
    pub memory_bytes: u64,
}
