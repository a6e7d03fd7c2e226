//! Seeds: one generator per (seed, part of the run, worker, purpose), so that adding a worker or a draw somewhere
//! changes nothing elsewhere.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;

/// The generator used everywhere.
pub type Rng = Xoshiro256PlusPlus;

/// Makes the generator for one purpose of one worker of one named part ("producers.web") of a run.
///
/// The same four values give the same numbers on every platform and in every world.
pub fn generator(seed: u64, part: &str, worker: u32, purpose: &str) -> Rng {
    let mut state = mix(seed ^ 0x7374_7265_616d_6761);
    for byte in part.bytes().chain([0]).chain(purpose.bytes()) {
        state = mix(state ^ u64::from(byte));
    }
    Rng::seed_from_u64(mix(state ^ u64::from(worker)))
}

/// Makes the generator for one record of a worker: `salt` is the worker's, `sequence` the record's number in it.
pub fn of_record(salt: u64, sequence: u64) -> Rng {
    Rng::seed_from_u64(mix(salt.wrapping_add(sequence)))
}

/// Bytes that nobody can foretell, for secrets. Nothing that a seed is to repeat comes from here.
///
/// # Errors
/// When the system has no randomness to give.
pub fn secret() -> std::io::Result<[u8; 32]> {
    use rand::TryRng as _;
    let mut bytes = [0; 32];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// A run's number in stamps: from the seed alone when `salt` is 0, else another one for each salt.
pub const fn run_number(seed: u64, salt: u64) -> u32 {
    (mix(mix(seed) ^ salt) >> 32) as u32
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): every input bit moves every output bit.
const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::rand_core::Rng as _;

    #[test]
    fn each_part_worker_and_purpose_draws_its_own_numbers_and_repeats_them() {
        let draw = |seed, part, worker, purpose| generator(seed, part, worker, purpose).next_u64();
        let base = draw(7, "producers.web", 0, "keys");
        assert_eq!(base, draw(7, "producers.web", 0, "keys"));
        for other in [
            draw(8, "producers.web", 0, "keys"),
            draw(7, "producers.app", 0, "keys"),
            draw(7, "producers.web", 1, "keys"),
            draw(7, "producers.web", 0, "sizes"),
        ] {
            assert_ne!(base, other);
        }
    }
}
