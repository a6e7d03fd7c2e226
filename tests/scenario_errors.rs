//! What a person reads when a scenario is wrong.

use insta::assert_snapshot;
use streamgauge::scenario::{Override, Source, load};

const VALID: &str = r#"schema = 1
name = "orders"

[time]
measure = "10s"

[streams.orders]
shards = 2

[producers.web]
arrival = { kind = "constant", rate = "800/s" }
keys = { kind = "uniform", population = 1_000 }
size = { kind = "fixed", bytes = "1KiB" }

[consumers.billing]
kind = "polling"
"#;

fn errors_with(text: &str, overrides: &[&str]) -> String {
    let source = Source {
        path: "orders.toml".to_owned(),
        text: text.to_owned(),
    };
    let overrides: Vec<_> = overrides
        .iter()
        .map(|text| Override::parse(text).expect("it is an override"))
        .collect();
    load(&source, &overrides)
        .expect_err("the scenario is wrong")
        .to_string()
}

/// The errors of the valid scenario with one part replaced.
fn errors(part: &str, replacement: &str) -> String {
    assert!(VALID.contains(part), "{part}");
    errors_with(&VALID.replacen(part, replacement, 1), &[])
}

/// The errors of the valid scenario with something added at its end.
fn errors_after(addition: &str) -> String {
    errors_with(&format!("{VALID}\n{addition}"), &[])
}

#[test]
fn an_unknown_field_is_named_with_what_was_probably_meant() {
    assert_snapshot!(errors(
        "measure = \"10s\"",
        "measure = \"10s\"\nwarmup = \"2s\""
    ));
}

#[test]
fn a_quantity_without_its_unit_says_what_is_accepted() {
    assert_snapshot!(errors("\"10s\"", "10"));
    assert_snapshot!(errors("\"800/s\"", "\"800\""));
    assert_snapshot!(errors("\"1KiB\"", "\"1024\""));
}

#[test]
fn a_missing_parameter_names_its_table_and_what_is_needed() {
    assert_snapshot!(errors(", rate = \"800/s\"", ""));
    assert_snapshot!(errors("kind = \"uniform\", population = 1_000", ""));
    assert_snapshot!(errors_with("", &[]));
}

#[test]
fn what_is_not_supported_yet_lists_what_is() {
    assert_snapshot!(errors(
        "shards = 2",
        "mode = \"serverless\"\nencryption = true"
    ));
    assert_snapshot!(errors("kind = \"constant\"", "kind = \"tidal\""));
    assert_snapshot!(errors("kind = \"polling\"", "kind = \"kcl\""));
}

#[test]
fn an_on_demand_stream_has_no_shards_of_its_owners_and_is_not_resharded() {
    assert_snapshot!(errors("shards = 2", "mode = \"on-demand\"\nshards = 2"));
    assert_snapshot!(errors("shards = 2", "retention = \"24h\""));
    assert_snapshot!(errors(
        "shards = 2",
        "mode = \"on-demand\"\n[events.split]\nat = \"measure+1s\"\ndo = \"split-shard\"\nshard = \"widest\""
    ));
}

#[test]
fn a_fan_out_consumer_has_no_interval_and_a_name_that_is_one_and_its_own() {
    assert_snapshot!(errors(
        "kind = \"polling\"",
        "kind = \"fan-out\"\ninterval = \"1s\"\nconsumer_name = \"a b\""
    ));
    assert_snapshot!(errors(
        "kind = \"polling\"",
        "kind = \"fan-out\"\nconsumer_name = \"billing\"\n[consumers.audit]\nkind = \"fan-out\"\nconsumer_name = \"billing\""
    ));
}

#[test]
fn a_field_of_another_kind_is_unknown_to_this_one() {
    assert_snapshot!(errors(
        "population = 1_000",
        "population = 1_000, exponent = 1.1"
    ));
}

#[test]
fn numbers_out_of_range_say_the_range() {
    assert_snapshot!(errors("shards = 2", "shards = 0"));
    assert_snapshot!(errors(
        "[consumers.billing]",
        "workers = 1.5\nsend = { max_records = 501 }\n\n[consumers.billing]"
    ));
    assert_snapshot!(errors("schema = 1", "schema = 2\nseed = -1"));
}

#[test]
fn all_problems_come_together_in_the_order_of_the_file() {
    assert_snapshot!(errors_with(
        r#"schema = 1
name = "two words"

[time]
measure = "0s"
warm_up = "2"

[streams.orders]
shards = 2
retention = "1h"

[producers.web]
stream = "order"
arrival = { kind = "constant", rate = "800" }

[producers.app]
stream = "order"
arrival = { kind = "constant", rate = "800/s" }
keys = { kind = "hot-set", hot_keys = 9, hot_share = 1.5, population = 9 }
size = { kind = "uniform", min = "20B", max = "2MiB" }
"#,
        &[]
    ));
}

#[test]
fn text_that_is_no_toml_shows_where() {
    assert_snapshot!(errors("shards = 2", "shards ="));
}

