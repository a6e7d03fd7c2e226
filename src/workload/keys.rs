//! Partition keys: which number is drawn. Every draw takes constant time.

use rand::RngExt as _;
use rand::distr::{Distribution as _, Uniform};
use rand_distr::StandardNormal;
use rand_distr::weighted::WeightedAliasIndex;

use std::sync::Arc;

use super::key_text::MIX_SHIFT;
use super::zipf::Zipf;
use crate::base::rng::Rng;
use crate::scenario::model::{KeyChoice, KeyTable, Keys};

/// Draws the key numbers of one worker. The heaviest key is 0.
#[derive(Clone, Debug)]
pub struct KeyGenerator {
    choice: Choice,
    rng: Rng,
}

#[derive(Clone, Debug)]
enum Choice {
    Uniform(Uniform<u64>),
    Zipf(Zipf),
    HotSet {
        hot_share: f64,
        hot: Uniform<u64>,
        cold: Uniform<u64>,
    },
    /// Every `step`th number, modulo `population`.
    Turns {
        next: u64,
        step: u64,
        population: u64,
    },
    Unique {
        next: u64,
        step: u64,
    },
    Single,
    /// Drawn again where it falls outside.
    Normal {
        mean: f64,
        sd: f64,
        population: f64,
    },
    Exponential {
        mean: f64,
        /// The share of the uncut law that lies within the population.
        within: f64,
        last: u64,
    },
    /// This worker's keys are `worker`, `worker + step`, and so on; the newest is number `newest` of them.
    Latest {
        age: Zipf,
        new_share: f64,
        newest: u64,
        worker: u64,
        step: u64,
    },
    Weighted(Box<WeightedAliasIndex<f64>>),
    Listed {
        table: Arc<KeyTable>,
        next: u64,
        step: u64,
    },
    Mix {
        parts: Vec<KeyGenerator>,
        weights: Box<WeightedAliasIndex<f64>>,
    },
    Salted {
        salt: u64,
        of: Box<KeyGenerator>,
    },
}

impl KeyGenerator {
    /// The generator of worker `worker` (from 0) of `workers`; they only matter to keys that are taken in turns.
    pub fn new(keys: &Keys, worker: u32, workers: u32, mut rng: Rng) -> Self {
        let (worker, workers) = (u64::from(worker), u64::from(workers.max(1)));
        let choice = match keys.choice {
            KeyChoice::Normal {
                population,
                mean,
                sd,
            } => Choice::Normal {
                mean,
                sd,
                population: population.max(1) as f64,
            },
            KeyChoice::Exponential { population, mean } => Choice::Exponential {
                mean,
                within: -(-(population.max(1) as f64) / mean).exp_m1(),
                last: population.saturating_sub(1),
            },
            KeyChoice::Latest {
                population,
                exponent,
                new_share,
            } => Choice::Latest {
                age: Zipf::new(population, exponent),
                new_share,
                newest: population.max(1) - 1,
                worker,
                step: workers,
            },
            KeyChoice::Listed(ref table) => {
                let shares = (0..table.population()).map(|number| table.share(number));
                match WeightedAliasIndex::new(shares.collect()) {
                    Ok(weights) if table.turns().is_none() => Choice::Weighted(Box::new(weights)),
                    _ => Choice::Listed {
                        table: Arc::clone(table),
                        next: worker,
                        step: workers,
                    },
                }
            }
            KeyChoice::Mix(ref parts) => {
                let weights = parts.iter().map(|(share, _)| *share).collect();
                match WeightedAliasIndex::new(weights) {
                    Ok(weights) => Choice::Mix {
                        parts: parts
                            .iter()
                            .map(|(_, keys)| {
                                Self::new(keys, worker as u32, workers as u32, split(&mut rng))
                            })
                            .collect(),
                        weights: Box::new(weights),
                    },
                    // No checked scenario holds shares that are all zero.
                    Err(_) => Choice::Single,
                }
            }
            KeyChoice::Salted { salt, ref of } => {
                let of = Keys {
                    choice: (**of).clone(),
                    format: keys.format.clone(),
                };
                Choice::Salted {
                    salt: salt.max(1),
                    of: Box::new(Self::new(
                        &of,
                        worker as u32,
                        workers as u32,
                        split(&mut rng),
                    )),
                }
            }
            KeyChoice::Uniform { population } => Choice::Uniform(numbers(0, population)),
            KeyChoice::Zipf {
                population,
                exponent,
            } => Choice::Zipf(Zipf::new(population, exponent)),
            KeyChoice::HotSet {
                hot_keys,
                hot_share,
                population,
            } => Choice::HotSet {
                hot_share,
                hot: numbers(0, hot_keys),
                cold: numbers(hot_keys, population),
            },
            KeyChoice::Sequential { population } => {
                let population = population.max(1);
                Choice::Turns {
                    next: worker % population,
                    step: workers % population,
                    population,
                }
            }
            KeyChoice::Unique => Choice::Unique {
                next: worker,
                step: workers,
            },
            KeyChoice::Single => Choice::Single,
        };
        Self { choice, rng }
    }

