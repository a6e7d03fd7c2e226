//! Segment memory: counted, kept when it comes back, used again.
//!
//! The first touch of fresh memory costs many times what writing to warm memory does, so segments of the standard size
//! are never given back to the allocator while the budget allows it.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::{Bytes, BytesMut};

use super::lock;

/// The size of a segment of a busy shard: the largest ordinary record with its frame fits.
pub(super) const SEGMENT_BYTES: usize = (1 << 20) + (1 << 12);

/// How memory is used, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryUse {
    /// Held by segments in shards' logs, free space in them included.
    pub log_bytes: u64,
    /// Kept for the next segment, readers' views of former segments included.
    pub pool_bytes: u64,
    /// Given up before their time because the memory limit was reached.
    pub trimmed_bytes: u64,
    /// Records in the segments that were given up.
    pub trimmed_records: u64,
}

/// The segments of an account.
#[derive(Debug)]
pub(super) struct Pool {
    max_bytes: u64,
    /// What of it logs may hold.
    log_budget: u64,
    log_bytes: AtomicU64,
    spare_bytes: AtomicU64,
    trimmed_bytes: AtomicU64,
    trimmed_records: AtomicU64,
    /// Numbers segments in the order in which they were begun.
    begun: AtomicU64,
    kept: Mutex<Spare>,
}

#[derive(Debug, Default)]
struct Spare {
    idle: Vec<BytesMut>,
    /// Former segments that a reader still looks at.
    viewed: VecDeque<Bytes>,
}

/// The memory that a log gives back: a piece that was never split, or the first of several.
#[derive(Debug)]
pub(super) enum Returned {
    Whole(BytesMut),
    Shared(Bytes),
}

impl Pool {
    pub(super) fn new(max_bytes: u64) -> Self {
        let segment = SEGMENT_BYTES as u64;
        // A budget of a few segments is not worth a spare one.
        let reserve = if max_bytes >= 4 * segment { segment } else { 0 };
        Self {
            max_bytes,
            log_budget: max_bytes - reserve,
            log_bytes: AtomicU64::new(0),
            spare_bytes: AtomicU64::new(0),
            trimmed_bytes: AtomicU64::new(0),
            trimmed_records: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            kept: Mutex::default(),
        }
    }

    /// Memory for a segment of `bytes`, and the segment's number.
    pub(super) fn acquire(&self, bytes: usize) -> (BytesMut, u64) {
        self.log_bytes.fetch_add(bytes as u64, Relaxed);
        let spare = (bytes == SEGMENT_BYTES)
            .then(|| self.take_spare())
            .flatten();
        let memory = spare.unwrap_or_else(|| BytesMut::with_capacity(bytes));
        (memory, self.begun.fetch_add(1, Relaxed))
    }

    fn take_spare(&self) -> Option<BytesMut> {
        let mut spare = lock(&self.kept);
        let memory = spare.idle.pop().or_else(|| spare.reclaim())?;
        self.spare_bytes.fetch_sub(SEGMENT_BYTES as u64, Relaxed);
        Some(memory)
    }

    /// Takes a segment's memory back.
    pub(super) fn release(&self, memory: Returned, bytes: usize) {
        self.log_bytes.fetch_sub(bytes as u64, Relaxed);
        if bytes != SEGMENT_BYTES {
            return;
        }
        let mut spare = lock(&self.kept);
        match memory {
            Returned::Whole(mut memory) => {
                memory.clear();
                spare.idle.push(memory);
            }
            Returned::Shared(view) => match view.try_into_mut() {
                Ok(mut memory) => {
                    memory.clear();
                    spare.idle.push(memory);
                }
                Err(view) => spare.viewed.push_back(view),
            },
        }
        self.spare_bytes.fetch_add(SEGMENT_BYTES as u64, Relaxed);
    }

    /// How many bytes logs must give up. They are asked for before the budget is full: what the oldest records leave is
    /// then still in the budget when the next segment begins, and is used for it. Spare memory beyond the budget goes.
    pub(super) fn excess(&self) -> u64 {
        let log_bytes = || self.log_bytes.load(Relaxed);
        let is_over = || log_bytes() + self.spare_bytes.load(Relaxed) > self.max_bytes;
        if is_over() {
            let mut kept = lock(&self.kept);
            while is_over() {
                let dropped = kept.idle.pop().is_some() || kept.viewed.pop_front().is_some();
                if !dropped {
                    break;
                }
                self.spare_bytes.fetch_sub(SEGMENT_BYTES as u64, Relaxed);
            }
        }
        log_bytes().saturating_sub(self.log_budget)
    }

