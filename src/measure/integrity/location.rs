//! Where an acked record lies that not every consumer has been given: 16 bytes instead of 28.

use std::collections::{BTreeMap, HashMap};

use crate::kinesis::operation::Stored;
use crate::kinesis::sequence::SequenceParts;
use crate::kinesis::{SequenceNumber, ShardId};

/// A sequence number of version 2 without what all records of its shard share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Location {
    counter: u64,
    /// Seconds from the shard's creation to the record.
    age_s: u32,
    /// Which shard, in [`Places`]; or one of the marks below.
    place: u32,
}

/// No location.
const NONE: u32 = u32::MAX;
/// The number is not of version 2, or it does not fit: it is in [`Places::odd`].
const ODD: u32 = u32::MAX - 1;

impl Location {
    /// The mark for no location.
    pub(super) const NONE: Self = Self {
        counter: 0,
        age_s: 0,
        place: NONE,
    };

    /// Whether it is one.
    pub(super) const fn is_some(self) -> bool {
        self.place != NONE
    }
}

/// What the locations of one worker's records share.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Shards and their creation in seconds, in order of appearance.
    shards: Vec<(ShardId, u64)>,
    numbers: BTreeMap<(ShardId, u64), u32>,
    /// Locations that do not compress, by the record's sequence.
    odd: HashMap<u64, Stored>,
}

impl Places {
    /// Takes in where record `sequence` lies.
    pub(super) fn compress(&mut self, sequence: u64, stored: Stored) -> Location {
        self.try_compress(stored).unwrap_or_else(|| {
            self.odd.insert(sequence, stored);
            Location {
                counter: 0,
                age_s: 0,
                place: ODD,
            }
        })
    }

    fn try_compress(&mut self, stored: Stored) -> Option<Location> {
        let parts = stored.sequence_number.decode()?;
        if parts.shard != stored.shard {
            return None;
        }
        let age_s = u32::try_from(parts.time_s.checked_sub(parts.shard_created_s)?).ok()?;
        let key = (parts.shard, parts.shard_created_s);
        let place = if let Some(&place) = self.numbers.get(&key) {
            place
        } else {
            let place = u32::try_from(self.shards.len()).ok()?;
            if place >= ODD {
                return None;
            }
            self.shards.push(key);
            self.numbers.insert(key, place);
            place
        };
        Some(Location {
            counter: parts.counter,
            age_s,
            place,
        })
    }

    /// Where record `sequence` lies; `None` for the mark or what this worker never took in.
    pub(super) fn expand(&self, sequence: u64, location: Location) -> Option<Stored> {
        if location.place == ODD {
            return self.odd.get(&sequence).copied();
        }
        let &(shard, shard_created_s) = self.shards.get(location.place as usize)?;
        let sequence_number: SequenceNumber = SequenceParts {
            shard_created_s,
            shard,
            counter: location.counter,
            time_s: shard_created_s + u64::from(location.age_s),
        }
        .encode();
        Some(Stored {
            shard,
            sequence_number,
        })
    }

    /// Forgets where record `sequence` lies.
    pub(super) fn forget(&mut self, sequence: u64, location: Location) {
        if location.place == ODD {
            self.odd.remove(&sequence);
        }
    }

    /// Memory beyond the value itself, in bytes, about.
    pub(super) fn heap_bytes(&self) -> usize {
        self.shards.capacity() * size_of::<(ShardId, u64)>()
            + self.numbers.len() * 2 * size_of::<((ShardId, u64), u32)>()
            + self.odd.capacity() * (size_of::<(u64, Stored)>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_come_back_whatever_the_format_of_the_number() {
        let shard = ShardId::new(19).unwrap();
        let parts = SequenceParts {
            shard_created_s: 1_700_000_000,
            shard,
            counter: 1 << 40,
            time_s: 1_700_086_400,
        };
        let stored = |sequence_number| Stored {
            shard,
            sequence_number,
        };
        let elsewhere = SequenceParts {
            shard: ShardId::new(3).unwrap(),
            ..parts
        };
        let before_creation = SequenceParts {
            time_s: 1_600_000_000,
            ..parts
        };
        let mut places = Places::default();
        for (sequence, number) in [
            parts.encode(),
            "12345".parse().unwrap(),
            elsewhere.encode(),
            before_creation.encode(),
        ]
        .into_iter()
        .enumerate()
        {
            let sequence = sequence as u64;
            let location = places.compress(sequence, stored(number));
            assert_eq!(places.expand(sequence, location), Some(stored(number)));
            assert_eq!(places.odd.len(), usize::from(sequence > 0));
            places.forget(sequence, location);
            assert!(places.odd.is_empty());
        }
        assert_eq!(places.shards.len(), 1);
        assert_eq!(places.expand(0, Location::NONE), None);
        assert_eq!(size_of::<Location>(), 16);
    }
}
