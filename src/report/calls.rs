//! Loads of API calls in the document and on the terminal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::units::{HumanCount, HumanMicros};
use crate::measure::waits::Waits;
use crate::measure::{
    CallCodes, CallLedger, LatencyKind, LatencySummary, Phase, RecorderTotals, ScriptCounts,
};
use crate::report::document::{ByPhase, Document, per_s};
use crate::report::terminal::table::Table;
use crate::report::terminal::{NAME_CHARS, hanging};
use crate::report::text::{Percent, Plain, counted, shortened};
use crate::run::CallsOutcome;

/// One load of API calls.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CallsSummary {
    /// The stream that it was about; absent for scripts, which make their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Its workers.
    pub workers: u32,
    /// Calls per second that the measurement window asked for.
    pub offered_calls_per_s: f64,
    /// Calls per second that were answered as they should be.
    pub answered_calls_per_s: f64,
    /// Calls that a limit refused per call made, 0 to 1, of the measurement window.
    pub throttled_share: f64,
    /// All its calls together.
    pub ledger: ByPhase<CallLedger>,
    /// What became of its scripts over the whole run; absent for a mix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scripts: Option<ScriptCounts>,
    /// Each call by `OPERATION` or `OPERATION:CASE`.
    pub operations: BTreeMap<String, OperationSummary>,
    /// Calls of the measurement window that were due and waited because `max_in_flight` were under way; absent if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_waits: Option<Waits>,
    /// The last answer that should not have been, in the target's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// One call of a load.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OperationSummary {
    /// The code that it must be refused with; absent for a valid call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expects: Option<String>,
    /// Where the calls ended.
    pub ledger: ByPhase<CallLedger>,
    /// Unexpected answers of the whole run by their codes; `success` where there should have been a refusal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unexpected_by_code: CallCodes,
    /// Latencies of the measurement window: of `response_time` those of calls that were answered as they should be, of
    /// `service_time` those of all answered attempts.
    pub latency: BTreeMap<LatencyKind, LatencySummary>,
}

fn by_phase(ledgers: [CallLedger; 2]) -> ByPhase<CallLedger> {
    let [warm_up, measure] = [Phase::WarmUp, Phase::Measure].map(|phase| ledgers[phase as usize]);
    let mut total = warm_up;
    total.merge(&measure);
    ByPhase {
        total,
        warm_up,
        measure,
    }
}

fn latency(totals: &RecorderTotals) -> BTreeMap<LatencyKind, LatencySummary> {
    let latencies = totals.latencies.iter();
    latencies
        .map(|(kind, histogram)| (*kind, histogram.summary()))
        .collect()
}

impl CallsSummary {
    /// What a load came to in a measurement window of `measure_s` seconds.
    pub fn of(outcome: &CallsOutcome, measure_s: f64) -> Self {
        let report = &outcome.report;
        let mut all = [CallLedger::default(); 2];
        for call in &report.calls {
            for (all, of_call) in all.iter_mut().zip(&call.ledgers) {
                all.merge(of_call);
            }
        }
        let ledger = by_phase(all);
        let operations = report.calls.iter().map(|call| {
            let summary = OperationSummary {
                expects: call.call.case.map(|case| case.code.to_string()),
                ledger: by_phase(call.ledgers),
                unexpected_by_code: call.codes.clone(),
                latency: latency(&call.totals),
            };
            (call.call.to_string(), summary)
        });
        Self {
            stream: outcome.stream.clone(),
            workers: outcome.workers,
            offered_calls_per_s: per_s(ledger.measure.intended, measure_s),
            answered_calls_per_s: per_s(ledger.measure.as_expected(), measure_s),
            throttled_share: ledger.measure.throttled_share(),
            ledger,
            scripts: outcome.stream.is_none().then_some(report.scripts),
            operations: operations.collect(),
            slot_waits: report.slot_waits.any(),
            last_failure: report.last_failure.clone(),
        }
    }
}

