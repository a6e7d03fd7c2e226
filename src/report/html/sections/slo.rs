//! What had to hold, and whether it did.

use crate::measure::Status;
use crate::report::document::Document;
use crate::report::figure::Unit;
use crate::report::html::figures::{Figures, Show};
use crate::report::html::page::{Block, Cell, Head, Section, Table};
use crate::report::slo::SloStatus;

/// The table of SLOs.
pub(super) fn section(document: &Document, figures: &Figures) -> Option<Section> {
    if document.slo.is_empty() {
        return None;
    }
    let lead = match document.verdict.status {
        Status::Void => "The figures of a VOID measurement judge nothing.",
        _ => "",
    };
    let mut section = super::section(document, "slo", "SLO", lead);
    let rows = document.slo.iter().enumerate().map(|(index, slo)| {
        let show = match slo.unit {
            Unit::Us => Show::Micros,
            Unit::Share => Show::Share,
            Unit::PerS => Show::PerS,
            Unit::Count => Show::Plain,
        };
        let (text, class) = match slo.status {
            SloStatus::Met => ("met", "good"),
            SloStatus::Missed => ("missed", "bad"),
            SloStatus::Unknown => ("unknown", "bad"),
            SloStatus::NoData => ("no data", "bad"),
        };
        let mut value = figures.cell(&format!("/slo/{index}/value"), show);
        if slo.value.is_some() {
            value.text = slo.shown_value();
        }
        vec![
            Cell::text(text).with(class),
            Cell::text(&slo.name),
            value,
            Cell::text(slo.bound()).with("n"),
            Cell::text(&slo.metric),
            Cell::text(slo.basis.as_str()),
        ]
    });
    section.blocks.push(Block::Table {
        table: Table {
            head: Head::row(&["result", "name", "<value", "<bound", "figure", "basis"]),
            rows: rows.collect(),
            ..Table::default()
        },
    });
    Some(section)
}
