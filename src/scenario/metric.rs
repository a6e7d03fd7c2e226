//! The figures of a report that an SLO can bound, by path: `consumers.billing.end_to_end.p99`.

/// Counts of a producer, in records or attempts over the whole run.
pub const PRODUCER_COUNTS: [&str; 7] = [
    "intended",
    "acked",
    "throttled",
    "failed",
    "unknown",
    "not_sent",
    "rejected_attempts",
];

/// Shares of a producer, 0 to 1.
pub const PRODUCER_SHARES: [&str; 1] = ["accepted_share"];

/// Latencies of a producer; each is followed by one of [`STATISTICS`].
pub const PRODUCER_LATENCIES: [&str; 5] = [
    "lateness",
    "batch_wait",
    "service_time",
    "response_time",
    "time_to_give_up",
];

/// Counts of a consumer, in records over the whole run.
pub const CONSUMER_COUNTS: [&str; 12] = [
    "delivered",
    "lost",
    "unread",
    "trimmed_unread",
    "uncovered",
    "redelivered",
    "stored_twice_explained",
    "stored_twice_unexplained",
    "corrupt",
    "foreign",
    "out_of_order",
    "key_inversions",
];

/// Counts of a load of API calls, in calls of the measurement window.
pub const CALL_COUNTS: [&str; 8] = [
    "intended",
    "not_sent",
    "ok",
    "expected",
    "unexpected",
    "throttled",
    "unknown",
    "rejected_attempts",
];

/// Shares of a load of API calls, 0 to 1.
pub const CALL_SHARES: [&str; 1] = ["throttled_share"];

/// Latencies of one call of a load; each is followed by one of [`STATISTICS`].
pub const CALL_LATENCIES: [&str; 6] = [
    "lateness",
    "batch_wait",
    "service_time",
    "response_time",
    "time_to_give_up",
    "transition_time",
];

/// Latencies of a consumer; each is followed by one of [`STATISTICS`].
pub const CONSUMER_LATENCIES: [&str; 3] = ["end_to_end", "delivery_delay", "lag"];

/// What a latency is summed up by.
pub const STATISTICS: [&str; 8] = ["min", "mean", "p50", "p90", "p99", "p999", "p9999", "max"];

/// Figures of a consumer that are known from the stamp alone.
pub(super) const FROM_STAMP: [&str; 7] = [
    "lost",
    "stored_twice_explained",
    "stored_twice_unexplained",
    "corrupt",
    "foreign",
    "key_inversions",
    "end_to_end",
];

/// What a figure is, and so how its bound is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FigureKind {
    /// A number of records or attempts.
    Count,
    /// From 0 to 1.
    Share,
    /// A duration; a report and [`super::model::Slo`] hold it in microseconds.
    Latency,
}

/// Whose figure it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// A producer's.
    Producer,
    /// A consumer's.
    Consumer,
    /// A load of API calls.
    Calls,
}

/// A path to a figure, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metric<'a> {
    /// Whose figure it is.
    pub side: Side,
    /// The producer's, consumer's or load's name; whether there is one is not said here.
    pub name: &'a str,
    /// The call of a load that it is of, such as `ListShards:missing-stream`; `None` where it is of the whole part.
    pub call: Option<&'a str>,
    /// The figure, such as `end_to_end`.
    pub figure: &'a str,
    /// What sums a latency up, such as `p99`; nothing for other figures.
    pub statistic: Option<&'a str>,
    /// What the figure is.
    pub kind: FigureKind,
}

/// Why a path leads to no figure: what was given at one place of it, and what is accepted there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricError {
    /// The part that is wrong; empty where one is missing.
    pub given: String,
    /// What that part should be.
    pub part: &'static str,
    /// All that is accepted there; empty where a declared name is.
    pub accepted: Vec<&'static str>,
}

