//! How far a run may be believed, before any of its figures is read.
//!
//! One table holds every threshold; [`judge`] applies it to what the run knows about itself.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::facts::{Facts, HoldFacts};

/// How far a measurement may be believed.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Nothing speaks against it.
    #[default]
    Valid,
    /// Usable with the reasons in mind.
    Degraded,
    /// Not a measurement of the target.
    Void,
}

impl Status {
    /// The status as reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Degraded => "DEGRADED",
            Self::Void => "VOID",
        }
    }
}

/// One doubt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reason {
    /// How grave it is: degraded or void. Valid: worth telling, and nothing against the measurement.
    pub status: Status,
    /// The row of [`RULES`] that it comes from.
    pub code: Cow<'static, str>,
    /// The measured value and the threshold, in a sentence.
    pub text: String,
}

/// What a run says of itself. The worst reason decides.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst of the reasons; valid without one.
    pub status: Status,
    /// Every doubt, in the order of [`RULES`].
    pub reasons: Vec<Reason>,
}

/// What a rule's value is, for its text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// A share of 1, shown in percent.
    Share,
    /// A number of records.
    Records,
    /// A number of events.
    Events,
    /// A number of anything else.
    Count,
    /// A number of ledgers' sums that do not hold: 0 or 1.
    Broken,
}

impl Unit {
    /// A value or a threshold as a person reads it.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Microseconds => format!("{value:.2} us"),
            // Four digits behind the point: 1 of a million must not read as zero.
            Self::Share => format!("{} %", trim_zeros(&format!("{:.4}", value * 100.0))),
            Self::Records | Self::Events | Self::Count | Self::Broken => format!("{value:.0}"),
        }
    }
}

fn trim_zeros(text: &str) -> &str {
    text.trim_end_matches('0').trim_end_matches('.')
}

/// A row of the table of thresholds.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in reports.
    pub code: &'static str,
    /// What is looked at.
    pub description: &'static str,
    /// What its value is.
    pub unit: Unit,
    /// Above this the run is degraded.
    pub degraded_above: Option<f64>,
    /// Above this the run is void.
    pub void_above: Option<f64>,
    /// Why the threshold is there.
    pub why: &'static str,
    /// The value; `None` where there is nothing to judge.
    pub value: fn(&Facts) -> Option<f64>,
}

/// Lateness at or below this, in microseconds, is never held against a run: tokio's timers alone are 1.1 ms late.
pub const LATENESS_TOLERATED_US: u64 = 1_000;

/// The same of API calls, which are made beside each other by timers of a millisecond, on threads that they share with their
/// answers. A call of the service takes tens of milliseconds: of such a one this is a small part, and a target that answers
/// in less is told by `service_time`, which lateness is not in.
pub const CALL_LATENESS_TOLERATED_US: u64 = 5_000;

/// Lateness p99 may be this part of response time p99.
const LATENESS_SHARE: f64 = 0.1;

/// Lateness p99 as a part of response time p99; nothing when it is tolerated anyway.
fn lateness_share(facts: &Facts) -> Option<f64> {
    let response_us = facts.response_p99_us?;
    (facts.lateness_p99_us > facts.lateness_tolerated_us)
        .then(|| facts.lateness_p99_us as f64 / response_us.max(1) as f64)
}

/// The same of calls, where it is tolerated as theirs and would not be of records.
fn tolerated_of_calls(facts: &Facts) -> Option<f64> {
    let response_us = facts.response_p99_us?;
    let tolerated = LATENESS_TOLERATED_US + 1..=facts.lateness_tolerated_us;
    let share = facts.lateness_p99_us as f64 / response_us.max(1) as f64;
    tolerated.contains(&facts.lateness_p99_us).then_some(share)
}

/// Waiting for a bound of the producer's is not told unless it makes this part of the response time: a wait of microseconds
/// for a place that is about to be free is how a full pipe looks.
pub(super) const WAIT_MATERIAL: f64 = 0.1;

/// Rules that speak before their value speaks against the measurement: from above this value on they say what they see,
/// and the status stays.
pub const NOTED_ABOVE: [(&str, f64); 8] = [
    ("events_after_drain", 0.0),
    ("workers_not_done", 0.0),
    ("clock_unbounded", 0.0),
    ("call_lateness", LATENESS_SHARE),
    ("slots", 0.01),
    ("rate_limit", 0.01),
    ("order", 0.01),
    ("recording", RECORDING_SILENT_NOTED),
];

/// The share of the load after the end of a recording from which on that is told: the last records of one that fits leave a
/// little.
pub const RECORDING_SILENT_NOTED: f64 = 0.01;

