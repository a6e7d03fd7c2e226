//! How evenly the load lay on the shards.

use serde::{Deserialize, Serialize};

use super::interval::ShardCounters;
use super::shard_text;
use crate::kinesis::ShardId;

/// What one shard saw over a stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShardTotals {
    /// The shard.
    #[serde(with = "shard_text")]
    pub shard: ShardId,
    /// Records offered to it, sent or not.
    pub offered: u64,
    /// Their billed bytes, data and key.
    pub offered_bytes: u64,
    /// Records that it accepted.
    pub acked: u64,
    /// Their billed bytes.
    pub acked_bytes: u64,
    /// Attempts that it refused.
    pub refused: u64,
    /// Their billed bytes.
    pub refused_bytes: u64,
    /// Deliveries from it, over all consumers.
    pub delivered: u64,
    /// Their billed bytes.
    pub delivered_bytes: u64,
    /// The longest response time of a record that it accepted, in microseconds.
    pub response_us_max: u64,
}

impl ShardTotals {
    /// The totals of a shard whose intervals were added up in `counters`.
    pub fn of(shard: ShardId, counters: &ShardCounters) -> Self {
        Self {
            shard,
            offered: counters.offered,
            offered_bytes: counters.offered_bytes,
            acked: counters.acked,
            acked_bytes: counters.acked_bytes,
            refused: counters.refused_total(),
            refused_bytes: counters.refused_bytes,
            delivered: counters.delivered,
            delivered_bytes: counters.delivered_bytes,
            response_us_max: counters.response_us_max,
        }
    }
}

/// How evenly one figure is spread over shards.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Balance {
    /// How many shards there are.
    pub shards: u64,
    /// Population standard deviation over mean: 0 when even, sqrt(shards - 1) when one shard has it all.
    pub coefficient_of_variation: f64,
    /// The hottest shard's figure over the mean: 1 when even, the number of shards when one has it all.
    pub max_over_mean: f64,
    /// The shard with the highest figure, the lowest number among equals; `None` when all are zero.
    #[serde(with = "shard_text::optional")]
    pub hottest: Option<ShardId>,
    /// Its share of the sum, 0 to 1.
    pub hottest_share: f64,
}

impl Balance {
    /// The spread of `load` (for example `|shard| shard.offered_bytes`) over `shards`. All zero when there is no load.
    pub fn of(shards: &[ShardTotals], load: impl Fn(&ShardTotals) -> u64) -> Self {
        let count = shards.len() as f64;
        let sum: f64 = shards.iter().map(|shard| load(shard) as f64).sum();
        let hottest = shards
            .iter()
            .max_by_key(|shard| (load(shard), std::cmp::Reverse(shard.shard)));
        let Some(hottest) = hottest.filter(|_| sum > 0.0) else {
            return Self {
                shards: shards.len() as u64,
                ..Self::default()
            };
        };
        let mean = sum / count;
        let variance = shards
            .iter()
            .map(|shard| (load(shard) as f64 - mean).powi(2))
            .sum::<f64>()
            / count;
        let highest = load(hottest) as f64;
        Self {
            shards: shards.len() as u64,
            coefficient_of_variation: variance.sqrt() / mean,
            max_over_mean: highest / mean,
            hottest: Some(hottest.shard),
            hottest_share: highest / sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(offered: &[u64]) -> Vec<ShardTotals> {
        offered
            .iter()
            .zip(0..)
            .map(|(&offered, number)| {
                ShardTotals::of(
                    ShardId::new(number).unwrap(),
                    &ShardCounters {
                        offered,
                        ..ShardCounters::default()
                    },
                )
            })
            .collect()
    }

    fn balance(offered: &[u64]) -> Balance {
        Balance::of(&totals(offered), |shard| shard.offered)
    }

    #[test]
    fn an_even_load_has_no_variation_and_names_the_first_shard() {
        let even = balance(&[5, 5, 5, 5]);
        assert_eq!(
            (even.coefficient_of_variation, even.max_over_mean),
            (0.0, 1.0)
        );
        assert_eq!((even.hottest, even.hottest_share), (ShardId::new(0), 0.25));
    }

    #[test]
    fn one_shard_with_everything_reaches_both_ends_of_the_scale() {
        let hot = balance(&[0, 0, 8, 0, 0]);
        assert!((hot.coefficient_of_variation - 2.0).abs() < 1e-12);
        assert!((hot.max_over_mean - 5.0).abs() < 1e-12);
        assert_eq!((hot.hottest, hot.hottest_share), (ShardId::new(2), 1.0));
    }

    #[test]
    fn no_load_and_no_shards_are_no_imbalance() {
        assert_eq!(balance(&[]), Balance::default());
        assert_eq!(
            balance(&[0, 0]),
            Balance {
                shards: 2,
                ..Balance::default()
            }
        );
    }
}
