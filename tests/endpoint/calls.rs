//! Loads of API calls over the wire.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use streamgauge::kinesis::operation::StreamStatus;
use streamgauge::target::Target;

use crate::place::{Serve, folder, results, run_by, start, with_client};
use crate::support::{Ended, Run, open_folder, pause, signal};

const TABLES: &str = r#"
[streams.orders]
shards = 2

[calls.admin]
workers = 2
arrival = { kind = "constant", rate = "40/s" }

[calls.admin.mix]
ListShards = 4
"ListShards:missing-stream" = 1
"ListShards:bad-argument" = 1
"ListShards:bad-token" = 1
PutRecord = 4
PutRecords = 1
"PutRecord:dry-run" = 1
"MergeShards:same-shard" = 1
"#;

const SCRIPT: &str = r#"
[calls.life]
workers = 2
script = [
    { do = "create-stream", shards = 2 },
    { do = "wait" },
    { do = "split-shard" },
    { do = "wait" },
    { do = "merge-shards" },
    { do = "wait" },
    { do = "call", operation = "PutResourcePolicy" },
    { do = "call", operation = "GetResourcePolicy" },
    { do = "call", operation = "PutRecord" },
    { do = "call", operation = "GetRecords" },
    { do = "delete-stream" },
    { do = "wait", until = "deleted" },
]
"#;

fn scenario(folder: &Path, tables: &str, measure: &str) -> PathBuf {
    let text = format!(
        "schema = 1\nname = \"small\"\n[time]\nwarm_up = \"300ms\"\nmeasure = \"{measure}\"\ndrain = \"6s\"\n{tables}"
    );
    let path = folder.join("small.toml");
    std::fs::write(&path, text).expect("the folder is there");
    path
}

/// Where the calls of every operation ended: intended, ok, expected, unexpected.
fn counts(run: &Run) -> Vec<(String, [u64; 4])> {
    let loads = run.report.calls.iter();
    let rows = loads.flat_map(|(load, summary)| {
        summary.operations.iter().map(move |(call, operation)| {
            let ledger = &operation.ledger.total;
            assert!(ledger.balances(), "{load}.{call}: {ledger:#?}");
            let ends = [
                ledger.intended,
                ledger.ok,
                ledger.expected,
                ledger.unexpected,
            ];
            (format!("{load}.{call}"), ends)
        })
    });
    rows.collect()
}

/// Every stream that the endpoint has and is not deleting.
fn streams(url: &str) -> Vec<String> {
    with_client(url, async |client| {
        let names = client.names_with("").await.expect("it answers");
        let target = Target::Sdk(client.into());
        let mut left = Vec::new();
        for name in names {
            let state = target.find_stream(&name).await.expect("it answers");
            if state.is_some_and(|state| state.status != StreamStatus::Deleting) {
                left.push(name);
            }
        }
        left
    })
}

#[test]
fn mixes_and_scripts_count_the_same_embedded_simulated_and_at_an_endpoint_by_any_client() {
    let (files, serve) = (folder(), Serve::start());
    let path = scenario(files.path(), &format!("{TABLES}{SCRIPT}"), "2s");
    let embedded = results(run_by("sdk", files.path(), &path, "embedded"));
    let expected = counts(&embedded);
    assert!(expected.iter().all(|(_, ends)| ends[0] > 0), "{expected:?}");
    for (client, target) in [
        ("sdk", "simulated"),
        ("sdk", &*serve.url),
        ("lean-cbor-h2", &*serve.url),
    ] {
        let there = results(run_by(client, files.path(), &path, target));
        assert_eq!(counts(&there), expected, "{client} at {target}");
        let unexpected: u64 = expected.iter().map(|(_, ends)| ends[3]).sum();
        assert_eq!(unexpected, 0, "{expected:?}");
        assert_eq!(streams(&serve.url), Vec::<String>::new());
    }
}

#[test]
fn ctrl_c_ends_scripts_with_their_results_and_deletes_their_streams() {
    let (files, serve) = (folder(), Serve::start());
    let script = r#"
[calls.life]
workers = 2
arrival = { kind = "closed", outstanding = 1 }
script = [{ do = "create-stream" }, { do = "wait" }, { do = "call", operation = "ListShards" }]
"#;
    let path = scenario(files.path(), script, "60s");
    let child = start(files.path(), &path, &serve.url);
    let results_folder = open_folder(&files.path().join("results"));
    while streams(&serve.url).is_empty() {
        pause(std::time::Duration::from_millis(10));
    }
    signal(&child, Signal::INT);
    let ended = Ended::of(child.wait_with_output().expect("it ends"));
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let run = results(ended);
    assert_eq!(run.folder.file_name(), results_folder.file_name());
    assert!(run.report.instrument.interrupted);
    assert!(run.report.calls["life"].ledger.total.intended > 0);
    assert!(!counts(&run).is_empty());
    assert_eq!(streams(&serve.url), Vec::<String>::new());
}
