//! Names that a reader outside of the house is not to see, taken out of a report: streams, accounts, ARNs, hosts.
//!
//! Names are found in the document's JSON, whatever member they stand in, and replaced wherever they stand as a word, the
//! scenario's text included. A stream that is called like a word of ours takes that word with it: rather too much is hidden
//! than too little. Partition keys are not this module's: whoever reports them hashes them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::report::document::Document;

/// Members that hold the name of a stream.
const OF_STREAMS: [&str; 1] = ["stream"];
/// Members whose own members are named by streams.
const BY_STREAM: [&str; 6] = [
    "balance",
    "streams",
    "left_behind",
    "heat",
    "minutes",
    "forecast",
];
/// Members whose own members have names of the scenario, which may be those of streams.
const BY_NAME: [&str; 4] = ["producers", "consumers", "calls", "parts"];
/// Members that hold a word of this program: what reads them accepts no other.
const OURS: [&str; 13] = [
    "held",
    "world",
    "basis",
    "price_basis",
    "status",
    "unit",
    "api",
    "cause",
    "kind",
    "code",
    "client",
    "action",
    "schema_version",
];
/// Hosts that name nobody.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];
/// Digits of an account.
const ACCOUNT_DIGITS: usize = 12;

/// The names of one report and what stands for each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redaction {
    /// The longest names first: one may begin with another.
    names: Vec<(String, String)>,
}

impl Redaction {
    /// The names in this document: `stream-1`, `account-1`, `arn-1` and `host-1` stand for the first of each.
    ///
    /// # Errors
    /// A document that is no JSON; a document that was read is.
    pub fn of(document: &Document) -> Result<Self, serde_json::Error> {
        let mut found = Found::default();
        let tree = serde_json::to_value(document)?;
        found.look_into(&tree);
        let everything = tree.to_string();
        let mut names = Vec::new();
        for (noun, secrets) in [
            ("stream", found.streams),
            ("account", found.accounts),
            ("arn", found.arns),
            ("host", found.hosts),
        ] {
            // A name that is there already must not come to mean two things.
            let mut stand_ins = (1..)
                .map(|number| format!("{noun}-{number}"))
                .filter(|stand_in| !everything.contains(stand_in.as_str()));
            names.extend(secrets.into_iter().zip(&mut stand_ins));
        }
        names.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        Ok(Self { names })
    }

    /// The document without the names.
    ///
    /// # Errors
    /// When what is left cannot be read as a document.
    pub fn document(&self, document: &Document) -> Result<Document, serde_json::Error> {
        let tree = self.value(serde_json::to_value(document)?);
        serde_json::from_value(tree)
    }

    /// A text without the names.
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let (mut rest, mut before) = (text, None);
        'places: while let Some(first) = rest.chars().next() {
            if !before.is_some_and(is_of_word) {
                let in_shard = before == Some('-');
                for (secret, stand_in) in &self.names {
                    if in_shard && is_account(secret) {
                        continue;
                    }
                    let after = rest.strip_prefix(secret.as_str());
                    let after = after.filter(|after| !after.chars().next().is_some_and(is_of_word));
                    if let Some(after) = after {
                        out.push_str(stand_in);
                        before = secret.chars().last();
                        rest = after;
                        continue 'places;
                    }
                }
            }
            out.push(first);
            before = Some(first);
            rest = &rest[first.len_utf8()..];
        }
        out
    }

    /// `intervals.csv` without the names of its streams, which are its second column.
    pub fn intervals(&self, table: &str) -> String {
        let mut out = String::with_capacity(table.len());
        for (number, line) in table.lines().enumerate() {
            let fields: Vec<_> = line.splitn(3, ',').collect();
            match fields[..] {
                [start, stream, rest] if number > 0 => {
                    let _ = writeln!(out, "{start},{},{rest}", self.text(stream));
                }
                _ => {
                    out.push_str(line);
                    out.push('\n');
                }
            }
        }
        out
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(list) => list.into_iter().map(|value| self.value(value)).collect(),
            Value::Object(members) => self.members(members, false).into(),
            other => other,
        }
    }

    /// `names` says whether the members are named by the scenario.
    fn members(&self, members: Map<String, Value>, names: bool) -> Map<String, Value> {
        let changed = members.into_iter().map(|(name, value)| {
            let value = match value {
                Value::String(_) if !names && OURS.contains(&name.as_str()) => value,
                Value::Object(inner)
                    if BY_STREAM.contains(&name.as_str()) || BY_NAME.contains(&name.as_str()) =>
                {
                    self.members(inner, true).into()
                }
                value => self.value(value),
            };
            let name = if names { self.text(&name) } else { name };
            (name, value)
        });
        changed.collect()
    }
}

