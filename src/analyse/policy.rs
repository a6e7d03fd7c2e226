//! The least IAM policy that a scenario needs on AWS: the actions that its run calls, on its own streams.
//!
//! Which action an operation needs, and which ones take no resource, is from the service authorization reference's page
//! on Kinesis Data Streams.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kinesis::StreamName;
use crate::kinesis::api::{ApiCall, Effect, MISSING_STREAM};
use crate::kinesis::arn::partition;
use crate::kinesis::operation::PutApi;
use crate::scenario::Scenario;
use crate::scenario::created;
use crate::scenario::model::{Action, Calls, Stream};

/// The policy document for runs of the scenario in this account and region; any where they are not pinned.
pub fn policy(scenario: &Scenario, account: Option<&str>, region: Option<&str>) -> Value {
    let partition = region.map_or("aws", partition);
    let arn = |name: &str| {
        let (region, account) = (region.unwrap_or("*"), account.unwrap_or("*"));
        format!("arn:{partition}:kinesis:{region}:{account}:stream/{name}")
    };
    let mut statements = vec![statement("WhoCalls", ["sts:GetCallerIdentity"], "*")];
    let around: BTreeSet<_> = calls_of(scenario, |_| true)
        .filter(|call| call.api.effect == Effect::LookAround)
        .map(action)
        .collect();
    if !around.is_empty() {
        statements.push(statement(
            "LookAround",
            around.iter().map(String::as_str),
            "*",
        ));
    }
    let created: Vec<_> = scenario
        .streams
        .values()
        .filter(|stream| !stream.existing)
        .collect();
    if scenario.creates_streams() {
        let used = created.iter().flat_map(|stream| uses(scenario, stream));
        let owned = owns(&created).into_iter().map(str::to_owned);
        // Scripts are about streams under the same names, and so is what must be refused for want of a stream.
        let called = calls_of(scenario, |calls| calls.stream().is_none()).map(action);
        let looks = ["kinesis:DescribeStreamSummary", "kinesis:ListShards"].map(str::to_owned);
        let actions: BTreeSet<_> = used.chain(owned).chain(called).chain(looks).collect();
        let pattern = created::name_pattern(scenario);
        statements.push(statement(
            "StreamsOfRuns",
            actions.iter().map(String::as_str),
            &arn(&pattern),
        ));
        if created.iter().any(|stream| is_pushed(scenario, stream)) {
            statements.push(statement(
                "ConsumersOfRuns",
                CONSUMER_ACTIONS,
                &arn(&format!("{pattern}/consumer/*")),
            ));
        }
        // `sweep` looks through all names, and deletes by tag what any run left under the names that runs give.
        statements.push(statement(
            "FindWhatCrashedRunsLeft",
            ["kinesis:ListStreams"],
            "*",
        ));
        statements.push(statement(
            "RemoveWhatCrashedRunsLeft",
            [
                "kinesis:DeleteStream",
                "kinesis:DescribeStreamSummary",
                "kinesis:ListTagsForStream",
            ],
            &arn(&format!("{}*", created::PREFIX)),
        ));
    }
    let missing: BTreeSet<_> = calls_of(scenario, |_| true)
        .filter(|call| {
            call.case
                .is_some_and(|case| case.name == MISSING_STREAM.name)
        })
        .map(action)
        .collect();
    if !missing.is_empty() {
        statements.push(statement(
            "NamesThatNobodyHas",
            missing.iter().map(String::as_str),
            &arn(&created::name_pattern(scenario)),
        ));
    }
    for (number, stream) in scenario
        .streams
        .values()
        .filter(|stream| stream.existing)
        .enumerate()
    {
        statements.push(statement(
            &format!("ExistingStream{number}"),
            uses(scenario, stream).iter().map(String::as_str),
            &arn(stream.name.as_str()),
        ));
        if is_pushed(scenario, stream) {
            statements.push(statement(
                &format!("ConsumersOfExistingStream{number}"),
                CONSUMER_ACTIONS,
                &arn(&format!("{}/consumer/*", stream.name)),
            ));
        }
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statement<'a>(sid: &str, actions: impl IntoIterator<Item = &'a str>, resource: &str) -> Value {
    let actions: Vec<_> = actions.into_iter().collect();
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource })
}

/// What a fan-out consumer of a run takes on itself: registered with its tags, read by, looked for by `sweep`, taken away.
/// That tags at registration need TagResource is unverified.
const CONSUMER_ACTIONS: [&str; 6] = [
    "kinesis:DeregisterStreamConsumer",
    "kinesis:DescribeStreamConsumer",
    "kinesis:ListTagsForResource",
    "kinesis:RegisterStreamConsumer",
    "kinesis:SubscribeToShard",
    "kinesis:TagResource",
];

/// What it takes on its stream beside that.
const CONSUMER_ACTIONS_ON_STREAM: [&str; 4] = [
    "kinesis:DeregisterStreamConsumer",
    "kinesis:DescribeStreamConsumer",
    "kinesis:ListStreamConsumers",
    "kinesis:RegisterStreamConsumer",
];

