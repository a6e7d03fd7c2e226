//! How large records are.

use std::sync::Arc;

use rand::RngExt as _;
use rand::distr::{Distribution as _, Uniform};
use rand_distr::StandardNormal;

use crate::base::rng::Rng;
use crate::scenario::model::Size;

/// Draws the sizes of one worker's records.
#[derive(Clone, Debug)]
pub struct SizeGenerator {
    choice: Choice,
    rng: Rng,
}

#[derive(Clone, Debug)]
enum Choice {
    Fixed(u32),
    Uniform(Uniform<u32>),
    Normal {
        mean: f64,
        sigma: f64,
        min: f64,
        max: f64,
    },
    LogNormal {
        median: f64,
        sigma: f64,
        min: f64,
        max: f64,
    },
    Quantiles(Arc<[(f64, u64)]>),
    /// Every `step`th of recorded sizes.
    Trace {
        sizes: Arc<[u32]>,
        next: u64,
        step: u64,
    },
}

/// Sizes end far below 2^32: the service's largest record has 10 MiB.
fn bytes(size: u64) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The sizes from `min` to `max`, or `min` alone if that is above `max`.
fn sizes_between(min: u32, max: u32) -> Uniform<u32> {
    Uniform::new_inclusive(min, max.max(min)).expect("the upper bound is at least the lower one")
}

impl SizeGenerator {
    /// The sizes of worker `worker` (from 0) of `workers`, which only matter to sizes that are taken in turns; of the largest
    /// alone where each payload has its own.
    pub fn new(size: &Size, worker: u32, workers: u32, rng: Rng) -> Self {
        let choice = match *size {
            Size::Fixed { bytes: size } | Size::Natural { max: size, .. } => {
                Choice::Fixed(bytes(size))
            }
            Size::Uniform { min, max } => Choice::Uniform(sizes_between(bytes(min), bytes(max))),
            Size::Normal {
                mean,
                sigma,
                min,
                max,
            } => Choice::Normal {
                mean: mean as f64,
                sigma,
                min: min as f64,
                max: max.max(min) as f64,
            },
            Size::Quantiles { ref points } => Choice::Quantiles(Arc::clone(points)),
            Size::LogNormal {
                median,
                sigma,
                min,
                max,
            } => Choice::LogNormal {
                median: median as f64,
                sigma,
                min: min as f64,
                max: max.max(min) as f64,
            },
            Size::Trace { ref sizes } => Choice::Trace {
                sizes: Arc::clone(sizes),
                next: u64::from(worker),
                step: u64::from(workers.max(1)),
            },
        };
        Self { choice, rng }
    }

    /// The next record's bytes of data.
    #[expect(clippy::should_implement_trait, reason = "sizes never end")]
    pub fn next(&mut self) -> u32 {
        match &mut self.choice {
            Choice::Fixed(size) => *size,
            Choice::Uniform(sizes) => sizes.sample(&mut self.rng),
            Choice::Normal {
                mean,
                sigma,
                min,
                max,
            } => {
                let normal: f64 = StandardNormal.sample(&mut self.rng);
                (*mean + *sigma * normal).min(*max).max(*min).round() as u32
            }
            Choice::Quantiles(points) => {
                let share: f64 = self.rng.random();
                at_quantile(points, share).round() as u32
            }
            Choice::LogNormal {
                median,
                sigma,
                min,
                max,
            } => {
                let normal: f64 = StandardNormal.sample(&mut self.rng);
                // In this order an overflow to infinity ends at the upper cut.
                (*median * (*sigma * normal).exp())
                    .min(*max)
                    .max(*min)
                    .round() as u32
            }
            Choice::Trace { sizes, next, step } => {
                let taken = *next;
                *next = next.wrapping_add(*step);
                let place = taken.checked_rem(sizes.len() as u64).unwrap_or(0);
                sizes.get(place as usize).copied().unwrap_or(0)
            }
        }
    }
}

