//! What tests of the built program share: running it, reading its results folder, and taking turns on the machine.

#![allow(dead_code, reason = "every test file uses another part of it")]

pub(crate) mod folder;
pub(crate) mod turn;

use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use streamgauge::base::Clock;
use streamgauge::measure::Status;
use streamgauge::report::{Document, json};
use turn::Turn;

/// How often a real run is made at most, when the runs themselves say that the host disturbed them.
const TRIES: u32 = 3;

/// What the program said and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: std::process::Output) -> Self {
        let ended = Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("what it prints is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("what it prints is UTF-8"),
        };
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }

    /// The results folder, which the last line of stdout names.
    pub(crate) fn folder(&self) -> PathBuf {
        let last = self.stdout.lines().last().unwrap_or_default();
        let path = last.strip_prefix("Results: ");
        PathBuf::from(
            path.unwrap_or_else(|| panic!("no results folder in the last line: {self:#?}")),
        )
    }
}

/// A run with its results.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) ended: Ended,
    pub(crate) folder: PathBuf,
    pub(crate) report: Document,
}

impl Run {
    fn of(ended: Ended) -> Self {
        let folder = ended.folder();
        Self {
            report: report_in(&folder),
            folder,
            ended,
        }
    }

    /// Whether the run says of itself that the host got in its way.
    pub(crate) fn disturbed(&self) -> bool {
        let verdict = &self.report.verdict;
        let is_the_hosts =
            |code: &str| ["pacer_gap", "lateness", "cpu_steal", "host_cpu"].contains(&code);
        verdict.status != Status::Valid
            && verdict
                .reasons
                .iter()
                .any(|reason| is_the_hosts(&reason.code))
    }

    /// Rejected attempts per attempt of all producers, over the whole run.
    pub(crate) fn rejected_share(&self) -> f64 {
        let ledgers = || {
            self.report
                .ledger
                .producers
                .values()
                .map(|ledger| ledger.total)
        };
        let rejected: u64 = ledgers().map(|ledger| ledger.rejected_attempts).sum();
        let attempts: u64 = ledgers().map(|ledger| ledger.attempts).sum();
        rejected as f64 / attempts as f64
    }
}

pub(crate) fn report_in(folder: &Path) -> Document {
    let bytes = std::fs::read(folder.join("report.json")).expect("the report was written");
    json::read(&bytes).unwrap_or_else(|problem| panic!("failed to {problem}"))
}

/// The program, ready to be given arguments; it works in the repository's folder.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the program to its end, beside others.
pub(crate) fn streamgauge<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    let _turn = Turn::beside_others();
    Ended::of(
        program()
            .args(arguments)
            .output()
            .expect("the program starts"),
    )
}

/// A shipped scenario, from the repository's folder.
pub(crate) fn shipped(name: &str) -> String {
    format!("scenarios/{name}.toml")
}

/// Simulates a scenario file.
pub(crate) fn simulate(out: &Path, scenario: &str, more: &[&str]) -> Run {
    let out = out.to_str().expect("temporary folders have plain names");
    let arguments = [&["simulate", scenario, "--out", out], more].concat();
    let run = Run::of(streamgauge(arguments));
    assert_eq!(run.ended.stderr, "");
    run
}

/// Runs a scenario in real time, alone, and holds `claims` against it. Where they fail and the run says of itself that
/// the host disturbed it, it is made again, [`TRIES`] times in all: other work on the machine is not the program's
/// fault. Claims that must hold on a disturbed machine too belong into `always`.
pub(crate) fn run_real(
    out: &Path,
    scenario: &str,
    more: &[&str],
    always: impl Fn(&Run),
    claims: impl Fn(&Run),
) -> Run {
    let out = out.to_str().expect("temporary folders have plain names");
    let arguments = [&["run", scenario, "--out", out], more].concat();
    let mut tries = 1;
    loop {
        let turn = Turn::alone();
        let output = program()
            .args(&arguments)
            .output()
            .expect("the program starts");
        drop(turn);
        let run = Run::of(Ended::of(output));
        always(&run);
        match catch_unwind(AssertUnwindSafe(|| claims(&run))) {
            Ok(()) => return run,
            Err(_) if run.disturbed() && tries < TRIES => tries += 1,
            Err(failure) => resume_unwind(failure),
        }
    }
}

/// Waits on the real clock.
pub(crate) fn pause(duration: Duration) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts")
        .block_on(Clock::real().sleep(duration));
}

/// Waits until `done` gives something. The bound is for a program that hangs, far above what a busy machine needs.
pub(crate) fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    for _ in 0..6_000 {
        if let Some(value) = done() {
            return value;
        }
        pause(Duration::from_millis(20));
    }
    panic!("waited two minutes for {what}");
}

/// The folder of the run that is under way in `out`, once it is open.
pub(crate) fn open_folder(out: &Path) -> PathBuf {
    wait_for("the results folder", || {
        let entries = std::fs::read_dir(out).ok()?;
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            // The last thing that is written before the run begins.
            .find(|path| {
                path.join("command.txt")
                    .metadata()
                    .is_ok_and(|file| file.len() > 0)
            })
    })
}

/// Sends a signal to a child of this process.
pub(crate) fn signal(child: &Child, signal: rustix::process::Signal) {
    rustix::process::kill_process(rustix::process::Pid::from_child(child), signal)
        .expect("the child was not waited for, so its number is its own");
}
