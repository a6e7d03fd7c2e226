//! Numbers of a document by their place in it.

use serde_json::Value;

use super::page::Cell;
use crate::base::units::{HumanBytes, HumanCount, HumanMicros};
use crate::report::cost::usd;
use crate::report::document::Document;
use crate::report::text::{Percent, Plain, micros};

/// A document as `report.json` holds it.
#[derive(Debug)]
pub(super) struct Figures {
    root: Value,
}

/// How a number is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Show {
    /// `12,345`.
    Count,
    /// `2,400/s`.
    PerS,
    /// `1.5 MiB`.
    Bytes,
    /// `1.5 MiB/s`.
    BytesPerS,
    /// `62 %`, of a part of 1.
    Share,
    /// `62 %`, of hundredths.
    Hundredths,
    /// `1.50 ms`, of microseconds.
    Micros,
    /// `1.50 s`, of milliseconds.
    Millis,
    /// `12.5 s`.
    Seconds,
    /// `0.25`.
    Plain,
    /// `31 ns`.
    Nanos,
    /// `0.03 USD`.
    Usd,
}

impl Show {
    /// The number as a person reads it.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Count => HumanCount(value.round() as u64).to_string(),
            Self::PerS => format!("{}/s", Plain(value)),
            Self::Bytes => HumanBytes(value.round() as u64).to_string(),
            Self::BytesPerS => format!("{}/s", HumanBytes(value.round() as u64)),
            Self::Share => Percent(value).to_string(),
            Self::Hundredths => format!("{} %", Plain(value)),
            Self::Micros => micros(value),
            // A scale of milliseconds knows no microseconds.
            Self::Millis if value == 0.0 => "0 ms".to_owned(),
            Self::Millis => HumanMicros((value * 1e3).round() as u64).to_string(),
            Self::Seconds => format!("{} s", Plain(value)),
            Self::Plain => Plain(value).to_string(),
            Self::Nanos => format!("{value} ns"),
            Self::Usd => usd(value),
        }
    }
}

/// The JSON pointer to what these names and numbers lead to.
pub(super) fn pointer(steps: &[&str]) -> String {
    steps.iter().fold(String::new(), |mut pointer, step| {
        pointer.push('/');
        pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        pointer
    })
}

impl Figures {
    /// All numbers of a document.
    pub(super) fn of(document: &Document) -> Self {
        Self {
            // A document has no key that is not text, so this is never null.
            root: serde_json::to_value(document).unwrap_or_default(),
        }
    }

    /// The number at a pointer.
    pub(super) fn number(&self, pointer: &str) -> Option<f64> {
        self.root.pointer(pointer)?.as_f64()
    }

    /// The number at a pointer as a cell; a dash where the document has none.
    pub(super) fn cell(&self, pointer: &str, show: Show) -> Cell {
        match self.root.pointer(pointer) {
            Some(Value::Number(number)) => Cell {
                text: show.text(number.as_f64().unwrap_or(f64::NAN)),
                figure: Some(pointer.to_owned()),
                value: Some(number.to_string()),
                class: "n",
            },
            _ => Cell {
                text: "–".to_owned(),
                class: "n",
                ..Cell::default()
            },
        }
    }

    /// The numbers of the list at a pointer; nothing where there is no list.
    pub(super) fn list(&self, pointer: &str) -> Vec<u64> {
        let list = self.root.pointer(pointer).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_number_is_found_by_its_place_and_shown_with_it() {
        let figures = Figures::of(&sample::document());
        let place = pointer(&["ledger", "producers", "web", "total", "acked"]);
        let cell = figures.cell(&place, Show::Count);
        assert_eq!(cell.text, "19,180");
        assert_eq!(cell.value.as_deref(), Some("19180"));
        assert_eq!(
            cell.figure.as_deref(),
            Some("/ledger/producers/web/total/acked")
        );
        assert_eq!(figures.cell("/nowhere", Show::Count).figure, None);
    }

    #[test]
    fn names_that_hold_what_a_pointer_is_made_of_are_escaped() {
        assert_eq!(pointer(&["a/b", "c~d"]), "/a~1b/c~0d");
    }
}
