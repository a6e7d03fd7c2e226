//! How many pairs, how long they take, and what they can show: told before the first of them.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::analyse::compare::text::change;
use crate::analyse::statistics::looks::LOOKS;
use crate::analyse::statistics::{Looks, SIDE_ALPHA, detectable};
use crate::scenario::model::Time;

/// The standard deviation of the log ratio of two runs of equals that is assumed before any was made: an estimate between
/// what medians and what 99th percentiles have on a shared machine (0.1 % and 5 to 16 % in
/// `results/published/gate/README.md`). The first look knows better.
pub const ASSUMED_NOISE: f64 = 0.06;

/// The metrics that usually share the error: processor time, memory, and two percentiles of three latencies.
pub const USUAL_METRICS: usize = 8;

/// A plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The pairs after which it is looked.
    pub looks: Vec<u32>,
    /// What a pair takes at most, in seconds; a drain that ends early makes it shorter.
    pub pair_s: f64,
    /// The change that does not count.
    pub min_effect: f64,
    /// The standard deviation of a pair's log ratio that [`Self::detectable`] assumes.
    pub assumed_noise: f64,
    /// The change that the last look finds in nine of ten cases: 0.1 is 10 %.
    pub detectable: f64,
}

/// Why there is no plan. Displayed as a fragment that fits after "failed to".
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum PlanError {
    /// Not even the first look fits.
    #[error(
        "gate within {}: the first look needs {} pairs of {:.0} s, {} in all; raise `--budget`, or shorten the scenario \
         (`--set time.measure=...`)", human(*.budget), LOOKS[0], .pair.as_secs_f64(), human(*.pair * LOOKS[0])
    )]
    Budget {
        /// What was given.
        budget: Duration,
        /// What a pair takes.
        pair: Duration,
    },
}

/// Whole seconds, as people write them.
fn human(time: Duration) -> String {
    humantime::format_duration(Duration::from_secs(time.as_secs_f64().round() as u64)).to_string()
}

impl Plan {
    /// A plan for a scenario with these phases. A budget bounds the pairs; without one there may be as many as the last look
    /// wants.
    ///
    /// # Errors
    /// When the budget does not reach the first look.
    pub fn of(time: Time, budget: Option<Duration>, min_effect: f64) -> Result<Self, PlanError> {
        let pair = 2 * (time.load() + time.drain);
        let most = budget.map_or(f64::INFINITY, |budget| {
            budget.as_secs_f64() / pair.as_secs_f64()
        });
        let looks = Looks::within(most.min(f64::from(u32::MAX)) as u32);
        if let (Some(budget), true) = (budget, looks.pairs().is_empty()) {
            return Err(PlanError::Budget { budget, pair });
        }
        let alpha = looks.spend(looks.last(), SIDE_ALPHA);
        Ok(Self {
            looks: looks.pairs().to_vec(),
            pair_s: pair.as_secs_f64(),
            min_effect,
            assumed_noise: ASSUMED_NOISE,
            detectable: detectable(
                ASSUMED_NOISE,
                looks.last(),
                alpha,
                USUAL_METRICS,
                min_effect,
            ),
        })
    }

    /// The looks.
    pub fn looks(&self) -> Looks {
        Looks::within(self.pairs_max())
    }

    /// The most pairs.
    pub fn pairs_max(&self) -> u32 {
        self.looks.last().copied().unwrap_or_default()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looks: Vec<_> = self.looks.iter().map(u32::to_string).collect();
        let most = Duration::from_secs_f64(self.pair_s * f64::from(self.pairs_max()));
        writeln!(
            f,
            "Pairs: at most {}, in the order ABBA BAAB; looks at {}",
            self.pairs_max(),
            looks.join(", ")
        )?;
        writeln!(
            f,
            "Time: at most {:.0} s a pair, {} in all",
            self.pair_s,
            human(most)
        )?;
        write!(
            f,
            "Detectable: {} worse in one of {USUAL_METRICS} metrics is found in 9 of 10 cases, were a pair's noise {:.0} % \
             (assumed); changes below {:.1} % do not count",
            change(1.0 + self.detectable),
            self.assumed_noise * 100.0,
            self.min_effect * 100.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Time = Time {
        warm_up: Duration::from_secs(1),
        measure: Duration::from_secs(5),
        drain: Duration::from_secs(4),
    };

    #[test]
    fn a_budget_bounds_the_pairs_to_whole_looks() {
        let looks = |budget: Option<u64>| {
            Plan::of(TIME, budget.map(Duration::from_secs), 0.05).map(|plan| plan.looks)
        };
        assert_eq!(looks(None), Ok(vec![8, 16, 32]));
        assert_eq!(looks(Some(20 * 31)), Ok(vec![8, 16]));
        assert_eq!(looks(Some(160)), Ok(vec![8]));
        let told = looks(Some(159)).unwrap_err().to_string();
        assert!(told.contains("8 pairs of 20 s, 2m 40s in all"), "{told}");
    }

    #[test]
    fn more_pairs_detect_less() {
        let at = |budget| {
            let budget = Some(Duration::from_secs(budget));
            Plan::of(TIME, budget, 0.05).unwrap().detectable
        };
        assert!(at(640) < at(320) && at(320) < at(160));
        let shown = Plan::of(TIME, None, 0.05).unwrap().to_string();
        assert!(
            shown.contains("looks at 8, 16, 32") && shown.contains("10m 40s in all"),
            "{shown}"
        );
    }
}
