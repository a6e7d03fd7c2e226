//! A file of limits alone: the table of `engine.limits`, for a server that runs no scenario.

use std::sync::Arc;

use schemars::generate::SchemaSettings;

use super::check::check;
use super::finding::Finding;
use super::load::Source;
use super::problem::{Origin, Problems};
use super::tables::LimitsSetting;
use super::tree::Node;
use crate::kinesis::Limits;

/// Reads a file of limits, as in `base = "aws"`, `shards = 7` and `write_records = { per_s = 2000, capacity = 2000 }`.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn load_limits(source: &Source) -> Result<Limits, Problems> {
    let origins: Arc<[Origin]> = Arc::new([Origin {
        path: source.path.clone(),
        text: source.text.clone(),
    }]);
    let root = Node::parse(&source.text)
        .map_err(|findings| Problems::locate(Arc::clone(&origins), None, findings))?;
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<LimitsSetting>()
        .to_value();
    let mut findings = check(&schema, &root, "limits file");
    if findings.is_empty() {
        match serde_json::from_value::<LimitsSetting>(root.to_json()) {
            Ok(setting) => return Ok(setting.limits()),
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
}
