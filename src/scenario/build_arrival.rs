//! Makes the model of an arrival out of its settings.

use std::time::Duration;

use super::files::Files;
use super::model::{self, Curve, Point};
use super::schema::{Arrival, Interpolation, Modulation, Spacing};

/// The arrival that these settings mean; nothing where a file is missing, which the checks have refused.
pub(super) fn arrival(raw: &Arrival, files: &Files) -> Option<model::Arrival> {
    Some(match raw {
        Arrival::Constant { rate } => model::Arrival::Constant { rate: rate.value },
        Arrival::Poisson { rate } => model::Arrival::Poisson { rate: rate.value },
        Arrival::Closed { outstanding } => model::Arrival::Closed {
            outstanding: *outstanding,
        },
        Arrival::Trace { file, speed_up } => model::Arrival::Trace {
            times_ns: files.traces.get(file)?.times_ns.clone()?,
            speed_up: *speed_up,
        },
        other => model::Arrival::Varying {
            curve: curve(other, files)?,
            spacing: match other.spacing() {
                Some(Spacing::Constant) => model::Spacing::Constant,
                Some(Spacing::Poisson) | None => model::Spacing::Poisson,
            },
        },
    })
}

fn curve(raw: &Arrival, files: &Files) -> Option<Curve> {
    Some(match raw {
        Arrival::Constant { rate } | Arrival::Poisson { rate } => Curve::Flat { rate: rate.value },
        Arrival::Closed { .. } | Arrival::Trace { .. } => return None,
        Arrival::Ramp { from, to, over, .. } => Curve::Ramp {
            from: from.value,
            to: to.value,
            over: over.value,
        },
        Arrival::Steps { steps, .. } => {
            let mut at = Duration::ZERO;
            let mut points = Vec::with_capacity(steps.len());
            for step in steps {
                points.push(Point {
                    at_ns: u64::try_from(at.as_nanos()).unwrap_or(u64::MAX),
                    rate: step.rate.value,
                });
                at = at.saturating_add(
                    step.length
                        .as_ref()
                        .map_or(Duration::MAX, |text| text.value),
                );
            }
            Curve::Points {
                points: points.into(),
                linear: false,
                speed_up: 1.0,
            }
        }
        Arrival::Sine {
            mean,
            amplitude,
            period,
            phase,
            ..
        } => Curve::Sine {
            mean: mean.value,
            amplitude: *amplitude,
            period: period.value,
            phase: *phase,
        },
        Arrival::Burst {
            on_rate,
            off_rate,
            on,
            off,
            modulation,
            ..
        } => Curve::Burst {
            on_rate: on_rate.value,
            off_rate: off_rate.value,
            on: on.value,
            off: off.value,
            random: *modulation == Modulation::Markov,
        },
        Arrival::Weekly {
            rate,
            grid,
            from_hour,
            speed_up,
            ..
        } => Curve::Weekly {
            rate: rate.value,
            grid: grid.iter().flat_map(|day| day.0.iter().copied()).collect(),
            from_hour: *from_hour,
            speed_up: *speed_up,
        },
        Arrival::Profile {
            file,
            interpolation,
            speed_up,
            ..
        } => Curve::Points {
            points: files.profiles.get(file)?.clone(),
            linear: *interpolation == Interpolation::Linear,
            speed_up: *speed_up,
        },
        Arrival::Sequence { parts, .. } => Curve::Sequence {
            parts: parts
                .iter()
                .map(|part| {
                    let length = part
                        .length
                        .as_ref()
                        .map_or(Duration::MAX, |text| text.value);
                    Some((length, curve(&part.arrival, files)?))
                })
                .collect::<Option<_>>()?,
        },
        Arrival::Sum { of, .. } => Curve::Sum {
            of: of
                .iter()
                .map(|arrival| curve(arrival, files))
                .collect::<Option<_>>()?,
        },
        Arrival::Scale { by, of, .. } => Curve::Scale {
            by: *by,
            of: Box::new(curve(of, files)?),
        },
    })
}
