//! The service's 57 operations, one row each.

use streamgauge::wire::UNIMPLEMENTED_FAMILIES;

use crate::row::Standing::{self, Known, Simplified, Unverified};
use crate::row::{Row, row};
use crate::support::{run, settings, start};

const MODEL: Standing = Known("service model");
const BOTH: &str = "every_operation_answers_alike_in_both_codecs";

/// The 40 that are served, by name.
pub(crate) const ROWS: &[Row] = &[
    row(
        "AddTagsToStream",
        "50 tags, overwriting; characters checked",
        Unverified("the code and text of too many tags"),
        &[
            "a_stream_has_up_to_50_tags_listed_by_key_and_shared_with_its_arn",
            "tags_have_letters_digits_and_a_few_signs",
        ],
    ),
    row(
        "CreateStream",
        "both modes, tags, record size, distribution, warm throughput; quotas",
        Unverified(
            "neither count nor mode is on-demand; a count that contradicts the mode is InvalidArgument",
        ),
        &[
            "neither_shard_count_nor_mode_makes_an_on_demand_stream_of_4_shards",
            "quotas_of_shards_and_of_streams_in_creation_are_kept",
        ],
    ),
    row(
        "DecreaseStreamRetentionPeriod",
        "24 to 8,760 hours; what is older goes at once",
        MODEL,
        &[
            "retention_is_changed_in_the_direction_of_the_call_or_left_as_it_is",
            "records_past_retention_are_trimmed_do_not_come_back_and_the_reader_is_told",
        ],
    ),
    row(
        "DeleteResourcePolicy",
        "forgets the policy of a stream or consumer",
        Simplified("policies are kept and given back; they keep nobody out"),
        &["a_policy_is_kept_as_it_was_put_until_it_is_deleted"],
    ),
    row(
        "DeleteStream",
        "refused while consumers are there, unless enforced",
        MODEL,
        &[
            "a_stream_with_consumers_is_deleted_only_when_that_is_enforced",
            "a_deleted_streams_iterator_finds_no_shard_and_a_recreated_ones_fails",
        ],
    ),
    row(
        "DeregisterStreamConsumer",
        "by name or ARN or both; its subscriptions end",
        Unverified("that they end at once; one in DELETING is not found"),
        &[
            "a_consumer_is_named_by_its_arn_or_by_stream_and_name_and_all_must_agree",
            "a_deregistered_consumer_is_told_in_the_stream",
        ],
    ),
    row(
        "DescribeAccountSettings",
        "the throughput commitment",
        MODEL,
        &["warm_throughput_needs_the_commitment_and_has_its_shards_ready"],
    ),
    row(
        "DescribeLimits",
        "shards, on-demand streams and their limits",
        Simplified("exact at once, where the service may lag minutes; no channels"),
        &["neither_shard_count_nor_mode_makes_an_on_demand_stream_of_4_shards"],
    ),
    row(
        "DescribeStream",
        "pages of 100 shards",
        MODEL,
        &[
            "a_description_shows_no_shards_in_creating_the_old_map_in_updating_and_deleting_until_it_is_gone",
            BOTH,
        ],
    ),
    row(
        "DescribeStreamConsumer",
        "by name or ARN or both",
        MODEL,
        &["a_consumer_is_creating_then_active_and_its_arn_holds_its_creation_second"],
    ),
    row(
        "DescribeStreamSummary",
        "with record size, warm throughput, consumers",
        Simplified("no counts of channels and queues"),
        &["a_larger_record_size_lets_larger_records_pass_and_the_burst_with_them"],
    ),
    row(
        "DisableEnhancedMonitoring",
        "the lists before and after",
        Simplified("no CloudWatch behind it"),
        &["monitoring_answers_the_metrics_before_and_after"],
    ),
    row(
        "EnableEnhancedMonitoring",
        "the lists before and after",
        Simplified("no CloudWatch behind it; ALL is shown as its seven names (unverified)"),
        &["monitoring_answers_the_metrics_before_and_after"],
    ),
    row(
        "GetRecords",
        "10,000 records, 10 MiB, 5 calls/s, 2 MiB/s; children at a shard's end",
        Unverified("whether the end is told with the last records"),
        &[
            "five_reads_per_second_and_shard_pass_and_empty_ones_count",
            "closed_shard_answers_latest_iterator_and_children",
        ],
    ),
    row(
        "GetResourcePolicy",
        "as it was put",
        Simplified("policies are kept and given back; they keep nobody out"),
        &["a_policy_is_kept_as_it_was_put_until_it_is_deleted"],
    ),
    row(
        "GetShardIterator",
        "five types, closed shards too",
        MODEL,
        &[
            "the_five_positions_begin_where_they_say",
            "a_closed_shard_gives_an_iterator_of_every_type",
            "a_stream_or_shard_that_is_missing_is_told_before_what_else_is_wrong",
        ],
    ),
    row(
        "IncreaseStreamRetentionPeriod",
        "24 to 8,760 hours; what was trimmed does not come back",
        MODEL,
        &[
            "retention_is_changed_in_the_direction_of_the_call_or_left_as_it_is",
            "closed_shards_past_retention_do_not_come_back_when_it_grows",
        ],
    ),
    row(
        "ListShards",
        "six filters, pages of 1,000, tokens of 300 s; a token stands alone, a filter takes the members of its type",
        Unverified("that the token of a stream that was made again is ResourceNotFoundException"),
        &[
            "shard_filters_choose_by_when_shards_were_open_and_expired_ones_leave",
            "shards_are_listed_by_stream_or_by_token_and_not_by_both",
            "a_token_stands_alone_and_a_filter_takes_the_members_of_its_type",
            "what_was_a_former_streams_is_not_taken_for_the_new_ones_in_the_same_second",
        ],
    ),
    row(
        "ListStreamConsumers",
        "pages of 100 by name; another StreamCreationTimestamp than the stream's finds none",
        Unverified("that such a stream, and a token of a former one, is ResourceNotFoundException"),
        &[
            "a_stream_has_20_consumers_and_50_with_advantage_and_five_in_creation",
            "a_list_that_names_another_creation_time_finds_no_stream",
            "a_token_of_a_former_streams_consumers_lists_none_of_the_new_ones",
        ],
    ),
    row(
        "ListStreams",
        "pages of 100 by name, with summaries",
        MODEL,
        &["streams_are_listed_by_name_in_pages", BOTH],
    ),
    row(
        "ListTagsForResource",
        "of streams and consumers",
        MODEL,
        &["a_stream_has_up_to_50_tags_listed_by_key_and_shared_with_its_arn"],
    ),
    row(
        "ListTagsForStream",
        "pages of 50 by key",
        MODEL,
        &["a_stream_has_up_to_50_tags_listed_by_key_and_shared_with_its_arn"],
    ),
    row(
        "MergeShards",
        "open neighbours, left one first",
        MODEL,
        &[
            "shards_that_are_not_neighbours_in_order_are_not_merged",
            "closed_shard_answers_latest_iterator_and_children",
        ],
    ),
    row(
        "PutRecord",
        "limits per shard; ExplicitHashKey, SequenceNumberForOrdering, DryRun",
        Unverified("how rates are metered below a second"),
        &[
            "an_overloaded_shard_takes_its_capacity_and_then_exactly_its_rate_of_records",
            "a_sequence_number_for_ordering_from_the_future_is_invalid",
            "a_stream_or_shard_that_is_missing_is_told_before_what_else_is_wrong",
        ],
    ),
    row(
        "PutRecords",
        "500 records, 10 MiB; refused per record",
        Unverified(
            "how rates are metered below a second; that the stream is looked for before the 10 MiB",
        ),
        &[
            "put_records_refuses_per_record_inside_success",
            "a_batch_above_10_mib_is_too_large",
        ],
    ),
    row(
        "PutResourcePolicy",
        "any JSON object, of a stream or an ACTIVE consumer",
        Simplified("policies are kept and given back; they keep nobody out"),
        &["a_policy_is_kept_as_it_was_put_until_it_is_deleted"],
    ),
    row(
        "RegisterStreamConsumer",
        "20 per stream, 50 with Advantage, 5 in creation",
        Unverified("the texts of its refusals"),
        &["a_stream_has_20_consumers_and_50_with_advantage_and_five_in_creation"],
    ),
    row(
        "RemoveTagsFromStream",
        "unknown keys are ignored",
        MODEL,
        &["a_stream_has_up_to_50_tags_listed_by_key_and_shared_with_its_arn"],
    ),
    row(
        "SplitShard",
        "two children, a second younger than the parent's end",
        Known("service model; kinesalite for the bounds of the key"),
        &[
            "a_split_takes_effect_when_it_is_complete_and_its_children_begin_a_second_later",
            "a_split_names_the_key_that_was_asked_for_and_the_bounds",
        ],
    ),
    row(
        "StartStreamEncryption",
        "25 in 24 hours; EncryptionType on answers, on records that of the time at which they were put",
        Simplified("any key id is good, nothing is encrypted, no KMS error"),
        &[
            "encryption_takes_its_time_shows_on_answers_and_starts_25_times_a_day",
            "a_record_is_given_with_the_encryption_of_the_time_at_which_it_was_put",
        ],
    ),
    row(
        "StopStreamEncryption",
        "25 in 24 hours",
        Simplified("the key id is not compared"),
        &["encryption_stops_25_times_a_day"],
    ),
    row(
        "SubscribeToShard",
        "5 minutes, 5 s rule, 2 MiB/s, idle events",
        Unverified("the size of events and the pause between idle ones"),
        &[
            "a_second_subscription_within_5_s_is_refused_and_a_later_one_takes_over",
            "the_first_frame_comes_at_once_and_a_record_when_it_is_put",
        ],
    ),
    row(
        "TagResource",
        "of streams and consumers",
        MODEL,
        &["a_stream_has_up_to_50_tags_listed_by_key_and_shared_with_its_arn"],
    ),
    row(
        "UntagResource",
        "unknown keys are ignored",
        MODEL,
        &["a_stream_has_up_to_50_tags_listed_by_key_and_shared_with_its_arn"],
    ),
    row(
        "UpdateAccountSettings",
        "commitment on, and off after 24 hours",
        Unverified("what repeating and revoking do"),
        &["warm_throughput_needs_the_commitment_and_has_its_shards_ready"],
    ),
    row(
        "UpdateMaxRecordSize",
        "1 to 10 MiB; the byte bucket grows with it",
        Unverified("in force at once, without a change of state"),
        &["a_larger_record_size_lets_larger_records_pass_and_the_burst_with_them"],
    ),
    row(
        "UpdateShardCount",
        "double to half, 10 in 24 hours, lineage kept",
        Unverified("the order of its splits and merges, from one case; an equal target is taken"),
        &[
            "four_shards_updated_to_three_leave_6_9_and_10_with_their_lineage",
            "update_shard_count_is_bounded_by_double_half_and_ten_calls_a_day",
        ],
    ),
    row(
        "UpdateStreamMode",
        "2 switches in 24 hours; shards stay",
        MODEL,
        &["the_mode_is_switched_twice_a_day_and_keeps_the_shards"],
    ),
    row(
        "UpdateStreamRecordDistributionStrategy",
        "AUTO spreads evenly; the key may be left out",
        Unverified("the way of spreading is the service's secret"),
        &[
            "auto_spreads_records_evenly_whatever_their_key_and_the_key_may_be_left_out",
            "a_record_put_without_a_key_is_given_back_without_one",
        ],
    ),
    row(
        "UpdateStreamWarmThroughput",
        "needs the commitment; a shard for each MiB/s",
        Unverified("how many shards; that none goes when it is removed"),
        &["warm_throughput_needs_the_commitment_and_has_its_shards_ready"],
    ),
];

/// What holds for every operation of channels and queues.
pub(crate) const OTHERS: Row = row(
    "channels and queues",
    "refused by name: UnsupportedOperationException",
    Standing::Absent("the service has no such error"),
    &["every_operation_of_channels_and_queues_is_refused_by_name"],
);

/// What of a stream outlives the process.
pub(crate) const DURABILITY: Row = row(
    "durability",
    "streams and records are in memory; a server that ends forgets them",
    Standing::Absent("the service stores each record in three availability zones"),
    &["a_server_that_is_started_again_has_nothing_of_before"],
);

#[test]
fn every_operation_of_channels_and_queues_is_refused_by_name() {
    run(async {
        let server = start(settings()).await;
        for name in UNIMPLEMENTED_FAMILIES {
            let reply = server.call(name, "{}").await;
            assert_eq!(reply.status, 400);
            let text = format!("streamgauge does not implement {name}.");
            assert!(reply.text().contains(&text), "{}", reply.text());
        }
        server.stop().await;
    });
}
