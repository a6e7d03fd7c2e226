//! What a workload will do to the shards of a stream, computed before anything is sent.
//!
//! Keys are placed by their MD5, not by luck: the heaviest [`EXACT_KEYS`] one by one, and only the tail beyond them by
//! the width of each range, with the standard error of that.

use std::time::Duration;

use super::arrival::records_per_s;
use super::course::{Course, has_random_bursts};
use super::heavy_keys::{HeavyKey, heaviest};
use super::placement::{Placement, ShardIndex};
use super::recorded::{self, Offered};
use super::shortfall::{Law, Offer, Sent, Shortfall, shortfall};
use super::size_law::SizeLaw;
use crate::kinesis::aggregate::{self, AggregateSize, FRAME_BYTES, Place};
use crate::kinesis::quotas::RateName;
use crate::kinesis::{Cause, HashKeyRange, Limits};
use crate::scenario::model::{Aggregate, Arrival, KeyChoice, Keys, Producer};

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
    /// The share of its records that the shard will refuse, of first attempts (retries add to the load): what comes above
    /// a limit at every moment, less what the limit's reserve takes. Where bytes bind and sizes differ it is the share of the
    /// bytes: small records find room that large ones do not.
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
    let parts = parts(producers, load, &shards);
    let arrivals: Vec<_> = producers.iter().map(|producer| &producer.arrival).collect();
    let offers: usize = parts.iter().map(|part| part.members.len()).sum();
    let courses = Course::all(&arrivals, load, cells_max(ranges.len() * offers));
    let levels = courses
        .as_deref()
        .map(|courses| levels(courses, arrivals.len()));
    let mut loads = vec![Load::default(); ranges.len()];
    let mut tail_share = 0.0;
    for part in &parts {
        if let Some(recorded) = &part.recorded {
            for (load, offered) in loads.iter_mut().zip(recorded) {
                load.share += part.share * offered.share;
                load.send(part, offered.share, levels.as_deref(), |_| {
                    Each::of(
                        offered.share,
                        offered.data_bytes,
                        offered.key_bytes,
                        offered.squares,
                    )
                    .explicit(
                        offered.share,
                        offered.explicit,
                        offered.explicit_bytes,
                    )
                });
            }
            continue;
        }
        let records = total_per_s.map(|rate| rate * part.share * load.as_secs_f64());
        let placement = Placement::of(part.keys, &shards, exact_keys, records, part.workers);
        tail_share += part.share * placement.tail_share;
        for (load, placed) in loads.iter_mut().zip(&placement.shards) {
            load.share += part.share * placed.share;
            load.share_error += part.share * placed.share_error;
            load.send(part, placed.share, levels.as_deref(), |mean_data_bytes| {
                let data_bytes = placed.share * mean_data_bytes;
                Each::of(placed.share, data_bytes, placed.key_bytes, placed.squares).explicit(
                    placed.share,
                    placed.explicit,
                    placed.explicit_bytes,
                )
            });
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
/// [`LEVELS_MAX`].
fn levels(courses: &[Course], arrivals: usize) -> Vec<Vec<f64>> {
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
        rates
    };
    (0..arrivals).map(of).collect()
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
    /// Adds what the service counts of this share of a part's records. `each` describes records with a mean of so many bytes
    /// of data, and `levels` are the rates of each producer, where they have rates.
    fn send(
        &mut self,
        part: &Part<'_>,
        share: f64,
        levels: Option<&[Vec<f64>]>,
        each: impl Fn(f64) -> Each,
    ) {
        if share <= 0.0 {
            return;
        }
        let all = each(part.mean_data_bytes);
        let records = part
            .packing
            .map_or(1.0, |packing| packing.records_of_one(share, &all));
        self.kinesis_share += part.share * share / records;
        self.record_bytes += part.share * share * all.sent_bytes(records) / records;
        for member in &part.members {
            let each = each(member.mean_data_bytes);
            // What so many of the producer's records are on the wire, so many in each Kinesis record.
            let sent = |per_s: f64, records: f64| -> Sent {
                let kinesis = per_s * member.share * share / records;
                [kinesis, kinesis * each.sent_bytes(records)]
            };
            let law = part.packing.map_or_else(
                || Law::Even(sent(1.0, 1.0)),
                |packing| {
                    let most = packing.most(&each);
                    let rates = levels.and_then(|levels| levels.get(member.producer));
                    let rates = rates.into_iter().flatten();
                    let row = |&per_s: &f64| {
                        let records = packing.lingered(per_s / member.workers, share).min(most);
                        (per_s, sent(per_s, records))
                    };
                    Law::Table(rates.map(row).collect())
                },
            );
            self.offers.push(Offer {
                arrival: member.producer,
                share: member.share * share,
                sent: law,
            });
        }
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

/// A producer's part in the stream.
pub(super) struct Part<'a> {
    pub(super) keys: &'a Keys,
    /// Its share of the stream's records.
    pub(super) share: f64,
    mean_data_bytes: f64,
    /// Its workers; where parts of several producers are one, of the first.
    workers: u32,
    /// What each shard gets of it, where it was recorded.
    recorded: Option<Vec<Offered>>,
    packing: Option<Packing>,
    /// Whose records they are.
    members: Vec<Member>,
}

/// A producer whose records are in a part.
#[derive(Clone, Copy)]
struct Member {
    /// Its place among the producers.
    producer: usize,
    /// The share of its records that are in the part.
    share: f64,
    mean_data_bytes: f64,
    workers: f64,
}

/// How a producer packs its records.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Packing {
    settings: Aggregate,
    /// Records per second of each worker, if it has a rate.
    worker_per_s: Option<f64>,
}

/// The records of a part in a shard, on average.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Each {
    data_bytes: f64,
    key_bytes: f64,
    /// As many keys of equal weight give two records the same key as often.
    keys: f64,
    /// The share of them that have a hash key of their own, 0 to 1.
    explicit: f64,
    /// Bytes of such a hash key, a number in decimal digits.
    explicit_bytes: f64,
}

