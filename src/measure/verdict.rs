//! How far a run may be believed, before any of its figures is read.
//!
//! One table holds every threshold; [`judge`] applies it to what the run knows about itself.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

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

/// What the run knows about itself. The default is a run without a fault and without data.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// The longest time that a pacer was away beyond what it meant to sleep, in microseconds.
    pub pacer_gap_us_max: u64,
    /// The 99th percentile of lateness over all producers, in microseconds.
    pub lateness_p99_us: u64,
    /// The 99th percentile of response time; `None` when nothing was acked.
    pub response_p99_us: Option<u64>,
    /// Records that the schedule asked for in the measurement window.
    pub intended: u64,
    /// Of those: dropped because the queue was full or the generator too far behind.
    pub dropped: u64,
    /// Latencies recorded, of all kinds.
    pub latency_samples: u64,
    /// Of those: above an hour.
    pub clipped: u64,
    /// End-to-end latencies recorded.
    pub end_to_end_samples: u64,
    /// Of those: below zero.
    pub end_to_end_negative: u64,
    /// Share of processor time that the hypervisor gave to others, 0 to 1; `None` where it cannot be read.
    pub cpu_steal_share: Option<f64>,
    /// Share of the host's processor time in use during the measurement window, 0 to 1; `None` where it cannot be read.
    pub host_cpu_share: Option<f64>,
    /// Acked records that were trimmed before a consumer read them, over all consumers.
    pub trimmed_unread: u64,
    /// The share of the measurement window that an interruption cut off, 0 to 1.
    pub cut_off_share: f64,
    /// Events of the scenario that the target refused, or that should have been complete and were not.
    pub failed_events: u64,
    /// Whether the sums of every ledger hold.
    pub ledgers_balance: bool,
    /// Share of the host's processor time that this process took, 0 to 1; `None` where it cannot be read.
    pub process_cpu_share: Option<f64>,
    /// The longest that a thread which sends stood ready without a processor, as a share of the measurement window;
    /// `None` where it cannot be read.
    pub sender_wait_share: Option<f64>,
    /// Page faults in the window that waited for a disk; `None` where they cannot be read.
    pub major_faults: Option<u64>,
    /// The smallest step of the clock, in nanoseconds; `None` where time is virtual.
    pub clock_step_ns: Option<u64>,
    /// What reading the clock costs, in nanoseconds; `None` as above.
    pub clock_read_ns: Option<u64>,
    /// The producer whose records waited most for a request slot.
    pub slots: Option<SlotFacts>,
    /// The producer of whose records `send.rate_limit` held most back.
    pub rate_limit: Option<HoldFacts>,
    /// The producer of whose records most waited for one before them (`send.ordering = "per-key"`).
    pub order: Option<HoldFacts>,
    /// The recording that covers least of the load, of those that end before it does.
    pub recording: Option<RecordingFacts>,
}

/// How much of the load a recording covers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RecordingFacts {
    /// Who plays it: `producers.web`.
    pub player: String,
    /// When its last record comes, in seconds from the start of the load.
    pub ends_s: f64,
    /// How long the load is, in seconds; not below `ends_s`.
    pub load_s: f64,
}

impl RecordingFacts {
    /// The share of the load that comes after the recording's end, 0 to 1.
    pub fn silent_share(&self) -> f64 {
        1.0 - self.ends_s / self.load_s
    }
}

impl fmt::Display for RecordingFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the recording that `{}` plays ends {:.3} s after the start of a load of {} s, {:.1} % of it",
            self.player,
            self.ends_s,
            self.load_s,
            (1.0 - self.silent_share()) * 100.0
        )
    }
}

/// How far a producer held its records back because the scenario has it so.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HoldFacts {
    /// The producer.
    pub producer: String,
    /// Records of the measurement window that were held back, as a share of those intended.
    pub records_share: f64,
    /// All the time that they waited, as a share of all response time.
    pub response_share: f64,
}

impl HoldFacts {
    /// The share of records, where their waits are material.
    fn share(&self) -> Option<f64> {
        (self.response_share > WAIT_MATERIAL).then_some(self.records_share)
    }
}

