//! What is known of tags, monitoring, encryption, policies and record sizes.

use std::time::Duration;

use streamgauge::kinesis::operation::{
    EncryptionType, IteratorPosition, ShardMetric, StreamStatus, Tags,
};
use streamgauge::kinesis::{ErrorCode, HashKey, Limits};

use crate::{
    AT_ONCE, MIB, STREAM, assert_refused, at, iterator, put, put_at, read, read_from, split,
    with_stream,
};

const STREAM_ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn a_stream_has_up_to_50_tags_listed_by_key_and_shared_with_its_arn() {
    let account = with_stream(Limits::off(), 1);
    let mut limits = Limits::off();
    limits.set_cap(
        streamgauge::kinesis::quotas::CapName::TagsPerResource,
        Some(3),
    );
    let few = with_stream(limits, 1);
    let add = |pairs: &[(&str, &str)]| few.add_tags_to_stream(at(0), STREAM, &tags(pairs));
    add(&[("a", "1"), ("b", "2"), ("c", "3")]).unwrap();
    add(&[("a", "4")]).unwrap();
    assert_refused(
        add(&[("d", "5")]),
        ErrorCode::InvalidArgument,
        "Failed to add tags to stream orders under account 123456789012 because a given stream cannot have more than 3 \
         tags associated with it.",
    );
    account
        .tag_resource(
            at(0),
            STREAM_ARN,
            &tags(&[("b", "2"), ("a", "1"), ("c", "")]),
        )
        .unwrap();
    let page = account
        .list_tags_for_stream(at(0), STREAM, Some(1), Some("a"))
        .unwrap();
    assert_eq!(page.tags, [("b".to_owned(), "2".to_owned())]);
    assert!(page.has_more);
    let gone = ["a".to_owned(), "unknown".to_owned()];
    account
        .remove_tags_from_stream(at(0), STREAM, &gone)
        .unwrap();
    account
        .untag_resource(at(0), STREAM_ARN, &["c".to_owned()])
        .unwrap();
    assert_eq!(
        account.list_tags_for_resource(at(0), STREAM_ARN).unwrap(),
        tags(&[("b", "2")])
    );
    assert_refused(
        account.add_tags_to_stream(at(0), STREAM, &tags(&[("a;", "")])),
        ErrorCode::InvalidArgument,
        "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.",
    );
    let other = STREAM_ARN.replace("123456789012", "210987654321");
    let refused = account.list_tags_for_resource(at(0), &other);
    assert_eq!(refused.unwrap_err().code, ErrorCode::AccessDenied);
}

#[test]
fn monitoring_answers_the_metrics_before_and_after() {
    let account = with_stream(Limits::aws(), 1);
    let some = [ShardMetric::OutgoingBytes, ShardMetric::IncomingBytes];
    let on = account
        .enable_enhanced_monitoring(at(0), STREAM, &some)
        .unwrap();
    assert_eq!((on.current.len(), on.desired.len()), (0, 2));
    let off = account
        .disable_enhanced_monitoring(at(0), STREAM, &some[..1])
        .unwrap();
    assert_eq!(off.current, on.desired);
    assert_eq!(off.desired, [ShardMetric::IncomingBytes]);
    let seen = account.describe_stream(at(0), STREAM, None, None).unwrap();
    assert_eq!(seen.configuration.metrics, off.desired);
}

