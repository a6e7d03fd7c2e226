//! The report of a merged run.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Part;
use crate::base::Timestamp;
use crate::kinesis::ShardId;
use crate::measure::integrity::Snapshot;
use crate::measure::waits::Waits;
use crate::measure::{
    ConsumerLedger, Facts, Phase, ProducerLedger, Reason, Status, Verdict, judge,
};
use crate::report::aws::AwsRun;
use crate::report::cost::Cost;
use crate::report::document::{
    ByPhase, ConsumerSummary, Document, EvenPart, Instrument, Latency, Ledger, MISSING_WORKERS,
    ProducerSummary, ShardRow, StreamBalance, TargetFinding, TargetSummary, ThrottlingRow,
    WorkerRow, per_s,
};
use crate::report::results::Latencies;
use crate::scenario::model::Slo;

/// How far the clocks of two of the hosts may be apart at most, in milliseconds; nothing where one is not known.
pub(super) fn clocks_apart_ms(parts: &[Part]) -> Option<f64> {
    let offsets = parts
        .iter()
        .map(|part| part.document.instrument.clock_offset_ms);
    let offsets = offsets.collect::<Option<Vec<_>>>()?;
    let pairs = offsets.iter().enumerate().flat_map(|(number, a)| {
        let others = offsets.iter().skip(number + 1);
        others.map(move |b| (a[1] - b[0]).abs().max((b[1] - a[0]).abs()))
    });
    Some(pairs.fold(0.0, f64::max))
}

/// The report of all parts, which are sorted by worker.
pub(super) fn merged(
    parts: &[Part],
    missing: &[u32],
    accounts: &BTreeMap<String, Snapshot>,
    latencies: &Latencies,
    apart_ms: Option<f64>,
) -> Document {
    let first = &parts[0].document;
    let documents = || parts.iter().map(|part| &part.document);
    let measure_s = documents()
        .map(|document| document.instrument.measure_s)
        .fold(0.0, f64::max);
    let ledger = ledger(parts, accounts);
    let shards = shards(parts);
    let balance = shards.chunk_by(|a, b| a.stream == b.stream);
    let balance = balance.map(|rows| (rows[0].stream.clone(), StreamBalance::of(rows, true)));
    let balance: BTreeMap<_, _> = balance.collect();
    let mut document = Document {
        verdict: verdict(parts, missing, &ledger),
        slo: Vec::new(),
        answer: String::new(),
        latency: latency(latencies),
        throttling: throttling(parts),
        balance,
        // Nobody saw a shard's whole load.
        refusals_outlived: Vec::new(),
        producers: producers(parts, &ledger, measure_s),
        consumers: consumers(parts, &ledger, measure_s),
        shards,
        events: documents()
            .flat_map(|document| document.events.clone())
            .collect(),
        instrument: instrument(parts, apart_ms),
        target: target(parts),
        environment: None,
        aws: aws(parts),
        worker: None,
        workers: parts.iter().map(row).collect(),
        ledger,
        ..first.clone()
    };
    let slos: Vec<_> = parts[0].file.slo.iter().map(Slo::from).collect();
    document.conclude(&slos);
    document
}

fn row(part: &Part) -> WorkerRow {
    let Document {
        verdict,
        instrument,
        ledger,
        environment,
        consumers,
        ..
    } = &part.document;
    let totals = || ledger.producers.values().map(|ledger| ledger.total);
    WorkerRow {
        worker: part.file.worker,
        status: verdict.status,
        interrupted: instrument.interrupted,
        measure_s: Some(instrument.measure_s),
        intended: totals().map(|ledger| ledger.intended).sum(),
        acked: totals().map(|ledger| ledger.acked).sum(),
        reads: consumers.keys().cloned().collect(),
        drain_s: instrument.drain_s,
        pacer_gap_us_max: instrument.pacer_gap_us_max,
        host_cpu_share: instrument.host_cpu_share,
        cpu_steal_share: instrument.cpu_steal_share,
        clock_offset_ms: instrument.clock_offset_ms,
        environment: environment.clone(),
    }
}

