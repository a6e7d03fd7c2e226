//! A comparison on the terminal.

use super::comparison::{Comparison, Row};
use super::run::show;
use crate::analyse::statistics::Verdict;
use crate::report::terminal::table::Table;
use crate::report::text::{counted, wrapped};

/// Characters of a line of notes.
const WIDTH: usize = 100;

/// A ratio as a change: `+7.9 %`, `-12 %`, `x 3.2`.
pub fn change(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    if !ratio.is_finite() {
        "-".to_owned()
    } else if ratio >= 3.0 {
        format!("x {ratio:.1}")
    } else if percent.abs() < 0.05 {
        "0.0 %".to_owned()
    } else if percent.abs() < 10.0 {
        format!("{percent:+.1} %")
    } else {
        format!("{percent:+.0} %")
    }
}

/// A share as percent: `5 %`, `2.5 %`.
pub(crate) fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{} %", text.trim_end_matches(".0"))
}

/// The cells of a row: metric, base, new, change, interval, verdict.
pub(super) fn cells(row: &Row) -> [String; 6] {
    // What is added so that zero has a ratio decides how large that is: it says only that there was nothing before.
    let from_nothing = row.base == 0.0 && row.new > 0.0;
    let interval = row.interval.filter(|_| !from_nothing).map_or_else(
        || "-".to_owned(),
        |[low, high]| format!("{} to {}", change(low), change(high)),
    );
    let verdict = match (row.decides, row.verdict) {
        (true, Some(verdict)) => verdict.as_str(),
        (true, None) => "not judged",
        (false, _) => "",
    };
    [
        row.metric.clone(),
        show(&row.metric, row.base),
        show(&row.metric, row.new),
        if from_nothing {
            "from 0".to_owned()
        } else {
            change(row.ratio)
        },
        interval,
        verdict.to_owned(),
    ]
}

/// The whole comparison; the answer is first.
pub fn render(comparison: &Comparison) -> String {
    let verdict = match comparison.verdict {
        Verdict::Regression => "REGRESSION",
        Verdict::Inconclusive => "INCONCLUSIVE",
        Verdict::NoRegression => "NO REGRESSION",
        Verdict::Improvement => "IMPROVEMENT",
    };
    format!(
        "Comparison: {verdict}\nAnswer: {}\n{}",
        comparison.answer,
        details(comparison)
    )
}

/// All but the verdict and the answer.
pub fn details(comparison: &Comparison) -> String {
    let mut sections = vec![head(comparison)];
    let (deciding, others): (Vec<_>, Vec<_>) =
        comparison.metrics.iter().partition(|row| row.decides);
    let failed = comparison
        .checks
        .iter()
        .filter(|check| !check.holds)
        .count();
    let title = if failed == 0 {
        format!("Exact checks: {} hold", comparison.checks.len())
    } else {
        format!("Exact checks: {failed} of {} fail", comparison.checks.len())
    };
    let mut checks = Table::new("count  <base  <new  ");
    let listed = comparison
        .checks
        .iter()
        .filter(|check| !check.holds || check.base + check.new > 0);
    let mut any = false;
    for check in listed {
        any = true;
        let failed = if check.holds { "" } else { " FAILS" };
        checks.row([
            format!("{}{failed}", check.count),
            check.base.to_string(),
            check.new.to_string(),
        ]);
    }
    sections.push(if any { checks.titled(&title) } else { title });
    for (title, rows) in [
        (
            format!("Deciding metrics ({})", comparison.basis.as_str()),
            deciding,
        ),
        (
            format!("Also measured ({})", comparison.basis.as_str()),
            others,
        ),
    ] {
        if rows.is_empty() {
            continue;
        }
        let mut table = Table::new("metric  <base  <new  <change  <95 % interval  verdict");
        for row in rows {
            table.row(cells(row));
        }
        sections.push(table.titled(&title));
    }
    if !comparison.notes.is_empty() {
        let mut notes = String::from("Notes");
        for note in &comparison.notes {
            for (index, line) in wrapped(note, WIDTH - 4).iter().enumerate() {
                notes.push_str(if index == 0 { "\n  - " } else { "\n    " });
                notes.push_str(line);
            }
        }
        sections.push(notes);
    }
    sections.join("\n\n") + "\n"
}

fn head(comparison: &Comparison) -> String {
    let name = |side: &[super::comparison::RunRow]| {
        let mut targets: Vec<_> = side
            .iter()
            .filter_map(|run| run.target.as_deref())
            .collect();
        targets.dedup();
        let first = side.first().map_or("", |run| run.path.as_str());
        let at = match targets.as_slice() {
            [one] => format!(", {one}"),
            _ => String::new(),
        };
        match side.len() {
            1 => format!("{first}{at}"),
            n => format!("{} from {first}{at}", counted(n as u64, "run")),
        }
    };
    format!(
        "Scenario: {} ({}), {} by {}\nBase: {}\nNew: {}",
        comparison.scenario,
        comparison.world.as_str(),
        counted(comparison.pairs.into(), "pair"),
        comparison.paired_by.as_str(),
        name(&comparison.base),
        name(&comparison.new),
    )
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::{settings, sides};
    use super::super::{Pairing, compare};
    use super::*;

    #[test]
    fn changes_are_read_at_a_glance() {
        for (ratio, text) in [
            (1.079, "+7.9 %"),
            (0.88, "-12 %"),
            (1.0, "0.0 %"),
            (0.999, "-0.1 %"),
            (3.24, "x 3.2"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(change(ratio), text);
        }
        assert_eq!(
            (percent(0.05), percent(0.025)),
            ("5 %".into(), "2.5 %".into())
        );
    }

    #[test]
    fn a_regression_is_told_first_with_what_decided_it() {
        let made = compare(Pairing::Seed, &sides(10, 1.2), &settings(), None).unwrap();
        insta::assert_snapshot!(render(&made));
    }
}
