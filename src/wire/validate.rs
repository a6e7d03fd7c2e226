//! What the service says of values outside their bounds, before it looks at streams: ValidationException.
//!
//! Texts, paths and the cap of ten are kinesalite's, from the service (confirmed by logs in kinesis-aggregation issue 30
//! and osquery issue 3568). The service gives errors in no fixed order; here they stand in the order of the model.

use std::fmt::{self, Write as _};

use super::codec::{Codec, encode_value};
use super::error::WireError;
use super::shapes::{Member, Operation, Shape};
use super::value::Value;

/// How many errors one answer reports.
const ERRORS_MAX: usize = 10;

const NOT_NULL: &str = "Member must not be null";

/// Holds an input against its operation's table.
///
/// # Errors
/// ValidationException with up to ten errors.
pub fn validate(operation: &Operation, input: &Value) -> Result<(), WireError> {
    let mut check = Check::default();
    check.members(operation.input.members(), input);
    if check.errors.is_empty() {
        return Ok(());
    }
    let count = check.errors.len();
    let plural = if count == 1 { "" } else { "s" };
    let errors = check.errors.join("; ");
    let message = format!("{count} validation error{plural} detected: {errors}");
    Err(WireError::new("ValidationException", message))
}

#[derive(Default)]
struct Check {
    /// Where the value that is looked at stands.
    path: Vec<Step>,
    errors: Vec<String>,
}

#[derive(Clone, Copy)]
enum Step {
    Member(&'static str),
    /// Counted from 1.
    Element(usize),
}

impl Check {
    fn is_full(&self) -> bool {
        self.errors.len() >= ERRORS_MAX
    }

    fn refuse(&mut self, shape: &Shape, value: &Value, constraint: fmt::Arguments<'_>) {
        if self.is_full() {
            return;
        }
        let mut text = "Value ".to_owned();
        if *value == Value::Null {
            text.push_str("null");
        } else {
            text.push('\'');
            show(&mut text, shape, value);
            text.push('\'');
        }
        text.push_str(" at '");
        for (index, step) in self.path.iter().enumerate() {
            if index > 0 {
                text.push('.');
            }
            match step {
                Step::Member(name) => {
                    let (first, rest) = name.split_at(1);
                    text.push_str(&first.to_ascii_lowercase());
                    text.push_str(rest);
                }
                // Writing to memory does not fail.
                Step::Element(number) => drop(write!(text, "{number}.member")),
            }
        }
        let _ = write!(text, "' failed to satisfy constraint: {constraint}");
        self.errors.push(text);
    }

    fn members(&mut self, members: &'static [Member], structure: &Value) {
        for member in members {
            self.path.push(Step::Member(member.name));
            match structure.get(member.name) {
                Some(value) => self.value(member.shape, value),
                None if member.required => {
                    self.refuse(member.shape, &Value::Null, format_args!("{NOT_NULL}"));
                }
                None => {}
            }
            self.path.pop();
            if self.is_full() {
                return;
            }
        }
    }

    fn value(&mut self, shape: &'static Shape, value: &Value) {
        match (shape, value) {
            (Shape::Structure { members, .. }, Value::Structure(_)) => {
                self.members(members, value);
            }
            (&Shape::List { member, min, max }, Value::List(values)) => {
                self.length(shape, value, values.len(), min, max);
                self.elements(shape, member, value, values);
            }
            (
                Shape::Map {
                    key,
                    value: of,
                    min,
                    max,
                },
                Value::Map(entries),
            ) => {
                self.length(shape, value, entries.len(), *min, *max);
                if !entries.iter().all(|(text, _)| is_text_within(key, text)) {
                    let all = Constraints(key);
                    self.refuse(
                        shape,
                        value,
                        format_args!("Map keys must satisfy constraint: [{all}]"),
                    );
                }
                if !entries.iter().all(|(_, value)| is_within(of, value)) {
                    let all = Constraints(of);
                    self.refuse(
                        shape,
                        value,
                        format_args!("Map value must satisfy constraint: [{all}]"),
                    );
                }
            }
            (
                &Shape::String {
                    min,
                    max,
                    pattern,
                    one_of,
                },
                Value::String(text),
            ) => {
                if let Some(pattern) = pattern.filter(|pattern| !pattern.matches(text)) {
                    let pattern = pattern.as_str();
                    self.refuse(
                        shape,
                        value,
                        format_args!("Member must satisfy regular expression pattern: {pattern}"),
                    );
                }
                self.length(shape, value, characters(text, max), min, max);
                if !one_of.is_empty() && !one_of.contains(&text.as_str()) {
                    let set = EnumSet(one_of);
                    self.refuse(shape, value, format_args!("{set}"));
                }
            }
            (&Shape::Integer { min, max }, &Value::Integer(number)) => {
                if number < i64::from(min) {
                    self.refuse(
                        shape,
                        value,
                        format_args!("Member must have value greater than or equal to {min}"),
                    );
                }
                if number > i64::from(max) {
                    self.refuse(
                        shape,
                        value,
                        format_args!("Member must have value less than or equal to {max}"),
                    );
                }
            }
            (&Shape::Blob { max }, Value::Blob(bytes)) => {
                self.length(shape, value, bytes.len(), 0, max);
            }
            (_, Value::Null) => self.refuse(shape, value, format_args!("{NOT_NULL}")),
            _ => {}
        }
    }

