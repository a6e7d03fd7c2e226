//! One shard: its log, its meters, its end. Everything about one record's admission happens under one lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;

use super::fault::{ShardStorm, Storm};
use super::lock;
use super::log::Log;
use super::meter::Meter;
use super::on_demand::{LoadMeter, MinuteLoad};
use super::pool::Pool;
use super::seals::Seals;
use crate::base::Timestamp;
use crate::kinesis::operation::{
    ChildShard, Encrypted, EncryptionType, IteratorPosition, ShardDescription, Stored,
};
use crate::kinesis::origin::{EncodedShard, NoOrigin, Version};
use crate::kinesis::quotas::{Limits, RateLimit, RateName};
use crate::kinesis::record::PutEntry;
use crate::kinesis::sequence::ENDING_COUNTER;
use crate::kinesis::{Cause, HashKeyRange, SequenceNumber, ShardId};

/// Records up to this size are ordinary: a stream that takes no larger ones has the ordinary byte bucket.
const ORDINARY_RECORD_BYTES: u64 = 1 << 20;
/// What the byte bucket holds where records may be larger (AWS Big Data Blog, October 2025: a shard bursts up to 10 MiB).
const LARGE_RECORD_CAPACITY: u64 = 10 << 20;

/// The rates that each shard of a stream is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShardRates {
    write_records: Option<RateLimit>,
    write_bytes: Option<RateLimit>,
    read_calls: Option<RateLimit>,
    read_bytes: Option<RateLimit>,
    get_iterator: Option<RateLimit>,
}

impl ShardRates {
    pub(super) fn new(limits: &Limits, max_record_bytes: u64) -> Self {
        let mut write_bytes = limits.rate(RateName::WriteBytes);
        if max_record_bytes > ORDINARY_RECORD_BYTES
            && let Some(limit) = &mut write_bytes
            && !limits.is_rate_set(RateName::WriteBytes)
        {
            limit.capacity = LARGE_RECORD_CAPACITY;
        }
        Self {
            write_records: limits.rate(RateName::WriteRecords),
            write_bytes,
            read_calls: limits.rate(RateName::ReadCalls),
            read_bytes: limits.rate(RateName::ReadBytes),
            get_iterator: limits.rate(RateName::GetShardIterator),
        }
    }
}

/// What a new shard is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Birth {
    pub(super) id: ShardId,
    pub(super) range: HashKeyRange,
    pub(super) parent: Option<ShardId>,
    pub(super) adjacent_parent: Option<ShardId>,
    /// The creation second in its sequence numbers.
    pub(super) created_s: u64,
    /// When it began to take records.
    pub(super) opened: Timestamp,
    /// When the newest record of its parents arrived: it takes none that arrived earlier.
    pub(super) last_arrival: Timestamp,
}

#[derive(Debug)]
pub(super) struct Shard {
    pub(super) birth: Birth,
    /// The number of its oldest segment, `u64::MAX` without one: a hint, read without the lock.
    oldest_segment: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    log: Log,
    seals: Seals,
    write_records: Meter,
    write_bytes: Meter,
    read_calls: Meter,
    read_bytes: Meter,
    get_iterator: Meter,
    load: LoadMeter,
    storm: Option<Box<ShardStorm>>,
    closure: Option<Closure>,
    /// Whether its stream was deleted.
    gone: bool,
    /// Whether it ended before the horizon of an earlier, shorter retention.
    expired: bool,
    propagation: Propagation,
    iterators_made: u64,
}

/// The end of a shard.
#[derive(Clone, Debug)]
struct Closure {
    at: Timestamp,
    ending: SequenceNumber,
    children: Vec<ChildShard>,
}

/// How long a drawn delay hides the records of a shard, whether it has passed by then or not: near the 99th percentile
/// of the modelled delays. A time that depended on the delay itself would favour long delays.
const PROPAGATION_HELD: Duration = Duration::from_millis(200);

/// How long records stay hidden. One delay holds for a while: records become visible in the order of their counters, so
/// with a delay drawn for each the slowest of many would hold up all that follow, and a busy shard would be slower than
/// an idle one.
#[derive(Clone, Copy, Debug)]
struct Propagation {
    delay: Duration,
    held_until: Timestamp,
}

impl Propagation {
    /// When a record put at `now` becomes visible; `drawn` is its delay if none is in force.
    fn visible_at(&mut self, now: Timestamp, drawn: Duration) -> Timestamp {
        if now >= self.held_until {
            self.delay = drawn;
            self.held_until = now.plus(PROPAGATION_HELD);
        }
        now.plus(self.delay)
    }
}

