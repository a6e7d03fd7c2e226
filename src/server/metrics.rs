//! What the server counts, in Prometheus' text format.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use super::regions::Regions;

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
        let mut page = String::from(
            "# HELP streamgauge_requests_total Requests answered, by operation and code.\n\
             # TYPE streamgauge_requests_total counter\n",
        );
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((operation, code), count) in counts.iter() {
            let _ = writeln!(
                page,
                "streamgauge_requests_total{{operation=\"{operation}\",code=\"{code}\"}} {count}"
            );
        }
        page.push_str(
            "# HELP streamgauge_stored_bytes Bytes held by the logs of a region's shards, free space in segments \
             included.\n# TYPE streamgauge_stored_bytes gauge\n",
        );
        for host in regions.all() {
            let settings = host.account().settings();
            let (account, region) = (&settings.account_id, &settings.region);
            let bytes = host.account().memory().log_bytes;
            let _ = writeln!(
                page,
                "streamgauge_stored_bytes{{account=\"{account}\",region=\"{region}\"}} {bytes}"
            );
        }
        page.push_str(
            "# HELP streamgauge_open_subscriptions Subscriptions to shards of a region that are open.\n\
             # TYPE streamgauge_open_subscriptions gauge\n",
        );
        for host in regions.all() {
            let settings = host.account().settings();
            let (account, region) = (&settings.account_id, &settings.region);
            let open = host.account().open_subscriptions();
            let _ = writeln!(
                page,
                "streamgauge_open_subscriptions{{account=\"{account}\",region=\"{region}\"}} {open}"
            );
        }
        page
    }
}
