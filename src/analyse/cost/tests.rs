//! Bills against arithmetic by hand. Prices are those of us-east-1, as the list has them.

use super::*;
use crate::kinesis::record::Billed;
use crate::measure::{KinesisRecords, ProducerLedger};
use crate::report::document::ByPhase;
use crate::scenario::{Override, Source, load};

fn scenario(name: &str, changes: &[(&str, &str)]) -> Scenario {
    scenario_with(name, "", changes)
}

/// With more at its end.
fn scenario_with(name: &str, more: &str, changes: &[(&str, &str)]) -> Scenario {
    let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap() + more;
    let change = |&(path, value): &(&str, &str)| Override {
        path: path.to_owned(),
        value: value.to_owned(),
    };
    let changes: Vec<_> = changes.iter().map(change).collect();
    load(&Source { path, text }, &changes).unwrap().scenario
}

fn close(got: f64, wanted: f64) {
    assert!((got - wanted).abs() < wanted * 1e-9, "{got}, not {wanted}");
}

#[test]
fn an_hour_of_first_run_costs_what_hand_arithmetic_says() {
    // 55 minutes of load and 2 of drain end within the hour: 2 shards x 0.015. 1,000/s x 3,300 s of records below
    // 25 KB are 3.3 million units x 0.014.
    let hour = [
        ("time.warm_up", "0s"),
        ("time.measure", "55m"),
        ("time.drain", "2m"),
    ];
    let cost = estimate(&scenario("first-run", &hour), &Prices::shipped());
    close(cost.usd, 2.0 * 0.015 + 3.3 * 0.014);
    // A minute more of drain than the hour holds, and each shard owes its second hour.
    let longer = [
        ("time.warm_up", "0s"),
        ("time.measure", "55m"),
        ("time.drain", "4m"),
    ];
    let cost = estimate(&scenario("first-run", &longer), &Prices::shipped());
    close(cost.usd, 2.0 * 2.0 * 0.015 + 3.3 * 0.014);
}

#[test]
fn a_run_of_seconds_owes_a_whole_hour_of_each_shard() {
    let cost = estimate(&scenario("first-run", &[]), &Prices::shipped());
    close(cost.lines[0].usd, 0.03);
    close(cost.lines[1].quantity, 6_000.0);
}

#[test]
fn a_record_is_billed_in_begun_units() {
    for (size, units) in [("24KB", 1.0), ("25KB", 2.0), ("49KB", 2.0), ("1MiB", 42.0)] {
        let changes = [
            (
                "producers.web.size",
                format!("{{ kind = \"fixed\", bytes = \"{size}\" }}"),
            ),
            ("streams.orders.max_record_bytes", "2MiB".to_owned()),
        ];
        let changes: Vec<_> = changes.iter().map(|(p, v)| (*p, v.as_str())).collect();
        let cost = estimate(&scenario("first-run", &changes), &Prices::shipped());
        close(cost.lines[1].quantity, 6_000.0 * units);
    }
    // Half of these sizes are below the first boundary, less the key's bytes.
    let half = [(
        "producers.web.size",
        "{ kind = \"uniform\", min = \"20KB\", max = \"30KB\" }",
    )];
    let cost = estimate(&scenario("first-run", &half), &Prices::shipped());
    let units = cost.lines[1].quantity / 6_000.0;
    assert!((units - 1.5).abs() < 0.01, "{units}");
}

#[test]
fn shards_that_a_reshard_opens_are_paid_for() {
    let cost = estimate(&scenario("reshard-under-load", &[]), &Prices::shipped());
    // 2, two children of the split, one of the merge.
    close(cost.lines[0].quantity, 5.0);
}

#[test]
fn retention_beyond_a_day_is_a_line_of_its_own() {
    let week = scenario("first-run", &[("streams.orders.retention", "168h")]);
    let cost = estimate(&week, &Prices::shipped());
    close(cost.lines[1].usd, 2.0 * 0.02);
    assert!(cost.lines[1].item.contains("retention"));
}

#[test]
fn a_closed_loop_is_taken_to_write_what_its_shards_accept() {
    let closed = scenario("max-throughput", &[]);
    let cost = estimate(&closed, &Prices::shipped());
    assert_eq!(cost.lines[1].basis, FigureBasis::Assumed);
    // 4 shards x (6 s and a second's burst) x 1,000 records, and of the 16,000 that are outstanding at the end all in a
    // drain of 5 s. Bytes would allow 1,016 a second.
    close(cost.lines[1].quantity, 44_000.0);
}

