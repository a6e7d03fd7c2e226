//! Rules of events.

use std::time::Duration;

use super::stream_exists;
use crate::scenario::draft::Draft;
use crate::scenario::finding::Finding;
use crate::scenario::model::Time;
use crate::scenario::schema::{Event, StreamMode};

pub(super) fn streams_exist(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, event) in &draft.events {
        stream_exists(draft, ["events", name, "on"], event.on(), findings);
    }
}

/// The service reshards on-demand streams itself (developer guide: SplitShard, MergeShards and UpdateShardCount are for
/// provisioned ones).
pub(super) fn reshard_provisioned_streams_only(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, event) in &draft.events {
        let reshards = matches!(
            event,
            Event::SplitShard { .. } | Event::MergeShards { .. } | Event::UpdateShardCount { .. }
        );
        let stream = event.on().and_then(|stream| draft.streams.get(stream));
        if reshards && stream.is_some_and(|stream| stream.mode == StreamMode::OnDemand) {
            findings.push(
                Finding::value(
                    &["events", name, "do"],
                    format!(
                        "`events.{name}` reshards an on-demand stream, which the service refuses"
                    ),
                )
                .note("accepted: a stream with `mode = \"provisioned\"`"),
            );
        }
    }
}

pub(super) fn happen_within_the_run(draft: &Draft, findings: &mut Vec<Finding>) {
    let Some(time) = &draft.time else { return };
    let time = Time {
        warm_up: time.warm_up.value,
        measure: time.measure.value,
        drain: time.drain.value,
    };
    let end = time.load() + time.drain;
    for (name, event) in &draft.events {
        let at = event.at();
        let offset = at.value.offset(&time);
        if offset >= end {
            findings.push(Finding::value(
                &["events", name, "at"],
                format!(
                    "`{at}` is {} after the start of a run that lasts {}",
                    humantime::format_duration(offset),
                    humantime::format_duration(end)
                ),
            ));
        }
    }
}

pub(super) fn last_some_time(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, event) in &draft.events {
        if let Event::Stall { duration, .. } | Event::ThrottleStorm { duration, .. } = event
            && duration.value == Duration::ZERO
        {
            findings.push(Finding::value(
                &["events", name, "duration"],
                "an event's duration must be above zero",
            ));
        }
    }
}
