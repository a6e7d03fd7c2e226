//! How fast the server answers over HTTP, beside a hyper server that does nothing, in one run. Goals: PutRecord of 100 B
//! over 64 connections at 26 us of server CPU or less and at least 70 % of the do-nothing server's requests; PutRecords
//! of 500 x 100 B at 1 M records/s and 0.4 ms of CPU; of 500 x 1 KiB at 500 k (JSON) and 1 M (CBOR) records/s;
//! GetRecords in pages of 10,000 x 100 B at 3 M records/s.
//!
//! `cargo bench --bench http_server` drives both with `wrk` (Debian's package of that name), one after the other in the
//! order A B B A. Without `--bench` (in `cargo test`) each request is sent once and its answer looked at.

mod case;
mod floor;
mod server;
mod wrk;

use case::Case;
use server::Server;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == floor::FLAG) {
        return floor::serve();
    }
    let ours = Server::streamgauge();
    let floor = Server::floor();
    let cases = case::all(&ours);
    if !arguments.iter().any(|argument| argument == "--bench") {
        for case in &cases {
            let answer = ours.post(case);
            (case.is_answered)(&answer).expect(case.name);
            assert!(!floor.post(case).is_empty());
        }
        println!("http_server: {} requests answered", cases.len());
        return std::process::ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    println!(
        "{:<34} {:>12} {:>12} {:>7} {:>10} {:>10} {:>13}",
        "", "req/s", "do-nothing", "ratio", "CPU/req", "do-nothing", "records/s"
    );
    for case in &cases {
        if wanted.iter().all(|word| case.name.contains(word.as_str())) {
            measure(case, &ours, &floor);
        }
    }
    println!(
        "{:<34} {:.1} MiB idle after start, first answer after {:.1} ms",
        "start",
        ours.idle_kib as f64 / 1_024.0,
        ours.first_answer.as_secs_f64() * 1e3
    );
    std::process::ExitCode::SUCCESS
}

/// A B B A: what drifts on the machine meets both alike.
fn measure(case: &Case, ours: &Server, floor: &Server) {
    // All memory is touched for the first time before anything is taken down.
    wrk::run(case, ours, 5);
    let rounds: Vec<_> = [ours, floor, floor, ours]
        .into_iter()
        .map(|server| wrk::run(case, server, 3))
        .collect();
    // What was timed must have been the answer that was meant.
    (case.is_answered)(&ours.post(case)).expect(case.name);
    let mean = |a: f64, b: f64| f64::midpoint(a, b);
    let rate = mean(rounds[0].per_s, rounds[3].per_s);
    let floor_rate = mean(rounds[1].per_s, rounds[2].per_s);
    println!(
        "{:<34} {:>12.0} {:>12.0} {:>6.0}% {:>7.1} us {:>7.1} us {:>13.0}",
        case.name,
        rate,
        floor_rate,
        rate / floor_rate * 100.0,
        mean(rounds[0].cpu_us, rounds[3].cpu_us),
        mean(rounds[1].cpu_us, rounds[2].cpu_us),
        rate * case.records as f64
    );
}
