//! What a results folder must hold, whatever ran.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use streamgauge::measure::integrity::{Ranges, read_book};
use streamgauge::measure::{LatencyKind, LatencySummary, Phase};
use streamgauge::report::hgrm;

use super::Run;

type Latencies<'a> = BTreeMap<(String, LatencyKind), &'a LatencySummary>;

/// All files are there and tell the same story: the report, the log, the tables, the account of records.
pub(crate) fn agrees_with_itself(run: &Run) {
    has_all_files(run);
    ledgers_balance(run);
    integrity_agrees(run);
    intervals_agree(run);
    percentile_tables_agree(run);
    log_agrees(run);
}

/// Every ledger's sums hold, of the whole run and of each phase.
pub(crate) fn ledgers_balance(run: &Run) {
    let ledger = &run.report.ledger;
    for (name, phases) in &ledger.producers {
        for ledger in [&phases.total, &phases.warm_up, &phases.measure] {
            assert!(ledger.balances(), "{name}: {ledger:#?}");
        }
        let parts = phases.warm_up.intended + phases.measure.intended;
        assert_eq!(phases.total.intended, parts, "{name}");
    }
    for (name, phases) in &ledger.consumers {
        for ledger in [&phases.total, &phases.warm_up, &phases.measure] {
            assert!(ledger.balances(), "{name}: {ledger:#?}");
        }
        let stream = &run.report.consumers[name].stream;
        let acked = producers_of(run, stream, |ledger| ledger.acked);
        assert_eq!(phases.total.acked, acked, "{name}");
    }
}

fn producers_of(
    run: &Run,
    stream: &str,
    column: impl Fn(&streamgauge::measure::ProducerLedger) -> u64,
) -> u64 {
    let producers = run
        .report
        .producers
        .iter()
        .filter(|(_, producer)| producer.stream == stream);
    producers
        .map(|(name, _)| column(&run.report.ledger.producers[name].total))
        .sum()
}

fn latencies(run: &Run) -> Latencies<'_> {
    let latency = &run.report.latency;
    [
        ("producers", &latency.producers),
        ("consumers", &latency.consumers),
    ]
    .into_iter()
    .flat_map(|(table, parts)| {
        parts.iter().flat_map(move |(name, kinds)| {
            kinds
                .iter()
                .map(move |(kind, summary)| ((format!("{table}.{name}"), *kind), summary))
        })
    })
    .collect()
}

fn has_all_files(run: &Run) {
    let found: BTreeSet<_> = names(&run.folder).into_iter().collect();
    let fixed = [
        "report.json",
        "report.html",
        "run.hlog",
        "intervals.csv",
        "integrity.bin",
        "scenario.toml",
        "command.txt",
    ];
    let tables = latencies(run)
        .into_iter()
        .filter(|(_, summary)| summary.count > 0)
        .map(|((part, kind), _)| hgrm::file_name(&part, kind.as_str()));
    let expected: BTreeSet<_> = fixed.map(str::to_owned).into_iter().chain(tables).collect();
    assert_eq!(found, expected);
    assert_eq!(text(run, "scenario.toml"), run.report.scenario.text);
    let command = text(run, "command.txt");
    assert!(
        command.contains("streamgauge") && command.ends_with('\n'),
        "{command}"
    );
}

/// The names of the files in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("its entries can be read").file_name())
        .map(|name| name.into_string().expect("plain names"))
        .collect();
    names.sort();
    names
}

fn text(run: &Run, name: &str) -> String {
    std::fs::read_to_string(run.folder.join(name)).expect("the file is there and is text")
}

