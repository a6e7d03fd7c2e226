//! From a file's text to a scenario.

use std::sync::Arc;

use super::build::build;
use super::check::check;
use super::draft::Draft;
use super::files::read_files;
use super::finding::Finding;
use super::kept::NamedFile;
use super::model::Scenario;
use super::problem::{Origin, Problems};
use super::resolved::{ResolvedSetting, resolved};
use super::schema::json_schema;
use super::set::{self, Override};
use super::tree::Node;
use super::validate::validate;

/// A scenario file as read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The file's name as the user gave it, for messages.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// A scenario and where it comes from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// What every setting came to.
    pub resolved: Vec<ResolvedSetting>,
    /// The scenario file as run: the source's text with the overrides applied. Loaded again it gives the same scenario.
    pub text: String,
    /// The files that it names, by name.
    pub files: Vec<NamedFile>,
    origins: Arc<[Origin]>,
    root: Node,
}

impl Loaded {
    /// Gives findings about this scenario, such as those of [`super::check_simulated`], their places in the file.
    /// Nothing if there are none.
    pub fn problems(&self, findings: Vec<Finding>) -> Option<Problems> {
        (!findings.is_empty())
            .then(|| Problems::locate(Arc::clone(&self.origins), Some(&self.root), findings))
    }
}

