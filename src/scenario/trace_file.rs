//! Recorded records that a scenario plays: tables, and what `capture` wrote.

use std::collections::HashMap;
use std::sync::Arc;

use super::files::{Wrong, is_key, lines, nanos};
use super::model::KeyTable;
use crate::trace;

/// The largest record (service model, `MaxRecordSizeInKiB`).
const SIZE_MAX: u32 = 10 << 20;

/// A recording; each column has one value a record, or none at all.
#[derive(Clone, Debug, Default)]
pub(super) struct Trace {
    /// Times from the first record's, in nanoseconds.
    pub(super) times_ns: Option<Arc<[u64]>>,
    /// Partition keys in the order of the records.
    pub(super) keys: Option<Arc<KeyTable>>,
    /// Bytes of data in the order of the records.
    pub(super) sizes: Option<Arc<[u32]>>,
}

/// A column of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Column {
    /// When.
    Time,
    /// Which key.
    Key,
    /// How large.
    Size,
}

impl Column {
    /// As a table's first line names it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Key => "key",
            Self::Size => "size",
        }
    }
}

impl Trace {
    /// Whether it has a column.
    pub(super) const fn has(&self, column: Column) -> bool {
        match column {
            Column::Time => self.times_ns.is_some(),
            Column::Key => self.keys.is_some(),
            Column::Size => self.sizes.is_some(),
        }
    }

    /// All three columns of what `capture` wrote.
    ///
    /// # Errors
    /// When there is no record in it.
    pub(super) fn of_recording(recorded: trace::Trace) -> Result<Self, String> {
        if recorded.keys.is_empty() {
            return Err("there is no record in it".to_owned());
        }
        let texts = texts(&recorded.table);
        let points = recorded.table.iter().map(|key| key.point);
        let keys = KeyTable::recorded(texts.into_iter().zip(points), &recorded.keys);
        let times = recorded.times_ms.iter();
        Ok(Self {
            times_ns: Some(times.map(|ms| ms.saturating_mul(1_000_000)).collect()),
            keys: Some(Arc::new(keys)),
            sizes: Some(recorded.sizes.into()),
        })
    }
}

/// A partition key for each recorded one: another text of the same length, because the length is billed. Where so few
/// characters do not tell so many keys apart, it is longer.
fn texts(table: &[trace::TraceKey]) -> Vec<String> {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let base36 = |mut number: usize, bytes: usize| {
        let mut text = vec![b'0'; bytes];
        for place in text.iter_mut().rev() {
            *place = DIGITS[number % 36];
            number /= 36;
        }
        (number == 0).then(|| String::from_utf8(text).unwrap_or_default())
    };
    // Keys of each length are numbered.
    let mut numbers: HashMap<u32, usize> = HashMap::new();
    let texts = table.iter().map(|key| {
        let number = numbers.entry(key.bytes).or_default();
        *number += 1;
        let text = base36(*number - 1, (key.bytes as usize).min(256));
        text.unwrap_or_else(|| format!("~{}~{}", key.bytes, *number - 1))
    });
    texts.collect()
}

const TRACE_FORM: &str = "accepted: a first line that names the columns, some of `time,size,key` in any order with `key` last, then one line for each record: seconds that do not fall, bytes, a partition key";

