//! `gate`: two engines in, a verdict for a script out.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::runtime::Runtime;

use super::args::{Client, OverrideArguments};
use super::compare::JudgingArguments;
use super::exit::Exit;
use super::files;
use super::run;
use super::show::show;
use super::target::{allowed, connect, pick};
use super::watch::{Shown, Watch};
use crate::analyse::compare::{Comparison, Run, ServerUse, page, text};
use crate::base::{Clock, Timestamp, units};
use crate::report::{Folder, results};
use crate::scenario::targets::{TargetKind, TargetSpec};
use crate::scenario::{Abilities, Loaded, Source};
use crate::study::gate::result::{GATE, PAGE, SCHEMA_VERSION, SUMMARY};
use crate::study::gate::{
    self, Engine, EngineCommand, GateResult, GateVerdict, Judging, Plan, Regime, Side, SideResult,
    Told, markdown, regime,
};

#[derive(Debug, Args)]
pub(super) struct GateArguments {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    #[command(flatten)]
    overrides: OverrideArguments,
    /// The engine that is compared with: as `run --target`
    #[arg(long, value_name = "NAME|URL", required_unless_present = "base_cmd")]
    base: Option<String>,
    /// A command that starts it, anew for each run; `{addr}` is where it must listen, 127.0.0.1:PORT
    #[arg(long, value_name = "COMMAND", conflicts_with = "base")]
    base_cmd: Option<String>,
    /// The engine that is judged
    #[arg(long, value_name = "NAME|URL", required_unless_present = "new_cmd")]
    new: Option<String>,
    /// A command that starts it
    #[arg(long, value_name = "COMMAND", conflicts_with = "new")]
    new_cmd: Option<String>,
    /// What calls them
    #[arg(long, value_enum, default_value_t = Client::Sdk)]
    client: Client,
    #[command(flatten)]
    judging: JudgingArguments,
    /// How long it may take: bounds the pairs
    #[arg(long, value_name = "DURATION", value_parser = units::parse_duration)]
    budget: Option<Duration>,
    /// What the exit code says when nothing can be said: 5, 0 or 1
    #[arg(long, value_enum, value_name = "HOW")]
    inconclusive: Option<Inconclusive>,
    /// Let a regression pass (exit 0), for this reason, which the result keeps
    #[arg(long, value_name = "REASON", value_parser = reason)]
    accept: Option<String>,
    /// The folder that the results folder is made in
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Print gate.json instead of the summary
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown for a pull request
    #[arg(long)]
    markdown: bool,
    /// Print no progress
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Inconclusive {
    /// 0
    Pass,
    /// 1
    Fail,
}

fn reason(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why it is accepted".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// How a side is run.
#[derive(Debug)]
enum How {
    Target(TargetSpec),
    Command(EngineCommand),
}

/// A side: what was given, and what it means.
#[derive(Debug)]
struct Given {
    text: String,
    how: How,
}

impl Given {
    /// Prints why it is nothing.
    fn read(scenario: &Path, target: Option<&String>, command: Option<&String>) -> Option<Self> {
        if let Some(text) = command {
            let how = EngineCommand::parse(text)
                .map_err(|problem| eprintln!("error: failed to {problem}"))
                .ok()?;
            return Some(Self {
                text: text.clone(),
                how: How::Command(how),
            });
        }
        let text = target?;
        let spec = pick(text, scenario)?;
        match spec.kind {
            TargetKind::Embedded | TargetKind::Endpoint => Some(Self {
                text: text.clone(),
                how: How::Target(spec),
            }),
            TargetKind::Simulated | TargetKind::Aws => {
                eprintln!(
                    "error: `{text}` is a target of kind `{}`: a gate holds engines against each other that are measured and \
                     cost nothing; accepted: `embedded`, an endpoint, or a command",
                    spec.kind.as_str()
                );
                None
            }
        }
    }

    const fn kind(&self) -> TargetKind {
        match &self.how {
            How::Target(spec) => spec.kind,
            How::Command(_) => TargetKind::Endpoint,
        }
    }
}

/// How long a started engine may take until it answers.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(50);

pub(super) fn gate(arguments: &GateArguments) -> Exit {
    let path = &arguments.scenario;
    let base = Given::read(path, arguments.base.as_ref(), arguments.base_cmd.as_ref());
    let new = Given::read(path, arguments.new.as_ref(), arguments.new_cmd.as_ref());
    let (Some(base), Some(new)) = (base, new) else {
        return Exit::Usage;
    };
    if base.kind() != new.kind() {
        eprintln!(
            "error: base is of kind `{}` and new of kind `{}`: what is called over a socket is not compared with what is not",
            base.kind().as_str(),
            new.kind().as_str()
        );
        return Exit::Usage;
    }
    if let Err(refusal) = allowed(base.kind(), &base.text, arguments.client) {
        eprintln!("error: {refusal}");
        return Exit::Usage;
    }
    let Some(source) = files::read(path) else {
        return Exit::Usage;
    };
    let Some(loaded) = files::load(&source, &arguments.overrides) else {
        return Exit::Usage;
    };
    if !files::can_run(&loaded, base.kind(), Abilities::default()) {
        return Exit::Usage;
    }
    let scenario = &loaded.scenario;
    let plan = match Plan::of(
        scenario.time,
        arguments.budget,
        arguments.judging.min_effect,
    ) {
        Ok(plan) => plan,
        Err(problem) => {
            eprintln!("error: failed to {problem}");
            return Exit::Usage;
        }
    };
    // Heard from here to the last file: a gate is one thing to whoever ends it.
    let watch = match Watch::start(Shown::nothing(scenario), None) {
        Ok(watch) => watch,
        Err(problem) => {
            eprintln!("error: failed to listen for signals: {problem}");
            return Exit::Usage;
        }
    };
    let clock = Clock::real();
    let began = clock.now();
    let files = [GATE, SUMMARY, PAGE, results::SCENARIO, results::COMMAND];
    let name = format!("gate-{}", scenario.name);
    let folder = match Folder::open(&arguments.out, began, &name, files) {
        Ok(folder) => folder,
        Err(problem) => return run::cannot_write(&problem),
    };
    let told = folder.write(results::SCENARIO, |out| {
        out.write_all(loaded.text.as_bytes())
    });
    let told = told
        .and_then(|()| folder.write(results::COMMAND, |out| writeln!(out, "{}", run::command())));
    if let Err(problem) = told {
        return run::cannot_write(&problem);
    }
    if !arguments.quiet {
        eprintln!("{plan}");
    }
    let runtime = match run::real_runtime() {
        Ok(runtime) => runtime,
        Err(problem) => {
            eprintln!("error: failed to start the runtime: {problem}");
            return Exit::Unreachable;
        }
    };
    let work = Work {
        arguments,
        folder: &folder,
        source: &source,
        first: &loaded,
        watch: &watch,
        runtime: &runtime,
        clock,
        began,
        sides: [&base, &new],
    };
    let (regimes, made) = work.conduct(&plan);
    runtime.shutdown_background();
    let interrupted = watch.interrupted();
    let (verdict, answer) = GateResult::judge(&made, interrupted);
    let mut answer = answer;
    let accepted = arguments
        .accept
        .clone()
        .filter(|_| verdict == GateVerdict::Regression);
    if let Some(reason) = &accepted {
        answer = format!("{answer}; accepted: {reason}");
    }
    let [base_regime, new_regime] = regimes;
    let result = GateResult {
        schema_version: SCHEMA_VERSION,
        verdict,
        answer,
        accepted,
        scenario: scenario.name.clone(),
        seed: scenario.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: jiff::Timestamp::from_second(began.as_secs() as i64)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_string(),
        took_s: clock.now().since(began).as_secs_f64(),
        interrupted,
        plan,
        base: SideResult {
            given: base.text.clone(),
            regime: base_regime,
        },
        new: SideResult {
            given: new.text.clone(),
            regime: new_regime,
        },
        discarded: made.discarded,
        comparison: made.comparison,
    };
    let failed = match made.ending {
        gate::Ending::Stopped(exit) if !interrupted => Some(exit.0),
        _ => None,
    };
    conclude(arguments, folder, &result, &made.pairs, failed)
}

/// Writes what there is and prints it; says what it comes to. `failed`: why it could not go on.
fn conclude(
    arguments: &GateArguments,
    folder: Folder,
    result: &GateResult,
    pairs: &[[Run; 2]],
    failed: Option<Exit>,
) -> Exit {
    let mut exit = match result.verdict {
        _ if result.interrupted => Exit::Interrupted,
        GateVerdict::Void => Exit::Void,
        GateVerdict::Regression if result.accepted.is_some() => Exit::Yes,
        GateVerdict::Regression => Exit::No,
        GateVerdict::NoRegression | GateVerdict::Improvement => Exit::Yes,
        GateVerdict::Inconclusive => match arguments.inconclusive {
            // A gate that could not be held passes nobody.
            _ if failed.is_some() => Exit::Inconclusive,
            Some(Inconclusive::Pass) => Exit::Yes,
            Some(Inconclusive::Fail) => Exit::No,
            None => Exit::Inconclusive,
        },
    };
    if let Some(failed) = failed {
        exit = exit.and(failed);
    }
    let summary = markdown::render(result);
    let mut written = vec![
        folder.write(GATE, |out| result.write(out)),
        folder.write(SUMMARY, |out| out.write_all(summary.as_bytes())),
    ];
    if let Some(comparison) = &result.comparison {
        let page = page::render(comparison, pairs);
        written.push(folder.write(PAGE, |out| out.write_all(page.as_bytes())));
    }
    let path = folder.path().to_owned();
    let problems = written.into_iter().filter_map(Result::err);
    for problem in problems.chain(folder.finish().err()) {
        exit = exit.and(run::cannot_write(&problem));
    }
    exit.and(show(|out| {
        if arguments.json {
            return result.write(out);
        }
        if arguments.markdown {
            return out.write_all(summary.as_bytes());
        }
        out.write_all(shown(result).as_bytes())?;
        writeln!(out, "\nResults: {}", path.display())
    }))
}

/// What the terminal shows.
fn shown(result: &GateResult) -> String {
    let verdict = result.verdict.as_str().to_uppercase();
    let mut shown = format!("Gate: {verdict}\nAnswer: {}\n", result.answer);
    for reason in &result.discarded {
        // Writing to a string does not fail.
        let _ = writeln!(shown, "Made again: {reason}");
    }
    if let Some(comparison) = &result.comparison {
        shown.push_str(&text::details(comparison));
    }
    shown
}

/// Why a run was not made, everything having been said.
#[derive(Clone, Copy, Debug)]
struct Stopped(Exit);

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a run could not be made; standard error says why")
    }
}