    fn elements(&mut self, shape: &Shape, member: &'static Shape, list: &Value, values: &[Value]) {
        if let Shape::Structure { .. } = member {
            for (index, value) in values.iter().enumerate() {
                if self.is_full() {
                    return;
                }
                self.path.push(Step::Element(index + 1));
                self.value(member, value);
                self.path.pop();
            }
        } else if !values.iter().all(|value| is_within(member, value)) {
            let all = Constraints(member);
            self.refuse(
                shape,
                list,
                format_args!("Member must satisfy constraint: [{all}]"),
            );
        }
    }

    fn length(&mut self, shape: &Shape, value: &Value, length: usize, min: usize, max: usize) {
        if length < min {
            self.refuse(
                shape,
                value,
                format_args!("Member must have length greater than or equal to {min}"),
            );
        }
        if length > max {
            self.refuse(
                shape,
                value,
                format_args!("Member must have length less than or equal to {max}"),
            );
        }
    }
}

/// Characters are code points; whether the service counts UTF-16 units instead is unverified.
fn characters(text: &str, max: usize) -> usize {
    if text.is_empty() || max == usize::MAX {
        text.len()
    } else {
        text.chars().count()
    }
}

fn is_within(shape: &Shape, value: &Value) -> bool {
    match value {
        Value::String(text) => is_text_within(shape, text),
        Value::Null => false,
        _ => true,
    }
}

fn is_text_within(shape: &Shape, text: &str) -> bool {
    let &Shape::String {
        min,
        max,
        pattern,
        one_of,
    } = shape
    else {
        return true;
    };
    (min..=max).contains(&characters(text, max))
        && pattern.is_none_or(|pattern| pattern.matches(text))
        && (one_of.is_empty() || one_of.contains(&text))
}

/// All that a text must satisfy, as it is listed for elements, keys and values.
struct Constraints<'a>(&'a Shape);

impl fmt::Display for Constraints<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let &Shape::String {
            min,
            max,
            pattern,
            one_of,
        } = self.0
        else {
            return f.write_str(NOT_NULL);
        };
        let mut separator = "";
        if max < usize::MAX {
            write!(
                f,
                "Member must have length less than or equal to {max}, \
                 Member must have length greater than or equal to {min}"
            )?;
            separator = ", ";
        }
        if let Some(pattern) = pattern {
            let pattern = pattern.as_str();
            write!(
                f,
                "{separator}Member must satisfy regular expression pattern: {pattern}"
            )?;
            separator = ", ";
        }
        if !one_of.is_empty() {
            write!(f, "{separator}{}", EnumSet(one_of))?;
        }
        Ok(())
    }
}

struct EnumSet(&'static [&'static str]);

impl fmt::Display for EnumSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.0.join(", ");
        write!(f, "Member must satisfy enum value set: [{values}]")
    }
}

/// How many elements of a list or map are shown: more than any valid one has, so that only hostile bodies are cut.
const SHOWN_MAX: usize = 2_000;

