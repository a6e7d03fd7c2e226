//! Rules of sizes and payloads.

use crate::scenario::draft::Draft;
use crate::scenario::finding::Finding;
use crate::scenario::model;
use crate::scenario::payload_bytes::{least_drawn_bytes, natural_bytes, stamp_bytes};
use crate::scenario::schema::{Payload, PayloadKind, Producer, Size, StampPlace, Take};

const LEAST_COMPRESSED_BYTES: f64 = model::PayloadKind::LEAST_COMPRESSED_BYTES as f64;
const LEAST_RATIO_BYTES: u64 = model::PayloadKind::LEAST_RATIO_RECORD_BYTES;

/// The smallest and the largest size, with the field that sets each. Nothing where there is no size, or where it follows
/// from a file or template that could not be read.
pub(super) fn extremes(
    draft: &Draft,
    name: &str,
    producer: &Producer,
) -> Option<[(u64, &'static str); 2]> {
    Some(match producer.size.as_ref()? {
        Size::Fixed { bytes } => [(bytes.value, "bytes"); 2],
        Size::Uniform { min, max } => [(min.value, "min"), (max.value, "max")],
        Size::Normal { min, max, .. } => [
            (min.as_ref().map_or(0, |min| min.value), "min"),
            (max.as_ref()?.value, "max"),
        ],
        Size::LogNormal { min, max, .. } => [
            (min.as_ref().map_or(0, |min| min.value), "min"),
            (max.value, "max"),
        ],
        Size::Quantiles { points } => {
            let sizes = || points.iter().map(|point| point.size.value);
            [(sizes().min()?, "points"), (sizes().max()?, "points")]
        }
        Size::Trace { file } => {
            let sizes = draft.files.traces.get(file)?.sizes.as_ref()?;
            let (least, most) = (sizes.iter().min()?, sizes.iter().max()?);
            [(u64::from(*least), "file"), (u64::from(*most), "file")]
        }
        Size::Natural {} => {
            let (min, max) = natural_bytes(name, producer, &draft.files)?;
            [(min, "kind"), (max, "kind")]
        }
    })
}

pub(super) fn settings_are_of_their_kind(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let payload = &producer.payload;
        let kind = payload.kind;
        let path = |field| ["producers", name, "payload", field];
        for (field, given, kinds) in [
            (
                "ratio",
                payload.ratio.is_some(),
                &[PayloadKind::Compressible][..],
            ),
            ("template", payload.template.is_some(), &[PayloadKind::Json]),
            (
                "file",
                payload.file.is_some(),
                &[PayloadKind::Json, PayloadKind::File],
            ),
            ("take", payload.take.is_some(), &[PayloadKind::File]),
            ("order", payload.order.is_some(), &[PayloadKind::File]),
        ] {
            if given && !kinds.contains(&kind) {
                let of: Vec<_> = kinds
                    .iter()
                    .map(|kind| format!("`{}`", kind.word()))
                    .collect();
                findings.push(Finding::name(
                    &path(field),
                    format!(
                        "`{field}` is a setting of payloads of kind {}, not of `{}`",
                        of.join(" or "),
                        kind.word()
                    ),
                ));
            }
        }
        if payload.order.is_some() && payload.take == Some(Take::Cuts) {
            let title = "`order` is a setting of `take = \"lines\"`";
            findings.push(Finding::name(&path("order"), title));
        }
        let missing = |what: &str| {
            let holder = ["producers", name, "payload"];
            Finding::value(&holder, format!("`producers.{name}.payload` needs {what}"))
        };
        match kind {
            PayloadKind::Compressible if payload.ratio.is_none() => {
                findings.push(missing("`ratio`").note("`ratio` is a number from 1 to 20"));
            }
            PayloadKind::Json if payload.template.is_some() == payload.file.is_some() => findings
                .push(missing("either `template` or `file`").note(
                    "`template` is a JSON object as text, such as '{\"id\": \"${uuid}\"}'; `file` names a file that holds one",
                )),
            PayloadKind::File if payload.file.is_none() => {
                let note = "`file` names a file relative to the scenario's folder";
                findings.push(missing("`file`").note(note));
            }
            _ => {}
        }
    }
}

fn is_lines(payload: &Payload) -> bool {
    payload.kind == PayloadKind::File && payload.take == Some(Take::Lines)
}

pub(super) fn records_have_one_size(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let payload = &producer.payload;
        let own = is_lines(payload) || payload.kind == PayloadKind::Json;
        match &producer.size {
            None => findings.push(
                Finding::value(
                    &["producers", name],
                    format!("`producers.{name}` needs `size`"),
                )
                .note("`size` is a table with `kind` = `fixed` or `uniform` or `normal` or `log-normal` or `quantiles`; payloads of kind `json` and lines of a file need none"),
            ),
            Some(Size::Natural {}) if !own => findings.push(
                Finding::value(
                    &["producers", name, "size", "kind"],
                    format!("the payload of `producers.{name}` has no size of its own"),
                )
                .note("accepted: `natural` for payloads of kind `json` and for lines of a file; a drawn size for all others"),
            ),
            Some(Size::Natural {}) => {}
            Some(_) if is_lines(payload) => findings.push(
                Finding::value(
                    &["producers", name, "size"],
                    "a line of a file is a whole record: it has its own size",
                )
                .note("accepted: no `size`, or `take = \"cuts\"` in `payload` for pieces of the file"),
            ),
            Some(_) => {}
        }
    }
}

