//! The scenario's events, each at its time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::outcome::{EventOutcome, EventStatus};
use crate::base::{Clock, Timestamp};
use crate::host::Storm;
use crate::kinesis::operation::{MergeShards, ShardDescription, ShardFilter, SplitShard};
use crate::kinesis::{HashKey, HashKeyRange, ShardId};
use crate::measure::live::EventNote;
use crate::measure::progress::Progress;
use crate::producer::Router;
use crate::scenario::model::{Action, Event, ShardChoice, Time};
use crate::target::Target;

/// How long before an event its stream's load is looked at, to tell hot shards from cold ones.
const LOOK_BACK: Duration = Duration::from_secs(1);

/// What events act on.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) clock: Clock,
    pub(super) target: Target,
    pub(super) start: Timestamp,
    pub(super) time: Time,
    pub(super) seed: u64,
    pub(super) progress: Arc<Progress>,
}

impl Stage {
    /// Lets whoever watches the run know of an event.
    fn tell(&self, name: &str, state: &'static str, detail: &str) {
        if let Some(live) = &self.progress.live {
            live.tell_event(EventNote {
                name: name.to_owned(),
                state,
                detail: detail.to_owned(),
            });
        }
    }
}

/// Carries out all events; those whose time has not come when `stop` turns true are skipped.
pub(super) async fn play(
    stage: Stage,
    events: Vec<(Event, Arc<Router>)>,
    stop: watch::Receiver<bool>,
) -> Vec<EventOutcome> {
    let mut outcomes = join_all(
        events
            .into_iter()
            .map(|(event, router)| play_one(stage.clone(), event, router, stop.clone())),
    )
    .await;
    outcomes.sort_by_key(|outcome| outcome.planned);
    outcomes
}

async fn play_one(
    stage: Stage,
    event: Event,
    router: Arc<Router>,
    mut stop: watch::Receiver<bool>,
) -> EventOutcome {
    let planned = event.at.offset(&stage.time);
    let mut outcome = EventOutcome {
        name: event.name.clone(),
        action: action_name(&event.action),
        stream: event.stream.clone(),
        planned,
        started: None,
        ended: None,
        status: EventStatus::Skipped,
        detail: "the run ended before".to_owned(),
    };
    let fault = matches!(
        event.action,
        Action::Stall { .. } | Action::ThrottleStorm { .. }
    );
    if fault && !stage.target.has_switch().await {
        outcome.status = EventStatus::Unsupported;
        "the target has no switch for it".clone_into(&mut outcome.detail);
        return outcome;
    }
    if event.action == Action::ResetConnections && !stage.target.can_reset_connections() {
        outcome.status = EventStatus::Unsupported;
        "the client's connections are out of reach".clone_into(&mut outcome.detail);
        return outcome;
    }
    let at = stage.start.plus(planned);
    let wait = async {
        stage.clock.sleep_until(at.minus(LOOK_BACK)).await;
        let load_before = Load::of(&router);
        stage.clock.sleep_until(at).await;
        load_before
    };
    let load_before = tokio::select! {
        biased;
        load_before = wait => load_before,
        Ok(_) = stop.wait_for(|stopped| *stopped) => return outcome,
    };
    outcome.started = Some(stage.clock.now());
    stage.tell(&outcome.name, "began", "");
    let load = Load::of(&router).since(&load_before);
    let result = tokio::select! {
        biased;
        result = act(&stage, &event, &router, &load) => result,
        Ok(_) = stop.wait_for(|stopped| *stopped) => {
            // A fault that began did what it was there for, up to the end; a reshard that is not complete did not.
            (outcome.status, outcome.ended) = match event.action {
                Action::Stall { .. } | Action::ThrottleStorm { .. } => (EventStatus::Done, Some(stage.clock.now())),
                _ => (EventStatus::Failed, None),
            };
            "still under way when the run ended".clone_into(&mut outcome.detail);
            return outcome;
        }
    };
    outcome.ended = Some(stage.clock.now());
    (outcome.status, outcome.detail) = match result {
        Ok(detail) => (EventStatus::Done, detail),
        Err(refusal) => (EventStatus::Failed, refusal),
    };
    let state = if outcome.status == EventStatus::Done {
        "done"
    } else {
        "failed"
    };
    stage.tell(&outcome.name, state, &outcome.detail);
    outcome
}