/// How far a producer's `max_in_flight` held its load back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SlotFacts {
    /// The producer.
    pub producer: String,
    /// Requests that each of its workers may have under way.
    pub max_in_flight: u32,
    /// Records of the measurement window that waited for a slot, as a share of those intended.
    pub records_share: f64,
    /// All the time that they waited, as a share of all response time.
    pub response_share: f64,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            pacer_gap_us_max: 0,
            lateness_p99_us: 0,
            response_p99_us: None,
            intended: 0,
            dropped: 0,
            latency_samples: 0,
            clipped: 0,
            end_to_end_samples: 0,
            end_to_end_negative: 0,
            cpu_steal_share: None,
            host_cpu_share: None,
            trimmed_unread: 0,
            cut_off_share: 0.0,
            failed_events: 0,
            ledgers_balance: true,
            process_cpu_share: None,
            sender_wait_share: None,
            major_faults: None,
            clock_step_ns: None,
            clock_read_ns: None,
            slots: None,
            rate_limit: None,
            order: None,
            recording: None,
        }
    }
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
            Self::Records | Self::Events | Self::Broken => format!("{value:.0}"),
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

/// Lateness p99 may be this part of response time p99.
const LATENESS_SHARE: f64 = 0.1;

/// Lateness p99 as a part of response time p99; nothing when it is tolerated anyway.
fn lateness_share(facts: &Facts) -> Option<f64> {
    let response_us = facts.response_p99_us?;
    (facts.lateness_p99_us > LATENESS_TOLERATED_US)
        .then(|| facts.lateness_p99_us as f64 / response_us.max(1) as f64)
}

/// Waiting for a bound of the producer's is not told unless it makes this part of the response time: a wait of microseconds
/// for a place that is about to be free is how a full pipe looks.
const WAIT_MATERIAL: f64 = 0.1;

/// Rules that speak before their value speaks against the measurement: from above this value on they say what they see,
/// and the status stays.
pub const NOTED_ABOVE: [(&str, f64); 4] = [
    ("slots", 0.01),
    ("rate_limit", 0.01),
    ("order", 0.01),
    ("recording", RECORDING_SILENT_NOTED),
];

/// The share of the load after the end of a recording from which on that is told: the last records of one that fits leave a
/// little.
pub const RECORDING_SILENT_NOTED: f64 = 0.01;

/// Every threshold.
pub const RULES: [Rule; 17] = [
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
        description: "records of the measurement window that waited for a free request slot, as a share",
        unit: Unit::Share,
        // Above, the median record's time begins to be the producer's. A target that stood still for a while is below.
        degraded_above: Some(0.4),
        void_above: None,
        why: "the producer's own bound held the load back, and response times are of both",
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
        code: "negative_end_to_end",
        description: "end-to-end latencies below zero, as a share",
        unit: Unit::Share,
        degraded_above: Some(0.001),
        void_above: None,
        why: "producer and consumer clocks disagree",
        value: |facts| share(facts.end_to_end_negative, facts.end_to_end_samples),
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
        code: "ledger",
        description: "ledgers whose sums do not hold",
        unit: Unit::Broken,
        degraded_above: None,
        void_above: Some(0.0),
        why: "records went where the instrument did not look",
        value: |facts| Some(if facts.ledgers_balance { 0.0 } else { 1.0 }),
    },
];

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
                ": with `max_in_flight = {}` producer `{}` is the bottleneck, not the target alone",
                slots.max_in_flight, slots.producer
            )
        }),
        "rate_limit" => facts
            .rate_limit
            .as_ref()
            .map_or_else(String::new, bottleneck),
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
mod tests {
    use super::*;

    fn codes(facts: &Facts) -> Vec<(Status, String)> {
        judge(facts)
            .reasons
            .into_iter()
            .map(|reason| (reason.status, reason.code.into_owned()))
            .collect()
    }

    fn slots(records_share: f64, response_share: f64) -> SlotFacts {
        SlotFacts {
            producer: "web".to_owned(),
            max_in_flight: 32,
            records_share,
            response_share,
        }
    }

