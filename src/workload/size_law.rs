//! How large a producer's records are before any is drawn: drawn sizes by their law, payloads with a size of their own by
//! the exact law of what they are made of.

use std::collections::BTreeMap;
use std::time::Duration;

use super::arrival::records_per_s;
use super::key_text::KeyText;
use super::shares::bands;
use super::sizes::{mean_bytes, share_above};
use super::stamp::Stamp;
use crate::scenario::model::{
    KeyChoice, Keys, Payload, PayloadKind, Piece, Producer, Size, StampPlace,
};

/// How many records a producer without a rate is taken to send, where the lengths of their numbers count.
const RECORDS_WITHOUT_RATE: f64 = 1_000_000.0;

/// Bytes and the share of the records that have so many.
type Lengths = BTreeMap<u64, f64>;

/// The law of a producer's sizes in bytes of data, stamp included.
#[derive(Clone, Debug)]
pub struct SizeLaw(Law);

#[derive(Clone, Debug)]
enum Law {
    Drawn(Size),
    /// Sizes that rise, each with the share of the records that have it or a larger one.
    Table {
        sizes: Vec<(u64, f64)>,
        mean: f64,
    },
}

impl SizeLaw {
    /// The law of this producer's sizes over the load. Of JSON of its own size it is exact but for the numbers of records
    /// and of keys without end: they are taken as even over what the whole load has, a million where there is no rate.
    pub fn of(producer: &Producer, load: Duration) -> Self {
        let Size::Natural { .. } = &producer.size else {
            return Self(Law::Drawn(producer.size.clone()));
        };
        let lengths = natural(producer, load);
        let total: f64 = lengths.values().sum();
        let mut left = total;
        let sizes = lengths.iter().map(|(bytes, share)| {
            let with = left;
            left -= share;
            (*bytes, (with / total).clamp(0.0, 1.0))
        });
        Self(Law::Table {
            sizes: sizes.collect(),
            mean: mean(&lengths),
        })
    }

    /// The mean: exact, and of normal and log-normal sizes within half a byte.
    pub fn mean_bytes(&self) -> f64 {
        match &self.0 {
            Law::Drawn(size) => mean_bytes(size).unwrap_or(0.0),
            Law::Table { mean, .. } => *mean,
        }
    }

    /// The standard deviation, in bytes: exact where all sizes are the same, else within some percent.
    pub fn deviation_bytes(&self) -> f64 {
        let mean = self.mean_bytes();
        let is_fixed = mean.fract() == 0.0
            && self.share_above(mean as u64) <= 0.0
            && (mean < 1.0 || self.share_above(mean as u64 - 1) >= 1.0);
        if is_fixed {
            return 0.0;
        }
        // The mean square is the integral of 2x times the share above x; in steps of a byte, and later of a hundredth.
        let (mut squares, mut at, mut above) = (0.0, 0u64, self.share_above(0));
        while at < self.max_bytes() {
            let next = (at + 1).max(at + at / 100);
            let share = self.share_above(next);
            squares += f64::midpoint(above, share) * ((next as f64).powi(2) - (at as f64).powi(2));
            (at, above) = (next, share);
        }
        (squares - mean * mean).max(0.0).sqrt()
    }

    /// The share of the records that are larger, 0 to 1.
    pub fn share_above(&self, bytes: u64) -> f64 {
        match &self.0 {
            Law::Drawn(size) => share_above(size, bytes).unwrap_or(0.0),
            Law::Table { sizes, .. } => {
                let after = sizes.partition_point(|(size, _)| *size <= bytes);
                sizes.get(after).map_or(0.0, |(_, share)| *share)
            }
        }
    }

    /// No record is larger.
    pub fn max_bytes(&self) -> u64 {
        match &self.0 {
            Law::Drawn(size) => size.max_bytes(),
            Law::Table { sizes, .. } => sizes.last().map_or(0, |(bytes, _)| *bytes),
        }
    }
}

fn mean(lengths: &Lengths) -> f64 {
    let total: f64 = lengths.values().sum();
    lengths
        .iter()
        .map(|(bytes, share)| *bytes as f64 * share / total)
        .sum()
}

