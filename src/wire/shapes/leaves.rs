//! The service's named values: strings with their lengths and patterns, numbers with their ranges, enums, and lists
//! and maps of these. Source: botocore 1.44.5, service model `kinesis/2013-12-02`, whose names they bear.

use super::{ANY_INTEGER, ANY_TEXT, Shape, integer, matching, one_of, text};
use crate::wire::pattern::Pattern;

pub(super) const STREAM_NAME: Shape = matching(Pattern::Name, 1, 128);
pub(super) const TAG_KEY: Shape = text(1, 128);
pub(super) const TAG_VALUE: Shape = text(0, 256);
pub(super) const TAG_MAP: Shape = Shape::Map {
    key: &TAG_KEY,
    value: &TAG_VALUE,
    min: 1,
    max: 200,
};
pub(super) const STREAM_ARN: Shape = matching(Pattern::StreamArn, 1, 2_048);
pub(super) const STREAM_ID: Shape = matching(Pattern::StreamId, 1, 24);
pub(super) const POSITIVE_INTEGER_OBJECT: Shape = integer(1, i32::MAX);
pub(super) const STREAM_MODE: Shape = one_of(&["PROVISIONED", "ON_DEMAND"]);
pub(super) const NATURAL_INTEGER_OBJECT: Shape = integer(0, i32::MAX);
pub(super) const MAX_RECORD_SIZE_IN_KIB: Shape = integer(1_024, 10_240);
pub(super) const RECORD_DISTRIBUTION_STRATEGY: Shape = one_of(&["AUTO", "USER_PARTITION_KEY"]);
pub(super) const RETENTION_PERIOD_HOURS: Shape = ANY_INTEGER;
pub(super) const RESOURCE_ARN: Shape = matching(Pattern::ResourceArn, 1, 2_048);
pub(super) const BOOLEAN_OBJECT: Shape = Shape::Boolean;
pub(super) const CONSUMER_NAME: Shape = matching(Pattern::Name, 1, 128);
pub(super) const CONSUMER_ARN: Shape = matching(Pattern::ConsumerArn, 1, 2_048);
pub(super) const MINIMUM_THROUGHPUT_BILLING_COMMITMENT_OUTPUT_STATUS: Shape =
    one_of(&["ENABLED", "DISABLED", "ENABLED_UNTIL_EARLIEST_ALLOWED_END"]);
pub(super) const TIMESTAMP: Shape = Shape::Timestamp;
pub(super) const SHARD_COUNT_OBJECT: Shape = integer(0, 1_000_000);
pub(super) const ON_DEMAND_STREAM_COUNT_OBJECT: Shape = integer(0, 1_000_000);
pub(super) const ON_DEMAND_STREAM_COUNT_LIMIT_OBJECT: Shape = integer(0, 1_000_000);
pub(super) const CHANNEL_COUNT_OBJECT: Shape = integer(0, 1_000_000);
pub(super) const DESCRIBE_STREAM_INPUT_LIMIT: Shape = integer(1, 10_000);
pub(super) const SHARD_ID: Shape = matching(Pattern::Name, 1, 128);
pub(super) const STREAM_STATUS: Shape = one_of(&["CREATING", "DELETING", "ACTIVE", "UPDATING"]);
pub(super) const HASH_KEY: Shape = matching(Pattern::HashKey, 0, usize::MAX);
pub(super) const SEQUENCE_NUMBER: Shape = matching(Pattern::SequenceNumber, 0, usize::MAX);
pub(super) const METRICS_NAME: Shape = one_of(&[
    "IncomingBytes",
    "IncomingRecords",
    "OutgoingBytes",
    "OutgoingRecords",
    "WriteProvisionedThroughputExceeded",
    "ReadProvisionedThroughputExceeded",
    "IteratorAgeMilliseconds",
    "ALL",
]);
pub(super) const METRICS_NAME_LIST: Shape = Shape::List {
    member: &METRICS_NAME,
    min: 1,
    max: 7,
};
pub(super) const ENCRYPTION_TYPE: Shape = one_of(&["NONE", "KMS"]);
pub(super) const KEY_ID: Shape = text(1, 2_048);
pub(super) const CONSUMER_STATUS: Shape = one_of(&["CREATING", "DELETING", "ACTIVE"]);
pub(super) const CONSUMER_COUNT_OBJECT: Shape = integer(0, 1_000_000);
pub(super) const QUEUE_COUNT_OBJECT: Shape = integer(0, 1_000_000);
pub(super) const SHARD_ITERATOR: Shape = text(1, 512);
pub(super) const GET_RECORDS_INPUT_LIMIT: Shape = integer(1, 10_000);
pub(super) const DATA: Shape = Shape::Blob { max: 10_485_760 };
pub(super) const PARTITION_KEY: Shape = text(1, 256);
pub(super) const MILLIS_BEHIND_LATEST: Shape = Shape::Long;
pub(super) const SHARD_ID_LIST: Shape = Shape::List {
    member: &SHARD_ID,
    min: 0,
    max: usize::MAX,
};
pub(super) const POLICY: Shape = ANY_TEXT;
/// In the order in which the service lists them in errors (kinesalite, production of 2020).
pub(super) const SHARD_ITERATOR_TYPE: Shape = one_of(&[
    "AFTER_SEQUENCE_NUMBER",
    "LATEST",
    "AT_TIMESTAMP",
    "AT_SEQUENCE_NUMBER",
    "TRIM_HORIZON",
]);
pub(super) const NEXT_TOKEN: Shape = text(1, 1_048_576);
pub(super) const LIST_SHARDS_INPUT_LIMIT: Shape = integer(1, 10_000);
pub(super) const SHARD_FILTER_TYPE: Shape = one_of(&[
    "AFTER_SHARD_ID",
    "AT_TRIM_HORIZON",
    "FROM_TRIM_HORIZON",
    "AT_LATEST",
    "AT_TIMESTAMP",
    "FROM_TIMESTAMP",
]);
pub(super) const LIST_STREAM_CONSUMERS_INPUT_LIMIT: Shape = integer(1, 10_000);
pub(super) const LIST_STREAMS_INPUT_LIMIT: Shape = integer(1, 10_000);
pub(super) const STREAM_NAME_LIST: Shape = Shape::List {
    member: &STREAM_NAME,
    min: 0,
    max: usize::MAX,
};
pub(super) const LIST_TAGS_FOR_STREAM_INPUT_LIMIT: Shape = integer(1, 50);
pub(super) const ERROR_CODE: Shape = ANY_TEXT;
pub(super) const ERROR_MESSAGE: Shape = ANY_TEXT;
pub(super) const TAG_KEY_LIST: Shape = Shape::List {
    member: &TAG_KEY,
    min: 1,
    max: 50,
};
pub(super) const MINIMUM_THROUGHPUT_BILLING_COMMITMENT_INPUT_STATUS: Shape =
    one_of(&["ENABLED", "DISABLED"]);
pub(super) const SCALING_TYPE: Shape = one_of(&["UNIFORM_SCALING"]);
