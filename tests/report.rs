//! `report`, `completions` and `man`: a results folder in every form, and what a shell is told.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{Run, program, shipped, simulate, streamgauge};
use tempfile::TempDir;

fn out() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

fn hot_key(out: &Path) -> Run {
    simulate(out, &shipped("hot-key"), &["--set", "time.measure=3s"])
}

/// What `report` prints, without a word beside it.
fn report(folder: &Path, more: &[&str]) -> String {
    let ended = streamgauge([&["report", text(folder)], more].concat());
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{more:?}"
    );
    ended.stdout
}

fn refused(arguments: &[&str]) -> String {
    let ended = streamgauge(arguments);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(2), ""),
        "{arguments:?}"
    );
    ended.stderr
}

#[test]
fn a_folder_is_rendered_as_the_run_rendered_it() {
    let place = out();
    let run = hot_key(place.path());
    let printed = run.ended.stdout.rsplit_once("\nResults: ");
    let (summary, _) = printed.expect("the last line is the folder");
    assert_eq!(report(&run.folder, &[]), summary);
    let file = |name: &str| fs::read_to_string(run.folder.join(name)).expect("the run wrote it");
    assert_eq!(
        report(&run.folder, &["--format", "json"]),
        file("report.json")
    );
    assert_eq!(
        report(&run.folder, &["--format", "csv"]),
        file("intervals.csv")
    );
    let metric = "producers.web.response_time";
    assert_eq!(
        report(&run.folder, &["--format", "hgrm", "--metric", metric]),
        file("latency-producers.web-response_time.hgrm")
    );
    let all = report(&run.folder, &["--format", "hgrm"]);
    assert!(all.matches("1/(1-Percentile)").count() > 3);
    // From report.json alone, and by its own name.
    let alone = place.path().join("alone.json");
    fs::copy(run.folder.join("report.json"), &alone).expect("a copy");
    assert_eq!(report(&alone, &[]), summary);
}

#[test]
fn junit_is_a_test_for_the_verdict_and_one_for_each_slo() {
    let place = out();
    let run = hot_key(place.path());
    let xml = report(&run.folder, &["--format", "junit"]);
    let tree = roxmltree::Document::parse(&xml).expect("it is well-formed");
    let cases = tree
        .descendants()
        .filter(|node| node.has_tag_name("testcase"));
    let names: Vec<_> = cases.filter_map(|case| case.attribute("name")).collect();
    let slos = run.report.slo.iter().map(|slo| format!("slo {}", slo.name));
    assert_eq!(names[0], "measurement");
    assert_eq!(names[1..], slos.collect::<Vec<_>>());
    let missed = run.report.slo.iter().filter(|slo| slo.is_missed()).count();
    assert!(missed > 0, "hot-key is there to miss one");
    let failures = tree
        .descendants()
        .filter(|node| node.has_tag_name("failure"));
    assert_eq!(failures.count(), missed);
}

#[test]
fn markdown_begins_with_the_answer_and_a_file_is_written_whole() {
    let place = out();
    let run = hot_key(place.path());
    let file = place.path().join("summary.md");
    let said = report(&run.folder, &["--format", "md", "--out", text(&file)]);
    assert_eq!(said.trim_end(), text(&file));
    let written = fs::read_to_string(&file).expect("it was written");
    assert!(
        written.starts_with("## hot-key\n\n**Measurement: "),
        "{written}"
    );
    assert_eq!(
        written,
        report(&run.folder, &["--format", "md", "--out", "-"])
    );
    let nowhere = place.path().join("no/such/folder.md");
    let said = refused(&["report", text(&run.folder), "--out", text(&nowhere)]);
    assert!(
        said.contains("failed to write") && said.contains("folder.md"),
        "{said}"
    );
}

