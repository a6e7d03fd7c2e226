//! What enhanced fan-out adds to a bill: its consumers' shards by the hour, and the gigabytes that they are pushed.

use std::time::Duration;

use super::budget::SHARD_READ_BYTES_PER_S;
use super::prices::Prices;
use crate::report::FigureBasis;
use crate::report::cost::CostLine;
use crate::scenario::Scenario;
use crate::scenario::model::Stream;

/// What fan-out consumers do with one stream.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct FanOut {
    /// How many there are.
    consumers: f64,
    /// Bytes that each is pushed, and how that is known.
    bytes: (f64, FigureBasis),
    /// Shards times hours; of on-demand streams these cost nothing.
    shard_hours: Option<f64>,
}

/// How many fan-out consumers a stream has.
pub(super) fn consumers(scenario: &Scenario, stream: &Stream) -> f64 {
    let consumers = scenario.consumers.values();
    let of_stream =
        consumers.filter(|consumer| consumer.stream == stream.name && consumer.kind.is_fan_out());
    of_stream.count() as f64
}

impl FanOut {
    /// Of a stream to which `written` bytes are put. Of an existing one, which others write to as well, it is not known what
    /// will be pushed: as much as `shards` shards may in `time`.
    pub(super) fn of(
        scenario: &Scenario,
        stream: &Stream,
        written: (f64, FigureBasis),
        (shards, time): (f64, Duration),
    ) -> Self {
        let at_most = shards * SHARD_READ_BYTES_PER_S * time.as_secs_f64();
        Self {
            consumers: consumers(scenario, stream),
            bytes: if stream.existing {
                (at_most, FigureBasis::Assumed)
            } else {
                written
            },
            shard_hours: None,
        }
    }

    /// In provisioned mode, where each consumer also owes its shards' hours.
    #[must_use]
    pub(super) const fn with_shard_hours(mut self, shard_hours: f64) -> Self {
        self.shard_hours = Some(shard_hours);
        self
    }

    /// The lines of the bill; none without consumers.
    pub(super) fn lines(
        self,
        stream: &Stream,
        basis: FigureBasis,
        prices: &Prices,
    ) -> Vec<CostLine> {
        let mut lines = Vec::new();
        if self.consumers == 0.0 {
            return lines;
        }
        let name = stream.name.as_str();
        let gb_price = match self.shard_hours {
            Some(shard_hours) => {
                let (item, price) = (
                    "consumer-shard-hours",
                    prices.provisioned.consumer_shard_hour,
                );
                let quantity = self.consumers * shard_hours;
                lines.push(CostLine::new(name, item, quantity, basis, price));
                prices.provisioned.fan_out_gb
            }
            None => prices.on_demand.fan_out_gb,
        };
        let (bytes, bytes_basis) = self.bytes;
        let gb = self.consumers * bytes / super::cost::GB;
        lines.push(CostLine::new(
            name,
            "GB by fan-out",
            gb,
            bytes_basis,
            gb_price,
        ));
        lines
    }
}
