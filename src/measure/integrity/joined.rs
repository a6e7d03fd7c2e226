//! Several hosts' accounts of one stream as one: what a single host would have written that had sent and read everything.
//!
//! Each record was sent by one host and each consumer read by one, so nothing is counted twice: what was acked is the
//! union over the hosts, what a consumer was given is what its reader was given, and what is missing is the difference.

use std::collections::BTreeMap;

use super::placed::Placed;
use super::snapshot::{ConsumerSnapshot, Missing, Ranges, ShardSnapshot, Snapshot, WorkerSnapshot};
use super::{Passed, WorkerKey, is_before};
use crate::base::Timestamp;
use crate::kinesis::operation::Stored;
use crate::kinesis::{SequenceNumber, ShardId};
use crate::measure::ledger::{ConsumerLedger, Phase};

/// One host's account of a stream.
#[derive(Clone, Debug)]
pub struct HostAccount<'a> {
    /// What it knew at its end.
    pub snapshot: &'a Snapshot,
    /// Where its acked records lie, if other hosts read them.
    pub placed: Option<&'a BTreeMap<WorkerKey, Placed>>,
    /// The names of the consumers that it read for, in the order of [`Snapshot::consumers`].
    pub consumers: Vec<&'a str>,
    /// The records that were its to send: the first one, and from one to the next. A worker that is not in it was another
    /// host's.
    pub own: BTreeMap<WorkerKey, (u64, u64)>,
}

