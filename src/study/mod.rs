//! Many runs, one question.
//!
//! [`gate`]: is the new engine worse than the base one?
//!
//! Invariant: what is asked, how often, and when it stops is fixed before the first run; a study that was stopped keeps the
//! runs that it made.

pub mod gate;
