//! The result of a comparison, as it is kept.

use serde::{Deserialize, Serialize};

use super::alike::{self, Allowed, Unlike};
use super::checks::{Check, checks};
use super::metrics::{Better, Metric, metrics};
use super::pairs::{Pairing, one_side_after_the_other};
use super::run::Run;
use crate::analyse::statistics::judge::overall;
use crate::analyse::statistics::{Verdict, judge, looks};
use crate::report::{FigureBasis, World};

/// The version of a comparison's form.
pub const SCHEMA_VERSION: u32 = 1;

/// Two sides, held against each other.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What it comes to: a check that fails is a regression.
    pub verdict: Verdict,
    /// The same in a sentence, with what decided it.
    pub answer: String,
    /// The scenario's name.
    pub scenario: String,
    /// Where it ran.
    pub world: World,
    /// What kind of numbers these are.
    pub basis: FigureBasis,
    /// How many pairs of runs there are.
    pub pairs: u32,
    /// What made pairs of them.
    pub paired_by: Pairing,
    /// The change that does not count: 0.05 is 5 %.
    pub min_effect: f64,
    /// The side that is compared with.
    pub base: Vec<RunRow>,
    /// The side that is judged, run by run beside base.
    pub new: Vec<RunRow>,
    /// What needs no statistics.
    pub checks: Vec<Check>,
    /// The figures; those that decide first.
    pub metrics: Vec<Row>,
    /// What to know before believing it.
    pub notes: Vec<String>,
}

/// A run that was compared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunRow {
    /// Its results folder or report.
    pub path: String,
    /// Its seed.
    pub seed: u64,
    /// When its load began.
    pub started: String,
    /// `VALID` or `DEGRADED`.
    pub status: crate::measure::Status,
    /// The program that measured it.
    pub version: String,
    /// What it was run against, as the command line named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A figure of both sides.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Its path: `producers.web.response_time.p99`, in microseconds.
    pub metric: String,
    /// Which way it is better.
    pub better: Better,
    /// Whether the verdict rests on it.
    pub decides: bool,
    /// The median of base's runs.
    pub base: f64,
    /// The median of new's runs.
    pub new: f64,
    /// New by base: the median of the Walsh averages of the pairs' log ratios, as a ratio; 1.1 is 10 % more.
    pub ratio: f64,
    /// The 95 % interval of it, by itself; absent below 6 pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// The verdict; absent where it does not decide, and with one pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// How many pairs the verdict was reached with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<u32>,
    /// The standard deviation of the pairs' log ratios, without outliers; absent with one pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// The figure of base and of new in each pair.
    pub by_pair: Vec<[f64; 2]>,
}

/// How sides are judged.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// The change that does not count: 0.05 is 5 %.
    pub min_effect: f64,
    /// What may differ although it matters.
    pub allowed: Allowed,
    /// What a look may spend in one direction.
    pub alpha: f64,
    /// The metrics that decide in the place of the usual ones; empty for those.
    pub metrics: Vec<String>,
}

/// Holds pairs of base and new against each other. Where `earlier` looks at the same pairs decided a metric, that stands:
/// its share of the error is spent.
///
/// # Errors
/// Every reason why these runs must not be compared, or not by the metrics that were asked for.
pub fn compare(
    pairing: Pairing,
    pairs: &[[Run; 2]],
    settings: &Settings,
    earlier: Option<&Comparison>,
) -> Result<Comparison, Vec<Unlike>> {
    let unlike = alike::unlike(pairs.iter().flatten(), settings.allowed);
    let Some([first, _]) = pairs.first().filter(|_| unlike.is_empty()) else {
        return Err(unlike);
    };
    let side = |side: usize| -> Vec<&Run> { pairs.iter().map(|pair| &pair[side]).collect() };
    let mut metrics = metrics(pairs);
    let is_known = |wanted: &&String| !metrics.iter().any(|metric| metric.path == **wanted);
    let unknown: Vec<_> = settings.metrics.iter().filter(is_known).collect();
    if !unknown.is_empty() {
        let known = || metrics.iter().map(|metric| metric.path.as_str());
        let reasons = unknown.into_iter();
        return Err(reasons
            .map(|wanted| Unlike::no_metric(wanted, known()))
            .collect());
    }
    if !settings.metrics.is_empty() {
        for metric in &mut metrics {
            metric.decides = settings.metrics.contains(&metric.path);
        }
    }
    metrics.sort_by_key(|metric| !metric.decides);
    let rows = rows(&metrics, pairs, settings, earlier);
    let checks = checks(&side(0), &side(1));
    let verdict = if checks.iter().any(|check| !check.holds) {
        Verdict::Regression
    } else {
        overall(rows.iter().filter_map(|row| row.verdict))
    };
    let document = &first.document;
    let mut comparison = Comparison {
        schema_version: SCHEMA_VERSION,
        verdict,
        answer: String::new(),
        scenario: document.scenario.name.clone(),
        world: document.world,
        basis: document.basis,
        pairs: pairs.len() as u32,
        paired_by: pairing,
        min_effect: settings.min_effect,
        base: side(0).into_iter().map(row_of).collect(),
        new: side(1).into_iter().map(row_of).collect(),
        checks,
        metrics: rows,
        notes: notes(pairs, settings, &metrics),
    };
    comparison.answer = comparison.conclude();
    Ok(comparison)
}

