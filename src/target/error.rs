//! How a call that brought no result ended.

use crate::kinesis::{ErrorCode, KinesisError};

/// Why a call has no result.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallError {
    /// The service answered with an error of its own: nothing was done.
    #[error("{0}")]
    Refused(#[from] KinesisError),
    /// It answered with an error that is not one of Kinesis's, such as a signature that it does not accept: nothing was
    /// done.
    #[error("{code}: {message}")]
    Foreign {
        /// The answer's code.
        code: String,
        /// The answer's text.
        message: String,
        /// Whether the same call may pass later.
        again: bool,
    },
    /// No connection could be made, or the request could not be written down: nothing was sent, so nothing was done.
    #[error("nothing was sent: {0}")]
    Unsent(String),
    /// The request may have left, and there is no answer that says what became of it.
    #[error("no answer: {0}")]
    Unanswered(String),
}

impl CallError {
    /// The service's code, where it gave one.
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => Some(error.code),
            Self::Foreign { .. } | Self::Unsent(_) | Self::Unanswered(_) => None,
        }
    }

    /// Whether a limit refused: the same call may pass later.
    pub fn is_throttle(&self) -> bool {
        self.code().is_some_and(ErrorCode::is_throttle)
    }

    /// Whether the same call may pass later: a limit refused, something broke down, or nobody answered.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused(error) => self.is_throttle() || error.code == ErrorCode::InternalFailure,
            Self::Foreign { again, .. } => *again,
            Self::Unsent(_) | Self::Unanswered(_) => true,
        }
    }

    /// Whether it may have been done all the same: there is no answer, or one of something that broke down.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Refused(error) => error.code == ErrorCode::InternalFailure,
            Self::Foreign { again, .. } => *again,
            Self::Unsent(_) => false,
            Self::Unanswered(_) => true,
        }
    }

    /// Whether nobody was there to answer.
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unsent(_) | Self::Unanswered(_))
    }
}
