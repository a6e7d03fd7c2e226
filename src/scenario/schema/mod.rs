//! The declared structure of a scenario file. The JSON Schema comes from here, and [`super::check`] holds files against
//! that schema, so that the two cannot disagree. Doc comments become the schema's descriptions.
//!
//! Ranges of single fields stand here; rules that join several fields stand in [`super::validate`].

mod arrival;
mod calls;
mod consumer;
mod event;
mod keys;
mod payload;
mod producer;
mod slo;

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::defaults;
use super::quantity::{BytesText, DurationText};
use super::tables::{LatencySetting, LimitsSetting};

pub(super) use arrival::{Arrival, Interpolation, Modulation, Spacing};
pub(super) use calls::{Calls, Step, WaitUntil};
pub(super) use consumer::Consumer;
pub(super) use event::Event;
pub(super) use keys::{KeyOrder, Keys, ShardShareBy};
pub(super) use payload::{Payload, PayloadKind, StampPlace, Take};
pub(super) use producer::{
    AggregateSetting, Ordering, Producer, PutApi, RateLimit, RateLimitSetting, Retry, RetryOf,
    Send, Size,
};
pub(super) use slo::{Bound, Slo};

/// Names of producers, consumers, events and SLOs: no dots, so that paths into a report stay readable.
pub(super) const NAME_PATTERN: &str = "^[A-Za-z0-9_-]{1,64}$";
/// Names of streams, as the service has them.
pub(super) const STREAM_NAME_PATTERN: &str = "^[A-Za-z0-9_.-]{1,128}$";

/// Operations with their cases: `ListShards:missing-stream`. Which there are is said by [`super::validate`].
pub(super) const CALL_PATTERN: &str = "^[A-Za-z0-9]{1,64}(:[a-z0-9-]{1,64})?$";

/// The most shards of a stream. Other upper bounds that AWS does not set have the same reason.
const SHARDS_MAX: u32 = crate::kinesis::quotas::STREAM_SHARDS_MAX;

/// A scenario file of streamgauge.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "streamgauge scenario")]
pub(super) struct File {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(super) schema: u32,
    /// The scenario's name: 1 to 64 letters, digits, `_` or `-`. Part of the results folder's name.
    #[schemars(regex(pattern = NAME_PATTERN))]
    pub(super) name: String,
    /// The question that the scenario answers, in one sentence.
    #[serde(default)]
    pub(super) question: String,
    /// What all random numbers come from.
    #[serde(default = "defaults::seed")]
    pub(super) seed: u64,
    /// How long the phases last.
    pub(super) time: Time,
    /// The streams by name. Only a scenario of scripts, which make their own, needs none.
    #[serde(default)]
    pub(super) streams: BTreeMap<StreamKey, Stream>,
    /// Settings of the local engine; they do not apply to other targets.
    #[serde(default)]
    pub(super) engine: Engine,
    /// Who writes, by name. A scenario has producers, calls, or consumers that watch what others write.
    #[serde(default)]
    pub(super) producers: BTreeMap<NameKey, Producer>,
    /// Who reads, by name.
    #[serde(default)]
    pub(super) consumers: BTreeMap<NameKey, Consumer>,
    /// Loads of API calls, by name.
    #[serde(default)]
    pub(super) calls: BTreeMap<NameKey, Calls>,
    /// What happens in mid-run, by name.
    #[serde(default)]
    pub(super) events: BTreeMap<NameKey, Event>,
    /// What must hold, by name.
    #[serde(default)]
    pub(super) slo: BTreeMap<NameKey, Slo>,
}

macro_rules! key_type {
    ($(#[$doc:meta])* $name:ident, $pattern:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(pub(super) String);

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

key_type!(
    /// The name of a producer, a consumer, an event or an SLO.
    NameKey,
    NAME_PATTERN
);
key_type!(
    /// The name of a stream.
    StreamKey,
    STREAM_NAME_PATTERN
);

/// The phases of a run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Time {
    /// Load that is sent but not measured.
    #[serde(default = "defaults::warm_up")]
    pub(super) warm_up: DurationText,
    /// The measurement window, above zero.
    pub(super) measure: DurationText,
    /// At most this long for readers to reach the last acknowledged record; it ends as soon as they have.
    #[serde(default = "defaults::drain")]
    pub(super) drain: DurationText,
}

/// A stream, created for the run and deleted at its end unless it is an existing one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stream {
    /// How its capacity is set.
    #[serde(default = "defaults::mode")]
    pub(super) mode: StreamMode,
    /// Shards at the start; of an existing stream, those that forecasts assume. A new on-demand stream has its own number, 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = SHARDS_MAX))]
    pub(super) shards: Option<u32>,
    /// How long records are kept, 24 h to 8760 h.
    #[serde(default = "defaults::retention")]
    pub(super) retention: DurationText,
    /// The largest record, data and key, 1 MiB to 10 MiB.
    #[serde(default = "defaults::max_record_bytes")]
    pub(super) max_record_bytes: BytesText,
    /// Whether the stream is there already: it is used as it is, and left as it is. Endpoints and AWS only.
    #[serde(default)]
    pub(super) existing: bool,
}

/// How a stream's capacity is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StreamMode {
    /// By its number of shards.
    Provisioned,
    /// By the service, which splits shards as the load grows.
    OnDemand,
}

/// The local engine's settings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Engine {
    /// Which limits are enforced.
    #[serde(default = "defaults::limits")]
    pub(super) limits: LimitsSetting,
    /// How long the service takes.
    #[serde(default = "defaults::latency")]
    pub(super) latency: LatencySetting,
    /// The most memory that stored records may take, at least 1 MiB; beyond it the oldest go.
    #[serde(default = "defaults::max_memory")]
    pub(super) max_memory: BytesText,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            limits: defaults::limits(),
            latency: defaults::latency(),
            max_memory: defaults::max_memory(),
        }
    }
}

/// The scenario's JSON Schema (draft 2020-12). Texts with units carry their form's name as `x-quantity`.
pub fn json_schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<File>()
        .to_value();
    drop_null(&mut schema);
    schema
}

/// Takes `null` out of what optional fields accept: TOML has none, a field is there or not.
pub(super) fn drop_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(drop_null),
        Value::Object(members) => {
            members.values_mut().for_each(drop_null);
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            let Some(Value::Array(branches)) = members.get_mut("anyOf") else {
                return;
            };
            branches.retain(|branch| branch != &serde_json::json!({ "type": "null" }));
            if let [Value::Object(only)] = branches.as_mut_slice() {
                let only = std::mem::take(only);
                members.remove("anyOf");
                for (name, value) in only {
                    members.entry(name).or_insert(value);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_no_null() {
        let text = json_schema().to_string();
        assert!(!text.contains("null"), "{text}");
    }

    #[test]
    fn the_schema_holds_the_defaults_in_the_words_of_a_file() {
        let schema = json_schema();
        let producer = &schema["$defs"]["Producer"]["properties"];
        assert_eq!(producer["retry"]["default"]["kind"], "full-jitter");
        assert_eq!(producer["retry"]["default"]["cap"], "2s");
        assert_eq!(
            schema["$defs"]["Time"]["properties"]["warm_up"]["default"],
            "2s"
        );
    }
}