fn row_of(run: &Run) -> RunRow {
    let document = &run.document;
    let target = document.target.as_ref().map(|target| target.name.clone());
    let target = target.or_else(|| {
        document
            .environment
            .as_ref()
            .map(|host| host.target.clone())
    });
    RunRow {
        path: run.path.clone(),
        seed: document.seed,
        started: document.instrument.started.clone(),
        status: document.verdict.status,
        version: document.instrument.version.clone(),
        target,
    }
}

fn rows(
    metrics: &[Metric],
    pairs: &[[Run; 2]],
    settings: &Settings,
    earlier: Option<&Comparison>,
) -> Vec<Row> {
    let worse: Vec<_> = metrics.iter().map(|metric| metric.worse(pairs)).collect();
    // Only those that decide share the error; the others are shown with an interval each.
    let deciding = metrics.iter().take_while(|metric| metric.decides).count();
    let mut judged = judge(&worse[..deciding], settings.alpha, settings.min_effect);
    for one in &worse[deciding..] {
        judged.extend(judge(
            std::slice::from_ref(one),
            settings.alpha,
            settings.min_effect,
        ));
    }
    let all = metrics.iter().zip(&worse).zip(judged);
    all.map(|((metric, worse), judged)| {
        let by_pair: Vec<_> = pairs
            .iter()
            .map(|pair| [0, 1].map(|side| pair[side].figure(&metric.path).unwrap_or_default()))
            .collect();
        let median = |side: usize| {
            looks::median(by_pair.iter().map(|pair| pair[side]).collect()).unwrap_or_default()
        };
        let before = earlier
            .and_then(|earlier| earlier.metrics.iter().find(|row| row.metric == metric.path))
            .filter(|row| {
                row.verdict
                    .is_some_and(|verdict| verdict != Verdict::Inconclusive)
            });
        let is_judged = metric.decides && pairs.len() > 1;
        let verdict = before.and_then(|row| row.verdict).unwrap_or(judged.verdict);
        let is_open = verdict == Verdict::Inconclusive;
        let at = before
            .and_then(|row| row.decided_at)
            .unwrap_or(pairs.len() as u32);
        Row {
            metric: metric.path.clone(),
            better: metric.better,
            decides: metric.decides,
            base: median(0),
            new: median(1),
            ratio: metric.ratio(judged.worse),
            interval: judged.interval.map(|ends| {
                let mut ends = ends.map(|end| metric.ratio(end));
                ends.sort_by(f64::total_cmp);
                ends
            }),
            verdict: is_judged.then_some(verdict),
            decided_at: (is_judged && !is_open).then_some(at),
            noise: (pairs.len() > 1).then(|| looks::noise(worse)),
            by_pair,
        }
    })
    .collect()
}

