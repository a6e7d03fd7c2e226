//! Tests that the schedules of changing rates keep what the rates promise, held against rates that are written down a second
//! time and added up in small steps.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::arrival::{Schedule, records_per_s};
use super::course::Course;
use super::goodness::{chi_square_bound, kolmogorov_smirnov};
use crate::base::rng::generator;
use crate::scenario::model::{Arrival, Curve, Point, Spacing};

const LOAD: Duration = Duration::from_secs(40);

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn schedule(
    curve: &Curve,
    spacing: Spacing,
    worker: u32,
    workers: u32,
    load: Duration,
) -> Schedule {
    let arrival = Arrival::Varying {
        curve: curve.clone(),
        spacing,
    };
    let own = generator(7, "producers.web", worker, "arrival");
    let shared = generator(7, "producers.web", 0, "bursts");
    Schedule::new(&arrival, worker, workers, load, own, shared).unwrap()
}

fn points(linear: bool, speed_up: f64) -> Curve {
    let points = [(1.0, 50.0), (4.0, 300.0), (10.0, 0.0), (20.0, 100.0)];
    Curve::Points {
        points: points
            .map(|(at, rate)| Point {
                at_ns: (at * 1e9) as u64,
                rate,
            })
            .into(),
        linear,
        speed_up,
    }
}

fn burst(random: bool) -> Curve {
    Curve::Burst {
        on_rate: 900.0,
        off_rate: 20.0,
        on: s(0.3),
        off: s(1.1),
        random,
    }
}

fn sine() -> Curve {
    Curve::Sine {
        mean: 200.0,
        amplitude: 1.0,
        period: s(7.0),
        phase: 0.2,
    }
}

fn ramp(from: f64, to: f64) -> Curve {
    Curve::Ramp {
        from,
        to,
        over: s(15.0),
    }
}

/// One of each kind, and kinds within kinds.
fn curves() -> Vec<Curve> {
    let sequence = Curve::Sequence {
        parts: vec![
            (s(5.0), ramp(0.0, 300.0)),
            (s(3.5), Curve::Flat { rate: 0.0 }),
            (s(9.0), sine()),
            (Duration::MAX, burst(false)),
        ],
    };
    vec![
        Curve::Flat { rate: 123.4 },
        ramp(0.0, 400.0),
        ramp(400.0, 0.0),
        points(false, 1.0),
        points(true, 2.0),
        sine(),
        burst(false),
        Curve::Weekly {
            rate: 100.0,
            grid: (0..168u32).map(|hour| f64::from(hour % 5)).collect(),
            from_hour: 160,
            speed_up: 1_800.0,
        },
        sequence.clone(),
        Curve::Scale {
            by: 0.25,
            of: Box::new(Curve::Sum {
                of: vec![sine(), sequence, ramp(10.0, 500.0), burst(false)],
            }),
        },
    ]
}

/// The rate at `t` seconds, as the documentation says it.
fn rate_at(curve: &Curve, t: f64) -> f64 {
    match curve {
        Curve::Flat { rate } => *rate,
        Curve::Ramp { from, to, over } => from + (to - from) * (t / over.as_secs_f64()).min(1.0),
        Curve::Points {
            points,
            linear,
            speed_up,
        } => {
            let t = t * speed_up;
            let at = |point: &Point| point.at_ns as f64 / 1e9;
            let next = points.partition_point(|point| at(point) <= t);
            match (
                next.checked_sub(1).map(|last| points[last]),
                points.get(next),
            ) {
                (None, _) => 0.0,
                (Some(a), Some(b)) if *linear => {
                    a.rate + (b.rate - a.rate) * (t - at(&a)) / (at(b) - at(&a))
                }
                (Some(a), _) => a.rate,
            }
        }
        Curve::Sine {
            mean,
            amplitude,
            period,
            phase,
        } => mean * (1.0 + amplitude * (TAU * (t / period.as_secs_f64() + phase)).sin()),
        Curve::Burst {
            on_rate,
            off_rate,
            on,
            off,
            ..
        } => {
            let (on, off) = (on.as_secs_f64(), off.as_secs_f64());
            if t % (on + off) < on {
                *on_rate
            } else {
                *off_rate
            }
        }
        Curve::Weekly {
            rate,
            grid,
            from_hour,
            speed_up,
        } => {
            let hour = (t * speed_up / 3_600.0) as usize + *from_hour as usize;
            rate * grid[hour % 168]
        }
        Curve::Sequence { parts } => {
            let mut t = t;
            for (length, curve) in parts {
                if t < length.as_secs_f64() {
                    return rate_at(curve, t);
                }
                t -= length.as_secs_f64();
            }
            0.0
        }
        Curve::Sum { of } => of.iter().map(|curve| rate_at(curve, t)).sum(),
        Curve::Scale { by, of } => by * rate_at(of, t),
    }
}

