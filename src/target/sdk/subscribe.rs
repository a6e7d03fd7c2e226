//! SubscribeToShard.

use std::sync::Arc;

use aws_sdk_kinesis::operation::subscribe_to_shard::SubscribeToShardOutput;
use aws_sdk_kinesis::types::{
    ShardIteratorType, StartingPosition, SubscribeToShardEvent as SdkEvent,
    SubscribeToShardEventStream,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;

use super::Sdk;
use super::control::PATIENCE;
use super::delivery::{Came, streamed};
use super::error::call_error;
use crate::kinesis::operation::{Encrypted, IteratorPosition, SubscriptionEvent};
use crate::kinesis::{ErrorCode, KinesisError, RecordBatch, ShardId};
use crate::target::judge::chain;
use crate::target::patience::within;
use crate::target::{CallError, Pushed};

/// A subscription over the network: an answer that goes on.
#[derive(Debug)]
pub struct Subscription {
    sdk: Arc<Sdk>,
    stream: String,
    output: SubscribeToShardOutput,
    came: Came,
}

impl Sdk {
    pub(in crate::target) async fn subscribe(
        self: &Arc<Self>,
        stream: &str,
        consumer_arn: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<Subscription, CallError> {
        let place = StartingPosition::builder();
        let place = match position {
            IteratorPosition::TrimHorizon => place.r#type(ShardIteratorType::TrimHorizon),
            IteratorPosition::Latest => place.r#type(ShardIteratorType::Latest),
            IteratorPosition::AtSequenceNumber(number) => place
                .r#type(ShardIteratorType::AtSequenceNumber)
                .sequence_number(number.to_string()),
            IteratorPosition::AfterSequenceNumber(number) => place
                .r#type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(number.to_string()),
            IteratorPosition::AtTimestamp(time) => {
                let nanos = i128::from(time.as_nanos());
                place
                    .r#type(ShardIteratorType::AtTimestamp)
                    .timestamp(DateTime::from_nanos(nanos).unwrap_or(DateTime::from_secs(0)))
            }
        };
        let place = place.build();
        let place = place.map_err(|error| CallError::Unsent(error.to_string()))?;
        let call = self
            .client
            .subscribe_to_shard()
            .consumer_arn(consumer_arn)
            .shard_id(self.judge.shard_name(stream, shard))
            .starting_position(place);
        let call = async {
            let (answer, came) = streamed(call.send()).await;
            Ok((answer.map_err(call_error)?, came))
        };
        let (output, came) = Box::pin(within(PATIENCE, self.clock, call)).await?;
        Ok(Subscription {
            sdk: Arc::clone(self),
            stream: stream.to_owned(),
            output,
            came,
        })
    }

    /// An event in our words; nothing, and a finding, if it cannot be read.
    fn event(&self, stream: &str, event: SdkEvent) -> Option<SubscriptionEvent> {
        let records = event.records.into_iter().map(|record| self.record(record));
        let children = event.child_shards.unwrap_or_default();
        let children = children.iter().map(|child| self.child(stream, child));
        // The SDK shows a member that is left out as empty text.
        let number = Some(event.continuation_sequence_number).filter(|text| !text.is_empty());
        Some(SubscriptionEvent {
            records: RecordBatch::Owned(records.collect::<Option<_>>()?),
            encrypted: Encrypted::default(),
            continuation: match number {
                Some(text) => Some(self.judge.sequence_number(&text)?),
                None => None,
            },
            millis_behind_latest: event.millis_behind_latest.max(0).unsigned_abs(),
            child_shards: children.collect::<Option<_>>()?,
            trimmed_to: None,
        })
    }
}

impl Subscription {
    pub(in crate::target) async fn next(&mut self) -> Result<Option<Pushed>, CallError> {
        loop {
            let received = self.output.event_stream.recv().await;
            let at = self.came.last().unwrap_or_else(|| self.sdk.clock.now());
            let event = match received {
                Ok(Some(SubscribeToShardEventStream::SubscribeToShardEvent(event))) => event,
                Ok(Some(other)) => {
                    let what = "an event in a subscription that Kinesis does not have";
                    self.sdk.judge.note(what, &format!("{other:?}"));
                    continue;
                }
                Ok(None) => return Ok(None),
                Err(SdkError::ServiceError(said)) => {
                    let said = said.err();
                    let message = said.message().unwrap_or_default();
                    let known = said.code().and_then(ErrorCode::named);
                    return Err(match known {
                        Some(code) => KinesisError::new(code, message).into(),
                        None => CallError::Unanswered(chain(said)),
                    });
                }
                Err(error) => return Err(CallError::Unanswered(chain(&error))),
            };
            let unreadable = || {
                CallError::Unanswered(
                    "an event of SubscribeToShard cannot be read (see the findings)".to_owned(),
                )
            };
            let behind_ms = self.sdk.judge.behind_ms(Some(event.millis_behind_latest));
            let event = self.sdk.event(&self.stream, event);
            let event = event.ok_or_else(unreadable)?;
            return Ok(Some(Pushed {
                event,
                at,
                behind_ms,
            }));
        }
    }
}
