//! Rules of SLOs.

use crate::scenario::draft::Draft;
use crate::scenario::finding::Finding;
use crate::scenario::metric::{FROM_STAMP, FigureKind, Metric, Side};
use crate::scenario::schema::{Bound, Consumer, Slo, StampPlace};

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
    };
    if declared.iter().any(|known| known == metric.name) {
        return Some(metric);
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

/// A bound in the unit of its figure: microseconds for latencies.
pub(in crate::scenario) fn bound_value(kind: FigureKind, bound: &Bound) -> Result<f64, String> {
    match (kind, bound) {
        (FigureKind::Latency, Bound::Duration(duration)) => {
            Ok(duration.value.as_nanos() as f64 / 1e3)
        }
        (FigureKind::Latency, Bound::Number(number)) => Err(format!(
            "`{number}` is not {}",
            crate::base::units::DURATION_FORM
        )),
        (FigureKind::Count, Bound::Number(number)) => Ok(*number),
        (FigureKind::Share, Bound::Number(number)) if *number <= 1.0 => Ok(*number),
        (FigureKind::Share, Bound::Number(number)) => {
            Err(format!("`{number}` is not a share from 0 to 1"))
        }
        (FigureKind::Count | FigureKind::Share, Bound::Duration(duration)) => Err(format!(
            "`{duration}` is not a number: the figure is no latency"
        )),
    }
}

/// A figure that comes from the stamp needs a producer that stamps.
fn is_measured(
    draft: &Draft,
    name: &str,
    slo: &Slo,
    metric: &Metric<'_>,
    findings: &mut Vec<Finding>,
) {
    if metric.side != Side::Consumer || !FROM_STAMP.contains(&metric.figure) {
        return;
    }
    let Some(stream) = draft.consumers.get(metric.name).map(Consumer::stream) else {
        return;
    };
    let mut writers = draft
        .producers
        .values()
        .filter(|producer| producer.stream.as_deref() == stream);
    // Refused producers may stamp too: only what is known is judged.
    let all_known = draft.producers.len() == draft.declared.producers.len();
    if all_known && writers.all(|producer| producer.payload.stamp == StampPlace::None) {
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
