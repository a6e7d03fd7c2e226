//! A sum that flows into its parts.

use std::fmt::Write as _;

use super::{CLOSE, WIDTH, open, unit};

/// The room that a part takes at least, in pixels: its label's.
const PART_MIN: f64 = 30.0;
/// The room between parts.
const GAP: f64 = 6.0;
/// The height of the sum's own bar.
const SUM: f64 = 130.0;
/// How wide the bars at both ends are, in units.
const BAR: f64 = 14.0;

/// A drawn flow.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::report::html) struct Drawn {
    pub(in crate::report::html) svg: String,
    /// In pixels.
    pub(in crate::report::html) height: u32,
    /// The middle of each part, in pixels from the top.
    pub(in crate::report::html) middles: Vec<u32>,
}

/// Ribbons from one bar to bars of the parts: on the left as high as their share of the sum, on the right at least as high
/// as a label. Each part comes with its class.
pub(in crate::report::html) fn flow(parts: &[(&str, u64)]) -> Drawn {
    let sum: u64 = parts.iter().map(|(_, part)| part).sum();
    let share = |part: u64| part as f64 / sum.max(1) as f64;
    let heights: Vec<f64> = parts
        .iter()
        .map(|(_, part)| (share(*part) * SUM).max(PART_MIN))
        .collect();
    let right: f64 = heights.iter().sum::<f64>() + GAP * (parts.len().max(1) - 1) as f64;
    let height = right.max(SUM);
    let mut svg = open(height.ceil() as u32, []);
    let (mut left_y, mut right_y) = ((height - SUM) / 2.0, (height - right) / 2.0);
    let mut middles = Vec::new();
    for ((class, part), room) in parts.iter().zip(&heights) {
        let left = share(*part) * SUM;
        // What is nothing has a label and no ribbon; what is little is seen.
        let bar = if *part == 0 {
            0.0
        } else {
            (share(*part) * SUM).max(1.5)
        };
        let top = right_y + (room - bar) / 2.0;
        if *part > 0 {
            let (x0, x1) = (BAR, WIDTH - BAR);
            let middle = WIDTH / 2.0;
            let thick = left.max(1.0);
            let _ = write!(
                svg,
                "<path class=\"rib {class}\" d=\"M{x0} {}C{middle} {} {middle} {} {x1} {}V{}C{middle} {} {middle} {} {x0} {}z\"/>",
                unit(left_y),
                unit(left_y),
                unit(top),
                unit(top),
                unit(top + bar),
                unit(top + bar),
                unit(left_y + thick),
                unit(left_y + thick),
            );
            let _ = write!(
                svg,
                "<rect class=\"bar {class}\" x=\"0\" y=\"{}\" width=\"{BAR}\" height=\"{}\"/><rect class=\"bar {class}\" x=\"{x1}\" y=\"{}\" width=\"{BAR}\" height=\"{}\"/>",
                unit(left_y),
                unit(thick),
                unit(top),
                unit(bar),
            );
        }
        middles.push((right_y + room / 2.0).round() as u32);
        left_y += left;
        right_y += room + GAP;
    }
    svg.push_str(CLOSE);
    Drawn {
        svg,
        height: height.ceil() as u32,
        middles,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_room_for_their_labels_and_nothing_has_no_ribbon() {
        let drawn = flow(&[("acked", 90), ("refused", 0), ("unknown", 10)]);
        assert_eq!(drawn.svg.matches("class=\"rib").count(), 2);
        assert!(!drawn.svg.contains("rib refused"), "{}", drawn.svg);
        assert_eq!(drawn.middles.len(), 3);
        let far = drawn
            .middles
            .windows(2)
            .all(|pair| f64::from(pair[1] - pair[0]) >= PART_MIN);
        assert!(far, "{:?}", drawn.middles);
    }

    #[test]
    fn an_empty_sum_is_drawn_as_its_labels() {
        let drawn = flow(&[("acked", 0)]);
        assert!(!drawn.svg.contains("NaN") && !drawn.svg.contains("rib"));
    }
}
