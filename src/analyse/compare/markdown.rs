//! A comparison as Markdown, for a pull request.

use std::fmt::Write as _;

use super::comparison::{Comparison, Row};
use super::text::cells;
use crate::analyse::statistics::Verdict;
use crate::report::text::counted;

/// The whole comparison.
pub fn render(comparison: &Comparison) -> String {
    let mark = match comparison.verdict {
        Verdict::Regression => "❌",
        Verdict::Inconclusive => "❔",
        Verdict::NoRegression | Verdict::Improvement => "✅",
    };
    let mut text = format!(
        "### {mark} {}: {}\n\n{}\n\n",
        escaped(&comparison.scenario),
        comparison.verdict.as_str(),
        escaped_but_code(&comparison.answer)
    );
    let (deciding, others): (Vec<_>, Vec<_>) =
        comparison.metrics.iter().partition(|row| row.decides);
    table(&mut text, &deciding);
    checks(&mut text, comparison);
    if !others.is_empty() {
        text.push_str("<details><summary>Also measured, not judged</summary>\n\n");
        table(&mut text, &others);
        text.push_str("</details>\n\n");
    }
    for note in &comparison.notes {
        // Writing to a string does not fail.
        let _ = writeln!(text, "> {}", escaped_but_code(note));
    }
    if !comparison.notes.is_empty() {
        text.push('\n');
    }
    let side = |side: &[super::comparison::RunRow]| {
        let first = side
            .first()
            .map_or_else(String::new, |run| run.path.clone());
        let more = side.len().saturating_sub(1);
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        format!("{}{more}", code(&first))
    };
    let _ = writeln!(
        text,
        "{} by {}, figures {}, {} world. Base: {}. New: {}. Figures are medians of runs; a change is the middle of the pairs' ratios (Hodges and Lehmann) \
         with its 95 % interval (signed ranks); verdicts are over all deciding metrics (Holm).",
        counted(comparison.pairs.into(), "pair"),
        comparison.paired_by.as_str(),
        comparison.basis.as_str(),
        comparison.world.as_str(),
        side(&comparison.base),
        side(&comparison.new),
    );
    text
}

fn table(text: &mut String, rows: &[&Row]) {
    if rows.is_empty() {
        return;
    }
    text.push_str("| metric | base | new | change | 95 % interval | verdict |\n|---|---:|---:|---:|---:|---|\n");
    for row in rows {
        let [metric, base, new, change, interval, verdict] = cells(row);
        let verdict = match row.verdict {
            Some(Verdict::Regression | Verdict::Improvement) => format!("**{verdict}**"),
            _ => verdict,
        };
        let _ = writeln!(
            text,
            "| {} | {base} | {new} | {change} | {interval} | {verdict} |",
            code(&metric)
        );
    }
    text.push('\n');
}

fn checks(text: &mut String, comparison: &Comparison) {
    let failed: Vec<_> = comparison
        .checks
        .iter()
        .filter(|check| !check.holds)
        .collect();
    if failed.is_empty() {
        let _ = writeln!(
            text,
            "Exact checks: all {} hold.\n",
            comparison.checks.len()
        );
        return;
    }
    text.push_str("| exact check that fails | base | new |\n|---|---:|---:|\n");
    for check in failed {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            code(&check.count),
            check.base,
            check.new
        );
    }
    text.push('\n');
}

/// A name as code; what would end the code or the cell is replaced.
pub(crate) fn code(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| match c {
            '`' => '\'',
            '|' => '/',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    format!("`{text}`")
}

/// Text that stays text.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The same, where names already stand in backticks.
pub(crate) fn escaped_but_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(index, part)| {
        if index % 2 == 1 {
            code(part)
        } else {
            escaped(part)
        }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::{settings, sides};
    use super::super::{Pairing, compare};
    use super::*;

    #[test]
    fn a_pull_request_is_told_the_verdict_the_table_and_where_it_comes_from() {
        let made = compare(Pairing::Seed, &sides(10, 1.2), &settings(), None).unwrap();
        insta::assert_snapshot!(render(&made));
    }

    #[test]
    fn a_failed_check_stands_alone_in_its_table() {
        let mut pairs = sides(2, 1.0);
        let billing = pairs[0][1]
            .document
            .ledger
            .consumers
            .get_mut("billing")
            .unwrap();
        billing.total.corrupt += 2;
        billing.total.deliveries += 2;
        let made = compare(Pairing::Seed, &pairs, &settings(), None).unwrap();
        let text = render(&made);
        assert!(text.contains("| `consumers.billing.corrupt` |"), "{text}");
        assert!(!text.contains("| `consumers.billing.lost` |"), "{text}");
    }

    #[test]
    fn names_of_a_scenario_do_not_become_markup() {
        assert_eq!(escaped("a*b<i>"), "a\\*b\\<i\\>");
        assert_eq!(code("a`b|c\n"), "`a'b/c `");
        assert_eq!(escaped_but_code("see `a_b` at c_d"), "see `a_b` at c\\_d");
    }
}
