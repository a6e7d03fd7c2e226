//! `worker.json`: what joining the folders of several hosts needs and their reports do not hold.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::kinesis::{SequenceNumber, ShardId};
use crate::measure::IntervalClock;
use crate::measure::integrity::{PlacedBook, write_placed};
use crate::measure::tips::Tip;
use crate::report::folder::{Folder, FolderError};
use crate::report::hlog;
use crate::report::results::Latencies;
use crate::run::Outcome;
use crate::scenario::Scenario;
use crate::scenario::model::Slo;

/// The file's name.
pub const WORKER: &str = "worker.json";
/// The latencies of the measurement window, to the bit; see [`hlog::write_window`].
pub const WINDOW: &str = "window.hlog";
/// Where records lie that other hosts read; see [`write_placed`].
pub const PLACED: &str = "placed.bin";

/// The version of the file's form.
pub const VERSION: u32 = 1;

/// The file.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct WorkerFile {
    /// [`VERSION`].
    pub version: u32,
    /// Which worker, from 1.
    pub worker: u32,
    /// How many workers there are.
    pub of: u32,
    /// The run's number in stamps.
    pub run: u32,
    /// When warm-up was to begin, in nanoseconds since 1970.
    pub start_ns: u64,
    /// When interval 0 begins, in nanoseconds since 1970.
    pub intervals_start_ns: u64,
    /// The length of the intervals, in nanoseconds.
    pub interval_ns: u64,
    /// The producers in the order of their numbers.
    pub producers: Vec<ProducerPart>,
    /// The consumers in the order of their numbers.
    pub consumers: Vec<ConsumerPart>,
    /// What must hold of the whole.
    pub slo: Vec<SloPart>,
    /// The newest acknowledged record of each shard, by stream.
    pub tips: BTreeMap<String, Vec<TipPart>>,
}

/// A producer of the scenario.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProducerPart {
    /// Its name.
    pub name: String,
    /// Its workers.
    pub workers: u32,
    /// Whether each of its workers is one host's. Otherwise each worker's records take turns.
    pub by_workers: bool,
}

/// A consumer of the scenario.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ConsumerPart {
    /// Its name.
    pub name: String,
    /// Its stream.
    pub stream: String,
    /// The worker that reads for it, from 1.
    pub worker: u32,
    /// When what it is owed begins, in nanoseconds since 1970; absent where that is the run's first record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_from_ns: Option<u64>,
    /// By shard: when the last call began that was told that nothing is left, in nanoseconds since 1970. Of a consumer that
    /// this worker reads for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_tip_ns: BTreeMap<String, u64>,
}

/// A bound that a figure of the whole must keep.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SloPart {
    /// Its name.
    pub name: String,
    /// The figure.
    pub metric: String,
    /// The highest value that meets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The lowest value that meets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
}

/// The newest acknowledged record of a shard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TipPart {
    /// The shard.
    pub shard: String,
    /// Its sequence number.
    pub sequence_number: String,
    /// When it was acknowledged, in nanoseconds since 1970, by this host's clock.
    pub acked_ns: u64,
}

impl TipPart {
    fn of(shard: ShardId, tip: Tip) -> Self {
        Self {
            shard: shard.to_string(),
            sequence_number: tip.sequence_number.to_string(),
            acked_ns: tip.acked.as_nanos(),
        }
    }

    /// The tip as a value; nothing when the file does not hold one.
    pub fn read(&self) -> Option<(ShardId, SequenceNumber, Timestamp)> {
        Some((
            self.shard.parse().ok()?,
            self.sequence_number.parse().ok()?,
            Timestamp::from_nanos(self.acked_ns),
        ))
    }
}

impl From<&Slo> for SloPart {
    fn from(slo: &Slo) -> Self {
        Self {
            name: slo.name.clone(),
            metric: slo.metric.clone(),
            max: slo.max,
            min: slo.min,
        }
    }
}

impl From<&SloPart> for Slo {
    fn from(part: &SloPart) -> Self {
        Self {
            name: part.name.clone(),
            metric: part.metric.clone(),
            max: part.max,
            min: part.min,
        }
    }
}

impl WorkerFile {
    /// That of a host of several; nothing for a run of one.
    pub fn of(scenario: &Scenario, outcome: &Outcome) -> Option<Self> {
        let host = outcome.host.as_ref()?;
        let producers = scenario.producers.values().map(|producer| ProducerPart {
            name: producer.name.clone(),
            workers: producer.workers,
            by_workers: host.portion.by_workers(producer),
        });
        let consumers = scenario.consumers.values().zip(0u32..);
        let consumers = consumers.map(|(consumer, number)| {
            let seen = outcome.consumers.get(&consumer.name);
            let at_tip = seen.into_iter().flat_map(|seen| &seen.report.at_tip);
            ConsumerPart {
                name: consumer.name.clone(),
                stream: consumer.stream.to_string(),
                worker: number % host.portion.of() + 1,
                covered_from_ns: seen
                    .and_then(|seen| seen.covered_from)
                    .map(Timestamp::as_nanos),
                at_tip_ns: at_tip
                    .map(|(shard, at)| (shard.to_string(), at.as_nanos()))
                    .collect(),
            }
        });
        let tips = outcome.streams.iter().map(|(name, stream)| {
            let tips = stream.tips.all().into_iter();
            let tips = tips.map(|(shard, tip)| TipPart::of(shard, tip));
            (name.to_string(), tips.collect())
        });
        Some(Self {
            version: VERSION,
            worker: host.portion.index() + 1,
            of: host.portion.of(),
            run: host.run,
            start_ns: outcome.start.as_nanos(),
            intervals_start_ns: outcome.clock.start().as_nanos(),
            interval_ns: outcome.clock.length().as_nanos() as u64,
            producers: producers.collect(),
            consumers: consumers.collect(),
            slo: scenario.slo.values().map(SloPart::from).collect(),
            tips: tips.collect(),
        })
    }

    /// The intervals that everything is counted in.
    pub fn clock(&self) -> IntervalClock {
        IntervalClock::new(
            Timestamp::from_nanos(self.intervals_start_ns),
            Duration::from_nanos(self.interval_ns),
        )
    }

    /// Writes it.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }
}

/// Writes what joining needs of a host of several; nothing for a run of one. The answer is every error.
pub fn save(
    folder: &Folder,
    scenario: &Scenario,
    outcome: &Outcome,
    latencies: &Latencies,
) -> Vec<FolderError> {
    let Some(file) = WorkerFile::of(scenario, outcome) else {
        return Vec::new();
    };
    let streams = outcome.streams.iter();
    let placed: PlacedBook = streams
        .map(|(name, stream)| (name.to_string(), stream.integrity.placed()))
        .filter(|(_, places)| !places.is_empty())
        .collect();
    let window = (outcome.warm_up, outcome.measure);
    let written = [
        folder.write(WORKER, |out| file.write(out)),
        folder.write(WINDOW, |out| {
            hlog::write_window(out, outcome.start, window, latencies)
        }),
        folder.write(PLACED, |out| write_placed(out, &placed)),
    ];
    written.into_iter().filter_map(Result::err).collect()
}
