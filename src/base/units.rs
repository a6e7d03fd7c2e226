//! Quantities as a scenario writes them: `"20ms"`, `"5MiB"`, `"800/s"`.
//!
//! MiB is 2^20 bytes and MB is 10^6. A number without its unit is an error: it is how a plan goes wrong by a thousand.

use std::fmt;
use std::time::Duration;

/// Why a quantity could not be read. Displayed as a fragment that says what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct QuantityError {
    text: String,
    expected: &'static str,
}

/// What [`parse_duration`] accepts, for messages.
pub const DURATION_FORM: &str =
    "a duration with a unit, such as \"250ms\", \"10s\", \"1m 30s\" or \"24h\"";
/// What [`parse_bytes`] accepts, for messages.
pub const BYTES_FORM: &str = "a size with a unit, such as \"600B\", \"20KiB\", \"5MiB\" or \"1MB\"";
/// What [`parse_rate`] accepts, for messages.
pub const RATE_FORM: &str = "a rate with a unit, such as \"800/s\", \"90/min\" or \"2.5k/s\"";

/// Reads a duration: one or more numbers with `ns us ms s m h d`.
///
/// # Errors
/// When the text has no unit, an unknown unit, or no number.
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    humantime::parse_duration(text.trim())
        .map_err(|_| QuantityError {
            text: text.to_owned(),
            expected: DURATION_FORM,
        })
        .and_then(|duration| {
            // `0` is what humantime takes without a unit; a unit is asked for all the same.
            if text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(QuantityError {
                    text: text.to_owned(),
                    expected: DURATION_FORM,
                });
            }
            Ok(duration)
        })
}

/// Reads a size in bytes: a number with `B KB KiB MB MiB GB GiB TB TiB`.
///
/// # Errors
/// When the text has no unit, an unknown unit, no number, or is not a whole number of bytes.
pub fn parse_bytes(text: &str) -> Result<u64, QuantityError> {
    let refuse = || QuantityError {
        text: text.to_owned(),
        expected: BYTES_FORM,
    };
    let trimmed = text.trim();
    if !trimmed.ends_with(['B', 'b']) {
        return Err(refuse());
    }
    trimmed
        .parse::<bytesize::ByteSize>()
        .map(|size| size.as_u64())
        // Larger ones are taken for this one.
        .ok()
        .filter(|bytes| *bytes < u64::MAX)
        .ok_or_else(refuse)
}

/// Reads a rate in events per second: a number, with `k` or `M` if wished, then `/s`, `/min`, `/h` or `/d`.
///
/// # Errors
/// When the unit is missing or unknown, or the number is not finite or is negative.
pub fn parse_rate(text: &str) -> Result<f64, QuantityError> {
    let refuse = || QuantityError {
        text: text.to_owned(),
        expected: RATE_FORM,
    };
    let (number, unit) = text.trim().split_once('/').ok_or_else(refuse)?;
    let seconds = match unit.trim() {
        "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(refuse()),
    };
    let number = number.trim().replace('_', "");
    let (digits, factor) = match number.strip_suffix('k') {
        Some(digits) => (digits, 1e3),
        None => number
            .strip_suffix('M')
            .map_or((number.as_str(), 1.0), |digits| (digits, 1e6)),
    };
    let value: f64 = digits.trim().parse().map_err(|_| refuse())?;
    if value.is_finite() && value >= 0.0 {
        Ok(value * factor / seconds)
    } else {
        Err(refuse())
    }
}

/// Shows a duration in the unit a person would choose: `850 us`, `12.4 ms`, `3.20 s`.
#[derive(Clone, Copy, Debug)]
pub struct HumanMicros(pub u64);

impl fmt::Display for HumanMicros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 as f64;
        let text = match self.0 {
            0..1_000 => format!("{} us", self.0),
            1_000..10_000 => format!("{:.2} ms", micros / 1e3),
            10_000..100_000 => format!("{:.1} ms", micros / 1e3),
            100_000..1_000_000 => format!("{:.0} ms", micros / 1e3),
            1_000_000..60_000_000 => format!("{:.2} s", micros / 1e6),
            _ => format!("{:.1} min", micros / 6e7),
        };
        f.pad(&text)
    }
}

/// Shows a number of bytes in binary units: `512 B`, `1.5 MiB`.
#[derive(Clone, Copy, Debug)]
pub struct HumanBytes(pub u64);

impl fmt::Display for HumanBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&bytesize::ByteSize(self.0).display().iec().to_string())
    }
}

/// Shows a count with thin groups of three digits: `12,345,678`.
#[derive(Clone, Copy, Debug)]
pub struct HumanCount(pub u64);

impl fmt::Display for HumanCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_carry_their_unit_and_binary_and_decimal_sizes_differ() {
        assert_eq!(parse_bytes("5MiB"), Ok(5 << 20));
        assert_eq!(parse_bytes("5MB"), Ok(5_000_000));
        assert_eq!(parse_bytes("600B"), Ok(600));
        assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_rate("2400/s"), Ok(2400.0));
        assert_eq!(parse_rate("90/min"), Ok(1.5));
        assert_eq!(parse_rate("2.5k/s"), Ok(2500.0));
    }

    #[test]
    fn a_quantity_without_its_unit_is_refused_with_what_would_be_accepted() {
        for text in ["5", "", "fast", "-1s"] {
            assert!(parse_duration(text).is_err(), "{text}");
            assert!(parse_bytes(text).is_err(), "{text}");
            assert!(parse_rate(text).is_err(), "{text}");
        }
        assert!(parse_rate("-5/s").is_err());
        assert!(parse_rate("nan/s").is_err());
        assert!(parse_duration("0").is_err());
        assert_eq!(
            parse_rate("800").unwrap_err().to_string(),
            format!("`800` is not {RATE_FORM}")
        );
    }

    #[test]
    fn figures_are_shown_in_the_unit_a_person_would_choose() {
        assert_eq!(HumanMicros(850).to_string(), "850 us");
        assert_eq!(HumanMicros(12_400).to_string(), "12.4 ms");
        assert_eq!(HumanMicros(3_200_000).to_string(), "3.20 s");
        assert_eq!(HumanCount(12_345_678).to_string(), "12,345,678");
        assert_eq!(HumanCount(12).to_string(), "12");
        assert_eq!(HumanBytes(1_572_864).to_string(), "1.5 MiB");
    }
}
