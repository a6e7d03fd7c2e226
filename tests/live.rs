#![cfg(feature = "live")]
//! `run --live` on a terminal, which `script` of util-linux gives; without it on the machine there is nothing to see here.

mod support;

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use support::turn::Turn;
use support::{pause, report_in, shipped, streamgauge};
use tempfile::TempDir;

/// What a terminal is told when a full screen begins and ends.
const OPENED: &str = "\u{1b}[?1049h";
const CLOSED: &str = "\u{1b}[?1049l";

fn out() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// A run of a minute on a terminal of 100 by 30; `None` where there is no `script`.
fn on_terminal(out: &Path) -> Option<Child> {
    let command = format!(
        "stty cols 100 rows 30; exec '{}' run {} --live --set time.measure=1m --out '{}'",
        env!("CARGO_BIN_EXE_streamgauge"),
        shipped("throttle-edge"),
        out.display()
    );
    Command::new("script")
        .args([
            "--quiet",
            "--flush",
            "--return",
            "--command",
            &command,
            "/dev/null",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

/// Reads what the terminal is told, on a thread of its own.
fn told(child: &mut Child) -> mpsc::Receiver<String> {
    let mut output = child.stdout.take().expect("a pipe");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = [0; 4_096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits until the terminal was told all of `parts`; gives everything that it was told so far.
fn until(told: &mpsc::Receiver<String>, parts: &[&str]) -> String {
    let mut all = String::new();
    while !parts.iter().all(|part| all.contains(part)) {
        match told.recv_timeout(Duration::from_mins(2)) {
            Ok(text) => all.push_str(&text),
            Err(problem) => panic!("{problem} before {parts:?}: {all}"),
        }
    }
    all
}

fn a_key_ends_it_with_results(key: &[u8]) {
    let _turn = Turn::alone();
    let out = out();
    let Some(mut child) = on_terminal(out.path()) else {
        return;
    };
    let terminal = told(&mut child);
    let shown = until(&terminal, &[OPENED, "offered", "shards:", "q or Ctrl-C"]);
    assert!(!shown.contains(CLOSED), "{shown}");
    pause(Duration::from_millis(600));
    let keys = child.stdin.as_mut().expect("a pipe");
    keys.write_all(key)
        .and_then(|()| keys.flush())
        .expect("it reads");
    let ended = until(&terminal, &[CLOSED, "Results: "]);
    let (_, after) = ended.split_once(CLOSED).expect("it was closed");
    // The summary stands on the terminal that was given back.
    assert!(after.contains("Measurement: "), "{ended}");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let report = report_in(&out.path().join("latest"));
    assert!(report.instrument.interrupted);
}

#[test]
fn q_ends_the_run_as_an_interruption_and_gives_the_terminal_back() {
    a_key_ends_it_with_results(b"q");
}

#[test]
fn control_c_does_the_same_although_it_is_a_key_there() {
    a_key_ends_it_with_results(&[3]);
}

#[test]
fn without_a_terminal_a_word_is_said_and_the_run_is_the_same() {
    let out = out();
    let folder = out.path().to_str().expect("a plain name");
    let scenario = shipped("first-run");
    let ended = streamgauge(["simulate", &scenario, "--live", "--out", folder]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.stderr,
        "note: --live needs a terminal on standard error; showing plain progress\n"
    );
    assert!(ended.folder().join("report.json").exists());
    let both = streamgauge(["simulate", &scenario, "--live", "--quiet"]);
    assert_eq!(both.code, Some(2));
    assert!(
        both.stderr.contains("cannot be used with"),
        "{}",
        both.stderr
    );
}
