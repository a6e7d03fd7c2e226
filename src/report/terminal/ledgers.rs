//! Where records ended: lines that add up before the reader's eyes.

use std::fmt::Write as _;

use crate::base::units::{HumanBytes, HumanCount, HumanMicros};
use crate::measure::{ConsumerLedger, ProducerLedger};
use crate::report::document::{ConsumerSummary, Document, ProducerSummary};
use crate::report::terminal::table::Table;
use crate::report::terminal::{NAME_CHARS, hanging};
use crate::report::text::{Percent, Plain, counted, shortened};

/// Said of a ledger whose columns are not the sum that they should be.
const BROKEN: &str = "THE SUMS DO NOT HOLD";

fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// The ledgers of the producers by phase, and what their attempts came to.
pub(super) fn producers(document: &Document) -> Option<String> {
    if document.ledger.producers.is_empty() {
        return None;
    }
    let mut table = Table::new(
        "producer  phase  <intended  <acked  <throttled  <failed  <unknown  <not sent  <accepted",
    );
    let mut notes = String::new();
    for (full_name, ledger) in &document.ledger.producers {
        let name = shortened(full_name, NAME_CHARS);
        let whole = ("whole run", &ledger.total);
        let phases = if ledger.warm_up.intended == 0 {
            vec![whole]
        } else {
            vec![
                ("warm-up", &ledger.warm_up),
                ("window", &ledger.measure),
                whole,
            ]
        };
        // A name once for all of its phases.
        let mut shown = name.clone();
        for (phase, ledger) in phases {
            table.row([
                std::mem::take(&mut shown),
                phase.to_owned(),
                count(ledger.intended),
                count(ledger.acked),
                count(ledger.throttled),
                count(ledger.failed),
                count(ledger.unknown),
                count(ledger.not_sent),
                if ledger.intended == 0 {
                    "-".to_owned()
                } else {
                    Percent(ledger.accepted_share()).to_string()
                },
            ]);
        }
        let mut lines: Vec<_> = document
            .producers
            .get(full_name)
            .map(rates)
            .into_iter()
            .collect();
        lines.extend(document.producers.get(full_name).into_iter().flat_map(held));
        attempts(&ledger.total, &mut lines);
        let summary = document.producers.get(full_name);
        lines.extend(failure(
            summary.and_then(|summary| summary.last_failure.as_deref()),
        ));
        packed(&ledger.total, &mut lines);
        if !(ledger.total.balances() && ledger.warm_up.balances() && ledger.measure.balances()) {
            lines.push(BROKEN.to_owned());
        }
        notes.push('\n');
        notes.push_str(&hanging(&format!("  {name}: "), &lines));
    }
    let title = format!(
        "Records sent ({}): intended = acked + throttled + failed + unknown + not sent",
        document.basis.as_str()
    );
    Some(table.titled(&title) + &notes)
}

/// What bounds of a producer's own held its records back.
fn held(summary: &ProducerSummary) -> Vec<String> {
    let bounds = [
        (summary.slot_waits, "waited for a free request slot"),
        (
            summary.rate_limit_waits,
            "were held back by `send.rate_limit`",
        ),
        (
            summary.order_waits,
            "waited for one before them (`send.ordering`)",
        ),
    ];
    let told = bounds.into_iter().filter_map(|(waits, what)| {
        let waits = waits?;
        Some(format!(
            "in the window {} {what}, {} on average and {} at most",
            counted(waits.records, "record"),
            HumanMicros(waits.total_us / waits.records.max(1)),
            HumanMicros(waits.max_us)
        ))
    });
    told.collect()
}

/// What was asked of a producer and what it achieved.
fn rates(summary: &ProducerSummary) -> String {
    format!(
        "in the window {} records/s offered, {} acked ({}/s)",
        Plain(summary.offered_records_per_s),
        Plain(summary.acked_records_per_s),
        HumanBytes(summary.acked_bytes_per_s as u64)
    )
}

