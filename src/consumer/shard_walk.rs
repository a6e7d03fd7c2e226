//! Which shards may be read: parents to their end before children.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinesis::ShardId;
use crate::kinesis::operation::{ChildShard, ShardDescription};
use crate::target::CallError;

/// The shards of a stream as one reader knows them.
#[derive(Debug, Default)]
pub(super) struct ShardWalk {
    shards: BTreeMap<ShardId, State>,
    /// The highest number that was listed: numbers rise, so an unlisted shard at or below it had ended and expired.
    listed: Option<ShardId>,
}

#[derive(Debug)]
enum State {
    /// Some parents are not read to their end.
    Waiting(BTreeSet<ShardId>),
    Reading,
    Ended,
}

impl ShardWalk {
    /// A walk over listed shards: gives the walk, and the shards to begin with, which are those without a listed
    /// parent.
    pub(super) fn new(listed: &[ShardDescription]) -> (Self, Vec<ShardId>) {
        let known: BTreeSet<_> = listed.iter().map(|shard| shard.shard).collect();
        let listed_max = known.iter().max().copied();
        let mut walk = Self {
            listed: listed_max,
            ..Self::default()
        };
        for shard in listed {
            let parents = [shard.parent, shard.adjacent_parent];
            walk.add(
                shard.shard,
                parents
                    .into_iter()
                    .flatten()
                    .filter(|parent| known.contains(parent)),
            );
        }
        let roots = walk.start_ready();
        (walk, roots)
    }

    /// The same for a reader that is being set up.
    ///
    /// # Errors
    /// When there are listed shards that no reader would come to: their parents lead in a circle.
    pub(super) fn begin(listed: &[ShardDescription]) -> Result<(Self, Vec<ShardId>), CallError> {
        let (walk, roots) = Self::new(listed);
        match walk.stuck() {
            0 if !roots.is_empty() => Ok((walk, roots)),
            0 => Err(misled("it lists no shard")),
            _ => Err(misled("the parents of the shards lead in a circle")),
        }
    }

    /// How many shards nobody comes to, however far those that are being read are read.
    fn stuck(&self) -> usize {
        let mut reached = BTreeSet::new();
        loop {
            let before = reached.len();
            for (shard, state) in &self.shards {
                let comes = match state {
                    State::Waiting(parents) => parents.is_subset(&reached),
                    State::Reading | State::Ended => true,
                };
                if comes {
                    reached.insert(*shard);
                }
            }
            if reached.len() == before {
                return self.shards.len() - before;
            }
        }
    }

    /// A shard was read to its end, where these children were named: gives the shards that may be read now.
    pub(super) fn ended(&mut self, shard: ShardId, children: &[ChildShard]) -> Vec<ShardId> {
        self.shards.insert(shard, State::Ended);
        for child in children {
            // A parent that was not met yet is itself the child of a shard that is still being read, and will be; but
            // one that expired before this reader began never will.
            let expired = |id: &ShardId| !self.shards.contains_key(id) && Some(*id) <= self.listed;
            let parents: Vec<_> = child
                .parents
                .iter()
                .copied()
                .filter(|id| !expired(id))
                .collect();
            self.add(child.shard, parents.into_iter());
        }
        for state in self.shards.values_mut() {
            if let State::Waiting(parents) = state {
                parents.remove(&shard);
            }
        }
        self.start_ready()
    }

    /// How many shards are being read.
    #[cfg(test)]
    fn reading(&self) -> usize {
        self.shards
            .values()
            .filter(|state| matches!(state, State::Reading))
            .count()
    }

    fn add(&mut self, shard: ShardId, parents: impl Iterator<Item = ShardId>) {
        let unread: BTreeSet<_> = parents
            .filter(|parent| !matches!(self.shards.get(parent), Some(State::Ended)))
            .collect();
        self.shards.entry(shard).or_insert(State::Waiting(unread));
    }

    fn start_ready(&mut self) -> Vec<ShardId> {
        let mut ready = Vec::new();
        for (shard, state) in &mut self.shards {
            if matches!(state, State::Waiting(parents) if parents.is_empty()) {
                *state = State::Reading;
                ready.push(*shard);
            }
        }
        ready
    }
}

