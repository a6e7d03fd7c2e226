//! What the SDK says, as what it means for an attempt.

use std::error::Error;

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::target::CallError;
use crate::target::judge::{answered, chain};

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
        // An answer that cannot be read, such as a page of a proxy: it names no error.
        SdkError::ResponseError(answer) => {
            let status = answer.raw().status().as_u16();
            let meaning = answered(status, None, None);
            meaning.unwrap_or_else(|| {
                CallError::Unanswered(format!("HTTP {status}: {}", chain(&error)))
            })
        }
        _ => CallError::Unanswered(chain(&error)),
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
