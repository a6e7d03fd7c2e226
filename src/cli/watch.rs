//! The thread beside a run: signals, the live line, metrics. It has a clock and a runtime of its own, so that a virtual run
//! can be watched and interrupted like a real one.

use std::io::IsTerminal as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
#[cfg(feature = "live")]
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;
use super::metrics;
use super::scene::{Scene, Seen};
#[cfg(feature = "live")]
use super::screen::Screen;
use crate::analyse::LiveCost;
use crate::base::{Clock, Timestamp};
use crate::measure::progress::Progress;
use crate::report::World;
use crate::report::live::Course;
use crate::run::Controls;
use crate::scenario::Scenario;

/// How often the live line is drawn again.
const DRAW_EVERY: Duration = Duration::from_millis(250);

/// How often the line is printed where there is no terminal, such as in the log of a CI system.
const PRINT_EVERY: Duration = Duration::from_mins(1);

/// How often the cost is held against its cap.
const PRICE_EVERY: Duration = Duration::from_millis(50);

/// A watched run.
#[derive(Debug)]
pub(super) struct Watch {
    controls: Controls,
    bar: Option<ProgressBar>,
    #[cfg(feature = "live")]
    screen: Mutex<Option<Screen>>,
    /// Whether the run was ended by its cap.
    capped: Arc<AtomicBool>,
    finished: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// A bound on what a run may cost, held against what it counts.
#[derive(Debug)]
pub(super) struct Cap {
    /// What it has cost; known when its streams are.
    pub(super) live: Arc<OnceLock<LiveCost>>,
    /// What it may cost, in USD.
    pub(super) max_usd: f64,
}

/// How a run is shown while it goes on.
#[derive(Debug)]
pub(super) struct Shown {
    /// What is known of it before.
    pub(super) course: Course,
    /// How many consumers are to be given each record.
    pub(super) consumers: u64,
    /// What the terminal shows.
    pub(super) display: Display,
    /// Where its metrics are asked for.
    pub(super) metrics: Option<TcpListener>,
}

impl Shown {
    /// Runs of a scenario of which nothing is shown.
    pub(super) fn nothing(scenario: &Scenario) -> Self {
        Self {
            course: Course::of(scenario, World::Embedded),
            consumers: 0,
            display: Display::Nothing,
            metrics: None,
        }
    }
}

/// What the terminal shows of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Display {
    /// Nothing.
    Nothing,
    /// A line that is drawn again and again; where there is no terminal, one a minute.
    Line,
    /// All of it.
    #[cfg(feature = "live")]
    Screen,
}

impl Watch {
    /// Listens for signals from now on, holds the cost against its cap, and shows the run as asked where there is a
    /// terminal to show it on.
    pub(super) fn start(shown: Shown, cap: Option<Cap>) -> std::io::Result<Self> {
        let (cancel_sender, cancel) = watch::channel(false);
        let (started, started_receiver) = watch::channel(None);
        let (finished, finished_receiver) = watch::channel(false);
        let Shown {
            course,
            consumers,
            display,
            metrics,
        } = shown;
        #[cfg(feature = "live")]
        let has_screen = display == Display::Screen;
        #[cfg(not(feature = "live"))]
        let has_screen = false;
        let progress = Arc::new(if metrics.is_some() || has_screen {
            Progress::watched()
        } else {
            Progress::default()
        });
        let made = Arc::clone(&progress);
        let scene = Arc::new(Scene::new(course, consumers, Arc::clone(&progress)));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let signals = {
            // Heard from here on, not from when the thread gets to it.
            let _context = runtime.enter();
            Signals::listen()?
        };
        let capped = Arc::new(AtomicBool::new(false));
        let costs = CostWatch {
            cap,
            progress: Arc::clone(&progress),
            started: started_receiver.clone(),
            cancel: cancel_sender.clone(),
            capped: Arc::clone(&capped),
        };
        #[cfg(feature = "live")]
        let screen = has_screen
            .then(|| Screen::start(Arc::clone(&scene), cancel.clone()))
            .transpose()?;
        let has_line = display == Display::Line;
        let bar = (has_line && std::io::stderr().is_terminal()).then(bar);
        let drawn = bar.clone();
        let thread = std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let mut finished = finished_receiver;
                    tokio::select! {
                        biased;
                        _ = finished.wait_for(|finished| *finished) => {}
                        () = cancel_on_signal(signals, cancel_sender, &made) => {}
                        () = costs.watch() => {}
                        () = begin(&scene, started_receiver) => {}
                        () = draw(&scene, drawn, has_line) => {}
                        () = metrics::serve(metrics, Arc::clone(&scene)) => {}
                    }
                });
            })?;
        let controls = Controls {
            cancel,
            progress,
            started: Arc::new(started),
        };
        Ok(Self {
            controls,
            bar,
            #[cfg(feature = "live")]
            screen: Mutex::new(screen),
            capped,
            finished,
            thread: Some(thread),
        })
    }

    /// The run's ends of the ties.
    pub(super) fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Takes the live line or the screen away; signals are still heard.
    pub(super) fn end_line(&self) {
        #[cfg(feature = "live")]
        if let Some(screen) = self
            .screen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            screen.end();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Whether a signal asked for an end.
    pub(super) fn interrupted(&self) -> bool {
        *self.controls.cancel.borrow() && !self.capped()
    }

    /// Whether the run was ended because it had cost what it may.
    pub(super) fn capped(&self) -> bool {
        self.capped.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end_line();
        self.finished.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // The thread ends by itself; if it panicked there is nothing left to undo.
            let _ = thread.join();
        }
    }
}

