//! The parts of the page, in the order in which a reader wants them.
//!
//! Each file makes one part from the document; a part without anything to show is left out.

mod events;
mod head;
mod heat;
mod keys;
mod latency;
mod ledgers;
mod load;
mod minutes;
mod origin;
mod self_view;
mod shards;
mod slo;
mod throttling;
mod time;
mod watched;

use super::figures::Figures;
use super::page::{Page, Section};
use crate::report::document::Document;

/// The whole page.
pub(super) fn page(document: &Document, figures: &Figures) -> Page {
    let sections = [
        slo::section(document, figures),
        Some(head::summary(document, figures)),
        load::section(document, figures),
        Some(latency::section(document, figures)),
        events::section(document, figures),
        Some(shards::section(document, figures)),
        Some(watched::section(document, figures)),
        Some(keys::section(document, figures)),
        Some(ledgers::section(document, figures)),
        Some(throttling::section(document, figures)),
        Some(minutes::section(document, figures)),
        Some(self_view::section(document, figures)),
        Some(origin::section(document, figures)),
    ];
    Page {
        sections: sections
            .into_iter()
            .flatten()
            .filter(|section| !section.blocks.is_empty())
            .collect(),
        ..head::head(document)
    }
}

/// A section of this run's kind of numbers.
fn section(document: &Document, id: &'static str, title: &'static str, lead: &str) -> Section {
    Section {
        id,
        title,
        basis: document.basis.as_str(),
        lead: lead.to_owned(),
        blocks: Vec::new(),
    }
}
