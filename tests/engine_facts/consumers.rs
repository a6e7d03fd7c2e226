//! What is known of registered consumers and their subscriptions.

use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::engine::{Account, DryRun};
use streamgauge::kinesis::operation::{
    ConsumerSelector, ConsumerStatus, End, IteratorPosition, SubscriptionId, SubscriptionPoll, Tags,
};
use streamgauge::kinesis::quotas::RateName;
use streamgauge::kinesis::{Cause, ErrorCode, KinesisError, Limits};

use crate::{AT_ONCE, STREAM, assert_refused, at, id, put, read_from, split, with_stream};

fn register(account: &Account, ms: u64, name: &str) -> Result<String, KinesisError> {
    let name = name.parse().expect("a valid name");
    account
        .register_stream_consumer(at(ms), AT_ONCE, STREAM, &name, &Tags::new())
        .map(|consumer| consumer.arn.to_string())
}

fn subscribe(account: &Account, ms: u64, arn: &str) -> Result<SubscriptionId, KinesisError> {
    account.subscribe_to_shard(at(ms), arn, id(0), IteratorPosition::TrimHorizon)
}

fn poll(account: &Account, now: Timestamp, id: SubscriptionId) -> SubscriptionPoll {
    account.poll_subscription(now, id)
}

/// An account with a stream of one shard and one ACTIVE consumer, and the consumer's ARN.
fn with_consumer(limits: Limits) -> (Account, String) {
    let account = with_stream(limits, 1);
    let arn = register(&account, 0, "billing").expect("the first consumer");
    (account, arn)
}

#[test]
fn a_consumer_is_creating_then_active_and_its_arn_holds_its_creation_second() {
    let account = with_stream(Limits::aws(), 1);
    let name = "billing".parse().unwrap();
    let takes = Duration::from_secs(3);
    let new = account
        .register_stream_consumer(at(500), takes, STREAM, &name, &Tags::new())
        .unwrap();
    let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/billing:1700000000";
    assert_eq!(
        (new.arn.to_string(), new.status),
        (arn.to_owned(), ConsumerStatus::Creating)
    );
    assert_refused(
        subscribe(&account, 3_499, arn),
        ErrorCode::ResourceInUse,
        "Consumer billing with creation timestamp 1700000000 under stream: orders , account 123456789012 is not in \
         ACTIVE status.",
    );
    assert!(account.put_resource_policy(at(3_499), arn, "{}").is_err());
    account.put_resource_policy(at(3_500), arn, "{}").unwrap();
    assert_eq!(account.get_resource_policy(at(3_500), arn).unwrap(), "{}");
    let selector = ConsumerSelector::Name {
        stream: STREAM,
        consumer: "billing",
    };
    let seen = account
        .describe_stream_consumer(at(3_500), selector)
        .unwrap();
    assert_eq!(
        (seen.arn, seen.status),
        (new.arn.clone(), ConsumerStatus::Active)
    );
    let taken = register(&account, 4_000, "billing").unwrap_err();
    assert_eq!(taken.code, ErrorCode::ResourceInUse);
    // Gone and back within its second: its ARN is another.
    let selector = ConsumerSelector::Arn(&new.arn);
    account
        .deregister_stream_consumer(at(900), AT_ONCE, selector)
        .unwrap();
    let again = register(&account, 900, "billing").unwrap();
    assert!(again.ends_with(":1700000001"), "{again}");
    let gone = account.describe_stream_consumer(at(900), selector);
    assert_eq!(gone.unwrap_err().code, ErrorCode::ResourceNotFound);
}

