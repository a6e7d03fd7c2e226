//! What a reader saw of a stream that others write.

use std::cmp::Reverse;
use std::fmt::Write as _;

use crate::base::units::{HumanBytes, HumanCount};
use crate::measure::{Watched, WatchedShard};
use crate::report::document::Document;
use crate::report::terminal::table::Table;
use crate::report::terminal::{NAME_CHARS, hanging};
use crate::report::text::{Percent, Plain, shortened};

/// Beyond so many rows a table shows the busiest and counts the rest.
const ROWS_MAX: usize = 16;

/// The watched streams, reader by reader.
pub(super) fn watched(document: &Document) -> Option<String> {
    let sections = document.consumers.iter().filter_map(|(name, consumer)| {
        let watched = consumer.watched.as_ref()?;
        let title = format!(
            "Stream {} as {} saw it in the window ({})",
            shortened(&consumer.stream, NAME_CHARS),
            shortened(name, NAME_CHARS),
            document.basis.as_str()
        );
        Some(section(document, title, watched))
    });
    let sections: Vec<_> = sections.collect();
    (!sections.is_empty()).then(|| sections.join("\n\n"))
}

fn section(document: &Document, title: String, watched: &Watched) -> String {
    if watched.records == 0 {
        return format!(
            "{title}\n  no record arrived; {} read besides",
            HumanCount(watched.outside_window)
        );
    }
    let measure_s = document.instrument.measure_s.max(f64::MIN_POSITIVE);
    let mut text = title;
    let bytes = |bytes: f64| HumanBytes(bytes as u64).to_string();
    let _ = write!(
        text,
        "\n  {} records of {}: {} records/s, {}/s; {} more arrived outside of the window",
        HumanCount(watched.records),
        bytes(watched.bytes as f64),
        Plain(watched.records as f64 / measure_s),
        bytes(watched.bytes as f64 / measure_s),
        HumanCount(watched.outside_window),
    );
    let sizes = &watched.data_bytes;
    let _ = write!(
        text,
        "\n  data of a record: min {}, p50 {}, p90 {}, p99 {}, max {}, mean {}",
        bytes(sizes.min_bytes as f64),
        bytes(sizes.p50_bytes as f64),
        bytes(sizes.p90_bytes as f64),
        bytes(sizes.p99_bytes as f64),
        bytes(sizes.max_bytes as f64),
        bytes(sizes.mean_bytes),
    );
    text.push('\n');
    text.push_str(&shards(&watched.shards));
    text.push('\n');
    text.push_str(&hot_keys(watched));
    text
}

fn shards(shards: &[WatchedShard]) -> String {
    let mut rows: Vec<_> = shards.iter().collect();
    let mut rest = 0;
    if rows.len() > ROWS_MAX {
        rows.sort_by_key(|row| Reverse(row.bytes.max(row.records * 1_024)));
        rest = rows.split_off(ROWS_MAX).len();
    }
    let mut table = Table::new(
        "<shard  <records/s  <of limit  <busiest s  <bytes/s  <of limit  <busiest s  <behind at most",
    );
    for row in rows {
        table.row([
            row.shard.number().to_string(),
            Plain(row.records_per_s).to_string(),
            Percent(row.of_record_limit).to_string(),
            HumanCount(row.peak_records_per_s).to_string(),
            HumanBytes(row.bytes_per_s as u64).to_string(),
            Percent(row.of_byte_limit).to_string(),
            HumanBytes(row.peak_bytes_per_s).to_string(),
            format!("{} ms", HumanCount(row.behind_ms_max)),
        ]);
    }
    let mut text = table.titled("  Shards, against 1,000 records/s and 1 MiB/s of each");
    if rest > 0 {
        let _ = write!(text, "\n  and {rest} with less");
    }
    text
}

fn hot_keys(watched: &Watched) -> String {
    let error = HumanCount(watched.hot_keys_error_records_max);
    if watched.hot_keys.is_empty() {
        return hanging(
            "  ",
            &[format!("No key has more than twice {error} records.")],
        );
    }
    let mut table = Table::new("key  <records  <share  <shard");
    for key in &watched.hot_keys {
        table.row([
            shortened(&key.key, 40),
            HumanCount(key.records).to_string(),
            Percent(key.share).to_string(),
            key.shard.number().to_string(),
        ]);
    }
    let title = match watched.hot_keys_error_records_max {
        0 => "  Hot keys, every record counted".to_owned(),
        _ => format!("  Hot keys, no count too high by more than {error}"),
    };
    table.titled(&title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::kinesis::ShardId;
    use crate::measure::Watch;
    use crate::report::sample;

    fn document(records: u64) -> Document {
        let at = Timestamp::from_secs;
        let mut watch = Watch::new(at(100)..at(110));
        for number in 0..records {
            let shard = ShardId::new((number % 3 == 0).into()).unwrap();
            let key = if number % 4 == 0 {
                "hot\u{1b}[31m"
            } else {
                "other"
            };
            watch.record(shard, key, 700, at(100 + number * 10 / records));
        }
        watch.behind(ShardId::new(0).unwrap(), 1_250);
        let mut document = sample::document();
        document.producers.clear();
        document.ledger = crate::report::Ledger::default();
        let consumer = document.consumers.get_mut("billing").unwrap();
        consumer.watched = Some(watch.finish(10.0));
        document
    }

    #[test]
    fn a_watched_stream_is_shown_shard_by_shard_with_its_hot_keys() {
        insta::assert_snapshot!(watched(&document(12_000)).unwrap());
    }

    #[test]
    fn the_summary_of_a_watched_stream_has_no_table_of_what_was_offered() {
        let text = super::super::render(&document(12_000));
        assert!(text.contains("Stream orders as billing saw it"), "{text}");
        assert!(!text.contains("offered/s"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_stream_that_nobody_wrote_says_so() {
        let text = watched(&document(0)).unwrap();
        assert!(text.contains("no record arrived"), "{text}");
    }
}
