//! Cuts the JSON of a template where its placeholders stand.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::json_template::{
    OBJECT_FORM, PLACEHOLDER_FORM, Piece, TemplateError, escaped, placeholder, wrong,
};

/// Goes through a text that is known to be JSON, and writes it anew without its spaces. Numbers stay as they are written.
pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
    writer: Writer,
}

impl<'a> Walk<'a> {
    /// At the start of a text that is JSON.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            writer: Writer::default(),
        }
    }

    /// What was walked through, an object, without the brace at its end: whoever has added members closes it.
    pub(super) fn into_open_pieces(mut self) -> Box<[Piece]> {
        self.writer.fixed.pop();
        self.writer.end_fixed();
        self.writer.pieces.into()
    }

    /// The next byte that is no space.
    pub(super) fn next(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().position(|byte| !space(byte))?;
        self.text.as_bytes().get(self.at).copied()
    }

    /// Whether this byte comes next, which is then passed.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.next() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self) -> Result<(), TemplateError> {
        match self.next() {
            Some(b'{') => {
                self.object(&[])?;
            }
            Some(b'[') => self.array()?,
            Some(b'"') => {
                let at = self.at;
                let text = self.string();
                let written = self.writer.text(&text);
                written.map_err(|error| self.located(at, error))?;
            }
            _ => {
                let rest = &self.text[self.at..];
                let ends = |c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace();
                let end = rest.find(ends).unwrap_or(rest.len());
                self.writer.fixed.push_str(&rest[..end]);
                self.at += end;
            }
        }
        Ok(())
    }

    /// An object in which these names are taken; gives the number of its members.
    pub(super) fn object(&mut self, taken: &[&str]) -> Result<usize, TemplateError> {
        self.takes(b'{');
        self.writer.fixed.push('{');
        let mut names = BTreeSet::new();
        while self.next() == Some(b'"') {
            let at = self.at;
            let name = self.string();
            let refuse = |what, accepted| {
                let error = TemplateError {
                    line: None,
                    what,
                    accepted,
                };
                self.located(at, error)
            };
            if taken.contains(&&*name) {
                let what = format!("the member `{name}` is taken");
                return Err(refuse(what, OBJECT_FORM));
            }
            if name.contains("${") {
                let what = format!("the name `{name}` holds a placeholder, which only values may");
                return Err(refuse(what, PLACEHOLDER_FORM));
            }
            if names.contains(&name) {
                let what = format!(
                    "column {}: the member `{name}` is there twice",
                    self.column(at)
                );
                return Err(refuse(what, "accepted: each name once in an object"));
            }
            let comma = if names.is_empty() { "" } else { "," };
            let _ = write!(self.writer.fixed, "{comma}\"{}\":", escaped(&name));
            names.insert(name);
            self.takes(b':');
            self.value()?;
            self.takes(b',');
        }
        self.takes(b'}');
        self.writer.fixed.push('}');
        Ok(names.len())
    }

    fn array(&mut self) -> Result<(), TemplateError> {
        self.takes(b'[');
        self.writer.fixed.push('[');
        while self.next().is_some_and(|byte| byte != b']') {
            self.value()?;
            if self.takes(b',') {
                self.writer.fixed.push(',');
            }
        }
        self.takes(b']');
        self.writer.fixed.push(']');
        Ok(())
    }

    /// The text that begins here, without its quotes and escapes.
    fn string(&mut self) -> String {
        let rest = &self.text[self.at..];
        let mut escape = false;
        let end = rest.bytes().enumerate().skip(1).find(|&(_, byte)| {
            let ends = byte == b'"' && !escape;
            escape = byte == b'\\' && !escape;
            ends
        });
        let end = end.map_or(rest.len(), |(index, _)| index + 1);
        self.at += end;
        serde_json::from_str(&rest[..end]).unwrap_or_default()
    }

    /// The error with the line of this place.
    fn located(&self, at: usize, error: TemplateError) -> TemplateError {
        let line = self.text[..at].matches('\n').count() + 1;
        TemplateError {
            line: Some(line),
            ..error
        }
    }

    /// Characters from the line's start to this place, from 1.
    fn column(&self, at: usize) -> usize {
        let before = &self.text[..at];
        let line = before.rsplit('\n').next().unwrap_or(before);
        line.chars().count() + 1
    }
}

/// Writes JSON, and cuts it where placeholders stand.
#[derive(Default)]
struct Writer {
    pieces: Vec<Piece>,
    fixed: String,
}

impl Writer {
    fn end_fixed(&mut self) {
        if !self.fixed.is_empty() {
            let fixed = std::mem::take(&mut self.fixed);
            self.pieces.push(Piece::Fixed(fixed.into()));
        }
    }

    fn text(&mut self, text: &str) -> Result<(), TemplateError> {
        if let Some(inner) = text.strip_prefix("${")
            && inner.find('}') == Some(inner.len() - 1)
        {
            let piece = placeholder(&inner[..inner.len() - 1])?;
            let number = matches!(piece, Piece::Int(_) | Piece::Float(..) | Piece::Sequence);
            let quote = if number { "" } else { "\"" };
            self.fixed.push_str(quote);
            self.end_fixed();
            self.pieces.push(piece);
            self.fixed.push_str(quote);
            return Ok(());
        }
        self.fixed.push('"');
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if let Some(before) = rest[..at].strip_suffix('$') {
                self.fixed.push_str(&escaped(before));
                self.fixed.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            self.fixed.push_str(&escaped(&rest[..at]));
            let inner = &rest[at + 2..];
            let end = inner
                .find('}')
                .ok_or_else(|| wrong(format!("`{}` has no `}}`", &rest[at..])))?;
            let piece = placeholder(&inner[..end])?;
            self.end_fixed();
            self.pieces.push(piece);
            rest = &inner[end + 1..];
        }
        self.fixed.push_str(&escaped(rest));
        self.fixed.push('"');
        Ok(())
    }
}