impl<'a> Metric<'a> {
    /// Takes a path apart.
    ///
    /// # Errors
    /// The first part that leads nowhere.
    pub fn parse(path: &'a str) -> Result<Self, MetricError> {
        let refuse = |given: &str, part, accepted: &[&[&'static str]]| MetricError {
            given: given.to_owned(),
            part,
            accepted: accepted.concat(),
        };
        let mut parts = path.split('.');
        let (side, counts, shares, latencies): (_, &[_], &[_], &[_]) =
            match parts.next().unwrap_or_default() {
                "producers" => (
                    Side::Producer,
                    &PRODUCER_COUNTS,
                    &PRODUCER_SHARES,
                    &PRODUCER_LATENCIES,
                ),
                "consumers" => (Side::Consumer, &CONSUMER_COUNTS, &[], &CONSUMER_LATENCIES),
                "calls" => (Side::Calls, &CALL_COUNTS, &CALL_SHARES, &CALL_LATENCIES),
                other => {
                    let sides: &[_] = &["producers", "consumers", "calls"];
                    return Err(refuse(other, "side", &[sides]));
                }
            };
        let name = parts.next().unwrap_or_default();
        let mut figure = parts.next().unwrap_or_default();
        // `calls.admin.throttled` is of the whole load, `calls.admin.ListShards.throttled` of one call.
        let call = (side == Side::Calls && figure.starts_with(|c: char| c.is_ascii_uppercase()))
            .then_some(figure);
        if call.is_some() {
            figure = parts.next().unwrap_or_default();
        }
        let kind = if counts.contains(&figure) {
            FigureKind::Count
        } else if shares.contains(&figure) {
            FigureKind::Share
        } else if latencies.contains(&figure) && (side != Side::Calls || call.is_some()) {
            FigureKind::Latency
        } else if side == Side::Calls && call.is_none() {
            let own = &["OPERATION.response_time.p99"];
            return Err(refuse(figure, "figure", &[shares, counts, own]));
        } else {
            return Err(refuse(figure, "figure", &[shares, counts, latencies]));
        };
        let statistic = if kind == FigureKind::Latency {
            let statistic = parts.next().unwrap_or_default();
            if !STATISTICS.contains(&statistic) {
                return Err(refuse(statistic, "statistic", &[&STATISTICS]));
            }
            Some(statistic)
        } else {
            None
        };
        match parts.next() {
            None => Ok(Self {
                side,
                name,
                call,
                figure,
                statistic,
                kind,
            }),
            Some(more) => Err(refuse(more, "end", &[])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_a_count_a_share_or_a_latency() {
        let metric = Metric::parse("consumers.billing.end_to_end.p99").unwrap();
        assert_eq!(metric.side, Side::Consumer);
        assert_eq!((metric.name, metric.figure), ("billing", "end_to_end"));
        assert_eq!(metric.statistic, Some("p99"));
        assert_eq!(metric.kind, FigureKind::Latency);
        let metric = Metric::parse("producers.web.accepted_share").unwrap();
        assert_eq!((metric.kind, metric.statistic), (FigureKind::Share, None));
    }

    #[test]
    fn a_load_has_figures_of_its_own_and_of_each_of_its_calls() {
        let metric = Metric::parse("calls.admin.ListShards:bad-token.response_time.p99").unwrap();
        assert_eq!((metric.side, metric.name), (Side::Calls, "admin"));
        assert_eq!(metric.call, Some("ListShards:bad-token"));
        assert_eq!(
            (metric.figure, metric.statistic),
            ("response_time", Some("p99"))
        );
        let metric = Metric::parse("calls.admin.throttled_share").unwrap();
        assert_eq!((metric.call, metric.kind), (None, FigureKind::Share));
        // A latency is of one call: histograms of different ones are not added up.
        let error = Metric::parse("calls.admin.response_time.p99").unwrap_err();
        assert_eq!(error.part, "figure");
        assert!(error.accepted.contains(&"OPERATION.response_time.p99"));
    }

    #[test]
    fn the_first_part_that_leads_nowhere_is_named() {
        let wrong = |path: &str| {
            let error = Metric::parse(path).unwrap_err();
            (error.part, error.given)
        };
        assert_eq!(wrong("readers.a.lost"), ("side", "readers".into()));
        assert_eq!(wrong("consumers.a.acked"), ("figure", "acked".into()));
        assert_eq!(wrong("consumers.a"), ("figure", String::new()));
        assert_eq!(
            wrong("consumers.a.end_to_end"),
            ("statistic", String::new())
        );
        assert_eq!(wrong("consumers.a.lost.p99"), ("end", "p99".into()));
    }
}
