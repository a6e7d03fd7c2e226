//! What a stream is, as plainly as it can be said. Times are nanoseconds.

use std::collections::{BTreeMap, BTreeSet};

use streamgauge::kinesis::Cause;
use streamgauge::kinesis::operation::ShardMetric;

use crate::consumers::Consumer;
use crate::{MIB, MS, SECOND};

/// A bucket, in billionths of a token.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) rate: i128,
    pub(crate) capacity: i128,
    pub(crate) level: i128,
    pub(crate) at: u64,
}

/// One token.
pub(crate) const TOKEN: i128 = 1_000_000_000;

impl Tokens {
    /// A full one of one second.
    pub(crate) fn new(rate: i128, now: u64) -> Self {
        Self {
            rate,
            capacity: rate,
            level: rate * TOKEN,
            at: now,
        }
    }

    pub(crate) fn level(&mut self, now: u64) -> i128 {
        let gained = self.rate * i128::from(now.saturating_sub(self.at));
        self.level = (self.level + gained).min(self.capacity * TOKEN);
        self.at = self.at.max(now);
        self.level
    }

    /// Makes it larger or smaller. What was taken stays taken.
    pub(crate) fn resize(&mut self, capacity: i128, now: u64) {
        let level = self.level(now);
        self.capacity = capacity;
        self.level = level.min(capacity * TOKEN);
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) arrival: u64,
    pub(crate) visible: u64,
    pub(crate) encrypted: bool,
    pub(crate) data: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct Shard {
    pub(crate) start: u128,
    pub(crate) end: u128,
    pub(crate) created_s: u64,
    pub(crate) records: Vec<Record>,
    /// How many of them readers were shown or could have been: what was visible once stays so when time steps back.
    pub(crate) shown: usize,
    /// How many of them are past retention.
    pub(crate) trimmed: usize,
    pub(crate) closed: Option<u64>,
    /// Whether it was past retention when retention changed.
    pub(crate) expired: bool,
    pub(crate) children: Vec<usize>,
    pub(crate) parents: Vec<usize>,
    /// The newest arrival, its own or a parent's.
    pub(crate) last_arrival: u64,
    /// The delay of records put until a time.
    pub(crate) hidden: (u64, u64),
    pub(crate) write_records: Tokens,
    pub(crate) write_bytes: Tokens,
    pub(crate) read_calls: Tokens,
    pub(crate) read_bytes: Tokens,
    pub(crate) iterators: Tokens,
}

impl Shard {
    /// Forgets what arrived in a millisecond before that of the horizon.
    pub(crate) fn trim(&mut self, horizon: u64) {
        let old = |record: &&Record| record.arrival / MS < horizon / MS;
        let past = self.records.iter().take_while(old).count();
        self.trimmed = self.trimmed.max(past);
    }

    /// Shows what is visible by now.
    pub(crate) fn show(&mut self, now: u64) {
        let visible = |record: &&Record| record.visible <= now;
        let rest = &self.records[self.shown..];
        self.shown += rest.iter().take_while(visible).count();
    }

    pub(crate) fn is_expired(&self, horizon: u64) -> bool {
        self.expired || self.closed.is_some_and(|closed| closed < horizon)
    }
}

/// Parents that close, and the ranges of the children that open.
pub(crate) type Step = (Vec<usize>, Vec<(u128, u128)>);

/// A change that waits for its time.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) due: u64,
    pub(crate) change: Change,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Reshard(Vec<Step>),
    Encrypt(bool),
    Mode { on_demand: bool },
    Delete,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) shards: Vec<Shard>,
    pub(crate) pending: Option<Pending>,
    pub(crate) retention_hours: u32,
    pub(crate) gone: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) metrics: BTreeSet<ShardMetric>,
    pub(crate) policy: Option<String>,
    pub(crate) encrypted: bool,
    pub(crate) on_demand: bool,
    pub(crate) record_mib: u64,
    pub(crate) consumers: BTreeMap<String, Consumer>,
    /// The creation seconds of consumers that are gone, as long as a new one of the name could get the same.
    pub(crate) former: BTreeMap<String, u64>,
    /// The latest second that a consumer was created in.
    pub(crate) consumers_s: u64,
}

impl Model {
    /// A stream made at `now` under the name that `former` had, whose sequence numbers are not its own.
    pub(crate) fn anew(now: u64, former: &Self) -> Self {
        let shards = former.shards.iter().map(|shard| shard.created_s).max();
        let latest = shards.unwrap_or(0).max(former.consumers_s);
        Self::created(now, (now / SECOND).max(latest + 1))
    }

    pub(crate) fn new(now: u64) -> Self {
        Self::created(now, now / SECOND)
    }

