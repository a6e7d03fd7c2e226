//! From the pairs of all metrics to a verdict on each.

use serde::{Deserialize, Serialize};

use super::holm;
use super::signed_rank::{WalshAverages, above_zero};

/// The probability of a wrong verdict in one direction, over all metrics and looks. Both directions together: 5 %.
pub const SIDE_ALPHA: f64 = 0.025;

/// What is said of a difference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Worse by more than the minimum effect.
    Regression,
    /// Worse by more than the minimum effect, or not: the pairs do not say.
    Inconclusive,
    /// Not worse by more than the minimum effect.
    NoRegression,
    /// Better by more than the minimum effect.
    Improvement,
}

impl Verdict {
    /// The verdict as people read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Inconclusive => "inconclusive",
            Self::NoRegression => "no regression",
            Self::Improvement => "improvement",
        }
    }
}

/// One metric, judged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// How much worse, as a log ratio; 0 is equal.
    pub worse: f64,
    /// The 95 % interval of that by itself, as if there were one metric and one look; none below 6 pairs.
    pub interval: Option<[f64; 2]>,
}

/// Judges metrics together. Each is the log ratios of its pairs, turned so that more is worse. `alpha` is what this look may
/// spend in one direction, `min_effect` the change that does not count: 0.05 is a ratio of 1.05, or of 1 / 1.05.
///
/// That something got worse, or better, is said after Holm's steps over all metrics. That nothing got worse is said of each
/// metric by itself: together they say so only if every one does, which is the stricter claim.
pub fn judge(metrics: &[Vec<f64>], alpha: f64, min_effect: f64) -> Vec<Judged> {
    let margin = min_effect.max(0.0).ln_1p();
    let p_values = |claim: fn(f64, f64) -> f64| -> Vec<f64> {
        let p_value = |pairs: &Vec<f64>| {
            let moved: Vec<_> = pairs.iter().map(|worse| claim(*worse, margin)).collect();
            above_zero(&moved)
        };
        metrics.iter().map(p_value).collect()
    };
    let regressed = holm::refused(&p_values(|worse, margin| worse - margin), alpha);
    let improved = holm::refused(&p_values(|worse, margin| -worse - margin), alpha);
    let held = p_values(|worse, margin| margin - worse);
    let each = metrics.iter().enumerate();
    each.map(|(index, pairs)| {
        let walsh = WalshAverages::of(pairs);
        Judged {
            verdict: if regressed[index] {
                Verdict::Regression
            } else if improved[index] {
                Verdict::Improvement
            } else if held[index] <= alpha {
                Verdict::NoRegression
            } else {
                Verdict::Inconclusive
            },
            worse: walsh.location().unwrap_or_default(),
            interval: walsh.interval(SIDE_ALPHA),
        }
    })
    .collect()
}

/// The verdict on all metrics: regression if one regressed, inconclusive if one is, and an improvement if one is one and none
/// is worse. Inconclusive without metrics.
pub fn overall(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let verdicts: Vec<_> = verdicts.into_iter().collect();
    let is = |verdict| verdicts.contains(&verdict);
    if is(Verdict::Regression) {
        Verdict::Regression
    } else if verdicts.is_empty() || is(Verdict::Inconclusive) {
        Verdict::Inconclusive
    } else if is(Verdict::Improvement) {
        Verdict::Improvement
    } else {
        Verdict::NoRegression
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten pairs around `worse`.
    fn around(worse: f64) -> Vec<f64> {
        (0..10)
            .map(|i| worse + (f64::from(i) - 4.5) * 0.001)
            .collect()
    }

    fn verdict(pairs: Vec<f64>) -> Verdict {
        judge(&[pairs], SIDE_ALPHA, 0.05)[0].verdict
    }

    #[test]
    fn a_difference_counts_from_the_minimum_effect_on() {
        assert_eq!(verdict(around(0.10)), Verdict::Regression);
        assert_eq!(verdict(around(0.04)), Verdict::NoRegression);
        assert_eq!(verdict(around(0.0)), Verdict::NoRegression);
        assert_eq!(verdict(around(-0.04)), Verdict::NoRegression);
        assert_eq!(verdict(around(-0.10)), Verdict::Improvement);
        // Right at the bound nothing can be said.
        assert_eq!(verdict(around(0.05_f64.ln_1p())), Verdict::Inconclusive);
        assert_eq!(verdict(vec![0.3, 0.3]), Verdict::Inconclusive);
    }

    #[test]
    fn with_many_metrics_one_needs_more_to_be_told_from_chance() {
        let six: Vec<_> = (0..6).map(|i| 0.06 + f64::from(i) * 0.01).collect();
        assert_eq!(verdict(six.clone()), Verdict::Regression);
        // 1 / 64 is not below 2.5 % / 3.
        let mut metrics = vec![six, around(0.0)];
        metrics.push(around(0.0));
        assert_eq!(
            judge(&metrics, SIDE_ALPHA, 0.05)[0].verdict,
            Verdict::Inconclusive
        );
    }

    #[test]
    fn the_whole_is_as_bad_as_its_worst_and_better_only_if_nothing_is_open() {
        use Verdict::{Improvement, Inconclusive, NoRegression, Regression};
        assert_eq!(
            overall([NoRegression, Regression, Inconclusive]),
            Regression
        );
        assert_eq!(overall([Improvement, Inconclusive]), Inconclusive);
        assert_eq!(overall([Improvement, NoRegression]), Improvement);
        assert_eq!(overall([NoRegression]), NoRegression);
        assert_eq!(overall([]), Inconclusive);
    }
}
