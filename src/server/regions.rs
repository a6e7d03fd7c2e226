//! The hosts: one for each region of each account that was asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::ServerSettings;
use crate::base::Clock;
use crate::host::{Host, Settings};

/// Regions that a server keeps, of all accounts together: anybody may name a new one.
pub(super) const REGIONS_MAX: usize = 256;
/// Where requests go whose signature names no region.
pub(super) const REGION_DEFAULT: &str = "us-east-1";

/// Hosts by account and region.
type Hosts = BTreeMap<Box<str>, BTreeMap<Box<str>, Arc<Host>>>;

/// Hosts by account and region, each made when it is first asked for.
#[derive(Debug)]
pub(super) struct Regions {
    hosts: RwLock<Hosts>,
    clock: Clock,
}

/// A region's name as a signature gives it, or the default one.
pub(super) fn region_of(scope_region: &str) -> &str {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if (1..=32).contains(&scope_region.len()) && scope_region.bytes().all(plain) {
        scope_region
    } else {
        REGION_DEFAULT
    }
}

impl Regions {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            hosts: RwLock::default(),
            clock,
        }
    }

    /// The host of an account's region, if there is one already.
    pub(super) fn known(&self, account_id: &str, region: &str) -> Option<Arc<Host>> {
        let known = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        find(&known, account_id, region)
    }

    /// The host of an account's region; `None` when there are too many that hold something.
    pub(super) fn host(
        &self,
        settings: &ServerSettings,
        account_id: &str,
        region: &str,
    ) -> Option<Arc<Host>> {
        if let Some(host) = self.known(account_id, region) {
            return Some(host);
        }
        let mut known = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = find(&known, account_id, region) {
            return Some(host);
        }
        if count(&known) >= REGIONS_MAX {
            drop_unused(&mut known);
        }
        if count(&known) >= REGIONS_MAX {
            return None;
        }
        let regions = known.entry(account_id.into()).or_default();
        let host = regions.entry(region.into()).or_insert_with(|| {
            let account = Settings {
                account_id: account_id.to_owned(),
                region: region.to_owned(),
                limits: settings.limits.clone(),
                max_memory_bytes: settings.max_memory_bytes,
            };
            Arc::new(Host::new(
                account,
                settings.delays.clone(),
                self.clock,
                settings.seed,
            ))
        });
        Some(Arc::clone(host))
    }

    /// Lets the region that holds most give up its oldest records while all together hold more than `bytes_max`. A
    /// region alone keeps that limit by itself.
    pub(super) fn keep_memory(&self, bytes_max: u64) {
        let known = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        if count(&known) < 2 {
            return;
        }
        loop {
            let held = known.values().flat_map(BTreeMap::values).map(|host| {
                let memory = host.account().memory();
                (memory.log_bytes + memory.pool_bytes, host)
            });
            let (mut sum, mut most) = (0, None::<(u64, &Arc<Host>)>);
            for (bytes, host) in held {
                sum += bytes;
                if most.is_none_or(|(known, _)| known < bytes) {
                    most = Some((bytes, host));
                }
            }
            let Some((_, host)) = most.filter(|_| sum > bytes_max) else {
                return;
            };
            if !host.account().give_up(self.clock.now(), sum - bytes_max) {
                return;
            }
        }
    }

    /// The host of every region that was asked for, by account and region.
    pub(super) fn all(&self) -> Vec<Arc<Host>> {
        let known = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        known
            .values()
            .flat_map(BTreeMap::values)
            .map(Arc::clone)
            .collect()
    }
}

fn find(hosts: &Hosts, account_id: &str, region: &str) -> Option<Arc<Host>> {
    Some(Arc::clone(hosts.get(account_id)?.get(region)?))
}

fn count(hosts: &Hosts) -> usize {
    hosts.values().map(BTreeMap::len).sum()
}

