//! The local Kinesis behind HTTP: what any Kinesis client takes for the service.
//!
//! A request's way: `listen` accepts its `connection` (with `tls`, and `patient` with slow clients), `body` takes its
//! body in within bounds, `front` makes the service's first checks, `caller` finds who asks, `hot` answers puts and reads
//! without a tree, [`crate::dispatch`] everything else, `subscribe` with a stream of events. `sts` tells callers who they are.
//! `untaken` counts answers that nobody reads, `idle` ends connections on which nobody asks. `answer` is the one place
//! where an outcome becomes HTTP.
//!
//! Invariant: whatever a client sends, it is answered or its connection is closed; connections, headers, bodies and the
//! memory of all bodies and of all answers together are bounded, and so is the time that each may take.
#![doc = ""]
#![doc = include_str!("FIDELITY.md")]

mod admin;
mod answer;
mod body;
mod caller;
mod connection;
mod credentials;
mod front;
mod hot;
mod idle;
mod listen;
mod metrics;
mod patient;
mod regions;
mod service;
mod sts;
mod subscribe;
mod tls;
mod trail;
mod untaken;

use std::time::Duration;

pub use credentials::{Credentials, CredentialsError};
pub use listen::Server;
pub use tls::{Tls, TlsError};

use crate::kinesis::{Delays, Limits};

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The account of callers whose key names none: 12 digits.
    pub account_id: String,
    /// The limits in force.
    pub limits: Limits,
    /// The delays of answers and transitions.
    pub delays: Delays,
    /// Bytes that the records of all regions of all accounts together may take.
    pub max_memory_bytes: u64,
    /// What delays and request ids are drawn from.
    pub seed: u64,
    /// How long a client may take to send its headers, how long its body, and how long it may take nothing of an answer.
    pub patience: Duration,
    /// Connections at the same time; a further one waits to be accepted.
    pub connections_max: usize,
    /// Whose signatures are accepted; without them, everybody's are.
    pub credentials: Option<Credentials>,
    /// The certificate to serve; without it there is no TLS.
    pub tls: Option<Tls>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            account_id: "000000000000".to_owned(),
            limits: Limits::aws(),
            delays: Delays::none(),
            max_memory_bytes: 2 << 30,
            seed: 0,
            patience: Duration::from_mins(1),
            connections_max: 16_384,
            credentials: None,
            tls: None,
        }
    }
}
