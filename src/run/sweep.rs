//! Finding what runs left on AWS, by tag, and taking it away.
//!
//! Invariant: a stream or consumer without the tag `streamgauge.run` is not touched, whatever its name; nor is one whose run
//! may still go on, unless that run was named.

use std::collections::BTreeMap;

use jiff::Timestamp as Utc;
use serde::Serialize;

use crate::kinesis::ConsumerName;
use crate::scenario::created::{EXPIRES_TAG, OWNER_TAG, PREFIX, RUN_TAG};
use crate::target::Existence;
use crate::target::sdk::{ControlError, Sdk};

/// Which streams are to go.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// Those of this run only. It need not have expired, unless `expired` says so.
    pub run: Option<String>,
    /// Only those of runs that are over by their expiry. Always so without `run`.
    pub expired: bool,
}

/// One stream, or one consumer of a stream, that is named as runs name theirs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Swept {
    /// The stream's name.
    pub stream: String,
    /// The consumer, if it is one: its stream stays.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub consumer: Option<SweptConsumer>,
    /// The run that made it, by its tag.
    pub run: Option<String>,
    /// Who made that run, by its tag.
    pub owner: Option<String>,
    /// When that run is over, by its tag.
    pub expires: Option<String>,
    /// What is or would be done with it.
    pub action: SweepAction,
    /// Why, or what went wrong.
    pub reason: String,
}

/// Which consumer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SweptConsumer {
    /// Its name.
    #[serde(rename = "consumer")]
    pub name: String,
    /// Its ARN.
    #[serde(rename = "consumer_arn")]
    pub arn: String,
}

/// What a look through an account found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Found {
    /// Streams and consumers that are named as runs name theirs.
    pub swept: Vec<Swept>,
    /// Streams whose consumers could not be listed.
    pub unlisted: Vec<String>,
}

impl Swept {
    /// What it is called: a stream's name, or `consumer NAME of STREAM`.
    pub fn shown(&self) -> String {
        match &self.consumer {
            None => self.stream.clone(),
            Some(consumer) => format!("consumer {} of {}", consumer.name, self.stream),
        }
    }

    fn of_consumer(mut self, name: &ConsumerName, arn: String) -> Self {
        let name = name.to_string();
        self.consumer = Some(SweptConsumer { name, arn });
        self
    }
}

/// What a sweep does with a stream or consumer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepAction {
    /// It is left alone.
    Keep,
    /// It is to be deleted.
    Delete,
    /// It was deleted.
    Deleted,
    /// It was to be deleted, and the service refused.
    Failed,
}

impl SweepAction {
    /// The action as it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "kept",
            Self::Delete => "to be deleted",
            Self::Deleted => "deleted",
            Self::Failed => "failed",
        }
    }
}

/// What is to be done with one stream, by its tags.
pub fn judge(stream: &str, tags: &BTreeMap<String, String>, wanted: &Wanted, now: Utc) -> Swept {
    let tag = |name: &str| tags.get(name).cloned();
    let (run, expires) = (tag(RUN_TAG), tag(EXPIRES_TAG));
    let end = expires.as_deref().map(str::parse::<Utc>);
    let is_over = matches!(&end, Some(Ok(end)) if *end <= now);
    let (action, reason) = match (&run, &wanted.run) {
        (None, _) => (SweepAction::Keep, format!("it has no tag `{RUN_TAG}`")),
        (Some(run), Some(named)) if run != named => {
            (SweepAction::Keep, "it is of another run".to_owned())
        }
        (Some(_), Some(_)) if !wanted.expired => {
            (SweepAction::Delete, "its run was named".to_owned())
        }
        (Some(_), _) if is_over => (SweepAction::Delete, "its run is over".to_owned()),
        (Some(run), _) => (
            SweepAction::Keep,
            match end {
                Some(Ok(_)) => format!("its run may go on; `--run {run}` deletes it all the same"),
                _ => format!("it does not say when its run is over; `--run {run}` deletes it"),
            },
        ),
    };
    Swept {
        stream: stream.to_owned(),
        consumer: None,
        run,
        owner: tag(OWNER_TAG),
        expires,
        action,
        reason,
    }
}

/// Looks at every stream that is named as runs name theirs, and at every such consumer of the others: the consumers of a
/// run's own stream go with it. One whose tags cannot be read is kept.
///
/// # Errors
/// When the streams cannot be listed, or the service does not answer any more.
pub async fn find(sdk: &Sdk, wanted: &Wanted, now: Utc) -> Result<Found, ControlError> {
    let mut found = Found::default();
    for stream in sdk.names_with("").await? {
        if !stream.starts_with(PREFIX) {
            find_consumers(sdk, &stream, wanted, now, &mut found).await?;
            continue;
        }
        match sdk.tags(&stream).await {
            Ok(tags) => found.swept.push(judge(&stream, &tags, wanted, now)),
            // It went away meanwhile.
            Err(gone) if gone.is_not_found() => {}
            Err(error) if error.source.is_unreachable() => return Err(error),
            Err(error) => found.swept.push(unreadable(&stream, &error)),
        }
    }
    Ok(found)
}

