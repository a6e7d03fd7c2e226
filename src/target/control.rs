//! Calls that make, change and end streams: a run's set-up and its events.

use std::time::Duration;

use super::{Behind, CallError, Target, patiently, patiently_creating};
use crate::kinesis::configuration::StreamMode;
use crate::kinesis::operation::{
    CreateStream, MergeShards, NewStream, ShardCountUpdate, ShardDescription, ShardFilter,
    SplitShard, StreamStatus, StreamSummary,
};
use crate::kinesis::{ErrorCode, RangeFlaw, ShardId};

/// What a run needs to know of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamState {
    /// The stream's ARN, which names its region and account.
    pub arn: String,
    /// Its status.
    pub status: StreamStatus,
    /// How many of its shards take records.
    pub open_shards: u32,
    /// How long records are kept.
    pub retention: Duration,
    /// Whether its capacity is its own affair, and it is billed by the gigabyte.
    pub on_demand: bool,
}

/// Whether a stream that is to be deleted was there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existence {
    /// The service said so.
    Certain,
    /// It was asked for, and nobody knows what became of that: it may come to be later.
    Possible,
}

impl From<StreamSummary> for StreamState {
    fn from(summary: StreamSummary) -> Self {
        Self {
            arn: summary.arn,
            status: summary.status,
            open_shards: summary.open_shards,
            retention: summary.retention,
            on_demand: summary.configuration.mode == StreamMode::OnDemand,
        }
    }
}

/// How often a list of shards with a flaw is asked for, and the time between.
const LIST_TRIES: u32 = 5;
const LIST_AGAIN_AFTER: Duration = Duration::from_millis(200);

const FLAWED_LIST: &str = "a list of open shards that does not have every hash key exactly once";

/// What keeps the open shards of a list from holding every hash key exactly once.
pub fn flaw_of(shards: &[ShardDescription]) -> Option<RangeFlaw> {
    let open = shards.iter().filter(|shard| shard.is_open());
    RangeFlaw::of(open.map(|shard| shard.hash_key_range))
}

impl Target {
    /// DescribeStreamSummary; nothing when there is no such stream.
    ///
    /// # Errors
    /// As the service answers otherwise, or does not.
    pub async fn find_stream(&self, stream: &str) -> Result<Option<StreamState>, CallError> {
        let answer = patiently(self.clock(), || self.describe(stream)).await;
        match answer {
            Ok(state) => Ok(Some(state)),
            Err(error) if error.code() == Some(ErrorCode::ResourceNotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// CreateStream, with its retention in hours, waited for until ACTIVE.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn create_stream(
        &self,
        request: &CreateStream,
        retention_hours: u32,
    ) -> Result<StreamState, CallError> {
        self.ask_for_stream(&NewStream::from(request)).await?;
        self.settle_stream(request.stream.as_str(), retention_hours)
            .await
    }

    /// CreateStream alone. Only its own refusal says that somebody else has a stream of this name.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn ask_for_stream(&self, new: &NewStream) -> Result<(), CallError> {
        patiently_creating(self.clock(), || self.create(new)).await
    }

    /// Waits until a stream that was asked for is ACTIVE, and sets how many hours its records are kept.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn settle_stream(
        &self,
        stream: &str,
        retention_hours: u32,
    ) -> Result<StreamState, CallError> {
        let state = self.wait_active(stream).await?;
        if retention_hours > 24 {
            patiently(self.clock(), || {
                self.increase_retention(stream, retention_hours)
            })
            .await?;
        }
        Ok(state)
    }

