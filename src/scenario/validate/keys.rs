//! Rules of partition keys.

use crate::scenario::draft::Draft;
use crate::scenario::files::Files;
use crate::scenario::finding::Finding;
use crate::scenario::model::{KeyTable, escaped_bytes};
use crate::scenario::schema::Keys;

/// The longest partition key in characters (service model, `PartitionKey`).
const KEY_CHARS_MAX: u64 = 256;

/// Numbers of mixed or salted keys stay below this, so that part, salt and number fit into 64 bits.
const NUMBERS_MAX: u64 = 1 << 56;

fn each(draft: &Draft, mut visit: impl FnMut(&str, &Keys, &[String])) {
    for (name, producer) in &draft.producers {
        let mut path = ["producers", name, "keys"].map(str::to_owned).to_vec();
        producer
            .keys
            .visit(&mut path, &mut |keys, path| visit(name, keys, path));
    }
}

fn of(path: &[String], field: &str) -> Vec<String> {
    [path, &[field.to_owned()]].concat()
}

pub(super) fn hot_keys_leave_cold_ones(draft: &Draft, findings: &mut Vec<Finding>) {
    each(draft, |_, keys, path| {
        if let Keys::HotSet {
            hot_keys,
            population,
            ..
        } = keys
            && hot_keys >= population
        {
            findings.push(Finding::value(
                &of(path, "hot_keys"),
                format!("{hot_keys} hot keys of a population of {population} leave no other keys"),
            ));
        }
    });
}

pub(super) fn keys_are_no_longer_than_a_partition_key(draft: &Draft, findings: &mut Vec<Finding>) {
    each(draft, |_, keys, path| {
        let (chars, _) = longest_key(draft, keys);
        if chars > KEY_CHARS_MAX && !matches!(keys, Keys::Mix { .. }) {
            findings.push(Finding::value(
                &of(path, "format"),
                format!(
                    "keys of {chars} characters are longer than the service takes: {KEY_CHARS_MAX}"
                ),
            ));
        }
    });
}

/// A normal law that lies outside its population would be drawn again without end.
pub(super) fn normal_keys_lie_in_their_population(draft: &Draft, findings: &mut Vec<Finding>) {
    each(draft, |_, keys, path| {
        let Keys::Normal {
            population,
            mean,
            sd,
            ..
        } = keys
        else {
            return;
        };
        let all = *population as f64;
        if mean.is_some_and(|mean| mean > all) {
            findings.push(Finding::value(
                &of(path, "mean"),
                format!("the mean does not lie in a population of {population}"),
            ));
        }
        if *sd > all {
            findings.push(Finding::value(
                &of(path, "sd"),
                format!("the standard deviation is above the population, {population}"),
            ));
        }
    });
}

pub(super) fn written_keys_have_weights(draft: &Draft, findings: &mut Vec<Finding>) {
    each(draft, |_, keys, path| match keys {
        Keys::Weighted { weights, file, .. } => match (weights, file) {
            (Some(_), Some(_)) | (None, None) => findings.push(Finding::value(
                path,
                "weighted keys need either `weights` or `file`",
            )),
            (Some(weights), None) => {
                if weights.iter().all(|one| one.weight <= 0.0) {
                    let title = "no key has a weight above zero";
                    findings.push(Finding::value(&of(path, "weights"), title));
                }
                if weights.iter().any(|one| one.key.is_empty()) {
                    let title = "a partition key has 1 to 256 characters";
                    findings.push(Finding::value(&of(path, "weights"), title));
                }
            }
            (None, Some(_)) => {}
        },
        Keys::Mix { of: parts } => {
            if parts.values().all(|part| part.share <= 0.0) {
                let title = "no part has a share above zero";
                findings.push(Finding::value(&of(path, "of"), title));
            }
            if parts.len() > 256 {
                let title = format!("a mix of {} parts, above the most, 256", parts.len());
                findings.push(Finding::value(&of(path, "of"), title));
            }
        }
        Keys::ShardShare { shares, .. } if shares.iter().all(|share| *share <= 0.0) => {
            let title = "no shard has a share above zero";
            findings.push(Finding::value(&of(path, "shares"), title));
        }
        _ => {}
    });
}

pub(super) fn mixes_and_salts_have_room(draft: &Draft, findings: &mut Vec<Finding>) {
    each(draft, |_, keys, path| {
        let mixed = path.len() > 3;
        if mixed && matches!(keys, Keys::Mix { .. }) {
            let title = "a mix within a mix: name all parts in one";
            findings.push(Finding::value(&of(path, "kind"), title));
        }
        // Unique and latest keys begin at zero and never come so far.
        let endless = matches!(keys, Keys::Unique { .. } | Keys::Latest { .. });
        let salt = keys.salt().unwrap_or(1);
        if !endless && (mixed || salt > 1) && keys.highest().saturating_mul(salt) >= NUMBERS_MAX {
            findings.push(Finding::value(
                &of(path, "population"),
                "mixed and salted keys are at most 2^56, each salt counted",
            ));
        }
    });
}

