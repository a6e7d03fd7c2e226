//! `check`: what a scenario resolves to, and what it will do to each shard, before anything runs.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::json;

use super::args::{CheckArguments, World};
use super::exit::Exit;
use super::files;
use super::show::show;
use crate::analyse::budget::{SHARD_READ_BYTES_PER_S, SHARD_READS_PER_S};
use crate::analyse::{self, Prices, ReadBudget};
use crate::base::units::{HumanBytes, HumanCount};
use crate::kinesis::{HashKeyRange, StreamName};
use crate::report::Cost;
use crate::report::cost::usd;
use crate::report::text::{Plain, counted};
use crate::scenario::{Loaded, Scenario};
use crate::workload::forecast::{Forecast, forecast};

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
        if arguments.target == World::Simulated && !files::can_be_simulated(&loaded) {
            exit = exit.and(Exit::Usage);
        }
        let forecasts = forecasts(&loaded.scenario);
        let on_aws = OnAws::of(&loaded.scenario, &forecasts);
        if arguments.json {
            documents.push(to_json(&loaded, &forecasts, &on_aws));
        } else {
            text.push_str(&to_text(&path.display().to_string(), &loaded, &forecasts));
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

/// The forecast of each stream that is written to, for the shards that it begins with.
fn forecasts(scenario: &Scenario) -> Vec<(StreamName, Forecast)> {
    let streams = scenario.streams.values().filter_map(|stream| {
        let producers: Vec<_> = scenario
            .producers
            .values()
            .filter(|producer| producer.stream == stream.name)
            .collect();
        let ranges = HashKeyRange::initial(stream.shards);
        let forecast = || forecast(&producers, &ranges, &scenario.engine.limits);
        (!producers.is_empty()).then(|| (stream.name.clone(), forecast()))
    });
    streams.collect()
}

/// What the scenario means on AWS: money, and other readers.
struct OnAws {
    cost: Cost,
    on_demand: Cost,
    budgets: Vec<ReadBudget>,
}

impl OnAws {
    fn of(scenario: &Scenario, forecasts: &[(StreamName, Forecast)]) -> Self {
        let prices = Prices::shipped();
        let busiest = |stream: &StreamName| {
            let (_, forecast) = forecasts.iter().find(|(name, _)| name == stream)?;
            let written = forecast.shards.iter().map(|shard| shard.bytes_per_s);
            written
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .reduce(f64::max)
        };
        Self {
            cost: analyse::estimate(scenario, &prices),
            on_demand: analyse::on_demand(scenario, &prices),
            budgets: analyse::read_budgets(scenario, busiest),
        }
    }

    fn to_text(&self) -> String {
        let mut text = self.cost.render("Cost on AWS, at most");
        let _ = writeln!(text, "  on-demand instead: {}\n", usd(self.on_demand.usd));
        for budget in &self.budgets {
            let ReadBudget {
                stream,
                consumers,
                reads_per_s,
                reads_left_per_s,
                read_bytes_per_s,
            } = budget;
            let _ = write!(
                text,
                "Read budget of each shard of `{stream}`: {} take {} of {} calls/s and leave {}",
                counted(*consumers as u64, "consumer"),
                Plain(*reads_per_s),
                Plain(SHARD_READS_PER_S),
                Plain(*reads_left_per_s),
            );
            match read_bytes_per_s {
                Some(bytes) => {
                    let _ = writeln!(
                        text,
                        "; the busiest: {}/s of {}/s",
                        HumanBytes(bytes.round() as u64),
                        HumanBytes(SHARD_READ_BYTES_PER_S as u64)
                    );
                }
                None => text.push('\n'),
            }
        }
        text
    }
}

fn to_json(
    loaded: &Loaded,
    forecasts: &[(StreamName, Forecast)],
    on_aws: &OnAws,
) -> serde_json::Value {
    let settings: Vec<_> = loaded
        .resolved
        .iter()
        .map(|setting| json!({"path": setting.path, "value": setting.value, "is_default": setting.is_default}))
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
            json!({
                "stream": stream.as_str(),
                "basis": "simulated",
                "records_per_s": forecast.records_per_s,
                "tail_share": forecast.tail_share,
                "shards": shards,
                "heaviest_keys": heaviest,
            })
        })
        .collect();
    json!({
        "scenario": loaded.scenario.name,
        "settings": settings,
        "forecast": streams,
        "cost": on_aws.cost,
        "cost_on_demand": on_aws.on_demand,
        "read_budget": on_aws.budgets,
    })
}

fn to_text(path: &str, loaded: &Loaded, forecasts: &[(StreamName, Forecast)]) -> String {
    let mut text = format!(
        "{path}: {}\n{}\n\n",
        loaded.scenario.name, loaded.scenario.question
    );
    let mut table = plain_table(&["setting", "value", ""]);
    for setting in &loaded.resolved {
        let given = if setting.is_default { "default" } else { "" };
        table.add_row([setting.path.as_str(), setting.value.as_str(), given]);
    }
    let _ = writeln!(text, "{table}\n");
    for (stream, forecast) in forecasts {
        text.push_str(&forecast_text(stream, forecast));
    }
    text
}

fn forecast_text(stream: &StreamName, forecast: &Forecast) -> String {
    let rate = match forecast.records_per_s {
        Some(rate) => format!("{} records/s", HumanCount(rate.round() as u64)),
        None => "no fixed rate (closed arrivals)".to_owned(),
    };
    let mut text = format!("Forecast for `{stream}`, before retries: {rate}\n");
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
    text.push('\n');
    text
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
