//! Connections: accepted, told apart by their first bytes, served, ended.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::ServerSettings;
use super::service::Service;
use crate::base::Clock;

/// What HTTP/2 begins with when nothing was negotiated.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// The bytes of a request's headers together.
const HEADERS_BYTES_MAX: usize = 64 << 10;
/// Requests at the same time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 256;
/// How long open requests may take after the signal to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How often a connection is looked at whose first bytes came in parts.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A server with its socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Takes the address; from then on connections are accepted by the operating system. Port 0 is any free one.
    ///
    /// # Errors
    /// When the address cannot be taken.
    pub async fn bind(
        address: SocketAddr,
        settings: ServerSettings,
        clock: Clock,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (stop, stopping) = watch::channel(false);
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            service: Arc::new(Service::new(settings, clock, stopping)),
            stop,
        })
    }

    /// The address that it listens on.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is ready; then answers what was asked, for 5 seconds at most.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.service.settings.connections_max));
        let clock = self.service.clock;
        let http = Arc::new(builder(self.service.settings.patience));
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&self.listener, &places) => accepted,
            };
            let Ok((stream, place)) = accepted else {
                // No descriptors left, or the client went away again: others are served meanwhile.
                clock.sleep(LOOK_AGAIN).await;
                continue;
            };
            // Small answers are not to wait for acknowledgements.
            let _ = stream.set_nodelay(true);
            let service = Arc::clone(&self.service);
            let http = Arc::clone(&http);
            let watcher = graceful.watcher();
            tokio::spawn(async move {
                let _place = place;
                if !begins(&stream, clock, service.settings.patience).await {
                    return;
                }
                let answer = service_fn(|request| {
                    let service = Arc::clone(&service);
                    async move { Ok::<_, Infallible>(service.serve(request).await) }
                });
                let connection = http.serve_connection(TokioIo::new(stream), answer);
                // A client that breaks off is its own affair.
                let _ = watcher.watch(connection).await;
            });
        }
        // Subscriptions end by themselves; everything else is waited for.
        let _ = self.stop.send(true);
        tokio::select! {
            () = graceful.shutdown() => {}
            () = clock.sleep(LAST_ANSWERS) => {}
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

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// Waits until a connection's first bytes tell which HTTP it speaks: the library waits for them without an end.
async fn begins(stream: &TcpStream, clock: Clock, patience: Duration) -> bool {
    let told = async {
        let mut bytes = [0; PREFACE.len()];
        loop {
            match stream.peek(&mut bytes).await {
                Ok(0) | Err(_) => return false,
                Ok(count) if count == PREFACE.len() => return true,
                Ok(count) if bytes[..count] != PREFACE[..count] => return true,
                Ok(_) => clock.sleep(LOOK_AGAIN).await,
            }
        }
    };
    tokio::select! {
        told = told => told,
        () = clock.sleep(patience) => false,
    }
}
