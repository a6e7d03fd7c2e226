//! One statement of the page.

/// How sure a statement is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// The service's own behaviour, from the source that is named.
    Known(&'static str),
    /// Known, and done here with less than the service does; the text says what is left out.
    Simplified(&'static str),
    /// Nobody outside AWS knows; this is the project's choice.
    Unverified(&'static str),
    /// Not done.
    Absent(&'static str),
}

impl Standing {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Known(_) => "as the service",
            Self::Simplified(_) => "simplified",
            Self::Unverified(_) => "unverified",
            Self::Absent(_) => "absent",
        }
    }

    pub(crate) const fn note(self) -> &'static str {
        match self {
            Self::Known(note)
            | Self::Simplified(note)
            | Self::Unverified(note)
            | Self::Absent(note) => note,
        }
    }
}

/// What the service does, how sure that is, and the tests that hold the engine to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) about: &'static str,
    pub(crate) says: &'static str,
    pub(crate) standing: Standing,
    pub(crate) tests: &'static [&'static str],
}

pub(crate) const fn row(
    about: &'static str,
    says: &'static str,
    standing: Standing,
    tests: &'static [&'static str],
) -> Row {
    Row {
        about,
        says,
        standing,
        tests,
    }
}
