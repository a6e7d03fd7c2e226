//! The rules that join several fields, or that need a unit to be read first.
//!
//! Invariant: each rule is a plain function of the draft; it adds findings and changes nothing.

mod arrivals;
mod consumers;
mod events;
mod keys;
mod producers;
mod simulated;
mod slo;
mod streams;
mod target;

pub use simulated::check_simulated;
pub(super) use slo::bound_value;
pub use target::{Abilities, cannot, check_target, has_faults};

use super::draft::Draft;
use super::finding::{At, Finding};

/// A rule, and the settings that it reads: `("producers", "keys")` is `keys` of each producer.
struct Rule {
    reads: &'static [(&'static str, &'static str)],
    check: fn(&Draft, &mut Vec<Finding>),
}

const fn rule(
    check: fn(&Draft, &mut Vec<Finding>),
    reads: &'static [(&'static str, &'static str)],
) -> Rule {
    Rule { reads, check }
}

/// Every rule.
const RULES: [Rule; 33] = [
    rule(streams::measures_something, &[("time", "measure")]),
    rule(
        streams::keeps_records_as_long_as_the_service_can,
        &[("streams", "retention")],
    ),
    rule(
        streams::largest_record_is_one_the_service_can_have,
        &[("streams", "max_record_bytes")],
    ),
    rule(
        streams::memory_holds_a_record,
        &[("engine", "max_memory"), ("streams", "max_record_bytes")],
    ),
    rule(
        streams::write_bucket_holds_the_largest_record,
        &[("engine", "limits"), ("streams", "max_record_bytes")],
    ),
    rule(
        streams::delays_have_their_percentiles_in_order,
        &[("engine", "latency")],
    ),
    rule(
        consumers::refused_readers_pause,
        &[("consumers", "backoff")],
    ),
    rule(
        consumers::readers_come_back_in_an_iterators_life,
        &[("consumers", "interval"), ("consumers", "backoff")],
    ),
    rule(
        consumers::registered_names_are_names_and_differ,
        &[("consumers", "consumer_name"), ("consumers", "stream")],
    ),
    rule(
        producers::streams_exist,
        &[("producers", "stream"), ("consumers", "stream")],
    ),
    rule(
        arrivals::rates_are_made_of_rates,
        &[("producers", "arrival")],
    ),
    rule(arrivals::arrivals_take_time, &[("producers", "arrival")]),
    rule(
        arrivals::only_the_last_step_goes_on,
        &[("producers", "arrival")],
    ),
    rule(arrivals::rates_are_in_range, &[("producers", "arrival")]),
    rule(keys::hot_keys_leave_cold_ones, &[("producers", "keys")]),
    rule(
        keys::normal_keys_lie_in_their_population,
        &[("producers", "keys")],
    ),
    rule(keys::written_keys_have_weights, &[("producers", "keys")]),
    rule(keys::mixes_and_salts_have_room, &[("producers", "keys")]),
    rule(
        keys::shard_shares_are_of_each_shard,
        &[
            ("producers", "keys"),
            ("producers", "stream"),
            ("streams", "shards"),
        ],
    ),
    rule(
        keys::keys_are_no_longer_than_a_partition_key,
        &[("producers", "keys")],
    ),
    rule(producers::sizes_are_in_order, &[("producers", "size")]),
    rule(
        producers::stamp_fits,
        &[("producers", "size"), ("producers", "payload")],
    ),
    rule(
        producers::records_fit_the_stream,
        &[
            ("producers", "size"),
            ("producers", "keys"),
            ("producers", "stream"),
            ("streams", "max_record_bytes"),
        ],
    ),
    rule(
        producers::existing_streams_get_no_stamp,
        &[
            ("producers", "stream"),
            ("producers", "payload"),
            ("streams", "existing"),
        ],
    ),
    rule(producers::put_record_sends_one, &[("producers", "send")]),
    rule(
        producers::requests_hold_the_largest_record,
        &[
            ("producers", "size"),
            ("producers", "keys"),
            ("producers", "send"),
        ],
    ),
    rule(producers::attempts_are_given_time, &[("producers", "send")]),
    rule(
        producers::waits_are_below_their_cap,
        &[("producers", "retry")],
    ),
    rule(
        producers::outstanding_records_can_queue,
        &[("producers", "arrival"), ("producers", "send")],
    ),
    rule(events::streams_exist, &[("events", "on")]),
    rule(
        events::happen_within_the_run,
        &[
            ("time", "warm_up"),
            ("time", "measure"),
            ("time", "drain"),
            ("events", "at"),
        ],
    ),
    rule(events::last_some_time, &[("events", "duration")]),
    rule(
        slo::bounds_fit_their_figures,
        &[
            ("slo", "metric"),
            ("slo", "max"),
            ("slo", "min"),
            ("consumers", "stream"),
            ("producers", "stream"),
            ("producers", "payload"),
        ],
    ),
];

/// Applies every rule. What a rule finds because of a setting that stands in for a refused one is not said.
pub(super) fn validate(draft: &Draft, findings: &mut Vec<Finding>) {
    for rule in &RULES {
        let mut found = Vec::new();
        (rule.check)(draft, &mut found);
        found.retain(|finding| !rests_on_a_stand_in(draft, rule, finding));
        findings.append(&mut found);
    }
}

fn rests_on_a_stand_in(draft: &Draft, rule: &Rule, finding: &Finding) -> bool {
    let (At::Value(path) | At::Name(path)) = &finding.at else {
        return false;
    };
    draft.stand_ins.iter().any(|stand_in| {
        let table = stand_in.first().map(String::as_str);
        let field = stand_in.last().map(String::as_str);
        let read = rule
            .reads
            .iter()
            .any(|&(of, name)| table == Some(of) && field == Some(name));
        // A rule that joins tables may rest on any entry of the other table.
        let elsewhere = stand_in.first() != path.first();
        read && (elsewhere || path.starts_with(&stand_in[..stand_in.len() - 1]))
    })
}

/// Says that a producer, consumer or event names no stream, or one that is not declared.
fn stream_exists(
    draft: &Draft,
    path: [&str; 3],
    stream: Option<&str>,
    findings: &mut Vec<Finding>,
) {
    let declared = &draft.declared.streams;
    let holder = super::finding::dotted(&path[..2]);
    match stream {
        Some(stream) if declared.iter().any(|name| name == stream) => {}
        Some(stream) => findings.push(
            Finding::value(
                &path,
                format!("`{holder}` names a stream `{stream}` that is not declared"),
            )
            .accepted(stream, declared),
        ),
        // Without any stream, that is what is said.
        None if declared.is_empty() => {}
        None => findings.push(
            Finding::value(
                &path,
                format!(
                    "`{holder}` needs `{}`: there is more than one stream",
                    path[2]
                ),
            )
            .accepted("", declared),
        ),
    }
}
