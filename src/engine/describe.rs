//! DescribeStream, DescribeStreamSummary, ListShards and ListStreams.

use super::account::Account;
use super::refuse::page_limit;
use super::shard::Listed;
use super::stream::Stream;
use crate::base::Timestamp;
use crate::kinesis::operation::{
    ShardDescription, ShardFilter, StreamConfiguration, StreamDescription, StreamListing,
    StreamMode, StreamStatus, StreamSummary, WarmThroughput,
};
use crate::kinesis::quotas::RateName;
use crate::kinesis::{KinesisError, ShardId, StreamName};

/// Shards of one DescribeStream answer, by default and at most (API reference).
const DESCRIBE_PAGE: u32 = 100;
/// Shards of one ListShards answer, by default and at most (API reference).
const SHARDS_PAGE: u32 = 1_000;
/// Streams of one ListStreams answer, by default and at most (API reference).
const STREAMS_PAGE: u32 = 100;

impl Account {
    /// DescribeStream: at most `limit` shards (1 to 10,000, cut to 100) after `exclusive_start`.
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`, `Validation` for a limit out of range.
    pub fn describe_stream(
        &self,
        now: Timestamp,
        stream: &str,
        limit: Option<u32>,
        exclusive_start: Option<ShardId>,
    ) -> Result<StreamDescription, KinesisError> {
        let limit = page_limit(limit, "limit", DESCRIBE_PAGE)?;
        self.admit(now, RateName::DescribeStream, stream, None)?;
        let found = self.find(now, stream)?;
        let status = found.status();
        let mut listed = match status {
            StreamStatus::Creating => Vec::new(),
            _ => list(&found, now, exclusive_start, limit, |_| true),
        };
        let has_more_shards = listed.len() > limit;
        listed.truncate(limit);
        Ok(StreamDescription {
            stream: found.name.clone(),
            arn: self.arn(&found.name),
            status,
            shards: listed,
            has_more_shards,
            retention: found.retention(),
            created: found.created,
            configuration: configuration(&found),
        })
    }

    /// DescribeStreamSummary. A stream in CREATING has no open shards yet (unverified).
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`.
    pub fn describe_stream_summary(
        &self,
        now: Timestamp,
        stream: &str,
    ) -> Result<StreamSummary, KinesisError> {
        self.admit(now, RateName::DescribeStreamSummary, stream, None)?;
        let found = self.find(now, stream)?;
        let status = found.status();
        let open_shards = match status {
            StreamStatus::Creating => 0,
            _ => found.map().open_count(),
        };
        let consumers = found.control().consumers.count(now);
        Ok(StreamSummary {
            stream: found.name.clone(),
            arn: self.arn(&found.name),
            status,
            retention: found.retention(),
            created: found.created,
            open_shards,
            max_record_bytes: found.max_record_bytes(),
            consumers,
            configuration: configuration(&found),
        })
    }

    /// ListShards: at most `limit` shards (1 to 10,000, cut to 1,000) after `exclusive_start` that pass the filter, in
    /// order of their numbers, and whether more follow.
    ///
    /// # Errors
    /// `ResourceNotFound`; `LimitExceeded`; `ResourceInUse` while CREATING (unverified); `Validation` for a limit out of
    /// range.
    pub fn list_shards(
        &self,
        now: Timestamp,
        stream: &str,
        filter: ShardFilter,
        limit: Option<u32>,
        exclusive_start: Option<ShardId>,
    ) -> Result<(Vec<ShardDescription>, bool), KinesisError> {
        let limit = page_limit(limit, "maxResults", SHARDS_PAGE)?;
        let found = self.find(now, stream)?;
        self.admit(now, RateName::ListShards, stream, Some(&found))?;
        let status = found.status();
        if status == StreamStatus::Creating {
            return Err(self.refuse(stream).not_active(status.as_str()));
        }
        // A time before the horizon is raised to it (API reference); before the stream there was nothing.
        let horizon = found.horizon(now).max(found.created);
        let mut listed = list(&found, now, exclusive_start, limit, |shard| match filter {
            ShardFilter::FromTrimHorizon => true,
            ShardFilter::AfterShardId(after) => shard.description.shard > after,
            ShardFilter::AtTrimHorizon => was_open(shard, horizon),
            ShardFilter::AtLatest => shard.closed.is_none(),
            ShardFilter::AtTimestamp(time) => was_open(shard, time.max(horizon)),
            ShardFilter::FromTimestamp(time) => shard
                .closed
                .is_none_or(|closed| closed >= time.max(horizon)),
        });
        let more = listed.len() > limit;
        listed.truncate(limit);
        Ok((listed, more))
    }

