//! What the run ran on, and how busy that was.

use std::time::Duration;

/// The host as reports describe it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Host {
    /// Operating system and its version.
    pub os: String,
    /// The processor's model.
    pub cpu_model: String,
    /// Processors that this process may use.
    pub cpus: u32,
    /// Memory in bytes; 0 where it cannot be read.
    pub memory_bytes: u64,
}

impl Host {
    /// Looks at this host. What cannot be read is left empty.
    pub fn look() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let kernel = read("/proc/sys/kernel/osrelease");
        let os = match kernel.trim() {
            "" => std::env::consts::OS.to_owned(),
            kernel => format!("{} {kernel}", std::env::consts::OS),
        };
        Self {
            os,
            cpu_model: field(&read("/proc/cpuinfo"), "model name"),
            cpus: std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u32),
            memory_bytes: field(&read("/proc/meminfo"), "MemTotal")
                .split_whitespace()
                .next()
                .and_then(|kib| kib.parse::<u64>().ok())
                .map_or(0, |kib| kib * 1024),
        }
    }
}

/// The value after `name :` in a file of such lines; empty if there is none.
fn field(text: &str, name: &str) -> String {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

/// The host's processor times since it started, in the kernel's ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CpuTimes {
    total: u64,
    idle: u64,
    stolen: u64,
}

/// What share of the processors was used between two looks.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CpuShares {
    /// Not idle, stolen time included, 0 to 1.
    pub busy: f64,
    /// Given by the hypervisor to others, 0 to 1.
    pub stolen: f64,
    /// Between the looks.
    pub over: Duration,
}

impl CpuShares {
    /// The same of a host on which one process alone took `share`. The kernel counts the host's time by looking who runs every
    /// 10 ms, and may miss what is awake for less.
    #[must_use]
    pub fn at_least(self, share: f64) -> Self {
        Self {
            busy: self.busy.max(share),
            ..self
        }
    }
}

impl CpuTimes {
    /// Reads them now; `None` where the system has no `/proc/stat`.
    pub fn read() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    /// From the text of `/proc/stat` (proc(5)): user nice system idle iowait irq softirq steal; guest times are within
    /// user and nice.
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line
            .split_whitespace()
            .take(8)
            .map_while(|word| word.parse().ok())
            .collect();
        let [_, _, _, idle, iowait, _, _, stolen] = ticks[..].try_into().ok()?;
        Some(Self {
            total: ticks.iter().sum(),
            idle: idle + iowait,
            stolen,
        })
    }

    /// The share of all time since `earlier` that so many ticks are; `None` if no tick passed.
    pub fn share_of(&self, earlier: &Self, ticks: u64) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|&t| t > 0)?;
        Some((ticks as f64 / total as f64).min(1.0))
    }

    /// The shares between `earlier` and these; `None` if no tick passed.
    pub fn since(&self, earlier: &Self, over: Duration) -> Option<CpuShares> {
        let total = self
            .total
            .checked_sub(earlier.total)
            .filter(|ticks| *ticks > 0)? as f64;
        Some(CpuShares {
            busy: 1.0 - self.idle.saturating_sub(earlier.idle) as f64 / total,
            stolen: self.stolen.saturating_sub(earlier.stolen) as f64 / total,
            over,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_ticks_between_two_looks() {
        let earlier = CpuTimes::parse("cpu  10 0 10 80 0 0 0 0 0 0\ncpu0 1 1 1 1\n").unwrap();
        let later = CpuTimes::parse("cpu  40 0 20 120 10 0 0 10 0 0\n").unwrap();
        let shares = later.since(&earlier, Duration::from_secs(1)).unwrap();
        assert_eq!((shares.busy, shares.stolen), (0.5, 0.1));
        assert_eq!(shares.at_least(0.4), shares);
        let by_one = shares.at_least(0.6);
        assert_eq!((by_one.busy, by_one.stolen), (0.6, 0.1));
        assert_eq!(later.share_of(&earlier, 25), Some(0.25));
        assert_eq!(earlier.since(&later, Duration::ZERO), None);
        assert_eq!(CpuTimes::parse("cpu 1 2 3"), None);
    }

    #[test]
    fn fields_are_found_by_their_names() {
        assert_eq!(
            field("a\t: 1\nMemTotal:   2048 kB\n", "MemTotal"),
            "2048 kB"
        );
        assert_eq!(field("", "MemTotal"), "");
    }
}
