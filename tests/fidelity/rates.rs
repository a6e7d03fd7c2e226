//! Every rate of the table on its own: so many calls pass, the next is refused with its cause, and whose calls count
//! together is what the row says.

use std::time::Duration;

use streamgauge::base::Timestamp;
use streamgauge::engine::Account;
use streamgauge::kinesis::operation::{
    ConsumerSelector, IteratorPosition, MergeShards, RecordDistribution, ShardFilter, ShardMetric,
    SplitShard, StreamMode, StreamOptions, Tags,
};
use streamgauge::kinesis::quotas::{RATES, RateName, Scope};
use streamgauge::kinesis::{HashKey, KinesisError, Limits, ShardId};

use crate::messages::engine;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const AT_ONCE: Duration = Duration::ZERO;

/// What calls name: stream, its ARN, the ARN of its consumer, a shard.
struct Names<'a> {
    stream: &'a str,
    arn: String,
    consumer: String,
    shard: ShardId,
}

/// Calls the operation of a rate; `None` for the rates of records and bytes, which have tests of their own. The call need
/// not succeed: one that passes its rate may be refused for another reason, and then changes nothing.
fn call(
    account: &Account,
    rate: RateName,
    now: Timestamp,
    names: &Names<'_>,
) -> Option<Result<(), KinesisError>> {
    let Names {
        stream,
        arn,
        consumer,
        shard,
    } = names;
    let (stream, shard) = (*stream, *shard);
    let none = Tags::new();
    Some(match rate {
        RateName::WriteRecords
        | RateName::WriteBytes
        | RateName::ReadCalls
        | RateName::ReadBytes
        | RateName::SubscriptionBytes => return None,
        RateName::GetShardIterator => account
            .get_shard_iterator(now, "s", shard, IteratorPosition::Latest)
            .map(|_| ()),
        RateName::SubscribeToShard => {
            // Refused for its position, so that no subscription stands in the way of the next.
            let future = IteratorPosition::AtTimestamp(now.plus(Duration::from_mins(1)));
            let outcome = account.subscribe_to_shard(now, consumer, shard, future);
            outcome.map(|_| ())
        }
        RateName::CreateStream => {
            let options = StreamOptions {
                shards: Some(0),
                ..StreamOptions::default()
            };
            let name = stream.parse().expect("a name");
            account.create_stream_with(now, AT_ONCE, &name, &options)
        }
        RateName::DeleteStream => account.delete_stream(now, AT_ONCE, "none"),
        RateName::DescribeStream => account.describe_stream(now, stream, None, None).map(|_| ()),
        RateName::DescribeStreamSummary => account.describe_stream_summary(now, stream).map(|_| ()),
        RateName::ListShards => account
            .list_shards(now, stream, ShardFilter::default(), None, None)
            .map(|_| ()),
        RateName::ListStreams => account.list_streams(now, None, None).map(|_| ()),
        RateName::SplitShard => {
            let request = SplitShard {
                shard,
                new_starting_hash_key: HashKey(0),
            };
            account.split_shard(now, AT_ONCE, stream, request)
        }
        RateName::MergeShards => {
            let request = MergeShards {
                shard,
                adjacent: shard,
            };
            account.merge_shards(now, AT_ONCE, stream, request)
        }
        RateName::UpdateShardCount => account
            .update_shard_count(now, AT_ONCE, stream, 2)
            .map(|_| ()),
        RateName::IncreaseRetention => account.increase_retention(now, stream, 24),
        RateName::DecreaseRetention => account.decrease_retention(now, stream, 24),
        RateName::AddTagsToStream => account.add_tags_to_stream(now, stream, &none),
        RateName::RemoveTagsFromStream => account.remove_tags_from_stream(now, stream, &[]),
        RateName::ListTagsForStream => account
            .list_tags_for_stream(now, stream, None, None)
            .map(|_| ()),
        RateName::TagResource => account.tag_resource(now, arn, &none),
        RateName::UntagResource => account.untag_resource(now, arn, &[]),
        RateName::ListTagsForResource => account.list_tags_for_resource(now, arn).map(|_| ()),
        RateName::EnableEnhancedMonitoring => account
            .enable_enhanced_monitoring(now, stream, &ShardMetric::ALL)
            .map(|_| ()),
        RateName::DisableEnhancedMonitoring => account
            .disable_enhanced_monitoring(now, stream, &ShardMetric::ALL)
            .map(|_| ()),
        RateName::RegisterStreamConsumer => {
            // It is there already.
            let name = "c".parse().expect("a name");
            account
                .register_stream_consumer(now, AT_ONCE, stream, &name, &none)
                .map(|_| ())
        }
        RateName::DeregisterStreamConsumer => {
            let consumer = "none";
            let selector = ConsumerSelector::Name { stream, consumer };
            account.deregister_stream_consumer(now, AT_ONCE, selector)
        }
        RateName::DescribeStreamConsumer => {
            let consumer = "c";
            let selector = ConsumerSelector::Name { stream, consumer };
            account.describe_stream_consumer(now, selector).map(|_| ())
        }
        RateName::ListStreamConsumers => account
            .list_stream_consumers(now, stream, None, None)
            .map(|_| ()),
        RateName::PutResourcePolicy => account.put_resource_policy(now, arn, "{}"),
        RateName::GetResourcePolicy => account.get_resource_policy(now, arn).map(|_| ()),
        RateName::DeleteResourcePolicy => account.delete_resource_policy(now, arn),
        RateName::DescribeLimits => account.describe_limits(now).map(|_| ()),
        RateName::DescribeAccountSettings => account.describe_account_settings(now).map(|_| ()),
        RateName::UpdateAccountSettings => account.update_account_settings(now, false).map(|_| ()),
        RateName::UpdateMaxRecordSize => account.update_max_record_size(now, stream, 1 << 20),
        RateName::UpdateStreamMode => {
            account.update_stream_mode(now, AT_ONCE, stream, StreamMode::Provisioned, None)
        }
        RateName::UpdateStreamWarmThroughput => account
            .update_stream_warm_throughput(now, AT_ONCE, stream, 1)
            .map(|_| ()),
        RateName::UpdateStreamRecordDistributionStrategy => {
            let kind = RecordDistribution::UserPartitionKey;
            account.update_stream_record_distribution_strategy(now, stream, kind)
        }
    })
}

