//! ARNs of streams and of their consumers: read, written, and held against the account that is asked.

use std::fmt;
use std::str::FromStr;

use super::error::{ErrorCode, KinesisError};
use super::names::{ConsumerName, StreamName};

/// The partition that a region belongs to, as ARNs begin with it (general reference, "Amazon Resource Names").
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

/// A stream's ARN: `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamArn {
    /// The partition: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account's 12 digits.
    pub account: String,
    /// The stream.
    pub stream: StreamName,
}

/// A registered consumer's ARN: its stream's, then `/consumer/NAME:SECOND`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsumerArn {
    /// The stream that it reads.
    pub stream: StreamArn,
    /// The consumer.
    pub consumer: ConsumerName,
    /// When it was registered, seconds since the epoch: a consumer that is registered again has another ARN.
    pub created_s: u64,
}

/// What tags and policies belong to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ResourceArn {
    /// A stream.
    Stream(StreamArn),
    /// A registered consumer.
    Consumer(ConsumerArn),
}

/// A text that is no ARN of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct ArnError {
    text: String,
    wanted: &'static str,
}

impl StreamArn {
    /// A stream's ARN in the standard partition.
    pub fn new(region: &str, account: &str, stream: StreamName) -> Self {
        Self {
            partition: "aws".to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            stream,
        }
    }

    /// Checks that the ARN is of this account and region. Both codes and texts are unverified.
    ///
    /// # Errors
    /// `InvalidArgument` for another region, `AccessDenied` for another account.
    pub fn check(&self, account: &str, region: &str) -> Result<(), KinesisError> {
        if self.region != region {
            return Err(KinesisError::new(
                ErrorCode::InvalidArgument,
                format!("{self} is not in region {region}."),
            ));
        }
        if self.account != account {
            return Err(KinesisError::new(
                ErrorCode::AccessDenied,
                format!("Account {account} is not authorized to access resource: {self}"),
            ));
        }
        Ok(())
    }
}

impl ConsumerArn {
    fn parse(text: &str) -> Option<Self> {
        let (stream, consumer) = text.split_once("/consumer/")?;
        let (consumer, created) = consumer.rsplit_once(':')?;
        let digits = !created.is_empty() && created.bytes().all(|c| c.is_ascii_digit());
        Some(Self {
            stream: stream.parse().ok()?,
            consumer: consumer.parse().ok()?,
            created_s: digits.then(|| created.parse().ok()).flatten()?,
        })
    }
}

impl ResourceArn {
    /// The stream that it is or that it belongs to.
    pub const fn stream(&self) -> &StreamArn {
        match self {
            Self::Stream(stream) => stream,
            Self::Consumer(consumer) => &consumer.stream,
        }
    }
}

impl FromStr for StreamArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let rest = text.strip_prefix("arn:")?;
            let (partition, rest) = rest.split_once(":kinesis:")?;
            let (region, rest) = rest.split_once(':')?;
            let (account, name) = rest.split_once(":stream/")?;
            let digits = account.len() == 12 && account.bytes().all(|c| c.is_ascii_digit());
            let plain = partition.starts_with("aws") && !partition.contains(':');
            (digits && plain).then_some(())?;
            Some(Self {
                partition: partition.to_owned(),
                region: region.to_owned(),
                account: account.to_owned(),
                stream: name.parse().ok()?,
            })
        };
        parse().ok_or_else(|| ArnError {
            text: text.to_owned(),
            wanted: "a stream's ARN, `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME`",
        })
    }
}

impl FromStr for ConsumerArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or_else(|| ArnError {
            text: text.to_owned(),
            wanted: "a consumer's ARN, `arn:aws:kinesis:REGION:ACCOUNT:stream/NAME/consumer/NAME:SECOND`",
        })
    }
}

impl FromStr for ResourceArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ConsumerArn::parse(text)
            .map(Self::Consumer)
            .or_else(|| text.parse().ok().map(Self::Stream))
            .ok_or_else(|| ArnError {
                text: text.to_owned(),
                wanted: "the ARN of a stream or of a consumer",
            })
    }
}

impl From<ArnError> for KinesisError {
    /// The service's own check is a pattern in the model; a text that passes it and is no ARN is refused with this one.
    fn from(error: ArnError) -> Self {
        Self::new(ErrorCode::InvalidArgument, error.to_string())
    }
}

impl fmt::Display for StreamArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            region,
            account,
            stream,
        } = self;
        write!(
            f,
            "arn:{partition}:kinesis:{region}:{account}:stream/{stream}"
        )
    }
}

impl fmt::Display for ConsumerArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stream,
            consumer,
            created_s,
        } = self;
        write!(f, "{stream}/consumer/{consumer}:{created_s}")
    }
}

impl fmt::Display for ResourceArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(arn) => arn.fmt(f),
            Self::Consumer(arn) => arn.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
    const CONSUMER: &str =
        "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/billing:1700000000";

    #[test]
    fn arns_are_read_and_written_alike() {
        for text in [
            STREAM,
            CONSUMER,
            "arn:aws-cn:kinesis:cn-north-1:000000000000:stream/a.b",
        ] {
            assert_eq!(text.parse::<ResourceArn>().unwrap().to_string(), text);
        }
        let consumer: ConsumerArn = CONSUMER.parse().unwrap();
        assert_eq!(
            (consumer.consumer.as_str(), consumer.created_s),
            ("billing", 1_700_000_000)
        );
        assert_eq!(consumer.stream, STREAM.parse().unwrap());
    }

    #[test]
    fn what_is_no_arn_is_refused() {
        for text in [
            "",
            "orders",
            "arn:aws:kinesis:us-east-1:12345:stream/orders",
            "arn:aws:sqs:us-east-1:123456789012:stream/orders",
            "arn:aws:kinesis:us-east-1:123456789012:queue/orders",
            "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/billing",
            "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/billing:+7",
        ] {
            assert!(text.parse::<ResourceArn>().is_err(), "{text}");
        }
    }

    #[test]
    fn another_region_or_account_is_refused() {
        let arn: StreamArn = STREAM.parse().unwrap();
        assert!(arn.check("123456789012", "us-east-1").is_ok());
        let code = |account, region| arn.check(account, region).unwrap_err().code;
        assert_eq!(
            code("123456789012", "eu-west-1"),
            ErrorCode::InvalidArgument
        );
        assert_eq!(code("210987654321", "us-east-1"), ErrorCode::AccessDenied);
    }
}
