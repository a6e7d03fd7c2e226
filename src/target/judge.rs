//! What a foreign answer says, held against what Kinesis would say: shared by every client that calls over a network.
//!
//! Whatever comes, nothing here panics; what cannot be represented is nothing, and a finding.

use super::findings::Findings;
use super::names::ShardNames;
use super::{CallError, Finding};
use crate::kinesis::error::EntryError;
use crate::kinesis::operation::{PutResult, Stored};
use crate::kinesis::{ErrorCode, HashKeyRange, KinesisError, SequenceNumber, ShardId};

/// Codes outside Kinesis's own that pass by waiting (AWS general reference, "Error retries and exponential backoff").
const PASSING: [&str; 5] = [
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
];

/// The longest that a reader can be behind, in milliseconds: a stream keeps records for 365 days at most (developer guide,
/// "Change the data retention period").
const BEHIND_MS_MAX: u64 = 365 * 24 * 60 * 60 * 1_000;

/// Reads answers of one target.
#[derive(Debug, Default)]
pub(super) struct Judge {
    names: ShardNames,
    findings: Findings,
}

impl Judge {
    /// Notes an answer that shows `what`.
    pub(super) fn note(&self, what: &'static str, example: &str) {
        self.findings.note(what, example, 1);
    }

    /// Notes `count` answers that show `what`.
    pub(super) fn note_many(&self, what: &'static str, example: &str, count: u64) {
        self.findings.note(what, example, count);
    }

    /// What was noted.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.list()
    }

    /// The shard with this id.
    pub(super) fn shard(&self, stream: &str, text: &str) -> Option<ShardId> {
        self.names.read(stream, text, &self.findings)
    }

    /// The id that the target knows a shard by.
    pub(super) fn shard_name(&self, stream: &str, shard: ShardId) -> String {
        self.names.write(stream, shard)
    }

    /// The number that stands here.
    pub(super) fn sequence_number(&self, text: &str) -> Option<SequenceNumber> {
        let number = text.parse().ok();
        if number.is_none() {
            self.note(
                "a sequence number that is no decimal number of at most 192 bits",
                text,
            );
        }
        number
    }

    /// Where a record went; nothing, and a finding, where the answer does not say so in a readable way.
    pub(super) fn stored(&self, stream: &str, shard: &str, number: &str) -> Option<Stored> {
        Some(Stored {
            shard: self.shard(stream, shard)?,
            sequence_number: self.sequence_number(number)?,
        })
    }

    /// One record's result of PutRecords.
    pub(super) fn result(
        &self,
        stream: &str,
        stored: (Option<&str>, Option<&str>),
        refused: (Option<&str>, Option<&str>),
    ) -> Option<PutResult> {
        let (Some(code), message) = refused else {
            let (shard, number) = stored;
            return self
                .stored(
                    stream,
                    shard.unwrap_or_default(),
                    number.unwrap_or_default(),
                )
                .map(Ok);
        };
        let known = ErrorCode::named(code);
        if known.is_none() {
            self.note(
                "a record refused with a code that PutRecords does not have",
                code,
            );
        }
        Some(Err(EntryError {
            code: known.unwrap_or(ErrorCode::InternalFailure),
            cause: None,
            shard: message.and_then(shard_in),
        }))
    }

    /// Holds the number of results against the number of records put.
    ///
    /// # Errors
    /// When they differ: nobody can say which record a result belongs to.
    pub(super) fn check_results(&self, results: usize, records: usize) -> Result<(), CallError> {
        if results == records {
            return Ok(());
        }
        self.note(
            "PutRecords answered with another number of results than there were records",
            &format!("{results} for {records}"),
        );
        Err(unreadable_put())
    }

    /// Holds FailedRecordCount, where it is given, against the number of refused records.
    pub(super) fn check_failed(&self, told: Option<i64>, refused: usize) {
        if let Some(told) = told.filter(|told| *told != refused as i64) {
            self.note(
                "FailedRecordCount is not the number of refused records",
                &format!("{told} where {refused} were refused"),
            );
        }
    }

    /// How far behind the tip an answer says that it is, in milliseconds; nothing, and a finding, where it does not say so
    /// or says what cannot be: below zero, or longer than the service keeps any record.
    pub(super) fn behind_ms(&self, told: Option<i64>) -> Option<u64> {
        let Some(told) = told else {
            self.note("GetRecords answers without MillisBehindLatest", "");
            return None;
        };
        let behind = u64::try_from(told).ok().filter(|ms| *ms <= BEHIND_MS_MAX);
        if behind.is_none() {
            self.note(
                "a MillisBehindLatest below zero or above 365 days",
                &told.to_string(),
            );
        }
        behind
    }

    /// A range of hash keys from its two ends as text.
    pub(super) fn range(&self, ends: Option<(&str, &str)>) -> Option<HashKeyRange> {
        let read = ends.and_then(|(start, end)| {
            Some(HashKeyRange {
                start: start.parse().ok()?,
                end: end.parse().ok()?,
            })
        });
        if read.is_none() {
            self.note(
                "a shard without a readable HashKeyRange",
                &ends.map_or_else(String::new, |(start, end)| format!("{start} to {end}")),
            );
        }
        read.filter(|range| range.start <= range.end)
    }
}

