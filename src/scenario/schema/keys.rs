//! `producers.NAME.keys`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NameKey;
use crate::scenario::defaults;
use crate::scenario::quantity::KeyText;

/// Which partition keys records have.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::scenario) enum Keys {
    /// Each key is as likely.
    Uniform {
        /// How many keys.
        #[schemars(range(min = 1))]
        population: u64,
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// Key `k` has a share proportional to `1 / (k + 1)^exponent`.
    Zipf {
        /// How many keys.
        #[schemars(range(min = 1))]
        population: u64,
        /// How skewed: 0.99 is usual.
        #[schemars(extend("exclusiveMinimum" = 0))]
        exponent: f64,
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// A few keys share a part of the load, all others the rest.
    HotSet {
        /// How many hot keys.
        #[schemars(range(min = 1))]
        hot_keys: u64,
        /// Their share of the records together.
        #[schemars(range(min = 0.0, max = 1.0))]
        hot_share: f64,
        /// All keys, above `hot_keys`.
        #[schemars(range(min = 2))]
        population: u64,
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// One after the other, then from the first again.
    Sequential {
        /// How many keys.
        #[schemars(range(min = 1))]
        population: u64,
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// One key.
    Single {
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// Never the same key twice.
    Unique {
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
    },
    /// Numbers around a mean, cut to the population.
    Normal {
        /// How many keys.
        #[schemars(range(min = 1))]
        population: u64,
        /// The middle; that of the population if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0.0))]
        mean: Option<f64>,
        /// The standard deviation in keys, at most the population.
        #[schemars(extend("exclusiveMinimum" = 0))]
        sd: f64,
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// Key `k` has a share proportional to `exp(-k / mean)`.
    Exponential {
        /// How many keys.
        #[schemars(range(min = 1))]
        population: u64,
        /// The mean number, where the population does not cut it.
        #[schemars(extend("exclusiveMinimum" = 0))]
        mean: f64,
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// New keys come all the time, and the newest are the heaviest.
    Latest {
        /// How many of a worker's newest keys are used.
        #[schemars(range(min = 1))]
        population: u64,
        /// How skewed towards the newest.
        #[serde(default = "defaults::latest_exponent")]
        #[schemars(extend("exclusiveMinimum" = 0))]
        exponent: f64,
        /// The share of the records that have a new key.
        #[serde(default = "defaults::new_share")]
        #[schemars(range(min = 0.0, max = 1.0))]
        new_share: f64,
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
    },
    /// Written keys with weights, here or in a file with the columns `key,weight`.
    Weighted {
        /// The keys, unless a file has them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1))]
        weights: Option<Vec<WeightedKey>>,
        /// The file, relative to the scenario.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// Keys from a file, one a line.
    File {
        /// The file, relative to the scenario.
        file: String,
        /// How keys are taken.
        #[serde(default = "defaults::key_order")]
        order: KeyOrder,
        /// Spreads each key over so many, with `-0`, `-1`, ... after its text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 2, max = 65_536))]
        salt: Option<u64>,
    },
    /// The column `key` of a trace, in its order, then from the first again. Of what `capture` wrote: keys as long as the
    /// recorded ones, with hash keys that place them as those were.
    Trace {
        /// The file, relative to the scenario.
        file: String,
    },
    /// Others by their shares.
    Mix {
        /// The parts by name.
        #[schemars(extend("minProperties" = 1))]
        of: BTreeMap<NameKey, MixPart>,
    },
    /// A wanted share for each shard that the stream begins with.
    ShardShare {
        /// The shares, in the order of the shards; they need not add up to one.
        #[schemars(
            length(min = 1, max = 10_000),
            inner(range(min = 0.0, max = 1_000_000.0))
        )]
        shares: Vec<f64>,
        /// How records come to their shards.
        #[serde(default = "defaults::shard_share_by")]
        by: ShardShareBy,
        /// How many keys each shard has.
        #[serde(default = "defaults::shard_share_population")]
        #[schemars(range(min = 1, max = 10_000))]
        population: u64,
        /// The key's text around its number.
        #[serde(default = "defaults::key_format")]
        format: KeyText,
    },
}

/// A key and its weight.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct WeightedKey {
    /// The partition key.
    pub(in crate::scenario) key: String,
    /// How many times as heavy as one of weight 1.
    #[schemars(range(min = 0.0, max = 1_000_000_000.0))]
    pub(in crate::scenario) weight: f64,
}

/// One kind of keys among several.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct MixPart {
    /// Its share of the records; shares need not add up to one.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub(in crate::scenario) share: f64,
    /// The keys; no mix.
    pub(in crate::scenario) keys: Keys,
}

/// How the keys of a file are taken.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum KeyOrder {
    /// Each line is as likely.
    Random,
    /// In the file's order, then from the first again; workers take turns.
    InOrder,
}

/// How records come to their shards.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum ShardShareBy {
    /// By keys that hash there.
    Keys,
    /// By explicit hash keys.
    ExplicitHashKey,
}

impl Keys {
    /// How a key's number is shown, where keys are numbers.
    pub(in crate::scenario) fn format(&self) -> Option<&KeyText> {
        match self {
            Self::Uniform { format, .. }
            | Self::Zipf { format, .. }
            | Self::HotSet { format, .. }
            | Self::Sequential { format, .. }
            | Self::Single { format, .. }
            | Self::Unique { format }
            | Self::Normal { format, .. }
            | Self::Exponential { format, .. }
            | Self::Latest { format, .. }
            | Self::ShardShare { format, .. } => Some(format),
            Self::Weighted { .. } | Self::File { .. } | Self::Trace { .. } | Self::Mix { .. } => {
                None
            }
        }
    }

    /// How many keys each is spread over.
    pub(in crate::scenario) fn salt(&self) -> Option<u64> {
        match self {
            Self::Uniform { salt, .. }
            | Self::Zipf { salt, .. }
            | Self::HotSet { salt, .. }
            | Self::Sequential { salt, .. }
            | Self::Single { salt, .. }
            | Self::Normal { salt, .. }
            | Self::Exponential { salt, .. }
            | Self::Weighted { salt, .. }
            | Self::File { salt, .. } => *salt,
            _ => None,
        }
    }

    /// The highest number that a key can have before it is salted; keys that are written have none.
    pub(in crate::scenario) fn highest(&self) -> u64 {
        match *self {
            Self::Uniform { population, .. }
            | Self::Zipf { population, .. }
            | Self::HotSet { population, .. }
            | Self::Sequential { population, .. }
            | Self::Normal { population, .. }
            | Self::Exponential { population, .. } => population.saturating_sub(1),
            Self::Unique { .. } | Self::Latest { .. } => u64::MAX,
            // The search for keys stays far below ten digits.
            Self::ShardShare { .. } => 9_999_999_999,
            _ => 0,
        }
    }

    /// Calls `visit` with these keys, or with those of each part of a mix, and the path of each.
    pub(in crate::scenario) fn visit(
        &self,
        path: &mut Vec<String>,
        visit: &mut dyn FnMut(&Self, &[String]),
    ) {
        visit(self, path);
        if let Self::Mix { of } = self {
            for (name, part) in of {
                let length = path.len();
                path.extend(["of", &name.0, "keys"].map(str::to_owned));
                part.keys.visit(path, visit);
                path.truncate(length);
            }
        }
    }
}
