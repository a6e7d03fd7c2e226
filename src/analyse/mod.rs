//! Verdicts that need no target: what a scenario will cost on AWS and what a report has cost, what it takes from other
//! readers, the least rights that it needs, and how two sets of runs differ beyond noise ([`compare`](mod@compare),
//! [`statistics`]).
//!
//! Invariant: everything here is a plain function of a scenario, a report and a dated price list; nothing waits, and a
//! figure says how it is known.

pub mod budget;
mod call_cost;
pub mod compare;
pub mod cost;
mod fan_out;
pub mod policy;
pub mod prices;
pub mod statistics;

pub use budget::{ReadBudget, read_budgets};
pub use cost::{
    Found, FoundStreams, LiveCost, Provisioned, ShardsFor, estimate, estimate_of, of_report,
    on_demand, provisioned,
};
pub use policy::policy;
pub use prices::Prices;
