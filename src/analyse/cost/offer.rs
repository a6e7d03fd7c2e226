//! What is put to a stream: as foreseen of a scenario, or as counted.

use super::{SHARD_BYTES_PER_S, SHARD_RECORDS_PER_S, shards_ever};
use crate::analyse::call_cost;
use crate::kinesis::HashKeyRange;
use crate::kinesis::api::LOAD_RECORD_BILLED;
use crate::kinesis::record::{Billed, KILOBYTE_BYTES, PUT_UNIT_BYTES};
use crate::report::FigureBasis;
use crate::scenario::Scenario;
use crate::scenario::model::{Aggregate, Arrival, KeyChoice, Keys, Producer, Spacing, Stream};
use crate::workload::arrival::records_per_s;
use crate::workload::forecast::forecast;
use crate::workload::{KeyText, SizeLaw};

/// Streams that take no larger records hold a second's bytes in their shards' buckets.
const ORDINARY_RECORD_BYTES: u64 = 1 << 20;
/// What those of others hold (AWS Big Data Blog, October 2025: a shard bursts up to 10 MiB).
const LARGE_RECORD_BURST_BYTES: f64 = (10 << 20) as f64;

/// What a packed record takes beside its data and key, at most: tags, lengths and indices.
const PACKED_EXTRA_BYTES: u64 = 24;

/// What is put to one stream, counted as bills count it: see [`Billed`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Offer {
    pub(super) bytes: f64,
    pub(super) put_units: f64,
    pub(super) kilobytes: f64,
    pub(super) basis: FigureBasis,
}

impl Offer {
    pub(super) const fn counted(billed: Billed, basis: FigureBasis) -> Self {
        Self {
            bytes: billed.bytes as f64,
            put_units: billed.put_units as f64,
            kilobytes: billed.kilobytes as f64,
            basis,
        }
    }

    /// Adds so many records that have `bytes` together and come to so many begun units each.
    fn add(&mut self, records: f64, bytes: f64, units_each: impl Fn(u64) -> f64) {
        self.bytes += bytes;
        self.put_units += records * units_each(PUT_UNIT_BYTES);
        self.kilobytes += records * units_each(KILOBYTE_BYTES);
    }
}

/// What a scenario puts to a stream of its.
pub(super) fn offer(scenario: &Scenario, stream: &Stream) -> Offer {
    let mut sum = Offer::counted(Billed::default(), FigureBasis::Simulated);
    let producers = scenario
        .producers
        .values()
        .filter(|producer| producer.stream == stream.name);
    for producer in producers {
        let load = scenario.time.load();
        let rate = records_per_s(&producer.arrival, load);
        let chance = rate.map_or(1.0, |rate| {
            by_chance(&producer.arrival, rate * load.as_secs_f64())
        });
        let key_bytes = longest_key_bytes(&producer.keys);
        let sizes = SizeLaw::of(producer, load);
        if let (Some(_), Some(aggregate)) = (rate, &producer.send.aggregate) {
            let largest = sizes.max_bytes() + key_bytes;
            let of = (scenario, stream, producer);
            add_packed(&mut sum, of, aggregate, largest, chance);
            continue;
        }
        let mean = sizes.mean_bytes() + key_bytes as f64;
        let records = if let Some(rate) = rate {
            rate * load.as_secs_f64() * chance
        } else {
            sum.basis = FigureBasis::Assumed;
            let (records, bytes) = accepted_at_most(scenario, stream, producer, mean);
            if producer.send.aggregate.is_some() {
                // How full packed records are is not known: the shards' limits of records and of bytes are both reached,
                // and each record begins a unit.
                sum.add(records, bytes, |unit| 1.0 + bytes / records / unit as f64);
                continue;
            }
            records.min(bytes / mean)
        };
        sum.add(records, records * mean, |unit| {
            mean_units(&sizes, key_bytes, unit)
        });
    }
    let accepted_per_s = shards_ever(scenario, stream) * SHARD_RECORDS_PER_S;
    let (records, follows) = call_cost::records(scenario, stream, accepted_per_s);
    if !follows {
        sum.basis = FigureBasis::Assumed;
    }
    // Each of one unit and one kilobyte.
    sum.add(records, records * LOAD_RECORD_BILLED.bytes as f64, |_| 1.0);
    sum
}

/// What the mean number of a schedule's records is multiplied with to be the most: where they come by chance, four standard
/// deviations of that number are added, which one run in 30,000 exceeds.
fn by_chance(arrival: &Arrival, records: f64) -> f64 {
    let is_random = match arrival {
        Arrival::Poisson { .. } => true,
        Arrival::Varying { spacing, .. } => *spacing == Spacing::Poisson,
        Arrival::Constant { .. } | Arrival::Trace { .. } | Arrival::Closed { .. } => false,
    };
    if is_random && records > 0.0 {
        1.0 + 4.0 / records.sqrt()
    } else {
        1.0
    }
}

