//! What a target's answers held that Kinesis would not say.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::target::Finding;

/// The longest part of an answer that is repeated, in characters.
const EXAMPLE_CHARS_MAX: usize = 80;

/// Kinds of findings, each with the first answer that showed it and how many there were.
#[derive(Debug, Default)]
pub(super) struct Findings(Mutex<BTreeMap<&'static str, (String, u64)>>);

impl Findings {
    /// Notes `many` answers that show `what`; the first of them is the example.
    pub(super) fn note(&self, what: &'static str, example: &str, many: u64) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, count) = kinds
            .entry(what)
            .or_insert_with(|| (example.chars().take(EXAMPLE_CHARS_MAX).collect(), 0));
        *count += many;
    }

    /// All of them, in the order of their kinds.
    pub(super) fn list(&self) -> Vec<Finding> {
        let kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let finding = |(what, (example, count)): (&&str, &(String, u64))| Finding {
            text: if example.is_empty() {
                (*what).to_owned()
            } else {
                format!("{what}: `{example}`")
            },
            count: *count,
        };
        kinds.iter().map(finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_once_with_its_first_example_and_its_count() {
        let findings = Findings::default();
        findings.note("odd", "first", 1);
        findings.note("odd", "second", 1);
        findings.note("bare", "", 1);
        let told: Vec<_> = findings
            .list()
            .into_iter()
            .map(|f| (f.text, f.count))
            .collect();
        assert_eq!(
            told,
            [("bare".to_owned(), 1), ("odd: `first`".to_owned(), 2)]
        );
    }
}
