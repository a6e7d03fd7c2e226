//! What is logged of a request: gathered on its way, and only if somebody wants it.

use std::time::Duration;

use super::answer::Ids;
use super::caller::Caller;
use super::regions::region_of;
use crate::wire::Value;

/// What is known of a request.
#[derive(Debug)]
pub(super) struct Trail {
    /// What metrics count it as.
    pub(super) operation: &'static str,
    /// Whether requests are logged; nothing else is kept when they are not.
    wanted: bool,
    caller: Option<Caller>,
    stream: Option<String>,
}

impl Trail {
    pub(super) fn new() -> Self {
        Self {
            operation: "unknown",
            wanted: tracing::enabled!(tracing::Level::DEBUG),
            caller: None,
            stream: None,
        }
    }

    pub(super) fn asked_by(&mut self, caller: &Caller) {
        if self.wanted {
            self.caller = Some(caller.clone());
        }
    }

    /// Notes the stream, as the request names it.
    pub(super) fn about(&mut self, stream: impl FnOnce() -> Option<String>) {
        if self.wanted {
            self.stream = stream();
        }
    }

    /// The request's one event.
    pub(super) fn log(&self, ids: &Ids, status: u16, code: &str, took: Duration) {
        if !self.wanted {
            return;
        }
        let caller = self.caller.as_ref();
        tracing::debug!(
            request_id = ids.request(),
            operation = self.operation,
            account = caller.map(|caller| caller.account.as_str()),
            region = caller.map(|caller| region_of(&caller.region)),
            stream = self.stream.as_deref(),
            status,
            code,
            duration_us = took.as_micros() as u64,
            "request"
        );
    }
}

/// The stream that an input names, or what of it is named.
pub(super) fn stream_of(input: &Value) -> Option<String> {
    let members = ["StreamName", "StreamARN", "ConsumerARN", "ResourceARN"];
    let found = members.into_iter().find_map(|member| input.str(member));
    found.map(str::to_owned)
}
