//! A client made for measuring: endpoints and AWS, at a fraction of the SDK's CPU time.
//!
//! Invariant: one call is one request on the wire, with the same meanings and findings as the SDK's
//! (`target::judge`). Only what a run measures goes this way (PutRecord, PutRecords, GetShardIterator, GetRecords, and
//! whatever loads of API calls call); what
//! sets a run up is left to the [`Sdk`] that it is made from, which also gives credentials, region and names.
//!
//! A call is written by [`crate::wire::fast`], signed by `signer`, sent over a connection of `pool` that nobody else
//! uses meanwhile, and read by `calls`. The task that waits for an answer drives the connection itself: no other task
//! has to be woken in between.

mod answer;
mod calls;
mod dial;
mod endpoint;
mod http1;
mod http2;
mod pool;
mod signer;

use std::sync::Arc;

use crate::target::sdk::{ConnectError, Sdk};
pub use crate::wire::Codec;
use dial::Dialer;
use endpoint::Endpoint;
use pool::Pool;
use signer::Signer;

/// How a [`Lean`] client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialect {
    /// How bodies are written: JSON is the service's declared protocol, CBOR what Java's SDKs use.
    pub codec: Codec,
    /// The version of HTTP.
    pub protocol: Protocol,
}

/// A version of HTTP. Over TLS it is the only one that is offered (ALPN), so that a measurement is never of the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// One request at a time on a connection.
    Http1,
    /// Many on one; without TLS by prior knowledge.
    Http2,
}

/// A connected client. Made once for a run: copies of the [`Arc`] share its connections.
#[derive(Debug)]
pub struct Lean {
    sdk: Arc<Sdk>,
    codec: Codec,
    endpoint: Endpoint,
    signer: Signer,
    pool: Pool,
}

impl Lean {
    /// A client of the same place, by the same credentials and names. Nothing is sent to the target.
    ///
    /// # Errors
    /// When the endpoint's URL is not usable, or there are no credentials.
    pub async fn connect(sdk: Arc<Sdk>, dialect: Dialect) -> Result<Self, ConnectError> {
        let endpoint = Endpoint::of(&sdk, dialect.protocol).await?;
        let dialer = Dialer::new(&endpoint, dialect.protocol, sdk.clock())?;
        let signer = Signer::new(sdk.configuration(), sdk.clock()).await?;
        Ok(Self {
            codec: dialect.codec,
            pool: Pool::new(dialer, dialect.protocol, sdk.clock()),
            endpoint,
            signer,
            sdk,
        })
    }

    /// The client that makes all calls which are not measured.
    pub const fn sdk(&self) -> &Arc<Sdk> {
        &self.sdk
    }

    /// Breaks every connection, those with a call under way too: such a call is unanswered. Calls after this one
    /// make new connections.
    pub fn reset_connections(&self) {
        self.pool.reset();
    }
}
