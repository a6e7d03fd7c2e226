//! Any operation, by its name and its input as a tree: what loads of API calls send.

#[cfg(feature = "aws")]
use std::sync::Arc;

#[cfg(feature = "aws")]
use super::lean::{Codec, Dialect, Lean, Protocol};
use super::{CallError, Target};
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
    /// The target that any operation can be called at: this one; for the SDK's client, which has a way of its own for each
    /// operation, the lean one of the same place, by JSON over HTTP/1.1.
    ///
    /// # Errors
    /// When there is no such client.
    pub async fn for_calls(&self) -> Result<Self, CallError> {
        match self {
            #[cfg(feature = "aws")]
            Self::Sdk(sdk) => {
                let dialect = Dialect {
                    codec: Codec::Json,
                    protocol: Protocol::Http1,
                };
                let lean = Lean::connect(Arc::clone(sdk), dialect).await;
                let lean = lean.map_err(|error| CallError::Unsent(error.to_string()))?;
                Ok(Self::Lean(Arc::new(lean)))
            }
            _ => Ok(self.clone()),
        }
    }

    /// One call of any core operation but SubscribeToShard, one attempt. Streams are named as the service names them. Only
    /// at a target of [`Self::for_calls`].
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn call(&self, operation: &'static str, input: &Value) -> Result<Called, CallError> {
        #[cfg(feature = "aws")]
        if let Self::Lean(lean) = self {
            return lean.any(operation, input).await;
        }
        let Some(host) = self.host() else {
            let text = "the SDK's client has no way for any operation";
            return Err(CallError::Unsent(text.to_owned()));
        };
        let answer = dispatch::call(host, operation, input).await;
        let at = host.clock().now();
        match answer {
            Ok(output) => Ok(Called { output, at }),
            Err(Refused::Engine(error)) => Err(error.into()),
            Err(Refused::Malformed(error)) => Err(malformed(error)),
        }
    }
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
