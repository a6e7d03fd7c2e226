//! Where every record ended: sums that add up.

use crate::report::document::Document;
use crate::report::html::chart::flow::flow;
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Cell, Flow, FlowPart, Head, Section, Table};
use crate::report::text::Percent;

/// Parts of a producer's records: member, label, colour.
const OF_INTENDED: [(&str, &str, &str); 5] = [
    ("acked", "acknowledged", "acked"),
    ("throttled", "given up, refused by a limit", "refused"),
    ("failed", "given up, failed", "k3"),
    ("unknown", "unknown, no answer", "unknown"),
    ("not_sent", "not sent", "offered"),
];
/// Parts of what a consumer should get.
const OF_ACKED: [(&str, &str, &str); 5] = [
    ("delivered", "delivered", "delivered"),
    ("lost", "lost", "refused"),
    ("trimmed_unread", "trimmed before read", "k3"),
    ("unread", "unread at the end", "unknown"),
    ("uncovered", "before its start", "offered"),
];
/// Parts of what it got.
const OF_DELIVERIES: [(&str, &str, &str); 7] = [
    ("delivered", "first, of acknowledged", "delivered"),
    ("delivered_unacked", "first, of others", "acked"),
    ("redelivered", "redelivered", "unknown"),
    ("stored_twice_explained", "stored twice, explained", "k3"),
    (
        "stored_twice_unexplained",
        "stored twice, unexplained",
        "refused",
    ),
    ("corrupt", "corrupt", "refused"),
    ("foreign", "foreign", "offered"),
];

/// Parts of the calls of a load.
const OF_CALLS: [(&str, &str, &str); 6] = [
    ("ok", "answered with success", "acked"),
    ("expected", "refused as expected", "delivered"),
    ("unexpected", "unexpected answer", "refused"),
    ("throttled", "refused by a limit", "k3"),
    ("unknown", "unknown, no answer", "unknown"),
    ("not_sent", "not made", "offered"),
];

/// The ledgers as flows and as tables.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(
        document,
        "ledgers",
        "Ledgers",
        "Where every record ended, over the whole run. Each sum is exact, or the measurement is VOID.",
    );
    for name in document.ledger.producers.keys() {
        let place = pointer(&["ledger", "producers", name]);
        let title = format!("Producer {name}: where its records ended");
        section
            .blocks
            .extend(one(figures, &title, &place, "intended", &OF_INTENDED));
        section.blocks.push(Block::Table {
            table: phases(figures, &place, PRODUCER, &format!("All columns of {name}")),
        });
    }
    for name in document.ledger.consumers.keys() {
        let place = pointer(&["ledger", "consumers", name]);
        let title = format!("Consumer {name}: what became of the acknowledged records");
        section
            .blocks
            .extend(one(figures, &title, &place, "acked", &OF_ACKED));
        let title = format!("Consumer {name}: what its deliveries were");
        section
            .blocks
            .extend(one(figures, &title, &place, "deliveries", &OF_DELIVERIES));
        section.blocks.push(Block::Table {
            table: phases(figures, &place, CONSUMER, &format!("All columns of {name}")),
        });
    }
    for name in document.calls.keys() {
        let place = pointer(&["calls", name, "ledger"]);
        let title = format!("API calls {name}: where they ended");
        section
            .blocks
            .extend(one(figures, &title, &place, "intended", &OF_CALLS));
        section.blocks.push(Block::Table {
            table: phases(figures, &place, CALLS, &format!("All columns of {name}")),
        });
    }
    section
}

/// The flow of one sum over the whole run.
fn one(
    figures: &Figures,
    title: &str,
    place: &str,
    whole: &str,
    parts: &[(&'static str, &'static str, &'static str)],
) -> Option<Block> {
    let at = |member: &str| format!("{place}/total/{member}");
    let sum = figures.number(&at(whole)).filter(|sum| *sum > 0.0)?;
    // What is nothing is told where it would be bad news: loss above all.
    let shown: Vec<_> = parts
        .iter()
        .filter_map(|part| Some((part, figures.number(&at(part.0))?)))
        .filter(|((member, ..), value)| {
            *value > 0.0
                || matches!(
                    *member,
                    "acked" | "delivered" | "throttled" | "lost" | "unread" | "redelivered"
                )
        })
        .collect();
    let drawn = flow(
        &shown
            .iter()
            .map(|((_, _, class), value)| (*class, *value as u64))
            .collect::<Vec<_>>(),
    );
    let parts = shown.iter().zip(&drawn.middles);
    let parts = parts.map(|(((member, label, class), value), top)| FlowPart {
        top: *top,
        class,
        label,
        cell: figures.cell(&at(member), Show::Count),
        share: Percent(value / sum).to_string(),
    });
    Some(Block::Flow {
        flow: Flow {
            title: title.to_owned(),
            whole: whole.to_owned(),
            cell: figures.cell(&at(whole), Show::Count),
            height: drawn.height,
            parts: parts.collect(),
            svg: drawn.svg,
        },
    })
}

const PRODUCER: &[&str] = &[
    "intended",
    "acked",
    "throttled",
    "failed",
    "unknown",
    "not_sent",
    "not_sent_by_cause/queue_full",
    "not_sent_by_cause/interrupted",
    "not_sent_by_cause/time_up",
    "not_sent_by_cause/expired",
    "not_sent_by_cause/behind",
    "attempts",
    "rejected_attempts",
    "failed_attempts",
    "unknown_attempts",
    "accepted_after_retry",
    "misplaced_attempts",
    "acked_bytes",
    "acked_put_units",
    "kinesis_records/attempts",
    "kinesis_records/acked",
    "kinesis_records/rejected",
];
const CONSUMER: &[&str] = &[
    "acked",
    "delivered",
    "lost",
    "trimmed_unread",
    "unread",
    "uncovered",
    "deliveries",
    "delivered_unacked",
    "redelivered",
    "stored_twice_explained",
    "stored_twice_unexplained",
    "corrupt",
    "foreign",
    "out_of_order",
    "key_inversions",
    "lanes_not_judged",
    "misplaced",
];
const CALLS: &[&str] = &[
    "intended",
    "ok",
    "expected",
    "unexpected",
    "throttled",
    "unknown",
    "not_sent",
    "attempts",
    "rejected_attempts",
];

/// A ledger's columns as rows, the phases beside each other.
fn phases(figures: &Figures, place: &str, members: &[&str], name: &str) -> Table {
    let rows = members.iter().filter_map(|member| {
        let cell = |phase: &str| figures.cell(&format!("{place}/{phase}/{member}"), Show::Count);
        let total = cell("total");
        total.figure.as_ref()?;
        let label = member.replace(['/', '_'], " ");
        Some(vec![
            Cell::text(label),
            total,
            cell("warm_up"),
            cell("measure"),
        ])
    });
    Table {
        head: Head::row(&["column", "<whole run", "<warm-up", "<window"]),
        rows: rows.collect(),
        folded: name.to_owned(),
        ..Table::default()
    }
}
