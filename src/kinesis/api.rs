//! Every core operation as whoever loads it must know it: whether a call of it can stand by itself, what it does to a
//! stream, and how it can be called so that the service must refuse.

use std::fmt;

use super::error::ErrorCode;
use super::record::Billed;

/// One operation.
#[derive(Debug)]
pub struct Api {
    /// Its name as the service writes it.
    pub name: &'static str,
    /// Where valid calls of it may be made.
    pub load: Loadable,
    /// What a valid call does.
    pub effect: Effect,
    /// The ways to call it that the service must refuse.
    pub cases: &'static [Case],
}

/// Where valid calls of an operation may be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loadable {
    /// Anywhere: each call is as valid as the one before.
    Mix,
    /// Only in a script, by `call`, on a stream of its own: a call changes what the next one may ask.
    Script,
    /// Only in a script, by the step of this name.
    Step(&'static str),
    /// Nowhere, for this reason.
    No(&'static str),
}

/// What a valid call does to the stream or the account.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It looks at a stream.
    Look,
    /// It looks at the account.
    LookAround,
    /// It takes a share of what the stream's readers may take.
    Read,
    /// It stores records.
    Write,
    /// It changes settings, tags, policies or consumers of a stream.
    Configure,
    /// It changes shards.
    Reshard,
    /// It makes a stream.
    Create,
    /// It ends a stream.
    Delete,
    /// It changes the account.
    Account,
}

/// A way to call an operation that the service must refuse, and with what.
#[derive(Debug)]
pub struct Case {
    /// Its name in scenarios.
    pub name: &'static str,
    /// The code of the refusal. From the API reference; of the front door's checks by kinesalite's tests against the
    /// service.
    pub code: ErrorCode,
}

const fn case(name: &'static str, code: ErrorCode) -> Case {
    Case { name, code }
}

/// A stream that nobody has.
pub const MISSING_STREAM: Case = case("missing-stream", ErrorCode::ResourceNotFound);
const BAD_ARGUMENT: Case = case("bad-argument", ErrorCode::Validation);
const MISSING_SHARD: Case = case("missing-shard", ErrorCode::ResourceNotFound);
const MISSING_CONSUMER: Case = case("missing-consumer", ErrorCode::ResourceNotFound);
const BAD_HASH_KEY: Case = case("bad-hash-key", ErrorCode::InvalidArgument);
const BAD_TOKEN: Case = case("bad-token", ErrorCode::InvalidArgument);
const OUT_OF_RANGE: Case = case("out-of-range", ErrorCode::InvalidArgument);
const DRY_RUN: Case = case("dry-run", ErrorCode::DryRunOperation);

/// What every operation on a stream can be called with.
const OF_STREAM: &[Case] = &[MISSING_STREAM, BAD_ARGUMENT];

const fn api(name: &'static str, load: Loadable, effect: Effect, cases: &'static [Case]) -> Api {
    Api {
        name,
        load,
        effect,
        cases,
    }
}

use Effect::{Account, Configure, Create, Delete, Look, LookAround, Read, Reshard, Write};
use Loadable::{Mix, No, Script, Step};

