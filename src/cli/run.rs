//! `run` and `simulate`: scenarios in, results folders and summaries out.

use std::net::TcpListener;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Runtime;

use super::args::{
    AwsArguments, Client, CommonArguments, OverrideArguments, RunArguments, SimulateArguments,
};
use super::exit::Exit;
use super::files;
use super::foreseen::foreseen;
use super::hosts::{HostArguments, HostPlan};
use super::show::show;
use super::spinning;
use super::target::{self, NoClient};
use super::watch::{Display, Shown, Watch};
use crate::base::clock::{self, VIRTUAL_EPOCH};
use crate::base::{Clock, Timestamp, rng};
use crate::host::{Host, Settings};
use crate::measure::Status;
use crate::measure::integrity::write_book;
use crate::report::build::{self, Called, Inputs};
use crate::report::live::Course;
use crate::report::results::{self, Results};
use crate::report::{Document, Environment, Folder, FolderError, World, json, terminal};
use crate::report::{named_files, worker};
use crate::run::environment;
use crate::run::{Outcome, RunError, Session, reach};
use crate::scenario::targets::{TargetKind, TargetSpec};
use crate::scenario::{Abilities, Loaded, Scenario, Source, has_faults};
use crate::target::Target;
use crate::trace::{Recorder, Salt};

/// The account that the embedded engine plays.
const ACCOUNT: &str = "000000000000";
/// The region that it plays.
const REGION: &str = "us-east-1";

pub(super) fn run(arguments: &RunArguments) -> Exit {
    let RunArguments {
        common,
        target,
        client,
        precise,
        hosts,
        aws,
    } = arguments;
    run_all(common, target, *client, *precise, hosts, aws)
}

pub(super) fn simulate(arguments: &SimulateArguments) -> Exit {
    let none = AwsArguments::default();
    let alone = HostArguments::default();
    run_all(
        &arguments.common,
        "simulated",
        Client::Sdk,
        false,
        &alone,
        &none,
    )
}

fn run_all(
    common: &CommonArguments,
    target: &str,
    client: Client,
    precise: bool,
    hosts: &HostArguments,
    aws: &AwsArguments,
) -> Exit {
    let plan = match hosts.plan(Clock::real().now()) {
        Ok(plan) => plan,
        Err(problem) => {
            eprintln!("error: {problem}");
            return Exit::Usage;
        }
    };
    if plan.is_some() && (common.repeat > 1 || common.scenarios.len() > 1) {
        eprintln!(
            "error: `--worker` makes one run of one scenario: all workers begin it at the same time"
        );
        return Exit::Usage;
    }
    // Everything is read before anything runs: a mistake in the third file must not cost the first two runs.
    let mut loaded = Vec::new();
    for path in &common.scenarios {
        let Some(target) = target::pick(target, path) else {
            return Exit::Usage;
        };
        let Some(source) = files::read(path) else {
            return Exit::Usage;
        };
        let Some(scenario) = files::load(&source, &common.overrides) else {
            return Exit::Usage;
        };
        if !files::can_run(&scenario, target.kind, Abilities::default()) {
            return Exit::Usage;
        }
        if let Err(refusal) = target::allowed(target.kind, &target.name, client) {
            eprintln!("error: {}: {refusal}", path.display());
            return Exit::Usage;
        }
        if precise && let Err(refusal) = spinning::allowed(&scenario.scenario, target.kind) {
            eprintln!("error: {}: {refusal}", path.display());
            return Exit::Usage;
        }
        if let Some(plan) = &plan {
            let refusal = if target.kind.is_in_process() {
                Some(format!(
                    "`--worker` needs a target that all hosts reach: the engine of `{}` is in this process; give \
                     `--target NAME|URL`",
                    target.name
                ))
            } else {
                plan.refusal(&scenario.scenario)
            };
            if let Some(refusal) = refusal {
                eprintln!("error: {refusal}");
                return Exit::Usage;
            }
        }
        loaded.push((source, scenario, target));
    }
    if cfg!(not(feature = "aws")) {
        // Permits are asked for nowhere else.
        let _ = aws;
    }
    let metrics = match common.metrics.listen() {
        Ok(metrics) => metrics,
        Err(exit) => return exit,
    };
    let way = Way {
        plan: plan.as_ref(),
        precise,
        metrics: metrics.as_ref(),
    };
    let mut exit = Exit::Yes;
    for (source, first, target) in &loaded {
        for repeat in 0..common.repeat {
            let one = match again(common, source, first, u64::from(repeat)) {
                #[cfg(feature = "aws")]
                Some(loaded) if target.kind == TargetKind::Aws => super::aws::run_one(
                    common,
                    target,
                    client,
                    plan.as_ref(),
                    aws,
                    metrics.as_ref(),
                    &loaded,
                ),
                Some(loaded) => run_one(common, target, client, way, &loaded),
                None => Exit::Usage,
            };
            exit = exit.and(one);
            // A guard that refused one run on AWS, or a cap that ended it, speaks for the next one too.
            let is_refused = one == Exit::Unreachable && target.kind == TargetKind::Aws;
            if is_refused || matches!(one, Exit::Interrupted | Exit::Usage) {
                return exit;
            }
        }
    }
    exit
}