/// Of runs with one stream: `integrity.bin` is that stream's account.
fn integrity_agrees(run: &Run) {
    assert_eq!(run.report.balance.len(), 1, "one stream");
    let bytes = std::fs::read(run.folder.join("integrity.bin")).expect("the file is there");
    let accounts = read_book(&*bytes).expect("it reads what was written");
    let snapshot = accounts.values().next().expect("the stream's account");
    let ledger = &run.report.ledger;
    for phase in Phase::ALL {
        let at = phase as usize;
        let acked: u64 = snapshot
            .workers
            .iter()
            .map(|worker| worker.acked[at].count())
            .sum();
        let counted = ledger.producers.values().map(|producer| match phase {
            Phase::WarmUp => producer.warm_up.acked,
            Phase::Measure => producer.measure.acked,
        });
        assert_eq!(acked, counted.sum::<u64>(), "acked in {phase:?}");
        for (consumer, seen) in ledger.consumers.values().zip(&snapshot.consumers) {
            let counted = match phase {
                Phase::WarmUp => &consumer.warm_up,
                Phase::Measure => &consumer.measure,
            };
            assert_eq!(
                seen.first[at],
                counted.delivered + counted.delivered_unacked
            );
            assert_eq!(seen.redelivered[at], counted.redelivered);
            assert_eq!(seen.key_inversions[at], counted.key_inversions);
        }
    }
    assert_eq!(snapshot.consumers.len(), ledger.consumers.len());
    for (consumer, seen) in ledger.consumers.values().zip(&snapshot.consumers) {
        let total = &consumer.total;
        let missing = total.lost + total.trimmed_unread + total.unread + total.uncovered;
        assert_eq!(seen.missing.len() as u64, missing);
        assert_eq!(
            (seen.corrupt, seen.foreign, seen.out_of_order),
            (total.corrupt, total.foreign, total.out_of_order)
        );
        let delivered: u64 = seen.delivered.iter().map(Ranges::count).sum();
        assert_eq!(delivered, total.delivered + total.delivered_unacked);
    }
    let used: u64 = snapshot.workers.iter().map(|worker| worker.sequences).sum();
    let intended: u64 = ledger
        .producers
        .values()
        .map(|producer| producer.total.intended)
        .sum();
    // A record that the schedule asked for and the generator never came to has no sequence number.
    let never_released: u64 = ledger
        .producers
        .values()
        .map(|producer| {
            let causes = producer.total.not_sent_by_cause;
            causes.behind + causes.interrupted
        })
        .sum();
    assert!(
        used <= intended && intended - used <= never_released,
        "{used} of {intended} records have a sequence number"
    );
    assert!(
        snapshot
            .workers
            .iter()
            .all(|worker| worker.unresolved.count() == 0)
    );
}

/// The rows of `intervals.csv` by column name.
pub(crate) fn intervals(run: &Run) -> Vec<BTreeMap<String, String>> {
    let table = text(run, "intervals.csv");
    let mut lines = table.lines();
    let header: Vec<_> = lines.next().expect("a line of names").split(',').collect();
    lines
        .map(|line| {
            let fields: Vec<_> = line.split(',').collect();
            assert_eq!(fields.len(), header.len(), "{line}");
            let named = header.iter().zip(fields);
            named
                .map(|(name, field)| ((*name).to_owned(), field.to_owned()))
                .collect()
        })
        .collect()
}

/// The sum of a column over some rows of `intervals.csv`.
pub(crate) fn sum(rows: &[BTreeMap<String, String>], column: &str) -> u64 {
    let number = |row: &BTreeMap<String, String>| -> u64 {
        row[column]
            .parse()
            .unwrap_or_else(|_| panic!("{column}: {row:?}"))
    };
    rows.iter().map(number).sum()
}

fn intervals_agree(run: &Run) {
    let rows = intervals(run);
    let producers = |column: fn(&streamgauge::measure::ProducerLedger) -> u64| -> u64 {
        run.report
            .ledger
            .producers
            .values()
            .map(|ledger| column(&ledger.total))
            .sum()
    };
    assert_eq!(sum(&rows, "acked"), producers(|ledger| ledger.acked));
    assert_eq!(
        sum(&rows, "acked_bytes"),
        producers(|ledger| ledger.acked_bytes)
    );
    // What was due and never released, at an interruption or because the generator was behind, had no key yet and so no
    // shard: it is in the ledger alone.
    let (offered, intended) = (sum(&rows, "offered"), producers(|ledger| ledger.intended));
    let keyless =
        producers(|ledger| ledger.not_sent_by_cause.interrupted + ledger.not_sent_by_cause.behind);
    assert!(
        offered <= intended && intended <= offered + keyless,
        "{offered} {intended} {keyless}"
    );
    assert_eq!(sum(&rows, "sent"), producers(|ledger| ledger.attempts));
    assert_eq!(
        sum(&rows, "failed"),
        producers(|ledger| ledger.failed_attempts)
    );
    assert_eq!(
        sum(&rows, "unknown"),
        producers(|ledger| ledger.unknown_attempts)
    );
    let refused: u64 = [
        "write_records",
        "write_bytes",
        "account_quota",
        "kms",
        "injected",
        "unknown",
    ]
    .iter()
    .map(|cause| sum(&rows, &format!("refused_{cause}")))
    .sum();
    assert_eq!(refused, producers(|ledger| ledger.rejected_attempts));
    let deliveries: u64 = run
        .report
        .consumers
        .values()
        .map(|consumer| consumer.deliveries)
        .sum();
    assert_eq!(sum(&rows, "delivered"), deliveries);
}