    /// The next key's number.
    #[expect(clippy::should_implement_trait, reason = "keys never end")]
    pub fn next(&mut self) -> u64 {
        match &mut self.choice {
            Choice::Uniform(numbers) => numbers.sample(&mut self.rng),
            Choice::Zipf(zipf) => zipf.draw(&mut self.rng) - 1,
            Choice::HotSet {
                hot_share,
                hot,
                cold,
            } => {
                let numbers = if self.rng.random::<f64>() < *hot_share {
                    hot
                } else {
                    cold
                };
                numbers.sample(&mut self.rng)
            }
            Choice::Turns {
                next,
                step,
                population,
            } => {
                let taken = *next;
                // The sum might not fit where the population is near 2^64.
                let before_wrap = *population - *step;
                *next = if taken < before_wrap {
                    taken + *step
                } else {
                    taken - before_wrap
                };
                taken
            }
            Choice::Unique { next, step } => {
                let taken = *next;
                *next = taken.wrapping_add(*step);
                taken
            }
            Choice::Single => 0,
            Choice::Normal {
                mean,
                sd,
                population,
            } => loop {
                let normal: f64 = StandardNormal.sample(&mut self.rng);
                let place = *mean + *sd * normal;
                if (0.0..*population).contains(&place) {
                    break place as u64;
                }
            },
            Choice::Exponential { mean, within, last } => {
                let place = -*mean * (-*within * self.rng.random::<f64>()).ln_1p();
                (place as u64).min(*last)
            }
            Choice::Latest {
                age,
                new_share,
                newest,
                worker,
                step,
            } => {
                let number = if self.rng.random::<f64>() < *new_share {
                    *newest += 1;
                    *newest
                } else {
                    newest.saturating_sub(age.draw(&mut self.rng) - 1)
                };
                number.wrapping_mul(*step).wrapping_add(*worker)
            }
            Choice::Weighted(weights) => weights.sample(&mut self.rng) as u64,
            Choice::Listed { table, next, step } => {
                let turns = table.turns().unwrap_or(&[]);
                let taken = *next;
                *next = next.wrapping_add(*step);
                let place = taken.checked_rem(turns.len() as u64).unwrap_or(0);
                turns.get(place as usize).map_or(0, |&number| number.into())
            }
            Choice::Mix { parts, weights } => {
                let part = weights.sample(&mut self.rng);
                (part as u64) << MIX_SHIFT | parts[part].next()
            }
            Choice::Salted { salt, of } => of.next() * *salt + self.rng.random_range(0..*salt),
        }
    }
}

/// A generator of its own for keys within keys.
fn split(rng: &mut Rng) -> Rng {
    use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};
    Rng::seed_from_u64(rng.next_u64())
}

