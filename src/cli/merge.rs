//! `merge`: the folders of several hosts in, one results folder and summary out.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::run;
use crate::base::Clock;
use crate::report::Folder;
use crate::report::merge::merge_folders;
use crate::report::named_files;

#[derive(Debug, Args)]
pub(super) struct MergeArguments {
    /// The results folders of `run --worker 1/N` to `N/N`
    #[arg(required = true, value_name = "DIR")]
    pub(super) folders: Vec<PathBuf>,
    /// Merge although workers are missing; the verdict says so
    #[arg(long)]
    pub(super) partial: bool,
    /// The folder that the results folder is made in
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub(super) out: PathBuf,
    /// Print report.json instead of the summary
    #[arg(long)]
    pub(super) json: bool,
    /// Treat a DEGRADED measurement as VOID in the exit code
    #[arg(long)]
    pub(super) strict: bool,
}

pub(super) fn merge(arguments: &MergeArguments) -> Exit {
    let merged = match merge_folders(&arguments.folders, arguments.partial) {
        Ok(merged) => merged,
        Err(problem) => {
            eprintln!("error: failed to {problem}");
            return Exit::Usage;
        }
    };
    let names = merged.file_names();
    let names = names.iter().map(String::as_str);
    let document = &merged.document;
    let now = Clock::real().now();
    let folder = match Folder::open(&arguments.out, now, &document.scenario.name, names) {
        Ok(folder) => folder,
        Err(problem) => return run::cannot_write(&problem),
    };
    let mut written = merged.save(&folder, &run::command());
    // All parts ran one scenario with the same files.
    if let Some(first) = arguments.folders.first() {
        written.extend(named_files::keep_as_in(&folder, first).err());
    }
    let exit = run::close(folder, written, document, arguments.json);
    // That a worker was interrupted is in the verdict; the merging was not.
    exit.and(run::exit_of(document, false, arguments.strict))
}
