//! The plan of the house: which module may use which. `ARCHITECTURE.md` shows the same table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Each module in the order of `lib.rs`, and what it uses.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("kinesis", &["base"]),
    ("trace", &["base", "kinesis"]),
    ("measure", &["base", "kinesis"]),
    ("scenario", &["base", "kinesis", "trace"]),
    ("workload", &["base", "kinesis", "scenario"]),
    ("engine", &["base", "kinesis"]),
    ("wire", &["base", "kinesis"]),
    ("host", &["base", "kinesis", "engine"]),
    ("dispatch", &["base", "kinesis", "wire", "host"]),
    ("server", &["base", "kinesis", "wire", "host", "dispatch"]),
    (
        "target",
        &["base", "kinesis", "scenario", "wire", "host", "dispatch"],
    ),
    (
        "producer",
        &[
            "base", "kinesis", "measure", "scenario", "workload", "target",
        ],
    ),
    (
        "consumer",
        &[
            "base", "kinesis", "trace", "measure", "scenario", "workload", "target",
        ],
    ),
    (
        "calls",
        &[
            "base", "kinesis", "measure", "scenario", "workload", "wire", "host", "target",
            "producer",
        ],
    ),
    (
        "run",
        &[
            "base", "kinesis", "trace", "measure", "scenario", "workload", "host", "target",
            "producer", "consumer", "calls",
        ],
    ),
    ("report", &["base", "kinesis", "measure", "scenario", "run"]),
    (
        "analyse",
        &[
            "base", "kinesis", "measure", "scenario", "workload", "report",
        ],
    ),
    (
        "study",
        &[
            "base", "kinesis", "measure", "scenario", "host", "target", "report", "analyse",
        ],
    ),
    (
        "cli",
        &[
            "base", "kinesis", "trace", "measure", "scenario", "workload", "host", "server",
            "target", "run", "report", "analyse", "study",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a module's folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The modules that a file names by `crate::`.
fn used(text: &str) -> BTreeSet<String> {
    let names = text.split("crate::").skip(1);
    names
        .filter_map(|rest| {
            let group = rest.strip_prefix('{').map_or(rest, |group| group);
            let first = group
                .split(|c: char| !c.is_ascii_lowercase() && c != '_')
                .next();
            first.map(str::to_owned)
        })
        .collect()
}

#[test]
fn modules_use_only_what_their_layer_lists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let known: BTreeSet<_> = LAYERS.iter().map(|(module, _)| *module).collect();
    for (module, may_use) in LAYERS {
        for file in sources(&root.join(module)) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            for name in used(&text) {
                let allowed = name == *module
                    || may_use.contains(&name.as_str())
                    || !known.contains(name.as_str());
                assert!(
                    allowed,
                    "{} uses `{name}`, which `{module}` must not",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn every_module_of_the_library_has_its_row_in_order() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
        .expect("lib.rs");
    let declared: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let rows: Vec<_> = LAYERS.iter().map(|(module, _)| *module).collect();
    assert_eq!(declared, rows);
}

#[test]
fn the_architecture_page_shows_the_same_table() {
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md"))
            .expect("the page");
    for (module, uses) in LAYERS {
        let uses = if uses.is_empty() {
            "-".to_owned()
        } else {
            uses.join(", ")
        };
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{module}` |")));
        let row = row.unwrap_or_else(|| panic!("no row for `{module}`"));
        assert!(
            row.contains(&format!("| {uses} |")),
            "the row of `{module}` does not say: {uses}"
        );
    }
}

/// A style that an ordinary test can check: files that a reader can hold, and nothing unfinished.
#[test]
fn source_files_stay_small_and_hold_nothing_unfinished() {
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).expect("a source file");
        let lines = text.lines().count();
        assert!(
            lines <= 900,
            "{} has {lines} lines: two nouns?",
            file.display()
        );
        for word in ["todo!(", "unimplemented!(", "dbg!("] {
            assert!(!text.contains(word), "{} holds {word}", file.display());
        }
    }
}
