//! The service's regular expressions. Each must match the whole text, as Java's `matches` does.

/// One of the patterns of the service model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "named for the shapes that have them")]
pub enum Pattern {
    Name,
    StreamArn,
    ConsumerArn,
    ResourceArn,
    StreamId,
    HashKey,
    SequenceNumber,
}

impl Pattern {
    /// The expression as the model writes it and errors show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "[a-zA-Z0-9_.-]+",
            Self::StreamArn => r"arn:aws.*:kinesis:.*:\d{12}:stream/\S+",
            Self::ConsumerArn => {
                r"^(arn):aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+"
            }
            Self::ResourceArn => r"arn:aws.*:kinesis:.*:\d{12}:.*(stream|channel|queue)/\S+",
            Self::StreamId => "[a-z0-9]{20}-[a-z0-9]{3}",
            Self::HashKey => r"^(0|([1-9]\d{0,38}))$",
            Self::SequenceNumber => r"^(0|([1-9]\d{0,128}))$",
        }
    }

    /// Whether the whole of `text` matches.
    pub fn matches(self, text: &str) -> bool {
        match self {
            Self::Name => is_name(text),
            Self::StreamArn => after_account(text)
                .any(|rest| rest.strip_prefix("stream/").is_some_and(is_not_spaced)),
            Self::ResourceArn => after_account(text).any(|rest| {
                let kinds = ["stream/", "channel/", "queue/"];
                kinds.iter().any(|kind| {
                    rest.match_indices(kind).any(|(at, _)| {
                        on_one_line(&rest[..at]) && is_not_spaced(&rest[at + kind.len()..])
                    })
                })
            }),
            Self::ConsumerArn => after_account(text).any(|rest| {
                rest.match_indices("stream/").any(|(at, kind)| {
                    on_one_line(&rest[..at]) && is_stream_and_consumer(&rest[at + kind.len()..])
                })
            }),
            Self::StreamId => {
                let part = |text: &str, length| {
                    text.len() == length
                        && text
                            .bytes()
                            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                };
                text.split_once('-')
                    .is_some_and(|(first, second)| part(first, 20) && part(second, 3))
            }
            Self::HashKey => is_decimal(text, 39),
            Self::SequenceNumber => is_decimal(text, 129),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'-'))
}

/// `name/consumer/name:digits`.
fn is_stream_and_consumer(text: &str) -> bool {
    let Some((stream, consumer)) = text.split_once("/consumer/") else {
        return false;
    };
    let Some((name, created)) = consumer.split_once(':') else {
        return false;
    };
    let number = !created.is_empty() && created.bytes().all(|c| c.is_ascii_digit());
    is_name(stream) && is_name(name) && number
}

fn is_decimal(text: &str, digits_max: usize) -> bool {
    let digits = text.len() <= digits_max && text.bytes().all(|c| c.is_ascii_digit());
    digits && !text.is_empty() && (text == "0" || !text.starts_with('0'))
}