/// The loads as a person reads them.
pub(super) fn render(document: &Document) -> Option<String> {
    if document.calls.is_empty() {
        return None;
    }
    let mut counts = Table::new(
        "load  call  <intended  <as expected  <unexpected  <throttled  <unknown  <not sent",
    );
    let mut times = Table::new("load  call  latency  <samples  <p50  <p90  <p99  <p99.9  <max");
    let count = |number| HumanCount(number).to_string();
    let time = |micros| HumanMicros(micros).to_string();
    let (mut notes, mut timed) = (String::new(), false);
    for (full_name, load) in &document.calls {
        let name = shortened(full_name, NAME_CHARS);
        let (mut shown, mut shown_times) = (name.clone(), name.clone());
        for (call, summary) in &load.operations {
            let ledger = &summary.ledger.total;
            counts.row([
                // A name once for all of its calls.
                std::mem::take(&mut shown),
                shortened(call, CALL_CHARS),
                count(ledger.intended),
                count(ledger.as_expected()),
                count(ledger.unexpected),
                count(ledger.throttled),
                count(ledger.unknown),
                count(ledger.not_sent),
            ]);
            for (kind, figures) in &summary.latency {
                let told = matches!(
                    kind,
                    LatencyKind::ServiceTime
                        | LatencyKind::ResponseTime
                        | LatencyKind::TransitionTime
                );
                if figures.count == 0 || !told {
                    continue;
                }
                timed = true;
                times.row([
                    std::mem::take(&mut shown_times),
                    shortened(call, CALL_CHARS),
                    kind.to_string(),
                    count(figures.count),
                    time(figures.p50_us),
                    time(figures.p90_us),
                    time(figures.p99_us),
                    time(figures.p999_us),
                    time(figures.max_us),
                ]);
            }
        }
        notes.push('\n');
        notes.push_str(&hanging(&format!("  {name}: "), &told_of(load)));
    }
    let title = format!(
        "API calls, whole run ({}): intended = as expected + unexpected + throttled + unknown + not sent",
        document.basis.as_str()
    );
    let mut text = counts.titled(&title) + &notes;
    if timed {
        let title = format!(
            "Latency of API calls in the window ({})",
            document.basis.as_str()
        );
        text.push_str("\n\n");
        text.push_str(&times.titled(&title));
    }
    Some(text)
}

/// Calls are cut to so many characters.
const CALL_CHARS: usize = 38;

/// What the columns do not say of a load.
fn told_of(load: &CallsSummary) -> Vec<String> {
    let mut lines = vec![format!(
        "in the window {} calls/s offered, {} answered as expected, {} refused by a limit",
        Plain(load.offered_calls_per_s),
        Plain(load.answered_calls_per_s),
        Percent(load.throttled_share)
    )];
    if let Some(waits) = load.slot_waits {
        lines.push(format!(
            "in the window {} waited for a free request slot, {} on average and {} at most",
            counted(waits.records, "call"),
            HumanMicros(waits.total_us / waits.records.max(1)),
            HumanMicros(waits.max_us)
        ));
    }
    if let Some(scripts) = &load.scripts {
        lines.push(format!(
            "{} begun, {} completed, {} broken off",
            counted(scripts.begun, "script"),
            HumanCount(scripts.completed),
            HumanCount(scripts.broken_off)
        ));
    }
    for (call, summary) in &load.operations {
        for (code, calls) in &summary.unexpected_by_code {
            let expected = summary.expects.as_deref().unwrap_or("success");
            lines.push(format!(
                "{} of {call} answered with {code}, not with {expected}",
                counted(*calls, "call")
            ));
        }
        if !summary.ledger.total.balances() {
            lines.push(format!("THE SUMS OF {call} DO NOT HOLD"));
        }
    }
    lines.extend(
        load.last_failure
            .iter()
            .map(|failure| format!("last: {failure}")),
    );
    lines
}
