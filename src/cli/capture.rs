//! `capture`: records the shape of a stream that others write, within what other readers can spare.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp as Utc;
use serde_json::json;

use super::exit::Exit;
use super::run;
use super::show::show;
use super::target;
use super::watch::{Display, Shown, Watch};
use crate::analyse::budget::SHARD_READ_BYTES_PER_S;
use crate::base::units::{HumanBytes, HumanCount, parse_duration};
use crate::base::{Clock, Timestamp};
use crate::kinesis::StreamName;
use crate::report::live::Course;
use crate::run::Outcome;
use crate::scenario::targets::{TargetKind, TargetSpec};
use crate::scenario::{Loaded, Source, load};
use crate::trace::{Recorded, Recorder, Salt};

/// The part of a shard's read throughput that a recording takes; the rest is other readers'.
const BYTES_SHARE: f64 = 0.25;

/// A stream can be written twice as fast as a quarter of its read throughput reads it: reading may take so much longer than
/// what is recorded took, and a minute more.
const READING_TAKES: u32 = 3;
const READING_TAKES_MORE: Duration = Duration::from_mins(1);

#[derive(Debug, Args)]
pub(super) struct CaptureArguments {
    /// The stream
    #[arg(value_name = "STREAM")]
    stream: StreamName,
    /// Where it is: the URL of an endpoint, or a `[targets.NAME]` of streamgauge.toml in the working directory
    #[arg(long, value_name = "NAME|URL")]
    target: String,
    /// How long the arrivals are to be that are recorded
    #[arg(long = "for", value_name = "DURATION", value_parser = above_zero)]
    length: Duration,
    /// The file to write; there must be none
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to begin: `latest`, or a time such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", default_value = "latest", value_parser = start)]
    from: From,
    /// What keys are hashed with, so that two recordings name a key alike; a random one that is thrown away if not given
    #[arg(long, value_name = "TEXT")]
    salt: Option<String>,
    /// Read as an enhanced fan-out consumer, which takes nothing from other readers; it is registered for so long, which
    /// AWS bills
    #[arg(long)]
    fan_out: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show no live progress
    #[arg(long, short)]
    quiet: bool,
}

/// Where a recording begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum From {
    Latest,
    At(Utc),
}

fn above_zero(text: &str) -> Result<Duration, String> {
    match parse_duration(text) {
        Ok(length) if length.is_zero() => Err("it must be above zero".to_owned()),
        Ok(length) => Ok(length),
        Err(problem) => Err(problem.to_string()),
    }
}

fn start(text: &str) -> Result<From, String> {
    if text == "latest" {
        return Ok(From::Latest);
    }
    let time = text
        .parse::<Utc>()
        .ok()
        .filter(|time| *time > Utc::UNIX_EPOCH);
    let time = time.ok_or("expected `latest` or a time such as 2026-01-31T12:00:00Z")?;
    Ok(From::At(time))
}

pub(super) fn capture(arguments: &CaptureArguments) -> Exit {
    let now = Clock::real().now();
    let Some(spec) = target::pick(&arguments.target, Path::new("")) else {
        return Exit::Usage;
    };
    if spec.kind.is_in_process() {
        eprintln!(
            "error: nobody writes to the engine in this process; accepted: the URL of an endpoint, or a target of kind \
             `endpoint` or `aws`"
        );
        return Exit::Usage;
    }
    let loaded = match watching(arguments, now) {
        Ok(loaded) => loaded,
        Err(problem) => {
            eprintln!("error: {problem}");
            return Exit::Usage;
        }
    };
    let salt = match &arguments.salt {
        Some(text) => Ok(Salt::of(text.as_bytes())),
        None => Salt::random(),
    };
    // Opened before anything is read: ten minutes must not be lost to a folder that is not there.
    let opened = salt.and_then(|salt| Ok((salt, Output::open(&arguments.out)?)));
    let (salt, output) = match opened {
        Ok(opened) => opened,
        Err(problem) => {
            eprintln!(
                "error: failed to write `{}`: {problem}",
                arguments.out.display()
            );
            return Exit::Usage;
        }
    };
    let recorder = Recorder::new(salt);
    if let From::At(time) = arguments.from {
        let from = Timestamp::from_millis(u64::try_from(time.as_millisecond()).unwrap_or(0));
        recorder.open(&(from..from.plus(arguments.length)));
    }
    record(arguments, &spec, &loaded, &recorder, output)
}

