//! Two sets of runs of one scenario, held against each other.
//!
//! [`alike`] says why two reports must not be compared, [`pairs`] which run belongs to which, [`checks`] what needs no
//! statistics, [`metrics`] which figures are judged and how; [`Comparison`] is the result, which [`text`], [`markdown`] and
//! [`page`] show.
//!
//! Invariant: a comparison that exists is of like with like; what could not be judged says so and why.

pub mod alike;
pub mod checks;
pub mod comparison;
pub mod markdown;
pub mod metrics;
pub mod page;
pub mod pairs;
pub mod run;
pub mod text;

pub use alike::{Allowed, Unlike};
pub use checks::Check;
pub use comparison::{Comparison, Row, Settings, compare};
pub use metrics::{Better, Metric};
pub use pairs::{Pairing, PairingError};
pub use run::{Run, ServerUse};
