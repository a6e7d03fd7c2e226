//! `serve`: the engine as an endpoint.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;
use super::files;
use super::serve_log::LogArguments;
use super::serve_tls::TlsArguments;
use crate::base::{Clock, units};
use crate::kinesis::{Delays, Limits};
use crate::server::{Credentials, Server, ServerSettings};

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4567")]
    listen: SocketAddr,
    /// Listen on an address that other machines reach
    #[arg(long)]
    allow_remote: bool,
    /// The limits in force: `aws`, `off`, or a TOML file with a scenario's table of `engine.limits`
    #[arg(long, value_name = "aws|off|FILE", default_value = "aws")]
    limits: LimitsChoice,
    /// How long answers and changes take: `none`, `modelled`, or a TOML file with a scenario's table of `engine.latency`
    #[arg(long, value_name = "none|modelled|FILE", default_value = "none")]
    latency: LatencyChoice,
    /// What the records of all accounts may take; beyond it the oldest go, of the account that holds most
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = units::parse_bytes)]
    max_memory: u64,
    /// The account of callers whose access key names none; without --credentials, a key of 12 digits is an account
    #[arg(long, value_name = "DIGITS", default_value = "000000000000", value_parser = account)]
    account: String,
    /// Accept only requests signed by a key of this file (as ~/.aws/credentials; `aws_account_id` names its account)
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    log: LogArguments,
    /// Write the endpoint's URL to this file once it is served; it is gone while it is not
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// How long a client may take to send its headers or its body, or may take nothing of an answer
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = client_timeout)]
    client_timeout: Duration,
    /// Connections at the same time; further ones wait. Fewer where the limit of open files is lower
    #[arg(long, value_name = "N", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: u32,
    /// What modelled delays are drawn from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum LimitsChoice {
    /// Those of the service.
    Aws,
    /// None.
    Off,
    /// Those of the service or none, with single ones changed.
    File(PathBuf),
}

impl From<&str> for LimitsChoice {
    fn from(text: &str) -> Self {
        match text {
            "aws" => Self::Aws,
            "off" => Self::Off,
            file => Self::File(file.into()),
        }
    }
}

