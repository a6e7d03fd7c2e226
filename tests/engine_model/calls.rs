//! Calls, as they are drawn.

use proptest::prelude::*;

use crate::{DAY, SECOND};

/// One call. Shards are picked modulo how many there are.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Put {
        key: u8,
        bytes: usize,
        hide: u64,
    },
    PutRecords {
        key: u8,
        records: usize,
        bytes: usize,
    },
    Read {
        shard: usize,
        from: From,
        limit: u32,
    },
    Split {
        shard: usize,
        at: u8,
        takes: u64,
    },
    Merge {
        shard: usize,
        takes: u64,
    },
    Update {
        target: u32,
    },
    Retention {
        hours: u32,
    },
    Tag {
        key: u8,
        value: u8,
    },
    Untag {
        key: u8,
    },
    Monitor {
        metrics: u8,
        on: bool,
    },
    Encrypt {
        on: bool,
        takes: u64,
    },
    Mode {
        on_demand: bool,
        takes: u64,
    },
    RecordSize {
        mib: u64,
    },
    /// Puts a policy, or deletes it.
    Policy {
        number: Option<u8>,
    },
    Register {
        name: u8,
        takes: u64,
    },
    Deregister {
        name: u8,
        takes: u64,
    },
    Subscribe {
        name: u8,
        shard: usize,
        from: From,
    },
    /// Polls a subscription, counted from the newest.
    Poll {
        back: usize,
    },
    Delete {
        takes: u64,
        enforce: bool,
    },
    Wait {
        nanos: u64,
    },
    /// Time steps back.
    Back {
        nanos: u64,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum From {
    TrimHorizon,
    Latest,
    At(u64),
    After(u64),
    Time { ago: u64 },
}

pub(crate) fn calls() -> impl Strategy<Value = Vec<Call>> {
    let bytes = prop_oneof![
        16 => 0usize..2_000,
        8 => 100_000usize..500_000,
        1 => 1_048_570usize..3_200_000,
    ];
    let from = prop_oneof![
        3 => Just(From::TrimHorizon),
        1 => Just(From::Latest),
        2 => (0u64..40).prop_map(From::At),
        2 => (0u64..40).prop_map(From::After),
        1 => (0..5 * SECOND).prop_map(|ago| From::Time { ago }),
    ];
    let takes = prop_oneof![Just(0u64), 1..5 * SECOND];
    let call = prop_oneof![
        8 => (any::<u8>(), bytes.clone(), prop_oneof![3 => Just(0u64), 1 => 1..3 * SECOND])
            .prop_map(|(key, bytes, hide)| Call::Put { key, bytes, hide }),
        3 => (any::<u8>(), 1usize..500, 0usize..300)
            .prop_map(|(key, records, bytes)| Call::PutRecords { key, records, bytes }),
        8 => (any::<usize>(), from.clone(), prop_oneof![1u32..20, Just(10_000)])
            .prop_map(|(shard, from, limit)| Call::Read { shard, from, limit }),
        6 => settings(),
        8 => consumers(from),
        1 => (any::<usize>(), any::<u8>(), takes.clone())
            .prop_map(|(shard, at, takes)| Call::Split { shard, at, takes }),
        1 => (any::<usize>(), takes.clone()).prop_map(|(shard, takes)| Call::Merge { shard, takes }),
        1 => (1u32..6).prop_map(|target| Call::Update { target }),
        1 => (24u32..60).prop_map(|hours| Call::Retention { hours }),
        1 => (takes, any::<bool>()).prop_map(|(takes, enforce)| Call::Delete { takes, enforce }),
        7 => prop_oneof![12 => 0..3 * SECOND, 4 => Just(5 * SECOND), 1 => 0..DAY].prop_map(|nanos| Call::Wait { nanos }),
        1 => (0..2 * SECOND).prop_map(|nanos| Call::Back { nanos }),
    ];
    prop::collection::vec(call, 1..200)
}

fn takes() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0u64), 1..5 * SECOND]
}

fn settings() -> impl Strategy<Value = Call> {
    prop_oneof![
        (0u8..6, any::<u8>()).prop_map(|(key, value)| Call::Tag { key, value }),
        (0u8..6).prop_map(|key| Call::Untag { key }),
        (any::<u8>(), any::<bool>()).prop_map(|(metrics, on)| Call::Monitor { metrics, on }),
        (any::<bool>(), takes()).prop_map(|(on, takes)| Call::Encrypt { on, takes }),
        (any::<bool>(), takes()).prop_map(|(on_demand, takes)| Call::Mode { on_demand, takes }),
        (0u64..12).prop_map(|mib| Call::RecordSize { mib }),
        prop::option::of(any::<u8>()).prop_map(|number| Call::Policy { number }),
    ]
}

fn consumers(from: impl Strategy<Value = From>) -> impl Strategy<Value = Call> {
    prop_oneof![
        3 => (0u8..5, takes()).prop_map(|(name, takes)| Call::Register { name, takes }),
        1 => (0u8..5, takes()).prop_map(|(name, takes)| Call::Deregister { name, takes }),
        4 => (0u8..3, 0usize..3, from)
            .prop_map(|(name, shard, from)| Call::Subscribe { name, shard, from }),
        8 => (0usize..4).prop_map(|back| Call::Poll { back }),
    ]
}
