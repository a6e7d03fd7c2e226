//! How the service says no.

use std::fmt;

use super::names::ShardId;

/// The error codes that operations answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "the service's own names")]
pub enum ErrorCode {
    ProvisionedThroughputExceeded,
    LimitExceeded,
    ResourceNotFound,
    ResourceInUse,
    InvalidArgument,
    Validation,
    ExpiredIterator,
    ExpiredNextToken,
    InternalFailure,
    AccessDenied,
    DryRunOperation,
    KmsAccessDenied,
    KmsDisabled,
    KmsInvalidState,
    KmsNotFound,
    KmsOptInRequired,
    KmsThrottling,
}

impl ErrorCode {
    /// The code as it stands in an error's `__type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProvisionedThroughputExceeded => "ProvisionedThroughputExceededException",
            Self::LimitExceeded => "LimitExceededException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::InvalidArgument => "InvalidArgumentException",
            Self::Validation => "ValidationException",
            Self::ExpiredIterator => "ExpiredIteratorException",
            Self::ExpiredNextToken => "ExpiredNextTokenException",
            Self::InternalFailure => "InternalFailure",
            Self::AccessDenied => "AccessDeniedException",
            Self::DryRunOperation => "DryRunOperationException",
            Self::KmsAccessDenied => "KMSAccessDeniedException",
            Self::KmsDisabled => "KMSDisabledException",
            Self::KmsInvalidState => "KMSInvalidStateException",
            Self::KmsNotFound => "KMSNotFoundException",
            // The service model's name has no `Exception` at its end.
            Self::KmsOptInRequired => "KMSOptInRequired",
            Self::KmsThrottling => "KMSThrottlingException",
        }
    }

    /// Every code.
    pub const ALL: [Self; 17] = [
        Self::ProvisionedThroughputExceeded,
        Self::LimitExceeded,
        Self::ResourceNotFound,
        Self::ResourceInUse,
        Self::InvalidArgument,
        Self::Validation,
        Self::ExpiredIterator,
        Self::ExpiredNextToken,
        Self::InternalFailure,
        Self::AccessDenied,
        Self::DryRunOperation,
        Self::KmsAccessDenied,
        Self::KmsDisabled,
        Self::KmsInvalidState,
        Self::KmsNotFound,
        Self::KmsOptInRequired,
        Self::KmsThrottling,
    ];

    /// The code with this name; with or without `Exception` at its end, because the service itself writes
    /// `InternalFailure` both ways.
    pub fn named(name: &str) -> Option<Self> {
        fn stem(name: &str) -> &str {
            name.strip_suffix("Exception").unwrap_or(name)
        }
        Self::ALL
            .into_iter()
            .find(|code| stem(code.as_str()) == stem(name))
    }

    /// Whether this refusal is a throttle: the same call may pass later.
    pub const fn is_throttle(self) -> bool {
        matches!(
            self,
            Self::ProvisionedThroughputExceeded | Self::LimitExceeded | Self::KmsThrottling
        )
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which limit a refusal came from. AWS's texts do not say; the engine does.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// 1,000 records per second and shard.
    WriteRecords,
    /// 1 MiB per second and shard, in.
    WriteBytes,
    /// 5 calls per second and shard.
    ReadCalls,
    /// 2 MiB per second and shard, out.
    ReadBytes,
    /// Calls per second of a control operation.
    ApiRate,
    /// A quota of the account: shards, streams being created.
    AccountQuota,
    /// The key service.
    Kms,
    /// A throttle storm that the scenario asked for.
    Injected,
    /// Nobody said.
    Unknown,
}

impl Cause {
    /// Every cause, in the order reports list them.
    pub const ALL: [Self; 9] = [
        Self::WriteRecords,
        Self::WriteBytes,
        Self::ReadCalls,
        Self::ReadBytes,
        Self::ApiRate,
        Self::AccountQuota,
        Self::Kms,
        Self::Injected,
        Self::Unknown,
    ];

    /// The cause as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WriteRecords => "write-records",
            Self::WriteBytes => "write-bytes",
            Self::ReadCalls => "read-calls",
            Self::ReadBytes => "read-bytes",
            Self::ApiRate => "api-rate",
            Self::AccountQuota => "account-quota",
            Self::Kms => "kms",
            Self::Injected => "injected",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// An operation's error answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct KinesisError {
    /// The code.
    pub code: ErrorCode,
    /// The text that clients see.
    pub message: String,
    /// Which limit refused, where a limit did and it is known.
    pub cause: Option<Cause>,
}

impl KinesisError {
    /// An error that no limit caused.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            cause: None,
        }
    }

    /// A refusal by a limit.
    pub fn throttled(code: ErrorCode, cause: Cause, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            cause: Some(cause),
        }
    }
}

/// Why one record of a PutRecords call was not stored. The text is made only when somebody reads it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EntryError {
    /// `ProvisionedThroughputExceeded` or `InternalFailure`.
    pub code: ErrorCode,
    /// Which limit refused, where it is known.
    pub cause: Option<Cause>,
    /// The shard that refused, where it is known.
    pub shard: Option<ShardId>,
}

impl EntryError {
    /// The text that clients see.
    pub fn message(&self, stream: &str, account: &str) -> String {
        match (self.code, self.shard) {
            (ErrorCode::ProvisionedThroughputExceeded, Some(shard)) => {
                format!(
                    "Rate exceeded for shard {shard} in stream {stream} under account {account}."
                )
            }
            // Service model, PutRecordsResultEntry: "Internal Service Failure".
            _ => "Internal Service Failure".to_owned(),
        }
    }
}
