//! Who answers for the streams that scripts make.

use std::collections::BTreeMap;
use std::fmt;

use crate::kinesis::StreamName;

/// Answers for the streams that scripts make: whatever is noted here and not gone when the run is over is deleted then.
pub trait OwnedStreams: fmt::Debug + Send + Sync {
    /// Notes a stream before its creation is asked for: an answer that never comes may have been a success.
    ///
    /// # Errors
    /// When it cannot be noted; then it must not be asked for.
    fn note(&self, stream: &StreamName) -> Result<(), String>;

    /// Its creation was answered: it is there.
    fn confirm(&self, stream: &StreamName);

    /// Its creation was refused, or it was deleted: nothing of it is this run's.
    fn forget(&self, stream: &StreamName);

    /// The tags that it is to be made with.
    fn tags(&self) -> BTreeMap<String, String>;

    /// Whether noting waits for a disk.
    fn is_slow(&self) -> bool;
}

/// Answers for nothing: streams of an engine in this process end with it.
#[derive(Debug)]
pub struct Unowned;

impl OwnedStreams for Unowned {
    fn note(&self, _: &StreamName) -> Result<(), String> {
        Ok(())
    }

    fn confirm(&self, _: &StreamName) {}

    fn forget(&self, _: &StreamName) {}

    fn tags(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn is_slow(&self) -> bool {
        false
    }
}
