//! Holds a tree of settings against the schema, and says everything that does not fit.
//!
//! It understands what [`super::schema`] makes of the declared structures, not JSON Schema at large.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::describe::{alternatives, describe, tag, words};
use super::finding::{Finding, dotted};
use super::quantity;
use super::schema::{CALL_PATTERN, NAME_PATTERN, STREAM_NAME_PATTERN};
use super::tree::{Node, Value};

/// Checks a whole file, which messages call `file`: `scenario`.
pub(super) fn check(schema: &Json, root: &Node, file: &'static str) -> Vec<Finding> {
    let mut check = Check {
        schema,
        file,
        path: Vec::new(),
        findings: Vec::new(),
    };
    check.node(root, schema);
    check.findings
}

struct Check<'a> {
    schema: &'a Json,
    file: &'static str,
    path: Vec<String>,
    findings: Vec<Finding>,
}

impl<'a> Check<'a> {
    fn node(&mut self, node: &Node, schema: &'a Json) {
        let branches = alternatives(self.schema, schema);
        if let Some((name, tagged)) = tag(&branches)
            && let Value::Table(fields) = &node.value
        {
            self.tagged(fields.get(name), node, name, &tagged);
            return;
        }
        let mut all_words = Vec::new();
        for branch in &branches {
            all_words.extend(words(branch).into_iter().flatten());
        }
        if let Value::Text(text) = &node.value
            && !all_words.is_empty()
        {
            // Where a table is accepted too, and shown by an example, another text was meant for it.
            let for_table = branches.iter().any(|branch| example(branch).is_some());
            if for_table && !all_words.contains(&text.as_str()) {
                self.misfit(node, schema);
            } else {
                self.word(text, &all_words, &branches);
            }
            return;
        }
        match branches.iter().find(|branch| fits(branch, &node.value)) {
            Some(branch) => self.value(node, branch),
            None => self.misfit(node, schema),
        }
    }

    /// A text where words are accepted, perhaps beside texts of some form.
    fn word(&mut self, text: &str, words: &[&str], branches: &[&Json]) {
        if words.contains(&text) {
            return;
        }
        let form = branches.iter().find_map(|branch| form_of(branch));
        match form {
            Some(form) => self.form(text, form),
            None => self.add(
                Finding::value(
                    &self.path,
                    format!("`{text}` is not supported for `{}`", dotted(&self.path)),
                )
                .accepted(text, words),
            ),
        }
    }

    fn form(&mut self, text: &str, form: &quantity::Form) {
        if let Err(wrong) = (form.check)(text) {
            self.add(Finding::value(
                &self.path,
                format!("`{}`: {wrong}", dotted(&self.path)),
            ));
        }
    }

    /// A value of the right type.
    fn value(&mut self, node: &Node, schema: &'a Json) {
        match &node.value {
            Value::Text(text) | Value::Time(text) => {
                if let Some(form) = form_of(schema) {
                    self.form(text, form);
                } else if schema["pattern"] == NAME_PATTERN && !is_name(text) {
                    self.add(
                        Finding::value(&self.path, format!("`{text}` is not a name"))
                            .note("accepted: 1 to 64 letters, digits, `_` or `-`"),
                    );
                }
            }
            Value::Integer(number) => self.range(node, schema, *number as f64),
            Value::Float(number) => self.range(node, schema, *number),
            Value::Table(fields) => self.table(fields, schema, None),
            Value::Array(items) => self.list(node, items, schema),
            Value::WideInteger(_) | Value::Boolean(_) => {}
        }
    }

