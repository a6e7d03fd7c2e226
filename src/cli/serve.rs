//! `serve`: the engine as an endpoint.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Exit;
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
    /// The limits in force
    #[arg(long, value_enum, default_value_t = LimitsChoice::Aws)]
    limits: LimitsChoice,
    /// How long answers and changes take
    #[arg(long, value_enum, default_value_t = LatencyChoice::None)]
    latency: LatencyChoice,
    /// What the records of an account's region may take; beyond it the oldest go
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = units::parse_bytes)]
    max_memory: u64,
    /// The account of callers whose access key names none; without --credentials, a key of 12 digits is an account
    #[arg(long, value_name = "DIGITS", default_value = "000000000000", value_parser = account)]
    account: String,
    /// Accept only requests signed by a key of this file (as ~/.aws/credentials; `aws_account_id` names its account)
    #[arg(long, value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Write the endpoint's URL to this file once it is served
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// What modelled delays are drawn from
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum LimitsChoice {
    /// Those of the service
    Aws,
    /// None
    Off,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum LatencyChoice {
    /// None: everything at once
    None,
    /// As modelled after the service
    Modelled,
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err("an account is 12 digits".to_owned())
    }
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
    let settings = ServerSettings {
        account_id: arguments.account.clone(),
        limits: match arguments.limits {
            LimitsChoice::Aws => Limits::aws(),
            LimitsChoice::Off => Limits::off(),
        },
        delays: match arguments.latency {
            LatencyChoice::None => Delays::none(),
            LatencyChoice::Modelled => Delays::modelled(),
        },
        max_memory_bytes: arguments.max_memory,
        seed: arguments.seed,
        credentials,
        ..ServerSettings::default()
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
    runtime.block_on(run(arguments, settings))
}

async fn run(arguments: &ServeArguments, settings: ServerSettings) -> Exit {
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
    let address = arguments.listen;
    let server = match Server::bind(address, settings, Clock::real()).await {
        Ok(server) => server,
        Err(problem) => {
            eprintln!("error: failed to listen on `{address}`: {problem}");
            return Exit::Unreachable;
        }
    };
    let url = format!("http://{}", server.address());
    if let Some(path) = &arguments.ready_file
        && let Err(problem) = write_whole(path, &url)
    {
        let path = path.display();
        eprintln!("error: failed to write the ready file `{path}`: {problem}");
        return Exit::Usage;
    }
    // Whoever started it may have closed its output.
    let _ = writeln!(std::io::stdout(), "Serving Kinesis at {url}");
    server.run(either(interrupt, terminate)).await;
    Exit::Yes
}

async fn either(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
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
