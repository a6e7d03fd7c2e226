//! Lines over time or over another axis.

use std::fmt::Write as _;

use super::axis::Scale;
use super::{CLOSE, WIDTH, open, unit};

/// A line: its class, and its points from left (0) to right (1); a point that is not there breaks it.
#[derive(Clone, Debug)]
pub(in crate::report::html) struct Line {
    pub(in crate::report::html) class: String,
    pub(in crate::report::html) points: Vec<(f64, Option<f64>)>,
}

/// Lines on `scale`, the later ones on top, before a band between these two places (0 to 1).
pub(in crate::report::html) fn lines(
    lines: &[Line],
    scale: Scale,
    height: u32,
    band: Option<(f64, f64)>,
) -> String {
    let mut svg = open(height, []);
    if let Some((from, until)) = band {
        let _ = write!(
            svg,
            "<rect class=\"window\" x=\"{}\" y=\"0\" width=\"{}\" height=\"{height}\"/>",
            unit(from * WIDTH),
            unit((until - from) * WIDTH)
        );
    }
    let ticks = scale.ticks(|_| String::new());
    let grid = open(height, ticks.iter().map(|tick| tick.at));
    svg.push_str(grid.split_once('>').map_or("", |(_, lines)| lines));
    for line in lines {
        let _ = write!(svg, "<path class=\"line {}\" d=\"", line.class);
        let mut goes_on = false;
        let points = &line.points;
        for (index, (x, value)) in points.iter().enumerate() {
            let Some(value) = value else {
                goes_on = false;
                continue;
            };
            let (x, y) = (x * WIDTH, scale.down(*value) * f64::from(height));
            let _ = write!(
                svg,
                "{}{} {}",
                if goes_on { 'L' } else { 'M' },
                unit(x),
                unit(y)
            );
            // A point that stands alone would not be seen.
            let next = points.get(index + 1).is_some_and(|next| next.1.is_some());
            if !goes_on && !next {
                let _ = write!(svg, "h3");
            }
            goes_on = true;
        }
        svg.push_str("\"/>");
    }
    svg.push_str(CLOSE);
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_through_its_points_and_breaks_where_there_is_none() {
        let line = Line {
            class: "acked".into(),
            points: vec![
                (0.0, Some(0.0)),
                (0.5, Some(10.0)),
                (0.7, None),
                (1.0, Some(5.0)),
            ],
        };
        let svg = lines(&[line], Scale::Linear(10.0), 200, Some((0.25, 0.75)));
        assert!(svg.contains("d=\"M0 200L500 0M1000 100h3\""), "{svg}");
        assert!(svg.contains("x=\"250\" y=\"0\" width=\"500\""), "{svg}");
        assert_eq!(svg.matches("<svg").count(), 1);
    }
}
