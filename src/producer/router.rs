//! Which shard a hash key belongs to, as far as the producer knows, and how much was offered to each.
//!
//! The service never says it for refused records; a producer that wants to know lists the shards and hashes by itself,
//! as the KPL does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
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
    }

    /// The open shards in order of their hash keys.
    pub fn routes(&self) -> Arc<Vec<Route>> {
        self.map.load_full()
    }

    /// The shard that a record with this hash key is meant for, counted as offered to it.
    pub(super) fn offer(&self, key: HashKey) -> Option<ShardId> {
        let map = self.map.load();
        let after = map.partition_point(|route| route.start <= key);
        let route = map
            .get(after.checked_sub(1)?)
            .filter(|route| key <= route.end)?;
        route.offered.fetch_add(1, Ordering::Relaxed);
        Some(route.shard)
    }

    /// Says that a record landed elsewhere than expected: the stream was resharded.
    pub(super) fn mark_stale(&self) {
        self.stale.notify_one();
    }

    /// Waits until somebody found the map stale.
    pub async fn stale(&self) {
        self.stale.notified().await;
    }
}
