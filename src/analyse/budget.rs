//! What a scenario's consumers take of a stream's read limits, which all its polling readers share.

use serde::Serialize;

use crate::kinesis::StreamName;
use crate::scenario::Scenario;
use crate::scenario::model::ConsumerKind;

/// GetRecords calls per second and shard, over all readers (developer guide, "Quotas and limits", read 2026-11-22).
pub const SHARD_READS_PER_S: f64 = 5.0;
/// Bytes read per second and shard, over all readers that share its throughput (same page).
pub const SHARD_READ_BYTES_PER_S: f64 = (2 << 20) as f64;

/// Registered consumers of a stream (same page); 50 with On-demand Advantage.
pub const FAN_OUT_CONSUMERS: u32 = 20;

/// What one stream's polling consumers take from each of its shards.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ReadBudget {
    /// The stream.
    pub stream: String,
    /// Polling consumers.
    pub consumers: usize,
    /// Calls per second and shard, of 5. More is refused.
    pub reads_per_s: f64,
    /// Calls per second and shard that are left to other readers.
    pub reads_left_per_s: f64,
    /// Bytes per second that they read of the busiest shard once they have caught up, of 2 MiB; `None` where nobody knows
    /// what is written.
    pub read_bytes_per_s: Option<f64>,
    /// Fan-out consumers, of 20: each has 2 MiB/s of every shard to itself.
    pub fan_out_consumers: usize,
}

impl ReadBudget {
    /// The share of the calls that is refused where the readers together make more than a shard answers, 0 to 1: of calls that
    /// come as often as they are meant to.
    pub fn refused_share(&self) -> Option<f64> {
        // Intervals such as 600 ms and 300 ms add up to 5 but for rounding.
        let is_over = self.reads_per_s > SHARD_READS_PER_S * (1.0 + 1e-9);
        is_over.then(|| 1.0 - SHARD_READS_PER_S / self.reads_per_s)
    }
}

/// The budget of each stream that is read, in order of names. `busiest` gives what is written to a stream's busiest shard,
/// in bytes per second: each reader reads all of it.
pub fn read_budgets(
    scenario: &Scenario,
    busiest: impl Fn(&StreamName) -> Option<f64>,
) -> Vec<ReadBudget> {
    let budget = |stream: &crate::scenario::model::Stream| {
        let rates: Vec<f64> = scenario
            .consumers
            .values()
            .filter(|consumer| consumer.stream == stream.name)
            .filter_map(|consumer| calls_per_s(&consumer.kind))
            .collect();
        let fan_out_consumers = scenario
            .consumers
            .values()
            .filter(|consumer| consumer.stream == stream.name && consumer.kind.is_fan_out())
            .count();
        let reads_per_s: f64 = rates.iter().sum();
        (rates.len() + fan_out_consumers > 0).then(|| ReadBudget {
            stream: stream.name.to_string(),
            consumers: rates.len(),
            reads_per_s,
            reads_left_per_s: (SHARD_READS_PER_S - reads_per_s).max(0.0),
            read_bytes_per_s: busiest(&stream.name)
                .filter(|_| !stream.existing && !rates.is_empty())
                .map(|written| written * rates.len() as f64),
            fan_out_consumers,
        })
    };
    scenario.streams.values().filter_map(budget).collect()
}

/// How often a polling consumer calls each shard; without an interval as often as the service lets it.
pub fn calls_per_s(kind: &ConsumerKind) -> Option<f64> {
    match kind {
        ConsumerKind::Polling { interval, .. } if interval.is_zero() => Some(SHARD_READS_PER_S),
        ConsumerKind::Polling { interval, .. } => Some(1.0 / interval.as_secs_f64()),
        ConsumerKind::FanOut { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, load};

    fn reader(existing: bool, consumers: &str) -> Scenario {
        let text = format!(
            r#"
            schema = 1
            name = "reader"
            time = {{ measure = "1s" }}
            [streams.orders]
            shards = 1
            existing = {existing}
            [producers.web]
            arrival = {{ kind = "constant", rate = "1/s" }}
            keys = {{ kind = "single" }}
            size = {{ kind = "fixed", bytes = "100B" }}
            payload = {{ kind = "random", stamp = "none" }}
            {consumers}
            "#
        );
        let path = "reader.toml".to_owned();
        load(&Source { path, text }, &[]).unwrap().scenario
    }

    const BILLING: &str = "[consumers.billing]\nkind = \"polling\"\ninterval = \"250ms\"\n";
    const AUDIT: &str = "[consumers.audit]\nkind = \"polling\"\ninterval = \"500ms\"\n";

    #[test]
    fn readers_of_a_stream_share_its_five_calls() {
        let one = read_budgets(&reader(false, BILLING), |_| Some(300_000.0));
        assert_eq!((one[0].reads_per_s, one[0].reads_left_per_s), (4.0, 1.0));
        assert_eq!(one[0].read_bytes_per_s, Some(300_000.0));
        assert_eq!(one[0].fan_out_consumers, 0);
        let two = reader(false, &format!("{BILLING}{AUDIT}"));
        let two = read_budgets(&two, |_| Some(300_000.0));
        assert_eq!((two[0].reads_per_s, two[0].reads_left_per_s), (6.0, 0.0));
        assert!((two[0].refused_share().unwrap() - 1.0 / 6.0).abs() < 1e-12);
        assert_eq!(one[0].refused_share(), None);
        assert_eq!(two[0].read_bytes_per_s, Some(600_000.0));
    }

    #[test]
    fn fan_out_takes_nothing_from_the_readers_of_a_stream() {
        let both = format!("{BILLING}[consumers.push]\nkind = \"fan-out\"\n");
        let both = read_budgets(&reader(false, &both), |_| Some(300_000.0));
        let budget = (both[0].consumers, both[0].reads_per_s);
        assert_eq!(budget, (1, 4.0));
        assert_eq!(both[0].read_bytes_per_s, Some(300_000.0));
        assert_eq!(both[0].fan_out_consumers, 1);
        let alone = reader(false, "[consumers.push]\nkind = \"fan-out\"\n");
        let alone = read_budgets(&alone, |_| Some(300_000.0));
        assert_eq!((alone[0].consumers, alone[0].read_bytes_per_s), (0, None));
    }

    #[test]
    fn what_others_write_to_an_existing_stream_is_not_guessed() {
        let budgets = read_budgets(&reader(true, BILLING), |_| Some(1.0));
        assert_eq!(budgets[0].read_bytes_per_s, None);
    }
}
