//! What is true of every page.

use regex::Regex;
use serde_json::Value;

use std::collections::BTreeMap;
use std::time::Duration;

use super::render;
use crate::base::Timestamp;
use crate::kinesis::ShardId;
use crate::measure::{
    Collector, Interval, IntervalClock, LatencyHistogram, LatencyKind, PartId, ShardCounters,
};
use crate::report::document::{EventRow, EventStatus, FigureBasis};
use crate::report::interval_view::IntervalView;
use crate::report::series::{self, ShardLimits, Sources};
use crate::report::{Document, KeyForecast, ShardForecast, StreamForecast, json, sample};

/// Every second 600 records are offered to each shard, and twice as many to the second one from 5 s to 7 s, of which it
/// refuses a third; latencies are 1 ms to 100 ms, evenly, and ten times as long in those two seconds.
fn intervals(seconds: u64, shards: u32) -> Collector {
    let packed = |step_us: i64| {
        let mut histogram = LatencyHistogram::new();
        (1..=100).for_each(|n| histogram.record_nanos(n * step_us * 1_000));
        histogram.pack()
    };
    let (usual, slow) = (packed(1_000), packed(10_000));
    let second = |index: u64| {
        let is_hot = (5..7).contains(&index);
        let counters = |shard: u32| {
            let offered = if is_hot && shard == 1 { 1_200 } else { 600 };
            let mut counters = ShardCounters {
                offered,
                offered_bytes: offered * 100,
                sent: offered,
                acked: offered.min(800),
                acked_bytes: offered.min(800) * 100,
                delivered: offered.min(800),
                delivered_bytes: offered.min(800) * 100,
                lag_ms_max: if is_hot { 2_500 } else { 120 },
                response_us_max: if is_hot { 1_000_000 } else { 100_000 },
                ..ShardCounters::default()
            };
            counters.refuse(
                crate::kinesis::Cause::WriteRecords,
                offered - offered.min(800),
                40_000,
            );
            (ShardId::new(shard).unwrap(), counters)
        };
        let latency = if is_hot { &slow } else { &usual };
        let interval = Interval {
            shards: (0..shards).map(counters).collect(),
            latencies: BTreeMap::from([
                (
                    (PartId::Producer(0), LatencyKind::ResponseTime),
                    latency.clone(),
                ),
                (
                    (PartId::Consumer(0), LatencyKind::EndToEnd),
                    latency.clone(),
                ),
            ]),
        };
        (index, interval)
    };
    Collector::from((0..seconds).map(second).collect::<BTreeMap<_, _>>())
}

/// The sample with all that a document says of time, made by what makes it for runs.
fn over_time(seconds: u64, shards: u32) -> Document {
    let mut document = sample::document();
    document.instrument.measure_s = seconds as f64 - 3.0;
    let row = document.shards[0].clone();
    document.shards = (0..shards)
        .map(|number| {
            let mut row = row.clone();
            row.totals.shard = ShardId::new(number).unwrap();
            row
        })
        .collect();
    document.events.push(EventRow {
        name: "storm".into(),
        action: "throttle-storm".into(),
        stream: "orders".into(),
        planned_s: 5.0,
        started_s: Some(5.0),
        ended_s: Some(6.0),
        status: EventStatus::Done,
        detail: String::new(),
        effect: None,
    });
    let foreseen = |_| ShardForecast {
        share: 1.0 / f64::from(shards),
        share_error: 0.0,
        utilisation: Some(0.6),
    };
    document.forecast = BTreeMap::from([(
        "orders".into(),
        StreamForecast {
            basis: FigureBasis::Simulated,
            records_per_s: Some(2_400.0),
            shards: (0..shards).map(foreseen).collect(),
            heaviest_keys: vec![KeyForecast {
                key: "key-0".into(),
                share: 0.4,
                shard: Some(1),
            }],
        },
    )]);
    let start = Timestamp::from_secs(1_000);
    let intervals = intervals(seconds, shards);
    let limits = ShardLimits {
        records_per_s: Some(1_000.0),
        bytes_per_s: Some(1_048_576.0),
    };
    series::add(
        &mut document,
        &Sources {
            view: &IntervalView {
                clock: IntervalClock::new(start, Duration::from_secs(1)),
                streams: vec![("orders", &intervals)],
                producers: vec!["web"],
                consumers: vec!["billing"],
                calls: vec![],
            },
            start,
            limits: BTreeMap::from([("orders".into(), limits)]),
        },
    );
    document
}

