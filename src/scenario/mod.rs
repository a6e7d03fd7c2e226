//! The scenario file: read, checked, with every default filled in.
//!
//! A file goes through these steps, one file of code each: `tree` reads TOML and keeps where everything stands,
//! `set` applies what the command line overrides, `check` holds the tree against the structures that `schema`
//! declares (the JSON Schema is made from the same ones), `draft` fills in the `presets` and the `defaults`, `validate` holds the
//! rules that join several fields, `build` makes the [`Scenario`], and `resolved` lists what every setting came to.
//! Whatever is wrong on the way becomes a [`Finding`], and all of them together, each with its place, are [`Problems`].
//!
//! Invariant: a [`Scenario`] that exists is valid; whoever gets one checks nothing again.

#[cfg(test)]
mod agreement;
mod build;
mod build_arrival;
mod build_calls;
mod build_keys;
mod build_payload;
mod check;
pub mod created;
mod curve;
mod defaults;
mod describe;
mod draft;
mod files;
mod finding;
mod json_template;
mod json_walk;
pub mod kept;
mod key_table;
mod limits_file;
mod load;
pub mod metric;
pub mod model;
mod payload_bytes;
mod payload_file;
mod presets;
mod problem;
mod quantity;
mod resolved;
mod schema;
mod set;
mod tables;
pub mod targets;
mod trace_file;
mod tree;
mod validate;

pub use finding::Finding;
pub use limits_file::{load_delays, load_limits};
pub use load::{Loaded, Source, load};
pub use model::Scenario;
pub use problem::{Problem, Problems};
pub use resolved::ResolvedSetting;
pub use schema::json_schema;
pub use set::{Override, OverrideError};
pub use validate::{
    Abilities, cannot, cannot_of, check_simulated, check_target, has_faults, quota_notes,
};
