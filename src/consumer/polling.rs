//! GetRecords in a loop for each shard.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::watch;

use super::delivery::{ConsumerReport, Deliveries};
use super::reader::{ConsumerContext, begins_at};
use super::shard_walk::ShardWalk;
use crate::base::{Clock, Timestamp};
use crate::kinesis::operation::{ChildShard, IteratorPosition, RecordPage, ShardFilter};
use crate::kinesis::{Cause, ErrorCode, HashKeyRange, SequenceNumber, ShardId, StreamName};
use crate::measure::interval::Recorder;
use crate::measure::meter::Meters;
use crate::measure::throttle::Basis;
use crate::measure::tips::{Tip, Tips};
use crate::scenario::model::Consumer;
use crate::target::{CallError, Fetched, Target, within};

/// A reader without an interval that found nothing looks again after this long even if nobody wakes it:
/// with modelled propagation a record is seen some time after the write that wakes.
const IDLE_LOOK: Duration = Duration::from_millis(20);

/// A record is taken for visible to readers this long after its acknowledgement at the latest. The service promises
/// read-after-write; modelled propagation takes 200 ms at its 99th percentile.
pub const VISIBLE_AFTER: Duration = Duration::from_secs(1);

/// The least time between two calls of a reader without an interval whom nobody wakes: a shard takes 5 a second
/// (service quotas), whoever makes them.
const UNWOKEN_INTERVAL: Duration = Duration::from_millis(200);

/// The reading operation, as the service writes it.
const GET_RECORDS: &str = "GetRecords";

/// How long a reading call over the network may take. The call is made again with the same iterator, so nothing is lost.
const CALL_PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes that a page of a reader with a share may have: a page of more than 2 MiB would have the service refuse
/// every reader of the shard for seconds (API reference, GetRecords), and others read there.
const PAGE_BYTES_MAX: u64 = 512 << 10;

/// How many times more records than the last page had a reader with a share may ask for next: what it saw says little
/// about what is next.
const PAGE_GROWTH: u64 = 10;

/// A reader that holds its iterators: nothing put from now on is missed.
#[derive(Debug)]
pub(super) struct Prepared {
    settings: Settings,
    walk: ShardWalk,
    ranges: Vec<(ShardId, HashKeyRange)>,
    readers: Vec<Reader>,
}

/// A polling consumer: one task, one reader per shard.
#[derive(Debug)]
pub(super) struct Polling {
    clock: Clock,
    window: Range<Timestamp>,
    tips: Arc<Tips>,
    stop: watch::Receiver<bool>,
    settings: Settings,
    walk: ShardWalk,
    readers: Vec<Reader>,
    deliveries: Deliveries,
}

/// What every call of a consumer needs.
#[derive(Clone, Debug)]
struct Settings {
    target: Target,
    clock: Clock,
    stream: StreamName,
    interval: Duration,
    max_records: u32,
    backoff: Duration,
    max_bytes_per_s: Option<u64>,
    meters: Option<Arc<Meters>>,
}

/// How often a consumer calls, and for how much.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From the start of one call to the start of the next.
    pub(super) interval: Duration,
    /// The most records of one call.
    pub(super) max_records: u32,
    /// The wait after a refused call.
    pub(super) backoff: Duration,
}

/// The position in one shard.
#[derive(Debug)]
struct Reader {
    shard: ShardId,
    /// Where to begin when there is no iterator.
    from: IteratorPosition,
    iterator: Option<String>,
    next_poll: Timestamp,
    /// Nothing came last time and there is no interval: wait until there are more writes than these.
    idle: Option<u64>,
    /// The writes that were there before the last call.
    writes: u64,
    /// What was passed so far.
    passed: SequenceNumber,
    /// What its next page may have, if it has a share.
    page: PageLimit,
}

/// How many records a reader with a share asks for, from what its pages have held so far.
#[derive(Clone, Copy, PartialEq, Debug)]
struct PageLimit {
    records: u64,
    /// Bytes per record: those of the heaviest page, which lighter ones make forgotten slowly.
    record_bytes: f64,
}

impl PageLimit {
    /// Nothing is known: one record may be as large as 10 MiB.
    const FIRST: Self = Self {
        records: 1,
        record_bytes: 0.0,
    };

    /// After a page of so many records with so many bytes, where a page may have `most_bytes`.
    fn after(self, records: u64, bytes: u64, most_bytes: u64) -> Self {
        if records == 0 {
            return self;
        }
        let mean = bytes as f64 / records as f64;
        let record_bytes = mean.max(self.record_bytes * 0.9).max(1.0);
        let fit = (most_bytes as f64 / record_bytes) as u64;
        let grown = self.records.max(records.saturating_mul(PAGE_GROWTH));
        Self {
            records: fit.min(grown).max(1),
            record_bytes,
        }
    }
}

