//! Tests of the table of thresholds.

use super::*;
use crate::measure::{RecordingFacts, SlotFacts};

fn codes(facts: &Facts) -> Vec<(Status, String)> {
    judge(facts)
        .reasons
        .into_iter()
        .map(|reason| (reason.status, reason.code.into_owned()))
        .collect()
}

fn slots(records_share: f64, response_share: f64) -> SlotFacts {
    SlotFacts {
        whose: "producer `web`".to_owned(),
        max_in_flight: 32,
        records_share,
        response_share,
    }
}

fn hold(records_share: f64, response_share: f64) -> HoldFacts {
    HoldFacts {
        producer: "web".to_owned(),
        records_share,
        response_share,
    }
}

fn recording(ends_s: f64) -> RecordingFacts {
    RecordingFacts {
        player: "producers.web".to_owned(),
        ends_s,
        load_s: 10.0,
    }
}

#[test]
fn a_recording_that_ends_early_is_told_with_what_it_covers() {
    let verdict = judge(&Facts {
        recording: Some(recording(4.2)),
        ..good()
    });
    let text = &verdict.reasons[0].text;
    let told = ": the recording that `producers.web` plays ends 4.200 s after the start of a load of 10 s, 42.0 % of it";
    assert!(text.ends_with(told), "{text}");
}

#[test]
fn a_full_set_of_slots_is_said_to_be_the_bottleneck_and_leaves_the_measurement_valid() {
    let verdict = judge(&Facts {
        slots: Some(slots(0.31, 0.5)),
        ..good()
    });
    assert_eq!(verdict.status, Status::Valid);
    let [reason] = &verdict.reasons[..] else {
        panic!("{verdict:?}")
    };
    for part in [
        "slot, as a share: 31 %",
        "`max_in_flight = 32`",
        "`web`",
        "bottleneck",
    ] {
        assert!(reason.text.contains(part), "{}", reason.text);
    }
}

#[test]
fn what_calls_can_break_too_is_not_said_of_records_alone() {
    for code in ["lateness", "dropped_intents"] {
        let rule = RULES.iter().find(|rule| rule.code == code);
        let text = rule.map_or("", |rule| rule.description);
        assert!(text.contains("records or calls"), "{code}: {text}");
    }
}

#[test]
fn what_is_known_of_the_cause_of_lateness_is_said_with_it() {
    let facts = Facts {
        lateness_p99_us: 1_100,
        sender_wait_share: Some(0.12),
        host_cpu_share: Some(0.9),
        process_cpu_share: Some(0.4),
        major_faults: Some(3),
        ..good()
    };
    let text = &judge(&facts).reasons[0].text;
    let cause = "(a sending thread stood ready without a processor for 12 % of the window, the host was busy to 90 %, \
                 this process took 40 %, the hypervisor took 1 %, 3 page faults waited for a disk)";
    assert!(text.ends_with(cause), "{text}");
}

fn good() -> Facts {
    Facts {
        response_p99_us: Some(10_000),
        intended: 100_000,
        latency_samples: 400_000,
        end_to_end_samples: 100_000,
        cpu_steal_share: Some(0.01),
        host_cpu_share: Some(0.5),
        ..Facts::default()
    }
}

#[test]
fn a_run_without_a_fault_is_valid_with_and_without_data() {
    assert_eq!(judge(&good()), Verdict::default());
    assert_eq!(judge(&Facts::default()).status, Status::Valid);
}

