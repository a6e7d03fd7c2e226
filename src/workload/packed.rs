//! What packing makes of a producer's records in a shard, whatever mix their keys are of.

use super::placement::Placed;
use crate::kinesis::aggregate::{self, AggregateSize, FRAME_BYTES, Place};
use crate::scenario::model::Aggregate;

/// Sizes that deviate by more, in means, are not taken for normal.
const DEVIATION_MAX: f64 = 0.5;

/// How a producer packs its records.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Packing {
    settings: Aggregate,
    /// Records per second of each worker, if it has a rate.
    worker_per_s: Option<f64>,
    /// The standard deviation of the records' sizes.
    deviation_bytes: f64,
}

/// The records of a producer in a shard: sums over its keys, each weighted by the key's share of the producer's records.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Each {
    share: f64,
    data_bytes: f64,
    key_bytes: f64,
    /// The share of those that have hash keys of their own, and their bytes, numbers in decimal digits.
    explicit: [f64; 2],
    /// Of each kind of key in the mix its share, and the sum of its keys' squared shares.
    kinds: Vec<[f64; 2]>,
}

impl Each {
    /// Adds a kind of key that `weight` of the producer's records have: where they fall, and their bytes of data.
    pub(super) fn add(&mut self, weight: f64, placed: &Placed, data_bytes: f64) {
        if placed.share <= 0.0 {
            return;
        }
        self.share += weight * placed.share;
        self.data_bytes += weight * data_bytes;
        self.key_bytes += weight * placed.key_bytes;
        self.explicit[0] += weight * placed.explicit;
        self.explicit[1] += weight * placed.explicit_bytes;
        self.kinds
            .push([weight * placed.share, weight * weight * placed.squares]);
    }

    /// The share of the producer's records that fall here, 0 to 1.
    pub(super) const fn share(&self) -> f64 {
        self.share
    }

    /// The mean of a sum.
    fn mean(&self, sum: f64) -> f64 {
        sum / self.share.max(f64::MIN_POSITIVE)
    }

    /// How many different keys so many records have, about: of each kind as drawn from as many keys of equal weight as give
    /// two records the same key as often.
    fn different_keys(&self, records: f64) -> f64 {
        let of_kind = |&[share, squares]: &[f64; 2]| {
            let records = records * self.mean(share);
            if squares <= 0.0 {
                return records;
            }
            let keys = (share * share / squares).max(1.0);
            -keys * (records * (-1.0 / keys).ln_1p()).exp_m1()
        };
        self.kinds.iter().map(of_kind).sum()
    }

    /// Bytes of the data of an aggregate of so many records, about: the frame, each different key once in the table, and
    /// each record with its tags, its lengths and the index of a key from the middle of the table. All records have the
    /// mean sizes. Explicit hash keys have a table of their own, with one for each different key.
    fn packed_bytes(&self, records: f64) -> f64 {
        let different = self.different_keys(records);
        let with = |new_bytes, data_bytes| {
            let index = (different / 2.0) as u64;
            let size = AggregateSize::default().with(Place { index, new_bytes }, None, data_bytes);
            (size.bytes() - FRAME_BYTES) as f64
        };
        let (data_bytes, key_bytes) = (self.mean(self.data_bytes), self.mean(self.key_bytes));
        let (data, key) = (data_bytes.round(), key_bytes.round());
        let record = with(None, data as usize);
        let of_key = with(Some(key as usize), data as usize) - record;
        FRAME_BYTES as f64
            + records * (record - data + data_bytes)
            + different * (of_key - key + key_bytes)
            + self.mean(self.explicit[0]).min(1.0) * self.packed_explicit(records, different)
    }

    /// What explicit hash keys add where every record has one: an index in each, and the table.
    fn packed_explicit(&self, records: f64, different: f64) -> f64 {
        let index = (different / 2.0) as u64;
        let bytes = |explicit| {
            let key = Place {
                index: 0,
                new_bytes: None,
            };
            AggregateSize::default().with(key, explicit, 0).bytes() as f64
        };
        let place = |new_bytes| Some(Place { index, new_bytes });
        let mean = self.explicit[1] / self.explicit[0].max(f64::MIN_POSITIVE);
        let text = mean.round();
        let of_record = bytes(place(None)) - bytes(None);
        let of_key = bytes(place(Some(text as usize))) - bytes(place(None));
        records * of_record + different * (of_key - text + mean)
    }

