//! A comparison as one page: the verdict, the table, and both sides' percentile curves laid over each other.
//!
//! Everything is in the page: no script, no font, no request. What comes from a scenario is escaped.

use std::fmt::Write as _;

use super::comparison::{Comparison, Row};
use super::run::Run;
use super::text::cells;
use crate::analyse::statistics::looks::median;
use crate::analyse::statistics::signed_rank::WalshAverages;
use crate::analyse::statistics::{SIDE_ALPHA, Verdict};
use crate::measure::{LatencyKind, LatencySummary};
use crate::report::Document;
use crate::report::text::{counted, micros};

const STYLE: &str = include_str!("page.css");

/// The percentiles of a curve, from left to right.
const PERCENTILES: [&str; 6] = ["p50", "p90", "p99", "p99.9", "p99.99", "max"];

/// Size of a chart, in its own units.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 30.0;

/// The page. `pairs` are the runs that `comparison` is of.
pub fn render(comparison: &Comparison, pairs: &[[Run; 2]]) -> String {
    let title = escaped(&format!(
        "{}: {}",
        comparison.scenario,
        comparison.verdict.as_str()
    ));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n"
    );
    let class = match comparison.verdict {
        Verdict::Regression => "worse",
        Verdict::Inconclusive => "open",
        Verdict::NoRegression | Verdict::Improvement => "good",
    };
    // Writing to a string does not fail.
    let _ = writeln!(
        page,
        "<h1>{}</h1>\n<p class=\"verdict {class}\">{}</p>\n<p>{} by {}, {} world, figures <b>{}</b>. Changes below {} do not \
         count.</p>",
        escaped(&comparison.scenario),
        escaped(&comparison.answer),
        counted(comparison.pairs.into(), "pair"),
        comparison.paired_by.as_str(),
        comparison.world.as_str(),
        comparison.basis.as_str(),
        super::text::percent(comparison.min_effect),
    );
    if !comparison.notes.is_empty() {
        page.push_str("<ul class=\"notes\">");
        for note in &comparison.notes {
            let _ = write!(page, "<li>{}</li>", escaped(note));
        }
        page.push_str("</ul>\n");
    }
    checks(&mut page, comparison);
    metrics(&mut page, comparison);
    curves(&mut page, pairs);
    runs(&mut page, comparison);
    page.push_str("</main></body></html>\n");
    page
}

fn checks(page: &mut String, comparison: &Comparison) {
    let failed = comparison
        .checks
        .iter()
        .filter(|check| !check.holds)
        .count();
    let total = comparison.checks.len();
    let summary = match failed {
        0 => format!("all {total} hold"),
        failed => format!("{failed} of {total} fail"),
    };
    let open = if failed == 0 { "" } else { " open" };
    let _ = write!(
        page,
        "<h2>Exact checks</h2>\n<details{open}><summary>{summary}</summary><div class=\"wide\"><table><tr><th>count</th>\
         <th>base</th><th>new</th><th></th></tr>"
    );
    for check in &comparison.checks {
        let (class, word) = if check.holds {
            ("", "holds")
        } else {
            (" class=\"worse\"", "fails")
        };
        let _ = write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td{class}>{word}</td></tr>",
            escaped(&check.count),
            check.base,
            check.new
        );
    }
    page.push_str("</table></div></details>\n");
}

fn metrics(page: &mut String, comparison: &Comparison) {
    let (deciding, others): (Vec<_>, Vec<_>) =
        comparison.metrics.iter().partition(|row| row.decides);
    page.push_str("<h2>Deciding metrics</h2>\n");
    table(page, &deciding);
    if !others.is_empty() {
        page.push_str("<details><summary>Also measured, not judged</summary>\n");
        table(page, &others);
        page.push_str("</details>\n");
    }
}

fn table(page: &mut String, rows: &[&Row]) {
    page.push_str(
        "<div class=\"wide\"><table><tr><th>metric</th><th>base</th><th>new</th><th>change</th><th>95 % interval</th>\
         <th>verdict</th></tr>",
    );
    for row in rows {
        let class = match row.verdict {
            Some(Verdict::Regression) => "worse",
            Some(Verdict::Improvement) => "good",
            _ => "",
        };
        let [metric, base, new, change, interval, verdict] = cells(row);
        let _ = write!(
            page,
            "<tr data-metric=\"{0}\" data-ratio=\"{1}\"><td>{0}</td><td>{base}</td><td>{new}</td><td>{change}</td>\
             <td>{interval}</td><td class=\"{class}\">{verdict}</td></tr>",
            escaped(&metric),
            row.ratio,
        );
    }
    page.push_str("</table></div>\n");
}

