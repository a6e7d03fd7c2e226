//! JSON payloads: a template with its values, padded to a wanted size, with the stamp as its last member.

use std::fmt;
use std::sync::Arc;

use jiff::fmt::temporal::DateTimePrinter;
use rand_xoshiro::rand_core::Rng as _;

use super::key_text::KeyText;
use super::payload::append_ring;
use super::stamp::Stamp;
use crate::base::Timestamp;
use crate::base::rng::Rng;
use crate::scenario::model::{JsonTemplate, Piece, Range, TIME_BYTES};

/// The 64 characters of random text: each byte value stands for one of them, four for each.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What pads, without its text.
const PAD: &[u8] = b"\"_pad\":\"";

/// Makes payloads of a template. Clones share it.
#[derive(Clone)]
pub(super) struct JsonPayload {
    template: Arc<JsonTemplate>,
    /// Random letters, digits, `-` and `_`, a power of two of them.
    letters: Arc<[u8]>,
}

/// What the values of one record come from.
#[derive(Debug)]
pub(super) struct Values<'a> {
    /// The record's own generator, at its beginning.
    pub(super) rng: Rng,
    pub(super) key: u64,
    pub(super) keys: &'a KeyText,
    pub(super) sequence: u64,
    pub(super) intended: Timestamp,
}

impl JsonPayload {
    pub(super) fn new(template: Arc<JsonTemplate>, mut ring: Vec<u8>) -> Self {
        for byte in &mut ring {
            *byte = LETTERS[usize::from(*byte & 63)];
        }
        Self {
            template,
            letters: ring.into(),
        }
    }

    /// Appends one object. With `padded` it has so many bytes, stamp included, as far as its values and an empty member
    /// leave room; else what it takes. With `field` its last member is a stamp's, still to be written.
    pub(super) fn append(
        &self,
        mut values: Values<'_>,
        padded: Option<(usize, u32)>,
        field: bool,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        for piece in self.template.pieces() {
            self.piece(piece, &mut values, out);
        }
        let mut comma = self.template.has_members();
        let mut next_member = |out: &mut Vec<u8>| {
            if comma {
                out.push(b',');
            }
            comma = true;
        };
        if let Some((bytes, offset)) = padded {
            next_member(out);
            out.extend_from_slice(PAD);
            // A quote and the brace; a comma and the stamp's member.
            let behind = 2 + if field { 1 + Stamp::FIELD_BYTES } else { 0 };
            let pad = (start + bytes).saturating_sub(out.len() + behind);
            append_ring(&self.letters, offset, pad, out);
            out.push(b'"');
        }
        if field {
            next_member(out);
            Stamp::append_field(out);
        }
        out.push(b'}');
    }

    fn piece(&self, piece: &Piece, values: &mut Values<'_>, out: &mut Vec<u8>) {
        match piece {
            Piece::Fixed(text) => out.extend_from_slice(text.as_bytes()),
            Piece::Uuid => uuid(&mut values.rng, out),
            Piece::Int(range) => {
                let number = draw(*range, &mut values.rng);
                out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            }
            Piece::Float(range, decimals) => {
                float(draw(*range, &mut values.rng), *decimals as usize, out);
            }
            Piece::Time => time(values.intended, out),
            Piece::Key => values.keys.write_json(values.key, out),
            Piece::Sequence => {
                out.extend_from_slice(itoa::Buffer::new().format(values.sequence).as_bytes());
            }
            Piece::Choice(texts) => {
                let place = below(texts.len() as u64 - 1, &mut values.rng) as usize;
                out.extend_from_slice(texts[place].as_bytes());
            }
            Piece::Text(count) => {
                let offset = values.rng.next_u32();
                append_ring(&self.letters, offset, *count as usize, out);
            }
        }
    }
}

impl fmt::Debug for JsonPayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON, {} random letters", self.letters.len())
    }
}

/// A number from 0 to `most`: the high half of a product with 64 random bits (Lemire, 2019, without its second draw; no
/// number is favoured by more than one part in 2^64 divided by their count).
fn below(most: u64, rng: &mut Rng) -> u64 {
    ((u128::from(rng.next_u64()) * (u128::from(most) + 1)) >> 64) as u64
}

fn draw(range: Range, rng: &mut Rng) -> i64 {
    range.min.wrapping_add_unsigned(below(range.span(), rng))
}

/// A number whose last `decimals` digits stand behind a point.
fn float(number: i64, decimals: usize, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number.unsigned_abs()).as_bytes();
    let whole = digits.len().saturating_sub(decimals);
    if whole == 0 {
        out.push(b'0');
    }
    out.extend_from_slice(&digits[..whole]);
    out.push(b'.');
    out.resize(out.len() + decimals - (digits.len() - whole), b'0');
    out.extend_from_slice(&digits[whole..]);
}

