//! What the streams that a run creates on AWS are called and tagged, so that whoever finds one knows whose it is.

use std::collections::BTreeMap;

use super::model::{Consumer, ConsumerKind, Scenario, Stream};
use crate::kinesis::operation::{NewStream, StreamMode, StreamOptions};
use crate::kinesis::{ConsumerName, StreamName};

/// What the name of every stream that a run creates begins with.
pub const PREFIX: &str = "streamgauge-";
/// The tag that holds the run's number. Kinesis takes no colons in tags (API reference, Tag; read 2026-11-23).
/// A resource without it is nobody's that this program knows.
pub const RUN_TAG: &str = "streamgauge.run";
/// The tag that holds who made the run: account, then user or role session.
pub const OWNER_TAG: &str = "streamgauge.owner";
/// The tag that holds when the run is over at the latest: UTC, as `20261123T060000Z`.
pub const EXPIRES_TAG: &str = "streamgauge.expires";

/// The longest name of a stream (service model).
const NAME_MAX: usize = 128;

/// A run's number as names and tags hold it: eight hexadecimal digits.
pub fn run_id(run: u32) -> String {
    format!("{run:08x}")
}

/// What the service is to call each stream of the scenario: `streamgauge-<scenario>-<run>`, followed by the stream's own
/// name where the run creates several, or by its number where that name is too long. Existing streams keep their names.
pub fn service_names(scenario: &Scenario, run: u32) -> BTreeMap<StreamName, StreamName> {
    let stem = format!("{PREFIX}{}-{}", scenario.name, run_id(run));
    let created = || scenario.streams.values().filter(|stream| !stream.existing);
    let several = created().count() > 1;
    let named = created().enumerate().map(|(number, stream)| {
        let own = &stream.name;
        let text = if !several {
            stem.clone()
        } else if stem.len() + 1 + own.as_str().len() <= NAME_MAX {
            format!("{stem}-{own}")
        } else {
            format!("{stem}-{number}")
        };
        // A scenario's name has at most 64 of the characters that a stream's may have.
        (own.clone(), text.parse().unwrap_or_else(|_| own.clone()))
    });
    let existing = scenario.streams.values().filter(|stream| stream.existing);
    named
        .chain(existing.map(|stream| (stream.name.clone(), stream.name.clone())))
        .collect()
}

/// The name under which a run registers a fan-out consumer that is given none: the run's own, of at most 86 characters.
pub fn consumer_name(consumer: &Consumer, run: u32) -> Option<ConsumerName> {
    match &consumer.kind {
        ConsumerKind::Polling { .. } => None,
        ConsumerKind::FanOut {
            name: Some(name), ..
        } => Some(name.clone()),
        ConsumerKind::FanOut { name: None, .. } => {
            let name = format!("{PREFIX}{}-{}", run_id(run), consumer.name);
            name.parse().ok()
        }
    }
}

/// What CreateStream is to be asked for a stream of the scenario, and for how many hours its records are kept.
pub fn new_stream(stream: &Stream, name: &StreamName) -> (NewStream, u32) {
    let on_demand = stream.mode == StreamMode::OnDemand;
    let new = NewStream {
        name: name.clone(),
        options: StreamOptions {
            shards: (!on_demand).then_some(stream.shards),
            mode: on_demand.then_some(StreamMode::OnDemand),
            max_record_bytes: Some(stream.max_record_bytes),
            ..StreamOptions::default()
        },
    };
    (new, (stream.retention.as_secs() / 3_600) as u32)
}

/// What the names of the streams begin with that one worker of a load of scripts makes: the script's number follows. The
/// load is told by its name, or by its number where that would be too long.
pub fn script_stem(scenario: &Scenario, run: u32, load: (&str, usize), worker: u32) -> String {
    /// For the numbers of worker and script.
    const NUMBERS: usize = 24;
    let stem = format!("{PREFIX}{}-{}", scenario.name, run_id(run));
    let (name, number) = load;
    if stem.len() + 1 + name.len() + NUMBERS <= NAME_MAX {
        format!("{stem}-{name}-{worker}")
    } else {
        format!("{stem}-{number}-{worker}")
    }
}

/// A name that no stream of any run has: for calls that must be refused.
pub fn missing_name(scenario: &Scenario, run: u32) -> String {
    format!("{PREFIX}{}-{}-missing", scenario.name, run_id(run))
}

/// Which names [`service_names`] and [`script_stem`] may give in any run, as an ARN's resource with a `*`.
pub fn name_pattern(scenario: &Scenario) -> String {
    format!("{PREFIX}{}-*", scenario.name)
}