/// One call of one reader and its answer.
#[derive(Debug)]
struct Poll {
    reader: Reader,
    /// The newest acknowledged record before the call.
    tip: Option<Tip>,
    sent: Timestamp,
    delivered: Timestamp,
    api: &'static str,
    answer: Result<Fetched, CallError>,
}

impl Prepared {
    /// Lists the shards and takes an iterator for each one to begin with.
    ///
    /// # Errors
    /// As the service answers.
    pub(super) async fn new(
        clock: Clock,
        target: Target,
        consumer: &Consumer,
        pace: Pace,
    ) -> Result<Self, CallError> {
        let Pace {
            interval,
            max_records,
            backoff,
        } = pace;
        let stream = consumer.stream.clone();
        let interval = if interval.is_zero() && !target.wakes_readers() {
            UNWOKEN_INTERVAL
        } else {
            interval
        };
        let settings = Settings {
            target,
            clock,
            stream,
            interval,
            max_records,
            backoff,
            max_bytes_per_s: consumer.max_bytes_per_s,
            meters: None,
        };
        let (filter, from) = begins_at(consumer.start);
        let stream = settings.stream.as_str();
        let shards = settings.target.list_whole(stream, filter).await?;
        let (walk, roots) = ShardWalk::begin(&shards)?;
        let mut readers = Vec::with_capacity(roots.len());
        for shard in roots {
            let iterator = settings.target.first_iterator(stream, shard, from).await?;
            // Should the iterator ever expire: `latest` taken again would skip what came meanwhile.
            let again = match from {
                IteratorPosition::Latest => IteratorPosition::AtTimestamp(clock.now()),
                _ => from,
            };
            readers.push(Reader {
                iterator: Some(iterator),
                ..Reader::new(shard, again, clock.now())
            });
        }
        let ranges = shards
            .iter()
            .map(|shard| (shard.shard, shard.hash_key_range));
        Ok(Self {
            settings,
            walk,
            ranges: ranges.collect(),
            readers,
        })
    }
}

impl Polling {
    /// A consumer that goes on from where `prepared` stands.
    pub(super) fn new(prepared: Prepared, context: ConsumerContext, recorder: Recorder) -> Self {
        let Prepared {
            mut settings,
            walk,
            ranges,
            readers,
        } = prepared;
        let mut deliveries = context.deliveries(recorder);
        settings.meters = context.meters;
        for (shard, range) in &ranges {
            deliveries.begin(*shard, range);
        }
        Self {
            clock: settings.clock,
            window: context.window,
            tips: context.tips,
            stop: context.stop,
            settings,
            walk,
            readers,
            deliveries,
        }
    }

    /// Reads until told to stop.
    pub(super) async fn run(mut self) -> ConsumerReport {
        let mut polls = FuturesUnordered::new();
        for reader in std::mem::take(&mut self.readers) {
            polls.push(poll(self.settings.clone(), Arc::clone(&self.tips), reader));
        }
        let mut stop = self.stop.clone();
        loop {
            let finished = tokio::select! {
                biased;
                // An error says that the sender is gone, and with it the run.
                _ = stop.wait_for(|stopped| *stopped) => break,
                Some(finished) = polls.next(), if !polls.is_empty() => finished,
            };
            for reader in self.take(finished) {
                polls.push(poll(self.settings.clone(), Arc::clone(&self.tips), reader));
            }
            tokio::task::consume_budget().await;
        }
        self.deliveries.finish()
    }