pub(super) fn only_json_has_a_field(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let payload = &producer.payload;
        if payload.stamp == Some(StampPlace::JsonField) && payload.kind != PayloadKind::Json {
            findings.push(
                Finding::value(
                    &["producers", name, "payload", "stamp"],
                    format!(
                        "a payload of kind `{}` has no JSON field for the stamp",
                        payload.kind.word()
                    ),
                )
                .note("accepted: `prefix`, `none`, or a payload of kind `json`"),
            );
        }
    }
}

pub(super) fn sizes_hold_the_template(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        if producer.payload.kind != PayloadKind::Json
            || matches!(producer.size, None | Some(Size::Natural {}))
        {
            continue;
        }
        let Some([(min, field), _]) = extremes(draft, name, producer) else {
            continue;
        };
        let least = least_drawn_bytes(name, producer, &draft.files);
        if min < least {
            findings.push(
                Finding::value(
                    &["producers", name, "size", field],
                    format!("records of {min} B do not hold the largest object of the template, {least} B with its stamp and padding"),
                )
                .note(format!("accepted: {least}B and more, or no `size`: then each record has the size that it takes")),
            );
        }
    }
}

pub(super) fn ratios_can_be_reached(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let payload = &producer.payload;
        let (PayloadKind::Compressible, Some(ratio)) = (payload.kind, payload.ratio) else {
            continue;
        };
        let Some([(min, _), (max, _)]) = extremes(draft, name, producer) else {
            continue;
        };
        // Of records below 1 KiB no ratio is promised.
        let smallest = min.clamp(LEAST_RATIO_BYTES, max.max(LEAST_RATIO_BYTES));
        let payload_bytes = smallest.saturating_sub(stamp_bytes(payload.stamp)) as f64;
        let most = payload_bytes / LEAST_COMPRESSED_BYTES;
        if max >= LEAST_RATIO_BYTES && ratio > most {
            findings.push(
                Finding::value(
                    &["producers", name, "payload", "ratio"],
                    format!("records of {smallest} B cannot be made {ratio} times smaller: gzip and zstd would differ too much in what they add"),
                )
                .note(format!("accepted: a ratio of at most {:.1} for them, or a least size of {:.0}B", (most * 10.0).floor() / 10.0, (ratio * LEAST_COMPRESSED_BYTES).ceil() + stamp_bytes(payload.stamp) as f64)),
            );
        }
    }
}

pub(super) fn sizes_are_in_order(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let path = |field| ["producers", name, "size", field];
        if let Some(Size::Quantiles { points }) = &producer.size {
            let rise = points
                .windows(2)
                .all(|two| two[0].quantile < two[1].quantile);
            let ends = points.first().zip(points.last());
            let whole =
                ends.is_some_and(|(first, last)| first.quantile <= 0.0 && last.quantile >= 1.0);
            if !rise || !whole {
                findings.push(
                    Finding::value(&path("points"), "quantiles rise from 0 to 1")
                        .note("accepted: a first point with `quantile = 0`, a last one with `quantile = 1`, and each above the one before it"),
                );
            }
            if let Some(two) = points
                .windows(2)
                .find(|two| two[0].size.value > two[1].size.value)
            {
                findings.push(Finding::value(
                    &path("points"),
                    format!(
                        "the size at quantile {}, `{}`, is below the one before it, `{}`",
                        two[1].quantile, two[1].size, two[0].size
                    ),
                ));
            }
            continue;
        }
        if let Some(Size::Normal { sigma, .. }) = &producer.size
            && sigma.value == 0
        {
            let title = "the standard deviation must be above zero";
            findings.push(Finding::value(&path("sigma"), title));
        }
        let Some([(min, _), (max, _)]) = extremes(draft, name, producer) else {
            continue;
        };
        if min > max {
            findings.push(Finding::value(
                &path("max"),
                format!("the largest size, {max} B, is below the smallest, {min} B"),
            ));
            continue;
        }
        let (middle, field) = match &producer.size {
            Some(Size::LogNormal { median, .. }) => (median, "median"),
            Some(Size::Normal { mean, .. }) => (mean, "mean"),
            _ => continue,
        };
        if !(min..=max).contains(&middle.value) {
            findings.push(Finding::value(
                &path(field),
                format!("the {field} `{middle}` is not within {min} B and {max} B"),
            ));
        }
    }
}

pub(super) fn stamp_fits(draft: &Draft, findings: &mut Vec<Finding>) {
    for (name, producer) in &draft.producers {
        let Some([(min, field), _]) = extremes(draft, name, producer) else {
            continue;
        };
        let stamp = stamp_bytes(Some(StampPlace::Prefix));
        if producer.payload.stamp == Some(StampPlace::Prefix) && min < stamp {
            findings.push(
                Finding::value(
                    &["producers", name, "size", field],
                    format!("records of {min} B do not hold the stamp of {stamp} B"),
                )
                .note("accepted: 36B and more, or `payload.stamp = \"none\"`, without which nothing is said of loss and end-to-end latency"),
            );
        }
    }
}
