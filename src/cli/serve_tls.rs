//! The flags of `serve` about TLS.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::base::Timestamp;
use crate::server::Tls;

#[derive(Debug, Args)]
pub(super) struct TlsArguments {
    /// Serve TLS, HTTP/1.1 and HTTP/2 by ALPN
    #[arg(long, value_enum, value_name = "KIND", conflicts_with = "tls_cert")]
    tls: Option<TlsKind>,
    /// Serve TLS with this certificate, its chain included (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Write what clients are to trust to this file (PEM): the authority of the self-signed certificate
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_cert_out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum TlsKind {
    /// A certificate made at the start, for localhost and the listening address
    SelfSigned,
}

impl TlsArguments {
    /// The certificate to serve, if one is wanted.
    ///
    /// # Errors
    /// Whole texts: which file, and what is wrong with it.
    pub(super) fn load(&self, now: Timestamp, address: IpAddr) -> Result<Option<Tls>, String> {
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            let tls = Tls::from_pem(&read(certificate)?, &read(key)?);
            let (certificate, key) = (certificate.display(), key.display());
            return tls.map(Some).map_err(|problem| {
                format!("failed to serve TLS with `{certificate}` and `{key}`: {problem}")
            });
        }
        let Some(TlsKind::SelfSigned) = self.tls else {
            return Ok(None);
        };
        let (tls, authority) = Tls::self_signed(now, address)
            .map_err(|problem| format!("failed to make a certificate: {problem}"))?;
        if let Some(path) = &self.tls_cert_out {
            let shown = path.display();
            std::fs::write(path, authority).map_err(|problem| {
                format!("failed to write the certificate `{shown}`: {problem}")
            })?;
        }
        Ok(Some(tls))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    std::fs::read(path).map_err(|problem| format!("failed to read `{shown}`: {problem}"))
}