    /// DeleteStream: the stream goes with its consumers. Over the network it is asked for until the stream is gone, or for
    /// `patience`; an absence of one that was only possible is watched half a minute longer.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn end_stream(
        &self,
        stream: &str,
        existence: Existence,
        patience: Duration,
    ) -> Result<(), CallError> {
        match self.behind() {
            // One account, one order of calls: it is known what is there.
            Behind::Host(host) => {
                let _ = (existence, patience);
                Ok(host.delete_stream(stream).await?)
            }
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.end(stream, existence, patience)).await,
        }
    }

    /// Waits until the stream is ACTIVE.
    ///
    /// # Errors
    /// As DescribeStreamSummary answers, or does not.
    pub async fn wait_active(&self, stream: &str) -> Result<StreamState, CallError> {
        match self.behind() {
            Behind::Host(host) => {
                let active = patiently(self.clock(), || async {
                    host.wait_active(stream).await.map_err(CallError::from)
                });
                Ok(active.await?.into())
            }
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.wait_active(stream)).await,
        }
    }

    /// All shards that the filter lets through, page after page.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn list_shards(
        &self,
        stream: &str,
        filter: ShardFilter,
    ) -> Result<Vec<ShardDescription>, CallError> {
        let host = match self.behind() {
            Behind::Host(host) => host,
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => return Box::pin(sdk.list_shards(stream, filter)).await,
        };
        let page = |after: Option<ShardId>| {
            patiently(self.clock(), move || async move {
                Ok::<_, CallError>(host.list_shards(stream, filter, after).await?)
            })
        };
        let (mut shards, mut more) = page(None).await?;
        while more {
            let (next, next_has_more) = page(shards.last().map(|shard| shard.shard)).await?;
            more = next_has_more && !next.is_empty();
            shards.extend(next);
        }
        Ok(shards)
    }

    /// All shards of a stream that nobody changes at the moment. A list whose open shards do not hold every hash key exactly
    /// once, as one between two states of a reshard may, is asked for again for a moment; what it says then is taken, with a
    /// finding.
    ///
    /// # Errors
    /// As the service answers, or does not, and when the list has no open shard: there is nothing to write to or to read.
    pub async fn list_whole(
        &self,
        stream: &str,
        filter: ShardFilter,
    ) -> Result<Vec<ShardDescription>, CallError> {
        for last in (0..LIST_TRIES).rev().map(|left| left == 0) {
            let shards = self.list_shards(stream, filter).await?;
            let Some(flaw) = flaw_of(&shards) else {
                return Ok(shards);
            };
            if !last {
                self.clock().sleep(LIST_AGAIN_AFTER).await;
                continue;
            }
            self.note(FLAWED_LIST, &flaw.to_string(), 1);
            if shards.iter().any(ShardDescription::is_open) {
                return Ok(shards);
            }
        }
        Err(CallError::Foreign {
            code: "ListShards".to_owned(),
            message: "it lists no open shard of a stream that is ACTIVE".to_owned(),
            again: false,
        })
    }

    /// SplitShard.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn split_shard(&self, stream: &str, request: SplitShard) -> Result<(), CallError> {
        match self.behind() {
            Behind::Host(host) => Ok(host.split_shard(stream, request).await?),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.split_shard(stream, request)).await,
        }
    }

    /// MergeShards.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn merge_shards(&self, stream: &str, request: MergeShards) -> Result<(), CallError> {
        match self.behind() {
            Behind::Host(host) => Ok(host.merge_shards(stream, request).await?),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.merge_shards(stream, request)).await,
        }
    }

    /// UpdateShardCount.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn update_shard_count(
        &self,
        stream: &str,
        target: u32,
    ) -> Result<ShardCountUpdate, CallError> {
        match self.behind() {
            Behind::Host(host) => Ok(host.update_shard_count(stream, target).await?),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.update_shard_count(stream, target)).await,
        }
    }

    async fn describe(&self, stream: &str) -> Result<StreamState, CallError> {
        match self.behind() {
            Behind::Host(host) => Ok(host.describe_stream_summary(stream).await?.into()),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.describe(stream)).await,
        }
    }

    async fn create(&self, new: &NewStream) -> Result<(), CallError> {
        match self.behind() {
            Behind::Host(host) => Ok(host.create_stream_with(new).await?),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.create_stream(new)).await,
        }
    }

    async fn increase_retention(&self, stream: &str, hours: u32) -> Result<(), CallError> {
        match self.behind() {
            Behind::Host(host) => Ok(host.increase_retention(stream, hours).await?),
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.increase_retention(stream, hours)).await,
        }
    }
}
