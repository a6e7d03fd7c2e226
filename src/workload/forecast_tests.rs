//! Tests that the forecast says what loads do.

use super::*;
use crate::kinesis::quotas::RateLimit;
use crate::kinesis::{HashKey, aggregate};
use crate::scenario::model::{Aggregate, Curve, KeyTable, Size, Spacing};
use crate::workload::KeyText;
use crate::workload::draw::RecordSource;
use crate::workload::draw::tests::{producer, stamp};

const POISSON: Arrival = Arrival::Poisson { rate: 2_400.0 };
const LOAD: Duration = Duration::from_secs(12);
const FIXED: Size = Size::Fixed { bytes: 600 };

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

fn choices() -> Vec<KeyChoice> {
    vec![
        KeyChoice::Uniform { population: 3_000 },
        KeyChoice::Sequential { population: 100 },
        KeyChoice::Single,
        KeyChoice::Zipf {
            population: 3_000,
            exponent: 1.1,
        },
        KeyChoice::HotSet {
            hot_keys: 2,
            hot_share: 0.4,
            population: 3_000,
        },
    ]
}

#[test]
fn small_populations_are_placed_as_counting_every_key_by_its_md5_places_them() {
    let ranges = HashKeyRange::initial(7);
    for choice in choices() {
        let producer = producer(2, POISSON, choice.clone(), FIXED);
        let forecast = forecast(&[&producer], LOAD, &ranges, &Limits::aws());
        let weights: Vec<f64> = match choice {
            KeyChoice::Uniform { population } | KeyChoice::Sequential { population } => {
                vec![1.0; population as usize]
            }
            KeyChoice::Zipf {
                population,
                exponent,
            } => (1..=population)
                .map(|k| (k as f64).powf(-exponent))
                .collect(),
            KeyChoice::HotSet { .. } => {
                let mut weights = vec![0.6 / 2_998.0; 3_000];
                weights[..2].fill(0.2);
                weights
            }
            _ => vec![1.0],
        };
        let total: f64 = weights.iter().sum();
        let (mut shares, mut bytes) = (vec![0.0; 7], vec![0.0; 7]);
        for (number, weight) in weights.iter().enumerate() {
            let key = format!("key-{number}");
            let hash = HashKey::of_partition_key(&key);
            let shard = ranges
                .iter()
                .position(|range| range.contains(hash))
                .unwrap();
            shares[shard] += weight / total;
            bytes[shard] += weight / total * (600.0 + key.len() as f64);
        }
        assert_eq!(forecast.tail_share.to_bits(), 0);
        for (index, shard) in forecast.shards.iter().enumerate() {
            assert!(close(shard.share, shares[index]), "{choice:?} {shard:?}");
            assert_eq!(shard.share_error.to_bits(), 0);
            assert!(close(shard.records_per_s.unwrap(), 2_400.0 * shares[index]));
            assert!(close(shard.bytes_per_s.unwrap(), 2_400.0 * bytes[index]));
        }
        let first = &forecast.heaviest[0];
        assert_eq!(
            (first.key.as_str(), first.hash_key),
            ("key-0", HashKey::of_partition_key("key-0"))
        );
        assert!(close(first.share, weights[0] / total));
        assert!(ranges[first.shard.unwrap()].contains(first.hash_key));
        assert_eq!(forecast.heaviest.len(), weights.len().min(10));
    }
}

fn listed() -> KeyChoice {
    let keys = [("a,b", 5.0), ("tenant", 2.5), ("-", 0.1)];
    KeyChoice::Listed(std::sync::Arc::new(KeyTable::weighted(
        keys.map(|(text, weight)| (text.to_owned(), weight)),
    )))
}

