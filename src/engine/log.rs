//! One shard's records: appended at the end, read by counter or by time, trimmed at the front.

use std::collections::VecDeque;

use bytes::Bytes;

use super::pool::{Pool, SEGMENT_BYTES};
use super::segment::Segment;
use crate::base::Timestamp;
use crate::kinesis::record::{PutEntry, frame_bytes};

/// The first segment's size; each next one is four times as large until it is of the standard size, so that a shard
/// that is hardly used takes hardly any memory.
const FIRST_SEGMENT_BYTES: usize = 1 << 12;

#[derive(Debug)]
pub(super) struct Log {
    segments: VecDeque<Segment>,
    /// The counter of the oldest record kept; `next` when there is none.
    first: u64,
    /// The counter that the next record will have.
    next: u64,
    /// When the oldest record kept arrived, while there is one.
    first_arrival: Timestamp,
    /// When the record before the oldest one kept arrived.
    trimmed_arrival: Timestamp,
    /// When the newest record arrived, or the newest of a parent.
    last_arrival: Timestamp,
    /// Records before a counter that become visible at a time, both rising: those that readers do not see yet.
    hidden: VecDeque<(u64, Timestamp)>,
    /// Readers see records before this counter while `hidden` is not empty.
    visible: u64,
    next_segment_bytes: usize,
}

/// What a read takes.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// Views of whole frames.
    pub(super) views: Vec<Bytes>,
    /// How many records they hold.
    pub(super) count: u64,
    /// Bytes of data and keys.
    pub(super) bytes: u64,
    /// Whether it holds all that the byte cap allows: another record would not fit.
    pub(super) full: bool,
}

impl Log {
    /// An empty log whose arrival times begin at `last_arrival`.
    pub(super) fn new(last_arrival: Timestamp) -> Self {
        Self {
            segments: VecDeque::new(),
            first: 1,
            next: 1,
            first_arrival: Timestamp::ZERO,
            trimmed_arrival: Timestamp::ZERO,
            last_arrival,
            hidden: VecDeque::new(),
            visible: 1,
            next_segment_bytes: FIRST_SEGMENT_BYTES,
        }
    }

    /// The counter of the oldest record kept.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    /// The counter that the next record will have.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// When the newest record arrived, or the newest of a parent.
    pub(super) const fn last_arrival(&self) -> Timestamp {
        self.last_arrival
    }

    /// When the record before the oldest one kept arrived; meaningful once something was trimmed.
    pub(super) const fn trimmed_arrival(&self) -> Timestamp {
        self.trimmed_arrival
    }

    /// The number of the oldest segment.
    pub(super) fn oldest_segment(&self) -> Option<u64> {
        self.segments.front().map(|segment| segment.ordinal)
    }

    /// Appends a record, visible from `visible_at` on, and gives its counter and its arrival: `now`, or the previous
    /// record's arrival if that is later. What arrived before `horizon` goes when a segment is begun.
    pub(super) fn append(
        &mut self,
        pool: &Pool,
        now: Timestamp,
        visible_at: Timestamp,
        horizon: Timestamp,
        entry: &PutEntry<'_>,
    ) -> (u64, Timestamp) {
        let arrival = now.max(self.last_arrival);
        self.last_arrival = arrival;
        if self.first == self.next {
            self.first_arrival = Timestamp::from_millis(arrival.as_millis());
        }
        let counter = self.next;
        match self.segments.back_mut() {
            Some(segment) if segment.has_room(entry) => segment.push(arrival, entry),
            _ => {
                self.trim(pool, horizon);
                if self.first == self.next {
                    self.first_arrival = Timestamp::from_millis(arrival.as_millis());
                }
                let mut segment = self.begin_segment(pool, entry);
                segment.push(arrival, entry);
                self.segments.push_back(segment);
            }
        }
        self.next += 1;
        if visible_at > now || !self.hidden.is_empty() {
            self.hide(now, visible_at);
        }
        (counter, arrival)
    }

