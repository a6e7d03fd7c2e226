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
    /// Notes an answer that shows `what`.
    pub(super) fn note(&self, what: &'static str, example: &str) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, count) = kinds
            .entry(what)
            .or_insert_with(|| (example.chars().take(EXAMPLE_CHARS_MAX).collect(), 0));
        *count += 1;
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
        findings.note("odd", "first");
        findings.note("odd", "second");
        findings.note("bare", "");
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
