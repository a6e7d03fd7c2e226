//! What the SDK says, as what it means for an attempt.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::kinesis::{ErrorCode, KinesisError};
use crate::target::CallError;

/// Codes outside Kinesis's own that pass by waiting (AWS general reference, "Error retries and exponential backoff").
const PASSING: [&str; 5] = [
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
];

/// What the end of a call means.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` is given, and ends here"
)]
pub(super) fn call_error<E>(error: SdkError<E, Response>) -> CallError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    match &error {
        SdkError::ConstructionFailure(_) => CallError::Unsent(chain(&error)),
        SdkError::DispatchFailure(failure) if failure.is_user() => CallError::Unsent(chain(&error)),
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) if never_connected(&error) => {
            CallError::Unsent(chain(&error))
        }
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let said = answer.err();
            match answered(status, said.code(), said.message()) {
                Some(meaning) => meaning,
                None => CallError::Unanswered(format!("HTTP {status}: {}", chain(&error))),
            }
        }
        _ => CallError::Unanswered(chain(&error)),
    }
}

/// What an answer with this status and error means; nothing when it does not say what became of the call.
fn answered(status: u16, code: Option<&str>, message: Option<&str>) -> Option<CallError> {
    // An answer of success that cannot be read: it was done, or not.
    if (200..300).contains(&status) {
        return None;
    }
    let message = message.unwrap_or_default();
    let server = status >= 500;
    match code.map(|code| (code, ErrorCode::named(code))) {
        Some((_, Some(code))) => Some(CallError::Refused(KinesisError::new(code, message))),
        Some((code, None)) => Some(CallError::Foreign {
            code: code.to_owned(),
            message: message.to_owned(),
            again: server || PASSING.contains(&code),
        }),
        // Something on the way broke down while it waited for the service.
        None if server => None,
        None => Some(CallError::Foreign {
            code: format!("HTTP {status}"),
            message: "the answer names no error".to_owned(),
            again: false,
        }),
    }
}

/// Whether an error says that no connection could be made: then nothing was sent.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// An error with all its causes: the SDK's outermost text says little.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let said = inner.to_string();
        if !said.is_empty() && !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_service_is_a_refusal_and_an_unreadable_success_is_none() {
        let refused = answered(
            400,
            Some("ProvisionedThroughputExceededException"),
            Some("Rate"),
        );
        assert!(refused.unwrap().is_throttle());
        let failed = answered(500, Some("InternalFailureException"), None).unwrap();
        assert_eq!(failed.code(), Some(ErrorCode::InternalFailure));
        assert_eq!(answered(200, None, None), None);
        assert_eq!(answered(200, Some("InternalFailure"), None), None);
        assert_eq!(answered(503, None, None), None);
    }

    #[test]
    fn an_error_that_kinesis_does_not_have_is_told_in_its_own_words() {
        let foreign = |status, code| match answered(status, code, Some("why")) {
            Some(CallError::Foreign { code, again, .. }) => (code, again),
            other => panic!("{other:?}"),
        };
        let code = Some("UnrecognizedClientException");
        assert_eq!(
            foreign(400, code),
            ("UnrecognizedClientException".to_owned(), false)
        );
        assert!(foreign(503, Some("ServiceUnavailable")).1);
        assert!(foreign(400, Some("ThrottlingException")).1);
        assert_eq!(foreign(403, None), ("HTTP 403".to_owned(), false));
    }
}
