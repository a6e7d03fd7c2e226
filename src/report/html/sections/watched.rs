//! What readers saw of streams that others write.

use crate::report::document::Document;
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Cell, Head, Section, Table};
use crate::report::html::sections::head::tile;

/// Beyond so many rows a table is folded away.
const ROWS_SEEN: usize = 16;

/// Rates, sizes and shards of each watched stream.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(
        document,
        "watched",
        "Streams of others",
        "What arrived in the window, by the service's clock, as the readers saw it.",
    );
    for (name, consumer) in &document.consumers {
        let Some(watched) = &consumer.watched else {
            continue;
        };
        let cell = |steps: &[&str], show| {
            let all: Vec<_> = ["consumers", name, "watched"]
                .iter()
                .chain(steps)
                .copied()
                .collect();
            figures.cell(&pointer(&all), show)
        };
        section.blocks.push(Block::Heading {
            text: format!("{} as {name} saw it", consumer.stream),
        });
        section.blocks.push(Block::Tiles {
            tiles: vec![
                tile("records", cell(&["records"], Show::Count)),
                tile("bytes", cell(&["bytes"], Show::Bytes)),
                tile(
                    "read, arrived outside the window",
                    cell(&["outside_window"], Show::Count),
                ),
                tile(
                    "data of a record, p50",
                    cell(&["data_bytes", "p50_bytes"], Show::Bytes),
                ),
                tile("p99", cell(&["data_bytes", "p99_bytes"], Show::Bytes)),
                tile("largest", cell(&["data_bytes", "max_bytes"], Show::Bytes)),
            ],
        });
        let rows = watched.shards.iter().enumerate().map(|(index, shard)| {
            let number = index.to_string();
            let cell = |member: &str, show| cell(&["shards", &number, member], show);
            vec![
                Cell::text(shard.shard.number().to_string()).with("n"),
                cell("records", Show::Count),
                cell("records_per_s", Show::PerS),
                cell("peak_records_per_s", Show::PerS),
                cell("of_record_limit", Show::Share),
                cell("bytes_per_s", Show::BytesPerS),
                cell("peak_bytes_per_s", Show::BytesPerS),
                cell("of_byte_limit", Show::Share),
                cell("behind_ms_max", Show::Millis),
            ]
        });
        let rows: Vec<_> = rows.collect();
        section.blocks.push(Block::Table {
            table: Table {
                head: Head::row(&[
                    "<shard",
                    "<records",
                    "<mean",
                    "<busiest second",
                    "<of the record limit",
                    "<mean bytes",
                    "<busiest second",
                    "<of the byte limit",
                    "<reader behind, at most",
                ]),
                folded: if rows.len() > ROWS_SEEN {
                    format!("All {} shards", rows.len())
                } else {
                    String::new()
                },
                rows,
                ..Table::default()
            },
        });
    }
    section
}