/// When a put happens and what it asks for besides its record.
#[derive(Clone, Copy, Debug)]
pub(super) struct PutContext {
    pub(super) now: Timestamp,
    /// The delay until readers see the record, if none is in force.
    pub(super) visible_after: Duration,
    /// What arrived earlier may be forgotten.
    pub(super) horizon: Timestamp,
    /// SequenceNumberForOrdering.
    pub(super) after: Option<SequenceNumber>,
    /// The latest creation second of the stream's shards; matters with `after` alone.
    pub(super) youngest_s: u64,
}

/// Why a shard did not take a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum PutRefusal {
    /// It is closed; the stream's map says which shard takes the record.
    Closed,
    /// Its stream was deleted.
    Gone,
    Throttled(Cause),
    /// SequenceNumberForOrdering is none, or lies in the future.
    Ordering,
    /// SequenceNumberForOrdering is one on which the service fails.
    Failure,
}

/// Why a position was not found.
#[derive(Clone, Copy, Debug)]
pub(super) enum PositionRefusal {
    /// The sequence number is another shard's.
    OtherShard(EncodedShard),
    /// The sequence number is another stream's.
    Foreign(SequenceNumber),
    /// It is no sequence number.
    Undecodable(SequenceNumber),
    /// It is of the oldest version, on which the service fails.
    Failure,
    /// Its stream was deleted.
    Gone,
    Throttled,
}

/// Why a shard was not read.
#[derive(Clone, Copy, Debug)]
pub(super) enum ReadRefusal {
    /// Its stream was deleted.
    Gone,
    Throttled(Cause),
}

/// How a call is counted against its rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counting {
    /// It takes a token.
    Take,
    /// There must be a token, which stays.
    Check,
    /// The rate is not its own.
    Free,
}

/// A position for a new iterator, and the iterator's nonce.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) nonce: u64,
}

/// What one read gives.
#[derive(Debug)]
pub(super) struct ShardRead {
    pub(super) views: Vec<Bytes>,
    pub(super) count: u64,
    pub(super) encrypted: Encrypted,
    /// Where and with which nonce the next iterator goes on.
    pub(super) next: Place,
    pub(super) millis_behind: u64,
    /// Not empty at the end of a closed shard.
    pub(super) children: Vec<ChildShard>,
    pub(super) trimmed_to: Option<SequenceNumber>,
}

/// A read, and what a subscription needs to know beside it.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) read: ShardRead,
    /// Bytes of data and keys.
    pub(super) bytes: u64,
    full: bool,
    /// Whether visible records follow.
    pub(super) more: bool,
    /// When the next records become visible, if some are not yet.
    pub(super) next_visible: Option<Timestamp>,
    /// What a subscription goes on after: the last record's number, or, without one, that of the position.
    pub(super) continuation: SequenceNumber,
}

impl Shard {
    pub(super) fn new(birth: Birth, rates: &ShardRates, storm: Option<Storm>) -> Self {
        let now = birth.opened;
        let state = State {
            log: Log::new(birth.last_arrival),
            seals: Seals::default(),
            write_records: Meter::new(rates.write_records, now),
            write_bytes: Meter::new(rates.write_bytes, now),
            read_calls: Meter::new(rates.read_calls, now),
            read_bytes: Meter::new(rates.read_bytes, now),
            get_iterator: Meter::new(rates.get_iterator, now),
            load: LoadMeter::default(),
            storm: storm.map(|storm| Box::new(ShardStorm::new(storm, birth.id))),
            closure: None,
            gone: false,
            expired: false,
            propagation: Propagation {
                delay: Duration::ZERO,
                held_until: Timestamp::ZERO,
            },
            iterators_made: 0,
        };
        Self {
            birth,
            oldest_segment: AtomicU64::new(u64::MAX),
            state: Mutex::new(state),
        }
    }