/// The scenario of a repetition. Its text holds its seed, so that the results folder repeats this run, not the first.
fn again(common: &CommonArguments, source: &Source, first: &Loaded, repeat: u64) -> Option<Loaded> {
    if repeat == 0 {
        return Some(first.clone());
    }
    let overrides = OverrideArguments {
        seed: Some(first.scenario.seed.wrapping_add(repeat)),
        ..common.overrides.clone()
    };
    files::load(source, &overrides)
}

/// How a run is made, where it is not as usual.
#[derive(Clone, Copy)]
struct Way<'a> {
    /// This host's part, where several hosts make the run.
    plan: Option<&'a HostPlan>,
    /// Whether the pacers spin.
    precise: bool,
    /// Where metrics are asked for.
    metrics: Option<&'a TcpListener>,
}

fn run_one(
    common: &CommonArguments,
    target: &TargetSpec,
    client: Client,
    way: Way<'_>,
    loaded: &Loaded,
) -> Exit {
    let scenario = &loaded.scenario;
    let world = world(target.kind);
    let shown = match shown(common, scenario, world, way.plan, way.metrics) {
        Ok(shown) => shown,
        Err(exit) => return exit,
    };
    let watch = match Watch::start(shown, None) {
        Ok(watch) => watch,
        Err(problem) => {
            eprintln!("error: failed to listen for signals: {problem}");
            return Exit::Usage;
        }
    };
    match make(
        &common.out,
        common.redact,
        target,
        client,
        way,
        loaded,
        &watch,
    ) {
        Ok(made) => conclude(common, made, scenario, &watch),
        Err(exit) => exit,
    }
}

/// A run that was made and is still to be written, or to be written again with what its end brought.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) folder: Folder,
    pub(super) document: Document,
    pub(super) outcome: Outcome,
    /// Whether all files are there already, written before the target was cleaned up.
    pub(super) is_kept: bool,
}

/// Makes a run at a target that is not AWS, alone on this host; its folder is in `out`.
///
/// # Errors
/// The exit code, everything having been said.
pub(super) fn make_one(
    out: &Path,
    target: &TargetSpec,
    client: Client,
    loaded: &Loaded,
    watch: &Watch,
) -> Result<Made, Exit> {
    let alone = Way {
        plan: None,
        precise: false,
        metrics: None,
    };
    make(out, false, target, client, alone, loaded, watch)
}

