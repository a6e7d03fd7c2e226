//! A server in this process and the SDK's client for it.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use streamgauge::base::Clock;
use streamgauge::kinesis::Limits;
use streamgauge::server::{Server, ServerSettings};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server that runs until it is told to stop.
pub(crate) struct Served {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.expect("it does not panic");
    }
}

/// Runs a test on a runtime of its own, for a minute at most.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        tokio::select! {
            () = test => {}
            () = wait(Duration::from_mins(1)) => panic!("the test hangs"),
        }
    });
}

pub(crate) async fn wait(time: Duration) {
    Clock::real().sleep(time).await;
}

/// A server with these limits, and a client that tries once: retries would hide refusals.
pub(crate) async fn serve(limits: Limits) -> (Served, Client) {
    let settings = ServerSettings {
        limits,
        ..ServerSettings::default()
    };
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = Server::bind(address, settings, Clock::real());
    let server = server.await.expect("a free port");
    let url = format!("http://{}", server.address());
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    let configuration = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("EXAMPLE", "secret", None, None, "test"))
        .endpoint_url(url)
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    (Served { stop, task }, Client::from_conf(configuration))
}
