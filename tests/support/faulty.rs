//! A server before another that spoils chosen calls.

#![allow(dead_code, reason = "every test file uses another part of it")]

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What becomes of one call.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// It is passed on and answered.
    None,
    /// It is passed on after so long, whether or not the client is still there.
    Late(Duration),
    /// The connection is closed, and nothing is passed on.
    Broken,
    /// It is taken, and nothing comes of it.
    Silent,
    /// It is answered with this error code, and nothing is passed on.
    Refused(&'static str),
    /// It is passed on, and its answer is lost with the connection.
    Lost,
    /// It is passed on, and answered with success and what this makes of the two bodies, the asked one and the answered one.
    Changed(fn(&str, &str) -> String),
    /// It is passed on, and answered with this status line and body instead.
    Replaced(&'static str, &'static str),
    /// It is answered at once with what this makes of its body, and passed on after so long.
    Ahead(Duration, fn(&str) -> String),
}

type Rule = Arc<dyn Fn(&Call<'_>) -> Fault + Send + Sync>;

/// A call.
pub(crate) struct Call<'a> {
    /// `CreateStream`; empty for what is not Kinesis.
    pub(crate) operation: &'a str,
    /// How many calls of this operation came before it.
    pub(crate) before: u32,
    /// What it asks.
    pub(crate) body: &'a str,
}

/// The server.
pub(crate) struct Faulty {
    pub(crate) url: String,
    bodies: Arc<Mutex<Vec<(String, String)>>>,
}

impl Faulty {
    /// Before the server at `url`; ends with the process.
    pub(crate) fn before(
        url: &str,
        rule: impl Fn(&Call<'_>) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let rule: Rule = Arc::new(rule);
        let counts: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
        let bodies: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let noted = Arc::clone(&bodies);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (server, rule) = (server.clone(), Arc::clone(&rule));
                let (counts, noted) = (Arc::clone(&counts), Arc::clone(&noted));
                thread::spawn(move || {
                    let mut client = client;
                    while let Ok(Some(request)) = message(&mut client) {
                        let text = String::from_utf8_lossy(&request).into_owned();
                        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
                        let operation = operation(head);
                        let before = {
                            let mut counts = counts.lock().expect("no test panics with it");
                            let count = counts.entry(operation.clone()).or_default();
                            *count += 1;
                            *count - 1
                        };
                        noted
                            .lock()
                            .expect("no test panics with it")
                            .push((operation.clone(), body.to_owned()));
                        let call = Call {
                            operation: &operation,
                            before,
                            body,
                        };
                        let Some(answer) = answered(rule(&call), &server, &request) else {
                            break;
                        };
                        if client.write_all(&answer).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self {
            url: format!("http://{address}"),
            bodies,
        }
    }

    /// What calls of an operation asked, in the order in which they came.
    pub(crate) fn bodies(&self, operation: &str) -> Vec<String> {
        let bodies = self.bodies.lock().expect("no test panics with it");
        let of = bodies.iter().filter(|(of, _)| of == operation);
        of.map(|(_, body)| body.clone()).collect()
    }
}

fn operation(head: &str) -> String {
    head.lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("x-amz-target").then_some(value)
        })
        .and_then(|value| value.trim().strip_prefix("Kinesis_20131202."))
        .unwrap_or_default()
        .to_owned()
}

/// The answer for the client; none when its connection is to be closed.
fn answered(fault: Fault, server: &str, request: &[u8]) -> Option<Vec<u8>> {
    match fault {
        Fault::None => pass_on(server, request),
        Fault::Late(after) => {
            thread::park_timeout(after);
            pass_on(server, request)
        }
        Fault::Broken => None,
        Fault::Silent => loop {
            thread::park();
        },
        Fault::Refused(code) => {
            let body = format!(r#"{{"__type":"{code}","message":"as the test wants it"}}"#);
            Some(whole("400 Bad Request", &body))
        }
        Fault::Changed(change) => {
            let answer = pass_on(server, request)?;
            let text = String::from_utf8_lossy(&answer);
            let (_, body) = text.split_once("\r\n\r\n")?;
            Some(whole("200 OK", &change(&body_of(request), body)))
        }
        Fault::Replaced(status, body) => {
            pass_on(server, request);
            Some(whole(status, body))
        }
        Fault::Ahead(by, answer) => {
            let (server, late) = (server.to_owned(), request.to_vec());
            thread::spawn(move || {
                thread::park_timeout(by);
                pass_on(&server, &late);
            });
            Some(whole("200 OK", &answer(&body_of(request))))
        }
        Fault::Lost => {
            pass_on(server, request);
            None
        }
    }
}

fn body_of(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
    body.unwrap_or_default().to_owned()
}

/// An answer with this status line and body.
fn whole(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1");
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

fn pass_on(server: &str, request: &[u8]) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(server).ok()?;
    server.write_all(request).ok()?;
    message(&mut server).ok().flatten()
}

/// A whole HTTP message; none at the end of a connection.
fn message(from: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 1 << 16]);
    let mut whole = None::<usize>;
    loop {
        if whole.is_none()
            && let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length = length.and_then(|text| text.trim().parse::<usize>().ok());
            whole = Some(end + 4 + length.unwrap_or_default());
        }
        if whole.is_some_and(|whole| bytes.len() >= whole) {
            return Ok(Some(bytes));
        }
        match from.read(&mut piece)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&piece[..count]),
        }
    }
}