    fn range(&mut self, node: &Node, schema: &Json, number: f64) {
        let bound = |name: &str| schema[name].as_f64();
        let below = bound("minimum").is_some_and(|min| number < min)
            || bound("exclusiveMinimum").is_some_and(|above| number <= above);
        let above = bound("maximum").is_some_and(|max| number > max);
        // Integers of the schema are unsigned; their widths are named, not bounded.
        let too_wide = match (schema["format"].as_str(), &node.value) {
            (Some("uint32"), Value::Integer(number)) => u32::try_from(*number).is_err(),
            (_, Value::Integer(number)) if schema["type"] == "integer" => {
                u64::try_from(*number).is_err()
            }
            _ => false,
        };
        if below || above || too_wide || !number.is_finite() {
            self.misfit(node, schema);
        }
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: &'a Json) {
        let bound = |name: &str| schema[name].as_u64();
        let count = items.len() as u64;
        if bound("minItems").is_some_and(|least| count < least)
            || bound("maxItems").is_some_and(|most| count > most)
        {
            self.misfit(node, schema);
        }
        for (index, item) in items.iter().enumerate() {
            self.path.push(index.to_string());
            self.node(item, &schema["items"]);
            self.path.pop();
        }
    }

    /// A value that no alternative takes.
    fn misfit(&mut self, node: &Node, schema: &Json) {
        let title = format!(
            "`{}` is {}, not {}",
            dotted(&self.path),
            match &node.value {
                Value::Text(_) => format!("the text {}", node.value.shown()),
                Value::Array(items) => format!("a list of {}", items.len()),
                other => other.shown(),
            },
            describe(self.schema, schema)
        );
        let mut finding = Finding::value(&self.path, title);
        let branches = alternatives(self.schema, schema);
        let table = branches.iter().find(|branch| branch["type"] == "object");
        if let (Value::Array(_), Some(table)) = (&node.value, table) {
            let path = dotted(&self.path);
            // Tables of entries name each by its key; others stand alone.
            finding = finding.note(if table["properties"].is_object() {
                format!("accepted: one table `[{path}]`, not `[[{path}]]`")
            } else {
                format!(
                    "accepted: `[{path}.NAME]` for each, with a name of its own, not `[[{path}]]`"
                )
            });
        }
        if let Some(example) = branches.iter().find_map(|branch| example(branch)) {
            let last = self.path.last().map_or("", String::as_str);
            finding = finding.note(format!("for example: `{last} = {example}`"));
        }
        self.add(finding);
    }

    /// A table whose other fields depend on one.
    fn tagged(
        &mut self,
        given: Option<&Node>,
        node: &Node,
        name: &str,
        tagged: &[(&'a str, &'a Json)],
    ) {
        let accepted: Vec<_> = tagged.iter().map(|(word, _)| *word).collect();
        let table = dotted(&self.path);
        let Some(given) = given else {
            self.add(
                Finding::value(&self.path, format!("`{table}` needs `{name}`"))
                    .accepted("", &accepted),
            );
            return;
        };
        let path = [self.path.as_slice(), &[name.to_owned()]].concat();
        let word = match &given.value {
            Value::Text(word) => word,
            other => {
                let title = format!("`{}` is {}, not text", dotted(&path), other.shown());
                self.add(Finding::value(&path, title).accepted("", &accepted));
                return;
            }
        };
        match tagged.iter().find(|(known, _)| known == word) {
            Some((_, schema)) => {
                if let Value::Table(fields) = &node.value {
                    self.table(fields, schema, Some(word));
                }
            }
            None => self.add(
                Finding::value(
                    &path,
                    format!("`{word}` is not supported for `{}`", dotted(&path)),
                )
                .accepted(word, &accepted),
            ),
        }
    }

