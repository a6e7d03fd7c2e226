//! A consumer of any kind, before and during the load.

use std::ops::Range;
use std::sync::Arc;

use tokio::sync::watch;

use super::delivery::{ConsumerReport, Deliveries, Expected};
use super::fan_out::{self, FanOut};
use super::polling::{self, Pace, Polling};
use crate::base::{Clock, Timestamp};
use crate::kinesis::operation::{IteratorPosition, ShardFilter};
use crate::measure::integrity::Integrity;
use crate::measure::interval::Recorder;
use crate::measure::meter::Meters;
use crate::measure::progress::{Counter, Progress};
use crate::measure::tips::{Positions, Tips};
use crate::scenario::model::{Consumer, ConsumerKind, StartPosition};
use crate::target::{CallError, Target};

/// What a consumer is given when the load is about to begin.
#[derive(Debug)]
pub struct ConsumerContext {
    /// Its number in the account.
    pub index: usize,
    /// The run's number in stamps.
    pub run: u32,
    /// Whether all records of the stream are stamped.
    pub stamped: bool,
    /// The measurement window.
    pub window: Range<Timestamp>,
    /// What was asked of each shard, where the target does not tell which limit refused.
    pub meters: Option<Arc<Meters>>,
    /// Who accounts for each record.
    pub integrity: Arc<Integrity>,
    /// The newest acknowledged records of the stream.
    pub tips: Arc<Tips>,
    /// The live counters.
    pub progress: Arc<Progress>,
    /// What this consumer was given so far.
    pub delivered: Arc<Counter>,
    /// What this consumer passed so far.
    pub positions: Arc<Positions>,
    /// Turns true when reading is over.
    pub stop: watch::Receiver<bool>,
}

/// A reader that holds its place in every shard to begin with: nothing put from now on is missed.
#[derive(Debug)]
pub struct Prepared(Kind);

#[derive(Debug)]
enum Kind {
    Polling(polling::Prepared),
    FanOut(fan_out::Prepared),
}

impl Prepared {
    /// Lists the shards and takes its place in each one to begin with: a shard iterator, or a subscription of the
    /// `registered` consumer, which a fan-out consumer must be given the ARN of.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn new(
        clock: Clock,
        target: Target,
        consumer: &Consumer,
        registered: Option<String>,
    ) -> Result<Self, CallError> {
        match consumer.kind {
            ConsumerKind::Polling {
                interval,
                max_records,
                backoff,
            } => {
                let pace = Pace {
                    interval,
                    max_records,
                    backoff,
                };
                let prepared = polling::Prepared::new(clock, target, consumer, pace).await?;
                Ok(Self(Kind::Polling(prepared)))
            }
            ConsumerKind::FanOut { .. } => {
                let registered = registered.ok_or_else(|| {
                    CallError::Unsent("there is no registered consumer to subscribe".to_owned())
                })?;
                let prepared = fan_out::Prepared::new(clock, target, consumer, registered).await?;
                Ok(Self(Kind::FanOut(prepared)))
            }
        }
    }

    /// Goes on from there until told to stop.
    pub async fn run(self, context: ConsumerContext, recorder: Recorder) -> ConsumerReport {
        match self.0 {
            Kind::Polling(prepared) => Polling::new(prepared, context, recorder).run().await,
            Kind::FanOut(prepared) => FanOut::new(prepared, context, recorder).run().await,
        }
    }
}

impl ConsumerContext {
    /// Where the consumer's observations go.
    pub(super) fn deliveries(&self, recorder: Recorder) -> Deliveries {
        let expected = Expected {
            run: self.run,
            stamped: self.stamped,
            measure_from: self.window.start,
        };
        Deliveries::new(
            self.index,
            expected,
            recorder,
            Arc::clone(&self.integrity),
            Arc::clone(&self.progress),
            Arc::clone(&self.delivered),
            Arc::clone(&self.positions),
        )
    }
}

/// Which shards a consumer begins with, and where in them.
pub(super) const fn begins_at(start: StartPosition) -> (ShardFilter, IteratorPosition) {
    match start {
        StartPosition::Latest => (ShardFilter::AtLatest, IteratorPosition::Latest),
        StartPosition::TrimHorizon => (ShardFilter::FromTrimHorizon, IteratorPosition::TrimHorizon),
        StartPosition::At(time) => (
            ShardFilter::FromTrimHorizon,
            IteratorPosition::AtTimestamp(time),
        ),
    }
}
