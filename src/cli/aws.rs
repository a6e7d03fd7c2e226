//! A run on AWS from the command line: what is asked and said before it, its streams around it, its bill after it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp as Utc;

use super::args::AwsArguments;
use super::exit::Exit;
use super::watch::Cap;
use crate::analyse::{self, LiveCost, Prices};
use crate::base::Timestamp;
use crate::kinesis::StreamName;
use crate::report::cost::usd;
use crate::report::{AwsRun, Cost, Document};
use crate::run::guard::{self, Permits, Pins, Refusal};
use crate::run::owned::{self, Label, Owned, OwnedError};
use crate::scenario::Scenario;
use crate::scenario::created::{run_id, service_names};
use crate::scenario::targets::TargetSpec;
use crate::target::sdk::{self, ConnectError, Identity, Sdk};

/// What a run may cost if nobody says, in USD.
const MAX_COST_DEFAULT_USD: f64 = 5.0;

/// How long after its planned end a run's streams are taken for left behind.
const GRACE: Duration = Duration::from_secs(15 * 60);

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
pub(super) struct Plan {
    pins: Pins,
    estimate: Cost,
    max_cost_usd: f64,
}

impl Plan {
    /// Holds the scenario against the target's pins, the permits and the cap; prints the estimate, or why not.
    ///
    /// # Errors
    /// The exit code, everything having been said.
    pub(super) fn new(
        spec: &TargetSpec,
        scenario: &Scenario,
        arguments: &AwsArguments,
    ) -> Result<Self, Exit> {
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
        let estimate = analyse::estimate(scenario, &Prices::shipped());
        let max_cost_usd = arguments
            .max_cost
            .or(spec.max_cost_usd)
            .unwrap_or(MAX_COST_DEFAULT_USD);
        eprint!("{}", estimate.render("Cost, at most"));
        if estimate.usd > max_cost_usd {
            return Err(refused(&Refusal::Cost {
                estimate: usd(estimate.usd),
                cap: usd(max_cost_usd),
            }));
        }
        Ok(Self {
            pins,
            estimate,
            max_cost_usd,
        })
    }

    /// The cap to hold the run against while it goes on.
    pub(super) fn cap(&self, scenario: &Scenario) -> Cap {
        Cap {
            live: LiveCost::new(scenario.clone(), Prices::shipped()),
            max_usd: self.max_cost_usd,
        }
    }
}

/// Why a run on AWS did not come to its load.
#[derive(Debug, thiserror::Error)]
pub(super) enum AwsProblem {
    #[error("failed to {0}")]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("failed to {0}")]
    Stream(#[from] OwnedError),
}

/// A run whose streams are there. Dropped, it deletes those that it made.
#[derive(Debug)]
pub(super) struct Opened {
    /// The client, which calls each stream by the service's name.
    pub(super) sdk: Arc<Sdk>,
    /// The scenario as the session is to run it: every stream is there, and readers keep to their shares.
    pub(super) scenario: Scenario,
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
pub(super) async fn open(
    plan: Plan,
    spec: &TargetSpec,
    scenario: &Scenario,
    run: u32,
    folder: &Path,
    now: Timestamp,
) -> Result<Opened, AwsProblem> {
    let names = service_names(scenario, run);
    let sdk = Arc::new(sdk::connect(spec).await?.with_names(&names));
    let creates = scenario.streams.values().any(|stream| !stream.existing);
    let caller = guard::meet(&sdk, &plan.pins, creates).await?;
    eprintln!(
        "account {}, region {}, as {}",
        plan.pins.account, plan.pins.region, caller.arn
    );
    let planned = scenario.time.load() + scenario.time.drain + GRACE;
    let label = Label {
        run: run_id(run),
        scenario: scenario.name.clone(),
        target: spec.name.clone(),
        account: plan.pins.account.clone(),
        region: plan.pins.region.clone(),
        owner: caller.arn.clone(),
        expires: utc(now.plus(planned)).to_string(),
    };
    let mut owned = Owned::new(Arc::clone(&sdk), folder, label);
    let mut arns = BTreeMap::new();
    for stream in scenario.streams.values() {
        let name: &StreamName = names.get(&stream.name).unwrap_or(&stream.name);
        let made = async {
            if stream.existing {
                let found = sdk.ready(name.as_str()).await.map_err(Refusal::from)?;
                plan.pins.check_arn(&found.arn)?;
                return Ok::<_, AwsProblem>(found.arn);
            }
            let (request, hours) = owned::request(stream, name);
            Ok(owned.create(&request, hours, &plan.pins).await?)
        };
        match made.await {
            Ok(arn) => {
                eprintln!("stream {arn}");
                arns.insert(stream.name.to_string(), arn);
            }
            Err(problem) => {
                tell_left(&mut owned).await;
                return Err(problem);
            }
        }
    }
    let mut scenario = scenario.clone();
    guard::restrain(&mut scenario);
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

impl Opened {
    /// Deletes the streams that the run made; says what is left, and whether nothing is.
    pub(super) async fn close(&mut self) -> bool {
        tell_left(&mut self.owned).await
    }

    /// Puts the account, the streams and the bill into the document of the run.
    pub(super) fn complete(&self, document: &mut Document, scenario: &Scenario, capped: bool) {
        let cost = analyse::of_report(document, scenario, &Prices::shipped());
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
