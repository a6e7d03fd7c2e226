//! Partition keys that are written down one by one, with their shares.

use crate::kinesis::HashKey;

/// Written keys, the heaviest first; a key's number is its place here.
#[derive(Clone, PartialEq, Debug)]
pub struct KeyTable {
    keys: Vec<Entry>,
    /// Places by text.
    by_text: Vec<u32>,
    /// Places in the order of a recording, where that is how keys are taken.
    turns: Option<Vec<u32>>,
}

#[derive(Clone, PartialEq, Debug)]
struct Entry {
    text: Box<str>,
    share: f64,
    explicit_hash_key: Option<HashKey>,
}

impl KeyTable {
    /// A table of keys with weights of zero or above, one of them above zero. A text that comes twice weighs as both.
    pub fn weighted(keys: impl IntoIterator<Item = (String, f64)>) -> Self {
        Self::new(keys.into_iter().map(|(text, weight)| (text, weight, None)))
    }

    /// A table of keys that are sent with hash keys of their own; no text comes twice.
    pub fn explicit(keys: impl IntoIterator<Item = (String, f64, HashKey)>) -> Self {
        Self::new(
            keys.into_iter()
                .map(|(text, weight, hash_key)| (text, weight, Some(hash_key))),
        )
    }

    /// A table of keys that are taken in this order, then from the first again.
    pub fn in_turns(keys: &[String]) -> Self {
        let mut table = Self::weighted(keys.iter().map(|text| (text.clone(), 1.0)));
        table.turns = Some(
            keys.iter()
                .filter_map(|text| table.number(text))
                .map(|number| number as u32)
                .collect(),
        );
        table
    }

    /// A table of keys that are sent with hash keys of their own, no text twice, taken in the order of these places among
    /// `keys`, then from the first again.
    pub fn recorded(keys: impl IntoIterator<Item = (String, HashKey)>, places: &[u32]) -> Self {
        let keys: Vec<_> = keys.into_iter().collect();
        let mut counts = vec![0u64; keys.len()];
        for &place in places {
            if let Some(count) = counts.get_mut(place as usize) {
                *count += 1;
            }
        }
        let texts: Vec<String> = keys.iter().map(|(text, _)| text.clone()).collect();
        let weighted = keys.into_iter().zip(counts);
        let mut table =
            Self::explicit(weighted.map(|((text, at), count)| (text, count as f64, at)));
        let numbers: Vec<_> = texts.iter().map(|text| table.number(text)).collect();
        let number = |place: &u32| numbers.get(*place as usize).copied().flatten();
        let turns = places.iter().filter_map(number).map(|number| number as u32);
        table.turns = Some(turns.collect());
        table
    }

    fn new(keys: impl Iterator<Item = (String, f64, Option<HashKey>)>) -> Self {
        let mut keys: Vec<_> = keys
            .map(|(text, share, explicit_hash_key)| Entry {
                text: text.into(),
                share,
                explicit_hash_key,
            })
            .collect();
        keys.sort_by(|a, b| a.text.cmp(&b.text));
        keys.dedup_by(|next, kept| {
            let same = next.text == kept.text;
            if same {
                kept.share += next.share;
            }
            same
        });
        let total: f64 = keys.iter().map(|key| key.share).sum();
        for key in &mut keys {
            key.share /= total;
        }
        // Stable: equals stay in the order of their texts.
        keys.sort_by(|a, b| b.share.total_cmp(&a.share));
        let mut by_text: Vec<u32> = (0..keys.len() as u32).collect();
        by_text.sort_by(|&a, &b| keys[a as usize].text.cmp(&keys[b as usize].text));
        Self {
            keys,
            by_text,
            turns: None,
        }
    }

    /// How many keys.
    pub fn population(&self) -> u64 {
        self.keys.len() as u64
    }

    /// The text of a number; empty past the end.
    pub fn text(&self, number: u64) -> &str {
        self.entry(number).map_or("", |entry| &entry.text)
    }

    /// The share of a number, 0 to 1.
    pub fn share(&self, number: u64) -> f64 {
        self.entry(number).map_or(0.0, |entry| entry.share)
    }

    /// The hash key that goes with a number, if it goes with one.
    pub fn explicit_hash_key(&self, number: u64) -> Option<HashKey> {
        self.entry(number)?.explicit_hash_key
    }

    /// The number of a text.
    pub fn number(&self, text: &str) -> Option<u64> {
        let at = self
            .by_text
            .binary_search_by(|&place| (*self.keys[place as usize].text).cmp(text))
            .ok()?;
        Some(u64::from(self.by_text[at]))
    }

    /// Numbers in the order in which keys are taken, if they are not drawn.
    pub fn turns(&self) -> Option<&[u32]> {
        self.turns.as_deref()
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        self.keys.get(usize::try_from(number).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_from_the_heaviest_and_a_text_that_comes_twice_weighs_as_both() {
        let keys = [("b", 1.0), ("a", 2.0), ("c", 3.5), ("b", 1.5)];
        let table = KeyTable::weighted(keys.map(|(text, weight)| (text.to_owned(), weight)));
        let texts: Vec<_> = (0..4).map(|number| table.text(number)).collect();
        assert_eq!(texts, ["c", "b", "a", ""]);
        assert!((table.share(1) - 2.5 / 8.0).abs() < 1e-12);
        assert_eq!(table.number("a"), Some(2));
        assert_eq!(table.number("d"), None);
        let turns = KeyTable::in_turns(&["x", "y", "y"].map(str::to_owned));
        assert_eq!((turns.text(0), turns.turns()), ("y", Some(&[1, 0, 0][..])));
        let keys = [("x".to_owned(), HashKey(7)), ("y".to_owned(), HashKey(9))];
        let recorded = KeyTable::recorded(keys, &[0, 1, 1]);
        assert_eq!(recorded.turns(), Some(&[1, 0, 0][..]));
        assert_eq!(recorded.explicit_hash_key(0), Some(HashKey(9)));
        assert!((recorded.share(1) - 1.0 / 3.0).abs() < 1e-12);
    }
}
