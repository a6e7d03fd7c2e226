//! The folders of several hosts as the folder of one run.
//!
//! Invariant: what is merged is what one host would have written that had seen everything: counts and histograms are added,
//! the account of records is joined, and every figure is computed again from these. Percentiles are never combined.
//!
//! Files: `part` (one host's folder, read), `check` (whether parts belong together), `document` (the merged report).

mod check;
mod document;
mod part;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Document;
use super::folder::{Folder, FolderError};
use super::interval_view::IntervalView;
use super::results::{self, Latencies, Results};
use super::series::{self, Sources};
use crate::base::Timestamp;
use crate::kinesis::{SequenceNumber, ShardId};
use crate::measure::integrity::{HostAccount, JoinError, Snapshot, WorkerKey, join, write_book};
use crate::measure::{Collector, Interval, IntervalClock};

pub use part::Part;

/// Why folders cannot be merged. Displayed as a fragment that fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A file is not there or cannot be read.
    #[error("read `{}`: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder is not that of one of several workers.
    #[error(
        "merge `{}`: it is no worker's part of a run (it has no worker.json); only folders of `run --worker I/N` can be \
         merged", .0.display()
    )]
    NoPart(PathBuf),
    /// Two folders are of different runs.
    #[error("merge `{}` and `{}`: {what} differs ({left}, and {right})", folders.0.display(), folders.1.display())]
    Differ {
        /// Both.
        folders: Box<(PathBuf, PathBuf)>,
        /// In what.
        what: &'static str,
        /// The first one's.
        left: String,
        /// The other one's.
        right: String,
    },
    /// A worker is there twice.
    #[error("merge `{}` and `{}`: both are of worker {worker}", folders.0.display(), folders.1.display())]
    Twice {
        /// Both.
        folders: Box<(PathBuf, PathBuf)>,
        /// The worker, from 1.
        worker: u32,
    },
    /// A worker is not there.
    #[error(
        "merge {found} of {of} parts: {} missing; give all folders, or merge without them with `--partial`",
        check::named(missing)
    )]
    Missing {
        /// How many there are.
        found: usize,
        /// How many there should be.
        of: u32,
        /// Which are not, from 1.
        missing: Vec<u32>,
    },
    /// The accounts of a stream do not fit together.
    #[error("merge the accounts of stream `{stream}`: {reason}")]
    Accounts {
        /// The stream.
        stream: String,
        /// Why not.
        reason: JoinError,
    },
}

/// A merged run.
#[derive(Debug)]
pub struct Merged {
    /// Its report, with its conclusions drawn.
    pub document: Document,
    /// Its intervals, by stream.
    pub intervals: BTreeMap<String, Collector>,
    /// The latencies of the measurement window.
    pub latencies: Latencies,
    /// The account of each stream.
    pub accounts: BTreeMap<String, Snapshot>,
    clock: IntervalClock,
    producers: Vec<String>,
    consumers: Vec<String>,
}

/// Merges the parts of a run. With `partial` workers may be missing, and the verdict says so.
///
/// # Errors
/// When the parts are not of one run, one is there twice, one is missing, or they contradict each other.
pub fn merge(mut parts: Vec<Part>, partial: bool) -> Result<Merged, MergeError> {
    parts.sort_by_key(|part| part.file.worker);
    let missing = check::check(&parts)?;
    let Some(first) = parts.first() else {
        return Err(MergeError::Missing {
            found: 0,
            of: 1,
            missing: vec![1],
        });
    };
    if !missing.is_empty() && !partial {
        return Err(MergeError::Missing {
            found: parts.len(),
            of: first.file.of,
            missing,
        });
    }
    let apart = document::clocks_apart_ms(&parts);
    let mut intervals: BTreeMap<String, BTreeMap<u64, Interval>> = BTreeMap::new();
    let mut latencies = Latencies::new();
    for part in &parts {
        for (stream, its) in &part.intervals {
            let sums = intervals.entry(stream.clone()).or_default();
            for (index, interval) in its {
                add(sums.entry(*index).or_default(), interval);
            }
        }
        for (key, histogram) in &part.latencies {
            latencies.entry(key.clone()).or_default().merge(histogram);
        }
    }
    let streams: Vec<_> = first.accounts.keys().cloned().collect();
    let mut accounts = BTreeMap::new();
    for stream in streams {
        let joined = account(&parts, &stream, apart).map_err(|reason| MergeError::Accounts {
            stream: stream.clone(),
            reason,
        })?;
        accounts.insert(stream, joined);
    }
    let names = |part: &Part| {
        let producers = part.file.producers.iter().map(|part| part.name.clone());
        let consumers = part.file.consumers.iter().map(|part| part.name.clone());
        (producers.collect(), consumers.collect())
    };
    let (producers, consumers) = names(first);
    let intervals = intervals.into_iter();
    let mut merged = Merged {
        clock: first.file.clock(),
        document: document::merged(&parts, &missing, &accounts, &latencies, apart),
        intervals: intervals
            .map(|(stream, sums)| (stream, Collector::from(sums)))
            .collect(),
        latencies,
        accounts,
        producers,
        consumers,
    };
    let mut document = merged.document.clone();
    // A host that saw nothing of a stream does not know its limits.
    let limits = parts.iter().flat_map(|part| &part.document.heat);
    let limits = limits.map(|(stream, heat)| (stream.clone(), heat.limits));
    let sources = Sources {
        view: &merged.view(),
        start: Timestamp::from_nanos(first.file.start_ns),
        limits: limits.collect(),
    };
    series::add(&mut document, &sources);
    merged.document = document;
    Ok(merged)
}