impl Each {
    /// Of sums over a shard's keys, each weighted by its share.
    fn of(share: f64, data_bytes: f64, key_bytes: f64, squares: f64) -> Self {
        let share = share.max(f64::MIN_POSITIVE);
        Self {
            data_bytes: data_bytes / share,
            key_bytes: key_bytes / share,
            keys: if squares > 0.0 {
                (share * share / squares).max(1.0)
            } else {
                f64::INFINITY
            },
            explicit: 0.0,
            explicit_bytes: 0.0,
        }
    }

    /// With sums over the records that have hash keys of their own: of their shares, and of share times length.
    fn explicit(self, share: f64, explicit: f64, explicit_bytes: f64) -> Self {
        Self {
            explicit: (explicit / share.max(f64::MIN_POSITIVE)).min(1.0),
            explicit_bytes: explicit_bytes / explicit.max(f64::MIN_POSITIVE),
            ..self
        }
    }

    /// How many different keys so many records have, about: as drawn from [`keys`](Self::keys) of equal weight.
    fn different_keys(&self, records: f64) -> f64 {
        if self.keys.is_finite() {
            -self.keys * (records * (-1.0 / self.keys).ln_1p()).exp_m1()
        } else {
            records
        }
    }

    /// Bytes of the data of an aggregate of so many records, about: the frame, each different key once in the table, and
    /// each record with its tags, its lengths and the index of a key from the middle of the table. All records have the
    /// mean sizes. Explicit hash keys have a table of their own, with one for each different key.
    fn packed_bytes(&self, records: f64) -> f64 {
        let different = self.different_keys(records);
        let with = |new_bytes, data_bytes| {
            let index = (different / 2.0) as u64;
            let size = AggregateSize::default().with(Place { index, new_bytes }, None, data_bytes);
            (size.bytes() - FRAME_BYTES) as f64
        };
        let (data, key) = (self.data_bytes.round(), self.key_bytes.round());
        let record = with(None, data as usize);
        let of_key = with(Some(key as usize), data as usize) - record;
        FRAME_BYTES as f64
            + records * (record - data + self.data_bytes)
            + different * (of_key - key + self.key_bytes)
            + self.explicit * self.packed_explicit(records, different)
    }

