//! A run that is measured, before what it made is taken away.

use std::sync::Arc;

use super::created::Created;
use super::outcome::Outcome;
use crate::target::Target;

/// A run whose streams are still to be deleted. That may take as long as the target likes: whoever has results to keep keeps
/// them before.
#[derive(Debug)]
pub struct Measured {
    outcome: Outcome,
    target: Target,
    created: Arc<Created>,
    /// How many streams stand in the outcome as left behind for certain; those behind them are still to be deleted.
    left: usize,
}

impl Measured {
    pub(super) fn new(mut outcome: Outcome, target: Target, created: Arc<Created>) -> Self {
        let left = outcome.target.left_behind.len();
        outcome.target.left_behind.extend(created.standing());
        outcome.target.findings = target.findings();
        Self {
            outcome,
            target,
            created,
            left,
        }
    }

    /// What came of the run. Streams that are still to be deleted stand in it as left behind: they are, should the process
    /// end now.
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether the target has something of the run that is still to be deleted.
    pub fn stands(&self) -> bool {
        self.outcome.target.left_behind.len() > self.left
    }

    /// Deletes what the run made; gives what came of the run, and what could not be deleted in it.
    pub async fn clean_up(self) -> Outcome {
        let Self {
            mut outcome,
            target,
            created,
            left,
        } = self;
        outcome.target.left_behind.truncate(left);
        let left_behind = created.delete_all().await;
        outcome.target.left_behind.extend(left_behind);
        outcome.target.findings = target.findings();
        outcome
    }
}