/// The integral up to each of `STEPS` even steps over the load, by the midpoint rule.
fn integrals(curve: &Curve) -> Vec<f64> {
    const STEPS: usize = 400_000;
    let step = LOAD.as_secs_f64() / STEPS as f64;
    let mut total = 0.0;
    let mut sums = vec![0.0];
    for index in 0..STEPS {
        total += step * rate_at(curve, (index as f64 + 0.5) * step);
        sums.push(total);
    }
    sums
}

fn integral_at(sums: &[f64], time: Duration) -> f64 {
    let place = time.as_secs_f64() / LOAD.as_secs_f64() * (sums.len() - 1) as f64;
    let index = (place as usize).min(sums.len() - 2);
    sums[index] + (sums[index + 1] - sums[index]) * (place - index as f64)
}

#[test]
fn each_record_comes_where_the_integral_of_the_rate_reaches_its_number() {
    for curve in curves() {
        let sums = integrals(&curve);
        let times: Vec<_> = schedule(&curve, Spacing::Constant, 0, 1, LOAD).collect();
        let total = sums[sums.len() - 1];
        assert!(
            (times.len() as f64 - total).abs() <= 1.0,
            "{curve:?}: {} {total}",
            times.len()
        );
        for (number, time) in times.iter().enumerate() {
            let found = integral_at(&sums, *time);
            assert!(
                (found - number as f64).abs() < 0.1,
                "{curve:?}: {found} at {number}"
            );
        }
        let arrival = Arrival::Varying {
            curve: curve.clone(),
            spacing: Spacing::Constant,
        };
        let mean = records_per_s(&arrival, LOAD).unwrap();
        assert!(
            (mean * LOAD.as_secs_f64() - total).abs() < 0.1,
            "{curve:?}: {mean}"
        );
        let course = Course::all(&[&arrival], LOAD, 100_000).unwrap().remove(0);
        let mass: f64 = course
            .cells()
            .map(|cell| cell.seconds * cell.means[0])
            .sum();
        assert!((mass - total).abs() < 0.1, "{curve:?}: {mass} {total}");
        let peak = course.peak();
        let highest = (0..4_000)
            .map(|at| rate_at(&curve, f64::from(at) * 0.01))
            .fold(0.0, f64::max);
        assert!(
            (peak / highest - 1.0).abs() < 0.005,
            "{curve:?}: {peak} {highest}"
        );
    }
}

#[test]
fn workers_of_evenly_spaced_records_together_are_one_worker() {
    for curve in curves().into_iter().chain([burst(true)]) {
        let single: Vec<_> = schedule(&curve, Spacing::Constant, 0, 1, LOAD).collect();
        for workers in [2, 7] {
            let mut union: Vec<_> = (0..workers)
                .flat_map(|worker| schedule(&curve, Spacing::Constant, worker, workers, LOAD))
                .collect();
            union.sort_unstable();
            assert_eq!(union, single, "{curve:?}");
        }
    }
}

#[test]
fn a_million_poisson_arrivals_of_all_workers_follow_the_rate_and_are_neither_bursty_nor_even() {
    for curve in [
        curves().pop().unwrap(),
        Curve::Flat { rate: 1.0 },
        ramp(0.0, 1.0),
    ] {
        let sums = integrals(&curve);
        let total = sums[sums.len() - 1];
        let many = Curve::Scale {
            by: 1e6 / total,
            of: Box::new(curve),
        };
        let mut times: Vec<_> = (0..3)
            .flat_map(|worker| schedule(&many, Spacing::Poisson, worker, 3, LOAD))
            .collect();
        times.sort_unstable();
        assert!((times.len() as f64 - 1e6).abs() < 4e3, "{}", times.len());
        // Bent back by the integral, a Poisson process of any rate is one of an even rate.
        let even: Vec<_> = times
            .iter()
            .map(|time| integral_at(&sums, *time) / total)
            .collect();
        let spread = kolmogorov_smirnov(&even, |t| t);
        assert!(spread < 1.95, "times {spread}");
        let mut gaps: Vec<_> = even.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_by(f64::total_cmp);
        let count = even.len() as f64;
        let spread = kolmogorov_smirnov(&gaps, |gap| 1.0 - (-gap * count).exp());
        assert!(spread < 1.95, "gaps {spread}");
        let mut counts = vec![0.0; 10_000];
        for t in &even {
            counts[((t * 10_000.0) as usize).min(9_999)] += 1.0;
        }
        let mean = count / 10_000.0;
        let dispersion: f64 = counts.iter().map(|seen| (seen - mean).powi(2) / mean).sum();
        let bound = chi_square_bound(9_999);
        assert!(dispersion < bound, "too bursty: {dispersion}");
        assert!(dispersion > 2.0 * 9_999.0 - bound, "too even: {dispersion}");
    }
}

