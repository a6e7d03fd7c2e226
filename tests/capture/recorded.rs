//! `capture` at a server that another process writes to.

use std::path::Path;

use streamgauge::trace::{Salt, read};

use crate::place::{Serve, folder};
use crate::support::{Ended, program, report_in};
use crate::writer;

fn capture(url: &str, out: &Path, more: &[&str]) -> Ended {
    let output = program()
        .args(["capture", "theirs", "--quiet", "--target", url, "--out"])
        .arg(out)
        .args(more)
        .output()
        .expect("the program starts");
    Ended::of(output)
}

#[test]
fn a_recording_of_a_live_stream_holds_its_shape_and_neither_its_keys_nor_its_data() {
    let (files, serve) = (folder(), Serve::start());
    writer::make_stream(&serve.url, 2);
    let writing = writer::start(files.path(), &serve.url, 9);
    let out = files.path().join("theirs.trace");
    let ended = capture(&serve.url, &out, &["--for", "3s", "--salt", "ours"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .stdout
            .trim_end()
            .ends_with(&format!("Trace: {}", out.display())),
        "{ended:?}"
    );
    writer::end(writing);
    let bytes = std::fs::read(&out).expect("it was written");
    let trace = read(&bytes).expect("it is whole");
    // A Poisson process of 400/s for 3 s; the writer may have begun a moment after the reader.
    let records = trace.header.records;
    assert!((500..=1_400).contains(&records), "{records}");
    assert!(bytes.len() as u64 <= 12 * records, "{} bytes", bytes.len());
    assert!(
        !bytes.windows(9).any(|window| window == b"customer-"),
        "a key is in it"
    );
    let hot = Salt::of(b"ours").id("customer-0");
    let is_hot = |key: &u32| trace.table[*key as usize].id == hot;
    let share = trace.keys.iter().filter(|key| is_hot(key)).count() as f64 / records as f64;
    assert!((share - 0.3333).abs() < 0.08, "{share}");

    let again = capture(&serve.url, &out, &["--for", "1s"]);
    assert_eq!(again.code, Some(2), "the file is there: {again:?}");
}

#[test]
fn a_recording_of_a_time_that_is_over_is_what_arrived_then_and_plays() {
    let (files, serve) = (folder(), Serve::start());
    writer::make_stream(&serve.url, 2);
    let written = writer::end(writer::start(files.path(), &serve.url, 3));
    let report = report_in(&written.folder());
    let from = report.instrument.started.clone();
    let out = files.path().join("theirs.trace");
    let ended = capture(
        &serve.url,
        &out,
        &["--for", "30s", "--from", &from, "--json"],
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let trace = read(&std::fs::read(&out).expect("it was written")).expect("it is whole");
    let ledger = &report.ledger.producers["app"].total;
    assert_eq!(trace.header.records, ledger.acked);
    assert_eq!(trace.header.bytes, ledger.acked_bytes);
    let text = r#"schema = 1
name = "play"
time = { warm_up = "0s", measure = "4s" }
[streams.orders]
shards = 2
[producers.player]
arrival = { kind = "trace", file = "theirs.trace" }
keys = { kind = "trace", file = "theirs.trace" }
size = { kind = "trace", file = "theirs.trace" }
"#;
    let path = files.path().join("play.toml");
    std::fs::write(
        &path,
        text.replace("size =", "payload = { stamp = \"none\" }\nsize ="),
    )
    .expect("the folder is there");
    let simulated = program()
        .arg("simulate")
        .arg(&path)
        .arg("--out")
        .arg(files.path().join("played"))
        .output()
        .expect("the program starts");
    let simulated = Ended::of(simulated);
    let played = report_in(&simulated.folder());
    assert_eq!(played.ledger.producers["player"].total.acked, ledger.acked);
    assert_eq!(
        played.ledger.producers["player"].total.acked_bytes,
        ledger.acked_bytes
    );
    for (one, other) in report.shards.iter().zip(&played.shards) {
        assert_eq!(one.totals.acked, other.totals.acked, "{one:?}");
        assert_eq!(one.totals.acked_bytes, other.totals.acked_bytes);
    }
}

#[test]
fn a_fan_out_consumer_records_what_a_polling_one_does() {
    let (files, serve) = (folder(), Serve::start());
    writer::make_stream(&serve.url, 2);
    let written = writer::end(writer::start(files.path(), &serve.url, 2));
    let from = report_in(&written.folder()).instrument.started;
    let more = ["--for", "20s", "--salt", "ours", "--from", &from];
    let recorded = |name: &str, kind: &[&str]| {
        let out = files.path().join(name);
        let ended = capture(&serve.url, &out, &[&more[..], kind].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        read(&std::fs::read(&out).expect("it was written")).expect("it is whole")
    };
    let (polled, pushed) = (recorded("polled", &[]), recorded("pushed", &["--fan-out"]));
    assert!(polled.header.records > 500);
    assert_eq!(polled.times_ms, pushed.times_ms);
    assert_eq!(polled.header.keys, pushed.header.keys);
    assert_eq!(polled.header.bytes, pushed.header.bytes);
}

#[test]
fn a_stream_to_which_nothing_came_gives_no_recording() {
    let (files, serve) = (folder(), Serve::start());
    writer::make_stream(&serve.url, 1);
    let out = files.path().join("theirs.trace");
    let ended = capture(&serve.url, &out, &["--for", "1s"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let told = "nothing arrived in `theirs` in 1s";
    assert!(ended.stderr.contains(told), "{ended:?}");
    assert_eq!(ended.stdout, "");
    let left = std::fs::read_dir(files.path()).expect("the folder is there");
    assert_eq!(left.count(), 0);
}

#[test]
fn a_recording_needs_a_stream_that_others_write() {
    let (files, serve) = (folder(), Serve::start());
    let out = files.path().join("theirs.trace");
    let missing = capture(&serve.url, &out, &["--for", "1s"]);
    assert!(missing.stderr.contains("make it first"), "{missing:?}");
    assert_eq!(missing.code, Some(4), "{missing:?}");
    assert!(
        missing.stderr.contains("the target has no stream `theirs`"),
        "{missing:?}"
    );
    let here = capture("embedded", &out, &["--for", "1s"]);
    assert_eq!(here.code, Some(2));
    assert!(
        here.stderr
            .contains("nobody writes to the engine in this process"),
        "{here:?}"
    );
    for wrong in [
        &["--for", "0s"][..],
        &["--for", "1s", "--from", "yesterday"],
    ] {
        assert_eq!(capture(&serve.url, &out, wrong).code, Some(2), "{wrong:?}");
    }
    assert_eq!(
        std::fs::read_dir(files.path()).expect("a folder").count(),
        0
    );
}
