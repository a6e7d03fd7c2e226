//! Makes the model of sizes and payloads out of their settings.

use std::sync::Arc;

use super::files::Files;
use super::model;
use super::payload_bytes::natural_bytes;
use super::quantity::BytesText;
use super::schema::{KeyOrder, Payload, PayloadKind, Producer, Size, StampPlace, Take};

/// The sizes that these settings mean; nothing where the payload has none of its own, which the checks have refused.
pub(super) fn size(name: &str, raw: &Producer, files: &Files) -> Option<model::Size> {
    let bytes = |text: &BytesText| text.value;
    Some(match raw.size.as_ref()? {
        Size::Fixed { bytes: fixed } => model::Size::Fixed {
            bytes: bytes(fixed),
        },
        Size::Uniform { min, max } => model::Size::Uniform {
            min: bytes(min),
            max: bytes(max),
        },
        Size::Normal {
            mean,
            sigma,
            min,
            max,
        } => model::Size::Normal {
            mean: bytes(mean),
            sigma: bytes(sigma) as f64,
            min: min.as_ref().map_or(0, bytes),
            max: bytes(max.as_ref()?),
        },
        Size::LogNormal {
            median,
            sigma,
            min,
            max,
        } => model::Size::LogNormal {
            median: bytes(median),
            sigma: *sigma,
            min: min.as_ref().map_or(0, bytes),
            max: bytes(max),
        },
        Size::Quantiles { points } => model::Size::Quantiles {
            points: points
                .iter()
                .map(|point| (point.quantile, point.size.value))
                .collect(),
        },
        Size::Trace { file } => model::Size::Trace {
            sizes: files.traces.get(file)?.sizes.clone()?,
        },
        Size::Natural {} => {
            let (min, max) = natural_bytes(name, raw, files)?;
            model::Size::Natural { min, max }
        }
    })
}

/// The payload that these settings mean; nothing where a template or file is missing, which the checks have refused.
pub(super) fn payload(name: &str, raw: &Payload, files: &Files) -> Option<model::Payload> {
    let file = || Some(files.payloads.get(raw.file.as_ref()?)?.clone());
    Some(model::Payload {
        kind: match raw.kind {
            PayloadKind::Random => model::PayloadKind::Random,
            PayloadKind::Zeros => model::PayloadKind::Zeros,
            PayloadKind::Compressible => model::PayloadKind::Compressible { ratio: raw.ratio? },
            PayloadKind::Json => model::PayloadKind::Json(Arc::clone(files.templates.get(name)?)),
            PayloadKind::File => match raw.take? {
                Take::Cuts => model::PayloadKind::Cuts(file()?),
                Take::Lines => model::PayloadKind::Lines {
                    file: file()?,
                    in_order: raw.order == Some(KeyOrder::InOrder),
                },
            },
        },
        stamp: match raw.stamp? {
            StampPlace::Prefix => model::StampPlace::Prefix,
            StampPlace::JsonField => model::StampPlace::JsonField,
            StampPlace::None => model::StampPlace::None,
        },
    })
}
