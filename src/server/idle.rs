//! Connections on which nobody asks anything.
//!
//! HTTP/2 has no time within which a request must come, and a client that answers pings would keep its place for ever.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::base::Clock;

/// The requests of a connection: how many were begun, and how many of them ended.
#[derive(Debug, Default)]
pub(super) struct Requests {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that is not over, from its headers to the last of its answer.
#[derive(Debug)]
pub(super) struct Open(Arc<Requests>);

impl Requests {
    pub(super) fn begin(self: &Arc<Self>) -> Open {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Ends when no request was open for `patience`, and twice that at the latest.
    pub(super) async fn none(&self, clock: Clock, patience: Duration) {
        loop {
            let before = self.begun.load(Ordering::Relaxed);
            let over = self.ended.load(Ordering::Relaxed) == before;
            clock.sleep(patience).await;
            if over && self.begun.load(Ordering::Relaxed) == before {
                return;
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// The body of an answer; its request is open as long.
#[derive(Debug)]
pub(super) struct Held<B> {
    body: B,
    _open: Open,
}

impl<B> Held<B> {
    pub(super) const fn new(body: B, open: Open) -> Self {
        Self { body, _open: open }
    }
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Held<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::base::clock::virtual_runtime;

    #[test]
    fn an_open_request_or_a_new_one_keeps_a_connection_and_nothing_else_does() {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let (requests, patience) = (Arc::<Requests>::default(), Duration::from_secs(10));
            let ask = async {
                let long = requests.begin();
                clock.sleep(Duration::from_secs(35)).await;
                drop(long);
                clock.sleep(Duration::from_secs(7)).await;
                drop(requests.begin());
            };
            tokio::join!(requests.none(clock, patience), ask);
            // The last request came at 42 s: a look at 50 s finds none since, and at 60 s none for a patience.
            assert_eq!(clock.now(), Timestamp::from_secs(60));
        });
    }
}
