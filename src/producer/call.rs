//! One attempt: a request on its way, and what came back.

use std::panic::resume_unwind;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use crate::base::{Clock, Timestamp};
use crate::kinesis::operation::PutResult;
use crate::kinesis::{KinesisError, PutBatch, StreamName};
use crate::scenario::model::Send;
use crate::target::{CallError, Target};

use super::queue::Item;

/// The records of one attempt, with room for their answer. Used again after each attempt.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The records, in request order.
    pub(super) items: Vec<Item>,
    /// How many of them each Kinesis record of the request holds: 1 if nothing is packed.
    pub(super) counts: Vec<usize>,
    /// The Kinesis records: keys and data.
    pub(super) batch: PutBatch,
    /// The results of the Kinesis records, when the call was answered with success.
    pub(super) results: Vec<PutResult>,
    /// When it was sent.
    pub(super) sent: Timestamp,
    /// When it was answered or given up.
    pub(super) ended: Timestamp,
    /// How it ended.
    pub(super) answer: Answer,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Answer {
    /// It did not end, or not with an answer: nobody knows what became of it. With what is known of why.
    None(Option<String>),
    /// With a result for each record.
    Results,
    /// With a refusal of the whole call.
    Refused(KinesisError),
    /// With nothing stored, for a reason that is not the service's.
    Failed {
        /// In words.
        reason: String,
        /// Whether the same call may pass later.
        again: bool,
    },
}

impl Default for Answer {
    fn default() -> Self {
        Self::None(None)
    }
}

impl From<CallError> for Answer {
    fn from(error: CallError) -> Self {
        let reason = error.to_string();
        match error {
            CallError::Refused(refusal) => Self::Refused(refusal),
            CallError::Foreign { again, .. } => Self::Failed { reason, again },
            // Whoever does not answer the door may do so in a moment.
            CallError::Unsent(_) => Self::Failed {
                reason,
                again: true,
            },
            CallError::Unanswered(_) => Self::None(Some(reason)),
        }
    }
}

impl Request {
    /// The Kinesis records of the request: the number of each, its billed bytes, and the records that it holds.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, u64, &[Item])> {
        let mut rest = self.items.as_slice();
        let counts = self.counts.iter().enumerate();
        counts.filter_map(move |(index, &count)| {
            let (items, behind) = rest.split_at_checked(count)?;
            rest = behind;
            Some((index, self.batch.entry(index).billed_bytes(), items))
        })
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.counts.clear();
        self.batch.clear();
        self.results.clear();
        self.answer = Answer::default();
    }
}

/// Makes one attempt and gives the request back; without an answer in time, before `give_up` and before the run is
/// interrupted, it is left unknown.
pub(super) async fn attempt(
    target: Target,
    stream: StreamName,
    send: Send,
    clock: Clock,
    give_up: Timestamp,
    mut cancel: watch::Receiver<bool>,
    mut request: Request,
) -> Request {
    request.sent = clock.now();
    let deadline = request.sent.plus(send.timeout).min(give_up);
    let Request { batch, results, .. } = &mut request;
    let mut answered = None;
    let answer = tokio::select! {
        biased;
        answer = target.put(send.api, stream.as_str(), batch, results) => match answer {
            Ok(at) => {
                answered = Some(at);
                Answer::Results
            }
            Err(error) => error.into(),
        },
        () = clock.sleep_until(deadline) => Answer::default(),
        Ok(_) = cancel.wait_for(|cancelled| *cancelled) => Answer::default(),
    };
    request.answer = answer;
    request.ended = answered.unwrap_or_else(|| clock.now());
    request
}

/// The end of an attempt that is made on another runtime. A panic there is one here.
pub(super) async fn elsewhere(attempt: JoinHandle<Request>) -> Request {
    match attempt.await.map_err(JoinError::try_into_panic) {
        Ok(request) => request,
        Err(Ok(panic)) => resume_unwind(panic),
        // That runtime is gone, and with it everybody who could want an answer.
        Err(Err(_cancelled)) => std::future::pending().await,
    }
}
