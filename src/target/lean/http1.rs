//! One HTTP/1.1 connection, driven by the task that waits for its answer.

use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::sync::futures::Notified;

use super::answer::{Answer, Asked, Ended};
use super::dial::Stream;
use crate::base::Clock;

/// A connection with no request under way.
#[derive(Debug)]
pub(super) struct Http1 {
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<Stream>, Full<Bytes>>,
}

/// A future's output, or that a reset came first.
enum Driven<T> {
    Done(T),
    Reset,
}

impl Http1 {
    pub(super) async fn over(stream: Stream) -> hyper::Result<Box<Self>> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        Ok(Box::new(Self { sender, connection }))
    }

    /// Whether a request may be sent. Nobody looks at a connection while it is idle, so that the other side's closing it
    /// is seen here.
    pub(super) async fn is_open(&mut self) -> bool {
        let look = std::future::poll_fn(|cx| {
            let ended = Pin::new(&mut self.connection).poll(cx).is_ready();
            Poll::Ready(!ended && self.sender.is_ready())
        });
        look.await
    }

    /// Sends a request and waits for its answer; gives the connection back if it can be used again.
    pub(super) async fn exchange(
        mut self: Box<Self>,
        request: Asked,
        clock: Clock,
        reset: Notified<'_>,
    ) -> (Ended, Option<Box<Self>>) {
        let mut reset = pin!(reset);
        let sending = pin!(self.sender.try_send_request(request));
        let response = match self.drive(reset.as_mut(), sending).await {
            Driven::Done(Ok(response)) => response,
            Driven::Done(Err(mut error)) => {
                let ended = error.take_message().map_or_else(
                    || Ended::broken(error.error()),
                    |request| Ended::NotSent(Box::new(request)),
                );
                return (ended, None);
            }
            Driven::Reset => {
                self.break_off();
                return (Ended::reset(), None);
            }
        };
        let whole = pin!(Answer::whole(response, clock));
        match self.drive(reset, whole).await {
            Driven::Done(Ok(answer)) => (Ended::Answered(answer), Some(self)),
            Driven::Done(Err(error)) => (Ended::broken(&error), None),
            Driven::Reset => {
                self.break_off();
                (Ended::reset(), None)
            }
        }
    }

    /// Ends the connection with a reset.
    pub(super) fn break_off(self) {
        self.connection.into_parts().io.into_inner().reset();
    }

    /// Polls the connection for a future that waits for it.
    async fn drive<F: Future>(
        &mut self,
        mut reset: Pin<&mut Notified<'_>>,
        mut future: Pin<&mut F>,
    ) -> Driven<F::Output> {
        let mut is_over = false;
        std::future::poll_fn(|cx| {
            if reset.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Driven::Reset);
            }
            if !is_over {
                // How it ended is told by what waits for it.
                is_over = Pin::new(&mut self.connection).poll(cx).is_ready();
            }
            future.as_mut().poll(cx).map(Driven::Done)
        })
        .await
    }
}