    fn hold(records_share: f64, response_share: f64) -> HoldFacts {
        HoldFacts {
            producer: "web".to_owned(),
            records_share,
            response_share,
        }
    }

    fn recording(ends_s: f64) -> RecordingFacts {
        RecordingFacts {
            player: "producers.web".to_owned(),
            ends_s,
            load_s: 10.0,
        }
    }

    #[test]
    fn a_recording_that_ends_early_is_told_with_what_it_covers() {
        let verdict = judge(&Facts {
            recording: Some(recording(4.2)),
            ..good()
        });
        let text = &verdict.reasons[0].text;
        let told = ": the recording that `producers.web` plays ends 4.200 s after the start of a load of 10 s, 42.0 % of it";
        assert!(text.ends_with(told), "{text}");
    }

    #[test]
    fn a_full_set_of_slots_is_said_to_be_the_bottleneck_and_leaves_the_measurement_valid() {
        let verdict = judge(&Facts {
            slots: Some(slots(0.31, 0.5)),
            ..good()
        });
        assert_eq!(verdict.status, Status::Valid);
        let [reason] = &verdict.reasons[..] else {
            panic!("{verdict:?}")
        };
        for part in [
            "slot, as a share: 31 %",
            "`max_in_flight = 32`",
            "`web`",
            "bottleneck",
        ] {
            assert!(reason.text.contains(part), "{}", reason.text);
        }
    }

    #[test]
    fn what_calls_can_break_too_is_not_said_of_records_alone() {
        for code in ["lateness", "dropped_intents"] {
            let rule = RULES.iter().find(|rule| rule.code == code);
            let text = rule.map_or("", |rule| rule.description);
            assert!(text.contains("records or calls"), "{code}: {text}");
        }
    }

    #[test]
    fn what_is_known_of_the_cause_of_lateness_is_said_with_it() {
        let facts = Facts {
            lateness_p99_us: 1_100,
            sender_wait_share: Some(0.12),
            host_cpu_share: Some(0.9),
            process_cpu_share: Some(0.4),
            major_faults: Some(3),
            ..good()
        };
        let text = &judge(&facts).reasons[0].text;
        let cause = "(a sending thread stood ready without a processor for 12 % of the window, the host was busy to 90 %, \
                     this process took 40 %, the hypervisor took 1 %, 3 page faults waited for a disk)";
        assert!(text.ends_with(cause), "{text}");
    }

    fn good() -> Facts {
        Facts {
            response_p99_us: Some(10_000),
            intended: 100_000,
            latency_samples: 400_000,
            end_to_end_samples: 100_000,
            cpu_steal_share: Some(0.01),
            host_cpu_share: Some(0.5),
            ..Facts::default()
        }
    }

    #[test]
    fn a_run_without_a_fault_is_valid_with_and_without_data() {
        assert_eq!(judge(&good()), Verdict::default());
        assert_eq!(judge(&Facts::default()).status, Status::Valid);
    }

