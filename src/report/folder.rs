//! The results folder: opened before the first record is sent, so that a run never ends with nowhere to write.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::base::Timestamp;
use crate::report::text::file_safe;

/// The link beside the folders that points to the newest finished one.
pub const LATEST: &str = "latest";

/// How many runs of one scenario may begin in the same second in the same place.
const FOLDERS_PER_SECOND_MAX: u32 = 1_000;

/// Why results could not be kept. Displayed as a fragment that fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder, or a file in it, could not be created.
    #[error("create `{}`: {source} (choose a place that can be written with `--out DIR`)", path.display())]
    Create {
        /// What was to be created.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The disk, or the user's share of it, is full.
    #[error("write `{}`: the disk is full ({source}); what was there before is unchanged", path.display())]
    DiskFull {
        /// The file that did not fit.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file that is to be copied could not be read, or is not what it was.
    #[error("copy `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// An open results folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Created when the folder was opened.
    planned: Vec<String>,
}

impl Folder {
    /// Makes `<out>/<UTC time>-<scenario>/` with an empty file for each of `files`. `now` names the folder; a second
    /// run within the same second gets `-2`, and so on.
    ///
    /// # Errors
    /// [`FolderError::Create`] when the folder or a file cannot be made.
    pub fn open<'a>(
        out: &Path,
        now: Timestamp,
        scenario: &str,
        files: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, FolderError> {
        let create = |path: &Path| {
            let path = path.to_owned();
            |source| FolderError::Create { path, source }
        };
        fs::create_dir_all(out).map_err(create(out))?;
        let stem = format!("{}-{}", utc_stem(now), file_safe(scenario));
        let mut path = out.join(&stem);
        let mut number = 1;
        while let Err(error) = fs::create_dir(&path) {
            if error.kind() != io::ErrorKind::AlreadyExists || number == FOLDERS_PER_SECOND_MAX {
                return Err(create(&path)(error));
            }
            number += 1;
            path = out.join(format!("{stem}-{number}"));
        }
        let mut planned = Vec::new();
        for name in files {
            let file = path.join(name);
            File::create(&file).map_err(create(&file))?;
            planned.push(name.to_owned());
        }
        Ok(Self { path, planned })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file `name` as a whole: what was there before stays until all of the new content is on the disk.
    ///
    /// # Errors
    /// [`FolderError::DiskFull`] or [`FolderError::Write`], naming the file.
    pub fn write(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let mut hidden = OsString::from(".");
        hidden.push(path.file_name().unwrap_or_default());
        hidden.push(".unfinished");
        let unfinished = path.with_file_name(hidden);
        let written =
            write_whole(&unfinished, content).and_then(|()| fs::rename(&unfinished, &path));
        if let Err(source) = written {
            // It may not exist; the first error is the one to tell.
            let _ = fs::remove_file(&unfinished);
            return Err(write_error(path, source));
        }
        Ok(())
    }

    /// Makes a folder in it for files that [`write`](Self::write) is then given as `name/file`.
    ///
    /// # Errors
    /// [`FolderError::Create`].
    pub fn make_folder(&self, name: &str) -> Result<(), FolderError> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(|source| FolderError::Create { path, source })
    }

    /// Removes the folder: nothing was measured. Should that fail, it is left as it is.
    pub fn discard(self) {
        let _ = fs::remove_dir_all(&self.path);
    }

    /// Removes the planned files that are still empty, points `latest` here, and gives the folder's path.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub fn finish(self) -> Result<PathBuf, FolderError> {
        self.publish()?;
        Ok(self.path)
    }

    /// The same of a folder in which files may still be written again.
    ///
    /// # Errors
    /// [`FolderError::Write`], when something that is no link stands in the place of `latest`, for one. The results
    /// are whole all the same.
    pub fn publish(&self) -> Result<(), FolderError> {
        for name in &self.planned {
            let path = self.path.join(name);
            let is_empty = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() == 0);
            if is_empty {
                fs::remove_file(&path).map_err(|source| write_error(path, source))?;
            }
        }
        if let (Some(out), Some(name)) = (self.path.parent(), self.path.file_name()) {
            let latest = out.join(LATEST);
            // Made beside and renamed: a reader finds the old one or the new one, never none.
            let mut fresh_name = name.to_owned();
            fresh_name.push(".link");
            let fresh = out.join(fresh_name);
            let linked =
                std::os::unix::fs::symlink(name, &fresh).and_then(|()| fs::rename(&fresh, &latest));
            if let Err(source) = linked {
                let _ = fs::remove_file(&fresh);
                return Err(write_error(latest, source));
            }
        }
        Ok(())
    }
}

