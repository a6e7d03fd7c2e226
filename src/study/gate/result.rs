//! `gate.json`.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::conduct::{Conducted, Ending};
use super::plan::Plan;
use super::regime::Regime;
use crate::analyse::compare::Comparison;
use crate::analyse::statistics::Verdict;

/// The version of the file's form.
pub const SCHEMA_VERSION: u32 = 1;
/// The file.
pub const GATE: &str = "gate.json";
/// Its summary in Markdown.
pub const SUMMARY: &str = "summary.md";
/// The comparison as a page.
pub const PAGE: &str = "compare.html";

/// What a gate comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateVerdict {
    /// New is worse.
    Regression,
    /// It cannot be said.
    Inconclusive,
    /// New is not worse by more than what counts.
    NoRegression,
    /// New is better.
    Improvement,
    /// The runs say nothing of the engines.
    Void,
}

impl GateVerdict {
    /// The verdict as people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regression => Verdict::Regression.as_str(),
            Self::Inconclusive => Verdict::Inconclusive.as_str(),
            Self::NoRegression => Verdict::NoRegression.as_str(),
            Self::Improvement => Verdict::Improvement.as_str(),
            Self::Void => "void",
        }
    }
}

impl From<Verdict> for GateVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Regression => Self::Regression,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::NoRegression => Self::NoRegression,
            Verdict::Improvement => Self::Improvement,
        }
    }
}

/// A gate, as it is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GateResult {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What it comes to.
    pub verdict: GateVerdict,
    /// The same in a sentence.
    pub answer: String,
    /// Why a regression was accepted; absent where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<String>,
    /// The scenario's name.
    pub scenario: String,
    /// The seed of the first pair; the next has the next.
    pub seed: u64,
    /// The program's version.
    pub version: String,
    /// When it began: UTC, as RFC 3339 writes it.
    pub started: String,
    /// How long it took, in seconds.
    pub took_s: f64,
    /// Whether somebody ended it early.
    pub interrupted: bool,
    /// What was planned.
    pub plan: Plan,
    /// What is compared with.
    pub base: SideResult,
    /// What is judged.
    pub new: SideResult,
    /// Pairs that were thrown away and made again, and why.
    pub discarded: Vec<String>,
    /// The pairs, compared; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// A side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SideResult {
    /// The target or the command, as it was given.
    pub given: String,
    /// What it does with the limits of shards; absent where it was not asked, because both sides are one engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regime: Option<Regime>,
}

impl GateResult {
    /// The verdict and the sentence of what was conducted; `interrupted` says that a stop was asked for.
    pub fn judge<E: ToString>(made: &Conducted<E>, interrupted: bool) -> (GateVerdict, String) {
        let so_far = || match made.pairs.len() {
            0 => "before the first pair was made".to_owned(),
            pairs => format!(
                "after {}",
                crate::report::text::counted(pairs as u64, "pair")
            ),
        };
        match (&made.ending, &made.comparison) {
            (Ending::Void(reason), _) => (GateVerdict::Void, format!("void: {reason}")),
            (Ending::Judged, Some(comparison)) => {
                (comparison.verdict.into(), comparison.answer.clone())
            }
            (Ending::Judged, None) => (
                GateVerdict::Inconclusive,
                format!("inconclusive: {}", so_far()),
            ),
            (Ending::OutOfTime, _) => (
                GateVerdict::Inconclusive,
                format!(
                    "inconclusive: the budget was spent {}, for engines and runs took longer than planned; raise `--budget`",
                    so_far()
                ),
            ),
            (Ending::Stopped(_), _) if interrupted => (
                GateVerdict::Inconclusive,
                format!("inconclusive: interrupted {}", so_far()),
            ),
            (Ending::Stopped(reason), _) => (
                GateVerdict::Inconclusive,
                format!("inconclusive: stopped {}: {}", so_far(), reason.to_string()),
            ),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }
}
