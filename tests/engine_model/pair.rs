//! The engine and its model side by side: records, reads, shards and retention.

use std::time::Duration;

use proptest::prelude::*;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::operation::{
    CreateStream, IteratorPosition, MergeShards, ShardFilter, SplitShard,
};
use streamgauge::kinesis::quotas::{CapName, RATES, RateName};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::sequence::SequenceParts;
use streamgauge::kinesis::{
    Cause, ErrorCode, HashKey, KinesisError, Limits, PutBatch, SequenceNumber,
};

use crate::calls::{Call, From};
use crate::consumers::{CONSUMERS_MAX, CREATING_MAX, Subscription};
use crate::model::{Change, Model, Pending, Record, Shard, Step, TOKEN};
use crate::settings::TAGS_MAX;
use crate::{EPOCH, MIB, MS, SECOND, SHARDS, STREAM, at, hash_key, id};

/// The engine and its model, called alike.
pub(crate) struct Pair {
    pub(crate) account: Account,
    pub(crate) model: Model,
    pub(crate) now: u64,
    written: u64,
    /// The last iterator, when it was issued, and its shard.
    iterator: Option<(String, u64, usize)>,
    /// What was subscribed to, the oldest first.
    pub(crate) subscriptions: Vec<Subscription>,
    /// How many streams there were before this one.
    pub(crate) epoch: u64,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let account = Account::new(Settings {
            account_id: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            limits: {
                let mut limits = Limits::aws();
                // Windows and call rates are tested by name; here they would only hide the rest.
                for row in &RATES {
                    if row.cause == Cause::ApiRate && row.rate != RateName::SubscribeToShard {
                        limits.set_rate(row.rate, None);
                    }
                }
                for cap in [
                    CapName::UpdateShardCountsPerDay,
                    CapName::ModeSwitchesPerDay,
                    CapName::EncryptionStartsPerDay,
                    CapName::EncryptionStopsPerDay,
                ] {
                    limits.set_cap(cap, None);
                }
                // On-demand streams keep the shards that they have: how they scale is tested by name.
                limits.set_cap(CapName::OnDemandSplitPercent, Some(1_000_000));
                limits.set_cap(CapName::OnDemandPeakDays, Some(1_000_000));
                limits.set_cap(CapName::TagsPerResource, Some(TAGS_MAX as u64));
                limits.set_cap(CapName::ConsumersPerStream, Some(CONSUMERS_MAX as u64));
                limits.set_cap(CapName::ConsumersInCreation, Some(CREATING_MAX as u64));
                limits
            },
            max_memory_bytes: u64::MAX,
        });
        let pair = Self {
            account,
            model: Model::new(EPOCH),
            now: EPOCH,
            written: 0,
            iterator: None,
            subscriptions: Vec::new(),
            epoch: 0,
        };
        pair.create();
        pair
    }

    fn create(&self) {
        let request = CreateStream {
            stream: STREAM.parse().expect("a valid name"),
            shards: SHARDS,
            max_record_bytes: 1 << 20,
        };
        self.account
            .create_stream(at(self.now), Duration::ZERO, &request)
            .expect("there is no such stream");
    }

    /// What a stream that is gone leaves behind: nothing; and another of its name is a new one.
    fn replace(&mut self) -> Result<(), TestCaseError> {
        let now = at(self.now);
        let entry = PutEntry {
            partition_key: "k",
            data: b"x",
            explicit_hash_key: None,
        };
        let put = self
            .account
            .put_record(now, Duration::ZERO, STREAM, &entry, None);
        let from = IteratorPosition::TrimHorizon;
        let place = self.account.get_shard_iterator(now, STREAM, id(0), from);
        let codes = [
            put.expect_err("no stream").code,
            place.expect_err("no stream").code,
        ];
        prop_assert_eq!(codes, [ErrorCode::ResourceNotFound; 2]);
        let kept = self.iterator.take();
        let kept = kept.filter(|(_, issued, _)| self.now <= issued + 300 * SECOND);
        let read = |pair: &Self| {
            kept.as_ref().map(|(iterator, ..)| {
                let page = pair.account.get_records(now, iterator, None);
                page.expect_err("its stream is gone").code
            })
        };
        let missing = kept.as_ref().map(|_| ErrorCode::ResourceNotFound);
        prop_assert_eq!(read(self), missing);
        self.create();
        // The new stream has the first shards only.
        let fails = kept.as_ref().map(|&(_, _, shard)| match shard {
            shard if shard < SHARDS as usize => ErrorCode::InternalFailure,
            _ => ErrorCode::ResourceNotFound,
        });
        prop_assert_eq!(read(self), fails);
        self.model = Model::anew(self.now, &self.model);
        self.epoch += 1;
        Ok(())
    }

    /// Ends what is due and trims every shard, so that what was trimmed does not depend on when the engine did so once
    /// time steps back.
    fn catch_up(&mut self) -> Result<(), TestCaseError> {
        self.account.apply_due(at(self.now));
        self.compare_consumers()?;
        let horizon = self.model.horizon(self.now);
        for number in 0..self.model.shards.len() {
            let got = self.account.get_shard_iterator(
                at(self.now),
                STREAM,
                id(number),
                IteratorPosition::Latest,
            );
            let shard = &mut self.model.shards[number];
            if !shard.is_expired(horizon) {
                shard.trim(horizon);
                if got.is_ok() {
                    shard.iterators.level(self.now);
                    shard.iterators.level -= TOKEN;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn number(&self, shard: usize, counter: usize, arrival: u64) -> SequenceNumber {
        let created_s = self.model.shards[shard].created_s;
        SequenceParts {
            shard_created_s: created_s,
            shard: id(shard),
            counter: counter as u64,
            time_s: created_s.max(arrival / SECOND),
        }
        .encode()
    }

    /// Data that no other record has, unless it is too short.
    fn data(&mut self, bytes: usize) -> Vec<u8> {
        self.written += 1;
        let number = self.written.to_be_bytes();
        (0..bytes).map(|index| number[index % 8]).collect()
    }

    pub(crate) fn call(&mut self, call: &Call) -> Result<(), TestCaseError> {
        self.model.settle(self.now);
        if self.model.gone {
            self.replace()?;
        }
        match *call {
            Call::Wait { nanos } => self.now += nanos,
            Call::Back { nanos } => {
                self.catch_up()?;
                self.now = (self.now - nanos).max(EPOCH);
            }
            Call::Retention { hours } => self.set_retention(hours)?,
            Call::Tag { key, value } => self.tag(key, value)?,
            Call::Untag { key } => self.untag(key)?,
            Call::Monitor { metrics, on } => self.monitor(metrics, on)?,
            Call::Encrypt { on, takes } => self.encrypt(on, takes)?,
            Call::Mode { on_demand, takes } => self.switch_mode(on_demand, takes)?,
            Call::RecordSize { mib } => self.resize_records(mib)?,
            Call::Policy { number } => self.set_policy(number)?,
            Call::Register { name, takes } => self.register(name, takes)?,
            Call::Deregister { name, takes } => self.deregister(name, takes)?,
            Call::Subscribe {
                name,
                shard,
                ref from,
            } => self.subscribe(name, shard, from)?,
            Call::Poll { back } => self.poll(back)?,
            Call::Delete { takes, enforce } => {
                self.compare_consumers()?;
                let takes_for = Duration::from_nanos(takes);
                let got = self
                    .account
                    .delete_stream_with(at(self.now), takes_for, STREAM, enforce);
                let allowed =
                    !self.model.is_deleting() && (enforce || self.model.consumers.is_empty());
                prop_assert_eq!(got.is_ok(), allowed, "{:?}", got);
                if allowed {
                    self.model.consumers.clear();
                    self.begin(takes, Change::Delete);
                }
            }
            Call::Put { .. } | Call::PutRecords { .. } if self.model.is_deleting() => {
                let entry = PutEntry {
                    partition_key: "k",
                    data: b"x",
                    explicit_hash_key: None,
                };
                let got =
                    self.account
                        .put_record(at(self.now), Duration::ZERO, STREAM, &entry, None);
                prop_assert_eq!(got.expect_err("it ends").code, ErrorCode::ResourceNotFound);
            }
            Call::Put { key, bytes, hide } => {
                let data = self.data(bytes);
                let entry = PutEntry {
                    partition_key: "k",
                    data: &data,
                    explicit_hash_key: Some(hash_key(key)),
                };
                let visible_after = Duration::from_nanos(hide);
                let got =
                    self.account
                        .put_record(at(self.now), visible_after, STREAM, &entry, None);
                let expected = self.model.put(hash_key(key).0, data, self.now, hide);
                let expected = expected.map(|(shard, counter, arrival)| {
                    (id(shard), self.number(shard, counter, arrival))
                });
                let got = got
                    .map(|s| (s.shard, s.sequence_number))
                    .map_err(|error| error.cause);
                // A record that is too large is refused for no limit in time.
                prop_assert_eq!(got, expected);
            }
            Call::PutRecords {
                key,
                records,
                bytes,
            } => {
                let mut batch = PutBatch::new();
                let mut expected = Vec::new();
                for record in 0..records {
                    let key = hash_key(key.wrapping_add(record as u8));
                    let data = self.data(bytes);
                    batch.push(PutEntry {
                        partition_key: "k",
                        data: &data,
                        explicit_hash_key: Some(key),
                    });
                    let stored = self.model.put(key.0, data, self.now, 0);
                    expected.push(
                        stored
                            .map(|(shard, counter, arrival)| self.number(shard, counter, arrival)),
                    );
                }
                let mut results = Vec::new();
                self.account
                    .put_records(at(self.now), Duration::ZERO, STREAM, &batch, &mut results)
                    .map_err(|error| TestCaseError::fail(error.to_string()))?;
                let got: Vec<_> = results
                    .iter()
                    .map(|result| {
                        result
                            .map(|s| s.sequence_number)
                            .map_err(|e| e.cause.expect("a limit"))
                    })
                    .collect();
                let expected: Vec<_> = expected
                    .into_iter()
                    .map(|stored| stored.map_err(|cause| cause.expect("none is too large")))
                    .collect();
                prop_assert_eq!(got, expected);
            }
            Call::Read {
                shard,
                ref from,
                limit,
            } => self.read(shard, from, limit)?,
            Call::Split {
                shard,
                at: place,
                takes,
            } => {
                let open = self.model.open();
                let parent = open[shard % open.len()];
                let Shard { start, end, .. } = self.model.shards[parent];
                let key = start + (end - start) / 256 * (u128::from(place) + 1);
                let request = SplitShard {
                    shard: id(parent),
                    new_starting_hash_key: HashKey(key),
                };
                let got = self.account.split_shard(
                    at(self.now),
                    Duration::from_nanos(takes),
                    STREAM,
                    request,
                );
                if key > start + 1 && key < end {
                    let ranges = vec![(start, key - 1), (key, end)];
                    self.reshard(takes, vec![(vec![parent], ranges)], &got)?;
                } else {
                    prop_assert!(got.is_err());
                }
            }
            Call::Merge { shard, takes } => {
                let open = self.model.open();
                if open.len() > 1 {
                    let pick = shard % (open.len() - 1);
                    let (left, right) = (open[pick], open[pick + 1]);
                    let request = MergeShards {
                        shard: id(left),
                        adjacent: id(right),
                    };
                    let got = self.account.merge_shards(
                        at(self.now),
                        Duration::from_nanos(takes),
                        STREAM,
                        request,
                    );
                    let range = (self.model.shards[left].start, self.model.shards[right].end);
                    self.reshard(takes, vec![(vec![left, right], vec![range])], &got)?;
                }
            }
            Call::Update { target } => self.update(target)?,
        }
        Ok(())
    }

    fn reshard(
        &mut self,
        takes: u64,
        steps: Vec<Step>,
        got: &Result<(), KinesisError>,
    ) -> Result<(), TestCaseError> {
        let allowed = self.may_reshard();
        prop_assert_eq!(got.is_ok(), allowed, "{:?}", got);
        if allowed {
            self.begin(takes, Change::Reshard(steps));
        }
        Ok(())
    }

    fn may_reshard(&self) -> bool {
        self.model.pending.is_none() && !self.model.on_demand
    }

    /// Begins a change in the model.
    pub(crate) fn begin(&mut self, takes: u64, change: Change) {
        self.model.pending = Some(Pending {
            due: self.now + takes,
            change,
        });
        self.model.settle(self.now);
    }

    fn set_retention(&mut self, hours: u32) -> Result<(), TestCaseError> {
        let now = at(self.now);
        let got = if hours >= self.model.retention_hours {
            self.account.increase_retention(now, STREAM, hours.into())
        } else {
            self.account.decrease_retention(now, STREAM, hours.into())
        };
        prop_assert_eq!(got.is_ok(), self.model.pending.is_none(), "{:?}", got);
        if got.is_ok() {
            let horizon = self.model.horizon(self.now);
            for shard in &mut self.model.shards {
                shard.trim(horizon);
                shard.expired = shard.is_expired(horizon);
            }
            self.model.retention_hours = hours;
        }
        Ok(())
    }

    /// Which splits and merges an update makes is tested by name; here the model learns them from the listing and checks
    /// that the lineage is whole and that the result is even.
    fn update(&mut self, target: u32) -> Result<(), TestCaseError> {
        let open = self.model.open().len();
        let allowed =
            self.may_reshard() && target as usize <= 2 * open && 2 * target as usize >= open;
        let got = self
            .account
            .update_shard_count(at(self.now), Duration::ZERO, STREAM, target);
        prop_assert_eq!(got.is_ok(), allowed, "{:?}", got);
        if got.is_err() {
            return Ok(());
        }
        // Every shard is listed while nothing is past retention; children follow their parents by number.
        let known = self.model.shards.len();
        let after = Some(id(known - 1));
        let (new, _) = self
            .account
            .list_shards(at(self.now), STREAM, ShardFilter::default(), None, after)
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        let mut steps: Vec<Step> = Vec::new();
        for shard in &new {
            let parents: Vec<usize> = [shard.parent, shard.adjacent_parent]
                .iter()
                .flatten()
                .map(|parent| parent.number() as usize)
                .collect();
            let range = (shard.hash_key_range.start.0, shard.hash_key_range.end.0);
            match steps.last_mut() {
                Some((same, ranges)) if *same == parents => ranges.push(range),
                _ => steps.push((parents, vec![range])),
            }
        }
        self.model.pending = Some(Pending {
            due: self.now,
            change: Change::Reshard(steps),
        });
        self.model.settle(self.now);
        let open = self.model.open();
        prop_assert_eq!(open.len(), target as usize);
        let mut next = Some(0u128);
        for shard in open {
            let Shard { start, end, .. } = self.model.shards[shard];
            prop_assert_eq!(next, Some(start));
            next = end.checked_add(1);
            let share = (end - start) as f64 / 2f64.powi(128) * f64::from(target);
            prop_assert!((share - 1.0).abs() < 1e-9, "{}", share);
        }
        prop_assert_eq!(next, None);
        Ok(())
    }

    /// Where a reader of a shard begins: how many records lie before it, and how the engine is asked for it.
    pub(crate) fn place(&self, number: usize, from: &From) -> (usize, IteratorPosition) {
        let now = self.now;
        let horizon = self.model.horizon(now);
        let shard = &self.model.shards[number];
        let stored = shard.records.len();
        match *from {
            From::TrimHorizon => (0, IteratorPosition::TrimHorizon),
            From::Latest => (stored, IteratorPosition::Latest),
            From::At(counter) => {
                let number = self.number(number, counter as usize, now);
                (
                    (counter as usize).saturating_sub(1).min(stored),
                    IteratorPosition::AtSequenceNumber(number),
                )
            }
            From::After(counter) => {
                let number = self.number(number, counter as usize, now);
                (
                    (counter as usize).min(stored),
                    IteratorPosition::AfterSequenceNumber(number),
                )
            }
            From::Time { ago } => {
                let time = now - ago;
                let earlier = |r: &&Record| r.arrival / MS < (time / MS).max(horizon / MS);
                let before = shard.records.iter().take_while(earlier).count();
                (
                    before.max(shard.trimmed),
                    IteratorPosition::AtTimestamp(at(time)),
                )
            }
        }
    }

    fn read(&mut self, shard: usize, from: &From, limit: u32) -> Result<(), TestCaseError> {
        let number = shard % self.model.shards.len();
        let now = self.now;
        let horizon = self.model.horizon(now);
        let stored = self.model.shards[number].records.len();
        let (position, asked) = self.place(number, from);
        let got = self
            .account
            .get_shard_iterator(at(now), STREAM, id(number), asked);
        let shard = &mut self.model.shards[number];
        if shard.is_expired(horizon) {
            prop_assert!(got.is_err());
            return Ok(());
        }
        shard.trim(horizon);
        let kept = shard.trimmed;
        if shard.iterators.level(now) < TOKEN {
            prop_assert_eq!(
                got.expect_err("above the limit").cause,
                Some(Cause::ReadCalls)
            );
            return Ok(());
        }
        shard.iterators.level -= TOKEN;
        let iterator = got.map_err(|error| TestCaseError::fail(error.to_string()))?;
        self.iterator = Some((iterator.clone(), now, number));

        let got = self.account.get_records(at(now), &iterator, Some(limit));
        if shard.read_calls.level(now) < TOKEN {
            prop_assert_eq!(
                got.expect_err("above the limit").cause,
                Some(Cause::ReadCalls)
            );
            return Ok(());
        }
        if shard.read_bytes.level(now) <= 0 {
            prop_assert_eq!(
                got.expect_err("above the limit").cause,
                Some(Cause::ReadBytes)
            );
            return Ok(());
        }
        shard.read_calls.level -= TOKEN;
        let page = got.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let shard = &mut self.model.shards[number];
        let start = position.max(kept);
        let mut expected = Vec::new();
        let (mut bytes, mut full) = (0, false);
        shard.show(now);
        for record in &shard.records[start..shard.shown.max(start)] {
            if expected.len() == limit as usize {
                break;
            }
            let record_bytes = record.data.len() as i128 + 1;
            if bytes + record_bytes > 10 * MIB {
                full = true;
                break;
            }
            bytes += record_bytes;
            expected.push(record);
        }
        if full || bytes == 10 * MIB {
            // The answer's own bytes must come back before the next one.
            shard.read_bytes.level = -bytes * TOKEN;
        } else {
            shard.read_bytes.level -= bytes * TOKEN;
        }
        let end = start + expected.len();
        // Nothing is said to be behind only if nothing is stored there; else its age is, to the millisecond.
        if let Some(record) = shard.records.get(end) {
            let age = now.saturating_sub(record.arrival) / MS;
            prop_assert!(page.millis_behind_latest > 0);
            prop_assert!(page.millis_behind_latest.abs_diff(age) <= 1);
        } else {
            prop_assert_eq!(page.millis_behind_latest, 0);
        }
        let children: Vec<_> = if shard.closed.is_some() && end == stored {
            shard.children.clone()
        } else {
            Vec::new()
        };
        let trimmed_to = (position < kept).then(|| shard.records[kept - 1].arrival);
        let expected: Vec<Record> = expected.into_iter().cloned().collect();

        prop_assert_eq!(page.records.len(), expected.len());
        for ((got, expected), index) in page.records.iter().zip(&expected).zip(start..) {
            prop_assert_eq!(page.encrypted.holds(index - start), expected.encrypted);
            let sequence_number = self.number(number, index + 1, expected.arrival);
            prop_assert_eq!(got.sequence_number, sequence_number);
            prop_assert_eq!(got.arrival.as_millis(), expected.arrival / MS);
            prop_assert_eq!(got.data, &expected.data[..]);
        }
        prop_assert_eq!(
            page.trimmed_to,
            trimmed_to.map(|arrival| self.number(number, kept, arrival))
        );
        prop_assert_eq!(page.next_iterator.is_none(), !children.is_empty());
        let got: Vec<_> = page.child_shards.iter().map(|child| child.shard).collect();
        prop_assert_eq!(
            got,
            children.iter().map(|&child| id(child)).collect::<Vec<_>>()
        );
        for child in &page.child_shards {
            let parents = &self.model.shards[child.shard.number() as usize].parents;
            prop_assert_eq!(
                &child.parents,
                &parents.iter().map(|&p| id(p)).collect::<Vec<_>>()
            );
        }
        Ok(())
    }
}
