//! Whether a side enforces the limits of shards. An engine that refuses what the other one takes is not slower or faster than
//! it: the two do different work.

use serde::{Deserialize, Serialize};

use crate::kinesis::operation::{CreateStream, PutApi};
use crate::kinesis::record::{PutBatch, PutEntry};
use crate::kinesis::{HashKey, StreamName};
use crate::target::{CallError, Existence, Target};

/// What a side was seen to do with a load that no shard of the service takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "limits", content = "reason")]
pub enum Regime {
    /// It refused some of it by a limit.
    Enforced,
    /// It took all of it.
    NotEnforced,
    /// It could not be found out, and why.
    Unknown(String),
}

impl Regime {
    /// What people read.
    pub fn describe(&self) -> String {
        match self {
            Self::Enforced => "enforces the limits of shards".to_owned(),
            Self::NotEnforced => "does not enforce the limits of shards".to_owned(),
            Self::Unknown(reason) => {
                format!("could not be asked whether it enforces the limits of shards: {reason}")
            }
        }
    }
}

/// Why two regimes cannot be compared; nothing when they can, or it is not known.
pub fn unlike(base: &Regime, new: &Regime) -> Option<String> {
    use Regime::{Enforced, NotEnforced};
    matches!(
        (base, new),
        (Enforced, NotEnforced) | (NotEnforced, Enforced)
    )
    .then(|| {
        format!(
            "unlike limit regimes: base {}, new {}; start both with the same limits",
            base.describe(),
            new.describe()
        )
    })
}

/// Four records in one call, each below 1 MiB, make about 3 MiB for one shard, which takes 1 MiB in a second (AWS, Kinesis
/// quotas, read 2026-11): with the limit at least one of them is refused.
const RECORDS: usize = 4;
const RECORD_BYTES: usize = 800_000;
/// How long a probe's stream may take to be gone.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Finds out by a stream of its own, which it deletes. `stream` must be no stream of the scenario.
///
/// # Errors
/// When nobody answers.
pub async fn probe(target: &Target, stream: StreamName) -> Result<Regime, CallError> {
    let create = CreateStream {
        stream: stream.clone(),
        shards: 1,
        max_record_bytes: 1 << 20,
    };
    match target.create_stream(&create, 24).await {
        Ok(_) => {}
        Err(error) if error.is_unreachable() => return Err(error),
        Err(error) => return Ok(Regime::Unknown(format!("CreateStream: {error}"))),
    }
    let data = vec![b'x'; RECORD_BYTES];
    let mut batch = PutBatch::new();
    for _ in 0..RECORDS {
        batch.push(PutEntry {
            partition_key: "probe",
            data: &data,
            explicit_hash_key: Some(HashKey(0)),
        });
    }
    let mut results = Vec::new();
    let put = target
        .put(PutApi::PutRecords, stream.as_str(), &batch, &mut results)
        .await;
    let regime = match put {
        Ok(_)
            if results
                .iter()
                .any(|result| result.as_ref().is_err_and(|error| error.code.is_throttle())) =>
        {
            Regime::Enforced
        }
        Ok(_) if results.iter().all(Result::is_ok) => Regime::NotEnforced,
        Ok(_) => Regime::Unknown("PutRecords refused records for another reason".to_owned()),
        Err(error) if error.is_throttle() => Regime::Enforced,
        Err(error) => Regime::Unknown(format!("PutRecords: {error}")),
    };
    let ended = target
        .end_stream(stream.as_str(), Existence::Certain, PATIENCE)
        .await;
    Ok(match ended {
        Ok(()) => regime,
        Err(error) => Regime::Unknown(format!("DeleteStream: {error}")),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::Clock;
    use crate::host::{Host, Settings};
    use crate::kinesis::{Delays, Limits};

    async fn regime(limits: Limits) -> Regime {
        let settings = Settings {
            account_id: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            limits,
            max_memory_bytes: 1 << 28,
        };
        let host = Arc::new(Host::new(settings, Delays::none(), Clock::real(), 1));
        let target = Target::Embedded(Arc::clone(&host));
        let name: StreamName = "gate-probe".parse().unwrap();
        let regime = probe(&target, name).await.unwrap();
        assert_eq!(target.find_stream("gate-probe").await, Ok(None));
        regime
    }

    #[tokio::test]
    async fn an_engine_with_limits_is_told_from_one_without() {
        let with = regime(Limits::aws()).await;
        let without = regime(Limits::off()).await;
        assert_eq!((&with, &without), (&Regime::Enforced, &Regime::NotEnforced));
        let told = unlike(&with, &without).unwrap();
        assert!(
            told.contains("base enforces") && told.contains("new does not"),
            "{told}"
        );
        assert_eq!(unlike(&with, &with), None);
        assert_eq!(unlike(&with, &Regime::Unknown(String::new())), None);
    }
}
