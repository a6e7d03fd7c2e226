//! Answers that clients have not taken yet: how much memory they hold, and for how long.
//!
//! A client that asks for a lot and reads nothing would otherwise hold as much as it likes. An answer is counted from
//! when it is made until its last byte is with the operating system.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::base::Timestamp;

/// What all clients together may leave untaken.
const ALL_BYTES_MAX: usize = 256 << 20;
/// What one connection may leave untaken: two of the longest answers.
const CONNECTION_BYTES_MAX: usize = 32 << 20;
/// Shorter answers are not counted: a connection's requests are bounded, and so are these with them.
const COUNTED_BYTES_MIN: usize = 1 << 10;

/// The answers of all connections that were not taken, in bytes.
#[derive(Debug, Default)]
pub(super) struct All(AtomicUsize);

/// The answers of one connection that were not taken.
#[derive(Debug)]
pub(super) struct Untaken {
    all: Arc<All>,
    mine: Mutex<Mine>,
}

#[derive(Debug, Default)]
struct Mine {
    bytes: usize,
    /// When each was made; numbers rise.
    made: BTreeMap<u64, Timestamp>,
    next: u64,
}

/// Bytes that are taken off the count when the last view of them goes.
struct Counted {
    bytes: Bytes,
    number: u64,
    untaken: Arc<Untaken>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let length = self.bytes.len();
        self.untaken.all.0.fetch_sub(length, Ordering::Relaxed);
        let mut mine = self.untaken.mine();
        mine.bytes -= length;
        mine.made.remove(&self.number);
    }
}

impl Untaken {
    /// The count of a new connection.
    pub(super) fn new(all: &Arc<All>) -> Arc<Self> {
        Arc::new(Self {
            all: Arc::clone(all),
            mine: Mutex::default(),
        })
    }

    fn mine(&self) -> std::sync::MutexGuard<'_, Mine> {
        self.mine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for anything at all.
    pub(super) fn has_room(&self) -> bool {
        self.fits(0, self.mine().bytes)
    }

    fn fits(&self, more: usize, mine: usize) -> bool {
        mine + more <= CONNECTION_BYTES_MAX
            && self.all.0.load(Ordering::Relaxed) + more <= ALL_BYTES_MAX
    }

    /// Counts an answer; `None` where it has no room.
    pub(super) fn count(self: &Arc<Self>, now: Timestamp, bytes: Bytes) -> Option<Bytes> {
        if bytes.len() < COUNTED_BYTES_MIN {
            return Some(bytes);
        }
        let fits = self.fits(bytes.len(), self.mine().bytes);
        fits.then(|| self.count_anyway(now, bytes))
    }

    /// Counts what is to be sent whether there is room for it or not.
    pub(super) fn count_anyway(self: &Arc<Self>, now: Timestamp, bytes: Bytes) -> Bytes {
        if bytes.len() < COUNTED_BYTES_MIN {
            return bytes;
        }
        self.all.0.fetch_add(bytes.len(), Ordering::Relaxed);
        let mut mine = self.mine();
        mine.bytes += bytes.len();
        let number = mine.next;
        mine.next += 1;
        mine.made.insert(number, now);
        drop(mine);
        Bytes::from_owner(Counted {
            bytes,
            number,
            untaken: Arc::clone(self),
        })
    }

    /// When the oldest answer was made that was not taken.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.mine().made.first_key_value().map(|(_, made)| *made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: usize) -> Bytes {
        Bytes::from(vec![0; bytes])
    }

    #[test]
    fn an_answer_counts_until_its_last_view_is_gone() {
        let untaken = Untaken::new(&Arc::default());
        let second = Timestamp::from_secs;
        let first = untaken.count(second(1), answer(5_000)).unwrap();
        let other = untaken.count(second(2), answer(5_000)).unwrap();
        let view = first.slice(4_000..);
        drop(first);
        assert_eq!(untaken.oldest(), Some(second(1)));
        drop(view);
        assert_eq!(untaken.oldest(), Some(second(2)));
        drop(other);
        assert_eq!((untaken.oldest(), untaken.mine().bytes), (None, 0));
        assert_eq!(untaken.all.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_connection_and_all_together_are_bounded_and_short_answers_pass() {
        let all = Arc::default();
        let now = Timestamp::ZERO;
        let connections: Vec<_> = (0..9).map(|_| Untaken::new(&all)).collect();
        let mut held = Vec::new();
        for connection in &connections[..8] {
            held.push(connection.count(now, answer(CONNECTION_BYTES_MAX)).unwrap());
            assert!(connection.count(now, answer(2_000)).is_none());
        }
        assert!(connections[8].count(now, answer(2_000)).is_none());
        assert!(connections[8].count(now, answer(100)).is_some());
        held.pop();
        assert!(connections[8].count(now, answer(2_000)).is_some());
    }
}