/// What to know before believing a comparison.
fn notes(pairs: &[[Run; 2]], settings: &Settings, metrics: &[Metric]) -> Vec<String> {
    let mut notes = Vec::new();
    let runs = || pairs.iter().flatten();
    let count = pairs.len() as u32;
    let deciding = metrics.iter().filter(|metric| metric.decides).count();
    let needed = (deciding.max(1) as f64 / settings.alpha).log2().ceil() as u32;
    if count == 1 {
        notes.push(
            "one run of each side: nothing tells a difference from noise, so only the exact checks are judged; make several with \
             `run --repeat 8 --out DIR`, or use `gate`"
                .to_owned(),
        );
    } else if settings.alpha > 0.0 && count < needed {
        notes.push(format!(
            "{count} pairs are too few to call one of {deciding} metrics a regression: {needed} are enough, or fewer metrics \
             (`--metric PATH`)"
        ));
    }
    if runs().any(|run| run.document.basis == FigureBasis::Measured)
        && one_side_after_the_other(pairs)
    {
        notes.push(
            "all runs of one side were made before the first of the other: what else the machine did meanwhile looks like a \
             difference; `gate` takes turns"
                .to_owned(),
        );
    }
    let degraded =
        runs().filter(|run| run.document.verdict.status != crate::measure::Status::Valid);
    let degraded = degraded.count();
    if degraded > 0 {
        notes.push(format!(
            "{degraded} of {} runs are DEGRADED",
            runs().count()
        ));
    }
    if let Some([base, new]) = pairs.first() {
        let versions = [base, new].map(|run| &run.document.instrument.version);
        if versions[0] != versions[1] {
            notes.push(format!(
                "measured by different versions: {} and {}",
                versions[0], versions[1]
            ));
        }
        if alike::delays(&base.document) != alike::delays(&new.document) {
            notes.push("the scenarios differ in `engine.latency`".to_owned());
        }
    }
    notes
}

