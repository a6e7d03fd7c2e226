//! The README's commands do what it says.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("the README")
}

/// The lines of the fenced blocks with this language.
fn blocks(text: &str, language: &str) -> Vec<Vec<String>> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{language}") {
            blocks.push(
                lines
                    .by_ref()
                    .take_while(|line| *line != "```")
                    .map(str::to_owned)
                    .collect(),
            );
        }
    }
    blocks
}

/// What follows `cargo run --release -- ` in the README's shell blocks.
fn commands() -> Vec<String> {
    let blocks = blocks(&readme(), "sh");
    let lines = blocks.iter().flatten();
    lines
        .filter_map(|line| line.strip_prefix("cargo run --release -- "))
        .map(str::to_owned)
        .collect()
}

/// A folder in which the README's relative paths lead to the repository's files.
fn workplace() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(root().join("scenarios"), folder.path().join("scenarios"))
        .expect("a link");
    let path = folder.path().to_owned();
    (folder, path)
}

fn run(arguments: &str, folder: &Path) -> Output {
    let words = arguments
        .split_whitespace()
        .take_while(|word| *word != "#" && *word != ">");
    Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .args(words)
        .current_dir(folder)
        .output()
        .expect("it starts")
}

#[test]
fn a_fresh_machine_needs_the_two_commands_that_the_readme_begins_with() {
    let first = blocks(&readme(), "sh")
        .into_iter()
        .next()
        .expect("a first block of commands");
    assert_eq!(
        first,
        [
            "cargo run --release -- run scenarios/first-run.toml",
            "cargo test"
        ]
    );
}

#[test]
fn every_command_of_the_readme_runs() {
    let (_keep, folder) = workplace();
    let commands = commands();
    assert!(commands.len() >= 5, "{commands:?}");
    for command in commands {
        let output = run(&command, &folder);
        let said = String::from_utf8_lossy(&output.stderr);
        // 1: an SLO was missed, which some of the scenarios are there to show. 3: a host too busy to measure on; the
        // scenarios' own tests judge that.
        assert!(
            matches!(output.status.code(), Some(0 | 1 | 3)),
            "`{command}`: {} {said}",
            output.status
        );
        assert!(!output.stdout.is_empty(), "`{command}` prints nothing");
    }
}

#[test]
fn the_output_that_the_readme_shows_has_the_lines_that_the_command_prints() {
    let (_keep, folder) = workplace();
    let output = run("simulate scenarios/first-run.toml", &folder);
    let printed = String::from_utf8(output.stdout).expect("text");
    let labels = |text: &str| -> Vec<String> {
        let text = text.replace("(measured)", "").replace("(simulated)", "");
        // What does not change from run to run and from world to world: the first two words, without numbers.
        let label = |line: &str| {
            let words = line
                .split_whitespace()
                .take(2)
                .filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
            words.collect::<Vec<_>>().join(" ")
        };
        text.lines()
            .map(label)
            .filter(|label| !label.is_empty())
            .collect()
    };
    let block = blocks(&readme(), "text")
        .into_iter()
        .next()
        .expect("the shown output")
        .join("\n");
    let printed = labels(&printed);
    // What the instrument says of itself and of its host is broken where its figures break it, and a simulated run has
    // neither processors nor a host.
    let (of_host, of_run): (Vec<_>, Vec<_>) = block
        .split("\n\n")
        .partition(|section| section.starts_with("Instrument: "));
    assert_eq!(of_host.len(), 1, "{block}");
    assert!(printed.contains(&"Instrument: longest".to_owned()));
    for label in of_run.into_iter().flat_map(labels) {
        assert!(
            printed.contains(&label),
            "the README shows `{label}`, which is not printed"
        );
    }
}

#[test]
fn every_scenario_stands_in_the_readme() {
    let text = readme();
    for entry in std::fs::read_dir(root().join("scenarios")).expect("scenarios") {
        let name = entry
            .expect("a file")
            .file_name()
            .into_string()
            .expect("a name");
        assert!(
            text.contains(&format!("scenarios/{name}")),
            "{name} is missing"
        );
    }
}

#[test]
fn the_file_map_of_the_readme_names_every_module() {
    let text = readme();
    let modules = std::fs::read_to_string(root().join("src/lib.rs")).expect("lib.rs");
    for module in modules
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
    {
        assert!(
            text.contains(&format!("`{module}`")),
            "`{module}` is missing"
        );
    }
}
