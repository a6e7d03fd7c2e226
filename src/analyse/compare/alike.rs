//! Why two reports must not be compared.

use std::collections::BTreeMap;

use super::run::Run;
use crate::measure::Status;
use crate::report::{Document, World};
use crate::scenario::{self, Source};

/// What may differ although it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Allowed {
    /// The hosts.
    pub hosts: bool,
}

/// Why runs are not compared. Displayed as a fragment that fits after "failed to".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unlike {
    /// A run is not a measurement.
    #[error("compare `{path}`: it is VOID ({reason}); a comparison with it says nothing")]
    Void {
        /// The run.
        path: String,
        /// Its first reason.
        reason: String,
    },
    /// A run is not whole.
    #[error("compare `{path}`: {reason}")]
    Partial {
        /// The run.
        path: String,
        /// What it lacks.
        reason: &'static str,
    },
    /// A metric that is to decide is not measured in every run.
    #[error("compare by `{wanted}`: it is not measured in every run; there are {known}")]
    NoMetric {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
    /// Something that matters is not the same.
    #[error("compare `{}` with `{}`: {what} differs ({left}, and {right}){hint}", paths[0], paths[1])]
    Differs {
        /// Both runs.
        paths: Box<[String; 2]>,
        /// What.
        what: String,
        /// The first one's.
        left: String,
        /// The other one's.
        right: String,
        /// What to do; empty, or begins with `; `.
        hint: &'static str,
    },
}

impl Unlike {
    /// Nothing is measured under a name that is to decide; `known` are the names under which something is.
    pub(super) fn no_metric<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<_> = known.into_iter().map(|name| format!("`{name}`")).collect();
        Self::NoMetric {
            wanted: wanted.to_owned(),
            known: known.join(", "),
        }
    }

    /// Whether it is a measurement that is void, not a mistake of whoever compares.
    pub const fn is_void(&self) -> bool {
        matches!(self, Self::Void { .. })
    }
}

/// Every reason why these runs must not be compared; the first run is what the others are held against.
pub fn unlike<'a>(runs: impl IntoIterator<Item = &'a Run>, allowed: Allowed) -> Vec<Unlike> {
    let runs: Vec<_> = runs.into_iter().collect();
    let mut reasons: Vec<_> = runs.iter().filter_map(|run| unusable(run)).collect();
    if let Some((first, rest)) = runs.split_first() {
        let facts = facts(&first.document, allowed);
        for run in rest {
            reasons.extend(differences(first, &facts, run, allowed));
        }
    }
    // Of many runs that differ in the same way one says it.
    let mut said = Vec::new();
    reasons.retain(|reason| match reason {
        Unlike::Differs { what, .. } if said.contains(what) => false,
        Unlike::Differs { what, .. } => {
            said.push(what.clone());
            true
        }
        _ => true,
    });
    reasons
}

fn unusable(run: &Run) -> Option<Unlike> {
    let document = &run.document;
    let partial = |reason| {
        Some(Unlike::Partial {
            path: run.path.clone(),
            reason,
        })
    };
    if document.verdict.status == Status::Void {
        let reasons = &document.verdict.reasons;
        let worst = reasons.iter().find(|reason| reason.status == Status::Void);
        return Some(Unlike::Void {
            path: run.path.clone(),
            reason: worst.map_or_else(
                || "no reason given".to_owned(),
                |reason| reason.text.clone(),
            ),
        });
    }
    if document.instrument.interrupted {
        return partial("it was interrupted, so its window is shorter; make it again");
    }
    if document.lacks_workers() {
        return partial("it is one worker's part of a run; `merge` the parts first");
    }
    None
}