fn runs(page: &mut String, comparison: &Comparison) {
    page.push_str(
        "<h2>Runs</h2>\n<details><summary>all runs</summary><div class=\"wide\"><table><tr><th>pair</th><th>side</th>\
         <th>run</th><th>seed</th><th>started</th><th>measurement</th></tr>",
    );
    let pairs = comparison.base.iter().zip(&comparison.new).enumerate();
    for (index, (base, new)) in pairs {
        for (side, run) in [("base", base), ("new", new)] {
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{side}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                index + 1,
                escaped(&run.path),
                run.seed,
                escaped(&run.started),
                run.status.as_str()
            );
        }
    }
    page.push_str("</table></div></details>\n");
}

/// The latency summaries of a document by part and kind, without those of the instrument.
fn summaries(document: &Document) -> Vec<(String, LatencyKind, &LatencySummary)> {
    let producers = document
        .latency
        .producers
        .iter()
        .map(|(name, kinds)| (format!("producers.{name}"), kinds));
    let consumers = document
        .latency
        .consumers
        .iter()
        .map(|(name, kinds)| (format!("consumers.{name}"), kinds));
    let calls = document.calls.iter().flat_map(|(name, load)| {
        let operations = load.operations.iter();
        operations.map(move |(call, summary)| (format!("calls.{name}.{call}"), &summary.latency))
    });
    let parts = producers.chain(consumers).chain(calls);
    let all = parts.flat_map(|(part, kinds)| {
        kinds
            .iter()
            .map(move |(kind, summary)| (part.clone(), *kind, summary))
    });
    all.filter(|(_, kind, summary)| *kind != LatencyKind::Lateness && summary.count > 0)
        .collect()
}

/// What is added where logarithms are taken: latencies are whole microseconds, and 0 has no logarithm.
const HALF_STEP_US: f64 = 0.5;

/// A point of a side's curve, in microseconds: the median of its runs, and between what that may lie; the range of the runs where they are
/// too few to say.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Point {
    middle: f64,
    low: f64,
    high: f64,
}

impl Point {
    fn of(values_us: &[f64]) -> Option<Self> {
        let logs: Vec<_> = values_us
            .iter()
            .map(|us| (us + HALF_STEP_US).ln())
            .collect();
        let low = logs.iter().copied().min_by(f64::total_cmp)?;
        let high = logs.iter().copied().max_by(f64::total_cmp)?;
        let [low, high] = WalshAverages::of(&logs)
            .interval(SIDE_ALPHA)
            .unwrap_or([low, high]);
        Some(Self {
            middle: median(logs)?.exp() - HALF_STEP_US,
            low: low.exp() - HALF_STEP_US,
            high: high.exp() - HALF_STEP_US,
        })
    }
}

fn curves(page: &mut String, pairs: &[[Run; 2]]) {
    let Some([first, _]) = pairs.first() else {
        return;
    };
    page.push_str(
        "<h2>Latency by percentile</h2>\n<p class=\"key\"><span class=\"base\">base</span> <span class=\"new\">new</span> A line \
         is the median of a side's runs, the band its 95 % interval (with fewer than 6 runs: their range).</p>\n<div \
         class=\"charts\">\n",
    );
    for (part, kind, _) in summaries(&first.document) {
        let side = |side: usize| -> Vec<Point> {
            let of_runs: Vec<_> = pairs
                .iter()
                .filter_map(|pair| {
                    let found = summaries(&pair[side].document).into_iter();
                    found
                        .filter(|(p, k, _)| *p == part && *k == kind)
                        .map(|(.., summary)| *summary)
                        .next()
                })
                .collect();
            let columns: [fn(&LatencySummary) -> u64; 6] = [
                |s| s.p50_us,
                |s| s.p90_us,
                |s| s.p99_us,
                |s| s.p999_us,
                |s| s.p9999_us,
                |s| s.max_us,
            ];
            let points = columns.iter().filter_map(|column| {
                let values: Vec<_> = of_runs
                    .iter()
                    .map(|summary| column(summary) as f64)
                    .collect();
                Point::of(&values)
            });
            points.collect()
        };
        let sides = [side(0), side(1)];
        if sides.iter().all(|points| points.len() == PERCENTILES.len()) {
            chart(page, &format!("{part}.{kind}"), &sides);
        }
    }
    page.push_str("</div>\n");
}

