//! Time as a value: real, or virtual and run as fast as the work allows.
//!
//! The virtual clock is tokio's paused clock dilated a thousand times: tokio's timers round to 1 ms, so one virtual
//! microsecond is one tokio millisecond, and timers a microsecond apart still fire in their own order. It needs a
//! `current_thread` runtime started with [`virtual_runtime`].

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many tokio nanoseconds pass in one virtual nanosecond.
const DILATION: u32 = 1_000;

/// tokio's timer wheel holds about 2^36 ms; a longer sleep is taken in pieces of this many tokio milliseconds.
const LONGEST_TOKIO_SLEEP: Duration = Duration::from_millis(1 << 35);

/// When the virtual time of a simulated run begins: 2025-01-01T00:00:00Z. Any fixed time would do; the same one keeps
/// reports comparable.
pub const VIRTUAL_EPOCH: Timestamp = Timestamp::from_secs(1_735_689_600);

/// A point in time: nanoseconds since the Unix epoch. Good until the year 2554.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens.
    pub const MAX: Self = Self(u64::MAX);

    /// The point `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The point `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// The point `secs` seconds after the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// `self + duration`, at most [`Timestamp::MAX`].
    pub fn plus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }

    /// `self - duration`, at least the epoch.
    pub fn minus(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }

    /// Nanoseconds from `earlier` to `self`, negative if `earlier` is later.
    pub const fn signed_nanos_since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0) as i64
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09}",
            self.0 / 1_000_000_000,
            self.0 % 1_000_000_000
        )
    }
}

/// A source of time. Copies share one time line.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Kind);

/// What a clock can tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resolution {
    /// The smallest step that was seen, in nanoseconds.
    pub step_ns: u64,
    /// What reading it costs, in nanoseconds, the mean of [`RESOLUTION_READS`].
    pub read_ns: u64,
}

/// How often a clock is read to find its resolution: less than a millisecond in all where reading is cheap.
pub const RESOLUTION_READS: u32 = 10_000;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Real {
        epoch: Timestamp,
        anchor: std::time::Instant,
        /// Whether who waits for it may spin.
        spins: bool,
    },
    Virtual {
        epoch: Timestamp,
        anchor: tokio::time::Instant,
    },
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads and waits for time"
)]
impl Clock {
    /// The machine's clock: anchored once to the wall clock, monotone from there on.
    pub fn real() -> Self {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self(Kind::Real {
            epoch: Timestamp::ZERO.plus(since_epoch),
            anchor: std::time::Instant::now(),
            spins: false,
        })
    }

    /// The same clock for a process that has processors to spare: pacing by it spins through the last of each wait. A
    /// virtual clock is exact as it is.
    pub const fn spinning(self) -> Self {
        match self.0 {
            Kind::Real { epoch, anchor, .. } => Self(Kind::Real {
                epoch,
                anchor,
                spins: true,
            }),
            Kind::Virtual { .. } => self,
        }
    }

    /// Whether pacing by this clock spins.
    pub const fn spins(&self) -> bool {
        matches!(self.0, Kind::Real { spins: true, .. })
    }

    /// Measures what this clock can tell apart. Meant for a real one: a virtual one stands still meanwhile.
    pub fn resolution(&self) -> Resolution {
        let first = self.now();
        let (mut before, mut step_ns) = (first, u64::MAX);
        for _ in 0..RESOLUTION_READS {
            let now = self.now();
            if now > before {
                step_ns = step_ns.min(now.as_nanos() - before.as_nanos());
            }
            before = now;
        }
        let took_ns = before.as_nanos() - first.as_nanos();
        Resolution {
            // One that did not move is as coarse as the whole look, or coarser.
            step_ns: if step_ns == u64::MAX {
                took_ns
            } else {
                step_ns
            },
            read_ns: took_ns / u64::from(RESOLUTION_READS),
        }
    }

    /// A clock that begins at `epoch` and jumps to the next timer whenever every task waits.
    /// Must be made and used inside [`virtual_runtime`].
    pub fn virtual_from(epoch: Timestamp) -> Self {
        Self(Kind::Virtual {
            epoch,
            anchor: tokio::time::Instant::now(),
        })
    }

    /// The same clock set wrong: it shows what the right one shows plus `offset_ns`, and waits by what it shows. Other hosts'
    /// clocks are like that.
    #[must_use]
    pub fn skewed(mut self, offset_ns: i64) -> Self {
        let (Kind::Real { epoch, .. } | Kind::Virtual { epoch, .. }) = &mut self.0;
        *epoch = Timestamp(epoch.0.saturating_add_signed(offset_ns));
        self
    }

