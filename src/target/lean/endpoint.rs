//! Where requests go, in the forms that they need it in.

use aws_sdk_kinesis::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use hyper::Uri;
use hyper::header::HeaderValue;

use super::Protocol;
use crate::target::sdk::{ConnectError, Sdk};

/// The target's URL, taken apart.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// What a request's line says: the path, and for HTTP/2 scheme and authority too.
    pub(super) uri: Uri,
    /// `Host`, where the version of HTTP has it.
    pub(super) host_header: Option<HeaderValue>,
    /// What is signed as `Host`.
    pub(super) authority: String,
    /// The path, with a slash at its end.
    pub(super) path: String,
    /// The name or address to connect to, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_tls: bool,
}

impl Endpoint {
    /// The target's own URL, or the region's endpoint by the SDK's rules.
    pub(super) async fn of(sdk: &Sdk, protocol: Protocol) -> Result<Self, ConnectError> {
        let configuration = sdk.configuration();
        let given = sdk.url().or_else(|| configuration.endpoint_url());
        let url = if let Some(url) = given {
            url.to_owned()
        } else {
            let region = configuration.region().map(ToString::to_string);
            let parameters = Params::builder().set_region(region).build();
            let parameters =
                parameters.map_err(|error| ConnectError::Endpoint(error.to_string()))?;
            let resolver = DefaultResolver::new();
            let endpoint = resolver.resolve_endpoint(&parameters).await;
            let endpoint = endpoint.map_err(|error| ConnectError::Endpoint(error.to_string()))?;
            endpoint.url().to_owned()
        };
        Self::at(&url, protocol)
            .ok_or_else(|| ConnectError::Endpoint(format!("`{url}` is no URL of a server")))
    }

    fn at(url: &str, protocol: Protocol) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?.clone();
        let path = format!("{}/", uri.path().trim_end_matches('/'));
        let is_http1 = protocol == Protocol::Http1;
        let line = if is_http1 {
            path.parse().ok()?
        } else {
            let full = Uri::builder().scheme(if is_tls { "https" } else { "http" });
            let full = full.authority(authority.clone());
            full.path_and_query(path.as_str()).build().ok()?
        };
        let header = HeaderValue::from_str(authority.as_str()).ok()?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        Some(Self {
            uri: line,
            host_header: is_http1.then_some(header),
            port: authority
                .port_u16()
                .unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.to_string(),
            path,
            host,
            is_tls,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_as_each_version_of_http_needs_it() {
        let one = Endpoint::at("http://127.0.0.1:4567", Protocol::Http1).unwrap();
        assert_eq!((one.uri.to_string().as_str(), one.port), ("/", 4_567));
        assert_eq!(one.host_header.unwrap(), "127.0.0.1:4567");
        let two = Endpoint::at("https://[::1]/kinesis", Protocol::Http2).unwrap();
        assert_eq!(two.uri.to_string(), "https://[::1]/kinesis/");
        assert_eq!(
            (two.host.as_str(), two.port, two.is_tls),
            ("::1", 443, true)
        );
        assert!(two.host_header.is_none() && two.path == "/kinesis/");
        assert!(Endpoint::at("ftp://h", Protocol::Http1).is_none());
        assert!(Endpoint::at("nothing", Protocol::Http1).is_none());
    }
}
