//! What this run asked of each shard in the last seconds, and the limit that explains a refusal best.
//!
//! AWS's texts name no limit. Whoever is refused can only look at what he asked for himself: this is that look.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::base::Timestamp;
use crate::kinesis::quotas::RateName;
use crate::kinesis::{Cause, ErrorCode, Limits, ShardId};

/// Seconds that are remembered: a GetRecords call of 10 MiB, the most, is followed by refusals for 5 s (API reference,
/// GetRecords), and a refusal may itself take a few seconds to come.
const SECONDS: usize = 12;

/// From which share of a limit on it is taken to be the one that refused. Below 1, because the service's seconds and
/// ours do not begin together.
const LIKELY: f64 = 0.95;

/// Records or calls, and bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// Records of puts; calls of reads.
    pub count: u64,
    /// Bytes of them: of records with their keys.
    pub bytes: u64,
}

/// What was asked in each of the last seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct SecondMeter {
    /// The second that `buckets[second % SECONDS]` stands for.
    second: u64,
    buckets: [Asked; SECONDS],
}

impl SecondMeter {
    /// Counts what was asked at `now`.
    pub fn add(&mut self, now: Timestamp, count: u64, bytes: u64) {
        self.turn_to(now.as_secs());
        let bucket = &mut self.buckets[(self.second % SECONDS as u64) as usize];
        bucket.count += count;
        bucket.bytes += bytes;
    }

    /// What was asked in the `seconds` that end at `now`, 5 at most: of the clock's second in which they begin as large a
    /// part as falls into them. `now` may lie a few seconds back.
    pub fn last(&mut self, now: Timestamp, seconds: u64) -> (f64, f64) {
        self.turn_to(now.as_secs());
        let newest = self.second;
        let of = |ago: u64| match now.as_secs().checked_sub(ago) {
            Some(second) if newest - second < SECONDS as u64 => {
                self.buckets[(second % SECONDS as u64) as usize]
            }
            _ => Asked::default(),
        };
        let part = 1.0 - (now.as_nanos() % 1_000_000_000) as f64 / 1e9;
        let first = of(seconds);
        let (mut count, mut bytes) = (part * first.count as f64, part * first.bytes as f64);
        for whole in (0..seconds).map(of) {
            count += whole.count as f64;
            bytes += whole.bytes as f64;
        }
        (count, bytes)
    }

    /// Forgets what is too old at `second`. Times that go back count into the newest second.
    fn turn_to(&mut self, second: u64) {
        let passed = second.saturating_sub(self.second);
        for step in 1..=passed.min(SECONDS as u64) {
            self.buckets[((self.second + step) % SECONDS as u64) as usize] = Asked::default();
        }
        self.second = self.second.max(second);
    }
}

/// The likeliest of causes by the share of its limit that was asked for; unknown when none came near.
pub fn likeliest(shares: &[(Cause, f64)]) -> Cause {
    shares
        .iter()
        .filter(|(_, share)| *share >= LIKELY)
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(Cause::Unknown, |(cause, _)| *cause)
}

/// Why a put to a shard was refused that was asked for so much in the last second, by AWS's published limits.
pub fn write_cause(records_per_s: f64, bytes_per_s: f64) -> Cause {
    likeliest(&[
        (
            Cause::WriteRecords,
            share(RateName::WriteRecords, records_per_s),
        ),
        (Cause::WriteBytes, share(RateName::WriteBytes, bytes_per_s)),
    ])
}

/// Why a read of a shard was refused that was asked for so many calls and gave so many bytes in the last second, and so
/// many bytes in the last five.
pub fn read_cause(calls_per_s: f64, bytes_per_s: f64, bytes_in_5_s: f64) -> Cause {
    likeliest(&[
        (Cause::ReadCalls, share(RateName::ReadCalls, calls_per_s)),
        (
            Cause::ReadBytes,
            share(RateName::ReadBytes, bytes_per_s.max(bytes_in_5_s / 5.0)),
        ),
    ])
}

fn share(rate: RateName, asked_per_s: f64) -> f64 {
    let limit = Limits::aws().rate(rate);
    limit.map_or(0.0, |limit| asked_per_s / limit.per_s as f64)
}

/// The meters of one stream's shards, shared by all of a run that write to it and read from it.
#[derive(Debug, Default)]
pub struct Meters(Mutex<BTreeMap<ShardId, ShardMeter>>);

#[derive(Debug, Default)]
struct ShardMeter {
    written: SecondMeter,
    read: SecondMeter,
}

impl Meters {
    /// Records, each with its shard and its bytes, were sent at `now`.
    pub fn wrote(&self, now: Timestamp, records: impl IntoIterator<Item = (ShardId, u64)>) {
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (shard, bytes) in records {
            meters.entry(shard).or_default().written.add(now, 1, bytes);
        }
    }

    /// So many reading calls of `shard` were made, or so many bytes came, at `now`.
    pub fn read(&self, now: Timestamp, shard: ShardId, calls: u64, bytes: u64) {
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        meters.entry(shard).or_default().read.add(now, calls, bytes);
    }

