//! What a workload will do to the shards of a stream, computed before anything is sent.
//!
//! Keys are placed by their MD5, not by luck: the heaviest [`EXACT_KEYS`] one by one, and only the tail beyond them by
//! the width of each range, with the standard error of that.

use std::time::Duration;

use super::arrival::records_per_s;
use super::course::{Course, has_random_bursts};
use super::heavy_keys::{HeavyKey, heaviest};
use super::packed::{Each, Packing};
use super::placement::{Placement, ShardIndex};
use super::recorded::{self, Offered};
use super::shortfall::{Law, Offer, Sent, Shortfall, shortfall};
use super::size_law::SizeLaw;
use crate::kinesis::quotas::RateName;
use crate::kinesis::{Cause, HashKeyRange, Limits};
use crate::scenario::model::{Arrival, KeyChoice, Keys, Producer};

/// How many keys of each producer are placed by their MD5, the heaviest first.
pub const EXACT_KEYS: u64 = 1_000_000;

/// What the producers of one stream will do to its shards.
#[derive(Clone, PartialEq, Debug)]
pub struct Forecast {
    /// Records per second of all producers, the mean over the load; `None` if one of them has closed arrivals, which have no
    /// rate.
    pub records_per_s: Option<f64>,
    /// Their highest rate together at one time. A recording's is that of a second of the clock.
    pub peak_records_per_s: Option<f64>,
    /// Whether rates depend on chance. Random bursts are taken for rates that are always high or always low, each for its
    /// share of the time; more than four of them for their mean.
    pub random_bursts: bool,
    /// The share of the load that peaks and refusals were computed for, 0 to 1: below 1 only where rates change more often
    /// than can be followed, and then of windows over the whole load.
    pub followed_share: f64,
    /// Each shard, in the order of the ranges.
    pub shards: Vec<ShardForecast>,
    /// The heaviest keys, the heaviest first, at most [`NAMED_KEYS`](super::heavy_keys::NAMED_KEYS); empty if no key comes twice.
    pub heaviest: Vec<HeavyKey>,
    /// The share of the records whose keys were not hashed, 0 to 1: the tail, placed by the widths of the ranges.
    pub tail_share: f64,
}

/// What one shard will be offered.
#[derive(Clone, PartialEq, Debug)]
pub struct ShardForecast {
    /// Its hash keys.
    pub range: HashKeyRange,
    /// Its share of the records, 0 to 1.
    pub share: f64,
    /// The standard error of `share`, from the keys of the tail; zero where every key was hashed. An upper bound where
    /// producers have tails of the same keys.
    pub share_error: f64,
    /// Records per second.
    pub records_per_s: Option<f64>,
    /// Kinesis records per second, as the service counts; fewer where records are packed, about.
    pub kinesis_records_per_s: Option<f64>,
    /// Bytes of data and partition keys per second, of packed records as the service counts them, about.
    pub bytes_per_s: Option<f64>,
    /// `kinesis_records_per_s` as a part of the `write_records` limit, above 1 where it is exceeded; `None` without a rate or
    /// without the limit.
    pub write_records_utilisation: Option<f64>,
    /// `bytes_per_s` as a part of the `write_bytes` limit.
    pub write_bytes_utilisation: Option<f64>,
    /// The limit that binds first as the load grows; it needs no rate. `None` without records or limits.
    pub binds: Option<Cause>,
    /// The highest Kinesis records per second.
    pub peak_kinesis_records_per_s: Option<f64>,
    /// The highest bytes of data and partition keys per second.
    pub peak_bytes_per_s: Option<f64>,
    /// `peak_kinesis_records_per_s` as a part of the `write_records` limit.
    pub peak_write_records_utilisation: Option<f64>,
    /// `peak_bytes_per_s` as a part of the `write_bytes` limit.
    pub peak_write_bytes_utilisation: Option<f64>,
    /// The share of its records that the shard will refuse (of its Kinesis records where packed ones and others meet), of
    /// first attempts (retries add to the load): what comes above a limit at every moment, less what the limit's reserve
    /// takes. Where bytes bind and sizes differ it is the share of the bytes: small records find room that large ones do not.
    pub refused_share: Option<f64>,
}