fn natural(producer: &Producer, load: Duration) -> Lengths {
    let Payload { kind, stamp } = &producer.payload;
    let records = records_per_s(&producer.arrival, load)
        .map_or(RECORDS_WITHOUT_RATE, |rate| rate * load.as_secs_f64());
    let (mut lengths, brace) = match kind {
        PayloadKind::Lines { file, .. } => {
            let mut lengths = Lengths::new();
            for bytes in file.line_bytes() {
                *lengths.entry(bytes).or_insert(0.0) += 1.0;
            }
            (lengths, 0)
        }
        PayloadKind::Json(template) => {
            let mut lengths = Lengths::from([(0, 1.0)]);
            let count = |wanted: &Piece| {
                let pieces = template.pieces().iter();
                pieces.filter(|piece| *piece == wanted).count() as u64
            };
            for piece in template.pieces() {
                if !matches!(piece, Piece::Key | Piece::Sequence) {
                    lengths = sum(&lengths, piece.lengths());
                }
            }
            // The same key and number stand everywhere in a record.
            let keys = count(&Piece::Key);
            if keys > 0 {
                let of = key_lengths(&producer.keys, records);
                lengths = sum(&lengths, of.into_iter().map(|(n, share)| (n * keys, share)));
            }
            let sequences = count(&Piece::Sequence);
            if sequences > 0 {
                let each = records / f64::from(producer.workers.max(1));
                let of = number_lengths(each);
                lengths = sum(
                    &lengths,
                    of.into_iter().map(|(n, share)| (n * sequences, share)),
                );
            }
            let comma = u64::from(template.has_members() && *stamp == StampPlace::JsonField);
            (lengths, 1 + comma)
        }
        _ => (Lengths::from([(0, 1.0)]), 0),
    };
    let stamp = match stamp {
        StampPlace::Prefix => Stamp::BYTES,
        StampPlace::JsonField => Stamp::FIELD_BYTES,
        StampPlace::None => 0,
    };
    lengths = lengths
        .into_iter()
        .map(|(bytes, share)| (bytes + brace + stamp as u64, share))
        .collect();
    lengths
}

/// The lengths of two independent texts in a row.
fn sum(one: &Lengths, other: impl IntoIterator<Item = (u64, f64)>) -> Lengths {
    let mut both = Lengths::new();
    for (more, part) in other {
        for (bytes, share) in one {
            *both.entry(bytes + more).or_insert(0.0) += share * part;
        }
    }
    both
}

/// The ranges of numbers below `end` that have as many digits, with that count.
fn by_digits(first: u64, end: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let mut at = first;
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let digits = at.checked_ilog10().unwrap_or(0) + 1;
        let until = 10u64.checked_pow(digits).unwrap_or(u64::MAX).min(end);
        let range = (at, until, u64::from(digits));
        at = until;
        Some(range)
    })
}

/// The lengths of the numbers from 0, as many as `count`.
fn number_lengths(count: f64) -> Lengths {
    let end = (count.ceil() as u64).max(1);
    by_digits(0, end)
        .map(|(from, until, digits)| (digits, (until - from) as f64 / end as f64))
        .collect()
}

