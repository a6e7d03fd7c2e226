//! Ledgers: where every record ended. Their sums hold exactly at the end of a run, or the run is void.

use serde::{Deserialize, Serialize};

use crate::kinesis::record::Billed;

/// The part of a run that a record belongs to: that of its *intended* time, whenever it ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the measurement window: counted in ledgers, kept out of latencies and objectives.
    WarmUp,
    /// The measurement window.
    Measure,
}

impl Phase {
    /// Both, in order of time.
    pub const ALL: [Self; 2] = [Self::WarmUp, Self::Measure];

    /// The phase as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WarmUp => "warm_up",
            Self::Measure => "measure",
        }
    }
}

/// Why a record never left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSentCause {
    /// The bounded queue before the in-flight gate had no room.
    QueueFull,
    /// The run was interrupted before its first attempt.
    Interrupted,
    /// It still waited for its first attempt at the end of the drain.
    TimeUp,
    /// It waited for its first attempt longer than records may (`retry.ttl`).
    Expired,
    /// The generator itself was so far behind its schedule that it never came to it.
    Behind,
}

impl NotSentCause {
    /// The cause as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Interrupted => "interrupted",
            Self::TimeUp => "time_up",
            Self::Expired => "expired",
            Self::Behind => "behind",
        }
    }
}

/// How a record ended. Acked if any attempt was; else unknown if any attempt had no answer; else as its last attempt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was never sent.
    NotSent(NotSentCause),
    /// An attempt was accepted.
    Acked,
    /// The last attempt was refused by a limit.
    Throttled,
    /// The last attempt was refused for another reason.
    Failed,
    /// An attempt had no answer and none was accepted: it may be stored.
    Unknown,
}

/// Records that never left, by cause.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NotSentCounts {
    /// See [`NotSentCause::QueueFull`].
    pub queue_full: u64,
    /// See [`NotSentCause::Interrupted`].
    pub interrupted: u64,
    /// See [`NotSentCause::TimeUp`].
    pub time_up: u64,
    /// See [`NotSentCause::Expired`].
    #[serde(default)]
    pub expired: u64,
    /// See [`NotSentCause::Behind`].
    pub behind: u64,
}

impl NotSentCounts {
    /// All causes together.
    pub const fn total(self) -> u64 {
        self.queue_full + self.interrupted + self.time_up + self.expired + self.behind
    }

    /// Counts one.
    pub const fn add(&mut self, cause: NotSentCause) {
        match cause {
            NotSentCause::QueueFull => self.queue_full += 1,
            NotSentCause::Interrupted => self.interrupted += 1,
            NotSentCause::TimeUp => self.time_up += 1,
            NotSentCause::Expired => self.expired += 1,
            NotSentCause::Behind => self.behind += 1,
        }
    }

    /// Adds what was counted elsewhere.
    pub const fn merge(&mut self, other: Self) {
        self.queue_full += other.queue_full;
        self.interrupted += other.interrupted;
        self.time_up += other.time_up;
        self.expired += other.expired;
        self.behind += other.behind;
    }
}

/// Kinesis records, as the service counts them, where the rest of a ledger counts the records of the schedule: a packed one
/// holds several of those (`send.aggregate`). Each belongs to the phase of the first record in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct KinesisRecords {
    /// Attempts, one per Kinesis record and call.
    pub attempts: u64,
    /// Attempts that were accepted.
    pub acked: u64,
    /// Their billed bytes, data and key.
    pub acked_bytes: u64,
    /// The same in kilobytes of 1,000 bytes, each record's begun one counted whole: what on-demand streams bill.
    #[serde(default)]
    pub acked_kilobytes: u64,
    /// Attempts refused by a limit: what CloudWatch counts as throttled records.
    pub rejected: u64,
    /// Attempts without an answer.
    pub unknown: u64,
    /// Their bytes, data and key: they may be stored, and then they are billed.
    #[serde(default)]
    pub unknown_bytes: u64,
}

