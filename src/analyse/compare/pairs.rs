//! Which run of one side belongs to which of the other.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::run::Run;

/// What made pairs of the runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// The same seed, so the same records.
    Seed,
    /// The order in which they were made.
    Order,
}

impl Pairing {
    /// What people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Order => "order",
        }
    }
}

/// Why runs cannot be paired. Displayed as a fragment that fits after "failed to".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PairingError {
    /// A side is empty.
    #[error("compare: {0} holds no run")]
    Empty(&'static str),
    /// Neither seeds nor numbers fit.
    #[error(
        "pair {base} runs of base with {new} of new: they have different seeds, so every run needs one of its own on the \
         other side; make both with the same `run --repeat N`"
    )]
    Unpaired {
        /// Runs of base.
        base: usize,
        /// Runs of new.
        new: usize,
    },
}

/// Pairs runs by seed, where the seeds of each side are all different and some are on both, and by the order in which they
/// were made otherwise. A run without a partner is left out.
///
/// # Errors
/// When a side is empty, or different numbers of runs have no seed in common.
pub fn pairs(
    mut base: Vec<Run>,
    mut new: Vec<Run>,
) -> Result<(Pairing, Vec<[Run; 2]>), PairingError> {
    for (name, side) in [("base", &base), ("new", &new)] {
        if side.is_empty() {
            return Err(PairingError::Empty(name));
        }
    }
    let seeds =
        |side: &[Run]| -> BTreeSet<u64> { side.iter().map(|run| run.document.seed).collect() };
    let (of_base, of_new) = (seeds(&base), seeds(&new));
    let told_apart = of_base.len() == base.len() && of_new.len() == new.len();
    let pairing = if told_apart && of_base.intersection(&of_new).next().is_some() {
        base.retain(|run| of_new.contains(&run.document.seed));
        new.retain(|run| of_base.contains(&run.document.seed));
        base.sort_by_key(|run| run.document.seed);
        new.sort_by_key(|run| run.document.seed);
        Pairing::Seed
    } else if base.len() == new.len() {
        let began = |run: &Run| run.document.instrument.started.clone();
        base.sort_by_key(began);
        new.sort_by_key(began);
        Pairing::Order
    } else {
        return Err(PairingError::Unpaired {
            base: base.len(),
            new: new.len(),
        });
    };
    let pairs = base.into_iter().zip(new).map(|(base, new)| [base, new]);
    Ok((pairing, pairs.collect()))
}

/// Whether all runs of one side were made before the first of the other: what changed on the machine in between looks like
/// a difference. RFC 3339 times of one zone sort as text.
pub fn one_side_after_the_other(pairs: &[[Run; 2]]) -> bool {
    let started = |side: usize| {
        let mut times: Vec<_> = pairs
            .iter()
            .map(|pair| pair[side].document.instrument.started.as_str())
            .collect();
        times.sort_unstable();
        times
    };
    let (base, new) = (started(0), started(1));
    pairs.len() > 1 && (base.last() < new.first() || new.last() < base.first())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn run(seed: u64, started: &str) -> Run {
        let mut document = sample::document();
        document.seed = seed;
        document.instrument.started = started.to_owned();
        Run {
            path: started.to_owned(),
            document,
            server: None,
        }
    }

    fn paths(pairs: &[[Run; 2]]) -> Vec<[&str; 2]> {
        pairs
            .iter()
            .map(|[a, b]| [a.path.as_str(), b.path.as_str()])
            .collect()
    }

    #[test]
    fn runs_of_one_seed_are_a_pair_and_a_run_without_a_partner_is_left_out() {
        let base = vec![run(2, "a2"), run(1, "a1"), run(3, "a3")];
        let new = vec![run(1, "b1"), run(2, "b2")];
        let (pairing, made) = pairs(base, new).unwrap();
        assert_eq!(pairing, Pairing::Seed);
        assert_eq!(paths(&made), [["a1", "b1"], ["a2", "b2"]]);
    }

    #[test]
    fn runs_of_one_seed_only_are_paired_in_their_order() {
        let base = vec![run(7, "03"), run(7, "01")];
        let new = vec![run(7, "02"), run(7, "04")];
        let (pairing, made) = pairs(base, new).unwrap();
        assert_eq!(pairing, Pairing::Order);
        assert_eq!(paths(&made), [["01", "02"], ["03", "04"]]);
        assert!(!one_side_after_the_other(&made));
        let (_, made) = pairs(
            vec![run(7, "1"), run(7, "2")],
            vec![run(7, "3"), run(7, "4")],
        )
        .unwrap();
        assert!(one_side_after_the_other(&made));
    }

    #[test]
    fn what_has_no_partner_is_refused() {
        let told = pairs(vec![run(1, "a")], vec![run(2, "b"), run(3, "c")]).unwrap_err();
        assert_eq!(told, PairingError::Unpaired { base: 1, new: 2 });
        assert!(told.to_string().contains("--repeat"), "{told}");
        assert_eq!(
            pairs(vec![], vec![]).unwrap_err(),
            PairingError::Empty("base")
        );
    }
}
