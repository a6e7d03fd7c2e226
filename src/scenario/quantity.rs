//! Settings that are texts with a form of their own: durations, sizes, rates, event times and the like.
//!
//! Invariant: a [`Text`] exists only when it parses, and it keeps the words in which it was given.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::model::{EventTime, ShardChoice, StartPosition};
use crate::base::Timestamp;
use crate::base::units::{
    BYTES_FORM, DURATION_FORM, RATE_FORM, parse_bytes, parse_duration, parse_rate,
};
use crate::kinesis::{HashKey, ShardId};

/// The member of the JSON Schema that names the form of a text.
pub(super) const KEYWORD: &str = "x-quantity";

/// No duration of a scenario is longer, so that sums of them never overflow: ten years.
const DURATION_MAX: Duration = Duration::from_hours(10 * 366 * 24);

/// The highest rate, one record a nanosecond: the clock tells no finer.
pub(super) const RATE_MAX: f64 = 1e9;

/// A form that a text can have.
pub(super) trait Quantity {
    /// What a text of this form means.
    type Value: Clone + fmt::Debug;
    /// Its name in the JSON Schema.
    const NAME: &'static str;
    /// What is accepted, for messages.
    const FORM: &'static str;
    /// A text of this form.
    const EXAMPLE: &'static str;
    /// A regular expression that every accepted text matches; it may match more.
    const PATTERN: &'static str;

    /// Reads a text.
    ///
    /// # Errors
    /// A fragment that says what is wrong and what would be accepted.
    fn parse(text: &str) -> Result<Self::Value, String>;
}

/// A text of the form `Q`, as given, and what it means.
pub(super) struct Text<Q: Quantity> {
    text: String,
    /// What the text means.
    pub(super) value: Q::Value,
}

impl<Q: Quantity> Text<Q> {
    /// Reads a text.
    pub(super) fn new(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let value = Q::parse(&text)?;
        Ok(Self { text, value })
    }
}

impl<Q: Quantity> Clone for Text<Q> {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            value: self.value.clone(),
        }
    }
}

impl<Q: Quantity> fmt::Debug for Text<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<Q: Quantity> fmt::Display for Text<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl<Q: Quantity> Serialize for Text<Q> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, Q: Quantity> Deserialize<'de> for Text<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<Q: Quantity> JsonSchema for Text<Q> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Q::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": Q::PATTERN, KEYWORD: Q::NAME })
    }
}

/// The forms by name, for the check against the schema.
const FORMS: [Form; 13] = [
    form::<DurationForm>(),
    form::<BoundForm>(),
    form::<BytesForm>(),
    form::<RateForm>(),
    form::<LevelForm>(),
    form::<EventTimeForm>(),
    form::<ShardForm>(),
    form::<StartForm>(),
    form::<KeyForm>(),
    form::<HashKeyForm>(),
    form::<UrlForm>(),
    form::<AccountForm>(),
    form::<RoleForm>(),
];

/// A form without its type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    name: &'static str,
    /// What is accepted, for messages.
    pub(super) accepted: &'static str,
    /// A text that is accepted.
    pub(super) example: &'static str,
    /// Whether a text has the form; the error says what is wrong.
    pub(super) check: fn(&str) -> Result<(), String>,
}

const fn form<Q: Quantity>() -> Form {
    Form {
        name: Q::NAME,
        accepted: Q::FORM,
        example: Q::EXAMPLE,
        check: |text| Q::parse(text).map(drop),
    }
}

/// The form with this name.
pub(super) fn form_named(name: &str) -> Option<&'static Form> {
    FORMS.iter().find(|form| form.name == name)
}

