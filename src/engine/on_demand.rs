//! On-demand mode: which shards a stream splits, and when.
//!
//! A shard whose load, averaged over a minute of the clock, was above a share of its rate is split in the middle some
//! time later; the middle knows nothing of keys, so a hot key stays hot. The stream keeps room for twice its highest
//! minute of the last days. All numbers are rows of `kinesis::quotas`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::base::Timestamp;
use crate::kinesis::ShardId;
use crate::kinesis::quotas::{CapName, Limits, RATES, RateName, STREAM_SHARDS_MAX};

/// Load is judged by the minute (aws-builders post; unverified).
const MINUTE_S: u64 = 60;
const MINUTES_PER_DAY: u64 = 24 * 60;
/// Where streams may grow furthest (developer guide, Quotas and limits, 2026).
const LARGE_REGIONS: [&str; 3] = ["us-east-1", "us-west-2", "eu-west-1"];

/// What one shard, or all, took in a minute.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct MinuteLoad {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// Counts what a shard takes, minute by minute.
#[derive(Debug, Default)]
pub(super) struct LoadMeter {
    minute: u64,
    current: MinuteLoad,
    /// The last complete minute that had a load.
    complete: Option<(u64, MinuteLoad)>,
}

impl LoadMeter {
    pub(super) fn count(&mut self, now: Timestamp, bytes: u64) {
        self.roll(now);
        self.current.records += 1;
        self.current.bytes += bytes;
    }

    /// The last complete minute that had a load and was not taken yet.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(u64, MinuteLoad)> {
        self.roll(now);
        self.complete.take()
    }

    fn roll(&mut self, now: Timestamp) {
        let minute = now.as_secs() / MINUTE_S;
        if minute > self.minute {
            if self.current.records > 0 {
                self.complete = Some((self.minute, std::mem::take(&mut self.current)));
            }
            self.minute = minute;
        }
    }
}

/// The numbers that an account's on-demand streams follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    records_per_s: f64,
    bytes_per_s: f64,
    split_share: f64,
    split_after: Duration,
    skew_factor: u64,
    peak_days: u64,
    /// Shards of a new stream.
    pub(super) first_shards: u32,
    /// Shards that a stream may grow to.
    pub(super) most_shards: u64,
}

impl Rules {
    pub(super) fn new(limits: &Limits, region: &str) -> Self {
        let rate = |name: RateName| {
            let limit = limits.rate(name).unwrap_or(RATES[name as usize].aws);
            limit.per_s as f64
        };
        let cap = |name| limits.cap(name).unwrap_or(u64::MAX);
        let ceiling = if LARGE_REGIONS.contains(&region) {
            CapName::OnDemandWriteMibLargeRegions
        } else {
            CapName::OnDemandWriteMib
        };
        Self {
            records_per_s: rate(RateName::WriteRecords),
            bytes_per_s: rate(RateName::WriteBytes),
            split_share: cap(CapName::OnDemandSplitPercent) as f64 / 100.0,
            split_after: Duration::from_secs(cap(CapName::OnDemandSplitSeconds)),
            skew_factor: cap(CapName::OnDemandSkewFactor),
            peak_days: cap(CapName::OnDemandPeakDays),
            first_shards: u32::try_from(cap(CapName::OnDemandShards))
                .unwrap_or(4)
                .max(1),
            most_shards: cap(ceiling).min(u64::from(STREAM_SHARDS_MAX)),
        }
    }

    /// How many shards at their full rate a minute's load needs.
    fn shards(&self, load: MinuteLoad) -> f64 {
        let per_s = |count: u64| count as f64 / MINUTE_S as f64;
        let records = per_s(load.records) / self.records_per_s;
        records.max(per_s(load.bytes) / self.bytes_per_s)
    }
}

/// One stream's history and plans.
#[derive(Debug)]
pub(super) struct OnDemand {
    since: Timestamp,
    next: Timestamp,
    planned: BTreeMap<ShardId, Timestamp>,
    /// The highest minute of each day, in shards.
    peaks: VecDeque<(u64, f64)>,
}

