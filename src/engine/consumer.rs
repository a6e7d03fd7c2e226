//! Registered consumers: RegisterStreamConsumer, DeregisterStreamConsumer, DescribeStreamConsumer and
//! ListStreamConsumers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::former::Former;
use super::refuse::{page_limit, quota};
use super::stream::Stream;
use super::subscription::Seat;
use crate::base::Timestamp;
use crate::kinesis::arn::{ConsumerArn, ResourceArn};
use crate::kinesis::operation::{
    ConsumerDescription, ConsumerSelector, ConsumerStatus, StreamStatus, Tags,
};
use crate::kinesis::quotas::{CapName, RateName};
use crate::kinesis::{ConsumerName, ErrorCode, KinesisError, ShardId, StreamName};

/// Consumers of one ListStreamConsumers answer, by default and at most (API reference).
const CONSUMERS_PAGE: u32 = 100;

/// The consumers of a stream.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    by_name: BTreeMap<ConsumerName, Consumer>,
    former: Former<ConsumerName>,
    /// None is created in an earlier second: those are of a former stream's consumers.
    first_s: u64,
    /// The latest second that one was created in.
    latest_s: u64,
}

#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) created_s: u64,
    active: Timestamp,
    /// When it is gone, once it is deregistered.
    gone: Option<Timestamp>,
    pub(super) tags: Tags,
    pub(super) policy: Option<String>,
    /// Where it reads: one subscription per shard.
    seats: BTreeMap<ShardId, Arc<Seat>>,
}

impl Consumer {
    pub(super) fn status(&self, now: Timestamp) -> ConsumerStatus {
        if self.gone.is_some() {
            ConsumerStatus::Deleting
        } else if now < self.active {
            ConsumerStatus::Creating
        } else {
            ConsumerStatus::Active
        }
    }

    /// Its place at a shard.
    pub(super) fn seat(&mut self, shard: ShardId, new: impl FnOnce() -> Seat) -> Arc<Seat> {
        let seat = self.seats.entry(shard).or_insert_with(|| Arc::new(new()));
        Arc::clone(seat)
    }

    fn leave(&mut self, gone: Timestamp) {
        self.gone = Some(gone);
        for seat in self.seats.values() {
            seat.close();
        }
    }
}

impl Consumers {
    /// Those of a stream whose first shards were created in this second.
    pub(super) fn since(first_s: u64) -> Self {
        Self {
            first_s,
            ..Self::default()
        }
    }

    /// The latest second that one was created in; 0 without any.
    pub(super) const fn latest_s(&self) -> u64 {
        self.latest_s
    }

    /// Forgets those that are gone by `now`.
    fn settle(&mut self, now: Timestamp) {
        self.former.forget(now);
        let gone = |consumer: &Consumer| consumer.gone.is_some_and(|at| at <= now);
        let former = self.by_name.extract_if(.., |_, consumer| gone(consumer));
        for (name, consumer) in former {
            self.former.note(now, name, consumer.created_s);
        }
    }

    /// How many there are, those that come and go included.
    pub(super) fn count(&mut self, now: Timestamp) -> u32 {
        self.settle(now);
        self.by_name.len() as u32
    }

    fn creating(&self, now: Timestamp) -> u64 {
        let creating = |consumer: &&Consumer| consumer.status(now) == ConsumerStatus::Creating;
        self.by_name.values().filter(creating).count() as u64
    }

    fn get(&mut self, now: Timestamp, name: &str) -> Option<&mut Consumer> {
        self.settle(now);
        self.by_name.get_mut(name)
    }

    pub(super) fn by_arn(&mut self, now: Timestamp, arn: &ConsumerArn) -> Option<&mut Consumer> {
        self.get(now, arn.consumer.as_str())
            .filter(|consumer| consumer.created_s == arn.created_s)
    }

    /// Takes a new one. Its creation second, part of its ARN, is one that no former one of its name had, be it of a former
    /// stream.
    fn add(&mut self, now: Timestamp, takes: Duration, name: ConsumerName, tags: Tags) -> u64 {
        let created_s = self.former.created_s(now, &name).max(self.first_s);
        self.latest_s = self.latest_s.max(created_s);
        let consumer = Consumer {
            created_s,
            active: now.plus(takes),
            gone: None,
            tags,
            policy: None,
            seats: BTreeMap::new(),
        };
        self.by_name.insert(name, consumer);
        created_s
    }

