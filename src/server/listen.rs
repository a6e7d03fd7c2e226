//! The socket: connections are accepted within a bound, and ended when the server ends.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::connection::{self, Http};
use super::service::Service;
use super::{ServerSettings, Tls};
use crate::base::Clock;

/// How long open requests may take after the signal to stop.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How soon accepting is tried again after it failed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

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
        let settings = &self.service.settings;
        let tls_is_on = settings.tls.is_some();
        let tls = settings.tls.as_ref().map(Tls::acceptor);
        let http = Arc::new(Http::new(settings.patience, tls));
        tokio::pin!(stop);
        let (address, tls) = (self.address, tls_is_on);
        tracing::info!(%address, tls, "serving");
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = accept(&self.listener, &places) => accepted,
            };
            let ((stream, client), place) = match accepted {
                Ok(accepted) => accepted,
                Err(problem) => {
                    // No descriptors left, or the client went away again: others are served meanwhile.
                    tracing::warn!(%problem, "failed to accept a connection");
                    clock.sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            };
            // Small answers are not to wait for acknowledgements.
            let _ = stream.set_nodelay(true);
            let service = Arc::clone(&self.service);
            let http = Arc::clone(&http);
            let watcher = graceful.watcher();
            tokio::spawn(async move {
                let _place = place;
                if let Err(problem) = http.serve(&service, stream, watcher).await {
                    connection::report(client, &problem);
                }
            });
        }
        // Subscriptions end by themselves; everything else is waited for.
        tracing::info!("stopping");
        let _ = self.stop.send(true);
        tokio::select! {
            () = graceful.shutdown() => tracing::info!("stopped"),
            () = clock.sleep(LAST_ANSWERS) => tracing::warn!("stopped with requests that were not answered"),
        }
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<((TcpStream, SocketAddr), OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    Ok((listener.accept().await?, place))
}