impl OnDemand {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            next: minute_after(now),
            planned: BTreeMap::new(),
            peaks: VecDeque::new(),
        }
    }

    /// When there is something to judge or to do.
    pub(super) const fn next(&self) -> Timestamp {
        self.next
    }

    /// Sets the next time. While another change is under way no split is made, so that only the minute counts.
    pub(super) fn wait(&mut self, now: Timestamp, changing: bool) {
        self.next = minute_after(now);
        if !changing && let Some(&split) = self.planned.values().min() {
            self.next = self.next.min(split);
        }
    }

    /// Learns the minutes that ended, of each of `open` shards, and plans splits.
    pub(super) fn judge(
        &mut self,
        now: Timestamp,
        rules: &Rules,
        open: u64,
        warm: u64,
        loads: &[(ShardId, u64, MinuteLoad)],
    ) {
        let mut minutes: BTreeMap<u64, MinuteLoad> = BTreeMap::new();
        for &(_, minute, load) in loads {
            let sum = minutes.entry(minute).or_default();
            sum.records += load.records;
            sum.bytes += load.bytes;
        }
        for (minute, load) in minutes {
            self.note_peak(minute / MINUTES_PER_DAY, rules.shards(load));
        }
        let today = now.as_secs() / MINUTE_S / MINUTES_PER_DAY;
        while self
            .peaks
            .front()
            .is_some_and(|&(day, _)| today - day.min(today) > rules.peak_days)
        {
            self.peaks.pop_front();
        }
        let most = self
            .wanted(rules, warm)
            .saturating_mul(rules.skew_factor)
            .min(rules.most_shards);
        for &(shard, minute, load) in loads {
            let room = open + (self.planned.len() as u64) < most;
            if rules.shards(load) > rules.split_share && room {
                let judged = Timestamp::from_secs((minute + 1) * MINUTE_S);
                self.planned
                    .entry(shard)
                    .or_insert_with(|| judged.plus(rules.split_after));
            }
        }
    }

    fn note_peak(&mut self, day: u64, shards: f64) {
        match self.peaks.back_mut() {
            Some((last, peak)) if *last >= day => *peak = peak.max(shards),
            _ => self.peaks.push_back((day, shards)),
        }
    }

    /// Shards for twice the highest minute, and at least those that the stream always has.
    fn wanted(&self, rules: &Rules, warm: u64) -> u64 {
        let peak = self
            .peaks
            .iter()
            .map(|&(_, shards)| shards)
            .fold(0.0, f64::max);
        ((2.0 * peak).ceil() as u64)
            .max(u64::from(rules.first_shards))
            .max(warm)
    }

    /// The next splits that are due: those of one time, in order of their shards.
    pub(super) fn due_splits(&mut self, now: Timestamp) -> Option<(Timestamp, Vec<ShardId>)> {
        let at = self
            .planned
            .values()
            .copied()
            .min()
            .filter(|&at| at <= now)?;
        let shards = self
            .planned
            .extract_if(.., |_, due| *due == at)
            .map(|(shard, _)| shard);
        Some((at, shards.collect()))
    }

    /// How many shards to merge down to, once the stream's peaks are known for all the days and need half or less.
    pub(super) fn shrink_to(
        &self,
        now: Timestamp,
        rules: &Rules,
        open: u64,
        warm: u64,
    ) -> Option<u32> {
        let known_s = now.since(self.since).as_secs();
        if known_s < rules.peak_days.saturating_mul(86_400) || !self.planned.is_empty() {
            return None;
        }
        let wanted = self.wanted(rules, warm);
        (wanted.saturating_mul(2) <= open)
            .then(|| u32::try_from(wanted.max(open.div_ceil(2))).ok())
            .flatten()
    }
}

fn minute_after(now: Timestamp) -> Timestamp {
    Timestamp::from_secs((now.as_secs() / MINUTE_S + 1) * MINUTE_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u32) -> ShardId {
        ShardId::new(number).unwrap()
    }

    fn load(records: u64) -> MinuteLoad {
        MinuteLoad {
            records,
            bytes: records,
        }
    }

    #[test]
    fn a_meter_gives_each_complete_minute_once() {
        let mut meter = LoadMeter::default();
        let at = |s: u64| Timestamp::from_secs(6_000 + s);
        meter.count(at(0), 10);
        meter.count(at(59), 20);
        assert_eq!(meter.take(at(59)), None);
        assert_eq!(
            meter.take(at(60)),
            Some((
                100,
                MinuteLoad {
                    records: 2,
                    bytes: 30
                }
            ))
        );
        assert_eq!(meter.take(at(60)), None);
        assert_eq!(meter.take(at(600)), None);
    }

    #[test]
    fn a_shard_above_half_of_its_rate_is_split_after_the_wait_and_one_at_half_is_not() {
        let rules = Rules::new(&Limits::aws(), "us-east-1");
        let mut stream = OnDemand::new(Timestamp::from_secs(6_000));
        let loads = [(id(0), 100, load(30_001)), (id(1), 100, load(30_000))];
        stream.judge(Timestamp::from_secs(6_060), &rules, 4, 0, &loads);
        assert_eq!(stream.due_splits(Timestamp::from_secs(6_659)), None);
        let due = Timestamp::from_secs(6_660);
        assert_eq!(stream.due_splits(due), Some((due, vec![id(0)])));
        assert_eq!(stream.due_splits(due), None);
    }

    #[test]
    fn busy_shards_are_split_only_while_the_skew_leaves_room() {
        let rules = Rules::new(&Limits::aws(), "us-east-1");
        let mut stream = OnDemand::new(Timestamp::ZERO);
        // One shard's whole rate: twice that is below the four shards that are always there, times two for skew.
        stream.judge(
            Timestamp::from_secs(60),
            &rules,
            8,
            0,
            &[(id(7), 0, load(60_000))],
        );
        assert_eq!(stream.due_splits(Timestamp::MAX), None);
        stream.judge(
            Timestamp::from_secs(120),
            &rules,
            7,
            0,
            &[(id(7), 1, load(60_000))],
        );
        assert!(stream.due_splits(Timestamp::MAX).is_some());
    }

    #[test]
    fn capacity_for_twice_the_peak_is_kept_for_30_days() {
        let rules = Rules::new(&Limits::aws(), "us-east-1");
        let mut stream = OnDemand::new(Timestamp::ZERO);
        let day = 86_400;
        stream.judge(
            Timestamp::from_secs(60),
            &rules,
            64,
            0,
            &[(id(0), 0, load(10 * 60_000))],
        );
        stream.due_splits(Timestamp::MAX);
        let at = |days: u64| Timestamp::from_secs(days * day);
        assert_eq!(stream.shrink_to(at(29), &rules, 64, 0), None);
        assert_eq!(stream.shrink_to(at(30), &rules, 64, 0), Some(32));
        assert_eq!(stream.shrink_to(at(30), &rules, 39, 0), None);
        assert_eq!(stream.shrink_to(at(30), &rules, 64, 60), None);
        stream.judge(at(32), &rules, 32, 0, &[]);
        assert_eq!(stream.shrink_to(at(32), &rules, 8, 0), Some(4));
    }
}