    /// Takes in an answer; gives the readers that go on from there.
    fn take(&mut self, finished: Poll) -> Vec<Reader> {
        let Poll {
            mut reader,
            tip,
            sent,
            delivered,
            api,
            answer,
        } = finished;
        let shard = reader.shard;
        match answer {
            Ok(Fetched {
                mut page,
                behind_ms,
                ..
            }) => {
                if let Some(through) = page.trimmed_to {
                    self.deliveries.trimmed(shard, reader.passed, through);
                }
                self.deliveries
                    .take(shard, &page.records, delivered, behind_ms);
                if let Some(last) = page
                    .records
                    .iter()
                    .map(|record| record.sequence_number)
                    .max()
                {
                    reader.passed = reader.passed.max(last);
                }
                let Some(next) = page.next_iterator.take() else {
                    self.deliveries.passed(shard, SequenceNumber::MAX);
                    for child in &page.child_shards {
                        self.deliveries.begin(child.shard, &child.hash_key_range);
                    }
                    self.deliveries.saw(shard, Timestamp::MAX);
                    let begin = self.walk.ended(shard, &page.child_shards);
                    let now = self.clock.now();
                    return begin
                        .into_iter()
                        .map(|child| Reader::new(child, IteratorPosition::TrimHorizon, now))
                        .collect();
                };
                reader.iterator = Some(next);
                if behind_ms == Some(0) {
                    self.deliveries.saw(shard, sent.minus(VISIBLE_AFTER));
                    self.deliveries.reached_tip(shard, sent);
                }
                // An answer that does not say where the tip is has not told that this is it.
                if behind_ms == Some(0)
                    && let Some(tip) = tip
                    && tip.acked.plus(VISIBLE_AFTER) <= sent
                    && tip.sequence_number > reader.passed
                {
                    reader.passed = tip.sequence_number;
                    self.deliveries.passed(shard, tip.sequence_number);
                }
                let nothing = self.settings.interval.is_zero() && page.records.is_empty();
                reader.idle = nothing.then_some(reader.writes);
                if let Some(per_s) = self.settings.max_bytes_per_s {
                    let most = page_bytes(per_s, self.settings.interval);
                    let (records, bytes) = (page.records.len() as u64, bytes_of(&page));
                    reader.page = reader.page.after(records, bytes, most);
                }
                let bytes = page
                    .records
                    .iter()
                    .map(|record| (record.data.len() + record.partition_key.len()) as u64);
                reader.next_poll = sent.plus(self.settings.pause_after(bytes));
            }
            Err(CallError::Refused(error)) if error.code.is_throttle() => {
                reader.idle = None;
                let cause = match (error.cause, &self.settings.meters) {
                    // Iterators are limited by calls alone.
                    (None, Some(_)) if api != GET_RECORDS => (Cause::ApiRate, Basis::Inferred),
                    (None, Some(meters)) => {
                        (meters.read_cause(sent, shard, error.code), Basis::Inferred)
                    }
                    (cause, _) => (cause.unwrap_or(Cause::Unknown), Basis::Reported),
                };
                self.deliveries
                    .refused(api, shard, cause, self.window.contains(&delivered));
                reader.next_poll = self.settings.again(sent, delivered, self.settings.backoff);
            }
            Err(error) if error.code() == Some(ErrorCode::ExpiredIterator) => {
                self.deliveries.failed(None);
                reader.idle = None;
                reader.iterator = None;
                if reader.passed > SequenceNumber::default() {
                    reader.from = IteratorPosition::AfterSequenceNumber(reader.passed);
                }
            }
            Err(error) => {
                self.deliveries.failed(Some(error.to_string()));
                reader.idle = None;
                let backoff = self.settings.backoff.max(IDLE_LOOK);
                reader.next_poll = self.settings.again(sent, delivered, backoff);
            }
        }
        vec![reader]
    }
}

impl Settings {
    /// From the start of a call that brought records of so many bytes each to the start of the next one.
    fn pause_after(&self, bytes: impl IntoIterator<Item = u64>) -> Duration {
        // Most readers have no share to keep to, and nothing to add up.
        let share = self.max_bytes_per_s.map_or(Duration::ZERO, |per_s| {
            let bytes: u64 = bytes.into_iter().sum();
            Duration::from_secs_f64(bytes as f64 / per_s.max(1) as f64)
        });
        self.interval.max(share)
    }

    /// When a call that was refused is made again. A reader with a share keeps its interval even then.
    fn again(&self, sent: Timestamp, delivered: Timestamp, backoff: Duration) -> Timestamp {
        let allowed = self
            .max_bytes_per_s
            .map_or(sent, |_| sent.plus(self.interval));
        delivered.plus(backoff).max(allowed)
    }
}

impl Reader {
    fn new(shard: ShardId, from: IteratorPosition, now: Timestamp) -> Self {
        Self {
            shard,
            from,
            iterator: None,
            next_poll: now,
            idle: None,
            writes: 0,
            passed: SequenceNumber::default(),
            page: PageLimit::FIRST,
        }
    }
}

/// The bytes that a page may have at this share: what may be read until the next call, and no more than starves nobody.
fn page_bytes(per_s: u64, interval: Duration) -> u64 {
    let until_next = per_s as f64 * interval.as_secs_f64();
    (until_next as u64).clamp(1, PAGE_BYTES_MAX)
}

