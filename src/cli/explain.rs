//! `explain`: where a partition key goes, and how much of a shard's limits it may take.

use std::fmt::Write as _;

use serde_json::json;

use super::args::ExplainArguments;
use super::exit::Exit;
use super::show::show;
use crate::base::units::{HumanBytes, parse_bytes, parse_rate};
use crate::kinesis::quotas::{Limits, RateName};
use crate::kinesis::{HashKey, HashKeyRange};

/// The longest partition key, in characters (service model, `PartitionKey`).
const KEY_CHARS_MAX: usize = 256;

/// The largest record, data and key, that a stream takes unless more is allowed, and that any takes (service model,
/// `MaxRecordSizeInKiB`: 1024 by default, up to 10240).
const RECORD_BYTES_USUAL: u64 = 1 << 20;
const RECORD_BYTES_MAX: u64 = 10 << 20;

pub(super) fn explain(arguments: &ExplainArguments) -> Exit {
    match explanation(arguments) {
        Ok(explained) => show(|out| {
            if arguments.json {
                serde_json::to_writer_pretty(&mut *out, &explained.to_json())?;
                return writeln!(out);
            }
            out.write_all(explained.to_text().as_bytes())
        }),
        Err(problem) => {
            eprintln!("error: {problem}");
            Exit::Usage
        }
    }
}

/// All that can be said of a key.
#[derive(Debug)]
struct Explained {
    key: String,
    hash_key: HashKey,
    shards: u32,
    /// The index of its shard among the initial ones.
    shard: usize,
    range: HashKeyRange,
    load: Option<Load>,
    /// Whether a stream takes such a record only where larger ones than usual are allowed.
    is_large: bool,
}

/// What a key's records take of one shard.
#[derive(Clone, Copy, Debug)]
struct Load {
    records_per_s: f64,
    bytes_per_s: f64,
    of_record_limit: f64,
    of_byte_limit: f64,
}

fn explanation(arguments: &ExplainArguments) -> Result<Explained, String> {
    let key = &arguments.key;
    if !(1..=KEY_CHARS_MAX).contains(&key.chars().count()) {
        return Err(format!(
            "a partition key has 1 to {KEY_CHARS_MAX} characters, this one {}",
            key.chars().count()
        ));
    }
    let hash_key = HashKey::of_partition_key(key);
    let ranges = HashKeyRange::initial(arguments.shards);
    let found = ranges.iter().position(|range| range.contains(hash_key));
    let shard = found.ok_or("a stream has at least one shard")?;
    let data_bytes = parse_bytes(&arguments.size).map_err(|problem| problem.to_string())?;
    let record_bytes = data_bytes.saturating_add(key.len() as u64);
    if record_bytes > RECORD_BYTES_MAX {
        return Err(format!(
            "`--size {}`: no record has more than 10 MiB of data and key, whatever the stream (`MaxRecordSizeInKiB` is at most 10240)",
            arguments.size
        ));
    }
    Ok(Explained {
        key: key.clone(),
        hash_key,
        shards: arguments.shards,
        shard,
        range: ranges[shard],
        load: arguments
            .rate
            .as_deref()
            .map(|rate| load(rate, record_bytes))
            .transpose()?,
        is_large: record_bytes > RECORD_BYTES_USUAL,
    })
}

fn load(rate: &str, record_bytes: u64) -> Result<Load, String> {
    let records_per_s = parse_rate(rate).map_err(|problem| problem.to_string())?;
    let bytes_per_s = records_per_s * record_bytes as f64;
    let limits = Limits::aws();
    let of = |name, value: f64| {
        limits
            .rate(name)
            .map_or(0.0, |limit| value / limit.per_s as f64)
    };
    Ok(Load {
        records_per_s,
        bytes_per_s,
        of_record_limit: of(RateName::WriteRecords, records_per_s),
        of_byte_limit: of(RateName::WriteBytes, bytes_per_s),
    })
}