    /// The likeliest cause of a put's refusal.
    pub fn write_cause(&self, now: Timestamp, shard: Option<ShardId>, code: ErrorCode) -> Cause {
        if let Some(cause) = cause_of_code(code) {
            return cause;
        }
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let meter = shard.and_then(|shard| meters.get_mut(&shard));
        meter.map_or(Cause::Unknown, |meter| {
            let (records, bytes) = meter.written.last(now, 1);
            write_cause(records, bytes)
        })
    }

    /// The likeliest cause of a GetRecords call's refusal.
    pub fn read_cause(&self, now: Timestamp, shard: ShardId, code: ErrorCode) -> Cause {
        if let Some(cause) = cause_of_code(code) {
            return cause;
        }
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        meters.get_mut(&shard).map_or(Cause::Unknown, |meter| {
            let (calls, bytes) = meter.read.last(now, 1);
            read_cause(calls, bytes, meter.read.last(now, 5).1)
        })
    }
}

/// What a code tells by itself.
const fn cause_of_code(code: ErrorCode) -> Option<Cause> {
    match code {
        ErrorCode::KmsThrottling => Some(Cause::Kms),
        ErrorCode::LimitExceeded => Some(Cause::ApiRate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1_048_576.0;

    #[test]
    fn the_limit_that_was_overdrawn_most_is_the_cause_and_none_is_unknown() {
        assert_eq!(write_cause(1_200.0, 0.3 * MIB), Cause::WriteRecords);
        assert_eq!(write_cause(400.0, 1.1 * MIB), Cause::WriteBytes);
        assert_eq!(write_cause(1_100.0, 2.0 * MIB), Cause::WriteBytes);
        assert_eq!(write_cause(2_000.0, 1.1 * MIB), Cause::WriteRecords);
        assert_eq!(write_cause(900.0, 0.9 * MIB), Cause::Unknown);
        assert_eq!(read_cause(6.0, 0.0, 0.0), Cause::ReadCalls);
        assert_eq!(read_cause(1.0, 3.0 * MIB, 3.0 * MIB), Cause::ReadBytes);
        assert_eq!(read_cause(1.0, 0.0, 10.0 * MIB), Cause::ReadBytes);
        assert_eq!(read_cause(4.0, MIB, 5.0 * MIB), Cause::Unknown);
    }

    #[test]
    fn the_last_second_slides_and_what_is_older_is_forgotten() {
        let at = Timestamp::from_millis;
        let mut meter = SecondMeter::default();
        meter.add(at(10_200), 100, 1_000);
        meter.add(at(11_100), 10, 50);
        assert_eq!(meter.last(at(11_250), 1), (85.0, 800.0));
        assert_eq!(meter.last(at(12_000), 1), (10.0, 50.0));
        assert_eq!(meter.last(at(15_000), 5), (110.0, 1_050.0));
        assert_eq!(meter.last(at(15_500), 5), (60.0, 550.0));
        assert_eq!(meter.last(at(16_000), 5), (10.0, 50.0));
        // A look back at what was before what came since.
        assert_eq!(meter.last(at(11_250), 1), (85.0, 800.0));
        assert_eq!(meter.last(at(90_000), 5), (0.0, 0.0));
        assert_eq!(meter.last(at(11_250), 1), (0.0, 0.0));
        meter.add(at(89_000), 1, 1);
        assert_eq!(meter.last(at(90_000), 1), (1.0, 1.0));
    }

    #[test]
    fn a_steady_read_below_its_limit_is_not_blamed_on_its_bytes_at_any_point_of_a_second() {
        let mut meter = SecondMeter::default();
        for tenth in 0..100 {
            let now = Timestamp::from_millis(20_000 + tenth * 100);
            meter.add(now, 0, (0.17 * MIB) as u64);
            let (calls, bytes) = meter.last(now, 1);
            let in_5_s = meter.last(now, 5).1;
            assert_eq!(read_cause(calls, bytes, in_5_s), Cause::Unknown, "{tenth}");
        }
    }

    #[test]
    fn a_stream_of_refusals_is_told_by_the_shard_that_was_asked() {
        let shard = |number| ShardId::new(number).unwrap();
        let meters = Meters::default();
        let now = Timestamp::from_millis(5_500);
        meters.wrote(now, (0..1_500).map(|_| (shard(0), 100)));
        meters.wrote(now, (0..10).map(|_| (shard(1), 200_000)));
        meters.read(now, shard(0), 6, 0);
        let code = ErrorCode::ProvisionedThroughputExceeded;
        assert_eq!(
            meters.write_cause(now, Some(shard(0)), code),
            Cause::WriteRecords
        );
        assert_eq!(
            meters.write_cause(now, Some(shard(1)), code),
            Cause::WriteBytes
        );
        assert_eq!(meters.write_cause(now, None, code), Cause::Unknown);
        assert_eq!(meters.read_cause(now, shard(0), code), Cause::ReadCalls);
        assert_eq!(meters.read_cause(now, shard(2), code), Cause::Unknown);
        assert_eq!(
            meters.write_cause(now, Some(shard(0)), ErrorCode::KmsThrottling),
            Cause::Kms
        );
    }
}
