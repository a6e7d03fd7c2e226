//! Partition keys: which number, its text, and where it falls.

use rand::RngExt as _;
use rand::distr::{Distribution as _, Uniform};

use super::zipf::Zipf;
use crate::base::rng::Rng;
use crate::kinesis::HashKey;
use crate::scenario::model::{KeyChoice, Keys};

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
}

impl KeyGenerator {
    /// The generator of worker `worker` (from 0) of `workers`; they only matter to keys that are taken in turns.
    pub fn new(keys: &Keys, worker: u32, workers: u32, rng: Rng) -> Self {
        let (worker, workers) = (u64::from(worker), u64::from(workers.max(1)));
        let choice = match keys.choice {
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
        }
    }
}

/// The numbers from `first` to `end - 1`, or `first` alone if there are none.
fn numbers(first: u64, end: u64) -> Uniform<u64> {
    Uniform::new_inclusive(first, end.saturating_sub(1).max(first))
        .expect("the upper bound is at least the lower one")
}

/// Shows key numbers as partition keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyText {
    prefix: Box<str>,
    suffix: Box<str>,
}

impl KeyText {
    /// The text around the numbers, from [`Keys::format`].
    pub fn new(keys: &Keys) -> Self {
        Self {
            prefix: keys.format.0.as_str().into(),
            suffix: keys.format.1.as_str().into(),
        }
    }

    /// Appends the partition key of this number.
    pub fn write(&self, number: u64, out: &mut String) {
        out.push_str(&self.prefix);
        out.push_str(itoa::Buffer::new().format(number));
        out.push_str(&self.suffix);
    }

    /// The number whose partition key this is, if it is one.
    pub fn number(&self, key: &str) -> Option<u64> {
        let digits = key
            .strip_prefix(&*self.prefix)?
            .strip_suffix(&*self.suffix)?;
        let plain = digits.bytes().all(|digit| digit.is_ascii_digit())
            && (digits == "0" || !digits.starts_with('0'));
        plain.then(|| digits.parse().ok())?
    }

    /// Where the partition key of this number falls.
    pub fn hash(&self, number: u64) -> HashKey {
        let mut digits = itoa::Buffer::new();
        HashKey::of_partition_key_parts(&[&self.prefix, digits.format(number), &self.suffix])
    }

    /// The length in bytes of a partition key whose number has so many digits.
    pub const fn bytes(&self, digits: u32) -> usize {
        self.prefix.len() + digits as usize + self.suffix.len()
    }
}

/// Remembers where keys fall: MD5 is what costs most in drawing a record. Direct-mapped, so that the keys of any
/// population of up to [`KeyHashes::SLOTS`], and the heaviest ones of a larger Zipf law, are hashed once.
#[derive(Clone, Debug)]
pub struct KeyHashes {
    text: KeyText,
    numbers: Box<[u64]>,
    hashes: Box<[HashKey]>,
}

impl KeyHashes {
    /// The most keys remembered; 24 bytes each.
    pub const SLOTS: u64 = 1 << 16;

    /// A memory of [`Self::SLOTS`] keys.
    pub fn new(text: KeyText) -> Self {
        Self::with_slots(text, Self::SLOTS)
    }

    /// A memory just large enough for the keys of this choice, as far as remembering them helps.
    pub fn for_keys(keys: &Keys) -> Self {
        let slots = match keys.choice {
            // Each number is gone before its turn comes again.
            KeyChoice::Unique | KeyChoice::Single => 1,
            KeyChoice::Sequential { population } if population > Self::SLOTS => 1,
            KeyChoice::Uniform { population }
            | KeyChoice::Zipf { population, .. }
            | KeyChoice::HotSet { population, .. }
            | KeyChoice::Sequential { population } => population,
        };
        Self::with_slots(KeyText::new(keys), slots)
    }

    fn with_slots(text: KeyText, slots: u64) -> Self {
        let slots = slots.clamp(1, Self::SLOTS).next_power_of_two() as usize;
        // Number 0 is in every slot, true wherever it is found: only slot 0 is ever asked for it.
        let hashes = vec![text.hash(0); slots].into();
        Self {
            text,
            numbers: vec![0; slots].into(),
            hashes,
        }
    }

    /// Where the key with this number falls.
    pub fn get(&mut self, number: u64) -> HashKey {
        let slot = (number & (self.numbers.len() as u64 - 1)) as usize;
        if self.numbers[slot] != number {
            self.numbers[slot] = number;
            self.hashes[slot] = self.text.hash(number);
        }
        self.hashes[slot]
    }

    /// How keys are shown.
    pub const fn text(&self) -> &KeyText {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::generator;
    use crate::workload::goodness::assert_fits;
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
            let digits = number.checked_ilog10().unwrap_or(0) + 1;
            prop_assert_eq!(text.bytes(digits), written.len() - 1);
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