#[test]
fn mixed_written_and_salted_keys_are_sent_as_the_forecast_names_them() {
    let salted = KeyChoice::Salted {
        salt: 2,
        of: Box::new(listed()),
    };
    let part = |choice, name: &str| Keys {
        choice,
        format: (name.to_owned(), String::new()),
    };
    let mix = KeyChoice::Mix(vec![
        (1.0, part(salted, "")),
        (3.0, part(KeyChoice::Uniform { population: 2 }, "m-")),
    ]);
    let producer = producer(1, POISSON, mix, FIXED);
    let said = forecast(
        &[&producer],
        LOAD,
        &HashKeyRange::initial(3),
        &Limits::aws(),
    );
    let mut source = RecordSource::new(3, &producer, 0);
    let mut batch = crate::kinesis::PutBatch::new();
    for _ in 0..40_000 {
        let plan = source.next();
        source.render(&plan, &stamp(&plan, Duration::ZERO), &mut batch);
        let key = batch.entry(batch.len() - 1).partition_key;
        assert_eq!(HashKey::of_partition_key(key), plan.hash_key);
    }
    let named: Vec<_> = said.heaviest.iter().map(|key| key.key.as_str()).collect();
    assert_eq!(named.len(), 8);
    assert_eq!(named[..4], ["m-0", "m-1", "a,b-0", "a,b-1"]);
    for key in &said.heaviest {
        let sent = batch.iter().filter(|entry| entry.partition_key == key.key);
        let found = sent.count() as f64 / 40_000.0;
        assert!((found - key.share).abs() < 0.01, "{key:?}: {found}");
    }
}

#[test]
fn a_recording_is_forecast_record_by_record_and_only_what_the_load_reaches() {
    let keys = [("a", 0), ("b", u128::MAX)];
    let table = KeyTable::recorded(
        keys.map(|(text, at)| (text.to_owned(), HashKey(at))),
        &[0, 1, 0, 0],
    );
    let size = Size::Trace {
        sizes: [100, 2_000, 300, 9_999].into(),
    };
    let arrival = |speed_up| Arrival::Trace {
        times_ns: [0, 1, 11_000_000_000, 13_000_000_000].into(),
        speed_up,
    };
    let choice = KeyChoice::Listed(std::sync::Arc::new(table));
    let said = |speed_up| {
        let producer = producer(2, arrival(speed_up), choice.clone(), size.clone());
        let ranges = HashKeyRange::initial(2);
        forecast(&[&producer], LOAD, &ranges, &Limits::aws()).shards
    };
    let three = said(1.0);
    assert!(close(three[0].share, 2.0 / 3.0));
    assert!(close(three[0].bytes_per_s.unwrap(), 402.0 / 12.0));
    assert!(close(three[1].bytes_per_s.unwrap(), 2_001.0 / 12.0));
    let four = said(2.0);
    assert!(close(four[0].share, 3.0 / 4.0));
    assert!(close(four[0].bytes_per_s.unwrap(), 10_402.0 / 12.0));
}

#[test]
fn records_for_a_hash_key_carry_it_and_are_forecast_there() {
    let keys = [("x", 3.0, 7), ("y", 1.0, u128::MAX)];
    let table =
        KeyTable::explicit(keys.map(|(text, weight, at)| (text.to_owned(), weight, HashKey(at))));
    let choice = KeyChoice::Listed(std::sync::Arc::new(table));
    let producer = producer(1, POISSON, choice, FIXED);
    let said = forecast(
        &[&producer],
        LOAD,
        &HashKeyRange::initial(2),
        &Limits::aws(),
    );
    assert!(close(said.shards[0].share, 0.75), "{said:?}");
    let mut source = RecordSource::new(3, &producer, 0);
    let mut batch = crate::kinesis::PutBatch::new();
    for index in 0..100 {
        let plan = source.next();
        source.render(&plan, &stamp(&plan, Duration::ZERO), &mut batch);
        let entry = batch.entry(index);
        assert_eq!(entry.explicit_hash_key, Some(plan.hash_key));
        assert_eq!(plan.hash_key == HashKey(7), entry.partition_key == "x");
    }
}

