//! `--precise`: whether this host has the processors for it.

use crate::run::environment::Host;
use crate::scenario::Scenario;
use crate::scenario::model::Arrival;
use crate::scenario::targets::TargetKind;

/// Whether pacing may spin: each worker with a schedule keeps a processor busy, and one more must be left for everything
/// else. Refuses in words.
pub(super) fn allowed(scenario: &Scenario, target: TargetKind) -> Result<(), String> {
    match target {
        TargetKind::Embedded | TargetKind::Endpoint => {}
        TargetKind::Simulated => {
            return Err("`--precise` is of no use in virtual time, which is exact".to_owned());
        }
        TargetKind::Aws => {
            return Err(
                "`--precise` gains microseconds, and an answer of AWS takes milliseconds: leave it out".to_owned(),
            );
        }
    }
    let paced = scenario
        .producers
        .values()
        .filter(|producer| !matches!(producer.arrival, Arrival::Closed { .. }));
    let workers: u64 = paced.map(|producer| u64::from(producer.workers)).sum();
    let calls = scenario.calls.values().filter(|load| {
        let arrival = load.arrival.as_ref();
        arrival.is_some_and(|arrival| !matches!(arrival, Arrival::Closed { .. }))
    });
    let callers: u64 = calls.map(|load| u64::from(load.workers)).sum();
    enough(workers + callers, Host::look().cpus)
}

fn enough(workers: u64, cpus: u32) -> Result<(), String> {
    if workers < u64::from(cpus) {
        return Ok(());
    }
    Err(format!(
        "`--precise` needs a processor for each worker of a producer or load of calls with a schedule and one more, {} in all, and this host \
         has {cpus}: set fewer `workers`, or leave it out",
        workers + 1
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Source, load};

    #[test]
    fn the_workers_of_calls_with_a_schedule_need_processors_too() {
        let source = Source {
            path: "calls.toml".to_owned(),
            text: r#"
                schema = 1
                name = "calls"
                time = { measure = "5s" }
                [streams.orders]
                shards = 1
                [calls.admin]
                workers = 900
                arrival = { kind = "constant", rate = "2000/s" }
                mix = { ListShards = 1 }
            "#
            .to_owned(),
        };
        let scenario = load(&source, &[]).unwrap().scenario;
        let refusal = allowed(&scenario, TargetKind::Embedded).unwrap_err();
        assert!(refusal.contains("901 in all"), "{refusal}");
    }

    #[test]
    fn spinning_needs_a_processor_for_each_worker_and_one_more() {
        assert_eq!(enough(0, 1), Ok(()));
        assert_eq!(enough(1, 2), Ok(()));
        let refusal = enough(2, 2).unwrap_err();
        assert!(
            refusal.contains("3 in all, and this host has 2"),
            "{refusal}"
        );
    }
}
