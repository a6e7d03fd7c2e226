//! Records that bound how far this host's clock is from the service's, and marks by which hosts find each other.
//!
//! A probe is put at `send` and acknowledged at `ack`, by this host's clock; the service says when it arrived, by its own.
//! It arrived between the two, so the service's clock minus this host's lies between `arrival - ack` and `arrival - send`.
//! Several probes narrow that, the fastest one most. The service tells whole milliseconds and not how it rounds, so each
//! bound is a millisecond wider. That the service has one clock is unverified: its stamps are called approximate.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::{Clock, Timestamp};
use crate::kinesis::operation::{IteratorPosition, PutApi, ShardFilter};
use crate::kinesis::record::PutEntry;
use crate::kinesis::{HashKey, PutBatch, SequenceNumber, ShardId, StreamName};
use crate::target::{Target, within};
use crate::workload::Stamp;

/// How many probes are put at a time.
const PROBES: u64 = 10;

/// How coarse the service's stamps are, whichever way it rounds.
const RESOLUTION_NS: i64 = 1_000_000;

/// Between two reading calls, and before a refused one is made again: a shard takes five a second from all its readers.
const READ_EVERY: Duration = Duration::from_millis(300);

/// How far the hosts' calls are moved apart.
const APART: Duration = Duration::from_millis(23);

/// How long the service may take to answer one call.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often a mark is put at most.
const TRIES: u32 = 5;

/// The partition key of probes. The explicit hash key says where they go.
const KEY: &str = "streamgauge-probe";

/// What a probe says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Marker {
    /// Its host is about to begin.
    Begin,
    /// Its host has sent and read everything.
    End,
    /// Its host needs the stream no longer.
    Done,
}

/// A host's probes.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    pub(super) clock: Clock,
    pub(super) target: Target,
    /// Where they are put: into the shard that has hash key 0.
    pub(super) stream: StreamName,
    pub(super) run: u32,
    /// The host's number, from 0.
    pub(super) host: u16,
}

/// A probe that was acknowledged.
#[derive(Clone, Copy, Debug)]
struct Put {
    send: Timestamp,
    ack: Timestamp,
    shard: ShardId,
    number: SequenceNumber,
}

/// A probe that was read.
#[derive(Clone, Copy, Debug)]
struct Read {
    stamp: Stamp,
    number: SequenceNumber,
    arrival: Timestamp,
}

/// The bounds of the service's clock minus this one, in nanoseconds, by one probe.
fn bounds(send: Timestamp, ack: Timestamp, arrival: Timestamp) -> (i64, i64) {
    (
        arrival
            .signed_nanos_since(ack)
            .saturating_sub(RESOLUTION_NS),
        arrival
            .signed_nanos_since(send)
            .saturating_add(RESOLUTION_NS),
    )
}

impl Probes {
    /// Puts probes and reads them back, until `deadline` at most; gives what they bound the offset by.
    pub(super) async fn bound(&self, marker: Marker, deadline: Timestamp) -> Option<(i64, i64)> {
        let mut puts = Vec::new();
        for number in 0..PROBES {
            puts.extend(self.put(marker, number).await);
        }
        let shard = puts.first()?.shard;
        puts.retain(|put| put.shard == shard);
        let first = puts.iter().map(|put| put.number).min()?;
        let last = puts.iter().map(|put| put.number).max()?;
        let mut offset: Option<(i64, i64)> = None;
        let position = IteratorPosition::AtSequenceNumber(first);
        self.read(shard, position, deadline, |read| {
            if let Some(put) = puts.iter().find(|put| put.number == read.number)
                && read.arrival > Timestamp::ZERO
            {
                let (low, high) = bounds(put.send, put.ack, read.arrival);
                offset = Some(offset.map_or((low, high), |(l, h)| (l.max(low), h.min(high))));
            }
            read.number >= last
        })
        .await;
        // A service whose clock jumped between two probes has no offset.
        offset.filter(|(low, high)| low <= high)
    }

    /// Puts one mark, as often as it takes within reason.
    pub(super) async fn mark(&self, marker: Marker) {
        for _ in 0..TRIES {
            if self.put(marker, 0).await.is_some() {
                return;
            }
            self.clock.sleep(READ_EVERY + self.apart()).await;
        }
    }

    /// Waits for a mark of the first host; whether one came before `deadline`.
    pub(super) async fn wait_for_first(&self, deadline: Timestamp) -> bool {
        let mut met = false;
        while let Some(shard) = self.shard(deadline).await {
            let whole = self.read(shard, IteratorPosition::TrimHorizon, deadline, |read| {
                met |= read.stamp.worker == 0;
                met
            });
            if whole.await || self.clock.now() >= deadline {
                break;
            }
        }
        met
    }