#[test]
fn on_demand_is_priced_by_the_gigabyte_in_both_directions() {
    let fixed = [(
        "producers.web.size",
        "{ kind = \"fixed\", bytes = \"1500B\" }",
    )];
    let cost = on_demand(&scenario("first-run", &fixed), &Prices::shipped());
    close(cost.lines[0].usd, 0.04);
    // Each record of 1.5 KB is billed as 2 KB on its way in, and as it is on its way out.
    close(cost.lines[1].usd, 6_000.0 * 2_000.0 / 1e9 * 0.08);
    close(cost.lines[2].usd, 6_000.0 * 1_508.0 / 1e9 * 0.04);
}

/// A producer without a rate on an existing stream that the file takes for one of a single shard.
fn existing() -> Scenario {
    scenario(
        "max-throughput",
        &[
            ("streams.orders.existing", "true"),
            ("streams.orders.shards", "1"),
            ("time.drain", "0s"),
            (
                "producers.web.payload",
                "{ kind = \"random\", stamp = \"none\" }",
            ),
            ("slo", "{}"),
        ],
    )
}

fn found(open_shards: u32, on_demand: bool) -> FoundStreams {
    let found = Found {
        open_shards,
        on_demand,
        retention: Duration::from_hours(24),
    };
    FoundStreams::from([("orders".parse().unwrap(), found)])
}

#[test]
fn a_closed_loop_into_an_existing_stream_is_bounded_by_the_shards_that_it_has() {
    let of = |shards| estimate_of(&existing(), &found(shards, false), &Prices::shipped()).usd;
    close(of(40), 40.0 * of(1));
}

#[test]
fn an_existing_on_demand_stream_is_priced_by_the_gigabyte_before_meanwhile_and_after() {
    let prices = Prices::shipped();
    let scenario = existing();
    let cost = estimate_of(&scenario, &found(4, true), &prices);
    let items: Vec<_> = cost.lines.iter().map(|line| line.item.as_str()).collect();
    assert!(items.contains(&"GB in"), "{items:?}");
    assert!(!items.contains(&"PUT payload units"), "{items:?}");
    let provisioned = estimate_of(&scenario, &found(4, false), &prices);
    assert!(cost.usd > provisioned.usd);
    // Records of a KB and a little are billed as two.
    let live = LiveCost::new(&scenario, found(4, true), prices);
    let first = live.usd(Duration::ZERO, Billed::record(1_032).times(1_000_000));
    assert!(first >= 0.16, "{first}");
}

#[test]
fn the_live_cost_grows_with_what_is_stored_and_with_begun_hours() {
    let live = LiveCost::new(
        &scenario("first-run", &[]),
        FoundStreams::new(),
        Prices::shipped(),
    );
    let million = Billed::record(100).times(1_000_000);
    close(live.usd(Duration::from_secs(1), Billed::default()), 0.03);
    close(live.usd(Duration::from_secs(3_479), million), 0.044);
    close(live.usd(Duration::from_secs(3_481), million), 0.074);
}

#[test]
fn fan_out_owes_an_hour_of_each_consumers_shards_and_the_gigabytes_that_it_is_pushed() {
    let fixed = [
        (
            "producers.web.arrival",
            "{ kind = \"constant\", rate = \"1000/s\" }",
        ),
        (
            "producers.web.size",
            "{ kind = \"fixed\", bytes = \"1000B\" }",
        ),
    ];
    let both = scenario("fan-out", &fixed);
    let prices = Prices::shipped();
    let cost = estimate(&both, &prices);
    let line = |item: &str| cost.lines.iter().find(|line| line.item == item).unwrap();
    // Two shards and one consumer that is pushed to, for a begun hour; 11,000 records with keys of up to 7 bytes.
    close(line("consumer-shard-hours").usd, 2.0 * 0.015);
    close(line("GB by fan-out").usd, 11_000.0 * 1_007.0 / 1e9 * 0.013);
    let instead = on_demand(&both, &prices);
    let line = |item: &str| instead.lines.iter().find(|line| line.item == item);
    assert!(line("consumer-shard-hours").is_none());
    let pushed = line("GB by fan-out").unwrap();
    close(pushed.usd, 11_000.0 * 1_007.0 / 1e9 * 0.05);
    // Only the polling consumer reads what on-demand streams bill as read.
    close(line("GB out").unwrap().quantity, pushed.quantity);
    let live = LiveCost::new(&both, FoundStreams::new(), prices);
    close(
        live.usd(Duration::from_secs(1), Billed::default()),
        4.0 * 0.015,
    );
    let million = Billed::record(1_007).times(1_000_000);
    let first = live.usd(Duration::from_secs(1), million) - 0.06;
    close(first, 0.014 + 1_007_000_000.0 / 1e9 * 0.013);
}

