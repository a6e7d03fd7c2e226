//! When records are meant to be sent.

use std::sync::Arc;
use std::time::Duration;

use rand_distr::{Distribution as _, Exp1};

use super::pieces::mean_rate;
use super::walk::Walk;
use crate::base::rng::Rng;
use crate::scenario::model::{Arrival, Spacing};

const NANOS_PER_S: f64 = 1e9;

/// The intended times of one worker: rising, from the start of warm-up, all before the end of the load.
#[derive(Clone, Debug)]
pub struct Schedule {
    process: Process,
    load_ns: u64,
    /// What comes next, also where that is past the load.
    next_ns: u64,
}

#[derive(Clone, Debug)]
enum Process {
    /// Record `number` of the whole producer is at `number / rate`; this worker has every `step`th.
    Constant { rate: f64, number: u64, step: u64 },
    /// Gaps are independent and exponential.
    Poisson {
        mean_gap_ns: f64,
        /// The part of a nanosecond that the last time was cut by, so that sums neither drift nor stand still.
        cut_ns: f64,
        rng: Rng,
    },
    /// Record `number` of the whole producer is where the integral of the rate reaches `number`.
    ConstantWalk {
        walk: Box<Walk>,
        number: u64,
        step: u64,
    },
    /// A Poisson process of rate 1, bent to the rate: its gaps are exponential in the integral. The workers' processes are
    /// independent, and together one of the whole rate.
    PoissonWalk {
        walk: Box<Walk>,
        workers: f64,
        /// The integral so far.
        whole: u64,
        fraction: f64,
        rng: Rng,
    },
    /// Every `step`th of recorded times.
    Trace {
        times_ns: Arc<[u64]>,
        speed_up: f64,
        index: usize,
        step: usize,
    },
}

/// When record `index` of a trace comes; never, past its end.
fn trace_time_ns(times_ns: &[u64], index: usize, speed_up: f64) -> u64 {
    let scaled = |&time: &u64| (time as f64 / speed_up) as u64;
    times_ns.get(index).map_or(u64::MAX, scaled)
}

impl Process {
    /// Where the process stands after `now_ns`, the time it gave last.
    fn step(&mut self, now_ns: u64) -> u64 {
        match self {
            Self::Constant { rate, number, step } => {
                *number = number.saturating_add(*step);
                constant_time_ns(*number, *rate)
            }
            Self::Poisson {
                mean_gap_ns,
                cut_ns,
                rng,
            } => {
                let gap: f64 = Exp1.sample(rng);
                let exact_ns = gap * *mean_gap_ns + *cut_ns;
                *cut_ns = exact_ns.fract();
                now_ns.saturating_add(exact_ns as u64)
            }
            Self::ConstantWalk { walk, number, step } => {
                *number = number.saturating_add(*step);
                walk.time_of(*number, 0.0)
            }
            Self::PoissonWalk {
                walk,
                workers,
                whole,
                fraction,
                rng,
            } => {
                let gap: f64 = Exp1.sample(rng);
                let sum = *fraction + gap * *workers;
                *whole = whole.saturating_add(sum as u64);
                *fraction = sum.fract();
                walk.time_of(*whole, *fraction)
            }
            Self::Trace {
                times_ns,
                speed_up,
                index,
                step,
            } => {
                *index = index.saturating_add(*step);
                trace_time_ns(times_ns, *index, *speed_up)
            }
        }
    }
}

/// Three roundings of one part in 2^53: below a nanosecond after a week.
fn constant_time_ns(number: u64, rate: f64) -> u64 {
    (number as f64 * NANOS_PER_S / rate) as u64
}