/// How long: `"250ms"`.
pub(super) type DurationText = Text<DurationForm>;
/// What a figure is held to: `"250ms"`, `"99.9%"`.
pub(super) type BoundText = Text<BoundForm>;
/// How many bytes: `"5MiB"`.
pub(super) type BytesText = Text<BytesForm>;
/// How many per second: `"800/s"`.
pub(super) type RateText = Text<RateForm>;
/// How many per second, perhaps none: `"0/s"`.
pub(super) type LevelText = Text<LevelForm>;
/// When in the run: `"measure+5s"`.
pub(super) type EventTimeText = Text<EventTimeForm>;
/// Which shard: `"hottest"`.
pub(super) type ShardText = Text<ShardForm>;
/// Where a consumer begins: `"trim-horizon"`.
pub(super) type StartText = Text<StartForm>;
/// How a key's number is shown: `"key-{}"`.
pub(super) type KeyText = Text<KeyForm>;
/// A point of the hash space: `"170141183460469231731687303715884105728"`.
pub(super) type HashKeyText = Text<HashKeyForm>;

/// Where an endpoint is: `"http://127.0.0.1:4567"`.
pub(super) type UrlText = Text<UrlForm>;
/// An AWS account: `"123456789012"`.
pub(super) type AccountText = Text<AccountForm>;
/// The ARN of a role: `"arn:aws:iam::123456789012:role/streamgauge"`.
pub(super) type RoleText = Text<RoleForm>;

/// See [`DurationText`].
pub(super) struct DurationForm;

impl Quantity for DurationForm {
    type Value = Duration;
    const NAME: &'static str = "duration";
    const EXAMPLE: &'static str = "10s";
    const FORM: &'static str = DURATION_FORM;
    const PATTERN: &'static str = "[A-Za-z]";

    fn parse(text: &str) -> Result<Duration, String> {
        let duration = parse_duration(text).map_err(|error| error.to_string())?;
        if duration <= DURATION_MAX {
            Ok(duration)
        } else {
            Err(format!("`{text}` is above the most, 3660 d"))
        }
    }
}

/// What a figure is held to, where it is written as a text.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum TextBound {
    /// Of a latency.
    Duration(Duration),
    /// Of a share, from 0 to 1.
    Share(f64),
}

/// See [`BoundText`].
pub(super) struct BoundForm;

impl Quantity for BoundForm {
    type Value = TextBound;
    const NAME: &'static str = "bound";
    const EXAMPLE: &'static str = "250ms";
    const FORM: &'static str =
        "a duration with a unit, such as \"250ms\", or a share, such as \"99.9%\"";
    const PATTERN: &'static str = "[A-Za-z]|%\\s*$";

    fn parse(text: &str) -> Result<TextBound, String> {
        let Some(percent) = text.trim().strip_suffix('%') else {
            return DurationForm::parse(text).map(TextBound::Duration);
        };
        // Shifted in decimal: 99.95 divided by 100 is not the number that is written 0.9995.
        match format!("{}e-2", percent.trim()).parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(TextBound::Share(share)),
            _ => Err(format!("`{text}` is not a share from 0% to 100%")),
        }
    }
}

/// See [`BytesText`].
pub(super) struct BytesForm;

impl Quantity for BytesForm {
    type Value = u64;
    const NAME: &'static str = "bytes";
    const EXAMPLE: &'static str = "1KiB";
    const FORM: &'static str = BYTES_FORM;
    const PATTERN: &'static str = "[Bb]\\s*$";

    fn parse(text: &str) -> Result<u64, String> {
        parse_bytes(text).map_err(|error| error.to_string())
    }
}

/// See [`RateText`].
pub(super) struct RateForm;

impl Quantity for RateForm {
    type Value = f64;
    const NAME: &'static str = "rate";
    const EXAMPLE: &'static str = "800/s";
    const FORM: &'static str = RATE_FORM;
    const PATTERN: &'static str = "/";

    fn parse(text: &str) -> Result<f64, String> {
        let rate = parse_rate(text).map_err(|error| error.to_string())?;
        if rate <= 0.0 {
            Err(format!("`{text}` is not above zero"))
        } else if rate > RATE_MAX {
            Err(format!("`{text}` is above the most, 1000M/s"))
        } else {
            Ok(rate)
        }
    }
}

