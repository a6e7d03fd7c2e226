//! An account: `serve` with one user, a folder with a scenario and targets, and a client that looks at what is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Region};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use serde_json::Value;
use streamgauge::base::Clock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGION: &str = "eu-west-1";
const KEY: &str = "AKIDREHEARSAL0000001";
pub(crate) const SECRET: &str = "a-secret-that-nobody-may-print";

/// What a run of it would leave behind is one stream; it lasts a few seconds unless it is ended.
const SCENARIO: &str = r#"
schema = 1
name = "rehearsal"

[time]
warm_up = "0s"
measure = "1s"
drain = "3s"

[streams.orders]
shards = 1

[producers.web]
arrival = { kind = "constant", rate = "200/s" }
keys = { kind = "uniform", population = 100 }
size = { kind = "fixed", bytes = "200B" }

[consumers.billing]
kind = "polling"
interval = "250ms"
"#;

/// An account with nothing in it.
pub(crate) struct World {
    folder: TempDir,
    server: Child,
    pub(crate) url: String,
    client: Client,
    runtime: Runtime,
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&["--credentials", "keys"])
    }

    /// With these further arguments for `serve`: without `--credentials` it takes any signature.
    pub(crate) fn with(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        let path = folder.path();
        let keys = format!(
            "[tester]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\naws_account_id = {ACCOUNT}\n"
        );
        fs::write(path.join("keys"), keys).expect("a file is written");
        fs::write(path.join("rehearsal.toml"), SCENARIO).expect("a file is written");
        let ready = path.join("url");
        let server = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(["--account", ACCOUNT, "--ready-file", "url"])
            .args(more)
            .current_dir(path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime starts");
        let url = wait_for(&runtime, "the server's address", || {
            let text = fs::read_to_string(&ready).ok()?;
            (!text.is_empty()).then(|| text.trim().to_owned())
        });
        let http = HttpClientBuilder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let settings = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new(KEY, SECRET, None, None, "test"))
            .region(Region::new(REGION))
            .endpoint_url(&url)
            .http_client(http)
            .build();
        let world = Self {
            client: Client::from_conf(settings),
            folder,
            server,
            url,
            runtime,
        };
        world.targets(&world.url);
        world
    }

    /// Writes `streamgauge.toml`: `mine`, and `theirs` of another account, both at this URL.
    pub(crate) fn targets(&self, url: &str) {
        let target = |name: &str, account: &str| {
            format!(
                "[targets.{name}]\nkind = \"aws\"\nurl = \"{url}\"\nregion = \"{REGION}\"\naccount = \"{account}\"\n"
            )
        };
        let text = target("mine", ACCOUNT) + &target("theirs", "999999999999");
        fs::write(self.path().join("streamgauge.toml"), text).expect("a file is written");
    }

    /// Adds tables to the scenario.
    pub(crate) fn extend(&self, tables: &str) {
        let text = format!("{SCENARIO}\n{tables}");
        fs::write(self.path().join("rehearsal.toml"), text).expect("a file is written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program with this account's credentials and no others.
    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
        for (name, _) in std::env::vars() {
            if name.starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .env("AWS_ACCESS_KEY_ID", KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_CONFIG_FILE", "none")
            .env("AWS_SHARED_CREDENTIALS_FILE", "none")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn streamgauge(&self, arguments: &[&str]) -> Ended {
        let output = self
            .program(arguments)
            .output()
            .expect("the program starts");
        let ended = Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("what it prints is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("what it prints is UTF-8"),
        };
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }

    /// Runs the scenario with these further arguments.
    pub(crate) fn run(&self, more: &[&str]) -> Ended {
        self.streamgauge(
            &[
                &["run", "rehearsal.toml", "--quiet", "--target", "mine"],
                more,
            ]
            .concat(),
        )
    }

    /// Starts the scenario, and waits until its load is under way: more records than one batch are stored.
    pub(crate) fn start(&self) -> Child {
        self.start_with(&[])
    }

    /// The same with these further arguments.
    pub(crate) fn start_with(&self, further: &[&str]) -> Child {
        let arguments = ["run", "rehearsal.toml", "--quiet", "--target", "mine"];
        let more = ["--set", "time.measure=60s"];
        let mut program = self.program(&[&arguments[..], &more, further].concat());
        let child = program.spawn().expect("the program starts");
        let stream = wait_for(&self.runtime, "the run's stream", || self.streams().pop());
        wait_for(&self.runtime, "its records", || {
            self.has_records(&stream).then_some(())
        });
        child
    }

    /// Waits until it gives something.
    pub(crate) fn wait_for<T>(&self, what: &str, done: impl FnMut() -> Option<T>) -> T {
        wait_for(&self.runtime, what, done)
    }

    /// The results folders, oldest first.
    pub(crate) fn results(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path().join("results")) else {
            return Vec::new();
        };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        let mut paths: Vec<_> = paths.filter(|path| !path.ends_with("latest")).collect();
        paths.sort();
        paths
    }

    /// A JSON file of the newest results folder.
    pub(crate) fn result(&self, file: &str) -> Value {
        let folder = self.results().pop().expect("there are results");
        let text = fs::read(folder.join(file)).expect("the file was written");
        serde_json::from_slice(&text).expect("it is JSON")
    }

    /// The names of all streams that are not being deleted.
    pub(crate) fn streams(&self) -> Vec<String> {
        let answer = self.runtime.block_on(self.client.list_streams().send());
        answer.expect("streams are listed").stream_names
    }

    /// Makes a stream as somebody else would.
    pub(crate) fn create(&self, name: &str, tags: &[(&str, &str)]) {
        let tags: BTreeMap<_, _> = tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let tags = (!tags.is_empty()).then(|| tags.into_iter().collect());
        let call = self.client.create_stream().stream_name(name).shard_count(1);
        let answer = self.runtime.block_on(call.set_tags(tags).send());
        answer.expect("the stream is made");
    }

    /// Makes an on-demand stream as somebody else would.
    pub(crate) fn create_on_demand(&self, name: &str) {
        use aws_sdk_kinesis::types::{StreamMode, StreamModeDetails};

        let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand);
        let mode = mode.build().expect("it has a mode");
        let call = self.client.create_stream().stream_name(name);
        let answer = self.runtime.block_on(call.stream_mode_details(mode).send());
        answer.expect("the stream is made");
    }

    pub(crate) fn arn(name: &str) -> String {
        format!("arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}")
    }

    pub(crate) fn tags(&self, stream: &str) -> BTreeMap<String, String> {
        let call = self.client.list_tags_for_stream().stream_name(stream);
        let answer = self.runtime.block_on(call.send());
        let tags = answer.expect("tags are listed").tags.into_iter();
        tags.map(|tag| (tag.key, tag.value.unwrap_or_default()))
            .collect()
    }

    /// The names and ARNs of a stream's consumers that are not being deregistered.
    pub(crate) fn consumers(&self, stream: &str) -> Vec<(String, String)> {
        use aws_sdk_kinesis::types::ConsumerStatus;

        let call = self.client.list_stream_consumers();
        let call = call.stream_arn(Self::arn(stream)).send();
        let listed = self.runtime.block_on(call).expect("consumers are listed");
        let listed = listed.consumers.unwrap_or_default().into_iter();
        let listed = listed.filter(|consumer| consumer.consumer_status != ConsumerStatus::Deleting);
        listed
            .map(|consumer| (consumer.consumer_name, consumer.consumer_arn))
            .collect()
    }

    /// The tags of a consumer.
    pub(crate) fn consumer_tags(&self, arn: &str) -> BTreeMap<String, String> {
        let call = self.client.list_tags_for_resource().resource_arn(arn);
        let answer = self.runtime.block_on(call.send());
        let tags = answer.expect("tags are listed").tags.unwrap_or_default();
        tags.into_iter()
            .map(|tag| (tag.key, tag.value.unwrap_or_default()))
            .collect()
    }

    /// Whether the first shard of a stream holds a record.
    pub(crate) fn has_records(&self, stream: &str) -> bool {
        use aws_sdk_kinesis::types::ShardIteratorType;

        self.runtime.block_on(async {
            let first = self.client.get_shard_iterator().stream_name(stream);
            let first = first.shard_id("shardId-000000000000");
            let first = first.shard_iterator_type(ShardIteratorType::TrimHorizon);
            let Ok(first) = first.send().await else {
                return false;
            };
            let records = self.client.get_records().limit(1);
            let records = records.set_shard_iterator(first.shard_iterator);
            // A refusal for the rate says nothing: it is asked again.
            let records = records.send().await;
            records.is_ok_and(|answer| !answer.records.is_empty())
        })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn wait_for<T>(runtime: &Runtime, what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_200 {
        if let Some(value) = done() {
            return value;
        }
        runtime.block_on(Clock::real().sleep(Duration::from_millis(50)));
    }
    panic!("waited a minute for {what}");
}
