//! The fifteen facts that emulators get wrong most often, and tests over a socket where no other test is about one.

use streamgauge::base::Clock;
use streamgauge::kinesis::quotas::{RateLimit, RateName};
use streamgauge::wire::Value;

use crate::messages::FIRST;
use crate::row::Standing::{Known, Simplified, Unverified};
use crate::row::{Row, row};
use crate::support::{AUTHORIZATION, CBOR, Served, run, settings, start};

pub(crate) const ROWS: &[Row] = &[
    row(
        "1. Times",
        "in CBOR integer milliseconds under tag 1; in JSON seconds with a fraction",
        Known("aws-sdk-java-v2 issue 4661, floci issue 2368"),
        &[
            "cbor_times_are_integer_milliseconds_under_tag_1_and_json_times_are_seconds",
            "cbor_times_are_tag_1_and_milliseconds_as_captured",
            "json_times_are_seconds_with_a_fraction_or_an_exponent",
        ],
    ),
    row(
        "2. Event streams",
        "an `initial-response` frame first and at once; HTTP/2 without TLS beside HTTP/1.1",
        Known("botocore, aws-sdk-rust and aws-sdk-js sources"),
        &[
            "the_first_frame_comes_at_once_and_a_record_when_it_is_put",
            "one_port_speaks_http_2_without_being_told",
        ],
    ),
    row(
        "3. Throttled batches",
        "PutRecords answers 200 with an error in each refused entry, even if all are; only PutRecord fails as a call",
        Known("API reference; maxwell issue 548"),
        &[
            "a_batch_of_which_every_record_is_throttled_is_answered_200",
            "put_records_refuses_per_record_inside_success",
        ],
    ),
    row(
        "4. Shard end",
        "NextShardIterator is absent and ChildShards present, never one without the other",
        Known("API reference; KCL's check"),
        &[
            "closed_shard_answers_latest_iterator_and_children",
            "at_a_shards_end_the_iterator_is_absent_and_children_are_there",
            "any_sequence_of_calls_is_answered_as_the_model_answers",
        ],
    ),
    row(
        "4a. Where the end is told",
        "in the answer that holds the last records",
        Unverified("the documentation reads so; clients of 2017 saw an empty answer more"),
        &["closed_shard_answers_latest_iterator_and_children"],
    ),
    row(
        "5. Closed shards",
        "GetShardIterator answers for them with every type, LATEST included",
        Known("kinesalite issue 20; KCL relies on it"),
        &["a_closed_shard_gives_an_iterator_of_every_type"],
    ),
    row(
        "6. Missing streams",
        "GetShardIterator and GetRecords report a missing stream as a missing shard",
        Known("kinesalite's tests against the service"),
        &["readers_are_told_of_a_missing_shard_even_when_the_stream_is_missing"],
    ),
    row(
        "7. Hash ranges",
        "the last shard takes the remainder of 2^128 / N; UpdateShardCount splits and merges, so that parents stay",
        Known("kinesalite's tests against the service; risingwave issue 9961"),
        &[
            "three_initial_shards_have_the_ranges_that_the_service_gave",
            "four_shards_updated_to_three_leave_6_9_and_10_with_their_lineage",
        ],
    ),
    row(
        "7a. Steps of UpdateShardCount",
        "the wanted boundaries are walked from left to right",
        Unverified("inferred from one case, 4 shards to 3"),
        &[
            "doubling_splits_each_shard_once_and_halving_merges_neighbours",
            "any_map_becomes_target_shards_of_equal_width",
        ],
    ),
    row(
        "8. Validation errors",
        "up to ten in one text, paths such as `records.1.member.data`; `message`, but `Message` for wrong types",
        Known("kinesalite; kinesis-aggregation issue 30, osquery issue 3568"),
        &[
            "every_constraint_of_every_operation_is_told_with_its_path_and_text",
            "at_most_ten_errors_are_told_whatever_is_wrong",
            "the_message_is_lower_case_but_for_conversion_errors_and_absent_for_internal_failures",
        ],
    ),
    row(
        "9. Sequence numbers",
        "56 digits with the shard inside; one of another shard is refused with a set text",
        Known("kinesalite; numbers of 2025 and 2026 in flink-connector-aws issues 224 and 243"),
        &[
            "sequence_numbers_have_56_digits_and_rise_by_one_per_record_of_a_shard",
            "the_hexadecimal_layout_is_the_services",
            "a_starting_sequence_number_is_of_the_shard_and_of_the_stream",
        ],
    ),
    row(
        "9a. Counter of sequence numbers",
        "begins at 1 in each shard and rises by one per record",
        Unverified("the service's counters are shared and in the tens of billions"),
        &["sequence_numbers_have_56_digits_and_rise_by_one_per_record_of_a_shard"],
    ),
    row(
        "9b. Numbers of the oldest version",
        "a StartingSequenceNumber below 2^129 is refused as another shard's or as having too late a date; one of the shard \
         asked for is an InternalFailure without a text",
        Known("kinesalite's tests against the service"),
        &["a_starting_sequence_number_of_any_version_is_told_whose_it_is_first"],
    ),
    row(
        "9c. Numbers for ordering",
        "a SequenceNumberForOrdering may be of any shard, stream and version, and need not have been given out; its time \
         must not be to come; version 3 is an InternalFailure",
        Known("kinesalite's tests against the service"),
        &["a_sequence_number_for_ordering_need_not_have_been_given_out"],
    ),
    row(
        "9d. What a number for ordering does",
        "it is checked and does no more: the record's number is greater than any that its shard gave out, and need not be \
         greater than one that it did not",
        Unverified("what the service does with a number of its shard that lies ahead"),
        &["a_sequence_number_for_ordering_need_not_have_been_given_out"],
    ),
    row(
        "9e. Creation of a stream's shards",
        "in the second of CreateStream, or after those of the former streams of the name; the sequence numbers and tokens \
         of these are refused",
        Simplified(
            "the service's lie 2 to 7 s before CreateStream (kinesalite's tests against the service)",
        ),
        &[
            "a_stream_made_again_in_the_same_second_has_sequence_numbers_of_its_own",
            "what_was_a_former_streams_is_not_taken_for_the_new_ones_in_the_same_second",
        ],
    ),
    row(
        "10. Data limits",
        "5 reads/s per shard, 5 s of refusals after a full 10 MiB, 1,000 records/s and 1 MiB/s written",
        Known("API reference; developer guide"),
        &[
            "five_reads_per_second_and_shard_pass_and_empty_ones_count",
            "a_full_answer_of_ten_mebibytes_is_followed_by_five_seconds_of_refusals",
            "an_overloaded_shard_takes_its_capacity_and_then_exactly_its_rate_of_records",
            "an_overloaded_shard_takes_exactly_its_rate_of_bytes",
        ],
    ),
    row(
        "10a. How they are metered",
        "token buckets of one second",
        Unverified("unpublished; as in the KPL's limiter and the large-records announcement"),
        &["an_overloaded_bucket_passes_its_capacity_and_then_exactly_its_rate"],
    ),
    row(
        "11. Expiry",
        "iterators and NextTokens live 300 s; an iterator may be used again until then",
        Known("developer guide; API reference of ListShards"),
        &[
            "iterators_are_reusable_all_different_and_expire_after_300_seconds",
            "a_token_is_taken_by_its_list_for_300_seconds",
        ],
    ),
    row(
        "12. Fan-out",
        "a second subscription is refused for 5 s, then takes over; the end after 5 minutes; no continuation at a shard's \
         end",
        Known("API reference"),
        &[
            "a_second_subscription_within_5_s_is_refused_and_a_later_one_takes_over",
            "a_subscription_ends_after_five_minutes_or_with_its_consumer",
            "at_a_shards_end_there_are_children_and_no_continuation",
        ],
    ),
    row(
        "12a. Idle events",
        "an empty event every 5 s",
        Unverified("clients give up after 10 s and more"),
        &["idle_subscriptions_get_an_empty_event_every_5_s_and_its_continuation_loses_nothing"],
    ),
    row(
        "13. Limits since 2025",
        "records and batches up to 10 MiB (1 MiB by default), ListShards 1,000/s, 20,000 shards, 50 consumers, 10,000 \
         shards by UpdateShardCount",
        Known("API reference; developer guide (2026)"),
        &[
            "the_limits_of_2025_and_2026_are_the_defaults",
            "a_body_that_is_too_big_is_413_and_one_of_ten_mebibytes_of_data_is_not",
            "large_records_have_a_tank_of_ten_mebibytes",
        ],
    ),
    row(
        "14. Sizes and hashes",
        "a key has at most 256 characters; a size is data and key before base64; hash keys are unsigned 128 bit",
        Known("service model"),
        &[
            "sizes_are_counted_with_the_key",
            "a_partition_key_hashes_as_unsigned_big_endian_md5",
            "keys_of_256_characters_of_4_bytes_pass_and_the_upper_half_of_hashes_has_its_shard",
        ],
    ),
    row(
        "15. Transitions",
        "CREATING shows no shards and finds no stream to put to; a reshard shows when it is complete",
        Known("kinesalite's tests against the service"),
        &[
            "a_stream_that_is_being_created_has_no_shards_and_takes_no_records",
            "a_split_takes_effect_when_it_is_complete_and_its_children_begin_a_second_later",
        ],
    ),
];

