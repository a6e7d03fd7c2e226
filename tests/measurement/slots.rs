//! A producer that has too few request slots for its target is told so, with the waits that arithmetic gives.

use std::time::Duration;

use streamgauge::measure::{LatencyKind, Status};
use streamgauge::target::Script;

use crate::world::{Ran, beside, scenario, simulate};

/// What the target takes for a record.
const PUT: Duration = Duration::from_millis(10);

/// 1,000 records in a second, one by one, to a target that takes so long for each.
fn with_slots(max_in_flight: u32, each: Duration) -> Ran {
    let loaded = scenario(
        r#"{ warm_up = "0s", measure = "1s", drain = "10s" }"#,
        4,
        &format!(
            r#"
arrival = {{ kind = "constant", rate = "1000/s" }}
keys = {{ kind = "uniform", population = 1_000 }}
size = {{ kind = "fixed", bytes = "100B" }}
send = {{ api = "put-record", max_in_flight = {max_in_flight} }}
"#
        ),
        "250ms",
        "",
    );
    let script = Script {
        put_times: vec![each],
        ..Script::default()
    };
    simulate(&loaded, Some(script), None)
}

/// Eight slots begin a record each every 10 ms, and ten records come meanwhile: the eight of round k, counted from 0, wait
/// 2 k ms. 1,000 records are 125 rounds; all but the first eight wait, 8 * 2 * (124 * 125 / 2) ms together, 248 ms at most.
#[test]
fn too_few_slots_are_named_as_the_bottleneck_with_the_waits_that_they_cost() {
    let _host = beside();
    let ran = with_slots(8, PUT);
    let waits = ran.outcome.producers["web"].slot_waits;
    assert_eq!(waits.records, 992);
    assert!((247_900..=248_100).contains(&waits.max_us), "{waits:?}");
    let total_us = 124_000_000.0;
    let off = (waits.total_us as f64 - total_us).abs() / total_us;
    assert!(off < 0.001, "{waits:?}");
    let reasons = &ran.document.verdict.reasons;
    let slots = reasons.iter().find(|reason| reason.code == "slots");
    let slots = slots.expect("the slots are told");
    assert_eq!(slots.status, Status::Degraded);
    for part in ["99.2 %", "`max_in_flight = 8`", "`web`"] {
        assert!(slots.text.contains(part), "{}", slots.text);
    }
    assert_eq!(ran.document.producers["web"].slot_waits, Some(waits));
    assert_eq!(ran.produced().acked, 1_000);
}

/// One slot carries 10 records a second of 1,000 that were meant to go: most have none until the end, and waited too.
#[test]
fn records_that_never_got_a_slot_waited_for_one() {
    let _host = beside();
    let ran = with_slots(1, 10 * PUT);
    let sent = ran.produced();
    assert!(sent.not_sent > 300, "{sent:?}");
    let waits = ran.outcome.producers["web"].slot_waits;
    // All but the very first.
    assert_eq!(waits.records, 999, "{waits:?}");
    let reasons = &ran.document.verdict.reasons;
    let slots = reasons.iter().find(|reason| reason.code == "slots");
    let slots = slots.expect("the slots are told");
    assert_eq!(slots.status, Status::Degraded);
    assert!(slots.text.contains("99.9 %"), "{}", slots.text);
}

#[test]
fn enough_slots_are_not_spoken_of() {
    let _host = beside();
    let ran = with_slots(16, PUT);
    assert_eq!(ran.outcome.producers["web"].slot_waits.records, 0);
    assert_eq!(ran.document.producers["web"].slot_waits, None);
    assert_eq!(ran.document.verdict.status, Status::Valid);
    assert!(ran.doubts().is_empty());
    // Nobody waits for anything but the target.
    let response = ran.latency(LatencyKind::ResponseTime).summary();
    assert!((10_000..=10_100).contains(&response.max_us), "{response:?}");
}
