//! Records that waited for a bound of their producer's own, not for the target: a free request slot, its limit for a
//! shard, the order of its keys.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many records, or calls, of the measurement window one bound held back, and how long. Lingering is not in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Waits {
    /// Records, or calls, that waited.
    pub records: u64,
    /// The time that all of them waited together, in microseconds.
    pub total_us: u64,
    /// The longest that one waited, in microseconds.
    pub max_us: u64,
}

impl Waits {
    /// Counts `records` that waited for `wait` each; waits below a microsecond are none.
    pub fn add(&mut self, records: u64, wait: Duration) {
        let wait_us = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        if wait_us > 0 {
            self.records += records;
            self.total_us = self
                .total_us
                .saturating_add(wait_us.saturating_mul(records));
            self.max_us = self.max_us.max(wait_us);
        }
    }

    /// Itself, if a record waited.
    pub fn any(self) -> Option<Self> {
        (self.records > 0).then_some(self)
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.total_us = self.total_us.saturating_add(other.total_us);
        self.max_us = self.max_us.max(other.max_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_counted_by_record_and_the_longest_is_kept() {
        let mut waits = Waits::default();
        waits.add(500, Duration::from_micros(20));
        waits.add(9, Duration::from_nanos(999));
        let mut other = Waits::default();
        other.add(1, Duration::from_millis(3));
        waits.merge(&other);
        assert_eq!(
            waits,
            Waits {
                records: 501,
                total_us: 13_000,
                max_us: 3_000,
            }
        );
    }
}
