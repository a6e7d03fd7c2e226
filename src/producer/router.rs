//! Which shard a hash key belongs to, as far as the producer knows, and how much was offered to each.
//!
//! The service never says it for refused records; a producer that wants to know lists the shards and hashes by itself,
//! as the KPL does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::base::Timestamp;
use crate::kinesis::operation::ShardDescription;
use crate::kinesis::{HashKey, ShardId};

/// The open shards of one stream, shared by its producers and kept fresh by whoever lists shards.
#[derive(Debug, Default)]
pub struct Router {
    map: ArcSwap<Vec<Route>>,
    stale: Notify,
    history: Mutex<BTreeMap<ShardId, Seen>>,
    listed: ArcSwap<Vec<ShardDescription>>,
    /// Whether a record landed elsewhere since the shards were listed.
    is_stale: AtomicBool,
    /// When they were listed, in nanoseconds.
    updated_ns: AtomicU64,
    strays: Mutex<Strays>,
}

/// Acknowledgements that name a shard which cannot have the record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Strays {
    /// Those that name a shard whose hash keys the record's is not one of, by that shard.
    pub elsewhere: BTreeMap<ShardId, u64>,
    /// Those that name a shard that was not listed at that time, by that shard; it may be of a reshard that was not known
    /// yet.
    pub unlisted: BTreeMap<ShardId, u64>,
    /// When the first record was sent whose acknowledgement named an unlisted shard, by that shard.
    since: BTreeMap<ShardId, Timestamp>,
}

/// When the run knew of a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// When it was first known to take records.
    pub opened: Timestamp,
    /// When it was first known to take no more.
    pub closed: Option<Timestamp>,
}

/// One open shard.
#[derive(Clone, Debug)]
pub struct Route {
    /// The first hash key of its range.
    pub start: HashKey,
    /// The last hash key of its range.
    pub end: HashKey,
    /// The shard.
    pub shard: ShardId,
    /// Records offered to it since it was first seen.
    offered: Arc<AtomicU64>,
}

impl Route {
    /// Records offered to it since it was first seen.
    pub fn offered(&self) -> u64 {
        self.offered.load(Ordering::Relaxed)
    }
}

impl Router {
    /// A router that knows these shards; closed ones are left out.
    pub fn new(shards: &[ShardDescription], now: Timestamp) -> Self {
        let router = Self::default();
        router.update(shards, now);
        router
    }

