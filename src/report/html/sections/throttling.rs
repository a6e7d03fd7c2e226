//! What limits refused, and what trying again cost.

use crate::report::document::Document;
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Cell, Head, Section, Table};

/// Beyond so many rows a table is folded away.
const ROWS_SEEN: usize = 12;

/// Retry amplification, refusals by cause and how long they outlived it.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(
        document,
        "throttling",
        "Refusals and retries",
        "Attempts that a limit refused, and what trying again made of the load.",
    );
    let rows: Vec<_> = document
        .producers
        .keys()
        .map(|name| {
            let ledger = |member: &str| {
                let place = pointer(&["ledger", "producers", name, "measure", member]);
                figures.cell(&place, Show::Count)
            };
            vec![
                Cell::text(name),
                ledger("intended"),
                ledger("attempts"),
                figures.cell(&pointer(&["producers", name, "amplification"]), Show::Plain),
                ledger("rejected_attempts"),
                ledger("accepted_after_retry"),
                ledger("throttled"),
                figures.cell(
                    &pointer(&["producers", name, "records_per_kinesis_record"]),
                    Show::Plain,
                ),
            ]
        })
        .collect();
    if !rows.is_empty() {
        section.blocks.push(Block::Table {
            table: Table {
                caption: "Retry amplification in the window".to_owned(),
                head: Head::row(&[
                    "producer",
                    "<records",
                    "<attempts",
                    "<attempts per record",
                    "<refused attempts",
                    "<accepted after a retry",
                    "<given up",
                    "<records per Kinesis record",
                ]),
                rows,
                ..Table::default()
            },
        });
    }
    if document.throttling.is_empty() {
        if !document.producers.is_empty() {
            section.blocks.push(Block::Note {
                text: "No limit refused anything in the window.".to_owned(),
            });
        }
    } else {
        section.blocks.push(Block::Table {
            table: by_cause(document, figures),
        });
    }
    if !document.refusals_outlived.is_empty() {
        section.blocks.push(Block::Table {
            table: outlived(document, figures),
        });
    }
    section
}

fn by_cause(document: &Document, figures: &Figures) -> Table {
    let mut order: Vec<usize> = (0..document.throttling.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(document.throttling[*index].row.attempts));
    let rows = order.into_iter().map(|index| {
        let row = &document.throttling[index];
        vec![
            Cell::text(&row.stream),
            Cell::text(
                row.row
                    .shard
                    .map_or_else(|| "–".to_owned(), |shard| shard.to_string()),
            ),
            Cell::text(row.row.api.clone()),
            Cell::text(row.row.cause.as_str()),
            figures.cell(&format!("/throttling/{index}/attempts"), Show::Count),
            Cell::text(row.row.basis.as_str()),
        ]
    });
    let rows: Vec<_> = rows.collect();
    Table {
        caption: "Refused attempts in the window, the most first".to_owned(),
        head: Head::row(&[
            "stream",
            "shard",
            "API",
            "limit",
            "<attempts",
            "how the limit is known",
        ]),
        folded: if rows.len() > ROWS_SEEN {
            format!("Refused attempts by shard and limit ({} rows)", rows.len())
        } else {
            String::new()
        },
        rows,
        ..Table::default()
    }
}

fn outlived(document: &Document, figures: &Figures) -> Table {
    let rows = document
        .refusals_outlived
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let cell = |member: &str| {
                figures.cell(
                    &format!("/refusals_outlived/{index}/{member}"),
                    Show::Seconds,
                )
            };
            let shards: Vec<_> = row.shards.iter().map(u32::to_string).collect();
            vec![
                Cell::text(&row.stream),
                Cell::text(shards.join(", ")),
                Cell::text(&row.cause),
                cell("from_s"),
                cell("until_s"),
                cell("outlived_s"),
            ]
        });
    Table {
        caption: "How long refusals went on after their cause was over".to_owned(),
        head: Head::row(&[
            "stream",
            "shards",
            "cause",
            "<from",
            "<until",
            "<went on for",
        ]),
        rows: rows.collect(),
        ..Table::default()
    }
}
