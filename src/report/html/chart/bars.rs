//! Bars side by side.

use std::fmt::Write as _;

use super::axis::Scale;
use super::{CLOSE, WIDTH, open, unit};

/// How wide a bar is at most, in units.
const WIDTH_MAX: f64 = 90.0;

/// For each place from left to right one bar of each class, and a line across at `limit`.
pub(in crate::report::html) fn bars(
    classes: &[&str],
    places: &[Vec<Option<f64>>],
    scale: Scale,
    height: u32,
    limit: Option<f64>,
) -> String {
    let ticks = scale.ticks(|_| String::new());
    let mut svg = open(height, ticks.iter().map(|tick| tick.at));
    let room = WIDTH / places.len().max(1) as f64;
    let width = (room * 0.78 / classes.len().max(1) as f64).min(WIDTH_MAX);
    let all = width * classes.len() as f64;
    for (index, class) in classes.iter().enumerate() {
        let _ = write!(svg, "<path class=\"bar {class}\" d=\"");
        for (place, values) in places.iter().enumerate() {
            let Some(value) = values.get(index).copied().flatten() else {
                continue;
            };
            let x = room * (place as f64 + 0.5) - all / 2.0 + width * index as f64;
            let top = scale.down(value) * f64::from(height);
            let _ = write!(
                svg,
                "M{} {height}V{}h{}V{height}z",
                unit(x),
                unit(top),
                unit(width * 0.94)
            );
        }
        svg.push_str("\"/>");
    }
    if let Some(limit) = limit {
        let y = unit(scale.down(limit) * f64::from(height));
        let _ = write!(
            svg,
            "<line class=\"limit\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>"
        );
    }
    svg.push_str(CLOSE);
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_number_and_absent_without_one() {
        let places = [vec![Some(5.0), Some(10.0)], vec![None, Some(0.0)]];
        let svg = bars(&["k0", "k1"], &places, Scale::Linear(10.0), 100, Some(10.0));
        assert!(svg.contains("d=\"M160 100V50h84.6V100z\""), "{svg}");
        assert!(svg.contains("M250 100V0h"), "{svg}");
        assert_eq!(svg.matches("V100z").count(), 3);
        assert!(svg.contains("class=\"limit\""), "{svg}");
    }
}