/// A put whose answer cannot be read.
pub(super) fn unreadable_put() -> CallError {
    CallError::Unanswered(
        "the answer does not say where each record went (see the findings)".to_owned(),
    )
}

/// What an answer with this status and error means; nothing when it does not say what became of the call. An answer that
/// names no error is nobody's word on the records, whatever its status: a proxy on the way may have written it after the
/// service stored them.
pub(super) fn answered(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
) -> Option<CallError> {
    // An answer of success that cannot be read: it was done, or not.
    if (200..300).contains(&status) {
        return None;
    }
    let message = message.unwrap_or_default();
    let server = status >= 500;
    match code.map(|code| (code, ErrorCode::named(code))) {
        Some((_, Some(code))) => Some(CallError::Refused(KinesisError::new(code, message))),
        Some((code, None)) => Some(CallError::Foreign {
            code: code.to_owned(),
            message: message.to_owned(),
            again: server || PASSING.contains(&code),
        }),
        None => None,
    }
}

/// An error with all its causes: the outermost text often says little.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let said = inner.to_string();
        if !said.is_empty() && !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = inner.source();
    }
    text
}

/// The shard that a refusal names: "Rate exceeded for shard shardId-000000000001 in stream ...", or as reads are refused
/// since 2023, "Rate exceeded for Shard - 123456789012/orders/shardId-000000000001".
fn shard_in(message: &str) -> Option<ShardId> {
    let mut words = message.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("shard"))?;
    let named = words.find(|word| *word != "-")?;
    named.rsplit('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_that_refused_is_read_from_the_text() {
        let text = "Rate exceeded for shard shardId-000000000001 in stream orders under account 1.";
        assert_eq!(shard_in(text), ShardId::new(1));
        let text = "Rate exceeded for Shard - 123456789012/orders/shardId-000000000003";
        assert_eq!(shard_in(text), ShardId::new(3));
        assert_eq!(shard_in("Internal Service Failure"), None);
        assert_eq!(shard_in("the shard"), None);
    }

    #[test]
    fn an_error_of_the_service_is_a_refusal_and_an_unreadable_success_is_none() {
        let refused = answered(
            400,
            Some("ProvisionedThroughputExceededException"),
            Some("Rate"),
        );
        assert!(refused.unwrap().is_throttle());
        let failed = answered(500, Some("InternalFailureException"), None).unwrap();
        assert_eq!(failed.code(), Some(ErrorCode::InternalFailure));
        assert_eq!(answered(200, None, None), None);
        assert_eq!(answered(200, Some("InternalFailure"), None), None);
    }

    #[test]
    fn an_answer_that_names_no_error_says_nothing_whatever_its_status() {
        for status in [204, 302, 403, 404, 413, 500, 503] {
            assert_eq!(answered(status, None, None), None, "{status}");
        }
    }

    #[test]
    fn a_distance_from_the_tip_that_cannot_be_is_a_finding_and_no_distance() {
        let judge = Judge::default();
        assert_eq!(judge.behind_ms(Some(0)), Some(0));
        assert_eq!(judge.behind_ms(Some(86_400_000)), Some(86_400_000));
        assert_eq!(judge.findings(), []);
        for impossible in [Some(-5), Some(i64::MAX), None] {
            assert_eq!(judge.behind_ms(impossible), None);
        }
        let found = judge.findings();
        let counts: Vec<_> = found.iter().map(|finding| finding.count).collect();
        assert_eq!(counts, [1, 2], "{found:?}");
        assert!(found[1].text.ends_with("`-5`"), "{found:?}");
    }

    #[test]
    fn a_count_of_refusals_that_is_wrong_is_told_in_plain_numbers() {
        let judge = Judge::default();
        judge.check_failed(None, 2);
        judge.check_failed(Some(2), 2);
        assert_eq!(judge.findings(), []);
        judge.check_failed(Some(3), 0);
        let found = judge.findings();
        assert!(
            found[0].text.ends_with("`3 where 0 were refused`"),
            "{found:?}"
        );
    }

    #[test]
    fn an_error_that_kinesis_does_not_have_is_told_in_its_own_words() {
        let foreign = |status, code| match answered(status, code, Some("why")) {
            Some(CallError::Foreign { code, again, .. }) => (code, again),
            other => panic!("{other:?}"),
        };
        let code = Some("UnrecognizedClientException");
        assert_eq!(
            foreign(400, code),
            ("UnrecognizedClientException".to_owned(), false)
        );
        assert!(foreign(503, Some("ServiceUnavailable")).1);
        assert!(foreign(400, Some("ThrottlingException")).1);
    }
}
