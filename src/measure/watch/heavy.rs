//! The keys with the most records, counted in bounded memory: Space-Saving (Metwally, Agrawal and El Abbadi, "Efficient
//! computation of frequent and top-k elements in data streams", 2005).
//!
//! With `k` counters and `n` records a count is never too low and at most `n / k` too high, and every key with more than
//! `n / k` records has a counter.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinesis::ShardId;

/// Counts keys.
#[derive(Debug)]
pub(super) struct SpaceSaving {
    counters: usize,
    places: BTreeMap<Box<str>, usize>,
    slots: Vec<Slot>,
    /// Counts with the places of their slots, the lowest first.
    by_count: BTreeSet<(u64, usize)>,
}

#[derive(Debug)]
struct Slot {
    key: Box<str>,
    count: u64,
    /// The count that the key before had, which this one may not have earned.
    error: u64,
    shard: ShardId,
}

/// A key and its count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Heavy {
    pub(super) key: String,
    pub(super) count: u64,
    pub(super) error: u64,
    pub(super) shard: ShardId,
}

impl SpaceSaving {
    /// With so many counters, at least one.
    pub(super) fn new(counters: usize) -> Self {
        Self {
            counters: counters.max(1),
            places: BTreeMap::new(),
            slots: Vec::new(),
            by_count: BTreeSet::new(),
        }
    }

    /// A record of `key` that lay in `shard`.
    pub(super) fn count(&mut self, key: &str, shard: ShardId) {
        let place = if let Some(&place) = self.places.get(key) {
            place
        } else if self.slots.len() < self.counters {
            self.places.insert(key.into(), self.slots.len());
            self.by_count.insert((0, self.slots.len()));
            self.slots.push(Slot {
                key: key.into(),
                count: 0,
                error: 0,
                shard,
            });
            self.slots.len() - 1
        } else {
            self.replace_lowest(key)
        };
        let slot = &mut self.slots[place];
        self.by_count.remove(&(slot.count, place));
        slot.count += 1;
        slot.shard = shard;
        self.by_count.insert((slot.count, place));
    }

    /// Gives the counter with the lowest count to `key`.
    fn replace_lowest(&mut self, key: &str) -> usize {
        let place = self.by_count.first().map_or(0, |&(_, place)| place);
        let slot = &mut self.slots[place];
        self.places.remove(&slot.key);
        slot.key = key.into();
        slot.error = slot.count;
        self.places.insert(key.into(), place);
        place
    }

    /// The most that any count is too high, and the most records that a key without a counter can have.
    pub(super) fn error_max(&self) -> u64 {
        if self.slots.len() < self.counters {
            return 0;
        }
        self.by_count.first().map_or(0, |&(count, _)| count)
    }

    /// The keys with the highest counts, equals in the order of their texts. Those of whose count half may be another key's
    /// are left out: none of them has more than twice [`Self::error_max`].
    pub(super) fn heaviest(&self, most: usize) -> Vec<Heavy> {
        let mut heavy: Vec<_> = self
            .slots
            .iter()
            .filter(|slot| slot.count > 2 * slot.error)
            .map(|slot| Heavy {
                key: slot.key.to_string(),
                count: slot.count,
                error: slot.error,
                shard: slot.shard,
            })
            .collect();
        heavy.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.key.cmp(&b.key)));
        heavy.truncate(most);
        heavy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shard(number: u32) -> ShardId {
        ShardId::new(number).unwrap()
    }

    #[test]
    fn few_keys_are_counted_exactly_with_the_shard_of_their_last_record() {
        let mut keys = SpaceSaving::new(4);
        for (key, number) in [("b", 1), ("a", 0), ("b", 1), ("c", 2), ("b", 3)] {
            keys.count(key, shard(number));
        }
        let heavy = keys.heaviest(2);
        let found: Vec<_> = heavy
            .iter()
            .map(|heavy| (&*heavy.key, heavy.count, heavy.error))
            .collect();
        assert_eq!(found, [("b", 3, 0), ("a", 1, 0)]);
        assert_eq!((heavy[0].shard, keys.error_max()), (shard(3), 0));
    }

    #[test]
    fn a_hot_key_among_a_million_is_found_with_its_share() {
        let mut keys = SpaceSaving::new(1_000);
        for number in 0..1_000_000u32 {
            if number % 20 == 0 {
                keys.count("hot", shard(0));
            } else {
                keys.count(&format!("cold-{number}"), shard(1));
            }
        }
        let heavy = keys.heaviest(10);
        assert_eq!((heavy.len(), &*heavy[0].key), (1, "hot"), "{heavy:?}");
        assert!((50_000..=51_000).contains(&heavy[0].count), "{heavy:?}");
        assert!(keys.error_max() <= 1_000);
    }

    proptest! {
        #[test]
        fn no_count_is_too_low_and_none_is_too_high_by_more_than_is_said(
            records in prop::collection::vec(0u8..40, 0..600), counters in 1usize..30,
        ) {
            let mut keys = SpaceSaving::new(counters);
            let mut truth = [0u64; 40];
            for &record in &records {
                keys.count(&record.to_string(), shard(0));
                truth[usize::from(record)] += 1;
            }
            let bound = records.len() as u64 / counters as u64;
            prop_assert!(keys.error_max() <= bound);
            for slot in &keys.slots {
                let really = truth[slot.key.parse::<usize>().unwrap()];
                prop_assert!(slot.count - slot.error <= really && really <= slot.count);
                prop_assert!(slot.error <= bound);
            }
            for (key, &really) in truth.iter().enumerate().filter(|(_, really)| **really > bound) {
                prop_assert!(keys.places.contains_key(&*key.to_string()), "{} of {}", really, bound);
            }
        }
    }
}
