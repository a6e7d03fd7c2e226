//! Which shards a stream has, and which of them takes a hash key. A snapshot: resharding makes a new one.

use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard};

use super::fault::Storm;
use super::on_demand::MinuteLoad;
use super::reshard::{Piece, Step};
use super::shard::{Birth, Shard, ShardRates, State};
use crate::base::Timestamp;
use crate::kinesis::operation::{ChildShard, EncryptionType};
use crate::kinesis::{HashKey, HashKeyRange, ShardId};

#[derive(Debug)]
pub(super) struct ShardMap {
    /// Every shard that there ever was, at the index that is its number.
    shards: Vec<Arc<Shard>>,
    /// The open ones in order of their hash keys; together they cover the whole space.
    open: Vec<Open>,
}

/// What a stream's new shards have from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature<'a> {
    pub(super) rates: &'a ShardRates,
    pub(super) storm: Option<Storm>,
    pub(super) encryption: EncryptionType,
}

#[derive(Clone, Debug)]
struct Open {
    start: HashKey,
    shard: Arc<Shard>,
}

impl ShardMap {
    /// The map of a stream created at `now`, with `created_s` in its sequence numbers.
    pub(super) fn initial(shards: u32, now: Timestamp, created_s: u64, rates: &ShardRates) -> Self {
        let shards: Vec<_> = (0..)
            .map_while(ShardId::new)
            .zip(HashKeyRange::initial(shards))
            .map(|(id, range)| {
                let birth = Birth {
                    id,
                    range,
                    parent: None,
                    adjacent_parent: None,
                    created_s,
                    opened: now,
                    last_arrival: Timestamp::ZERO,
                };
                Arc::new(Shard::new(birth, rates, None))
            })
            .collect();
        Self::new(shards, &BTreeSet::new())
    }

    fn new(shards: Vec<Arc<Shard>>, closed: &BTreeSet<ShardId>) -> Self {
        let mut open: Vec<_> = shards
            .iter()
            .filter(|shard| !closed.contains(&shard.id()))
            .map(|shard| Open {
                start: shard.birth.range.start,
                shard: Arc::clone(shard),
            })
            .collect();
        open.sort_by_key(|open| open.start);
        Self { shards, open }
    }

    /// The open shard that takes `key`.
    pub(super) fn route(&self, key: HashKey) -> &Arc<Shard> {
        let after = self.open.partition_point(|open| open.start <= key);
        &self.open[after.saturating_sub(1)].shard
    }

    pub(super) fn get(&self, id: ShardId) -> Option<&Arc<Shard>> {
        self.shards.get(id.number() as usize)
    }

    pub(super) fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    pub(super) fn open_count(&self) -> u32 {
        self.open.len() as u32
    }

    pub(super) fn is_open(&self, id: ShardId) -> bool {
        self.get(id).is_some_and(|shard| {
            let start = shard.birth.range.start;
            self.open
                .binary_search_by_key(&start, |open| open.start)
                .is_ok_and(|index| self.open[index].shard.id() == id)
        })
    }

    /// The latest second in which a shard was created; none was closed later, because its children are younger.
    pub(super) fn latest_s(&self) -> u64 {
        let created = self.shards.iter().map(|shard| shard.birth.created_s);
        created.max().unwrap_or_default()
    }

