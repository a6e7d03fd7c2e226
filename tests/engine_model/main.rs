//! The engine against a small obvious model: random calls to both, every answer compared.

mod model;

use std::time::Duration;

use proptest::prelude::*;
use streamgauge::base::Timestamp;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::operation::{
    CreateStream, IteratorPosition, MergeShards, ShardFilter, SplitShard,
};
use streamgauge::kinesis::quotas::{CapName, RateName};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::sequence::SequenceParts;
use streamgauge::kinesis::{
    Cause, ErrorCode, HashKey, KinesisError, Limits, PutBatch, SequenceNumber, ShardId,
};

use model::{Change, Model, Pending, Record, Shard, Step, TOKEN};

const STREAM: &str = "orders";
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
/// Not a whole millisecond.
const EPOCH: u64 = 1_700_000_000 * SECOND + 123_456_789;
const DAY: u64 = 24 * 3_600 * SECOND;
const MIB: i128 = 1 << 20;
const SHARDS: u32 = 2;

/// One call. Shards are picked modulo how many there are.
#[derive(Clone, Debug)]
enum Call {
    Put {
        key: u8,
        bytes: usize,
        hide: u64,
    },
    PutRecords {
        key: u8,
        records: usize,
        bytes: usize,
    },
    Read {
        shard: usize,
        from: From,
        limit: u32,
    },
    Split {
        shard: usize,
        at: u8,
        takes: u64,
    },
    Merge {
        shard: usize,
        takes: u64,
    },
    Update {
        target: u32,
    },
    Retention {
        hours: u32,
    },
    Delete {
        takes: u64,
    },
    Wait {
        nanos: u64,
    },
    /// Time steps back.
    Back {
        nanos: u64,
    },
}

#[derive(Clone, Debug)]
enum From {
    TrimHorizon,
    Latest,
    At(u64),
    After(u64),
    Time { ago: u64 },
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let bytes = prop_oneof![4 => 0usize..2_000, 1 => 100_000usize..500_000];
    let from = prop_oneof![
        3 => Just(From::TrimHorizon),
        1 => Just(From::Latest),
        2 => (0u64..40).prop_map(From::At),
        2 => (0u64..40).prop_map(From::After),
        1 => (0..5 * SECOND).prop_map(|ago| From::Time { ago }),
    ];
    let takes = prop_oneof![Just(0u64), 1..5 * SECOND];
    let call = prop_oneof![
        8 => (any::<u8>(), bytes.clone(), prop_oneof![3 => Just(0u64), 1 => 1..3 * SECOND])
            .prop_map(|(key, bytes, hide)| Call::Put { key, bytes, hide }),
        3 => (any::<u8>(), 1usize..500, 0usize..300)
            .prop_map(|(key, records, bytes)| Call::PutRecords { key, records, bytes }),
        8 => (any::<usize>(), from, prop_oneof![1u32..20, Just(10_000)])
            .prop_map(|(shard, from, limit)| Call::Read { shard, from, limit }),
        1 => (any::<usize>(), any::<u8>(), takes.clone())
            .prop_map(|(shard, at, takes)| Call::Split { shard, at, takes }),
        1 => (any::<usize>(), takes.clone()).prop_map(|(shard, takes)| Call::Merge { shard, takes }),
        1 => (1u32..6).prop_map(|target| Call::Update { target }),
        1 => (24u32..60).prop_map(|hours| Call::Retention { hours }),
        1 => takes.prop_map(|takes| Call::Delete { takes }),
        6 => prop_oneof![8 => 0..3 * SECOND, 1 => 0..DAY].prop_map(|nanos| Call::Wait { nanos }),
        1 => (0..2 * SECOND).prop_map(|nanos| Call::Back { nanos }),
    ];
    prop::collection::vec(call, 1..120)
}

fn at(now: u64) -> Timestamp {
    Timestamp::from_nanos(now)
}

fn id(number: usize) -> ShardId {
    ShardId::new(number as u32).expect("few shards")
}

