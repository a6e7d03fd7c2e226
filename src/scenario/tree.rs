//! A TOML document as a tree of owned values that know where they stand.
//!
//! Invariant: every node has a place, in the file or in the override that put it there.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{At, Finding};

/// Where something stands: a range of bytes in one of the texts that a scenario comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// 0 is the file, `n` the override number `n`, from 1.
    pub(super) text: usize,
    /// Bytes of that text.
    pub(super) span: Range<usize>,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where its name stands; the start of the file for the root.
    pub(super) name: Place,
    /// Where the value stands.
    pub(super) place: Place,
    /// The value.
    pub(super) value: Value,
}

/// A value of TOML.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    /// TOML's integers have 64 bits; what is wider is kept as text, to be refused.
    Integer(i128),
    WideInteger(String),
    Float(f64),
    Boolean(bool),
    /// A date, a time or both, as written.
    Time(String),
    Array(Vec<Node>),
    Table(BTreeMap<String, Node>),
}

impl Value {
    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) | Self::WideInteger(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Time(_) => "a time",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// How it was written, if it is short.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) | Self::WideInteger(text) | Self::Time(text) => format!("`{text}`"),
            Self::Integer(number) => format!("`{number}`"),
            Self::Float(number) => format!("`{number}`"),
            Self::Boolean(flag) => format!("`{flag}`"),
            Self::Array(_) | Self::Table(_) => self.kind().to_owned(),
        }
    }
}

impl Node {
    /// Reads a scenario file. Text that is no TOML gives all its syntax errors.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            let start = Place {
                text: 0,
                span: 0..0,
            };
            return Ok(Self {
                name: start.clone(),
                place: start,
                value: table_of(table.into_inner(), 0),
            });
        }
        let findings = errors.iter().map(|error| {
            let place = Place {
                text: 0,
                span: error.span().unwrap_or(0..0),
            };
            Finding::place(place, format!("not TOML: {}", error.message()))
        });
        Err(findings.collect())
    }

    /// The node at a path, if it is there.
    pub(super) fn get<S: AsRef<str>>(&self, path: &[S]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| {
            match &node.value {
                Value::Table(fields) => fields.get(name.as_ref()),
                // A list's items are named by their index.
                Value::Array(items) => items.get(name.as_ref().parse::<usize>().ok()?),
                _ => None,
            }
        })
    }

    /// The fields of a table; none of any other value.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&String, &Self)> {
        let fields = match &self.value {
            Value::Table(fields) => Some(fields),
            _ => None,
        };
        fields.into_iter().flatten()
    }

    /// Where a finding is. A setting that was not given is found at the nearest table that would hold it.
    pub(super) fn place_of(&self, at: &At) -> Place {
        let (path, by_name) = match at {
            At::Place(place) => return place.clone(),
            At::Value(path) => (path, false),
            At::Name(path) => (path, true),
        };
        let mut depth = path.len();
        let node = loop {
            match self.get(&path[..depth]) {
                Some(node) => break node,
                None => depth -= 1,
            }
        };
        let exact = depth == path.len();
        if exact && !by_name && !matches!(node.value, Value::Table(_)) {
            node.place.clone()
        } else {
            node.name.clone()
        }
    }

    /// The same value in JSON's terms; times become text. Numbers that JSON cannot hold become null.
    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Text(text) | Value::Time(text) | Value::WideInteger(text) => text.clone().into(),
            Value::Integer(number) => i64::try_from(*number)
                .map(Json::from)
                .or_else(|_| u64::try_from(*number).map(Json::from))
                .unwrap_or(Json::Null),
            Value::Float(number) => (*number).into(),
            Value::Boolean(flag) => (*flag).into(),
            Value::Array(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(fields) => fields
                .iter()
                .map(|(name, node)| (name.clone(), node.to_json()))
                .collect(),
        }
    }
}

/// A parsed table with its places. The parser bounds how deep tables nest.
fn table_of(table: DeTable<'_>, text: usize) -> Value {
    let fields = table.into_iter().map(|(name, value)| {
        let at = Place {
            text,
            span: name.span(),
        };
        (name.into_inner().into_owned(), node_of(value, at))
    });
    Value::Table(fields.collect())
}

/// A parsed value with its places, which all lie in the text that its name lies in.
fn node_of(value: Spanned<DeValue<'_>>, name: Place) -> Node {
    let place = Place {
        text: name.text,
        span: value.span(),
    };
    let value = value_of(value.into_inner(), name.text);
    Node { name, place, value }
}

/// A parsed value.
pub(super) fn value_of(value: DeValue<'_>, text: usize) -> Value {
    match value {
        DeValue::String(string) => Value::Text(string.into_owned()),
        DeValue::Integer(integer) => i128::from_str_radix(integer.as_str(), integer.radix())
            .map_or_else(|_| Value::WideInteger(integer.to_string()), Value::Integer),
        // The parser has checked the form.
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Datetime(time) => Value::Time(time.to_string()),
        DeValue::Array(items) => {
            let nodes = items.into_iter().map(|item| {
                let at = Place {
                    text,
                    span: item.span(),
                };
                node_of(item, at)
            });
            Value::Array(nodes.collect())
        }
        DeValue::Table(table) => table_of(table, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_knows_where_its_name_and_its_value_stand() {
        let text = "[time]\nmeasure = \"10s\"\n";
        let root = Node::parse(text).unwrap();
        let node = root.get(&["time", "measure"]).unwrap();
        assert_eq!(&text[node.name.span.clone()], "measure");
        assert_eq!(&text[node.place.span.clone()], "\"10s\"");
        let missing = At::Value(vec!["time".into(), "drain".into()]);
        assert_eq!(&text[root.place_of(&missing).span], "time");
    }

    #[test]
    fn all_syntax_errors_come_together() {
        assert_eq!(Node::parse("a = \nb = 1\nc = [\n").unwrap_err().len(), 2);
    }

    #[test]
    fn numbers_keep_their_value_in_every_notation() {
        let root = Node::parse("a = 0xff\nb = 1_000\nc = -0.5\nd = 1e3").unwrap();
        assert_eq!(
            root.to_json(),
            serde_json::json!({ "a": 255, "b": 1_000, "c": -0.5, "d": 1000.0 })
        );
    }
}
