//! Files that a scenario names, read relative to it.
//!
//! Invariant: what is here was read whole and without a mistake; whatever is wrong with a file is a finding at the setting
//! that names it, with the file's line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::draft::Draft;
use super::finding::Finding;
use super::json_template::{JsonTemplate, TemplateError};
use super::kept::{KeptFile, NamedFile, list_beside, sha256};
use super::model::{KeyTable, PayloadFile, Point};
use super::schema::{Arrival, KeyOrder, Keys, Payload, PayloadKind, Size};
use super::trace_file::{self, Column, Trace};
use crate::trace::{is_trace, read};

/// The most bytes of one file: what is read is kept in memory.
const BYTES_MAX: u64 = 1 << 30;

/// What the named files hold, by their names in the scenario.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    /// Rates over time.
    pub(super) profiles: BTreeMap<String, Arc<[Point]>>,
    /// Keys with weights.
    pub(super) weighted_keys: BTreeMap<String, Arc<KeyTable>>,
    /// Keys one a line, as they are taken.
    pub(super) listed_keys: BTreeMap<(String, KeyOrder), Arc<KeyTable>>,
    /// Recorded records.
    pub(super) traces: BTreeMap<String, Trace>,
    /// Templates of payloads by their producers, those without a file too.
    pub(super) templates: BTreeMap<String, Arc<JsonTemplate>>,
    /// What payloads are taken from.
    pub(super) payloads: BTreeMap<String, PayloadFile>,
    /// Every file that was read.
    pub(super) named: BTreeMap<String, NamedFile>,
}

/// Reads every file that the scenario at `scenario_path` names.
pub(super) fn read_files(draft: &Draft, scenario_path: &str, findings: &mut Vec<Finding>) -> Files {
    let folder = Path::new(scenario_path).parent().unwrap_or(Path::new(""));
    let mut reader = Reader {
        kept: list_beside(folder),
        folder: folder.to_owned(),
        files: Files::default(),
        findings,
    };
    for (name, producer) in &draft.producers {
        let mut path = ["producers", name, "arrival"].map(str::to_owned).to_vec();
        producer
            .arrival
            .visit(&mut path, 0, &mut |arrival, path, _| {
                reader.arrival(arrival, path);
            });
        let mut path = ["producers", name, "keys"].map(str::to_owned).to_vec();
        producer
            .keys
            .visit(&mut path, &mut |keys, path| reader.keys(keys, path));
        if let Some(Size::Trace { file }) = &producer.size {
            let path = ["producers", name, "size"].map(str::to_owned);
            reader.trace(&path, file, Column::Size);
        }
        reader.payload(name, &producer.payload);
    }
    for (name, calls) in &draft.calls {
        let mut path = ["calls", name, "arrival"].map(str::to_owned).to_vec();
        if let Some(arrival) = &calls.arrival {
            arrival.visit(&mut path, 0, &mut |arrival, path, _| {
                reader.arrival(arrival, path);
            });
        }
    }
    reader.files
}

struct Reader<'a> {
    folder: PathBuf,
    /// What a results folder says of the files, where the scenario stands in one.
    kept: BTreeMap<String, KeptFile>,
    files: Files,
    findings: &'a mut Vec<Finding>,
}

