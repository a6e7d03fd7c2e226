//! A broken target is found out to the record.

use std::time::Duration;

use streamgauge::measure::{ConsumerLedger, KinesisRecords, LatencyKind, ProducerLedger};
use streamgauge::scenario::Loaded;
use streamgauge::target::Script;

use crate::reckoning::{Reckoning, reckon};
use crate::world::{Ran, beside, scenario, simulate};

/// 10,000 records/s over 4 shards without limits.
fn steady(seconds: u32, retry: &str, seed: u64) -> Loaded {
    let time = format!(
        r#"{{ warm_up = "1s", measure = "{}s", drain = "10s" }}"#,
        seconds - 1
    );
    let producer = format!(
        r#"
workers = 2
arrival = {{ kind = "constant", rate = "10000/s" }}
keys = {{ kind = "uniform", population = 100_000 }}
size = {{ kind = "fixed", bytes = "64B" }}
payload = {{ kind = "zeros" }}
send = {{ api = "put-records", linger = "20ms", timeout = "200ms" }}
retry = {retry}
"#
    );
    let mut loaded = scenario(&time, 4, &producer, "200ms", "[engine]\nlimits = \"off\"");
    loaded.scenario.seed = seed;
    loaded
}

const NO_RETRY: &str = r#"{ kind = "none" }"#;
const ONE_RETRY: &str = r#"{ kind = "fixed", attempts = 2, base = "50ms" }"#;

/// Both ledgers, with what the reckoning leaves out left out.
fn reported(ran: &Ran) -> (ProducerLedger, ConsumerLedger) {
    let whole = ran.produced();
    let produced = ProducerLedger {
        acked_bytes: 0,
        acked_put_units: 0,
        kinesis_records: KinesisRecords {
            acked_bytes: 0,
            acked_kilobytes: 0,
            unknown_bytes: 0,
            ..whole.kinesis_records
        },
        ..whole
    };
    let consumed = ConsumerLedger {
        out_of_order: 0,
        key_inversions: 0,
        ..ran.consumed()
    };
    (produced, consumed)
}

fn assert_found_out(ran: &Ran, intended: u64) -> Reckoning {
    let reckoning = reckon(ran, intended);
    assert_eq!(
        reported(ran),
        (reckoning.produced, reckoning.consumed),
        "{:?}",
        ran.deeds
    );
    let (produced, consumed, deeds) = (ran.produced(), ran.consumed(), ran.deeds);
    assert_eq!(
        produced.kinesis_records.acked_bytes, produced.acked_bytes,
        "nothing is packed"
    );
    assert_eq!(produced.rejected_attempts, deeds.refused);
    assert_eq!(
        produced.unknown_attempts,
        deeds.lost_answers.1 + deeds.lost_calls.1
    );
    assert_eq!(consumed.corrupt, deeds.corrupted);
    assert_eq!(consumed.redelivered, deeds.repeated);
    assert_eq!(consumed.out_of_order, deeds.swapped);
    assert_eq!(consumed.stored_twice_unexplained, 0);
    assert_eq!((consumed.unread, consumed.foreign), (0, 0));
    assert!(ran.outcome.consumers["billing"].caught_up);
    reckoning
}

#[test]
fn every_misdeed_among_a_million_records_is_found_and_nothing_else() {
    let _host = beside();
    let script = Script {
        refuse: 0.003,
        lose_answer: 0.003,
        lose_call: 0.003,
        drop: 1e-5,
        repeat: 1e-5,
        swap: 1e-5,
        corrupt: 1e-5,
        put_times: Vec::new(),
        swallow: false,
    };
    let ran = simulate(&steady(100, ONE_RETRY, 7), Some(script), None);
    let deeds = ran.deeds;
    let often_enough = [
        deeds.dropped,
        deeds.repeated,
        deeds.swapped,
        deeds.corrupted,
        deeds.lost_answers.0,
        deeds.lost_calls.0,
    ];
    assert!(often_enough.iter().all(|&deeds| deeds >= 4), "{deeds:?}");
    let reckoning = assert_found_out(&ran, 1_000_000);
    // Each column that the target fills is filled, or its equality says nothing.
    let (produced, consumed) = (reckoning.produced, reckoning.consumed);
    let filled = [
        produced.throttled,
        produced.unknown,
        produced.accepted_after_retry,
        consumed.lost,
        consumed.delivered_unacked,
        consumed.stored_twice_explained,
    ];
    assert!(filled.iter().all(|&column| column > 0), "{reckoning:?}");
    assert_eq!(ran.document.verdict.reasons, [], "the instrument did well");
}

#[test]
fn each_dropped_record_is_lost_and_no_other() {
    let _host = beside();
    let script = Script {
        drop: 0.001,
        ..Script::default()
    };
    let ran = simulate(&steady(5, NO_RETRY, 1), Some(script), None);
    assert!(ran.deeds.dropped > 20, "{:?}", ran.deeds);
    assert_found_out(&ran, 50_000);
    assert_eq!(ran.consumed().lost, ran.deeds.dropped);
    assert_eq!(ran.consumed().delivered, 50_000 - ran.deeds.dropped);
}

