//! A gate as Markdown, for a pull request or a job's summary.

use std::fmt::Write as _;

use super::result::{GateResult, GateVerdict, SideResult};
use crate::analyse::compare::markdown::{self, code, escaped_but_code};

/// The whole of it.
pub fn render(gate: &GateResult) -> String {
    let mut text = match &gate.comparison {
        Some(comparison) if gate.verdict != GateVerdict::Void && !gate.interrupted => {
            markdown::render(comparison)
        }
        _ => format!(
            "### ❔ {}: {}\n\n{}\n",
            markdown::escaped(&gate.scenario),
            gate.verdict.as_str(),
            escaped_but_code(&gate.answer)
        ),
    };
    // Writing to a string does not fail.
    if let Some(reason) = &gate.accepted {
        let _ = write!(text, "\n**Accepted**: {}\n", markdown::escaped(reason));
    }
    for (name, side) in [("Base", &gate.base), ("New", &gate.new)] {
        let _ = write!(text, "\n- {name}: {}{}", code(&side.given), limits(side));
    }
    let _ = write!(
        text,
        "\n- Planned: at most {} pairs in the order ABBA BAAB, looks at {:?}; {} thrown away as VOID and made again\n- Took {:.0} \
         s, began {}\n",
        gate.plan.pairs_max(),
        gate.plan.looks,
        gate.discarded.len(),
        gate.took_s,
        gate.started
    );
    text
}

fn limits(side: &SideResult) -> String {
    let regime = side.regime.as_ref();
    regime.map_or_else(String::new, |regime| format!(", {}", regime.describe()))
}
