//! In virtual time: what a scenario wrote, recorded and played, lies on the shards as it did.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use streamgauge::base::{Clock, Timestamp, clock};
use streamgauge::host::{Host, Settings};
use streamgauge::kinesis::ShardId;
use streamgauge::kinesis::operation::{IteratorPosition, ShardFilter};
use streamgauge::measure::progress::Progress;
use streamgauge::run::{Controls, Outcome, Session};
use streamgauge::scenario::{Loaded, Source, load};
use streamgauge::target::Target;
use streamgauge::trace::{Recorder, Salt};
use tempfile::TempDir;
use tokio::sync::watch;

/// Records and bytes by shard and second from the first arrival.
type Profile = BTreeMap<(ShardId, u64), (u64, u64)>;

struct Ran {
    outcome: Outcome,
    profile: Profile,
    /// From the run's start to the first arrival.
    first_after_ms: u64,
    trace: Vec<u8>,
}

fn load_text(folder: &Path, text: &str) -> Loaded {
    let source = Source {
        path: folder.join("scenario.toml").display().to_string(),
        text: text.to_owned(),
    };
    load(&source, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn simulate(loaded: &Loaded) -> Ran {
    let runtime = clock::virtual_runtime().expect("a runtime without sockets");
    runtime.block_on(async {
        let scenario = &loaded.scenario;
        let clock = Clock::virtual_from(Timestamp::from_secs(1_735_689_600));
        let settings = Settings {
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            limits: scenario.engine.limits.clone(),
            max_memory_bytes: scenario.engine.max_memory_bytes,
        };
        let delays = scenario.engine.delays.clone();
        let target = Target::Embedded(Arc::new(Host::new(settings, delays, clock, 1)));
        let recorder = Recorder::new(Salt::of(b"test"));
        let session = Session {
            scenario: scenario.clone(),
            run: 77,
            clock,
            target: target.clone(),
            trace: Some(recorder.clone()),
            hosts: None,
        };
        let (_keep, cancel) = watch::channel(false);
        let controls = Controls {
            cancel,
            progress: Arc::new(Progress::default()),
            started: Arc::new(watch::channel(None).0),
        };
        let outcome = Box::pin(session.run(controls)).await;
        let outcome = outcome.unwrap_or_else(|problem| panic!("{problem}"));
        let mut trace = Vec::new();
        let written = recorder.write("orders", &mut trace);
        written.expect("memory takes it");
        let host = target.host().expect("the engine is in this process");
        let start_ms = outcome.start.as_millis();
        let end_ms = start_ms + outcome.measure.as_millis() as u64;
        let (first_ms, profile) = profile(host, end_ms).await;
        Ran {
            outcome,
            profile,
            first_after_ms: first_ms - start_ms,
            trace,
        }
    })
}

/// What the engine itself holds that arrived before `end_ms`, and when the first of it did.
async fn profile(host: &Host, end_ms: u64) -> (u64, Profile) {
    let listed = host.list_shards("orders", ShardFilter::FromTrimHorizon, None);
    let (shards, _) = listed.await.expect("the stream is there");
    let mut stored = Vec::new();
    for shard in shards {
        let from = IteratorPosition::TrimHorizon;
        let first = host.get_shard_iterator("orders", shard.shard, from);
        let mut next = first.await.ok();
        while let Some(iterator) = next {
            let page = match host.get_records(&iterator, Some(10_000)).await {
                Ok(page) => page,
                Err(refusal) if refusal.code.is_throttle() => {
                    host.clock()
                        .sleep(std::time::Duration::from_millis(250))
                        .await;
                    next = Some(iterator);
                    continue;
                }
                Err(refusal) => panic!("{refusal}"),
            };
            for record in &page.records {
                let bytes = (record.data.len() + record.partition_key.len()) as u64;
                stored.push((shard.shard, record.arrival.as_millis(), bytes));
            }
            let at_tip = page.records.is_empty() && page.millis_behind_latest == 0;
            next = page.next_iterator.filter(|_| !at_tip);
        }
    }
    let first = stored.iter().map(|(_, at, _)| *at).min().unwrap_or(0);
    let mut profile = Profile::new();
    stored.retain(|(_, at, _)| *at < end_ms);
    for (shard, at, bytes) in stored {
        let cell = profile.entry((shard, (at - first) / 1_000)).or_default();
        *cell = (cell.0 + 1, cell.1 + bytes);
    }
    (first, profile)
}

/// Each cell of one is the other's within 1 %, with one record of slack for cells of less than a hundred.
fn same_within_1_percent(original: &Profile, played: &Profile) {
    let cells: std::collections::BTreeSet<_> = original.keys().chain(played.keys()).collect();
    for cell in cells {
        let (records, bytes) = original.get(cell).copied().unwrap_or_default();
        let (played_records, played_bytes) = played.get(cell).copied().unwrap_or_default();
        let near = |a: u64, b: u64, slack: u64| a.abs_diff(b) <= (a / 100).max(slack);
        assert!(
            near(records, played_records, 1) && near(bytes, played_bytes, 5_000),
            "{cell:?}: {records} records of {bytes} bytes, played {played_records} of {played_bytes}"
        );
    }
}

const ORIGINAL: &str = r#"
schema = 1
name = "original"
time = { warm_up = "0s", measure = "20s", drain = "10s" }

[streams.orders]
shards = 4

[producers.bursts]
workers = 2
arrival = { kind = "burst", on_rate = "1600/s", off_rate = "120/s", on = "1700ms", off = "900ms" }
keys = { kind = "hot-set", hot_keys = 2, hot_share = 0.4, population = 3_000, format = "customer-{}-of-europe" }
size = { kind = "log-normal", median = "400B", sigma = 0.7, max = "20KiB" }

[producers.placed]
arrival = { kind = "poisson", rate = "90/s" }
keys = { kind = "shard-share", shares = [0, 0, 1, 3], by = "explicit-hash-key", population = 1 }
size = { kind = "fixed", bytes = "90B" }

[consumers.all]
kind = "polling"

[events.split]
at = "measure+8s"
do = "split-shard"
shard = "shardId-000000000001"
"#;

fn player(more: &str) -> String {
    format!(
        r#"
schema = 1
name = "played"
time = {{ warm_up = "0s", measure = "21s", drain = "10s" }}

[streams.orders]
shards = 4

[producers.player]
workers = 3
arrival = {{ kind = "trace", file = "orders.trace" }}
keys = {{ kind = "trace", file = "orders.trace" }}
size = {{ kind = "trace", file = "orders.trace" }}
send = {{ linger = "0s" }}

[consumers.all]
kind = "polling"

{more}
"#
    )
}

/// The split of the original, where the first record comes at once and everything `speed_up` times as fast.
fn split(original: &Ran, speed_up: u64) -> String {
    let at_ms = (8_000 - original.first_after_ms) / speed_up;
    let shard = "shardId-000000000001";
    format!(
        "[events.split]\nat = \"measure+{at_ms}ms\"\ndo = \"split-shard\"\nshard = \"{shard}\"\n"
    )
}

fn recorded(folder: &TempDir) -> Ran {
    let original = simulate(&load_text(folder.path(), ORIGINAL));
    std::fs::write(folder.path().join("orders.trace"), &original.trace).expect("there is room");
    original
}

#[test]
fn a_recorded_stream_is_played_within_1_percent_of_each_second_of_each_shard() {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let original = recorded(&folder);
    let records: u64 = original.profile.values().map(|(records, _)| records).sum();
    assert!(records > 20_000 && original.outcome.streams.len() == 1);
    let per_record = original.trace.len() as f64 / records as f64;
    assert!(per_record < 12.0, "{per_record} bytes a record");
    let played = simulate(&load_text(folder.path(), &player(&split(&original, 1))));
    same_within_1_percent(&original.profile, &played.profile);
    // Six shards had records: the split one and its children among them.
    let shards: std::collections::BTreeSet<_> =
        played.profile.keys().map(|(shard, _)| shard).collect();
    assert_eq!(shards.len(), 6);
    let (_, ledger) = played.outcome.consumers["all"]
        .ledger
        .as_ref()
        .expect("it is stamped");
    assert_eq!(
        (ledger.lost, ledger.out_of_order, ledger.key_inversions),
        (0, 0, 0)
    );
    // A recording of what is played is of the same records.
    let [first, second] = [&original.trace, &played.trace]
        .map(|bytes| streamgauge::trace::read(bytes).expect("it was just written"));
    assert_eq!(first.header.records, second.header.records);
    assert_eq!(first.header.bytes, second.header.bytes);
}

#[test]
fn a_recording_played_twice_as_fast_lies_on_the_shards_in_half_the_time() {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let original = recorded(&folder);
    let faster = player(&split(&original, 2))
        .replace(
            "kind = \"trace\", file = \"orders.trace\" }\nkeys",
            "kind = \"trace\", file = \"orders.trace\", speed_up = 2 }\nkeys",
        )
        .replace(
            "[streams.orders]",
            "[engine]\nlimits = \"off\"\n\n[streams.orders]",
        );
    let played = simulate(&load_text(folder.path(), &faster));
    let halved = |profile: &Profile, by: u64| {
        let mut halved = Profile::new();
        for (&(shard, second), &(records, bytes)) in profile {
            let cell = halved.entry((shard, second / by)).or_default();
            *cell = (cell.0 + records, cell.1 + bytes);
        }
        halved
    };
    same_within_1_percent(&halved(&original.profile, 2), &halved(&played.profile, 1));
}

#[test]
fn check_forecasts_each_shard_of_a_recording_as_it_was() {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let original = recorded(&folder);
    let path = folder.path().join("scenario.toml");
    std::fs::write(&path, player("")).expect("there is room");
    let output = crate::support::program()
        .args(["check", "--json"])
        .arg(&path)
        .output()
        .expect("the program starts");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let shards = said[0]["forecast"][0]["shards"].as_array().expect("shards");
    let total: u64 = original.profile.values().map(|(records, _)| records).sum();
    // The original's shard 1 became 4 and 5; without the split they are one.
    let of = |numbers: &[u32]| {
        let mine = original
            .profile
            .iter()
            .filter(|((shard, _), _)| numbers.contains(&shard.number()));
        mine.fold((0, 0), |sum, (_, cell)| (sum.0 + cell.0, sum.1 + cell.1))
    };
    for (shard, numbers) in shards.iter().zip([&[0][..], &[1, 4, 5], &[2], &[3]]) {
        let (records, bytes) = of(numbers);
        let share = records as f64 / total as f64;
        assert!(
            (shard["share"].as_f64().expect("a share") - share).abs() < 1e-9,
            "{shard}"
        );
        let bytes_per_s = shard["bytes_per_s"].as_f64().expect("bytes");
        assert!(
            (bytes_per_s - bytes as f64 / 21.0).abs() < 1.0,
            "{shard}: {bytes}"
        );
    }
}

#[test]
fn a_damaged_recording_is_told_with_its_setting() {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    recorded(&folder);
    let path = folder.path().join("orders.trace");
    let mut bytes = std::fs::read(&path).expect("it was written");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("there is room");
    let source = Source {
        path: folder.path().join("scenario.toml").display().to_string(),
        text: player(""),
    };
    let told = load(&source, &[]).expect_err("it is damaged").to_string();
    assert!(
        told.contains("`orders.trace` is no recording: its checksum does not hold"),
        "{told}"
    );
    assert!(told.contains("size"), "{told}");
}