pub(super) fn shard_shares_are_of_each_shard(draft: &Draft, findings: &mut Vec<Finding>) {
    each(draft, |name, keys, path| {
        let Keys::ShardShare {
            shares, population, ..
        } = keys
        else {
            return;
        };
        let stream = draft.producers[name].stream.as_ref();
        let stream = stream.and_then(|stream| draft.streams.get(stream));
        if let Some(stream) = stream
            && let Some(shards) = stream.shards
            && shares.len() as u64 != u64::from(shards)
        {
            findings.push(Finding::value(
                &of(path, "shares"),
                format!("{} shares for {shards} shards", shares.len()),
            ));
        }
        let keys = (shares.len() as u64).saturating_mul(*population);
        if keys > 1_000_000 {
            findings.push(Finding::value(
                &of(path, "population"),
                format!("{keys} keys in all, above the most, 1,000,000"),
            ));
        }
    });
}

/// The fewest and the most bytes of a key as JSON text.
pub(in crate::scenario) fn key_bytes_in_json(files: &Files, keys: &Keys) -> (u64, u64) {
    let of = |lengths: &mut dyn Iterator<Item = u64>| {
        lengths.fold((u64::MAX, 0), |(least, most), bytes| {
            (least.min(bytes), most.max(bytes))
        })
    };
    let listed = |table: Option<&std::sync::Arc<KeyTable>>| {
        let texts = table.into_iter().flat_map(|table| {
            (0..table.population()).map(|number| escaped_bytes(table.text(number)))
        });
        of(&mut { texts })
    };
    let (least, most) = match keys {
        Keys::Weighted {
            weights: Some(weights),
            ..
        } => of(&mut weights.iter().map(|one| escaped_bytes(&one.key))),
        Keys::Weighted { file, .. } => {
            let table = file.as_ref();
            listed(table.and_then(|file| files.weighted_keys.get(file)))
        }
        Keys::File { file, order, .. } => listed(files.listed_keys.get(&(file.clone(), *order))),
        Keys::Trace { file } => {
            let trace = files.traces.get(file);
            listed(trace.and_then(|trace| trace.keys.as_ref()))
        }
        Keys::Mix { of } => of
            .values()
            .map(|part| key_bytes_in_json(files, &part.keys))
            .fold((u64::MAX, 0), |(least, most), (low, high)| {
                (least.min(low), most.max(high))
            }),
        _ => {
            let digits = u64::from(keys.highest().checked_ilog10().unwrap_or(0)) + 1;
            let around = keys.format().map_or(0, |format| {
                escaped_bytes(&format.value.0) + escaped_bytes(&format.value.1)
            });
            (around + 1, around + digits)
        }
    };
    let salt = keys.salt().map_or((0, 0), |salt| {
        let last = salt.saturating_sub(1).checked_ilog10().unwrap_or(0);
        (2, 2 + u64::from(last))
    });
    (least.min(most) + salt.0, most + salt.1)
}

/// Characters and bytes of the longest key.
pub(super) fn longest_key(draft: &Draft, keys: &Keys) -> (u64, u64) {
    let listed = |table: Option<&std::sync::Arc<KeyTable>>| {
        let texts = table
            .into_iter()
            .flat_map(|table| (0..table.population()).map(|number| table.text(number)));
        texts.fold((0, 0), |most, text| longer(most, lengths(text)))
    };
    let (chars, bytes) = match keys {
        Keys::Weighted { weights, file, .. } => {
            let inline = weights.iter().flatten();
            let inline = inline.fold((0, 0), |most, one| longer(most, lengths(&one.key)));
            let table = file.as_ref();
            longer(
                inline,
                listed(table.and_then(|file| draft.files.weighted_keys.get(file))),
            )
        }
        Keys::File { file, order, .. } => {
            listed(draft.files.listed_keys.get(&(file.clone(), *order)))
        }
        Keys::Trace { file } => {
            let trace = draft.files.traces.get(file);
            listed(trace.and_then(|trace| trace.keys.as_ref()))
        }
        Keys::Mix { of } => {
            let parts = of.values().map(|part| longest_key(draft, &part.keys));
            parts.fold((0, 0), longer)
        }
        _ => {
            let digits = u64::from(keys.highest().checked_ilog10().unwrap_or(0)) + 1;
            let (before, after) = keys
                .format()
                .map_or(("", ""), |format| (&*format.value.0, &*format.value.1));
            let (before, after) = (lengths(before), lengths(after));
            (before.0 + after.0 + digits, before.1 + after.1 + digits)
        }
    };
    let salt = keys.salt().map_or(0, |salt| {
        2 + u64::from(salt.saturating_sub(1).checked_ilog10().unwrap_or(0))
    });
    (chars + salt, bytes + salt)
}

fn lengths(text: &str) -> (u64, u64) {
    (text.chars().count() as u64, text.len() as u64)
}

fn longer(a: (u64, u64), b: (u64, u64)) -> (u64, u64) {
    (a.0.max(b.0), a.1.max(b.1))
}
