//! Every way to break a shape, with what the service says of it: texts as its own answers have them, put together here
//! anew and not by the validator.

use bytes::Bytes;
use streamgauge::base::Timestamp;
use streamgauge::wire::pattern::Pattern;
use streamgauge::wire::{Shape, Value};

/// A request with one thing wrong, and the errors that this makes.
pub(super) struct Break {
    pub(super) input: Value,
    pub(super) errors: Vec<String>,
}

/// A value with something wrong, and what is said of it: where it stands below the value, how it is shown, and the
/// constraint.
struct Fault {
    value: Option<Value>,
    said: Vec<Said>,
}

struct Said {
    below: String,
    shown: String,
    constraint: String,
}

fn said(shown: impl Into<String>, constraint: impl Into<String>) -> Said {
    Said {
        below: String::new(),
        shown: shown.into(),
        constraint: constraint.into(),
    }
}

/// A value that keeps every constraint, with all members.
pub(super) fn valid(shape: &'static Shape) -> Value {
    match *shape {
        Shape::Structure { members, .. } => {
            let all = members
                .iter()
                .map(|member| (member.name, valid(member.shape)));
            Value::Structure(all.collect())
        }
        Shape::List { member, min, .. } => vec![valid(member); min.max(1)].into(),
        Shape::Map { value, .. } => Value::Map(vec![("k".to_owned(), valid(value))]),
        Shape::String {
            pattern, one_of, ..
        } => one_of
            .first()
            .copied()
            .unwrap_or(valid_text(pattern))
            .into(),
        Shape::Integer { min, .. } => min.max(1).into(),
        Shape::Long => Value::Integer(1),
        Shape::Boolean => false.into(),
        Shape::Timestamp => Timestamp::from_secs(1).into(),
        Shape::Blob { .. } => Bytes::from_static(b"data").into(),
    }
}

const fn valid_text(pattern: Option<Pattern>) -> &'static str {
    match pattern {
        None => "text",
        Some(Pattern::Name) => "no.such-name_1",
        Some(Pattern::StreamArn | Pattern::ResourceArn) => {
            "arn:aws:kinesis:us-east-1:000000000000:stream/none"
        }
        Some(Pattern::ConsumerArn) => {
            "arn:aws:kinesis:us-east-1:000000000000:stream/none/consumer/none:1"
        }
        Some(Pattern::StreamId) => "abcdefghij0123456789-abc",
        Some(Pattern::HashKey | Pattern::SequenceNumber) => "7",
    }
}

/// A text of the right length that does not match.
const fn mismatch(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Name => "a b",
        Pattern::HashKey | Pattern::SequenceNumber => "01",
        _ => "nonsense",
    }
}

/// A text that is one character too long.
fn too_long(pattern: Option<Pattern>, max: usize) -> String {
    let text = valid_text(pattern);
    text.to_owned() + &"1".repeat(max + 1 - text.len())
}

fn not_longer(most: usize) -> String {
    format!("Member must have length less than or equal to {most}")
}

fn not_shorter(least: usize) -> String {
    format!("Member must have length greater than or equal to {least}")
}

fn enum_set(values: &[&str]) -> String {
    format!(
        "Member must satisfy enum value set: [{}]",
        values.join(", ")
    )
}

fn matches(pattern: Pattern) -> String {
    format!(
        "Member must satisfy regular expression pattern: {}",
        pattern.as_str()
    )
}

fn one(value: impl Into<Value>, shown: impl Into<String>, constraint: String) -> Fault {
    Fault {
        value: Some(value.into()),
        said: vec![said(shown, constraint)],
    }
}

