//! `latency-<part>-<kind>.hgrm`: percentile tables in HdrHistogram's text format, which its plotters read.

use std::io::{self, Write};

use hdrhistogram::Histogram;

use crate::report::text::file_safe;

/// Steps per halving of the distance to 100 %, as HdrHistogram's own tools take.
const TICKS_PER_HALF_DISTANCE: u32 = 5;

/// Microseconds in the unit of the table's values, the millisecond.
const US_PER_MS: f64 = 1e3;

/// The file's name, for the histogram of `part` (`producers.web`) and `kind` (`response_time`).
pub fn file_name(part: &str, kind: &str) -> String {
    format!("latency-{}-{}.hgrm", file_safe(part), file_safe(kind))
}

/// Writes the table of `histogram`, whose values are microseconds; the table's are milliseconds and its last line
/// says so, below the three that HdrHistogram's tools expect.
///
/// # Errors
/// What `out` answers.
pub fn write(
    out: &mut dyn Write,
    histogram: &Histogram<u64>,
    part: &str,
    kind: &str,
) -> io::Result<()> {
    writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    )?;
    let mut total = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        total += step.count_since_last_iteration();
        let value_ms = step.value_iterated_to() as f64 / US_PER_MS;
        let quantile = step.quantile_iterated_to();
        write!(out, "{value_ms:12.3} {quantile:.12} {total:10}")?;
        if quantile < 1.0 {
            write!(out, " {:14.2}", 1.0 / (1.0 - quantile))?;
        }
        writeln!(out)?;
    }
    // The crate keeps the count of sub-buckets to itself; each bucket but the first adds half of them.
    let sub_buckets = 2 * histogram.distinct_values() / (usize::from(histogram.buckets()) + 1);
    writeln!(
        out,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]",
        histogram.mean() / US_PER_MS,
        histogram.stdev() / US_PER_MS
    )?;
    writeln!(
        out,
        "#[Max     = {:12.3}, Total count    = {:12}]",
        histogram.max() as f64 / US_PER_MS,
        histogram.len()
    )?;
    writeln!(
        out,
        "#[Buckets = {:12}, SubBuckets     = {:12}]",
        histogram.buckets(),
        sub_buckets
    )?;
    writeln!(out, "#[{part}.{kind}, values in ms]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(values: impl IntoIterator<Item = u64>) -> String {
        let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap();
        for value in values {
            histogram.record(value).unwrap();
        }
        let mut out = Vec::new();
        write(&mut out, &histogram, "producers.web", "response_time").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_known_distribution_gives_its_percentiles_in_milliseconds() {
        let table = table_of((1..=1_000).map(|ms| ms * 1_000));
        let rows: Vec<Vec<f64>> = table
            .lines()
            .skip(2)
            .take_while(|line| !line.starts_with('#'))
            .map(|line| {
                line.split_whitespace()
                    .map(|n| n.parse().unwrap())
                    .collect()
            })
            .collect();
        // Every row: the share of the values 1, 2, ... 1,000 that are not above its value, to three digits.
        for row in &rows {
            let (value_ms, quantile, count) = (row[0], row[1], row[2]);
            assert!(count >= quantile * 1_000.0, "{row:?}");
            assert!((value_ms - count).abs() <= value_ms / 1_000.0, "{row:?}");
        }
        let last = rows.last().unwrap();
        assert_eq!((last.len(), last[1], last[2]), (3, 1.0, 1_000.0));
        assert!(rows.iter().rev().skip(1).all(|row| row.len() == 4));
        assert!(table.contains("Total count    =         1000"));
        assert!(table.contains("SubBuckets     =         2048"));
        assert!(table.ends_with("#[producers.web.response_time, values in ms]\n"));
    }

    #[test]
    fn an_empty_histogram_gives_a_table_without_rows() {
        let table = table_of([]);
        assert_eq!(
            table.lines().filter(|line| !line.starts_with('#')).count(),
            2
        );
        assert!(table.contains("Total count    =            0"));
    }

    #[test]
    fn file_names_hold_the_part_and_the_kind_and_no_path() {
        assert_eq!(
            file_name("producers.web", "response_time"),
            "latency-producers.web-response_time.hgrm"
        );
        assert_eq!(
            file_name("consumers.a/b", "x"),
            "latency-consumers.a-b-x.hgrm"
        );
    }
}
