//! Wilcoxon's signed-rank test, and the interval that comes of turning it around.
//!
//! The distribution is that of all 2^n ways to sign the ranks (Wilcoxon 1945), counted exactly; equal magnitudes share the
//! mean of their ranks, and differences of zero, which have no sign, are left out. Above [`EXACT_PAIRS_MAX`] differences
//! the normal approximation with a continuity correction takes its place.

use super::normal;

/// The most differences whose signs are counted exactly. Beyond it the approximation errs by less than a thousandth.
pub const EXACT_PAIRS_MAX: usize = 100;

/// The probability of a rank sum as high as that of `differences` or higher, were they symmetric around zero: small where
/// they lie above zero. 1 where all of them are zero, or none is there.
pub fn above_zero(differences: &[f64]) -> f64 {
    let ranked = Ranked::of(differences);
    if ranked.doubled.is_empty() {
        return 1.0;
    }
    if ranked.doubled.len() > EXACT_PAIRS_MAX {
        return ranked.approximate();
    }
    let counts = counts(&ranked.doubled);
    counts[ranked.sum..].iter().sum::<f64>().min(1.0)
}

/// The magnitudes' ranks, doubled so that shared ones are whole numbers.
struct Ranked {
    doubled: Vec<usize>,
    /// The sum of the doubled ranks of what is above zero.
    sum: usize,
}

impl Ranked {
    fn of(differences: &[f64]) -> Self {
        let mut sorted: Vec<_> = differences.iter().copied().filter(|d| *d != 0.0).collect();
        sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let mut doubled = Vec::with_capacity(sorted.len());
        let mut sum = 0;
        let mut rest = sorted.as_slice();
        while let Some(first) = rest.first() {
            let alike = rest
                .iter()
                .take_while(|d| d.abs().total_cmp(&first.abs()).is_eq())
                .count();
            let before = doubled.len();
            // Ranks before + 1 to before + alike, twice their mean.
            let rank = 2 * before + alike + 1;
            for difference in &rest[..alike] {
                doubled.push(rank);
                sum += if *difference > 0.0 { rank } else { 0 };
            }
            rest = &rest[alike..];
        }
        Self { doubled, sum }
    }

    fn approximate(&self) -> f64 {
        let total: usize = self.doubled.iter().sum();
        let squares: f64 = self.doubled.iter().map(|&rank| (rank * rank) as f64).sum();
        let z = (self.sum as f64 - total as f64 / 2.0 - 1.0) / (squares / 4.0).sqrt();
        normal::upper_tail(z)
    }
}

/// The probability of each sum of `ranks` when each is taken or left with even odds.
fn counts(ranks: &[usize]) -> Vec<f64> {
    let mut counts = vec![0.0; ranks.iter().sum::<usize>() + 1];
    counts[0] = 1.0;
    let mut reached = 0;
    for &rank in ranks {
        reached += rank;
        for sum in (0..=reached).rev() {
            let taken = if sum >= rank { counts[sum - rank] } else { 0.0 };
            counts[sum] = f64::midpoint(counts[sum], taken);
        }
    }
    counts
}

/// The averages of all pairs of differences, each with itself too, sorted: what location and interval are read from.
#[derive(Clone, PartialEq, Debug)]
pub struct WalshAverages {
    sorted: Vec<f64>,
    pairs: usize,
}

impl WalshAverages {
    /// Those of `differences`.
    pub fn of(differences: &[f64]) -> Self {
        let mut sorted = Vec::with_capacity(differences.len() * (differences.len() + 1) / 2);
        for (index, a) in differences.iter().enumerate() {
            sorted.extend(differences[index..].iter().map(|b| f64::midpoint(*a, *b)));
        }
        sorted.sort_by(f64::total_cmp);
        Self {
            sorted,
            pairs: differences.len(),
        }
    }

    /// Their median: the location by Hodges and Lehmann (1963). None without differences.
    pub fn location(&self) -> Option<f64> {
        let middle = self.sorted.len().checked_sub(1)?;
        Some(f64::midpoint(
            self.sorted[middle / 2],
            self.sorted[middle.div_ceil(2)],
        ))
    }

