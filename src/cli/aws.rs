//! A run on AWS from the command line: what is asked and said before it, its streams around it, its bill after it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp as Utc;

use super::args::{AwsArguments, Client, CommonArguments};
use super::exit::Exit;
use super::hosts::HostPlan;
use super::run::{self, Made};
use super::target::as_client;
use super::watch::{Cap, Shown, Watch};
use crate::analyse::{self, Found, FoundStreams, LiveCost, Prices};
use crate::base::{Clock, Timestamp, rng};
use crate::kinesis::StreamName;
use crate::kinesis::endpoint::is_aws_url;
use crate::report::build::{self, Called, Inputs};
use crate::report::cost::usd;
use crate::report::{AwsRun, Cost, Document, World};
use crate::run::guard::{self, Permits, Pins, Refusal};
use crate::run::owned::{self, Label, Owned, OwnedError};
use crate::run::{Outcome, RunError, Session};
use crate::scenario::created::{consumer_name, new_stream, run_id, service_names};
use crate::scenario::model::ConsumerKind;
use crate::scenario::targets::TargetSpec;
use crate::scenario::{Loaded, Scenario};
use crate::target::CONSUMER_ACTIVE_WITHIN;
use crate::target::sdk::{self, ConnectError, Identity, Sdk};
use crate::trace::Recorder;

/// What a run may cost if nobody says, in USD.
const MAX_COST_DEFAULT_USD: f64 = 5.0;

/// How often it is looked whether another host has made a stream.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long after its planned end a run's streams are taken for left behind.
const GRACE: Duration = Duration::from_mins(15);

/// How long a run may go on from now: its streams become ACTIVE one after another, and again after their retention was
/// changed.
fn lasts_at_most(scenario: &Scenario) -> Duration {
    let day = Duration::from_hours(24);
    let waits = scenario.streams.values().map(|stream| {
        let retained = !stream.existing && stream.retention > day;
        1 + u32::from(retained)
    });
    let registered = scenario.consumers.values();
    let registered = registered.filter(|consumer| consumer.kind.is_fan_out());
    let registrations = CONSUMER_ACTIVE_WITHIN * registered.count() as u32;
    sdk::ACTIVE_WITHIN * waits.sum::<u32>()
        + registrations
        + scenario.time.load()
        + scenario.time.drain
        + GRACE
}

/// Says why something was refused.
pub(super) fn refused(refusal: &Refusal) -> Exit {
    eprintln!("error: {refusal}");
    if refusal.is_usage() {
        Exit::Usage
    } else {
        Exit::Unreachable
    }
}

/// A time as tags and calendars have it.
pub(super) fn utc(time: Timestamp) -> Utc {
    Utc::from_second(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)).unwrap_or(Utc::MAX)
}

/// A run that nothing speaks against so far: nobody was asked yet.
#[derive(Debug)]
struct Plan {
    pins: Pins,
    prices: Prices,
    estimate: Cost,
    max_cost_usd: f64,
    /// What its existing streams are; nothing until the service was asked.
    found: FoundStreams,
    live: Arc<OnceLock<LiveCost>>,
}

impl Plan {
    /// Holds the scenario against the target's pins, the permits and the cap; prints the estimate, or why not.
    ///
    /// # Errors
    /// The exit code, everything having been said.
    fn new(spec: &TargetSpec, scenario: &Scenario, arguments: &AwsArguments) -> Result<Self, Exit> {
        let pins = Pins::of(spec).map_err(|refusal| refused(&refusal))?;
        let permits = Permits {
            write: arguments.allow_write.clone(),
            reshard: arguments.allow_reshard.clone(),
        };
        let refusals = guard::check_existing(scenario, &pins, &permits);
        let exits = refusals.iter().map(refused);
        if let Some(exit) = exits.reduce(Exit::and) {
            return Err(exit);
        }
        let prices = Prices::shipped().in_region(&pins.region);
        let estimate = analyse::estimate(scenario, &prices);
        let max_cost_usd = arguments
            .max_cost
            .or(spec.max_cost_usd)
            .unwrap_or(MAX_COST_DEFAULT_USD);
        eprint!("{}", estimate.render("Cost, at most"));
        let plan = Self {
            pins,
            prices,
            estimate,
            max_cost_usd,
            found: FoundStreams::new(),
            live: Arc::default(),
        };
        plan.check_cost().map_err(|refusal| refused(&refusal))?;
        Ok(plan)
    }

