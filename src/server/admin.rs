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
pub(super) struct Throttle {
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
pub(super) struct Hit {
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
the server's own account and us-east-1); others must have been asked for something before. With --credentials the
request is signed as any other, by a key of the account. Web pages (requests with an `Origin`) are refused. What is hit
is drawn from `seed`, 0 by default, in the order of the calls.

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

/// A switch and how it is to stand.
#[derive(Debug)]
pub(super) enum Switch {
    Stall(Duration),
    Throttle(Box<Throttle>),
    Fail(Hit),
    Lose(Hit),
}

/// Reads `POST /_admin/...`; `None` for a path that is no switch.
///
/// # Errors
/// What is wrong with the body.
pub(super) fn read(path: &str, body: &[u8]) -> Option<Result<Switch, String>> {
    fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
        serde_json::from_slice(body).map_err(|error| error.to_string())
    }
    Some(match path {
        "/_admin/stall" => {
            parse(body).and_then(|stall: Stall| Ok(Switch::Stall(duration(&stall.duration)?)))
        }
        "/_admin/throttle" => parse(body).map(Switch::Throttle),
        "/_admin/internal-failures" => parse(body).map(Switch::Fail),
        "/_admin/lose-acknowledgements" => parse(body).map(Switch::Lose),
        _ => return None,
    })
}

impl Switch {
    /// Puts it in force.
    pub(super) fn set(self, host: &Host) -> Answer {
        let outcome = match self {
            Self::Stall(duration) => {
                stall(host, duration);
                Ok(())
            }
            Self::Throttle(wanted) => throttle(host, &wanted),
            Self::Fail(wanted) => hit(host, wanted).map(|fault| host.fail(fault)),
            Self::Lose(wanted) => hit(host, wanted).map(|fault| host.lose_acknowledgements(fault)),
        };
        match outcome {
            Ok(()) => Answer::plain(StatusCode::OK, Some("text/plain"), "ok\n"),
            Err(text) => refused(StatusCode::BAD_REQUEST, &text),
        }
    }
}

/// A refusal in words.
pub(super) fn refused(status: StatusCode, text: &str) -> Answer {
    Answer::plain(status, Some("text/plain"), format!("{text}\n"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = parse_duration(text).map_err(|error| error.to_string())?;
    if duration > LONGEST {
        return Err(format!("`for` is at most 1h, not `{text}`"));
    }
    Ok(duration)
}

fn stall(host: &Host, duration: Duration) {
    if duration.is_zero() {
        host.lift_stall();
    } else {
        host.stall_until(host.clock().now().plus(duration));
    }
}

fn throttle(host: &Host, wanted: &Throttle) -> Result<(), String> {
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

fn hit(host: &Host, wanted: Hit) -> Result<Fault, String> {
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