/// Every core operation, by name.
pub static APIS: [Api; 40] = [
    api("AddTagsToStream", Mix, Configure, OF_STREAM),
    api(
        "CreateStream",
        Step("create-stream"),
        Create,
        &[
            case("stream-exists", ErrorCode::ResourceInUse),
            BAD_ARGUMENT,
        ],
    ),
    api(
        "DecreaseStreamRetentionPeriod",
        Script,
        Configure,
        &[MISSING_STREAM, BAD_ARGUMENT, OUT_OF_RANGE],
    ),
    api("DeleteResourcePolicy", Script, Configure, OF_STREAM),
    api("DeleteStream", Step("delete-stream"), Delete, OF_STREAM),
    api(
        "DeregisterStreamConsumer",
        Script,
        Configure,
        &[MISSING_STREAM, BAD_ARGUMENT, MISSING_CONSUMER],
    ),
    api("DescribeAccountSettings", Mix, LookAround, &[]),
    api("DescribeLimits", Mix, LookAround, &[]),
    api("DescribeStream", Mix, Look, OF_STREAM),
    api(
        "DescribeStreamConsumer",
        Script,
        Look,
        &[MISSING_STREAM, BAD_ARGUMENT, MISSING_CONSUMER],
    ),
    api("DescribeStreamSummary", Mix, Look, OF_STREAM),
    api("DisableEnhancedMonitoring", Script, Configure, OF_STREAM),
    api("EnableEnhancedMonitoring", Script, Configure, OF_STREAM),
    api(
        "GetRecords",
        Mix,
        Read,
        &[
            BAD_ARGUMENT,
            case("bad-iterator", ErrorCode::InvalidArgument),
            case("expired-iterator", ErrorCode::ExpiredIterator),
            DRY_RUN,
        ],
    ),
    api("GetResourcePolicy", Script, Look, OF_STREAM),
    api(
        "GetShardIterator",
        Mix,
        Look,
        &[
            MISSING_STREAM,
            BAD_ARGUMENT,
            MISSING_SHARD,
            case("no-sequence-number", ErrorCode::InvalidArgument),
            DRY_RUN,
        ],
    ),
    api(
        "IncreaseStreamRetentionPeriod",
        Script,
        Configure,
        &[MISSING_STREAM, BAD_ARGUMENT, OUT_OF_RANGE],
    ),
    api(
        "ListShards",
        Mix,
        Look,
        &[
            MISSING_STREAM,
            BAD_ARGUMENT,
            BAD_TOKEN,
            case("no-stream", ErrorCode::InvalidArgument),
        ],
    ),
    api("ListStreamConsumers", Mix, Look, OF_STREAM),
    api("ListStreams", Mix, LookAround, &[BAD_ARGUMENT, BAD_TOKEN]),
    api("ListTagsForResource", Mix, Look, OF_STREAM),
    api("ListTagsForStream", Mix, Look, OF_STREAM),
    api(
        "MergeShards",
        Step("merge-shards"),
        Reshard,
        &[
            MISSING_STREAM,
            BAD_ARGUMENT,
            MISSING_SHARD,
            case("same-shard", ErrorCode::InvalidArgument),
        ],
    ),
    api(
        "PutRecord",
        Mix,
        Write,
        &[MISSING_STREAM, BAD_ARGUMENT, BAD_HASH_KEY, DRY_RUN],
    ),
    api(
        "PutRecords",
        Mix,
        Write,
        &[MISSING_STREAM, BAD_ARGUMENT, BAD_HASH_KEY, DRY_RUN],
    ),
    api("PutResourcePolicy", Script, Configure, OF_STREAM),
    api("RegisterStreamConsumer", Script, Configure, OF_STREAM),
    api("RemoveTagsFromStream", Mix, Configure, OF_STREAM),
    api(
        "SplitShard",
        Step("split-shard"),
        Reshard,
        &[MISSING_STREAM, BAD_ARGUMENT, MISSING_SHARD, BAD_HASH_KEY],
    ),
    api("StartStreamEncryption", Script, Configure, OF_STREAM),
    api("StopStreamEncryption", Script, Configure, OF_STREAM),
    api(
        "SubscribeToShard",
        No("its answer is a stream of events that lasts five minutes"),
        Read,
        &[],
    ),
    api("TagResource", Mix, Configure, OF_STREAM),
    api("UntagResource", Mix, Configure, OF_STREAM),
    api(
        "UpdateAccountSettings",
        No("it changes what the whole account is billed, for a day at least"),
        Account,
        &[],
    ),
    api("UpdateMaxRecordSize", Script, Configure, OF_STREAM),
    api(
        "UpdateShardCount",
        Step("update-shard-count"),
        Reshard,
        OF_STREAM,
    ),
    api("UpdateStreamMode", Script, Configure, OF_STREAM),
    api(
        "UpdateStreamRecordDistributionStrategy",
        Script,
        Configure,
        OF_STREAM,
    ),
    api("UpdateStreamWarmThroughput", Script, Configure, OF_STREAM),
];

/// Records of one PutRecords of a load.
pub const LOAD_RECORDS: u64 = 10;

/// Bytes of data of a record that a load puts; the same in every record, so that payloads cost the load nothing. With any
/// key of a load it is one PUT payload unit.
pub const LOAD_RECORD_BYTES: usize = 100;

