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
            "reset-connections: only by a client whose connections are in reach (`--client lean`)",
            "the limit behind a refusal: its cause is inferred from what this run asked of the shard",
            "records trimmed before they were read: they count as lost",
        ],
        TargetKind::Aws => &[
            "`[engine]`: limits, latency and memory are AWS's own",
            "stall, throttle-storm, lost acknowledgements, internal failures: AWS has no switch for them",
            "reset-connections: runs on AWS break nothing",
            "the limit behind a refusal: its cause is inferred from what this run asked of the shard",
            "records trimmed before they were read: they count as lost",
        ],
    }
}

/// What is known of an endpoint and of the client that calls it; nothing while nobody looked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Abilities {
    /// Whether the endpoint has the switch for faults.
    pub faults: Option<bool>,
    /// Whether the client's connections can be broken.
    pub resets: Option<bool>,
}

/// What keeps a scenario from running at a target of this kind.
pub fn check_target(scenario: &Scenario, kind: TargetKind, able: Abilities) -> Vec<Finding> {
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
    let alone = kind.is_in_process() && scenario.producers.is_empty() && scenario.calls.is_empty();
    let unwritten = scenario.consumers.values().filter(|_| alone);
    let unwritten = unwritten.map(|consumer| {
        let name = consumer.name.as_str();
        Finding::value(
            &["consumers", name],
            format!("nobody writes what `consumers.{name}` would read: the engine in this process has no other clients"),
        )
        .note("accepted: a producer or calls that put; or an endpoint or AWS (`--target`), where others write")
    });
    let no_faults = match kind {
        TargetKind::Embedded | TargetKind::Simulated => false,
        TargetKind::Endpoint => able.faults == Some(false),
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
    let no_resets = kind != TargetKind::Endpoint || able.resets == Some(false);
    let resets = scenario
        .events
        .values()
        .filter(|event| no_resets && event.action == Action::ResetConnections && !event.optional);
    let resets = resets.map(|event| {
        let name = event.name.as_str();
        Finding::value(
            &["events", name, "do"],
            format!("no connections can be broken here, as `events.{name}` wants"),
        )
        .note("accepted: `optional = true`, which skips it here; an endpoint called by `--client lean`")
    });
    existing
        .chain(unwritten)
        .chain(faults)
        .chain(resets)
        .collect()
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
