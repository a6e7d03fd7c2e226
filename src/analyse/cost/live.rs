//! The bill of a run that goes on.

use std::time::Duration;

use super::lines::{Bill, Stay};
use super::offer::Offer;
use super::{AROUND, FoundStreams, as_found, is_on_demand};
use crate::analyse::call_cost;
use crate::analyse::prices::Prices;
use crate::kinesis::record::Billed;
use crate::report::FigureBasis;
use crate::scenario::Scenario;

/// The cost of a run that goes on.
#[derive(Clone, Debug)]
pub struct LiveCost {
    scenario: Scenario,
    found: FoundStreams,
    prices: Prices,
}

impl LiveCost {
    /// Of a run of this scenario, with its existing streams as the service says they are.
    pub fn new(scenario: &Scenario, found: FoundStreams, prices: Prices) -> Self {
        Self {
            scenario: as_found(scenario, &found),
            found,
            prices,
        }
    }

    /// USD `elapsed` after the load began, with so much put. Shards count as the estimate counts them: a begun hour is owed.
    pub fn usd(&self, elapsed: Duration, billed: Billed) -> f64 {
        let basis = FigureBasis::Measured;
        let scripts = call_cost::planned(&self.scenario, &self.prices);
        let mut sum: f64 = scripts.iter().map(|line| line.usd).sum();
        // Counts do not say which stream took them: the dearest did.
        let mut dearest: f64 = 0.0;
        for stream in self.scenario.streams.values() {
            let bill = Bill {
                scenario: &self.scenario,
                stream,
                is_on_demand: is_on_demand(&self.found, stream),
                prices: &self.prices,
            };
            let stay = Stay::of(&self.scenario, stream, elapsed, elapsed + AROUND, basis);
            let usd_of = |billed| -> f64 {
                let lines = bill.lines(&Offer::counted(billed, basis), &stay);
                lines.iter().map(|line| line.usd).sum()
            };
            let without = usd_of(Billed::default());
            sum += without;
            dearest = dearest.max(usd_of(billed) - without);
        }
        sum + dearest
    }
}