/// Every threshold.
pub const RULES: [Rule; 28] = [
    Rule {
        code: "pacer_gap",
        description: "the longest time that a pacer did not run when it should have",
        unit: Unit::Milliseconds,
        degraded_above: Some(50.0),
        void_above: Some(100.0),
        why: "a generator that stands still sends a burst afterwards and measures its own pause",
        value: |facts| Some(facts.pacer_gap_us_max as f64 / 1e3),
    },
    Rule {
        code: "lateness",
        description: "lateness p99 of records or calls as a share of response time p99",
        unit: Unit::Share,
        degraded_above: Some(LATENESS_SHARE),
        void_above: Some(0.5),
        why: "response time counts from the intended time, so that what the generator was late is part of it",
        value: lateness_share,
    },
    Rule {
        code: "call_lateness",
        description: "lateness p99 of calls, of at most 5 ms, as a share of response time p99",
        unit: Unit::Share,
        degraded_above: None,
        void_above: None,
        why: "so short a response time is the instrument's as much as the target's; `service_time` is the target's alone",
        value: tolerated_of_calls,
    },
    Rule {
        code: "dropped_intents",
        description: "records or calls of the measurement window that the generator dropped, its queue full or itself behind, as a share",
        unit: Unit::Share,
        degraded_above: Some(0.0),
        void_above: Some(0.01),
        why: "the offered load was less than the scenario asked for",
        value: |facts| share(facts.dropped, facts.intended),
    },
    Rule {
        code: "clipped",
        description: "latencies above an hour, as a share",
        unit: Unit::Share,
        degraded_above: Some(0.0),
        void_above: Some(0.001),
        why: "the histogram ends at an hour: p99.9 and maxima are too low",
        value: |facts| share(facts.clipped, facts.latency_samples),
    },
    Rule {
        code: "cpu_steal",
        description: "processor time that the hypervisor gave to others, as a share",
        unit: Unit::Share,
        degraded_above: Some(0.05),
        void_above: Some(0.2),
        why: "the host stood still without knowing it",
        value: |facts| facts.cpu_steal_share,
    },
    Rule {
        code: "host_cpu",
        description: "processor time in use on this host while lateness was too high, as a share",
        unit: Unit::Share,
        degraded_above: Some(0.95),
        void_above: None,
        why: "near saturation the figures are the host's, not the target's",
        // A busy host that kept its schedule did no harm.
        value: |facts| {
            facts
                .host_cpu_share
                .filter(|_| lateness_share(facts) > Some(LATENESS_SHARE))
        },
    },
    Rule {
        code: "slots",
        description: "records or calls of the measurement window that waited for a free request slot, as a share",
        unit: Unit::Share,
        // Above, the median record's time begins to be the producer's. A target that stood still for a while is below.
        degraded_above: Some(0.4),
        void_above: None,
        why: "the load's own bound held it back, and response times are of both",
        value: |facts| {
            let slots = facts.slots.as_ref()?;
            (slots.response_share > WAIT_MATERIAL).then_some(slots.records_share)
        },
    },
    Rule {
        code: "rate_limit",
        description: "records of the measurement window that the producer's `send.rate_limit` held back, as a share",
        unit: Unit::Share,
        // What the scenario asks of a client is part of what is measured, as long as it is told.
        degraded_above: None,
        void_above: None,
        why: "this limit is the producer's own, not the stream's, and response times are of both",
        value: |facts| facts.rate_limit.as_ref()?.share(),
    },
    Rule {
        code: "order",
        description: "records of the measurement window that waited for the one before them of their key, as a share",
        unit: Unit::Share,
        degraded_above: None,
        void_above: None,
        why: "under `send.ordering = \"per-key\"` a key has one record under way at a time, however much the stream would take",
        value: |facts| facts.order.as_ref()?.share(),
    },
    Rule {
        code: "recording",
        description: "the share of the load that comes after the end of a recording that is played",
        unit: Unit::Share,
        // It is what the scenario says, if rarely what it means.
        degraded_above: None,
        void_above: None,
        why: "arrivals stop where a recording ends, and rates are means over the whole window",
        value: |facts| Some(facts.recording.as_ref()?.silent_share()),
    },
    Rule {
        code: "clock_step",
        description: "the smallest step of this host's clock",
        unit: Unit::Microseconds,
        degraded_above: Some(100.0),
        void_above: Some(10_000.0),
        why: "times that lie closer together cannot be told apart",
        value: |facts| Some(facts.clock_step_ns? as f64 / 1e3),
    },
    Rule {
        code: "clock_read",
        description: "what reading this host's clock takes",
        unit: Unit::Microseconds,
        degraded_above: Some(5.0),
        void_above: None,
        why: "it is read several times for each request; a virtual machine without the host's counter asks its kernel",
        value: |facts| Some(facts.clock_read_ns? as f64 / 1e3),
    },
    Rule {
        code: "trimmed_unread",
        description: "acknowledged records that were trimmed before a consumer read them",
        unit: Unit::Records,
        degraded_above: Some(0.0),
        void_above: None,
        why: "nobody can tell whether they would have been delivered",
        value: |facts| Some(facts.trimmed_unread as f64),
    },
    Rule {
        code: "unread",
        description: "acknowledged records that a consumer had not come to when the run ended",
        unit: Unit::Records,
        degraded_above: Some(0.0),
        void_above: None,
        why: "nobody can tell when, or whether, they would have been delivered; percentiles are of the others",
        value: |facts| Some(facts.unread as f64),
    },
    Rule {
        code: "unseen",
        description: "the last part of the window whose arrivals a reader of others' records did not come to, as a share",
        unit: Unit::Share,
        degraded_above: Some(0.0),
        void_above: Some(0.1),
        why: "rates count it as if nothing had come in it",
        value: |facts| Some(facts.unseen_share),
    },
    Rule {
        code: "shard_list",
        description: "streams whose open shards, as the target lists them, leave hash keys out or have them twice",
        unit: Unit::Count,
        degraded_above: Some(0.0),
        void_above: None,
        why: "what is in a shard that is not listed is neither read nor counted",
        value: |facts| Some(facts.flawed_shard_lists as f64),
    },
    Rule {
        code: "misplaced",
        description: "records that were delivered from another place than their acknowledgement named",
        unit: Unit::Records,
        degraded_above: Some(0.0),
        void_above: None,
        why: "the target's acknowledgements are not to be believed, and what is lost is found by them",
        value: |facts| Some(facts.misplaced as f64),
    },
    Rule {
        code: "negative_end_to_end",
        description: "end-to-end latencies below zero, as a share",
        unit: Unit::Share,
        degraded_above: Some(0.001),
        void_above: None,
        why: "producer and consumer clocks disagree",
        value: |facts| share(facts.end_to_end_negative, facts.end_to_end_samples),
    },
    Rule {
        code: "negative_delivery_delay",
        description: "delivery delays below zero, as a share",
        unit: Unit::Share,
        degraded_above: Some(0.001),
        void_above: None,
        why: "records came before the service says that they arrived: its clock is ahead of this host's",
        value: |facts| share(facts.delivery_delay_negative, facts.delivery_delay_samples),
    },
    Rule {
        code: "arrival_before_sent",
        description: "how far the median delivery delay is above the median end-to-end latency, of which it is a part",
        unit: Unit::Milliseconds,
        // Arrival times are whole milliseconds, and both are read off histograms of three digits.
        degraded_above: Some(2.0),
        void_above: None,
        why: "the service says that records arrived before they were sent: its clock is behind this host's",
        value: |facts| facts.arrival_early_ms,
    },
    Rule {
        code: "interrupted",
        description: "the share of the measurement window that an interruption cut off",
        unit: Unit::Share,
        degraded_above: Some(0.0),
        void_above: Some(0.999),
        why: "what was to be measured was not, or not for as long as was asked",
        value: |facts| Some(facts.cut_off_share),
    },
    Rule {
        code: "failed_events",
        description: "events of the scenario that the target refused or did not complete",
        unit: Unit::Events,
        degraded_above: None,
        void_above: Some(0.0),
        why: "what was asked about did not happen",
        value: |facts| Some(facts.failed_events as f64),
    },
    Rule {
        code: "events_after_drain",
        description: "events planned for the drain that did not happen",
        unit: Unit::Events,
        // The figures are of the window, which was over.
        degraded_above: None,
        void_above: None,
        why: "the drain was over before: it ends when every acknowledged record was delivered",
        value: |facts| Some(facts.events_after_drain as f64),
    },
    Rule {
        code: "stream_taken",
        description: "streams that the first worker deleted while this one was not done with them",
        unit: Unit::Count,
        degraded_above: None,
        void_above: Some(0.0),
        why: "what was refused or not read from then on says nothing of the target; give the workers one scenario and one start",
        value: |facts| Some(f64::from(u8::from(facts.stream_taken))),
    },
    Rule {
        code: "workers_not_done",
        description: "workers that did not say that they were done before the streams were deleted",
        unit: Unit::Count,
        degraded_above: None,
        void_above: None,
        why: "they never came, were late, or went away; this worker's own part is whole",
        value: |facts| Some(facts.workers_not_done.len() as f64),
    },
    Rule {
        code: "clock_unbounded",
        description: "clocks of this worker that were not held against the service's",
        unit: Unit::Count,
        degraded_above: None,
        void_above: None,
        why: "no probe is put into streams that were there before, or none came back; times between workers are as good as their clocks",
        value: |facts| Some(f64::from(u8::from(facts.clock_unbounded))),
    },
    Rule {
        code: "ledger",
        description: "ledgers whose sums do not hold",
        unit: Unit::Broken,
        degraded_above: None,
        void_above: Some(0.0),
        why: "records went where the instrument did not look",
        value: |facts| Some(if facts.ledgers_balance { 0.0 } else { 1.0 }),
    },
];

