//! Plans of resharding: which open shards are split where, and which pieces are merged.
//!
//! Pure functions on hash key ranges. A plan numbers the new shards in the order in which its steps make them.

use crate::kinesis::{HashKey, HashKeyRange, ShardId};

/// One split or merge. Later steps may use what earlier ones made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Cuts `parent` so that its right part begins at `at`.
    Split { parent: ShardId, at: HashKey },
    /// Joins two neighbours.
    Merge { left: ShardId, right: ShardId },
}

/// An open shard and what it covers.
pub(super) type Piece = (ShardId, HashKeyRange);

/// How far a wanted boundary may lie from one that is there to count as the same, in hash keys. Dividing 2^128 rounds,
/// so that the boundaries of 3 and of 6 equal shards miss each other by one key; a shard of one key would follow. Any
/// two wanted boundaries lie much further apart (2^114 for 10,000 shards).
const SAME_BOUNDARY: u128 = 1 << 20;

/// The steps that turn `open` (in order of hash keys) into `target` shards of equal width: the wanted boundaries are
/// walked from left to right, a shard in which one falls is split there, and the pieces of each wanted shard are merged
/// as soon as they are complete. The rule is inferred from what the service made of 4 shards when asked for 3
/// (risingwave issue 9961); the order of numbers in other cases is unverified.
pub(super) fn uniform_plan(open: &[Piece], next: ShardId, target: u32) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut next = next.number();
    let mut waiting = open.iter().copied();
    let mut piece = waiting.next();
    for wanted in HashKeyRange::initial(target) {
        let mut merged: Option<ShardId> = None;
        while let Some((shard, range)) = piece {
            let last = wanted.end == HashKey::MAX;
            if !last && range.start.0 > wanted.end.0.saturating_sub(SAME_BOUNDARY) {
                break;
            }
            let whole = last || range.end.0 <= wanted.end.0.saturating_add(SAME_BOUNDARY);
            let part = if whole {
                piece = waiting.next();
                shard
            } else {
                let at = HashKey(wanted.end.0 + 1);
                steps.push(Step::Split { parent: shard, at });
                let (Some(left), Some(right)) = (ShardId::new(next), ShardId::new(next + 1)) else {
                    return steps;
                };
                next += 2;
                piece = Some((
                    right,
                    HashKeyRange {
                        start: at,
                        end: range.end,
                    },
                ));
                left
            };
            merged = Some(match merged {
                None => part,
                Some(left) => {
                    steps.push(Step::Merge { left, right: part });
                    let Some(child) = ShardId::new(next) else {
                        return steps;
                    };
                    next += 1;
                    child
                }
            });
            if !whole {
                break;
            }
        }
    }
    steps
}

/// How many shards more than before are open at the worst moment of the plan. The short-lived ones count against the
/// account's quota too (API reference, UpdateShardCount).
pub(super) fn most_additional_shards(steps: &[Step]) -> u64 {
    let (mut now, mut most) = (0i64, 0i64);
    for step in steps {
        now += match step {
            Step::Split { .. } => 1,
            Step::Merge { .. } => -1,
        };
        most = most.max(now);
    }
    most as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn id(number: u32) -> ShardId {
        ShardId::new(number).unwrap()
    }

    fn initial(shards: u32) -> Vec<Piece> {
        HashKeyRange::initial(shards)
            .into_iter()
            .enumerate()
            .map(|(number, range)| (id(number as u32), range))
            .collect()
    }

    /// Does what the steps say.
    fn follow(open: &[Piece], steps: &[Step]) -> Vec<Piece> {
        let mut pieces: BTreeMap<ShardId, HashKeyRange> = open.iter().copied().collect();
        let mut next = open.iter().map(|(shard, _)| shard.number()).max().unwrap() + 1;
        for step in steps {
            match *step {
                Step::Split { parent, at } => {
                    let range = pieces.remove(&parent).unwrap();
                    assert!(range.start < at && at <= range.end);
                    let end = HashKey(at.0 - 1);
                    pieces.insert(id(next), HashKeyRange { end, ..range });
                    pieces.insert(id(next + 1), HashKeyRange { start: at, ..range });
                    next += 2;
                }
                Step::Merge { left, right } => {
                    let (a, b) = (
                        pieces.remove(&left).unwrap(),
                        pieces.remove(&right).unwrap(),
                    );
                    assert_eq!(a.end.0 + 1, b.start.0);
                    let range = HashKeyRange {
                        start: a.start,
                        end: b.end,
                    };
                    pieces.insert(id(next), range);
                    next += 1;
                }
            }
        }
        let mut pieces: Vec<_> = pieces.into_iter().collect();
        pieces.sort_by_key(|(_, range)| range.start);
        pieces
    }

    fn numbers(pieces: &[Piece]) -> Vec<u32> {
        pieces.iter().map(|(shard, _)| shard.number()).collect()
    }

    #[test]
    fn four_to_three_leaves_shards_6_9_and_10() {
        let steps = uniform_plan(&initial(4), id(4), 3);
        let after = follow(&initial(4), &steps);
        assert_eq!(numbers(&after), [6, 9, 10]);
        let ranges: Vec<_> = after.iter().map(|&(_, range)| range).collect();
        assert_eq!(ranges, HashKeyRange::initial(3));
    }

    #[test]
    fn doubling_splits_each_shard_once_and_halving_merges_neighbours() {
        for shards in [1, 2, 3, 5, 7, 100] {
            let steps = uniform_plan(&initial(shards), id(shards), shards * 2);
            assert_eq!(steps.len(), shards as usize);
            assert!(steps.iter().all(|step| matches!(step, Step::Split { .. })));
            assert_eq!(most_additional_shards(&steps), u64::from(shards));
            let steps = uniform_plan(&initial(shards * 2), id(shards * 2), shards);
            assert_eq!(steps.len(), shards as usize);
            assert!(steps.iter().all(|step| matches!(step, Step::Merge { .. })));
            assert_eq!(most_additional_shards(&steps), 0);
        }
    }

    #[test]
    fn the_same_count_of_equal_shards_needs_no_step() {
        assert_eq!(uniform_plan(&initial(6), id(6), 6), []);
    }

    proptest! {
        #[test]
        fn any_map_becomes_target_shards_of_equal_width(cuts in prop::collection::btree_set(any::<u128>(), 0..12), target in 1u32..24) {
            let mut starts: Vec<u128> = cuts.into_iter().filter(|&cut| cut > 0).collect();
            starts.insert(0, 0);
            let open: Vec<Piece> = starts.iter().enumerate().map(|(number, &start)| {
                let end = starts.get(number + 1).map_or(u128::MAX, |next| next - 1);
                (id(number as u32), HashKeyRange { start: HashKey(start), end: HashKey(end) })
            }).collect();
            let after = follow(&open, &uniform_plan(&open, id(open.len() as u32), target));
            prop_assert_eq!(after.len(), target as usize);
            for ((_, range), wanted) in after.iter().zip(HashKeyRange::initial(target)) {
                prop_assert!(range.start.0.abs_diff(wanted.start.0) <= SAME_BOUNDARY);
                prop_assert!(range.end.0.abs_diff(wanted.end.0) <= SAME_BOUNDARY);
            }
        }
    }
}
