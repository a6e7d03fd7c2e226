//! One worker's results folder, read back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::MergeError;
use crate::measure::integrity::{PlacedBook, Snapshot, read_book, read_placed};
use crate::measure::{Interval, LatencyHistogram, LatencyKind, PartId};
use crate::report::document::Document;
use crate::report::results::{HLOG, INTEGRITY, INTERVALS, Latencies, REPORT};
use crate::report::worker::{PLACED, VERSION, WINDOW, WORKER, WorkerFile};
use crate::report::{csv, hlog, json};

/// What a worker's folder holds.
#[derive(Clone, Debug)]
pub struct Part {
    /// Where it is.
    pub folder: PathBuf,
    /// Its report.
    pub document: Document,
    /// What it says of its part.
    pub file: WorkerFile,
    /// Its intervals, by stream.
    pub intervals: BTreeMap<String, BTreeMap<u64, Interval>>,
    /// Its latencies of the measurement window.
    pub latencies: Latencies,
    /// Its account of each stream.
    pub accounts: BTreeMap<String, Snapshot>,
    /// Where its records lie that others read.
    pub placed: PlacedBook,
}

/// A folder whose files are being read.
struct Reading<'a>(&'a Path);

impl Reading<'_> {
    fn bytes(&self, name: &str) -> Result<Vec<u8>, MergeError> {
        let path = self.0.join(name);
        std::fs::read(&path).map_err(|error| self.wrong(name, &error))
    }

    fn wrong(&self, name: &str, reason: &dyn std::fmt::Display) -> MergeError {
        MergeError::File {
            path: self.0.join(name),
            reason: reason.to_string(),
        }
    }
}

impl Part {
    /// Reads a folder.
    ///
    /// # Errors
    /// When it is no worker's, or one of its files is missing, damaged or of another version.
    pub fn read(folder: &Path) -> Result<Self, MergeError> {
        let reading = Reading(folder);
        let report = reading.bytes(REPORT)?;
        if !folder.join(WORKER).is_file() {
            return Err(MergeError::NoPart(folder.to_owned()));
        }
        let document = json::read(&report).map_err(|error| reading.wrong(REPORT, &error))?;
        let file = worker_file(&reading)?;
        let table = reading.bytes(INTERVALS)?;
        let table = String::from_utf8(table).map_err(|error| reading.wrong(INTERVALS, &error))?;
        let length_s = file.clock().length().as_secs_f64();
        let counters =
            csv::read(&table, length_s).map_err(|reason| reading.wrong(INTERVALS, &reason))?;
        let mut intervals: BTreeMap<String, BTreeMap<u64, Interval>> = BTreeMap::new();
        for (stream, its) in counters {
            let rows = intervals.entry(stream).or_default();
            for (index, shards) in its {
                rows.entry(index).or_default().shards = shards;
            }
        }
        let logged =
            hlog::read(&reading.bytes(HLOG)?).map_err(|reason| reading.wrong(HLOG, &reason))?;
        let metrics = metrics(&file, &document);
        for line in logged {
            let known = metrics.get(&line.tag);
            let histogram = LatencyHistogram::restored(&line.histogram, 0, 0);
            let (Some((stream, part, kind)), Some(histogram)) = (known, histogram) else {
                let reason = format!("`{}` is no latency of this run", line.tag);
                return Err(reading.wrong(HLOG, &reason));
            };
            let index = (line.start.as_secs_f64() / length_s).round() as u64;
            let interval = intervals
                .entry(stream.clone())
                .or_default()
                .entry(index)
                .or_default();
            interval.latencies.insert((*part, *kind), histogram.pack());
        }
        let accounts = read_book(&*reading.bytes(INTEGRITY)?);
        let placed = read_placed(&*reading.bytes(PLACED)?);
        Ok(Self {
            folder: folder.to_owned(),
            intervals,
            latencies: latencies(&reading, &document)?,
            accounts: accounts.map_err(|error| reading.wrong(INTEGRITY, &error))?,
            placed: placed.map_err(|error| reading.wrong(PLACED, &error))?,
            document,
            file,
        })
    }
}

fn worker_file(reading: &Reading<'_>) -> Result<WorkerFile, MergeError> {
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let bytes = reading.bytes(WORKER)?;
    let wrong = |error: serde_json::Error| reading.wrong(WORKER, &error);
    let Version { version } = serde_json::from_slice(&bytes).map_err(wrong)?;
    if version != VERSION {
        let reason = format!("its version is {version}, this program reads {VERSION}");
        return Err(reading.wrong(WORKER, &reason));
    }
    let file: WorkerFile = serde_json::from_slice(&bytes).map_err(wrong)?;
    if file.worker == 0 || file.worker > file.of || file.interval_ns == 0 {
        return Err(reading.wrong(WORKER, &"it names no worker of any"));
    }
    Ok(file)
}

/// What each tag of the log is: the stream that it is counted with, the part, the kind.
fn metrics(
    file: &WorkerFile,
    document: &Document,
) -> BTreeMap<String, (String, PartId, LatencyKind)> {
    let producers = file.producers.iter().zip(0u16..).map(|(part, number)| {
        let stream = document.producers.get(&part.name);
        let stream = stream.map(|producer| producer.stream.clone());
        ("producers", &part.name, stream, PartId::Producer(number))
    });
    let consumers = file.consumers.iter().zip(0u16..).map(|(part, number)| {
        let stream = Some(part.stream.clone());
        ("consumers", &part.name, stream, PartId::Consumer(number))
    });
    let parts = producers.chain(consumers);
    let metrics = parts.flat_map(|(table, name, stream, part)| {
        LatencyKind::ALL.into_iter().filter_map(move |kind| {
            let tag = format!("{table}.{name}.{kind}");
            Some((tag, (stream.clone()?, part, kind)))
        })
    });
    metrics.collect()
}

/// The latencies of the window: the log holds the histograms, the report what the log has no place for.
fn latencies(reading: &Reading<'_>, document: &Document) -> Result<Latencies, MergeError> {
    let logged =
        hlog::read(&reading.bytes(WINDOW)?).map_err(|reason| reading.wrong(WINDOW, &reason))?;
    let mut logged: BTreeMap<String, _> = logged
        .into_iter()
        .map(|line| (line.tag, line.histogram))
        .collect();
    let tables = [
        ("producers", &document.latency.producers),
        ("consumers", &document.latency.consumers),
    ];
    let mut latencies = Latencies::new();
    for (table, parts) in tables {
        for (name, kinds) in parts {
            for (&kind, summary) in kinds {
                let tag = format!("{table}.{name}.{kind}");
                let histogram = logged.remove(&tag).and_then(|logged| {
                    LatencyHistogram::restored(&logged, summary.negative, summary.clipped)
                });
                let histogram = histogram.filter(|histogram| histogram.count() == summary.count);
                let Some(histogram) = histogram else {
                    let reason = format!("`{tag}` is not what the report says");
                    return Err(reading.wrong(WINDOW, &reason));
                };
                latencies.insert((format!("{table}.{name}"), kind), histogram);
            }
        }
    }
    Ok(latencies)
}
