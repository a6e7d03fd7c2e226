//! Drawings as SVG without text, and the labels that belong to them.
//!
//! A drawing is [`WIDTH`] units wide and as high as its pixels; the page stretches it sideways only. Its strings hold
//! numbers and classes, never text of others, so that they may stand in the page as they are.

pub(super) mod axis;
pub(super) mod bars;
pub(super) mod flow;
pub(super) mod heat_map;
pub(super) mod line;

use std::fmt::Write as _;

/// Units from left to right.
pub(super) const WIDTH: f64 = 1000.0;

/// A number of units with one digit after the point, and none where it says nothing.
pub(super) fn unit(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// The beginning of a drawing with lines across at these heights, in percent.
pub(super) fn open(height: u32, across: impl IntoIterator<Item = f64>) -> String {
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    );
    for at in across {
        let y = unit(at / 100.0 * f64::from(height));
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"0\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>"
        );
    }
    svg
}

/// The end of it.
pub(super) const CLOSE: &str = "</svg>";
