//! What a scenario means on AWS, for `check`: money, and other readers.

use std::fmt::Write as _;

use crate::analyse::budget::{FAN_OUT_CONSUMERS, SHARD_READ_BYTES_PER_S, SHARD_READS_PER_S};
use crate::analyse::{self, Prices, ReadBudget};
use crate::base::units::HumanBytes;
use crate::kinesis::StreamName;
use crate::report::Cost;
use crate::report::cost::usd;
use crate::report::text::{Percent, Plain, counted};
use crate::scenario::Scenario;
use crate::scenario::model::StreamMode;
use crate::workload::forecast::Forecast;

/// A scenario's cost and read budget.
#[derive(Debug)]
pub(super) struct OnAws {
    cost: Cost,
    on_demand: Cost,
    budgets: Vec<ReadBudget>,
    has_provisioned: bool,
}

impl OnAws {
    /// Those of a scenario with this forecast for each stream.
    pub(super) fn of(scenario: &Scenario, forecasts: &[(StreamName, Forecast)]) -> Self {
        let prices = Prices::shipped();
        let mut streams = scenario.streams.values();
        let busiest = |stream: &StreamName| {
            let (_, forecast) = forecasts.iter().find(|(name, _)| name == stream)?;
            let written = forecast.shards.iter().map(|shard| shard.bytes_per_s);
            let written: Option<Vec<_>> = written.collect();
            written?.into_iter().reduce(f64::max)
        };
        Self {
            cost: analyse::estimate(scenario, &prices),
            on_demand: analyse::on_demand(scenario, &prices),
            budgets: analyse::read_budgets(scenario, busiest),
            has_provisioned: streams.any(|stream| stream.mode == StreamMode::Provisioned),
        }
    }

    /// Adds them to the members of `check --json`.
    pub(super) fn add_to(&self, document: &mut serde_json::Value) {
        document["cost"] = serde_json::json!(self.cost);
        document["cost_on_demand"] = serde_json::json!(self.on_demand);
        document["read_budget"] = serde_json::json!(self.budgets);
    }

    /// As a person reads them.
    pub(super) fn to_text(&self) -> String {
        let mut text = self.cost.render("Cost on AWS, at most");
        if self.has_provisioned {
            let _ = writeln!(text, "  on-demand instead: {}", usd(self.on_demand.usd));
        }
        text.push('\n');
        for budget in &self.budgets {
            if budget.fan_out_consumers > 0 {
                let _ = writeln!(
                    text,
                    "Fan-out consumers of `{}`: {} of {FAN_OUT_CONSUMERS}; each has {}/s of every shard to itself",
                    budget.stream,
                    budget.fan_out_consumers,
                    HumanBytes(SHARD_READ_BYTES_PER_S as u64)
                );
            }
            if budget.consumers == 0 {
                continue;
            }
            let _ = write!(
                text,
                "Read budget of each shard of `{}`: {}; {} of {} calls/s taken, {} left",
                budget.stream,
                counted(budget.consumers as u64, "consumer"),
                Plain(budget.reads_per_s),
                Plain(SHARD_READS_PER_S),
                Plain(budget.reads_left_per_s),
            );
            if let Some(bytes) = budget.read_bytes_per_s {
                let _ = write!(
                    text,
                    "; of the busiest {}/s of {}/s",
                    HumanBytes(bytes.round() as u64),
                    HumanBytes(SHARD_READ_BYTES_PER_S as u64)
                );
            }
            text.push('\n');
            if let Some(refused) = budget.refused_share() {
                let _ = writeln!(
                    text,
                    "  more than a shard answers: wherever its limits hold {} of the calls are refused, and refused readers wait for their `backoff`; a longer `interval` or fewer consumers fit",
                    Percent(refused)
                );
            }
        }
        text
    }
}
