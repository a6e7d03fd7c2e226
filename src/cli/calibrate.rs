//! `calibrate`: what this host can pace, and up to which rate a measurement made here would be believed.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::exit::Exit;
use super::run::{describe_host, embedded, real_runtime};
use super::show::show;
use crate::base::Clock;
use crate::base::units::{HumanCount, HumanMicros};
use crate::measure::progress::Progress;
use crate::measure::{LatencyKind, LatencySummary, Status};
use crate::report::World;
use crate::report::build::{self, Inputs};
use crate::run::calibrate::{pace_alone, timer_slack_ns};
use crate::run::{Controls, RunError};
use crate::scenario::{Source, load};

/// The rates that are tried, in records a second, up to the first one whose measurement is void.
const RATES: [u32; 7] = [1_000, 10_000, 30_000, 100_000, 200_000, 400_000, 800_000];

#[derive(Debug, Args)]
pub(super) struct CalibrateArguments {
    /// How long each rate is paced alone, and again beside a working engine
    #[arg(long, value_name = "N", default_value_t = 2.0, value_parser = seconds)]
    seconds: f64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds from 0.1 to 3600, such as 2".to_owned()),
    }
}

/// What was found.
#[derive(Debug, Serialize)]
struct Calibration {
    /// `measured`, always.
    basis: &'static str,
    cpus: u32,
    cpu_model: String,
    os: String,
    /// The smallest step of the clock.
    clock_step_ns: u64,
    /// What reading it costs.
    clock_read_ns: u64,
    /// How much the kernel may put off a sleep; absent where it does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    timer_slack_ns: Option<u64>,
    seconds: f64,
    rates: Vec<Rate>,
    /// The highest rate of one worker below which, as far as tried, every measurement was VALID; absent if none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_up_to_records_per_s: Option<u32>,
}

/// What one rate came to.
#[derive(Debug, Serialize)]
struct Rate {
    records_per_s: u32,
    /// Lateness of a pacer that has nothing else to do.
    alone: Lateness,
    /// Lateness of a whole run of this rate: records made, stored, read back and accounted for.
    beside_engine: Lateness,
    /// What such a run says of itself.
    verdict: Status,
    reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Lateness {
    records: u64,
    p50_us: u64,
    p99_us: u64,
    max_us: u64,
}

impl From<&LatencySummary> for Lateness {
    fn from(summary: &LatencySummary) -> Self {
        Self {
            records: summary.count,
            p50_us: summary.p50_us,
            p99_us: summary.p99_us,
            max_us: summary.max_us,
        }
    }
}

/// Why the host could not be looked at.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("failed to pace: {0}")]
    Thread(#[from] std::io::Error),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(
        "the run's task ended unexpectedly; this is a defect of streamgauge, please report it: {0}"
    )]
    Task(#[from] tokio::task::JoinError),
    #[error(
        "its own scenario does not load; this is a defect of streamgauge, please report it:\n{0}"
    )]
    Scenario(String),
}

pub(super) fn calibrate(arguments: &CalibrateArguments) -> Exit {
    let found = match look(arguments.seconds) {
        Ok(found) => found,
        Err(problem) => {
            eprintln!("error: {problem}");
            return Exit::Unreachable;
        }
    };
    let shown = show(|out| {
        if arguments.json {
            serde_json::to_writer_pretty(&mut *out, &found)?;
            return writeln!(out);
        }
        out.write_all(render(&found).as_bytes())
    });
    shown.and(match found.valid_up_to_records_per_s {
        Some(_) => Exit::Yes,
        None => Exit::Void,
    })
}

fn look(seconds: f64) -> Result<Calibration, Problem> {
    let clock = Clock::real();
    let host = describe_host("embedded");
    let resolution = clock.resolution();
    let mut found = Calibration {
        basis: "measured",
        cpus: host.cpus,
        cpu_model: host.cpu_model,
        os: host.os,
        clock_step_ns: resolution.step_ns,
        clock_read_ns: resolution.read_ns,
        timer_slack_ns: timer_slack_ns(),
        seconds,
        rates: Vec::new(),
        valid_up_to_records_per_s: None,
    };
    for records_per_s in RATES {
        let rate = rate(clock, records_per_s, seconds)?;
        let status = rate.verdict;
        let all_valid = found.rates.iter().all(|rate| rate.verdict == Status::Valid);
        found.rates.push(rate);
        if status == Status::Valid && all_valid {
            found.valid_up_to_records_per_s = Some(records_per_s);
        }
        if status == Status::Void {
            break;
        }
    }
    Ok(found)
}

