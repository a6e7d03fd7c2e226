//! UpdateMaxRecordSize, UpdateStreamMode, UpdateStreamWarmThroughput and UpdateStreamRecordDistributionStrategy.

use std::time::Duration;

use super::account::{Account, AccountControl};
use super::control::{AUTO_IS_ON_DEMAND, check_active, check_record_bytes};
use super::on_demand::Rules;
use super::refuse::{invalid, validation};
use super::shard::ShardRates;
use super::stream::Change;
use crate::base::Timestamp;
use crate::kinesis::operation::{CommitmentStatus, RecordDistribution, StreamMode, WarmThroughput};
use crate::kinesis::quotas::{CapName, RateName};
use crate::kinesis::{Cause, ErrorCode, KinesisError};

impl Account {
    /// UpdateMaxRecordSize, in bytes: 1 MiB to 10 MiB, in force at once and without a change of status (both unverified).
    /// A larger byte bucket begins as full as the smaller one was.
    ///
    /// # Errors
    /// `Validation`, `LimitExceeded`, `ResourceNotFound`, `ResourceInUse` unless ACTIVE.
    pub fn update_max_record_size(
        &self,
        now: Timestamp,
        stream: &str,
        bytes: u64,
    ) -> Result<(), KinesisError> {
        check_record_bytes(bytes)?;
        self.admit(now, RateName::UpdateMaxRecordSize, stream, None)?;
        let found = self.find(now, stream)?;
        let mut control = found.control();
        check_active(&found, self.refuse(stream))?;
        let bytes = self.record_bytes(bytes);
        let rates = ShardRates::new(self.limits(), bytes);
        found.set_max_record_bytes(&mut control, now, bytes, rates);
        Ok(())
    }

    /// UpdateStreamMode: done `takes` after `now`; the shards stay as they are. A switch to the mode that the stream has
    /// is accepted and counts for nothing, and one to provisioned under AUTO is `InvalidArgument` (both unverified).
    ///
    /// # Errors
    /// `LimitExceeded` (call rate, switches in 24 hours, shards or on-demand streams of the account), `ResourceNotFound`,
    /// `ResourceInUse` unless ACTIVE, `InvalidArgument`, `Validation` for warm throughput.
    pub fn update_stream_mode(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        mode: StreamMode,
        warm_mib_per_s: Option<u32>,
    ) -> Result<(), KinesisError> {
        let refuse = self.refuse(stream);
        self.admit(now, RateName::UpdateStreamMode, stream, None)?;
        let found = self.find(now, stream)?;
        let (mut account, mut control) = (self.control(), found.control());
        check_active(&found, refuse)?;
        if let Some(mib) = warm_mib_per_s {
            if mode == StreamMode::Provisioned {
                return Err(invalid(
                    "Warm throughput is only supported in on-demand mode.",
                ));
            }
            self.check_warm(&mut account, now, mib, found.rules())?;
        }
        if control.mode() != mode {
            let limit = self.limits().cap(CapName::ModeSwitchesPerDay);
            if !control.mode_switches.has_room(now, limit) {
                // The text that aws-cdk issue 18139 shows for it.
                return Err(refuse.call_rate(Cause::AccountQuota));
            }
            match mode {
                StreamMode::Provisioned => {
                    if found.spreads() {
                        return Err(invalid(AUTO_IS_ON_DEMAND));
                    }
                    let shards = u64::from(found.map().open_count());
                    self.check_shard_quota(&account, refuse, Some((&found, &control)), shards)?;
                }
                StreamMode::OnDemand => {
                    self.check_on_demand_quota(&account, Some((&found, &control)))?;
                }
            }
            control.mode_switches.note(now);
        } else if warm_mib_per_s.is_none() {
            return Ok(());
        }
        let same = control.mode() == mode;
        let change = match warm_mib_per_s {
            Some(mib) if same => Change::Warm(mib),
            warm => Change::Mode(mode, warm),
        };
        found.begin(&mut control, now.plus(takes), change, 0);
        found.settle(&self.pool, &mut control, now);
        Ok(())
    }

    /// UpdateStreamWarmThroughput, in MiB/s: `takes` after `now` the stream has a shard for each. Zero removes it, and no
    /// shard with it (unverified).
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`, `ResourceInUse` unless ACTIVE, `Validation` in provisioned mode or above the
    /// most, `InvalidArgument` without the throughput commitment.
    pub fn update_stream_warm_throughput(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        mib_per_s: u32,
    ) -> Result<WarmThroughput, KinesisError> {
        self.admit(now, RateName::UpdateStreamWarmThroughput, stream, None)?;
        let found = self.find(now, stream)?;
        let (mut account, mut control) = (self.control(), found.control());
        check_active(&found, self.refuse(stream))?;
        if control.mode() == StreamMode::Provisioned {
            // After the API reference's sentence for the opposite case; unverified.
            return Err(KinesisError::new(
                ErrorCode::Validation,
                "This API is only supported for data streams with the on-demand capacity mode.",
            ));
        }
        if mib_per_s > 0 {
            self.check_warm(&mut account, now, mib_per_s, found.rules())?;
        }
        let before = control.warmed_mib;
        found.begin(&mut control, now.plus(takes), Change::Warm(mib_per_s), 0);
        found.settle(&self.pool, &mut control, now);
        Ok(WarmThroughput {
            target_mib_per_s: mib_per_s,
            current_mib_per_s: before,
        })
    }

    /// Checks warm throughput and gives the shards that it takes: one for each MiB/s.
    pub(super) fn check_warm(
        &self,
        account: &mut AccountControl,
        now: Timestamp,
        mib_per_s: u32,
        rules: &Rules,
    ) -> Result<u32, KinesisError> {
        let enabled = account.commitment(now).status == CommitmentStatus::Enabled;
        if mib_per_s > 0 && !enabled {
            // The text is unverified, and that a commitment which is to end takes no more of it: what there is of it must be
            // removed before.
            return Err(invalid(
                "Warm throughput needs MinimumThroughputBillingCommitment to be enabled.",
            ));
        }
        let most = self.limits().cap(CapName::WarmThroughputMib);
        let most = most.unwrap_or(u64::MAX).min(rules.most_shards);
        if u64::from(mib_per_s) > most {
            let constraint = format!("Member must have value less than or equal to {most}");
            return Err(validation(mib_per_s, "warmThroughputMiBps", &constraint));
        }
        Ok(mib_per_s)
    }

    /// UpdateStreamRecordDistributionStrategy: in force at once.
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`, `ResourceInUse` unless ACTIVE, `InvalidArgument` for AUTO in provisioned mode.
    pub fn update_stream_record_distribution_strategy(
        &self,
        now: Timestamp,
        stream: &str,
        distribution: RecordDistribution,
    ) -> Result<(), KinesisError> {
        let rate = RateName::UpdateStreamRecordDistributionStrategy;
        self.admit(now, rate, stream, None)?;
        let found = self.find(now, stream)?;
        let control = found.control();
        check_active(&found, self.refuse(stream))?;
        if control.mode() == StreamMode::Provisioned && distribution == RecordDistribution::Auto {
            return Err(invalid(AUTO_IS_ON_DEMAND));
        }
        found.set_distribution(distribution);
        drop(control);
        Ok(())
    }
}
