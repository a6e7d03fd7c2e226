//! A rate over time as pieces with a closed form, made one after another.
//!
//! Invariant: pieces follow each other without a gap; the last one ends at [`u64::MAX`].

use std::f64::consts::{FRAC_PI_2, TAU};
use std::time::Duration;

use rand_distr::{Distribution as _, Exp1};

use crate::base::rng::Rng;
use crate::scenario::model::{Curve, Point};

const NANOS_PER_S: f64 = 1e9;
const HOUR_NS: f64 = 3_600.0 * NANOS_PER_S;
const WEEK_HOURS: u64 = 168;

/// A part of a rate: `rate + slope * t` and sine waves, `t` in seconds from the piece's start.
#[derive(Clone, PartialEq, Debug)]
pub struct Piece {
    /// When it ends, in nanoseconds from the start of the load.
    pub end_ns: u64,
    rate: f64,
    slope: f64,
    waves: Vec<Wave>,
}

/// `amplitude * sin(turns + speed * t)`.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Wave {
    amplitude: f64,
    /// Radians per second.
    speed: f64,
    /// Radians at the piece's start.
    angle: f64,
}

impl Piece {
    const fn flat(end_ns: u64, rate: f64) -> Self {
        Self::linear(end_ns, rate, 0.0)
    }

    const fn linear(end_ns: u64, rate: f64, slope: f64) -> Self {
        Self {
            end_ns,
            rate,
            slope,
            waves: Vec::new(),
        }
    }

    /// Records per second, `t` seconds after the start; never below zero, where rounding might end.
    pub fn rate(&self, t: f64) -> f64 {
        let waves: f64 = self
            .waves
            .iter()
            .map(|wave| wave.amplitude * (wave.angle + wave.speed * t).sin())
            .sum();
        (self.rate + self.slope * t + waves).max(0.0)
    }

    /// The integral of the rate over the first `t` seconds.
    pub fn mass(&self, t: f64) -> f64 {
        let waves: f64 = self
            .waves
            .iter()
            // cos a - cos b as a product, which keeps its digits where a and b are near.
            .map(|wave| {
                let half = wave.speed * t / 2.0;
                2.0 * wave.amplitude / wave.speed * (wave.angle + half).sin() * half.sin()
            })
            .sum();
        (self.rate * t + self.slope * t * t / 2.0 + waves).max(0.0)
    }

    /// Whether its rate is the same from its start to its end.
    pub fn is_flat(&self) -> bool {
        self.slope == 0.0 && self.waves.is_empty()
    }

    /// The period of its shortest wave, in seconds; endless where it has none.
    pub fn wave_s(&self) -> f64 {
        let periods = self.waves.iter().map(|wave| TAU / wave.speed);
        periods.fold(f64::INFINITY, f64::min)
    }

    /// The highest rate from `from` to `to`, in seconds from its start; of several waves, and of a wave on a slope, that of
    /// the ends and the middle, which is as good as exact over a small part of a wave.
    pub fn highest(&self, from: f64, to: f64) -> f64 {
        if let ([wave], 0.0) = (&self.waves[..], self.slope) {
            let crests = |t: f64| ((wave.angle + wave.speed * t - FRAC_PI_2) / TAU).floor();
            if wave.amplitude > 0.0 && crests(from) < crests(to) {
                return self.rate + wave.amplitude;
            }
        }
        let rates = [from, f64::midpoint(from, to), to].map(|t| self.rate(t));
        rates.into_iter().fold(0.0, f64::max)
    }

    /// When the integral reaches `mass`, at most `most_s` seconds after the start, where it is known to be.
    pub fn time_of(&self, mass: f64, most_s: f64) -> f64 {
        if self.waves.is_empty() {
            if self.slope == 0.0 {
                return (mass / self.rate).min(most_s);
            }
            // The root of slope/2 t^2 + rate t - mass in the form that subtracts no two near numbers.
            let root = (self.rate * self.rate + 2.0 * self.slope * mass)
                .max(0.0)
                .sqrt();
            return (2.0 * mass / (self.rate + root)).clamp(0.0, most_s);
        }
        self.search(mass, most_s)
    }

