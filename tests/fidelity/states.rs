//! What a stream in each of its states answers: one test per row of the table, every cell in it.

use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::engine::Account;
use streamgauge::kinesis::operation::{
    ConsumerSelector, ConsumerStatus, CreateStream, IteratorPosition, MergeShards,
    RecordDistribution, ShardFilter, ShardMetric, SplitShard, StreamMode, StreamOptions,
    StreamStatus, Tags,
};
use streamgauge::kinesis::record::PutEntry;
use streamgauge::kinesis::{ErrorCode, HashKey, KinesisError, Limits, PutBatch, ShardId};

use crate::messages::{
    ARN, CONSUMER_NOT_ACTIVE, Message, NO_SHARD_TO_READ, NO_STREAM, NOT_ACTIVE, engine, filled,
};
use crate::row::Standing::{Known, Unverified};
use crate::row::{Row, row};

pub(crate) const ROWS: &[Row] = &[
    row(
        "PutRecord, PutRecords",
        "ok in ACTIVE and UPDATING; in CREATING and DELETING the stream is not found",
        Known("kinesalite; the service model says that DELETING may still take records"),
        &["puts_pass_in_active_and_updating_and_find_no_stream_in_creating_and_deleting"],
    ),
    row(
        "GetShardIterator, GetRecords",
        "ok in ACTIVE, UPDATING and DELETING; in CREATING the shard does not exist",
        Known("kinesalite; service model"),
        &["readers_pass_in_every_state_but_creating_where_the_shard_does_not_exist"],
    ),
    row(
        "DescribeStream",
        "in CREATING no shards; in UPDATING the old map until the change is done; in DELETING shown until it is gone",
        Known("kinesalite; service model"),
        &[
            "a_description_shows_no_shards_in_creating_the_old_map_in_updating_and_deleting_until_it_is_gone",
        ],
    ),
    row(
        "DescribeStreamSummary",
        "in CREATING no open shards; otherwise as DescribeStream",
        Unverified("as DescribeStream shows it"),
        &[
            "a_description_shows_no_shards_in_creating_the_old_map_in_updating_and_deleting_until_it_is_gone",
        ],
    ),
    row(
        "ListShards",
        "ok in ACTIVE, UPDATING and DELETING; in CREATING ResourceInUse",
        Unverified("the service model lists ResourceInUse without saying when"),
        &["shards_are_listed_in_every_state_but_creating"],
    ),
    row(
        "SplitShard, MergeShards, UpdateShardCount",
        "ok in ACTIVE; otherwise ResourceInUse",
        Known("kinesalite; service model"),
        &["shards_are_changed_in_active_alone"],
    ),
    row(
        "retention, encryption, monitoring, mode, record size, warm throughput, distribution",
        "ok in ACTIVE; otherwise ResourceInUse",
        Unverified("documented for CREATING and DELETING; UPDATING is the likely reading"),
        &["settings_are_changed_in_active_alone"],
    ),
    row(
        "DeleteStream",
        "ok in ACTIVE and UPDATING; in CREATING and DELETING ResourceInUse",
        Unverified("the API reference says that a stream must be ACTIVE"),
        &["a_stream_is_deleted_in_active_and_updating"],
    ),
    row(
        "tags",
        "listed in every state; added and removed in all but CREATING, where ResourceInUse",
        Unverified("documented for CREATING, without its error"),
        &["tags_are_taken_in_every_state_but_creating"],
    ),
    row(
        "RegisterStreamConsumer",
        "ok in ACTIVE and UPDATING; in CREATING and DELETING ResourceInUse",
        Unverified("the service model lists ResourceInUse without saying when"),
        &["consumers_are_registered_in_active_and_updating"],
    ),
    row(
        "what makes a stream UPDATING",
        "split, merge, UpdateShardCount, mode, encryption, warm throughput; neither retention nor tags",
        Known("service model; kinesalite for retention and tags"),
        &["six_calls_make_a_stream_updating_and_retention_and_tags_do_not"],
    ),
    row(
        "consumers",
        "CREATING, ACTIVE, DELETING; SubscribeToShard needs ACTIVE",
        Known("service model; kinesis-hot-shard-advisor issue 37"),
        &["a_consumer_subscribes_in_active_alone"],
    ),
];

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const AT_ONCE: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_mins(1);
const FIRST: &str = "shardId-000000000000";
const STATES: [StreamStatus; 4] = [
    StreamStatus::Creating,
    StreamStatus::Active,
    StreamStatus::Updating,
    StreamStatus::Deleting,
];

