//! `[slo]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::quantity::BoundText;

/// A bound on one figure of the report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Slo {
    /// Path of the figure, such as `consumers.billing.end_to_end.p99`.
    pub(in crate::scenario) metric: String,
    /// The figure may not be above this: a duration for latencies, a number from 0 to 1 or a percentage for shares, else a
    /// number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) max: Option<Bound>,
    /// The figure may not be below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) min: Option<Bound>,
}

/// A bound: a duration for latencies, a number from 0 to 1 or a percentage for shares, else a number.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::scenario) enum Bound {
    /// Of a count or a share.
    Number(#[schemars(range(min = 0.0))] f64),
    /// Of a latency, or of a share in percent.
    Text(BoundText),
}
