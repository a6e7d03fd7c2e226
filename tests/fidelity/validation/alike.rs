//! Any request, good or bad, to two servers at once: one is spoken to in JSON, the other in CBOR.

use bytes::Bytes;
use streamgauge::base::Timestamp;
use streamgauge::wire::pattern::Pattern;
use streamgauge::wire::{Codec, OPERATIONS, Shape, Value, decode_output};

use super::{error_of, send};
use crate::support::{Served, run, settings, start};

/// SplitMix64: what is drawn is the same in every run.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// One in so many.
    fn once_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// Stands for the last iterator, sequence number, token or consumer ARN that a server gave.
const LAST: &str = "LAST";

/// A value for a member: mostly one that means something to a server with streams `s` and `t`.
fn value(draw: &mut Draw, name: &str, shape: &'static Shape) -> Value {
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/";
    match *shape {
        Shape::Structure { members, .. } => structure(draw, members),
        Shape::List { member, .. } => {
            let count = draw.below(3) + 1;
            (0..count).map(|_| value(draw, name, member)).collect()
        }
        Shape::Map { .. } => {
            let key = draw.one_of(&["a", "b", "c;"]);
            Value::Map(vec![(key.to_owned(), "1".into())])
        }
        Shape::String {
            one_of, pattern, ..
        } => match (name, pattern) {
            _ if !one_of.is_empty() => draw.one_of(one_of).into(),
            ("StreamName", _) => draw.one_of(&["s", "s", "s", "t", "none"]).into(),
            ("ShardToSplit" | "ShardToMerge", _) => draw.one_of(&["0", "0", "2", "9"]).into(),
            ("AdjacentShardToMerge", _) => draw.one_of(&["1", "1", "3", "9"]).into(),
            ("ConsumerName", _) => draw.one_of(&["c", "d"]).into(),
            (_, Some(Pattern::Name)) => draw
                .one_of(&["shardId-000000000000", "0", "1", "2", "3", "shardId-9", "x"])
                .into(),
            (_, Some(Pattern::StreamArn | Pattern::ResourceArn)) => {
                let stream = draw.one_of(&["s", "s", "s", "t", "none"]);
                format!("{arn}{stream}").into()
            }
            (_, Some(Pattern::HashKey)) => draw
                .one_of(&[
                    "0",
                    "2",
                    "85070591730234615865843651857942052864",
                    "170141183460469231731687303715884105728",
                    "340282366920938463463374607431768211456",
                ])
                .into(),
            ("ShardIterator" | "NextToken", _)
            | (_, Some(Pattern::SequenceNumber | Pattern::ConsumerArn)) => LAST.into(),
            ("Policy", _) => draw.one_of(&["{}", "nonsense"]).into(),
            _ => draw.one_of(&["a", "b", "\u{e9}\u{1f600}\"\\"]).into(),
        },
        Shape::Integer { .. } => match name {
            "RetentionPeriodHours" => draw.one_of(&[23, 24, 25, 48]),
            "MaxRecordSizeInKiB" => draw.one_of(&[1_024, 2_048]),
            _ => draw.one_of(&[1, 2, 3, 4]),
        }
        .into(),
        Shape::Long => Value::Integer(1),
        Shape::Boolean => draw.once_in(4).into(),
        // Long ago or long to come: what lies between depends on when a server is asked.
        Shape::Timestamp => Timestamp::from_secs(draw.one_of(&[1, 4_000_000_000])).into(),
        Shape::Blob { .. } => {
            let length = draw.below(40);
            Bytes::from((0..length).map(|_| draw.next() as u8).collect::<Vec<_>>()).into()
        }
    }
}

fn structure(draw: &mut Draw, members: &'static [streamgauge::wire::shapes::Member]) -> Value {
    let mut made = Value::structure();
    for member in members {
        // Both selectors are needed rarely, and the name more often than the ARN.
        let left_out = match member.name {
            _ if member.required => draw.once_in(60),
            "StreamName" => draw.once_in(8),
            "ShardCount" => draw.once_in(4),
            "StreamModeDetails" | "WarmThroughputMiBps" | "RecordDistributionStrategy" => {
                !draw.once_in(8)
            }
            "StreamARN" => !draw.once_in(6),
            "PartitionKey" => draw.once_in(20),
            "DryRun" => !draw.once_in(8),
            _ => !draw.once_in(3),
        };
        if !left_out {
            let value = value(draw, member.name, member.shape);
            made = made.with(member.name, value);
        }
    }
    made
}

/// What a server gave last.
#[derive(Default)]
struct Kept {
    iterator: Option<String>,
    number: Option<String>,
    token: Option<String>,
    consumer: Option<String>,
}

