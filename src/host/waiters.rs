//! Readers that wait for a shard to be written.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::base::{Clock, Timestamp};
use crate::kinesis::ShardId;

/// Shards of all streams share this many wake-ups; a reader woken for another shard finds nothing and waits again.
const BUCKETS: usize = 1_024;
const WORDS: usize = BUCKETS / u64::BITS as usize;

/// Wake-ups by a hash of stream and shard.
#[derive(Debug)]
pub(super) struct Waiters(Box<[Bucket]>);

#[derive(Debug, Default)]
struct Bucket {
    /// How often it was woken: a reader that noted the count before it looked cannot miss what came after.
    count: AtomicU64,
    changed: Notify,
}

impl Default for Waiters {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| Bucket::default()).collect())
    }
}

impl Waiters {
    /// How often the shard's bucket was woken so far; to be noted before looking for records.
    pub(super) fn count(&self, stream: &str, shard: ShardId) -> u64 {
        self.bucket(stream, shard).count.load(Ordering::Acquire)
    }

    /// Waits until the shard's bucket is woken more often than `noted`, or until `deadline`.
    pub(super) async fn wait(
        &self,
        stream: &str,
        shard: ShardId,
        noted: u64,
        clock: &Clock,
        deadline: Timestamp,
    ) {
        let bucket = self.bucket(stream, shard);
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

    /// Wakes who waits for these shards of a stream.
    pub(super) fn wake(&self, stream: &str, shards: impl Iterator<Item = ShardId>) {
        let hash = hash(stream);
        let mut touched = [0u64; WORDS];
        for shard in shards {
            let index = index(hash, shard);
            touched[index / 64] |= 1 << (index % 64);
        }
        for (word, mut bits) in touched.into_iter().enumerate() {
            while bits != 0 {
                self.0[word * 64 + bits.trailing_zeros() as usize].wake();
                bits &= bits - 1;
            }
        }
    }

    /// Wakes everybody: the shards themselves may have changed.
    pub(super) fn wake_all(&self) {
        self.0.iter().for_each(Bucket::wake);
    }

    fn bucket(&self, stream: &str, shard: ShardId) -> &Bucket {
        &self.0[index(hash(stream), shard)]
    }
}

/// FNV-1a: names are short, and all that matters is that they differ.
fn hash(stream: &str) -> u64 {
    stream.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A stream's shards lie side by side, and so never share a bucket unless there are very many.
fn index(hash: u64, shard: ShardId) -> usize {
    let place = (hash ^ (hash >> 32)).wrapping_add(u64::from(shard.number()));
    (place % BUCKETS as u64) as usize
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
            let noted = waiters.count("s", shard);
            waiters.wake("s", [shard].into_iter());
            let deadline = clock.now().plus(Duration::from_secs(9));
            // Two readers looked before; both return at once.
            waiters.wait("s", shard, noted, &clock, deadline).await;
            waiters.wait("s", shard, noted, &clock, deadline).await;
            assert_eq!(clock.now(), Timestamp::ZERO);
            // A reader that has seen it waits for the next one.
            waiters
                .wait("s", shard, waiters.count("s", shard), &clock, deadline)
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
                waiters.wake("s", [other].into_iter());
                for number in 0..9 {
                    waiters.wake(&format!("other-{number}"), [mine].into_iter());
                }
                clock.sleep(Duration::from_millis(1)).await;
                waiters.wake("s", [mine].into_iter());
            };
            let wait = async {
                waiters
                    .wait(
                        "s",
                        mine,
                        waiters.count("s", mine),
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
