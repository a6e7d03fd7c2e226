//! Set-up calls, which are not measured: a refusal by a rate is waited out.

use std::time::Duration;

use super::CallError;
use crate::base::Clock;
use crate::kinesis::Cause;

/// How long to wait between two tries: the slowest rates of control calls are one per second.
const PAUSE: Duration = Duration::from_millis(250);

/// How many tries: half a minute of them.
const TRIES: u32 = 120;

/// Makes a call until it is not refused for its rate. What a quota of the account refuses is not asked for again: that
/// does not pass by waiting.
pub(super) async fn patiently<T, F>(
    clock: Clock,
    mut call: impl FnMut() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    for _ in 1..TRIES {
        match call().await {
            Err(CallError::Refused(refusal))
                if refusal.code.is_throttle() && refusal.cause != Some(Cause::AccountQuota) =>
            {
                clock.sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
    call().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::base::clock::virtual_runtime;
    use crate::kinesis::{ErrorCode, KinesisError};

    fn tries_until(refusals: u32, cause: Cause) -> (u32, bool) {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let mut tries = 0;
            let answer = patiently(clock, || {
                tries += 1;
                let refused = tries <= refusals;
                let refusal = KinesisError::throttled(ErrorCode::LimitExceeded, cause, "no");
                std::future::ready(if refused { Err(refusal.into()) } else { Ok(()) })
            });
            let answer = answer.await;
            (tries, answer.is_ok())
        })
    }

    #[test]
    fn a_rate_is_waited_out_and_a_quota_is_not() {
        assert_eq!(tries_until(7, Cause::ApiRate), (8, true));
        assert_eq!(tries_until(7, Cause::AccountQuota), (1, false));
        assert_eq!(tries_until(u32::MAX, Cause::ApiRate), (TRIES, false));
    }
}
