//! Which share of the records each key has, before any is drawn.

use super::zipf::power_sum;
use crate::scenario::model::KeyChoice;

/// Neighbouring key numbers whose shares follow one law: number `k` has `scale / (k + 1)^exponent`, even where the
/// exponent is zero. Shares never rise within a band.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Band {
    /// The first number.
    pub first: u64,
    /// One past the last number.
    pub end: u64,
    exponent: f64,
    scale: f64,
}

impl Band {
    /// The band of the numbers `first..end` that together have `mass` of the records.
    fn new(first: u64, end: u64, exponent: f64, mass: f64) -> Self {
        let scale = mass / power_sum(exponent, first + 1, end);
        Self {
            first,
            end,
            exponent,
            scale,
        }
    }

    /// The share of one number, 0 to 1; zero outside the band.
    pub fn share(&self, number: u64) -> f64 {
        if !(self.first..self.end).contains(&number) {
            0.0
        } else if self.exponent == 0.0 {
            self.scale
        } else {
            self.scale * (number as f64 + 1.0).powf(-self.exponent)
        }
    }

    /// The share of the numbers of this band in `first..end` together.
    pub fn mass(&self, first: u64, end: u64) -> f64 {
        self.sum(first, end, 1.0)
    }

    /// The sum of the squared shares of the numbers of this band in `first..end`.
    pub fn squares(&self, first: u64, end: u64) -> f64 {
        self.sum(first, end, 2.0)
    }

    fn sum(&self, first: u64, end: u64, power: f64) -> f64 {
        let (first, end) = (first.max(self.first), end.min(self.end));
        if first >= end {
            return 0.0;
        }
        self.scale.powf(power) * power_sum(self.exponent * power, first + 1, end)
    }
}

/// The bands of a choice of keys, the heaviest first. Empty for [`KeyChoice::Unique`], whose keys have no share each.
pub fn bands(choice: &KeyChoice) -> Vec<Band> {
    let mut bands = match *choice {
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
        KeyChoice::Unique => Vec::new(),
    };
    bands.sort_by(|a, b| b.share(b.first).total_cmp(&a.share(a.first)));
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