pub(super) fn table(text: &str) -> Result<Trace, Wrong> {
    let wrong = |line, what: String| Wrong {
        line,
        what,
        accepted: TRACE_FORM,
    };
    let mut lines = lines(text);
    let (line, header) = lines.next().unwrap_or((1, ""));
    let columns: Vec<_> = header.split(',').map(str::trim).collect();
    let known = |name: &&str| ["time", "size", "key"].contains(name);
    let last = columns.len() - 1;
    let key_is_last = columns
        .iter()
        .position(|name| *name == "key")
        .is_none_or(|at| at == last);
    let mut sorted = columns.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if !columns.iter().all(known) || sorted.len() != columns.len() || !key_is_last {
        return Err(wrong(
            line,
            format!("`{header}` does not name the columns of a trace"),
        ));
    }
    let mut times_ns: Vec<u64> = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    let mut sizes: Vec<u32> = Vec::new();
    let mut first = None;
    for (line, text) in lines {
        let values: Vec<_> = text.splitn(columns.len(), ',').collect();
        if values.len() != columns.len() {
            return Err(wrong(
                line,
                format!(
                    "`{text}` has {} columns, not {}",
                    values.len(),
                    columns.len()
                ),
            ));
        }
        for (column, value) in columns.iter().zip(values) {
            if *column == "key" {
                if !is_key(value) {
                    return Err(wrong(line, format!("`{value}` is not a partition key")));
                }
                keys.push(value.to_owned());
            }
            if *column == "size" {
                let size = value.trim().parse().ok();
                let size = size.filter(|size| *size <= SIZE_MAX).ok_or_else(|| {
                    wrong(
                        line,
                        format!("`{value}` is not a size from 0 to 10485760 bytes"),
                    )
                })?;
                sizes.push(size);
            }
            if *column == "time" {
                let time = nanos(value)
                    .ok_or_else(|| wrong(line, format!("`{value}` is not a time in seconds")))?;
                let since = time - *first.get_or_insert(time);
                let since = since.round();
                if since < 0.0 || times_ns.last().is_some_and(|&last| (since as u64) < last) {
                    return Err(wrong(
                        line,
                        format!("`{value}` is before the time before it"),
                    ));
                }
                times_ns.push(since as u64);
            }
        }
    }
    let has = |name| columns.contains(&name);
    if (has("key") && keys.is_empty()) || (has("size") && sizes.is_empty()) {
        return Err(wrong(2, "there is no record".to_owned()));
    }
    Ok(Trace {
        times_ns: has("time").then(|| times_ns.into()),
        sizes: has("size").then(|| sizes.into()),
        keys: has("key").then(|| Arc::new(KeyTable::in_turns(&keys))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinesis::HashKey;
    use std::collections::BTreeSet;

    #[test]
    fn played_keys_are_as_long_as_the_recorded_ones_and_no_two_are_the_same() {
        let key = |bytes| trace::TraceKey {
            id: 0,
            bytes,
            point: HashKey(0),
        };
        let table: Vec<_> = [1, 2, 9]
            .iter()
            .flat_map(|&bytes| vec![key(bytes); 1_400])
            .collect();
        let texts = texts(&table);
        let different: BTreeSet<_> = texts.iter().collect();
        assert_eq!(different.len(), texts.len());
        let same = |(key, text): &(&trace::TraceKey, &String)| key.bytes as usize == text.len();
        let longer = table.iter().zip(&texts).filter(|pair| !same(pair)).count();
        assert_eq!(longer, (1_400 - 36) + (1_400 - 36 * 36));
    }

    #[test]
    fn sizes_are_read_wherever_their_column_stands() {
        let read = table("size,time,key\n7, 1,a\n0,2,b,c\n").unwrap();
        assert_eq!(&*read.sizes.unwrap(), &[7, 0]);
        assert_eq!(read.keys.unwrap().text(1), "b,c");
    }

    #[test]
    fn a_trace_counts_its_times_from_the_first_and_refuses_times_that_fall() {
        let read = table("time\n1700000000.5\n1700000000.5\n1700000002\n").unwrap();
        assert_eq!(&*read.times_ns.unwrap(), &[0, 0, 1_500_000_000]);
        for (text, line) in [
            ("", 1),
            ("when\n", 1),
            ("time,time\n", 1),
            ("key,time\n", 1),
            ("time\n2\n1\n", 3),
            ("time\nsoon\n", 2),
            ("time,key\n1\n", 2),
            ("size\n", 2),
            ("size\n-1\n", 2),
            ("size\n10485761\n", 2),
        ] {
            assert_eq!(table(text).unwrap_err().line, line, "{text:?}");
        }
    }
}
