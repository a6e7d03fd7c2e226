//! Keys made unreadable.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::base::rng;

/// How many bits of the keyed hash are kept. With the 16 bits of the hash key beside them two of a million keys fall
/// together with a probability of one in a hundred thousand.
const ID_BITS: u32 = 40;

/// What partition keys are hashed with. Whoever has it can try keys; a random one is nowhere but in memory.
#[derive(Clone)]
pub struct Salt(Hmac<Sha256>);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt")
    }
}

impl Salt {
    /// A salt that nobody knows, and nobody will.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> std::io::Result<Self> {
        Ok(Self::of(&rng::secret()?))
    }

    /// A salt that somebody keeps, so that two recordings name a key alike.
    pub fn of(secret: &[u8]) -> Self {
        // A key of a whole block needs no check of its length.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&Sha256::digest(secret));
        Self(Hmac::new(&block.into()))
    }

    /// 40 bits that stand for a key.
    pub fn id(&self, key: &str) -> u64 {
        let mut mac = self.0.clone();
        mac.update(key.as_bytes());
        let bytes = mac.finalize().into_bytes();
        let first = bytes.first_chunk().copied().unwrap_or_default();
        u64::from_be_bytes(first) >> (u64::BITS - ID_BITS)
    }

    /// The same as ten hexadecimal digits, for people.
    pub fn name(&self, key: &str) -> String {
        format!("{:010x}", self.id(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_name_under_one_salt_and_another_under_another() {
        let (mine, yours) = (Salt::of(b"mine"), Salt::of(b"yours"));
        assert_eq!(
            mine.name("customer-42"),
            Salt::of(b"mine").name("customer-42")
        );
        assert_ne!(mine.id("customer-42"), mine.id("customer-43"));
        assert_ne!(mine.id("customer-42"), yours.id("customer-42"));
        let [one, other] = [Salt::random().unwrap(), Salt::random().unwrap()];
        assert_ne!(one.id("customer-42"), other.id("customer-42"));
        assert!(mine.id("") < 1 << ID_BITS);
    }
}
