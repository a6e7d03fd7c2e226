//! An engine that is started for a run and ended after it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::analyse::compare::ServerUse;
use crate::base::Clock;

/// What the words of a command hold where the address goes.
const ADDRESS: &str = "{addr}";
/// The same, of the port alone.
const PORT: &str = "{port}";

/// How long an engine may take to end when it is asked to.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The groups of processes that were started and not ended: what a second Ctrl-C must not leave behind.
static RUNNING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// A command that starts an engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EngineCommand(Vec<String>);

/// What is wrong with an engine. Displayed as a fragment that fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The command cannot be taken apart.
    #[error("read the command `{text}`: {reason}")]
    Command {
        /// The command.
        text: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// It could not be started.
    #[error("start `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// No port was free, or its output has no place.
    #[error("start an engine: {0}")]
    Place(#[from] io::Error),
}

impl EngineCommand {
    /// Takes a command apart at its spaces; what stands in quotes stays together, and a backslash takes the next character as
    /// it is. No shell has a part in it, so that the process that is started is the engine.
    ///
    /// # Errors
    /// When a quote is not closed, there is no word, or none says where to listen.
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let refused = |reason| EngineError::Command {
            text: text.to_owned(),
            reason,
        };
        let words = words(text).ok_or_else(|| refused("a quote is not closed"))?;
        if words.is_empty() {
            return Err(refused("it is empty"));
        }
        if !words
            .iter()
            .any(|word| word.contains(ADDRESS) || word.contains(PORT))
        {
            return Err(refused(
                "it does not say where to listen; write `{addr}` where 127.0.0.1:PORT goes, or `{port}`",
            ));
        }
        Ok(Self(words))
    }

    /// Starts it at a free port of this machine. What it prints is added to `log`.
    ///
    /// # Errors
    /// When the program does not start.
    pub fn start(&self, log: &Path) -> Result<Engine, EngineError> {
        let address = free_address()?;
        let words: Vec<_> = self
            .0
            .iter()
            .map(|word| {
                word.replace(ADDRESS, &address.to_string())
                    .replace(PORT, &address.port().to_string())
            })
            .collect();
        let out = File::options().create(true).append(true).open(log)?;
        let err = out.try_clone()?;
        // A group of its own: Ctrl-C at the terminal is for the gate, which ends the engine when its run is over.
        let child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .map_err(|source| EngineError::Start {
                program: words[0].clone(),
                source,
            })?;
        let group = Pid::from_child(&child);
        running().insert(group.as_raw_nonzero().get());
        Ok(Engine {
            child,
            group,
            address,
            from: None,
        })
    }
}

