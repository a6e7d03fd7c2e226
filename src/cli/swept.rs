//! How `sweep` goes: it asks who calls, looks, asks whether to go on, deletes and tells.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;

use serde_json::json;

use super::exit::Exit;
use super::show::show;
use super::sweep::SweepArguments;
use super::{aws, target};
use crate::base::Clock;
use crate::report::text::counted;
use crate::run::guard::{self, Pins};
use crate::run::sweep::{self, SweepAction, Wanted};
use crate::scenario::targets::{TargetKind, TargetSpec};
use crate::target::sdk;

pub(super) fn sweep(arguments: &SweepArguments) -> Exit {
    let Some(spec) = target::pick(&arguments.target, Path::new("")) else {
        return Exit::Usage;
    };
    if spec.kind != TargetKind::Aws {
        eprintln!(
            "error: `{}` is a target of kind `{}`; runs leave tagged streams only on kind `aws`",
            spec.name,
            spec.kind.as_str()
        );
        return Exit::Usage;
    }
    let pins = match Pins::of(&spec) {
        Ok(pins) => pins,
        Err(refusal) => return aws::refused(&refusal),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(problem) => {
            eprintln!("error: failed to start the runtime: {problem}");
            return Exit::Unreachable;
        }
    };
    runtime.block_on(swept(arguments, &spec, &pins))
}

async fn swept(arguments: &SweepArguments, spec: &TargetSpec, pins: &Pins) -> Exit {
    let sdk = match sdk::connect(spec).await {
        Ok(sdk) => sdk,
        Err(problem) => {
            eprintln!("error: failed to {problem}");
            return Exit::Unreachable;
        }
    };
    let caller = match guard::meet(&sdk, pins, true).await {
        Ok(caller) => caller,
        Err(refusal) => return aws::refused(&refusal),
    };
    if !arguments.json {
        eprintln!(
            "account {}, region {}, as {}",
            pins.account, pins.region, caller.arn
        );
    }
    let wanted = Wanted {
        run: arguments.run.clone(),
        expired: arguments.expired,
    };
    let now = aws::utc(Clock::real().now());
    let (mut found, unlisted) = match sweep::find(&sdk, &wanted, now).await {
        Ok(found) => (found.swept, found.unlisted),
        Err(problem) => {
            eprintln!("error: failed to {problem}");
            return Exit::Unreachable;
        }
    };
    let count = |found: &[sweep::Swept], action| {
        found
            .iter()
            .filter(|stream| stream.action == action)
            .count()
    };
    let many = count(&found, SweepAction::Delete);
    if many > 0 && !arguments.dry_run {
        if !arguments.yes {
            let names: Vec<_> = found
                .iter()
                .filter(|stream| stream.action == SweepAction::Delete)
                .map(sweep::Swept::shown)
                .collect();
            match agreed(&names) {
                Some(true) => {}
                Some(false) => return Exit::Yes,
                None => {
                    eprintln!(
                        "error: {many} streams or consumers would be deleted, and there is no terminal to ask on: add `--yes`, \
                         or `--dry-run` to see them"
                    );
                    return Exit::Usage;
                }
            }
        }
        sweep::sweep(&sdk, &mut found, &wanted, now).await;
    }
    let failed = count(&found, SweepAction::Failed);
    let shown = show(|out| {
        if arguments.json {
            let document = json!({
                "account": pins.account,
                "region": pins.region,
                "caller": caller.arn,
                "streams": found,
                "consumers_not_listed_of": unlisted,
            });
            serde_json::to_writer_pretty(&mut *out, &document)?;
            return out.write_all(b"\n");
        }
        let mut text = String::new();
        for stream in &found {
            let _ = writeln!(
                text,
                "{}: {} ({})",
                stream.shown(),
                stream.action.as_str(),
                stream.reason
            );
        }
        if !unlisted.is_empty() {
            let _ = writeln!(
                text,
                "the consumers of {} could not be listed: {}",
                counted(unlisted.len() as u64, "stream"),
                unlisted.join(", ")
            );
        }
        let _ = writeln!(
            text,
            "{} deleted, {} to be deleted, {} kept, {failed} failed",
            count(&found, SweepAction::Deleted),
            count(&found, SweepAction::Delete),
            count(&found, SweepAction::Keep),
        );
        out.write_all(text.as_bytes())
    });
    let ended = if failed > 0 {
        Exit::Unreachable
    } else {
        Exit::Yes
    };
    shown.and(ended)
}

/// Whether somebody at the terminal agrees; `None` if nobody is there.
fn agreed(names: &[String]) -> Option<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    eprintln!("to be deleted: {}", names.join(", "));
    eprint!("delete them? [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).ok()?;
    Some(matches!(answer.trim(), "y" | "Y" | "yes"))
}
