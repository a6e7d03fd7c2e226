//! Every row of the service's conversion texts, and bodies that are not parseable.

use crate::base::Timestamp;
use crate::kinesis::PutBatch;
use crate::wire::{
    Codec, Value, WireError, decode, get_records_fast, is_object, operation, put_records_fast,
};

fn json(name: &str, body: &str) -> Result<Value, WireError> {
    decode(Codec::Json, operation(name).unwrap(), body.as_bytes())
}

fn cbor(name: &str, body: &[u8]) -> Result<Value, WireError> {
    decode(Codec::Cbor, operation(name).unwrap(), body)
}

/// The text of the conversion error of `{"<member>":<value>}`.
fn text(name: &str, member: &str, value: &str) -> String {
    let error = json(name, &format!(r#"{{"{member}":{value}}}"#)).unwrap_err();
    assert_eq!(
        (error.status, error.code.as_ref()),
        (400, "SerializationException")
    );
    assert!(error.capital_message);
    error.message.unwrap()
}

const NUMBER: &str = "class com.amazon.coral.value.json.numbers.TruncatingBigNumber";
const STRING: &str = "class java.lang.String";
const BOOLEAN: &str = "class java.lang.Boolean";

#[test]
fn unknown_members_are_dropped_and_null_is_absent() {
    let value = json(
        "ListStreams",
        r#"{"Limit":null,"Nonsense":{"a":[1,{}]},"NextToken":"x"}"#,
    );
    assert_eq!(value, Ok(Value::structure().with("NextToken", "x")));
}

#[test]
fn integers_are_floored_and_clamped() {
    for (given, read) in [
        ("7", 7),
        ("7.9", 7),
        ("-0.5", -1),
        ("1e3", 1_000),
        ("2147483648", i64::from(i32::MAX)),
        ("99999999999999999999999", i64::from(i32::MAX)),
        ("-99999999999", i64::from(i32::MIN)),
    ] {
        let value = json("ListStreams", &format!(r#"{{"Limit":{given}}}"#)).unwrap();
        assert_eq!(value.i64("Limit"), Some(read), "{given}");
    }
}

#[test]
fn a_number_or_a_boolean_is_no_string() {
    let expected = |class| format!("{class} can not be converted to an String");
    assert_eq!(text("DeleteStream", "StreamName", "1"), expected(NUMBER));
    assert_eq!(
        text("DeleteStream", "StreamName", "true"),
        expected(BOOLEAN)
    );
}

#[test]
fn a_string_or_a_boolean_is_no_integer() {
    let expected = |class| format!("{class} can not be converted to an Integer");
    assert_eq!(text("ListStreams", "Limit", r#""1""#), expected(STRING));
    assert_eq!(text("ListStreams", "Limit", "false"), expected(BOOLEAN));
}

#[test]
fn a_number_or_a_string_is_no_boolean() {
    let expected = |class| format!("{class} can not be converted to an Boolean");
    assert_eq!(text("PutRecords", "DryRun", "1"), expected(NUMBER));
    assert_eq!(text("PutRecords", "DryRun", r#""true""#), expected(STRING));
}

#[test]
fn a_string_or_a_boolean_is_no_timestamp() {
    let expected = |class| format!("{class} can not be converted to milliseconds since epoch");
    assert_eq!(
        text("GetShardIterator", "Timestamp", r#""2026""#),
        expected(STRING)
    );
    assert_eq!(
        text("GetShardIterator", "Timestamp", "true"),
        expected(BOOLEAN)
    );
}

#[test]
fn a_number_or_a_boolean_is_no_blob() {
    let expected = |class| format!("{class} can not be converted to a Blob");
    assert_eq!(text("PutRecord", "Data", "1"), expected(NUMBER));
    assert_eq!(text("PutRecord", "Data", "true"), expected(BOOLEAN));
}

#[test]
fn an_array_where_a_scalar_stands_is_the_start_of_a_list() {
    let expected = "Start of list found where not expected";
    for (name, member) in [
        ("DeleteStream", "StreamName"),
        ("ListStreams", "Limit"),
        ("PutRecord", "Data"),
        ("PutRecords", "DryRun"),
        ("GetShardIterator", "Timestamp"),
        ("AddTagsToStream", "Tags"),
        ("ListShards", "ShardFilter"),
    ] {
        assert_eq!(text(name, member, "[]"), expected);
    }
}

#[test]
fn an_object_where_a_scalar_or_a_list_stands_is_the_start_of_a_structure() {
    let expected = "Start of structure or map found where not expected.";
    for (name, member) in [
        ("DeleteStream", "StreamName"),
        ("ListStreams", "Limit"),
        ("PutRecord", "Data"),
        ("PutRecords", "Records"),
    ] {
        assert_eq!(text(name, member, "{}"), expected);
    }
}

#[test]
fn a_scalar_where_a_list_a_map_or_a_structure_stands_is_told_what_was_expected() {
    for value in ["1", "true", r#""x""#] {
        assert_eq!(
            text("PutRecords", "Records", value),
            "Expected list or null"
        );
        assert_eq!(
            text("AddTagsToStream", "Tags", value),
            "Expected map or null"
        );
        assert_eq!(text("ListShards", "ShardFilter", value), "Expected null");
    }
}

#[test]
fn bad_base64_names_the_value_and_the_fault() {
    let value = text("PutRecord", "Data", r#""YQ=""#);
    let expected = "'YQ=' can not be converted to a Blob: \
                    Base64 encoded length is expected a multiple of 4 bytes but found: 3";
    assert_eq!(value, expected);
}

#[test]
fn the_first_wrong_value_is_told_and_a_body_that_breaks_later_is_not_parseable() {
    let body = r#"{"StreamName":1,"Limit":"x"}"#;
    let error = json("DescribeStream", body).unwrap_err();
    assert_eq!(
        error.message,
        Some(format!("{NUMBER} can not be converted to an String"))
    );
    let error = json("DescribeStream", r#"{"StreamName":1,"Limit":}"#).unwrap_err();
    assert_eq!(error, WireError::unparseable());
}

#[test]
fn what_is_not_an_object_is_refused_without_a_message() {
    for body in [
        "",
        " ",
        "[]",
        "1",
        "\"x\"",
        "null",
        "{",
        "{}x",
        "{\"a\":1,}",
        "{'a':1}",
    ] {
        assert_eq!(
            json("ListStreams", body),
            Err(WireError::unparseable()),
            "{body}"
        );
        assert!(!is_object(Codec::Json, body.as_bytes()));
    }
    for body in [
        &b""[..],
        b"\x80",
        b"\x01",
        b"\xa1\x61a",
        b"\xa0\x00",
        b"\xbf",
        b"\xa1\x01\x01",
        b"\xf6",
    ] {
        assert_eq!(
            cbor("ListStreams", body),
            Err(WireError::unparseable()),
            "{body:?}"
        );
        assert!(!is_object(Codec::Cbor, body));
    }
    assert!(is_object(Codec::Json, b" {} ") && is_object(Codec::Cbor, b"\xbf\xff"));
}

#[test]
fn json_times_are_seconds_with_a_fraction_or_an_exponent() {
    let expected = Timestamp::from_millis(1_506_440_188_749);
    for given in ["1506440188.749", "1.506440188749E9", "1506440188749e-3"] {
        let value = json("GetShardIterator", &format!(r#"{{"Timestamp":{given}}}"#)).unwrap();
        assert_eq!(value.timestamp("Timestamp"), Some(expected), "{given}");
    }
    for (given, read) in [
        ("-1", Timestamp::ZERO),
        ("1e300", Timestamp::from_millis(u64::MAX / 1_000_000)),
    ] {
        let value = json("GetShardIterator", &format!(r#"{{"Timestamp":{given}}}"#)).unwrap();
        assert_eq!(value.timestamp("Timestamp"), Some(read), "{given}");
    }
}

#[test]
fn cbor_times_are_tag_1_and_milliseconds_as_captured() {
    let mut body = b"\xbf\x69Timestamp".to_vec();
    body.extend_from_slice(&[0xc1, 0x1b, 0, 0, 0x01, 0xa0, 0x13, 0xac, 0xcc, 0x38, 0xff]);
    let value = cbor("GetShardIterator", &body).unwrap();
    let expected = Timestamp::from_millis(0x01a0_13ac_cc38);
    assert_eq!(value.timestamp("Timestamp"), Some(expected));
}

#[test]
fn cbor_takes_indefinite_lengths_and_text_for_blobs_and_refuses_as_json_does() {
    // {_ "StreamName": (_ "a", "b"), "Data": (_ h'01', h'0203'), "PartitionKey": undefined}
    let body = b"\xbf\x6aStreamName\x7f\x61a\x61b\xff\x64Data\x5f\x41\x01\x42\x02\x03\xff\x6cPartitionKey\xf7\xff";
    let value = cbor("PutRecord", body).unwrap();
    assert_eq!(value.str("StreamName"), Some("ab"));
    assert_eq!(
        &value.get("Data").unwrap().as_blob().unwrap()[..],
        [1, 2, 3]
    );
    assert_eq!(value.get("PartitionKey"), None);
    let value = cbor("PutRecord", b"\xa1\x64Data\x64YQ==").unwrap();
    assert_eq!(&value.get("Data").unwrap().as_blob().unwrap()[..], b"a");
    let error = cbor("PutRecord", b"\xa1\x64Data\x01").unwrap_err();
    assert_eq!(
        error.message,
        Some(format!("{NUMBER} can not be converted to a Blob"))
    );
    assert!(error.capital_message);
}

#[test]
fn deep_nesting_is_refused() {
    for depth in [200usize, 100_000] {
        let body = format!(
            r#"{{"Unknown":{}{}}}"#,
            "[".repeat(depth),
            "]".repeat(depth)
        );
        assert_eq!(json("ListStreams", &body), Err(WireError::unparseable()));
        let mut body = b"\xa1\x61u".to_vec();
        body.extend(std::iter::repeat_n(0x81, depth));
        body.push(0x01);
        assert_eq!(cbor("ListStreams", &body), Err(WireError::unparseable()));
        let tags = [b"\xa1\x61u".to_vec(), vec![0xc6; depth], vec![1]].concat();
        assert_eq!(cbor("ListStreams", &tags), Err(WireError::unparseable()));
    }
    let shallow = format!(r#"{{"Unknown":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    assert!(json("ListStreams", &shallow).is_ok());
}

#[test]
fn hostile_lengths_are_refused_at_once() {
    let mut batch = PutBatch::new();
    for length in [
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let body = [b"\xa1\x64Data".as_slice(), length].concat();
        assert_eq!(cbor("PutRecord", &body), Err(WireError::unparseable()));
        let body = [b"\xa1\x67Records".as_slice(), length].concat();
        assert_eq!(cbor("PutRecords", &body), Err(WireError::unparseable()));
        assert_eq!(put_records_fast(Codec::Cbor, &body, &mut batch), None);
        assert_eq!(get_records_fast(Codec::Cbor, &body), None);
    }
}