fn make(
    out: &Path,
    is_redacted: bool,
    target: &TargetSpec,
    client: Client,
    way: Way<'_>,
    loaded: &Loaded,
    watch: &Watch,
) -> Result<Made, Exit> {
    let scenario = &loaded.scenario;
    let wall = Clock::real();
    // Nothing is written for a target that is not there.
    let place = Place::reach(target, client, way.plan, loaded, watch).map_err(|problem| {
        watch.end_line();
        problem.tell(target)
    })?;
    let folder = open_folder(out, wall.now(), loaded).map_err(|problem| cannot_write(&problem))?;
    let describe = |outcome: &Outcome| {
        let inputs = Inputs {
            scenario,
            text: &loaded.text,
            world: world(target.kind),
            outcome,
            environment: (target.kind != TargetKind::Simulated)
                .then(|| describe_host(&target.name)),
            target: (!target.kind.is_in_process()).then(|| Called {
                name: target.name.clone(),
                url: target.url.clone(),
                client: client.as_str(),
            }),
        };
        let mut document = build::document(&inputs);
        document.forecast = foreseen(scenario);
        (!is_redacted || redact(&mut document)).then_some(document)
    };
    let mut is_kept = false;
    let keep = |outcome: &Outcome| {
        let document = describe(outcome);
        is_kept = document.is_some_and(|document| keep(&folder, scenario, &document, outcome));
    };
    let outcome = place.run(loaded, way, wall, watch, None, keep);
    watch.end_line();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(problem) => {
            folder.discard();
            return Err(problem.tell(target));
        }
    };
    let document = describe(&outcome).ok_or(Exit::Usage)?;
    Ok(Made {
        folder,
        document,
        outcome,
        is_kept,
    })
}

/// Writes the results of a run whose streams are still to be deleted, so that they are there whatever becomes of that;
/// whether they are. What could not be written is written again, and told, at the end.
pub(super) fn keep(
    folder: &Folder,
    scenario: &Scenario,
    document: &Document,
    outcome: &Outcome,
) -> bool {
    write_results(folder, scenario, document, outcome).is_empty() && folder.publish().is_ok()
}

/// The world of a target.
pub(super) const fn world(kind: TargetKind) -> World {
    match kind {
        TargetKind::Embedded => World::Embedded,
        TargetKind::Simulated => World::Simulated,
        TargetKind::Endpoint => World::Endpoint,
        TargetKind::Aws => World::Aws,
    }
}

/// How a run of `scenario` is shown while it goes on; prints why it cannot be.
pub(super) fn shown(
    common: &CommonArguments,
    scenario: &Scenario,
    world: World,
    plan: Option<&HostPlan>,
    metrics: Option<&TcpListener>,
) -> Result<Shown, Exit> {
    // Each run of several watches the one address by a descriptor of its own.
    let metrics = metrics.map(TcpListener::try_clone).transpose();
    let metrics = metrics.map_err(|problem| {
        eprintln!("error: failed to listen for --metrics: {problem}");
        Exit::Unreachable
    })?;
    Ok(Shown {
        course: Course::of(scenario, world),
        consumers: readers(scenario, plan),
        display: display(common),
        metrics,
    })
}

/// What the terminal shows, as was asked for and as it can be.
fn display(common: &CommonArguments) -> Display {
    #[cfg(feature = "live")]
    if common.live {
        if super::screen::is_possible() {
            return Display::Screen;
        }
        eprintln!("note: --live needs a terminal on standard error; showing plain progress");
    }
    if common.quiet {
        Display::Nothing
    } else {
        Display::Line
    }
}

/// How many consumers this host reads for.
pub(super) fn readers(scenario: &Scenario, plan: Option<&HostPlan>) -> u64 {
    let consumers = 0..scenario.consumers.len() as u32;
    let here = consumers.filter(|&number| plan.is_none_or(|plan| plan.portion.reads(number)));
    here.count() as u64
}

