//! What the threads that show a run share: what it is about, what it told, and since when its load goes on.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::base::Timestamp;
use crate::base::units::HumanCount;
use crate::measure::live::Picture;
use crate::measure::progress::Progress;
use crate::report::live::{self, Course, Phase, Totals};
#[cfg(feature = "live")]
use crate::report::live::{Rates, View};

/// A run that is shown.
#[derive(Debug)]
pub(super) struct Scene {
    course: Course,
    /// How many consumers are to be given each record.
    consumers: u64,
    progress: Arc<Progress>,
    /// When the load began, by the host's clock.
    began: OnceLock<Timestamp>,
    picture: Mutex<Picture>,
}

impl Scene {
    pub(super) fn new(course: Course, consumers: u64, progress: Arc<Progress>) -> Self {
        Self {
            course,
            consumers,
            progress,
            began: OnceLock::new(),
            picture: Mutex::default(),
        }
    }

    /// The load begins.
    pub(super) fn begin(&self, now: Timestamp) {
        // It begins once.
        let _ = self.began.set(now);
    }

    /// Whether it has.
    #[cfg(feature = "live")]
    pub(super) fn has_begun(&self) -> bool {
        self.began.get().is_some()
    }

    /// What a full screen shows; rates are those since `before`.
    #[cfg(feature = "live")]
    pub(super) fn view(&self, now: &Seen, before: &Seen, ending: bool) -> View {
        let mut picture = self.picture.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = &self.progress.live {
            picture.refresh(live);
        }
        let seconds = now.at.since(before.at).as_secs_f64();
        let rates = Rates::between(&before.totals, &now.totals, seconds);
        let mut view = View::of(
            &self.course,
            self.elapsed(now.at),
            now.totals,
            rates,
            self.consumers,
            &picture,
        );
        view.ending = ending;
        view
    }

    /// The time since then.
    fn elapsed(&self, now: Timestamp) -> Option<Duration> {
        self.began.get().map(|began| now.since(*began))
    }

    /// The page of metrics as of now.
    pub(super) fn page(&self, now: Timestamp) -> String {
        let mut picture = self.picture.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = &self.progress.live {
            picture.refresh(live);
        }
        let totals = Totals::of(&self.progress);
        live::page(&self.course, self.elapsed(now), &totals, &picture)
    }

    /// The counters as of now.
    pub(super) fn seen(&self, now: Timestamp) -> Seen {
        Seen {
            at: now,
            totals: Totals::of(&self.progress),
        }
    }

    /// The live line; rates are those since `before`.
    pub(super) fn line(&self, now: &Seen, before: &Seen) -> String {
        let Self { course, .. } = self;
        let name = &course.name;
        let (phase, left) = course.phase(self.elapsed(now.at));
        if phase == Phase::Preparing {
            return format!("{name}: preparing");
        }
        let count = HumanCount;
        let totals = &now.totals;
        // With several streams a consumer is owed fewer records than all: then this is an upper bound.
        let unread = (totals.acked * self.consumers).saturating_sub(totals.delivered);
        let calls = match totals.calls {
            0 => String::new(),
            calls => format!(", {} calls made", count(calls)),
        };
        let sums = format!(
            "{} refused, {} not sent, {} unread{calls}",
            count(totals.refused),
            count(totals.not_sent),
            count(unread)
        );
        let Some(left) = left else {
            return format!(
                "{name}: {}, {} released, {sums}",
                phase.as_str(),
                count(totals.released)
            );
        };
        let seconds = now.at.since(before.at).as_secs_f64().max(0.001);
        let per_s = |now: u64, before: u64| {
            count((now.saturating_sub(before) as f64 / seconds).round() as u64)
        };
        // While it drains nothing is offered; until the end of the load is what matters before.
        let left = match phase {
            Phase::WarmUp => left + course.time.measure,
            _ => left,
        };
        format!(
            "{name}: {}, {:.0} s left | {}/s offered, {}/s acked | {sums}",
            phase.as_str(),
            left.as_secs_f64(),
            per_s(totals.released, before.totals.released),
            per_s(totals.acked, before.totals.acked),
        )
    }
}

/// The counters at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) at: Timestamp,
    pub(super) totals: Totals,
}
