//! What a target cannot do.

use crate::scenario::finding::Finding;
use crate::scenario::model::{Action, Event, Scenario};
use crate::scenario::targets::TargetKind;

/// What does not exist at a target of this kind, whatever the scenario, each in a sentence.
pub const fn cannot(kind: TargetKind) -> &'static [&'static str] {
    match kind {
        TargetKind::Embedded | TargetKind::Simulated => &[
            "connection resets: there are no connections",
            "existing streams: the engine begins empty",
        ],
        TargetKind::Endpoint => &[
            "`[engine]`: limits, latency and memory are the endpoint's own",
            "stall, throttle-storm: only where the endpoint is `streamgauge serve`, asked when the run begins",
            "lost acknowledgements, internal failures: no endpoint takes them as orders",
            "the limit behind a refusal: its cause is inferred from what this run asked of the shard",
            "records trimmed before they were read: they count as lost",
        ],
        TargetKind::Aws => &[
            "`[engine]`: limits, latency and memory are AWS's own",
            "stall, throttle-storm, lost acknowledgements, internal failures, connection resets: AWS has no switch for them",
            "the limit behind a refusal: its cause is inferred from what this run asked of the shard",
            "records trimmed before they were read: they count as lost",
        ],
    }
}

/// What keeps a scenario from running at a target of this kind. `switch` says whether an endpoint has the switch for
/// faults; nothing while nobody asked it.
pub fn check_target(scenario: &Scenario, kind: TargetKind, switch: Option<bool>) -> Vec<Finding> {
    let existing = scenario
        .streams
        .values()
        .filter(|stream| stream.existing && kind.is_in_process());
    let existing = existing.map(|stream| {
        let name = stream.name.as_str();
        Finding::value(
            &["streams", name, "existing"],
            format!(
                "there is no existing stream `{name}`: the engine in this process begins empty"
            ),
        )
        .note("accepted: `existing = true` at an endpoint or on AWS (`--target`)")
    });
    let alone = kind.is_in_process() && scenario.producers.is_empty();
    let unwritten = scenario.consumers.values().filter(|_| alone);
    let unwritten = unwritten.map(|consumer| {
        let name = consumer.name.as_str();
        Finding::value(
            &["consumers", name],
            format!("nobody writes what `consumers.{name}` would read: the engine in this process has no other clients"),
        )
        .note("accepted: a producer; or an endpoint or AWS (`--target`), where others write")
    });
    let no_faults = match kind {
        TargetKind::Embedded | TargetKind::Simulated => false,
        TargetKind::Endpoint => switch == Some(false),
        TargetKind::Aws => true,
    };
    let faults = scenario
        .events
        .values()
        .filter(|event| no_faults && is_fault(event) && !event.optional);
    let faults = faults.map(|event| {
        let name = event.name.as_str();
        Finding::value(
            &["events", name, "do"],
            format!("the target has no switch for the fault of `events.{name}`"),
        )
        .note("accepted: `optional = true`, which skips it here; a target that has one: `embedded`, `simulated`, `streamgauge serve`")
    });
    existing.chain(unwritten).chain(faults).collect()
}

/// Whether an event asks the target to misbehave.
const fn is_fault(event: &Event) -> bool {
    matches!(
        event.action,
        Action::Stall { .. } | Action::ThrottleStorm { .. }
    )
}

/// Whether a scenario has events that ask the target to misbehave.
pub fn has_faults(scenario: &Scenario) -> bool {
    scenario.events.values().any(is_fault)
}