/// Whether a character belongs to the word that a name is. Streams' names may hold `.` and `-` too, but so do sentences
/// and paths around them.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a word is an account by its form.
fn is_account(word: &str) -> bool {
    word.len() == ACCOUNT_DIGITS && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The names of a document.
#[derive(Debug, Default)]
struct Found {
    streams: BTreeSet<String>,
    accounts: BTreeSet<String>,
    arns: BTreeSet<String>,
    hosts: BTreeSet<String>,
}

impl Found {
    fn look_into(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.look_at(text),
            Value::Array(list) => list.iter().for_each(|value| self.look_into(value)),
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text) if OF_STREAMS.contains(&name.as_str()) => {
                            self.stream(text);
                        }
                        Value::Object(inner) if BY_STREAM.contains(&name.as_str()) => {
                            inner.keys().for_each(|name| self.stream(name));
                        }
                        _ => {}
                    }
                    self.look_into(value);
                }
            }
            _ => {}
        }
    }

    fn stream(&mut self, name: &str) {
        if !name.is_empty() {
            self.streams.insert(name.to_owned());
        }
    }

    /// What can be told by its form.
    fn look_at(&mut self, text: &str) {
        let ends_token = |c: char| c.is_whitespace() || "\"'`()<>,;{}".contains(c);
        for token in text.split(ends_token) {
            let token = token.trim_end_matches(['.', ':']);
            if let Some(at) = token.find("arn:") {
                let arn = &token[at..];
                self.arns.insert(arn.to_owned());
                if let Some((_, name)) = arn.split_once(":stream/") {
                    self.stream(name.split('/').next().unwrap_or_default());
                }
            }
            if let Some((_, rest)) = token.split_once("://") {
                self.host(rest);
            }
        }
        // The digits behind a dash are a shard's, those behind a point a figure's.
        let words = text.split(|c: char| !is_of_word(c) && !".-".contains(c));
        let accounts = words.filter(|word| is_account(word));
        self.accounts.extend(accounts.map(str::to_owned));
    }

    /// The host of what follows `://`.
    fn host(&mut self, rest: &str) {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        let host = match host.split_once(']') {
            Some((address, _)) => format!("{address}]"),
            None => host.split(':').next().unwrap_or_default().to_owned(),
        };
        if !host.is_empty() && !LOOPBACK.contains(&host.as_str()) {
            self.hosts.insert(host);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::{Environment, TargetSummary};
    use crate::report::{json, sample, terminal};

    /// A report in which every kind of name stands where reports have them, and in texts of others.
    fn telling() -> Document {
        let mut document = sample::document();
        document.scenario.text =
            "# like https://wiki.corp.example/x\n[streams.orders]\nshards = 4\n".into();
        document.events[0].detail = "orders/shardId-000000000002 into 4 and 5".into();
        let url = "https://kinesis.corp.example:4567/path";
        document.target = Some(TargetSummary {
            name: url.into(),
            url: Some(url.into()),
            client: "sdk".into(),
            engine: "not applicable".into(),
            unreachable: Some(
                "dial kinesis.corp.example: User: arn:aws:iam::123456789012:user/ann is not authorized on \
                 arn:aws:kinesis:eu-west-1:123456789012:stream/streamgauge-hot-key-0badcafe."
                    .into(),
            ),
            left_behind: [("orders".to_owned(), "account 210987654321".to_owned())].into(),
            ..TargetSummary::default()
        });
        document.environment = Some(Environment {
            target: url.into(),
            ..Environment::default()
        });
        document
    }

    const NAMES: [&str; 8] = [
        "orders",
        "corp.example",
        "123456789012",
        "210987654321",
        "arn:aws",
        "user/ann",
        "0badcafe",
        "wiki",
    ];

    #[test]
    fn no_name_is_left_in_any_form_and_the_figures_are() {
        let document = telling();
        let redaction = Redaction::of(&document).unwrap();
        let redacted = redaction.document(&document).unwrap();
        let mut bytes = Vec::new();
        json::write(&mut bytes, &redacted).unwrap();
        let shown = String::from_utf8(bytes).unwrap() + &terminal::render(&redacted);
        for name in NAMES {
            assert!(!shown.contains(name), "{name} is left in {shown}");
        }
        assert_eq!(redacted.shards[2].stream, "stream-1");
        assert_eq!(redacted.shards[2].totals, document.shards[2].totals);
        assert_eq!(
            redacted.events[0].detail,
            "stream-1/shardId-000000000002 into 4 and 5"
        );
        assert_eq!(
            redacted.target.as_ref().unwrap().url.as_deref(),
            Some("https://host-1:4567/path")
        );
        assert!(redacted.balance.contains_key("stream-1"));
        assert_eq!(redacted.ledger, document.ledger);
        assert_eq!(redacted.slo, document.slo);
        assert!(redacted.scenario.text.contains("[streams.stream-1]"));
    }

    #[test]
    fn a_stream_called_like_a_word_of_ours_leaves_a_document() {
        for name in ["embedded", "measured", "web", "PutRecords", "stream-1"] {
            let mut document = sample::document();
            for row in &mut document.shards {
                row.stream = name.into();
            }
            let redaction = Redaction::of(&document).unwrap();
            let redacted = redaction.document(&document).unwrap();
            assert_eq!(redacted.world, document.world, "{name}");
            assert_ne!(redacted.shards[0].stream, name);
            assert_eq!(redacted.producers.len(), document.producers.len(), "{name}");
        }
    }

    #[test]
    fn names_are_words_and_the_table_of_intervals_keeps_its_numbers() {
        let redaction = Redaction {
            names: vec![
                ("orders-eu".into(), "stream-2".into()),
                ("orders".into(), "stream-1".into()),
            ],
        };
        assert_eq!(
            redaction.text("reorders, orders-eu and (orders) of orders."),
            "reorders, stream-2 and (stream-1) of stream-1."
        );
        assert_eq!(
            redaction.intervals("interval_start_s,stream,shard\n0,orders,1,2\n"),
            "interval_start_s,stream,shard\n0,stream-1,1,2\n"
        );
    }

    #[test]
    fn an_account_of_zeros_leaves_the_shards_their_numbers() {
        let redaction = Redaction {
            names: vec![("000000000002".into(), "account-1".into())],
        };
        assert_eq!(
            redaction.text("shardId-000000000002 of 000000000002"),
            "shardId-000000000002 of account-1"
        );
    }

    #[test]
    fn loopback_and_figures_of_twelve_digits_behind_a_point_are_no_names() {
        let mut found = Found::default();
        found.look_at("http://127.0.0.1:4567 http://[::1]:1 0.500000000000 1234567890123");
        assert!(
            found.hosts.is_empty() && found.accounts.is_empty(),
            "{found:?}"
        );
        found.look_at("http://user@[fe80::1]:80/x");
        assert_eq!(found.hosts.into_iter().collect::<Vec<_>>(), ["[fe80::1]"]);
    }
}
