//! Several metrics at once.

/// Which of several hypotheses are refused, so that one or more wrongly so has a probability of at most `alpha`, whatever
/// depends on what: Holm's steps (1979). The lowest p-value must be at most alpha / m, the next alpha / (m - 1), and so on;
/// the first that is not ends it.
pub fn refused(p_values: &[f64], alpha: f64) -> Vec<bool> {
    let mut order: Vec<_> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut refused = vec![false; p_values.len()];
    for (step, &index) in order.iter().enumerate() {
        if p_values[index] > alpha / (p_values.len() - step) as f64 {
            break;
        }
        refused[index] = true;
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_held_against_what_is_left() {
        // 0.05 / 3, 0.05 / 2, 0.05 / 1.
        assert_eq!(refused(&[0.02, 0.01, 0.04], 0.05), [true, true, true]);
        assert_eq!(refused(&[0.03, 0.01, 0.03], 0.05), [false, true, false]);
        // The lowest fails: 0.02 would pass by itself, and none does.
        assert_eq!(refused(&[0.02, 0.5, 0.5], 0.05), [false, false, false]);
        assert_eq!(refused(&[], 0.05), Vec::<bool>::new());
    }
}
