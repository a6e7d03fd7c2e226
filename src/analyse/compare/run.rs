//! One run of one side.

use serde::{Deserialize, Serialize};

use crate::report::Document;
use crate::report::figure::{Unit, figure};

/// A run: its report, and what its engine took where that was watched.
#[derive(Clone, PartialEq, Debug)]
pub struct Run {
    /// Where its report is, as it was given.
    pub path: String,
    /// Its report.
    pub document: Document,
    /// What the engine took meanwhile; none where it was not started for the run.
    pub server: Option<ServerUse>,
}

/// What an engine's processes took during a run.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct ServerUse {
    /// Processor time from when it was ready to the end of the run, in microseconds; the kernel counts in steps of 10,000.
    pub cpu_us: f64,
    /// The most memory that it held, in bytes, since it was started.
    pub memory_bytes_max: f64,
}

/// The engine's processor time per record or call that it accepted.
pub const CPU: &str = "server.cpu_us_per_operation";
/// The most memory that the engine held.
pub const MEMORY: &str = "server.memory_bytes_max";

impl Run {
    /// The figure at `path`: those of the report, and the engine's.
    pub fn figure(&self, path: &str) -> Option<f64> {
        match path {
            CPU => {
                let accepted = self.accepted();
                let server = self.server.filter(|_| accepted > 0)?;
                Some(server.cpu_us / accepted as f64)
            }
            MEMORY => Some(self.server?.memory_bytes_max),
            _ => figure(&self.document, path),
        }
    }

    /// Records and calls that the target accepted in the whole run.
    fn accepted(&self) -> u64 {
        let producers = self.document.ledger.producers.values();
        let calls = self.document.calls.values();
        producers.map(|ledger| ledger.total.acked).sum::<u64>()
            + calls
                .map(|load| load.ledger.total.as_expected())
                .sum::<u64>()
    }
}

/// A figure as people read it.
pub fn show(path: &str, value: f64) -> String {
    match path {
        CPU => crate::report::text::micros(value),
        MEMORY => crate::base::units::HumanBytes(value as u64).to_string(),
        _ => Unit::of(path).show(value),
    }
}
