//! A target that misbehaves on purpose and keeps account of every misdeed.
//!
//! What a run reports is held against [`Deeds`]: an instrument that cannot find a fault it was given is not one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand_xoshiro::rand_core::Rng as _;

use super::put_to_host;
use crate::base::rng::{self, Rng};
use crate::host::Host;
use crate::kinesis::error::EntryError;
use crate::kinesis::operation::{PutApi, PutResult, RecordPage, Stored};
use crate::kinesis::record::OwnedRecord;
use crate::kinesis::{
    Cause, ErrorCode, KinesisError, PutBatch, RecordBatch, SequenceNumber, ShardId,
};

/// What the target does wrong, and how long it takes. Chances are from 0 to 1 and drawn for each record or call.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// A record is refused as throttled inside an answer of success.
    pub refuse: f64,
    /// A put is carried out and never answered.
    pub lose_answer: f64,
    /// A put is not carried out and never answered.
    pub lose_call: f64,
    /// A stored record is left out of the answer that should hold it.
    pub drop: f64,
    /// A record is delivered twice in a row.
    pub repeat: f64,
    /// A record changes places with its successor in the same answer.
    pub swap: f64,
    /// A byte of a record's data is changed.
    pub corrupt: f64,
    /// How long puts take, in turn, over and over; no time at all when empty.
    pub put_times: Vec<Duration>,
    /// Puts are acknowledged at once and nothing is stored, and nothing else of the script is done to them: what is left is
    /// the cost of the generator.
    pub swallow: bool,
}

/// Where swallowed records are said to be.
const FIRST_SHARD: ShardId = match ShardId::new(0) {
    Some(shard) => shard,
    None => ShardId::MAX,
};

/// What the target did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Deeds {
    /// Records that were refused by the script.
    pub refused: u64,
    /// Put calls that were carried out and not answered, and the records that they stored.
    pub lost_answers: (u64, u64),
    /// Put calls that were not carried out and not answered, and the records in them.
    pub lost_calls: (u64, u64),
    /// Records left out.
    pub dropped: u64,
    /// Records delivered twice.
    pub repeated: u64,
    /// Pairs of records that changed places.
    pub swapped: u64,
    /// Records changed.
    pub corrupted: u64,
}

/// To which records it was done, in order of time. [`Deeds`] has the same as numbers.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The data of records that were refused, once for each refusal.
    pub refused: Vec<Box<[u8]>>,
    /// The data of records in puts that were not answered, once for each such put, and where it was stored if it was.
    pub unanswered: Vec<(Box<[u8]>, Option<Stored>)>,
    /// Records left out.
    pub dropped: Vec<SequenceNumber>,
    /// Records delivered twice.
    pub repeated: Vec<SequenceNumber>,
    /// Records changed.
    pub corrupted: Vec<SequenceNumber>,
    /// The later and the earlier record of each pair that changed places, as they were delivered.
    pub swapped: Vec<(SequenceNumber, SequenceNumber)>,
    /// How far readers were led in each shard, what was left out included.
    pub reached: BTreeMap<ShardId, SequenceNumber>,
}

/// The engine behind a [`Script`].
#[derive(Debug)]
pub struct Scripted {
    host: Host,
    script: Script,
    state: Mutex<State>,
    /// Records that were swallowed.
    swallowed: AtomicU64,
}

#[derive(Debug)]
struct State {
    rng: Rng,
    deeds: Deeds,
    journal: Journal,
    puts: usize,
}

/// What becomes of one put call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    AnswerLost,
    CallLost,
}

impl Scripted {
    /// A target that does to `host`'s answers what the script says; `seed` decides to which.
    pub fn new(host: Host, script: Script, seed: u64) -> Self {
        let rng = rng::generator(seed, "target", 0, "script");
        Self {
            host,
            script,
            state: Mutex::new(State {
                rng,
                deeds: Deeds::default(),
                journal: Journal::default(),
                puts: 0,
            }),
            swallowed: AtomicU64::new(0),
        }
    }

    /// The engine.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// What was done so far.
    pub fn deeds(&self) -> Deeds {
        self.with_state(|state| state.deeds)
    }

    /// To which records it was done so far.
    pub fn journal(&self) -> Journal {
        self.with_state(|state| state.journal.clone())
    }

    pub(super) async fn put(
        &self,
        api: PutApi,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
    ) -> Result<(), KinesisError> {
        if self.script.swallow {
            self.swallow(batch.len() as u64, results);
            return Ok(());
        }
        let (fate, refused, takes) = self.decide_put(batch.len());
        if !takes.is_zero() {
            self.host.clock().sleep(takes).await;
        }
        match fate {
            Fate::CallLost => {
                self.with_state(|state| {
                    let lost = batch.iter().map(|entry| (entry.data.into(), None));
                    state.journal.unanswered.extend(lost);
                });
                std::future::pending().await
            }
            Fate::AnswerLost => {
                self.store(api, stream, batch, results, &refused).await?;
                let stored = results.iter().filter(|result| result.is_ok()).count() as u64;
                self.with_state(|state| {
                    state.deeds.lost_answers.1 += stored;
                    let lost = batch.iter().zip(results.iter());
                    let lost = lost.map(|(entry, result)| (entry.data.into(), result.ok()));
                    state.journal.unanswered.extend(lost);
                });
                std::future::pending().await
            }
            Fate::Answered => {
                let refusals = batch.iter().zip(&refused).filter(|(_, refused)| **refused);
                self.with_state(|state| {
                    let refusals = refusals.map(|(entry, _)| entry.data.into());
                    state.journal.refused.extend(refusals);
                });
                self.store(api, stream, batch, results, &refused).await
            }
        }
    }