fn ledger(parts: &[Part], accounts: &BTreeMap<String, Snapshot>) -> Ledger {
    let mut producers: BTreeMap<String, [ProducerLedger; 2]> = BTreeMap::new();
    for part in parts {
        for (name, ledger) in &part.document.ledger.producers {
            let [warm_up, measure] = producers.entry(name.clone()).or_default();
            warm_up.merge(&ledger.warm_up);
            measure.merge(&ledger.measure);
        }
    }
    let mut consumers = BTreeMap::new();
    for part in parts {
        // One that carries no stamps has no ledger.
        for consumer in &part.file.consumers {
            let measured = part.document.ledger.consumers.contains_key(&consumer.name);
            let Some(account) = accounts.get(&consumer.stream).filter(|_| measured) else {
                continue;
            };
            // The joined account has the consumers that were read for, in the order of their names.
            let read: Vec<_> = read_for(parts, &consumer.stream);
            let number = read.iter().position(|name| *name == consumer.name);
            let covered_from = consumer.covered_from_ns.map(Timestamp::from_nanos);
            let ledger = number.and_then(|number| account.ledger(number, covered_from));
            if let Some((phases, total)) = ledger {
                let of = |phase| phases.get(&phase).copied().unwrap_or_default();
                let ledger = ByPhase {
                    total,
                    warm_up: of(Phase::WarmUp),
                    measure: of(Phase::Measure),
                };
                consumers.insert(consumer.name.clone(), ledger);
            }
        }
    }
    let producers = producers.into_iter();
    Ledger {
        producers: producers
            .map(|(name, [warm_up, measure])| {
                (name, ByPhase::<ProducerLedger>::of(warm_up, measure))
            })
            .collect(),
        consumers,
    }
}

/// The consumers of a stream that one of the parts read for, sorted.
fn read_for<'a>(parts: &'a [Part], stream: &str) -> Vec<&'a str> {
    let mut names: Vec<_> = parts
        .iter()
        .flat_map(|part| super::read_by(part, stream))
        .collect();
    names.sort_unstable();
    names
}

fn latency(latencies: &Latencies) -> Latency {
    let mut latency = Latency::default();
    for ((part, kind), histogram) in latencies {
        let (table, name) = part.split_once('.').unwrap_or_default();
        let table = match table {
            "producers" => &mut latency.producers,
            _ => &mut latency.consumers,
        };
        let kinds = table.entry(name.to_owned()).or_default();
        kinds.insert(*kind, histogram.summary());
    }
    latency
}

fn throttling(parts: &[Part]) -> Vec<ThrottlingRow> {
    let mut rows: Vec<ThrottlingRow> = Vec::new();
    for row in parts.iter().flat_map(|part| &part.document.throttling) {
        let same = |other: &&mut ThrottlingRow| {
            let (a, b) = (&other.row, &row.row);
            other.stream == row.stream
                && (&a.api, a.shard, a.cause, a.basis) == (&b.api, b.shard, b.cause, b.basis)
        };
        match rows.iter_mut().find(same) {
            Some(sum) => sum.row.attempts += row.row.attempts,
            None => rows.push(row.clone()),
        }
    }
    rows.sort_by(|a, b| {
        let key = |row: &ThrottlingRow| (row.row.shard, row.row.cause, row.row.basis);
        (&a.stream, &a.row.api, key(a)).cmp(&(&b.stream, &b.row.api, key(b)))
    });
    rows
}

fn shards(parts: &[Part]) -> Vec<ShardRow> {
    let mut rows: BTreeMap<(String, ShardId), ShardRow> = BTreeMap::new();
    for row in parts.iter().flat_map(|part| &part.document.shards) {
        let key = (row.stream.clone(), row.totals.shard);
        let Some(sum) = rows.get_mut(&key) else {
            rows.insert(key, row.clone());
            continue;
        };
        let (mine, its) = (&mut sum.totals, &row.totals);
        mine.offered += its.offered;
        mine.offered_bytes += its.offered_bytes;
        mine.acked += its.acked;
        mine.acked_bytes += its.acked_bytes;
        mine.refused += its.refused;
        mine.refused_bytes += its.refused_bytes;
        mine.delivered += its.delivered;
        mine.delivered_bytes += its.delivered_bytes;
        mine.response_us_max = mine.response_us_max.max(its.response_us_max);
        // Whoever heard of a reshard first was nearest to its time; worker 1 made it.
        sum.opened_s = sum.opened_s.or(row.opened_s);
        sum.closed_s = sum.closed_s.or(row.closed_s);
        // A part that saw no reshard in its window has none, and the sum would lack it.
        sum.even = sum.even.zip(row.even).map(|(mine, its)| EvenPart {
            records: mine.records + its.records,
            bytes: mine.bytes + its.bytes,
        });
        if sum.parents.is_empty() {
            sum.parents.clone_from(&row.parents);
        }
    }
    rows.into_values().collect()
}

