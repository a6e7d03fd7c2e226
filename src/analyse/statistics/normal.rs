//! The normal distribution, for forecasts and for many pairs; verdicts on few pairs do not rest on it.

/// The probability of a standard normal value above `z`.
pub fn upper_tail(z: f64) -> f64 {
    libm::erfc(z / std::f64::consts::SQRT_2) / 2.0
}

/// The value that a standard normal one stays below with `probability`, which counts as the nearest of 1e-12 to 1 - 1e-12.
pub fn quantile(probability: f64) -> f64 {
    let probability = probability.clamp(1e-12, 1.0 - 1e-12);
    let (mut low, mut high) = (-8.0, 8.0);
    // Halved until doubles end: the function is monotone, and this is not asked often.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 1.0 - upper_tail(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (probability, z) in [
            (0.5, 0.0),
            (0.975, 1.959_964),
            (0.9, 1.281_552),
            (0.025, -1.959_964),
        ] {
            assert!((quantile(probability) - z).abs() < 1e-6, "{probability}");
        }
        assert!(quantile(0.0) < -6.0 && quantile(1.0) > 6.0);
    }
}
