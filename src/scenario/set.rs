//! What the command line overrides: `--set producers.web.arrival.rate=800/s`.
//!
//! An override changes the tree, so that it is checked like the file, and the text, so that the scenario as run can be
//! kept with its comments.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};
use toml_edit::{DocumentMut, Item, TableLike};

use super::finding::{Finding, dotted};
use super::problem::Origin;
use super::tree::{Node, Place, Value, value_of};

/// One override.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Override {
    /// Path of the setting, dotted as in TOML.
    pub path: String,
    /// Its value: as TOML writes it, or a text without quotes.
    pub value: String,
}

/// Why a text is no override.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}` is not a setting and its value: expected PATH=VALUE, such as producers.web.arrival.rate=800/s"
)]
pub struct OverrideError(String);

impl Override {
    /// Reads `PATH=VALUE`. Whether the path and the value fit a scenario is said by [`super::load`].
    ///
    /// # Errors
    /// When there is no `=`, or no path before it.
    pub fn parse(text: &str) -> Result<Self, OverrideError> {
        let refuse = || OverrideError(text.to_owned());
        let (path, value) = text.split_once('=').ok_or_else(refuse)?;
        let given = Self {
            path: path.trim().to_owned(),
            value: value.trim().to_owned(),
        };
        if given.names().is_some() {
            Ok(given)
        } else {
            Err(refuse())
        }
    }

    /// The text that problems point into.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            path: "--set".to_owned(),
            text: format!("{}={}", self.path, self.value),
        }
    }

    /// The names of the path; none if it is no dotted key of TOML.
    fn names(&self) -> Option<Vec<String>> {
        if self.path.contains(['\n', '\r', '#', '=', '[', '{']) {
            return None;
        }
        let text = format!("{} = 0", self.path);
        let mut table = DeTable::parse(&text).ok()?.into_inner();
        let mut names = Vec::new();
        loop {
            let (name, value) = table.into_iter().next()?;
            names.push(name.into_inner().into_owned());
            match value.into_inner() {
                DeValue::Table(inner) => table = inner,
                _ => return Some(names),
            }
        }
    }

    /// The value as TOML writes it. What is no TOML is a text: `800/s` needs no quotes on a command line.
    fn toml_value(&self) -> String {
        let text = self.value.trim();
        let whole = |span: Range<usize>| span == (0..text.len());
        let is_toml = !text.contains(['\n', '\r'])
            && DeValue::parse(text).is_ok_and(|value| whole(value.span()));
        if is_toml {
            text.to_owned()
        } else {
            toml::Value::String(text.to_owned()).to_string()
        }
    }
}

/// The tables whose entries the scenario names, and what one entry is called.
const NAMED: [(&str, &str); 5] = [
    ("streams", "stream"),
    ("producers", "producer"),
    ("consumers", "consumer"),
    ("events", "event"),
    ("slo", "SLO"),
];

/// Applies the override number `number`, from 1, to the tree.
pub(super) fn apply(root: &mut Node, given: &Override, number: usize) -> Result<(), Finding> {
    let place = Place {
        text: number,
        span: 0..given.path.len() + 1 + given.value.len(),
    };
    let names = given.names().ok_or_else(|| {
        let title = format!("`{}` is not the path of a setting", given.path);
        Finding::place(place.clone(), title)
            .note("accepted: names with dots between them, such as `producers.web.workers`")
    })?;
    entry_exists(root, &names, &place)?;
    let rendered = given.toml_value();
    let value = DeValue::parse(&rendered)
        .map(|value| value_of(value.into_inner(), number))
        .map_err(|error| Finding::place(place.clone(), error.message()))?;

    let mut node = root;
    for (depth, name) in names.iter().enumerate() {
        let Value::Table(fields) = &mut node.value else {
            let title = format!("`{}` is no table", dotted(&names[..depth]));
            return Err(Finding::place(place, title));
        };
        node = fields.entry(name.clone()).or_insert_with(|| Node {
            name: place.clone(),
            place: place.clone(),
            value: Value::Table(BTreeMap::new()),
        });
    }
    node.value = value;
    relocate(node, &place);
    Ok(())
}

/// An override changes what a scenario has; a new entry would be a slip.
fn entry_exists(root: &Node, names: &[String], place: &Place) -> Result<(), Finding> {
    let [table, entry, ..] = names else {
        return Ok(());
    };
    let Some((_, word)) = NAMED.iter().find(|(name, _)| name == table) else {
        return Ok(());
    };
    if root.get(&names[..2]).is_some() {
        return Ok(());
    }
    let declared: Vec<_> = root
        .get(&names[..1])
        .into_iter()
        .flat_map(Node::fields)
        .map(|(name, _)| name)
        .collect();
    let title = format!("the scenario has no {word} `{entry}`");
    Err(Finding::place(place.clone(), title).accepted(entry, &declared))
}