fn id(number: u32) -> ShardId {
    ShardId::new(number).expect("a small number")
}

fn split() -> SplitShard {
    SplitShard {
        shard: id(0),
        new_starting_hash_key: HashKey(1 << 100),
    }
}

/// An engine whose stream `s` of two shards is in this state for a minute.
fn stream_in(status: StreamStatus) -> Account {
    let account = engine(Limits::off());
    let takes = if status == StreamStatus::Creating {
        LONG
    } else {
        AT_ONCE
    };
    let request = CreateStream {
        stream: "s".parse().expect("a name"),
        shards: 2,
        max_record_bytes: 1 << 20,
    };
    account
        .create_stream(NOW, takes, &request)
        .expect("it is new");
    let changed = match status {
        StreamStatus::Updating => account.split_shard(NOW, LONG, "s", split()),
        StreamStatus::Deleting => account.delete_stream(NOW, LONG, "s"),
        StreamStatus::Creating | StreamStatus::Active => Ok(()),
    };
    changed.expect("it is ACTIVE");
    assert_eq!(status_of(&account, NOW), status);
    account
}

fn status_of(account: &Account, now: Timestamp) -> StreamStatus {
    let summary = account.describe_stream_summary(now, "s");
    summary.expect("it is there").status
}

/// Compares an outcome in a state with what is expected there: nothing, or a text.
#[track_caller]
fn is(status: StreamStatus, outcome: Result<(), KinesisError>, expected: Option<&Message>) {
    let got = outcome.map_err(|error| (error.code.as_str(), error.message));
    let values = [("STATE", status.as_str()), ("H", FIRST)];
    let expected = expected.map(|message| (message.code, filled(message, &values)));
    assert_eq!(got.err(), expected, "in {}", status.as_str());
}

fn in_states(call: impl Fn(&Account) -> Result<(), KinesisError>, expected: [Option<&Message>; 4]) {
    for (status, expected) in STATES.into_iter().zip(expected) {
        is(status, call(&stream_in(status)), expected);
    }
}

const ENTRY: PutEntry<'_> = PutEntry {
    partition_key: "k",
    data: b"x",
    explicit_hash_key: None,
};

#[test]
fn puts_pass_in_active_and_updating_and_find_no_stream_in_creating_and_deleting() {
    let expected = [Some(&NO_STREAM), None, None, Some(&NO_STREAM)];
    let one = |account: &Account| {
        let stored = account.put_record(NOW, AT_ONCE, "s", &ENTRY, None);
        stored.map(|stored| assert!(stored.shard.number() < 2, "not yet in a child"))
    };
    in_states(one, expected);
    let batch = |account: &Account| {
        let mut batch = PutBatch::new();
        batch.push(ENTRY);
        let mut results = Vec::new();
        account.put_records(NOW, AT_ONCE, "s", &batch, &mut results)?;
        assert!(results[0].is_ok());
        Ok(())
    };
    in_states(batch, expected);
}

#[test]
fn readers_pass_in_every_state_but_creating_where_the_shard_does_not_exist() {
    let read = |account: &Account| {
        let from = IteratorPosition::TrimHorizon;
        let iterator = account.get_shard_iterator(NOW, "s", id(0), from)?;
        account.get_records(NOW, &iterator, None).map(|_| ())
    };
    in_states(read, [Some(&NO_SHARD_TO_READ), None, None, None]);
}

#[test]
fn a_description_shows_no_shards_in_creating_the_old_map_in_updating_and_deleting_until_it_is_gone()
{
    for (status, shards, later) in [
        (StreamStatus::Creating, 0, Some(2)),
        (StreamStatus::Active, 2, Some(2)),
        (StreamStatus::Updating, 2, Some(4)),
        (StreamStatus::Deleting, 2, None),
    ] {
        let account = stream_in(status);
        let shown = |now| {
            let description = account.describe_stream(now, "s", None, None)?;
            Ok::<_, KinesisError>((description.status, description.shards.len()))
        };
        assert_eq!(shown(NOW), Ok((status, shards)));
        let open = account
            .describe_stream_summary(NOW, "s")
            .expect("it is there")
            .open_shards;
        assert_eq!(open as usize, shards);
        let before = NOW.plus(LONG.saturating_sub(Duration::from_nanos(1)));
        assert_eq!(shown(before), Ok((status, shards)));
        match later {
            Some(count) => {
                assert_eq!(shown(NOW.plus(LONG)), Ok((StreamStatus::Active, count)));
            }
            None => is(status, shown(NOW.plus(LONG)).map(|_| ()), Some(&NO_STREAM)),
        }
    }
}

