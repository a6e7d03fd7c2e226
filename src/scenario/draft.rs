//! A file as declared, part by part. A setting that did not pass the check gets a stand-in, and an entry that cannot be
//! mended so is left out: the rules of [`super::validate`] still run over all others, and their findings come together.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::defaults::{PUT_RECORDS_MAX_RECORDS, STAMP_BYTES};
use super::describe::{alternatives, resolve, tag, words};
use super::files::Files;
use super::finding::{At, Finding};
use super::quantity::{self, Text};
use super::schema::{
    Consumer, Engine, Event, File, NameKey, Producer, PutApi, Size, Slo, Spacing, StampPlace,
    Stream, StreamKey, Time,
};
use super::tree::{Node, Value};

/// The parts of a file that passed the check, and the names that it declares.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) schema: u32,
    pub(super) name: Option<String>,
    pub(super) question: Option<String>,
    pub(super) seed: Option<u64>,
    pub(super) time: Option<Time>,
    pub(super) engine: Option<Engine>,
    pub(super) streams: BTreeMap<String, Stream>,
    pub(super) producers: BTreeMap<String, Producer>,
    pub(super) consumers: BTreeMap<String, Consumer>,
    pub(super) events: BTreeMap<String, Event>,
    pub(super) slo: BTreeMap<String, Slo>,
    pub(super) declared: Declared,
    /// What the files hold that it names; read after the rest.
    pub(super) files: Files,
    /// Settings whose value here is a stand-in for a refused or missing one.
    pub(super) stand_ins: Vec<Vec<String>>,
}

/// All names that a file declares, those of refused entries included.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) streams: Vec<String>,
    pub(super) producers: Vec<String>,
    pub(super) consumers: Vec<String>,
}

impl Draft {
    /// Reads every part that has no finding; what cannot be read becomes a finding.
    pub(super) fn new(schema: &Json, root: &Node, findings: &mut Vec<Finding>) -> Self {
        let mut reader = Reader::new(schema, root, findings);
        let mut draft = Self {
            schema: 1,
            name: reader.part("name"),
            question: reader
                .part("question")
                .or_else(|| reader.absent("question")),
            seed: reader
                .part("seed")
                .or_else(|| reader.absent_as("seed", super::defaults::seed)),
            time: reader.part("time"),
            engine: reader.part("engine").or_else(|| reader.absent("engine")),
            streams: reader.entries("streams"),
            producers: reader.entries("producers"),
            consumers: reader.entries("consumers"),
            events: reader.entries("events"),
            slo: reader.entries("slo"),
            declared: Declared {
                streams: names(root, "streams"),
                producers: names(root, "producers"),
                consumers: names(root, "consumers"),
            },
            files: Files::default(),
            stand_ins: Vec::new(),
        };
        draft.stand_ins = reader.stand_ins;
        draft.fill_in();
        draft
    }

    /// The defaults that follow from other settings.
    fn fill_in(&mut self) {
        let only = match self.declared.streams.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        };
        for producer in self.producers.values_mut() {
            producer.stream = producer.stream.take().or_else(|| only.clone());
            if let Some(spacing) = producer.arrival.spacing_mut() {
                spacing.get_or_insert(Spacing::Poisson);
            }
            let send = &mut producer.send;
            send.max_records.get_or_insert(match send.api {
                PutApi::PutRecord => 1,
                PutApi::PutRecords => PUT_RECORDS_MAX_RECORDS,
            });
            if let Size::LogNormal { min, .. } = &mut producer.size
                && min.is_none()
            {
                let least = match producer.payload.stamp {
                    StampPlace::Prefix => STAMP_BYTES,
                    StampPlace::None => 0,
                };
                *min = Text::new(format!("{least}B")).ok();
            }
        }
        for consumer in self.consumers.values_mut() {
            let stream = consumer.stream_mut();
            *stream = stream.take().or_else(|| only.clone());
        }
        for event in self.events.values_mut() {
            let on = event.on_mut();
            *on = on.take().or_else(|| only.clone());
        }
    }

    /// The whole file, if every part of it was read.
    pub(super) fn into_file(self) -> Option<File> {
        let named = |name: String| NameKey(name);
        Some(File {
            schema: self.schema,
            name: self.name?,
            question: self.question?,
            seed: self.seed?,
            time: self.time?,
            streams: keyed(self.streams, StreamKey),
            engine: self.engine?,
            producers: keyed(self.producers, named),
            consumers: keyed(self.consumers, named),
            events: keyed(self.events, named),
            slo: keyed(self.slo, named),
        })
    }
}

