//! How well drawn numbers fit what was promised: the bounds that this folder's tests hold their statistics to.

/// What a chi-square statistic with `freedom` degrees of freedom stays below in all but one of ten thousand samples
/// (Wilson and Hilferty, 1931: its cube root is nearly normal).
pub(crate) fn chi_square_bound(freedom: usize) -> f64 {
    const Z_9999: f64 = 3.719_016;
    let spread = 2.0 / (9.0 * freedom as f64);
    freedom as f64 * (1.0 - spread + Z_9999 * spread.sqrt()).powi(3)
}

/// Checks counts against the shares expected, each of which must make at least five draws likely.
pub(crate) fn assert_fits(what: &str, counts: &[u64], shares: &[f64]) {
    assert_eq!(counts.len(), shares.len());
    assert!(
        (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9,
        "{what}: shares add up to one"
    );
    let draws = counts.iter().sum::<u64>() as f64;
    let mut statistic = 0.0;
    for (&count, share) in counts.iter().zip(shares) {
        let expected = share * draws;
        assert!(expected >= 5.0, "{what}: a bin expects only {expected}");
        statistic += (count as f64 - expected).powi(2) / expected;
    }
    let bound = chi_square_bound(counts.len() - 1);
    assert!(
        statistic < bound,
        "{what}: chi-square {statistic:.1} of at most {bound:.1}"
    );
}

/// The Kolmogorov-Smirnov statistic times the root of the sample's size; below 1.95 in 999 of 1,000 samples. `sample` is
/// sorted.
pub(crate) fn kolmogorov_smirnov(sample: &[f64], cumulative: impl Fn(f64) -> f64) -> f64 {
    let size = sample.len() as f64;
    let distance = sample
        .iter()
        .enumerate()
        .fold(0.0f64, |worst, (index, &value)| {
            let expected = cumulative(value);
            worst
                .max((index as f64 + 1.0) / size - expected)
                .max(expected - index as f64 / size)
        });
    distance * size.sqrt()
}
