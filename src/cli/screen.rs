//! `run --live`: the full screen, on standard error, by a thread of its own.
//!
//! Invariant: whoever opened the screen gives the terminal back, on every way out: the end of the run, a second Ctrl-C, a
//! panic in whatever thread.

use std::io::{self, IsTerminal as _, Stderr};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Once, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use rustix::process::{Signal, getpid, kill_process};
use tokio::sync::watch;

use super::scene::{Scene, Seen};
use crate::base::Clock;
use crate::report::live;

/// How often the screen is drawn again.
const DRAW_EVERY: Duration = Duration::from_millis(250);
/// How long a key may wait, and the end of the screen.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Rates are over this long: shorter ones flicker.
const RATES_OVER: Duration = Duration::from_secs(1);

/// Whether the terminal is ours.
static OURS: AtomicBool = AtomicBool::new(false);
/// The hook that gives it back is set once.
static HOOK: Once = Once::new();

/// Whether there is a terminal to draw on and to hear keys from.
pub(super) fn is_possible() -> bool {
    io::stderr().is_terminal()
}

/// The thread that draws.
#[derive(Debug)]
pub(super) struct Screen {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Screen {
    /// Starts the thread, which opens the screen when the load begins: what is said before stays to be read.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start(scene: Arc<Scene>, cancelled: watch::Receiver<bool>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || {
                while !scene.has_begun() {
                    if stopped.recv_timeout(LOOK_EVERY) != Err(mpsc::RecvTimeoutError::Timeout) {
                        return;
                    }
                }
                let shown = show(&scene, &cancelled, &stopped);
                restore();
                if let Err(problem) = shown {
                    eprintln!("warning: the screen ended, the run goes on: {problem}");
                }
            })?;
        Ok(Self { stop, thread })
    }

    /// Gives the terminal back.
    pub(super) fn end(self) {
        // A thread that ended by itself has nobody who listens.
        let _ = self.stop.send(());
        // If it panicked the hook has given the terminal back.
        let _ = self.thread.join();
    }
}

/// Gives the terminal back if it is ours.
pub(super) fn restore() {
    if OURS.swap(false, Ordering::SeqCst) {
        // Nothing can be done about a terminal that refuses.
        let _ = disable_raw_mode();
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
    }
}

fn open() -> io::Result<Terminal<CrosstermBackend<Stderr>>> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            restore();
            before(panicked);
        }));
    });
    OURS.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stderr(), EnterAlternateScreen, Hide)?;
    Terminal::new(CrosstermBackend::new(io::stderr()))
}

fn show(
    scene: &Scene,
    cancelled: &watch::Receiver<bool>,
    stopped: &mpsc::Receiver<()>,
) -> io::Result<()> {
    let mut terminal = open()?;
    let clock = Clock::real();
    let mut before = scene.seen(clock.now());
    let mut rates_from = before;
    let mut drawn: Option<Seen> = None;
    while OURS.load(Ordering::SeqCst) && stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
        let seen = scene.seen(clock.now());
        if drawn.is_none_or(|drawn| seen.at.since(drawn.at) >= DRAW_EVERY) {
            let ending = *cancelled.borrow();
            let view = scene.view(&seen, &rates_from, ending);
            terminal.draw(|frame| live::draw(&view, frame.area(), frame.buffer_mut()))?;
            drawn = Some(seen);
            if seen.at.since(before.at) >= RATES_OVER {
                (rates_from, before) = (before, seen);
            }
        }
        // A press while the screen is drawn waits here.
        if event::poll(LOOK_EVERY)?
            && let Event::Key(key) = event::read()?
            && is_end(key)
        {
            // In raw mode Ctrl-C is a key: the signal takes it to where all ends are heard.
            kill_process(getpid(), Signal::INT)?;
        }
    }
    Ok(())
}

/// Whether a key asks for an end.
fn is_end(key: KeyEvent) -> bool {
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('q' | 'Q') => true,
            KeyCode::Char('c' | 'C') => is_control,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_and_control_c_ask_for_an_end_and_c_does_not() {
        let press = |code, modifiers| is_end(KeyEvent::new(code, modifiers));
        assert!(press(KeyCode::Char('q'), KeyModifiers::NONE));
        assert!(press(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!press(KeyCode::Char('c'), KeyModifiers::NONE));
        assert!(!press(KeyCode::Esc, KeyModifiers::NONE));
    }
}