/// Whether a fan-out consumer reads the stream.
fn is_pushed(scenario: &Scenario, stream: &Stream) -> bool {
    let mut consumers = scenario.consumers.values();
    consumers.any(|consumer| consumer.stream == stream.name && consumer.kind.is_fan_out())
}

/// What making, tagging and deleting streams takes. Tags within CreateStream need AddTagsToStream, not TagResource
/// (API reference, CreateStream).
fn owns(created: &[&Stream]) -> BTreeSet<&'static str> {
    let mut actions = BTreeSet::from([
        "kinesis:AddTagsToStream",
        "kinesis:CreateStream",
        "kinesis:DeleteStream",
        "kinesis:ListTagsForStream",
    ]);
    let day = std::time::Duration::from_hours(24);
    if created.iter().any(|stream| stream.retention > day) {
        actions.insert("kinesis:IncreaseStreamRetentionPeriod");
    }
    actions
}

/// What the scenario does with one stream, however it came to be.
fn uses(scenario: &Scenario, stream: &Stream) -> BTreeSet<String> {
    let mut actions = BTreeSet::from(["kinesis:DescribeStreamSummary", "kinesis:ListShards"]);
    let of_stream = |name: &StreamName| *name == stream.name;
    for producer in scenario.producers.values() {
        if of_stream(&producer.stream) {
            actions.insert(match producer.send.api {
                PutApi::PutRecord => "kinesis:PutRecord",
                PutApi::PutRecords => "kinesis:PutRecords",
            });
        }
    }
    if scenario
        .consumers
        .values()
        .any(|consumer| of_stream(&consumer.stream) && !consumer.kind.is_fan_out())
    {
        actions.extend(["kinesis:GetRecords", "kinesis:GetShardIterator"]);
    }
    if is_pushed(scenario, stream) {
        actions.extend(CONSUMER_ACTIONS_ON_STREAM);
    }
    for event in scenario.events.values() {
        if !of_stream(&event.stream) {
            continue;
        }
        actions.extend(match event.action {
            Action::SplitShard { .. } => Some("kinesis:SplitShard"),
            Action::MergeShards { .. } => Some("kinesis:MergeShards"),
            Action::UpdateShardCount { .. } => Some("kinesis:UpdateShardCount"),
            // AWS cannot be told to misbehave, and connections are the client's.
            Action::Stall { .. } | Action::ThrottleStorm { .. } | Action::ResetConnections => None,
        });
    }
    let called = calls_of(scenario, |calls| calls.stream() == Some(&stream.name));
    let called = called.filter(|call| call.api.effect != Effect::LookAround);
    let actions = actions.into_iter().map(str::to_owned);
    actions.chain(called.map(action)).collect()
}

/// The calls of the loads that are meant. Whoever may not make a call is told so before it can be refused for another
/// reason, so that cases need their action too.
fn calls_of(scenario: &Scenario, meant: impl Fn(&Calls) -> bool) -> impl Iterator<Item = ApiCall> {
    let loads = scenario.calls.values().filter(move |calls| meant(calls));
    loads.flat_map(Calls::calls)
}

/// The action that a call needs: the operation's own name.
fn action(call: ApiCall) -> String {
    format!("kinesis:{}", call.api.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Override, Source, load};

    fn scenario(name: &str, changes: &[&str]) -> Scenario {
        let path = format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        let changes: Vec<_> = changes
            .iter()
            .map(|change| Override::parse(change).unwrap())
            .collect();
        load(&Source { path, text }, &changes).unwrap().scenario
    }

    fn shown(policy: &Value) -> String {
        serde_json::to_string_pretty(policy).unwrap()
    }

    #[test]
    fn a_scenario_that_writes_and_reads_needs_its_own_streams_only() {
        let policy = policy(
            &scenario("first-run", &[]),
            Some("123456789012"),
            Some("eu-west-1"),
        );
        insta::assert_snapshot!(shown(&policy));
    }

    #[test]
    fn resharding_and_long_retention_need_their_actions() {
        let scenario = scenario(
            "reshard-under-load",
            &[
                "streams.orders.retention=48h",
                "producers.web.send={api=\"put-record\"}",
            ],
        );
        insta::assert_snapshot!(shown(&policy(&scenario, None, Some("cn-north-1"))));
    }

    #[test]
    fn fan_out_needs_the_actions_of_consumers_on_their_own_arns_and_no_get_records() {
        let alone = scenario("fan-out", &["consumers.poll={kind=\"fan-out\"}"]);
        insta::assert_snapshot!(shown(&policy(&alone, None, Some("eu-west-1"))));
    }

    #[test]
    fn an_existing_stream_is_never_created_tagged_or_deleted() {
        let scenario = scenario(
            "first-run",
            &[
                "streams.orders.existing=true",
                "producers.web.payload={kind=\"random\", stamp=\"none\"}",
                "consumers.billing.interval=\"1s\"",
                "slo={}",
            ],
        );
        insta::assert_snapshot!(shown(&policy(&scenario, None, None)));
    }
}
