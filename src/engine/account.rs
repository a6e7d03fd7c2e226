//! The account: its streams by name, its memory, the calls that it is allowed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use arc_swap::{ArcSwap, Guard};
use rand::RngExt as _;

use super::due::Dues;
use super::fault::Storm;
use super::former::Former;
use super::lock;
use super::pool::{MemoryUse, Pool};
use super::rates::CallRates;
use super::refuse::Refuse;
use super::shard::Shard;
use super::stream::Stream;
use super::subscription::Subscriptions;
use crate::base::Timestamp;
use crate::base::rng::generator;
use crate::kinesis::arn::StreamArn;
use crate::kinesis::operation::Commitment;
use crate::kinesis::quotas::{Limits, RATES, RateName, Scope};
use crate::kinesis::{KinesisError, StreamName};

/// What an account is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The account's id: 12 digits.
    pub account_id: String,
    /// The region's name, as in `us-east-1`.
    pub region: String,
    /// The limits in force.
    pub limits: Limits,
    /// How many bytes segments may take; beyond that the oldest records go. A put may exceed it by the segment that it
    /// begins until it returns; what a reader still holds of trimmed segments is not counted.
    pub max_memory_bytes: u64,
}

/// Streams by name.
pub(super) type Table = BTreeMap<StreamName, Arc<Stream>>;

/// One account of the local Kinesis in one region.
///
/// Every call takes the time as `now` and first ends the change (creation, resharding, deletion) that its stream was
/// waiting for, if it is due. Times should not go back by much: limits and arrival times go on from the latest time
/// that they have seen.
pub struct Account {
    settings: Settings,
    pub(super) pool: Pool,
    table: ArcSwap<Table>,
    control: Mutex<AccountControl>,
    /// The streams that are gone: one made again under the name has other sequence numbers, even in the same second.
    former: Mutex<Former<StreamName>>,
    /// The creation time of the newest stream in ns, or a little more: no two streams have the same.
    newest: AtomicU64,
    /// Tells this account and region from others in incarnations.
    identity: u64,
    pub(super) dues: Arc<Dues>,
    pub(super) subscriptions: Subscriptions,
    /// Held by the thread that gives up segments for the memory limit.
    giving_up: Mutex<()>,
}

/// Held by control-plane calls that count streams or shards of the whole account.
#[derive(Debug, Default)]
pub(super) struct AccountControl {
    pub(super) calls: CallRates,
    pub(super) commitment: Commitment,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("settings", &self.settings)
            .field("streams", &self.table.load().keys())
            .field("memory", &self.memory())
            .finish_non_exhaustive()
    }
}

impl Account {
    /// An account without streams.
    pub fn new(settings: Settings) -> Self {
        Self {
            pool: Pool::new(settings.max_memory_bytes),
            identity: identity(&settings),
            settings,
            table: ArcSwap::default(),
            control: Mutex::default(),
            former: Mutex::default(),
            newest: AtomicU64::new(0),
            dues: Arc::default(),
            subscriptions: Subscriptions::default(),
            giving_up: Mutex::default(),
        }
    }

    /// What the account is.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether it has no stream and never had a throughput commitment.
    pub fn is_blank(&self) -> bool {
        self.table.load().is_empty() && self.control().commitment == Commitment::default()
    }

