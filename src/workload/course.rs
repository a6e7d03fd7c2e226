//! The rates of several arrivals over a load, together: the load in cells, in each of which every arrival has one rate.

use std::time::Duration;

use super::pieces::{Piece, Pieces, settled};
use crate::base::rng::generator;
use crate::scenario::model::{Arrival, Curve};

const NANOS_PER_S: f64 = 1e9;
/// Random bursts that are taken at both of their levels; there are two courses for each, and the others are their mean.
const BURSTS_MAX: u32 = 4;
/// A rate that changes all the time is taken for its mean over such a part of its wave, of its slope and of the load.
const STEPS: f64 = 64.0;
/// Where not all of a load is looked at, so many windows of it are, evenly spread.
const WINDOWS: u64 = 64;
/// Multiples of the golden ratio fall evenly between whole numbers.
const GOLDEN: f64 = 0.618_033_988_749_895;

/// One course that the rates of several arrivals may take.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// How likely it is, 0 to 1: random bursts are taken for rates that are always high or always low, each for its share
    /// of the time.
    pub(super) weight: f64,
    arrivals: usize,
    seconds: Vec<f64>,
    /// For each cell the mean rate of each arrival.
    means: Vec<f64>,
    /// For each cell the rates at which all arrivals together are highest.
    peaks: Vec<f64>,
    /// The share of the load that its cells cover, 0 to 1.
    pub(super) looked_at: f64,
}

/// A part of a load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell<'a> {
    /// How long it lasts; zero where it is there only for its highest rates.
    pub(super) seconds: f64,
    /// The mean rate of each arrival, in records per second.
    pub(super) means: &'a [f64],
    /// The rate of each at the moment at which all together are highest.
    pub(super) peaks: &'a [f64],
}

impl Course {
    /// The courses of these arrivals over a load, in about `cells_max` cells each; `None` where one is closed, which has
    /// no rate. Steps are exact. A load of more cells is looked at in parts.
    pub(super) fn all(arrivals: &[&Arrival], load: Duration, cells_max: u64) -> Option<Vec<Self>> {
        let closed = |arrival: &&Arrival| matches!(**arrival, Arrival::Closed { .. });
        if arrivals.iter().any(closed) {
            return None;
        }
        let load_ns = u64::try_from(load.as_nanos()).unwrap_or(u64::MAX);
        let mut bursts = Bursts::default();
        for arrival in arrivals {
            Rates::of(arrival, load_ns, &mut bursts);
        }
        let settled = bursts.met.min(BURSTS_MAX);
        let courses = (0..1u32 << settled).map(|high| {
            let mut bursts = Bursts {
                high,
                ..Bursts::default()
            };
            let rates = arrivals
                .iter()
                .map(|arrival| Rates::of(arrival, load_ns, &mut bursts));
            let rates: Vec<_> = rates.collect();
            let mut course = Self::empty(arrivals.len(), bursts.weight);
            course.fill(&rates, load_ns, cells_max);
            course
        });
        Some(courses.collect())
    }

    const fn empty(arrivals: usize, weight: f64) -> Self {
        Self {
            weight,
            arrivals,
            seconds: Vec::new(),
            means: Vec::new(),
            peaks: Vec::new(),
            looked_at: 1.0,
        }
    }