    pub(super) const fn id(&self) -> ShardId {
        self.birth.id
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn number(&self, counter: u64, time_s: u64) -> SequenceNumber {
        SequenceNumber::of_record(self.birth.id, self.birth.created_s, counter, time_s)
    }

    /// Admits and stores a record.
    pub(super) fn put(
        &self,
        pool: &Pool,
        context: &PutContext,
        entry: &PutEntry<'_>,
    ) -> Result<Stored, PutRefusal> {
        let mut state = self.lock();
        if state.gone {
            return Err(PutRefusal::Gone);
        }
        if state.closure.is_some() {
            return Err(PutRefusal::Closed);
        }
        if let Some(after) = context.after {
            Self::check_ordering(&state, context, after)?;
        }
        state.admit(context.now, entry.billed_bytes())?;
        let PutContext {
            now,
            visible_after,
            horizon,
            ..
        } = *context;
        let visible_at = state.propagation.visible_at(now, visible_after);
        let (counter, arrival) = state.log.append(pool, now, visible_at, horizon, entry);
        self.note_oldest(&state);
        Ok(Stored {
            shard: self.birth.id,
            sequence_number: self.number(counter, arrival.as_secs()),
        })
    }

    /// Checks what the service checks, as far as kinesalite's tests show it: that the number is one of any version, and
    /// that its time is not to come. It need not have been given out.
    fn check_ordering(
        state: &State,
        context: &PutContext,
        after: SequenceNumber,
    ) -> Result<(), PutRefusal> {
        let origin = after.origin().map_err(|none| match none {
            NoOrigin::Version3 => PutRefusal::Failure,
            NoOrigin::Invalid => PutRefusal::Ordering,
        })?;
        let latest_s = context
            .now
            .max(state.log.last_arrival())
            .as_secs()
            .max(context.youngest_s);
        if origin.time_s.is_some_and(|time_s| time_s > latest_s) {
            return Err(PutRefusal::Ordering);
        }
        Ok(())
    }

    fn note_oldest(&self, state: &State) {
        let oldest = state.log.oldest_segment().unwrap_or(u64::MAX);
        self.oldest_segment.store(oldest, Relaxed);
    }

    /// The counter of a number that a reader begins at. The order of the checks is kinesalite's.
    fn counter_of(&self, number: SequenceNumber) -> Result<u64, PositionRefusal> {
        let undecodable = PositionRefusal::Undecodable(number);
        let origin = number.origin().map_err(|_| undecodable)?;
        if i64::from(origin.shard.0) != i64::from(self.birth.id.number()) {
            return Err(PositionRefusal::OtherShard(origin.shard));
        }
        if origin.version == Version::V0 {
            return Err(PositionRefusal::Failure);
        }
        if origin.version != Version::V2 || origin.shard_created_s != self.birth.created_s {
            return Err(PositionRefusal::Foreign(number));
        }
        let parts = number.decode().ok_or(undecodable)?;
        Ok(parts.counter)
    }

    /// Finds where an iterator begins. A number that was trimmed keeps its place, so that the first read can say what it
    /// missed; TRIM_HORIZON stands before all that there ever was, for the same reason. A number that was not given out yet
    /// means the tip (unverified).
    pub(super) fn place(
        &self,
        pool: &Pool,
        now: Timestamp,
        horizon: Timestamp,
        position: IteratorPosition,
        counting: Counting,
    ) -> Result<Place, PositionRefusal> {
        let mut state = self.lock();
        if state.gone {
            return Err(PositionRefusal::Gone);
        }
        state.log.trim(pool, horizon);
        self.note_oldest(&state);
        let counter_of = |number: SequenceNumber| self.counter_of(number);
        let next = state.log.next();
        let position = match position {
            IteratorPosition::TrimHorizon => 1,
            IteratorPosition::Latest => next,
            IteratorPosition::AtSequenceNumber(number) => counter_of(number)?.clamp(1, next),
            IteratorPosition::AfterSequenceNumber(number) => {
                counter_of(number)?.saturating_add(1).min(next)
            }
            IteratorPosition::AtTimestamp(time) => state.log.first_since(time),
        };
        let passes = match counting {
            Counting::Take => state.get_iterator.admit(now),
            Counting::Check => state.get_iterator.allows(now, 1),
            Counting::Free => true,
        };
        if !passes {
            return Err(PositionRefusal::Throttled);
        }
        Ok(Place {
            position,
            nonce: state.next_nonce(),
        })
    }

    /// Reads from `position`. The end of a closed shard is told with its last records, not in an empty answer after them
    /// (the documentation reads so; clients must take both).
    pub(super) fn read(
        &self,
        pool: &Pool,
        now: Timestamp,
        horizon: Timestamp,
        position: u64,
        limit: u64,
        max_bytes: u64,
    ) -> Result<ShardRead, ReadRefusal> {
        let mut state = self.lock();
        state.check_read(now)?;
        state.read_calls.take(1);
        let page = self.page(&mut state, pool, now, horizon, position, limit, max_bytes);
        if page.full {
            state.read_bytes.set_debt(page.bytes);
        } else {
            state.read_bytes.take(page.bytes);
        }
        Ok(page.read)
    }

    /// Reads from `position` for a subscription, which has its own limits; `None` once the stream is deleted.
    pub(super) fn follow(
        &self,
        pool: &Pool,
        now: Timestamp,
        horizon: Timestamp,
        position: u64,
        limit: u64,
        max_bytes: u64,
    ) -> Option<Page> {
        let mut state = self.lock();
        if state.gone {
            return None;
        }
        Some(self.page(&mut state, pool, now, horizon, position, limit, max_bytes))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what a read asks for, in one place"
    )]
    fn page(
        &self,
        state: &mut State,
        pool: &Pool,
        now: Timestamp,
        horizon: Timestamp,
        position: u64,
        limit: u64,
        max_bytes: u64,
    ) -> Page {
        state.log.trim(pool, horizon);
        self.note_oldest(state);
        let first = state.log.first();
        let trimmed_to = (position < first)
            .then(|| self.number(first - 1, state.log.trimmed_arrival().as_secs()));
        let position = position.max(first);
        let until = state.log.visible_end(now);
        let read = state.log.read(position, until, limit, max_bytes);
        let encrypted = state.seals.of(position, read.count);
        let position = position + read.count;
        // Zero says that nothing is stored behind the position, so a record that is hidden or of this millisecond counts.
        let millis_behind = state
            .log
            .arrival_of(position)
            .map_or(0, |arrival| (now.since(arrival).as_millis() as u64).max(1));
        // With the last records, as the documentation reads; a client of 2017 saw the end in a further answer, so that this
        // is unverified.
        let children = match &state.closure {
            Some(closure) if position >= state.log.next() => closure.children.clone(),
            _ => Vec::new(),
        };
        // Before the first record, and behind a trimmed one, the number tells the counter and the time of asking.
        let last = state
            .log
            .arrival_of(position - 1)
            .filter(|_| read.count > 0);
        let continuation = self.number(position - 1, last.unwrap_or(now).as_secs());
        let shard_read = ShardRead {
            views: read.views,
            count: read.count,
            encrypted,
            next: Place {
                position,
                nonce: state.next_nonce(),
            },
            millis_behind,
            children,
            trimmed_to,
        };
        Page {
            read: shard_read,
            bytes: read.bytes,
            full: read.full,
            more: position < until,
            next_visible: state.log.next_visible(),
            continuation,
        }
    }