#[test]
fn each_threshold_is_crossed_only_above_its_value() {
    use Status::{Degraded, Void};
    type Change = fn(&mut Facts);
    let rows: [(&str, Option<Status>, Change); 59] = [
        ("pacer_gap", None, |f| f.pacer_gap_us_max = 50_000),
        ("pacer_gap", Some(Degraded), |f| f.pacer_gap_us_max = 50_100),
        ("pacer_gap", Some(Degraded), |f| {
            f.pacer_gap_us_max = 100_000;
        }),
        ("pacer_gap", Some(Void), |f| f.pacer_gap_us_max = 500_000),
        ("lateness", None, |f| f.lateness_p99_us = 1_000),
        ("lateness", Some(Degraded), |f| f.lateness_p99_us = 1_100),
        ("lateness", Some(Void), |f| f.lateness_p99_us = 5_100),
        ("lateness", None, |f| {
            // Within the millisecond, even against a faster answer.
            f.lateness_p99_us = 900;
            f.response_p99_us = Some(1_000);
        }),
        ("lateness", Some(Void), |f| {
            f.lateness_tolerated_us = CALL_LATENESS_TOLERATED_US;
            f.lateness_p99_us = 5_001;
        }),
        ("call_lateness", Some(Status::Valid), |f| {
            f.lateness_tolerated_us = CALL_LATENESS_TOLERATED_US;
            f.lateness_p99_us = 5_000;
        }),
        ("call_lateness", None, |f| {
            f.lateness_tolerated_us = CALL_LATENESS_TOLERATED_US;
            f.lateness_p99_us = 1_000;
            f.response_p99_us = Some(1_000);
        }),
        ("dropped_intents", Some(Degraded), |f| f.dropped = 1),
        ("dropped_intents", Some(Degraded), |f| f.dropped = 1_000),
        ("dropped_intents", Some(Void), |f| f.dropped = 1_001),
        ("clipped", Some(Degraded), |f| f.clipped = 1),
        ("clipped", Some(Void), |f| f.clipped = 401),
        ("cpu_steal", None, |f| f.cpu_steal_share = Some(0.05)),
        ("cpu_steal", Some(Degraded), |f| {
            f.cpu_steal_share = Some(0.06);
        }),
        ("cpu_steal", Some(Void), |f| f.cpu_steal_share = Some(0.21)),
        ("host_cpu", None, |f| f.host_cpu_share = Some(1.0)),
        ("failed_events", Some(Void), |f| f.failed_events = 1),
        ("interrupted", Some(Degraded), |f| f.cut_off_share = 0.4),
        ("interrupted", Some(Void), |f| f.cut_off_share = 1.0),
        ("host_cpu", None, |f| f.host_cpu_share = None),
        ("trimmed_unread", Some(Degraded), |f| f.trimmed_unread = 1),
        ("unread", None, |f| f.unread = 0),
        ("unread", Some(Degraded), |f| f.unread = 1),
        ("unseen", None, |f| f.unseen_share = 0.0),
        ("unseen", Some(Degraded), |f| f.unseen_share = 0.1),
        ("unseen", Some(Void), |f| f.unseen_share = 0.11),
        ("negative_delivery_delay", Some(Degraded), |f| {
            (f.delivery_delay_samples, f.delivery_delay_negative) = (999, 1);
        }),
        ("negative_delivery_delay", None, |f| {
            (f.delivery_delay_samples, f.delivery_delay_negative) = (1_000, 1);
        }),
        ("arrival_before_sent", None, |f| {
            f.arrival_early_ms = Some(2.0);
        }),
        ("arrival_before_sent", Some(Degraded), |f| {
            f.arrival_early_ms = Some(2.1);
        }),
        ("shard_list", Some(Degraded), |f| f.flawed_shard_lists = 1),
        ("misplaced", Some(Degraded), |f| f.misplaced = 1),
        ("events_after_drain", Some(Status::Valid), |f| {
            f.events_after_drain = 1;
        }),
        ("negative_end_to_end", None, |f| f.end_to_end_negative = 100),
        ("negative_end_to_end", Some(Degraded), |f| {
            f.end_to_end_negative = 101;
        }),
        ("slots", None, |f| f.slots = Some(slots(0.9, 0.1))),
        ("slots", None, |f| f.slots = Some(slots(0.01, 0.9))),
        ("slots", Some(Status::Valid), |f| {
            f.slots = Some(slots(0.31, 0.5));
        }),
        ("slots", Some(Degraded), |f| {
            f.slots = Some(slots(0.41, 0.5));
        }),
        ("rate_limit", None, |f| f.rate_limit = Some(hold(0.9, 0.1))),
        ("rate_limit", Some(Status::Valid), |f| {
            f.rate_limit = Some(hold(1.0, 0.9));
        }),
        ("order", None, |f| f.order = Some(hold(0.01, 0.9))),
        ("order", Some(Status::Valid), |f| {
            f.order = Some(hold(0.02, 0.9));
        }),
        ("recording", None, |f| f.recording = Some(recording(9.91))),
        ("recording", Some(Status::Valid), |f| {
            f.recording = Some(recording(9.8));
        }),
        ("clock_step", None, |f| f.clock_step_ns = Some(100_000)),
        ("clock_step", Some(Degraded), |f| {
            f.clock_step_ns = Some(1_000_000);
        }),
        ("clock_step", Some(Void), |f| {
            f.clock_step_ns = Some(15_600_000);
        }),
        ("clock_read", None, |f| f.clock_read_ns = Some(4_000)),
        ("clock_read", Some(Degraded), |f| {
            f.clock_read_ns = Some(6_000);
        }),
        ("stream_taken", Some(Void), |f| f.stream_taken = true),
        ("workers_not_done", Some(Status::Valid), |f| {
            f.workers_not_done = vec![2, 3];
        }),
        ("clock_unbounded", Some(Status::Valid), |f| {
            f.clock_unbounded = true;
        }),
        ("ledger", None, |f| f.ledgers_balance = true),
        ("ledger", Some(Void), |f| f.ledgers_balance = false),
    ];
    for (code, status, change) in rows {
        let mut facts = good();
        change(&mut facts);
        let expected: Vec<_> = status
            .map(|status| (status, code.to_owned()))
            .into_iter()
            .collect();
        assert_eq!(codes(&facts), expected, "{code} {facts:?}");
    }
}

#[test]
fn a_saturated_host_is_named_as_the_cause_of_lateness_and_left_alone_without_any() {
    let mut facts = Facts {
        host_cpu_share: Some(0.96),
        ..good()
    };
    assert_eq!(codes(&facts), []);
    facts.lateness_p99_us = 1_100;
    let named: Vec<_> = codes(&facts).into_iter().map(|(_, code)| code).collect();
    assert_eq!(named, ["lateness", "host_cpu"]);
}

#[test]
fn the_worst_reason_decides_and_all_are_told() {
    let facts = Facts {
        dropped: 1,
        ledgers_balance: false,
        ..good()
    };
    let verdict = judge(&facts);
    assert_eq!(verdict.status, Status::Void);
    assert_eq!(verdict.reasons.len(), 2);
    assert!(
        verdict.reasons[0].text.contains("0.001 %, above 0 %"),
        "{}",
        verdict.reasons[0].text
    );
    let text = serde_json::to_string(&verdict).unwrap();
    assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    assert!(text.contains("\"VOID\""));
}
