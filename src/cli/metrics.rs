//! `run --metrics ADDRESS`: what the run came to so far, for a Prometheus that scrapes it.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::exit::Exit;
use super::scene::Scene;
use crate::base::{Clock, exposition};

/// Scrapes at the same time; further ones wait.
const CONNECTIONS_MAX: usize = 16;
/// How long a scrape may take in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon accepting is tried again after it failed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, Default, Args)]
pub(super) struct MetricsArguments {
    /// Serve Prometheus metrics of the run at http://ADDRESS/metrics while it goes on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Serve --metrics on an address that other machines reach
    #[arg(long, requires = "metrics")]
    allow_remote: bool,
}

impl MetricsArguments {
    /// Takes the address, and says where the page is; nothing if no page was asked for. Prints why it cannot.
    ///
    /// # Errors
    /// The exit code.
    pub(super) fn listen(&self) -> Result<Option<TcpListener>, Exit> {
        let Some(address) = self.metrics else {
            return Ok(None);
        };
        if !address.ip().is_loopback() && !self.allow_remote {
            eprintln!(
                "error: failed to listen on `{address}` for --metrics: other machines would reach it; add \
                 `--allow-remote` if they are to"
            );
            return Err(Exit::Usage);
        }
        let listener = TcpListener::bind(address).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        match listener {
            Ok((listener, address)) => {
                eprintln!("Metrics: http://{address}/metrics");
                Ok(Some(listener))
            }
            Err(problem) => {
                eprintln!(
                    "error: failed to listen on `{address}` for --metrics: {problem}; choose another address, or port 0 \
                     for a free one"
                );
                Err(Exit::Unreachable)
            }
        }
    }
}

/// Answers scrapes until it is dropped; waits for ever if there is no listener.
pub(super) async fn serve(listener: Option<TcpListener>, scene: Arc<Scene>) {
    let listener = listener.and_then(|listener| {
        // The runtime has its input and output on, so that this fails only where the system is out of resources.
        tokio::net::TcpListener::from_std(listener)
            .inspect_err(|problem| eprintln!("warning: no metrics are served: {problem}"))
            .ok()
    });
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    let clock = Clock::real();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let scene = Arc::clone(&scene);
                tokio::spawn(async move {
                    let _place = place;
                    answer(stream, scene, clock).await;
                });
            }
            // No descriptors left, or the client went away again: others are served meanwhile.
            Err(_) => clock.sleep(ACCEPT_AGAIN).await,
        }
    }
}

/// Answers one request. A client that breaks off or takes too long has lost its page and nobody else anything.
async fn answer(stream: TcpStream, scene: Arc<Scene>, clock: Clock) {
    let service = service_fn(|request: Request<Incoming>| {
        let scene = Arc::clone(&scene);
        async move { Ok::<_, Infallible>(page(&request, &scene, clock)) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        _ = connection => {}
        () = clock.sleep(PATIENCE) => {}
    }
}

fn page(request: &Request<Incoming>, scene: &Scene, clock: Clock) -> Response<Full<Bytes>> {
    let (status, kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (
            StatusCode::OK,
            exposition::CONTENT_TYPE,
            scene.page(clock.now()),
        ),
        (&Method::GET | &Method::HEAD, _) => (
            StatusCode::NOT_FOUND,
            "text/plain",
            "the metrics are at /metrics\n".to_owned(),
        ),
        _ => (
            StatusCode::METHOD_NOT_ALLOWED,
            "text/plain",
            "there is only something to GET\n".to_owned(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = hyper::header::HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
