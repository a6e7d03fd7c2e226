//! What stands between a run and somebody's AWS account: whose account it is, which region, which streams, how much of
//! them. Each rule is a plain function; [`meet`] asks the service what the rules need to know.

use std::time::Duration;

use crate::kinesis::api::{ApiCall, Effect};
use crate::kinesis::arn::{StreamArn, partition};
use crate::kinesis::{StreamName, endpoint};
use crate::scenario::Scenario;
use crate::scenario::model::{Action, Consumer, ConsumerKind, Event, Producer, Stream};
use crate::scenario::targets::TargetSpec;
use crate::target::sdk::{ControlError, Identity, Sdk};

/// Readers of an existing stream call each of its shards this often at most, all of them together: a fifth of what the
/// shard's other readers share.
const READS_PER_S_MAX: f64 = 1.0;
/// Bytes per second that they take of a shard, all of them together: a quarter of 2 MiB.
pub const READ_BYTES_PER_S_MAX: u64 = 512 << 10;

/// Where a target says that its runs happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pins {
    /// The account's 12 digits.
    pub account: String,
    /// The region.
    pub region: String,
}

/// What the command line allows on streams that were there before, by their ARNs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Permits {
    /// Streams that may be written to.
    pub write: Vec<String>,
    /// Streams that may be resharded.
    pub reshard: Vec<String>,
}

/// Why a run does not begin.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The target does not say where it is.
    #[error(
        "`{target}` pins no {missing}: write `{missing} = \"{example}\"` into `[targets.{target}]` of streamgauge.toml"
    )]
    NotPinned {
        /// The target.
        target: String,
        /// `account` or `region`.
        missing: &'static str,
        /// What it looks like.
        example: &'static str,
    },
    /// Its URL is of another region than it pins.
    #[error(
        "`{target}` pins the region {pinned}, but its url `{url}` is of {other}: correct one of them"
    )]
    UrlRegion {
        /// The target.
        target: String,
        /// What it pins.
        pinned: String,
        /// Its URL.
        url: String,
        /// The region in the URL.
        other: String,
    },
    /// The credentials are of another account.
    #[error(
        "the credentials belong to account {found} ({arn}), but the target pins {pinned}: use other credentials, or \
         another target"
    )]
    Account {
        /// What the target pins.
        pinned: String,
        /// What STS said.
        found: String,
        /// Who calls, by STS.
        arn: String,
    },
    /// The service names another account or region than the target pins.
    #[error(
        "the service says `{arn}`, but the target pins account {} and region {}: nothing was sent to it", pins.account, pins.region
    )]
    Elsewhere {
        /// A stream's ARN by the service.
        arn: String,
        /// What the target pins.
        pins: Pins,
    },
    /// An existing stream would be written to.
    #[error(
        "`producers.{producer}` writes to `{arn}`, which was there before: allow it with `--allow-write {arn}`"
    )]
    Write {
        /// Who writes.
        producer: String,
        /// To which stream.
        arn: String,
    },
    /// An existing stream would be written to, or changed, by a load of API calls.
    #[error(
        "`calls.{calls}` calls {operation} on `{arn}`, which was there before: allow it with `--allow-write {arn}`"
    )]
    Call {
        /// The load.
        calls: String,
        /// The operation.
        operation: ApiCall,
        /// On which stream.
        arn: String,
    },
    /// A load of API calls would read an existing stream, without any share of what its readers have.
    #[error(
        "`calls.{calls}` calls GetRecords on `{arn}`, which was there before: read it with a consumer, which keeps to a \
         share of what its other readers have"
    )]
    CallsRead {
        /// The load.
        calls: String,
        /// Which stream.
        arn: String,
    },
    /// An existing stream would be resharded.
    #[error(
        "`events.{event}` reshards `{arn}`, which was there before: allow it with `--allow-reshard {arn}`"
    )]
    Reshard {
        /// The event.
        event: String,
        /// Which stream.
        arn: String,
    },
    /// An existing stream's other readers would be starved.
    #[error(
        "the consumers of `{arn}` call each shard {reads} times a second, and an existing stream grants them one in \
         all: set `interval` of each to {wanted} s or more"
    )]
    Reads {
        /// Which stream.
        arn: String,
        /// Calls per second and shard, rounded.
        reads: String,
        /// The shortest interval in seconds if all have the same.
        wanted: usize,
    },
    /// A permit for a stream that the scenario does not use as an existing one.
    #[error(
        "`{flag} {arn}` names no stream that the scenario declares with `existing = true` in this account and region"
    )]
    Permit {
        /// The flag.
        flag: &'static str,
        /// The ARN that was given.
        arn: String,
    },
    /// It would cost too much.
    #[error(
        "the run may cost {estimate}, and at most {cap} is allowed: make it smaller, or allow more with `--max-cost USD`"
    )]
    Cost {
        /// The estimate, with its unit.
        estimate: String,
        /// The cap, with its unit.
        cap: String,
    },
    /// The service did not answer what must be known.
    #[error("failed to {0}")]
    Service(#[from] ControlError),
}

