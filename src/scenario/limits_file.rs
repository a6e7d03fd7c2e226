//! A file of limits or of delays alone: the table of `engine.limits` or `engine.latency`, for a server that runs no scenario.

use std::sync::Arc;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;

use super::check::check;
use super::finding::Finding;
use super::load::Source;
use super::problem::{Origin, Problems};
use super::tables::{LatencySetting, LimitsSetting};
use super::tree::Node;
use crate::kinesis::{Delays, Limits};

/// Reads a file of limits, as in `base = "aws"`, `shards = 7` and `write_records = { per_s = 2000, capacity = 2000 }`.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn load_limits(source: &Source) -> Result<Limits, Problems> {
    load::<LimitsSetting>(source, "file of limits").map(|setting| setting.limits())
}

/// Reads a file of delays, as in `base = "modelled"`, `put_records = "5ms"` and
/// `get_records = { p50 = "10ms", p99 = "60ms" }`.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn load_delays(source: &Source) -> Result<Delays, Problems> {
    load::<LatencySetting>(source, "file of delays").map(|setting| setting.delays())
}

fn load<T: JsonSchema + DeserializeOwned>(
    source: &Source,
    what: &'static str,
) -> Result<T, Problems> {
    let origins: Arc<[Origin]> = Arc::new([Origin {
        path: source.path.clone(),
        text: source.text.clone(),
    }]);
    let root = Node::parse(&source.text)
        .map_err(|findings| Problems::locate(Arc::clone(&origins), None, findings))?;
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    let mut findings = check(&schema, &root, what);
    if findings.is_empty() {
        match serde_json::from_value::<T>(root.to_json()) {
            Ok(setting) => return Ok(setting),
            Err(problem) => findings.push(Finding::value::<&str>(&[], problem.to_string())),
        }
    }
    Err(Problems::locate(origins, Some(&root), findings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::quotas::{CapName, RateName};

    fn load(text: &str) -> Result<Limits, Vec<(usize, String)>> {
        let source = Source {
            path: "limits.toml".to_owned(),
            text: text.to_owned(),
        };
        load_limits(&source).map_err(|problems| {
            let found = problems.iter();
            found
                .map(|problem| (problem.line, problem.title.clone()))
                .collect()
        })
    }

    #[test]
    fn single_limits_are_changed_and_the_others_are_those_of_the_base() {
        assert_eq!(load("").unwrap(), Limits::aws());
        let limits = load("shards = 7\nwrite_bytes = \"off\"").unwrap();
        assert_eq!(limits.cap(CapName::Shards), Some(7));
        assert_eq!(limits.rate(RateName::WriteBytes), None);
        let records = RateName::WriteRecords;
        assert_eq!(limits.rate(records), Limits::aws().rate(records));
        let none = load("base = \"off\"\nwrite_records = { per_s = 2, capacity = 3 }").unwrap();
        assert_eq!(none.rate(records).unwrap().capacity, 3);
        assert_eq!(none.rate(RateName::WriteBytes), None);
    }

    #[test]
    fn all_problems_come_together_with_their_lines() {
        let problems = load("shard = 7\n\nwrite_records = 5\nbase = \"none\"\n").unwrap_err();
        let lines: Vec<_> = problems.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 3, 4], "{problems:?}");
        assert_eq!(load("a = [").unwrap_err()[0].0, 1);
    }

    #[test]
    fn single_delays_are_changed_and_the_others_are_those_of_the_base() {
        use crate::kinesis::delays::{Delay, DelayName};
        use std::time::Duration;
        let delays = |text: &str| {
            load_delays(&Source {
                path: "delays.toml".to_owned(),
                text: text.to_owned(),
            })
        };
        let changed = delays("base = \"modelled\"\nput_records = \"5.5ms\"\n").unwrap();
        let always = Delay::Constant(Duration::from_micros(5_500));
        assert_eq!(changed.get(DelayName::PutRecords), always);
        let get = DelayName::GetRecords;
        assert_eq!(changed.get(get), Delays::modelled().get(get));
        let none = delays("put_records = { p50 = \"5ms\", p99 = \"9ms\" }").unwrap();
        assert!(!none.get(DelayName::PutRecords).is_zero() && none.get(get).is_zero());
        let problems = delays("put_record = \"5\"\nput_recordz = \"5ms\"\n").unwrap_err();
        let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [1, 2]);
    }
}
