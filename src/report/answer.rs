//! The three lines that a person reads first.

use std::collections::BTreeMap;

use crate::base::units::HumanCount;
use crate::kinesis::endpoint::is_aws_url;
use crate::measure::waits::Waits;
use crate::measure::{CallLedger, Status};
use crate::report::document::{Document, ProducerSummary, WorkerRow, World, per_s};
use crate::report::slo::{SloResult, SloStatus};
use crate::report::text::{Percent, Plain, counted};

/// `Measurement`, `SLO` and `Answer`, in this order.
pub fn lines(document: &Document) -> [String; 3] {
    [
        format!("Measurement: {}", document.verdict.status.as_str()),
        format!("SLO: {}", slo(document)),
        format!("Answer: {}", document.answer),
    ]
}

/// What the SLOs came to: `missed 1 of 3`.
fn slo(document: &Document) -> String {
    let count = document.slo.len();
    let missed = document.slo.iter().filter(|slo| slo.is_missed()).count();
    if document.worker.is_some() {
        "not judged, this is a part of a run".to_owned()
    } else if count == 0 {
        "none set".to_owned()
    } else if document.verdict.status == Status::Void {
        "not judged, the measurement is VOID".to_owned()
    } else if missed == 0 {
        format!("met {count} of {count}")
    } else {
        format!("missed {missed} of {count}")
    }
}

/// The answer that the rest of `document` gives; its own `answer` is not looked at.
pub fn answer(document: &Document) -> String {
    let answer = match &document.worker {
        Some(part) => format!(
            "part {} of {} of a run; `streamgauge merge` joins the parts and answers",
            part.worker, part.of
        ),
        None => of_what_was_measured(document),
    };
    if let Some(ended) = interrupted_workers(&document.workers) {
        let all = document.workers.iter().all(|row| row.interrupted);
        let of = if all {
            "until then"
        } else {
            "the rest is as measured"
        };
        return format!("{ended}; {of}: {answer}");
    }
    if document.instrument.interrupted {
        let measured_s = Plain(document.instrument.measure_s);
        return format!("interrupted after {measured_s} s of the window; until then: {answer}");
    }
    answer
}

/// `worker 1 was interrupted after 1.122 s of the window`, for each that was; nothing where none was. A merged report's
/// own window is the longest of its workers', so it is no interrupted one's.
fn interrupted_workers(rows: &[WorkerRow]) -> Option<String> {
    let ended = rows.iter().filter(|row| row.interrupted).map(|row| {
        let after = row.measure_s.map_or_else(String::new, |measured_s| {
            format!(" after {} s of the window", Plain(measured_s))
        });
        format!("worker {} was interrupted{after}", row.worker)
    });
    let ended: Vec<_> = ended.collect();
    (!ended.is_empty()).then(|| ended.join(", "))
}

fn of_what_was_measured(document: &Document) -> String {
    let missed: Vec<_> = document.slo.iter().filter(|slo| slo.is_missed()).collect();
    if document.verdict.status == Status::Void {
        let codes: Vec<_> = document
            .verdict
            .reasons
            .iter()
            .filter(|reason| reason.status == Status::Void)
            .map(|reason| &*reason.code)
            .collect();
        return format!("unknown, the measurement is VOID ({})", codes.join(", "));
    }
    if document.slo.is_empty() {
        let only_calls = document.producers.is_empty() && !document.calls.is_empty();
        let records = (!only_calls).then(|| accepted(document));
        let told: Vec<_> = records
            .into_iter()
            .chain(answered_calls(document))
            .collect();
        return format!("no SLO is set; {}{}", told.join("; "), held_back(document));
    }
    // Load that was not taken explains late and missing records, so it comes first.
    let first = missed
        .iter()
        .find(|slo| refused_by(document, slo).is_some())
        .or_else(|| missed.first());
    let Some(first) = first else {
        let all = match document.slo.len() {
            1 => "the SLO".to_owned(),
            2 => "both SLOs".to_owned(),
            count => format!("all {count} SLOs"),
        };
        return format!("yes, {all} held at {}", offered(document));
    };
    let why = refused_by(document, first).unwrap_or_else(|| out_of_bounds(first));
    let why = why + &held_back(document);
    match missed.len() - 1 {
        0 => format!("no, {why}"),
        others => format!(
            "no, {why}; and {} missed",
            counted(others as u64, "other SLO")
        ),
    }
}

