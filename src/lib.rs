//! Measures Amazon Kinesis Data Streams, with a faithful local Kinesis inside.
//!
//! # Layout
//! A record's way is one direction through the modules, in the order in which they stand below:
//!
//! - [`base`]: clock, seeds, units;
//! - [`kinesis`]: the service's words;
//! - [`trace`]: a recorded stream;
//! - [`measure`]: what was observed;
//! - [`scenario`]: the file, checked;
//! - [`workload`]: what to send and when;
//! - [`engine`]: the local Kinesis, time passed in;
//! - [`wire`]: AWS's formats, both directions;
//! - [`host`]: the engine with a clock;
//! - [`dispatch`]: any operation, from its input to the engine and back;
//! - [`server`]: the host behind HTTP;
//! - [`target`]: one call = one attempt, anywhere;
//! - [`producer`]: sending on schedule;
//! - [`consumer`]: reading back;
//! - [`calls`]: any operation on schedule;
//! - [`run`]: phases and events of one run;
//! - [`report`]: showing results;
//! - [`analyse`]: verdicts that need no target;
//! - [`study`]: many runs, one question;
//! - [`cli`]: flags and subcommands.
//!
//! `ARCHITECTURE.md` tells what each module may use and what always holds in it; `tests/architecture.rs` checks the
//! former.

// A blank line each: the order is the way of a record, and rustfmt would sort neighbours.

pub mod base;

pub mod kinesis;

pub mod trace;

pub mod measure;

pub mod scenario;

pub mod workload;

pub mod engine;

pub mod wire;

pub mod host;

pub mod dispatch;

pub mod server;

pub mod target;

pub mod producer;

pub mod consumer;

pub mod calls;

pub mod run;

pub mod report;

pub mod analyse;

pub mod study;

pub mod cli;