/// What must be the same, by what it is called, in the order in which it is told.
fn facts(document: &Document, allowed: Allowed) -> Vec<(String, String, &'static str)> {
    let mut facts = vec![
        (
            "the world".to_owned(),
            document.world.as_str().to_owned(),
            "",
        ),
        (
            "the basis".to_owned(),
            document.basis.as_str().to_owned(),
            "",
        ),
    ];
    if let Some(target) = &document.target {
        facts.push((
            "the client".to_owned(),
            target.client.clone(),
            "; use one `--client`",
        ));
    }
    if let Some(host) = &document.environment
        && !allowed.hosts
    {
        const HINT: &str = "; compare runs of one host, or allow it with `--across-hosts`";
        facts.push(("the operating system".to_owned(), host.os.clone(), HINT));
        facts.push((
            "the host's processor".to_owned(),
            host.cpu_model.clone(),
            HINT,
        ));
        facts.push((
            "the number of processors".to_owned(),
            host.cpus.to_string(),
            HINT,
        ));
        facts.push((
            "the host's memory".to_owned(),
            format!("{} bytes", host.memory_bytes),
            HINT,
        ));
    }
    for (path, value) in workload(document) {
        facts.push((setting(&path), value, ""));
    }
    facts
}

fn differences(
    first: &Run,
    facts_of_first: &[(String, String, &'static str)],
    run: &Run,
    allowed: Allowed,
) -> Vec<Unlike> {
    let its = facts(&run.document, allowed);
    let value = |run: &Run, facts: &[(String, String, &'static str)], what: &str| {
        let found = facts.iter().find(|(name, ..)| name == what);
        found
            .map(|(_, value, _)| value.clone())
            .or_else(|| default(&run.document, what))
            .unwrap_or_else(|| "nothing".to_owned())
    };
    let others = its
        .iter()
        .filter(|(what, ..)| facts_of_first.iter().all(|(name, ..)| name != what));
    facts_of_first
        .iter()
        .chain(others)
        .filter_map(|(what, _, hint)| {
            let left = value(first, facts_of_first, what);
            let right = value(run, &its, what);
            (left.trim_matches('"') != right.trim_matches('"')).then(|| Unlike::Differs {
                paths: Box::new([first.path.clone(), run.path.clone()]),
                what: what.clone(),
                left,
                right,
                hint,
            })
        })
        .collect()
}

/// What a scenario's setting is called.
fn setting(path: &str) -> String {
    format!("the scenario's `{path}`")
}

/// What a setting comes to that a scenario does not give: one spells a default out, the other one leaves it. Nothing where it
/// has none, or the scenario cannot be read without the files that it names.
fn default(document: &Document, what: &str) -> Option<String> {
    let source = Source {
        path: "scenario.toml".to_owned(),
        text: document.scenario.text.clone(),
    };
    let loaded = scenario::load(&source, &[]).ok()?;
    let mut settings = loaded.resolved.into_iter();
    settings
        .find(|it| it.is_default && setting(&it.path) == what)
        .map(|it| it.value)
}

/// The scenario's values by path, without those that do not change what is asked of the target: its name, question, seed and
/// SLOs, and `[engine]` where no engine of ours is asked. The engine's delays may differ: they are what is compared then.
fn workload(document: &Document) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let Ok(table) = document.scenario.text.parse::<toml::Table>() else {
        // A report of a scenario that is no TOML was not made by a run; the text itself must then be the same.
        values.insert("text".to_owned(), document.scenario.text.clone());
        return values;
    };
    flatten(&toml::Value::Table(table), String::new(), &mut values);
    let has_engine = matches!(document.world, World::Embedded | World::Simulated);
    values.retain(|path, _| {
        let top = path.split('.').next().unwrap_or_default();
        match top {
            "name" | "question" | "seed" | "slo" => false,
            "engine" => has_engine && !path.starts_with("engine.latency"),
            _ => true,
        }
    });
    values
}

/// The delays of the engine as the scenario gives them; nothing where no engine of ours is asked.
pub(super) fn delays(document: &Document) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    if matches!(document.world, World::Embedded | World::Simulated)
        && let Ok(table) = document.scenario.text.parse::<toml::Table>()
    {
        flatten(&toml::Value::Table(table), String::new(), &mut values);
        values.retain(|path, _| path.starts_with("engine.latency"));
    }
    values
}

fn flatten(value: &toml::Value, path: String, values: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (name, value) in table {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                flatten(value, below, values);
            }
        }
        value => {
            values.insert(path, value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Reason;
    use crate::report::sample;

    fn run(change: impl FnOnce(&mut Document)) -> Run {
        let mut document = sample::document();
        document.scenario.text =
            "schema = 1\nseed = 7\n[engine]\nlimits = \"aws\"\n[producers.web]\nworkers = 2\n"
                .into();
        change(&mut document);
        Run {
            path: "r".to_owned(),
            document,
            server: None,
        }
    }

    fn told(change: impl FnOnce(&mut Document)) -> Vec<String> {
        let runs = [run(|_| ()), run(change)];
        let reasons = unlike(&runs, Allowed::default());
        reasons.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_matters_must_be_the_same_and_what_differs_is_named_with_both_values() {
        for (change, expected) in [
            (
                "workers = 2",
                "the scenario's `producers.web.workers` differs (2, and 3)",
            ),
            (
                "limits = \"aws\"",
                "the scenario's `engine.limits` differs (\"aws\", and \"off\")",
            ),
        ] {
            let other = change.replace('2', "3").replace("aws", "off");
            let told = told(|document| {
                document.scenario.text = document.scenario.text.replace(change, &other);
            });
            assert!(told.len() == 1 && told[0].contains(expected), "{told:?}");
        }
        let worlds = told(|document| {
            document.world = World::Simulated;
            document.basis = World::Simulated.basis();
        });
        assert!(
            worlds[0].contains("the world differs (embedded, and simulated)"),
            "{worlds:?}"
        );
        assert!(worlds[1].contains("the basis differs"), "{worlds:?}");
    }

    #[test]
    fn seed_name_order_of_lines_and_delays_may_differ() {
        let told = told(|document| {
            document.seed = 8;
            document.scenario.text =
                "seed = 8\nschema = 1\nname = \"b\"\n[producers.web]\nworkers=2\n[engine]\nlatency = \"modelled\"\nlimits = \"aws\"\n"
                    .into();
        });
        assert_eq!(told, Vec::<String>::new());
    }

    #[test]
    fn a_default_that_one_spells_out_is_no_difference_and_another_value_is() {
        const PLAIN: &str = "schema = 1\nname = \"a\"\n[time]\nmeasure = \"5s\"\n[streams.s]\nshards = 1\n[producers.web]\narrival = \
             { kind = \"constant\", rate = \"10/s\" }\nkeys = { kind = \"single\" }\nsize = { kind = \"fixed\", bytes = \"100B\" }\n";
        let told = |more: &str| {
            let with = |text: String| run(|document| document.scenario.text = text);
            let runs = [
                with(PLAIN.to_owned()),
                with(format!("{PLAIN}[producers.web.send]\n{more}\n")),
            ];
            let reasons = unlike(&runs, Allowed::default());
            reasons.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told("api = \"put-records\""), Vec::<String>::new());
        let other = told("api = \"put-record\"");
        assert!(
            other.len() == 1 && other[0].contains("(put-records, and \"put-record\")"),
            "{other:?}"
        );
    }

    #[test]
    fn another_host_is_refused_unless_it_is_allowed() {
        let other = |document: &mut Document| {
            document.environment.as_mut().unwrap().cpus += 1;
        };
        let told = told(other);
        assert!(
            told.len() == 1 && told[0].contains("--across-hosts"),
            "{told:?}"
        );
        let runs = [run(|_| ()), run(other)];
        assert_eq!(unlike(&runs, Allowed { hosts: true }), []);
    }

    #[test]
    fn void_interrupted_and_partial_runs_are_refused_with_their_reason() {
        let void = run(|document| {
            document.verdict.status = Status::Void;
            document.verdict.reasons.push(Reason {
                status: Status::Void,
                code: "pacer_gap".into(),
                text: "the pacer was away for 500 ms".into(),
            });
        });
        let reasons = unlike(&[run(|_| ()), void], Allowed::default());
        assert!(reasons.len() == 1 && reasons[0].is_void());
        assert!(reasons[0].to_string().contains("away for 500 ms"));
        let told = told(|document| document.instrument.interrupted = true);
        assert!(told[0].contains("interrupted"), "{told:?}");
    }
}