/// See [`LevelText`].
pub(super) struct LevelForm;

impl Quantity for LevelForm {
    type Value = f64;
    const NAME: &'static str = "rate-or-zero";
    const EXAMPLE: &'static str = "100/s";
    const FORM: &'static str =
        "a rate with a unit, such as \"800/s\", \"90/min\" or \"2.5k/s\", or \"0/s\"";
    const PATTERN: &'static str = "/";

    fn parse(text: &str) -> Result<f64, String> {
        let rate = parse_rate(text).map_err(|error| error.to_string())?;
        if rate > RATE_MAX {
            Err(format!("`{text}` is above the most, 1000M/s"))
        } else {
            Ok(rate)
        }
    }
}

/// See [`EventTimeText`].
pub(super) struct EventTimeForm;

impl Quantity for EventTimeForm {
    type Value = EventTime;
    const NAME: &'static str = "event-time";
    const EXAMPLE: &'static str = "measure+0s";
    const FORM: &'static str = "a phase and a duration after its start, such as \"measure+5s\", \"warm_up+500ms\" or \"drain+0s\"";
    const PATTERN: &'static str = "^\\s*(warm_up|measure|drain)\\s*\\+";

    fn parse(text: &str) -> Result<EventTime, String> {
        let refuse = || format!("`{text}` is not {}", Self::FORM);
        let (phase, after) = text.split_once('+').ok_or_else(refuse)?;
        let after = DurationForm::parse(after).map_err(|_| refuse())?;
        match phase.trim() {
            "warm_up" => Ok(EventTime::WarmUp(after)),
            "measure" => Ok(EventTime::Measure(after)),
            "drain" => Ok(EventTime::Drain(after)),
            _ => Err(refuse()),
        }
    }
}

/// See [`ShardText`].
pub(super) struct ShardForm;

impl Quantity for ShardForm {
    type Value = ShardChoice;
    const NAME: &'static str = "shard";
    const EXAMPLE: &'static str = "hottest";
    const FORM: &'static str =
        "\"hottest\", \"coldest\", \"widest\" or a shard id such as \"shardId-000000000000\"";
    const PATTERN: &'static str = "^(hottest|coldest|widest|shardId-[0-9]+)$";

    fn parse(text: &str) -> Result<ShardChoice, String> {
        let refuse = || format!("`{text}` is not {}", Self::FORM);
        match text {
            "hottest" => Ok(ShardChoice::Hottest),
            "coldest" => Ok(ShardChoice::Coldest),
            "widest" => Ok(ShardChoice::Widest),
            // Shorter spellings than the service's own are refused: in a file they are more often a slip.
            _ => text
                .strip_prefix("shardId-")
                .filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()))
                .and_then(|digits| digits.parse::<ShardId>().ok())
                .map(ShardChoice::Id)
                .ok_or_else(refuse),
        }
    }
}

/// See [`StartText`].
pub(super) struct StartForm;

impl Quantity for StartForm {
    type Value = StartPosition;
    const NAME: &'static str = "start";
    const EXAMPLE: &'static str = "latest";
    const FORM: &'static str =
        "\"trim-horizon\", \"latest\" or a time such as \"2026-01-31T12:00:00Z\"";
    const PATTERN: &'static str = "^(trim-horizon|latest|[0-9+-].*)$";

    fn parse(text: &str) -> Result<StartPosition, String> {
        match text {
            "trim-horizon" => Ok(StartPosition::TrimHorizon),
            "latest" => Ok(StartPosition::Latest),
            _ => text
                .parse::<jiff::Timestamp>()
                .ok()
                .and_then(|time| u64::try_from(time.as_nanosecond()).ok())
                .map(|nanos| StartPosition::At(Timestamp::from_nanos(nanos)))
                .ok_or_else(|| format!("`{text}` is not {}", Self::FORM)),
        }
    }
}

