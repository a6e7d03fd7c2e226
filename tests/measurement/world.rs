//! How these tests run scenarios and look into the engine afterwards.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use streamgauge::base::{Clock, Timestamp, clock};
use streamgauge::host::{Host, Settings};
use streamgauge::kinesis::operation::{IteratorPosition, ShardFilter};
use streamgauge::kinesis::{SequenceNumber, ShardId};
use streamgauge::measure::progress::Progress;
use streamgauge::measure::{ConsumerLedger, LatencyHistogram, LatencyKind, ProducerLedger, Status};
use streamgauge::report::build::{self, Inputs};
use streamgauge::report::{Document, World};
use streamgauge::run::{Controls, Outcome, Session};
use streamgauge::scenario::{Loaded, Source, load};
use streamgauge::target::scripted::{Deeds, Journal};
use streamgauge::target::{Script, Scripted, Target};
use streamgauge::workload::Stamp;
use tokio::sync::watch;

/// When virtual time begins.
pub(crate) const EPOCH: Timestamp = Timestamp::from_secs(1_735_689_600);

/// The run's number in stamps.
pub(crate) const RUN: u32 = 77;

static HOST: RwLock<()> = RwLock::new(());

/// Held by a test in real time: no other test of this file runs beside it.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    HOST.write().unwrap_or_else(PoisonError::into_inner)
}

/// Held by tests in virtual time: they may run beside each other.
pub(crate) fn beside() -> RwLockReadGuard<'static, ()> {
    HOST.read().unwrap_or_else(PoisonError::into_inner)
}

/// One record as the engine stored it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct StoredRecord {
    pub(crate) producer: u16,
    pub(crate) worker: u16,
    pub(crate) sequence: u64,
    pub(crate) key: String,
    pub(crate) bytes: usize,
    pub(crate) intended: Timestamp,
    pub(crate) shard: ShardId,
    pub(crate) sequence_number: SequenceNumber,
}

/// A run that is over.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) document: Document,
    /// What the scripted target did, in all and to whom; nothing for the embedded one.
    pub(crate) deeds: Deeds,
    pub(crate) journal: Journal,
    /// Everything that the engine holds afterwards, shard by shard in order.
    pub(crate) stored: Vec<StoredRecord>,
}

