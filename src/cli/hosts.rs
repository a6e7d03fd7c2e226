//! `--worker`, `--start-at` and `--run`: one run made by several hosts.

use clap::Args;
use jiff::civil::Time;
use jiff::{Timestamp as Utc, tz::TimeZone};

use crate::base::units::parse_duration;
use crate::base::{Timestamp, rng};
use crate::run::Hosts;
use crate::scenario::{Loaded, Scenario};
use crate::workload::Portion;

/// What `--start-at` accepts, for messages.
const TIME_FORM: &str =
    "a time such as 2026-11-23T12:00:00Z or 12:00:00Z (today), or a while from now such as +30s";

/// How many hosts a run may have.
const WORKERS_MAX: u32 = 1_000;

#[derive(Clone, Debug, Default, Args)]
pub(super) struct HostArguments {
    /// Make part I of a run that N hosts make together; `merge` joins their folders
    #[arg(long, value_name = "I/N", value_parser = portion, requires = "start_at")]
    pub(super) worker: Option<Portion>,
    /// When the load begins, the same on all hosts: a time (RFC 3339, or 12:00:00Z), or +30s, rounded up to a full second
    #[arg(long, value_name = "TIME", requires = "worker")]
    pub(super) start_at: Option<String>,
    /// The run, in eight hexadecimal digits, the same on all hosts [default: from scenario, seed, start and N]
    #[arg(long, value_name = "ID", value_parser = run_number, requires = "worker")]
    pub(super) run: Option<u32>,
}

fn portion(text: &str) -> Result<Portion, String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    let portion = numbers.and_then(|(index, of): (u32, u32)| {
        let portion = Portion::new(index.checked_sub(1)?, of)?;
        (of <= WORKERS_MAX).then_some(portion)
    });
    portion.ok_or_else(|| {
        format!("expected I/N with I from 1 to N, and N at most {WORKERS_MAX}, such as 2/3")
    })
}

fn run_number(text: &str) -> Result<u32, String> {
    let run = u32::from_str_radix(text, 16).ok();
    let is_plain = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    run.filter(|_| is_plain)
        .ok_or_else(|| "expected eight hexadecimal digits, such as 0badcafe".to_owned())
}

/// This host's part of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct HostPlan {
    pub(super) portion: Portion,
    pub(super) start: Timestamp,
    run: Option<u32>,
}

impl HostArguments {
    /// The plan that they come to at `now`; nothing for a run of one host.
    ///
    /// # Errors
    /// What is wrong with the start, as a whole message.
    pub(super) fn plan(&self, now: Timestamp) -> Result<Option<HostPlan>, String> {
        let (Some(portion), Some(text)) = (self.worker, &self.start_at) else {
            return Ok(None);
        };
        let start =
            start_of(text, now).ok_or_else(|| format!("`--start-at {text}` is not {TIME_FORM}"))?;
        if start <= now {
            let ago = now.since(start).as_secs_f64();
            return Err(format!(
                "`--start-at {text}` passed {ago:.1} s ago: give all workers a later time"
            ));
        }
        Ok(Some(HostPlan {
            portion,
            start,
            run: self.run,
        }))
    }
}

/// The point in time that is meant.
fn start_of(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(after) = text.strip_prefix('+') {
        // Whole seconds: hosts that are started within the same one agree.
        let start = now.plus(parse_duration(after).ok()?);
        return Some(Timestamp::from_secs(
            start.as_nanos().div_ceil(1_000_000_000),
        ));
    }
    let time: Option<Time> = text.strip_suffix('Z').and_then(|time| time.parse().ok());
    let at: Utc = match time {
        Some(time) => {
            let today = Utc::from_nanosecond(i128::from(now.as_nanos())).ok()?;
            let today = today.to_zoned(TimeZone::UTC).date();
            today
                .to_datetime(time)
                .to_zoned(TimeZone::UTC)
                .ok()?
                .timestamp()
        }
        None => text.parse().ok()?,
    };
    u64::try_from(at.as_nanosecond())
        .ok()
        .map(Timestamp::from_nanos)
}

