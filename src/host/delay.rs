//! Modelled delays, drawn one by one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::base::rng::{self, Rng};
use crate::kinesis::Delays;
use crate::kinesis::delays::DelayName;

/// The delays in force and the generator that they are drawn with.
#[derive(Debug)]
pub(super) struct DelaySource {
    delays: Delays,
    rng: Mutex<Rng>,
}

impl DelaySource {
    pub(super) fn new(delays: Delays, seed: u64) -> Self {
        Self {
            delays,
            rng: Mutex::new(rng::generator(seed, "host", 0, "delays")),
        }
    }

    /// One delay; takes no lock where there is none.
    pub(super) fn draw(&self, name: DelayName) -> Duration {
        let delay = self.delays.get(name);
        if delay.is_zero() {
            return Duration::ZERO;
        }
        delay.draw(&mut self.rng.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
