//! The hosts of a run that several made, and how far apart their clocks may be.

use crate::base::units::{HumanCount, HumanMicros};
use crate::measure::LatencyKind;
use crate::report::document::{Document, WorkerRow};
use crate::report::terminal::hanging;
use crate::report::terminal::table::Table;
use crate::report::text::Percent;

/// Whose clocks a cross-host latency mixes, below the table of latencies; empty for a run of one host.
pub(super) fn clocks(document: &Document) -> String {
    let consumers = document.latency.consumers.values();
    let mixed = consumers.filter_map(|kinds| kinds.get(&LatencyKind::EndToEnd));
    if mixed.map(|summary| summary.count).sum::<u64>() == 0 {
        return String::new();
    }
    let of = document
        .worker
        .as_ref()
        .map_or(document.workers.len() as u32, |part| part.of);
    if of < 2 {
        return String::new();
    }
    let by = match (document.instrument.clocks_apart_ms_max, &document.worker) {
        (Some(ms), _) => format!("which are at most {ms:.1} ms apart: it may be wrong by as much"),
        (None, Some(_)) => "which `merge` bounds".to_owned(),
        (None, None) => "and how far apart they are is not known".to_owned(),
    };
    let text = format!("end_to_end mixes the clocks of {of} hosts, {by}");
    format!("\n{}", hanging("  ", &[text]))
}

/// `-0.8 to 1.9 ms`.
pub(super) fn offset([low, high]: [f64; 2]) -> String {
    format!("{low:.1} to {high:.1} ms")
}

/// A line for each host whose part was merged.
pub(super) fn workers(document: &Document) -> Option<String> {
    if document.workers.is_empty() {
        return None;
    }
    let mut table = Table::new(
        "  <worker  status  <intended  <acked  reads  <pacer gap  <busy  <service's clock minus its",
    );
    for row in &document.workers {
        table.row(cells(row));
    }
    Some(table.titled("Workers (whole run)"))
}

fn cells(row: &WorkerRow) -> [String; 8] {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let reads = match &row.reads[..] {
        [] => "-".to_owned(),
        names => names.join(" "),
    };
    [
        row.worker.to_string(),
        if row.interrupted {
            format!("{}, ended early", row.status.as_str())
        } else {
            row.status.as_str().to_owned()
        },
        HumanCount(row.intended).to_string(),
        HumanCount(row.acked).to_string(),
        reads,
        HumanMicros(row.pacer_gap_us_max).to_string(),
        or_none(row.host_cpu_share.map(|share| Percent(share).to_string())),
        or_none(row.clock_offset_ms.map(offset)),
    ]
}