    /// Lets spare memory go until no more than `target_bytes` are held; says whether logs hold more than that.
    pub(super) fn is_above(&self, target_bytes: u64) -> bool {
        let held = || self.log_bytes.load(Relaxed) + self.spare_bytes.load(Relaxed);
        if held() > target_bytes {
            let mut kept = lock(&self.kept);
            while held() > target_bytes {
                let dropped = kept.idle.pop().is_some() || kept.viewed.pop_front().is_some();
                if !dropped {
                    return true;
                }
                self.spare_bytes.fetch_sub(SEGMENT_BYTES as u64, Relaxed);
            }
        }
        false
    }

    /// Allocates and touches spare segments until `bytes` are spare or the budget is full.
    pub(super) fn warm(&self, bytes: u64) {
        let segment = SEGMENT_BYTES as u64;
        for _ in 0..bytes.div_ceil(segment) {
            let used = self.log_bytes.load(Relaxed) + self.spare_bytes.load(Relaxed);
            if self.spare_bytes.load(Relaxed) >= bytes || used + segment > self.max_bytes {
                return;
            }
            let mut memory = BytesMut::with_capacity(SEGMENT_BYTES);
            memory.resize(SEGMENT_BYTES, 1);
            memory.clear();
            let mut kept = lock(&self.kept);
            // Counted before it can be taken: whoever takes it subtracts it.
            self.spare_bytes.fetch_add(segment, Relaxed);
            kept.idle.push(memory);
        }
    }

    /// Counts what was given up for the memory limit.
    pub(super) fn count_trimmed(&self, bytes: u64, records: u64) {
        self.trimmed_bytes.fetch_add(bytes, Relaxed);
        self.trimmed_records.fetch_add(records, Relaxed);
    }

    pub(super) fn memory(&self) -> MemoryUse {
        MemoryUse {
            log_bytes: self.log_bytes.load(Relaxed),
            pool_bytes: self.spare_bytes.load(Relaxed),
            trimmed_bytes: self.trimmed_bytes.load(Relaxed),
            trimmed_records: self.trimmed_records.load(Relaxed),
        }
    }
}

impl Spare {
    /// A former segment whose last view is gone.
    fn reclaim(&mut self) -> Option<BytesMut> {
        let free = self.viewed.iter().position(Bytes::is_unique)?;
        let view = self.viewed.swap_remove_back(free)?;
        match view.try_into_mut() {
            Ok(mut memory) => {
                memory.clear();
                Some(memory)
            }
            Err(view) => {
                self.viewed.push_back(view);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: u64 = SEGMENT_BYTES as u64;

    #[test]
    fn a_segment_comes_back_when_its_last_view_is_gone() {
        let pool = Pool::new(u64::MAX);
        let (mut memory, _) = pool.acquire(SEGMENT_BYTES);
        memory.extend_from_slice(b"first");
        let address = memory.as_ptr();
        let first = memory.split().freeze();
        drop(memory);
        let view = first.clone();
        pool.release(Returned::Shared(first), SEGMENT_BYTES);
        assert_eq!(pool.memory().pool_bytes, SEGMENT);

        let (other, _) = pool.acquire(SEGMENT_BYTES);
        assert_ne!(other.as_ptr(), address, "the view still looks at it");
        assert_eq!(&view[..], b"first");
        drop(view);
        let (again, _) = pool.acquire(SEGMENT_BYTES);
        assert_eq!(again.as_ptr(), address);
        assert_eq!(again.capacity(), SEGMENT_BYTES);
        assert_eq!(pool.memory().pool_bytes, 0);
    }

    #[test]
    fn warming_stops_at_the_budget() {
        let pool = Pool::new(3 * SEGMENT + 5);
        pool.warm(u64::from(u32::MAX));
        assert_eq!(pool.memory().pool_bytes, 3 * SEGMENT);
        let _held = pool.acquire(SEGMENT_BYTES);
        assert_eq!(pool.memory().pool_bytes, 2 * SEGMENT);
        assert_eq!(pool.memory().log_bytes, SEGMENT);
    }

    #[test]
    fn the_spare_memory_is_counted_right_while_it_is_warmed_and_taken_at_once() {
        use std::sync::atomic::AtomicBool;
        let pool = Pool::new(4 * SEGMENT);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    pool.warm(SEGMENT);
                }
                done.store(true, Relaxed);
            });
            while !done.load(Relaxed) {
                if pool.take_spare().is_some() {
                    let spare = pool.memory().pool_bytes;
                    assert!(spare <= 4 * SEGMENT, "{spare}");
                }
            }
        });
    }

    #[test]
    fn spare_memory_goes_before_records_do() {
        let pool = Pool::new(2 * SEGMENT);
        pool.warm(2 * SEGMENT);
        let _small = pool.acquire(4_096);
        assert_eq!(pool.excess(), 0);
        assert_eq!(pool.memory().pool_bytes, SEGMENT);
    }
}
