//! What is wrong with a scenario, named by the path of the setting; its place in the text comes later.

use super::tree::Place;

/// One thing that is wrong with a scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    pub(super) at: At,
    pub(super) title: String,
    pub(super) notes: Vec<String>,
    pub(super) help: Option<String>,
}

/// Where a finding is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum At {
    /// The value of this setting; if it was not given, whatever holds it.
    Value(Vec<String>),
    /// The name of this setting.
    Name(Vec<String>),
    /// A place in a text.
    Place(Place),
}

impl Finding {
    /// A finding about the value at a path.
    pub(super) fn value<S: AsRef<str>>(path: &[S], title: impl Into<String>) -> Self {
        Self::new(At::Value(owned(path)), title)
    }

    /// A finding about the name of the setting at a path.
    pub(super) fn name<S: AsRef<str>>(path: &[S], title: impl Into<String>) -> Self {
        Self::new(At::Name(owned(path)), title)
    }

    /// A finding at a place of a text.
    pub(super) fn place(place: Place, title: impl Into<String>) -> Self {
        Self::new(At::Place(place), title)
    }

    fn new(at: At, title: impl Into<String>) -> Self {
        Self {
            at,
            title: title.into(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Adds a line, such as the accepted values.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds the accepted values, and the nearest of them to what was given.
    pub(super) fn accepted<S: AsRef<str>>(self, given: &str, accepted: &[S]) -> Self {
        let list: Vec<_> = accepted
            .iter()
            .map(|name| format!("`{}`", name.as_ref()))
            .collect();
        let finding = if list.is_empty() {
            self.note("none are declared")
        } else {
            self.note(format!("accepted: {}", list.join(", ")))
        };
        finding.did_you_mean(given, accepted)
    }

    /// Adds the nearest of the accepted values, if one is near.
    pub(super) fn did_you_mean<S: AsRef<str>>(mut self, given: &str, accepted: &[S]) -> Self {
        if let Some(near) = nearest(given, accepted) {
            self.help = Some(format!("did you mean `{near}`?"));
        }
        self
    }

    /// What is wrong, in one line.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The path of the setting, dotted; nothing for a place in a text that is no scenario.
    pub fn path(&self) -> String {
        match &self.at {
            At::Value(path) | At::Name(path) => dotted(path),
            At::Place(_) => String::new(),
        }
    }
}

fn owned<S: AsRef<str>>(path: &[S]) -> Vec<String> {
    path.iter().map(|name| name.as_ref().to_owned()).collect()
}

/// A path as TOML writes it, names quoted where they need it.
pub(super) fn dotted<S: AsRef<str>>(path: &[S]) -> String {
    let bare = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-'))
    };
    let names: Vec<_> = path
        .iter()
        .map(AsRef::as_ref)
        .map(|name| {
            if bare(name) {
                name.to_owned()
            } else {
                toml::Value::String(name.to_owned()).to_string()
            }
        })
        .collect();
    names.join(".")
}

/// The accepted name that a slip of the finger would turn into `given`.
pub(super) fn nearest<'a, S: AsRef<str>>(given: &str, accepted: &'a [S]) -> Option<&'a str> {
    /// Longer texts are no slips, and comparing them takes long.
    const CHARS_MAX: usize = 64;
    if given.len() > CHARS_MAX {
        return None;
    }
    let folded = given.to_lowercase().replace('-', "_");
    accepted
        .iter()
        .map(AsRef::as_ref)
        .map(|name| {
            let other = name.to_lowercase().replace('-', "_");
            // Two letters swapped at the start of a short name are far apart for Jaro and Winkler.
            let one_slip = folded.len() > 2 && strsim::osa_distance(&folded, &other) == 1;
            let likeness = strsim::jaro_winkler(&folded, &other);
            (
                if one_slip {
                    likeness.max(0.9)
                } else {
                    likeness
                },
                name,
            )
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant_and_a_strange_word_finds_none() {
        let accepted = ["warm_up", "measure", "drain"];
        assert_eq!(nearest("warmup", &accepted), Some("warm_up"));
        assert_eq!(nearest("warm-up", &accepted), Some("warm_up"));
        assert_eq!(nearest("mesure", &accepted), Some("measure"));
        assert_eq!(nearest("wbe", &["web", "app"]), Some("web"));
        assert_eq!(nearest("colour", &accepted), None);
        assert_eq!(nearest(&"measure".repeat(1_000), &accepted), None);
    }

    #[test]
    fn a_path_quotes_the_names_that_toml_would() {
        assert_eq!(
            dotted(&["streams", "a.b", "shards"]),
            "streams.\"a.b\".shards"
        );
    }
}