/// See [`KeyText`].
pub(super) struct KeyForm;

impl Quantity for KeyForm {
    type Value = (String, String);
    const NAME: &'static str = "key-format";
    const EXAMPLE: &'static str = "key-{}";
    const FORM: &'static str =
        "a text with one `{}` where the key's number stands, such as \"key-{}\"";
    const PATTERN: &'static str = "\\{\\}";

    fn parse(text: &str) -> Result<(String, String), String> {
        match text.split_once("{}") {
            Some((before, after)) if !after.contains("{}") => {
                Ok((before.to_owned(), after.to_owned()))
            }
            _ => Err(format!("`{text}` is not {}", Self::FORM)),
        }
    }
}

/// See [`HashKeyText`].
pub(super) struct HashKeyForm;

impl Quantity for HashKeyForm {
    type Value = HashKey;
    const NAME: &'static str = "hash-key";
    const EXAMPLE: &'static str = "0";
    const FORM: &'static str = "a decimal number from 0 to 2^128 - 1 as text, such as \"170141183460469231731687303715884105728\"";
    const PATTERN: &'static str = "^(0|[1-9][0-9]{0,38})$";

    fn parse(text: &str) -> Result<HashKey, String> {
        text.parse()
            .map_err(|_| format!("`{text}` is not {}", Self::FORM))
    }
}

/// See [`UrlText`].
pub(super) struct UrlForm;

impl Quantity for UrlForm {
    /// The URL without a slash at its end.
    type Value = String;
    const NAME: &'static str = "url";
    const EXAMPLE: &'static str = "http://127.0.0.1:4567";
    const FORM: &'static str = "an http or https URL of a host without user, password, query or fragment, such as \"http://127.0.0.1:4567\"";
    const PATTERN: &'static str = "^[Hh][Tt][Tt][Pp][Ss]?://[^@?#]+$";

    fn parse(text: &str) -> Result<String, String> {
        // What is refused may hold a password: it is not repeated.
        let refuse = || format!("this is not {}", Self::FORM);
        let url: hyper::Uri = text.parse().map_err(|_| refuse())?;
        let http = matches!(url.scheme_str(), Some("http" | "https"));
        let secret = text.contains(['@', '?', '#']);
        // `http://host:port` with a port that is no number has an authority all the same.
        let authority = url.authority().filter(|authority| {
            let port = authority.as_str().rsplit_once(':');
            let has_port = port.is_some_and(|(_, port)| !port.ends_with(']'));
            !authority.host().is_empty() && (!has_port || authority.port_u16().is_some())
        });
        if !http || secret || authority.is_none() {
            return Err(refuse());
        }
        Ok(text.trim_end_matches('/').to_owned())
    }
}

/// See [`AccountText`].
pub(super) struct AccountForm;

impl Quantity for AccountForm {
    type Value = String;
    const NAME: &'static str = "account";
    const EXAMPLE: &'static str = "123456789012";
    const FORM: &'static str = "the 12 digits of an AWS account as text, such as \"123456789012\"";
    const PATTERN: &'static str = "^[0-9]{12}$";

    fn parse(text: &str) -> Result<String, String> {
        if text.len() == 12 && text.bytes().all(|c| c.is_ascii_digit()) {
            Ok(text.to_owned())
        } else {
            Err(format!("`{text}` is not {}", Self::FORM))
        }
    }
}

/// See [`RoleText`].
pub(super) struct RoleForm;

impl Quantity for RoleForm {
    type Value = String;
    const NAME: &'static str = "role";
    const EXAMPLE: &'static str = "arn:aws:iam::123456789012:role/streamgauge";
    const FORM: &'static str =
        "the ARN of a role, such as \"arn:aws:iam::123456789012:role/streamgauge\"";
    const PATTERN: &'static str = "^arn:[a-z-]+:iam::[0-9]{12}:role/.+$";