/// Drops the hosts that hold nothing and that nobody asks at the moment.
fn drop_unused(hosts: &mut Hosts) {
    for regions in hosts.values_mut() {
        // Who has no other owner gets none meanwhile: owners are made under the lock that is held here.
        regions.retain(|_, host| Arc::strong_count(host) > 1 || !host.is_blank());
    }
    hosts.retain(|_, regions| !regions.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::base::clock::virtual_runtime;
    use crate::kinesis::operation::CreateStream;
    use crate::kinesis::record::PutEntry;
    use crate::kinesis::{Limits, PutBatch};

    const ONE: &str = "111122223333";

    async fn make_stream(host: &Host) {
        let request = CreateStream {
            stream: "s".parse().unwrap(),
            shards: 1,
            max_record_bytes: 1 << 20,
        };
        host.create_stream(&request).await.unwrap();
    }

    #[test]
    fn a_region_keeps_its_host_and_the_number_of_those_that_hold_something_is_bounded() {
        virtual_runtime().unwrap().block_on(async {
            let regions = Regions::new(Clock::virtual_from(Timestamp::ZERO));
            let settings = ServerSettings::default();
            let first = regions.host(&settings, ONE, "eu-west-1").unwrap();
            let again = regions.host(&settings, ONE, "eu-west-1").unwrap();
            assert!(Arc::ptr_eq(&first, &again));
            make_stream(&first).await;
            for number in 1..REGIONS_MAX {
                let account = format!("{number:012}");
                let host = regions.host(&settings, &account, "eu-west-1").unwrap();
                make_stream(&host).await;
            }
            assert!(regions.host(&settings, ONE, "one-more").is_none());
            assert!(regions.host(&settings, ONE, "eu-west-1").is_some());
        });
    }

    #[test]
    fn hosts_that_hold_nothing_make_room_and_those_with_a_stream_or_a_stall_stay() {
        virtual_runtime().unwrap().block_on(async {
            let clock = Clock::virtual_from(Timestamp::ZERO);
            let (regions, settings) = (Regions::new(clock), ServerSettings::default());
            let [stream, stalled] = ["with-a-stream", "with-a-stall"]
                .map(|region| regions.host(&settings, ONE, region).unwrap());
            make_stream(&stream).await;
            stalled.stall_until(Timestamp::from_secs(9));
            let kept = [Arc::as_ptr(&stream), Arc::as_ptr(&stalled)];
            drop((stream, stalled));
            for number in 1..3 * REGIONS_MAX {
                let account = format!("{number:012}");
                assert!(regions.host(&settings, &account, "eu-west-1").is_some());
            }
            let found = ["with-a-stream", "with-a-stall"]
                .map(|region| Arc::as_ptr(&regions.known(ONE, region).unwrap()));
            assert_eq!(found, kept);
            assert!(regions.all().len() <= REGIONS_MAX);
        });
    }

    #[test]
    fn all_regions_together_keep_the_memory_limit_and_the_largest_gives_up_its_oldest() {
        virtual_runtime().unwrap().block_on(async {
            let regions = Regions::new(Clock::virtual_from(Timestamp::ZERO));
            let settings = ServerSettings {
                max_memory_bytes: 16 << 20,
                limits: Limits::off(),
                ..ServerSettings::default()
            };
            let mut batch = PutBatch::new();
            let data = vec![7; 1 << 19];
            batch.push(PutEntry {
                partition_key: "k",
                explicit_hash_key: None,
                data: &data,
            });
            let mut results = Vec::new();
            // Each of them puts as much as all may hold, one after another.
            for number in 0..20 {
                let account = format!("{number:012}");
                let host = regions.host(&settings, &account, "eu-west-1").unwrap();
                make_stream(&host).await;
                for _ in 0..32 {
                    host.put_record("s", &batch, &mut results).await.unwrap();
                    regions.keep_memory(settings.max_memory_bytes);
                    let held = regions.all().iter().fold(0, |sum, host| {
                        let memory = host.account().memory();
                        sum + memory.log_bytes + memory.pool_bytes
                    });
                    assert!(held <= settings.max_memory_bytes, "{held}");
                }
                // Whoever holds the most gives up, and so whoever comes last is not the one that is left with nothing.
                assert!(host.account().memory().log_bytes > 0);
            }
        });
    }

    #[test]
    fn two_accounts_share_no_region() {
        let regions = Regions::new(Clock::real());
        let settings = ServerSettings::default();
        let accounts = [ONE, "444455556666"];
        for account in accounts {
            let host = regions.host(&settings, account, "eu-west-1").unwrap();
            assert_eq!(host.account().settings().account_id, account);
        }
        assert_eq!(regions.all().len(), 2);
    }

    #[test]
    fn what_is_no_region_is_the_default_one() {
        for text in ["", "US EAST", "a/b", &"x".repeat(33)] {
            assert_eq!(region_of(text), REGION_DEFAULT);
        }
        assert_eq!(region_of("cn-north-1"), "cn-north-1");
    }
}
