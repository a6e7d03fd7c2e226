//! `engine.limits` and `engine.latency`: a word, or a table that overrides single rows of the service's tables.
//!
//! Their schemas are made from the tables of [`crate::kinesis`], so that a new limit or delay needs no word here.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::defaults;
use super::quantity::DurationText;
use crate::kinesis::delays::{DELAYS, Delay};
use crate::kinesis::quotas::{CAPS, RATES, RateLimit};
use crate::kinesis::{Delays, Limits};

/// A whole set of limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LimitsName {
    /// What AWS enforces.
    Aws,
    /// No rates and no quotas; the protocol's own sizes stay.
    Off,
}

impl LimitsName {
    fn limits(self) -> Limits {
        match self {
            Self::Aws => Limits::aws(),
            Self::Off => Limits::off(),
        }
    }
}

/// `engine.limits`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum LimitsSetting {
    /// A whole set.
    Named(LimitsName),
    /// A set with single limits changed.
    Table {
        /// What all others are.
        #[serde(default = "defaults::limits_base")]
        base: LimitsName,
        /// The changed ones by name.
        #[serde(flatten)]
        rows: BTreeMap<String, LimitSetting>,
    },
}

/// One changed limit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum LimitSetting {
    /// Not enforced.
    Off(OffWord),
    /// A plain limit.
    Cap(u64),
    /// A rate.
    Rate {
        /// Tokens that come back per second.
        per_s: u64,
        /// The most tokens held.
        capacity: u64,
    },
}

/// The word "off".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OffWord {
    /// "off".
    Off,
}

impl LimitsSetting {
    /// The limits in force. Rows of a wrong kind are left as they are: the check has refused them.
    pub(super) fn limits(&self) -> Limits {
        let (base, rows) = match self {
            Self::Named(name) => return name.limits(),
            Self::Table { base, rows } => (base, rows),
        };
        let mut limits = base.limits();
        for row in RATES {
            match rows.get(row.name) {
                Some(LimitSetting::Off(_)) => limits.set_rate(row.rate, None),
                Some(&LimitSetting::Rate { per_s, capacity }) => {
                    limits.set_rate(row.rate, Some(RateLimit { per_s, capacity }));
                }
                Some(LimitSetting::Cap(_)) | None => {}
            }
        }
        for row in CAPS {
            if let Some(&LimitSetting::Cap(limit)) = rows.get(row.name) {
                limits.set_cap(row.cap, Some(limit));
            }
        }
        limits
    }
}

impl JsonSchema for LimitsSetting {
    fn schema_name() -> Cow<'static, str> {
        "Limits".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut rows = Map::new();
        rows.insert(
            "base".to_owned(),
            json!({
                "description": "What all other limits are.",
                "type": "string", "enum": ["aws", "off"], "default": "aws",
            }),
        );
        for row in RATES {
            let RateLimit { per_s, capacity } = row.aws;
            rows.insert(
                row.name.to_owned(),
                json!({
                    "description": format!("{}; on AWS {per_s} per second. {}", row.unit, row.source),
                    "anyOf": [
                        { "type": "string", "enum": ["off"] },
                        {
                            "type": "object",
                            "properties": {
                                "per_s": { "type": "integer", "minimum": 1, "description": "Tokens that come back per second." },
                                "capacity": { "type": "integer", "minimum": 1, "description": "The most tokens held." },
                            },
                            "required": ["per_s", "capacity"],
                            "additionalProperties": false,
                            "examples": [{ "per_s": 2 * per_s, "capacity": 2 * capacity }],
                        },
                    ],
                }),
            );
        }
        for row in CAPS {
            rows.insert(
                row.name.to_owned(),
                json!({
                    "description": format!("{}; on AWS {}. {}", row.unit, row.aws, row.source),
                    "type": "integer",
                    "minimum": 1,
                }),
            );
        }
        json_schema!({
            "description": "Which limits the engine enforces: all of AWS's, none, or a table that changes single ones.",
            "anyOf": [
                { "type": "string", "enum": ["aws", "off"] },
                { "type": "object", "properties": rows, "additionalProperties": false },
            ],
        })
    }
}

/// A whole set of delays.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LatencyName {
    /// None at all.
    None,
    /// The table of modelled delays.
    Modelled,
}

