//! Making connections.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Protocol;
use super::endpoint::Endpoint;
use crate::base::Clock;
use crate::target::CallError;
use crate::target::judge::chain;
use crate::target::sdk::{CONNECT_TIMEOUT, ConnectError};

/// Makes connections to one endpoint.
pub(super) struct Dialer {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    protocol: Protocol,
    clock: Clock,
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl Dialer {
    /// Servers are believed that the machine's own store of certificates vouches for, or that of `SSL_CERT_FILE`: the same
    /// as by the SDK.
    pub(super) fn new(
        endpoint: &Endpoint,
        protocol: Protocol,
        clock: Clock,
    ) -> Result<Self, ConnectError> {
        let tls = endpoint.is_tls.then(|| {
            let unusable = |reason: String| ConnectError::Endpoint(reason);
            let name = ServerName::try_from(endpoint.host.clone());
            let name = name.map_err(|error| unusable(format!("`{}`: {error}", endpoint.host)))?;
            let mut roots = RootCertStore::empty();
            // A store may hold certificates that cannot be read, or none: then no server is believed, and calls say so.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            let provider = Arc::new(ring::default_provider());
            let settings = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| unusable(error.to_string()))?;
            let mut settings = settings.with_root_certificates(roots).with_no_client_auth();
            settings.alpn_protocols = vec![alpn(protocol).to_vec()];
            Ok::<_, ConnectError>((TlsConnector::from(Arc::new(settings)), name))
        });
        Ok(Self {
            host: endpoint.host.clone(),
            port: endpoint.port,
            tls: tls.transpose()?,
            protocol,
            clock,
        })
    }

    /// A new connection.
    ///
    /// # Errors
    /// [`CallError::Unsent`].
    pub(super) async fn dial(&self) -> Result<Stream, CallError> {
        tokio::select! {
            biased;
            made = self.connect() => made.map_err(|error| {
                CallError::Unsent(format!("connect to {}:{}: {}", self.host, self.port, chain(&error)))
            }),
            () = self.clock.sleep(CONNECT_TIMEOUT) => Err(CallError::Unsent(format!(
                "no connection to {}:{} within {} s",
                self.host, self.port, CONNECT_TIMEOUT.as_secs()
            ))),
        }
    }

    async fn connect(&self) -> io::Result<Stream> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        let Some((connector, name)) = &self.tls else {
            return Ok(Stream::Plain(tcp));
        };
        let tls = connector.connect(name.clone(), tcp).await?;
        // A server without ALPN speaks HTTP/1.1.
        let chosen = tls.get_ref().1.alpn_protocol();
        if self.protocol == Protocol::Http2 && chosen != Some(alpn(Protocol::Http2)) {
            return Err(io::Error::other("the server does not speak HTTP/2"));
        }
        Ok(Stream::Tls(Box::new(tls)))
    }
}

const fn alpn(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Http1 => b"http/1.1",
        Protocol::Http2 => b"h2",
    }
}

/// A connection's bytes.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Ends the connection so that the other side sees a reset, not an end.
    pub(super) fn reset(self) {
        let tcp = match &self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        };
        // Where the system does not do it, the connection ends all the same.
        let _ = tcp.set_zero_linger();
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }
}
