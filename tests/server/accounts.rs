//! Several accounts on one server, and GetCallerIdentity: who a caller is.

use streamgauge::base::Clock;
use streamgauge::server::Credentials;

use crate::support::{JSON, Reply, Served, Signer, run, settings, start};

const ANN: &str = "111122223333";
const BOB: &str = "444455556666";
const FILE: &str = "[ann]\naws_access_key_id = AKIDA\naws_secret_access_key = a\naws_account_id = 111122223333\n\
                    [plain]\naws_access_key_id = AKIDP\naws_secret_access_key = p\n";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const WHO: &str = "Action=GetCallerIdentity&Version=2011-06-15";

async fn who(server: &Served, key: &str, secret: &str) -> Reply {
    let signer = Signer {
        key,
        secret,
        token: None,
        service: "sts",
        now_s: Clock::real().now().as_secs(),
    };
    server.signed(signer, &[FORM], WHO).await
}

/// What stands in an element.
fn element(reply: &Reply, name: &str) -> String {
    let text = reply.text();
    let inner = text.split_once(&format!("<{name}>"));
    let inner = inner.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    inner
        .unwrap_or_else(|| panic!("no {name} in {text}"))
        .0
        .to_owned()
}

#[test]
fn a_key_of_12_digits_names_an_account_with_streams_of_its_own() {
    run(async {
        let server = start(settings()).await;
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        for account in [ANN, BOB] {
            let made = server.call_as(account, "CreateStream", create).await;
            assert_eq!(made.status, 200, "{}", made.text());
            let name = r#"{"StreamName":"s"}"#;
            let found = server.call_as(account, "DescribeStreamSummary", name).await;
            let arn = format!("arn:aws:kinesis:us-east-1:{account}:stream/s");
            assert!(found.text().contains(&arn), "{}", found.text());
        }
        let other = server.call_as("AKID", "ListStreams", "{}").await;
        assert!(other.text().starts_with(r#"{"StreamNames":[]"#));
        server.stop().await;
    });
}

#[test]
fn an_arn_of_another_account_is_denied_in_every_operation() {
    run(async {
        let server = start(settings()).await;
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        server.call_as(BOB, "CreateStream", create).await;
        let arn = format!("arn:aws:kinesis:us-east-1:{BOB}:stream/s");
        let stream = format!(r#"{{"StreamARN":"{arn}"}}"#);
        let put = format!(r#"{{"StreamARN":"{arn}","PartitionKey":"k","Data":""}}"#);
        let tags = format!(r#"{{"ResourceARN":"{arn}"}}"#);
        let named = format!(r#"{{"ConsumerARN":"{arn}/consumer/c:1"}}"#);
        for (operation, body) in [
            ("DescribeStream", &stream),
            ("ListShards", &stream),
            ("PutRecord", &put),
            ("ListTagsForResource", &tags),
            ("DescribeStreamConsumer", &named),
        ] {
            let reply = server.call_as(ANN, operation, body).await;
            assert_eq!(reply.status, 400);
            let denied = r#"{"__type":"AccessDeniedException""#;
            assert!(
                reply.text().starts_with(denied),
                "{operation}: {}",
                reply.text()
            );
        }
        server.stop().await;
    });
}

#[test]
fn credentials_say_whose_a_key_is() {
    run(async {
        let mut settings = settings();
        settings.credentials = Some(Credentials::parse(FILE).expect("a credentials file"));
        let server = start(settings).await;
        let create = r#"{"StreamName":"s","ShardCount":1}"#;
        for (key, secret, account) in [("AKIDA", "a", ANN), ("AKIDP", "p", "000000000000")] {
            let signer = Signer {
                key,
                secret,
                token: None,
                service: "kinesis",
                now_s: Clock::real().now().as_secs(),
            };
            let call = |name| [("content-type", JSON), ("x-amz-target", name)];
            let made = call("Kinesis_20131202.CreateStream");
            assert_eq!(server.signed(signer, &made, create).await.status, 200);
            let shown = call("Kinesis_20131202.DescribeStreamSummary");
            let found = server.signed(signer, &shown, r#"{"StreamName":"s"}"#).await;
            assert!(found.text().contains(account), "{}", found.text());
            // A signature for another service is no signature for this one.
            let wrong = Signer {
                service: "sts",
                ..signer
            };
            let refused = server.signed(wrong, &made, create).await;
            assert!(refused.text().contains("InvalidSignatureException"));
        }
        server.stop().await;
    });
}

#[test]
fn a_caller_without_credentials_is_the_account_itself() {
    run(async {
        let server = start(settings()).await;
        for (key, account) in [(ANN, ANN), ("AKID", "000000000000")] {
            let reply = who(&server, key, "any").await;
            assert_eq!(
                (reply.status, reply.header("content-type")),
                (200, "text/xml")
            );
            assert_eq!(element(&reply, "Account"), account);
            assert_eq!(element(&reply, "UserId"), account);
            assert_eq!(
                element(&reply, "Arn"),
                format!("arn:aws:iam::{account}:root")
            );
            assert_eq!(
                element(&reply, "RequestId"),
                reply.header("x-amzn-requestid")
            );
        }
        server.stop().await;
    });
}

#[test]
fn with_credentials_a_caller_is_a_user_and_others_are_refused() {
    run(async {
        let mut settings = settings();
        settings.credentials = Some(Credentials::parse(FILE).expect("a credentials file"));
        let server = start(settings).await;
        let ann = who(&server, "AKIDA", "a").await;
        assert_eq!(element(&ann, "Account"), ANN);
        assert_eq!(element(&ann, "Arn"), format!("arn:aws:iam::{ANN}:user/ann"));
        for (key, secret, code) in [
            ("AKIDA", "wrong", "SignatureDoesNotMatch"),
            ("NONE", "a", "InvalidClientTokenId"),
        ] {
            let reply = who(&server, key, secret).await;
            assert_eq!(
                (reply.status, element(&reply, "Code").as_str()),
                (403, code)
            );
        }
        let unsigned = server.send("POST", "/", &[FORM], WHO).await;
        assert_eq!(
            (unsigned.status, element(&unsigned, "Code").as_str()),
            (403, "MissingAuthenticationToken")
        );
        server.stop().await;
    });
}

#[test]
fn other_actions_and_versions_are_unknown() {
    run(async {
        let server = start(settings()).await;
        for body in [
            "Action=AssumeRole&Version=2011-06-15",
            "Action=GetCallerIdentity",
        ] {
            let reply = server.send("POST", "/", &[FORM], body).await;
            assert_eq!(
                (reply.status, element(&reply, "Code").as_str()),
                (400, "InvalidAction")
            );
        }
        server.stop().await;
    });
}

#[cfg(feature = "aws")]
#[test]
fn the_sdk_understands_who_it_is() {
    use aws_sdk_sts::config::{BehaviorVersion, Credentials as Keys, Region};

    run(async {
        let server = start(settings()).await;
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(format!("http://{}", server.address))
            .credentials_provider(Keys::new(ANN, "secret", None, None, "test"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let client = aws_sdk_sts::Client::from_conf(config);
        let who = client
            .get_caller_identity()
            .send()
            .await
            .expect("an answer");
        assert_eq!(who.account(), Some(ANN));
        assert_eq!(who.arn(), Some("arn:aws:iam::111122223333:root"));
        server.stop().await;
    });
}