#[test]
fn a_stream_has_20_consumers_and_50_with_advantage_and_five_in_creation() {
    let account = with_stream(Limits::aws(), 1);
    let slow = |ms, name: &str| {
        let name = name.parse().unwrap();
        let takes = Duration::from_secs(10);
        account.register_stream_consumer(at(ms), takes, STREAM, &name, &Tags::new())
    };
    for number in 0..5 {
        slow(number * 200, &format!("c{number}")).unwrap();
    }
    let refused = slow(1_000, "c5").unwrap_err();
    assert_eq!(
        (refused.code, refused.cause),
        (ErrorCode::LimitExceeded, Some(Cause::AccountQuota))
    );
    for number in 5..20 {
        register(&account, 20_000 + number * 200, &format!("c{number}")).unwrap();
    }
    let refused = register(&account, 30_000, "c20").unwrap_err();
    assert_eq!(refused.cause, Some(Cause::AccountQuota));
    account.update_account_settings(at(30_000), true).unwrap();
    register(&account, 31_000, "c20").unwrap();
    let (page, more) = account
        .list_stream_consumers(at(40_000), STREAM, Some(2), Some("c1"))
        .unwrap();
    let names: Vec<_> = page.iter().map(|c| c.arn.consumer.as_str()).collect();
    assert_eq!((names, more), (vec!["c10", "c11"], true));
    let summary = account.describe_stream_summary(at(40_000), STREAM).unwrap();
    assert_eq!(summary.consumers, 21);
}

#[test]
fn a_stream_with_consumers_is_deleted_only_when_that_is_enforced() {
    let (account, arn) = with_consumer(Limits::aws());
    let subscription = subscribe(&account, 0, &arn).unwrap();
    assert_refused(
        account.delete_stream(at(0), AT_ONCE, STREAM),
        ErrorCode::ResourceInUse,
        "DeleteStream can't delete 123456789012:orders because there are consumers associated with this data stream. To \
         delete 123456789012:orders anyway, set the EnforceConsumerDeletion parameter to true to force the deletion of \
         all the consumers that are associated with it.",
    );
    account
        .delete_stream_with(at(0), AT_ONCE, STREAM, true)
        .unwrap();
    assert_eq!(
        poll(&account, at(1), subscription).ended,
        Some(End::StreamDeleted)
    );
    assert_eq!(poll(&account, at(1), subscription).ended, Some(End::Closed));
}

#[test]
fn a_second_subscription_within_5_s_is_refused_and_a_later_one_takes_over() {
    let (account, arn) = with_consumer(Limits::aws());
    let first = subscribe(&account, 0, &arn).unwrap();
    assert_refused(
        subscribe(&account, 4_999, &arn),
        ErrorCode::ResourceInUse,
        "Another active subscription exists for this consumer: 123456789012:orders:shardId-000000000000:billing",
    );
    assert_eq!(poll(&account, at(4_999), first).ended, None);
    let second = subscribe(&account, 5_000, &arn).unwrap();
    assert_eq!(poll(&account, at(5_000), first).ended, Some(End::TakenOver));
    assert_eq!(poll(&account, at(5_000), second).ended, None);
}

#[test]
fn a_subscription_ends_after_five_minutes_or_with_its_consumer() {
    let (account, arn) = with_consumer(Limits::aws());
    let first = subscribe(&account, 0, &arn).unwrap();
    let last = poll(&account, at(299_999), first);
    assert_eq!(last.next_poll, Some(at(300_000)));
    assert_eq!(poll(&account, at(300_000), first).ended, Some(End::Expired));
    let second = subscribe(&account, 300_000, &arn).unwrap();
    let arn = arn.parse().unwrap();
    account
        .deregister_stream_consumer(at(300_001), AT_ONCE, ConsumerSelector::Arn(&arn))
        .unwrap();
    assert_eq!(
        poll(&account, at(300_002), second).ended,
        Some(End::ConsumerDeleted)
    );
}

