//! Aggregated records: any bytes are taken without a panic, and what is taken packs into data that reads the same.

#![no_main]

use md5::{Digest as _, Md5};
use streamgauge::kinesis::aggregate::{decode, encode};

fn check(data: &[u8]) {
    let Some(aggregate) = decode(data) else { return };
    let mut again = Vec::new();
    encode(aggregate.iter(), &mut again);
    match decode(&again) {
        None => assert!(aggregate.is_empty()),
        Some(back) => {
            let same = back.iter().zip(aggregate.iter()).all(|(a, b)| {
                a.partition_key == b.partition_key
                    && a.data == b.data
                    && a.explicit_hash_key == b.explicit_hash_key
            });
            assert!(same && back.len() == aggregate.len());
        }
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // With its magic number and its checksum right, so that the message is looked at.
    let mut data = vec![0xf3, 0x89, 0x9a, 0xc2];
    data.extend_from_slice(bytes);
    data.extend_from_slice(&Md5::digest(bytes));
    check(&data);
});
