//! SubscribeToShard: a stream of events that is written as fast as its reader takes it.
//!
//! The next event is asked for when the connection has room for it: a slow reader holds one event, and the records wait
//! in their log.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::StatusCode;
use hyper::body::Frame;
use tokio::sync::watch;

use super::answer::{Answer, Content};
use super::untaken::Untaken;
use crate::base::Clock;
use crate::dispatch::select;
use crate::host::{DryRun, Host, Subscription};
use crate::kinesis::arn::ConsumerArn;
use crate::kinesis::delays::DelayName;
use crate::kinesis::operation::End;
use crate::kinesis::{ErrorCode, KinesisError};
use crate::wire::{Codec, Value, event_stream};

struct Open {
    subscription: Subscription,
    codec: Codec,
    step: Step,
    stopping: watch::Receiver<bool>,
    untaken: Arc<Untaken>,
    clock: Clock,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Follow,
    /// The last frame was sent.
    Done,
}

/// Begins a subscription. What is wrong with it before its first event is an ordinary error.
pub(super) async fn answer(
    host: Arc<Host>,
    codec: Codec,
    input: &Value,
    stopping: watch::Receiver<bool>,
    untaken: &Arc<Untaken>,
) -> Answer {
    let subscription = match begin(&host, input).await {
        Ok(subscription) => subscription,
        Err(error) => return Answer::refused(codec, &error),
    };
    let open = Open {
        subscription,
        codec,
        step: Step::Begin,
        stopping,
        untaken: Arc::clone(untaken),
        clock: host.clock(),
    };
    let frames = stream::unfold(open, |mut open| async move {
        let bytes = next(&mut open).await?;
        Some((Ok::<_, Infallible>(Frame::data(bytes)), open))
    });
    Answer {
        status: StatusCode::OK,
        content_type: Some(event_stream::CONTENT_TYPE),
        code: "ok".into(),
        content: Content::Stream(StreamBody::new(frames).boxed_unsync()),
    }
}

async fn begin(host: &Arc<Host>, input: &Value) -> Result<Subscription, KinesisError> {
    let account = host.account();
    let consumer = input.str("ConsumerARN").unwrap_or_default();
    let arn: ConsumerArn = consumer.parse()?;
    let stream = arn.stream.stream.as_str();
    let shard = select::shard(account, stream, input.str("ShardId"))?;
    let place = input.get("StartingPosition");
    let position = select::position(
        account,
        stream,
        shard,
        place
            .and_then(|place| place.str("Type"))
            .unwrap_or_default(),
        place.and_then(|place| place.str("SequenceNumber")),
        place.and_then(|place| place.timestamp("Timestamp")),
    )?;
    if input.is_true("DryRun") {
        let call = DryRun::SubscribeToShard {
            consumer_arn: consumer,
            shard,
            position,
        };
        let kind = DelayName::GetShardIterator;
        return host
            .call(kind, |account, now| Err(account.dry_run(now, call)))
            .await;
    }
    host.subscribe(consumer, shard, position).await
}

/// The next frame, as soon as there is one; `None` when the stream is over.
async fn next(open: &mut Open) -> Option<Bytes> {
    match open.step {
        Step::Begin => {
            open.step = Step::Follow;
            return Some(event_stream::initial_response(open.codec));
        }
        Step::Follow => {}
        Step::Done => return None,
    }
    // What other subscriptions and answers left untaken goes first; records wait in their log.
    open.untaken.room(open.clock).await;
    let event = tokio::select! {
        event = open.subscription.next() => event,
        _ = open.stopping.wait_for(|stopping| *stopping) => return None,
    };
    match event {
        Ok(event) => {
            // So far it is a view of the log; its bytes are written when there is room for them, however long it took.
            open.untaken.room(open.clock).await;
            let bytes = event_stream::subscribe_event(open.codec, &event);
            Some(open.untaken.count_anyway(open.clock.now(), bytes))
        }
        Err(end) => {
            open.step = Step::Done;
            let (code, text) = failure(end)?;
            Some(event_stream::exception(open.codec, code.as_str(), text))
        }
    }
}

/// What a reader is told at the end; nothing where the stream simply ends. Texts are unverified.
fn failure(end: End) -> Option<(ErrorCode, &'static str)> {
    match end {
        End::Expired | End::ShardEnd | End::Closed => None,
        End::TakenOver => Some((
            ErrorCode::ResourceInUse,
            "Another active subscription exists for this consumer.",
        )),
        End::ConsumerDeleted => Some((
            ErrorCode::ResourceNotFound,
            "The consumer of this subscription was deregistered.",
        )),
        End::StreamDeleted => Some((
            ErrorCode::ResourceNotFound,
            "The stream of this subscription was deleted.",
        )),
    }
}
