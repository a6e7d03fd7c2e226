//! Registered consumers and what they subscribe to.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use streamgauge::kinesis::operation::{
    ConsumerSelector, ConsumerStatus, End, SubscriptionEvent, SubscriptionId, Tags,
};
use streamgauge::kinesis::{ConsumerName, ErrorCode};

use crate::calls::From;
use crate::model::{Model, Record, TOKEN, Tokens};
use crate::pair::Pair;
use crate::{MIB, SECOND, STREAM, at, id};

/// Fewer than on the service, so that they are reached.
pub(crate) const CONSUMERS_MAX: usize = 3;
pub(crate) const CREATING_MAX: usize = 2;

#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    created_s: u64,
    active: u64,
    gone: Option<u64>,
    seats: BTreeMap<usize, Seat>,
}

/// A consumer's place at a shard.
#[derive(Clone, Debug)]
struct Seat {
    /// The number of the subscription that has it.
    holder: Option<usize>,
    since: Option<u64>,
    calls: Tokens,
    bytes: Tokens,
}

/// One subscription, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Subscription {
    id: SubscriptionId,
    /// Which stream of the name it is of.
    epoch: u64,
    consumer: String,
    created_s: u64,
    shard: usize,
    /// How many records lie before what it gives next.
    position: usize,
    last_event: u64,
    expires: u64,
    /// Whether its end was told, or can no longer be.
    over: bool,
}

impl Consumer {
    fn status(&self, now: u64) -> ConsumerStatus {
        if self.gone.is_some() {
            ConsumerStatus::Deleting
        } else if now < self.active {
            ConsumerStatus::Creating
        } else {
            ConsumerStatus::Active
        }
    }
}

impl Model {
    /// Forgets the consumers that are gone by now.
    fn settle_consumers(&mut self, now: u64) {
        self.former.retain(|_, second| *second >= now / SECOND);
        let gone = |consumer: &Consumer| consumer.gone.is_some_and(|gone| gone <= now);
        for (name, consumer) in self.consumers.extract_if(.., |_, consumer| gone(consumer)) {
            self.former.insert(name, consumer.created_s);
        }
    }
}

fn named(name: u8) -> (String, ConsumerName) {
    let name = format!("c{name}");
    let parsed = name.parse().expect("a valid name");
    (name, parsed)
}

impl Pair {
    /// Compares what is listed, and lets both forget at the same time.
    pub(crate) fn compare_consumers(&mut self) -> Result<(), TestCaseError> {
        self.model.settle_consumers(self.now);
        let listed = self
            .account
            .list_stream_consumers(at(self.now), STREAM, None, None);
        let Ok((listed, more)) = listed else {
            // The stream ended at this very time.
            return Ok(());
        };
        let listed: Vec<_> = listed
            .iter()
            .map(|seen| {
                (
                    seen.arn.consumer.to_string(),
                    seen.arn.created_s,
                    seen.status,
                )
            })
            .collect();
        let known = self.model.consumers.iter();
        let known: Vec<_> = known
            .map(|(name, c)| (name.clone(), c.created_s, c.status(self.now)))
            .collect();
        prop_assert_eq!((listed, more), (known, false));
        Ok(())
    }

    pub(crate) fn register(&mut self, name: u8, takes: u64) -> Result<(), TestCaseError> {
        self.compare_consumers()?;
        let (name, parsed) = named(name);
        let (now, takes_for) = (at(self.now), Duration::from_nanos(takes));
        let got =
            self.account
                .register_stream_consumer(now, takes_for, STREAM, &parsed, &Tags::new());
        let consumers = &mut self.model.consumers;
        let creating = consumers
            .values()
            .filter(|consumer| consumer.status(self.now) == ConsumerStatus::Creating);
        let enough = consumers.len() >= CONSUMERS_MAX || creating.count() >= CREATING_MAX;
        let refused = if self.model.is_deleting() || self.model.consumers.contains_key(&name) {
            Some(ErrorCode::ResourceInUse)
        } else {
            enough.then_some(ErrorCode::LimitExceeded)
        };
        prop_assert_eq!(got.as_ref().err().map(|error| error.code), refused);
        if let Ok(made) = got {
            // A new one never has the ARN of a former one, be it of a former stream.
            let former = self.model.former.get(&name).map_or(0, |second| second + 1);
            let created_s = former.max(self.now / SECOND);
            let created_s = created_s.max(self.model.shards[0].created_s);
            self.model.consumers_s = self.model.consumers_s.max(created_s);
            prop_assert_eq!(made.arn.created_s, created_s);
            let consumer = Consumer {
                created_s,
                active: self.now + takes,
                gone: None,
                seats: BTreeMap::new(),
            };
            self.model.consumers.insert(name, consumer);
        }
        Ok(())
    }

