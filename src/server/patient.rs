//! A connection whose client must begin and must read, each within a time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::base::Clock;

/// As many bytes tell which HTTP a client speaks: HTTP/2's preface, which the library waits for without an end. What
/// comes later is the library's to watch.
const BEGIN_BYTES: usize = 24;

type Timer = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A stream that gives up on a client which sends nothing at first, or which takes nothing of what is written.
pub(super) struct Patient<S> {
    stream: S,
    clock: Clock,
    patience: Duration,
    /// Bytes that came, as long as they matter.
    begun_bytes: usize,
    begin: Option<Timer>,
    write: Option<Timer>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, clock: Clock, patience: Duration) -> Self {
        Self {
            stream,
            clock,
            patience,
            begun_bytes: 0,
            begin: None,
            write: None,
        }
    }

    fn timer(&self) -> Timer {
        let (clock, patience) = (self.clock, self.patience);
        Box::pin(async move { clock.sleep(patience).await })
    }

    /// Bounds how long writing may make no progress.
    fn bound<T>(&mut self, poll: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.write = None;
            return poll;
        }
        let mut timer = self.write.take().unwrap_or_else(|| self.timer());
        if timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client takes nothing",
            )));
        }
        self.write = Some(timer);
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if self.begun_bytes >= BEGIN_BYTES {
            return poll;
        }
        if poll.is_ready() {
            self.begun_bytes += buffer.filled().len() - before;
            if self.begun_bytes >= BEGIN_BYTES {
                self.begin = None;
            }
            return poll;
        }
        let mut timer = self.begin.take().unwrap_or_else(|| self.timer());
        if timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client does not begin",
            )));
        }
        self.begin = Some(timer);
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bound(poll, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bound(poll, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.bound(poll, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.bound(poll, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::base::Timestamp;
    use crate::base::clock::virtual_runtime;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Runs a test on a virtual clock with both ends of a pipe of 64 bytes.
    fn run<F: Future<Output = ()>>(
        test: impl FnOnce(Clock, Patient<tokio::io::DuplexStream>, tokio::io::DuplexStream) -> F,
    ) {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let (server, client) = tokio::io::duplex(64);
            test(clock, Patient::new(server, clock, PATIENCE), client).await;
        });
    }

    #[test]
    fn a_client_that_sends_too_little_at_first_is_given_up_however_slowly_it_does() {
        run(|clock, mut server, mut client| async move {
            let trickle = async {
                loop {
                    clock.sleep(Duration::from_secs(3)).await;
                    client.write_all(b"P").await.unwrap();
                }
            };
            let mut bytes = [0; 64];
            let read = async {
                loop {
                    if let Err(error) = server.read(&mut bytes).await {
                        break error;
                    }
                }
            };
            let error = tokio::select! {
                error = read => error,
                () = trickle => unreachable!("it has no end"),
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert_eq!(clock.now(), Timestamp::ZERO.plus(PATIENCE));
        });
    }

    #[test]
    fn a_client_that_began_may_be_silent() {
        run(|clock, mut server, mut client| async move {
            client.write_all(&[b'x'; BEGIN_BYTES]).await.unwrap();
            server.read_exact(&mut [0; BEGIN_BYTES]).await.unwrap();
            let mut byte = [0; 1];
            tokio::select! {
                _ = server.read(&mut byte) => panic!("nothing came"),
                () = clock.sleep(10 * PATIENCE) => {}
            }
        });
    }

    #[test]
    fn a_client_that_reads_a_little_is_waited_for_and_one_that_reads_nothing_is_not() {
        run(|clock, mut server, mut client| async move {
            let sip = async {
                for _ in 0..5 {
                    clock.sleep(PATIENCE * 9 / 10).await;
                    client.read_exact(&mut [0; 64]).await.unwrap();
                }
                std::future::pending::<()>().await;
            };
            let write = async { server.write_all(&[0; 1_000]).await.unwrap_err() };
            let error = tokio::select! {
                error = write => error,
                () = sip => unreachable!("it has no end"),
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert_eq!(
                clock.now(),
                Timestamp::ZERO.plus(5 * (PATIENCE * 9 / 10) + PATIENCE)
            );
        });
    }
}
