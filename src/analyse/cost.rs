//! What a run costs on AWS: before it, while it goes on, after it.
//!
//! Estimates err on the dear side, because a cap rests on them: a shard's or stream's begun hours count whole, every
//! shard that a reshard may open counts by itself, and producers without a rate write what their shards accept.

use std::collections::BTreeMap;
use std::time::Duration;

use super::budget::SHARD_READ_BYTES_PER_S;
use super::call_cost;
use super::fan_out::{self, FanOut};
use super::prices::Prices;
use crate::kinesis::StreamName;
use crate::kinesis::api::ApiCall;
use crate::kinesis::record::PUT_UNIT_BYTES;
use crate::measure::ProducerLedger;
use crate::report::cost::{Cost, CostLine};
use crate::report::{Document, FigureBasis};
use crate::scenario::Scenario;
use crate::scenario::model::{Action, KeyChoice, Keys, Producer, Stream, StreamMode};
use crate::workload::KeyText;
use crate::workload::SizeLaw;
use crate::workload::arrival::records_per_s;

/// Up to here records are kept at no extra price.
const FREE_RETENTION: Duration = Duration::from_hours(24);
/// Beyond this they are priced by their size in both modes.
const LONG_RETENTION: Duration = Duration::from_hours(7 * 24);
/// Hours of a month, as AWS's price pages count them (unverified: 730 or 744).
const MONTH_HOURS: f64 = 730.0;
/// A GB of the price list. Whether it is 10^9 or 2^30 is unverified; the smaller one costs more.
pub(super) const GB: f64 = 1e9;
/// A KB of the price list, likewise.
const KB: u64 = 1_000;
/// What a shard accepts in a second (kinesis/quotas): the bound for producers without a rate.
const SHARD_RECORDS_PER_S: f64 = 1_000.0;
const SHARD_BYTES_PER_S: f64 = (1 << 20) as f64;
/// The MiB/s that an on-demand stream may grow to where that is highest (kinesis/quotas), at one MiB/s a shard.
const ON_DEMAND_SHARDS_MAX: f64 = 10_240.0;

/// Creation and deletion take streams some seconds more than their load.
const AROUND: Duration = Duration::from_mins(2);

/// What will be put to one stream.
#[derive(Clone, Copy, Debug)]
struct Offer {
    bytes: f64,
    put_units: f64,
    /// Bytes with each record rounded up to a KB.
    rounded_bytes: f64,
    basis: FigureBasis,
}

/// What the service says of a stream that is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its open shards, whatever the file says.
    pub open_shards: u32,
    /// Whether it is billed by the gigabyte.
    pub on_demand: bool,
    /// How long its records are kept.
    pub retention: Duration,
}

/// What the service says of existing streams, by their names in the scenario.
pub type FoundStreams = BTreeMap<StreamName, Found>;

/// The scenario with its existing streams as they are.
pub fn as_found(scenario: &Scenario, found: &FoundStreams) -> Scenario {
    let mut scenario = scenario.clone();
    for stream in scenario.streams.values_mut() {
        if let Some(found) = found.get(&stream.name) {
            (stream.shards, stream.retention) = (found.open_shards.max(1), found.retention);
        }
    }
    scenario
}

impl Offer {
    /// The same records, as many as these PUT payload units are.
    fn scaled_to(self, put_units: f64, basis: FigureBasis) -> Self {
        let scale = if self.put_units > 0.0 {
            put_units / self.put_units
        } else {
            0.0
        };
        Self {
            bytes: self.bytes * scale,
            put_units,
            rounded_bytes: self.rounded_bytes * scale,
            basis,
        }
    }
}

/// The cost of a scenario on AWS as it stands in its file, before it runs.
pub fn estimate(scenario: &Scenario, prices: &Prices) -> Cost {
    estimate_of(scenario, &FoundStreams::new(), prices)
}