impl Comparison {
    /// What decided, in a sentence.
    fn conclude(&self) -> String {
        let failed: Vec<_> = self.checks.iter().filter(|check| !check.holds).collect();
        if let Some(check) = failed.first() {
            let more = match failed.len() {
                1 => String::new(),
                n => format!(", and {} more", n - 1),
            };
            return format!(
                "regression: `{}` is {}, where base has {}{more}",
                check.count, check.new, check.base
            );
        }
        let deciding: Vec<_> = self.metrics.iter().filter(|row| row.decides).collect();
        let of = |verdict| {
            deciding
                .iter()
                .filter(move |row| row.verdict == Some(verdict))
        };
        let pairs = crate::report::text::counted(self.pairs.into(), "pair");
        let least = super::text::percent(self.min_effect);
        let list = |verdict| {
            let names = of(verdict)
                .map(|row| format!("`{}` {}", row.metric, super::text::change(row.ratio)));
            names.collect::<Vec<_>>().join(", ")
        };
        match self.verdict {
            Verdict::Regression => format!(
                "regression: {} (beyond {least}, {pairs})",
                list(self.verdict)
            ),
            Verdict::Improvement => format!(
                "improvement: {} (beyond {least}, {pairs})",
                list(self.verdict)
            ),
            Verdict::NoRegression => format!(
                "no regression beyond {least} in {} ({pairs})",
                crate::report::text::counted(deciding.len() as u64, "metric")
            ),
            Verdict::Inconclusive if self.pairs == 1 => {
                "inconclusive: one run of each side shows differences, not whether they are noise"
                    .to_owned()
            }
            Verdict::Inconclusive => format!(
                "inconclusive: {} of {} could be worse by {least} or not ({pairs})",
                of(Verdict::Inconclusive).count(),
                crate::report::text::counted(deciding.len() as u64, "metric")
            ),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::analyse::statistics::SIDE_ALPHA;
    use crate::measure::LatencyKind;
    use crate::report::sample;

    pub(in crate::analyse) fn settings() -> Settings {
        Settings {
            min_effect: 0.05,
            allowed: Allowed::default(),
            alpha: SIDE_ALPHA,
            metrics: Vec::new(),
        }
    }

    /// A run whose response times are `factor` times those of the sample.
    pub(in crate::analyse) fn run(side: &str, seed: u64, factor: f64) -> Run {
        let mut document = sample::document();
        document.seed = seed;
        document.instrument.started = format!(
            "2026-01-31T23:{seed:02}:{}Z",
            if side == "base" { "00" } else { "30" }
        );
        let web = document
            .latency
            .producers
            .get_mut("web")
            .expect("it is in the sample");
        let response = web
            .get_mut(&LatencyKind::ResponseTime)
            .expect("it is in the sample");
        for value in [
            &mut response.p50_us,
            &mut response.p99_us,
            &mut response.p999_us,
        ] {
            *value = (*value as f64 * factor) as u64;
        }
        Run {
            path: format!("{side}/{seed}"),
            document,
            server: None,
        }
    }

    pub(in crate::analyse) fn sides(pairs: u64, factor: f64) -> Vec<[Run; 2]> {
        let noise = |seed: u64| 1.0 + ((seed * 7 % 11) as f64 - 5.0) * 0.002;
        (1..=pairs)
            .map(|seed| {
                [
                    run("base", seed, 1.0),
                    run("new", seed, factor * noise(seed)),
                ]
            })
            .collect()
    }

    fn of(pairs: &[[Run; 2]]) -> Comparison {
        compare(Pairing::Seed, pairs, &settings(), None).unwrap()
    }

    #[test]
    fn a_slower_side_is_a_regression_of_what_got_slower_and_an_equal_one_is_none() {
        let slower = of(&sides(10, 1.2));
        assert_eq!(slower.verdict, Verdict::Regression);
        assert!(
            slower.answer.contains("producers.web.response_time.p99"),
            "{}",
            slower.answer
        );
        let row = |name: &str| {
            slower
                .metrics
                .iter()
                .find(|row| row.metric == name)
                .unwrap()
        };
        let p99 = row("producers.web.response_time.p99");
        assert!((p99.ratio - 1.2).abs() < 0.02, "{p99:?}");
        assert!(
            p99.interval
                .is_some_and(|[low, high]| low < 1.2 && high > 1.19),
            "{p99:?}"
        );
        assert_eq!(
            row("consumers.billing.end_to_end.p50").verdict,
            Some(Verdict::NoRegression)
        );
        assert_eq!(of(&sides(10, 1.0)).verdict, Verdict::NoRegression);
        assert_eq!(of(&sides(10, 0.8)).verdict, Verdict::Improvement);
        assert_eq!(of(&sides(10, 1.05)).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn one_run_of_each_side_shows_differences_and_judges_only_the_exact_checks() {
        let one = of(&sides(1, 3.0));
        assert_eq!(one.verdict, Verdict::Inconclusive);
        assert!(
            one.metrics
                .iter()
                .all(|row| row.verdict.is_none() && row.interval.is_none())
        );
        assert!(one.metrics.iter().any(|row| row.ratio > 2.9));
        assert!(one.notes[0].contains("--repeat"), "{:?}", one.notes);
        let mut lost = sides(1, 1.0);
        let billing = lost[0][1]
            .document
            .ledger
            .consumers
            .get_mut("billing")
            .unwrap();
        billing.total.corrupt += 1;
        billing.total.deliveries += 1;
        let lost = of(&lost);
        assert_eq!(lost.verdict, Verdict::Regression);
        assert!(
            lost.answer.contains("`consumers.billing.corrupt` is"),
            "{}",
            lost.answer
        );
    }

    #[test]
    fn metrics_that_are_named_decide_alone() {
        let mut chosen = settings();
        chosen.metrics = vec!["consumers.billing.end_to_end.p50".to_owned()];
        let made = compare(Pairing::Seed, &sides(10, 1.2), &chosen, None).unwrap();
        assert_eq!(made.verdict, Verdict::NoRegression);
        assert_eq!(made.metrics.iter().filter(|row| row.decides).count(), 1);
    }

    #[test]
    fn a_metric_that_nobody_measures_is_refused_with_those_that_there_are() {
        let mut chosen = settings();
        chosen.metrics = vec!["nothing".to_owned()];
        let refused = compare(Pairing::Seed, &sides(10, 1.0), &chosen, None).unwrap_err();
        let told = refused[0].to_string();
        assert_eq!(refused.len(), 1);
        assert!(
            told.starts_with("compare by `nothing`: it is not measured in every run; there are `"),
            "{told}"
        );
    }

    #[test]
    fn what_an_earlier_look_decided_stands() {
        let early = of(&sides(10, 1.0));
        let later = compare(Pairing::Seed, &sides(16, 1.05), &settings(), Some(&early)).unwrap();
        assert_eq!(later.verdict, Verdict::NoRegression);
        assert!(
            later
                .metrics
                .iter()
                .all(|row| row.decided_at.is_none_or(|at| at == 10))
        );
    }

    #[test]
    fn too_few_pairs_and_sides_made_one_after_the_other_are_noted() {
        let few = of(&sides(4, 1.0));
        assert!(few.notes[0].contains("4 pairs"), "{:?}", few.notes);
        let mut pairs = sides(10, 1.0);
        for pair in &mut pairs {
            pair[1].document.instrument.started = "2026-02-01T00:00:00Z".into();
        }
        let made = of(&pairs);
        assert!(
            made.notes.iter().any(|note| note.contains("takes turns")),
            "{:?}",
            made.notes
        );
    }

    #[test]
    fn a_comparison_is_read_back_as_it_was_written() {
        let made = of(&sides(10, 1.2));
        let text = serde_json::to_string(&made).unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), made);
    }
}