/// `4 shards accepted 62 % of 2,400 records/s`, if that is what `slo` missed.
fn refused_by(document: &Document, slo: &SloResult) -> Option<String> {
    let name = slo
        .metric
        .strip_prefix("producers.")?
        .strip_suffix(".accepted_share")?;
    let producer = document.producers.get(name)?;
    slo.value?;
    let ledger = document.ledger.producers.get(name).map(|its| its.measure);
    // Who was not asked did not refuse.
    if ledger.is_some_and(|of| of.not_sent > of.throttled + of.failed + of.unknown) {
        return Some(format!(
            "{} of {} records/s was sent and accepted",
            slo.shown_value(),
            Plain(producer.offered_records_per_s)
        ));
    }
    Some(format!(
        "{} accepted {} of {} records/s",
        shards(document, &producer.stream),
        slo.shown_value(),
        Plain(producer.offered_records_per_s)
    ))
}

/// `; producer `web` held 38 % of its records back itself (`send.rate_limit`)` where the verdict names such a bound: then the
/// answer is about the producer too.
fn held_back(document: &Document) -> String {
    type Held = fn(&ProducerSummary) -> Option<Waits>;
    let bounds: [(&str, &str, Held); 2] = [
        ("rate_limit", "`send.rate_limit`", |summary| {
            summary.rate_limit_waits
        }),
        ("order", "`send.ordering`", |summary| summary.order_waits),
    ];
    let told = bounds.into_iter().filter_map(|(code, setting, waits)| {
        let reasons = &document.verdict.reasons;
        reasons.iter().find(|reason| reason.code == code)?;
        let shares = document.producers.iter().filter_map(|(name, summary)| {
            let intended = document.ledger.producers.get(name)?.measure.intended.max(1);
            Some((name, waits(summary)?.records as f64 / intended as f64))
        });
        let (name, share) = shares.max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(format!(
            "; producer `{name}` held {} of its records back itself ({setting})",
            Percent(share.min(1.0))
        ))
    });
    told.collect()
}

/// How many shards took records at the start and, if it changed, at the end: `2 to 4 shards`.
fn shards(document: &Document, stream: &str) -> String {
    let rows = || document.shards.iter().filter(|row| row.stream == stream);
    let at_start = rows().filter(|row| row.opened_s.is_none()).count();
    let at_end = rows().filter(|row| row.closed_s.is_none()).count();
    if at_start == at_end {
        counted(at_end as u64, "shard")
    } else {
        format!("{at_start} to {}", counted(at_end as u64, "shard"))
    }
}

fn out_of_bounds(slo: &SloResult) -> String {
    if slo.status == SloStatus::Unknown {
        return format!("{} is unknown{}", slo.metric, without(slo));
    }
    let value = match (slo.status, slo.value) {
        (SloStatus::NoData, _) | (_, None) => return format!("{} has no data", slo.metric),
        (_, Some(value)) => value,
    };
    let bound = match (slo.min, slo.max) {
        (Some(min), _) if value < min => format!("below {}", slo.show(min)),
        (_, Some(max)) => format!("above {}", slo.show(max)),
        _ => slo.bound(),
    };
    format!("{} was {}, {bound}", slo.metric, slo.show(value))
}

/// Why nobody knows whether an SLO was met: `: 378 that it should count were not delivered, answered or read`.
pub(super) fn without(slo: &SloResult) -> String {
    if slo.without == 0 {
        return ": the clocks disagree, and times are below zero".to_owned();
    }
    format!(
        ": {} that it should count were not delivered, answered or read",
        HumanCount(slo.without)
    )
}

/// The load of all producers: `2,400 records/s`.
fn offered(document: &Document) -> String {
    let rate: f64 = document
        .producers
        .values()
        .map(|producer| producer.offered_records_per_s)
        .sum();
    let records = format!("{} records/s", Plain(rate));
    if document.producers.is_empty() && document.calls.is_empty() {
        return format!("{} records/s of others", Plain(watched_per_s(document)));
    }
    let calls = offered_calls(document);
    match (document.producers.is_empty(), document.calls.is_empty()) {
        (_, true) => records,
        (true, false) => calls,
        (false, false) => format!("{records} and {calls}"),
    }
}