    /// Whether a record would be admitted now, without taking it.
    pub(super) fn would_take(&self, context: &PutContext, bytes: u64) -> Result<(), PutRefusal> {
        let mut state = self.lock();
        if state.gone {
            return Err(PutRefusal::Gone);
        }
        if let Some(after) = context.after {
            Self::check_ordering(&state, context, after)?;
        }
        state.check_rates(context.now, bytes)
    }

    /// Whether a read would be answered now, without counting it.
    pub(super) fn would_read(&self, now: Timestamp) -> Result<(), ReadRefusal> {
        self.lock().check_read(now)
    }

    /// What it took in the last complete minute that nobody has asked for yet, and which minute that was.
    pub(super) fn take_load(&self, now: Timestamp) -> Option<(u64, MinuteLoad)> {
        self.lock().load.take(now)
    }

    /// Holds writes to another byte bucket from `now` on.
    pub(super) fn set_rates(&self, now: Timestamp, rates: &ShardRates) {
        self.lock().write_bytes.set_limit(rates.write_bytes, now);
    }

    /// The shard as listings show it; `None` once all it held is past retention.
    pub(super) fn describe(&self, horizon: Timestamp) -> Option<Listed> {
        let state = self.lock();
        let closed = state.closure.as_ref().map(|closure| closure.at);
        if state.expired || closed.is_some_and(|closed| closed < horizon) {
            return None;
        }
        Some(Listed {
            opened: self.birth.opened,
            closed,
            description: ShardDescription {
                shard: self.birth.id,
                parent: self.birth.parent,
                adjacent_parent: self.birth.adjacent_parent,
                hash_key_range: self.birth.range,
                starting_sequence_number: self.number(0, self.birth.created_s),
                ending_sequence_number: state.closure.as_ref().map(|closure| closure.ending),
            },
        })
    }

    /// Closes the shard at `at` and says when it ended: its closing second, and its newest record's arrival.
    pub(super) fn close(
        &self,
        state: &mut State,
        at: Timestamp,
        children: Vec<ChildShard>,
    ) -> (u64, Timestamp) {
        let last_arrival = state.log.last_arrival();
        let closed_s = at
            .as_secs()
            .max(self.birth.created_s)
            .max(last_arrival.as_secs());
        state.closure = Some(Closure {
            at: at.max(last_arrival),
            ending: self.number(ENDING_COUNTER, closed_s),
            children,
        });
        (closed_s, last_arrival)
    }

