//! The answer, the doubts, and the numbers that a person quotes.

use crate::measure::Status;
use crate::report::answer;
use crate::report::document::Document;
use crate::report::html::figures::{Figures, Show, pointer};
use crate::report::html::page::{Answer, Block, Cell, Page, Reason, Section, Tile};
use crate::report::slo::SloResult;
use crate::report::text::Plain;

/// What stands above all sections.
pub(super) fn head(document: &Document) -> Page {
    let (info, instrument) = (&document.scenario, &document.instrument);
    let seconds = |seconds: f64| format!("{} s", Plain(seconds));
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut facts = vec![
        fact("seed", document.seed.to_string()),
        fact("warm-up", seconds(instrument.warm_up_s)),
        fact("window", seconds(instrument.measure_s)),
        fact("drain", seconds(instrument.drain_s)),
        fact("load began", instrument.started.clone()),
    ];
    if let Some(part) = &document.worker {
        facts.push(fact("part", format!("{} of {}", part.worker, part.of)));
    }
    if !document.workers.is_empty() {
        facts.push(fact(
            "merged of",
            format!("{} hosts", document.workers.len()),
        ));
    }
    Page {
        title: info.name.clone(),
        question: info.question.clone(),
        provenance: answer::provenance(document),
        facts,
        answers: answers(document),
        reasons_title: if document.verdict.status == Status::Valid && !instrument.interrupted {
            "Worth knowing"
        } else {
            "Reasons to doubt it"
        },
        reasons: reasons(document),
        sections: Vec::new(),
    }
}

fn answers(document: &Document) -> Vec<Answer> {
    let lines = answer::lines(document);
    let split = lines.iter().filter_map(|line| line.split_once(": "));
    let answers = split.map(|(label, text)| Answer {
        label: label.to_owned(),
        text: text.to_owned(),
        tone: match label {
            "Measurement" => tone(document.verdict.status),
            _ if document.verdict.status == Status::Void || document.slo.is_empty() => "",
            _ if document.slo.iter().any(SloResult::is_missed) => "bad",
            _ => "good",
        },
    });
    answers.collect()
}

/// The colour of a status.
pub(super) const fn tone(status: Status) -> &'static str {
    match status {
        Status::Valid => "good",
        Status::Degraded => "warn",
        Status::Void => "bad",
    }
}

fn reasons(document: &Document) -> Vec<Reason> {
    let mut sorted: Vec<_> = document.verdict.reasons.iter().collect();
    sorted.sort_by_key(|reason| std::cmp::Reverse(reason.status));
    let reasons = sorted.into_iter().map(|reason| Reason {
        label: match reason.status {
            Status::Valid => "note".to_owned(),
            status => status.as_str().to_owned(),
        },
        tone: match reason.status {
            Status::Valid => "",
            status => tone(status),
        },
        text: reason.text.clone(),
    });
    let ended = document.instrument.interrupted.then(|| Reason {
        label: "ended early".to_owned(),
        tone: "warn",
        text: "What was under way is unknown or was not sent.".to_owned(),
    });
    reasons.chain(ended).collect()
}

/// The numbers to be seen first, of each producer, consumer and load of calls.
pub(super) fn summary(document: &Document, figures: &Figures) -> Section {
    let mut section = super::section(
        document,
        "summary",
        "In short",
        "Of the measurement window; what is lost, redelivered or out of order is of the whole run.",
    );
    let mut group = |title: String, tiles: Vec<(&str, String, Show)>| {
        let tiles: Vec<_> = tiles
            .into_iter()
            .map(|(label, place, show)| tile(label, figures.cell(&place, show)))
            .filter(|tile| tile.cell.figure.is_some())
            .collect();
        if !tiles.is_empty() {
            section.blocks.push(Block::Heading { text: title });
            section.blocks.push(Block::Tiles { tiles });
        }
    };
    for (name, producer) in &document.producers {
        let of = |member: &str| pointer(&["producers", name, member]);
        let latency = |kind: &str, what: &str| pointer(&["latency", "producers", name, kind, what]);
        group(
            format!("Producer {name}, to {}", producer.stream),
            vec![
                ("offered", of("offered_records_per_s"), Show::PerS),
                ("acknowledged", of("acked_records_per_s"), Show::PerS),
                ("accepted share", of("accepted_share"), Show::Share),
                (
                    "acknowledged bytes",
                    of("acked_bytes_per_s"),
                    Show::BytesPerS,
                ),
                (
                    "response time p50",
                    latency("response_time", "p50_us"),
                    Show::Micros,
                ),
                (
                    "response time p99",
                    latency("response_time", "p99_us"),
                    Show::Micros,
                ),
                ("attempts per record", of("amplification"), Show::Plain),
            ],
        );
    }
    for (name, consumer) in &document.consumers {
        let of = |member: &str| pointer(&["consumers", name, member]);
        let latency = |kind: &str, what: &str| pointer(&["latency", "consumers", name, kind, what]);
        let total = |member: &str| pointer(&["ledger", "consumers", name, "total", member]);
        group(
            format!("Consumer {name}, {} of {}", consumer.kind, consumer.stream),
            vec![
                ("delivered", of("delivered_records_per_s"), Show::PerS),
                (
                    "end to end p50",
                    latency("end_to_end", "p50_us"),
                    Show::Micros,
                ),
                (
                    "end to end p99",
                    latency("end_to_end", "p99_us"),
                    Show::Micros,
                ),
                ("behind the tip p99", latency("lag", "p99_us"), Show::Micros),
                ("lost", total("lost"), Show::Count),
                ("redelivered", total("redelivered"), Show::Count),
                ("out of order", total("out_of_order"), Show::Count),
            ],
        );
    }
    for name in document.calls.keys() {
        let of = |member: &str| pointer(&["calls", name, member]);
        group(
            format!("API calls {name}"),
            vec![
                ("offered", of("offered_calls_per_s"), Show::PerS),
                (
                    "answered as expected",
                    of("answered_calls_per_s"),
                    Show::PerS,
                ),
                ("throttled share", of("throttled_share"), Show::Share),
            ],
        );
    }
    section
}

/// A tile of a number.
pub(super) fn tile(label: &str, cell: Cell) -> Tile {
    Tile {
        label: label.to_owned(),
        cell,
        of: String::new(),
    }
}
