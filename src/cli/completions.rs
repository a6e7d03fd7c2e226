//! `completions` and `man`: what a shell and `man` want to know of the command line.

use std::path::PathBuf;

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

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// The command whose page is printed; without one, that of the program
    #[arg(conflicts_with = "out")]
    command: Option<String>,
    /// Write the pages of the program and of every command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn man(arguments: &ManArguments) -> Exit {
    if let Some(folder) = &arguments.out {
        let written = std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Arguments::command(), folder));
        return match written {
            Ok(()) => Exit::Yes,
            Err(error) => {
                eprintln!("error: failed to write to `{}`: {error}", folder.display());
                Exit::Usage
            }
        };
    }
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let command = match &arguments.command {
        None => Some(&program),
        Some(name) => program.find_subcommand(name),
    };
    let Some(command) = command else {
        let name = arguments.command.as_deref().unwrap_or_default();
        eprintln!("error: there is no command `{name}`; `streamgauge --help` lists them");
        return Exit::Usage;
    };
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    // Into memory: nothing can refuse.
    let rendered = page.render(&mut text);
    show(|out| rendered.and_then(|()| out.write_all(&text)))
}
