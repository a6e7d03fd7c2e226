//! The engine against a small obvious model: random calls to both, every answer compared.
//!
//! `ENGINE_MODEL_CASES=100000 cargo test --test engine_model` looks longer; `PROPTEST_RNG_SEED=7` repeats a run.

mod calls;
mod consumers;
mod model;
mod pair;
mod settings;

use proptest::prelude::*;
use streamgauge::base::Timestamp;
use streamgauge::kinesis::{HashKey, ShardId};

pub(crate) const STREAM: &str = "orders";
pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MS;
/// Not a whole millisecond.
pub(crate) const EPOCH: u64 = 1_700_000_000 * SECOND + 123_456_789;
pub(crate) const DAY: u64 = 24 * 3_600 * SECOND;
pub(crate) const MIB: i128 = 1 << 20;
pub(crate) const SHARDS: u32 = 2;

pub(crate) fn at(now: u64) -> Timestamp {
    Timestamp::from_nanos(now)
}

pub(crate) fn id(number: usize) -> ShardId {
    ShardId::new(number as u32).expect("few shards")
}

pub(crate) fn hash_key(key: u8) -> HashKey {
    HashKey((u128::from(key) << 120) + 77)
}

/// As many as take a few seconds, unless the environment asks for more.
fn cases() -> u32 {
    let asked = std::env::var("ENGINE_MODEL_CASES").ok();
    asked.map_or(1_000, |cases| cases.parse().expect("a number of cases"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_is_answered_as_the_model_answers(calls in calls::calls()) {
        let mut pair = pair::Pair::new();
        for call in &calls {
            pair.call(call)?;
        }
    }
}
