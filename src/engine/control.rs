//! CreateStream, DeleteStream, resharding and retention.
//!
//! Calls that count shards or streams of the account hold the account's control lock while they decide; lock order is
//! account, stream, shard.

use std::sync::Arc;
use std::time::Duration;

use super::account::{Account, AccountControl};
use super::on_demand::Rules;
use super::refuse::{Refuse, check_ceiling, invalid, quota, validation};
use super::reshard::{Step, most_additional_shards, uniform_plan};
use super::shard::ShardRates;
use super::stream::{Change, Control, Founding, Stream};
use crate::base::Timestamp;
use crate::kinesis::operation::{
    CreateStream, MergeShards, RecordDistribution, ShardCountUpdate, SplitShard, StreamMode,
    StreamOptions, StreamStatus,
};
use crate::kinesis::quotas::{CapName, RateName};
use crate::kinesis::{Cause, ErrorCode, KinesisError, ShardId, StreamName};

/// The least and the most that MaxRecordSizeInKiB may say, in bytes (service model).
const RECORD_BYTES_RANGE: std::ops::RangeInclusive<u64> = (1 << 20)..=(10 << 20);
/// Retention in hours (developer guide).
const RETENTION_HOURS_MIN: i64 = 24;
const RETENTION_HOURS_MAX: i64 = 8_760;
/// Unverified text.
pub(super) const AUTO_IS_ON_DEMAND: &str =
    "Record distribution strategy AUTO is only supported in on-demand mode.";

impl Account {
    /// CreateStream of a provisioned stream: ACTIVE `takes` after `now`.
    ///
    /// # Errors
    /// As [`Self::create_stream_with`].
    pub fn create_stream(
        &self,
        now: Timestamp,
        takes: Duration,
        request: &CreateStream,
    ) -> Result<(), KinesisError> {
        let options = StreamOptions {
            shards: Some(request.shards),
            max_record_bytes: Some(request.max_record_bytes),
            ..StreamOptions::default()
        };
        self.create_stream_with(now, takes, &request.stream, &options)
    }

    /// CreateStream with all its members: ACTIVE `takes` after `now`. Without a shard count and a mode it is on-demand
    /// (a LocalStack snapshot of AWS shows 4 shards; that this is the mode is unverified). A provisioned stream without a
    /// count, and an on-demand one with one, are `InvalidArgument` (unverified).
    ///
    /// # Errors
    /// `LimitExceeded` (call rate, shards, on-demand streams, streams in creation), `ResourceInUse` when the name is
    /// taken, `Validation`, `InvalidArgument`.
    pub fn create_stream_with(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &StreamName,
        options: &StreamOptions,
    ) -> Result<(), KinesisError> {
        let name = stream.as_str();
        let refuse = self.refuse(name);
        self.admit(now, RateName::CreateStream, name, None)?;
        if options.shards == Some(0) {
            let constraint = "Member must have value greater than or equal to 1";
            return Err(validation(0, "shardCount", constraint));
        }
        let asked_bytes = options
            .max_record_bytes
            .unwrap_or(*RECORD_BYTES_RANGE.start());
        check_record_bytes(asked_bytes)?;
        self.check_tags(refuse, &options.tags, options.tags.len())?;
        let rules = Rules::new(self.limits(), &self.settings().region);
        let mut control = self.control();
        let (mode, shards) = self.founding_shards(&mut control, now, options, &rules)?;
        let table = self.table_at(now);
        if table.contains_key(name) {
            return Err(refuse.exists());
        }
        let creating = table
            .values()
            .filter(|stream| stream.status() == StreamStatus::Creating)
            .count() as u64;
        if let Some(limit) = self.limits().cap(CapName::StreamsInCreation)
            && creating >= limit
        {
            return Err(quota(format!(
                "This request would have exceed the limit on the number of streams that can simultaneously be in \
                 CREATING or DELETING. Limit: {limit}"
            )));
        }
        match mode {
            StreamMode::Provisioned => {
                self.check_shard_quota(&control, refuse, None, u64::from(shards))?;
            }
            StreamMode::OnDemand => self.check_on_demand_quota(&control, None)?,
        }
        check_ceiling(u64::from(shards))?;
        let max_record_bytes = self.record_bytes(asked_bytes);
        let founding = Founding {
            name: stream.clone(),
            incarnation: self.next_incarnation(now),
            shards,
            created_s: self.created_s(now, stream),
            mode,
            max_record_bytes,
            rates: ShardRates::new(self.limits(), max_record_bytes),
            rules,
            distribution: options.distribution.unwrap_or_default(),
            tags: options.tags.clone(),
            warm_mib: options.warm_mib_per_s.filter(|&mib| mib > 0),
            dues: Arc::clone(&self.dues),
        };
        let stream = Arc::new(Stream::new(founding, now));
        stream.begin(&mut stream.control(), now.plus(takes), Change::Create, 0);
        self.insert(&stream);
        self.settle(now, &stream);
        drop(control);
        Ok(())
    }

