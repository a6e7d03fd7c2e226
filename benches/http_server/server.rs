//! The servers under test: processes of their own, so that their CPU time is theirs alone.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use streamgauge::wire::Codec;

use super::case::Case;
use super::floor;

/// A running server, ended with this value.
pub(crate) struct Server {
    process: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Memory held before the first request.
    pub(crate) idle_kib: u64,
    /// From the start of the process to its first answer.
    pub(crate) first_answer: Duration,
}

impl Server {
    /// The real program, without limits, so that speed is its own.
    pub(crate) fn streamgauge() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--limits",
            "off",
            "--log",
            "error",
        ]);
        // Little enough that the warm-up fills it: clearing fresh pages takes a third of a put.
        command.args(["--max-memory", "384MiB"]);
        Self::start(command)
    }

    /// This bench as the do-nothing server.
    pub(crate) fn floor() -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a program"));
        command.arg(floor::FLAG);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        let started = now();
        let mut process = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("its address");
        let url = line.split_whitespace().last().expect("its address");
        let mut server = Self {
            url: url.to_owned(),
            process,
            idle_kib: 0,
            first_answer: Duration::ZERO,
        };
        server.idle_kib = server.resident_kib();
        server.exchange(b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        server.first_answer = now() - started;
        server
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kib.unwrap_or_default()
    }

    /// CPU time that all its threads have taken.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()));
        let stat = stat.expect("the server runs");
        // The name stands in parentheses and may hold spaces; user and system time are the 14th and 15th field.
        let rest = stat.rsplit_once(") ").expect("a stat line").1;
        let fields: Vec<&str> = rest.split(' ').collect();
        let ticks = |field: usize| fields[field].parse::<u64>().expect("ticks");
        // Linux shows ticks of 10 ms on every architecture.
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }

    /// Sends a case's request once; gives the answer's body, which must come with status 200.
    pub(crate) fn post(&self, case: &Case) -> Vec<u8> {
        let mut request = String::from("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
        for (name, value) in headers(case) {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let _ = write!(request, "Content-Length: {}\r\n\r\n", case.body.len());
        let mut request = request.into_bytes();
        request.extend_from_slice(&case.body);
        let answer = self.exchange(&request);
        assert!(
            answer.starts_with(b"HTTP/1.1 200 OK\r\n"),
            "{}: {}",
            case.name,
            String::from_utf8_lossy(&answer[..answer.len().min(2_000)])
        );
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n");
        answer[end.expect("headers") + 4..].to_vec()
    }

    fn exchange(&self, request: &[u8]) -> Vec<u8> {
        let address = self.url.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(address).expect("the server listens");
        stream.write_all(request).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a signing client sends; the server was given no credentials, so that nobody checks the signature.
pub(crate) fn headers(case: &Case) -> [(&'static str, String); 4] {
    let content_type = match case.codec {
        Codec::Json => "application/x-amz-json-1.1",
        Codec::Cbor => "application/x-amz-cbor-1.1",
    };
    [
        ("Content-Type", content_type.to_owned()),
        (
            "X-Amz-Target",
            format!("Kinesis_20131202.{}", case.operation),
        ),
        ("X-Amz-Date", "20260101T000000Z".to_owned()),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=EXAMPLE/20260101/us-east-1/kinesis/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=00"
                .to_owned(),
        ),
    ]
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bench times processes; the instrument's clock is not part of it"
)]
fn now() -> Instant {
    Instant::now()
}
