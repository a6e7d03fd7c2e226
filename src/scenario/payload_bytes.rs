//! How many bytes stamps and payloads take by themselves.

use super::defaults::{PAD_BYTES, STAMP_BYTES, STAMP_FIELD_BYTES};
use super::files::Files;
use super::schema::{PayloadKind, Producer, StampPlace, Take};
use super::validate::key_bytes_in_json;

/// Bytes of the stamp where it stands.
pub(super) const fn stamp_bytes(place: Option<StampPlace>) -> u64 {
    match place {
        Some(StampPlace::Prefix) => STAMP_BYTES,
        Some(StampPlace::JsonField) => STAMP_FIELD_BYTES,
        Some(StampPlace::None) | None => 0,
    }
}

/// The fewest and the most bytes of data, stamp included, of a payload that has a size of its own; nothing of others, and
/// where its file or template could not be read.
pub(super) fn natural_bytes(name: &str, producer: &Producer, files: &Files) -> Option<(u64, u64)> {
    let payload = &producer.payload;
    let stamp = stamp_bytes(payload.stamp);
    let (least, most) = match payload.kind {
        PayloadKind::Json => {
            let template = files.templates.get(name)?;
            template.bytes(key_bytes_in_json(files, &producer.keys))
        }
        PayloadKind::File if payload.take == Some(Take::Lines) => {
            let file = files.payloads.get(payload.file.as_ref()?)?;
            (file.line_bytes().min()?, file.line_bytes().max()?)
        }
        _ => return None,
    };
    Some((least + stamp, most + stamp))
}

/// The smallest size that may be drawn: it holds the stamp, and of JSON every object that the template makes, with a
/// member that pads.
pub(super) fn least_drawn_bytes(name: &str, producer: &Producer, files: &Files) -> u64 {
    match producer.payload.kind {
        PayloadKind::Json => {
            natural_bytes(name, producer, files).map_or(0, |(_, most)| most + PAD_BYTES)
        }
        _ => stamp_bytes(producer.payload.stamp),
    }
}
