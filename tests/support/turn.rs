//! Turns on the machine: runs in real time go one at a time, with nothing of ours beside them.

use std::fs::File;
use std::path::Path;

/// Ends when it is dropped. A file's lock, because test runners may give every test a process of its own.
#[derive(Debug)]
pub(crate) struct Turn {
    _lock: File,
}

impl Turn {
    /// For what time does not matter to.
    pub(crate) fn beside_others() -> Self {
        let lock = file();
        lock.lock_shared().expect("the file system can lock");
        Self { _lock: lock }
    }

    /// For a run in real time.
    pub(crate) fn alone() -> Self {
        let lock = file();
        lock.lock().expect("the file system can lock");
        Self { _lock: lock }
    }
}

fn file() -> File {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("turn.lock");
    File::create(path).expect("cargo made the folder")
}
