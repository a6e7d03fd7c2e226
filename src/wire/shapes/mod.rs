//! What requests and answers look like: one table of the 40 core operations, their members, types, ranges, lengths,
//! patterns and enums.
//!
//! Invariant: constants only. Decoders, the validator and the tests' generators all read this one table.

mod leaves;
mod operations;
mod structures;

pub use operations::{OPERATIONS, UNIMPLEMENTED_FAMILIES};

use super::pattern::Pattern;

/// One operation of the service.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The name, as in `X-Amz-Target: Kinesis_20131202.<name>`.
    pub name: &'static str,
    /// What a request holds: always a structure.
    pub input: &'static Shape,
    /// What an answer holds: a structure, and one without members if the answer has no body. SubscribeToShard answers
    /// a stream of events of this shape.
    pub output: &'static Shape,
}

impl Operation {
    /// Whether an answer has a body; without one it is 200 with `Content-Length: 0` (kinesalite's tests against the
    /// service).
    pub fn has_output(&self) -> bool {
        !self.output.members().is_empty()
    }
}

/// The core operation of this name.
pub fn operation(name: &str) -> Option<&'static Operation> {
    OPERATION_TABLE
        .binary_search_by(|operation| operation.name.cmp(name))
        .ok()
        .map(|index| &OPERATION_TABLE[index])
}

/// The table with one address.
static OPERATION_TABLE: [Operation; 40] = OPERATIONS;

/// A member of a structure.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub shape: &'static Shape,
    /// Whether its absence is an error.
    pub required: bool,
}

/// What a value may be. Lengths of text are in characters, of blobs in bytes; bounds are inclusive.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "bounds are named for what they bound")]
pub enum Shape {
    /// Named members; `name` is the service's class, which its error texts show.
    Structure {
        name: &'static str,
        members: &'static [Member],
    },
    /// Values of one shape.
    List {
        member: &'static Shape,
        min: usize,
        max: usize,
    },
    /// Text to values of one shape.
    Map {
        key: &'static Shape,
        value: &'static Shape,
        min: usize,
        max: usize,
    },
    /// Text. An empty `one_of` allows every text.
    String {
        min: usize,
        max: usize,
        pattern: Option<Pattern>,
        one_of: &'static [&'static str],
    },
    /// 32 bits.
    Integer { min: i32, max: i32 },
    /// 64 bits.
    Long,
    /// True or false.
    Boolean,
    /// Milliseconds since the epoch.
    Timestamp,
    /// Bytes.
    Blob { max: usize },
}

impl Shape {
    /// A structure's members; none for anything else.
    pub const fn members(&self) -> &'static [Member] {
        match self {
            Self::Structure { members, .. } => members,
            _ => &[],
        }
    }
}

/// The output of an operation that answers nothing.
const NOTHING: Shape = structure("Nothing", &[]);

const ANY_INTEGER: Shape = integer(i32::MIN, i32::MAX);
const ANY_TEXT: Shape = text(0, usize::MAX);

const fn structure(name: &'static str, members: &'static [Member]) -> Shape {
    Shape::Structure { name, members }
}

const fn required(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        shape,
        required: true,
    }
}

const fn optional(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        shape,
        required: false,
    }
}

const fn text(min: usize, max: usize) -> Shape {
    Shape::String {
        min,
        max,
        pattern: None,
        one_of: &[],
    }
}

const fn matching(pattern: Pattern, min: usize, max: usize) -> Shape {
    Shape::String {
        min,
        max,
        pattern: Some(pattern),
        one_of: &[],
    }
}

const fn one_of(values: &'static [&'static str]) -> Shape {
    Shape::String {
        min: 0,
        max: usize::MAX,
        pattern: None,
        one_of: values,
    }
}

const fn integer(min: i32, max: i32) -> Shape {
    Shape::Integer { min, max }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_operation_is_found_by_its_name() {
        assert!(OPERATIONS.is_sorted_by_key(|operation| operation.name));
        for expected in &OPERATIONS {
            let found = operation(expected.name).unwrap();
            assert_eq!(found.name, expected.name);
        }
        assert!(operation("putrecord").is_none());
        for name in UNIMPLEMENTED_FAMILIES {
            assert!(operation(name).is_none(), "{name}");
        }
    }

    #[test]
    fn every_input_and_output_is_a_structure_whose_member_names_differ() {
        fn walk(shape: &Shape) {
            match shape {
                Shape::Structure { name, members } => {
                    for (index, member) in members.iter().enumerate() {
                        let twice = members[..index].iter().any(|m| m.name == member.name);
                        assert!(!twice, "{name}.{}", member.name);
                        walk(member.shape);
                    }
                }
                Shape::List { member, .. } => walk(member),
                Shape::Map { key, value, .. } => {
                    walk(key);
                    walk(value);
                }
                _ => {}
            }
        }
        for operation in &OPERATIONS {
            for shape in [operation.input, operation.output] {
                assert!(
                    matches!(shape, Shape::Structure { .. }),
                    "{}",
                    operation.name
                );
                walk(shape);
            }
        }
    }

    #[test]
    fn eighteen_operations_answer_without_a_body() {
        let without: Vec<_> = OPERATIONS
            .iter()
            .filter(|o| !o.has_output())
            .map(|o| o.name)
            .collect();
        assert!(without.contains(&"CreateStream") && without.contains(&"TagResource"));
        assert_eq!(without.len(), EMPTY_ANSWERS, "{without:?}");
    }

    /// Counted in the service model: core operations without `output`.
    const EMPTY_ANSWERS: usize = 18;
}
