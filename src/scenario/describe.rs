//! What a schema accepts, in words for messages.

use serde_json::Value as Json;

use super::quantity;

/// The schema that a `$ref` stands for, or the schema itself.
pub(super) fn resolve<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    schema["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'))
        .and_then(|pointer| root.pointer(pointer))
        .unwrap_or(schema)
}

/// The alternatives that a schema offers, those of its alternatives included; itself if it offers none.
pub(super) fn alternatives<'a>(root: &'a Json, schema: &'a Json) -> Vec<&'a Json> {
    let schema = resolve(root, schema);
    let branches = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    match branches {
        Some(branches) => branches
            .iter()
            .flat_map(|branch| alternatives(root, branch))
            .collect(),
        None => vec![schema],
    }
}

/// The words that a schema of words accepts, if it is one.
pub(super) fn words(schema: &Json) -> Option<Vec<&str>> {
    if let Some(word) = schema["const"].as_str() {
        return Some(vec![word]);
    }
    schema["enum"]
        .as_array()?
        .iter()
        .map(Json::as_str)
        .collect()
}

/// The field that tells a schema's alternatives apart, with the word that each has there.
pub(super) fn tag<'a>(branches: &[&'a Json]) -> Option<(&'a str, Vec<(&'a str, &'a Json)>)> {
    let constant = |schema: &'a Json| {
        let fields = schema["properties"].as_object()?;
        fields
            .iter()
            .find_map(|(name, field)| Some((name.as_str(), field["const"].as_str()?)))
    };
    let (name, _) = constant(branches.first()?)?;
    let tagged: Option<Vec<_>> = branches
        .iter()
        .map(|branch| {
            let (other, word) = constant(branch)?;
            (other == name).then_some((word, *branch))
        })
        .collect();
    Some((name, tagged?))
}

/// What a schema accepts, as the end of a sentence.
pub(super) fn describe(root: &Json, schema: &Json) -> String {
    let branches = alternatives(root, schema);
    if let Some((name, tagged)) = tag(&branches) {
        let kinds: Vec<_> = tagged.iter().map(|(word, _)| format!("`{word}`")).collect();
        return format!("a table with `{name}` = {}", kinds.join(" or "));
    }
    let texts: Vec<_> = branches.iter().map(|branch| describe_one(branch)).collect();
    texts.join(" or ")
}

fn describe_one(schema: &Json) -> String {
    if let Some(form) = schema[quantity::KEYWORD]
        .as_str()
        .and_then(quantity::form_named)
    {
        return form.accepted.to_owned();
    }
    if let Some(words) = words(schema) {
        let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        return words.join(" or ");
    }
    match schema["type"].as_str() {
        Some("integer") if schema["minimum"] == schema["maximum"] && schema["minimum"].is_u64() => {
            format!("the number {}", schema["minimum"])
        }
        Some("integer") => format!("a whole number{}", range(schema)),
        Some("number") => format!("a number{}", range(schema)),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
            (Some(least), Some(most)) if least == most => format!("a list of {least}"),
            (Some(least), _) => format!("a list of at least {least}"),
            _ => "a list".to_owned(),
        },
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten();
            let required: Vec<_> = required
                .filter_map(Json::as_str)
                .map(|name| format!("`{name}`"))
                .collect();
            if required.is_empty() {
                "a table".to_owned()
            } else {
                format!("a table with {}", required.join(", "))
            }
        }
        _ => "text".to_owned(),
    }
}

/// The range of a schema of numbers, as the end of a sentence.
fn range(schema: &Json) -> String {
    let bound = |name: &str| schema.get(name).filter(|bound| bound.is_number());
    let show = |bound: &Json| match bound.as_f64() {
        Some(number) if number.fract() == 0.0 && bound.is_f64() => format!("{number:.0}"),
        _ => bound.to_string(),
    };
    match (
        bound("minimum"),
        bound("maximum"),
        bound("exclusiveMinimum"),
    ) {
        (Some(min), Some(max), _) => format!(" from {} to {}", show(min), show(max)),
        (Some(min), None, _) => format!(" of at least {}", show(min)),
        (None, Some(max), _) => format!(" of at most {}", show(max)),
        (None, None, Some(above)) => format!(" above {}", show(above)),
        (None, None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::schema::json_schema;

    #[test]
    fn a_schema_is_described_by_what_it_accepts() {
        let root = json_schema();
        let field = |of: &str, name: &str| describe(&root, &root["$defs"][of]["properties"][name]);
        assert_eq!(
            field("Producer", "workers"),
            "a whole number from 1 to 65535"
        );
        assert_eq!(
            field("Producer", "arrival"),
            "a table with `kind` = `constant` or `poisson` or `closed` or `ramp` or `steps` or `sine` or `burst` or `weekly` or `profile` or `trace` or `sequence` or `sum` or `scale`"
        );
        assert_eq!(field("Stream", "shards"), "a whole number from 1 to 100000");
        assert_eq!(
            field("Payload", "kind"),
            "`random` or `zeros` or `compressible` or `json` or `file`"
        );
        assert_eq!(field("Engine", "limits"), "`aws` or `off` or a table");
        assert_eq!(
            field("Slo", "max"),
            "a number of at least 0 or a duration with a unit, such as \"250ms\", or a share, such as \"99.9%\""
        );
    }
}
