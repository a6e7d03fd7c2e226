//! Calls per second of control-plane operations.

use std::collections::BTreeMap;

use super::meter::Meter;
use crate::base::Timestamp;
use crate::kinesis::quotas::{Limits, RateName};

/// The buckets of one account or of one stream, made when they are first needed.
#[derive(Debug, Default)]
pub(super) struct CallRates(BTreeMap<RateName, Meter>);

impl CallRates {
    /// Takes a token for a call and says whether there was one.
    pub(super) fn admit(&mut self, limits: &Limits, rate: RateName, now: Timestamp) -> bool {
        self.0
            .entry(rate)
            .or_insert_with(|| Meter::new(limits.rate(rate), now))
            .admit(now)
    }
}
