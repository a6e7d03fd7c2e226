//! The gate: pairs of runs against two engines, taken in turns, until something can be said.
//!
//! Files: `order` (whose turn it is), `plan` (how many pairs, how long, what they can show), `regime` (whether both sides
//! enforce the same limits), `engine` (an engine started for a run), `conduct` (pairs, looks, the end), `result` (gate.json),
//! `markdown` (its summary).
//!
//! Invariant: no figure of a pair has a say in whether another pair is made, but at the fixed looks.

pub mod conduct;
pub mod engine;
pub mod markdown;
pub mod order;
pub mod plan;
pub mod regime;
pub mod result;

pub use conduct::{Conducted, Ending, Judging, Told, conduct};
pub use engine::{Engine, EngineCommand, EngineError};
pub use order::{Side, order};
pub use plan::{Plan, PlanError};
pub use regime::{Regime, probe};
pub use result::{GateResult, GateVerdict, SideResult};
