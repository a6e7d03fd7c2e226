//! The lines of a bill for one stream.

use std::time::Duration;

use super::offer::Offer;
use super::{GB, begun_hours, shards_ever};
use crate::analyse::budget::SHARD_READ_BYTES_PER_S;
use crate::analyse::fan_out::FanOut;
use crate::analyse::prices::Prices;
use crate::kinesis::record::KILOBYTE_BYTES;
use crate::report::FigureBasis;
use crate::report::cost::CostLine;
use crate::scenario::Scenario;
use crate::scenario::model::{Consumer, StartPosition, Stream};

/// Up to here records are kept at no extra price.
const FREE_RETENTION: Duration = Duration::from_hours(24);
/// Beyond this they are priced by their size in both modes, and so is reading them from provisioned streams.
const LONG_RETENTION: Duration = Duration::from_hours(7 * 24);
/// Hours of a month, as AWS's price pages count them (unverified: 730 or 744; fewer cost more).
const MONTH_HOURS: f64 = 730.0;

/// A stream and how it is priced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bill<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) stream: &'a Stream,
    /// Whether it is billed by the gigabyte.
    pub(super) is_on_demand: bool,
    pub(super) prices: &'a Prices,
}

/// What a run has of a stream, whatever it puts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Stay {
    /// Shards that it has at some time.
    pub(super) shards: f64,
    /// Those whose hours this run owes: of a stream that was there before, its owner pays for the shards that it had.
    pub(super) owed: f64,
    /// How long it is read and written.
    pub(super) time: Duration,
    /// Hours that are billed of it, and of each shard.
    pub(super) hours: f64,
    pub(super) basis: FigureBasis,
}

impl Stay {
    /// With every shard that the scenario may open. The stream is there for `whole`, and read and written for `time` of it.
    pub(super) fn of(
        scenario: &Scenario,
        stream: &Stream,
        time: Duration,
        whole: Duration,
        basis: FigureBasis,
    ) -> Self {
        let shards = shards_ever(scenario, stream);
        let had = if stream.existing { stream.shards } else { 0 };
        Self {
            shards,
            owed: (shards - f64::from(had)).max(0.0),
            time,
            hours: begun_hours(whole),
            basis,
        }
    }
}

/// For how many hours a record is kept that is billed for 24 h to 7 days, and beyond.
fn billed_hours(kept: Duration) -> (f64, f64) {
    let hours = |time: Duration| time.as_secs_f64() / 3_600.0;
    (
        hours(kept.min(LONG_RETENTION).saturating_sub(FREE_RETENTION)),
        hours(kept.saturating_sub(LONG_RETENTION)),
    )
}