/// The faults of a value of this shape.
fn faults(shape: &'static Shape) -> Vec<Fault> {
    match *shape {
        Shape::Structure { members, .. } => of_members(shape, members),
        Shape::List { member, min, max } => of_list(member, min, max),
        Shape::Map {
            key,
            value,
            min,
            max,
        } => of_map(key, value, min, max),
        Shape::String {
            min,
            max,
            pattern,
            one_of,
        } => of_text(min, max, pattern, one_of),
        Shape::Integer { min, max } => {
            let mut faults = Vec::new();
            if min > i32::MIN {
                let constraint = format!("Member must have value greater than or equal to {min}");
                faults.push(one(min - 1, (min - 1).to_string(), constraint));
            }
            if max < i32::MAX {
                let constraint = format!("Member must have value less than or equal to {max}");
                faults.push(one(max + 1, (max + 1).to_string(), constraint));
            }
            faults
        }
        Shape::Blob { max } => {
            let length = max + 1;
            let shown = format!("java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]");
            vec![one(Bytes::from(vec![7; length]), shown, not_longer(max))]
        }
        Shape::Long | Shape::Boolean | Shape::Timestamp => Vec::new(),
    }
}

fn of_text(
    min: usize,
    max: usize,
    pattern: Option<Pattern>,
    one_of: &'static [&'static str],
) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !one_of.is_empty() {
        faults.push(one("OTHER", "OTHER", enum_set(one_of)));
    }
    if min > 0 {
        // An empty text breaks its pattern too.
        let mut all = vec![said("", not_shorter(min))];
        all.extend(pattern.map(|pattern| said("", matches(pattern))));
        faults.push(Fault {
            value: Some("".into()),
            said: all,
        });
    }
    if let Some(pattern) = pattern {
        let text = mismatch(pattern);
        faults.push(one(text, text, matches(pattern)));
    }
    if max < usize::MAX {
        let text = too_long(pattern, max);
        let mut all = vec![said(text.as_str(), not_longer(max))];
        // This pattern has a length of its own.
        if let Some(pattern @ Pattern::StreamId) = pattern {
            all.push(said(text.as_str(), matches(pattern)));
        }
        faults.push(Fault {
            value: Some(text.into()),
            said: all,
        });
    }
    faults
}

fn of_members(
    shape: &'static Shape,
    members: &'static [streamgauge::wire::shapes::Member],
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for member in members {
        if member.required {
            let mut value = valid(shape);
            if let Value::Structure(all) = &mut value {
                all.retain(|(name, _)| *name != member.name);
            }
            let mut missing = said("null", "Member must not be null");
            missing.below = path_of(member.name);
            faults.push(Fault {
                value: Some(value),
                said: vec![missing],
            });
        }
        for fault in self::faults(member.shape) {
            let value = fault
                .value
                .map(|value| valid(shape).with(member.name, value));
            faults.push(Fault {
                value,
                said: below(&path_of(member.name), fault.said),
            });
        }
    }
    faults
}

fn path_of(name: &str) -> String {
    name[..1].to_lowercase() + &name[1..]
}

fn below(path: &str, said: Vec<Said>) -> Vec<Said> {
    let lower = |mut one: Said| {
        one.below = if one.below.is_empty() {
            path.to_owned()
        } else {
            format!("{path}.{}", one.below)
        };
        one
    };
    said.into_iter().map(lower).collect()
}

fn shown_list(member: &'static Shape, values: &[Value]) -> String {
    let shown: Vec<_> = values
        .iter()
        .map(|value| match (member, value) {
            (Shape::Structure { name, .. }, _) => {
                format!("com.amazonaws.kinesis.v20131202.{name}@")
            }
            (_, Value::String(text)) => text.clone(),
            other => panic!("no list of the table holds {other:?}"),
        })
        .collect();
    format!("[{}]", shown.join(", "))
}

/// All constraints of a text, as they are listed for elements, keys and values.
fn listed(shape: &'static Shape) -> String {
    let Shape::String {
        min, max, one_of, ..
    } = *shape
    else {
        panic!("no list or map of the table has other elements than texts and structures");
    };
    if one_of.is_empty() {
        format!("[{}, {}]", not_longer(max), not_shorter(min))
    } else {
        format!("[{}]", enum_set(one_of))
    }
}