impl KinesisRecords {
    const fn merge(&mut self, other: &Self) {
        self.attempts += other.attempts;
        self.acked += other.acked;
        self.acked_bytes += other.acked_bytes;
        self.acked_kilobytes += other.acked_kilobytes;
        self.rejected += other.rejected;
        self.unknown += other.unknown;
        self.unknown_bytes += other.unknown_bytes;
    }
}

/// What became of a producer's records. Counts are records of the schedule unless the name says attempts, bytes or Kinesis
/// records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ProducerLedger {
    /// Records that the schedule asked for.
    pub intended: u64,
    /// Never sent.
    pub not_sent: u64,
    /// The same by cause.
    pub not_sent_by_cause: NotSentCounts,
    /// Accepted.
    pub acked: u64,
    /// Given up after a refusal by a limit.
    pub throttled: u64,
    /// Given up after another refusal.
    pub failed: u64,
    /// Given up without knowing whether they are stored.
    pub unknown: u64,
    /// Attempts, one per record and call.
    pub attempts: u64,
    /// Attempts refused by a limit, one per record and call. Counted by the caller as they end.
    pub rejected_attempts: u64,
    /// Attempts refused for another reason. Counted by the caller.
    pub failed_attempts: u64,
    /// Attempts without an answer. Counted by the caller.
    pub unknown_attempts: u64,
    /// Accepted, but not at the first attempt.
    pub accepted_after_retry: u64,
    /// Bytes (data and key) of accepted records; those that are billed, unless records are packed. Counted by the caller.
    pub acked_bytes: u64,
    /// PUT payload units of accepted records, as AWS bills them. Counted by the caller.
    #[serde(default)]
    pub acked_put_units: u64,
    /// Attempts that were accepted in a shard that the record does not belong to, as happens to packed records when a
    /// stream is resharded: not taken for acknowledged but sent again. Counted by the caller.
    #[serde(default)]
    pub misplaced_attempts: u64,
    /// The Kinesis records. Counted by the caller.
    #[serde(default)]
    pub kinesis_records: KinesisRecords,
}

impl ProducerLedger {
    /// Counts records that the schedule meant to be sent. Their outcomes are counted when they end, so that the sums
    /// can fail.
    pub const fn intend(&mut self, records: u64) {
        self.intended += records;
    }

    /// Counts the end of one record after `attempts` attempts (0 if it was never sent).
    pub const fn add(&mut self, outcome: Outcome, attempts: u32) {
        self.attempts += attempts as u64;
        match outcome {
            Outcome::NotSent(cause) => {
                self.not_sent += 1;
                self.not_sent_by_cause.add(cause);
            }
            Outcome::Acked => {
                self.acked += 1;
                if attempts > 1 {
                    self.accepted_after_retry += 1;
                }
            }
            Outcome::Throttled => self.throttled += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unknown => self.unknown += 1,
        }
    }

    /// Adds what another worker counted.
    pub const fn merge(&mut self, other: &Self) {
        self.intended += other.intended;
        self.not_sent += other.not_sent;
        self.not_sent_by_cause.queue_full += other.not_sent_by_cause.queue_full;
        self.not_sent_by_cause.interrupted += other.not_sent_by_cause.interrupted;
        self.not_sent_by_cause.time_up += other.not_sent_by_cause.time_up;
        self.not_sent_by_cause.expired += other.not_sent_by_cause.expired;
        self.not_sent_by_cause.behind += other.not_sent_by_cause.behind;
        self.acked += other.acked;
        self.throttled += other.throttled;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.attempts += other.attempts;
        self.rejected_attempts += other.rejected_attempts;
        self.failed_attempts += other.failed_attempts;
        self.unknown_attempts += other.unknown_attempts;
        self.accepted_after_retry += other.accepted_after_retry;
        self.acked_bytes += other.acked_bytes;
        self.acked_put_units += other.acked_put_units;
        self.misplaced_attempts += other.misplaced_attempts;
        self.kinesis_records.merge(&other.kinesis_records);
    }

