//! Rows of coloured cells.

use std::fmt::Write as _;

use super::CLOSE;

/// The classes of cells, from nothing to above the limit; see [`class`].
pub(in crate::report::html) const CLASSES: usize = 11;

/// The colour of a cell that holds `percent` of its limit: a tenth each up to the limit, the last beyond it.
pub(in crate::report::html) const fn class(percent: u64) -> usize {
    match percent {
        0 => 0,
        101.. => CLASSES - 1,
        _ => {
            let tenth = (percent as usize).div_ceil(10);
            if tenth > 9 { 9 } else { tenth }
        }
    }
}

/// A map with a row of cells for each of `rows`, `columns` wide. Cells of one colour side by side are drawn as one.
pub(in crate::report::html) fn heat_map(rows: &[Vec<u64>], columns: usize) -> String {
    let mut paths = vec![String::new(); CLASSES];
    for (y, row) in rows.iter().enumerate() {
        let mut x = 0;
        while x < row.len().min(columns) {
            let colour = class(row[x]);
            let same = row[x..]
                .iter()
                .take_while(|percent| class(**percent) == colour);
            let width = same.count().min(columns - x);
            let _ = write!(paths[colour], "M{x} {y}h{width}v1h-{width}z");
            x += width;
        }
    }
    let mut svg = format!(
        "<svg viewBox=\"0 0 {columns} {}\" preserveAspectRatio=\"none\" shape-rendering=\"crispEdges\" aria-hidden=\"true\">",
        rows.len()
    );
    for (colour, path) in paths
        .iter()
        .enumerate()
        .filter(|(_, path)| !path.is_empty())
    {
        let _ = write!(svg, "<path class=\"heat h{colour}\" d=\"{path}\"/>");
    }
    svg.push_str(CLOSE);
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_above_the_limit_has_the_colour_of_too_much() {
        let of = [0, 1, 10, 11, 90, 99, 100, 101, 5_000].map(class);
        assert_eq!(of, [0, 1, 1, 2, 9, 9, 9, 10, 10]);
    }

    #[test]
    fn cells_of_one_colour_are_one_piece() {
        let svg = heat_map(&[vec![0, 5, 5, 150], vec![150, 0, 0, 0]], 4);
        assert!(svg.contains("h1\" d=\"M1 0h2v1h-2z\""), "{svg}");
        assert!(
            svg.contains("h10\" d=\"M3 0h1v1h-1zM0 1h1v1h-1z\""),
            "{svg}"
        );
        assert!(svg.contains("viewBox=\"0 0 4 2\""), "{svg}");
    }
}
