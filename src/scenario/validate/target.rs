//! What a target cannot do.

use super::quotas::beyond_quotas;
use crate::scenario::finding::Finding;
use crate::scenario::load::Loaded;
use crate::scenario::model::{Action, Event, Scenario};
use crate::scenario::targets::TargetKind;

/// What a scenario must have to meet something that a target cannot do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Met {
    Resets,
    Existing,
    EngineSettings,
    Faults,
    /// No scenario can ask for it.
    Never,
    Refusals,
    Readers,
}

/// What does not exist at a target of this kind.
const fn incapacities(kind: TargetKind) -> &'static [(Met, &'static str)] {
    match kind {
        TargetKind::Embedded | TargetKind::Simulated => &[
            (Met::Resets, "connection resets: there are no connections"),
            (Met::Existing, "existing streams: the engine begins empty"),
        ],
        TargetKind::Endpoint => &[
            (
                Met::EngineSettings,
                "`[engine]`: limits, latency and memory are the endpoint's own",
            ),
            (
                Met::Faults,
                "stall, throttle-storm: only where the endpoint is `streamgauge serve`, asked when the run begins",
            ),
            (
                Met::Never,
                "lost acknowledgements, internal failures: no endpoint takes them as orders",
            ),
            (
                Met::Resets,
                "reset-connections: only by a client whose connections are in reach (`--client lean`)",
            ),
            (
                Met::Refusals,
                "the limit behind a refusal: its cause is inferred from what this run asked of the shard",
            ),
            (
                Met::Readers,
                "records trimmed before they were read: they count as lost",
            ),
        ],
        TargetKind::Aws => &[
            (
                Met::EngineSettings,
                "`[engine]`: limits, latency and memory are AWS's own",
            ),
            (
                Met::Faults,
                "stall, throttle-storm, lost acknowledgements, internal failures: AWS has no switch for them",
            ),
            (Met::Resets, "reset-connections: runs on AWS break nothing"),
            (
                Met::Refusals,
                "the limit behind a refusal: its cause is inferred from what this run asked of the shard",
            ),
            (
                Met::Readers,
                "records trimmed before they were read: they count as lost",
            ),
        ],
    }
}

/// What does not exist at a target of this kind, whatever the scenario, each in a sentence.
pub fn cannot(kind: TargetKind) -> Vec<&'static str> {
    let all = incapacities(kind).iter();
    all.map(|(_, sentence)| *sentence).collect()
}

/// What of [`cannot`] this scenario meets.
pub fn cannot_of(loaded: &Loaded, kind: TargetKind) -> Vec<&'static str> {
    let scenario = &loaded.scenario;
    let is_met = |met: &Met| match met {
        Met::Resets => {
            let mut events = scenario.events.values();
            events.any(|event| event.action == Action::ResetConnections)
        }
        Met::Existing => scenario.streams.values().any(|stream| stream.existing),
        Met::EngineSettings => loaded
            .resolved
            .iter()
            .any(|setting| setting.path.starts_with("engine.") && !setting.is_default),
        Met::Faults => has_faults(scenario),
        Met::Never => false,
        Met::Refusals => !scenario.producers.is_empty() || !scenario.calls.is_empty(),
        Met::Readers => !scenario.consumers.is_empty(),
    };
    let all = incapacities(kind).iter();
    let met = all.filter(|(met, _)| is_met(met));
    met.map(|(_, sentence)| *sentence).collect()
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
    let quotas = if kind.is_in_process() {
        beyond_quotas(scenario)
    } else {
        Vec::new()
    };
    existing
        .chain(unwritten)
        .chain(faults)
        .chain(resets)
        .chain(quotas)
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
