//! `sweep`: what crashed runs left on AWS, found and deleted.

use clap::Args;

#[cfg(not(feature = "aws"))]
use super::exit::Exit;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct SweepArguments {
    /// A target of kind `aws` in streamgauge.toml
    #[arg(long, value_name = "NAME")]
    pub(super) target: String,
    /// Only what this run made, even if it may still go on (its number is in resources.json)
    #[arg(long, value_name = "ID")]
    pub(super) run: Option<String>,
    /// Only what runs made that are over by their tag; always so without --run
    #[arg(long)]
    pub(super) expired: bool,
    /// Show what would be deleted, and delete nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not ask before deleting
    #[arg(long)]
    pub(super) yes: bool,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[cfg(not(feature = "aws"))]
pub(super) fn sweep(arguments: &SweepArguments) -> Exit {
    eprintln!(
        "error: the target `{}` needs the AWS SDK, which this build lacks: build with the default feature `aws`",
        arguments.target
    );
    Exit::Usage
}

#[cfg(feature = "aws")]
pub(super) use super::swept::sweep;
