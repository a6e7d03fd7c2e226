//! Row 11: signatures are checked when there are credentials to check them with.

use streamgauge::base::Clock;
use streamgauge::server::Credentials;
use streamgauge::wire::sigv4;

use crate::support::{JSON, Reply, Served, run, settings, start};

const FILE: &str = "[default]\naws_access_key_id = AKID\naws_secret_access_key = secret\n\n[old]\naws_access_key_id = \
                    OLD\naws_secret_access_key = secret\naws_session_token = token\nexpiration = \
                    2020-01-01T00:00:00Z\n";

async fn signed(
    server: &Served,
    key: &str,
    secret: &str,
    token: Option<&str>,
    now_s: u64,
) -> Reply {
    let time = jiff::Timestamp::from_second(i64::try_from(now_s).expect("a time")).expect("a time");
    let date = time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let scope = format!("{}/eu-west-1/kinesis/aws4_request", &date[..8]);
    let target = "Kinesis_20131202.ListStreams";
    let mut headers = vec![
        ("content-type", JSON),
        ("host", "kinesis.local"),
        ("x-amz-date", date.as_str()),
        ("x-amz-target", target),
    ];
    headers.extend(token.map(|token| ("x-amz-security-token", token)));
    let unsigned = format!(
        "AWS4-HMAC-SHA256 Credential={key}/{scope}, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=00"
    );
    let mut probe = headers.clone();
    probe.push(("authorization", &unsigned));
    let request = sigv4::Request {
        method: "POST",
        path: "/",
        query: "",
        headers: &probe,
        body: b"{}",
    };
    let authorization = sigv4::authorization(&request).expect("it is complete");
    let to_sign = sigv4::string_to_sign(
        &sigv4::canonical_request(&request, &authorization),
        &authorization,
    );
    let signature = sigv4::signature(secret, &to_sign, &authorization);
    let header = unsigned.replace("Signature=00", &format!("Signature={signature}"));
    headers.retain(|(name, _)| *name != "host");
    headers.push(("authorization", &header));
    server.send("POST", "/", &headers, "{}").await
}

#[test]
fn row_11_a_known_key_passes_and_each_other_one_is_told_its_own_error() {
    run(async {
        let mut settings = settings();
        settings.credentials = Some(Credentials::parse(FILE).expect("a credentials file"));
        let server = start(settings).await;
        let now = Clock::real().now().as_secs();
        assert_eq!(
            signed(&server, "AKID", "secret", None, now).await.status,
            200
        );
        for (key, secret, token, now, code) in [
            ("NONE", "secret", None, now, "UnrecognizedClientException"),
            (
                "AKID",
                "secret",
                Some("token"),
                now,
                "UnrecognizedClientException",
            ),
            ("AKID", "other", None, now, "InvalidSignatureException"),
            (
                "AKID",
                "secret",
                None,
                now - 600,
                "InvalidSignatureException",
            ),
            ("OLD", "secret", Some("token"), now, "ExpiredTokenException"),
        ] {
            let reply = signed(&server, key, secret, token, now).await;
            assert_eq!(reply.status, 400);
            assert!(reply.text().contains(code), "{}", reply.text());
        }
        server.stop().await;
    });
}
