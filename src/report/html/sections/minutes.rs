//! The same run as CloudWatch shows it, beside the truth.

use std::fmt::Write as _;

use crate::report::document::Document;
use crate::report::html::chart::axis::{Scale, places};
use crate::report::html::chart::bars::bars;
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Cell, Chart, Head, Legend, Section, Table};
use crate::report::html::sections::time::seconds;
use crate::report::text::counted;

const HEIGHT: u32 = 180;

/// Minutes of each stream.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(
        document,
        "minutes",
        "What a minute hides",
        "CloudWatch sums a stream's records over a minute and all shards. A shard refuses within a second. Both of the same run: \
         the use of the stream that its minute tells (accepted records and bytes over the limits of all open shards), and what \
         the busiest shard was offered in its busiest moment.",
    );
    for (stream, minutes) in &document.minutes {
        let values: Vec<_> = minutes
            .rows
            .iter()
            .map(|row| vec![Some(row.mean_percent as f64), Some(row.peak_percent as f64)])
            .collect();
        let most = values
            .iter()
            .flatten()
            .flatten()
            .copied()
            .fold(100.0, f64::max);
        let scale = Scale::linear(most);
        let shown = minutes.rows.len() as u64;
        let mut title = format!("Stream {stream}: use of the limit by minute");
        if shown < minutes.minutes {
            let _ = write!(
                title,
                ", the {} with the highest peaks of {}",
                counted(shown, "minute"),
                minutes.minutes
            );
        }
        let rows = &minutes.rows;
        section.blocks.push(Block::Chart {
            chart: Chart {
                title,
                said: format!(
                    "Use of the limit by minute in stream {stream}; the table below has the numbers"
                ),
                height: HEIGHT,
                svg: bars(&["k5", "k4"], &values, scale, HEIGHT, Some(100.0)),
                legend: [
                    ("k5", "as the minute tells it, all shards".to_owned()),
                    (
                        "k4",
                        format!(
                            "the busiest shard in its busiest {} s",
                            seconds(minutes.moment_s)
                        ),
                    ),
                ]
                .map(|(class, label)| Legend {
                    class: class.to_owned(),
                    label,
                })
                .into(),
                y: scale.ticks(|value| Show::Hundredths.text(value)),
                x: places(rows.len(), 12, |index| {
                    format!("{} s", seconds(rows[index].from_s))
                }),
                x_title: "minutes begin with the measurement window; the line is the limit"
                    .to_owned(),
                hover: "row",
                table: table(figures, stream, rows.len()),
                ..Chart::default()
            },
        });
    }
    section
}

fn table(figures: &Figures, stream: &str, rows: usize) -> Table {
    let columns = [
        ("from_s", Show::Seconds),
        ("seconds", Show::Seconds),
        ("incoming_records", Show::Count),
        ("incoming_bytes", Show::Bytes),
        ("throttled_records", Show::Count),
        ("mean_percent", Show::Hundredths),
        ("peak_percent", Show::Hundredths),
        ("peak_shard", Show::Count),
        ("peak_at_s", Show::Seconds),
        ("peak_refused", Show::Count),
    ];
    let rows = (0..rows).map(|index| {
        let number = index.to_string();
        let cells = columns.map(|(member, show)| {
            figures.cell(
                &pointer(&["minutes", stream, "rows", &number, member]),
                show,
            )
        });
        Vec::<Cell>::from(cells)
    });
    Table {
        head: Head::row(&[
            "<from",
            "<of it in the window",
            "<IncomingRecords, Sum",
            "<IncomingBytes, Sum",
            "<WriteProvisionedThroughputExceeded, Sum",
            "<use, by the minute",
            "<use, busiest shard and moment",
            "<that shard",
            "<at",
            "<refused in that moment",
        ]),
        rows: rows.collect(),
        folded: "CloudWatch's sums and the moments within".to_owned(),
        ..Table::default()
    }
}
