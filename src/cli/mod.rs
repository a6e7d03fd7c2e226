//! Flags and subcommands.
//!
//! Invariant: every way out goes through [`Exit`], and nothing is measured here.

mod args;
#[cfg(feature = "aws")]
mod aws;
mod calibrate;
mod capture;
mod check;
mod compare;
mod completions;
mod decode;
mod exit;
mod explain;
mod files;
mod forecast_text;
mod foreseen;
mod gate;
mod hosts;
mod iam;
mod merge;
mod metrics;
mod on_aws;
mod report;
mod run;
mod scene;
mod schema;
#[cfg(feature = "live")]
mod screen;
mod serve;
mod serve_log;
mod serve_tls;
mod show;
mod spinning;
mod sweep;
#[cfg(feature = "aws")]
mod swept;
mod target;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

pub use args::Arguments;
use args::Command;
pub use exit::Exit;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(problem) => {
            // Help and version are no problems: clap prints them to stdout.
            let exit = if problem.use_stderr() {
                Exit::Usage
            } else {
                Exit::Yes
            };
            let _ = problem.print();
            return exit.into();
        }
    };
    let exit = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Simulate(arguments) => run::simulate(&arguments),
        Command::Calibrate(arguments) => calibrate::calibrate(&arguments),
        Command::Merge(arguments) => merge::merge(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Gate(arguments) => gate::gate(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Capture(arguments) => capture::capture(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Decode(arguments) => decode::decode(&arguments),
        Command::Iam(arguments) => iam::iam(&arguments),
        Command::Sweep(arguments) => sweep::sweep(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Completions(arguments) => completions::completions(&arguments),
        Command::Man(arguments) => completions::man(&arguments),
        Command::Schema => schema::schema(),
        Command::Serve(arguments) => serve::serve(&arguments),
    };
    exit.into()
}
