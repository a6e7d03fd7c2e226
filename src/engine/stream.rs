//! One stream: its status, its shard map, the change that it waits for.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

use super::consumer::Consumers;
use super::due::Dues;
use super::fault::Storm;
use super::lock;
use super::on_demand::{OnDemand, Rules};
use super::pool::Pool;
use super::rates::CallRates;
use super::reshard::{Step, uniform_plan};
use super::shard::ShardRates;
use super::shard_map::{Nature, ShardMap};
use super::window::DayWindow;
use crate::base::Timestamp;
use crate::kinesis::operation::{
    Encryption, EncryptionType, RecordDistribution, ShardMetric, StreamMode, StreamStatus, Tags,
};
use crate::kinesis::{HashKey, StreamName};

/// Retention of a new stream, hours (developer guide).
const FIRST_RETENTION_HOURS: u32 = 24;

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) name: StreamName,
    /// Which of the streams that have had this name.
    pub(super) incarnation: u64,
    pub(super) created: Timestamp,
    max_record_bytes: AtomicU64,
    /// What it follows while it is on-demand.
    rules: Rules,
    retention_hours: AtomicU32,
    /// In ns: what arrived earlier was past retention once, and does not come back when retention grows.
    forgotten_nanos: AtomicU64,
    encrypted: AtomicBool,
    /// Whether records are spread evenly, whatever their keys.
    spreads: AtomicBool,
    /// How many records were spread.
    spread: AtomicU64,
    status: AtomicU8,
    /// When the change under way is done, in ns; `u64::MAX` without one. Lets a call see without a lock that nothing is
    /// due.
    due_nanos: AtomicU64,
    /// The account's.
    dues: Arc<Dues>,
    map: ArcSwap<ShardMap>,
    control: Mutex<Control>,
}

/// What control-plane calls read and write.
#[derive(Debug)]
pub(super) struct Control {
    pending: Option<Pending>,
    /// Calls per second of operations that are limited by stream.
    pub(super) calls: CallRates,
    /// UpdateShardCount.
    pub(super) scaled: DayWindow,
    pub(super) mode_switches: DayWindow,
    pub(super) encryption_starts: DayWindow,
    pub(super) encryption_stops: DayWindow,
    pub(super) consumers: Consumers,
    pub(super) tags: Tags,
    pub(super) policy: Option<String>,
    pub(super) encryption: Encryption,
    pub(super) metrics: BTreeSet<ShardMetric>,
    /// What WarmThroughputMiBps asked for.
    pub(super) warm_mib: Option<u32>,
    /// What of it is there.
    pub(super) warmed_mib: u32,
    on_demand: Option<OnDemand>,
    rates: ShardRates,
    storm: Option<Storm>,
}

impl Control {
    pub(super) const fn mode(&self) -> StreamMode {
        match self.on_demand {
            Some(_) => StreamMode::OnDemand,
            None => StreamMode::Provisioned,
        }
    }

    /// The mode that counts against quotas: that of a change under way, as a reshard's shards count from its beginning.
    pub(super) fn counted_mode(&self) -> StreamMode {
        match self.pending.as_ref().map(|pending| &pending.change) {
            Some(Change::Mode(mode, _)) => *mode,
            _ => self.mode(),
        }
    }

    /// Shards that warm throughput asks for: one takes 1 MiB/s.
    fn warm_shards(&self) -> u64 {
        self.warm_mib.map_or(0, u64::from)
    }
}

/// What a new stream is.
#[derive(Debug)]
pub(super) struct Founding {
    pub(super) name: StreamName,
    pub(super) incarnation: u64,
    pub(super) shards: u32,
    /// The creation second of its shards.
    pub(super) created_s: u64,
    pub(super) mode: StreamMode,
    pub(super) max_record_bytes: u64,
    pub(super) rates: ShardRates,
    pub(super) rules: Rules,
    pub(super) distribution: RecordDistribution,
    pub(super) tags: Tags,
    pub(super) warm_mib: Option<u32>,
    pub(super) dues: Arc<Dues>,
}

