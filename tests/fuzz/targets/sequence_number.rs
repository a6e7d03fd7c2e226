//! Sequence numbers: text, bytes and parts lead to each other and back, and the order is that of numbers.

#![no_main]

use streamgauge::kinesis::sequence::{CREATED_S_LIMIT, ENDING_COUNTER, SequenceParts};
use streamgauge::kinesis::{SequenceNumber, ShardId};

fn check(number: SequenceNumber) {
    let text = number.to_string();
    assert_eq!(text.parse(), Ok(number));
    assert_eq!(SequenceNumber::from_be_bytes(number.to_be_bytes()), number);
    if let Some(parts) = number.decode() {
        assert_eq!(parts.encode(), number);
        assert_eq!(text.len(), 56, "{text}");
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(number) = text.parse::<SequenceNumber>() {
        assert_eq!(number.to_string(), text);
        check(number);
    }
    if let Some(first) = bytes.first_chunk::<24>() {
        let number = SequenceNumber::from_be_bytes(*first);
        check(number);
        if let Some(second) = bytes[24..].first_chunk::<24>() {
            let other = SequenceNumber::from_be_bytes(*second);
            let (one, two) = (number.to_string(), other.to_string());
            let order = one.len().cmp(&two.len()).then_with(|| one.cmp(&two));
            assert_eq!(number.cmp(&other), order);
        }
        let long = |at: usize| {
            let eight = first[at..].first_chunk().expect("24 bytes");
            u64::from_be_bytes(*eight)
        };
        let parts = SequenceParts {
            shard_created_s: long(0) % CREATED_S_LIMIT,
            shard: ShardId::new((long(8) >> 33) as u32).expect("31 bits"),
            counter: long(16) & ENDING_COUNTER,
            time_s: long(8) & 0xf_ffff_ffff,
        };
        assert_eq!(parts.encode().decode(), Some(parts));
        check(parts.encode());
    }
});