    /// The mode and the shards that a stream begins with.
    fn founding_shards(
        &self,
        control: &mut AccountControl,
        now: Timestamp,
        options: &StreamOptions,
        rules: &Rules,
    ) -> Result<(StreamMode, u32), KinesisError> {
        let default = match options.shards {
            Some(_) => StreamMode::Provisioned,
            None => StreamMode::OnDemand,
        };
        let mode = options.mode.unwrap_or(default);
        let shards = match (mode, options.shards) {
            (StreamMode::Provisioned, Some(shards)) => shards,
            (StreamMode::Provisioned, None) => {
                return Err(invalid("ShardCount is required in provisioned mode."));
            }
            (StreamMode::OnDemand, Some(_)) => {
                return Err(invalid("ShardCount is not supported in on-demand mode."));
            }
            (StreamMode::OnDemand, None) => rules.first_shards,
        };
        if mode == StreamMode::Provisioned {
            if options.distribution == Some(RecordDistribution::Auto) {
                return Err(invalid(AUTO_IS_ON_DEMAND));
            }
            if options.warm_mib_per_s.is_some() {
                return Err(invalid(
                    "Warm throughput is only supported in on-demand mode.",
                ));
            }
        }
        let warm = match options.warm_mib_per_s {
            Some(mib) => self.check_warm(control, now, mib, rules)?,
            None => 0,
        };
        Ok((mode, shards.max(warm)))
    }

    /// What the stream asks for, unless the scenario set the limit itself.
    pub(super) fn record_bytes(&self, asked: u64) -> u64 {
        match self.limits().cap(CapName::RecordBytes) {
            Some(limit) if self.limits().is_cap_set(CapName::RecordBytes) => limit,
            Some(_) => asked,
            None => *RECORD_BYTES_RANGE.end(),
        }
    }

    /// DeleteStream: gone `takes` after `now`. Without EnforceConsumerDeletion, as [`Self::delete_stream_with`].
    ///
    /// # Errors
    /// As [`Self::delete_stream_with`].
    pub fn delete_stream(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
    ) -> Result<(), KinesisError> {
        self.delete_stream_with(now, takes, stream, false)
    }

