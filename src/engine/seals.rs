//! Which of a shard's records are encrypted: each keeps the EncryptionType that its stream had when it was stored.

use crate::kinesis::operation::{Encrypted, EncryptionType};

/// The changes of a shard's EncryptionType. Records are not marked: where it changed is enough, and most shards never do.
#[derive(Debug, Default)]
pub(super) struct Seals {
    /// The counter of the first record stored with a type, rising, no two neighbours of one type. Before the first:
    /// `NONE`.
    changes: Vec<(u64, EncryptionType)>,
}

impl Seals {
    /// Stores records from the counter `next` on with `kind`. Forgets what is told of none kept: those before `first`.
    pub(super) fn change(&mut self, first: u64, next: u64, kind: EncryptionType) {
        let past = self.changes.partition_point(|&(from, _)| from <= first);
        self.changes.drain(..past.saturating_sub(1));
        self.changes.pop_if(|&mut (from, _)| from == next);
        let last = self.changes.last().map(|&(_, kind)| kind);
        if last.unwrap_or_default() != kind {
            self.changes.push((next, kind));
        }
    }

    /// Which of the `count` records from the counter `from` on are encrypted, by their places among them.
    pub(super) fn of(&self, from: u64, count: u64) -> Encrypted {
        let end = from + count;
        let ends = self.changes.iter().skip(1).map(|&(next, _)| next);
        let spans = self.changes.iter().zip(ends.chain([u64::MAX]));
        let encrypted = spans
            .filter(|((_, kind), _)| *kind == EncryptionType::Kms)
            .map(|(&(start, _), stop)| start.max(from)..stop.min(end))
            .filter(|span| !span.is_empty())
            .map(|span| (span.start - from) as usize..(span.end - from) as usize);
        Encrypted(encrypted.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_record_kept_has_the_type_of_the_time_at_which_it_was_stored(
            steps in proptest::collection::vec((0..4u64, any::<bool>(), 0..3u64), 0..20),
            skip in 0..5u64,
        ) {
            let (mut seals, mut first, mut stored) = (Seals::default(), 1, Vec::new());
            let mut on = false;
            for (records, switch, trimmed) in steps {
                stored.extend((0..records).map(|_| on));
                first = (first + trimmed).min(stored.len() as u64 + 1);
                on = switch;
                let kind = if on { EncryptionType::Kms } else { EncryptionType::None };
                seals.change(first, stored.len() as u64 + 1, kind);
            }
            let from = (first + skip).min(stored.len() as u64 + 1);
            let page = &stored[from as usize - 1..];
            let encrypted = seals.of(from, page.len() as u64);
            for (index, &expected) in page.iter().enumerate() {
                prop_assert_eq!(encrypted.holds(index), expected);
            }
        }
    }

    #[test]
    fn changes_that_no_record_saw_are_not_kept() {
        let mut seals = Seals::default();
        for round in 0..100 {
            let kind = [EncryptionType::Kms, EncryptionType::None][round % 2];
            seals.change(1, 1, kind);
        }
        assert!(seals.changes.is_empty(), "{seals:?}");
        for next in 1..100 {
            let kind = [EncryptionType::Kms, EncryptionType::None][next as usize % 2];
            seals.change(next, next, kind);
        }
        assert!(seals.changes.len() <= 2, "{seals:?}");
    }
}