    fn created(now: u64, created_s: u64) -> Self {
        let mut model = Self {
            shards: Vec::new(),
            pending: None,
            retention_hours: 24,
            gone: false,
            tags: BTreeMap::new(),
            metrics: BTreeSet::new(),
            policy: None,
            encrypted: false,
            on_demand: false,
            record_mib: 1,
            consumers: BTreeMap::new(),
            former: BTreeMap::new(),
            consumers_s: 0,
        };
        let half = 1u128 << 127;
        model.add((0, half - 1), created_s, now, 0, Vec::new());
        model.add((half, u128::MAX), created_s, now, 0, Vec::new());
        model
    }

    pub(crate) fn add(
        &mut self,
        (start, end): (u128, u128),
        created_s: u64,
        now: u64,
        last_arrival: u64,
        parents: Vec<usize>,
    ) {
        self.shards.push(Shard {
            start,
            end,
            created_s,
            records: Vec::new(),
            shown: 0,
            trimmed: 0,
            closed: None,
            expired: false,
            children: Vec::new(),
            parents,
            last_arrival,
            hidden: (0, 0),
            write_records: Tokens::new(1_000, now),
            write_bytes: Tokens {
                capacity: self.byte_capacity(),
                level: self.byte_capacity() * TOKEN,
                ..Tokens::new(MIB, now)
            },
            read_calls: Tokens::new(5, now),
            read_bytes: Tokens::new(2 * MIB, now),
            iterators: Tokens::new(5, now),
        });
    }

    /// Records above 1 MiB come with a tank of 10 MiB.
    pub(crate) fn byte_capacity(&self) -> i128 {
        if self.record_mib > 1 { 10 * MIB } else { MIB }
    }

    pub(crate) fn horizon(&self, now: u64) -> u64 {
        now - u64::from(self.retention_hours) * 3_600 * SECOND
    }

    pub(crate) fn is_deleting(&self) -> bool {
        let change = self.pending.as_ref().map(|pending| &pending.change);
        matches!(change, Some(Change::Delete))
    }

    /// The open shards in order of their hash keys.
    pub(crate) fn open(&self) -> Vec<usize> {
        let mut open: Vec<_> = (0..self.shards.len())
            .filter(|&s| self.shards[s].closed.is_none())
            .collect();
        open.sort_by_key(|&shard| self.shards[shard].start);
        open
    }

    pub(crate) fn settle(&mut self, now: u64) {
        let Some(pending) = self.pending.take_if(|pending| pending.due <= now) else {
            return;
        };
        let steps = match pending.change {
            Change::Delete => {
                self.gone = true;
                return;
            }
            Change::Encrypt(on) => {
                self.encrypted = on;
                return;
            }
            Change::Mode { on_demand } => {
                self.on_demand = on_demand;
                return;
            }
            Change::Reshard(steps) => steps,
        };
        for (parents, ranges) in steps {
            let (mut closed_s, mut last_arrival) = (0, 0);
            for &parent in &parents {
                let first = self.shards.len();
                let shard = &mut self.shards[parent];
                let closed = pending.due.max(shard.last_arrival);
                shard.closed = Some(closed);
                shard.children = (first..first + ranges.len()).collect();
                closed_s = closed_s.max(shard.created_s).max(closed / SECOND);
                last_arrival = last_arrival.max(shard.last_arrival);
            }
            for range in ranges {
                self.add(
                    range,
                    closed_s + 1,
                    pending.due,
                    last_arrival,
                    parents.clone(),
                );
            }
        }
    }

    pub(crate) fn fits(&self, bytes: usize) -> bool {
        (bytes as u64) < self.record_mib << 20
    }

    /// Gives the shard, the record's number in it and its arrival. No cause is given for a record that is too large.
    pub(crate) fn put(
        &mut self,
        key: u128,
        data: Vec<u8>,
        now: u64,
        delay: u64,
    ) -> Result<(usize, usize, u64), Option<Cause>> {
        if !self.fits(data.len()) {
            return Err(None);
        }
        let number = (0..self.shards.len())
            .find(|&s| {
                let shard = &self.shards[s];
                shard.closed.is_none() && shard.start <= key && key <= shard.end
            })
            .expect("open shards cover the space");
        let shard = &mut self.shards[number];
        let bytes = (data.len() as i128 + 1) * TOKEN;
        if shard.write_records.level(now) < TOKEN {
            return Err(Some(Cause::WriteRecords));
        }
        if shard.write_bytes.level(now) < bytes {
            return Err(Some(Cause::WriteBytes));
        }
        shard.write_records.level -= TOKEN;
        shard.write_bytes.level -= bytes;
        if now >= shard.hidden.0 {
            shard.hidden = (now + 200 * MS, delay);
        }
        // Nobody sees a record before those in front of it.
        shard.show(now);
        let hidden = &shard.records[shard.shown..];
        let before = hidden.last().map_or(0, |last| last.visible);
        shard.last_arrival = shard.last_arrival.max(now);
        shard.records.push(Record {
            arrival: shard.last_arrival,
            visible: before.max(now + shard.hidden.1),
            encrypted: self.encrypted,
            data,
        });
        shard.show(now);
        Ok((number, shard.records.len(), shard.last_arrival))
    }
}
