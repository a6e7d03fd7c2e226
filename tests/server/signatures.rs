//! Row 11: signatures are checked when there are credentials to check them with.

use streamgauge::base::Clock;
use streamgauge::server::Credentials;

use crate::support::{JSON, Reply, Served, Signer, run, settings, start};

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
    let signer = Signer {
        key,
        secret,
        token,
        service: "kinesis",
        now_s,
    };
    let target = ("x-amz-target", "Kinesis_20131202.ListStreams");
    server
        .signed(signer, &[("content-type", JSON), target], "{}")
        .await
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
