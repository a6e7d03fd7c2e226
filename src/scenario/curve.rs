//! Rates that change over time, as the model holds them: what an arrival's rate is, not when each record comes.

use std::sync::Arc;
use std::time::Duration;

/// A rate of the whole producer over the load, from the start of warm-up. Rates are records per second, zero or above.
#[derive(Clone, PartialEq, Debug)]
pub enum Curve {
    /// The same all the time.
    Flat {
        /// The rate.
        rate: f64,
    },
    /// Linear from one rate to another, then the second one.
    Ramp {
        /// At the start.
        from: f64,
        /// After `over`.
        to: f64,
        /// How long the change takes, above zero.
        over: Duration,
    },
    /// Rates at points of time, from the first point on; before it zero, after the last one the last.
    Points {
        /// Points that rise, at least one.
        points: Arc<[Point]>,
        /// Whether the rate is linear between points, or stays what it was.
        linear: bool,
        /// How much faster than written time goes, above zero; rates stay as written.
        speed_up: f64,
    },
    /// `mean * (1 + amplitude * sin(2 pi (t / period + phase)))`.
    Sine {
        /// The mean over a period.
        mean: f64,
        /// 0 to 1.
        amplitude: f64,
        /// Above zero.
        period: Duration,
        /// Parts of a period, 0 to 1.
        phase: f64,
    },
    /// Two rates in turns, the first one first.
    Burst {
        /// In a burst.
        on_rate: f64,
        /// Between bursts.
        off_rate: f64,
        /// How long a burst lasts, above zero.
        on: Duration,
        /// How long a pause lasts, above zero.
        off: Duration,
        /// Whether `on` and `off` are means of exponential lengths (a Markov-modulated process).
        random: bool,
    },
    /// A factor for each hour of the week, again and again.
    Weekly {
        /// What the factors are of.
        rate: f64,
        /// 168 factors, from Monday 00:00.
        grid: Arc<[f64]>,
        /// The hour of the week in which the load begins, 0 to 167.
        from_hour: u32,
        /// How much faster than the calendar time goes, above zero.
        speed_up: f64,
    },
    /// One after another, each from its own beginning; the last one goes on.
    Sequence {
        /// Each with how long it lasts, above zero; at least one.
        parts: Vec<(Duration, Curve)>,
    },
    /// All at once.
    Sum {
        /// At least one.
        of: Vec<Curve>,
    },
    /// A multiple of another.
    Scale {
        /// Above zero.
        by: f64,
        /// Of this.
        of: Box<Curve>,
    },
}

/// A rate from a point of time on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// From the start, in nanoseconds.
    pub at_ns: u64,
    /// Records per second.
    pub rate: f64,
}

/// How the records of a [`Curve`] are spaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spacing {
    /// Record `i` comes when the integral of the rate reaches `i`.
    Constant,
    /// A Poisson process with that rate.
    Poisson,
}