impl LatencyName {
    fn delays(self) -> Delays {
        match self {
            Self::None => Delays::none(),
            Self::Modelled => Delays::modelled(),
        }
    }
}

/// `engine.latency`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum LatencySetting {
    /// A whole set.
    Named(LatencyName),
    /// A set with single delays changed.
    Table {
        /// What all others are.
        #[serde(default = "defaults::latency_base")]
        base: LatencyName,
        /// The changed ones by name.
        #[serde(flatten)]
        rows: BTreeMap<String, DelaySetting>,
    },
}

/// One changed delay.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum DelaySetting {
    /// Always the same.
    Constant(DurationText),
    /// Log-normal.
    LogNormal {
        /// The median.
        p50: DurationText,
        /// The 99th percentile.
        p99: DurationText,
    },
}

impl LatencySetting {
    /// The delays in force.
    pub(super) fn delays(&self) -> Delays {
        let (base, rows) = match self {
            Self::Named(name) => return name.delays(),
            Self::Table { base, rows } => (base, rows),
        };
        let mut delays = base.delays();
        for row in DELAYS {
            let delay = match rows.get(row.name) {
                Some(DelaySetting::Constant(always)) if always.value.is_zero() => Delay::Zero,
                Some(DelaySetting::Constant(always)) => Delay::Constant(always.value),
                Some(DelaySetting::LogNormal { p50, p99 }) => Delay::LogNormal {
                    p50: p50.value,
                    p99: p99.value,
                },
                None => continue,
            };
            delays.set(row.delay, delay);
        }
        delays
    }
}

impl JsonSchema for LatencySetting {
    fn schema_name() -> Cow<'static, str> {
        "Latency".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let duration = DurationText::json_schema(generator).to_value();
        let mut rows = Map::new();
        rows.insert(
            "base".to_owned(),
            json!({
                "description": "What all other delays are.",
                "type": "string", "enum": ["none", "modelled"], "default": "none",
            }),
        );
        for row in DELAYS {
            rows.insert(
                row.name.to_owned(),
                json!({
                    "description": format!("How long {} takes. {}", row.what, row.source),
                    "anyOf": [
                        duration,
                        {
                            "type": "object",
                            "properties": { "p50": duration, "p99": duration },
                            "required": ["p50", "p99"],
                            "additionalProperties": false,
                        },
                    ],
                }),
            );
        }
        json_schema!({
            "description": "How long the service takes: no time, as modelled, or a table of single delays.",
            "anyOf": [
                { "type": "string", "enum": ["none", "modelled"] },
                { "type": "object", "properties": Value::Object(rows), "additionalProperties": false },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::delays::DelayName;
    use crate::kinesis::quotas::{CapName, RateName};
    use std::time::Duration;

    #[test]
    fn a_table_changes_single_limits_and_leaves_the_others_as_its_base() {
        let setting: LimitsSetting = serde_json::from_value(json!({
            "base": "off", "write_records": { "per_s": 2_000, "capacity": 3_000 }, "shards": 7,
        }))
        .unwrap();
        let limits = setting.limits();
        let rate = limits.rate(RateName::WriteRecords).unwrap();
        assert_eq!((rate.per_s, rate.capacity), (2_000, 3_000));
        assert_eq!(limits.rate(RateName::WriteBytes), None);
        assert_eq!(limits.cap(CapName::Shards), Some(7));

        let setting: LimitsSetting =
            serde_json::from_value(json!({ "read_calls": "off" })).unwrap();
        let limits = setting.limits();
        assert_eq!(limits.rate(RateName::ReadCalls), None);
        assert!(limits.rate(RateName::WriteRecords).is_some());
    }

    #[test]
    fn a_table_changes_single_delays_and_leaves_the_others_as_its_base() {
        let setting: LatencySetting = serde_json::from_value(json!({
            "put_records": "20ms", "get_records": { "p50": "15ms", "p99": "80ms" },
        }))
        .unwrap();
        let delays = setting.delays();
        assert_eq!(
            delays.get(DelayName::PutRecords),
            Delay::Constant(Duration::from_millis(20))
        );
        assert!(matches!(
            delays.get(DelayName::GetRecords),
            Delay::LogNormal { .. }
        ));
        assert!(delays.get(DelayName::PutRecord).is_zero());
    }
}