/// The load of all calls: `20 calls/s`.
fn offered_calls(document: &Document) -> String {
    let loads = document.calls.values();
    let rate: f64 = loads.map(|load| load.offered_calls_per_s).sum();
    format!("{} calls/s", Plain(rate))
}

/// What became of the calls, where there are loads of them.
fn answered_calls(document: &Document) -> Option<String> {
    let mut all = CallLedger::default();
    let loads = document.calls.values();
    loads.for_each(|load| all.merge(&load.ledger.measure));
    let share = all.as_expected() as f64 / all.intended as f64;
    (all.intended > 0).then(|| {
        format!(
            "{} of {} was answered as expected",
            Percent(share),
            offered_calls(document)
        )
    })
}

/// What others wrote to the streams that were watched, each stream once.
fn watched_per_s(document: &Document) -> f64 {
    let watched = document.consumers.values().filter_map(|consumer| {
        let records = consumer.watched.as_ref()?.records;
        Some((&consumer.stream, records))
    });
    let by_stream: BTreeMap<_, _> = watched.collect();
    per_s(by_stream.values().sum(), document.instrument.measure_s)
}

fn accepted(document: &Document) -> String {
    if document.producers.is_empty() && !document.consumers.is_empty() {
        return format!(
            "{} records/s of others were watched",
            Plain(watched_per_s(document))
        );
    }
    let (intended, acked) =
        document
            .ledger
            .producers
            .values()
            .fold((0, 0), |(intended, acked), ledger| {
                (
                    intended + ledger.measure.intended,
                    acked + ledger.measure.acked,
                )
            });
    if intended == 0 {
        return "no record was offered".to_owned();
    }
    let share = acked as f64 / intended as f64;
    let rate: f64 = document
        .producers
        .values()
        .map(|producer| producer.offered_records_per_s)
        .sum();
    format!(
        "{} of {} records/s was accepted",
        Percent(share),
        Plain(rate)
    )
}

