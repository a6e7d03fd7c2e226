//! The newest acknowledged record of each shard.
//!
//! A reader that is told it stands at the tip of a shard has passed everything that was acknowledged well before its
//! call, also what it was never given. That is how the last record of a shard can be found lost.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::base::Timestamp;
use crate::kinesis::operation::Stored;
use crate::kinesis::{SequenceNumber, ShardId};

/// The newest acknowledged record of each shard of one stream, and the newest attempt that nobody answered.
#[derive(Debug, Default)]
pub struct Tips {
    acked: Mutex<Vec<Option<Tip>>>,
    unanswered: Mutex<Option<Timestamp>>,
}

/// The newest acknowledged record of one shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tip {
    /// Its sequence number.
    pub sequence_number: SequenceNumber,
    /// When its acknowledgement came.
    pub acked: Timestamp,
}

impl Tips {
    /// Notes records that were acknowledged at `acked`.
    pub fn advance(&self, stored: &[Stored], acked: Timestamp) {
        let mut tips = self.acked.lock().unwrap_or_else(PoisonError::into_inner);
        for record in stored {
            let index = record.shard.number() as usize;
            if index >= tips.len() {
                tips.resize(index + 1, None);
            }
            let tip = tips[index].get_or_insert(Tip {
                sequence_number: record.sequence_number,
                acked,
            });
            tip.sequence_number = tip.sequence_number.max(record.sequence_number);
            tip.acked = tip.acked.max(acked);
        }
    }

    /// Notes that a record of which an attempt had no answer was settled at `at`: it may be stored all the same.
    pub fn unanswered(&self, at: Timestamp) {
        let mut newest = self
            .unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *newest = (*newest).max(Some(at));
    }

    /// When the last of those records was settled; `None` if every attempt was answered.
    pub fn last_unanswered(&self) -> Option<Timestamp> {
        *self
            .unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest acknowledged record of each shard that has one.
    pub fn all(&self) -> BTreeMap<ShardId, Tip> {
        let tips = self.acked.lock().unwrap_or_else(PoisonError::into_inner);
        (0..)
            .zip(tips.iter())
            .filter_map(|(number, tip)| Some((ShardId::new(number)?, (*tip)?)))
            .collect()
    }

    /// The newest acknowledged record of `shard`.
    pub fn tip(&self, shard: ShardId) -> Option<Tip> {
        let tips = self.acked.lock().unwrap_or_else(PoisonError::into_inner);
        tips.get(shard.number() as usize).copied().flatten()
    }
}

/// What one reader passed in each shard of a stream.
#[derive(Debug, Default)]
pub struct Positions {
    passed: Mutex<BTreeMap<ShardId, SequenceNumber>>,
    seen: Mutex<BTreeMap<ShardId, Timestamp>>,
}

impl Positions {
    /// Notes that the reader passed everything in `shard` up to `through`.
    pub fn advance(&self, shard: ShardId, through: SequenceNumber) {
        let mut positions = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let position = positions.entry(shard).or_default();
        *position = (*position).max(through);
    }

    /// Notes that the reader reads `shard` and was given what arrived there until `at`; nothing yet with
    /// [`Timestamp::ZERO`], and everything that will ever arrive with [`Timestamp::MAX`].
    pub fn saw(&self, shard: ShardId, at: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.entry(shard).or_default();
        *seen = (*seen).max(at);
    }

    /// Whether the reader was given all that arrived until `end`, whoever wrote it, in every shard that it reads.
    pub fn saw_until(&self, end: Timestamp) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().all(|&at| at >= end)
    }

    /// Until when the reader was given all that arrived, in every shard that it reads; `None` if it reads none.
    pub fn seen_until(&self) -> Option<Timestamp> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().min().copied()
    }

    /// Whether the reader passed the newest acknowledged record of every shard.
    pub fn reached(&self, tips: &Tips) -> bool {
        let tips = tips.acked.lock().unwrap_or_else(PoisonError::into_inner);
        let positions = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tips = (0..)
            .zip(tips.iter())
            .filter_map(|(number, tip)| Some((ShardId::new(number)?, (*tip)?)));
        tips.all(|(shard, tip)| {
            positions
                .get(&shard)
                .is_some_and(|passed| *passed >= tip.sequence_number)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tip_is_the_highest_number_whatever_the_order_of_acknowledgements() {
        let tips = Tips::default();
        let shard = ShardId::new(2).unwrap();
        let stored = |n: u64| Stored {
            shard,
            sequence_number: n.to_string().parse().unwrap(),
        };
        tips.advance(&[stored(9), stored(5)], Timestamp::from_secs(1));
        tips.advance(&[stored(7)], Timestamp::from_secs(2));
        let tip = tips.tip(shard).unwrap();
        assert_eq!(tip.sequence_number.to_string(), "9");
        assert_eq!(tip.acked, Timestamp::from_secs(2));
        assert_eq!(tips.tip(ShardId::new(7).unwrap()), None);
    }

    #[test]
    fn a_reader_saw_everything_until_a_time_when_it_did_in_every_shard() {
        let positions = Positions::default();
        let (a, b) = (ShardId::new(0).unwrap(), ShardId::new(2).unwrap());
        let at = Timestamp::from_secs;
        positions.saw(a, at(9));
        positions.saw(b, Timestamp::ZERO);
        assert!(!positions.saw_until(at(5)));
        positions.saw(b, Timestamp::MAX);
        positions.saw(a, at(4));
        assert!(positions.saw_until(at(9)) && !positions.saw_until(at(10)));
        assert_eq!(positions.seen_until(), Some(at(9)));
        assert_eq!(Positions::default().seen_until(), None);
    }

    #[test]
    fn a_reader_is_done_when_it_passed_the_tip_of_every_shard() {
        let (tips, positions) = (Tips::default(), Positions::default());
        assert!(positions.reached(&tips));
        let (a, b) = (ShardId::new(0).unwrap(), ShardId::new(2).unwrap());
        let stored = |shard, n: u64| Stored {
            shard,
            sequence_number: n.to_string().parse().unwrap(),
        };
        tips.advance(&[stored(a, 9), stored(b, 5)], Timestamp::from_secs(1));
        positions.advance(a, SequenceNumber::MAX);
        positions.advance(b, stored(b, 4).sequence_number);
        assert!(!positions.reached(&tips));
        positions.advance(b, stored(b, 5).sequence_number);
        assert!(positions.reached(&tips));
    }
}