/// Puts hashes in the place of the keys of others, with a salt that is thrown away; prints why it cannot.
pub(super) fn redact(document: &mut Document) -> bool {
    let salt = match Salt::random() {
        Ok(salt) => salt,
        Err(problem) => {
            eprintln!("error: failed to redact the results: {problem}");
            return false;
        }
    };
    let consumers = document.consumers.values_mut();
    let watched = consumers.filter_map(|consumer| consumer.watched.as_mut());
    for key in watched.flat_map(|watched| &mut watched.hot_keys) {
        key.key = salt.name(&key.key);
    }
    let foreseen = document.forecast.values_mut();
    for key in foreseen.flat_map(|stream| &mut stream.heaviest_keys) {
        key.key = salt.name(&key.key);
    }
    true
}

/// Records what the readers of a scenario are given at a target outside of this process.
///
/// # Errors
/// The exit code, everything having been said.
pub(super) fn read(
    target: &TargetSpec,
    loaded: &Loaded,
    recorder: &Recorder,
    watch: &Watch,
) -> Result<Outcome, Exit> {
    let place = Place::reach(target, Client::Sdk, None, loaded, watch);
    let outcome = place.and_then(|place| {
        let alone = Way {
            plan: None,
            precise: false,
            metrics: None,
        };
        place.run(loaded, alone, Clock::real(), watch, Some(recorder), |_| {})
    });
    outcome.map_err(|problem| {
        watch.end_line();
        problem.tell(target)
    })
}

/// What an end that somebody asked for comes to.
pub(super) fn ending(watch: &Watch) -> Exit {
    if watch.interrupted() {
        Exit::Interrupted
    } else {
        Exit::Yes
    }
}

/// Writes the results and shows the summary; says what both come to.
pub(super) fn conclude(
    common: &CommonArguments,
    made: Made,
    scenario: &Scenario,
    watch: &Watch,
) -> Exit {
    let Made {
        folder,
        document,
        outcome,
        is_kept,
    } = made;
    let written = if is_kept {
        results::amend(&folder, &document)
    } else {
        write_results(&folder, scenario, &document, &outcome)
    };
    let exit = close(folder, written, &document, common.json);
    // Watched to here: a signal while results are written must not be lost, and a second one must not wait.
    exit.and(exit_of(&document, watch.interrupted(), common.strict))
}

/// Closes a folder in which all is written that could be, and shows the summary.
pub(super) fn close(
    folder: Folder,
    written: Vec<FolderError>,
    document: &Document,
    as_json: bool,
) -> Exit {
    let path = folder.path().to_owned();
    let mut exit = Exit::Yes;
    for problem in written.into_iter().chain(folder.finish().err()) {
        exit = exit.and(cannot_write(&problem));
    }
    // Last, because whoever reads this may be slow, and the results must not wait for them.
    let shown = show(|out| {
        if as_json {
            return json::write(out, document);
        }
        out.write_all(terminal::render(document).as_bytes())?;
        writeln!(out, "\nResults: {}", path.display())
    });
    exit.and(shown)
}

pub(super) fn cannot_write(problem: &FolderError) -> Exit {
    eprintln!("error: failed to {problem}");
    Exit::Usage
}

/// What a document comes to for a script.
pub(super) fn exit_of(document: &Document, interrupted: bool, strict: bool) -> Exit {
    let measured = match document.verdict.status {
        Status::Void => Exit::Void,
        Status::Degraded if strict => Exit::Void,
        Status::Degraded | Status::Valid => Exit::Yes,
    };
    let held = if document.slo.iter().any(crate::report::SloResult::is_missed) {
        Exit::No
    } else {
        Exit::Yes
    };
    let ended = if interrupted {
        Exit::Interrupted
    } else {
        Exit::Yes
    };
    let reached = match &document.target {
        Some(target) if target.unreachable.is_some() || !target.left_behind.is_empty() => {
            Exit::Unreachable
        }
        _ => Exit::Yes,
    };
    measured.and(held).and(ended).and(reached)
}

/// Where a run is about to happen.
#[derive(Debug)]
enum Place {
    Embedded,
    Simulated,
    Connected(Runtime, Target),
}

