//! `report`: a results folder, rendered again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::run;
use super::show::show;
use crate::report::redact::Redaction;
use crate::report::text::file_safe;
use crate::report::{Document, html, json, junit, markdown, results, terminal};

/// The standard output, where a file is asked for.
const STDOUT: &str = "-";

#[derive(Debug, Args)]
pub(super) struct ReportArguments {
    /// A results folder, or its report.json
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What to make of it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The file to write, or - for the standard output
    #[arg(long, value_name = "FILE|-", default_value = STDOUT)]
    out: PathBuf,
    /// Hide the names of streams, accounts, ARNs and hosts, and hash reported partition keys
    #[arg(long)]
    redact: bool,
    /// Of hgrm: one table, such as producers.web.response_time
    #[arg(long, value_name = "PART.LATENCY")]
    metric: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// The summary that `run` prints
    Text,
    /// report.html: one page for people, offline
    Html,
    /// Markdown for a pull request, a CI step's summary or a wiki
    Md,
    /// JUnit XML: a test case for the verdict and one for each SLO
    Junit,
    /// report.json
    Json,
    /// intervals.csv: what each shard saw in each interval
    Csv,
    /// The percentile tables of the latencies, one after another
    Hgrm,
}

pub(super) fn report(arguments: &ReportArguments) -> Exit {
    let rendered = match render(arguments) {
        Ok(rendered) => rendered,
        Err(problem) => {
            eprintln!("error: failed to {problem}");
            return Exit::Usage;
        }
    };
    if arguments.out.as_os_str() == STDOUT {
        return show(|out| out.write_all(&rendered));
    }
    if let Err(problem) = write_whole(&arguments.out, &rendered) {
        eprintln!(
            "error: failed to write `{}`: {problem}",
            arguments.out.display()
        );
        return Exit::Usage;
    }
    show(|out| writeln!(out, "{}", arguments.out.display()))
}

/// Why a report could not be rendered. Displayed as a fragment that fits after "failed to".
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("read `{}`: {source}; is it in a results folder of `streamgauge run`?", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{source}, in `{}`", path.display())]
    Report {
        path: PathBuf,
        source: json::ReadError,
    },
    #[error(
        "find {what} in `{}`: it cannot be made from report.json alone; give the folder that the run wrote",
        folder.display()
    )]
    Lacks { folder: PathBuf, what: String },
    #[error("find a table of `{metric}`: there are {tables}")]
    NoTable { metric: String, tables: String },
    #[error("use `--metric`: only `--format hgrm` has a table for each latency")]
    NotHgrm,
    #[error("redact the report: {0}")]
    Redact(#[from] serde_json::Error),
    /// Everything was said.
    #[error("redact the report")]
    Told,
}

fn render(arguments: &ReportArguments) -> Result<Vec<u8>, Problem> {
    if arguments.metric.is_some() && arguments.format != Format::Hgrm {
        return Err(Problem::NotHgrm);
    }
    let given = &arguments.folder;
    let path = if given.is_file() {
        given.clone()
    } else {
        given.join(results::REPORT)
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut document = read(&path)?;
    let mut redaction = None;
    if arguments.redact {
        if !run::redact(&mut document) {
            return Err(Problem::Told);
        }
        let names = Redaction::of(&document)?;
        document = names.document(&document)?;
        redaction = Some(names);
    }
    let mut out = Vec::new();
    // Into memory: nothing can refuse.
    let written = match arguments.format {
        Format::Text => out.write_all(terminal::render(&document).as_bytes()),
        Format::Html => out.write_all(html::render(&document).as_bytes()),
        Format::Md => out.write_all(markdown::render(&document).as_bytes()),
        Format::Junit => junit::write(&mut out, &document),
        Format::Json => json::write(&mut out, &document),
        Format::Csv => {
            let table = text_of(folder, results::INTERVALS)?;
            let table = redaction.map_or_else(|| table.clone(), |names| names.intervals(&table));
            out.write_all(table.as_bytes())
        }
        Format::Hgrm => out.write_all(tables(folder, arguments.metric.as_deref())?.as_bytes()),
    };
    written.map_err(|source| Problem::Read { path, source })?;
    Ok(out)
}

fn read(path: &Path) -> Result<Document, Problem> {
    let bytes = fs::read(path).map_err(|source| Problem::Read {
        path: path.to_owned(),
        source,
    })?;
    json::read(&bytes).map_err(|source| Problem::Report {
        path: path.to_owned(),
        source,
    })
}

/// A text file of the folder.
fn text_of(folder: &Path, name: &str) -> Result<String, Problem> {
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(|source| {
        if source.kind() == io::ErrorKind::NotFound {
            Problem::Lacks {
                folder: folder.to_owned(),
                what: name.to_owned(),
            }
        } else {
            Problem::Read { path, source }
        }
    })
}

/// The percentile tables of the folder, or the one of `metric`. They hold names of the scenario's parts and no others.
fn tables(folder: &Path, metric: Option<&str>) -> Result<String, Problem> {
    let reading = |source| Problem::Read {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(reading)? {
        let name = entry.map_err(reading)?.file_name();
        let name = name.to_string_lossy().into_owned();
        let of = name.strip_prefix("latency-");
        if let Some(of) = of.and_then(|rest| rest.strip_suffix(".hgrm")) {
            // As the file is named: the part, a dash, the latency.
            let figure = of.rsplit_once('-').map_or_else(
                || of.to_owned(),
                |(part, latency)| format!("{part}.{latency}"),
            );
            found.push((figure, name));
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Problem::Lacks {
            folder: folder.to_owned(),
            what: "latency-*.hgrm".to_owned(),
        });
    }
    let chosen: Vec<_> = found
        .iter()
        .filter(|(figure, _)| metric.is_none_or(|metric| *figure == file_safe(metric)))
        .collect();
    if chosen.is_empty() {
        let figures: Vec<_> = found.iter().map(|(figure, _)| figure.as_str()).collect();
        return Err(Problem::NoTable {
            metric: metric.unwrap_or_default().to_owned(),
            tables: figures.join(", "),
        });
    }
    let tables = chosen.into_iter().map(|(_, name)| text_of(folder, name));
    Ok(tables.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

/// Writes a file as a whole: what was there before stays until all of the new content is on the disk. What is no file, such
/// as a pipe, is written to.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return fs::write(path, content);
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let written = fs::write(&unfinished, content).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // It may not exist; the first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    written
}
