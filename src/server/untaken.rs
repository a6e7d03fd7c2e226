//! Answers that clients have not taken yet: how much memory they hold, and for how long.
//!
//! A client that asks for a lot and reads nothing would otherwise hold as much as it likes. An answer is counted from
//! when it is made until its last byte is with the operating system. Calls wait while there is no room for their
//! answers, and meanwhile the connection whose answer has waited longest is given up.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use crate::base::{Clock, Timestamp};

/// What all clients together may leave untaken.
const ALL_BYTES_MAX: usize = 256 << 20;
/// Beyond this much no further call is carried out: those that were begun must still fit.
const ALL_BYTES_MARK: usize = ALL_BYTES_MAX / 4 * 3;
/// What one connection may leave untaken: two of the longest answers.
const CONNECTION_BYTES_MAX: usize = 32 << 20;
/// Shorter answers are not counted: a connection's requests are bounded, and so are these with them.
const COUNTED_BYTES_MIN: usize = 1 << 10;
/// An answer that has waited for less is not held against its client.
const GRACE: Duration = Duration::from_secs(1);
/// How soon it is looked again whether there is room.
const ROOM_AGAIN: Duration = Duration::from_millis(20);

/// The answers of all connections that were not taken.
#[derive(Debug, Default)]
pub(super) struct All {
    bytes: AtomicUsize,
    connections: Mutex<Connections>,
}

#[derive(Debug, Default)]
struct Connections {
    next: u64,
    open: BTreeMap<u64, Weak<Untaken>>,
}

/// The answers of one connection that were not taken.
#[derive(Debug)]
pub(super) struct Untaken {
    all: Arc<All>,
    number: u64,
    bytes: AtomicUsize,
    mine: Mutex<Mine>,
    given_up: Notify,
}

#[derive(Debug, Default)]
struct Mine {
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
        self.untaken.all.bytes.fetch_sub(length, Ordering::Relaxed);
        self.untaken.bytes.fetch_sub(length, Ordering::Relaxed);
        lock(&self.untaken.mine).made.remove(&self.number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl All {
    /// Gives up the connection whose answer has waited longest, unless none has waited for long.
    fn give_one_up(&self, now: Timestamp) {
        let open: Vec<_> = {
            let connections = lock(&self.connections);
            connections
                .open
                .values()
                .filter_map(Weak::upgrade)
                .collect()
        };
        let waiting = open.iter().filter_map(|it| Some((it.oldest()?, it)));
        if let Some((made, untaken)) = waiting.min_by_key(|(made, _)| *made)
            && now.since(made) >= GRACE
        {
            untaken.given_up.notify_one();
        }
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        lock(&self.all.connections).open.remove(&self.number);
    }
}

impl Untaken {
    /// The count of a new connection.
    pub(super) fn new(all: &Arc<All>) -> Arc<Self> {
        let mut connections = lock(&all.connections);
        let number = connections.next;
        connections.next += 1;
        let untaken = Arc::new(Self {
            all: Arc::clone(all),
            number,
            bytes: AtomicUsize::new(0),
            mine: Mutex::default(),
            given_up: Notify::new(),
        });
        connections.open.insert(number, Arc::downgrade(&untaken));
        drop(connections);
        untaken
    }

    /// Whether there is room for another answer.
    pub(super) fn has_room(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) < CONNECTION_BYTES_MAX
            && self.all.bytes.load(Ordering::Relaxed) < ALL_BYTES_MARK
    }

    /// Waits until there is room for another answer; others that do not take theirs are given up meanwhile.
    pub(super) async fn room(&self, clock: Clock) {
        while !self.has_room() {
            if self.all.bytes.load(Ordering::Relaxed) >= ALL_BYTES_MARK {
                self.all.give_one_up(clock.now());
            }
            clock.sleep(ROOM_AGAIN).await;
        }
    }

    /// Counts an answer; `None` where it has no room.
    pub(super) fn count(self: &Arc<Self>, now: Timestamp, bytes: Bytes) -> Option<Bytes> {
        let length = bytes.len();
        let fits = length < COUNTED_BYTES_MIN
            || self.bytes.load(Ordering::Relaxed) + length <= CONNECTION_BYTES_MAX
                && self.all.bytes.load(Ordering::Relaxed) + length <= ALL_BYTES_MAX;
        fits.then(|| self.count_anyway(now, bytes))
    }

    /// Counts what is to be sent whether there is room for it or not.
    pub(super) fn count_anyway(self: &Arc<Self>, now: Timestamp, bytes: Bytes) -> Bytes {
        let length = bytes.len();
        if length < COUNTED_BYTES_MIN {
            return bytes;
        }
        self.all.bytes.fetch_add(length, Ordering::Relaxed);
        self.bytes.fetch_add(length, Ordering::Relaxed);
        let mut mine = lock(&self.mine);
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
    fn oldest(&self) -> Option<Timestamp> {
        lock(&self.mine)
            .made
            .first_key_value()
            .map(|(_, made)| *made)
    }

    /// Waits until the connection is to be given up: an answer was not taken within `limit`, looked at every
    /// `interval`, or others need its room.
    pub(super) async fn give_up(&self, clock: Clock, interval: Duration, limit: Duration) {
        let late = async {
            loop {
                clock.sleep(interval).await;
                let oldest = self.oldest();
                if oldest.is_some_and(|made| clock.now().since(made) > limit) {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            () = self.given_up.notified() => {}
            () = late => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::virtual_runtime;

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
        assert_eq!(untaken.oldest(), None);
        assert_eq!(untaken.bytes.load(Ordering::Relaxed), 0);
        assert_eq!(untaken.all.bytes.load(Ordering::Relaxed), 0);
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

    #[test]
    fn a_call_that_needs_room_has_the_connection_given_up_that_waited_longest() {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let all = Arc::default();
            let connections: Vec<_> = (0..6).map(|_| Untaken::new(&all)).collect();
            let mut held = Vec::new();
            for connection in &connections {
                held.push(connection.count(clock.now(), answer(CONNECTION_BYTES_MAX)));
                clock.sleep(Duration::from_millis(100)).await;
            }
            let hour = Duration::from_hours(1);
            let other = Untaken::new(&all);
            let release = async {
                connections[0].give_up(clock, hour, hour).await;
                held[0] = None;
            };
            tokio::join!(other.room(clock), release);
            assert!(clock.now().since(Timestamp::ZERO) < GRACE + ROOM_AGAIN * 3);
            assert!(other.has_room());
        });
    }
}