/// The percentiles that a summary holds: share of values, and the value in microseconds.
fn percentiles(summary: &LatencySummary) -> [(f64, u64); 6] {
    [
        (0.5, summary.p50_us),
        (0.9, summary.p90_us),
        (0.99, summary.p99_us),
        (0.999, summary.p999_us),
        (0.9999, summary.p9999_us),
        (1.0, summary.max_us),
    ]
}

fn percentile_tables_agree(run: &Run) {
    for ((part, kind), summary) in latencies(run) {
        if summary.count == 0 {
            continue;
        }
        let table = text(run, &hgrm::file_name(&part, kind.as_str()));
        let rows: Vec<(f64, f64, u64)> = table
            .lines()
            .skip(2)
            .take_while(|line| !line.starts_with('#'))
            .map(|line| {
                let fields: Vec<_> = line.split_whitespace().collect();
                let number = |at: usize| -> f64 { fields[at].parse().expect("a number") };
                (number(0) * 1e3, number(1), number(2) as u64)
            })
            .collect();
        let last = rows.last().expect("a table of something has rows");
        assert_eq!(last.2, summary.count, "{part}.{kind}");
        let near = |row_us: f64, value_us: u64| {
            (row_us - value_us as f64).abs() <= 1.0 + value_us as f64 / 1e3
        };
        assert!(near(last.0, summary.max_us), "{part}.{kind}: {last:?}");
        for (share, value_us) in percentiles(summary) {
            // The table has its own steps, so the figure lies between the rows around its share. A row at that very
            // share does not count: its step was added up, and the last bit may put it in the next bucket.
            let row_below = rows.iter().rev().find(|row| row.1 < share - 1e-9);
            let row_above = rows.iter().find(|row| row.1 > share + 1e-9);
            let below = row_below.map_or(0.0, |row| row.0);
            let above = row_above.map_or(last.0, |row| row.0);
            let between = (below..=above).contains(&(value_us as f64));
            assert!(
                between || near(below, value_us) || near(above, value_us),
                "{part}.{kind} p{}: {value_us} us is not within {below} to {above} us",
                share * 100.0
            );
        }
    }
}

/// The histograms of `run.hlog` by tag, all intervals added up.
pub(crate) fn log(run: &Run) -> BTreeMap<String, Histogram<u64>> {
    let text = text(run, "run.hlog");
    let mut sums = BTreeMap::new();
    for entry in IntervalLogIterator::new(text.as_bytes()) {
        let LogEntry::Interval(interval) = entry.expect("the log is well-formed") else {
            continue;
        };
        let bytes = BASE64_STANDARD
            .decode(interval.encoded_histogram())
            .expect("base64");
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut &*bytes)
            .expect("a histogram");
        let tag = interval
            .tag()
            .expect("every line has a tag")
            .as_str()
            .to_owned();
        match sums.entry(tag) {
            std::collections::btree_map::Entry::Vacant(free) => drop(free.insert(histogram)),
            std::collections::btree_map::Entry::Occupied(mut sum) => {
                sum.get_mut().add(&histogram).expect("the same bounds");
            }
        }
    }
    sums
}

/// The log covers the whole run. Without a warm-up that is the measurement window, and every figure is the same.
fn log_agrees(run: &Run) {
    let log = log(run);
    for ((part, kind), summary) in latencies(run) {
        let tag = format!("{part}.{kind}");
        let Some(histogram) = log.get(&tag) else {
            assert_eq!(summary.count, 0, "{tag}");
            continue;
        };
        assert!(histogram.len() >= summary.count, "{tag}");
        assert!(histogram.max() >= summary.max_us, "{tag}");
        if run.report.instrument.warm_up_s > 0.0 {
            continue;
        }
        assert_eq!(histogram.len(), summary.count, "{tag}");
        for (share, value_us) in percentiles(summary) {
            assert_eq!(
                histogram.value_at_quantile(share),
                value_us,
                "{tag} at {share}"
            );
        }
    }
    for (name, ledger) in &run.report.ledger.producers {
        let responses = log.get(&format!("producers.{name}.response_time"));
        let logged = responses.map_or(0, Histogram::len);
        assert_eq!(
            logged, ledger.total.acked,
            "one response time for each acked record"
        );
    }
}