/// What `.*` takes: Java's `.` stops at line ends.
fn on_one_line(text: &str) -> bool {
    !text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

/// What `\S+` takes: Java's `\s` is ASCII.
fn is_not_spaced(text: &str) -> bool {
    !text.is_empty() && !text.contains([' ', '\t', '\n', '\u{b}', '\u{c}', '\r'])
}

/// Every way to read `arn:aws.*:kinesis:.*:\d{12}:` at the beginning of `text`: what follows it.
fn after_account(text: &str) -> impl Iterator<Item = &str> {
    let rest = text.strip_prefix("arn:aws").unwrap_or("");
    let service = rest.find(":kinesis:").map(|at| at + ":kinesis:".len());
    let line = rest
        .find(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
        .unwrap_or(rest.len());
    let colons = rest.match_indices(':').map(|(at, _)| at);
    colons.filter_map(move |at| {
        let after = rest.get(at + 1..)?;
        let account = after.get(..12)?.bytes().all(|c| c.is_ascii_digit());
        let here = service.is_some_and(|service| at >= service) && at <= line && account;
        after[12 * usize::from(here)..]
            .strip_prefix(':')
            .filter(|_| here)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn arns_match_with_any_partition_and_region_and_not_with_another_service() {
        let arn = "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders";
        assert!(Pattern::StreamArn.matches(arn));
        assert!(Pattern::ResourceArn.matches(arn));
        assert!(!Pattern::ConsumerArn.matches(arn));
        let consumer = format!("{arn}/consumer/billing:1731291806");
        assert!(Pattern::ConsumerArn.matches(&consumer));
        assert!(
            Pattern::StreamArn.matches(&consumer),
            r"`\S+` takes the rest"
        );
        assert!(Pattern::ResourceArn.matches("arn:aws:kinesis:r:123456789012:queue/q"));
        for wrong in [
            "arn:aws:sqs:r:123456789012:stream/orders",
            "arn:aws:kinesis:r:12345678901:stream/orders",
            "arn:aws:kinesis:r:123456789012:stream/",
            "arn:aws:kinesis:r:123456789012:stream/a b",
            "arn:aws:kinesis:123456789012:table/a",
            "",
        ] {
            assert!(!Pattern::StreamArn.matches(wrong), "{wrong}");
        }
    }

    #[test]
    fn numbers_have_no_leading_zeros_and_a_longest_length() {
        assert!(Pattern::HashKey.matches("0"));
        assert!(Pattern::HashKey.matches(&u128::MAX.to_string()));
        for wrong in ["", "00", "01", "-1", "1a", &"1".repeat(40)] {
            assert!(!Pattern::HashKey.matches(wrong), "{wrong}");
        }
        assert!(Pattern::SequenceNumber.matches(&"1".repeat(129)));
        assert!(!Pattern::SequenceNumber.matches(&"1".repeat(130)));
    }

    /// The same patterns in the dialect of a regular expression library, with Java's meaning of `.`, `\d` and `\S`.
    fn oracle(pattern: Pattern) -> regex::Regex {
        let dot = r"[^\n\r\x{85}\x{2028}\x{2029}]";
        let text = match pattern {
            Pattern::StreamArn => r"arn:aws.*:kinesis:.*:[0-9]{12}:stream/\S+",
            Pattern::ResourceArn => r"arn:aws.*:kinesis:.*:[0-9]{12}:.*(stream|channel|queue)/\S+",
            Pattern::ConsumerArn => {
                r"arn:aws.*:kinesis:.*:[0-9]{12}:.*stream/[a-zA-Z0-9_.-]+/consumer/[a-zA-Z0-9_.-]+:[0-9]+"
            }
            other => other.as_str(),
        };
        let text = text
            .replace(".*", &format!("{dot}*"))
            .replace(r"\S", r"[^ \t\n\x0B\f\r]");
        regex::Regex::new(&format!(r"\A(?:{text})\z")).unwrap()
    }

    proptest! {
        #[test]
        fn patterns_agree_with_a_regular_expression_library(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("arn:aws"), Just(":kinesis:"), Just(":123456789012"), Just("123456789012:"), Just("stream/"),
                    Just("queue/"), Just("/consumer/"), Just("a.b-c"), Just(":"), Just("42"), Just(" "), Just("\n"),
                    Just("é"), Just("\u{2028}"), Just("-"), Just("abcdefghij0123456789"), Just("abc"), Just("0"),
                ],
                0..10,
            ),
            arn in any::<bool>(),
        ) {
            let start = if arn { "arn:aws:kinesis:r:123456789012:" } else { "" };
            let text = format!("{start}{}", parts.concat());
            for pattern in [
                Pattern::Name, Pattern::StreamArn, Pattern::ConsumerArn, Pattern::ResourceArn, Pattern::StreamId,
                Pattern::HashKey, Pattern::SequenceNumber,
            ] {
                prop_assert_eq!(pattern.matches(&text), oracle(pattern).is_match(&text), "{:?} {:?}", pattern, text);
            }
        }
    }
}
