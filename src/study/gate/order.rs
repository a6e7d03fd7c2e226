//! Whose turn it is.

use serde::{Deserialize, Serialize};

/// A side of the gate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What is compared with.
    Base,
    /// What is judged.
    New,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Base, Self::New];

    /// The side as reports and folders call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::New => "new",
        }
    }
}

/// Which side of a pair runs first, pairs counted from 0: ABBA, then BAAB, and so on. A machine that slows down evenly takes
/// as much from one side as from the other in every two pairs, and one whose slowing changes evenly in every four.
pub const fn order(pair: u32) -> [Side; 2] {
    match pair % 4 {
        0 | 3 => [Side::Base, Side::New],
        _ => [Side::New, Side::Base],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_take_turns_as_abba_and_then_baab() {
        let letters: String = (0..8)
            .flat_map(order)
            .map(|side| if side == Side::Base { 'A' } else { 'B' })
            .collect();
        assert_eq!(letters, "ABBABAABABBABAAB");
    }

    #[test]
    fn a_drift_takes_as_much_from_either_side() {
        for power in [1, 2] {
            let place =
                |pair: u32, second: bool| f64::from(2 * pair + u32::from(second)).powi(power);
            let mut difference = 0.0;
            for pair in 0..4 {
                let sign = if order(pair)[0] == Side::Base {
                    1.0
                } else {
                    -1.0
                };
                difference += sign * (place(pair, true) - place(pair, false));
            }
            assert!(f64::abs(difference) < 1e-9, "{power}: {difference}");
        }
    }
}
