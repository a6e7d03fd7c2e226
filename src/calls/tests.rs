//! Every row of the table of operations, against the engine.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::{Ended, outcome};
use super::ground::{EXPIRED_AFTER, Ground};
use super::request::request;
use crate::base::clock::virtual_runtime;
use crate::base::{Clock, Timestamp};
use crate::host::{Host, Settings};
use crate::kinesis::api::{APIS, ApiCall, Loadable};
use crate::kinesis::operation::CreateStream;
use crate::kinesis::{Delays, Limits};
use crate::measure::CallOutcome;
use crate::scenario::model::{Arrival, CallLoad, Calls};
use crate::target::Target;

const STREAM: &str = "orders";

async fn target() -> Target {
    let settings = Settings {
        account_id: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        limits: Limits::aws(),
        max_memory_bytes: 64 << 20,
    };
    let clock = Clock::virtual_from(Timestamp::from_secs(1_000_000));
    let target = Target::Embedded(Arc::new(Host::new(settings, Delays::none(), clock, 1)));
    let request = CreateStream {
        stream: STREAM.parse().unwrap(),
        shards: 2,
        max_record_bytes: 1 << 20,
    };
    target.create_stream(&request, 24).await.unwrap();
    target
}

fn mix(calls: Vec<ApiCall>) -> Calls {
    Calls {
        name: "all".to_owned(),
        workers: 1,
        arrival: Some(Arrival::Constant { rate: 1.0 }),
        timeout: Duration::from_secs(5),
        max_in_flight: 1,
        max_queued: 1,
        load: CallLoad::Mix {
            stream: STREAM.parse().unwrap(),
            calls: calls.into_iter().map(|call| (call, 1.0)).collect(),
        },
    }
}

async fn ground(target: &Target, call: &ApiCall) -> Ground {
    let stream = STREAM.parse().unwrap();
    let missing = "streamgauge-missing".to_owned();
    let calls = mix(vec![*call]);
    let ground = Ground::prepare(target, &calls, &stream, missing).await;
    let ground = ground.unwrap();
    if ground.expires() {
        target.clock().sleep(EXPIRED_AFTER).await;
    }
    if call.api.name == "GetRecords" {
        let held = ground.hold_iterator(target, target.clock(), &stream, 0);
        held.await.unwrap();
    }
    ground
}

async fn answer(target: &Target, call: &ApiCall) -> (CallOutcome, Option<String>) {
    let clock = target.clock();
    let ground = ground(target, call).await;
    // Limits are of calls per second; none of them is what this is about.
    clock.sleep(Duration::from_secs(2)).await;
    let sent = clock.now();
    let answer = target.call(call.api.name, &request(call, &ground, 0)).await;
    let ended = Ended {
        sent,
        at: clock.now(),
        answer: Some(answer),
    };
    outcome(call, &ended)
}

#[test]
fn the_engine_refuses_every_case_with_the_code_that_the_table_expects() {
    virtual_runtime().unwrap().block_on(async {
        let target = target().await;
        let mut cases = 0;
        for api in &APIS {
            for case in api.cases {
                let call = ApiCall {
                    api,
                    case: Some(case),
                };
                let (outcome, told) = answer(&target, &call).await;
                assert_eq!(outcome, CallOutcome::Expected, "{call}: {told:?}");
                cases += 1;
            }
        }
        assert!(cases > 80, "{cases}");
    });
}

#[test]
fn the_engine_answers_every_valid_call_of_a_mix_however_often_it_is_made() {
    virtual_runtime().unwrap().block_on(async {
        let target = target().await;
        for _ in 0..3 {
            for api in APIS.iter().filter(|api| api.load == Loadable::Mix) {
                let call = ApiCall { api, case: None };
                let (outcome, told) = answer(&target, &call).await;
                assert_eq!(outcome, CallOutcome::Ok, "{call}: {told:?}");
            }
        }
    });
}

/// The operations that only a script can call, in an order in which each finds what it needs.
const IN_ORDER: [&str; 20] = [
    "IncreaseStreamRetentionPeriod",
    "DecreaseStreamRetentionPeriod",
    "RegisterStreamConsumer",
    "DescribeStreamConsumer",
    "DeregisterStreamConsumer",
    "EnableEnhancedMonitoring",
    "DisableEnhancedMonitoring",
    "PutResourcePolicy",
    "GetResourcePolicy",
    "DeleteResourcePolicy",
    "StartStreamEncryption",
    "StopStreamEncryption",
    "UpdateMaxRecordSize",
    "UpdateStreamRecordDistributionStrategy",
    "SplitShard",
    "MergeShards",
    "UpdateShardCount",
    "UpdateStreamMode",
    "UpdateStreamWarmThroughput",
    "DeleteStream",
];

#[test]
fn the_engine_answers_every_call_of_a_script_in_the_order_in_which_they_make_sense() {
    virtual_runtime().unwrap().block_on(async {
        let target = target().await;
        for name in IN_ORDER {
            let call = ApiCall::valid(name).unwrap();
            let (outcome, told) = answer(&target, &call).await;
            assert_eq!(outcome, CallOutcome::Ok, "{call}: {told:?}");
        }
    });
    // With the mix and CreateStream these are all that can be loaded.
    for api in &APIS {
        let tried = matches!(api.load, Loadable::Mix | Loadable::No(_))
            || api.name == "CreateStream"
            || IN_ORDER.contains(&api.name);
        assert!(tried, "{}", api.name);
    }
}
