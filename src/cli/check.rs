//! `check`: what a scenario resolves to, and what it will do to each shard, before anything runs.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::json;

use super::args::CheckArguments;
use super::exit::Exit;
use super::files;
use super::on_aws::OnAws;
use super::show::show;
use super::target;
use crate::base::units::{HumanBytes, HumanCount};
use crate::kinesis::{HashKeyRange, StreamName};
use crate::measure::RecordingFacts;
use crate::measure::verdict::RECORDING_SILENT_NOTED;
use crate::scenario::model::{Stream, StreamMode};
use crate::scenario::targets::TargetSpec;
use crate::scenario::{Abilities, Loaded, Scenario, cannot};
use crate::workload::forecast::{Forecast, ShardForecast, forecast};
use crate::workload::{OwnBound, own_bounds};

pub(super) fn check(arguments: &CheckArguments) -> Exit {
    let mut exit = Exit::Yes;
    let mut documents = Vec::new();
    let mut text = String::new();
    for path in &arguments.scenarios {
        let source = files::read(path);
        let Some(loaded) = source.and_then(|source| files::load(&source, &arguments.overrides))
        else {
            exit = exit.and(Exit::Usage);
            continue;
        };
        let Some(target) = target::pick(&arguments.target, path) else {
            exit = exit.and(Exit::Usage);
            continue;
        };
        if !files::can_run(&loaded, target.kind, Abilities::default()) {
            exit = exit.and(Exit::Usage);
        }
        let forecasts = forecasts(&loaded.scenario);
        let on_aws = OnAws::of(&loaded.scenario, &forecasts, target.region.as_deref());
        let short = short_recordings(&loaded.scenario);
        if arguments.json {
            let mut document = to_json(&loaded, &target, &forecasts);
            document["short_recordings"] = short
                .iter()
                .map(|it| json!({"player": it.player, "ends_s": it.ends_s, "load_s": it.load_s}))
                .collect();
            on_aws.add_to(&mut document);
            documents.push(document);
        } else {
            text.push_str(&to_text(
                &path.display().to_string(),
                &loaded,
                &target,
                &forecasts,
            ));
            for recording in &short {
                let _ = writeln!(text, "Nothing is sent for the rest: {recording}.\n");
            }
            text.push_str(&on_aws.to_text());
        }
    }
    if arguments.json {
        text = serde_json::to_string_pretty(&documents).unwrap_or_default();
        text.push('\n');
    } else if exit == Exit::Yes {
        text.push_str("valid\n");
    }
    exit.and(show(|out| out.write_all(text.as_bytes())))
}

/// The recordings that end so long before the load does that it is told.
fn short_recordings(scenario: &Scenario) -> Vec<RecordingFacts> {
    let all = scenario.short_recordings().into_iter();
    let all = all.map(|(player, ends)| RecordingFacts {
        player,
        ends_s: ends.as_secs_f64(),
        load_s: scenario.time.load().as_secs_f64(),
    });
    all.filter(|recording| recording.silent_share() > RECORDING_SILENT_NOTED)
        .collect()
}

/// What the producers of a stream will hold back by themselves, each with its name.
fn bounds_of(scenario: &Scenario, stream: &StreamName) -> Vec<(String, OwnBound)> {
    let Some(shards) = scenario.streams.get(stream.as_str()).map(|its| its.shards) else {
        return Vec::new();
    };
    let producers = scenario.producers.values();
    let producers = producers.filter(|producer| producer.stream == *stream);
    let bounds = producers.flat_map(|producer| {
        let engine = &scenario.engine;
        let ranges = HashKeyRange::initial(shards);
        let load = scenario.time.load();
        let bounds = own_bounds(producer, load, &ranges, &engine.limits, &engine.delays);
        let named = |bound| (producer.name.clone(), bound);
        bounds.into_iter().map(named)
    });
    bounds.collect()
}

/// The forecast of each stream that is written to, for the shards that it begins with.
pub(super) fn forecasts(scenario: &Scenario) -> Vec<(StreamName, Forecast)> {
    let streams = scenario.streams.values().filter_map(|stream| {
        let producers: Vec<_> = scenario
            .producers
            .values()
            .filter(|producer| producer.stream == stream.name)
            .collect();
        let ranges = HashKeyRange::initial(stream.shards);
        let forecast = || {
            forecast(
                &producers,
                scenario.time.load(),
                &ranges,
                &scenario.engine.limits,
            )
        };
        (!producers.is_empty()).then(|| (stream.name.clone(), forecast()))
    });
    streams.collect()
}

fn to_json(
    loaded: &Loaded,
    target: &TargetSpec,
    forecasts: &[(StreamName, Forecast)],
) -> serde_json::Value {
    let settings: Vec<_> = loaded
        .resolved
        .iter()
        .map(|setting| json!({"path": setting.path, "value": setting.value, "is_default": setting.is_default, "preset": setting.preset}))
        .collect();
    let streams: Vec<_> = forecasts
        .iter()
        .map(|(stream, forecast)| {
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
            let own_bounds: Vec<_> = bounds_of(&loaded.scenario, stream)
                .iter()
                .map(|(producer, bound)| bound_json(producer, bound))
                .collect();
            let streams = &loaded.scenario.streams;
            let known = streams.get(stream.as_str()).map(|stream| stream.mode);
            json!({
                "stream": stream.as_str(),
                "basis": "simulated",
                "on_demand": known == Some(StreamMode::OnDemand),
                "records_per_s": forecast.records_per_s,
                "peak_records_per_s": forecast.peak_records_per_s,
                "tail_share": forecast.tail_share,
                "shards": shards,
                "heaviest_keys": heaviest,
                "own_bounds": own_bounds,
            })
        })
        .collect();
    let target =
        json!({"name": target.name, "kind": target.kind.as_str(), "cannot": cannot(target.kind)});
    json!({
        "scenario": loaded.scenario.name,
        "settings": settings,
        "target": target,
        "forecast": streams,
    })
}

