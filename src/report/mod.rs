//! Showing results: one document, and every form in which it is kept or read.
//!
//! [`Document`] is what is known of a run; `run` fills it, [`slo`] and [`answer`] draw the conclusions, [`json`] keeps
//! it and [`terminal`], [`html`], [`markdown`] and [`junit`] show it, without names by [`redact`]. [`hlog`], [`hgrm`] and
//! [`csv`] keep what is too much for a document, [`series`] makes of it what a document says of time. [`Folder`] is where
//! they go, [`Results`] puts them there.
//!
//! Invariant: writers compute nothing that is not in the document. What the terminal or a page shows can be read from
//! `report.json` alone, and a figure is shown with its basis.

mod aftermath;
pub mod answer;
pub mod aws;
pub mod build;
pub mod calls;
pub mod cost;
pub mod csv;
pub mod document;
pub mod figure;
pub mod folder;
pub mod forecast;
pub mod hgrm;
pub mod hlog;
pub mod html;
pub mod interval_view;
pub mod json;
pub mod junit;
pub mod live;
pub mod markdown;
pub mod merge;
pub mod named_files;
pub mod redact;
pub mod results;
#[cfg(test)]
pub(crate) mod sample;
mod sampled;
pub mod series;
pub mod slo;
pub mod terminal;
pub mod text;
pub mod worker;

pub use aftermath::Aftermath;
pub use aws::AwsRun;
pub use calls::{CallsSummary, OperationSummary};
pub use cost::{Cost, CostLine, PriceList};
pub use document::{
    ByPhase, ConsumerSummary, Document, Environment, EvenPart, EventRow, EventStatus, FigureBasis,
    Instrument, Latency, Ledger, ProducerSummary, SCHEMA_VERSION, ScenarioInfo, ShardRow,
    StreamBalance, TargetFinding, TargetSummary, ThrottlingRow, WorkerPart, WorkerRow, World,
};
pub use figure::{Unit, figure};
pub use folder::{Folder, FolderError};
pub use forecast::{KeyForecast, ShardForecast, StreamForecast};
pub use interval_view::IntervalView;
pub use results::Results;
pub use series::{Effect, Heat, Minutes, Timeline};
pub use slo::{SloResult, SloStatus};
