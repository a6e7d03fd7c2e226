//! What a simulated run cannot do.

use crate::base::clock::VIRTUAL_EPOCH;
use crate::kinesis::ErrorCode;
use crate::kinesis::api::ApiCall;
use crate::kinesis::delays::DelayName;
use crate::scenario::finding::Finding;
use crate::scenario::model::{Arrival, Calls, PutApi, Scenario, StartPosition};

/// What keeps a scenario from running on a virtual clock.
///
/// Virtual time passes only while everybody waits: a closed loop against a service that answers in no time would put
/// records for ever within one instant.
pub fn check_simulated(scenario: &Scenario) -> Vec<Finding> {
    let loops = scenario.producers.values().filter(|producer| {
        let call = match producer.send.api {
            PutApi::PutRecord => DelayName::PutRecord,
            PutApi::PutRecords => DelayName::PutRecords,
        };
        matches!(producer.arrival, Arrival::Closed { .. })
            && scenario.engine.delays.get(call).is_zero()
    });
    let early = scenario.consumers.values().filter(
        |consumer| matches!(consumer.start, StartPosition::At(time) if time > VIRTUAL_EPOCH),
    );
    let early = early.map(|consumer| {
        Finding::value(
            &["consumers", &consumer.name, "start"],
            format!("`consumers.{}.start` lies in the future of a simulated run", consumer.name),
        )
        .note("accepted: a time up to 2025-01-01T00:00:00Z, when virtual time begins; \"trim-horizon\"; \"latest\"")
    });
    loops
        .map(|producer| {
            Finding::value(
                &["producers", &producer.name, "arrival"],
                format!(
                    "the closed loop of `producers.{}` cannot be simulated: its calls take no time, so that time would stand still",
                    producer.name
                ),
            )
            .note("accepted: `engine.latency = \"modelled\"`, or arrivals of a `rate`")
        })
        .chain(early)
        .chain(
            scenario
                .calls
                .values()
                .filter_map(|calls| timeless_loop(scenario, calls)),
        )
        .collect()
}

/// The same of a closed loop of API calls: one of them at least must take time.
fn timeless_loop(scenario: &Scenario, calls: &Calls) -> Option<Finding> {
    let closed = matches!(calls.arrival, Some(Arrival::Closed { .. }));
    let made = calls.calls();
    let timeless = |call: &ApiCall| {
        // What the front door refuses and dry runs are answered at once.
        let at_once = call.case.is_some_and(|case| {
            matches!(
                case.code,
                ErrorCode::Validation | ErrorCode::DryRunOperation
            )
        });
        at_once || scenario.engine.delays.get(delay_of(call)).is_zero()
    };
    (closed && made.iter().all(timeless)).then(|| {
        let name = &calls.name;
        let title = format!(
            "the closed loop of `calls.{name}` cannot be simulated: its calls take no time, so that time would stand still"
        );
        Finding::value(&["calls", name, "arrival"], title)
            .note("accepted: `engine.latency = \"modelled\"`, or arrivals of a `rate`")
    })
}

/// What the answer to a call is delayed by.
fn delay_of(call: &ApiCall) -> DelayName {
    match call.api.name {
        "PutRecord" => DelayName::PutRecord,
        "PutRecords" => DelayName::PutRecords,
        "GetRecords" => DelayName::GetRecords,
        "GetShardIterator" => DelayName::GetShardIterator,
        _ => DelayName::Control,
    }
}
