//! Shard ids as this instrument numbers them, and as the target writes them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::findings::Findings;
use crate::kinesis::ShardId;

/// The highest shard number that is taken from outside. A stream has at most some ten thousand shards and numbers them
/// from 0; tables are kept by number, so a wild one would take all memory.
const NUMBER_MAX: u32 = 1_000_000;

/// The ids of shards that the target writes in another form than the service does.
#[derive(Debug, Default)]
pub(super) struct ShardNames(Mutex<HashMap<(String, ShardId), String>>);

impl ShardNames {
    /// The shard with this id; nothing, and a finding, when the id holds no number.
    pub(super) fn read(&self, stream: &str, text: &str, findings: &Findings) -> Option<ShardId> {
        let shard = text.parse::<ShardId>().ok();
        let Some(shard) = shard.filter(|shard| shard.number() <= NUMBER_MAX) else {
            findings.note("a shard id that ends in no number up to 1,000,000", text, 1);
            return None;
        };
        if !is_canonical(shard, text) {
            findings.note(
                "a shard id of another form than `shardId-000000000000`",
                text,
                1,
            );
            let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            names
                .entry((stream.to_owned(), shard))
                .or_insert_with(|| text.to_owned());
        }
        Some(shard)
    }

    /// The id that the target knows a shard by.
    pub(super) fn write(&self, stream: &str, shard: ShardId) -> String {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.is_empty() {
            return shard.to_string();
        }
        names
            .get(&(stream.to_owned(), shard))
            .cloned()
            .unwrap_or_else(|| shard.to_string())
    }
}

/// Whether the text is the service's own form of the id; told without allocating, because every acknowledged record
/// brings one.
fn is_canonical(shard: ShardId, text: &str) -> bool {
    text.strip_prefix("shardId-").is_some_and(|digits| {
        digits.len() == 12 && digits.parse::<u32>().ok() == Some(shard.number())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_id_is_given_back_in_its_own_form_and_a_wild_one_is_a_finding() {
        let (names, findings) = (ShardNames::default(), Findings::default());
        let own = names.read("s", "shardId-000000000007", &findings).unwrap();
        assert!(findings.list().is_empty());
        assert_eq!(names.write("s", own), "shardId-000000000007");
        let foreign = names.read("s", "shard-3", &findings).unwrap();
        assert_eq!(names.write("s", foreign), "shard-3");
        assert_eq!(names.write("other", foreign), "shardId-000000000003");
        for wild in [
            "",
            "abc",
            "shardId-2000000000",
            "shardId-99999999999999999999",
        ] {
            assert_eq!(names.read("s", wild, &findings), None);
        }
        assert_eq!(
            findings
                .list()
                .iter()
                .map(|finding| finding.count)
                .sum::<u64>(),
            5
        );
    }
}