impl Kept {
    fn fill(&self, name: &str, value: Value) -> Value {
        match value {
            Value::String(text) if text == LAST => {
                let (kept, default) = match name {
                    "ShardIterator" => (&self.iterator, "none"),
                    "NextToken" => (&self.token, "none"),
                    "ConsumerARN" | "ResourceARN" => (
                        &self.consumer,
                        "arn:aws:kinesis:us-east-1:000000000000:stream/s/consumer/c:1",
                    ),
                    _ => (&self.number, "5"),
                };
                kept.as_deref().unwrap_or(default).into()
            }
            Value::List(values) => values
                .into_iter()
                .map(|value| self.fill(name, value))
                .collect(),
            Value::Structure(members) => Value::Structure(
                members
                    .into_iter()
                    .map(|(name, value)| (name, self.fill(name, value)))
                    .collect(),
            ),
            other => other,
        }
    }

    fn note(&mut self, answer: &Value) {
        let keep = |place: &mut Option<String>, found: Option<&str>| {
            if let Some(text) = found {
                *place = Some(text.to_owned());
            }
        };
        keep(&mut self.iterator, answer.str("ShardIterator"));
        keep(&mut self.number, answer.str("SequenceNumber"));
        keep(&mut self.token, answer.str("NextToken"));
        let consumer = answer.get("Consumer");
        keep(
            &mut self.consumer,
            consumer.and_then(|made| made.str("ConsumerARN")),
        );
    }
}

/// The answer without what differs between two servers that were asked one after the other.
fn settled(name: &str, value: Value) -> Value {
    match value {
        Value::Timestamp(_) => Value::Timestamp(Timestamp::ZERO),
        Value::Integer(_) if name == "MillisBehindLatest" => Value::Integer(0),
        Value::String(_) if name.ends_with("Iterator") || name == "NextToken" => name.into(),
        Value::String(text) => plain(&text).into(),
        Value::List(values) => values
            .into_iter()
            .map(|value| settled(name, value))
            .collect(),
        Value::Structure(members) => Value::Structure(
            members
                .into_iter()
                .map(|(name, value)| (name, settled(name, value)))
                .collect(),
        ),
        other => other,
    }
}

/// Seconds, milliseconds, sequence numbers and tokens are the run's own.
fn plain(text: &str) -> String {
    let digits =
        regex::Regex::new("[0-9]{56}|[0-9]{13}|[0-9]{10}|@[0-9a-f]{1,8}").expect("an expression");
    let text = text.replace("shardId-0000", "shardId-");
    digits.replace_all(&text, "#").into_owned()
}

/// Asks one server; gives its answer as a text.
async fn ask(
    server: &Served,
    codec: Codec,
    kept: &mut Kept,
    operation: &'static streamgauge::wire::Operation,
    input: &Value,
) -> String {
    let input = kept.fill("", input.clone());
    let reply = send(server, codec, operation.name, &input).await;
    if reply.status != 200 {
        let (code, text) = match error_of(codec, &reply.body) {
            // A refused token is shown to the one who brought it.
            (code, text) if text.contains("Token") => (code, String::new()),
            (code, text) => (code, plain(&text)),
        };
        return format!("{} {} {code} {text}", operation.name, reply.status);
    }
    if reply.body.is_empty() {
        return format!("{} nothing", operation.name);
    }
    let answer = decode_output(codec, operation, &reply.body).expect("the answer has its shape");
    kept.note(&answer);
    format!("{} {:?}", operation.name, settled("", answer))
}

#[test]
fn generated_requests_are_answered_alike_in_both_codecs() {
    run(async {
        let (json, cbor) = (start(settings()).await, start(settings()).await);
        let mut draw = Draw(7);
        let (mut one, mut other) = (Kept::default(), Kept::default());
        let mut passed = std::collections::BTreeSet::new();
        let mut order: Vec<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        // A stream to begin with, and one again whenever one was deleted; subscriptions would have to be waited for.
        order.retain(|name| *name != "SubscribeToShard");
        order.extend(["CreateStream"; 4]);
        for _ in 0..4_000 {
            let name = draw.one_of(&order);
            let operation = streamgauge::wire::operation(name).expect("it is in the table");
            let input = structure(&mut draw, operation.input.members());
            let said = ask(&json, Codec::Json, &mut one, operation, &input).await;
            let also = ask(&cbor, Codec::Cbor, &mut other, operation, &input).await;
            assert_eq!(said, also, "{input:?}");
            if !said.starts_with(&format!("{name} 4")) {
                passed.insert(name);
            }
        }
        let never: Vec<_> = order
            .iter()
            .filter(|name| !passed.contains(*name))
            .collect();
        assert!(never.is_empty(), "{never:?} never passed");
        json.stop().await;
        cbor.stop().await;
    });
}