    /// The open shards and their ranges in order of their hash keys.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        self.open
            .iter()
            .map(|open| (open.shard.id(), open.shard.birth.range))
            .collect()
    }

    /// What each open shard took in the last complete minute that nobody has asked for yet.
    pub(super) fn take_loads(&self, now: Timestamp) -> Vec<(ShardId, u64, MinuteLoad)> {
        self.open
            .iter()
            .filter_map(|open| {
                let (minute, load) = open.shard.take_load(now)?;
                Some((open.shard.id(), minute, load))
            })
            .collect()
    }

    /// Splits of those of `shards` that are open, in the middle.
    pub(super) fn halves(&self, shards: &[ShardId]) -> Vec<Step> {
        shards
            .iter()
            .filter(|&&parent| self.is_open(parent))
            .filter_map(|&parent| {
                let range = self.get(parent)?.birth.range;
                let half = (range.end.0 - range.start.0) / 2;
                (half > 0).then_some(Step::Split {
                    parent,
                    at: HashKey(range.start.0 + half + 1),
                })
            })
            .collect()
    }

    /// The number that the next shard will have.
    pub(super) fn next_id(&self) -> Option<ShardId> {
        u32::try_from(self.shards.len()).ok().and_then(ShardId::new)
    }

    /// Follows a plan at `at` and hands the new map to `publish` while the parents are still locked: whoever finds a
    /// parent closed then finds the new map too.
    pub(super) fn reshard(
        &self,
        steps: &[Step],
        at: Timestamp,
        nature: Nature<'_>,
        publish: impl FnOnce(Self),
    ) {
        let mut shards = self.shards.clone();
        let mut closed: BTreeSet<ShardId> = self
            .shards
            .iter()
            .map(|shard| shard.id())
            .filter(|&id| !self.is_open(id))
            .collect();
        let mut held: Vec<MutexGuard<'_, State>> = Vec::new();
        for step in steps {
            let Some(plan) = plan(&shards, step) else {
                break;
            };
            let (mut closed_s, mut last_arrival) = (0, Timestamp::ZERO);
            for &parent in &plan.parents {
                let ended = if let Some(shard) = self.get(parent) {
                    let mut state = shard.lock();
                    let ended = shard.close(&mut state, at, plan.children.clone());
                    held.push(state);
                    ended
                } else {
                    // Made by an earlier step: nobody else knows it yet.
                    let shard = &shards[parent.number() as usize];
                    shard.close(&mut shard.lock(), at, plan.children.clone())
                };
                closed_s = closed_s.max(ended.0);
                last_arrival = last_arrival.max(ended.1);
                closed.insert(parent);
            }
            for child in &plan.children {
                let birth = Birth {
                    id: child.shard,
                    range: child.hash_key_range,
                    parent: plan.parents.first().copied(),
                    adjacent_parent: plan.parents.get(1).copied(),
                    // One second after the parent's closing, as kinesalite found it on the service.
                    created_s: closed_s + 1,
                    opened: at,
                    last_arrival,
                };
                let lasts = |storm: &Storm| storm.shard.is_none() && at < storm.until;
                let shard = Shard::new(birth, nature.rates, nature.storm.filter(lasts));
                shard.set_encryption(nature.encryption);
                shards.push(Arc::new(shard));
            }
        }
        publish(Self::new(shards, &closed));
        drop(held);
    }
}

/// Who ends and who begins in one step.
struct StepPlan {
    parents: Vec<ShardId>,
    children: Vec<ChildShard>,
}

fn plan(shards: &[Arc<Shard>], step: &Step) -> Option<StepPlan> {
    let range = |id: ShardId| shards.get(id.number() as usize).map(|s| s.birth.range);
    let (parents, ranges) = match *step {
        Step::Split { parent, at } => {
            let whole = range(parent)?;
            let left = HashKeyRange {
                start: whole.start,
                end: HashKey(at.0.checked_sub(1)?),
            };
            let right = HashKeyRange {
                start: at,
                end: whole.end,
            };
            (vec![parent], vec![left, right])
        }
        Step::Merge { left, right } => {
            let whole = HashKeyRange {
                start: range(left)?.start,
                end: range(right)?.end,
            };
            (vec![left, right], vec![whole])
        }
    };
    let mut children = Vec::with_capacity(ranges.len());
    for (number, hash_key_range) in (u32::try_from(shards.len()).ok()?..).zip(ranges) {
        children.push(ChildShard {
            shard: ShardId::new(number)?,
            parents: parents.clone(),
            hash_key_range,
        });
    }
    Some(StepPlan { parents, children })
}
