//! What this host can pace: a schedule kept by a thread that does nothing else.
//!
//! Lateness is found as a worker finds it: by the same schedule, pacer and thread, with neither records nor requests. What
//! they add is found by a whole run.

use std::io;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::base::{Clock, rng};
use crate::measure::LatencyHistogram;
use crate::producer::Pacer;
use crate::scenario::model::Arrival;
use crate::workload::{Schedule, due};

/// From the making of a schedule to its first release.
const LEAD: Duration = Duration::from_millis(2);

/// What pacing at one rate came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Paced {
    /// Lateness: release minus intended time, of each release.
    pub lateness: LatencyHistogram,
    /// Releases that were early, doubled or left out; a fault of the pacer if it is not zero.
    pub wrong: u64,
}

/// Releases `records` records at `rate` a second and says how late each was. The arrival is constant.
pub async fn pace(clock: Clock, rate: f64, records: u64) -> Paced {
    let arrival = Arrival::Constant { rate };
    // Half a gap less, so that rounding does not decide whether the last one is within.
    let load = Duration::from_secs_f64((records as f64 - 0.5).max(0.0) / rate);
    let rng = rng::generator(7, "calibrate", 0, "arrival");
    let mut paced = Paced {
        lateness: LatencyHistogram::new(),
        wrong: 0,
    };
    let Some(mut schedule) = Schedule::new(&arrival, 0, 1, load, rng.clone(), rng) else {
        return paced;
    };
    let mut expected = schedule.clone();
    let pacer = Pacer::new(clock);
    let start = clock.now().plus(LEAD);
    let mut released = Vec::new();
    while let Some(next) = schedule.peek() {
        pacer.wait_until(start.plus(next)).await;
        let now = clock.now();
        released.clear();
        due(&mut schedule, now.since(start), &mut released);
        for &offset in &released {
            let late = now.signed_nanos_since(start.plus(offset));
            paced.wrong += u64::from(late < 0 || expected.next() != Some(offset));
            paced.lateness.record_nanos(late);
        }
        // As a worker does, so that others on its thread have their turn.
        tokio::task::yield_now().await;
    }
    paced.wrong += expected.count() as u64;
    paced
}

/// [`pace`] on a thread of its own, as a worker has one; waits for it without holding up this runtime.
///
/// # Errors
/// When the operating system refuses the thread, or it ended without a result.
pub async fn pace_alone(clock: Clock, rate: f64, records: u64) -> io::Result<Paced> {
    let (done, paced) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("calibrate".to_owned())
        .spawn(move || {
            // Nobody waits any more: nobody wants it.
            let _ = done.send(runtime.block_on(pace(clock, rate, records)));
        })?;
    paced.await.map_err(io::Error::other)
}

/// How much the kernel may put off a sleep of this thread, in nanoseconds (prctl(2), PR_GET_TIMERSLACK); `None` where it
/// does not tell. The pacer's timerfd is not put off; what else sleeps is.
#[cfg(target_os = "linux")]
pub fn timer_slack_ns() -> Option<u64> {
    rustix::thread::current_timer_slack().ok()
}

/// How much the kernel may put off a sleep: not told here.
#[cfg(not(target_os = "linux"))]
pub fn timer_slack_ns() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::base::clock::virtual_runtime;

    #[test]
    fn in_virtual_time_every_release_is_on_time_to_the_microsecond() {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::from_secs(1));
            let paced = pace(clock, 3_000.0, 300).await;
            assert_eq!((paced.wrong, paced.lateness.count()), (0, 300));
            assert!(paced.lateness.summary().max_us <= 1);
        });
    }

    #[test]
    fn on_its_own_thread_every_release_happens_once_and_none_before_its_time() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        for clock in [Clock::real(), Clock::real().spinning()] {
            let paced = runtime.block_on(pace_alone(clock, 10_000.0, 500)).unwrap();
            assert_eq!((paced.wrong, paced.lateness.count()), (0, 500));
        }
    }
}
