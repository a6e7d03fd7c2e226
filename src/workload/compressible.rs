//! Bytes that gzip and zstd make a wanted number of times smaller, both of them.
//!
//! A payload is some bytes four times each, then all 256 values in random orders, one after the other, then zeros. Values in
//! random order do not compress and zeros almost vanish, so that their proportion sets the ratio. (Bytes drawn one by one
//! would do too, but what Huffman codes make of their uneven counts differs by some percent from record to record.) What the formats add to that differs: gzip has 18 bytes around a
//! block, Huffman codes that cost such values more than 8 bits, and matches of at most 258 bytes; zstd has about 16
//! bytes and one long match. The repeated bytes make up for it: gzip codes such a match of three bytes, and zstd at level 3
//! looks for no match below four. How many of each there must be comes from a model of the two formats; tests hold it
//! against zlib at level 6 and zstd at level 3.

use std::fmt;
use std::sync::Arc;

use rand::seq::SliceRandom as _;

use crate::base::rng::Rng;

/// How much of a payload of some size is what.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Mix {
    /// Bytes of gzip and zstd that no random byte causes: the wanted size less this is how many of those there are.
    overhead: f64,
    /// How many bytes come four times.
    quads: u32,
}

/// Payloads of one ratio. Clones share the table.
#[derive(Clone)]
pub(super) struct Compressible {
    ratio: f64,
    first: usize,
    /// A mix for each class of sizes from `first`.
    mixes: Arc<[Mix]>,
    /// All 256 values in random orders, one after the other.
    cycles: Arc<[u8]>,
}

/// Values of one order.
const CYCLE: usize = 256;

/// Sizes are divided into classes of which the widest is 1/64 of its sizes.
const CLASS_BITS: u32 = 6;

/// The class of a size.
fn class(bytes: usize) -> usize {
    let bytes = bytes.max(1 << CLASS_BITS);
    let shift = bytes.ilog2() - CLASS_BITS;
    ((shift as usize) << CLASS_BITS) + ((bytes >> shift) - (1 << CLASS_BITS))
}

/// The size in the middle of a class.
fn middle(class: usize) -> f64 {
    let shift = class >> CLASS_BITS;
    let low = ((class & ((1 << CLASS_BITS) - 1)) + (1 << CLASS_BITS)) << shift;
    low as f64 + ((1u64 << shift) - 1) as f64 / 2.0
}

impl Compressible {
    /// Payloads of `min` to `max` bytes, without their stamps, that are made `ratio` times smaller; out of `pool_bytes` bytes
    /// of values, at least 256.
    pub(super) fn new(
        ratio: f64,
        (min, max): (usize, usize),
        pool_bytes: usize,
        mut rng: Rng,
    ) -> Self {
        let first = class(min);
        let mut values: [u8; CYCLE] = std::array::from_fn(|value| value as u8);
        let mut cycles = Vec::with_capacity(pool_bytes);
        for _ in 0..(pool_bytes / CYCLE).max(1) {
            values.shuffle(&mut rng);
            cycles.extend_from_slice(&values);
        }
        Self {
            cycles: cycles.into(),
            ratio,
            first,
            mixes: (first..=class(max.max(min)))
                .map(|class| solve(middle(class), ratio))
                .collect(),
        }
    }

    /// Appends a payload of `bytes` bytes; any offset is good.
    pub(super) fn append(&self, offset: u32, bytes: usize, out: &mut Vec<u8>) {
        let end = out.len() + bytes;
        let index = class(bytes).saturating_sub(self.first);
        let mix = self.mixes.get(index).or(self.mixes.last()).copied();
        let mix = mix.unwrap_or_default();
        let coded = (bytes as f64 / self.ratio - mix.overhead).clamp(0.0, bytes as f64);
        let coded = coded.round() as usize;
        let quads = (mix.quads as usize).min(coded / 4);
        let cycles = self.cycles.len() / CYCLE;
        let mut cycle = offset as usize / CYCLE % cycles;
        let turn = offset as usize % CYCLE;
        // The values of one order are all different: two of four equal bytes alike would be a longer match.
        let mut repeated = quads;
        let mut left = coded - 3 * quads;
        while left > 0 {
            let values = &self.cycles[cycle * CYCLE..(cycle + 1) * CYCLE];
            for part in [&values[turn..], &values[..turn]] {
                let part = &part[..left.min(part.len())];
                let (four, one) = part.split_at(repeated.min(part.len()));
                for &value in four {
                    out.extend_from_slice(&[value; 4]);
                }
                out.extend_from_slice(one);
                repeated -= four.len();
                left -= part.len();
            }
            cycle = (cycle + 1) % cycles;
        }
        out.resize(end, 0);
    }
}

