//! What the threads that show a run share: what it is about, what it told, and since when its load goes on.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::base::Timestamp;
use crate::base::units::HumanCount;
use crate::measure::live::Picture;
use crate::measure::progress::Progress;
use crate::report::document::World;
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
    /// When it began by the run's own clock, which a simulated run has.
    began_there: OnceLock<Timestamp>,
    picture: Mutex<Picture>,
}

impl Scene {
    pub(super) fn new(course: Course, consumers: u64, progress: Arc<Progress>) -> Self {
        Self {
            course,
            consumers,
            progress,
            began: OnceLock::new(),
            began_there: OnceLock::new(),
            picture: Mutex::default(),
        }
    }

    /// The load begins: now by the host's clock, and `there` by the run's.
    pub(super) fn begin(&self, now: Timestamp, there: Timestamp) {
        // It begins once.
        let _ = self.began_there.set(there);
        let _ = self.began.set(now);
    }

    /// How much of its load a simulated run has behind it.
    fn simulated(&self) -> Duration {
        let began = self.began_there.get();
        began.map_or(Duration::ZERO, |began| self.progress.at.get().since(*began))
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
        let before_elapsed = before.elapsed.unwrap_or_default();
        let seconds = now
            .elapsed
            .map(|elapsed| elapsed.saturating_sub(before_elapsed));
        let seconds = seconds.unwrap_or_default().as_secs_f64();
        let rates = Rates::between(&before.totals, &now.totals, seconds);
        let mut view = View::of(
            &self.course,
            now.elapsed,
            now.totals,
            rates,
            self.consumers,
            &picture,
        );
        view.ending = ending;
        view
    }

    /// The time since then, of a simulated run in its own time.
    fn elapsed(&self, now: Timestamp) -> Option<Duration> {
        let began = self.began.get()?;
        Some(match self.course.world {
            World::Simulated => self.simulated(),
            _ => now.since(*began),
        })
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
            elapsed: self.elapsed(now),
            totals: Totals::of(&self.progress),
        }
    }

    /// The live line; rates are those since `before`.
    pub(super) fn line(&self, now: &Seen, before: &Seen) -> String {
        let Self { course, .. } = self;
        let name = &course.name;
        let (phase, left) = course.phase(now.elapsed);
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
                "{name}: {}, {}, {} released, {sums}",
                phase.as_str(),
                done(self.simulated(), course.time.load()),
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

/// How far a load has come: `12m 30s of 1h, 21 %`; of several days `day 2 of 7, 33 %`.
fn done(elapsed: Duration, load: Duration) -> String {
    const DAY_S: f64 = 86_400.0;
    let elapsed = elapsed.min(load);
    let share = 100.0 * elapsed.as_secs_f64() / load.as_secs_f64().max(f64::MIN_POSITIVE);
    let days = load.as_secs_f64() / DAY_S;
    if days < 2.0 {
        return format!(
            "{} of {}, {share:.0} %",
            hours(elapsed.as_secs()),
            hours(load.as_secs_f64().ceil() as u64)
        );
    }
    // A week with a minute of warm-up is no eight days.
    let days = days.round();
    let day = (elapsed.as_secs_f64() / DAY_S).floor() + 1.0;
    format!("day {:.0} of {days:.0}, {share:.0} %", day.min(days))
}

/// `1h`, `12m 30s`, `0s`.
fn hours(seconds: u64) -> String {
    let parts = [
        (seconds / 3_600, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let shown = parts.into_iter().filter(|(count, _)| *count > 0);
    let shown: Vec<_> = shown
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown.join(" ")
    }
}

/// The counters at one time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) at: Timestamp,
    /// Of the load; `None` before it.
    elapsed: Option<Duration>,
    pub(super) totals: Totals,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "live")]
    #[test]
    fn a_simulated_load_is_shown_in_its_own_time() {
        let source = crate::scenario::Source {
            path: "first-run.toml".into(),
            text: include_str!("../../scenarios/first-run.toml").into(),
        };
        let loaded = crate::scenario::load(&source, &[]).expect("it is shipped");
        let course = Course::of(&loaded.scenario, World::Simulated);
        let load = course.time.load();
        let progress = Arc::new(Progress::watched());
        let scene = Scene::new(course, 1, Arc::clone(&progress));
        let at = Timestamp::from_secs;
        assert_eq!(
            scene
                .view(&scene.seen(at(50)), &Seen::default(), false)
                .done,
            None
        );
        scene.begin(at(50), at(1_000));
        let before = scene.seen(at(50));
        progress.at.reach(at(1_000).plus(load / 2));
        progress.released.add(600);
        let view = scene.view(&scene.seen(at(51)), &before, false);
        assert_eq!(
            (view.phase, view.left, view.done),
            (Phase::Simulating, None, Some(0.5))
        );
        let per_s = 600.0 / (load / 2).as_secs_f64();
        assert!(
            (view.rates.offered - per_s).abs() < 1e-9,
            "{:?}",
            view.rates
        );
    }

    #[test]
    fn a_simulated_load_is_told_by_its_day_or_by_its_hour() {
        let s = Duration::from_secs;
        for (elapsed, load, told) in [
            (s(750), s(3_600), "12m 30s of 1h, 21 %"),
            (s(0), s(45), "0s of 45s, 0 %"),
            (s(99), s(60), "1m of 1m, 100 %"),
            (s(3_661), s(2 * 86_400 - 1), "1h 1m 1s of 47h 59m 59s, 2 %"),
            (s(200_000), s(7 * 86_400 + 60), "day 3 of 7, 33 %"),
            (s(9 * 86_400), s(7 * 86_400 + 60), "day 7 of 7, 100 %"),
        ] {
            assert_eq!(done(elapsed, load), told);
        }
    }
}