impl Refusal {
    /// Whether the files or the command line are incomplete, rather than that something was refused.
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::NotPinned { .. } | Self::Permit { .. })
    }
}

impl Pins {
    /// Those of a target.
    ///
    /// # Errors
    /// [`Refusal::NotPinned`], [`Refusal::UrlRegion`].
    pub fn of(spec: &TargetSpec) -> Result<Self, Refusal> {
        let missing = |missing, example| Refusal::NotPinned {
            target: spec.name.clone(),
            missing,
            example,
        };
        let account = spec.account.clone();
        let account = account.ok_or_else(|| missing("account", "123456789012"))?;
        let region = spec.region.clone();
        let region = region.ok_or_else(|| missing("region", "eu-central-1"))?;
        if let Some(url) = &spec.url
            && let Some(other) = region_of_url(url)
            && other != region
        {
            return Err(Refusal::UrlRegion {
                target: spec.name.clone(),
                pinned: region,
                url: url.clone(),
                other,
            });
        }
        Ok(Self { account, region })
    }

    /// The ARN of a stream there.
    pub fn arn(&self, stream: &StreamName) -> String {
        let arn = StreamArn {
            partition: partition(&self.region).to_owned(),
            ..StreamArn::new(&self.region, &self.account, stream.clone())
        };
        arn.to_string()
    }

    /// Whether the caller is of the pinned account.
    ///
    /// # Errors
    /// [`Refusal::Account`].
    pub fn check_caller(&self, caller: &Identity) -> Result<(), Refusal> {
        // Both are held against the pin: a service that contradicts itself is not AWS.
        let in_arn = caller.arn.split(':').nth(4);
        if caller.account == self.account && in_arn == Some(self.account.as_str()) {
            return Ok(());
        }
        Err(Refusal::Account {
            pinned: self.account.clone(),
            found: caller.account.clone(),
            arn: caller.arn.clone(),
        })
    }

    /// Whether the service's ARN of a stream is of the pinned account and region.
    ///
    /// # Errors
    /// [`Refusal::Elsewhere`].
    pub fn check_arn(&self, arn: &str) -> Result<(), Refusal> {
        let parsed: Option<StreamArn> = arn.parse().ok();
        match parsed {
            Some(parsed) if parsed.account == self.account && parsed.region == self.region => {
                Ok(())
            }
            _ => Err(Refusal::Elsewhere {
                arn: arn.to_owned(),
                pins: self.clone(),
            }),
        }
    }
}

/// The region in the host of an AWS endpoint: `kinesis.eu-west-1.amazonaws.com`, `vpce-1.kinesis.eu-west-1.vpce...`. Names
/// of hosts have no case (RFC 4343): it is told in small letters, as regions are written.
fn region_of_url(url: &str) -> Option<String> {
    let host = endpoint::host_of_url(url).to_ascii_lowercase();
    let mut labels = host.split('.');
    labels
        .find(|label| label.starts_with("kinesis") || label.ends_with("-kinesis"))
        .and_then(|_| labels.next())
        .filter(|_| endpoint::is_aws_url(url))
        .map(str::to_owned)
}