    fn begin_segment(&mut self, pool: &Pool, entry: &PutEntry<'_>) -> Segment {
        if let Some(full) = self.segments.back_mut() {
            full.seal();
        }
        let bytes = self.next_segment_bytes.max(frame_bytes(entry));
        self.next_segment_bytes = (self.next_segment_bytes * 4).min(SEGMENT_BYTES);
        let (memory, ordinal) = pool.acquire(bytes);
        Segment::new(ordinal, self.next, memory, bytes)
    }

    fn hide(&mut self, now: Timestamp, visible_at: Timestamp) {
        self.reveal(now);
        if self.hidden.is_empty() {
            if visible_at <= now {
                return;
            }
            self.visible = self.next - 1;
        }
        match self.hidden.back_mut() {
            Some((end, at)) if *at >= visible_at => *end = self.next,
            _ => self.hidden.push_back((self.next, visible_at)),
        }
    }

    fn reveal(&mut self, now: Timestamp) {
        while let Some(&(end, at)) = self.hidden.front() {
            if at > now {
                break;
            }
            self.visible = end;
            self.hidden.pop_front();
        }
    }

    /// The counter before which readers see records at `now`.
    pub(super) fn visible_end(&mut self, now: Timestamp) -> u64 {
        self.reveal(now);
        if self.hidden.is_empty() {
            self.next
        } else {
            self.visible
        }
    }

    /// When the next records become visible, if some are not yet.
    pub(super) fn next_visible(&self) -> Option<Timestamp> {
        self.hidden.front().map(|&(_, at)| at)
    }

    /// Reads from `position`, which must be kept or `next`: at most `limit` records before `until` and `max_bytes`,
    /// but at least one record if there is one.
    pub(super) fn read(&mut self, position: u64, until: u64, limit: u64, max_bytes: u64) -> Read {
        let mut read = Read::default();
        let until = until.min(position.saturating_add(limit));
        let mut at = position;
        let mut number = self.segment_of(position);
        while at < until {
            let Some(segment) = self.segments.get_mut(number) else {
                break;
            };
            let mut stop = until.min(segment.end);
            let rest = max_bytes - read.bytes;
            if segment.billed_bytes(at, stop) > rest {
                // The last stop at which the bytes still fit.
                stop = segment.partition(at + 1, stop, |segment, stop| {
                    segment.billed_bytes(at, stop) <= rest
                }) - 1;
                read.full = true;
                if stop == at && read.count == 0 {
                    stop = at + 1;
                }
            }
            if stop > at {
                read.bytes += segment.billed_bytes(at, stop);
                read.count += stop - at;
                segment.view(at, stop, &mut read.views);
            }
            at = stop;
            if read.full {
                break;
            }
            number += 1;
        }
        read.full |= read.bytes >= max_bytes;
        read
    }

    /// The index of the segment that holds `counter`.
    fn segment_of(&self, counter: u64) -> usize {
        self.segments
            .partition_point(|segment| segment.end <= counter)
    }

    /// When the record with this counter arrived; `None` if it is not kept.
    pub(super) fn arrival_of(&self, counter: u64) -> Option<Timestamp> {
        if counter < self.first || counter >= self.next {
            return None;
        }
        self.segments
            .get(self.segment_of(counter))
            .map(|segment| segment.arrival_of(counter))
    }

    /// The counter of the first kept record that arrived in the millisecond of `time` or later; `next` if none did.
    pub(super) fn first_since(&self, time: Timestamp) -> u64 {
        let time = Timestamp::from_millis(time.as_millis());
        let number = self
            .segments
            .partition_point(|segment| segment.last_arrival < time);
        self.segments.get(number).map_or(self.next, |segment| {
            let from = segment.first.max(self.first);
            segment.partition(from, segment.end, |segment, counter| {
                segment.arrival_of(counter) < time
            })
        })
    }

    /// Forgets what arrived in a millisecond before that of `horizon`.
    pub(super) fn trim(&mut self, pool: &Pool, horizon: Timestamp) {
        let horizon = Timestamp::from_millis(horizon.as_millis());
        if self.first == self.next || self.first_arrival >= horizon {
            return;
        }
        let keep = self.first_since(horizon);
        self.forget_before(pool, keep);
    }