#[test]
fn what_is_pushed_of_an_existing_stream_is_bounded_by_what_its_shards_may_push() {
    let reader = scenario(
        "fan-out",
        &[
            ("streams.orders.existing", "true"),
            (
                "producers.web.payload",
                "{ kind = \"random\", stamp = \"none\" }",
            ),
            ("slo", "{}"),
        ],
    );
    let cost = estimate_of(&reader, &found(4, false), &Prices::shipped());
    let line = |item: &str| cost.lines.iter().find(|line| line.item == item).unwrap();
    close(line("consumer-shard-hours").quantity, 4.0);
    let pushed = line("GB by fan-out");
    let seconds = planned(&reader).as_secs_f64();
    close(pushed.quantity, 4.0 * f64::from(2 << 20) * seconds / 1e9);
    assert_eq!(pushed.basis, FigureBasis::Assumed);
}

#[test]
fn a_stream_that_a_run_makes_on_demand_owes_its_hour_and_its_gigabytes() {
    let on_demand_mode = [
        ("streams.orders", "{ mode = \"on-demand\" }"),
        (
            "producers.web.size",
            "{ kind = \"fixed\", bytes = \"1500B\" }",
        ),
    ];
    let scenario = scenario("first-run", &on_demand_mode);
    let prices = Prices::shipped();
    let cost = estimate(&scenario, &prices);
    let items: Vec<_> = cost.lines.iter().map(|line| line.item.as_str()).collect();
    assert_eq!(items, ["stream-hours", "GB in", "GB out"]);
    assert_eq!(cost.lines, on_demand(&scenario, &prices).lines);
    close(cost.lines[0].usd, 0.04);
    close(cost.lines[1].usd, 6_000.0 * 2_000.0 / 1e9 * 0.08);
    close(cost.lines[2].usd, 6_000.0 * 1_508.0 / 1e9 * 0.04);
    let live = LiveCost::new(&scenario, FoundStreams::new(), prices);
    let all = Billed::record(1_508).times(6_000);
    close(live.usd(Duration::from_secs(1), all), cost.usd);
}

#[test]
fn an_attempt_without_an_answer_may_have_been_stored_and_counts() {
    let ledger = ProducerLedger {
        acked_put_units: 20,
        kinesis_records: KinesisRecords {
            acked: 10,
            acked_bytes: 300_000,
            acked_kilobytes: 305,
            unknown: 3,
            unknown_bytes: 90_000,
            ..KinesisRecords::default()
        },
        ..ProducerLedger::default()
    };
    // Three records that have 90,000 bytes together begin 6 units at most, as 1 + 1 + 88,000 bytes would.
    let billed = ledger.billed();
    assert_eq!((billed.bytes, billed.put_units), (390_000, 26));
    assert_eq!(billed.kilobytes, 305 + 93);
}

/// 20,000 records/s of 60 bytes for 7 s, packed, on 4 shards, with a reader that is pushed to.
fn packed(changes: &[(&str, &str)]) -> Scenario {
    let load = [
        ("time.warm_up", "2s"),
        ("time.measure", "5s"),
        ("streams.orders.shards", "4"),
        (
            "producers.web.arrival",
            "{ kind = \"poisson\", rate = \"20000/s\" }",
        ),
        (
            "producers.web.size",
            "{ kind = \"fixed\", bytes = \"60B\" }",
        ),
    ];
    let all: Vec<_> = load.iter().chain(changes).copied().collect();
    let pushed = "\n[consumers.pushed]\nkind = \"fan-out\"\n";
    scenario_with("packed-records", pushed, &all)
}

fn quantity(cost: &Cost, item: &str) -> f64 {
    let line = cost.lines.iter().find(|line| line.item == item);
    line.map_or(0.0, |line| line.quantity)
}

