//! Several hosts at one endpoint: processes that meet there, and clocks that are wrong.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use streamgauge::base::{Clock, Timestamp};
use streamgauge::measure::progress::Progress;
use streamgauge::report::Document;
use streamgauge::run::{Controls, Hosts, Outcome, Session};
use streamgauge::scenario::targets::TargetSpec;
use streamgauge::scenario::{Source, load};
use streamgauge::target::{Target, sdk};
use streamgauge::workload::Portion;
use tokio::sync::watch;

use crate::place::{Serve, Wanted, folder, results, scenario, start};
use crate::runs::has_stream;
use crate::support::folder::{agrees_with_itself, ledgers_balance};
use crate::support::turn::Turn;
use crate::support::{Ended, Run, open_folder, pause, program, signal, streamgauge};

/// A start that leaves the hosts some seconds, as RFC 3339 has it.
fn soon(seconds: u64) -> (Timestamp, String) {
    let start = Timestamp::from_secs(Clock::real().now().as_secs() + seconds);
    let text = jiff::Timestamp::from_second(start.as_secs() as i64).expect("a time of today");
    (start, text.to_string())
}

fn worker(files: &Path, scenario: &Path, url: &str, which: &str, at: &str) -> Child {
    let mut command = program();
    command.arg("run").arg(scenario);
    command.args([
        "--target",
        url,
        "--worker",
        which,
        "--start-at",
        at,
        "--out",
    ]);
    let out = files.join(which.replace('/', "of"));
    command.arg(out).spawn().expect("the program starts")
}

fn ended(child: Child) -> Ended {
    Ended::of(child.wait_with_output().expect("it ends"))
}

fn merge(files: &Path, folders: &[PathBuf]) -> Run {
    let folders = folders.iter().map(|folder| folder.as_os_str().to_owned());
    let mut arguments: Vec<OsString> = vec![
        "merge".into(),
        "--out".into(),
        files.join("merged").into_os_string(),
    ];
    arguments.extend(folders);
    results(streamgauge(arguments))
}

fn three() -> Wanted {
    Wanted {
        rate: "301/s",
        measure: "2s",
        producer: "workers = 2",
        ..Wanted::default()
    }
}

/// An exit code that a good run has, on a machine that may be too busy to tell.
fn is_good(ended: &Ended) -> bool {
    matches!(ended.code, Some(0 | 3))
}

#[test]
fn three_processes_make_one_run_whose_merged_accounts_are_whole() {
    let turn = Turn::alone();
    let (files, serve) = (folder(), Serve::start());
    let scenario = scenario(files.path(), three());
    let (_, at) = soon(8);
    let workers =
        ["1/3", "2/3", "3/3"].map(|which| worker(files.path(), &scenario, &serve.url, which, &at));
    let parts = workers.map(ended);
    for part in &parts {
        assert!(is_good(part), "{part:?}");
        assert!(
            part.stdout
                .contains("SLO: not judged, this is a part of a run"),
            "{}",
            part.stdout
        );
    }
    let folders = parts.map(|part| part.folder());
    drop(turn);
    let merged = merge(files.path(), &folders);
    assert!(is_good(&merged.ended), "{:?}", merged.ended);
    // 2.3 s of 301 a second: the last one is due at 2.299 s.
    let report = &merged.report;
    let sent = &report.ledger.producers["web"].total;
    assert_eq!((sent.intended, sent.acked), (693, 693), "{sent:?}");
    let read = &report.ledger.consumers["billing"].total;
    assert_eq!(
        [
            read.acked,
            read.delivered,
            read.deliveries,
            read.lost,
            read.foreign,
            read.corrupt
        ],
        [693, 693, 693, 0, 0, 0],
        "{read:?}"
    );
    let by_worker: Vec<_> = report
        .workers
        .iter()
        .map(|worker| worker.intended)
        .collect();
    // Two workers of 347 and 346 records, each divided by three.
    assert_eq!(by_worker, [232, 231, 230]);
    // One machine, one clock: no offset, within the bounds that were found.
    for worker in &report.workers {
        let [low, high] = worker.clock_offset_ms.expect("its probes came back");
        assert!(low <= 0.0 && 0.0 <= high, "{low} {high}");
    }
    let apart = report
        .instrument
        .clocks_apart_ms_max
        .expect("all are known");
    assert!(
        merged
            .ended
            .stdout
            .contains("end_to_end mixes the clocks of 3 hosts"),
        "{apart}"
    );
    agrees_with_itself(&merged);
    assert!(!has_stream(&serve.url), "worker 1 takes the stream away");
}

