//! Makes the model of keys out of their settings.

use std::sync::Arc;

use super::files::Files;
use super::model::{self, KeyChoice, KeyTable};
use super::schema::{Keys, ShardShareBy};
use crate::kinesis::{HashKey, HashKeyRange};

/// The keys that these settings mean; nothing where a file is missing, which the checks have refused.
pub(super) fn keys(raw: &Keys, files: &Files) -> Option<model::Keys> {
    let choice = match raw {
        &Keys::Uniform { population, .. } => KeyChoice::Uniform { population },
        &Keys::Zipf {
            population,
            exponent,
            ..
        } => KeyChoice::Zipf {
            population,
            exponent,
        },
        &Keys::HotSet {
            hot_keys,
            hot_share,
            population,
            ..
        } => KeyChoice::HotSet {
            hot_keys,
            hot_share,
            population,
        },
        &Keys::Sequential { population, .. } => KeyChoice::Sequential { population },
        Keys::Single { .. } => KeyChoice::Single,
        Keys::Unique { .. } => KeyChoice::Unique,
        &Keys::Normal {
            population,
            mean,
            sd,
            ..
        } => KeyChoice::Normal {
            population,
            mean: mean.unwrap_or(population as f64 / 2.0),
            sd,
        },
        &Keys::Exponential {
            population, mean, ..
        } => KeyChoice::Exponential { population, mean },
        &Keys::Latest {
            population,
            exponent,
            new_share,
            ..
        } => KeyChoice::Latest {
            population,
            exponent,
            new_share,
        },
        Keys::Weighted { weights, file, .. } => KeyChoice::Listed(match (weights, file) {
            (Some(weights), _) => Arc::new(KeyTable::weighted(
                weights.iter().map(|one| (one.key.clone(), one.weight)),
            )),
            (None, file) => Arc::clone(files.weighted_keys.get(file.as_ref()?)?),
        }),
        Keys::File { file, order, .. } => {
            KeyChoice::Listed(Arc::clone(files.listed_keys.get(&(file.clone(), *order))?))
        }
        Keys::Trace { file } => {
            KeyChoice::Listed(Arc::clone(files.traces.get(file)?.keys.as_ref()?))
        }
        Keys::Mix { of } => KeyChoice::Mix(
            of.values()
                .map(|part| Some((part.share, keys(&part.keys, files)?)))
                .collect::<Option<_>>()?,
        ),
        Keys::ShardShare {
            shares,
            by,
            population,
            format,
        } => KeyChoice::Listed(Arc::new(shard_share(
            shares,
            *by,
            *population,
            &format.value,
        ))),
    };
    let choice = match raw.salt() {
        Some(salt) => KeyChoice::Salted {
            salt,
            of: Box::new(choice),
        },
        None => choice,
    };
    let format = raw
        .format()
        .map_or_else(Default::default, |format| format.value.clone());
    Some(model::Keys { choice, format })
}

/// Keys whose shares of the shards of a new stream are the wanted ones: `population` of equal weight for each shard.
fn shard_share(
    shares: &[f64],
    by: ShardShareBy,
    population: u64,
    (before, after): &(String, String),
) -> KeyTable {
    let ranges = HashKeyRange::initial(shares.len() as u32);
    match by {
        ShardShareBy::ExplicitHashKey => {
            let keys = ranges.iter().zip(shares).enumerate();
            KeyTable::explicit(keys.flat_map(|(shard, (range, share))| {
                // Evenly over the range, so that a split divides them.
                let step = (range.end.0 - range.start.0) / u128::from(population);
                (0..population).map(move |index| {
                    let number = shard as u64 * population + index;
                    let at = range.start.0 + step / 2 + step * u128::from(index);
                    (format!("{before}{number}{after}"), *share, HashKey(at))
                })
            }))
        }
        ShardShareBy::Keys => {
            let mut missing: Vec<u64> = shares
                .iter()
                .map(|share| if *share > 0.0 { population } else { 0 })
                .collect();
            let mut left: u64 = missing.iter().sum();
            let mut found = Vec::new();
            for number in 0u64.. {
                if left == 0 {
                    break;
                }
                let text = format!("{before}{number}{after}");
                let hash = HashKey::of_partition_key(&text);
                let shard = ranges
                    .partition_point(|range| range.start <= hash)
                    .saturating_sub(1);
                if missing[shard] > 0 {
                    missing[shard] -= 1;
                    left -= 1;
                    found.push((text, shares[shard]));
                }
            }
            KeyTable::weighted(found)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_gets_its_wanted_share_by_keys_that_hash_there_or_by_hash_keys() {
        let shares = [5.0, 0.0, 1.0, 2.0];
        let ranges = HashKeyRange::initial(4);
        for by in [ShardShareBy::Keys, ShardShareBy::ExplicitHashKey] {
            let table = shard_share(&shares, by, 7, &("k".to_owned(), "x".to_owned()));
            let mut got = [0.0; 4];
            for number in 0..table.population() {
                let by_text = HashKey::of_partition_key(table.text(number));
                let hash = table.explicit_hash_key(number).unwrap_or(by_text);
                let shard = ranges.iter().position(|range| range.contains(hash));
                got[shard.unwrap()] += table.share(number);
            }
            for (got, wanted) in got.iter().zip(shares) {
                assert!((got - wanted / 8.0).abs() < 1e-12, "{by:?}: {got}");
            }
        }
    }
}
