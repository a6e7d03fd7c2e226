//! Tests that what the schema says, what the check takes and what serde reads are one thing, whatever the text.

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::describe::{alternatives, words};
use super::quantity;
use super::schema::{File, json_schema};
use super::{Override, Source, load};

const EXAMPLES: [&str; 4] = [
    include_str!("../../scenarios/hot-key.toml"),
    include_str!("../../scenarios/reshard-under-load.toml"),
    include_str!("../../scenarios/max-throughput.toml"),
    include_str!("../../scenarios/packed-records.toml"),
];

fn source(text: &str) -> Source {
    Source {
        path: "any.toml".to_owned(),
        text: text.to_owned(),
    }
}

/// Values that a schema accepts: every alternative, and every field that there is.
fn samples(root: &Json, schema: &Json) -> Vec<Json> {
    samples_within(root, schema, &[])
}

/// The same within the named structures `outer`. One that holds itself ends with its first alternative.
fn samples_within(root: &Json, schema: &Json, outer: &[&str]) -> Vec<Json> {
    let mut branches = alternatives(root, schema);
    let named = schema["$ref"].as_str();
    if named.is_some_and(|name| outer.contains(&name)) {
        branches.truncate(1);
    }
    let inner: Vec<&str> = outer.iter().copied().chain(named).collect();
    let samples = |root: &Json, schema: &Json| samples_within(root, schema, &inner);
    if branches.len() > 1 {
        let each = branches.iter().flat_map(|branch| samples(root, branch));
        return each.collect();
    }
    let schema = branches[0];
    if let Some(words) = words(schema) {
        return words.into_iter().map(Json::from).collect();
    }
    let form = schema[quantity::KEYWORD].as_str();
    if let Some(form) = form.and_then(quantity::form_named) {
        return vec![form.example.into()];
    }
    match schema["type"].as_str() {
        Some("object") => objects(root, schema, &inner),
        Some("array") => {
            let items = samples(root, &schema["items"]);
            let bound = |name: &str| schema[name].as_u64().map(|count| count as usize);
            let least = bound("minItems").unwrap_or(0).max(items.len());
            let count = bound("maxItems").map_or(least, |most| least.min(most));
            vec![items.into_iter().cycle().take(count).collect()]
        }
        Some("integer" | "number") => vec![schema.get("minimum").cloned().unwrap_or(json!(1))],
        Some("boolean") => vec![json!(true)],
        _ => vec![json!("text")],
    }
}

fn objects(root: &Json, schema: &Json, outer: &[&str]) -> Vec<Json> {
    let samples = |root: &Json, schema: &Json| samples_within(root, schema, outer);
    let mut fields: Vec<(String, Vec<Json>)> = Vec::new();
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        fields.push((name.clone(), samples(root, inner)));
    }
    let most = fields.iter().map(|(_, values)| values.len()).max();
    let mut objects: Vec<Map<String, Json>> = vec![Map::new(); most.unwrap_or(1)];
    for (index, object) in objects.iter_mut().enumerate() {
        for (name, values) in &fields {
            object.insert(name.clone(), values[index % values.len()].clone());
        }
    }
    for inner in schema["patternProperties"]
        .as_object()
        .into_iter()
        .flatten()
    {
        for (index, value) in samples(root, inner.1).into_iter().enumerate() {
            objects[0].insert(format!("n{index}"), value);
        }
    }
    objects.into_iter().map(Json::Object).collect()
}

/// Every path that leads to a value which is no table.
fn leaves(json: &Json, path: &str, into: &mut Vec<String>) {
    match json {
        Json::Object(fields) => {
            for (name, field) in fields {
                leaves(field, &format!("{path}.{name}"), into);
            }
        }
        _ => into.push(path.to_owned()),
    }
}

fn sorted_leaves(json: &Json) -> Vec<String> {
    let mut paths = Vec::new();
    leaves(json, "", &mut paths);
    paths.sort();
    paths
}

#[test]
fn every_field_of_the_schema_is_read_and_every_field_that_is_read_is_in_the_schema() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let samples = samples(&schema, &schema);
    assert!(samples.len() > 1);
    for sample in samples {
        assert!(validator.is_valid(&sample), "{sample:#}");
        let file: File = serde_path_to_error::deserialize(&sample)
            .unwrap_or_else(|error| panic!("{error} in {sample:#}"));
        // The other way round: all optional fields were given, so serde writes every field that it knows.
        assert_eq!(
            sorted_leaves(&serde_json::to_value(&file).unwrap()),
            sorted_leaves(&sample)
        );
        let root = super::tree::Node::parse(&toml::to_string(&sample).unwrap()).unwrap();
        assert_eq!(super::check::check(&schema, &root, "scenario"), []);
    }
}

#[test]
fn the_samples_reach_every_kind_that_there_is() {
    let schema = json_schema();
    let text = json!(samples(&schema, &schema)).to_string();
    for kind in [
        "constant",
        "poisson",
        "closed",
        "ramp",
        "steps",
        "sine",
        "burst",
        "weekly",
        "profile",
        "trace",
        "sequence",
        "sum",
        "scale",
        "uniform",
        "zipf",
        "hot-set",
        "sequential",
        "single",
        "unique",
        "normal",
        "exponential",
        "latest",
        "weighted",
        "file",
        "mix",
        "shard-share",
        "fixed",
        "log-normal",
        "quantiles",
        "natural",
        "compressible",
        "json",
        "json-field",
        "cuts",
        "lines",
        "put-record",
        "put-records",
        "per-key",
        "exponential",
        "full-jitter",
        "equal-jitter",
        "decorrelated",
        "call",
        "kpl",
        "aws-sdk-java-2",
        "boto3",
        "polling",
        "split-shard",
        "merge-shards",
        "update-shard-count",
        "stall",
        "throttle-storm",
        "modelled",
        "create-stream",
        "wait",
        "call",
        "delete-stream",
        "deleted",
    ] {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind}");
    }
}