    /// Whether time is virtual.
    pub const fn is_virtual(&self) -> bool {
        matches!(self.0, Kind::Virtual { .. })
    }

    /// The time now; never less than an earlier answer.
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Kind::Real { epoch, anchor, .. } => epoch.plus(anchor.elapsed()),
            Kind::Virtual { epoch, anchor } => epoch.plus(anchor.elapsed() / DILATION),
        }
    }

    /// Waits until `deadline`; returns at once if it has passed. Real sleeps end up to about 1.1 ms late (tokio's
    /// timers); virtual ones end within the microsecond.
    pub async fn sleep_until(&self, deadline: Timestamp) {
        match self.0 {
            Kind::Real { .. } => {
                let wait = deadline.since(self.now());
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
            }
            Kind::Virtual { epoch, anchor } => loop {
                // Rounded up to the microsecond: a timer must not fire before its time.
                let micros = deadline.since(epoch).as_nanos().div_ceil(1_000);
                let target =
                    anchor + Duration::from_millis(u64::try_from(micros).unwrap_or(u64::MAX >> 12));
                let wait = target.saturating_duration_since(tokio::time::Instant::now());
                if wait <= LONGEST_TOKIO_SLEEP {
                    tokio::time::sleep_until(target).await;
                    return;
                }
                tokio::time::sleep(LONGEST_TOKIO_SLEEP).await;
            },
        }
    }

    /// Waits for `duration` from now.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now().plus(duration)).await;
    }
}

/// The runtime that a virtual clock runs on: one thread, no sockets, its clock paused.
///
/// # Errors
/// When the operating system refuses the runtime's resources.
pub fn virtual_runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_timers_a_microsecond_apart_fire_in_order_and_on_time() {
        let runtime = virtual_runtime().unwrap();
        runtime.block_on(async {
            let clock = Clock::virtual_from(Timestamp::from_secs(1_000));
            let start = clock.now();
            assert_eq!(start, Timestamp::from_secs(1_000));
            let mut fired = Vec::new();
            for micros in [1u64, 2, 3, 1_000, 1_001, 60_000_000] {
                clock
                    .sleep_until(start.plus(Duration::from_micros(micros)))
                    .await;
                fired.push(clock.now().since(start).as_micros());
            }
            assert_eq!(fired, [1, 2, 3, 1_000, 1_001, 60_000_000]);
        });
    }

    #[test]
    fn virtual_time_passes_a_month_without_stopping_at_the_timer_wheels_end() {
        let runtime = virtual_runtime().unwrap();
        runtime.block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let month = Duration::from_hours(30 * 24);
            clock.sleep(month).await;
            assert_eq!(clock.now(), Timestamp::ZERO.plus(month));
        });
    }

    #[test]
    fn a_real_clock_knows_its_step_and_what_reading_it_costs() {
        let resolution = Clock::real().resolution();
        assert!(resolution.step_ns > 0);
        // A reading takes at least a step of a clock finer than it, and a millisecond on no host.
        assert!(resolution.read_ns < 1_000_000, "{resolution:?}");
        assert!(Clock::real().spinning().spins() && !Clock::real().spins());
    }

    #[test]
    fn a_skewed_clock_shows_another_time_and_waits_as_long_as_the_right_one() {
        let runtime = virtual_runtime().unwrap();
        runtime.block_on(async {
            let right = Clock::virtual_from(Timestamp::from_secs(1_000));
            for offset_ms in [-80i64, 80] {
                let wrong = right.skewed(offset_ms * 1_000_000);
                let difference = |clock: &Clock| clock.now().signed_nanos_since(right.now());
                assert_eq!(difference(&wrong), offset_ms * 1_000_000);
                let (before, deadline) = (right.now(), wrong.now().plus(Duration::from_secs(3)));
                wrong.sleep_until(deadline).await;
                assert_eq!(right.now().since(before), Duration::from_secs(3));
                assert_eq!(wrong.now(), deadline);
            }
        });
    }

    #[test]
    fn real_time_is_monotone_and_sleeps_at_least_as_long_as_asked() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let clock = Clock::real();
            let before = clock.now();
            clock.sleep(Duration::from_millis(5)).await;
            assert!(clock.now().since(before) >= Duration::from_millis(5));
        });
    }
}
