//! The log: one event a request, in both formats, at the level that was asked for.

use serde_json::Value as Json;

use crate::program::Program;
use crate::support::run;

const ACCOUNT: &str = "111122223333";

#[test]
fn a_request_is_one_json_event_with_who_asked_what_and_how_it_ended() {
    run(async {
        let mut program = Program::start(&["--log", "debug", "--log-format", "json"]).await;
        let server = program.served();
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        let made = server.call_as(ACCOUNT, "CreateStream", create).await;
        let put = r#"{"StreamName":"s","PartitionKey":"k","Data":""}"#;
        server.call_as(ACCOUNT, "PutRecord", put).await;
        let missing = r#"{"StreamName":"none"}"#;
        server.call_as(ACCOUNT, "DescribeStream", missing).await;
        assert_eq!(program.end(), Some(0));
        let log = program.log();
        let events: Vec<Json> = log
            .lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect();
        let told = |text: &str| events.iter().any(|event| event["message"] == text);
        assert!(
            told("serving") && told("stopping") && told("stopped"),
            "{log}"
        );
        let requests: Vec<_> = events
            .iter()
            .filter(|e| e["message"] == "request")
            .collect();
        let ends: Vec<_> = requests
            .iter()
            .map(|e| {
                (
                    e["operation"].as_str(),
                    e["stream"].as_str(),
                    e["code"].as_str(),
                )
            })
            .collect();
        assert_eq!(
            ends,
            [
                (Some("CreateStream"), Some("s"), Some("ok")),
                (Some("PutRecord"), Some("s"), Some("ok")),
                (
                    Some("DescribeStream"),
                    Some("none"),
                    Some("ResourceNotFoundException")
                ),
            ]
        );
        assert_eq!(requests[0]["request_id"], made.header("x-amzn-requestid"));
        for request in requests {
            assert_eq!(request["account"], ACCOUNT);
            assert_eq!(request["region"], "us-east-1");
            assert!(request["duration_us"].is_u64() && request["status"].is_u64());
            assert!(
                request["timestamp"]
                    .as_str()
                    .is_some_and(|time| time.ends_with('Z'))
            );
        }
    });
}

#[test]
fn a_level_leaves_out_what_is_below_it() {
    run(async {
        for (level, serving) in [("info", true), ("warn", false), ("off", false)] {
            let mut program = Program::start(&["--log", level]).await;
            program.served().call("ListStreams", "{}").await;
            assert_eq!(program.end(), Some(0));
            let log = program.log();
            assert!(!log.contains("ListStreams"), "{log}");
            assert_eq!(log.contains("serving"), serving, "{level}: {log}");
        }
    });
}
