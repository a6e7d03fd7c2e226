//! `send.preset`: how real clients send, each value with its source. What a file gives itself stays as it is.

use serde_json::{Map, Value as Json};

/// A client's settings.
#[derive(Debug)]
struct Preset {
    /// The word in the file.
    name: &'static str,
    values: &'static [Row],
}

/// One of them.
#[derive(Debug)]
struct Row {
    /// The field of a producer: `send.timeout`, or `retry`.
    path: [&'static str; 2],
    /// As JSON.
    value: &'static str,
    source: &'static str,
}

const fn row(path: [&'static str; 2], value: &'static str, source: &'static str) -> Row {
    Row {
        path,
        value,
        source,
    }
}

/// Every preset. Real clients that send batches as the application makes them have no linger and no batch size of their
/// own: those stay the scenario's. So does `max_queued`, which is the generator's.
const PRESETS: [Preset; 3] = [
    Preset {
        name: "kpl",
        values: &[
            row(
                ["send", "api"],
                "\"put-records\"",
                "the KPL puts nothing singly",
            ),
            row(["send", "max_records"], "500", "CollectionMaxCount"),
            row(["send", "max_bytes"], "\"5MiB\"", "CollectionMaxSize"),
            row(
                ["send", "linger"],
                "\"20ms\"",
                "the collector's wait, the lesser of 50 ms and a fifth of RecordMaxBufferedTime",
            ),
            row(
                ["send", "aggregate"],
                r#"{ "max_records": 4294967295, "max_bytes": "51200B", "linger": "100ms" }"#,
                "AggregationMaxCount, AggregationMaxSize, RecordMaxBufferedTime",
            ),
            row(
                ["send", "rate_limit"],
                r#"{ "share": 1.5 }"#,
                "RateLimit, 150 %",
            ),
            row(["send", "max_in_flight"], "24", "MaxConnections"),
            row(["send", "timeout"], "\"6s\"", "RequestTimeout"),
            row(["send", "ordering"], "\"none\"", "the KPL keeps no order"),
            row(
                ["retry", ""],
                r#"{ "kind": "fixed", "of": "record", "attempts": 1000, "base": "0s", "ttl": "30s" }"#,
                "at once, without back-off, until RecordTtl",
            ),
        ],
    },
    Preset {
        name: "aws-sdk-java-2",
        values: &[
            row(
                ["send", "max_in_flight"],
                "50",
                "MaxConnections of the SDK's HTTP clients",
            ),
            row(
                ["send", "timeout"],
                "\"10s\"",
                "the read time-out of its Kinesis client (KinesisHttpConfigurationOptions)",
            ),
            row(
                ["retry", ""],
                r#"{ "kind": "equal-jitter", "of": "call", "attempts": 4, "base": "500ms", "cap": "20s" }"#,
                "LegacyRetryStrategy, its waits after throttling; other failures wait less there: full jitter from 100 ms",
            ),
        ],
    },
    Preset {
        name: "boto3",
        values: &[
            row(
                ["send", "max_in_flight"],
                "10",
                "max_pool_connections of botocore's Config",
            ),
            row(
                ["send", "timeout"],
                "\"60s\"",
                "read_timeout of botocore's Config",
            ),
            row(
                ["retry", ""],
                r#"{ "kind": "full-jitter", "of": "call", "attempts": 5, "base": "1s", "cap": "20s" }"#,
                "retry mode legacy: a random part of 1 s, doubled each time; 4 waits do not reach the cap",
            ),
        ],
    },
];

fn named(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

fn preset_of(producer: &Json) -> Option<&'static Preset> {
    named(producer["send"]["preset"].as_str()?)
}

/// Fills in what a producer's table does not give from its preset, if it names one.
pub(super) fn fill_in(producer: &mut Json) {
    let Some(preset) = preset_of(producer) else {
        return;
    };
    let Some(fields) = producer.as_object_mut() else {
        return;
    };
    for Row { path, value, .. } in preset.values {
        // The literals of the table parse, as its test shows.
        let value: Json = serde_json::from_str(value).unwrap_or_default();
        let [table, field] = *path;
        if !field.is_empty() {
            let table = fields.entry(table).or_insert_with(|| Map::new().into());
            if let Some(table) = table.as_object_mut() {
                table.entry(field).or_insert(value);
            }
            continue;
        }
        match fields.get_mut(table) {
            None => drop(fields.insert(table.to_owned(), value)),
            // Of the same kind: single fields override.
            Some(Json::Object(given)) if given.get("kind") == value.get("kind") => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    given.entry(name.as_str()).or_insert_with(|| value.clone());
                }
            }
            Some(_) => {}
        }
    }
}

/// Where a producer's setting, which the file does not give, has its value from: the preset and its source.
pub(super) fn source(preset: &str, path: &[String]) -> Option<String> {
    let preset = named(preset)?;
    let row = preset.values.iter().find(|row| {
        let [table, field] = row.path;
        path.first().is_some_and(|name| name == table)
            && (field.is_empty() || path.get(1).is_some_and(|name| name == field))
    })?;
    Some(format!("{}: {}", preset.name, row.source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::schema::Producer;
    use serde_json::json;

    fn filled(send: &Json, retry: Option<&Json>) -> Json {
        let mut producer = json!({
            "arrival": { "kind": "constant", "rate": "1/s" },
            "keys": { "kind": "single" },
            "size": { "kind": "fixed", "bytes": "100B" },
            "send": send,
        });
        if let Some(retry) = retry {
            producer["retry"] = retry.clone();
        }
        fill_in(&mut producer);
        producer
    }

    #[test]
    fn every_preset_makes_a_producer_of_just_its_values() {
        for preset in &PRESETS {
            let json = filled(&json!({ "preset": preset.name }), None);
            let producer: Producer = serde_json::from_value(json).unwrap();
            let made = serde_json::to_value(&producer).unwrap();
            for row in preset.values {
                let value: Json = serde_json::from_str(row.value).unwrap();
                let [table, field] = row.path;
                let there = if field.is_empty() {
                    &made[table]
                } else {
                    &made[table][field]
                };
                assert_eq!(there, &value, "{} {:?}", preset.name, row.path);
                assert!(!row.source.is_empty());
            }
        }
    }

    #[test]
    fn what_is_given_stays_and_a_retry_of_the_same_kind_changes_single_fields() {
        let json = filled(
            &json!({ "preset": "boto3", "timeout": "3s" }),
            Some(&json!({ "kind": "full-jitter", "attempts": 2 })),
        );
        assert_eq!(json["send"]["timeout"], "3s");
        assert_eq!(json["send"]["max_in_flight"], 10);
        assert_eq!(json["retry"]["attempts"], 2);
        assert_eq!(json["retry"]["base"], "1s");
        let other = json!({ "kind": "none" });
        assert_eq!(
            filled(&json!({ "preset": "boto3" }), Some(&other))["retry"],
            other
        );
    }

    #[test]
    fn without_a_preset_nothing_is_filled_in() {
        let send = json!({ "linger": "1ms" });
        let json = filled(&send, None);
        assert_eq!((&json["send"], json.get("retry")), (&send, None));
    }
}