    /// DeleteStream with EnforceConsumerDeletion: gone `takes` after `now`, its consumers at once.
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`; `ResourceInUse` while CREATING or DELETING (unverified, as is that it
    /// passes while UPDATING), and while the stream has consumers unless `enforce_consumer_deletion`.
    pub fn delete_stream_with(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        enforce_consumer_deletion: bool,
    ) -> Result<(), KinesisError> {
        self.admit(now, RateName::DeleteStream, stream, None)?;
        let found = self.find(now, stream)?;
        let mut control = found.control();
        let status = found.status();
        if matches!(status, StreamStatus::Creating | StreamStatus::Deleting) {
            return Err(self.refuse(stream).not_active(status.as_str()));
        }
        if !enforce_consumer_deletion && control.consumers.count(now) > 0 {
            return Err(self.refuse(stream).has_consumers());
        }
        control.consumers.clear();
        found.begin(&mut control, now.plus(takes), Change::Delete, 0);
        // It may have taken the place of an earlier change.
        self.search_dues();
        drop(control);
        self.settle(now, &found);
        Ok(())
    }

    /// SplitShard: the children take over `takes` after `now`.
    ///
    /// # Errors
    /// `ResourceNotFound`, `ResourceInUse` unless ACTIVE, `InvalidArgument`, `LimitExceeded` (call rate, shards).
    pub fn split_shard(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        request: SplitShard,
    ) -> Result<(), KinesisError> {
        let refuse = self.refuse(stream);
        let found = self.find(now, stream)?;
        self.admit(now, RateName::SplitShard, stream, Some(&found))?;
        let (account, mut control) = (self.control(), found.control());
        check_active(&found, refuse)?;
        check_provisioned(&control)?;
        let range = {
            let map = found.map();
            let parent = map
                .get(request.shard)
                .ok_or_else(|| refuse.no_shard(request.shard))?;
            if !map.is_open(request.shard) {
                return Err(refuse.closed_shard(request.shard));
            }
            parent.birth.range
        };
        let at = request.new_starting_hash_key;
        // Greater than start + 1 and less than the end (kinesalite's tests against the service).
        if at.0 <= range.start.0.saturating_add(1) || at >= range.end {
            return Err(refuse.split_key(at, request.shard, range));
        }
        check_ceiling(u64::from(found.map().open_count()) + 1)?;
        let steps = vec![Step::Split {
            parent: request.shard,
            at,
        }];
        self.begin_reshard(now, takes, &account, &found, &mut control, steps)
    }

    /// MergeShards: the child takes over `takes` after `now`.
    ///
    /// # Errors
    /// `ResourceNotFound`, `ResourceInUse` unless ACTIVE, `InvalidArgument` unless both are open neighbours, the left one
    /// first, `LimitExceeded` (call rate).
    pub fn merge_shards(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        request: MergeShards,
    ) -> Result<(), KinesisError> {
        let refuse = self.refuse(stream);
        let found = self.find(now, stream)?;
        self.admit(now, RateName::MergeShards, stream, Some(&found))?;
        let (account, mut control) = (self.control(), found.control());
        check_active(&found, refuse)?;
        check_provisioned(&control)?;
        {
            let map = found.map();
            let range = |id: ShardId| {
                let shard = map.get(id).ok_or_else(|| refuse.no_shard(id))?;
                Ok::<_, KinesisError>(shard.birth.range)
            };
            let (left, right) = (range(request.shard)?, range(request.adjacent)?);
            let neighbours = left.end.0.checked_add(1) == Some(right.start.0);
            let open = map.is_open(request.shard) && map.is_open(request.adjacent);
            if !neighbours || !open {
                return Err(refuse.not_mergeable(request.shard, request.adjacent));
            }
        }
        let steps = vec![Step::Merge {
            left: request.shard,
            right: request.adjacent,
        }];
        self.begin_reshard(now, takes, &account, &found, &mut control, steps)
    }

    /// UpdateShardCount: `target` open shards of equal width `takes` after `now`. A target equal to the current count is
    /// accepted (unverified); whether half of an odd count rounds up is unverified: 3 shards go to 2, not to 1.
    ///
    /// # Errors
    /// `ResourceNotFound`, `ResourceInUse` unless ACTIVE, `Validation`, `LimitExceeded` (call rate, more than double, less
    /// than half, more than a stream may have, the account's shards, calls per day).
    pub fn update_shard_count(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        target: u32,
    ) -> Result<ShardCountUpdate, KinesisError> {
        let refuse = self.refuse(stream);
        if target == 0 {
            let constraint = "Member must have value greater than or equal to 1";
            return Err(validation(0, "targetShardCount", constraint));
        }
        self.admit(now, RateName::UpdateShardCount, stream, None)?;
        let found = self.find(now, stream)?;
        let (account, mut control) = (self.control(), found.control());
        check_active(&found, refuse)?;
        check_provisioned(&control)?;
        let current = found.map().open_count();
        self.check_target(current, target)?;
        let limit = self.limits().cap(CapName::UpdateShardCountsPerDay);
        if !control.scaled.has_room(now, limit) {
            // The text of the 11th call is unverified.
            return Err(refuse.call_rate(Cause::AccountQuota));
        }
        let steps = {
            let map = found.map();
            map.next_id()
                .map(|next| uniform_plan(&map.pieces(), next, target))
                .unwrap_or_default()
        };
        self.begin_reshard(now, takes, &account, &found, &mut control, steps)?;
        control.scaled.note(now);
        Ok(ShardCountUpdate { current, target })
    }

    fn check_target(&self, current: u32, target: u32) -> Result<(), KinesisError> {
        let counts = format!("Current open shard count: {current}, Target shard count: {target}");
        // "Scale a stream with more than 10000 shards down unless the result is less than 10000 shards" (API reference).
        let (from, to) = (u64::from(current), u64::from(target));
        if let Some(limit) = self.limits().cap(CapName::ShardsPerStream)
            && (to > limit || (from > limit && to == limit))
        {
            return Err(quota(format!(
                "Target shard count or number of open shards cannot be greater than {limit}. {counts}"
            )));
        }
        check_ceiling(u64::from(target))?;
        let Some(factor) = self.limits().cap(CapName::UpdateShardCountFactor) else {
            return Ok(());
        };
        // The service's words; another factor than its own has no text of the service's.
        let (most, least) = if factor == 2 {
            ("double".to_owned(), "half".to_owned())
        } else {
            (format!("{factor} times"), format!("1/{factor} of"))
        };
        if u64::from(target) > factor.saturating_mul(u64::from(current)) {
            return Err(quota(format!(
                "UpdateShardCount cannot scale up over {most} your current open shard count. {counts}"
            )));
        }
        if factor.saturating_mul(u64::from(target)) < u64::from(current) {
            return Err(quota(format!(
                "UpdateShardCount cannot scale down below {least} your current open shard count. {counts}"
            )));
        }
        Ok(())
    }

    /// IncreaseStreamRetentionPeriod, in hours. An equal value is accepted (kinesalite).
    ///
    /// # Errors
    /// `ResourceNotFound`, `LimitExceeded`, `InvalidArgument`; `ResourceInUse` unless ACTIVE.
    pub fn increase_retention(
        &self,
        now: Timestamp,
        stream: &str,
        hours: i64,
    ) -> Result<(), KinesisError> {
        let rate = RateName::IncreaseRetention;
        self.change_retention(now, rate, stream, hours, |refuse, existing| {
            (hours < existing).then(|| refuse.retention_below_existing(hours, existing))
        })
    }

    /// DecreaseStreamRetentionPeriod, in hours. An equal value is accepted (kinesalite).
    ///
    /// # Errors
    /// As [`Self::increase_retention`].
    pub fn decrease_retention(
        &self,
        now: Timestamp,
        stream: &str,
        hours: i64,
    ) -> Result<(), KinesisError> {
        let rate = RateName::DecreaseRetention;
        self.change_retention(now, rate, stream, hours, |refuse, existing| {
            (hours > existing).then(|| refuse.retention_above_existing(hours, existing))
        })
    }

    fn change_retention(
        &self,
        now: Timestamp,
        rate: RateName,
        stream: &str,
        hours: i64,
        wrong_way: impl Fn(Refuse<'_>, i64) -> Option<KinesisError>,
    ) -> Result<(), KinesisError> {
        let refuse = self.refuse(stream);
        let found = self.find(now, stream)?;
        self.admit(now, rate, stream, Some(&found))?;
        let control = found.control();
        check_active(&found, refuse)?;
        if hours < RETENTION_HOURS_MIN {
            return Err(invalid(format!(
                "Minimum allowed retention period is {RETENTION_HOURS_MIN} hours. Requested retention period \
                 ({hours} hours) is too short."
            )));
        }
        if hours > RETENTION_HOURS_MAX {
            // Unverified: formed after the text for too short a period.
            return Err(invalid(format!(
                "Maximum allowed retention period is {RETENTION_HOURS_MAX} hours. Requested retention period \
                 ({hours} hours) is too long."
            )));
        }
        if let Some(error) = wrong_way(refuse, i64::from(found.retention_hours())) {
            return Err(error);
        }
        found.set_retention_hours(&self.pool, now, hours as u32);
        drop(control);
        Ok(())
    }

    /// Begins a reshard if the account may have the shards that it adds.
    fn begin_reshard(
        &self,
        now: Timestamp,
        takes: Duration,
        account: &AccountControl,
        stream: &Stream,
        control: &mut Control,
        steps: Vec<Step>,
    ) -> Result<(), KinesisError> {
        let more = most_additional_shards(&steps);
        let refuse = self.refuse(stream.name.as_str());
        self.check_shard_quota(account, refuse, Some((stream, control)), more)?;
        stream.begin(control, now.plus(takes), Change::Reshard(steps), more);
        stream.settle(&self.pool, control, now);
        Ok(())
    }

    /// Checks that the account may have `more` shards in provisioned streams. The caller holds the control lock of
    /// `held`, if any.
    pub(super) fn check_shard_quota(
        &self,
        _account: &AccountControl,
        refuse: Refuse<'_>,
        held: Option<(&Stream, &Control)>,
        more: u64,
    ) -> Result<(), KinesisError> {
        let Some(limit) = self.limits().cap(CapName::Shards) else {
            return Ok(());
        };
        let (current, _) = self.count_shards(held);
        if more > 0 && current + more > limit {
            let region = &self.settings().region;
            return Err(refuse.shard_quota(region, current, limit, more));
        }
        Ok(())
    }

    /// Shards of provisioned streams, with those that changes under way will add, and the number of on-demand streams, with
    /// those that are becoming one.
    pub(super) fn count_shards(&self, held: Option<(&Stream, &Control)>) -> (u64, u64) {
        let count = |stream: &Stream, control: &Control| match control.counted_mode() {
            StreamMode::Provisioned => (stream.counted_shards(control), 0),
            StreamMode::OnDemand => (0, 1),
        };
        self.table()
            .values()
            .map(|stream| match held {
                Some((same, control)) if std::ptr::eq(same, &raw const **stream) => {
                    count(stream, control)
                }
                _ => count(stream, &stream.control()),
            })
            .fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1))
    }

    /// Checks that the account may have one more on-demand stream.
    pub(super) fn check_on_demand_quota(
        &self,
        _account: &AccountControl,
        held: Option<(&Stream, &Control)>,
    ) -> Result<(), KinesisError> {
        let (_, streams) = self.count_shards(held);
        match self.limits().cap(CapName::OnDemandStreams) {
            // The text is unverified.
            Some(limit) if streams >= limit => Err(quota(format!(
                "This request would exceed the on-demand stream limit for the account {}. Limit: {limit}.",
                self.settings().account_id
            ))),
            _ => Ok(()),
        }
    }
}

/// What changes shards is refused unless the stream is ACTIVE (kinesalite); that changes of settings are refused in
/// UPDATING too is unverified.
pub(super) fn check_active(stream: &Stream, refuse: Refuse<'_>) -> Result<(), KinesisError> {
    match stream.status() {
        StreamStatus::Active => Ok(()),
        status => Err(refuse.not_active(status.as_str())),
    }
}

/// Checks MaxRecordSizeInKiB, given in bytes.
pub(super) fn check_record_bytes(bytes: u64) -> Result<(), KinesisError> {
    if RECORD_BYTES_RANGE.contains(&bytes) {
        return Ok(());
    }
    let constraint = if bytes < *RECORD_BYTES_RANGE.start() {
        "Member must have value greater than or equal to 1024"
    } else {
        "Member must have value less than or equal to 10240"
    };
    Err(validation(bytes >> 10, "maxRecordSizeInKiB", constraint))
}

/// The code is what the API reference gives `ValidationException` for; the text is unverified.
fn check_provisioned(control: &Control) -> Result<(), KinesisError> {
    match control.mode() {
        StreamMode::Provisioned => Ok(()),
        StreamMode::OnDemand => Err(KinesisError::new(
            ErrorCode::Validation,
            "This API is only supported for data streams with the provisioned capacity mode.",
        )),
    }
}