#[test]
fn a_million_draws_agree_with_the_forecast() {
    let ranges = HashKeyRange::initial(5);
    let choices = [
        KeyChoice::Zipf {
            population: 100_000,
            exponent: 1.0,
        },
        KeyChoice::Zipf {
            population: 1_000_000_000,
            exponent: 1.2,
        },
        KeyChoice::Uniform {
            population: 1_000_000_000,
        },
        KeyChoice::HotSet {
            hot_keys: 1,
            hot_share: 0.4,
            population: 10_000,
        },
        KeyChoice::Normal {
            population: 1_000,
            mean: 300.0,
            sd: 4.0,
        },
        KeyChoice::Normal {
            population: 1_000_000,
            mean: 900_000.0,
            sd: 200_000.0,
        },
        KeyChoice::Exponential {
            population: 50,
            mean: 20.0,
        },
        KeyChoice::Salted {
            salt: 3,
            of: Box::new(KeyChoice::Zipf {
                population: 20,
                exponent: 1.0,
            }),
        },
        KeyChoice::Mix(vec![
            (
                3.0,
                Keys {
                    choice: listed(),
                    format: (String::new(), String::new()),
                },
            ),
            (
                1.0,
                Keys {
                    choice: KeyChoice::Single,
                    format: ("mobile-".to_owned(), String::new()),
                },
            ),
        ]),
    ];
    for choice in choices {
        let producer = producer(1, POISSON, choice, FIXED);
        let forecast = forecast_hashing(&[&producer], LOAD, &ranges, &Limits::aws(), 100_000);
        let mut source = RecordSource::new(3, &producer, 0);
        let mut counts = [0u32; 5];
        let draws = 1_000_000;
        for _ in 0..draws {
            let hash = source.next().hash_key;
            let shard = ranges.iter().position(|range| range.contains(hash));
            counts[shard.unwrap()] += 1;
        }
        for (count, shard) in counts.iter().zip(&forecast.shards) {
            let binomial = shard.share * (1.0 - shard.share) / f64::from(draws);
            let error = (binomial + shard.share_error.powi(2)).sqrt();
            let found = f64::from(*count) / f64::from(draws);
            assert!(
                (found - shard.share).abs() <= 4.0 * error + 1e-12,
                "{found} for {shard:?}"
            );
        }
    }
}

#[test]
fn the_stated_error_of_a_tail_is_neither_too_small_nor_too_large() {
    let ranges = HashKeyRange::initial(200);
    let population = 50_000;
    for choice in [
        KeyChoice::Uniform { population },
        KeyChoice::Zipf {
            population,
            exponent: 0.8,
        },
    ] {
        let producer = producer(1, POISSON, choice, FIXED);
        let exact = forecast(&[&producer], LOAD, &ranges, &Limits::aws());
        let rough = forecast_hashing(&[&producer], LOAD, &ranges, &Limits::aws(), 1_000);
        let squares = exact
            .shards
            .iter()
            .zip(&rough.shards)
            .map(|(exact, rough)| ((exact.share - rough.share) / rough.share_error).powi(2));
        // Chi-square of 199 degrees of freedom: 199 and a standard deviation of 20.
        let sum: f64 = squares.sum();
        assert!((120.0..280.0).contains(&sum), "{sum}");
    }
}

#[test]
fn a_tail_that_is_not_hashed_lies_within_its_stated_error() {
    let ranges = HashKeyRange::initial(4);
    for choice in choices() {
        let producer = producer(1, POISSON, choice, FIXED);
        let exact = forecast(&[&producer], LOAD, &ranges, &Limits::aws());
        let rough = forecast_hashing(&[&producer], LOAD, &ranges, &Limits::aws(), 50);
        for (exact, rough) in exact.shards.iter().zip(&rough.shards) {
            let error = rough.share_error;
            assert!(
                (exact.share - rough.share).abs() <= 4.0 * error + 1e-12,
                "{exact:?} {rough:?}"
            );
            assert!(error < 0.04);
        }
        let total = |forecast: &Forecast| -> f64 {
            forecast
                .shards
                .iter()
                .filter_map(|shard| shard.bytes_per_s)
                .sum()
        };
        assert!(
            close(total(&exact), total(&rough)),
            "key lengths of the tail"
        );
    }
    // All of a uniform population unhashed: sqrt(q (1 - q) / n).
    let uniform = producer(1, POISSON, KeyChoice::Uniform { population: 3_000 }, FIXED);
    let rough = forecast_hashing(&[&uniform], LOAD, &ranges, &Limits::aws(), 0);
    assert!(close(
        rough.shards[0].share_error,
        (0.25f64 * 0.75 / 3_000.0).sqrt()
    ));
    assert!(close(rough.tail_share, 1.0));
}

