//! What a shard's limits let through of a load whose rate changes, and what they refuse.
//!
//! The load is a fluid, held against both token buckets at every moment. Nothing is sent again.

use super::course::{Cell, Course};
use crate::kinesis::Limits;
use crate::kinesis::quotas::RateName;

/// What a shard is sent in a second: Kinesis records and bytes.
pub(super) type Sent = [f64; 2];

/// What one producer's records are in a shard, at any of its rates.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// Which of the course's arrivals.
    pub(super) arrival: usize,
    /// Records of this shard for one of the producer.
    pub(super) share: f64,
    pub(super) sent: Law,
}

/// What goes over the wire for a rate of the producer.
#[derive(Clone, Debug)]
pub(super) enum Law {
    /// In proportion: for each of the producer's records.
    Even(Sent),
    /// At so many records per second this much, straight between them, from no records on.
    Table(Vec<(f64, Sent)>),
}

impl Law {
    fn at(&self, per_s: f64) -> Sent {
        match self {
            Self::Even(each) => each.map(|each| each * per_s),
            Self::Table(rows) => {
                let next = rows.partition_point(|(rate, _)| *rate < per_s);
                let Some((above, high)) = rows.get(next).or(rows.last()) else {
                    return [0.0; 2];
                };
                let before = next.checked_sub(1).and_then(|last| rows.get(last));
                let (below, low) = before.copied().unwrap_or_default();
                let part = if *above > below {
                    (per_s - below) / (above - below)
                } else {
                    1.0
                };
                [0, 1].map(|index| low[index] + (high[index] - low[index]) * part)
            }
        }
    }
}

/// What comes of a load in one shard.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Shortfall {
    /// The highest rates.
    pub(super) peak: Sent,
    /// The share of the records that are refused, 0 to 1; of the Kinesis records where packed ones and others meet.
    pub(super) refused: f64,
}

/// Holds what a shard is offered against its limits, over every course. The buckets begin as the load leaves them, so that
/// what they hold at the start of a run counts for nothing.
pub(super) fn shortfall(courses: &[Course], offers: &[Offer], limits: &Limits) -> Shortfall {
    let sent = |rates: &[f64]| {
        offers.iter().fold([0.0; 2], |sum: Sent, offer| {
            let sent = offer.sent.at(rates[offer.arrival]);
            [sum[0] + sent[0], sum[1] + sent[1]]
        })
    };
    let mut peak = [0.0f64; 2];
    for cell in courses.iter().flat_map(Course::cells) {
        let sent = sent(cell.peaks);
        peak = [peak[0].max(sent[0]), peak[1].max(sent[1])];
    }
    let full = Buckets::full(limits);
    // A few packed records carry most user records, and seldom meet a bucket that the many others have just emptied.
    let packed = |offer: &&Offer| matches!(offer.sent, Law::Table(_));
    let packed = offers.iter().filter(packed).count();
    let meet = packed > 0 && packed < offers.len();
    let (mut offered, mut refused) = (0.0, 0.0);
    if full
        .limits
        .iter()
        .zip(peak)
        .any(|(limit, peak)| peak > limit.per_s)
    {
        for course in courses {
            let mut buckets = full;
            for cell in course.cells() {
                buckets.pass(cell.seconds, sent(cell.means));
            }
            for cell in course.cells() {
                let sent = sent(cell.means);
                let refused_s = buckets.pass(cell.seconds, sent);
                let per_s = if meet {
                    sent[0]
                } else {
                    records_per_s(offers, &cell)
                };
                offered += course.weight * per_s * cell.seconds;
                refused += course.weight * per_s * refused_s;
            }
        }
    }
    Shortfall {
        peak,
        refused: if offered > 0.0 {
            refused / offered
        } else {
            0.0
        },
    }
}

fn records_per_s(offers: &[Offer], cell: &Cell<'_>) -> f64 {
    let rates = offers
        .iter()
        .map(|offer| offer.share * cell.means[offer.arrival]);
    rates.sum()
}

/// A limit on a rate; endless where there is none.
#[derive(Clone, Copy, Debug)]
struct Limit {
    per_s: f64,
    capacity: f64,
}

