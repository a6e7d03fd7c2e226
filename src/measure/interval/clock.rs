//! Which interval a point in time lies in.

use std::time::Duration;

use crate::base::Timestamp;

/// The lengths that intervals can have, in seconds.
const LENGTHS_S: [u64; 4] = [1, 10, 60, 600];

/// Equal intervals from the start of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IntervalClock {
    start: Timestamp,
    length_ns: u64,
}

impl IntervalClock {
    /// Intervals of `length` from `start`; a length below a nanosecond counts as one.
    pub fn new(start: Timestamp, length: Duration) -> Self {
        let length_ns = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX).max(1);
        Self { start, length_ns }
    }

    /// The start of interval 0.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// How long each is.
    pub const fn length(&self) -> Duration {
        Duration::from_nanos(self.length_ns)
    }

    /// The interval that `at` lies in; what was before the start counts as interval 0.
    pub const fn index_of(&self, at: Timestamp) -> u64 {
        at.as_nanos().saturating_sub(self.start.as_nanos()) / self.length_ns
    }

    /// When interval `index` begins.
    pub fn begin_of(&self, index: u64) -> Timestamp {
        self.start
            .plus(Duration::from_nanos(index.saturating_mul(self.length_ns)))
    }
}

/// The smallest of 1, 10, 60 and 600 s that keeps a run of `total` with `shards` shards below `rows_max` rows; 600 s if
/// none does.
pub fn choose_length(total: Duration, shards: u32, rows_max: u64) -> Duration {
    let rows = |length_s: u64| {
        let length = u128::from(length_s) * 1_000_000_000;
        total.as_nanos().div_ceil(length) * u128::from(shards)
    };
    let length_s = LENGTHS_S
        .into_iter()
        .find(|&length_s| rows(length_s) < u128::from(rows_max))
        .unwrap_or(LENGTHS_S[LENGTHS_S.len() - 1]);
    Duration::from_secs(length_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_its_beginning_and_not_its_end() {
        let start = Timestamp::from_secs(1_000);
        let clock = IntervalClock::new(start, Duration::from_secs(10));
        let at = |secs| start.plus(Duration::from_secs(secs));
        assert_eq!(clock.index_of(at(0)), 0);
        assert_eq!(clock.index_of(at(10).minus(Duration::from_nanos(1))), 0);
        assert_eq!(clock.index_of(at(10)), 1);
        assert_eq!(clock.begin_of(1), at(10));
        assert_eq!(clock.index_of(Timestamp::ZERO), 0);
        assert_eq!(
            IntervalClock::new(start, Duration::ZERO).length(),
            Duration::from_nanos(1)
        );
    }

    #[test]
    fn intervals_grow_so_that_the_table_stays_below_its_limit() {
        let hours = |n: u64| Duration::from_secs(n * 3_600);
        let seconds = |total, shards| choose_length(total, shards, 1_000_000).as_secs();
        assert_eq!(seconds(Duration::from_secs(10), 4), 1);
        assert_eq!(seconds(hours(1), 277), 1);
        assert_eq!(seconds(hours(1), 278), 10);
        assert_eq!(seconds(hours(24), 100), 10);
        assert_eq!(seconds(hours(24), 400), 60);
        assert_eq!(seconds(hours(24), 5_000), 600);
        assert_eq!(seconds(hours(24 * 365), 100_000), 600);
    }
}
