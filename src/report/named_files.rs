//! Copies of the files that a scenario names, so that a results folder repeats its run by itself.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use super::folder::{Folder, FolderError};
use super::text::file_safe;
use crate::scenario::kept::{KEPT_FILES, KeptFile, KeptFiles, NamedFile, sha256};

/// Where the copies are.
const COPIES: &str = "files";

/// A file with more bytes is named with its SHA-256 and not copied.
pub const COPIED_BYTES_MAX: u64 = 64 << 20;

/// Copies the files to `files/`, and lists all in `files.json`, which a scenario that stands beside it is read with.
/// Nothing is written where there are none.
///
/// # Errors
/// When a file changed since the scenario was read, or a copy cannot be written.
pub fn keep(folder: &Folder, named: &[NamedFile]) -> Result<(), FolderError> {
    if named.is_empty() {
        return Ok(());
    }
    let mut files = Vec::new();
    let mut taken = BTreeSet::new();
    for file in named {
        let kept_as = (file.bytes <= COPIED_BYTES_MAX).then(|| free_name(&file.name, &mut taken));
        if let Some(name) = &kept_as {
            let bytes = read_again(file)?;
            folder.make_folder(COPIES)?;
            folder.write(name, |out| out.write_all(&bytes))?;
        }
        files.push(KeptFile {
            name: file.name.clone(),
            kept_as,
            bytes: file.bytes,
            sha256: file.sha256.clone(),
        });
    }
    let list = KeptFiles {
        streamgauge_files: 1,
        files,
    };
    folder.write(KEPT_FILES, |out| {
        serde_json::to_writer_pretty(&mut *out, &list)?;
        writeln!(out)
    })
}

/// Copies what another results folder keeps, if it keeps any: for one that is made of it.
///
/// # Errors
/// When its list or a copy cannot be read or written.
pub fn keep_as_in(folder: &Folder, other: &Path) -> Result<(), FolderError> {
    let read = |name: &str| {
        let path = other.join(name);
        fs::read(&path).map_err(|source| FolderError::Read { path, source })
    };
    if !other.join(KEPT_FILES).exists() {
        return Ok(());
    }
    let text = read(KEPT_FILES)?;
    let list: KeptFiles = serde_json::from_slice(&text).map_err(|error| FolderError::Read {
        path: other.join(KEPT_FILES),
        source: error.into(),
    })?;
    for copy in list.files.iter().filter_map(|file| file.kept_as.as_deref()) {
        // Only what `keep` writes: a list from elsewhere must not name files outside.
        let is_plain = |name: &&str| !name.is_empty() && !name.contains('/') && *name != "..";
        let name = copy.strip_prefix("files/").filter(is_plain);
        let Some(name) = name else { continue };
        let bytes = read(copy)?;
        folder.make_folder(COPIES)?;
        folder.write(&format!("{COPIES}/{name}"), |out| out.write_all(&bytes))?;
    }
    folder.write(KEPT_FILES, |out| out.write_all(&text))
}

/// `files/` and the last part of a name, with a number before it if that is taken.
fn free_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let last = Path::new(name).file_name().unwrap_or_default();
    let last = file_safe(&last.to_string_lossy());
    let numbered = (2..).map(|number: u32| format!("{number}-{last}"));
    let mut names = std::iter::once(last.clone()).chain(numbered);
    let free = names.find(|name| taken.insert(name.clone()));
    format!("{COPIES}/{}", free.unwrap_or(last))
}

fn read_again(file: &NamedFile) -> Result<Vec<u8>, FolderError> {
    let refuse = |source| FolderError::Read {
        path: file.path.clone(),
        source,
    };
    let bytes = fs::read(&file.path).map_err(refuse)?;
    if sha256(&bytes) == file.sha256 {
        return Ok(bytes);
    }
    let changed = "it changed since the scenario was read; run it again";
    Err(refuse(io::Error::other(changed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_end_alike_are_kept_apart() {
        let mut taken = BTreeSet::new();
        let names =
            ["a/keys.csv", "../keys.csv", "/x/y z", ".."].map(|name| free_name(name, &mut taken));
        assert_eq!(
            names[..3],
            ["files/keys.csv", "files/2-keys.csv", "files/y-z"]
        );
    }
}
