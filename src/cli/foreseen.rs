//! The forecast of a run's streams, as its report keeps it.

use std::collections::BTreeMap;

use super::check::forecasts;
use crate::report::{FigureBasis, KeyForecast, ShardForecast, StreamForecast};
use crate::scenario::Scenario;
use crate::workload::forecast::Forecast;

/// What is foreseen of every stream that the scenario writes to.
pub(super) fn foreseen(scenario: &Scenario) -> BTreeMap<String, StreamForecast> {
    let forecasts = forecasts(scenario).into_iter();
    forecasts
        .map(|(stream, forecast)| (stream.to_string(), of(&forecast)))
        .collect()
}

fn of(forecast: &Forecast) -> StreamForecast {
    let shards = forecast.shards.iter().map(|shard| {
        let uses = [
            shard.write_records_utilisation,
            shard.write_bytes_utilisation,
        ];
        ShardForecast {
            share: shard.share,
            share_error: shard.share_error,
            utilisation: uses.into_iter().flatten().max_by(f64::total_cmp),
        }
    });
    let keys = forecast.heaviest.iter().map(|key| KeyForecast {
        key: key.key.clone(),
        share: key.share,
        shard: key.shard.map(|shard| shard as u64),
    });
    StreamForecast {
        basis: FigureBasis::Simulated,
        records_per_s: forecast.records_per_s,
        shards: shards.collect(),
        heaviest_keys: keys.collect(),
    }
}