fn rate(clock: Clock, records_per_s: u32, seconds: f64) -> Result<Rate, Problem> {
    let runtime = real_runtime()?;
    let records = (f64::from(records_per_s) * seconds) as u64;
    let alone = runtime.block_on(pace_alone(clock, f64::from(records_per_s), records))?;

    let text = scenario(records_per_s, seconds);
    let source = Source {
        path: "calibrate".to_owned(),
        text,
    };
    let loaded = load(&source, &[]).map_err(|problems| Problem::Scenario(problems.to_string()))?;
    let session = embedded(&loaded.scenario, records_per_s, clock);
    // Nobody interrupts it: a signal ends the process, and nothing is written.
    let (_cancel, cancel) = tokio::sync::watch::channel(false);
    let (started, _begun) = tokio::sync::watch::channel(None);
    let controls = Controls {
        cancel,
        progress: Arc::new(Progress::default()),
        started: Arc::new(started),
    };
    let outcome = runtime.block_on(async { tokio::spawn(session.run(controls)).await })??;
    runtime.shutdown_timeout(Duration::from_secs(1));
    let document = build::document(&Inputs {
        scenario: &loaded.scenario,
        text: &loaded.text,
        world: World::Embedded,
        outcome: &outcome,
        environment: None,
        target: None,
    });
    let lateness = document.latency.producers.values().next();
    let lateness = lateness.and_then(|kinds| kinds.get(&LatencyKind::Lateness));
    let reasons = document.verdict.reasons.iter();
    Ok(Rate {
        records_per_s,
        alone: (&alone.lateness.summary()).into(),
        beside_engine: (&lateness.copied().unwrap_or_default()).into(),
        verdict: document.verdict.status,
        reasons: reasons
            .map(|reason| format!("{}: {}", reason.status.as_str(), reason.text))
            .collect(),
    })
}

/// One worker that sends small records in large requests, and a reader behind it.
fn scenario(records_per_s: u32, seconds: f64) -> String {
    let measure_ms = (seconds * 1e3).round() as u64;
    format!(
        r#"schema = 1
name = "calibrate"
time = {{ warm_up = "500ms", measure = "{measure_ms}ms", drain = "5s" }}
[streams.orders]
shards = 4
[engine]
limits = "off"
max_memory = "256MiB"
[producers.web]
arrival = {{ kind = "constant", rate = "{records_per_s}/s" }}
keys = {{ kind = "uniform", population = 10_000 }}
size = {{ kind = "fixed", bytes = "100B" }}
send = {{ api = "put-records", max_records = 500, linger = "20ms" }}
[consumers.billing]
kind = "polling"
interval = "20ms"
max_records = 10_000
"#
    )
}

fn render(found: &Calibration) -> String {
    let rate_of = |records_per_s: u32| HumanCount(u64::from(records_per_s)).to_string();
    let slack = found.timer_slack_ns.map_or_else(String::new, |slack| {
        format!("; timer slack {slack} ns, which the pacer's timer does not have")
    });
    let mut lines = vec![
        format!(
            "{}, {} processors, {}",
            found.cpu_model, found.cpus, found.os
        ),
        format!(
            "clock: steps of {} ns, read in {} ns{slack}",
            found.clock_step_ns, found.clock_read_ns
        ),
        String::new(),
        format!(
            "Lateness (measured): intended to released, one worker, {} s each",
            found.seconds
        ),
        format!(
            "{:>11}  {:-^29}  {:-^29}",
            "", " alone ", " in a run on the engine "
        ),
        format!(
            "{:>11}  {:>8} {:>9} {:>10}  {:>8} {:>9} {:>10}  verdict",
            "records/s", "p50", "p99", "max", "p50", "p99", "max"
        ),
    ];
    for rate in &found.rates {
        let cells = |of: &Lateness| {
            let [p50, p99, max] =
                [of.p50_us, of.p99_us, of.max_us].map(|us| HumanMicros(us).to_string());
            format!("{p50:>8} {p99:>9} {max:>10}")
        };
        lines.push(format!(
            "{:>11}  {}  {}  {}",
            rate_of(rate.records_per_s),
            cells(&rate.alone),
            cells(&rate.beside_engine),
            rate.verdict.as_str()
        ));
    }
    lines.push(String::new());
    if let Some(rate) = found.rates.iter().find(|rate| !rate.reasons.is_empty()) {
        lines.push(format!("At {} records/s:", rate_of(rate.records_per_s)));
        lines.extend(rate.reasons.iter().map(|reason| format!("  {reason}")));
        lines.push(String::new());
    }
    lines.push(match found.valid_up_to_records_per_s {
        Some(rate) => format!(
            "A measurement by one worker stays VALID up to {} records/s, of the rates tried.",
            rate_of(rate)
        ),
        None => "Not even the lowest rate gave a VALID measurement: is the host busy with something else?"
            .to_owned(),
    });
    lines.join("\n") + "\n"
}