/// Reads, writes the file, says what is in it.
fn record(
    arguments: &CaptureArguments,
    spec: &TargetSpec,
    loaded: &Loaded,
    recorder: &Recorder,
    output: Output,
) -> Exit {
    let shown = Shown {
        course: Course {
            name: format!("capture {}", arguments.stream),
            ..Course::of(&loaded.scenario, run::world(spec.kind))
        },
        consumers: 0,
        display: if arguments.quiet {
            Display::Nothing
        } else {
            Display::Line
        },
        metrics: None,
    };
    let read = read(spec, loaded, recorder, shown, &output);
    let (outcome, mut exit) = match read {
        Ok(read) => read,
        Err(exit) => {
            output.discard();
            return exit;
        }
    };
    let recorded = recorder.recorded();
    if recorded.records == 0 && recorded.left_out == 0 {
        output.discard();
        eprintln!(
            "error: nothing arrived in `{}` in {:?}: no recording is written; look whether anybody writes to it, or record for longer with `--for`",
            arguments.stream, arguments.length
        );
        return exit.and(Exit::Void);
    }
    let stream = arguments.stream.as_str();
    let bytes = match output.finish(|out| recorder.write(stream, out)) {
        Ok(bytes) => bytes,
        Err(problem) => {
            eprintln!(
                "error: failed to write `{}`: {problem}",
                arguments.out.display()
            );
            return Exit::Usage;
        }
    };
    let is_whole = outcome.consumers.values().all(|reader| reader.caught_up);
    if recorded.left_out > 0 {
        eprintln!(
            "error: {} records are not in it: a recording has at most 1 GiB",
            HumanCount(recorded.left_out)
        );
    }
    if !is_whole {
        eprintln!("error: it is not whole: not every shard was read to the end of the time");
    }
    if recorded.left_out > 0 || !is_whole {
        exit = exit.and(Exit::Void);
    }
    exit.and(show(|out| {
        if arguments.json {
            let told = to_json(arguments, &recorded, bytes, is_whole);
            serde_json::to_writer_pretty(&mut *out, &told)?;
            return writeln!(out);
        }
        out.write_all(to_text(arguments, &outcome, &recorded, bytes).as_bytes())
    }))
}

/// A scenario that watches the stream: its one reader, if it polls, keeps to a call a second and a quarter of the bytes.
fn watching(arguments: &CaptureArguments, now: Timestamp) -> Result<Loaded, String> {
    let length = arguments.length;
    let (start, rest) = match arguments.from {
        From::Latest => ("latest".to_owned(), length),
        From::At(time) => {
            let begun = Timestamp::from_millis(u64::try_from(time.as_millisecond()).unwrap_or(0));
            let rest = begun.plus(length).since(now);
            (time.to_string(), rest.max(Duration::from_secs(1)))
        }
    };
    let reading = length * READING_TAKES + READING_TAKES_MORE;
    let text = format!(
        r#"schema = 1
name = "capture"
question = "What is written to {stream}?"

[time]
warm_up = "0s"
measure = "{}ms"
drain = "{}ms"

[streams."{stream}"]
shards = 1
existing = true

[consumers.capture]
{kind}
start = "{start}"
"#,
        rest.as_millis(),
        reading.as_millis(),
        stream = arguments.stream,
        kind = if arguments.fan_out {
            "kind = \"fan-out\""
        } else {
            "kind = \"polling\"\ninterval = \"1s\""
        },
    );
    let source = Source {
        path: "capture".to_owned(),
        text,
    };
    let mut loaded = load(&source, &[]).map_err(|problems| problems.render(false))?;
    for reader in loaded.scenario.consumers.values_mut() {
        reader.max_bytes_per_s = Some((SHARD_READ_BYTES_PER_S * BYTES_SHARE) as u64);
    }
    Ok(loaded)
}