fn write_whole(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(File::create(path)?);
    content(&mut writer)?;
    let file = writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    // Some file systems say only here that there was no room.
    file.sync_all()
}

fn write_error(path: PathBuf, source: io::Error) -> FolderError {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            FolderError::DiskFull { path, source }
        }
        _ => FolderError::Write { path, source },
    }
}

/// `20260131T235959Z`: sorts by time, and holds nothing that a file system minds.
fn utc_stem(now: Timestamp) -> String {
    jiff::Timestamp::from_second(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
        .unwrap_or(jiff::Timestamp::MAX)
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_769_903_999);

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_named_by_time_and_scenario_and_never_used_twice() {
        let out = tempfile::tempdir().unwrap();
        let first = Folder::open(out.path(), NOW, "hot key/1", ["report.json"]).unwrap();
        let second = Folder::open(out.path(), NOW, "hot key/1", ["report.json"]).unwrap();
        assert!(first.path().ends_with("20260131T235959Z-hot-key-1"));
        assert!(second.path().ends_with("20260131T235959Z-hot-key-1-2"));
        assert_eq!(names(first.path()), ["report.json"]);
    }

    #[test]
    fn finishing_drops_what_stayed_empty_and_points_latest_to_the_newest() {
        let out = tempfile::tempdir().unwrap();
        for text in ["one", "two"] {
            let folder = Folder::open(out.path(), NOW, "s", ["a.txt", "b.txt"]).unwrap();
            folder
                .write("a.txt", |file| write!(file, "{text}"))
                .unwrap();
            let path = folder.finish().unwrap();
            assert_eq!(names(&path), ["a.txt"]);
            let latest = out.path().join(LATEST);
            assert_eq!(fs::read_to_string(latest.join("a.txt")).unwrap(), text);
            assert!(fs::read_link(latest).unwrap().is_relative());
        }
    }

    #[test]
    fn a_full_disk_is_named_and_leaves_the_file_as_it_was() {
        let out = tempfile::tempdir().unwrap();
        let folder = Folder::open(out.path(), NOW, "s", ["a.txt"]).unwrap();
        folder
            .write("a.txt", |file| file.write_all(b"old"))
            .unwrap();
        let error = folder
            .write("a.txt", |file| {
                file.write_all(b"new")?;
                Err(io::ErrorKind::StorageFull.into())
            })
            .unwrap_err();
        assert!(matches!(error, FolderError::DiskFull { .. }));
        assert!(error.to_string().contains("a.txt"), "{error}");
        assert_eq!(fs::read(folder.path().join("a.txt")).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error_before_the_run() {
        let out = tempfile::tempdir().unwrap();
        let file = out.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Folder::open(&file.join("below"), NOW, "s", []).unwrap_err();
        assert!(matches!(error, FolderError::Create { .. }));
        assert!(error.to_string().contains("--out"), "{error}");
    }

    #[test]
    fn a_folder_in_the_place_of_latest_is_an_error_that_leaves_the_results() {
        let out = tempfile::tempdir().unwrap();
        fs::create_dir(out.path().join(LATEST)).unwrap();
        let folder = Folder::open(out.path(), NOW, "s", []).unwrap();
        folder
            .write("a.txt", |file| file.write_all(b"kept"))
            .unwrap();
        let path = folder.path().to_owned();
        assert!(folder.finish().unwrap_err().to_string().contains(LATEST));
        assert_eq!(fs::read(path.join("a.txt")).unwrap(), b"kept");
    }
}