    fn forget_before(&mut self, pool: &Pool, keep: u64) {
        if keep <= self.first {
            return;
        }
        self.trimmed_arrival = self.arrival_of(keep - 1).unwrap_or(self.trimmed_arrival);
        while self
            .segments
            .front()
            .is_some_and(|oldest| oldest.end <= keep)
        {
            if let Some(oldest) = self.segments.pop_front() {
                let bytes = oldest.capacity;
                pool.release(oldest.into_memory(), bytes);
            }
        }
        self.first = keep;
        if let Some(arrival) = self.arrival_of(keep) {
            self.first_arrival = arrival;
        }
    }

    /// Gives up the oldest segment for the memory limit if it still is the one with this number. What arrived before
    /// `horizon` goes first and is not counted: its time had come.
    pub(super) fn give_up(&mut self, pool: &Pool, ordinal: u64, horizon: Timestamp) {
        self.trim(pool, horizon);
        if let Some(oldest) = self.segments.front()
            && oldest.ordinal == ordinal
        {
            let (bytes, end) = (oldest.capacity as u64, oldest.end);
            pool.count_trimmed(bytes, end - self.first);
            self.forget_before(pool, end);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self, pool: &Pool) {
        self.forget_before(pool, self.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::ShardId;
    use crate::kinesis::record::{FrameBatch, RecordBatch};
    use proptest::prelude::*;

    fn entry<'a>(key: &'a str, data: &'a [u8]) -> PutEntry<'a> {
        PutEntry {
            partition_key: key,
            data,
            explicit_hash_key: None,
        }
    }

    fn append(log: &mut Log, pool: &Pool, millis: u64, data: &[u8]) -> u64 {
        let now = Timestamp::from_millis(millis);
        log.append(pool, now, now, Timestamp::ZERO, &entry("k", data))
            .0
    }

    fn counters(read: Read) -> Vec<u64> {
        let batch = RecordBatch::Frames(FrameBatch {
            shard: ShardId::new(0).unwrap(),
            shard_created_s: 1,
            chunks: read.views,
            count: read.count as usize,
        });
        batch
            .iter()
            .map(|record| record.sequence_number.decode().unwrap().counter)
            .collect()
    }

    #[test]
    fn a_hundred_byte_record_takes_at_most_160_bytes() {
        let pool = Pool::new(u64::MAX);
        let mut log = Log::new(Timestamp::ZERO);
        let records = 400_000;
        let mut seen = 1;
        for number in 0..records {
            let now = Timestamp::from_millis(number);
            log.append(
                &pool,
                now,
                now,
                Timestamp::ZERO,
                &entry("key-1234", &[7; 100]),
            );
            // A reader at the tip, which splits the memory into chunks.
            if number % 10 == 0 {
                seen += log.read(seen, log.next(), 10_000, u64::MAX).count;
            }
        }
        assert_eq!(seen, records - 8);
        let overhead: usize = log.segments.iter().map(Segment::overhead_bytes).sum();
        let bytes = (pool.memory().log_bytes + overhead as u64) as f64 / records as f64;
        println!("{bytes:.1} bytes per record");
        assert!(bytes <= 160.0, "{bytes}");
    }

    #[test]
    fn a_read_ends_at_the_byte_cap_but_holds_at_least_one_record() {
        let pool = Pool::new(u64::MAX);
        let mut log = Log::new(Timestamp::ZERO);
        for _ in 0..100 {
            append(&mut log, &pool, 1, &[0; 999]);
        }
        let read = log.read(1, 101, 10_000, 50_500);
        assert_eq!((read.count, read.bytes, read.full), (50, 50_000, true));
        let read = log.read(1, 101, 10_000, 100_000);
        assert_eq!((read.count, read.full), (100, true));
        let read = log.read(1, 101, 10_000, 100_001);
        assert_eq!((read.count, read.full), (100, false));
        let read = log.read(7, 101, 10_000, 10);
        assert_eq!((read.count, read.full), (1, true));
        assert_eq!(counters(read), [7]);
    }

    #[test]
    fn hidden_records_appear_in_order_even_if_a_later_one_is_ready_first() {
        let pool = Pool::new(u64::MAX);
        let mut log = Log::new(Timestamp::ZERO);
        let at = Timestamp::from_millis;
        log.append(&pool, at(1), at(10), Timestamp::ZERO, &entry("k", b"a"));
        log.append(&pool, at(2), at(5), Timestamp::ZERO, &entry("k", b"b"));
        log.append(&pool, at(3), at(12), Timestamp::ZERO, &entry("k", b"c"));
        assert_eq!(log.visible_end(at(9)), 1);
        assert_eq!(log.visible_end(at(10)), 3);
        assert_eq!(log.visible_end(at(11)), 3);
        assert_eq!(log.visible_end(at(12)), 4);
        log.append(&pool, at(13), at(13), Timestamp::ZERO, &entry("k", b"d"));
        assert_eq!(log.visible_end(at(13)), 5);
    }

    #[test]
    fn a_view_stays_what_it_was_while_its_segment_is_trimmed_and_its_memory_used_again() {
        let pool = Pool::new(u64::MAX);
        let mut log = Log::new(Timestamp::ZERO);
        for number in 0..5_000u64 {
            append(&mut log, &pool, number, &number.to_be_bytes().repeat(100));
        }
        let until = log.next();
        let read = log.read(3_000, until, 100, u64::MAX);
        let before = read.views.clone();
        log.trim(&pool, Timestamp::from_millis(4_990));
        assert_eq!(log.first(), 4_991);
        assert_eq!(log.trimmed_arrival(), Timestamp::from_millis(4_989));
        for number in 5_000..20_000 {
            append(&mut log, &pool, number, &[0xff; 800]);
        }
        for (view, bytes) in read.views.iter().zip(&before) {
            assert_eq!(view, bytes);
        }
        assert_eq!(counters(read), (3_000..3_100).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn any_mixture_of_sizes_reads_back_by_counter_and_by_time(
            sizes in prop::collection::vec(0usize..3_000, 1..300),
            looks in prop::collection::vec((0u64..320, 0u64..320, 0u64..320), 1..20),
            trim in 0u64..200,
        ) {
            let pool = Pool::new(u64::MAX);
            let mut log = Log::new(Timestamp::ZERO);
            let mut arrivals = Vec::new();
            for (number, &size) in sizes.iter().enumerate() {
                let millis = number as u64 / 3 * 2;
                prop_assert_eq!(append(&mut log, &pool, millis, &vec![1; size]), number as u64 + 1);
                arrivals.push(millis);
                if let Some(&(from, limit, _)) = looks.get(number / 15) && number % 15 == 0 && from >= 1 && from < log.next() {
                    let until = log.next();
                    let read = log.read(from, until, limit, u64::MAX);
                    prop_assert_eq!(counters(read), (from..until.min(from + limit)).collect::<Vec<_>>());
                }
            }
            log.trim(&pool, Timestamp::from_millis(trim));
            let kept = arrivals.iter().filter(|&&millis| millis < trim).count() as u64 + 1;
            prop_assert_eq!(log.first(), kept);
            for (from, limit, time) in looks {
                let expected = arrivals.iter().filter(|&&millis| millis < time.max(trim)).count() as u64 + 1;
                prop_assert_eq!(log.first_since(Timestamp::from_millis(time)), expected);
                let from = from.clamp(kept, log.next());
                let until = log.next();
                let read = log.read(from, until, limit, u64::MAX);
                let billed: usize = (from..until.min(from + limit)).map(|counter| sizes[counter as usize - 1] + 1).sum();
                prop_assert_eq!(read.bytes, billed as u64);
                prop_assert_eq!(counters(read), (from..until.min(from + limit)).collect::<Vec<_>>());
            }
        }
    }
}