fn add(sum: &mut Interval, other: &Interval) {
    for (&shard, counters) in &other.shards {
        sum.shards.entry(shard).or_default().merge(counters);
    }
    for (key, packed) in &other.latencies {
        sum.latencies
            .entry(*key)
            .and_modify(|sum| sum.merge(packed))
            .or_insert_with(|| packed.clone());
    }
}

/// The names of the consumers of a stream that a worker read for, in the order of their numbers.
fn read_by<'a>(part: &'a Part, stream: &str) -> Vec<&'a str> {
    let consumers = part.file.consumers.iter();
    let mine = consumers
        .filter(|consumer| consumer.stream == stream && consumer.worker == part.file.worker);
    mine.map(|consumer| consumer.name.as_str()).collect()
}

fn account(parts: &[Part], stream: &str, apart_ms: Option<f64>) -> Result<Snapshot, JoinError> {
    let mut hosts = Vec::new();
    for part in parts {
        let Some(snapshot) = part.accounts.get(stream) else {
            return Err(JoinError::Workers);
        };
        hosts.push(HostAccount {
            snapshot,
            placed: part.placed.get(stream),
            consumers: read_by(part, stream),
            own: own(part),
        });
    }
    join(&hosts, &reached(parts, stream, apart_ms))
}

/// The records that a worker was to send.
fn own(part: &Part) -> BTreeMap<WorkerKey, (u64, u64)> {
    let (index, of) = (part.file.worker - 1, part.file.of);
    let mut own = BTreeMap::new();
    for (producer, number) in part.file.producers.iter().zip(0u16..) {
        for worker in 0..producer.workers {
            let key = WorkerKey {
                producer: number,
                worker: worker as u16,
            };
            if !producer.by_workers {
                own.insert(key, (u64::from(index), u64::from(of)));
            } else if worker % of == index {
                own.insert(key, (0, 1));
            }
        }
    }
    own
}

/// What the readers had certainly passed: the newest record that any host had acknowledged, where a reader was told a while
/// after that acknowledgement that nothing is left. Two clocks are compared, so that while is longer by what they may be
/// apart.
fn reached<'a>(
    parts: &'a [Part],
    stream: &str,
    apart_ms: Option<f64>,
) -> BTreeMap<&'a str, BTreeMap<ShardId, SequenceNumber>> {
    let apart = Duration::try_from_secs_f64(apart_ms.unwrap_or_default() / 1e3);
    let visible_after = crate::run::VISIBLE_AFTER + apart.unwrap_or_default();
    let tips: Vec<_> = parts
        .iter()
        .filter_map(|part| part.file.tips.get(stream))
        .flatten()
        .filter_map(super::worker::TipPart::read)
        .collect();
    let mut reached: BTreeMap<&str, BTreeMap<ShardId, SequenceNumber>> = BTreeMap::new();
    for part in parts {
        let consumers = part.file.consumers.iter();
        for consumer in consumers.filter(|consumer| consumer.worker == part.file.worker) {
            for &(shard, number, acked) in &tips {
                let at_tip = consumer.at_tip_ns.get(&shard.to_string());
                let at_tip = at_tip.copied().map(Timestamp::from_nanos);
                if at_tip.is_some_and(|at| acked.plus(visible_after) <= at) {
                    let shards = reached.entry(consumer.name.as_str()).or_default();
                    let passed = shards.entry(shard).or_default();
                    *passed = (*passed).max(number);
                }
            }
        }
    }
    reached
}

impl Merged {
    /// Every file that it may write, for [`Folder::open`].
    pub fn file_names(&self) -> Vec<String> {
        let producers = self.producers.iter().map(String::as_str);
        results::file_names(producers, self.consumers.iter().map(String::as_str))
    }

    /// Its intervals with their names.
    fn view(&self) -> IntervalView<'_> {
        IntervalView {
            clock: self.clock,
            streams: self
                .intervals
                .iter()
                .map(|(name, intervals)| (name.as_str(), intervals))
                .collect(),
            producers: self.producers.iter().map(String::as_str).collect(),
            consumers: self.consumers.iter().map(String::as_str).collect(),
            // Runs with calls are not divided.
            calls: Vec::new(),
        }
    }

    /// Writes all files. The answer is every error, none if all is well.
    pub fn save(&self, folder: &Folder, command: &str) -> Vec<FolderError> {
        let results = Results {
            document: &self.document,
            intervals: self.view(),
            latencies: &self.latencies,
            command,
        };
        let mut problems = results.save(folder);
        let accounts = self.accounts.iter();
        let accounts = accounts.map(|(name, account)| (name.as_str(), account.clone()));
        let written = folder.write(results::INTEGRITY, |out| write_book(out, accounts));
        problems.extend(written.err());
        problems
    }
}

/// Reads the folders and merges them.
///
/// # Errors
/// See [`MergeError`].
pub fn merge_folders(folders: &[impl AsRef<Path>], partial: bool) -> Result<Merged, MergeError> {
    let parts = folders.iter().map(|folder| Part::read(folder.as_ref()));
    merge(parts.collect::<Result<_, _>>()?, partial)
}