    /// When the earliest change under way is due.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.dues.earliest()
    }

    /// Ends every change that is due by `now`.
    pub fn apply_due(&self, now: Timestamp) {
        if self.next_due().is_none_or(|due| due > now) {
            return;
        }
        for stream in self.table.load_full().values() {
            self.settle(now, stream);
        }
        self.search_dues();
    }

    /// Finds when the next change is due, after one ended or was put off.
    pub(super) fn search_dues(&self) {
        let earliest = || self.table.load().values().filter_map(|s| s.due()).min();
        self.dues.search(earliest);
    }

    /// Allocates and touches spare segments until at least `bytes` are spare or the memory limit is reached.
    pub fn warm(&self, bytes: u64) {
        self.pool.warm(bytes);
    }

    /// How memory is used.
    pub fn memory(&self) -> MemoryUse {
        self.pool.memory()
    }

    /// Refuses a share of the records put to a stream for a time. A later storm takes an earlier one's place.
    ///
    /// # Errors
    /// `ResourceNotFound` when there is no such stream or shard.
    pub fn throttle(&self, stream: &str, storm: Storm) -> Result<(), KinesisError> {
        let table = self.table.load();
        let found = table.get(stream);
        let found = found.ok_or_else(|| self.refuse(stream).no_stream())?;
        match storm.shard {
            Some(shard) if !found.set_storm(storm) => Err(self.refuse(stream).no_shard(shard)),
            Some(_) => Ok(()),
            None => {
                found.set_storm(storm);
                Ok(())
            }
        }
    }

    pub(super) fn refuse<'a>(&'a self, stream: &'a str) -> Refuse<'a> {
        Refuse {
            account: &self.settings.account_id,
            stream,
        }
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    pub(super) fn arn(&self, stream: &StreamName) -> String {
        self.stream_arn(stream).to_string()
    }

    pub(super) fn stream_arn(&self, stream: &StreamName) -> StreamArn {
        let Settings {
            account_id, region, ..
        } = &self.settings;
        StreamArn::new(region, account_id, stream.clone())
    }

    /// Checks that an ARN is of this account and region.
    pub(super) fn check_arn(&self, arn: &StreamArn) -> Result<(), KinesisError> {
        arn.check(&self.settings.account_id, &self.settings.region)
    }

    /// The streams as they are now.
    pub(super) fn table(&self) -> Guard<Arc<Table>> {
        self.table.load()
    }

    /// The streams as they are now, with `stream`'s due change made.
    pub(super) fn table_for(&self, now: Timestamp, stream: &str) -> Guard<Arc<Table>> {
        let table = self.table.load();
        if let Some(found) = table.get(stream)
            && found.is_due(now)
        {
            self.settle(now, found);
            return self.table.load();
        }
        table
    }

    /// The streams as they are now, with every due change made.
    pub(super) fn table_at(&self, now: Timestamp) -> Guard<Arc<Table>> {
        self.apply_due(now);
        self.table.load()
    }

    pub(super) fn find(&self, now: Timestamp, stream: &str) -> Result<Arc<Stream>, KinesisError> {
        let table = self.table_for(now, stream);
        table
            .get(stream)
            .cloned()
            .ok_or_else(|| self.refuse(stream).no_stream())
    }

    pub(super) fn control(&self) -> MutexGuard<'_, AccountControl> {
        lock(&self.control)
    }

    /// Counts a call of a control-plane operation.
    pub(super) fn admit(
        &self,
        now: Timestamp,
        rate: RateName,
        stream: &str,
        owner: Option<&Stream>,
    ) -> Result<(), KinesisError> {
        let row = &RATES[rate as usize];
        let passes = match (row.scope, owner) {
            (Scope::Stream | Scope::Shard, Some(owner)) => {
                owner.control().calls.admit(self.limits(), rate, now)
            }
            _ => self.control().calls.admit(self.limits(), rate, now),
        };
        if passes {
            Ok(())
        } else {
            Err(self.refuse(stream).call_rate(row.cause))
        }
    }

    /// A number that no other stream has: of this account, of another one, or of this one in an earlier process. An
    /// iterator that outlived its stream is told from those of the stream that has its name now.
    pub(super) fn next_incarnation(&self, now: Timestamp) -> u64 {
        let later = |newest: u64| now.as_nanos().max(newest.saturating_add(1));
        let before = self
            .newest
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |newest| {
                Some(later(newest))
            });
        later(before.unwrap_or_default()) ^ self.identity
    }

    /// The creation second of the shards of a new stream.
    pub(super) fn created_s(&self, now: Timestamp, stream: &StreamName) -> u64 {
        lock(&self.former).created_s(now, stream)
    }

    pub(super) fn insert(&self, stream: &Arc<Stream>) {
        self.table.rcu(|table| {
            let mut table = Table::clone(table);
            table.insert(stream.name.clone(), Arc::clone(stream));
            table
        });
        // It may have been looked for before the stream was there to be found.
        if let Some(due) = stream.due() {
            self.dues.note(due.as_nanos(), || {});
        }
    }

    /// Ends a stream's change if it is due, and forgets the stream if that was its deletion.
    pub(super) fn settle(&self, now: Timestamp, stream: &Arc<Stream>) {
        if !stream.is_due(now) {
            return;
        }
        let (gone, latest_s) = {
            let mut control = stream.control();
            let gone = stream.settle(&self.pool, &mut control, now);
            (gone, stream.latest_s(&control))
        };
        if gone {
            // Before the name is free.
            lock(&self.former).note(now, stream.name.clone(), latest_s);
            self.table.rcu(|table| {
                let mut table = Table::clone(table);
                if table
                    .get(stream.name.as_str())
                    .is_some_and(|found| Arc::ptr_eq(found, stream))
                {
                    table.remove(stream.name.as_str());
                }
                table
            });
        }
        self.search_dues();
    }

    /// Gives up the oldest segments while the memory limit is exceeded. One thread at a time does it; the others go on.
    pub(super) fn keep_memory_limit(&self, now: Timestamp) {
        while self.pool.excess() > 0 {
            // Either this thread gets the lock, or its holder sees this thread's segment when it looks once more after
            // it let the lock go: the fences order each thread's segment or unlocking before its look at the other's.
            fence(Ordering::SeqCst);
            let giving_up = match self.giving_up.try_lock() {
                Ok(guard) => guard,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let enough = self.give_up_oldest(now, || self.pool.excess() > 0);
            drop(giving_up);
            fence(Ordering::SeqCst);
            if !enough {
                return;
            }
        }
    }

    /// Gives up spare memory and then the oldest records until `bytes` less are held, for accounts that share memory
    /// with this one; `false` if there is nothing left to give up.
    pub fn give_up(&self, now: Timestamp, bytes: u64) -> bool {
        let _giving_up = lock(&self.giving_up);
        let MemoryUse {
            log_bytes,
            pool_bytes,
            ..
        } = self.memory();
        let target = (log_bytes + pool_bytes).saturating_sub(bytes);
        self.give_up_oldest(now, || self.pool.is_above(target))
    }

    /// Gives up the oldest segments until there is enough room; `false` if there are none left.
    fn give_up_oldest(&self, now: Timestamp, lacks_room: impl Fn() -> bool) -> bool {
        let table = self.table.load_full();
        let mut shards: Vec<(Arc<Shard>, Timestamp)> = Vec::new();
        for stream in table.values() {
            let horizon = stream.horizon(now);
            let map = stream.map();
            shards.extend(map.shards().iter().map(|s| (Arc::clone(s), horizon)));
        }
        while lacks_room() {
            let oldest = shards
                .iter()
                .filter_map(|held| held.0.oldest_segment().map(|ordinal| (ordinal, held)))
                .min_by_key(|&(ordinal, _)| ordinal);
            let Some((ordinal, (shard, horizon))) = oldest else {
                return false;
            };
            shard.give_up(&self.pool, ordinal, *horizon);
        }
        true
    }
}

/// A number of the account and region.
fn identity(settings: &Settings) -> u64 {
    let mut random = generator(0, &settings.account_id, 0, &settings.region);
    random.random()
}