fn chart(page: &mut String, name: &str, sides: &[Vec<Point>; 2]) {
    let points = || sides.iter().flatten();
    let lowest = points()
        .map(|point| point.low.max(1.0))
        .fold(f64::INFINITY, f64::min);
    let highest = points().map(|point| point.high).fold(1.0, f64::max);
    // Whole powers of ten, and one at least.
    let from = lowest.log10().floor();
    let to = highest.log10().ceil().max(from + 1.0);
    let x = |index: usize| {
        LEFT + (WIDTH - LEFT - RIGHT) * index as f64 / (PERCENTILES.len() - 1) as f64
    };
    let y = |us: f64| TOP + (HEIGHT - TOP - BOTTOM) * (to - us.max(1.0).log10()) / (to - from);
    let name = escaped(name);
    let _ = write!(
        page,
        "<figure><figcaption>{name}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{name} by \
         percentile, base and new\">"
    );
    for power in from as i32..=to as i32 {
        let us = 10_f64.powi(power);
        let at = y(us);
        let _ = write!(
            page,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            micros(us)
        );
    }
    for (index, label) in PERCENTILES.iter().enumerate() {
        let anchor = if index + 1 == PERCENTILES.len() {
            "end"
        } else {
            "middle"
        };
        let _ = write!(
            page,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{label}</text>",
            x(index),
            HEIGHT - 8.0
        );
    }
    for (side, points) in ["base", "new"].iter().zip(sides) {
        let at = |us: fn(&Point) -> f64| {
            points
                .iter()
                .enumerate()
                .map(move |(index, point)| format!("{:.1},{:.1}", x(index), y(us(point))))
        };
        let band: Vec<_> = at(|point| point.low)
            .chain(at(|point| point.high).rev())
            .collect();
        let line: Vec<_> = at(|point| point.middle).collect();
        let _ = write!(
            page,
            "<polygon class=\"{side}\" points=\"{}\"/><polyline class=\"{side}\" points=\"{}\"/>",
            band.join(" "),
            line.join(" ")
        );
        for (index, point) in points.iter().enumerate() {
            let _ = write!(
                page,
                "<circle class=\"{side}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>{side} {}: {} ({} to {})</title></circle>",
                x(index),
                y(point.middle),
                PERCENTILES[index],
                micros(point.middle),
                micros(point.low),
                micros(point.high)
            );
        }
    }
    page.push_str(
        "</svg><details><summary>table</summary><table><tr><th></th><th>base</th><th>new</th></tr>",
    );
    for (index, label) in PERCENTILES.iter().enumerate() {
        let [base, new] = [0, 1].map(|side| micros(sides[side][index].middle));
        let _ = write!(
            page,
            "<tr><td>{label}</td><td>{base}</td><td>{new}</td></tr>"
        );
    }
    page.push_str("</table></details></figure>\n");
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::comparison::tests::{settings, sides};
    use super::super::{Pairing, compare};
    use super::*;

    #[test]
    fn the_page_stands_alone_and_lays_both_curves_over_each_other() {
        let pairs = sides(10, 1.2);
        let made = compare(Pairing::Seed, &pairs, &settings(), None).unwrap();
        let page = render(&made, &pairs);
        for outside in ["http://", "https://", "<script", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert_eq!(
            page.matches("<polyline class=\"base\"").count(),
            page.matches("<polyline class=\"new\"").count()
        );
        assert!(page.contains("<figcaption>producers.web.response_time</figcaption>"));
        assert!(page.contains("<figcaption>consumers.billing.end_to_end</figcaption>"));
        assert!(!page.contains("lateness</figcaption>"));
        assert!(page.contains(&format!(
            "<p class=\"verdict worse\">{}",
            escaped(&made.answer)
        )));
    }

    #[test]
    fn what_a_scenario_says_is_text() {
        let mut pairs = sides(2, 1.0);
        for run in pairs.iter_mut().flatten() {
            run.document.scenario.name = "<img src=x>\"'&".to_owned();
        }
        let made = compare(Pairing::Seed, &pairs, &settings(), None).unwrap();
        let page = render(&made, &pairs);
        assert!(page.contains("&lt;img src=x&gt;&quot;&#39;&amp;") && !page.contains("<img"));
    }

    #[test]
    fn a_point_is_the_median_of_runs_within_their_interval() {
        let few = Point::of(&[100.0, 200.0, 400.0]).unwrap();
        assert!((few.middle - 200.0).abs() < 1e-6);
        assert!((few.low - 100.0).abs() < 1e-6 && (few.high - 400.0).abs() < 1e-6);
        let many: Vec<_> = (0..12).map(|i| 100.0 + f64::from(i)).collect();
        let many = Point::of(&many).unwrap();
        assert!(many.low > 100.5 && many.high < 110.5, "{many:?}");
        assert_eq!(Point::of(&[]), None);
    }
}