impl Reader<'_> {
    fn arrival(&mut self, arrival: &Arrival, path: &[String]) {
        match arrival {
            Arrival::Profile { file, .. } => {
                if let Some(points) = self.read(path, file, profile) {
                    self.files.profiles.insert(file.clone(), points);
                }
            }
            Arrival::Trace { file, .. } => self.trace(path, file, Column::Time),
            _ => {}
        }
    }

    fn keys(&mut self, keys: &Keys, path: &[String]) {
        match keys {
            Keys::Weighted {
                file: Some(file), ..
            } => {
                if let Some(table) = self.read(path, file, weighted_keys) {
                    self.files.weighted_keys.insert(file.clone(), table);
                }
            }
            Keys::File { file, order, .. } => {
                if let Some(keys) = self.read(path, file, listed_keys) {
                    let table = match order {
                        KeyOrder::Random => {
                            KeyTable::weighted(keys.into_iter().map(|key| (key, 1.0)))
                        }
                        KeyOrder::InOrder => KeyTable::in_turns(&keys),
                    };
                    let name = (file.clone(), *order);
                    self.files.listed_keys.insert(name, Arc::new(table));
                }
            }
            Keys::Trace { file } => self.trace(path, file, Column::Key),
            _ => {}
        }
    }

    fn payload(&mut self, name: &str, payload: &Payload) {
        let path = ["producers", name, "payload"].map(str::to_owned);
        match (payload.kind, &payload.template, &payload.file) {
            (PayloadKind::Json, Some(template), None) => match JsonTemplate::parse(template) {
                Ok(template) => {
                    let template = Arc::new(template);
                    self.files.templates.insert(name.to_owned(), template);
                }
                Err(wrong) => {
                    let path = [&path[..], &["template".to_owned()]].concat();
                    let line = wrong.line.filter(|_| template.contains('\n'));
                    let place = line.map_or_else(String::new, |line| format!(" line {line}"));
                    let title = format!("`template`{place}: {}", wrong.what);
                    self.findings
                        .push(Finding::value(&path, title).note(wrong.accepted));
                }
            },
            (PayloadKind::Json, None, Some(file)) => {
                let parse = |text: &str| JsonTemplate::parse(text).map_err(Wrong::from);
                if let Some(template) = self.read(&path, file, parse) {
                    let template = Arc::new(template);
                    self.files.templates.insert(name.to_owned(), template);
                }
            }
            (PayloadKind::File, _, Some(file)) if !self.files.payloads.contains_key(file) => {
                let note = "a file is named relative to the scenario's folder";
                match self.bytes(file).map(PayloadFile::new) {
                    Ok(read) if read.line_count() == 0 => {
                        self.add(&path, format!("`{file}` holds nothing"), note);
                    }
                    Ok(read) => {
                        self.files.payloads.insert(file.clone(), read);
                    }
                    Err(wrong) => {
                        self.add(&path, format!("failed to read `{file}`: {wrong}"), note);
                    }
                }
            }
            _ => {}
        }
    }

    /// Reads a recording that must have this column.
    fn trace(&mut self, path: &[String], file: &str, column: Column) {
        if !self.files.traces.contains_key(file)
            && let Some(read) = self.recording(path, file)
        {
            self.files.traces.insert(file.to_owned(), read);
        }
        let trace = self.files.traces.get(file);
        if trace.is_some_and(|trace| !trace.has(column)) {
            let title = format!("`{file}` has no column `{}`", column.as_str());
            self.add(
                path,
                title,
                "accepted: a first line that names the columns, some of `time,size,key`",
            );
        }
    }

    /// What `capture` wrote, or a table of somebody else's.
    fn recording(&mut self, path: &[String], file: &str) -> Option<Trace> {
        let Some(bytes) = self.bytes(file).ok().filter(|bytes| is_trace(bytes)) else {
            // What keeps it from being read is told there.
            return self.read(path, file, trace_file::table);
        };
        let read = read(&bytes).map_err(|error| error.to_string());
        match read.and_then(Trace::of_recording) {
            Ok(trace) => Some(trace),
            Err(wrong) => {
                let note = "accepted: a file of `streamgauge capture`, version 1, with a record";
                self.add(path, format!("`{file}` is no recording: {wrong}"), note);
                None
            }
        }
    }

    fn add(&mut self, path: &[String], title: String, note: &str) {
        let path = [path, &["file".to_owned()]].concat();
        self.findings.push(Finding::value(&path, title).note(note));
    }

    fn read<T>(
        &mut self,
        path: &[String],
        file: &str,
        parse: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = match self.text(file) {
            Ok(text) => text,
            Err(wrong) => {
                let note = "a file is named relative to the scenario's folder";
                self.add(path, format!("failed to read `{file}`: {wrong}"), note);
                return None;
            }
        };
        match parse(&text) {
            Ok(read) => Some(read),
            Err(wrong) => {
                let title = format!("`{file}` line {}: {}", wrong.line, wrong.what);
                self.add(path, title, wrong.accepted);
                None
            }
        }
    }

    fn text(&mut self, file: &str) -> Result<String, String> {
        String::from_utf8(self.bytes(file)?).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.split(|&byte| byte == b'\n').count();
            format!("line {line} is not UTF-8")
        })
    }

    fn bytes(&mut self, file: &str) -> Result<Vec<u8>, String> {
        let Some(kept) = self.kept.get(file) else {
            return self.read_at(file, self.folder.join(file));
        };
        let (path, wanted, sha256) = (kept.path(&self.folder), kept.wanted(), kept.sha256.clone());
        let bytes = self.read_at(file, path);
        let bytes = bytes.map_err(|wrong| format!("{wrong}; {wanted}"))?;
        let is_it = self
            .files
            .named
            .get(file)
            .is_some_and(|its| its.sha256 == sha256);
        if is_it {
            Ok(bytes)
        } else {
            Err(format!("it is another than it was; {wanted}"))
        }
    }

    fn read_at(&mut self, file: &str, path: PathBuf) -> Result<Vec<u8>, String> {
        let about = std::fs::metadata(&path).map_err(|error| error.to_string())?;
        if !about.is_file() {
            return Err("it is no file".to_owned());
        }
        if about.len() > BYTES_MAX {
            return Err(format!(
                "it has {} bytes, and at most 1 GiB is read",
                about.len()
            ));
        }
        let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
        let named = self.files.named.entry(file.to_owned());
        named.or_insert_with(|| NamedFile {
            name: file.to_owned(),
            path,
            bytes: bytes.len() as u64,
            sha256: sha256(&bytes),
        });
        Ok(bytes)
    }
}

