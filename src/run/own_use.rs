//! What this process took of the host, and what it was kept waiting for.
//!
//! Linux alone tells; elsewhere nothing is said.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use super::environment::{CpuShares, CpuTimes};
use super::threads;
use crate::base::clock::Resolution;
use crate::base::{Clock, Timestamp};

/// How often the sending threads are looked at: they end with their last record, and their figures with them.
const LOOK: Duration = Duration::from_millis(100);

/// What an instrument knows of itself and its host when its measurement window is over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OwnUse {
    /// How busy the host was; `None` where it cannot be read.
    pub cpu: Option<CpuShares>,
    /// The share of all processor time that this process took, 0 to 1; `None` where it cannot be read.
    pub process_cpu: Option<f64>,
    /// The longest that one of the sending threads stood ready without a processor, as a share of the window; `None` where
    /// it cannot be read.
    pub sender_wait: Option<f64>,
    /// Page faults that had to wait for a disk; `None` where they cannot be read.
    pub major_faults: Option<u64>,
    /// What the clock can tell apart, and what asking it costs.
    pub clock: Resolution,
}

/// What a process used since it started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ProcessTimes {
    /// Processor time in the kernel's ticks, as in `/proc/stat`.
    ticks: u64,
    major_faults: u64,
}

impl ProcessTimes {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// From the text of `/proc/self/stat` (proc(5)): the name, which may hold anything, ends with the last parenthesis; of
    /// the fields after it, the state being the first, majflt is the 10th, utime the 12th, stime the 13th.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(9);
        let major_faults = fields.next()?.parse().ok()?;
        let mut ticks = fields.skip(1).map_while(|field| field.parse::<u64>().ok());
        Some(Self {
            ticks: ticks.next()? + ticks.next()?,
            major_faults,
        })
    }
}

/// How long each sending thread has stood ready without a processor since it started, in nanoseconds, by thread.
fn sender_waits() -> BTreeMap<String, u64> {
    let tasks = fs::read_dir("/proc/self/task").into_iter().flatten();
    let waits = tasks.filter_map(|task| {
        let task = task.ok()?.path();
        let name = fs::read_to_string(task.join("comm")).ok()?;
        if !threads::is_sender(&name) {
            return None;
        }
        // Time on a processor, time ready without one, turns (kernel documentation, sched-stats).
        let stat = fs::read_to_string(task.join("schedstat")).ok()?;
        let wait = stat.split_whitespace().nth(1)?.parse().ok()?;
        Some((task.to_string_lossy().into_owned(), wait))
    });
    waits.collect()
}

/// Looks from `from` to `until`.
pub(super) async fn watch(clock: Clock, from: Timestamp, until: Timestamp) -> OwnUse {
    let resolution = clock.resolution();
    clock.sleep_until(from).await;
    let (host, process, first) = (CpuTimes::read(), ProcessTimes::read(), sender_waits());
    let mut last = first.clone();
    let mut next = from.plus(LOOK);
    while next < until {
        clock.sleep_until(next).await;
        last.extend(sender_waits());
        next = clock.now().plus(LOOK);
    }
    clock.sleep_until(until).await;
    last.extend(sender_waits());
    let over = until.since(from);
    let host = host.zip(CpuTimes::read());
    let process = process.zip(ProcessTimes::read());
    let waited = last
        .iter()
        .map(|(thread, wait)| wait.saturating_sub(*first.get(thread).unwrap_or(&0)));
    let process_cpu = host.zip(process).and_then(|(host, process)| {
        let ticks = process.1.ticks.saturating_sub(process.0.ticks);
        host.1.share_of(&host.0, ticks)
    });
    let cpu = host.and_then(|(before, after)| after.since(&before, over));
    OwnUse {
        cpu: cpu.map(|cpu| cpu.at_least(process_cpu.unwrap_or_default())),
        process_cpu,
        sender_wait: waited
            .max()
            .map(|nanos| (nanos as f64 / 1e9 / over.as_secs_f64()).clamp(0.0, 1.0))
            .filter(|share| share.is_finite()),
        major_faults: process
            .map(|(before, after)| after.major_faults.saturating_sub(before.major_faults)),
        clock: resolution,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_past_a_name_that_holds_parentheses_and_spaces() {
        let text = "42 (a) b (c)) S 1 42 42 0 -1 4194560 900 0 7 0 150 25 0 0 20 0 3 0 99\n";
        assert_eq!(
            ProcessTimes::parse(text),
            Some(ProcessTimes {
                ticks: 175,
                major_faults: 7,
            })
        );
        assert_eq!(ProcessTimes::parse("42 (a) S 1"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_that_sends_is_found_by_its_name_and_others_are_not() {
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let (began, is_named) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("send-7-own-use".to_owned())
            .spawn(move || {
                began.send(rustix::thread::gettid()).unwrap();
                wait.recv()
            })
            .unwrap();
        // A thread takes its name before it begins to work.
        let id = is_named.recv().unwrap();
        let threads: Vec<_> = sender_waits().into_keys().collect();
        let is_ours = |thread: &String| thread.ends_with(&format!("/{}", id.as_raw_nonzero()));
        assert!(threads.iter().any(is_ours), "{id:?}: {threads:?}");
        let own = format!("/{}", rustix::thread::gettid().as_raw_nonzero());
        assert!(!threads.iter().any(|thread| thread.ends_with(&own)));
        done.send(()).unwrap();
        thread.join().unwrap().unwrap();
    }
}