/// What the runs of a gate share.
struct Work<'a> {
    arguments: &'a GateArguments,
    folder: &'a Folder,
    source: &'a Source,
    first: &'a Loaded,
    watch: &'a Watch,
    runtime: &'a Runtime,
    clock: Clock,
    began: Timestamp,
    sides: [&'a Given; 2],
}

impl Work<'_> {
    /// Asks both sides for their limits, and makes the pairs if they are alike.
    fn conduct(&self, plan: &Plan) -> ([Option<Regime>; 2], gate::Conducted<Stopped>) {
        let ended = |ending| gate::Conducted {
            ending,
            pairs: Vec::new(),
            comparison: None,
            discarded: Vec::new(),
        };
        let regimes = match self.regimes() {
            Ok(regimes) => regimes,
            Err(stopped) => return ([None, None], ended(gate::Ending::Stopped(stopped))),
        };
        if let [Some(base), Some(new)] = &regimes {
            if let Some(reason) = regime::unlike(base, new) {
                return (regimes, ended(gate::Ending::Void(reason)));
            }
            for (side, regime) in Side::ALL.into_iter().zip([base, new]) {
                if matches!(regime, Regime::Unknown(_)) {
                    eprintln!("warning: {} {}", side.as_str(), regime.describe());
                }
            }
        }
        let judging = Judging {
            min_effect: self.arguments.judging.min_effect,
            metrics: self.arguments.judging.metrics.clone(),
        };
        let most = plan.pairs_max();
        let made = gate::conduct(
            plan,
            &judging,
            || {
                let spent = self.clock.now().since(self.began);
                self.arguments.budget.is_none_or(|budget| spent < budget)
            },
            |pair, side| self.make(pair, side),
            |told| self.tell(told, most),
        );
        (regimes, made)
    }

    fn regimes(&self) -> Result<[Option<Regime>; 2], Stopped> {
        let mut regimes = [None, None];
        // The engine in this process is one and the same.
        if self.sides[0].kind() == TargetKind::Embedded {
            return Ok(regimes);
        }
        for (side, regime) in Side::ALL.into_iter().zip(&mut regimes) {
            *regime = Some(self.probe(side)?);
        }
        Ok(regimes)
    }

    fn given(&self, side: Side) -> &Given {
        self.sides[side as usize]
    }

    fn probe(&self, side: Side) -> Result<Regime, Stopped> {
        let number = self.clock.now().as_nanos() as u32;
        let name = format!("streamgauge-gate-probe-{number:08x}");
        let Ok(name) = name.parse() else {
            return Ok(Regime::Unknown("its stream has no name".to_owned()));
        };
        let (engine, spec) = self.go(side)?;
        let asked = self.uninterrupted(async {
            let target = connect(&spec, Client::Sdk).await.map_err(|problem| {
                eprintln!("error: {problem}");
                problem.exit()
            })?;
            regime::probe(&target, name).await.map_err(|problem| {
                eprintln!("error: `{}`: {problem}", spec.name);
                Exit::Unreachable
            })
        });
        self.leave(engine);
        asked
    }

    /// Starts the side's engine if it is to be started, and waits until it answers.
    fn go(&self, side: Side) -> Result<(Option<Engine>, TargetSpec), Stopped> {
        let command = match &self.given(side).how {
            How::Target(spec) => return Ok((None, spec.clone())),
            How::Command(command) => command,
        };
        let log = self
            .folder
            .path()
            .join(format!("engine-{}.log", side.as_str()));
        let refused = |problem: &dyn std::fmt::Display| {
            eprintln!("error: failed to {problem}");
            Stopped(Exit::Unreachable)
        };
        let mut engine = command.start(&log).map_err(|problem| refused(&problem))?;
        let spec = TargetSpec::endpoint(&engine.url()).map_err(|problem| refused(&problem))?;
        let ready = self.uninterrupted(async {
            let target = connect(&spec, Client::Sdk).await.map_err(|problem| {
                eprintln!("error: {problem}");
                problem.exit()
            })?;
            let deadline = self.clock.now().plus(READY_WITHIN);
            loop {
                let answered = tokio::select! {
                    biased;
                    answered = target.find_stream("streamgauge-gate-ready") => answered.is_ok(),
                    () = self.clock.sleep(READY_WITHIN) => false,
                };
                let ended = engine.ended();
                if answered && ended.is_none() {
                    return Ok(());
                }
                let late = self.clock.now() >= deadline;
                if ended.is_some() || late {
                    let how = ended.map_or_else(
                        || format!("did not answer within {} s", READY_WITHIN.as_secs()),
                        |status| format!("ended before it answered ({status})"),
                    );
                    eprintln!(
                        "error: the engine of {} {how}; what it printed is in `{}`",
                        side.as_str(),
                        log.display()
                    );
                    return Err(Exit::Unreachable);
                }
                self.clock.sleep(ASK_EVERY).await;
            }
        });
        match ready {
            Ok(()) => {
                engine.mark_ready();
                Ok((Some(engine), spec))
            }
            Err(stopped) => {
                self.leave(Some(engine));
                Err(stopped)
            }
        }
    }

    fn leave(&self, engine: Option<Engine>) {
        if let Some(engine) = engine {
            self.runtime.block_on(engine.end(self.clock));
        }
    }

    /// Waits for something unless somebody ends the gate.
    fn uninterrupted<T>(&self, wait: impl Future<Output = Result<T, Exit>>) -> Result<T, Stopped> {
        let mut cancel = self.watch.controls().cancel;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                Ok(_) = cancel.wait_for(|cancelled| *cancelled) => Err(Stopped(Exit::Interrupted)),
                done = wait => done.map_err(Stopped),
            }
        })
    }

    fn make(&self, pair: u32, side: Side) -> Result<Run, Stopped> {
        if self.watch.interrupted() {
            return Err(Stopped(Exit::Interrupted));
        }
        let overrides = OverrideArguments {
            seed: Some(self.first.scenario.seed.wrapping_add(u64::from(pair))),
            ..self.arguments.overrides.clone()
        };
        let loaded = files::load(self.source, &overrides).ok_or(Stopped(Exit::Usage))?;
        let (engine, spec) = self.go(side)?;
        let out = self.folder.path().join(side.as_str());
        let made = run::make_one(&out, &spec, self.arguments.client, &loaded, self.watch);
        let server = engine.as_ref().and_then(Engine::used);
        self.leave(engine);
        let made = made.map_err(Stopped)?;
        self.keep(made, side, &loaded, server)
    }

    /// Writes a run's folder. One that was interrupted is kept, but it is no half of a pair.
    fn keep(
        &self,
        made: run::Made,
        side: Side,
        loaded: &Loaded,
        server: Option<ServerUse>,
    ) -> Result<Run, Stopped> {
        let problems = run::write_results(
            &made.folder,
            &loaded.scenario,
            &made.document,
            &made.outcome,
        );
        let path = made.folder.path().display().to_string();
        let problems = problems.into_iter().chain(made.folder.finish().err());
        let mut failed = None;
        for problem in problems {
            failed = Some(run::cannot_write(&problem));
        }
        if let Some(exit) = failed {
            return Err(Stopped(exit));
        }
        if made.document.instrument.interrupted || self.watch.interrupted() {
            self.set_aside(side, Path::new(&path));
            return Err(Stopped(Exit::Interrupted));
        }
        if let Some(target) = &made.document.target
            && let Some(problem) = &target.unreachable
        {
            eprintln!("error: `{}` went away: {problem} (`{path}`)", target.name);
            return Err(Stopped(Exit::Unreachable));
        }
        Ok(Run {
            path,
            document: made.document,
            server,
        })
    }

    /// Moves a run that is no half of a pair out of its side's folder, which `compare` takes as a whole.
    fn set_aside(&self, side: Side, path: &Path) {
        let aside = self
            .folder
            .path()
            .join(format!("discarded-{}", side.as_str()));
        let name = path.file_name().unwrap_or_default();
        let moved =
            std::fs::create_dir_all(&aside).and_then(|()| std::fs::rename(path, aside.join(name)));
        if let Err(problem) = moved {
            eprintln!(
                "warning: failed to move `{}` to `{}`: {problem}",
                path.display(),
                aside.display()
            );
        }
    }

    fn tell(&self, told: &Told<'_>, most: u32) {
        match told {
            Told::Again {
                pair,
                side,
                reason,
                paths,
            } => {
                for (side, path) in Side::ALL.into_iter().zip(paths) {
                    self.set_aside(side, Path::new(path));
                }
                eprintln!(
                    "warning: pair {pair} is made again: {} is VOID ({reason})",
                    side.as_str()
                );
            }
            _ if self.arguments.quiet => {}
            Told::Pair(pairs) => eprintln!("pair {pairs} of at most {most}"),
            Told::Look(comparison) => {
                eprintln!("look at {} pairs: {}", comparison.pairs, seen(comparison));
            }
        }
    }
}

/// What a look that did not end it saw, and what more pairs could show.
fn seen(comparison: &Comparison) -> String {
    let deciding = comparison.metrics.iter().filter(|row| row.decides);
    let noise = deciding.filter_map(|row| row.noise).fold(0.0, f64::max);
    format!(
        "{}; the noisiest metric has {:.1} % a pair",
        comparison.answer,
        noise * 100.0
    )
}
