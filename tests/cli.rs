//! The command line: help, mistakes, exit codes, interruption, places that cannot be written.

mod support;

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use streamgauge::measure::Status;
use streamgauge::report::json;
use support::folder::{ledgers_balance, names};
use support::turn::Turn;
use support::{
    Ended, Run, open_folder, pause, program, report_in, shipped, signal, simulate, streamgauge,
    wait_for,
};
use tempfile::TempDir;

fn out() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// The text of first-run with one piece of it changed.
fn changed(from: &str, to: &str) -> Vec<u8> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(shipped("first-run")));
    let text = text.expect("it is shipped");
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn every_command_has_a_manual_page_with_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let ended = streamgauge(["man", "--out", pages.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let program = std::fs::read_to_string(pages.join("streamgauge.1")).unwrap();
    let named: Vec<_> = program.split("streamgauge\\-").skip(1).collect();
    assert!(named.len() > 10, "{program}");
    for page in named {
        let name: String = page.chars().take_while(char::is_ascii_lowercase).collect();
        let written = pages.join(format!("streamgauge-{name}.1"));
        let written =
            std::fs::read_to_string(&written).unwrap_or_else(|error| panic!("{name}: {error}"));
        let printed = streamgauge(["man", &name]);
        assert_eq!(printed.stdout, written, "{name}");
    }
    let run = std::fs::read_to_string(pages.join("streamgauge-run.1")).unwrap();
    assert!(run.contains("\\-\\-live"), "{run}");
    let ended = streamgauge(["man", "walk"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("no command `walk`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_help_of_every_command_shows_an_example() {
    for command in [
        "run",
        "simulate",
        "merge",
        "compare",
        "gate",
        "calibrate",
        "check",
        "capture",
        "explain",
        "decode",
        "iam",
        "sweep",
        "report",
        "completions",
        "man",
        "schema",
    ] {
        let ended = streamgauge([command, "--help"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        let example = format!("Example: streamgauge {command}");
        assert!(ended.stdout.contains(&example), "{}", ended.stdout);
        let all = streamgauge(["--help"]);
        assert_eq!((all.code, all.stderr.as_str()), (Some(0), ""));
        assert!(
            all.stdout.contains(&format!("\n  {command} ")),
            "{}",
            all.stdout
        );
    }
}

#[test]
fn the_examples_in_the_help_are_taken_by_the_commands() {
    for command in [
        "run", "simulate", "check", "explain", "decode", "iam", "schema",
    ] {
        let help = streamgauge([command, "--help"]).stdout;
        let example = help
            .lines()
            .find_map(|line| line.strip_prefix("Example: streamgauge "));
        let words = example
            .expect("there is one")
            .split('>')
            .next()
            .unwrap_or_default();
        let mut words: Vec<_> = words.split_whitespace().collect();
        // What it would do takes long; that it is understood is seen from `check`.
        if ["run", "simulate"].contains(&command) {
            words[0] = "check";
        }
        let ended = streamgauge(&words);
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{words:?}"
        );
    }
}

#[test]
fn calibrate_tells_the_clock_and_how_late_each_rate_is_alone_and_beside_the_engine() {
    let ended = streamgauge(["calibrate", "--seconds", "0.1", "--json"]);
    assert_eq!(ended.stderr, "");
    let found: Value = serde_json::from_str(&ended.stdout).expect("it prints JSON");
    assert_eq!(found["basis"], "measured");
    assert!(found["clock_step_ns"].as_u64().expect("nanoseconds") > 0);
    let rates = found["rates"].as_array().expect("a list");
    assert!(!rates.is_empty());
    let mut before = 0;
    for rate in rates {
        let records_per_s = rate["records_per_s"].as_u64().expect("a rate");
        assert!(records_per_s > before);
        before = records_per_s;
        for place in ["alone", "beside_engine"] {
            let of = |figure: &str| rate[place][figure].as_u64().expect("a number");
            assert_eq!(of("records"), records_per_s / 10, "{place}: {rate}");
            assert!(of("p50_us") <= of("p99_us") && of("p99_us") <= of("max_us"));
        }
        let is_told = !rate["reasons"].as_array().expect("a list").is_empty();
        assert!(is_told || rate["verdict"] == "VALID", "{rate}");
    }
    // Whether any rate is VALID is the host's; the exit code says the same as the figure.
    let is_valid = rates[0]["verdict"] == "VALID";
    assert_eq!(found["valid_up_to_records_per_s"].is_u64(), is_valid);
    assert_eq!(ended.code, Some(if is_valid { 0 } else { 3 }));
}

#[test]
fn calibrate_refuses_no_time_and_a_year() {
    for seconds in ["0", "31536000", "soon"] {
        let ended = streamgauge(["calibrate", "--seconds", seconds]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(ended.stderr.contains("0.1 to 3600"), "{}", ended.stderr);
    }
}

#[test]
fn precise_pacing_is_refused_where_processors_are_too_few_or_time_is_virtual() {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = format!("producers.web.workers={cpus}");
    let needed = format!("{} in all", cpus + 1);
    let scenario = shipped("first-run");
    for (more, part) in [
        (&["--set", &workers][..], needed.as_str()),
        (&["--target", "simulated"], "virtual time"),
    ] {
        let ended = streamgauge([&["run", &scenario, "--precise"], more].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        for part in ["`--precise`", part] {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
    }
    if cpus > 1 {
        let out = out();
        let short = ["--set", "time.warm_up=0s", "--set", "time.measure=1s"];
        let run = ["run", &scenario, "--precise", "--json", "--quiet", "--out"];
        let ended = streamgauge([&run[..], &[text(out.path())], &short].concat());
        let report: Value = serde_json::from_str(&ended.stdout).expect("it prints JSON");
        let total = &report["ledger"]["producers"]["web"]["total"];
        assert_eq!(
            (&total["intended"], &total["acked"]),
            (&1_000.into(), &1_000.into())
        );
    }
}

#[test]
fn a_client_of_endpoints_is_refused_where_the_target_is_in_this_process() {
    let scenario = shipped("first-run");
    for client in ["lean", "lean-cbor", "lean-h2", "lean-cbor-h2"] {
        for target in ["embedded", "simulated"] {
            let ended = streamgauge(["run", &scenario, "--client", client, "--target", target]);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
            let (client, target) = (format!("`--client {client}`"), format!("`{target}`"));
            for part in [
                client.as_str(),
                &target,
                "in this process",
                "`--target URL`",
            ] {
                assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
            }
        }
    }
}

#[test]
fn a_wrong_command_line_says_what_is_wrong_and_where_help_is() {
    for (arguments, parts) in [
        (&["rnu"][..], &["'rnu'", "--help"][..]),
        (&["run"], &["<SCENARIO>", "--help"]),
        (&["run", "--sed", "3", "x"], &["'--sed'", "'--seed'"]),
        (&["run", "x", "--repeat", "0"], &["--repeat", "1..=10000"]),
        (&["run", "x", "--seed", "many"], &["'many'", "--seed"]),
        (
            &["run", "x", "--target", "moon"],
            &["`--target moon`", "`embedded`"],
        ),
        (&["simulate", "x", "--target", "embedded"], &["--target"]),
        (
            &["check", "scenarios/first-run.toml", "--set", "seed"],
            &["`seed`", "PATH=VALUE"],
        ),
        (
            &[
                "check",
                "scenarios/first-run.toml",
                "--set",
                "time.measrue=3s",
            ],
            &["measrue", "measure"],
        ),
        (&["schema", "x"], &["'x'"]),
    ] {
        let ended = streamgauge(arguments);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        for part in parts {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_worker_that_cannot_be_one_is_refused_before_anything_is_sent() {
    let first_run = &shipped("first-run");
    let at = "http://127.0.0.1:9";
    let run = |more: &[&str]| {
        let arguments = [&["run", first_run.as_str()], more].concat();
        streamgauge(arguments)
    };
    for (more, parts) in [
        (&["--worker", "1/2"][..], &["--start-at"][..]),
        (&["--start-at", "+9s"], &["--worker"]),
        (&["--run", "0badcafe"], &["--worker"]),
        (&["--worker", "3/2", "--start-at", "+9s"], &["I/N", "2/3"]),
        (&["--worker", "0/2", "--start-at", "+9s"], &["I/N"]),
        (
            &["--worker", "1/2", "--start-at", "+9s", "--run", "mine"],
            &["eight hexadecimal digits"],
        ),
        (
            &["--worker", "1/2", "--start-at", "soon"],
            &["`--start-at soon`", "2026-11-23T12:00:00Z", "+30s"],
        ),
        (
            &["--worker", "1/2", "--start-at", "2001-02-03T04:05:06Z"],
            &["passed", "a later time"],
        ),
        (
            &["--worker", "1/2", "--start-at", "+9s"],
            &["`embedded`", "in this process", "--target"],
        ),
        (
            &[
                "--worker",
                "1/2",
                "--start-at",
                "+9s",
                "--target",
                at,
                "--repeat",
                "2",
            ],
            &["one run of one scenario"],
        ),
        (
            &[
                "--worker",
                "1/3",
                "--start-at",
                "+9s",
                "--target",
                at,
                "--set",
                "producers.web.send.ordering=per-key",
            ],
            &["`producers.web`", "per-key", "`producers.web.workers` to 3"],
        ),
    ] {
        let ended = run(more);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{more:?}"
        );
        for part in parts {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
    }
}

#[test]
fn folders_that_are_no_parts_of_a_run_are_not_merged() {
    let folder = out();
    let nowhere = folder.path().join("nowhere");
    let ended = streamgauge(["merge", text(&nowhere)]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(
        ended.stderr.contains("nowhere/report.json"),
        "{}",
        ended.stderr
    );
    let run = simulate(folder.path(), &shipped("first-run"), &[]);
    let ended = streamgauge(["merge", text(&run.folder)]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(
        ended.stderr.contains("no worker's part"),
        "{}",
        ended.stderr
    );
    assert_eq!(streamgauge(["merge"]).code, Some(2));
}

#[test]
fn a_wrong_scenario_is_shown_with_its_line_and_what_is_accepted() {
    let folder = out();
    let mut not_utf8 = changed("", "");
    not_utf8.extend(b"# \xff\n");
    let lines = not_utf8.split(|&byte| byte == b'\n').count() - 1;
    let not_utf8_parts = [format!("line {lines}"), "save the file as UTF-8".to_owned()];
    let cases: [(&str, Vec<u8>, Vec<&str>); 6] = [
        (
            "unknown",
            changed("linger =", "lingre ="),
            vec!["unknown.toml:23", "lingre", "linger"],
        ),
        (
            "unit",
            changed("measure = \"5s\"", "measure = \"5\""),
            vec!["unit.toml:13", "`5`", "\"10s\""],
        ),
        (
            "zero",
            changed("shards = 2", "shards = 0"),
            vec!["zero.toml:17", "shards", "1"],
        ),
        (
            "missing",
            changed(
                "kind = \"constant\", rate = \"1000/s\"",
                "kind = \"constant\"",
            ),
            vec!["missing.toml:20", "rate"],
        ),
        ("toml", changed("[time]", "[time"), vec!["toml.toml:11"]),
        (
            "bytes",
            not_utf8,
            not_utf8_parts.iter().map(String::as_str).collect(),
        ),
    ];
    for (name, content, parts) in cases {
        let path = folder.path().join(format!("{name}.toml"));
        fs::write(&path, content).expect("there is room");
        assert_is_refused(&path, &parts);
    }
    assert_is_refused(&folder.path().join("absent.toml"), &["No such file"]);
    assert_is_refused(folder.path(), &["directory"]);
}

/// All commands refuse the scenario in the same way, before they begin anything.
fn assert_is_refused(path: &Path, parts: &[&str]) {
    let results = path.with_extension("results");
    for arguments in [
        &["check", text(path)][..],
        &["check", "--json", text(path)],
        &["run", text(path), "--out", text(&results)],
        &["simulate", text(path), "--out", text(&results)],
        // The others before it are not run either.
        &[
            "simulate",
            "scenarios/first-run.toml",
            text(path),
            "--out",
            text(&results),
        ],
    ] {
        let ended = streamgauge(arguments);
        assert_eq!(ended.code, Some(2), "{ended:#?}");
        let nothing = if arguments[1] == "--json" { "[]\n" } else { "" };
        assert_eq!(ended.stdout, nothing, "{arguments:?}");
        assert!(ended.stderr.contains(text(path)), "{}", ended.stderr);
        for part in parts {
            assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
        }
        assert!(!results.exists());
    }
}

#[test]
fn a_results_folder_that_cannot_be_made_ends_the_command_before_the_run() {
    let folder = out();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("there is room");
    let below = file.join("results");
    let ended = streamgauge(["run", &shipped("first-run"), "--out", text(&below)]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains(text(&file)), "{}", ended.stderr);
    assert!(ended.stderr.contains("--out DIR"), "{}", ended.stderr);
}

/// A long run in real time that is under way.
fn begun(out: &Path) -> Child {
    // Little memory: a run touches what it will need before it begins, and ten minutes would need much.
    let long = [
        "--set",
        "time.measure=10m",
        "--set",
        "engine.max_memory=16MiB",
    ];
    let child = program()
        .args(["run", &shipped("first-run"), "--out", text(out)])
        .args(long)
        .spawn();
    child.expect("the program starts")
}

#[test]
fn a_full_disk_costs_only_the_file_that_did_not_fit() {
    let _turn = Turn::beside_others();
    let out = out();
    let child = begun(out.path());
    let folder = open_folder(out.path());
    // The device that is always full stands where the report is going to be written.
    let full = Path::new("/dev/full");
    assert!(full.exists());
    std::os::unix::fs::symlink(full, folder.join(".report.json.unfinished")).expect("it is free");
    pause(Duration::from_secs(2));
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    // That something is missing from the results is graver than the interruption.
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    let report = folder.join("report.json");
    assert!(ended.stderr.contains(text(&report)), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("the disk is full"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    let names = names(&folder);
    for name in [
        "run.hlog",
        "intervals.csv",
        "integrity.bin",
        "scenario.toml",
        "command.txt",
    ] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
    assert!(!report.exists() && !folder.join(".report.json.unfinished").exists());
    assert_eq!(ended.folder(), folder);
}

#[test]
fn a_file_size_limit_costs_only_the_files_above_it() {
    let (free, limited) = (out(), out());
    let scenario = shipped("reshard-under-load");
    let whole = simulate(free.path(), &scenario, &[]);
    // 8 blocks of 512 or 1,024 bytes, as the shell counts them: less than the report, more than the scenario.
    let limit = "ulimit -f 8 && exec \"$0\" \"$@\"";
    let program = program();
    let output = std::process::Command::new("sh")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-c", limit])
        .arg(program.get_program())
        .args(["simulate", &scenario, "--out", text(limited.path())])
        .output();
    let ended = Ended::of(output.expect("there is a shell"));
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    let folder = ended.folder();
    assert!(
        ended.stderr.contains(text(&folder.join("report.json"))),
        "{}",
        ended.stderr
    );
    let mut kept = 0;
    for name in names(&whole.folder) {
        let path = folder.join(&name);
        if ended.stderr.contains(&format!("`{}`", path.display())) {
            assert!(!path.exists(), "{name} is whole or not there");
        } else if name != "command.txt" {
            let same = fs::read(&path).ok() == fs::read(whole.folder.join(&name)).ok();
            assert!(same, "{name}");
            kept += 1;
        }
    }
    assert!(kept >= 3, "{}", ended.stderr);
}

#[test]
fn a_summary_that_cannot_be_printed_is_told_and_a_reader_that_left_is_not() {
    let out = out();
    let scenario = shipped("first-run");
    for arguments in [
        &["schema"][..],
        &["check", &scenario],
        &["simulate", &scenario, "--out", text(out.path())],
    ] {
        let full = fs::File::create("/dev/full").expect("it is there");
        let child = program()
            .args(arguments)
            .stdout(full)
            .spawn()
            .expect("it starts");
        let ended = Ended::of(child.wait_with_output().expect("it ends"));
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.stderr.contains("standard output"), "{}", ended.stderr);
        let mut child = program().args(arguments).spawn().expect("it starts");
        drop(child.stdout.take());
        let ended = Ended::of(child.wait_with_output().expect("it ends"));
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}

/// The results of an interrupted run are those of a run, and say that it was interrupted. Whether there are records.
fn is_whole_and_says_so(ended: Ended) -> bool {
    assert_eq!(ended.code, Some(130), "{ended:#?}");
    assert_eq!(ended.stderr, "");
    assert!(
        ended.stdout.contains("The run was ended early"),
        "{}",
        ended.stdout
    );
    let folder = ended.folder();
    let run = Run {
        report: report_in(&folder),
        folder,
        ended,
    };
    assert!(run.report.instrument.interrupted);
    assert!(run.report.instrument.measure_s < 600.0);
    let ledger = run.report.ledger.producers["web"].total;
    // What waited was not sent; what was under way is unknown. Nothing else may have become of these records.
    assert_eq!((ledger.throttled, ledger.failed), (0, 0));
    ledgers_balance(&run);
    support::folder::agrees_with_itself(&run);
    let read = run.report.ledger.consumers["billing"].total;
    assert_eq!((read.lost, read.corrupt, read.out_of_order), (0, 0, 0));
    ledger.intended > 0
}

fn a_signal_ends_a_run_with_its_results(sent: Signal) {
    let _turn = Turn::beside_others();
    // On a very busy machine nothing may be sent yet after 3 s: then the signal comes later.
    for wait_s in [3, 10, 30] {
        let out = out();
        let child = begun(out.path());
        let folder = open_folder(out.path());
        pause(Duration::from_secs(wait_s));
        signal(&child, sent);
        let ended = Ended::of(child.wait_with_output().expect("it ends"));
        assert_eq!(ended.folder(), folder);
        if is_whole_and_says_so(ended) {
            return;
        }
    }
    panic!("nothing was sent within 30 s");
}

#[test]
fn sigint_ends_a_run_early_with_complete_results() {
    a_signal_ends_a_run_with_its_results(Signal::INT);
}

#[test]
fn sigterm_ends_a_run_early_with_complete_results() {
    a_signal_ends_a_run_with_its_results(Signal::TERM);
}

#[test]
fn a_simulation_is_interrupted_like_a_run() {
    let _turn = Turn::beside_others();
    let out = out();
    // Far more than can be simulated before the signal comes.
    let child = program()
        .args(["simulate", &shipped("first-run"), "--out", text(out.path())])
        .args([
            "--set",
            "time.measure=500h",
            "--set",
            "engine.max_memory=16MiB",
        ])
        .spawn()
        .expect("the program starts");
    open_folder(out.path());
    pause(Duration::from_secs(1));
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{ended:#?}");
    let report = report_in(&ended.folder());
    assert!(report.instrument.interrupted);
    let ledger = report.ledger.producers["web"].total;
    assert!(ledger.balances() && ledger.intended > 0, "{ledger:#?}");
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let _turn = Turn::beside_others();
    let out = out();
    // More than a pipe holds, and nobody reads it: left to itself the process would wait for ever.
    let mut child = program()
        .args([
            "simulate",
            &shipped("first-run"),
            "--json",
            "--out",
            text(out.path()),
        ])
        .args(["--set", "streams.orders.shards=1000"])
        .spawn()
        .expect("the program starts");
    wait_for("the results", || {
        out.path().join("latest").exists().then_some(())
    });
    signal(&child, Signal::TERM);
    pause(Duration::from_millis(500));
    assert!(
        child.try_wait().expect("it is ours").is_none(),
        "one signal waits for the reader"
    );
    // Signals of one kind that come together are one, so a busy machine may need more than a second one.
    let status = wait_for("the second signal to be heard", || {
        signal(&child, Signal::INT);
        pause(Duration::from_millis(200));
        child.try_wait().expect("it is ours")
    });
    assert_eq!(status.code(), Some(130));
    let report = report_in(&out.path().join("latest"));
    assert_eq!(
        report.shards.len(),
        1_000,
        "the results were complete before"
    );
}

#[test]
fn json_prints_the_report_and_nothing_else() {
    let out = out();
    let ended = streamgauge([
        "simulate",
        &shipped("first-run"),
        "--json",
        "--out",
        text(out.path()),
    ]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let written = fs::read_to_string(out.path().join("latest/report.json"));
    assert_eq!(ended.stdout, written.expect("it is there"));
    assert!(json::read(ended.stdout.as_bytes()).is_ok());
}

#[test]
fn the_last_line_names_the_results_folder_and_latest_points_to_the_newest() {
    let out = out();
    let first = simulate(out.path(), &shipped("first-run"), &[]);
    let latest = || fs::canonicalize(out.path().join("latest")).expect("it points somewhere");
    let real = |path: &Path| fs::canonicalize(path).expect("it is there");
    assert_eq!(latest(), real(&first.folder));
    let second = simulate(out.path(), &shipped("throttle-edge"), &[]);
    assert_ne!(first.folder, second.folder);
    assert_eq!(latest(), real(&second.folder));
    assert!(
        first.folder.join("report.json").exists(),
        "the older one is left alone"
    );
    let stem = second
        .folder
        .file_name()
        .expect("it has a name")
        .to_str()
        .expect("plain");
    assert!(stem.ends_with("-throttle-edge"), "{stem}");
}

/// Settings of first-run whose reader is overtaken by the memory limit: DEGRADED in every world.
const OUTRUN: [&str; 4] = [
    "--set",
    "engine.max_memory=1MiB",
    "--set",
    "consumers.billing.interval=2s",
];

#[test]
fn strict_takes_a_degraded_measurement_for_a_void_one() {
    let out = out();
    // Without SLOs: what is asked about here is the measurement alone.
    let scenario = out.path().join("outrun.toml");
    let text_of = String::from_utf8(changed("", "")).expect("it is text");
    let (body, _) = text_of.split_once("[slo]").expect("it has SLOs");
    fs::write(&scenario, body).expect("there is room");
    let run = simulate(out.path(), text(&scenario), &OUTRUN);
    assert_eq!(
        run.report.verdict.status,
        Status::Degraded,
        "{:?}",
        run.report.verdict
    );
    assert_eq!(run.ended.code, Some(0));
    let strict = simulate(
        out.path(),
        text(&scenario),
        &[&OUTRUN[..], &["--strict"]].concat(),
    );
    assert_eq!(strict.ended.code, Some(3));
    let valid = simulate(out.path(), &shipped("first-run"), &["--strict"]);
    assert_eq!(valid.ended.code, Some(0));
}

#[test]
fn of_several_scenarios_the_gravest_ending_is_the_exit_code() {
    let out = out();
    let write = |name: &str, content: &[u8]| {
        let path = out.path().join(format!("{name}.toml"));
        fs::write(&path, content).expect("there is room");
        text(&path).to_owned()
    };
    let yes = shipped("first-run");
    let no = shipped("hot-key");
    // An event that the target refuses makes a run void.
    let event = "[events.merge]\nat = \"measure+1s\"\ndo = \"merge-shards\"\nshard = \"shardId-000000000001\"\n\n[slo]";
    let void = write("void", &changed("[slo]", event));
    let wrong = write("wrong", &changed("shards = 2", "shards = 0"));
    for (scenarios, code) in [
        (vec![&yes], 0),
        (vec![&no], 1),
        (vec![&void], 3),
        (vec![&wrong], 2),
        (vec![&no, &yes], 1),
        (vec![&yes, &no], 1),
        (vec![&void, &no, &yes], 3),
        (vec![&yes, &void, &no], 3),
        (vec![&void, &wrong], 2),
    ] {
        let arguments = ["simulate", "--out", text(out.path())];
        let all = arguments
            .into_iter()
            .chain(scenarios.iter().map(|path| path.as_str()));
        let ended = streamgauge(all);
        assert_eq!(ended.code, Some(code), "{scenarios:?}: {}", ended.stderr);
        let runs = ended
            .stdout
            .lines()
            .filter(|line| line.starts_with("Results: "))
            .count();
        let expected = if code == 2 { 0 } else { scenarios.len() };
        assert_eq!(runs, expected, "{scenarios:?}");
    }
    // Nobody is there to begin with.
    let nobody = [
        "run",
        "--target",
        "http://127.0.0.1:9",
        "--out",
        text(out.path()),
    ];
    for (scenarios, code) in [(vec![&yes, &no], 4), (vec![&yes, &wrong], 2)] {
        let scenarios = scenarios.into_iter().map(String::as_str);
        let ended = streamgauge(nobody.into_iter().chain(scenarios));
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    }
}

#[test]
fn schema_prints_a_json_schema_that_accepts_the_shipped_scenarios() {
    let ended = streamgauge(["schema"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let schema: Value = serde_json::from_str(&ended.stdout).expect("it prints JSON");
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let mut accepted = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"))
        .expect("it is shipped")
    {
        let path = entry.expect("it can be read").path();
        let table: toml::Table = fs::read_to_string(&path)
            .expect("text")
            .parse()
            .expect("TOML");
        let instance = serde_json::to_value(table).expect("TOML without times is JSON");
        assert!(validator.is_valid(&instance), "{}", path.display());
        accepted += 1;
    }
    assert!(accepted >= 5);
    assert!(!validator.is_valid(&serde_json::json!({"schema": 1, "name": "empty"})));
}

#[test]
fn check_prints_the_settings_the_forecast_and_valid() {
    for name in [
        "first-run",
        "hot-key",
        "throttle-edge",
        "reshard-under-load",
        "max-throughput",
    ] {
        let ended = streamgauge(["check", &shipped(name)]);
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{name}");
        assert!(
            ended.stdout.contains("Forecast for `orders`"),
            "{}",
            ended.stdout
        );
        assert!(ended.stdout.contains("default"), "{}", ended.stdout);
        assert!(ended.stdout.ends_with("\nvalid\n"), "{}", ended.stdout);
    }
    let hot = streamgauge(["check", &shipped("hot-key")]).stdout;
    assert!(hot.contains("write-records"), "{hot}");
}

#[test]
fn check_forecasts_for_the_four_shards_of_an_on_demand_stream_and_says_so() {
    let first_run = shipped("first-run");
    let on_demand = [
        "check",
        &first_run,
        "--set",
        "streams.orders={ mode = \"on-demand\" }",
    ];
    let said = streamgauge(on_demand).stdout;
    assert!(
        said.contains("`orders` is on-demand: this is for the 4 shards that it begins with."),
        "{said}"
    );
    assert!(
        said.contains("GB in") && !said.contains("on-demand instead"),
        "{said}"
    );
    assert!(said.contains("provisioned instead: 0.0151 USD"), "{said}");
    assert!(
        said.contains("orders: 1 shard for the forecast's peak of 1,000 records/s"),
        "{said}"
    );
    let provisioned = streamgauge(["check", &first_run]).stdout;
    assert!(!provisioned.contains("is on-demand"), "{provisioned}");
    assert!(
        provisioned.contains("Cost on AWS if in us-east-1, at most"),
        "{provisioned}"
    );
    assert!(
        provisioned.contains("on-demand instead: ") && !provisioned.contains("provisioned instead"),
        "{provisioned}"
    );
    let json = streamgauge(on_demand.into_iter().chain(["--json"])).stdout;
    let checked: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let forecast = &checked[0]["forecast"][0];
    assert_eq!(forecast["on_demand"], true);
    assert_eq!(checked[0]["cost_provisioned"]["streams"][0]["shards"], 1);
    assert_eq!(forecast["shards"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_sequence_number_is_taken_apart_and_what_is_none_is_refused() {
    let ended = streamgauge([
        "decode",
        "49669222159341736596053682752517603209572561131638095922",
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for part in [
        "shardId-000000000003",
        "2025-11-23T00:00:00Z",
        "2025-11-23T00:01:40Z",
        "42",
    ] {
        assert!(ended.stdout.contains(part), "{}", ended.stdout);
    }
    for wrong in [
        "12",
        "x",
        "049669222159341736596053682752517603209572561131638095922",
    ] {
        let ended = streamgauge(["decode", wrong]);
        assert_eq!(ended.code, Some(2));
        assert!(
            ended.stdout.is_empty() && ended.stderr.starts_with("error: "),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_key_is_placed_where_check_places_it() {
    let ended = streamgauge([
        "explain", "key-0", "--shards", "4", "--rate", "960/s", "--json",
    ]);
    let explained: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let checked = streamgauge(["check", "scenarios/hot-key.toml", "--json"]);
    let checked: serde_json::Value = serde_json::from_str(&checked.stdout).expect("JSON");
    assert_eq!(
        explained["shard"],
        checked[0]["forecast"][0]["heaviest_keys"][0]["shard"]
    );
    assert_eq!(explained["load"]["of_record_limit"], 0.96);
}

/// A scenario of 10 s that plays 200 records of `../traces/orders.csv`, which end after 4 s, with keys of `keys.csv` and of
/// another file of that name.
fn with_files(folder: &Path) -> String {
    let (scenarios, traces) = (folder.join("scenarios"), folder.join("traces"));
    let rows: Vec<_> = (0..=200)
        .map(|row| format!("{},{}\n", f64::from(row) / 50.0, 100 + row))
        .collect();
    let rows = rows.concat();
    let files = [
        (traces.join("orders.csv"), format!("time,size\n{rows}")),
        (traces.join("keys.csv"), "key,weight\na,1\nb,3\n".to_owned()),
        (
            scenarios.join("keys.csv"),
            "key,weight\nc,1\nd,3\n".to_owned(),
        ),
        (
            scenarios.join("template.json"),
            r#"{"at": "${time}", "n": 1.0}"#.to_owned(),
        ),
        (
            scenarios.join("named.toml"),
            r#"
            schema = 1
            name = "named"
            time = { warm_up = "0s", measure = "10s", drain = "5s" }
            [streams.orders]
            shards = 2
            [producers.replay]
            arrival = { kind = "trace", file = "../traces/orders.csv" }
            keys = { kind = "weighted", file = "../traces/keys.csv" }
            size = { kind = "trace", file = "../traces/orders.csv" }
            [producers.web]
            arrival = { kind = "poisson", rate = "20/s" }
            keys = { kind = "weighted", file = "keys.csv" }
            payload = { kind = "json", file = "template.json" }
            [consumers.all]
            kind = "polling"
            "#
            .to_owned(),
        ),
    ];
    for (path, content) in files {
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("there is room");
        fs::write(path, content).expect("there is room");
    }
    text(&scenarios.join("named.toml")).to_owned()
}

#[test]
fn a_results_folder_repeats_its_run_without_the_files_that_the_scenario_named() {
    let (files, out) = (out(), out());
    let first = simulate(out.path(), &with_files(files.path()), &[]);
    drop(files);
    let kept = names(&first.folder.join("files"));
    let expected = ["2-keys.csv", "keys.csv", "orders.csv", "template.json"];
    assert!(kept.iter().eq(expected), "{kept:?}");
    let again = text(&first.folder.join("scenario.toml")).to_owned();
    let second = simulate(out.path(), &again, &[]);
    // A simulated report is a function of the records: all of it but what says when it was written.
    for name in [
        "intervals.csv",
        "report.json",
        "files.json",
        "files/orders.csv",
    ] {
        let [first, second] = [&first, &second].map(|run| fs::read(run.folder.join(name)));
        assert!(
            first.expect("it is kept") == second.expect("it is kept"),
            "{name}"
        );
    }
    // What was changed since is no longer the run's.
    fs::write(first.folder.join("files/keys.csv"), "key,weight\nx,1\n").expect("there is room");
    let refused = streamgauge(["check", &again]);
    assert_eq!(refused.code, Some(2));
    for part in ["it is another than it was", "19 bytes with the SHA-256"] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
}

#[test]
fn a_recording_that_ends_before_the_load_does_is_told_before_and_after_the_run() {
    let (files, out) = (out(), out());
    let scenario = with_files(files.path());
    let told = "the recording that `producers.replay` plays ends 4.000 s after the start of a load of 10 s, 40.0 % of it";
    let checked = streamgauge(["check", &scenario]).stdout;
    assert!(checked.contains(told), "{checked}");
    let run = simulate(out.path(), &scenario, &[]);
    let reasons = &run.report.verdict.reasons;
    assert!(
        reasons.iter().any(|reason| reason.text.contains(told)),
        "{reasons:?}"
    );
    assert_eq!(run.report.verdict.status, Status::Valid);
    let whole = ["--set", "time.measure=4s"];
    let run = simulate(out.path(), &scenario, &whole);
    assert!(
        run.report.verdict.reasons.is_empty(),
        "{:?}",
        run.report.verdict
    );
}
