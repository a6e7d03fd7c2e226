//! `completions` and `man`: what a shell and `man` want to know of the command line.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::args::Arguments;
use super::exit::Exit;
use super::show::show;

/// The program's name on the command line.
const NAME: &str = "streamgauge";

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn completions(arguments: &CompletionsArguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        NAME,
        &mut script,
    );
    show(|out| out.write_all(&script))
}

pub(super) fn man() -> Exit {
    let page = clap_mangen::Man::new(Arguments::command());
    let mut text = Vec::new();
    // Into memory: nothing can refuse.
    let rendered = page.render(&mut text);
    show(|out| rendered.and_then(|()| out.write_all(&text)))
}
