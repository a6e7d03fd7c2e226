//! A report as Markdown, for the summary of a CI step, a pull request or a wiki: the answer and the tables that explain it.

use std::cmp::Reverse;
use std::fmt::Write as _;

use crate::base::units::{HumanCount, HumanMicros};
use crate::measure::Status;
use crate::report::answer;
use crate::report::document::Document;
use crate::report::text::{Percent, Plain};

/// So many rows of refusals are shown; the rest is counted.
const REFUSALS_MAX: usize = 5;

/// The whole text.
pub fn render(document: &Document) -> String {
    let [measurement, slo, answer] = answer::lines(document);
    let mut text = format!(
        "## {}\n\n**{}** | **{}**\n\n{}\n",
        plain(&document.scenario.name),
        plain(&measurement),
        plain(&slo),
        plain(&answer)
    );
    if !document.scenario.question.trim().is_empty() {
        let _ = writeln!(text, "\n> {}", plain(&document.scenario.question));
    }
    doubts(document, &mut text);
    slos(document, &mut text);
    sent(document, &mut text);
    read(document, &mut text);
    calls(document, &mut text);
    latency(document, &mut text);
    refusals(document, &mut text);
    let instrument = &document.instrument;
    let _ = writeln!(
        text,
        "\n{}, window {} s, seed {}, streamgauge {}",
        plain(&answer::provenance(document)),
        Plain(instrument.measure_s),
        document.seed,
        plain(&instrument.version)
    );
    text
}

/// Text that stays text: nothing in it is markup, a table's border or a person's name to be told.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A table; columns whose name begins with `<` are numbers.
fn table(text: &mut String, columns: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    text.push('\n');
    let names = columns.iter().map(|name| name.trim_start_matches('<'));
    let _ = writeln!(text, "| {} |", names.collect::<Vec<_>>().join(" | "));
    let lines = columns
        .iter()
        .map(|name| if name.starts_with('<') { "---:" } else { "---" });
    let _ = writeln!(text, "| {} |", lines.collect::<Vec<_>>().join(" | "));
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| plain(cell)).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
}

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

fn doubts(document: &Document, text: &mut String) {
    let reasons = &document.verdict.reasons;
    if !reasons.is_empty() || document.instrument.interrupted {
        text.push('\n');
    }
    for reason in reasons {
        let status = match reason.status {
            Status::Valid => "note",
            status => status.as_str(),
        };
        let _ = writeln!(text, "- {status}: {}", plain(&reason.text));
    }
    if document.instrument.interrupted {
        text.push_str("- the run was ended early\n");
    }
}

fn slos(document: &Document, text: &mut String) {
    let rows: Vec<_> = document
        .slo
        .iter()
        .map(|slo| {
            let result = slo.status.as_str();
            vec![
                result.to_owned(),
                slo.name.clone(),
                slo.metric.clone(),
                slo.bound(),
                slo.shown_value(),
            ]
        })
        .collect();
    let first = format!("SLO ({})", document.basis.as_str());
    table(text, &[&first, "name", "figure", "<bound", "<value"], &rows);
}

fn sent(document: &Document, text: &mut String) {
    let rows: Vec<_> = document
        .ledger
        .producers
        .iter()
        .map(|(name, ledger)| {
            let total = &ledger.total;
            let mut row = vec![name.clone()];
            row.extend(
                [
                    total.intended,
                    total.acked,
                    total.throttled,
                    total.failed,
                    total.unknown,
                    total.not_sent,
                ]
                .map(count),
            );
            row.push(if total.intended == 0 {
                "-".to_owned()
            } else {
                Percent(total.accepted_share()).to_string()
            });
            row
        })
        .collect();
    let columns = [
        "records sent, whole run",
        "<intended",
        "<acked",
        "<throttled",
        "<failed",
        "<unknown",
        "<not sent",
        "<accepted",
    ];
    table(text, &columns, &rows);
}

fn read(document: &Document, text: &mut String) {
    let rows: Vec<_> = document
        .ledger
        .consumers
        .iter()
        .map(|(name, ledger)| {
            let total = &ledger.total;
            let mut row = vec![name.clone()];
            row.extend(
                [
                    total.acked,
                    total.delivered,
                    total.lost,
                    total.trimmed_unread,
                    total.unread,
                    total.uncovered,
                    total.redelivered,
                    total.out_of_order,
                ]
                .map(count),
            );
            row
        })
        .collect();
    let columns = [
        "records read, whole run",
        "<acked",
        "<delivered",
        "<lost",
        "<trimmed",
        "<unread",
        "<uncovered",
        "<redelivered",
        "<out of order",
    ];
    table(text, &columns, &rows);
}

