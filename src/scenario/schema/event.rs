//! `[events.NAME]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SHARDS_MAX;
use crate::scenario::defaults;
use crate::scenario::quantity::{DurationText, EventTimeText, HashKeyText, ShardText};

/// Something that happens in mid-run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::scenario) enum Event {
    /// SplitShard.
    SplitShard {
        /// When.
        at: EventTimeText,
        /// The stream; the only one if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// Whether a target that cannot do it is no error.
        #[serde(default)]
        optional: bool,
        /// Which shard.
        shard: ShardText,
        /// Where the second child begins; the middle of the range if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new_starting_hash_key: Option<HashKeyText>,
    },
    /// MergeShards of a shard and its neighbour on the right.
    MergeShards {
        /// When.
        at: EventTimeText,
        /// The stream; the only one if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// Whether a target that cannot do it is no error.
        #[serde(default)]
        optional: bool,
        /// The shard with the lower hash keys.
        shard: ShardText,
    },
    /// UpdateShardCount.
    UpdateShardCount {
        /// When.
        at: EventTimeText,
        /// The stream; the only one if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// Whether a target that cannot do it is no error.
        #[serde(default)]
        optional: bool,
        /// Open shards wanted.
        #[schemars(range(min = 1, max = SHARDS_MAX))]
        target: u32,
    },
    /// The target answers nothing for a while, then everything.
    Stall {
        /// When.
        at: EventTimeText,
        /// The stream; the only one if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// Whether a target that cannot do it is no error.
        #[serde(default)]
        optional: bool,
        /// How long, above zero.
        duration: DurationText,
    },
    /// The target refuses a share of the records put.
    ThrottleStorm {
        /// When.
        at: EventTimeText,
        /// The stream; the only one if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// Whether a target that cannot do it is no error.
        #[serde(default)]
        optional: bool,
        /// How long, above zero.
        duration: DurationText,
        /// Which shard; all of them if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shard: Option<ShardText>,
        /// The share that is refused.
        #[serde(default = "defaults::storm_share")]
        #[schemars(range(min = 0.0, max = 1.0))]
        share: f64,
    },
    /// Every connection of the client is broken, those with a call under way too; subscriptions of fan-out consumers are
    /// the SDK's and stay. Needs an endpoint, and a client that can: `lean`.
    ResetConnections {
        /// When.
        at: EventTimeText,
        /// The stream; the only one if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// Whether a target that cannot do it is no error.
        #[serde(default)]
        optional: bool,
    },
}

impl Event {
    /// When it happens.
    pub(in crate::scenario) fn at(&self) -> &EventTimeText {
        match self {
            Self::SplitShard { at, .. }
            | Self::MergeShards { at, .. }
            | Self::UpdateShardCount { at, .. }
            | Self::Stall { at, .. }
            | Self::ThrottleStorm { at, .. }
            | Self::ResetConnections { at, .. } => at,
        }
    }

    /// The stream that it happens to.
    pub(in crate::scenario) fn on(&self) -> Option<&str> {
        match self {
            Self::SplitShard { on, .. }
            | Self::MergeShards { on, .. }
            | Self::UpdateShardCount { on, .. }
            | Self::Stall { on, .. }
            | Self::ThrottleStorm { on, .. }
            | Self::ResetConnections { on, .. } => on.as_deref(),
        }
    }

    /// The stream that it happens to, to be filled in.
    pub(in crate::scenario) fn on_mut(&mut self) -> &mut Option<String> {
        match self {
            Self::SplitShard { on, .. }
            | Self::MergeShards { on, .. }
            | Self::UpdateShardCount { on, .. }
            | Self::Stall { on, .. }
            | Self::ThrottleStorm { on, .. }
            | Self::ResetConnections { on, .. } => on,
        }
    }

    /// Whether a target that cannot do it is no error.
    pub(in crate::scenario) fn optional(&self) -> bool {
        match self {
            Self::SplitShard { optional, .. }
            | Self::MergeShards { optional, .. }
            | Self::UpdateShardCount { optional, .. }
            | Self::Stall { optional, .. }
            | Self::ThrottleStorm { optional, .. }
            | Self::ResetConnections { optional, .. } => *optional,
        }
    }
}
