//! Which figures are compared, and which of them decide.

use serde::{Deserialize, Serialize};

use super::run::{CPU, MEMORY, Run};
use crate::measure::LatencyKind;

/// Which way a figure is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Latencies, refusals, cost.
    Lower,
    /// Rates, shares of what was accepted.
    Higher,
}

/// A figure that is compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metric {
    /// Its path, as SLOs name it, or `server...`.
    pub path: String,
    /// Which way it is better.
    pub better: Better,
    /// Whether the verdict rests on it; others are shown.
    pub decides: bool,
}

/// Samples that must lie beyond a percentile in every run: with fewer it is one stray record's latency.
const SAMPLES_BEYOND_MIN: f64 = 10.0;

/// Processor time that every run's engine must have taken if it is to decide, in microseconds: 20 of the kernel's steps, of
/// which one is then no more than the change that does not count.
const CPU_US_MIN: f64 = 200_000.0;

const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)];

/// The kinds of latency that are compared. Lateness is the instrument's own.
const KINDS: [(LatencyKind, bool); 8] = [
    (LatencyKind::ServiceTime, true),
    (LatencyKind::ResponseTime, true),
    (LatencyKind::EndToEnd, true),
    (LatencyKind::BatchWait, false),
    (LatencyKind::TimeToGiveUp, false),
    (LatencyKind::DeliveryDelay, false),
    (LatencyKind::TransitionTime, false),
    (LatencyKind::Lag, false),
];

/// The metrics of these runs. Which of them decide goes by the scenario and by how much either side gives to compare (samples,
/// processor time), never by how the values differ: the medians and 99th percentiles of service time, response time and end-to-end; what the engine took; the share
/// accepted where base's was not all; the rate where the load is as fast as it is answered (`closed`).
pub fn metrics(pairs: &[[Run; 2]]) -> Vec<Metric> {
    let Some([first, _]) = pairs.first() else {
        return Vec::new();
    };
    let mut metrics = Vec::new();
    let mut add = |path: String, better, decides| {
        let measured = |run: &Run| run.figure(&path).is_some_and(f64::is_finite);
        if pairs.iter().flatten().all(measured) {
            metrics.push(Metric {
                path,
                better,
                decides,
            });
        }
    };
    let is_told_apart = |run: &Run| run.server.is_none_or(|it| it.cpu_us >= CPU_US_MIN);
    let cpu_decides = pairs.iter().flatten().all(is_told_apart);
    add(CPU.to_owned(), Better::Lower, cpu_decides);
    add(MEMORY.to_owned(), Better::Lower, true);
    let mut latencies = |part: &str| {
        for (kind, decides) in KINDS {
            for (percentile, share) in PERCENTILES {
                let path = format!("{part}.{kind}.{percentile}");
                let decides = decides && percentile != "p999" && enough(pairs, part, kind, share);
                add(path, Better::Lower, decides);
            }
        }
    };
    let document = &first.document;
    for name in document.producers.keys() {
        latencies(&format!("producers.{name}"));
    }
    for name in document.consumers.keys() {
        latencies(&format!("consumers.{name}"));
    }
    for (name, load) in &document.calls {
        for call in load.operations.keys() {
            latencies(&format!("calls.{name}.{call}"));
        }
    }
    for name in document.producers.keys() {
        let share = format!("producers.{name}.accepted_share");
        let is_all = |pair: &[Run; 2]| pair[0].figure(&share).is_none_or(|share| share >= 1.0);
        let decides = !pairs.iter().all(is_all);
        add(share, Better::Higher, decides);
        let rate = format!("producers.{name}.acked_records_per_s");
        add(
            rate,
            Better::Higher,
            is_closed(&document.scenario.text, name),
        );
        add(
            format!("producers.{name}.rejected_attempts"),
            Better::Lower,
            false,
        );
    }
    for name in document.calls.keys() {
        add(
            format!("calls.{name}.throttled_share"),
            Better::Lower,
            false,
        );
    }
    metrics
}

/// Whether every run has samples enough beyond a percentile.
fn enough(pairs: &[[Run; 2]], part: &str, kind: LatencyKind, percentile: f64) -> bool {
    let count = format!("{part}.{kind}.count");
    let beyond = |run: &Run| run.figure(&count).unwrap_or_default() * (1.0 - percentile);
    pairs
        .iter()
        .flatten()
        .all(|run| beyond(run) >= SAMPLES_BEYOND_MIN)
}

/// Whether a producer sends as fast as it is answered.
fn is_closed(scenario: &str, producer: &str) -> bool {
    let table = scenario.parse::<toml::Table>().ok();
    let kind = table.as_ref().and_then(|table| {
        table
            .get("producers")?
            .get(producer)?
            .get("arrival")?
            .get("kind")?
            .as_str()
    });
    kind == Some("closed")
}

