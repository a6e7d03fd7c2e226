//! The switch of `streamgauge serve`: stalls and throttle storms, asked for over HTTP beside the service's own calls.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use serde_json::json;

use crate::base::Clock;
use crate::host::Storm;
use crate::target::CallError;
use crate::target::judge::chain;

/// How long the switch may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the switch says to an empty request, word for word: nothing else on that path says it.
const GREETING: &str = "missing field `for`";

/// The switch of the server at `url`.
#[derive(Debug)]
pub(super) struct Switch {
    connector: Connector,
    url: String,
    clock: Clock,
}

impl Switch {
    pub(super) fn new(url: &str, clock: Clock) -> Self {
        let connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build();
        Self {
            connector,
            url: url.to_owned(),
            clock,
        }
    }

    /// Whether there is such a switch. Asked in a way that changes nothing.
    pub(super) async fn is_there(&self) -> bool {
        matches!(self.post("/_admin/stall", "{}".to_owned()).await, Ok((400, text)) if text.starts_with(GREETING))
    }

    pub(super) async fn stall(&self, duration: Duration) -> Result<(), CallError> {
        let body = json!({ "for": format!("{}ms", duration.as_millis()) });
        self.ask("/_admin/stall", &body).await
    }

    pub(super) async fn storm(&self, stream: &str, storm: Storm) -> Result<(), CallError> {
        let lasts = storm.until.since(self.clock.now());
        let mut body = json!({
            "stream": stream,
            "for": format!("{}ms", lasts.as_millis()),
            "share": storm.share,
            "seed": storm.seed,
        });
        if let Some(shard) = storm.shard {
            body["shard"] = shard.to_string().into();
        }
        self.ask("/_admin/throttle", &body).await
    }

    async fn ask(&self, path: &str, body: &serde_json::Value) -> Result<(), CallError> {
        match self.post(path, body.to_string()).await? {
            (200, _) => Ok(()),
            (status, text) => Err(CallError::Foreign {
                code: format!("HTTP {status} of {path}"),
                message: text.trim().to_owned(),
                again: false,
            }),
        }
    }

    async fn post(&self, path: &str, body: String) -> Result<(u16, String), CallError> {
        let exchange = async {
            let mut request = HttpRequest::new(SdkBody::from(body));
            let url = format!("{}{path}", self.url);
            let written = request.set_method("POST").is_ok() && request.set_uri(url).is_ok();
            if !written {
                return Err(CallError::Unsent("the URL is not usable".to_owned()));
            }
            let answer = self.connector.call(request).await;
            let mut answer = answer.map_err(|error| CallError::Unanswered(chain(&error)))?;
            let body = answer.take_body().collect().await;
            let body = body.map_err(|error| CallError::Unanswered(error.to_string()))?;
            let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
            Ok((answer.status().as_u16(), text))
        };
        tokio::select! {
            biased;
            answer = exchange => answer,
            () = self.clock.sleep(PATIENCE) => {
                let waited = PATIENCE.as_secs();
                Err(CallError::Unanswered(format!("{path} did not answer within {waited} s")))
            }
        }
    }
}