#[test]
fn packed_records_are_estimated_as_the_kinesis_records_that_they_become() {
    let prices = Prices::shipped();
    let cost = estimate(&packed(&[]), &prices);
    // In each shard 5,000 records/s come, so that while one lingers (100 ms) 500 do; each takes some 77 bytes, with its key
    // and the packing's. Ten Kinesis records/s of 501, or of the 51,200 bytes that one may have: 4 x 10 x 7 s = 280 or a few
    // more, of 1 or 2 units.
    let units = quantity(&cost, "PUT payload units");
    assert!((280.0..1_200.0).contains(&units), "{units}");
    // 140,000 records of 60 bytes are 8.4 MB, of 77 bytes 10.8 MB.
    let bytes = quantity(&cost, "GB by fan-out") * 1e9;
    assert!((9.5e6..11.5e6).contains(&bytes), "{bytes}");
    let instead = on_demand(&packed(&[]), &prices);
    let rounded = quantity(&instead, "GB in") * 1e9;
    assert!(rounded > bytes && rounded < 1.06 * bytes, "{rounded}");
    close(quantity(&instead, "GB out") * 1e9, bytes);
    // What is not packed begins a kilobyte and a unit with each record: 140,000 on average, and four deviations of 374.17.
    let loose = packed(&[("producers.web.send.aggregate", "off")]);
    close(
        quantity(&estimate(&loose, &prices), "PUT payload units"),
        141_496.662_954_709,
    );
    close(
        quantity(&on_demand(&loose, &prices), "GB in") * 1e9,
        141_496.662_954_709 * 1_000.0,
    );
}

#[test]
fn a_packed_load_costs_what_its_kinesis_records_have_counted_while_it_goes_on() {
    let prices = Prices::shipped();
    // 560 Kinesis records of 19,306 bytes each.
    let stored = Billed::record(19_306).times(560);
    assert_eq!(
        (stored.bytes, stored.put_units, stored.kilobytes),
        (10_811_360, 560, 11_200)
    );
    let live = LiveCost::new(&packed(&[]), FoundStreams::new(), prices.clone());
    // Four shards and the shards of one consumer for an hour: 8 x 0.015.
    close(
        live.usd(Duration::from_secs(7), stored),
        0.12 + 560.0 * 0.014 / 1e6 + 0.010_811_36 * 0.013,
    );
    let on_demand = packed(&[("streams.orders", "{ mode = \"on-demand\" }")]);
    let live = LiveCost::new(&on_demand, FoundStreams::new(), prices);
    close(
        live.usd(Duration::from_secs(7), stored),
        0.04 + 0.011_2 * 0.08 + 0.010_811_36 * (0.04 + 0.05),
    );
}

#[test]
fn a_finished_packed_load_costs_what_its_kinesis_records_have_counted() {
    let prices = Prices::shipped();
    let ledger = ProducerLedger {
        acked: 140_000,
        acked_bytes: 140_000 * 67,
        acked_put_units: 560,
        kinesis_records: KinesisRecords {
            attempts: 560,
            acked: 560,
            acked_bytes: 10_811_360,
            acked_kilobytes: 11_200,
            ..KinesisRecords::default()
        },
        ..ProducerLedger::default()
    };
    let mut document = crate::report::sample::document();
    document.calls.clear();
    document.ledger.producers = [(
        "web".to_owned(),
        ByPhase::of(ProducerLedger::default(), ledger),
    )]
    .into();
    let of =
        |mode: &[(&str, &str)]| of_report(&document, &packed(mode), &FoundStreams::new(), &prices);
    let provisioned = of(&[]);
    close(quantity(&provisioned, "PUT payload units"), 560.0);
    close(quantity(&provisioned, "GB by fan-out"), 0.010_811_36);
    let on_demand = of(&[("streams.orders", "{ mode = \"on-demand\" }")]);
    close(quantity(&on_demand, "GB in"), 0.011_2);
    close(quantity(&on_demand, "GB out"), 0.010_811_36);
    close(quantity(&on_demand, "GB by fan-out"), 0.010_811_36);
    for line in provisioned.lines.iter().chain(&on_demand.lines) {
        assert_eq!(line.basis, document.world.basis(), "{line:?}");
    }
}

#[test]
fn a_closed_loop_that_packs_is_taken_to_reach_both_limits_of_its_shards() {
    let closed = packed(&[
        (
            "producers.web.arrival",
            "{ kind = \"closed\", outstanding = 1000 }",
        ),
        ("time.drain", "0s"),
    ]);
    let prices = Prices::shipped();
    // 4 shards for 7 s and a second's burst: 32 MiB, and 32,000 records that each begin a unit.
    let cost = estimate(&closed, &prices);
    close(quantity(&cost, "GB by fan-out"), 33_554_432.0 / 1e9);
    close(
        quantity(&cost, "PUT payload units"),
        32_000.0 + 33_554_432.0 / 25_000.0,
    );
    close(
        quantity(&on_demand(&closed, &prices), "GB in"),
        (32_000_000.0 + 33_554_432.0) / 1e9,
    );
    let all_assumed = cost
        .lines
        .iter()
        .filter(|line| !line.item.contains("hours"));
    assert!(
        all_assumed
            .into_iter()
            .all(|line| line.basis == FigureBasis::Assumed)
    );
}

