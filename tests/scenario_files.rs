//! Every file in `scenarios/` loads, fits the published JSON Schema, and keeps what its kind of file promises.

use std::path::{Path, PathBuf};
use std::time::Duration;

use streamgauge::scenario::{Loaded, Override, Source, check_simulated, json_schema, load};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is part of the repository")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{files:?}");
    files
}

fn read(path: &Path) -> Source {
    Source {
        path: path.display().to_string(),
        text: std::fs::read_to_string(path).expect("a scenario is text"),
    }
}

fn loaded(source: &Source, overrides: &[Override]) -> Loaded {
    load(source, overrides).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn every_scenario_loads_and_its_name_is_its_file_name() {
    for path in files() {
        let scenario = loaded(&read(&path), &[]).scenario;
        assert_eq!(
            Some(scenario.name.as_str()),
            path.file_stem().and_then(|stem| stem.to_str())
        );
        assert!(scenario.question.ends_with('?'), "{}", scenario.name);
    }
}

#[test]
fn every_scenario_fits_the_json_schema() {
    let validator = jsonschema::validator_for(&json_schema()).expect("the schema is a schema");
    for path in files() {
        let table: toml::Table = read(&path).text.parse().expect("it loads");
        let instance = serde_json::to_value(table).expect("TOML without times is JSON");
        let errors: Vec<_> = validator
            .iter_errors(&instance)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
}

#[test]
fn every_scenario_says_how_to_read_it_and_takes_less_than_30_seconds() {
    for path in files() {
        let source = read(&path);
        assert!(source.text.starts_with("# "), "{}", path.display());
        assert!(
            source.text.contains("# How to read it:"),
            "{}",
            path.display()
        );
        let time = loaded(&source, &[]).scenario.time;
        assert!(
            time.load() + time.drain < Duration::from_secs(30),
            "{}",
            path.display()
        );
    }
}

#[test]
fn only_the_closed_loop_cannot_be_simulated_and_modelled_delays_cure_it() {
    for path in files() {
        let source = read(&path);
        let plain = loaded(&source, &[]);
        let findings = check_simulated(&plain.scenario);
        assert_eq!(
            !findings.is_empty(),
            plain.scenario.name == "max-throughput",
            "{findings:?}"
        );
        if let Some(problems) = plain.problems(findings) {
            assert!(
                problems
                    .to_string()
                    .contains("arrival = { kind = \"closed\"")
            );
        }
        let modelled = Override::parse("engine.latency=modelled").expect("it is an override");
        assert!(check_simulated(&loaded(&source, &[modelled]).scenario).is_empty());
    }
}
