//! Readers that wait for a shard to be written.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::base::{Clock, Timestamp};
use crate::kinesis::ShardId;

/// Shards share this many wake-ups; a reader woken for its neighbour finds nothing and waits again.
const BUCKETS: usize = 64;

/// Wake-ups by shard number modulo [`BUCKETS`], over all streams.
#[derive(Debug)]
pub(super) struct Waiters([Bucket; BUCKETS]);

#[derive(Debug, Default)]
struct Bucket {
    /// How often it was woken: a reader that noted the count before it looked cannot miss what came after.
    count: AtomicU64,
    changed: Notify,
}

impl Default for Waiters {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Bucket::default()))
    }
}

impl Waiters {
    /// How often the shard's bucket was woken so far; to be noted before looking for records.
    pub(super) fn count(&self, shard: ShardId) -> u64 {
        self.bucket(shard).count.load(Ordering::Acquire)
    }

    /// Waits until the shard's bucket is woken more often than `noted`, or until `deadline`.
    pub(super) async fn wait(
        &self,
        shard: ShardId,
        noted: u64,
        clock: &Clock,
        deadline: Timestamp,
    ) {
        let bucket = self.bucket(shard);
        let changed = bucket.changed.notified();
        tokio::pin!(changed);
        // Listening before looking: what comes between the two is heard.
        changed.as_mut().enable();
        if bucket.count.load(Ordering::Acquire) != noted {
            return;
        }
        tokio::select! {
            biased;
            () = changed => {}
            () = clock.sleep_until(deadline) => {}
        }
    }

    /// Wakes who waits for these shards.
    pub(super) fn wake(&self, shards: impl Iterator<Item = ShardId>) {
        let mut touched = 0u64;
        for shard in shards {
            touched |= 1 << (shard.number() as usize % BUCKETS);
        }
        while touched != 0 {
            self.0[touched.trailing_zeros() as usize].wake();
            touched &= touched - 1;
        }
    }

    /// Wakes everybody: the shards themselves may have changed.
    pub(super) fn wake_all(&self) {
        self.0.iter().for_each(Bucket::wake);
    }

    fn bucket(&self, shard: ShardId) -> &Bucket {
        &self.0[shard.number() as usize % BUCKETS]
    }
}

impl Bucket {
    fn wake(&self) {
        self.count.fetch_add(1, Ordering::Release);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::clock::virtual_runtime;

    #[test]
    fn every_reader_that_looked_before_a_record_came_is_woken_and_none_twice() {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let (waiters, shard) = (Waiters::default(), ShardId::new(3).unwrap());
            let noted = waiters.count(shard);
            waiters.wake([shard].into_iter());
            let deadline = clock.now().plus(Duration::from_secs(9));
            // Two readers looked before; both return at once.
            waiters.wait(shard, noted, &clock, deadline).await;
            waiters.wait(shard, noted, &clock, deadline).await;
            assert_eq!(clock.now(), Timestamp::ZERO);
            // A reader that has seen it waits for the next one.
            waiters
                .wait(shard, waiters.count(shard), &clock, deadline)
                .await;
            assert_eq!(clock.now(), deadline);
        });
    }

    #[test]
    fn a_waiting_reader_is_woken_by_its_own_shard_and_not_by_another() {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let (waiters, mine, other) = (
                Waiters::default(),
                ShardId::new(3).unwrap(),
                ShardId::new(4).unwrap(),
            );
            let wake = async {
                clock.sleep(Duration::from_millis(1)).await;
                waiters.wake([other].into_iter());
                clock.sleep(Duration::from_millis(1)).await;
                waiters.wake([mine].into_iter());
            };
            let wait = async {
                waiters
                    .wait(
                        mine,
                        waiters.count(mine),
                        &clock,
                        clock.now().plus(Duration::from_secs(9)),
                    )
                    .await;
                clock.now()
            };
            let (woken, ()) = tokio::join!(wait, wake);
            assert_eq!(woken, Timestamp::from_millis(2));
        });
    }
}
