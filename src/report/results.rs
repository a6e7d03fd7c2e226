//! All files of a run, from what they are made of.

use std::collections::BTreeMap;

use crate::measure::{LatencyHistogram, LatencyKind};
use crate::report::document::Document;
use crate::report::folder::{Folder, FolderError};
use crate::report::interval_view::IntervalView;
use crate::report::{csv, hgrm, hlog, html, json};

/// The document.
pub const REPORT: &str = "report.json";
/// The page for people; see [`html`].
pub const PAGE: &str = "report.html";
/// The interval log; see [`hlog`].
pub const HLOG: &str = "run.hlog";
/// The table of intervals; see [`csv`].
pub const INTERVALS: &str = "intervals.csv";
/// What joining the loss of several workers needs. Not written here: `measure` knows its form.
pub const INTEGRITY: &str = "integrity.bin";
/// The scenario as it was run.
pub const SCENARIO: &str = "scenario.toml";
/// The command line that repeats the run.
pub const COMMAND: &str = "command.txt";

/// The latencies of the measurement window by part (`producers.web`) and kind.
pub type Latencies = BTreeMap<(String, LatencyKind), LatencyHistogram>;

/// What the files are made of.
#[derive(Clone, Debug)]
pub struct Results<'a> {
    /// The document with its conclusions drawn; see [`Document::conclude`].
    pub document: &'a Document,
    /// The intervals.
    pub intervals: IntervalView<'a>,
    /// The latencies that the document summarises.
    pub latencies: &'a Latencies,
    /// The command line that repeats the run.
    pub command: &'a str,
}

/// Every file that a run with these producers and consumers may write, for [`Folder::open`].
pub fn file_names<'a>(
    producers: impl IntoIterator<Item = &'a str>,
    consumers: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let mut names: Vec<_> = [REPORT, PAGE, HLOG, INTERVALS, INTEGRITY, SCENARIO, COMMAND]
        .map(str::to_owned)
        .into();
    let mut tables = |part: String, of_consumers: bool| {
        for kind in LatencyKind::ALL {
            let of_calls = kind == LatencyKind::TransitionTime;
            if of_consumers == is_of_consumers(kind) && !of_calls {
                names.push(hgrm::file_name(&part, kind.as_str()));
            }
        }
    };
    for name in producers {
        tables(format!("producers.{name}"), false);
    }
    for name in consumers {
        tables(format!("consumers.{name}"), true);
    }
    names
}

const fn is_of_consumers(kind: LatencyKind) -> bool {
    matches!(
        kind,
        LatencyKind::DeliveryDelay | LatencyKind::EndToEnd | LatencyKind::Lag
    )
}

/// Writes the files of a folder that are made of the document alone, which may have more to say than when they were written
/// before. The answer is every error.
pub fn amend(folder: &Folder, document: &Document) -> Vec<FolderError> {
    let written = [
        folder.write(REPORT, |out| json::write(out, document)),
        folder.write(PAGE, |out| out.write_all(html::render(document).as_bytes())),
    ];
    written.into_iter().filter_map(Result::err).collect()
}

