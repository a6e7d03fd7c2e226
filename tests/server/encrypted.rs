//! TLS: one port, HTTP/2 and HTTP/1.1 by negotiation, and clients that cannot shake hands.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use streamgauge::base::Clock;
use streamgauge::server::Tls;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::{AUTHORIZATION, JSON, Served, run, settings, start};

/// A server with a certificate of its own, and the authority to trust.
async fn encrypted() -> (Served, String) {
    let now = Clock::real().now();
    let (tls, authority) = Tls::self_signed(now, IpAddr::V4(Ipv4Addr::LOCALHOST)).expect("a key");
    let mut settings = settings();
    settings.tls = Some(tls);
    (start(settings).await, authority)
}

/// A TLS connection of a client that offers `protocols`.
async fn connect(
    server: &Served,
    authority: &str,
    name: &str,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM");
    roots.add(trusted).expect("an authority");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(server.address)
        .await
        .expect("it listens");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

fn list_streams(uri: &str) -> Request<Full<Bytes>> {
    Request::post(uri)
        .header("host", "localhost")
        .header("content-type", JSON)
        .header("x-amz-target", "Kinesis_20131202.ListStreams")
        .header("authorization", AUTHORIZATION)
        .header("x-amz-date", "20260101T000000Z")
        .body(Full::new(Bytes::from_static(b"{}")))
        .expect("a request")
}

async fn is_answered(response: Response<hyper::body::Incoming>) {
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("a body");
    assert!(body.to_bytes().starts_with(b"{\"StreamNames\":[]"));
}

#[test]
fn one_port_negotiates_http_2_and_http_1() {
    run(async {
        let (server, authority) = encrypted().await;
        let offered: &[&[u8]] = &[b"h2", b"http/1.1"];
        let stream = connect(&server, &authority, "localhost", offered).await;
        let stream = stream.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("a connection");
        tokio::spawn(connection);
        let request = list_streams("https://localhost/");
        is_answered(sender.send_request(request).await.expect("an answer")).await;

        let offers: [&[&[u8]]; 2] = [&[b"http/1.1"], &[]];
        for offered in offers {
            let stream = connect(&server, &authority, "127.0.0.1", offered).await;
            let stream = stream.expect("a handshake");
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
                .await
                .expect("a connection");
            tokio::spawn(connection);
            is_answered(
                sender
                    .send_request(list_streams("/"))
                    .await
                    .expect("an answer"),
            )
            .await;
        }
        drop(sender);
        server.stop().await;
    });
}

#[test]
fn a_client_that_trusts_another_authority_or_wants_another_name_refuses() {
    run(async {
        let (server, authority) = encrypted().await;
        let (other, stranger) = encrypted().await;
        assert!(connect(&server, &stranger, "localhost", &[]).await.is_err());
        assert!(
            connect(&server, &authority, "example.com", &[])
                .await
                .is_err()
        );
        assert!(connect(&server, &authority, "localhost", &[]).await.is_ok());
        server.stop().await;
        other.stop().await;
    });
}

#[test]
fn who_does_not_shake_hands_is_cut_off_and_others_are_served() {
    run(async {
        let (server, authority) = encrypted().await;
        for first in [
            &b""[..],
            b"\x16\x03\x01",
            b"GET / HTTP/1.1\r\n\r\n",
            &[7; 3_000],
        ] {
            let mut stream = TcpStream::connect(server.address)
                .await
                .expect("it listens");
            stream.write_all(first).await.expect("it is taken");
            let mut answer = Vec::new();
            // The end of the stream, or a reset: what matters is that it ends.
            let _ = stream.read_to_end(&mut answer).await;
            assert!(!answer.starts_with(b"HTTP"));
            assert!(connect(&server, &authority, "localhost", &[]).await.is_ok());
        }
        server.stop().await;
    });
}

#[test]
fn a_client_that_negotiates_http_2_and_says_nothing_is_given_up() {
    run(async {
        let (server, authority) = encrypted().await;
        let mut stream = connect(&server, &authority, "localhost", &[b"h2"])
            .await
            .expect("a handshake");
        let mut answer = Vec::new();
        let clock = Clock::real();
        tokio::select! {
            _ = stream.read_to_end(&mut answer) => {}
            () = clock.sleep(Duration::from_secs(20)) => panic!("it is waited for"),
        }
        server.stop().await;
    });
}

fn serve(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[test]
fn files_that_cannot_be_served_are_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (missing, garbage) = (path("missing.pem"), path("garbage.pem"));
    std::fs::write(Path::new(&garbage), "nonsense").expect("a file");
    for (arguments, expected) in [
        (vec!["--tls-cert", &garbage], "--tls-key"),
        (
            vec!["--tls-cert", &missing, "--tls-key", &garbage],
            "failed to read",
        ),
        (
            vec!["--tls-cert", &garbage, "--tls-key", &garbage],
            "holds no `-----BEGIN CERTIFICATE-----` block",
        ),
        (
            vec!["--tls", "self-signed", "--tls-cert", &garbage],
            "cannot be used with",
        ),
        (vec!["--tls-cert-out", &garbage], "--tls <KIND>"),
    ] {
        let (code, text) = serve(&arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}