/// A gigabyte to a stream of this mode and retention: one that the run makes and has for `hours`, or that was there before.
fn kept(retention_h: u64, hours: Option<u64>, is_on_demand: bool) -> Cost {
    let mut scenario = scenario("first-run", &[]);
    let stream = scenario.streams.values_mut().next().unwrap();
    stream.retention = Duration::from_hours(retention_h);
    stream.existing = hours.is_none();
    let prices = Prices::shipped();
    let time = Duration::from_hours(hours.unwrap_or(1));
    let stream = scenario.streams.values().next().unwrap();
    let bill = Bill {
        scenario: &scenario,
        stream,
        is_on_demand,
        prices: &prices,
    };
    let gigabyte = Billed {
        bytes: 1_000_000_000,
        put_units: 40_000,
        kilobytes: 1_000_000,
    };
    let offer = offer::Offer::counted(gigabyte, FigureBasis::Measured);
    let stay = Stay::of(&scenario, stream, time, time, FigureBasis::Measured);
    Cost::of(prices.list(), bill.lines(&offer, &stay))
}

#[test]
fn on_demand_retention_is_paid_for_from_a_day_on_and_beyond_seven_at_another_price() {
    let usd = |cost: &Cost, item: &str| {
        let line = cost.lines.iter().find(|line| line.item == item);
        line.map_or(0.0, |line| line.usd)
    };
    let (within, beyond) = ("GB-months kept", "GB-months kept beyond 7 days");
    // A run of 10 hours keeps nothing for longer than that, whatever the retention.
    assert_eq!(kept(8_760, Some(10), true), kept(24, Some(10), true));
    // A stream that stays keeps a GB: 1 h, 24 h and 144 h of the 730 of a month at 0.10.
    for (retention, usd_within) in [
        (24, 0.0),
        (25, 0.1 / 730.0),
        (48, 2.4 / 730.0),
        (168, 14.4 / 730.0),
    ] {
        let cost = kept(retention, None, true);
        assert!((usd(&cost, within) - usd_within).abs() < 1e-12, "{cost:?}");
        assert!(usd(&cost, beyond).abs() < 1e-12, "{cost:?}");
    }
    // An hour more is of the next tier, and takes nothing from the first; a year is 8,592 hours beyond the week.
    let cost = kept(169, None, true);
    close(usd(&cost, within), 14.4 / 730.0);
    close(usd(&cost, beyond), 0.023 / 730.0);
    let cost = kept(8_760, None, true);
    close(usd(&cost, within), 14.4 / 730.0);
    close(usd(&cost, beyond), 8_592.0 * 0.023 / 730.0);
    // A stream that the run makes and has for 200 hours: 6 days of the first tier, 32 hours of the second.
    let cost = kept(8_760, Some(200), true);
    close(usd(&cost, within), 14.4 / 730.0);
    close(usd(&cost, beyond), 32.0 * 0.023 / 730.0);
    // Of 48 hours' retention it has only one day at a time beyond the free one.
    close(usd(&kept(48, Some(200), true), within), 2.4 / 730.0);
}

#[test]
fn provisioned_retention_is_paid_for_by_the_shard_and_beyond_seven_days_by_size_too() {
    // Two shards for 200 hours.
    close(kept(24, Some(200), false).usd, 400.0 * 0.015 + 0.04 * 0.014);
    for retention in [25, 168] {
        let cost = kept(retention, Some(200), false);
        close(cost.usd, 400.0 * (0.015 + 0.02) + 0.04 * 0.014);
    }
    // 32 hours beyond a week; the one consumer may read the GB when it is older.
    let cost = kept(8_760, Some(200), false);
    close(
        cost.usd,
        400.0 * 0.035 + 0.04 * 0.014 + 32.0 / 730.0 * 0.023 + 0.021,
    );
    // Of a stream that stays its owner pays the shards, and this run what it leaves in it for the year.
    let cost = kept(8_760, None, false);
    close(
        quantity(&cost, "GB-months kept beyond 7 days"),
        8_592.0 / 730.0,
    );
    // Its reader begins at the oldest record: 2 MiB/s of two shards for an hour may be older than a week.
    close(
        quantity(&cost, "GB read beyond 7 days"),
        2.0 * 2_097_152.0 * 3_600.0 / 1e9,
    );
    assert!(
        kept(168, None, false)
            .lines
            .iter()
            .all(|line| !line.item.contains("beyond"))
    );
}

