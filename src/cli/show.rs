//! Standard output, whose reader may leave and whose disk may be full.

use std::io::{self, Write};

use super::exit::Exit;

/// Runs `print` on standard output. A reader that went away had all that it wanted; any other failure is told.
pub(super) fn show(print: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Exit {
    let mut out = io::stdout().lock();
    match print(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Exit::Yes,
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => Exit::Yes,
        Err(problem) => {
            eprintln!("error: failed to write to standard output: {problem}");
            Exit::Usage
        }
    }
}