async fn act(stage: &Stage, event: &Event, router: &Router, load: &Load) -> Result<String, String> {
    let stream = event.stream.as_str();
    match event.action {
        Action::SplitShard { shard, at } => {
            let (shard, range) = load.choose(shard)?;
            let request = SplitShard {
                shard,
                new_starting_hash_key: at.unwrap_or_else(|| middle(&range)),
            };
            stage
                .target
                .split_shard(stream, request)
                .await
                .map_err(|error| error.to_string())?;
            reshaped(stage, stream, router, &format!("{shard} split")).await
        }
        Action::MergeShards { shard } => {
            let (shard, range) = load.choose(shard)?;
            let adjacent = load
                .right_of(&range)
                .ok_or_else(|| format!("{shard} has no open shard to its right"))?;
            stage
                .target
                .merge_shards(stream, MergeShards { shard, adjacent })
                .await
                .map_err(|error| error.to_string())?;
            reshaped(
                stage,
                stream,
                router,
                &format!("{shard} and {adjacent} merged"),
            )
            .await
        }
        Action::UpdateShardCount { target } => {
            let update = stage
                .target
                .update_shard_count(stream, target)
                .await
                .map_err(|error| error.to_string())?;
            let what = format!("{} shards became {}", update.current, update.target);
            reshaped(stage, stream, router, &what).await
        }
        Action::Stall { duration } => {
            let until = stage.clock.now().plus(duration);
            stage
                .target
                .stall_until(until)
                .await
                .map_err(|error| error.to_string())?;
            stage.clock.sleep_until(until).await;
            Ok("answers were held back".to_owned())
        }
        Action::ThrottleStorm {
            duration,
            shard,
            share,
        } => {
            let shard = shard
                .map(|choice| load.choose(choice))
                .transpose()?
                .map(|(shard, _)| shard);
            let until = stage.clock.now().plus(duration);
            let storm = Storm {
                shard,
                share,
                until,
                seed: stage.seed,
            };
            stage
                .target
                .throttle(stream, storm)
                .await
                .map_err(|error| error.to_string())?;
            stage.clock.sleep_until(until).await;
            let whom = shard.map_or_else(|| "every shard".to_owned(), |shard| shard.to_string());
            Ok(format!(
                "{:.0} % of the records put to {whom} were refused",
                share * 100.0
            ))
        }
        Action::ResetConnections => {
            stage.target.reset_connections();
            Ok("every connection of the lean client was broken; subscriptions are the SDK's and stayed".to_owned())
        }
    }
}

/// Waits until a reshard is complete, tells the router, and says which shards came of it.
async fn reshaped(
    stage: &Stage,
    stream: &str,
    router: &Router,
    what: &str,
) -> Result<String, String> {
    let before = router.routes();
    stage
        .target
        .wait_active(stream)
        .await
        .map_err(|error| error.to_string())?;
    let shards = stage
        .target
        .list_shards(stream, ShardFilter::FromTrimHorizon)
        .await
        .map_err(|error| error.to_string())?;
    router.update(&shards, stage.clock.now());
    let new: Vec<_> = shards
        .iter()
        .filter(|shard| shard.is_open() && before.iter().all(|route| route.shard != shard.shard))
        .map(|shard: &ShardDescription| shard.shard.number().to_string())
        .collect();
    Ok(format!("{what}; new open shards: {}", new.join(", ")))
}

/// Records offered to each open shard.
#[derive(Debug)]
struct Load(Vec<(ShardId, HashKeyRange, u64)>);

impl Load {
    fn of(router: &Router) -> Self {
        let row = |route: &crate::producer::Route| {
            (
                route.shard,
                HashKeyRange {
                    start: route.start,
                    end: route.end,
                },
                route.offered(),
            )
        };
        Self(router.routes().iter().map(row).collect())
    }

