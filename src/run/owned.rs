//! The streams and consumers that a run made on AWS, from the moment before each is asked for to the moment after it is
//! gone.
//!
//! Invariant: a stream or consumer that may exist stands in `resources.json`, on the disk, before the service hears of it; and
//! whoever drops [`Owned`] has deleted what it made, or has been told what it could not.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde::{Deserialize, Serialize};

use super::guard::{Pins, Refusal};
use crate::kinesis::operation::CreateStream;
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

/// The streams that a run made, while it goes on.
#[derive(Debug)]
pub struct Owned {
    sdk: Arc<Sdk>,
    path: PathBuf,
    resources: Resources,
    is_given_up: bool,
}

impl Owned {
    /// Nothing yet, to be noted in this folder.
    pub fn new(sdk: Arc<Sdk>, folder: &Path, label: Label) -> Self {
        Self {
            sdk,
            path: folder.join(RESOURCES),
            resources: Resources {
                schema_version: 1,
                label,
                streams: Vec::new(),
                consumers: Vec::new(),
            },
            is_given_up: false,
        }
    }

    /// Notes a stream, makes it with its tags, waits until it is ACTIVE and checks where it is. Gives its ARN.
    ///
    /// # Errors
    /// See [`OwnedError`]. What may exist then is deleted with the rest.
    pub async fn create(
        &mut self,
        request: &CreateStream,
        retention_hours: u32,
        pins: &Pins,
    ) -> Result<String, OwnedError> {
        let name = request.stream.as_str();
        self.resources.streams.push(Resource {
            name: name.to_owned(),
            arn: None,
            state: State::Creating,
        });
        if let Err(source) = self.note() {
            self.resources.streams.pop();
            return Err(OwnedError::Note {
                path: self.path.clone(),
                source,
            });
        }
        let tags = self.resources.label.tags();
        if let Err(refused) = self.sdk.create_tagged(request, &tags).await {
            // Refused for certain, be it that somebody else has a stream of this name: nothing here is this run's.
            if !refused.source.may_be_done() {
                self.resources.streams.pop();
                let _ = self.note();
            }
            return Err(refused.into());
        }
        if let Some(last) = self.resources.streams.last_mut() {
            last.state = State::Created;
        }
        let found = self.sdk.ready(name).await?;
        if let Some(last) = self.resources.streams.last_mut() {
            last.arn = Some(found.arn.clone());
        }
        // It stood there before as one that may exist, so that a disk that is full now hides nothing.
        let _ = self.note();
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
        self.resources.consumers.push(OwnedConsumer {
            stream: stream.to_string(),
            name: name.to_string(),
            arn: None,
            state: State::Creating,
        });
        if let Err(source) = self.note() {
            self.resources.consumers.pop();
            return Err(OwnedError::Note {
                path: self.path.clone(),
                source,
            });
        }
        let tags = self.resources.label.tags();
        let made = self.sdk.register_tagged(stream.as_str(), name, &tags).await;
        let arn = match made {
            Ok(arn) => arn,
            Err(refused) => {
                // Refused for certain, be it that somebody else has a consumer of this name.
                if !refused.source.may_be_done() {
                    self.resources.consumers.pop();
                    let _ = self.note();
                }
                return Err(refused.into());
            }
        };
        if let Some(last) = self.resources.consumers.last_mut() {
            last.arn = Some(arn.clone());
            last.state = State::Created;
        }
        let _ = self.note();
        self.sdk.consumer_ready(&arn).await?;
        Ok(arn)
    }

    /// The ARNs of the streams made so far, by the service's names.
    pub fn arns(&self) -> BTreeMap<String, String> {
        let streams = self.resources.streams.iter();
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
        let mut failures = Vec::new();
        for number in 0..self.resources.consumers.len() {
            let consumer = &self.resources.consumers[number];
            let mut streams = self.resources.streams.iter();
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
                Ok(()) => {
                    self.resources.consumers[number].state = State::Deleted;
                    let _ = self.note();
                }
                Err(failure) => failures.push(failure),
            }
        }
        failures
    }

    async fn delete_streams(&mut self) -> Vec<ControlError> {
        let left = self.resources.streams.iter().zip(0..);
        let left = left.filter(|(stream, _)| stream.state != State::Deleted);
        let mut deletions: FuturesUnordered<_> = left
            .map(|(stream, number)| {
                let (sdk, name) = (Arc::clone(&self.sdk), stream.name.clone());
                let existence = stream.state.existence();
                if existence == Existence::Possible {
                    eprintln!(
                        "nobody said whether stream `{name}` was created: watching for it for half a minute"
                    );
                }
                async move { (number, sdk.delete(&name, existence).await) }
            })
            .collect();
        let mut failures = Vec::new();
        while let Some((number, ended)) = deletions.next().await {
            let number: usize = number;
            match ended {
                Ok(()) => {
                    let Resources {
                        streams, consumers, ..
                    } = &mut self.resources;
                    let stream = &mut streams[number];
                    stream.state = State::Deleted;
                    let its = consumers.iter_mut();
                    let its = its.filter(|consumer| consumer.stream == stream.name);
                    its.for_each(|consumer| consumer.state = State::Deleted);
                    let _ = self.note();
                }
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
        self.resources.is_all_gone()
    }

    /// Writes the file whole and makes sure that it is on the disk, its name as well.
    fn note(&self) -> io::Result<()> {
        let unfinished = self.path.with_extension("json.unfinished");
        let mut file = File::create(&unfinished)?;
        serde_json::to_writer_pretty(&mut file, &self.resources)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
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
                self.path.display()
            ),
        }
    }
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

/// What [`Owned::create`] is to be asked for one stream of the scenario.
pub fn request(stream: &crate::scenario::model::Stream, name: &StreamName) -> (CreateStream, u32) {
    let request = CreateStream {
        stream: name.clone(),
        shards: stream.shards,
        max_record_bytes: stream.max_record_bytes,
    };
    (request, (stream.retention.as_secs() / 3_600) as u32)
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