    /// Ends all of them.
    pub(super) fn clear(&mut self) {
        for consumer in self.by_name.values_mut() {
            consumer.leave(Timestamp::ZERO);
        }
        self.by_name.clear();
    }
}

impl Account {
    /// RegisterStreamConsumer: ACTIVE `takes` after `now`. A stream in CREATING or DELETING is `ResourceInUse`, one in
    /// UPDATING takes consumers (unverified).
    ///
    /// # Errors
    /// `ResourceNotFound`, `ResourceInUse` when the name is taken, `InvalidArgument` for tags, `LimitExceeded` (call rate,
    /// consumers of the stream, consumers in creation).
    pub fn register_stream_consumer(
        &self,
        now: Timestamp,
        takes: Duration,
        stream: &str,
        consumer: &ConsumerName,
        tags: &Tags,
    ) -> Result<ConsumerDescription, KinesisError> {
        let refuse = self.refuse(stream);
        let found = self.find(now, stream)?;
        self.admit(now, RateName::RegisterStreamConsumer, stream, Some(&found))?;
        self.check_tags(refuse, tags, tags.len())?;
        let most = if self.control().has_advantage(now) {
            CapName::ConsumersPerStreamAdvantage
        } else {
            CapName::ConsumersPerStream
        };
        let mut control = found.control();
        let status = found.status();
        if matches!(status, StreamStatus::Creating | StreamStatus::Deleting) {
            return Err(refuse.not_active(status.as_str()));
        }
        let consumers = &mut control.consumers;
        if consumers.get(now, consumer.as_str()).is_some() {
            // Unverified text.
            return Err(KinesisError::new(
                ErrorCode::ResourceInUse,
                format!(
                    "Consumer {consumer} under stream {stream} already exists for account {}.",
                    refuse.account
                ),
            ));
        }
        // Both texts are unverified.
        if let Some(limit) = self.limits().cap(most)
            && u64::from(consumers.count(now)) >= limit
        {
            return Err(quota(format!(
                "Stream {stream} under account {} already has the most consumers. Limit: {limit}",
                refuse.account
            )));
        }
        if let Some(limit) = self.limits().cap(CapName::ConsumersInCreation)
            && consumers.creating(now) >= limit
        {
            return Err(quota(format!(
                "Stream {stream} under account {} already has the most consumers in CREATING. Limit: {limit}",
                refuse.account
            )));
        }
        let created_s = consumers.add(now, takes, consumer.clone(), tags.clone());
        Ok(self.description(&found.name, consumer, created_s, takes.is_zero()))
    }

    /// The answer to a registration says CREATING unless it takes no time at all.
    fn description(
        &self,
        stream: &StreamName,
        consumer: &ConsumerName,
        created_s: u64,
        active: bool,
    ) -> ConsumerDescription {
        ConsumerDescription {
            arn: self.consumer_arn(stream, consumer, created_s),
            status: if active {
                ConsumerStatus::Active
            } else {
                ConsumerStatus::Creating
            },
            created: Timestamp::from_secs(created_s),
        }
    }

    fn consumer_arn(
        &self,
        stream: &StreamName,
        consumer: &ConsumerName,
        created_s: u64,
    ) -> ConsumerArn {
        ConsumerArn {
            stream: self.stream_arn(stream),
            consumer: consumer.clone(),
            created_s,
        }
    }