/// The cost of a scenario with its existing streams as the service says they are.
pub fn estimate_of(scenario: &Scenario, found: &FoundStreams, prices: &Prices) -> Cost {
    let scenario = &as_found(scenario, found);
    let planned = planned(scenario);
    let lines = scenario.streams.values().flat_map(|stream| {
        let offer = offer(scenario, stream);
        let shards = shards_ever(scenario, stream);
        let written = (offer.bytes, offer.basis);
        let fan_out = FanOut::of(scenario, stream, written, (shards, planned));
        let basis = FigureBasis::Simulated;
        if is_on_demand(found, stream) {
            let gb_out = gb_out(scenario, stream, &offer, planned);
            let mut lines = on_demand_lines(stream, &offer, gb_out, planned, prices);
            lines.extend(fan_out.lines(stream, basis, prices));
            return lines;
        }
        let mut lines = shard_lines(scenario, stream, planned, basis, prices);
        lines.push(put_line(stream, offer.put_units, offer.basis, prices));
        lines.extend(long_retention(stream, &offer, planned, prices));
        let fan_out = fan_out.with_shard_hours(shards * begun_hours(planned));
        lines.extend(fan_out.lines(stream, basis, prices));
        lines
    });
    let lines = lines.chain(call_cost::planned(scenario, prices));
    Cost::of(prices.list(), lines.collect())
}

/// As the service says it is; as the file says, of one that is not there yet.
fn is_on_demand(found: &FoundStreams, stream: &Stream) -> bool {
    let found = found.get(&stream.name);
    found.map_or(stream.mode == StreamMode::OnDemand, |found| found.on_demand)
}

/// What is read by those who ask: all that is written to a stream that the run makes, once by each of them.
fn gb_out(
    scenario: &Scenario,
    stream: &Stream,
    offer: &Offer,
    time: Duration,
) -> (f64, FigureBasis) {
    if stream.existing {
        return gb_out_at_most(scenario, stream, time);
    }
    (pollers(scenario, stream) * offer.bytes / GB, offer.basis)
}

/// How many consumers of a stream poll.
fn pollers(scenario: &Scenario, stream: &Stream) -> f64 {
    let consumers = scenario.consumers.values();
    let polling =
        consumers.filter(|consumer| consumer.stream == stream.name && !consumer.kind.is_fan_out());
    polling.count() as f64
}

/// What the run's readers may take of a stream that others write to: their shares of each shard for all the time.
fn gb_out_at_most(scenario: &Scenario, stream: &Stream, time: Duration) -> (f64, FigureBasis) {
    let readers = scenario.consumers.values();
    let readers =
        readers.filter(|consumer| consumer.stream == stream.name && !consumer.kind.is_fan_out());
    let per_s: f64 = readers
        .map(|consumer| {
            let share = consumer.max_bytes_per_s.map(|share| share as f64);
            share.unwrap_or(SHARD_READ_BYTES_PER_S)
        })
        .sum();
    let bytes = per_s * shards_ever(scenario, stream) * time.as_secs_f64();
    (bytes / GB, FigureBasis::Assumed)
}

/// The same in on-demand mode, for comparison.
pub fn on_demand(scenario: &Scenario, prices: &Prices) -> Cost {
    let planned = planned(scenario);
    let lines = scenario.streams.values().flat_map(|stream| {
        let offer = offer(scenario, stream);
        let gb_out = (pollers(scenario, stream) * offer.bytes / GB, offer.basis);
        let mut lines = on_demand_lines(stream, &offer, gb_out, planned, prices);
        let shards = shards_ever(scenario, stream);
        let written = (offer.bytes, offer.basis);
        let fan_out = FanOut::of(scenario, stream, written, (shards, planned));
        lines.extend(fan_out.lines(stream, FigureBasis::Simulated, prices));
        lines
    });
    Cost::of(prices.list(), lines.collect())
}

