//! The switches for tests of applications: a server that stalls, refuses, fails, or loses its answers.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;

use super::answer::Answer;
use crate::base::units::parse_duration;
use crate::host::{Fault, Host, Storm};

/// The longest stall or storm.
const LONGEST: Duration = Duration::from_hours(1);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stall {
    /// As in `500ms`; zero ends a stall.
    #[serde(rename = "for")]
    duration: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttle {
    stream: String,
    #[serde(rename = "for")]
    duration: String,
    /// The share of records that is refused, 0 to 1.
    share: f64,
    shard: Option<String>,
    #[serde(default)]
    seed: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hit {
    /// `None` is every stream.
    stream: Option<String>,
    #[serde(rename = "for")]
    duration: String,
    /// The share of calls, or of PutRecords' records, that it hits, 0 to 1.
    share: f64,
    #[serde(default)]
    seed: u64,
}

/// What `GET /_admin` answers: the one place where the switches are described.
pub(super) const HELP: &str = r#"Switches for tests of applications. POST a JSON object; `for` is a time as in "500ms" or "1m", at most 1h, and
"0s" ends what is in force. Account and region stand in the query: ?account=111122223333&region=eu-west-1 (by default
the server's own account and us-east-1). What is hit is drawn from `seed`, 0 by default, in the order of the calls.

POST /_admin/stall                  {"for":"2s"}
  Nothing is carried out or answered meanwhile.
POST /_admin/throttle               {"stream":"orders","for":"1m","share":0.5,"shard":"shardId-000000000000","seed":7}
  A share of the records put is refused with ProvisionedThroughputExceededException; without `shard` in every shard.
POST /_admin/internal-failures      {"stream":"orders","for":"1m","share":0.1,"seed":7}
  A share of PutRecord and GetRecords calls and of PutRecords' records fails with InternalFailure, and is not stored.
  Without `stream`, of every stream.
POST /_admin/lose-acknowledgements  {"stream":"orders","for":"1m","share":0.1,"seed":7}
  A share of PutRecord and PutRecords calls is carried out and never answered: the connection is closed (HTTP/2: the
  request's stream is reset). Without `stream`, of every stream.
"#;

/// Answers `POST /_admin/...`; `None` for other paths.
pub(super) fn answer(host: &Host, path: &str, body: &[u8]) -> Option<Answer> {
    let outcome = match path {
        "/_admin/stall" => stall(host, body),
        "/_admin/throttle" => throttle(host, body),
        "/_admin/internal-failures" => hit(host, body).map(|fault| host.fail(fault)),
        "/_admin/lose-acknowledgements" => {
            hit(host, body).map(|fault| host.lose_acknowledgements(fault))
        }
        _ => return None,
    };
    Some(match outcome {
        Ok(()) => Answer::plain(StatusCode::OK, Some("text/plain"), "ok\n"),
        Err(text) => Answer::plain(
            StatusCode::BAD_REQUEST,
            Some("text/plain"),
            format!("{text}\n"),
        ),
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text).map_err(|error| error.to_string())?;
    if duration > LONGEST {
        return Err(format!("`for` is at most 1h, not `{text}`"));
    }
    Ok(duration)
}

fn stall(host: &Host, body: &[u8]) -> Result<(), String> {
    let Stall { duration: text } = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let duration = duration(&text)?;
    if duration.is_zero() {
        host.lift_stall();
    } else {
        host.stall_until(host.clock().now().plus(duration));
    }
    Ok(())
}

fn throttle(host: &Host, body: &[u8]) -> Result<(), String> {
    let wanted: Throttle = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let shard = wanted.shard.as_deref().map(str::parse).transpose();
    let storm = Storm {
        shard: shard.map_err(|error: crate::kinesis::names::ShardIdError| error.to_string())?,
        share: share(wanted.share)?,
        until: host.clock().now().plus(duration(&wanted.duration)?),
        seed: wanted.seed,
    };
    host.throttle(&wanted.stream, storm)
        .map_err(|error| error.to_string())
}

fn hit(host: &Host, body: &[u8]) -> Result<Fault, String> {
    let wanted: Hit = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    Ok(Fault {
        share: share(wanted.share)?,
        until: host.clock().now().plus(duration(&wanted.duration)?),
        stream: wanted.stream,
        seed: wanted.seed,
    })
}

fn share(share: f64) -> Result<f64, String> {
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(format!("`share` is 0 to 1, not {share}"))
    }
}