fn of_list(member: &'static Shape, min: usize, max: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    if min > 0 {
        faults.push(one(Vec::new(), "[]", not_shorter(min)));
    }
    let many = vec![valid(member); max + 1];
    let shown = shown_list(member, &many);
    faults.push(one(many, shown, not_longer(max)));
    for fault in self::faults(member) {
        let Some(bad) = fault.value else { continue };
        let values = vec![valid(member), bad];
        if matches!(member, Shape::Structure { .. }) {
            // Elements are counted from one.
            faults.push(Fault {
                value: Some(values.into()),
                said: below("2.member", fault.said),
            });
        } else {
            let shown = shown_list(member, &values);
            let constraint = format!("Member must satisfy constraint: {}", listed(member));
            faults.push(one(values, shown, constraint));
        }
    }
    faults
}

fn of_map(key: &'static Shape, value: &'static Shape, min: usize, max: usize) -> Vec<Fault> {
    let map = |entries: Vec<(String, String)>| {
        let shown: Vec<_> = entries.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let entries = entries.into_iter().map(|(k, v)| (k, v.into()));
        (
            Value::Map(entries.collect()),
            format!("{{{}}}", shown.join(", ")),
        )
    };
    let mut faults = Vec::new();
    let mut add = |entries, constraint| {
        let (value, shown) = map(entries);
        faults.push(one(value, shown, constraint));
    };
    if min > 0 {
        add(Vec::new(), not_shorter(min));
    }
    let many = (0..=max).map(|number| (format!("k{number}"), "v".to_owned()));
    add(many.collect(), not_longer(max));
    for (of, is_key, what) in [(key, true, "keys"), (value, false, "value")] {
        for fault in self::faults(of) {
            let Some(Value::String(bad)) = fault.value else {
                panic!("keys and values are texts")
            };
            let good = ("k".to_owned(), "v".to_owned());
            let bad = if is_key {
                (bad, "v".to_owned())
            } else {
                ("l".to_owned(), bad)
            };
            let constraint = format!("Map {what} must satisfy constraint: {}", listed(of));
            add(vec![good, bad], constraint);
        }
    }
    faults
}

fn text(said: &Said) -> String {
    let Said {
        below,
        shown,
        constraint,
    } = said;
    // Null alone stands without quotes.
    let shown = if constraint == "Member must not be null" {
        shown.clone()
    } else {
        format!("'{shown}'")
    };
    format!("Value {shown} at '{below}' failed to satisfy constraint: {constraint}")
}

/// Every input of this shape with one thing wrong.
pub(super) fn breaks(shape: &'static Shape) -> Vec<Break> {
    let faults = faults(shape).into_iter();
    faults
        .filter_map(|fault| {
            Some(Break {
                input: fault.value?,
                errors: fault.said.iter().map(text).collect(),
            })
        })
        .collect()
}

/// An input of which every member that has a small fault has one, twelve times over in a list of structures; and all
/// that is said of it.
pub(super) fn ruined(shape: &'static Shape) -> (Value, Vec<String>) {
    let (value, said) = ruin(shape);
    (value, said.iter().map(text).collect())
}

fn ruin(shape: &'static Shape) -> (Value, Vec<Said>) {
    let mut value = Value::structure();
    let mut all = Vec::new();
    for member in shape.members() {
        let path = path_of(member.name);
        let (bad, said) = match *member.shape {
            Shape::Structure { .. } => ruin(member.shape),
            Shape::List {
                member: element @ Shape::Structure { .. },
                ..
            } => {
                let (values, said): (Vec<_>, Vec<_>) = (0..12)
                    .map(|index: usize| {
                        let (value, said) = ruin(element);
                        (value, below(&format!("{}.member", index + 1), said))
                    })
                    .unzip();
                (values.into(), said.into_iter().flatten().collect())
            }
            Shape::Blob { .. } | Shape::Long | Shape::Boolean | Shape::Timestamp => {
                (valid(member.shape), Vec::new())
            }
            _ => match faults(member.shape).into_iter().next() {
                Some(Fault {
                    value: Some(bad),
                    said,
                }) => (bad, said),
                _ => (valid(member.shape), Vec::new()),
            },
        };
        value = value.with(member.name, bad);
        all.extend(below(&path, said));
    }
    (value, all)
}