    fn check_cost(&self) -> Result<(), Refusal> {
        if self.estimate.usd > self.max_cost_usd {
            return Err(Refusal::Cost {
                estimate: usd(self.estimate.usd),
                cap: usd(self.max_cost_usd),
            });
        }
        Ok(())
    }

    /// Estimates again, now that the service said what the existing streams are: their shards bound a producer without a
    /// rate, and their mode says what is billed.
    ///
    /// # Errors
    /// [`Refusal::Cost`].
    fn price(&mut self, scenario: &Scenario, found: FoundStreams) -> Result<(), Refusal> {
        if !found.is_empty() {
            self.estimate = analyse::estimate_of(scenario, &found, &self.prices);
            let what = "Cost with the existing streams as they are, at most";
            eprint!("{}", self.estimate.render(what));
        }
        let live = LiveCost::new(scenario, found.clone(), self.prices.clone());
        let _ = self.live.set(live);
        self.found = found;
        self.check_cost()
    }

    /// The cap to hold the run against while it goes on.
    fn cap(&self) -> Cap {
        Cap {
            live: Arc::clone(&self.live),
            max_usd: self.max_cost_usd,
        }
    }
}

/// Makes one run on AWS.
pub(super) fn run_one(
    common: &CommonArguments,
    spec: &TargetSpec,
    client: Client,
    hosts: Option<&HostPlan>,
    arguments: &AwsArguments,
    metrics: Option<&TcpListener>,
    loaded: &Loaded,
) -> Exit {
    let scenario = &loaded.scenario;
    let plan = match Plan::new(spec, scenario, arguments) {
        Ok(plan) => plan,
        Err(exit) => return exit,
    };
    let wall = Clock::real();
    let shown = match run::shown(common, scenario, World::Aws, hosts, metrics) {
        Ok(shown) => shown,
        Err(exit) => return exit,
    };
    let watch = match Watch::start(shown, Some(plan.cap())) {
        Ok(watch) => watch,
        Err(problem) => {
            eprintln!("error: failed to listen for signals: {problem}");
            return Exit::Usage;
        }
    };
    let folder = match run::open_folder(&common.out, wall.now(), loaded) {
        Ok(folder) => folder,
        Err(problem) => return run::cannot_write(&problem),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let describe = |outcome: &Outcome, opened: &Opened| {
        let inputs = Inputs {
            scenario,
            text: &loaded.text,
            world: World::Aws,
            outcome,
            environment: Some(run::describe_host(&spec.name)),
            target: Some(Called {
                name: spec.name.clone(),
                url: spec.url.clone(),
                client: client.as_str(),
            }),
        };
        let mut document = build::document(&inputs);
        document.forecast = super::foreseen::foreseen(scenario);
        if common.redact && !run::redact(&mut document) {
            return None;
        }
        opened.complete(&mut document, scenario, watch.capped());
        Some(document)
    };
    let mut is_kept = false;
    let keep = |outcome: &Outcome, opened: &Opened| {
        let document = describe(outcome, opened);
        is_kept = document.is_some_and(|document| run::keep(&folder, scenario, &document, outcome));
    };
    let ended = match runtime {
        Ok(runtime) => {
            let running = course(
                plan,
                spec,
                client,
                loaded,
                hosts,
                Kept {
                    folder: folder.path(),
                    trace: None,
                },
                &watch,
                keep,
            );
            let ended = runtime.block_on(running);
            // Look-ups of host names cannot be ended and must not hold up the results.
            runtime.shutdown_background();
            ended
        }
        Err(problem) => Err(AwsProblem::Runtime(problem)),
    };
    watch.end_line();
    let ran = match ended {
        Ok(ran) => ran,
        Err(problem) => {
            eprintln!("error: {problem}");
            if owned::is_left(folder.path()) {
                eprintln!("what may be left is listed in {}", folder.path().display());
            } else {
                folder.discard();
            }
            return problem.exit();
        }
    };
    let Some(document) = describe(&ran.outcome, &ran.opened) else {
        return Exit::Usage;
    };
    let made = Made {
        folder,
        document,
        outcome: ran.outcome,
        is_kept,
    };
    let exit = run::conclude(common, made, scenario, &watch);
    if ran.is_clean && !watch.capped() {
        exit
    } else {
        exit.and(Exit::Unreachable)
    }
}

/// Records what the readers of a scenario are given, all of it from streams that are there. Gives what came of it, and
/// whether somebody or the cap ended it. A consumer that it registers is noted in `folder` until it is gone.
///
/// # Errors
/// The exit code, everything having been said.
pub(super) fn read(
    spec: &TargetSpec,
    loaded: &Loaded,
    recorder: &Recorder,
    shown: Shown,
    folder: &Path,
) -> Result<(Outcome, Exit), Exit> {
    let scenario = &loaded.scenario;
    let plan = Plan::new(spec, scenario, &AwsArguments::default())?;
    let watch = Watch::start(shown, Some(plan.cap())).map_err(|problem| {
        eprintln!("error: failed to listen for signals: {problem}");
        Exit::Usage
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let course = course(
                plan,
                spec,
                Client::Sdk,
                loaded,
                None,
                Kept {
                    folder,
                    trace: Some(recorder),
                },
                &watch,
                |_, _| {},
            );
            let ended = runtime.block_on(course);
            runtime.shutdown_background();
            ended
        }
        Err(problem) => Err(AwsProblem::Runtime(problem)),
    };
    watch.end_line();
    if owned::is_left(folder) {
        eprintln!("what may be left is listed in {}", folder.display());
    } else {
        owned::forget(folder);
    }
    match ended {
        Ok(ran) if watch.capped() || !ran.is_clean => Ok((ran.outcome, Exit::Unreachable)),
        Ok(ran) => Ok((ran.outcome, run::ending(&watch))),
        Err(problem) => {
            eprintln!("error: {problem}");
            Err(problem.exit())
        }
    }
}

/// A run that came to its end.
struct Ran {
    outcome: Outcome,
    opened: Opened,
    /// Whether all that it made is gone.
    is_clean: bool,
}

/// Where what a run shows and makes is kept.
#[derive(Clone, Copy)]
struct Kept<'a> {
    /// The folder of `resources.json`.
    folder: &'a Path,
    /// Where its reader's records are recorded.
    trace: Option<&'a Recorder>,
}

