//! Calls about registered consumers.

use super::Host;
use crate::kinesis::delays::DelayName;
use crate::kinesis::operation::{ConsumerDescription, ConsumerSelector, Tags};
use crate::kinesis::{ConsumerName, KinesisError};

impl Host {
    /// RegisterStreamConsumer.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn register_consumer(
        &self,
        stream: &str,
        consumer: &ConsumerName,
    ) -> Result<ConsumerDescription, KinesisError> {
        let takes = self.takes(DelayName::Control);
        self.call(DelayName::Control, |account, now| {
            account.register_stream_consumer(now, takes, stream, consumer, &Tags::new())
        })
        .await
    }

    /// DescribeStreamConsumer.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn describe_consumer(
        &self,
        consumer: ConsumerSelector<'_>,
    ) -> Result<ConsumerDescription, KinesisError> {
        self.call(DelayName::Control, |account, now| {
            account.describe_stream_consumer(now, consumer)
        })
        .await
    }

    /// DeregisterStreamConsumer; its subscriptions end.
    ///
    /// # Errors
    /// As the service answers.
    pub async fn deregister_consumer(
        &self,
        consumer: ConsumerSelector<'_>,
    ) -> Result<(), KinesisError> {
        let takes = self.takes(DelayName::Control);
        self.control(|account, now| account.deregister_stream_consumer(now, takes, consumer))
            .await
    }
}