impl Bill<'_> {
    /// The bill of what is put, for as long as the stream stays.
    pub(super) fn lines(&self, offer: &Offer, stay: &Stay) -> Vec<CostLine> {
        let Self {
            scenario,
            stream,
            prices,
            ..
        } = *self;
        let written = (offer.bytes, offer.basis);
        let fan_out = FanOut::of(scenario, stream, written, (stay.shards, stay.time));
        let (mut lines, fan_out) = if self.is_on_demand {
            (self.by_size(offer, stay), fan_out)
        } else {
            let hours = stay.shards * stay.hours;
            (self.by_shard(offer, stay), fan_out.with_shard_hours(hours))
        };
        lines.extend(fan_out.lines(stream, stay.basis, prices));
        lines
    }

    fn line(&self, item: &str, (quantity, basis): (f64, FigureBasis), price: f64) -> CostLine {
        CostLine::new(self.stream.name.as_str(), item, quantity, basis, price)
    }

    /// In on-demand mode, without fan-out.
    fn by_size(&self, offer: &Offer, stay: &Stay) -> Vec<CostLine> {
        let price = &self.prices.on_demand;
        let hours = if self.stream.existing {
            0.0
        } else {
            stay.hours
        };
        let gb_in = offer.kilobytes * KILOBYTE_BYTES as f64 / GB;
        let (kept, kept_long) = self.gb_months(offer, stay);
        let lines = [
            self.line("stream-hours", (hours, stay.basis), price.stream_hour),
            self.line("GB in", (gb_in, offer.basis), price.gb_in),
            self.line("GB out", self.gb_asked(offer, stay, |_| true), price.gb_out),
            self.line(
                "GB-months kept",
                (kept, offer.basis),
                price.retention_gb_month,
            ),
            self.kept_long(kept_long, offer),
        ];
        lines
            .into_iter()
            .filter(|line| line.quantity > 0.0)
            .collect()
    }

    /// In provisioned mode, without fan-out.
    fn by_shard(&self, offer: &Offer, stay: &Stay) -> Vec<CostLine> {
        let price = &self.prices.provisioned;
        let shard_hours = (stay.owed * stay.hours, stay.basis);
        let mut lines = Vec::new();
        if stay.owed > 0.0 {
            lines.push(self.line("shard-hours", shard_hours, price.shard_hour));
            // However long that is: what is kept beyond 7 days is paid for twice, by the shard and by its size.
            if self.stream.retention > FREE_RETENTION {
                lines.push(self.line(
                    "shard-hours of extended retention",
                    shard_hours,
                    price.retention_shard_hour,
                ));
            }
        }
        let units = (offer.put_units, offer.basis);
        let each = price.million_put_units / 1e6;
        lines.push(self.line("PUT payload units", units, each));
        let (_, kept_long) = self.gb_months(offer, stay);
        if kept_long > 0.0 {
            lines.push(self.kept_long(kept_long, offer));
        }
        if self.kept(stay) > LONG_RETENTION {
            // Who begins at the tip is given nothing so old. Subscriptions are not billed for it.
            let from_before = |consumer: &Consumer| consumer.start != StartPosition::Latest;
            let read = self.gb_asked(offer, stay, from_before);
            if read.0 > 0.0 {
                let item = "GB read beyond 7 days";
                lines.push(self.line(item, read, price.long_retention_gb_read));
            }
        }
        lines
    }

    fn kept_long(&self, gb_months: f64, offer: &Offer) -> CostLine {
        self.line(
            "GB-months kept beyond 7 days",
            (gb_months, offer.basis),
            self.prices.any_mode.long_retention_gb_month,
        )
    }

    /// How long the run's oldest records are kept. A stream that the run makes is deleted after it; what it puts into one
    /// that stays is kept for as long as its owner says.
    fn kept(&self, stay: &Stay) -> Duration {
        if self.stream.existing {
            self.stream.retention
        } else {
            self.stream.retention.min(stay.time)
        }
    }

    /// GB-months of 24 h to 7 days, and beyond. All records count as kept for as long as the oldest.
    fn gb_months(&self, offer: &Offer, stay: &Stay) -> (f64, f64) {
        let (within, beyond) = billed_hours(self.kept(stay));
        let gb = offer.bytes / GB;
        (gb * within / MONTH_HOURS, gb * beyond / MONTH_HOURS)
    }

    /// What is read by those consumers who ask and of whom `counts` holds: all that is written to a stream that the run
    /// makes, once by each of them.
    fn gb_asked(
        &self,
        offer: &Offer,
        stay: &Stay,
        counts: impl Fn(&Consumer) -> bool,
    ) -> (f64, FigureBasis) {
        let consumers = self.scenario.consumers.values();
        let asking = consumers.filter(|consumer| {
            consumer.stream == self.stream.name && !consumer.kind.is_fan_out() && counts(consumer)
        });
        if !self.stream.existing {
            return (asking.count() as f64 * offer.bytes / GB, offer.basis);
        }
        // To this one others write too: their shares of each shard for all the time.
        let per_s: f64 = asking
            .map(|consumer| {
                let share = consumer.max_bytes_per_s.map(|share| share as f64);
                share.unwrap_or(SHARD_READ_BYTES_PER_S)
            })
            .sum();
        let bytes = per_s * stay.shards * stay.time.as_secs_f64();
        (bytes / GB, FigureBasis::Assumed)
    }
}