    pub(crate) fn deregister(&mut self, name: u8, takes: u64) -> Result<(), TestCaseError> {
        self.compare_consumers()?;
        let (name, _) = named(name);
        let selector = ConsumerSelector::Name {
            stream: STREAM,
            consumer: &name,
        };
        let takes_for = Duration::from_nanos(takes);
        let got = self
            .account
            .deregister_stream_consumer(at(self.now), takes_for, selector);
        let known = self.model.consumers.get_mut(&name);
        let known = known.filter(|consumer| consumer.gone.is_none());
        prop_assert_eq!(got.is_ok(), known.is_some(), "{:?}", got);
        if let Some(consumer) = known {
            consumer.gone = Some(self.now + takes);
        }
        self.compare_consumers()
    }

    pub(crate) fn subscribe(
        &mut self,
        name: u8,
        shard: usize,
        from: &From,
    ) -> Result<(), TestCaseError> {
        self.compare_consumers()?;
        let (name, _) = named(name);
        let shard = shard % self.model.shards.len();
        let (position, asked) = self.place(shard, from);
        let now = self.now;
        let created_s = self.model.consumers.get(&name).map_or(1, |c| c.created_s);
        let arn = format!(
            "arn:aws:kinesis:us-east-1:123456789012:stream/{STREAM}/consumer/{name}:{created_s}"
        );
        let got = self
            .account
            .subscribe_to_shard(at(now), &arn, id(shard), asked);
        let code = got.as_ref().err().map(|error| error.code);
        let horizon = self.model.horizon(now);
        let expired = self.model.shards[shard].is_expired(horizon);
        let Some(consumer) = self.model.consumers.get_mut(&name) else {
            prop_assert_eq!(code, Some(ErrorCode::ResourceNotFound));
            return Ok(());
        };
        if consumer.status(now) != ConsumerStatus::Active {
            prop_assert_eq!(code, Some(ErrorCode::ResourceInUse));
            return Ok(());
        }
        let seat = consumer.seats.entry(shard).or_insert_with(|| Seat {
            holder: None,
            since: None,
            calls: Tokens::new(1, now),
            bytes: Tokens::new(2 * MIB, now),
        });
        if seat.since.is_some_and(|since| now < since + 5 * SECOND) {
            prop_assert_eq!(code, Some(ErrorCode::ResourceInUse));
            return Ok(());
        }
        if seat.calls.level(now) < TOKEN {
            prop_assert_eq!(code, Some(ErrorCode::LimitExceeded));
            return Ok(());
        }
        seat.calls.level -= TOKEN;
        if expired {
            prop_assert_eq!(code, Some(ErrorCode::ResourceNotFound));
            return Ok(());
        }
        let subscription = got.map_err(|error| TestCaseError::fail(error.to_string()))?;
        seat.holder = Some(self.subscriptions.len());
        seat.since = Some(now);
        for old in &mut self.subscriptions {
            // Nobody polled it to its end; it is forgotten.
            old.over |= old.expires <= now;
        }
        self.subscriptions.push(Subscription {
            id: subscription,
            epoch: self.epoch,
            consumer: name,
            created_s,
            shard,
            position,
            last_event: now,
            expires: now + 300 * SECOND,
            over: false,
        });
        Ok(())
    }