fn calls(document: &Document, text: &mut String) {
    let loads = document.calls.iter();
    let rows: Vec<_> = loads
        .flat_map(|(load, summary)| {
            summary.operations.iter().map(move |(call, operation)| {
                let total = &operation.ledger.total;
                let mut row = vec![load.clone(), call.clone()];
                row.extend(
                    [
                        total.intended,
                        total.ok,
                        total.expected,
                        total.unexpected,
                        total.throttled,
                        total.unknown,
                        total.not_sent,
                    ]
                    .map(count),
                );
                row
            })
        })
        .collect();
    let columns = [
        "load",
        "call, whole run",
        "<intended",
        "<ok",
        "<expected",
        "<unexpected",
        "<throttled",
        "<unknown",
        "<not sent",
    ];
    table(text, &columns, &rows);
}

fn latency(document: &Document, text: &mut String) {
    let latency = &document.latency;
    let parts = latency.producers.iter().chain(&latency.consumers);
    let parts = parts.map(|(name, kinds)| (name.clone(), kinds));
    let calls = document.calls.iter().flat_map(|(load, summary)| {
        let operations = summary.operations.iter();
        operations.map(move |(call, operation)| (format!("{load}.{call}"), &operation.latency))
    });
    let rows: Vec<_> = parts
        .chain(calls)
        .flat_map(|(name, kinds)| {
            let kinds = kinds.iter().filter(|(_, summary)| summary.count > 0);
            kinds.map(move |(kind, summary)| {
                let mut row = vec![name.clone(), kind.to_string(), count(summary.count)];
                row.extend(
                    [
                        summary.p50_us,
                        summary.p90_us,
                        summary.p99_us,
                        summary.p999_us,
                        summary.max_us,
                    ]
                    .map(|micros| HumanMicros(micros).to_string()),
                );
                row
            })
        })
        .collect();
    let columns = [
        "of",
        "latency in the window",
        "<samples",
        "<p50",
        "<p90",
        "<p99",
        "<p99.9",
        "<max",
    ];
    table(text, &columns, &rows);
}

fn refusals(document: &Document, text: &mut String) {
    let mut rows: Vec<_> = document.throttling.iter().collect();
    rows.sort_by_key(|row| Reverse(row.row.attempts));
    let rest = rows.split_off(rows.len().min(REFUSALS_MAX));
    let shown: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let shard = row.row.shard.map(|shard| shard.number().to_string());
            vec![
                row.stream.clone(),
                shard.unwrap_or_else(|| "-".to_owned()),
                row.row.cause.as_str().to_owned(),
                row.row.api.clone().into_owned(),
                count(row.row.attempts),
                row.row.basis.as_str().to_owned(),
            ]
        })
        .collect();
    let columns = [
        "refused in the window",
        "<shard",
        "limit",
        "API",
        "<attempts",
        "how known",
    ];
    table(text, &columns, &shown);
    if !rest.is_empty() {
        let attempts = rest.iter().map(|row| row.row.attempts).sum();
        let _ = writeln!(text, "\nand {} more attempts", count(attempts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_markdown_of_a_known_document_is_this_text() {
        insta::assert_snapshot!(render(&sample::document()));
    }

    #[test]
    fn text_of_the_scenario_is_no_markup_and_breaks_no_table() {
        let mut document = sample::document();
        document.slo[0].name = "a|b\n<script>@team [x](y) `c`".into();
        let text = render(&document);
        assert!(
            text.contains("a\\|b &lt;script>&#64;team \\[x\\](y) \\`c\\`"),
            "{text}"
        );
        let borders = |line: &str| line.replace("\\|", "").matches('|').count();
        let mut rows = text
            .lines()
            .filter(|line| line.starts_with("| met") || line.starts_with("| MISSED"));
        assert!(rows.all(|row| borders(row) == 6));
    }

    #[test]
    fn a_run_that_saw_nothing_has_no_empty_tables() {
        let mut document = sample::document();
        document.slo.clear();
        document.ledger = crate::report::Ledger::default();
        document.latency = crate::report::Latency::default();
        document.throttling.clear();
        assert!(!render(&document).contains("---"));
    }
}