impl fmt::Debug for Compressible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} times compressible, {} values",
            self.ratio,
            self.cycles.len()
        )
    }
}

/// The mix for payloads of `bytes` bytes.
fn solve(bytes: f64, ratio: f64) -> Mix {
    let wanted = bytes / ratio;
    // How far apart the two may be: random bytes vary, the more so the fewer there are.
    let apart = match wanted {
        ..650.0 => 0.004,
        ..2_000.0 => 0.012,
        _ => 0.02,
    };
    let (mut coded, mut quads) = (wanted, 0.0f64);
    let within = |coded: f64, quads: f64| {
        let coded = coded.clamp(0.0, bytes);
        (coded, quads.clamp(0.0, (coded / 4.0).min(MOST_QUADS)))
    };
    // A quad changes the difference by about 1.7 bytes; damped, because it changes which code gzip takes too.
    for _ in 0..24 {
        (coded, quads) = within(coded, quads);
        let (gzip, zstd) = (gzip_bytes(coded, quads, bytes), zstd_bytes(coded, bytes));
        coded += wanted - f64::midpoint(gzip, zstd);
        quads += (gzip - zstd - apart * wanted) * 0.4;
    }
    (coded, quads) = within(coded, quads);
    Mix {
        overhead: wanted - coded,
        quads: quads.round() as u32,
    }
}

/// There are no more different bytes.
const MOST_QUADS: f64 = 256.0;

/// Literals and matches of one deflate block of zlib at its default memory level.
const BLOCK_SYMBOLS: f64 = 16_383.0;
/// The longest match of deflate (RFC 1951).
const LONGEST_MATCH: f64 = 258.0;

/// What gzip makes of a payload of `bytes` bytes, of which the first `coded` are no zeros and begin with `quads` quads.
fn gzip_bytes(coded: f64, quads: f64, bytes: f64) -> f64 {
    let has_run = bytes > coded;
    let mut matches = if has_run {
        (bytes - coded - 1.0) / LONGEST_MATCH + 0.5
    } else {
        0.0
    };
    // The first zero stands for itself.
    let mut literals = coded - 4.0 * quads + f64::from(u8::from(has_run));
    let mut quads = quads;
    let mut bits = 0.0;
    while quads + literals + matches > 0.01 {
        // Whole blocks of random bytes are stored, and those of the run cost two bits a match.
        if quads <= 0.0 && literals > 2.0 * BLOCK_SYMBOLS {
            let blocks = (literals / BLOCK_SYMBOLS).floor() - 1.0;
            bits += blocks * (8.0 * BLOCK_SYMBOLS + 40.0);
            literals -= blocks * BLOCK_SYMBOLS;
        } else if quads + literals <= 0.0 && matches > 2.0 * BLOCK_SYMBOLS {
            let blocks = (matches / BLOCK_SYMBOLS).floor() - 1.0;
            bits += blocks * (2.0 * BLOCK_SYMBOLS + 200.0);
            matches -= blocks * BLOCK_SYMBOLS;
        }
        let block_quads = quads.min(BLOCK_SYMBOLS / 2.0);
        let mut room = BLOCK_SYMBOLS - 2.0 * block_quads;
        let block_literals = literals.min(room);
        room -= block_literals;
        let block_matches = matches.min(room);
        bits += block_bits(block_literals, block_quads, block_matches);
        quads -= block_quads;
        literals -= block_literals;
        matches -= block_matches;
    }
    18.0 + bits / 8.0
}

/// Bits of one deflate block: of the three ways to code it the one that takes fewest (RFC 1951, section 3.2).
fn block_bits(literals: f64, quads: f64, matches: f64) -> f64 {
    let stored = 8.0 * (literals + 4.0 * quads + LONGEST_MATCH * matches) + 40.0;
    let literals = literals + quads;
    let short_and_long = quads + matches;
    let all = literals + short_and_long + 1.0;
    // Literals from 144 have nine bits. A match of 3 at distance 1 has 7 + 5 bits, one of 258 has 8 + 5; 22 bits are fitted:
    // the last match is shorter and has extra bits.
    let fixed = 32.0 + 8.4375 * literals + 12.0 * quads + 13.0 * matches;
    let entropy = |count: f64| {
        if count > 0.0 {
            count * (all / count).log2()
        } else {
            0.0
        }
    };
    // The code's own description; fitted to zlib.
    let description = if literals > 1.0 {
        (310.0 + 195.0 * (1_000.0 / literals).powf(0.6)).min(530.0)
    } else {
        120.0
    };
    // Of fewer than 256 literals no two are the same.
    let values = literals.clamp(1.0, 256.0);
    let dynamic = description
        + entropy(literals)
        + literals * values.log2()
        + entropy(quads)
        + entropy(matches)
        + short_and_long
        + all.log2();
    stored.min(fixed).min(dynamic)
}