fn keyed<K: Ord, V>(map: BTreeMap<String, V>, key: impl Fn(String) -> K) -> BTreeMap<K, V> {
    map.into_iter()
        .map(|(name, value)| (key(name), value))
        .collect()
}

/// The names of a table's entries.
fn names(root: &Node, table: &str) -> Vec<String> {
    root.get(&[table])
        .into_iter()
        .flat_map(Node::fields)
        .map(|(name, _)| name.clone())
        .collect()
}

/// Reads the parts of a tree, with stand-ins for what has a finding.
struct Reader<'a> {
    schema: &'a Json,
    root: &'a Node,
    /// Every path that a finding is about, and every path above one.
    refused: BTreeSet<Vec<String>>,
    findings: &'a mut Vec<Finding>,
    stand_ins: Vec<Vec<String>>,
}

impl<'a> Reader<'a> {
    fn new(schema: &'a Json, root: &'a Node, findings: &'a mut Vec<Finding>) -> Self {
        let mut refused = BTreeSet::new();
        for finding in findings.iter() {
            if let At::Value(path) | At::Name(path) = &finding.at {
                refused.extend((1..=path.len()).map(|depth| path[..depth].to_vec()));
            }
        }
        Self {
            schema,
            root,
            refused,
            findings,
            stand_ins: Vec::new(),
        }
    }

    /// A top-level part: nothing if it is absent or refused.
    fn part<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        self.read(&[name])
    }

    /// The default of a part that is absent; nothing if it is there but refused.
    fn absent<T: Default>(&self, name: &str) -> Option<T> {
        self.absent_as(name, T::default)
    }

    fn absent_as<T>(&self, name: &str, default: fn() -> T) -> Option<T> {
        self.root.get(&[name]).is_none().then(default)
    }

    /// The entries of a table that were not refused.
    fn entries<T: DeserializeOwned>(&mut self, table: &str) -> BTreeMap<String, T> {
        let read = names(self.root, table)
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.read(&[table, name.as_str()])?)));
        read.collect()
    }

    fn read<T: DeserializeOwned>(&mut self, path: &[&str]) -> Option<T> {
        let node = self.root.get(path)?;
        let path: Vec<_> = path.iter().map(|&name| name.to_owned()).collect();
        let mended = self.refused.contains(&path);
        let json = if mended {
            self.mend(&path, node)?
        } else {
            node.to_json()
        };
        match serde_path_to_error::deserialize(json) {
            Ok(part) => Some(part),
            Err(_) if mended => None,
            // The check is meant to find all of this first, and to say it better.
            Err(error) => {
                let inner = error.path().iter().filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Map { key } => Some(key.clone()),
                    serde_path_to_error::Segment::Seq { index } => Some(index.to_string()),
                    _ => None,
                });
                let path: Vec<_> = path.into_iter().chain(inner).collect();
                self.findings
                    .push(Finding::value(&path, error.inner().to_string()));
                None
            }
        }
    }

    /// A table with stand-ins for its refused and missing fields; nothing if it is no table or of no known kind.
    fn mend(&mut self, path: &[String], node: &Node) -> Option<Json> {
        let schema = self.schema_of(path, node)?;
        let Json::Object(mut fields) = node.to_json() else {
            return None;
        };
        let properties = schema["properties"].as_object()?;
        let required = |name: &str| {
            schema["required"]
                .as_array()
                .is_some_and(|required| required.iter().any(|other| other == name))
        };
        fields.retain(|name, _| properties.contains_key(name));
        for (name, inner) in properties {
            let field = [path, std::slice::from_ref(name)].concat();
            let refused = self.refused.contains(&field);
            if refused {
                fields.remove(name);
            }
            let missing = required(name) && !fields.contains_key(name);
            if missing {
                fields.insert(name.clone(), stand_in(self.schema, inner));
            }
            if refused || missing {
                self.stand_ins.push(field);
            }
        }
        Some(Json::Object(fields))
    }

    /// The schema of a table: that of its kind if there are several.
    fn schema_of(&self, path: &[String], node: &Node) -> Option<&'a Json> {
        let mut schema = self.schema;
        for name in path {
            let holder = resolve(self.schema, schema);
            let entries = holder["patternProperties"].as_object();
            schema = holder["properties"]
                .get(name)
                .or_else(|| entries.and_then(|patterns| patterns.values().next()))?;
        }
        let branches = alternatives(self.schema, schema);
        let Some((name, tagged)) = tag(&branches) else {
            return Some(resolve(self.schema, schema));
        };
        let Value::Text(kind) = &node.get(&[name])?.value else {
            return None;
        };
        tagged
            .into_iter()
            .find(|(word, _)| word == kind)
            .map(|(_, branch)| branch)
    }
}