    fn table(&mut self, fields: &BTreeMap<String, Node>, schema: &'a Json, kind: Option<&str>) {
        let empty = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&empty);
        let named = schema["patternProperties"]
            .as_object()
            .and_then(|patterns| patterns.iter().next());
        let accepted: Vec<_> = properties.keys().map(String::as_str).collect();
        for (name, field) in fields {
            self.path.push(name.clone());
            if let Some(inner) = properties.get(name) {
                // The tag itself has chosen this schema.
                if inner["const"].is_null() {
                    self.node(field, inner_of(schema, name));
                }
            } else if let Some((pattern, inner)) = named {
                if name_fits(pattern, name) {
                    self.node(field, inner);
                } else {
                    self.add(
                        Finding::name(&self.path, format!("`{name}` is not a name"))
                            .note(name_form(pattern)),
                    );
                }
            } else {
                let table = &self.path[..self.path.len() - 1];
                let holder = match (table.is_empty(), kind) {
                    (true, _) => format!("a {}", self.file),
                    (false, None) => format!("`{}`", dotted(table)),
                    (false, Some(kind)) => format!("`{}` of kind `{kind}`", dotted(table)),
                };
                let finding = Finding::name(&self.path, format!("{holder} has no field `{name}`"))
                    .accepted(name, &accepted);
                self.findings.push(finding);
            }
            self.path.pop();
        }
        self.missing(fields, schema);
    }

    /// What a table needs and does not have.
    fn missing(&mut self, fields: &BTreeMap<String, Node>, schema: &'a Json) {
        let table = if self.path.is_empty() {
            format!("the {}", self.file)
        } else {
            format!("`{}`", dotted(&self.path))
        };
        let required = schema["required"].as_array().into_iter().flatten();
        let missing: Vec<_> = required
            .filter_map(Json::as_str)
            .filter(|name| !fields.contains_key(*name))
            .collect();
        if !missing.is_empty() {
            let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
            let title = format!("{table} needs {}", names.join(", "));
            let mut finding = Finding::value(&self.path, title);
            for name in missing {
                let inner = inner_of(schema, name);
                finding = finding.note(format!("`{name}` is {}", describe(self.schema, inner)));
            }
            self.add(finding);
        }
        if schema["minProperties"] == 1 && fields.is_empty() {
            self.add(Finding::value(
                &self.path,
                format!("{table} needs at least one entry"),
            ));
        }
    }

    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

fn inner_of<'a>(schema: &'a Json, name: &str) -> &'a Json {
    &schema["properties"][name]
}

/// The first example of a table of whole numbers, as TOML writes it.
fn example(schema: &Json) -> Option<String> {
    let fields = schema["examples"].get(0)?.as_object()?;
    // As the table's fields are declared, which may not be the order of the map.
    let required = schema["required"].as_array()?.iter();
    let shown = required.filter_map(Json::as_str);
    let shown = shown.map(|name| Some(format!("{name} = {}", fields.get(name)?.as_u64()?)));
    let shown: Option<Vec<_>> = shown.collect();
    Some(format!("{{ {} }}", shown?.join(", ")))
}

fn form_of(schema: &Json) -> Option<&'static quantity::Form> {
    schema[quantity::KEYWORD]
        .as_str()
        .and_then(quantity::form_named)
}

/// Whether a value is of a schema's type.
fn fits(schema: &Json, value: &Value) -> bool {
    match (schema["type"].as_str(), value) {
        (Some("string"), Value::Text(_))
        | (Some("integer" | "number"), Value::Integer(_))
        | (Some("number"), Value::Float(_))
        | (Some("boolean"), Value::Boolean(_))
        | (Some("object"), Value::Table(_))
        | (Some("array"), Value::Array(_)) => true,
        // TOML has times of its own; a consumer's start may be one.
        (Some("string"), Value::Time(_)) => schema[quantity::KEYWORD] == "start",
        _ => false,
    }
}

/// Whether a text is a name of a producer, consumer, event, SLO or scenario: [`NAME_PATTERN`].
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))
}

fn name_fits(pattern: &str, name: &str) -> bool {
    if pattern == CALL_PATTERN {
        // Which operations and cases there are is said better by the rules.
        true
    } else if pattern == STREAM_NAME_PATTERN {
        name.parse::<crate::kinesis::StreamName>().is_ok()
    } else {
        is_name(name)
    }
}

fn name_form(pattern: &str) -> &'static str {
    if pattern == STREAM_NAME_PATTERN {
        "accepted: 1 to 128 letters, digits, `_`, `.` or `-`"
    } else {
        "accepted: 1 to 64 letters, digits, `_` or `-`"
    }
}
