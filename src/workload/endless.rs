//! Keys of which new ones come as long as records do: how long their numbers are, and how unevenly records fall on them.

use super::shares::Band;
use crate::scenario::model::KeyChoice;

/// At so many points of the load keys are looked at.
const POINTS: u32 = 64;

/// What is known of the keys of a load.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Endless {
    /// Digits of their numbers, the mean over records.
    pub(super) digits: f64,
    /// The sum over keys of their squared shares of the records: how often two records have one key. Of `latest` an upper
    /// bound, a few percent too high.
    pub(super) squares: f64,
}

impl Endless {
    /// Of so many records of so many workers. Choices that have an end count as keys that never come twice.
    pub(super) fn of(choice: &KeyChoice, records: f64, workers: u32) -> Self {
        let records = records.max(1.0);
        let choice = match choice {
            KeyChoice::Salted { of, .. } => of,
            other => other,
        };
        match *choice {
            KeyChoice::Latest {
                population,
                exponent,
                new_share,
            } => {
                let workers = f64::from(workers.max(1));
                let ages = Band::power(population.max(1), exponent);
                // Each worker has keys of its own.
                let each = Latest {
                    ages: &ages,
                    new_share,
                    records: (records / workers).max(1.0),
                };
                Self {
                    digits: each.digits(workers),
                    squares: each.squares() / workers,
                }
            }
            _ => Self {
                digits: mean_digits(0, records as u64),
                squares: 1.0 / records,
            },
        }
    }
}

/// The newest keys of one worker.
struct Latest<'a> {
    /// How often a key is drawn by its age, 0 for the newest.
    ages: &'a Band,
    new_share: f64,
    records: f64,
}

impl Latest<'_> {
    /// The mean digits of a key's number over the load: key `k` of a worker is about `k * workers`.
    fn digits(&self, workers: f64) -> f64 {
        let at = |point: u32| {
            let elapsed = (f64::from(point) + 0.5) / f64::from(POINTS);
            let newest = (self.ages.end - 1) as f64 + self.new_share * self.records * elapsed;
            let of_newest = digits_of(newest * workers);
            let mut mean = self.new_share * of_newest;
            // Ages from which on numbers have one digit less, from the newest on.
            let (mut from, mut digits) = (0, of_newest);
            while from < self.ages.end {
                let least = if digits > 1.0 {
                    10f64.powf(digits - 1.0)
                } else {
                    0.0
                };
                let oldest = (newest - (least / workers).ceil()).max(-1.0) + 1.0;
                let until = (oldest as u64).clamp(from, self.ages.end);
                let until = if digits > 1.0 { until } else { self.ages.end };
                mean += (1.0 - self.new_share) * self.ages.mass(from, until) * digits;
                from = until;
                digits -= 1.0;
            }
            mean
        };
        (0..POINTS).map(at).sum::<f64>() / f64::from(POINTS)
    }

    /// The sum of the squared shares: of the keys that are there at first, each of which ages as new ones come, and of the new
    /// ones, which are drawn once at their birth.
    fn squares(&self) -> f64 {
        let came = self.new_share * self.records;
        let drawn = 1.0 - self.new_share;
        // What is drawn of a key while it grows from one age to another, per record.
        let while_ageing = |from: u64| {
            if came < 1.0 {
                drawn * self.ages.share(from)
            } else {
                let until = from.saturating_add(came as u64);
                drawn * self.ages.mass(from, until) / came
            }
        };
        let (mut from, mut sum) = (0, 0.0);
        while from < self.ages.end {
            // Older keys have less: the youngest of a block stands for it.
            let until = (from + 1 + from / 32).min(self.ages.end);
            sum += (until - from) as f64 * while_ageing(from).powi(2);
            from = until;
        }
        let of_new = |point: u32| {
            let left = 1.0 - (f64::from(point) + 0.5) / f64::from(POINTS);
            let aged = self.ages.mass(0, ((came * left) as u64).max(1));
            let share = (1.0 + drawn * aged / self.new_share.max(f64::MIN_POSITIVE)) / self.records;
            share.powi(2)
        };
        if came >= 1.0 {
            sum += came * (0..POINTS).map(of_new).sum::<f64>() / f64::from(POINTS);
        }
        sum
    }
}

/// The mean number of digits of the numbers `first..end`; of `first` where there is none.
pub(super) fn mean_digits(first: u64, end: u64) -> f64 {
    let end = end.max(first.saturating_add(1));
    let (mut at, mut sum) = (first, 0.0);
    while at < end {
        let digits = at.checked_ilog10().unwrap_or(0) + 1;
        let until = 10u64.checked_pow(digits).unwrap_or(u64::MAX).min(end);
        sum += (until - at) as f64 * f64::from(digits);
        at = until;
    }
    sum / (end - first) as f64
}

fn digits_of(number: f64) -> f64 {
    f64::from((number.max(0.0) as u64).checked_ilog10().unwrap_or(0) + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::base::rng;
    use crate::scenario::model::Keys;
    use crate::workload::KeyGenerator;

    #[test]
    fn lengths_and_squares_are_those_of_the_keys_that_are_drawn() {
        let latest = |population, exponent, new_share| KeyChoice::Latest {
            population,
            exponent,
            new_share,
        };
        for (choice, workers, records) in [
            (KeyChoice::Unique, 1u32, 12_345u64),
            (KeyChoice::Unique, 3, 60_000),
            (latest(100, 1.0, 0.1), 1, 60_000),
            (latest(100, 1.0, 0.1), 4, 60_000),
            (latest(5_000, 0.7, 0.01), 2, 60_000),
            (latest(1, 1.0, 0.5), 1, 30_000),
            (latest(2_000, 1.1, 0.0), 1, 60_000),
        ] {
            let keys = Keys {
                choice: choice.clone(),
                format: (String::new(), String::new()),
            };
            let mut counts: HashMap<u64, f64> = HashMap::new();
            let mut digits = 0.0;
            for worker in 0..workers {
                let rng = rng::generator(5, "test", worker, "keys");
                let mut source = KeyGenerator::new(&keys, worker, workers, rng);
                for _ in 0..records / u64::from(workers) {
                    let number = source.next();
                    digits += number.to_string().len() as f64;
                    *counts.entry(number).or_default() += 1.0;
                }
            }
            let said = Endless::of(&choice, records as f64, workers);
            let drawn = digits / records as f64;
            assert!(
                (said.digits - drawn).abs() < 0.02,
                "{choice:?}: {said:?} {drawn}"
            );
            // Counted squares have those of a Poisson process in them: one more for each record.
            let counted: f64 = counts.values().map(|count| count * (count - 1.0)).sum();
            let squares = counted / (records as f64).powi(2);
            let unique = choice == KeyChoice::Unique;
            let expected = if unique {
                said.squares - 1.0 / records as f64
            } else {
                said.squares
            };
            let near = expected >= squares * 0.9 && expected <= squares * 1.25 + 1e-4;
            assert!(near, "{choice:?}: {said:?} {squares}");
        }
    }

    #[test]
    fn digits_are_counted_over_every_power_of_ten() {
        assert!((mean_digits(0, 100) - 1.9).abs() < 1e-12);
        assert!((mean_digits(7, 7) - 1.0).abs() < 1e-12);
        assert!(mean_digits(0, u64::MAX) > 19.0);
    }
}
