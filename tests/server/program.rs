//! The program itself, as `serve` starts it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use streamgauge::base::Clock;

use crate::support::Served;

/// A running `serve`. It ends with the value.
pub(crate) struct Program {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) url: String,
}

impl Program {
    /// Starts `serve` on a free port and waits until it serves.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let ready = folder.path().join("ready");
        let child = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
            .args(["serve", "--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&ready)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program runs");
        let mut program = Self {
            child,
            folder,
            url: String::new(),
        };
        let clock = Clock::real();
        while program.url.is_empty() {
            let ended = program.child.try_wait().expect("a child");
            assert!(ended.is_none(), "it ended: {}", program.log());
            clock.sleep(Duration::from_millis(10)).await;
            let text = std::fs::read_to_string(&ready).unwrap_or_default();
            text.trim_end().clone_into(&mut program.url);
        }
        program
    }

    /// Its address, to be asked like a server in this process.
    pub(crate) fn served(&self) -> Served {
        Served::at(self.address())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let (_, address) = self.url.split_once("://").expect("a URL");
        address.parse().expect("an address")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What it wrote to standard error so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).expect("its log")
    }

    /// A figure of its memory in bytes, as the operating system counts it: `VmRSS`, `VmHWM`.
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("a running process");
        let line = status.lines().find(|line| line.starts_with(name));
        let text = line.and_then(|line| line.split_whitespace().nth(1));
        text.expect("the figure").parse::<u64>().expect("KiB") * 1_024
    }

    /// Asks it to end and waits; gives its exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let id = Pid::from_child(&self.child);
        kill_process(id, Signal::TERM).expect("it runs");
        self.child.wait().expect("a child").code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