/// Kinesis records and bytes that a producer without a rate gets accepted at most: its shards' limits for the load and what
/// their buckets hold when it begins, and in the drain what it still has outstanding.
fn accepted_at_most(
    scenario: &Scenario,
    stream: &Stream,
    producer: &Producer,
    mean: f64,
) -> (f64, f64) {
    let shards = shards_ever(scenario, stream);
    let outstanding = match producer.arrival {
        Arrival::Closed { outstanding } => f64::from(outstanding) * f64::from(producer.workers),
        _ => 0.0,
    };
    let (load, drain) = (
        scenario.time.load().as_secs_f64(),
        scenario.time.drain.as_secs_f64(),
    );
    let burst_bytes = if stream.max_record_bytes > ORDINARY_RECORD_BYTES {
        LARGE_RECORD_BURST_BYTES
    } else {
        SHARD_BYTES_PER_S
    };
    let records = shards * SHARD_RECORDS_PER_S * (load + 1.0);
    let bytes = shards * (SHARD_BYTES_PER_S * load + burst_bytes);
    (
        records + outstanding.min(shards * SHARD_RECORDS_PER_S * drain),
        bytes + (outstanding * mean).min(shards * SHARD_BYTES_PER_S * drain),
    )
}

/// Adds the Kinesis records of a producer that packs, as the forecast counts them: of fewer records of a shard go into each
/// the more shards there are, so it is made for all that may be open. `largest` is the most that one record has unpacked.
fn add_packed(
    sum: &mut Offer,
    (scenario, stream, producer): (&Scenario, &Stream, &Producer),
    aggregate: &Aggregate,
    largest: u64,
    chance: f64,
) {
    let load = scenario.time.load();
    let ranges = HashKeyRange::initial(shards_ever(scenario, stream) as u32);
    let forecast = forecast(&[producer], load, &ranges, &scenario.engine.limits);
    let largest = (largest + PACKED_EXTRA_BYTES) as f64;
    let most = largest.max(aggregate.max_bytes as f64 + 1.0);
    for shard in forecast.shards {
        let (Some(records), Some(bytes)) = (shard.kinesis_records_per_s, shard.bytes_per_s) else {
            continue;
        };
        if records <= 0.0 {
            continue;
        }
        let mean = bytes / records;
        let seconds = load.as_secs_f64() * chance;
        sum.add(records * seconds, bytes * seconds, |unit| {
            // A sum of as many independent sizes as come by chance while the first one lingers: its variance is at most
            // their count times their mean square (Campbell), which is at most the mean times the largest.
            mean_units_at_most(mean, mean * largest, most, unit as f64)
        });
    }
}

/// The most begun units that sizes of this mean, variance and bound come to on average, whatever their law: the sum over n of
/// the share above n units, which is at most variance / (variance + distance^2) (Cantelli). No size begins more than one
/// unit beyond its bytes.
fn mean_units_at_most(mean: f64, variance: f64, most: f64, unit: f64) -> f64 {
    let above = |units: u64| match units as f64 * unit - mean {
        distance if distance <= 0.0 => 1.0,
        distance => variance / (variance + distance * distance),
    };
    let by_spread: f64 = (0..(most / unit).ceil() as u64).map(above).sum();
    by_spread.min(1.0 + mean / unit)
}

/// How long the longest key is, or one with the highest number.
fn longest_key_bytes(keys: &Keys) -> u64 {
    let last = match &keys.choice {
        KeyChoice::Mix(parts) => {
            let lengths = parts.iter().map(|(_, keys)| longest_key_bytes(keys));
            return lengths.max().unwrap_or(0);
        }
        KeyChoice::Listed(table) => {
            let lengths = (0..table.population()).map(|number| table.text(number).len() as u64);
            return lengths.max().unwrap_or(0);
        }
        KeyChoice::Salted { salt, of } => {
            let of = Keys {
                choice: (**of).clone(),
                format: keys.format.clone(),
            };
            return longest_key_bytes(&of) + 1 + salt.saturating_sub(1).to_string().len() as u64;
        }
        KeyChoice::Uniform { population }
        | KeyChoice::Zipf { population, .. }
        | KeyChoice::HotSet { population, .. }
        | KeyChoice::Normal { population, .. }
        | KeyChoice::Exponential { population, .. }
        | KeyChoice::Sequential { population } => population.saturating_sub(1),
        KeyChoice::Single => 0,
        KeyChoice::Unique | KeyChoice::Latest { .. } => u64::MAX,
    };
    KeyText::new(keys).bytes(last) as u64
}

/// The mean of a record's begun units of `unit_bytes`: the sum over n of the share of records above n units.
fn mean_units(sizes: &SizeLaw, key_bytes: u64, unit_bytes: u64) -> f64 {
    let most = (sizes.max_bytes() + key_bytes).div_ceil(unit_bytes);
    let above = |units: u64| match (units * unit_bytes).checked_sub(key_bytes) {
        Some(bytes) if units > 0 => sizes.share_above(bytes),
        _ => 1.0,
    };
    (0..most).map(above).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_which_only_the_spread_is_known_begin_no_more_units_than_any_law_allows() {
        let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-9, "{got}");
        // Always the same size: as many as it begins.
        close(mean_units_at_most(19_300.0, 0.0, 51_201.0, 25_000.0), 1.0);
        close(mean_units_at_most(51_000.0, 0.0, 51_201.0, 25_000.0), 3.0);
        // 3,000 above the mean of 22,000, with a deviation of 1,000: at most a tenth; the next unit is out of reach.
        close(mean_units_at_most(22_000.0, 1e6, 50_000.0, 25_000.0), 1.1);
        // Nothing known: one more than the bytes fill.
        close(mean_units_at_most(500.0, 1e12, 1e6, 25_000.0), 1.02);
    }
}
