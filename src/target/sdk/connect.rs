//! From a target's description to a client: credentials, region, connections.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::OnceCell;

use super::Sdk;
use super::admin::Switch;
use super::delivery::Stamping;
use crate::base::Clock;
use crate::scenario::targets::{TargetKind, TargetSpec};
use crate::target::judge::{Judge, chain};

/// How long a connection may take to be made. The only time-out of the client: how long an answer may take is the
/// producer's `timeout`.
pub(in crate::target) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long an unused connection is kept. Shorter than servers keep theirs (60 s and more are usual), so that a request
/// is seldom sent into a connection that is just being closed.
pub(in crate::target) const KEEP_IDLE: Duration = Duration::from_secs(20);

/// The region that requests to an endpoint are signed for when nobody says another: what clients of local engines use.
const ENDPOINT_REGION: &str = "us-east-1";

/// The access key that requests to an endpoint are signed with when there is no other: local engines take any.
const ENDPOINT_KEY: (&str, &str) = ("streamgauge", "streamgauge");

/// The name that sessions of an assumed role have in AWS's logs.
const SESSION_NAME: &str = "streamgauge";

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The target is the engine in this process: nothing to connect to.
    #[error("connect to `{0}`: it is the engine in this process")]
    InProcess(String),
    /// The target's URL or region is missing.
    #[error("connect to `{name}`: it has no `{missing}`; set it in `[targets.{name}]`")]
    Incomplete {
        /// The target.
        name: String,
        /// What it needs.
        missing: &'static str,
    },
    /// The endpoint's URL cannot be used.
    #[error("use the endpoint: {0}")]
    Endpoint(String),
    /// The environment or the profile sends the calls of a target of kind `aws` elsewhere.
    #[error(
        "connect to `{name}`: {source_name} leads to `{url}`, and the target names no url: unset it, or write it as \
         `url` into `[targets.{name}]`"
    )]
    Diverted {
        /// The target.
        name: String,
        /// What diverts it: `AWS_ENDPOINT_URL`.
        source_name: &'static str,
        /// Where to.
        url: String,
    },
    /// There are no credentials, or the role cannot be taken.
    #[error("get credentials for `{name}`: {reason}")]
    Credentials {
        /// The target.
        name: String,
        /// What the SDK says.
        reason: String,
    },
}

/// Makes a client for an endpoint or for AWS. Nothing is sent to the target; a role is taken, and a profile may ask its
/// identity provider.
///
/// Credentials come from AWS's standard chain (environment, profile, container, instance), then from the role if one is
/// named. For an endpoint that names neither role nor profile, with no key in the environment, requests are signed with
/// the fixed key `streamgauge`, so that no account is needed.
///
/// # Errors
/// When the description is incomplete, or credentials are asked for and cannot be had.
pub async fn connect(spec: &TargetSpec) -> Result<Sdk, ConnectError> {
    connect_by(spec, Clock::real()).await
}

