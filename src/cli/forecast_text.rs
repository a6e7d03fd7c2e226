//! The forecast of a stream's shards, and what producers hold back themselves, as `check` shows them.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::json;

use crate::base::units::{HumanBytes, HumanCount};
use crate::kinesis::StreamName;
use crate::workload::OwnBound;
use crate::workload::forecast::{Forecast, ShardForecast};

/// The forecast of a stream as members of `check --json`.
pub(super) fn forecast_json(forecast: &Forecast) -> serde_json::Value {
    let shards: Vec<_> = forecast
        .shards
        .iter()
        .map(|shard| {
            json!({
                "starting_hash_key": shard.range.start.to_string(),
                "ending_hash_key": shard.range.end.to_string(),
                "share": shard.share,
                "share_error": shard.share_error,
                "records_per_s": shard.records_per_s,
                "kinesis_records_per_s": shard.kinesis_records_per_s,
                "bytes_per_s": shard.bytes_per_s,
                "write_records_utilisation": shard.write_records_utilisation,
                "write_bytes_utilisation": shard.write_bytes_utilisation,
                "peak_kinesis_records_per_s": shard.peak_kinesis_records_per_s,
                "peak_bytes_per_s": shard.peak_bytes_per_s,
                "peak_write_records_utilisation": shard.peak_write_records_utilisation,
                "peak_write_bytes_utilisation": shard.peak_write_bytes_utilisation,
                "binds": shard.binds,
                "refused_share": shard.refused_share,
            })
        })
        .collect();
    let heaviest: Vec<_> = forecast
        .heaviest
        .iter()
        .map(|key| json!({"key": key.key, "share": key.share, "shard": key.shard}))
        .collect();
    json!({
        "basis": "simulated",
        "records_per_s": forecast.records_per_s,
        "peak_records_per_s": forecast.peak_records_per_s,
        "random_bursts": forecast.random_bursts,
        "followed_share": forecast.followed_share,
        "tail_share": forecast.tail_share,
        "shards": shards,
        "heaviest_keys": heaviest,
    })
}

/// The forecast of a stream as a person reads it.
pub(super) fn forecast_text(stream: &StreamName, forecast: &Forecast) -> String {
    let above = |mean: Option<f64>, peak: Option<f64>| {
        let (mean, peak) = mean.zip(peak)?;
        (peak > mean * 1.005).then_some(peak)
    };
    let peak = above(forecast.records_per_s, forecast.peak_records_per_s);
    let count = |rate: f64| HumanCount(rate.round() as u64);
    let rate = match (forecast.records_per_s, peak) {
        (None, _) => "no fixed rate (closed arrivals)".to_owned(),
        (Some(mean), None) => format!("{} records/s", count(mean)),
        (Some(mean), Some(peak)) => format!(
            "{} records/s, the mean over the load, and {} at its peak",
            count(mean),
            count(peak)
        ),
    };
    let mut text = format!("Forecast for `{stream}`, without retries: {rate}\n");
    // Producers of different keys may take turns: then shards have peaks where the stream has none.
    let changes = peak.is_some()
        || forecast.shards.iter().any(|shard| {
            let (mean, peak) = (
                shard.kinesis_records_per_s,
                shard.peak_kinesis_records_per_s,
            );
            above(mean, peak).is_some()
        });
    let columns = [
        ("shard", true),
        ("share", true),
        ("records/s", true),
        ("bytes/s", true),
        ("of record limit", true),
        ("at the peak", changes),
        ("of byte limit", true),
        ("at the peak", changes),
        ("binds first", true),
        ("refused", true),
    ];
    let shown = columns.into_iter().filter(|(_, shown)| *shown);
    let shown: Vec<_> = shown.map(|(name, _)| name).collect();
    let mut table = plain_table(&shown);
    for column in 1..shown.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let known = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    for (index, shard) in forecast.shards.iter().enumerate() {
        let error = match shard.share_error {
            error if error > 0.0 => format!(" +- {}", percent(error)),
            _ => String::new(),
        };
        let bytes = |rate: f64| HumanBytes(rate.round() as u64).to_string();
        let cells = [
            index.to_string(),
            percent(shard.share) + &error,
            known(shard.records_per_s.map(|rate| count(rate).to_string())),
            known(shard.bytes_per_s.map(bytes)),
            known(shard.write_records_utilisation.map(percent)),
            known(shard.peak_write_records_utilisation.map(percent)),
            known(shard.write_bytes_utilisation.map(percent)),
            known(shard.peak_write_bytes_utilisation.map(percent)),
            known(shard.binds.map(|cause| cause.to_string())),
            known(shard.refused_share.map(percent)),
        ];
        let cells = cells.into_iter().zip(columns);
        table.add_row(cells.filter_map(|(cell, (_, shown))| shown.then_some(cell)));
    }
    let _ = writeln!(text, "{table}");
    text.push_str(&how_reckoned(forecast, changes));
    let sum = |of: fn(&ShardForecast) -> Option<f64>| forecast.shards.iter().map(of).sum();
    let kinesis: Option<f64> = sum(|shard| shard.kinesis_records_per_s);
    if let (Some(records), Some(kinesis)) = (forecast.records_per_s, kinesis)
        && kinesis < records * 0.999
    {
        let _ = writeln!(
            text,
            "Records are packed: the record limit counts some {} Kinesis records/s, by rates and lingers.",
            HumanCount(kinesis.round() as u64)
        );
    }
    if !forecast.heaviest.is_empty() {
        let keys = forecast.heaviest.iter().take(NAMED_KEYS).map(|key| {
            let shard = key
                .shard
                .map_or_else(|| "no shard".to_owned(), |shard| format!("shard {shard}"));
            format!("{} {} ({shard})", key.key, percent(key.share))
        });
        let _ = writeln!(
            text,
            "Heaviest keys: {}",
            keys.collect::<Vec<_>>().join(", ")
        );
    }
    text
}