/// The numbers from `first` to `end - 1`, or `first` alone if there are none.
fn numbers(first: u64, end: u64) -> Uniform<u64> {
    Uniform::new_inclusive(first, end.saturating_sub(1).max(first))
        .expect("the upper bound is at least the lower one")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::generator;
    use crate::kinesis::HashKey;
    use crate::workload::goodness::assert_fits;
    use crate::workload::{KeyHashes, KeyText};
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn keys(choice: KeyChoice) -> Keys {
        Keys {
            choice,
            format: ("key-".to_owned(), String::new()),
        }
    }

    fn drawn(choice: KeyChoice, worker: u32, workers: u32, count: usize) -> Vec<u64> {
        let rng = generator(11, "producers.web", worker, "keys");
        let mut generator = KeyGenerator::new(&keys(choice), worker, workers, rng);
        (0..count).map(|_| generator.next()).collect()
    }

    fn counts(numbers: &[u64], population: usize) -> Vec<u64> {
        let mut counts = vec![0; population];
        for &number in numbers {
            counts[number as usize] += 1;
        }
        counts
    }

    #[test]
    fn uniform_keys_are_equally_likely() {
        let numbers = drawn(KeyChoice::Uniform { population: 1_000 }, 0, 1, 200_000);
        assert_fits("uniform", &counts(&numbers, 1_000), &[0.001; 1_000]);
    }

    #[test]
    fn zipf_keys_are_numbered_by_rank_from_the_heaviest() {
        let choice = KeyChoice::Zipf {
            population: 10,
            exponent: 1.0,
        };
        let total: f64 = (1..=10).map(|k| 1.0 / f64::from(k)).sum();
        let shares: Vec<f64> = (1..=10).map(|k| 1.0 / f64::from(k) / total).collect();
        assert_fits("zipf", &counts(&drawn(choice, 0, 1, 200_000), 10), &shares);
    }

    #[test]
    fn the_hot_set_has_its_share_and_the_rest_is_even() {
        let choice = KeyChoice::HotSet {
            hot_keys: 3,
            hot_share: 0.4,
            population: 103,
        };
        let mut shares = vec![0.6 / 100.0; 103];
        shares[..3].fill(0.4 / 3.0);
        assert_fits(
            "hot set",
            &counts(&drawn(choice, 0, 1, 200_000), 103),
            &shares,
        );
        let only_hot = KeyChoice::HotSet {
            hot_keys: 1,
            hot_share: 1.0,
            population: 2,
        };
        assert_eq!(drawn(only_hot, 0, 1, 1_000), [0; 1_000]);
    }

    #[test]
    fn normal_and_exponential_keys_have_the_shares_of_their_laws() {
        for choice in [
            KeyChoice::Normal {
                population: 12,
                mean: 3.3,
                sd: 4.0,
            },
            KeyChoice::Exponential {
                population: 12,
                mean: 5.0,
            },
        ] {
            let bands = crate::workload::shares::bands(&choice);
            let shares: Vec<f64> = (0..12)
                .map(|number| bands.iter().map(|band| band.share(number)).sum())
                .collect();
            let what = format!("{choice:?}");
            assert_fits(&what, &counts(&drawn(choice, 0, 1, 200_000), 12), &shares);
        }
    }

    #[test]
    fn the_newest_keys_are_the_heaviest_and_new_ones_come_at_their_share() {
        let choice = KeyChoice::Latest {
            population: 100,
            exponent: 1.0,
            new_share: 0.1,
        };
        let numbers = drawn(choice, 1, 3, 100_000);
        assert!(numbers.iter().all(|number| number % 3 == 1));
        let (mut newest, mut new, mut ages) = (99, 0, [0u32; 100]);
        for number in numbers {
            let mine = number / 3;
            new += u32::from(mine > newest);
            newest = newest.max(mine);
            ages[(newest - mine) as usize] += 1;
        }
        assert!((9_600..10_400).contains(&new), "{new}");
        assert!(ages[0] > ages[1] && ages[1] > ages[5] && ages[5] > ages[90]);
    }

    #[test]
    fn keys_of_a_recording_come_in_its_order_whatever_the_workers() {
        let table = KeyTable::in_turns(&["b", "a", "b", "c"].map(str::to_owned));
        let choice = || KeyChoice::Listed(Arc::new(table.clone()));
        let texts = |worker, workers, count| -> Vec<&str> {
            let numbers = drawn(choice(), worker, workers, count);
            numbers.iter().map(|&number| table.text(number)).collect()
        };
        assert_eq!(texts(0, 1, 6), ["b", "a", "b", "c", "b", "a"]);
        assert_eq!(texts(1, 2, 3), ["a", "c", "a"]);
    }

    #[test]
    fn unique_keys_never_repeat_over_workers() {
        let mut seen = HashSet::new();
        for worker in 0..5 {
            for number in drawn(KeyChoice::Unique, worker, 5, 2_000) {
                assert!(seen.insert(number), "{number}");
            }
        }
        assert_eq!(seen.len(), 10_000);
    }

    #[test]
    fn sequential_workers_take_turns_and_begin_again_after_the_population() {
        let choice = || KeyChoice::Sequential { population: 5 };
        assert_eq!(drawn(choice(), 0, 1, 7), [0, 1, 2, 3, 4, 0, 1]);
        let workers: Vec<_> = (0..3).map(|worker| drawn(choice(), worker, 3, 4)).collect();
        let turns: Vec<_> = (0..12).map(|turn| workers[turn % 3][turn / 3]).collect();
        assert_eq!(turns, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]);
        assert_eq!(drawn(KeyChoice::Single, 1, 3, 2), [0, 0]);
    }

    #[test]
    fn a_text_that_no_number_is_written_as_has_no_number() {
        let text = KeyText::new(&keys(KeyChoice::Single));
        assert_eq!(text.number("key-120"), Some(120));
        for other in [
            "key-",
            "key-007",
            "key-+1",
            "ke-1",
            "key-1x",
            "key-18446744073709551616",
        ] {
            assert_eq!(text.number(other), None, "{other}");
        }
    }

    #[test]
    fn choices_that_no_checked_scenario_holds_still_draw_without_a_panic() {
        assert_eq!(drawn(KeyChoice::Uniform { population: 0 }, 0, 1, 1), [0]);
        assert_eq!(drawn(KeyChoice::Sequential { population: 0 }, 0, 0, 1), [0]);
        let all_hot = KeyChoice::HotSet {
            hot_keys: 5,
            hot_share: 0.0,
            population: 5,
        };
        assert_eq!(drawn(all_hot, 0, 1, 1), [5]);
        let last = KeyChoice::Sequential {
            population: u64::MAX,
        };
        assert_eq!(drawn(last, 7, 9, 2), [7, 16]);
    }

    proptest! {
        #[test]
        fn a_key_hashes_as_it_is_written(prefix in "\\PC{0,40}", suffix in "\\PC{0,80}", number in any::<u64>()) {
            let text = KeyText::new(&Keys { choice: KeyChoice::Single, format: (prefix.clone(), suffix.clone()) });
            let mut written = String::from("x");
            text.write(number, &mut written);
            prop_assert_eq!(&written[1..], format!("{prefix}{number}{suffix}"));
            prop_assert_eq!(text.hash(number), HashKey::of_partition_key(&written[1..]));
            prop_assert_eq!(text.number(&written[1..]), Some(number));
            prop_assert_eq!(text.bytes(number), written.len() - 1);
        }

        #[test]
        fn remembered_hashes_are_the_hashes_whatever_shares_a_slot(numbers in prop::collection::vec(0u64..40, 1..200),
                population in 1u64..40) {
            let keys = keys(KeyChoice::Uniform { population });
            let text = KeyText::new(&keys);
            let mut hashes = KeyHashes::for_keys(&keys);
            for number in numbers {
                prop_assert_eq!(hashes.get(number), text.hash(number));
            }
        }
    }
}
