//! Makes the model of a load of API calls out of its settings.

use super::build::stream_name;
use super::build_arrival::arrival;
use super::files::Files;
use super::model;
use super::schema::{Calls, Step, WaitUntil};
use crate::kinesis::api::ApiCall;

/// The load that these settings mean; nothing where a stream, a file or an operation does not exist, which the checks
/// have refused.
pub(super) fn calls(name: &str, raw: &Calls, files: &Files) -> Option<model::Calls> {
    let load = if raw.script.is_empty() {
        let entries = raw.mix.iter();
        let entries = entries.map(|(key, weight)| Some((ApiCall::parse(&key.0).ok()?, weight.0)));
        model::CallLoad::Mix {
            stream: stream_name(raw.on.as_deref())?,
            calls: entries.collect::<Option<_>>()?,
        }
    } else {
        model::CallLoad::Script(raw.script.iter().map(step).collect::<Option<_>>()?)
    };
    Some(model::Calls {
        name: name.to_owned(),
        workers: raw.workers,
        arrival: match &raw.arrival {
            Some(raw) => Some(arrival(raw, files)?),
            None => None,
        },
        timeout: raw.timeout.value,
        max_in_flight: raw.max_in_flight,
        max_queued: raw.max_queued,
        load,
    })
}

fn step(raw: &Step) -> Option<model::Step> {
    Some(match raw {
        Step::CreateStream { shards } => model::Step::CreateStream { shards: *shards },
        Step::Wait { until } => model::Step::Wait(match until {
            WaitUntil::Active => model::WaitUntil::Active,
            WaitUntil::Deleted => model::WaitUntil::Deleted,
        }),
        Step::SplitShard {} => model::Step::SplitShard,
        Step::MergeShards {} => model::Step::MergeShards,
        Step::UpdateShardCount { target } => model::Step::UpdateShardCount { target: *target },
        Step::Call { operation } => model::Step::Call(ApiCall::parse(operation).ok()?),
        Step::DeleteStream {} => model::Step::DeleteStream,
    })
}
