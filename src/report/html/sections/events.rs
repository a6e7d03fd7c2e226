//! What happened, and what it did: before, during, after.

use crate::report::document::{Document, EventRow, EventStatus};
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Block, Card, Cell, Head, Section, Table};
use crate::report::html::sections::head::tile;

/// A card for each event.
pub(super) fn section(document: &Document, figures: &Figures) -> Option<Section> {
    if document.events.is_empty() {
        return None;
    }
    let lead = if document.events.iter().any(|event| event.effect.is_some()) {
        "A stream has recovered when, up to the next event or the end of the load, no interval follows in which it was \
         disturbed: the share of refused attempts a hundredth higher than before, a reader more than twice as far behind and \
         1 s, or a response longer than twice the longest before and 20 ms. As exact as the intervals are short."
    } else {
        ""
    };
    let mut section = super::section(document, "events", "Events", lead);
    for (index, event) in document.events.iter().enumerate() {
        section.blocks.push(Block::Card {
            card: card(document, figures, index, event),
        });
    }
    Some(section)
}

fn card(document: &Document, figures: &Figures, index: usize, event: &EventRow) -> Card {
    let place = format!("/events/{index}");
    let cell = |member: &str, show| figures.cell(&format!("{place}/{member}"), show);
    let mut tiles = vec![
        tile("planned at", cell("planned_s", Show::Seconds)),
        tile("began at", cell("started_s", Show::Seconds)),
        tile("over at", cell("ended_s", Show::Seconds)),
    ];
    if let Some(effect) = &event.effect {
        let recovered = match effect.recovered_s {
            Some(_) => cell("effect/recovered_s", Show::Seconds),
            None => Cell::text("not within the load").with("bad"),
        };
        tiles.push(tile("recovered after", recovered));
        tiles.push(tile(
            "farthest lag meanwhile",
            cell("effect/during/lag_ms_max", Show::Millis),
        ));
        for (name, consumer) in &document.consumers {
            if consumer.stream == event.stream {
                let redelivered = pointer(&["ledger", "consumers", name, "total", "redelivered"]);
                let mut tile = tile(
                    "redelivered, whole run",
                    figures.cell(&redelivered, Show::Count),
                );
                tile.of.clone_from(name);
                tiles.push(tile);
            }
        }
    }
    tiles.retain(|tile| tile.cell.figure.is_some() || tile.cell.class == "bad");
    Card {
        title: format!("{}: {} on {}", event.name, event.action, event.stream),
        tone: match event.status {
            EventStatus::Done => "good",
            EventStatus::Skipped => "",
            EventStatus::Failed => "bad",
        },
        status: event.status.as_str().to_owned(),
        text: event.detail.clone(),
        tiles,
        table: event.effect.is_some().then(|| around(figures, &place)),
    }
}

/// The stretches beside each other.
fn around(figures: &Figures, place: &str) -> Table {
    let rows = [
        ("from", "from_s", Show::Seconds),
        ("until", "until_s", Show::Seconds),
        ("offered", "offered_per_s", Show::PerS),
        ("acknowledged", "acked_per_s", Show::PerS),
        ("refused attempts", "refused_per_s", Show::PerS),
        ("delivered", "delivered_per_s", Show::PerS),
        ("response time p99", "response_p99_us", Show::Micros),
        ("end to end p99", "end_to_end_p99_us", Show::Micros),
        ("farthest lag", "lag_ms_max", Show::Millis),
    ];
    let rows = rows.into_iter().map(|(label, member, show)| {
        let cells = ["before", "during", "after"]
            .map(|when| figures.cell(&format!("{place}/effect/{when}/{member}"), show));
        [Cell::text(label)].into_iter().chain(cells).collect()
    });
    Table {
        head: Head::row(&["", "<before", "<during", "<after"]),
        rows: rows.collect(),
        ..Table::default()
    }
}
