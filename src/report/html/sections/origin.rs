//! Where the numbers come from, and what makes them again.

use crate::report::document::{Document, World};
use crate::report::html::figures::{Figures, Show};
use crate::report::html::page::{Block, Cell, Head, Section, Table};

/// Target, host, bill, scenario and command.
pub(super) fn section(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(document, "origin", "Where it comes from", "");
    section.basis = "";
    let mut rows = vec![row("world", document.world.as_str())];
    let mut number = |name: &str, place: &str, show| {
        let cell = figures.cell(place, show);
        if cell.figure.is_some() {
            rows.push(vec![Cell::text(name), Cell { class: "", ..cell }]);
        }
    };
    number("seed", "/seed", Show::Plain);
    number("processors", "/environment/cpus", Show::Count);
    number("memory", "/environment/memory_bytes", Show::Bytes);
    if let Some(environment) = &document.environment {
        rows.push(row("processor", &environment.cpu_model));
        rows.push(row("operating system", &environment.os));
        rows.push(row("target", &environment.target));
    }
    if let Some(target) = &document.target {
        rows.push(row("called by", &target.client));
        rows.extend(target.url.as_ref().map(|url| row("URL", url)));
        rows.push(row("`[engine]`", &target.engine));
        rows.extend(
            target
                .unreachable
                .as_ref()
                .map(|why| row("not reachable at the end", why)),
        );
        for (stream, why) in &target.left_behind {
            rows.push(row("left there", &format!("stream {stream}: {why}")));
        }
        for finding in &target.findings {
            rows.push(row(
                "finding",
                &format!("{} times {}", finding.count, finding.text),
            ));
        }
    }
    rows.push(row("streamgauge", &document.instrument.version));
    rows.push(row("again, in the results folder", &command(document)));
    section.blocks.push(Block::Table {
        table: Table {
            head: Head::row(&["what", "which"]),
            rows,
            ..Table::default()
        },
    });
    if document.aws.is_some() {
        section.blocks.push(Block::Table {
            table: bill(document, figures),
        });
    }
    section.blocks.push(Block::Text {
        caption: "The scenario as it ran (scenario.toml)".to_owned(),
        text: document.scenario.text.clone(),
    });
    section
}

fn row(name: &str, value: &str) -> Vec<Cell> {
    vec![Cell::text(name), Cell::text(value).with("wrap")]
}

/// What makes the same run again: the scenario in the folder holds its seed and what the command line changed.
fn command(document: &Document) -> String {
    let target = match (&document.target, document.world) {
        (_, World::Simulated) => return "streamgauge simulate scenario.toml".to_owned(),
        (Some(target), _) => format!(" --target {} --client {}", target.name, target.client),
        (None, _) => String::new(),
    };
    format!("streamgauge run scenario.toml{target}")
}

fn bill(document: &Document, figures: &Figures) -> Table {
    let run = document.aws.as_ref();
    let lines = run.into_iter().flat_map(|run| &run.cost.lines).enumerate();
    let rows = lines.map(|(index, line)| {
        let cell =
            |member: &str, show| figures.cell(&format!("/aws/cost/lines/{index}/{member}"), show);
        vec![
            Cell::text(&line.stream),
            Cell::text(&line.item),
            cell("quantity", Show::Plain),
            Cell::text(line.basis.as_str()),
            cell("unit_price_usd", Show::Plain),
            Cell::text(line.price_basis.as_str()),
            cell("usd", Show::Usd),
        ]
    });
    let mut rows: Vec<_> = rows.collect();
    let mut sum = vec![Cell::text("sum")];
    sum.resize(6, Cell::default());
    sum.push(figures.cell("/aws/cost/usd", Show::Usd));
    rows.push(sum);
    let note = run.map(|run| {
        format!(
            "Account {} in {}, as {}. Prices of the list of {} for {}, which nobody asked AWS for.",
            run.account, run.region, run.caller, run.cost.prices.date, run.cost.prices.region
        )
    });
    Table {
        caption: "What it cost".to_owned(),
        head: Head::row(&[
            "stream",
            "item",
            "<quantity",
            "basis",
            "<price in USD",
            "basis",
            "<cost",
        ]),
        rows,
        note: note.unwrap_or_default(),
        ..Table::default()
    }
}