/// A change under way.
#[derive(Debug)]
pub(super) enum Change {
    Create,
    Delete,
    Reshard(Vec<Step>),
    /// The mode, and the warm throughput that comes with it.
    Mode(StreamMode, Option<u32>),
    Warm(u32),
    Encrypt(Encryption),
}

#[derive(Debug)]
struct Pending {
    due: Timestamp,
    change: Change,
    /// Shards that it may add, counted against the quota from its beginning.
    additional_shards: u64,
}

impl Stream {
    pub(super) fn new(founding: Founding, now: Timestamp) -> Self {
        let Founding {
            rates,
            shards,
            created_s,
            ..
        } = founding;
        let on_demand = founding.mode == StreamMode::OnDemand;
        let spreads = founding.distribution == RecordDistribution::Auto;
        Self {
            name: founding.name,
            incarnation: founding.incarnation,
            created: now,
            max_record_bytes: AtomicU64::new(founding.max_record_bytes),
            rules: founding.rules,
            retention_hours: AtomicU32::new(FIRST_RETENTION_HOURS),
            forgotten_nanos: AtomicU64::new(0),
            encrypted: AtomicBool::new(false),
            spreads: AtomicBool::new(spreads),
            spread: AtomicU64::new(0),
            status: AtomicU8::new(StreamStatus::Creating as u8),
            due_nanos: AtomicU64::new(u64::MAX),
            dues: founding.dues,
            map: ArcSwap::from_pointee(ShardMap::initial(shards, now, created_s, &rates)),
            control: Mutex::new(Control {
                pending: None,
                calls: CallRates::default(),
                scaled: DayWindow::default(),
                mode_switches: DayWindow::default(),
                encryption_starts: DayWindow::default(),
                encryption_stops: DayWindow::default(),
                consumers: Consumers::since(created_s),
                tags: founding.tags,
                policy: None,
                encryption: Encryption::default(),
                metrics: BTreeSet::new(),
                warm_mib: founding.warm_mib,
                warmed_mib: founding.warm_mib.unwrap_or(0),
                on_demand: on_demand.then(|| OnDemand::new(now)),
                rates,
                storm: None,
            }),
        }
    }

    pub(super) fn map(&self) -> Guard<Arc<ShardMap>> {
        self.map.load()
    }

