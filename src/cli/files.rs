//! Scenario files, read with the overrides of the command line.

use std::io::IsTerminal as _;
use std::path::Path;

use super::args::OverrideArguments;
use crate::kinesis::{Delays, Limits};
use crate::scenario::targets::TargetKind;
use crate::scenario::{self, Abilities, Loaded, Override, Problems, Source};

/// Reads a scenario file; prints why it cannot.
pub(super) fn read(path: &Path) -> Option<Source> {
    read_as(path, "scenario")
}

/// Reads a file of limits; prints all problems.
pub(super) fn load_limits(path: &Path) -> Option<Limits> {
    let source = read_as(path, "limits")?;
    scenario::load_limits(&source).inspect_err(tell).ok()
}

/// Reads a file of delays; prints all problems.
pub(super) fn load_delays(path: &Path) -> Option<Delays> {
    let source = read_as(path, "delays")?;
    scenario::load_delays(&source).inspect_err(tell).ok()
}

/// Reads a file that messages call `what`; prints why it cannot.
pub(super) fn read_as(path: &Path, what: &str) -> Option<Source> {
    let path_text = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(problem) => {
            eprintln!("error: failed to read the {what} `{path_text}`: {problem}");
            return None;
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => Some(Source {
            path: path_text,
            text,
        }),
        Err(problem) => {
            let valid = &problem.as_bytes()[..problem.utf8_error().valid_up_to()];
            let line = valid.split(|&byte| byte == b'\n').count();
            eprintln!(
                "error: failed to read the {what} `{path_text}`: line {line} is not UTF-8; save the file as UTF-8"
            );
            None
        }
    }
}

/// Applies the overrides to a scenario file and checks the whole; prints all problems.
pub(super) fn load(source: &Source, overrides: &OverrideArguments) -> Option<Loaded> {
    let mut changes = Vec::new();
    for change in &overrides.set {
        match Override::parse(change) {
            Ok(change) => changes.push(change),
            Err(problem) => {
                eprintln!("error: {problem}");
                return None;
            }
        }
    }
    if let Some(seed) = overrides.seed {
        changes.push(Override {
            path: "seed".to_owned(),
            value: seed.to_string(),
        });
    }
    match scenario::load(source, &changes) {
        Ok(loaded) => Some(loaded),
        Err(problems) => {
            tell(&problems);
            None
        }
    }
}

/// Whether a scenario can run at a target of this kind; prints why not.
pub(super) fn can_run(loaded: &Loaded, kind: TargetKind, able: Abilities) -> bool {
    let mut findings = scenario::check_target(&loaded.scenario, kind, able);
    if kind == TargetKind::Simulated {
        findings.extend(scenario::check_simulated(&loaded.scenario));
    }
    let problems = loaded.problems(findings);
    problems.iter().for_each(tell);
    problems.is_none()
}

pub(super) fn tell(problems: &Problems) {
    eprintln!("{}", problems.render(std::io::stderr().is_terminal()));
}