/// Ends a run whose counts have reached its cap.
struct CostWatch {
    cap: Option<Cap>,
    progress: Arc<Progress>,
    started: watch::Receiver<Option<Timestamp>>,
    cancel: watch::Sender<bool>,
    capped: Arc<AtomicBool>,
}

impl CostWatch {
    /// Never ends: the run does, and its watch with it.
    async fn watch(self) {
        let clock = Clock::real();
        let Some(cap) = self.cap else {
            return std::future::pending().await;
        };
        loop {
            clock.sleep(PRICE_EVERY).await;
            let (Some(began), Some(live)) = (*self.started.borrow(), cap.live.get()) else {
                continue;
            };
            let elapsed = clock.now().since(began);
            if live.usd(elapsed, self.progress.billed.get()) >= cap.max_usd {
                self.capped.store(true, Ordering::Relaxed);
                self.cancel.send_replace(true);
                return std::future::pending().await;
            }
        }
    }
}

/// The signals that a run answers to.
#[derive(Debug)]
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    /// The terminal went away; `None` where whoever started the run wants that ignored (`nohup`).
    hang_up: Option<Signal>,
    /// Unheard, it would end the process in the middle of a file; heard, that file's write fails and says so.
    _file_size_limit: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let file_size_limit = rustix::process::Signal::XFSZ.as_raw();
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if is_ignored(SignalKind::hangup()) {
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
            _file_size_limit: signal(SignalKind::from_raw(file_size_limit))?,
        })
    }

    /// Waits for somebody who wants an end.
    async fn end_asked_for(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = received(&mut self.hang_up) => {}
        }
    }
}

/// Waits for a signal that is listened for; for ever otherwise.
async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether this process was started with a signal ignored, as Linux tells; elsewhere it is taken for not ignored.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignores(&status, kind)
}

/// The same, by the text of `/proc/self/status` (proc(5): `SigIgn` is a mask in hexadecimal, signal 1 its lowest bit).
fn ignores(status: &str, kind: SignalKind) -> bool {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default();
    let bit = u32::try_from(kind.as_raw_value() - 1).unwrap_or(u32::MAX);
    mask.checked_shr(bit).is_some_and(|mask| mask & 1 == 1)
}

/// Turns the first SIGINT, SIGTERM or SIGHUP into an orderly end; the second one ends the process, and says what it leaves
/// at the target.
async fn cancel_on_signal(mut signals: Signals, cancel: watch::Sender<bool>, made: &Progress) {
    signals.end_asked_for().await;
    cancel.send_replace(true);
    signals.end_asked_for().await;
    #[cfg(feature = "live")]
    super::screen::restore();
    for left in made.standing.list() {
        eprintln!("error: {left} is left behind: the run was ended before it had deleted it");
    }
    // The engines of a gate are in groups of their own, which this signal did not reach.
    crate::study::gate::engine::end_all();
    std::process::exit(Exit::Interrupted.code().into());
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar
}

/// Notes when the load begins.
async fn begin(scene: &Scene, mut started: watch::Receiver<Option<Timestamp>>) {
    let began = started.wait_for(Option::is_some).await;
    let began = began.ok().and_then(|began| *began);
    if let Some(began) = began {
        scene.begin(Clock::real().now(), began);
    }
    std::future::pending::<()>().await;
}

/// Draws the line until the watch is over; where there is no terminal, prints it once a minute.
async fn draw(scene: &Scene, bar: Option<ProgressBar>, has_line: bool) {
    let clock = Clock::real();
    let mut before = Seen::default();
    let Some(bar) = bar else {
        if !has_line {
            return std::future::pending().await;
        }
        loop {
            clock.sleep(PRINT_EVERY).await;
            let seen = scene.seen(clock.now());
            eprintln!("{}", scene.line(&seen, &before));
            before = seen;
        }
    };
    loop {
        clock.sleep(DRAW_EVERY).await;
        let seen = scene.seen(clock.now());
        bar.set_message(scene.line(&seen, &before));
        bar.tick();
        // Rates are over a second: shorter ones flicker.
        if seen.at.since(before.at) >= Duration::from_secs(1) {
            before = seen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_ignored_when_its_bit_is_set() {
        let status = "Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n";
        assert!(ignores(status, SignalKind::hangup()));
        assert!(ignores(status, SignalKind::pipe()));
        assert!(!ignores(status, SignalKind::interrupt()));
        assert!(!ignores("", SignalKind::hangup()));
    }
}
