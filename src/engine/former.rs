//! Names whose owners are gone: who takes one anew is told from those who had it.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use crate::base::Timestamp;

/// The latest second that a former owner of a name was created in or used, kept while a new one could get the same.
#[derive(Debug)]
pub(super) struct Former<N>(BTreeMap<N, u64>);

impl<N> Default for Former<N> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<N: Ord> Former<N> {
    /// Notes that the owner of `name` is gone, whose latest second was `second`.
    pub(super) fn note(&mut self, now: Timestamp, name: N, second: u64) {
        self.forget(now);
        let noted = self.0.entry(name).or_insert(second);
        *noted = second.max(*noted);
    }

    /// Forgets those whose seconds are past: nobody gets them again.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.0.retain(|_, second| *second >= now.as_secs());
    }

    /// The creation second of a new owner: not one of a former owner's.
    pub(super) fn created_s<Q: Ord + ?Sized>(&self, now: Timestamp, name: &Q) -> u64
    where
        N: Borrow<Q>,
    {
        let free = self.0.get(name).map_or(0, |second| second + 1);
        now.as_secs().max(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_taken_anew_has_a_second_of_its_own_and_old_ones_are_forgotten() {
        let now = Timestamp::from_secs(100);
        let mut former: Former<String> = Former::default();
        assert_eq!(former.created_s(now, "a"), 100);
        former.note(now, "a".to_owned(), 100);
        former.note(now, "a".to_owned(), 99);
        assert_eq!(
            (former.created_s(now, "a"), former.created_s(now, "b")),
            (101, 100)
        );
        let later = Timestamp::from_secs(101);
        former.note(later, "b".to_owned(), 7);
        assert_eq!(former.0.keys().collect::<Vec<_>>(), ["b"]);
        former.forget(later);
        assert!(former.0.is_empty());
    }
}
