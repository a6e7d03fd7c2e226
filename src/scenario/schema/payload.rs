//! `producers.NAME.payload`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keys::KeyOrder;
use crate::scenario::defaults;

/// What records hold. Which of the other settings there are depends on `kind`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::scenario) struct Payload {
    /// The bytes.
    #[serde(default = "defaults::payload_kind")]
    pub(in crate::scenario) kind: PayloadKind,
    /// Where the stamp stands, by which integrity and end-to-end latency are measured; `json-field` for JSON, else
    /// `prefix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) stamp: Option<StampPlace>,
    /// Of `compressible`: how many times smaller gzip and zstd make the bytes after the stamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1.0, max = 20.0))]
    pub(in crate::scenario) ratio: Option<f64>,
    /// Of `json`: an object whose texts may hold placeholders such as `${uuid}`, unless a file has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) template: Option<String>,
    /// Of `json` and `file`: the file, relative to the scenario.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) file: Option<String>,
    /// Of `file`: what a record is; `lines` where `size` is left out, else `cuts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) take: Option<Take>,
    /// Of `file` by lines: how they are taken; `random` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::scenario) order: Option<KeyOrder>,
}

impl Default for Payload {
    fn default() -> Self {
        Self {
            kind: defaults::payload_kind(),
            stamp: None,
            ratio: None,
            template: None,
            file: None,
            take: None,
            order: None,
        }
    }
}

/// The bytes of a payload.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum PayloadKind {
    /// Random bytes, which do not compress.
    Random,
    /// Zeros.
    Zeros,
    /// Bytes that compress as well as wanted.
    Compressible,
    /// JSON objects made from a template.
    Json,
    /// The bytes or lines of a file.
    File,
}

impl PayloadKind {
    /// As a scenario writes it.
    pub(in crate::scenario) const fn word(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Zeros => "zeros",
            Self::Compressible => "compressible",
            Self::Json => "json",
            Self::File => "file",
        }
    }
}

/// Where a record's stamp stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum StampPlace {
    /// The first 36 bytes.
    Prefix,
    /// The last member of a JSON object, `"_sg"`.
    JsonField,
    /// Nowhere: integrity and end-to-end latency are not measured.
    None,
}

/// What a record takes of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scenario) enum Take {
    /// A piece of the wanted size from anywhere; after the file's end comes its beginning.
    Cuts,
    /// A line without its end; empty ones are left out.
    Lines,
}