#[test]
fn rules_that_join_fields_name_both() {
    assert_snapshot!(errors(
        "kind = \"uniform\", population = 1_000",
        "kind = \"hot-set\", hot_keys = 9, hot_share = 0.5, population = 9"
    ));
    assert_snapshot!(errors("\"1KiB\"", "\"20B\""));
    assert_snapshot!(errors("\"1KiB\"", "\"1MiB\""));
    assert_snapshot!(errors(
        "[consumers.billing]",
        "send = { api = \"put-record\", max_records = 2, max_bytes = \"1KiB\", timeout = \"0s\" }\nretry = { kind = \"full-jitter\", base = \"3s\" }\n\n[consumers.billing]"
    ));
}

#[test]
fn a_stream_must_be_declared_and_named_when_there_are_several() {
    assert_snapshot!(errors(
        "kind = \"polling\"",
        "kind = \"polling\"\nstream = \"order\""
    ));
    assert_snapshot!(errors(
        "[producers.web]",
        "[streams.refunds]\nshards = 1\n\n[producers.web]"
    ));
}

#[test]
fn events_name_a_known_action_a_phase_and_a_time_within_the_run() {
    assert_snapshot!(errors_after(
        "[events.a]\nat = \"measure+5s\"\ndo = \"pause\""
    ));
    assert_snapshot!(errors_after(
        "[events.a]\nat = \"5s\"\ndo = \"split-shard\"\nshard = \"warmest\""
    ));
    assert_snapshot!(errors_after(
        "[events.a]\nat = \"measure+1m\"\ndo = \"stall\"\nduration = \"0s\""
    ));
}

#[test]
fn an_slo_names_a_figure_that_there_is_and_a_bound_in_its_unit() {
    assert_snapshot!(errors_after(
        "[slo]\na = { metric = \"consumers.biling.lost\", max = 0 }\nb = { metric = \"consumers.billing.end_to_end\", max = \"1s\" }\nc = { metric = \"consumers.billing.end2end.p99\", max = \"1s\" }"
    ));
    assert_snapshot!(errors_after(
        "[slo]\na = { metric = \"consumers.billing.end_to_end.p99\", max = 1 }\nb = { metric = \"producers.web.accepted_share\", min = 99.9 }\nc = { metric = \"producers.web.acked\", max = \"1s\" }\nd = { metric = \"producers.web.acked\" }"
    ));
    assert_snapshot!(errors_after(
        "[slo]\na = { metric = \"producers.web.accepted_share\", min = \"101%\" }\nb = { metric = \"producers.web.accepted_share\", min = \"1s\" }\nc = { metric = \"consumers.billing.end_to_end.p99\", max = \"50%\" }\nd = { metric = \"consumers.billing.lost\", max = \"1%\" }\ne = { metric = \"consumers.billing.lost\", max = \"few\" }"
    ));
}

#[test]
fn a_figure_from_the_stamp_needs_records_that_carry_it() {
    let text = VALID.replacen(
        "[consumers.billing]",
        "payload = { stamp = \"none\" }\n\n[consumers.billing]",
        1,
    );
    assert_snapshot!(errors_with(
        &format!("{text}\n[slo]\nlost = {{ metric = \"consumers.billing.lost\", max = 0 }}"),
        &[]
    ));
}

#[test]
fn a_write_bucket_that_never_holds_the_largest_record_is_refused() {
    let table = |capacity: u64, more: &str| {
        format!("[engine.limits]\nwrite_bytes = {{ per_s = 500, capacity = {capacity} }}\n{more}")
    };
    let text = errors_after(&table((1 << 20) - 1, ""));
    assert!(
        text.contains("a capacity of 1048575 bytes lets no record of the largest size through"),
        "{text}"
    );
    assert!(text.contains("at least 1048576"), "{text}");
    for accepted in [table(1 << 20, ""), table(5_000, "record_bytes = 5000")] {
        let source = Source {
            path: "orders.toml".to_owned(),
            text: format!("{VALID}\n{accepted}"),
        };
        load(&source, &[]).expect("every record fits the bucket");
    }
}

#[test]
fn limits_and_delays_are_known_by_name() {
    assert_snapshot!(errors_after(
        "[engine]\nlimits = \"none\"\nlatency = \"real\""
    ));
    assert_snapshot!(errors_after(
        "[engine.limits]\nwrite_record = \"off\"\nwrite_bytes = 5\nread_calls = { per_s = 5 }\nshards = \"off\"\n\n[engine.latency]\nput_records = { p50 = \"80ms\", p99 = \"15ms\" }\nget_records = 20"
    ));
}

#[test]
fn a_problem_of_an_override_points_to_the_override() {
    assert_snapshot!(errors_with(
        VALID,
        &["producers.web.arrival.rate=800", "seed=7"]
    ));
    assert_snapshot!(errors_with(VALID, &["producers.wbe.workers=2"]));
    assert_snapshot!(errors_with(VALID, &["producers.web.worker=2"]));
    assert_snapshot!(errors_with(VALID, &["producers.web.workers.all=2"]));
}
