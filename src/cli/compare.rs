//! `compare`: two sets of results in, differences that survive noise out.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::show::show;
use crate::analyse::compare::{self, Allowed, Comparison, Run, Settings, markdown, page, text};
use crate::analyse::statistics::{SIDE_ALPHA, Verdict};
use crate::report::{json, results};

#[derive(Debug, Args)]
pub(super) struct CompareArguments {
    /// What is compared with: a results folder, a report.json, or a folder that holds several runs
    #[arg(value_name = "BASE")]
    base: PathBuf,
    /// What is judged: the same
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    judging: JudgingArguments,
    /// Compare runs of different hosts
    #[arg(long)]
    across_hosts: bool,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print JSON: the same as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Print Markdown for a pull request: the same as `--format md`
    #[arg(long, conflicts_with_all = ["format", "json"])]
    markdown: bool,
    /// Write a page with both sides' percentile curves to this file, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// How differences are judged; `compare` and `gate` share it.
#[derive(Clone, Debug, Args)]
pub(super) struct JudgingArguments {
    /// The change that does not count, in percent
    #[arg(long, value_name = "PERCENT", default_value = "5", value_parser = effect)]
    pub(super) min_effect: f64,
    /// A figure that decides, in the place of the usual ones, as in `producers.web.response_time.p99`; may be repeated
    #[arg(long = "metric", value_name = "PATH")]
    pub(super) metrics: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For a terminal
    Text,
    /// Markdown
    Md,
    /// JSON
    Json,
}

/// A share from percent, with or without the sign.
fn effect(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim();
    match number.parse::<f64>() {
        Ok(percent) if (0.0..=1_000.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("expected percent, 0 to 1000, such as 5 or 2.5%".to_owned()),
    }
}

pub(super) fn compare(arguments: &CompareArguments) -> Exit {
    let sides = read_side(&arguments.base).and_then(|base| Ok((base, read_side(&arguments.new)?)));
    let (base, new) = match sides {
        Ok(sides) => sides,
        Err(problem) => {
            eprintln!("error: failed to {problem}");
            return Exit::Usage;
        }
    };
    let counts = (base.len(), new.len());
    let (pairing, pairs) = match compare::pairs::pairs(base, new) {
        Ok(paired) => paired,
        Err(problem) => {
            eprintln!("error: failed to {problem}");
            return Exit::Usage;
        }
    };
    for (name, there) in [("base", counts.0), ("new", counts.1)] {
        if there > pairs.len() {
            let without = there - pairs.len();
            eprintln!("warning: {without} of {there} runs of {name} have no partner of their seed");
        }
    }
    let settings = Settings {
        min_effect: arguments.judging.min_effect,
        allowed: Allowed {
            hosts: arguments.across_hosts,
        },
        alpha: SIDE_ALPHA,
        metrics: arguments.judging.metrics.clone(),
    };
    let comparison = match compare::compare(pairing, &pairs, &settings, None) {
        Ok(comparison) => comparison,
        Err(reasons) => {
            let mut exit = Exit::Yes;
            for reason in &reasons {
                eprintln!("error: failed to {reason}");
                exit = exit.and(if reason.is_void() {
                    Exit::Void
                } else {
                    Exit::Usage
                });
            }
            return exit;
        }
    };
    let format = match (arguments.json, arguments.markdown) {
        (true, _) => Format::Json,
        (_, true) => Format::Md,
        _ => arguments.format,
    };
    let mut exit = exit_of(comparison.verdict);
    if let Some(path) = &arguments.html
        && let Err(problem) = std::fs::write(path, page::render(&comparison, &pairs))
    {
        eprintln!("error: failed to write `{}`: {problem}", path.display());
        exit = exit.and(Exit::Usage);
    }
    exit.and(print(&comparison, format))
}

fn print(comparison: &Comparison, format: Format) -> Exit {
    show(|out| match format {
        Format::Text => {
            out.write_all(text::render(comparison).as_bytes())?;
            writeln!(out, "\nVerdict: {}", comparison.verdict.as_str())
        }
        Format::Md => out.write_all(markdown::render(comparison).as_bytes()),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, comparison)?;
            writeln!(out)
        }
    })
}

/// What a verdict comes to for a script.
pub(super) const fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Regression => Exit::No,
        Verdict::Inconclusive => Exit::Inconclusive,
        Verdict::NoRegression | Verdict::Improvement => Exit::Yes,
    }
}

/// The runs at `path`: a report, a results folder, or the results folders in it.
fn read_side(path: &Path) -> Result<Vec<Run>, String> {
    let shown = path.display();
    if path.is_file() {
        return Ok(vec![read_run(path, path)?]);
    }
    let report = path.join(results::REPORT);
    if report.is_file() {
        return Ok(vec![read_run(&report, path)?]);
    }
    let entries = std::fs::read_dir(path).map_err(|problem| {
        format!("read `{shown}`: {problem}; give a results folder or report.json")
    })?;
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|problem| format!("read `{shown}`: {problem}"))?;
        // `latest` points to a folder that is there itself.
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && entry.path().join(results::REPORT).is_file() {
            folders.push(entry.path());
        }
    }
    if folders.is_empty() {
        return Err(format!(
            "compare `{shown}`: neither it nor a folder in it has a report.json; make runs with `run --out {shown}`"
        ));
    }
    folders.sort();
    let runs = folders
        .iter()
        .map(|folder| read_run(&folder.join(results::REPORT), folder));
    runs.collect()
}

/// The run whose report is `report`, called by `path`.
fn read_run(report: &Path, path: &Path) -> Result<Run, String> {
    let shown = report.display();
    let bytes = std::fs::read(report).map_err(|problem| format!("read `{shown}`: {problem}"))?;
    let document = json::read(&bytes).map_err(|problem| format!("{problem} (`{shown}`)"))?;
    Ok(Run {
        path: path.display().to_string(),
        document,
        server: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimum_effect_is_percent() {
        assert_eq!(effect("5"), Ok(0.05));
        assert_eq!(effect("2.5 %"), Ok(0.025));
        assert_eq!(effect("0"), Ok(0.0));
        assert!(effect("-1").is_err() && effect("five").is_err() && effect("NaN").is_err());
    }
}
