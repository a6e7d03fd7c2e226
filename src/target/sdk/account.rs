//! What surrounds a run on AWS: who calls, streams with their tags, and taking them away again. None of it is measured,
//! so that these calls wait for their turn.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::types::{StreamMode, StreamModeDetails};

use super::Sdk;
use super::error::chain;
use crate::kinesis::operation::CreateStream;

/// How long to wait between two tries or two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// How many tries against a refusal that passes by waiting: half a minute of them.
const TRIES: u32 = 60;
/// How many looks until a stream is ACTIVE: five minutes of them. Small streams take AWS about half a minute.
const LOOKS: u32 = 600;
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who the credentials belong to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The ARN of the user or the role's session.
    pub arn: String,
    /// The account's 12 digits.
    pub account: String,
}

/// A stream as the service knows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its ARN.
    pub arn: String,
    /// Whether it is ACTIVE or UPDATING: records can be put.
    pub is_ready: bool,
    /// Whether it is being deleted.
    pub is_deleting: bool,
}

/// Why a call did not succeed. Displayed as a fragment that fits after "failed to".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{action}: {reason}")]
pub struct ControlError {
    /// What was tried: `create stream \`orders\``.
    pub action: String,
    /// What the service or the network said.
    pub reason: String,
    /// The service's code for it, if it answered.
    pub code: Option<String>,
}

impl ControlError {
    /// Whether the stream is not there.
    pub fn is_not_found(&self) -> bool {
        self.code.as_deref() == Some("ResourceNotFoundException")
    }

    /// Whether the stream is being made or deleted.
    pub fn is_in_use(&self) -> bool {
        self.code.as_deref() == Some("ResourceInUseException")
    }

    /// Whether asking again later may help.
    fn passes(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some("LimitExceededException" | "ThrottlingException" | "Throttling")
        )
    }

    fn of<E, R>(action: &str, error: &SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug + 'static,
    {
        let service = error.as_service_error().map(ProvideErrorMetadata::meta);
        let code = service.and_then(|meta| meta.code()).map(str::to_owned);
        let said = service.and_then(|meta| meta.message());
        let reason = match (&code, said) {
            (Some(code), Some(said)) => format!("{code}: {said}"),
            (Some(code), None) => code.clone(),
            _ => chain(error),
        };
        Self {
            action: action.to_owned(),
            reason,
            code,
        }
    }
}

/// Calls until the answer is not a refusal that passes by waiting.
macro_rules! patient {
    ($self:expr, $action:expr, $call:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let call = $call.send();
            let answer = tokio::select! {
                biased;
                answer = call => answer.map_err(|error| ControlError::of($action, &error)),
                () = $self.clock.sleep(PATIENCE) => Err(ControlError {
                    action: ($action).to_owned(),
                    reason: format!("no answer within {} s", PATIENCE.as_secs()),
                    code: None,
                }),
            };
            match answer {
                Err(refusal) if refusal.passes() && tries < TRIES => {
                    $self.clock.sleep(PAUSE).await;
                }
                answer => break answer,
            }
        }
    }};
}

impl Sdk {
    /// STS GetCallerIdentity: at the region's STS, or where the target's own URL leads.
    ///
    /// # Errors
    /// When STS refuses, cannot be reached, or does not say who calls.
    pub async fn caller(&self) -> Result<Identity, ControlError> {
        let action = "ask STS who calls";
        let mut settings = aws_sdk_sts::config::Builder::from(&self.configuration);
        if let Some(url) = &self.url {
            settings = settings.endpoint_url(url);
        }
        let sts = aws_sdk_sts::Client::from_conf(settings.build());
        let answer = patient!(self, action, sts.get_caller_identity())?;
        match (answer.arn, answer.account) {
            (Some(arn), Some(account)) => Ok(Identity { arn, account }),
            _ => Err(ControlError {
                action: action.to_owned(),
                reason: "the answer names no caller".to_owned(),
                code: None,
            }),
        }
    }

