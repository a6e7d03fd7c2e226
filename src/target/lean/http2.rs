//! One HTTP/2 connection, shared by the requests on it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::answer::{Answer, Asked, Ended};
use super::dial::Stream;
use crate::base::Clock;

/// A connection. Copies of it share it; it ends when nobody has one any more.
#[derive(Clone, Debug)]
pub(super) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    /// Held once by every copy: how many there are is how many requests are under way, and the pool's own.
    users: Arc<()>,
}

impl Http2 {
    /// `reset` breaks it off.
    pub(super) async fn over(stream: Stream, reset: Arc<Notify>) -> hyper::Result<Self> {
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // How it ended is told by the requests on it.
            tokio::select! {
                _ = connection => {}
                () = reset.notified() => {}
            }
        });
        Ok(Self {
            sender,
            users: Arc::default(),
        })
    }

    /// How many requests are under way, seen from the pool.
    pub(super) fn under_way(&self) -> usize {
        Arc::strong_count(&self.users) - 1
    }

    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn exchange(
        mut self,
        request: Asked,
        clock: Clock,
        reset: Notified<'_>,
    ) -> Ended {
        let exchange = async {
            match self.sender.try_send_request(request).await {
                Ok(response) => match Answer::whole(response, clock).await {
                    Ok(answer) => Ended::Answered(answer),
                    Err(error) => Ended::broken(&error),
                },
                Err(mut error) => match error.take_message() {
                    Some(request) => Ended::NotSent(Box::new(request)),
                    None => Ended::broken(error.error()),
                },
            }
        };
        tokio::select! {
            biased;
            ended = exchange => ended,
            () = reset => Ended::reset(),
        }
    }
}
