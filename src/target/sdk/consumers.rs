//! Registered consumers: those of a run, and those that a run left on somebody's stream.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_kinesis::types::ConsumerStatus as SdkStatus;

use super::Sdk;
use super::account::{ControlError, failed};
use crate::kinesis::ConsumerName;
use crate::kinesis::operation::ConsumerStatus;
use crate::target::patience::patiently;
use crate::target::registered::wait_active;
use crate::target::{CallError, Existence};

/// How long a consumer that is still being made, or a service that does not answer, may keep its end waiting.
const DEREGISTERED_WITHIN: Duration = Duration::from_mins(1);
/// The most pages of a list: a service that always has another would never end.
const PAGES_MAX: usize = 100;

impl Sdk {
    /// RegisterStreamConsumer, with these tags if there are any; gives the ARN.
    pub(in crate::target) async fn register_consumer(
        &self,
        stream: &str,
        name: &ConsumerName,
        tags: Option<&BTreeMap<String, String>>,
    ) -> Result<String, CallError> {
        let stream_arn = self.describe(stream).await?.arn;
        let tags = tags.map(|tags| tags.clone().into_iter().collect());
        let call = self
            .client
            .register_stream_consumer()
            .stream_arn(stream_arn)
            .consumer_name(name.as_str())
            .set_tags(tags)
            .send();
        let answer = self.answered(call).await?;
        let arn = answer.consumer.map(|consumer| consumer.consumer_arn);
        arn.filter(|arn| !arn.is_empty()).ok_or_else(|| {
            CallError::Unanswered("RegisterStreamConsumer names no consumer".to_owned())
        })
    }

    pub(in crate::target) async fn describe_consumer(
        &self,
        arn: &str,
    ) -> Result<ConsumerStatus, CallError> {
        let call = self.client.describe_stream_consumer().consumer_arn(arn);
        let answer = self.answered(call.send()).await?;
        let status = answer.consumer_description;
        let status = status.map(|description| description.consumer_status);
        Ok(match status {
            Some(SdkStatus::Active) => ConsumerStatus::Active,
            Some(SdkStatus::Deleting) => ConsumerStatus::Deleting,
            Some(SdkStatus::Creating) => ConsumerStatus::Creating,
            other => {
                let shown = other.map_or_else(String::new, |other| other.to_string());
                self.judge
                    .note("a consumer status that Kinesis does not have", &shown);
                ConsumerStatus::Creating
            }
        })
    }

    /// DeregisterStreamConsumer, once.
    pub(super) async fn deregister_consumer(
        &self,
        stream: &str,
        name: &ConsumerName,
    ) -> Result<(), CallError> {
        let stream_arn = self.describe(stream).await?.arn;
        let call = self
            .client
            .deregister_stream_consumer()
            .stream_arn(stream_arn)
            .consumer_name(name.as_str())
            .send();
        self.answered(call).await.map(drop)
    }

    /// RegisterStreamConsumer with its tags in the same call, so that there is never a consumer without them; gives its ARN.
    /// Only asked for: see [`Self::consumer_ready`].
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn register_tagged(
        &self,
        stream: &str,
        name: &ConsumerName,
        tags: &BTreeMap<String, String>,
    ) -> Result<String, ControlError> {
        let call = || self.register_consumer(stream, name, Some(tags));
        let made = patiently(self.clock, call).await;
        made.map_err(failed(&format!("register consumer `{name}` of `{stream}`")))
    }

    /// Waits until a consumer is ACTIVE.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn consumer_ready(&self, arn: &str) -> Result<(), ControlError> {
        let active = wait_active(self.clock, || self.describe_consumer(arn)).await;
        active.map_err(failed(&format!("wait for consumer `{arn}`")))
    }

    /// DeregisterStreamConsumer, in the manner of [`Self::delete`].
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn deregister(
        &self,
        stream: &str,
        name: &ConsumerName,
        existence: Existence,
    ) -> Result<(), ControlError> {
        let ended = self.end_consumer(stream, name, existence, DEREGISTERED_WITHIN);
        let ended = ended.await;
        ended.map_err(failed(&format!(
            "deregister consumer `{name}` of `{stream}`"
        )))
    }

    /// The consumers of a stream whose names begin with `prefix`, with their ARNs; those that are going are left out.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn consumers_with(
        &self,
        stream: &str,
        prefix: &str,
    ) -> Result<Vec<(ConsumerName, String)>, ControlError> {
        let action = format!("list the consumers of `{stream}`");
        let stream_arn = patiently(self.clock, || self.describe(stream)).await;
        let stream_arn = stream_arn.map_err(failed(&action))?.arn;
        let (mut found, mut token) = (Vec::new(), None::<String>);
        for _ in 0..PAGES_MAX {
            let page = patiently(self.clock, || async {
                let call = self.client.list_stream_consumers();
                let call = call.stream_arn(&stream_arn).set_next_token(token.clone());
                self.answered(call.send()).await
            });
            let page = page.await.map_err(failed(&action))?;
            for consumer in page.consumers.unwrap_or_default() {
                let name: Option<ConsumerName> = consumer.consumer_name.parse().ok();
                let name = name.filter(|name| name.as_str().starts_with(prefix));
                if let Some(name) = name
                    && consumer.consumer_status != SdkStatus::Deleting
                {
                    found.push((name, consumer.consumer_arn));
                }
            }
            token = page.next_token.filter(|next| !next.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The tags of a consumer.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn consumer_tags(&self, arn: &str) -> Result<BTreeMap<String, String>, ControlError> {
        let answer = patiently(self.clock, || async {
            let call = self.client.list_tags_for_resource();
            self.answered(call.resource_arn(arn).send()).await
        });
        let answer = answer
            .await
            .map_err(failed(&format!("list the tags of `{arn}`")))?;
        let tags = answer.tags.unwrap_or_default().into_iter();
        Ok(tags
            .map(|tag| (tag.key, tag.value.unwrap_or_default()))
            .collect())
    }
}
