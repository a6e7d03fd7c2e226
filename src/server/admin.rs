//! The switch for tests of applications: a server that stalls, a stream that refuses.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;

use super::answer::Answer;
use crate::base::units::parse_duration;
use crate::host::{Host, Storm};

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

/// Answers `POST /_admin/...`; `None` for other paths.
pub(super) fn answer(host: &Host, path: &str, body: &[u8]) -> Option<Answer> {
    let outcome = match path {
        "/_admin/stall" => stall(host, body),
        "/_admin/throttle" => throttle(host, body),
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
        share: wanted.share,
        until: host.clock().now().plus(duration(&wanted.duration)?),
        seed: wanted.seed,
    };
    host.throttle(&wanted.stream, storm)
        .map_err(|error| error.to_string())
}
