//! Streams that were there before.

use super::faulty::{Fault, Faulty};
use super::world::World;

/// As a scenario must be to write to `orders`, which is there.
const EXISTING: [&str; 6] = [
    "--set",
    "streams.orders.existing=true",
    "--set",
    "producers.web.payload={ kind = \"random\", stamp = \"none\" }",
    "--set",
    "consumers.billing.interval=1s",
];

#[test]
fn an_existing_stream_is_read_only_unless_its_arn_is_named() {
    let world = World::new();
    world.create("orders", &[]);
    let ended = world.run(&EXISTING);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let arn = World::arn("orders");
    let flag = format!("--allow-write {arn}");
    assert!(ended.stderr.contains(&flag), "{}", ended.stderr);
    assert!(!world.has_records("orders"));
    let others = World::arn("others");
    let other = [&EXISTING[..], &["--allow-write", &others]].concat();
    let ended = world.run(&other);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(!world.has_records("orders"));

    let allowed = [&EXISTING[..], &["--allow-write", &arn]].concat();
    let ended = world.run(&allowed);
    let report = world.result("report.json");
    assert_eq!(
        report["ledger"]["producers"]["web"]["total"]["acked"], 200,
        "{}",
        ended.stderr
    );
    assert_eq!(report["aws"]["streams"]["orders"], arn);
    // Its owner pays for its shards.
    let lines = report["aws"]["cost"]["lines"].as_array().expect("lines");
    assert!(
        lines.iter().all(|line| line["item"] == "PUT payload units"),
        "{lines:?}"
    );
    assert_eq!(world.streams(), ["orders"]);
    assert!(world.has_records("orders"));
    assert!(world.tags("orders").is_empty());
    assert!(
        !world
            .results()
            .pop()
            .expect("results")
            .join("resources.json")
            .exists()
    );
}

#[test]
fn stamps_fast_readers_and_reshards_of_an_existing_stream_are_refused() {
    let world = World::new();
    world.create("orders", &[]);
    let write = World::arn("orders");
    let allowed = [&EXISTING[..], &["--allow-write", &write]].concat();
    let faster = ["--set", "consumers.billing.interval=999ms"];
    let stamped = ["--set", "producers.web.payload={ kind = \"random\" }"];
    for (more, code, part) in [
        (&faster[..], 4, "`interval`"),
        (&stamped[..], 2, "existing stream"),
        (
            &["--allow-reshard", "arn:aws:kinesis:x"][..],
            2,
            "names no stream",
        ),
    ] {
        let ended = world.run(&[&allowed, more].concat());
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    world
        .extend("[events.split]\ndo = \"split-shard\"\nat = \"measure+1ms\"\nshard = \"widest\"\n");
    let ended = world.run(&allowed);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let flag = format!("--allow-reshard {write}");
    assert!(ended.stderr.contains(&flag), "{}", ended.stderr);
    assert!(!world.has_records("orders"));
    assert_eq!(world.streams(), ["orders"]);
}

#[test]
fn readers_of_an_existing_stream_begin_with_one_record_and_ask_for_what_their_share_holds() {
    let world = World::new();
    world.create("orders", &[]);
    let faulty = Faulty::before(&world.url, |_| Fault::None);
    world.targets(&faulty.url);
    let arn = World::arn("orders");
    let more = [
        "--set",
        "time.measure=4s",
        "--set",
        "producers.web.size={ kind = \"fixed\", bytes = \"20KB\" }",
        "--set",
        "producers.web.arrival={ kind = \"constant\", rate = \"40/s\" }",
        "--allow-write",
        &arn,
    ];
    let ended = world.run(&[&EXISTING[..], &more].concat());
    let asked = faulty.bodies("GetRecords");
    let limits: Vec<u64> = asked
        .iter()
        .map(|body| {
            let body: serde_json::Value = serde_json::from_str(body).expect("it is JSON");
            body["Limit"].as_u64().expect("a limit")
        })
        .collect();
    assert_eq!(limits.first(), Some(&1), "{}", ended.stderr);
    // 512 KiB of records of 20 KB.
    assert!(limits.iter().all(|limit| *limit <= 26), "{limits:?}");
    assert!(limits.contains(&26), "{limits:?}");
}

#[test]
fn an_existing_on_demand_stream_is_priced_by_the_gigabyte_and_by_the_shards_it_has() {
    let world = World::new();
    world.create_on_demand("orders");
    let arn = World::arn("orders");
    let ended = world.run(&[&EXISTING[..], &["--allow-write", &arn]].concat());
    let report = world.result("report.json");
    for cost in ["estimate", "cost"] {
        let lines = report["aws"][cost]["lines"].as_array().expect("lines");
        let items: Vec<_> = lines.iter().map(|line| &line["item"]).collect();
        assert_eq!(items, ["GB in", "GB out"], "{cost}: {}", ended.stderr);
    }
    // Records of 200 bytes are billed as a KB each.
    let put = report["aws"]["cost"]["lines"][0]["quantity"].as_f64();
    assert!(
        put.is_some_and(|gb| (gb - 200e3 / 1e9).abs() < 1e-9),
        "{put:?}"
    );
    // What it says of its shards bounds the run, not the file: a cap that the file's one shard keeps is refused.
    let closed = [
        "--set",
        "producers.web.arrival={ kind = \"closed\", outstanding = 10 }",
        "--max-cost",
        "0.0005",
        "--allow-write",
        &arn,
    ];
    let ended = world.run(&[&EXISTING[..], &closed].concat());
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    let again = "Cost with the existing streams as they are";
    assert!(ended.stderr.contains(again), "{}", ended.stderr);
}
