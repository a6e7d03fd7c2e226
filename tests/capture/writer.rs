//! Somebody else's stream, written by another process.

use std::path::Path;
use std::process::Child;

use streamgauge::kinesis::operation::CreateStream;
use streamgauge::target::Target;

use crate::place::with_client;
use crate::support::{Ended, program};

/// Makes a stream that no run owns.
pub(crate) fn make_stream(url: &str, shards: u32) {
    with_client(url, async |client| {
        let request = CreateStream {
            stream: "theirs".parse().expect("a name"),
            shards,
            max_record_bytes: 1 << 20,
        };
        let made = Target::Sdk(client.into()).create_stream(&request, 24).await;
        made.expect("it is made");
    });
}

/// Another process that writes 400 records a second, a third of them with one key, for so many seconds.
pub(crate) fn start(folder: &Path, url: &str, seconds: u32) -> Child {
    let text = format!(
        r#"schema = 1
name = "others"
time = {{ warm_up = "0s", measure = "{seconds}s", drain = "0s" }}

[streams.theirs]
shards = 2
existing = true

[producers.app]
arrival = {{ kind = "poisson", rate = "400/s" }}
keys = {{ kind = "hot-set", hot_keys = 1, hot_share = 0.3333, population = 500, format = "customer-{{}}" }}
size = {{ kind = "log-normal", median = "300B", sigma = 0.5, max = "4KiB" }}
payload = {{ stamp = "none" }}
"#
    );
    let path = folder.join("others.toml");
    std::fs::write(&path, text).expect("the folder is there");
    program()
        .arg("run")
        .arg(&path)
        .args(["--quiet", "--target", url, "--out"])
        .arg(folder.join("others"))
        .spawn()
        .expect("the program starts")
}

/// Waits for the writer, which must have written.
pub(crate) fn end(writer: Child) -> Ended {
    let ended = Ended::of(writer.wait_with_output().expect("it ends"));
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    ended
}
