//! A limit that is asked for more than it gives accepts what arithmetic says.

use streamgauge::kinesis::Cause;

use crate::world::{beside, scenario, simulate};

/// The window begins with the first record, at 0 s, and ends with the last, at 179,999 / 3,000 s = 59.999667 s. The
/// bucket is full before it: 1,000 tokens, and 1,000 more each second. A record is accepted whenever a whole token is
/// there, and three ask for each one that comes, so that none goes to waste: 1,000 + floor(59,999.667) are accepted.
#[test]
fn a_shard_offered_three_times_its_rate_for_a_minute_accepts_its_capacity_and_its_rate() {
    let _host = beside();
    let loaded = scenario(
        r#"{ warm_up = "0s", measure = "60s", drain = "20s" }"#,
        1,
        r#"
arrival = { kind = "constant", rate = "3000/s" }
keys = { kind = "single" }
size = { kind = "fixed", bytes = "36B" }
send = { api = "put-record", max_in_flight = 4 }
retry = { kind = "none" }
"#,
        "250ms",
        "",
    );
    let ran = simulate(&loaded, None, None);
    let produced = ran.produced();
    assert_eq!(produced.intended, 180_000);
    assert_eq!(produced.acked, 1_000 + 59_999);
    assert_eq!(produced.throttled, 180_000 - 60_999);
    assert_eq!(produced.rejected_attempts, produced.throttled);
    let web = &ran.outcome.producers["web"];
    let refusals: Vec<_> = web
        .throttles
        .rows()
        .into_iter()
        .map(|row| (row.api.into_owned(), row.cause, row.attempts))
        .collect();
    assert_eq!(
        refusals,
        [(
            "PutRecord".to_owned(),
            Cause::WriteRecords,
            produced.throttled
        )]
    );
    let consumed = ran.consumed();
    assert_eq!((consumed.delivered, consumed.lost), (60_999, 0));
    // Record n finds 1,000 + n/3 - n tokens, which is less than one from record 1,499 on.
    let first_refused = ran
        .stored
        .windows(2)
        .position(|pair| pair[1].sequence != pair[0].sequence + 1);
    let first_refused = first_refused.expect("records were refused") as u64 + 1;
    assert_eq!(first_refused, 1_499);
}
