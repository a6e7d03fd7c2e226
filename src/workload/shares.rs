//! Which share of the records each key has, before any is drawn.

use std::sync::Arc;

use super::sizes::normal_cdf;
use super::zipf::power_sum;
use crate::scenario::model::{KeyChoice, KeyTable};

/// Neighbouring key numbers whose shares follow one law. Shares never rise from one number to the next, or never fall where
/// the band is a rising one.
#[derive(Clone, PartialEq, Debug)]
pub struct Band {
    /// The first number.
    pub first: u64,
    /// One past the last number.
    pub end: u64,
    rising: bool,
    law: Law,
}

#[derive(Clone, PartialEq, Debug)]
enum Law {
    /// `scale / (k + 1)^exponent`, even where the exponent is zero.
    Power { exponent: f64, scale: f64 },
    /// The normal distribution between `k` and `k + 1`, times `scale`.
    Normal { mean: f64, sd: f64, scale: f64 },
    /// `scale * exp(-k / mean)`.
    Exponential { mean: f64, scale: f64 },
    /// As written.
    Listed(Arc<KeyTable>),
}

/// Ranges up to this are added one by one where a closed form is only near.
const ADDED: u64 = 10_000;

impl Band {
    /// The band of the numbers `first..end` that together have `mass` of the records.
    fn new(first: u64, end: u64, exponent: f64, mass: f64) -> Self {
        let scale = mass / power_sum(exponent, first + 1, end);
        Self {
            first,
            end,
            rising: false,
            law: Law::Power { exponent, scale },
        }
    }

    /// The band of `population` numbers, at least 1, with shares proportional to `1 / (k + 1)^exponent`.
    pub(super) fn power(population: u64, exponent: f64) -> Self {
        Self::new(0, population, exponent, 1.0)
    }

    /// The number at a place of the band, the heaviest at 0.
    pub const fn nth(&self, place: u64) -> u64 {
        if self.rising {
            self.end - 1 - place
        } else {
            self.first + place
        }
    }

    /// The numbers that are left after the first `places`.
    pub const fn after(&self, places: u64) -> (u64, u64) {
        if self.rising {
            (self.first, self.end - places)
        } else {
            (self.first + places, self.end)
        }
    }

    /// The share of one number, 0 to 1; zero outside the band.
    pub fn share(&self, number: u64) -> f64 {
        if !(self.first..self.end).contains(&number) {
            return 0.0;
        }
        match &self.law {
            Law::Power { exponent, scale } if *exponent == 0.0 => *scale,
            Law::Power { exponent, scale } => scale * (number as f64 + 1.0).powf(-exponent),
            Law::Normal { mean, sd, scale } => {
                let low = (number as f64 - mean) / sd;
                scale * normal_between(low, low + 1.0 / sd)
            }
            Law::Exponential { mean, scale } => scale * (-(number as f64) / mean).exp(),
            Law::Listed(table) => table.share(number),
        }
    }

    /// The share of the numbers of this band in `first..end` together.
    pub fn mass(&self, first: u64, end: u64) -> f64 {
        self.sum(first, end, 1)
    }

    /// The sum of the squared shares of the numbers of this band in `first..end`.
    pub fn squares(&self, first: u64, end: u64) -> f64 {
        self.sum(first, end, 2)
    }

    fn sum(&self, first: u64, end: u64, power: i32) -> f64 {
        let (first, end) = (first.max(self.first), end.min(self.end));
        if first >= end {
            return 0.0;
        }
        let of = f64::from(power);
        match &self.law {
            Law::Power { exponent, scale } => {
                scale.powi(power) * power_sum(exponent * of, first + 1, end)
            }
            Law::Normal { mean, sd, scale } if power == 1 => {
                scale * normal_between((first as f64 - mean) / sd, (end as f64 - mean) / sd)
            }
            // The integral of the squared density, itself a normal one: near where it changes little from key to key.
            Law::Normal { mean, sd, scale } if end - first > ADDED => {
                let narrow = std::f64::consts::SQRT_2 / sd;
                scale.powi(2) / (2.0 * sd * std::f64::consts::PI.sqrt())
                    * normal_between((first as f64 - mean) * narrow, (end as f64 - mean) * narrow)
            }
            Law::Exponential { mean, scale } => {
                let step = of / mean;
                scale.powi(power)
                    * (-step * first as f64).exp()
                    * (-step * (end - first) as f64).exp_m1()
                    / (-step).exp_m1()
            }
            Law::Normal { .. } | Law::Listed(_) => (first..end)
                .map(|number| self.share(number).powi(power))
                .sum(),
        }
    }
}

/// The standard normal distribution's share between two points, with its digits also far from zero.
fn normal_between(low: f64, high: f64) -> f64 {
    if low > 0.0 {
        normal_cdf(-low) - normal_cdf(-high)
    } else {
        normal_cdf(high) - normal_cdf(low)
    }
}

