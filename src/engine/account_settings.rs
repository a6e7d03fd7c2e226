//! DescribeLimits, DescribeAccountSettings and UpdateAccountSettings.

use std::time::Duration;

use super::account::{Account, AccountControl};
use super::refuse::invalid;
use crate::base::Timestamp;
use crate::kinesis::KinesisError;
use crate::kinesis::operation::{AccountLimits, Commitment, CommitmentStatus};
use crate::kinesis::quotas::{CapName, RateName};

impl AccountControl {
    /// The throughput commitment as it is at `now`.
    pub(super) fn commitment(&mut self, now: Timestamp) -> Commitment {
        let commitment = &mut self.commitment;
        if commitment.status == CommitmentStatus::EnabledUntilEarliestAllowedEnd
            && let Some(end) = commitment.earliest_end
            && end <= now
        {
            commitment.status = CommitmentStatus::Disabled;
            commitment.ended = Some(end);
        }
        *commitment
    }

    /// Whether the account has what the commitment brings.
    pub(super) fn has_advantage(&mut self, now: Timestamp) -> bool {
        self.commitment(now).status != CommitmentStatus::Disabled
    }
}

impl Account {
    /// DescribeLimits. Counts are exact at once, where the service may lag by minutes.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn describe_limits(&self, now: Timestamp) -> Result<AccountLimits, KinesisError> {
        self.admit(now, RateName::DescribeLimits, "", None)?;
        self.apply_due(now);
        let _account = self.control();
        let (shards, on_demand) = self.count_shards(None);
        let shown = |count: u64| u32::try_from(count).unwrap_or(i32::MAX as u32);
        let limit = |name| shown(self.limits().cap(name).unwrap_or(i32::MAX as u64));
        Ok(AccountLimits {
            shard_limit: limit(CapName::Shards),
            open_shards: shown(shards),
            on_demand_streams: shown(on_demand),
            on_demand_stream_limit: limit(CapName::OnDemandStreams),
        })
    }

    /// DescribeAccountSettings: MinimumThroughputBillingCommitment.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn describe_account_settings(&self, now: Timestamp) -> Result<Commitment, KinesisError> {
        self.admit(now, RateName::DescribeAccountSettings, "", None)?;
        Ok(self.control().commitment(now))
    }

    /// UpdateAccountSettings: begins the commitment, or ends it as soon as it may end. Enabling what is enabled and
    /// disabling what is disabled change nothing; enabling again before the end revokes the end (unverified).
    ///
    /// # Errors
    /// `LimitExceeded`; `InvalidArgument` while a stream has warm throughput, which must be removed first (code and text
    /// unverified).
    pub fn update_account_settings(
        &self,
        now: Timestamp,
        enabled: bool,
    ) -> Result<Commitment, KinesisError> {
        self.admit(now, RateName::UpdateAccountSettings, "", None)?;
        let mut control = self.control();
        let status = control.commitment(now).status;
        if enabled {
            if status == CommitmentStatus::Disabled {
                let hours = self.limits().cap(CapName::CommitmentHours).unwrap_or(0);
                let least = Duration::from_secs(hours.saturating_mul(3_600));
                control.commitment.started = Some(now);
                control.commitment.ended = None;
                control.commitment.earliest_end = Some(now.plus(least));
            }
            control.commitment.status = CommitmentStatus::Enabled;
        } else if status == CommitmentStatus::Enabled {
            let table = self.table_at(now);
            let mut streams = table.values();
            if let Some(warm) = streams.find(|stream| stream.control().warm_mib.is_some()) {
                return Err(invalid(format!(
                    "Warm throughput of stream {} must be removed first.",
                    warm.name
                )));
            }
            control.commitment.status = CommitmentStatus::EnabledUntilEarliestAllowedEnd;
            if control
                .commitment
                .earliest_end
                .is_some_and(|end| end <= now)
            {
                control.commitment.status = CommitmentStatus::Disabled;
                control.commitment.ended = Some(now);
            }
        }
        Ok(control.commitment(now))
    }
}
