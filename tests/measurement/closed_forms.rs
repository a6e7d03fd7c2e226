//! Where arithmetic gives every latency, the histograms are exactly those of the arithmetic.

use std::time::Duration;

use streamgauge::measure::{LatencyHistogram, LatencyKind};
use streamgauge::scenario::Loaded;
use streamgauge::target::Script;

use crate::world::{EPOCH, Ran, beside, histogram, scenario, simulate};

const MS: Duration = Duration::from_millis(1);
const US: Duration = Duration::from_micros(1);

fn loaded(seconds: u32, rate: u32, send: &str, retry: &str, interval: &str, rest: &str) -> Loaded {
    let time = format!(r#"{{ warm_up = "0s", measure = "{seconds}s", drain = "20s" }}"#);
    let producer = format!(
        r#"
arrival = {{ kind = "constant", rate = "{rate}/s" }}
keys = {{ kind = "single" }}
size = {{ kind = "fixed", bytes = "64B" }}
send = {{ {send} }}
retry = {retry}
"#
    );
    let rest = format!("{rest}\n[engine]\nlimits = \"off\"");
    scenario(&time, 1, &producer, interval, &rest)
}

const NO_RETRY: &str = r#"{ kind = "none" }"#;

fn assert_latency(ran: &Ran, kind: LatencyKind, expected: &LatencyHistogram) {
    let found = ran.latency(kind);
    assert!(
        found == *expected,
        "{kind}: found {:?}, expected {:?}",
        found.summary(),
        expected.summary()
    );
}

/// A queue with one server: the wait of a record is what the wait and the service of the one before it leave after the
/// gap between the two (Lindley, 1952).
#[test]
fn one_request_at_a_time_gives_the_waits_of_lindleys_recursion() {
    let _host = beside();
    let gap = 10 * MS;
    // Six slow answers in a row pile up a queue that the fast ones after them work off. The odd microsecond keeps every
    // moment at which a record is stored away from the moments of the reader's calls.
    let slow = 25 * MS + US;
    let fast = 2 * MS + US;
    let mut put_times = vec![slow; 6];
    put_times.extend([fast; 34]);
    let script = Script {
        put_times: put_times.clone(),
        ..Script::default()
    };
    let send = r#"api = "put-record", max_in_flight = 1"#;
    let interval = 7 * MS;
    let ran = simulate(
        &loaded(20, 100, send, NO_RETRY, "7ms", ""),
        Some(script),
        None,
    );
    let records = 2_000;
    assert_eq!(ran.produced().acked, records);

    let mut waits = vec![Duration::ZERO];
    let services: Vec<_> = (0..records as usize)
        .map(|i| put_times[i % put_times.len()])
        .collect();
    for i in 1..records as usize {
        waits.push((waits[i - 1] + services[i - 1]).saturating_sub(gap));
    }
    let responses = || {
        waits
            .iter()
            .zip(&services)
            .map(|(wait, service)| *wait + *service)
    };
    assert!(waits.iter().max() > Some(&(70 * MS)), "the queue grew");
    assert_latency(&ran, LatencyKind::BatchWait, &histogram(waits.clone()));
    assert_latency(&ran, LatencyKind::ServiceTime, &histogram(services.clone()));
    assert_latency(&ran, LatencyKind::ResponseTime, &histogram(responses()));
    let none = waits.iter().map(|_| Duration::ZERO);
    assert_latency(&ran, LatencyKind::Lateness, &histogram(none));

    // The target stores a record when it answers; the reader calls every 7 ms from the beginning of time on.
    let lead = ran.outcome.start.since(EPOCH);
    let delivered = responses().enumerate().map(|(i, response)| {
        let intended = lead + gap * i as u32;
        let calls = (intended + response)
            .as_nanos()
            .div_ceil(interval.as_nanos());
        (interval * calls as u32).abs_diff(intended)
    });
    assert_latency(&ran, LatencyKind::EndToEnd, &histogram(delivered));
}

/// A batch is sent when its first record has lingered; whatever became due by then goes with it.
#[test]
fn a_batch_waits_for_its_linger_and_each_record_for_the_rest_of_it() {
    let _host = beside();
    let send = r#"api = "put-records", linger = "10ms""#;
    let script = Script {
        put_times: vec![3 * MS],
        ..Script::default()
    };
    let ran = simulate(
        &loaded(11, 1_000, send, NO_RETRY, "100ms", ""),
        Some(script),
        None,
    );
    // Records come every millisecond: eleven in a batch, the last one as it is sent. 11,000 are 1,000 whole batches.
    let waits = || (0..11_000u32).map(|i| MS * (10 - i % 11));
    assert_latency(&ran, LatencyKind::BatchWait, &histogram(waits()));
    assert_latency(
        &ran,
        LatencyKind::ServiceTime,
        &histogram(vec![3 * MS; 1_000]),
    );
    let responses = waits().map(|wait| wait + 3 * MS);
    assert_latency(&ran, LatencyKind::ResponseTime, &histogram(responses));
}

#[test]
fn a_full_batch_does_not_linger() {
    let _host = beside();
    let send = r#"api = "put-records", linger = "100ms", max_records = 5"#;
    let ran = simulate(
        &loaded(10, 1_000, send, NO_RETRY, "100ms", ""),
        Some(Script::default()),
        None,
    );
    let waits = (0..10_000u32).map(|i| MS * (4 - i % 5));
    assert_latency(&ran, LatencyKind::BatchWait, &histogram(waits));
    assert_latency(
        &ran,
        LatencyKind::ServiceTime,
        &histogram(vec![Duration::ZERO; 2_000]),
    );
}

/// Response time under a stall is a triangle: the record that comes as it begins waits for all of it.
#[test]
fn a_stall_delays_each_record_by_what_is_left_of_it() {
    let _host = beside();
    let send = r#"api = "put-record", max_in_flight = 1_000"#;
    let stall = "[events.stall]\nat = \"measure+4000500us\"\ndo = \"stall\"\nduration = \"500ms\"";
    let ran = simulate(
        &loaded(10, 1_000, send, NO_RETRY, "100ms", stall),
        Some(Script::default()),
        None,
    );
    let (begin, end) = (4_000 * MS + 500 * US, 4_500 * MS + 500 * US);
    let responses = (0..10_000u32).map(|i| {
        let intended = MS * i;
        if intended > begin && intended < end {
            end.abs_diff(intended)
        } else {
            Duration::ZERO
        }
    });
    assert_latency(&ran, LatencyKind::ResponseTime, &histogram(responses));
    assert_eq!(ran.outcome.producers["web"].max_in_flight, 500);
}

/// Every record put in a storm of 220 ms is refused; with a fixed wait of 50 ms a record is tried 0, 50, 100, 150 and
/// 200 ms after its intended time, and accepted at the first of these after the storm.
#[test]
fn fixed_waits_against_a_storm_give_whole_multiples_until_the_attempts_end() {
    let _host = beside();
    let send = r#"api = "put-record", max_in_flight = 1_000"#;
    let retry = r#"{ kind = "fixed", attempts = 5, base = "50ms" }"#;
    let storm = "[events.storm]\nat = \"measure+2000500us\"\ndo = \"throttle-storm\"\nduration = \"220ms\"\nshare = 1.0";
    let ran = simulate(
        &loaded(5, 1_000, send, retry, "100ms", storm),
        Some(Script::default()),
        None,
    );
    let (begin, end) = (2_000 * MS + 500 * US, 2_220 * MS + 500 * US);
    let (mut accepted, mut given_up, mut refusals) = (Vec::new(), Vec::new(), 0);
    for i in 0..5_000u32 {
        let attempt = |number: u32| MS * i + 50 * MS * number;
        let refused = |number: &u32| attempt(*number) > begin && attempt(*number) < end;
        // Refused attempts come first: a record before the storm is never refused, one in it until it is over.
        let refused = (0..5).take_while(refused).count() as u32;
        refusals += u64::from(refused);
        if refused < 5 {
            accepted.push(50 * MS * refused);
        } else {
            given_up.push(200 * MS);
        }
    }
    // Those of the first 20 ms have their fifth attempt within the storm.
    assert_eq!(given_up.len(), 20);
    let produced = ran.produced();
    assert_eq!(
        (produced.throttled, produced.rejected_attempts),
        (20, refusals)
    );
    assert_latency(&ran, LatencyKind::ResponseTime, &histogram(accepted));
    assert_latency(&ran, LatencyKind::TimeToGiveUp, &histogram(given_up));
}

/// An attempt that is not answered ends with its timeout, and each record has its own attempts.
#[test]
fn attempts_without_an_answer_end_after_their_timeouts_and_waits() {
    let _host = beside();
    let send = r#"api = "put-record", timeout = "70ms", max_in_flight = 1_000"#;
    let retry = r#"{ kind = "exponential", attempts = 3, base = "10ms", cap = "1s" }"#;
    let script = Script {
        lose_call: 1.0,
        ..Script::default()
    };
    let ran = simulate(
        &loaded(2, 100, send, retry, "100ms", ""),
        Some(script),
        None,
    );
    let produced = ran.produced();
    assert_eq!((produced.unknown, produced.unknown_attempts), (200, 600));
    // 70, wait 10, 70, wait 20, 70.
    assert_latency(&ran, LatencyKind::TimeToGiveUp, &histogram([240 * MS; 200]));
}
