//! Loads of API calls: any operation, by a weighted mix on a stream of the scenario or by a script on streams of its own.
//!
//! [`Ground`] is what a stream gives to build requests from, `request` builds them, `attempt` makes one call and says what
//! its answer means, [`Mix`] and [`Script`] are the two kinds of workers, and the [`Board`] counts for all workers of a load.
//!
//! Invariant: every intended call ends in one column of its ledger, and no request is built of anything that was not looked
//! up or made for it: a call that must be refused is aimed at a name of this run's own that nobody has.

mod attempt;
mod board;
mod ground;
mod mix;
mod owner;
mod request;
mod script;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::base::{Clock, Timestamp};
use crate::measure::Phase;
use crate::measure::progress::Progress;
use crate::scenario::model::{Calls, Time};
use crate::target::Target;

pub use board::{Board, CallReport, CallsReport};
pub use ground::{EXPIRED_AFTER, Ground};
pub use mix::Mix;
pub use owner::{OwnedStreams, Unowned};
pub use script::{Script, Streams};

/// What every worker of a load is given.
#[derive(Clone, Debug)]
pub struct CallsContext {
    /// The clock of the run.
    pub clock: Clock,
    /// Where calls go; see [`Target::for_calls`].
    pub target: Target,
    /// What the scenario says of the load.
    pub calls: Arc<Calls>,
    /// Which worker, from 0.
    pub worker: u32,
    /// The scenario's seed.
    pub seed: u64,
    /// When warm-up begins.
    pub start: Timestamp,
    /// The phases.
    pub time: Time,
    /// Who counts.
    pub board: Arc<Board>,
    /// The live counters.
    pub progress: Arc<Progress>,
    /// Turns true when the run is interrupted.
    pub cancel: watch::Receiver<bool>,
}

impl CallsContext {
    /// The phase of a call that was meant for this time.
    fn phase_of(&self, intended: Timestamp) -> Phase {
        if intended < self.start.plus(self.time.warm_up) {
            Phase::WarmUp
        } else {
            Phase::Measure
        }
    }

    /// From when on no call is meant any more.
    fn load_end(&self) -> Timestamp {
        self.start.plus(self.time.load())
    }

    /// When everything that is under way or waits is given up.
    fn give_up(&self) -> Timestamp {
        self.start.plus(self.time.load() + self.time.drain)
    }

    /// Waits until a time; `false` if the run is interrupted before.
    async fn sleep_until(&self, deadline: Timestamp) -> bool {
        let mut cancel = self.cancel.clone();
        tokio::select! {
            biased;
            Ok(_) = cancel.wait_for(|cancelled| *cancelled) => false,
            () = self.clock.sleep_until(deadline) => true,
        }
    }

    async fn sleep(&self, duration: Duration) -> bool {
        self.sleep_until(self.clock.now().plus(duration)).await
    }
}