/// Forecasts what `producers`, which write to one stream, do to the shards that have these `ranges`. Hashes up to
/// [`EXACT_KEYS`] keys for each different [`Keys`] among the producers: about 0.2 s.
///
/// Shares are weighted by rates. With closed arrivals, which have none, producers weigh as much as they have records
/// outstanding (Little's law, equal response times); where closed and other arrivals meet nothing is known of their
/// proportion, and each producer weighs the same.
pub fn forecast(
    producers: &[&Producer],
    load: Duration,
    ranges: &[HashKeyRange],
    limits: &Limits,
) -> Forecast {
    forecast_hashing(producers, load, ranges, limits, EXACT_KEYS)
}

/// [`forecast`] with another bound than [`EXACT_KEYS`].
pub fn forecast_hashing(
    producers: &[&Producer],
    load: Duration,
    ranges: &[HashKeyRange],
    limits: &Limits,
    exact_keys: u64,
) -> Forecast {
    let shards = ShardIndex::new(ranges);
    let total_per_s = total_records_per_s(producers, load);
    let senders = senders(producers, load);
    let parts = parts(producers, &senders, load, &shards);
    let arrivals: Vec<_> = producers.iter().map(|producer| &producer.arrival).collect();
    let courses = Course::all(&arrivals, load, cells_max(ranges.len() * producers.len()));
    let levels = courses
        .as_deref()
        .map(|courses| levels(courses, arrivals.len()));
    let mut loads = vec![Load::default(); ranges.len()];
    let mut sent = vec![vec![Each::default(); ranges.len()]; producers.len()];
    let mut tail_share = 0.0;
    for part in &parts {
        if let Some(recorded) = &part.recorded {
            for (load, offered) in loads.iter_mut().zip(recorded) {
                load.share += part.share * offered.placed.share;
            }
            for &(producer, share) in &part.members {
                for (each, offered) in sent[producer].iter_mut().zip(recorded) {
                    each.add(share, &offered.placed, offered.data_bytes);
                }
            }
            continue;
        }
        let records = total_per_s.map(|rate| rate * part.share * load.as_secs_f64());
        let placement = Placement::of(part.keys, &shards, exact_keys, records, part.workers);
        tail_share += part.share * placement.tail_share;
        for (load, placed) in loads.iter_mut().zip(&placement.shards) {
            load.share += part.share * placed.share;
            load.share_error += part.share * placed.share_error;
        }
        for &(producer, share) in &part.members {
            let mean = senders[producer].mean_data_bytes;
            for (each, placed) in sent[producer].iter_mut().zip(&placement.shards) {
                each.add(share, placed, placed.share * mean);
            }
        }
    }
    for (index, (sender, sent)) in senders.iter().zip(&sent).enumerate() {
        let levels = levels.as_ref().and_then(|levels| levels.get(index));
        for (load, each) in loads.iter_mut().zip(sent) {
            load.send(index, sender, each, levels.map(Vec::as_slice));
        }
    }
    let all = courses.as_deref();
    Forecast {
        records_per_s: total_per_s,
        peak_records_per_s: all.map(|courses| {
            let peaks = courses.iter().map(Course::peak);
            peaks.fold(0.0, f64::max)
        }),
        random_bursts: arrivals.iter().any(|arrival| has_random_bursts(arrival)),
        followed_share: all
            .and_then(<[_]>::first)
            .map_or(1.0, |course| course.looked_at),
        shards: ranges
            .iter()
            .zip(&loads)
            .map(|(range, load)| {
                let short = all.map(|courses| shortfall(courses, &load.offers, limits));
                load.judge(*range, total_per_s, limits, short)
            })
            .collect(),
        heaviest: heaviest(&parts, &shards, total_per_s),
        tail_share,
    }
}

/// How many cells of a course are looked at, where so many offers are held against each.
fn cells_max(offers: usize) -> u64 {
    (40_000_000 / offers.max(1) as u64).clamp(1_000, 200_000)
}

/// The rates that each arrival has in the courses, or as many between none and its highest where they are more than
/// [`LEVELS_MAX`]; with each how long it lasts. A rate between two of them lasts for both, in proportion.
fn levels(courses: &[Course], arrivals: usize) -> Vec<Vec<(f64, f64)>> {
    let of = |arrival: usize| {
        let cells = || courses.iter().flat_map(Course::cells);
        let rates = cells().flat_map(|cell| [cell.means[arrival], cell.peaks[arrival]]);
        let mut rates: Vec<_> = rates.filter(|rate| *rate > 0.0).collect();
        rates.sort_by(f64::total_cmp);
        rates.dedup();
        if rates.len() > LEVELS_MAX {
            let highest = rates.last().copied().unwrap_or(0.0);
            let step = highest / LEVELS_MAX as f64;
            rates = (1..=LEVELS_MAX).map(|level| step * level as f64).collect();
        }
        let mut levels: Vec<_> = rates.into_iter().map(|rate| (rate, 0.0)).collect();
        for course in courses {
            for cell in course.cells() {
                lasts(
                    &mut levels,
                    cell.means[arrival],
                    course.weight * cell.seconds,
                );
            }
        }
        levels
    };
    (0..arrivals).map(of).collect()
}