    /// Its cells, in their order.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.seconds.iter().enumerate().map(|(index, seconds)| {
            let place = index * self.arrivals..(index + 1) * self.arrivals;
            Cell {
                seconds: *seconds,
                means: &self.means[place.clone()],
                peaks: &self.peaks[place],
            }
        })
    }

    /// The highest rate of all arrivals together, in records per second.
    pub(super) fn peak(&self) -> f64 {
        let sums = self.cells().map(|cell| cell.peaks.iter().sum());
        sums.fold(0.0, f64::max)
    }

    fn fill(&mut self, rates: &[Rates<'_>], load_ns: u64, cells_max: u64) {
        let (cells, highest_even) = counted(rates.to_vec(), load_ns);
        let share = (cells_max as f64 / cells as f64).min(1.0);
        let mut rates = rates.to_vec();
        if share >= 1.0 {
            self.look(&mut rates, 0, load_ns, load_ns);
            return;
        }
        self.looked_at = share;
        let each_ns = (load_ns / WINDOWS) as f64;
        for window in 0..WINDOWS {
            // Each elsewhere in its part of the load, so that no period of the load's falls in step with them.
            let place = (window as f64 * GOLDEN).fract() * (1.0 - share);
            let from_ns = load_ns / WINDOWS * window + (each_ns * place) as u64;
            let length_ns = (each_ns * share).ceil() as u64;
            self.look(&mut rates, from_ns, from_ns + length_ns, load_ns);
        }
        self.seconds.push(0.0);
        self.means.extend(&highest_even);
        self.peaks.extend(&highest_even);
    }

    /// Adds the cells of a part of the load.
    fn look(&mut self, rates: &mut [Rates<'_>], from_ns: u64, to_ns: u64, load_ns: u64) {
        let mut at_ns = from_ns;
        while at_ns < to_ns {
            let end_ns = even_until(rates, at_ns, load_ns).min(to_ns);
            let step_ns = step_ns(rates, load_ns);
            let end_ns = end_ns.min(at_ns.saturating_add(step_ns)).max(at_ns + 1);
            self.seconds.push((end_ns - at_ns) as f64 / NANOS_PER_S);
            self.means
                .extend(rates.iter().map(|rate| rate.mean(at_ns, end_ns)));
            self.peaks.extend(highest(rates, at_ns, end_ns));
            at_ns = end_ns;
        }
    }
}

/// How many cells a load has, and the highest of those rates that do not change within a cell.
fn counted(mut rates: Vec<Rates<'_>>, load_ns: u64) -> (u64, Vec<f64>) {
    let mut highest = vec![0.0; rates.len()];
    let (mut at_ns, mut cells) = (0, 0u64);
    while at_ns < load_ns {
        let end_ns = even_until(&mut rates, at_ns, load_ns).max(at_ns + 1);
        let step_ns = step_ns(&rates, load_ns);
        cells = cells.saturating_add((end_ns - at_ns).div_ceil(step_ns));
        let now = || rates.iter().map(|rate| rate.peak(at_ns, end_ns));
        if step_ns == u64::MAX && now().sum::<f64>() > highest.iter().sum() {
            highest = now().collect();
        }
        at_ns = end_ns;
    }
    (cells, highest)
}

/// The rates at the moment of a cell at which they are highest together: at its start, its middle or its end. That of one
/// alone is exact.
fn highest(rates: &[Rates<'_>], from_ns: u64, to_ns: u64) -> Vec<f64> {
    if let [rate] = rates {
        return vec![rate.peak(from_ns, to_ns)];
    }
    let middle_ns = u64::midpoint(from_ns, to_ns);
    let moments = [from_ns, middle_ns, to_ns].map(|at_ns| {
        let now = rates.iter().map(|rate| rate.at(from_ns, at_ns));
        now.collect::<Vec<_>>()
    });
    let sum = |rates: &Vec<f64>| rates.iter().sum::<f64>();
    let best = moments.into_iter();
    best.max_by(|a, b| sum(a).total_cmp(&sum(b)))
        .unwrap_or_default()
}

/// When the first of the rates goes on to another piece.
fn even_until(rates: &mut [Rates<'_>], at_ns: u64, load_ns: u64) -> u64 {
    let ends = rates.iter_mut().map(|rate| rate.even_until(at_ns));
    ends.min().unwrap_or(load_ns).min(load_ns)
}

/// How long a cell may be within the pieces under way.
fn step_ns(rates: &[Rates<'_>], load_ns: u64) -> u64 {
    let steps = rates.iter().map(|rate| rate.step_ns(load_ns));
    steps.min().unwrap_or(u64::MAX).max(1)
}

/// Which of the random bursts are high, one bit for each in the order in which they are met.
#[derive(Debug)]
struct Bursts {
    high: u32,
    met: u32,
    weight: f64,
}

impl Default for Bursts {
    fn default() -> Self {
        Self {
            high: 0,
            met: 0,
            weight: 1.0,
        }
    }
}

impl Bursts {
    /// The curve with random bursts at the level that they have here.
    fn settle(&mut self, curve: &Curve) -> Curve {
        settled(curve, &mut |burst| {
            let number = self.met;
            self.met += 1;
            if number >= BURSTS_MAX {
                burst.mean()
            } else if self.high >> number & 1 == 1 {
                self.weight *= burst.on_share();
                burst.on_rate
            } else {
                self.weight *= 1.0 - burst.on_share();
                burst.off_rate
            }
        })
    }
}

/// Whether an arrival's rate depends on chance.
pub(super) fn has_random_bursts(arrival: &Arrival) -> bool {
    let mut bursts = Bursts::default();
    if let Arrival::Varying { curve, .. } = arrival {
        bursts.settle(curve);
    }
    bursts.met > 0
}

/// The rate of one arrival, looked at at rising times.
#[derive(Clone, Debug)]
enum Rates<'a> {
    Pieces {
        pieces: Pieces,
        piece: Piece,
        start_ns: u64,
    },
    /// Recorded times: each second of the clock has one rate.
    Trace {
        times_ns: &'a [u64],
        speed_up: f64,
        load_ns: u64,
    },
}

const SECOND_NS: u64 = 1_000_000_000;

impl<'a> Rates<'a> {
    fn of(arrival: &'a Arrival, load_ns: u64, bursts: &mut Bursts) -> Self {
        let curve = match arrival {
            Arrival::Constant { rate } | Arrival::Poisson { rate } => Curve::Flat { rate: *rate },
            Arrival::Varying { curve, .. } => bursts.settle(curve),
            Arrival::Trace { times_ns, speed_up } => {
                return Self::Trace {
                    times_ns,
                    speed_up: *speed_up,
                    load_ns,
                };
            }
            Arrival::Closed { .. } => Curve::Flat { rate: 0.0 },
        };
        // Nothing is drawn: random bursts are settled.
        let mut pieces = Pieces::new(&curve, 0, &mut generator(0, "", 0, ""));
        Self::Pieces {
            piece: pieces.next(),
            pieces,
            start_ns: 0,
        }
    }

    /// Goes to a time, and tells until when nothing begins or ends.
    fn even_until(&mut self, at_ns: u64) -> u64 {
        match self {
            Self::Pieces {
                pieces,
                piece,
                start_ns,
            } => {
                while piece.end_ns <= at_ns && piece.end_ns < u64::MAX {
                    *start_ns = piece.end_ns;
                    *piece = pieces.next();
                }
                piece.end_ns
            }
            Self::Trace { .. } => {
                let next_ns = (at_ns / SECOND_NS + 1).saturating_mul(SECOND_NS);
                // Silence is one piece.
                let first = self.before(at_ns / SECOND_NS * SECOND_NS);
                next_ns.max(self.time_ns(first) / SECOND_NS * SECOND_NS)
            }
        }
    }

    /// How long it may be taken for its mean.
    fn step_ns(&self, load_ns: u64) -> u64 {
        let Self::Pieces {
            piece, start_ns, ..
        } = self
        else {
            return u64::MAX;
        };
        if piece.is_flat() {
            return u64::MAX;
        }
        let length_ns = piece.end_ns.min(load_ns).saturating_sub(*start_ns);
        let wave_ns = piece.wave_s() * NANOS_PER_S;
        (wave_ns.min(length_ns as f64).min(load_ns as f64) / STEPS) as u64
    }

    fn mean(&self, from_ns: u64, to_ns: u64) -> f64 {
        match self {
            Self::Pieces {
                piece, start_ns, ..
            } => {
                let [from, to] = [from_ns, to_ns].map(|at_ns| seconds(*start_ns, at_ns));
                if piece.is_flat() {
                    return piece.rate(from);
                }
                (piece.mass(to) - piece.mass(from)).max(0.0) / (to - from)
            }
            Self::Trace { load_ns, .. } => {
                let second_ns = from_ns / SECOND_NS * SECOND_NS;
                let end_ns = (second_ns + SECOND_NS).min(*load_ns).max(to_ns);
                self.in_second(from_ns) / seconds(second_ns, end_ns)
            }
        }
    }

    fn peak(&self, from_ns: u64, to_ns: u64) -> f64 {
        match self {
            Self::Pieces {
                piece, start_ns, ..
            } => {
                let [from, to] = [from_ns, to_ns].map(|at_ns| seconds(*start_ns, at_ns));
                piece.highest(from, to)
            }
            Self::Trace { .. } => self.in_second(from_ns),
        }
    }

    /// The rate at a moment of the cell that begins at `from_ns`.
    fn at(&self, from_ns: u64, at_ns: u64) -> f64 {
        match self {
            Self::Pieces {
                piece, start_ns, ..
            } => piece.rate(seconds(*start_ns, at_ns)),
            Self::Trace { .. } => self.in_second(from_ns),
        }
    }

    /// Recorded records of the second of the clock in which a time lies, within the load.
    fn in_second(&self, at_ns: u64) -> f64 {
        let second_ns = at_ns / SECOND_NS * SECOND_NS;
        let Self::Trace { load_ns, .. } = self else {
            return 0.0;
        };
        let end_ns = (second_ns + SECOND_NS).min(*load_ns);
        (self.before(end_ns) - self.before(second_ns)) as f64
    }

    /// How many recorded records come before a time.
    fn before(&self, at_ns: u64) -> usize {
        match self {
            Self::Trace {
                times_ns, speed_up, ..
            } => times_ns.partition_point(|time| ((*time as f64 / speed_up) as u64) < at_ns),
            Self::Pieces { .. } => 0,
        }
    }

    /// When recorded record `index` comes.
    fn time_ns(&self, index: usize) -> u64 {
        match self {
            Self::Trace {
                times_ns, speed_up, ..
            } => times_ns
                .get(index)
                .map_or(u64::MAX, |time| (*time as f64 / speed_up) as u64),
            Self::Pieces { .. } => u64::MAX,
        }
    }
}

fn seconds(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / NANOS_PER_S
}