/// Why accounts cannot be joined. Displayed as a sentence's end after "stream `orders`: ".
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JoinError {
    /// Their stamps name different runs.
    #[error("the accounts are of different runs")]
    Runs,
    /// Their workers differ.
    #[error("the accounts know different producer workers")]
    Workers,
    /// Two hosts say that they sent the same record.
    #[error("two accounts hold the same record: it was sent by two hosts")]
    SentTwice,
    /// Two hosts read for the same consumer.
    #[error("two accounts hold what the same consumer was given")]
    ReadTwice,
    /// A host does not tell where its records lie.
    #[error("an account does not say where records lie that another host read (`placed.bin`)")]
    NoPlaces,
    /// An account contradicts itself.
    #[error("an account contradicts itself: {0}")]
    Damaged(&'static str),
}

/// Joins the accounts of one stream. `reached`: by consumer and shard, a number that its reader had certainly passed at its
/// end. The consumers of the result are in the order of their names.
///
/// # Errors
/// See [`JoinError`].
pub fn join(
    hosts: &[HostAccount<'_>],
    reached: &BTreeMap<&str, BTreeMap<ShardId, SequenceNumber>>,
) -> Result<Snapshot, JoinError> {
    let Some(first) = hosts.first() else {
        return Ok(Snapshot::default());
    };
    let keys = |host: &HostAccount<'_>| -> Vec<WorkerKey> {
        host.snapshot
            .workers
            .iter()
            .map(|worker| worker.key)
            .collect()
    };
    let all_keys = keys(first);
    for host in hosts {
        if host.snapshot.run != first.snapshot.run {
            return Err(JoinError::Runs);
        }
        if keys(host) != all_keys {
            return Err(JoinError::Workers);
        }
        if host.consumers.len() != host.snapshot.consumers.len() {
            return Err(JoinError::Damaged("it has other consumers than its report"));
        }
    }
    let workers = (0..all_keys.len()).map(|number| join_worker(hosts, number));
    let workers = workers.collect::<Result<Vec<_>, _>>()?;
    let mut readers: BTreeMap<&str, (usize, &ConsumerSnapshot)> = BTreeMap::new();
    for (number, host) in hosts.iter().enumerate() {
        for (&name, consumer) in host.consumers.iter().zip(&host.snapshot.consumers) {
            if consumer.delivered.len() != all_keys.len() {
                return Err(JoinError::Damaged("a consumer lacks a worker"));
            }
            if readers.insert(name, (number, consumer)).is_some() {
                return Err(JoinError::ReadTwice);
            }
        }
    }
    let none = BTreeMap::new();
    let consumers = readers.into_iter().map(|(name, (reader, consumer))| {
        let mut joined = consumer.clone();
        for (&shard, &number) in reached.get(name).unwrap_or(&none) {
            raise(&mut joined.shards, shard, number);
        }
        joined.missing = missing(hosts, &workers, reader, consumer)?;
        Ok(joined)
    });
    Ok(Snapshot {
        run: first.snapshot.run,
        consumers: consumers.collect::<Result<_, JoinError>>()?,
        workers,
    })
}

fn join_worker(hosts: &[HostAccount<'_>], number: usize) -> Result<WorkerSnapshot, JoinError> {
    let parts = || hosts.iter().map(|host| &host.snapshot.workers[number]);
    let key = hosts[0].snapshot.workers[number].key;
    let sequences = parts().map(|part| part.sequences).max().unwrap_or_default();
    let mut unresolved: Vec<_> = parts()
        .flat_map(|part| part.unresolved.as_slice().iter().copied())
        .collect();
    for host in hosts {
        // A host that ended early never came to the rest of its records.
        let Some(&(first, step)) = host.own.get(&key) else {
            continue;
        };
        let from = host.snapshot.workers[number].sequences;
        let step = step.max(1);
        let next = if from <= first {
            first
        } else {
            first + (from - first).div_ceil(step) * step
        };
        if step == 1 && next < sequences {
            unresolved.push((next, sequences - 1));
        } else {
            let rest = (next..sequences).step_by(usize::try_from(step).unwrap_or(usize::MAX));
            unresolved.extend(rest.map(|sequence| (sequence, sequence)));
        }
    }
    let acked = Phase::ALL.map(|phase| disjoint(parts().map(|part| &part.acked[phase as usize])));
    let [warm_up, measure] = acked;
    let acked = [warm_up?, measure?];
    if acked[0].common(&acked[1]) > 0 {
        return Err(JoinError::SentTwice);
    }
    let unknown = parts().flat_map(|part| part.unknown_attempts.as_slice().iter().copied());
    Ok(WorkerSnapshot {
        key,
        sequences,
        acked,
        unresolved: Ranges::of(unresolved),
        unknown_attempts: Ranges::of(unknown.collect()),
    })
}

/// The union of sets that have nothing in common.
fn disjoint<'a>(sets: impl Iterator<Item = &'a Ranges> + Clone) -> Result<Ranges, JoinError> {
    let union = Ranges::of(
        sets.clone()
            .flat_map(|set| set.as_slice().iter().copied())
            .collect(),
    );
    let parts = sets.fold(0u64, |sum, set| sum.saturating_add(set.count()));
    if union.count() == parts {
        Ok(union)
    } else {
        Err(JoinError::SentTwice)
    }
}

fn raise(shards: &mut Vec<ShardSnapshot>, shard: ShardId, number: SequenceNumber) {
    let at = shards.partition_point(|read| read.shard < shard);
    match shards.get_mut(at) {
        Some(read) if read.shard == shard => read.position = read.position.max(Some(number)),
        _ => shards.insert(
            at,
            ShardSnapshot {
                shard,
                highest: None,
                position: Some(number),
                trimmed: Vec::new(),
            },
        ),
    }
}

/// The acked records of all hosts that a consumer was not given; host `reader` read for it.
fn missing(
    hosts: &[HostAccount<'_>],
    workers: &[WorkerSnapshot],
    reader: usize,
    consumer: &ConsumerSnapshot,
) -> Result<Vec<Missing>, JoinError> {
    let mut missing = Vec::new();
    let mut place = |number: usize, sequence: u64, stored: Stored| {
        let worker: &WorkerSnapshot = &workers[number];
        let phase = Phase::ALL
            .into_iter()
            .find(|phase| worker.acked[*phase as usize].contains(sequence));
        let phase = phase.ok_or(JoinError::Damaged("a record has a place and was not acked"))?;
        missing.push(Missing {
            worker: number as u32,
            sequence,
            phase,
            stored,
        });
        Ok(())
    };
    for (number, host) in hosts.iter().enumerate() {
        if number == reader {
            for record in &consumer.missing {
                let worker = record.worker as usize;
                if worker >= workers.len() {
                    return Err(JoinError::Damaged("a missing record has no worker"));
                }
                place(worker, record.sequence, record.stored)?;
            }
            continue;
        }
        for (worker, part) in host.snapshot.workers.iter().enumerate() {
            let delivered = &consumer.delivered[worker];
            let acked = part.acked.iter().map(Ranges::count).sum::<u64>();
            if acked
                == part
                    .acked
                    .iter()
                    .map(|set| set.common(delivered))
                    .sum::<u64>()
            {
                continue;
            }
            let placed = host.placed.and_then(|placed| placed.get(&part.key));
            let placed = placed.filter(|placed| placed.len() == acked);
            for (sequence, stored) in placed.ok_or(JoinError::NoPlaces)?.entries() {
                if !delivered.contains(sequence) {
                    place(worker, sequence, stored)?;
                }
            }
        }
    }
    missing.sort_unstable_by_key(|record| (record.worker, record.sequence));
    Ok(missing)
}

impl Ranges {
    /// The set of these stretches, both ends included, in any order.
    pub(super) fn of(mut stretches: Vec<(u64, u64)>) -> Self {
        stretches.sort_unstable();
        let mut set: Vec<(u64, u64)> = Vec::new();
        for (first, last) in stretches {
            match set.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => set.push((first, last)),
            }
        }
        Self(set)
    }

    /// How many members it has in common with another set.
    pub(super) fn common(&self, other: &Self) -> u64 {
        let (mut mine, mut theirs) = (self.as_slice(), other.as_slice());
        let mut count = 0u64;
        while let (Some(a), Some(b)) = (mine.first(), theirs.first()) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                count = count.saturating_add((last - first).saturating_add(1));
            }
            if a.1 < b.1 {
                mine = &mine[1..];
            } else {
                theirs = &theirs[1..];
            }
        }
        count
    }
}

