//! Token buckets, exact to the nanosecond.

use std::time::Duration;

use crate::base::Timestamp;
use crate::kinesis::quotas::RateLimit;

/// Nanoseconds in a second: a level is kept in billionths of a token, so that refilling needs no division and loses
/// nothing however often it happens.
const BILLIONTHS: i128 = 1_000_000_000;

/// A token bucket. It starts full.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    limit: RateLimit,
    /// Billionths of a token; negative while overdrawn.
    level: i128,
    filled_at: Timestamp,
}

impl Bucket {
    pub(super) fn full(limit: RateLimit, now: Timestamp) -> Self {
        Self {
            limit,
            level: i128::from(limit.capacity) * BILLIONTHS,
            filled_at: now,
        }
    }

    /// Adds what came back since the last call. A `now` that lies before that call adds nothing.
    pub(super) fn refill(&mut self, now: Timestamp) {
        if now <= self.filled_at {
            return;
        }
        let nanos = i128::from(now.as_nanos() - self.filled_at.as_nanos());
        self.filled_at = now;
        let full = i128::from(self.limit.capacity) * BILLIONTHS;
        self.level = full.min(self.level + nanos * i128::from(self.limit.per_s));
    }

    /// Whether `tokens` are there.
    pub(super) fn holds(&self, tokens: u64) -> bool {
        self.level >= i128::from(tokens) * BILLIONTHS
    }

    /// Whether anything is there.
    pub(super) const fn is_above_zero(&self) -> bool {
        self.level > 0
    }

    /// Takes `tokens`, into debt if they are not there.
    pub(super) fn take(&mut self, tokens: u64) {
        self.level -= i128::from(tokens) * BILLIONTHS;
    }

    /// When it will be above zero if nothing more is taken.
    pub(super) fn above_zero_at(&self) -> Timestamp {
        if self.level > 0 {
            return self.filled_at;
        }
        let nanos = -self.level / i128::from(self.limit.per_s.max(1)) + 1;
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.filled_at.plus(Duration::from_nanos(nanos))
    }

    /// Leaves the bucket `tokens` in debt.
    pub(super) fn set_debt(&mut self, tokens: u64) {
        self.level = -(i128::from(tokens) * BILLIONTHS);
    }
}

/// A bucket where there is a limit; without one everything passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter(Option<Bucket>);

impl Meter {
    pub(super) fn new(limit: Option<RateLimit>, now: Timestamp) -> Self {
        Self(limit.map(|limit| Bucket::full(limit, now)))
    }

    /// Refills and says whether `tokens` are there.
    pub(super) fn allows(&mut self, now: Timestamp, tokens: u64) -> bool {
        self.0.as_mut().is_none_or(|bucket| {
            bucket.refill(now);
            bucket.holds(tokens)
        })
    }

    /// Refills and says whether the bucket is above zero.
    pub(super) fn allows_debt(&mut self, now: Timestamp) -> bool {
        self.0.as_mut().is_none_or(|bucket| {
            bucket.refill(now);
            bucket.is_above_zero()
        })
    }

    /// Takes `tokens`, into debt if they are not there.
    pub(super) fn take(&mut self, tokens: u64) {
        if let Some(bucket) = &mut self.0 {
            bucket.take(tokens);
        }
    }

    /// Leaves the bucket `tokens` in debt.
    pub(super) fn set_debt(&mut self, tokens: u64) {
        if let Some(bucket) = &mut self.0 {
            bucket.set_debt(tokens);
        }
    }

    /// When the bucket will be above zero; the epoch without one.
    pub(super) fn above_zero_at(&self) -> Timestamp {
        self.0
            .as_ref()
            .map_or(Timestamp::ZERO, Bucket::above_zero_at)
    }

    /// Holds to another limit from `now` on. What was taken stays taken: a larger bucket begins as empty as the old one.
    pub(super) fn set_limit(&mut self, limit: Option<RateLimit>, now: Timestamp) {
        self.0 = match (self.0, limit) {
            (Some(mut bucket), Some(limit)) => {
                bucket.refill(now);
                bucket.limit = limit;
                bucket.level = bucket.level.min(i128::from(limit.capacity) * BILLIONTHS);
                Some(bucket)
            }
            (_, limit) => limit.map(|limit| Bucket::full(limit, now)),
        };
    }

    /// Takes one token if it is there and says whether it was.
    pub(super) fn admit(&mut self, now: Timestamp) -> bool {
        let passes = self.allows(now, 1);
        if passes {
            self.take(1);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: RateLimit = RateLimit {
        per_s: 1_000,
        capacity: 1_000,
    };

    #[test]
    fn an_overloaded_bucket_passes_its_capacity_and_then_exactly_its_rate() {
        let start = Timestamp::from_secs(1_700_000_000);
        let mut meter = Meter::new(Some(LIMIT), start);
        let mut per_second = [0u32; 61];
        for offer in 0..=180_000u64 {
            let nanos = offer * 1_000_000_000 / 3_000;
            let now = Timestamp::from_nanos(start.as_nanos() + nanos);
            per_second[(nanos / 1_000_000_000) as usize] += u32::from(meter.admit(now));
        }
        assert_eq!(per_second.iter().sum::<u32>(), 1_000 + 60 * 1_000);
        for (second, passed) in per_second.iter().enumerate().take(60).skip(1) {
            assert!(
                (999..=1_001).contains(passed),
                "{passed} in second {second}"
            );
        }
    }

    #[test]
    fn debt_is_paid_back_at_the_rate() {
        let start = Timestamp::from_secs(10);
        let mut meter = Meter::new(Some(LIMIT), start);
        meter.set_debt(5_000);
        assert!(!meter.allows_debt(Timestamp::from_millis(15_000)));
        assert!(meter.allows_debt(Timestamp::from_millis(15_001)));
        meter.set_debt(5_000);
        let free = meter.above_zero_at();
        assert!(meter.allows_debt(free));
        meter.set_debt(5_000);
        let free = meter.above_zero_at();
        assert!(!meter.allows_debt(Timestamp::from_nanos(free.as_nanos() - 1)));
    }

    proptest! {
        #[test]
        fn how_often_it_is_asked_changes_nothing(steps in prop::collection::vec(0u64..50_000_000, 1..50), per_s in 1u64..5_000_000) {
            let limit = RateLimit { per_s, capacity: per_s * 10 };
            let (mut often, mut once) = (Bucket::full(limit, Timestamp::ZERO), Bucket::full(limit, Timestamp::ZERO));
            often.set_debt(7);
            once.set_debt(7);
            let mut now = 0;
            for step in steps {
                now += step;
                often.refill(Timestamp::from_nanos(now));
            }
            once.refill(Timestamp::from_nanos(now));
            prop_assert_eq!(often.level, once.level);
        }

        #[test]
        fn time_that_goes_back_adds_nothing(times in prop::collection::vec(0u64..1_000_000_000, 1..50)) {
            let mut bucket = Bucket::full(LIMIT, Timestamp::ZERO);
            bucket.set_debt(1_000_000);
            for &time in &times {
                bucket.refill(Timestamp::from_nanos(time));
            }
            let latest = i128::from(times.iter().copied().max().unwrap_or(0));
            prop_assert_eq!(bucket.level, -1_000_000 * BILLIONTHS + latest * 1_000);
        }
    }
}