#[test]
fn ctrl_c_of_one_worker_is_told_by_the_merged_run_and_its_accounts_still_add_up() {
    let (files, serve) = (folder(), Serve::start());
    let scenario = scenario(files.path(), three());
    let (start, at) = soon(8);
    let [first, second, third] =
        ["1/3", "2/3", "3/3"].map(|which| worker(files.path(), &scenario, &serve.url, which, &at));
    open_folder(&files.path().join("3of3"));
    pause(
        start
            .plus(Duration::from_millis(1_200))
            .since(Clock::real().now()),
    );
    signal(&third, Signal::INT);
    let parts = [first, second, third].map(ended);
    assert_eq!(parts[2].code, Some(130), "{:?}", parts[2]);
    assert!(is_good(&parts[0]) && is_good(&parts[1]), "{parts:?}");
    let merged = merge(files.path(), &parts.map(|part| part.folder()));
    assert!(is_good(&merged.ended), "{:?}", merged.ended);
    let report = &merged.report;
    assert!(report.instrument.interrupted && report.workers[2].interrupted);
    assert!(!report.workers[0].interrupted);
    let reasons = &report.verdict.reasons;
    let told = reasons.iter().find(|reason| reason.code == "interrupted");
    assert!(
        told.is_some_and(|reason| reason.text.starts_with("worker 3: ")),
        "{reasons:?}"
    );
    let sent = &report.ledger.producers["web"].total;
    assert!(sent.intended < 693 && sent.acked > 500, "{sent:?}");
    let read = &report.ledger.consumers["billing"].total;
    assert_eq!(
        (read.acked, read.lost, read.unread),
        (sent.acked, 0, 0),
        "{read:?}"
    );
    ledgers_balance(&merged);
    // What is missing is named.
    let two = streamgauge([
        "merge",
        text(&files.path().join("1of3/latest")),
        text(&files.path().join("2of3/latest")),
    ]);
    assert_eq!(two.code, Some(2));
    assert!(two.stderr.contains("worker 3 is missing"), "{}", two.stderr);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

#[test]
fn a_worker_without_the_first_one_ends_before_it_sends() {
    let (files, serve) = (folder(), Serve::start());
    let path = scenario(files.path(), three());
    let (_, at) = soon(3);
    let alone = ended(worker(files.path(), &path, &serve.url, "2/3", &at));
    assert_eq!(alone.code, Some(4), "{alone:?}");
    assert!(
        alone
            .stderr
            .contains("worker 1 has not made the stream `orders`"),
        "{}",
        alone.stderr
    );
    // A stream of that name that another run has is not written to.
    let other = Wanted {
        measure: "8s",
        ..Wanted::default()
    };
    let others = folder();
    let mut running = start(others.path(), &scenario(others.path(), other), &serve.url);
    open_folder(&others.path().join("results"));
    let (_, at) = soon(4);
    let alone = ended(worker(files.path(), &path, &serve.url, "2/3", &at));
    assert_eq!(alone.code, Some(4), "{alone:?}");
    assert!(
        alone.stderr.contains("was not met in the stream `orders`"),
        "{}",
        alone.stderr
    );
    signal(&running, Signal::INT);
    running.wait().expect("it ends");
}

/// Two hosts in this process, the second one's clock set wrong by so much.
fn with_skew(url: &str, skew_ns: i64) -> Vec<Outcome> {
    let files = folder();
    let path = scenario(files.path(), three());
    let source = Source {
        path: "small.toml".to_owned(),
        text: std::fs::read_to_string(path).expect("it was just written"),
    };
    let loaded = load(&source, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let (start, _) = soon(6);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let sessions = [0, skew_ns].into_iter().zip(0..).map(|(skew_ns, index)| {
            let (scenario, url) = (loaded.scenario.clone(), url.to_owned());
            tokio::spawn(async move {
                let spec = TargetSpec::endpoint(&url).expect("a URL");
                let clock = Clock::real().skewed(skew_ns);
                let client = sdk::connect_by(&spec, clock)
                    .await
                    .expect("no account is needed");
                let meeting = scenario
                    .streams
                    .values()
                    .next()
                    .map(|stream| stream.name.clone());
                let session = Session {
                    scenario,
                    run: 77,
                    clock,
                    target: Target::Sdk(Arc::new(client)),
                    trace: None,
                    hosts: Some(Hosts {
                        portion: Portion::new(index, 2).expect("below"),
                        start,
                        meeting,
                    }),
                };
                let (_keep, cancel) = watch::channel(false);
                let controls = Controls {
                    cancel,
                    progress: Arc::new(Progress::default()),
                    started: Arc::new(watch::channel(None).0),
                };
                Box::pin(session.run(controls))
                    .await
                    .unwrap_or_else(|problem| panic!("{problem}"))
            })
        });
        let sessions: Vec<_> = sessions.collect();
        let mut outcomes = Vec::new();
        for session in sessions {
            outcomes.push(session.await.expect("it ends"));
        }
        outcomes
    })
}

#[test]
fn a_clock_that_is_80_ms_slow_is_found_within_the_bound_that_is_told() {
    let _turn = Turn::alone();
    let serve = Serve::start();
    let outcomes = with_skew(&serve.url, -80_000_000);
    let offset = |outcome: &Outcome| {
        let host = outcome.host.as_ref().expect("it is one of two");
        host.clock_offset_ns.expect("its probes came back")
    };
    for (outcome, truth_ns) in outcomes.iter().zip([0, 80_000_000]) {
        let (low, high) = offset(outcome);
        assert!(
            (low..=high).contains(&truth_ns),
            "{low} to {high} without {truth_ns}"
        );
        // Twice the resolution, and the fastest of twenty probes.
        assert!(high - low < 40_000_000, "{low} to {high}");
    }
}

#[test]
fn a_part_of_a_run_shows_what_its_clock_is_worth() {
    let (files, serve) = (folder(), Serve::start());
    let path = scenario(files.path(), three());
    let (_, at) = soon(4);
    let alone = ended(worker(files.path(), &path, &serve.url, "1/1", &at));
    assert!(is_good(&alone), "{alone:?}");
    assert!(
        alone
            .stdout
            .contains("the service's clock minus this host's is"),
        "{}",
        alone.stdout
    );
    let merged = merge(files.path(), &[alone.folder()]);
    let report: &Document = &merged.report;
    assert_eq!(report.workers.len(), 1);
    assert_eq!(report.ledger.producers["web"].total.acked, 693);
    agrees_with_itself(&merged);
}
