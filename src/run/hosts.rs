//! One run made by several hosts: which part is this host's, and how the hosts meet in the stream.
//!
//! The hosts talk to nobody but the service. The first one makes the streams and then puts marks of the run into one of
//! them; the others wait for these marks, so that a stream of the same name that is somebody else's is not written to. Each
//! host's last act is a mark that it is done, and the first one keeps the streams until all are, or should be.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;

use super::clock_probe::{Marker, Probes};
use super::session::{RunError, Session};
use crate::base::Timestamp;
use crate::kinesis::StreamName;
use crate::kinesis::operation::{IteratorPosition, StreamStatus};
use crate::workload::Portion;

/// How often it is looked whether the first host has made a stream.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What of the time before the load is not used for probes: iterators are still to be taken.
const SPARE: Duration = Duration::from_millis(300);

/// How long the probes at the end may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long after the end of the longest drain the first host waits for hosts that have not said that they are done.
const LATECOMERS: Duration = Duration::from_secs(10);

/// How far before the planned end of the load marks of hosts that are done are looked for.
const LOOK_BACK: Duration = Duration::from_secs(2);

/// This host's part of a run, and what all hosts agree on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hosts {
    /// Which host this is.
    pub portion: Portion,
    /// When warm-up begins.
    pub start: Timestamp,
    /// A stream that the first host makes: the hosts meet there. Nothing where all streams were there before, because
    /// their other readers would not know what a mark is.
    pub meeting: Option<StreamName>,
}

/// What a host knows of itself as one of several.
#[derive(Clone, PartialEq, Debug)]
pub struct HostOutcome {
    /// Which host it is.
    pub portion: Portion,
    /// The run's number in stamps.
    pub run: u32,
    /// The service's clock minus this host's lies between these, in nanoseconds; nothing where it could not be found.
    pub clock_offset_ns: Option<(i64, i64)>,
    /// Of the first host: workers, from 1, that had not said that they were done when it went on to delete the streams.
    pub not_done: Vec<u32>,
    /// Of another host: whether a stream of the run was gone before this host was done with it.
    pub stream_taken: bool,
}

/// How a host's part ended.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Parted {
    /// As in [`HostOutcome::clock_offset_ns`].
    pub(super) clock_offset_ns: Option<(i64, i64)>,
    /// As in [`HostOutcome::not_done`].
    pub(super) not_done: Vec<u32>,
}

impl Session {
    /// The marks and probes of this host; nothing for a run of one host, or where there is no place for them.
    pub(super) fn probes(&self) -> Option<Probes> {
        let hosts = self.hosts.as_ref()?;
        Some(Probes {
            clock: self.clock,
            target: self.target.clone(),
            stream: hosts.meeting.clone()?,
            run: self.run,
            host: hosts.portion.index() as u16,
        })
    }

    /// Which part of the run is this host's.
    pub(super) fn portion(&self) -> Portion {
        self.hosts
            .as_ref()
            .map_or(Portion::WHOLE, |hosts| hosts.portion)
    }

    /// Waits for the first host's marks, then bounds this host's clock.
    ///
    /// # Errors
    /// When the start has come before.
    pub(super) async fn meet(&self) -> Result<Option<(i64, i64)>, RunError> {
        let (Some(hosts), Some(probes)) = (&self.hosts, self.probes()) else {
            return Ok(None);
        };
        let until = hosts.start.minus(SPARE);
        let met = async {
            if !hosts.portion.is_first() && !probes.wait_for_first(until).await {
                return Err(RunError::NotMet {
                    stream: probes.stream.clone(),
                    run: self.run,
                });
            }
            Ok(probes.bound(Marker::Begin, until).await)
        };
        tokio::select! {
            biased;
            met = met => met,
            // A service that does not answer must not hold up the start.
            () = self.clock.sleep_until(until.plus(SPARE)) => Ok(None),
        }
    }

