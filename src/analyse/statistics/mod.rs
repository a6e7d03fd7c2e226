//! What pairs of runs say about a difference: tests and intervals that hold on a shared machine.
//!
//! A pair is one run of each side, made one right after the other; what is judged is the logarithm of the ratio of their
//! figures. The run is the unit: nothing is ever drawn again from within a run, whose records are not independent.
//!
//! Runs on a shared machine have heavy tails, so nothing here takes a mean or trusts a normal distribution. All rests on
//! Wilcoxon's signed-rank test ([`signed_rank`]), exact for any symmetric noise at any number of pairs: the location is the
//! median of the Walsh averages (Hodges and Lehmann), and the interval is the test turned around. A bootstrap of 8 pairs
//! covers less than it says (`tests/false_alarms.rs` measures how much less); the rank test does not, and needs no seed.
//!
//! Files: `signed_rank` (test, location, interval), `holm` (many metrics), `looks` (many looks), `normal` (quantiles for
//! forecasts), `judge` (verdicts).
//!
//! Invariant: a verdict of a difference, in either direction, in any metric, at any look, is wrong in at most 5 % of
//! comparisons of equals.

pub mod holm;
pub mod judge;
pub mod looks;
pub mod normal;
pub mod signed_rank;

pub use judge::{Judged, SIDE_ALPHA, Verdict, judge};
pub use looks::{Looks, detectable};
