//! `check`: what a scenario resolves to, and what it will do to each shard, before anything runs.

use std::fmt::Write as _;

use serde_json::json;

use super::args::CheckArguments;
use super::exit::Exit;
use super::files;
use super::forecast_text::{bound_json, bound_text, forecast_json, forecast_text, plain_table};
use super::on_aws::OnAws;
use super::show::show;
use super::target;
use crate::kinesis::{HashKeyRange, StreamName};
use crate::measure::RecordingFacts;
use crate::measure::verdict::RECORDING_SILENT_NOTED;
use crate::scenario::model::{Stream, StreamMode};
use crate::scenario::targets::TargetSpec;
use crate::scenario::{Abilities, Loaded, Scenario, cannot, cannot_of, quota_notes};
use crate::workload::forecast::{Forecast, forecast};
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
            let own_bounds: Vec<_> = bounds_of(&loaded.scenario, stream)
                .iter()
                .map(|(producer, bound)| bound_json(producer, bound))
                .collect();
            let streams = &loaded.scenario.streams;
            let known = streams.get(stream.as_str()).map(|stream| stream.mode);
            let mut json = forecast_json(forecast);
            json["stream"] = json!(stream.as_str());
            json["on_demand"] = json!(known == Some(StreamMode::OnDemand));
            json["own_bounds"] = json!(own_bounds);
            json
        })
        .collect();
    let target = json!({
        "name": target.name,
        "kind": target.kind.as_str(),
        "cannot": cannot(target.kind),
        "cannot_of_this": cannot_of(loaded, target.kind),
        "quota_notes": quota_notes(&loaded.scenario, target.kind),
    });
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
        table.add_row([setting.path.as_str(), &cut(&setting.value), given]);
    }
    let _ = writeln!(text, "{table}\n");
    let missed = cannot_of(loaded, target.kind);
    if !missed.is_empty() {
        let _ = writeln!(
            text,
            "What the target `{}` ({}) cannot do of this:",
            target.name,
            target.kind.as_str()
        );
        for line in missed {
            let _ = writeln!(text, "  {line}");
        }
        text.push('\n');
    }
    for note in quota_notes(&loaded.scenario, target.kind) {
        let _ = writeln!(text, "{note}\n");
    }
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

/// A value as it fits a table; the whole is in `--json`.
fn cut(value: &str) -> String {
    if value.chars().count() <= VALUE_CHARS {
        return value.to_owned();
    }
    let start: String = value.chars().take(VALUE_CHARS - 3).collect();
    start + "..."
}

/// How much of a setting's value a table shows.
const VALUE_CHARS: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_ends_in_dots_and_a_short_one_is_whole() {
        let grid = "0.5, ".repeat(168);
        let shown = cut(&grid);
        assert_eq!(shown.len(), VALUE_CHARS);
        assert!(shown.starts_with("0.5, 0.5") && shown.ends_with("..."));
        let whole = "x".repeat(VALUE_CHARS);
        assert_eq!(cut(&whole), whole);
    }
}