/// Asks who calls, and where the service believes itself to be, before anything is made there.
///
/// # Errors
/// Any mismatch with `pins`, or an answer that does not come.
pub async fn meet(sdk: &Sdk, pins: &Pins, creates: bool) -> Result<Identity, Refusal> {
    let caller = sdk.caller().await?;
    pins.check_caller(&caller)?;
    if creates {
        for arn in sdk.some_arns().await? {
            pins.check_arn(&arn)?;
        }
    }
    Ok(caller)
}

/// Holds what the scenario does with existing streams against what the command line allows. All refusals, in the order
/// of names.
pub fn check_existing(scenario: &Scenario, pins: &Pins, permits: &Permits) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let existing = || scenario.streams.values().filter(|stream| stream.existing);
    for stream in existing() {
        let arn = pins.arn(&stream.name);
        refusals.extend(writes(scenario, stream, &arn, permits));
        refusals.extend(reshards(scenario, stream, &arn, permits));
        refusals.extend(calls(scenario, stream, &arn, permits));
        refusals.extend(reads(scenario, stream, arn));
    }
    let known = |arn: &String| existing().any(|stream| pins.arn(&stream.name) == *arn);
    for (flag, arns) in [
        ("--allow-write", &permits.write),
        ("--allow-reshard", &permits.reshard),
    ] {
        let unknown = arns.iter().filter(|arn| !known(arn));
        refusals.extend(unknown.map(|arn| Refusal::Permit {
            flag,
            arn: arn.clone(),
        }));
    }
    refusals
}

fn writes(scenario: &Scenario, stream: &Stream, arn: &str, permits: &Permits) -> Vec<Refusal> {
    if permits.write.iter().any(|allowed| allowed == arn) {
        return Vec::new();
    }
    let producers = scenario
        .producers
        .values()
        .filter(|producer| producer.stream == stream.name);
    let refusal = |producer: &Producer| Refusal::Write {
        producer: producer.name.clone(),
        arn: arn.to_owned(),
    };
    producers.map(refusal).collect()
}

/// What loads of API calls may not do to an existing stream. A mix cannot reshard or delete, and what must be refused
/// changes nothing.
fn calls(scenario: &Scenario, stream: &Stream, arn: &str, permits: &Permits) -> Vec<Refusal> {
    let may_write = permits.write.iter().any(|allowed| allowed == arn);
    let loads = scenario.calls.values();
    let loads = loads.filter(|load| load.stream() == Some(&stream.name));
    let made = loads.flat_map(|load| load.calls().into_iter().map(move |call| (load, call)));
    made.filter_map(|(load, operation)| match operation.effect() {
        Effect::Look | Effect::LookAround => None,
        Effect::Read => Some(Refusal::CallsRead {
            calls: load.name.clone(),
            arn: arn.to_owned(),
        }),
        _ => (!may_write).then(|| Refusal::Call {
            calls: load.name.clone(),
            operation,
            arn: arn.to_owned(),
        }),
    })
    .collect()
}

fn reshards(scenario: &Scenario, stream: &Stream, arn: &str, permits: &Permits) -> Vec<Refusal> {
    if permits.reshard.iter().any(|allowed| allowed == arn) {
        return Vec::new();
    }
    let reshards = |action: &Action| match action {
        Action::SplitShard { .. }
        | Action::MergeShards { .. }
        | Action::UpdateShardCount { .. } => true,
        Action::Stall { .. } | Action::ThrottleStorm { .. } | Action::ResetConnections => false,
    };
    let events = scenario
        .events
        .values()
        .filter(|event| event.stream == stream.name && reshards(&event.action));
    let refusal = |event: &Event| Refusal::Reshard {
        event: event.name.clone(),
        arn: arn.to_owned(),
    };
    events.map(refusal).collect()
}

fn reads(scenario: &Scenario, stream: &Stream, arn: String) -> Option<Refusal> {
    let intervals: Vec<Duration> = scenario
        .consumers
        .values()
        .filter(|consumer| consumer.stream == stream.name)
        .filter_map(|consumer| match consumer.kind {
            ConsumerKind::Polling { interval, .. } => Some(interval),
            // What it is pushed comes from nobody's share.
            ConsumerKind::FanOut { .. } => None,
        })
        .collect();
    let reads: f64 = intervals
        .iter()
        .map(|interval| 1.0 / interval.as_secs_f64())
        .sum();
    // Three readers of 3 s are one call a second, whatever floats make of it.
    (reads > READS_PER_S_MAX * (1.0 + 1e-9)).then(|| Refusal::Reads {
        arn,
        reads: if reads.is_finite() {
            format!("{reads:.1}")
        } else {
            "any number of".to_owned()
        },
        wanted: intervals.len(),
    })
}

