//! On-demand streams as provisioned ones, for comparison: with as many shards as their peak needs.

use serde::Serialize;

use super::{SHARD_BYTES_PER_S, SHARD_RECORDS_PER_S, estimate};
use crate::analyse::call_cost;
use crate::analyse::prices::Prices;
use crate::kinesis::HashKeyRange;
use crate::kinesis::api::LOAD_RECORD_BILLED;
use crate::report::cost::Cost;
use crate::scenario::Scenario;
use crate::scenario::model::{Producer, Stream, StreamMode};
use crate::workload::forecast::{Forecast, forecast_hashing};

/// The provisioned shards of an account where it has most (kinesis/quotas): no stream has more.
pub const SHARDS_MAX: u32 = 20_000;
/// How many keys of each producer are placed by their MD5 for each number of shards that is tried; the rest by the widths.
const EXACT_KEYS: u64 = 50_000;

/// A scenario whose on-demand streams are provisioned.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Provisioned {
    /// Its on-demand streams.
    pub streams: Vec<ShardsFor>,
    /// What it costs with these shards; `None` where one of them has no such number.
    pub cost: Option<Cost>,
}

/// How many shards a stream needs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ShardsFor {
    /// The stream.
    pub stream: String,
    /// Shards of equal width, as few as found, of which none is asked for more than it accepts at the peak; `None` where no
    /// number does or where the load has no rate.
    pub shards: Option<u32>,
    /// The highest rate that the load comes to, in records per second; `None` without a rate.
    pub peak_records_per_s: Option<f64>,
    /// What the hottest of these shards is then asked for, as a part of the nearer write limit, 0 to 1.
    pub hottest_utilisation: Option<f64>,
}

/// The same with provisioned streams instead of on-demand ones; `None` without on-demand streams.
pub fn provisioned(scenario: &Scenario, prices: &Prices) -> Option<Provisioned> {
    let on_demand = |stream: &&Stream| stream.mode == StreamMode::OnDemand;
    let streams = scenario.streams.values().filter(on_demand);
    let streams: Vec<_> = streams.map(|stream| Peak::of(scenario, stream)).collect();
    let streams: Vec<_> = streams.iter().map(Peak::shards).collect();
    if streams.is_empty() {
        return None;
    }
    let mut instead = scenario.clone();
    let mut all_fit = true;
    for ShardsFor { stream, shards, .. } in &streams {
        let known = instead.streams.get_mut(stream.as_str());
        if let (Some(known), Some(shards)) = (known, shards) {
            (known.mode, known.shards) = (StreamMode::Provisioned, *shards);
        } else {
            all_fit = false;
        }
    }
    let cost = all_fit.then(|| estimate(&instead, prices));
    Some(Provisioned { streams, cost })
}

/// The load of a stream at its highest.
struct Peak<'a> {
    scenario: &'a Scenario,
    stream: &'a Stream,
    producers: Vec<&'a Producer>,
    /// Records per second that loads of API calls put, over all shards evenly; `None` without a rate.
    called_per_s: Option<f64>,
}

impl<'a> Peak<'a> {
    fn of(scenario: &'a Scenario, stream: &'a Stream) -> Self {
        let producers = scenario.producers.values();
        let producers = producers.filter(|producer| producer.stream == stream.name);
        let (called, follows) = call_cost::records(scenario, stream, 0.0);
        let called_per_s = called / scenario.time.load().as_secs_f64();
        Self {
            scenario,
            stream,
            producers: producers.collect(),
            called_per_s: follows.then_some(called_per_s),
        }
    }

    fn forecast(&self, shards: u32) -> Forecast {
        forecast_hashing(
            &self.producers,
            self.scenario.time.load(),
            &HashKeyRange::initial(shards),
            &self.scenario.engine.limits,
            EXACT_KEYS,
        )
    }

    /// What the hottest of so many shards is asked for at the peak, as a part of the nearer limit. All of the load grows to
    /// its peak together. `None` without a rate.
    fn hottest(&self, shards: u32) -> Option<f64> {
        let forecast = self.forecast(shards);
        let called = self.called_per_s? / f64::from(shards);
        let (mean, peak) = (forecast.records_per_s?, forecast.peak_records_per_s?);
        let growth = if mean > 0.0 { peak / mean } else { 1.0 };
        let parts = forecast.shards.iter().map(|shard| {
            let records = shard.kinesis_records_per_s? * growth + called;
            let bytes = shard.bytes_per_s? * growth + called * LOAD_RECORD_BILLED.bytes as f64;
            Some((records / SHARD_RECORDS_PER_S).max(bytes / SHARD_BYTES_PER_S))
        });
        parts
            .collect::<Option<Vec<_>>>()
            .map(|parts| parts.into_iter().fold(0.0, f64::max))
    }

    /// Doubles the shards until they suffice, and then halves the distance to what does not.
    fn shards(&self) -> ShardsFor {
        let peak_records_per_s = self.called_per_s.and_then(|called| {
            let producers = self.forecast(1).peak_records_per_s?;
            Some(producers + called)
        });
        let found = self.hottest(1).and_then(|one| {
            let fits = |shards| self.hottest(shards).filter(|hottest| *hottest <= 1.0);
            // Even if all shards had the same there would have to be as many.
            let least = one.ceil().clamp(1.0, f64::from(SHARDS_MAX)) as u32;
            let (mut below, mut enough) = (least - 1, least);
            let mut hottest = loop {
                match fits(enough) {
                    Some(hottest) => break hottest,
                    None if enough == SHARDS_MAX => return None,
                    None => (below, enough) = (enough, (2 * enough).min(SHARDS_MAX)),
                }
            };
            while enough - below > 1 {
                let middle = u32::midpoint(below, enough);
                match fits(middle) {
                    Some(of_middle) => (enough, hottest) = (middle, of_middle),
                    None => below = middle,
                }
            }
            Some((enough, hottest))
        });
        ShardsFor {
            stream: self.stream.name.to_string(),
            shards: found.map(|(shards, _)| shards),
            peak_records_per_s,
            hottest_utilisation: found.map(|(_, hottest)| hottest),
        }
    }
}
