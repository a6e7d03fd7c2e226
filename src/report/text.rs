//! Numbers and names as a person reads them.

use std::fmt;

use crate::base::units::{HumanCount, HumanMicros};

/// A share of 0 to 1 in percent: `62 %`, `99.97 %`. Never shown as 100 % or 0 % unless it is.
#[derive(Clone, Copy, Debug)]
pub struct Percent(pub f64);

/// Beyond so many digits after the point a share is shown as below or above what they can say.
const PERCENT_DIGITS_MAX: usize = 4;

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.0 * 100.0;
        let is_end = |text: &str| matches!(text.parse::<f64>(), Ok(0.0 | 100.0));
        let text = if !percent.is_finite() {
            "-".to_owned()
        } else if percent <= 0.0 || percent >= 100.0 {
            format!("{percent:.0} %")
        } else {
            let first = usize::from(percent < 10.0);
            (first..=PERCENT_DIGITS_MAX)
                .map(|digits| format!("{percent:.digits$}"))
                .find(|text| !is_end(text))
                .map_or_else(
                    || {
                        let least = if percent < 50.0 {
                            "< 0.0001"
                        } else {
                            "> 99.9999"
                        };
                        format!("{least} %")
                    },
                    |text| format!("{} %", text.trim_end_matches(".0")),
                )
        };
        f.pad(&text)
    }
}

/// A rate or another plain number in three or four digits: `2,400`, `12.5`, `0.25`.
#[derive(Clone, Copy, Debug)]
pub struct Plain(pub f64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if !self.0.is_finite() {
            "-".to_owned()
        } else if self.0 >= 100.0 || (self.0.fract() == 0.0 && self.0 >= 0.0) {
            HumanCount(self.0.round() as u64).to_string()
        } else if self.0.fract() == 0.0 {
            format!("{:.0}", self.0)
        } else {
            // One an hour is not none a second: below a thousandth two digits that are none.
            let digits = match self.0.abs() {
                it if it >= 10.0 => 1,
                it if it >= 0.001 => 3,
                it => (1.0 - it.log10().floor()) as usize,
            };
            let text = format!("{:.digits$}", self.0);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        f.pad(&text)
    }
}

/// Microseconds that may have a fraction, rounded to whole ones above 10 us.
pub fn micros(micros: f64) -> String {
    if micros.is_finite() && (0.0..10.0).contains(&micros) && micros.fract() != 0.0 {
        format!("{micros:.1} us")
    } else {
        HumanMicros(micros.round() as u64).to_string()
    }
}

/// The same figure in the plural unless there is one: `1 shard`, `4 shards`.
pub fn counted(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", HumanCount(count))
}

/// A name for use in file names: letters, digits, `.`, `_` and `-`; anything else becomes `-`.
pub fn file_safe(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
            _ => '-',
        })
        .collect();
    if safe.is_empty() {
        "-".to_owned()
    } else {
        safe
    }
}

/// At most `chars` characters of `text`; a cut text ends in `…`. Control characters become spaces: a name in a scenario
/// must not paint the terminal.
pub fn shortened(text: &str, chars: usize) -> String {
    let printable = printable(text);
    if printable.chars().count() <= chars {
        return printable;
    }
    let mut cut: String = printable.chars().take(chars.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `text` broken at spaces into lines of at most `width` characters; words that are longer stay whole. Control
/// characters, line ends among them, become spaces.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in printable(text).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        for (share, text) in [
            (0.0, "0 %"),
            (1.0, "100 %"),
            (0.62, "62 %"),
            (0.987, "99 %"),
            (0.999, "99.9 %"),
            (0.999_96, "99.996 %"),
            (0.999_999_999, "> 99.9999 %"),
            (0.034, "3.4 %"),
            (0.02, "2 %"),
            (0.000_2, "0.02 %"),
            (1e-9, "< 0.0001 %"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(Percent(share).to_string(), text, "{share}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_share_between_none_and_all_reads_as_neither(share in 0.0..1.0f64) {
            proptest::prop_assume!(share > 0.0);
            let text = Percent(share).to_string();
            let number = text.trim_start_matches(['<', '>', ' ']).trim_end_matches(" %");
            let shown: f64 = number.parse().unwrap();
            proptest::prop_assert!(shown > 0.0 && shown < 100.0, "{share} is {text}");
            proptest::prop_assert!((shown / 100.0 - share).abs() <= 0.005, "{share} is {text}");
        }
    }

    #[test]
    fn plain_numbers_keep_the_digits_that_matter() {
        for (number, text) in [
            (2_400.0, "2,400"),
            (2_399.6, "2,400"),
            (0.0, "0"),
            (-3.0, "-3"),
            (12.53, "12.5"),
            (0.25, "0.25"),
            (1.0 / 3_600.0, "0.00028"),
            (-0.000_99, "-0.00099"),
            (7.0, "7"),
        ] {
            assert_eq!(Plain(number).to_string(), text, "{number}");
        }
        assert_eq!(micros(1.5), "1.5 us");
        assert_eq!(micros(1_500.4), "1.50 ms");
        assert_eq!(counted(1, "shard"), "1 shard");
        assert_eq!(counted(4_000, "shard"), "4,000 shards");
    }

    #[test]
    fn text_of_others_fits_its_place() {
        assert_eq!(file_safe("a/b c:ü.x"), "a-b-c--.x");
        assert_eq!(file_safe("../.."), "..-..");
        assert_eq!(shortened("abcdef", 4), "abc…");
        assert_eq!(shortened("abcd", 4), "abcd");
        assert_eq!(shortened("a\u{1b}b", 4), "a b");
        assert_eq!(
            wrapped("one two\nthree \u{1b}[31m four", 9),
            ["one two", "three", "[31m four"]
        );
    }
}