/// How peaks and refusals were come by, where that is more than the mean rate says.
fn how_reckoned(forecast: &Forecast, changes: bool) -> String {
    let mut text = String::new();
    if changes {
        text.push_str(
            "The rate changes: `refused` is what lies above the limits at each moment of the load, less what their reserve of a second takes.\n",
        );
    }
    if forecast.random_bursts {
        text.push_str(
            "Random bursts are taken at their two rates, each for its share of the time: what the reserve takes of bursts of a few seconds is not in it, and a short load may meet more or fewer.\n",
        );
    }
    if forecast.followed_share < 1.0 {
        let _ = writeln!(
            text,
            "The rate changes too often to follow: peaks and `refused` are of {} of the load, in windows over all of it.",
            percent(forecast.followed_share)
        );
    }
    text
}

/// What a producer will hold back by itself, as a member of `check --json`.
pub(super) fn bound_json(producer: &str, bound: &OwnBound) -> serde_json::Value {
    match bound {
        OwnBound::RateLimit {
            shards,
            hottest,
            utilisation,
            peak_utilisation,
        } => json!({
            "producer": producer,
            "setting": "send.rate_limit",
            "shards": shards,
            "hottest": hottest,
            "utilisation": utilisation,
            "peak_utilisation": peak_utilisation,
        }),
        OwnBound::Order {
            key,
            records_per_s,
            peak_records_per_s,
            longest,
            longest_at_peak,
            expected,
        } => json!({
            "producer": producer,
            "setting": "send.ordering",
            "key": key,
            "records_per_s": records_per_s,
            "peak_records_per_s": peak_records_per_s,
            "longest_ms": longest.as_secs_f64() * 1e3,
            "longest_at_peak_ms": longest_at_peak.as_secs_f64() * 1e3,
            "expected_ms": expected.as_secs_f64() * 1e3,
        }),
    }
}

/// What a producer will hold back by itself, whatever the stream would take.
pub(super) fn bound_text(producer: &str, bound: &OwnBound) -> String {
    match bound {
        OwnBound::RateLimit {
            shards,
            hottest,
            utilisation,
            peak_utilisation,
        } => {
            let peak = if *utilisation > 1.0 {
                String::new()
            } else {
                format!(", {} at the peak", percent(*peak_utilisation))
            };
            format!(
                "Producer `{producer}` holds records back itself: for {shards} of the shards each worker is asked for more than `send.rate_limit` lets it send, most for shard {hottest} ({} of the limit{peak}).\n",
                percent(*utilisation)
            )
        }
        OwnBound::Order {
            key,
            records_per_s,
            peak_records_per_s,
            longest,
            longest_at_peak,
            expected,
        } => {
            let ms = |time: &Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
            let changes = *peak_records_per_s > records_per_s * 1.005;
            let peak = if changes {
                format!(
                    " ({peak_records_per_s:.1} times/s and {} at the peak)",
                    ms(longest_at_peak)
                )
            } else {
                String::new()
            };
            let service = format!("about {} of lingering and modelled service", ms(expected));
            let told = if expected > longest {
                format!(": with {service} it holds records back itself")
            } else if expected > longest_at_peak {
                format!(": with {service} it holds records back itself at the peak")
            } else if expected.is_zero() {
                String::new()
            } else {
                format!(
                    "; lingering and modelled service take about {}",
                    ms(expected)
                )
            };
            format!(
                "Producer `{producer}` keeps the order of its keys (`send.ordering`): `{key}` comes {records_per_s:.1} times/s to each worker and keeps up while a put is answered within {}{peak}{told}.\n",
                ms(longest)
            )
        }
    }
}

/// How many of the heaviest keys a person wants to read.
const NAMED_KEYS: usize = 5;

/// A table without lines, for any width.
pub(super) fn plain_table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .force_no_tty()
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    table
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