fn producers(parts: &[Part], ledger: &Ledger, measure_s: f64) -> BTreeMap<String, ProducerSummary> {
    let summaries = ledger.producers.iter().filter_map(|(name, ledger)| {
        let its = || {
            parts
                .iter()
                .filter_map(|part| part.document.producers.get(name))
        };
        let stream = &its().next()?.stream;
        let workers = parts[0]
            .file
            .producers
            .iter()
            .find(|part| part.name == *name)?;
        let mut summary = ProducerSummary::of(stream, workers.workers, &ledger.measure, measure_s);
        let waited = |of: fn(&ProducerSummary) -> Option<Waits>| {
            its().filter_map(of).reduce(|mut all, one| {
                all.merge(&one);
                all
            })
        };
        summary.slot_waits = waited(|summary| summary.slot_waits);
        summary.rate_limit_waits = waited(|summary| summary.rate_limit_waits);
        summary.order_waits = waited(|summary| summary.order_waits);
        summary.last_failure = its().find_map(|summary| summary.last_failure.clone());
        Some((name.clone(), summary))
    });
    summaries.collect()
}

fn consumers(parts: &[Part], ledger: &Ledger, measure_s: f64) -> BTreeMap<String, ConsumerSummary> {
    // Each was read for by one worker.
    let summaries = parts.iter().flat_map(|part| &part.document.consumers);
    let summaries = summaries.map(|(name, summary)| {
        let account = ledger.consumers.get(name);
        let first =
            account.map(|account| account.measure.delivered + account.measure.delivered_unacked);
        let summary = ConsumerSummary {
            delivered_records_per_s: first.map(|count| per_s(count, measure_s)),
            caught_up: summary.caught_up && account.is_none_or(|account| account.total.unread == 0),
            ..summary.clone()
        };
        (name.clone(), summary)
    });
    summaries.collect()
}

fn instrument(parts: &[Part], apart_ms: Option<f64>) -> Instrument {
    let all = || parts.iter().map(|part| &part.document.instrument);
    let longest = |of: fn(&Instrument) -> f64| all().map(of).fold(0.0, f64::max);
    Instrument {
        warm_up_s: longest(|instrument| instrument.warm_up_s),
        measure_s: longest(|instrument| instrument.measure_s),
        drain_s: longest(|instrument| instrument.drain_s),
        interrupted: all().any(|instrument| instrument.interrupted),
        pacer_gap_us_max: all()
            .map(|instrument| instrument.pacer_gap_us_max)
            .max()
            .unwrap_or_default(),
        // Each host has its own: they stand with the workers.
        host_cpu_share: None,
        cpu_steal_share: None,
        process_cpu_share: None,
        sender_wait_share: None,
        major_page_faults: None,
        clock_step_ns: None,
        clock_read_ns: None,
        clock_offset_ms: None,
        clocks_apart_ms_max: apart_ms,
        ..parts[0].document.instrument.clone()
    }
}

fn target(parts: &[Part]) -> Option<TargetSummary> {
    let mut targets = parts
        .iter()
        .filter_map(|part| part.document.target.as_ref());
    let mut sum = targets.next()?.clone();
    for target in targets {
        for finding in &target.findings {
            match sum
                .findings
                .iter_mut()
                .find(|known| known.text == finding.text)
            {
                Some(known) => known.count += finding.count,
                None => sum.findings.push(TargetFinding {
                    text: finding.text.clone(),
                    count: finding.count,
                }),
            }
        }
        sum.unreachable = sum.unreachable.or_else(|| target.unreachable.clone());
        let left = target.left_behind.iter();
        sum.left_behind
            .extend(left.map(|(stream, reason)| (stream.clone(), reason.clone())));
    }
    Some(sum)
}

