//! EnableEnhancedMonitoring and DisableEnhancedMonitoring.

use std::collections::BTreeSet;

use super::account::Account;
use super::control::check_active;
use crate::base::Timestamp;
use crate::kinesis::KinesisError;
use crate::kinesis::operation::{EnhancedMonitoring, ShardMetric};
use crate::kinesis::quotas::RateName;

impl Account {
    /// EnableEnhancedMonitoring, in force at once. `ALL` is [`ShardMetric::ALL`]; that it is shown as its seven names is
    /// unverified.
    ///
    /// # Errors
    /// `ResourceNotFound`, `LimitExceeded`, `ResourceInUse` unless ACTIVE.
    pub fn enable_enhanced_monitoring(
        &self,
        now: Timestamp,
        stream: &str,
        metrics: &[ShardMetric],
    ) -> Result<EnhancedMonitoring, KinesisError> {
        let rate = RateName::EnableEnhancedMonitoring;
        self.change_metrics(now, stream, rate, |kept| kept.extend(metrics))
    }

    /// DisableEnhancedMonitoring, in force at once. A metric that is not enabled changes nothing.
    ///
    /// # Errors
    /// As [`Self::enable_enhanced_monitoring`].
    pub fn disable_enhanced_monitoring(
        &self,
        now: Timestamp,
        stream: &str,
        metrics: &[ShardMetric],
    ) -> Result<EnhancedMonitoring, KinesisError> {
        let rate = RateName::DisableEnhancedMonitoring;
        self.change_metrics(now, stream, rate, |kept| {
            kept.retain(|metric| !metrics.contains(metric));
        })
    }

    fn change_metrics(
        &self,
        now: Timestamp,
        stream: &str,
        rate: RateName,
        change: impl FnOnce(&mut BTreeSet<ShardMetric>),
    ) -> Result<EnhancedMonitoring, KinesisError> {
        let found = self.find(now, stream)?;
        self.admit(now, rate, stream, Some(&found))?;
        let mut control = found.control();
        check_active(&found, self.refuse(stream))?;
        let current = control.metrics.iter().copied().collect();
        change(&mut control.metrics);
        Ok(EnhancedMonitoring {
            current,
            desired: control.metrics.iter().copied().collect(),
        })
    }
}
