//! Requests and answers as trees, for everything that is not a hot path.

use bytes::Bytes;

use crate::base::Timestamp;

/// A decoded input or an output to be encoded. An absent member is not in its structure.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Only as an element of a list: elsewhere `null` is absent. The validator refuses it.
    Null,
    /// Text.
    String(String),
    /// 32 or 64 bits, as the shape says.
    Integer(i64),
    /// A number with a fraction. No core operation has one.
    Double(f64),
    /// True or false.
    Bool(bool),
    /// Bytes, not base64.
    Blob(Bytes),
    /// To the millisecond on the wire.
    Timestamp(Timestamp),
    /// Values of one shape.
    List(Vec<Value>),
    /// Members by their names on the wire.
    Structure(Vec<(&'static str, Value)>),
    /// Text to values, in the order of the request.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// A structure without members, to be filled by [`Self::with`].
    pub const fn structure() -> Self {
        Self::Structure(Vec::new())
    }

    /// The structure with one more member; a member of that name is replaced. Anything but a structure stays as it is.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Self>) -> Self {
        self.set(name, value.into());
        self
    }

    /// As [`Self::with`] if there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Self>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn set(&mut self, name: &'static str, value: Self) {
        if let Self::Structure(members) = self {
            members.retain(|(known, _)| *known != name);
            if value != Self::Null {
                members.push((name, value));
            }
        }
    }

    /// The member of this name, if this is a structure that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Structure(members) => {
                let found = members.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number.
    pub const fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// True or false.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The bytes.
    pub const fn as_blob(&self) -> Option<&Bytes> {
        match self {
            Self::Blob(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The time.
    pub const fn as_timestamp(&self) -> Option<Timestamp> {
        match self {
            Self::Timestamp(time) => Some(*time),
            _ => None,
        }
    }

    /// A list's elements.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// A map's entries.
    pub fn as_map(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The text of a member.
    pub fn str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The number of a member.
    pub fn i64(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    /// Whether a member is there and true.
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).and_then(Self::as_bool) == Some(true)
    }

    /// The time of a member.
    pub fn timestamp(&self, name: &str) -> Option<Timestamp> {
        self.get(name)?.as_timestamp()
    }

    /// The elements of a member; none if it is absent.
    pub fn list(&self, name: &str) -> &[Self] {
        self.get(name).and_then(Self::as_list).unwrap_or_default()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u64> for Value {
    /// Numbers above 2^63 - 1 become that: the service's longs are signed.
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Blob(bytes)
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Timestamp(time)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<T: IntoIterator<Item = Self>>(values: T) -> Self {
        Self::List(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_structure_gives_back_its_members_and_holds_no_absent_ones() {
        let value = Value::structure()
            .with("StreamName", "orders")
            .with("Limit", 7u32)
            .with_some("NextToken", None::<String>)
            .with("Limit", 8u32);
        assert_eq!(value.str("StreamName"), Some("orders"));
        assert_eq!(value.i64("Limit"), Some(8));
        assert_eq!(value.get("NextToken"), None);
        assert_eq!(value.str("Limit"), None);
        assert!(!value.is_true("DryRun"));
        assert_eq!(value.list("Records"), &[]);
        let Value::Structure(members) = value else {
            panic!("a structure stays one")
        };
        assert_eq!(members.len(), 2);
    }
}
