//! Templates of JSON payloads: one JSON object whose texts may hold placeholders.

use serde::de::IgnoredAny;

use super::json_walk::Walk;

/// The members that records get besides those of their template.
const OWN_MEMBERS: [&str; 2] = ["_pad", "_sg"];

/// The most random characters of one placeholder: the service's largest record.
const TEXT_MAX: u32 = 10 << 20;

/// Decimals of a float whose bounds are written without any.
const DECIMALS: u32 = 6;

/// Bytes of an intended time, such as `2026-01-31T12:00:00.000000Z`.
pub const TIME_BYTES: u64 = 27;

/// Bytes of a UUID.
const UUID_BYTES: u64 = 36;

/// A template, taken apart: its pieces in a row are a JSON object without the brace at its end.
#[derive(Clone, PartialEq, Debug)]
pub struct JsonTemplate {
    pieces: Box<[Piece]>,
    members: usize,
}

/// A part of a template. Values that stand in texts of their own have their quotes in the pieces around them.
#[derive(Clone, PartialEq, Debug)]
pub enum Piece {
    /// As it stands.
    Fixed(Box<str>),
    /// A random UUID (version 4).
    Uuid,
    /// A whole number.
    Int(Range),
    /// A number with so many decimals, drawn as a whole number of its last decimal.
    Float(Range, u32),
    /// The intended time, RFC 3339 in UTC to the microsecond.
    Time,
    /// The partition key, escaped.
    Key,
    /// The record's number in its worker.
    Sequence,
    /// One of these texts, escaped.
    Choice(Box<[Box<str>]>),
    /// So many random letters, digits, `-` or `_`.
    Text(u32),
}

/// Whole numbers of which each is as likely.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// The least.
    pub min: i64,
    /// The most, not below `min`.
    pub max: i64,
}

/// What is wrong with a template.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what}; {accepted}")]
pub struct TemplateError {
    /// The line of the template, from 1, where that is known.
    pub line: Option<usize>,
    /// What it is.
    pub what: String,
    /// What would be right.
    pub accepted: &'static str,
}

pub(super) const OBJECT_FORM: &str = "accepted: a JSON object, such as {\"id\": \"${uuid}\", \"amount\": \"${int 1..100}\"}; members `_pad` and `_sg` are added by streamgauge";
pub(super) const PLACEHOLDER_FORM: &str = "accepted: ${uuid}, ${int 1..100}, ${float 0..1}, ${time}, ${key}, ${sequence}, ${choice a|b|c}, ${text 20}; a plain `${` is written `$${`";

pub(super) fn wrong(what: impl Into<String>) -> TemplateError {
    TemplateError {
        line: None,
        what: what.into(),
        accepted: PLACEHOLDER_FORM,
    }
}

impl JsonTemplate {
    /// Takes a template apart.
    ///
    /// # Errors
    /// What is not JSON, no object or no known placeholder.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let not_an_object = |line, what: String| TemplateError {
            line,
            what,
            accepted: OBJECT_FORM,
        };
        serde_json::from_str::<IgnoredAny>(text)
            .map_err(|error| not_an_object(Some(error.line()), format!("no JSON: {error}")))?;
        let mut walk = Walk::new(text);
        if walk.next() != Some(b'{') {
            let what = "a template is a JSON object".to_owned();
            return Err(not_an_object(None, what));
        }
        let members = walk.object(&OWN_MEMBERS)?;
        Ok(Self {
            pieces: walk.into_open_pieces(),
            members,
        })
    }

    /// The parts in a row.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether the object has a member, so that one more needs a comma.
    pub const fn has_members(&self) -> bool {
        self.members > 0
    }

    /// The fewest and the most bytes of the object, its end brace counted, with keys of so many bytes as JSON text.
    pub fn bytes(&self, key: (u64, u64)) -> (u64, u64) {
        self.pieces.iter().fold((1, 1), |(least, most), piece| {
            let (low, high) = match piece {
                Piece::Key => key,
                Piece::Sequence => (1, 20),
                piece => {
                    let lengths = piece.lengths();
                    let of = |end: Option<&(u64, f64)>| end.map_or(0, |(bytes, _)| *bytes);
                    (of(lengths.first()), of(lengths.last()))
                }
            };
            (least + low, most + high)
        })
    }
}