    pub(super) fn control(&self) -> MutexGuard<'_, Control> {
        lock(&self.control)
    }

    pub(super) fn status(&self) -> StreamStatus {
        let status = self.status.load(Ordering::Acquire);
        [
            StreamStatus::Creating,
            StreamStatus::Active,
            StreamStatus::Updating,
            StreamStatus::Deleting,
        ]
        .into_iter()
        .find(|&known| known as u8 == status)
        .unwrap_or(StreamStatus::Active)
    }

    fn set_status(&self, status: StreamStatus) {
        self.status.store(status as u8, Ordering::Release);
    }

    /// The latest second that a shard or a consumer of it was created in: what takes its name anew comes later.
    pub(super) fn latest_s(&self, control: &Control) -> u64 {
        self.map().latest_s().max(control.consumers.latest_s())
    }

    /// Whether records can be put: neither CREATING nor DELETING. The service model says that a stream in DELETING may
    /// still take them; kinesalite found that it does not.
    pub(super) fn takes_records(&self) -> bool {
        let status = self.status.load(Ordering::Acquire);
        status == StreamStatus::Active as u8 || status == StreamStatus::Updating as u8
    }

    pub(super) fn retention_hours(&self) -> u32 {
        self.retention_hours.load(Ordering::Relaxed)
    }

    pub(super) fn retention(&self) -> Duration {
        Duration::from_secs(u64::from(self.retention_hours()) * 3_600)
    }

    /// What arrived earlier is past retention, or was before it grew.
    pub(super) fn horizon(&self, now: Timestamp) -> Timestamp {
        let forgotten = Timestamp::from_nanos(self.forgotten_nanos.load(Ordering::Relaxed));
        now.minus(self.retention()).max(forgotten)
    }

    /// Sets the retention. What is past the old one goes first: it does not come back when retention grows.
    pub(super) fn set_retention_hours(&self, pool: &Pool, now: Timestamp, hours: u32) {
        let horizon = self.horizon(now);
        self.forgotten_nanos
            .store(horizon.as_nanos(), Ordering::Relaxed);
        for shard in self.map().shards() {
            shard.expire(pool, horizon);
        }
        self.retention_hours.store(hours, Ordering::Relaxed);
    }

    /// When the change under way is done.
    pub(super) fn due(&self) -> Option<Timestamp> {
        Some(self.due_nanos.load(Ordering::Acquire))
            .filter(|&nanos| nanos != u64::MAX)
            .map(Timestamp::from_nanos)
    }

    /// Whether the change under way is done by `now`.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now.as_nanos() >= self.due_nanos.load(Ordering::Acquire)
    }

    /// Begins a change, which takes the place of one under way.
    pub(super) fn begin(&self, control: &mut Control, due: Timestamp, change: Change, more: u64) {
        self.set_status(match change {
            Change::Create => StreamStatus::Creating,
            Change::Delete => StreamStatus::Deleting,
            Change::Reshard(_) | Change::Mode(..) | Change::Warm(_) | Change::Encrypt(_) => {
                StreamStatus::Updating
            }
        });
        match change {
            Change::Mode(StreamMode::Provisioned, _) => {
                (control.warm_mib, control.warmed_mib) = (None, 0);
            }
            // The target is shown from now on, what is there at the end (service model).
            Change::Mode(StreamMode::OnDemand, Some(mib)) | Change::Warm(mib) => {
                control.warm_mib = (mib > 0).then_some(mib);
            }
            _ => {}
        }
        control.pending = Some(Pending {
            due,
            change,
            additional_shards: more,
        });
        self.note_due(control);
    }

    /// Remembers when there is next something to do. A time of u64::MAX reads as none; such a change never ends in
    /// either case.
    fn note_due(&self, control: &Control) {
        let change = control.pending.as_ref().map(|pending| pending.due);
        let scaling = control.on_demand.as_ref().map(OnDemand::next);
        let due = change.into_iter().chain(scaling).min();
        let nanos = due.map_or(u64::MAX, Timestamp::as_nanos);
        self.dues.note(nanos, || {
            self.due_nanos.store(nanos, Ordering::Release);
        });
    }

    /// Ends the change under way if it is done by `now`, as of the time that it was due, and lets an on-demand stream
    /// judge its load. Says whether the stream is gone.
    pub(super) fn settle(&self, pool: &Pool, control: &mut Control, now: Timestamp) -> bool {
        let ended = control.pending.take_if(|pending| pending.due <= now);
        let gone = ended.is_some_and(|pending| self.end(pool, control, pending));
        if gone {
            control.on_demand = None;
        } else {
            self.scale(control, now);
        }
        self.note_due(control);
        gone
    }

    fn end(
        &self,
        pool: &Pool,
        control: &mut Control,
        Pending { due, change, .. }: Pending,
    ) -> bool {
        match change {
            Change::Create => {}
            Change::Delete => {
                for shard in self.map().shards() {
                    shard.delete(pool);
                }
                return true;
            }
            Change::Reshard(steps) => self.reshard(control, &steps, due),
            Change::Mode(mode, warm) => {
                control.on_demand = (mode == StreamMode::OnDemand).then(|| OnDemand::new(due));
                if let Some(mib) = warm {
                    self.warm(control, mib, due);
                }
            }
            Change::Warm(mib) => self.warm(control, mib, due),
            Change::Encrypt(encryption) => {
                let on = encryption.kind() == EncryptionType::Kms;
                self.encrypted.store(on, Ordering::Relaxed);
                for shard in self.map().shards() {
                    shard.set_encryption(encryption.kind());
                }
                control.encryption = encryption;
            }
        }
        self.set_status(StreamStatus::Active);
        false
    }

    fn reshard(&self, control: &Control, steps: &[Step], at: Timestamp) {
        let map = self.map.load_full();
        let nature = Nature {
            rates: &control.rates,
            storm: control.storm,
            encryption: control.encryption.kind(),
        };
        map.reshard(steps, at, nature, |new| {
            self.map.store(Arc::new(new));
        });
    }

    /// Splits until one shard per MiB/s of warm throughput is there.
    fn warm(&self, control: &mut Control, mib: u32, at: Timestamp) {
        control.warmed_mib = mib;
        let open = self.map().open_count();
        if mib > open {
            self.reshard_to(control, mib, at);
        }
    }

    fn reshard_to(&self, control: &Control, target: u32, at: Timestamp) {
        let steps = {
            let map = self.map();
            let next = map.next_id();
            next.map(|next| uniform_plan(&map.pieces(), next, target))
        };
        self.reshard(control, &steps.unwrap_or_default(), at);
    }

    /// Judges the load of an on-demand stream and makes the splits that are due. A split neither changes the status nor
    /// takes time of its own (unverified).
    fn scale(&self, control: &mut Control, now: Timestamp) {
        let Some(mut on_demand) = control.on_demand.take_if(|scaling| scaling.next() <= now) else {
            return;
        };
        let (open, warm) = (u64::from(self.map().open_count()), control.warm_shards());
        let loads = self.map().take_loads(now);
        on_demand.judge(now, &self.rules, open, warm, &loads);
        let changing = control.pending.is_some();
        if !changing {
            while let Some((at, shards)) = on_demand.due_splits(now) {
                let steps = self.map().halves(&shards);
                self.reshard(control, &steps, at);
            }
            let open = u64::from(self.map().open_count());
            if let Some(target) = on_demand.shrink_to(now, &self.rules, open, warm) {
                self.reshard_to(control, target, now);
            }
        }
        on_demand.wait(now, changing);
        control.on_demand = Some(on_demand);
    }

    pub(super) fn max_record_bytes(&self) -> u64 {
        self.max_record_bytes.load(Ordering::Relaxed)
    }

    /// Sets the largest record, and the byte bucket that goes with it.
    pub(super) fn set_max_record_bytes(
        &self,
        control: &mut Control,
        now: Timestamp,
        bytes: u64,
        rates: ShardRates,
    ) {
        control.rates = rates;
        self.max_record_bytes.store(bytes, Ordering::Relaxed);
        for shard in self.map().shards() {
            shard.set_rates(now, &rates);
        }
    }

    pub(super) fn encryption_type(&self) -> EncryptionType {
        if self.encrypted.load(Ordering::Relaxed) {
            EncryptionType::Kms
        } else {
            EncryptionType::None
        }
    }

    pub(super) fn distribution(&self) -> RecordDistribution {
        if self.spreads() {
            RecordDistribution::Auto
        } else {
            RecordDistribution::UserPartitionKey
        }
    }

    pub(super) fn set_distribution(&self, distribution: RecordDistribution) {
        let auto = distribution == RecordDistribution::Auto;
        self.spreads.store(auto, Ordering::Relaxed);
    }

    /// Whether records are spread evenly, whatever their keys.
    pub(super) fn spreads(&self) -> bool {
        self.spreads.load(Ordering::Relaxed)
    }

    /// Where the next spread record goes: multiples of the golden ratio fill a circle evenly at every moment. The
    /// service keeps its way to itself.
    pub(super) fn next_spread(&self) -> HashKey {
        spread_place(self.spread.fetch_add(1, Ordering::Relaxed))
    }

    /// Where it would go.
    pub(super) fn peek_spread(&self) -> HashKey {
        spread_place(self.spread.load(Ordering::Relaxed))
    }

    /// What an on-demand stream follows.
    pub(super) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Shards that count against the account's quota.
    pub(super) fn counted_shards(&self, control: &Control) -> u64 {
        let pending = control
            .pending
            .as_ref()
            .map_or(0, |pending| pending.additional_shards);
        u64::from(self.map().open_count()) + pending
    }

    /// Begins a storm in one shard or in all open ones; `false` if there is no such shard.
    pub(super) fn set_storm(&self, storm: Storm) -> bool {
        let mut control = self.control();
        let map = self.map();
        if let Some(id) = storm.shard {
            return map.get(id).map(|shard| shard.set_storm(storm)).is_some();
        }
        control.storm = Some(storm);
        for (id, _) in map.pieces() {
            if let Some(shard) = map.get(id) {
                shard.set_storm(storm);
            }
        }
        true
    }
}

const fn spread_place(number: u64) -> HashKey {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    HashKey((number.wrapping_mul(GOLDEN) as u128) << 64)
}