fn lasts(levels: &mut [(f64, f64)], rate: f64, seconds: f64) {
    let last = levels.len().saturating_sub(1);
    let next = levels.partition_point(|(level, _)| *level < rate).min(last);
    let below = next.checked_sub(1).map_or(0.0, |before| levels[before].0);
    let Some((above, lasting)) = levels.get_mut(next) else {
        return;
    };
    let part = ((rate - below) / (*above - below)).clamp(0.0, 1.0);
    *lasting += seconds * part;
    if let Some(before) = next.checked_sub(1) {
        levels[before].1 += seconds * (1.0 - part);
    }
}

/// At so many rates it is computed how records are packed.
const LEVELS_MAX: usize = 64;

/// What one shard is offered of one record of the whole stream.
#[derive(Clone, Default)]
struct Load {
    share: f64,
    share_error: f64,
    /// Kinesis records.
    kinesis_share: f64,
    /// Bytes of data and key.
    record_bytes: f64,
    /// The same of each producer at its rates.
    offers: Vec<Offer>,
}

impl Load {
    /// Adds what the service counts of a producer's records in this shard. `levels` are the rates that it has.
    fn send(&mut self, index: usize, sender: &Sender, each: &Each, levels: Option<&[(f64, f64)]>) {
        let share = each.share();
        if share <= 0.0 {
            return;
        }
        // What so many of the producer's records are on the wire, so many in each Kinesis record.
        let sent = |per_s: f64, records: f64| -> Sent {
            let kinesis = per_s * share / records;
            [kinesis, kinesis * each.sent_bytes(records)]
        };
        let (mut mean, mut law) = (sent(1.0, 1.0), Law::Even(sent(1.0, 1.0)));
        if let Some(packing) = sender.packing {
            mean = sent(1.0, packing.records_of_one(each));
            let most = packing.most(each);
            let row = |&(per_s, _): &(f64, f64)| {
                let records = packing.lingered(per_s / sender.workers, share).min(most);
                (per_s, sent(per_s, records))
            };
            let levels = levels.unwrap_or_default();
            let rows: Vec<_> = levels.iter().map(row).collect();
            let records: f64 = levels.iter().map(|(per_s, seconds)| per_s * seconds).sum();
            if records > 0.0 {
                let sum = |index: usize| -> f64 {
                    let rows = rows.iter().zip(levels);
                    rows.map(|((_, sent), (_, seconds))| sent[index] * seconds)
                        .sum()
                };
                mean = [sum(0) / records, sum(1) / records];
            }
            law = Law::Table(rows);
        }
        self.kinesis_share += sender.share * mean[0];
        self.record_bytes += sender.share * mean[1];
        self.offers.push(Offer {
            arrival: index,
            share,
            sent: law,
        });
    }