/// What was read, and whether somebody ended it.
fn read(
    spec: &TargetSpec,
    loaded: &Loaded,
    recorder: &Recorder,
    shown: Shown,
    output: &Output,
) -> Result<(Outcome, Exit), Exit> {
    #[cfg(feature = "aws")]
    if spec.kind == TargetKind::Aws {
        let folder = output.beside(".resources");
        if let Err(problem) = std::fs::create_dir_all(&folder) {
            eprintln!("error: failed to write `{}`: {problem}", folder.display());
            return Err(Exit::Usage);
        }
        return super::aws::read(spec, loaded, recorder, shown, &folder);
    }
    #[cfg(not(feature = "aws"))]
    let _ = (TargetKind::Aws, output);
    let watch = Watch::start(shown, None).map_err(|problem| {
        eprintln!("error: failed to listen for signals: {problem}");
        Exit::Usage
    })?;
    let outcome = run::read(spec, loaded, recorder, &watch);
    watch.end_line();
    Ok((outcome?, run::ending(&watch)))
}

fn to_text(
    arguments: &CaptureArguments,
    outcome: &Outcome,
    recorded: &Recorded,
    bytes: u64,
) -> String {
    let per_record = bytes as f64 / recorded.records.max(1) as f64;
    let calls: u64 = outcome
        .consumers
        .values()
        .map(|reader| reader.report.calls)
        .sum();
    let mut text = format!(
        "Recorded {}: {} records of {}, {} keys, {} shards; {} reading calls\n",
        arguments.stream,
        HumanCount(recorded.records),
        HumanBytes(recorded.bytes),
        HumanCount(recorded.keys),
        recorded.shards,
        HumanCount(calls),
    );
    if recorded.without_arrival > 0 {
        text.push_str(
            "The target does not tell when records arrived: when they were read stands for it\n",
        );
    }
    let _ = write!(
        text,
        "{}, {per_record:.1} bytes a record; it holds neither a key nor data\nTrace: {}\n",
        HumanBytes(bytes),
        arguments.out.display()
    );
    text
}

fn to_json(
    arguments: &CaptureArguments,
    recorded: &Recorded,
    bytes: u64,
    is_whole: bool,
) -> serde_json::Value {
    json!({
        "stream": arguments.stream.as_str(),
        "file": arguments.out.display().to_string(),
        "file_bytes": bytes,
        "records": recorded.records,
        "record_bytes": recorded.bytes,
        "keys": recorded.keys,
        "shards": recorded.shards,
        "left_out": recorded.left_out,
        "without_arrival": recorded.without_arrival,
        "is_whole": is_whole,
    })
}

/// A file that has its name once it is whole.
struct Output {
    path: PathBuf,
    part: PathBuf,
    file: File,
}

impl Output {
    fn open(path: &Path) -> std::io::Result<Self> {
        if path.exists() {
            return Err(std::io::Error::other(
                "it is there already; name another file",
            ));
        }
        let part = beside(path, ".part");
        Ok(Self {
            path: path.to_owned(),
            file: File::create(&part)?,
            part,
        })
    }

    /// Writes it; gives its length in bytes.
    fn finish(
        self,
        write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
    ) -> std::io::Result<u64> {
        let mut out = BufWriter::new(&self.file);
        write(&mut out)?;
        out.flush()?;
        drop(out);
        let bytes = self.file.metadata()?.len();
        std::fs::rename(&self.part, &self.path)?;
        Ok(bytes)
    }

    /// A name that goes with the file's.
    #[cfg(feature = "aws")]
    fn beside(&self, more: &str) -> PathBuf {
        beside(&self.path, more)
    }

    fn discard(self) {
        // It is empty: whoever finds it loses nothing.
        let _ = std::fs::remove_file(&self.part);
    }
}

fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(more);
    path.with_file_name(name)
}
