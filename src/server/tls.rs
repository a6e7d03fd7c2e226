//! TLS: a certificate from files, or one made on the spot.
//!
//! Invariant: a [`Tls`] that exists can serve: its key belongs to its certificate.

use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{Error, ServerConfig};

use crate::base::Timestamp;

/// What is offered by ALPN, the preferred one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// How long a certificate made on the spot is valid. Apple's clients refuse more than 825 days.
const VALID_DAYS: i64 = 365;

/// A certificate with its key, ready to serve.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    fingerprint: String,
}

/// Why a certificate cannot be served.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file holds none.
    #[error("the certificate file holds no `-----BEGIN CERTIFICATE-----` block that can be read")]
    NoCertificate,
    /// The key's file holds none.
    #[error(
        "the key file holds no `-----BEGIN PRIVATE KEY-----` block that can be read (PKCS #8, PKCS #1 or SEC 1)"
    )]
    NoKey,
    /// Both were read, and they are of no use together.
    #[error("the certificate and the key cannot be used: {0}")]
    Unusable(String),
}

impl Tls {
    /// Takes a certificate, the chain above it included, and its key, both in PEM.
    ///
    /// # Errors
    /// When either cannot be read, or the key is not the certificate's.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|_| TlsError::NoCertificate)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
        Self::new(chain, key)
    }

    /// Makes a certificate for `localhost`, the loopback addresses and `address`, valid for a year, and the authority
    /// that signed it; gives the authority in PEM, for clients to trust. The authority's key is forgotten at once: it
    /// never signs again.
    ///
    /// Keys are drawn from the operating system, not from a seed: they are secrets.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn self_signed(now: Timestamp, address: IpAddr) -> Result<(Self, String), TlsError> {
        make(now, address).map_err(|problem| TlsError::Unusable(problem.to_string()))?
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let fingerprint = fingerprint(chain.first().ok_or(TlsError::NoCertificate)?);
        let unusable = |problem: Error| TlsError::Unusable(problem.to_string());
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(unusable)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self {
            config: Arc::new(config),
            fingerprint,
        })
    }

    /// SHA-256 of the certificate, as `AB:CD:...`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

fn fingerprint(certificate: &[u8]) -> String {
    let bytes = Sha256::digest(certificate);
    let bytes: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

fn make(now: Timestamp, address: IpAddr) -> Result<Result<(Tls, String), TlsError>, rcgen::Error> {
    let mut authority = params(now, Vec::new(), "streamgauge authority")?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;

    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    if !address.is_unspecified() && !address.is_loopback() {
        names.push(address.to_string());
    }
    let mut server = params(now, names, "streamgauge")?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key))?;

    let chain = vec![
        certificate.der().clone(),
        authority_certificate.der().clone(),
    ];
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok(Tls::new(chain, key.into()).map(|tls| (tls, authority_certificate.pem())))
}

/// Valid from the day before `now`: clocks differ.
fn params(
    now: Timestamp,
    names: Vec<String>,
    common_name: &str,
) -> Result<CertificateParams, rcgen::Error> {
    let day = |days: i64| {
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX) + days * 86_400;
        let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
        let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        date_time_ymd(date.year().into(), date.month() as u8, date.day() as u8)
    };
    let mut params = CertificateParams::new(names)?;
    params.not_before = day(-1);
    params.not_after = day(VALID_DAYS);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (made.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn a_certificate_with_its_own_key_is_taken_and_with_another_key_is_not() {
        let ((certificate, key), (_, other)) = (pem(), pem());
        let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(tls.fingerprint().len(), 32 * 3 - 1);
        let wrong = Tls::from_pem(certificate.as_bytes(), other.as_bytes()).unwrap_err();
        assert!(matches!(wrong, TlsError::Unusable(_)), "{wrong}");
    }

    #[test]
    fn a_file_without_its_block_is_named() {
        let (certificate, key) = pem();
        let read = |certificate: &str, key: &str| {
            Tls::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err()
        };
        assert_eq!(read("", &key), TlsError::NoCertificate);
        assert_eq!(read(&key, &key), TlsError::NoCertificate);
        assert_eq!(read(&certificate, ""), TlsError::NoKey);
        assert_eq!(read(&certificate, &certificate), TlsError::NoKey);
        let cut = &certificate[..certificate.len() / 2];
        assert_eq!(read(cut, &key), TlsError::NoCertificate);
    }
}