    fn parse(text: &str) -> Result<String, String> {
        let parts: Vec<_> = text.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, "iam", "", account, role]
                if !partition.is_empty()
                    && partition
                        .bytes()
                        .all(|c| c.is_ascii_lowercase() || c == b'-')
                    && AccountForm::parse(account).is_ok()
                    && role
                        .strip_prefix("role/")
                        .is_some_and(|name| !name.is_empty()) =>
            {
                Ok(text.to_owned())
            }
            _ => Err(format!("`{text}` is not {}", Self::FORM)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_time_is_a_phase_and_a_duration_after_its_start() {
        assert_eq!(
            EventTimeForm::parse("measure+5s"),
            Ok(EventTime::Measure(Duration::from_secs(5)))
        );
        assert_eq!(
            EventTimeForm::parse("warm_up + 500ms"),
            Ok(EventTime::WarmUp(Duration::from_millis(500)))
        );
        for text in ["measure", "5s", "measure+5", "later+5s", "measure-5s", ""] {
            assert!(EventTimeForm::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_start_is_a_word_or_a_time_since_the_epoch() {
        assert_eq!(
            StartForm::parse("1970-01-01T00:00:02Z"),
            Ok(StartPosition::At(Timestamp::from_secs(2)))
        );
        assert_eq!(StartForm::parse("latest"), Ok(StartPosition::Latest));
        for text in ["1969-12-31T23:59:59Z", "2026-01-31", "oldest", ""] {
            assert!(StartForm::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_shard_is_a_word_or_a_whole_shard_id() {
        assert_eq!(
            ShardForm::parse("shardId-000000000007"),
            Ok(ShardChoice::Id(ShardId::new(7).unwrap()))
        );
        for text in ["7", "shardId-", "shardId-1-2", "Hottest"] {
            assert!(ShardForm::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_format_has_exactly_one_place_for_the_number() {
        assert_eq!(
            KeyForm::parse("user-{}-eu"),
            Ok(("user-".to_owned(), "-eu".to_owned()))
        );
        assert!(KeyForm::parse("user").is_err());
        assert!(KeyForm::parse("{}{}").is_err());
    }

    #[test]
    fn a_url_names_a_host_and_holds_no_secret() {
        for (text, value) in [
            ("http://127.0.0.1:4567", "http://127.0.0.1:4567"),
            ("https://kinesis.example/", "https://kinesis.example"),
            ("http://[::1]:80/base/", "http://[::1]:80/base"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(UrlForm::parse(text).as_deref(), Ok(value));
        }
        for text in [
            "127.0.0.1:4567",
            "ftp://host",
            "http://",
            "http://host:port",
            "http://me:secret@host",
            "http://host?token=secret",
            "http://host/#x",
            "",
        ] {
            let refusal = UrlForm::parse(text).unwrap_err();
            assert!(!refusal.contains("secret"), "{refusal}");
        }
    }

    #[test]
    fn an_account_has_twelve_digits_and_a_role_names_one() {
        assert!(AccountForm::parse("12345678901").is_err());
        assert!(AccountForm::parse("12345678901a").is_err());
        assert!(RoleForm::parse("arn:aws-cn:iam::123456789012:role/team/load").is_ok());
        for text in [
            "streamgauge",
            "arn:aws:iam::123456789012:user/me",
            "arn:aws:iam::12:role/load",
            "arn:aws:iam::123456789012:role/",
        ] {
            assert!(RoleForm::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_form_accepts_its_own_example() {
        for form in FORMS {
            assert_eq!((form.check)(form.example), Ok(()), "{}", form.name);
        }
    }

    #[test]
    fn durations_and_rates_have_a_most_so_that_no_sum_overflows() {
        assert!(DurationForm::parse("11000d").is_err());
        assert!(RateForm::parse("1e308k/s").is_err());
        assert!(RateForm::parse("0/s").is_err());
        assert_eq!(RateForm::parse("90/min"), Ok(1.5));
    }
}
