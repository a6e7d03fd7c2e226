//! Faults that a scenario asks for.

use crate::base::Timestamp;
use crate::base::rng::{Rng, generator};
use crate::kinesis::ShardId;
use rand::RngExt as _;

/// A throttle storm: for a time, a share of the records put is refused whatever the limits say.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Storm {
    /// The shard it hits; `None` is every shard of the stream, those that a reshard makes meanwhile included.
    pub shard: Option<ShardId>,
    /// The share of records that is refused, 0 to 1; what lies outside counts as the nearer end.
    pub share: f64,
    /// When it ends.
    pub until: Timestamp,
    /// Which records are refused is drawn from this seed, by shard.
    pub seed: u64,
}

/// A storm over one shard.
#[derive(Debug)]
pub(super) struct ShardStorm {
    share: f64,
    until: Timestamp,
    random: Rng,
}

impl ShardStorm {
    pub(super) fn new(storm: Storm, shard: ShardId) -> Self {
        let share = if storm.share.is_nan() {
            0.0
        } else {
            storm.share
        };
        Self {
            share: share.clamp(0.0, 1.0),
            until: storm.until,
            random: generator(storm.seed, "engine.storm", shard.number(), "refuse"),
        }
    }

    /// Whether it is over.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        now >= self.until
    }

    /// Draws whether the next record is refused.
    pub(super) fn refuses(&mut self) -> bool {
        self.random.random_bool(self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_refuses_the_same_records_and_about_its_share() {
        let refusals = |number, share| -> Vec<bool> {
            let shard = ShardId::new(number).unwrap();
            let storm = Storm {
                shard: None,
                share,
                until: Timestamp::MAX,
                seed: 7,
            };
            let mut storm = ShardStorm::new(storm, shard);
            (0..10_000).map(|_| storm.refuses()).collect()
        };
        let refused = refusals(0, 0.3);
        assert_eq!(refused, refusals(0, 0.3));
        assert_ne!(refused, refusals(1, 0.3));
        let count = refused.iter().filter(|&&no| no).count();
        assert!((2_800..3_200).contains(&count), "{count}");
        assert!(refusals(0, 7.0).iter().all(|&no| no));
        assert!(!refusals(0, f64::NAN).iter().any(|&no| no));
    }
}
