//! Rules of how consumers read.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::kinesis::ConsumerName;
use crate::kinesis::quotas::{CAPS, CapName};
use crate::scenario::draft::Draft;
use crate::scenario::finding::Finding;
use crate::scenario::schema::Consumer;

/// Without a pause a refused reader would call again within the same instant, and be refused again.
pub(super) fn refused_readers_pause(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, consumer) in &draft.consumers {
        if let Consumer::Polling { backoff, .. } = consumer
            && backoff.value.is_zero()
        {
            findings.push(Finding::value(
                &["consumers", name, "backoff"],
                format!("`consumers.{name}.backoff` must be above zero"),
            ));
        }
    }
}

/// A stream knows its consumers by their names, each once.
pub(super) fn registered_names_are_names_and_differ(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut taken = BTreeMap::new();
    for (name, consumer) in &draft.consumers {
        let Consumer::FanOut {
            consumer_name: Some(given),
            ..
        } = consumer
        else {
            continue;
        };
        let path = ["consumers", name, "consumer_name"];
        if given.parse::<ConsumerName>().is_err() {
            findings.push(
                Finding::value(&path, format!("`{given}` is not the name of a consumer"))
                    .note("accepted: 1 to 128 letters, digits, `_`, `.` or `-`"),
            );
        } else if let Some(other) = taken.insert((consumer.stream(), given), name) {
            findings.push(Finding::value(
                &path,
                format!("`{given}` is the name of `consumers.{other}` already, on the same stream"),
            ));
        }
    }
}

/// A reader that comes back after its iterator's life never has one.
pub(super) fn readers_come_back_in_an_iterators_life(draft: &Draft, findings: &mut Vec<Finding>) {
    let life = Duration::from_secs(CAPS[CapName::IteratorLifeSeconds as usize].aws);
    for (name, consumer) in &draft.consumers {
        let Consumer::Polling {
            interval, backoff, ..
        } = consumer
        else {
            continue;
        };
        for (field, wait) in [("interval", interval), ("backoff", backoff)] {
            if wait.value >= life {
                findings.push(Finding::value(
                    &["consumers", name, field],
                    format!(
                        "`{wait}` is longer than a shard iterator lives: below {} s",
                        life.as_secs()
                    ),
                ));
            }
        }
    }
}
