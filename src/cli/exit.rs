//! Exit codes: what a script learns without reading.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Everything asked for holds.
    Yes,
    /// An SLO was missed; something got worse.
    No,
    /// The command line or a scenario is wrong, or the results cannot be written.
    Usage,
    /// Neither can be said.
    Inconclusive,
    /// The measurement is void.
    Void,
    /// The target cannot be reached, refused to begin, or a guard refused.
    Unreachable,
    /// Interrupted; the results so far are written.
    Interrupted,
}

impl Exit {
    /// From the one that hides all others to the one that hides none.
    const PRECEDENCE: [Self; 7] = [
        Self::Usage,
        Self::Unreachable,
        Self::Interrupted,
        Self::Void,
        Self::Inconclusive,
        Self::No,
        Self::Yes,
    ];

    /// The process's exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Void => 3,
            Self::Unreachable => 4,
            Self::Inconclusive => 5,
            Self::Interrupted => 130,
        }
    }

    /// The one that stands for both.
    pub fn and(self, other: Self) -> Self {
        Self::PRECEDENCE
            .into_iter()
            .find(|exit| *exit == self || *exit == other)
            .unwrap_or(self)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_endings_the_one_that_makes_the_others_worthless_is_told() {
        assert_eq!(Exit::Yes.and(Exit::No), Exit::No);
        assert_eq!(Exit::No.and(Exit::Inconclusive), Exit::Inconclusive);
        assert_eq!(Exit::No.and(Exit::Void), Exit::Void);
        assert_eq!(Exit::Void.and(Exit::Interrupted), Exit::Interrupted);
        assert_eq!(Exit::Interrupted.and(Exit::Unreachable), Exit::Unreachable);
        assert_eq!(Exit::Usage.and(Exit::Unreachable), Exit::Usage);
        assert_eq!(Exit::Yes.and(Exit::Yes), Exit::Yes);
    }
}