fn attempts(ledger: &ProducerLedger, lines: &mut Vec<String>) {
    // About one each is what anybody expects, and is not said.
    let each = ledger.amplification();
    let each = each.filter(|each| (each - 1.0).abs() >= 0.005);
    let each = each.map_or_else(String::new, |each| {
        format!(" ({} a record)", Plain((each * 1e2).round() / 1e2))
    });
    lines.push(format!(
        "in the whole run {}{each}: {} refused by a limit, {} failed, {} unanswered",
        counted(ledger.attempts, "attempt"),
        count(ledger.rejected_attempts),
        count(ledger.failed_attempts),
        count(ledger.unknown_attempts),
    ));
    let causes = ledger.not_sent_by_cause;
    for (records, what) in [
        (ledger.accepted_after_retry, "accepted after a retry"),
        (causes.queue_full, "not sent because the queue was full"),
        (
            causes.interrupted,
            "not sent because the run was ended early",
        ),
        (causes.expired, "not sent because they had grown too old"),
        (
            ledger.misplaced_attempts,
            "sent again because of a shard they do not belong to",
        ),
    ] {
        if records > 0 {
            lines.push(format!("{} {what}", counted(records, "record")));
        }
    }
}

/// What the service was given, where that is not record for record.
fn packed(ledger: &ProducerLedger, lines: &mut Vec<String>) {
    let kinesis = &ledger.kinesis_records;
    if let Some(records) = ledger.records_per_kinesis_record()
        && kinesis.attempts != ledger.attempts
    {
        lines.push(format!(
            "packed into {}, {} each on average: {} accepted, {} refused by a limit; {} of them billed",
            counted(kinesis.attempts, "Kinesis record"),
            Plain((records * 10.0).round() / 10.0),
            count(kinesis.acked),
            count(kinesis.rejected),
            HumanBytes(kinesis.acked_bytes),
        ));
    }
}

/// What the target said last that no limit explains.
fn failure(last: Option<&str>) -> Option<String> {
    last.map(|last| format!("last failure: {last}"))
}

/// The ledgers of the consumers over the whole run, and what their deliveries were.
pub(super) fn consumers(document: &Document) -> Option<String> {
    if document.consumers.is_empty() {
        return None;
    }
    let mut table =
        Table::new("consumer  <acked  <delivered  <lost  <trimmed  <unread  <uncovered");
    let mut notes = String::new();
    for (name, summary) in &document.consumers {
        let short = shortened(name, NAME_CHARS);
        let mut lines = Vec::new();
        if let Some(ledger) = document.ledger.consumers.get(name) {
            let total = &ledger.total;
            table.row([
                short.clone(),
                count(total.acked),
                count(total.delivered),
                count(total.lost),
                count(total.trimmed_unread),
                count(total.unread),
                count(total.uncovered),
            ]);
            deliveries(total, document.lacks_workers(), &mut lines);
            if !(total.balances() && ledger.warm_up.balances() && ledger.measure.balances()) {
                lines.push(BROKEN.to_owned());
            }
        } else {
            lines.push("integrity is not measured: records carry no stamp".to_owned());
            lines.push(counted_deliveries(summary.deliveries));
        }
        lines.push(fared(summary));
        lines.extend(failure(summary.last_failure.as_deref()));
        notes.push('\n');
        notes.push_str(&hanging(&format!("  {short}: "), &lines));
    }
    let title = format!(
        "Records read, whole run ({}): acked = delivered + lost + trimmed + unread + uncovered",
        document.basis.as_str()
    );
    if document.ledger.consumers.is_empty() {
        return Some(format!(
            "Records read, whole run ({}){notes}",
            document.basis.as_str()
        ));
    }
    Some(table.titled(&title) + &notes)
}

fn fared(summary: &ConsumerSummary) -> String {
    let packed = if summary.kinesis_records == summary.deliveries {
        String::new()
    } else {
        format!(
            "taken out of {}; ",
            counted(summary.kinesis_records, "Kinesis record")
        )
    };
    let rate = summary
        .delivered_records_per_s
        .map(|rate| format!("{}/s of the window's records delivered; ", Plain(rate)))
        .unwrap_or_default();
    let caught_up = if summary.caught_up {
        "caught up"
    } else {
        "NOT CAUGHT UP at the end"
    };
    let calls = match summary.events {
        None => counted(summary.calls, "call"),
        Some(events) => format!(
            "{}, {}",
            counted(summary.calls, "subscription call"),
            counted(events, "event")
        ),
    };
    format!("{packed}{rate}{calls}; {caught_up}")
}

fn counted_deliveries(deliveries: u64) -> String {
    match deliveries {
        1 => "1 delivery".to_owned(),
        many => format!("{} deliveries", count(many)),
    }
}