    /// What explicit hash keys add where every record has one: an index in each, and the table.
    fn packed_explicit(&self, records: f64, different: f64) -> f64 {
        let index = (different / 2.0) as u64;
        let bytes = |explicit| {
            let key = Place {
                index: 0,
                new_bytes: None,
            };
            AggregateSize::default().with(key, explicit, 0).bytes() as f64
        };
        let place = |new_bytes| Some(Place { index, new_bytes });
        let text = self.explicit_bytes.round();
        let of_record = bytes(place(None)) - bytes(None);
        let of_key = bytes(place(Some(text as usize))) - bytes(place(None));
        records * of_record + different * (of_key - text + self.explicit_bytes)
    }

    /// Bytes of data and key of the Kinesis record that holds so many records: a lone one goes as it is, others under the
    /// key of all aggregates. Between one and two it is either, in proportion.
    fn sent_bytes(&self, records: f64) -> f64 {
        let packed =
            |records: f64| self.packed_bytes(records) + aggregate::PARTITION_KEY.len() as f64;
        let pairs = (records - 1.0).clamp(0.0, 1.0);
        (1.0 - pairs) * (self.data_bytes + self.key_bytes) + pairs * packed(records.max(2.0))
    }
}

impl Packing {
    /// How many records go into one on average, of those of a shard with this share of a worker's.
    fn records_of_one(&self, share: f64, each: &Each) -> f64 {
        let most = self.most(each);
        // Without a rate it is full.
        let come = |per_s: f64| self.lingered(per_s, share);
        self.worker_per_s.map_or(most, come).min(most)
    }

    /// The first one and what comes of a worker's rate while it lingers.
    fn lingered(&self, worker_per_s: f64, share: f64) -> f64 {
        1.0 + worker_per_s * share * self.settings.linger.as_secs_f64()
    }

    /// How many fit into one, by bisection.
    fn most(&self, each: &Each) -> f64 {
        let fit = |records| each.packed_bytes(records) <= self.settings.max_bytes as f64;
        let (mut low, mut high) = (1.0, f64::from(self.settings.max_records).max(1.0));
        if fit(high) {
            return high;
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if fit(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}

fn total_records_per_s(producers: &[&Producer], load: Duration) -> Option<f64> {
    producers
        .iter()
        .map(|producer| records_per_s(&producer.arrival, load))
        .sum()
}

/// The producers' parts; those with the same keys that pack alike are one, so that few keys are hashed twice.
fn parts<'a>(producers: &[&'a Producer], load: Duration, shards: &ShardIndex<'_>) -> Vec<Part<'a>> {
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
    let mut parts: Vec<Part<'a>> = Vec::new();
    for (index, producer) in producers.iter().enumerate() {
        let share = weight(producer) / total;
        let mean = SizeLaw::of(producer, load).mean_bytes();
        let packing = producer.send.aggregate.map(|settings| Packing {
            settings,
            worker_per_s: records_per_s(&producer.arrival, load)
                .map(|rate| rate / f64::from(producer.workers)),
        });
        let member = |share: f64| Member {
            producer: index,
            share,
            mean_data_bytes: mean,
            workers: f64::from(producer.workers.max(1)),
        };
        let recorded = recorded::offered(producer, load, shards);
        if recorded.is_some() {
            parts.push(Part {
                keys: &producer.keys,
                share,
                mean_data_bytes: mean,
                workers: producer.workers,
                recorded,
                packing,
                members: vec![member(1.0)],
            });
            continue;
        }
        let mut add = |keys: &'a Keys, of_producer: f64| match parts
            .iter_mut()
            .find(|part| part.recorded.is_none() && part.keys == keys && part.packing == packing)
        {
            Some(part) => {
                let share = share * of_producer;
                let both = part.share + share;
                part.members.push(member(of_producer));
                part.mean_data_bytes = (part.share * part.mean_data_bytes + share * mean) / both;
                part.share = both;
            }
            None => parts.push(Part {
                keys,
                share: share * of_producer,
                mean_data_bytes: mean,
                workers: producer.workers,
                recorded: None,
                packing,
                members: vec![member(of_producer)],
            }),
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
