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
use crate::dispatch::select;
use crate::host::{DryRun, Host};
use crate::kinesis::arn::ConsumerArn;
use crate::kinesis::delays::DelayName;
use crate::kinesis::operation::{End, SubscriptionId};
use crate::kinesis::{ErrorCode, KinesisError, ShardId, StreamName};
use crate::wire::{Codec, Value, event_stream};

/// A subscription that was begun. Dropped with its connection, it is closed.
struct Begun {
    host: Arc<Host>,
    id: SubscriptionId,
    stream: StreamName,
    shard: ShardId,
}

struct Open {
    begun: Begun,
    codec: Codec,
    step: Step,
    stopping: watch::Receiver<bool>,
    untaken: Arc<Untaken>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Follow,
    /// The last frame was sent.
    Done,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.host.account().close_subscription(self.id);
    }
}

/// Begins a subscription. What is wrong with it before its first event is an ordinary error.
pub(super) async fn answer(
    host: Arc<Host>,
    codec: Codec,
    input: &Value,
    stopping: watch::Receiver<bool>,
    untaken: &Arc<Untaken>,
) -> Answer {
    let begun = match begin(&host, input).await {
        Ok(begun) => begun,
        Err(error) => return Answer::refused(codec, &error),
    };
    let open = Open {
        begun,
        codec,
        step: Step::Begin,
        stopping,
        untaken: Arc::clone(untaken),
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

async fn begin(host: &Arc<Host>, input: &Value) -> Result<Begun, KinesisError> {
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
    let dry_run = input.is_true("DryRun");
    host.call(DelayName::GetShardIterator, |account, now| {
        if dry_run {
            let call = DryRun::SubscribeToShard {
                consumer_arn: consumer,
                shard,
                position,
            };
            return Err(account.dry_run(now, call));
        }
        let id = account.subscribe_to_shard(now, consumer, shard, position)?;
        // Its client may go away while the answer is delayed.
        Ok(Begun {
            host: Arc::clone(host),
            id,
            stream: arn.stream.stream.clone(),
            shard,
        })
    })
    .await
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
    let begun = &open.begun;
    loop {
        // What other subscriptions and answers left untaken goes first; records wait in their log.
        open.untaken.room(begun.host.clock()).await;
        begun.host.settle();
        // Noted before looking, so that a record that comes between the two is not slept over.
        let noted = begun.host.writes(begun.stream.as_str(), begun.shard);
        let now = begun.host.clock().now();
        let poll = begun.host.account().poll_subscription(now, begun.id);
        if poll.ended.is_some() {
            open.step = Step::Done;
        }
        if let Some(event) = poll.event {
            let event = event_stream::subscribe_event(
                open.codec,
                &event.records,
                event.continuation,
                event.millis_behind_latest,
                &event.child_shards,
            );
            return Some(open.untaken.count_anyway(now, event));
        }
        if let Some(end) = poll.ended {
            let (code, text) = failure(end)?;
            return Some(event_stream::exception(open.codec, code.as_str(), text));
        }
        let deadline = poll.next_poll?;
        tokio::select! {
            () = begun.host.wait_for_records(begun.stream.as_str(), begun.shard, noted, deadline) => {}
            _ = open.stopping.wait_for(|stopping| *stopping) => return None,
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