impl Place {
    /// Goes there and looks whether the scenario can run; nothing is made or written.
    fn reach(
        spec: &TargetSpec,
        client: Client,
        plan: Option<&HostPlan>,
        loaded: &Loaded,
        watch: &Watch,
    ) -> Result<Self, Problem> {
        match spec.kind {
            TargetKind::Embedded => return Ok(Self::Embedded),
            TargetKind::Simulated => return Ok(Self::Simulated),
            TargetKind::Endpoint | TargetKind::Aws => {}
        }
        let runtime = real_runtime()?;
        let mut cancel = watch.controls().cancel;
        let reached = async {
            let target = target::connect(spec, client).await?;
            let makes = plan.is_none_or(|plan| plan.portion.is_first());
            reach(&target, &loaded.scenario, makes).await?;
            let mut able = Abilities {
                faults: None,
                resets: Some(target.can_reset_connections()),
            };
            if has_faults(&loaded.scenario) {
                able.faults = Some(target.has_switch().await);
            }
            if !files::can_run(loaded, spec.kind, able) {
                return Err(Problem::Told);
            }
            Ok(target)
        };
        let target = runtime.block_on(async {
            tokio::select! {
                biased;
                Ok(_) = cancel.wait_for(|cancelled| *cancelled) => Err(RunError::Interrupted.into()),
                reached = reached => reached,
            }
        })?;
        Ok(Self::Connected(runtime, target))
    }

    /// Makes the run there. `keep` is shown what came of it before the target is cleaned up, if it has something of the run.
    fn run(
        self,
        loaded: &Loaded,
        way: Way<'_>,
        wall: Clock,
        watch: &Watch,
        trace: Option<&Recorder>,
        keep: impl FnOnce(&Outcome),
    ) -> Result<Outcome, Problem> {
        let (scenario, Way { plan, precise, .. }) = (&loaded.scenario, way);
        let (runtime, mut session) = match self {
            Self::Simulated => return run_simulated(scenario, watch),
            Self::Embedded => {
                let run = run_number(scenario, wall);
                (real_runtime()?, embedded(scenario, run, wall))
            }
            Self::Connected(runtime, target) => {
                let session = Session {
                    scenario: scenario.clone(),
                    run: plan.map_or_else(
                        || run_number(scenario, wall),
                        |plan| plan.run_number(loaded),
                    ),
                    clock: target.clock(),
                    target,
                    trace: trace.cloned(),
                    hosts: plan.map(|plan| plan.hosts(scenario)),
                };
                (runtime, session)
            }
        };
        if precise {
            session.clock = session.clock.spinning();
        }
        let controls = watch.controls();
        let measured = async move { tokio::spawn(session.measure(controls, None)).await };
        let ended = match runtime.block_on(measured) {
            Ok(Ok(measured)) => {
                if measured.stands() {
                    // Whatever happens here, the streams must go.
                    let kept = catch_unwind(AssertUnwindSafe(|| keep(measured.outcome())));
                    let outcome = runtime.block_on(measured.clean_up());
                    kept.map_or_else(|panic| resume_unwind(panic), |()| Ok(outcome))
                } else {
                    Ok(runtime.block_on(measured.clean_up()))
                }
            }
            Ok(Err(problem)) => Err(problem.into()),
            Err(problem) => Err(problem.into()),
        };
        // Look-ups of host names cannot be ended and must not hold up the results.
        runtime.shutdown_background();
        ended
    }
}

pub(super) fn real_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
}

/// Stamps of another run, in a stream that outlived it, must not be taken for this one's.
fn run_number(scenario: &Scenario, clock: Clock) -> u32 {
    rng::run_number(scenario.seed, clock.now().as_nanos())
}

fn run_simulated(scenario: &Scenario, watch: &Watch) -> Result<Outcome, Problem> {
    let runtime = clock::virtual_runtime()?;
    let controls = watch.controls();
    runtime.block_on(async {
        let session = embedded(
            scenario,
            rng::run_number(scenario.seed, 0),
            Clock::virtual_from(VIRTUAL_EPOCH),
        );
        Ok(session.run(controls).await?)
    })
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("failed to start the runtime: {0}")]
    Runtime(#[from] std::io::Error),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    NoClient(#[from] NoClient),
    #[error("the scenario cannot run there")]
    Told,
    #[error(
        "the run's task ended unexpectedly; this is a defect of streamgauge, please report it: {0}"
    )]
    Task(#[from] tokio::task::JoinError),
}

