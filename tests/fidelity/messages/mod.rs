//! The texts that clients match on. Words in braces are filled in: `{S}` stream, `{A}` account, `{H}` shard.

mod control;
mod data;
mod own;

use serde_json::Value as Json;
use streamgauge::engine::{Account, Settings};
use streamgauge::kinesis::Limits;

use crate::row::Standing::{self, Known, Unverified};
use crate::support::Reply;

/// One text of the service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message {
    pub(crate) code: &'static str,
    pub(crate) text: &'static str,
    pub(crate) standing: Standing,
    pub(crate) tests: &'static [&'static str],
}

const NOT_FOUND: &str = "ResourceNotFoundException";
const IN_USE: &str = "ResourceInUseException";
const LIMIT: &str = "LimitExceededException";
const THROUGHPUT: &str = "ProvisionedThroughputExceededException";
const INVALID: &str = "InvalidArgumentException";
const VALIDATION: &str = "ValidationException";

const KINESALITE: Standing = Known("kinesalite's tests against the service");
const OURS: Standing = Unverified("the text is this project's");

const fn message(
    code: &'static str,
    text: &'static str,
    standing: Standing,
    tests: &'static [&'static str],
) -> Message {
    Message {
        code,
        text,
        standing,
        tests,
    }
}

pub(crate) const NO_STREAM: Message = message(
    NOT_FOUND,
    "Stream {S} under account {A} not found.",
    KINESALITE,
    &["a_missing_stream_is_named_with_its_account"],
);
pub(crate) const NO_SHARD_TO_READ: Message = message(
    NOT_FOUND,
    "Shard {H} in stream {S} under account {A} does not exist",
    KINESALITE,
    &["readers_are_told_of_a_missing_shard_even_when_the_stream_is_missing"],
);
pub(crate) const NO_SHARD: Message = message(
    NOT_FOUND,
    "Could not find shard {H} in stream {S} under account {A}.",
    KINESALITE,
    &["a_shard_that_cannot_be_found_is_named_as_it_was_written"],
);
pub(crate) const EXISTS: Message = message(
    IN_USE,
    "Stream {S} under account {A} already exists.",
    KINESALITE,
    &["a_stream_is_made_once"],
);
pub(crate) const NOT_ACTIVE: Message = message(
    IN_USE,
    "Stream {S} under account {A} not ACTIVE, instead in state {STATE}",
    KINESALITE,
    &["a_stream_that_is_not_active_says_its_state"],
);
pub(crate) const SHARD_QUOTA: Message = message(
    LIMIT,
    "This request would exceed the shard limit for the account {A} in {R}. Current shard count for the account: {C}. \
     Limit: {L}. Number of additional shards that would have resulted from this request: {N}. Refer to the AWS Service \
     Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to \
     request higher limits.",
    KINESALITE,
    &["the_shard_quota_says_what_there_is_and_what_was_asked"],
);
pub(crate) const CREATING_QUOTA: Message = message(
    LIMIT,
    "This request would have exceed the limit on the number of streams that can simultaneously be in CREATING or \
     DELETING. Limit: {L}",
    Known("a test against AWS; terraform-provider-aws matches the middle part"),
    &["the_quota_of_streams_in_creation_has_its_text"],
);
pub(crate) const CALL_RATE: Message = message(
    LIMIT,
    "Rate exceeded for stream {S} under account {A}.",
    Known("terraform-provider-aws; aws-cdk issue 18139"),
    &["a_control_call_above_its_rate_names_the_stream"],
);
pub(crate) const SCALE_UP: Message = message(
    LIMIT,
    "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: {C}, Target \
     shard count: {T}",
    Known("kinesalite pull request 48; the comma after the first number varies"),
    &["a_shard_count_is_at_most_doubled_or_halved_and_has_a_most"],
);
pub(crate) const SCALE_DOWN: Message = message(
    LIMIT,
    "UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: {C}, Target \
     shard count: {T}",
    Known("kinesalite pull request 48"),
    &["a_shard_count_is_at_most_doubled_or_halved_and_has_a_most"],
);
pub(crate) const SCALE_MOST: Message = message(
    LIMIT,
    "Target shard count or number of open shards cannot be greater than {L}. Current open shard count: {C}, Target \
     shard count: {T}",
    Known("a comment in AWS's solutions-constructs"),
    &["a_shard_count_is_at_most_doubled_or_halved_and_has_a_most"],
);
pub(crate) const WRITE_RATE: Message = message(
    THROUGHPUT,
    "Rate exceeded for shard {H} in stream {S} under account {A}.",
    Known("maxwell issue 548; API reference of PutRecords"),
    &["a_throttled_put_names_its_shard_alone_and_inside_a_batch"],
);
pub(crate) const READ_RATE: Message = message(
    THROUGHPUT,
    "Rate exceeded for Shard - {A}/{S}/{H}",
    Known("risingwave issue 7453 (2023), KCL issue 1521 (2025); 2019 and before as a put"),
    &["a_throttled_read_names_account_stream_and_shard"],
);
pub(crate) const HASH_KEY: Message = message(
    INVALID,
    "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {V}",
    KINESALITE,
    &["an_explicit_hash_key_above_2_to_the_128_fails_the_whole_call"],
);
pub(crate) const ORDERING: Message = message(
    INVALID,
    "ExclusiveMinimumSequenceNumber {V} used in PutRecord on stream {S} under account {A} is invalid.",
    KINESALITE,
    &["a_sequence_number_for_ordering_that_is_none_or_of_the_future_is_named"],
);
pub(crate) const NO_KEY: Message = message(
    VALIDATION,
    "1 validation error detected: Value null at '{P}' failed to satisfy constraint: Member must not be null",
    Known("kinesalite's tests against the service, where every stream needed a key"),
    &["a_record_without_a_key_is_told_that_it_must_not_be_null"],
);
pub(crate) const BATCH: Message = message(
    INVALID,
    "Records size exceeds {L} MB limit",
    Unverified("fluent-bit issue 21 and snowplow/enrich issue 685, with 5; nobody has seen 10"),
    &["a_batch_above_10_mib_is_too_large"],
);
pub(crate) const ITERATOR: Message = message(
    INVALID,
    "Invalid ShardIterator.",
    KINESALITE,
    &["what_is_no_iterator_is_refused"],
);
pub(crate) const ITERATOR_EXPIRED: Message = message(
    "ExpiredIteratorException",
    "Iterator expired. The iterator was created at time {T} while right now it is {N} which is further in the future \
     than the tolerated delay of {D} milliseconds.",
    Known("KCL issue 701"),
    &["an_expired_iterator_says_when_it_was_made_and_what_time_it_is"],
);
pub(crate) const NO_STARTING_NUMBER: Message = message(
    INVALID,
    "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON \
     or LATEST and no StartingSequenceNumber. Request specified {T} and no StartingSequenceNumber.",
    KINESALITE,
    &["an_iterator_type_and_its_sequence_number_go_together"],
);
pub(crate) const ALSO_STARTING_NUMBER: Message = message(
    INVALID,
    "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON \
     or LATEST and no StartingSequenceNumber. Request specified {T} and also a StartingSequenceNumber.",
    KINESALITE,
    &["an_iterator_type_and_its_sequence_number_go_together"],
);
pub(crate) const NO_TIMESTAMP: Message = message(
    INVALID,
    "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp \
     parameter.",
    KINESALITE,
    &["a_position_in_time_has_a_time_that_is_not_to_come"],
);
pub(crate) const FUTURE_TIMESTAMP: Message = message(
    INVALID,
    "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: {X}, \
     currentTimestampInMillis: {Y}",
    Known("aws-sdk-java issue 2588"),
    &["a_position_in_time_has_a_time_that_is_not_to_come"],
);
pub(crate) const NUMBER_OF_OTHER_SHARD: Message = message(
    INVALID,
    "Invalid StartingSequenceNumber. It encodes {X}, while it was used in a call to a shard with {H}",
    KINESALITE,
    &[
        "a_starting_sequence_number_is_of_the_shard_and_of_the_stream",
        "a_starting_sequence_number_of_any_version_is_told_whose_it_is_first",
    ],
);
pub(crate) const BAD_NUMBER: Message = message(
    INVALID,
    "StartingSequenceNumber {V} used in GetShardIterator on shard {H} in stream {S} under account {A} is invalid.",
    KINESALITE,
    &[
        "a_starting_sequence_number_is_of_the_shard_and_of_the_stream",
        "a_starting_sequence_number_of_any_version_is_told_whose_it_is_first",
    ],
);
pub(crate) const NUMBER_OF_OTHER_STREAM: Message = message(
    INVALID,
    "StartingSequenceNumber {V} used in GetShardIterator on shard {H} in stream {S} under account {A} is invalid because \
     it did not come from this stream.",
    Known("seen in logs of the service"),
    &["a_starting_sequence_number_is_of_the_shard_and_of_the_stream"],
);
pub(crate) const SPLIT: Message = message(
    INVALID,
    "NewStartingHashKey {V} used in SplitShard() on shard {H} in stream {S} under account {A} is not both greater than \
     one plus the shard's StartingHashKey {X} and less than the shard's EndingHashKey {Y}.",
    KINESALITE,
    &["a_split_names_the_key_that_was_asked_for_and_the_bounds"],
);
pub(crate) const MERGE: Message = message(
    INVALID,
    "Shards {H} and {H2} in stream {S} under account {A} are not an adjacent pair of shards eligible for merging",
    KINESALITE,
    &["shards_that_are_not_neighbours_in_order_are_not_merged"],
);
pub(crate) const RETENTION_MIN: Message = message(
    INVALID,
    "Minimum allowed retention period is 24 hours. Requested retention period ({N} hours) is too short.",
    KINESALITE,
    &["retention_is_changed_in_the_direction_of_the_call_or_left_as_it_is"],
);
pub(crate) const RETENTION_SHORTER: Message = message(
    INVALID,
    "Requested retention period ({N} hours) for stream {S} can not be shorter than existing retention period ({O} \
     hours). Use DecreaseRetentionPeriod API.",
    KINESALITE,
    &["retention_is_changed_in_the_direction_of_the_call_or_left_as_it_is"],
);
pub(crate) const RETENTION_LONGER: Message = message(
    INVALID,
    "Requested retention period ({N} hours) for stream {S} can not be longer than existing retention period ({O} \
     hours). Use IncreaseRetentionPeriod API.",
    KINESALITE,
    &["retention_is_changed_in_the_direction_of_the_call_or_left_as_it_is"],
);
pub(crate) const LIST_NEITHER: Message = message(
    INVALID,
    "Either NextToken or StreamName should be provided.",
    KINESALITE,
    &["shards_are_listed_by_stream_or_by_token_and_not_by_both"],
);
pub(crate) const LIST_BOTH: Message = message(
    INVALID,
    "NextToken and StreamName cannot be provided together.",
    KINESALITE,
    &["shards_are_listed_by_stream_or_by_token_and_not_by_both"],
);
pub(crate) const TAG_CHARACTERS: Message = message(
    INVALID,
    "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.",
    KINESALITE,
    &["tags_have_letters_digits_and_a_few_signs"],
);
pub(crate) const CONSUMER_NOT_ACTIVE: Message = message(
    IN_USE,
    "Consumer {N} with creation timestamp {T} under stream: {S} , account {A} is not in ACTIVE status.",
    Known("kinesis-hot-shard-advisor issue 37 (2024)"),
    &["a_consumer_in_creation_cannot_subscribe_yet"],
);
pub(crate) const SUBSCRIBED: Message = message(
    IN_USE,
    "Another active subscription exists for this consumer: {A}:{S}:{H}:{N}",
    Unverified("KCL issue 391, kinesumer issue 16, without the tail"),
    &["a_second_subscription_within_5_s_has_its_text"],
);
pub(crate) const HAS_CONSUMERS: Message = message(
    IN_USE,
    "DeleteStream can't delete {A}:{S} because there are consumers associated with this data stream. To delete {A}:{S} \
     anyway, set the EnforceConsumerDeletion parameter to true to force the deletion of all the consumers that are \
     associated with it.",
    Known("aws-nuke issue 497, terraform-provider-aws issue 8420, cloud-custodian issue 7260"),
    &["a_stream_with_consumers_says_how_it_is_deleted"],
);
pub(crate) const CONSUMER_EXISTS: Message = message(
    IN_USE,
    "Consumer {N} under stream {S} already exists for account {A}.",
    OURS,
    &["texts_that_nobody_has_published_have_the_documented_code"],
);
pub(crate) const ON_DEMAND: Message = message(
    VALIDATION,
    "This API is only supported for data streams with the provisioned capacity mode.",
    Unverified("the code is the API reference's, the text is this project's"),
    &["texts_that_nobody_has_published_have_the_documented_code"],
);
pub(crate) const ELEVENTH_UPDATE: Message = message(
    LIMIT,
    "Rate exceeded for stream {S} under account {A}.",
    Unverified("as for a refused mode switch"),
    &["texts_that_nobody_has_published_have_the_documented_code"],
);
pub(crate) const RETENTION_MAX: Message = message(
    INVALID,
    "Maximum allowed retention period is 8760 hours. Requested retention period ({N} hours) is too long.",
    Unverified("formed after the text for too short a period"),
    &["texts_that_nobody_has_published_have_the_documented_code"],
);
pub(crate) const RECORD_TOO_LARGE: Message = message(
    VALIDATION,
    "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim={N} cap={N}]' at 'data' failed to satisfy \
     constraint: Member must have length less than or equal to {L}",
    Unverified("as before October 2025, when 1 MiB was the model's own bound"),
    &["texts_that_nobody_has_published_have_the_documented_code"],
);
pub(crate) const NO_SELECTOR: Message = message(
    INVALID,
    "Either StreamName or StreamARN should be provided.",
    OURS,
    &["texts_that_nobody_has_published_have_the_documented_code"],
);
pub(crate) const TWO_STREAMS: Message = message(
    INVALID,
    "StreamName and StreamARN do not name the same stream.",
    OURS,
    &["texts_that_nobody_has_published_have_the_documented_code"],
);
pub(crate) const DRY_RUN: Message = message(
    "DryRunOperationException",
    "Request would have succeeded, but DryRun flag is set.",
    OURS,
    &["texts_that_nobody_has_published_have_the_documented_code"],
);