impl Explained {
    fn to_text(&self) -> String {
        let mut text = format!(
            "partition key   {}\nhash key        {} (its MD5, {:032x})\nposition        {:.4} % of the hash space, lane {}\n\
             shard           {} of {} equal ones: hash keys {} to {}\n",
            self.key,
            self.hash_key,
            self.hash_key.0,
            self.hash_key.0 as f64 / 2f64.powi(128) * 100.0,
            self.hash_key.lane(),
            self.shard,
            self.shards,
            self.range.start,
            self.range.end,
        );
        if self.is_large {
            text += "record          above 1 MiB of data and key: only a stream whose `MaxRecordSizeInKiB` was raised takes it\n";
        }
        if let Some(load) = self.load {
            let worst = load.of_record_limit.max(load.of_byte_limit);
            let _ = writeln!(
                text,
                "load            {:.1} records/s, {}/s: {:.1} % of a shard's record limit, {:.1} % of its byte limit",
                load.records_per_s,
                HumanBytes(load.bytes_per_s.round() as u64),
                load.of_record_limit * 100.0,
                load.of_byte_limit * 100.0,
            );
            if worst > 1.0 {
                text += "                more than one shard takes; more shards do not help, a key is never divided\n";
            }
        }
        text
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "partition_key": self.key,
            "hash_key": self.hash_key.to_string(),
            "lane": self.hash_key.lane(),
            "shards": self.shards,
            "shard": self.shard,
            "starting_hash_key": self.range.start.to_string(),
            "ending_hash_key": self.range.end.to_string(),
            "needs_large_records": self.is_large,
            "load": self.load.map(|load| json!({
                "records_per_s": load.records_per_s,
                "bytes_per_s": load.bytes_per_s,
                "of_record_limit": load.of_record_limit,
                "of_byte_limit": load.of_byte_limit,
            })),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(key: &str, shards: u32, rate: Option<&str>) -> ExplainArguments {
        ExplainArguments {
            key: key.to_owned(),
            shards,
            rate: rate.map(str::to_owned),
            size: "1KiB".to_owned(),
            json: false,
        }
    }

    #[test]
    fn a_key_is_placed_by_its_md5_among_equal_shards() {
        // MD5("a") begins with 0c: the first twentieth of the hash space.
        let explained = explanation(&arguments("a", 4, None)).unwrap();
        assert_eq!(explained.shard, 0);
        assert_eq!(explanation(&arguments("a", 100, None)).unwrap().shard, 4);
        assert!(
            explained
                .to_text()
                .contains("0cc175b9c0f1b6a831c399e269772661")
        );
    }

    #[test]
    fn no_record_is_above_ten_mebibytes_and_above_one_the_stream_must_allow_it() {
        let of_size = |size: &str| ExplainArguments {
            size: size.to_owned(),
            ..arguments("abcd", 1, Some("1/s"))
        };
        let text = |size| explanation(&of_size(size)).unwrap().to_text();
        assert!(!text("1048572B").contains("MaxRecordSizeInKiB"));
        assert!(text("1048573B").contains("MaxRecordSizeInKiB"));
        assert!(explanation(&of_size("10485756B")).is_ok());
        for size in ["10485757B", "20MiB"] {
            let told = explanation(&of_size(size)).unwrap_err();
            assert!(told.contains(size) && told.contains("10 MiB"), "{told}");
        }
    }

    #[test]
    fn a_load_is_held_against_both_limits_of_one_shard() {
        let load = explanation(&arguments("abcd", 1, Some("2000/s")))
            .unwrap()
            .load
            .unwrap();
        assert!((load.of_record_limit - 2.0).abs() < 1e-9);
        assert!((load.of_byte_limit - 2000.0 * 1028.0 / 1_048_576.0).abs() < 1e-9);
        assert!(explanation(&arguments("a", 1, Some("fast"))).is_err());
        assert!(explanation(&arguments("", 1, None)).is_err());
        assert!(explanation(&arguments(&"é".repeat(257), 1, None)).is_err());
        assert!(explanation(&arguments(&"é".repeat(256), 1, None)).is_ok());
    }
}