    #[test]
    fn each_threshold_is_crossed_only_above_its_value() {
        use Status::{Degraded, Void};
        type Change = fn(&mut Facts);
        let rows: [(&str, Option<Status>, Change); 41] = [
            ("pacer_gap", None, |f| f.pacer_gap_us_max = 50_000),
            ("pacer_gap", Some(Degraded), |f| f.pacer_gap_us_max = 50_100),
            ("pacer_gap", Some(Degraded), |f| {
                f.pacer_gap_us_max = 100_000;
            }),
            ("pacer_gap", Some(Void), |f| f.pacer_gap_us_max = 500_000),
            ("lateness", None, |f| f.lateness_p99_us = 1_000),
            ("lateness", Some(Degraded), |f| f.lateness_p99_us = 1_100),
            ("lateness", Some(Void), |f| f.lateness_p99_us = 5_100),
            ("lateness", None, |f| {
                // Within the millisecond, even against a faster answer.
                f.lateness_p99_us = 900;
                f.response_p99_us = Some(1_000);
            }),
            ("dropped_intents", Some(Degraded), |f| f.dropped = 1),
            ("dropped_intents", Some(Degraded), |f| f.dropped = 1_000),
            ("dropped_intents", Some(Void), |f| f.dropped = 1_001),
            ("clipped", Some(Degraded), |f| f.clipped = 1),
            ("clipped", Some(Void), |f| f.clipped = 401),
            ("cpu_steal", None, |f| f.cpu_steal_share = Some(0.05)),
            ("cpu_steal", Some(Degraded), |f| {
                f.cpu_steal_share = Some(0.06);
            }),
            ("cpu_steal", Some(Void), |f| f.cpu_steal_share = Some(0.21)),
            ("host_cpu", None, |f| f.host_cpu_share = Some(1.0)),
            ("failed_events", Some(Void), |f| f.failed_events = 1),
            ("interrupted", Some(Degraded), |f| f.cut_off_share = 0.4),
            ("interrupted", Some(Void), |f| f.cut_off_share = 1.0),
            ("host_cpu", None, |f| f.host_cpu_share = None),
            ("trimmed_unread", Some(Degraded), |f| f.trimmed_unread = 1),
            ("negative_end_to_end", None, |f| f.end_to_end_negative = 100),
            ("negative_end_to_end", Some(Degraded), |f| {
                f.end_to_end_negative = 101;
            }),
            ("slots", None, |f| f.slots = Some(slots(0.9, 0.1))),
            ("slots", None, |f| f.slots = Some(slots(0.01, 0.9))),
            ("slots", Some(Status::Valid), |f| {
                f.slots = Some(slots(0.31, 0.5));
            }),
            ("slots", Some(Degraded), |f| {
                f.slots = Some(slots(0.41, 0.5));
            }),
            ("rate_limit", None, |f| f.rate_limit = Some(hold(0.9, 0.1))),
            ("rate_limit", Some(Status::Valid), |f| {
                f.rate_limit = Some(hold(1.0, 0.9));
            }),
            ("order", None, |f| f.order = Some(hold(0.01, 0.9))),
            ("order", Some(Status::Valid), |f| {
                f.order = Some(hold(0.02, 0.9));
            }),
            ("recording", None, |f| f.recording = Some(recording(9.91))),
            ("recording", Some(Status::Valid), |f| {
                f.recording = Some(recording(9.8));
            }),
            ("clock_step", None, |f| f.clock_step_ns = Some(100_000)),
            ("clock_step", Some(Degraded), |f| {
                f.clock_step_ns = Some(1_000_000);
            }),
            ("clock_step", Some(Void), |f| {
                f.clock_step_ns = Some(15_600_000);
            }),
            ("clock_read", None, |f| f.clock_read_ns = Some(4_000)),
            ("clock_read", Some(Degraded), |f| {
                f.clock_read_ns = Some(6_000);
            }),
            ("ledger", None, |f| f.ledgers_balance = true),
            ("ledger", Some(Void), |f| f.ledgers_balance = false),
        ];
        for (code, status, change) in rows {
            let mut facts = good();
            change(&mut facts);
            let expected: Vec<_> = status
                .map(|status| (status, code.to_owned()))
                .into_iter()
                .collect();
            assert_eq!(codes(&facts), expected, "{code} {facts:?}");
        }
    }

    #[test]
    fn a_saturated_host_is_named_as_the_cause_of_lateness_and_left_alone_without_any() {
        let mut facts = Facts {
            host_cpu_share: Some(0.96),
            ..good()
        };
        assert_eq!(codes(&facts), []);
        facts.lateness_p99_us = 1_100;
        let named: Vec<_> = codes(&facts).into_iter().map(|(_, code)| code).collect();
        assert_eq!(named, ["lateness", "host_cpu"]);
    }

    #[test]
    fn the_worst_reason_decides_and_all_are_told() {
        let facts = Facts {
            dropped: 1,
            ledgers_balance: false,
            ..good()
        };
        let verdict = judge(&facts);
        assert_eq!(verdict.status, Status::Void);
        assert_eq!(verdict.reasons.len(), 2);
        assert!(
            verdict.reasons[0].text.contains("0.001 %, above 0 %"),
            "{}",
            verdict.reasons[0].text
        );
        let text = serde_json::to_string(&verdict).unwrap();
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
        assert!(text.contains("\"VOID\""));
    }
}