    /// Waits until all `others` are done, until `deadline` at most; gives those that did not say so.
    pub(super) async fn wait_for_done(
        &self,
        mut others: BTreeSet<u16>,
        from: IteratorPosition,
        deadline: Timestamp,
    ) -> BTreeSet<u16> {
        while !others.is_empty()
            && self.clock.now() < deadline
            && let Some(shard) = self.shard(deadline).await
        {
            self.read(shard, from, deadline, |read| {
                if read.stamp.lane_sequence == Marker::Done as u32 {
                    others.remove(&read.stamp.worker);
                }
                others.is_empty()
            })
            .await;
        }
        others
    }

    fn apart(&self) -> Duration {
        APART * u32::from(self.host % 8)
    }

    /// The shard that probes go to; nothing when that was not told before `deadline`.
    async fn shard(&self, deadline: Timestamp) -> Option<ShardId> {
        loop {
            let listed = self
                .target
                .list_shards(self.stream.as_str(), ShardFilter::AtLatest);
            if let Ok(shards) = listed.await
                && let Some(shard) = shards
                    .iter()
                    .find(|shard| shard.hash_key_range.start == HashKey(0))
            {
                return Some(shard.shard);
            }
            if self.clock.now().plus(READ_EVERY) >= deadline {
                return None;
            }
            self.clock.sleep(READ_EVERY + self.apart()).await;
        }
    }

    async fn put(&self, marker: Marker, number: u64) -> Option<Put> {
        let send = self.clock.now();
        let stamp = Stamp {
            run: self.run,
            producer: Stamp::PROBE,
            worker: self.host,
            sequence: number,
            lane_sequence: marker as u32,
            intended: send,
        };
        let mut data = [0; Stamp::BYTES];
        stamp.write(&mut data);
        let mut batch = PutBatch::new();
        batch.push(PutEntry {
            partition_key: KEY,
            data: &data,
            explicit_hash_key: Some(HashKey(0)),
        });
        let mut results = Vec::new();
        let put = self.target.put(
            PutApi::PutRecord,
            self.stream.as_str(),
            &batch,
            &mut results,
        );
        let ack = within(PATIENCE, self.clock, put).await.ok()?;
        let stored = results.first()?.as_ref().ok()?;
        Some(Put {
            send,
            ack,
            shard: stored.shard,
            number: stored.sequence_number,
        })
    }

    /// Gives this run's probes in a shard to `take`, from a position on, until it says that it has enough or `deadline` has
    /// come; whether it had enough.
    async fn read(
        &self,
        shard: ShardId,
        from: IteratorPosition,
        deadline: Timestamp,
        mut take: impl FnMut(Read) -> bool,
    ) -> bool {
        let stream = self.stream.as_str();
        let mut iterator: Option<String> = None;
        let mut at_once = true;
        loop {
            if !std::mem::take(&mut at_once) {
                let next = self.clock.now().plus(READ_EVERY + self.apart());
                if next >= deadline {
                    return false;
                }
                self.clock.sleep_until(next).await;
            }
            if iterator.is_none() {
                iterator = self
                    .target
                    .get_shard_iterator(stream, shard, from)
                    .await
                    .ok();
            }
            let Some(current) = &iterator else {
                continue;
            };
            let call = self.target.get_records(stream, current, None);
            let Ok(fetched) = within(PATIENCE, self.clock, call).await else {
                continue;
            };
            for record in &fetched.page.records {
                let Some(stamp) = Stamp::read(record.data)
                    .ok()
                    .filter(|stamp| stamp.is_probe_of(self.run))
                else {
                    continue;
                };
                let read = Read {
                    stamp,
                    number: record.sequence_number,
                    arrival: record.arrival,
                };
                if take(read) {
                    return true;
                }
            }
            // The end of a closed shard: what is looked for is in another one.
            let Some(next) = fetched.page.next_iterator.clone() else {
                return false;
            };
            iterator = Some(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_bounds_the_offset_from_both_sides_with_the_resolution_of_the_stamp() {
        let at = Timestamp::from_millis;
        // The service is 80 ms ahead; the probe arrived 3 ms after it was sent.
        assert_eq!(
            bounds(at(1_000), at(1_010), at(1_083)),
            (72_000_000, 84_000_000)
        );
        assert_eq!(
            bounds(at(1_000), at(1_000), at(900)),
            (-101_000_000, -99_000_000)
        );
    }
}