    fn since(&self, earlier: &Self) -> Self {
        let before = |shard| {
            earlier
                .0
                .iter()
                .find(|row| row.0 == shard)
                .map_or(0, |row| row.2)
        };
        Self(
            self.0
                .iter()
                .map(|&(shard, range, offered)| (shard, range, offered - before(shard)))
                .collect(),
        )
    }

    /// The shard that is meant, with its range.
    fn choose(&self, choice: ShardChoice) -> Result<(ShardId, HashKeyRange), String> {
        let rows = self.0.iter();
        let width = |range: &HashKeyRange| range.end.0 - range.start.0;
        // The lowest number of equals: maxima are taken by the reversed number.
        let lowest = std::cmp::Reverse::<ShardId>;
        let chosen = match choice {
            ShardChoice::Hottest => {
                rows.max_by_key(|(shard, _, offered)| (*offered, lowest(*shard)))
            }
            ShardChoice::Coldest => rows.min_by_key(|(shard, _, offered)| (*offered, *shard)),
            ShardChoice::Widest => {
                rows.max_by_key(|(shard, range, _)| (width(range), lowest(*shard)))
            }
            ShardChoice::Id(id) => {
                let found = rows.clone().find(|(shard, ..)| *shard == id);
                return found
                    .map(|row| (row.0, row.1))
                    .ok_or_else(|| format!("{id} is not an open shard"));
            }
        };
        chosen
            .map(|row| (row.0, row.1))
            .ok_or_else(|| "the stream has no open shard".to_owned())
    }

    fn right_of(&self, range: &HashKeyRange) -> Option<ShardId> {
        let start = HashKey(range.end.0.checked_add(1)?);
        self.0
            .iter()
            .find(|row| row.1.start == start)
            .map(|row| row.0)
    }
}

/// The hash key that halves a range.
const fn middle(range: &HashKeyRange) -> HashKey {
    HashKey(range.start.0 + (range.end.0 - range.start.0) / 2 + 1)
}

/// The action as scenarios write it.
const fn action_name(action: &Action) -> &'static str {
    match action {
        Action::SplitShard { .. } => "split-shard",
        Action::MergeShards { .. } => "merge-shards",
        Action::UpdateShardCount { .. } => "update-shard-count",
        Action::Stall { .. } => "stall",
        Action::ThrottleStorm { .. } => "throttle-storm",
        Action::ResetConnections => "reset-connections",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(rows: &[(u32, u64)]) -> Load {
        let ranges = HashKeyRange::initial(rows.len() as u32);
        let row = |(&(shard, offered), range)| (ShardId::new(shard).unwrap(), range, offered);
        Load(rows.iter().zip(ranges).map(row).collect())
    }

    #[test]
    fn the_hottest_shard_is_that_of_the_last_second_and_ties_go_to_the_lowest_number() {
        let (before, now) = (
            load(&[(0, 900), (1, 100), (2, 100)]),
            load(&[(0, 950), (1, 300), (2, 300)]),
        );
        let recent = now.since(&before);
        assert_eq!(recent.choose(ShardChoice::Hottest).unwrap().0.number(), 1);
        assert_eq!(recent.choose(ShardChoice::Coldest).unwrap().0.number(), 0);
        assert!(
            recent
                .choose(ShardChoice::Id(ShardId::new(9).unwrap()))
                .is_err()
        );
    }

    #[test]
    fn a_shard_is_split_in_its_middle_and_merged_with_the_one_to_its_right() {
        assert_eq!(middle(&HashKeyRange::FULL), HashKey(1 << 127));
        let load = load(&[(0, 0), (5, 0)]);
        let (_, range) = load
            .choose(ShardChoice::Id(ShardId::new(0).unwrap()))
            .unwrap();
        assert_eq!(load.right_of(&range), ShardId::new(5));
        assert_eq!(load.right_of(&HashKeyRange::FULL), None);
    }
}
