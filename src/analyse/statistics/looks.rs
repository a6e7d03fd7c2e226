//! Looking more than once, and what can be seen at all.

use super::normal;

/// The pairs after which a gate looks.
pub const LOOKS: [u32; 3] = [8, 16, 32];

/// The share of real changes of the advertised size that are found.
const POWER: f64 = 0.9;

/// What the rank test loses against the mean where noise happens to be normal (3 / pi); elsewhere it gains.
const RANK_EFFICIENCY: f64 = 3.0 / std::f64::consts::PI;

/// Fixed numbers of pairs to look at, and how the probability of a wrong verdict is divided among them: each look is given
/// as much as it brings pairs (alpha times the share of the pairs that are new), which is the linear spending function of
/// Kim and DeMets (1987). The parts add up to alpha, so the whole is at most alpha whatever the looks have in common.
///
/// O'Brien and Fleming's function, which is usual, gives 0.000007 of 0.025 to the first of these looks, where 8 pairs can
/// never say more than 1 in 256: it would be no look at all. The price of the linear one is a last look at half of alpha,
/// about a tenth more pairs for the same power.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Looks(Vec<u32>);

impl Looks {
    /// The looks of a study of at most `pairs`; none below the first of [`LOOKS`].
    pub fn within(pairs: u32) -> Self {
        Self(LOOKS.into_iter().filter(|look| *look <= pairs).collect())
    }

    /// A single look at all pairs.
    pub fn once(pairs: u32) -> Self {
        Self(vec![pairs])
    }

    /// The pairs at which to look, rising.
    pub fn pairs(&self) -> &[u32] {
        &self.0
    }

    /// The most pairs that are made.
    pub fn last(&self) -> u32 {
        self.0.last().copied().unwrap_or_default()
    }

    /// What the look at `pairs` may spend of `alpha`; nothing where there is no such look.
    pub fn spend(&self, pairs: u32, alpha: f64) -> f64 {
        let Some(index) = self.0.iter().position(|look| *look == pairs) else {
            return 0.0;
        };
        let before = index.checked_sub(1).map_or(0, |index| self.0[index]);
        alpha * f64::from(pairs - before) / f64::from(self.last().max(1))
    }
}

/// The smallest change (0.1 is 10 %) that `pairs` pairs find in nine of ten cases at a last look that spends `alpha` at
/// either end, with `metrics` metrics sharing it, where the log ratio of a pair of equals has the standard deviation
/// `noise` and changes up to `min_effect` do not count. The metrics' share is that of Holm's first step.
pub fn detectable(noise: f64, pairs: u32, alpha: f64, metrics: usize, min_effect: f64) -> f64 {
    let share = alpha / metrics.max(1) as f64;
    let reach = normal::quantile(1.0 - share) + normal::quantile(POWER);
    let error = noise / (f64::from(pairs.max(1)) * RANK_EFFICIENCY).sqrt();
    (min_effect.ln_1p() + reach * error).exp_m1()
}

/// The spread of the log ratios of pairs, as the standard deviation that a normal distribution would have: by the half of
/// them that is nearest to their median, or by nine tenths of them where that gives more. The first alone forgets that a test
/// which must be almost certain looks at the tails; the outermost tenth, which no estimate of a few pairs catches, does not
/// count. 0 without differences.
pub fn noise(differences: &[f64]) -> f64 {
    /// So many standard deviations from the middle lie half and nine tenths of a normal distribution.
    const HALF: f64 = 0.674_489_750_196_081_7;
    const NINE_TENTHS: f64 = 1.644_853_626_951_472_2;
    let Some(middle) = median(differences.to_vec()) else {
        return 0.0;
    };
    let mut distances: Vec<_> = differences.iter().map(|d| (d - middle).abs()).collect();
    distances.sort_by(f64::total_cmp);
    let within = distances[(distances.len() - 1) * 9 / 10] / NINE_TENTHS;
    within.max(median(distances).unwrap_or_default() / HALF)
}

/// The median; none of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(f64::midpoint(values[last / 2], values[last.div_ceil(2)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_that_looks_spend_add_up_to_alpha() {
        for pairs in [8, 16, 32] {
            let looks = Looks::within(pairs);
            assert_eq!(looks.last(), pairs);
            let spent: f64 = looks.pairs().iter().map(|&at| looks.spend(at, 0.025)).sum();
            assert!((spent - 0.025).abs() < 1e-12, "{pairs}: {spent}");
        }
        let looks = Looks::within(40);
        assert_eq!(looks.pairs(), LOOKS);
        assert!((looks.spend(8, 0.025) - 0.025 / 4.0).abs() < 1e-12);
        assert!(looks.spend(9, 0.025) <= 0.0);
        assert!(Looks::within(7).pairs().is_empty());
        assert!((Looks::once(5).spend(5, 0.025) - 0.025).abs() < 1e-12);
    }

    #[test]
    fn more_pairs_and_less_noise_show_smaller_changes() {
        let at = |noise, pairs| detectable(noise, pairs, 0.0125, 6, 0.05);
        assert!(at(0.05, 32) < at(0.05, 16) && at(0.05, 16) < at(0.05, 8));
        assert!((at(0.0, 8) - 0.05).abs() < 1e-12);
        // (2.863 + 1.282) * 0.05 / sqrt(32 * 0.955) = 0.0375 above ln 1.05.
        assert!((at(0.05, 32) - 0.0901).abs() < 5e-4, "{}", at(0.05, 32));
    }

    #[test]
    fn noise_is_that_of_most_pairs() {
        let mut differences: Vec<_> = (0..100)
            .map(|i| normal::quantile((f64::from(i) + 0.5) / 100.0) * 0.04)
            .collect();
        assert!((noise(&differences) - 0.04).abs() < 0.001);
        differences[99] = 3.0;
        assert!((noise(&differences) - 0.04).abs() < 0.001);
        assert!(noise(&[]) <= 0.0);
    }
}
