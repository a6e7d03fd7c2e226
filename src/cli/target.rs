//! `--target`: from what was said to a place to run, and to a client of it.

use std::path::Path;
#[cfg(feature = "aws")]
use std::sync::Arc;

use super::args::Client;
use super::exit::Exit;
use super::files;
use crate::scenario::targets::{TARGETS_FILE, TargetKind, TargetSpec, Targets, load_targets};
use crate::target::Target;
#[cfg(feature = "aws")]
use crate::target::lean::{Codec, Dialect, Lean, Protocol};
#[cfg(feature = "aws")]
use crate::target::sdk::{ConnectError, Sdk};

/// The target that `given` names for a scenario; prints why there is none. The file of targets is looked for beside the
/// scenario, then in the working directory, and only if `given` is a name that needs it.
pub(super) fn pick(given: &str, scenario: &Path) -> Option<TargetSpec> {
    let targets = Targets::default();
    let told = match targets.pick(given) {
        Ok(spec) => return Some(spec),
        Err(told) => told,
    };
    let beside = scenario.parent().map(|folder| folder.join(TARGETS_FILE));
    let here = Some(Path::new(TARGETS_FILE).to_owned());
    let file = beside.into_iter().chain(here).find(|path| path.is_file());
    let (Some(file), false) = (file, given.contains("://")) else {
        eprintln!("error: {told}");
        return None;
    };
    let source = files::read_as(&file, "targets file")?;
    match load_targets(&source) {
        Err(problems) => {
            files::tell(&problems);
            None
        }
        Ok(targets) => targets
            .pick(given)
            .map_err(|told| eprintln!("error: {told}"))
            .ok(),
    }
}

/// Whether a target of this kind can be called by this client: a target in this process is called by none. Refuses in
/// words.
pub(super) fn allowed(kind: TargetKind, name: &str, client: Client) -> Result<(), String> {
    if client == Client::Sdk || !kind.is_in_process() {
        return Ok(());
    }
    Err(format!(
        "`--client {}` calls an endpoint: the engine of `{name}` is in this process; give `--target URL`",
        client.as_str()
    ))
}

/// Why there is no client for a target.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoClient {
    #[cfg(feature = "aws")]
    #[error("failed to {0}")]
    Connect(#[from] ConnectError),
    #[cfg(not(feature = "aws"))]
    #[error(
        "the target `{0}` needs the AWS SDK, which this build lacks: build with the default feature `aws`"
    )]
    NotBuilt(String),
}

impl NoClient {
    /// What it comes to for a script.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            #[cfg(feature = "aws")]
            Self::Connect(_) => Exit::Unreachable,
            #[cfg(not(feature = "aws"))]
            Self::NotBuilt(_) => Exit::Usage,
        }
    }
}

/// A client for a target outside of this process.
#[cfg(feature = "aws")]
pub(super) async fn connect(spec: &TargetSpec, client: Client) -> Result<Target, NoClient> {
    let sdk = Arc::new(crate::target::sdk::connect(spec).await?);
    Ok(as_client(sdk, client).await?)
}

/// The target that is called by this client, from the SDK's.
#[cfg(feature = "aws")]
pub(super) async fn as_client(sdk: Arc<Sdk>, client: Client) -> Result<Target, ConnectError> {
    let (codec, protocol) = match client {
        Client::Sdk => return Ok(Target::Sdk(sdk)),
        Client::Lean => (Codec::Json, Protocol::Http1),
        Client::LeanCbor => (Codec::Cbor, Protocol::Http1),
        Client::LeanH2 => (Codec::Json, Protocol::Http2),
        Client::LeanCborH2 => (Codec::Cbor, Protocol::Http2),
    };
    let lean = Lean::connect(sdk, Dialect { codec, protocol }).await?;
    Ok(Target::Lean(Arc::new(lean)))
}

/// A client for a target outside of this process.
#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "with the feature it connects")]
pub(super) async fn connect(spec: &TargetSpec, _: Client) -> Result<Target, NoClient> {
    Err(NoClient::NotBuilt(spec.name.clone()))
}
