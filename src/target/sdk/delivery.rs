//! When an answer came: taken when its last byte did, before anything in it is decoded.
//!
//! The SDK decodes on its way to the caller. Between its HTTP client and its decoder this reads the whole body, takes
//! the time and leaves it with the call that waits, which runs in the same task.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;

use crate::base::{Clock, Timestamp};

tokio::task_local! {
    static CAME: Cell<Option<Timestamp>>;
    static STREAMED: Came;
}

/// Makes a call and says when its answer came; if there was none, when the call ended.
pub(super) async fn stamped<F: Future>(clock: Clock, call: F) -> (F::Output, Timestamp) {
    let call = async {
        let output = call.await;
        (output, CAME.with(Cell::get))
    };
    let (output, came) = CAME.scope(Cell::new(None), call).await;
    (output, came.unwrap_or_else(|| clock.now()))
}

/// When the last bytes of an answer that goes on came; 0 until then.
#[derive(Clone, Debug, Default)]
pub(super) struct Came(Arc<AtomicU64>);

impl Came {
    /// The time of the newest bytes. An event is decoded as soon as all of it is there, so of the event that was received
    /// last this is the time of its last byte.
    pub(super) fn last(&self) -> Option<Timestamp> {
        let nanos = self.0.load(Ordering::Acquire);
        (nanos > 0).then(|| Timestamp::from_nanos(nanos))
    }

    fn note(&self, at: Timestamp) {
        self.0.store(at.as_nanos(), Ordering::Release);
    }
}

/// Makes a call whose answer goes on, and says how to learn when its bytes came.
pub(super) async fn streamed<F: Future>(call: F) -> (F::Output, Came) {
    let came = Came::default();
    (STREAMED.scope(came.clone(), call).await, came)
}

/// An HTTP client that notes when answers came.
#[derive(Clone, Debug)]
pub(super) struct Stamping<T> {
    pub(super) inner: T,
    pub(super) clock: Clock,
}

impl HttpClient for Stamping<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Stamping {
            inner: self.inner.http_connector(settings, components),
            clock: self.clock,
        })
    }
}

impl HttpConnector for Stamping<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { inner, clock } = self.clone();
        HttpConnectorFuture::new(async move {
            let mut response = inner.call(request).await?;
            if is_event_stream(&response) {
                // Its end may be minutes away, and its events are stamped one by one.
                if let Ok(came) = STREAMED.try_with(Clone::clone) {
                    let noted = response.take_body().map_frame(move |frame| {
                        came.note(clock.now());
                        frame
                    });
                    *response.body_mut() = SdkBody::from_body_1_x(noted);
                }
                return Ok(response);
            }
            let body = response.take_body().collect().await;
            let bytes = body.map_err(ConnectorError::io)?.to_bytes();
            // Clients of other services, such as that for credentials, do not ask.
            let _ = CAME.try_with(|came| came.set(Some(clock.now())));
            *response.body_mut() = SdkBody::from(bytes);
            Ok(response)
        })
    }
}

fn is_event_stream(response: &HttpResponse) -> bool {
    response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("application/vnd.amazon.eventstream"))
}