impl Problem {
    /// Prints it; says what it comes to for a script.
    fn tell(&self, target: &TargetSpec) -> Exit {
        match self {
            // The findings are printed.
            Self::Told => return Exit::Usage,
            Self::Run(RunError::Unreachable(_)) => {
                let url = target.url.as_deref().unwrap_or(&target.name);
                eprintln!("error: `{url}`: {self}");
            }
            other => eprintln!("error: {other}"),
        }
        match self {
            Self::Run(RunError::Interrupted) => Exit::Interrupted,
            Self::NoClient(problem) => problem.exit(),
            _ => Exit::Unreachable,
        }
    }
}

/// A run on an engine of its own in this process.
pub(super) fn embedded(scenario: &Scenario, run: u32, clock: Clock) -> Session {
    let settings = Settings {
        account_id: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        limits: scenario.engine.limits.clone(),
        max_memory_bytes: scenario.engine.max_memory_bytes,
    };
    let host = Host::new(
        settings,
        scenario.engine.delays.clone(),
        clock,
        scenario.seed,
    );
    Session {
        scenario: scenario.clone(),
        run,
        clock,
        target: Target::Embedded(Arc::new(host)),
        trace: None,
        hosts: None,
    }
}

pub(super) fn describe_host(target: &str) -> Environment {
    let host = environment::Host::look();
    Environment {
        target: target.to_owned(),
        os: host.os,
        cpu_model: host.cpu_model,
        cpus: host.cpus,
        memory_bytes: host.memory_bytes,
    }
}

/// Opens the folder before anything runs, with what is known by then in it.
pub(super) fn open_folder(
    out: &Path,
    now: Timestamp,
    loaded: &Loaded,
) -> Result<Folder, FolderError> {
    let Scenario {
        name,
        producers,
        consumers,
        ..
    } = &loaded.scenario;
    let files = results::file_names(
        producers.keys().map(String::as_str),
        consumers.keys().map(String::as_str),
    );
    let folder = Folder::open(out, now, name, files.iter().map(String::as_str))?;
    let begun = folder
        .write(results::SCENARIO, |file| {
            file.write_all(loaded.text.as_bytes())
        })
        .and_then(|()| folder.write(results::COMMAND, |file| writeln!(file, "{}", command())))
        .and_then(|()| named_files::keep(&folder, &loaded.files));
    match begun {
        Ok(()) => Ok(folder),
        Err(problem) => {
            folder.discard();
            Err(problem)
        }
    }
}

/// The command line of this process.
pub(super) fn command() -> String {
    std::env::args()
        .map(|word| shell_word(&word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a shell takes it back.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Writes all files of a run; the answer is every error.
pub(super) fn write_results(
    folder: &Folder,
    scenario: &Scenario,
    document: &Document,
    outcome: &Outcome,
) -> Vec<FolderError> {
    let latencies = build::latencies(outcome);
    let intervals = build::interval_view(scenario, outcome);
    let results = Results {
        document,
        intervals,
        latencies: &latencies,
        command: &command(),
    };
    let mut problems = results.save(folder);
    problems.extend(worker::save(folder, scenario, outcome, &latencies));
    let accounts = outcome
        .streams
        .iter()
        .map(|(name, stream)| (name.as_str(), stream.integrity.snapshot()));
    let integrity = folder.write(results::INTEGRITY, |file| write_book(file, accounts));
    problems.extend(integrity.err());
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_kept_as_a_shell_takes_it_back() {
        assert_eq!(
            shell_word("scenarios/first-run.toml"),
            "scenarios/first-run.toml"
        );
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
