//! What every setting came to, and whether the file said so, a preset or a default.

use serde_json::Value as Json;

use super::finding::dotted;
use super::presets;
use super::schema::File;
use super::tree::{Node, Value};

/// A setting and what it came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedSetting {
    /// Its path, dotted as in TOML.
    pub path: String,
    /// Its value as a file would write it, texts without quotes.
    pub value: String,
    /// Whether neither the file nor an override gave it.
    pub is_default: bool,
    /// The preset that gave it, and where that has it from.
    pub preset: Option<String>,
}

/// Every setting of a file whose defaults are filled in, in the order of the declared structures.
pub(super) fn resolved(file: &File, root: &Node) -> Vec<ResolvedSetting> {
    let mut settings = Vec::new();
    // The declared structures hold nothing that JSON cannot.
    let json = serde_json::to_value(file).unwrap_or_default();
    collect(&json, &mut Vec::new(), root, &mut settings);
    settings
}

/// Where a setting has its value from that the file does not give.
fn preset(root: &Node, path: &[String]) -> Option<String> {
    let [table, name, setting @ ..] = path else {
        return None;
    };
    let given = root.get(&["producers", name, "send", "preset"])?;
    match &given.value {
        Value::Text(preset) if table == "producers" => presets::source(preset, setting),
        _ => None,
    }
}

fn collect(json: &Json, path: &mut Vec<String>, root: &Node, settings: &mut Vec<ResolvedSetting>) {
    if let Json::Object(fields) = json {
        for (name, field) in fields {
            path.push(name.clone());
            collect(field, path, root, settings);
            path.pop();
        }
        return;
    }
    let is_default = root.get(path).is_none();
    settings.push(ResolvedSetting {
        path: dotted(path),
        value: match json {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        },
        is_default,
        preset: is_default.then(|| preset(root, path)).flatten(),
    });
}