/// Looks at the consumers of a stream that is no run's.
async fn find_consumers(
    sdk: &Sdk,
    stream: &str,
    wanted: &Wanted,
    now: Utc,
    found: &mut Found,
) -> Result<(), ControlError> {
    let consumers = match sdk.consumers_with(stream, PREFIX).await {
        Ok(consumers) => consumers,
        Err(gone) if gone.is_not_found() => return Ok(()),
        Err(error) if error.source.is_unreachable() => return Err(error),
        Err(_) => {
            found.unlisted.push(stream.to_owned());
            return Ok(());
        }
    };
    for (name, arn) in consumers {
        let swept = match sdk.consumer_tags(&arn).await {
            Ok(tags) => judge(stream, &tags, wanted, now),
            Err(gone) if gone.is_not_found() => continue,
            Err(error) if error.source.is_unreachable() => return Err(error),
            Err(error) => unreadable(stream, &error),
        };
        found.swept.push(swept.of_consumer(&name, arn));
    }
    Ok(())
}

/// A stream that does not say whose it is.
fn unreadable(stream: &str, error: &ControlError) -> Swept {
    Swept {
        stream: stream.to_owned(),
        consumer: None,
        run: None,
        owner: None,
        expires: None,
        action: SweepAction::Keep,
        reason: format!("its tags cannot be read: {}", error.source),
    }
}

/// Deletes what was found to be deleted, if its tags still say so: somebody may have taken their time to agree, and a
/// stream of this name may be another one by now.
pub async fn sweep(sdk: &Sdk, found: &mut [Swept], wanted: &Wanted, now: Utc) {
    for one in found {
        if one.action != SweepAction::Delete {
            continue;
        }
        let tags = match &one.consumer {
            None => sdk.tags(&one.stream).await,
            Some(consumer) => sdk.consumer_tags(&consumer.arn).await,
        };
        match tags {
            Ok(tags) => {
                let consumer = one.consumer.take();
                *one = judge(&one.stream, &tags, wanted, now);
                one.consumer = consumer;
            }
            Err(gone) if gone.is_not_found() => {
                one.action = SweepAction::Deleted;
                "it went away meanwhile".clone_into(&mut one.reason);
            }
            Err(error) => {
                one.action = SweepAction::Failed;
                one.reason = error.to_string();
            }
        }
        if one.action != SweepAction::Delete {
            continue;
        }
        let name = one.consumer.as_ref().map(|consumer| consumer.name.parse());
        let ended = match name {
            None => sdk.delete(&one.stream, Existence::Certain).await,
            Some(Ok(name)) => sdk.deregister(&one.stream, &name, Existence::Certain).await,
            // It was a name when it was found.
            Some(Err(_)) => continue,
        };
        match ended {
            Ok(()) => one.action = SweepAction::Deleted,
            Err(error) => {
                one.action = SweepAction::Failed;
                one.reason = error.to_string();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(run: Option<&str>, expires: Option<&str>, wanted: &Wanted) -> SweepAction {
        let tag = |name: &str, value: Option<&str>| Some((name.to_owned(), value?.to_owned()));
        let tags = [tag(RUN_TAG, run), tag(EXPIRES_TAG, expires)];
        let tags = tags.into_iter().flatten().collect();
        let now = "20261123T120000Z".parse().unwrap();
        judge("streamgauge-x", &tags, wanted, now).action
    }

    const PAST: Option<&str> = Some("20261123T120000Z");
    const FUTURE: Option<&str> = Some("20261123T120001Z");

    #[test]
    fn only_tagged_streams_of_runs_that_are_over_go_by_themselves() {
        let wanted = Wanted::default();
        assert_eq!(judged(Some("a"), PAST, &wanted), SweepAction::Delete);
        assert_eq!(judged(Some("a"), FUTURE, &wanted), SweepAction::Keep);
        assert_eq!(judged(Some("a"), None, &wanted), SweepAction::Keep);
        assert_eq!(judged(Some("a"), Some("soon"), &wanted), SweepAction::Keep);
        assert_eq!(judged(None, PAST, &wanted), SweepAction::Keep);
    }

    #[test]
    fn a_named_run_goes_before_its_time_and_takes_no_other_with_it() {
        let named = |expired| Wanted {
            run: Some("a".to_owned()),
            expired,
        };
        assert_eq!(
            judged(Some("a"), FUTURE, &named(false)),
            SweepAction::Delete
        );
        assert_eq!(judged(Some("a"), None, &named(false)), SweepAction::Delete);
        assert_eq!(judged(Some("b"), PAST, &named(false)), SweepAction::Keep);
        assert_eq!(judged(None, PAST, &named(false)), SweepAction::Keep);
        assert_eq!(judged(Some("a"), FUTURE, &named(true)), SweepAction::Keep);
        assert_eq!(judged(Some("a"), PAST, &named(true)), SweepAction::Delete);
    }
}
