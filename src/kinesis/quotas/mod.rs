//! The service's limits: one table of named settings, each with its rate, its capacity and its source.
//!
//! A rate is enforced as a token bucket that holds `capacity` and refills at `per_s`. AWS publishes the rates; the shape
//! of the bucket is the model that the KPL's own limiter and the large-records announcement (AWS Big Data Blog, October
//! 2025) suggest, so both numbers are settings.

mod caps;
mod rates;

pub use caps::{CAPS, CapName, CapRow};
pub use rates::{RATES, RateName, RateRow};

/// The most shards of a stream here, whatever the limits are: it keeps a slip of the finger from taking all memory. The
/// service has fewer.
pub const STREAM_SHARDS_MAX: u32 = 100_000;

/// One mebibyte.
const MIB: u64 = 1 << 20;

/// A token bucket's two numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// Tokens that come back per second, at least 1.
    pub per_s: u64,
    /// The most tokens it holds, at least 1.
    pub capacity: u64,
}

/// What one bucket is kept for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Each shard has its own.
    Shard,
    /// Each stream has its own.
    Stream,
    /// The account has one per region.
    Account,
}

/// The limits in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    rates: [Option<RateLimit>; RATES.len()],
    caps: [Option<u64>; CAPS.len()],
    /// Which rows were set, to whatever value: what a stream's own settings imply does not change these.
    rates_set: [bool; RATES.len()],
    caps_set: [bool; CAPS.len()],
}

impl Default for Limits {
    fn default() -> Self {
        Self::aws()
    }
}

impl Limits {
    /// What AWS enforces.
    pub fn aws() -> Self {
        Self {
            rates: RATES.map(|row| Some(row.aws)),
            caps: CAPS.map(|row| Some(row.aws)),
            rates_set: [false; RATES.len()],
            caps_set: [false; CAPS.len()],
        }
    }

    /// No rates and no quotas; the protocol's own sizes stay.
    pub fn off() -> Self {
        Self {
            rates: [None; RATES.len()],
            caps: CAPS.map(|row| (!row.lifted_when_off).then_some(row.aws)),
            rates_set: [false; RATES.len()],
            caps_set: [false; CAPS.len()],
        }
    }

    /// The bucket of a rate; `None` is without limit.
    pub const fn rate(&self, name: RateName) -> Option<RateLimit> {
        self.rates[name as usize]
    }

    /// Sets the bucket of a rate; `None` is without limit.
    pub const fn set_rate(&mut self, name: RateName, limit: Option<RateLimit>) {
        self.rates[name as usize] = limit;
        self.rates_set[name as usize] = true;
    }

    /// Whether the bucket of a rate was set, be it to what it was before.
    pub const fn is_rate_set(&self, name: RateName) -> bool {
        self.rates_set[name as usize]
    }

    /// A plain limit; `None` is without limit.
    pub const fn cap(&self, name: CapName) -> Option<u64> {
        self.caps[name as usize]
    }

    /// Sets a plain limit; `None` is without limit.
    pub const fn set_cap(&mut self, name: CapName, limit: Option<u64>) {
        self.caps[name as usize] = limit;
        self.caps_set[name as usize] = true;
    }

    /// Whether a plain limit was set, be it to what it was before.
    pub const fn is_cap_set(&self, name: CapName) -> bool {
        self.caps_set[name as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_own_row_in_the_order_of_the_names() {
        for (index, row) in RATES.iter().enumerate() {
            assert_eq!(row.rate as usize, index, "{}", row.name);
            assert!(!row.source.is_empty() && row.aws.per_s > 0 && row.aws.capacity > 0);
        }
        for (index, row) in CAPS.iter().enumerate() {
            assert_eq!(row.cap as usize, index, "{}", row.name);
        }
    }

    #[test]
    fn switching_limits_off_keeps_the_sizes_of_the_protocol() {
        let off = Limits::off();
        assert_eq!(off.rate(RateName::WriteRecords), None);
        assert_eq!(off.cap(CapName::Shards), None);
        assert_eq!(off.cap(CapName::UpdateShardCountFactor), None);
        assert_eq!(off.cap(CapName::RecordBytes), Some(MIB));
    }

    #[test]
    fn a_row_that_was_set_to_what_it_was_counts_as_set() {
        let mut limits = Limits::aws();
        assert!(!limits.is_rate_set(RateName::WriteBytes));
        assert!(!limits.is_cap_set(CapName::RecordBytes));
        limits.set_rate(RateName::WriteBytes, limits.rate(RateName::WriteBytes));
        limits.set_cap(CapName::RecordBytes, limits.cap(CapName::RecordBytes));
        assert!(limits.is_rate_set(RateName::WriteBytes));
        assert!(limits.is_cap_set(CapName::RecordBytes));
        assert!(!limits.is_rate_set(RateName::WriteRecords));
        assert!(!limits.is_cap_set(CapName::Shards));
    }
}
