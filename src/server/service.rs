//! One request, from its headers to its answer.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::watch;

use super::answer::{self, Answer, Body, Ids, RequestIds};
use super::body::{self, BodyError, Budget};
use super::caller::{self, Caller};
use super::connection::Cut;
use super::front::{self, Call};
use super::hot::{self, Scratches};
use super::metrics::Metrics;
use super::regions::{REGION_DEFAULT, REGIONS_MAX, Regions, region_of};
use super::trail::{self, Trail};
use super::untaken::{self, Untaken};
use super::{ServerSettings, admin, sts, subscribe};
use crate::base::Clock;
use crate::base::exposition;
use crate::dispatch::dispatch;
use crate::host::Host;
use crate::wire::{Codec, WireError, decode, encode, validate};

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
    untaken: Arc<untaken::All>,
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
            untaken: Arc::default(),
            settings,
            clock,
            stopping,
        }
    }

    /// Answers a request.
    /// # Errors
    /// When the connection is to be cut instead.
    pub(super) async fn serve(
        &self,
        request: Request<Incoming>,
        untaken: &Arc<Untaken>,
    ) -> Result<Response<Body>, Cut> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::OPTIONS && parts.headers.contains_key("origin") {
            return Ok(answer::preflight(&parts.headers));
        }
        let begun = self.clock.now();
        let page = match (&parts.method, parts.uri.path()) {
            (&Method::GET, "/_admin" | "/_admin/") => Some(("text/plain", admin::HELP.to_owned())),
            (&Method::GET, "/metrics") => {
                Some((exposition::CONTENT_TYPE, self.metrics.show(&self.regions)))
            }
            _ => None,
        };
        let ids = self.ids.next();
        if parts.method == Method::GET && parts.uri.path() == "/health" {
            let query = parts.uri.query().unwrap_or_default();
            let asked = caller::named(&self.settings, query);
            let (status, text) = match self.trouble(&asked, untaken) {
                None => (StatusCode::OK, "ok\n"),
                Some(text) => (StatusCode::SERVICE_UNAVAILABLE, text),
            };
            let answer = Answer::plain(status, Some("text/plain"), text);
            return answer.into_response(ids, &parts.headers);
        }
        if let Some((content_type, text)) = page {
            let answer = Answer::plain(StatusCode::OK, Some(content_type), text);
            return answer.into_response(ids, &parts.headers);
        }
        let mut trail = Trail::new();
        let answer = if let Err(answer) = front::check_method(&parts.method)
            && sts::asked(&parts, b"").is_none()
        {
            answer
        } else {
            match body::read(body, &self.budget, self.clock, self.settings.patience).await {
                // The share of the budget is held until the request is carried out.
                Ok((body, _share)) => self.call(&parts, &body, &ids, untaken, &mut trail).await,
                Err(error) => refuse_body(error),
            }
        };
        let now = self.clock.now();
        let answer = answer.counted(untaken, now);
        trail.log(&ids, answer.status.as_u16(), &answer.code, now.since(begun));
        self.metrics.count(trail.operation, answer.code.clone());
        answer.into_response(ids, &parts.headers)
    }

    /// Why an ordinary call of the account and region that `asked` names would not be answered now, if so.
    fn trouble(&self, asked: &Caller, untaken: &Untaken) -> Option<&'static str> {
        if *self.stopping.borrow() {
            return Some("stopping\n");
        }
        if !self.budget.has_room() || !untaken.has_room() {
            return Some("no memory for requests and answers\n");
        }
        let host = self.regions.known(&asked.account, region_of(&asked.region));
        let stalled = host.is_some_and(|host| host.is_stalled());
        stalled.then_some("stalled\n")
    }

    /// The count of a new connection's answers.
    pub(super) fn untaken(&self) -> Arc<Untaken> {
        Untaken::new(&self.untaken)
    }

    async fn call(
        &self,
        parts: &hyper::http::request::Parts,
        body: &[u8],
        ids: &Ids,
        untaken: &Arc<Untaken>,
        trail: &mut Trail,
    ) -> Answer {
        let path = parts.uri.path();
        if path.starts_with("/_admin/") {
            trail.operation = "admin";
            return match self.switch(parts, body, trail) {
                Ok(answer) | Err(answer) => answer,
            };
        }
        if let Some(action) = sts::asked(parts, body) {
            trail.operation = "GetCallerIdentity";
            return sts::answer(action, ids, || self.caller(parts, body, "sts", trail));
        }
        let Call { operation, codec } = match front::check(&parts.headers, body) {
            Ok(call) => call,
            Err(answer) => return answer,
        };
        trail.operation = operation.name;
        // A put's answer is a few bytes; other calls wait while clients leave too much untaken.
        if operation.name != "PutRecord" && !untaken.has_room() {
            tokio::select! {
                biased;
                () = untaken.room(self.clock) => {}
                () = self.clock.sleep(self.settings.patience) => {
                    return Answer::plain(StatusCode::SERVICE_UNAVAILABLE, None, "");
                }
            }
        }
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
        let caller = self.caller(parts, body, "kinesis", trail);
        let host = match caller.and_then(|caller| self.host(&caller)) {
            Ok(host) => host,
            Err(error) => return Answer::error(codec, &error),
        };
        let Some(tree) = tree else {
            return match taken {
                Some(taken) => {
                    trail.about(|| taken.stream(&host));
                    self.hot(&host, codec, operation.name, taken).await
                }
                None => Answer::error(codec, &WireError::unparseable()),
            };
        };
        let checked = tree.and_then(|input| validate(operation, &input).map(|()| input));
        let input = match checked {
            Ok(input) => input,
            Err(error) => return Answer::error(codec, &error),
        };
        trail.about(|| trail::stream_of(&input));
        if operation.name == "SubscribeToShard" {
            return subscribe::answer(host, codec, &input, self.stopping.clone(), untaken).await;
        }
        match hot::read_tree(&self.scratches, &host, operation.name, &input) {
            Ok(Some(taken)) => {
                trail.about(|| taken.stream(&host));
                return self.hot(&host, codec, operation.name, taken).await;
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

    /// Answers a put or a read; what a put stored is made room for.
    async fn hot(
        &self,
        host: &Host,
        codec: Codec,
        operation: &'static str,
        taken: hot::Hot,
    ) -> Answer {
        let answer = hot::answer(&self.scratches, host, codec, operation, taken).await;
        if operation.starts_with("PutRecord") {
            self.regions.keep_memory(self.settings.max_memory_bytes);
        }
        answer
    }

    /// Sets a switch. What is wrong with it is told before it is looked up whose it is: nothing is kept for callers that
    /// only try.
    fn switch(
        &self,
        parts: &hyper::http::request::Parts,
        body: &[u8],
        trail: &mut Trail,
    ) -> Result<Answer, Answer> {
        // A page that a developer looks at may post here without asking the browser; it says where it comes from.
        if parts.method != Method::POST || parts.headers.contains_key("origin") {
            let text = "switches are set by a POST without `Origin`: not by web pages";
            return Err(admin::refused(StatusCode::FORBIDDEN, text));
        }
        let query = parts.uri.query().unwrap_or_default();
        let caller = if self.settings.credentials.is_some() {
            let caller = self.caller(parts, body, "kinesis", trail);
            let mut caller = caller.map_err(|error| {
                let text = error.message.as_deref().unwrap_or_default();
                admin::refused(StatusCode::FORBIDDEN, &format!("{}: {text}", error.code))
            })?;
            let [account, region] = caller::in_query(query);
            if account.is_some_and(|account| account != caller.account) {
                let text = format!("the key is one of account {}", caller.account);
                return Err(admin::refused(StatusCode::FORBIDDEN, &text));
            }
            if let Some(region) = region {
                region.clone_into(&mut caller.region);
            }
            caller
        } else {
            let caller = caller::named(&self.settings, query);
            trail.asked_by(&caller);
            caller
        };
        let Some(switch) = admin::read(parts.uri.path(), body) else {
            let text = "there is no such switch; `GET /_admin` lists them";
            return Err(admin::refused(StatusCode::NOT_FOUND, text));
        };
        let switch = switch.map_err(|text| admin::refused(StatusCode::BAD_REQUEST, &text))?;
        let (account, region) = (caller.account.as_str(), region_of(&caller.region));
        let host = if account == self.settings.account_id && region == REGION_DEFAULT {
            self.host(&caller).ok()
        } else {
            self.regions.known(account, region)
        };
        let Some(host) = host else {
            let text = format!(
                "account {account} has asked for nothing in `{region}` yet: make a stream there first"
            );
            return Err(admin::refused(StatusCode::BAD_REQUEST, &text));
        };
        Ok(switch.set(&host))
    }

    /// Rows 7 to 11: finds who asks.
    fn caller(
        &self,
        parts: &hyper::http::request::Parts,
        body: &[u8],
        service: &str,
        trail: &mut Trail,
    ) -> Result<Caller, WireError> {
        let now = self.clock.now();
        let caller = caller::identify(&self.settings, now, parts, body, service);
        caller.inspect(|caller| trail.asked_by(caller))
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