fn running() -> std::sync::MutexGuard<'static, BTreeSet<i32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends every engine at once: for a process that is about to end itself.
pub fn end_all() {
    for group in std::mem::take(&mut *running()) {
        if let Some(group) = Pid::from_raw(group) {
            // One that is gone needs no end.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// A port that nobody has now. Somebody may take it before the engine does; then the engine says so and ends.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A running engine. It is ended when this goes.
#[derive(Debug)]
pub struct Engine {
    child: Child,
    group: Pid,
    address: SocketAddr,
    /// Its processor time when it was ready, in microseconds.
    from: Option<f64>,
}

impl Engine {
    /// Its endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Counts what it takes from here on: it is ready.
    pub fn mark_ready(&mut self) {
        self.from = cpu_us(self.group);
    }

    /// What it took since it was ready; nothing where the system does not tell.
    pub fn used(&self) -> Option<ServerUse> {
        let cpu_us = cpu_us(self.group)? - self.from?;
        Some(ServerUse {
            cpu_us: cpu_us.max(0.0),
            memory_bytes_max: memory_bytes_max(self.group)?,
        })
    }

    /// Asks it to end, and makes it if it does not.
    pub async fn end(mut self, clock: Clock) {
        // It may have ended by itself.
        let _ = kill_process_group(self.group, Signal::TERM);
        let deadline = clock.now().plus(ENDS_WITHIN);
        while self.ended().is_none() && clock.now() < deadline {
            clock.sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Whatever is left of the group, the engine's own children too. Its number cannot be another's: the child, which has
        // it, was not waited for, or the group is empty and the signal meets nobody.
        if self.ended().is_none() || !members(self.group).is_empty() {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
        let _ = self.child.wait();
        running().remove(&self.group.as_raw_nonzero().get());
    }
}

/// The processes of a group: proc(5), the third field after the name is the group.
fn members(group: Pid) -> Vec<(i32, Vec<u64>)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let members = entries.filter_map(|entry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let numbers = fields.split_whitespace().skip(1);
        let numbers: Vec<u64> = numbers.map(|field| field.parse().unwrap_or(0)).collect();
        let is_member = numbers.get(1) == Some(&(group.as_raw_nonzero().get() as u64));
        is_member.then_some((id, numbers))
    });
    members.collect()
}

/// Processor time of a group in microseconds, with that of children that ended: proc(5), utime to cstime are the 12th to 15th
/// field after the name, in ticks of a hundredth of a second on Linux.
fn cpu_us(group: Pid) -> Option<f64> {
    const TICK_US: f64 = 10_000.0;
    let members = members(group);
    let ticks = members
        .iter()
        .map(|(_, numbers)| numbers.iter().skip(10).take(4).sum::<u64>());
    let ticks: u64 = ticks.sum();
    (!members.is_empty()).then_some(ticks as f64 * TICK_US)
}

/// The most memory that each process of a group held, added up: `VmHWM` of proc(5), in KiB.
fn memory_bytes_max(group: Pid) -> Option<f64> {
    let peak = |id: i32| -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let peaks: Vec<u64> = members(group)
        .into_iter()
        .filter_map(|(id, _)| peak(id))
        .collect();
    (!peaks.is_empty()).then(|| peaks.iter().sum::<u64>() as f64 * 1024.0)
}

/// A command's words; nothing where a quote is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(characters.next()),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_taken_apart_as_a_shell_would() {
        for (text, expected) in [
            (
                "./old serve --listen {addr}",
                vec!["./old", "serve", "--listen", "{addr}"],
            ),
            ("'a b' \"c 'd'\" e\\ f ''", vec!["a b", "c 'd'", "e f", ""]),
            ("  ", vec![]),
        ] {
            assert_eq!(words(text).unwrap(), expected);
        }
        assert_eq!(words("a 'b"), None);
    }

    #[test]
    fn a_command_must_say_where_to_listen() {
        let told = EngineCommand::parse("./old serve").unwrap_err().to_string();
        assert!(told.contains("{addr}"), "{told}");
        assert!(EngineCommand::parse("x '{addr}").is_err());
        assert!(EngineCommand::parse("x --port {port}").is_ok());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_is_started_is_watched_and_ended_with_its_children() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let command = EngineCommand::parse("sh -c 'echo {addr}; sleep 600 & wait'").unwrap();
        let clock = Clock::real();
        let mut engine = command.start(log.path()).unwrap();
        engine.mark_ready();
        let group = engine.group;
        for _ in 0..500 {
            if members(group).len() == 2 {
                break;
            }
            clock.sleep(LOOK_EVERY).await;
        }
        assert_eq!(members(group).len(), 2);
        assert!(
            engine
                .used()
                .is_some_and(|used| used.memory_bytes_max > 0.0)
        );
        let url = engine.url();
        engine.end(clock).await;
        for _ in 0..500 {
            if members(group).is_empty() {
                break;
            }
            clock.sleep(LOOK_EVERY).await;
        }
        assert_eq!(members(group), []);
        let printed = fs::read_to_string(log.path()).unwrap();
        assert_eq!(format!("http://{}", printed.trim()), url);
        assert!(!running().contains(&group.as_raw_nonzero().get()));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let log = tempfile::NamedTempFile::new().unwrap();
        let command = EngineCommand::parse("./no-such-engine {addr}").unwrap();
        let told = command.start(log.path()).unwrap_err().to_string();
        assert!(told.contains("`./no-such-engine`"), "{told}");
    }
}
