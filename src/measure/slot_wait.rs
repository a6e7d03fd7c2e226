//! Records that were due and waited for a free request slot: the producer's bound, not the target's.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How many records of the measurement window found all of `max_in_flight` requests under way when their own was due,
/// and how long they waited. Lingering is not in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SlotWaits {
    /// Records that waited.
    pub records: u64,
    /// The time that all of them waited together, in microseconds.
    pub total_us: u64,
    /// The longest that one waited, in microseconds.
    pub max_us: u64,
}

impl SlotWaits {
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
        let mut waits = SlotWaits::default();
        waits.add(500, Duration::from_micros(20));
        waits.add(9, Duration::from_nanos(999));
        let mut other = SlotWaits::default();
        other.add(1, Duration::from_millis(3));
        waits.merge(&other);
        assert_eq!(
            waits,
            SlotWaits {
                records: 501,
                total_us: 13_000,
                max_us: 3_000,
            }
        );
    }
}