fn on_demand_lines(
    stream: &Stream,
    offer: &Offer,
    (gb_out, out_basis): (f64, FigureBasis),
    planned: Duration,
    prices: &Prices,
) -> Vec<CostLine> {
    let price = &prices.on_demand;
    let mut lines = Vec::new();
    let mut add = |item, quantity, basis, price| {
        if quantity > 0.0 {
            lines.push(CostLine::new(
                stream.name.as_str(),
                item,
                quantity,
                basis,
                price,
            ));
        }
    };
    if !stream.existing {
        let hours = begun_hours(planned);
        add(
            "stream-hours",
            hours,
            FigureBasis::Simulated,
            price.stream_hour,
        );
    }
    add("GB in", offer.rounded_bytes / GB, offer.basis, price.gb_in);
    add("GB out", gb_out, out_basis, price.gb_out);
    if stream.retention > FREE_RETENTION {
        // What a run puts into a stream that stays is kept for as long as its owner says.
        let kept = if stream.existing {
            stream.retention.min(LONG_RETENTION)
        } else {
            planned
        };
        let gb_months = offer.bytes / GB * (begun_hours(kept) / MONTH_HOURS);
        if stream.existing || stream.retention <= LONG_RETENTION {
            add(
                "GB-months kept",
                gb_months,
                offer.basis,
                price.retention_gb_month,
            );
        }
    }
    lines.extend(long_retention(stream, offer, planned, prices));
    lines
}

/// What a finished run cost, or would have cost on AWS, by its report. Its streams are those of `scenario`, which says
/// what the report need not: retention, and which streams were there before.
pub fn of_report(
    document: &Document,
    scenario: &Scenario,
    found: &FoundStreams,
    prices: &Prices,
) -> Cost {
    let scenario = &as_found(scenario, found);
    let instrument = &document.instrument;
    let seconds = instrument.warm_up_s + instrument.measure_s + instrument.drain_s;
    let ran = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let mut lines = Vec::new();
    for stream in scenario.streams.values() {
        let name = stream.name.as_str();
        let basis = document.world.basis();
        let producers = document
            .producers
            .iter()
            .filter(|(_, producer)| producer.stream == name);
        let ledgers = producers.filter_map(|(producer, _)| document.ledger.producers.get(producer));
        let units: u64 = ledgers.map(|ledger| billed_units(&ledger.total)).sum();
        let units = units + called_units(document, name);
        let offer = offer(scenario, stream).scaled_to(units as f64, basis);
        let shards = document.shards.iter().filter(|row| row.stream == name);
        let shards = shards.count() as f64;
        let written = (offer.bytes, offer.basis);
        let fan_out = FanOut::of(scenario, stream, written, (shards, ran));
        if is_on_demand(found, stream) {
            let gb_out = gb_out(scenario, stream, &offer, ran);
            lines.extend(on_demand_lines(stream, &offer, gb_out, ran, prices));
            lines.extend(fan_out.lines(stream, basis, prices));
            continue;
        }
        let shard_hours = shards * begun_hours(ran + AROUND);
        lines.extend(hour_lines(stream, shard_hours, basis, prices));
        lines.push(put_line(stream, units as f64, basis, prices));
        let fan_out = fan_out.with_shard_hours(shard_hours);
        lines.extend(fan_out.lines(stream, basis, prices));
    }
    lines.extend(call_cost::counted(scenario, document, prices));
    Cost::of(prices.list(), lines)
}

/// PUT payload units of what was stored, or may have been: an attempt without an answer counts as the average record.
fn billed_units(ledger: &ProducerLedger) -> u64 {
    let kinesis = &ledger.kinesis_records;
    // Reports of versions before 0.2 count no Kinesis records; then nothing was packed.
    let (acked, unknown) = if kinesis.attempts > 0 {
        (kinesis.acked, kinesis.unknown)
    } else {
        (ledger.acked, ledger.unknown_attempts)
    };
    let each = ledger.acked_put_units.div_ceil(acked.max(1)).max(1);
    ledger.acked_put_units + unknown * each
}

/// PUT payload units that loads of API calls put to a stream, or may have.
fn called_units(document: &Document, stream: &str) -> u64 {
    let loads = document.calls.values();
    let loads = loads.filter(|load| load.stream.as_deref() == Some(stream));
    let calls = loads.flat_map(|load| &load.operations);
    let units = calls.map(|(call, summary)| {
        let each = ApiCall::parse(call).map_or(0, |call| call.records());
        let ledger = &summary.ledger.total;
        // Of a batch that was refused in part some records may be stored.
        each * (ledger.intended - ledger.not_sent.min(ledger.intended))
    });
    units.sum()
}