/// A value as Java's `toString` shows it.
fn show(text: &mut String, shape: &Shape, value: &Value) {
    // Writing to memory does not fail.
    let _ = match (shape, value) {
        (_, Value::String(value)) => write!(text, "{value}"),
        (_, Value::Integer(number)) => write!(text, "{number}"),
        (_, Value::Double(number)) => write!(text, "{number}"),
        (_, Value::Bool(value)) => write!(text, "{value}"),
        (_, Value::Blob(bytes)) => {
            let length = bytes.len();
            write!(
                text,
                "java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]"
            )
        }
        (_, Value::Timestamp(time)) => write!(text, "{}", time.as_millis()),
        (Shape::List { member, .. }, Value::List(values)) => {
            text.push('[');
            for (index, value) in values.iter().take(SHOWN_MAX).enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                show(text, member, value);
            }
            write!(text, "]")
        }
        (Shape::Map { value: of, .. }, Value::Map(entries)) => {
            text.push('{');
            for (index, (key, value)) in entries.iter().take(SHOWN_MAX).enumerate() {
                let separator = if index > 0 { ", " } else { "" };
                let _ = write!(text, "{separator}{key}=");
                show(text, of, value);
            }
            write!(text, "}}")
        }
        (Shape::Structure { name, .. }, Value::Structure(_)) => {
            // Java's identity hash differs from run to run; this one is the same for the same content.
            let hash = crc32fast::hash(&encode_value(Codec::Cbor, value));
            write!(text, "com.amazonaws.kinesis.v20131202.{name}@{hash:x}")
        }
        _ => write!(text, "null"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{decode, operation};

    /// The errors of a JSON input, without the head.
    fn errors(name: &str, json: &str) -> Vec<String> {
        let operation = operation(name).unwrap();
        let input = decode(Codec::Json, operation, json.as_bytes()).unwrap();
        let Err(error) = validate(operation, &input) else {
            return Vec::new();
        };
        assert_eq!(
            (error.status, error.code.as_ref()),
            (400, "ValidationException")
        );
        assert!(!error.capital_message);
        let message = error.message.unwrap();
        let (head, errors) = message.split_once(" detected: ").unwrap();
        let errors: Vec<_> = errors.split("; ").map(str::to_owned).collect();
        let plural = if errors.len() == 1 { "" } else { "s" };
        assert_eq!(head, format!("{} validation error{plural}", errors.len()));
        errors
    }

    #[test]
    fn a_missing_member_is_shown_as_null_without_quotes() {
        assert_eq!(
            errors("CreateStream", "{}"),
            ["Value null at 'streamName' failed to satisfy constraint: Member must not be null"]
        );
        assert_eq!(
            errors(
                "GetShardIterator",
                r#"{"ShardId":null,"ShardIteratorType":"LATEST"}"#
            ),
            ["Value null at 'shardId' failed to satisfy constraint: Member must not be null"]
        );
    }

    #[test]
    fn numbers_out_of_range_name_the_bound() {
        assert_eq!(
            errors("ListStreams", r#"{"Limit":0}"#),
            [
                "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"
            ]
        );
        assert_eq!(
            errors("ListStreams", r#"{"Limit":10001}"#),
            ["Value '10001' at 'limit' failed to satisfy constraint: \
                 Member must have value less than or equal to 10000"]
        );
    }

    #[test]
    fn an_empty_string_breaks_both_pattern_and_length() {
        assert_eq!(
            errors("DeleteStream", r#"{"StreamName":""}"#),
            [
                "Value '' at 'streamName' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                "Value '' at 'streamName' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1"
            ]
        );
    }

    #[test]
    fn a_long_string_is_counted_in_characters() {
        let put = |key: &str| {
            let json = format!(r#"{{"StreamName":"s","Data":"","PartitionKey":"{key}"}}"#);
            errors("PutRecord", &json)
        };
        assert!(put(&"é".repeat(256)).is_empty());
        let key = "é".repeat(257);
        assert_eq!(
            put(&key),
            [format!(
                "Value '{key}' at 'partitionKey' failed to satisfy constraint: \
                 Member must have length less than or equal to 256"
            )]
        );
    }

    #[test]
    fn an_unknown_enum_value_is_shown_the_whole_set() {
        assert_eq!(
            errors(
                "GetShardIterator",
                r#"{"ShardId":"0","ShardIteratorType":"NOW"}"#
            ),
            [
                "Value 'NOW' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: \
                 [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]"
            ]
        );
    }

    #[test]
    fn paths_count_list_elements_from_one_and_go_into_structures() {
        let json = r#"{"StreamName":"s","Records":[{"Data":"","PartitionKey":"k"},{"Data":"","PartitionKey":""}]}"#;
        assert_eq!(
            errors("PutRecords", json),
            [
                "Value '' at 'records.2.member.partitionKey' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1"
            ]
        );
        let json =
            r#"{"StreamARN":"arn:aws:kinesis:r:123456789012:stream/s","StreamModeDetails":{}}"#;
        assert_eq!(
            errors("UpdateStreamMode", json),
            [
                "Value null at 'streamModeDetails.streamMode' failed to satisfy constraint: \
                 Member must not be null"
            ]
        );
        assert_eq!(
            errors("PutRecords", r#"{"StreamName":"s","Records":[null]}"#),
            [
                "Value null at 'records.1.member' failed to satisfy constraint: Member must not be null"
            ]
        );
    }

    #[test]
    fn lists_are_shown_in_brackets_and_too_short_or_too_long() {
        assert_eq!(
            errors("RemoveTagsFromStream", r#"{"StreamName":"s","TagKeys":[]}"#),
            ["Value '[]' at 'tagKeys' failed to satisfy constraint: \
                 Member must have length greater than or equal to 1"]
        );
        let keys = vec!["a"; 51];
        let json = format!(
            r#"{{"StreamName":"s","TagKeys":["{}"]}}"#,
            keys.join("\",\"")
        );
        assert_eq!(
            errors("RemoveTagsFromStream", &json),
            [format!(
                "Value '[{}]' at 'tagKeys' failed to satisfy constraint: \
                 Member must have length less than or equal to 50",
                keys.join(", ")
            )]
        );
    }

    #[test]
    fn list_members_are_told_all_their_constraints_once() {
        assert_eq!(
            errors(
                "RemoveTagsFromStream",
                r#"{"StreamName":"s","TagKeys":["a",""]}"#
            ),
            [
                "Value '[a, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: \
                 [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"
            ]
        );
        let json = r#"{"StreamName":"s","ShardLevelMetrics":["ALL","None"]}"#;
        assert_eq!(
            errors("EnableEnhancedMonitoring", json),
            [
                "Value '[ALL, None]' at 'shardLevelMetrics' failed to satisfy constraint: \
                 Member must satisfy constraint: [Member must satisfy enum value set: \
                 [IncomingBytes, IncomingRecords, OutgoingBytes, OutgoingRecords, WriteProvisionedThroughputExceeded, \
                 ReadProvisionedThroughputExceeded, IteratorAgeMilliseconds, ALL]]"
            ]
        );
    }

    #[test]
    fn map_keys_and_values_have_their_own_texts() {
        let long = "v".repeat(257);
        let json = format!(r#"{{"StreamName":"s","Tags":{{"":"{long}","b":"c"}}}}"#);
        let shown = format!("Value '{{={long}, b=c}}' at 'tags' failed to satisfy constraint: ");
        assert_eq!(
            errors("AddTagsToStream", &json),
            [
                format!(
                    "{shown}Map keys must satisfy constraint: [Member must have length less than or equal to 128, \
                     Member must have length greater than or equal to 1]"
                ),
                format!(
                    "{shown}Map value must satisfy constraint: [Member must have length less than or equal to 256, \
                     Member must have length greater than or equal to 0]"
                ),
            ]
        );
    }

    #[test]
    fn structures_are_shown_by_class_and_blobs_by_their_length() {
        let record = r#"{"Data":"","PartitionKey":"k"}"#;
        let json = format!(
            r#"{{"StreamName":"s","Records":[{}]}}"#,
            [record; 501].join(",")
        );
        let errors_of = errors("PutRecords", &json);
        assert_eq!(errors_of.len(), 1);
        let start = "Value '[com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@";
        assert!(errors_of[0].starts_with(start), "{}", &errors_of[0][..100]);
        let end = "]' at 'records' failed to satisfy constraint: Member must have length less than or equal to 500";
        assert!(errors_of[0].ends_with(end));

        let operation = operation("PutRecord").unwrap();
        let data = bytes::Bytes::from(vec![0; 10_485_761]);
        let input = Value::structure()
            .with("PartitionKey", "k")
            .with("Data", data);
        let message = validate(operation, &input).unwrap_err().message.unwrap();
        assert_eq!(
            message,
            "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=10485761 cap=10485761]' at 'data' \
             failed to satisfy constraint: Member must have length less than or equal to 10485760"
        );
    }

    #[test]
    fn an_answer_does_not_grow_with_a_hostile_list() {
        let json = format!(r#"{{"Records":[{}]}}"#, vec!["{}"; 100_000].join(","));
        let size: usize = errors("PutRecords", &json).iter().map(String::len).sum();
        assert!(size < json.len(), "{size} bytes of errors");
    }

    #[test]
    fn at_most_ten_errors_are_reported() {
        let json = format!(
            r#"{{"StreamName":"","Records":[{}]}}"#,
            ["{}"; 20].join(",")
        );
        assert_eq!(errors("PutRecords", &json).len(), 10);
    }
}