    fn judge(
        &self,
        range: HashKeyRange,
        total_per_s: Option<f64>,
        limits: &Limits,
        short: Option<Shortfall>,
    ) -> ShardForecast {
        let limit = |name| limits.rate(name).map(|limit| limit.per_s as f64);
        // Per record of the stream: which limit is nearer does not depend on how many there are.
        let of_records = limit(RateName::WriteRecords).map(|limit| self.kinesis_share / limit);
        let of_bytes = limit(RateName::WriteBytes).map(|limit| self.record_bytes / limit);
        let nearest = [
            (of_records, Cause::WriteRecords),
            (of_bytes, Cause::WriteBytes),
        ]
        .into_iter()
        .filter_map(|(part, cause)| part.filter(|part| *part > 0.0).map(|part| (part, cause)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
        let at_rate = |per_record: f64| total_per_s.map(|rate| rate * per_record);
        ShardForecast {
            range,
            share: self.share,
            share_error: self.share_error,
            records_per_s: at_rate(self.share),
            kinesis_records_per_s: at_rate(self.kinesis_share),
            bytes_per_s: at_rate(self.record_bytes),
            write_records_utilisation: of_records.and_then(at_rate),
            write_bytes_utilisation: of_bytes.and_then(at_rate),
            binds: nearest.map(|(_, cause)| cause),
            peak_kinesis_records_per_s: short.map(|short| short.peak[0]),
            peak_bytes_per_s: short.map(|short| short.peak[1]),
            peak_write_records_utilisation: short
                .and_then(|short| limit(RateName::WriteRecords).map(|limit| short.peak[0] / limit)),
            peak_write_bytes_utilisation: short
                .and_then(|short| limit(RateName::WriteBytes).map(|limit| short.peak[1] / limit)),
            refused_share: short.map(|short| short.refused),
        }
    }
}

/// Records of the stream whose keys are chosen alike.
pub(super) struct Part<'a> {
    pub(super) keys: &'a Keys,
    /// Its share of the stream's records.
    pub(super) share: f64,
    /// Its workers; where parts of several producers are one, of the first.
    workers: u32,
    /// What each shard gets of it, where it was recorded.
    recorded: Option<Vec<Offered>>,
    /// Whose records they are: a producer's place, and the share of its records that are in the part.
    members: Vec<(usize, f64)>,
}

/// A producer of the stream.
struct Sender {
    /// Its share of the stream's records.
    share: f64,
    mean_data_bytes: f64,
    workers: f64,
    packing: Option<Packing>,
}

fn total_records_per_s(producers: &[&Producer], load: Duration) -> Option<f64> {
    producers
        .iter()
        .map(|producer| records_per_s(&producer.arrival, load))
        .sum()
}

fn senders(producers: &[&Producer], load: Duration) -> Vec<Sender> {
    let any_rate = producers
        .iter()
        .any(|producer| records_per_s(&producer.arrival, load).is_some());
    let any_closed = total_records_per_s(producers, load).is_none();
    let weight = |producer: &Producer| match producer.arrival {
        _ if any_rate && any_closed => 1.0,
        Arrival::Closed { outstanding } => f64::from(producer.workers) * f64::from(outstanding),
        // A load without a record still has its keys.
        _ => records_per_s(&producer.arrival, load)
            .unwrap_or(1.0)
            .max(f64::MIN_POSITIVE),
    };
    let total: f64 = producers.iter().map(|producer| weight(producer)).sum();
    let sender = |producer: &&Producer| {
        let workers = f64::from(producer.workers.max(1));
        let sizes = SizeLaw::of(producer, load);
        let packing = producer.send.aggregate.map(|settings| {
            let rate = records_per_s(&producer.arrival, load);
            Packing::new(
                settings,
                rate.map(|rate| rate / workers),
                sizes.deviation_bytes(),
            )
        });
        Sender {
            share: weight(producer) / total,
            mean_data_bytes: sizes.mean_bytes(),
            workers,
            packing,
        }
    };
    producers.iter().map(sender).collect()
}

/// The producers' parts; those with the same keys are one, so that few keys are hashed twice.
fn parts<'a>(
    producers: &[&'a Producer],
    senders: &[Sender],
    load: Duration,
    shards: &ShardIndex<'_>,
) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for (index, (producer, sender)) in producers.iter().zip(senders).enumerate() {
        let part = |keys: &'a Keys, share: f64, recorded: Option<Vec<Offered>>| Part {
            keys,
            share: sender.share * share,
            workers: producer.workers,
            recorded,
            members: vec![(index, share)],
        };
        let recorded = recorded::offered(producer, load, shards);
        if recorded.is_some() {
            parts.push(part(&producer.keys, 1.0, recorded));
            continue;
        }
        let mut add = |keys: &'a Keys, share: f64| match parts
            .iter_mut()
            .find(|part| part.recorded.is_none() && part.keys == keys)
        {
            Some(part) => {
                part.members.push((index, share));
                part.share += sender.share * share;
            }
            None => parts.push(part(keys, share, None)),
        };
        each_unmixed(&producer.keys, 1.0, &mut add);
    }
    parts
}

/// Calls `add` with the keys, or with each part of a mix and its share.
fn each_unmixed<'a>(keys: &'a Keys, share: f64, add: &mut dyn FnMut(&'a Keys, f64)) {
    if let KeyChoice::Mix(parts) = &keys.choice {
        let total: f64 = parts.iter().map(|(share, _)| share).sum();
        for (part, keys) in parts {
            if *part > 0.0 {
                each_unmixed(keys, share * part / total, add);
            }
        }
    } else {
        add(keys, share);
    }
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