/// The cost of a run that goes on.
#[derive(Clone, Debug)]
pub struct LiveCost {
    scenario: Scenario,
    found: FoundStreams,
    prices: Prices,
    unit_usd: f64,
}

impl LiveCost {
    /// Of a run of this scenario, with its existing streams as the service says they are.
    pub fn new(scenario: &Scenario, found: FoundStreams, prices: Prices) -> Self {
        let scenario = as_found(scenario, &found);
        // Counts do not say which stream took them: the dearest did.
        let units = scenario.streams.values().map(|stream| {
            let of_unit = offer(&scenario, stream).scaled_to(1.0, FigureBasis::Measured);
            // What is pushed of an existing stream is owed by the time, below.
            let pushed = if stream.existing {
                0.0
            } else {
                fan_out::consumers(&scenario, stream) * of_unit.bytes / GB
            };
            if is_on_demand(&found, stream) {
                let asked = if stream.existing {
                    0.0
                } else {
                    pollers(&scenario, stream) * of_unit.bytes / GB
                };
                of_unit.rounded_bytes / GB * prices.on_demand.gb_in
                    + asked * prices.on_demand.gb_out
                    + pushed * prices.on_demand.fan_out_gb
            } else {
                prices.provisioned.million_put_units / 1e6 + pushed * prices.provisioned.fan_out_gb
            }
        });
        Self {
            unit_usd: units.fold(0.0, f64::max),
            scenario,
            found,
            prices,
        }
    }

    /// USD `elapsed` after the load began, with so many PUT payload units. Shards count as the estimate counts them: a begun hour is owed.
    pub fn usd(&self, elapsed: Duration, put_units: u64) -> f64 {
        let basis = FigureBasis::Measured;
        let streams = self.scenario.streams.values().map(|stream| {
            let shards = shards_ever(&self.scenario, stream);
            let fan_out = FanOut::of(&self.scenario, stream, (0.0, basis), (shards, elapsed));
            if is_on_demand(&self.found, stream) {
                let price = &self.prices.on_demand;
                let fan_out = total(&fan_out.lines(stream, basis, &self.prices));
                if !stream.existing {
                    return begun_hours(elapsed + AROUND) * price.stream_hour + fan_out;
                }
                let (gb_out, _) = gb_out_at_most(&self.scenario, stream, elapsed);
                return gb_out * price.gb_out + fan_out;
            }
            let time = elapsed + AROUND;
            let mut lines = shard_lines(&self.scenario, stream, time, basis, &self.prices);
            let fan_out = fan_out.with_shard_hours(shards * begun_hours(time));
            lines.extend(fan_out.lines(stream, basis, &self.prices));
            total(&lines)
        });
        let scripts = call_cost::planned(&self.scenario, &self.prices);
        let scripts: f64 = scripts.iter().map(|line| line.usd).sum();
        streams.fold(put_units as f64 * self.unit_usd + scripts, |sum, usd| {
            sum + usd
        })
    }
}

fn total(lines: &[CostLine]) -> f64 {
    lines.iter().map(|line| line.usd).sum()
}

/// How long the scenario's streams are there, at most.
fn planned(scenario: &Scenario) -> Duration {
    scenario.time.load() + scenario.time.drain + AROUND
}

/// Whole hours, at least one: what is begun is billed (kinesis pricing page; unverified within the hour).
fn begun_hours(time: Duration) -> f64 {
    (time.as_secs_f64() / 3_600.0).ceil().max(1.0)
}

/// The shards that an on-demand stream may have opened by the end of its load: it may double every 15 minutes (developer
/// guide: more within that time can throttle), and in a shorter time too (10 minutes, unverified).
fn on_demand_shards(stream: &Stream, load: Duration) -> f64 {
    let doublings = load.as_secs_f64() / 600.0;
    let most = ON_DEMAND_SHARDS_MAX.max(f64::from(stream.shards));
    (f64::from(stream.shards) * doublings.ceil().exp2()).min(most)
}