/// Reads, checks and completes a scenario.
///
/// # Errors
/// All that is wrong with it, each with its place. Of a text that is no TOML only the syntax errors are known.
pub fn load(source: &Source, overrides: &[Override]) -> Result<Loaded, Problems> {
    let file = Origin {
        path: source.path.clone(),
        text: source.text.clone(),
    };
    let origins: Arc<[Origin]> = std::iter::once(file)
        .chain(overrides.iter().map(Override::origin))
        .collect();
    let mut root = Node::parse(&source.text)
        .map_err(|findings| Problems::locate(Arc::clone(&origins), None, findings))?;

    let mut findings = Vec::new();
    for (index, given) in overrides.iter().enumerate() {
        findings.extend(set::apply(&mut root, given, index + 1).err());
    }
    let schema = json_schema();
    findings.extend(check(&schema, &root, "scenario"));
    let mut draft = Draft::new(&schema, &root, &mut findings);
    draft.files = read_files(&draft, &source.path, &mut findings);
    draft.fill_in_sizes();
    validate(&draft, &mut findings);

    let files = std::mem::take(&mut draft.files);
    let file = if findings.is_empty() {
        draft.into_file()
    } else {
        None
    };
    let Some((file, scenario)) =
        file.and_then(|file| build(&file, &files).map(|built| (file, built)))
    else {
        if findings.is_empty() {
            let title =
                "the scenario passed every check and still makes no run: please report this";
            findings.push(Finding::value::<&str>(&[], title));
        }
        return Err(Problems::locate(origins, Some(&root), findings));
    };
    Ok(Loaded {
        scenario,
        resolved: resolved(&file, &root),
        text: set::edited(&source.text, overrides, &root),
        files: files.named.into_values().collect(),
        origins,
        root,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::quotas::{CapName, RateName};
    use crate::scenario::model::{
        Action, Arrival, ConsumerKind, EventTime, Ordering, PutApi, RetryKind, ShardChoice, Size,
        StartPosition,
    };
    use std::time::Duration;

    const MINIMAL: &str = r#"schema = 1
name = "minimal"

[time]
measure = "10s"

[streams.orders]
shards = 2

[producers.web]
arrival = { kind = "constant", rate = "800/s" }
keys = { kind = "single" }
size = { kind = "log-normal", median = "600B", sigma = 0.5, max = "2KiB" }

[consumers.billing]
kind = "polling"
"#;

    fn load_text(text: &str, overrides: &[&str]) -> Result<Loaded, Problems> {
        let source = Source {
            path: "minimal.toml".to_owned(),
            text: text.to_owned(),
        };
        let overrides: Vec<_> = overrides
            .iter()
            .map(|text| Override::parse(text).unwrap())
            .collect();
        load(&source, &overrides)
    }

    #[test]
    fn a_list_of_tables_is_told_how_its_entries_are_named() {
        for (from, to, told) in [
            (
                "[consumers.billing]",
                "[[consumers]]",
                "accepted: `[consumers.NAME]` for each, with a name of its own, not `[[consumers]]`",
            ),
            (
                "[time]",
                "[[time]]",
                "accepted: one table `[time]`, not `[[time]]`",
            ),
        ] {
            let problems = load_text(&MINIMAL.replace(from, to), &[]).unwrap_err();
            let text = problems.render(false);
            assert!(text.contains(told), "{text}");
        }
    }

    #[test]
    fn what_is_not_given_has_the_documented_default() {
        let scenario = load_text(MINIMAL, &[]).unwrap().scenario;
        assert_eq!((scenario.seed, scenario.question.as_str()), (1, ""));
        assert_eq!(scenario.time.warm_up, Duration::from_secs(2));
        assert_eq!(scenario.time.drain, Duration::from_secs(10));
        assert_eq!(scenario.engine.max_memory_bytes, 2 << 30);
        assert_eq!(scenario.engine.limits, crate::kinesis::Limits::aws());
        assert_eq!(scenario.engine.delays, crate::kinesis::Delays::none());
        let stream = &scenario.streams["orders"];
        assert_eq!(stream.retention, Duration::from_hours(24));
        assert_eq!(stream.max_record_bytes, 1 << 20);
        let web = &scenario.producers["web"];
        assert_eq!((web.stream.as_str(), web.workers), ("orders", 1));
        assert_eq!(web.keys.format, ("key-".to_owned(), String::new()));
        assert_eq!(web.size.min_bytes(), 36);
        assert_eq!(web.send.api, PutApi::PutRecords);
        assert_eq!(web.send.max_records, 500);
        assert_eq!(web.send.max_bytes, 5 << 20);
        assert_eq!(web.send.linger, Duration::from_millis(20));
        assert_eq!(web.send.ordering, Ordering::None);
        assert_eq!((web.send.max_in_flight, web.send.max_queued), (32, 100_000));
        assert_eq!(
            (web.retry.kind, web.retry.attempts),
            (RetryKind::FullJitter, 5)
        );
        let billing = &scenario.consumers["billing"];
        assert_eq!(billing.stream.as_str(), "orders");
        assert_eq!(billing.start, StartPosition::TrimHorizon);
        let ConsumerKind::Polling {
            interval,
            max_records,
            backoff,
        } = billing.kind
        else {
            panic!("{:?}", billing.kind);
        };
        assert_eq!(interval, Duration::from_millis(250));
        assert_eq!((max_records, backoff), (10_000, Duration::from_millis(250)));
    }

    #[test]
    fn resolved_settings_say_which_of_them_the_file_gave() {
        let loaded = load_text(MINIMAL, &["producers.web.workers=3"]).unwrap();
        let find = |path: &str| {
            let setting = loaded.resolved.iter().find(|setting| setting.path == path);
            let setting = setting.unwrap_or_else(|| panic!("{path} is a setting"));
            (setting.value.as_str(), setting.is_default)
        };
        assert_eq!(find("time.measure"), ("10s", false));
        assert_eq!(find("time.warm_up"), ("2s", true));
        assert_eq!(find("producers.web.workers"), ("3", false));
        assert_eq!(find("producers.web.stream"), ("orders", true));
        assert_eq!(find("producers.web.size.min"), ("36B", true));
        assert_eq!(find("producers.web.retry.kind"), ("full-jitter", true));
        assert_eq!(find("producers.web.send.max_records"), ("500", true));
        assert_eq!(find("engine.limits"), ("aws", true));
    }

    #[test]
    fn put_record_has_batches_of_one_without_being_told() {
        let send = load_text(MINIMAL, &["producers.web.send.api=put-record"])
            .unwrap()
            .scenario
            .producers["web"]
            .send;
        assert_eq!((send.api, send.max_records), (PutApi::PutRecord, 1));
    }

    #[test]
    fn an_overridden_scenario_is_the_one_that_its_text_says() {
        let overrides = [
            "seed=7",
            "producers.web.arrival={ kind = \"closed\", outstanding = 5 }",
            "producers.web.size.max=4KiB",
            "engine.limits=off",
            "consumers.billing.start=2026-01-31T12:00:00Z",
        ];
        let loaded = load_text(MINIMAL, &overrides).unwrap();
        assert_eq!(loaded.scenario.seed, 7);
        let web = &loaded.scenario.producers["web"];
        assert_eq!(web.arrival, Arrival::Closed { outstanding: 5 });
        assert!(matches!(web.size, Size::LogNormal { max: 4096, .. }));
        let again = load_text(&loaded.text, &[]).unwrap();
        assert_eq!(
            format!("{:?}", again.scenario),
            format!("{:?}", loaded.scenario)
        );
        assert_eq!(load_text(MINIMAL, &[]).unwrap().text, MINIMAL);
    }

    #[test]
    fn events_limits_and_bounds_arrive_in_the_model_in_its_units() {
        let text = format!(
            r#"{MINIMAL}
[engine]
limits = {{ base = "off", write_records = {{ per_s = 2000, capacity = 3000 }}, shards = 9 }}
latency = {{ put_records = "20ms" }}

[events.storm]
at = "measure+5s"
do = "throttle-storm"
duration = "2s"
shard = "hottest"
optional = true

[slo]
fresh = {{ metric = "consumers.billing.end_to_end.p99", max = "1s" }}
kept = {{ metric = "producers.web.accepted_share", min = 0.999 }}
percent = {{ metric = "producers.web.accepted_share", min = "99.95 %" }}
"#
        );
        let scenario = load_text(&text, &[]).unwrap().scenario;
        let limits = &scenario.engine.limits;
        assert_eq!(limits.rate(RateName::WriteRecords).unwrap().capacity, 3_000);
        assert_eq!(limits.rate(RateName::WriteBytes), None);
        assert_eq!(limits.cap(CapName::Shards), Some(9));
        let storm = &scenario.events["storm"];
        assert_eq!(storm.at, EventTime::Measure(Duration::from_secs(5)));
        assert!(storm.optional);
        assert_eq!(
            storm.action,
            Action::ThrottleStorm {
                duration: Duration::from_secs(2),
                shard: Some(ShardChoice::Hottest),
                share: 1.0,
            }
        );
        assert_eq!(scenario.slo["fresh"].max, Some(1e6));
        assert_eq!(scenario.slo["kept"].min, Some(0.999));
        assert_eq!(scenario.slo["percent"].min, Some(0.9995));
    }

    #[test]
    fn every_kind_of_keys_loads_and_its_mistakes_are_told() {
        for keys in [
            r#"{ kind = "normal", population = 100, sd = 10 }"#,
            r#"{ kind = "exponential", population = 100, mean = 10, salt = 4 }"#,
            r#"{ kind = "latest", population = 100 }"#,
            r#"{ kind = "weighted", weights = [{ key = "a", weight = 2 }] }"#,
            r#"{ kind = "mix", of = { web = { share = 1, keys = { kind = "single" } }, app = { share = 3, keys = { kind = "unique" } } } }"#,
            r#"{ kind = "shard-share", shares = [3, 1], population = 2 }"#,
            r#"{ kind = "shard-share", shares = [3, 1], by = "explicit-hash-key" }"#,
        ] {
            let given = format!("producers.web.keys={keys}");
            let loaded = load_text(MINIMAL, &[&given]);
            loaded.unwrap_or_else(|problems| panic!("{keys}: {problems}"));
        }
        for (keys, told) in [
            (
                r#"{ kind = "normal", population = 100, sd = 101 }"#,
                "above the population",
            ),
            (
                r#"{ kind = "normal", population = 100, mean = 101, sd = 1 }"#,
                "does not lie in",
            ),
            (r#"{ kind = "weighted" }"#, "either `weights` or `file`"),
            (
                r#"{ kind = "weighted", weights = [{ key = "a", weight = 0 }] }"#,
                "no key has a weight above zero",
            ),
            (
                r#"{ kind = "weighted", file = "no-such.csv" }"#,
                "failed to read `no-such.csv`",
            ),
            (
                r#"{ kind = "mix", of = { a = { share = 0, keys = { kind = "single" } } } }"#,
                "no part has a share above zero",
            ),
            (
                r#"{ kind = "mix", of = { a = { share = 1, keys = { kind = "mix", of = { b = { share = 1, keys = { kind = "single" } } } } } } }"#,
                "a mix within a mix",
            ),
            (
                r#"{ kind = "uniform", population = 72057594037927936, salt = 2 }"#,
                "at most 2^56",
            ),
            (
                r#"{ kind = "shard-share", shares = [1, 2, 3] }"#,
                "3 shares for 2 shards",
            ),
            (
                r#"{ kind = "shard-share", shares = [0, 0] }"#,
                "no shard has a share",
            ),
        ] {
            let given = format!("producers.web.keys={keys}");
            let problems = load_text(MINIMAL, &[&given]).unwrap_err().to_string();
            assert!(problems.contains(told), "{keys}: {problems}");
        }
    }

    #[test]
    fn a_time_of_toml_is_a_start_as_good_as_a_text() {
        let plain = format!("{MINIMAL}start = 2026-01-31T12:00:00Z\n");
        let quoted = format!("{MINIMAL}start = \"2026-01-31T12:00:00Z\"\n");
        let start = |text: &str| load_text(text, &[]).unwrap().scenario.consumers["billing"].start;
        assert_eq!(start(&plain), start(&quoted));
        assert!(load_text(&format!("{MINIMAL}start = 12:00:00\n"), &[]).is_err());
    }
}
