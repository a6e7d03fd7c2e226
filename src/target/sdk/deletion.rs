//! DeleteStream until the stream is gone, and DeregisterStreamConsumer until the consumer is: through broken connections,
//! past creations that are still under way.

use std::time::Duration;

use super::Sdk;
use crate::base::Timestamp;
use crate::kinesis::operation::StreamStatus;
use crate::kinesis::{ConsumerName, ErrorCode};
use crate::target::patience::within;
use crate::target::{CallError, Existence};

/// How long a stream whose creation was never answered must stay absent before that is believed: the creation may still
/// be on its way, and its deletion overtook it.
const ABSENT_FOR: Duration = Duration::from_secs(30);

/// The shortest and the longest wait before a deletion is tried again.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// A deletion that goes on.
#[derive(Debug)]
struct Deletion {
    existence: Existence,
    begun: Timestamp,
    patience: Duration,
    absent_since: Option<Timestamp>,
}

/// What to do after an answer.
#[derive(PartialEq, Debug)]
enum Next {
    Gone,
    Again,
    /// It is being made, changed or deleted: look which.
    Look(CallError),
    GiveUp(CallError),
}

impl Deletion {
    fn judge(&mut self, now: Timestamp, answer: Result<(), CallError>) -> Next {
        let Err(error) = answer else {
            return Next::Gone;
        };
        match error.code() {
            Some(ErrorCode::ResourceNotFound) if self.existence == Existence::Certain => Next::Gone,
            Some(ErrorCode::ResourceNotFound) => {
                let since = *self.absent_since.get_or_insert(now);
                if now.since(since) >= ABSENT_FOR {
                    Next::Gone
                } else {
                    Next::Again
                }
            }
            Some(ErrorCode::ResourceInUse) => {
                // It was seen: from now on it has to go.
                self.existence = Existence::Certain;
                if self.is_over(now) {
                    Next::GiveUp(error)
                } else {
                    Next::Look(error)
                }
            }
            // A second deletion does no harm.
            _ if error.may_pass() && !self.is_over(now) => Next::Again,
            _ => Next::GiveUp(error),
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.left(now).is_zero()
    }

    /// How long it may still take; longer while an absence is watched.
    fn left(&self, now: Timestamp) -> Duration {
        let watched = self.absent_since.map_or(Duration::ZERO, |_| ABSENT_FOR);
        (self.patience + watched).saturating_sub(now.since(self.begun))
    }
}

/// What is to go.
#[derive(Clone, Copy, Debug)]
enum Doomed<'a> {
    Stream(&'a str),
    Consumer(&'a str, &'a ConsumerName),
}

impl Sdk {
    /// Deletes a stream with its registered consumers. That it is not there, or is being deleted, is success: at once if
    /// it was known to exist, after [`ABSENT_FOR`] if that was never known. What does not answer, or fails, is asked again
    /// for `patience`.
    pub(in crate::target) async fn end(
        &self,
        stream: &str,
        existence: Existence,
        patience: Duration,
    ) -> Result<(), CallError> {
        self.end_it(Doomed::Stream(stream), existence, patience)
            .await
    }

    /// Deregisters a consumer, in the same manner; that its stream is gone is success too.
    pub(in crate::target) async fn end_consumer(
        &self,
        stream: &str,
        name: &ConsumerName,
        existence: Existence,
        patience: Duration,
    ) -> Result<(), CallError> {
        self.end_it(Doomed::Consumer(stream, name), existence, patience)
            .await
    }

    async fn end_it(
        &self,
        doomed: Doomed<'_>,
        existence: Existence,
        patience: Duration,
    ) -> Result<(), CallError> {
        let clock = self.clock;
        let mut deletion = Deletion {
            existence,
            begun: clock.now(),
            patience,
            absent_since: None,
        };
        let (mut wait, longest) = AGAIN;
        loop {
            let left = deletion.left(clock.now()).max(AGAIN.0);
            let answer = match doomed {
                Doomed::Stream(stream) => within(left, clock, self.delete_stream(stream)).await,
                Doomed::Consumer(stream, name) => {
                    within(left, clock, self.deregister_consumer(stream, name)).await
                }
            };
            match (deletion.judge(clock.now(), answer), doomed) {
                (Next::Gone, _) => return Ok(()),
                (Next::GiveUp(error), _) => return Err(error),
                // A consumer that is still being made is gone later.
                (Next::Again, _) | (Next::Look(_), Doomed::Consumer(..)) => {}
                (Next::Look(error), Doomed::Stream(stream)) => {
                    let left = deletion.left(clock.now()).max(AGAIN.0);
                    match within(left, clock, self.describe(stream)).await {
                        Ok(found) if found.status == StreamStatus::Deleting => return Ok(()),
                        Err(gone) if gone.code() == Some(ErrorCode::ResourceNotFound) => {
                            return Ok(());
                        }
                        _ if deletion.is_over(clock.now()) => return Err(error),
                        _ => {}
                    }
                }
            }
            clock.sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::KinesisError;

    fn deletion(existence: Existence) -> Deletion {
        Deletion {
            existence,
            begun: Timestamp::ZERO,
            patience: Duration::from_secs(10),
            absent_since: None,
        }
    }

    fn refused(code: ErrorCode) -> Result<(), CallError> {
        Err(KinesisError::new(code, "no").into())
    }

    #[test]
    fn an_absence_is_believed_at_once_only_of_a_stream_that_was_known() {
        let at = Timestamp::from_secs;
        let absent = || refused(ErrorCode::ResourceNotFound);
        let mut known = deletion(Existence::Certain);
        assert_eq!(known.judge(at(1), absent()), Next::Gone);
        let mut possible = deletion(Existence::Possible);
        assert_eq!(possible.judge(at(1), absent()), Next::Again);
        assert_eq!(possible.judge(at(30), absent()), Next::Again);
        assert_eq!(possible.judge(at(31), absent()), Next::Gone);
        // It came to be while its absence was watched.
        let mut late = deletion(Existence::Possible);
        assert_eq!(late.judge(at(1), absent()), Next::Again);
        assert_eq!(late.judge(at(2), Ok(())), Next::Gone);
    }

    #[test]
    fn what_may_pass_is_asked_again_until_patience_ends() {
        let at = Timestamp::from_secs;
        let broken = || Err(CallError::Unanswered("broken".to_owned()));
        let unsent = || Err(CallError::Unsent("nobody".to_owned()));
        let mut deletion = deletion(Existence::Certain);
        assert_eq!(deletion.judge(at(1), broken()), Next::Again);
        assert_eq!(deletion.judge(at(2), unsent()), Next::Again);
        let failure = refused(ErrorCode::InternalFailure);
        assert_eq!(deletion.judge(at(9), failure), Next::Again);
        let throttle = refused(ErrorCode::LimitExceeded);
        assert_eq!(deletion.judge(at(9), throttle), Next::Again);
        assert!(matches!(deletion.judge(at(10), broken()), Next::GiveUp(_)));
        let denied = refused(ErrorCode::AccessDenied);
        assert!(matches!(deletion.judge(at(1), denied), Next::GiveUp(_)));
    }
}
