//! Set-up calls, which are not measured: a refusal by a rate is waited out.

use std::time::Duration;

use super::CallError;
use crate::base::Clock;
use crate::kinesis::{Cause, KinesisError};

/// How long to wait between two tries: the slowest rates of control calls are one per second.
const PAUSE: Duration = Duration::from_millis(250);

/// How many tries: half a minute of them.
const TRIES: u32 = 120;

/// The pauses between tries of CreateStream where nobody says which limit refused: a rate of 5 a second has passed after
/// the first ones, and a quota is not hammered.
const CREATION_PAUSES: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// Makes a call until it is not refused for its rate. What a quota of the account refuses is not asked for again: that
/// does not pass by waiting.
pub(super) async fn patiently<T, F>(clock: Clock, call: impl FnMut() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    tried(clock, pause, call).await
}

/// The same for CreateStream, which one code refuses for its rate and for quotas (API reference, CreateStream): where the
/// refusal names no cause, it is tried a few times only, with growing pauses.
pub(super) async fn patiently_creating<T, F>(
    clock: Clock,
    call: impl FnMut() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let pause = |tries: u32, refusal: &KinesisError| match refusal.cause {
        None => CREATION_PAUSES.get(tries as usize - 1).copied(),
        Some(_) => pause(tries, refusal),
    };
    tried(clock, pause, call).await
}

/// How long to wait after so many refused tries; `None` when it is enough.
fn pause(tries: u32, refusal: &KinesisError) -> Option<Duration> {
    (tries < TRIES && refusal.cause != Some(Cause::AccountQuota)).then_some(PAUSE)
}

async fn tried<T, F>(
    clock: Clock,
    pause: impl Fn(u32, &KinesisError) -> Option<Duration>,
    mut call: impl FnMut() -> F,
) -> Result<T, CallError>
where
    F: Future<Output = Result<T, CallError>>,
{
    let mut tries = 0;
    loop {
        tries += 1;
        match call().await {
            Err(CallError::Refused(refusal)) if refusal.code.is_throttle() => {
                match pause(tries, &refusal) {
                    Some(pause) => clock.sleep(pause).await,
                    None => return Err(refusal.into()),
                }
            }
            answer => return answer,
        }
    }
}

/// The call's answer, unless it takes longer than this: then there is none.
pub(crate) async fn within<T>(
    patience: Duration,
    clock: Clock,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    tokio::select! {
        biased;
        answer = call => answer,
        () = clock.sleep(patience) => {
            Err(CallError::Unanswered(format!("nothing came within {} s", patience.as_secs())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::base::clock::virtual_runtime;
    use crate::kinesis::ErrorCode;

    fn tries_until(refusals: u32, cause: Option<Cause>, creates: bool) -> (u32, bool, Duration) {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let mut tries = 0;
            let call = || {
                tries += 1;
                let refused = tries <= refusals;
                let refusal = match cause {
                    Some(cause) => KinesisError::throttled(ErrorCode::LimitExceeded, cause, "no"),
                    None => KinesisError::new(ErrorCode::LimitExceeded, "no"),
                };
                std::future::ready(if refused { Err(refusal.into()) } else { Ok(()) })
            };
            let answer = if creates {
                patiently_creating(clock, call).await
            } else {
                patiently(clock, call).await
            };
            (tries, answer.is_ok(), clock.now().since(Timestamp::ZERO))
        })
    }

    #[test]
    fn a_rate_is_waited_out_and_a_quota_is_not() {
        let tried = |refusals, cause| {
            let (tries, passed, _) = tries_until(refusals, cause, false);
            (tries, passed)
        };
        assert_eq!(tried(7, Some(Cause::ApiRate)), (8, true));
        assert_eq!(tried(7, None), (8, true));
        assert_eq!(tried(7, Some(Cause::AccountQuota)), (1, false));
        assert_eq!(tried(u32::MAX, Some(Cause::ApiRate)), (TRIES, false));
    }

    #[test]
    fn a_creation_that_may_be_over_a_quota_is_tried_a_few_times_with_growing_pauses() {
        assert_eq!(
            tries_until(u32::MAX, None, true),
            (5, false, Duration::from_millis(7_500))
        );
        let (tries, passed, took) = tries_until(1, None, true);
        assert_eq!((tries, passed, took.as_millis()), (2, true, 500));
        // Where the cause is known, nothing is guessed.
        let (tries, passed, _) = tries_until(7, Some(Cause::ApiRate), true);
        assert_eq!((tries, passed), (8, true));
    }
}
