//! The streams that a run made at a target that outlives it, and their end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::kinesis::{ErrorCode, StreamName};
use crate::target::{CallError, Target};

/// How long a stream's deletion is tried. Deletions are asked for together, so this is the longest that a run's end is
/// held up by a target that does not answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The wait before a stream that is still being made, or whose deletion got no answer, is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// How often a deletion may get no answer.
const UNANSWERED_MAX: u32 = 3;

/// Streams to be deleted when the run is over, however it ends. The engine in this process needs none of it: its streams
/// end with it.
#[derive(Debug)]
pub(super) struct Created {
    target: Target,
    names: Mutex<Vec<StreamName>>,
}

impl Created {
    pub(super) const fn new(target: Target) -> Self {
        Self {
            target,
            names: Mutex::new(Vec::new()),
        }
    }

    /// Notes a stream before its creation is asked for: an answer that never comes may have been a success.
    pub(super) fn note(&self, stream: &StreamName) {
        if self.target.host().is_none() {
            self.names().push(stream.clone());
        }
    }

    /// The stream turned out to be somebody else's.
    pub(super) fn forget(&self, stream: &StreamName) {
        self.names().retain(|name| name != stream);
    }

    /// Deletes what was noted; gives what could not be, with the reason.
    pub(super) async fn delete_all(&self) -> Vec<(StreamName, String)> {
        let names = std::mem::take(&mut *self.names());
        let deleted = names.into_iter().map(|name| async {
            let result = self.delete(&name).await;
            result.err().map(|error| (name, error.to_string()))
        });
        join_all(deleted).await.into_iter().flatten().collect()
    }

    async fn delete(&self, stream: &StreamName) -> Result<(), CallError> {
        let clock = self.target.clock();
        let tried = async {
            let mut unanswered = 0;
            loop {
                match self.target.delete_stream(stream.as_str()).await {
                    Err(error) if error.code() == Some(ErrorCode::ResourceNotFound) => {
                        return Ok(());
                    }
                    Err(error) if error.code() == Some(ErrorCode::ResourceInUse) => {
                        clock.sleep(AGAIN_AFTER).await;
                    }
                    // A second deletion does no harm.
                    Err(CallError::Unanswered(_)) if unanswered < UNANSWERED_MAX => {
                        unanswered += 1;
                        clock.sleep(AGAIN_AFTER).await;
                    }
                    answer => return answer,
                }
            }
        };
        tokio::select! {
            biased;
            answer = tried => answer,
            () = clock.sleep(PATIENCE) => Err(CallError::Unanswered(format!(
                "the stream was not deleted within {} s",
                PATIENCE.as_secs()
            ))),
        }
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Vec<StreamName>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