impl Piece {
    /// How many bytes it takes with which share of the records, rising; nothing for a key or sequence number, which need
    /// more to be known.
    pub fn lengths(&self) -> Vec<(u64, f64)> {
        let one = |bytes: u64| vec![(bytes, 1.0)];
        match self {
            Self::Fixed(text) => one(text.len() as u64),
            Self::Uuid => one(UUID_BYTES),
            Self::Time => one(TIME_BYTES),
            Self::Text(bytes) => one(u64::from(*bytes)),
            Self::Int(range) => range.lengths(0),
            Self::Float(range, decimals) => range.lengths(*decimals),
            Self::Choice(texts) => {
                let mut lengths: Vec<_> = texts
                    .iter()
                    .map(|text| (text.len() as u64, 1.0 / texts.len() as f64))
                    .collect();
                lengths.sort_by_key(|(bytes, _)| *bytes);
                lengths.dedup_by(|next, kept| {
                    let same = next.0 == kept.0;
                    if same {
                        kept.1 += next.1;
                    }
                    same
                });
                lengths
            }
            Self::Key | Self::Sequence => Vec::new(),
        }
    }
}

impl Range {
    /// How many numbers it has, less one.
    pub const fn span(&self) -> u64 {
        self.max.wrapping_sub(self.min).cast_unsigned()
    }

    /// How many bytes its numbers take with which share, with the last `decimals` digits behind a point.
    fn lengths(self, decimals: u32) -> Vec<(u64, f64)> {
        let all = self.span() as f64 + 1.0;
        let point = u64::from(decimals > 0);
        let mut shares = std::collections::BTreeMap::new();
        // Magnitudes of one length: those with `digits` digits, shorter ones counted with the shortest.
        let least_digits = decimals + 1;
        for digits in least_digits..=19.max(least_digits) {
            let low = if digits == least_digits {
                0
            } else {
                10i128.pow(digits - 1)
            };
            let high = 10i128.pow(digits) - 1;
            let (min, max) = (i128::from(self.min), i128::from(self.max));
            let positive = (high.min(max) - low.max(min) + 1).max(0);
            let negative = ((-low.max(1)).min(max) - (-high).max(min) + 1).max(0);
            for (count, sign) in [(positive, 0), (negative, 1)] {
                if count > 0 {
                    let bytes = u64::from(digits) + point + sign;
                    *shares.entry(bytes).or_insert(0.0) += count as f64 / all;
                }
            }
        }
        shares.into_iter().collect()
    }
}

/// Appends a text as JSON has it between quotes.
pub fn escape(text: &str, out: &mut Vec<u8>) {
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
}

/// Bytes that [`escape`] appends.
pub fn escaped_bytes(text: &str) -> u64 {
    let bytes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    bytes.sum()
}

