//! What can be said on the command line.

use std::path::PathBuf;

use super::hosts::HostArguments;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Measures Amazon Kinesis Data Streams, with a faithful local Kinesis inside.
#[derive(Debug, Parser)]
#[command(name = "streamgauge", version, about, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run scenarios, write their results, print a summary
    ///
    /// Exit code: 0 yes, 1 an SLO was missed, 2 usage or scenario, 3 the measurement is void, 4 the target refused or went away,
    /// 130 interrupted (results are written).
    #[command(
        after_help = "Example: streamgauge run scenarios/first-run.toml --set producers.web.arrival.rate=800/s\n\nAgainst a server: streamgauge run scenarios/first-run.toml --target http://127.0.0.1:4567"
    )]
    Run(RunArguments),
    /// Run scenarios in virtual time: an hour in seconds, the same bytes for the same seed
    #[command(
        after_help = "Example: streamgauge simulate scenarios/hot-key.toml --set time.measure=1h"
    )]
    Simulate(SimulateArguments),
    /// Merge the parts of a run that several hosts made, without loss
    ///
    /// Exit code: as that of the run would have been, 0, 1 or 3; 2 when the folders do not belong together.
    #[command(
        after_help = "Example: streamgauge merge results/a results/b results/c\n\nThe parts: streamgauge run scenarios/first-run.toml --target http://127.0.0.1:4567 --worker 2/3 --start-at 12:00:00Z"
    )]
    Merge(super::merge::MergeArguments),
    /// Render a results folder again: text, a page, Markdown, JUnit XML, JSON, CSV, percentile tables
    ///
    /// Exit code: 0 it is rendered, whatever the run came to, 2 it cannot be.
    #[command(after_help = "Example: streamgauge report results/latest --format md")]
    Report(super::report::ReportArguments),
    /// Say whether new runs are worse than base ones, beyond noise
    ///
    /// Exit code: 0 no regression, 1 regression, 2 the runs are not comparable, 3 one of them is VOID, 5 inconclusive.
    #[command(
        after_help = "Example: streamgauge compare results/base results/new\n\nEach is a results folder, a report.json, or a folder that holds several runs: run --repeat 8 --out results/base"
    )]
    Compare(super::compare::CompareArguments),
    /// Hold a new engine against a base one: pairs of runs in turns, until something can be said
    ///
    /// Exit code: 0 no regression, 1 regression, 2 usage or scenario, 3 VOID, 4 a side cannot be reached, 5 inconclusive, 130
    /// interrupted (results are written).
    #[command(
        after_help = "Example: streamgauge gate scenarios/first-run.toml --base-cmd './old serve --listen {addr}' --new-cmd './new serve --listen {addr}' --budget 12m"
    )]
    Gate(super::gate::GateArguments),
    /// Validate scenarios; print what they resolve to and the load forecast for each shard
    #[command(after_help = "Example: streamgauge check scenarios/hot-key.toml")]
    Check(CheckArguments),
    /// Find out what this host can pace, and up to which rate its measurements would be VALID
    ///
    /// Exit code: 0 some rate is, 3 not even the lowest one.
    #[command(after_help = "Example: streamgauge calibrate --seconds 0.5")]
    Calibrate(super::calibrate::CalibrateArguments),
    /// Record the shape of a stream: when records arrive, how large, with which keys; never their data or their keys
    #[command(
        after_help = "Example: streamgauge capture orders --target http://127.0.0.1:4567 --for 10m --out orders.trace\n\n                      A scenario plays it: arrival, keys and size of kind \"trace\" with this file"
    )]
    Capture(super::capture::CaptureArguments),
    /// Show where a partition key goes, and what its load takes of a shard's limits
    #[command(
        after_help = "Example: streamgauge explain customer-42 --shards 4 --rate 800/s --size 2KiB"
    )]
    Explain(ExplainArguments),
    /// Show what a sequence number holds: shard, times, counter
    #[command(
        after_help = "Example: streamgauge decode 49669222159341736596053682752517603209572561131638095922"
    )]
    Decode(DecodeArguments),
    /// Print the least IAM policy that runs of a scenario need on AWS
    #[command(after_help = "Example: streamgauge iam scenarios/first-run.toml")]
    Iam(super::iam::IamArguments),
    /// Find what crashed runs left on AWS, by tag, and delete it
    #[command(after_help = "Example: streamgauge sweep --target load-test --dry-run")]
    Sweep(super::sweep::SweepArguments),
    /// Print the JSON Schema of scenario files
    #[command(after_help = "Example: streamgauge schema > scenario.schema.json")]
    Schema,
    /// Print what makes a shell complete the command line
    #[command(
        after_help = "Example: streamgauge completions bash > ~/.local/share/bash-completion/completions/streamgauge"
    )]
    Completions(super::completions::CompletionsArguments),
    /// Print the manual page of the program or of a command, or write them all
    #[command(after_help = "Example: streamgauge man run | man -l -")]
    Man(super::completions::ManArguments),
    /// Serve the local Kinesis to any Kinesis client, until Ctrl-C
    #[command(
        after_help = "Example: streamgauge serve --listen 127.0.0.1:4567 --limits aws\n\nClients: any region, any \
                      credentials, endpoint URL http://127.0.0.1:4567"
    )]
    Serve(super::serve::ServeArguments),
}

