//! Shard iterators: any text is refused as the service refuses it, and so is one of the engine's with a letter changed.

#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::operation::{CreateStream, IteratorPosition};
use streamgauge::kinesis::{ErrorCode, Limits, ShardId};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// An engine with a stream, and an iterator of it.
static ENGINE: LazyLock<(Account, String)> = LazyLock::new(|| {
    let account = Account::new(Settings {
        account_id: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        limits: Limits::off(),
        max_memory_bytes: u64::MAX,
    });
    let request = CreateStream {
        stream: "orders".parse().expect("a name"),
        shards: 1,
        max_record_bytes: 1 << 20,
    };
    account
        .create_stream(NOW, Duration::ZERO, &request)
        .expect("it is new");
    let shard = ShardId::new(0).expect("a small number");
    let iterator = account
        .get_shard_iterator(NOW, "orders", shard, IteratorPosition::TrimHorizon)
        .expect("it is there");
    (account, iterator)
});

fn refused(text: &str) {
    let (account, _) = &*ENGINE;
    let error = account
        .get_records(NOW, text, None)
        .expect_err("nobody was given this iterator");
    assert_eq!(error.code, ErrorCode::InvalidArgument, "{text}");
    assert_eq!(error.message, "Invalid ShardIterator.");
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (account, iterator) = &*ENGINE;
    let page = account.get_records(NOW, iterator, None);
    assert!(page.is_ok(), "it may be used again");
    let text = String::from_utf8_lossy(bytes);
    if text != *iterator {
        refused(&text);
    }
    if let [at, letter, ..] = bytes {
        let at = usize::from(*at) % iterator.len();
        let mut changed = iterator.clone().into_bytes();
        changed[at] = LETTERS[usize::from(*letter) % 64];
        let changed = String::from_utf8(changed).expect("letters");
        if changed != *iterator {
            refused(&changed);
        }
        refused(&iterator[..at]);
    }
});