const OWN_TEXTS: &[&str] = &["texts_of_this_project_have_the_documented_code"];
pub(crate) const CONSUMERS_MOST: Message = message(
    LIMIT,
    "Stream {S} under account {A} already has the most consumers. Limit: {L}",
    OURS,
    OWN_TEXTS,
);
pub(crate) const CONSUMERS_CREATING: Message = message(
    LIMIT,
    "Stream {S} under account {A} already has the most consumers in CREATING. Limit: {L}",
    OURS,
    &["consumers_in_creation_have_a_most_of_their_own"],
);
pub(crate) const ITERATOR_OF_OTHER: Message = message(
    INVALID,
    "The ShardIterator is not of the stream {T}.",
    OURS,
    OWN_TEXTS,
);
pub(crate) const TOKEN_AND_OTHER: Message = message(
    INVALID,
    "NextToken and {M} cannot be provided together.",
    Unverified("formed after the text for NextToken and StreamName"),
    &["a_token_stands_alone_and_a_filter_takes_the_members_of_its_type"],
);
pub(crate) const ENCRYPTION: Message =
    message(INVALID, "EncryptionType should be KMS.", OURS, OWN_TEXTS);
pub(crate) const TOKEN: Message = message(INVALID, "Invalid NextToken.", OURS, OWN_TEXTS);
pub(crate) const TOKEN_EXPIRED: Message = message(
    "ExpiredNextTokenException",
    "The NextToken is older than 300 seconds.",
    OURS,
    &["a_token_is_taken_by_its_list_for_300_seconds"],
);
pub(crate) const TAGS_MOST: Message = message(
    INVALID,
    "Failed to add tags to stream {S} under account {A} because a given stream cannot have more than {L} tags associated \
     with it.",
    OURS,
    &["a_stream_with_the_most_tags_is_told_how_many_it_may_have"],
);
pub(crate) const FILTER_SHARD: Message = message(
    INVALID,
    "The ShardFilter needs a ShardId.",
    OURS,
    &["a_token_stands_alone_and_a_filter_takes_the_members_of_its_type"],
);
pub(crate) const FILTER_TIME: Message = message(
    INVALID,
    "The ShardFilter needs a Timestamp.",
    OURS,
    &["a_token_stands_alone_and_a_filter_takes_the_members_of_its_type"],
);
pub(crate) const FILTER_TAKES: Message = message(
    INVALID,
    "A ShardFilter of type {T} takes no {M}.",
    OURS,
    &["a_token_stands_alone_and_a_filter_takes_the_members_of_its_type"],
);
pub(crate) const ACCOUNT_RATE: Message = message(
    LIMIT,
    "Rate exceeded for account {A}.",
    OURS,
    &["list_streams_above_its_rate_names_the_account"],
);
pub(crate) const CEILING: Message = message(
    LIMIT,
    "This server makes at most 100000 shards of a stream. Asked for: {N}.",
    Unverified("the service has no such bound; not even `limits = \"off\"` lifts it"),
    &["no_stream_has_more_than_100000_shards_whatever_the_limits_are"],
);
pub(crate) const CLOSED_SPLIT: Message = message(
    INVALID,
    "Shard {H} in stream {S} under account {A} is closed and not eligible for splitting",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const COUNT_REQUIRED: Message = message(
    INVALID,
    "ShardCount is required in provisioned mode.",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const COUNT_REFUSED: Message = message(
    INVALID,
    "ShardCount is not supported in on-demand mode.",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const AUTO_REFUSED: Message = message(
    INVALID,
    "Record distribution strategy AUTO is only supported in on-demand mode.",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const ON_DEMAND_QUOTA: Message = message(
    LIMIT,
    "This request would exceed the on-demand stream limit for the account {A}. Limit: {L}.",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const WARM_REFUSED: Message = message(
    INVALID,
    "Warm throughput is only supported in on-demand mode.",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const WARM_COMMITMENT: Message = message(
    INVALID,
    "Warm throughput needs MinimumThroughputBillingCommitment to be enabled.",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const WARM_KEPT: Message = message(
    INVALID,
    "Warm throughput of stream {S} must be removed first.",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const PROVISIONED: Message = message(
    VALIDATION,
    "This API is only supported for data streams with the on-demand capacity mode.",
    OURS,
    &["what_a_streams_mode_or_state_does_not_allow_is_told"],
);
pub(crate) const NO_CONSUMER: Message = message(
    NOT_FOUND,
    "Consumer {N} under stream {S} under account {A} not found.",
    OURS,
    &["resources_and_consumers_that_are_not_there_are_told"],
);
pub(crate) const CONSUMER_SELECTOR: Message = message(
    INVALID,
    "Either ConsumerARN or both StreamARN and ConsumerName should be provided.",
    OURS,
    &["resources_and_consumers_that_are_not_there_are_told"],
);
pub(crate) const TWO_CONSUMERS: Message = message(
    INVALID,
    "StreamARN, ConsumerName and ConsumerARN do not name the same consumer.",
    OURS,
    &["resources_and_consumers_that_are_not_there_are_told"],
);
pub(crate) const NO_POLICY: Message = message(
    NOT_FOUND,
    "Resource policy of {ARN} not found.",
    OURS,
    &["resources_and_consumers_that_are_not_there_are_told"],
);
pub(crate) const BAD_POLICY: Message = message(
    INVALID,
    "The policy is not a JSON object.",
    OURS,
    &["resources_and_consumers_that_are_not_there_are_told"],
);
pub(crate) const OTHER_ACCOUNT: Message = message(
    "AccessDeniedException",
    "Account {A} is not authorized to access resource: {ARN}",
    OURS,
    &["resources_and_consumers_that_are_not_there_are_told"],
);
pub(crate) const OTHER_REGION: Message = message(
    INVALID,
    "{ARN} is not in region {R}.",
    OURS,
    &["resources_and_consumers_that_are_not_there_are_told"],
);
pub(crate) const REGIONS: Message = message(
    LIMIT,
    "This server keeps 256 regions of accounts and has them all.",
    Unverified("the service has no such bound; hosts without a stream make room"),
    &["more_regions_with_streams_than_a_server_keeps_are_refused"],
);
pub(crate) const CONSUMER_GONE: Message = message(
    NOT_FOUND,
    "The consumer of this subscription was deregistered.",
    Unverified("an exception in the stream of events; the text is this project's"),
    &["a_deregistered_consumer_is_told_in_the_stream"],
);
pub(crate) const STREAM_GONE: Message = message(
    NOT_FOUND,
    "The stream of this subscription was deleted.",
    Unverified("an exception in the stream of events; the text is this project's"),
    &["a_deleted_stream_is_told_in_the_stream"],
);

/// Every text of the page, in its order.
pub(crate) const MESSAGES: &[Message] = &[
    NO_STREAM,
    NO_SHARD_TO_READ,
    NO_SHARD,
    EXISTS,
    NOT_ACTIVE,
    SHARD_QUOTA,
    CREATING_QUOTA,
    CALL_RATE,
    SCALE_UP,
    SCALE_DOWN,
    SCALE_MOST,
    WRITE_RATE,
    READ_RATE,
    HASH_KEY,
    ORDERING,
    NO_KEY,
    BATCH,
    ITERATOR,
    ITERATOR_EXPIRED,
    NO_STARTING_NUMBER,
    ALSO_STARTING_NUMBER,
    NO_TIMESTAMP,
    FUTURE_TIMESTAMP,
    NUMBER_OF_OTHER_SHARD,
    BAD_NUMBER,
    NUMBER_OF_OTHER_STREAM,
    SPLIT,
    MERGE,
    RETENTION_MIN,
    RETENTION_SHORTER,
    RETENTION_LONGER,
    LIST_NEITHER,
    LIST_BOTH,
    TAG_CHARACTERS,
    CONSUMER_NOT_ACTIVE,
    SUBSCRIBED,
    HAS_CONSUMERS,
    CONSUMER_EXISTS,
    ON_DEMAND,
    ELEVENTH_UPDATE,
    RETENTION_MAX,
    RECORD_TOO_LARGE,
    NO_SELECTOR,
    TWO_STREAMS,
    DRY_RUN,
    CONSUMERS_MOST,
    CONSUMERS_CREATING,
    ITERATOR_OF_OTHER,
    TOKEN_AND_OTHER,
    ENCRYPTION,
    TOKEN,
    TOKEN_EXPIRED,
    TAGS_MOST,
    FILTER_SHARD,
    FILTER_TIME,
    FILTER_TAKES,
    ACCOUNT_RATE,
    CEILING,
    CLOSED_SPLIT,
    COUNT_REQUIRED,
    COUNT_REFUSED,
    AUTO_REFUSED,
    ON_DEMAND_QUOTA,
    WARM_REFUSED,
    WARM_COMMITMENT,
    WARM_KEPT,
    PROVISIONED,
    NO_CONSUMER,
    CONSUMER_SELECTOR,
    TWO_CONSUMERS,
    NO_POLICY,
    BAD_POLICY,
    OTHER_ACCOUNT,
    OTHER_REGION,
    REGIONS,
    CONSUMER_GONE,
    STREAM_GONE,
];

pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
pub(crate) const FIRST: &str = "shardId-000000000000";

/// An engine alone, for what takes a time of one's own.
pub(crate) fn engine(limits: Limits) -> Account {
    Account::new(Settings {
        account_id: ACCOUNT.to_owned(),
        region: "us-east-1".to_owned(),
        limits,
        max_memory_bytes: u64::MAX,
    })
}

/// The text with what was meant; stream `s`, the account and its region are known.
pub(crate) fn filled(message: &Message, values: &[(&str, &str)]) -> String {
    let mut text = message.text.to_owned();
    for (name, value) in values
        .iter()
        .chain(&[("S", "s"), ("A", ACCOUNT), ("R", "us-east-1")])
    {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    assert!(!text.contains('{'), "{text} is not filled in");
    text
}

/// An error answer's code and text.
fn said(reply: &Reply) -> (String, String) {
    let body: Json = serde_json::from_slice(&reply.body).expect("a JSON answer");
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (text("__type"), text("message"))
}

#[track_caller]
fn is(reply: &Reply, message: &Message, values: &[(&str, &str)]) {
    let expected = (message.code.to_owned(), filled(message, values));
    assert_eq!((reply.status, said(reply)), (400, expected));
}
