//! Servers to run against, and scenarios to run.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use streamgauge::base::{Clock, Timestamp};
use streamgauge::scenario::targets::TargetSpec;
use streamgauge::target::lean::{Dialect, Lean, Protocol};
use streamgauge::target::{Sdk, Target, sdk};
use streamgauge::wire::Codec;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Ended, Run, program, report_in, wait_for};

/// A folder for a test's files.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for temporary files")
}

/// `streamgauge serve`, ended with the value.
pub(crate) struct Serve {
    pub(crate) child: Child,
    pub(crate) url: String,
    _folder: TempDir,
}

impl Serve {
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    pub(crate) fn start_at(address: &str) -> Self {
        Self::start_with(address, &[], None)
    }

    /// With more arguments, the last of them a path.
    pub(crate) fn start_with(address: &str, more: &[&str], path: Option<&Path>) -> Self {
        let folder = folder();
        let ready = folder.path().join("ready");
        let mut child = program()
            .args(["serve", "--listen", address, "--ready-file"])
            .arg(&ready)
            .args(more)
            .args(path)
            .spawn()
            .expect("the program starts");
        let url = wait_for("the server", || {
            assert!(child.try_wait().expect("a child").is_none(), "it ended");
            let text = std::fs::read_to_string(&ready).ok()?;
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        });
        Self {
            child,
            url,
            _folder: folder,
        }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is this process's child");
        self.child.wait().expect("it was killed");
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The parts of a scenario that tests change.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) shards: u32,
    pub(crate) rate: &'static str,
    pub(crate) measure: &'static str,
    /// More members of the producer's table.
    pub(crate) producer: &'static str,
    /// More tables.
    pub(crate) more: &'static str,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            shards: 2,
            rate: "200/s",
            measure: "1500ms",
            producer: "",
            more: "",
        }
    }
}

/// Writes a small scenario.
pub(crate) fn scenario(folder: &Path, wanted: Wanted) -> PathBuf {
    let Wanted {
        shards,
        rate,
        measure,
        producer,
        more,
    } = wanted;
    let text = format!(
        r#"schema = 1
name = "small"

[time]
warm_up = "300ms"
measure = "{measure}"
drain = "6s"

[streams.orders]
shards = {shards}

[producers.web]
arrival = {{ kind = "constant", rate = "{rate}" }}
keys = {{ kind = "uniform", population = 1_000 }}
size = {{ kind = "fixed", bytes = "100B" }}
{producer}

[consumers.billing]
kind = "polling"
interval = "100ms"

{more}
"#
    );
    let path = folder.join("small.toml");
    std::fs::write(&path, text).expect("the folder is there");
    path
}

/// Runs a scenario at a target to its end.
pub(crate) fn run(folder: &Path, scenario: &Path, target: &str) -> Ended {
    let child = start(folder, scenario, target);
    Ended::of(child.wait_with_output().expect("it ends"))
}

/// Runs a scenario at a target by this client to its end.
pub(crate) fn run_by(client: &str, folder: &Path, scenario: &Path, target: &str) -> Ended {
    let child = start_by(client, folder, scenario, target);
    Ended::of(child.wait_with_output().expect("it ends"))
}

pub(crate) fn start(folder: &Path, scenario: &Path, target: &str) -> Child {
    start_by("sdk", folder, scenario, target)
}

fn start_by(client: &str, folder: &Path, scenario: &Path, target: &str) -> Child {
    program()
        .arg("run")
        .arg(scenario)
        .args(["--client", client, "--target", target, "--out"])
        .arg(folder.join("results"))
        .spawn()
        .expect("the program starts")
}

/// A run with its results, whatever its exit code.
pub(crate) fn results(ended: Ended) -> Run {
    let folder = ended.folder();
    Run {
        report: report_in(&folder),
        folder,
        ended,
    }
}

/// Whether the run ended with a yes, or says of itself that the machine was too busy to tell.
pub(crate) fn said_yes(run: &Run) -> bool {
    run.ended.code == Some(0) || (run.ended.code == Some(3) && run.disturbed())
}

/// Does something with each client of an endpoint that speaks JSON over HTTP/1.1.
pub(crate) fn with_each_target(url: &str, work: impl AsyncFn(Target)) {
    with_client(url, async |client| {
        let client = Arc::new(client);
        work(Target::Sdk(Arc::clone(&client))).await;
        work(lean(&client, Codec::Json, Protocol::Http1).await).await;
    });
}

/// The lean client of the same place.
pub(crate) async fn lean(sdk: &Arc<Sdk>, codec: Codec, protocol: Protocol) -> Target {
    let lean = Lean::connect(Arc::clone(sdk), Dialect { codec, protocol }).await;
    Target::Lean(lean.expect("no account is needed").into())
}

/// Does something with a client of an endpoint.
pub(crate) fn with_client<T>(url: &str, work: impl AsyncFnOnce(Sdk) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let spec = TargetSpec::endpoint(url).expect("a URL");
        let client = sdk::connect(&spec).await.expect("no account is needed");
        work(client).await
    })
}

/// How a server between a client and the real one behaves.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Closes every connection after so long, whatever is under way on it; from the first reading call on, so that the
    /// run can be set up, and for three seconds.
    Closes(Duration),
    /// Knows no `/_admin`.
    NoSwitch,
}

/// A server before another; ends with the process. Gives its URL.
pub(crate) fn before(url: &str, manner: Manner) -> String {
    let behind = url.strip_prefix("http://").expect("plain HTTP").to_owned();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            tell.send(listener.local_addr().expect("it is bound"))
                .expect("somebody waits for it");
            let reading = Arc::new(OnceLock::new());
            while let Ok((client, _)) = listener.accept().await {
                let reading = Arc::clone(&reading);
                tokio::spawn(pass_on(client, behind.clone(), manner, reading));
            }
        });
    });
    format!("http://{}", told.recv().expect("it listens"))
}

async fn pass_on(
    mut client: TcpStream,
    behind: String,
    manner: Manner,
    reading: Arc<OnceLock<Timestamp>>,
) {
    let clock = Clock::real();
    let mut first = vec![0; 4_096];
    let Ok(length) = client.read(&mut first).await else {
        return;
    };
    if matches!(manner, Manner::NoSwitch) && first.starts_with(b"POST /_admin") {
        let answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _ = client.write_all(answer).await;
        return;
    }
    // A reading call need not be the first of its connection.
    let note = |request: &[u8]| {
        if String::from_utf8_lossy(request).contains("Kinesis_20131202.GetRecords") {
            reading.get_or_init(|| clock.now());
        }
    };
    note(&first[..length]);
    let Ok(mut server) = TcpStream::connect(behind).await else {
        return;
    };
    let _ = server.write_all(&first[..length]).await;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let ends = async {
        match manner {
            Manner::Closes(after) => loop {
                clock.sleep(after).await;
                let since = reading.get().map(|since| clock.now().since(*since));
                if since.is_some_and(|since| since < Duration::from_secs(3)) {
                    break;
                }
            },
            Manner::NoSwitch => std::future::pending().await,
        }
    };
    let forth = async {
        while let Ok(length @ 1..) = from_client.read(&mut first).await {
            note(&first[..length]);
            if to_server.write_all(&first[..length]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = forth => {}
        _ = copy(&mut from_server, &mut to_client) => {}
        () = ends => {}
    }
}
