//! What a setting is when the file does not say: one table, each default a function that the declared structures name.
//!
//! Some defaults follow from other settings and are filled in by [`super::draft`]: the stream of a producer, consumer or
//! event (the only one), `max_records` (1 for put-record), the place of the stamp, what is taken of a file, the ends of
//! normal and log-normal sizes (what the stamp and the payload need, and six standard deviations), and where a consumer
//! begins (at the oldest record of what the scenario writes).

use super::quantity::{BytesText, DurationText, KeyText, LevelText, Quantity, StartText, Text};
use super::schema::{
    AggregateSetting, Interpolation, KeyOrder, Modulation, Ordering, PayloadKind, PutApi,
    RateLimitSetting, Retry, RetryOf, ShardShareBy, StreamMode, WaitUntil,
};
use super::tables::{LatencyName, LatencySetting, LimitsName, LimitsSetting, OffWord};

/// Bytes of the stamp; a stamped record is no smaller.
pub(super) const STAMP_BYTES: u64 = 36;
/// Bytes of the stamp as a member, `,"_sg":"` and its 36 bytes as base64 and `"`.
pub(super) const STAMP_FIELD_BYTES: u64 = 57;
/// Bytes of an empty member that pads, `,"_pad":""`.
pub(super) const PAD_BYTES: u64 = 10;
/// `send.max_records` of put-records.
pub(super) const PUT_RECORDS_MAX_RECORDS: u32 = 500;

fn text<Q: Quantity>(text: &str) -> Text<Q> {
    Text::new(text).expect("each default of this file is a text that parses, as its tests show")
}

pub(super) fn seed() -> u64 {
    1
}

pub(super) fn warm_up() -> DurationText {
    text("2s")
}

pub(super) fn drain() -> DurationText {
    text("10s")
}

pub(super) fn mode() -> StreamMode {
    StreamMode::Provisioned
}

pub(super) fn retention() -> DurationText {
    text("24h")
}

pub(super) fn max_record_bytes() -> BytesText {
    text("1MiB")
}

pub(super) fn limits() -> LimitsSetting {
    LimitsSetting::Named(LimitsName::Aws)
}

pub(super) fn latency() -> LatencySetting {
    LatencySetting::Named(LatencyName::None)
}

pub(super) fn max_memory() -> BytesText {
    text("2GiB")
}

pub(super) fn workers() -> u32 {
    1
}

pub(super) fn no_rate() -> LevelText {
    text("0/s")
}

pub(super) fn modulation() -> Modulation {
    Modulation::Fixed
}

pub(super) fn interpolation() -> Interpolation {
    Interpolation::Steps
}

pub(super) fn speed_up() -> f64 {
    1.0
}

pub(super) fn latest_exponent() -> f64 {
    0.99
}

pub(super) fn new_share() -> f64 {
    0.05
}

pub(super) fn key_order() -> KeyOrder {
    KeyOrder::Random
}

pub(super) fn shard_share_by() -> ShardShareBy {
    ShardShareBy::Keys
}

pub(super) fn shard_share_population() -> u64 {
    16
}

pub(super) fn key_format() -> KeyText {
    text("key-{}")
}

pub(super) fn payload_kind() -> PayloadKind {
    PayloadKind::Random
}

pub(super) fn api() -> PutApi {
    PutApi::PutRecords
}

pub(super) fn max_bytes() -> BytesText {
    text("5MiB")
}

pub(super) fn linger() -> DurationText {
    text("20ms")
}

pub(super) fn max_in_flight() -> u32 {
    32
}

pub(super) fn timeout() -> DurationText {
    text("5s")
}

pub(super) fn ordering() -> Ordering {
    Ordering::None
}

pub(super) fn max_queued() -> u32 {
    100_000
}

pub(super) fn rate_limit() -> RateLimitSetting {
    RateLimitSetting::Off(OffWord::Off)
}

pub(super) fn aggregate() -> AggregateSetting {
    AggregateSetting::Off(OffWord::Off)
}

/// AggregationMaxCount of the KPL, which is none.
pub(super) fn aggregate_max_records() -> u32 {
    u32::MAX
}

/// AggregationMaxSize of the KPL.
pub(super) fn aggregate_max_bytes() -> BytesText {
    text("51200B")
}

/// RecordMaxBufferedTime of the KPL.
pub(super) fn aggregate_linger() -> DurationText {
    text("100ms")
}

pub(super) fn retry() -> Retry {
    Retry::FullJitter {
        attempts: attempts(),
        base: retry_base(),
        cap: retry_cap(),
        of: retry_of(),
        ttl: None,
    }
}

pub(super) fn retry_of() -> RetryOf {
    RetryOf::Record
}

pub(super) fn attempts() -> u32 {
    5
}

pub(super) fn retry_base() -> DurationText {
    text("50ms")
}

pub(super) fn retry_cap() -> DurationText {
    text("2s")
}

pub(super) fn poll_interval() -> DurationText {
    text("250ms")
}

pub(super) fn poll_max_records() -> u32 {
    10_000
}

pub(super) fn poll_backoff() -> DurationText {
    text("250ms")
}

/// What others wrote before is not what a reader comes to see.
pub(super) fn start(others_write: bool) -> StartText {
    text(if others_write {
        "latest"
    } else {
        "trim-horizon"
    })
}

/// The share that a throttle storm refuses.
pub(super) fn storm_share() -> f64 {
    1.0
}

/// Shards of a script's stream.
pub(super) fn script_shards() -> u32 {
    1
}

/// What a script's `wait` waits for.
pub(super) fn wait_until() -> WaitUntil {
    WaitUntil::Active
}

pub(super) fn limits_base() -> LimitsName {
    LimitsName::Aws
}

pub(super) fn latency_base() -> LatencyName {
    LatencyName::None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_that_is_a_text_parses() {
        for duration in [
            warm_up(),
            drain(),
            retention(),
            linger(),
            timeout(),
            retry_base(),
            retry_cap(),
            poll_interval(),
            poll_backoff(),
            aggregate_linger(),
        ] {
            assert!(!duration.value.is_zero(), "{duration}");
        }
        for bytes in [
            max_record_bytes(),
            max_memory(),
            max_bytes(),
            aggregate_max_bytes(),
        ] {
            assert!(bytes.value > 0, "{bytes}");
        }
        assert_eq!(key_format().value.0, "key-");
        assert_eq!(start(false).to_string(), "trim-horizon");
        assert_eq!(start(true).to_string(), "latest");
    }
}
