//! One request, from its headers to its answer.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::watch;

use super::answer::{self, Answer, Body, RequestIds};
use super::body::{self, BodyError, Budget};
use super::dispatch::dispatch;
use super::front::{self, Call};
use super::hot::{self, Scratches};
use super::metrics::Metrics;
use super::regions::{Regions, region_of};
use super::{ServerSettings, admin, subscribe};
use crate::base::Clock;
use crate::host::Host;
use crate::wire::{WireError, decode, encode, sigv4, validate};

/// What all connections share.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) settings: ServerSettings,
    pub(super) clock: Clock,
    pub(super) stopping: watch::Receiver<bool>,
    regions: Regions,
    metrics: Metrics,
    ids: RequestIds,
    budget: Budget,
    scratches: Scratches,
}

impl Service {
    pub(super) fn new(
        settings: ServerSettings,
        clock: Clock,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            regions: Regions::new(clock),
            metrics: Metrics::default(),
            ids: RequestIds::new(settings.seed ^ clock.now().as_nanos()),
            budget: Budget::default(),
            scratches: Scratches::default(),
            settings,
            clock,
            stopping,
        }
    }

    /// Answers a request.
    pub(super) async fn serve(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::OPTIONS && parts.headers.contains_key("origin") {
            return answer::preflight(&parts.headers);
        }
        let page = match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/health") => Some(("text/plain", "ok\n".to_owned())),
            (&Method::GET, "/metrics") => Some((
                "text/plain; version=0.0.4",
                self.metrics.show(&self.regions),
            )),
            _ => None,
        };
        if let Some((content_type, text)) = page {
            let answer = Answer::plain(StatusCode::OK, Some(content_type), text);
            return answer.into_response(&self.ids, &parts.headers);
        }
        let mut operation = "unknown";
        let answer = if let Err(answer) = front::check_method(&parts.method) {
            answer
        } else {
            match body::read(body, &self.budget, self.clock, self.settings.patience).await {
                // The share of the budget is held until the request is carried out.
                Ok((body, _share)) => self.call(&parts, &body, &mut operation).await,
                Err(error) => refuse_body(error),
            }
        };
        self.metrics.count(operation, answer.code.clone());
        answer.into_response(&self.ids, &parts.headers)
    }

    async fn call(
        &self,
        parts: &hyper::http::request::Parts,
        body: &[u8],
        counted: &mut &'static str,
    ) -> Answer {
        let path = parts.uri.path();
        if path.starts_with("/_admin/")
            && let Some(host) = self.regions.host(&self.settings, region_of(""))
        {
            // The switch has no signature: its region stands in the query, as `region=eu-west-1`.
            let named = parts.uri.query().and_then(|q| q.strip_prefix("region="));
            let named =
                named.and_then(|region| self.regions.host(&self.settings, region_of(region)));
            let host = named.unwrap_or(host);
            if let Some(answer) = admin::answer(&host, path, body) {
                *counted = "admin";
                return answer;
            }
        }
        let Call { operation, codec } = match front::check(&parts.headers, body) {
            Ok(call) => call,
            Err(answer) => return answer,
        };
        *counted = operation.name;
        let taken = hot::read(&self.scratches, operation.name, codec, body);
        let tree = match taken {
            Some(_) => None,
            None => Some(decode(codec, operation, body)),
        };
        // What cannot be parsed is told before who asks is looked at, wrong types after it (rows 4 and 12).
        if let Some(Err(error)) = &tree
            && error.is_unparseable()
        {
            return Answer::error(codec, error);
        }
        let host = match self.authorize(parts, body) {
            Ok(host) => host,
            Err(error) => return Answer::error(codec, &error),
        };
        let Some(tree) = tree else {
            return match taken {
                Some(taken) => {
                    hot::answer(&self.scratches, &host, codec, operation.name, taken).await
                }
                None => Answer::error(codec, &WireError::unparseable()),
            };
        };
        let checked = tree.and_then(|input| validate(operation, &input).map(|()| input));
        let input = match checked {
            Ok(input) => input,
            Err(error) => return Answer::error(codec, &error),
        };
        if operation.name == "SubscribeToShard" {
            return subscribe::answer(host, codec, &input, self.stopping.clone()).await;
        }
        match hot::read_tree(&self.scratches, &host, operation.name, &input) {
            Ok(Some(taken)) => {
                return hot::answer(&self.scratches, &host, codec, operation.name, taken).await;
            }
            Ok(None) => {}
            Err(error) => return Answer::error(codec, &error),
        }
        match dispatch(&host, operation.name, &input).await {
            Some(Ok(output)) => Answer::ok(codec, encode(codec, operation, &output)),
            Some(Err(error)) => Answer::refused(codec, &error),
            None => Answer::error(codec, &WireError::bare("UnknownOperationException")),
        }
    }

    /// Rows 7 to 11: finds who asks, and with that the region.
    fn authorize(
        &self,
        parts: &hyper::http::request::Parts,
        body: &[u8],
    ) -> Result<Arc<Host>, WireError> {
        let mut headers = Vec::with_capacity(parts.headers.len() + 1);
        for (name, value) in &parts.headers {
            if let Ok(value) = value.to_str() {
                headers.push((name.as_str(), value));
            }
        }
        // HTTP/2 carries the host in the request line; signatures cover it by its old name.
        let authority = parts
            .uri
            .authority()
            .map(hyper::http::uri::Authority::as_str);
        if let Some(authority) = authority
            && !parts.headers.contains_key("host")
        {
            headers.push(("host", authority));
        }
        let request = sigv4::Request {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &headers,
            body,
        };
        let authorization = sigv4::authorization(&request)?;
        if let Some(credentials) = &self.settings.credentials {
            credentials.check(self.clock.now(), &request, &authorization)?;
        }
        let [_, region, _] = authorization.scope_parts();
        let region = region_of(region);
        self.regions.host(&self.settings, region).ok_or_else(|| {
            WireError::new(
                "LimitExceededException",
                "This server keeps 64 regions and has them all.",
            )
        })
    }
}

fn refuse_body(error: BodyError) -> Answer {
    match error {
        BodyError::TooLong => Answer::plain(StatusCode::PAYLOAD_TOO_LARGE, None, ""),
        BodyError::TooSlow | BodyError::Broken => {
            Answer::plain(StatusCode::REQUEST_TIMEOUT, None, "")
        }
        BodyError::NoMemory => Answer::plain(StatusCode::SERVICE_UNAVAILABLE, None, ""),
    }
}