#[test]
fn the_limit_that_binds_first_and_the_refused_share_follow_from_the_hot_shard() {
    let choice = KeyChoice::Single;
    let small = producer(1, POISSON, choice.clone(), Size::Fixed { bytes: 100 });
    let ranges = HashKeyRange::initial(2);
    let hot = |forecast: &Forecast| forecast.shards[forecast.heaviest[0].shard.unwrap()].clone();
    let shard = hot(&forecast(&[&small], LOAD, &ranges, &Limits::aws()));
    assert_eq!(shard.binds, Some(Cause::WriteRecords));
    assert!(close(shard.write_records_utilisation.unwrap(), 2.4));
    assert!(close(shard.refused_share.unwrap(), 1.0 - 1.0 / 2.4));

    let large = producer(1, POISSON, choice, Size::Fixed { bytes: 2_043 });
    let all = forecast(&[&large], LOAD, &ranges, &Limits::aws());
    let shard = hot(&all);
    assert_eq!(shard.binds, Some(Cause::WriteBytes));
    // "key-0" has five bytes: 2,048 in all.
    assert!(close(
        shard.write_bytes_utilisation.unwrap(),
        2_400.0 * 2_048.0 / 1_048_576.0
    ));
    let cold = all
        .shards
        .iter()
        .find(|other| other.range != shard.range)
        .unwrap();
    assert_eq!((cold.binds, cold.refused_share), (None, Some(0.0)));

    let mut limits = Limits::off();
    let shard = hot(&forecast(&[&large], LOAD, &ranges, &limits));
    assert_eq!(
        (
            shard.binds,
            shard.write_bytes_utilisation,
            shard.refused_share
        ),
        (None, None, Some(0.0))
    );
    limits.set_rate(
        RateName::WriteRecords,
        Some(RateLimit {
            per_s: 4_800,
            capacity: 1,
        }),
    );
    let shard = hot(&forecast(&[&large], LOAD, &ranges, &limits));
    assert_eq!(
        (shard.binds, shard.refused_share),
        (Some(Cause::WriteRecords), Some(0.0))
    );
    assert!(close(shard.write_records_utilisation.unwrap(), 0.5));
}

#[test]
fn producers_of_one_stream_add_up() {
    let ranges = HashKeyRange::initial(3);
    let zipf = KeyChoice::Zipf {
        population: 100,
        exponent: 1.0,
    };
    let web = producer(1, Arrival::Constant { rate: 300.0 }, zipf.clone(), FIXED);
    let app = producer(
        1,
        Arrival::Poisson { rate: 100.0 },
        KeyChoice::Uniform { population: 50 },
        FIXED,
    );
    let bulk = producer(
        1,
        Arrival::Constant { rate: 600.0 },
        zipf,
        Size::Fixed { bytes: 1_000 },
    );
    let all = forecast(&[&web, &app, &bulk], LOAD, &ranges, &Limits::aws());
    let alone =
        [&web, &app, &bulk].map(|producer| forecast(&[producer], LOAD, &ranges, &Limits::aws()));
    assert!(close(all.records_per_s.unwrap(), 1_000.0));
    for (index, shard) in all.shards.iter().enumerate() {
        let sum = |figure: fn(&ShardForecast) -> Option<f64>| -> f64 {
            alone
                .iter()
                .filter_map(|forecast| figure(&forecast.shards[index]))
                .sum()
        };
        assert!(close(
            shard.records_per_s.unwrap(),
            sum(|shard| shard.records_per_s)
        ));
        assert!(close(
            shard.bytes_per_s.unwrap(),
            sum(|shard| shard.bytes_per_s)
        ));
    }
    assert_eq!(all.heaviest[0].key, "key-0");
    let sum: f64 = alone
        .iter()
        .filter_map(|forecast| forecast.heaviest[0].records_per_s)
        .sum();
    assert!(close(all.heaviest[0].records_per_s.unwrap(), sum));
}

