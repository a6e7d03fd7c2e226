//! Calls that make, change and end streams.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;

use aws_sdk_kinesis::operation::create_stream::builders::CreateStreamFluentBuilder;
use aws_sdk_kinesis::types::{ScalingType, Shard, ShardFilter as SdkFilter, ShardFilterType};
use aws_sdk_kinesis::types::{StreamMode as SdkMode, StreamModeDetails, StreamStatus as SdkStatus};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::Sdk;
use super::error::call_error;
use super::read::ends;
use crate::base::Timestamp;
use crate::kinesis::operation::{
    MergeShards, NewStream, ShardCountUpdate, ShardDescription, ShardFilter, SplitShard,
    StreamMode, StreamOptions, StreamStatus,
};
use crate::target::patience::{patiently, within};
use crate::target::{CallError, StreamState};

/// How long a call that is not measured may stay without an answer.
pub(in crate::target) const PATIENCE: Duration = Duration::from_secs(30);

/// The largest record of a stream that does not ask for another.
const MAX_RECORD_DEFAULT_BYTES: u64 = 1 << 20;

/// The shortest and the longest wait between two looks at a stream that is not ACTIVE yet. Local engines take
/// milliseconds, AWS takes up to minutes.
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// A stream that is not ACTIVE after this long will not be.
pub const ACTIVE_WITHIN: Duration = Duration::from_mins(10);

/// The most pages of a list of shards: a service that always has another would never end.
const PAGES_MAX: usize = 1_000;

impl Sdk {
    /// The answer to a call that is not measured, within [`PATIENCE`]. Boxed, because calls of the SDK have tens of KiB.
    pub(super) fn answered<T, E, C>(
        &self,
        call: C,
    ) -> Pin<Box<impl Future<Output = Result<T, CallError>> + use<T, E, C>>>
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        C: Future<Output = Result<T, SdkError<E, Response>>>,
    {
        let answer = async move { call.await.map_err(call_error) };
        Box::pin(within(PATIENCE, self.clock, answer))
    }

    pub(in crate::target) async fn describe(&self, stream: &str) -> Result<StreamState, CallError> {
        let call = self
            .client
            .describe_stream_summary()
            .stream_name(self.service_name(stream))
            .send();
        let answer = self.answered(call).await?;
        let unreadable =
            || CallError::Unanswered("DescribeStreamSummary names no stream".to_owned());
        let summary = answer.stream_description_summary.ok_or_else(unreadable)?;
        let status = match &summary.stream_status {
            SdkStatus::Active => StreamStatus::Active,
            SdkStatus::Creating => StreamStatus::Creating,
            SdkStatus::Deleting => StreamStatus::Deleting,
            SdkStatus::Updating => StreamStatus::Updating,
            other => {
                self.judge
                    .note("a stream status that Kinesis does not have", other.as_str());
                StreamStatus::Updating
            }
        };
        let hours = u64::try_from(summary.retention_period_hours).unwrap_or_default();
        Ok(StreamState {
            arn: summary.stream_arn,
            status,
            open_shards: u32::try_from(summary.open_shard_count).unwrap_or_default(),
            retention: Duration::from_hours(hours),
            on_demand: summary
                .stream_mode_details
                .is_some_and(|details| details.stream_mode == SdkMode::OnDemand),
        })
    }

    pub(in crate::target) async fn wait_active(
        &self,
        stream: &str,
    ) -> Result<StreamState, CallError> {
        let (mut wait, longest) = LOOKS;
        let deadline = self.clock.now().plus(ACTIVE_WITHIN);
        loop {
            let state = patiently(self.clock, || self.describe(stream)).await?;
            if state.status == StreamStatus::Active {
                return Ok(state);
            }
            if self.clock.now() >= deadline {
                return Err(CallError::Unanswered(format!(
                    "the stream is still {} after {} s",
                    state.status.as_str(),
                    ACTIVE_WITHIN.as_secs()
                )));
            }
            self.clock.sleep(wait).await;
            wait = (wait * 2).min(longest);
        }
    }

    pub(in crate::target) async fn create_stream(&self, new: &NewStream) -> Result<(), CallError> {
        let call = self.creation(new)?;
        self.answered(call.send()).await.map(drop)
    }

    /// The call that makes a stream.
    pub(super) fn creation(&self, new: &NewStream) -> Result<CreateStreamFluentBuilder, CallError> {
        let StreamOptions {
            shards,
            mode,
            max_record_bytes,
            ..
        } = new.options;
        // What is the default is not said: engines that do not know the member refuse it.
        let larger = max_record_bytes.filter(|bytes| *bytes > MAX_RECORD_DEFAULT_BYTES);
        let kib = larger.map(|bytes| (bytes / 1_024) as i32);
        let on_demand = (mode == Some(StreamMode::OnDemand)).then(|| {
            let details = StreamModeDetails::builder().stream_mode(SdkMode::OnDemand);
            details.build()
        });
        let on_demand = on_demand.transpose();
        let on_demand = on_demand.map_err(|error| CallError::Unsent(error.to_string()))?;
        Ok(self
            .client
            .create_stream()
            .stream_name(self.service_name(new.name.as_str()))
            .set_shard_count(shards.map(|shards| shards as i32))
            .set_stream_mode_details(on_demand)
            .set_max_record_size_in_kib(kib))
    }

    pub(in crate::target) async fn delete_stream(&self, stream: &str) -> Result<(), CallError> {
        let call = self
            .client
            .delete_stream()
            .stream_name(self.service_name(stream))
            .enforce_consumer_deletion(true)
            .send();
        self.answered(call).await.map(drop)
    }

