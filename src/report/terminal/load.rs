//! How long things took, what was refused, and how the load lay on the shards.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::base::units::{HumanCount, HumanMicros};
use crate::measure::LatencyKind;
use crate::report::document::{Document, ShardRow, StreamBalance, per_s};
use crate::report::terminal::table::Table;
use crate::report::terminal::{NAME_CHARS, hanging};
use crate::report::text::{Percent, Plain, shortened};

/// Beyond so many rows a table shows the largest and counts the rest.
const ROWS_MAX: usize = 16;

/// The length of the bar of the shard with the highest load.
const BAR_CHARS: f64 = 32.0;

/// What a kind of latency is the time between, in a few words.
const fn meaning(kind: LatencyKind) -> &'static str {
    match kind {
        LatencyKind::Lateness => "intended to released (the instrument's own delay)",
        LatencyKind::BatchWait => "released to sent",
        LatencyKind::ServiceTime => "sent to answered (each attempt)",
        LatencyKind::ResponseTime => "intended to acked",
        LatencyKind::TimeToGiveUp => "intended to given up",
        LatencyKind::DeliveryDelay => "arrival to delivered (two clocks)",
        LatencyKind::EndToEnd => "intended to delivered",
        LatencyKind::TransitionTime => "a change of a stream, asked for to seen",
        LatencyKind::Lag => "behind the tip of the shard, as each answer says",
    }
}

/// Latencies by part and kind.
pub(super) fn latency(document: &Document) -> Option<String> {
    let mut table = Table::new("of  latency  <samples  <p50  <p90  <p99  <p99.9  <max");
    let mut notes = String::new();
    let latency = &document.latency;
    let mut shown_kinds = BTreeSet::new();
    for (name, kinds) in latency.producers.iter().chain(&latency.consumers) {
        let mut shown = shortened(name, NAME_CHARS);
        for (kind, summary) in kinds.iter().filter(|(_, summary)| summary.count > 0) {
            for (samples, what) in [
                (
                    summary.negative,
                    "below zero (clocks that disagree), counted as 0",
                ),
                (summary.clipped, "above an hour, counted as an hour"),
            ] {
                if samples > 0 {
                    let first = format!("  {} {kind}: ", shortened(name, NAME_CHARS));
                    notes.push('\n');
                    notes.push_str(&hanging(
                        &first,
                        &[format!("{} {what}", HumanCount(samples))],
                    ));
                }
            }
            let time = |micros| HumanMicros(micros).to_string();
            table.row([
                // A name once for all of its kinds.
                std::mem::take(&mut shown),
                kind.to_string(),
                HumanCount(summary.count).to_string(),
                time(summary.p50_us),
                time(summary.p90_us),
                time(summary.p99_us),
                time(summary.p999_us),
                time(summary.max_us),
            ]);
            shown_kinds.insert(*kind);
        }
    }
    let title = format!("Latency in the window ({})", document.basis.as_str());
    let legend: Vec<_> = shown_kinds
        .into_iter()
        .map(|kind| format!("{kind}: {}", meaning(kind)))
        .collect();
    (!legend.is_empty())
        .then(|| table.titled(&title) + "\n" + &hanging("  ", &[legend.join("; ")]) + &notes)
}

/// Refused attempts, the most first.
pub(super) fn throttling(document: &Document) -> Option<String> {
    if document.throttling.is_empty() {
        return (!(document.producers.is_empty() && document.consumers.is_empty()))
            .then(|| "Attempts refused by a limit in the window: none".to_owned());
    }
    let mut rows: Vec<_> = document.throttling.iter().collect();
    rows.sort_by_key(|row| Reverse(row.row.attempts));
    let rest = rows.split_off(rows.len().min(ROWS_MAX));
    let mut table = Table::new("stream  <shard  limit  API  <attempts  how known");
    for row in rows {
        table.row([
            shortened(&row.stream, NAME_CHARS),
            row.row
                .shard
                .map_or_else(|| "-".to_owned(), |shard| shard.number().to_string()),
            row.row.cause.as_str().to_owned(),
            row.row.api.clone().into_owned(),
            HumanCount(row.row.attempts).to_string(),
            row.row.basis.as_str().to_owned(),
        ]);
    }
    let title = format!(
        "Attempts refused by a limit in the window ({})",
        document.basis.as_str()
    );
    let mut text = table.titled(&title);
    if !rest.is_empty() {
        let attempts = rest.iter().map(|row| row.row.attempts).sum();
        let _ = write!(
            text,
            "\n  and {} more in {} smaller rows",
            HumanCount(attempts),
            rest.len()
        );
    }
    Some(text)
}

