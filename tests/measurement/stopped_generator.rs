//! A generator that stood still has measured its own pause, and says so.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use streamgauge::base::Clock;

use crate::world::{alone, repository};

/// From the opening of the results folder to the stop: half of the 6 s of load, so that a start that is late by 3 s on a
/// busy host still has the stop within the load.
const UNTIL_STOP: Duration = Duration::from_secs(3);

fn sleep(duration: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(Clock::real().sleep(duration));
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

#[test]
fn a_generator_stopped_for_half_a_second_voids_its_run_by_the_pacer_gap() {
    let _host = alone();
    let out = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .arg("run")
        .arg(repository("scenarios/first-run.toml"))
        .arg("--out")
        .arg(out.path())
        .arg("--quiet")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let opened = || std::fs::read_dir(out.path()).unwrap().next().is_some();
    while !opened() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(20));
    }
    sleep(UNTIL_STOP);
    kill_process(pid(&child), Signal::STOP).unwrap();
    sleep(Duration::from_millis(500));
    kill_process(pid(&child), Signal::CONT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(3));
    let report = std::fs::read_to_string(out.path().join("latest/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let verdict = &report["verdict"];
    assert_eq!(verdict["status"], "VOID");
    let reasons = verdict["reasons"].as_array().unwrap();
    let gap = reasons.iter().find(|reason| reason["code"] == "pacer_gap");
    assert_eq!(
        gap.expect("the gap is a reason")["status"],
        "VOID",
        "{verdict}"
    );
}