#[test]
fn shards_are_listed_in_every_state_but_creating() {
    let list = |account: &Account| {
        let listed = account.list_shards(NOW, "s", ShardFilter::default(), None, None);
        listed.map(|(shards, _)| assert_eq!(shards.len(), 2))
    };
    in_states(list, [Some(&NOT_ACTIVE), None, None, None]);
}

const IN_ACTIVE_ALONE: [Option<&Message>; 4] = [
    Some(&NOT_ACTIVE),
    None,
    Some(&NOT_ACTIVE),
    Some(&NOT_ACTIVE),
];

#[test]
fn shards_are_changed_in_active_alone() {
    in_states(
        |account| account.split_shard(NOW, AT_ONCE, "s", split()),
        IN_ACTIVE_ALONE,
    );
    let merge = MergeShards {
        shard: id(0),
        adjacent: id(1),
    };
    in_states(
        |account| account.merge_shards(NOW, AT_ONCE, "s", merge),
        IN_ACTIVE_ALONE,
    );
    in_states(
        |account| account.update_shard_count(NOW, AT_ONCE, "s", 4).map(|_| ()),
        IN_ACTIVE_ALONE,
    );
}

#[test]
fn settings_are_changed_in_active_alone() {
    type Change = fn(&Account) -> Result<(), KinesisError>;
    let changes: [Change; 9] = [
        |a| a.increase_retention(NOW, "s", 48),
        |a| a.decrease_retention(NOW, "s", 24),
        |a| a.start_stream_encryption(NOW, AT_ONCE, "s", "key"),
        |a| a.stop_stream_encryption(NOW, AT_ONCE, "s"),
        |a| {
            a.enable_enhanced_monitoring(NOW, "s", &ShardMetric::ALL)
                .map(|_| ())
        },
        |a| {
            a.disable_enhanced_monitoring(NOW, "s", &ShardMetric::ALL)
                .map(|_| ())
        },
        |a| a.update_stream_mode(NOW, AT_ONCE, "s", StreamMode::OnDemand, None),
        |a| a.update_max_record_size(NOW, "s", 2 << 20),
        |a| {
            let kind = RecordDistribution::UserPartitionKey;
            a.update_stream_record_distribution_strategy(NOW, "s", kind)
        },
    ];
    for change in changes {
        in_states(change, IN_ACTIVE_ALONE);
    }
    // Warm throughput is for on-demand streams, so that a provisioned one in ACTIVE has another answer.
    for status in STATES {
        let account = stream_in(status);
        let warm = account.update_stream_warm_throughput(NOW, AT_ONCE, "s", 0);
        let code = if status == StreamStatus::Active {
            ErrorCode::Validation
        } else {
            ErrorCode::ResourceInUse
        };
        assert_eq!(warm.expect_err("refused").code, code);
    }
}

#[test]
fn a_stream_is_deleted_in_active_and_updating() {
    in_states(
        |account| account.delete_stream(NOW, AT_ONCE, "s"),
        [Some(&NOT_ACTIVE), None, None, Some(&NOT_ACTIVE)],
    );
}

#[test]
fn tags_are_taken_in_every_state_but_creating() {
    let tags = Tags::from([("a".to_owned(), "1".to_owned())]);
    let keys = ["a".to_owned()];
    let but_creating = [Some(&NOT_ACTIVE), None, None, None];
    in_states(
        |account| {
            account.add_tags_to_stream(NOW, "s", &tags)?;
            let listed = account.list_tags_for_stream(NOW, "s", None, None)?;
            assert_eq!(listed.tags.len(), 1);
            Ok(())
        },
        but_creating,
    );
    let remove = |account: &Account| account.remove_tags_from_stream(NOW, "s", &keys);
    in_states(remove, but_creating);
    in_states(
        |account| account.tag_resource(NOW, ARN, &tags),
        but_creating,
    );
    let untag = |account: &Account| account.untag_resource(NOW, ARN, &keys);
    in_states(untag, but_creating);
    let list = |account: &Account| {
        let listed = account.list_tags_for_stream(NOW, "s", None, None)?;
        assert_eq!(listed.tags.len(), 0);
        account.list_tags_for_resource(NOW, ARN).map(|_| ())
    };
    in_states(list, [None; 4]);
}

