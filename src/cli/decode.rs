//! `decode`: what a sequence number holds.

use jiff::Timestamp as Utc;
use serde_json::{Value, json};

use super::args::DecodeArguments;
use super::exit::Exit;
use super::show::show;
use crate::kinesis::SequenceNumber;
use crate::kinesis::sequence::{ENDING_COUNTER, SequenceParts};

pub(super) fn decode(arguments: &DecodeArguments) -> Exit {
    let number = &arguments.sequence_number;
    let parsed = number.parse::<SequenceNumber>();
    let parts = match parsed.map(SequenceNumber::decode) {
        Ok(Some(parts)) => parts,
        Ok(None) => {
            eprintln!(
                "error: {number} is not a version-2 sequence number (56 digits that begin with 49, as Kinesis gives them); \
                 other engines may number records in ways of their own"
            );
            return Exit::Usage;
        }
        Err(problem) => {
            eprintln!("error: {problem}");
            return Exit::Usage;
        }
    };
    show(|out| {
        if arguments.json {
            serde_json::to_writer_pretty(&mut *out, &to_json(&parts))?;
            return writeln!(out);
        }
        writeln!(out, "shard           {}", parts.shard)?;
        writeln!(out, "shard created   {}", utc(parts.shard_created_s))?;
        writeln!(out, "record stored   {}", utc(parts.time_s))?;
        writeln!(out, "record counter  {}{}", parts.counter, meaning(&parts))
    })
}

/// What the ends of a shard's numbers mean.
const fn meaning(parts: &SequenceParts) -> &'static str {
    match parts.counter {
        0 => " (the start of the shard: no record has it)",
        ENDING_COUNTER => " (the end of the shard: no record has it)",
        _ => "",
    }
}

fn to_json(parts: &SequenceParts) -> Value {
    json!({
        "version": 2,
        "shard": parts.shard.to_string(),
        "shard_created": utc(parts.shard_created_s),
        "record_stored": utc(parts.time_s),
        "counter": parts.counter,
    })
}

/// Seconds since the epoch as RFC 3339 writes them; as they are where they lie beyond its years.
fn utc(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Utc::from_second(seconds).ok())
        .map_or_else(
            || format!("{seconds} s after the epoch"),
            |time| time.to_string(),
        )
}