    /// The interval that holds the location but for a probability of `alpha` at either end. None where there are too few
    /// differences to say so: 6 are needed for 95 %.
    pub fn interval(&self, alpha: f64) -> Option<[f64; 2]> {
        let ranks: Vec<_> = (1..=self.pairs).collect();
        let outside = if self.pairs > EXACT_PAIRS_MAX {
            let pairs = self.pairs as f64;
            let middle = pairs * (pairs + 1.0) / 4.0;
            let sd = (pairs * (pairs + 1.0) * (2.0 * pairs + 1.0) / 24.0).sqrt();
            (middle - normal::quantile(1.0 - alpha) * sd)
                .floor()
                .max(0.0) as usize
        } else {
            let mut below = 0.0;
            counts(&ranks)
                .iter()
                .take_while(|probability| {
                    below += **probability;
                    below <= alpha
                })
                .count()
        };
        let low = outside.checked_sub(1)?;
        let high = self.sorted.len().checked_sub(outside)?;
        (low <= high).then(|| [self.sorted[low], self.sorted[high]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of powers of one half are exact.
    fn same(a: f64, b: f64) -> bool {
        a.total_cmp(&b).is_eq()
    }

    #[test]
    fn the_distribution_is_that_of_all_ways_to_sign_the_ranks() {
        // All above zero: one way of 2^n.
        assert!(same(above_zero(&[0.1, 0.2, 0.3, 0.4]), 1.0 / 16.0));
        assert!(same(above_zero(&[-0.1, -0.2, -0.3, -0.4]), 1.0));
        // Ranks 1 to 4, the 1 below zero: sums of 9 and 10.
        assert!(same(above_zero(&[-0.1, 0.2, 0.3, 0.4]), 2.0 / 16.0));
        // Wilcoxon's table: n = 8, a sum of 33 or more has 2.0 %... 5 of 256 ways.
        let eight = [0.1, 0.2, -0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
        assert!(same(above_zero(&eight), 5.0 / 256.0));
    }

    #[test]
    fn equal_magnitudes_share_their_ranks_and_zeros_say_nothing() {
        assert!(same(above_zero(&[1.0, 1.0, 1.0]), 1.0 / 8.0));
        assert!(same(above_zero(&[0.0, 1.0, 0.0, 1.0]), 1.0 / 4.0));
        assert!(same(above_zero(&[0.0, 0.0]), 1.0));
        assert!(same(above_zero(&[]), 1.0));
        // Either of two alike below zero is the same sum.
        assert!(same(
            above_zero(&[-1.0, 1.0, 2.0]),
            above_zero(&[1.0, -1.0, 2.0])
        ));
    }

    #[test]
    fn the_interval_ends_where_the_test_stops_to_refuse() {
        let differences = [0.05, 0.12, -0.03, 0.08, 0.21, 0.02, 0.11, 0.07, 0.15, -0.01];
        let walsh = WalshAverages::of(&differences);
        let [low, high] = walsh.interval(0.025).unwrap();
        let at = |shift: f64| {
            let moved: Vec<_> = differences.iter().map(|d| d - shift).collect();
            above_zero(&moved)
        };
        assert!(at(low - 1e-9) <= 0.025 && at(low + 1e-9) > 0.025);
        assert!(1.0 - at(high - 1e-9) > 0.0 && at(high + 1e-9) >= 0.975);
        let location = walsh.location().unwrap();
        assert!(low < location && location < high);
    }

    #[test]
    fn five_pairs_are_too_few_for_an_interval_of_95_percent_and_six_are_enough() {
        let differences = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
        assert_eq!(WalshAverages::of(&differences[..5]).interval(0.025), None);
        let interval = WalshAverages::of(&differences).interval(0.025);
        assert_eq!(interval, Some([0.1, 0.6]));
        assert_eq!(WalshAverages::of(&[]).location(), None);
        assert_eq!(WalshAverages::of(&[]).interval(0.025), None);
    }

    #[test]
    fn many_pairs_are_approximated_without_a_step() {
        let differences = |pairs: usize| -> Vec<f64> {
            (0..pairs)
                .map(|i| (i as f64 * 0.754_877_666).fract() - 0.45)
                .collect()
        };
        let exact = above_zero(&differences(EXACT_PAIRS_MAX));
        let beyond = above_zero(&differences(EXACT_PAIRS_MAX + 1));
        assert!((exact - beyond).abs() < 0.02, "{exact} {beyond}");
        let width = |pairs| {
            let [low, high] = WalshAverages::of(&differences(pairs))
                .interval(0.025)
                .unwrap();
            high - low
        };
        let (exact, beyond) = (width(EXACT_PAIRS_MAX), width(EXACT_PAIRS_MAX + 1));
        assert!((exact / beyond - 1.0).abs() < 0.05, "{exact} {beyond}");
    }
}
