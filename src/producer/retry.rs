//! How long a refused record waits for its next attempt.

use std::time::Duration;

use crate::scenario::model::{Retry, RetryKind};

/// The wait after the attempt with this number (from 1), or `None` when it was the last. `waited` was the wait before that
/// attempt; `draw` gives a number from 0 to 1 and is asked at most once.
pub(super) fn wait_after(
    retry: &Retry,
    attempt: u32,
    waited: Duration,
    draw: impl FnOnce() -> f64,
) -> Option<Duration> {
    if attempt >= retry.attempts || retry.kind == RetryKind::None {
        return None;
    }
    // 2^20 times any base is beyond any cap, and cannot overflow.
    let doubled = retry
        .base
        .saturating_mul(1 << (attempt - 1).min(20))
        .min(retry.cap);
    Some(match retry.kind {
        RetryKind::None => return None,
        RetryKind::Fixed => retry.base.min(retry.cap),
        RetryKind::Exponential => doubled,
        RetryKind::FullJitter => doubled.mul_f64(draw()),
        RetryKind::EqualJitter => (doubled / 2) + (doubled / 2).mul_f64(draw()),
        RetryKind::Decorrelated => {
            let most = waited.max(retry.base).saturating_mul(3);
            let wait = retry.base + most.saturating_sub(retry.base).mul_f64(draw());
            wait.min(retry.cap)
        }
    })
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::base::rng;
    use crate::scenario::model::RetryOf;

    fn waits(kind: RetryKind) -> Vec<Option<Duration>> {
        let retry = Retry {
            kind,
            attempts: 5,
            base: Duration::from_millis(50),
            cap: Duration::from_millis(300),
            of: RetryOf::Record,
            ttl: None,
        };
        let mut rng = rng::generator(1, "test", 0, "retry");
        let mut waited = Duration::ZERO;
        (1..=5)
            .map(|attempt| {
                let wait = wait_after(&retry, attempt, waited, || rng.random_range(0.0..=1.0));
                waited = wait.unwrap_or_default();
                wait
            })
            .collect()
    }

    #[test]
    fn exponential_waits_double_up_to_the_cap_and_end_with_the_attempts() {
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(
            waits(RetryKind::Exponential),
            [ms(50), ms(100), ms(200), ms(300), None]
        );
        assert_eq!(
            waits(RetryKind::Fixed),
            [ms(50), ms(50), ms(50), ms(50), None]
        );
        assert_eq!(waits(RetryKind::None), [None; 5]);
    }

    #[test]
    fn full_jitter_stays_below_the_exponential_wait_and_is_seldom_the_same() {
        let jittered = waits(RetryKind::FullJitter);
        for (jittered, whole) in jittered.iter().zip(waits(RetryKind::Exponential)) {
            assert!(jittered <= &whole);
        }
        assert_ne!(jittered[0], jittered[1]);
    }

    #[test]
    fn equal_jitter_is_never_below_half_of_the_exponential_wait() {
        let jittered = waits(RetryKind::EqualJitter);
        for (jittered, whole) in jittered.iter().zip(waits(RetryKind::Exponential)) {
            assert!(jittered <= &whole && *jittered >= whole.map(|whole| whole / 2));
        }
        assert_ne!(jittered[2], jittered[3]);
    }

    #[test]
    fn decorrelated_waits_are_from_the_base_to_three_times_the_last_one() {
        let mut last = Duration::from_millis(50);
        for wait in waits(RetryKind::Decorrelated).into_iter().flatten() {
            let most = (last * 3).min(Duration::from_millis(300));
            assert!(
                (Duration::from_millis(50)..=most).contains(&wait),
                "{wait:?}"
            );
            last = wait;
        }
        let retry = |draw| {
            let retry = Retry {
                kind: RetryKind::Decorrelated,
                attempts: 9,
                base: Duration::from_millis(50),
                cap: Duration::from_millis(300),
                of: RetryOf::Record,
                ttl: None,
            };
            wait_after(&retry, 1, Duration::from_millis(90), || draw)
        };
        assert_eq!(retry(0.0), Some(Duration::from_millis(50)));
        assert_eq!(retry(1.0), Some(Duration::from_millis(270)));
    }
}
