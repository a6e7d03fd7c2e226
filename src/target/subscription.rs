//! SubscribeToShard: the one call that is answered for minutes.

use super::{CallError, Target, patiently};
use crate::base::Timestamp;
use crate::host;
use crate::kinesis::operation::{End, IteratorPosition, SubscriptionEvent};
use crate::kinesis::{ErrorCode, KinesisError, ShardId};

/// An event and when it came.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// The event.
    pub event: SubscriptionEvent,
    /// When its last byte was there, before anything in it was decoded.
    pub at: Timestamp,
    /// How far behind the tip it was, where the event says so in a way that can be.
    pub behind_ms: Option<u64>,
}

/// A subscription to one shard. Dropped, it is given up.
#[derive(Debug)]
pub enum Subscription {
    /// To the engine in this process.
    Host(host::Subscription),
    /// Over the network.
    #[cfg(feature = "aws")]
    Sdk(Box<super::sdk::Subscription>),
}

impl Target {
    /// SubscribeToShard; answered when the service has begun to push. `stream` is the name that findings and shards are
    /// known by.
    ///
    /// # Errors
    /// As the service answers, or does not. The target with a script has no subscriptions.
    pub async fn subscribe(
        &self,
        stream: &str,
        consumer_arn: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<Subscription, CallError> {
        match self {
            Self::Embedded(host) => {
                let _ = stream;
                let opened = host.subscribe(consumer_arn, shard, position).await?;
                Ok(Subscription::Host(opened))
            }
            Self::Scripted(_) => Err(CallError::Unsent(
                "a target with a script pushes nothing: only polling consumers can read from it"
                    .to_owned(),
            )),
            #[cfg(feature = "aws")]
            Self::Sdk(sdk) => {
                let opened = sdk.subscribe(stream, consumer_arn, shard, position);
                Ok(Subscription::Sdk(Box::new(Box::pin(opened).await?)))
            }
            // A subscription is one call for minutes: how dear it is to make is not measured.
            #[cfg(feature = "aws")]
            Self::Lean(lean) => {
                let opened = lean.sdk().subscribe(stream, consumer_arn, shard, position);
                Ok(Subscription::Sdk(Box::new(Box::pin(opened).await?)))
            }
        }
    }

    /// SubscribeToShard for a reader that is being set up: waits for its turn.
    ///
    /// # Errors
    /// As [`Self::subscribe`].
    pub async fn first_subscription(
        &self,
        stream: &str,
        consumer_arn: &str,
        shard: ShardId,
        position: IteratorPosition,
    ) -> Result<Subscription, CallError> {
        patiently(self.clock(), || {
            self.subscribe(stream, consumer_arn, shard, position)
        })
        .await
    }
}

impl Subscription {
    /// The next event; nothing once the subscription is over, because it lasted as long as one may or its shard ended.
    ///
    /// # Errors
    /// As the service says in the midst of its events, or when they cannot be read.
    pub async fn next(&mut self, target: &Target) -> Result<Option<Pushed>, CallError> {
        match self {
            Self::Host(subscription) => match subscription.next().await {
                Ok(event) => Ok(Some(Pushed {
                    behind_ms: Some(event.millis_behind_latest),
                    event,
                    at: target.clock().now(),
                })),
                Err(End::Expired | End::ShardEnd | End::Closed) => Ok(None),
                Err(End::TakenOver) => Err(refused(
                    ErrorCode::ResourceInUse,
                    "another subscription of this consumer took the shard",
                )),
                Err(End::ConsumerDeleted) => Err(refused(
                    ErrorCode::ResourceNotFound,
                    "the consumer was deregistered",
                )),
                Err(End::StreamDeleted) => Err(refused(
                    ErrorCode::ResourceNotFound,
                    "the stream was deleted",
                )),
            },
            #[cfg(feature = "aws")]
            Self::Sdk(subscription) => subscription.next().await,
        }
    }
}

fn refused(code: ErrorCode, message: &str) -> CallError {
    KinesisError::new(code, message).into()
}
