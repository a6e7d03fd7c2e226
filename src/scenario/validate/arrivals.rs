//! Rules of arrivals.

use crate::scenario::draft::Draft;
use crate::scenario::finding::Finding;
use crate::scenario::quantity::{DurationText, RATE_MAX};
use crate::scenario::schema::Arrival;

/// How deep `sequence`, `sum` and `scale` may stand within each other.
const DEPTH_MAX: usize = 8;

fn each(draft: &Draft, mut visit: impl FnMut(&Arrival, &[String], usize)) {
    for (name, producer) in &draft.producers {
        let mut path = ["producers", name, "arrival"].map(str::to_owned).to_vec();
        producer.arrival.visit(&mut path, 0, &mut visit);
    }
    for (name, calls) in &draft.calls {
        let mut path = ["calls", name, "arrival"].map(str::to_owned).to_vec();
        if let Some(arrival) = &calls.arrival {
            arrival.visit(&mut path, 0, &mut visit);
        }
    }
}

fn of(path: &[String], field: &str) -> Vec<String> {
    [path, &[field.to_owned()]].concat()
}

/// A closed loop and a recording have no rate; spacing is a property of the whole.
pub(super) fn rates_are_made_of_rates(draft: &Draft, findings: &mut Vec<Finding>) {
    each(draft, |arrival, path, depth| {
        let within = depth > 0;
        match arrival {
            Arrival::Closed { .. } | Arrival::Trace { .. } if within => {
                findings.push(
                    Finding::value(
                        &of(path, "kind"),
                        "an arrival within another must be a rate over time",
                    )
                    .note("accepted: every kind but `closed` and `trace`"),
                );
            }
            _ if within && arrival.spacing().is_some() => findings.push(
                Finding::value(
                    &of(path, "spacing"),
                    "the records are spaced as a whole: `spacing` stands in the outermost arrival",
                )
                .note("an inner `constant` or `poisson` is that rate and nothing else"),
            ),
            _ => {}
        }
        if depth == DEPTH_MAX {
            findings.push(Finding::value(
                path,
                format!("arrivals stand within each other at most {DEPTH_MAX} deep"),
            ));
        }
    });
}

pub(super) fn arrivals_take_time(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut positive = |path: Vec<String>, length: &DurationText| {
        if length.value.is_zero() {
            findings.push(Finding::value(
                &path,
                format!(
                    "`{}` must be above zero",
                    path.last().map_or("", String::as_str)
                ),
            ));
        }
    };
    each(draft, |arrival, path, _| match arrival {
        Arrival::Ramp { over, .. } => positive(of(path, "over"), over),
        Arrival::Sine { period, .. } => positive(of(path, "period"), period),
        Arrival::Burst { on, off, .. } => {
            positive(of(path, "on"), on);
            positive(of(path, "off"), off);
        }
        Arrival::Steps { steps, .. } => {
            for (index, step) in steps.iter().enumerate() {
                if let Some(length) = &step.length {
                    positive(
                        of(&of(&of(path, "steps"), &index.to_string()), "for"),
                        length,
                    );
                }
            }
        }
        Arrival::Sequence { parts, .. } => {
            for (index, part) in parts.iter().enumerate() {
                if let Some(length) = &part.length {
                    positive(
                        of(&of(&of(path, "parts"), &index.to_string()), "for"),
                        length,
                    );
                }
            }
        }
        _ => {}
    });
}

/// What stands after a step without an end would never come.
pub(super) fn only_the_last_step_goes_on(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut endless = |path: &[String], field: &str, lengths: Vec<bool>| {
        let before_last = lengths.len().saturating_sub(1);
        for (index, _) in lengths[..before_last]
            .iter()
            .enumerate()
            .filter(|(_, has)| !**has)
        {
            findings.push(Finding::value(
                &of(&of(path, field), &index.to_string()),
                format!("`{field}` number {} of {} needs `for`: only the last one may go on without end", index + 1, lengths.len()),
            ));
        }
    };
    each(draft, |arrival, path, _| match arrival {
        Arrival::Steps { steps, .. } => {
            endless(
                path,
                "steps",
                steps.iter().map(|step| step.length.is_some()).collect(),
            );
        }
        Arrival::Sequence { parts, .. } => {
            endless(
                path,
                "parts",
                parts.iter().map(|part| part.length.is_some()).collect(),
            );
        }
        _ => {}
    });
}

/// Without a rate above zero no record is ever sent; above the highest one times do not tell records apart.
pub(super) fn rates_are_in_range(draft: &Draft, findings: &mut Vec<Finding>) {
    let producers = draft.producers.iter();
    let producers = producers.map(|(name, producer)| ("producers", name, &producer.arrival));
    let calls = draft.calls.iter();
    let calls = calls.filter_map(|(name, calls)| Some(("calls", name, calls.arrival.as_ref()?)));
    for (table, name, arrival) in producers.chain(calls) {
        let peak = peak(draft, arrival);
        let path = [table, name, "arrival"];
        if peak == Some(0.0) {
            findings.push(Finding::value(&path, "the rate never rises above zero"));
        } else if peak.is_some_and(|peak| peak > RATE_MAX) {
            findings.push(Finding::value(
                &path,
                "the rate reaches more than the most, 1000M/s",
            ));
        }
    }
}

/// A rate that is never exceeded; nothing where there is no rate.
fn peak(draft: &Draft, arrival: &Arrival) -> Option<f64> {
    let highest = |rates: &mut dyn Iterator<Item = f64>| rates.fold(0.0, f64::max);
    Some(match arrival {
        Arrival::Closed { .. } | Arrival::Trace { .. } => return None,
        Arrival::Constant { rate } | Arrival::Poisson { rate } => rate.value,
        Arrival::Ramp { from, to, .. } => from.value.max(to.value),
        Arrival::Steps { steps, .. } => highest(&mut steps.iter().map(|step| step.rate.value)),
        Arrival::Sine {
            mean, amplitude, ..
        } => mean.value * (1.0 + amplitude),
        Arrival::Burst {
            on_rate, off_rate, ..
        } => on_rate.value.max(off_rate.value),
        Arrival::Weekly { rate, grid, .. } => {
            let factors = grid.iter().flat_map(|day| day.0.iter().copied());
            rate.value * highest(&mut factors.into_iter())
        }
        Arrival::Profile { file, .. } => {
            let points = draft.files.profiles.get(file)?;
            highest(&mut points.iter().map(|point| point.rate))
        }
        Arrival::Sequence { parts, .. } => {
            let peaks: Option<Vec<_>> = parts
                .iter()
                .map(|part| peak(draft, &part.arrival))
                .collect();
            highest(&mut peaks?.into_iter())
        }
        Arrival::Sum { of, .. } => of.iter().map(|one| peak(draft, one)).sum::<Option<f64>>()?,
        Arrival::Scale { by, of, .. } => by * peak(draft, of)?,
    })
}
