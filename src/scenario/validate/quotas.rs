//! What a scenario makes, against how much of it an account may have.

use std::collections::BTreeMap;

use crate::kinesis::Limits;
use crate::kinesis::operation::StreamMode;
use crate::kinesis::quotas::CapName;
use crate::scenario::finding::Finding;
use crate::scenario::model::Scenario;
use crate::scenario::targets::TargetKind;

/// The lowest quota of shards that AWS gives an account where nobody asked for more (developer guide, "Quotas and limits",
/// read 2026-11-22: 20,000, 6,000 or 1,000 by the region).
const LEAST_SHARDS: u64 = 1_000;

/// What a scenario makes before its load begins.
#[derive(Debug, Default)]
struct Made<'a> {
    /// Shards of provisioned streams.
    shards: u64,
    /// The stream with the most of them.
    largest: &'a str,
    /// On-demand streams; the last one.
    on_demand: Vec<&'a str>,
    /// Fan-out consumers by their stream.
    fan_out: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Made<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let mut made = Self::default();
        let mut most = 0;
        for stream in scenario.streams.values().filter(|stream| !stream.existing) {
            let name = stream.name.as_str();
            match stream.mode {
                StreamMode::Provisioned => {
                    made.shards += u64::from(stream.shards);
                    if stream.shards > most {
                        (most, made.largest) = (stream.shards, name);
                    }
                }
                StreamMode::OnDemand => made.on_demand.push(name),
            }
        }
        let consumers = scenario.consumers.values();
        for consumer in consumers.filter(|consumer| consumer.kind.is_fan_out()) {
            let of_stream = made.fan_out.entry(consumer.stream.as_str()).or_default();
            of_stream.push(&consumer.name);
        }
        made
    }
}

/// What the engine in this process would refuse to make, by the scenario's own limits.
pub(super) fn beyond_quotas(scenario: &Scenario) -> Vec<Finding> {
    let limits = &scenario.engine.limits;
    let made = Made::of(scenario);
    let beyond = |cap: CapName, count: u64| limits.cap(cap).filter(|limit| count > *limit);
    let mut findings = Vec::new();
    if let Some(limit) = beyond(CapName::Shards, made.shards) {
        let title = format!(
            "the scenario makes {} shards, and the engine's limits let an account have {limit}",
            made.shards
        );
        findings.push(
            Finding::value(&["streams", made.largest, "shards"], title).note(format!(
                "accepted: at most {limit} shards in all provisioned streams together; or `engine.limits = {{ shards = {} }}`",
                made.shards
            )),
        );
    }
    let on_demand = made.on_demand.len() as u64;
    if let (Some(limit), Some(last)) = (
        beyond(CapName::OnDemandStreams, on_demand),
        made.on_demand.last(),
    ) {
        let title = format!(
            "the scenario makes {on_demand} on-demand streams, and the engine's limits let an account have {limit}"
        );
        findings.push(Finding::value(&["streams", last], title).note(format!(
            "accepted: at most {limit} on-demand streams; or `engine.limits = {{ on_demand_streams = {on_demand} }}`"
        )));
    }
    for (stream, consumers) in &made.fan_out {
        let count = consumers.len() as u64;
        if let (Some(limit), Some(last)) =
            (beyond(CapName::ConsumersPerStream, count), consumers.last())
        {
            let title = format!(
                "`{stream}` is to have {count} fan-out consumers, and the engine's limits let a stream have {limit}"
            );
            findings.push(Finding::value(&["consumers", last], title).note(format!(
                "accepted: at most {limit} fan-out consumers of a stream; or `engine.limits = {{ consumers_per_stream = {count} }}`"
            )));
        }
    }
    findings
}

/// What a scenario makes that not every account may have, each in a sentence: the quotas of an endpoint or of an account on
/// AWS are not known before a run. Nothing for the engine in this process, whose limits are known.
pub fn quota_notes(scenario: &Scenario, kind: TargetKind) -> Vec<String> {
    if kind.is_in_process() {
        return Vec::new();
    }
    let made = Made::of(scenario);
    let aws = |cap: CapName| Limits::aws().cap(cap).unwrap_or(u64::MAX);
    let mut notes = Vec::new();
    if made.shards > LEAST_SHARDS {
        notes.push(format!(
            "It makes {} shards: whether the account may have them is not known here. AWS lets one have {LEAST_SHARDS} to {} by the region, more on request; `DescribeLimits` tells.",
            made.shards,
            aws(CapName::Shards)
        ));
    }
    let on_demand = made.on_demand.len() as u64;
    if on_demand > aws(CapName::OnDemandStreams) {
        notes.push(format!(
            "It makes {on_demand} on-demand streams: whether the account may have them is not known here. AWS lets one have {}, more on request.",
            aws(CapName::OnDemandStreams)
        ));
    }
    for (stream, consumers) in made.fan_out {
        let most = aws(CapName::ConsumersPerStream);
        if consumers.len() as u64 > most {
            notes.push(format!(
                "`{stream}` is to have {} fan-out consumers: AWS lets a stream have {most}, or {} with On-demand Advantage.",
                consumers.len(),
                aws(CapName::ConsumersPerStreamAdvantage)
            ));
        }
    }
    notes
}