    /// Newton's steps within a bracket that halves where they would leave it: a few steps for any smooth rate.
    fn search(&self, mass: f64, most_s: f64) -> f64 {
        let (mut low, mut high) = (0.0, most_s);
        let mean = if self.rate > 0.0 { self.rate } else { 1.0 };
        let mut t = (mass / mean).clamp(low, high);
        for _ in 0..200 {
            let error = self.mass(t) - mass;
            if error > 0.0 {
                high = t;
            } else {
                low = t;
            }
            let step = error / self.rate(t);
            let next = t - step;
            let next = if next > low && next < high {
                next
            } else {
                f64::midpoint(low, high)
            };
            // A tenth of a nanosecond is below what a time can tell.
            if (next - t).abs() < 1e-10 {
                return next;
            }
            t = next;
        }
        t
    }

    /// The same rate, seen from `after_s` seconds later on.
    fn later(&self, after_s: f64) -> Self {
        Self {
            end_ns: self.end_ns,
            rate: self.rate + self.slope * after_s,
            slope: self.slope,
            waves: self
                .waves
                .iter()
                .map(|wave| Wave {
                    angle: (wave.angle + wave.speed * after_s) % TAU,
                    ..*wave
                })
                .collect(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.rate += other.rate;
        self.slope += other.slope;
        self.waves.extend(&other.waves);
    }

    fn scale(&mut self, by: f64) {
        self.rate *= by;
        self.slope *= by;
        for wave in &mut self.waves {
            wave.amplitude *= by;
        }
    }
}

/// Makes the pieces of a curve one after another, in constant time each.
#[derive(Clone, Debug)]
pub struct Pieces {
    /// When the next piece starts.
    at_ns: u64,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Flat {
        rate: f64,
    },
    Ramp {
        start_ns: u64,
        end_ns: u64,
        from: f64,
        to: f64,
    },
    Points {
        start_ns: u64,
        points: std::sync::Arc<[Point]>,
        linear: bool,
        speed_up: f64,
        /// The next point.
        index: usize,
    },
    Sine(Piece),
    Burst {
        rates: [f64; 2],
        lengths_ns: [f64; 2],
        /// For random lengths.
        rng: Option<Box<Rng>>,
        start_ns: u64,
        /// Bursts and pauses so far.
        turn: u64,
    },
    Weekly {
        start_ns: u64,
        rate: f64,
        grid: std::sync::Arc<[f64]>,
        from_hour: u64,
        hour_ns: f64,
        hour: u64,
    },
    Sequence {
        /// Those not begun, the next one last.
        rest: Vec<(Duration, Curve)>,
        rng: Box<Rng>,
        part: Box<Pieces>,
        part_end_ns: u64,
    },
    Sum(Vec<Ahead>),
    Scale {
        by: f64,
        of: Box<Pieces>,
    },
}

/// One of several curves, with its piece under way.
#[derive(Clone, Debug)]
struct Ahead {
    pieces: Pieces,
    piece: Piece,
    start_ns: u64,
}

fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / NANOS_PER_S
}

impl Pieces {
    /// The pieces of a curve that starts at `start_ns`. Random lengths come from `rng`, which is the same for all workers
    /// of a producer, so that they burst together.
    pub fn new(curve: &Curve, start_ns: u64, rng: &mut Rng) -> Self {
        let source = match curve {
            Curve::Flat { rate } => Source::Flat { rate: *rate },
            Curve::Ramp { from, to, over } => Source::Ramp {
                start_ns,
                end_ns: start_ns.saturating_add(ns(*over)),
                from: *from,
                to: *to,
            },
            Curve::Points {
                points,
                linear,
                speed_up,
            } => Source::Points {
                start_ns,
                points: points.clone(),
                linear: *linear,
                speed_up: *speed_up,
                index: 0,
            },
            Curve::Sine {
                mean,
                amplitude,
                period,
                phase,
            } => Source::Sine(Piece {
                waves: vec![Wave {
                    amplitude: mean * amplitude,
                    speed: TAU / period.as_secs_f64(),
                    angle: TAU * phase,
                }],
                ..Piece::flat(u64::MAX, *mean)
            }),
            Curve::Burst {
                on_rate,
                off_rate,
                on,
                off,
                random,
            } => Source::Burst {
                rates: [*on_rate, *off_rate],
                lengths_ns: [on.as_nanos() as f64, off.as_nanos() as f64],
                rng: random.then(|| Box::new(split(rng))),
                start_ns,
                turn: 0,
            },
            Curve::Weekly {
                rate,
                grid,
                from_hour,
                speed_up,
            } => Source::Weekly {
                start_ns,
                rate: *rate,
                grid: grid.clone(),
                from_hour: u64::from(*from_hour),
                hour_ns: (HOUR_NS / speed_up).max(1.0),
                hour: 0,
            },
            Curve::Sequence { parts } => {
                let mut rng = Box::new(split(rng));
                let mut rest: Vec<_> = parts.iter().rev().cloned().collect();
                let first = rest.pop();
                let (length, curve) = first.unwrap_or((Duration::MAX, Curve::Flat { rate: 0.0 }));
                Source::Sequence {
                    part_end_ns: end_of_part(start_ns, length, &rest),
                    rest,
                    part: Box::new(Self::new(&curve, start_ns, &mut rng)),
                    rng,
                }
            }
            Curve::Sum { of } => Source::Sum(
                of.iter()
                    .map(|curve| {
                        let mut pieces = Self::new(curve, start_ns, rng);
                        Ahead {
                            piece: pieces.next(),
                            pieces,
                            start_ns,
                        }
                    })
                    .collect(),
            ),
            Curve::Scale { by, of } => Source::Scale {
                by: *by,
                of: Box::new(Self::new(of, start_ns, rng)),
            },
        };
        Self {
            at_ns: start_ns,
            source,
        }
    }