#[derive(Debug, Args)]
pub(super) struct RunArguments {
    #[command(flatten)]
    pub(super) common: CommonArguments,
    /// Where to run: `embedded`, `simulated`, the URL of an endpoint, or a `[targets.NAME]` of streamgauge.toml beside
    /// the scenario or in the working directory
    #[arg(long, value_name = "NAME|URL", default_value = "embedded")]
    pub(super) target: String,
    /// What calls an endpoint or AWS
    #[arg(long, value_enum, default_value_t = Client::Sdk)]
    pub(super) client: Client,
    /// Pace by sleeping and then spinning: a processor for each worker of a producer, and one more, must be there
    #[arg(long)]
    pub(super) precise: bool,
    #[command(flatten)]
    pub(super) hosts: HostArguments,
    #[command(flatten)]
    pub(super) aws: AwsArguments,
}

#[derive(Debug, Args)]
pub(super) struct SimulateArguments {
    #[command(flatten)]
    pub(super) common: CommonArguments,
}

/// The clients that can call an endpoint or AWS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Client {
    /// The official AWS SDK, its retries off
    Sdk,
    /// A client made for measuring: a fraction of the SDK's CPU time. JSON over HTTP/1.1
    Lean,
    /// The same in CBOR, for what speaks it: AWS and `streamgauge serve` do
    LeanCbor,
    /// JSON over HTTP/2: by ALPN on https, by prior knowledge on http
    LeanH2,
    /// CBOR over HTTP/2
    LeanCborH2,
}

impl Client {
    /// The client as reports write it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sdk => "sdk",
            Self::Lean => "lean",
            Self::LeanCbor => "lean-cbor",
            Self::LeanH2 => "lean-h2",
            Self::LeanCborH2 => "lean-cbor-h2",
        }
    }
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct CommonArguments {
    /// Scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    pub(super) scenarios: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) overrides: OverrideArguments,
    /// Run each scenario N times, with seed, seed + 1, ...
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) repeat: u32,
    /// The folder that results folders are made in
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(super) out: PathBuf,
    /// Print report.json instead of the summary
    #[arg(long)]
    pub(super) json: bool,
    /// Show no live progress
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Show the whole run on a full screen: rates, latencies, shards, events; q ends it
    #[cfg(feature = "live")]
    #[arg(long, conflicts_with = "quiet")]
    pub(super) live: bool,
    /// Treat a DEGRADED measurement as VOID in the exit code
    #[arg(long)]
    pub(super) strict: bool,
    /// Name no partition key of others in the results: ten digits of a hash with a salt that is thrown away
    #[arg(long)]
    pub(super) redact: bool,
    #[command(flatten)]
    pub(super) metrics: super::metrics::MetricsArguments,
}

#[derive(Clone, Debug, Args)]
pub(super) struct OverrideArguments {
    /// Change a value of the scenario
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
    /// Change the seed
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
}

/// What a run on AWS may do and cost.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct AwsArguments {
    /// AWS: refuse above this estimate, and end the run when its counts have cost as much [default: the target's
    /// max_cost, or 5]
    #[arg(long, value_name = "USD", value_parser = usd)]
    pub(super) max_cost: Option<f64>,
    /// AWS: write to this stream, which was there before
    #[arg(long, value_name = "ARN")]
    pub(super) allow_write: Vec<String>,
    /// AWS: split, merge or scale this stream, which was there before
    #[arg(long, value_name = "ARN")]
    pub(super) allow_reshard: Vec<String>,
}

fn usd(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(usd) if usd.is_finite() && usd >= 0.0 => Ok(usd),
        _ => Err("expected an amount in USD, such as 2.50".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    pub(super) scenarios: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) overrides: OverrideArguments,
    /// Where the scenario is to run: as for `run`. Nothing is sent there
    #[arg(long, value_name = "NAME|URL", default_value = "embedded")]
    pub(super) target: String,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The partition key, 1 to 256 characters
    pub(super) key: String,
    /// How many equal shards the stream has
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) shards: u32,
    /// How many records of this key are put: `800/s`
    #[arg(long, value_name = "RATE")]
    pub(super) rate: Option<String>,
    /// How large their data is: `2KiB`
    #[arg(long, value_name = "SIZE", default_value = "1KiB")]
    pub(super) size: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct DecodeArguments {
    /// The sequence number, as the service gives it
    pub(super) sequence_number: String,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}
