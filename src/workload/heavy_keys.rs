//! The keys that weigh most in a stream, over all its producers.

use std::collections::BTreeMap;

use super::forecast::Part;
use super::key_text::KeyText;
use super::placement::ShardIndex;
use super::shares::bands;
use crate::kinesis::HashKey;

/// How many of the heaviest keys are named.
pub const NAMED_KEYS: u64 = 10;

/// One of the heaviest keys.
#[derive(Clone, PartialEq, Debug)]
pub struct HeavyKey {
    /// The partition key.
    pub key: String,
    /// Its share of the records, 0 to 1.
    pub share: f64,
    /// Records per second.
    pub records_per_s: Option<f64>,
    /// Where it falls.
    pub hash_key: HashKey,
    /// The index of its shard in [`Forecast::shards`](super::Forecast::shards); `None` if no range holds it.
    pub shard: Option<usize>,
}

/// The heaviest keys of all parts together. Shares rise only where a band begins, so each of the heaviest keys is
/// among the first of some band.
pub(super) fn heaviest(
    parts: &[Part<'_>],
    shards: &ShardIndex<'_>,
    total_per_s: Option<f64>,
) -> Vec<HeavyKey> {
    let laws: Vec<_> = parts
        .iter()
        .map(|part| (part, KeyText::new(part.keys), bands(&part.keys.choice)))
        .collect();
    let mut found: BTreeMap<String, HashKey> = BTreeMap::new();
    for (_, text, bands) in &laws {
        let salt = text.salt();
        let candidates = bands.iter().flat_map(|band| {
            let places = NAMED_KEYS.min(band.end - band.first);
            (0..places).flat_map(move |place| {
                let number = band.nth(place);
                (0..salt.min(NAMED_KEYS)).map(move |with| number * salt + with)
            })
        });
        for number in candidates {
            let mut key = String::new();
            text.write(number, &mut key);
            found.insert(key, text.hash(number));
        }
    }
    // Asked of every part, since two formats can show different numbers alike.
    let share = |key: &str| -> f64 {
        laws.iter()
            .filter_map(|(part, text, bands)| {
                let salt = text.salt();
                Some((part.share / salt as f64, text.number(key)? / salt, bands))
            })
            .flat_map(|(weight, number, bands)| {
                bands.iter().map(move |band| weight * band.share(number))
            })
            .sum()
    };
    let mut heaviest: Vec<HeavyKey> = found
        .into_iter()
        .map(|(key, hash_key)| {
            let share = share(&key);
            HeavyKey {
                share,
                records_per_s: total_per_s.map(|rate| rate * share),
                shard: shards.find(hash_key),
                hash_key,
                key,
            }
        })
        .filter(|key| key.share > 0.0)
        .collect();
    // Equals in the order of their numbers: shorter texts first.
    heaviest.sort_by(|a, b| {
        b.share
            .total_cmp(&a.share)
            .then_with(|| (a.key.len(), &a.key).cmp(&(b.key.len(), &b.key)))
    });
    heaviest.truncate(NAMED_KEYS as usize);
    heaviest
}

#[cfg(test)]
mod tests {
    use crate::kinesis::{HashKeyRange, Limits};
    use crate::scenario::model::{Arrival, KeyChoice, Size};
    use crate::workload::draw::tests::producer;
    use crate::workload::forecast::forecast;

    const POISSON: Arrival = Arrival::Poisson { rate: 2_400.0 };
    const LOAD: std::time::Duration = std::time::Duration::from_secs(12);
    const FIXED: Size = Size::Fixed { bytes: 600 };

    #[test]
    fn the_heaviest_keys_are_found_where_the_hot_set_is_the_colder_one() {
        let choice = KeyChoice::HotSet {
            hot_keys: 900,
            hot_share: 0.1,
            population: 1_000,
        };
        let producer = producer(1, POISSON, choice, FIXED);
        let forecast = forecast(
            &[&producer],
            LOAD,
            &HashKeyRange::initial(2),
            &Limits::aws(),
        );
        assert_eq!(forecast.heaviest.len(), 10);
        assert!(
            forecast
                .heaviest
                .iter()
                .all(|key| (key.share - 0.009).abs() < 1e-12)
        );
        assert_eq!(
            (
                forecast.heaviest[0].key.as_str(),
                forecast.heaviest[9].key.as_str()
            ),
            ("key-900", "key-909")
        );
    }

    #[test]
    fn a_key_that_two_producers_share_weighs_as_both_whatever_their_formats() {
        let zipf = |population, exponent| KeyChoice::Zipf {
            population,
            exponent,
        };
        let web = producer(1, POISSON, zipf(50, 1.0), FIXED);
        let app = producer(1, POISSON, zipf(90, 0.3), FIXED);
        let mut ten = producer(1, POISSON, KeyChoice::Single, FIXED);
        ten.keys.format = ("key-1".to_owned(), String::new());
        let forecast = forecast(
            &[&web, &app, &ten],
            LOAD,
            &HashKeyRange::initial(2),
            &Limits::aws(),
        );
        let share = |number: f64, population: u32, exponent: f64| {
            let total: f64 = (1..=population).map(|k| f64::from(k).powf(-exponent)).sum();
            (number + 1.0).powf(-exponent) / total / 3.0
        };
        let both = |number| share(number, 50, 1.0) + share(number, 90, 0.3);
        // Number 0 after "key-1" is number 10 after "key-", which is not among the others' ten heaviest.
        let mut expected = vec![("key-10".to_owned(), 1.0 / 3.0 + both(10.0))];
        expected.extend((0..9).map(|number| (format!("key-{number}"), both(f64::from(number)))));
        for (key, (text, share)) in forecast.heaviest.iter().zip(&expected) {
            assert_eq!(&key.key, text);
            assert!((key.share - share).abs() < 1e-12, "{key:?} {share}");
        }
    }
}
