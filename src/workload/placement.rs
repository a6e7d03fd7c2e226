//! Where the keys of one choice fall: the heaviest by their MD5, the tail by the widths of the ranges.

use super::endless::{Endless, mean_digits};
use super::key_text::KeyText;
use super::shares::{Band, bands};
use crate::kinesis::{HashKey, HashKeyRange};
use crate::scenario::model::Keys;

/// How many records there are taken to be where that depends on the target: lengths of keys without end follow from it.
const RECORDS_UNKNOWN: f64 = 10_000_000.0;

/// Finds the shard of a hash key.
pub(super) struct ShardIndex<'a> {
    pub(super) ranges: &'a [HashKeyRange],
    /// Indices of the ranges, by where they begin.
    by_start: Vec<usize>,
}

impl<'a> ShardIndex<'a> {
    pub(super) fn new(ranges: &'a [HashKeyRange]) -> Self {
        let mut by_start: Vec<usize> = (0..ranges.len()).collect();
        by_start.sort_by_key(|&index| ranges[index].start);
        Self { ranges, by_start }
    }

    pub(super) fn find(&self, key: HashKey) -> Option<usize> {
        let after = self
            .by_start
            .partition_point(|&index| self.ranges[index].start <= key);
        let index = self.by_start[after.checked_sub(1)?];
        self.ranges[index].contains(key).then_some(index)
    }
}

/// Where the keys of one choice fall.
pub(super) struct Placement {
    pub(super) shards: Vec<Placed>,
    /// The share of the keys that were not hashed.
    pub(super) tail_share: f64,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Placed {
    pub(super) share: f64,
    /// The standard error of `share`.
    pub(super) share_error: f64,
    /// The sum over its keys of share times length.
    pub(super) key_bytes: f64,
    /// The sum over its keys of the squared shares: how often two records have one key.
    pub(super) squares: f64,
    /// The share of the records that have hash keys of their own.
    pub(super) explicit: f64,
    /// The sum over those of share times the length of the hash key as a number.
    pub(super) explicit_bytes: f64,
}

impl Placement {
    /// Where the keys of so many records fall, `None` where their number is not known. `workers` matters to keys that each
    /// worker has for itself.
    pub(super) fn of(
        keys: &Keys,
        shards: &ShardIndex<'_>,
        exact_keys: u64,
        records: Option<f64>,
        workers: u32,
    ) -> Self {
        let text = KeyText::new(keys);
        let mut placed = vec![Placed::default(); shards.ranges.len()];
        let mut tail = Tail::default();
        let mut left = exact_keys;
        let bands = bands(&keys.choice);
        let salt = text.salt();
        for band in &bands {
            let exact = (left / salt).min(band.end - band.first);
            left -= exact * salt;
            for number in (0..exact).map(|place| band.nth(place)) {
                let share = band.share(number) / salt as f64;
                for number in (0..salt).map(|with| number * salt + with) {
                    if let Some(index) = shards.find(text.hash(number)) {
                        placed[index].share += share;
                        placed[index].squares += share * share;
                        placed[index].key_bytes += share * text.bytes(number) as f64;
                        if let Some(explicit) = text.explicit_hash_key(number) {
                            let bytes = explicit.to_string().len();
                            placed[index].explicit += share;
                            placed[index].explicit_bytes += share * bytes as f64;
                        }
                    }
                }
            }
            tail.add(band, band.after(exact), &text);
        }
        if bands.is_empty() {
            let law = Endless::of(&keys.choice, records.unwrap_or(RECORDS_UNKNOWN), workers);
            tail.share = 1.0;
            // Of a number that is not known the error is not either.
            tail.squares = records.map_or(0.0, |_| law.squares / salt as f64);
            let around = text.bytes(0) as f64 - 1.0;
            let salts = (salt > 1).then(|| mean_digits(0, salt) - 1.0);
            tail.key_bytes = around + law.digits + salts.unwrap_or(0.0);
        }
        for (placed, range) in placed.iter_mut().zip(shards.ranges) {
            let width = range.share();
            placed.share += width * tail.share;
            placed.key_bytes += width * tail.key_bytes;
            placed.squares += width * tail.squares;
            // Each key of the tail falls into the range or not, on its own: a sum of Bernoulli variables, weighted by
            // the keys' shares. For equal shares this is the binomial standard error.
            placed.share_error = (width * (1.0 - width) * tail.squares).max(0.0).sqrt();
        }
        Self {
            shards: placed,
            tail_share: tail.share,
        }
    }
}

/// Keys that are too many to hash.
#[derive(Default)]
struct Tail {
    share: f64,
    /// The sum of their squared shares.
    squares: f64,
    key_bytes: f64,
}

impl Tail {
    /// Adds the keys of `band` with the numbers `first..end`.
    fn add(&mut self, band: &Band, (first, end): (u64, u64), text: &KeyText) {
        if first >= end {
            return;
        }
        let salt = text.salt();
        self.share += band.mass(first, end);
        self.squares += band.squares(first, end) / salt as f64;
        let mut at = first;
        while at < end {
            let longer = 10u64
                .checked_pow(at.checked_ilog10().unwrap_or(0) + 1)
                .unwrap_or(u64::MAX)
                .min(end);
            // All numbers of one length; of salts the largest stands for all.
            let bytes = text.bytes(at.saturating_mul(salt).saturating_add(salt - 1));
            self.key_bytes += band.mass(at, longer) * bytes as f64;
            at = longer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::model::KeyChoice;

    #[test]
    fn a_hash_key_is_found_in_ranges_of_any_order_and_not_in_a_gap() {
        let mut ranges = HashKeyRange::initial(4);
        ranges.remove(2);
        ranges.swap(0, 2);
        let index = ShardIndex::new(&ranges);
        for (at, range) in ranges.iter().enumerate() {
            assert_eq!(index.find(range.start), Some(at));
            assert_eq!(index.find(range.end), Some(at));
        }
        assert_eq!(index.find(HashKey(1 << 127)), None);
        assert_eq!(index.find(HashKey((3 << 126) - 1)), None);
        assert_eq!(index.find(HashKey(3 << 126)), Some(0));
    }

    #[test]
    fn the_lengths_of_a_tails_keys_are_counted_over_every_power_of_ten() {
        let keys = Keys {
            choice: KeyChoice::Zipf {
                population: 12_345,
                exponent: 0.7,
            },
            format: ("user/".to_owned(), "!".to_owned()),
        };
        let ranges = [HashKeyRange::FULL];
        let index = ShardIndex::new(&ranges);
        let exact = Placement::of(&keys, &index, u64::MAX, None, 1).shards[0];
        for exact_keys in [0, 5, 10, 99, 100, 12_344] {
            let placed = Placement::of(&keys, &index, exact_keys, None, 1);
            assert!((placed.shards[0].key_bytes - exact.key_bytes).abs() < 1e-9);
            assert!(placed.tail_share > 0.0);
        }
    }
}