/// The bill of all workers: each counted what it put, and all of them the same hours of the same streams.
fn aws(parts: &[Part]) -> Option<AwsRun> {
    let mut runs = parts.iter().filter_map(|part| part.document.aws.as_ref());
    let mut sum = runs.next()?.clone();
    let mut lines = sum.cost.lines.clone();
    for run in runs {
        sum.stopped_by_max_cost |= run.stopped_by_max_cost;
        for line in &run.cost.lines {
            let same = lines
                .iter_mut()
                .find(|known| (&known.stream, &known.item) == (&line.stream, &line.item));
            let Some(known) = same else {
                lines.push(line.clone());
                continue;
            };
            known.quantity = if line.item.contains("hours") {
                known.quantity.max(line.quantity)
            } else {
                known.quantity + line.quantity
            };
            known.usd = known.quantity * known.unit_price_usd;
        }
    }
    sum.cost = Cost::of(sum.cost.prices, lines);
    Some(sum)
}

/// The worst of the workers' verdicts, with each one's reasons; what only the whole can tell is judged of the whole.
fn verdict(parts: &[Part], missing: &[u32], ledger: &Ledger) -> Verdict {
    const OF_THE_WHOLE: [&str; 3] = ["trimmed_unread", "unread", "misplaced"];
    let of_workers = parts.iter().flat_map(|part| {
        let reasons = part.document.verdict.reasons.iter();
        let reasons = reasons.filter(|reason| !OF_THE_WHOLE.contains(&&*reason.code));
        reasons.map(move |reason| Reason {
            text: format!("worker {}: {}", part.file.worker, reason.text),
            ..reason.clone()
        })
    });
    let mut reasons: Vec<_> = of_workers.collect();
    let consumers = || ledger.consumers.values();
    let acked_agree = ledger.consumers.iter().all(|(name, seen)| {
        let stream = parts
            .iter()
            .find_map(|part| part.document.consumers.get(name))
            .map(|summary| summary.stream.as_str());
        let producers = parts.iter().flat_map(|part| {
            let its = part.document.producers.iter();
            let its = its.filter(|(_, producer)| Some(producer.stream.as_str()) == stream);
            its.filter_map(|(name, _)| part.document.ledger.producers.get(name))
        });
        producers.map(|ledger| ledger.total.acked).sum::<u64>() == seen.total.acked
    });
    let whole = judge(&Facts {
        trimmed_unread: consumers().map(|ledger| ledger.total.trimmed_unread).sum(),
        unread: consumers().map(|ledger| ledger.total.unread).sum(),
        misplaced: consumers().map(|ledger| ledger.total.misplaced).sum(),
        ledgers_balance: acked_agree
            && ledger.producers.values().all(|ledger| {
                let all = [&ledger.total, &ledger.warm_up, &ledger.measure];
                all.into_iter().all(ProducerLedger::balances)
            })
            && ledger.consumers.values().all(|ledger| {
                let all = [&ledger.total, &ledger.warm_up, &ledger.measure];
                all.into_iter().all(ConsumerLedger::balances)
            }),
        ..Facts::default()
    });
    reasons.extend(whole.reasons);
    if !missing.is_empty() {
        let unread: Vec<_> = parts[0]
            .file
            .consumers
            .iter()
            .filter(|consumer| missing.contains(&consumer.worker))
            .map(|consumer| format!("`{}`", consumer.name))
            .collect();
        let unread = match unread.len() {
            0 => String::new(),
            _ => format!(", and what {} read", unread.join(", ")),
        };
        reasons.push(Reason {
            status: Status::Degraded,
            code: Cow::Borrowed(MISSING_WORKERS),
            text: format!(
                "{} not merged: their records{unread} are not in these figures",
                super::check::named(missing)
            ),
        });
    }
    Verdict {
        status: reasons
            .iter()
            .map(|reason| reason.status)
            .max()
            .unwrap_or_default(),
        reasons,
    }
}