/// What is wrong with a file.
#[derive(Debug)]
pub(super) struct Wrong {
    /// From 1.
    pub(super) line: usize,
    pub(super) what: String,
    pub(super) accepted: &'static str,
}

impl From<TemplateError> for Wrong {
    fn from(error: TemplateError) -> Self {
        Self {
            line: error.line.unwrap_or(1),
            what: error.what,
            accepted: error.accepted,
        }
    }
}

/// The lines of a file that hold something, with their numbers.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
}

/// Seconds as nanoseconds; below ten years, so that sums do not overflow.
pub(super) fn nanos(text: &str) -> Option<f64> {
    let seconds: f64 = text.trim().parse().ok()?;
    (seconds.is_finite() && seconds.abs() < 1e10).then_some(seconds * 1e9)
}

const PROFILE_FORM: &str = "accepted: a first line `time,rate`, then lines such as `3600,250.5`: seconds that rise from zero or later, and records per second";

fn profile(text: &str) -> Result<Arc<[Point]>, Wrong> {
    let wrong = |line, what: String| Wrong {
        line,
        what,
        accepted: PROFILE_FORM,
    };
    let mut lines = lines(text);
    match lines.next() {
        Some((_, header)) if header.split(',').map(str::trim).eq(["time", "rate"]) => {}
        other => {
            let (line, header) = other.unwrap_or((1, ""));
            return Err(wrong(
                line,
                format!("`{header}` does not name the columns `time,rate`"),
            ));
        }
    }
    let mut points: Vec<Point> = Vec::new();
    for (line, text) in lines {
        let refuse = |what| wrong(line, what);
        let (time, rate) = text
            .split_once(',')
            .ok_or_else(|| refuse(format!("`{text}` has one column, not two")))?;
        let at_ns = nanos(time)
            .filter(|&time| time >= 0.0)
            .ok_or_else(|| refuse(format!("`{time}` is not a time in seconds")))?;
        let rate = rate
            .trim()
            .parse()
            .ok()
            .filter(|rate| (0.0..=1e9).contains(rate))
            .ok_or_else(|| {
                refuse(format!(
                    "`{rate}` is not a rate from 0 to 1e9 records per second"
                ))
            })?;
        let point = Point {
            at_ns: at_ns.round() as u64,
            rate,
        };
        if points.last().is_some_and(|last| last.at_ns >= point.at_ns) {
            return Err(refuse(format!("`{time}` is not after the time before it")));
        }
        points.push(point);
    }
    if points.is_empty() {
        return Err(wrong(2, "there is no rate".to_owned()));
    }
    Ok(points.into())
}