/// The answer of a list that no reader can begin with.
fn misled(message: &str) -> CallError {
    CallError::Foreign {
        code: "ListShards".to_owned(),
        message: message.to_owned(),
        again: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::{HashKeyRange, SequenceNumber};

    fn id(number: u32) -> ShardId {
        ShardId::new(number).unwrap()
    }

    fn listed(number: u32, parents: &[u32]) -> ShardDescription {
        ShardDescription {
            shard: id(number),
            parent: parents.first().copied().map(id),
            adjacent_parent: parents.get(1).copied().map(id),
            hash_key_range: HashKeyRange::FULL,
            starting_sequence_number: SequenceNumber::default(),
            ending_sequence_number: None,
        }
    }

    fn child(number: u32, parents: &[u32]) -> ChildShard {
        let parents = parents.iter().copied().map(id).collect();
        ChildShard {
            shard: id(number),
            parents,
            hash_key_range: HashKeyRange::FULL,
        }
    }

    #[test]
    fn a_merged_shard_is_read_only_after_both_its_parents() {
        let (mut walk, roots) = ShardWalk::new(&[listed(0, &[]), listed(1, &[])]);
        assert_eq!(roots, [id(0), id(1)]);
        assert_eq!(walk.ended(id(0), &[child(2, &[0, 1])]), []);
        assert_eq!(walk.ended(id(1), &[child(2, &[0, 1])]), [id(2)]);
        assert_eq!(walk.reading(), 1);
    }

    #[test]
    fn listed_children_wait_for_listed_parents_and_trimmed_parents_are_not_waited_for() {
        let (mut walk, roots) =
            ShardWalk::new(&[listed(1, &[0]), listed(2, &[1]), listed(3, &[1])]);
        assert_eq!(roots, [id(1)]);
        assert_eq!(
            walk.ended(id(1), &[child(2, &[1]), child(3, &[1])]),
            [id(2), id(3)]
        );
    }

    #[test]
    fn a_child_waits_for_a_parent_that_the_reader_has_not_met_yet() {
        // 1 splits into 2 and 3, then 0 and 2 merge into 4; shard 0 is read to its end first.
        let (mut walk, _) = ShardWalk::new(&[listed(0, &[]), listed(1, &[])]);
        assert_eq!(walk.ended(id(0), &[child(4, &[0, 2])]), []);
        assert_eq!(
            walk.ended(id(1), &[child(2, &[1]), child(3, &[1])]),
            [id(2), id(3)]
        );
        assert_eq!(walk.ended(id(2), &[child(4, &[0, 2])]), [id(4)]);
    }

    #[test]
    fn a_parent_that_expired_before_the_reader_began_is_not_waited_for() {
        let (mut walk, _) = ShardWalk::new(&[listed(3, &[])]);
        assert_eq!(walk.ended(id(3), &[child(4, &[2, 3])]), [id(4)]);
    }

    #[test]
    fn a_child_that_two_parents_name_is_begun_once() {
        let (mut walk, _) = ShardWalk::new(&[listed(0, &[]), listed(1, &[])]);
        walk.ended(id(1), &[child(2, &[0, 1])]);
        assert_eq!(walk.ended(id(0), &[child(2, &[0, 1])]), [id(2)]);
        assert_eq!(walk.ended(id(2), &[]), []);
    }

    #[test]
    fn a_list_whose_parents_lead_in_a_circle_is_an_error_and_a_lineage_is_not() {
        let lineage = [
            listed(0, &[]),
            listed(1, &[0]),
            listed(2, &[0]),
            listed(3, &[1, 2]),
        ];
        let (_, roots) = ShardWalk::begin(&lineage).unwrap();
        assert_eq!(roots, [id(0)]);
        for circle in [
            vec![listed(0, &[1]), listed(1, &[0])],
            // One shard that can be read does not make up for two that never will be.
            vec![listed(0, &[]), listed(1, &[2]), listed(2, &[1])],
            vec![listed(4, &[4])],
        ] {
            let error = ShardWalk::begin(&circle).unwrap_err();
            assert!(error.to_string().contains("circle"), "{error}");
        }
        assert!(ShardWalk::begin(&[]).is_err());
    }
}