impl Metric {
    /// How much worse new is than base in each pair, as a log ratio.
    pub fn worse(&self, pairs: &[[Run; 2]]) -> Vec<f64> {
        let worse = |[base, new]: &[Run; 2]| {
            let value = |run: &Run| run.figure(&self.path).unwrap_or_default() + self.offset();
            let ratio = (value(new) / value(base)).ln();
            match self.better {
                Better::Lower => ratio,
                Better::Higher => -ratio,
            }
        };
        pairs.iter().map(worse).collect()
    }

    /// What is added to both sides so that none is zero, which has no ratio: one to counts and to what the engine took, half a step to what comes in
    /// steps, and less than anybody sees to shares.
    fn offset(&self) -> f64 {
        if self.path.ends_with("_attempts") || self.path.starts_with("server.") {
            1.0
        } else if self.path.ends_with("_share") || self.path.ends_with("_per_s") {
            1e-6
        } else {
            0.5
        }
    }

    /// A log ratio of what is worse as the ratio of new to base.
    pub fn ratio(&self, worse: f64) -> f64 {
        match self.better {
            Better::Lower => worse.exp(),
            Better::Higher => (-worse).exp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::compare::ServerUse;
    use crate::report::{Document, sample};

    fn run(change: impl FnOnce(&mut Document)) -> Run {
        let mut document = sample::document();
        change(&mut document);
        Run {
            path: "r".to_owned(),
            document,
            server: None,
        }
    }

    fn deciding(pairs: &[[Run; 2]]) -> Vec<String> {
        let metrics = metrics(pairs).into_iter();
        metrics
            .filter(|metric| metric.decides)
            .map(|metric| metric.path)
            .collect()
    }

    #[test]
    fn percentiles_without_samples_beyond_them_do_not_decide() {
        let pair = [run(|_| ()), run(|_| ())];
        let before = deciding(std::slice::from_ref(&pair));
        assert!(
            before.contains(&"producers.web.response_time.p99".to_owned()),
            "{before:?}"
        );
        let few = run(|document| {
            let web = document.latency.producers.get_mut("web").unwrap();
            web.get_mut(&LatencyKind::ResponseTime).unwrap().count = 999;
        });
        let after = deciding(&[[pair[0].clone(), few]]);
        assert!(
            !after.contains(&"producers.web.response_time.p99".to_owned()),
            "{after:?}"
        );
        assert!(
            after.contains(&"producers.web.response_time.p50".to_owned()),
            "{after:?}"
        );
    }

    #[test]
    fn the_share_accepted_decides_where_base_was_refused_some() {
        // The sample accepted 62 %.
        let some = [run(|_| ()), run(|_| ())];
        let share = "producers.web.accepted_share".to_owned();
        assert!(deciding(std::slice::from_ref(&some)).contains(&share));
        let all = run(|document| {
            let web = document.ledger.producers.get_mut("web").unwrap();
            web.measure.acked = web.measure.intended;
        });
        assert!(!deciding(&[[all, some[1].clone()]]).contains(&share));
    }

    #[test]
    fn the_rate_of_a_load_that_waits_for_answers_decides() {
        let closed = |document: &mut Document| {
            document.scenario.text =
                "[producers.web]\narrival = { kind = \"closed\" }\n".to_owned();
        };
        let rate = "producers.web.acked_records_per_s".to_owned();
        assert!(deciding(&[[run(closed), run(closed)]]).contains(&rate));
        assert!(!deciding(&[[run(|_| ()), run(|_| ())]]).contains(&rate));
    }

    #[test]
    fn the_engines_use_is_compared_per_accepted_record() {
        let served = |cpu_us| {
            let mut run = run(|_| ());
            run.server = Some(ServerUse {
                cpu_us,
                memory_bytes_max: 1e6,
            });
            run
        };
        let pairs = [[served(1e6), served(1.1e6)]];
        let metrics = metrics(&pairs);
        assert_eq!(metrics[0].path, CPU);
        assert!(metrics[0].decides);
        let worse = metrics[0].worse(&pairs)[0];
        assert!((worse - 1.1_f64.ln()).abs() < 1e-2, "{worse}");
        assert!(
            deciding(&[[served(1e6), served(190_000.0)]])
                .iter()
                .all(|path| path != CPU),
            "19 steps of the kernel's clock decide nothing"
        );
        assert!(
            deciding(&[[served(1.0), run(|_| ())]])
                .iter()
                .all(|path| path != CPU)
        );
    }
}