impl Results<'_> {
    /// Writes all files but [`INTEGRITY`], the document first. One that cannot be written does not keep the others from
    /// being: the answer is every error, none if all is well.
    pub fn save(&self, folder: &Folder) -> Vec<FolderError> {
        let document = self.document;
        let mut problems = amend(folder, document);
        let mut written = vec![
            folder.write(SCENARIO, |out| {
                out.write_all(document.scenario.text.as_bytes())
            }),
            folder.write(COMMAND, |out| writeln!(out, "{}", self.command)),
            folder.write(INTERVALS, |out| csv::write(out, &self.intervals)),
            folder.write(HLOG, |out| {
                hlog::write(out, &self.intervals, &self.comments())
            }),
        ];
        for ((part, kind), histogram) in self.latencies {
            if !histogram.is_empty() {
                let name = hgrm::file_name(part, kind.as_str());
                written.push(folder.write(&name, |out| {
                    hgrm::write(out, histogram.inner(), part, kind.as_str())
                }));
            }
        }
        problems.extend(written.into_iter().filter_map(Result::err));
        problems
    }

    /// What the interval log says at its head.
    fn comments(&self) -> Vec<String> {
        let instrument = &self.document.instrument;
        vec![
            format!(
                "streamgauge {}, scenario {}, seed {}, {}",
                instrument.version,
                self.document.scenario.name,
                self.document.seed,
                self.document.basis.as_str()
            ),
            format!(
                "the measurement window is from {} s to {} s",
                instrument.warm_up_s,
                instrument.warm_up_s + instrument.measure_s
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::Timestamp;
    use crate::kinesis::ShardId;
    use crate::measure::{Interval, IntervalClock, PartId, ShardCounters};
    use crate::report::sample;

    const NOW: Timestamp = Timestamp::from_secs(1_769_903_999);

    fn save(folder: &Folder) -> Vec<FolderError> {
        let document = sample::document();
        let mut histogram = LatencyHistogram::new();
        histogram.record_nanos(1_000_000);
        let key = |kind| ("producers.web".to_owned(), kind);
        let latencies = BTreeMap::from([
            (key(LatencyKind::ResponseTime), histogram.clone()),
            (key(LatencyKind::TimeToGiveUp), LatencyHistogram::new()),
        ]);
        let interval = Interval {
            shards: BTreeMap::from([(ShardId::new(0).unwrap(), ShardCounters::default())]),
            latencies: BTreeMap::from([(
                (PartId::Producer(0), LatencyKind::ResponseTime),
                histogram.pack(),
            )]),
        };
        let intervals = BTreeMap::from([(0, interval)]);
        let intervals = crate::measure::Collector::from(intervals);
        let results = Results {
            document: &document,
            intervals: IntervalView {
                clock: IntervalClock::new(NOW, Duration::from_secs(1)),
                streams: vec![("orders", &intervals)],
                producers: vec!["web"],
                consumers: vec!["billing"],
                calls: vec![],
            },
            latencies: &latencies,
            command: "streamgauge run hot-key.toml",
        };
        results.save(folder)
    }

    fn open(out: &std::path::Path) -> Folder {
        let names = file_names(["web"], ["billing"]);
        Folder::open(out, NOW, "hot-key", names.iter().map(String::as_str)).unwrap()
    }

    #[test]
    fn a_saved_run_holds_its_files_and_no_empty_ones() {
        let out = tempfile::tempdir().unwrap();
        let folder = open(out.path());
        assert!(save(&folder).is_empty());
        let path = folder.finish().unwrap();
        let mut names: Vec<_> = std::fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = [
            COMMAND,
            INTERVALS,
            "latency-producers.web-response_time.hgrm",
            PAGE,
            REPORT,
            HLOG,
            SCENARIO,
        ];
        assert_eq!(names, expected);
        let planned = file_names(["web"], ["billing"]);
        assert!(
            expected
                .iter()
                .all(|name| planned.iter().any(|p| p == name))
        );
        assert_eq!(planned.len(), 7 + LatencyKind::ALL.len() - 1);
        let report = std::fs::read(path.join(REPORT)).unwrap();
        assert_eq!(json::read(&report).unwrap(), sample::document());
        let log = std::fs::read_to_string(path.join(HLOG)).unwrap();
        assert!(
            log.contains("#the measurement window is from 2 s to 12 s\n"),
            "{log}"
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_the_others_are_kept() {
        let out = tempfile::tempdir().unwrap();
        let folder = open(out.path());
        std::fs::remove_file(folder.path().join(INTERVALS)).unwrap();
        std::fs::create_dir(folder.path().join(INTERVALS)).unwrap();
        let errors = save(&folder);
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().contains(INTERVALS), "{}", errors[0]);
        assert!(folder.path().join(HLOG).metadata().unwrap().len() > 0);
    }
}