#[test]
fn each_corrupt_delivery_is_counted_and_its_record_is_lost() {
    let _host = beside();
    let script = Script {
        corrupt: 0.001,
        ..Script::default()
    };
    let ran = simulate(&steady(5, NO_RETRY, 2), Some(script), None);
    assert!(ran.deeds.corrupted > 20, "{:?}", ran.deeds);
    assert_found_out(&ran, 50_000);
    assert_eq!(ran.consumed().lost, ran.deeds.corrupted);
}

#[test]
fn each_repeated_delivery_is_redelivered_and_changes_no_latency() {
    let _host = beside();
    let script = Script {
        repeat: 0.001,
        ..Script::default()
    };
    let ran = simulate(&steady(5, NO_RETRY, 3), Some(script), None);
    assert!(ran.deeds.repeated > 20, "{:?}", ran.deeds);
    assert_found_out(&ran, 50_000);
    assert_eq!(ran.consumed().lost, 0);
    let clean = simulate(&steady(5, NO_RETRY, 3), Some(Script::default()), None);
    let kind = LatencyKind::EndToEnd;
    assert_eq!(ran.latency(kind), clean.latency(kind));
}

#[test]
fn each_swapped_pair_is_out_of_order_once_and_of_one_key_inverts_it() {
    let _host = beside();
    let script = Script {
        swap: 0.001,
        ..Script::default()
    };
    let mut loaded = steady(5, NO_RETRY, 4);
    let web = loaded
        .scenario
        .producers
        .get_mut("web")
        .expect("it is there");
    web.keys.choice = streamgauge::scenario::model::KeyChoice::Single;
    // Two workers number their lanes each for themselves: neighbours in a shard would often be of two lanes.
    web.workers = 1;
    let ran = simulate(&loaded, Some(script), None);
    assert!(ran.deeds.swapped > 20, "{:?}", ran.deeds);
    assert_found_out(&ran, 50_000);
    assert_eq!(ran.consumed().key_inversions, ran.deeds.swapped);
}

#[test]
fn lost_answers_make_retries_that_are_stored_twice_and_explained() {
    let _host = beside();
    let script = Script {
        lose_answer: 0.02,
        ..Script::default()
    };
    let ran = simulate(&steady(5, ONE_RETRY, 5), Some(script), None);
    assert!(ran.deeds.lost_answers.0 > 4, "{:?}", ran.deeds);
    let reckoning = assert_found_out(&ran, 50_000);
    // Whatever was stored and not acknowledged was either tried again and stored once more, or stayed unknown.
    assert!(reckoning.consumed.stored_twice_explained > 0);
    assert_eq!(reckoning.consumed.lost, 0);
}

#[test]
fn lost_calls_without_a_retry_are_unknown_and_never_delivered() {
    let _host = beside();
    let script = Script {
        lose_call: 0.02,
        ..Script::default()
    };
    let ran = simulate(&steady(5, NO_RETRY, 6), Some(script), None);
    assert!(ran.deeds.lost_calls.0 > 4, "{:?}", ran.deeds);
    assert_found_out(&ran, 50_000);
    assert_eq!(ran.produced().unknown, ran.deeds.lost_calls.1);
    assert_eq!(ran.consumed().delivered_unacked, 0);
}

#[test]
fn lost_answers_without_a_retry_are_unknown_and_delivered_all_the_same() {
    let _host = beside();
    let script = Script {
        lose_answer: 0.02,
        ..Script::default()
    };
    let ran = simulate(&steady(5, NO_RETRY, 8), Some(script), None);
    assert!(ran.deeds.lost_answers.0 > 4, "{:?}", ran.deeds);
    assert_found_out(&ran, 50_000);
    assert_eq!(ran.produced().unknown, ran.deeds.lost_answers.1);
    assert_eq!(ran.consumed().delivered_unacked, ran.deeds.lost_answers.1);
}

#[test]
fn a_target_that_drops_everything_up_to_the_last_record_of_each_shard_lost_everything() {
    let _host = beside();
    let script = Script {
        drop: 1.0,
        ..Script::default()
    };
    let ran = simulate(&steady(2, NO_RETRY, 9), Some(script), None);
    assert_eq!(ran.by_shard().len(), 4, "each shard has a last record");
    assert_found_out(&ran, 20_000);
    assert_eq!(
        (ran.consumed().lost, ran.consumed().deliveries),
        (20_000, 0)
    );
    // A target may store after it acknowledged: only the end of the drain says that a record never came.
    let drain = ran.outcome.drain;
    assert!(drain >= Duration::from_secs(10), "{drain:?}");
}

/// Every pair of misdeeds that one record can suffer happens here.
#[test]
fn misdeeds_that_meet_in_one_record_are_told_apart_whatever_the_seed() {
    let _host = beside();
    let script = Script {
        refuse: 0.1,
        lose_answer: 0.1,
        lose_call: 0.05,
        drop: 0.02,
        repeat: 0.02,
        corrupt: 0.02,
        swap: 0.02,
        ..Script::default()
    };
    for seed in 0..20 {
        let ran = simulate(&steady(2, ONE_RETRY, seed), Some(script.clone()), None);
        assert_found_out(&ran, 20_000);
    }
}
