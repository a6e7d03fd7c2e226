//! `[consumers.NAME]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::defaults;
use crate::scenario::quantity::{DurationText, StartText};

/// A group of readers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::scenario) enum Consumer {
    /// GetRecords in a loop for each shard, children after their parents.
    Polling {
        /// The stream it reads; the only one if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
        /// From the start of one call to the start of the next.
        #[serde(default = "defaults::poll_interval")]
        interval: DurationText,
        /// The most records of one call.
        #[serde(default = "defaults::poll_max_records")]
        #[schemars(range(min = 1, max = 10_000))]
        max_records: u32,
        /// The wait after a refused call.
        #[serde(default = "defaults::poll_backoff")]
        backoff: DurationText,
        /// Where it begins.
        #[serde(default = "defaults::start")]
        start: StartText,
    },
    /// SubscribeToShard for each shard, children after their parents: an enhanced fan-out consumer, registered for the run
    /// and deregistered at its end.
    FanOut {
        /// The stream it reads; the only one if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<String>,
        /// The name that it registers under, which nobody may have; one of the run's own if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        consumer_name: Option<String>,
        /// Where it begins.
        #[serde(default = "defaults::start")]
        start: StartText,
    },
}

impl Consumer {
    /// The stream it reads, once it is known.
    pub(in crate::scenario) fn stream(&self) -> Option<&str> {
        let (Self::Polling { stream, .. } | Self::FanOut { stream, .. }) = self;
        stream.as_deref()
    }

    /// The stream it reads, to be filled in.
    pub(in crate::scenario) const fn stream_mut(&mut self) -> &mut Option<String> {
        let (Self::Polling { stream, .. } | Self::FanOut { stream, .. }) = self;
        stream
    }
}
