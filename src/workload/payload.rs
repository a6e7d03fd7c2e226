//! What records hold besides the stamp.

use std::fmt;
use std::sync::Arc;

use rand_xoshiro::rand_core::Rng as _;

use super::compressible::Compressible;
use super::json::JsonPayload;
use crate::base::rng::{Rng, generator};
use crate::scenario::model::{PayloadFile, PayloadKind};

/// The bytes that payloads are cut from or made of, made once. Clones share them.
#[derive(Clone)]
pub struct PayloadPool(Source);

#[derive(Clone)]
enum Source {
    Zeros,
    /// A power of two of random bytes, read as a ring.
    Ring(Arc<[u8]>),
    Compressible(Compressible),
    Json(JsonPayload),
    Cuts(PayloadFile),
    Lines(PayloadFile, bool),
}

/// Small enough to stay in a core's cache, far larger than the window of the compressors that streams meet.
const LEAST_BYTES: usize = 1 << 20;
/// Longer payloads repeat themselves.
const MOST_BYTES: usize = 16 << 20;

/// A power of two of random bytes, enough for payloads of `max_bytes`.
fn ring(seed: u64, max_bytes: usize) -> Vec<u8> {
    let length = max_bytes.clamp(LEAST_BYTES, MOST_BYTES).next_power_of_two();
    let mut bytes = vec![0; length];
    generator(seed, "payload", 0, "pool").fill_bytes(&mut bytes);
    bytes
}

/// Appends `bytes` bytes of a ring, a power of two of them, that begin at `offset`.
pub(super) fn append_ring(ring: &[u8], offset: u32, bytes: usize, out: &mut Vec<u8>) {
    let mut at = offset as usize & (ring.len() - 1);
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(ring.len() - at);
        out.extend_from_slice(&ring[at..at + piece]);
        left -= piece;
        at = 0;
    }
}

/// The place among `count` that an offset stands for.
const fn scaled(offset: u32, count: usize) -> usize {
    ((offset as u64 * count as u64) >> 32) as usize
}

impl PayloadPool {
    /// A pool for payloads of `min_bytes` to `max_bytes`, without stamps. The same seed and size give the same bytes in
    /// every worker.
    pub fn new(kind: &PayloadKind, seed: u64, min_bytes: usize, max_bytes: usize) -> Self {
        Self(match kind {
            PayloadKind::Zeros => Source::Zeros,
            PayloadKind::Random => Source::Ring(ring(seed, max_bytes).into()),
            PayloadKind::Compressible { ratio } => {
                let rng = generator(seed, "payload", 0, "pool");
                let sizes = (min_bytes, max_bytes);
                let pool_bytes = max_bytes.clamp(LEAST_BYTES, MOST_BYTES);
                Source::Compressible(Compressible::new(*ratio, sizes, pool_bytes, rng))
            }
            PayloadKind::Json(template) => {
                let ring = ring(seed, max_bytes);
                Source::Json(JsonPayload::new(Arc::clone(template), ring))
            }
            PayloadKind::Cuts(file) => Source::Cuts(file.clone()),
            PayloadKind::Lines { file, in_order } => Source::Lines(file.clone(), *in_order),
        })
    }

    /// Appends a payload of `bytes` bytes, chosen by `offset`; any offset is good. JSON, which needs more to be known, is
    /// appended by `Self::json`.
    pub fn append(&self, offset: u32, bytes: usize, out: &mut Vec<u8>) {
        match &self.0 {
            Source::Zeros | Source::Json(_) => out.resize(out.len() + bytes, 0),
            Source::Ring(ring) => append_ring(ring, offset, bytes, out),
            Source::Compressible(payloads) => payloads.append(offset, bytes, out),
            Source::Cuts(file) => {
                let all = file.bytes();
                let mut rest = &all[scaled(offset, all.len())..];
                let mut left = bytes;
                while left > 0 && !all.is_empty() {
                    let piece = left.min(rest.len());
                    out.extend_from_slice(&rest[..piece]);
                    left -= piece;
                    rest = all;
                }
            }
            Source::Lines(file, _) => out.extend_from_slice(file.line(offset as usize)),
        }
    }