/// How long refusals went on after their causes.
pub(super) fn outlived(document: &Document) -> Option<String> {
    let rows: Vec<_> = document
        .refusals_outlived
        .iter()
        .filter(|row| row.outlived_s > 0.0)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut table = Table::new("stream  cause  <shards  <from s  <until s  <refused s longer");
    for row in &rows {
        table.row([
            shortened(&row.stream, NAME_CHARS),
            shortened(&row.cause, 2 * NAME_CHARS),
            match row.shards.as_slice() {
                [one] => format!("only {one}"),
                many => many.len().to_string(),
            },
            Plain((row.from_s * 10.0).round() / 10.0).to_string(),
            Plain((row.until_s * 10.0).round() / 10.0).to_string(),
            Plain((row.outlived_s * 100.0).round() / 100.0).to_string(),
        ]);
    }
    let title = format!(
        "Refusals that outlived their cause ({})",
        document.basis.as_str()
    );
    Some(table.titled(&title))
}

/// The load of each shard, stream by stream.
pub(super) fn shards(document: &Document) -> Option<String> {
    let mut streams: Vec<_> = document.shards.iter().map(|row| &*row.stream).collect();
    streams.dedup();
    // Of a stream that only others write its readers tell.
    let watched = |stream: &str| {
        let mut consumers = document.consumers.values();
        consumers.any(|consumer| consumer.stream == stream && consumer.watched.is_some())
    };
    streams.retain(|stream| !watched(stream));
    let sections: Vec<_> = streams
        .into_iter()
        .map(|stream| {
            let rows: Vec<_> = document
                .shards
                .iter()
                .filter(|row| row.stream == stream)
                .collect();
            shards_of(document, stream, rows)
        })
        .collect();
    (!sections.is_empty()).then(|| sections.join("\n\n"))
}

fn shards_of(document: &Document, stream: &str, mut rows: Vec<&ShardRow>) -> String {
    // Per second of those in which the shard was open.
    let rate = |row: &ShardRow, records| match row.open_s(&document.instrument) {
        open_s if open_s > 0.0 => per_s(records, open_s),
        _ => 0.0,
    };
    let offered = |row: &ShardRow| rate(row, row.totals.offered);
    let highest = rows.iter().map(|row| offered(row)).fold(0.0, f64::max);
    let mut rest = Vec::new();
    if rows.len() > ROWS_MAX {
        rows.sort_by(|a, b| offered(b).total_cmp(&offered(a)));
        rest = rows.split_off(ROWS_MAX);
    }
    let resharded = rows
        .iter()
        .any(|row| row.opened_s.is_some() || row.closed_s.is_some());
    let changed = rows.iter().any(|row| row.even.is_some());
    let mut table = Table::new(if resharded {
        "<shard  <offered/s  <acked/s  <refused  # acked, . not acked  open"
    } else {
        "<shard  <offered/s  <acked/s  <refused  # acked, . not acked"
    });
    for row in &rows {
        let totals = &row.totals;
        let mut cells = vec![
            totals.shard.number().to_string(),
            Plain(offered(row)).to_string(),
            Plain(rate(row, totals.acked)).to_string(),
            HumanCount(totals.refused).to_string(),
            bar(totals.acked, totals.offered, offered(row) / highest),
        ];
        if resharded {
            cells.push(lifetime(row));
        }
        table.row(cells);
    }
    let title = format!(
        "Shards of {} in the window ({})",
        shortened(stream, NAME_CHARS),
        document.basis.as_str()
    );
    let mut text = table.titled(&title);
    if let Some(next) = rest.first() {
        let _ = write!(
            text,
            "\n  and {} more with at most {} offered/s each",
            rest.len(),
            Plain(offered(next))
        );
    }
    text.push_str("\n  ");
    text.push_str(&evenness(document.balance.get(stream), changed));
    text
}

