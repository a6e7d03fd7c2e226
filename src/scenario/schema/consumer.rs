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
        /// Where it begins; `trim-horizon`, or `latest` on a stream that no producer of the scenario writes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<StartText>,
    },
}
