//! The official SDK as a client: endpoints and AWS.
//!
//! Invariant: one call of [`Sdk`] is one request on the wire. The SDK's own retries are off, and it gives up no measured
//! call by itself but for a connection that cannot be made; calls that are not measured have half a minute. Whatever a foreign engine answers, nothing panics, and what cannot be
//! represented is a finding.

mod account;
mod admin;
mod connect;
mod consumers;
mod control;
mod deletion;
mod delivery;
mod error;
mod put;
mod read;
mod subscribe;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::base::Clock;
use crate::host::Storm;
use crate::kinesis::StreamName;
use crate::target::judge::Judge;
use crate::target::{CallError, Finding};
use admin::Switch;

pub use account::{ControlError, Identity};
pub(super) use connect::{CONNECT_TIMEOUT, KEEP_IDLE};
pub use connect::{ConnectError, connect, connect_by};
pub use control::ACTIVE_WITHIN;
pub(super) use control::PATIENCE;
pub use subscribe::Subscription;

/// A connected client.
#[derive(Debug)]
pub struct Sdk {
    client: aws_sdk_kinesis::Client,
    configuration: aws_config::SdkConfig,
    url: Option<String>,
    clock: Clock,
    /// What the service calls the streams that have another name there than in the scenario.
    service_names: BTreeMap<String, String>,
    judge: Judge,
    /// The switch of the server, if it has one; of AWS nobody asks.
    switch: Option<Switch>,
    has_switch: OnceCell<bool>,
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

    /// The same client, which from now on calls streams by these names: a scenario's own name, and the service's.
    pub fn with_names(mut self, names: &BTreeMap<StreamName, StreamName>) -> Self {
        let names = names.iter().filter(|(own, service)| own != service);
        self.service_names = names
            .map(|(own, service)| (own.to_string(), service.to_string()))
            .collect();
        self
    }

    /// What the service calls a stream.
    pub(super) fn service_name<'a>(&'a self, stream: &'a str) -> &'a str {
        self.service_names
            .get(stream)
            .map_or(stream, String::as_str)
    }

    /// Where it sends its calls; nothing when that is the region's own endpoint.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// What reads its answers.
    pub(super) const fn judge(&self) -> &Judge {
        &self.judge
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        self.judge.findings()
    }

    pub(super) async fn has_switch(&self) -> bool {
        let asked = async {
            match &self.switch {
                Some(switch) => switch.is_there().await,
                None => false,
            }
        };
        *self.has_switch.get_or_init(|| asked).await
    }

    pub(super) async fn stall(&self, duration: Duration) -> Result<(), CallError> {
        self.switch()?.stall(duration).await
    }

    pub(super) async fn storm(&self, stream: &str, storm: Storm) -> Result<(), CallError> {
        self.switch()?.storm(stream, storm).await
    }

    fn switch(&self) -> Result<&Switch, CallError> {
        let none = || CallError::Unsent("the target has no switch for faults".to_owned());
        self.switch.as_ref().ok_or_else(none)
    }
}