/// Opens, runs and closes: after this nothing of the run is left on AWS unless somebody was told. `keep` is shown what came of
/// the run before that is closed.
#[expect(clippy::too_many_arguments, reason = "each belongs to somebody else")]
async fn course(
    plan: Plan,
    spec: &TargetSpec,
    client: Client,
    loaded: &Loaded,
    hosts: Option<&HostPlan>,
    kept: Kept<'_>,
    watch: &Watch,
    keep: impl FnOnce(&Outcome, &Opened),
) -> Result<Ran, AwsProblem> {
    let Kept { folder, trace } = kept;
    let scenario = &loaded.scenario;
    let controls = watch.controls();
    let mut cancel = controls.cancel.clone();
    let now = Clock::real().now();
    let run = hosts.map_or_else(
        || rng::run_number(scenario.seed, now.as_nanos()),
        |hosts| hosts.run_number(loaded),
    );
    // Dropped in the middle, it deletes what it had made.
    let mut opened = tokio::select! {
        biased;
        Ok(_) = cancel.wait_for(|cancelled| *cancelled) => return Err(RunError::Interrupted.into()),
        opened = open(plan, spec, scenario, hosts, run, folder, now) => opened?,
    };
    let target = match as_client(Arc::clone(&opened.sdk), client).await {
        Ok(target) => target,
        Err(problem) => {
            opened.close().await;
            return Err(problem.into());
        }
    };
    let session = Session {
        scenario: opened.scenario.clone(),
        run,
        clock: opened.sdk.clock(),
        target,
        trace: trace.cloned(),
        hosts: hosts.map(|hosts| hosts.hosts(scenario)),
    };
    let owner = opened.owned.noted();
    let progress = Arc::clone(&controls.progress);
    let standing = "what `resources.json` lists (`streamgauge sweep` removes it)";
    if owned::is_left(folder) {
        progress.standing.add(standing.to_owned());
    }
    let ended = tokio::spawn(session.run_owned(controls, Some(owner))).await;
    if let Ok(Ok(outcome)) = &ended {
        // Dropped in the middle, what was opened deletes what it had made.
        keep(outcome, &opened);
    }
    let is_clean = opened.close().await;
    progress.standing.remove(standing);
    let outcome = ended??;
    Ok(Ran {
        outcome,
        opened,
        is_clean,
    })
}

