//! The official SDK as a client: endpoints and AWS.
//!
//! Invariant: one call of [`Sdk`] is one request on the wire. The SDK's own retries are off, and it gives up no call by
//! itself but for a connection that cannot be made.

mod account;
mod connect;
mod error;

use crate::base::Clock;

pub use account::{ControlError, Found, Identity};
pub use connect::{ConnectError, connect};

/// A connected client.
#[derive(Clone, Debug)]
pub struct Sdk {
    client: aws_sdk_kinesis::Client,
    configuration: aws_config::SdkConfig,
    url: Option<String>,
    clock: Clock,
}

impl Sdk {
    /// The clock that its answers are stamped with: real time, and the one that a run against it must use.
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// The configuration that the client was made from: credentials, region, HTTP client. For clients of other services
    /// of the same account.
    pub const fn configuration(&self) -> &aws_config::SdkConfig {
        &self.configuration
    }

    /// Where it sends its calls; nothing when that is the region's own endpoint.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}
