//! The intervals of a run with the names that belong to them, as `run.hlog` and `intervals.csv` show them.

use crate::measure::{Collector, IntervalClock, IntervalRow, PartId};

/// Borrowed intervals and names. Shard numbers repeat from stream to stream, so each stream has its own intervals.
#[derive(Clone, Debug)]
pub struct IntervalView<'a> {
    /// When each interval begins, and how long it is.
    pub clock: IntervalClock,
    /// The intervals of each stream by their number.
    pub streams: Vec<(&'a str, &'a Collector)>,
    /// The producers' names, by the number in [`PartId::Producer`].
    pub producers: Vec<&'a str>,
    /// The consumers' names, by the number in [`PartId::Consumer`].
    pub consumers: Vec<&'a str>,
    /// The API calls as `LOAD.CALL`, by the number in [`PartId::Call`].
    pub calls: Vec<&'a str>,
}

impl<'a> IntervalView<'a> {
    /// The part's path in the report: `producers.web`; its number where it has no name.
    pub fn part(&self, part: PartId) -> String {
        let (table, names, number) = match part {
            PartId::Producer(number) => ("producers", &self.producers, number),
            PartId::Consumer(number) => ("consumers", &self.consumers, number),
            PartId::Call(number) => ("calls", &self.calls, number),
        };
        names.get(usize::from(number)).map_or_else(
            || format!("{table}.{number}"),
            |name| format!("{table}.{name}"),
        )
    }

    /// The intervals in order of time, and of streams within it.
    pub fn rows(&self) -> impl Iterator<Item = (&'a str, IntervalRow<'a>)> {
        let mut rows: Vec<_> = self
            .streams
            .iter()
            .flat_map(|&(stream, intervals)| intervals.rows().map(move |row| (stream, row)))
            .collect();
        // Stable: streams keep their order.
        rows.sort_by_key(|(_, row)| row.index);
        rows.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::base::Timestamp;
    use crate::measure::Interval;

    #[test]
    fn intervals_of_two_streams_come_in_order_of_time() {
        let (long, short) = (
            Collector::from(BTreeMap::from([
                (0, Interval::default()),
                (2, Interval::default()),
            ])),
            Collector::from(BTreeMap::from([
                (0, Interval::default()),
                (1, Interval::default()),
            ])),
        );
        let view = IntervalView {
            clock: IntervalClock::new(Timestamp::ZERO, Duration::from_secs(1)),
            streams: vec![("b", &long), ("a", &short)],
            producers: vec!["web"],
            consumers: vec![],
            calls: vec!["admin.ListShards"],
        };
        let order: Vec<_> = view
            .rows()
            .map(|(stream, row)| (row.index, stream))
            .collect();
        assert_eq!(order, [(0, "b"), (0, "a"), (1, "a"), (2, "b")]);
        assert_eq!(view.part(PartId::Producer(0)), "producers.web");
        assert_eq!(view.part(PartId::Consumer(3)), "consumers.3");
        assert_eq!(view.part(PartId::Call(0)), "calls.admin.ListShards");
    }
}