    /// Acknowledges records with numbers of their own in the first shard.
    fn swallow(&self, records: u64, results: &mut Vec<PutResult>) {
        let first = 1 + self.swallowed.fetch_add(records, Ordering::Relaxed);
        let (shard, now_s) = (FIRST_SHARD, self.host.clock().now().as_secs());
        results.clear();
        results.extend((first..first + records).map(|counter| {
            Ok(Stored {
                shard,
                sequence_number: SequenceNumber::of_record(shard, now_s, counter, now_s),
            })
        }));
    }

    /// Puts what the script does not refuse and sets the refusals among the results.
    async fn store(
        &self,
        api: PutApi,
        stream: &str,
        batch: &PutBatch,
        results: &mut Vec<PutResult>,
        refused: &[bool],
    ) -> Result<(), KinesisError> {
        if !refused.contains(&true) {
            return put_to_host(&self.host, api, stream, batch, results).await;
        }
        let refusal = EntryError {
            code: ErrorCode::ProvisionedThroughputExceeded,
            cause: Some(Cause::Injected),
            shard: None,
        };
        let mut passed = PutBatch::new();
        for (entry, _) in batch.iter().zip(refused).filter(|(_, refused)| !**refused) {
            passed.push(entry);
        }
        let mut stored = Vec::with_capacity(passed.len());
        if !passed.is_empty() {
            put_to_host(&self.host, api, stream, &passed, &mut stored).await?;
        }
        let mut stored = stored.into_iter();
        results.clear();
        results.extend(refused.iter().map(|&refused| {
            if refused {
                Err(refusal)
            } else {
                stored.next().unwrap_or(Err(refusal))
            }
        }));
        Ok(())
    }

    fn decide_put(&self, records: usize) -> (Fate, Vec<bool>, Duration) {
        self.with_state(|state| {
            let fate = if chance(&mut state.rng, self.script.lose_answer) {
                state.deeds.lost_answers.0 += 1;
                Fate::AnswerLost
            } else if chance(&mut state.rng, self.script.lose_call) {
                state.deeds.lost_calls.0 += 1;
                state.deeds.lost_calls.1 += records as u64;
                Fate::CallLost
            } else {
                Fate::Answered
            };
            let refused: Vec<_> = (0..records)
                .map(|_| fate == Fate::Answered && chance(&mut state.rng, self.script.refuse))
                .collect();
            state.deeds.refused += refused.iter().filter(|refused| **refused).count() as u64;
            let takes = match self.script.put_times.as_slice() {
                [] => Duration::ZERO,
                times => times[state.puts % times.len()],
            };
            state.puts += 1;
            (fate, refused, takes)
        })
    }

    pub(super) async fn get_records(
        &self,
        iterator: &str,
        limit: Option<u32>,
    ) -> Result<RecordPage, KinesisError> {
        let mut page = self.host.get_records(iterator, limit).await?;
        let Script {
            drop,
            repeat,
            swap,
            corrupt,
            ..
        } = self.script;
        let last = page.records.iter().last();
        if let Some(last) = last.map(|record| record.sequence_number)
            && let Some(parts) = last.decode()
        {
            self.with_state(|state| state.journal.reached.insert(parts.shard, last));
        }
        if !page.records.is_empty() && drop + repeat + swap + corrupt > 0.0 {
            let records = page.records.to_owned_records();
            page.records = RecordBatch::Owned(
                self.with_state(|state| misdeliver(records, &self.script, state)),
            );
        }
        Ok(page)
    }

    fn with_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Does the script's misdeeds to an answer; each record suffers at most one.
fn misdeliver(records: Vec<OwnedRecord>, script: &Script, state: &mut State) -> Vec<OwnedRecord> {
    let mut delivered = Vec::with_capacity(records.len() + 1);
    let mut records = records.into_iter().peekable();
    while let Some(mut record) = records.next() {
        if chance(&mut state.rng, script.drop) {
            state.deeds.dropped += 1;
            state.journal.dropped.push(record.sequence_number);
        } else if chance(&mut state.rng, script.repeat) {
            state.deeds.repeated += 1;
            state.journal.repeated.push(record.sequence_number);
            delivered.push(record.clone());
            delivered.push(record);
        } else if chance(&mut state.rng, script.corrupt) {
            state.deeds.corrupted += 1;
            state.journal.corrupted.push(record.sequence_number);
            let mut data = record.data.to_vec();
            if let Some(byte) = data.last_mut() {
                *byte ^= 0x55;
            }
            record.data = data.into();
            delivered.push(record);
        } else if records.peek().is_some()
            && chance(&mut state.rng, script.swap)
            && let Some(later) = records.next()
        {
            state.deeds.swapped += 1;
            let pair = (later.sequence_number, record.sequence_number);
            state.journal.swapped.push(pair);
            delivered.push(later);
            delivered.push(record);
        } else {
            delivered.push(record);
        }
    }
    delivered
}

fn chance(rng: &mut Rng, share: f64) -> bool {
    // 53 bits: as many as a double holds.
    share > 0.0 && ((rng.next_u64() >> 11) as f64) < share * 2f64.powi(53)
}