fn hash_key(key: u8) -> HashKey {
    HashKey((u128::from(key) << 120) + 77)
}

struct Pair {
    account: Account,
    model: Model,
    now: u64,
    written: u64,
    /// The last iterator and when it was issued.
    iterator: Option<(String, u64)>,
}

impl Pair {
    fn new() -> Self {
        let account = Account::new(Settings {
            account_id: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            limits: {
                let mut limits = Limits::aws();
                // Their windows are tested by name; here they would only hide the rest.
                for rate in [
                    RateName::SplitShard,
                    RateName::MergeShards,
                    RateName::UpdateShardCount,
                    RateName::IncreaseRetention,
                    RateName::DecreaseRetention,
                    RateName::CreateStream,
                    RateName::DeleteStream,
                ] {
                    limits.set_rate(rate, None);
                }
                limits.set_cap(CapName::UpdateShardCountsPerDay, None);
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
        let kept = kept.filter(|(_, issued)| self.now <= issued + 300 * SECOND);
        let read = |pair: &Self| {
            kept.as_ref().map(|(iterator, _)| {
                let page = pair.account.get_records(now, iterator, None);
                page.expect_err("its stream is gone").code
            })
        };
        let is = |code| kept.as_ref().map(|_| code);
        prop_assert_eq!(read(self), is(ErrorCode::ResourceNotFound));
        self.create();
        prop_assert_eq!(read(self), is(ErrorCode::InternalFailure));
        self.model = Model::new(self.now);
        Ok(())
    }

    /// Ends what is due and trims every shard, so that what was trimmed does not depend on when the engine did so once
    /// time steps back.
    fn catch_up(&mut self) {
        self.account.apply_due(at(self.now));
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
    }

    fn number(&self, shard: usize, counter: usize, arrival: u64) -> SequenceNumber {
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

    fn call(&mut self, call: &Call) -> Result<(), TestCaseError> {
        self.model.settle(self.now);
        if self.model.gone {
            self.replace()?;
        }
        match *call {
            Call::Wait { nanos } => self.now += nanos,
            Call::Back { nanos } => {
                self.catch_up();
                self.now = (self.now - nanos).max(EPOCH);
            }
            Call::Retention { hours } => self.set_retention(hours)?,
            Call::Delete { takes } => {
                let takes_for = Duration::from_nanos(takes);
                let got = self.account.delete_stream(at(self.now), takes_for, STREAM);
                prop_assert_eq!(got.is_ok(), !self.model.is_deleting());
                if got.is_ok() {
                    self.model.pending = Some(Pending {
                        due: self.now + takes,
                        change: Change::Delete,
                    });
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
                prop_assert_eq!(got, expected.map_err(Some));
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
        prop_assert_eq!(got.is_ok(), self.model.pending.is_none(), "{:?}", got);
        if self.model.pending.is_none() {
            self.model.pending = Some(Pending {
                due: self.now + takes,
                change: Change::Reshard(steps),
            });
            self.model.settle(self.now);
        }
        Ok(())
    }

    fn set_retention(&mut self, hours: u32) -> Result<(), TestCaseError> {
        let now = at(self.now);
        let got = if hours >= self.model.retention_hours {
            self.account.increase_retention(now, STREAM, hours)
        } else {
            self.account.decrease_retention(now, STREAM, hours)
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
        let allowed = self.model.pending.is_none()
            && target as usize <= 2 * open
            && 2 * target as usize >= open;
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

    fn read(&mut self, shard: usize, from: &From, limit: u32) -> Result<(), TestCaseError> {
        let number = shard % self.model.shards.len();
        let now = self.now;
        let horizon = self.model.horizon(now);
        let shard = &self.model.shards[number];
        let stored = shard.records.len();
        // Positions are how many records lie before them.
        let (position, asked) = match *from {
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
        };
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
        self.iterator = Some((iterator.clone(), now));

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_is_answered_as_the_model_answers(calls in calls()) {
        let mut pair = Pair::new();
        for call in &calls {
            pair.call(call)?;
        }
    }
}
