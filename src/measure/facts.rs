//! What a run knows of itself, for the table of thresholds to judge.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::verdict::{LATENESS_TOLERATED_US, WAIT_MATERIAL};

/// What the run knows about itself. The default is a run without a fault and without data.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// The longest time that a pacer was away beyond what it meant to sleep, in microseconds.
    pub pacer_gap_us_max: u64,
    /// The 99th percentile of lateness over all producers, in microseconds.
    pub lateness_p99_us: u64,
    /// The 99th percentile of response time; `None` when nothing was acked.
    pub response_p99_us: Option<u64>,
    /// What lateness of that part is not held against the run, in microseconds: [`LATENESS_TOLERATED_US`] of records,
    /// [`CALL_LATENESS_TOLERATED_US`](super::verdict::CALL_LATENESS_TOLERATED_US) of calls.
    pub lateness_tolerated_us: u64,
    /// Records that the schedule asked for in the measurement window.
    pub intended: u64,
    /// Of those: dropped because the queue was full or the generator too far behind.
    pub dropped: u64,
    /// Latencies recorded, of all kinds.
    pub latency_samples: u64,
    /// Of those: above an hour.
    pub clipped: u64,
    /// End-to-end latencies recorded.
    pub end_to_end_samples: u64,
    /// Of those: below zero.
    pub end_to_end_negative: u64,
    /// Delivery delays recorded.
    pub delivery_delay_samples: u64,
    /// Of those: below zero.
    pub delivery_delay_negative: u64,
    /// How far a consumer's median delivery delay is above its median end-to-end latency, in milliseconds; the farthest.
    pub arrival_early_ms: Option<f64>,
    /// Share of processor time that the hypervisor gave to others, 0 to 1; `None` where it cannot be read.
    pub cpu_steal_share: Option<f64>,
    /// Share of the host's processor time in use during the measurement window, 0 to 1; `None` where it cannot be read.
    pub host_cpu_share: Option<f64>,
    /// Acked records that were trimmed before a consumer read them, over all consumers.
    pub trimmed_unread: u64,
    /// Acked records that a consumer had not come to when the run ended, over all consumers.
    pub unread: u64,
    /// Of streams that only others write: the last part of the measurement window whose arrivals a reader did not come to, as a
    /// share of it; of the reader with most.
    pub unseen_share: f64,
    /// Streams whose open shards, as the target lists them, do not hold every hash key exactly once.
    pub flawed_shard_lists: u64,
    /// First deliveries from another place than the acknowledgement named, over all consumers.
    pub misplaced: u64,
    /// The share of the measurement window that an interruption cut off, 0 to 1.
    pub cut_off_share: f64,
    /// Events of the scenario that the target refused, or that should have been complete and were not.
    pub failed_events: u64,
    /// Events that were planned for the drain, which ended before.
    pub events_after_drain: u64,
    /// Whether the sums of every ledger hold.
    pub ledgers_balance: bool,
    /// Share of the host's processor time that this process took, 0 to 1; `None` where it cannot be read.
    pub process_cpu_share: Option<f64>,
    /// The longest that a thread which sends stood ready without a processor, as a share of the measurement window;
    /// `None` where it cannot be read.
    pub sender_wait_share: Option<f64>,
    /// Page faults in the window that waited for a disk; `None` where they cannot be read.
    pub major_faults: Option<u64>,
    /// The smallest step of the clock, in nanoseconds; `None` where time is virtual.
    pub clock_step_ns: Option<u64>,
    /// What reading the clock costs, in nanoseconds; `None` as above.
    pub clock_read_ns: Option<u64>,
    /// The producer, or load of calls, of which most waited for a request slot.
    pub slots: Option<SlotFacts>,
    /// The producer of whose records `send.rate_limit` held most back.
    pub rate_limit: Option<HoldFacts>,
    /// The producer of whose records most waited for one before them (`send.ordering = "per-key"`).
    pub order: Option<HoldFacts>,
    /// The recording that covers least of the load, of those that end before it does.
    pub recording: Option<RecordingFacts>,
    /// As the first of several hosts: workers, from 1, that did not say in time that they were done.
    pub workers_not_done: Vec<u32>,
    /// As another of several hosts: whether the first one deleted the streams before this one was done with them.
    pub stream_taken: bool,
    /// As one of several hosts: whether this one's clock could not be held against the service's.
    pub clock_unbounded: bool,
}

/// How much of the load a recording covers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RecordingFacts {
    /// Who plays it: `producers.web`.
    pub player: String,
    /// When its last record comes, in seconds from the start of the load.
    pub ends_s: f64,
    /// How long the load is, in seconds; not below `ends_s`.
    pub load_s: f64,
}

impl RecordingFacts {
    /// The share of the load that comes after the recording's end, 0 to 1.
    pub fn silent_share(&self) -> f64 {
        1.0 - self.ends_s / self.load_s
    }
}

impl fmt::Display for RecordingFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the recording that `{}` plays ends {:.3} s after the start of a load of {} s, {:.1} % of it",
            self.player,
            self.ends_s,
            self.load_s,
            (1.0 - self.silent_share()) * 100.0
        )
    }
}

/// How far a producer held its records back because the scenario has it so.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HoldFacts {
    /// The producer.
    pub producer: String,
    /// Records of the measurement window that were held back, as a share of those intended.
    pub records_share: f64,
    /// All the time that they waited, as a share of all response time.
    pub response_share: f64,
}

impl HoldFacts {
    /// The share of records, where their waits are material.
    pub(super) fn share(&self) -> Option<f64> {
        (self.response_share > WAIT_MATERIAL).then_some(self.records_share)
    }
}

/// How far `max_in_flight` held a load back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SlotFacts {
    /// Whose: ``producer `web` `` or ``load `admin` ``.
    pub whose: String,
    /// Requests that each of its workers may have under way.
    pub max_in_flight: u32,
    /// Records or calls of the measurement window that waited for a slot, as a share of those intended.
    pub records_share: f64,
    /// All the time that they waited, as a share of all response time.
    pub response_share: f64,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            pacer_gap_us_max: 0,
            lateness_p99_us: 0,
            response_p99_us: None,
            lateness_tolerated_us: LATENESS_TOLERATED_US,
            intended: 0,
            dropped: 0,
            latency_samples: 0,
            clipped: 0,
            end_to_end_samples: 0,
            end_to_end_negative: 0,
            delivery_delay_samples: 0,
            delivery_delay_negative: 0,
            arrival_early_ms: None,
            cpu_steal_share: None,
            host_cpu_share: None,
            trimmed_unread: 0,
            unread: 0,
            unseen_share: 0.0,
            flawed_shard_lists: 0,
            misplaced: 0,
            cut_off_share: 0.0,
            failed_events: 0,
            events_after_drain: 0,
            ledgers_balance: true,
            process_cpu_share: None,
            sender_wait_share: None,
            major_faults: None,
            clock_step_ns: None,
            clock_read_ns: None,
            slots: None,
            rate_limit: None,
            order: None,
            recording: None,
            workers_not_done: Vec::new(),
            stream_taken: false,
            clock_unbounded: false,
        }
    }
}
