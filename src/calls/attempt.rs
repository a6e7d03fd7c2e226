//! One call on its way, and what its answer means.

use crate::base::Timestamp;
use crate::kinesis::ErrorCode;
use crate::kinesis::api::ApiCall;
use crate::measure::CallOutcome;
use crate::target::{CallError, Called};
use crate::wire::Value;

use super::CallsContext;

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) sent: Timestamp,
    /// When the answer was complete, or it was given up.
    pub(super) at: Timestamp,
    /// The answer; `None` when it was given up.
    pub(super) answer: Option<Result<Called, CallError>>,
}

impl Ended {
    /// The output of a success.
    pub(super) fn output(&self) -> Option<&Value> {
        match &self.answer {
            Some(Ok(called)) => Some(&called.output),
            _ => None,
        }
    }

    /// Whether what it asked for may have been done all the same.
    pub(super) fn may_be_done(&self) -> bool {
        match &self.answer {
            None | Some(Ok(_)) => true,
            Some(Err(error)) => error.may_be_done(),
        }
    }

    /// Whether the service answered.
    pub(super) fn is_answered(&self) -> bool {
        !matches!(
            &self.answer,
            None | Some(Err(CallError::Unsent(_) | CallError::Unanswered(_)))
        )
    }
}

/// Makes one call; without an answer in time, before everything is given up and before the run is interrupted, there is
/// none.
pub(super) async fn attempt(context: &CallsContext, call: &ApiCall, input: &Value) -> Ended {
    let clock = context.clock;
    let sent = clock.now();
    let deadline = sent.plus(context.calls.timeout).min(context.give_up());
    let mut cancel = context.cancel.clone();
    let answer = tokio::select! {
        biased;
        answer = context.target.call(call.api.name, input) => Some(answer),
        () = clock.sleep_until(deadline) => None,
        Ok(_) = cancel.wait_for(|cancelled| *cancelled) => None,
    };
    let at = match &answer {
        Some(Ok(called)) => called.at,
        _ => clock.now(),
    };
    context.progress.calls.add(1);
    context.progress.at.reach(at);
    Ended { sent, at, answer }
}

/// What an answer means for the call that it is the answer to, and what to tell of it if it should not be.
pub(super) fn outcome(call: &ApiCall, ended: &Ended) -> (CallOutcome, Option<String>) {
    let unexpected = |code: &str, told: String| {
        let told = format!("{call}: {told}");
        (CallOutcome::Unexpected(code.to_owned()), Some(told))
    };
    let error = match &ended.answer {
        None => return (CallOutcome::Unknown, None),
        Some(Ok(called)) => {
            return match (call.case, refused_entry(&called.output)) {
                (Some(case), _) => unexpected(
                    "success",
                    format!("succeeded, and should be refused with {}", case.code),
                ),
                (None, None) => (CallOutcome::Ok, None),
                (None, Some(code)) if is_throttle(code) => (CallOutcome::Throttled, None),
                (None, Some(code)) => unexpected(code, format!("a record was refused with {code}")),
            };
        }
        Some(Err(error)) => error,
    };
    let told = error.to_string();
    match error {
        CallError::Refused(refusal) => {
            if call.case.is_some_and(|case| case.code == refusal.code) {
                (CallOutcome::Expected, None)
            } else if refusal.code.is_throttle() {
                (CallOutcome::Throttled, None)
            } else {
                unexpected(refusal.code.as_str(), told)
            }
        }
        CallError::Foreign { code, .. } if is_throttle(code) => (CallOutcome::Throttled, None),
        CallError::Foreign { code, .. } => unexpected(code, told),
        CallError::Unsent(_) => unexpected("nothing-sent", told),
        CallError::Unanswered(_) => (CallOutcome::Unknown, Some(format!("{call}: {told}"))),
    }
}

/// Whether a code says that a limit refused: Kinesis's own, or one that AWS's front ends share.
fn is_throttle(code: &str) -> bool {
    ErrorCode::named(code).is_some_and(ErrorCode::is_throttle)
        || matches!(
            code,
            "Throttling" | "ThrottlingException" | "RequestLimitExceeded"
        )
}

/// The code of the first record that a successful PutRecords refused.
fn refused_entry(output: &Value) -> Option<&str> {
    let mut records = output.list("Records").iter();
    records.find_map(|record| record.str("ErrorCode"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::KinesisError;

    fn judged(call: &str, answer: impl Into<Option<Result<Value, CallError>>>) -> CallOutcome {
        let ended = Ended {
            sent: Timestamp::ZERO,
            at: Timestamp::ZERO,
            answer: answer.into().map(|answer| {
                answer.map(|output| Called {
                    output,
                    at: Timestamp::ZERO,
                })
            }),
        };
        outcome(&ApiCall::parse(call).unwrap(), &ended).0
    }

    fn refused(code: ErrorCode) -> Result<Value, CallError> {
        Err(KinesisError::new(code, "no").into())
    }

    #[test]
    fn a_refusal_that_is_expected_is_success_and_any_other_answer_is_not() {
        let case = "ListShards:missing-stream";
        assert_eq!(
            judged(case, refused(ErrorCode::ResourceNotFound)),
            CallOutcome::Expected
        );
        assert_eq!(
            judged(case, refused(ErrorCode::InvalidArgument)),
            CallOutcome::Unexpected("InvalidArgumentException".to_owned())
        );
        assert_eq!(
            judged(case, Ok(Value::structure())),
            CallOutcome::Unexpected("success".to_owned())
        );
        // A limit may refuse it before it is looked at.
        assert_eq!(
            judged(case, refused(ErrorCode::LimitExceeded)),
            CallOutcome::Throttled
        );
        assert_eq!(
            judged("ListShards", refused(ErrorCode::ResourceNotFound)),
            CallOutcome::Unexpected("ResourceNotFoundException".to_owned())
        );
        assert_eq!(judged("ListShards", None), CallOutcome::Unknown);
        let silent = Err(CallError::Unanswered("broken".to_owned()));
        assert_eq!(judged("ListShards", silent), CallOutcome::Unknown);
    }

    #[test]
    fn a_batch_of_which_a_record_was_refused_is_judged_by_that_record() {
        let answer = |code: &str| {
            let refused = Value::structure().with("ErrorCode", code);
            let stored = Value::structure().with("ShardId", "shardId-000000000000");
            Some(Ok(Value::structure().with("Records", vec![stored, refused])))
        };
        assert_eq!(
            judged(
                "PutRecords",
                answer("ProvisionedThroughputExceededException")
            ),
            CallOutcome::Throttled
        );
        assert_eq!(
            judged("PutRecords", answer("InternalFailure")),
            CallOutcome::Unexpected("InternalFailure".to_owned())
        );
    }
}