#[test]
fn closed_arrivals_have_shares_and_no_rates() {
    let ranges = HashKeyRange::initial(2);
    let closed = |outstanding, choice| producer(3, Arrival::Closed { outstanding }, choice, FIXED);
    let one = closed(1, KeyChoice::Single);
    let many = closed(3, KeyChoice::Unique);
    let all = forecast(&[&one, &many], LOAD, &ranges, &Limits::aws());
    assert_eq!(all.records_per_s, None);
    assert!(close(all.heaviest[0].share, 0.25));
    assert_eq!(all.heaviest[0].records_per_s, None);
    let hot = &all.shards[all.heaviest[0].shard.unwrap()];
    assert!(close(hot.share, 0.25 + 0.75 / 2.0));
    assert_eq!(hot.binds, Some(Cause::WriteRecords));
    assert_eq!(
        (hot.records_per_s, hot.bytes_per_s, hot.refused_share),
        (None, None, None)
    );
    let open = producer(1, POISSON, KeyChoice::Unique, FIXED);
    assert!(close(
        forecast(&[&one, &open], LOAD, &ranges, &Limits::aws()).heaviest[0].share,
        0.5
    ));
}

#[test]
fn unique_keys_spread_by_the_width_of_the_ranges_without_a_heavy_key() {
    let unique = producer(2, POISSON, KeyChoice::Unique, FIXED);
    let forecast = forecast(&[&unique], LOAD, &HashKeyRange::initial(4), &Limits::aws());
    assert!(forecast.heaviest.is_empty());
    assert!(forecast.shards.iter().all(|shard| close(shard.share, 0.25)));
    // Each of the records falls where it will: the binomial standard error.
    let records = forecast.records_per_s.unwrap() * LOAD.as_secs_f64();
    let error = (0.25 * 0.75 / records).sqrt();
    assert!(close(forecast.shards[0].share_error, error));
    assert!(close(forecast.tail_share, 1.0));
}

#[test]
fn the_largest_populations_are_forecast_and_drawn_without_a_panic() {
    let population = u64::MAX;
    let choices = [
        KeyChoice::Uniform { population },
        KeyChoice::Sequential { population },
        KeyChoice::Zipf {
            population,
            exponent: 0.5,
        },
        KeyChoice::HotSet {
            hot_keys: population - 1,
            hot_share: 0.5,
            population,
        },
    ];
    for choice in choices {
        let producer = producer(3, POISSON, choice.clone(), FIXED);
        let forecast = forecast_hashing(
            &[&producer],
            LOAD,
            &HashKeyRange::initial(2),
            &Limits::aws(),
            100,
        );
        let total: f64 = forecast.shards.iter().map(|shard| shard.share).sum();
        assert!(close(total, 1.0), "{choice:?}: {total}");
        let mut source = RecordSource::new(1, &producer, 2);
        let plans: Vec<_> = (0..100).map(|_| source.next()).collect();
        assert!(plans.iter().all(|plan| plan.key < population));
    }
}

#[test]
fn a_stream_without_producers_or_shards_is_no_error() {
    let none = forecast(&[], LOAD, &HashKeyRange::initial(2), &Limits::aws());
    assert_eq!(
        (
            none.records_per_s,
            none.shards[0].share,
            none.shards[0].binds
        ),
        (Some(0.0), 0.0, None)
    );
    let single = producer(1, POISSON, KeyChoice::Single, FIXED);
    let nowhere = forecast(&[&single], LOAD, &[], &Limits::aws());
    assert_eq!((nowhere.shards.len(), nowhere.heaviest[0].shard), (0, None));
}