    /// Which shards took records, and when that was first known.
    pub fn history(&self) -> BTreeMap<ShardId, Seen> {
        self.history
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The shards as they were listed last, closed ones with them.
    pub fn listed(&self) -> Vec<ShardDescription> {
        self.listed.load().to_vec()
    }

    /// Learns the shards of the stream.
    pub fn update(&self, shards: &[ShardDescription], now: Timestamp) {
        {
            let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
            for shard in shards {
                if shard.is_open() {
                    history.entry(shard.shard).or_insert(Seen {
                        opened: now,
                        closed: None,
                    });
                } else if let Some(seen) = history.get_mut(&shard.shard) {
                    seen.closed.get_or_insert(now);
                }
            }
        }
        self.listed.store(Arc::new(shards.to_vec()));
        let known: BTreeMap<ShardId, Arc<AtomicU64>> = self
            .map
            .load()
            .iter()
            .map(|route| (route.shard, Arc::clone(&route.offered)))
            .collect();
        let mut routes: Vec<_> = shards
            .iter()
            .filter(|shard| shard.is_open())
            .map(|shard| Route {
                start: shard.hash_key_range.start,
                end: shard.hash_key_range.end,
                shard: shard.shard,
                offered: known.get(&shard.shard).cloned().unwrap_or_default(),
            })
            .collect();
        routes.sort_by_key(|route| route.start);
        self.map.store(Arc::new(routes));
        self.updated_ns.store(now.as_nanos(), Ordering::Relaxed);
        self.is_stale.store(false, Ordering::Release);
    }

    /// The open shards in order of their hash keys.
    pub fn routes(&self) -> Arc<Vec<Route>> {
        self.map.load_full()
    }

    /// The shard that a record with this hash key is meant for, counted as offered to it.
    pub(super) fn offer(&self, key: HashKey) -> Option<ShardId> {
        let map = self.map.load();
        let route = route_of(&map, key)?;
        route.offered.fetch_add(1, Ordering::Relaxed);
        Some(route.shard)
    }

    /// The shard that a record with this hash key falls into; nobody knows while the list is known to be stale.
    pub(super) fn predict(&self, key: HashKey) -> Option<ShardId> {
        if self.is_stale.load(Ordering::Acquire) {
            return None;
        }
        Some(route_of(&self.map.load(), key)?.shard)
    }

    /// Whether the list has another shard for a hash key than this one.
    pub(super) fn differs(&self, shard: ShardId, key: HashKey) -> bool {
        route_of(&self.map.load(), key).is_none_or(|route| route.shard != shard)
    }

    /// Whether a hash key lies in the range of a shard; no of a shard that is not known.
    pub(super) fn covers(&self, shard: ShardId, key: HashKey) -> bool {
        let listed = self.listed.load();
        let known = listed.iter().find(|known| known.shard == shard);
        known.is_some_and(|known| known.hash_key_range.contains(key))
    }

    /// The shard to count a record under that was sent at `sent` and whose acknowledgement names `shard`, which is not the
    /// one that it was offered to: the named one, unless that cannot have it.
    pub(super) fn acknowledged(
        &self,
        shard: ShardId,
        offered: ShardId,
        key: HashKey,
        sent: Timestamp,
    ) -> ShardId {
        let listed = self.listed.load();
        let known = listed.iter().find(|known| known.shard == shard);
        if known.is_some_and(|known| known.hash_key_range.contains(key)) {
            return shard;
        }
        let mut strays = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() {
            // The hash keys of a shard are its own for as long as it lives.
            *strays.elsewhere.entry(shard).or_default() += 1;
            return offered;
        }
        *strays.unlisted.entry(shard).or_default() += 1;
        let since = *strays.since.entry(shard).or_insert(sent);
        // Until the shards are listed again the named one may be new.
        let may_be_new = since.as_nanos() > self.updated_ns.load(Ordering::Relaxed);
        if may_be_new { shard } else { offered }
    }

    /// The acknowledgements that name a shard which cannot have the record, where `shards` are all that the stream has.
    pub fn strays(&self, shards: &[ShardDescription]) -> Strays {
        let strays = self.strays.lock().unwrap_or_else(PoisonError::into_inner);
        let mut strays = strays.clone();
        strays
            .unlisted
            .retain(|shard, _| shards.iter().all(|known| known.shard != *shard));
        strays
    }

    /// Says that a record that was sent at `sent` landed elsewhere than expected: the stream was resharded. What was sent
    /// before the shards were listed last says nothing new.
    pub(super) fn mark_stale(&self, sent: Timestamp) {
        if sent.as_nanos() > self.updated_ns.load(Ordering::Relaxed) {
            self.is_stale.store(true, Ordering::Release);
            self.stale.notify_one();
        }
    }

    /// Waits until somebody found the map stale.
    pub async fn stale(&self) {
        self.stale.notified().await;
    }
}

fn route_of(map: &[Route], key: HashKey) -> Option<&Route> {
    let after = map.partition_point(|route| route.start <= key);
    map.get(after.checked_sub(1)?)
        .filter(|route| key <= route.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::{HashKeyRange, SequenceNumber};

    fn shard(number: u32, range: HashKeyRange, open: bool) -> ShardDescription {
        ShardDescription {
            shard: ShardId::new(number).unwrap(),
            parent: None,
            adjacent_parent: None,
            hash_key_range: range,
            starting_sequence_number: SequenceNumber::default(),
            ending_sequence_number: (!open).then(SequenceNumber::default),
        }
    }

    #[test]
    fn while_the_list_is_stale_nothing_is_predicted_and_what_was_sent_before_it_was_made_is_no_news()
     {
        let at = |s: u64| Timestamp::from_secs(1_000 + s);
        let (full, halves) = (HashKeyRange::FULL, HashKeyRange::initial(2));
        let router = Router::new(&[shard(0, full, true)], at(0));
        assert_eq!(router.predict(HashKey::MAX), ShardId::new(0));
        router.mark_stale(at(1));
        assert_eq!(router.predict(HashKey::MAX), None);
        assert_eq!(router.offer(HashKey::MAX), ShardId::new(0));
        let split = [
            shard(0, full, false),
            shard(1, halves[0], true),
            shard(2, halves[1], true),
        ];
        router.update(&split, at(2));
        router.mark_stale(at(1));
        assert_eq!(router.predict(HashKey::MAX), ShardId::new(2));
        let [one, two] = [1, 2].map(|number| ShardId::new(number).unwrap());
        assert!(router.covers(one, HashKey(0)) && !router.covers(two, HashKey(0)));
        assert!(!router.covers(ShardId::MAX, HashKey(0)));
        assert!(router.differs(two, HashKey(0)) && !router.differs(one, HashKey(0)));
    }

    #[test]
    fn an_acknowledgement_of_a_shard_that_cannot_have_the_record_counts_where_it_was_offered() {
        let at = |s: u64| Timestamp::from_secs(1_000 + s);
        let id = |number| ShardId::new(number).unwrap();
        let halves = HashKeyRange::initial(2);
        let two = [shard(0, halves[0], true), shard(1, halves[1], true)];
        let router = Router::new(&two, at(0));
        let key = HashKey(5);
        // The other half's shard is known not to have it.
        assert_eq!(router.acknowledged(id(1), id(0), key, at(1)), id(0));
        // Shard 2 may be new, until the shards were listed after the record was sent.
        assert_eq!(router.acknowledged(id(2), id(0), key, at(1)), id(2));
        assert_eq!(router.acknowledged(id(77), id(0), key, at(1)), id(77));
        let split = [
            shard(0, halves[0], false),
            shard(1, halves[1], true),
            shard(2, halves[0], true),
        ];
        router.update(&split, at(2));
        assert_eq!(router.acknowledged(id(2), id(0), key, at(1)), id(2));
        for later in [1, 3] {
            assert_eq!(router.acknowledged(id(77), id(2), key, at(later)), id(2));
        }
        let strays = router.strays(&split);
        assert_eq!(strays.elsewhere, BTreeMap::from([(id(1), 1)]));
        assert_eq!(strays.unlisted, BTreeMap::from([(id(77), 3)]));
    }
}
