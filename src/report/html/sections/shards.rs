//! How the load lay on the shards.

use crate::report::document::Document;
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Cell, Head, Section, Table};
use crate::report::html::sections::heat;
use crate::report::text::Plain;

/// Beyond so many rows a table is folded away.
const ROWS_SEEN: usize = 8;

/// Balance and counts of each stream's shards.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(document, "shards", "Shards", "");
    for stream in document.balance.keys() {
        section.blocks.push(Block::Heading {
            text: format!("Stream {stream}"),
        });
        section.blocks.extend(heat::map(document, figures, stream));
        section
            .blocks
            .extend(heat::forecast(document, figures, stream));
        section.blocks.push(Block::Table {
            table: balance(document, figures, stream),
        });
        section.blocks.push(Block::Table {
            table: totals(document, figures, stream),
        });
    }
    section
}

fn balance(document: &Document, figures: &Figures, stream: &str) -> Table {
    let rows = ["records", "bytes"].into_iter().map(|by| {
        let cell =
            |member: &str, show| figures.cell(&pointer(&["balance", stream, by, member]), show);
        let balance = &document.balance[stream];
        let of = if by == "records" {
            &balance.records
        } else {
            &balance.bytes
        };
        vec![
            Cell::text(by),
            Cell::text(
                of.hottest
                    .map_or_else(|| "–".to_owned(), |shard| shard.to_string()),
            ),
            cell("hottest_share", Show::Share),
            cell("max_over_mean", Show::Plain),
            cell("coefficient_of_variation", Show::Plain),
        ]
    });
    let mut producers = document.producers.values();
    let is_written = producers.any(|producer| producer.stream == stream);
    let mut shards = document.shards.iter();
    let changed = shards.any(|row| row.stream == stream && row.even.is_some());
    Table {
        caption: if is_written {
            "Balance of what was offered in the window".to_owned()
        } else {
            "Balance of what was read in the window".to_owned()
        },
        head: Head::row(&[
            "by",
            "hottest shard",
            "<its share",
            if changed {
                "<its load over that of the shards open beside it"
            } else {
                "<its load over the mean"
            },
            "<standard deviation over mean",
        ]),
        rows: rows.collect(),
        ..Table::default()
    }
}

fn totals(document: &Document, figures: &Figures, stream: &str) -> Table {
    let rows = document.shards.iter().enumerate();
    let rows = rows
        .filter(|(_, row)| row.stream == stream)
        .map(|(index, row)| {
            let cell =
                |member: &str, show| figures.cell(&format!("/shards/{index}/{member}"), show);
            let mut life = Vec::new();
            if let Some(at) = row.opened_s {
                let from: Vec<_> = row.parents.iter().map(|parent| short(parent)).collect();
                life.push(format!("from {} at {} s", from.join(" and "), Plain(at)));
            }
            if let Some(at) = row.closed_s {
                life.push(format!("closed at {} s", Plain(at)));
            }
            vec![
                Cell::text(row.totals.shard.number().to_string()).with("n"),
                cell("offered", Show::Count),
                cell("acked", Show::Count),
                cell("refused", Show::Count),
                cell("delivered", Show::Count),
                cell("offered_bytes", Show::Bytes),
                cell("acked_bytes", Show::Bytes),
                cell("response_us_max", Show::Micros),
                Cell::text(life.join(", ")).with("wrap"),
            ]
        });
    let mut rows: Vec<Vec<Cell>> = rows.collect();
    let mut head = Head::row(&[
        "<shard",
        "<offered",
        "<acknowledged",
        "<refused attempts",
        "<deliveries",
        "<offered bytes",
        "<acknowledged bytes",
        "<longest response",
        "life",
    ]);
    let lived = |row: &Vec<Cell>| row.last().is_some_and(|life| !life.text.is_empty());
    if !rows.iter().any(lived) {
        head.pop();
        for row in &mut rows {
            row.pop();
        }
    }
    Table {
        caption: "Counts of the window by shard".to_owned(),
        head,
        folded: if rows.len() > ROWS_SEEN {
            format!("Counts of all {} shards", rows.len())
        } else {
            String::new()
        },
        rows,
        ..Table::default()
    }
}

/// The number of a shard that the service calls `shardId-000000000004`.
fn short(shard: &str) -> String {
    let number = shard.trim_start_matches("shardId-").trim_start_matches('0');
    if number.is_empty() { "0" } else { number }.to_owned()
}