/// Every shard that the stream may have, each for the whole time.
fn shards_ever(scenario: &Scenario, stream: &Stream) -> f64 {
    if stream.mode == StreamMode::OnDemand && !stream.existing {
        return on_demand_shards(stream, scenario.time.load());
    }
    let mut most = u64::from(stream.shards);
    let events = scenario
        .events
        .values()
        .filter(|event| event.stream == stream.name);
    for event in events {
        most += match event.action {
            Action::SplitShard { .. } => 2,
            Action::MergeShards { .. } => 1,
            // On the way it splits and merges: no more shards than twice the larger count.
            Action::UpdateShardCount { target } => 2 * u64::from(target.max(stream.shards)),
            Action::Stall { .. } | Action::ThrottleStorm { .. } | Action::ResetConnections => 0,
        };
    }
    most as f64
}

fn shard_lines(
    scenario: &Scenario,
    stream: &Stream,
    time: Duration,
    basis: FigureBasis,
    prices: &Prices,
) -> Vec<CostLine> {
    let mut shards = shards_ever(scenario, stream);
    if stream.existing {
        // Its owner pays for the shards that were there; only what this run opens is this run's.
        shards -= f64::from(stream.shards);
        if shards <= 0.0 {
            return Vec::new();
        }
    }
    hour_lines_of(stream, shards * begun_hours(time), basis, prices)
}

fn hour_lines(
    stream: &Stream,
    shard_hours: f64,
    basis: FigureBasis,
    prices: &Prices,
) -> Vec<CostLine> {
    if stream.existing {
        return Vec::new();
    }
    hour_lines_of(stream, shard_hours, basis, prices)
}

fn hour_lines_of(
    stream: &Stream,
    shard_hours: f64,
    basis: FigureBasis,
    prices: &Prices,
) -> Vec<CostLine> {
    let price = &prices.provisioned;
    let line = |item, price| CostLine::new(stream.name.as_str(), item, shard_hours, basis, price);
    let mut lines = vec![line("shard-hours", price.shard_hour)];
    if stream.retention > FREE_RETENTION {
        lines.push(line(
            "shard-hours of extended retention",
            price.retention_shard_hour,
        ));
    }
    lines
}

fn put_line(stream: &Stream, units: f64, basis: FigureBasis, prices: &Prices) -> CostLine {
    let each = prices.provisioned.million_put_units / 1e6;
    CostLine::new(
        stream.name.as_str(),
        "PUT payload units",
        units,
        basis,
        each,
    )
}

/// What is kept beyond 7 days is priced by size; a stream that the run deletes never gets that old.
fn long_retention(
    stream: &Stream,
    offer: &Offer,
    planned: Duration,
    prices: &Prices,
) -> Option<CostLine> {
    let kept = if stream.existing {
        stream.retention
    } else {
        planned
    };
    let beyond = kept
        .min(stream.retention)
        .checked_sub(LONG_RETENTION)
        .filter(|beyond| !beyond.is_zero())?;
    let gb_months = offer.bytes / GB * (beyond.as_secs_f64() / 3_600.0 / MONTH_HOURS);
    Some(CostLine::new(
        stream.name.as_str(),
        "GB-months kept beyond 7 days",
        gb_months,
        offer.basis,
        prices.any_mode.long_retention_gb_month,
    ))
}

