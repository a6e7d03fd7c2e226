//! A run on AWS: whose it was, where, and what it cost.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::cost::{Cost, usd};

/// What a report says of the account that it ran in. It holds names, never keys, secrets or tokens.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AwsRun {
    /// The ARN of who called, by STS.
    pub caller: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The run, as the tag `streamgauge.run` holds it.
    pub run: String,
    /// The ARN of each stream, by the scenario's name of it.
    pub streams: BTreeMap<String, String>,
    /// What it was estimated to cost at most.
    pub estimate: Cost,
    /// What it cost, by what it counted.
    pub cost: Cost,
    /// What it was allowed to cost, in USD.
    pub max_cost_usd: f64,
    /// Whether it was ended because its counts had reached that.
    pub stopped_by_max_cost: bool,
}

impl AwsRun {
    /// As a summary shows it.
    pub fn render(&self) -> String {
        let mut text = format!(
            "AWS: account {} in {}, as {}; run {}\n",
            self.account, self.region, self.caller, self.run
        );
        for (name, arn) in &self.streams {
            let _ = writeln!(text, "  {name}: {arn}");
        }
        text.push_str(&self.cost.render("Cost"));
        let _ = write!(
            text,
            "  estimated at most {}, allowed {}",
            usd(self.estimate.usd),
            usd(self.max_cost_usd)
        );
        if self.stopped_by_max_cost {
            text.push_str("; the run was ended because it had reached that");
        }
        text
    }
}