    /// Stores records with another EncryptionType from now on.
    pub(super) fn set_encryption(&self, kind: EncryptionType) {
        let mut state = self.lock();
        let (first, next) = (state.log.first(), state.log.next());
        state.seals.change(first, next, kind);
    }

    pub(super) fn set_storm(&self, storm: Storm) {
        self.lock().storm = Some(Box::new(ShardStorm::new(storm, self.birth.id)));
    }

    /// Forgets what arrived before `horizon`, and itself if it ended before.
    pub(super) fn expire(&self, pool: &Pool, horizon: Timestamp) {
        let mut state = self.lock();
        let closed = state.closure.as_ref().map(|closure| closure.at);
        state.expired |= closed.is_some_and(|closed| closed < horizon);
        state.log.trim(pool, horizon);
        self.note_oldest(&state);
    }

    /// The number of its oldest segment, as of a moment ago.
    pub(super) fn oldest_segment(&self) -> Option<u64> {
        Some(self.oldest_segment.load(Relaxed)).filter(|&ordinal| ordinal != u64::MAX)
    }

    /// Gives up its oldest segment if that still is the one with this number.
    pub(super) fn give_up(&self, pool: &Pool, ordinal: u64, horizon: Timestamp) {
        let mut state = self.lock();
        state.log.give_up(pool, ordinal, horizon);
        self.note_oldest(&state);
    }

    /// Ends it together with its stream.
    pub(super) fn delete(&self, pool: &Pool) {
        let mut state = self.lock();
        state.gone = true;
        state.log.clear(pool);
        self.note_oldest(&state);
    }
}

impl State {
    fn admit(&mut self, now: Timestamp, bytes: u64) -> Result<(), PutRefusal> {
        if let Some(storm) = &mut self.storm {
            if storm.is_over(now) {
                self.storm = None;
            } else if storm.refuses() {
                return Err(PutRefusal::Throttled(Cause::Injected));
            }
        }
        self.check_rates(now, bytes)?;
        self.write_records.take(1);
        self.write_bytes.take(bytes);
        self.load.count(now, bytes);
        Ok(())
    }

    fn check_read(&mut self, now: Timestamp) -> Result<(), ReadRefusal> {
        if self.gone {
            return Err(ReadRefusal::Gone);
        }
        if !self.read_calls.allows(now, 1) {
            return Err(ReadRefusal::Throttled(Cause::ReadCalls));
        }
        if !self.read_bytes.allows_debt(now) {
            return Err(ReadRefusal::Throttled(Cause::ReadBytes));
        }
        Ok(())
    }

    fn check_rates(&mut self, now: Timestamp, bytes: u64) -> Result<(), PutRefusal> {
        if !self.write_records.allows(now, 1) {
            return Err(PutRefusal::Throttled(Cause::WriteRecords));
        }
        if !self.write_bytes.allows(now, bytes) {
            return Err(PutRefusal::Throttled(Cause::WriteBytes));
        }
        Ok(())
    }

    fn next_nonce(&mut self) -> u64 {
        self.iterators_made += 1;
        self.iterators_made
    }
}

/// A shard with the times that filters ask for.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) opened: Timestamp,
    pub(super) closed: Option<Timestamp>,
    pub(super) description: ShardDescription,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_whose_stream_was_deleted_gives_neither_positions_nor_records() {
        let now = Timestamp::from_secs(5);
        let birth = Birth {
            id: ShardId::new(0).unwrap(),
            range: HashKeyRange::FULL,
            parent: None,
            adjacent_parent: None,
            created_s: 5,
            opened: now,
            last_arrival: Timestamp::ZERO,
        };
        let pool = Pool::new(u64::MAX);
        let shard = Shard::new(birth, &ShardRates::new(&Limits::aws(), 1 << 20), None);
        let place = || {
            let latest = IteratorPosition::Latest;
            shard.place(&pool, now, Timestamp::ZERO, latest, Counting::Take)
        };
        let read = || shard.read(&pool, now, Timestamp::ZERO, 1, 10, u64::MAX);
        let would_read = || shard.would_read(now);
        assert!(place().is_ok() && read().is_ok() && would_read().is_ok());
        shard.delete(&pool);
        assert!(matches!(place(), Err(PositionRefusal::Gone)));
        assert!(matches!(read(), Err(ReadRefusal::Gone)));
        assert!(matches!(would_read(), Err(ReadRefusal::Gone)));
    }
}