fn offer(scenario: &Scenario, stream: &Stream) -> Offer {
    let mut sum = Offer {
        bytes: 0.0,
        put_units: 0.0,
        rounded_bytes: 0.0,
        basis: FigureBasis::Simulated,
    };
    let producers = scenario
        .producers
        .values()
        .filter(|producer| producer.stream == stream.name);
    for producer in producers {
        let key_bytes = key_bytes(producer);
        let load = scenario.time.load();
        let sizes = SizeLaw::of(producer, load);
        let mean = sizes.mean_bytes() + key_bytes as f64;
        let rate = records_per_s(&producer.arrival, load).unwrap_or_else(|| {
            sum.basis = FigureBasis::Assumed;
            let each = SHARD_RECORDS_PER_S.min(SHARD_BYTES_PER_S / mean);
            shards_ever(scenario, stream) * each
        });
        let records = rate * scenario.time.load().as_secs_f64();
        sum.bytes += records * mean;
        sum.put_units += records * mean_units(&sizes, key_bytes, PUT_UNIT_BYTES);
        sum.rounded_bytes += records * mean_units(&sizes, key_bytes, KB) * KB as f64;
    }
    let accepted_per_s = shards_ever(scenario, stream) * SHARD_RECORDS_PER_S;
    let (records, follows) = call_cost::records(scenario, stream, accepted_per_s);
    if !follows {
        sum.basis = FigureBasis::Assumed;
    }
    sum.bytes += records * call_cost::RECORD_BYTES;
    sum.put_units += records;
    sum.rounded_bytes += records * KB as f64;
    sum
}