#[test]
fn encryption_takes_its_time_shows_on_answers_and_starts_25_times_a_day() {
    let account = with_stream(Limits::aws(), 1);
    let takes = Duration::from_secs(5);
    account
        .start_stream_encryption(at(0), takes, STREAM, "alias/aws/kinesis")
        .unwrap();
    let status = |ms| {
        let summary = account.describe_stream_summary(at(ms), STREAM).unwrap();
        (summary.status, summary.configuration.encryption.kind())
    };
    assert_eq!(status(1), (StreamStatus::Updating, EncryptionType::None));
    let busy = account.stop_stream_encryption(at(1), takes, STREAM);
    assert_eq!(busy.unwrap_err().code, ErrorCode::ResourceInUse);
    assert_eq!(status(5_000), (StreamStatus::Active, EncryptionType::Kms));
    put(&account, at(5_000), b"x").unwrap();
    assert_eq!(account.encryption_type(STREAM), EncryptionType::Kms);
    let page = read_from(&account, at(5_000), 0, IteratorPosition::TrimHorizon);
    assert!(page.encrypted.holds(0));
    let start = |ms| account.start_stream_encryption(at(ms), AT_ONCE, STREAM, "key");
    for number in 1..25 {
        start(5_000 + number).unwrap();
    }
    assert_eq!(start(6_000).unwrap_err().code, ErrorCode::LimitExceeded);
    start(86_400_000).unwrap();
    account
        .stop_stream_encryption(at(86_400_000), AT_ONCE, STREAM)
        .unwrap();
    assert_eq!(account.encryption_type(STREAM), EncryptionType::None);
}

#[test]
fn a_record_keeps_the_encryption_of_the_time_at_which_it_was_put() {
    let account = with_stream(Limits::off(), 1);
    put(&account, at(0), b"before").unwrap();
    account
        .start_stream_encryption(at(1), AT_ONCE, STREAM, "key")
        .unwrap();
    put(&account, at(2), b"during").unwrap();
    // The shard that goes on is encrypted too, without a call of its own.
    split(&account, at(3), AT_ONCE, 0).unwrap();
    put_at(&account, at(4), HashKey(0));
    account
        .stop_stream_encryption(at(5), AT_ONCE, STREAM)
        .unwrap();
    put_at(&account, at(6), HashKey(0));
    let encrypted = |shard| {
        let page = read_from(&account, at(7), shard, IteratorPosition::TrimHorizon);
        let each = 0..page.records.len();
        each.map(|index| page.encrypted.holds(index))
            .collect::<Vec<_>>()
    };
    assert_eq!(encrypted(0), [false, true]);
    assert_eq!(encrypted(1), [true, false]);
    // A page that begins later counts from its own beginning.
    let latest = iterator(&account, at(8), 1, IteratorPosition::Latest);
    put_at(&account, at(9), HashKey(0));
    assert!(!read(&account, at(9), &latest).encrypted.holds(0));
}

#[test]
fn a_policy_is_kept_as_it_was_put_until_it_is_deleted() {
    let account = with_stream(Limits::aws(), 1);
    let missing = |ms| {
        let policy = account.get_resource_policy(at(ms), STREAM_ARN);
        policy.unwrap_err().code
    };
    assert_eq!(missing(0), ErrorCode::ResourceNotFound);
    let policy = "{ \"Version\": \"2012-10-17\" }";
    account
        .put_resource_policy(at(0), STREAM_ARN, policy)
        .unwrap();
    assert_eq!(
        account.get_resource_policy(at(0), STREAM_ARN).unwrap(),
        policy
    );
    let refused = account.put_resource_policy(at(0), STREAM_ARN, "none");
    assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidArgument);
    account.delete_resource_policy(at(0), STREAM_ARN).unwrap();
    assert_eq!(missing(1_000), ErrorCode::ResourceNotFound);
}

#[test]
fn a_larger_record_size_lets_larger_records_pass_and_the_burst_with_them() {
    let account = with_stream(Limits::aws(), 1);
    let large = vec![0; 3 * MIB];
    assert_eq!(
        put(&account, at(0), &large).unwrap_err().code,
        ErrorCode::Validation
    );
    account
        .update_max_record_size(at(0), STREAM, 10 << 20)
        .unwrap();
    assert_eq!(
        put(&account, at(0), &large).unwrap_err().code,
        ErrorCode::ProvisionedThroughputExceeded
    );
    put(&account, at(3_000), &large).unwrap();
    let refused = account.update_max_record_size(at(3_000), STREAM, 1_000);
    assert_eq!(refused.unwrap_err().code, ErrorCode::Validation);
    let summary = account.describe_stream_summary(at(3_000), STREAM).unwrap();
    assert_eq!(summary.max_record_bytes, 10 << 20);
}