    /// The next piece, which starts where the last one ended. It may be empty.
    #[expect(clippy::should_implement_trait, reason = "pieces never end")]
    pub fn next(&mut self) -> Piece {
        let at_ns = self.at_ns;
        let mut piece = self.source.piece(at_ns);
        piece.end_ns = piece.end_ns.max(at_ns);
        self.at_ns = piece.end_ns;
        piece
    }
}

/// A generator of its own for one curve among several.
fn split(rng: &mut Rng) -> Rng {
    use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
    Rng::seed_from_u64(rng.next_u64())
}

/// The last part goes on.
fn end_of_part(start_ns: u64, length: Duration, rest: &[(Duration, Curve)]) -> u64 {
    if rest.is_empty() {
        u64::MAX
    } else {
        start_ns.saturating_add(ns(length))
    }
}

impl Source {
    fn piece(&mut self, at_ns: u64) -> Piece {
        match self {
            Self::Flat { rate } => Piece::flat(u64::MAX, *rate),
            Self::Ramp {
                start_ns,
                end_ns,
                from,
                to,
            } if at_ns < *end_ns => {
                let slope = (*to - *from) / seconds(*start_ns, *end_ns);
                Piece::linear(*end_ns, *from, slope)
            }
            Self::Ramp { to, .. } => Piece::flat(u64::MAX, *to),
            Self::Points {
                start_ns,
                points,
                linear,
                speed_up,
                index,
            } => {
                let time = |point: &Point| {
                    start_ns.saturating_add((point.at_ns as f64 / *speed_up) as u64)
                };
                let next = points.get(*index);
                let before = index.checked_sub(1).and_then(|last| points.get(last));
                *index += 1;
                match (before, next) {
                    (None, Some(next)) => Piece::flat(time(next), 0.0),
                    (Some(before), Some(next)) => {
                        let slope = (next.rate - before.rate) / seconds(time(before), time(next));
                        let slope = if *linear && slope.is_finite() {
                            slope
                        } else {
                            0.0
                        };
                        Piece::linear(time(next), before.rate, slope)
                    }
                    (last, None) => Piece::flat(u64::MAX, last.map_or(0.0, |point| point.rate)),
                }
            }
            Self::Sine(piece) => piece.clone(),
            Self::Burst {
                rates,
                lengths_ns,
                rng,
                start_ns,
                turn,
            } => {
                let which = (*turn % 2) as usize;
                *turn += 1;
                let end_ns = if let Some(rng) = rng {
                    let length: f64 = Exp1.sample(rng);
                    // Rounded up, so that time goes on.
                    at_ns.saturating_add((length * lengths_ns[which]).ceil() as u64)
                } else {
                    // From the start, not from the last end.

                    let whole = (*turn / 2) as f64 * (lengths_ns[0] + lengths_ns[1]);
                    let part = if which == 0 { lengths_ns[0] } else { 0.0 };
                    start_ns.saturating_add((whole + part) as u64)
                };
                Piece::flat(end_ns, rates[which])
            }
            Self::Weekly {
                start_ns,
                rate,
                grid,
                from_hour,
                hour_ns,
                hour,
            } => {
                let factor = grid
                    .get(((*from_hour + *hour) % WEEK_HOURS) as usize)
                    .copied()
                    .unwrap_or(0.0);
                *hour += 1;
                let end_ns = start_ns.saturating_add((*hour as f64 * *hour_ns) as u64);
                Piece::flat(end_ns, *rate * factor)
            }
            Self::Sequence {
                rest,
                rng,
                part,
                part_end_ns,
            } => {
                if at_ns >= *part_end_ns
                    && let Some((length, curve)) = rest.pop()
                {
                    **part = Pieces::new(&curve, at_ns, rng);
                    *part_end_ns = end_of_part(at_ns, length, rest);
                }
                let mut piece = part.next();
                piece.end_ns = piece.end_ns.min(*part_end_ns);
                piece
            }
            Self::Sum(all) => sum(all, at_ns),
            Self::Scale { by, of } => {
                let mut piece = of.next();
                piece.scale(*by);
                piece
            }
        }
    }
}

fn sum(all: &mut [Ahead], at_ns: u64) -> Piece {
    for one in all.iter_mut() {
        // Empty pieces are passed over.
        while one.piece.end_ns <= at_ns && one.piece.end_ns < u64::MAX {
            one.start_ns = one.piece.end_ns;
            one.piece = one.pieces.next();
        }
    }
    let end_ns = all
        .iter()
        .map(|one| one.piece.end_ns)
        .min()
        .unwrap_or(u64::MAX);
    let mut total = Piece::flat(end_ns, 0.0);
    for one in all.iter() {
        total.add(&one.piece.later(seconds(one.start_ns, at_ns)));
    }
    total
}

/// The mean rate over a load from its start, in records per second. Random bursts count by the mean of their lengths, which
/// a short load need not meet.
pub fn mean_rate(curve: &Curve, load: Duration) -> f64 {
    let end_ns = ns(load);
    // Nothing is drawn: the lengths are their means.
    let mut none = crate::base::rng::generator(0, "", 0, "");
    let mut pieces = Pieces::new(&settled(curve, &mut |burst| burst.mean()), 0, &mut none);
    let (mut at_ns, mut total) = (0, 0.0);
    while at_ns < end_ns {
        let piece = pieces.next();
        total += piece.mass(seconds(at_ns, piece.end_ns.min(end_ns)));
        at_ns = piece.end_ns;
    }
    total / load.as_secs_f64()
}

/// A rate that is high and low for times that chance decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct RandomBurst {
    pub(super) on_rate: f64,
    pub(super) off_rate: f64,
    /// How long it is high, and low, in the mean, in seconds.
    on_s: f64,
    off_s: f64,
}