/// The size at a quantile, straight between the given ones.
fn at_quantile(points: &[(f64, u64)], share: f64) -> f64 {
    let after = points
        .partition_point(|(quantile, _)| *quantile <= share)
        .clamp(1, points.len().max(2) - 1);
    let [(low, from), (high, to)] = points[after - 1..=after] else {
        return points.first().map_or(0.0, |(_, size)| *size as f64);
    };
    let part = (share - low) / (high - low);
    from as f64 + part.clamp(0.0, 1.0) * (to as f64 - from as f64)
}

/// The mean of the sizes drawn, in bytes: exact for fixed and uniform sizes and for quantiles. For normal and log-normal
/// ones the closed form of the cut distribution, which leaves out the rounding to whole bytes: less than half a byte.
/// `None` where each payload has its own size.
pub fn mean_bytes(size: &Size) -> Option<f64> {
    Some(match *size {
        Size::Fixed { bytes } => bytes as f64,
        Size::Uniform { min, max } => f64::midpoint(min as f64, max as f64),
        Size::Normal {
            mean,
            sigma,
            min,
            max,
        } => {
            let (mean, min, max) = (mean as f64, min as f64, max.max(min) as f64);
            let (low, high) = ((min - mean) / sigma, (max - mean) / sigma);
            // E[Z; low < Z < high] = f(low) - f(high), with the density f of the normal distribution.
            let between = mean * (normal_cdf(high) - normal_cdf(low))
                + sigma * (normal_density(low) - normal_density(high));
            min * normal_cdf(low) + between + max * normal_cdf(-high)
        }
        Size::LogNormal {
            median,
            sigma,
            min,
            max,
        } => {
            let (median, min, max) = (median as f64, min as f64, max.max(min) as f64);
            let (low, high) = ((min / median).ln() / sigma, (max / median).ln() / sigma);
            // With X = median e^(sigma Z): E[X; low < Z < high] = median e^(sigma^2 / 2) (F(high - sigma) - F(low - sigma)).
            let between = median
                * (sigma * sigma / 2.0).exp()
                * (normal_cdf(high - sigma) - normal_cdf(low - sigma));
            min * normal_cdf(low) + between + max * normal_cdf(-high)
        }
        // The integral of the straight pieces. Rounding moves as much up as down.
        Size::Quantiles { ref points } => points
            .windows(2)
            .map(|ends| (ends[1].0 - ends[0].0) * f64::midpoint(ends[0].1 as f64, ends[1].1 as f64))
            .sum(),
        Size::Trace { ref sizes } => {
            let sum: f64 = sizes.iter().copied().map(f64::from).sum();
            sum / sizes.len().max(1) as f64
        }
        Size::Natural { .. } => return None,
    })
}

/// The share of the sizes drawn that are above `bytes`, 0 to 1; `None` where each payload has its own size.
pub fn share_above(size: &Size, bytes: u64) -> Option<f64> {
    // Draws are rounded to whole bytes: above `bytes` is what is drawn half a byte beyond it.
    let beyond = bytes as f64 + 0.5;
    Some(match *size {
        Size::Fixed { bytes: fixed } => f64::from(u8::from(fixed > bytes)),
        Size::Uniform { min, max } => {
            let above = max.saturating_sub(bytes.max(min.saturating_sub(1)));
            above as f64 / (max.saturating_sub(min) + 1) as f64
        }
        Size::Normal { min, max, .. } | Size::LogNormal { min, max, .. }
            if !(min..max.max(min)).contains(&bytes) =>
        {
            f64::from(u8::from(bytes < min))
        }
        Size::Normal { mean, sigma, .. } => normal_cdf((mean as f64 - beyond) / sigma),
        Size::LogNormal { median, sigma, .. } => normal_cdf(-(beyond / median as f64).ln() / sigma),
        Size::Quantiles { ref points } => points
            .windows(2)
            .map(|ends| {
                let (from, to) = (ends[0].1 as f64, ends[1].1 as f64);
                let above = if from >= to {
                    f64::from(u8::from(to > beyond))
                } else {
                    ((to - beyond) / (to - from)).clamp(0.0, 1.0)
                };
                (ends[1].0 - ends[0].0) * above
            })
            .sum(),
        Size::Trace { ref sizes } => {
            let above = sizes.iter().filter(|&&size| u64::from(size) > bytes);
            above.count() as f64 / sizes.len().max(1) as f64
        }
        Size::Natural { .. } => return None,
    })
}

