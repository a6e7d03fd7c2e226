//! Findings with their places, and how a person sees them.

use std::fmt;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::finding::Finding;
use super::tree::Node;

/// A text that a scenario comes from: the file first, then each override.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) path: String,
    pub(super) text: String,
}

/// One problem and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The file as it was named, or `--set`.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub title: String,
    /// What would be accepted, one line each.
    pub notes: Vec<String>,
    /// What was probably meant.
    pub help: Option<String>,
    origin: usize,
    span: std::ops::Range<usize>,
}

/// All that is wrong with a scenario, in the order of the text; never empty.
#[derive(Clone)]
pub struct Problems {
    origins: Arc<[Origin]>,
    list: Vec<Problem>,
}

impl Problems {
    /// Gives each finding its place. `root` is the tree that the findings' paths lead through.
    pub(super) fn locate(
        origins: Arc<[Origin]>,
        root: Option<&Node>,
        findings: Vec<Finding>,
    ) -> Self {
        let mut list: Vec<_> = findings
            .into_iter()
            .map(|finding| {
                let (origin, span) = match (&finding.at, root) {
                    (super::finding::At::Place(place), _) => (place.text, place.span.clone()),
                    (at, Some(root)) => {
                        let place = root.place_of(at);
                        (place.text, place.span)
                    }
                    (_, None) => (0, 0..0),
                };
                let Origin { path, text } = &origins[origin];
                let span = within(text, span);
                let before = &text[..span.start];
                let line_start = before.rfind('\n').map_or(0, |end| end + 1);
                Problem {
                    path: path.clone(),
                    line: before.matches('\n').count() + 1,
                    column: before[line_start..].chars().count() + 1,
                    title: finding.title,
                    notes: finding.notes,
                    help: finding.help,
                    origin,
                    span,
                }
            })
            .collect();
        list.sort_by_key(|problem| (problem.origin, problem.span.start));
        list.dedup();
        Self { origins, list }
    }

    /// The problems.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// All problems for a terminal: each with its file, line and column, the line itself and the accepted values.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .decor_style(DecorStyle::Ascii);
        let mut rendered: Vec<_> = self
            .list
            .iter()
            .map(|problem| {
                let text = &self.origins[problem.origin].text;
                let snippet = Snippet::source(text.as_str())
                    .path(problem.path.as_str())
                    .annotation(AnnotationKind::Primary.span(problem.span.clone()));
                let mut group = Level::ERROR
                    .primary_title(problem.title.as_str())
                    .element(snippet);
                for note in &problem.notes {
                    group = group.element(Level::NOTE.message(note.as_str()));
                }
                if let Some(help) = &problem.help {
                    group = group.element(Level::HELP.message(help.as_str()));
                }
                renderer.render(&[group])
            })
            .collect();
        let count = self.list.len();
        let word = if count == 1 { "problem" } else { "problems" };
        rendered.push(format!("{count} {word} in {}", self.origins[0].path));
        rendered.join("\n\n")
    }
}

/// A span of the text that begins and ends between characters and stays within one line: a table's can be long.
fn within(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let start = text.floor_char_boundary(span.start);
    let end = text.ceil_char_boundary(span.end.max(start));
    let line_end = text[start..]
        .find(['\n', '\r'])
        .map_or(end, |at| start + at);
    start..end.min(line_end)
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.list, f)
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::tree::Place;

    fn problems(text: &str, span: std::ops::Range<usize>) -> Problems {
        let origins: Arc<[Origin]> = Arc::new([Origin {
            path: "a.toml".into(),
            text: text.into(),
        }]);
        let finding = Finding::place(Place { text: 0, span }, "wrong");
        Problems::locate(origins, None, vec![finding])
    }

    #[test]
    fn lines_and_columns_count_from_one_and_columns_count_characters() {
        let found = problems("a\nüü = x\n", 9..10);
        let problem = found.iter().next().unwrap();
        assert_eq!((problem.line, problem.column), (2, 6));
    }

    #[test]
    fn a_span_that_fits_no_text_is_still_shown() {
        for (text, span) in [("", 0..0), ("", 3..9), ("ü", 1..1), ("a\r\nb", 0..4)] {
            assert!(problems(text, span).to_string().contains("wrong"));
        }
    }

    #[test]
    fn colour_is_only_there_when_asked_for() {
        let found = problems("a = 1\n", 0..1);
        assert!(found.render(true).contains('\u{1b}'));
        assert!(!found.render(false).contains('\u{1b}'));
    }
}