    /// The names and ARNs of up to a page of streams: where the service believes itself to be.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn some_arns(&self) -> Result<Vec<String>, ControlError> {
        let answer = patient!(self, "list streams", self.client.list_streams().limit(10))?;
        let summaries = answer.stream_summaries.unwrap_or_default();
        Ok(summaries
            .into_iter()
            .map(|stream| stream.stream_arn)
            .collect())
    }

    /// All names of streams that begin with `prefix`, page after page.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn names_with(&self, prefix: &str) -> Result<Vec<String>, ControlError> {
        let mut names: Vec<String> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = patient!(
                self,
                "list streams",
                self.client
                    .list_streams()
                    .set_exclusive_start_stream_name(after.clone())
            )?;
            let more = page.has_more_streams && !page.stream_names.is_empty();
            after = page.stream_names.last().cloned();
            names.extend(page.stream_names);
            if !more {
                names.retain(|name| name.starts_with(prefix));
                return Ok(names);
            }
        }
    }

    /// All tags of a stream.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn tags(&self, stream: &str) -> Result<BTreeMap<String, String>, ControlError> {
        let action = format!("list the tags of `{stream}`");
        let mut tags = BTreeMap::new();
        let mut after: Option<String> = None;
        loop {
            let page = patient!(
                self,
                &action,
                self.client
                    .list_tags_for_stream()
                    .stream_name(stream)
                    .set_exclusive_start_tag_key(after.clone())
            )?;
            let more = page.has_more_tags && !page.tags.is_empty();
            after = page.tags.last().map(|tag| tag.key.clone());
            let pairs = page.tags.into_iter();
            tags.extend(pairs.map(|tag| (tag.key, tag.value.unwrap_or_default())));
            if !more {
                return Ok(tags);
            }
        }
    }

    /// CreateStream with its tags in the same call, so that there is never a stream without them.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn create_tagged(
        &self,
        request: &CreateStream,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), ControlError> {
        let action = format!("create stream `{}`", request.stream);
        let mode = StreamModeDetails::builder()
            .stream_mode(StreamMode::Provisioned)
            .build()
            .map_err(|error| ControlError {
                action: action.clone(),
                reason: error.to_string(),
                code: None,
            })?;
        let shards = i32::try_from(request.shards).unwrap_or(i32::MAX);
        let largest_kib = i32::try_from(request.max_record_bytes >> 10).unwrap_or(i32::MAX);
        // The default size goes without saying: older engines do not know the parameter.
        let largest_kib = (largest_kib != 1_024).then_some(largest_kib);
        patient!(
            self,
            &action,
            self.client
                .create_stream()
                .stream_name(request.stream.as_str())
                .shard_count(shards)
                .stream_mode_details(mode.clone())
                .set_max_record_size_in_kib(largest_kib)
                .set_tags(Some(tags.clone().into_iter().collect()))
        )?;
        Ok(())
    }

    /// IncreaseStreamRetentionPeriod of a stream that is ACTIVE.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn keep_for_hours(&self, stream: &str, hours: u32) -> Result<(), ControlError> {
        let action = format!("increase the retention of `{stream}`");
        let hours = i32::try_from(hours).unwrap_or(i32::MAX);
        patient!(
            self,
            &action,
            self.client
                .increase_stream_retention_period()
                .stream_name(stream)
                .retention_period_hours(hours)
        )?;
        Ok(())
    }

    /// DescribeStreamSummary.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn find(&self, stream: &str) -> Result<Found, ControlError> {
        use aws_sdk_kinesis::types::StreamStatus;

        let action = format!("describe stream `{stream}`");
        let answer = patient!(
            self,
            &action,
            self.client.describe_stream_summary().stream_name(stream)
        )?;
        let Some(summary) = answer.stream_description_summary else {
            return Err(ControlError {
                action,
                reason: "the answer holds no description".to_owned(),
                code: None,
            });
        };
        Ok(Found {
            arn: summary.stream_arn,
            is_ready: matches!(
                summary.stream_status,
                StreamStatus::Active | StreamStatus::Updating
            ),
            is_deleting: summary.stream_status == StreamStatus::Deleting,
        })
    }

    /// Waits until the stream is ACTIVE.
    ///
    /// # Errors
    /// As the service answers, or when it takes more than five minutes.
    pub async fn wait_ready(&self, stream: &str) -> Result<Found, ControlError> {
        for _ in 0..LOOKS {
            let found = self.find(stream).await?;
            if found.is_ready {
                return Ok(found);
            }
            self.clock.sleep(PAUSE).await;
        }
        Err(ControlError {
            action: format!("wait for stream `{stream}`"),
            reason: "it is not ACTIVE after five minutes".to_owned(),
            code: None,
        })
    }

    /// DeleteStream, with its registered consumers. A stream that is not there, or is being deleted, is no error; one that
    /// is still being made is waited for.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn delete(&self, stream: &str) -> Result<(), ControlError> {
        let action = format!("delete stream `{stream}`");
        for _ in 0..TRIES {
            let answer = patient!(
                self,
                &action,
                self.client
                    .delete_stream()
                    .stream_name(stream)
                    .enforce_consumer_deletion(true)
            );
            match answer {
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) if error.is_in_use() => match self.find(stream).await {
                    Ok(found) if found.is_deleting => return Ok(()),
                    Err(gone) if gone.is_not_found() => return Ok(()),
                    _ => self.clock.sleep(PAUSE).await,
                },
                Err(error) => return Err(error),
            }
        }
        Err(ControlError {
            action,
            reason: "it is still being changed".to_owned(),
            code: None,
        })
    }
}
