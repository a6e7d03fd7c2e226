//! The command line of streamgauge.

use std::process::ExitCode;

// The engine recycles its own segments; everything else allocates little and often, from several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    streamgauge::cli::main()
}
