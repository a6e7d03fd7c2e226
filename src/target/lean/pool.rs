//! Connections that are kept, and how many there may be.
//!
//! Invariant: no more than [`CONNECTIONS_MAX`] connections are open at a time, whatever is in flight; a call above that
//! waits, and its wait is part of its service time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, Semaphore};

use super::Protocol;
use super::answer::{Answer, Asked, Ended};
use super::dial::Dialer;
use super::http1::Http1;
use super::http2::Http2;
use crate::base::{Clock, Timestamp};
use crate::target::CallError;
use crate::target::judge::chain;
use crate::target::sdk::KEEP_IDLE;

/// The most connections. Below the 1,024 open files that a shell commonly allows.
const CONNECTIONS_MAX: usize = 512;

/// The requests of one HTTP/2 connection before another is made. RFC 9113 asks servers to allow no fewer.
const STREAMS_MAX: usize = 100;

/// The connections to one endpoint.
#[derive(Debug)]
pub(super) struct Pool {
    dialer: Dialer,
    protocol: Protocol,
    clock: Clock,
    /// One for each call that may be under way.
    permits: Semaphore,
    /// HTTP/1.1 connections that wait, and since when; the one that was used last is used next.
    idle: Mutex<VecDeque<(Timestamp, Box<Http1>)>>,
    /// HTTP/2 connections.
    shared: Mutex<Vec<Http2>>,
    /// Held while an HTTP/2 connection is made, so that a burst of calls makes one.
    making: tokio::sync::Mutex<()>,
    reset: Arc<Notify>,
}

impl Pool {
    pub(super) fn new(dialer: Dialer, protocol: Protocol, clock: Clock) -> Self {
        let calls = match protocol {
            Protocol::Http1 => CONNECTIONS_MAX,
            Protocol::Http2 => CONNECTIONS_MAX * STREAMS_MAX,
        };
        Self {
            dialer,
            protocol,
            clock,
            permits: Semaphore::new(calls),
            idle: Mutex::default(),
            shared: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            reset: Arc::default(),
        }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// [`CallError::Unsent`] and [`CallError::Unanswered`].
    pub(super) async fn exchange(&self, request: Asked) -> Result<Answer, CallError> {
        // Nobody closes the semaphore.
        let _permit = self.permits.acquire().await.ok();
        match self.protocol {
            Protocol::Http1 => self.exchange_alone(request).await,
            Protocol::Http2 => self.exchange_among_others(request).await,
        }
    }

    async fn exchange_alone(&self, mut request: Asked) -> Result<Answer, CallError> {
        loop {
            let (connection, is_new) = match self.take_idle().await {
                Some(connection) => (connection, false),
                None => (Box::pin(self.make_alone()).await?, true),
            };
            let reset = self.reset.notified();
            let (ended, connection) = connection.exchange(request, self.clock, reset).await;
            match ended {
                Ended::Answered(answer) => {
                    let kept = connection.map(|connection| (answer.at, connection));
                    self.lock_idle().extend(kept);
                    return Ok(answer);
                }
                Ended::NotSent(again) if !is_new => request = *again,
                Ended::NotSent(_) => return Err(closed_at_once()),
                Ended::Lost(error) => return Err(error),
            }
        }
    }

    async fn make_alone(&self) -> Result<Box<Http1>, CallError> {
        let stream = self.dialer.dial().await?;
        let made = Http1::over(stream).await;
        made.map_err(|error| CallError::Unsent(chain(&error)))
    }

    /// The connection that was used last, if it is still open. Those that waited too long are closed.
    async fn take_idle(&self) -> Option<Box<Http1>> {
        loop {
            let (_, mut connection) = {
                let mut idle = self.lock_idle();
                let oldest = self.clock.now().minus(KEEP_IDLE);
                while idle.front().is_some_and(|(since, _)| *since < oldest) {
                    idle.pop_front();
                }
                idle.pop_back()?
            };
            if connection.is_open().await {
                return Some(connection);
            }
        }
    }

    async fn exchange_among_others(&self, mut request: Asked) -> Result<Answer, CallError> {
        loop {
            let (connection, is_new) = match self.take_shared() {
                Some(connection) => (connection, false),
                None => Box::pin(self.make_shared()).await?,
            };
            let reset = self.reset.notified();
            match connection.exchange(request, self.clock, reset).await {
                Ended::Answered(answer) => return Ok(answer),
                Ended::NotSent(again) if !is_new => request = *again,
                Ended::NotSent(_) => return Err(closed_at_once()),
                Ended::Lost(error) => return Err(error),
            }
        }
    }

    /// The connection with the fewest requests, if one has room.
    fn take_shared(&self) -> Option<Http2> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(Http2::is_open);
        let emptiest = shared.iter().min_by_key(|shared| shared.under_way())?;
        (emptiest.under_way() < STREAMS_MAX).then(|| emptiest.clone())
    }

    async fn make_shared(&self) -> Result<(Http2, bool), CallError> {
        let _making = self.making.lock().await;
        if let Some(made_meanwhile) = self.take_shared() {
            return Ok((made_meanwhile, false));
        }
        let stream = self.dialer.dial().await?;
        let made = Http2::over(stream, Arc::clone(&self.reset)).await;
        let made = made.map_err(|error| CallError::Unsent(chain(&error)))?;
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.push(made.clone());
        Ok((made, true))
    }

    /// Breaks every connection.
    pub(super) fn reset(&self) {
        let idle = std::mem::take(&mut *self.lock_idle());
        for (_, connection) in idle {
            connection.break_off();
        }
        self.shared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.reset.notify_waiters();
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, VecDeque<(Timestamp, Box<Http1>)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed_at_once() -> CallError {
    CallError::Unsent("the server closed a new connection before anything was sent".to_owned())
}
