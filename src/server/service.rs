//! One request, from its headers to its answer.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::watch;

use super::answer::{self, Answer, Body, Ids, RequestIds};
use super::body::{self, BodyError, Budget};
use super::caller::{self, Caller};
use super::dispatch::dispatch;
use super::front::{self, Call};
use super::hot::{self, Scratches};
use super::metrics::Metrics;
use super::regions::{REGIONS_MAX, Regions, region_of};
use super::{ServerSettings, admin, sts, subscribe};
use crate::base::Clock;
use crate::host::Host;
use crate::wire::{WireError, decode, encode, validate};

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
        let ids = self.ids.next();
        if let Some((content_type, text)) = page {
            let answer = Answer::plain(StatusCode::OK, Some(content_type), text);
            return answer.into_response(ids, &parts.headers);
        }
        let mut operation = "unknown";
        let answer = if let Err(answer) = front::check_method(&parts.method)
            && sts::asked(&parts, b"").is_none()
        {
            answer
        } else {
            match body::read(body, &self.budget, self.clock, self.settings.patience).await {
                // The share of the budget is held until the request is carried out.
                Ok((body, _share)) => self.call(&parts, &body, &ids, &mut operation).await,
                Err(error) => refuse_body(error),
            }
        };
        self.metrics.count(operation, answer.code.clone());
        answer.into_response(ids, &parts.headers)
    }

    async fn call(
        &self,
        parts: &hyper::http::request::Parts,
        body: &[u8],
        ids: &Ids,
        counted: &mut &'static str,
    ) -> Answer {
        let path = parts.uri.path();
        if path.starts_with("/_admin/") {
            // The switch has no signature: whose it is stands in the query.
            let caller = caller::named(&self.settings, parts.uri.query().unwrap_or_default());
            let host = self.host(&caller);
            if let Some(answer) = host.ok().and_then(|host| admin::answer(&host, path, body)) {
                *counted = "admin";
                return answer;
            }
        }
        if let Some(action) = sts::asked(parts, body) {
            *counted = "GetCallerIdentity";
            return sts::answer(action, ids, || self.caller(parts, body, "sts"));
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
        let caller = self.caller(parts, body, "kinesis");
        let host = match caller.and_then(|caller| self.host(&caller)) {
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

    /// Rows 7 to 11: finds who asks.
    fn caller(
        &self,
        parts: &hyper::http::request::Parts,
        body: &[u8],
        service: &str,
    ) -> Result<Caller, WireError> {
        caller::identify(&self.settings, self.clock.now(), parts, body, service)
    }

    /// The caller's account in the region that it asked.
    fn host(&self, caller: &Caller) -> Result<Arc<Host>, WireError> {
        let found = self
            .regions
            .host(&self.settings, &caller.account, region_of(&caller.region));
        found.ok_or_else(|| {
            WireError::new(
                "LimitExceededException",
                format!("This server keeps {REGIONS_MAX} regions of accounts and has them all."),
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