#[test]
fn a_rate_that_never_changes_is_the_constant_arrival_to_the_nanosecond_for_a_week() {
    let week = Duration::from_hours(168);
    let curve = Curve::Sequence {
        parts: vec![(Duration::MAX, Curve::Flat { rate: 0.7 })],
    };
    let walked = schedule(&curve, Spacing::Constant, 0, 1, week);
    let own = || generator(7, "p", 0, "arrival");
    let plain = Schedule::new(&Arrival::Constant { rate: 0.7 }, 0, 1, week, own(), own()).unwrap();
    let mut count = 0u64;
    for (a, b) in walked.zip(plain) {
        assert!(a.abs_diff(b) <= Duration::from_nanos(1), "{a:?} {b:?}");
        count += 1;
    }
    assert_eq!(count, (168.0f64 * 3_600.0 * 0.7).ceil() as u64);
}

#[test]
fn a_day_of_short_bursts_does_not_drift() {
    let day = Duration::from_hours(24);
    let curve = Curve::Burst {
        on_rate: 3.0,
        off_rate: 0.0,
        on: s(0.7),
        off: s(0.6),
        random: false,
    };
    let mut inside = 0u64;
    let times = schedule(&curve, Spacing::Constant, 0, 1, day);
    for (number, time) in times.enumerate() {
        // 2.1 records a burst.
        let turn = (number as f64 / 2.1).floor();
        let within = time.as_secs_f64() - turn * 1.3;
        let expected = (number as f64 - turn * 2.1) / 3.0;
        // At the edge of a burst rounding may choose either side of the pause.
        if expected > 1e-6 {
            assert!(
                (within - expected).abs() < 1e-6,
                "{number}: {within} {expected}"
            );
            inside += 1;
        }
    }
    assert!(inside > 120_000);
}

#[test]
fn random_bursts_have_their_mean_lengths_and_come_to_all_workers_at_once() {
    let curve = Curve::Burst {
        on_rate: 1_000.0,
        off_rate: 0.0,
        on: s(0.2),
        off: s(0.8),
        random: true,
    };
    let load = Duration::from_secs(4_000);
    let times: Vec<_> = schedule(&curve, Spacing::Constant, 0, 1, load).collect();
    // 4,000 bursts: their lengths add up to 800 s, with a standard deviation of 0.2 s * sqrt(4,000) and of the pauses.
    let count = times.len() as f64;
    assert!((count - 800_000.0).abs() < 4.0 * 18_000.0, "{count}");
    let mut pauses: Vec<f64> = times
        .windows(2)
        .map(|pair| pair[1].as_secs_f64() - pair[0].as_secs_f64())
        .filter(|gap| *gap > 0.01)
        .collect();
    pauses.sort_by(f64::total_cmp);
    // Pauses above 10 ms have no memory either; a gap is up to 1 ms longer than its pause.
    let spread = kolmogorov_smirnov(&pauses, |gap| 1.0 - (-(gap - 0.010_5) / 0.8).exp());
    assert!(spread < 1.95, "{spread} of {}", pauses.len());
    for worker in 0..3 {
        let mine: Vec<_> = schedule(&curve, Spacing::Poisson, worker, 3, load)
            .take(5_000)
            .collect();
        let near = |time: &Duration| {
            let next = times.partition_point(|other| other < time);
            let after = times
                .get(next)
                .map_or(Duration::MAX, |other| other.abs_diff(*time));
            let before = next
                .checked_sub(1)
                .map_or(Duration::MAX, |last| time.abs_diff(times[last]));
            after.min(before) <= Duration::from_millis(2)
        };
        assert!(mine.iter().all(near), "worker {worker}");
    }
}

#[test]
fn a_trace_is_repeated_at_its_times_and_divided_by_turns() {
    let arrival = |speed_up| Arrival::Trace {
        times_ns: Arc::from([0, 5, 5, 1_000, 3_000_000_000, 9_000_000_000]),
        speed_up,
    };
    let rng = || generator(1, "p", 0, "arrival");
    let times = |worker, workers, speed_up, load| -> Vec<u64> {
        Schedule::new(&arrival(speed_up), worker, workers, s(load), rng(), rng())
            .unwrap()
            .map(|time| time.as_nanos() as u64)
            .collect()
    };
    assert_eq!(times(0, 1, 1.0, 9.0), [0, 5, 5, 1_000, 3_000_000_000]);
    assert_eq!(times(1, 2, 1.0, 100.0), [5, 1_000, 9_000_000_000]);
    assert_eq!(times(0, 2, 2.0, 100.0), [0, 2, 1_500_000_000]);
    assert_eq!(times(8, 9, 1.0, 100.0), [0u64; 0]);
    assert_eq!(records_per_s(&arrival(2.0), s(2.0)), Some(2.5));
    let course = |load| {
        Course::all(&[&arrival(1.0)], s(load), 100)
            .unwrap()
            .remove(0)
    };
    // The first second, silence, and the second of the fifth record; in half a second none is cut.
    let cells: Vec<_> = course(9.5)
        .cells()
        .map(|cell| (cell.seconds, cell.means[0]))
        .collect();
    assert_eq!(
        cells,
        [(1.0, 4.0), (2.0, 0.0), (1.0, 1.0), (5.0, 0.0), (0.5, 2.0)]
    );
    assert_eq!(course(9.5).peak().to_bits(), 4.0f64.to_bits());
}

