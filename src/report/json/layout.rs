//! How `report.json` is laid out: a member a line, a list of numbers on one line. A series of hundreds of points would
//! otherwise be hundreds of lines.

use std::io::{self, Write};

use serde_json::ser::{CompactFormatter, Formatter};

const INDENT: &[u8] = b"  ";

/// A formatter like `serde_json`'s pretty one, but for lists of numbers.
#[derive(Debug, Default)]
pub(super) struct Layout {
    depth: usize,
    /// Whether the object or list that ends next holds anything.
    has_value: bool,
    /// Whether all of each open list so far stands on the line of its beginning, the innermost last.
    is_one_line: Vec<bool>,
    /// A value of a list is about to be written, and whether it is the first.
    pending: Option<bool>,
}

impl Layout {
    fn line<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(INDENT))
    }

    /// What comes before a value that has a line of its own in a list.
    fn on_its_line<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let Some(is_first) = self.pending.take() else {
            return Ok(());
        };
        if let Some(is_one_line) = self.is_one_line.last_mut() {
            *is_one_line = false;
        }
        if !is_first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    /// What comes before a number in a list.
    fn beside<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_one_line.last() == Some(&false) {
            return self.on_its_line(writer);
        }
        match self.pending.take() {
            Some(false) => writer.write_all(b", "),
            Some(true) | None => Ok(()),
        }
    }
}

/// The numbers that a document holds, and their types.
macro_rules! numbers {
    ($($method:ident: $number:ty),*) => {
        $(fn $method<W: ?Sized + Write>(&mut self, writer: &mut W, value: $number) -> io::Result<()> {
            self.beside(writer)?;
            CompactFormatter.$method(writer, value)
        })*
    };
}

impl Formatter for Layout {
    numbers!(
        write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64, write_i128: i128,
        write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_u128: u128,
        write_f32: f32, write_f64: f64
    );

    fn write_null<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.on_its_line(writer)?;
        CompactFormatter.write_null(writer)
    }

    fn write_bool<W: ?Sized + Write>(&mut self, writer: &mut W, value: bool) -> io::Result<()> {
        self.on_its_line(writer)?;
        CompactFormatter.write_bool(writer, value)
    }

    fn begin_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.on_its_line(writer)?;
        writer.write_all(b"\"")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.on_its_line(writer)?;
        self.depth += 1;
        self.has_value = false;
        self.is_one_line.push(true);
        writer.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.is_one_line.pop() == Some(false) && self.has_value {
            self.line(writer)?;
        }
        writer.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        self.pending = Some(first);
        Ok(())
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.on_its_line(writer)?;
        self.depth += 1;
        self.has_value = false;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.line(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize as _;
    use serde_json::{Value, json};

    use super::*;

    fn written(value: &Value) -> String {
        let mut bytes = Vec::new();
        let mut writer = serde_json::Serializer::with_formatter(&mut bytes, Layout::default());
        value.serialize(&mut writer).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn numbers_share_a_line_and_everything_else_has_its_own() {
        let value =
            json!({"a": [1, 2.5, -3], "b": [{"c": []}, {}], "d": ["x", 1, [2, 3]], "e": {}});
        let text = "{\n  \"a\": [1, 2.5, -3],\n  \"b\": [\n    {\n      \"c\": []\n    },\n    {}\n  ],\n  \"d\": [\n    \
                    \"x\",\n    1,\n    [2, 3]\n  ],\n  \"e\": {}\n}";
        assert_eq!(written(&value), text);
    }

    #[test]
    fn what_holds_no_list_of_numbers_is_laid_out_as_ever() {
        let value =
            json!({"a": {"b": [null, true, "x"]}, "c": [[], [[]]], "d": "\n\"", "e": 1e300});
        let text = written(&value);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let of_strings = json!({"a": [{"b": "c"}, {"d": ["e", "f"]}]});
        assert_eq!(
            written(&of_strings),
            serde_json::to_string_pretty(&of_strings).unwrap()
        );
    }
}