/// A value of any kind, likely ones among them.
fn any_value() -> impl Strategy<Value = toml::Value> {
    let texts = prop::sample::select(vec![
        "",
        "10s",
        "0s",
        "-1s",
        "800/s",
        "1e400/s",
        "1KiB",
        "9999999999TiB",
        "hottest",
        "measure+5s",
        "latest",
        "closed",
        "put-record",
        "none",
        "off",
        "{}",
        "ü",
        "shardId-1",
        "99999999999999d",
        "consumers.billing.lost",
        "consumers..",
        "orders",
        "2026-01-31T12:00:00Z",
    ]);
    let leaf = prop_oneof![
        texts.prop_map(toml::Value::from),
        ".{0,12}".prop_map(toml::Value::from),
        any::<i64>().prop_map(toml::Value::from),
        (-2i64..600).prop_map(toml::Value::from),
        any::<f64>().prop_map(toml::Value::from),
        any::<bool>().prop_map(toml::Value::from),
        Just(toml::Value::Datetime("12:00:00".parse().unwrap())),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(toml::Value::from),
            prop::collection::btree_map("kind|do|rate|a b|", inner, 0..3)
                .prop_map(|map| toml::Value::Table(map.into_iter().collect())),
        ]
    })
}

/// What is done to a value of the tree that is picked by number.
#[derive(Clone, Debug)]
enum Change {
    Replace(toml::Value),
    Remove,
    Add(String, toml::Value),
}

fn any_change() -> impl Strategy<Value = (usize, Change)> {
    let change = prop_oneof![
        any_value().prop_map(Change::Replace),
        Just(Change::Remove),
        ("[a-z_]{0,8}|stream|kind|workers|format", any_value())
            .prop_map(|(name, value)| Change::Add(name, value)),
    ];
    (0usize..200, change)
}

/// Applies a change to the value with this number, counted depth first; numbers past the end change nothing.
fn mutate(table: &mut toml::Table, at: &mut usize, change: &Change) {
    let names: Vec<_> = table.keys().cloned().collect();
    for name in names {
        if *at == 0 {
            *at = usize::MAX;
            match change {
                Change::Replace(value) => table.insert(name, value.clone()),
                Change::Remove => table.remove(&name),
                Change::Add(other, value) => table.insert(other.clone(), value.clone()),
            };
            return;
        }
        *at = at.saturating_sub(1);
        if let Some(toml::Value::Table(inner)) = table.get_mut(&name) {
            mutate(inner, at, change);
        }
        if *at == usize::MAX {
            return;
        }
    }
}

/// Loads a text and looks at all that comes of it.
fn exercise(text: &str, overrides: &[Override]) -> bool {
    match load(&source(text), overrides) {
        Ok(loaded) => {
            let root = super::tree::Node::parse(&loaded.text).unwrap();
            let validator = jsonschema::validator_for(&json_schema()).unwrap();
            assert!(validator.is_valid(&root.to_json()), "{}", loaded.text);
            let again = load(&source(&loaded.text), &[]).unwrap();
            assert_eq!(
                format!("{:?}", again.scenario),
                format!("{:?}", loaded.scenario)
            );
            true
        }
        Err(problems) => {
            assert!(problems.iter().all(|problem| problem.line > 0));
            assert!(problems.iter().next().is_some());
            assert!(problems.to_string().contains("error"));
            false
        }
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_scenario_or_problems(text in "(?s).{0,200}") {
        exercise(&text, &[]);
    }

    #[test]
    fn any_lines_of_toml_give_a_scenario_or_problems(
        lines in prop::collection::vec(
            "(schema|name|time|streams\\.a|producers\\.\"\\.\"\\.x|slo|a\\.b)( = |\\.|=)(1|\"10s\"|\\{ kind = \"x\" \\}|\\[1,2\\]|2026-01-01)\r?",
            0..6,
        ),
    ) {
        exercise(&lines.join("\n"), &[]);
    }

    #[test]
    fn any_change_of_a_valid_scenario_gives_a_scenario_or_problems(
        example in prop::sample::select(EXAMPLES.to_vec()),
        changes in prop::collection::vec(any_change(), 1..4),
    ) {
        let mut table: toml::Table = example.parse().unwrap();
        for (mut at, change) in changes {
            mutate(&mut table, &mut at, &change);
        }
        exercise(&toml::to_string(&table).unwrap(), &[]);
    }

    #[test]
    fn any_override_of_a_valid_scenario_gives_a_scenario_or_problems(
        example in prop::sample::select(EXAMPLES.to_vec()),
        path in "(seed|engine\\.(limits|latency|max_memory)|producers\\.web\\.(send\\.(linger|max_records)|arrival(\\.rate)?|workers|stream)|time|slo\\.fresh\\.max|streams\\.\"a b\"\\.shards|.{0,6})",
        value in any_value(),
        bare in any::<bool>(),
    ) {
        let value = match value {
            toml::Value::String(text) if bare => text,
            other => other.to_string(),
        };
        exercise(example, &[Override { path, value }]);
    }
}

#[test]
fn an_unchanged_example_is_a_scenario() {
    for example in EXAMPLES {
        assert!(exercise(example, &[Override::parse("seed=3").unwrap()]));
    }
}