impl Schedule {
    /// The schedule of worker `worker` (from 0) of `workers` over a load of this length. `None` for
    /// [`Arrival::Closed`], whose times come from its acknowledgements. `rng` is the worker's own; what comes from `shared`
    /// is the same for all workers of the producer.
    pub fn new(
        arrival: &Arrival,
        worker: u32,
        workers: u32,
        load: Duration,
        rng: Rng,
        mut shared: Rng,
    ) -> Option<Self> {
        let workers = workers.max(1);
        let load_ns = u64::try_from(load.as_nanos()).unwrap_or(u64::MAX);
        let (mut process, first) = match arrival {
            &Arrival::Constant { rate } => {
                let number = u64::from(worker);
                let process = Process::Constant {
                    rate,
                    number,
                    step: u64::from(workers),
                };
                (process, Some(constant_time_ns(number, rate)))
            }
            &Arrival::Poisson { rate } => {
                let process = Process::Poisson {
                    mean_gap_ns: f64::from(workers) * NANOS_PER_S / rate,
                    cut_ns: 0.0,
                    rng,
                };
                (process, None)
            }
            Arrival::Varying { curve, spacing } => {
                let mut walk = Box::new(Walk::new(curve, load_ns, &mut shared));
                let number = u64::from(worker);
                match spacing {
                    Spacing::Constant => {
                        let first = walk.time_of(number, 0.0);
                        let process = Process::ConstantWalk {
                            walk,
                            number,
                            step: u64::from(workers),
                        };
                        (process, Some(first))
                    }
                    Spacing::Poisson => {
                        let process = Process::PoissonWalk {
                            walk,
                            workers: f64::from(workers),
                            whole: 0,
                            fraction: 0.0,
                            rng,
                        };
                        (process, None)
                    }
                }
            }
            Arrival::Trace { times_ns, speed_up } => {
                let index = worker as usize;
                let process = Process::Trace {
                    times_ns: Arc::clone(times_ns),
                    speed_up: *speed_up,
                    index,
                    step: workers as usize,
                };
                (process, Some(trace_time_ns(times_ns, index, *speed_up)))
            }
            Arrival::Closed { .. } => return None,
        };
        Some(Self {
            next_ns: first.unwrap_or_else(|| process.step(0)),
            process,
            load_ns,
        })
    }

