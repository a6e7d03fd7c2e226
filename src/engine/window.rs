//! Calls that are limited per 24 hours.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::Timestamp;

/// The window in which calls are counted.
const DAY: Duration = Duration::from_hours(24);

/// When calls were accepted within the last 24 hours.
#[derive(Debug, Default)]
pub(super) struct DayWindow(VecDeque<Timestamp>);

impl DayWindow {
    /// Whether another call may be accepted. No limit lets every call pass.
    pub(super) fn has_room(&mut self, now: Timestamp, limit: Option<u64>) -> bool {
        while self.0.front().is_some_and(|&at| now.since(at) >= DAY) {
            self.0.pop_front();
        }
        limit.is_none_or(|limit| (self.0.len() as u64) < limit)
    }

    /// Counts a call.
    pub(super) fn note(&mut self, now: Timestamp) {
        self.0.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_leaves_the_window_after_exactly_24_hours() {
        let mut window = DayWindow::default();
        window.note(Timestamp::from_secs(10));
        assert!(!window.has_room(Timestamp::from_secs(10 + 86_399), Some(1)));
        assert!(window.has_room(Timestamp::from_secs(10 + 86_399), None));
        assert!(window.has_room(Timestamp::from_secs(10 + 86_400), Some(1)));
    }
}
