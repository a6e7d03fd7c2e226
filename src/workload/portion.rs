//! Which records of a run are this host's, where several hosts make one run.
//!
//! Host `i` of `n` (from 0) sends record `k` of each worker when `k mod n = i`. Every host draws every record, so that
//! whoever sends one sends the same bytes at the same intended time: the hosts' schedules together are the single run's,
//! record for record, for any arrival and any `n`. The price is that a run of `n` hosts draws everything `n` times.
//!
//! A producer that keeps the order of its keys is divided by whole workers: a key's records wait for each other, which
//! they can only do on one host.

use crate::scenario::model::{Ordering, Producer};

/// One host of several.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Portion {
    /// Its number, from 0, below `of`.
    index: u32,
    /// How many hosts there are, at least 1.
    of: u32,
}

/// The records of one worker that are this host's: number `first`, and every `step`th from there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Own {
    /// The first one.
    pub first: u64,
    /// From one to the next, at least 1.
    pub step: u64,
}

impl Own {
    /// All records of the worker.
    pub const ALL: Self = Self { first: 0, step: 1 };

    /// Whether record `sequence` is this host's.
    pub const fn has(self, sequence: u64) -> bool {
        self.step <= 1 || sequence % self.step == self.first
    }

    /// This host's part of a count that all hosts share: they add up to `count`.
    pub const fn of_count(self, count: u64) -> u64 {
        if self.step <= 1 {
            return count;
        }
        count / self.step + (self.first < count % self.step) as u64
    }
}

impl Portion {
    /// The only host of a run.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Host `index` (from 0) of `of`; nothing unless `index` is below `of`.
    pub const fn new(index: u32, of: u32) -> Option<Self> {
        if index < of {
            Some(Self { index, of })
        } else {
            None
        }
    }

    /// Its number, from 0.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// How many hosts there are.
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether it is the first host: the one that makes the streams and the events.
    pub const fn is_first(self) -> bool {
        self.index == 0
    }

    /// Whether a producer's workers each belong to one host.
    pub fn by_workers(self, producer: &Producer) -> bool {
        producer.send.ordering == Ordering::PerKey
    }

    /// What this host sends of a producer's worker; nothing when that worker is another host's.
    pub fn own(self, producer: &Producer, worker: u32) -> Option<Own> {
        if self.by_workers(producer) {
            return (worker % self.of == self.index).then_some(Own::ALL);
        }
        Some(Own {
            first: u64::from(self.index),
            step: u64::from(self.of),
        })
    }

    /// Whether this host reads for the consumer with this number (from 0, in the order of names). One host reads all that a
    /// consumer is given: order, and what came twice, are only seen by who sees everything.
    pub const fn reads(self, consumer: u32) -> bool {
        consumer % self.of == self.index
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::scenario::model::{Arrival, Curve, KeyChoice, Size, Spacing};
    use crate::workload::draw::tests::producer;
    use crate::workload::{RecordPlan, RecordSource, schedule};

    /// The records that one host sends, with their worker and intended time.
    fn sent(
        portion: Portion,
        producer: &Producer,
        load: Duration,
    ) -> Vec<(u32, Duration, RecordPlan)> {
        let workers = (0..producer.workers)
            .filter_map(|worker| Some((worker, portion.own(producer, worker)?)));
        let sent = workers.flat_map(|(worker, own)| {
            let mut source = RecordSource::new(7, producer, worker);
            let times = schedule(7, producer, worker, load).unwrap();
            let drawn = times.map(move |time| (worker, time, source.next()));
            drawn.filter(move |(_, _, plan)| own.has(plan.sequence))
        });
        sent.collect()
    }

    fn arrivals() -> Vec<Arrival> {
        let sine = Curve::Sine {
            mean: 900.0,
            amplitude: 0.9,
            period: Duration::from_millis(400),
            phase: 0.1,
        };
        let burst = Curve::Burst {
            on_rate: 4_000.0,
            off_rate: 10.0,
            on: Duration::from_millis(50),
            off: Duration::from_millis(90),
            random: true,
        };
        let varying = |curve: &Curve, spacing| Arrival::Varying {
            curve: curve.clone(),
            spacing,
        };
        vec![
            Arrival::Constant { rate: 777.0 },
            Arrival::Poisson { rate: 1_500.0 },
            varying(&sine, Spacing::Constant),
            varying(&sine, Spacing::Poisson),
            varying(&burst, Spacing::Poisson),
            Arrival::Trace {
                times_ns: Arc::from([0, 1, 1, 7, 900, 900_000_000]),
                speed_up: 2.0,
            },
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_hosts_of_a_run_together_send_the_single_runs_records_each_once(
            workers in 1u32..4, hosts in 1u32..9, per_key in any::<bool>(),
        ) {
            for arrival in arrivals() {
                let keys = KeyChoice::Zipf { population: 5_000, exponent: 1.0 };
                let size = Size::LogNormal { median: 300, sigma: 0.7, min: 36, max: 9_000 };
                let mut producer = producer(workers, arrival, keys, size);
                if per_key {
                    producer.send.ordering = Ordering::PerKey;
                }
                let load = Duration::from_secs(1);
                let order = |(worker, _, plan): &(u32, Duration, RecordPlan)| (*worker, plan.sequence);
                let single = sent(Portion::WHOLE, &producer, load);
                let mut union: Vec<_> = (0..hosts)
                    .flat_map(|index| sent(Portion::new(index, hosts).unwrap(), &producer, load))
                    .collect();
                union.sort_by_key(order);
                prop_assert_eq!(union, single);
            }
        }

        #[test]
        fn what_all_hosts_share_adds_up(count in 0u64..10_000, of in 1u32..40) {
            let own = |index| Own { first: u64::from(index), step: u64::from(of) };
            let parts: Vec<_> = (0..of).map(|index| own(index).of_count(count)).collect();
            prop_assert_eq!(parts.iter().sum::<u64>(), count);
            let members = |index| (0..count).filter(|k| own(index).has(*k)).count() as u64;
            prop_assert!((0..of).all(|index| members(index) == parts[index as usize]));
        }

        #[test]
        fn each_consumer_is_read_by_one_host(consumer in 0u32..100, of in 1u32..40) {
            let readers = (0..of).filter(|&index| Portion::new(index, of).unwrap().reads(consumer));
            prop_assert_eq!(readers.count(), 1);
        }
    }

    #[test]
    fn a_host_beyond_the_last_is_none() {
        assert_eq!(Portion::new(3, 3), None);
        assert_eq!(Portion::new(0, 0), None);
        assert_eq!(Portion::new(0, 1), Some(Portion::WHOLE));
    }
}