/// Waits until the reader's next call is due and makes it.
async fn poll(settings: Settings, tips: Arc<Tips>, mut reader: Reader) -> Poll {
    let Settings {
        target,
        clock,
        stream,
        max_records,
        max_bytes_per_s,
        meters,
        ..
    } = settings;
    let limit = match max_bytes_per_s {
        Some(_) => max_records.min(u32::try_from(reader.page.records).unwrap_or(u32::MAX)),
        None => max_records,
    };
    if let Some(noted) = reader.idle {
        target
            .wait_for_records(
                stream.as_str(),
                reader.shard,
                noted,
                clock.now().plus(IDLE_LOOK),
            )
            .await;
    } else if reader.next_poll > clock.now() {
        clock.sleep_until(reader.next_poll).await;
    }
    reader.writes = target.writes(stream.as_str(), reader.shard);
    let (tip, sent) = (tips.tip(reader.shard), clock.now());
    let iterator = match reader.iterator.take() {
        Some(iterator) => Ok(iterator),
        None => {
            target
                .get_shard_iterator(stream.as_str(), reader.shard, reader.from)
                .await
        }
    };
    let (api, answer) = match iterator {
        Err(error) => ("GetShardIterator", Err(error)),
        Ok(iterator) => {
            if let Some(meters) = &meters {
                meters.read(sent, reader.shard, 1, 0);
            }
            let call = target.get_records(stream.as_str(), &iterator, Some(limit));
            let answer = if target.wakes_readers() {
                call.await
            } else {
                within(CALL_PATIENCE, clock, call).await
            };
            // A refused call is made again with the same iterator.
            reader.iterator = Some(iterator);
            (GET_RECORDS, answer)
        }
    };
    let (delivered, mut answer) = match answer {
        Ok(fetched) => (fetched.at, Ok(fetched)),
        Err(error) => (clock.now(), Err(error)),
    };
    if let Ok(Fetched { page, .. }) = &mut answer {
        if let Some(meters) = &meters {
            meters.read(delivered, reader.shard, 0, bytes_of(page));
        }
        if page.next_iterator.is_none() && page.child_shards.is_empty() {
            // Engines that do not name the children of a closed shard have them in the list.
            page.child_shards = children(&target, &stream, reader.shard).await;
        }
    }
    Poll {
        reader,
        tip,
        sent,
        delivered,
        api,
        answer,
    }
}

fn bytes_of(page: &RecordPage) -> u64 {
    let sizes = page.records.iter();
    let sizes = sizes.map(|record| record.data.len() + record.partition_key.len());
    sizes.sum::<usize>() as u64
}

/// The shards that continue `parent`, by the list of shards; none if it cannot be had.
pub(super) async fn children(
    target: &Target,
    stream: &StreamName,
    parent: ShardId,
) -> Vec<ChildShard> {
    let listed = target.list_shards(stream.as_str(), ShardFilter::FromTrimHorizon);
    let listed = listed.await.unwrap_or_default();
    let children = listed.iter().filter_map(|shard| {
        let parents = [shard.parent, shard.adjacent_parent];
        let parents: Vec<_> = parents.into_iter().flatten().collect();
        parents.contains(&parent).then_some(ChildShard {
            shard: shard.shard,
            parents,
            hash_key_range: shard.hash_key_range,
        })
    });
    let children: Vec<_> = children.collect();
    if !children.is_empty() {
        target.note_unnamed_children();
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_reader_with_a_share_grows_to_its_bytes_and_not_beyond() {
        let most = page_bytes(512 << 10, Duration::from_secs(1));
        assert_eq!(most, 512 << 10);
        let (mut limit, mut asked) = (PageLimit::FIRST, Vec::new());
        for _ in 0..5 {
            asked.push(limit.records);
            limit = limit.after(limit.records, limit.records * 1_024, most);
        }
        assert_eq!(asked, [1, 10, 100, 512, 512]);
        // Nothing came: nothing was learned.
        assert_eq!(limit.after(0, 0, most), limit);
        // One page of records of 256 KiB, and the next has two of them at most.
        assert_eq!(limit.after(4, 1 << 20, most).records, 2);
        // A record beyond any page still comes, alone.
        assert_eq!(PageLimit::FIRST.after(1, 10 << 20, most).records, 1);
    }

    #[test]
    fn a_page_has_what_its_interval_allows_and_never_what_starves_others() {
        assert_eq!(page_bytes(256 << 10, Duration::from_secs(1)), 256 << 10);
        assert_eq!(page_bytes(256 << 10, Duration::from_secs(2)), 512 << 10);
        assert_eq!(page_bytes(512 << 10, Duration::from_mins(1)), 512 << 10);
    }
}
