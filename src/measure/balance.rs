//! How evenly the load lay on the shards.

use serde::{Deserialize, Serialize};

use super::interval::ShardCounters;
use super::shard_text;
use crate::kinesis::ShardId;

/// What one shard saw of the measurement window. Records are those that were meant to be sent in it; attempts and
/// deliveries are those that happened in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShardTotals {
    /// The shard.
    #[serde(with = "shard_text")]
    pub shard: ShardId,
    /// Records offered to it, sent or not.
    pub offered: u64,
    /// Their billed bytes, data and key.
    pub offered_bytes: u64,
    /// Those of them that it accepted, whenever it did.
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
    /// The totals of a shard whose counters were added up over the whole run in `run`, and over the intervals of the
    /// measurement window in `window`.
    pub fn of(shard: ShardId, run: &ShardCounters, window: &ShardCounters) -> Self {
        Self {
            shard,
            offered: run.window_offered,
            offered_bytes: run.window_offered_bytes,
            acked: run.window_acked,
            acked_bytes: run.window_acked_bytes,
            refused: window.refused_total(),
            refused_bytes: window.refused_bytes,
            delivered: window.delivered,
            delivered_bytes: window.delivered_bytes,
            response_us_max: window.response_us_max,
        }
    }
}

/// A load in a stretch of time, from and until in seconds of the run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LoadSpan {
    /// When it begins.
    pub from_s: f64,
    /// When it ends.
    pub until_s: f64,
    /// What came in it, to all shards together.
    pub load: u64,
}

/// What each of the shards that are open in the stretches of time `open` (from, until, in seconds of the run) would have of
/// the load if those that are open beside one another took equal parts of it.
pub fn even_parts(load: &[LoadSpan], open: &[(f64, f64)]) -> Vec<f64> {
    let mut parts = vec![0.0; open.len()];
    for span in load {
        let within = |&(from, until): &(f64, f64)| {
            (until.min(span.until_s) - from.max(span.from_s)).max(0.0)
        };
        let all: f64 = open.iter().map(within).sum();
        if all > 0.0 {
            for (part, open) in parts.iter_mut().zip(open) {
                *part += span.load as f64 * within(open) / all;
            }
        }
    }
    parts
}

/// A shard that was open for so little that its even part is below this share of the mean one is not called the hottest:
/// a record more or less would make it that.
const SHORT_LIVED: f64 = 0.01;

/// How evenly one figure is spread over shards. Of a stream that was resharded meanwhile "the mean" is each shard's even
/// part, see [`even_parts`], and shards count by it.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Balance {
    /// How many shards there are.
    pub shards: u64,
    /// Population standard deviation over mean: 0 when even, sqrt(shards - 1) when one shard has it all.
    pub coefficient_of_variation: f64,
    /// The hottest shard's figure over the mean: 1 when even, the number of shards when one has it all.
    pub max_over_mean: f64,
    /// The shard with the highest figure over its mean, the lowest number among equals; `None` when all are zero.
    #[serde(with = "shard_text::optional")]
    pub hottest: Option<ShardId>,
    /// Its share of the sum, 0 to 1.
    pub hottest_share: f64,
}

impl Balance {
    /// The spread of a load over shards that were open all the time. All zero when there is none.
    pub fn of(loads: &[(ShardId, u64)]) -> Self {
        let sum: u64 = loads.iter().map(|(_, load)| load).sum();
        let mean = sum as f64 / loads.len().max(1) as f64;
        Self::beside(loads, &vec![mean; loads.len()])
    }

    /// The spread of a load beside each shard's even part of it. All zero when there is none.
    pub fn beside(loads: &[(ShardId, u64)], even: &[f64]) -> Self {
        let nothing = Self {
            shards: loads.len() as u64,
            ..Self::default()
        };
        let sum: u64 = loads.iter().map(|(_, load)| load).sum();
        let whole: f64 = even.iter().sum();
        let least = whole / loads.len().max(1) as f64 * SHORT_LIVED;
        let over = loads.iter().zip(even).filter(|(_, even)| **even > 0.0);
        let over = over.map(|(&(shard, load), &even)| (shard, load, even, load as f64 / even));
        let lasting = over.clone().filter(|&(_, _, even, _)| even >= least);
        let hottest = lasting.min_by(|a, b| b.3.total_cmp(&a.3).then(a.0.cmp(&b.0)));
        let Some((hottest, load, _, max_over_mean)) = hottest.filter(|_| sum > 0) else {
            return nothing;
        };
        let variance: f64 = over
            .map(|(_, _, even, over)| even / whole * (over - 1.0).powi(2))
            .sum();
        Self {
            coefficient_of_variation: variance.sqrt(),
            max_over_mean,
            hottest: Some(hottest),
            hottest_share: load as f64 / sum as f64,
            ..nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(offered: &[u64]) -> Vec<(ShardId, u64)> {
        let shards = (0..).map(|number| ShardId::new(number).unwrap());
        shards.zip(offered.iter().copied()).collect()
    }

    fn balance(offered: &[u64]) -> Balance {
        Balance::of(&loads(offered))
    }

    fn span(from_s: f64, until_s: f64, load: u64) -> LoadSpan {
        LoadSpan {
            from_s,
            until_s,
            load,
        }
    }

    #[test]
    fn a_stream_whose_even_load_was_resharded_stays_even() {
        // Two shards; the second one splits after 6 of 10 seconds, while the load grows.
        let load = [span(0.0, 5.0, 1_000), span(5.0, 10.0, 3_000)];
        let open = [(0.0, 10.0), (0.0, 6.0), (6.0, 10.0), (6.0, 10.0)];
        let even = even_parts(&load, &open);
        assert!((even.iter().sum::<f64>() - 4_000.0).abs() < 1e-9);
        assert!((even[1] - (500.0 + 3_000.0 / 14.0)).abs() < 1e-9);
        let taken: Vec<_> = even.iter().map(|part| part.round() as u64).collect();
        let balance = Balance::beside(&loads(&taken), &even);
        assert!(balance.coefficient_of_variation < 0.001, "{balance:?}");
        assert!((balance.max_over_mean - 1.0).abs() < 0.001, "{balance:?}");
        // One child that takes all that its parent's half was is twice as hot as its part.
        let uneven = Balance::beside(&loads(&[1_857, 714, 1_428, 1]), &even);
        assert_eq!(uneven.hottest, ShardId::new(2));
        assert!(uneven.max_over_mean > 1.5, "{uneven:?}");
    }

    #[test]
    fn a_shard_that_was_hardly_open_is_not_the_hottest() {
        let load = [span(0.0, 1_000.0, 100_000)];
        let even = even_parts(&load, &[(0.0, 1_000.0), (0.0, 999.9), (999.9, 1_000.0)]);
        let balance = Balance::beside(&loads(&[50_500, 49_480, 20]), &even);
        assert_eq!(balance.hottest, ShardId::new(0));
        assert!((balance.max_over_mean - 1.01).abs() < 0.001, "{balance:?}");
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