/// A value that a schema accepts, whatever it is.
fn stand_in(root: &Json, schema: &Json) -> Json {
    let outer = resolve(root, schema);
    if let Some(default) = schema.get("default").or(outer.get("default")) {
        return default.clone();
    }
    let branches = alternatives(root, schema);
    let schema = branches.first().copied().unwrap_or(outer);
    if let Some(word) = words(schema).and_then(|words| words.first().copied()) {
        return word.into();
    }
    if let Some(form) = schema[quantity::KEYWORD]
        .as_str()
        .and_then(quantity::form_named)
    {
        return form.example.into();
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
        Some("boolean") => false.into(),
        Some("array") => {
            let count = schema["minItems"].as_u64().unwrap_or(0) as usize;
            vec![stand_in(root, &schema["items"]); count].into()
        }
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            required
                .filter_map(Json::as_str)
                .map(|name| {
                    let inner = &schema["properties"][name];
                    (name.to_owned(), stand_in(root, inner))
                })
                .collect()
        }
        _ => String::new().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::check::check;
    use crate::scenario::schema::json_schema;

    #[test]
    fn a_refused_setting_gets_a_stand_in_and_the_rest_of_its_entry_is_read() {
        let schema = json_schema();
        let root = Node::parse(
            "[time]\nmeasure = \"10s\"\nwarm_up = 2\n\n[producers.web]\nworkers = 3\nsize = 5\ncolour = 1\n",
        )
        .unwrap();
        let mut findings = check(&schema, &root, "scenario");
        let before = findings.len();
        let draft = Draft::new(&schema, &root, &mut findings);
        assert_eq!(findings.len(), before, "{findings:?}");
        assert_eq!(draft.time.unwrap().measure.to_string(), "10s");
        assert_eq!(draft.producers["web"].workers, 3);
        let stand_ins: Vec<_> = draft.stand_ins.iter().map(|path| path.join(".")).collect();
        assert_eq!(
            stand_ins,
            [
                "time.warm_up",
                "producers.web.arrival",
                "producers.web.keys",
                "producers.web.size"
            ]
        );
    }

    #[test]
    fn an_entry_of_no_known_kind_is_left_out_but_its_name_is_known() {
        let schema = json_schema();
        let root = Node::parse("[consumers.a]\nkind = \"lambda\"\n").unwrap();
        let mut findings = check(&schema, &root, "scenario");
        let draft = Draft::new(&schema, &root, &mut findings);
        assert!(draft.consumers.is_empty());
        assert_eq!(draft.declared.consumers, ["a"]);
    }
}