/// A scenario with the stream `orders`, the producer `web` and the consumer `billing`, which reads every `interval`.
/// `producer` is the producer's lines, `rest` whatever else the file says.
pub(crate) fn scenario(
    time: &str,
    shards: u32,
    producer: &str,
    interval: &str,
    rest: &str,
) -> Loaded {
    let text = format!(
        r#"
schema = 1
name = "test"
time = {time}

[streams.orders]
shards = {shards}

[producers.web]
{producer}

[consumers.billing]
kind = "polling"
interval = "{interval}"

{rest}
"#
    );
    let source = Source {
        path: "test.toml".to_owned(),
        text,
    };
    load(&source, &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Runs in virtual time, interrupted so long after the start of warm-up where that is asked for.
pub(crate) fn simulate(
    loaded: &Loaded,
    script: Option<Script>,
    interrupt: Option<Duration>,
) -> Ran {
    let runtime = clock::virtual_runtime().expect("a runtime without sockets");
    runtime.block_on(async {
        let clock = Clock::virtual_from(EPOCH);
        run(loaded, clock, script, interrupt).await
    })
}

/// Runs in real time on the embedded engine.
pub(crate) fn run_for_real(loaded: &Loaded) -> Ran {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let loaded = loaded.clone();
    runtime.block_on(async {
        let task = tokio::spawn(async move { run(&loaded, Clock::real(), None, None).await });
        task.await.expect("a run ends")
    })
}

async fn run(
    loaded: &Loaded,
    clock: Clock,
    script: Option<Script>,
    interrupt: Option<Duration>,
) -> Ran {
    let scenario = &loaded.scenario;
    let settings = Settings {
        account_id: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        limits: scenario.engine.limits.clone(),
        max_memory_bytes: scenario.engine.max_memory_bytes,
    };
    let host = Host::new(
        settings,
        scenario.engine.delays.clone(),
        clock,
        scenario.seed,
    );
    let target = match script {
        None => Target::Embedded(Arc::new(host)),
        Some(script) => Target::Scripted(Arc::new(Scripted::new(host, script, scenario.seed))),
    };
    let session = Session {
        scenario: scenario.clone(),
        run: RUN,
        clock,
        target: target.clone(),
        trace: None,
        hosts: None,
    };
    let (cancel_sender, cancel) = watch::channel(false);
    let (started, mut begun) = watch::channel(None);
    let controls = Controls {
        cancel,
        progress: Arc::new(Progress::default()),
        started: Arc::new(started),
    };
    let canceller = tokio::spawn(async move {
        if let Some(after) = interrupt
            && let Ok(start) = begun.wait_for(Option::is_some).await.map(|start| *start)
        {
            clock
                .sleep_until(start.unwrap_or_default().plus(after))
                .await;
            cancel_sender.send_replace(true);
        } else {
            // The run outlives this task's end of the tie otherwise.
            std::future::pending::<()>().await;
        }
    });
    let outcome = Box::pin(session.run(controls))
        .await
        .unwrap_or_else(|problem| panic!("{problem}"));
    canceller.abort();
    let document = build::document(&Inputs {
        scenario,
        text: &loaded.text,
        world: if clock.is_virtual() {
            World::Simulated
        } else {
            World::Embedded
        },
        outcome: &outcome,
        environment: None,
        target: None,
    });
    let (deeds, journal) = match &target {
        Target::Scripted(scripted) => (scripted.deeds(), scripted.journal()),
        _ => Default::default(),
    };
    let stored = read_back(target.host().expect("the engine is in this process")).await;
    Ran {
        outcome,
        document,
        deeds,
        journal,
        stored,
    }
}

/// Everything that `orders` holds, asked from the engine itself and not through the target.
async fn read_back(host: &Host) -> Vec<StoredRecord> {
    let (shards, more) = host
        .list_shards("orders", ShardFilter::FromTrimHorizon, None)
        .await
        .expect("the stream is there");
    assert!(!more, "one page lists the shards of a test");
    let mut stored = Vec::new();
    for shard in shards {
        let mut next = host
            .get_shard_iterator("orders", shard.shard, IteratorPosition::TrimHorizon)
            .await
            .ok();
        while let Some(iterator) = next {
            let page = match host.get_records(&iterator, Some(10_000)).await {
                Ok(page) => page,
                Err(refusal) if refusal.code.is_throttle() => {
                    host.clock().sleep(Duration::from_millis(250)).await;
                    next = Some(iterator);
                    continue;
                }
                Err(refusal) => panic!("{refusal}"),
            };
            for record in &page.records {
                let stamp = Stamp::read(record.data).expect("the engine keeps what it was given");
                assert_eq!(stamp.run, RUN);
                stored.push(StoredRecord {
                    producer: stamp.producer,
                    worker: stamp.worker,
                    sequence: stamp.sequence,
                    key: record.partition_key.to_owned(),
                    bytes: record.data.len(),
                    intended: stamp.intended,
                    shard: shard.shard,
                    sequence_number: record.sequence_number,
                });
            }
            let at_tip = page.records.is_empty() && page.millis_behind_latest == 0;
            next = page.next_iterator.filter(|_| !at_tip);
        }
    }
    stored
}

impl Ran {
    /// The producer's ledger, both phases together.
    pub(crate) fn produced(&self) -> ProducerLedger {
        let [warm_up, measure] = self.outcome.producers["web"].ledgers;
        let mut total = warm_up;
        total.merge(&measure);
        assert!(warm_up.balances() && measure.balances() && total.balances());
        total
    }

    /// The consumer's ledger of the whole run.
    pub(crate) fn consumed(&self) -> ConsumerLedger {
        let (phases, total) = self.outcome.consumers["billing"]
            .ledger
            .as_ref()
            .expect("the records are stamped");
        assert!(total.balances(), "{total:?}");
        assert!(phases.values().all(ConsumerLedger::balances));
        *total
    }

    /// What the measurement window saw of one kind of latency; empty where it never happened.
    pub(crate) fn latency(&self, kind: LatencyKind) -> LatencyHistogram {
        let producer = &self.outcome.producers["web"].totals;
        let consumer = &self.outcome.consumers["billing"].report.totals;
        let found = producer
            .latencies
            .get(&kind)
            .or(consumer.latencies.get(&kind));
        found.cloned().unwrap_or_default()
    }

    /// The codes of the reasons that speak against the measurement; what is only worth knowing is not among them.
    pub(crate) fn doubts(&self) -> Vec<&str> {
        let reasons = self.document.verdict.reasons.iter();
        let against = reasons.filter(|reason| reason.status > Status::Valid);
        against.map(|reason| reason.code.as_ref()).collect()
    }

    /// Stored records by shard, in the order of the shard.
    pub(crate) fn by_shard(&self) -> BTreeMap<ShardId, Vec<&StoredRecord>> {
        let mut shards: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for record in &self.stored {
            shards.entry(record.shard).or_default().push(record);
        }
        shards
    }
}

/// The histogram of these latencies.
pub(crate) fn histogram(values: impl IntoIterator<Item = Duration>) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for value in values {
        histogram.record_nanos(i64::try_from(value.as_nanos()).expect("latencies of a test"));
    }
    histogram
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
