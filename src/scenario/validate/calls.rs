//! Rules of loads of API calls.

use super::stream_exists;
use crate::kinesis::api::{APIS, ApiCall, ApiCallError, Loadable};
use crate::scenario::draft::Draft;
use crate::scenario::finding::Finding;
use crate::scenario::schema::{Calls, StampPlace, Step, WaitUntil};

/// A load is one of the two; each needs what the other has no use for.
pub(super) fn are_a_mix_or_a_script(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, calls) in &draft.calls {
        let path = ["calls", name];
        match (calls.mix.is_empty(), calls.script.is_empty()) {
            (true, true) => findings.push(
                Finding::value(&path, format!("`calls.{name}` needs `mix` or `script`"))
                    .note("accepted: `mix = { ListShards = 3, PutRecord = 1 }`; `script = [{ do = \"create-stream\" }, { do = \"wait\" }, { do = \"delete-stream\" }]`"),
            ),
            (false, false) => findings.push(Finding::value(
                &["calls", name, "script"],
                format!("`calls.{name}` has a `mix` and a `script`: make two loads of it"),
            )),
            (false, true) if calls.arrival.is_none() => findings.push(
                Finding::value(
                    &path,
                    format!("`calls.{name}` needs `arrival`: when the calls of the mix are made"),
                )
                .note("accepted: `arrival = { kind = \"constant\", rate = \"10/s\" }`"),
            ),
            _ => {}
        }
    }
}

pub(super) fn streams_exist(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, calls) in &draft.calls {
        let path = ["calls", name, "on"];
        if !calls.mix.is_empty() {
            stream_exists(draft, path, calls.on.as_deref(), findings);
            if draft.declared.streams.is_empty() {
                findings.push(Finding::value(
                    &["calls", name, "mix"],
                    format!(
                        "the mix of `calls.{name}` needs a stream: declare one in `[streams.NAME]`"
                    ),
                ));
            }
        } else if calls.on.is_some() {
            findings.push(Finding::value(
                &path,
                format!("the script of `calls.{name}` makes streams of its own: `on` means nothing to it"),
            ));
        }
    }
}

pub(super) fn operations_can_be_loaded(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, calls) in &draft.calls {
        for key in calls.mix.keys() {
            let path = ["calls", name, "mix", &key.0];
            findings.extend(loadable(&path, &key.0, false, true));
        }
        for (index, step) in calls.script.iter().enumerate() {
            if let Step::Call { operation } = step {
                let index = index.to_string();
                let path = ["calls", name, "script", &index, "operation"];
                findings.extend(loadable(&path, operation, true, false));
            }
        }
    }
}

/// What speaks against a call.
fn loadable(path: &[&str], text: &str, in_script: bool, is_name: bool) -> Option<Finding> {
    let at = |title: String| {
        if is_name {
            Finding::name(path, title)
        } else {
            Finding::value(path, title)
        }
    };
    let call = match ApiCall::parse(text) {
        Ok(call) => call,
        Err(error @ ApiCallError::NoOperation(_)) => {
            let given = text.split(':').next().unwrap_or_default();
            let names: Vec<_> = APIS
                .iter()
                .filter(|api| !matches!(api.load, Loadable::No(_)))
                .map(|api| api.name)
                .collect();
            return Some(at(error.to_string()).accepted(given, &names));
        }
        Err(
            ref error @ ApiCallError::NoCase {
                ref case,
                ref cases,
                ..
            },
        ) => {
            let finding = at(error.to_string());
            return Some(if cases.is_empty() {
                finding.note("it cannot be loaded so that it must be refused")
            } else {
                finding.accepted(case, cases)
            });
        }
    };
    if let Some(case) = call.case {
        let takes_set_up = in_script && case.name == "expired-iterator";
        return takes_set_up.then(|| {
            at(format!(
                "`{call}` cannot stand in a script: its iterator must be five minutes old, and the stream has just been made"
            ))
            .note("accepted: in a mix, whose set-up waits five minutes for it")
        });
    }
    let name = call.api.name;
    let cases: Vec<_> = call
        .api
        .cases
        .iter()
        .map(|case| format!("`{name}:{}`", case.name))
        .collect();
    let in_mix = format!("accepted in a mix: {}", cases.join(", "));
    match call.api.load {
        Loadable::Mix => None,
        Loadable::Script if in_script => None,
        Loadable::Script => Some(
            at(format!(
                "`{name}` cannot stand in a mix: a call changes what the next one may ask, or asks for what must be made first"
            ))
            .note(format!(
                "accepted: the step `{{ do = \"call\", operation = \"{name}\" }}` of a script"
            ))
            .note(in_mix),
        ),
        Loadable::Step(step) => Some(
            at(format!(
                "`{name}` {}: it is a step of its own",
                if in_script { "is no `call`" } else { "cannot stand in a mix" }
            ))
            .note(format!("accepted: the step `{{ do = \"{step}\" }}` of a script"))
            .note(in_mix),
        ),
        Loadable::No(reason) => {
            Some(at(format!("`{name}` cannot be loaded: {reason}")).note(instead(name)))
        }
    }
}

