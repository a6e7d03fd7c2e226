//! A target that answers nothing for a while.

use tokio::sync::watch;

use crate::base::{Clock, Timestamp};

/// Until when calls wait.
#[derive(Debug)]
pub(super) struct Stall(watch::Sender<Timestamp>);

impl Default for Stall {
    fn default() -> Self {
        Self(watch::Sender::new(Timestamp::ZERO))
    }
}

impl Stall {
    /// Makes calls wait until `until` at least.
    pub(super) fn extend(&self, until: Timestamp) {
        self.0.send_modify(|end| *end = until.max(*end));
    }

    /// Lets all calls pass from now on.
    pub(super) fn lift(&self) {
        self.0.send_replace(Timestamp::ZERO);
    }

    /// Whether one lasts.
    pub(super) fn lasts(&self, clock: &Clock) -> bool {
        *self.0.borrow() > clock.now()
    }

    /// Waits while the stall lasts.
    pub(super) async fn pass(&self, clock: &Clock) {
        if !self.lasts(clock) {
            return;
        }
        let mut end = self.0.subscribe();
        loop {
            let until = *end.borrow_and_update();
            if until <= clock.now() {
                return;
            }
            tokio::select! {
                biased;
                Ok(()) = end.changed() => {}
                () = clock.sleep_until(until) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::clock::virtual_runtime;

    #[test]
    fn a_call_waits_out_a_stall_that_grows_and_passes_one_that_is_lifted() {
        virtual_runtime().unwrap().block_on(async {
            let (clock, stall) = (Clock::virtual_from(Timestamp::ZERO), Stall::default());
            let second = |s| Timestamp::from_secs(s);
            stall.extend(second(1));
            let later = async {
                clock.sleep(Duration::from_millis(500)).await;
                stall.extend(second(3));
            };
            tokio::join!(stall.pass(&clock), later);
            assert_eq!(clock.now(), second(3));
            stall.extend(second(9));
            let lifted = async {
                clock.sleep(Duration::from_secs(1)).await;
                stall.lift();
            };
            tokio::join!(stall.pass(&clock), lifted);
            assert_eq!(clock.now(), second(4));
        });
    }
}