    /// The JSON payloads, if they are such.
    pub(super) const fn json(&self) -> Option<&JsonPayload> {
        match &self.0 {
            Source::Json(json) => Some(json),
            _ => None,
        }
    }

    /// Of payloads that are lines the one of the record with this number among all workers', and its bytes. An offset
    /// chooses it where they are not in order.
    pub(super) fn line(&self, offset: u32, number: u64) -> Option<(u32, usize)> {
        let Source::Lines(file, in_order) = &self.0 else {
            return None;
        };
        let count = file.line_count().max(1);
        let index = if *in_order {
            (number % count as u64) as usize
        } else {
            scaled(offset, count)
        };
        Some((index as u32, file.line(index).len()))
    }
}

impl fmt::Debug for PayloadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Zeros => f.write_str("PayloadPool(zeros)"),
            Source::Ring(ring) => write!(f, "PayloadPool({} random bytes)", ring.len()),
            Source::Compressible(payloads) => write!(f, "PayloadPool({payloads:?})"),
            Source::Json(json) => write!(f, "PayloadPool({json:?})"),
            Source::Cuts(file) | Source::Lines(file, _) => write!(f, "PayloadPool({file:?})"),
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
        let pool = PayloadPool::new(&PayloadKind::Random, 7, 0, 1_000);
        let mut bytes = Vec::new();
        pool.append(0, LEAST_BYTES, &mut bytes);
        let mut counts = [0; 256];
        for &byte in &bytes {
            counts[usize::from(byte)] += 1;
        }
        crate::workload::goodness::assert_fits("bytes", &counts, &[1.0 / 256.0; 256]);
        let mut again = Vec::new();
        PayloadPool::new(&PayloadKind::Random, 7, 0, 50).append(0, LEAST_BYTES, &mut again);
        assert_eq!(bytes, again);
        again.clear();
        PayloadPool::new(&PayloadKind::Random, 8, 0, 50).append(0, LEAST_BYTES, &mut again);
        assert_ne!(bytes, again);
    }

    #[test]
    fn zeros_are_zeros() {
        let mut bytes = vec![1];
        PayloadPool::new(&PayloadKind::Zeros, 7, 0, 1_000).append(77, 3, &mut bytes);
        assert_eq!(bytes, [1, 0, 0, 0]);
    }

    #[test]
    fn a_payload_that_is_longer_than_the_pool_goes_around() {
        let pool = PayloadPool(Source::Ring(Arc::from([1, 2, 3, 4])));
        let mut bytes = Vec::new();
        pool.append(6, 7, &mut bytes);
        assert_eq!(bytes, [3, 4, 1, 2, 3, 4, 1]);
    }

    #[test]
    fn a_cut_goes_on_at_the_beginning_of_its_file_and_a_line_is_a_whole_one() {
        let file = PayloadFile::new(b"one\ntwo\nthree".to_vec());
        let cuts = PayloadPool::new(&PayloadKind::Cuts(file.clone()), 7, 0, 100);
        let mut bytes = Vec::new();
        cuts.append(u32::MAX, 30, &mut bytes);
        assert_eq!(bytes, b"eone\ntwo\nthreeone\ntwo\nthreeone");
        let lines = |in_order| {
            let file = file.clone();
            PayloadPool::new(&PayloadKind::Lines { file, in_order }, 7, 0, 100)
        };
        let in_order: Vec<_> = (0..4).map(|number| lines(true).line(9, number)).collect();
        assert_eq!(
            in_order,
            [Some((0, 3)), Some((1, 3)), Some((2, 5)), Some((0, 3))]
        );
        assert_eq!(lines(false).line(u32::MAX / 2, 0), Some((1, 3)));
        bytes.clear();
        lines(false).append(2, 5, &mut bytes);
        assert_eq!(bytes, b"three");
    }

    proptest! {
        #[test]
        fn exactly_the_asked_bytes_are_appended(offset in any::<u32>(), length in 0usize..5_000) {
            let pool = PayloadPool::new(&PayloadKind::Random, 1, 0, 5_000);
            let mut bytes = vec![9];
            pool.append(offset, length, &mut bytes);
            prop_assert_eq!(bytes.len(), length + 1);
            prop_assert_eq!(bytes[0], 9);
        }
    }
}
