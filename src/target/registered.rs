//! Calls about registered consumers: a run's set-up and its end.

use std::time::Duration;

use super::{Behind, CallError, Existence, Target, patiently};
use crate::base::Clock;
use crate::kinesis::arn::ConsumerArn;
use crate::kinesis::operation::{ConsumerSelector, ConsumerStatus};
use crate::kinesis::{ConsumerName, KinesisError};

/// The shortest and the longest wait between two looks at a consumer that is not ACTIVE yet. Local engines take
/// milliseconds, AWS takes seconds (unverified).
const LOOKS: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// A consumer that is not ACTIVE after this long will not be.
pub const ACTIVE_WITHIN: Duration = Duration::from_mins(2);

impl Target {
    /// RegisterStreamConsumer; gives the consumer's ARN. It is not ACTIVE yet.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn register_consumer(
        &self,
        stream: &str,
        name: &ConsumerName,
    ) -> Result<String, CallError> {
        patiently(self.clock(), || async {
            match self.behind() {
                Behind::Host(host) => {
                    let made = host.register_consumer(stream, name).await?;
                    Ok(made.arn.to_string())
                }
                #[cfg(feature = "aws")]
                Behind::Sdk(sdk) => Box::pin(sdk.register_consumer(stream, name, None)).await,
            }
        })
        .await
    }

    /// Waits until a consumer is ACTIVE.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn wait_consumer_active(&self, arn: &str) -> Result<(), CallError> {
        wait_active(self.clock(), || self.describe_consumer(arn)).await
    }

    /// DescribeStreamConsumer: the consumer's status.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn describe_consumer(&self, arn: &str) -> Result<ConsumerStatus, CallError> {
        match self.behind() {
            Behind::Host(host) => {
                let parsed: ConsumerArn = arn.parse().map_err(KinesisError::from)?;
                let found = host
                    .describe_consumer(ConsumerSelector::Arn(&parsed))
                    .await?;
                Ok(found.status)
            }
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.describe_consumer(arn)).await,
        }
    }

    /// DeregisterStreamConsumer. Over the network it is asked for until the consumer is gone, or for `patience`; an absence
    /// of one that was only possible is watched half a minute longer.
    ///
    /// # Errors
    /// As the service answers, or does not.
    pub async fn end_consumer(
        &self,
        stream: &str,
        name: &ConsumerName,
        existence: Existence,
        patience: Duration,
    ) -> Result<(), CallError> {
        match self.behind() {
            Behind::Host(host) => {
                let _ = (existence, patience);
                let consumer = name.as_str();
                let selector = ConsumerSelector::Name { stream, consumer };
                Ok(host.deregister_consumer(selector).await?)
            }
            #[cfg(feature = "aws")]
            Behind::Sdk(sdk) => Box::pin(sdk.end_consumer(stream, name, existence, patience)).await,
        }
    }
}

/// Looks at a consumer until it is ACTIVE.
pub(super) async fn wait_active<F>(clock: Clock, look: impl Fn() -> F) -> Result<(), CallError>
where
    F: Future<Output = Result<ConsumerStatus, CallError>>,
{
    let (mut wait, longest) = LOOKS;
    let deadline = clock.now().plus(ACTIVE_WITHIN);
    loop {
        let status = patiently(clock, &look).await?;
        if status == ConsumerStatus::Active {
            return Ok(());
        }
        if clock.now() >= deadline {
            return Err(CallError::Unanswered(format!(
                "the consumer is still {} after {} s",
                status.as_str(),
                ACTIVE_WITHIN.as_secs()
            )));
        }
        clock.sleep(wait).await;
        wait = (wait * 2).min(longest);
    }
}
