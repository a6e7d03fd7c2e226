//! The rules that join several fields, or that need a unit to be read first.
//!
//! Invariant: each rule is a plain function of the draft; it adds findings and changes nothing.

mod arrivals;
mod calls;
mod consumers;
mod events;
mod keys;
mod payloads;
mod producers;
mod quotas;
mod simulated;
mod slo;
mod streams;
mod target;

pub(super) use keys::key_bytes_in_json;
pub use quotas::quota_notes;
pub use simulated::check_simulated;
pub(super) use slo::bound_value;
pub use target::{Abilities, cannot, cannot_of, check_target, has_faults};

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
const RULES: [Rule; 49] = [
    rule(streams::somebody_loads, &[]),
    rule(
        calls::are_a_mix_or_a_script,
        &[("calls", "mix"), ("calls", "script"), ("calls", "arrival")],
    ),
    rule(calls::streams_exist, &[("calls", "on"), ("calls", "mix")]),
    rule(
        calls::operations_can_be_loaded,
        &[("calls", "mix"), ("calls", "script")],
    ),
    rule(calls::scripts_have_their_stream, &[("calls", "script")]),
    rule(
        calls::stamped_streams_get_no_other_records,
        &[
            ("calls", "mix"),
            ("calls", "on"),
            ("producers", "payload"),
            ("producers", "stream"),
        ],
    ),
    rule(calls::calls_are_given_time, &[("calls", "timeout")]),
    rule(streams::measures_something, &[("time", "measure")]),
    rule(
        streams::shards_are_given_where_they_are_ones_own_choice,
        &[
            ("streams", "mode"),
            ("streams", "shards"),
            ("streams", "existing"),
        ],
    ),
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
        &[("producers", "arrival"), ("calls", "arrival")],
    ),
    rule(
        arrivals::arrivals_take_time,
        &[("producers", "arrival"), ("calls", "arrival")],
    ),
    rule(
        arrivals::only_the_last_step_goes_on,
        &[("producers", "arrival"), ("calls", "arrival")],
    ),
    rule(
        arrivals::rates_are_in_range,
        &[("producers", "arrival"), ("calls", "arrival")],
    ),
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
    rule(
        payloads::settings_are_of_their_kind,
        &[("producers", "payload")],
    ),
    rule(
        payloads::records_have_one_size,
        &[("producers", "size"), ("producers", "payload")],
    ),
    rule(payloads::only_json_has_a_field, &[("producers", "payload")]),
    rule(
        payloads::sizes_hold_the_template,
        &[
            ("producers", "size"),
            ("producers", "payload"),
            ("producers", "keys"),
        ],
    ),
    rule(
        payloads::ratios_can_be_reached,
        &[("producers", "size"), ("producers", "payload")],
    ),
    rule(payloads::sizes_are_in_order, &[("producers", "size")]),
    rule(
        payloads::stamp_fits,
        &[("producers", "size"), ("producers", "payload")],
    ),
    rule(
        producers::records_fit_the_stream,
        &[
            ("producers", "size"),
            ("producers", "payload"),
            ("producers", "keys"),
            ("producers", "stream"),
            ("streams", "max_record_bytes"),
        ],
    ),
    rule(
        producers::existing_streams_get_no_prefix,
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
            ("producers", "payload"),
            ("producers", "keys"),
            ("producers", "send"),
        ],
    ),
    rule(producers::attempts_are_given_time, &[("producers", "send")]),
    rule(producers::rate_limits_limit, &[("producers", "send")]),
    rule(
        producers::aggregates_fit,
        &[
            ("producers", "send"),
            ("producers", "stream"),
            ("streams", "max_record_bytes"),
        ],
    ),
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
        events::reshard_provisioned_streams_only,
        &[("events", "on"), ("streams", "mode")],
    ),
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
            ("calls", "mix"),
            ("calls", "script"),
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