/// Blocks of zstd hold so many bytes.
const ZSTD_BLOCK_BYTES: f64 = (128 << 10) as f64;

/// What zstd makes of such a payload: its random bytes as they are, and what stands around them, fitted to level 3.
fn zstd_bytes(coded: f64, bytes: f64) -> f64 {
    let blocks = 11.0 * ((bytes - 1.0) / ZSTD_BLOCK_BYTES).floor();
    let length = f64::from(u8::from(coded > 63.0));
    let run = if bytes > coded { 3.0 } else { -8.0 };
    coded + 15.5 + blocks + (coded / 800.0).min(16.0) + length + run
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::base::rng::generator;
    use crate::scenario::model::PayloadKind;

    fn payloads(ratio: f64, min: usize, max: usize) -> Compressible {
        let rng = generator(7, "payload", 0, "pool");
        Compressible::new(ratio, (min, max), 1 << 20, rng)
    }

    fn gzip(bytes: &[u8]) -> usize {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().len()
    }

    fn zstd(bytes: &[u8]) -> usize {
        zstd::bulk::compress(bytes, 3).unwrap().len()
    }

    #[test]
    fn gzip_and_zstd_both_meet_the_ratio_within_2_percent_from_1_kib_to_1_mib() {
        // The data of records with a stamp, and sizes at which gzip begins another block.
        let sizes = [
            1_024 - 36,
            1_024,
            1_100,
            1_333,
            1_777,
            2_012,
            2_700,
            3_500,
            4_060,
            5_100,
            6_300,
            7_200,
            8_156,
            9_500,
            12_000,
            16_348,
            24_000,
            33_000,
            49_000,
            65_500,
            98_000,
            131_036,
            180_000,
            262_108,
            330_000,
            524_252,
            900_000,
            1_048_540,
        ];
        let mut most: f64 = 0.0;
        for bytes in sizes {
            for ratio in [
                1.0, 1.05, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.5, 8.0, 10.0, 12.0, 14.0, 16.0,
                18.0, 20.0,
            ] {
                let wanted = bytes as f64 / ratio;
                if wanted < PayloadKind::LEAST_COMPRESSED_BYTES as f64 {
                    continue;
                }
                let payloads = payloads(ratio, bytes, bytes);
                let offsets = [0, 77_777, 4_000_000_000, 123_456_789, 5, 901_233];
                let offsets = &offsets[..if bytes < 20_000 { 6 } else { 2 }];
                for &offset in offsets {
                    let mut payload = Vec::new();
                    payloads.append(offset, bytes, &mut payload);
                    assert_eq!(payload.len(), bytes);
                    for (name, got) in [("gzip", gzip(&payload)), ("zstd", zstd(&payload))] {
                        let off = got as f64 / wanted - 1.0;
                        most = most.max(off.abs());
                        // Bytes are whole: half of one is within any bound.
                        assert!(
                            (got as f64 - wanted).abs() <= 0.02 * wanted + 0.5,
                            "{name} makes {got} of {bytes} bytes, {wanted:.1} wanted ({ratio}): {:+.2} %",
                            100.0 * off
                        );
                    }
                }
            }
        }
        println!("at most {:.2} % off", 100.0 * most);
    }

    #[test]
    fn sizes_between_the_solved_ones_meet_the_ratio_too() {
        let payloads = payloads(5.0, 1_000, 70_000);
        let mut bytes = 1_001;
        while bytes < 70_000 {
            let mut payload = vec![1, 2];
            payloads.append(bytes as u32 * 3_001, bytes, &mut payload);
            let wanted = bytes as f64 / 5.0;
            for got in [gzip(&payload[2..]), zstd(&payload[2..])] {
                assert!((got as f64 / wanted - 1.0).abs() < 0.02, "{got} of {bytes}");
            }
            bytes += bytes / 23;
        }
    }

    #[test]
    fn payloads_that_are_too_small_for_the_ratio_are_as_long_as_asked_all_the_same() {
        let payloads = payloads(20.0, 0, 2_000);
        for bytes in (0..200).chain([2_000, 5_000]) {
            let mut payload = Vec::new();
            payloads.append(5, bytes, &mut payload);
            assert_eq!(payload.len(), bytes);
        }
    }

    #[test]
    fn every_size_has_a_class_near_it() {
        for bytes in (64..5_000).chain([1 << 20, 10 << 20]) {
            let near = middle(class(bytes));
            assert!(
                (near / bytes as f64 - 1.0).abs() < 0.0079,
                "{bytes}: {near}"
            );
        }
        assert_eq!(class(0), class(64));
    }
}
