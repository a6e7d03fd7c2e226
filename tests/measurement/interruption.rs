//! A run that is interrupted ends with ledgers that balance, whatever its records were doing.

use std::time::Duration;

use streamgauge::measure::NotSentCounts;
use streamgauge::target::Script;

use crate::world::{Ran, beside, scenario, simulate};

const MS: Duration = Duration::from_millis(1);

/// Half a millisecond beside every other time of these tests: nothing else happens at this moment.
const INTERRUPT: Duration = Duration::from_micros(2_000_500);

/// 100 records/s, one a request, from 0 s on: 201 are intended by the interruption.
fn interrupted(send: &str, retry: &str, script: Script) -> Ran {
    let producer = format!(
        r#"
arrival = {{ kind = "constant", rate = "100/s" }}
keys = {{ kind = "single" }}
size = {{ kind = "fixed", bytes = "64B" }}
send = {{ api = "put-record", timeout = "5s", {send} }}
retry = {retry}
"#
    );
    let loaded = scenario(
        r#"{ warm_up = "0s", measure = "10s", drain = "10s" }"#,
        1,
        &producer,
        "333ms",
        "[engine]\nlimits = \"off\"",
    );
    let ran = simulate(&loaded, Some(script), Some(INTERRUPT));
    assert!(ran.outcome.interrupted);
    assert_eq!(ran.produced().intended, 201);
    assert_eq!(ran.outcome.measure, INTERRUPT);
    // Where every slot was taken, that is told beside it.
    let mut doubts = ran.doubts();
    doubts.retain(|code| *code != "slots");
    let (produced, consumed) = (ran.produced(), ran.consumed());
    let mut expected = vec!["interrupted"];
    if consumed.unread > 0 {
        expected.insert(0, "unread");
    }
    assert_eq!(doubts, expected, "the ledgers balance all the same");
    assert_eq!(consumed.acked, produced.acked);
    assert_eq!(consumed.lost, 0);
    ran
}

fn takes(time: Duration) -> Script {
    Script {
        put_times: vec![time],
        ..Script::default()
    }
}

fn interrupted_count(count: u64) -> NotSentCounts {
    NotSentCounts {
        interrupted: count,
        ..NotSentCounts::default()
    }
}

const NO_RETRY: &str = r#"{ kind = "none" }"#;

#[test]
fn what_is_in_flight_becomes_unknown_and_what_is_queued_not_sent() {
    let _host = beside();
    let ran = interrupted("max_in_flight = 4", NO_RETRY, takes(300 * MS));
    // Slot i began at 10 i ms and takes 300 ms for each of its records: six of them by 2,000.5 ms, and one under way.
    let produced = ran.produced();
    assert_eq!((produced.acked, produced.unknown), (4 * 6, 4));
    assert_eq!(produced.not_sent_by_cause, interrupted_count(201 - 28));
    assert_eq!((produced.throttled, produced.failed), (0, 0));
    // The last poll before the end, 20 ms before the first record and every 333 ms since, was at 1,978 ms: all 24
    // were stored by 1,830 ms.
    assert_eq!((ran.consumed().delivered, ran.consumed().unread), (24, 0));
}

#[test]
fn acknowledged_records_that_nobody_read_yet_are_unread() {
    let _host = beside();
    let ran = interrupted("max_in_flight = 4", NO_RETRY, takes(MS));
    let produced = ran.produced();
    // The record of 2,000 ms is under way.
    assert_eq!((produced.acked, produced.unknown), (200, 1));
    assert_eq!(produced.not_sent, 0);
    // The poll at 1,978 ms saw what was stored by then: the records of 0 to 1,970 ms.
    assert_eq!((ran.consumed().delivered, ran.consumed().unread), (198, 2));
}

#[test]
fn under_per_key_ordering_the_lanes_queue_is_not_sent() {
    let _host = beside();
    let send = r#"max_in_flight = 4, ordering = "per-key""#;
    let ran = interrupted(send, NO_RETRY, takes(300 * MS));
    // One key is one lane, and has one record under way: six by 2,000.5 ms, then the seventh.
    let produced = ran.produced();
    assert_eq!((produced.acked, produced.unknown), (6, 1));
    assert_eq!(produced.not_sent_by_cause, interrupted_count(201 - 7));
    assert_eq!(ran.outcome.producers["web"].max_in_flight, 1);
}

#[test]
fn a_record_that_waits_to_be_tried_again_ends_as_its_last_attempt() {
    let _host = beside();
    let retry = r#"{ kind = "fixed", attempts = 3, base = "400ms" }"#;
    let refusing = Script {
        refuse: 1.0,
        ..Script::default()
    };
    let ran = interrupted("max_in_flight = 4", retry, refusing);
    let produced = ran.produced();
    assert_eq!((produced.throttled, produced.acked), (201, 0));
    assert_eq!((produced.unknown, produced.not_sent), (0, 0));
    // Attempts at 0, 400 and 800 ms after the intended time: as many as fall before 2,000.5 ms.
    let before = |offset_ms: u64| (0..201).filter(|i| i * 10 + offset_ms <= 2_000).count() as u64;
    assert_eq!(
        produced.rejected_attempts,
        before(0) + before(400) + before(800)
    );
}

#[test]
fn a_record_that_waits_after_an_unanswered_attempt_stays_unknown() {
    let _host = beside();
    let retry = r#"{ kind = "fixed", attempts = 9, base = "400ms" }"#;
    let silent = Script {
        lose_answer: 1.0,
        ..Script::default()
    };
    let send = r#"max_in_flight = 1_000, ordering = "per-key""#;
    let ran = interrupted(send, retry, silent);
    let produced = ran.produced();
    // The first of the lane waits for an answer that never comes; the others wait for it.
    assert_eq!((produced.unknown, produced.attempts), (1, 1));
    assert_eq!(produced.not_sent_by_cause, interrupted_count(200));
    assert_eq!(ran.consumed().delivered_unacked, 1);
}

#[test]
fn an_interruption_before_the_first_record_leaves_nothing() {
    let _host = beside();
    let loaded = scenario(
        r#"{ warm_up = "1s", measure = "10s" }"#,
        1,
        r#"
arrival = { kind = "poisson", rate = "1/s" }
keys = { kind = "single" }
size = { kind = "fixed", bytes = "64B" }
"#,
        "250ms",
        "",
    );
    let ran = simulate(&loaded, Some(Script::default()), Some(Duration::ZERO));
    assert!(ran.outcome.interrupted);
    assert_eq!(ran.produced().intended, 0);
    assert_eq!(ran.consumed().deliveries, 0);
}
