//! How long the service takes: one table of named delays, each with its source. All are zero unless a scenario asks.

use std::time::Duration;

use rand_distr::{Distribution as _, Normal};

use crate::base::rng::Rng;

/// A distribution of one delay.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Delay {
    /// None at all.
    #[default]
    Zero,
    /// Always the same.
    Constant(Duration),
    /// Log-normal, given by two of its percentiles; `p50` above zero and not above `p99`.
    LogNormal {
        /// The median.
        p50: Duration,
        /// The 99th percentile.
        p99: Duration,
    },
}

/// The standard normal distribution's 99th percentile.
const Z_99: f64 = 2.326_347_874_040_841;

impl Delay {
    /// One delay.
    pub fn draw(&self, rng: &mut Rng) -> Duration {
        match *self {
            Self::Zero => Duration::ZERO,
            Self::Constant(duration) => duration,
            Self::LogNormal { p50, p99 } => {
                let sigma = (p99.as_secs_f64() / p50.as_secs_f64()).ln() / Z_99;
                let exponent = Normal::new(0.0, sigma).map_or(0.0, |normal| normal.sample(rng));
                Duration::try_from_secs_f64(p50.as_secs_f64() * exponent.exp()).unwrap_or(p99)
            }
        }
    }

    /// Whether no call is ever delayed by it.
    pub fn is_zero(&self) -> bool {
        matches!(self, Self::Zero) || *self == Self::Constant(Duration::ZERO)
    }
}

/// The delays by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "each is explained by its row in DELAYS")]
pub enum DelayName {
    PutRecord,
    PutRecords,
    GetRecords,
    GetShardIterator,
    Control,
    Propagation,
    FanOut,
    CreateStream,
    DeleteStream,
    Reshard,
    UpdateShardCount,
}

/// A row of the table of delays.
#[derive(Clone, Copy, Debug)]
pub struct DelayRow {
    /// Which delay.
    pub delay: DelayName,
    /// Its name in scenarios and reports.
    pub name: &'static str,
    /// Its value under `latency = "modelled"`.
    pub modelled: Delay,
    /// What it delays.
    pub what: &'static str,
    /// Where the value comes from.
    pub source: &'static str,
}

const fn ms(p50: u64, p99: u64) -> Delay {
    Delay::LogNormal {
        p50: Duration::from_millis(p50),
        p99: Duration::from_millis(p99),
    }
}

const fn s(p50: u64, p99: u64) -> Delay {
    Delay::LogNormal {
        p50: Duration::from_secs(p50),
        p99: Duration::from_secs(p99),
    }
}

const fn row(
    delay: DelayName,
    name: &'static str,
    modelled: Delay,
    what: &'static str,
    source: &'static str,
) -> DelayRow {
    DelayRow {
        delay,
        name,
        modelled,
        what,
        source,
    }
}

/// Every delay. Half of a call's delay passes before the engine sees it and half after.
pub const DELAYS: [DelayRow; 11] = [
    row(
        DelayName::PutRecord,
        "put_record",
        ms(15, 80),
        "a PutRecord call",
        "no figure of AWS's; a round trip of 20 to 30 ms was reported in 2018 (Stack Overflow 50914393); unverified",
    ),
    row(
        DelayName::PutRecords,
        "put_records",
        ms(15, 80),
        "a PutRecords call",
        "no figure found; unverified",
    ),
    row(
        DelayName::GetRecords,
        "get_records",
        ms(10, 60),
        "a GetRecords call",
        "no figure found; unverified",
    ),
    row(
        DelayName::GetShardIterator,
        "get_shard_iterator",
        ms(5, 30),
        "a GetShardIterator call",
        "no figure found; unverified",
    ),
    row(
        DelayName::Control,
        "control",
        ms(20, 100),
        "any other call",
        "no figure found; unverified",
    ),
    row(
        DelayName::Propagation,
        "propagation",
        ms(70, 200),
        "a stored record until readers see it",
        "developer guide, enhanced fan-out (2026): about 70 ms on average until pushed; spread unverified",
    ),
    row(
        DelayName::FanOut,
        "fan_out",
        ms(5, 30),
        "an event of a subscription, on its way to the reader",
        "no figure found; half of a GetRecords call, beside the propagation that both kinds of readers wait for; unverified",
    ),
    row(
        DelayName::CreateStream,
        "create_stream",
        s(40, 60),
        "CREATING until ACTIVE",
        "terraform log of 2021: 40 to 45 s; spread unverified",
    ),
    row(
        DelayName::DeleteStream,
        "delete_stream",
        s(30, 60),
        "DELETING until gone",
        "kinesalite's author: create, delete, create took 95 s; unverified",
    ),
    row(
        DelayName::Reshard,
        "reshard",
        s(30, 60),
        "a split or merge until the new shards take records",
        "tens of seconds; unverified",
    ),
    row(
        DelayName::UpdateShardCount,
        "update_shard_count",
        s(60, 180),
        "UpdateShardCount until done",
        "API reference: \"a few minutes\"; unverified",
    ),
];

/// The delays in force.
#[derive(Clone, PartialEq, Debug)]
pub struct Delays([Delay; DELAYS.len()]);

impl Default for Delays {
    fn default() -> Self {
        Self::none()
    }
}

impl Delays {
    /// No delay anywhere.
    pub const fn none() -> Self {
        Self([Delay::Zero; DELAYS.len()])
    }

    /// The table's values.
    pub fn modelled() -> Self {
        Self(DELAYS.map(|row| row.modelled))
    }

    /// The delay with this name.
    pub const fn get(&self, name: DelayName) -> Delay {
        self.0[name as usize]
    }

    /// Sets the delay with this name.
    pub const fn set(&mut self, name: DelayName, delay: Delay) {
        self.0[name as usize] = delay;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng;

    #[test]
    fn every_name_has_its_own_row_in_the_order_of_the_names() {
        for (index, row) in DELAYS.iter().enumerate() {
            assert_eq!(row.delay as usize, index, "{}", row.name);
        }
    }

    #[test]
    fn a_log_normal_delay_meets_both_of_its_percentiles() {
        let delay = ms(15, 80);
        let mut rng = rng::generator(1, "test", 0, "delay");
        let mut drawn: Vec<_> = (0..100_000)
            .map(|_| delay.draw(&mut rng).as_secs_f64() * 1e3)
            .collect();
        drawn.sort_by(f64::total_cmp);
        assert!((drawn[50_000] - 15.0).abs() < 0.3, "{}", drawn[50_000]);
        assert!((drawn[99_000] - 80.0).abs() < 4.0, "{}", drawn[99_000]);
    }
}