    /// What is billed of the records that were stored, or may have been.
    pub const fn billed(&self) -> Billed {
        let kinesis = &self.kinesis_records;
        let mut billed = Billed {
            bytes: kinesis.acked_bytes,
            put_units: self.acked_put_units,
            kilobytes: kinesis.acked_kilobytes,
        };
        billed.add(Billed::at_most(kinesis.unknown, kinesis.unknown_bytes));
        billed
    }

    /// Attempts per intended record; 1 when each was sent once, `None` when none was intended.
    pub fn amplification(&self) -> Option<f64> {
        (self.intended > 0).then(|| self.attempts as f64 / self.intended as f64)
    }

    /// Records sent per Kinesis record sent; 1 unless records are packed, `None` when nothing was sent.
    pub fn records_per_kinesis_record(&self) -> Option<f64> {
        let kinesis = self.kinesis_records.attempts;
        (kinesis > 0).then(|| self.attempts as f64 / kinesis as f64)
    }

    /// Accepted records per intended record, 0 to 1; 1 when none was intended.
    pub fn accepted_share(&self) -> f64 {
        if self.intended == 0 {
            1.0
        } else {
            self.acked as f64 / self.intended as f64
        }
    }

    /// Whether every intended record ended in one column.
    pub const fn balances(&self) -> bool {
        self.intended == self.not_sent + self.acked + self.throttled + self.failed + self.unknown
            && self.not_sent == self.not_sent_by_cause.total()
    }
}

