//! The threads that records are sent from.
//!
//! In real time each worker has a thread of its own: what readers take in at once, thousands of records of a page, and
//! what clients decode must not stand between a timer and the release that it was set for. In virtual time there is one
//! thread for everything.

use std::io;
use std::pin::pin;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::producer::{Worker, WorkerReport};

/// The most threads of one producer; its further workers share them.
const THREADS_MAX: usize = 64;

/// A worker at work. Whoever drops it ends the worker where it stands.
pub(super) type AtWork = oneshot::Receiver<WorkerReport>;

/// Starts the workers of one producer on threads named after it.
///
/// # Errors
/// When the operating system refuses a thread; those that were started end.
pub(super) fn start(name: &str, workers: Vec<Worker>) -> io::Result<Vec<AtWork>> {
    let count = workers.len().min(THREADS_MAX);
    let mut threads: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
    let mut at_work = Vec::with_capacity(workers.len());
    for (worker, number) in workers.into_iter().zip(0..) {
        let (done, report) = oneshot::channel();
        threads[number % count].push((worker, done));
        at_work.push(report);
    }
    for (workers, number) in threads.into_iter().zip(0..) {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new()
            .name(thread_name(name, number))
            .spawn(move || {
                runtime.block_on(async {
                    let mut tasks = Vec::with_capacity(workers.len());
                    let mut workers = workers.into_iter();
                    let own = workers.next();
                    for (worker, done) in workers {
                        tasks.push(tokio::spawn(work(worker, done)));
                    }
                    if let Some((worker, done)) = own {
                        work(worker, done).await;
                    }
                    for task in tasks {
                        // Whoever panicked has dropped its end of the report, which tells.
                        let _ = task.await;
                    }
                });
            })?;
    }
    Ok(at_work)
}

/// Starts the workers as tasks of this runtime.
pub(super) fn start_as_tasks(workers: Vec<Worker>) -> Vec<AtWork> {
    let start = |worker| {
        let (done, report) = oneshot::channel();
        tokio::spawn(work(worker, done));
        report
    };
    workers.into_iter().map(start).collect()
}

/// What names of sending threads begin with. Linux shows 15 bytes of a name.
const NAME: &str = "send-";

fn thread_name(producer: &str, number: usize) -> String {
    format!("{NAME}{number}-{producer}")
}

/// Whether a thread's name is one of ours.
pub(super) fn is_sender(name: &str) -> bool {
    name.starts_with(NAME)
}

async fn work(worker: Worker, mut done: oneshot::Sender<WorkerReport>) {
    let report = {
        let mut run = pin!(worker.run());
        tokio::select! {
            biased;
            report = &mut run => report,
            () = done.closed() => return,
        }
    };
    // Nobody waits any more: nobody wants it.
    let _ = done.send(report);
}