/// Why a run on AWS did not come to its load.
#[derive(Debug, thiserror::Error)]
enum AwsProblem {
    #[error("failed to {0}")]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("failed to {0}")]
    Stream(#[from] OwnedError),
    #[error("failed to start the runtime: {0}")]
    Runtime(std::io::Error),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(
        "the run's task ended unexpectedly; this is a defect of streamgauge, please report it: {0}"
    )]
    Task(#[from] tokio::task::JoinError),
}

impl AwsProblem {
    fn exit(&self) -> Exit {
        match self {
            Self::Run(RunError::Interrupted) => Exit::Interrupted,
            Self::Refused(refusal) if refusal.is_usage() => Exit::Usage,
            _ => Exit::Unreachable,
        }
    }
}

/// A run whose streams are there. Dropped, it deletes those that it made.
#[derive(Debug)]
struct Opened {
    /// The client, which calls each stream by the service's name.
    sdk: Arc<Sdk>,
    /// The scenario as the session is to run it: every stream is there, and readers keep to their shares.
    scenario: Scenario,
    owned: Owned,
    caller: Identity,
    arns: BTreeMap<String, String>,
    plan: Plan,
    run: String,
}

/// Asks who calls, says so, makes the streams.
///
/// # Errors
/// See [`AwsProblem`]; what had been made is deleted.
async fn open(
    mut plan: Plan,
    spec: &TargetSpec,
    scenario: &Scenario,
    hosts: Option<&HostPlan>,
    run: u32,
    folder: &Path,
    now: Timestamp,
) -> Result<Opened, AwsProblem> {
    let names = service_names(scenario, run);
    let sdk = Arc::new(sdk::connect(spec).await?.with_names(&names));
    // Of several hosts the first one makes the streams, and deletes them.
    let makes = hosts.is_none_or(|hosts| hosts.portion.is_first());
    let creates = makes && scenario.creates_streams();
    let caller = guard::meet(&sdk, &plan.pins, creates).await?;
    eprintln!(
        "account {}, region {}, as {}",
        plan.pins.account, plan.pins.region, caller.arn
    );
    if let Some(url) = spec.url.as_deref().filter(|url| !is_aws_url(url)) {
        eprintln!("a rehearsal: {url} is not AWS");
    }
    let begins = hosts.map_or(now, |hosts| hosts.start);
    let label = Label {
        run: run_id(run),
        scenario: scenario.name.clone(),
        target: spec.name.clone(),
        account: plan.pins.account.clone(),
        region: plan.pins.region.clone(),
        owner: caller.arn.clone(),
        expires: utc(begins.max(now).plus(lasts_at_most(scenario)))
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string(),
    };
    let mut restrained = scenario.clone();
    guard::restrain(&mut restrained);
    let (mut arns, mut found) = (BTreeMap::new(), FoundStreams::new());
    for stream in scenario.streams.values().filter(|stream| stream.existing) {
        let state = sdk.ready(stream.name.as_str()).await;
        let state = state.map_err(Refusal::from)?;
        plan.pins.check_arn(&state.arn)?;
        eprintln!("stream {}", state.arn);
        arns.insert(stream.name.to_string(), state.arn);
        let is = Found {
            open_shards: state.open_shards,
            on_demand: state.on_demand,
            retention: state.retention,
        };
        found.insert(stream.name.clone(), is);
    }
    plan.price(&restrained, found)?;
    let mut owned = Owned::new(Arc::clone(&sdk), folder, label);
    for stream in scenario.streams.values().filter(|stream| !stream.existing) {
        let name: &StreamName = names.get(&stream.name).unwrap_or(&stream.name);
        if !makes {
            let arn = made_elsewhere(&sdk, &stream.name, begins).await?;
            plan.pins.check_arn(&arn)?;
            eprintln!("stream {arn}");
            arns.insert(stream.name.to_string(), arn);
            continue;
        }
        let made = async {
            let (request, hours) = new_stream(stream, name);
            owned.create(&request, hours, &plan.pins).await
        };
        match made.await {
            Ok(arn) => {
                eprintln!("stream {arn}");
                arns.insert(stream.name.to_string(), arn);
            }
            Err(problem) => {
                tell_left(&mut owned).await;
                return Err(problem.into());
            }
        }
    }
    let mut scenario = restrained;
    let reads = |number| hosts.is_none_or(|hosts| hosts.portion.reads(number));
    let consumers = scenario.consumers.values_mut().zip(0u32..);
    for (consumer, _) in consumers.filter(|(_, number)| reads(*number)) {
        let Some(name) = consumer_name(consumer, run) else {
            continue;
        };
        let stream = names.get(&consumer.stream).unwrap_or(&consumer.stream);
        match owned.register(stream, &name).await {
            Ok(arn) => {
                eprintln!("consumer {arn}");
                consumer.kind = ConsumerKind::FanOut {
                    name: Some(name),
                    registered: Some(arn),
                };
            }
            Err(problem) => {
                tell_left(&mut owned).await;
                return Err(problem.into());
            }
        }
    }
    for stream in scenario.streams.values_mut() {
        stream.existing = true;
    }
    Ok(Opened {
        sdk,
        scenario,
        owned,
        caller,
        arns,
        run: run_id(run),
        plan,
    })
}

/// Waits until the first host of several has made a stream; gives its ARN.
///
/// # Errors
/// When it is not there by the start.
async fn made_elsewhere(
    sdk: &Sdk,
    stream: &StreamName,
    start: Timestamp,
) -> Result<String, AwsProblem> {
    let clock = sdk.clock();
    loop {
        match sdk.ready(stream.as_str()).await {
            Ok(state) => return Ok(state.arn),
            Err(problem) if !problem.is_not_found() => return Err(Refusal::from(problem).into()),
            Err(_) if clock.now().plus(LOOK_EVERY) > start => {
                return Err(RunError::NotMade(stream.clone()).into());
            }
            Err(_) => clock.sleep(LOOK_EVERY).await,
        }
    }
}

impl Opened {
    /// Deletes the streams that the run made; says what is left, and whether nothing is.
    async fn close(&mut self) -> bool {
        tell_left(&mut self.owned).await
    }

    /// Puts the account, the streams and the bill into the document of the run.
    fn complete(&self, document: &mut Document, scenario: &Scenario, capped: bool) {
        // On-demand streams are billed for what is read: by the shares that the readers had.
        let mut restrained = scenario.clone();
        guard::restrain(&mut restrained);
        let cost = analyse::of_report(document, &restrained, &self.plan.found, &self.plan.prices);
        document.aws = Some(AwsRun {
            caller: self.caller.arn.clone(),
            account: self.plan.pins.account.clone(),
            region: self.plan.pins.region.clone(),
            run: self.run.clone(),
            streams: self.arns.clone(),
            estimate: self.plan.estimate.clone(),
            cost,
            max_cost_usd: self.plan.max_cost_usd,
            stopped_by_max_cost: capped,
        });
    }
}

/// Deletes, and says what could not be.
async fn tell_left(owned: &mut Owned) -> bool {
    let failures = owned.delete().await;
    for failure in &failures {
        eprintln!("error: failed to {failure}; `streamgauge sweep` removes what is left");
    }
    owned.give_up();
    failures.is_empty()
}