#[test]
fn random_bursts_are_two_courses_by_their_share_of_the_time() {
    let arrival = |curve| Arrival::Varying {
        curve,
        spacing: Spacing::Poisson,
    };
    let (bursts, flat) = (arrival(burst(true)), Arrival::Constant { rate: 5.0 });
    let courses = Course::all(&[&bursts, &flat], LOAD, 100).unwrap();
    let [off, on] = &courses[..] else {
        panic!("{courses:?}");
    };
    assert!((on.weight - 0.3 / 1.4).abs() < 1e-12 && (off.weight - 1.1 / 1.4).abs() < 1e-12);
    assert!((on.peak() - 905.0).abs() < 1e-9 && (off.peak() - 25.0).abs() < 1e-9);
    // The fifth and sixth are their mean.
    let six = arrival(Curve::Sum {
        of: vec![burst(true); 6],
    });
    let courses = Course::all(&[&six], LOAD, 100).unwrap();
    let weights: f64 = courses.iter().map(|course| course.weight).sum();
    assert!(courses.len() == 16 && (weights - 1.0).abs() < 1e-12);
    let mean: f64 = courses
        .iter()
        .map(|course| course.weight * course.peak())
        .sum();
    let expected = 6.0 * (900.0 * 0.3 + 20.0 * 1.1) / 1.4;
    assert!((mean - expected).abs() < 1e-6, "{mean} {expected}");
    assert!(Course::all(&[&Arrival::Closed { outstanding: 1 }], LOAD, 100).is_none());
}

#[test]
fn a_load_of_too_many_bursts_is_followed_in_windows_with_its_highest_rate() {
    let arrival = Arrival::Varying {
        curve: Curve::Sequence {
            parts: vec![
                (s(1.0), Curve::Flat { rate: 7_000.0 }),
                (Duration::MAX, burst(false)),
            ],
        },
        spacing: Spacing::Constant,
    };
    let day = Duration::from_hours(24);
    let course = Course::all(&[&arrival], day, 2_000).unwrap().remove(0);
    assert!(course.cells().count() < 3_000);
    assert!(course.looked_at < 0.03, "{}", course.looked_at);
    assert_eq!(course.peak().to_bits(), 7_000f64.to_bits());
    let (mut all_s, mut mass) = (0.0, 0.0);
    // The first window has the second before the bursts.
    for cell in course.cells().skip(1) {
        all_s += cell.seconds;
        mass += cell.seconds * cell.means[0];
    }
    let mean = (900.0 * 0.3 + 20.0 * 1.1) / 1.4;
    assert!((mass / all_s / mean - 1.0).abs() < 0.05, "{}", mass / all_s);
}

proptest! {
    #[test]
    fn times_of_any_steps_rise_and_end_with_the_load(
        steps in prop::collection::vec((1u64..2_000, prop_oneof![Just(0.0), 0.1f64..5_000.0]), 1..8),
        linear in any::<bool>(), load_ms in 1u64..4_000,
    ) {
        let mut at_ns = 0;
        let mut points = Vec::new();
        for (ms, rate) in steps {
            points.push(Point { at_ns, rate });
            at_ns += ms * 1_000_000;
        }
        let curve = Curve::Points { points: points.into(), linear, speed_up: 1.0 };
        let load = Duration::from_millis(load_ms);
        for spacing in [Spacing::Constant, Spacing::Poisson] {
            let mut last = Duration::ZERO;
            for time in schedule(&curve, spacing, 0, 1, load) {
                prop_assert!(last <= time && time < load);
                last = time;
            }
        }
        let arrival = Arrival::Varying { curve: curve.clone(), spacing: Spacing::Constant };
        let mass = records_per_s(&arrival, load).unwrap() * load.as_secs_f64();
        let count = schedule(&curve, Spacing::Constant, 0, 1, load).count() as f64;
        prop_assert!((count - mass).abs() <= 1.0 + 1e-6, "{} {}", count, mass);
    }
}
