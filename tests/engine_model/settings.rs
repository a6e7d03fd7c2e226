//! Settings of the stream: tags, metrics, policy, encryption, mode, record size.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use streamgauge::kinesis::ErrorCode;
use streamgauge::kinesis::operation::{EncryptionType, ShardMetric, StreamMode};

use crate::model::Change;
use crate::pair::Pair;
use crate::{MIB, STREAM, at};

/// Fewer than on the service, so that they are reached.
pub(crate) const TAGS_MAX: usize = 3;

const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";

impl Pair {
    pub(crate) fn tag(&mut self, key: u8, value: u8) -> Result<(), TestCaseError> {
        let now = at(self.now);
        let (key, value) = (format!("key{key}"), value.to_string());
        let tags = BTreeMap::from([(key.clone(), value.clone())]);
        let got = if value.len() > 1 {
            self.account.tag_resource(now, ARN, &tags)
        } else {
            self.account.add_tags_to_stream(now, STREAM, &tags)
        };
        let known = &mut self.model.tags;
        if known.contains_key(&key) || known.len() < TAGS_MAX {
            known.insert(key, value);
            prop_assert!(got.is_ok(), "{:?}", got);
        } else {
            let error = got.expect_err("there are enough");
            prop_assert_eq!(error.code, ErrorCode::InvalidArgument);
        }
        self.compare_tags()
    }

    pub(crate) fn untag(&mut self, key: u8) -> Result<(), TestCaseError> {
        let keys = [format!("key{key}"), "unknown".to_owned()];
        let got = self
            .account
            .remove_tags_from_stream(at(self.now), STREAM, &keys);
        prop_assert!(got.is_ok(), "{:?}", got);
        self.model.tags.remove(&keys[0]);
        self.compare_tags()
    }

    fn compare_tags(&self) -> Result<(), TestCaseError> {
        let now = at(self.now);
        let by_arn = self.account.list_tags_for_resource(now, ARN);
        prop_assert_eq!(by_arn.as_ref(), Ok(&self.model.tags));
        let page = self
            .account
            .list_tags_for_stream(now, STREAM, Some(2), None)
            .expect("it is there");
        let known: Vec<_> = self.model.tags.clone().into_iter().collect();
        prop_assert_eq!(page.has_more, known.len() > 2);
        prop_assert_eq!(&page.tags[..], &known[..known.len().min(2)]);
        Ok(())
    }

    pub(crate) fn monitor(&mut self, metrics: u8, on: bool) -> Result<(), TestCaseError> {
        let chosen: Vec<_> = ShardMetric::ALL
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| metrics >> bit & 1 == 1)
            .map(|(_, metric)| metric)
            .collect();
        let now = at(self.now);
        let got = if on {
            self.account
                .enable_enhanced_monitoring(now, STREAM, &chosen)
        } else {
            self.account
                .disable_enhanced_monitoring(now, STREAM, &chosen)
        };
        if !self.is_active() {
            prop_assert_eq!(got.expect_err("it changes").code, ErrorCode::ResourceInUse);
            return Ok(());
        }
        let before: Vec<_> = self.model.metrics.iter().copied().collect();
        for metric in chosen {
            if on {
                self.model.metrics.insert(metric);
            } else {
                self.model.metrics.remove(&metric);
            }
        }
        let after: Vec<_> = self.model.metrics.iter().copied().collect();
        let levels = got.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!((levels.current, levels.desired), (before, after));
        Ok(())
    }

    fn is_active(&self) -> bool {
        self.model.pending.is_none()
    }

    pub(crate) fn encrypt(&mut self, on: bool, takes: u64) -> Result<(), TestCaseError> {
        let (now, takes_for) = (at(self.now), Duration::from_nanos(takes));
        let got = if on {
            self.account
                .start_stream_encryption(now, takes_for, STREAM, "key")
        } else {
            self.account.stop_stream_encryption(now, takes_for, STREAM)
        };
        prop_assert_eq!(got.is_ok(), self.is_active(), "{:?}", got);
        if got.is_ok() {
            self.begin(takes, Change::Encrypt(on));
        }
        let kind = self.account.encryption_type(STREAM);
        prop_assert_eq!(kind == EncryptionType::Kms, self.model.encrypted);
        Ok(())
    }

    pub(crate) fn switch_mode(&mut self, on_demand: bool, takes: u64) -> Result<(), TestCaseError> {
        let mode = if on_demand {
            StreamMode::OnDemand
        } else {
            StreamMode::Provisioned
        };
        let takes_for = Duration::from_nanos(takes);
        let got = self
            .account
            .update_stream_mode(at(self.now), takes_for, STREAM, mode, None);
        prop_assert_eq!(got.is_ok(), self.is_active(), "{:?}", got);
        if got.is_ok() && on_demand != self.model.on_demand {
            self.begin(takes, Change::Mode { on_demand });
        }
        // A switch changes no shard.
        let summary = self
            .account
            .describe_stream_summary(at(self.now), STREAM)
            .expect("it is there");
        let is_on_demand = summary.configuration.mode == StreamMode::OnDemand;
        prop_assert_eq!(is_on_demand, self.model.on_demand);
        prop_assert_eq!(summary.open_shards as usize, self.model.open().len());
        Ok(())
    }

    pub(crate) fn resize_records(&mut self, mib: u64) -> Result<(), TestCaseError> {
        let got = self
            .account
            .update_max_record_size(at(self.now), STREAM, mib << 20);
        let allowed = (1..=10).contains(&mib) && self.is_active();
        prop_assert_eq!(got.is_ok(), allowed, "{:?}", got);
        if allowed {
            self.model.record_mib = mib;
            let capacity = self.model.byte_capacity();
            for shard in &mut self.model.shards {
                shard.write_bytes.resize(capacity, self.now);
            }
        }
        // What a GetRecords answer holds does not grow with it.
        prop_assert!(self.model.byte_capacity() <= 10 * MIB);
        Ok(())
    }

    pub(crate) fn set_policy(&mut self, number: Option<u8>) -> Result<(), TestCaseError> {
        let now = at(self.now);
        if let Some(number) = number {
            let policy = format!(r#"{{"Id":"{number}"}}"#);
            let got = self.account.put_resource_policy(now, ARN, &policy);
            prop_assert!(got.is_ok(), "{:?}", got);
            self.model.policy = Some(policy);
        } else {
            let got = self.account.delete_resource_policy(now, ARN);
            prop_assert_eq!(got.is_ok(), self.model.policy.is_some(), "{:?}", got);
            self.model.policy = None;
        }
        let got = self.account.get_resource_policy(now, ARN);
        prop_assert_eq!(got.ok(), self.model.policy.clone());
        Ok(())
    }
}
