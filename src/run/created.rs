//! The streams and consumers that a run made at a target that outlives it, and their end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::calls::OwnedStreams;
use crate::kinesis::{ConsumerName, StreamName};
use crate::target::{Existence, Target};

/// How long a stream's deletion is tried. Deletions are asked for together, so this is the longest that a run's end is
/// held up by a target that does not answer; a creation that was never answered is watched half a minute longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Streams to be deleted and consumers to be deregistered when the run is over, however it ends. The engine in this process
/// needs none of it: they end with it.
#[derive(Debug)]
pub(super) struct Created {
    target: Target,
    names: Mutex<Vec<(StreamName, Existence)>>,
    consumers: Mutex<Vec<(StreamName, ConsumerName, Existence)>>,
}

impl Created {
    pub(super) const fn new(target: Target) -> Self {
        Self {
            target,
            names: Mutex::new(Vec::new()),
            consumers: Mutex::new(Vec::new()),
        }
    }

    /// Notes a stream before its creation is asked for: an answer that never comes may have been a success.
    pub(super) fn note(&self, stream: &StreamName) {
        if self.target.host().is_none() {
            self.names().push((stream.clone(), Existence::Possible));
        }
    }

    /// Its creation was answered: it is there.
    pub(super) fn confirm(&self, stream: &StreamName) {
        for (name, existence) in self.names().iter_mut() {
            if name == stream {
                *existence = Existence::Certain;
            }
        }
    }

    /// Its creation was refused: a stream of this name is somebody else's.
    pub(super) fn forget(&self, stream: &StreamName) {
        self.names().retain(|(name, _)| name != stream);
    }

    /// Notes a consumer before its registration is asked for.
    pub(super) fn note_consumer(&self, stream: &StreamName, name: &ConsumerName) {
        if self.target.host().is_none() {
            let noted = (stream.clone(), name.clone(), Existence::Possible);
            self.consumers().push(noted);
        }
    }

    /// Its registration was answered: it is there.
    pub(super) fn confirm_consumer(&self, stream: &StreamName, name: &ConsumerName) {
        for (of, consumer, existence) in self.consumers().iter_mut() {
            if (&*of, &*consumer) == (stream, name) {
                *existence = Existence::Certain;
            }
        }
    }

    /// Its registration was refused: a consumer of this name is somebody else's.
    pub(super) fn forget_consumer(&self, stream: &StreamName, name: &ConsumerName) {
        self.consumers()
            .retain(|(of, consumer, _)| (of, consumer) != (stream, name));
    }

    /// Deregisters and deletes what was noted; gives the streams that something is left of, with the reason.
    pub(super) async fn delete_all(&self) -> Vec<(StreamName, String)> {
        let mut left = self.deregister_all().await;
        left.extend(self.delete_streams().await);
        left
    }

    /// Deregisters the consumers whose streams stay; the others go with their streams.
    pub(super) async fn deregister_all(&self) -> Vec<(StreamName, String)> {
        let mut consumers = std::mem::take(&mut *self.consumers());
        let deleted: Vec<_> = self.names().iter().map(|(name, _)| name.clone()).collect();
        consumers.retain(|(stream, ..)| !deleted.contains(stream));
        let ended = consumers
            .into_iter()
            .map(|(stream, name, existence)| async move {
                let ended = self
                    .target
                    .end_consumer(stream.as_str(), &name, existence, PATIENCE);
                let error = ended.await.err()?;
                Some((stream, format!("its consumer `{name}`: {error}")))
            });
        join_all(ended).await.into_iter().flatten().collect()
    }

    async fn delete_streams(&self) -> Vec<(StreamName, String)> {
        let names = std::mem::take(&mut *self.names());
        let deleted = names.into_iter().map(|(name, existence)| async move {
            let ended = self.target.end_stream(name.as_str(), existence, PATIENCE);
            let result = ended.await;
            result.err().map(|error| (name, error.to_string()))
        });
        join_all(deleted).await.into_iter().flatten().collect()
    }

    fn consumers(&self) -> std::sync::MutexGuard<'_, Vec<(StreamName, ConsumerName, Existence)>> {
        self.consumers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> std::sync::MutexGuard<'_, Vec<(StreamName, Existence)>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnedStreams for Created {
    fn note(&self, stream: &StreamName) -> Result<(), String> {
        self.note(stream);
        Ok(())
    }

    fn confirm(&self, stream: &StreamName) {
        self.confirm(stream);
    }

    fn forget(&self, stream: &StreamName) {
        self.forget(stream);
    }

    fn tags(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn is_slow(&self) -> bool {
        false
    }
}