    /// Bytes of data and key of the Kinesis record that holds so many records: a lone one goes as it is, others under the
    /// key of all aggregates. Between one and two it is either, in proportion.
    pub(super) fn sent_bytes(&self, records: f64) -> f64 {
        let packed =
            |records: f64| self.packed_bytes(records) + aggregate::PARTITION_KEY.len() as f64;
        let pairs = (records - 1.0).clamp(0.0, 1.0);
        (1.0 - pairs) * self.mean(self.data_bytes + self.key_bytes)
            + pairs * packed(records.max(2.0))
    }
}

impl Packing {
    /// By these settings, of so many records per second of each worker, whose sizes have this standard deviation.
    pub(super) const fn new(
        settings: Aggregate,
        worker_per_s: Option<f64>,
        deviation_bytes: f64,
    ) -> Self {
        Self {
            settings,
            worker_per_s,
            deviation_bytes,
        }
    }

    /// How many records of a shard go into one on average.
    pub(super) fn records_of_one(&self, each: &Each) -> f64 {
        let most = self.most(each);
        // Without a rate it is full.
        let come = |per_s: f64| self.lingered(per_s, each.share);
        self.worker_per_s.map_or(most, come).min(most)
    }

    /// The first one and what comes to a shard with this share of a worker's rate while it lingers.
    pub(super) fn lingered(&self, worker_per_s: f64, share: f64) -> f64 {
        1.0 + worker_per_s * share * self.settings.linger.as_secs_f64()
    }

    /// How many fit into one, on average.
    pub(super) fn most(&self, each: &Each) -> f64 {
        let fit = |records| each.packed_bytes(records) <= self.settings.max_bytes as f64;
        let (mut low, mut high) = (1.0, f64::from(self.settings.max_records).max(1.0));
        let most = high;
        if fit(high) {
            return most;
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if fit(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        let deviation = self.deviation_bytes * low / (self.settings.max_bytes as f64).max(1.0);
        whole(low, deviation).clamp(1.0, most)
    }
}

/// How many whole records go into a place for `room` of them at their mean size; their sizes have a standard deviation of
/// so many mean sizes. One more goes in as long as the sum of so many is likely to fit (a normal law), and who did not fit
/// begins the next place, larger than others by as much as sizes differ. Sizes of a long tail follow no normal law: of those
/// the room itself is the answer, which is more than go in by about one.
fn whole(room: f64, deviation: f64) -> f64 {
    if deviation > DEVIATION_MAX {
        return room;
    }
    if deviation < 1e-6 {
        // Bisection ends a little below.
        return (room + 1e-6).floor();
    }
    let doubtful = 6.0 * deviation * room.sqrt() + 1.0;
    let sure = (room - doubtful).floor().max(0.0);
    let until = (room + 2.0 * doubtful + 36.0 * deviation * deviation).ceil();
    let mut records = sure;
    let mut count = sure + 1.0;
    while count <= until {
        records += normal_share((room - count) / (deviation * count.sqrt()));
        count += 1.0;
    }
    records - deviation * deviation
}

/// The share of a normal law below so many standard deviations.
fn normal_share(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_size_fit_whole_and_others_as_often_as_drawing_them_shows() {
        assert!((whole(1.97, 0.0) - 1.0).abs() < 1e-9);
        assert!((whole(9.0 - 1e-9, 0.0) - 9.0).abs() < 1e-9);
        // A long tail: its many small records fill the place.
        assert!((whole(38.0, 13.4) - 38.0).abs() < 1e-9);
        // Drawn evenly between 0.5 and 1.5 by a sequence that fills the range.
        let deviation = 1.0 / 12f64.sqrt();
        for room in [4.0, 7.3, 40.0] {
            let (mut places, mut filled, mut at) = (1u32, 0.0, 0.0f64);
            let records = 200_000u32;
            for number in 0..records {
                // Two parts, so that neighbours have nothing to do with each other.
                at = (at + 0.618_033_988_749_895).fract();
                let mixed = (at * 7_919.0 + f64::from(number) * 0.414_213_562_373_095).fract();
                let size = 0.5 + mixed;
                if filled + size > room {
                    places += 1;
                    filled = 0.0;
                }
                filled += size;
            }
            let drawn = f64::from(records) / f64::from(places);
            let said = whole(room, deviation);
            assert!(
                (said / drawn - 1.0).abs() < 0.04,
                "{room}: {said} for {drawn}"
            );
        }
    }
}