    /// DeregisterStreamConsumer: gone `takes` after `now`; its subscriptions end at once (unverified). One in DELETING
    /// is `ResourceNotFound` (unverified: the operation's model knows no `ResourceInUse`).
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`; `InvalidArgument` and `AccessDenied` for another region's or account's ARN.
    pub fn deregister_stream_consumer(
        &self,
        now: Timestamp,
        takes: Duration,
        selector: ConsumerSelector<'_>,
    ) -> Result<(), KinesisError> {
        let found = self.stream_of(now, selector, RateName::DeregisterStreamConsumer)?;
        let mut control = found.control();
        let (name, consumer) = self.select(&found, now, &mut control.consumers, selector)?;
        if consumer.gone.is_some() {
            return Err(self.refuse(found.name.as_str()).no_consumer(&name));
        }
        consumer.leave(now.plus(takes));
        control.consumers.settle(now);
        Ok(())
    }

    /// DescribeStreamConsumer.
    ///
    /// # Errors
    /// As [`Self::deregister_stream_consumer`].
    pub fn describe_stream_consumer(
        &self,
        now: Timestamp,
        selector: ConsumerSelector<'_>,
    ) -> Result<ConsumerDescription, KinesisError> {
        let found = self.stream_of(now, selector, RateName::DescribeStreamConsumer)?;
        let mut control = found.control();
        let (name, consumer) = self.select(&found, now, &mut control.consumers, selector)?;
        let (created_s, status) = (consumer.created_s, consumer.status(now));
        let missing = || self.refuse(found.name.as_str()).no_consumer(&name);
        let name: ConsumerName = name.parse().map_err(|_| missing())?;
        Ok(ConsumerDescription {
            arn: self.consumer_arn(&found.name, &name, created_s),
            status,
            created: Timestamp::from_secs(created_s),
        })
    }

    /// ListStreamConsumers: at most `limit` (1 to 10,000, cut to 100) after `exclusive_start`, in order of their names,
    /// and whether more follow.
    ///
    /// # Errors
    /// `LimitExceeded`, `ResourceNotFound`, `Validation` for a limit out of range.
    pub fn list_stream_consumers(
        &self,
        now: Timestamp,
        stream: &str,
        limit: Option<u32>,
        exclusive_start: Option<&str>,
    ) -> Result<(Vec<ConsumerDescription>, bool), KinesisError> {
        let limit = page_limit(limit, "maxResults", CONSUMERS_PAGE)?;
        let found = self.find(now, stream)?;
        self.admit(now, RateName::ListStreamConsumers, stream, Some(&found))?;
        let mut control = found.control();
        control.consumers.settle(now);
        let mut listed: Vec<ConsumerDescription> = control
            .consumers
            .by_name
            .iter()
            .filter(|(name, _)| exclusive_start.is_none_or(|start| name.as_str() > start))
            .take(limit + 1)
            .map(|(name, consumer)| ConsumerDescription {
                arn: self.consumer_arn(&found.name, name, consumer.created_s),
                status: consumer.status(now),
                created: Timestamp::from_secs(consumer.created_s),
            })
            .collect();
        let more = listed.len() > limit;
        listed.truncate(limit);
        Ok((listed, more))
    }

    /// Gives `look` the tags and the policy of a resource; a consumer must be ACTIVE.
    pub(super) fn with_active_resource<T>(
        &self,
        now: Timestamp,
        resource: &ResourceArn,
        look: impl FnOnce(&mut Tags, &mut Option<String>) -> T,
    ) -> Result<T, KinesisError> {
        if let ResourceArn::Consumer(arn) = resource {
            let stream = arn.stream.stream.as_str();
            let found = self.find(now, stream)?;
            let mut control = found.control();
            let consumer = control.consumers.by_arn(now, arn);
            if consumer.is_some_and(|consumer| consumer.status(now) != ConsumerStatus::Active) {
                let refuse = self.refuse(stream);
                return Err(refuse.consumer_not_active(arn.consumer.as_str(), arn.created_s));
            }
        }
        self.with_resource(now, resource, look)
    }

    fn stream_of(
        &self,
        now: Timestamp,
        selector: ConsumerSelector<'_>,
        rate: RateName,
    ) -> Result<Arc<Stream>, KinesisError> {
        let stream = match selector {
            ConsumerSelector::Name { stream, .. } => stream,
            ConsumerSelector::Arn(arn) => {
                self.check_arn(&arn.stream)?;
                arn.stream.stream.as_str()
            }
        };
        let found = self.find(now, stream)?;
        self.admit(now, rate, stream, Some(&found))?;
        Ok(found)
    }

    fn select<'a>(
        &self,
        stream: &Stream,
        now: Timestamp,
        consumers: &'a mut Consumers,
        selector: ConsumerSelector<'_>,
    ) -> Result<(String, &'a mut Consumer), KinesisError> {
        let (name, consumer) = match selector {
            ConsumerSelector::Name { consumer, .. } => (consumer, consumers.get(now, consumer)),
            ConsumerSelector::Arn(arn) => (arn.consumer.as_str(), consumers.by_arn(now, arn)),
        };
        let refuse = self.refuse(stream.name.as_str());
        let consumer = consumer.ok_or_else(|| refuse.no_consumer(name))?;
        Ok((name.to_owned(), consumer))
    }
}