/// The longest key of a load: `key-` and the digits of 64 bits.
const LOAD_KEY_BYTES: usize = 24;

/// What such a record is billed at most.
pub const LOAD_RECORD_BILLED: Billed = Billed::record((LOAD_RECORD_BYTES + LOAD_KEY_BYTES) as u64);

/// A call that is made over and over: an operation, and the case if it is to be refused. Written
/// `ListShards` or `ListShards:missing-stream`.
#[derive(Clone, Copy, Debug)]
pub struct ApiCall {
    /// The operation.
    pub api: &'static Api,
    /// The case; `None` for a valid call.
    pub case: Option<&'static Case>,
}

/// Why a text is no call.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ApiCallError {
    /// There is no such operation.
    #[error("there is no operation `{0}`")]
    NoOperation(String),
    /// The operation has no such case.
    #[error("`{operation}` has no case `{case}`")]
    NoCase {
        /// The operation.
        operation: &'static str,
        /// What was given.
        case: String,
        /// The cases that it has.
        cases: Vec<&'static str>,
    },
}

impl ApiCall {
    /// Reads a call.
    ///
    /// # Errors
    /// See [`ApiCallError`].
    pub fn parse(text: &str) -> Result<Self, ApiCallError> {
        let (name, case) = match text.split_once(':') {
            Some((name, case)) => (name, Some(case)),
            None => (text, None),
        };
        let api = named(name).ok_or_else(|| ApiCallError::NoOperation(name.to_owned()))?;
        let case = case.map(|given| {
            let found = api.cases.iter().find(|case| case.name == given);
            found.ok_or_else(|| ApiCallError::NoCase {
                operation: api.name,
                case: given.to_owned(),
                cases: api.cases.iter().map(|case| case.name).collect(),
            })
        });
        Ok(Self {
            api,
            case: case.transpose()?,
        })
    }

    /// A valid call of the operation of this name, if there is one.
    pub fn valid(name: &str) -> Option<Self> {
        named(name).map(|api| Self { api, case: None })
    }

    /// Records that it puts if it is answered with success, each of one PUT payload unit.
    pub fn records(&self) -> u64 {
        match (self.api.name, self.case) {
            ("PutRecord", None) => 1,
            ("PutRecords", None) => LOAD_RECORDS,
            _ => 0,
        }
    }

    /// What it does: nothing but look where the service must refuse it.
    pub fn effect(&self) -> Effect {
        match (self.case, self.api.effect) {
            (None, effect) | (_, effect @ LookAround) => effect,
            (Some(_), _) => Look,
        }
    }
}

impl PartialEq for ApiCall {
    fn eq(&self, other: &Self) -> bool {
        self.api.name == other.api.name
            && self.case.map(|case| case.name) == other.case.map(|case| case.name)
    }
}

impl Eq for ApiCall {}

impl fmt::Display for ApiCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.case {
            Some(case) => write!(f, "{}:{}", self.api.name, case.name),
            None => f.write_str(self.api.name),
        }
    }
}

/// The operation of this name.
fn named(name: &str) -> Option<&'static Api> {
    let found = APIS.binary_search_by(|api| api.name.cmp(name));
    found.ok().map(|index| &APIS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_case_is_found_by_what_it_is_shown_as() {
        assert!(APIS.is_sorted_by_key(|api| api.name));
        for api in &APIS {
            assert_eq!(ApiCall::parse(api.name).unwrap().to_string(), api.name);
            for case in api.cases {
                let text = format!("{}:{}", api.name, case.name);
                assert_eq!(ApiCall::parse(&text).unwrap().to_string(), text);
            }
        }
        let wrong = |text| ApiCall::parse(text).unwrap_err().to_string();
        assert_eq!(wrong("listShards"), "there is no operation `listShards`");
        assert_eq!(wrong("ListShards:x"), "`ListShards` has no case `x`");
    }

    #[test]
    fn a_call_that_must_be_refused_changes_nothing() {
        let effect = |text| ApiCall::parse(text).unwrap().effect();
        assert_eq!(effect("PutRecord"), Effect::Write);
        assert_eq!(effect("PutRecord:missing-stream"), Effect::Look);
        assert_eq!(effect("ListStreams:bad-token"), Effect::LookAround);
    }
}
