//! When the next change of any stream is due: looked at with every record that is put, and so not searched for.
//!
//! Invariant: what is known is no later than the time of any stream of the account. It may be earlier until the streams
//! are looked through again, which costs whoever waits for it one look.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::lock;
use crate::base::Timestamp;

/// The earliest due time of an account's streams.
#[derive(Debug)]
pub(super) struct Dues {
    /// In ns; `u64::MAX` without one.
    earliest: AtomicU64,
    /// Held while a stream's time or the earliest one changes.
    changing: Mutex<()>,
}

impl Default for Dues {
    fn default() -> Self {
        Self {
            earliest: AtomicU64::new(u64::MAX),
            changing: Mutex::default(),
        }
    }
}

impl Dues {
    /// The earliest time.
    pub(super) fn earliest(&self) -> Option<Timestamp> {
        let nanos = self.earliest.load(Ordering::Acquire);
        (nanos != u64::MAX).then(|| Timestamp::from_nanos(nanos))
    }

    /// Notes a stream's new time, in ns, while `store` stores it with the stream.
    pub(super) fn note(&self, nanos: u64, store: impl FnOnce()) {
        let _changing = lock(&self.changing);
        store();
        self.earliest.fetch_min(nanos, Ordering::Release);
    }

    /// Takes over the earliest time that `search` finds in all streams; it must not look at them before it is called.
    pub(super) fn search(&self, search: impl FnOnce() -> Option<Timestamp>) {
        let _changing = lock(&self.changing);
        let earliest = search().map_or(u64::MAX, Timestamp::as_nanos);
        self.earliest.store(earliest, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_time_falls_with_each_note_and_rises_with_a_search() {
        let dues = Dues::default();
        assert_eq!(dues.earliest(), None);
        for (nanos, earliest) in [(9, 9), (5, 5), (7, 5), (u64::MAX, 5)] {
            dues.note(nanos, || {});
            assert_eq!(dues.earliest(), Some(Timestamp::from_nanos(earliest)));
        }
        dues.search(|| Some(Timestamp::from_nanos(7)));
        assert_eq!(dues.earliest(), Some(Timestamp::from_nanos(7)));
        dues.search(|| None);
        assert_eq!(dues.earliest(), None);
    }
}