/// How long the longest key is, or one with the highest number.
fn key_bytes(producer: &Producer) -> u64 {
    longest_key_bytes(&producer.keys)
}

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
    use crate::scenario::{Override, Source, load};

    fn scenario(name: &str, changes: &[(&str, &str)]) -> Scenario {
        let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        let change = |&(path, value): &(&str, &str)| Override {
            path: path.to_owned(),
            value: value.to_owned(),
        };
        let changes: Vec<_> = changes.iter().map(change).collect();
        load(&Source { path, text }, &changes).unwrap().scenario
    }

    fn close(got: f64, wanted: f64) {
        assert!((got - wanted).abs() < wanted * 1e-9, "{got}, not {wanted}");
    }

    #[test]
    fn an_hour_of_first_run_costs_what_hand_arithmetic_says() {
        // 55 minutes of load and 2 of drain end within the hour: 2 shards x 0.015. 1,000/s x 3,300 s of records below
        // 25 KB are 3.3 million units x 0.014.
        let hour = [
            ("time.warm_up", "0s"),
            ("time.measure", "55m"),
            ("time.drain", "2m"),
        ];
        let cost = estimate(&scenario("first-run", &hour), &Prices::shipped());
        close(cost.usd, 2.0 * 0.015 + 3.3 * 0.014);
        // A minute more of drain than the hour holds, and each shard owes its second hour.
        let longer = [
            ("time.warm_up", "0s"),
            ("time.measure", "55m"),
            ("time.drain", "4m"),
        ];
        let cost = estimate(&scenario("first-run", &longer), &Prices::shipped());
        close(cost.usd, 2.0 * 2.0 * 0.015 + 3.3 * 0.014);
    }

    #[test]
    fn a_run_of_seconds_owes_a_whole_hour_of_each_shard() {
        let cost = estimate(&scenario("first-run", &[]), &Prices::shipped());
        close(cost.lines[0].usd, 0.03);
        close(cost.lines[1].quantity, 6_000.0);
    }

    #[test]
    fn a_record_is_billed_in_begun_units() {
        for (size, units) in [("24KB", 1.0), ("25KB", 2.0), ("49KB", 2.0), ("1MiB", 42.0)] {
            let changes = [
                (
                    "producers.web.size",
                    format!("{{ kind = \"fixed\", bytes = \"{size}\" }}"),
                ),
                ("streams.orders.max_record_bytes", "2MiB".to_owned()),
            ];
            let changes: Vec<_> = changes.iter().map(|(p, v)| (*p, v.as_str())).collect();
            let cost = estimate(&scenario("first-run", &changes), &Prices::shipped());
            close(cost.lines[1].quantity, 6_000.0 * units);
        }
        // Half of these sizes are below the first boundary, less the key's bytes.
        let half = [(
            "producers.web.size",
            "{ kind = \"uniform\", min = \"20KB\", max = \"30KB\" }",
        )];
        let cost = estimate(&scenario("first-run", &half), &Prices::shipped());
        let units = cost.lines[1].quantity / 6_000.0;
        assert!((units - 1.5).abs() < 0.01, "{units}");
    }

    #[test]
    fn shards_that_a_reshard_opens_are_paid_for() {
        let cost = estimate(&scenario("reshard-under-load", &[]), &Prices::shipped());
        // 2, two children of the split, one of the merge.
        close(cost.lines[0].quantity, 5.0);
    }

    #[test]
    fn retention_beyond_a_day_is_a_line_of_its_own() {
        let week = scenario("first-run", &[("streams.orders.retention", "168h")]);
        let cost = estimate(&week, &Prices::shipped());
        close(cost.lines[1].usd, 2.0 * 0.02);
        assert!(cost.lines[1].item.contains("retention"));
    }

    #[test]
    fn a_closed_loop_is_taken_to_write_what_its_shards_accept() {
        let closed = scenario("max-throughput", &[]);
        let cost = estimate(&closed, &Prices::shipped());
        assert_eq!(cost.lines[1].basis, FigureBasis::Assumed);
        // 4 shards x 6 s x 1,000 records; 1,035 bytes and the key fit a MiB nearly a thousand times.
        assert!((20_000.0..=24_000.0).contains(&cost.lines[1].quantity));
    }

    #[test]
    fn on_demand_is_priced_by_the_gigabyte_in_both_directions() {
        let fixed = [(
            "producers.web.size",
            "{ kind = \"fixed\", bytes = \"1500B\" }",
        )];
        let cost = on_demand(&scenario("first-run", &fixed), &Prices::shipped());
        close(cost.lines[0].usd, 0.04);
        // Each record of 1.5 KB is billed as 2 KB on its way in, and as it is on its way out.
        close(cost.lines[1].usd, 6_000.0 * 2_000.0 / 1e9 * 0.08);
        close(cost.lines[2].usd, 6_000.0 * 1_508.0 / 1e9 * 0.04);
    }

    /// A producer without a rate on an existing stream that the file takes for one of a single shard.
    fn existing() -> Scenario {
        scenario(
            "max-throughput",
            &[
                ("streams.orders.existing", "true"),
                ("streams.orders.shards", "1"),
                (
                    "producers.web.payload",
                    "{ kind = \"random\", stamp = \"none\" }",
                ),
                ("slo", "{}"),
            ],
        )
    }

    fn found(open_shards: u32, on_demand: bool) -> FoundStreams {
        let found = Found {
            open_shards,
            on_demand,
            retention: FREE_RETENTION,
        };
        FoundStreams::from([("orders".parse().unwrap(), found)])
    }

    #[test]
    fn a_closed_loop_into_an_existing_stream_is_bounded_by_the_shards_that_it_has() {
        let of = |shards| estimate_of(&existing(), &found(shards, false), &Prices::shipped()).usd;
        close(of(40), 40.0 * of(1));
    }

    #[test]
    fn an_existing_on_demand_stream_is_priced_by_the_gigabyte_before_meanwhile_and_after() {
        let prices = Prices::shipped();
        let scenario = existing();
        let cost = estimate_of(&scenario, &found(4, true), &prices);
        let items: Vec<_> = cost.lines.iter().map(|line| line.item.as_str()).collect();
        assert!(items.contains(&"GB in"), "{items:?}");
        assert!(!items.contains(&"PUT payload units"), "{items:?}");
        let provisioned = estimate_of(&scenario, &found(4, false), &prices);
        assert!(cost.usd > provisioned.usd);
        // Records of a KB and a little are billed as two.
        let live = LiveCost::new(&scenario, found(4, true), prices);
        let first = live.usd(Duration::ZERO, 1_000_000);
        assert!(first >= 0.08, "{first}");
    }

    #[test]
    fn the_live_cost_grows_with_what_is_stored_and_with_begun_hours() {
        let live = LiveCost::new(
            &scenario("first-run", &[]),
            FoundStreams::new(),
            Prices::shipped(),
        );
        close(live.usd(Duration::from_secs(1), 0), 0.03);
        close(live.usd(Duration::from_secs(3_479), 1_000_000), 0.044);
        close(live.usd(Duration::from_secs(3_481), 1_000_000), 0.074);
    }

    #[test]
    fn fan_out_owes_an_hour_of_each_consumers_shards_and_the_gigabytes_that_it_is_pushed() {
        let fixed = [
            (
                "producers.web.arrival",
                "{ kind = \"constant\", rate = \"1000/s\" }",
            ),
            (
                "producers.web.size",
                "{ kind = \"fixed\", bytes = \"1000B\" }",
            ),
        ];
        let both = scenario("fan-out", &fixed);
        let prices = Prices::shipped();
        let cost = estimate(&both, &prices);
        let line = |item: &str| cost.lines.iter().find(|line| line.item == item).unwrap();
        // Two shards and one consumer that is pushed to, for a begun hour; 11,000 records with keys of up to 7 bytes.
        close(line("consumer-shard-hours").usd, 2.0 * 0.015);
        close(line("GB by fan-out").usd, 11_000.0 * 1_007.0 / 1e9 * 0.013);
        let instead = on_demand(&both, &prices);
        let line = |item: &str| instead.lines.iter().find(|line| line.item == item);
        assert!(line("consumer-shard-hours").is_none());
        let pushed = line("GB by fan-out").unwrap();
        close(pushed.usd, 11_000.0 * 1_007.0 / 1e9 * 0.05);
        // Only the polling consumer reads what on-demand streams bill as read.
        close(line("GB out").unwrap().quantity, pushed.quantity);
        let live = LiveCost::new(&both, FoundStreams::new(), prices);
        close(live.usd(Duration::from_secs(1), 0), 4.0 * 0.015);
        let first = live.usd(Duration::from_secs(1), 1_000_000) - 0.06;
        close(first, 0.014 + 1_007_000_000.0 / 1e9 * 0.013);
    }

    #[test]
    fn what_is_pushed_of_an_existing_stream_is_bounded_by_what_its_shards_may_push() {
        let reader = scenario(
            "fan-out",
            &[
                ("streams.orders.existing", "true"),
                (
                    "producers.web.payload",
                    "{ kind = \"random\", stamp = \"none\" }",
                ),
                ("slo", "{}"),
            ],
        );
        let cost = estimate_of(&reader, &found(4, false), &Prices::shipped());
        let line = |item: &str| cost.lines.iter().find(|line| line.item == item).unwrap();
        close(line("consumer-shard-hours").quantity, 4.0);
        let pushed = line("GB by fan-out");
        let seconds = planned(&reader).as_secs_f64();
        close(pushed.quantity, 4.0 * f64::from(2 << 20) * seconds / 1e9);
        assert_eq!(pushed.basis, FigureBasis::Assumed);
    }

    #[test]
    fn a_stream_that_a_run_makes_on_demand_owes_its_hour_and_its_gigabytes() {
        let on_demand_mode = [
            ("streams.orders", "{ mode = \"on-demand\" }"),
            (
                "producers.web.size",
                "{ kind = \"fixed\", bytes = \"1500B\" }",
            ),
        ];
        let scenario = scenario("first-run", &on_demand_mode);
        let prices = Prices::shipped();
        let cost = estimate(&scenario, &prices);
        let items: Vec<_> = cost.lines.iter().map(|line| line.item.as_str()).collect();
        assert_eq!(items, ["stream-hours", "GB in", "GB out"]);
        assert_eq!(cost.lines, on_demand(&scenario, &prices).lines);
        close(cost.lines[0].usd, 0.04);
        close(cost.lines[1].usd, 6_000.0 * 2_000.0 / 1e9 * 0.08);
        close(cost.lines[2].usd, 6_000.0 * 1_508.0 / 1e9 * 0.04);
        let live = LiveCost::new(&scenario, FoundStreams::new(), prices);
        close(live.usd(Duration::from_secs(1), 6_000), cost.usd);
    }

    #[test]
    fn an_attempt_without_an_answer_may_have_been_stored_and_counts() {
        let ledger = ProducerLedger {
            acked: 10,
            acked_put_units: 20,
            unknown_attempts: 3,
            ..ProducerLedger::default()
        };
        assert_eq!(billed_units(&ledger), 26);
    }
}