/// The code of [`few_samples`].
pub const FEW_SAMPLES: &str = "few_samples";

/// What is said of an SLO on a percentile that has `count` samples where `wanted` make one.
pub fn few_samples(metric: &str, count: u64, wanted: u64) -> Reason {
    Reason {
        status: Status::Degraded,
        code: Cow::Borrowed(FEW_SAMPLES),
        text: format!(
            "an SLO is on `{metric}`, which has {count} of the {wanted} samples that such a percentile takes; it is the highest \
             of them; measure for longer, or ask for a lower percentile"
        ),
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    // A part without a whole is a fault of the counting: all of it, rather than nothing.
    match (part, whole) {
        (0, 0) => None,
        (_, 0) => Some(1.0),
        _ => Some(part as f64 / whole as f64),
    }
}

/// What is known of the cause, to be said after a rule's reason; empty where nothing is.
fn cause(code: &str, facts: &Facts) -> String {
    match code {
        "slots" => facts.slots.as_ref().map_or_else(String::new, |slots| {
            format!(
                ": with `max_in_flight = {}` {} is the bottleneck, not the target alone",
                slots.max_in_flight, slots.whose
            )
        }),
        "rate_limit" => facts
            .rate_limit
            .as_ref()
            .map_or_else(String::new, bottleneck),
        "workers_not_done" => {
            let workers = facts.workers_not_done.iter();
            let workers: Vec<_> = workers.map(|worker| format!("worker {worker}")).collect();
            format!(" ({})", workers.join(", "))
        }
        "recording" => (facts.recording.as_ref()).map_or_else(String::new, |it| format!(": {it}")),
        "order" => facts.order.as_ref().map_or_else(String::new, bottleneck),
        "pacer_gap" | "lateness" => {
            let share = |text: &str, share: Option<f64>| {
                share.map(|share| format!("{text} {:.0} %", share * 100.0))
            };
            let known = [
                share(
                    "a sending thread stood ready without a processor for",
                    facts.sender_wait_share,
                )
                .map(|text| format!("{text} of the window")),
                share("the host was busy to", facts.host_cpu_share),
                share("this process took", facts.process_cpu_share),
                share("the hypervisor took", facts.cpu_steal_share),
                facts
                    .major_faults
                    .filter(|&faults| faults > 0)
                    .map(|faults| format!("{faults} page faults waited for a disk")),
            ];
            let known: Vec<_> = known.into_iter().flatten().collect();
            if known.is_empty() {
                String::new()
            } else {
                format!(" ({})", known.join(", "))
            }
        }
        _ => String::new(),
    }
}

fn bottleneck(hold: &HoldFacts) -> String {
    let producer = &hold.producer;
    format!(": producer `{producer}` is the bottleneck, not the target alone")
}

/// Applies [`RULES`] to `facts`.
pub fn judge(facts: &Facts) -> Verdict {
    let mut verdict = Verdict::default();
    for rule in &RULES {
        let Some(value) = (rule.value)(facts) else {
            continue;
        };
        let crossed = [
            (Status::Void, rule.void_above),
            (Status::Degraded, rule.degraded_above),
        ]
        .into_iter()
        .find_map(|(status, above)| above.filter(|&above| value > above).map(|a| (status, a)));
        let noted = NOTED_ABOVE
            .into_iter()
            .find(|(code, above)| *code == rule.code && value > *above);
        let told = crossed.or(noted.map(|(_, above)| (Status::Valid, above)));
        if let Some((status, above)) = told {
            verdict.status = verdict.status.max(status);
            verdict.reasons.push(Reason {
                status,
                code: Cow::Borrowed(rule.code),
                text: format!(
                    "{}: {}, above {}; {}{}",
                    rule.description,
                    rule.unit.show(value),
                    rule.unit.show(above),
                    rule.why,
                    cause(rule.code, facts)
                ),
            });
        }
    }
    verdict
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
