//! The server: a process of its own, so that its CPU time is not the client's.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

/// A running server, ended with this value.
pub(crate) struct Server {
    process: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

impl Server {
    /// The real program without limits, with room for a million records of one client.
    pub(crate) fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
            .args(["serve", "--listen", "127.0.0.1:0", "--limits", "off"])
            .args(["--log", "error", "--max-memory", "1GiB"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("its address");
        let url = line.split_whitespace().last().expect("its address");
        Self {
            url: url.to_owned(),
            process,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
