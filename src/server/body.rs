//! Requests' bodies, taken in within bounds of size, time and memory.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use crate::base::Clock;

/// The longest body: 10 MiB in base64 and its companions. The service's own bound is unverified.
pub(super) const BODY_BYTES_MAX: usize = 14 << 20;
/// How much of a body that is too long is read and dropped.
const DRAINED_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
/// The memory of all bodies that are being taken in.
const BODIES_BYTES_MAX: usize = 256 << 20;
/// What long bodies may take of it: the rest is for short ones, so that no flood of long ones keeps them out.
const LONG_BODIES_BYTES_MAX: usize = BODIES_BYTES_MAX / 4 * 3;
/// A body is long beyond this.
const SHORT_BODY_BYTES_MAX: usize = 64 << 10;

/// Why a body was not taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BodyError {
    /// It is longer than [`BODY_BYTES_MAX`].
    TooLong,
    /// It did not come in time.
    TooSlow,
    /// Other bodies take all the memory there is for them.
    NoMemory,
    /// The client went away.
    Broken,
}

/// The memory that bodies may take together.
#[derive(Debug, Default)]
pub(super) struct Budget(AtomicUsize);

/// A part of the budget, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share<'a> {
    budget: &'a Budget,
    bytes: usize,
}

impl Budget {
    /// Whether there is any left.
    pub(super) fn has_room(&self) -> bool {
        self.0.load(Ordering::Relaxed) < BODIES_BYTES_MAX
    }

    fn share(&self) -> Share<'_> {
        Share {
            budget: self,
            bytes: 0,
        }
    }
}

impl Share<'_> {
    fn grow(&mut self, bytes: usize) -> Result<(), BodyError> {
        let before = self.budget.0.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        let bound = if self.bytes <= SHORT_BODY_BYTES_MAX {
            BODIES_BYTES_MAX
        } else {
            LONG_BODIES_BYTES_MAX
        };
        if before.saturating_add(bytes) > bound {
            return Err(BodyError::NoMemory);
        }
        Ok(())
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Takes a body in. Memory is taken as bytes arrive, not as they are announced.
pub(super) async fn read(
    body: Incoming,
    budget: &Budget,
    clock: Clock,
    patience: Duration,
) -> Result<(Bytes, Share<'_>), BodyError> {
    tokio::select! {
        biased;
        read = collect(body, budget) => read,
        () = clock.sleep(patience) => Err(BodyError::TooSlow),
    }
}

async fn collect(mut body: Incoming, budget: &Budget) -> Result<(Bytes, Share<'_>), BodyError> {
    let mut share = budget.share();
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(drain(body).await);
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else {
            continue;
        };
        share.grow(data.len())?;
        if share.bytes > BODY_BYTES_MAX {
            drop((first, all, share));
            return Err(drain(body).await);
        }
        if first.is_empty() && all.is_empty() {
            // Most bodies come in one piece: nothing is copied then.
            first = data;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    let whole = if all.is_empty() { first } else { all.freeze() };
    Ok((whole, share))
}

/// Lets the rest of a body that is too long pass by: a client that still writes would not see the answer. What goes on
/// past the bound is cut off.
async fn drain(mut body: Incoming) -> BodyError {
    let mut passed = 0;
    while let Some(Ok(frame)) = body.frame().await {
        passed += frame.data_ref().map_or(0, Bytes::len);
        if passed > DRAINED_BYTES_MAX {
            break;
        }
    }
    BodyError::TooLong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_together_stay_within_their_memory_and_give_it_back() {
        let budget = Budget::default();
        let mut one = budget.share();
        let mut other = budget.share();
        assert_eq!(one.grow(LONG_BODIES_BYTES_MAX), Ok(()));
        assert_eq!(other.grow(SHORT_BODY_BYTES_MAX), Ok(()));
        assert_eq!(other.grow(1), Err(BodyError::NoMemory));
        drop(one);
        drop(other);
        assert_eq!(budget.share().grow(LONG_BODIES_BYTES_MAX), Ok(()));
    }
}