#[test]
fn a_redacted_report_names_no_stream_in_any_form() {
    let place = out();
    let run = hot_key(place.path());
    let stream = run.report.shards[0].stream.clone();
    for format in ["text", "html", "md", "junit", "json", "csv"] {
        let shown = report(&run.folder, &["--format", format, "--redact"]);
        // A word of its own: styles have borders.
        let mut words = shown.split(|c: char| !c.is_alphanumeric());
        assert!(words.all(|word| word != stream), "{format}: {shown}");
    }
    let open = report(&run.folder, &["--format", "csv"]);
    let table = report(&run.folder, &["--format", "csv", "--redact"]);
    assert_eq!(table.replace(",stream-1,", &format!(",{stream},")), open);
    let redacted = report(&run.folder, &["--format", "json", "--redact"]);
    let redacted: Value = serde_json::from_str(&redacted).expect("JSON");
    assert_eq!(redacted["shards"][0]["stream"], "stream-1");
}

#[test]
fn what_is_no_report_is_refused_with_the_file_and_what_it_lacks() {
    let place = out();
    let nowhere = place.path().join("nowhere");
    let said = refused(&["report", text(&nowhere)]);
    assert!(
        said.contains("nowhere/report.json") && said.contains("results folder"),
        "{said}"
    );
    let file = place.path().join("report.json");
    fs::write(&file, r#"{"schema_version": 2, "verdict": []}"#).expect("a file");
    let said = refused(&["report", text(place.path())]);
    assert!(
        said.contains("its `schema_version` is 2, this program reads 1")
            && said.contains(text(&file)),
        "{said}"
    );
    fs::write(&file, "{").expect("a file");
    assert!(refused(&["report", text(place.path())]).contains("failed to read the report"));
}

#[test]
fn a_form_that_the_document_does_not_hold_needs_the_folders_file() {
    let place = out();
    let run = hot_key(place.path());
    fs::remove_file(run.folder.join("intervals.csv")).expect("it was there");
    let said = refused(&["report", text(&run.folder), "--format", "csv"]);
    assert!(said.contains("failed to find intervals.csv"), "{said}");
    let metric = ["--metric", "producers.web.nothing"];
    let asked = ["report", text(&run.folder), "--format", "hgrm"];
    let said = refused(&[&asked[..], &metric].concat());
    assert!(
        said.contains("there are consumers.") && said.contains("producers.web.lateness"),
        "{said}"
    );
    let said = refused(&["report", text(&run.folder), metric[0], metric[1]]);
    assert!(said.contains("--format hgrm"), "{said}");
    let alone = place.path().join("alone.json");
    fs::copy(run.folder.join("report.json"), &alone).expect("a copy");
    let said = refused(&["report", text(&alone), "--format", "hgrm"]);
    assert!(said.contains("failed to find latency-*.hgrm"), "{said}");
}

#[test]
fn every_shell_gets_a_script_and_bash_completes_by_it() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = streamgauge(["completions", shell]);
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{shell}"
        );
        assert!(ended.stdout.contains("simulate"), "{shell}");
    }
    assert!(refused(&["completions", "cmd"]).contains("possible values: bash"));
    // As bash calls it: the words, and which of them is being written.
    let script = r#"
        source /dev/stdin
        complete -p streamgauge
        complete_words() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _streamgauge streamgauge "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            echo "${COMPREPLY[*]}"
        }
        complete_words streamgauge si
        complete_words streamgauge report --format j
    "#;
    let mut completions = program()
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    let shell = Command::new("bash")
        .args(["--norc", "-c", script])
        .stdin(completions.stdout.take().expect("a pipe"))
        .output();
    completions.wait().expect("it is a child");
    let Ok(shell) = shell else {
        // No bash on this machine: the scripts were looked at above.
        return;
    };
    let told = String::from_utf8(shell.stdout).expect("text");
    let lines: Vec<_> = told.lines().collect();
    assert!(lines[0].contains("_streamgauge"), "{told}");
    assert_eq!(
        lines[1..],
        ["simulate", "junit json"],
        "{told}{}",
        String::from_utf8_lossy(&shell.stderr)
    );
}

#[test]
fn the_manual_page_names_every_command() {
    let ended = streamgauge(["man"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(
        ended.stdout.contains(".TH streamgauge 1"),
        "{}",
        ended.stdout
    );
    for command in ["run", "report", "serve"] {
        let name = format!("streamgauge\\-{command}(1)");
        assert!(ended.stdout.contains(&name), "{name}: {}", ended.stdout);
    }
}
