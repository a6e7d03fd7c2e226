//! The load: `wrk`, which takes less CPU per request than any server here.

use std::fmt::Write as _;
use std::process::Command;

use super::case::Case;
use super::server::{Server, headers};

/// What one run of wrk saw, and what the server spent meanwhile.
pub(crate) struct Seen {
    pub(crate) per_s: f64,
    pub(crate) cpu_us: f64,
}

const CONNECTIONS: usize = 64;

/// Drives `server` with the case's request for so many seconds.
pub(crate) fn run(case: &Case, server: &Server, seconds: u32) -> Seen {
    let folder = tempfile::tempdir().expect("a folder");
    let body = folder.path().join("body");
    std::fs::write(&body, &case.body).expect("a file");
    let mut script = String::from("wrk.method = \"POST\"\n");
    for (name, value) in headers(case) {
        let _ = writeln!(script, "wrk.headers[\"{name}\"] = \"{value}\"");
    }
    let _ = writeln!(
        script,
        "local file = io.open(\"{}\", \"rb\")\nwrk.body = file:read(\"*a\")\nfile:close()\n\
         function done(summary, latency, requests)\n\
         io.write(string.format(\"SEEN %d %d %d\\n\", summary.requests, summary.duration, \
         summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + \
         summary.errors.timeout))\nend",
        body.display()
    );
    let path = folder.path().join("case.lua");
    std::fs::write(&path, script).expect("a file");
    // Large pages need few connections to keep two cores busy, and much memory in many.
    let connections = if case.body.len() > 10_000 || case.operation == "GetRecords" {
        8
    } else {
        CONNECTIONS
    };
    let before = server.cpu();
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{connections}"), &format!("-d{seconds}s")])
        .arg("-s")
        .arg(&path)
        .arg(&server.url)
        .output()
        .expect("wrk is installed (Debian's package `wrk`)");
    let cpu = server.cpu().saturating_sub(before);
    let text = String::from_utf8_lossy(&output.stdout);
    let seen = text.lines().find_map(|line| line.strip_prefix("SEEN "));
    let numbers: Vec<f64> = seen
        .unwrap_or_else(|| panic!("wrk says: {text}"))
        .split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert!(numbers[2] == 0.0, "{} of {} failed", numbers[2], numbers[0]);
    Seen {
        per_s: numbers[0] / (numbers[1] / 1e6),
        cpu_us: cpu.as_secs_f64() * 1e6 / numbers[0],
    }
}
