//! What records hold besides the stamp.

use std::fmt;
use std::sync::Arc;

use rand_xoshiro::rand_core::Rng as _;

use crate::base::rng::{Rng, generator};
use crate::scenario::model::PayloadKind;

/// The bytes that payloads are cut from, made once. Clones share them.
#[derive(Clone)]
pub struct PayloadPool(Source);

#[derive(Clone)]
enum Source {
    Zeros,
    /// A power of two of random bytes, read as a ring.
    Ring(Arc<[u8]>),
}

/// Small enough to stay in a core's cache, far larger than the window of the compressors that streams meet.
const LEAST_BYTES: usize = 1 << 20;
/// Longer payloads repeat themselves.
const MOST_BYTES: usize = 16 << 20;

impl PayloadPool {
    /// A pool for payloads of up to `max_bytes`. The same seed and size give the same bytes in every worker.
    pub fn new(kind: PayloadKind, seed: u64, max_bytes: usize) -> Self {
        match kind {
            PayloadKind::Zeros => Self(Source::Zeros),
            PayloadKind::Random => {
                let length = max_bytes.clamp(LEAST_BYTES, MOST_BYTES).next_power_of_two();
                let mut bytes = vec![0; length];
                generator(seed, "payload", 0, "pool").fill_bytes(&mut bytes);
                Self(Source::Ring(bytes.into()))
            }
        }
    }

    /// Appends `bytes` bytes that begin at `offset`; any offset is good.
    pub fn append(&self, offset: u32, bytes: usize, out: &mut Vec<u8>) {
        match &self.0 {
            Source::Zeros => out.resize(out.len() + bytes, 0),
            Source::Ring(ring) => {
                let mut at = offset as usize & (ring.len() - 1);
                let mut left = bytes;
                while left > 0 {
                    let piece = left.min(ring.len() - at);
                    out.extend_from_slice(&ring[at..at + piece]);
                    left -= piece;
                    at = 0;
                }
            }
        }
    }
}

impl fmt::Debug for PayloadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Zeros => f.write_str("PayloadPool(zeros)"),
            Source::Ring(ring) => write!(f, "PayloadPool({} random bytes)", ring.len()),
        }
    }
}

/// Draws where in the pool each payload begins.
#[derive(Clone, Debug)]
pub struct PayloadGenerator(Rng);

impl PayloadGenerator {
    /// A generator of offsets.
    pub const fn new(rng: Rng) -> Self {
        Self(rng)
    }

    /// The next payload's offset.
    #[expect(clippy::should_implement_trait, reason = "payloads never end")]
    pub fn next(&mut self) -> u32 {
        self.0.next_u32()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn random_payloads_use_every_byte_value_evenly_and_repeat_for_a_seed() {
        let pool = PayloadPool::new(PayloadKind::Random, 7, 1_000);
        let mut bytes = Vec::new();
        pool.append(0, LEAST_BYTES, &mut bytes);
        let mut counts = [0; 256];
        for &byte in &bytes {
            counts[usize::from(byte)] += 1;
        }
        crate::workload::goodness::assert_fits("bytes", &counts, &[1.0 / 256.0; 256]);
        let mut again = Vec::new();
        PayloadPool::new(PayloadKind::Random, 7, 50).append(0, LEAST_BYTES, &mut again);
        assert_eq!(bytes, again);
        again.clear();
        PayloadPool::new(PayloadKind::Random, 8, 50).append(0, LEAST_BYTES, &mut again);
        assert_ne!(bytes, again);
    }

    #[test]
    fn zeros_are_zeros() {
        let mut bytes = vec![1];
        PayloadPool::new(PayloadKind::Zeros, 7, 1_000).append(77, 3, &mut bytes);
        assert_eq!(bytes, [1, 0, 0, 0]);
    }

    #[test]
    fn a_payload_that_is_longer_than_the_pool_goes_around() {
        let pool = PayloadPool(Source::Ring(Arc::from([1, 2, 3, 4])));
        let mut bytes = Vec::new();
        pool.append(6, 7, &mut bytes);
        assert_eq!(bytes, [3, 4, 1, 2, 3, 4, 1]);
    }

    proptest! {
        #[test]
        fn exactly_the_asked_bytes_are_appended(offset in any::<u32>(), length in 0usize..5_000) {
            let pool = PayloadPool::new(PayloadKind::Random, 1, 5_000);
            let mut bytes = vec![9];
            pool.append(offset, length, &mut bytes);
            prop_assert_eq!(bytes.len(), length + 1);
            prop_assert_eq!(bytes[0], 9);
        }
    }
}