#[test]
fn consumers_are_registered_in_active_and_updating() {
    let name = "c".parse().expect("a name");
    in_states(
        |account| {
            account
                .register_stream_consumer(NOW, AT_ONCE, "s", &name, &Tags::new())
                .map(|_| ())
        },
        [Some(&NOT_ACTIVE), None, None, Some(&NOT_ACTIVE)],
    );
}

#[test]
fn six_calls_make_a_stream_updating_and_retention_and_tags_do_not() {
    type Change = fn(&Account) -> Result<(), KinesisError>;
    let changes: [(Change, StreamStatus); 7] = [
        (
            |a| a.split_shard(NOW, LONG, "s", split()),
            StreamStatus::Updating,
        ),
        (
            |a| {
                let merge = MergeShards {
                    shard: id(0),
                    adjacent: id(1),
                };
                a.merge_shards(NOW, LONG, "s", merge)
            },
            StreamStatus::Updating,
        ),
        (
            |a| a.update_shard_count(NOW, LONG, "s", 4).map(|_| ()),
            StreamStatus::Updating,
        ),
        (
            |a| a.update_stream_mode(NOW, LONG, "s", StreamMode::OnDemand, None),
            StreamStatus::Updating,
        ),
        (
            |a| a.start_stream_encryption(NOW, LONG, "s", "key"),
            StreamStatus::Updating,
        ),
        (|a| a.increase_retention(NOW, "s", 48), StreamStatus::Active),
        (
            |a| a.add_tags_to_stream(NOW, "s", &Tags::from([("a".to_owned(), String::new())])),
            StreamStatus::Active,
        ),
    ];
    for (change, status) in changes {
        let account = stream_in(StreamStatus::Active);
        change(&account).expect("it is ACTIVE");
        assert_eq!(status_of(&account, NOW), status);
        assert_eq!(status_of(&account, NOW.plus(LONG)), StreamStatus::Active);
    }
    let account = engine(Limits::off());
    let (name, options) = ("s".parse().expect("a name"), StreamOptions::default());
    account
        .create_stream_with(NOW, AT_ONCE, &name, &options)
        .expect("it is new");
    account
        .update_account_settings(NOW, true)
        .expect("no limits");
    account
        .update_stream_warm_throughput(NOW, LONG, "s", 8)
        .expect("it may");
    assert_eq!(status_of(&account, NOW), StreamStatus::Updating);
}

#[test]
fn a_consumer_subscribes_in_active_alone() {
    let account = stream_in(StreamStatus::Active);
    let name = "c".parse().expect("a name");
    let made = account
        .register_stream_consumer(NOW, LONG, "s", &name, &Tags::new())
        .expect("it is new");
    let arn = made.arn.to_string();
    let look = |now| {
        let selector = ConsumerSelector::Arn(&made.arn);
        let seen = account.describe_stream_consumer(now, selector);
        let from = IteratorPosition::Latest;
        let subscribed = account.subscribe_to_shard(now, &arn, id(0), from);
        let text = subscribed.map(|_| ()).map_err(|error| error.message);
        (seen.map(|seen| seen.status).map_err(|e| e.code), text)
    };
    let refused = || {
        let values = [("N", "c"), ("T", "1700000000")];
        Err(filled(&CONSUMER_NOT_ACTIVE, &values))
    };
    assert_eq!(look(NOW), (Ok(ConsumerStatus::Creating), refused()));
    let active = NOW.plus(LONG);
    assert_eq!(look(active), (Ok(ConsumerStatus::Active), Ok(())));
    let selector = ConsumerSelector::Arn(&made.arn);
    account
        .deregister_stream_consumer(active, LONG, selector)
        .expect("it is ACTIVE");
    assert_eq!(look(active), (Ok(ConsumerStatus::Deleting), refused()));
    let (gone, _) = look(active.plus(LONG));
    assert_eq!(gone, Err(ErrorCode::ResourceNotFound));
}