/// What to do instead of an operation that cannot be loaded.
fn instead(operation: &str) -> &'static str {
    if operation == "SubscribeToShard" {
        "read with a consumer of kind `fan-out` instead"
    } else {
        "leave it out"
    }
}

/// A script can only be about the stream that it makes, while it has it.
pub(super) fn scripts_have_their_stream(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, calls) in &draft.calls {
        check_script(name, calls, findings);
    }
}

fn check_script(name: &str, calls: &Calls, findings: &mut Vec<Finding>) {
    let mut deleted = false;
    for (index, step) in calls.script.iter().enumerate() {
        let number = index.to_string();
        let path = ["calls", name, "script", &number];
        let creates = matches!(step, Step::CreateStream { .. });
        let until_deleted = matches!(
            step,
            Step::Wait {
                until: WaitUntil::Deleted
            }
        );
        let title = if index == 0 && !creates {
            "a script begins with `do = \"create-stream\"`: it is about a stream of its own"
        } else if index > 0 && creates {
            "a script makes one stream, in its first step; two streams are two loads"
        } else if deleted && !until_deleted {
            "after `delete-stream` a script can only wait: `do = \"wait\", until = \"deleted\"`"
        } else if until_deleted && !deleted {
            "nobody has deleted the stream that this step waits to be gone"
        } else {
            deleted |= matches!(step, Step::DeleteStream {});
            continue;
        };
        findings.push(Finding::value(&path, title).note(format!("this step is `{}`", step.word())));
        return;
    }
}

/// Records of a mix carry no stamp: readers of a stream whose records all should would take them for corrupt.
pub(super) fn stamped_streams_get_no_other_records(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, calls) in &draft.calls {
        let stamps = draft.producers.values().any(|producer| {
            producer.stream == calls.on && producer.payload.stamp != Some(StampPlace::None)
        });
        let mut puts = calls
            .mix
            .keys()
            .filter(|key| matches!(key.0.as_str(), "PutRecord" | "PutRecords"));
        if let Some(put) = puts.next().filter(|_| stamps) {
            findings.push(
                Finding::name(
                    &["calls", name, "mix", &put.0],
                    format!(
                        "`{}` of `calls.{name}` puts records without a stamp into a stream whose producers stamp theirs",
                        put.0
                    ),
                )
                .note("accepted: another stream for one of them, or `payload = { stamp = \"none\" }` of the producers"),
            );
        }
    }
}

pub(super) fn calls_are_given_time(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, calls) in &draft.calls {
        if calls.timeout.value.is_zero() {
            findings.push(Finding::value(
                &["calls", name, "timeout"],
                "a call's timeout must be above zero",
            ));
        }
    }
}
