//! The streams and consumers that a run made on AWS, from the moment before each is asked for to the moment after it is
//! gone.
//!
//! Invariant: a stream or consumer that may exist stands in `resources.json`, on the disk, before the service hears of it; and
//! whoever drops [`Owned`] has deleted what it made, or has been told what it could not.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde::{Deserialize, Serialize};

use super::guard::{Pins, Refusal};
use crate::calls::OwnedStreams;
use crate::kinesis::operation::NewStream;
use crate::kinesis::{ConsumerName, StreamName};
use crate::scenario::created::{EXPIRES_TAG, OWNER_TAG, RUN_TAG};
use crate::target::Existence;
use crate::target::sdk::{ControlError, Sdk};

/// The file in the results folder.
pub const RESOURCES: &str = "resources.json";

/// Whose streams these are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Label {
    /// The run, as the tag `streamgauge.run` holds it.
    pub run: String,
    /// The scenario's name.
    pub scenario: String,
    /// The target as the command line names it.
    pub target: String,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The ARN of who made them.
    pub owner: String,
    /// When the run is over at the latest: UTC, as `20261123T060000Z`.
    pub expires: String,
}

impl Label {
    /// The tags that say so.
    pub fn tags(&self) -> BTreeMap<String, String> {
        let tag = |name: &str, value: &str| (name.to_owned(), tag_value(value));
        // Of `arn:aws:iam::ACCOUNT:user/me`, without the colons that tags cannot have.
        let owner = match self.owner.splitn(6, ':').collect::<Vec<_>>()[..] {
            [_, _, _, _, account, who] => format!("{account}/{who}"),
            _ => self.owner.clone(),
        };
        BTreeMap::from([
            tag(RUN_TAG, &self.run),
            tag(OWNER_TAG, &owner),
            tag(EXPIRES_TAG, &self.expires),
        ])
    }
}

/// A text as a tag may hold it: up to 256 letters, digits, spaces and `_ . / = + - % @` (API reference, Tag).
fn tag_value(text: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || " _./=+-%@".contains(c);
    let clean = text.chars().map(|c| if allowed(c) { c } else { '_' });
    clean.take(256).collect()
}

/// `resources.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resources {
    /// The version of this form: 1.
    pub schema_version: u32,
    /// Whose they are.
    #[serde(flatten)]
    pub label: Label,
    /// The streams, in the order in which they were made.
    pub streams: Vec<Resource>,
    /// The consumers that were registered, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumers: Vec<OwnedConsumer>,
}

impl Resources {
    fn is_all_gone(&self) -> bool {
        let streams = self.streams.iter().map(|stream| stream.state);
        let mut states = streams.chain(self.consumers.iter().map(|consumer| consumer.state));
        states.all(|state| state == State::Deleted)
    }
}

/// A fan-out consumer that a run registered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OwnedConsumer {
    /// The service's name of its stream.
    pub stream: String,
    /// Its name.
    pub name: String,
    /// The ARN that the service gave it; `None` until then.
    pub arn: Option<String>,
    /// What is known of it.
    pub state: State,
}

/// A stream that a run made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resource {
    /// The service's name of it.
    pub name: String,
    /// The ARN that the service gave it; `None` until then.
    pub arn: Option<String>,
    /// What is known of it.
    pub state: State,
}

/// What is known of a stream or consumer that a run made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was about to be asked for, and nobody said what became of that: it may exist, or come to be.
    Creating,
    /// It exists: its creation was answered.
    Created,
    /// The service was told to delete it, and agreed.
    Deleted,
}

impl State {
    const fn existence(self) -> Existence {
        match self {
            Self::Creating => Existence::Possible,
            Self::Created | Self::Deleted => Existence::Certain,
        }
    }
}

