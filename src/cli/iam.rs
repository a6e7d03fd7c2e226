//! `iam`: the least policy that a scenario needs.

use std::path::PathBuf;

use clap::Args;

use super::args::OverrideArguments;
use super::exit::Exit;
use super::files;
use super::show::show;
use super::target;
use crate::analyse;

#[derive(Debug, Args)]
pub(super) struct IamArguments {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    #[command(flatten)]
    overrides: OverrideArguments,
    /// A target of streamgauge.toml; its account and region narrow the policy
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
}

pub(super) fn iam(arguments: &IamArguments) -> Exit {
    let Some(source) = files::read(&arguments.scenario) else {
        return Exit::Usage;
    };
    let Some(loaded) = files::load(&source, &arguments.overrides) else {
        return Exit::Usage;
    };
    let spec = match &arguments.target {
        None => None,
        Some(name) => match target::pick(name, &arguments.scenario) {
            Some(spec) => Some(spec),
            None => return Exit::Usage,
        },
    };
    let pinned =
        |of: fn(&crate::scenario::targets::TargetSpec) -> Option<&str>| spec.as_ref().and_then(of);
    let policy = analyse::policy(
        &loaded.scenario,
        pinned(|spec| spec.account.as_deref()),
        pinned(|spec| spec.region.as_deref()),
    );
    // The policy alone, so that it can be piped into the AWS command line.
    show(|out| {
        serde_json::to_writer_pretty(&mut *out, &policy)?;
        out.write_all(b"\n")
    })
}
