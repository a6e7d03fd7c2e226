//! Any operation, by its name and its input as a tree: what loads of API calls send.

use super::{Behind, CallError, Target};
use crate::base::Timestamp;
use crate::dispatch::{self, Refused};
use crate::kinesis::{ErrorCode, KinesisError};
use crate::wire::{Value, WireError};

/// An operation's answer and when it came.
#[derive(Clone, PartialEq, Debug)]
pub struct Called {
    /// The answer; without members where the operation answers nothing.
    pub output: Value,
    /// When it was complete, before anything in it was looked at.
    pub at: Timestamp,
}

impl Target {
    /// The target that any operation can be called at: this one, or for the SDK's client another of the same place.
    ///
    /// # Errors
    /// When there is no such client.
    pub fn for_calls(&self) -> Result<Self, CallError> {
        match self {
            Self::Embedded(_) | Self::Scripted(_) => Ok(self.clone()),
            #[cfg(feature = "aws")]
            Self::Sdk(_) => Err(no_way()),
        }
    }

    /// One call of any core operation but SubscribeToShard, one attempt. Streams are named as the service names them.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn call(&self, operation: &'static str, input: &Value) -> Result<Called, CallError> {
        match self.behind() {
            Behind::Host(host) => {
                let answer = dispatch::call(host, operation, input).await;
                let at = host.clock().now();
                match answer {
                    Ok(output) => Ok(Called { output, at }),
                    Err(Refused::Engine(error)) => Err(error.into()),
                    Err(Refused::Malformed(error)) => Err(malformed(error)),
                }
            }
            #[cfg(feature = "aws")]
            Behind::Sdk(_) => Err(no_way()),
        }
    }
}

#[cfg(feature = "aws")]
fn no_way() -> CallError {
    CallError::Unsent("the SDK's client has no way for any operation".to_owned())
}

/// What the service's front door says, as what it means for a call.
fn malformed(error: WireError) -> CallError {
    let message = error.message.unwrap_or_default();
    match ErrorCode::named(&error.code) {
        Some(code) => KinesisError::new(code, message).into(),
        None => CallError::Foreign {
            code: error.code.into_owned(),
            message,
            again: false,
        },
    }
}