async fn with_stream(server: Served, shards: u32) -> Served {
    let body = format!(r#"{{"StreamName":"s","ShardCount":{shards}}}"#);
    server.done("CreateStream", &body).await;
    server
}

/// What stands after a text in bytes.
fn after<'a>(bytes: &'a [u8], text: &str) -> &'a [u8] {
    let at = bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes());
    &bytes[at.expect("it is there") + text.len()..]
}

#[test]
fn cbor_times_are_integer_milliseconds_under_tag_1_and_json_times_are_seconds() {
    run(async {
        let server = with_stream(start(settings()).await, 1).await;
        let headers = [
            ("content-type", CBOR),
            ("x-amz-target", "Kinesis_20131202.DescribeStreamSummary"),
            ("authorization", AUTHORIZATION),
            ("x-amz-date", "20260101T000000Z"),
        ];
        let body = &b"\xa1\x6aStreamName\x61s"[..];
        let reply = server.send("POST", "/", &headers, body).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, CBOR));
        let time = after(&reply.body, "StreamCreationTimestamp");
        assert_eq!(time[..2], [0xc1, 0x1b], "tag 1, then 64 bits");
        let millis = u64::from_be_bytes(time[2..10].try_into().expect("eight bytes"));
        let now = Clock::real().now().as_millis();
        assert!((now - 60_000..=now).contains(&millis), "{millis}");
        let json = server
            .call("DescribeStreamSummary", r#"{"StreamName":"s"}"#)
            .await;
        let text = json.text();
        let time = String::from_utf8_lossy(after(text.as_bytes(), "StreamCreationTimestamp\":"));
        let seconds: String = time
            .chars()
            .take_while(|c| c.is_ascii_digit() || *c == '.')
            .collect();
        let shown: f64 = seconds.parse().expect("a number");
        assert!((shown * 1_000.0 - millis as f64).abs() < 1.0, "{seconds}");
        server.stop().await;
    });
}