/// What one consumer saw of the records of this run. Counts are records, or deliveries where the name says so.
///
/// A corrupt delivery cannot be told whose it was: the delivery counts as `corrupt`, and its record, if it was acked,
/// as `lost` once the position passed it. Corrupt, foreign and out-of-order deliveries have no phase: they are in the
/// ledger of the whole run only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ConsumerLedger {
    /// Records that the producers got acknowledged.
    pub acked: u64,
    /// Of those: delivered at least once.
    pub delivered: u64,
    /// Of those: the position passed them without delivering them.
    pub lost: u64,
    /// Of those: trimmed by retention or a memory limit before they were read.
    pub trimmed_unread: u64,
    /// Of those: not reached by the end of the drain.
    pub unread: u64,
    /// Of those: stored before this consumer began.
    pub uncovered: u64,
    /// Everything that this consumer was given.
    pub deliveries: u64,
    /// First deliveries of records whose outcome was not acked, for example unknown ones.
    pub delivered_unacked: u64,
    /// Deliveries of a sequence number that had been delivered before.
    pub redelivered: u64,
    /// Further deliveries of a record under another sequence number, where an attempt had no answer: the retry explains it.
    pub stored_twice_explained: u64,
    /// The same where every attempt had an answer: the target's fault.
    pub stored_twice_unexplained: u64,
    /// Deliveries whose checksum does not hold.
    pub corrupt: u64,
    /// Deliveries that are not of this run.
    pub foreign: u64,
    /// Deliveries against the order of sequence numbers.
    pub out_of_order: u64,
    /// First deliveries of a record after a later one of its lane (the top 16 bits of the hash key).
    pub key_inversions: u64,
    /// Lanes that straddle a shard boundary: their order is not judged.
    pub lanes_not_judged: u64,
    /// First deliveries of an acknowledged record from another shard, or with another sequence number, than its
    /// acknowledgement named. Judged of records that were acknowledged at their only attempt and delivered after that, by
    /// the host that sent them: others may lie where nobody was told. Left out of a report when zero; none in reports of
    /// versions before this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub misplaced: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "it is what serde calls")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ConsumerLedger {
    /// Adds what another consumer or phase counted. Lanes that are not judged are the same ones for both.
    pub fn merge(&mut self, other: &Self) {
        self.acked += other.acked;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.trimmed_unread += other.trimmed_unread;
        self.unread += other.unread;
        self.uncovered += other.uncovered;
        self.deliveries += other.deliveries;
        self.delivered_unacked += other.delivered_unacked;
        self.redelivered += other.redelivered;
        self.stored_twice_explained += other.stored_twice_explained;
        self.stored_twice_unexplained += other.stored_twice_unexplained;
        self.corrupt += other.corrupt;
        self.foreign += other.foreign;
        self.out_of_order += other.out_of_order;
        self.key_inversions += other.key_inversions;
        self.lanes_not_judged = self.lanes_not_judged.max(other.lanes_not_judged);
        self.misplaced += other.misplaced;
    }

    /// Whether every acked record and every delivery ended in one column.
    pub const fn balances(&self) -> bool {
        self.acked
            == self.delivered + self.lost + self.trimmed_unread + self.unread + self.uncovered
            && self.deliveries
                == self.delivered
                    + self.delivered_unacked
                    + self.redelivered
                    + self.stored_twice_explained
                    + self.stored_twice_unexplained
                    + self.corrupt
                    + self.foreign
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_column_and_the_sum_holds() {
        let mut ledger = ProducerLedger::default();
        ledger.intend(7);
        ledger.add(Outcome::Acked, 1);
        ledger.add(Outcome::Acked, 3);
        ledger.add(Outcome::Throttled, 5);
        ledger.add(Outcome::Failed, 1);
        ledger.add(Outcome::Unknown, 2);
        ledger.add(Outcome::NotSent(NotSentCause::QueueFull), 0);
        ledger.add(Outcome::NotSent(NotSentCause::Interrupted), 0);
        assert!(ledger.balances());
        assert_eq!((ledger.intended, ledger.acked, ledger.attempts), (7, 2, 12));
        assert_eq!(ledger.accepted_after_retry, 1);
        assert_eq!(
            ledger.not_sent_by_cause,
            NotSentCounts {
                queue_full: 1,
                interrupted: 1,
                time_up: 0,
                expired: 0,
                behind: 0
            }
        );
        let mut twice = ledger;
        twice.merge(&ledger);
        assert!(twice.balances());
        assert_eq!(twice.intended, 14);
        assert_eq!(twice.attempts, 24);
        assert!((ledger.accepted_share() - 2.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn a_missing_record_or_an_uncounted_cause_unbalances_the_producers_ledger() {
        let balanced = ProducerLedger {
            intended: 3,
            acked: 2,
            unknown: 1,
            ..ProducerLedger::default()
        };
        assert!(balanced.balances());
        assert!(
            !ProducerLedger {
                acked: 1,
                ..balanced
            }
            .balances()
        );
        assert!(
            !ProducerLedger {
                unknown: 0,
                not_sent: 1,
                ..balanced
            }
            .balances()
        );
    }

    #[test]
    fn both_sums_of_a_consumers_ledger_are_checked() {
        let balanced = ConsumerLedger {
            acked: 10,
            delivered: 6,
            lost: 1,
            trimmed_unread: 1,
            unread: 1,
            uncovered: 1,
            deliveries: 13,
            delivered_unacked: 1,
            redelivered: 2,
            stored_twice_explained: 1,
            stored_twice_unexplained: 1,
            corrupt: 1,
            foreign: 1,
            ..ConsumerLedger::default()
        };
        assert!(balanced.balances());
        assert!(
            !ConsumerLedger {
                lost: 0,
                ..balanced
            }
            .balances()
        );
        assert!(
            !ConsumerLedger {
                foreign: 0,
                ..balanced
            }
            .balances()
        );
        let mut twice = balanced;
        twice.merge(&balanced);
        assert!(twice.balances());
        assert_eq!(twice.deliveries, 26);
    }

    #[test]
    fn ledgers_survive_a_document() {
        let mut ledger = ProducerLedger::default();
        ledger.add(Outcome::Acked, 2);
        let text = serde_json::to_string(&ledger).unwrap();
        assert_eq!(
            serde_json::from_str::<ProducerLedger>(&text).unwrap(),
            ledger
        );
        assert_eq!(
            serde_json::to_string(&Phase::WarmUp).unwrap(),
            "\"warm_up\""
        );
    }
}