    /// Whether the stream of this name is the one that was created at `created`, for requests that distinguish streams
    /// which had the same name one after another. Times are compared in milliseconds, or in seconds where a client's
    /// format has no more (unverified).
    ///
    /// # Errors
    /// `ResourceNotFound` when there is none or another one.
    pub fn check_created(
        &self,
        now: Timestamp,
        stream: &str,
        created: Timestamp,
    ) -> Result<(), KinesisError> {
        let found = self.find(now, stream)?;
        let is_whole = created.as_millis().is_multiple_of(1_000);
        let same = created.as_millis() == found.created.as_millis()
            || is_whole && created.as_secs() == found.created.as_secs();
        if same {
            Ok(())
        } else {
            Err(self.refuse(stream).no_stream())
        }
    }

    /// A number of the stream that no other one has, one of the same name before or after it included.
    ///
    /// # Errors
    /// `ResourceNotFound`.
    pub fn incarnation(&self, now: Timestamp, stream: &str) -> Result<u64, KinesisError> {
        self.find(now, stream).map(|found| found.incarnation)
    }

    /// What is said of a stream that is not there.
    pub fn missing(&self, stream: &str) -> KinesisError {
        self.refuse(stream).no_stream()
    }

    /// ListStreams: at most `limit` names (1 to 10,000, cut to 100) after `exclusive_start` in order, and whether more
    /// follow.
    ///
    /// # Errors
    /// `LimitExceeded`; `Validation` for a limit out of range.
    pub fn list_streams(
        &self,
        now: Timestamp,
        limit: Option<u32>,
        exclusive_start: Option<&str>,
    ) -> Result<(Vec<StreamName>, bool), KinesisError> {
        let (listed, more) = self.list_stream_summaries(now, limit, exclusive_start)?;
        Ok((
            listed.into_iter().map(|listing| listing.stream).collect(),
            more,
        ))
    }

    /// ListStreams with its StreamSummaries: one call of it, as [`Self::list_streams`].
    ///
    /// # Errors
    /// As [`Self::list_streams`].
    pub fn list_stream_summaries(
        &self,
        now: Timestamp,
        limit: Option<u32>,
        exclusive_start: Option<&str>,
    ) -> Result<(Vec<StreamListing>, bool), KinesisError> {
        let limit = page_limit(limit, "limit", STREAMS_PAGE)?;
        self.admit(now, RateName::ListStreams, "", None)?;
        let table = self.table_at(now);
        let mut listed: Vec<StreamListing> = table
            .values()
            .filter(|found| exclusive_start.is_none_or(|start| found.name.as_str() > start))
            .take(limit + 1)
            .map(|found| StreamListing {
                stream: found.name.clone(),
                arn: self.arn(&found.name),
                status: found.status(),
                mode: found.control().mode(),
                created: found.created,
            })
            .collect();
        let more = listed.len() > limit;
        listed.truncate(limit);
        Ok((listed, more))
    }
}

fn configuration(stream: &Stream) -> StreamConfiguration {
    let control = stream.control();
    let mode = control.mode();
    StreamConfiguration {
        mode,
        encryption: control.encryption.clone(),
        metrics: control.metrics.iter().copied().collect(),
        distribution: (mode == StreamMode::OnDemand).then(|| stream.distribution()),
        warm_throughput: control.warm_mib.map(|mib| WarmThroughput {
            target_mib_per_s: mib,
            current_mib_per_s: control.warmed_mib,
        }),
        max_record_bytes: stream.max_record_bytes(),
    }
}

fn was_open(shard: &Listed, time: Timestamp) -> bool {
    shard.opened <= time && shard.closed.is_none_or(|closed| closed >= time)
}

/// The shards after `exclusive_start` that are inside retention and wanted: up to `limit + 1`, in order of number.
fn list(
    stream: &Stream,
    now: Timestamp,
    exclusive_start: Option<ShardId>,
    limit: usize,
    wanted: impl Fn(&Listed) -> bool,
) -> Vec<ShardDescription> {
    let horizon = stream.horizon(now);
    let first = exclusive_start.map_or(0, |start| start.number() as usize + 1);
    let map = stream.map();
    map.shards()
        .iter()
        .skip(first)
        .filter_map(|shard| shard.describe(horizon))
        .filter(wanted)
        .map(|listed| listed.description)
        .take(limit + 1)
        .collect()
}
