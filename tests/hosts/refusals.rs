//! Folders that do not belong together.

use std::path::{Path, PathBuf};

use streamgauge::report::merge::merge_folders;

use crate::saw::{parts, scenario};

fn refusal(folders: &[PathBuf]) -> String {
    let problem = merge_folders(folders, false).expect_err("they do not belong together");
    problem.to_string()
}

/// The folders of three workers, and a change to a file of the second one.
fn changed(out: &Path, file: &str, from: &str, to: &str) -> Vec<PathBuf> {
    let folders = parts(out, &scenario(), 3);
    let path = folders[1].join(file);
    let text = std::fs::read_to_string(&path).expect("a text file of the folder");
    assert!(text.contains(from), "{from}: {text}");
    std::fs::write(&path, text.replace(from, to)).expect("it can be written");
    folders
}

#[test]
fn parts_of_different_runs_are_refused_with_what_differs() {
    for (file, from, to, told) in [
        (
            "report.json",
            "\"seed\": 5,",
            "\"seed\": 6,",
            "the seed differs (5, and 6)",
        ),
        (
            "report.json",
            "measure = \\\"3s\\\"",
            "measure = \\\"4s\\\"",
            "a line of the scenario differs (`time = {",
        ),
        (
            "report.json",
            "\"version\": \"",
            "\"version\": \"9",
            "the version of streamgauge differs",
        ),
        (
            "worker.json",
            "\"run\": 195",
            "\"run\": 196",
            "the run differs (0badcafe, and ",
        ),
        (
            "worker.json",
            "\"of\": 3",
            "\"of\": 4",
            "the number of workers differs (3, and 4)",
        ),
        (
            "worker.json",
            "\"start_ns\": 17954352",
            "\"start_ns\": 17954353",
            "the start differs",
        ),
        (
            "worker.json",
            "\"version\": 1",
            "\"version\": 2",
            "its version is 2, this program reads 1",
        ),
        (
            "intervals.csv",
            "acked",
            "taken",
            "its columns are not those",
        ),
        ("window.hlog", "Tag=", "Gat=", "window.hlog"),
    ] {
        let out = tempfile::tempdir().expect("room");
        let told_is = refusal(&changed(out.path(), file, from, to));
        assert!(told_is.contains(told), "{file} {from}: {told_is}");
        assert!(told_is.contains("-several"), "{told_is}");
    }
}

#[test]
fn a_worker_that_is_there_twice_or_missing_is_named() {
    let out = tempfile::tempdir().expect("room");
    let folders = parts(out.path(), &scenario(), 4);
    let twice = [&folders[..], &folders[2..3]].concat();
    assert!(
        refusal(&twice).contains("both are of worker 3"),
        "{}",
        refusal(&twice)
    );
    assert!(refusal(&folders[1..2]).contains("1 of 4 parts: workers 1, 3, 4 are missing"));
    let one = refusal(&folders[..3]);
    assert!(
        one.contains("worker 4 is missing") && one.contains("--partial"),
        "{one}"
    );
    let nothing: [PathBuf; 0] = [];
    assert!(merge_folders(&nothing, true).is_err());
}

#[test]
fn a_folder_without_a_file_or_of_a_run_of_one_is_refused() {
    let out = tempfile::tempdir().expect("room");
    let folders = parts(out.path(), &scenario(), 2);
    for file in ["placed.bin", "integrity.bin", "run.hlog", "report.json"] {
        let path = folders[1].join(file);
        let bytes = std::fs::read(&path).expect("it is there");
        std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("it can be written");
        let told = refusal(&folders);
        assert!(told.contains(file), "{told}");
        std::fs::remove_file(&path).expect("it is there");
        assert!(refusal(&folders).contains(file));
        std::fs::write(&path, &bytes).expect("it can be written");
    }
    std::fs::remove_file(folders[1].join("worker.json")).expect("it is there");
    let told = refusal(&folders);
    assert!(
        told.contains("no worker's part") && told.contains("--worker I/N"),
        "{told}"
    );
}