/// A UUID of version 4 (RFC 9562, section 5.4).
fn uuid(rng: &mut Rng, out: &mut Vec<u8>) {
    let high = (rng.next_u64() & !0xf000) | 0x4000;
    let low = (rng.next_u64() & (u64::MAX >> 2)) | (1 << 63);
    for (index, byte) in high
        .to_be_bytes()
        .into_iter()
        .chain(low.to_be_bytes())
        .enumerate()
    {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
        out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

/// An intended time as RFC 3339 has it, to the microsecond.
fn time(at: Timestamp, out: &mut Vec<u8>) {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
    let start = out.len();
    if let Ok(time) = jiff::Timestamp::from_nanosecond(i128::from(at.as_nanos()))
        && PRINTER.print_timestamp(&time, &mut *out).is_ok()
    {
        debug_assert_eq!((out.len() - start) as u64, TIME_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::generator;
    use crate::scenario::model::{KeyChoice, Keys};
    use proptest::prelude::*;

    fn payload(template: &str) -> JsonPayload {
        let template = JsonTemplate::parse(template).unwrap();
        let mut ring = vec![0; 1 << 12];
        generator(7, "payload", 0, "pool").fill_bytes(&mut ring);
        JsonPayload::new(Arc::new(template), ring)
    }

    fn made(template: &str, seed: u64, padded: Option<usize>, field: bool) -> Vec<u8> {
        let keys = KeyText::new(&Keys {
            choice: KeyChoice::Uniform { population: 9 },
            format: ("key \"".to_owned(), String::new()),
        });
        let values = Values {
            rng: generator(seed, "values", 0, "json"),
            key: 7,
            keys: &keys,
            sequence: 42,
            intended: Timestamp::from_nanos(1_769_860_800_123_456_789),
        };
        let mut out = b"before".to_vec();
        payload(template).append(values, padded.map(|bytes| (bytes, 99)), field, &mut out);
        assert!(out.starts_with(b"before"));
        out.split_off(6)
    }

    #[test]
    fn every_placeholder_becomes_what_it_says() {
        let template = r#"{"id": "${uuid}", "n": "${int -3..3}", "f": "${float 0.00..1.00}", "at": "${time}",
            "key": "${key}", "no": "${sequence}", "c": "${choice red|blu\"e}", "t": "${text 12}", "s": "${key}/${int 5..5}"}"#;
        let mut numbers = std::collections::BTreeSet::new();
        let mut ids = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let json: serde_json::Value =
                serde_json::from_slice(&made(template, seed, None, false)).unwrap();
            let id = json["id"].as_str().unwrap().to_owned();
            assert_eq!((id.len(), id.as_bytes()[14]), (36, b'4'));
            assert!(b"89ab".contains(&id.as_bytes()[19]), "{id}");
            assert!(ids.insert(id));
            numbers.insert(json["n"].as_i64().unwrap());
            assert!((0.0..=1.0).contains(&json["f"].as_f64().unwrap()));
            assert_eq!(json["at"], "2026-01-31T12:00:00.123456Z");
            assert_eq!(
                (json["key"].as_str(), json["no"].as_u64()),
                (Some("key \"7"), Some(42))
            );
            assert!(json["c"] == "red" || json["c"] == "blu\"e");
            assert_eq!(json["t"].as_str().map(str::len), Some(12));
            assert_eq!(json["s"], "key \"7/5");
        }
        assert!(numbers.into_iter().eq(-3..=3));
    }

    #[test]
    fn numbers_of_a_range_are_even_and_floats_have_their_decimals() {
        let mut rng = generator(3, "values", 0, "json");
        let mut counts = [0; 7];
        for _ in 0..70_000 {
            counts[(draw(Range { min: -3, max: 3 }, &mut rng) + 3) as usize] += 1;
        }
        crate::workload::goodness::assert_fits("ints", &counts, &[1.0 / 7.0; 7]);
        let shown = |number, decimals| {
            let mut out = Vec::new();
            float(number, decimals, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(shown(-5, 2), "-0.05");
        assert_eq!(shown(12_345, 2), "123.45");
        assert_eq!(shown(0, 6), "0.000000");
        let full = Range {
            min: i64::MIN,
            max: i64::MAX,
        };
        assert_ne!(draw(full, &mut rng), draw(full, &mut rng));
    }

    proptest! {
        #[test]
        fn every_record_is_json_of_the_wanted_size(
            members in prop::collection::vec(("[a-z\"]{1,4}", prop::sample::select(vec![
                "\"${uuid}\"", "\"${int -5..12345}\"", "\"${float -1..1}\"", "\"a ${choice x|y|\\\"z} b\"", "[1, \"${text 9}\"]",
                "\"${time}\"", "{\"k\": \"${key}\"}", "null", "\"\\u00fc\\n\"", "-1.5e3",
            ])), 0..6),
            seed in any::<u64>(), spare in 0usize..600, padded in any::<bool>(), field in any::<bool>(),
        ) {
            let members: Vec<_> = members.iter().enumerate()
                .map(|(index, (name, value))| format!("{}: {value}", serde_json::json!(format!("{index}{name}"))))
                .collect();
            let template = format!("{{{}}}", members.join(","));
            let (_, most) = JsonTemplate::parse(&template).unwrap().bytes((7, 7));
            let least = most as usize + 10 + if field { Stamp::FIELD_BYTES + 1 } else { 0 };
            let bytes = made(&template, seed, padded.then_some(least + spare), field);
            let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
            if padded {
                prop_assert_eq!(bytes.len(), least + spare);
            }
            let all = members.len() + usize::from(padded) + usize::from(field);
            prop_assert_eq!(json.as_object().map(serde_json::Map::len), Some(all));
        }
    }
}