/// `19,180 deliveries = 19,150 delivered + 30 delivered again`, and the order. Columns that are zero are left out: the
/// sum is the same. A report that `lacks_workers` does not know which of their records were acknowledged.
fn deliveries(ledger: &ConsumerLedger, lacks_workers: bool, lines: &mut Vec<String>) {
    let unacked = if lacks_workers {
        "of other workers, or never acknowledged"
    } else {
        "never acknowledged"
    };
    let columns = [
        (ledger.delivered, "delivered"),
        (ledger.delivered_unacked, unacked),
        (ledger.redelivered, "delivered again"),
        (ledger.stored_twice_explained, "stored twice by a retry"),
        (ledger.stored_twice_unexplained, "STORED TWICE UNEXPLAINED"),
        (ledger.corrupt, "CORRUPT"),
        (ledger.foreign, "of others"),
    ];
    let sum: Vec<_> = columns
        .iter()
        .filter(|&&(deliveries, _)| deliveries > 0)
        .map(|&(deliveries, what)| format!("{} {what}", count(deliveries)))
        .collect();
    let mut text = counted_deliveries(ledger.deliveries);
    if !sum.is_empty() {
        text.push_str(" = ");
        text.push_str(&sum.join(" + "));
    }
    lines.push(text);
    let mut order = format!(
        "{} out of order, {}",
        count(ledger.out_of_order),
        counted(ledger.key_inversions, "key inversion")
    );
    if ledger.lanes_not_judged > 0 {
        let lanes = counted(ledger.lanes_not_judged, "lane");
        let _ = write!(order, " ({lanes} at a shard boundary not judged)");
    }
    lines.push(order);
    if ledger.misplaced > 0 {
        lines.push(format!(
            "{} delivered from ANOTHER PLACE than the acknowledgement named",
            count(ledger.misplaced)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Reason, Status};
    use crate::report::document::{MISSING_WORKERS, WorkerPart};
    use crate::report::sample;

    /// The numbers of a line, in order.
    fn numbers(line: &str) -> Vec<u64> {
        line.replace(',', "")
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect()
    }

    #[test]
    fn every_line_of_the_producers_ledger_adds_up_as_it_is_printed() {
        let text = producers(&sample::document()).unwrap();
        let rows: Vec<_> = text
            .lines()
            .skip(2)
            .filter(|line| line.ends_with(" %"))
            .map(numbers)
            .collect();
        assert_eq!(rows.len(), 3);
        for row in rows {
            assert_eq!(row[0], row[1..6].iter().sum::<u64>(), "{row:?}");
        }
    }

    #[test]
    fn a_consumers_deliveries_add_up_as_they_are_printed() {
        let mut lines = Vec::new();
        let billing = sample::document().ledger.consumers["billing"].total;
        deliveries(&billing, false, &mut lines);
        let sum = numbers(&lines[0]);
        assert_eq!(sum[0], sum[1..].iter().sum::<u64>(), "{lines:?}");
        assert_eq!(sum.len(), 5);
    }

    #[test]
    fn only_a_report_that_lacks_workers_tells_of_their_records() {
        let told = |document: &Document| {
            let text = consumers(document).unwrap();
            let words: Vec<_> = text.split_whitespace().collect();
            let text = words.join(" ");
            assert!(text.contains("never acknowledged"), "{text}");
            text.contains("25 of other workers, or never acknowledged")
        };
        let mut document = sample::document();
        assert!(!told(&document));
        document.worker = Some(WorkerPart {
            worker: 2,
            of: 3,
            run: "0badcafe".into(),
        });
        assert!(told(&document));
        document.worker = None;
        document.verdict.reasons.push(Reason {
            status: Status::Degraded,
            code: MISSING_WORKERS.into(),
            text: "worker 1 is not merged".into(),
        });
        assert!(told(&document));
    }

    #[test]
    fn a_ledger_that_does_not_balance_is_shouted() {
        let mut document = sample::document();
        assert!(!producers(&document).unwrap().contains(BROKEN));
        assert!(!consumers(&document).unwrap().contains(BROKEN));
        document
            .ledger
            .producers
            .get_mut("web")
            .unwrap()
            .total
            .acked += 1;
        document
            .ledger
            .consumers
            .get_mut("billing")
            .unwrap()
            .total
            .lost += 1;
        assert!(producers(&document).unwrap().contains(BROKEN));
        assert!(consumers(&document).unwrap().contains(BROKEN));
    }

    #[test]
    fn a_consumer_without_stamps_says_that_integrity_is_not_measured() {
        let mut document = sample::document();
        document.ledger.consumers.clear();
        let text = consumers(&document).unwrap();
        assert!(text.contains("integrity is not measured"), "{text}");
        assert!(!text.contains("uncovered"), "{text}");
    }
}
