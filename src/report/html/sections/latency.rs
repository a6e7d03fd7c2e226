//! How long things took.

use crate::measure::LatencyKind;
use crate::report::document::Document;
use crate::report::html::chart::axis::{Scale, percent};
use crate::report::html::chart::line::{Line, lines};
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Cell, Chart, Head, Legend, Section, Table, Tick};

/// The height of charts of latency, in pixels.
const HEIGHT: u32 = 240;

/// The statistics of a summary and what they are called, from left to right.
const STATISTICS: [(&str, &str); 6] = [
    ("p50_us", "p50"),
    ("p90_us", "p90"),
    ("p99_us", "p99"),
    ("p999_us", "p99.9"),
    ("p9999_us", "p99.99"),
    ("max_us", "max"),
];

/// What a kind is the time between.
const fn meaning(kind: LatencyKind) -> &'static str {
    match kind {
        LatencyKind::Lateness => "intended to released: the instrument's own delay",
        LatencyKind::BatchWait => "released to sent",
        LatencyKind::ServiceTime => "sent to answered, of each attempt",
        LatencyKind::ResponseTime => "intended to acknowledged",
        LatencyKind::TimeToGiveUp => "intended to given up",
        LatencyKind::DeliveryDelay => "arrival to delivered; two clocks",
        LatencyKind::EndToEnd => "intended to delivered",
        LatencyKind::TransitionTime => "a change of a stream, asked for to seen",
        LatencyKind::Lag => "behind the tip of the shard, as each answer says",
    }
}

/// Latencies by percentile, and over time.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(
        document,
        "latency",
        "Latency",
        "Records meant for the measurement window, counted from the time that they were meant to be sent: what had to wait \
         because the target stood still is in it. The scale is logarithmic; each step to the right leaves ten times fewer records.",
    );
    let producers = document
        .latency
        .producers
        .keys()
        .map(|name| ("producers", name));
    let consumers = document
        .latency
        .consumers
        .keys()
        .map(|name| ("consumers", name));
    for (table, name) in producers.chain(consumers) {
        let by_kind = match table {
            "producers" => document.latency.producers.get(name),
            _ => document.latency.consumers.get(name),
        };
        let kinds = by_kind.into_iter().flatten();
        let kinds: Vec<_> = kinds
            .filter(|(_, summary)| summary.count > 0)
            .map(|(kind, _)| (*kind, pointer(&["latency", table, name, kind.as_str()])))
            .collect();
        if !kinds.is_empty() {
            let title = format!("{} {name}", table.trim_end_matches('s'));
            section.blocks.push(by_percentile(figures, &title, &kinds));
        }
    }
    section
        .blocks
        .extend(super::load::latency(document, figures));
    for (name, load) in &document.calls {
        let rows: Vec<_> = load
            .operations
            .iter()
            .flat_map(|(call, summary)| {
                let kinds = summary.latency.iter();
                let kinds = kinds.filter(|(_, summary)| summary.count > 0);
                kinds.map(move |(kind, _)| {
                    let place =
                        pointer(&["calls", name, "operations", call, "latency", kind.as_str()]);
                    (format!("{call} {kind}"), place)
                })
            })
            .collect();
        if !rows.is_empty() {
            let mut table = summaries(figures, &rows);
            table.caption = format!("API calls {name}");
            section.blocks.push(Block::Table { table });
        }
    }
    section
}

fn by_percentile(figures: &Figures, of: &str, kinds: &[(LatencyKind, String)]) -> Block {
    let values: Vec<Vec<f64>> = kinds
        .iter()
        .map(|(_, place)| {
            let values = STATISTICS.iter();
            let values = values.map(|(member, _)| figures.number(&format!("{place}/{member}")));
            values.map(Option::unwrap_or_default).collect()
        })
        .collect();
    let scale = Scale::log(values.iter().flatten().copied());
    let x = |index: usize| index as f64 / (STATISTICS.len() - 1) as f64;
    let drawn: Vec<_> = values
        .iter()
        .enumerate()
        .map(|(number, values)| Line {
            class: format!("k{}", number % 6),
            points: values
                .iter()
                .enumerate()
                .map(|(index, value)| (x(index), Some(*value)))
                .collect(),
        })
        .collect();
    let rows: Vec<_> = kinds
        .iter()
        .map(|(kind, place)| (kind.to_string(), place.clone()))
        .collect();
    Block::Chart {
        chart: Chart {
            title: format!("Latency by percentile: {of}"),
            said: format!("Latencies of {of} by percentile; the table below has the numbers"),
            height: HEIGHT,
            svg: lines(&drawn, scale, HEIGHT, None),
            legend: kinds
                .iter()
                .enumerate()
                .map(|(number, (kind, _))| Legend {
                    class: format!("k{}", number % 6),
                    label: format!("{kind}: {}", meaning(*kind)),
                })
                .collect(),
            y: scale.ticks(|micros| Show::Micros.text(micros)),
            x: STATISTICS
                .iter()
                .enumerate()
                .map(|(index, (_, label))| Tick {
                    at: percent(x(index)),
                    label: (*label).to_owned(),
                    minor: false,
                })
                .collect(),
            table: summaries(figures, &rows),
            ..Chart::default()
        },
    }
}

/// A table of summaries, each with what it is called and its place.
pub(super) fn summaries(figures: &Figures, rows: &[(String, String)]) -> Table {
    let odd = rows.iter().any(|(_, place)| {
        let some = |member: &str| figures.number(&format!("{place}/{member}")) > Some(0.0);
        some("negative") || some("clipped")
    });
    let note = if odd {
        "Samples below zero (clocks that disagree) count as 0, those above an hour as an hour."
    } else {
        ""
    };
    let note = note.to_owned();
    let rows = rows.iter().map(|(name, place)| {
        let cell = |member: &str, show| figures.cell(&format!("{place}/{member}"), show);
        let mut row = vec![
            Cell::text(name),
            cell("count", Show::Count),
            cell("min_us", Show::Micros),
        ];
        let statistics = STATISTICS.iter();
        row.extend(statistics.map(|(member, _)| cell(member, Show::Micros)));
        row.push(cell("mean_us", Show::Micros));
        row.push(cell("negative", Show::Count));
        row.push(cell("clipped", Show::Count));
        row
    });
    Table {
        head: Head::row(&[
            "latency",
            "<samples",
            "<min",
            "<p50",
            "<p90",
            "<p99",
            "<p99.9",
            "<p99.99",
            "<max",
            "<mean",
            "<below 0",
            "<above 1 h",
        ]),
        rows: rows.collect(),
        note,
        ..Table::default()
    }
}
