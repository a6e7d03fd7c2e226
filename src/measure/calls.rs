//! Where the calls of a load ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ledger::{NotSentCause, NotSentCounts};

/// How a call ended: by its last attempt, where a script makes several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CallOutcome {
    /// It was never made.
    NotSent(NotSentCause),
    /// It was answered with success, as it should be.
    Ok,
    /// It was refused with the code that it should be refused with.
    Expected,
    /// It was answered with another code than it should be, or with success where it should be refused. With the code.
    Unexpected(String),
    /// A limit refused it.
    Throttled,
    /// Nobody answered.
    Unknown,
}

/// What became of the calls of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CallLedger {
    /// Calls that the schedule, or a script's turn, asked for.
    pub intended: u64,
    /// Never made.
    pub not_sent: u64,
    /// The same by cause.
    pub not_sent_by_cause: NotSentCounts,
    /// Answered with success.
    pub ok: u64,
    /// Refused as they should be.
    pub expected: u64,
    /// Answered otherwise than they should be.
    pub unexpected: u64,
    /// Refused by a limit.
    pub throttled: u64,
    /// Not answered.
    pub unknown: u64,
    /// Attempts, one per call on the wire. A mix makes one of each call; a script tries again what a limit refused.
    pub attempts: u64,
    /// Attempts refused by a limit. Counted by the caller as they end.
    pub rejected_attempts: u64,
}

impl CallLedger {
    /// Counts the end of one call after so many attempts.
    pub const fn add(&mut self, outcome: &CallOutcome, attempts: u64) {
        self.attempts += attempts;
        match outcome {
            CallOutcome::NotSent(cause) => {
                self.not_sent += 1;
                self.not_sent_by_cause.add(*cause);
            }
            CallOutcome::Ok => self.ok += 1,
            CallOutcome::Expected => self.expected += 1,
            CallOutcome::Unexpected(_) => self.unexpected += 1,
            CallOutcome::Throttled => self.throttled += 1,
            CallOutcome::Unknown => self.unknown += 1,
        }
    }

    /// Adds what another ledger counted.
    pub const fn merge(&mut self, other: &Self) {
        self.intended += other.intended;
        self.not_sent += other.not_sent;
        self.not_sent_by_cause.merge(other.not_sent_by_cause);
        self.ok += other.ok;
        self.expected += other.expected;
        self.unexpected += other.unexpected;
        self.throttled += other.throttled;
        self.unknown += other.unknown;
        self.attempts += other.attempts;
        self.rejected_attempts += other.rejected_attempts;
    }

    /// Whether every call ended in exactly one column.
    pub const fn balances(&self) -> bool {
        self.not_sent == self.not_sent_by_cause.total()
            && self.intended
                == self.not_sent
                    + self.ok
                    + self.expected
                    + self.unexpected
                    + self.throttled
                    + self.unknown
    }

    /// Calls that ended as they should.
    pub const fn as_expected(&self) -> u64 {
        self.ok + self.expected
    }

    /// The share of the calls made that a limit refused, 0 to 1; 0 where none was made.
    pub fn throttled_share(&self) -> f64 {
        let made = self.intended - self.not_sent.min(self.intended);
        if made == 0 {
            0.0
        } else {
            self.throttled as f64 / made as f64
        }
    }
}

/// What became of scripts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ScriptCounts {
    /// Scripts that were begun.
    pub begun: u64,
    /// Those whose last step was done.
    pub completed: u64,
    /// Those that ended at a step whose answer was not as it should be, or with the run.
    pub broken_off: u64,
}

/// Unexpected answers by their codes; `success` for one that should have been a refusal.
pub type CallCodes = BTreeMap<String, u64>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_ends_in_one_column_and_shares_are_of_those_made() {
        let mut ledger = CallLedger {
            intended: 7,
            ..CallLedger::default()
        };
        assert!(!ledger.balances());
        for (outcome, attempts) in [
            (CallOutcome::NotSent(NotSentCause::QueueFull), 0),
            (CallOutcome::Ok, 1),
            (CallOutcome::Expected, 1),
            (CallOutcome::Unexpected("success".to_owned()), 1),
            (CallOutcome::Throttled, 3),
            (CallOutcome::Throttled, 1),
            (CallOutcome::Unknown, 1),
        ] {
            ledger.add(&outcome, attempts);
        }
        assert!(ledger.balances());
        assert_eq!((ledger.as_expected(), ledger.attempts), (2, 8));
        assert!((ledger.throttled_share() - 2.0 / 6.0).abs() < 1e-12);
        let mut both = ledger;
        both.merge(&ledger);
        assert!(both.balances());
        assert_eq!((both.intended, both.not_sent_by_cause.queue_full), (14, 2));
        assert!(CallLedger::default().throttled_share() < 1e-12);
    }
}
