//! One connection, from its handshake to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::idle::{Held, Requests};
use super::patient::Patient;
use super::service::Service;

/// The bytes of a request's headers together.
const HEADERS_BYTES_MAX: usize = 64 << 10;
/// Requests at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;
/// A handshake is a few messages: who needs longer means no good.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How many times its patience the server waits for a whole answer to be taken.
const ANSWER_PATIENCES: u32 = 5;

/// How connections are served.
pub(super) struct Http {
    /// Tells HTTP/1.1 and HTTP/2 apart by the first bytes.
    either: auto::Builder<TokioExecutor>,
    one: auto::Builder<TokioExecutor>,
    two: auto::Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
}

/// Why a connection ended other than by its client's or the server's will.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    #[error("no TLS handshake within {0:?}")]
    HandshakeTooSlow(Duration),
    #[error("the TLS handshake failed: {0}")]
    Handshake(std::io::Error),
    #[error("an answer was not taken in time")]
    Untaken,
    #[error("nothing was asked for a time, and the client did not go when it was told to")]
    Idle,
    #[error("{0}")]
    Http(Box<dyn std::error::Error + Send + Sync>),
}

impl Http {
    pub(super) fn new(patience: Duration, tls: Option<TlsAcceptor>) -> Self {
        Self {
            either: builder(patience),
            one: builder(patience).http1_only(),
            two: builder(patience).http2_only(),
            tls,
        }
    }

    /// Serves a connection to its end.
    ///
    /// # Errors
    /// When it ended against the rules of its protocol or was given up.
    pub(super) async fn serve(
        &self,
        service: &Arc<Service>,
        stream: TcpStream,
        watcher: Watcher,
    ) -> Result<(), ConnectionError> {
        let Some(acceptor) = &self.tls else {
            return run(service, &self.either, stream, watcher).await;
        };
        let patience = service.settings.patience.min(HANDSHAKE_MAX);
        let stream = tokio::select! {
            biased;
            shaken = acceptor.accept(stream) => shaken.map_err(ConnectionError::Handshake)?,
            () = service.clock.sleep(patience) => {
                return Err(ConnectionError::HandshakeTooSlow(patience));
            }
        };
        // Over TLS, HTTP/2 must be negotiated (RFC 9113, 3.3).
        let http = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => &self.two,
            _ => &self.one,
        };
        run(service, http, stream, watcher).await
    }
}

async fn run<S>(
    service: &Arc<Service>,
    http: &auto::Builder<TokioExecutor>,
    stream: S,
    watcher: Watcher,
) -> Result<(), ConnectionError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (clock, patience) = (service.clock, service.settings.patience);
    let untaken = service.untaken();
    let requests = Arc::<Requests>::default();
    let answer = service_fn(|request| {
        let (service, untaken) = (Arc::clone(service), Arc::clone(&untaken));
        let open = requests.begin();
        async move {
            let answer = service.serve(request, &untaken).await?;
            Ok::<_, Cut>(answer.map(|body| Held::new(body, open)))
        }
    });
    let stream = TokioIo::new(Patient::new(stream, clock, patience));
    // The server waits for its watchers, and this connection is told to end by its own.
    let _watcher = watcher;
    let leaving = GracefulShutdown::new();
    let connection = leaving.watch(http.serve_connection(stream, answer));
    let mut stopping = service.stopping.clone();
    let end = async {
        tokio::select! {
            () = requests.none(clock, patience) => {}
            _ = stopping.wait_for(|stopping| *stopping) => {}
        }
        // A client that is told to go and stays is not waited for, unless it is still being answered.
        drop(leaving);
        requests.none(clock, patience).await;
    };
    let limit = patience * ANSWER_PATIENCES;
    tokio::select! {
        biased;
        ended = connection => ended.map_err(ConnectionError::Http),
        () = untaken.give_up(clock, patience, limit) => Err(ConnectionError::Untaken),
        () = end => Err(ConnectionError::Idle),
    }
}

/// Says why a connection ended. Most are cut by clients that have what they wanted: nothing to warn of.
pub(super) fn report(client: SocketAddr, problem: &ConnectionError) {
    match problem {
        ConnectionError::Http(cause) => {
            let source = cause.source().map(ToString::to_string);
            tracing::info!(%client, %problem, source, "connection ended");
        }
        ConnectionError::Handshake(_) => tracing::info!(%client, %problem, "connection refused"),
        ConnectionError::HandshakeTooSlow(_) | ConnectionError::Untaken | ConnectionError::Idle => {
            tracing::warn!(%client, %problem, "connection given up");
        }
    }
}

fn builder(patience: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEADERS_BYTES_MAX.max(128 << 10));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADERS_BYTES_MAX as u32)
        // A dead peer is found out within two of these.
        .keep_alive_interval(Some(patience))
        .keep_alive_timeout(patience)
        .adaptive_window(true);
    builder
}

/// What a request's handler gives the library when the connection is to be cut instead of an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the answer was lost on purpose")]
pub(super) struct Cut;