    /// The next intended time, from the start of warm-up; `None` when the load is over.
    pub fn peek(&self) -> Option<Duration> {
        (self.next_ns < self.load_ns).then(|| Duration::from_nanos(self.next_ns))
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    /// Takes the next intended time.
    fn next(&mut self) -> Option<Duration> {
        let taken = self.peek()?;
        self.next_ns = self.process.step(self.next_ns);
        Some(taken)
    }
}

/// The pacing decision: takes every time that has come after `elapsed` and appends it to `out`. However late the call,
/// no intended time is skipped.
pub fn due(schedule: &mut Schedule, elapsed: Duration, out: &mut Vec<Duration>) {
    while schedule.peek().is_some_and(|time| time <= elapsed) {
        out.extend(schedule.next());
    }
}

/// The mean rate of the whole producer over the load, in records per second; `None` where it depends on the target.
pub fn records_per_s(arrival: &Arrival, load: Duration) -> Option<f64> {
    match arrival {
        Arrival::Constant { rate } | Arrival::Poisson { rate } => Some(*rate),
        Arrival::Varying { curve, .. } => Some(mean_rate(curve, load)),
        Arrival::Trace { times_ns, speed_up } => {
            let end_ns = load.as_nanos() as f64 * speed_up;
            let count = times_ns.partition_point(|&time| (time as f64) < end_ns);
            Some(count as f64 / load.as_secs_f64())
        }
        Arrival::Closed { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::generator;
    use crate::workload::goodness::{chi_square_bound, kolmogorov_smirnov};
    use proptest::prelude::*;

    fn shared() -> crate::base::rng::Rng {
        generator(7, "producers.web", 0, "bursts")
    }

    fn workers_schedule(arrival: &Arrival, worker: u32, workers: u32, load: Duration) -> Schedule {
        let rng = generator(7, "producers.web", worker, "arrival");
        Schedule::new(arrival, worker, workers, load, rng, shared()).unwrap()
    }

    #[test]
    fn a_closed_arrival_has_no_schedule() {
        let rng = generator(7, "producers.web", 0, "arrival");
        let closed = Arrival::Closed { outstanding: 3 };
        assert!(Schedule::new(&closed, 0, 1, Duration::from_secs(1), rng, shared()).is_none());
    }

    #[test]
    fn constant_times_are_computed_and_do_not_drift_over_a_week() {
        let week = Duration::from_hours(7 * 24);
        for rate in [3.0, 7.0, 999.0, 1_000.0, 123_457.0] {
            let last = (week.as_secs_f64() * rate) as u64 - 1;
            for number in [0, 1, last / 2, last] {
                let exact = u128::from(number) * 1_000_000_000 / rate as u128;
                let error = i128::from(constant_time_ns(number, rate)) - exact as i128;
                assert!(error.abs() <= 1, "{rate}/s: {error} ns at {number}");
            }
        }
    }

    #[test]
    fn poisson_arrivals_pass_the_tests_of_kolmogorov_smirnov_and_of_dispersion() {
        let rate = 10_000.0;
        let workers = 4;
        let load = Duration::from_secs(400);
        let mine = workers_schedule(&Arrival::Poisson { rate }, 1, workers, load);
        let times: Vec<f64> = mine.map(|time| time.as_secs_f64()).collect();
        let expected = rate / f64::from(workers) * load.as_secs_f64();
        assert!((times.len() as f64 - expected).abs() < 4.0 * expected.sqrt());

        // Given their count, the times of a Poisson process are uniform over the load.
        let spread = kolmogorov_smirnov(&times, |t| t / load.as_secs_f64());
        assert!(spread < 1.95, "times {spread}");
        let mut gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_by(f64::total_cmp);
        let spread =
            kolmogorov_smirnov(&gaps, |gap| 1.0 - (-gap * rate / f64::from(workers)).exp());
        assert!(spread < 1.95, "gaps {spread}");

        let mut counts = vec![0.0; 4_000];
        for time in &times {
            counts[(time * 10.0) as usize] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / counts.len() as f64;
        let dispersion: f64 = counts
            .iter()
            .map(|count| (count - mean).powi(2) / mean)
            .sum();
        let freedom = counts.len() - 1;
        let bound = chi_square_bound(freedom);
        assert!(dispersion < bound, "too bursty: {dispersion}");
        assert!(
            dispersion > 2.0 * freedom as f64 - bound,
            "too even: {dispersion}"
        );
    }

    #[test]
    fn rates_above_one_record_a_nanosecond_keep_their_mean() {
        let load = Duration::from_micros(20);
        for arrival in [
            Arrival::Poisson { rate: 5e9 },
            Arrival::Constant { rate: 5e9 },
        ] {
            let count = workers_schedule(&arrival, 0, 1, load).count() as f64;
            assert!((count - 1e5).abs() < 4.0 * 1e5f64.sqrt(), "{count}");
        }
    }

    #[test]
    fn pacing_takes_all_that_is_due_once_and_nothing_else() {
        let mut schedule = workers_schedule(
            &Arrival::Constant { rate: 1_000.0 },
            0,
            1,
            Duration::from_millis(10),
        );
        let mut out = Vec::new();
        due(&mut schedule, Duration::ZERO, &mut out);
        assert_eq!(out, [Duration::ZERO]);
        due(&mut schedule, Duration::from_micros(3_999), &mut out);
        assert_eq!(out.len(), 4);
        due(&mut schedule, Duration::from_millis(4), &mut out);
        assert_eq!(out.last(), Some(&Duration::from_millis(4)));
        due(&mut schedule, Duration::from_secs(9), &mut out);
        assert_eq!(out.len(), 10);
        assert_eq!((schedule.peek(), schedule.next()), (None, None));
    }

    #[test]
    fn a_worker_more_does_not_move_another_workers_random_numbers() {
        let load = Duration::from_secs(100);
        let arrival = |rate| Arrival::Poisson { rate };
        let before: Vec<_> = workers_schedule(&arrival(200.0), 1, 2, load).collect();
        let after: Vec<_> = workers_schedule(&arrival(300.0), 1, 3, load).collect();
        assert_eq!(before, after);
    }

    proptest! {
        #[test]
        fn the_workers_of_a_constant_arrival_together_are_one_worker(rate in 0.1f64..5_000.0, workers in 1u32..9,
                load_ms in 0u64..3_000) {
            let arrival = Arrival::Constant { rate };
            let load = Duration::from_millis(load_ms);
            let single: Vec<_> = workers_schedule(&arrival, 0, 1, load).collect();
            let mut union: Vec<_> =
                (0..workers).flat_map(|worker| workers_schedule(&arrival, worker, workers, load)).collect();
            union.sort_unstable();
            prop_assert_eq!(&union, &single);
            let integral = rate * load.as_secs_f64();
            prop_assert!((single.len() as f64 - integral).abs() <= 1.0);
            prop_assert!(single.iter().all(|time| *time < load));
        }

        #[test]
        fn times_rise_and_peek_tells_what_next_gives(rate in 0.1f64..1e6, seed in any::<u64>()) {
            let rng = generator(seed, "p", 0, "arrival");
            let load = Duration::from_millis(20);
            let mut schedule = Schedule::new(&Arrival::Poisson { rate }, 0, 1, load, rng, shared()).unwrap();
            let mut last = Duration::ZERO;
            while let Some(peeked) = schedule.peek() {
                prop_assert_eq!(schedule.next(), Some(peeked));
                prop_assert!(last <= peeked && peeked < load);
                last = peeked;
            }
            prop_assert_eq!(schedule.next(), None);
        }
    }
}