    /// What a poll is to give: an event or none, and why it is over.
    pub(crate) fn poll(&mut self, back: usize) -> Result<(), TestCaseError> {
        let Some(number) = self.subscriptions.len().checked_sub(back + 1) else {
            return Ok(());
        };
        let now = self.now;
        let got = self
            .account
            .poll_subscription(at(now), self.subscriptions[number].id);
        prop_assert_eq!(got.next_poll.is_none(), got.ended.is_some());
        let deleting = self.model.is_deleting();
        let horizon = self.model.horizon(now);
        let own = &mut self.subscriptions[number];
        let same_stream = own.epoch == self.epoch;
        let consumer = self.model.consumers.get_mut(&own.consumer);
        let consumer = consumer.filter(|c| same_stream && c.created_s == own.created_s);
        let consumer = consumer.filter(|c| c.gone.is_none());
        let seat = consumer.and_then(|c| c.seats.get_mut(&own.shard));
        let ended = match &seat {
            _ if own.over => Some(End::Closed),
            None if same_stream && !deleting => Some(End::ConsumerDeleted),
            None => Some(End::StreamDeleted),
            Some(seat) if seat.holder != Some(number) => Some(End::TakenOver),
            Some(_) if now >= own.expires => Some(End::Expired),
            Some(_) => None,
        };
        let Some(seat) = seat.filter(|_| ended.is_none()) else {
            own.over = true;
            prop_assert_eq!((got.event.is_none(), got.ended), (true, ended));
            return Ok(());
        };
        if seat.bytes.level(now) <= 0 {
            prop_assert_eq!((got.event.is_none(), got.ended), (true, None));
            return Ok(());
        }
        let shard = &mut self.model.shards[own.shard];
        shard.trim(horizon);
        shard.show(now);
        let skipped = own.position < shard.trimmed;
        let start = own.position.max(shard.trimmed);
        let mut expected: Vec<Record> = Vec::new();
        let mut bytes = 0;
        for record in &shard.records[start..shard.shown.max(start)] {
            let record_bytes = record.data.len() as i128 + 1;
            // One goes out however large it is.
            if !expected.is_empty() && bytes + record_bytes > MIB {
                break;
            }
            bytes += record_bytes;
            expected.push(record.clone());
        }
        seat.bytes.level -= bytes * TOKEN;
        own.position = start + expected.len();
        let at_end = shard.closed.is_some() && own.position == shard.records.len();
        let idle = now < own.last_event + 5 * SECOND;
        if expected.is_empty() && !at_end && idle {
            prop_assert_eq!((got.event.is_none(), got.ended), (true, None));
            return Ok(());
        }
        own.last_event = now;
        own.over = at_end;
        prop_assert_eq!(got.ended, at_end.then_some(End::ShardEnd));
        let event = got
            .event
            .expect("there is one to tell of records, of the end or of nothing");
        let place = (start, at_end, skipped);
        self.compare_event(number, &event, &expected, place)
    }

    fn compare_event(
        &self,
        number: usize,
        event: &SubscriptionEvent,
        expected: &[Record],
        (start, at_end, skipped): (usize, bool, bool),
    ) -> Result<(), TestCaseError> {
        let own = &self.subscriptions[number];
        let shard = &self.model.shards[own.shard];
        prop_assert_eq!(event.records.len(), expected.len());
        for ((got, expected), index) in event.records.iter().zip(expected).zip(start..) {
            let sequence_number = self.number(own.shard, index + 1, expected.arrival);
            prop_assert_eq!(got.sequence_number, sequence_number);
            prop_assert_eq!(got.data, &expected.data[..]);
        }
        let last = expected.last().map_or(self.now, |record| record.arrival);
        let continuation = self.number(own.shard, own.position, last);
        prop_assert_eq!(event.continuation, (!at_end).then_some(continuation));
        prop_assert_eq!(event.trimmed_to.is_some(), skipped);
        let children: Vec<_> = event.child_shards.iter().map(|c| c.shard).collect();
        let known: &[usize] = if at_end { &shard.children } else { &[] };
        prop_assert_eq!(
            children,
            known.iter().map(|&child| id(child)).collect::<Vec<_>>()
        );
        let behind = shard.records.get(own.position);
        prop_assert_eq!(event.millis_behind_latest == 0, behind.is_none());
        Ok(())
    }
}