#[test]
fn a_longer_retention_never_costs_less() {
    for is_on_demand in [false, true] {
        for hours in [None, Some(1), Some(30), Some(200)] {
            let of = |retention| kept(retention, hours, is_on_demand).usd;
            let rising = [24, 25, 48, 100, 167, 168, 169, 170, 336, 8_760];
            for pair in rising.windows(2) {
                let (shorter, longer) = (of(pair[0]), of(pair[1]));
                assert!(longer >= shorter, "{pair:?}: {longer} < {shorter}");
            }
        }
    }
}

#[test]
fn a_finished_run_owes_the_same_retention_as_the_estimate_of_what_it_put() {
    let document = crate::report::sample::document();
    let year = [
        ("streams.orders.retention", "8760h"),
        ("streams.orders.existing", "true"),
        (
            "producers.web.payload",
            "{ kind = \"random\", stamp = \"none\" }",
        ),
        ("slo", "{}"),
    ];
    let cost = of_report(
        &document,
        &scenario("first-run", &year),
        &FoundStreams::new(),
        &Prices::shipped(),
    );
    let ledger = document.ledger.producers["web"].total.billed();
    close(
        quantity(&cost, "GB-months kept beyond 7 days"),
        ledger.bytes as f64 / 1e9 * 8_592.0 / 730.0,
    );
}

#[test]
fn on_demand_streams_are_compared_with_as_many_shards_as_their_peak_needs() {
    let of = |changes: &[(&str, &str)]| {
        let mode = ("streams.orders", "{ mode = \"on-demand\" }");
        let changes: Vec<_> = [mode].iter().chain(changes).copied().collect();
        let scenario = scenario("first-run", &changes);
        let compared = provisioned(&scenario, &Prices::shipped()).unwrap();
        (
            compared.streams[0].clone(),
            compared.cost.map(|cost| cost.usd),
        )
    };
    assert_eq!(
        provisioned(&scenario("first-run", &[]), &Prices::shipped()),
        None
    );
    let even = ("producers.web.keys", "{ kind = \"unique\" }");
    let rate = |rate| ("producers.web.arrival", rate);
    // Evenly spread 1,900 records/s are 950 in each of two shards: 2 x 0.015, and 6 s x 1,900 units.
    let (streams, usd) = of(&[even, rate("{ kind = \"constant\", rate = \"1900/s\" }")]);
    assert_eq!(streams.shards, Some(2));
    close(streams.hottest_utilisation.unwrap(), 0.95);
    close(usd.unwrap(), 2.0 * 0.015 + 11_400.0 * 0.014 / 1e6);
    // The peak decides, not the mean.
    let (streams, _) = of(&[
        even,
        rate("{ kind = \"ramp\", from = \"100/s\", to = \"3900/s\", over = \"5s\" }"),
    ]);
    assert_eq!(streams.shards, Some(4));
    close(streams.peak_records_per_s.unwrap(), 3_900.0);
    // Half of the load is one key's: where that fits, all of the rest is of other shards' too; where not, nothing helps.
    let hot = (
        "producers.web.keys",
        "{ kind = \"hot-set\", hot_keys = 1, hot_share = 0.5, population = 20000 }",
    );
    let (streams, _) = of(&[hot, rate("{ kind = \"constant\", rate = \"1900/s\" }")]);
    let shards = streams.shards.unwrap();
    assert!((18..=24).contains(&shards), "{shards}");
    let (streams, usd) = of(&[hot, rate("{ kind = \"constant\", rate = \"2100/s\" }")]);
    assert_eq!((streams.shards, usd), (None, None));
    // Bytes decide where records are large: 500/s of 10 KB are 4.8 MiB/s.
    let (streams, _) = of(&[
        even,
        rate("{ kind = \"constant\", rate = \"500/s\" }"),
        (
            "producers.web.size",
            "{ kind = \"fixed\", bytes = \"10KB\" }",
        ),
    ]);
    assert_eq!(streams.shards, Some(5));
    let (streams, usd) = of(&[rate("{ kind = \"closed\", outstanding = 10 }")]);
    assert_eq!(
        (streams.shards, streams.peak_records_per_s, usd),
        (None, None, None)
    );
}
