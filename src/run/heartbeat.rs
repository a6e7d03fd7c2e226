//! The instrument's own pulse: a task that sleeps for a short time, over and over, and notes when it woke late.

use std::time::Duration;

use crate::base::{Clock, Timestamp};

/// How long each sleep is.
const BEAT: Duration = Duration::from_millis(10);

/// Beats from `from` to `until`; gives the longest time by which a beat came late. Whatever stops this process stops the
/// heartbeat: a laptop's lid, a debugger, a host that gave the processor to others.
pub(super) async fn longest_gap(clock: Clock, from: Timestamp, until: Timestamp) -> Duration {
    let mut longest = Duration::ZERO;
    clock.sleep_until(from).await;
    loop {
        let planned = clock.now().plus(BEAT);
        if planned > until {
            return longest;
        }
        clock.sleep_until(planned).await;
        longest = longest.max(clock.now().since(planned));
    }
}