impl RandomBurst {
    /// The share of the time in which it is high.
    pub(super) fn on_share(&self) -> f64 {
        self.on_s / (self.on_s + self.off_s)
    }

    /// The mean rate over a long time.
    pub(super) fn mean(&self) -> f64 {
        (self.on_rate * self.on_s + self.off_rate * self.off_s) / (self.on_s + self.off_s)
    }
}

/// The curve with one rate, `rate_of`, in the place of each random burst.
pub(super) fn settled(curve: &Curve, rate_of: &mut dyn FnMut(RandomBurst) -> f64) -> Curve {
    match curve {
        &Curve::Burst {
            on_rate,
            off_rate,
            on,
            off,
            random: true,
        } => Curve::Flat {
            rate: rate_of(RandomBurst {
                on_rate,
                off_rate,
                on_s: on.as_secs_f64(),
                off_s: off.as_secs_f64(),
            }),
        },
        Curve::Sequence { parts } => {
            let parts = parts.iter();
            let parts = parts.map(|(length, curve)| (*length, settled(curve, rate_of)));
            Curve::Sequence {
                parts: parts.collect(),
            }
        }
        Curve::Sum { of } => Curve::Sum {
            of: of.iter().map(|curve| settled(curve, rate_of)).collect(),
        },
        Curve::Scale { by, of } => Curve::Scale {
            by: *by,
            of: Box::new(settled(of, rate_of)),
        },
        other => other.clone(),
    }
}