/// The standard normal density.
fn normal_density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// The standard normal distribution function.
pub(super) fn normal_cdf(z: f64) -> f64 {
    libm::erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::generator;
    use crate::workload::goodness::assert_fits;

    fn drawn(size: &Size, count: usize) -> Vec<u32> {
        let mut sizes = SizeGenerator::new(size, 0, 1, generator(5, "producers.web", 0, "sizes"));
        (0..count).map(|_| sizes.next()).collect()
    }

    #[test]
    fn the_share_above_a_size_is_that_of_the_sizes_drawn() {
        for size in [
            Size::Fixed { bytes: 600 },
            Size::Uniform {
                min: 100,
                max: 1_099,
            },
            Size::LogNormal {
                median: 600,
                sigma: 0.5,
                min: 36,
                max: 1_500,
            },
            Size::Normal {
                mean: 700,
                sigma: 300.0,
                min: 36,
                max: 1_500,
            },
            stepped(),
        ] {
            let sizes = drawn(&size, 40_000);
            for bytes in [0, 99, 599, 600, 1_098, 1_499, 1_500, 9_999] {
                let above = sizes
                    .iter()
                    .filter(|&&size| u64::from(size) > bytes)
                    .count();
                let seen = above as f64 / sizes.len() as f64;
                let said = share_above(&size, bytes).unwrap();
                assert!(
                    (seen - said).abs() < 0.01,
                    "{size:?} above {bytes}: {seen}, not {said}"
                );
            }
        }
    }

    /// With a step, an atom and pieces of different slopes.
    fn stepped() -> Size {
        let points = [
            (0.0, 100),
            (0.25, 600),
            (0.5, 600),
            (0.9, 1_098),
            (1.0, 20_480),
        ];
        Size::Quantiles {
            points: points.into(),
        }
    }

    #[test]
    fn a_million_sizes_of_each_law_have_the_mean_that_is_forecast() {
        for size in [
            stepped(),
            Size::Normal {
                mean: 1_000,
                sigma: 250.0,
                min: 36,
                max: 2_500,
            },
            Size::Normal {
                mean: 1_000,
                sigma: 900.0,
                min: 900,
                max: 1_200,
            },
            Size::Normal {
                mean: 100,
                sigma: 1_000.0,
                min: 36,
                max: 1 << 20,
            },
            Size::LogNormal {
                median: 600,
                sigma: 1.0,
                min: 36,
                max: 3_000,
            },
            Size::Uniform {
                min: 36,
                max: 1_000,
            },
        ] {
            let sizes = drawn(&size, 1_000_000);
            let (mean, error) = mean_and_error(&sizes);
            let said = mean_bytes(&size).unwrap();
            assert!(
                (mean - said).abs() < 4.0 * error + 0.01,
                "{size:?}: {mean} +- {error}, not {said}"
            );
            let bounds = (
                u64::from(*sizes.iter().min().unwrap()),
                u64::from(*sizes.iter().max().unwrap()),
            );
            assert!(
                size.min_bytes() <= bounds.0 && bounds.1 <= size.max_bytes(),
                "{size:?}: {bounds:?}"
            );
        }
    }

    #[test]
    fn quantiles_are_met_and_straight_between_them() {
        let mut sizes = drawn(&stepped(), 200_000);
        sizes.sort_unstable();
        let at = |share: f64| f64::from(sizes[(share * sizes.len() as f64) as usize]);
        for (share, size, within) in [
            (0.125, 350.0, 10.0),
            (0.25, 600.0, 1.0),
            (0.4, 600.0, 0.1),
            (0.7, 849.0, 8.0),
            (0.95, 10_789.0, 300.0),
        ] {
            assert!((at(share) - size).abs() <= within, "{share}: {}", at(share));
        }
    }

    fn mean_and_error(sizes: &[u32]) -> (f64, f64) {
        let count = sizes.len() as f64;
        let mean = sizes.iter().map(|&size| f64::from(size)).sum::<f64>() / count;
        let squares: f64 = sizes
            .iter()
            .map(|&size| (f64::from(size) - mean).powi(2))
            .sum();
        (mean, (squares / count / count).sqrt())
    }

    #[test]
    fn recorded_sizes_come_in_their_order_and_are_divided_by_turns() {
        let size = Size::Trace {
            sizes: [40, 50, 60, 70, 80].into(),
        };
        let of = |worker, workers| {
            let rng = generator(5, "producers.web", worker, "sizes");
            let mut sizes = SizeGenerator::new(&size, worker, workers, rng);
            [sizes.next(), sizes.next(), sizes.next()]
        };
        assert_eq!((of(0, 1), of(1, 2)), ([40, 50, 60], [50, 70, 40]));
        assert!((mean_bytes(&size).unwrap() - 60.0).abs() < 1e-12);
        assert!((share_above(&size, 50).unwrap() - 0.6).abs() < 1e-12);
        assert_eq!((size.min_bytes(), size.max_bytes()), (40, 80));
    }

    #[test]
    fn fixed_and_uniform_sizes_are_what_they_say() {
        assert_eq!(drawn(&Size::Fixed { bytes: 600 }, 3), [600; 3]);
        let size = Size::Uniform { min: 100, max: 109 };
        let mut counts = [0; 10];
        for bytes in drawn(&size, 100_000) {
            counts[bytes as usize - 100] += 1;
        }
        assert_fits("uniform", &counts, &[0.1; 10]);
        assert!((mean_bytes(&size).unwrap() - 104.5).abs() < 1e-12);
    }

    #[test]
    fn log_normal_sizes_meet_their_median_sigma_and_cuts() {
        let size = Size::LogNormal {
            median: 600,
            sigma: 0.5,
            min: 200,
            max: 2_000,
        };
        let mut sizes = drawn(&size, 200_000);
        sizes.sort_unstable();
        let at = |share: f64| f64::from(sizes[(share * sizes.len() as f64) as usize]);
        assert!((at(0.5) - 600.0).abs() < 5.0, "{}", at(0.5));
        // One standard deviation up is a factor of e^sigma.
        assert!(
            (at(0.841_345) - 600.0 * 0.5f64.exp()).abs() < 10.0,
            "{}",
            at(0.841_345)
        );
        assert_eq!((sizes[0], sizes[sizes.len() - 1]), (200, 2_000));
        let cut = sizes.iter().filter(|&&size| size == 2_000).count() as f64;
        let expected = normal_cdf(-(2_000f64 / 600.0).ln() / 0.5) * sizes.len() as f64;
        assert!(
            (cut - expected).abs() < 5.0 * expected.sqrt(),
            "{cut} of {expected}"
        );
    }

    #[test]
    fn the_mean_of_cut_log_normal_sizes_is_the_mean_of_many_draws() {
        for (median, sigma, min, max) in [
            (600, 0.5, 36, 20_480),
            (600, 0.5, 500, 700),
            (600, 2.0, 36, 1 << 20),
            (600, 1.0, 1_000, 5_000),
            (600, 1.0, 36, 300),
        ] {
            let size = Size::LogNormal {
                median,
                sigma,
                min,
                max,
            };
            let (mean, error) = mean_and_error(&drawn(&size, 200_000));
            let expected = mean_bytes(&size).unwrap();
            assert!(
                (mean - expected).abs() < 4.0 * error + 0.01,
                "{size:?}: {mean} for {expected}"
            );
        }
    }

    #[test]
    fn an_absurd_spread_ends_at_the_cuts() {
        let size = Size::LogNormal {
            median: 600,
            sigma: 1e6,
            min: 36,
            max: 1_000,
        };
        let sizes = drawn(&size, 1_000);
        assert!(sizes.iter().all(|size| [36, 1_000].contains(size)));
        assert!(
            SizeGenerator::new(
                &Size::Uniform { min: 9, max: 3 },
                0,
                1,
                generator(1, "p", 0, "sizes")
            )
            .next()
                == 9
        );
    }
}