pub(super) fn escaped(text: &str) -> String {
    let mut bytes = Vec::new();
    escape(text, &mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
}

pub(super) fn placeholder(inner: &str) -> Result<Piece, TemplateError> {
    let (name, rest) = inner.split_once(' ').unwrap_or((inner, ""));
    let refuse = |what: &str| wrong(format!("`${{{inner}}}`: {what}"));
    let bare = |piece| {
        if rest.is_empty() {
            Ok(piece)
        } else {
            Err(refuse("nothing stands behind this name"))
        }
    };
    match name {
        "uuid" => bare(Piece::Uuid),
        "time" => bare(Piece::Time),
        "key" => bare(Piece::Key),
        "sequence" => bare(Piece::Sequence),
        "int" => {
            let bounds = rest.split_once("..");
            let bounds = bounds.and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
            let (min, max) = bounds.ok_or_else(|| refuse("two whole numbers are needed"))?;
            Ok(Piece::Int(
                ordered(min, max).ok_or_else(|| refuse("the bounds fall"))?,
            ))
        }
        "float" => {
            let bounds = rest
                .split_once("..")
                .and_then(|(min, max)| decimals(min, max));
            let (min, max, decimals) = bounds.ok_or_else(|| {
                refuse("two numbers such as `0` or `-1.50` are needed, of at most 18 digits with their decimals")
            })?;
            let range = ordered(min, max).ok_or_else(|| refuse("the bounds fall"))?;
            Ok(Piece::Float(range, decimals))
        }
        "choice" => {
            let texts: Vec<Box<str>> = rest.split('|').map(|text| escaped(text).into()).collect();
            if texts.iter().any(|text| text.is_empty()) {
                return Err(refuse(
                    "texts divided by `|` are needed, none of them empty",
                ));
            }
            Ok(Piece::Choice(texts.into()))
        }
        "text" => rest
            .parse()
            .ok()
            .filter(|count| (1..=TEXT_MAX).contains(count))
            .map(Piece::Text)
            .ok_or_else(|| refuse("a number of characters from 1 to 10,485,760 is needed")),
        _ => Err(refuse("there is no such placeholder")),
    }
}

fn ordered(min: i64, max: i64) -> Option<Range> {
    (min <= max).then_some(Range { min, max })
}

/// The bounds of a float in units of their last decimal, and how many decimals that is.
fn decimals(min: &str, max: &str) -> Option<(i64, i64, u32)> {
    let fraction = |text: &str| text.split_once('.').map_or(0, |(_, digits)| digits.len());
    let decimals = match fraction(min).max(fraction(max)) {
        0 => DECIMALS,
        given => u32::try_from(given).ok()?,
    };
    let scaled = |text: &str| -> Option<i64> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        let no_digits = whole.is_empty() || (digits.contains('.') && part.is_empty());
        if no_digits || !plain(whole) || !plain(part) {
            return None;
        }
        let missing = (decimals as usize).checked_sub(part.len())?;
        let number: i64 = format!("{whole}{part}{}", "0".repeat(missing))
            .parse()
            .ok()?;
        (number < 10i64.pow(18)).then_some(sign * number)
    };
    (decimals <= 17).then_some((scaled(min)?, scaled(max)?, decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(text: &str) -> Piece {
        Piece::Fixed(text.into())
    }

    #[test]
    fn a_text_that_is_a_placeholder_becomes_its_typed_value_and_one_within_a_text_its_text() {
        let template = JsonTemplate::parse(
            r#"{"n": "${int -5..100}", "s": "no ${int 1..2}", "u": "${uuid}", "deep": [1.5, {"f": "${float 0..1}"}]}"#,
        )
        .unwrap();
        assert_eq!(
            template.pieces(),
            [
                fixed("{\"n\":"),
                Piece::Int(Range { min: -5, max: 100 }),
                fixed(",\"s\":\"no "),
                Piece::Int(Range { min: 1, max: 2 }),
                fixed("\",\"u\":\""),
                Piece::Uuid,
                fixed("\",\"deep\":[1.5,{\"f\":"),
                Piece::Float(
                    Range {
                        min: 0,
                        max: 1_000_000
                    },
                    6
                ),
                fixed("}]"),
            ]
        );
        assert!(template.has_members());
    }

    #[test]
    fn a_plain_dollar_and_brace_can_be_written_and_names_and_texts_are_escaped() {
        let template =
            JsonTemplate::parse("{\"a\\\"\": \"$${int} \\u0001\\\\ ${choice \\\"|b}\"}").unwrap();
        assert_eq!(
            template.pieces(),
            [
                fixed("{\"a\\\"\":\"${int} \\u0001\\\\ "),
                Piece::Choice(["\\\"".into(), "b".into()].into()),
                fixed("\""),
            ]
        );
        assert_eq!(escaped_bytes("\"a\u{1}ü"), 2 + 1 + 6 + 2);
        assert_eq!(JsonTemplate::parse("{}").unwrap().bytes((0, 0)), (2, 2));
    }

    #[test]
    fn floats_have_the_decimals_of_their_bounds() {
        let float = |text: &str| placeholder(&format!("float {text}"));
        let range = |min, max| Range { min, max };
        assert_eq!(float("0.00..99.9"), Ok(Piece::Float(range(0, 9_990), 2)));
        assert_eq!(float("-1.5..-0.25"), Ok(Piece::Float(range(-150, -25), 2)));
        for text in [
            "",
            "1",
            "a..b",
            "1..0",
            "0...5",
            "1e3..2e3",
            "0..1.",
            ".5..1",
            "0..9999999999999",
        ] {
            assert!(float(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_stay_as_they_are_written() {
        let text = r#" { "a" : 1.0 , "b":[ 1e3, -0 ,12345678901234567890123 ],"c" : [ ], "d":{ }, "e\u0041": true } "#;
        let template = JsonTemplate::parse(text).unwrap();
        let written = r#"{"a":1.0,"b":[1e3,-0,12345678901234567890123],"c":[],"d":{},"eA":true"#;
        assert_eq!(template.pieces(), [fixed(written)]);
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused_with_its_place() {
        let text = "{\"a\": 1,\n \"b\": {\"a\": 2}, \"\\u0061\": 3}";
        let error = JsonTemplate::parse(text).unwrap_err();
        let told = "column 17: the member `a` is there twice";
        assert_eq!((error.line, error.what.as_str()), (Some(2), told));
    }

    #[test]
    fn mistakes_say_what_is_wrong_and_what_is_accepted() {
        for (template, told) in [
            ("[1]", "a JSON object"),
            ("{\"a\":\n 1,}", "no JSON"),
            ("{\"_sg\": 1}", "`_sg` is taken"),
            ("{\"${key}\": 1}", "only values may"),
            ("{\"x\": {\"_sg\": 1, \"_sg\": 2}}", "`_sg` is there twice"),
            (
                "{\"a\": \"${uid}\"}",
                "`${uid}`: there is no such placeholder",
            ),
            ("{\"a\": \"x ${uuid\"}", "has no `}`"),
            ("{\"a\": \"${uuid 4}\"}", "nothing stands behind"),
            ("{\"a\": \"${int 5..1}\"}", "the bounds fall"),
            ("{\"a\": \"${int 5}\"}", "two whole numbers"),
            ("{\"a\": \"${choice a||b}\"}", "none of them empty"),
            ("{\"a\": \"${text 0}\"}", "from 1 to"),
        ] {
            let error = JsonTemplate::parse(template).unwrap_err();
            assert!(error.what.contains(told), "{template}: {error:?}");
        }
        assert_eq!(
            JsonTemplate::parse("{\"a\":\n 1,}").unwrap_err().line,
            Some(2)
        );
    }

    #[test]
    fn lengths_of_numbers_are_counted_exactly() {
        for (min, max) in [(0, 9), (-120, 1_050), (-7, -7), (95, 105), (-1_000_000, -9)] {
            for decimals in [0, 2] {
                let range = Range { min, max };
                let mut counts = std::collections::BTreeMap::new();
                for number in min..=max {
                    let digits = format!("{:0width$}", number.abs(), width = decimals as usize + 1);
                    let bytes = digits.len() + usize::from(number < 0) + usize::from(decimals > 0);
                    *counts.entry(bytes as u64).or_insert(0u32) += 1;
                }
                let all = f64::from(counts.values().sum::<u32>());
                let said = range.lengths(decimals);
                let found: Vec<_> = counts
                    .into_iter()
                    .map(|(bytes, n)| (bytes, f64::from(n) / all))
                    .collect();
                assert_eq!(said.len(), found.len(), "{range:?}");
                for (said, found) in said.iter().zip(&found) {
                    assert!(
                        said.0 == found.0 && (said.1 - found.1).abs() < 1e-12,
                        "{said:?} {found:?}"
                    );
                }
            }
        }
        let widest = Range {
            min: i64::MIN,
            max: i64::MAX,
        }
        .lengths(0);
        assert_eq!((widest[0].0, widest[widest.len() - 1].0), (1, 20));
    }
}