/// Each number of the page that has a place: the place, its value there, and its text.
fn figures(page: &str) -> Vec<(String, String, String)> {
    let pattern = r#"data-figure="([^"]*)" data-value="([^"]*)">([^<]*)<"#;
    let pattern = Regex::new(pattern).unwrap();
    pattern
        .captures_iter(page)
        .map(|found| {
            (
                unescaped(&found[1]),
                found[2].to_owned(),
                unescaped(&found[3]),
            )
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&#x2f;", "/")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

fn read_back(document: &Document) -> Document {
    let mut bytes = Vec::new();
    json::write(&mut bytes, document).unwrap();
    json::read(&bytes).unwrap()
}

#[test]
fn every_number_of_the_page_is_the_one_at_its_place_in_the_report() {
    let document = over_time(15, 4);
    let mut bytes = Vec::new();
    json::write(&mut bytes, &document).unwrap();
    let report: Value = serde_json::from_slice(&bytes).unwrap();
    let figures = figures(&render(&document));
    assert!(figures.len() > 150, "{}", figures.len());
    for (place, value, _) in figures {
        let held = report
            .pointer(&place)
            .unwrap_or_else(|| panic!("{place} is not there"));
        assert_eq!(held.to_string(), value, "{place}");
    }
}

#[test]
fn the_numbers_of_a_known_document_are_these() {
    let lines = figures(&render(&over_time(15, 4)));
    let lines: Vec<_> = lines
        .into_iter()
        .map(|(place, _, text)| format!("{place} {text}"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_series_holds_every_count_and_percentiles_of_merged_histograms() {
    // 700 s in points of 10 s.
    let document = over_time(700, 2);
    let timeline = document.timeline.as_ref().unwrap();
    assert_eq!((timeline.points, timeline.point_s), (70, 10.0));
    let orders = &timeline.streams["orders"];
    assert_eq!(orders.offered.iter().sum::<u64>(), 700 * 1_200 + 2 * 600);
    assert_eq!(orders.refused[..2], [800, 0]);
    assert_eq!(orders.lag_ms_max[..2], [2_500, 120]);
    let response = &timeline.parts["producers.web"][&LatencyKind::ResponseTime];
    assert_eq!(response.count[0], 1_000);
    // Of 1,000 values 200 are evenly up to 1 s: the hundredth from above is 950 ms, no mean of 99 ms and 990 ms.
    assert!(
        response.p99_us[0].abs_diff(950_000) <= 1_000,
        "{}",
        response.p99_us[0]
    );
    assert_eq!(document.heat["orders"].points, 70);
    let hot = &document.heat["orders"].rows[1];
    // 600 and, for two seconds, 1,200 of 1,000: 72 % of ten seconds.
    assert_eq!(hot.percent[..2], [72, 60]);
}

#[test]
fn a_minute_hides_what_its_busiest_second_shows() {
    let document = over_time(63, 2);
    let minutes = &document.minutes["orders"];
    assert_eq!((minutes.minutes, minutes.rows.len()), (1, 1));
    let minute = &minutes.rows[0];
    assert_eq!((minute.mean_percent, minute.peak_percent), (61, 120));
    assert_eq!((minute.peak_shard, minute.peak_at_s), (1, 5.0));
    assert_eq!((minute.throttled_records, minute.peak_refused), (800, 400));
}

#[test]
fn an_event_is_over_when_its_stream_is_as_before() {
    let document = over_time(30, 2);
    let effect = document.events[1].effect.as_ref().unwrap();
    assert_eq!(effect.recovered_s, Some(2.0));
    assert_eq!((effect.before.from_s, effect.before.until_s), (0.0, 5.0));
    assert_eq!((effect.during.from_s, effect.during.until_s), (5.0, 7.0));
    assert_eq!(effect.during.lag_ms_max, 2_500);
    assert!(effect.after.as_ref().unwrap().refused_per_s.abs() < 1e-12);
    let page = render(&document);
    assert!(page.contains("data-figure=\"&#x2f;events&#x2f;1&#x2f;effect&#x2f;recovered_s\""));
}

#[test]
fn an_hour_of_two_hundred_shards_fits_a_page_of_three_megabytes() {
    let document = over_time(3_603, 200);
    let mut report = Vec::new();
    json::write(&mut report, &document).unwrap();
    assert!(
        report.len() < 1 << 20,
        "report.json has {} bytes",
        report.len()
    );
    let page = render(&document);
    assert!(page.len() < 3_000_000, "the page has {} bytes", page.len());
    assert!(page.contains("The scenario as it ran"));
}

#[test]
fn page_and_summary_are_made_from_the_report_alone() {
    let document = over_time(15, 4);
    let again = read_back(&document);
    assert_eq!(render(&again), render(&document));
    let terminal = crate::report::terminal::render;
    assert_eq!(terminal(&again), terminal(&document));
}

#[test]
fn text_of_others_cannot_become_markup() {
    let mut document = sample::document();
    let evil = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&";
    document.scenario.name = evil.into();
    document.scenario.question = evil.into();
    document.scenario.text = evil.into();
    document.slo[0].name = evil.into();
    document.events[0].name = evil.into();
    document.events[0].detail = evil.into();
    let producer = document.producers.remove("web").unwrap();
    document.producers.insert(evil.into(), producer);
    let ledger = document.ledger.producers.remove("web").unwrap();
    document.ledger.producers.insert(evil.into(), ledger);
    let balance = document.balance.remove("orders").unwrap();
    document.balance.insert(evil.into(), balance);
    let page = render(&document);
    assert!(!page.contains("<img"), "an element got through");
    assert_eq!(page.matches("<script>").count(), 1, "only the page's own");
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn the_page_asks_the_network_for_nothing() {
    let page = render(&sample::document());
    for word in [
        "http://",
        "https://",
        "src=",
        "@import",
        "url(",
        "<link rel=\"stylesheet",
    ] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn a_run_that_saw_nothing_is_still_a_page() {
    let mut document = sample::document();
    document.slo.clear();
    document.ledger = crate::report::Ledger::default();
    document.latency = crate::report::Latency::default();
    document.producers.clear();
    document.consumers.clear();
    document.throttling.clear();
    document.refusals_outlived.clear();
    document.balance.clear();
    document.shards.clear();
    document.events.clear();
    document.conclude([]);
    let page = render(&document);
    for id in ["slo", "latency", "ledgers", "throttling", "shards"] {
        assert!(
            !page.contains(&format!("<section id=\"{id}\">")),
            "{id} is empty and there"
        );
    }
    assert!(page.contains("<section id=\"instrument\">"));
}
