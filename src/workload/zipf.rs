//! Zipf's law: sums of powers, and draws in constant time.

use rand::RngExt as _;

use crate::base::rng::Rng;

/// Draws ranks 1 to `n`, rank `k` with a share proportional to `1 / k^s`, without a table.
///
/// Rejection-inversion: W. Hormann and G. Derflinger, "Rejection-inversion to generate variates from monotone discrete
/// distributions", ACM TOMACS 6 (1996) 3. A point under the curve `x^-s` is taken by inverting its integral and rounded to
/// the next rank; the histogram's corners are cut by one comparison. `rand_distr::Zipf` divides by `1 - s`, which loses
/// digits next to `s = 1`, and does not bound its ranks by `n`.
#[derive(Clone, Copy, Debug)]
pub struct Zipf {
    exponent: f64,
    ranks: f64,
    /// The integral at the low end of rank 1, which is cut to exactly its share, and at the high end of rank `n`.
    low: f64,
    high: f64,
    /// A rank that lies less than this above its point is right without looking at the curve.
    surely: f64,
}

impl Zipf {
    /// A law over `ranks` ranks (at least 1) with this exponent (0 or above; above 100, where rank 2 is never seen, it
    /// counts as 100).
    pub fn new(ranks: u64, exponent: f64) -> Self {
        let exponent = exponent.clamp(0.0, 100.0);
        let ranks = ranks.max(1) as f64;
        Self {
            exponent,
            ranks,
            low: integral(exponent, 1.5) - 1.0,
            high: integral(exponent, ranks + 0.5),
            surely: 2.0
                - inverse_integral(exponent, integral(exponent, 2.5) - 2f64.powf(-exponent)),
        }
    }

    /// A rank.
    pub fn draw(&self, rng: &mut Rng) -> u64 {
        loop {
            let area = self.high + rng.random::<f64>() * (self.low - self.high);
            let point = inverse_integral(self.exponent, area);
            // The order of the bounds also turns the NaN of an overflow into the last rank.
            let rank = (point + 0.5).floor().min(self.ranks).max(1.0);
            if rank - point <= self.surely
                || area >= integral(self.exponent, rank + 0.5) - rank.powf(-self.exponent)
            {
                return rank as u64;
            }
        }
    }
}

/// The integral of `t^-s` from 1 to `x`, exact to rounding also where `s` is 1 or next to it.
fn integral(s: f64, x: f64) -> f64 {
    let log = x.ln();
    log * exp_m1_over((1.0 - s) * log)
}

/// The `x` whose [`integral`] is `area`.
fn inverse_integral(s: f64, area: f64) -> f64 {
    (area * ln_1p_over((1.0 - s) * area)).exp()
}

/// `(e^t - 1) / t`, 1 at zero.
fn exp_m1_over(t: f64) -> f64 {
    if t.abs() < 1e-9 {
        1.0 + t / 2.0
    } else {
        t.exp_m1() / t
    }
}

/// `ln(1 + t) / t`, 1 at zero.
fn ln_1p_over(t: f64) -> f64 {
    if t.abs() < 1e-9 {
        1.0 - t / 2.0
    } else {
        t.ln_1p() / t
    }
}

/// Ranks below this are added one by one.
const ADDED_RANKS: u64 = 1_000;

/// The sum of `k^-s` over the ranks `first..=last`, `first` at least 1. Relative error below 1e-12 for `s` up to 10: from
/// rank 1,000 on by the Euler-Maclaurin formula up to the third derivative.
pub fn power_sum(s: f64, first: u64, last: u64) -> f64 {
    let middle = first.max(ADDED_RANKS);
    // The small ones first, so that their digits are not lost.
    let added: f64 = (first..=last.min(ADDED_RANKS - 1))
        .rev()
        .map(|rank| (rank as f64).powf(-s))
        .sum();
    if middle > last {
        return added;
    }
    let (a, b) = (middle as f64, last as f64 + 1.0);
    let ratio_log = (((last - middle) as f64 + 1.0) / a).ln_1p();
    let area = a.powf(1.0 - s) * ratio_log * exp_m1_over((1.0 - s) * ratio_log);
    let ends = (a.powf(-s) - b.powf(-s)) / 2.0;
    let slopes = s / 12.0 * (a.powf(-s - 1.0) - b.powf(-s - 1.0));
    let third = s * (s + 1.0) * (s + 2.0) / 720.0 * (a.powf(-s - 3.0) - b.powf(-s - 3.0));
    area + ends + slopes - third + added
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::generator;
    use crate::workload::goodness::assert_fits;

    #[test]
    fn sums_of_powers_are_what_adding_gives() {
        for s in [0.0, 0.5, 0.999_999_9, 1.0, 1.2, 2.4, 10.0] {
            for (first, last) in [
                (1, 2),
                (1, 1),
                (1, 1_000),
                (3, 20_000),
                (5_000, 5_003),
                (900, 200_000),
            ] {
                let added: f64 = (first..=last).rev().map(|k: u64| (k as f64).powf(-s)).sum();
                let sum = power_sum(s, first, last);
                assert!(
                    (sum - added).abs() <= 1e-12 * added,
                    "{s} {first}..={last}: {sum} {added}"
                );
            }
        }
        // H(10^9) by its own expansion, ln n + gamma + 1/(2n).
        let harmonic = 1e9f64.ln() + 0.577_215_664_901_532_9 + 0.5e-9;
        assert!((power_sum(1.0, 1, 1_000_000_000) - harmonic).abs() < 1e-11);
    }

    #[test]
    fn a_steep_law_has_one_rank() {
        let mut rng = generator(3, "zipf", 0, "keys");
        for exponent in [60.0, 1e9, f64::INFINITY] {
            let zipf = Zipf::new(u64::MAX, exponent);
            assert!((0..1_000).all(|_| zipf.draw(&mut rng) == 1));
        }
    }

    #[test]
    fn ranks_have_their_exact_shares_for_any_exponent_and_population() {
        for exponent in [0.5, 0.999_999_999, 1.0, 1.2, 3.0] {
            for population in [1, 2, 10, 100_000, 1_000_000_000] {
                let mut rng = generator(3, "zipf", 0, "keys");
                let zipf = Zipf::new(population, exponent);
                // Bins grow with the rank, and each holds at least one draw in 10,000.
                let total = power_sum(exponent, 1, population);
                let share = |first, end| power_sum(exponent, first, end - 1) / total;
                let mut edges = vec![1];
                let mut end = 1;
                while end <= population {
                    end = (end + end.div_ceil(20)).min(population + 1);
                    if share(edges[edges.len() - 1], end) >= 1e-4 {
                        edges.push(end);
                    }
                }
                // What is left over joins the last bin.
                let last = edges.len() - 1;
                edges[last] = population + 1;
                let shares: Vec<f64> = edges.windows(2).map(|bin| share(bin[0], bin[1])).collect();
                let mut counts = vec![0; shares.len()];
                for _ in 0..200_000 {
                    let rank = zipf.draw(&mut rng);
                    assert!((1..=population).contains(&rank));
                    counts[edges.partition_point(|&edge| edge <= rank) - 1] += 1;
                }
                if counts.len() > 1 {
                    assert_fits(
                        &format!("zipf {exponent} of {population}"),
                        &counts,
                        &shares,
                    );
                }
            }
        }
    }
}