#[test]
fn a_batch_of_which_every_record_is_throttled_is_answered_200() {
    run(async {
        let mut settings = settings();
        let once = RateLimit {
            per_s: 1,
            capacity: 1,
        };
        settings.limits.set_rate(RateName::WriteRecords, Some(once));
        let server = with_stream(start(settings).await, 1).await;
        let one = r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#;
        server.done("PutRecord", one).await;
        let records = [r#"{"PartitionKey":"k","Data":""}"#; 7].join(",");
        let batch = format!(r#"{{"StreamName":"s","Records":[{records}]}}"#);
        let answer = server.done("PutRecords", &batch).await;
        assert_eq!(answer.i64("FailedRecordCount"), Some(7));
        let code = "ProvisionedThroughputExceededException";
        let failed = |entry: &Value| {
            entry.str("ErrorCode") == Some(code)
                && entry.get("SequenceNumber").is_none()
                && entry.get("ShardId").is_none()
        };
        assert!(answer.list("Records").iter().all(failed));
        server.stop().await;
    });
}

#[test]
fn a_closed_shard_gives_an_iterator_of_every_type() {
    run(async {
        let server = with_stream(start(settings()).await, 1).await;
        let put = r#"{"StreamName":"s","PartitionKey":"k","Data":"YQ=="}"#;
        let stored = server.done("PutRecord", put).await;
        let number = stored.str("SequenceNumber").expect("a number");
        let split = format!(
            r#"{{"StreamName":"s","ShardToSplit":"{FIRST}","NewStartingHashKey":"{}"}}"#,
            1u128 << 127
        );
        server.done("SplitShard", &split).await;
        for (position, records) in [
            (r#""ShardIteratorType":"TRIM_HORIZON""#.to_owned(), 1),
            (r#""ShardIteratorType":"LATEST""#.to_owned(), 0),
            (
                format!(
                    r#""ShardIteratorType":"AT_SEQUENCE_NUMBER","StartingSequenceNumber":"{number}""#
                ),
                1,
            ),
            (
                format!(
                    r#""ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"{number}""#
                ),
                0,
            ),
            (
                r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1"#.to_owned(),
                1,
            ),
        ] {
            let body = format!(r#"{{"StreamName":"s","ShardId":"{FIRST}",{position}}}"#);
            let got = server.done("GetShardIterator", &body).await;
            let iterator = got.str("ShardIterator").expect("an iterator");
            let body = format!(r#"{{"ShardIterator":"{iterator}"}}"#);
            let page = server.done("GetRecords", &body).await;
            assert_eq!(page.list("Records").len(), records, "{position}");
            assert_eq!(page.get("NextShardIterator"), None);
            assert_eq!(page.list("ChildShards").len(), 2);
        }
        server.stop().await;
    });
}

#[test]
fn keys_of_256_characters_of_4_bytes_pass_and_the_upper_half_of_hashes_has_its_shard() {
    run(async {
        let server = with_stream(start(settings()).await, 2).await;
        let key = "\u{1f600}".repeat(256);
        let body = format!(r#"{{"StreamName":"s","PartitionKey":"{key}","Data":""}}"#);
        server.done("PutRecord", &body).await;
        let body = format!(r#"{{"StreamName":"s","PartitionKey":"{key}k","Data":""}}"#);
        assert_eq!(server.call("PutRecord", &body).await.status, 400);
        for (hash, shard) in [
            ("170141183460469231731687303715884105727", FIRST),
            (
                "170141183460469231731687303715884105728",
                "shardId-000000000001",
            ),
            (
                "340282366920938463463374607431768211455",
                "shardId-000000000001",
            ),
        ] {
            let body = format!(
                r#"{{"StreamName":"s","PartitionKey":"k","Data":"","ExplicitHashKey":"{hash}"}}"#
            );
            let stored = server.done("PutRecord", &body).await;
            assert_eq!(stored.str("ShardId"), Some(shard));
        }
        server.stop().await;
    });
}