/// Gives the readers of existing streams their share of the bytes: a page that brought more is followed by a longer wait.
pub fn restrain(scenario: &mut Scenario) {
    for stream in scenario.streams.values().filter(|stream| stream.existing) {
        let shares =
            |consumer: &Consumer| consumer.stream == stream.name && !consumer.kind.is_fan_out();
        let readers = scenario
            .consumers
            .values()
            .filter(|consumer| shares(consumer))
            .count();
        for consumer in scenario.consumers.values_mut() {
            if shares(consumer) {
                consumer.max_bytes_per_s = Some(READ_BYTES_PER_S_MAX / readers.max(1) as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::targets::TargetKind;
    use crate::scenario::{Source, load};

    const ARN: &str = "arn:aws:kinesis:eu-west-1:111122223333:stream/orders";

    fn pins() -> Pins {
        Pins {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
        }
    }

    fn spec(account: Option<&str>, region: Option<&str>, url: Option<&str>) -> TargetSpec {
        TargetSpec {
            account: account.map(str::to_owned),
            region: region.map(str::to_owned),
            url: url.map(str::to_owned),
            ..TargetSpec::of_kind("prod", TargetKind::Aws)
        }
    }

    fn scenario(consumers: &str) -> Scenario {
        let text = format!(
            r#"
            schema = 1
            name = "guarded"
            time = {{ measure = "5s" }}
            [streams.orders]
            shards = 1
            existing = true
            [producers.web]
            arrival = {{ kind = "constant", rate = "1/s" }}
            keys = {{ kind = "single" }}
            size = {{ kind = "fixed", bytes = "100B" }}
            payload = {{ kind = "random", stamp = "none" }}
            [events.split]
            at = "measure+1s"
            do = "split-shard"
            shard = "widest"
            {consumers}
            "#
        );
        let path = "guarded.toml".to_owned();
        load(&Source { path, text }, &[]).unwrap().scenario
    }

    #[test]
    fn a_target_without_account_or_region_says_what_to_write() {
        let refused = Pins::of(&spec(None, Some("eu-west-1"), None)).unwrap_err();
        assert!(refused.is_usage());
        assert!(
            refused.to_string().contains("`account = \"123456789012\"`"),
            "{refused}"
        );
        let refused = Pins::of(&spec(Some("111122223333"), None, None)).unwrap_err();
        assert!(refused.is_usage() && refused.to_string().contains("region ="));
    }

    #[test]
    fn a_url_of_another_region_is_refused_and_one_of_no_region_is_not() {
        let with = |url| Pins::of(&spec(Some("111122223333"), Some("eu-west-1"), Some(url)));
        for url in [
            "https://kinesis.eu-west-1.amazonaws.com",
            "https://kinesis-fips.eu-west-1.api.aws",
            "http://127.0.0.1:4567",
            "https://kinesis.example.com",
        ] {
            assert_eq!(with(url), Ok(pins()), "{url}");
        }
        for url in [
            "https://kinesis.us-east-1.amazonaws.com:443/",
            "https://vpce-1.kinesis.us-east-1.vpce.amazonaws.com",
            "https://111122223333.data-kinesis.us-east-1.amazonaws.com",
            "https://Kinesis.us-east-1.amazonaws.com",
            "HTTPS://KINESIS.US-EAST-1.AMAZONAWS.COM",
        ] {
            assert!(matches!(with(url), Err(Refusal::UrlRegion { .. })), "{url}");
        }
    }

    #[test]
    fn a_caller_or_a_stream_of_another_account_or_region_is_refused() {
        let caller = |account: &str, arn: &str| Identity {
            arn: arn.to_owned(),
            account: account.to_owned(),
        };
        let mine = caller("111122223333", "arn:aws:iam::111122223333:user/me");
        assert_eq!(pins().check_caller(&mine), Ok(()));
        for other in [
            caller("999999999999", "arn:aws:iam::999999999999:user/me"),
            caller("111122223333", "arn:aws:iam::999999999999:user/me"),
            caller("111122223333", "me"),
        ] {
            assert!(pins().check_caller(&other).is_err(), "{other:?}");
        }
        assert_eq!(pins().check_arn(ARN), Ok(()));
        for arn in [
            "arn:aws:kinesis:us-east-1:111122223333:stream/orders",
            "arn:aws:kinesis:eu-west-1:999999999999:stream/orders",
            "orders",
            "",
        ] {
            assert!(pins().check_arn(arn).is_err(), "{arn}");
        }
    }

    #[test]
    fn an_existing_stream_is_written_and_resharded_with_a_permit_each() {
        let scenario = scenario("");
        let refusals = |write: &[&str], reshard: &[&str]| {
            let own = |arns: &[&str]| arns.iter().map(|&arn| arn.to_owned()).collect();
            let permits = Permits {
                write: own(write),
                reshard: own(reshard),
            };
            let refusals = check_existing(&scenario, &pins(), &permits);
            let texts: Vec<_> = refusals.iter().map(ToString::to_string).collect();
            texts.join("\n")
        };
        let all = refusals(&[], &[]);
        assert!(all.contains(&format!("--allow-write {ARN}")), "{all}");
        assert!(all.contains(&format!("--allow-reshard {ARN}")), "{all}");
        assert!(!refusals(&[ARN], &[]).contains("--allow-write"));
        assert!(!refusals(&[], &[ARN]).contains("--allow-reshard"));
        assert_eq!(refusals(&[ARN], &[ARN]), "");
        let other = refusals(&[&ARN.replace("orders", "others")], &[ARN]);
        assert!(other.contains("names no stream"), "{other}");
        assert!(other.contains(&format!("--allow-write {ARN}")), "{other}");
    }

    #[test]
    fn calls_that_change_an_existing_stream_need_a_permit_and_reads_are_left_to_consumers() {
        let mix = |mix: &str| {
            let table = format!(
                "[calls.admin]\narrival = {{ kind = \"constant\", rate = \"1/s\" }}\nmix = {{ {mix} }}\n"
            );
            scenario(&table)
        };
        let refused = |mix_text: &str, write: &[&str]| {
            let permits = Permits {
                write: write.iter().map(|&arn| arn.to_owned()).collect(),
                reshard: vec![ARN.to_owned()],
            };
            let refusals = check_existing(&mix(mix_text), &pins(), &permits);
            let of_calls = refusals.iter().map(ToString::to_string);
            of_calls.filter(|text| text.contains("calls.admin")).count()
        };
        assert_eq!(
            refused("ListShards = 1, \"PutRecord:missing-stream\" = 1", &[]),
            0
        );
        assert_eq!(refused("PutRecord = 1, TagResource = 1", &[]), 2);
        assert_eq!(refused("PutRecord = 1, TagResource = 1", &[ARN]), 0);
        assert_eq!(refused("GetRecords = 1", &[ARN]), 1);
    }

    #[test]
    fn readers_of_an_existing_stream_share_one_call_a_second_and_a_quarter_of_the_bytes() {
        let readers = |intervals: &[&str]| {
            let tables = intervals.iter().enumerate().map(|(number, interval)| {
                format!("[consumers.c{number}]\nkind = \"polling\"\ninterval = \"{interval}\"\n")
            });
            scenario(&tables.collect::<String>())
        };
        let reads = |intervals: &[&str]| {
            let refusals = check_existing(&readers(intervals), &pins(), &Permits::default());
            refusals
                .into_iter()
                .any(|refusal| matches!(refusal, Refusal::Reads { .. }))
        };
        assert!(!reads(&["1s"]) && !reads(&["3s", "3s", "3s"]));
        assert!(reads(&["999ms"]) && reads(&["1s", "60s"]));
        let mut two = readers(&["2s", "2s"]);
        restrain(&mut two);
        assert_eq!(two.consumers["c1"].max_bytes_per_s, Some(262_144));
    }
}
