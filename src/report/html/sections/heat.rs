//! Shards against their limits over time, and against what was foreseen of them.

use crate::report::document::Document;
use crate::report::html::chart::axis::{Scale, places};
use crate::report::html::chart::bars::bars;
use crate::report::html::chart::heat_map::heat_map;
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Cell, Chart, Head, Legend, Table};
use crate::report::html::sections::time::{Times, seconds};
use crate::report::series::Heat;

const BARS_HEIGHT: u32 = 180;

/// The map of a stream; nothing where there is none.
pub(super) fn map(document: &Document, figures: &Figures, stream: &str) -> Option<Block> {
    let heat = document.heat.get(stream)?;
    let times = Times {
        from_s: heat.from_s,
        point_s: heat.point_s,
        points: heat.points as usize,
    };
    let rows: Vec<_> = heat.rows.iter().map(|row| row.percent.clone()).collect();
    let height = (rows.len() as u32 * 22).clamp(44, 460);
    let legend = [
        ("h0", "nothing"),
        ("h2", "20 %"),
        ("h4", "40 %"),
        ("h6", "60 %"),
        ("h8", "80 %"),
        ("h9", "to 100 %"),
        ("h10", "above the limit"),
    ];
    let limits = limits(heat);
    Some(Block::Chart {
        chart: Chart {
            title: format!(
                "Stream {stream}: what each shard {} of its limit, in points of {} s",
                if heat.held == "offered" {
                    "was offered"
                } else {
                    "gave"
                },
                seconds(heat.point_s)
            ),
            said: format!(
                "Use of the limit by shard and time in stream {stream}; the table below has the numbers"
            ),
            height,
            svg: heat_map(&rows, times.points),
            legend: legend
                .map(|(class, label)| Legend {
                    class: class.to_owned(),
                    label: label.to_owned(),
                })
                .into(),
            y: places(rows.len(), (height / 20) as usize, |row| {
                format!("shard {}", heat.rows[row].shard)
            }),
            x: times.ticks(),
            x_title: limits,
            marks: times.marks(document, Some(stream)),
            hover: "cell",
            table: cells(figures, heat, stream, times),
        },
    })
}

fn limits(heat: &Heat) -> String {
    let records = heat
        .limits
        .records_per_s
        .map(|limit| format!("{} records/s", Show::Plain.text(limit)));
    let bytes = heat
        .limits
        .bytes_per_s
        .map(|limit| Show::BytesPerS.text(limit));
    let both: Vec<_> = records.into_iter().chain(bytes).collect();
    if both.is_empty() {
        "no limit holds".to_owned()
    } else {
        format!(
            "against {}, whichever is nearer; without retries",
            both.join(" and ")
        )
    }
}

fn cells(figures: &Figures, heat: &Heat, stream: &str, times: Times) -> Table {
    let mut head = Head::row(&["<shard"]);
    head.extend((0..times.points).map(|point| Head {
        text: seconds(times.from_s + times.point_s * point as f64),
        number: true,
        series: None,
    }));
    let mut body = String::new();
    let mut row_series = Vec::new();
    for (index, row) in heat.rows.iter().enumerate() {
        let number = index.to_string();
        let place = pointer(&["heat", stream, "rows", &number, "percent"]);
        body.push_str("<tr><td>");
        body.push_str(&row.shard.to_string());
        for percent in figures.list(&place) {
            body.push_str("<td>");
            body.push_str(&percent.to_string());
        }
        body.push('\n');
        row_series.push(place);
    }
    Table {
        head,
        body,
        row_series,
        folded: "Hundredths of the limit, rounded up, by shard and time (s)".to_owned(),
        ..Table::default()
    }
}

/// Shares of the shards, foreseen beside measured.
pub(super) fn forecast(document: &Document, figures: &Figures, stream: &str) -> Vec<Block> {
    let Some(forecast) = document.forecast.get(stream) else {
        return Vec::new();
    };
    let rows = document.shards.iter().enumerate();
    let rows: Vec<_> = rows.filter(|(_, row)| row.stream == stream).collect();
    let offered: u64 = rows.iter().map(|(_, row)| row.totals.offered).sum();
    let measured = |shard: u32| {
        let row = rows
            .iter()
            .find(|(_, row)| row.totals.shard.number() == shard);
        row.map(|(_, row)| row.totals.offered as f64 / offered.max(1) as f64 * 100.0)
    };
    if forecast.shards.is_empty() || offered == 0 {
        return Vec::new();
    }
    let first = rows
        .iter()
        .map(|(_, row)| row.totals.shard.number())
        .min()
        .unwrap_or_default();
    let numbers = (first..).take(forecast.shards.len());
    let values: Vec<_> = numbers
        .clone()
        .zip(&forecast.shards)
        .map(|(shard, foreseen)| vec![Some(foreseen.share * 100.0), measured(shard)])
        .collect();
    let scale = Scale::linear(
        values
            .iter()
            .flatten()
            .flatten()
            .copied()
            .fold(0.0, f64::max),
    );
    let resharded = rows.iter().any(|(_, row)| row.opened_s.is_some());
    let mut x_title = "by shard; the forecast is computed from the keys of the scenario".to_owned();
    if resharded {
        x_title.push_str(", for the shards that it began with: what their children took is not among the measured");
    }
    let table_rows = numbers.clone().enumerate().map(|(index, shard)| {
        let number = index.to_string();
        let cell = |member: &str, show| {
            figures.cell(
                &pointer(&["forecast", stream, "shards", &number, member]),
                show,
            )
        };
        let row = rows
            .iter()
            .find(|(_, row)| row.totals.shard.number() == shard);
        let place =
            |member: &str| row.map_or_else(String::new, |(at, _)| format!("/shards/{at}/{member}"));
        vec![
            Cell::text(shard.to_string()).with("n"),
            cell("share", Show::Share),
            cell("share_error", Show::Share),
            cell("utilisation", Show::Share),
            figures.cell(&place("offered"), Show::Count),
        ]
    });
    let chart = Chart {
        title: format!("Stream {stream}: share of the records by shard, forecast against measured"),
        said: format!(
            "Forecast and measured shares of the shards of stream {stream}; the table below has the numbers"
        ),
        height: BARS_HEIGHT,
        svg: bars(&["k5", "k0"], &values, scale, BARS_HEIGHT, None),
        legend: [
            ("k5", "forecast (computed)"),
            ("k0", "offered in the window"),
        ]
        .map(|(class, label)| Legend {
            class: class.to_owned(),
            label: label.to_owned(),
        })
        .into(),
        y: scale.ticks(|value| Show::Hundredths.text(value)),
        x: places(values.len(), 16, |index| {
            (first as usize + index).to_string()
        }),
        x_title,
        table: Table {
            head: Head::row(&[
                "<shard",
                "<forecast share",
                "<its standard error",
                "<forecast use of the limit",
                "<offered records in the window",
            ]),
            rows: table_rows.collect(),
            folded: "Shares and what they are made from".to_owned(),
            ..Table::default()
        },
        ..Chart::default()
    };
    vec![Block::Chart { chart }]
}
