//! What a run must come to, reckoned from what the target says it did and from what the engine holds: every record is
//! remembered, nothing is clever.

use std::collections::{HashMap, HashSet};

use streamgauge::kinesis::SequenceNumber;
use streamgauge::measure::{ConsumerLedger, KinesisRecords, ProducerLedger};
use streamgauge::workload::Stamp;

use crate::world::Ran;

/// One record of the schedule: all its attempts and copies.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    refused: u64,
    unanswered: u64,
    /// Copies whose put was answered.
    answered: u64,
    /// Copies that reached the reader whole.
    copies_seen: u64,
}

/// The columns that follow from the target's deeds. Billed bytes and key inversions are left at zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reckoning {
    pub(crate) produced: ProducerLedger,
    pub(crate) consumed: ConsumerLedger,
}

/// Reckons a run of `intended` records whose target answered everything it did not lose.
pub(crate) fn reckon(ran: &Ran, intended: u64) -> Reckoning {
    let journal = &ran.journal;
    let set = |numbers: &[SequenceNumber]| numbers.iter().copied().collect::<HashSet<_>>();
    let (dropped, repeated, corrupted) = (
        set(&journal.dropped),
        set(&journal.repeated),
        set(&journal.corrupted),
    );
    let unanswered_copies: HashSet<_> = journal
        .unanswered
        .iter()
        .filter_map(|(_, stored)| stored.map(|stored| stored.sequence_number))
        .collect();
    let mut records: HashMap<(u16, u64), Fate> = HashMap::new();
    let name = |data: &[u8]| {
        let stamp = Stamp::read(data).expect("the producer stamps its records");
        (stamp.worker, stamp.sequence)
    };
    for data in &journal.refused {
        records.entry(name(data)).or_default().refused += 1;
    }
    for (data, _) in &journal.unanswered {
        records.entry(name(data)).or_default().unanswered += 1;
    }
    let mut reckoning = Reckoning::default();
    let consumed = &mut reckoning.consumed;
    for (shard, copies) in ran.by_shard() {
        for copy in copies {
            let number = copy.sequence_number;
            let record = records.entry((copy.worker, copy.sequence)).or_default();
            record.answered += u64::from(!unanswered_copies.contains(&number));
            let reached = journal.reached.get(&shard);
            if reached.is_none_or(|reached| number > *reached) || dropped.contains(&number) {
                continue;
            }
            consumed.deliveries += 1;
            if corrupted.contains(&number) {
                consumed.corrupt += 1;
                continue;
            }
            if repeated.contains(&number) {
                consumed.deliveries += 1;
                consumed.redelivered += 1;
            }
            record.copies_seen += 1;
            if record.copies_seen > 1 && record.unanswered > 0 {
                consumed.stored_twice_explained += 1;
            } else if record.copies_seen > 1 {
                consumed.stored_twice_unexplained += 1;
            }
        }
    }
    let produced = &mut reckoning.produced;
    produced.intended = intended;
    for record in records.values() {
        let attempts = record.refused + record.unanswered + record.answered;
        produced.attempts += attempts;
        produced.rejected_attempts += record.refused;
        produced.unknown_attempts += record.unanswered;
        let seen = u64::from(record.copies_seen > 0);
        match (record.answered, record.unanswered) {
            (1, _) => {
                produced.acked += 1;
                produced.accepted_after_retry += u64::from(attempts > 1);
                consumed.acked += 1;
                consumed.delivered += seen;
                consumed.lost += 1 - seen;
            }
            (0, 0) => produced.throttled += 1,
            (0, _) => {
                produced.unknown += 1;
                consumed.delivered_unacked += seen;
            }
            (more, _) => panic!("a record was acknowledged {more} times"),
        }
    }
    // Nothing is packed: to the service each record is one.
    produced.kinesis_records = KinesisRecords {
        attempts: produced.attempts,
        acked: produced.acked,
        rejected: produced.rejected_attempts,
        unknown: produced.unknown_attempts,
        ..KinesisRecords::default()
    };
    assert_eq!(records.len() as u64, intended, "every record was attempted");
    reckoning
}
