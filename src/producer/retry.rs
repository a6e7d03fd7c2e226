//! How long a refused record waits for its next attempt.

use std::time::Duration;

use rand::RngExt as _;

use crate::base::rng::Rng;
use crate::scenario::model::{Retry, RetryKind};

/// The wait after the attempt with this number (from 1), or `None` when it was the last.
pub(super) fn wait_after(retry: &Retry, attempt: u32, rng: &mut Rng) -> Option<Duration> {
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
        RetryKind::FullJitter => doubled.mul_f64(rng.random_range(0.0..=1.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;

    fn waits(kind: RetryKind) -> Vec<Option<Duration>> {
        let retry = Retry {
            kind,
            attempts: 5,
            base: Duration::from_millis(50),
            cap: Duration::from_millis(300),
        };
        let mut rng = rng::generator(1, "test", 0, "retry");
        (1..=5)
            .map(|attempt| wait_after(&retry, attempt, &mut rng))
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
}