/// Why a stream could not be made. Displayed as a fragment that fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum OwnedError {
    /// It could not be noted, so it was not asked for.
    #[error("write `{}`: {source}; nothing was created", path.display())]
    Note {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The service refused.
    #[error(transparent)]
    Service(#[from] ControlError),
    /// It came to be somewhere else.
    #[error("trust the service: {0}")]
    Elsewhere(Refusal),
}

/// What `resources.json` holds, shared by whoever makes streams.
#[derive(Debug)]
pub struct Noted {
    path: PathBuf,
    resources: Mutex<Resources>,
}

impl Noted {
    /// Notes a stream that is about to be asked for.
    fn add(&self, name: &str) -> io::Result<()> {
        let mut resources = self.resources();
        resources.streams.push(Resource {
            name: name.to_owned(),
            arn: None,
            state: State::Creating,
        });
        self.write(&resources)
            .inspect_err(|_| resources.streams.retain(|stream| stream.name != name))
    }

    /// Its creation was refused: nothing of that name is this run's.
    fn remove(&self, name: &str) {
        let mut resources = self.resources();
        resources.streams.retain(|stream| stream.name != name);
        let _ = self.write(&resources);
    }

    /// Changes what is known of a stream. It stood there before as one that may exist, so that a disk that is full now
    /// hides nothing.
    fn change(&self, name: &str, change: impl FnOnce(&mut Resource)) {
        let mut resources = self.resources();
        let mut streams = resources.streams.iter_mut();
        if let Some(stream) = streams.find(|stream| stream.name == name) {
            change(stream);
        }
        let _ = self.write(&resources);
    }

    /// A stream was deleted, and its consumers with it.
    fn stream_is_gone(&self, name: &str) {
        let mut resources = self.resources();
        let Resources {
            streams, consumers, ..
        } = &mut *resources;
        let streams = streams.iter_mut().filter(|stream| stream.name == name);
        streams.for_each(|stream| stream.state = State::Deleted);
        let its = consumers
            .iter_mut()
            .filter(|consumer| consumer.stream == name);
        its.for_each(|consumer| consumer.state = State::Deleted);
        let _ = self.write(&resources);
    }

    /// Notes a consumer that is about to be registered.
    fn add_consumer(&self, stream: &str, name: &str) -> io::Result<()> {
        let mut resources = self.resources();
        resources.consumers.push(OwnedConsumer {
            stream: stream.to_owned(),
            name: name.to_owned(),
            arn: None,
            state: State::Creating,
        });
        self.write(&resources).inspect_err(|_| {
            resources.consumers.pop();
        })
    }

    /// Its registration was refused.
    fn remove_consumer(&self, stream: &str, name: &str) {
        let mut resources = self.resources();
        let other = |consumer: &OwnedConsumer| consumer.stream != stream || consumer.name != name;
        resources.consumers.retain(other);
        let _ = self.write(&resources);
    }

    /// Changes what is known of a consumer.
    fn change_consumer(&self, stream: &str, name: &str, change: impl FnOnce(&mut OwnedConsumer)) {
        let mut resources = self.resources();
        let mut consumers = resources.consumers.iter_mut();
        if let Some(consumer) =
            consumers.find(|consumer| consumer.stream == stream && consumer.name == name)
        {
            change(consumer);
        }
        let _ = self.write(&resources);
    }

    fn resources(&self) -> MutexGuard<'_, Resources> {
        self.resources
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the file whole and makes sure that it is on the disk, its name as well.
    fn write(&self, resources: &Resources) -> io::Result<()> {
        let unfinished = self.path.with_extension("json.unfinished");
        let mut file = File::create(&unfinished)?;
        serde_json::to_writer_pretty(&mut file, resources)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

impl OwnedStreams for Noted {
    fn note(&self, stream: &StreamName) -> Result<(), String> {
        let noted = self.add(stream.as_str());
        noted.map_err(|problem| {
            format!(
                "failed to write `{}`: {problem}; the stream was not created",
                self.path.display()
            )
        })
    }

    fn confirm(&self, stream: &StreamName) {
        self.change(stream.as_str(), |stream| stream.state = State::Created);
    }

    fn forget(&self, stream: &StreamName) {
        self.change(stream.as_str(), |stream| stream.state = State::Deleted);
    }

    fn tags(&self) -> BTreeMap<String, String> {
        self.resources().label.tags()
    }

    fn is_slow(&self) -> bool {
        true
    }
}

/// The streams that a run made, while it goes on.
#[derive(Debug)]
pub struct Owned {
    sdk: Arc<Sdk>,
    noted: Arc<Noted>,
    is_given_up: bool,
}

impl Owned {
    /// Nothing yet, to be noted in this folder.
    pub fn new(sdk: Arc<Sdk>, folder: &Path, label: Label) -> Self {
        Self {
            sdk,
            noted: Arc::new(Noted {
                path: folder.join(RESOURCES),
                resources: Mutex::new(Resources {
                    schema_version: 1,
                    label,
                    streams: Vec::new(),
                    consumers: Vec::new(),
                }),
            }),
            is_given_up: false,
        }
    }

    /// Where streams are noted that others make for the same run: they are deleted with the rest.
    pub fn noted(&self) -> Arc<Noted> {
        Arc::clone(&self.noted)
    }

    /// Notes a stream, makes it with its tags, waits until it is ACTIVE and checks where it is. Gives its ARN.
    ///
    /// # Errors
    /// See [`OwnedError`]. What may exist then is deleted with the rest.
    pub async fn create(
        &mut self,
        request: &NewStream,
        retention_hours: u32,
        pins: &Pins,
    ) -> Result<String, OwnedError> {
        let name = request.name.as_str();
        self.noted.add(name).map_err(|source| OwnedError::Note {
            path: self.noted.path.clone(),
            source,
        })?;
        let tags = self.noted.tags();
        if let Err(refused) = self.sdk.create_tagged(request, &tags).await {
            // Refused for certain, be it that somebody else has a stream of this name: nothing here is this run's.
            if !refused.source.may_be_done() {
                self.noted.remove(name);
            }
            return Err(refused.into());
        }
        self.noted
            .change(name, |stream| stream.state = State::Created);
        let found = self.sdk.ready(name).await?;
        let arn = found.arn.clone();
        self.noted.change(name, |stream| stream.arn = Some(arn));
        pins.check_arn(&found.arn).map_err(OwnedError::Elsewhere)?;
        if retention_hours > 24 {
            self.sdk.keep_for_hours(name, retention_hours).await?;
        }
        Ok(found.arn)
    }

    /// Notes a consumer, registers it with its tags and waits until it is ACTIVE. Gives its ARN.
    ///
    /// # Errors
    /// See [`OwnedError`]. What may exist then is deregistered with the rest.
    pub async fn register(
        &mut self,
        stream: &StreamName,
        name: &ConsumerName,
    ) -> Result<String, OwnedError> {
        self.noted
            .add_consumer(stream.as_str(), name.as_str())
            .map_err(|source| OwnedError::Note {
                path: self.noted.path.clone(),
                source,
            })?;
        let tags = self.noted.tags();
        let made = self.sdk.register_tagged(stream.as_str(), name, &tags).await;
        let arn = match made {
            Ok(arn) => arn,
            Err(refused) => {
                // Refused for certain, be it that somebody else has a consumer of this name.
                if !refused.source.may_be_done() {
                    self.noted.remove_consumer(stream.as_str(), name.as_str());
                }
                return Err(refused.into());
            }
        };
        self.noted
            .change_consumer(stream.as_str(), name.as_str(), |consumer| {
                consumer.arn = Some(arn.clone());
                consumer.state = State::Created;
            });
        self.sdk.consumer_ready(&arn).await?;
        Ok(arn)
    }

    /// The ARNs of the streams made so far, by the service's names.
    pub fn arns(&self) -> BTreeMap<String, String> {
        let resources = self.noted.resources();
        let streams = resources.streams.iter();
        streams
            .filter_map(|stream| Some((stream.name.clone(), stream.arn.clone()?)))
            .collect()
    }

    /// Deregisters every consumer and deletes every stream that may exist. Gives what could not be; it still stands in
    /// `resources.json`.
    pub async fn delete(&mut self) -> Vec<ControlError> {
        let mut failures = self.deregister().await;
        failures.extend(self.delete_streams().await);
        failures
    }

    /// Deregisters the consumers of streams that stay; the others go with their streams.
    async fn deregister(&mut self) -> Vec<ControlError> {
        let (streams, consumers) = {
            let resources = self.noted.resources();
            (resources.streams.clone(), resources.consumers.clone())
        };
        let mut failures = Vec::new();
        for consumer in consumers {
            let mut streams = streams.iter();
            if consumer.state == State::Deleted
                || streams.any(|stream| stream.name == consumer.stream)
            {
                continue;
            }
            // It was a name when it was noted.
            let Ok(name) = consumer.name.parse() else {
                continue;
            };
            let existence = consumer.state.existence();
            match self
                .sdk
                .deregister(&consumer.stream, &name, existence)
                .await
            {
                Ok(()) => self
                    .noted
                    .change_consumer(&consumer.stream, &consumer.name, |found| {
                        found.state = State::Deleted;
                    }),
                Err(failure) => failures.push(failure),
            }
        }
        failures
    }

    async fn delete_streams(&mut self) -> Vec<ControlError> {
        let streams = self.noted.resources().streams.clone();
        let left = streams.into_iter();
        let left = left.filter(|stream| stream.state != State::Deleted);
        let mut deletions: FuturesUnordered<_> = left
            .map(|stream| {
                let (sdk, name) = (Arc::clone(&self.sdk), stream.name);
                let existence = stream.state.existence();
                if existence == Existence::Possible {
                    eprintln!(
                        "nobody said whether stream `{name}` was created: watching for it for half a minute"
                    );
                }
                async move {
                    let ended = sdk.delete(&name, existence).await;
                    (name, ended)
                }
            })
            .collect();
        let mut failures = Vec::new();
        while let Some((name, ended)) = deletions.next().await {
            match ended {
                Ok(()) => self.noted.stream_is_gone(&name),
                Err(failure) => failures.push(failure),
            }
        }
        failures
    }

    /// Leaves what could not be deleted to `sweep`, now that somebody was told.
    pub fn give_up(&mut self) {
        self.is_given_up = true;
    }

    fn is_all_gone(&self) -> bool {
        self.noted.resources().is_all_gone()
    }
}

impl Drop for Owned {
    /// What an ordinary end has not deleted is deleted now: this is the way of panics.
    fn drop(&mut self) {
        if self.is_given_up || self.is_all_gone() {
            return;
        }
        let left = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            io::Result::Ok(runtime.block_on(self.delete()))
        };
        // A thread of its own: this one may be inside a runtime.
        let ended = std::thread::scope(|scope| scope.spawn(left).join());
        match ended {
            Ok(Ok(failures)) => {
                for failure in failures {
                    eprintln!(
                        "error: failed to {failure}; `streamgauge sweep` removes what is left"
                    );
                }
            }
            _ => eprintln!(
                "error: failed to delete the streams in `{}`; `streamgauge sweep` removes them",
                self.noted.path.display()
            ),
        }
    }
}

/// Removes a folder with nothing in it but notes of what is gone. One that holds more stays.
pub fn forget(folder: &Path) {
    let _ = fs::remove_file(folder.join(RESOURCES));
    let _ = fs::remove_dir(folder);
}

/// Whether a results folder's `resources.json` lists anything that may still be there.
pub fn is_left(folder: &Path) -> bool {
    let Ok(text) = fs::read(folder.join(RESOURCES)) else {
        return false;
    };
    let resources: Result<Resources, _> = serde_json::from_slice(&text);
    // One that cannot be read may list something.
    resources.map_or(true, |resources| !resources.is_all_gone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_hold_the_run_its_owner_and_its_end_in_the_characters_of_tags() {
        let label = Label {
            run: "0000002a".to_owned(),
            scenario: "first-run".to_owned(),
            target: "prod".to_owned(),
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            owner: "arn:aws:sts::111122223333:assumed-role/load/me,you".to_owned(),
            expires: "20261123T060000Z".to_owned(),
        };
        let tags = label.tags();
        assert_eq!(tags[RUN_TAG], "0000002a");
        assert_eq!(tags[OWNER_TAG], "111122223333/assumed-role/load/me_you");
        assert_eq!(tags[EXPIRES_TAG], "20261123T060000Z");
        assert_eq!(tag_value("a:b"), "a_b");
        assert_eq!(tag_value(&"é".repeat(300)).chars().count(), 256);
    }
}