fn names<'a>(account: &Account, stream: &'a str, shard: u32) -> Names<'a> {
    let selector = ConsumerSelector::Name {
        stream,
        consumer: "c",
    };
    // Half a minute before, so that the call has come back if its rate is the one in force.
    let before = NOW.minus(Duration::from_secs(30));
    let seen = account.describe_stream_consumer(before, selector);
    let seen = seen.expect("it is registered");
    Names {
        stream,
        arn: seen.arn.stream.to_string(),
        consumer: seen.arn.to_string(),
        shard: ShardId::new(shard).expect("a small number"),
    }
}

/// Streams `s` and `t` of two shards, each with a consumer `c`, under one rate alone.
fn under(rate: RateName) -> Account {
    let mut limits = Limits::off();
    limits.set_rate(rate, Limits::aws().rate(rate));
    let account = engine(limits);
    for (number, name) in ["s", "t"].into_iter().enumerate() {
        let made = NOW.minus(Duration::from_secs(600 - 60 * number as u64));
        let options = StreamOptions {
            shards: Some(2),
            ..StreamOptions::default()
        };
        let (stream, consumer) = (name.parse(), "c".parse());
        account
            .create_stream_with(made, AT_ONCE, &stream.expect("a name"), &options)
            .expect("it is new");
        account
            .register_stream_consumer(
                made,
                AT_ONCE,
                name,
                &consumer.expect("a name"),
                &Tags::new(),
            )
            .expect("it is new");
    }
    account
}

#[test]
fn every_rate_passes_its_capacity_then_refuses_with_its_cause_and_counts_by_its_scope() {
    let mut tried = 0;
    for row in &RATES {
        let account = under(row.rate);
        let own = names(&account, "s", 0);
        let passes = |now, names: &Names<'_>| {
            let outcome = call(&account, row.rate, now, names)?;
            let cause = outcome.err().and_then(|error| error.cause);
            assert!(cause.is_none() || cause == Some(row.cause), "{}", row.name);
            Some(cause.is_none())
        };
        for number in 0..row.aws.capacity {
            let Some(passed) = passes(NOW, &own) else {
                break;
            };
            assert!(passed, "{}: call {number}", row.name);
        }
        let Some(passed) = passes(NOW, &own) else {
            continue;
        };
        assert!(!passed, "{} is not enforced", row.name);
        let back = NOW.plus(Duration::from_nanos(1_000_000_000 / row.aws.per_s));
        assert_eq!(passes(back, &own), Some(true), "{} comes back", row.name);
        assert_eq!(passes(back, &own), Some(false), "{}", row.name);
        let other = match row.scope {
            Scope::Shard => names(&account, "s", 1),
            Scope::Stream | Scope::Account => names(&account, "t", 0),
        };
        let apart = row.scope != Scope::Account;
        assert_eq!(passes(back, &other), Some(apart), "{}", row.name);
        tried += 1;
    }
    assert_eq!(tried, RATES.len() - 5, "all but records and bytes");
}