/// The service's bounds (service model, `PartitionKey`).
pub(super) fn is_key(text: &str) -> bool {
    (1..=256).contains(&text.chars().count())
}

const WEIGHTS_FORM: &str = "accepted: a first line `key,weight`, then lines such as `tenant-7,2.5`: a partition key of 1 to 256 characters, a weight of zero or more, not all of them zero";

fn weighted_keys(text: &str) -> Result<Arc<KeyTable>, Wrong> {
    let wrong = |line, what: String| Wrong {
        line,
        what,
        accepted: WEIGHTS_FORM,
    };
    let mut lines = lines(text);
    let (line, header) = lines.next().unwrap_or((1, ""));
    if !header.split(',').map(str::trim).eq(["key", "weight"]) {
        let what = format!("`{header}` does not name the columns `key,weight`");
        return Err(wrong(line, what));
    }
    let mut keys: Vec<(String, f64)> = Vec::new();
    for (line, text) in lines {
        // The weight is last: a key may hold a comma.
        let (key, weight) = text
            .rsplit_once(',')
            .ok_or_else(|| wrong(line, format!("`{text}` has one column, not two")))?;
        if !is_key(key) {
            return Err(wrong(line, format!("`{key}` is not a partition key")));
        }
        let weight = weight
            .trim()
            .parse()
            .ok()
            .filter(|weight| (0.0..=1e9).contains(weight))
            .ok_or_else(|| wrong(line, format!("`{weight}` is not a weight")))?;
        keys.push((key.to_owned(), weight));
    }
    if keys.iter().all(|(_, weight)| *weight <= 0.0) {
        return Err(wrong(2, "no key has a weight above zero".to_owned()));
    }
    Ok(Arc::new(KeyTable::weighted(keys)))
}

const KEYS_FORM: &str = "accepted: a partition key of 1 to 256 characters on each line";

fn listed_keys(text: &str) -> Result<Vec<String>, Wrong> {
    let wrong = |line, what: &str| Wrong {
        line,
        what: what.to_owned(),
        accepted: KEYS_FORM,
    };
    let mut keys = Vec::new();
    for (line, key) in lines(text) {
        if !is_key(key) {
            return Err(wrong(line, "this is longer than a partition key"));
        }
        keys.push(key.to_owned());
    }
    if keys.is_empty() {
        return Err(wrong(1, "there is no key"));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_and_its_mistakes_are_told_with_their_lines() {
        let points = profile("time,rate\n0,10\n\n 60.5 , 0 \n").unwrap();
        assert_eq!(points.len(), 2);
        assert_eq!((points[1].at_ns, points[1].rate), (60_500_000_000, 0.0));
        for (text, line) in [
            ("", 1),
            ("rate,time\n", 1),
            ("time,rate\n", 2),
            ("time,rate\n0,5\n1\n", 3),
            ("time,rate\n0,5\n\nx,5\n", 4),
            ("time,rate\n-1,5\n", 2),
            ("time,rate\n0,-5\n", 2),
            ("time,rate\n0,inf\n", 2),
            ("time,rate\n5,5\n5,6\n", 3),
        ] {
            assert_eq!(profile(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