#[test]
fn packed_records_count_as_those_that_they_become() {
    let mut producer = producer(
        2,
        Arrival::Constant { rate: 8_000.0 },
        KeyChoice::Uniform { population: 3_000 },
        Size::Fixed { bytes: 91 },
    );
    let aggregate = |max_records, max_bytes| {
        Some(Aggregate {
            max_records,
            max_bytes,
            linger: Duration::from_millis(100),
        })
    };
    let kinesis_per_s = |producer: &Producer| {
        let ranges = HashKeyRange::initial(2);
        let forecast = forecast(&[producer], LOAD, &ranges, &Limits::aws());
        let shards = forecast.shards.iter();
        shards
            .filter_map(|shard| shard.kinesis_records_per_s)
            .sum::<f64>()
    };
    assert!(close(kinesis_per_s(&producer), 8_000.0));
    // 2 workers and 2 shards with 2,000/s each: 1 + 200 in 100 ms.
    producer.send.aggregate = aggregate(u32::MAX, 51_200);
    let rate = kinesis_per_s(&producer);
    assert!((rate - 8_000.0 / 201.0).abs() < 0.5, "{rate}");
    // Keys of several kinds are packed together.
    // 3,000/s of each worker for the shard of the one key, and 1,000/s for the other.
    let of_several = mixed(0.5, KeyChoice::Unique);
    let of_one_kind = std::mem::replace(&mut producer.keys.choice, of_several);
    let rate = kinesis_per_s(&producer);
    assert!(close(rate, 6_000.0 / 301.0 + 2_000.0 / 101.0), "{rate}");
    producer.keys.choice = of_one_kind;
    producer.send.aggregate = aggregate(50, 51_200);
    assert!(close(kinesis_per_s(&producer), 160.0));
    // About 8 bytes of key and 9 of packing: 9 to one of 1,000 bytes, and never a part of the tenth.
    producer.send.aggregate = aggregate(50, 1_000);
    let rate = kinesis_per_s(&producer);
    assert!(close(rate, 8_000.0 / 9.0), "{rate}");
    // Two are too many.
    producer.send.aggregate = aggregate(50, 220);
    assert!(close(kinesis_per_s(&producer), 8_000.0));
}

fn recorded(aggregate: Option<Aggregate>) -> Producer {
    let keys = [("a", 0), ("b", u128::MAX)];
    let table = KeyTable::recorded(
        keys.map(|(text, at)| (text.to_owned(), HashKey(at))),
        &[0, 1, 0, 0],
    );
    let choice = KeyChoice::Listed(std::sync::Arc::new(table));
    let mut producer = producer(1, Arrival::Constant { rate: 4_000.0 }, choice, FIXED);
    producer.send.aggregate = aggregate;
    producer
}

#[test]
fn recorded_records_count_against_the_record_limit_and_are_packed_only_where_the_producer_packs() {
    let said = |producers: &[&Producer]| {
        forecast(producers, LOAD, &HashKeyRange::initial(2), &Limits::aws())
    };
    let kinesis_per_s = |said: &Forecast| -> f64 {
        let shards = said.shards.iter();
        shards.filter_map(|shard| shard.kinesis_records_per_s).sum()
    };
    let plain = recorded(None);
    let alone = said(&[&plain]);
    for shard in &alone.shards {
        let of_limit = 4_000.0 * shard.share / 1_000.0;
        assert!(close(shard.write_records_utilisation.unwrap(), of_limit));
    }
    assert!(close(kinesis_per_s(&alone), 4_000.0));

    let drawn = producer(1, POISSON, KeyChoice::Uniform { population: 300 }, FIXED);
    let other = said(&[&drawn]);
    let both = said(&[&plain, &drawn]);
    for (index, shard) in both.shards.iter().enumerate() {
        let [one, two] =
            [&alone, &other].map(|said| said.shards[index].write_records_utilisation.unwrap());
        assert!(close(shard.write_records_utilisation.unwrap(), one + two));
    }
    assert!(close(kinesis_per_s(&both), both.records_per_s.unwrap()));

    let packing = recorded(Some(Aggregate {
        max_records: 50,
        max_bytes: 51_200,
        linger: Duration::from_millis(100),
    }));
    assert!(close(kinesis_per_s(&said(&[&packing])), 80.0));
    assert!(close(kinesis_per_s(&said(&[&packing, &drawn])), 2_480.0));
}

/// One key for this share of the records, and others for the rest.
fn mixed(share: f64, others: KeyChoice) -> KeyChoice {
    let keys = |choice| Keys {
        choice,
        format: ("key-".to_owned(), String::new()),
    };
    let single = (share, keys(KeyChoice::Single));
    KeyChoice::Mix(vec![single, (1.0 - share, keys(others))])
}

