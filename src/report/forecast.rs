//! What was foreseen of each stream's shards and keys, to be held against what was measured.
//!
//! `workload` foresees; who starts a run hands it over. It is computed from the scenario, so it is the same for every seed.

use serde::{Deserialize, Serialize};

use super::document::FigureBasis;

/// The forecast of one stream.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StreamForecast {
    /// How it is known: computed from the scenario.
    pub basis: FigureBasis,
    /// Records per second, the mean over the load; absent without a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records_per_s: Option<f64>,
    /// The shards that the stream begins with, in the order of their hash keys, and so of their numbers.
    pub shards: Vec<ShardForecast>,
    /// The keys with the most records, the most first.
    pub heaviest_keys: Vec<KeyForecast>,
}

/// The forecast of one shard.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ShardForecast {
    /// Its share of the stream's records, 0 to 1.
    pub share: f64,
    /// The standard error of `share`; 0 where every key was placed.
    pub share_error: f64,
    /// What it is offered as a part of the nearer of its limits, above 1 where that is too much; absent without a rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub utilisation: Option<f64>,
}

/// The forecast of one key.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct KeyForecast {
    /// The partition key, or ten digits in its place where reports are redacted.
    pub key: String,
    /// Its share of the stream's records, 0 to 1.
    pub share: f64,
    /// The shard that it lies in, by its place in the order of hash keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u64>,
}