impl HostPlan {
    /// The run's number: what was given, or what all hosts come to that run the same.
    pub(super) fn run_number(&self, loaded: &Loaded) -> u32 {
        let text = u64::from(crc32fast::hash(loaded.text.as_bytes()));
        let all =
            (text << 32) ^ loaded.scenario.seed.rotate_left(16) ^ u64::from(self.portion.of());
        self.run
            .unwrap_or_else(|| rng::run_number(all, self.start.as_nanos()))
    }

    /// What the session needs to know.
    pub(super) fn hosts(&self, scenario: &Scenario) -> Hosts {
        let made = scenario.streams.values().find(|stream| !stream.existing);
        Hosts {
            portion: self.portion,
            start: self.start,
            meeting: made.map(|stream| stream.name.clone()),
        }
    }

    /// Why a scenario cannot be divided; nothing when it can.
    pub(super) fn refusal(&self, scenario: &Scenario) -> Option<String> {
        if let Some(name) = scenario.calls.keys().next() {
            if self.portion.of() == 1 {
                // Its part could not be merged: there is no form for loads of calls in one.
                return Some(format!(
                    "`calls.{name}` is in no part of a run, and `--worker 1/1` is the whole one: leave out `--worker`"
                ));
            }
            return Some(format!(
                "`calls.{name}` cannot be divided: loads of API calls are made by one host; leave them out, or `--worker`"
            ));
        }
        if scenario.producers.is_empty() {
            return Some(
                "nothing here can be divided: the scenario only reads; leave out `--worker`"
                    .to_owned(),
            );
        }
        let of = self.portion.of();
        let producers = scenario.producers.values();
        let mut ordered = producers.filter(|producer| self.portion.by_workers(producer));
        let short = ordered.find(|producer| producer.workers < of)?;
        Some(format!(
            "`producers.{}` keeps the order of its keys (`send.ordering = \"per-key\"`), so that each of its {} worker(s) \
             stays on one host, and {of} hosts need as many: set `producers.{}.workers` to {of} or more",
            short.name, short.workers, short.name
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T11:59:30.250Z
    const NOW: Timestamp = Timestamp::from_millis(1_795_435_170_250);

    fn at(text: &str) -> Option<u64> {
        start_of(text, NOW).map(Timestamp::as_millis)
    }

    #[test]
    fn a_start_is_a_time_a_time_of_today_or_a_while_from_now_in_whole_seconds() {
        let noon = 1_795_435_200_000;
        for text in [
            "2026-11-23T12:00:00Z",
            "2026-11-23T13:00:00+01:00",
            "12:00:00Z",
            "12:00Z",
        ] {
            assert_eq!(at(text), Some(noon), "{text}");
        }
        assert_eq!(at("12:00:00.5Z"), Some(noon + 500));
        assert_eq!(at("+29s"), Some(noon));
        assert_eq!(at("+29750ms"), Some(noon));
        assert_eq!(at("+1m"), Some(noon + 31_000));
        for text in [
            "",
            "soon",
            "+",
            "+10",
            "12",
            "12:00:00",
            "25:00:00Z",
            "2026-11-23",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn a_start_that_passed_is_refused() {
        let plan = |text: &str| {
            let arguments = HostArguments {
                worker: Portion::new(1, 3),
                start_at: Some(text.to_owned()),
                run: None,
            };
            arguments.plan(NOW)
        };
        assert!(
            plan("11:00:00Z")
                .unwrap_err()
                .contains("passed 3570.2 s ago")
        );
        assert!(
            plan("never")
                .unwrap_err()
                .contains("`--start-at never` is not a time such as")
        );
        assert_eq!(plan("12:00:00Z").unwrap().unwrap().portion.index(), 1);
        assert_eq!(HostArguments::default().plan(NOW), Ok(None));
    }

    #[test]
    fn workers_are_counted_from_one() {
        assert_eq!(portion("1/3"), Ok(Portion::new(0, 3).unwrap()));
        assert_eq!(portion("3/3").unwrap().index(), 2);
        for text in ["0/3", "4/3", "1", "1/0", "a/b", "1/1001", "-1/3"] {
            assert!(portion(text).is_err(), "{text}");
        }
    }
}
