//! The price list, as dated as it is.

use serde::Deserialize;

use crate::report::cost::PriceList;

/// The list's text. Parsed by a test, so that a slip in it does not reach anybody.
const TEXT: &str = include_str!("prices.toml");

/// What the service costs, in USD.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Where these prices hold.
    pub region: String,
    /// When the list was made, as `2026-11-23`.
    pub date: String,
    /// Other regions where they hold.
    pub same_in: Vec<String>,
    /// What to multiply them with for regions without a list; a guess on the dear side.
    pub elsewhere_factor: f64,
    /// Streams whose capacity is a number of shards.
    pub provisioned: Provisioned,
    /// Streams that scale by themselves (on-demand standard).
    pub on_demand: OnDemand,
    /// What costs the same in both modes.
    pub any_mode: AnyMode,
}

/// Prices of provisioned streams.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provisioned {
    /// An open shard for an hour.
    pub shard_hour: f64,
    /// A million PUT payload units.
    pub million_put_units: f64,
    /// What a shard-hour costs more while records are kept for more than 24 h.
    pub retention_shard_hour: f64,
    /// A GB read that was kept for more than 7 days.
    pub long_retention_gb_read: f64,
    /// A registered consumer's shard for an hour.
    pub consumer_shard_hour: f64,
    /// A GB that a registered consumer is pushed.
    pub fan_out_gb: f64,
}

/// Prices of on-demand streams.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnDemand {
    /// A stream for an hour.
    pub stream_hour: f64,
    /// A GB put, each record rounded up to 1 KB.
    pub gb_in: f64,
    /// A GB read.
    pub gb_out: f64,
    /// A GB that a registered consumer is pushed.
    pub fan_out_gb: f64,
    /// A GB kept for a month between 24 h and 7 days.
    pub retention_gb_month: f64,
}

/// Prices that do not depend on the mode.
#[derive(Clone, Copy, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnyMode {
    /// A GB kept for a month beyond 7 days.
    pub long_retention_gb_month: f64,
}

impl Prices {
    /// The list that the program carries.
    ///
    /// # Panics
    /// Never: a test parses the same text.
    pub fn shipped() -> Self {
        toml::from_str(TEXT).expect("the shipped price list is parsed by a test")
    }

    /// For a region: the list where it holds, and the dear guess elsewhere, which its name then says.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        if self.region == region || self.same_in.iter().any(|same| same == region) {
            return self;
        }
        let factor = self.elsewhere_factor;
        self.region = format!("{region}, guessed as {factor} x {}", self.region);
        let Self {
            provisioned,
            on_demand,
            any_mode,
            ..
        } = &mut self;
        for price in [
            &mut provisioned.shard_hour,
            &mut provisioned.million_put_units,
            &mut provisioned.retention_shard_hour,
            &mut provisioned.long_retention_gb_read,
            &mut provisioned.consumer_shard_hour,
            &mut provisioned.fan_out_gb,
            &mut on_demand.stream_hour,
            &mut on_demand.gb_in,
            &mut on_demand.gb_out,
            &mut on_demand.fan_out_gb,
            &mut on_demand.retention_gb_month,
            &mut any_mode.long_retention_gb_month,
        ] {
            *price *= factor;
        }
        self
    }

    /// Which list this is, for reports.
    pub fn list(&self) -> PriceList {
        PriceList {
            region: self.region.clone(),
            date: self.date.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_without_a_list_is_priced_dearer_and_says_so() {
        let shipped = Prices::shipped();
        assert_eq!(shipped.clone().in_region("us-east-1"), shipped);
        assert_eq!(shipped.clone().in_region("us-east-2"), shipped);
        let guessed = shipped.clone().in_region("sa-east-1");
        assert_eq!(guessed.list().region, "sa-east-1, guessed as 3 x us-east-1");
        assert!(guessed.provisioned.shard_hour >= 3.0 * shipped.provisioned.shard_hour);
        assert!(guessed.on_demand.gb_in >= 3.0 * shipped.on_demand.gb_in);
    }

    #[test]
    fn the_shipped_list_is_dated_and_holds_no_free_item() {
        let prices = Prices::shipped();
        assert!(prices.date.parse::<jiff::civil::Date>().is_ok());
        let Prices {
            provisioned,
            on_demand,
            any_mode,
            ..
        } = prices;
        for price in [
            provisioned.shard_hour,
            provisioned.million_put_units,
            provisioned.retention_shard_hour,
            provisioned.long_retention_gb_read,
            provisioned.consumer_shard_hour,
            provisioned.fan_out_gb,
            on_demand.stream_hour,
            on_demand.gb_in,
            on_demand.gb_out,
            on_demand.fan_out_gb,
            on_demand.retention_gb_month,
            any_mode.long_retention_gb_month,
        ] {
            assert!(price > 0.0 && price < 1.0, "{price}");
        }
    }
}