/// The lengths of partition keys as JSON text. Keys that are new all the time have numbers from 0 to as many as there are.
fn key_lengths(keys: &Keys, records: f64) -> Lengths {
    if let KeyChoice::Mix(parts) = &keys.choice {
        let total: f64 = parts.iter().map(|(share, _)| share).sum();
        let mut lengths = Lengths::new();
        for (share, keys) in parts {
            for (bytes, part) in key_lengths(keys, records * share / total) {
                *lengths.entry(bytes).or_insert(0.0) += part * share / total;
            }
        }
        return lengths;
    }
    let text = KeyText::new(keys);
    let salt = text.salt();
    let mut written = Vec::new();
    let mut bytes = |number: u64| {
        written.clear();
        text.write_json(number.saturating_mul(salt), &mut written);
        written.len() as u64
    };
    let listed = match &keys.choice {
        KeyChoice::Listed(table) => Some(table),
        KeyChoice::Salted { of, .. } => match &**of {
            KeyChoice::Listed(table) => Some(table),
            _ => None,
        },
        _ => None,
    };
    let mut lengths = Lengths::new();
    if let Some(table) = listed {
        for number in 0..table.population() {
            *lengths.entry(bytes(number)).or_insert(0.0) += table.share(number);
        }
    } else {
        for band in bands(&keys.choice) {
            for (from, until, _) in by_digits(band.first, band.end) {
                *lengths.entry(bytes(from)).or_insert(0.0) += band.mass(from, until);
            }
        }
    }
    if lengths.is_empty() {
        let new = match keys.choice {
            KeyChoice::Latest { new_share, .. } => records * new_share,
            _ => records,
        };
        let around = bytes(0) - 1;
        lengths = number_lengths(new)
            .into_iter()
            .map(|(digits, share)| (digits + around, share))
            .collect();
    }
    if salt > 1 {
        // Key number zero's salt is one digit long already.
        let salts = number_lengths(salt as f64);
        lengths = sum(
            &lengths,
            salts.into_iter().map(|(digits, share)| (digits - 1, share)),
        );
    }
    lengths
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::model::{Arrival, JsonTemplate, KeyTable, PayloadFile};
    use crate::workload::draw::RecordSource;
    use crate::workload::draw::tests::producer;

    const RECORDS: u64 = 60_000;

    /// Draws all records of a minute and holds their sizes against the law.
    fn assert_agrees(kind: PayloadKind, stamp: StampPlace, keys: KeyChoice) {
        let natural = Size::Natural {
            min: 0,
            max: 100_000,
        };
        let arrival = Arrival::Constant {
            rate: RECORDS as f64 / 60.0,
        };
        let mut producer = producer(3, arrival, keys, natural);
        producer.keys.format = ("k\"".to_owned(), "\u{1}".to_owned());
        producer.payload = Payload { kind, stamp };
        let law = SizeLaw::of(&producer, Duration::from_mins(1));
        let mut sizes = Vec::new();
        for worker in 0..3 {
            let mut source = RecordSource::new(9, &producer, worker);
            sizes.extend((0..RECORDS / 3).map(|_| u64::from(source.next().size)));
        }
        let count = sizes.len() as f64;
        let mean = sizes.iter().sum::<u64>() as f64 / count;
        let squares: f64 = sizes.iter().map(|&size| (size as f64 - mean).powi(2)).sum();
        let error = (squares / count / count).sqrt();
        let said = law.mean_bytes();
        assert!(
            (mean - said).abs() < 4.0 * error + 1e-6,
            "{producer:?}: {mean} +- {error}, not {said}"
        );
        for bytes in sizes
            .iter()
            .copied()
            .take(50)
            .flat_map(|size| [size - 1, size])
        {
            let above = sizes.iter().filter(|&&size| size > bytes).count() as f64 / count;
            let said = law.share_above(bytes);
            assert!(
                (above - said).abs() < 0.011,
                "{producer:?} above {bytes}: {above}, not {said}"
            );
        }
        assert!(sizes.iter().all(|size| *size <= law.max_bytes()));
        assert_eq!(law.share_above(law.max_bytes()).to_bits(), 0);
    }

    #[test]
    fn json_and_lines_have_the_sizes_that_are_forecast() {
        let template = r#"{"n": "${sequence}", "k": "${key}", "also": "${key}", "i": "${int -200..1500}", "f": "${float -1..20}",
            "c": "${choice a|bb|cccc|dd}", "u": "${uuid}", "t": "${time} ${text 5}"}"#;
        let json = || PayloadKind::Json(Arc::new(JsonTemplate::parse(template).unwrap()));
        let listed = [("\"\"", 5.0), ("tenant", 2.5)].map(|(key, weight)| (key.to_owned(), weight));
        let listed = KeyChoice::Listed(Arc::new(KeyTable::weighted(listed)));
        let zipf = KeyChoice::Zipf {
            population: 5_000,
            exponent: 1.1,
        };
        for keys in [
            zipf.clone(),
            KeyChoice::Unique,
            KeyChoice::HotSet {
                hot_keys: 2,
                hot_share: 0.4,
                population: 300,
            },
            listed.clone(),
            KeyChoice::Salted {
                salt: 120,
                of: Box::new(listed),
            },
        ] {
            assert_agrees(json(), StampPlace::JsonField, keys);
        }
        assert_agrees(json(), StampPlace::Prefix, zipf.clone());
        let empty = PayloadKind::Json(Arc::new(JsonTemplate::parse("{}").unwrap()));
        assert_agrees(empty, StampPlace::JsonField, KeyChoice::Single);
        let lines: String = (0..40usize)
            .map(|line| "x".repeat(1 + line * line) + "\n")
            .collect();
        let file = PayloadFile::new(lines.into_bytes());
        for in_order in [false, true] {
            let file = file.clone();
            assert_agrees(
                PayloadKind::Lines { file, in_order },
                StampPlace::None,
                zipf.clone(),
            );
        }
    }

    #[test]
    fn a_load_without_a_rate_is_taken_for_a_million_records() {
        let template = JsonTemplate::parse(r#"{"n": "${sequence}"}"#).unwrap();
        let natural = Size::Natural { min: 0, max: 99 };
        let closed = Arrival::Closed { outstanding: 5 };
        let mut producer = producer(1, closed, KeyChoice::Single, natural);
        producer.payload = Payload {
            kind: PayloadKind::Json(Arc::new(template)),
            stamp: StampPlace::None,
        };
        let law = SizeLaw::of(&producer, Duration::from_secs(1));
        let digits = (10.0 + 90.0 * 2.0 + 900.0 * 3.0 + 9e3 * 4.0 + 9e4 * 5.0 + 9e5 * 6.0) / 1e6;
        assert!((law.mean_bytes() - (6.0 + digits)).abs() < 1e-9, "{law:?}");
    }
}
