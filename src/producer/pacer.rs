//! Waiting for the next thing that is due.
//!
//! On Linux in real time a timerfd: tokio's own timers round to a millisecond, a timerfd is late by tens of
//! microseconds. Elsewhere, and in virtual time, the clock.

use std::time::Duration;

use crate::base::{Clock, Timestamp};

/// How long before its time a wait that may spin stops to sleep: more than a timerfd is late on most hosts.
const SPIN: Duration = Duration::from_micros(150);

/// Waits until a point in time.
#[derive(Debug)]
pub struct Pacer {
    clock: Clock,
    #[cfg(target_os = "linux")]
    timer: Option<timer::Timer>,
}

impl Pacer {
    /// A pacer on this clock. Without a timerfd (the process is out of file descriptors) it falls back to the clock.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            #[cfg(target_os = "linux")]
            timer: if clock.is_virtual() {
                None
            } else {
                timer::Timer::new().ok()
            },
        }
    }

    /// Waits until `deadline`; at once if it has passed. May be dropped and called again. By a clock that
    /// [`Clock::spins`] the last `SPIN` is spent asking for the time, between two looks at everything else.
    pub async fn wait_until(&self, deadline: Timestamp) {
        if !self.clock.spins() {
            return self.sleep_until(deadline).await;
        }
        self.sleep_until(deadline.minus(SPIN)).await;
        while self.clock.now() < deadline {
            tokio::task::yield_now().await;
        }
    }

    async fn sleep_until(&self, deadline: Timestamp) {
        #[cfg(target_os = "linux")]
        if let Some(timer) = &self.timer
            && timer.wait(deadline.since(self.clock.now())).await.is_ok()
        {
            return;
        }
        self.clock.sleep_until(deadline).await;
    }
}

#[cfg(target_os = "linux")]
mod timer {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// One timerfd, armed anew for each wait.
    #[derive(Debug)]
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let fd = timerfd_create(
                TimerfdClockId::Monotonic,
                TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
            )?;
            #[expect(
                unsafe_code,
                reason = "the only way into tokio's reactor for a descriptor of our own"
            )]
            // SAFETY: the descriptor is owned by the `AsyncFd` from here on, is never replaced, and `OwnedFd` closes it
            // only when it is dropped, which the `AsyncFd` does after it has left the reactor.
            let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
            Ok(Self(registered?))
        }

        /// Waits for so long. Arming the timer forgets an earlier expiry that nobody read.
        pub(super) async fn wait(&self, duration: Duration) -> io::Result<()> {
            if duration.is_zero() {
                return Ok(());
            }
            let zero = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let value = Timespec {
                tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(duration.subsec_nanos()),
            };
            timerfd_settime(
                self.0.get_ref(),
                TimerfdTimerFlags::empty(),
                &Itimerspec {
                    it_interval: zero,
                    it_value: value,
                },
            )?;
            loop {
                let mut ready = self.0.readable().await?;
                let mut expirations = [0u8; 8];
                match ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut expirations)?)) {
                    Ok(read) => return read.map(drop),
                    // The readiness was an earlier wait's.
                    Err(_would_block) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_after_its_deadline_and_a_dropped_one_does_not_shorten_the_next() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            for clock in [Clock::real(), Clock::real().spinning()] {
                let pacer = Pacer::new(clock);
                for _ in 0..3 {
                    tokio::select! {
                        biased;
                        () = pacer.wait_until(clock.now().plus(Duration::from_millis(1))) => {}
                        () = std::future::ready(()) => {}
                    }
                    let deadline = clock.now().plus(Duration::from_millis(5));
                    pacer.wait_until(deadline).await;
                    assert!(clock.now() >= deadline);
                }
            }
        });
    }
}
