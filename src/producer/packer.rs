//! Packing records of one shard into one Kinesis record, as the KPL does.
//!
//! One bundle per shard that records are predicted to fall into. It goes when the next record would not fit, when it has
//! all the records that it may have, or when its first record has lingered.

use std::collections::{BTreeMap, HashMap};

use crate::base::Timestamp;
use crate::kinesis::aggregate::{AggregateSize, Place};
use crate::kinesis::{HashKey, ShardId};
use crate::scenario::model::Aggregate;

use super::entry::Entry;
use super::queue::Item;

/// The bundles that are being filled.
#[derive(Debug)]
pub(super) struct Packer {
    settings: Aggregate,
    /// No bundle is empty.
    bundles: BTreeMap<ShardId, Bundle>,
    records: usize,
}

/// Records that will be one.
#[derive(Debug)]
struct Bundle {
    items: Vec<Item>,
    size: AggregateSize,
    /// Places of keys in the tables of the packed record, by number. Only looked up.
    keys: HashMap<u64, u64>,
    hash_keys: HashMap<HashKey, u64>,
    due: Timestamp,
}

impl Packer {
    pub(super) const fn new(settings: Aggregate) -> Self {
        Self {
            settings,
            bundles: BTreeMap::new(),
            records: 0,
        }
    }

    /// How many records wait here.
    pub(super) const fn len(&self) -> usize {
        self.records
    }

    /// Adds a record that is predicted to fall into `shard`; gives what is full by that, in order.
    pub(super) fn add(&mut self, shard: ShardId, item: Item) -> [Option<Entry>; 2] {
        let now = item.queued;
        let mut full = [None, None];
        if self
            .bundles
            .get(&shard)
            .is_some_and(|bundle| bundle.size_with(&item).bytes() as u64 > self.settings.max_bytes)
        {
            full[0] = self.take(shard, now);
        }
        // What is sent again has waited already (the KPL's retrier).
        let linger = self.settings.linger / if item.attempts > 0 { 2 } else { 1 };
        let due = now.plus(linger);
        let bundle = self.bundles.entry(shard).or_insert_with(Bundle::new);
        bundle.due = bundle.due.min(due);
        bundle.push(item);
        self.records += 1;
        if bundle.items.len() >= self.settings.max_records as usize
            || bundle.size.bytes() as u64 > self.settings.max_bytes
        {
            full[1] = self.take(shard, now);
        }
        full
    }

    /// A bundle that has lingered, if there is one.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<Entry> {
        let mut due = self.bundles.iter().filter(|(_, bundle)| bundle.due <= now);
        let shard = *due.next()?.0;
        self.take(shard, now)
    }

    /// When the next bundle has lingered.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.bundles.values().map(|bundle| bundle.due).min()
    }

    fn take(&mut self, shard: ShardId, now: Timestamp) -> Option<Entry> {
        let bundle = self.bundles.remove(&shard)?;
        self.records -= bundle.items.len();
        Entry::of(bundle.items, bundle.size.bytes() as u64, now)
    }

    /// Takes everything.
    pub(super) fn drain(&mut self) -> Vec<Item> {
        self.records = 0;
        let bundles = std::mem::take(&mut self.bundles).into_values();
        bundles.flat_map(|bundle| bundle.items).collect()
    }
}

impl Bundle {
    fn new() -> Self {
        Self {
            items: Vec::new(),
            size: AggregateSize::default(),
            keys: HashMap::new(),
            hash_keys: HashMap::new(),
            due: Timestamp::MAX,
        }
    }

    fn size_with(&self, item: &Item) -> AggregateSize {
        let key = Place {
            index: *self
                .keys
                .get(&item.plan.key)
                .unwrap_or(&(self.keys.len() as u64)),
            new_bytes: (!self.keys.contains_key(&item.plan.key)).then_some(item.key_bytes as usize),
        };
        let hash_key = item.explicit_hash_key().map(|hash_key| Place {
            index: *self
                .hash_keys
                .get(&hash_key)
                .unwrap_or(&(self.hash_keys.len() as u64)),
            new_bytes: (!self.hash_keys.contains_key(&hash_key))
                .then(|| decimal_digits(hash_key.0)),
        });
        self.size.with(key, hash_key, item.plan.size as usize)
    }

