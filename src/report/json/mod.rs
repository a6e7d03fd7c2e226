//! `report.json`.

mod layout;

use std::io::{self, Write};

use serde::Serialize as _;

use crate::report::document::{Document, SCHEMA_VERSION};
use layout::Layout;

/// Why a report could not be read. Displayed as a fragment that fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON, or not a report's.
    #[error("read the report: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another version of the program wrote it.
    #[error(
        "read the report: its `schema_version` is {found}, this program reads {SCHEMA_VERSION}"
    )]
    Version {
        /// The version that the report states.
        found: u64,
    },
}

/// Writes the document, a member a line; a list of numbers is one line.
///
/// # Errors
/// What `out` answers.
pub fn write(out: &mut dyn Write, document: &Document) -> io::Result<()> {
    let mut writer = serde_json::Serializer::with_formatter(&mut *out, Layout::default());
    document.serialize(&mut writer)?;
    out.write_all(b"\n")
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// See [`ReadError`].
pub fn read(bytes: &[u8]) -> Result<Document, ReadError> {
    // The version first: the members of another one may not fit, and that would be the wrong complaint.
    #[derive(serde::Deserialize)]
    struct Version {
        schema_version: u64,
    }
    let Version { schema_version } = serde_json::from_slice(bytes)?;
    if schema_version != u64::from(SCHEMA_VERSION) {
        return Err(ReadError::Version {
            found: schema_version,
        });
    }
    Ok(serde_json::from_slice(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn written(document: &Document) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes, document).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_report_of_a_known_distribution_is_written_member_for_member() {
        insta::assert_snapshot!(written(&sample::document()));
    }

    #[test]
    fn a_report_reads_back_as_the_same_document() {
        let document = sample::document();
        let text = written(&document);
        let again = read(text.as_bytes()).unwrap();
        assert_eq!(again, document);
        assert_eq!(written(&again), text);
    }

    #[test]
    fn a_simulated_report_holds_no_environment() {
        let mut document = sample::document();
        document.environment = None;
        let text = written(&document);
        assert!(!text.contains("environment"));
        assert_eq!(read(text.as_bytes()).unwrap(), document);
    }

    #[test]
    fn a_report_of_another_version_is_refused_by_its_version() {
        let error = read(br#"{"schema_version": 2, "verdict": []}"#).unwrap_err();
        assert!(matches!(error, ReadError::Version { found: 2 }), "{error}");
        assert!(matches!(read(b"{"), Err(ReadError::Malformed(_))));
        assert!(matches!(read(b"{}"), Err(ReadError::Malformed(_))));
    }
}