/// Moves a node, and all that it holds, to a place.
fn relocate(node: &mut Node, place: &Place) {
    node.name = place.clone();
    node.place = place.clone();
    match &mut node.value {
        Value::Table(fields) => fields.values_mut().for_each(|node| relocate(node, place)),
        Value::Array(items) => items.iter_mut().for_each(|node| relocate(node, place)),
        _ => {}
    }
}

/// The text with all overrides applied. `root` is the tree that they have changed already: should the edited text not
/// say the same, the tree is written out instead, without the comments.
pub(super) fn edited(text: &str, overrides: &[Override], root: &Node) -> String {
    if overrides.is_empty() {
        return text.to_owned();
    }
    let wanted = root.to_json();
    edit(text, overrides)
        .filter(|edited| Node::parse(edited).is_ok_and(|node| node.to_json() == wanted))
        .unwrap_or_else(|| toml::to_string_pretty(&wanted).unwrap_or_else(|_| text.to_owned()))
}

fn edit(text: &str, overrides: &[Override]) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    for given in overrides {
        let names = given.names()?;
        let (last, holders) = names.split_last()?;
        let mut table: &mut dyn TableLike = document.as_table_mut();
        for name in holders {
            if !table.contains_key(name) {
                let empty = toml_edit::InlineTable::new();
                table.insert(name, Item::Value(empty.into()));
            }
            table = table.get_mut(name)?.as_table_like_mut()?;
        }
        let mut value: toml_edit::Value = given.toml_value().parse().ok()?;
        match table.get_mut(last) {
            Some(Item::Value(old)) => {
                // What stands around a value, such as a comment, stays.
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            _ => {
                table.insert(last, Item::Value(value));
            }
        }
    }
    Some(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str, overrides: &[&str]) -> (Node, String) {
        let mut root = Node::parse(text).unwrap();
        let overrides: Vec<_> = overrides
            .iter()
            .map(|text| Override::parse(text).unwrap())
            .collect();
        for (index, given) in overrides.iter().enumerate() {
            apply(&mut root, given, index + 1).unwrap();
        }
        let edited = edited(text, &overrides, &root);
        (root, edited)
    }

    #[test]
    fn an_override_is_a_path_and_a_value() {
        let given = Override::parse("producers.web.arrival.rate = 800/s").unwrap();
        assert_eq!(given.path, "producers.web.arrival.rate");
        assert_eq!(given.value, "800/s");
        for text in ["", "seed", "=7", "a..b=1", "a b=1", "[a]=1"] {
            let error = Override::parse(text).unwrap_err().to_string();
            assert!(error.contains("expected PATH=VALUE"), "{error}");
        }
    }

    #[test]
    fn a_value_without_quotes_is_a_text_unless_toml_knows_it() {
        let value = |text: &str| Override::parse(text).unwrap().toml_value();
        assert_eq!(value("a=800/s"), "\"800/s\"");
        assert_eq!(value("a=7"), "7");
        assert_eq!(value("a=\"7\""), "\"7\"");
        assert_eq!(value("a=true"), "true");
        assert_eq!(value("a=1 # no comment"), "\"1 # no comment\"");
        assert_eq!(value("a={ b = 1 }"), "{ b = 1 }");
        assert_eq!(value("a="), "\"\"");
    }

    #[test]
    fn the_edited_text_keeps_its_comments_and_says_what_the_tree_says() {
        let text = "seed = 1 # of the day\n\n[producers.web]\narrival = { kind = \"constant\", rate = \"1/s\" } # slow\n";
        let (root, edited) = set(
            text,
            &[
                "seed=7",
                "producers.web.arrival.rate=800/s",
                "producers.web.send.linger=5ms",
                "engine.limits=off",
                "engine.max_memory=1GiB",
            ],
        );
        assert_eq!(Node::parse(&edited).unwrap().to_json(), root.to_json());
        assert!(edited.contains("seed = 7 # of the day"), "{edited}");
        assert!(edited.contains("rate = \"800/s\" } # slow"), "{edited}");
        assert!(edited.contains("linger = \"5ms\""), "{edited}");
        assert!(edited.contains("max_memory = \"1GiB\""), "{edited}");
    }

    #[test]
    fn a_table_can_be_replaced_by_a_word() {
        let (root, edited) = set("[engine.limits]\nshards = 5\n", &["engine.limits=off"]);
        assert_eq!(
            root.to_json(),
            serde_json::json!({ "engine": { "limits": "off" } })
        );
        assert_eq!(Node::parse(&edited).unwrap().to_json(), root.to_json());
    }

    #[test]
    fn an_override_of_what_the_scenario_does_not_have_is_refused() {
        let mut root = Node::parse("[producers.web]\nworkers = 1\n").unwrap();
        let mut refuse = |text: &str| {
            let given = Override::parse(text).unwrap();
            apply(&mut root, &given, 1).unwrap_err()
        };
        let finding = refuse("producers.wbe.workers=2");
        assert_eq!(finding.title, "the scenario has no producer `wbe`");
        assert_eq!(finding.help.unwrap(), "did you mean `web`?");
        let finding = refuse("producers.web.workers.more=2");
        assert_eq!(finding.title, "`producers.web.workers` is no table");
    }
}
