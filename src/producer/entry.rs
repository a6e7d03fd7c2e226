//! What one place in a request holds: a record by itself, or several packed into one.

use crate::base::Timestamp;
use crate::kinesis::{ShardId, aggregate};

use super::queue::Item;

/// One Kinesis record to be.
#[derive(Debug)]
pub(super) enum Entry {
    /// A record as it is.
    One(Item),
    /// Two or more that are meant for one shard.
    Packed(Box<Packed>),
}

/// Records packed into one.
#[derive(Debug)]
pub(super) struct Packed {
    /// In the order of their sub-sequence numbers.
    pub(super) items: Vec<Item>,
    /// Bytes of data and key as the service will count them.
    pub(super) billed_bytes: u64,
    /// When it began to wait for its request.
    pub(super) queued: Timestamp,
}

impl Entry {
    /// Of records that take so many bytes of packed data together; a lone one goes as it is, as with the KPL.
    pub(super) fn of(mut items: Vec<Item>, data_bytes: u64, queued: Timestamp) -> Option<Self> {
        match items.len() {
            0 | 1 => items.pop().map(|item| Self::One(Item { queued, ..item })),
            _ => Some(Self::Packed(Box::new(Packed {
                items,
                billed_bytes: data_bytes + aggregate::PARTITION_KEY.len() as u64,
                queued,
            }))),
        }
    }

    /// Bytes of data and key as the service counts them.
    pub(super) fn billed_bytes(&self) -> u64 {
        match self {
            Self::One(item) => item.billed_bytes(),
            Self::Packed(packed) => packed.billed_bytes,
        }
    }

    /// When it began to wait for its request.
    pub(super) fn queued(&self) -> Timestamp {
        match self {
            Self::One(item) => item.queued,
            Self::Packed(packed) => packed.queued,
        }
    }

    /// From now on it waits for its request.
    pub(super) fn queue(&mut self, now: Timestamp) {
        match self {
            Self::One(item) => item.queued = now,
            Self::Packed(packed) => packed.queued = now,
        }
    }

    /// How many records it holds.
    pub(super) fn len(&self) -> usize {
        self.items().len()
    }

    /// The shard that it was made for, where that was known.
    pub(super) fn predicted(&self) -> Option<ShardId> {
        self.items().first()?.predicted
    }

    /// Its records.
    pub(super) fn items(&self) -> &[Item] {
        match self {
            Self::One(item) => std::slice::from_ref(item),
            Self::Packed(packed) => &packed.items,
        }
    }

    /// Moves its records to the end of `items`.
    pub(super) fn unpack(self, items: &mut Vec<Item>) {
        match self {
            Self::One(item) => items.push(item),
            Self::Packed(packed) => items.extend(packed.items),
        }
    }
}