fn to_text(
    path: &str,
    loaded: &Loaded,
    target: &TargetSpec,
    forecasts: &[(StreamName, Forecast)],
) -> String {
    let mut text = format!(
        "{path}: {}\n{}\n\n",
        loaded.scenario.name, loaded.scenario.question
    );
    let mut table = plain_table(&["setting", "value", ""]);
    for setting in &loaded.resolved {
        let given = match &setting.preset {
            Some(preset) => preset.as_str(),
            None if setting.is_default => "default",
            None => "",
        };
        table.add_row([setting.path.as_str(), setting.value.as_str(), given]);
    }
    let _ = writeln!(text, "{table}\n");
    let _ = writeln!(
        text,
        "What the target `{}` ({}) cannot do:",
        target.name,
        target.kind.as_str()
    );
    for line in cannot(target.kind) {
        let _ = writeln!(text, "  {line}");
    }
    text.push('\n');
    for (stream, forecast) in forecasts {
        text.push_str(&forecast_text(stream, forecast));
        for (producer, bound) in bounds_of(&loaded.scenario, stream) {
            text.push_str(&bound_text(&producer, &bound));
        }
        let known = loaded.scenario.streams.get(stream.as_str());
        if let Some(stream) = known.filter(|stream| stream.mode == StreamMode::OnDemand) {
            text.push_str(&on_demand_text(stream));
        }
        text.push('\n');
    }
    text
}

fn forecast_text(stream: &StreamName, forecast: &Forecast) -> String {
    let rate = match forecast.records_per_s {
        Some(rate) => format!("{} records/s", HumanCount(rate.round() as u64)),
        None => "no fixed rate (closed arrivals)".to_owned(),
    };
    let mut text = format!("Forecast for `{stream}`, before retries: {rate}\n");
    if let (Some(mean), Some(peak)) = (forecast.records_per_s, forecast.peak_records_per_s)
        && mean > 0.0
        && peak > mean * 1.005
    {
        let _ = writeln!(
            text,
            "The rate changes: this is its mean over the load. At its peak of up to {} records/s each use of a limit is {:.2} times the one below.",
            HumanCount(peak.round() as u64),
            peak / mean,
        );
    }
    let mut table = plain_table(&[
        "shard",
        "share",
        "records/s",
        "bytes/s",
        "of record limit",
        "of byte limit",
        "binds first",
        "refused",
    ]);
    for column in 1..=7 {
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
        table.add_row([
            index.to_string(),
            percent(shard.share) + &error,
            known(
                shard
                    .records_per_s
                    .map(|rate| HumanCount(rate.round() as u64).to_string()),
            ),
            known(
                shard
                    .bytes_per_s
                    .map(|rate| HumanBytes(rate.round() as u64).to_string()),
            ),
            known(shard.write_records_utilisation.map(percent)),
            known(shard.write_bytes_utilisation.map(percent)),
            known(shard.binds.map(|cause| cause.to_string())),
            known(shard.refused_share.map(percent)),
        ]);
    }
    let _ = writeln!(text, "{table}");
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

fn bound_json(producer: &str, bound: &OwnBound) -> serde_json::Value {
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
            longest,
            expected,
        } => json!({
            "producer": producer,
            "setting": "send.ordering",
            "key": key,
            "records_per_s": records_per_s,
            "longest_ms": longest.as_secs_f64() * 1e3,
            "expected_ms": expected.as_secs_f64() * 1e3,
        }),
    }
}

/// What a producer will hold back by itself, whatever the stream would take.
fn bound_text(producer: &str, bound: &OwnBound) -> String {
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
            longest,
            expected,
        } => {
            let ms = |time: &Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
            let told = match (expected > longest, expected.is_zero()) {
                (true, _) => format!(
                    ": with about {} of lingering and modelled service it holds records back itself",
                    ms(expected)
                ),
                (false, true) => String::new(),
                (false, false) => {
                    format!(
                        "; lingering and modelled service take about {}",
                        ms(expected)
                    )
                }
            };
            format!(
                "Producer `{producer}` keeps the order of its keys (`send.ordering`): `{key}` comes {records_per_s:.1} times/s to each worker and keeps up while a put is answered within {}{told}.\n",
                ms(longest)
            )
        }
    }
}

/// What a forecast for a number of shards is worth where the service decides that number.
fn on_demand_text(stream: &Stream) -> String {
    let whose = if stream.existing {
        "assumed shards"
    } else {
        "shards that it begins with"
    };
    format!(
        "`{}` is on-demand: this is for the {} {whose}. The service splits each whose load over a minute was above half of its rate, within 15 minutes.\n",
        stream.name, stream.shards
    )
}

/// How many of the heaviest keys a person wants to read.
const NAMED_KEYS: usize = 5;

fn plain_table(header: &[&str]) -> Table {
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
