//! Which keys are heavy, foreseen and seen.

use crate::report::document::Document;
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Cell, Head, Section, Table};

/// The heaviest keys of each stream by forecast, and the hot keys that watching readers saw.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(document, "keys", "Key skew", "");
    for (stream, forecast) in &document.forecast {
        let rows = forecast.heaviest_keys.iter().enumerate();
        let rows: Vec<_> = rows
            .map(|(index, key)| {
                let number = index.to_string();
                let place = pointer(&["forecast", stream, "heaviest_keys", &number, "share"]);
                vec![
                    Cell::text(&key.key),
                    figures.cell(&place, Show::Share),
                    Cell::text(
                        key.shard
                            .map_or_else(|| "–".to_owned(), |shard| shard.to_string()),
                    )
                    .with("n"),
                ]
            })
            .collect();
        if !rows.is_empty() {
            section.blocks.push(Block::Table {
                table: Table {
                    caption: format!(
                        "Heaviest keys of {stream} by the scenario ({}: computed, not counted)",
                        forecast.basis.as_str()
                    ),
                    head: Head::row(&["key", "<share of the records", "<shard"]),
                    rows,
                    ..Table::default()
                },
            });
        }
    }
    for (name, consumer) in &document.consumers {
        let Some(watched) = &consumer.watched else {
            continue;
        };
        let rows = watched.hot_keys.iter().enumerate().map(|(index, key)| {
            let number = index.to_string();
            let cell = |member: &str, show| {
                let place = pointer(&["consumers", name, "watched", "hot_keys", &number, member]);
                figures.cell(&place, show)
            };
            vec![
                Cell::text(&key.key),
                cell("share", Show::Share),
                cell("records", Show::Count),
                cell("error_records", Show::Count),
                Cell::text(key.shard.number().to_string()).with("n"),
            ]
        });
        section.blocks.push(Block::Table {
            table: Table {
                caption: format!(
                    "Hot keys that {name} saw in {} in the window",
                    consumer.stream
                ),
                head: Head::row(&[
                    "key",
                    "<share",
                    "<records, at most",
                    "<fewer by at most",
                    "<shard",
                ]),
                rows: rows.collect(),
                ..Table::default()
            },
        });
    }
    if section.blocks.is_empty() && !document.forecast.is_empty() {
        section.blocks.push(Block::Note {
            text: "No key comes twice, or no key is heavier than another.".to_owned(),
        });
    }
    section
}
