//! What the server counts, in Prometheus' text format.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::regions::Regions;
use crate::base::exposition::{Kind, Page};

/// Requests by operation and code.
#[derive(Debug, Default)]
pub(super) struct Metrics(Mutex<BTreeMap<(&'static str, Cow<'static, str>), u64>>);

impl Metrics {
    /// Counts an answer. Codes are the server's own, so the map stays small whatever clients send.
    pub(super) fn count(&self, operation: &'static str, code: Cow<'static, str>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((operation, code)).or_default() += 1;
    }

    /// The page.
    pub(super) fn show(&self, regions: &Regions) -> String {
        let mut page = Page::new();
        let mut requests = page.family(
            "streamgauge_requests_total",
            Kind::Counter,
            "Requests answered, by operation and code.",
        );
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((operation, code), count) in counts.iter() {
            requests.sample(&[("operation", operation), ("code", code)], count);
        }
        drop(counts);
        let mut stored = page.family(
            "streamgauge_stored_bytes",
            Kind::Gauge,
            "Bytes held by the logs of a region's shards, free space in segments included.",
        );
        for host in regions.all() {
            let settings = host.account().settings();
            let labels = [
                ("account", settings.account_id.as_str()),
                ("region", settings.region.as_str()),
            ];
            stored.sample(&labels, host.account().memory().log_bytes);
        }
        let mut open = page.family(
            "streamgauge_open_subscriptions",
            Kind::Gauge,
            "Subscriptions to shards of a region that are open.",
        );
        for host in regions.all() {
            let settings = host.account().settings();
            let labels = [
                ("account", settings.account_id.as_str()),
                ("region", settings.region.as_str()),
            ];
            open.sample(&labels, host.account().open_subscriptions());
        }
        page.into_text()
    }
}