    fn push(&mut self, item: Item) {
        self.size = self.size_with(&item);
        let next = self.keys.len() as u64;
        self.keys.entry(item.plan.key).or_insert(next);
        if let Some(hash_key) = item.explicit_hash_key() {
            let next = self.hash_keys.len() as u64;
            self.hash_keys.entry(hash_key).or_insert(next);
        }
        self.items.push(item);
    }
}

const fn decimal_digits(number: u128) -> usize {
    match number.checked_ilog10() {
        Some(log) => log as usize + 1,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::producer::queue::tests::item;

    fn shard(number: u32) -> ShardId {
        ShardId::new(number).unwrap()
    }

    fn packer(max_records: u32, max_bytes: u64) -> Packer {
        Packer::new(Aggregate {
            max_records,
            max_bytes,
            linger: Duration::from_millis(100),
        })
    }

    fn lens(full: &[Option<Entry>; 2]) -> [Option<usize>; 2] {
        [0, 1].map(|at| full[at].as_ref().map(Entry::len))
    }

    #[test]
    fn a_bundle_goes_when_it_has_all_its_records_and_shards_do_not_mix() {
        let mut packer = packer(2, 50_000);
        assert_eq!(lens(&packer.add(shard(0), item(0, 100))), [None, None]);
        assert_eq!(lens(&packer.add(shard(1), item(1, 100))), [None, None]);
        assert_eq!(packer.len(), 2);
        let full = packer.add(shard(0), item(2, 100));
        let sequences = |entry: &Entry| entry.items().iter().map(|i| i.plan.sequence).collect();
        let numbers: Vec<u64> = full[1].as_ref().map(sequences).unwrap();
        assert_eq!((numbers, packer.len()), (vec![0, 2], 1));
    }

    #[test]
    fn the_next_record_does_not_push_a_bundle_beyond_its_bytes_and_a_large_one_goes_alone() {
        let mut packer = packer(1_000, 1_000);
        let (mut packed, mut sent) = (Vec::new(), 0);
        for sequence in 0..50 {
            let size = if sequence == 30 { 5_000 } else { 100 };
            for entry in packer
                .add(shard(0), item(sequence, size))
                .into_iter()
                .flatten()
            {
                sent += entry.len();
                packed.push((entry.len(), entry.billed_bytes()));
            }
        }
        assert_eq!(sent + packer.len(), 50);
        for &(records, bytes) in &packed {
            assert!(bytes <= 1_001 || records == 1, "{packed:?}");
        }
        assert!(packed.contains(&(1, 5_005)), "{packed:?}");
        assert!(packed.iter().filter(|(records, _)| *records == 9).count() >= 4);
    }

    #[test]
    fn a_bundle_lingers_from_its_first_record_and_half_as_long_for_one_that_is_sent_again() {
        let mut packer = packer(1_000, 50_000);
        let at = |ms: u64| Timestamp::from_millis(1_000 + ms);
        packer.add(
            shard(0),
            Item {
                queued: at(0),
                ..item(0, 100)
            },
        );
        packer.add(
            shard(0),
            Item {
                queued: at(30),
                ..item(1, 100)
            },
        );
        assert_eq!(packer.next_due(), Some(at(100)));
        assert!(packer.take_due(at(99)).is_none());
        let again = Item {
            queued: at(40),
            attempts: 1,
            ..item(2, 100)
        };
        packer.add(shard(0), again);
        assert_eq!(packer.next_due(), Some(at(90)));
        assert_eq!(packer.take_due(at(90)).map(|entry| entry.len()), Some(3));
        assert_eq!((packer.next_due(), packer.len()), (None, 0));
    }
}