#[test]
fn bytes_of_packed_records_are_those_that_packing_makes_of_them() {
    let data = [7; 80];
    for (choice, most) in [
        (KeyChoice::Single, 50),
        (KeyChoice::Uniform { population: 20 }, 50),
        (KeyChoice::Uniform { population: 300 }, 400),
        (KeyChoice::Unique, 50),
        (KeyChoice::Single, 2),
        (mixed(0.9, KeyChoice::Uniform { population: 2_000 }), 400),
        (mixed(0.3, KeyChoice::Uniform { population: 40 }), 100),
    ] {
        let closed = Arrival::Closed { outstanding: 1 };
        let mut producer = producer(1, closed, choice.clone(), Size::Fixed { bytes: 80 });
        producer.send.aggregate = Some(Aggregate {
            max_records: most,
            max_bytes: 51_200,
            linger: Duration::from_millis(100),
        });
        let load = [&producer];
        let ranges = [HashKeyRange::FULL];
        let shards = ShardIndex::new(&ranges);
        let senders = senders(&load, LOAD);
        let mut each = Each::default();
        for part in parts(&load, &senders, LOAD, &shards) {
            let placed = Placement::of(part.keys, &shards, EXACT_KEYS, None, 1).shards[0];
            each.add(part.share, &placed, 80.0);
        }
        let records = senders[0].packing.unwrap().records_of_one(&each);
        assert!(close(records, f64::from(most)), "{records}");

        let text = KeyText::new(&producer.keys);
        let mut source = RecordSource::new(3, &producer, 0);
        let (mut made, times) = (0, 40);
        for _ in 0..times {
            let numbers = (0..most).map(|_| source.next().key);
            let number = |key| match choice {
                // Of so many records that most have seven digits.
                KeyChoice::Unique => 5_000_000 + key,
                _ => key,
            };
            let written = |key| {
                let mut key_text = String::new();
                text.write(number(key), &mut key_text);
                key_text
            };
            let keys: Vec<_> = numbers.map(written).collect();
            let users = keys.iter().map(|key| crate::kinesis::record::PutEntry {
                partition_key: key,
                data: &data,
                explicit_hash_key: None,
            });
            let mut out = Vec::new();
            aggregate::encode(users, &mut out);
            made += out.len() + aggregate::PARTITION_KEY.len();
        }
        let made = made as f64 / f64::from(times);
        let said = each.sent_bytes(records);
        assert!(
            (said / made - 1.0).abs() < 0.03,
            "{choice:?}: {said} for {made}"
        );
    }
}

#[test]
fn the_byte_limit_binds_and_refuses_by_packed_bytes() {
    let single = KeyChoice::Single;
    let mut producer = producer(
        1,
        Arrival::Constant { rate: 12_200.0 },
        single,
        Size::Fixed { bytes: 80 },
    );
    producer.send.aggregate = Some(Aggregate {
        max_records: 50,
        max_bytes: 51_200,
        linger: Duration::from_millis(100),
    });
    let load = Duration::from_mins(10);
    let said = forecast(&[&producer], load, &[HashKeyRange::FULL], &Limits::aws());
    // 20 of frame, 2 + 5 of the key, 6 to each record and "a".
    let bytes = 244.0 * (20.0 + 7.0 + 50.0 * 86.0 + 1.0);
    let shard = &said.shards[0];
    assert!(close(shard.bytes_per_s.unwrap(), bytes));
    assert_eq!(shard.binds, Some(Cause::WriteBytes));
    let refused = (1.0 - 1_048_576.0 / bytes).max(0.0);
    assert!(close(shard.refused_share.unwrap(), refused));
    // In 12 s a limit's reserve takes all that is too much.
    let said = forecast(&[&producer], LOAD, &[HashKeyRange::FULL], &Limits::aws());
    assert_eq!(said.shards[0].refused_share, Some(0.0));
}

/// 1,900/s for 30 s and 10/s for 30 s, from one moment of that on.
fn bursts(first: Duration) -> Arrival {
    let burst = Curve::Burst {
        on_rate: 1_900.0,
        off_rate: 10.0,
        on: Duration::from_secs(30),
        off: Duration::from_secs(30),
        random: false,
    };
    let parts = vec![(first, Curve::Flat { rate: 10.0 }), (Duration::MAX, burst)];
    Arrival::Varying {
        curve: Curve::Sequence { parts },
        spacing: Spacing::Constant,
    }
}

