//! What surrounds a run on AWS: who calls, what streams there are and whose, streams that are born with their tags. None
//! of it is measured, so that these calls wait for their turn.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Sdk;
use crate::kinesis::ErrorCode;
use crate::kinesis::endpoint::is_aws_url;
use crate::kinesis::operation::NewStream;
use crate::target::patience::{patiently, patiently_creating};
use crate::target::{CallError, Existence, StreamState};

/// How long a stream that is still being made or changed, or a service that does not answer, may keep a deletion waiting.
const DELETED_WITHIN: Duration = Duration::from_mins(2);
/// The most pages of a list: a service that always has another would never end.
const PAGES_MAX: usize = 10_000;

/// Who the credentials belong to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The ARN of the user or the role's session.
    pub arn: String,
    /// The account's 12 digits.
    pub account: String,
}

/// Why a call did not succeed. Displayed as a fragment that fits after "failed to".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{action}: {source}")]
pub struct ControlError {
    /// What was tried: `create stream \`orders\``.
    pub action: String,
    /// How it ended.
    pub source: CallError,
}

impl ControlError {
    /// Whether the stream is not there.
    pub fn is_not_found(&self) -> bool {
        self.source.code() == Some(ErrorCode::ResourceNotFound)
    }
}

impl Sdk {
    /// Makes a call until its rate lets it through.
    async fn ask<T, F>(&self, action: &str, call: impl FnMut() -> F) -> Result<T, ControlError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        patiently(self.clock, call).await.map_err(failed(action))
    }

    /// STS GetCallerIdentity: at the region's STS; where the target's own URL leads if that is not AWS, which plays STS
    /// too.
    ///
    /// # Errors
    /// When STS refuses, cannot be reached, or does not say who calls.
    pub async fn caller(&self) -> Result<Identity, ControlError> {
        let mut settings = aws_sdk_sts::config::Builder::from(&self.configuration);
        // A URL of AWS is Kinesis's alone: a VPC, FIPS or dual-stack endpoint knows no STS.
        settings.set_endpoint_url(self.url.clone().filter(|url| !is_aws_url(url)));
        let sts = aws_sdk_sts::Client::from_conf(settings.build());
        self.ask("ask STS who calls", || async {
            let call = sts.get_caller_identity();
            let answer = self.answered(call.send()).await?;
            match (answer.arn, answer.account) {
                (Some(arn), Some(account)) => Ok(Identity { arn, account }),
                _ => Err(CallError::Unanswered(
                    "the answer names no caller".to_owned(),
                )),
            }
        })
        .await
    }

    /// The ARNs of a few streams, if there are any: they tell where the service believes itself to be.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn some_arns(&self) -> Result<Vec<String>, ControlError> {
        self.ask("list streams", || async {
            let call = self.client.list_streams().limit(10);
            let answer = self.answered(call.send()).await?;
            let streams = answer.stream_summaries.unwrap_or_default().into_iter();
            Ok(streams.map(|stream| stream.stream_arn).collect())
        })
        .await
    }

    /// The names of all streams that begin with `prefix`.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn names_with(&self, prefix: &str) -> Result<Vec<String>, ControlError> {
        let mut names: Vec<String> = Vec::new();
        for _ in 0..PAGES_MAX {
            let after = names.last().cloned();
            let page = self.ask("list streams", || async {
                let call = self.client.list_streams();
                let call = call.set_exclusive_start_stream_name(after.clone());
                self.answered(call.send()).await
            });
            let page = page.await?;
            let more = page.has_more_streams && !page.stream_names.is_empty();
            names.extend(page.stream_names);
            if !more {
                break;
            }
        }
        names.retain(|name| name.starts_with(prefix));
        Ok(names)
    }

    /// All tags of a stream.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn tags(&self, stream: &str) -> Result<BTreeMap<String, String>, ControlError> {
        let action = format!("list the tags of `{stream}`");
        let (mut tags, mut after) = (BTreeMap::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let page = self.ask(&action, || async {
                let call = self.client.list_tags_for_stream();
                let call = call.stream_name(self.service_name(stream));
                let call = call.set_exclusive_start_tag_key(after.clone());
                self.answered(call.send()).await
            });
            let page = page.await?;
            let more = page.has_more_tags && !page.tags.is_empty();
            after = page.tags.last().map(|tag| tag.key.clone());
            let pairs = page.tags.into_iter();
            tags.extend(pairs.map(|tag| (tag.key, tag.value.unwrap_or_default())));
            if !more {
                break;
            }
        }
        Ok(tags)
    }

    /// CreateStream with its tags in the same call, so that there is never a stream without them. Only asked for: see
    /// [`Self::ready`].
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn create_tagged(
        &self,
        new: &NewStream,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), ControlError> {
        patiently_creating(self.clock, || async {
            let call = self.creation(new)?;
            let call = call.set_tags(Some(tags.clone().into_iter().collect()));
            self.answered(call.send()).await.map(drop)
        })
        .await
        .map_err(failed(&format!("create stream `{}`", new.name)))
    }

    /// Waits until a stream is ACTIVE.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn ready(&self, stream: &str) -> Result<StreamState, ControlError> {
        self.wait_active(stream)
            .await
            .map_err(failed(&format!("wait for stream `{stream}`")))
    }

    /// IncreaseStreamRetentionPeriod, waited for.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn keep_for_hours(&self, stream: &str, hours: u32) -> Result<(), ControlError> {
        let action = format!("increase the retention of `{stream}`");
        self.ask(&action, || self.increase_retention(stream, hours))
            .await?;
        self.ready(stream).await.map(drop)
    }

    /// DeleteStream, with its registered consumers. A stream that is not there, or is being deleted, is no error; one that
    /// is still being made or changed is waited for, and so is a service that does not answer. The absence of a stream that
    /// was only possible is believed when it lasts.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn delete(&self, stream: &str, existence: Existence) -> Result<(), ControlError> {
        let ended = self.end(stream, existence, DELETED_WITHIN).await;
        ended.map_err(failed(&format!("delete stream `{stream}`")))
    }
}

/// Why `action` did not succeed.
pub(super) fn failed(action: &str) -> impl FnOnce(CallError) -> ControlError {
    let action = action.to_owned();
    move |source| ControlError { action, source }
}
