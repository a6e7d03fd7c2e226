//! `[calls.NAME]`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::arrival::Arrival;
use super::{CALL_PATTERN, SHARDS_MAX};
use crate::scenario::defaults;
use crate::scenario::quantity::DurationText;

/// A load of API calls: either a weighted `mix` on a stream of the scenario, or a `script` on streams of its own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Calls {
    /// The stream that a mix is about; the only one if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) on: Option<String>,
    /// When calls are meant to be made, or scripts to begin; rates are of all workers together. A script without it is run
    /// once by each worker, from the start of the measurement window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) arrival: Option<Arrival>,
    /// How many workers divide the schedule. A worker runs one script at a time.
    #[serde(default = "defaults::workers")]
    #[schemars(range(min = 1, max = 65_535))]
    pub(in crate::scenario) workers: u32,
    /// When a call without an answer is given up as unknown, above zero.
    #[serde(default = "defaults::timeout")]
    pub(in crate::scenario) timeout: DurationText,
    /// The most calls of a mix under way per worker.
    #[serde(default = "defaults::max_in_flight")]
    #[schemars(range(min = 1, max = 10_000))]
    pub(in crate::scenario) max_in_flight: u32,
    /// The most calls of a mix that wait in a worker for their turn; more become `not_sent`.
    #[serde(default = "defaults::max_queued")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub(in crate::scenario) max_queued: u32,
    /// Operations and their weights: `{ ListShards = 3, "DescribeStream:missing-stream" = 1 }`. `Operation:case` is a call
    /// that the service must refuse; that refusal is its success. The set-up of `GetRecords:expired-iterator` waits five minutes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::scenario) mix: BTreeMap<CallKey, Weight>,
    /// Steps that are run in their order, the first of which makes a stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::scenario) script: Vec<Step>,
}

/// An operation, and perhaps a case of it: `ListShards`, `ListShards:missing-stream`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(in crate::scenario) struct CallKey(pub(in crate::scenario) String);

impl JsonSchema for CallKey {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "CallKey".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": CALL_PATTERN })
    }
}

/// How often a call is made, in proportion to the other weights.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(in crate::scenario) struct Weight(
    #[schemars(extend("exclusiveMinimum" = 0))] pub(in crate::scenario) f64,
);

/// A step of a script, on the stream that the script made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::scenario) enum Step {
    /// CreateStream of a stream of its own, named by worker; the first step, and no other.
    CreateStream {
        /// Shards at the start.
        #[serde(default = "defaults::script_shards")]
        #[schemars(range(min = 1, max = SHARDS_MAX))]
        shards: u32,
    },
    /// Looks until the stream is in a state, and measures how long the change before took.
    Wait {
        /// Which state.
        #[serde(default = "defaults::wait_until")]
        until: WaitUntil,
    },
    /// SplitShard of the widest shard, in the middle.
    SplitShard {},
    /// MergeShards of the two shards with the lowest hash keys.
    MergeShards {},
    /// UpdateShardCount.
    UpdateShardCount {
        /// Open shards wanted.
        #[schemars(range(min = 1, max = SHARDS_MAX))]
        target: u32,
    },
    /// A call of any operation that can be loaded.
    Call {
        /// The operation, perhaps with a case that the service must refuse.
        operation: String,
    },
    /// DeleteStream. What a script leaves is deleted in any case, unmeasured.
    DeleteStream {},
}

impl Step {
    /// The step as the scenario writes it.
    pub(in crate::scenario) const fn word(&self) -> &'static str {
        match self {
            Self::CreateStream { .. } => "create-stream",
            Self::Wait { .. } => "wait",
            Self::SplitShard {} => "split-shard",
            Self::MergeShards {} => "merge-shards",
            Self::UpdateShardCount { .. } => "update-shard-count",
            Self::Call { .. } => "call",
            Self::DeleteStream {} => "delete-stream",
        }
    }
}

/// A state that a script waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum WaitUntil {
    /// DescribeStreamSummary says ACTIVE.
    Active,
    /// DescribeStreamSummary says that there is no such stream.
    Deleted,
}
