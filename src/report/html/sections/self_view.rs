//! What the instrument says of itself.

use crate::measure::Status;
use crate::measure::verdict::RULES;
use crate::report::document::Document;
use crate::report::html::figures::{Figures, Show};
use crate::report::html::page::{Block, Cell, Head, Section, Table, Tile};
use crate::report::html::sections::head::{tile, tone};
use crate::report::text::Plain;

/// The instrument's own figures and those of every host.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(
        document,
        "instrument",
        "Instrument",
        "Whether the instrument kept its own schedule. What it does late is its own fault, not the target's; beyond a threshold \
         the reasons above say so.",
    );
    let mut tiles: Vec<Tile> = [
        ("longest pacer gap", "pacer_gap_us_max", Show::Micros),
        ("host's processors busy", "host_cpu_share", Show::Share),
        ("this process", "process_cpu_share", Show::Share),
        ("taken by the hypervisor", "cpu_steal_share", Show::Share),
        (
            "a sending thread waited for a processor",
            "sender_wait_share",
            Show::Share,
        ),
        ("page faults from disk", "major_page_faults", Show::Count),
        ("smallest step of the clock", "clock_step_ns", Show::Nanos),
        ("reading the clock", "clock_read_ns", Show::Nanos),
        (
            "hosts' clocks apart, at most",
            "clocks_apart_ms_max",
            Show::Millis,
        ),
        ("length of the intervals", "interval_s", Show::Seconds),
    ]
    .into_iter()
    .map(|(label, member, show)| tile(label, figures.cell(&format!("/instrument/{member}"), show)))
    .filter(|tile| tile.cell.figure.is_some())
    .collect();
    if let Some([low, high]) = document.instrument.clock_offset_ms {
        tiles.push(tile(
            "service's clock minus this host's",
            Cell::text(format!("{} to {} ms", Plain(low), Plain(high))),
        ));
    }
    section.blocks.push(Block::Tiles { tiles });
    let late = document.latency.producers.keys().map(|name| {
        let place = |kind: &str, member: &str| {
            let at = super::super::figures::pointer(&["latency", "producers", name, kind, member]);
            figures.cell(&at, Show::Micros)
        };
        vec![
            Cell::text(name),
            place("lateness", "p50_us"),
            place("lateness", "p99_us"),
            place("lateness", "max_us"),
            place("response_time", "p99_us"),
        ]
    });
    let late: Vec<_> = late.collect();
    if !late.is_empty() {
        section.blocks.push(Block::Table {
            table: Table {
                caption: "Lateness of the pacer beside the response time that it must not colour"
                    .to_owned(),
                head: Head::row(&[
                    "producer",
                    "<lateness p50",
                    "<p99",
                    "<max",
                    "<response time p99",
                ]),
                rows: late,
                ..Table::default()
            },
        });
    }
    section.blocks.push(Block::Table {
        table: thresholds(document),
    });
    if !document.workers.is_empty() {
        section.blocks.push(Block::Table {
            table: hosts(document, figures),
        });
    }
    section
}

/// What makes a measurement doubtful, as the program that made the page has it.
fn thresholds(document: &Document) -> Table {
    let rows = RULES.iter().map(|rule| {
        let bound = |above: Option<f64>| {
            let text = above.map_or_else(
                || "–".to_owned(),
                |above| format!("above {}", rule.unit.show(above)),
            );
            Cell::text(text).with("n")
        };
        let reasons = document.verdict.reasons.iter();
        let crossed = reasons.filter(|reason| reason.code == rule.code);
        let status = crossed
            .map(|reason| reason.status)
            .max()
            .unwrap_or_default();
        vec![
            Cell::text(rule.description).with("wrap"),
            bound(rule.degraded_above),
            bound(rule.void_above),
            Cell::text(match status {
                Status::Valid => "not crossed",
                crossed => crossed.as_str(),
            })
            .with(tone(status)),
        ]
    });
    Table {
        head: Head::row(&["what is looked at", "<DEGRADED", "<VOID", "here"]),
        rows: rows.collect(),
        folded: "Thresholds of the verdict".to_owned(),
        note: "What could not be read, such as processor time where there is none, is not judged."
            .to_owned(),
        ..Table::default()
    }
}

fn hosts(document: &Document, figures: &Figures) -> Table {
    let rows = document.workers.iter().enumerate().map(|(index, worker)| {
        let cell = |member: &str, show| figures.cell(&format!("/workers/{index}/{member}"), show);
        vec![
            cell("worker", Show::Count),
            Cell::text(worker.status.as_str()).with(tone(worker.status)),
            cell("intended", Show::Count),
            cell("acked", Show::Count),
            Cell::text(worker.reads.join(", ")),
            cell("pacer_gap_us_max", Show::Micros),
            cell("host_cpu_share", Show::Share),
            Cell::text(
                worker
                    .environment
                    .as_ref()
                    .map_or("", |host| &host.cpu_model),
            ),
        ]
    });
    Table {
        caption: "The hosts that made this run".to_owned(),
        head: Head::row(&[
            "<worker",
            "measurement",
            "<records",
            "<acknowledged",
            "reads for",
            "<pacer gap",
            "<processors busy",
            "host",
        ]),
        rows: rows.collect(),
        ..Table::default()
    }
}
