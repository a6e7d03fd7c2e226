//! Credentials of the standard chain, kept until they are due, and the day's key made from them.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use arc_swap::ArcSwap;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use hyper::header::HeaderValue;

use crate::base::{Clock, Timestamp};
use crate::target::CallError;
use crate::target::judge::chain;
use crate::target::sdk::ConnectError;
use crate::wire::sigv4::{DayKey, Post};

/// How long before their end credentials are asked for anew.
const AHEAD: Duration = Duration::from_mins(1);

/// The shortest time between two askings, however soon what was given ends.
const PAUSE: Duration = Duration::from_secs(10);

/// The service's name in signatures.
const SERVICE: &str = "kinesis";

/// What signing adds to a request.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) date: HeaderValue,
    pub(super) authorization: HeaderValue,
    pub(super) token: Option<HeaderValue>,
}

/// Signs requests.
#[derive(Debug)]
pub(super) struct Signer {
    provider: SharedCredentialsProvider,
    region: String,
    clock: Clock,
    held: ArcSwap<Held>,
    /// Held while credentials are asked for, so that one call does it.
    renewing: tokio::sync::Mutex<()>,
}

/// Credentials and what was made from them.
#[derive(Debug)]
struct Held {
    credentials: Credentials,
    key: DayKey,
    token: Option<HeaderValue>,
    /// When to ask for others.
    due: Timestamp,
    /// When these end.
    end: Timestamp,
}

impl Held {
    fn new(credentials: Credentials, region: &str, now: Timestamp) -> Result<Self, CallError> {
        let end = credentials.expiry().map_or(Timestamp::MAX, |end| {
            let end = end.duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp::ZERO.plus(end)
        });
        let token = credentials.session_token();
        let header = token.map(|token| header(token.to_owned())).transpose()?;
        let parts = (
            credentials.access_key_id(),
            credentials.secret_access_key(),
            token,
        );
        Ok(Self {
            key: DayKey::new(parts, (region, SERVICE), now),
            token: header,
            due: end.minus(AHEAD).max(now.plus(PAUSE)).min(end),
            end,
            credentials,
        })
    }

    /// Whether a request can be signed with this at all.
    fn is_usable(&self, now: Timestamp) -> bool {
        now < self.end && self.key.is_for(now)
    }

    fn sign(&self, post: &Post<'_>, now: Timestamp) -> Result<Signed, CallError> {
        let (date, authorization) = self.key.sign(post, now);
        let mut authorization = header(authorization)?;
        // Another in every request: not for HTTP/2's tables.
        authorization.set_sensitive(true);
        Ok(Signed {
            date: header(date)?,
            authorization,
            token: self.token.clone(),
        })
    }
}

fn header(text: String) -> Result<HeaderValue, CallError> {
    HeaderValue::try_from(text)
        .map_err(|_| CallError::Unsent("the credentials do not fit into a header".to_owned()))
}

impl Signer {
    pub(super) async fn new(settings: &SdkConfig, clock: Clock) -> Result<Self, ConnectError> {
        let missing = |reason: String| ConnectError::Credentials {
            name: "the lean client".to_owned(),
            reason,
        };
        let provider = settings
            .credentials_provider()
            .ok_or_else(|| missing("there is no source of credentials".to_owned()))?;
        let region = settings
            .region()
            .ok_or_else(|| missing("there is no region to sign for".to_owned()))?
            .to_string();
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| missing(chain(&error)))?;
        let held = Held::new(credentials, &region, clock.now());
        let held = held.map_err(|error| missing(error.to_string()))?;
        Ok(Self {
            provider,
            region,
            clock,
            held: ArcSwap::from_pointee(held),
            renewing: tokio::sync::Mutex::default(),
        })
    }

    /// Signs a request that is sent now.
    ///
    /// # Errors
    /// [`CallError::Unsent`] when the credentials have ended and there are no others.
    pub(super) async fn sign(&self, post: &Post<'_>) -> Result<Signed, CallError> {
        let now = self.clock.now();
        {
            let held = self.held.load();
            if now < held.due && held.is_usable(now) {
                return held.sign(post, now);
            }
        }
        Box::pin(self.renewed(now)).await?.sign(post, now)
    }

    /// What to sign with when what is held is due, or of yesterday.
    async fn renewed(&self, now: Timestamp) -> Result<Arc<Held>, CallError> {
        let held = self.held.load_full();
        let _renewing = match self.renewing.try_lock() {
            Ok(renewing) => renewing,
            // Somebody else asks; what is held still serves.
            Err(_) if held.is_usable(now) => return Ok(held),
            Err(_) => self.renewing.lock().await,
        };
        let held = self.held.load_full();
        if now < held.due && held.is_usable(now) {
            return Ok(held);
        }
        let credentials = if now < held.due {
            held.credentials.clone()
        } else {
            match self.provider.provide_credentials().await {
                Ok(credentials) => credentials,
                Err(_) if held.is_usable(now) => return Ok(held),
                Err(error) => {
                    let reason = chain(&error);
                    return Err(CallError::Unsent(format!("no credentials: {reason}")));
                }
            }
        };
        let fresh = Arc::new(Held::new(credentials, &self.region, now)?);
        self.held.store(Arc::clone(&fresh));
        Ok(fresh)
    }
}
