//! Faults of the service itself, asked for by tests of applications: calls that fail, answers that are lost.
//!
//! A fault hits a share of the calls of one stream, or of all. Which ones is drawn from a seed, in the order in which
//! calls come: calls that come one after another meet the same fate in every run.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rand::RngExt as _;

use crate::base::Timestamp;
use crate::base::rng::{Rng, generator};

/// A fault that is wanted.
#[derive(Clone, PartialEq, Debug)]
pub struct Fault {
    /// The stream that it hits; `None` is every stream.
    pub stream: Option<String>,
    /// The share of calls that it hits, 0 to 1; what lies outside counts as the nearer end.
    pub share: f64,
    /// When it ends.
    pub until: Timestamp,
    /// Which calls it hits is drawn from this seed.
    pub seed: u64,
}

/// A kind of fault, in force or not.
#[derive(Debug)]
pub(super) struct Faults {
    /// What its draws are for.
    purpose: &'static str,
    /// Whether there may be one: what calls look at when there is none.
    any: AtomicBool,
    active: Mutex<Option<Active>>,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    random: Rng,
}

impl Faults {
    pub(super) const fn new(purpose: &'static str) -> Self {
        Self {
            purpose,
            any: AtomicBool::new(false),
            active: Mutex::new(None),
        }
    }

    /// Puts a fault in force, in the place of the one before.
    pub(super) fn set(&self, fault: Fault) {
        let share = if fault.share.is_nan() {
            0.0
        } else {
            fault.share.clamp(0.0, 1.0)
        };
        let random = generator(fault.seed, "host.fault", 0, self.purpose);
        let fault = Fault { share, ..fault };
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        *active = Some(Active { fault, random });
        self.any.store(true, Ordering::Release);
    }

    /// Whether one may be in force at all. False is certain.
    pub(super) fn any(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// Draws whether the next call or record of a stream is hit.
    pub(super) fn hits(&self, now: Timestamp, stream: &str) -> bool {
        if !self.any() {
            return false;
        }
        let mut slot = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if slot
            .as_ref()
            .is_some_and(|active| active.fault.until <= now)
        {
            *slot = None;
            self.any.store(false, Ordering::Release);
        }
        let Some(Active { fault, random }) = &mut *slot else {
            return false;
        };
        let meant = fault.stream.as_deref().is_none_or(|named| named == stream);
        meant && random.random_bool(fault.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(share: f64) -> Fault {
        Fault {
            stream: Some("s".to_owned()),
            share,
            until: Timestamp::from_secs(10),
            seed: 7,
        }
    }

    fn draw(faults: &Faults) -> Vec<bool> {
        let hits = |_| faults.hits(Timestamp::from_secs(1), "s");
        (0..1_000).map(hits).collect()
    }

    #[test]
    fn a_seed_hits_the_same_calls_and_about_its_share() {
        let faults = Faults::new("test");
        assert!(!faults.hits(Timestamp::ZERO, "s"));
        faults.set(fault(0.3));
        let hit = draw(&faults);
        let count = hit.iter().filter(|&&hit| hit).count();
        assert!((240..360).contains(&count), "{count}");
        faults.set(fault(0.3));
        assert_eq!(hit, draw(&faults));
        faults.set(fault(f64::NAN));
        assert!(!draw(&faults).contains(&true));
        faults.set(fault(9.0));
        assert!(!draw(&faults).contains(&false));
    }

    #[test]
    fn other_streams_and_later_calls_are_spared() {
        let faults = Faults::new("test");
        faults.set(fault(1.0));
        assert!(!faults.hits(Timestamp::from_secs(1), "other"));
        assert!(faults.hits(Timestamp::from_secs(9), "s"));
        assert!(!faults.hits(Timestamp::from_secs(10), "s"));
        assert!(!faults.any());
    }
}
