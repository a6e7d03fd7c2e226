//! What one shard saw in one interval.

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::kinesis::Cause;
use crate::measure::ledger::Phase;

/// How many counters there are.
pub(super) const FIELDS: usize = 17 + Cause::ALL.len();

/// Counts of records unless the name says otherwise; bytes are billed bytes, data and key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ShardCounters {
    /// Records that the schedule meant for this shard.
    pub offered: u64,
    /// Their bytes.
    pub offered_bytes: u64,
    /// Attempts sent.
    pub sent: u64,
    /// Records accepted.
    pub acked: u64,
    /// Their bytes.
    pub acked_bytes: u64,
    /// Attempts refused by a limit, by cause in the order of [`Cause::ALL`].
    pub refused: [u64; Cause::ALL.len()],
    /// Their bytes.
    pub refused_bytes: u64,
    /// When the last of them was refused, in nanoseconds since the epoch; 0 for none.
    #[serde(default)]
    pub refused_last_ns: u64,
    /// Attempts refused for another reason.
    pub failed: u64,
    /// Attempts without an answer.
    pub unknown: u64,
    /// Deliveries to this part.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// The farthest that a reader was behind the tip, in milliseconds.
    pub lag_ms_max: u64,
    /// The longest response time, in microseconds.
    pub response_us_max: u64,
    /// Of [`Self::offered`], records whose intended time lies in the measurement window.
    #[serde(default)]
    pub window_offered: u64,
    /// Their bytes.
    #[serde(default)]
    pub window_offered_bytes: u64,
    /// Of [`Self::acked`], records whose intended time lies in the measurement window, whenever they were acked.
    #[serde(default)]
    pub window_acked: u64,
    /// Their bytes.
    #[serde(default)]
    pub window_acked_bytes: u64,
}

impl ShardCounters {
    /// Counts a record that the schedule meant for this shard.
    pub fn offer(&mut self, phase: Phase, bytes: u64) {
        self.offered += 1;
        self.offered_bytes += bytes;
        if phase == Phase::Measure {
            self.window_offered += 1;
            self.window_offered_bytes += bytes;
        }
    }

    /// Counts a record that was accepted.
    pub fn accept(&mut self, phase: Phase, bytes: u64) {
        self.acked += 1;
        self.acked_bytes += bytes;
        if phase == Phase::Measure {
            self.window_acked += 1;
            self.window_acked_bytes += bytes;
        }
    }

    /// Counts attempts that a limit refused.
    pub fn refuse(&mut self, cause: Cause, attempts: u64, bytes: u64) {
        self.refused[cause as usize] += attempts;
        self.refused_bytes += bytes;
    }

    /// Attempts that the limit `cause` refused.
    pub fn refused_by(&self, cause: Cause) -> u64 {
        self.refused[cause as usize]
    }

    /// Attempts that any limit refused.
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().sum()
    }

    /// All counters, in an order of their own; see [`Self::of_fields`].
    pub(super) fn fields(&self) -> [u64; FIELDS] {
        let Self {
            offered,
            offered_bytes,
            sent,
            acked,
            acked_bytes,
            refused,
            refused_bytes,
            refused_last_ns,
            failed,
            unknown,
            delivered,
            delivered_bytes,
            lag_ms_max,
            response_us_max,
            window_offered,
            window_offered_bytes,
            window_acked,
            window_acked_bytes,
        } = *self;
        let mut fields = [0; FIELDS];
        let (causes, rest) = fields.split_at_mut(Cause::ALL.len());
        causes.copy_from_slice(&refused);
        rest.copy_from_slice(&[
            offered,
            offered_bytes,
            sent,
            acked,
            acked_bytes,
            refused_bytes,
            refused_last_ns,
            failed,
            unknown,
            delivered,
            delivered_bytes,
            lag_ms_max,
            response_us_max,
            window_offered,
            window_offered_bytes,
            window_acked,
            window_acked_bytes,
        ]);
        fields
    }

    /// The counters that [`Self::fields`] gave.
    pub(super) fn of_fields(fields: [u64; FIELDS]) -> Self {
        let mut refused = [0; Cause::ALL.len()];
        let (causes, rest) = fields.split_at(refused.len());
        refused.copy_from_slice(causes);
        let mut rest = rest.iter().copied();
        let mut next = || rest.next().unwrap_or_default();
        Self {
            refused,
            offered: next(),
            offered_bytes: next(),
            sent: next(),
            acked: next(),
            acked_bytes: next(),
            refused_bytes: next(),
            refused_last_ns: next(),
            failed: next(),
            unknown: next(),
            delivered: next(),
            delivered_bytes: next(),
            lag_ms_max: next(),
            response_us_max: next(),
            window_offered: next(),
            window_offered_bytes: next(),
            window_acked: next(),
            window_acked_bytes: next(),
        }
    }

    /// Raises the highest response time.
    pub fn saw_response_us(&mut self, micros: u64) {
        self.response_us_max = self.response_us_max.max(micros);
    }

    /// Puts off the last refusal.
    pub fn saw_refusal(&mut self, at: Timestamp) {
        self.refused_last_ns = self.refused_last_ns.max(at.as_nanos());
    }

    /// Raises the highest lag.
    pub fn saw_lag_ms(&mut self, millis: u64) {
        self.lag_ms_max = self.lag_ms_max.max(millis);
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what another part or interval counted; maxima are the higher of the two.
    pub fn merge(&mut self, other: &Self) {
        self.offered += other.offered;
        self.offered_bytes += other.offered_bytes;
        self.sent += other.sent;
        self.acked += other.acked;
        self.acked_bytes += other.acked_bytes;
        for (mine, theirs) in self.refused.iter_mut().zip(other.refused) {
            *mine += theirs;
        }
        self.refused_bytes += other.refused_bytes;
        self.refused_last_ns = self.refused_last_ns.max(other.refused_last_ns);
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.delivered += other.delivered;
        self.delivered_bytes += other.delivered_bytes;
        self.saw_lag_ms(other.lag_ms_max);
        self.saw_response_us(other.response_us_max);
        self.window_offered += other.window_offered;
        self.window_offered_bytes += other.window_offered_bytes;
        self.window_acked += other.window_acked;
        self.window_acked_bytes += other.window_acked_bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_has_a_place_of_its_own_in_the_order_of_the_list() {
        let mut counters = ShardCounters::default();
        for (cause, count) in Cause::ALL.into_iter().zip(1..) {
            counters.refuse(cause, count, 10);
        }
        assert_eq!(counters.refused, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(counters.refused_by(Cause::ReadBytes), 4);
        assert_eq!((counters.refused_total(), counters.refused_bytes), (45, 90));
    }

    #[test]
    fn every_counter_has_a_place_of_its_own_among_the_fields() {
        let fields = std::array::from_fn(|place| place as u64 + 1);
        assert_eq!(ShardCounters::of_fields(fields).fields(), fields);
    }

    #[test]
    fn merging_adds_counts_and_keeps_the_higher_maximum() {
        let mut left = ShardCounters {
            acked: 3,
            lag_ms_max: 9,
            response_us_max: 1,
            ..ShardCounters::default()
        };
        left.merge(&ShardCounters {
            acked: 4,
            lag_ms_max: 2,
            response_us_max: 7,
            unknown: 1,
            ..ShardCounters::default()
        });
        assert_eq!(
            left,
            ShardCounters {
                acked: 7,
                lag_ms_max: 9,
                response_us_max: 7,
                unknown: 1,
                ..ShardCounters::default()
            }
        );
        assert!(!left.is_empty());
        assert!(ShardCounters::default().is_empty());
    }
}
