//! The files that a scenario names, as a results folder keeps them: `files.json` beside its `scenario.toml` says where.
//!
//! Invariant: a scenario read from a results folder is given the bytes that the run was given, or an error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The list's name.
pub const KEPT_FILES: &str = "files.json";

/// A file that a scenario names, as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedFile {
    /// Its name in the scenario.
    pub name: String,
    /// Where it was found.
    pub path: PathBuf,
    /// How many bytes it has.
    pub bytes: u64,
    /// Their SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// What `files.json` holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptFiles {
    /// The form of this list, 1. Without it the file is somebody else's.
    pub streamgauge_files: u32,
    /// Each file that the scenario names.
    pub files: Vec<KeptFile>,
}

/// A row of the list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptFile {
    /// Its name in the scenario.
    pub name: String,
    /// Where its copy is, relative to the list; absent where it was too large to be copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_as: Option<String>,
    /// How many bytes it has.
    pub bytes: u64,
    /// Their SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// The SHA-256 of `bytes` in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The list beside a scenario, by the names in it; nothing where there is none of ours.
pub(super) fn list_beside(folder: &Path) -> BTreeMap<String, KeptFile> {
    let text = std::fs::read_to_string(folder.join(KEPT_FILES)).unwrap_or_default();
    let list = serde_json::from_str::<KeptFiles>(&text).ok();
    let list = list.filter(|list| list.streamgauge_files == 1);
    let files = list.map(|list| list.files).unwrap_or_default();
    files.into_iter().map(|it| (it.name.clone(), it)).collect()
}

impl KeptFile {
    /// Where to read it, for a scenario in this folder.
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        folder.join(self.kept_as.as_deref().unwrap_or(&self.name))
    }

    /// What must be there where this one is not, or is another: to be said after what is wrong.
    pub(super) fn wanted(&self) -> String {
        format!(
            "the run read {} bytes with the SHA-256 {}: put that file there",
            self.bytes, self.sha256
        )
    }
}