/// The buckets of a shard: of records and of bytes.
#[derive(Clone, Copy, Debug)]
struct Buckets {
    limits: [Limit; 2],
    levels: [f64; 2],
}

impl Buckets {
    fn full(limits: &Limits) -> Self {
        let names = [RateName::WriteRecords, RateName::WriteBytes];
        let limits = names.map(|name| {
            let limit = limits.rate(name);
            limit.map_or(
                Limit {
                    per_s: f64::INFINITY,
                    capacity: 0.0,
                },
                |limit| Limit {
                    per_s: limit.per_s as f64,
                    capacity: limit.capacity as f64,
                },
            )
        });
        Self {
            limits,
            levels: limits.map(|limit| limit.capacity),
        }
    }

    /// Lets so many seconds of a load pass. Returns how many seconds' worth of it was refused: a record takes from both
    /// buckets or from none.
    fn pass(&mut self, seconds: f64, sent: Sent) -> f64 {
        let (mut left, mut refused) = (seconds, 0.0);
        // Each round ends with the cell or with a bucket that runs dry, and there are two.
        for _ in 0..4 {
            let mut taken: f64 = 1.0;
            for ((limit, level), sent) in self.limits.iter().zip(self.levels).zip(sent) {
                if level <= 0.0 && sent > limit.per_s {
                    taken = taken.min(limit.per_s / sent);
                }
            }
            let mut time = left;
            let mut dry = None;
            for (index, limit) in self.limits.iter().enumerate() {
                let loss = taken * sent[index] - limit.per_s;
                if self.levels[index] > 0.0 && loss * time > self.levels[index] {
                    time = self.levels[index] / loss;
                    dry = Some(index);
                }
            }
            for (index, limit) in self.limits.iter().enumerate() {
                if limit.per_s.is_finite() {
                    let gain = limit.per_s - taken * sent[index];
                    let level = self.levels[index] + gain * time;
                    self.levels[index] = level.clamp(0.0, limit.capacity);
                }
            }
            refused += (1.0 - taken) * time;
            left -= time;
            let Some(dry) = dry else { break };
            self.levels[dry] = 0.0;
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs().max(1.0)
    }

    #[test]
    fn a_bucket_gives_its_reserve_before_it_refuses() {
        let mut buckets = Buckets::full(&Limits::aws());
        // 900 above the limit for 30 s, less the reserve of 1,000.
        let refused = buckets.pass(30.0, [1_900.0, 0.0]) * 1_900.0;
        assert!(close(refused, 26_000.0), "{refused}");
        assert!(close(buckets.pass(0.5, [0.0, 0.0]), 0.0));
        let refused = buckets.pass(10.0, [1_900.0, 0.0]) * 1_900.0;
        assert!(close(refused, 9_000.0 - 500.0), "{refused}");
    }

    #[test]
    fn what_one_limit_refuses_takes_nothing_from_the_other() {
        let mut buckets = Buckets::full(&Limits::aws());
        // Twice the records and four times the bytes: a quarter passes, half of what the record limit would let.
        let sent = [2_000.0, 4.0 * 1_048_576.0];
        buckets.pass(100.0, sent);
        assert!(close(buckets.pass(1.0, sent), 0.75));
        assert!(close(buckets.levels[0], 1_000.0) && close(buckets.levels[1], 0.0));
    }

    #[test]
    fn without_limits_nothing_is_refused() {
        let mut buckets = Buckets::full(&Limits::off());
        assert!(close(buckets.pass(100.0, [1e9, 1e12]), 0.0));
    }

    #[test]
    fn a_table_is_straight_between_its_rows() {
        let near = |a: [f64; 2], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        let law = Law::Table(vec![(10.0, [5.0, 100.0]), (20.0, [6.0, 300.0])]);
        for (rate, sent) in [
            (0.0, [0.0, 0.0]),
            (5.0, [2.5, 50.0]),
            (10.0, [5.0, 100.0]),
            (15.0, [5.5, 200.0]),
            (20.0, [6.0, 300.0]),
        ] {
            assert!(near(law.at(rate), sent), "{rate}");
        }
        assert!(near(Law::Table(Vec::new()).at(3.0), [0.0, 0.0]));
    }
}
