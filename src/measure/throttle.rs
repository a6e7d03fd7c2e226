//! Attempts refused by a limit: by API, shard and cause, and how the cause is known.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shard_text;
use crate::kinesis::{Cause, ShardId};

/// How a cause is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The target said which limit refused; only our own engine does.
    Reported,
    /// AWS's text names no limit: inferred from our own per-second meter of what was offered.
    Inferred,
}

impl Basis {
    /// The basis as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Inferred => "inferred",
        }
    }
}

/// Counts of refused attempts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ThrottleTable {
    counts: BTreeMap<(&'static str, Option<ShardId>, Cause, Basis), u64>,
}

/// One row of a [`ThrottleTable`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ThrottleRow {
    /// The operation, as the service names it: `PutRecords`.
    pub api: Cow<'static, str>,
    /// The shard that refused, where it is known.
    #[serde(with = "shard_text::optional")]
    pub shard: Option<ShardId>,
    /// The limit that refused.
    pub cause: Cause,
    /// How the cause is known.
    pub basis: Basis,
    /// How many attempts it refused: records for puts, calls otherwise.
    pub attempts: u64,
}

impl ThrottleTable {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            counts: BTreeMap::new(),
        }
    }

    /// Counts `attempts` refused attempts.
    pub fn add(
        &mut self,
        api: &'static str,
        shard: Option<ShardId>,
        cause: Cause,
        basis: Basis,
        attempts: u64,
    ) {
        if attempts > 0 {
            *self.counts.entry((api, shard, cause, basis)).or_default() += attempts;
        }
    }

    /// Adds what another part counted.
    pub fn merge(&mut self, other: &Self) {
        for (&(api, shard, cause, basis), &attempts) in &other.counts {
            self.add(api, shard, cause, basis, attempts);
        }
    }

    /// Whether nothing was refused.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// All refused attempts.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The rows, sorted by API, shard (unknown first), cause and basis.
    pub fn rows(&self) -> Vec<ThrottleRow> {
        self.counts
            .iter()
            .map(|(&(api, shard, cause, basis), &attempts)| ThrottleRow {
                api: Cow::Borrowed(api),
                shard,
                cause,
                basis,
                attempts,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_whatever_the_order_of_counting_and_merging() {
        let shard = |number| ShardId::new(number);
        let mut table = ThrottleTable::new();
        table.add(
            "PutRecords",
            shard(2),
            Cause::WriteBytes,
            Basis::Reported,
            3,
        );
        table.add("GetRecords", None, Cause::ReadCalls, Basis::Inferred, 1);
        let mut other = ThrottleTable::new();
        other.add(
            "PutRecords",
            shard(0),
            Cause::WriteRecords,
            Basis::Reported,
            5,
        );
        other.add(
            "PutRecords",
            shard(2),
            Cause::WriteBytes,
            Basis::Reported,
            4,
        );
        other.add("PutRecords", shard(9), Cause::Unknown, Basis::Reported, 0);
        let mut left = table.clone();
        left.merge(&other);
        let mut right = other;
        right.merge(&table);
        assert_eq!(left, right);
        assert_eq!(left.total(), 13);
        let rows: Vec<_> = left
            .rows()
            .iter()
            .map(|row| (row.api.to_string(), row.shard, row.attempts))
            .collect();
        assert_eq!(
            rows,
            [
                ("GetRecords".to_owned(), None, 1),
                ("PutRecords".to_owned(), shard(0), 5),
                ("PutRecords".to_owned(), shard(2), 7),
            ]
        );
    }

    #[test]
    fn a_row_names_its_shard_as_the_service_does_and_reads_back() {
        let mut table = ThrottleTable::new();
        table.add(
            "PutRecords",
            ShardId::new(7),
            Cause::WriteRecords,
            Basis::Inferred,
            2,
        );
        table.add("PutRecords", None, Cause::Unknown, Basis::Inferred, 1);
        let text = serde_json::to_string(&table.rows()).unwrap();
        assert!(text.contains("\"shardId-000000000007\""), "{text}");
        assert_eq!(
            serde_json::from_str::<Vec<ThrottleRow>>(&text).unwrap(),
            table.rows()
        );
    }
}