    pub(in crate::target) async fn increase_retention(
        &self,
        stream: &str,
        hours: u32,
    ) -> Result<(), CallError> {
        let call = self
            .client
            .increase_stream_retention_period()
            .stream_name(self.service_name(stream))
            .retention_period_hours(hours as i32)
            .send();
        self.answered(call).await.map(drop)
    }

    pub(in crate::target) async fn list_shards(
        &self,
        stream: &str,
        filter: ShardFilter,
    ) -> Result<Vec<ShardDescription>, CallError> {
        let unreadable = || {
            CallError::Unanswered(
                "ListShards answered in a way that cannot be read (see the findings)".to_owned(),
            )
        };
        let wanted = self.filter(stream, filter)?;
        let endless = |why: &str| {
            self.judge.note("a list of shards without an end", why);
            CallError::Foreign {
                code: "ListShards".to_owned(),
                message: format!("the list has no end: {why}"),
                again: false,
            }
        };
        let (mut shards, mut listed) = (Vec::new(), BTreeSet::new());
        let mut token = None::<String>;
        for _ in 0..PAGES_MAX {
            let answer = patiently(self.clock, || async {
                let call = self.client.list_shards();
                // A token stands for the stream and the filter: the service refuses both beside it.
                let call = match &token {
                    Some(token) => call.next_token(token),
                    None => call
                        .stream_name(self.service_name(stream))
                        .set_shard_filter(wanted.clone()),
                };
                self.answered(call.send()).await
            })
            .await?;
            for shard in answer.shards() {
                let shard = self.shard(stream, shard).ok_or_else(unreadable)?;
                if listed.insert(shard.shard) {
                    shards.push(shard);
                } else {
                    self.judge
                        .note("ListShards names a shard twice", &shard.shard.to_string());
                }
            }
            let next = answer.next_token.filter(|next| !next.is_empty());
            if next.is_none() {
                if filter == ShardFilter::AtLatest {
                    // Not every engine knows filters.
                    shards.retain(ShardDescription::is_open);
                }
                return Ok(shards);
            }
            if next == token {
                return Err(endless("it gives the NextToken that it was asked with"));
            }
            token = next;
        }
        Err(endless(&format!(
            "there is a NextToken after {PAGES_MAX} pages"
        )))
    }

    /// The filter as the service takes it; nothing for what it does by itself.
    fn filter(&self, stream: &str, filter: ShardFilter) -> Result<Option<SdkFilter>, CallError> {
        let at = |time: Timestamp| DateTime::from_millis(time.as_millis() as i64);
        let of = |kind| SdkFilter::builder().r#type(kind);
        let filter = match filter {
            ShardFilter::FromTrimHorizon => return Ok(None),
            ShardFilter::AfterShardId(shard) => {
                of(ShardFilterType::AfterShardId).shard_id(self.judge.shard_name(stream, shard))
            }
            ShardFilter::AtTrimHorizon => of(ShardFilterType::AtTrimHorizon),
            ShardFilter::AtLatest => of(ShardFilterType::AtLatest),
            ShardFilter::AtTimestamp(time) => of(ShardFilterType::AtTimestamp).timestamp(at(time)),
            ShardFilter::FromTimestamp(time) => {
                of(ShardFilterType::FromTimestamp).timestamp(at(time))
            }
        };
        let built = filter.build();
        built
            .map(Some)
            .map_err(|error| CallError::Unsent(error.to_string()))
    }

    fn shard(&self, stream: &str, shard: &Shard) -> Option<ShardDescription> {
        let id = |text: &str| self.judge.shard(stream, text);
        let numbers = shard.sequence_number_range()?;
        let parent = |parent: Option<&str>| match parent {
            None => Some(None),
            Some(text) => id(text).map(Some),
        };
        Some(ShardDescription {
            shard: id(shard.shard_id())?,
            parent: parent(shard.parent_shard_id())?,
            adjacent_parent: parent(shard.adjacent_parent_shard_id())?,
            hash_key_range: self.judge.range(shard.hash_key_range().map(ends))?,
            starting_sequence_number: self
                .judge
                .sequence_number(numbers.starting_sequence_number())?,
            ending_sequence_number: match numbers.ending_sequence_number() {
                None => None,
                Some(text) => Some(self.judge.sequence_number(text)?),
            },
        })
    }

    pub(in crate::target) async fn split_shard(
        &self,
        stream: &str,
        request: SplitShard,
    ) -> Result<(), CallError> {
        let call = self
            .client
            .split_shard()
            .stream_name(self.service_name(stream))
            .shard_to_split(self.judge.shard_name(stream, request.shard))
            .new_starting_hash_key(request.new_starting_hash_key.to_string())
            .send();
        self.answered(call).await.map(drop)
    }

    pub(in crate::target) async fn merge_shards(
        &self,
        stream: &str,
        request: MergeShards,
    ) -> Result<(), CallError> {
        let call = self
            .client
            .merge_shards()
            .stream_name(self.service_name(stream))
            .shard_to_merge(self.judge.shard_name(stream, request.shard))
            .adjacent_shard_to_merge(self.judge.shard_name(stream, request.adjacent))
            .send();
        self.answered(call).await.map(drop)
    }

    pub(in crate::target) async fn update_shard_count(
        &self,
        stream: &str,
        target: u32,
    ) -> Result<ShardCountUpdate, CallError> {
        let call = self
            .client
            .update_shard_count()
            .stream_name(self.service_name(stream))
            .target_shard_count(target as i32)
            .scaling_type(ScalingType::UniformScaling)
            .send();
        let answer = self.answered(call).await?;
        let count = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok());
        Ok(ShardCountUpdate {
            current: count(answer.current_shard_count).unwrap_or_default(),
            target: count(answer.target_shard_count).unwrap_or(target),
        })
    }
}
