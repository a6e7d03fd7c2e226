//! The streams and consumers that a run made at a target that outlives it, and their end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use crate::calls::OwnedStreams;
use crate::kinesis::{ConsumerName, StreamName};
use crate::measure::progress::Progress;
use crate::target::{Existence, Target};

/// How long a stream's deletion is tried. Deletions are asked for together, so this is the longest that a run's end is
/// held up by a target that does not answer; a creation that was never answered is watched half a minute longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What results say of a stream while it is still to be deleted.
const TO_COME: &str = "it was still to be deleted when this was written";

/// Streams to be deleted and consumers to be deregistered when the run is over, however it ends. The engine in this process
/// needs none of it: they end with it.
#[derive(Debug)]
pub(super) struct Created {
    target: Target,
    names: Mutex<Vec<(StreamName, Existence)>>,
    consumers: Mutex<Vec<(StreamName, ConsumerName, Existence)>>,
    /// Where whoever ends the process sees what it leaves behind.
    progress: Arc<Progress>,
}

impl Created {
    pub(super) const fn new(target: Target, progress: Arc<Progress>) -> Self {
        Self {
            target,
            names: Mutex::new(Vec::new()),
            consumers: Mutex::new(Vec::new()),
            progress,
        }
    }

    /// Notes a stream before its creation is asked for: an answer that never comes may have been a success.
    pub(super) fn note(&self, stream: &StreamName) {
        if self.target.host().is_none() {
            self.progress.standing.add(named(stream));
            self.names().push((stream.clone(), Existence::Possible));
        }
    }

    /// What is still to be deleted or deregistered, as it is told should nothing come of that.
    pub(super) fn standing(&self) -> Vec<(StreamName, String)> {
        let names: Vec<_> = self.names().iter().map(|(name, _)| name.clone()).collect();
        let consumers = self.consumers();
        // The others go with their streams.
        let consumers = consumers
            .iter()
            .filter(|(stream, ..)| !names.contains(stream));
        let consumers = consumers
            .map(|(stream, name, _)| (stream.clone(), format!("its consumer `{name}`: {TO_COME}")));
        let consumers: Vec<_> = consumers.collect();
        let streams = names.into_iter().map(|name| (name, TO_COME.to_owned()));
        streams.chain(consumers).collect()
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
        self.progress.standing.remove(&named(stream));
        self.names().retain(|(name, _)| name != stream);
    }

    /// Notes a consumer before its registration is asked for.
    pub(super) fn note_consumer(&self, stream: &StreamName, name: &ConsumerName) {
        if self.target.host().is_none() {
            self.progress.standing.add(named_consumer(stream, name));
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
        self.progress.standing.remove(&named_consumer(stream, name));
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
        consumers.retain(|(stream, name, _)| {
            let goes = deleted.contains(stream);
            if goes {
                let gone = named_consumer(stream, name);
                self.progress.standing.remove(&gone);
            }
            !goes
        });
        let ended = consumers
            .into_iter()
            .map(|(stream, name, existence)| async move {
                let ended = self
                    .target
                    .end_consumer(stream.as_str(), &name, existence, PATIENCE);
                let Err(error) = ended.await else {
                    let gone = named_consumer(&stream, &name);
                    self.progress.standing.remove(&gone);
                    return None;
                };
                Some((stream, format!("its consumer `{name}`: {error}")))
            });
        join_all(ended).await.into_iter().flatten().collect()
    }

    async fn delete_streams(&self) -> Vec<(StreamName, String)> {
        let names = std::mem::take(&mut *self.names());
        let deleted = names.into_iter().map(|(name, existence)| async move {
            let ended = self.target.end_stream(name.as_str(), existence, PATIENCE);
            let Err(error) = ended.await else {
                self.progress.standing.remove(&named(&name));
                return None;
            };
            Some((name, error.to_string()))
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

/// A stream as whoever ends the process is told of it.
fn named(stream: &StreamName) -> String {
    format!("stream `{stream}`")
}

/// The same of a consumer.
fn named_consumer(stream: &StreamName, consumer: &ConsumerName) -> String {
    format!("consumer `{consumer}` of stream `{stream}`")
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