#[test]
fn idle_subscriptions_get_an_empty_event_every_5_s_and_its_continuation_loses_nothing() {
    let (account, arn) = with_consumer(Limits::aws());
    let subscription = subscribe(&account, 0, &arn).unwrap();
    let early = poll(&account, at(1_000), subscription);
    assert!(early.event.is_none());
    assert_eq!(early.next_poll, Some(at(5_000)));
    let idle = poll(&account, at(5_000), subscription).event.unwrap();
    assert!(idle.records.is_empty());
    let later = poll(&account, at(10_000), subscription).event.unwrap();
    assert!(later.continuation > idle.continuation);
    let stored = put(&account, at(10_001), b"x").unwrap().sequence_number;
    let event = poll(&account, at(10_001), subscription).event.unwrap();
    assert_eq!(event.records.iter().next().unwrap().sequence_number, stored);
    assert_eq!(event.continuation, Some(stored));
    let from = IteratorPosition::AfterSequenceNumber(later.continuation.unwrap());
    let page = read_from(&account, at(10_002), 0, from);
    assert_eq!(page.records.iter().next().unwrap().sequence_number, stored);
}

#[test]
fn a_subscription_is_given_2_mib_per_s_beside_other_readers() {
    let mut limits = Limits::off();
    let rate = Limits::aws().rate(RateName::SubscriptionBytes);
    limits.set_rate(RateName::SubscriptionBytes, rate);
    let (account, arn) = with_consumer(limits);
    let data = vec![7; 100 * 1_024];
    for _ in 0..300 {
        put(&account, at(0), &data).unwrap();
    }
    let subscription = subscribe(&account, 0, &arn).unwrap();
    let (mut now, mut bytes) = (at(0), 0);
    while now < at(10_000) {
        let got = poll(&account, now, subscription);
        assert_eq!(got.ended, None);
        if let Some(event) = got.event {
            bytes += event.records.iter().map(|r| r.data.len()).sum::<usize>();
        }
        now = got.next_poll.unwrap().max(now);
    }
    // Its bucket's 2 MiB, then 2 MiB in each second, and the last event may overdraw it.
    let mib = bytes as f64 / f64::from(1 << 20);
    assert!((21.0..=23.0).contains(&mib), "{mib}");
}

#[test]
fn the_end_of_a_shard_has_children_and_no_continuation_and_closes_the_subscription() {
    let (account, arn) = with_consumer(Limits::aws());
    put(&account, at(0), b"x").unwrap();
    let subscription = subscribe(&account, 0, &arn).unwrap();
    split(&account, at(10), AT_ONCE, 0).unwrap();
    let last = poll(&account, at(20), subscription);
    let event = last.event.unwrap();
    assert_eq!((event.records.len(), event.continuation), (1, None));
    let children: Vec<_> = event.child_shards.iter().map(|c| c.shard).collect();
    assert_eq!(children, [id(1), id(2)]);
    assert_eq!((last.next_poll, last.ended), (None, Some(End::ShardEnd)));
}

#[test]
fn a_dry_run_answers_as_the_call_would_and_changes_nothing() {
    let (account, arn) = with_consumer(Limits::aws());
    let entry = crate::entry("k", b"x");
    let call = DryRun::PutRecord {
        stream: STREAM,
        entry: &entry,
        after: None,
    };
    assert_eq!(
        account.dry_run(at(0), call).code,
        ErrorCode::DryRunOperation
    );
    let page = read_from(&account, at(0), 0, IteratorPosition::TrimHorizon);
    assert!(page.records.is_empty());
    let call = DryRun::SubscribeToShard {
        consumer_arn: &arn,
        shard: id(0),
        position: IteratorPosition::Latest,
    };
    assert_eq!(
        account.dry_run(at(0), call).code,
        ErrorCode::DryRunOperation
    );
    subscribe(&account, 0, &arn).unwrap();
    assert_eq!(account.dry_run(at(1), call).code, ErrorCode::ResourceInUse);
    let call = DryRun::GetShardIterator {
        stream: STREAM,
        shard: id(1),
        position: IteratorPosition::Latest,
    };
    assert_eq!(
        account.dry_run(at(1), call).code,
        ErrorCode::ResourceNotFound
    );
    let call = DryRun::GetRecords {
        iterator: "none",
        limit: None,
    };
    assert_eq!(
        account.dry_run(at(1), call).code,
        ErrorCode::InvalidArgument
    );
}