impl LimitsChoice {
    /// The limits; `None` after their problems were printed.
    fn load(&self) -> Option<Limits> {
        match self {
            Self::Aws => Some(Limits::aws()),
            Self::Off => Some(Limits::off()),
            Self::File(path) => files::load_limits(path),
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum LatencyChoice {
    /// None: everything at once.
    None,
    /// As modelled after the service.
    Modelled,
    /// Either, with single ones changed.
    File(PathBuf),
}

impl From<&str> for LatencyChoice {
    fn from(text: &str) -> Self {
        match text {
            "none" => Self::None,
            "modelled" => Self::Modelled,
            file => Self::File(file.into()),
        }
    }
}

impl LatencyChoice {
    /// The delays; `None` after their problems were printed.
    fn load(&self) -> Option<Delays> {
        match self {
            Self::None => Some(Delays::none()),
            Self::Modelled => Some(Delays::modelled()),
            Self::File(path) => files::load_delays(path),
        }
    }
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account is 12 digits".to_owned())
    }
}

fn client_timeout(text: &str) -> Result<Duration, String> {
    let duration = units::parse_duration(text).map_err(|problem| problem.to_string())?;
    if (Duration::from_millis(100)..=Duration::from_hours(1)).contains(&duration) {
        Ok(duration)
    } else {
        Err("it is 100ms to 1h".to_owned())
    }
}

/// Raises the limit of open files to what the system allows, and leaves some of them for all but connections.
fn connections_max(wanted: u32) -> usize {
    const OTHERS: u64 = 64;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let wanted = u64::from(wanted);
    let files = current.map_or(wanted, |files| files.saturating_sub(OTHERS).max(1));
    wanted.min(files) as usize
}

pub(super) fn serve(arguments: &ServeArguments) -> Exit {
    let address = arguments.listen;
    if !address.ip().is_loopback() && !arguments.allow_remote {
        eprintln!(
            "error: failed to listen on `{address}`: other machines would reach it; add `--allow-remote` if they are \
             to"
        );
        return Exit::Usage;
    }
    let credentials = match arguments.credentials.as_deref().map(read_credentials) {
        Some(Err(problem)) => {
            eprintln!("error: {problem}");
            return Exit::Usage;
        }
        Some(Ok(credentials)) => Some(credentials),
        None => None,
    };
    let Some(limits) = arguments.limits.load() else {
        return Exit::Usage;
    };
    let Some(delays) = arguments.latency.load() else {
        return Exit::Usage;
    };
    let clock = Clock::real();
    arguments.log.start(clock);
    let tls = match arguments.tls.load(clock.now(), address.ip()) {
        Ok(tls) => tls,
        Err(problem) => {
            eprintln!("error: {problem}");
            return Exit::Usage;
        }
    };
    let settings = ServerSettings {
        account_id: arguments.account.clone(),
        limits,
        delays,
        max_memory_bytes: arguments.max_memory,
        seed: arguments.seed,
        patience: arguments.client_timeout,
        connections_max: connections_max(arguments.max_connections),
        credentials,
        tls,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(problem) => {
            eprintln!("error: failed to start: {problem}");
            return Exit::Unreachable;
        }
    };
    runtime.block_on(run(arguments, settings, clock))
}

async fn run(arguments: &ServeArguments, settings: ServerSettings, clock: Clock) -> Exit {
    // Heard from here on: a signal that comes before the socket is open ends the server as well.
    let signals = signal(SignalKind::interrupt()).and_then(|interrupt| {
        let terminate = signal(SignalKind::terminate())?;
        Ok((interrupt, terminate))
    });
    let (interrupt, terminate) = match signals {
        Ok(signals) => signals,
        Err(problem) => {
            eprintln!("error: failed to listen for signals: {problem}");
            return Exit::Unreachable;
        }
    };
    let ready_file = arguments.ready_file.as_deref();
    // One that an earlier server left behind names an endpoint that is not there.
    if let Some(path) = ready_file
        && let Err(problem) = remove(path)
    {
        let path = path.display();
        eprintln!(
            "error: failed to remove the ready file `{path}` of an earlier server: {problem}"
        );
        return Exit::Usage;
    }
    let address = arguments.listen;
    let fingerprint = settings
        .tls
        .as_ref()
        .map(|tls| tls.fingerprint().to_owned());
    let server = match Server::bind(address, settings, clock).await {
        Ok(server) => server,
        Err(problem) => {
            eprintln!("error: failed to listen on `{address}`: {problem}");
            return Exit::Unreachable;
        }
    };
    let scheme = if fingerprint.is_some() {
        "https"
    } else {
        "http"
    };
    let url = format!("{scheme}://{}", server.address());
    if let Some(path) = ready_file
        && let Err(problem) = write_whole(path, &url)
    {
        let path = path.display();
        eprintln!("error: failed to write the ready file `{path}`: {problem}");
        return Exit::Usage;
    }
    // Whoever started it may have closed its output.
    let mut stdout = std::io::stdout();
    if let Some(fingerprint) = fingerprint {
        let _ = writeln!(stdout, "Certificate SHA-256 {fingerprint}");
    }
    let _ = writeln!(stdout, "Serving Kinesis at {url}");
    let ended = async {
        either(interrupt, terminate).await;
        // Before the last requests are answered: no new ones are.
        if let Some(path) = ready_file
            && let Err(problem) = remove(path)
        {
            let path = path.display();
            eprintln!("warning: failed to remove the ready file `{path}`: {problem}");
        }
    };
    server.run(ended).await;
    Exit::Yes
}

async fn either(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(problem) if problem.kind() != std::io::ErrorKind::NotFound => Err(problem),
        _ => Ok(()),
    }
}

/// Who waits for the file must not read half of it.
fn write_whole(path: &Path, url: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    std::fs::write(&part, format!("{url}\n"))?;
    std::fs::rename(part, path)
}

fn read_credentials(path: &Path) -> Result<Credentials, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|problem| format!("failed to read the credentials `{shown}`: {problem}"))?;
    Credentials::parse(&text)
        .map_err(|problem| format!("failed to read the credentials `{shown}`: {problem}"))
}
