//! What a stream gives to build requests from.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::{Clock, Timestamp};
use crate::kinesis::api::ApiCall;
use crate::kinesis::arn::StreamArn;
use crate::kinesis::operation::{IteratorPosition, ShardDescription, ShardFilter};
use crate::kinesis::{ErrorCode, HashKeyRange, ShardId, StreamName};
use crate::scenario::model::Calls;
use crate::target::{CallError, Target};

/// An iterator that was given this long ago has expired: it lives 300 s (API reference, GetShardIterator), and clocks
/// differ.
pub const EXPIRED_AFTER: Duration = Duration::from_secs(305);

/// An iterator older than this is not used any more: it may expire on its way.
const FRESH_FOR: Duration = Duration::from_mins(4);

/// A shard that takes records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) shard: ShardId,
    pub(super) range: HashKeyRange,
}

/// A stream as it was when it was looked at.
#[derive(Debug)]
pub struct Ground {
    /// Its name as the service has it.
    pub(super) stream: String,
    /// Its ARN.
    pub(super) arn: String,
    /// A name that no stream has.
    pub(super) missing: String,
    /// Its open shards in the order of their hash keys.
    pub(super) shards: Vec<Place>,
    /// An iterator that has expired, where the load asks with one.
    pub(super) expired: Option<String>,
    /// The iterator of each shard that was read, and when it was given.
    iterators: Mutex<Vec<Option<(String, Timestamp)>>>,
}

impl Ground {
    /// Looks at a stream, patiently: none of it is measured. `missing` is a name that no stream has.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn look(target: &Target, stream: &str, missing: String) -> Result<Self, CallError> {
        let found = target.find_stream(stream).await?;
        let arn = found.map_or_else(String::new, |state| state.arn);
        // The name behind the ARN is the service's own.
        let name = arn.parse::<StreamArn>().map(|arn| arn.stream.to_string());
        let shards = match target.list_shards(stream, ShardFilter::AtLatest).await {
            // A stream that is being made has none to show.
            Err(error) if error.code() == Some(ErrorCode::ResourceInUse) => Vec::new(),
            listed => listed?,
        };
        let mut shards: Vec<_> = shards
            .iter()
            .filter(|shard| shard.is_open())
            .map(|shard: &ShardDescription| Place {
                shard: shard.shard,
                range: shard.hash_key_range,
            })
            .collect();
        shards.sort_by_key(|place| place.range.start);
        let iterators = vec![None; shards.len()];
        Ok(Self {
            stream: name.unwrap_or_else(|_| stream.to_owned()),
            arn,
            missing,
            shards,
            expired: None,
            iterators: Mutex::new(iterators),
        })
    }

    /// What a mix needs to know before it begins.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn prepare(
        target: &Target,
        calls: &Calls,
        stream: &StreamName,
        missing: String,
    ) -> Result<Self, CallError> {
        let mut ground = Self::look(target, stream.as_str(), missing).await?;
        let expired = |call: &ApiCall| {
            call.case
                .is_some_and(|case| case.name == "expired-iterator")
        };
        if calls.calls().iter().any(expired)
            && let Some(place) = ground.shards.first()
        {
            let position = IteratorPosition::TrimHorizon;
            let given = target.first_iterator(stream.as_str(), place.shard, position);
            ground.expired = Some(given.await?);
        }
        Ok(ground)
    }

    /// Whether it has an iterator that is still to expire.
    pub const fn expires(&self) -> bool {
        self.expired.is_some()
    }

    /// The ARN of the stream that nobody has.
    pub(super) fn missing_arn(&self) -> String {
        match self.arn.rsplit_once('/') {
            Some((stem, _)) => format!("{stem}/{}", self.missing),
            None => self.missing.clone(),
        }
    }

    /// The shard that a call with this number is about.
    pub(super) fn place(&self, number: u64) -> Option<Place> {
        let index = self.index(number)?;
        self.shards.get(index).copied()
    }

    /// The widest shard, the one with the lowest hash keys of equals.
    pub(super) fn widest(&self) -> Option<Place> {
        let width = |place: &Place| place.range.end.0 - place.range.start.0;
        self.shards
            .iter()
            .rev()
            .max_by_key(|place| width(place))
            .copied()
    }

    /// Makes sure that there is an iterator of the shard with this number, patiently and unmeasured.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub(super) async fn hold_iterator(
        &self,
        target: &Target,
        clock: Clock,
        stream: &StreamName,
        number: u64,
    ) -> Result<(), CallError> {
        let Some(index) = self.index(number) else {
            return Ok(());
        };
        let is_fresh = |held: &Option<(String, Timestamp)>| {
            let given = held.as_ref().map(|(_, given)| *given);
            given.is_some_and(|given| clock.now().since(given) < FRESH_FOR)
        };
        if is_fresh(&self.lock()[index]) {
            return Ok(());
        }
        let position = IteratorPosition::TrimHorizon;
        let given = clock.now();
        let shard = self.shards[index].shard;
        let iterator = target.first_iterator(stream.as_str(), shard, position);
        let iterator = iterator.await?;
        self.lock()[index] = Some((iterator, given));
        Ok(())
    }

    /// The iterator that a call with this number reads from.
    pub(super) fn iterator(&self, number: u64) -> Option<String> {
        let index = self.index(number)?;
        self.lock()[index]
            .as_ref()
            .map(|(iterator, _)| iterator.clone())
    }

    /// Goes on from where a call with this number ended; a shard that was read to its end is begun again.
    pub(super) fn advance(&self, number: u64, next: Option<&str>, now: Timestamp) {
        if let Some(index) = self.index(number) {
            self.lock()[index] = next.map(|next| (next.to_owned(), now));
        }
    }

    fn index(&self, number: u64) -> Option<usize> {
        let shards = self.shards.len() as u64;
        (shards > 0).then(|| (number % shards) as usize)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<(String, Timestamp)>>> {
        self.iterators
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