#[test]
fn a_load_that_is_below_a_limit_in_the_mean_is_refused_what_lies_above_it_in_bursts() {
    let single = KeyChoice::Single;
    let one = producer(1, bursts(Duration::from_secs(30)), single.clone(), FIXED);
    let hour = Duration::from_hours(1);
    let range = [HashKeyRange::FULL];
    let said = forecast(&[&one], hour, &range, &Limits::aws());
    let shard = &said.shards[0];
    assert!(close(shard.write_records_utilisation.unwrap(), 0.955));
    assert!(close(shard.peak_write_records_utilisation.unwrap(), 1.9));
    assert!(close(said.peak_records_per_s.unwrap(), 1_900.0));
    // 27,000 of a burst and its pause's 57,300, less the reserve.
    assert!(close(shard.refused_share.unwrap(), 26_000.0 / 57_300.0));
    assert!(!said.random_bursts && close(said.followed_share, 1.0));

    // One pauses while the other bursts: together 1,910/s in the first half minute of each, and never more.
    let other = producer(1, bursts(Duration::from_mins(1)), single, FIXED);
    let both = forecast(&[&one, &other], hour, &range, &Limits::aws());
    assert!(close(both.peak_records_per_s.unwrap(), 1_910.0), "{both:?}");
    let refused = both.shards[0].refused_share.unwrap();
    assert!((refused - 910.0 / 1_910.0).abs() < 0.01, "{refused}");
}

#[test]
fn packed_records_of_a_burst_are_more_in_each_kinesis_record_and_not_more_kinesis_records() {
    let mut producer = producer(
        1,
        bursts(Duration::from_secs(30)),
        KeyChoice::Single,
        Size::Fixed { bytes: 91 },
    );
    producer.send.aggregate = Some(Aggregate {
        max_records: 1_000,
        max_bytes: 51_200,
        linger: Duration::from_millis(100),
    });
    let hour = Duration::from_hours(1);
    let said = forecast(&[&producer], hour, &[HashKeyRange::FULL], &Limits::aws());
    let shard = &said.shards[0];
    // 1 + 190 in each for half of the time, 1 + 1 for the other half.
    assert!(close(
        shard.peak_kinesis_records_per_s.unwrap(),
        1_900.0 / 191.0
    ));
    let mean = f64::midpoint(1_900.0 / 191.0, 10.0 / 2.0);
    assert!(close(shard.kinesis_records_per_s.unwrap(), mean));
    assert!(shard.peak_bytes_per_s.unwrap() > 1_900.0 * 91.0);
    assert_eq!(shard.refused_share, Some(0.0));
}

#[test]
fn explicit_hash_keys_are_in_the_bytes_of_packed_records() {
    let data = [7; 80];
    let keys = (0..40u128).map(|key| (format!("k{key}"), 1.0, HashKey(key << 122)));
    let table = std::sync::Arc::new(KeyTable::explicit(keys));
    let choice = KeyChoice::Listed(std::sync::Arc::clone(&table));
    let closed = Arrival::Closed { outstanding: 1 };
    let mut producer = producer(1, closed, choice, Size::Fixed { bytes: 80 });
    producer.send.aggregate = Some(Aggregate {
        max_records: 100,
        max_bytes: 51_200,
        linger: Duration::from_millis(100),
    });
    let ranges = [HashKeyRange::FULL];
    let shards = ShardIndex::new(&ranges);
    let placed = Placement::of(&producer.keys, &shards, EXACT_KEYS, None, 1).shards[0];
    let mut each = Each::default();
    each.add(1.0, &placed, 80.0);
    let mut source = RecordSource::new(3, &producer, 0);
    let (mut made, times) = (0, 40);
    for _ in 0..times {
        let numbers: Vec<_> = (0..100).map(|_| source.next().key).collect();
        let users = numbers
            .iter()
            .map(|&number| crate::kinesis::record::PutEntry {
                partition_key: table.text(number),
                data: &data,
                explicit_hash_key: table.explicit_hash_key(number),
            });
        let mut out = Vec::new();
        aggregate::encode(users, &mut out);
        made += out.len() + aggregate::PARTITION_KEY.len();
    }
    let made = made as f64 / f64::from(times);
    let said = each.sent_bytes(100.0);
    assert!((said / made - 1.0).abs() < 0.02, "{said} for {made}");
}
