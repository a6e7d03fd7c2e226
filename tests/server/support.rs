//! A server in this process and a plain HTTP client.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::HeaderMap;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use streamgauge::base::Clock;
use streamgauge::kinesis::Limits;
use streamgauge::server::{Server, ServerSettings};
use streamgauge::wire::{Codec, Value, decode_output, operation, sigv4};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

pub(crate) const JSON: &str = "application/x-amz-json-1.1";
pub(crate) const CBOR: &str = "application/x-amz-cbor-1.1";
pub(crate) const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/kinesis/aws4_request, \
                                        SignedHeaders=host;x-amz-date, Signature=00";

/// Who signs a request, when, and for which service in `eu-west-1`.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) key: &'a str,
    pub(crate) secret: &'a str,
    pub(crate) token: Option<&'a str>,
    pub(crate) service: &'a str,
    /// Seconds since the epoch.
    pub(crate) now_s: u64,
}

/// A server that ends with the value.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

/// An answer, taken in whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("headers are text"))
    }
}

/// Settings that refuse nothing and wait for little.
pub(crate) fn settings() -> ServerSettings {
    ServerSettings {
        limits: Limits::off(),
        patience: Duration::from_millis(1_500),
        ..ServerSettings::default()
    }
}

/// Runs a test on a runtime of its own.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let clock = Clock::real();
        let late = clock.sleep(Duration::from_mins(1));
        tokio::select! {
            () = test => {}
            () = late => panic!("the test hangs"),
        }
    });
}

pub(crate) async fn start(settings: ServerSettings) -> Served {
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = Server::bind(address, settings, Clock::real())
        .await
        .expect("a free port");
    let address = server.address();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Served {
        address,
        stop: Some(stop),
        task: Some(task),
    }
}

impl Served {
    /// A server that somebody else ends.
    pub(crate) const fn at(address: SocketAddr) -> Self {
        Self {
            address,
            stop: None,
            task: None,
        }
    }

    /// Asks for the end and waits for it.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        let task = self.task.take().expect("it stops once");
        task.await.expect("it does not panic");
    }

    /// Sends a request on a connection of its own; the answer's body is left to be read.
    pub(crate) async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .expect("a connection");
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("host", "kinesis.local");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        sender.send_request(request).await.expect("an answer")
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let (parts, body) = self.open(method, path, headers, body).await.into_parts();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.expect("a whole answer").to_bytes(),
        }
    }

    /// An operation with a JSON body.
    pub(crate) async fn call(&self, name: &str, body: &str) -> Reply {
        self.call_as("AKID", name, body).await
    }

    /// A signed POST of `headers` and `body`.
    pub(crate) async fn signed(
        &self,
        signer: Signer<'_>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        self.signed_at("/", signer, headers, body).await
    }

    /// A signed POST to a path with a query.
    pub(crate) async fn signed_at(
        &self,
        target: &str,
        signer: Signer<'_>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let now_s = i64::try_from(signer.now_s).expect("a time");
        let time = jiff::Timestamp::from_second(now_s).expect("a time");
        let date = time.strftime("%Y%m%dT%H%M%SZ").to_string();
        let (key, service) = (signer.key, signer.service);
        let scope = format!("{}/eu-west-1/{service}/aws4_request", &date[..8]);
        let mut headers = headers.to_vec();
        headers.push(("x-amz-date", &date));
        headers.extend(signer.token.map(|token| ("x-amz-security-token", token)));
        let mut probe = headers.clone();
        probe.push(("host", "kinesis.local"));
        probe.sort_unstable();
        let names: Vec<_> = probe.iter().map(|(name, _)| *name).collect();
        let unsigned = format!(
            "AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={}, Signature=00",
            names.join(";")
        );
        probe.push(("authorization", &unsigned));
        let request = sigv4::Request {
            method: "POST",
            path,
            query,
            headers: &probe,
            body: body.as_bytes(),
        };
        let authorization = sigv4::authorization(&request).expect("it is complete");
        let to_sign = sigv4::string_to_sign(
            &sigv4::canonical_request(&request, &authorization),
            &authorization,
        );
        let signature = sigv4::signature(signer.secret, &to_sign, &authorization);
        let header = unsigned.replace("Signature=00", &format!("Signature={signature}"));
        headers.push(("authorization", &header));
        self.send("POST", target, &headers, body.to_owned()).await
    }

    /// An operation in the account of a key, in `us-east-1`.
    pub(crate) async fn call_as(&self, key: &str, name: &str, body: &str) -> Reply {
        let target = format!("Kinesis_20131202.{name}");
        let authorization = AUTHORIZATION.replace("AKID", key);
        let headers = [
            ("content-type", JSON),
            ("x-amz-target", target.as_str()),
            ("authorization", &authorization),
            ("x-amz-date", "20260101T000000Z"),
        ];
        self.send("POST", "/", &headers, body.to_owned()).await
    }

    /// An operation that passes, decoded.
    pub(crate) async fn done(&self, name: &str, body: &str) -> Value {
        let reply = self.call(name, body).await;
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        if reply.body.is_empty() {
            return Value::structure();
        }
        let operation = operation(name).expect("an operation");
        decode_output(Codec::Json, operation, &reply.body).expect("the answer has its shape")
    }
}
