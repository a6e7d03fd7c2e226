//! A seed gives the same records in every world.

use std::time::Duration;

use streamgauge::scenario::Loaded;

use crate::world::{Ran, alone, run_for_real, scenario, simulate};

/// What of a record comes from the seed.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Drawn {
    worker: u16,
    sequence: u64,
    key: String,
    bytes: usize,
    intended: Duration,
}

fn two_workers(seed: u64) -> Loaded {
    let mut loaded = scenario(
        r#"{ warm_up = "200ms", measure = "1s", drain = "10s" }"#,
        2,
        r#"
workers = 2
arrival = { kind = "poisson", rate = "2000/s" }
keys = { kind = "zipf", population = 1_000, exponent = 1.0 }
size = { kind = "log-normal", median = "200B", sigma = 0.6, max = "4KiB" }
"#,
        "100ms",
        "[engine]\nlimits = \"off\"",
    );
    loaded.scenario.seed = seed;
    loaded
}

fn drawn(ran: &Ran) -> Vec<Drawn> {
    assert_eq!(ran.produced().acked, ran.produced().intended);
    let mut drawn: Vec<_> = ran
        .stored
        .iter()
        .map(|record| Drawn {
            worker: record.worker,
            sequence: record.sequence,
            key: record.key.clone(),
            bytes: record.bytes,
            intended: record.intended.since(ran.outcome.start),
        })
        .collect();
    drawn.sort();
    drawn
}

/// A busy host sends late, and that may not matter: what is compared does not hold when anything was sent.
#[test]
fn real_and_virtual_runs_of_one_seed_store_the_same_records() {
    let _host = alone();
    let simulated = drawn(&simulate(&two_workers(7), None, None));
    assert!(simulated.len() > 2_000, "{}", simulated.len());
    let real = drawn(&run_for_real(&two_workers(7)));
    assert_eq!(simulated, real);
    assert_eq!(real, drawn(&run_for_real(&two_workers(7))));
    let other = drawn(&simulate(&two_workers(8), None, None));
    assert_ne!(simulated, other, "another seed draws other records");
}