/// Whether one shard has more than its part, in a line.
fn evenness(balance: Option<&StreamBalance>, resharded: bool) -> String {
    let hottest = balance.and_then(|balance| Some((balance.records, balance.records.hottest?)));
    let Some((records, hottest)) = hottest else {
        // Calls may have put records, which no ledger of a shard holds.
        return "no record was offered by a producer".to_owned();
    };
    // Two digits: "1 times the mean" would hide what is left of a hot key.
    format!(
        "the hottest is shard {} with {} of the records, {:.2} times the mean{}",
        hottest.number(),
        Percent(records.hottest_share),
        records.max_over_mean,
        if resharded {
            " of the shards open beside it;\n  rates are of the time in which each was open"
        } else {
            ""
        }
    )
}

/// `offered` as a `length` from 0 to 1 of the longest bar, the acked part of it as `#`.
fn bar(acked: u64, offered: u64, length: f64) -> String {
    let chars = |records: u64| {
        (records as f64 / offered.max(1) as f64 * length * BAR_CHARS).round() as usize
    };
    let whole = chars(offered);
    // More can be acked by a shard than it was offered, where it took what others had refused before a reshard.
    let mut filled = chars(acked.min(offered));
    if filled == whole && acked < offered && filled > 0 {
        // Something was not acked: it must not look like everything.
        filled -= 1;
    }
    format!("{}{}", "#".repeat(filled), ".".repeat(whole - filled))
}

fn lifetime(row: &ShardRow) -> String {
    match (row.opened_s, row.closed_s) {
        (None, None) => String::new(),
        (Some(opened), None) => format!("from {} s", Plain(opened)),
        (None, Some(closed)) => format!("to {} s", Plain(closed)),
        (Some(opened), Some(closed)) => format!("{} to {} s", Plain(opened), Plain(closed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::ShardId;
    use crate::report::sample;

    #[test]
    fn a_bar_shows_load_by_its_length_and_never_hides_a_refusal() {
        assert_eq!(bar(500, 1_000, 0.5), "########........");
        assert_eq!(bar(1_000, 1_000, 1.0), "#".repeat(32));
        let almost = bar(999_999, 1_000_000, 1.0);
        assert_eq!((almost.len(), almost.ends_with("#.")), (32, true));
        assert_eq!(bar(1_010, 1_000, 1.0), "#".repeat(32));
        // Of a stream without load: nothing of nothing.
        assert_eq!(bar(0, 0, f64::NAN), "");
    }

    #[test]
    fn a_thousand_shards_show_the_hottest_and_count_the_rest() {
        let mut document = sample::document();
        document.shards = (0..1_000)
            .map(|number| {
                let mut row = document.shards[0].clone();
                row.totals.shard = ShardId::new(number).unwrap();
                row.totals.offered = u64::from(number) * 10;
                row
            })
            .collect();
        let text = shards(&document).unwrap();
        assert_eq!(text.lines().count(), 2 + ROWS_MAX + 2);
        assert!(text.lines().nth(2).unwrap().contains("999"), "{text}");
        assert!(
            text.contains("and 984 more with at most 983 offered/s each"),
            "{text}"
        );
    }

    #[test]
    fn shards_without_records_say_only_that_no_producer_offered_any() {
        assert_eq!(evenness(None, false), "no record was offered by a producer");
    }

    #[test]
    fn each_stream_has_its_own_shards() {
        let mut document = sample::document();
        let mut other = document.shards[1].clone();
        other.stream = "clicks".into();
        other.opened_s = Some(5.0);
        document.shards.push(other);
        let text = shards(&document).unwrap();
        assert!(text.contains("Shards of orders") && text.contains("Shards of clicks"));
        assert!(text.contains("from 5 s\n"), "{text}");
    }

    #[test]
    fn refusals_are_counted_to_the_last_and_their_absence_is_told() {
        let mut document = sample::document();
        let row = document.throttling[0].clone();
        document.throttling = vec![row; ROWS_MAX + 2];
        let text = throttling(&document).unwrap();
        assert!(text.ends_with("and 24 more in 2 smaller rows"), "{text}");
        document.throttling.clear();
        assert!(throttling(&document).unwrap().ends_with(": none"));
    }
}
