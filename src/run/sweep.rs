//! Finding what runs left on AWS, by tag, and taking it away.
//!
//! Invariant: a stream without the tag `streamgauge.run` is not touched, whatever its name; nor is one whose run may still
//! go on, unless that run was named.

use std::collections::BTreeMap;

use jiff::Timestamp as Utc;
use serde::Serialize;

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

/// One stream whose name or tag is that of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Swept {
    /// Its name.
    pub stream: String,
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

/// What a sweep does with a stream.
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
        run,
        owner: tag(OWNER_TAG),
        expires,
        action,
        reason,
    }
}

/// Looks at every stream that is named as runs name theirs. One whose tags cannot be read is kept.
///
/// # Errors
/// When the streams cannot be listed, or the service does not answer any more.
pub async fn find(sdk: &Sdk, wanted: &Wanted, now: Utc) -> Result<Vec<Swept>, ControlError> {
    let mut found = Vec::new();
    for stream in sdk.names_with(PREFIX).await? {
        match sdk.tags(&stream).await {
            Ok(tags) => found.push(judge(&stream, &tags, wanted, now)),
            // It went away meanwhile.
            Err(gone) if gone.is_not_found() => {}
            Err(error) if error.source.is_unreachable() => return Err(error),
            Err(error) => found.push(unreadable(&stream, &error)),
        }
    }
    Ok(found)
}

/// A stream that does not say whose it is.
fn unreadable(stream: &str, error: &ControlError) -> Swept {
    Swept {
        stream: stream.to_owned(),
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
    for stream in found {
        if stream.action != SweepAction::Delete {
            continue;
        }
        match sdk.tags(&stream.stream).await {
            Ok(tags) => *stream = judge(&stream.stream, &tags, wanted, now),
            Err(gone) if gone.is_not_found() => {
                stream.action = SweepAction::Deleted;
                "it went away meanwhile".clone_into(&mut stream.reason);
            }
            Err(error) => {
                stream.action = SweepAction::Failed;
                stream.reason = error.to_string();
            }
        }
        if stream.action != SweepAction::Delete {
            continue;
        }
        match sdk.delete(&stream.stream, Existence::Certain).await {
            Ok(()) => stream.action = SweepAction::Deleted,
            Err(error) => {
                stream.action = SweepAction::Failed;
                stream.reason = error.to_string();
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
