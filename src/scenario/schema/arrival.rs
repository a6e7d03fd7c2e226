//! `producers.NAME.arrival`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::defaults;
use crate::scenario::quantity::{DurationText, LevelText, RateText};

/// When records are meant to be sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::scenario) enum Arrival {
    /// Evenly spaced.
    Constant {
        /// Records per second.
        rate: RateText,
    },
    /// A Poisson process.
    Poisson {
        /// Records per second on average.
        rate: RateText,
    },
    /// As fast as records are acknowledged.
    Closed {
        /// Records outstanding per worker.
        #[schemars(range(min = 1))]
        outstanding: u32,
    },
    /// A rate that changes linearly, then stays.
    Ramp {
        /// Records per second at the start.
        from: LevelText,
        /// Records per second at the end and after it.
        to: LevelText,
        /// How long the change takes, above zero.
        over: DurationText,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
    /// One rate after another.
    Steps {
        /// The rates in their order.
        #[schemars(length(min = 1))]
        steps: Vec<Step>,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
    /// A rate that swings around its mean.
    Sine {
        /// Records per second on average.
        mean: RateText,
        /// How far it swings, as a part of the mean.
        #[schemars(range(min = 0.0, max = 1.0))]
        amplitude: f64,
        /// How long one swing takes, above zero.
        period: DurationText,
        /// Where in the swing it begins, as a part of the period: 0.25 is the top.
        #[serde(default)]
        #[schemars(range(min = 0.0, max = 1.0))]
        phase: f64,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
    /// Bursts and pauses in turns.
    Burst {
        /// Records per second in a burst.
        on_rate: RateText,
        /// Records per second in a pause.
        #[serde(default = "defaults::no_rate")]
        off_rate: LevelText,
        /// How long a burst lasts, above zero.
        on: DurationText,
        /// How long a pause lasts, above zero.
        off: DurationText,
        /// Whether `on` and `off` are lengths, or the means of random ones.
        #[serde(default = "defaults::modulation")]
        modulation: Modulation,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
    /// A factor for each hour of the week.
    Weekly {
        /// What the factors multiply.
        rate: RateText,
        /// Seven lists, Monday first, of 24 factors.
        #[schemars(length(min = 7, max = 7))]
        grid: Vec<Day>,
        /// The hour of the week in which the load begins, 0 for Monday 00:00.
        #[serde(default)]
        #[schemars(range(min = 0, max = 167))]
        from_hour: u32,
        /// How much faster than the calendar time goes.
        #[serde(default = "defaults::speed_up")]
        #[schemars(range(min = 0.000_001, max = 1_000_000.0))]
        speed_up: f64,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
    /// Rates from a file with the columns `time,rate`: seconds, records per second.
    Profile {
        /// The file, relative to the scenario.
        file: String,
        /// What the rate is between two lines.
        #[serde(default = "defaults::interpolation")]
        interpolation: Interpolation,
        /// How much faster than written time goes; rates stay as written.
        #[serde(default = "defaults::speed_up")]
        #[schemars(range(min = 0.000_001, max = 1_000_000.0))]
        speed_up: f64,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
    /// Times from a file with a column `time`, in seconds, or from what `capture` wrote; its first record is at zero.
    Trace {
        /// The file, relative to the scenario.
        file: String,
        /// How much faster than recorded.
        #[serde(default = "defaults::speed_up")]
        #[schemars(range(min = 0.000_001, max = 1_000_000.0))]
        speed_up: f64,
    },
    /// One rate after another, each from its own beginning.
    Sequence {
        /// The rates in their order.
        #[schemars(length(min = 1))]
        parts: Vec<SequencePart>,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
    /// Several rates at once.
    Sum {
        /// The rates.
        #[schemars(length(min = 1))]
        of: Vec<Arrival>,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
    /// A multiple of another rate.
    Scale {
        /// How many times.
        #[schemars(range(min = 0.000_001, max = 1_000_000.0))]
        by: f64,
        /// The rate.
        of: Box<Arrival>,
        /// How records are spaced; `poisson` if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        spacing: Option<Spacing>,
    },
}

/// The 24 factors of a day, from 00:00.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(in crate::scenario) struct Day(
    #[schemars(length(min = 24, max = 24), inner(range(min = 0.0, max = 1_000_000.0)))]
    pub(in crate::scenario) Vec<f64>,
);

/// A rate and how long it lasts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Step {
    /// Records per second.
    pub(in crate::scenario) rate: LevelText,
    /// How long, above zero; the last one may leave it out, and goes on in any case.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) length: Option<DurationText>,
}

/// A rate that changes and how long it lasts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct SequencePart {
    /// The rate; `spacing` is of the whole sequence.
    pub(in crate::scenario) arrival: Arrival,
    /// How long, above zero; the last one may leave it out, and goes on in any case.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) length: Option<DurationText>,
}

/// How the records of a rate are spaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Spacing {
    /// Evenly: record `i` where the integral of the rate reaches `i`.
    Constant,
    /// A Poisson process with that rate.
    Poisson,
}

/// How long bursts and pauses last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Modulation {
    /// As long as said.
    Fixed,
    /// Exponential, with the said mean.
    Markov,
}

/// What a rate is between two points.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Interpolation {
    /// What it was.
    Steps,
    /// On a line.
    Linear,
}

impl Arrival {
    /// Where its spacing stands, if it is a rate that changes.
    pub(in crate::scenario) fn spacing_mut(&mut self) -> Option<&mut Option<Spacing>> {
        match self {
            Self::Ramp { spacing, .. }
            | Self::Steps { spacing, .. }
            | Self::Sine { spacing, .. }
            | Self::Burst { spacing, .. }
            | Self::Weekly { spacing, .. }
            | Self::Profile { spacing, .. }
            | Self::Sequence { spacing, .. }
            | Self::Sum { spacing, .. }
            | Self::Scale { spacing, .. } => Some(spacing),
            Self::Constant { .. }
            | Self::Poisson { .. }
            | Self::Closed { .. }
            | Self::Trace { .. } => None,
        }
    }

    /// Its spacing, if it has one.
    pub(in crate::scenario) fn spacing(&self) -> Option<Spacing> {
        match self {
            Self::Ramp { spacing, .. }
            | Self::Steps { spacing, .. }
            | Self::Sine { spacing, .. }
            | Self::Burst { spacing, .. }
            | Self::Weekly { spacing, .. }
            | Self::Profile { spacing, .. }
            | Self::Sequence { spacing, .. }
            | Self::Sum { spacing, .. }
            | Self::Scale { spacing, .. } => *spacing,
            Self::Constant { .. }
            | Self::Poisson { .. }
            | Self::Closed { .. }
            | Self::Trace { .. } => None,
        }
    }

    /// Calls `visit` with this arrival and each one within, their paths and how deep they are.
    pub(in crate::scenario) fn visit(
        &self,
        path: &mut Vec<String>,
        depth: usize,
        visit: &mut dyn FnMut(&Self, &[String], usize),
    ) {
        visit(self, path, depth);
        let mut inner = |arrival: &Self, names: &[&str], index: Option<usize>| {
            let length = path.len();
            path.push(names[0].to_owned());
            path.extend(index.map(|index| index.to_string()));
            path.extend(names[1..].iter().map(|&name| name.to_owned()));
            arrival.visit(path, depth + 1, visit);
            path.truncate(length);
        };
        match self {
            Self::Sequence { parts, .. } => {
                for (index, part) in parts.iter().enumerate() {
                    inner(&part.arrival, &["parts", "arrival"], Some(index));
                }
            }
            Self::Sum { of, .. } => {
                for (index, arrival) in of.iter().enumerate() {
                    inner(arrival, &["of"], Some(index));
                }
            }
            Self::Scale { of, .. } => inner(of, &["of"], None),
            _ => {}
        }
    }
}
