//! The hosts: one for each region that was asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::ServerSettings;
use crate::base::Clock;
use crate::host::{Host, Settings};

/// Regions that a server keeps; AWS has fewer.
const REGIONS_MAX: usize = 64;
/// Where requests go whose signature names no region.
const REGION_DEFAULT: &str = "us-east-1";

/// Hosts by region, each made when it is first asked for.
#[derive(Debug)]
pub(super) struct Regions {
    hosts: RwLock<BTreeMap<Box<str>, Arc<Host>>>,
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

    /// The region's host; `None` when there are too many regions.
    pub(super) fn host(&self, settings: &ServerSettings, region: &str) -> Option<Arc<Host>> {
        let known = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = known.get(region) {
            return Some(Arc::clone(host));
        }
        drop(known);
        let mut known = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REGIONS_MAX && !known.contains_key(region) {
            return None;
        }
        let host = known.entry(region.into()).or_insert_with(|| {
            let account = Settings {
                account_id: settings.account_id.clone(),
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

    /// Every region that was asked for.
    pub(super) fn all(&self) -> Vec<(Box<str>, Arc<Host>)> {
        let known = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .map(|(region, host)| (region.clone(), Arc::clone(host)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_keeps_its_host_and_their_number_is_bounded() {
        let regions = Regions::new(Clock::real());
        let settings = ServerSettings::default();
        let first = regions.host(&settings, "eu-west-1").unwrap();
        assert!(Arc::ptr_eq(
            &first,
            &regions.host(&settings, "eu-west-1").unwrap()
        ));
        for number in 1..REGIONS_MAX {
            assert!(regions.host(&settings, &format!("r-{number}")).is_some());
        }
        assert!(regions.host(&settings, "one-more").is_none());
        assert!(regions.host(&settings, "eu-west-1").is_some());
    }

    #[test]
    fn what_is_no_region_is_the_default_one() {
        for text in ["", "US EAST", "a/b", &"x".repeat(33)] {
            assert_eq!(region_of(text), REGION_DEFAULT);
        }
        assert_eq!(region_of("cn-north-1"), "cn-north-1");
    }
}
