//! Rules of SLOs.

use crate::scenario::draft::Draft;
use crate::scenario::finding::Finding;
use crate::scenario::metric::{FROM_STAMP, FigureKind, Metric, Side};
use crate::scenario::quantity::TextBound;
use crate::scenario::schema::{Bound, Calls, Consumer, Slo, StampPlace, Step};

pub(super) fn bounds_fit_their_figures(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, slo) in &draft.slo {
        if slo.max.is_none() && slo.min.is_none() {
            findings.push(Finding::value(
                &["slo", name],
                format!("`slo.{name}` needs `max`, `min` or both"),
            ));
        }
        let Some(metric) = metric_of(draft, name, slo, findings) else {
            continue;
        };
        let bounds = [("max", &slo.max), ("min", &slo.min)];
        let mut values = [None; 2];
        for ((field, bound), value) in bounds.into_iter().zip(&mut values) {
            if let Some(bound) = bound {
                match bound_value(metric.kind, bound) {
                    Ok(number) => *value = Some(number),
                    Err(wrong) => findings.push(Finding::value(
                        &["slo", name, field],
                        format!("`slo.{name}.{field}`: {wrong}"),
                    )),
                }
            }
        }
        if let [Some(max), Some(min)] = values
            && min > max
        {
            findings.push(Finding::value(
                &["slo", name, "min"],
                "nothing is at least `min` and at most `max`",
            ));
        }
        is_measured(draft, name, slo, &metric, findings);
    }
}

/// The figure that an SLO bounds, of a producer or consumer that is declared.
fn metric_of<'a>(
    draft: &Draft,
    name: &str,
    slo: &'a Slo,
    findings: &mut Vec<Finding>,
) -> Option<Metric<'a>> {
    let path = ["slo", name, "metric"];
    let metric = match Metric::parse(&slo.metric) {
        Ok(metric) => metric,
        Err(error) => {
            let title = match (error.part, error.given.as_str()) {
                ("end", given) => format!("`{}` ends before `{given}`", slo.metric),
                (part, "") => format!("`{}` needs a {part}", slo.metric),
                (part, given) => format!("`{}`: there is no {part} `{given}`", slo.metric),
            };
            let finding = Finding::value(&path, title);
            findings.push(if error.accepted.is_empty() {
                finding.note("accepted: only latencies have a statistic at the end, such as `p99`")
            } else {
                finding.accepted(&error.given, &error.accepted)
            });
            return None;
        }
    };
    let (declared, word) = match metric.side {
        Side::Producer => (&draft.declared.producers, "producer"),
        Side::Consumer => (&draft.declared.consumers, "consumer"),
        Side::Calls => (&draft.declared.calls, "load of calls"),
    };
    if declared.iter().any(|known| known == metric.name) {
        return match (metric.call, draft.calls.get(metric.name)) {
            (Some(call), Some(calls)) => {
                let made = made(calls);
                if made.iter().any(|name| name == call) {
                    return Some(metric);
                }
                let title = format!(
                    "`{}`: `calls.{}` makes no such call",
                    slo.metric, metric.name
                );
                findings.push(Finding::value(&path, title).accepted(call, &made));
                None
            }
            _ => Some(metric),
        };
    }
    findings.push(
        Finding::value(
            &path,
            format!("`{}`: there is no {word} `{}`", slo.metric, metric.name),
        )
        .accepted(metric.name, declared),
    );
    None
}

/// The calls that a load makes, as its figures are named.
fn made(calls: &Calls) -> Vec<String> {
    let steps = calls.script.iter().filter_map(|step| match step {
        Step::CreateStream { .. } => Some("CreateStream".to_owned()),
        Step::Wait { .. } => None,
        Step::SplitShard {} => Some("SplitShard".to_owned()),
        Step::MergeShards {} => Some("MergeShards".to_owned()),
        Step::UpdateShardCount { .. } => Some("UpdateShardCount".to_owned()),
        Step::Call { operation } => Some(operation.clone()),
        Step::DeleteStream {} => Some("DeleteStream".to_owned()),
    });
    calls
        .mix
        .keys()
        .map(|key| key.0.clone())
        .chain(steps)
        .collect()
}

/// A bound in the unit of its figure: microseconds for latencies.
pub(in crate::scenario) fn bound_value(kind: FigureKind, bound: &Bound) -> Result<f64, String> {
    let (number, text) = match bound {
        Bound::Number(number) => (Some(*number), None),
        Bound::Text(text) => (None, Some(text.value)),
    };
    let fits = match (kind, text) {
        (FigureKind::Latency, Some(TextBound::Duration(duration))) => {
            Some(duration.as_nanos() as f64 / 1e3)
        }
        (FigureKind::Share, Some(TextBound::Share(share))) => Some(share),
        (FigureKind::Share, None) => number.filter(|share| *share <= 1.0),
        (FigureKind::Count, None) => number,
        _ => None,
    };
    fits.ok_or_else(|| {
        let form = match kind {
            FigureKind::Latency => crate::base::units::DURATION_FORM,
            FigureKind::Share => "a share from 0 to 1, such as 0.999 or \"99.9%\"",
            FigureKind::Count => "a number, which a count is held to",
        };
        match bound {
            Bound::Number(number) => format!("`{number}` is not {form}"),
            Bound::Text(text) => format!("`{text}` is not {form}"),
        }
    })
}

/// A figure that comes from the stamp needs a producer that stamps.
fn is_measured(
    draft: &Draft,
    name: &str,
    slo: &Slo,
    metric: &Metric<'_>,
    findings: &mut Vec<Finding>,
) {
    if metric.side != Side::Consumer {
        return;
    }
    let Some(stream) = draft.consumers.get(metric.name).map(Consumer::stream) else {
        return;
    };
    if metric.figure == "lag" {
        let written = draft
            .producers
            .values()
            .any(|producer| producer.stream.as_deref() == stream);
        if written {
            findings.push(
                Finding::value(
                    &["slo", name, "metric"],
                    format!("`{}` is not measured: the scenario writes that stream itself", slo.metric),
                )
                .note("accepted: a consumer of a stream that only others write; `end_to_end` and `delivery_delay` here"),
            );
        }
        return;
    }
    // Without a producer there is no account at all, whatever the figure comes from.
    let of_account = metric.kind == FigureKind::Count && draft.declared.producers.is_empty();
    if !of_account && !FROM_STAMP.contains(&metric.figure) {
        return;
    }
    let mut writers = draft
        .producers
        .values()
        .filter(|producer| producer.stream.as_deref() == stream);
    // Refused producers may stamp too: only what is known is judged.
    let all_known = draft.producers.len() == draft.declared.producers.len();
    if all_known && writers.all(|producer| producer.payload.stamp == Some(StampPlace::None)) {
        findings.push(
            Finding::value(
                &["slo", name, "metric"],
                format!(
                    "`{}` is not measured: no record of the stream carries a stamp",
                    slo.metric
                ),
            )
            .note("accepted: a producer of that stream with `payload.stamp = \"prefix\"`"),
        );
    }
}