/// The same with a clock of the caller's, which stamps the answers.
///
/// # Errors
/// As [`connect`].
pub async fn connect_by(spec: &TargetSpec, clock: Clock) -> Result<Sdk, ConnectError> {
    let incomplete = |missing| ConnectError::Incomplete {
        name: spec.name.clone(),
        missing,
    };
    match spec.kind {
        TargetKind::Embedded | TargetKind::Simulated => {
            return Err(ConnectError::InProcess(spec.name.clone()));
        }
        TargetKind::Endpoint if spec.url.is_none() => return Err(incomplete("url")),
        TargetKind::Aws if spec.region.is_none() => return Err(incomplete("region")),
        TargetKind::Endpoint | TargetKind::Aws => {}
    }
    let base = loader(spec, clock).load().await;
    if spec.kind == TargetKind::Aws && spec.url.is_none() {
        let variable = |name: &str| std::env::var(name).ok();
        if let Some((source_name, url)) = diverted(variable, base.endpoint_url()) {
            return Err(ConnectError::Diverted {
                name: spec.name.clone(),
                source_name,
                url,
            });
        }
    }
    let configuration = match &spec.role {
        None => base,
        Some(role) => {
            // The role is asked for at AWS, not at the endpoint.
            let session = AssumeRoleProvider::builder(role)
                .session_name(SESSION_NAME)
                .configure(&base);
            let provider = SharedCredentialsProvider::new(session.build().await);
            base.into_builder().credentials_provider(provider).build()
        }
    };
    let provider = configuration.credentials_provider();
    let provider = provider.ok_or_else(|| ConnectError::Credentials {
        name: spec.name.clone(),
        reason: "there is no source of credentials".to_owned(),
    })?;
    // Asked for now: a run must not find out with its first record.
    let _: Credentials =
        provider
            .provide_credentials()
            .await
            .map_err(|error| ConnectError::Credentials {
                name: spec.name.clone(),
                reason: chain(&error),
            })?;
    let mut client = aws_sdk_kinesis::config::Builder::from(&configuration);
    // The target's alone: what is configured elsewhere for this service must not divert a run unseen.
    client.set_endpoint_url(spec.url.clone());
    Ok(Sdk {
        client: aws_sdk_kinesis::Client::from_conf(client.build()),
        configuration,
        url: spec.url.clone(),
        clock,
        service_names: BTreeMap::new(),
        judge: Judge::default(),
        switch: match (spec.kind, &spec.url) {
            (TargetKind::Endpoint, Some(url)) => Some(Switch::new(url, clock)),
            _ => None,
        },
        has_switch: OnceCell::new(),
    })
}

/// What would divert calls that are meant for AWS, and where to; by the environment's variables and by what the SDK found
/// for all services (AWS SDKs reference guide, "Service-specific endpoints").
fn diverted(
    variable: impl Fn(&str) -> Option<String>,
    of_all_services: Option<&str>,
) -> Option<(&'static str, String)> {
    let is_ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if is_ignored {
        return None;
    }
    let of_variable = |name: &'static str| {
        let url = variable(name).filter(|url| !url.is_empty())?;
        Some((name, url))
    };
    ["AWS_ENDPOINT_URL_KINESIS", "AWS_ENDPOINT_URL"]
        .into_iter()
        .find_map(of_variable)
        .or_else(|| Some(("`endpoint_url` of the profile", of_all_services?.to_owned())))
}

fn loader(spec: &TargetSpec, clock: Clock) -> ConfigLoader {
    let http = HttpClientBuilder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .pool_idle_timeout(KEEP_IDLE)
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(Stamping { inner: http, clock })
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .disable_read_timeout()
                .disable_operation_timeout()
                .disable_operation_attempt_timeout()
                .build(),
        );
    if let Some(profile) = &spec.profile {
        loader = loader.profile_name(profile);
    }
    let is_endpoint = spec.kind == TargetKind::Endpoint;
    let region = spec.region.as_deref();
    if let Some(region) = region.or(is_endpoint.then_some(ENDPOINT_REGION)) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let named = spec.profile.is_some() || spec.role.is_some();
    let in_environment = std::env::var_os("AWS_ACCESS_KEY_ID").is_some();
    if is_endpoint && !named && !in_environment {
        let (key, secret) = ENDPOINT_KEY;
        let fixed = Credentials::new(key, secret, None, None, "streamgauge endpoint default");
        loader = loader.credentials_provider(fixed);
    }
    loader
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_configured_beside_the_target_is_found_unless_it_is_to_be_ignored() {
        let of = |variables: &[(&str, &str)], profile| {
            let variable = |name: &str| {
                let of_name = variables.iter().find(|(variable, _)| *variable == name);
                of_name.map(|(_, value)| (*value).to_owned())
            };
            diverted(variable, profile).map(|(name, _)| name)
        };
        assert_eq!(of(&[], None), None);
        let url = "http://localhost:4566";
        assert_eq!(
            of(&[("AWS_ENDPOINT_URL", url)], None),
            Some("AWS_ENDPOINT_URL")
        );
        assert_eq!(
            of(&[("AWS_ENDPOINT_URL_KINESIS", url)], None),
            Some("AWS_ENDPOINT_URL_KINESIS")
        );
        assert!(of(&[], Some(url)).is_some());
        let ignored = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
        assert_eq!(of(&[("AWS_ENDPOINT_URL", url), ignored], None), None);
    }
}
