//! Sequence numbers as decimal text, fast for numbers that follow each other.
//!
//! Dividing 192 bits by powers of ten costs more than all else that is written of a small record. Numbers of one shard
//! differ by little, so the last one's decimal limbs are kept and the difference is added to them.

use crate::kinesis::SequenceNumber;

/// A limb's base: the most decimal digits that 64 bits hold whatever they are.
const BASE: u64 = 10_000_000_000_000_000_000;
/// Digits of a limb.
const LIMB_DIGITS: usize = 19;
/// 2^192 has 58 digits.
const LIMBS: usize = 4;
const TEXT_BYTES: usize = LIMBS * LIMB_DIGITS;

/// Writes sequence numbers as text.
#[derive(Clone, Debug)]
pub(super) struct Digits {
    last: [u64; 3],
    /// `last` to the base, most significant limb first.
    limbs: [u64; LIMBS],
    /// `limbs` in ASCII with leading zeros.
    text: [u8; TEXT_BYTES],
}

impl Default for Digits {
    fn default() -> Self {
        Self {
            last: [0; 3],
            limbs: [0; LIMBS],
            text: [b'0'; TEXT_BYTES],
        }
    }
}

impl Digits {
    /// The number's text.
    pub(super) fn of(&mut self, number: SequenceNumber) -> &str {
        let bytes = number.to_be_bytes();
        let limb = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(eight)
        };
        let next = [limb(0), limb(8), limb(16)];
        match difference(next, self.last) {
            Some(difference) => self.add(difference),
            None => self.divide(next),
        }
        self.last = next;
        let first = self.text.iter().position(|&digit| digit != b'0');
        let text = &self.text[first.unwrap_or(TEXT_BYTES - 1)..];
        // Digits are UTF-8.
        std::str::from_utf8(text).unwrap_or_default()
    }

    fn add(&mut self, difference: u128) {
        let base = u128::from(BASE);
        let low = (difference % base) as u64;
        let rest = difference / base;
        let parts = [0, (rest / base) as u64, (rest % base) as u64, low];
        let mut carry = 0;
        for (index, part) in parts.into_iter().enumerate().rev() {
            if part == 0 && carry == 0 {
                continue;
            }
            // Each is below 10^19 and 2 * 10^19 does not fit into 64 bits.
            let sum = u128::from(self.limbs[index]) + u128::from(part) + carry;
            carry = u128::from(sum >= base);
            self.set(index, (sum - carry * base) as u64);
        }
    }

    fn divide(&mut self, mut number: [u64; 3]) {
        for index in (0..LIMBS).rev() {
            let mut remainder = 0u128;
            for limb in &mut number {
                let value = (remainder << 64) | u128::from(*limb);
                *limb = (value / u128::from(BASE)) as u64;
                remainder = value % u128::from(BASE);
            }
            self.set(index, remainder as u64);
        }
    }

    fn set(&mut self, index: usize, limb: u64) {
        self.limbs[index] = limb;
        let digits = &mut self.text[index * LIMB_DIGITS..][..LIMB_DIGITS];
        digits.fill(b'0');
        let mut buffer = itoa::Buffer::new();
        let text = buffer.format(limb).as_bytes();
        digits[LIMB_DIGITS - text.len()..].copy_from_slice(text);
    }
}

/// `next - last` if it is not negative and below 2^128.
fn difference(next: [u64; 3], last: [u64; 3]) -> Option<u128> {
    let low = |limbs: [u64; 3]| (u128::from(limbs[1]) << 64) | u128::from(limbs[2]);
    let (difference, borrow) = low(next).overflowing_sub(low(last));
    let high = next[0].checked_sub(last[0])?;
    (high == u64::from(borrow)).then_some(difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_is_what_display_gives_whatever_came_before(
            numbers in proptest::collection::vec(
                prop_oneof![
                    any::<[u8; 24]>(),
                    // Near each other, over the borders of limbs.
                    (0..4u8, any::<u8>()).prop_map(|(high, low)| {
                        let mut bytes = [0xff; 24];
                        bytes[0] = 1;
                        bytes[7] = high;
                        bytes[8..23].fill(if low & 1 == 0 { 0xff } else { 0 });
                        bytes[23] = low;
                        bytes
                    }),
                    (0..8u8).prop_map(|low| {
                        let mut bytes = [0; 24];
                        bytes[23] = low;
                        bytes
                    }),
                ],
                1..10,
            ),
        ) {
            let mut digits = Digits::default();
            for bytes in numbers {
                let number = SequenceNumber::from_be_bytes(bytes);
                prop_assert_eq!(digits.of(number), number.to_string());
            }
        }
    }
}