impl ShardSnapshot {
    /// What the position says of a record that was not delivered.
    fn passed(&self, number: SequenceNumber) -> Passed {
        let at = self.trimmed.partition_point(|&(_, end)| end < number);
        let trimmed = self.trimmed.get(at);
        if trimmed.is_some_and(|&(begin, _)| begin < Some(number)) {
            Passed::Trimmed
        } else if self.position >= Some(number) {
            Passed::Lost
        } else {
            Passed::NotYet
        }
    }
}

impl Snapshot {
    /// The ledger of the consumer with this number, of each phase and of the whole run; `covered_from` is as in
    /// [`super::Integrity::finish`], whose answer this is. Nothing when there is no such consumer.
    pub fn ledger(
        &self,
        consumer: usize,
        covered_from: Option<Timestamp>,
    ) -> Option<(BTreeMap<Phase, ConsumerLedger>, ConsumerLedger)> {
        let seen = self.consumers.get(consumer)?;
        let mut ledgers = Phase::ALL.map(|phase| {
            let at = phase as usize;
            let acked = self.workers.iter().map(|worker| worker.acked[at].count());
            let workers = self.workers.iter().zip(&seen.delivered);
            ConsumerLedger {
                acked: acked.sum(),
                delivered: workers
                    .map(|(worker, delivered)| worker.acked[at].common(delivered))
                    .sum(),
                redelivered: seen.redelivered[at],
                key_inversions: seen.key_inversions[at],
                misplaced: seen.misplaced[at],
                deliveries: seen.first[at] + seen.redelivered[at],
                ..ConsumerLedger::default()
            }
        });
        for record in &seen.missing {
            let ledger = &mut ledgers[record.phase as usize];
            let number = record.stored.sequence_number;
            let shard = seen
                .shards
                .iter()
                .find(|read| read.shard == record.stored.shard);
            let column = if is_before(number, covered_from) {
                &mut ledger.uncovered
            } else {
                match shard.map_or(Passed::NotYet, |read| read.passed(number)) {
                    Passed::Trimmed => &mut ledger.trimmed_unread,
                    Passed::Lost => &mut ledger.lost,
                    Passed::NotYet => &mut ledger.unread,
                }
            };
            *column += 1;
        }
        for twice in &seen.stored_twice {
            let ledger = &mut ledgers[twice.phase as usize];
            let worker = self.workers.get(twice.worker as usize);
            let explained =
                worker.is_some_and(|worker| worker.unknown_attempts.contains(twice.sequence));
            let column = if explained {
                &mut ledger.stored_twice_explained
            } else {
                &mut ledger.stored_twice_unexplained
            };
            *column += u64::from(twice.count);
            ledger.deliveries += u64::from(twice.count);
        }
        for (ledger, first) in ledgers.iter_mut().zip(seen.first) {
            ledger.delivered_unacked = first.saturating_sub(ledger.delivered);
        }
        let mut total = ConsumerLedger {
            deliveries: seen.corrupt + seen.foreign,
            corrupt: seen.corrupt,
            foreign: seen.foreign,
            out_of_order: seen.out_of_order,
            lanes_not_judged: seen.lanes_not_judged,
            ..ConsumerLedger::default()
        };
        for ledger in &ledgers {
            total.merge(ledger);
        }
        Some((Phase::ALL.into_iter().zip(ledgers).collect(), total))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kinesis::sequence::SequenceParts;
    use crate::measure::integrity::{Delivery, Integrity, Resolution};

    const KEYS: [WorkerKey; 2] = [
        WorkerKey {
            producer: 0,
            worker: 0,
        },
        WorkerKey {
            producer: 3,
            worker: 1,
        },
    ];
    const CONSUMERS: [&str; 3] = ["audit", "billing", "copy"];

    /// What happens to one record.
    #[derive(Clone, Debug)]
    #[expect(
        clippy::struct_excessive_bools,
        reason = "any of them may hold beside any other"
    )]
    struct Fate {
        worker: usize,
        shard: u32,
        acked: bool,
        unknown: bool,
        measured: bool,
        /// Deliveries by consumer, and whether the last one has another number.
        given: [u8; 3],
        twice: bool,
    }

    fn fates() -> impl Strategy<Value = Vec<Fate>> {
        let fate = (
            0usize..2,
            0u32..3,
            0u8..8,
            any::<bool>(),
            [0u8..4, 0u8..4, 0u8..4],
            any::<bool>(),
        );
        let fate = fate.prop_map(|(worker, shard, end, measured, given, twice)| Fate {
            worker,
            shard,
            acked: end > 1,
            unknown: end < 4,
            measured,
            given: given.map(|count| count.saturating_sub(1)),
            twice,
        });
        prop::collection::vec(fate, 0..120)
    }

    fn number(shard: u32, counter: u64) -> Stored {
        let shard = ShardId::new(shard).unwrap();
        let parts = SequenceParts {
            shard_created_s: 1_700_000_000,
            shard,
            counter,
            time_s: 1_700_000_000 + counter / 10,
        };
        Stored {
            shard,
            sequence_number: parts.encode(),
        }
    }

    /// Feeds what concerns a host: the records that `sends` takes, the consumers that `reads` takes.
    fn account(
        fates: &[Fate],
        positions: &[[u64; 3]; 3],
        sends: impl Fn(usize, u64) -> bool,
        reads: impl Fn(usize) -> bool,
    ) -> Integrity {
        let read: Vec<_> = (0..3).filter(|&consumer| reads(consumer)).collect();
        let integrity = Integrity::new(5, &KEYS, read.len()).keeping_places();
        let mut sequences = [0u64; 2];
        let mut classes = Vec::new();
        for (counter, fate) in (0u64..).zip(fates) {
            let sequence = sequences[fate.worker];
            sequences[fate.worker] += 1;
            let phase = Phase::ALL[usize::from(fate.measured)];
            let own = sends(fate.worker, sequence);
            let resolution = Resolution {
                sequence,
                phase,
                acked: (own && fate.acked).then(|| number(fate.shard, counter)),
                any_unknown_attempt: own && fate.unknown,
                retried: false,
            };
            integrity.resolve(KEYS[fate.worker], &[resolution]);
            for (local, &consumer) in read.iter().enumerate() {
                for again in 0..fate.given[consumer] {
                    let other = u64::from(again > 0 && fate.twice) * 1_000;
                    let stored = number(fate.shard, counter + other);
                    let delivery = Delivery {
                        key: KEYS[fate.worker],
                        sequence,
                        lane: 9,
                        lane_sequence: sequence as u32,
                        shard: stored.shard,
                        sequence_number: stored.sequence_number,
                        sub_sequence: 0,
                        phase,
                    };
                    integrity.deliver(local, &[delivery], &mut classes);
                }
            }
        }
        for (local, &consumer) in read.iter().enumerate() {
            for (shard, &to) in (0..).zip(&positions[consumer]) {
                let to = number(shard, to);
                integrity.position(local, to.shard, to.sequence_number);
            }
            let (from, to) = (number(1, 3), number(1, 9));
            integrity.trimmed(
                local,
                from.shard,
                Some(from.sequence_number),
                to.sequence_number,
            );
            integrity.corrupt(local, 2);
            integrity.exclude_lane(local, 77);
        }
        integrity
    }

    proptest! {
        #[test]
        fn the_joined_accounts_of_several_hosts_are_the_account_of_one_that_saw_all(
            fates in fates(), hosts in 1u64..9,
            positions in [[0u64..150, 0u64..150, 0u64..150], [0u64..150, 0u64..150, 0u64..150], [0u64..150, 0u64..150, 0u64..150]],
        ) {
            let single = account(&fates, &positions, |_, _| true, |_| true);
            // Worker 0 is divided by records, worker 1 is one host's.
            let sends = |host: u64| move |worker: usize, sequence: u64| match worker {
                0 => sequence % hosts == host,
                _ => host == 1 % hosts,
            };
            let accounts: Vec<_> = (0..hosts)
                .map(|host| account(&fates, &positions, sends(host), |consumer| consumer as u64 % hosts == host))
                .collect();
            let snapshots: Vec<_> = accounts.iter().map(Integrity::snapshot).collect();
            let placed: Vec<_> = accounts.iter().map(Integrity::placed).collect();
            let mut parts: Vec<_> = (0..hosts).zip(snapshots.iter().zip(&placed)).map(|(host, (snapshot, placed))| {
                let mut own = BTreeMap::from([(KEYS[0], (host, hosts))]);
                if host == 1 % hosts {
                    own.insert(KEYS[1], (0, 1));
                }
                let consumers = CONSUMERS.into_iter().zip(0u64..).filter(|(_, number)| number % hosts == host);
                HostAccount { snapshot, placed: Some(placed), consumers: consumers.map(|(name, _)| name).collect(), own }
            }).collect();
            let joined = join(&parts, &BTreeMap::new()).unwrap();
            prop_assert_eq!(&joined, &single.snapshot());
            for from in [None, Some(Timestamp::from_secs(1_700_000_004))] {
                for consumer in 0..3 {
                    let ledger = joined.ledger(consumer, from).unwrap();
                    prop_assert!(ledger.1.balances());
                    prop_assert_eq!(ledger, single.finish(consumer, from));
                }
            }
            parts.reverse();
            prop_assert_eq!(&join(&parts, &BTreeMap::new()).unwrap(), &joined);
        }
    }

    #[test]
    fn accounts_that_do_not_belong_together_are_refused() {
        let fate = |acked| Fate {
            worker: 0,
            shard: 0,
            acked,
            unknown: false,
            measured: true,
            given: [1, 0, 0],
            twice: false,
        };
        let positions = [[0; 3]; 3];
        let of = |consumers| {
            account(
                &[fate(true)],
                &positions,
                |_, _| true,
                move |consumer| consumer < consumers,
            )
        };
        let (all, none) = (of(1).snapshot(), of(0).snapshot());
        let host = |snapshot| HostAccount {
            snapshot,
            placed: None,
            consumers: Vec::new(),
            own: BTreeMap::new(),
        };
        let reader = |snapshot| HostAccount {
            consumers: vec!["audit"],
            ..host(snapshot)
        };
        let refusal = |hosts: &[HostAccount<'_>]| join(hosts, &BTreeMap::new()).unwrap_err();
        assert_eq!(refusal(&[host(&none), host(&none)]), JoinError::SentTwice);
        let empty = Snapshot {
            run: 5,
            ..Snapshot::default()
        };
        let other = Snapshot {
            run: 6,
            ..none.clone()
        };
        assert_eq!(refusal(&[host(&none), host(&other)]), JoinError::Runs);
        assert_eq!(refusal(&[host(&none), host(&empty)]), JoinError::Workers);
        let silent = account(
            &[fate(false)],
            &positions,
            |_, _| true,
            |consumer| consumer < 1,
        )
        .snapshot();
        assert_eq!(
            refusal(&[reader(&all), reader(&silent)]),
            JoinError::ReadTwice
        );
        // The reader was given nothing, and the sender does not say where it lies.
        let nothing = Fate {
            given: [0; 3],
            ..fate(false)
        };
        let nothing =
            account(&[nothing], &positions, |_, _| true, |consumer| consumer < 1).snapshot();
        assert_eq!(
            refusal(&[reader(&nothing), host(&none)]),
            JoinError::NoPlaces
        );
    }

    #[test]
    fn a_host_that_ended_early_leaves_its_own_records_unresolved_and_no_others() {
        let fate = Fate {
            worker: 0,
            shard: 0,
            acked: true,
            unknown: false,
            measured: true,
            given: [0; 3],
            twice: false,
        };
        let positions = [[0; 3]; 3];
        let part = |host: u64, records: usize| {
            account(
                &vec![fate.clone(); records],
                &positions,
                move |_, sequence| sequence % 2 == host,
                |_| false,
            )
            .snapshot()
        };
        let (early, whole) = (part(0, 3), part(1, 9));
        let host = |snapshot, first| HostAccount {
            snapshot,
            placed: None,
            consumers: Vec::new(),
            own: BTreeMap::from([(KEYS[0], (first, 2))]),
        };
        let joined = join(&[host(&early, 0), host(&whole, 1)], &BTreeMap::new()).unwrap();
        assert_eq!(joined.workers[0].sequences, 9);
        assert_eq!(
            joined.workers[0].unresolved.as_slice(),
            [(4, 4), (6, 6), (8, 8)]
        );
    }

    #[test]
    fn a_position_that_a_reader_had_certainly_reached_makes_missing_records_lost() {
        let fate = Fate {
            worker: 0,
            shard: 0,
            acked: true,
            unknown: false,
            measured: true,
            given: [0; 3],
            twice: false,
        };
        let sender = account(
            &[fate.clone(), fate.clone()],
            &[[0; 3]; 3],
            |_, _| true,
            |_| false,
        );
        let reader = account(
            &[fate.clone(), fate],
            &[[0; 3]; 3],
            |_, _| false,
            |consumer| consumer == 0,
        );
        let (sent, read, placed) = (sender.snapshot(), reader.snapshot(), sender.placed());
        let hosts = [
            HostAccount {
                snapshot: &sent,
                placed: Some(&placed),
                consumers: Vec::new(),
                own: BTreeMap::new(),
            },
            HostAccount {
                snapshot: &read,
                placed: None,
                consumers: vec!["audit"],
                own: BTreeMap::new(),
            },
        ];
        let ledger = |reached: u64| {
            let reached = number(0, reached);
            let reached = BTreeMap::from([(
                "audit",
                BTreeMap::from([(reached.shard, reached.sequence_number)]),
            )]);
            join(&hosts, &reached).unwrap().ledger(0, None).unwrap().1
        };
        assert_eq!((ledger(0).lost, ledger(0).unread), (1, 1));
        assert_eq!((ledger(1).lost, ledger(1).unread), (2, 0));
    }
}