    /// Bounds this host's clock again, says that it is done, and as the first host waits for the others.
    pub(super) async fn part(
        &self,
        load_end: Timestamp,
        before: Option<(i64, i64)>,
        cancel: &mut watch::Receiver<bool>,
    ) -> Parted {
        let (Some(hosts), Some(probes)) = (&self.hosts, self.probes()) else {
            return Parted {
                clock_offset_ns: before,
                not_done: Vec::new(),
            };
        };
        let interrupted = *cancel.borrow();
        let leave = async {
            let patience = self.clock.now().plus(PATIENCE);
            let after = if interrupted {
                None
            } else {
                probes.bound(Marker::End, patience).await
            };
            probes.mark(Marker::Done).await;
            after
        };
        let after = tokio::select! {
            biased;
            after = leave => after,
            () = self.clock.sleep(PATIENCE + PATIENCE) => None,
        };
        let offset = joined(before, after);
        let mut not_done = Vec::new();
        if hosts.portion.is_first() && !interrupted {
            let others: BTreeSet<u16> = (1..hosts.portion.of() as u16).collect();
            let until = load_end.plus(self.scenario.time.drain).plus(LATECOMERS);
            let ahead = offset.map_or(0, |(low, _)| low);
            let from = load_end.minus(LOOK_BACK);
            let from = Timestamp::from_nanos(from.as_nanos().saturating_add_signed(ahead));
            let wait = probes.wait_for_done(others, IteratorPosition::AtTimestamp(from), until);
            tokio::select! {
                biased;
                Ok(_) = cancel.wait_for(|cancelled| *cancelled) => {}
                left = wait => not_done = left.into_iter().map(|host| u32::from(host) + 1).collect(),
            }
        }
        Parted {
            clock_offset_ns: offset,
            not_done,
        }
    }

    /// Whether a stream that the first host made is gone, or going, while this one, another, still has to do with it.
    pub(super) async fn stream_taken(&self) -> bool {
        let Some(hosts) = self.hosts.as_ref().filter(|its| !its.portion.is_first()) else {
            return false;
        };
        let Some(meeting) = &hosts.meeting else {
            return false;
        };
        let found = tokio::select! {
            biased;
            found = self.target.find_stream(meeting.as_str()) => found,
            // Who does not answer does not say that it is gone.
            () = self.clock.sleep(PATIENCE) => return false,
        };
        match found {
            Ok(Some(state)) => state.status == StreamStatus::Deleting,
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// Waits until the first host has made a stream and it is ACTIVE.
    ///
    /// # Errors
    /// When it is not there by the start.
    pub(super) async fn await_stream(&self, stream: &StreamName) -> Result<(), RunError> {
        let until = self
            .hosts
            .as_ref()
            .map_or(Timestamp::ZERO, |hosts| hosts.start);
        loop {
            let found = self.target.find_stream(stream.as_str()).await;
            if matches!(&found, Ok(Some(state)) if state.status != StreamStatus::Creating && state.status != StreamStatus::Deleting)
            {
                return Ok(());
            }
            if self.clock.now().plus(LOOK_EVERY) > until {
                return Err(RunError::NotMade(stream.clone()));
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
    }
}

/// Both bounds hold if the clocks kept their distance; if they cannot, it lay anywhere between them.
fn joined(before: Option<(i64, i64)>, after: Option<(i64, i64)>) -> Option<(i64, i64)> {
    let (Some(a), Some(b)) = (before, after) else {
        return before.or(after);
    };
    let both = (a.0.max(b.0), a.1.min(b.1));
    Some(if both.0 <= both.1 {
        both
    } else {
        (a.0.min(b.0), a.1.max(b.1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bounds_narrow_each_other_and_a_clock_that_drifted_widens_them() {
        assert_eq!(joined(Some((-3, 5)), Some((0, 9))), Some((0, 5)));
        assert_eq!(joined(Some((-3, 0)), Some((4, 9))), Some((-3, 9)));
        assert_eq!(joined(None, Some((4, 9))), Some((4, 9)));
        assert_eq!(joined(None, None), None);
    }
}