/// Where the figures come from, in a phrase: `measured on the embedded engine`.
pub fn provenance(document: &Document) -> String {
    let url = document
        .target
        .as_ref()
        .and_then(|target| target.url.as_deref());
    let place = match (document.world, url) {
        (World::Embedded, _) => "on the embedded engine".to_owned(),
        (World::Endpoint, _) => "at an HTTP endpoint".to_owned(),
        // It ran as on AWS, at something that is not AWS.
        (World::Aws, Some(url)) if !is_aws_url(url) => format!("in a rehearsal of AWS at {url}"),
        (World::Aws, _) => "on Amazon Kinesis".to_owned(),
        (World::Simulated, _) => "on a virtual clock".to_owned(),
    };
    format!("{} {place}", document.basis.as_str())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::measure::{Reason, Verdict};
    use crate::report::sample;

    #[test]
    fn a_document_without_a_missed_slo_answers_yes_with_the_load() {
        let mut document = sample::document();
        document.slo.retain(|slo| !slo.is_missed());
        assert_eq!(document.slo.len(), 2);
        assert_eq!(answer(&document), "yes, both SLOs held at 2,400 records/s");
        assert_eq!(slo(&document), "met 2 of 2");
    }

    #[test]
    fn refused_load_is_named_before_any_other_miss() {
        let mut document = sample::document();
        let expected = "no, 4 shards accepted 62 % of 2,400 records/s";
        assert_eq!(answer(&document), expected);
        assert_eq!(slo(&document), "missed 1 of 3");
        for slo in &mut document.slo {
            slo.status = match slo.status {
                SloStatus::Met => SloStatus::NoData,
                other => other,
            };
        }
        assert_eq!(
            answer(&document),
            format!("{expected}; and 2 other SLOs missed")
        );
    }

    #[test]
    fn load_that_was_not_sent_is_not_said_to_be_refused_and_who_held_it_back_is_named() {
        let mut document = sample::document();
        let name = document.producers.keys().next().unwrap().clone();
        let ledger = document.ledger.producers.get_mut(&name).unwrap();
        let measure = &mut ledger.measure;
        measure.not_sent += measure.throttled + measure.failed + measure.unknown + 1;
        (measure.throttled, measure.failed, measure.unknown) = (0, 0, 0);
        let held = measure.intended / 4;
        let summary = document.producers.get_mut(&name).unwrap();
        summary.rate_limit_waits = Some(Waits {
            records: held,
            total_us: held * 1_000,
            max_us: 1_000,
        });
        let sent = "no, 62 % of 2,400 records/s was sent and accepted";
        assert_eq!(answer(&document), sent);
        document.verdict.reasons.push(Reason {
            status: Status::Valid,
            code: Cow::Borrowed("rate_limit"),
            text: String::new(),
        });
        let told = format!(
            "{sent}; producer `{name}` held 25 % of its records back itself (`send.rate_limit`)"
        );
        assert_eq!(answer(&document), told);
    }

    #[test]
    fn a_bound_that_did_not_hold_is_told_with_its_value() {
        let mut document = sample::document();
        document.slo.retain(|slo| slo.name == "fresh");
        document.slo[0].status = SloStatus::Missed;
        document.slo[0].max = Some(250_000.0);
        assert_eq!(
            answer(&document),
            "no, consumers.billing.end_to_end.p99 was 408 ms, above 250 ms"
        );
        document.slo[0].status = SloStatus::NoData;
        document.slo[0].value = None;
        assert_eq!(
            answer(&document),
            "no, consumers.billing.end_to_end.p99 has no data"
        );
    }

    #[test]
    fn a_void_measurement_answers_nothing() {
        let mut document = sample::document();
        document.verdict = Verdict {
            status: Status::Void,
            reasons: vec![Reason {
                status: Status::Void,
                code: Cow::Borrowed("pacer_gap"),
                text: "the pacer stood still".into(),
            }],
        };
        document.answer = answer(&document);
        assert_eq!(
            lines(&document),
            [
                "Measurement: VOID",
                "SLO: not judged, the measurement is VOID",
                "Answer: unknown, the measurement is VOID (pacer_gap)"
            ]
        );
    }

    #[test]
    fn without_an_slo_the_answer_is_what_was_accepted() {
        let mut document = sample::document();
        document.slo.clear();
        assert_eq!(
            answer(&document),
            "no SLO is set; 62 % of 2,400 records/s was accepted"
        );
        document.ledger.producers.clear();
        assert_eq!(answer(&document), "no SLO is set; no record was offered");
    }

    #[test]
    fn a_merged_report_says_which_worker_was_interrupted_and_when() {
        let row = |worker, interrupted, measure_s| WorkerRow {
            worker,
            status: Status::Valid,
            interrupted,
            measure_s,
            intended: 0,
            acked: 0,
            reads: Vec::new(),
            drain_s: 0.0,
            pacer_gap_us_max: 0,
            host_cpu_share: None,
            cpu_steal_share: None,
            clock_offset_ms: None,
            environment: None,
        };
        let mut document = sample::document();
        document.slo.retain(|slo| !slo.is_missed());
        let held = "yes, both SLOs held at 2,400 records/s";
        document.instrument.interrupted = true;
        document.workers = vec![row(1, true, Some(1.122)), row(2, false, Some(3.0))];
        assert_eq!(
            answer(&document),
            format!(
                "worker 1 was interrupted after 1.122 s of the window; the rest is as measured: {held}"
            )
        );
        document.workers[0].measure_s = None;
        assert_eq!(
            answer(&document),
            format!("worker 1 was interrupted; the rest is as measured: {held}")
        );
        document.workers[1].interrupted = true;
        assert_eq!(
            answer(&document),
            format!(
                "worker 1 was interrupted, worker 2 was interrupted after 3 s of the window; until then: {held}"
            )
        );
    }

    #[test]
    fn a_stream_that_grew_is_told_with_both_counts() {
        let mut document = sample::document();
        document.shards[3].opened_s = Some(5.0);
        assert_eq!(shards(&document, "orders"), "3 to 4 shards");
    }
}