/// The bands of a choice of keys, the heaviest first, before salting. Empty for [`KeyChoice::Unique`] and
/// [`KeyChoice::Latest`], whose keys have no lasting share, and for [`KeyChoice::Mix`].
pub fn bands(choice: &KeyChoice) -> Vec<Band> {
    let mut bands = match choice.clone() {
        KeyChoice::Uniform { population } | KeyChoice::Sequential { population } => {
            vec![Band::new(0, population.max(1), 0.0, 1.0)]
        }
        KeyChoice::Zipf {
            population,
            exponent,
        } => vec![Band::new(0, population.max(1), exponent, 1.0)],
        KeyChoice::HotSet {
            hot_keys,
            hot_share,
            population,
        } => {
            let hot_keys = hot_keys.max(1);
            vec![
                Band::new(0, hot_keys, 0.0, hot_share),
                Band::new(
                    hot_keys,
                    population.max(hot_keys.saturating_add(1)),
                    0.0,
                    1.0 - hot_share,
                ),
            ]
        }
        KeyChoice::Single => vec![Band::new(0, 1, 0.0, 1.0)],
        // The heaviest of the newest do not stay so; each part of a mix is forecast by itself.
        KeyChoice::Unique | KeyChoice::Latest { .. } | KeyChoice::Mix(_) => Vec::new(),
        KeyChoice::Normal {
            population,
            mean,
            sd,
        } => {
            let end = population.max(1);
            let inside = normal_between(-mean / sd, (end as f64 - mean) / sd);
            let law = Law::Normal {
                mean,
                sd,
                scale: 1.0 / inside,
            };
            let middle = (mean as u64).min(end - 1);
            let band = |first, end, rising| Band {
                first,
                end,
                rising,
                law: law.clone(),
            };
            let mut both = vec![band(0, middle, true), band(middle, end, false)];
            both.retain(|band| band.first < band.end);
            both
        }
        KeyChoice::Exponential { population, mean } => {
            let end = population.max(1);
            vec![Band {
                first: 0,
                end,
                rising: false,
                law: Law::Exponential {
                    mean,
                    scale: (-1.0 / mean).exp_m1() / (-(end as f64) / mean).exp_m1(),
                },
            }]
        }
        KeyChoice::Listed(table) => vec![Band {
            first: 0,
            end: table.population(),
            rising: false,
            law: Law::Listed(table),
        }],
        KeyChoice::Salted { of, .. } => return bands(&of),
    };
    bands.sort_by(|a, b| b.share(b.nth(0)).total_cmp(&a.share(a.nth(0))));
    bands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(bands: &[Band], number: u64) -> f64 {
        bands.iter().map(|band| band.share(number)).sum()
    }

    #[test]
    fn shares_add_up_to_one_and_so_do_masses() {
        for choice in [
            KeyChoice::Uniform { population: 5_000 },
            KeyChoice::Zipf {
                population: 5_000,
                exponent: 1.2,
            },
            KeyChoice::HotSet {
                hot_keys: 7,
                hot_share: 0.4,
                population: 5_000,
            },
            KeyChoice::Sequential { population: 3 },
            KeyChoice::Normal {
                population: 5_000,
                mean: 1_200.5,
                sd: 700.0,
            },
            KeyChoice::Exponential {
                population: 5_000,
                mean: 800.0,
            },
            KeyChoice::Single,
        ] {
            let bands = bands(&choice);
            let added: f64 = (0..5_000).map(|number| share(&bands, number)).sum();
            assert!((added - 1.0).abs() < 1e-10, "{choice:?}: {added}");
            let mass: f64 = bands.iter().map(|band| band.mass(0, u64::MAX)).sum();
            assert!((mass - 1.0).abs() < 1e-12, "{choice:?}: {mass}");
            let (part, squares) = (2..4_000).fold((0.0, 0.0), |(part, squares), number| {
                let share = share(&bands, number);
                (part + share, squares + share * share)
            });
            let mass: f64 = bands.iter().map(|band| band.mass(2, 4_000)).sum();
            assert!((mass - part).abs() < 1e-10, "{choice:?}: {mass} {part}");
            let sum: f64 = bands.iter().map(|band| band.squares(2, 4_000)).sum();
            assert!((sum - squares).abs() < 1e-10, "{choice:?}: {sum} {squares}");
        }
    }

    #[test]
    fn the_heaviest_band_comes_first_even_where_the_hot_set_is_the_colder_one() {
        let choice = KeyChoice::HotSet {
            hot_keys: 900,
            hot_share: 0.1,
            population: 1_000,
        };
        let bands = bands(&choice);
        assert_eq!((bands[0].first, bands[1].first), (900, 0));
        assert!((share(&bands, 950) - 0.009).abs() < 1e-12);
    }
}
